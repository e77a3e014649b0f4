//! `no-required-checks`: no check must pass before a change reaches the branch.
//!
//! Required workflows and code scanning are checks, too. A rule that is there and requires nothing is `rule-hollow`'s,
//! a branch that nothing binds `branch-unprotected`'s. On other branches than the default one a check is missed only
//! if the policy asks for one there, and on a branch that nobody can push to never.

use crate::audit::branches::{self, Updaters};
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "no-required-checks",
    severity: Severity::High,
    summary: "no check must pass before a change reaches the branch",
    why: "A change that does not even build, or that a scan refuses, is merged.",
    fix: "add a `required_status_checks` rule with the checks that every change must pass",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-status-checks-to-pass-before-merging",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

/// The rules that ask for a machine's verdict.
const RULES: &[&str] = &["required_status_checks", "workflows", "code_scanning"];

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        if !branches::should_have(scene, effective, RULES) {
            return Ok(());
        }
        if effective.find(|binding| RULES.contains(&binding.rule.name.as_str())).map_err(Clone::clone)?.is_some()
            || branches::updaters(effective)? == Updaters::Nobody
        {
            return Ok(());
        }
        let place = scene.place().ref_name(&effective.ref_name);
        findings.add(place, "", "no check is required: a change is merged whatever its tests say");
        Ok(())
    })
}
