//! Rulesets of repositories, organizations and enterprises.

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Handled, not_found, refuse};
use super::super::fault::Quirk;
use super::super::permission::{Level, Permission, Role};
use super::super::state::{Ruleset, Source, State};
use super::Visit;
use super::view::lay;

pub fn answer(visit: &mut Visit<'_>, rest: &str) -> Handled {
    refuse_without_plan(visit)?;
    match (visit.call.method.as_str(), rest) {
        ("GET", "/rulesets") => list(visit),
        ("POST", "/rulesets") => super::super::write::rulesets::create(visit),
        ("GET", "/rulesets/{ruleset_id}") => get(visit),
        ("PUT", "/rulesets/{ruleset_id}") => super::super::write::rulesets::update(visit),
        ("DELETE", "/rulesets/{ruleset_id}") => super::super::write::rulesets::delete(visit),
        ("GET", "/rulesets/{ruleset_id}/history") => history(visit),
        ("GET", "/rulesets/{ruleset_id}/history/{version_id}") => version(visit),
        _ => Err(super::missing(visit)),
    }
}

/// Private repositories of free plans have no rulesets.
pub fn refuse_without_plan(visit: &Visit<'_>) -> Result<(), Box<Answer>> {
    let needs_upgrade = visit.repository().is_ok_and(|repository| repository.needs_upgrade);
    let message = "Upgrade to GitHub Pro or make this repository public to enable this feature.";
    if needs_upgrade { Err(refuse(403, message)) } else { Ok(()) }
}

/// Where the request looks: a repository, an organization or an enterprise.
pub fn place(visit: &Visit<'_>) -> Result<Source, Box<Answer>> {
    if !visit.parameter("repo").is_empty() {
        return Ok(Source::Repository(visit.repository()?.id));
    }
    match visit.parameter("enterprise") {
        "" => Ok(Source::Organization(visit.organization()?.login.clone())),
        slug => Ok(Source::Enterprise(slug.to_lowercase())),
    }
}

/// The rulesets of a place, and with `includes_parents` (which is the default) those from above that reach it.
fn reaching<'a>(visit: &'a Visit<'_>, place: &Source) -> Vec<&'a Ruleset> {
    let parents = visit.call.query("includes_parents") != Some("false");
    match (place, visit.repository()) {
        (Source::Repository(_), Ok(repository)) => {
            visit.state.rulesets_of(repository).filter(|ruleset| parents || ruleset.source == *place).collect()
        }
        _ => visit.state.rulesets.values().filter(|ruleset| ruleset.source == *place).collect(),
    }
}

fn list(visit: &Visit<'_>) -> Handled {
    let targets = visit.call.query("targets").map(|targets| targets.split(',').collect::<Vec<_>>());
    let mut found = reaching(visit, &place(visit)?);
    found.retain(|ruleset| targets.as_ref().is_none_or(|targets| targets.contains(&ruleset.text("target"))));
    visit.list(found, |ruleset| summary(visit, ruleset))
}

/// As a list shows it: without rules, conditions and bypass actors.
fn summary(visit: &Visit<'_>, ruleset: &Ruleset) -> Value {
    let (kind, source, own) = addresses(visit, ruleset);
    let html = format!("{}/rules/{}", visit.links().html, ruleset.id);
    json!({
        "id": ruleset.id,
        "name": ruleset.body.get("name"),
        "target": ruleset.body.get("target"),
        "source_type": kind,
        "source": source,
        "enforcement": ruleset.body.get("enforcement"),
        "node_id": format!("RRS_{}", ruleset.id),
        "_links": { "self": { "href": own }, "html": { "href": html } },
        "created_at": ruleset.created_at,
        "updated_at": ruleset.updated_at,
    })
}

fn addresses(visit: &Visit<'_>, ruleset: &Ruleset) -> (&'static str, String, String) {
    let api = visit.links().api;
    let id = ruleset.id;
    match &ruleset.source {
        Source::Repository(repository) => {
            let name = visit.state.repositories.get(repository).map(|repository| repository.full_name()).unwrap_or_default();
            ("Repository", name.clone(), format!("{api}/repos/{name}/rulesets/{id}"))
        }
        Source::Organization(login) => ("Organization", login.clone(), format!("{api}/orgs/{login}/rulesets/{id}")),
        Source::Enterprise(slug) => ("Enterprise", slug.clone(), format!("{api}/enterprises/{slug}/rulesets/{id}")),
    }
}

