//! Classic branch protection as REST shows it. Reading and writing have different shapes: a section that is off is absent when
//! read and null when written.

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Handled, not_found, refuse};
use super::super::openapi::route::encode;
use super::super::permission::Role;
use super::super::state::{Actors, Protection, Repository};
use super::super::write;
use super::Visit;
use super::view::lay;

pub fn answer(visit: &mut Visit<'_>, part: &str) -> Handled {
    super::rulesets::refuse_without_plan(visit)?;
    if visit.repository()?.hides_protections {
        return Err(not_found());
    }
    if !visit.repository()?.branches.contains_key(visit.parameter("branch")) {
        return Err(refuse(404, "Branch not found"));
    }
    if visit.call.method != "GET" {
        return write::protection::answer(visit, part);
    }
    let shown = show(visit, governing(visit)?, Shape::Read)?;
    let section = |name: &str| shown.get(name).cloned().map(Answer::json);
    // GitHub's own words for a section that is off.
    let off = |message: &str| refuse(404, message);
    match part {
        "" => Ok(Answer::json(shown)),
        "/enforce_admins" => section("enforce_admins").ok_or_else(not_found),
        "/required_signatures" => section("required_signatures").ok_or_else(not_found),
        "/required_pull_request_reviews" => section("required_pull_request_reviews").ok_or_else(not_found),
        "/required_status_checks" => section("required_status_checks").ok_or_else(|| off("Required status checks not enabled")),
        "/required_status_checks/contexts" => match &shown["required_status_checks"]["contexts"] {
            Value::Null => Err(off("Required status checks not enabled")),
            contexts => Ok(Answer::json(contexts.clone())),
        },
        "/restrictions" => section("restrictions").ok_or_else(|| off("Push restrictions not enabled")),
        "/restrictions/users" | "/restrictions/teams" | "/restrictions/apps" => {
            match &shown["restrictions"][part.trim_start_matches("/restrictions/")] {
                Value::Null => Err(off("Push restrictions not enabled")),
                actors => Ok(Answer::json(actors.clone())),
            }
        }
        _ => Err(super::missing(visit)),
    }
}

/// The rule that governs the branch, which may have a pattern.
pub fn governing<'a>(visit: &'a Visit<'_>) -> Result<&'a Protection, Box<Answer>> {
    visit.repository()?.protection(visit.parameter("branch")).ok_or_else(|| refuse(404, "Branch not protected"))
}

/// `GET` and `PUT` answer in different schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Read,
    Written,
}

pub fn show(visit: &Visit<'_>, protection: &Protection, shape: Shape) -> Result<Value, Box<Answer>> {
    let repository = visit.repository()?;
    let branch = encode(visit.parameter("branch"));
    let url = format!("{}/branches/{branch}/protection", visit.links().repository_url(repository));
    let on = |enabled: bool| json!({ "enabled": enabled });
    let mut shown = json!({
        "url": url,
        "required_signatures": { "url": format!("{url}/required_signatures"), "enabled": protection.required_signatures },
        "enforce_admins": { "url": format!("{url}/enforce_admins"), "enabled": protection.enforce_admins },
        "required_linear_history": on(protection.required_linear_history),
        "allow_force_pushes": on(protection.allow_force_pushes),
        "allow_deletions": on(protection.allow_deletions),
        "block_creations": on(protection.block_creations),
        "required_conversation_resolution": on(protection.required_conversation_resolution),
        "lock_branch": on(protection.lock_branch),
        "allow_fork_syncing": on(protection.allow_fork_syncing),
    });
    if let Some(checks) = &protection.checks {
        let mut section = json!({
            "url": format!("{url}/required_status_checks"),
            "strict": checks.strict,
            "contexts": checks.checks.iter().map(|(context, _)| context.clone()).collect::<Vec<_>>(),
            "contexts_url": format!("{url}/required_status_checks/contexts"),
            "checks": checks.checks.iter().map(|(context, app)| json!({ "context": context, "app_id": app })).collect::<Vec<_>>(),
        });
        if shape == Shape::Read {
            section["enforcement_level"] = if protection.enforce_admins { "everyone" } else { "non_admins" }.into();
        }
        shown["required_status_checks"] = section;
    }
    if let Some(reviews) = &protection.reviews {
        let mut section = json!({
            "url": format!("{url}/required_pull_request_reviews"),
            "dismiss_stale_reviews": reviews.dismiss_stale,
            "require_code_owner_reviews": reviews.code_owners,
            "require_last_push_approval": reviews.last_push,
            "required_approving_review_count": reviews.count,
        });
        if let Some(dismissal) = &reviews.dismissal {
            let own = format!("{url}/dismissal_restrictions");
            let addresses = json!({ "url": own, "users_url": format!("{own}/users"), "teams_url": format!("{own}/teams") });
            section["dismissal_restrictions"] = lay(addresses, actors(visit, repository, dismissal));
        }
        if !reviews.bypass.is_empty() {
            section["bypass_pull_request_allowances"] = actors(visit, repository, &reviews.bypass);
        }
        shown["required_pull_request_reviews"] = section;
    }
    if let Some(restrictions) = &protection.restrictions {
        let own = format!("{url}/restrictions");
        let addresses = json!({
            "url": own, "users_url": format!("{own}/users"), "teams_url": format!("{own}/teams"), "apps_url": format!("{own}/apps"),
        });
        shown["restrictions"] = lay(addresses, actors(visit, repository, restrictions));
    }
    Ok(shown)
}

/// Whole users, teams and Apps. Those that are gone do not show.
fn actors(visit: &Visit<'_>, repository: &Repository, actors: &Actors) -> Value {
    let links = visit.links();
    let organization = visit.state.organization(&repository.owner);
    let teams = actors.teams.iter().filter_map(|slug| {
        let organization = organization?;
        let role = repository.teams.iter().find(|(known, _)| known == slug).map_or(Role::Read, |(_, role)| *role);
        Some(links.team(visit.state, organization, visit.state.team(&organization.login, slug)?, role))
    });
    let apps = actors.apps.iter().filter_map(|slug| visit.state.apps.get(slug)).map(|app| links.app(visit.state, app));
    let mut map = Map::new();
    map.insert("users".to_owned(), links.users(visit.state, &actors.users).into());
    map.insert("teams".to_owned(), teams.collect());
    map.insert("apps".to_owned(), apps.collect());
    Value::Object(map)
}
