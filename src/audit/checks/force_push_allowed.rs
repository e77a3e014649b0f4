//! `force-push-allowed`: the default branch can be rewritten.
//!
//! Quiet where nothing at all binds the branch: `branch-unprotected` says that. Who bypasses a ruleset, and administrators
//! that a classic rule does not bind, are for other checks; those whom a classic rule names for force pushes are named here.

use crate::audit::opening::{Opening, opening};
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::Source;

pub(super) static CHECK: Check = Check {
    id: "force-push-allowed",
    severity: Severity::Critical,
    summary: "the default branch can be rewritten by a force push",
    why: "A force push takes commits off the branch or puts others in their place: reviewed work is gone, and who builds the branch gets what nobody saw merged.",
    fix: "add the rule `non_fast_forward` (block force pushes) to a ruleset for the branch",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#block-force-pushes",
    reads: &[],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let Some(effective) = super::bound_default_branch(scene)? else {
        return Ok(());
    };
    let who = match opening(effective, "non_fast_forward", |binding| binding.rule.name == "update")? {
        Opening::Closed => return Ok(()),
        Opening::Everyone => Vec::new(),
        Opening::Only(who) => who.into_iter().collect(),
    };
    let names: Vec<String> = who.iter().map(|who| format!("`{who}`")).collect();
    let whoever = if names.is_empty() { "whoever can push".to_owned() } else { names.join(", ") };
    let classic = effective.bindings.iter().find(|binding| matches!(binding.source, Source::Protection { .. }));
    let message = match classic {
        Some(binding) => {
            format!("{} allows force pushes and no ruleset blocks them: {whoever} can rewrite the default branch", binding.source)
        }
        None => format!("no rule blocks force pushes: {whoever} can rewrite the default branch"),
    };
    let finding = findings.add(scene.place().ref_name(&effective.ref_name), "", message);
    finding.who(&who);
    if classic.is_some() {
        finding.fix("turn `Allow force pushes` off in the branch protection, or block force pushes in a ruleset for the branch");
    }
    Ok(())
}
