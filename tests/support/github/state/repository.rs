//! One repository with all that GitHub keeps of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::fnmatch;
use super::super::permission::Role;
use super::account::Actions;
use super::protection::Protection;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    Public,
    Private,
    Internal,
}

impl Visibility {
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Internal => "internal",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Repository {
    pub id: u64,
    pub owner: String,
    pub name: String,
    pub visibility: Visibility,
    pub default_branch: String,
    /// Name to commit. None: an empty repository.
    pub branches: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// Branch to path to text.
    pub files: BTreeMap<String, BTreeMap<String, String>>,
    pub archived: bool,
    pub disabled: bool,
    pub fork: bool,
    pub template: bool,
    pub topics: Vec<String>,
    pub properties: BTreeMap<String, Value>,
    pub merge_commit_allowed: bool,
    pub squash_merge_allowed: bool,
    pub rebase_merge_allowed: bool,
    pub auto_merge_allowed: bool,
    pub delete_branch_on_merge: bool,
    /// The plan has neither protection nor rulesets for this repository: 403 "Upgrade to GitHub Pro or make ...".
    pub needs_upgrade: bool,
    /// Its classic protection is shown to nobody, though the branch says that it has some.
    pub hides_protections: bool,
    pub merged: Vec<MergedPullRequest>,
    pub releases: Vec<Map<String, Value>>,
    pub environments: Vec<Map<String, Value>>,
    pub keys: Vec<Map<String, Value>>,
    pub collaborators: Vec<Collaborator>,
    /// Slug and role.
    pub teams: Vec<(String, Role)>,
    pub protections: Vec<Protection>,
    pub codeowners_errors: Vec<Value>,
    pub actions: Actions,
    /// Check to the id of the App that reported it last.
    pub reporters: BTreeMap<String, u64>,
    /// Laid over what `GET /repos/{owner}/{repo}` answers.
    pub raw: Map<String, Value>,
}

/// Who may do something in a repository, and through which doors.
#[derive(Debug, Clone)]
pub struct Collaborator {
    pub login: String,
    pub role: Role,
    /// A custom role's name, where it has one.
    pub role_name: Option<String>,
    pub doors: Vec<Door>,
}

/// Where somebody's permission comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    Repository(Role),
    Team(String, Role),
    Organization(Role),
}

/// A merged pull request, for what was reported on its head.
#[derive(Debug, Clone)]
pub struct MergedPullRequest {
    pub number: u64,
    pub base: String,
    pub head: String,
    pub reported: Vec<Reported>,
}

#[derive(Debug, Clone)]
pub enum Reported {
    CheckRun { name: String, app: Option<String>, workflow: Option<String>, event: String },
    Status { context: String, creator: Option<String> },
}

impl Repository {
    pub fn new(id: u64, owner: &str, name: &str) -> Self {
        Self {
            id,
            owner: owner.to_owned(),
            name: name.to_owned(),
            visibility: Visibility::Private,
            default_branch: "main".to_owned(),
            branches: BTreeMap::from([("main".to_owned(), commit(owner, name, "main"))]),
            tags: BTreeMap::new(),
            files: BTreeMap::new(),
            archived: false,
            disabled: false,
            fork: false,
            template: false,
            topics: Vec::new(),
            properties: BTreeMap::new(),
            merge_commit_allowed: true,
            squash_merge_allowed: true,
            rebase_merge_allowed: true,
            auto_merge_allowed: false,
            delete_branch_on_merge: false,
            needs_upgrade: false,
            hides_protections: false,
            merged: Vec::new(),
            releases: Vec::new(),
            environments: Vec::new(),
            keys: Vec::new(),
            collaborators: Vec::new(),
            teams: Vec::new(),
            protections: Vec::new(),
            codeowners_errors: Vec::new(),
            actions: Actions::default(),
            reporters: BTreeMap::new(),
            raw: Map::new(),
        }
    }

    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    pub fn is_empty(&self) -> bool {
        self.branches.is_empty()
    }

    /// The one classic rule that governs a branch: the one of its very name, else the oldest whose pattern matches.
    /// <https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/managing-a-branch-protection-rule>
    pub fn protection(&self, branch: &str) -> Option<&Protection> {
        let exact = self.protections.iter().find(|protection| protection.pattern == branch);
        exact.or_else(|| self.protections.iter().find(|protection| fnmatch::matches(&protection.pattern, branch)))
    }

    /// Whether the classic rule of a branch asks for a merge queue.
    pub fn has_classic_queue(&self, branch: &str) -> bool {
        self.protections.iter().any(|protection| protection.pattern == branch && protection.merge_queue)
    }

    /// The id of the App that reported a check last. Ids are those of `State::apps`, which stand in `reporters`.
    pub fn reporter(&self, context: &str) -> Option<u64> {
        self.reporters.get(context).copied()
    }

    /// The text of a file on a branch, or on the default branch for `HEAD`.
    pub fn file(&self, reference: &str, path: &str) -> Option<&str> {
        let branch = if reference == "HEAD" { &self.default_branch } else { reference };
        self.files.get(branch)?.get(path).map(String::as_str)
    }

    /// What lies in a folder of a branch: name, and whether it is a folder.
    pub fn folder(&self, reference: &str, folder: &str) -> Option<BTreeMap<&str, bool>> {
        let branch = if reference == "HEAD" { &self.default_branch } else { reference };
        let prefix = if folder.is_empty() { String::new() } else { format!("{}/", folder.trim_end_matches('/')) };
        let mut found = BTreeMap::new();
        for path in self.files.get(branch)?.keys().filter_map(|path| path.strip_prefix(&prefix)) {
            match path.split_once('/') {
                Some((name, _)) => found.insert(name, true),
                None => found.insert(path, false),
            };
        }
        (!found.is_empty()).then_some(found)
    }
}

/// An object name that is the same in every run.
pub fn commit(owner: &str, name: &str, what: &str) -> String {
    object_name(&format!("commit {owner}/{name} {what}"))
}

pub fn object_name(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}
