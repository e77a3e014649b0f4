//! `branch-unprotected`: nothing binds the default branch.

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;
use crate::github::readable::Readable;

pub(super) static CHECK: Check = Check {
    id: "branch-unprotected",
    severity: Severity::Critical,
    summary: "no ruleset and no branch protection binds the branch",
    why: "Whoever can push can change, rewrite or delete the branch: no review, no check, no record of an exception.",
    fix: "add a ruleset for the branch that requires a pull request and blocks force pushes and deletion",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets",
    reads: &[Part::SecondWitness],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let Some(effective) = scene.default_branch() else {
        return Ok(());
    };
    if !effective.bindings.is_empty() {
        return Ok(());
    }
    // The settings may be hidden while the branch itself says that nothing protects it. It can't say the opposite about
    // what: a protection that can't be read is not known to demand anything.
    let witness = scene.repository.default_branch.as_ref().map(|branch| &branch.protected);
    if let Err(hidden) = effective.nothing_else()
        && witness != Some(&Readable::Known(false))
    {
        return Err(hidden.clone());
    }
    let place = scene.place().ref_name(&effective.ref_name);
    findings.add(place, "", "nothing binds the default branch: whoever can push can rewrite or delete it");
    Ok(())
}
