//! What a token may do: its permissions, as fine-grained tokens and Apps have them, and the role of who made it.
//!
//! Names: <https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens>

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A permission, by the name that `X-Accepted-GitHub-Permissions` and installations give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    Actions,
    Administration,
    Checks,
    Contents,
    Deployments,
    Environments,
    Metadata,
    PullRequests,
    RepositoryCustomProperties,
    Statuses,
    Workflows,
    EnterpriseAdministration,
    Members,
    OrganizationAdministration,
    OrganizationCustomProperties,
    OrganizationCustomRoles,
}

impl Permission {
    pub const ALL: [Self; 16] = [
        Self::Actions,
        Self::Administration,
        Self::Checks,
        Self::Contents,
        Self::Deployments,
        Self::Environments,
        Self::Metadata,
        Self::PullRequests,
        Self::RepositoryCustomProperties,
        Self::Statuses,
        Self::Workflows,
        Self::EnterpriseAdministration,
        Self::Members,
        Self::OrganizationAdministration,
        Self::OrganizationCustomProperties,
        Self::OrganizationCustomRoles,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Actions => "actions",
            Self::Administration => "administration",
            Self::Checks => "checks",
            Self::Contents => "contents",
            Self::Deployments => "deployments",
            Self::Environments => "environments",
            Self::Metadata => "metadata",
            Self::PullRequests => "pull_requests",
            Self::RepositoryCustomProperties => "repository_custom_properties",
            Self::Statuses => "statuses",
            Self::Workflows => "workflows",
            Self::EnterpriseAdministration => "enterprise_administration",
            Self::Members => "members",
            Self::OrganizationAdministration => "organization_administration",
            Self::OrganizationCustomProperties => "organization_custom_properties",
            Self::OrganizationCustomRoles => "organization_custom_roles",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name)
    }

    /// The highest level that exists of it.
    pub fn highest(self) -> Level {
        match self {
            Self::Metadata => Level::Read,
            Self::OrganizationCustomProperties => Level::Admin,
            _ => Level::Write,
        }
    }

    /// Of a repository, as opposed to one of an organization or enterprise.
    pub fn is_repository(self) -> bool {
        self < Self::EnterpriseAdministration
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    None,
    Read,
    Write,
    Admin,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Admin].into_iter().find(|level| level.name() == name)
    }
}

/// How much of each permission a token has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions(BTreeMap<Permission, Level>);

impl Permissions {
    /// Every permission, to the full.
    pub fn everything() -> Self {
        Self(Permission::ALL.into_iter().map(|permission| (permission, permission.highest())).collect())
    }

    /// Every permission, for reading.
    pub fn read_only() -> Self {
        // There is nothing of workflows that only this permission would let read.
        let readable = Permission::ALL.into_iter().filter(|permission| *permission != Permission::Workflows);
        Self(readable.map(|permission| (permission, Level::Read)).collect())
    }

    /// Only what GitHub gives every token: the metadata of the repositories it was made for.
    pub fn nothing() -> Self {
        Self(BTreeMap::from([(Permission::Metadata, Level::Read)]))
    }

    #[must_use]
    pub fn with(mut self, permission: Permission, level: Level) -> Self {
        self.0.insert(permission, level);
        self
    }

    #[must_use]
    pub fn without(mut self, permission: Permission) -> Self {
        self.0.remove(&permission);
        self
    }

    pub fn level(&self, permission: Permission) -> Level {
        self.0.get(&permission).copied().unwrap_or(Level::None)
    }

    pub fn allows(&self, need: Need) -> bool {
        need.0.iter().all(|&(permission, level)| self.level(permission) >= level)
    }

    pub fn to_json(&self) -> Value {
        Value::Object(
            self.0.iter().map(|(permission, level)| (permission.name().to_owned(), Value::from(level.name()))).collect(),
        )
    }

    /// As `POST /app/installations/{id}/access_tokens` takes them.
    pub fn from_json(map: &Map<String, Value>) -> Self {
        let known =
            map.iter().filter_map(|(name, level)| Some((Permission::from_name(name)?, Level::from_name(level.as_str()?)?)));
        Self(known.chain([(Permission::Metadata, Level::Read)]).collect())
    }

    /// No more than another set has.
    #[must_use]
    pub fn at_most(&self, other: &Self) -> Self {
        Self(self.0.iter().map(|(&permission, &level)| (permission, level.min(other.level(permission)))).collect())
    }
}

/// Permissions that are all needed.
#[derive(Debug, Clone, Copy)]
pub struct Need(pub &'static [(Permission, Level)]);

impl Need {
    /// As `X-Accepted-GitHub-Permissions` has it.
    pub fn header(self) -> String {
        self.0.iter().map(|(permission, level)| format!("{}={}", permission.name(), level.name())).collect::<Vec<_>>().join(",")
    }
}

/// What a person may do in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Read,
    Triage,
    Write,
    Maintain,
    Admin,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Write => "write",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "read" | "pull" => Some(Self::Read),
            "triage" => Some(Self::Triage),
            "write" | "push" => Some(Self::Write),
            "maintain" => Some(Self::Maintain),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }

    /// As a repository's `permissions` and a team's `permission` name it.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Read => "pull",
            Self::Write => "push",
            other => other.name(),
        }
    }

    /// As GraphQL's `DefaultRepositoryPermissionField` has it, which knows three.
    pub fn coarse(self) -> &'static str {
        match self {
            Self::Read | Self::Triage => "READ",
            Self::Write | Self::Maintain => "WRITE",
            Self::Admin => "ADMIN",
        }
    }

    pub fn to_json(self) -> Value {
        let all = [Self::Admin, Self::Maintain, Self::Write, Self::Triage, Self::Read];
        Value::Object(all.into_iter().map(|role| (role.verb().to_owned(), Value::from(self >= role))).collect())
    }
}
