//! The bed as a test holds it.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use super::fault::{Fault, Planned, Quirk, Tamper, When};
use super::log::{Class, Entry};
use super::permission::{Level, Permission, Permissions, Role};
use super::plant::OrganizationHandle;
use super::profile::Profile;
use super::server;
use super::shared::Shared;
use super::state::{App, Enterprise, Installation, Organization, Ruleset, Source, State, THEN};
use super::token::{Token, TokenKind};

/// A GitHub that lives as long as this value. Dropping it fails the test if the bed, or a program, did what GitHub does not have.
pub struct Bed {
    pub(super) shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

impl Default for Bed {
    fn default() -> Self {
        Self::new()
    }
}

impl Bed {
    /// github.com.
    pub fn new() -> Self {
        Self::of(Profile::Dotcom)
    }

    pub fn of(profile: Profile) -> Self {
        Self::start(profile, 0, true)
    }

    /// Without holding answers to the description, which takes time: for benchmarks, whose data a test has looked at.
    pub fn unjudged(profile: Profile) -> Self {
        Self::start(profile, 0, false)
    }

    /// On a port of 127.0.0.1; 0 is any that is free.
    pub fn start(profile: Profile, port: u16, judging: bool) -> Self {
        let listener =
            TcpListener::bind(("127.0.0.1", port)).unwrap_or_else(|error| panic!("cannot listen on port {port}: {error}"));
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let origin = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let shared = Arc::new(Shared::new(profile, origin, judging));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts");
        server::start(Arc::clone(&shared), listener, &runtime);
        Self { shared, runtime: Some(runtime) }
    }

    pub fn profile(&self) -> Profile {
        self.shared.profile
    }

    /// `http://127.0.0.1:1234`: what stands for `github.com` or the server's address.
    pub fn origin(&self) -> &str {
        &self.shared.origin
    }

    /// What REST paths are added to. On Enterprise Server it ends in `/api/v3`.
    pub fn api_url(&self) -> String {
        format!("{}{}", self.shared.origin, self.shared.profile.rest_prefix())
    }

    pub fn graphql_url(&self) -> String {
        format!("{}{}", self.shared.origin, self.shared.profile.graphql_path())
    }

    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        Shared::lock(&self.shared.state)
    }

    // ---- what there is

    /// An organization, made when first named.
    pub fn organization(&self, login: &str) -> OrganizationHandle {
        let mut state = self.state();
        if state.organization(login).is_none() {
            let id = state.next_id();
            let organization = Organization {
                id,
                login: login.to_owned(),
                enterprise: None,
                members: std::collections::BTreeMap::new(),
                outside_collaborators: Vec::new(),
                teams: Vec::new(),
                base_role: Some(Role::Read),
                actions: super::state::account::Actions::default(),
                property_schema: Vec::new(),
                custom_repository_roles: Vec::new(),
                organization_roles: Vec::new(),
                raw: Map::new(),
            };
            state.organizations.insert(login.to_lowercase(), organization);
        }
        OrganizationHandle::new(Arc::clone(&self.shared), login)
    }

    /// The same for a user who owns repositories.
    pub fn user(&self, login: &str) -> OrganizationHandle {
        self.state().user(login);
        OrganizationHandle::new(Arc::clone(&self.shared), login)
    }

    /// An enterprise with organizations in it.
    pub fn enterprise(&self, slug: &str, organizations: &[&str]) -> &Self {
        for login in organizations {
            self.organization(login);
        }
        let mut state = self.state();
        let id = state.next_id();
        state.enterprises.insert(slug.to_lowercase(), Enterprise { id, slug: slug.to_owned(), property_schema: Vec::new() });
        for login in organizations {
            if let Some(organization) = state.organization_mut(login) {
                organization.enterprise = Some(slug.to_lowercase());
            }
        }
        drop(state);
        self
    }

    /// A ruleset of an enterprise; its id.
    pub fn enterprise_ruleset(&self, slug: &str, body: Value) -> u64 {
        plant_ruleset(&mut self.state(), Source::Enterprise(slug.to_lowercase()), body)
    }

    /// An App; its id.
    pub fn app(&self, slug: &str, permissions: Permissions) -> u64 {
        let mut state = self.state();
        let id = state.next_id();
        state.apps.insert(slug.to_owned(), App { id, slug: slug.to_owned(), owner: slug.to_owned(), permissions });
        id
    }

    /// An App that everybody may have, by the number that it has on github.com.
    pub fn app_numbered(&self, slug: &str, id: u64) -> &Self {
        let permissions = Permissions::nothing();
        self.state().apps.insert(slug.to_owned(), App { id, slug: slug.to_owned(), owner: "github".to_owned(), permissions });
        self
    }

