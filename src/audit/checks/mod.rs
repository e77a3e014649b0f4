//! The checks: one check, one file. To add one, write its file, add its line here, and its fixtures; tests ask for the rest.

use super::{Check, RepositoryScene};
use crate::git::RefName;
use crate::github::Hidden;
use crate::github::effective::Effective;
use crate::github::readable::Readable;
use crate::github::repository::Repository;
use crate::policy::{DefaultBranch, Policy};
use crate::rules::Target;

macro_rules! checks {
    ($($module:ident,)*) => {
        $(mod $module;)*
        /// Every check, in the order of the documentation.
        pub static CHECKS: &[&Check] = &[$(&$module::CHECK),*];
    };
}

checks! {
    branch_unprotected,
    bypass_always,
    force_push_allowed,
    deletion_allowed,
    tags_unprotected,
    unsigned,
    nonlinear,
    push_rules_missing,
    redundant_classic,
    changed_since_baseline,
}

/// What binds the default branch, if anything does: where nothing does, `branch-unprotected` says so, and checks that miss
/// a single rule have nothing to add.
///
/// # Errors
/// What is hidden may bind it.
pub(super) fn bound_default_branch<'a>(scene: &RepositoryScene<'a>) -> Result<Option<&'a Effective>, Hidden> {
    let Some(effective) = scene.default_branch() else {
        return Ok(None);
    };
    if !effective.bindings.is_empty() {
        return Ok(Some(effective));
    }
    match (effective.nothing_else(), scene.repository.default_branch.as_ref().map(|branch| &branch.protected)) {
        (Ok(()), _) | (_, Some(Readable::Known(false))) => Ok(None),
        (Err(hidden), _) => Err(hidden.clone()),
    }
}

/// Whether a branch ruleset of the policy is for the ref of this repository.
pub(super) fn policy_covers(policy: &Policy, repository: &Repository, ref_name: &str) -> bool {
    let Ok(name) = RefName::parse(ref_name.as_bytes()) else {
        return false;
    };
    let default = repository
        .default_branch
        .as_ref()
        .and_then(|branch| RefName::parse(format!("refs/heads/{}", branch.name).as_bytes()).ok())
        .map_or(DefaultBranch::Unnamed, DefaultBranch::Exists);
    policy.rulesets.iter().any(|ruleset| {
        ruleset.target == Target::Branch
            && ruleset.repositories.includes(&repository.full_name()).unwrap_or(true)
            && ruleset.refs.judges(&name, &default).unwrap_or(true)
    })
}
