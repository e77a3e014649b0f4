//! A live ruleset as the policy will have it, or why the policy can't.

use serde::Serialize;
use serde_json::{Value, json};

use super::entry::{Entry, Scope, reference};
use super::left::Unsaid;
use crate::github::names::Names;
use crate::github::rule::Rule;
use crate::github::ruleset::{ActorType, Conditions, Names as Patterns, Ruleset, Target};
use crate::github::word::Word;

/// The ruleset, every part of it: one that is said in part would be changed by whoever applies the policy.
///
/// # Errors
/// Why a policy can't say it.
pub(super) fn entry(live: &Ruleset, names: &Names<'_>) -> Result<Entry, Unsaid> {
    if let Some(unknown) = live.unknown().into_iter().next() {
        return Err(format!("it has something that this program does not know: {unknown}").into());
    }
    let target = match &live.target {
        Word::Known(Target::Repository) => return Err("a policy has no rulesets about the repository itself".into()),
        target => word(target)?,
    };
    let conditions = live.conditions.read().map_err(|hidden| Unsaid::hidden("its conditions are", hidden))?;
    let (refs, repositories) = scopes(conditions, live)?;
    let mut entry = Entry {
        name: live.name.clone(),
        is_named: true,
        target,
        refs,
        repositories,
        enforcement: word(&live.enforcement)?,
        bypass: bypass(live, names)?,
        rules: Vec::new(),
        notes: Vec::new(),
    };
    for rule in live.rules.read().map_err(|hidden| Unsaid::hidden("its rules are", hidden))? {
        let parameters = parameters(rule, names)?;
        entry.rule(&rule.name, parameters);
    }
    Ok(entry)
}

/// One of GitHub's words, which are the policy's, too.
fn word<T: Serialize>(word: &Word<T>) -> Result<String, String> {
    match word {
        Word::Known(known) => match json!(known) {
            Value::String(word) => Ok(word),
            other => Err(format!("`{other}` is no word")),
        },
        Word::Unknown(word) => Err(format!("the word `{word}` is unknown")),
    }
}

/// The refs and repositories it is for.
fn scopes(conditions: &Conditions, live: &Ruleset) -> Result<(Option<Scope>, Option<Scope>), String> {
    let Conditions {
        ref_name,
        repository_name,
        repository_id,
        repository_property,
        organization_name,
        organization_id,
        organization_property,
        unpublished: _,
    } = conditions;
    for (name, is_there) in [
        ("repository_id", repository_id.is_some()),
        ("repository_property", repository_property.is_some()),
        ("organization_name", organization_name.is_some()),
        ("organization_id", organization_id.is_some()),
        ("organization_property", organization_property.is_some()),
    ] {
        if is_there {
            return Err(format!("it is limited by `{name}`, for which a policy has no word"));
        }
    }
    let namespace = if live.target.is(&Target::Tag) { "refs/tags/" } else { "refs/heads/" };
    let refs = match (ref_name, live.target.is(&Target::Push)) {
        (None, true) => None,
        (Some(names), true) if *names == Patterns::default() => None,
        (Some(_), true) => return Err("it is a push ruleset, and limited to certain refs".to_owned()),
        (None, false) => return Err("it does not say which refs it is for".to_owned()),
        (Some(names), false) => Some(scope(names, "refs", |pattern| reference(pattern, namespace))?),
    };
    let repositories = match repository_name {
        None => None,
        Some(names) if names.protected == Some(true) => {
            return Err("it forbids renaming the repositories that it is for, for which a policy has no word".to_owned());
        }
        Some(names) => Some(scope(names, "repositories", |pattern| match pattern {
            "~ALL" => Ok(pattern.to_owned()),
            _ if pattern.contains('/') => Err(format!("`{pattern}` names no repository of the organization")),
            _ => crate::github::scope::spelled(pattern).map_err(|hidden| hidden.why),
        })?),
    };
    Ok((refs, repositories))
}

