//! From classic protection to rulesets: a classic protection goes only when every branch that it binds is bound by rulesets
//! that ask for no less and that nobody else passes.
//!
//! The rulesets are those that there will be once the changes before it were made. That is why classic protection is deleted
//! last, and why nothing of it goes where one of those changes can't be told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Change, Found, Kind, Reliance, Thing, protections, state};
use crate::github::desired::Desired;
use crate::github::effective::{Binding, Effective, Source};
use crate::github::layers::{answered, asks, is_classic};
use crate::github::owner::Owner;
use crate::github::protection::Protection;
use crate::github::readable::{Cause, Readable};
use crate::github::repository::Repository;
use crate::github::rule::{MergeQueue, Rule, RuleKind};
use crate::github::ruleset::{Level, Ruleset, Target};
use crate::github::sample::{self, Kind as Names};
use crate::github::word::Word;
use crate::policy::github::Mechanism;

/// One thing that a classic protection asks for, beside the rulesets that there will be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equivalent {
    /// The protection.
    pub protection: Thing,
    /// What it asks for, by the rule of rulesets that is nearest to it.
    pub rule: String,
    /// Whether rulesets ask for no less.
    pub verdict: Verdict,
    /// The rulesets that do, or why it can't be told.
    pub by: Vec<String>,
}

/// How rulesets compare with one thing that a classic protection asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// They ask for no less, and nobody else passes.
    NoWeaker,
    /// They ask for less, or others pass.
    Weaker,
    /// It can't be told.
    CannotTell,
}

impl Verdict {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::NoWeaker => "no weaker",
            Verdict::Weaker => "weaker",
            Verdict::CannotTell => "cannot tell",
        }
    }
}

/// Compares every classic protection of the repository, and adds the deletion of those that are superfluous.
pub(super) fn plan(found: &mut Found, desired: &Desired, owner: &Owner, repository: &Repository) {
    if desired.mechanism != Mechanism::Rulesets {
        return;
    }
    let Readable::Known(protections) = &repository.protections else { return };
    let mut later = repository.clone();
    later.rulesets = rulesets_after(found, repository);
    for live in protections {
        let thing = Thing { target: desired.target.clone(), kind: Kind::BranchProtection, name: live.pattern.clone() };
        let mut compared = Vec::new();
        let mut without_merge_queue = live.names_a_branch();
        for branch in branches(live, repository) {
            later.protections = Readable::Known(vec![live.clone()]);
            let ref_name = format!("{BRANCHES}{branch}");
            let effective = Effective::of(&later, owner, &ref_name);
            let mut rows = compare(&thing, &effective, live, &later);
            if let Some((verdict, by)) = merge_queue(&effective, live, &later, || Effective::of(repository, owner, &ref_name)) {
                rows.push(Equivalent { protection: thing.clone(), rule: MERGE_QUEUE.to_owned(), verdict, by });
            }
            // One that a ruleset brings is no sign of one that the protection asks for.
            without_merge_queue &= effective.of_rule(MERGE_QUEUE).next().is_none();
            compared.push(rows);
        }
        let rows = worst(compared);
        let goes = !rows.is_empty() && rows.iter().all(|row| row.verdict == Verdict::NoWeaker);
        let relies_on = if goes { reliances(&rows, &later) } else { Vec::new() };
        found.equivalents.extend(rows);
        if goes {
            // It is among what the policy does not know until now.
            found.unmanaged.retain(|one| *one != thing);
            found.changes.retain(|change| change.thing != thing);
            protections::delete(found, thing.clone(), live, desired.at.line, owner, repository);
            if let Some(change) = found.changes.last_mut().filter(|change| change.thing == thing) {
                change.fields.iter_mut().for_each(|field| field.weakens = false);
                change.relies_on = relies_on;
                change.without_merge_queue = without_merge_queue;
            }
        }
    }
}

