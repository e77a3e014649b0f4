//! People, organizations and repositories as GitHub shows them, with all their addresses.

use serde_json::{Map, Value, json};

use super::super::permission::Role;
use super::super::shared::Shared;
use super::super::state::{App, Installation, Organization, Repository, State, THEN, Team, User};
use super::super::token::Token;

/// Where the addresses in answers lead.
#[derive(Debug, Clone)]
pub struct Links {
    /// `http://127.0.0.1:1234/api/v3`
    pub api: String,
    pub html: String,
}

/// Everything GitHub says of where a repository's parts are.
const PARTS: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

/// Lays the fields of one object over another.
pub fn lay(mut below: Value, above: Value) -> Value {
    if let (Value::Object(below), Value::Object(above)) = (&mut below, above) {
        below.extend(above);
    }
    below
}

impl Links {
    pub fn new(shared: &Shared) -> Self {
        Self { api: format!("{}{}", shared.origin, shared.profile.rest_prefix()), html: shared.origin.clone() }
    }

    pub fn repository_url(&self, repository: &Repository) -> String {
        format!("{}/repos/{}", self.api, repository.full_name())
    }

    fn account(&self, login: &str, id: u64, kind: &str) -> Value {
        let url = format!("{}/users/{login}", self.api);
        let prefix = if kind == "Organization" { "O" } else { "U" };
        json!({
            "login": login,
            "id": id,
            "node_id": format!("{prefix}_{id}"),
            "avatar_url": format!("{}/avatars/u/{id}", self.html),
            "gravatar_id": "",
            "url": url,
            "html_url": format!("{}/{login}", self.html),
            "followers_url": format!("{url}/followers"),
            "following_url": format!("{url}/following{{/other_user}}"),
            "gists_url": format!("{url}/gists{{/gist_id}}"),
            "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{url}/subscriptions"),
            "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events{{/privacy}}"),
            "received_events_url": format!("{url}/received_events"),
            "type": kind,
            "site_admin": false,
        })
    }

    pub fn user(&self, user: &User) -> Value {
        self.account(&user.login, user.id, "User")
    }

    /// Whoever owns something.
    pub fn owner(&self, state: &State, login: &str) -> Value {
        match (state.organization(login), state.find_user(login)) {
            (Some(organization), _) => self.account(&organization.login, organization.id, "Organization"),
            (None, Some(user)) => self.user(user),
            (None, None) => self.account(login, 0, "User"),
        }
    }

    pub fn users<'a>(&self, state: &State, logins: impl IntoIterator<Item = &'a String>) -> Vec<Value> {
        logins.into_iter().filter_map(|login| state.find_user(login)).map(|user| self.user(user)).collect()
    }

    pub fn organization_simple(&self, organization: &Organization) -> Value {
        let Organization { id, login, .. } = organization;
        let url = format!("{}/orgs/{login}", self.api);
        json!({
            "login": login,
            "id": id,
            "node_id": format!("O_{id}"),
            "url": url,
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events"),
            "hooks_url": format!("{url}/hooks"),
            "issues_url": format!("{url}/issues"),
            "members_url": format!("{url}/members{{/member}}"),
            "public_members_url": format!("{url}/public_members{{/member}}"),
            "avatar_url": format!("{}/avatars/u/{id}", self.html),
            "description": null,
        })
    }

    /// A repository in a list.
    pub fn repository(&self, state: &State, viewer: &Token, repository: &Repository) -> Value {
        let url = self.repository_url(repository);
        let full_name = repository.full_name();
        let mut map = Map::new();
        map.insert("id".to_owned(), repository.id.into());
        map.insert("node_id".to_owned(), format!("R_{}", repository.id).into());
        map.insert("url".to_owned(), url.clone().into());
        map.extend(PARTS.iter().map(|(name, part)| ((*name).to_owned(), Value::from(format!("{url}{part}")))));
        let html = format!("{}/{full_name}", self.html);
        let rest = json!({
            "name": repository.name,
            "full_name": full_name,
            "owner": self.owner(state, &repository.owner),
            "private": repository.visibility.name() != "public",
            "html_url": html,
            "description": null,
            "fork": repository.fork,
            "git_url": format!("{html}.git"),
            "ssh_url": format!("git@localhost:{full_name}.git"),
            "clone_url": format!("{html}.git"),
            "svn_url": html,
            "mirror_url": null,
            "homepage": null,
            "language": null,
            "license": null,
            "forks_count": 0,
            "forks": 0,
            "stargazers_count": 0,
            "watchers_count": 0,
            "watchers": 0,
            "size": repository.files.len(),
            "default_branch": repository.default_branch,
            "open_issues_count": 0,
            "open_issues": 0,
            "is_template": repository.template,
            "topics": repository.topics,
            "has_issues": true,
            "has_projects": true,
            "has_wiki": false,
            "has_pages": false,
            "has_downloads": true,
            "has_discussions": false,
            "archived": repository.archived,
            "disabled": repository.disabled,
            "visibility": repository.visibility.name(),
            "pushed_at": THEN,
            "created_at": THEN,
            "updated_at": THEN,
            "permissions": permissions(viewer),
        });
        let Value::Object(rest) = rest else { return Value::Null };
        map.extend(rest);
        if !repository.properties.is_empty() {
            map.insert(
                "custom_properties".to_owned(),
                repository.properties.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            );
        }
        map.extend(repository.raw.clone());
        Value::Object(map)
    }

    /// A repository by itself.
    pub fn full_repository(&self, state: &State, viewer: &Token, repository: &Repository) -> Value {
        let mut value = self.repository(state, viewer, repository);
        let more = json!({ "network_count": 0, "subscribers_count": 0 });
        value = lay(value, more);
        if viewer.has_role(Role::Write) {
            let settings = json!({
                "allow_merge_commit": repository.merge_commit_allowed,
                "allow_squash_merge": repository.squash_merge_allowed,
                "allow_rebase_merge": repository.rebase_merge_allowed,
                "allow_auto_merge": repository.auto_merge_allowed,
                "delete_branch_on_merge": repository.delete_branch_on_merge,
            });
            value = lay(value, settings);
        }
        if let Some(organization) = state.organization(&repository.owner) {
            value = lay(value, json!({ "organization": self.account(&organization.login, organization.id, "Organization") }));
        }
        lay(value, Value::Object(repository.raw.clone()))
    }

    pub fn team(&self, state: &State, organization: &Organization, team: &Team, role: Role) -> Value {
        let parent = team.parent.as_deref().and_then(|slug| state.team(&organization.login, slug));
        let parent = parent.map_or(Value::Null, |parent| self.team_simple(organization, parent, Role::Read));
        let more = json!({ "parent": parent, "permissions": role.to_json() });
        lay(self.team_simple(organization, team, role), more)
    }

    fn team_simple(&self, organization: &Organization, team: &Team, role: Role) -> Value {
        let url = format!("{}/organizations/{}/team/{}", self.api, organization.id, team.id);
        json!({
            "id": team.id,
            "node_id": format!("T_{}", team.id),
            "name": team.name,
            "slug": team.slug,
            "description": null,
            "privacy": "closed",
            "notification_setting": "notifications_enabled",
            "permission": role.verb(),
            "url": url,
            "html_url": format!("{}/orgs/{}/teams/{}", self.html, organization.login, team.slug),
            "members_url": format!("{url}/members{{/member}}"),
            "repositories_url": format!("{url}/repos"),
            "type": "organization",
            "organization_id": organization.id,
        })
    }

    pub fn app(&self, state: &State, app: &App) -> Value {
        json!({
            "id": app.id,
            "slug": app.slug,
            "node_id": format!("A_{}", app.id),
            "client_id": format!("Iv1.{:016x}", app.id),
            "owner": self.owner(state, &app.owner),
            "name": app.slug,
            "description": "",
            "external_url": format!("{}/apps/{}", self.html, app.slug),
            "html_url": format!("{}/apps/{}", self.html, app.slug),
            "created_at": THEN,
            "updated_at": THEN,
            "permissions": app.permissions.to_json(),
            "events": [],
        })
    }

    pub fn installation(&self, state: &State, installation: &Installation) -> Value {
        let id = installation.id;
        let kind = if state.organization(&installation.account).is_some() { "Organization" } else { "User" };
        let account = self.owner(state, &installation.account);
        let app = state.apps.get(&installation.app);
        json!({
            "id": id,
            "account": account,
            "app_id": app.map_or(0, |app| app.id),
            "app_slug": installation.app,
            "target_id": account["id"],
            "target_type": kind,
            "single_file_name": null,
            "repository_selection": if installation.repositories.is_some() { "selected" } else { "all" },
            "access_tokens_url": format!("{}/app/installations/{id}/access_tokens", self.api),
            "html_url": format!("{}/organizations/{}/settings/installations/{id}", self.html, installation.account),
            "repositories_url": format!("{}/installation/repositories", self.api),
            "events": [],
            "permissions": installation.permissions.to_json(),
            "created_at": THEN,
            "updated_at": THEN,
            "suspended_by": null,
            "suspended_at": if installation.suspended { Value::from(THEN) } else { Value::Null },
        })
    }
}

fn permissions(viewer: &Token) -> Value {
    let role = if viewer.has_role(Role::Admin) { Role::Admin } else { viewer.role };
    role.to_json()
}
