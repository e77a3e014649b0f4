//! `approvals-below`: fewer approvals are required than the policy asks for.
//!
//! The layers of a branch hold together, so the largest count is compared with the largest that the policy asks for.
//! Where no pull request is required at all, `no-pr-required` says so; without a policy there is nothing to compare
//! with, and a rule that asks for no approval is `rule-hollow`'s.

use crate::audit::branches;
use crate::audit::review::{Review, approvals};
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;
use serde_json::Value;

pub(super) static CHECK: Check = Check {
    id: "approvals-below",
    severity: Severity::High,
    summary: "fewer approvals are required than the policy asks for",
    why: "A change reaches the branch with fewer people having seen it than was agreed.",
    fix: "raise `required_approving_review_count` to what the policy asks for",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-a-pull-request-before-merging",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        let wanted = branches::asked(scene, &effective.ref_name, "pull_request")
            .iter()
            .filter_map(|settings| settings.get("required_approving_review_count").and_then(Value::as_u64))
            .max()
            .unwrap_or(0);
        if wanted == 0 {
            return Ok(());
        }
        let Some(review) = Review::of(effective)? else {
            return Ok(());
        };
        if review.approvals >= wanted {
            return Ok(());
        }
        effective.nothing_else().map_err(Clone::clone)?;
        let place = branches::place(scene, effective, review.binding).field("required_approving_review_count");
        let has = review.approvals;
        findings
            .add(place, "", format!("`{has}` approvals are required where the policy asks for `{wanted}`"))
            .fix(format!("require {} in {}", approvals(wanted), review.binding.source));
        Ok(())
    })
}
