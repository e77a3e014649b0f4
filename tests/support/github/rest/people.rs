//! Users, members, teams and collaborators.

use serde_json::{Value, json};

use super::super::call::{Answer, Handled, not_found};
use super::super::permission::Role;
use super::super::state::{Collaborator, THEN, Team};
use super::Visit;
use super::view::lay;

pub fn viewer(visit: &mut Visit<'_>) -> Handled {
    // An installation is no user. <https://docs.github.com/en/rest/users/users#get-the-authenticated-user>
    if matches!(visit.viewer.kind, super::super::token::TokenKind::Installation { .. }) {
        return Err(super::super::call::refuse(403, "Resource not accessible by integration"));
    }
    profile(visit, &visit.viewer.login.clone())
}

pub fn user(visit: &mut Visit<'_>) -> Handled {
    profile(visit, visit.parameter("username"))
}

fn profile(visit: &Visit<'_>, login: &str) -> Handled {
    if visit.state.find_user(login).is_none() && visit.state.organization(login).is_none() {
        return Err(not_found());
    }
    let more = json!({
        "name": null, "company": null, "blog": "", "location": null, "email": null, "hireable": null, "bio": null,
        "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0, "created_at": THEN, "updated_at": THEN,
        "user_view_type": "public",
    });
    Ok(Answer::json(lay(visit.links().owner(visit.state, login), more)))
}

pub fn members(visit: &mut Visit<'_>) -> Handled {
    let wanted = visit.call.query("role").unwrap_or("all");
    let members = visit.organization()?.members.iter().filter(|(_, owner)| match wanted {
        "admin" => **owner,
        "member" => !**owner,
        _ => true,
    });
    let users = members.filter_map(|(login, _)| visit.state.find_user(login));
    visit.list(users, |user| visit.links().user(user))
}

pub fn membership(visit: &mut Visit<'_>) -> Handled {
    let organization = visit.organization()?;
    let login = visit.parameter("username");
    let owner = organization.members.get(&login.to_lowercase()).ok_or_else(not_found)?;
    let url = format!("{}/orgs/{}", visit.links().api, organization.login);
    Ok(Answer::json(json!({
        "url": format!("{url}/memberships/{login}"),
        "state": "active",
        "role": if *owner { "admin" } else { "member" },
        "organization_url": url,
        "organization": visit.links().organization_simple(organization),
        "user": visit.links().owner(visit.state, login),
        "direct_membership": true,
    })))
}

pub fn outside_collaborators(visit: &mut Visit<'_>) -> Handled {
    let logins = &visit.organization()?.outside_collaborators;
    visit.list(logins.iter().filter_map(|login| visit.state.find_user(login)), |user| visit.links().user(user))
}

pub fn teams(visit: &mut Visit<'_>) -> Handled {
    let organization = visit.organization()?;
    visit.list(&organization.teams, |team| visit.links().team(visit.state, organization, team, Role::Read))
}

fn named<'a>(visit: &'a Visit<'_>) -> Result<&'a Team, Box<Answer>> {
    visit.state.team(visit.parameter("org"), visit.parameter("team_slug")).ok_or_else(not_found)
}

pub fn team(visit: &mut Visit<'_>) -> Handled {
    let (organization, team) = (visit.organization()?, named(visit)?);
    let url = format!("{}/orgs/{}", visit.links().api, organization.login);
    let full = json!({
        "login": organization.login, "html_url": format!("{}/{}", visit.links().html, organization.login), "name": organization.login,
        "has_organization_projects": true, "has_repository_projects": true, "public_repos": 0, "public_gists": 0, "followers": 0,
        "following": 0, "type": "Organization", "created_at": THEN, "updated_at": THEN, "archived_at": null, "url": url,
    });
    let more = json!({
        "created_at": THEN,
        "updated_at": THEN,
        "members_count": team.members.len(),
        "repos_count": repositories(visit, team).len(),
        "organization": lay(visit.links().organization_simple(organization), full),
    });
    Ok(Answer::json(lay(visit.links().team(visit.state, organization, team, Role::Read), more)))
}

pub fn team_members(visit: &mut Visit<'_>) -> Handled {
    let members = named(visit)?.members.iter().filter_map(|login| visit.state.find_user(login));
    visit.list(members, |user| visit.links().user(user))
}

fn repositories<'a>(visit: &'a Visit<'_>, team: &Team) -> Vec<&'a super::super::state::Repository> {
    let mut found = visit.state.repositories_of(visit.parameter("org"));
    found.retain(|repository| {
        repository.teams.iter().any(|(slug, _)| *slug == team.slug) && visit.viewer.sees(&repository.full_name())
    });
    found
}

pub fn team_repositories(visit: &mut Visit<'_>) -> Handled {
    let found = repositories(visit, named(visit)?);
    visit.list(found, |repository| visit.links().repository(visit.state, visit.viewer, repository))
}

pub fn teams_of_repository(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    let organization = visit.state.organization(&repository.owner);
    let teams = repository.teams.iter().filter_map(|(slug, role)| {
        let organization = organization?;
        Some((organization, visit.state.team(&organization.login, slug)?, *role))
    });
    visit.list(teams, |(organization, team, role)| visit.links().team(visit.state, organization, team, role))
}

pub fn collaborators(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    let outside = |login: &str| {
        visit
            .state
            .organization(&repository.owner)
            .is_none_or(|organization| !organization.members.contains_key(&login.to_lowercase()))
    };
    let direct =
        |one: &Collaborator| one.doors.iter().any(|door| matches!(door, super::super::state::repository::Door::Repository(_)));
    let found = repository.collaborators.iter().filter(|one| match visit.call.query("affiliation") {
        Some("outside") => direct(one) && outside(&one.login),
        Some("direct") => direct(one),
        _ => true,
    });
    let found =
        found.filter(|one| visit.call.query("permission").and_then(Role::from_name).is_none_or(|least| one.role >= least));
    visit.list(found, |one| collaborator(visit, one))
}

fn collaborator(visit: &Visit<'_>, one: &Collaborator) -> Value {
    let more = json!({ "permissions": one.role.to_json(), "role_name": one.role_name.as_deref().unwrap_or(one.role.name()) });
    lay(visit.links().owner(visit.state, &one.login), more)
}

fn find<'a>(visit: &'a Visit<'_>) -> Result<Option<&'a Collaborator>, Box<Answer>> {
    let login = visit.parameter("username");
    Ok(visit.repository()?.collaborators.iter().find(|one| one.login.eq_ignore_ascii_case(login)))
}

pub fn is_collaborator(visit: &mut Visit<'_>) -> Handled {
    find(visit)?.map(|_| Answer::nothing()).ok_or_else(not_found)
}

/// `permission` knows four words: maintain shows as write, triage as read.
/// <https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user>
pub fn permission(visit: &mut Visit<'_>) -> Handled {
    if visit.state.find_user(visit.parameter("username")).is_none() {
        return Err(not_found());
    }
    let (permission, role_name, user) = match find(visit)? {
        Some(one) => (
            one.role.coarse().to_lowercase(),
            one.role_name.clone().unwrap_or_else(|| one.role.name().to_owned()),
            collaborator(visit, one),
        ),
        None => {
            let nobody = json!({ "role_name": "none" });
            ("none".to_owned(), "none".to_owned(), lay(visit.links().owner(visit.state, visit.parameter("username")), nobody))
        }
    };
    Ok(Answer::json(json!({ "permission": permission, "role_name": role_name, "user": user })))
}
