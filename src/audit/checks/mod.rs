//! The checks: one check, one file. To add one, write its file, add its line here, and its fixtures; tests ask for the rest.

use super::{Check, Looked, RepositoryScene};
use crate::git::RefName;
use crate::github::effective::Effective;
use crate::github::readable::{Cause, Hidden, Readable};
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
    no_pr_required,
    approvals_below,
    stale_approval_survives,
    last_push_unapproved,
    codeowners_required_but_absent,
    codeowners_invalid,
    codeowners_self_unowned,
    actions_can_approve,
    dismissal_open,
    threads_unresolved,
    reviewer_pool_too_small,
    no_required_checks,
    check_source_unpinned,
    check_never_reported,
    check_name_ambiguous,
    check_skippable,
    check_path_filtered,
    merge_queue_check_missing,
    not_up_to_date,
    required_workflow_floating,
    admin_bypass,
    bypass_always,
    bypass_exempt,
    bypass_broad,
    bypass_stale,
    bypass_hidden_classic,
    bypass_custom_role,
    bypass_used,
    who_can_edit_rules,
    force_push_allowed,
    deletion_allowed,
    tags_unprotected,
    unsigned,
    nonlinear,
    push_rules_missing,
    redundant_classic,
    changed_since_baseline,
}

/// That a bypasser's mode is one of those known.
pub(super) fn known_mode(actor: &BypassActor) -> Looked {
    match &actor.bypass_mode {
        Word::Known(_) => Ok(()),
        Word::Unknown(mode) => Err(Hidden::new(Cause::Unknown, format!("the bypass mode `{mode}` is not known to this program"))),
    }
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
