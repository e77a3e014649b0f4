//! What the bed's GitHub holds. Plain data: who may see it is decided where it is read.

pub mod account;
pub mod protection;
pub mod repository;
pub mod ruleset;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

pub use self::account::{App, Enterprise, Installation, Organization, Team, User};
pub use self::protection::{Actors, Protection};
pub use self::repository::{Collaborator, MergedPullRequest, Reported, Repository, Visibility};
pub use self::ruleset::{Ruleset, Source};
use super::token::Token;

/// Every time in the bed, unless a test says otherwise: what GitHub's own examples have.
pub const THEN: &str = "2026-01-02T03:04:05Z";

#[derive(Debug, Clone, Default)]
pub struct State {
    last_id: u64,
    pub users: BTreeMap<String, User>,
    /// By login in lower case.
    pub organizations: BTreeMap<String, Organization>,
    pub enterprises: BTreeMap<String, Enterprise>,
    pub apps: BTreeMap<String, App>,
    pub installations: Vec<Installation>,
    /// By id, which is also the order of their creation.
    pub repositories: BTreeMap<u64, Repository>,
    /// From full name in lower case.
    names: HashMap<String, u64>,
    /// Former full names in lower case.
    pub moved: HashMap<String, u64>,
    pub rulesets: BTreeMap<u64, Ruleset>,
    pub rule_suites: Vec<Value>,
    pub tokens: HashMap<String, Token>,
}

impl State {
    /// A number that nothing else has.
    pub fn next_id(&mut self) -> u64 {
        self.last_id = self.last_id.max(1000) + 1;
        self.last_id
    }

    /// The user of a login, made when first heard of.
    pub fn user(&mut self, login: &str) -> &User {
        let key = login.to_lowercase();
        if !self.users.contains_key(&key) {
            let id = self.next_id();
            self.users.insert(key.clone(), User { id, login: login.to_owned() });
        }
        &self.users[&key]
    }

    pub fn find_user(&self, login: &str) -> Option<&User> {
        self.users.get(&login.to_lowercase())
    }

    pub fn organization(&self, login: &str) -> Option<&Organization> {
        self.organizations.get(&login.to_lowercase())
    }

    pub fn organization_mut(&mut self, login: &str) -> Option<&mut Organization> {
        self.organizations.get_mut(&login.to_lowercase())
    }

    pub fn repository(&self, full_name: &str) -> Option<&Repository> {
        self.repositories.get(self.names.get(&full_name.to_lowercase())?)
    }

    pub fn repository_mut(&mut self, full_name: &str) -> Option<&mut Repository> {
        self.repositories.get_mut(self.names.get(&full_name.to_lowercase())?)
    }

    pub fn add_repository(&mut self, repository: Repository) {
        self.names.insert(repository.full_name().to_lowercase(), repository.id);
        self.repositories.insert(repository.id, repository);
    }

    /// Gives a repository another name; the old one then leads to the new.
    pub fn rename_repository(&mut self, from: &str, owner: &str, name: &str) {
        let id = self.names.remove(&from.to_lowercase()).expect("a repository that exists");
        self.moved.insert(from.to_lowercase(), id);
        let repository = self.repositories.get_mut(&id).expect("a name leads to a repository");
        repository.owner = owner.to_owned();
        repository.name = name.to_owned();
        self.names.insert(repository.full_name().to_lowercase(), id);
    }

    /// The repositories of an owner, by name.
    pub fn repositories_of<'a>(&'a self, owner: &str) -> Vec<&'a Repository> {
        let mut found: Vec<&Repository> =
            self.repositories.values().filter(|one| one.owner.eq_ignore_ascii_case(owner)).collect();
        found.sort_by_cached_key(|repository| repository.name.to_lowercase());
        found
    }

    pub fn team(&self, organization: &str, slug: &str) -> Option<&Team> {
        self.organization(organization)?.teams.iter().find(|team| team.slug.eq_ignore_ascii_case(slug))
    }

    /// Every ruleset that reaches a repository, in the order of their creation: its own, its organization's, its enterprise's.
    pub fn rulesets_of<'a>(&'a self, repository: &'a Repository) -> impl Iterator<Item = &'a Ruleset> {
        let enterprise = self.organization(&repository.owner).and_then(|organization| organization.enterprise.as_deref());
        self.rulesets.values().filter(move |ruleset| match &ruleset.source {
            Source::Repository(id) => *id == repository.id,
            Source::Organization(login) => login.eq_ignore_ascii_case(&repository.owner) && ruleset.selects(repository),
            Source::Enterprise(slug) => enterprise == Some(slug) && ruleset.selects(repository),
        })
    }
}
