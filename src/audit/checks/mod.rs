//! The checks: one check, one file. To add one, write its file, add its line here, and its fixtures; tests ask for the rest.

use super::{Check, Looked};
use crate::git::RefName;
use crate::github::readable::{Cause, Hidden};
use crate::github::repository::Repository;
use crate::github::ruleset::BypassActor;
use crate::github::word::Word;
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
    admin_bypass,
    bypass_always,
    bypass_exempt,
    bypass_broad,
    bypass_stale,
    bypass_hidden_classic,
    bypass_custom_role,
    bypass_used,
    who_can_edit_rules,
}

/// That a bypasser's mode is one of those known.
pub(super) fn known_mode(actor: &BypassActor) -> Looked {
    match &actor.bypass_mode {
        Word::Known(_) => Ok(()),
        Word::Unknown(mode) => Err(Hidden::new(Cause::Unknown, format!("the bypass mode `{mode}` is not known to this program"))),
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
