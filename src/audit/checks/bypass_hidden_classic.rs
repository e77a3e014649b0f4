//! `bypass-hidden-classic`: a classic branch protection has a second list of those who pass.
//!
//! Push allowances are no such list: they narrow who may push.

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::{Source, Who};
use crate::github::people::Actor;
use crate::github::readable::Readable;

pub(super) static CHECK: Check = Check {
    id: "bypass-hidden-classic",
    severity: Severity::High,
    summary: "a branch protection lets someone pass by a list that its page folds away",
    why: "Whoever is on these lists pushes without a pull request, or rewrites history, although the protection says that nobody does; the list for force pushes is not even in the REST API.",
    fix: "empty the list, or name who is on it in a ruleset's bypass, where everyone sees it",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches",
    reads: &[],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    for protection in scene.repository.protections.read().map_err(Clone::clone)? {
        let source = Source::classic(protection);
        let mut list = |applies: bool, field: &str, actors: &Readable<Vec<Actor>>, what: &str| {
            if !applies {
                return;
            }
            let place = scene.place().source(&source).field(field);
            match actors.read() {
                Ok(actors) if actors.is_empty() => {}
                Ok(actors) => {
                    let who: Vec<Who> = actors.iter().map(Who::from).collect();
                    let mut names: Vec<String> = who.iter().map(|who| format!("`{who}`")).collect();
                    names.sort();
                    findings.add(place, field, format!("{what} {source}: {}", names.join(", "))).who(&who);
                }
                Err(hidden) => findings.cannot_tell(place, hidden),
            }
        };
        list(
            protection.requires_approving_reviews,
            "bypass_pull_request_allowances",
            &protection.bypass_pull_request_allowances,
            "these push without the pull request that is required by",
        );
        list(
            !protection.allows_force_pushes,
            "bypass_force_push_allowances",
            &protection.bypass_force_push_allowances,
            "these force-push although it is blocked by",
        );
    }
    Ok(())
}
