//! `unmanaged-ruleset`: a ruleset or branch protection that the policy does not know.
//!
//! Where the policy says `unmanaged = "ignore"` the check looks at nothing.

use crate::audit::{Check, Findings, Look, Looked, OwnerScene, Place, RepositoryScene, Severity};
use crate::github::drift::{Difference, Direction};
use crate::github::part::Part;
use crate::github::readable::Readable;

pub(super) static CHECK: Check = Check {
    id: "unmanaged-ruleset",
    severity: Severity::Low,
    summary: "the policy does not know a ruleset or a branch protection",
    why: "Someone made it by hand, nobody reviews it with the policy, and people take for a rule what the policy does not hold.",
    fix: "write it into the policy, or delete it",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/managing-rulesets-for-a-repository",
    reads: &[Part::OwnerRulesets],
    looks: &[Look::Owner(owner), Look::Repository(repository)],
};

fn owner(scene: &OwnerScene<'_>, findings: &mut Findings) -> Looked {
    look(&Place::target(scene.context.owner.login.clone()), scene.drift, findings)
}

fn repository(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    look(&scene.place(), scene.drift, findings)
}

fn look(place: &Place, drift: &Readable<Vec<Difference>>, findings: &mut Findings) -> Looked {
    for difference in drift.read().map_err(Clone::clone)? {
        let mut place = place.clone();
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
