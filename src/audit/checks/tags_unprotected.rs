//! `tags-unprotected`: the tag of a release can be moved or deleted.
//!
//! One tag stands for all: that of the newest published release, else the last one by name. Who bypasses a tag ruleset is for
//! other checks.

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "tags-unprotected",
    severity: Severity::High,
    summary: "tags can be moved or deleted",
    why: "Whoever moves the tag of a release, or deletes it and makes it anew, gives other code to everyone who builds or installs by that tag.",
    fix: "add an active tag ruleset for `~ALL` with the rules `update` and `deletion`",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets",
    reads: &[Part::Refs, Part::Releases],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let (releases, tags) = (scene.repository.releases.read(), scene.repository.tags.read());
    let released = releases.ok().and_then(|releases| releases.iter().find(|release| !release.draft));
    let last = tags.ok().and_then(|tags| tags.iter().max());
    let Some(tag) = released.map(|release| &release.tag).or(last) else {
        releases.map_err(Clone::clone)?;
        tags.map_err(Clone::clone)?;
        return Ok(());
    };
    let effective = scene.effective(&format!("refs/tags/{tag}"));
    let mut missing = Vec::new();
    for (rule, can) in [("update", "moved"), ("deletion", "deleted")] {
        if effective.find_rule(rule).map_err(Clone::clone)?.is_none() {
            missing.push((rule, can));
        }
    }
    let Some((first, _)) = missing.first() else {
        // That a tag is protected says nothing about that of a release that can't be seen.
        return if released.is_some() { Ok(()) } else { releases.map(|_| ()).map_err(Clone::clone) };
    };
    let can: Vec<&str> = missing.iter().map(|(_, can)| *can).collect();
    let message = format!("the tag `{tag}` can be {} by whoever can push", can.join(" and "));
    // The newest tag changes with every release; the fault stays the same.
    let finding = findings.add(scene.place(), "", message);
    if missing.len() == 1 {
        finding.fix(format!("add the rule `{first}` to the tag ruleset"));
    }
    Ok(())
}
