//! The checks: one check, one file. To add one, write its file, add its line here, and its fixtures; tests ask for the rest.

use super::Check;
use crate::git::RefName;
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
    weaker_than_policy,
    unmanaged_ruleset,
    duplicate_name,
    fragmented,
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
