//! Who acts: people, teams, apps, keys and roles.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::readable::Readable;
use super::rule::words;
use super::word::Word;

words! {
    /// What kind of actor it is.
    ActorKind("snake_case") {
        /// A person.
        User,
        /// A team.
        Team,
        /// An app.
        App,
    }
    /// What someone may do in a repository, weakest first.
    Permission("snake_case") {
        /// Nothing.
        None,
        /// Read.
        Read,
        /// Read, and sort issues.
        Triage,
        /// Push.
        Write,
        /// Push, and some settings.
        Maintain,
        /// Everything.
        Admin,
    }
}

/// Someone who is named in a setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// What it is.
    pub kind: Word<ActorKind>,
    /// Login, team slug (without the organization) or app slug.
    pub name: String,
    /// GitHub's number.
    #[serde(default)]
    pub id: Option<u64>,
}

impl fmt::Display for Actor {
    /// As the policy writes it: `alice`, `team:release`, `app:release-please`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Word::Known(ActorKind::User) => f.write_str(&self.name),
            kind => write!(f, "{kind}:{}", self.name),
        }
    }
}

/// A team of an organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// GitHub's number.
    pub id: u64,
    /// Its name in addresses.
    pub slug: String,
    /// The slug of the team it is in.
    #[serde(default)]
    pub parent: Option<String>,
    /// Logins of its members, child teams' members included.
    pub members: Readable<Vec<String>>,
    /// How many members it has, child teams' members included.
    pub member_count: Readable<u64>,
}

/// An installed app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    /// The app's number, by which rulesets name it.
    pub app_id: u64,
    /// The app's name in addresses.
    pub app_slug: String,
    /// Permissions and `read`, `write` or `admin`.
    #[serde(default)]
    pub permissions: std::collections::BTreeMap<String, String>,
    /// `all` or `selected`.
    pub repository_selection: String,
    /// Whether it is suspended.
    #[serde(default)]
    pub suspended: bool,
}

/// A role that an organization made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomRole {
    /// GitHub's number, by which rulesets name it.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The role it extends: `read`, `triage`, `write`, `maintain`.
    #[serde(default)]
    pub base_role: Option<String>,
    /// What it adds.
    #[serde(default)]
    pub permissions: Vec<String>,
}

/// Someone with access to a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collaborator {
    /// The login.
    pub login: String,
    /// GitHub's number.
    #[serde(default)]
    pub id: Option<u64>,
    /// The strongest permission.
    pub permission: Word<Permission>,
    /// Where it comes from; hidden from whoever does not administer.
    pub sources: Readable<Vec<AccessSource>>,
}

/// Where a permission comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessSource {
    /// The permission that comes from here.
    pub permission: Word<Permission>,
    /// The role's name, when it is a custom one.
    #[serde(default)]
    pub role: Option<String>,
    /// Whence.
    pub from: Granter,
}

/// Who grants a permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granter {
    /// The organization: its owners, and its base permission.
    Organization,
    /// A team, by slug.
    Team(String),
    /// The repository itself.
    Repository,
    /// Something that this program does not know.
    Unknown(String),
}

/// A deploy key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployKey {
    /// Its title.
    pub title: String,
    /// Whether it can't push.
    pub read_only: bool,
    /// Whether it is switched on.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}
