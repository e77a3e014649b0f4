//! `changed-since-baseline`: a ruleset was changed after the earlier result was made.
//!
//! Rulesets that are not in force count, too: that is how they came to be so. A ruleset that was deleted is no more there to be
//! looked at. Classic rules have no versions.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::audit::{Check, Findings, Look, Looked, OwnerScene, Place, RulesetScene, Severity};
use crate::github::effective::Source;
use crate::github::part::Part;
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::RulesetVersion;
use crate::github::ruleset::{Level, Ruleset};
use crate::github::word::Word;

pub(super) static CHECK: Check = Check {
    id: "changed-since-baseline",
    severity: Severity::High,
    summary: "a ruleset was changed after the earlier result",
    why: "A ruleset that is weakened for an hour and restored looks as before, and what was pushed in that hour stays.",
    fix: "compare the versions on the ruleset's history page, and look at what was pushed meanwhile",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/managing-rulesets-for-a-repository#using-ruleset-history",
    reads: &[Part::OwnerRulesets, Part::RulesetVersions],
    looks: &[Look::Owner(ask), Look::Ruleset(look)],
};

/// Without an earlier result, or with one that can't be used, nothing can be told; once is enough to say so.
fn ask(scene: &OwnerScene<'_>, _: &mut Findings) -> Looked {
    match scene.context.baseline {
        None => Err(Hidden::new(Cause::NotAsked, "give --baseline FILE, an earlier JSON result")),
        Some(baseline) => time(&baseline.at).map(|_| ()),
    }
}

fn look(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    let Some(Ok(since)) = scene.context.baseline.map(|baseline| time(&baseline.at)) else {
        return Ok(());
    };
    let ruleset = scene.ruleset;
    let versions = versions(scene);
    let mut newer = Vec::new();
    let mut unsure = None;
    for version in versions.clone().unwrap_or_default() {
        match time(&version.updated_at) {
            Ok(at) if at > since => newer.push((at, version)),
            Ok(_) => {}
            Err(hidden) => unsure = Some(hidden),
        }
    }
    newer.sort_by_key(|(at, version)| (*at, version.version_id));
    let place = Place::ruleset(ruleset);
    if let Some((last, version)) = newer.last() {
        let actors: BTreeSet<&str> = newer.iter().filter_map(|(_, version)| version.actor.as_deref()).collect();
        let by = if actors.is_empty() {
            "someone whom GitHub does not name".to_owned()
        } else {
            // A few names say enough; the page has them all.
            actors.iter().take(5).map(|actor| format!("`{actor}`")).collect::<Vec<_>>().join(", ")
        };
        let times = match newer.len() {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        let message = format!("{} was changed {times} since `{since}`, at last at `{last}`, by {by}", Source::of(ruleset));
        // A later change is another finding.
        findings.add(place, &version.version_id.to_string(), message);
        return unsure.map_or(Ok(()), Err);
    }
    // The ruleset's own time says whether, if not who.
    let Some(updated_at) = &ruleset.updated_at else {
        versions?;
        let why = format!("when {} was last changed is not in the answer", Source::of(ruleset));
        return Err(unsure.unwrap_or_else(|| Hidden::new(Cause::Unknown, why)));
    };
    let last = time(updated_at)?;
    if last > since {
        let message = format!("{} was changed after `{since}`, at last at `{last}`; by whom is not known", Source::of(ruleset));
        findings.add(place, updated_at, message);
    }
    unsure.map_or(Ok(()), Err)
}

/// Its versions, from whoever it belongs to.
fn versions<'a>(scene: &RulesetScene<'a>) -> Result<&'a [RulesetVersion], Hidden> {
    let of = |all: &'a Readable<BTreeMap<u64, Vec<RulesetVersion>>>, ruleset: &Ruleset| {
        let all = all.read().map_err(Clone::clone)?;
        Ok(all.get(&ruleset.id).map(Vec::as_slice).unwrap_or_default())
    };
    match (&scene.ruleset.source_type, scene.repository) {
        (Word::Known(Level::Repository), Some(repository)) => of(&repository.ruleset_versions, scene.ruleset),
        _ => of(&scene.context.owner.ruleset_versions, scene.ruleset),
    }
}

fn time(text: &str) -> Result<Timestamp, Hidden> {
    text.parse().map_err(|_| Hidden::new(Cause::Unknown, format!("`{text}` is no time that this program can read")))
}
