//! Repositories, one and many.

use serde_json::json;

use super::super::call::{Answer, Handled, not_found};
use super::super::state::Repository;
use super::super::token::TokenKind;
use super::Visit;

/// A repository that has another name by now: 301, and 307 where something would be changed.
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>
pub fn moved(visit: &Visit<'_>) -> Option<Answer> {
    let full_name = visit.full_name();
    if visit.state.repository(&full_name).is_some() {
        return None;
    }
    let id = visit.state.moved.get(&full_name.to_lowercase())?;
    let rest = visit.call.template.strip_prefix("/repos/{owner}/{repo}")?;
    let rest = rest.split('/').map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => visit.parameter(name).to_owned(),
        None => part.to_owned(),
    });
    let url = format!("{}/repositories/{id}{}", visit.links().api, rest.collect::<Vec<_>>().join("/"));
    let status = if visit.call.method == "GET" { 301 } else { 307 };
    let message = if status == 301 { "Moved Permanently" } else { "Temporary Redirect" };
    let body = json!({ "message": message, "url": url, "documentation_url": "https://docs.github.com/rest" });
    Some(Answer { status, headers: vec![("location", url)], ..Answer::json(body) })
}

pub fn get(visit: &mut Visit<'_>) -> Handled {
    Ok(Answer::json(visit.links().full_repository(visit.state, visit.viewer, visit.repository()?)))
}

/// The repositories of an organization that the token sees. Those it does not see are not counted either.
pub fn of_organization(visit: &mut Visit<'_>) -> Handled {
    let login = visit.organization()?.login.clone();
    list(visit, &login)
}

pub fn of_user(visit: &mut Visit<'_>) -> Handled {
    let login = visit.parameter("username");
    if visit.state.find_user(login).is_none() {
        return Err(not_found());
    }
    list(visit, login)
}

fn list(visit: &Visit<'_>, owner: &str) -> Handled {
    let mut found: Vec<&Repository> = visit.state.repositories_of(owner);
    found.retain(|repository| visit.viewer.sees(&repository.full_name()));
    match visit.call.query("type") {
        Some("public") => found.retain(|repository| repository.visibility.name() == "public"),
        Some("private") => found.retain(|repository| repository.visibility.name() != "public"),
        Some("forks") => found.retain(|repository| repository.fork),
        Some("sources") => found.retain(|repository| !repository.fork),
        _ => {}
    }
    if visit.call.query("direction") == Some("desc") {
        found.reverse();
    }
    visit.list(found, |repository| visit.links().repository(visit.state, visit.viewer, repository))
}

pub fn of_viewer(visit: &mut Visit<'_>) -> Handled {
    let seen = visit.state.repositories.values().filter(|repository| visit.viewer.sees(&repository.full_name()));
    visit.list(seen, |repository| visit.links().repository(visit.state, visit.viewer, repository))
}

pub fn of_installation(visit: &mut Visit<'_>) -> Handled {
    let TokenKind::Installation { installation } = visit.viewer.kind else { return Err(not_found()) };
    let installation = visit.state.installations.iter().find(|one| one.id == installation).ok_or_else(not_found)?;
    let mut found = visit.state.repositories_of(&installation.account);
    found.retain(|repository| visit.viewer.sees(&repository.full_name()));
    let selection = if visit.viewer.repositories.is_some() { "selected" } else { "all" };
    let mut answer = visit
        .counted("repositories", found, |repository| visit.links().full_repository(visit.state, visit.viewer, repository))?;
    if let Some(serde_json::Value::Object(map)) = &mut answer.body {
        map.insert("repository_selection".to_owned(), selection.into());
    }
    Ok(answer)
}
