//! `unmanaged-ruleset`: a ruleset or branch protection that the policy does not know.
//!
//! Where the policy says `unmanaged = "ignore"` the check looks at nothing.

use crate::audit::{Check, Findings, Look, Looked, PolicyScene, Severity};
use crate::github::drift::Direction;
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "unmanaged-ruleset",
    severity: Severity::Low,
    summary: "the policy does not know a ruleset or a branch protection",
    why: "Someone made it by hand, nobody reviews it with the policy, and people take for a rule what the policy does not hold.",
    fix: "write it into the policy, or delete it",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/managing-rulesets-for-a-repository",
    reads: &[Part::OwnerRulesets],
    looks: &[Look::Policy(look)],
};

fn look(scene: &PolicyScene<'_>, findings: &mut Findings) -> Looked {
    for difference in scene.drift.read().map_err(Clone::clone)? {
        let mut place = scene.place.clone();
        place.source = Some(difference.source(&place.target));
        match &difference.why {
            None if difference.direction == Direction::Unmanaged => {
                let what = if difference.classic { "branch protection" } else { "ruleset" };
                findings.add(place, "", format!("the {what} `{}` is not in the policy", difference.ruleset));
            }
            Some(why) if difference.ruleset.is_empty() => findings.cannot_tell(place, why),
            _ => {}
        }
    }
    Ok(())
}
