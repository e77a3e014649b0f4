//! `ruleset-not-enforcing`: a ruleset only reports, or does nothing.
//!
//! Quiet where the policy has a ruleset of that name that is not in force either: then it is meant.

use crate::audit::{Check, Findings, Look, Looked, Place, RulesetScene, Severity};
use crate::github::part::Part;
use crate::github::ruleset::Enforcement;
use crate::github::{Cause, Hidden, Word};
use crate::policy;

pub(super) static CHECK: Check = Check {
    id: "ruleset-not-enforcing",
    severity: Severity::High,
    summary: "a ruleset reports or is switched off, and refuses nothing",
    why: "A dry run looks like a rule in every list and refuses no push.",
    fix: "set the enforcement to `active`, or delete the ruleset",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets#using-ruleset-enforcement-statuses",
    reads: &[Part::OwnerRulesets],
    looks: &[Look::Ruleset(look)],
};

fn look(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    let ruleset = scene.ruleset;
    let (severity, what) = match &ruleset.enforcement {
        Word::Known(Enforcement::Active) => return Ok(()),
        Word::Known(Enforcement::Evaluate) => (Severity::High, "only reports"),
        Word::Known(Enforcement::Disabled) => (Severity::Medium, "is switched off"),
        Word::Unknown(word) => return Err(Hidden::new(Cause::Unknown, format!("the enforcement is `{word}`"))),
    };
    let meant = |wanted: &policy::Ruleset| wanted.name == ruleset.name && wanted.enforcement != policy::Enforcement::Active;
    if scene.context.policy.is_some_and(|policy| policy.rulesets.iter().any(meant)) {
        return Ok(());
    }
    let mut message = format!("the ruleset {what}");
    if let Some(rules) = ruleset.rules.known().filter(|rules| !rules.is_empty()) {
        let names = super::listed(rules.iter().map(|rule| rule.name.as_str()));
        message.push_str(&format!(": no push is refused for {names}"));
    }
    findings.add(Place::ruleset(ruleset).field("enforcement"), "", message).severity(severity);
    Ok(())
}
