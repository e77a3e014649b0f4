//! `branch-unprotected`: nothing binds the default branch. Rules about the files of a push don't count.
//!
//! Checks of what single rules demand of the branch are quiet where this one finds something. Other branches are for
//! `release-branch-uncovered`.

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;

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
    if let Some(effective) = super::unbound_default(scene)? {
        let place = scene.place().ref_name(&effective.ref_name);
        findings.add(place, "", "nothing binds the default branch: whoever can push can rewrite or delete it");
    }
    Ok(())
}
