//! `protection-unreadable`: what protects a branch may not be read, so that it may demand anything or nothing.
//!
//! Hidden settings can't be told. What can is that there are some: when the branch itself says that something protects it and
//! nothing that can be read does.

use crate::audit::gaps;
use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, RulesetScene, Severity};
use crate::github::Cause;
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "protection-unreadable",
    severity: Severity::High,
    summary: "something protects the branch, but what it demands may not be read",
    why: "A protection that can't be read may demand nothing and let anyone past: GitHub answers 404 both where there is none and where it may not be seen.",
    fix: "give the token `administration: read` on the repository; for what an enterprise demands, ask its owners",
    link: "https://docs.github.com/en/rest/branches/branch-protection",
    reads: &[Part::SecondWitness, Part::OwnerRulesets],
    looks: &[Look::Ruleset(look_at_ruleset), Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    if let Some(effective) = scene.default_branch()
        && super::protected_unseen(scene)
    {
        let place = scene.place().ref_name(&effective.ref_name).field("protected");
        let message = format!(
            "`{}` is protected by something that can't be read: what it demands and whom it lets past is not known",
            effective.ref_name
        );
        findings.add(place, "", message);
    }
    // Where nothing that was read binds it, only the branch could have said that something else does.
    if let Some(effective) = scene.default_branch()
        && !super::is_bound(effective)
        && let Some(branch) = &scene.repository.default_branch
        && let Err(why) = branch.protected.read()
        && why.cause != Cause::NotAsked
    {
        findings.cannot_tell(scene.place().ref_name(&effective.ref_name).field("protected"), why);
    }
    // A hidden list of rulesets is said of the look at rulesets. What the plan does not have is no secret:
    // `feature-unavailable` speaks of it.
    match scene.repository.protections.read() {
        Err(why) if why.cause != Cause::NotOffered => {
            findings.cannot_tell(scene.place().field("branchProtectionRules"), why);
        }
        _ => {}
    }
    Ok(())
}

fn look_at_ruleset(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    if scene.ruleset.may_enforce() {
        for gap in gaps::of_ruleset(scene.ruleset).iter().filter(|gap| gap.field != "bypass_actors") {
            findings.cannot_tell(Place::ruleset(scene.ruleset).field(&gap.field), gap.why);
        }
    }
    Ok(())
}
