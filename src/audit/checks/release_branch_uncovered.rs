//! `release-branch-uncovered`: the default branch is guarded, and a branch that releases come from is not.
//!
//! A branch counts as one by its name, because a release was made from it, or because the policy is for it. Where nothing
//! binds the default branch either, `branch-unprotected` speaks alone.

use std::collections::BTreeMap;

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::Effective;
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "release-branch-uncovered",
    severity: Severity::High,
    summary: "nothing binds a branch that releases come from",
    why: "Whoever can push can put anything into the next release from that branch, past the review that guards the default branch.",
    fix: "include the branch, or a pattern such as `refs/heads/release/**/*`, in the ruleset that guards the default branch",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/creating-rulesets-for-a-repository#choosing-which-branches-or-tags-to-target",
    reads: &[Part::Refs, Part::Releases, Part::ReleaseTargets],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let (repository, policy) = (scene.repository, scene.context.policy);
    let Some(default) = scene.default_branch() else {
        return Ok(());
    };
    if !super::is_bound(default) {
        return super::unbound_default(scene).map(|_| ());
    }
    let branches = repository.branches.read().map_err(Clone::clone)?;
    let mut why: BTreeMap<&str, &str> = BTreeMap::new();
    for name in branches {
        if looks_like_release(name) {
            why.insert(name, "has a release's name");
        } else if policy.is_some_and(|policy| super::policy_covers(policy, repository, &format!("refs/heads/{name}"))) {
            why.insert(name, "is one the policy is for");
        }
    }
    match repository.releases.read() {
        Ok(releases) => {
            let mut untold = None;
            for release in releases.iter().filter(|release| !release.draft && !release.prerelease) {
                match release.target.read() {
                    // A commit's number is no branch's name.
                    Ok(target) => {
                        let target = target.strip_prefix("refs/heads/").unwrap_or(target);
                        if let Some(name) = branches.iter().find(|name| *name == target) {
                            why.insert(name, "is where a release was made from");
                        }
                    }
                    Err(hidden) => untold = untold.or(Some(hidden)),
                }
            }
            // It may have been any of those that nothing binds and nothing else tells of.
            let may_be = |name: &&String| !why.contains_key(name.as_str()) && !is_guarded(scene, default, name);
            if let Some(hidden) = untold.filter(|_| branches.iter().any(|name| may_be(&name))) {
                findings.cannot_tell(scene.place().field("target_commitish"), hidden);
            }
        }
        Err(hidden) => findings.cannot_tell(scene.place().field("releases"), hidden),
    }
    for (name, why) in why {
        let ref_name = format!("refs/heads/{name}");
        if ref_name == default.ref_name {
            continue;
        }
        let effective = scene.effective(&ref_name);
        let place = scene.place().ref_name(&ref_name);
        if super::is_bound(&effective) {
            continue;
        }
        match effective.nothing_else() {
            Err(hidden) => findings.cannot_tell(place, hidden),
            Ok(()) => {
                let message = format!("`{name}` {why}, and nothing binds it: whoever can push can rewrite or delete it");
                findings.add(place, "", message);
            }
        }
    }
    Ok(())
}

/// Whether it is the default branch, or something certainly binds it.
fn is_guarded(scene: &RepositoryScene<'_>, default: &Effective, name: &str) -> bool {
    let ref_name = format!("refs/heads/{name}");
    ref_name == default.ref_name || super::is_bound(&scene.effective(&ref_name))
}

/// `release/…`, `releases/…`, `release-1…`, `stable`, `stable-1…`, `7-0-stable`, `1.x`, `v1.2`, `lts/…`, `maintenance/…`.
/// Names that robots give, as `release-please--branches--main`, are none.
fn looks_like_release(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_line = |text: &str| {
        let text = text.strip_prefix('v').unwrap_or(text);
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.split('.').all(|part| part == "x" || (!part.is_empty() && part.chars().all(|c| c.is_ascii_digit())))
    };
    // A bare number is an issue's as easily as a version's.
    let is_version = is_line(&name) && (name.contains('.') || name.starts_with('v'));
    let after = |prefix: &str| name.strip_prefix(prefix);
    let folder = ["release/", "releases/", "stable/", "lts/", "maintenance/"].iter().any(|folder| name.starts_with(folder));
    let dashed = ["release-", "releases-", "stable-", "rel-"].iter().filter_map(|prefix| after(prefix)).any(is_line);
    let suffixed = name.strip_suffix("-stable").is_some_and(|rest| is_line(&rest.replace('-', ".")));
    is_version || folder || dashed || suffixed || matches!(name.as_str(), "release" | "releases" | "stable" | "lts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_names() {
        for name in ["release/1.0", "Release-1.2", "stable", "7-0-stable", "1.x", "v2", "v1.2", "2.0.x", "lts/hydrogen", "stable-2.x"] {
            assert!(looks_like_release(name), "{name}");
        }
        for name in ["main", "release-please--branches--main", "release-notes", "unstable", "v", "vx", "1234", "1..2", "fix-1.2", ""] {
            assert!(!looks_like_release(name), "{name}");
        }
    }
}
