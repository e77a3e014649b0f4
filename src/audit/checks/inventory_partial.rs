//! `inventory-partial`: the run did not see every repository, so that the rest of the report is not about all of them.
//!
//! What was listed and could not be read can't be told, one by one. Repositories that were left out on purpose are not
//! counted: only whether the list that the run chose from was whole.

use crate::audit::{Check, Findings, Look, Looked, Place, RunScene, Severity};
use crate::github::{Cause, Hidden};

pub(super) static CHECK: Check = Check {
    id: "inventory-partial",
    severity: Severity::High,
    summary: "there are repositories that the run did not see",
    why: "A repository that the token may not see is missing from every list without a word. Nothing in it was checked.",
    fix: "give the token, or the app's installation, all repositories of the owner",
    link: "https://docs.github.com/en/apps/using-github-apps/reviewing-and-modifying-installed-github-apps#modifying-repository-access",
    reads: &[],
    looks: &[Look::Run(look)],
};

fn look(scene: &RunScene<'_>, findings: &mut Findings) -> Looked {
    count(scene, findings);
    let inventory = scene.inventory;
    for unread in &inventory.unread {
        findings.cannot_tell(Place::target(&unread.what), &unread.why);
    }
    for moved in &inventory.moved {
        let owner_of = |name: &str| name.split_once('/').map(|(owner, _)| owner.to_ascii_lowercase());
        let same_owner = owner_of(&moved.from) == owner_of(&moved.to);
        findings
            .add(
                Place::target(&moved.to),
                &moved.from,
                format!("`{}` is now `{}`: whoever makes a repository of the old name takes its place", moved.from, moved.to),
            )
            .severity(if same_owner { Severity::Low } else { Severity::Medium })
            .fix(format!("ask for `{}` instead", moved.to));
    }
    Ok(())
}

/// Why there are, or may be, repositories that the run did not see: for runs without this check, whose other answers are about
/// what was seen all the same.
pub(in crate::audit) fn not_seen(scene: &RunScene<'_>) -> Vec<Hidden> {
    let mut findings = Findings::of(&CHECK);
    count(scene, &mut findings);
    let found = findings.found.into_iter().map(|finding| Hidden::new(Cause::Partial, finding.message));
    found.chain(findings.cannot_tell.into_iter().map(|unknown| unknown.why)).collect()
}

/// Holds what was listed against what GitHub counts.
fn count(scene: &RunScene<'_>, findings: &mut Findings) {
    let (inventory, owner) = (scene.inventory, scene.context.owner);
    let place = Place::target(&owner.login);
    let mut known = Vec::new();
    let mut hidden = Vec::new();
    // Where the run named its repositories, the owner may have any number of others.
    let counts = [("totalCount", Some(&inventory.total)), ("repository_count", inventory.is_list.then_some(&owner.repository_count))];
    for (field, count) in counts.into_iter().filter_map(|(field, count)| count.map(|count| (field, count))) {
        match count.read() {
            Ok(count) => known.push(*count),
            Err(why) => hidden.push((field, why)),
        }
    }
    let there = known.iter().copied().max().unwrap_or_default();
    if there > inventory.listed {
        let mut message = format!("{} of {there} repositories were not seen", there - inventory.listed);
        if inventory.token_selection.as_deref() == Some("selected") {
            message.push_str(": the token's installation was given only selected ones");
        }
        findings.add(place.clone().field("repositories"), "count", message);
    }
    for (field, why) in hidden {
        if why.cause != Cause::NotAsked {
            findings.cannot_tell(place.clone().field(field), why);
        }
    }
    // What the owner counts is the same for every token; what a list counts is what this token may see.
    let selection = match inventory.token_selection.as_deref() {
        None | Some("all") => None,
        Some(_) if !inventory.is_list => None,
        Some("selected") if owner.repository_count.known().is_some() => None,
        Some("selected") => Some("the token's installation was given selected repositories, and how many there are is not known"),
        Some(_) => Some("which repositories the token's installation was given is said in a way this program does not know"),
    };
    if let Some(why) = selection {
        findings.cannot_tell(place.field("repository_selection"), &Hidden::new(Cause::Partial, why));
    }
}
