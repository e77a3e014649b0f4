//! `deletion-allowed`: no rule forbids to delete the default branch.
//!
//! GitHub itself deletes no branch while it is the default one, so this opens with the next change of the default branch.
//! Quiet where nothing at all binds the branch: `branch-unprotected` says that. Who bypasses a ruleset, and administrators
//! that a classic rule does not bind, are for other checks.

use crate::audit::opening::{Opening, opening};
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::Source;

pub(super) static CHECK: Check = Check {
    id: "deletion-allowed",
    severity: Severity::High,
    summary: "no rule forbids to delete the default branch",
    why: "Only that it is the default branch keeps it: once another one is, whoever can push can delete it and create it anew with other commits.",
    fix: "add the rule `deletion` (restrict deletions) to a ruleset for the branch",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#restrict-deletions",
    reads: &[],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let Some(effective) = super::bound_default_branch(scene)? else {
        return Ok(());
    };
    // Of restricted pushes, a ruleset's are about updates alone, a classic rule's about every push.
    let open = opening(effective, "deletion", |binding| {
        binding.rule.name == "update" && matches!(binding.source, Source::Protection { .. })
    })?;
    let who = match open {
        Opening::Closed => return Ok(()),
        Opening::Everyone => Vec::new(),
        Opening::Only(who) => who.into_iter().collect(),
    };
    let names: Vec<String> = who.iter().map(|who| format!("`{who}`")).collect();
    let whoever = if names.is_empty() { "whoever can push".to_owned() } else { names.join(", ") };
    let classic = effective.bindings.iter().find(|binding| matches!(binding.source, Source::Protection { .. }));
    let allows = match classic {
        Some(binding) => format!("{} allows deletion and no ruleset restricts it", binding.source),
        None => "no rule restricts deletion".to_owned(),
    };
    let message = format!("{allows}: {whoever} can delete the branch as soon as it is not the default one");
    let finding = findings.add(scene.place().ref_name(&effective.ref_name), "", message);
    finding.who(&who);
    if classic.is_some() {
        finding.fix("turn `Allow deletions` off in the branch protection, or restrict deletions in a ruleset for the branch");
    }
    Ok(())
}
