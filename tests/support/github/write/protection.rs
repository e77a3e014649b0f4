//! Writing classic protection by REST: always of the branch's own rule. A pattern that governs the branch stays as it is.

use serde_json::{Value, json};

use super::super::call::{Answer, Handled, not_found, refuse};
use super::super::fault::Quirk;
use super::super::rest::Visit;
use super::super::rest::protection::{Shape, governing, show};
use super::super::state::protection::{Reviews, StatusChecks};
use super::super::state::{Actors, Protection, Repository, State};

pub fn answer(visit: &mut Visit<'_>, part: &str) -> Handled {
    let call = visit.call;
    match (call.method.as_str(), part) {
        ("PUT", "") => put(visit),
        ("DELETE", "") => {
            let id = governing(visit)?.id;
            visit.repository_mut()?.protections.retain(|protection| protection.id != id);
            Ok(Answer::nothing())
        }
        ("POST", "/enforce_admins") => section(visit, "enforce_admins", |protection| protection.enforce_admins = true),
        ("DELETE", "/enforce_admins") => without(visit, |protection| protection.enforce_admins = false),
        ("POST", "/required_signatures") => {
            section(visit, "required_signatures", |protection| protection.required_signatures = true)
        }
        ("DELETE", "/required_signatures") => without(visit, |protection| protection.required_signatures = false),
        ("PATCH", "/required_pull_request_reviews") => {
            let body = visit.call.body().clone();
            check_reviews(&body)?;
            let known = |actors: Actors| known(visit.state, visit.parameter("owner"), actors);
            let mut reviews = governing(visit)?.reviews.clone().unwrap_or_else(|| Reviews::read(&Value::Null));
            reviews.update(&body);
            reviews.dismissal = reviews.dismissal.map(&known);
            reviews.bypass = known(reviews.bypass);
            section(visit, "required_pull_request_reviews", |protection| protection.reviews = Some(reviews))
        }
        ("DELETE", "/required_pull_request_reviews") => without(visit, |protection| protection.reviews = None),
        ("PATCH", "/required_status_checks") => {
            let body = visit.call.body();
            let mut checks = governing(visit)?.checks.clone().ok_or_else(|| refuse(404, "Required status checks not enabled"))?;
            let given = read_checks(visit.repository()?, body);
            checks.strict = body["strict"].as_bool().unwrap_or(checks.strict);
            if body.get("checks").or(body.get("contexts")).is_some() {
                checks.checks = given.checks;
            }
            section(visit, "required_status_checks", |protection| protection.checks = Some(checks))
        }
        ("DELETE", "/required_status_checks") => without(visit, |protection| protection.checks = None),
        (method, "/required_status_checks/contexts") => contexts(visit, method),
        ("DELETE", "/restrictions") => without(visit, |protection| protection.restrictions = None),
        (method, "/restrictions/users" | "/restrictions/teams" | "/restrictions/apps") => {
            restrict(visit, method, part.trim_start_matches("/restrictions/"))
        }
        _ => Err(not_found()),
    }
}

fn put(visit: &mut Visit<'_>) -> Handled {
    let body = visit.call.body().clone();
    let owner = visit.parameter("owner").to_owned();
    check_reviews(&body["required_pull_request_reviews"])?;
    if body["restrictions"].is_object() && visit.state.organization(&owner).is_none() {
        return Err(invalid("Only organization repositories can have users and team restrictions"));
    }
    let branch = visit.parameter("branch").to_owned();
    let id = visit.state.next_id();
    let repository = visit.repository()?;
    let before = repository.protections.iter().find(|protection| protection.pattern == branch);
    let mut protection = Protection::read(before.map_or(id, |before| before.id), &branch, &body);
    if body["required_status_checks"].is_object() {
        protection.checks = Some(read_checks(repository, &body["required_status_checks"]));
    }
    // `PUT` has no word for signatures, deployments, merge queues and who may force-push.
    if let Some(before) = before {
        protection.required_deployments = before.required_deployments.clone();
        protection.bypass_force_push = before.bypass_force_push.clone();
        protection.creator = before.creator.clone();
        protection.merge_queue = before.merge_queue;
        protection.required_signatures = before.required_signatures && visit.shared.has(Quirk::PutKeepsSignatures);
    } else {
        protection.creator = Some(visit.viewer.login.clone());
    }
    let known = |actors: Actors| known(visit.state, &owner, actors);
    protection.restrictions = protection.restrictions.map(&known);
    if let Some(reviews) = &mut protection.reviews {
        reviews.dismissal = reviews.dismissal.take().map(&known);
        reviews.bypass = known(std::mem::take(&mut reviews.bypass));
    }
    let place = repository.protections.iter().position(|known| known.pattern == branch);
    let protections = &mut visit.repository_mut()?.protections;
    match place {
        Some(index) => protections[index] = protection,
        None => protections.push(protection),
    }
    Ok(Answer::json(show(visit, governing(visit)?, Shape::Written)?))
}

