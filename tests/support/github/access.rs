//! The permission table: what each operation needs. Transcribed from GitHub's own list
//! <https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps>; an operation that is not here cannot be
//! reached, so a forgotten line is seen.

use super::permission::{Level, Need, Permission, Role};
use Level::{Admin, Read, Write};
use Permission as P;

/// Who may do an operation.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Anybody who is known.
    Anyone,
    /// An App, by a token that it signed itself.
    App,
    /// An installation of an App.
    Installation,
    /// In a repository: any of the needs, and the role that the token's owner must have.
    Repository(&'static [Need], Role),
    /// In an organization: any of the needs; `true` if the token's owner must own the organization.
    Organization(&'static [Need], bool),
    /// An owner of the enterprise.
    Enterprise(&'static [Need]),
}

macro_rules! need {
    ($($permission:ident = $level:ident),+) => { Need(&[$((P::$permission, $level)),+]) };
}

/// The first line that fits decides: methods, the beginning or (ending in `$`) the whole of the template, and the access.
const TABLE: &[(&str, &str, Access)] = &[
    ("GET", "/meta$", Access::Anyone),
    ("GET", "/rate_limit$", Access::Anyone),
    ("*", "/user$", Access::Anyone),
    ("*", "/user/repos$", Access::Anyone),
    ("GET", "/users/", Access::Anyone),
    ("GET", "/apps/", Access::Anyone),
    ("*", "/app", Access::App),
    ("*", "/installation/", Access::Installation),
    ("GET", "/orgs/{org}/installation$", Access::App),
    ("GET", "/repos/{owner}/{repo}/installation$", Access::App),
    ("GET", "/orgs/{org}$", Access::Organization(&[], false)),
    ("*", "/orgs/{org}$", Access::Organization(&[need!(OrganizationAdministration = Write)], true)),
    ("POST", "/orgs/{org}/repos$", Access::Organization(&[need!(Administration = Write)], false)),
    ("GET", "/orgs/{org}/repos$", Access::Organization(&[need!(Metadata = Read)], false)),
    ("GET", "/orgs/{org}/members", Access::Organization(&[need!(Members = Read)], false)),
    ("GET", "/orgs/{org}/memberships", Access::Organization(&[need!(Members = Read)], false)),
    ("*", "/orgs/{org}/memberships", Access::Organization(&[need!(Members = Write)], true)),
    ("GET", "/orgs/{org}/outside_collaborators", Access::Organization(&[need!(Members = Read)], true)),
    ("GET", "/orgs/{org}/teams", Access::Organization(&[need!(Members = Read)], false)),
    ("*", "/orgs/{org}/teams", Access::Organization(&[need!(Members = Write)], true)),
    ("GET", "/orgs/{org}/installations$", Access::Organization(&[need!(OrganizationAdministration = Read)], true)),
    ("GET", "/orgs/{org}/custom-repository-roles", Access::Organization(&[need!(OrganizationCustomRoles = Read)], true)),
    ("GET", "/orgs/{org}/organization-roles", Access::Organization(&[need!(OrganizationCustomRoles = Read)], true)),
    ("*", "/orgs/{org}/custom-repository-roles", Access::Organization(&[need!(OrganizationCustomRoles = Write)], true)),
    ("*", "/orgs/{org}/organization-roles", Access::Organization(&[need!(OrganizationCustomRoles = Write)], true)),
    // Also for reading: <https://docs.github.com/en/rest/orgs/rules#get-all-organization-repository-rulesets>
    ("*", "/orgs/{org}/rulesets", Access::Organization(&[need!(OrganizationAdministration = Write)], true)),
    ("*", "/orgs/{org}/bypass-requests", Access::Organization(&[need!(OrganizationAdministration = Write)], true)),
    ("GET", "/orgs/{org}/actions/permissions", Access::Organization(&[need!(OrganizationAdministration = Read)], true)),
    ("PUT", "/orgs/{org}/actions/permissions", Access::Organization(&[need!(OrganizationAdministration = Write)], true)),
    ("GET", "/orgs/{org}/properties", Access::Organization(&[need!(OrganizationCustomProperties = Read)], false)),
    ("PATCH", "/orgs/{org}/properties/values$", Access::Organization(&[need!(OrganizationCustomProperties = Write)], true)),
    ("*", "/orgs/{org}/properties/schema", Access::Organization(&[need!(OrganizationCustomProperties = Admin)], true)),
    ("*", "/enterprises/{enterprise}/", Access::Enterprise(&[need!(EnterpriseAdministration = Write)])),
    ("GET", "/repos/{owner}/{repo}$", Access::Repository(&[need!(Metadata = Read)], Role::Read)),
    ("*", "/repos/{owner}/{repo}$", Access::Repository(&[need!(Administration = Write)], Role::Admin)),
    ("GET", "/repos/{owner}/{repo}/teams$", Access::Repository(&[need!(Administration = Read)], Role::Read)),
    ("GET", "/repos/{owner}/{repo}/collaborators", Access::Repository(&[need!(Metadata = Read)], Role::Write)),
    ("*", "/repos/{owner}/{repo}/collaborators", Access::Repository(&[need!(Administration = Write)], Role::Admin)),
    ("GET", "/repos/{owner}/{repo}/rulesets/rule-suites", Access::Repository(&[need!(Administration = Write)], Role::Admin)),
    (
        "GET",
        "/repos/{owner}/{repo}/rulesets/{ruleset_id}/history",
        Access::Repository(&[need!(Administration = Write)], Role::Admin),
    ),
    ("GET", "/repos/{owner}/{repo}/rulesets", Access::Repository(&[need!(Metadata = Read)], Role::Read)),
    ("*", "/repos/{owner}/{repo}/rulesets", Access::Repository(&[need!(Administration = Write)], Role::Admin)),
    ("GET", "/repos/{owner}/{repo}/rules/", Access::Repository(&[need!(Metadata = Read)], Role::Read)),
    ("GET", "/repos/{owner}/{repo}/branches$", Access::Repository(&[need!(Contents = Read)], Role::Read)),
    ("GET", "/repos/{owner}/{repo}/branches/{branch}$", Access::Repository(&[need!(Contents = Read)], Role::Read)),
    (
        "GET",
        "/repos/{owner}/{repo}/branches/{branch}/protection",
        Access::Repository(&[need!(Administration = Read)], Role::Admin),
    ),
    (
        "*",
        "/repos/{owner}/{repo}/branches/{branch}/protection",
        Access::Repository(&[need!(Administration = Write)], Role::Admin),
    ),
    ("GET", "/repos/{owner}/{repo}/properties", Access::Repository(&[need!(Metadata = Read)], Role::Read)),
    ("PATCH", "/repos/{owner}/{repo}/properties", Access::Repository(&[need!(RepositoryCustomProperties = Write)], Role::Admin)),
    ("GET", "/repos/{owner}/{repo}/actions/permissions", Access::Repository(&[need!(Administration = Read)], Role::Admin)),
    ("PUT", "/repos/{owner}/{repo}/actions/permissions", Access::Repository(&[need!(Administration = Write)], Role::Admin)),
    (
        "GET",
        "/repos/{owner}/{repo}/environments/{environment_name}/deployment_protection_rules/apps",
        Access::Repository(&[need!(Administration = Read)], Role::Admin),
    ),
    ("GET", "/repos/{owner}/{repo}/environments", Access::Repository(&[need!(Actions = Read)], Role::Read)),
    ("*", "/repos/{owner}/{repo}/environments", Access::Repository(&[need!(Administration = Write)], Role::Admin)),
    ("GET", "/repos/{owner}/{repo}/keys", Access::Repository(&[need!(Administration = Read)], Role::Admin)),
    ("*", "/repos/{owner}/{repo}/keys", Access::Repository(&[need!(Administration = Write)], Role::Admin)),
    ("GET", "/repos/{owner}/{repo}/codeowners/errors", Access::Repository(&[need!(Contents = Read)], Role::Read)),
    ("GET", "/repos/{owner}/{repo}/contents", Access::Repository(&[need!(Contents = Read)], Role::Read)),
    ("*", "/repos/{owner}/{repo}/contents", Access::Repository(&[need!(Contents = Write)], Role::Write)),
    ("*", "/repos/{owner}/{repo}/tags/protection", Access::Repository(&[need!(Administration = Write)], Role::Admin)),
    ("GET", "/repos/{owner}/{repo}/tags$", Access::Repository(&[need!(Metadata = Read)], Role::Read)),
    ("GET", "/repos/{owner}/{repo}/releases", Access::Repository(&[need!(Contents = Read)], Role::Read)),
    ("*", "/repos/{owner}/{repo}/releases", Access::Repository(&[need!(Contents = Write)], Role::Write)),
    ("POST", "/repos/{owner}/{repo}/pulls", Access::Repository(&[need!(PullRequests = Write)], Role::Read)),
    ("GET", "/repos/{owner}/{repo}/pulls", Access::Repository(&[need!(PullRequests = Read)], Role::Read)),
    ("GET", "/repos/{owner}/{repo}/git/", Access::Repository(&[need!(Contents = Read)], Role::Read)),
    ("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", Access::Repository(&[need!(Checks = Read)], Role::Read)),
    ("GET", "/repos/{owner}/{repo}/commits/{ref}/status", Access::Repository(&[need!(Statuses = Read)], Role::Read)),
    ("*", "/repos/{owner}/{repo}/bypass-requests", Access::Repository(&[need!(Administration = Write)], Role::Admin)),
];

/// What an operation needs; `None` if the table does not say.
pub fn access(method: &str, template: &str) -> Option<Access> {
    let fits = |methods: &str, pattern: &str| {
        let path = match pattern.strip_suffix('$') {
            Some(whole) => whole == template,
            None => template.starts_with(pattern),
        };
        path && (methods == "*" || methods == method)
    };
    TABLE.iter().find(|(methods, pattern, _)| fits(methods, pattern)).map(|(_, _, access)| *access)
}

impl Access {
    /// As `X-Accepted-GitHub-Permissions` has it: any of these, each of which may be several.
    pub fn header(self) -> Option<String> {
        let needs = match self {
            Self::Repository(needs, _) | Self::Organization(needs, _) | Self::Enterprise(needs) if !needs.is_empty() => needs,
            _ => return None,
        };
        Some(needs.iter().map(|need| need.header()).collect::<Vec<_>>().join("; "))
    }
}

/// Whether the table has a line for an operation.
pub fn has_access(method: &str, template: &str) -> bool {
    access(method, template).is_some()
}