    /// An App's installation on an organization or user, for all repositories or for those named `owner/name`; its id.
    pub fn install(&self, app: &str, account: &str, repositories: Option<&[&str]>) -> u64 {
        let mut state = self.state();
        let id = state.next_id();
        let permissions = state.apps.get(app).expect("an App that exists").permissions.clone();
        let repositories = repositories.map(|names| names.iter().map(|name| name.to_lowercase()).collect());
        let installation =
            Installation { id, app: app.to_owned(), account: account.to_owned(), permissions, repositories, suspended: false };
        state.installations.push(installation);
        id
    }

    /// What the pushes of `owner/name` met: `result`, `ref`, `rule_evaluations` and so on, over a suite that passed.
    pub fn rule_suite(&self, full_name: &str, more: Value) -> u64 {
        let mut state = self.state();
        let id = state.next_id();
        let repository = state.repository(full_name).expect("a repository that exists");
        let suite = serde_json::json!({
            "id": id, "actor_id": 1, "actor_name": "octocat", "before_sha": "0".repeat(40), "after_sha": "1".repeat(40),
            "ref": format!("refs/heads/{}", repository.default_branch), "repository_id": repository.id,
            "repository_name": repository.name, "pushed_at": THEN, "result": "pass", "evaluation_result": null,
            "rule_evaluations": [], "full_name": full_name,
        });
        let suite = super::rest::lay(suite, more);
        state.rule_suites.push(suite);
        id
    }

    /// A token. Without anything else said: fine-grained, every permission, every repository, of somebody who owns everything.
    pub fn token(&self) -> TokenBuilder {
        let mut state = self.state();
        let id = state.next_id();
        let login = state.user("auditor").login.clone();
        TokenBuilder { shared: Arc::clone(&self.shared), token: Token::new(&format!("github_pat_{id}"), &login) }
    }

    // ---- how it behaves

    pub fn quirk(&self, quirk: Quirk) -> &Self {
        Shared::lock(&self.shared.quirks).push(quirk);
        self
    }

    pub fn without_quirks(&self) -> &Self {
        Shared::lock(&self.shared.quirks).clear();
        Shared::lock(&self.shared.faults).clear();
        self
    }

    /// Plans a fault on requests: `GET /repos/acme/*/rulesets`, `POST /graphql`; a star is anything.
    pub fn fault(&self, on: &str, when: When, fault: Fault) -> &Self {
        Shared::lock(&self.shared.faults).push(Planned { on: on.to_owned(), when, fault, seen: 0 });
        self
    }

    /// Changes the answers to requests before they are looked at.
    pub fn tamper(&self, on: &str, change: impl Fn(&mut Value) + Send + Sync + 'static) -> &Self {
        self.fault(on, When::Always, Fault::Tamper(Tamper(Arc::new(change))))
    }

    /// Lets answers hold a name that GitHub's description does not have: a rule, enforcement or mode of the future.
    pub fn allow_unknown(&self, name: &str) -> &Self {
        Shared::lock(&self.shared.planted).insert(name.to_owned());
        self
    }

    /// How long every answer takes.
    pub fn latency(&self, latency: Duration) -> &Self {
        self.shared.set_latency(latency);
        self
    }

    /// Requests (and points of GraphQL) that a token has until its limit is reset.
    pub fn hourly_limit(&self, limit: u64) -> &Self {
        self.shared.hourly.store(limit, Ordering::Relaxed);
        self
    }

    /// Writes every request with its answer to a file, a line each. No token is in it.
    pub fn record(&self, file: &Path) -> &Self {
        let file = File::create(file).unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
        *Shared::lock(&self.shared.record) = Some(file);
        self
    }

    // ---- what was asked

    pub fn requests(&self) -> Vec<Entry> {
        Shared::lock(&self.shared.log).clone()
    }

    /// `GET /orgs/{org}/repos`, by operation; GraphQL is `POST /graphql`.
    pub fn requests_of(&self, operation: &str) -> Vec<Entry> {
        let is =
            |entry: &Entry| entry.template.as_ref().is_some_and(|template| format!("{} {template}", entry.method) == operation);
        self.requests().into_iter().filter(is).collect()
    }

    pub fn count(&self, class: Class) -> usize {
        Shared::lock(&self.shared.log).iter().filter(|entry| entry.class == class).count()
    }

    pub fn forget_requests(&self) -> &Self {
        Shared::lock(&self.shared.log).clear();
        self
    }