/// Changes the rule that governs the branch, and shows one section of it.
fn section(visit: &mut Visit<'_>, name: &str, change: impl FnOnce(&mut Protection)) -> Handled {
    alter(visit, change)?;
    let shown = show(visit, governing(visit)?, Shape::Read)?;
    Ok(Answer::json(shown.get(name).cloned().ok_or_else(not_found)?))
}

fn without(visit: &mut Visit<'_>, change: impl FnOnce(&mut Protection)) -> Handled {
    alter(visit, change)?;
    Ok(Answer::nothing())
}

fn alter(visit: &mut Visit<'_>, change: impl FnOnce(&mut Protection)) -> Result<(), Box<Answer>> {
    let id = governing(visit)?.id;
    let repository = visit.repository_mut()?;
    change(repository.protections.iter_mut().find(|protection| protection.id == id).ok_or_else(not_found)?);
    Ok(())
}

/// `app_id`: -1 is any App, and where nothing is said it is the App that reported the check last.
/// <https://docs.github.com/en/rest/branches/branch-protection#update-branch-protection>
fn read_checks(repository: &Repository, body: &Value) -> StatusChecks {
    let mut checks = StatusChecks::read(body);
    let given = body["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    for check in given.iter().filter(|check| check.get("app_id").is_none()) {
        let reporter = repository.reporter(check["context"].as_str().unwrap_or_default());
        for (context, app) in &mut checks.checks {
            if check["context"] == context.as_str() {
                *app = reporter;
            }
        }
    }
    checks
}

fn contexts(visit: &mut Visit<'_>, method: &str) -> Handled {
    let body = visit.call.body();
    let given: Vec<String> = body["contexts"]
        .as_array()
        .or(body.as_array())
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let mut checks = governing(visit)?.checks.clone().ok_or_else(|| refuse(404, "Required status checks not enabled"))?;
    match method {
        "PUT" => checks.checks = given.into_iter().map(|context| (context, None)).collect(),
        "POST" => checks.checks.extend(given.into_iter().map(|context| (context, None))),
        _ => checks.checks.retain(|(context, _)| !given.contains(context)),
    }
    let left: Vec<String> = checks.checks.iter().map(|(context, _)| context.clone()).collect();
    alter(visit, |protection| protection.checks = Some(checks))?;
    Ok(Answer::json(json!(left)))
}

fn restrict(visit: &mut Visit<'_>, method: &str, kind: &str) -> Handled {
    let body = visit.call.body();
    let given = match body {
        Value::Array(_) => json!({ kind: body }),
        other => other.clone(),
    };
    let given = known(visit.state, visit.parameter("owner"), Actors::read(&given));
    let mut actors = governing(visit)?.restrictions.clone().ok_or_else(|| refuse(404, "Push restrictions not enabled"))?;
    let merge = |now: &mut Vec<String>, given: Vec<String>| match method {
        "PUT" => *now = given,
        "POST" => now.extend(given),
        _ => now.retain(|name| !given.contains(name)),
    };
    match kind {
        "users" => merge(&mut actors.users, given.users),
        "teams" => merge(&mut actors.teams, given.teams),
        _ => merge(&mut actors.apps, given.apps),
    }
    alter(visit, |protection| protection.restrictions = Some(actors))?;
    let shown = show(visit, governing(visit)?, Shape::Read)?;
    Ok(Answer::json(shown["restrictions"][kind].clone()))
}

/// Whoever GitHub does not know is left out, without a word.
pub fn known(state: &State, owner: &str, actors: Actors) -> Actors {
    Actors {
        users: actors.users.into_iter().filter(|login| state.find_user(login).is_some()).collect(),
        teams: actors.teams.into_iter().filter(|slug| state.team(owner, slug).is_some()).collect(),
        apps: actors.apps.into_iter().filter(|slug| state.apps.contains_key(slug)).collect(),
    }
}

/// "Specify the number of reviewers required to approve pull requests. Use a number between 1 and 6 or 0 to not require reviewers."
fn check_reviews(reviews: &Value) -> Result<(), Box<Answer>> {
    let too_many = reviews["required_approving_review_count"].as_u64().is_some_and(|count| count > 6);
    if too_many { Err(invalid("Required approving review count must be less than or equal to 6")) } else { Ok(()) }
}

fn invalid(reason: &str) -> Box<Answer> {
    let mut refusal = refuse(422, "Validation Failed");
    if let Some(body) = &mut refusal.body {
        body["errors"] = json!([reason]);
    }
    refusal
}
