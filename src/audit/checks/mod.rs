//! The checks: one check, one file. To add one, write its file, add its line here, and its fixtures; tests ask for the rest.

use super::{Check, Looked, RepositoryScene};
use crate::git::RefName;
use crate::github::effective::{Binding, Effective, Source};
use crate::github::repository::Repository;
use crate::github::rule::RuleKind;
use crate::github::ruleset::{BypassActor, Level, Ruleset, Target as About};
use crate::github::{Cause, Hidden, Word, scope};
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
    protection_unreadable,
    bypass_list_hidden,
    inventory_partial,
    page_truncated,
    feature_unavailable,
    unknown_construct,
    branch_unprotected,
    ruleset_targets_nothing,
    ruleset_not_enforcing,
    rule_hollow,
    release_branch_uncovered,
    classic_pattern_shadowed,
    literal_default_branch,
    creation_open,
    scope_escape,
    repo_excluded,
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
    weaker_than_policy,
    unmanaged_ruleset,
    duplicate_name,
    fragmented,
    redundant_classic,
    changed_since_baseline,
}

pub(super) use inventory_partial::not_seen;

/// That a bypasser's mode is one of those known.
pub(super) fn known_mode(actor: &BypassActor) -> Looked {
    match &actor.bypass_mode {
        Word::Known(_) => Ok(()),
        Word::Unknown(mode) => Err(Hidden::new(Cause::Unknown, format!("the bypass mode `{mode}` is not known to this program"))),
    }
}

/// The titles of the deploy keys that can push, in order and in backticks.
///
/// # Errors
/// The keys are hidden.
pub(super) fn writable_keys(repository: &Repository) -> Result<Vec<String>, &Hidden> {
    let writable = repository.deploy_keys.read()?.iter().filter(|key| key.enabled && !key.read_only);
    let mut titles: Vec<String> = writable.map(|key| format!("`{}`", key.title)).collect();
    titles.sort();
    Ok(titles)
}

/// What binds the default branch, if anything does: where nothing does, `branch-unprotected` says so, and checks that miss
/// a single rule have nothing to add.
///
/// # Errors
/// What is hidden may bind it.
pub(super) fn bound_default_branch<'a>(scene: &RepositoryScene<'a>) -> Result<Option<&'a Effective>, Hidden> {
    match scene.default_branch() {
        Some(effective) if is_bound(effective) => Ok(Some(effective)),
        _ => unbound_default(scene).map(|_| None),
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

/// Whether anything that this program understands binds the branch. Rules about the files of a push don't: whoever can
/// push can still rewrite and delete it.
pub(super) fn is_bound(effective: &Effective) -> bool {
    effective.bindings.iter().any(binds_branch)
}

fn binds_branch(binding: &Binding) -> bool {
    binding.rule.is_understood()
        && !matches!(
            binding.rule.kind,
            RuleKind::FilePathRestriction(_)
                | RuleKind::MaxFilePathLength(_)
                | RuleKind::FileExtensionRestriction(_)
                | RuleKind::MaxFileSize(_)
        )
}

/// The default branch, if it is sure that nothing binds it: `None` where something does, or where there is none.
///
/// # Errors
/// Something that can't be read may bind it.
pub(super) fn unbound_default<'a>(scene: &RepositoryScene<'a>) -> Result<Option<&'a Effective>, Hidden> {
    let Some(effective) = scene.default_branch().filter(|effective| !is_bound(effective)) else {
        return Ok(None);
    };
    // The settings may be hidden while the branch itself says that nothing protects it. It can't say the opposite about
    // what: a protection that can't be read is not known to demand anything.
    let witness = scene.repository.default_branch.as_ref().and_then(|branch| branch.protected.known());
    if witness != Some(&false) {
        effective.nothing_else().map_err(Clone::clone)?;
        if protected_unseen(scene) {
            let why = format!("`{}` is said to be protected, and nothing that was read protects it", effective.ref_name);
            return Err(Hidden::new(Cause::Partial, why));
        }
    }
    Ok(Some(effective))
}

/// Whether the default branch says of itself that it is protected while nothing that was read can be what it means. That
/// GitHub says so for rulesets, too, is not documented; that it doesn't for those which only report, neither.
pub(super) fn protected_unseen(scene: &RepositoryScene<'_>) -> bool {
    let Some(branch) = &scene.repository.default_branch else {
        return false;
    };
    let no_ruleset = |ruleset: &std::sync::Arc<Ruleset>| matches!(ruleset.target, Word::Known(About::Tag | About::Repository));
    branch.protected.known() == Some(&true)
        && scene.default_branch().is_some_and(|effective| !is_bound(effective))
        && scene.repository.rulesets.known().is_none_or(|rulesets| rulesets.iter().all(no_ruleset))
        && scene.repository.protections.known().is_none_or(|protections| {
            protections.iter().all(|protection| scope::protects(&protection.pattern, &branch.name) == Ok(false))
        })
}

/// Whether the ruleset is the repository's own, and no organization's.
pub(super) fn is_own(ruleset: &Ruleset, repository: &Repository) -> bool {
    ruleset.source_type.is(&Level::Repository) && ruleset.source.eq_ignore_ascii_case(&repository.full_name())
}

/// Whether the binding stands in this ruleset.
pub(super) fn is_of(binding: &Binding, ruleset: &Ruleset) -> bool {
    matches!(&binding.source, Source::Ruleset { id, .. } if *id == ruleset.id)
}

/// Whether a pattern has a wildcard, so that it is for names that don't exist yet.
pub(super) fn is_pattern(text: &str) -> bool {
    text.starts_with('~') || text.contains(['*', '?', '[', '\\', '{'])
}

/// Names in a sentence: all of them, or the first and how many more.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let mut text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}
