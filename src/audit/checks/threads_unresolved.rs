//! `threads-unresolved`: pull requests are merged with open conversations.

use crate::audit::branches;
use crate::audit::review::Review;
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "threads-unresolved",
    severity: Severity::Low,
    summary: "pull requests are merged with open conversations",
    why: "A question or an objection in a review is left open and forgotten.",
    fix: "switch on `required_review_thread_resolution`",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-a-pull-request-before-merging",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        let Some(review) = Review::of(effective)? else {
            return Ok(());
        };
        if review.threads {
            return Ok(());
        }
        effective.nothing_else().map_err(Clone::clone)?;
        let place = branches::place(scene, effective, review.binding).field("required_review_thread_resolution");
        findings.add(place, "", "conversations need not be resolved before a merge");
        Ok(())
    })
}
