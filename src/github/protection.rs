//! Classic branch protection: one rule for each pattern, of which exactly one binds a branch.

use serde::{Deserialize, Serialize};

use super::people::Actor;
use super::readable::{Cause, Hidden, Readable};

/// A classic branch protection rule, with GraphQL's fields, which are more than REST's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protection {
    /// GitHub's node id; empty when it was read by REST.
    #[serde(default)]
    pub id: String,
    /// The branches it is for: a name or a pattern.
    pub pattern: String,
    /// Who made it.
    #[serde(default)]
    pub creator: Option<String>,
    /// Administrators are bound, too.
    #[serde(default)]
    pub is_admin_enforced: bool,
    /// Checks pass first.
    #[serde(default)]
    pub requires_status_checks: bool,
    /// The branch must be up to date first.
    #[serde(default)]
    pub requires_strict_status_checks: bool,
    /// The checks.
    #[serde(default)]
    pub required_status_checks: Vec<RequiredCheck>,
    /// Changes come through a pull request.
    #[serde(default)]
    pub requires_approving_reviews: bool,
    /// How many approvals.
    #[serde(default)]
    pub required_approving_review_count: u64,
    /// A push withdraws approvals.
    #[serde(default)]
    pub dismisses_stale_reviews: bool,
    /// Owners of changed files approve.
    #[serde(default)]
    pub requires_code_owner_reviews: bool,
    /// Someone other than who pushed last approves.
    #[serde(default)]
    pub require_last_push_approval: bool,
    /// Only those named dismiss reviews.
    #[serde(default)]
    pub restricts_review_dismissals: bool,
    /// Commits are signed.
    #[serde(default)]
    pub requires_commit_signatures: bool,
    /// No merge commits.
    #[serde(default)]
    pub requires_linear_history: bool,
    /// Conversations are resolved.
    #[serde(default)]
    pub requires_conversation_resolution: bool,
    /// Deployments succeed first. Only GraphQL tells.
    #[serde(default = "nothing_required")]
    pub required_deployment_environments: Readable<Vec<String>>,
    /// Force pushes are allowed to whoever can push.
    #[serde(default)]
    pub allows_force_pushes: bool,
    /// Deletion is allowed to whoever can push.
    #[serde(default)]
    pub allows_deletions: bool,
    /// Only those who may push create matching branches.
    #[serde(default)]
    pub blocks_creations: bool,
    /// Only those named push.
    #[serde(default)]
    pub restricts_pushes: bool,
    /// Nobody pushes.
    #[serde(default)]
    pub lock_branch: bool,
    /// A fork's branch may be brought up to date.
    #[serde(default)]
    pub lock_allows_fetch_and_merge: bool,
    /// Who pushes, when pushes are restricted.
    #[serde(default = "nobody")]
    pub push_allowances: Readable<Vec<Actor>>,
    /// Who passes the required pull request.
    #[serde(default = "nobody")]
    pub bypass_pull_request_allowances: Readable<Vec<Actor>>,
    /// Who force-pushes although force pushes are not allowed. Only GraphQL tells.
    #[serde(default = "nobody")]
    pub bypass_force_push_allowances: Readable<Vec<Actor>>,
    /// Who dismisses reviews, when that is restricted.
    #[serde(default = "nobody")]
    pub review_dismissal_allowances: Readable<Vec<Actor>>,
    /// Branches that an older rule takes from this one. Only GraphQL tells.
    #[serde(default = "no_conflicts")]
    pub conflicts: Readable<Vec<Conflict>>,
    /// Checks that seem to be anyone's and may be an app's that GraphQL does not show: there was no branch to ask REST about.
    /// Filled only where [`Part::Pins`](super::part::Part::Pins) was read, and no part of what the protection says.
    #[serde(skip)]
    pub unsure_checks: Vec<String>,
}

/// A check that classic protection requires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredCheck {
    /// Its name.
    pub context: String,
    /// The app that must report it; `None` for anyone.
    #[serde(default)]
    pub app: Option<Actor>,
}

/// A branch that two rules are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// The branch.
    #[serde(default)]
    pub branch: Option<String>,
    /// The pattern of the other rule.
    #[serde(default)]
    pub pattern: Option<String>,
}

impl Protection {
    /// Whether its pattern is a branch's name, without anything that stands for other names.
    pub fn names_a_branch(&self) -> bool {
        !self.pattern.contains(['*', '?', '[', '\\'])
    }

    /// Why it can't be told which app must report one of the checks, if that is so.
    pub fn unsure_check(&self) -> Option<Hidden> {
        let check = self.unsure_checks.first()?;
        let why = format!(
            "whether an app must report the check `{check}` of branch protection `{}` can't be told without a branch that it binds",
            self.pattern
        );
        Some(Hidden::new(Cause::Partial, why))
    }

    /// A protection that asks for nothing, as GitHub makes one of which nothing is said.
    pub fn new(pattern: &str) -> Protection {
        Protection {
            id: String::new(),
            pattern: pattern.to_owned(),
            creator: None,
            is_admin_enforced: false,
            requires_status_checks: false,
            requires_strict_status_checks: false,
            required_status_checks: Vec::new(),
            requires_approving_reviews: false,
            required_approving_review_count: 0,
            dismisses_stale_reviews: false,
            requires_code_owner_reviews: false,
            require_last_push_approval: false,
            restricts_review_dismissals: false,
            requires_commit_signatures: false,
            requires_linear_history: false,
            requires_conversation_resolution: false,
            required_deployment_environments: nothing_required(),
            allows_force_pushes: false,
            allows_deletions: false,
            blocks_creations: false,
            restricts_pushes: false,
            lock_branch: false,
            lock_allows_fetch_and_merge: false,
            push_allowances: nobody(),
            bypass_pull_request_allowances: nobody(),
            bypass_force_push_allowances: nobody(),
            review_dismissal_allowances: nobody(),
            conflicts: no_conflicts(),
            unsure_checks: Vec::new(),
        }
    }
}

fn nobody() -> Readable<Vec<Actor>> {
    Readable::Known(Vec::new())
}

fn nothing_required() -> Readable<Vec<String>> {
    Readable::Known(Vec::new())
}

fn no_conflicts() -> Readable<Vec<Conflict>> {
    Readable::Known(Vec::new())
}
