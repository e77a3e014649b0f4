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
        let older = protections.iter().take_while(|older| older.pattern != live.pattern).find(|older| is_for_all_of(older, live));
        match (older, alone(place, live)) {
            (Some(older), _) => leave(live, format!("the older `{}` is for all its branches, and binds", older.pattern).into()),
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
        let mut bad: Vec<(String, String)> = Vec::new();
        let mut notes: Vec<(usize, String)> = Vec::new();
        match place.desired(&named) {
            Err(why) => bad.extend(usable.last().map(|live| (live.pattern.clone(), why))),
            Ok(desired) => {
                bad.extend(place.otherwise(&desired));
                for blocked in desired.blocked.iter().chain(&desired.not_bound) {
                    let index = named.iter().position(|(name, _)| *name == blocked.ruleset);
                    match (index, index.and_then(|index| patterns.get(index))) {
                        // Which of two protections binds a branch no setting says; it is so today, and stays so.
                        (Some(index), _) if blocked.rule == "refs" => notes.push((index, blocked.why.clone())),
                        (_, Some(live)) => bad.push((live.pattern.clone(), format!("`{}`: {}", blocked.rule, blocked.why))),
                        _ => {}
                    }
                }
            }
        }
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

const KIND: Kind<'static> = Kind { namespace: NAMESPACE, default_branch: None };

fn is_wild(live: &Protection) -> bool {
    live.pattern.contains(['*', '?', '['])
}

fn full(live: &Protection) -> String {
    scope::spelled(&format!("{NAMESPACE}{}", live.pattern)).unwrap_or_default()
}

/// Whether one pattern matches whatever another one does. A branch of its own name binds in any case.
fn is_for_all_of(older: &Protection, live: &Protection) -> bool {
    let names = Names { include: vec![full(older)], ..Names::default() };
    is_wild(older) && is_wild(live) && sample::covers(&names, &full(live), KIND)
}

/// What a protection is for and another one binds, as a policy writes it: branches with one of their own, and where an older
/// pattern matches, too.
fn others(live: &Protection, all: &[&Protection]) -> Vec<String> {
    let place = |of: &Protection| all.iter().position(|other| other.pattern == of.pattern);
    let binds_instead = |other: &&&Protection| {
        is_wild(live)
            && (!is_wild(other) || place(other) < place(live))
            && other.pattern != live.pattern
            && sample::overlap(&full(live), &full(other), KIND)
    };
    all.iter().filter(binds_instead).filter_map(|other| reference(&full(other), NAMESPACE).ok()).collect()
}
