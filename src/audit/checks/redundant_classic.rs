//! `redundant-classic`: rulesets already ask for everything that the default branch's classic rule asks for.
//!
//! Only of a rule with the default branch's own name: one with a pattern may be all that other branches have. Each thing it
//! asks for must be asked for by a ruleset that nobody passes who could not pass the classic rule. It asks for nothing that
//! a hidden setting of it might add.

use std::collections::BTreeSet;

use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, Severity};
use crate::github::effective::{Binding, Source};
use crate::github::layers::{answered, asks, is_classic};

pub(super) static CHECK: Check = Check {
    id: "redundant-classic",
    severity: Severity::Low,
    summary: "rulesets already ask for everything that a classic rule asks for",
    why: "Two places to look at and to keep: who relaxes one wonders why it still binds, and who reads one takes it for all there is.",
    fix: "delete the branch protection rule; check first that it has no merge queue, which the API does not show",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets#about-rulesets-and-protected-branches",
    reads: &[],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let Some(effective) = scene.default_branch() else {
        return Ok(());
    };
    let classic: Vec<&Binding> = effective.bindings.iter().filter(|binding| is_classic(&binding.source)).collect();
    let Some(source) = classic.first().map(|binding| &binding.source) else {
        return effective.nothing_else().map_err(Clone::clone);
    };
    let Source::Protection { pattern } = source else {
        return Ok(());
    };
    if effective.ref_name.strip_prefix("refs/heads/") != Some(pattern) {
        return Ok(());
    }
    let mut unsure = None;
    let mut answering = BTreeSet::new();
    for binding in &classic {
        for ask in asks(&binding.rule.kind) {
            match answered(effective, binding, &ask) {
                Ok(Some(source)) => {
                    answering.insert(source);
                }
                Ok(None) => return Ok(()),
                Err(hidden) => unsure = unsure.or(Some(hidden)),
            }
        }
    }
    let hidden = effective.unsure.iter().find(|unsure| unsure.source.as_ref().is_some_and(is_classic));
    if let Some(hidden) = unsure.or_else(|| hidden.map(|unsure| unsure.why.clone())) {
        return Err(hidden);
    }
    let names: Vec<String> = answering.iter().take(5).map(ToString::to_string).collect();
    let place = Place { url: None, ..scene.place() }.source(source).ref_name(&effective.ref_name);
    findings.add(place, "", format!("everything that {source} asks for is asked for by {}", names.join(", ")));
    Ok(())
}
