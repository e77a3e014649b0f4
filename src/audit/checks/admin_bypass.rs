//! `admin-bypass`: a classic branch protection does not bind administrators.
//!
//! Nothing is said when rulesets that nobody passes ask for the same: a push must satisfy every layer, so the gap is closed.

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::{Effective, Source, Who};
use crate::github::part::Part;
use crate::github::protection::Protection;
use crate::github::readable::Hidden;
use crate::github::scope;

pub(super) static CHECK: Check = Check {
    id: "admin-bypass",
    severity: Severity::High,
    summary: "administrators pass a branch protection",
    why: "Unless its rules are enforced for administrators, whoever administers the repository pushes past them, and so does whoever takes over such an account.",
    fix: "switch on `Do not allow bypassing the above settings` (`enforce_admins`)",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches#do-not-allow-bypassing-the-above-settings",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let protections = scene.repository.protections.read().map_err(Clone::clone)?;
    for protection in protections.iter().filter(|protection| !protection.is_admin_enforced) {
        let source = Source::classic(protection);
        let place = scene.place().source(&source).field("enforce_admins");
        let passed = match branch(scene, protection) {
            Some(branch) => passed(&scene.effective(&branch), &source),
            // No branch to look at: what the protection itself says is all there is.
            None => Ok(vec!["every rule".to_owned()]),
        };
        match passed {
            Ok(rules) if rules.is_empty() => {}
            Ok(rules) => {
                findings
                    .add(place, "", format!("administrators pass {} of {source}", rules.join(", ")))
                    .who([&Who::Role("admin".to_owned())]);
            }
            Err(hidden) => findings.cannot_tell(place, &hidden),
        }
    }
    Ok(())
}

/// A branch that the protection is for: the one it names, else the first that matches.
fn branch(scene: &RepositoryScene<'_>, protection: &Protection) -> Option<String> {
    let is_pattern = protection.pattern.contains(['*', '?', '[']);
    let default = scene.repository.default_branch.iter().map(|branch| &branch.name);
    let branch = if is_pattern {
        default
            .chain(scene.repository.branches.known().into_iter().flatten())
            .find(|branch| scope::protects(&protection.pattern, branch) == Ok(true))?
    } else {
        &protection.pattern
    };
    Some(format!("refs/heads/{branch}"))
}

/// The rules of the protection that no ruleset asks for without a door.
fn passed(effective: &Effective, source: &Source) -> Result<Vec<String>, Hidden> {
    let mut passed = Vec::new();
    for binding in effective.bindings.iter().filter(|binding| binding.source == *source) {
        let mut hidden = None;
        let closed = effective.of_rule(&binding.rule.name).filter(|other| other.source != *source).any(|other| {
            match other.doors.read() {
                Ok(doors) => doors.is_empty(),
                Err(why) => {
                    hidden = Some(why.clone());
                    false
                }
            }
        });
        match (closed, hidden.or_else(|| effective.nothing_else().err().cloned())) {
            (true, _) => {}
            (false, Some(hidden)) => return Err(hidden),
            (false, None) => passed.push(format!("`{}`", binding.rule.name)),
        }
    }
    Ok(passed)
}