    /// The most requests that were under way at once.
    pub fn most_in_flight(&self) -> usize {
        self.shared.most_in_flight.load(Ordering::Acquire)
    }

    /// Requests that GitHub's description refuses, each with its reason. Asking for them is expecting them: otherwise they fail the
    /// test when the bed is dropped.
    pub fn refused_requests(&self) -> Vec<String> {
        std::mem::take(&mut *Shared::lock(&self.shared.refused))
    }

    /// What the bed did that GitHub could not, and routes that GitHub does not have; likewise.
    pub fn violations(&self) -> Vec<String> {
        std::mem::take(&mut *Shared::lock(&self.shared.violations))
    }

    /// Fails if anything was said or asked that GitHub does not have.
    pub fn assert_honest(&self) {
        let found = [self.violations(), self.refused_requests()].concat();
        assert!(found.is_empty(), "not as GitHub describes itself:\n  {}", found.join("\n  "));
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waits for nothing, and so may also happen inside another runtime.
            runtime.shutdown_background();
        }
        if !std::thread::panicking() {
            self.assert_honest();
        }
    }
}

/// A token in the making.
pub struct TokenBuilder {
    shared: Arc<Shared>,
    token: Token,
}

impl TokenBuilder {
    #[must_use]
    pub fn permissions(mut self, permissions: Permissions) -> Self {
        self.token.permissions = permissions;
        self
    }

    #[must_use]
    pub fn without(mut self, permission: Permission) -> Self {
        self.token.permissions = self.token.permissions.without(permission);
        self
    }

    #[must_use]
    pub fn with(mut self, permission: Permission, level: Level) -> Self {
        self.token.permissions = self.token.permissions.with(permission, level);
        self
    }

    /// What its owner may do. Anybody below an administrator owns no organization either.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.token.role = role;
        self
    }

    /// Only these repositories, as `owner/name`.
    #[must_use]
    pub fn only(mut self, full_names: &[&str]) -> Self {
        self.token.repositories = Some(full_names.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>());
        self
    }

    /// A classic token: its scopes are shown, and it may do whatever its owner may.
    #[must_use]
    pub fn classic(mut self, scopes: &[&str]) -> Self {
        self.token.kind = TokenKind::Classic { scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect() };
        self
    }

    /// `GITHUB_TOKEN` of a workflow: a token of the Actions App, for one repository.
    #[must_use]
    pub fn of_workflow(mut self, full_name: &str) -> Self {
        self.token.kind = TokenKind::Installation { installation: 0 };
        self.token.login = "github-actions[bot]".to_owned();
        self.token.permissions =
            Permissions::nothing().with(Permission::Contents, Level::Read).with(Permission::Actions, Level::Read);
        self.only(&[full_name])
    }

    /// A token of an installation, as if it had been asked for.
    #[must_use]
    pub fn of_installation(mut self, installation: u64) -> Self {
        self.token.kind = TokenKind::Installation { installation };
        let state = Shared::lock(&self.shared.state);
        let found = state.installations.iter().find(|one| one.id == installation).expect("an installation that exists");
        self.token.permissions = found.permissions.clone();
        self.token.repositories = found.repositories.clone().map(|names| names.into_iter().collect());
        self.token.login = format!("{}[bot]", found.app);
        drop(state);
        self
    }

    /// Known for so many requests, and then no more.
    #[must_use]
    pub fn expires_after(mut self, requests: u64) -> Self {
        self.token.expires_after = Some(requests);
        self
    }

    /// Makes it known; its text.
    pub fn create(self) -> String {
        let value = self.token.value.clone();
        Shared::lock(&self.shared.state).tokens.insert(value.clone(), self.token);
        value
    }
}

/// Puts a ruleset into the state, with whatever it holds; its id.
pub(super) fn plant_ruleset(state: &mut State, source: Source, body: Value) -> u64 {
    let id = state.next_id();
    let version = state.next_id();
    let Value::Object(mut body) = body else { panic!("a ruleset is an object") };
    body.entry("target").or_insert_with(|| "branch".into());
    body.entry("bypass_actors").or_insert_with(|| Value::Array(Vec::new()));
    body.entry("rules").or_insert_with(|| Value::Array(Vec::new()));
    let actor = state.user("auditor").login.clone();
    let versions = vec![super::state::ruleset::Version { id: version, actor, updated_at: THEN.to_owned(), state: body.clone() }];
    let times = (THEN.to_owned(), THEN.to_owned());
    state.rulesets.insert(id, Ruleset { id, source, body, created_at: times.0, updated_at: times.1, versions });
    id
}
