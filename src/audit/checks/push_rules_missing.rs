//! `push-rules-missing`: no push ruleset in force restricts files.
//!
//! GitHub has push rulesets for private and internal repositories of organizations: others are quiet. A fork is bound by the
//! push rulesets of the repository it came from, which its own list does not show.

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::{Source, is_in_force};
use crate::github::owner::OwnerKind;
use crate::github::readable::{Cause, Hidden};
use crate::github::repository::{Repository, Visibility};
use crate::github::rule::RuleKind;
use crate::github::ruleset::{Ruleset, Target};
use crate::github::word::Word;

pub(super) static CHECK: Check = Check {
    id: "push-rules-missing",
    severity: Severity::Low,
    summary: "no push ruleset restricts workflow files, sizes or extensions",
    why: "Branch rules bind the branches they name. On any other branch, whoever can push changes workflows, which then run with the repository's token, and adds files of any size and kind.",
    fix: "add a push ruleset that restricts `.github/workflows/**/*`, large files or file extensions",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets#push-rulesets",
    reads: &[],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    if scene.context.owner.kind == OwnerKind::User || !has_push_rulesets(scene.repository)? {
        return Ok(());
    }
    // Where the plan does not even have branch protection, `feature-unavailable` says all there is to say.
    if scene.repository.protections.read().is_err_and(|hidden| hidden.cause == Cause::NotOffered) {
        return Ok(());
    }
    let mut unsure = None;
    for ruleset in scene.repository.rulesets.read().map_err(Clone::clone)? {
        match restricts_pushes(ruleset) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(hidden) => unsure = unsure.or(Some(hidden)),
        }
    }
    if let Some(hidden) = unsure {
        return Err(hidden);
    }
    if scene.repository.fork {
        let why = "the push rulesets of the repository that this fork came from, which bind it, were not read";
        return Err(Hidden::new(Cause::NotAsked, why));
    }
    let message = "no push ruleset in force restricts workflow files, sizes or extensions: on branches without rules, whoever can push can change workflows and add any file";
    findings.add(scene.place(), "", message);
    Ok(())
}

/// Whether GitHub offers push rulesets for it.
fn has_push_rulesets(repository: &Repository) -> Result<bool, Hidden> {
    match &repository.visibility {
        Word::Known(Visibility::Public) => Ok(false),
        Word::Known(Visibility::Private | Visibility::Internal) => Ok(true),
        Word::Unknown(word) => Err(Hidden::new(Cause::Unknown, format!("the visibility `{word}` is not known"))),
    }
}

/// Whether it is a push ruleset in force that restricts what files may be pushed. How long a path is matters to nobody.
fn restricts_pushes(ruleset: &Ruleset) -> Result<bool, Hidden> {
    if !ruleset.may_enforce() || matches!(ruleset.target, Word::Known(Target::Branch | Target::Tag | Target::Repository)) {
        return Ok(false);
    }
    let unknown = |what: &str, word: &dyn std::fmt::Display| {
        Hidden::new(Cause::Unknown, format!("{} has the unknown {what} `{word}`", Source::of(ruleset)))
    };
    if !ruleset.target.is(&Target::Push) {
        return Err(unknown("target", &ruleset.target));
    }
    if !is_in_force(ruleset) {
        return Err(unknown("enforcement", &ruleset.enforcement));
    }
    if let Some(condition) = ruleset.conditions.read().map_err(Clone::clone)?.unpublished.keys().next() {
        return Err(unknown("condition", condition));
    }
    let rules = ruleset.rules.read().map_err(Clone::clone)?;
    let restricts = rules.iter().any(|rule| {
        matches!(
            rule.kind,
            RuleKind::FilePathRestriction(_) | RuleKind::FileExtensionRestriction(_) | RuleKind::MaxFileSize(_)
        )
    });
    match rules.iter().find(|rule| !rule.is_understood()) {
        Some(rule) if !restricts => Err(unknown("rule", &rule.name)),
        _ => Ok(restricts),
    }
}
