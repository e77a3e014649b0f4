//! `redundant-classic`: rulesets already ask for everything that the default branch's classic rule asks for.
//!
//! Only of a rule with the default branch's own name: one with a pattern may be all that other branches have. Each thing it
//! asks for must be asked for by a ruleset that nobody passes who could not pass the classic rule. It asks for nothing that
//! a hidden setting of it might add.

use std::collections::BTreeSet;

use crate::audit::layers::{Ask, asks, is_classic};
use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, Severity};
use crate::github::effective::{Binding, Door, Effective, Source, Who};
use crate::github::readable::{Cause, Hidden};

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

/// The ruleset that asks for it and opens no door that the classic rule keeps shut.
fn answered<'a>(effective: &'a Effective, classic: &Binding, ask: &Ask<'_>) -> Result<Option<&'a Source>, Hidden> {
    let mut unsure = None;
    for binding in &effective.bindings {
        if is_classic(&binding.source) || !ask(&binding.rule.kind) {
            continue;
        }
        match opens_no_more(binding, classic) {
            Ok(true) => return Ok(Some(&binding.source)),
            Ok(false) => {}
            Err(hidden) => unsure = unsure.or(Some(hidden)),
        }
    }
    // A ruleset that can't be read may ask for it, too.
    let others = effective.unsure.iter().find(|unsure| !unsure.source.as_ref().is_some_and(is_classic));
    unsure.or_else(|| others.map(|unsure| unsure.why.clone())).map_or(Ok(None), Err)
}

/// Whether everyone who passes the ruleset's rule passes the classic one.
fn opens_no_more(binding: &Binding, classic: &Binding) -> Result<bool, Hidden> {
    let doors = binding.doors.read().map_err(Clone::clone)?;
    if doors.is_empty() {
        return Ok(true);
    }
    let passers: Vec<&Who> = classic.doors.read().map_err(Clone::clone)?.iter().map(|door| &door.who).collect();
    let mut unsure = None;
    for Door { who, .. } in doors {
        let is_admin = *who == Who::OrganizationAdmins && passers.iter().any(|passer| **passer == Who::Role("admin".to_owned()));
        if is_admin || passers.contains(&who) {
            continue;
        }
        if passers.is_empty() || !matches!(who, Who::Other(_)) {
            return Ok(false);
        }
        let why = format!("who `{who}`, which passes {}, is could not be found", binding.source);
        unsure = Some(Hidden::new(Cause::Unknown, why));
    }
    unsure.map_or(Ok(true), Err)
}
