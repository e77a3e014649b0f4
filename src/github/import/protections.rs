//! The branch protections of a repository: which of them a policy can say, and what each leaves to the others.

use super::checked::Place;
use super::classic::{self, Asked};
use super::entry::{Entry, reference};
use super::left::{Left, Unsaid};
use crate::github::protection::Protection;
use crate::github::ruleset::Names;
use crate::github::sample::{self, Kind};
use crate::github::scope;

const NAMESPACE: &str = "refs/heads/";

/// The rulesets of all protections that can be said, and what can't.
pub(super) fn entries(place: &Place<'_>, protections: &[Protection], target: &str, left: &mut Vec<Left>) -> Vec<Entry> {
    let mut leave = |live: &Protection, why: Unsaid| {
        left.push(why.left(target, format!("branch protection `{}`", live.pattern)));
    };
    let mut usable: Vec<&Protection> = Vec::new();
    for live in protections {
        let older = usable.iter().find(|older| scope::same(&older.pattern, &live.pattern)).map(|older| older.pattern.clone());
        match (older, alone(place, live)) {
            (Some(older), _) => leave(live, format!("the older `{older}` is for the same branches, and binds").into()),
            (None, Err(why)) => leave(live, why),
            (None, Ok(())) => usable.push(live),
        }
    }
    // Each depends on which others there are.
    loop {
        let written: Vec<(&Protection, Vec<Entry>, Asked)> = usable
            .iter()
            .filter_map(|live| {
                let others: Vec<String> = others(live, &usable);
                let reference = reference(&format!("{NAMESPACE}{}", live.pattern), NAMESPACE).ok()?;
                let (entries, asked) = classic::entries(live, &reference, &others).ok()?;
                Some((*live, entries, asked))
            })
            .collect();
        let mut named: Vec<(String, &Entry)> = Vec::new();
        let mut patterns: Vec<&Protection> = Vec::new();
        for (live, entries, _) in &written {
            for entry in entries {
                named.push((format!("r{}", named.len()), entry));
                patterns.push(live);
            }
        }
        let (bad, notes): (Vec<(String, String)>, Vec<(usize, String)>) = match place.desired(&named) {
            Err(why) => (usable.last().map(|live| (live.pattern.clone(), why)).into_iter().collect(), Vec::new()),
            Ok(desired) => {
                let mut bad = place.otherwise(&desired);
                let mut notes = Vec::new();
                for blocked in desired.blocked.iter().chain(&desired.not_bound) {
                    let index = named.iter().position(|(name, _)| *name == blocked.ruleset);
                    match (index, index.and_then(|index| patterns.get(index))) {
                        // Which of two protections binds a branch no setting says; it is so today, and stays so.
                        (Some(index), _) if blocked.rule == "refs" => notes.push((index, blocked.why.clone())),
                        (_, Some(live)) => bad.push((live.pattern.clone(), format!("`{}`: {}", blocked.rule, blocked.why))),
                        _ => {}
                    }
                }
                (bad, notes)
            }
        };
        let wrong = usable.iter().find_map(|live| {
            let (_, why) = bad.iter().find(|(pattern, _)| scope::same(pattern, &live.pattern))?;
            Some((live.pattern.clone(), why.clone()))
        });
        if let Some((pattern, why)) = wrong {
            for live in usable.iter().filter(|live| live.pattern == pattern) {
                leave(live, why.clone().into());
            }
            usable.retain(|live| live.pattern != pattern);
            continue;
        }
        for (live, _, asked) in &written {
            for (field, why) in &asked.unsaid {
                leave(live, Unsaid { why: format!("`{field}` stays as it is: {}", why.why), ..why.clone() });
            }
        }
        let mut entries: Vec<Entry> = written.into_iter().flat_map(|(_, entries, _)| entries).collect();
        for (index, note) in notes {
            if let Some(entry) = entries.get_mut(index)
                && !entry.notes.contains(&note)
            {
                entry.notes.push(note);
            }
        }
        return entries;
    }
}

/// That a protection can be said at all.
fn alone(place: &Place<'_>, live: &Protection) -> Result<(), Unsaid> {
    let reference = reference(&format!("{NAMESPACE}{}", live.pattern), NAMESPACE)?;
    let (entries, _) = classic::entries(live, &reference, &[])?;
    let named: Vec<(String, &Entry)> = entries.iter().map(|entry| (entry.name.clone(), entry)).collect();
    place.desired(&named)?;
    Ok(())
}

/// The patterns that a protection is for and that have a protection of their own, as a policy writes them.
fn others(live: &Protection, all: &[&Protection]) -> Vec<String> {
    let kind = Kind { namespace: NAMESPACE, default_branch: None };
    let full = |pattern: &str| scope::spelled(&format!("{NAMESPACE}{pattern}")).unwrap_or_default();
    let own = Names { include: vec![full(&live.pattern)], ..Names::default() };
    let covered = all.iter().filter(|other| other.pattern != live.pattern);
    covered
        .filter(|other| sample::covers(&own, &full(&other.pattern), kind))
        .filter_map(|other| reference(&full(&other.pattern), NAMESPACE).ok())
        .collect()
}
