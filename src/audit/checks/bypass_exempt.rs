//! `bypass-exempt`: a ruleset does not even run for someone.

use crate::audit::{Check, Findings, Look, Looked, Place, RulesetScene, Severity};
use crate::github::effective::Door;
use crate::github::part::Part;
use crate::github::ruleset::BypassMode;

pub(super) static CHECK: Check = Check {
    id: "bypass-exempt",
    severity: Severity::High,
    summary: "someone is exempt from a ruleset, without a record",
    why: "For whoever is exempt the rules are not run at all: what they push past a rule is in no audit log and in no rule insight.",
    fix: "set the bypass to `pull_request` or `always`, which leave a record, or remove it",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/creating-rulesets-for-a-repository#granting-bypass-permissions-for-your-branch-or-tag-ruleset",
    reads: &[Part::OwnerRulesets, Part::Teams, Part::Installations, Part::CustomRoles],
    looks: &[Look::Ruleset(look)],
};

fn look(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    if !scene.ruleset.may_enforce() {
        return Ok(());
    }
    for actor in scene.ruleset.bypass_actors.read().map_err(Clone::clone)? {
        let place = Place::ruleset(scene.ruleset).field("bypass_actors");
        if let Err(unknown) = super::known_mode(actor) {
            findings.cannot_tell(place, &unknown);
        } else if actor.bypass_mode.is(&BypassMode::Exempt) {
            let door = Door::of(actor, scene.context.owner);
            findings
                .add(place, &door.who.to_string(), format!("the ruleset is not run for `{}`, and nothing is recorded", door.who))
                .who([&door.who]);
        }
    }
    Ok(())
}
