//! People, organizations, teams and Apps.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::permission::{Permissions, Role};

#[derive(Debug, Clone)]
pub struct User {
    pub id: u64,
    pub login: String,
}

#[derive(Debug, Clone)]
pub struct Enterprise {
    pub id: u64,
    pub slug: String,
    pub property_schema: Vec<Value>,
}

#[derive(Debug, Clone)]
pub struct Organization {
    pub id: u64,
    pub login: String,
    /// The slug of the enterprise it belongs to.
    pub enterprise: Option<String>,
    /// By login in lower case; `true` for owners.
    pub members: BTreeMap<String, bool>,
    pub outside_collaborators: Vec<String>,
    pub teams: Vec<Team>,
    /// What every member may do in every repository.
    pub base_role: Option<Role>,
    pub actions: Actions,
    pub property_schema: Vec<Value>,
    pub custom_repository_roles: Vec<Value>,
    pub organization_roles: Vec<Value>,
    /// Laid over what `GET /orgs/{org}` answers.
    pub raw: Map<String, Value>,
}

#[derive(Debug, Clone)]
pub struct Team {
    pub id: u64,
    pub slug: String,
    pub name: String,
    pub members: Vec<String>,
    pub parent: Option<String>,
}

#[derive(Debug, Clone)]
pub struct App {
    pub id: u64,
    pub slug: String,
    pub owner: String,
    pub permissions: Permissions,
}

#[derive(Debug, Clone)]
pub struct Installation {
    pub id: u64,
    pub app: String,
    /// The organization or user that installed it.
    pub account: String,
    pub permissions: Permissions,
    /// Full names in lower case; `None`: all.
    pub repositories: Option<Vec<String>>,
    pub suspended: bool,
}

/// What workflows may do, for a repository or an organization.
#[derive(Debug, Clone)]
pub struct Actions {
    pub enabled: bool,
    pub allowed_actions: String,
    pub selected: Value,
    pub sha_pinning_required: bool,
    pub default_workflow_permissions: String,
    pub can_approve_pull_request_reviews: bool,
    pub fork_approval: String,
}

impl Default for Actions {
    fn default() -> Self {
        Self {
            enabled: true,
            allowed_actions: "all".to_owned(),
            selected: json!({ "github_owned_allowed": true, "verified_allowed": false, "patterns_allowed": [] }),
            sha_pinning_required: false,
            default_workflow_permissions: "read".to_owned(),
            can_approve_pull_request_reviews: false,
            fork_approval: "first_time_contributors".to_owned(),
        }
    }
}
