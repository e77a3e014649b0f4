//! `unsigned`: no rule asks for signed commits on the default branch.
//!
//! Quiet where nothing at all binds the branch: `branch-unprotected` says that.

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};

pub(super) static CHECK: Check = Check {
    id: "unsigned",
    severity: Severity::Low,
    summary: "the default branch takes commits without a signature",
    why: "A commit's author is what its maker typed: without a signature, whoever can push commits in anyone's name.",
    fix: "add the rule `required_signatures` to a ruleset for the branch",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-signed-commits",
    reads: &[],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let Some(effective) = super::bound_default_branch(scene)? else {
        return Ok(());
    };
    if effective.find_rule("required_signatures").map_err(Clone::clone)?.is_none() {
        let place = scene.place().ref_name(&effective.ref_name);
        findings.add(place, "", "no rule asks for signatures: commits in anyone's name reach the default branch");
    }
    Ok(())
}
