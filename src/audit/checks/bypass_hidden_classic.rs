//! `bypass-hidden-classic`: a classic branch protection has a second list of those who pass.
//!
//! Push allowances are no such list: they narrow who may push. Nothing is said of a list when rulesets that nobody passes ask
//! for the same on every branch that it binds, new ones that match included, nor of who may force-push to the default branch:
//! `force-push-allowed` names them.

use crate::audit::bound::Bound;
use crate::audit::layers::is_closed;
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
        let bound = Bound::by_protection(scene.repository, protection);
        let mut list = |rule: &str, field: &str, actors: &Readable<Vec<Actor>>, what: &str, said: Option<&str>| {
            let place = scene.place().source(&source).field(field);
            let actors = match actors.read() {
                Ok(actors) if actors.is_empty() => return,
                actors => actors,
            };
            let open = bound.open(scene.repository, scene.context.owner, |effective| {
                let mut bindings = effective.bindings.iter();
                match bindings.find(|binding| binding.source == source && binding.rule.name == rule) {
                    _ if said == Some(&effective.ref_name) => Ok(false),
                    Some(binding) => is_closed(effective, binding).map(|is_closed| !is_closed),
                    None => Ok(true),
                }
            });
            match (open, actors) {
                // Nobody gets further by the list, whoever is on it.
                (Ok(None), _) => {}
                (_, Err(hidden)) => findings.cannot_tell(place, hidden),
                (Err(hidden), _) => findings.cannot_tell(place, &hidden),
                (Ok(Some(open)), Ok(actors)) => {
                    let who: Vec<Who> = actors.iter().map(Who::from).collect();
                    let mut names: Vec<String> = who.iter().map(|who| format!("`{who}`")).collect();
                    names.sort();
                    findings.add(place, field, format!("{what} {source}{open}: {}", names.join(", "))).who(&who);
                }
            }
        };
        if protection.requires_approving_reviews {
            list(
                "pull_request",
                "bypass_pull_request_allowances",
                &protection.bypass_pull_request_allowances,
                "these push without the pull request that is required by",
                None,
            );
        }
        if !protection.allows_force_pushes {
            let default = scene.repository.default_branch.as_ref().map(|branch| format!("refs/heads/{}", branch.name));
            list(
                "non_fast_forward",
                "bypass_force_push_allowances",
                &protection.bypass_force_push_allowances,
                "these force-push although it is blocked by",
                default.as_deref(),
            );
        }
    }
    Ok(())
}
