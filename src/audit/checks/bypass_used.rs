//! `bypass-used`: someone passed a ruleset lately.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::{Check, Findings, Look, Looked, OwnerScene, Place, RepositoryScene, Severity};
use crate::github::effective::Who;
use crate::github::part::Part;
use crate::github::readable::{Cause, Hidden};
use crate::github::repository::RuleSuite;

pub(super) static CHECK: Check = Check {
    id: "bypass-used",
    severity: Severity::Medium,
    summary: "someone passed a ruleset in the last month",
    why: "The lock was opened: what was pushed then satisfied no rule, and nobody may have looked at it since.",
    fix: "look at what was pushed, and at whether the bypass is still needed",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/managing-rulesets-for-a-repository#viewing-insights-for-rulesets",
    reads: &[Part::OwnerRuleSuites, Part::RuleSuites],
    looks: &[Look::Owner(of_owner), Look::Repository(of_repository)],
};

fn of_owner(scene: &OwnerScene<'_>, findings: &mut Findings) -> Looked {
    let owner = scene.context.owner;
    let suites = owner.rule_suites.read().map_err(Clone::clone)?;
    let mut repositories: BTreeMap<String, Vec<&RuleSuite>> = BTreeMap::new();
    for (name, suite) in suites {
        // GitHub gives the repository's name alone.
        let name = if name.contains('/') { name.clone() } else { format!("{}/{name}", owner.login) };
        repositories.entry(name).or_default().push(suite);
    }
    for (name, suites) in repositories {
        report(&Place::target(name), suites, findings);
    }
    Ok(())
}

fn of_repository(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let suites = scene.repository.rule_suites.read().map_err(Clone::clone)?;
    report(&scene.place(), suites.iter(), findings);
    Ok(())
}

/// One finding for each person and ref.
fn report<'a>(place: &Place, suites: impl IntoIterator<Item = &'a RuleSuite>, findings: &mut Findings) {
    let mut bypasses: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    let mut unknown = BTreeSet::new();
    for suite in suites {
        match suite.result.as_str() {
            "bypass" => {
                let actor = suite.actor.as_deref().unwrap_or("someone");
                bypasses.entry((actor, &suite.ref_name)).or_default().push(&suite.pushed_at);
            }
            "pass" | "fail" => {}
            result => {
                unknown.insert(result);
            }
        }
    }
    for result in unknown {
        let why = format!("the rule suite's result `{result}` is not known to this program");
        findings.cannot_tell(place.clone(), &Hidden::new(Cause::Unknown, why));
    }
    for ((actor, ref_name), mut times) in bypasses {
        times.sort_unstable();
        let times = match times.as_slice() {
            [once] => format!("at {once}"),
            [.., last] => format!("{} times, last at {last}", times.len()),
            [] => continue,
        };
        let message = format!("`{actor}` passed the rules of `{ref_name}` {times}");
        findings.add(place.clone().ref_name(ref_name), actor, message).who([&Who::User(actor.to_owned())]);
    }
}
