//! `scope-escape`: a repository's administrators can take it out of an organization's ruleset.
//!
//! By renaming it, where the ruleset picks repositories by name and does not keep the names; by changing a custom property,
//! where repositories set it themselves. Properties that GitHub sets are not looked at.

use crate::audit::{Check, Findings, Look, Looked, Place, RulesetScene, Severity};
use crate::github::effective::Who;
use crate::github::part::Part;
use crate::github::ruleset::{Conditions, Names};
use crate::github::{Cause, Hidden};

pub(super) static CHECK: Check = Check {
    id: "scope-escape",
    severity: Severity::High,
    summary: "a repository's administrators can take it out of the ruleset's reach",
    why: "The rules stay in force and no longer apply: the repository was renamed, or its property changed, by someone whom the rules should bind.",
    fix: "prevent the renaming of target repositories in the ruleset, or let only the organization set the property",
    link: "https://docs.github.com/en/organizations/managing-organization-settings/creating-rulesets-for-repositories-in-your-organization#choosing-which-repositories-to-target-in-your-organization",
    reads: &[Part::OwnerRulesets, Part::Properties],
    looks: &[Look::Ruleset(look)],
};

fn look(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    let ruleset = scene.ruleset;
    if !ruleset.may_enforce() {
        return Ok(());
    }
    let conditions = ruleset.conditions.read().map_err(Clone::clone)?;
    let admins = Who::Role("admin".to_owned());
    if let Some(names) = &conditions.repository_name
        && picks(names)
        && names.protected != Some(true)
    {
        let place = Place::ruleset(ruleset).field("conditions.repository_name.protected");
        let mut message = format!(
            "a repository leaves the ruleset when it is renamed: the ruleset is for {}",
            super::listed(names.include.iter().map(String::as_str))
        );
        if !names.exclude.is_empty() {
            message.push_str(&format!(" except {}", super::listed(names.exclude.iter().map(String::as_str))));
        }
        findings.add(place, "name", message).who([&admins]).fix("set `protected` in the ruleset's condition on names");
    }
    for name in properties(conditions) {
        let place = Place::ruleset(ruleset).field("conditions.repository_property");
        match editable(scene, name) {
            Ok(true) => {
                let message = format!("a repository leaves the ruleset when its property `{name}` changes, which it sets itself");
                findings.add(place, name, message).who([&admins]).fix(format!("let only the organization set `{name}`"));
            }
            Ok(false) => {}
            Err(why) => findings.cannot_tell(place, &why),
        }
    }
    Ok(())
}

/// Whether a name decides.
fn picks(names: &Names) -> bool {
    let is_for_all = names.include.iter().any(|name| name == "~ALL") && names.exclude.is_empty();
    !is_for_all && !names.include.is_empty()
}

/// The custom properties that decide, each once.
fn properties(conditions: &Conditions) -> std::collections::BTreeSet<&str> {
    conditions
        .repository_property
        .iter()
        .flat_map(|properties| properties.include.iter().chain(&properties.exclude))
        .filter(|property| property.source.as_deref() != Some("system"))
        .map(|property| property.name.as_str())
        .collect()
}

/// Whether repositories set the property.
fn editable(scene: &RulesetScene<'_>, name: &str) -> Result<bool, Hidden> {
    let unclear = |why: String| Err(Hidden::new(Cause::Unknown, why));
    let definitions = scene.context.owner.properties.read().map_err(Clone::clone)?;
    let Some(definition) = definitions.iter().find(|definition| definition.name == name) else {
        return unclear(format!("the property `{name}` is not among the organization's"));
    };
    match definition.values_editable_by.as_deref() {
        Some("org_actors") => Ok(false),
        Some("org_and_repo_actors") => Ok(true),
        Some(word) => unclear(format!("the property `{name}` is set by `{word}`")),
        None => unclear(format!("who sets the property `{name}` was not in the answer")),
    }
}
