//! Users, teams, Apps and organizations.

use super::super::state::{App, Organization, Team};
use super::View;
use super::object::{Object, leaf, unknown};
use super::root;

pub fn user<'a>(view: &'a View<'a>, login: &str) -> Object<'a> {
    let login = login.to_owned();
    Object::new(view, "User", move |field, arguments| {
        let id = view.state.find_user(&login).map_or(0, |user| user.id);
        match field {
            "id" => leaf(format!("U_{id}")),
            "databaseId" => leaf(id),
            "login" => leaf(login.clone()),
            "repositories" => root::repositories(view, &login, arguments),
            _ => unknown("User", field),
        }
    })
}

pub fn organization<'a>(view: &'a View<'a>, organization: &'a Organization) -> Object<'a> {
    Object::new(view, "Organization", move |field, arguments| match field {
        "id" => leaf(format!("O_{}", organization.id)),
        "databaseId" => leaf(organization.id),
        "login" => leaf(organization.login.clone()),
        "viewerCanAdminister" => leaf(root::owns(view)),
        "repositories" => root::repositories(view, &organization.login, arguments),
        _ => unknown("Organization", field),
    })
}

pub fn team<'a>(view: &'a View<'a>, organization: &'a Organization, team: &'a Team) -> Object<'a> {
    Object::new(view, "Team", move |field, _| match field {
        "id" => leaf(format!("T_{}", team.id)),
        "databaseId" => leaf(team.id),
        "combinedSlug" => leaf(format!("{}/{}", organization.login, team.slug)),
        _ => unknown("Team", field),
    })
}

pub fn app<'a>(view: &'a View<'a>, app: &'a App) -> Object<'a> {
    Object::new(view, "App", move |field, _| match field {
        "id" => leaf(format!("A_{}", app.id)),
        "databaseId" => leaf(app.id),
        "slug" => leaf(app.slug.clone()),
        _ => unknown("App", field),
    })
}

/// A team of the owner of a repository, by slug.
pub fn team_of<'a>(view: &'a View<'a>, owner: &str, slug: &str) -> Option<Object<'a>> {
    Some(team(view, view.state.organization(owner)?, view.state.team(owner, slug)?))
}