fn scope(names: &Patterns, what: &str, spell: impl Fn(&str) -> Result<String, String>) -> Result<Scope, String> {
    let list = |patterns: &[String]| -> Result<Vec<String>, String> {
        let mut found: Vec<String> = Vec::new();
        for pattern in patterns {
            let spelled = spell(pattern)?;
            if !found.contains(&spelled) {
                found.push(spelled);
            }
        }
        Ok(found)
    };
    if names.include.is_empty() {
        return Err(format!("it is for no {what} at all"));
    }
    Ok(Scope { include: list(&names.include)?, exclude: list(&names.exclude)? })
}

/// Who passes it.
fn bypass(live: &Ruleset, names: &Names<'_>) -> Result<Vec<(String, String)>, Unsaid> {
    let actors = live.bypass_actors.read().map_err(|hidden| Unsaid::hidden("who passes it is", hidden))?;
    if let Some(count) = live.bypass_actor_count.filter(|count| u64::try_from(actors.len()) != Ok(*count)) {
        let why = format!("GitHub counts {count} who pass it, and shows {}", actors.len());
        return Err(Unsaid { why, is_hidden: true });
    }
    let mut bypass: Vec<(String, String)> = Vec::new();
    for actor in actors {
        let Word::Known(kind) = &actor.actor_type else {
            return Err(format!("the kind of actor `{}` is unknown", actor.actor_type).into());
        };
        let name = named(names, *kind, actor.actor_id)?;
        let entry = (name, word(&actor.bypass_mode)?);
        if !bypass.contains(&entry) {
            bypass.push(entry);
        }
    }
    Ok(bypass)
}

/// The name of an actor.
fn named(names: &Names<'_>, kind: ActorType, id: Option<i64>) -> Result<String, Unsaid> {
    names.name_of(kind, id).map_err(|unnamed| match names.hides(kind) {
        Some(hidden) => Unsaid { why: format!("the name of {unnamed} is hidden: {hidden}"), is_hidden: true },
        None => no_name(&unnamed).into(),
    })
}

fn no_name(unnamed: &str) -> String {
    format!("{unnamed} has no name that could be found")
}

/// A rule's parameters with names in the place of numbers; null for a rule that has none.
fn parameters(rule: &Rule, names: &Names<'_>) -> Result<Value, Unsaid> {
    let Some(Value::Object(parameters)) =
        rule.parameters.clone().filter(|value| value.as_object().is_some_and(|it| !it.is_empty()))
    else {
        return Ok(Value::Null);
    };
    let mut parameters = Value::Object(parameters);
    let name = |value: &mut Value| -> Result<(), Unsaid> {
        let id = value.get("id").and_then(Value::as_i64);
        let kind = match value.get("type").and_then(Value::as_str) {
            Some("User") => ActorType::User,
            Some("Team") => ActorType::Team,
            Some("RepositoryRole") => ActorType::RepositoryRole,
            // Here an app goes by the number of an installation, which no list tells.
            other => return Err(no_name(&format!("{} #{}", other.unwrap_or("actor"), id.unwrap_or_default())).into()),
        };
        *value = Value::String(named(names, kind, id)?);
        Ok(())
    };
    if let Some(Value::Array(actors)) = parameters.pointer_mut("/dismissal_restriction/allowed_actors") {
        actors.iter_mut().try_for_each(&name)?;
    }
    if let Some(Value::Array(reviewers)) = parameters.get_mut("required_reviewers") {
        reviewers.iter_mut().filter_map(|reviewers| reviewers.get_mut("reviewer")).try_for_each(&name)?;
    }
    if rule.name == "file_path_restriction"
        && let Some(Value::Array(paths)) = parameters.get_mut("restricted_file_paths")
    {
        for path in paths {
            if let Value::String(text) = path {
                *text = crate::github::scope::spelled(text).map_err(|hidden| hidden.why)?;
            }
        }
    }
    Ok(parameters)
}
