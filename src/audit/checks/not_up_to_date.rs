//! `not-up-to-date`: checks pass on a pull request that is behind its branch, and nothing tests it again.

use crate::audit::branches;
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "not-up-to-date",
    severity: Severity::Low,
    summary: "a change is merged that was never tested with what is on the branch",
    why: "Two changes that pass alone and break together both reach the branch.",
    fix: "switch on `strict_required_status_checks_policy`, or use a merge queue",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-status-checks-to-pass-before-merging",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        if effective.required_checks().any(|(_, parameters, _)| parameters.strict_required_status_checks_policy)
            || effective.find_rule("merge_queue").map_err(Clone::clone)?.is_some()
        {
            return Ok(());
        }
        // No layer is hidden: `find_rule` would have said so.
        let Some((_, _, binding)) = effective.required_checks().next() else {
            return Ok(());
        };
        let place = branches::place(scene, effective, binding).field("strict_required_status_checks_policy");
        findings.add(place, "", "a pull request need not be up to date: what is merged was not tested with what is there");
        Ok(())
    })
}
