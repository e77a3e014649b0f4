//! The organization or user that owns repositories: what holds for all of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::own_apps;
use super::people::{CustomRole, Installation, Permission, Team};
use super::readable::{Hidden, Readable};
use super::repository::{RuleSuite, RulesetVersion, WorkflowPermissions};
use super::rule::words;
use super::ruleset::Ruleset;
use super::word::Word;

/// An organization or user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The login.
    pub login: String,
    /// GitHub's number.
    pub id: u64,
    /// Its page.
    #[serde(default)]
    pub html_url: Option<String>,
    /// Whether it is on a server of one's own: GitHub's own apps have other numbers there than on github.com.
    #[serde(default)]
    pub is_on_a_server: bool,
    /// What it is. A user has no teams, roles and rulesets: those lists are then known and empty.
    pub kind: OwnerKind,
    /// How many repositories it says it has, to compare with how many were seen.
    pub repository_count: Readable<u64>,
    /// What every member may do in every repository.
    pub base_permission: Readable<Word<Permission>>,
    /// Whether whoever administers a repository changes who sees it, and not only the owners.
    #[serde(default = "Readable::not_asked")]
    pub admins_change_visibility: Readable<bool>,
    /// Logins of its owners.
    pub admins: Readable<Vec<String>>,
    /// Logins of its members.
    pub members: Readable<Vec<String>>,
    /// Its teams.
    pub teams: Readable<Vec<Team>>,
    /// Apps that are installed.
    pub installations: Readable<Vec<Installation>>,
    /// Roles it made.
    pub custom_roles: Readable<Vec<CustomRole>>,
    /// Its rulesets, those of its enterprise that it may see included.
    pub rulesets: Readable<Vec<std::sync::Arc<Ruleset>>>,
    /// Its custom properties.
    pub properties: Readable<Vec<PropertyDefinition>>,
    /// What workflows may do, unless a repository says otherwise.
    pub workflow_permissions: Readable<WorkflowPermissions>,
    /// What its rulesets decided lately, with the repository's name.
    pub rule_suites: Readable<Vec<(String, RuleSuite)>>,
    /// The versions of its rulesets, by number, newest first.
    pub ruleset_versions: Readable<BTreeMap<u64, Vec<RulesetVersion>>>,
    /// Numbers of people and repositories that a policy or a ruleset names, as far as they were asked for.
    #[serde(default)]
    pub numbers: Numbers,
}

impl Owner {
    /// The name of GitHub's own app of this number, as far as it is known where this owner is.
    pub fn own_app(&self, number: i64) -> Option<&'static str> {
        own_apps::numbered(number).filter(|_| !self.is_on_a_server)
    }

    /// That its list of teams has every team, secret ones included. Those are in it only for who administers the
    /// organization, and so may list the installed apps, too.
    ///
    /// # Errors
    /// A team that is not in the list may be there all the same.
    pub fn lists_every_team(&self) -> Result<(), Hidden> {
        self.teams.read().map_err(Clone::clone)?;
        match (self.kind, self.installations.read()) {
            (OwnerKind::User, _) | (OwnerKind::Organization, Ok(_)) => Ok(()),
            (OwnerKind::Organization, Err(hidden)) => Err(Hidden {
                why: format!("a secret team is in the list only for who administers the organization: {}", hidden.why),
                ..hidden.clone()
            }),
        }
    }
}

/// GitHub's numbers by name, where no list tells them. `None` means that GitHub knows none of that name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// People, by login.
    #[serde(default)]
    pub people: BTreeMap<String, Option<u64>>,
    /// Repositories, by `owner/name`.
    #[serde(default)]
    pub repositories: BTreeMap<String, Option<u64>>,
    /// What a repository is called now that GitHub has none of under its old name, by that name, both as `owner/name`.
    #[serde(default)]
    pub moved: BTreeMap<String, String>,
}

words! {
    /// What owns repositories.
    OwnerKind("snake_case") {
        /// An organization.
        Organization,
        /// A person.
        User,
    }
}

/// A custom property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PropertyDefinition {
    /// Its name.
    pub name: String,
    /// Who sets it: `org_actors` or `org_and_repo_actors`.
    #[serde(default)]
    pub values_editable_by: Option<String>,
}
