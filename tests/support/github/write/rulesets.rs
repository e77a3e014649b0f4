//! Writing rulesets. What the body does not name stays as it is; null is refused before it gets here; an empty list empties.

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Handled, refuse};
use super::super::fault::Quirk;
use super::super::rest::{Visit, rulesets};
use super::super::state::ruleset::Version;
use super::super::state::{Ruleset, Source, State};

pub fn create(visit: &mut Visit<'_>) -> Handled {
    let source = rulesets::place(visit)?;
    let mut body = given(visit)?;
    check_actors(visit.state, &source, &body)?;
    body.entry("target").or_insert_with(|| "branch".into());
    body.entry("bypass_actors").or_insert_with(|| json!([]));
    body.entry("rules").or_insert_with(|| json!([]));
    let id = visit.state.next_id();
    let now = visit.shared.time();
    let mut ruleset = Ruleset { id, source, body, created_at: now.clone(), updated_at: now, versions: Vec::new() };
    write_down(visit, &mut ruleset);
    let shown = rulesets::render(visit, &ruleset);
    visit.state.rulesets.insert(id, ruleset);
    Ok(Answer::created(shown))
}

pub fn update(visit: &mut Visit<'_>) -> Handled {
    let id = rulesets::owned(visit)?;
    let mut body = given(visit)?;
    let mut ruleset = visit.state.rulesets[&id].clone();
    check_actors(visit.state, &ruleset.source, &body)?;
    if visit.shared.has(Quirk::KeepsOldBypassActors) {
        body.remove("bypass_actors");
    }
    ruleset.body.extend(body);
    ruleset.updated_at = visit.shared.time();
    write_down(visit, &mut ruleset);
    let shown = rulesets::render(visit, &ruleset);
    visit.state.rulesets.insert(id, ruleset);
    Ok(Answer::json(shown))
}

pub fn delete(visit: &mut Visit<'_>) -> Handled {
    let id = rulesets::owned(visit)?;
    visit.state.rulesets.remove(&id);
    Ok(Answer::nothing())
}

/// Every write is a version of the history.
fn write_down(visit: &mut Visit<'_>, ruleset: &mut Ruleset) {
    let actor = visit.state.user(&visit.viewer.login).login.clone();
    let version =
        Version { id: visit.state.next_id(), actor, updated_at: ruleset.updated_at.clone(), state: ruleset.body.clone() };
    ruleset.versions.push(version);
}

/// The body as GitHub keeps it: with what it adds by itself, and not in the order it came.
fn given(visit: &Visit<'_>) -> Result<Map<String, Value>, Box<Answer>> {
    let Some(body) = visit.call.body().as_object() else { return Ok(Map::new()) };
    let mut body = body.clone();
    keep(&mut body);
    Ok(body)
}

/// Makes a body what GitHub keeps of it.
pub fn keep(body: &mut Map<String, Value>) {
    if let Some(Value::Array(actors)) = body.get_mut("bypass_actors") {
        actors.iter_mut().for_each(normalise_actor);
    }
    if let Some(Value::Array(rules)) = body.get_mut("rules") {
        rules.iter_mut().for_each(add_defaults);
        rules.sort_by_key(|rule| rule["type"].as_str().unwrap_or_default().to_owned());
    }
}

/// <https://github.com/integrations/terraform-provider-github/issues/3487>: who needs no id has one when read back.
fn normalise_actor(actor: &mut Value) {
    let id = match actor["actor_type"].as_str() {
        Some("OrganizationAdmin") => json!(1),
        Some("EnterpriseOwner") => json!(0),
        Some("DeployKey") => Value::Null,
        _ => actor["actor_id"].clone(),
    };
    let mode = actor["bypass_mode"].as_str().unwrap_or("always").to_owned();
    *actor = json!({ "actor_id": id, "actor_type": actor["actor_type"], "bypass_mode": mode });
}

/// What was not said comes back with GitHub's default.
fn add_defaults(rule: &mut Value) {
    let defaults = match rule["type"].as_str() {
        Some("pull_request") => json!({ "allowed_merge_methods": ["merge", "squash", "rebase"], "required_reviewers": [] }),
        Some("required_status_checks" | "workflows") => json!({ "do_not_enforce_on_create": false }),
        Some(
            "commit_message_pattern"
            | "commit_author_email_pattern"
            | "committer_email_pattern"
            | "branch_name_pattern"
            | "tag_name_pattern",
        ) => json!({ "name": "", "negate": false }),
        _ => return,
    };
    if rule["parameters"].is_object() {
        rule["parameters"] = super::super::rest::lay(defaults, rule["parameters"].take());
    }
}

/// A team must belong to the organization, and an App must be installed on it.
fn check_actors(state: &State, source: &Source, body: &Map<String, Value>) -> Result<(), Box<Answer>> {
    let owner = match source {
        Source::Repository(id) => state.repositories[id].owner.clone(),
        Source::Organization(login) => login.clone(),
        Source::Enterprise(_) => return Ok(()),
    };
    let actors = body.get("bypass_actors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for actor in actors {
        let id = actor["actor_id"].as_u64();
        let known = match actor["actor_type"].as_str() {
            Some("Team") => {
                state.organization(&owner).is_some_and(|organization| organization.teams.iter().any(|team| Some(team.id) == id))
            }
            Some("Integration") => state.installations.iter().any(|installation| {
                installation.account.eq_ignore_ascii_case(&owner) && state.apps.get(&installation.app).map(|app| app.id) == id
            }),
            Some("User") => state.users.values().any(|user| Some(user.id) == id),
            _ => true,
        };
        if !known {
            let mut refusal = refuse(422, "Validation Failed");
            let kind = actor["actor_type"].as_str().unwrap_or_default();
            if let Some(body) = &mut refusal.body {
                let message = format!("Actor {kind} must be part of the ruleset source or owner organization");
                body["errors"] =
                    json!([{ "resource": "RepositoryRuleset", "field": "bypass_actors", "code": "custom", "message": message }]);
            }
            return Err(refusal);
        }
    }
    Ok(())
}
