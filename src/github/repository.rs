//! A repository: everything that was read of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::people::{Collaborator, DeployKey, Permission};
use super::protection::Protection;
use super::readable::Readable;
use super::rule::words;
use super::ruleset::Ruleset;
use super::word::Word;

/// A repository. What nothing asked for is hidden with the cause `not_asked`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// GitHub's number.
    pub id: u64,
    /// GraphQL's id.
    pub node_id: String,
    /// The organization or user.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Who sees it.
    pub visibility: Word<Visibility>,
    /// Nobody can push.
    pub archived: bool,
    /// GitHub has locked it.
    pub disabled: bool,
    /// It has no commits.
    pub empty: bool,
    /// It is a fork.
    pub fork: bool,
    /// Its topics.
    pub topics: Vec<String>,
    /// Custom properties; a property with several values has several.
    pub properties: Readable<BTreeMap<String, Vec<String>>>,
    /// What the token may do.
    pub viewer_permission: Option<Word<Permission>>,
    /// Whether the token administers it; much is hidden from whoever does not.
    pub viewer_administers: bool,
    /// How pull requests may be merged.
    pub merge_methods: MergeMethods,
    /// The default branch; `None` when there is none.
    pub default_branch: Option<Branch>,
    /// Classic protection, every pattern, the oldest first: where several match a branch, it binds.
    pub protections: Readable<Vec<Protection>>,
    /// Whether each branch that a classic protection is named for has a merge queue.
    #[serde(default = "Readable::not_asked")]
    pub merge_queues: Readable<BTreeMap<String, Readable<bool>>>,
    /// Every ruleset that is for this repository, of every level, in force or not.
    pub rulesets: Readable<Vec<Arc<Ruleset>>>,
    /// All branches, without `refs/heads/`.
    pub branches: Readable<Vec<String>>,
    /// All tags, without `refs/tags/`.
    pub tags: Readable<Vec<String>>,
    /// The newest releases.
    pub releases: Readable<Vec<Release>>,
    /// The file that names owners; `None` when there is none.
    pub codeowners: Readable<Option<Codeowners>>,
    /// The files of `.github/workflows` on the default branch.
    pub workflows: Readable<Vec<WorkflowFile>>,
    /// What the last merged pull requests reported.
    pub reported: Readable<Vec<MergedPullRequest>>,
    /// How many pull requests were merged altogether: the list of what they reported has the last of them.
    #[serde(default = "Readable::not_asked")]
    pub merged_pull_requests: Readable<u64>,
    /// Who has access.
    pub collaborators: Readable<Vec<Collaborator>>,
    /// Deploy keys.
    pub deploy_keys: Readable<Vec<DeployKey>>,
    /// Deployment environments.
    pub environments: Readable<Vec<Environment>>,
    /// What workflows may do.
    pub workflow_permissions: Readable<WorkflowPermissions>,
    /// What rulesets decided lately.
    pub rule_suites: Readable<Vec<RuleSuite>>,
    /// The versions of the rulesets that are its own, by ruleset number, newest first.
    pub ruleset_versions: Readable<BTreeMap<u64, Vec<RulesetVersion>>>,
}

impl Repository {
    /// `owner/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Whether a classic protection of this repository may ask for a merge queue: whether the branch that it is named for has one.
    /// A protection with a pattern has none.
    /// <https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue>
    pub fn merge_queue(&self, protection: &Protection) -> Readable<bool> {
        if !protection.names_a_branch() {
            return Readable::Known(false);
        }
        match &self.merge_queues {
            Readable::Known(queues) => queues.get(&protection.pattern).cloned().unwrap_or_else(Readable::not_asked),
            Readable::Hidden(hidden) => Readable::Hidden(hidden.clone()),
        }
    }
}

words! {
    /// Who sees a repository.
    Visibility("snake_case") {
        /// Everyone.
        Public,
        /// Who was given access.
        Private,
        /// Everyone in the enterprise.
        Internal,
    }
}

/// How pull requests may be merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergeMethods {
    /// By a merge commit.
    pub merge: bool,
    /// By one commit.
    pub squash: bool,
    /// Commit by commit.
    pub rebase: bool,
}

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// Without `refs/heads/`.
    pub name: String,
    /// GitHub's own word on whether anything protects it, from the branch itself: the second witness.
    pub protected: Readable<bool>,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Its tag.
    pub tag: String,
    /// The branch or commit that its tag was made at. Only REST tells.
    #[serde(default = "Readable::not_asked")]
    pub target: Readable<String>,
    /// Not published yet.
    #[serde(default)]
    pub draft: bool,
    /// Marked as not final.
    #[serde(default)]
    pub prerelease: bool,
}

/// The file that names owners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codeowners {
    /// `.github/CODEOWNERS`, `CODEOWNERS` or `docs/CODEOWNERS`: the first that exists binds.
    pub path: String,
    /// Its text.
    pub text: Readable<String>,
    /// What GitHub finds wrong with it.
    pub errors: Readable<Vec<CodeownersError>>,
}

/// A line of CODEOWNERS that GitHub drops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeownersError {
    /// From 1.
    pub line: u64,
    /// GitHub's word for it.
    pub kind: String,
    /// GitHub's words for people.
    pub message: String,
}

/// A workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowFile {
    /// `.github/workflows/ci.yml`.
    pub path: String,
    /// Its text.
    pub text: Readable<String>,
}

/// A merged pull request and what its last commit was checked by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergedPullRequest {
    /// Its number.
    pub number: u64,
    /// The branch it was merged into.
    pub base: String,
    /// Checks and statuses of its head.
    pub checks: Readable<Vec<ReportedCheck>>,
}

/// A check or status that was reported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedCheck {
    /// Its name.
    pub context: String,
    /// The app's number; `None` for a status, which anyone who can write may set.
    #[serde(default)]
    pub app_id: Option<u64>,
    /// The app's name in addresses.
    #[serde(default)]
    pub app: Option<String>,
    /// The workflow's name, for GitHub Actions.
    #[serde(default)]
    pub workflow: Option<String>,
}

/// A deployment environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Who approves; empty when nobody must.
    #[serde(default)]
    pub reviewers: Vec<String>,
    /// Who started a deployment can't approve it.
    #[serde(default)]
    pub prevents_self_review: bool,
    /// Only certain branches deploy.
    #[serde(default)]
    pub has_branch_policy: bool,
    /// Minutes.
    #[serde(default)]
    pub wait_timer: u64,
}

/// What workflows may do with their token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowPermissions {
    /// `read` or `write`.
    pub default_workflow_permissions: String,
    /// Workflows may approve pull requests.
    pub can_approve_pull_request_reviews: bool,
}

/// What rulesets decided about one push or merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSuite {
    /// GitHub's number.
    pub id: u64,
    /// Who pushed.
    pub actor: Option<String>,
    /// The ref.
    pub ref_name: String,
    /// When, as GitHub writes it.
    pub pushed_at: String,
    /// `pass`, `fail` or `bypass`.
    pub result: String,
}

/// A version of a ruleset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesetVersion {
    /// GitHub's number.
    pub version_id: u64,
    /// Who made it.
    pub actor: Option<String>,
    /// When, as GitHub writes it.
    pub updated_at: String,
}
