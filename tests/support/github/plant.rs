//! Planting: organizations and repositories as a test builds them. Every method takes what is usual for granted, and those that take
//! JSON plant it as it is, known to GitHub or not.

use std::sync::{Arc, MutexGuard};

use serde_json::{Map, Value, json};

use super::bed::plant_ruleset;
use super::permission::Role;
use super::rest::lay;
use super::shared::Shared;
use super::state::repository::{Door, commit};
use super::state::{
    Collaborator, MergedPullRequest, Organization, Protection, Reported, Repository, Ruleset, Source, State, THEN, Team,
    Visibility,
};

/// An organization, or a user who owns repositories.
#[derive(Clone)]
pub struct OrganizationHandle {
    shared: Arc<Shared>,
    login: String,
}

/// A repository.
#[derive(Clone)]
pub struct RepositoryHandle {
    shared: Arc<Shared>,
    id: u64,
}

impl OrganizationHandle {
    pub(super) fn new(shared: Arc<Shared>, login: &str) -> Self {
        Self { shared, login: login.to_owned() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        Shared::lock(&self.shared.state)
    }

    /// Changes anything.
    fn change(&self, change: impl FnOnce(&mut Organization)) -> &Self {
        change(self.state().organization_mut(&self.login).expect("an organization"));
        self
    }

    pub fn login(&self) -> &str {
        &self.login
    }

    pub fn id(&self) -> u64 {
        self.state().organization(&self.login).expect("an organization").id
    }

    /// A repository, made when first named: private, with a branch `main`.
    pub fn repository(&self, name: &str) -> RepositoryHandle {
        let mut state = self.state();
        let full_name = format!("{}/{name}", self.login);
        let id = match state.repository(&full_name) {
            Some(repository) => repository.id,
            None => {
                let id = state.next_id();
                state.add_repository(Repository::new(id, &self.login, name));
                id
            }
        };
        RepositoryHandle { shared: Arc::clone(&self.shared), id }
    }

    /// A ruleset of the organization; its id.
    pub fn ruleset(&self, body: Value) -> u64 {
        plant_ruleset(&mut self.state(), Source::Organization(self.login.clone()), body)
    }

    pub fn member(&self, login: &str) -> &Self {
        self.state().user(login);
        self.change(|organization| {
            organization.members.insert(login.to_lowercase(), false);
        })
    }

    pub fn owner(&self, login: &str) -> &Self {
        self.state().user(login);
        self.change(|organization| {
            organization.members.insert(login.to_lowercase(), true);
        })
    }

    pub fn outside_collaborator(&self, login: &str) -> &Self {
        self.state().user(login);
        self.change(|organization| organization.outside_collaborators.push(login.to_owned()))
    }

    /// A team with its members, who become members of the organization; its id.
    pub fn team(&self, slug: &str, members: &[&str]) -> u64 {
        for login in members {
            self.member(login);
        }
        let id = self.state().next_id();
        let members = members.iter().map(|login| (*login).to_owned()).collect();
        self.change(|organization| {
            organization.teams.push(Team { id, slug: slug.to_owned(), name: slug.to_owned(), members, parent: None })
        });
        id
    }

    /// A team within another one; its id.
    pub fn child_team(&self, slug: &str, parent: &str, members: &[&str]) -> u64 {
        let id = self.team(slug, members);
        self.change(|organization| {
            if let Some(team) = organization.teams.iter_mut().find(|team| team.id == id) {
                team.parent = Some(parent.to_owned());
            }
        });
        id
    }

    /// What every member may do in every repository; `None`: nothing.
    pub fn base_role(&self, role: Option<Role>) -> &Self {
        self.change(|organization| organization.base_role = role)
    }

    /// `default_workflow_permissions` and `can_approve_pull_request_reviews`, for the organization.
    pub fn workflow_permissions(&self, default: &str, can_approve: bool) -> &Self {
        self.change(|organization| {
            organization.actions.default_workflow_permissions = default.to_owned();
            organization.actions.can_approve_pull_request_reviews = can_approve;
        })
    }

    /// A custom property, over an optional text that organization actors may set.
    pub fn property(&self, name: &str, more: Value) -> &Self {
        let property = json!({
            "property_name": name, "url": format!("{}/orgs/{}/properties/schema/{name}", self.shared.origin, self.login),
            "source_type": "organization", "value_type": "string", "required": false, "default_value": null, "description": null,
            "allowed_values": null, "values_editable_by": "org_actors",
        });
        self.change(|organization| organization.property_schema.push(lay(property, more)))
    }

    /// A custom repository role: its `name`, `base_role` and `permissions`; its id.
    pub fn custom_repository_role(&self, more: Value) -> u64 {
        let mut state = self.state();
        let id = state.next_id();
        let organization = super::rest::Links::new(&self.shared).owner(&state, &self.login);
        let role = json!({
            "id": id, "name": "custom", "description": null, "base_role": "read", "permissions": [], "organization": organization,
            "created_at": THEN, "updated_at": THEN,
        });
        drop(state);
        self.change(|organization| organization.custom_repository_roles.push(lay(role, more)));
        id
    }

    /// A role in the organization: `name`, `permissions`; `users` and `teams` say who has it; its id.
    pub fn organization_role(&self, more: Value) -> u64 {
        let id = self.state().next_id();
        let role = json!({
            "id": id, "name": "custom", "description": null, "base_role": null, "source": "Organization", "permissions": [],
            "organization": null, "created_at": THEN, "updated_at": THEN,
        });
        self.change(|organization| organization.organization_roles.push(lay(role, more)));
        id
    }

    /// Laid over what `GET /orgs/{org}` answers.
    pub fn raw(&self, more: Value) -> &Self {
        self.change(|organization| organization.raw.extend(object(more)))
    }

    /// Changes a ruleset as somebody did after it was planted: a new version of it.
    pub fn change_ruleset(&self, id: u64, actor: &str, updated_at: &str, more: Value) -> &Self {
        change_ruleset(&mut self.state(), id, actor, updated_at, more);
        self
    }
}

impl RepositoryHandle {
    fn state(&self) -> MutexGuard<'_, State> {
        Shared::lock(&self.shared.state)
    }

