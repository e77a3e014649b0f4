//! `bypass-custom-role`: a role that the organization made passes classic branch protection.
//!
//! The API's schema does not list the words of a role's permissions. `bypass_branch_protection` is the one in use; whatever
//! speaks of bypassing counts, but for what is about requests to bypass, which others decide.

use crate::audit::{Check, Findings, Look, Looked, OwnerScene, Place, Severity};
use crate::github::effective::Who;
use crate::github::part::Part;
use crate::github::readable::Cause;

pub(super) static CHECK: Check = Check {
    id: "bypass-custom-role",
    severity: Severity::Medium,
    summary: "a custom role may bypass branch protections",
    why: "Whoever is given the role in a repository passes its classic branch protections, and stands in none of their lists.",
    fix: "take the permission out of the role, or bind administrators too (`enforce_admins`), which includes such roles",
    link: "https://docs.github.com/en/enterprise-cloud@latest/organizations/managing-user-access-to-your-organizations-repositories/managing-repository-roles/about-custom-repository-roles",
    reads: &[Part::CustomRoles],
    looks: &[Look::Owner(look)],
};

fn look(scene: &OwnerScene<'_>, findings: &mut Findings) -> Looked {
    let owner = scene.context.owner;
    let roles = match owner.custom_roles.read() {
        Ok(roles) => roles,
        // Who can't have such roles has none.
        Err(hidden) if hidden.cause == Cause::NotOffered => return Ok(()),
        Err(hidden) => return Err(hidden.clone()),
    };
    for role in roles {
        let mut bypasses: Vec<String> = role
            .permissions
            .iter()
            .filter(|permission| {
                let permission = permission.to_ascii_lowercase();
                permission.contains("bypass") && !permission.contains("bypass_request")
            })
            .map(|permission| format!("`{permission}`"))
            .collect();
        bypasses.sort();
        if !bypasses.is_empty() {
            let who = Who::Role(role.name.clone());
            let place = Place::target(owner.login.clone()).field("custom_roles.permissions");
            findings.add(place, &role.name, format!("the role `{}` may {}", role.name, bypasses.join(", "))).who([&who]);
        }
    }
    Ok(())
}
