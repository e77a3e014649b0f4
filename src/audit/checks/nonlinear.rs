//! `nonlinear`: merge commits reach the default branch.
//!
//! Quiet where pull requests can't be merged by a merge commit anyway, and where nothing at all binds the branch:
//! `branch-unprotected` says that.

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::Binding;
use crate::github::rule::{QueueMergeMethod, RuleKind};
use crate::github::word::Word;

pub(super) static CHECK: Check = Check {
    id: "nonlinear",
    severity: Severity::Low,
    summary: "the default branch takes merge commits",
    why: "A merge commit can hold changes that are on neither side, which few look for, and a history with merges is harder to search and to revert.",
    fix: "add the rule `required_linear_history` to a ruleset for the branch, or turn merge commits off in the repository",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-linear-history",
    reads: &[],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    if !scene.repository.merge_methods.merge {
        return Ok(());
    }
    let Some(effective) = super::bound_default_branch(scene)? else {
        return Ok(());
    };
    if effective.find(keeps_linear).map_err(Clone::clone)?.is_none() {
        let place = scene.place().ref_name(&effective.ref_name);
        findings.add(place, "", "pull requests can be merged into the default branch by a merge commit");
    }
    Ok(())
}

/// Whether a rule leaves no way to merge by a merge commit.
fn keeps_linear(binding: &Binding) -> bool {
    match &binding.rule.kind {
        RuleKind::RequiredLinearHistory => true,
        RuleKind::PullRequest(parameters) => {
            parameters.allowed_merge_methods.as_ref().is_some_and(|methods| !methods.iter().any(|method| method == "merge"))
        }
        RuleKind::MergeQueue(parameters) => {
            matches!(parameters.merge_method, Word::Known(QueueMergeMethod::Squash | QueueMergeMethod::Rebase))
        }
        _ => false,
    }
}
