//! `bypass-hidden-classic`: a classic branch protection has a second list of those who pass.
//!
//! Push allowances are no such list: they narrow who may push. Nothing is said of a list when rulesets that nobody passes ask
//! for the same, nor of who may force-push to the default branch: `force-push-allowed` names them.

use crate::audit::layers::{bound_branch, is_closed};
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::{Source, Who};
use crate::github::part::Part;
use crate::github::people::Actor;
use crate::github::readable::Readable;

pub(super) static CHECK: Check = Check {
    id: "bypass-hidden-classic",
    severity: Severity::High,
    summary: "a branch protection lets someone pass by a list that its page folds away",
    why: "Whoever is on these lists pushes without a pull request, or rewrites history, although the protection says that nobody does; the list for force pushes is not even in the REST API.",
    fix: "empty the list, or name who is on it in a ruleset's bypass, where everyone sees it",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    for protection in scene.repository.protections.read().map_err(Clone::clone)? {
        let source = Source::classic(protection);
        let branch = bound_branch(scene, protection);
        let effective = branch.map(|branch| scene.effective(&format!("refs/heads/{branch}")));
        let mut list = |rule: &str, field: &str, actors: &Readable<Vec<Actor>>, what: &str| {
            let place = scene.place().source(&source).field(field);
            let actors = match actors.read() {
                Ok(actors) if actors.is_empty() => return,
                actors => actors,
            };
            let binding = effective.as_ref().and_then(|effective| {
                let mut bindings = effective.bindings.iter();
                bindings.find(|binding| binding.source == source && binding.rule.name == rule).map(|binding| (effective, binding))
            });
            match (binding.map_or(Ok(false), |(effective, binding)| is_closed(effective, binding)), actors) {
                // Nobody gets further by the list, whoever is on it.
                (Ok(true), _) => {}
                (_, Err(hidden)) => findings.cannot_tell(place, hidden),
                (Err(hidden), _) => findings.cannot_tell(place, &hidden),
                (Ok(false), Ok(actors)) => {
                    let who: Vec<Who> = actors.iter().map(Who::from).collect();
                    let mut names: Vec<String> = who.iter().map(|who| format!("`{who}`")).collect();
                    names.sort();
                    findings.add(place, field, format!("{what} {source}: {}", names.join(", "))).who(&who);
                }
            }
        };
        if protection.requires_approving_reviews {
            list(
                "pull_request",
                "bypass_pull_request_allowances",
                &protection.bypass_pull_request_allowances,
                "these push without the pull request that is required by",
            );
        }
        let default = scene.repository.default_branch.as_ref().map(|branch| branch.name.as_str());
        if !protection.allows_force_pushes && (branch.is_none() || branch != default) {
            list(
                "non_fast_forward",
                "bypass_force_push_allowances",
                &protection.bypass_force_push_allowances,
                "these force-push although it is blocked by",
            );
        }
    }
    Ok(())
}
