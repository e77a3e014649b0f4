//! `check-never-reported`: none of the last merged pull requests reported a required check.
//!
//! What was merged into the same branch is compared. Where nothing was merged into it yet, nothing is found: a check that nobody had a
//! chance to report is no fault. Where only others of the last were read, it can't be told. A status does not tell its app: where it
//! alone was reported for a check that an app must report, it can't be told either.

use crate::audit::branches;
use crate::audit::required;
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::{Cause, Hidden};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "check-never-reported",
    severity: Severity::Medium,
    summary: "a required check is not reported by anything",
    why: "Every pull request waits for it forever, until someone uses a bypass, which becomes the habit.",
    fix: "correct the name of the check, or remove it from the rule",
    link: "https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/troubleshooting-required-status-checks",
    reads: &[Part::Refs, Part::Reported],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        let required = required::of(effective);
        if !required.is_empty() {
            let branch = effective.ref_name.strip_prefix("refs/heads/").unwrap_or(&effective.ref_name);
            let all = scene.repository.reported.read().map_err(Clone::clone)?;
            let merged: Vec<_> = all.iter().filter(|merged| merged.base == branch).collect();
            let unread: Option<&Hidden> = merged.iter().find_map(|merged| merged.checks.read().err());
            let count = merged.len();
            if count == 0 && !are_all(scene, all.len()) {
                let why = match all.len() {
                    1 => format!("the last merged pull request was not into `{branch}`, and older ones were not read"),
                    many => format!("none of the last {many} merged pull requests was into `{branch}`, and older ones were not read"),
                };
                return Err(Hidden::new(Cause::Partial, why));
            }
            for required in required.iter().filter(|_| count > 0) {
                let reported = || {
                    let checks = merged.iter().filter_map(|merged| merged.checks.known()).flatten();
                    checks.filter(|check| check.context == required.context)
                };
                let app = required.app.and_then(|app| u64::try_from(app).ok());
                if reported().any(|check| app.is_none() || check.app_id == app) {
                    continue;
                }
                let place =
                    scene.place().source(&required.binding.source).ref_name(&effective.ref_name).field("required_status_checks");
                if let Some(hidden) = unread {
                    findings.cannot_tell(place, hidden);
                    continue;
                }
                if let Some(app) = required.app.filter(|_| reported().any(|check| check.app_id.is_none())) {
                    let why = format!(
                        "`{}` is required from app #{app}, and was reported as a status, which does not tell its app",
                        required.context
                    );
                    findings.cannot_tell(place, &Hidden::new(Cause::NotOffered, why));
                    continue;
                }
                let context = required.context;
                let message = match (reported().next(), required.app) {
                    (Some(_), Some(app)) => format!(
                        "`{context}` is required from app #{app}, and on the last {count} merged pull requests only others reported it"
                    ),
                    _ => format!("`{context}` is required, and none of the last {count} merged pull requests reported it"),
                };
                findings.add(place, context, message);
            }
        }
        // What is hidden may require other checks.
        effective.nothing_else().map_err(Clone::clone)
    })
}

/// Whether so many are all that were ever merged.
fn are_all(scene: &RepositoryScene<'_>, read: usize) -> bool {
    let merged = scene.repository.merged_pull_requests.known();
    merged.map_or(read == 0, |merged| u64::try_from(read).is_ok_and(|read| *merged <= read))
}
