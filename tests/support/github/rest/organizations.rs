//! Organizations and the roles they define.

use serde_json::{Value, json};

use super::super::call::{Answer, Handled};
use super::super::permission::Role;
use super::super::state::THEN;
use super::Visit;
use super::view::lay;

pub fn get(visit: &mut Visit<'_>) -> Handled {
    let organization = visit.organization()?;
    let owned = visit.state.repositories_of(&organization.login);
    let public = owned.iter().filter(|repository| repository.visibility.name() == "public").count();
    let mut value = lay(
        visit.links().organization_simple(organization),
        json!({
            "html_url": format!("{}/{}", visit.links().html, organization.login),
            "name": organization.login,
            "has_organization_projects": true,
            "has_repository_projects": true,
            "public_repos": public,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "type": "Organization",
            "created_at": THEN,
            "updated_at": THEN,
            "archived_at": null,
        }),
    );
    if visit.viewer.has_role(Role::Admin) {
        let more = json!({
            "total_private_repos": owned.len() - public,
            "owned_private_repos": owned.len() - public,
            "default_repository_permission": organization.base_role.map_or("none", Role::name),
            "members_can_create_repositories": true,
            "members_can_change_repo_visibility": true,
            "two_factor_requirement_enabled": true,
            "deploy_keys_enabled_for_repositories": true,
            "plan": { "name": visit.shared.profile.plan(), "space": 976_562_499, "private_repos": 999_999 },
        });
        value = lay(value, more);
    }
    Ok(Answer::json(lay(value, Value::Object(organization.raw.clone()))))
}

pub fn custom_repository_roles(visit: &mut Visit<'_>) -> Handled {
    let roles = visit.organization()?.custom_repository_roles.clone();
    Ok(Answer::json(json!({ "total_count": roles.len(), "custom_roles": roles })))
}

pub fn organization_roles(visit: &mut Visit<'_>) -> Handled {
    let roles = visit.organization()?.organization_roles.clone();
    let shown: Vec<Value> = roles.into_iter().map(|role| without(role, &["users", "teams"])).collect();
    Ok(Answer::json(json!({ "total_count": shown.len(), "roles": shown })))
}

pub fn role_users(visit: &mut Visit<'_>) -> Handled {
    let logins = holders(visit, "users")?;
    let users = logins.iter().filter_map(|login| visit.state.find_user(login));
    visit.list(users, |user| lay(visit.links().user(user), json!({ "assignment": "direct" })))
}

pub fn role_teams(visit: &mut Visit<'_>) -> Handled {
    let slugs = holders(visit, "teams")?;
    let organization = visit.organization()?;
    let teams = slugs.iter().filter_map(|slug| visit.state.team(&organization.login, slug));
    visit.list(teams, |team| {
        lay(visit.links().team(visit.state, organization, team, Role::Read), json!({ "assignment": "direct" }))
    })
}

/// Planted roles say under `users` and `teams` who has them.
fn holders(visit: &Visit<'_>, what: &str) -> Result<Vec<String>, Box<Answer>> {
    let id = visit.call.number("role_id");
    let roles = &visit.organization()?.organization_roles;
    let role = roles.iter().find(|role| role["id"].as_u64() == Some(id)).ok_or_else(super::super::call::not_found)?;
    let names = role[what].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn without(mut value: Value, keys: &[&str]) -> Value {
    if let Value::Object(map) = &mut value {
        map.retain(|key, _| !keys.contains(&key.as_str()));
    }
    value
}
