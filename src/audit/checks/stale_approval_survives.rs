//! `stale-approval-survives`: an approval stays valid whatever is pushed after it.
//!
//! Either of two settings closes this: a push withdraws approvals, or someone else must approve the last push. Any layer
//! may have it. Where no approval is asked for none can go stale.

use crate::audit::branches;
use crate::audit::review::Review;
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "stale-approval-survives",
    severity: Severity::High,
    summary: "an approval stays valid whatever is pushed after it",
    why: "Someone gets a harmless change approved, pushes another one to the same branch, and merges that.",
    fix: "switch on `dismiss_stale_reviews_on_push`, and `require_last_push_approval`",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-a-pull-request-before-merging",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        let Some(review) = Review::of(effective)? else {
            return Ok(());
        };
        if !review.asks_for_approval() || review.dismisses_stale || review.last_push {
            return Ok(());
        }
        effective.nothing_else().map_err(Clone::clone)?;
        let place = branches::place(scene, effective, review.binding).field("dismiss_stale_reviews_on_push");
        findings.add(place, "", "approvals survive later pushes: what is merged need not be what was approved");
        Ok(())
    })
}
