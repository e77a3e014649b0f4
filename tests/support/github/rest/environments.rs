//! Environments: what deployments wait for.

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Handled, not_found};
use super::super::openapi::route::encode;
use super::super::state::{Repository, THEN};
use super::Visit;
use super::view::lay;

pub fn answer(visit: &mut Visit<'_>, rest: &str) -> Handled {
    let repository = visit.repository()?;
    match (visit.call.method.as_str(), rest) {
        ("GET", "/environments") => visit.counted("environments", &repository.environments, |one| render(visit, repository, one)),
        ("GET", "/environments/{environment_name}") => Ok(Answer::json(render(visit, repository, named(visit, repository)?))),
        ("GET", "/environments/{environment_name}/deployment-branch-policies") => {
            let policies =
                named(visit, repository)?.get("branch_policies").and_then(Value::as_array).cloned().unwrap_or_default();
            visit.counted("branch_policies", policies, |policy| policy)
        }
        ("GET", "/environments/{environment_name}/deployment_protection_rules") => {
            named(visit, repository)?;
            let none: Vec<Value> = Vec::new();
            Ok(Answer::json(json!({ "total_count": 0, "custom_deployment_protection_rules": none })))
        }
        _ => Err(super::missing(visit)),
    }
}

fn named<'a>(visit: &Visit<'_>, repository: &'a Repository) -> Result<&'a Map<String, Value>, Box<Answer>> {
    let name = visit.parameter("environment_name");
    repository.environments.iter().find(|one| one["name"].as_str() == Some(name)).ok_or_else(not_found)
}

/// Reviewers are planted by name and shown whole.
fn render(visit: &Visit<'_>, repository: &Repository, environment: &Map<String, Value>) -> Value {
    let links = visit.links();
    let name = encode(environment["name"].as_str().unwrap_or_default());
    let addresses = json!({
        "url": format!("{}/environments/{name}", links.repository_url(repository)),
        "html_url": format!("{}/{}/deployments/activity_log?environments_filter={name}", links.html, repository.full_name()),
        "created_at": THEN,
        "updated_at": THEN,
        "deployment_branch_policy": null,
    });
    let mut shown = environment.clone();
    shown.remove("branch_policies");
    for rule in shown.get_mut("protection_rules").and_then(Value::as_array_mut).into_iter().flatten() {
        for reviewer in rule.get_mut("reviewers").and_then(Value::as_array_mut).into_iter().flatten() {
            let who = reviewer["reviewer"].as_str().unwrap_or_default().to_owned();
            let whole = match (reviewer["type"].as_str(), visit.state.organization(&repository.owner)) {
                (Some("Team"), Some(organization)) => visit.state.team(&organization.login, &who).map_or(Value::Null, |team| {
                    links.team(visit.state, organization, team, super::super::permission::Role::Read)
                }),
                _ => links.owner(visit.state, &who),
            };
            *reviewer = json!({ "type": reviewer["type"], "reviewer": whole });
        }
    }
    lay(addresses, Value::Object(shown))
}