    fn change(&self, change: impl FnOnce(&mut Repository)) -> &Self {
        change(self.state().repositories.get_mut(&self.id).expect("a repository"));
        self
    }

    fn read<T>(&self, read: impl FnOnce(&Repository) -> T) -> T {
        read(&self.state().repositories[&self.id])
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// As GraphQL has it.
    pub fn node_id(&self) -> String {
        format!("R_{}", self.id)
    }

    pub fn full_name(&self) -> String {
        self.read(Repository::full_name)
    }

    pub fn visibility(&self, visibility: Visibility) -> &Self {
        self.change(|repository| repository.visibility = visibility)
    }

    pub fn public(&self) -> &Self {
        self.visibility(Visibility::Public)
    }

    pub fn archived(&self) -> &Self {
        self.change(|repository| repository.archived = true)
    }

    pub fn disabled(&self) -> &Self {
        self.change(|repository| repository.disabled = true)
    }

    pub fn fork(&self) -> &Self {
        self.change(|repository| repository.fork = true)
    }

    pub fn template(&self) -> &Self {
        self.change(|repository| repository.template = true)
    }

    /// Without any branch.
    pub fn empty(&self) -> &Self {
        self.change(|repository| repository.branches.clear())
    }

    /// 403 "Upgrade to GitHub Pro or make this repository public", wherever protection is asked for.
    pub fn needs_upgrade(&self) -> &Self {
        self.change(|repository| repository.needs_upgrade = true)
    }

    /// Its classic protection is shown to nobody, whatever a token may: GitHub refuses it, and the branch says that it has some.
    pub fn hides_protections(&self) -> &Self {
        self.change(|repository| repository.hides_protections = true)
    }

    pub fn branch(&self, name: &str) -> &Self {
        self.change(|repository| {
            let commit = commit(&repository.owner, &repository.name, name);
            repository.branches.insert(name.to_owned(), commit);
        })
    }

    /// Makes a branch the default one. The one before stays.
    pub fn default_branch(&self, name: &str) -> &Self {
        self.branch(name).change(|repository| repository.default_branch = name.to_owned())
    }

    pub fn tag(&self, name: &str) -> &Self {
        self.change(|repository| {
            let commit = commit(&repository.owner, &repository.name, name);
            repository.tags.insert(name.to_owned(), commit);
        })
    }

    /// A file on the default branch.
    pub fn file(&self, path: &str, text: &str) -> &Self {
        self.change(|repository| {
            let branch = repository.default_branch.clone();
            repository.files.entry(branch).or_default().insert(path.to_owned(), text.to_owned());
        })
    }

    pub fn file_on(&self, branch: &str, path: &str, text: &str) -> &Self {
        self.branch(branch).change(|repository| {
            repository.files.entry(branch.to_owned()).or_default().insert(path.to_owned(), text.to_owned());
        })
    }

    pub fn topics(&self, topics: &[&str]) -> &Self {
        self.change(|repository| repository.topics = topics.iter().map(|topic| (*topic).to_owned()).collect())
    }

    pub fn property(&self, name: &str, value: impl Into<Value>) -> &Self {
        self.change(|repository| {
            repository.properties.insert(name.to_owned(), value.into());
        })
    }

    /// A ruleset of the repository; its id.
    pub fn ruleset(&self, body: Value) -> u64 {
        plant_ruleset(&mut self.state(), Source::Repository(self.id), body)
    }

    pub fn change_ruleset(&self, id: u64, actor: &str, updated_at: &str, more: Value) -> &Self {
        change_ruleset(&mut self.state(), id, actor, updated_at, more);
        self
    }

    /// Classic protection of a branch or pattern: the body of `PUT .../protection`, everything optional, and beside it
    /// `required_signatures`, `required_deployments`, `bypass_force_push` and `creator`.
    pub fn protect(&self, pattern: &str, body: Value) -> &Self {
        let id = self.state().next_id();
        let protection = Protection::read(id, pattern, &body);
        if let Some(login) = &protection.creator {
            self.state().user(login);
        }
        self.change(|repository| {
            repository.protections.retain(|known| known.pattern != pattern);
            repository.protections.push(protection);
        })
    }

    /// The classic protection of this branch asks for a merge queue, as only GitHub's pages can set it.
    pub fn merge_queue(&self, branch: &str) -> &Self {
        self.change(|repository| {
            let rule = repository.protections.iter_mut().find(|known| known.pattern == branch);
            rule.expect("a classic protection of the branch's own name").merge_queue = true;
        })
    }

    /// The number of the repository's own ruleset of this name, if there is one.
    pub fn ruleset_named(&self, name: &str) -> Option<u64> {
        let own = |ruleset: &&Ruleset| ruleset.source == Source::Repository(self.id) && ruleset.text("name") == name;
        self.state().rulesets.values().find(own).map(|ruleset| ruleset.id)
    }

    pub fn delete_ruleset(&self, id: u64) -> &Self {
        self.state().rulesets.remove(&id);
        self
    }

    pub fn unprotect(&self, pattern: &str) -> &Self {
        self.change(|repository| repository.protections.retain(|known| known.pattern != pattern))
    }

    /// Somebody who may do something, through these doors.
    pub fn collaborator(&self, login: &str, role: Role, doors: &[Door]) -> &Self {
        self.state().user(login);
        let doors = if doors.is_empty() { vec![Door::Repository(role)] } else { doors.to_vec() };
        self.change(|repository| {
            repository.collaborators.retain(|known| known.login != login);
            repository.collaborators.push(Collaborator { login: login.to_owned(), role, role_name: None, doors });
        })
    }

    /// The same with a custom role, which `role` is the base of.
    pub fn collaborator_with_role(&self, login: &str, role: Role, name: &str) -> &Self {
        self.collaborator(login, role, &[]).change(|repository| {
            if let Some(one) = repository.collaborators.iter_mut().find(|known| known.login == login) {
                one.role_name = Some(name.to_owned());
            }
        })
    }

    pub fn team(&self, slug: &str, role: Role) -> &Self {
        self.change(|repository| {
            repository.teams.retain(|(known, _)| known != slug);
            repository.teams.push((slug.to_owned(), role));
        })
    }

    /// A merged pull request with what was reported on its head.
    pub fn merged(&self, number: u64, base: &str, reported: &[Reported]) -> &Self {
        for one in reported {
            if let Reported::Status { creator: Some(login), .. } = one {
                self.state().user(login);
            }
        }
        let mut reporters = std::collections::BTreeMap::new();
        for one in reported {
            if let Reported::CheckRun { name, app: Some(app), .. } = one
                && let Some(app) = self.state().apps.get(app)
            {
                reporters.insert(name.clone(), app.id);
            }
        }
        self.change(|repository| {
            repository.reporters.extend(reporters);
            let head = commit(&repository.owner, &repository.name, &format!("pull {number}"));
            repository.merged.push(MergedPullRequest { number, base: base.to_owned(), head, reported: reported.to_vec() });
        })
    }

    /// A release, over one of a tag, published.
    pub fn release(&self, tag: &str, more: Value) -> &Self {
        let id = self.state().next_id();
        let release = json!({
            "id": id, "node_id": format!("RE_{id}"), "tag_name": tag, "target_commitish": "main", "name": tag, "draft": false,
            "prerelease": false, "created_at": THEN, "published_at": THEN, "body": null,
        });
        self.change(|repository| repository.releases.push(object(lay(release, more))))
    }

    /// An environment, over one without any gate: `protection_rules` with `reviewers` by name (`{"type": "User", "reviewer":
    /// "octocat"}`), `deployment_branch_policy`, `branch_policies`.
    pub fn environment(&self, name: &str, more: Value) -> &Self {
        let id = self.state().next_id();
        let environment = json!({ "id": id, "node_id": format!("EN_{id}"), "name": name, "protection_rules": [] });
        self.change(|repository| repository.environments.push(object(lay(environment, more))))
    }

    /// A deploy key; its id.
    pub fn deploy_key(&self, title: &str, read_only: bool) -> u64 {
        let id = self.state().next_id();
        let key = json!({
            "id": id, "key": format!("ssh-ed25519 AAAA{id}"), "title": title, "verified": true, "created_at": THEN,
            "read_only": read_only, "added_by": "octocat", "last_used": null, "enabled": true,
        });
        self.change(|repository| repository.keys.push(object(key)));
        id
    }

    /// An error in CODEOWNERS, over an owner that is not known.
    pub fn codeowners_error(&self, more: Value) -> &Self {
        let error = json!({
            "line": 1, "column": 1, "kind": "Unknown owner", "source": "* @nobody", "suggestion": null,
            "message": "Unknown owner on line 1", "path": ".github/CODEOWNERS",
        });
        self.change(|repository| repository.codeowners_errors.push(lay(error, more)))
    }

    /// `default_workflow_permissions` and `can_approve_pull_request_reviews`.
    pub fn workflow_permissions(&self, default: &str, can_approve: bool) -> &Self {
        self.change(|repository| {
            repository.actions.default_workflow_permissions = default.to_owned();
            repository.actions.can_approve_pull_request_reviews = can_approve;
        })
    }

    pub fn allowed_actions(&self, allowed: &str) -> &Self {
        self.change(|repository| repository.actions.allowed_actions = allowed.to_owned())
    }

    /// Laid over what `GET /repos/{owner}/{repo}` and lists answer.
    pub fn raw(&self, more: Value) -> &Self {
        self.change(|repository| repository.raw.extend(object(more)))
    }

    /// Gives it another name; the old one leads here.
    pub fn rename(&self, name: &str) -> &Self {
        let (from, owner) = self.read(|repository| (repository.full_name(), repository.owner.clone()));
        self.state().rename_repository(&from, &owner, name);
        self
    }

    /// Hands it to another owner; the old address leads there.
    pub fn transfer(&self, owner: &str) -> &Self {
        let (from, name) = self.read(|repository| (repository.full_name(), repository.name.clone()));
        self.state().rename_repository(&from, owner, &name);
        self
    }
}

/// A change that somebody made, with its place in the history.
fn change_ruleset(state: &mut State, id: u64, actor: &str, updated_at: &str, more: Value) {
    let version = state.next_id();
    let actor = state.user(actor).login.clone();
    let ruleset: &mut Ruleset = state.rulesets.get_mut(&id).expect("a ruleset");
    ruleset.body.extend(object(more));
    ruleset.updated_at = updated_at.to_owned();
    let state = ruleset.body.clone();
    ruleset.versions.push(super::state::ruleset::Version { id: version, actor, updated_at: updated_at.to_owned(), state });
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("an object is planted, not {other}"),
    }
}
