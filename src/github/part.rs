//! What can be read of an owner and its repositories, part by part: a run pays only for what it asks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A part of what GitHub shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Names, visibility, default branch, merge methods and classic protection of every pattern. Always read.
    Index,
    /// What the rulesets say that are for a repository.
    Rulesets,
    /// CODEOWNERS and what GitHub finds wrong with it.
    Codeowners,
    /// The workflow files of the default branch.
    Workflows,
    /// The names of all branches and tags.
    Refs,
    /// The newest releases.
    Releases,
    /// What the last merged pull requests were checked by.
    Reported,
    /// Who has access, and whence.
    People,
    /// Deploy keys.
    Keys,
    /// Deployment environments.
    Environments,
    /// What workflows of a repository may do.
    WorkflowPermissions,
    /// GitHub's own word on whether the default branch is protected, where classic protection may be hidden.
    SecondWitness,
    /// The apps of classic protection's checks, on REST's word where GraphQL shows none.
    Pins,
    /// The branches that the newest releases were made from.
    ReleaseTargets,
    /// Whether the branches that classic protections are named for have a merge queue.
    MergeQueues,
    /// What rulesets lately decided about a repository.
    RuleSuites,
    /// The versions of rulesets.
    RulesetVersions,
    /// Custom properties: their definitions and every repository's values.
    Properties,
    /// An organization's own rulesets, those that are for no repository included.
    OwnerRulesets,
    /// What an organization's rulesets lately decided.
    OwnerRuleSuites,
    /// Teams.
    Teams,
    /// Who is in them.
    TeamMembers,
    /// Members and owners.
    Members,
    /// Installed apps.
    Installations,
    /// Roles that an organization made.
    CustomRoles,
    /// What workflows of an organization may do.
    OrgActions,
}

impl Part {
    /// Every part, in the order of the documentation.
    pub const ALL: [Part; 26] = [
        Part::Index,
        Part::Rulesets,
        Part::Codeowners,
        Part::Workflows,
        Part::Refs,
        Part::Releases,
        Part::Reported,
        Part::People,
        Part::Keys,
        Part::Environments,
        Part::WorkflowPermissions,
        Part::SecondWitness,
        Part::Pins,
        Part::ReleaseTargets,
        Part::MergeQueues,
        Part::RuleSuites,
        Part::RulesetVersions,
        Part::Properties,
        Part::OwnerRulesets,
        Part::OwnerRuleSuites,
        Part::Teams,
        Part::TeamMembers,
        Part::Members,
        Part::Installations,
        Part::CustomRoles,
        Part::OrgActions,
    ];

    /// Its name, as in `rule_suites`.
    pub fn name(self) -> &'static str {
        match self {
            Part::Index => "index",
            Part::Rulesets => "rulesets",
            Part::Codeowners => "codeowners",
            Part::Workflows => "workflows",
            Part::Refs => "refs",
            Part::Releases => "releases",
            Part::Reported => "reported",
            Part::People => "people",
            Part::Keys => "keys",
            Part::Environments => "environments",
            Part::WorkflowPermissions => "workflow_permissions",
            Part::SecondWitness => "second_witness",
            Part::Pins => "pins",
            Part::ReleaseTargets => "release_targets",
            Part::MergeQueues => "merge_queues",
            Part::RuleSuites => "rule_suites",
            Part::RulesetVersions => "ruleset_versions",
            Part::Properties => "properties",
            Part::OwnerRulesets => "owner_rulesets",
            Part::OwnerRuleSuites => "owner_rule_suites",
            Part::Teams => "teams",
            Part::TeamMembers => "team_members",
            Part::Members => "members",
            Part::Installations => "installations",
            Part::CustomRoles => "custom_roles",
            Part::OrgActions => "org_actions",
        }
    }

    /// What it costs, in requests, for whoever chooses.
    pub fn requests_a_repository(self) -> &'static str {
        match self {
            Part::Index => "one for 50 repositories",
            Part::Rulesets => "one for each distinct ruleset",
            _ if self.is_detail() => "one for 25 repositories, with the other details, and one for each further page",
            Part::WorkflowPermissions | Part::RuleSuites => "one for each repository",
            Part::SecondWitness => "one for each repository that the token does not administer",
            Part::Pins => "one for each classic protection with a check of no app",
            Part::ReleaseTargets => "one for each repository that has releases and more than its default branch",
            Part::MergeQueues => "one for each classic protection with a branch's own name",
            Part::RulesetVersions => "one for each distinct ruleset",
            Part::Properties => "one for 100 repositories",
            Part::TeamMembers => "one for each team",
            _ => "one for 100 entries of the owner",
        }
    }

    /// The permission that shows it, as GitHub names it, for where an answer does not say.
    pub fn permission(self) -> &'static str {
        match self {
            Part::Index | Part::Rulesets => "metadata=read",
            Part::Codeowners | Part::Workflows | Part::Refs | Part::Releases | Part::ReleaseTargets | Part::SecondWitness => {
                "contents=read"
            }
            Part::Reported => "pull_requests=read, checks=read, statuses=read",
            Part::People => "metadata=read, and push access",
            Part::Keys | Part::WorkflowPermissions | Part::Pins => "administration=read",
            Part::MergeQueues => "contents=read, merge_queues=read",
            Part::Environments => "actions=read",
            Part::RuleSuites | Part::RulesetVersions => "administration=write",
            Part::Properties => "organization_custom_properties=read",
            Part::OwnerRulesets | Part::OwnerRuleSuites => "organization_administration=write",
            Part::Teams | Part::TeamMembers | Part::Members => "members=read",
            Part::Installations | Part::OrgActions => "organization_administration=read",
            Part::CustomRoles => "organization_custom_roles=read",
        }
    }

    /// Whether it comes with the batched query for details.
    pub fn is_detail(self) -> bool {
        matches!(
            self,
            Part::Codeowners
                | Part::Workflows
                | Part::Refs
                | Part::Releases
                | Part::Reported
                | Part::People
                | Part::Keys
                | Part::Environments
        )
    }
}

/// What a run asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parts(BTreeSet<Part>);

impl Parts {
    /// The index alone.
    pub fn index() -> Parts {
        Parts([Part::Index].into())
    }

    /// Everything there is.
    pub fn all() -> Parts {
        Parts(Part::ALL.into())
    }

    /// These, and another one.
    #[must_use]
    pub fn and(mut self, part: Part) -> Parts {
        self.0.insert(part);
        self
    }

    /// These, without one.
    #[must_use]
    pub fn without(mut self, part: Part) -> Parts {
        self.0.remove(&part);
        self
    }

    /// Whether it is asked for.
    pub fn has(&self, part: Part) -> bool {
        part == Part::Index || self.0.contains(&part)
    }

    /// Whether any of the details is asked for.
    pub fn has_details(&self) -> bool {
        self.0.iter().any(|part| part.is_detail())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Part> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Part> for Parts {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Parts {
        Parts(parts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_own_name_and_a_cost() {
        let names: BTreeSet<_> = Part::ALL.into_iter().map(Part::name).collect();
        assert_eq!(names.len(), Part::ALL.len());
        for part in Part::ALL {
            assert_eq!(serde_json::to_value(part).unwrap(), part.name());
            assert!(part.requests_a_repository().starts_with("one for "));
        }
    }

    #[test]
    fn the_index_is_always_asked_for() {
        assert!(Parts::default().has(Part::Index));
        assert!(!Parts::index().has_details());
        assert!(Parts::index().and(Part::Keys).has_details());
        assert!(!Parts::all().without(Part::Keys).has(Part::Keys));
    }
}
