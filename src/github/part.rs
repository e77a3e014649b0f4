//! The parts of what GitHub can be asked, so that a run pays only for what its checks need.

/// A part of what is read. [`Index`](Part::Index) is always read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Names, classic protection, and which rulesets apply.
    Index,
    /// What rulesets say: one request for each distinct one.
    Rulesets,
    /// CODEOWNERS and its errors.
    Codeowners,
    /// The files of `.github/workflows`.
    Workflows,
    /// Names of branches and tags.
    Refs,
    /// The newest releases.
    Releases,
    /// What the last merged pull requests reported.
    Reported,
    /// Who has access.
    People,
    /// Deploy keys.
    Keys,
    /// Deployment environments.
    Environments,
    /// What workflows may do, in each repository and in the organization.
    WorkflowPermissions,
    /// Whether anything protects the default branch, asked of the branch itself where the settings may not be read.
    SecondWitness,
    /// What rulesets decided lately.
    RuleSuites,
    /// Who changed rulesets, and when.
    RulesetVersions,
    /// The organization's teams and how many members they have.
    Teams,
    /// The logins of teams' members.
    TeamMembers,
    /// Installed apps.
    Installations,
    /// Roles that the organization made.
    CustomRoles,
    /// Custom properties.
    Properties,
    /// The organization's owners, members and base permission.
    Members,
    /// The organization's own list of rulesets.
    OwnerRulesets,
}

impl Part {
    /// How many REST requests it may cost for each repository, where GraphQL can't tell.
    pub fn requests_a_repository(self) -> u32 {
        match self {
            Part::WorkflowPermissions | Part::SecondWitness => 1,
            _ => 0,
        }
    }
}