/// The rulesets that ask for what a protection asks for, each as it must be when the protection goes.
fn reliances(rows: &[Equivalent], later: &Repository) -> Vec<Reliance> {
    let mut found: Vec<Reliance> = Vec::new();
    for ruleset in later.rulesets.known().into_iter().flatten() {
        let source = Source::of(ruleset).to_string();
        let (true, Ok(state)) = (rows.iter().any(|row| row.by.contains(&source)), state::of_ruleset(ruleset)) else { continue };
        // An enterprise shows its rulesets in the repository.
        let target = match ruleset.source_type {
            Word::Known(Level::Organization) => ruleset.source.clone(),
            _ => later.full_name(),
        };
        found.push(Reliance {
            ruleset: Thing { target, kind: Kind::Ruleset, name: ruleset.name.clone() },
            // One that is created has none yet.
            id: Some(ruleset.id).filter(|id| *id != 0),
            fingerprint: state::fingerprint(Kind::Ruleset, Some(&state)),
        });
    }
    found.sort();
    found
}

/// The rulesets once the changes were made; of a ruleset of which it can't be told how it will be, nothing is known.
fn rulesets_after(found: &Found, repository: &Repository) -> Readable<Vec<Arc<Ruleset>>> {
    let mut rulesets = match repository.rulesets.read() {
        Ok(rulesets) => rulesets.clone(),
        Err(hidden) => return Readable::Hidden(hidden.clone()),
    };
    for change in found.changes.iter().filter(|change| change.thing.kind == Kind::Ruleset) {
        let number = change.id.as_ref().and_then(|id| id.parse::<u64>().ok());
        rulesets.retain(|ruleset| Some(ruleset.id) != number);
        match written(change, repository) {
            Some(Ok(ruleset)) => rulesets.push(Arc::new(ruleset)),
            Some(Err(error)) => return Readable::hidden(Cause::Unknown, format!("{}: {error}", change.thing)),
            None => {}
        }
    }
    Readable::Known(rulesets)
}

/// A ruleset as it will be; `None` when it goes.
fn written(change: &Change, repository: &Repository) -> Option<Result<Ruleset, serde_json::Error>> {
    let mut state = change.after.clone()?;
    if let Some(state) = state.as_object_mut() {
        let number = change.id.as_ref().and_then(|id| id.parse::<u64>().ok()).unwrap_or_default();
        state.insert("id".to_owned(), json!(number));
        state.insert("source_type".to_owned(), json!(Level::Repository));
        state.insert("source".to_owned(), json!(repository.full_name()));
        state.entry("conditions").or_insert(serde_json::Value::Null);
    }
    Some(serde_json::from_value(state))
}

/// Branches that stand for all that a protection may bind: for a name that one; for a pattern those that there are, and some
/// that could be.
fn branches(live: &Protection, repository: &Repository) -> Vec<String> {
    if live.names_a_branch() {
        return vec![live.pattern.clone()];
    }
    let matches = |branch: &&String| crate::github::scope::protects(&live.pattern, branch) != Ok(false);
    let mut branches: Vec<String> = repository.branches.known().into_iter().flatten().filter(matches).cloned().collect();
    let made = sample::names(&format!("{BRANCHES}{}", live.pattern), Names { namespace: BRANCHES, default_branch: None });
    branches.extend(made.into_iter().filter_map(|name| name.strip_prefix(BRANCHES).map(str::to_owned)));
    branches.dedup();
    branches
}

/// What one branch's classic rule asks for, and who asks for it, too.
fn compare(thing: &Thing, effective: &Effective, live: &Protection, later: &Repository) -> Vec<Equivalent> {
    let mut rows = Vec::new();
    let row = |rule: &str, verdict, by| Equivalent { protection: thing.clone(), rule: rule.to_owned(), verdict, by };
    for classic in effective.bindings.iter().filter(|binding| is_classic(&binding.source)) {
        let (verdict, by) = judge(effective, classic, live, later);
        rows.push(row(&classic.rule.name, verdict, by));
    }
    for unsure in effective.unsure.iter().filter(|unsure| unsure.source.as_ref().is_some_and(is_classic)) {
        rows.push(row("anything", Verdict::CannotTell, vec![unsure.why.to_string()]));
    }
    if let Some(hidden) = live.unsure_check() {
        rows.push(row("required_status_checks", Verdict::CannotTell, vec![hidden.to_string()]));
    }
    rows
}

