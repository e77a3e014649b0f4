//! `feature-unavailable`: the plan, or the host's version, does not have what would bind.
//!
//! Only what binds is asked for: rulesets and branch protection. A check that needs something else that is not offered says
//! itself that it can't tell.

use crate::audit::{Check, Findings, Look, Looked, OwnerScene, Place, RepositoryScene, Severity};
use crate::github::{Cause, Hidden, Readable};
use crate::policy::Policy;
use crate::policy::github::{Level, Mechanism};

pub(super) static CHECK: Check = Check {
    id: "feature-unavailable",
    severity: Severity::High,
    summary: "the plan has nothing that would bind the branches",
    why: "Where GitHub offers no rulesets and no branch protection, as for private repositories on a free plan, no setting keeps anyone from rewriting a branch.",
    fix: "upgrade the plan, make the repository public, or protect it where it is pushed to",
    link: "https://docs.github.com/en/get-started/learning-about-github/githubs-plans",
    reads: &[],
    looks: &[Look::Owner(look_at_owner), Look::Repository(look)],
};

/// Whether GitHub offers it, and whether anything is there.
enum Offer<'a> {
    Used,
    Unused,
    Missing(&'a Hidden),
    Unclear(&'a Hidden),
}

impl<'a> Offer<'a> {
    fn of<T>(readable: &'a Readable<Vec<T>>) -> Offer<'a> {
        match readable {
            Readable::Known(list) if list.is_empty() => Offer::Unused,
            Readable::Known(_) => Offer::Used,
            Readable::Hidden(why) if why.cause == Cause::NotOffered => Offer::Missing(why),
            Readable::Hidden(why) => Offer::Unclear(why),
        }
    }
}

/// The organization's own rulesets matter where the policy is to be written there.
fn look_at_owner(scene: &OwnerScene<'_>, findings: &mut Findings) -> Looked {
    let context = scene.context;
    if wanted(context.policy) != Some((Mechanism::Rulesets, Level::Organization)) {
        return Ok(());
    }
    match Offer::of(&context.owner.rulesets) {
        Offer::Missing(why) => {
            let message = format!("the policy writes rulesets of the organization, which it is not offered: {why}");
            findings.add(Place::target(&context.owner.login).field("rulesets"), "rulesets", message);
            Ok(())
        }
        Offer::Unclear(why) if why.cause != Cause::NotAsked => Err(why.clone()),
        _ => Ok(()),
    }
}

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let repository = scene.repository;
    let rulesets = Offer::of(&repository.rulesets);
    let protections = Offer::of(&repository.protections);
    let mut say = |name: &str, message: String| {
        findings.add(scene.place().field(name), name, message);
    };
    match (&rulesets, &protections) {
        (Offer::Missing(why), Offer::Missing(_) | Offer::Unused) => {
            say("rulesets", format!("nothing can bind here: rulesets are not offered ({why}) and no branch protection is there"));
        }
        (Offer::Unused, Offer::Missing(why)) => {
            say("branchProtectionRules", format!("branch protection is not offered ({why}) and no ruleset is there"));
        }
        // In use, but not what the policy writes.
        (Offer::Missing(why), Offer::Used)
            if wanted(scene.context.policy).is_some_and(|(mechanism, _)| mechanism == Mechanism::Rulesets) =>
        {
            say("rulesets", format!("the policy writes rulesets, which are not offered: {why}"));
        }
        (Offer::Used, Offer::Missing(why))
            if wanted(scene.context.policy).is_some_and(|(mechanism, _)| mechanism == Mechanism::BranchProtection) =>
        {
            say("branchProtectionRules", format!("the policy writes branch protection, which is not offered: {why}"));
        }
        (Offer::Unclear(why), _) | (_, Offer::Unclear(why)) => return Err((*why).clone()),
        _ => {}
    }
    Ok(())
}

/// What the policy is written as, and where.
fn wanted(policy: Option<&Policy>) -> Option<(Mechanism, Level)> {
    let github = policy?.github.as_ref()?;
    Some((github.mechanism, github.level))
}
