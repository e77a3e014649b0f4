//! The branches a check looks at, and what several checks ask of each.

use serde_json::Value;

use super::{Findings, Looked, Place, RepositoryScene};
use crate::git::RefName;
use crate::github::effective::{Binding, Door, Effective, Source};
use crate::github::rule::RuleKind;
use crate::github::ruleset::BypassMode;
use crate::github::{Cause, Hidden, Word};
use crate::policy::{DefaultBranch, Enforcement};
use crate::rules::Target;

/// Takes a look at the default branch and at every other branch that the policy covers. What can't be told of one hides
/// nothing of another. A branch that nothing binds is left out: `branch-unprotected` speaks of the default branch, and
/// `release-branch-uncovered` of others, and nothing is to be said twice.
pub fn each(
    scene: &RepositoryScene<'_>,
    findings: &mut Findings,
    mut look: impl FnMut(&Effective, &mut Findings) -> Looked,
) -> Looked {
    for effective in scene.branches {
        if !is_bound(effective) && effective.unsure.is_empty() {
            continue;
        }
        if let Err(hidden) = look(effective, findings) {
            findings.cannot_tell(scene.place().ref_name(&effective.ref_name), &hidden);
        }
    }
    // Which other branches the policy covers is only known where branches are.
    if let Some(policy) = scene.context.policy
        && let Err(hidden) = scene.repository.branches.read()
        && policy.rulesets.iter().any(|ruleset| {
            ruleset.target == Target::Branch
                && (ruleset.refs.include_all || !ruleset.refs.include.is_empty())
                && ruleset.repositories.includes(&scene.repository.full_name()).unwrap_or(true)
        })
    {
        return Err(hidden.clone());
    }
    Ok(())
}

/// Whether anything that this program understands binds the branch. Rules about the files of a push don't.
fn is_bound(effective: &Effective) -> bool {
    effective.bindings.iter().any(|binding| {
        binding.rule.is_understood()
            && !matches!(
                binding.rule.kind,
                RuleKind::FilePathRestriction(_)
                    | RuleKind::MaxFilePathLength(_)
                    | RuleKind::FileExtensionRestriction(_)
                    | RuleKind::MaxFileSize(_)
            )
    })
}

/// Whether it is the default branch.
pub fn is_default(scene: &RepositoryScene<'_>, effective: &Effective) -> bool {
    scene.default_branch().is_some_and(|default| default.ref_name == effective.ref_name)
}

/// Whether the absence of a rule on the branch is worth saying: on the default branch always, on others if the policy
/// asks for one of these rules there.
pub fn should_have(scene: &RepositoryScene<'_>, effective: &Effective, rules: &[&str]) -> bool {
    is_default(scene, effective) || rules.iter().any(|rule| !asked(scene, &effective.ref_name, rule).is_empty())
}

/// The settings of every rule of this name that the policy asks for on the ref, of everyone.
pub fn asked(scene: &RepositoryScene<'_>, ref_name: &str, rule: &str) -> Vec<Value> {
    let (Some(policy), Ok(name)) = (scene.context.policy, RefName::parse(ref_name.as_bytes())) else {
        return Vec::new();
    };
    let default = scene
        .repository
        .default_branch
        .as_ref()
        .and_then(|branch| RefName::parse(format!("refs/heads/{}", branch.name).as_bytes()).ok())
        .map_or(DefaultBranch::Unnamed, DefaultBranch::Exists);
    policy
        .rulesets
        .iter()
        .filter(|ruleset| {
            ruleset.target == Target::Branch
                && ruleset.enforcement == Enforcement::Active
                && ruleset.actors.is_everyone()
                && ruleset.repositories.includes(&scene.repository.full_name()).unwrap_or(true)
                && ruleset.refs.judges(&name, &default).unwrap_or(true)
        })
        .flat_map(|ruleset| &ruleset.rules)
        .filter(|configured| configured.rule.info().id == rule)
        .map(|configured| configured.rule.settings())
        .collect()
}

/// Where a binding's fault is: in the ruleset, once for all repositories, when it is one of an organization or
/// enterprise, else in the repository and at the ref.
pub fn place(scene: &RepositoryScene<'_>, effective: &Effective, binding: &Binding) -> Place {
    match &binding.source {
        Source::Ruleset { owner, .. } if *owner != scene.repository.full_name() => {
            Place::target(owner.strip_prefix("enterprise ").unwrap_or(owner)).source(&binding.source)
        }
        source => scene.place().source(source).ref_name(&effective.ref_name),
    }
}

/// Who can update the branch at all.
#[derive(Debug, Clone, PartialEq)]
pub enum Updaters {
    /// Whoever can push.
    Everyone,
    /// Only those who pass a rule that closes the branch.
    Only(Vec<Door>),
    /// Nobody.
    Nobody,
}

/// Who can update the branch by a push, as far as `update` rules say: they let only those pass who bypass each of them.
///
/// # Errors
/// Who bypasses is hidden, or how is not known.
pub fn updaters(effective: &Effective) -> Result<Updaters, Hidden> {
    let mut answer = Updaters::Everyone;
    let mut unsure = None;
    for binding in effective.of_rule("update") {
        let doors = match binding.doors.read() {
            Ok(doors) => doors,
            Err(hidden) => {
                unsure = Some(hidden.clone());
                continue;
            }
        };
        if let Some(Word::Unknown(mode)) = doors.iter().map(|door| &door.mode).find(|mode| mode.known().is_none()) {
            unsure = Some(Hidden::new(Cause::Unknown, format!("{} has the unknown bypass mode `{mode}`", binding.source)));
            continue;
        }
        let doors: Vec<Door> = doors.iter().filter(|door| !door.mode.is(&BypassMode::PullRequest)).cloned().collect();
        if doors.is_empty() {
            return Ok(Updaters::Nobody);
        }
        // Whoever updates passes all of them; the shortest list says most.
        if !matches!(&answer, Updaters::Only(before) if before.len() <= doors.len()) {
            answer = Updaters::Only(doors);
        }
    }
    unsure.map_or(Ok(answer), Err)
}
