//! `admin-bypass`: a classic branch protection does not bind administrators, nor deploy keys, which may do what those may.
//!
//! Nothing is said when rulesets that nobody passes ask for the same: a push must satisfy every layer, so the gap is closed.

use crate::audit::layers::{bound_branch, is_closed};
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::{Effective, Source, Who};
use crate::github::part::Part;
use crate::github::readable::Hidden;

pub(super) static CHECK: Check = Check {
    id: "admin-bypass",
    severity: Severity::High,
    summary: "administrators pass a branch protection",
    why: "Unless its rules are enforced for administrators, whoever administers the repository pushes past them, and so does whoever takes over such an account, and whoever has a deploy key that can push.",
    fix: "switch on `Do not allow bypassing the above settings` (`enforce_admins`)",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches#do-not-allow-bypassing-the-above-settings",
    reads: &[Part::Refs, Part::Keys],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let protections = scene.repository.protections.read().map_err(Clone::clone)?;
    for protection in protections.iter().filter(|protection| !protection.is_admin_enforced) {
        let source = Source::classic(protection);
        let place = scene.place().source(&source).field("enforce_admins");
        let passed = match bound_branch(scene, protection) {
            Some(branch) => passed(&scene.effective(&format!("refs/heads/{branch}")), &source),
            // No branch to look at: what the protection itself says is all there is.
            None => Ok(vec!["every rule".to_owned()]),
        };
        match passed {
            Ok(rules) if rules.is_empty() => {}
            Ok(rules) => {
                let mut message = format!("administrators pass {} of {source}", rules.join(", "));
                let mut who = vec![Who::Role("admin".to_owned())];
                match super::writable_keys(scene.repository) {
                    Ok(keys) if keys.is_empty() => {}
                    Ok(keys) => {
                        message += &format!(", and so do the deploy keys that can push: {}", keys.join(", "));
                        who.push(Who::DeployKeys);
                    }
                    Err(hidden) => {
                        message += ", and so do deploy keys that can push, if there are any";
                        who.push(Who::DeployKeys);
                        findings.cannot_tell(place.clone().field("deploy_keys"), hidden);
                    }
                }
                findings.add(place, "", message).who(&who);
            }
            Err(hidden) => findings.cannot_tell(place, &hidden),
        }
    }
    Ok(())
}

/// The rules of the protection that no ruleset asks for as strictly and without a door. Those that are sure say enough.
fn passed(effective: &Effective, source: &Source) -> Result<Vec<String>, Hidden> {
    let mut passed = Vec::new();
    let mut unsure = None;
    for binding in effective.bindings.iter().filter(|binding| binding.source == *source) {
        match is_closed(effective, binding) {
            Ok(true) => {}
            Ok(false) => passed.push(format!("`{}`", binding.rule.name)),
            Err(hidden) => unsure = unsure.or(Some(hidden)),
        }
    }
    match unsure {
        Some(hidden) if passed.is_empty() => Err(hidden),
        _ => Ok(passed),
    }
}