/// A ruleset of the path. It is found where it reaches, not only where it was made.
pub fn named<'a>(visit: &'a Visit<'_>) -> Result<&'a Ruleset, Box<Answer>> {
    let id = visit.call.number("ruleset_id");
    reaching(visit, &place(visit)?).into_iter().find(|ruleset| ruleset.id == id).ok_or_else(not_found)
}

/// One that may be changed here: made here.
pub fn owned(visit: &Visit<'_>) -> Result<u64, Box<Answer>> {
    let ruleset = named(visit)?;
    if ruleset.source == place(visit)? { Ok(ruleset.id) } else { Err(not_found()) }
}

fn get(visit: &Visit<'_>) -> Handled {
    Ok(Answer::json(render(visit, named(visit)?)))
}

/// "The `bypass_actors` property is only returned if the user making the API request has write access to the ruleset."
/// <https://docs.github.com/en/rest/repos/rules#get-a-repository-ruleset>
fn shows_bypass_actors(visit: &Visit<'_>, ruleset: &Ruleset) -> bool {
    let permission = match ruleset.source {
        Source::Repository(_) => Permission::Administration,
        Source::Organization(_) => Permission::OrganizationAdministration,
        Source::Enterprise(_) => Permission::EnterpriseAdministration,
    };
    let may = !visit.viewer.has_permissions() || visit.viewer.permissions.level(permission) >= Level::Write;
    may && visit.viewer.has_role(Role::Admin) && !visit.shared.has(Quirk::HidesBypassActors)
}

pub fn render(visit: &Visit<'_>, ruleset: &Ruleset) -> Value {
    let mut value = summary(visit, ruleset);
    let body = |key: &str| ruleset.body.get(key).cloned();
    let more = json!({ "conditions": body("conditions").unwrap_or(Value::Null), "rules": body("rules").unwrap_or(json!([])) });
    value = lay(value, more);
    if shows_bypass_actors(visit, ruleset) {
        value = lay(value, json!({ "bypass_actors": body("bypass_actors").unwrap_or(json!([])) }));
    }
    if !visit.parameter("repo").is_empty() {
        value = lay(value, json!({ "current_user_can_bypass": "never" }));
    }
    let known = ["name", "target", "enforcement", "conditions", "rules", "bypass_actors"];
    let planted: Map<String, Value> = ruleset
        .body
        .iter()
        .filter(|(key, _)| !known.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    lay(value, Value::Object(planted))
}

fn history(visit: &Visit<'_>) -> Handled {
    let ruleset = &visit.state.rulesets[&owned(visit)?];
    visit.list(ruleset.versions.iter().rev(), |version| shown(visit.state, version))
}

fn shown(state: &State, version: &super::super::state::ruleset::Version) -> Value {
    let actor = state.find_user(&version.actor).map_or(0, |user| user.id);
    json!({ "version_id": version.id, "actor": { "id": actor, "type": "User" }, "updated_at": version.updated_at })
}

fn version(visit: &Visit<'_>) -> Handled {
    let ruleset = &visit.state.rulesets[&owned(visit)?];
    let id = visit.call.number("version_id");
    let version = ruleset.versions.iter().find(|version| version.id == id).ok_or_else(not_found)?;
    Ok(Answer::json(lay(shown(visit.state, version), json!({ "state": version.state }))))
}

/// The rules that bind on a branch, which need not exist: of active rulesets of every level, without who may bypass them.
/// <https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch>
pub fn of_branch(visit: &mut Visit<'_>) -> Handled {
    refuse_without_plan(visit)?;
    let visit = &*visit;
    let repository = visit.repository()?;
    let reference = format!("refs/heads/{}", visit.parameter("branch"));
    let binding = visit.state.rulesets_of(repository).filter(|ruleset| {
        ruleset.text("target") == "branch"
            && ruleset.text("enforcement") == "active"
            && ruleset.governs(&reference, &repository.default_branch)
    });
    let rules = binding.flat_map(|ruleset| ruleset.list("rules").iter().map(move |rule| (ruleset, rule)));
    visit.list(rules, |(ruleset, rule)| {
        let (kind, source, _) = addresses(visit, ruleset);
        lay(rule.clone(), json!({ "ruleset_source_type": kind, "ruleset_source": source, "ruleset_id": ruleset.id }))
    })
}
