//! `literal-default-branch`: rules name a branch that is not, or is no longer, the default one, which they leave unguarded.
//!
//! Quiet where anything binds the default branch, and about names that can't have been meant for it: other branches that
//! exist. A literal name that is the default branch's is no fault while it is.

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::{Effective, Source};
use crate::github::owner::Owner;
use crate::github::part::Part;
use crate::github::readable::Readable;
use crate::github::repository::Repository;
use crate::github::ruleset::{Ruleset, Target};

pub(super) static CHECK: Check = Check {
    id: "literal-default-branch",
    severity: Severity::Medium,
    summary: "rules name a branch that is not the default one, which nothing binds",
    why: "When the default branch got another name, the rules stayed with the old one: they guard a branch that nobody merges into.",
    fix: "include `~DEFAULT_BRANCH` in place of the name",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/creating-rulesets-for-a-repository#choosing-which-branches-or-tags-to-target",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

/// Names that default branches have.
const USUAL: &[&str] = &["main", "master", "trunk", "mainline", "default", "develop"];

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let repository = scene.repository;
    let Some(effective) = super::unbound_default(scene)? else {
        return Ok(());
    };
    let mut candidates: Vec<(Source, &str)> = Vec::new();
    for ruleset in repository.rulesets.known().into_iter().flatten() {
        if ruleset.may_enforce() && ruleset.target.is(&Target::Branch) {
            candidates.extend(literals(ruleset).map(|name| (Source::of(ruleset), name)));
        }
    }
    for protection in repository.protections.known().into_iter().flatten() {
        if !super::is_pattern(&protection.pattern) {
            candidates.push((Source::classic(protection), &protection.pattern));
        }
    }
    let branch = effective.ref_name.strip_prefix("refs/heads/").unwrap_or_default();
    candidates.retain(|(_, name)| *name != branch);
    let mut unsure = None;
    candidates.retain(|(_, name)| match was_default(name, &repository.branches) {
        Ok(was) => was,
        Err(hidden) => {
            unsure = Some(hidden.clone());
            false
        }
    });
    for (source, name) in candidates {
        let message = format!("the rules are for `{name}`, the default branch is `{branch}`, and nothing binds it");
        let finding = findings.add(scene.place().ref_name(&effective.ref_name).source(&source), name, message);
        if matches!(source, Source::Protection { .. }) {
            finding.fix(format!("change the pattern to `{branch}`, or make a ruleset for `~DEFAULT_BRANCH`"));
        }
    }
    // What is hidden may be for another branch, too.
    effective.nothing_else().map_err(Clone::clone)?;
    unsure.map_or(Ok(()), Err)
}

/// The branches that a ruleset includes by name.
fn literals(ruleset: &Ruleset) -> impl Iterator<Item = &str> {
    let names = ruleset.conditions.known().and_then(|conditions| conditions.ref_name.as_ref());
    names
        .into_iter()
        .flat_map(|names| &names.include)
        .filter(|name| !super::is_pattern(name))
        .filter_map(|name| name.strip_prefix("refs/heads/"))
}

/// Whether the name may have been the default branch's: it is a usual one, or no branch has it any more.
fn was_default<'a>(name: &str, branches: &'a Readable<Vec<String>>) -> Result<bool, &'a crate::github::Hidden> {
    if USUAL.contains(&name) {
        return Ok(true);
    }
    branches.read().map(|branches| !branches.iter().any(|branch| branch == name))
}

/// Whether this check speaks of the ruleset, so that others need not: it names a former default branch, and nothing binds
/// the one of now.
pub(super) fn speaks_of(ruleset: &Ruleset, repository: &Repository, owner: &Owner) -> bool {
    let Some(default) = &repository.default_branch else {
        return false;
    };
    let effective = Effective::of(repository, owner, &format!("refs/heads/{}", default.name));
    ruleset.target.is(&Target::Branch)
        && literals(ruleset).any(|name| name != default.name && was_default(name, &repository.branches) == Ok(true))
        && !super::is_bound(&effective)
        && effective.nothing_else().is_ok()
}
