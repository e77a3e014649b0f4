//! `admin-bypass`: a classic branch protection does not bind administrators, nor deploy keys, which may do what those may.
//!
//! Nothing is said when rulesets that nobody passes ask for the same on every branch that it binds, new ones that match included: a push
//! must satisfy every layer, so the gap is closed.

use crate::audit::bound::Bound;
use crate::audit::layers::is_closed;
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::{Door, Effective, Source, Who};
use crate::github::part::Part;
use crate::github::protection::Protection;
use crate::github::readable::{Hidden, Readable};

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
        let bound = Bound::by_protection(scene.repository, protection);
        let mut rules: Vec<String> = Vec::new();
        let open = bound.open(scene.repository, scene.context.owner, |effective| {
            let passed = passed(effective, &source)?;
            let is_open = !passed.is_empty();
            rules.extend(passed.into_iter().filter(|rule| !rules.contains(rule)).collect::<Vec<_>>());
            Ok(is_open)
        });
        match open {
            Ok(None) => {}
            Ok(Some(open)) => {
                // Where it is for no branch, what the protection itself says is all there is.
                if rules.is_empty() {
                    rules = passed(&alone(scene, protection), &Source::classic(&Protection { pattern: ANY.to_owned(), ..protection.clone() }))
                        .unwrap_or_else(|_| vec!["rules".to_owned()]);
                }
                if rules.is_empty() {
                    continue;
                }
                let rules = rules.join(", ");
                let mut message = format!("administrators pass {rules} of {source}{open}");
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

/// A branch that the protection alone is for.
const ANY: &str = "any";

/// What the protection asks for where nothing else does.
fn alone(scene: &RepositoryScene<'_>, protection: &Protection) -> Effective {
    let mut repository = scene.repository.clone();
    repository.protections = Readable::Known(vec![Protection { pattern: ANY.to_owned(), ..protection.clone() }]);
    repository.rulesets = Readable::Known(Vec::new());
    Effective::of(&repository, scene.context.owner, &format!("refs/heads/{ANY}"))
}

/// The rules of the protection that let administrators pass and that no ruleset asks for as strictly and without a door. Those that are sure say enough.
fn passed(effective: &Effective, source: &Source) -> Result<Vec<String>, Hidden> {
    let mut passed = Vec::new();
    let mut unsure = None;
    for binding in effective.bindings.iter().filter(|binding| binding.source == *source) {
        // Force pushes and deletions are forbidden to administrators, too.
        let lets_pass = |doors: &Vec<Door>| doors.iter().any(|door| door.who == Who::Role("admin".to_owned()));
        if binding.doors.known().is_some_and(|doors| !lets_pass(doors)) {
            continue;
        }
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
