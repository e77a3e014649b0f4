//! `dismissal-open`: everyone who can push can dismiss a review that asks for changes.
//!
//! A restriction that names a role which everyone who can push has, or a weaker one, restricts nobody.

use crate::audit::branches;
use crate::audit::review::Review;
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "dismissal-open",
    severity: Severity::Medium,
    summary: "everyone who can push can dismiss reviews",
    why: "Someone who can push dismisses the review that asks for changes, and merges against it.",
    fix: "restrict who can dismiss reviews to those who answer for the branch",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-a-pull-request-before-merging",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        let Some(review) = Review::of(effective)? else {
            return Ok(());
        };
        if !review.asks_for_approval() || review.dismissal_restricted {
            return Ok(());
        }
        effective.nothing_else().map_err(Clone::clone)?;
        let place = branches::place(scene, effective, review.binding).field("dismissal_restriction");
        findings.add(place, "", "whoever can push can dismiss a review that asks for changes");
        Ok(())
    })
}
