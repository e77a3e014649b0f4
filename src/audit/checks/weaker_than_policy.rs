//! `weaker-than-policy`: GitHub asks for less than the policy.
//!
//! Only what is certainly less is a finding; where it can't be told which of two settings refuses more, the check can't
//! tell. What asks for more, and what the policy does not know, stands in the result's drift. That nothing binds the default
//! branch at all may be found by `branch-unprotected`, too: this check says which of the policy's rulesets is missing.

use serde_json::Value;

use crate::audit::scene::Context;
use crate::audit::{Check, Findings, Look, Looked, PolicyScene, Severity};
use crate::git::RefName;
use crate::github::drift::{Difference, Direction, WHOLE};
use crate::github::part::Part;
use crate::github::repository::Repository;
use crate::github::scope;
use crate::policy::{DefaultBranch, Enforcement};
use crate::rules::Target;

pub(super) static CHECK: Check = Check {
    id: "weaker-than-policy",
    severity: Severity::Medium,
    summary: "less is asked for on GitHub than in the policy",
    why: "What the policy refuses passes on GitHub: someone changed a setting there, or the policy was never applied.",
    fix: "apply the policy, or write into it what should be so",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets",
    reads: &[Part::OwnerRulesets, Part::Teams, Part::Installations, Part::CustomRoles, Part::People],
    looks: &[Look::Policy(look)],
};

fn look(scene: &PolicyScene<'_>, findings: &mut Findings) -> Looked {
    let PolicyScene { context, place, repository, drift } = *scene;
    for difference in drift.read().map_err(Clone::clone)?.iter().filter(|difference| !difference.ruleset.is_empty()) {
        let mut place = place.clone().field(difference.field.clone());
        place.source = Some(difference.source(&place.target));
        match (&difference.direction, &difference.why) {
            (Direction::Weaker, _) => {
                let finding = findings.add(place, &difference.field, message(context, difference));
                finding.severity(severity(context, difference, repository));
                if let Some(rest) = difference.field.strip_prefix("bypass_actors[") {
                    finding.who = vec![rest.split(']').next().unwrap_or_default().to_owned()];
                }
            }
            (Direction::CannotTell | Direction::Different, Some(why)) => findings.cannot_tell(place, why),
            _ => {}
        }
    }
    Ok(())
}

fn message(context: &Context<'_>, difference: &Difference) -> String {
    let file = context.policy.map(|policy| policy.file.as_str()).unwrap_or_default();
    let (field, at) = (&difference.field, format!("{file}:{}", difference.at.line));
    let what = if difference.classic { "branch protection" } else { "ruleset" };
    match (&difference.desired, &difference.live) {
        _ if field == WHOLE => format!("the {what} `{}`, which the policy asks for, does not exist ({at})", difference.ruleset),
        (Some(_), None) => format!("`{field}` is missing, which the policy asks for ({at})"),
        (None, _) => format!("`{field}` is there, which the policy does not have ({at})"),
        (Some(desired), Some(live)) => {
            format!("`{field}` is `{}`, and the policy asks for `{}` ({at})", shown(live), shown(desired))
        }
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn severity(context: &Context<'_>, difference: &Difference, repository: Option<&Repository>) -> Severity {
    let whole_rule = match difference.classic {
        false => difference.field.strip_prefix("rules.").is_some_and(|rule| !rule.contains('.')),
        true => difference.desired.as_ref().is_some_and(Value::is_object),
    };
    if difference.field == WHOLE {
        let is_default = repository.is_some_and(|repository| covers_default(context, difference, repository));
        if is_default { Severity::Critical } else { Severity::High }
    } else if difference.field == "enforcement" || whole_rule || difference.desired.as_ref().is_some_and(Value::is_number) {
        Severity::High
    } else {
        CHECK.severity
    }
}

/// Whether what is missing should refuse something on the default branch.
fn covers_default(context: &Context<'_>, difference: &Difference, repository: &Repository) -> bool {
    let Some(branch) = &repository.default_branch else { return false };
    if difference.classic {
        return scope::protects(&difference.ruleset, &branch.name).unwrap_or(false);
    }
    let Ok(name) = RefName::parse(format!("refs/heads/{}", branch.name).as_bytes()) else { return false };
    let default = DefaultBranch::Exists(name.clone());
    context.policy.is_some_and(|policy| {
        policy.rulesets.iter().any(|ruleset| {
            ruleset.name == difference.ruleset
                && ruleset.target == Target::Branch
                && ruleset.enforcement == Enforcement::Active
                && ruleset.refs.judges(&name, &default).unwrap_or(false)
        })
    })
}
