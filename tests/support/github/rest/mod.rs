//! The REST handlers: a file for each resource, and the one table that leads to them.

mod actions;
mod apps;
mod branches;
mod contents;
mod environments;
mod keys;
mod organizations;
mod people;
mod properties;
pub mod protection;
mod repositories;
pub mod rulesets;
mod suites;
mod view;

use serde_json::Value;

pub use self::view::{Links, lay};
use super::call::{Answer, Call, Handled, not_found};
use super::shared::Shared;
use super::state::{Organization, Repository, State};
use super::token::Token;

/// One request in the hands of its handler.
pub struct Visit<'a> {
    pub shared: &'a Shared,
    pub state: &'a mut State,
    pub viewer: &'a Token,
    pub call: &'a Call,
}

impl<'a> Visit<'a> {
    pub fn links(&self) -> Links {
        Links::new(self.shared)
    }

    pub fn parameter(&self, name: &str) -> &'a str {
        self.call.parameter(name)
    }

    pub fn full_name(&self) -> String {
        format!("{}/{}", self.parameter("owner"), self.parameter("repo"))
    }

    /// The repository of the path. `permit` has seen that it is there.
    pub fn repository(&self) -> Result<&Repository, Box<Answer>> {
        self.state.repository(&self.full_name()).ok_or_else(not_found)
    }

    pub fn repository_mut(&mut self) -> Result<&mut Repository, Box<Answer>> {
        let full_name = self.full_name();
        self.state.repository_mut(&full_name).ok_or_else(not_found)
    }

    pub fn organization(&self) -> Result<&Organization, Box<Answer>> {
        self.state.organization(self.parameter("org")).ok_or_else(not_found)
    }

    pub fn organization_mut(&mut self) -> Result<&mut Organization, Box<Answer>> {
        let login = self.parameter("org");
        self.state.organization_mut(login).ok_or_else(not_found)
    }

    pub fn list<T>(&self, items: impl IntoIterator<Item = T>, render: impl FnMut(T) -> Value) -> Handled {
        Ok(Answer::list(self.call, items, render))
    }

    pub fn counted<T>(&self, name: &str, items: impl IntoIterator<Item = T>, render: impl FnMut(T) -> Value) -> Handled {
        Ok(Answer::counted(self.call, name, items, render))
    }
}

/// Lets the operation's handler answer.
pub fn answer(visit: &mut Visit<'_>) -> Handled {
    if let Some(moved) = repositories::moved(visit) {
        return Ok(moved);
    }
    let call = visit.call;
    let (method, path) = (call.method.as_str(), call.template.as_str());
    let rest = match path.strip_prefix("/repos/{owner}/{repo}") {
        Some(rest) => rest,
        None => return elsewhere(visit, method, path),
    };
    match (method, rest) {
        ("GET", "") => repositories::get(visit),
        ("GET", "/teams") => people::teams_of_repository(visit),
        ("GET", "/collaborators") => people::collaborators(visit),
        ("GET", "/collaborators/{username}") => people::is_collaborator(visit),
        ("GET", "/collaborators/{username}/permission") => people::permission(visit),
        ("GET", "/installation") => apps::installation_of(visit),
        ("GET", "/branches") => branches::list(visit),
        ("GET", "/branches/{branch}") => branches::get(visit),
        ("GET", "/tags") => branches::tags(visit),
        ("GET", "/git/matching-refs/{ref}") => branches::matching(visit),
        ("GET", "/commits/{ref}/check-runs") => branches::check_runs(visit),
        ("GET", "/commits/{ref}/status") => branches::status(visit),
        ("GET", "/pulls") => branches::pulls(visit),
        ("GET", "/codeowners/errors") => contents::codeowners_errors(visit),
        ("GET", "/contents/{path}") => contents::get(visit),
        ("GET", "/releases") => contents::releases(visit),
        ("GET", "/keys") => keys::list(visit),
        ("GET", "/keys/{key_id}") => keys::get(visit),
        ("GET", "/properties/values") => properties::of_repository(visit),
        ("PATCH", "/properties/values") => properties::set_of_repository(visit),
        ("GET", "/rules/branches/{branch}") => rulesets::of_branch(visit),
        (_, rest) if rest.starts_with("/rulesets/rule-suites") => suites::answer(visit, rest),
        (_, rest) if rest.starts_with("/rulesets") => rulesets::answer(visit, rest),
        (_, rest) if rest.starts_with("/actions/permissions") => actions::of_repository(visit, rest),
        (_, rest) if rest.starts_with("/environments") => environments::answer(visit, rest),
        (_, rest) => match rest.strip_prefix("/branches/{branch}/protection") {
            Some(part) => protection::answer(visit, part),
            None => Err(missing(visit)),
        },
    }
}

