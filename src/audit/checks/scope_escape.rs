//! `scope-escape`: a repository's administrators can take it out of an organization's ruleset.
//!
//! By renaming it, where the ruleset picks repositories by name and does not keep the names; by changing a custom property,
//! where repositories set it themselves. Of the properties that GitHub sets, who sees a repository is changed by its administrators
//! unless the organization keeps that to its owners, its language by any push, and a fork can leave its network, while nothing becomes
//! a fork.

use std::collections::BTreeSet;

use crate::audit::{Check, Findings, Look, Looked, Place, RulesetScene, Severity};
use crate::github::effective::Who;
use crate::github::part::Part;
use crate::github::ruleset::{Conditions, Names, PropertyTarget};
use crate::github::{Cause, Hidden};

pub(super) static CHECK: Check = Check {
    id: "scope-escape",
    severity: Severity::High,
    summary: "a repository can be taken out of the ruleset's reach by those whom it binds",
    why: "The rules stay in force and no longer apply: the repository was renamed, or its property changed, by someone whom the rules should bind. Visibility and language are such properties, too.",
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
    for property in properties(conditions) {
        let place = Place::ruleset(ruleset).field("conditions.repository_property");
        match change(scene, &property) {
            Ok(Some(Change { what, by, fix })) => {
                let message = format!("a repository leaves the ruleset when its property `{}` changes, {what}", property.name);
                let key = if property.is_system { format!("system {}", property.name) } else { property.name.to_owned() };
                findings.add(place, &key, message).who(&by).fix(fix);
            }
            Ok(None) => {}
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

/// A property that decides.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Property<'a> {
    name: &'a str,
    is_system: bool,
    /// It picks forks.
    is_for_forks: bool,
}

/// How a property is changed.
struct Change {
    /// The end of the sentence.
    what: &'static str,
    /// By whom, where not by everyone who can push.
    by: Option<Who>,
    fix: String,
}

/// The properties that decide, each once for what it decides.
fn properties(conditions: &Conditions) -> BTreeSet<Property<'_>> {
    // To include forks is to exclude what is none.
    let forks = |target: &PropertyTarget, is_included: bool| {
        target.property_values.iter().any(|value| value == if is_included { "true" } else { "false" })
    };
    let all = conditions.repository_property.iter().flat_map(|properties| {
        let include = properties.include.iter().map(|target| (target, true));
        include.chain(properties.exclude.iter().map(|target| (target, false)))
    });
    all.map(|(target, is_included)| {
        let is_system = target.source.as_deref() == Some("system");
        let is_for_forks = is_system && target.name == "fork" && forks(target, is_included);
        Property { name: &target.name, is_system, is_for_forks }
    })
    .collect()
}

/// How someone whom the rules should bind changes the property; `None`: nobody does.
fn change(scene: &RulesetScene<'_>, property: &Property<'_>) -> Result<Option<Change>, Hidden> {
    let admins = || Some(Who::Role("admin".to_owned()));
    let instead = || "pick repositories by a property that only the organization sets".to_owned();
    let change = match (property.is_system, property.name) {
        (false, name) => {
            let fix = format!("let only the organization set `{name}`");
            editable(scene, name)?.then_some(Change { what: "which it sets itself", by: admins(), fix })
        }
        (true, "visibility") => {
            let fix = "let only the organization's owners change who sees a repository".to_owned();
            let is_changed = *scene.context.owner.admins_change_visibility.read().map_err(Clone::clone)?;
            is_changed.then_some(Change { what: "which its administrators may do", by: admins(), fix })
        }
        (true, "language") => Some(Change { what: "which any push may bring about", by: None, fix: instead() }),
        (true, "fork") => {
            property.is_for_forks.then(|| Change { what: "as it does when the fork leaves its network", by: admins(), fix: instead() })
        }
        (true, name) => {
            return Err(Hidden::new(Cause::Unknown, format!("who changes the property `{name}`, which GitHub sets, is not known here")));
        }
    };
    Ok(change)
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