fn judge(effective: &Effective, classic: &Binding, live: &Protection, later: &Repository) -> (Verdict, Vec<String>) {
    let mut by: Vec<String> = Vec::new();
    for ask in asks(&classic.rule.kind) {
        match answered(effective, classic, &ask) {
            Ok(Some(source)) if is_for_all(source, live, later) => by.push(source.to_string()),
            Ok(Some(source)) => {
                let why = format!("{source} asks for it, and may not be for all branches that `{}` matches", live.pattern);
                return (Verdict::CannotTell, vec![why]);
            }
            Ok(None) => return (Verdict::Weaker, Vec::new()),
            Err(hidden) => return (Verdict::CannotTell, vec![hidden.to_string()]),
        }
    }
    by.sort();
    by.dedup();
    (Verdict::NoWeaker, by)
}

/// The merge queue that a protection may ask for. What GitHub shows of the protection does not say so; that its branch has a queue
/// does, unless a ruleset of today (`now`) brings that queue.
fn merge_queue(
    effective: &Effective,
    live: &Protection,
    later: &Repository,
    now: impl FnOnce() -> Effective,
) -> Option<(Verdict, Vec<String>)> {
    match later.merge_queue(live) {
        Readable::Known(false) => return None,
        Readable::Known(true) => {}
        Readable::Hidden(hidden) => {
            let why = format!("whether the branch `{}` has a merge queue: {hidden}", live.pattern);
            return Some((Verdict::CannotTell, vec![why]));
        }
    }
    // Nobody passes it.
    let kind = RuleKind::MergeQueue(MergeQueue::default());
    let rule = Rule { name: MERGE_QUEUE.to_owned(), kind, parameters: None };
    let classic = Binding { source: Source::classic(live), rule, doors: Readable::Known(Vec::new()) };
    match judge(effective, &classic, live, later) {
        (Verdict::Weaker, _) if now().of_rule(MERGE_QUEUE).next().is_some() => {
            let why =
                "a ruleset that others pass brings a merge queue, and whether the protection asks for one, too, does not show";
            Some((Verdict::CannotTell, vec![why.to_owned()]))
        }
        told => Some(told),
    }
}

/// Whether it is certain that a ruleset is for every branch that a protection may bind. A name that was tried proves it for
/// itself; a pattern has more names than can be tried.
fn is_for_all(source: &Source, live: &Protection, later: &Repository) -> bool {
    if live.names_a_branch() {
        return true;
    }
    let Source::Ruleset { id, name, .. } = source else { return false };
    let full = format!("{BRANCHES}{}", live.pattern);
    let kind = Names { namespace: BRANCHES, default_branch: None };
    let rulesets = later.rulesets.known().into_iter().flatten();
    // Those that are not there yet have no number, and one for tags may have the same name.
    let is_it = |ruleset: &&Arc<Ruleset>| ruleset.id == *id && ruleset.name == *name && ruleset.target.is(&Target::Branch);
    let mut conditions = rulesets.filter(is_it).filter_map(|ruleset| ruleset.conditions.known());
    conditions.any(|conditions| {
        conditions.ref_name.as_ref().is_some_and(|names| {
            let everything = ["~ALL", "refs/heads/**/*", full.as_str()];
            let leaves_out = |pattern: &String| pattern.starts_with('~') || sample::overlap(pattern, &full, kind);
            names.include.iter().any(|pattern| everything.contains(&pattern.as_str())) && !names.exclude.iter().any(leaves_out)
        })
    })
}

/// The rule of rulesets that a merge queue is.
const MERGE_QUEUE: &str = "merge_queue";

/// What every branch's full name begins with.
const BRANCHES: &str = "refs/heads/";

/// Of the same rule on several branches the worst verdict.
fn worst(compared: Vec<Vec<Equivalent>>) -> Vec<Equivalent> {
    let rank = |verdict| match verdict {
        Verdict::NoWeaker => 0,
        Verdict::CannotTell => 1,
        Verdict::Weaker => 2,
    };
    let mut rows: Vec<Equivalent> = Vec::new();
    for row in compared.into_iter().flatten() {
        match rows.iter_mut().find(|known| known.rule == row.rule) {
            Some(known) if rank(row.verdict) > rank(known.verdict) => *known = row,
            // All of them are what it depends on.
            Some(known) if rank(row.verdict) == rank(known.verdict) => {
                known.by.extend(row.by);
                known.by.sort();
                known.by.dedup();
            }
            Some(_) => {}
            None => rows.push(row),
        }
    }
    rows
}
