//! `repo-excluded`: a ruleset of the organization leaves the repository out that it would otherwise be for.
//!
//! Where it is meant, the policy says so with `[[exempt]]`. Exclusions by what GitHub itself says of a repository, that it
//! is a fork or public, name none in particular and are not looked at.

use std::collections::BTreeMap;

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::Source;
use crate::github::owner::Owner;
use crate::github::part::Part;
use crate::github::repository::Repository;
use crate::github::ruleset::{Conditions, Names, PropertyTarget};
use crate::github::{Cause, Hidden, scope};

pub(super) static CHECK: Check = Check {
    id: "repo-excluded",
    severity: Severity::Medium,
    summary: "a ruleset of the organization excludes the repository",
    why: "The ruleset reads as if it held everywhere. An exclusion is one line in a list that nobody reads again.",
    fix: "remove the exclusion, or exempt the repository from this check in the policy, with a reason and a last day",
    link: "https://docs.github.com/en/organizations/managing-organization-settings/creating-rulesets-for-repositories-in-your-organization#choosing-which-repositories-to-target-in-your-organization",
    reads: &[Part::OwnerRulesets, Part::Properties],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let (owner, repository) = (scene.context.owner, scene.repository);
    for ruleset in owner.rulesets.read().map_err(Clone::clone)? {
        if !ruleset.may_enforce() {
            continue;
        }
        let place = scene.place().source(&Source::of(ruleset));
        let excluded = ruleset.conditions.read().map_err(Clone::clone).and_then(|conditions| by(conditions, owner, repository));
        match excluded {
            Ok(None) => {}
            Ok(Some(by)) => {
                findings.add(place.field("conditions"), "", format!("the ruleset excludes the repository by {by}"));
            }
            Err(why) => findings.cannot_tell(place, &why),
        }
    }
    Ok(())
}

/// By what the conditions exclude a repository that they include.
fn by(conditions: &Conditions, owner: &Owner, repository: &Repository) -> Result<Option<String>, Hidden> {
    let by_name = match &conditions.repository_name {
        Some(names) => by_name(names, &repository.name)?,
        None => None,
    };
    let by_property = match &conditions.repository_property {
        Some(properties) if by_name.is_none() => by_property(&properties.include, &properties.exclude, repository)?,
        _ => None,
    };
    let Some(by) = by_name.or(by_property) else {
        return Ok(None);
    };
    // An enterprise's ruleset may not be for the organization at all.
    if let Some(names) = &conditions.organization_name
        && (!any(&names.include, &owner.login)? || any(&names.exclude, &owner.login)?)
    {
        return Ok(None);
    }
    if conditions.organization_id.as_ref().is_some_and(|ids| !ids.organization_ids.contains(&owner.id)) {
        return Ok(None);
    }
    if conditions.organization_property.is_some() {
        return Err(Hidden::new(Cause::NotAsked, "the organization's own properties are not read"));
    }
    if let Some(key) = conditions.unpublished.keys().next() {
        return Err(Hidden::new(Cause::Unknown, format!("the condition `{key}` is not known")));
    }
    Ok(Some(by))
}

fn by_name(names: &Names, name: &str) -> Result<Option<String>, Hidden> {
    // What is excluded as it is included is for no repository at all: `ruleset-targets-nothing` speaks of it.
    for pattern in names.exclude.iter().filter(|pattern| *pattern != "~ALL" && !names.include.contains(pattern)) {
        if matches(pattern, name)? {
            return Ok(any(&names.include, name)?.then(|| format!("the name `{pattern}`")));
        }
    }
    Ok(None)
}

fn by_property(
    include: &[PropertyTarget],
    exclude: &[PropertyTarget],
    repository: &Repository,
) -> Result<Option<String>, Hidden> {
    let exclude: Vec<&PropertyTarget> = exclude.iter().filter(|target| !is_system(target) && !include.contains(target)).collect();
    if exclude.is_empty() {
        return Ok(None);
    }
    let properties = repository.properties.read().map_err(Clone::clone)?;
    let Some(target) = exclude.into_iter().find(|target| has(properties, target)) else {
        return Ok(None);
    };
    if !include.iter().filter(|target| !is_system(target)).all(|target| has(properties, target)) {
        return Ok(None);
    }
    if let Some(target) = include.iter().find(|target| is_system(target)) {
        let why = format!("whether `{}` includes the repository is not judged here", target.name);
        return Err(Hidden::new(Cause::Unknown, why));
    }
    Ok(Some(format!("the property `{}`", target.name)))
}

fn is_system(target: &PropertyTarget) -> bool {
    target.source.as_deref() == Some("system")
}

fn has(properties: &BTreeMap<String, Vec<String>>, target: &PropertyTarget) -> bool {
    properties.get(&target.name).is_some_and(|values| values.iter().any(|value| target.property_values.contains(value)))
}

fn any(patterns: &[String], name: &str) -> Result<bool, Hidden> {
    for pattern in patterns {
        if matches(pattern, name)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn matches(pattern: &str, name: &str) -> Result<bool, Hidden> {
    if pattern == "~ALL" { Ok(true) } else { scope::fnmatch(pattern, name) }
}
