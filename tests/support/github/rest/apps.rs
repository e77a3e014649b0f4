//! Apps, their installations and tokens; and what everybody may ask.

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Handled, not_found, refuse};
use super::super::permission::Permissions;
use super::super::state::Installation;
use super::super::token::{Token, TokenKind};
use super::Visit;
use super::view::lay;

pub fn meta(visit: &mut Visit<'_>) -> Handled {
    let mut value = json!({ "verifiable_password_authentication": false });
    if let Some(version) = visit.shared.profile.server_version() {
        value = lay(value, json!({ "installed_version": version }));
    }
    Ok(Answer::json(value))
}

pub fn rate_limit(visit: &mut Visit<'_>) -> Handled {
    // Asking for the limit is free.
    visit.shared.refund(&visit.viewer.value);
    if visit.shared.has(super::super::fault::Quirk::WithoutRateLimit) {
        return Err(refuse(404, "Rate limiting is not enabled."));
    }
    let limit = visit.shared.hourly.load(std::sync::atomic::Ordering::Relaxed);
    let resource = |name: &'static str| {
        let used = visit.shared.used(&visit.viewer.value, name);
        json!({ "limit": limit, "remaining": limit.saturating_sub(used), "used": used, "reset": visit.shared.reset() })
    };
    let core = resource("core");
    Ok(Answer::json(
        json!({ "resources": { "core": core, "search": resource("search"), "graphql": resource("graphql") }, "rate": core }),
    ))
}

pub fn get(visit: &mut Visit<'_>) -> Handled {
    let app = visit.state.apps.get(visit.parameter("app_slug")).ok_or_else(not_found)?;
    Ok(Answer::json(visit.links().app(visit.state, app)))
}

fn slug<'a>(visit: &'a Visit<'_>) -> &'a str {
    if let TokenKind::App { slug } = &visit.viewer.kind { slug } else { "" }
}

pub fn own(visit: &mut Visit<'_>) -> Handled {
    let app = visit.state.apps.get(slug(visit)).ok_or_else(not_found)?;
    Ok(Answer::json(visit.links().app(visit.state, app)))
}

pub fn installations(visit: &mut Visit<'_>) -> Handled {
    let found = visit.state.installations.iter().filter(|one| one.app == slug(visit));
    visit.list(found, |one| visit.links().installation(visit.state, one))
}

fn by_id<'a>(visit: &'a Visit<'_>) -> Result<&'a Installation, Box<Answer>> {
    let id = visit.call.number("installation_id");
    visit.state.installations.iter().find(|one| one.id == id && one.app == slug(visit)).ok_or_else(not_found)
}

pub fn installation(visit: &mut Visit<'_>) -> Handled {
    Ok(Answer::json(visit.links().installation(visit.state, by_id(visit)?)))
}

/// The installation on an organization, or on the owner of a repository that it sees.
pub fn installation_of(visit: &mut Visit<'_>) -> Handled {
    let full_name = visit.full_name().to_lowercase();
    let account = if visit.parameter("org").is_empty() { visit.parameter("owner") } else { visit.parameter("org") };
    let found = visit.state.installations.iter().find(|one| {
        let sees = visit.parameter("repo").is_empty() || one.repositories.as_ref().is_none_or(|names| names.contains(&full_name));
        one.app == slug(visit) && one.account.eq_ignore_ascii_case(account) && sees
    });
    Ok(Answer::json(visit.links().installation(visit.state, found.ok_or_else(not_found)?)))
}

pub fn installations_of_organization(visit: &mut Visit<'_>) -> Handled {
    let login = &visit.organization()?.login;
    let found = visit.state.installations.iter().filter(|one| one.account.eq_ignore_ascii_case(login));
    visit.counted("installations", found, |one| visit.links().installation(visit.state, one))
}

/// A token for an hour, with no more than the installation has.
pub fn create_token(visit: &mut Visit<'_>) -> Handled {
    let installation = by_id(visit)?.clone();
    if installation.suspended {
        return Err(refuse(403, "This installation has been suspended"));
    }
    let body = visit.call.body().clone();
    let mut permissions = installation.permissions.clone();
    if let Some(wanted) = body["permissions"].as_object() {
        let wanted = Permissions::from_json(wanted);
        if wanted != wanted.at_most(&permissions) {
            return Err(refuse(422, "The permissions requested are not granted to this installation."));
        }
        permissions = wanted;
    }
    let mut repositories = installation.repositories.clone();
    if let Some(names) = body["repositories"].as_array() {
        let wanted: Vec<String> = names
            .iter()
            .filter_map(Value::as_str)
            .map(|name| format!("{}/{name}", installation.account).to_lowercase())
            .collect();
        let known = |name: &String| {
            visit.state.repository(name).is_some() && repositories.as_ref().is_none_or(|names| names.contains(name))
        };
        if !wanted.iter().all(known) {
            return Err(refuse(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            ));
        }
        repositories = Some(wanted);
    }
    let id = visit.state.next_id();
    let mut token = Token::new(&format!("ghs_{id}"), &format!("{}[bot]", installation.app));
    token.kind = TokenKind::Installation { installation: installation.id };
    token.permissions = permissions.clone();
    token.repositories = repositories.map(|names| names.into_iter().collect());
    let expires =
        jiff::Timestamp::from_second(i64::try_from(visit.shared.now() + 3600).unwrap_or(0)).expect("a time within range");
    let mut answer = Map::new();
    answer.insert("token".to_owned(), token.value.clone().into());
    answer.insert("expires_at".to_owned(), expires.to_string().into());
    answer.insert("permissions".to_owned(), permissions.to_json());
    answer.insert("repository_selection".to_owned(), if token.repositories.is_some() { "selected" } else { "all" }.into());
    visit.state.tokens.insert(token.value.clone(), token);
    Ok(Answer::created(Value::Object(answer)))
}

pub fn revoke_token(visit: &mut Visit<'_>) -> Handled {
    visit.state.tokens.remove(&visit.viewer.value);
    Ok(Answer::nothing())
}
