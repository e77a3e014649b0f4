//! GitHub's answers in the form that the policy's wishes have: sets by name, and names in the place of numbers.

use serde_json::{Map, Value, json};

use super::Direction;
use super::walk::{Path, Walk, canonical};
use crate::github::desired::DesiredRuleset;
use crate::github::names::Names;
use crate::github::people::Actor;
use crate::github::protection::Protection;
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::ruleset::{ActorType, Ruleset};
use crate::github::word::Word;
use crate::rules;

/// Where the ruleset applies.
pub(super) fn conditions(walk: &mut Walk<'_>, desired: &DesiredRuleset, live: &Ruleset) {
    let path = Path::of("conditions");
    let wanted = json!(desired.conditions.clone().unwrap_or_default());
    let live = match live.conditions.read() {
        Ok(live) => json!(live),
        Err(hidden) if desired.conditions.is_some() => return walk.cannot_tell(&path, Some(&wanted), hidden),
        // There are no conditions that could differ.
        Err(_) => return,
    };
    for name in live.as_object().into_iter().flat_map(Map::keys).filter(|name| wanted.get(name).is_none()) {
        let why = Hidden::new(Cause::Unknown, format!("GitHub limits the ruleset by `{name}`, which the policy does not"));
        walk.cannot_tell(&path.field(name), None, &why);
    }
    walk.value(&path, &wanted, Some(&live));
}

/// Who passes it.
pub(super) fn bypass(walk: &mut Walk<'_>, desired: &DesiredRuleset, live: &Ruleset) {
    let path = Path::of("bypass_actors");
    let mode = |mode: Value| json!({ "bypass_mode": mode });
    let wanted: Vec<(String, Value)> =
        desired.bypass.iter().map(|bypass| (bypass.name.clone(), mode(json!(bypass.mode)))).collect();
    let actors = match live.bypass_actors.read() {
        Ok(actors) => actors,
        Err(hidden) => return walk.cannot_tell(&path, None, hidden),
    };
    let mut live: Vec<(String, Value)> = Vec::new();
    for actor in actors {
        let named = match &actor.actor_type {
            Word::Known(kind) => walk.world.names.name_of(*kind, actor.actor_id),
            Word::Unknown(kind) => Err(format!("{kind} #{}", actor.actor_id.unwrap_or_default())),
        };
        let name = named.unwrap_or_else(|unnamed| unnamed);
        live.push((name, mode(json!(actor.bypass_mode))));
    }
    // Someone may stand there twice; whoever passes by either entry passes.
    let closeness = |mode: &Value| {
        ["exempt", "always", "pull_request"]
            .iter()
            .position(|word| mode.get("bypass_mode").and_then(Value::as_str) == Some(*word))
    };
    live.sort_by_key(|(name, mode)| (name.clone(), closeness(mode)));
    let wanted: Vec<(String, &Value)> = wanted.iter().map(|(name, mode)| (name.clone(), mode)).collect();
    let live: Vec<(String, &Value)> = live.iter().map(|(name, mode)| (name.clone(), mode)).collect();
    walk.set(&path, &wanted, &live, false);
}

/// Its rules, each by its type; of a type that is there several times each by what it says.
pub(super) fn rules(walk: &mut Walk<'_>, desired: &DesiredRuleset, live: &Ruleset) {
    let path = Path::of("rules");
    let live = match live.rules.read() {
        Ok(live) => live,
        Err(hidden) => return walk.cannot_tell(&path, None, hidden),
    };
    let wanted: Vec<(&str, Value)> =
        desired.rules.iter().map(|rule| (rule.name, Value::Object(rule.parameters.clone()))).collect();
    let has: Vec<(&str, Value)> =
        live.iter().map(|rule| (rule.name.as_str(), named(rule.parameters.as_ref(), &walk.world.names))).collect();
    let several = |name: &str| [&wanted, &has].iter().any(|list| list.iter().filter(|(other, _)| *other == name).count() > 1);
    let path_of = |name: &str, parameters: &Value| {
        let path = path.field(name);
        if several(name) { path.one_of(&key(parameters)) } else { path }
    };
    let is = |(name, parameters): &(&str, Value), other: &(&str, Value)| {
        *name == other.0 && (!several(name) || key(parameters) == key(&other.1))
    };
    for rule in &wanted {
        let at = path_of(rule.0, &rule.1);
        match has.iter().find(|other| is(other, rule)) {
            Some((_, parameters)) => walk.value(&at, &rule.1, Some(parameters)),
            None => walk.add(&at, Some(&rule.1), None, Direction::Weaker),
        }
    }
    let mut extra: Vec<&(&str, Value)> = has.iter().filter(|rule| !wanted.iter().any(|other| is(other, rule))).collect();
    extra.sort_by_key(|(name, parameters)| (*name, key(parameters)));
    for (name, parameters) in extra {
        let direction = if rules::find(name).is_some() { Direction::Stronger } else { Direction::Different };
        walk.add(&path_of(name, parameters), None, Some(parameters), direction);
    }
}

