//! `[github]` and `[[exempt]]`: what the companion reads. The hook only checks that they load.

use jiff::civil::Date;

use super::{Location, RepositoryScope};

/// `[github]`.
#[derive(Debug, Clone)]
pub struct Github {
    /// The organization or user.
    pub owner: String,
    /// Which of its repositories.
    pub repositories: Repositories,
    /// Where rulesets are written.
    pub level: Level,
    /// What they are written as.
    pub mechanism: Mechanism,
    /// What happens to what the policy does not know.
    pub unmanaged: Unmanaged,
    /// Whether workflows may approve pull requests; nothing when the policy does not say.
    pub can_approve_pull_request_reviews: Option<bool>,
    /// The API's address, without a slash at its end.
    pub api_url: String,
    /// Where it stands in the policy.
    pub at: Location,
}

/// `[github] repositories`.
#[derive(Debug, Clone)]
pub struct Repositories {
    /// By name.
    pub scope: RepositoryScope,
    /// With one of these topics; empty for any.
    pub topics: Vec<String>,
    /// Of these visibilities; empty for any.
    pub visibility: Vec<Visibility>,
    /// Archived ones, too.
    pub archived: bool,
}

impl Default for Repositories {
    fn default() -> Self {
        Repositories { scope: RepositoryScope::all(), topics: Vec::new(), visibility: Vec::new(), archived: false }
    }
}

/// Who sees a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everyone.
    Public,
    /// Who was given access.
    Private,
    /// Everyone in the enterprise.
    Internal,
}

/// `[github] level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// In each repository.
    Repository,
    /// In the organization, for its repositories.
    Organization,
}

/// `[github] mechanism`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// Rulesets.
    Rulesets,
    /// Classic branch protection.
    BranchProtection,
}

/// `[github] unmanaged`: rulesets and protections that the policy does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmanaged {
    /// They are reported.
    Report,
    /// They are not looked at.
    Ignore,
    /// They are deleted.
    Delete,
}

/// `[[exempt]]`: a check's findings that are known and accepted.
#[derive(Debug, Clone)]
pub struct Exempt {
    /// The check's id.
    pub check: String,
    /// In which repositories.
    pub repositories: RepositoryScope,
    /// Why it is accepted.
    pub reason: String,
    /// The last day it is accepted.
    pub until: Option<Date>,
    /// Who answers for it: a name or `@group`.
    pub owner: Option<String>,
    /// Where it stands in the policy.
    pub at: Location,
}