fn elsewhere(visit: &mut Visit<'_>, method: &str, path: &str) -> Handled {
    match (method, path) {
        ("GET", "/meta") => apps::meta(visit),
        ("GET", "/rate_limit") => apps::rate_limit(visit),
        ("GET", "/user") => people::viewer(visit),
        ("GET", "/user/repos") => repositories::of_viewer(visit),
        ("GET", "/users/{username}") => people::user(visit),
        ("GET", "/users/{username}/repos") => repositories::of_user(visit),
        ("GET", "/apps/{app_slug}") => apps::get(visit),
        ("GET", "/app") => apps::own(visit),
        ("GET", "/app/installations") => apps::installations(visit),
        ("GET", "/app/installations/{installation_id}") => apps::installation(visit),
        ("POST", "/app/installations/{installation_id}/access_tokens") => apps::create_token(visit),
        ("GET", "/installation/repositories") => repositories::of_installation(visit),
        ("DELETE", "/installation/token") => apps::revoke_token(visit),
        ("GET", "/orgs/{org}") => organizations::get(visit),
        ("GET", "/orgs/{org}/repos") => repositories::of_organization(visit),
        ("GET", "/orgs/{org}/members") => people::members(visit),
        ("GET", "/orgs/{org}/memberships/{username}") => people::membership(visit),
        ("GET", "/orgs/{org}/outside_collaborators") => people::outside_collaborators(visit),
        ("GET", "/orgs/{org}/teams") => people::teams(visit),
        ("GET", "/orgs/{org}/teams/{team_slug}") => people::team(visit),
        ("GET", "/orgs/{org}/teams/{team_slug}/members") => people::team_members(visit),
        ("GET", "/orgs/{org}/teams/{team_slug}/repos") => people::team_repositories(visit),
        ("GET", "/orgs/{org}/installation") => apps::installation_of(visit),
        ("GET", "/orgs/{org}/installations") => apps::installations_of_organization(visit),
        ("GET", "/orgs/{org}/custom-repository-roles") => organizations::custom_repository_roles(visit),
        ("GET", "/orgs/{org}/organization-roles") => organizations::organization_roles(visit),
        ("GET", "/orgs/{org}/organization-roles/{role_id}/users") => organizations::role_users(visit),
        ("GET", "/orgs/{org}/organization-roles/{role_id}/teams") => organizations::role_teams(visit),
        _ => {
            if let Some(rest) = path.strip_prefix("/orgs/{org}/actions/permissions") {
                return actions::of_organization(visit, rest);
            }
            let rest = ["/orgs/{org}", "/enterprises/{enterprise}"]
                .iter()
                .find_map(|prefix| path.strip_prefix(prefix))
                .unwrap_or_default();
            match rest {
                _ if rest.starts_with("/rulesets/rule-suites") => suites::answer(visit, rest),
                _ if rest.starts_with("/rulesets") => rulesets::answer(visit, rest),
                _ if rest.starts_with("/properties") => properties::answer(visit, rest),
                _ => Err(missing(visit)),
            }
        }
    }
}

/// An operation that GitHub has and the bed has not: no program may take that for GitHub's answer.
fn missing(visit: &Visit<'_>) -> Box<Answer> {
    let name = format!("{} {}", visit.call.method, visit.call.template);
    Shared::lock(&visit.shared.violations).push(format!("{name}: the bed does not have this operation"));
    super::call::refuse(501, "Not Implemented")
}
