//! `fragmented`: several rulesets are for the same refs, with the same bypass, and could be one.
//!
//! Rulesets that have a rule about the same text stay apart: one ruleset has each such rule once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use crate::audit::{Check, Findings, Look, Looked, OwnerScene, Place, RepositoryScene, Severity};
use crate::github::drift::canonical;
use crate::github::effective::is_in_force;
use crate::github::part::Part;
use crate::github::readable::{Hidden, Readable};
use crate::github::ruleset::Ruleset;

pub(super) static CHECK: Check = Check {
    id: "fragmented",
    severity: Severity::Low,
    summary: "several rulesets are for the same refs, with the same bypass",
    why: "Whoever looks at one of them sees a part of what binds, and a change to one is forgotten in the other.",
    fix: "make them one ruleset",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets#about-rule-layering",
    reads: &[Part::OwnerRulesets],
    looks: &[Look::Owner(owner), Look::Repository(repository)],
};

fn owner(scene: &OwnerScene<'_>, findings: &mut Findings) -> Looked {
    look(&scene.context.owner.rulesets, findings)
}

fn repository(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    look(&scene.repository.rulesets, findings)
}

/// A repository's list has its organization's rulesets, too; what is found of those is one finding wherever it is met.
fn look(rulesets: &Readable<Vec<Arc<Ruleset>>>, findings: &mut Findings) -> Looked {
    let mut of_target: BTreeMap<[String; 3], Vec<&Ruleset>> = BTreeMap::new();
    for ruleset in rulesets.read().map_err(Clone::clone)?.iter().filter(|ruleset| is_in_force(ruleset)) {
        let key = [ruleset.source_type.to_string(), ruleset.source.clone(), ruleset.target.to_string()];
        of_target.entry(key).or_default().push(ruleset);
    }
    // Alone it is like no other, whatever of it is hidden.
    for rulesets in of_target.values().filter(|rulesets| rulesets.len() > 1) {
        let mut alike: BTreeMap<[String; 2], Vec<&Ruleset>> = BTreeMap::new();
        for ruleset in rulesets {
            match scope_of(ruleset) {
                Ok(scope) => alike.entry(scope).or_default().push(ruleset),
                Err(hidden) => findings.cannot_tell(Place::ruleset(ruleset), hidden),
            }
        }
        for mut same in alike.into_values() {
            same.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
            let Some(first) = same.first().filter(|_| same.len() > 1) else { continue };
            match conflict(&same) {
                Ok(false) => {
                    let names: Vec<String> = same.iter().map(|ruleset| format!("`{}`", ruleset.name)).collect();
                    let mut place = Place::target(first.source.clone());
                    place.url.clone_from(&first.html_url);
                    let message = format!("{} are for the same refs, with the same bypass", names.join(", "));
                    findings.add(place, &names.join(" "), message);
                }
                Ok(true) => {}
                Err(hidden) => findings.cannot_tell(Place::ruleset(first), hidden),
            }
        }
    }
    Ok(())
}

/// Where it applies and who passes it.
fn scope_of(ruleset: &Ruleset) -> Result<[String; 2], &Hidden> {
    let conditions = ruleset.conditions.read()?;
    let bypass = ruleset.bypass_actors.read()?;
    Ok([canonical(&json!(conditions)), canonical(&json!(bypass))])
}

/// Whether two of them have a rule that one ruleset has once.
fn conflict<'r>(rulesets: &[&'r Ruleset]) -> Result<bool, &'r Hidden> {
    let mut seen = BTreeSet::new();
    for ruleset in rulesets {
        let texts: BTreeSet<&str> =
            ruleset.rules.read()?.iter().map(|rule| rule.name.as_str()).filter(|name| name.ends_with("_pattern")).collect();
        if texts.iter().any(|name| seen.contains(name)) {
            return Ok(true);
        }
        seen.extend(texts);
    }
    Ok(false)
}
