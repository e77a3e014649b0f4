//! `check-never-reported`: none of the last merged pull requests reported a required check.
//!
//! What was merged into the same branch is compared. Where nothing was merged into it yet, nothing is found: a check
//! that nobody had a chance to report is no fault. A status does not tell its app, so any app may have set it.

use crate::audit::branches;
use crate::audit::required;
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::Hidden;
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
            let merged = scene.repository.reported.read().map_err(Clone::clone)?;
            let merged: Vec<_> = merged.iter().filter(|merged| merged.base == branch).collect();
            let unread: Option<&Hidden> = merged.iter().find_map(|merged| merged.checks.read().err());
            let count = merged.len();
            for required in required.iter().filter(|_| count > 0) {
                let reported = || {
                    let checks = merged.iter().filter_map(|merged| merged.checks.known()).flatten();
                    checks.filter(|check| check.context == required.context)
                };
                let app = required.app.and_then(|app| u64::try_from(app).ok());
                if reported().any(|check| app.is_none() || check.app_id.is_none() || check.app_id == app) {
                    continue;
                }
                let place = scene.place().source(&required.binding.source).ref_name(&effective.ref_name).field("required_status_checks");
                if let Some(hidden) = unread {
                    findings.cannot_tell(place, hidden);
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
