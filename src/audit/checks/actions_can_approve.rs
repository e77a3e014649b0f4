//! `actions-can-approve`: workflows may approve pull requests.
//!
//! An organization that forbids it forbids it to every repository, and one that allows it is one finding, not one for
//! each repository. In a repository that is known to ask for no approval the same is only untidy.

use crate::audit::review::Review;
use crate::audit::{Check, Findings, Look, Looked, OwnerScene, Place, RepositoryScene, Severity};
use crate::github::owner::OwnerKind;
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "actions-can-approve",
    severity: Severity::High,
    summary: "workflows may approve pull requests",
    why: "Whoever can push a workflow has it approve a pull request with its own token: an approval without a second person.",
    fix: "switch off \"Allow GitHub Actions to create and approve pull requests\"",
    link: "https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/enabling-features-for-your-repository/managing-github-actions-settings-for-a-repository#preventing-github-actions-from-creating-or-approving-pull-requests",
    reads: &[Part::WorkflowPermissions],
    looks: &[Look::Owner(owner), Look::Repository(repository)],
};

fn owner(scene: &OwnerScene<'_>, findings: &mut Findings) -> Looked {
    let owner = scene.context.owner;
    if owner.kind == OwnerKind::User {
        return Ok(());
    }
    if owner.workflow_permissions.read().map_err(Clone::clone)?.can_approve_pull_request_reviews {
        let mut place = Place::target(&owner.login).field("can_approve_pull_request_reviews");
        place.url = Some(format!("https://github.com/organizations/{}/settings/actions", owner.login));
        findings.add(place, "", "the organization lets workflows approve pull requests: their approval counts like a person's");
    }
    Ok(())
}

fn repository(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let owner = scene.context.owner;
    let said = owner.kind == OwnerKind::Organization
        && owner.workflow_permissions.known().is_some_and(|permissions| permissions.can_approve_pull_request_reviews);
    if said || !scene.repository.workflow_permissions.read().map_err(Clone::clone)?.can_approve_pull_request_reviews {
        return Ok(());
    }
    let matters = scene.branches.iter().any(|effective| match Review::of(effective) {
        Ok(Some(review)) => review.asks_for_approval() || effective.nothing_else().is_err(),
        Ok(None) => false,
        Err(_) => true,
    });
    let mut place = scene.place().field("can_approve_pull_request_reviews");
    place.url = Some(format!("https://github.com/{}/settings/actions", scene.repository.full_name()));
    let message = "workflows may approve pull requests: their approval counts like a person's";
    if matters {
        findings.add(place, "", message);
    } else {
        findings.add(place, "", format!("{message}; no branch asks for one")).severity(Severity::Low);
    }
    Ok(())
}