/// What tells a rule from others of its type.
pub(super) fn key(parameters: &Value) -> String {
    let text = |name: &str| parameters.get(name).and_then(Value::as_str);
    match (text("operator"), text("pattern")) {
        (Some(operator), Some(pattern)) => {
            let negated = parameters.get("negate") == Some(&Value::Bool(true));
            format!("{}{operator} {pattern}", if negated { "not " } else { "" })
        }
        _ => canonical(parameters),
    }
}

/// A rule's parameters with names in the place of numbers.
fn named(parameters: Option<&Value>, names: &Names<'_>) -> Value {
    let mut parameters = parameters.filter(|value| value.is_object()).cloned().unwrap_or_else(|| json!({}));
    let name = |value: &mut Value| {
        let kind = match value.get("type").and_then(Value::as_str) {
            Some("User") => Some(ActorType::User),
            Some("Team") => Some(ActorType::Team),
            Some("RepositoryRole") => Some(ActorType::RepositoryRole),
            _ => None,
        };
        let id = value.get("id").and_then(Value::as_i64);
        let shown = id.unwrap_or_default();
        let named = match (kind, value.get("type").and_then(Value::as_str)) {
            (Some(kind), _) => names.name_of(kind, id),
            (None, Some("IntegrationInstallation")) => Err(format!("app #{shown}")),
            (None, kind) => Err(format!("{} #{shown}", kind.unwrap_or("actor"))),
        };
        *value = Value::String(named.unwrap_or_else(|unnamed| unnamed));
    };
    let dismissers = parameters.get_mut("dismissal_restriction").and_then(|value| value.get_mut("allowed_actors"));
    if let Some(Value::Array(actors)) = dismissers {
        actors.iter_mut().for_each(name);
    }
    if let Some(Value::Array(reviewers)) = parameters.get_mut("required_reviewers") {
        reviewers.iter_mut().filter_map(|reviewers| reviewers.get_mut("reviewer")).for_each(name);
    }
    parameters
}

/// A classic protection in REST's words, with lists of names.
pub(super) fn protection(live: &Protection) -> Value {
    let actors = |actors: &Readable<Vec<Actor>>| match actors {
        Readable::Known(actors) => json!(actors.iter().map(Actor::to_string).collect::<Vec<_>>()),
        hidden => json!(hidden),
    };
    let section = |is: bool, section: Value| if is { section } else { Value::Null };
    let checks: Vec<Value> = live
        .required_status_checks
        .iter()
        .map(|check| json!({ "context": check.context, "app_id": check.app.as_ref().and_then(|app| app.id) }))
        .collect();
    json!({
        "enforce_admins": live.is_admin_enforced,
        "required_pull_request_reviews": section(live.requires_approving_reviews, json!({
            "required_approving_review_count": live.required_approving_review_count,
            "dismiss_stale_reviews": live.dismisses_stale_reviews,
            "require_code_owner_reviews": live.requires_code_owner_reviews,
            "require_last_push_approval": live.require_last_push_approval,
            "dismissal_restrictions": section(
                live.restricts_review_dismissals,
                json!({ "actors": actors(&live.review_dismissal_allowances) }),
            ),
            "bypass_pull_request_allowances": actors(&live.bypass_pull_request_allowances),
        })),
        "required_status_checks": section(live.requires_status_checks, json!({
            "strict": live.requires_strict_status_checks,
            "checks": checks,
        })),
        "restrictions": section(live.restricts_pushes, json!({ "actors": actors(&live.push_allowances) })),
        "block_creations": live.restricts_pushes && live.blocks_creations,
        "required_linear_history": live.requires_linear_history,
        "required_signatures": live.requires_commit_signatures,
        "required_conversation_resolution": live.requires_conversation_resolution,
        "allow_force_pushes": live.allows_force_pushes,
        "bypass_force_push_allowances": actors(&live.bypass_force_push_allowances),
        "allow_deletions": live.allows_deletions,
        "lock_branch": live.lock_branch,
        "allow_fork_syncing": live.lock_branch && live.lock_allows_fetch_and_merge,
        "required_deployment_environments": live.required_deployment_environments,
    })
}
