//! `tags-unprotected`: the tag of a release can be moved or deleted.
//!
//! Looked at are the tags of the newest published releases, or where there are none, the last tags that have a release's name: a
//! tag such as `nightly` is there to be moved, and so is a prerelease without a number in its tag. `v1` is moved by many, and built
//! from by more: it is a release's name. The next version is looked at, too: a ruleset that names each tag is always late. Who bypasses
//! a tag ruleset is for other checks.

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;
use crate::github::readable::Hidden;
use crate::github::repository::Release;

pub(super) static CHECK: Check = Check {
    id: "tags-unprotected",
    severity: Severity::High,
    summary: "tags can be moved or deleted",
    why: "Whoever moves the tag of a release, or deletes it and makes it anew, gives other code to everyone who builds or installs by that tag. Where GitHub has no releases, tags count that are named like one: `1.2`, `v1.2.3`, `v1`, `7`, `release-2`, `rel-v2`, and all in `release/`.",
    fix: "add an active tag ruleset for `~ALL` with the rules `update` and `deletion`",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets",
    reads: &[Part::Refs, Part::Releases],
    looks: &[Look::Repository(look)],
};

/// So many tags without a release are looked at.
const TAGS: usize = 20;

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let (releases, tags) = (scene.repository.releases.read(), scene.repository.tags.read());
    let is_kept = |release: &&Release| !release.draft && (!release.prerelease || release.tag.contains(|c: char| c.is_ascii_digit()));
    let released: Vec<&str> =
        releases.iter().flat_map(|releases| releases.iter()).filter(is_kept).map(|release| release.tag.as_str()).collect();
    let mut kept = released.clone();
    if kept.is_empty() {
        kept.extend(tags.iter().flat_map(|tags| tags.iter()).map(String::as_str).filter(|tag| is_release(tag)));
        kept.sort_unstable_by(|a, b| b.cmp(a));
        kept.truncate(TAGS);
    }
    let mut unsure = None;
    let mut open = Vec::new();
    for tag in &kept {
        match can(scene, tag) {
            Ok(can) if can.is_empty() => {}
            Ok(can) => open.push((*tag, can)),
            Err(hidden) => unsure = unsure.or(Some(hidden)),
        }
    }
    if let Some((tag, can)) = open.first() {
        let more = match open.len() - 1 {
            0 => String::new(),
            1 => ", and so can 1 other".to_owned(),
            more => format!(", and so can {more} others"),
        };
        report(scene, findings, can, |can| format!("the tag `{tag}` can be {can} by whoever can push{more}"));
        return Ok(());
    }
    unsure.map_or(Ok(()), Err)?;
    if released.is_empty() {
        // That a tag is protected says nothing about that of a release that can't be seen.
        releases.map_err(Clone::clone)?;
        tags.map_err(Clone::clone)?;
    }
    if let Some(next) = kept.first().and_then(|tag| next(tag)) {
        let can = can(scene, &next)?;
        if !can.is_empty() {
            report(scene, findings, &can, |can| {
                format!("the next tag, such as `{next}`, can be {can} by whoever can push: only tags that exist are protected")
            });
        }
    }
    Ok(())
}

/// The rules that are missing, with what can be done without them.
type Missing = Vec<(&'static str, &'static str)>;

fn can(scene: &RepositoryScene<'_>, tag: &str) -> Result<Missing, Hidden> {
    let effective = scene.effective(&format!("refs/tags/{tag}"));
    let mut missing = Vec::new();
    for (rule, can) in [("update", "moved"), ("deletion", "deleted")] {
        if effective.find_rule(rule).map_err(Clone::clone)?.is_none() {
            missing.push((rule, can));
        }
    }
    Ok(missing)
}

fn report(scene: &RepositoryScene<'_>, findings: &mut Findings, missing: &Missing, message: impl Fn(&str) -> String) {
    let can: Vec<&str> = missing.iter().map(|(_, can)| *can).collect();
    // The newest tag changes with every release; the fault stays the same.
    let finding = findings.add(scene.place(), "", message(&can.join(" and ")));
    if let [(rule, _)] = missing.as_slice() {
        finding.fix(format!("add the rule `{rule}` to the tag ruleset"));
    }
}

/// Whether it is a release's name: one with a number, a dot and a number in it; `v1` or `7`; `release-2…`, `rel-v2…`; `release/…`.
/// `backup-2020` and `build-1234` count something else.
fn is_release(tag: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit();
    let bytes = tag.as_bytes();
    if bytes.windows(3).any(|three| matches!(three, [a, b'.', c] if a.is_ascii_digit() && c.is_ascii_digit())) {
        return true;
    }
    let name = tag.to_ascii_lowercase();
    let after = |prefixes: &[&str]| prefixes.iter().find_map(|prefix| name.strip_prefix(prefix));
    let number = without_v(&name);
    let is_number = !number.is_empty() && number.chars().all(is_digit);
    let is_dashed = after(&["release-", "releases-", "rel-"]).is_some_and(|rest| without_v(rest).starts_with(is_digit));
    is_number || is_dashed || after(&["release/", "releases/"]).is_some_and(|rest| !rest.is_empty())
}

fn without_v(text: &str) -> &str {
    text.strip_prefix('v').unwrap_or(text)
}

/// The same with the last number one larger.
fn next(tag: &str) -> Option<String> {
    let end = tag.rfind(|c: char| c.is_ascii_digit())? + 1;
    let head = tag.get(..end)?;
    let before = head.trim_end_matches(|c: char| c.is_ascii_digit());
    let number: u64 = head.strip_prefix(before)?.parse().ok()?;
    Some(format!("{before}{}{}", number.checked_add(1)?, tag.get(end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for name in ["v1.0.0", "1.0", "api-2026.01", "v1", "V2", "7", "release-2", "rel-v2-rc", "Release-2026-01", "release/spring"] {
            assert!(is_release(name), "{name}");
        }
        for name in ["nightly", "a.b", "1.", "é.1", "", "v", "vx", "v1x", "backup-2020", "build-1234", "2020-01", "release-notes", "release/"] {
            assert!(!is_release(name), "{name}");
        }
        assert_eq!(next("v1.0.9").as_deref(), Some("v1.0.10"));
        assert_eq!(next("1é2-rc").as_deref(), Some("1é3-rc"));
        assert_eq!(next("7").as_deref(), Some("8"));
        assert_eq!(next("nightly"), None);
        assert_eq!(next("v99999999999999999999"), None);
    }
}
