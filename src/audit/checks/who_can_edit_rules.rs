//! `who-can-edit-rules`: many can switch the rules off.
//!
//! The owners of the organization always can, and are not counted. A few administrators beside them are how a repository is
//! run; more than [`FEW`], or an app that may, is worth a look.

use crate::audit::{Check, Findings, Look, Looked, OwnerScene, Place, RepositoryScene, Severity};
use crate::github::effective::Who;
use crate::github::owner::OwnerKind;
use crate::github::part::Part;
use crate::github::people::Permission;
use crate::github::readable::{Cause, Hidden};
use crate::github::word::Word;

/// So many administrators beside the owners are usual.
const FEW: usize = 5;

pub(super) static CHECK: Check = Check {
    id: "who-can-edit-rules",
    severity: Severity::Medium,
    summary: "many, or an app, can switch a repository's rules off",
    why: "Whoever administers a repository can change its rulesets and branch protections, push, and change them back.",
    fix: "let few administer, keep the rules in the organization's rulesets, and give apps `administration: read`",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets",
    reads: &[Part::People, Part::Members, Part::Installations, Part::CustomRoles],
    looks: &[Look::Repository(people), Look::Owner(apps_and_roles)],
};

fn people(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let owner = scene.context.owner;
    let everyone = scene.repository.collaborators.read().map_err(Clone::clone)?;
    let mut admins = Vec::new();
    let (mut unknown, mut maybe) = (None, 0);
    for person in everyone {
        match &person.permission {
            Word::Known(Permission::Admin) => admins.push(Who::User(person.login.clone())),
            Word::Known(_) => {}
            Word::Unknown(word) => {
                let why = format!("the permission `{word}` of `{}` is not known to this program", person.login);
                unknown = unknown.or(Some(Hidden::new(Cause::Unknown, why)));
                maybe += 1;
            }
        }
    }
    if admins.len() + maybe <= FEW {
        return Ok(());
    }
    if owner.kind == OwnerKind::Organization {
        let owners = owner.admins.read().map_err(Clone::clone)?;
        admins.retain(|admin| !matches!(admin, Who::User(login) if owners.iter().any(|owner| owner.eq_ignore_ascii_case(login))));
    }
    if admins.len() > FEW {
        let message = format!("{} people beside the owners can change or remove the rules", admins.len());
        findings.add(scene.place(), "people", message).who(&admins);
        return Ok(());
    }
    match unknown {
        Some(hidden) if admins.len() + maybe > FEW => Err(hidden),
        _ => Ok(()),
    }
}

fn apps_and_roles(scene: &OwnerScene<'_>, findings: &mut Findings) -> Looked {
    let owner = scene.context.owner;
    let place = || Place::target(owner.login.clone());
    match owner.installations.read() {
        Ok(apps) => {
            for app in apps.iter().filter(|app| !app.suspended) {
                let may = |permission: &str| {
                    app.permissions.get(permission).is_some_and(|level| level != "read" && level != "none")
                };
                if may("administration") || may("organization_administration") {
                    let who = Who::App(app.app_slug.clone());
                    let where_ = if app.repository_selection == "all" { "every repository" } else { "the repositories it was given" };
                    let message = format!("the app `{}` can change or remove the rules of {where_}", app.app_slug);
                    findings.add(place().field("installations.permissions"), &app.app_slug, message).who([&who]);
                }
            }
        }
        Err(hidden) => findings.cannot_tell(place().field("installations"), hidden),
    }
    match owner.custom_roles.read() {
        Ok(roles) => {
            for role in roles {
                // The API's schema does not list the words of a role's permissions. `edit_repo_protections` is the one in use.
                let edits = |permission: &&String| {
                    let permission = permission.to_ascii_lowercase();
                    (permission.contains("edit") || permission.contains("manage"))
                        && (permission.contains("rule") || permission.contains("protection"))
                };
                if let Some(permission) = role.permissions.iter().find(edits) {
                    let who = Who::Role(role.name.clone());
                    let message = format!("the role `{}` can change the rules: `{permission}`", role.name);
                    findings.add(place().field("custom_roles.permissions"), &role.name, message).who([&who]);
                }
            }
        }
        Err(hidden) if hidden.cause == Cause::NotOffered => {}
        Err(hidden) => findings.cannot_tell(place().field("custom_roles"), hidden),
    }
    Ok(())
}
