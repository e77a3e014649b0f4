//! `bypass-always`: someone passes a ruleset's rules on every push.

use crate::audit::{Check, Findings, Look, Looked, Place, RulesetScene, Severity};
use crate::github::effective::Door;
use crate::github::part::Part;
use crate::github::ruleset::BypassMode;

pub(super) static CHECK: Check = Check {
    id: "bypass-always",
    severity: Severity::High,
    summary: "someone may pass a ruleset on every push",
    why: "A bypass of mode `always` lets its holder push past every rule of the ruleset, from the command line, without a pull request.",
    fix: "set the bypass to `pull_request`, or remove it and grant it only while it is needed",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/creating-rulesets-for-a-repository#granting-bypass-permissions-for-your-branch-or-tag-ruleset",
    reads: &[Part::OwnerRulesets, Part::Teams, Part::Installations, Part::CustomRoles],
    looks: &[Look::Ruleset(look)],
};

fn look(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    if !scene.ruleset.may_enforce() {
        return Ok(());
    }
    let rules = scene.ruleset.rules.read().map_err(Clone::clone)?;
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    for actor in scene.ruleset.bypass_actors.read().map_err(Clone::clone)? {
        let place = Place::ruleset(scene.ruleset).field("bypass_actors");
        if let Err(unknown) = super::known_mode(actor) {
            findings.cannot_tell(place, &unknown);
        } else if actor.bypass_mode.is(&BypassMode::Always) && !names.is_empty() {
            let door = Door::of(actor, scene.context.owner);
            findings
                .add(place, &door.who.to_string(), format!("`{}` passes {} on every push", door.who, names.join(", ")))
                .who([&door.who]);
        }
    }
    Ok(())
}
