//! `last-push-unapproved`: who pushed last to a pull request may approve it.
//!
//! Only the author can't approve a pull request; whoever else pushes to it can. Where approvals also survive pushes,
//! `stale-approval-survives` says the worse thing, and its fix closes this, too.

use crate::audit::branches;
use crate::audit::review::Review;
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "last-push-unapproved",
    severity: Severity::High,
    summary: "who pushed last may approve their own push",
    why: "Someone other than the author pushes to the pull request and then approves it: their own change is merged with nobody else having seen it.",
    fix: "switch on `require_last_push_approval`",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-a-pull-request-before-merging",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        let Some(review) = Review::of(effective)? else {
            return Ok(());
        };
        if !review.asks_for_approval() || review.last_push || !review.dismisses_stale {
            return Ok(());
        }
        effective.nothing_else().map_err(Clone::clone)?;
        let place = branches::place(scene, effective, review.binding).field("require_last_push_approval");
        findings.add(place, "", "the last push needs no approval by someone else: whoever pushes to another's pull request approves their own change");
        Ok(())
    })
}
