//! `bypass-list-hidden`: who passes a rule may not be read. A list that is absent from an answer is hidden, not empty.
//!
//! A hidden list can't be told. What can is that it is not empty: when GitHub counts more than it shows, or says that the
//! reader passes.

use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, RulesetScene, Severity};
use crate::github::part::Part;
use crate::github::{Cause, Hidden};

pub(super) static CHECK: Check = Check {
    id: "bypass-list-hidden",
    severity: Severity::High,
    summary: "someone passes the rules who is not shown",
    why: "GitHub leaves the list of bypassers out for whoever may not edit the ruleset. It looks like an empty list and may name anyone.",
    fix: "give the token `administration: write` on the repository, or on the organization for its rulesets, for this reading",
    link: "https://docs.github.com/en/rest/repos/rules#get-a-repository-ruleset",
    reads: &[Part::OwnerRulesets],
    looks: &[Look::Ruleset(look_at_ruleset), Look::Repository(look_at_protections)],
};

fn look_at_ruleset(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    let ruleset = scene.ruleset;
    if !ruleset.may_enforce() {
        return Ok(());
    }
    let place = Place::ruleset(ruleset).field("bypass_actors");
    let counted = ruleset.bypass_actor_count.unwrap_or_default();
    match ruleset.bypass_actors.read() {
        Ok(shown) => {
            let shown = u64::try_from(shown.len()).unwrap_or(u64::MAX);
            if counted > shown {
                let message = format!("{counted} pass the ruleset, of whom {shown} are shown");
                findings.add(place, "count", message);
            }
        }
        Err(why) => {
            if counted > 0 {
                findings.add(place.clone(), "count", format!("{counted} pass the ruleset, and who they are is hidden"));
            } else if let Some(mode @ ("always" | "pull_requests_only" | "exempt")) = ruleset.current_user_can_bypass.as_deref() {
                let message = format!("the token passes the ruleset (`{mode}`), and who else does is hidden");
                findings.add(place.clone(), "token", message);
            }
            if is_asked(why) {
                findings.cannot_tell(place, why);
            }
        }
    }
    Ok(())
}

/// Of a classic rule's lists, those that matter: who pushes is asked only where pushes are restricted.
fn look_at_protections(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    for protection in scene.repository.protections.read().map_err(Clone::clone)? {
        let lists = [
            ("pushAllowances", protection.restricts_pushes, &protection.push_allowances),
            ("bypassPullRequestAllowances", protection.requires_approving_reviews, &protection.bypass_pull_request_allowances),
            ("bypassForcePushAllowances", !protection.allows_force_pushes, &protection.bypass_force_push_allowances),
            ("reviewDismissalAllowances", protection.restricts_review_dismissals, &protection.review_dismissal_allowances),
        ];
        for (field, matters, list) in lists {
            if matters
                && let Err(why) = list.read()
                && is_asked(why)
            {
                let source = crate::github::effective::Source::classic(protection);
                findings.cannot_tell(scene.place().source(&source).field(field), why);
            }
        }
    }
    Ok(())
}

fn is_asked(why: &Hidden) -> bool {
    why.cause != Cause::NotAsked
}
