//! From updates to a verdict: what the hook and `explain` share.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::collect::{Collector, binds, bytes_of_facts};
use super::head::{self, Notice};
use super::host_mark::HostMark;
use super::objects::{Objects, Work};
use super::refs::Refs;
use super::repository_name::RepositoryNames;
use crate::git::{Change, Oid, RefName, RefUpdate};
use crate::policy::{Bypass, Policy, actors, guard};
use crate::push::{Cause, Undecided};
use crate::verdict::{
    AsksAboutDefault, Context, Decision, Evaluations, PushedUpdate, Verdict, evaluate_ruleset, select, server_evaluations,
    suggest_default,
};

/// A push, as the server sees it.
pub struct Push<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The refs before the push.
    pub refs: &'a Refs,
    /// The objects, the quarantine included.
    pub objects: &'a Objects,
    /// The repository's names.
    pub repository: RepositoryNames,
    /// The pusher's name.
    pub actor: String,
    /// Now.
    pub now: Timestamp,
    /// What is pushed.
    pub updates: Vec<RefUpdate>,
    /// For each update, what the host says about it.
    pub marks: Vec<HostMark>,
    /// Whether the administrator has opened an import for the pusher.
    pub import_open: bool,
}

/// A push that was judged.
#[derive(Debug)]
pub struct Judged<'p> {
    /// The verdict.
    pub verdict: Verdict,
    /// The updates with the names they move.
    pub updates: Vec<PushedUpdate>,
    /// Whether the push fills an empty repository, or is part of an import that was opened, and was let through unjudged.
    pub import: bool,
    /// Whether the policy lets the pusher import.
    pub may_import: bool,
    /// Bypass entries that name the pusher and no longer count.
    pub expired: Vec<&'p Bypass>,
    /// What the active rulesets for the repository make of its default branch.
    pub asks: AsksAboutDefault,
    /// What the administrator should know about `HEAD`.
    pub notices: Vec<Notice>,
    /// What it cost.
    pub work: Work,
}

/// Bytes that a pushed ref takes, apart from what its rulesets collect: the update with its names and value, and a copy of it for
/// the log.
const FOR_EACH_REF: usize = 400;

/// Judges a push.
///
/// # Errors
/// Something that every push needs cannot be found out.
pub fn judge<'p>(push: Push<'p>) -> Result<Judged<'p>, Undecided> {
    judge_telling(push, |_| {})
}

/// As [`judge`]. When every ruleset that can refuse has been judged to the end, and others have not, `settled` is told what the
/// push comes to if those are never judged to theirs: the decision is then the same, and they are marked as failed.
///
/// # Errors
/// Something that every push needs cannot be found out.
pub(super) fn judge_telling<'p>(push: Push<'p>, settled: impl FnOnce(Judged<'p>)) -> Result<Judged<'p>, Undecided> {
    let default_branch = push.refs.default_branch()?;
    push.objects.keep(push.updates.len() * FOR_EACH_REF)?;
    let (updates, held) = moved_names(push.refs, push.updates, &push.marks)?;
    let RepositoryNames { name: repository, others: served_as } = push.repository;
    let context = Context { repository, served_as, actor: push.actor, now: push.now, default_branch };
    let mut of_server = server_evaluations(push.policy, &context, &updates)?;
    // What the host writes for itself needs no place in `allowed_refs`. What such a ref points at does.
    let own = hosts_own(&updates, &push.marks);
    of_server.retain(|evaluation| {
        evaluation.rule != "allowed_refs" || evaluation.matched.is_some() || !own.contains(&evaluation.ref_name)
    });
    let may_import = actors::names_exactly(&push.policy.server.import, &context.actor);
    let import = may_import && (push.import_open || !push.refs.any("refs/")?);
    if of_server.iter().any(|evaluation| evaluation.rule == "default_branch")
        && let Some(branch) = head::likely_default(push.refs)
    {
        suggest_default(&mut of_server, &branch);
    }
    let here = context.rulesets(push.policy)?;
    let asks = AsksAboutDefault::new(&here, &context.default_branch);
    let mut notices = Vec::new();
    let mut expired = Vec::new();
    let mut selected = select(push.policy, &context, &updates)?;
    if import {
        // Who may fill a repository is not judged, except for what may be pushed at all, and for the policy itself.
        of_server.retain(|evaluation| evaluation.rule == "allowed_refs");
        selected.retain(|selected| guard::is_guard(selected.ruleset));
    }
    let mut evaluations = Evaluations::default();
    of_server.into_iter().for_each(|evaluation| evaluations.add(0, evaluation));
    if !import || !selected.is_empty() {
        // Refs are counted before anything is collected about them: a push of too many is refused with one cause.
        let most = selected.iter().map(bytes_of_facts).max().unwrap_or_default();
        push.objects.keep(most)?;
        push.objects.give_back(most);
        expired = selected.iter().flat_map(|selected| selected.expired.iter().copied()).collect();
        notices = head::entered(&selected, &here, &context.default_branch);
        let collector = Collector { objects: push.objects, refs: push.refs, context: &context, updates: &updates, held: &held };
        // The facts of a ruleset are dropped when they are judged: those of all of them together would take too much memory.
        collector.each(&selected, true, |index, facts| {
            let Some(selected) = selected.get(index) else { return };
            evaluate_ruleset(selected, &facts, |evaluation| evaluations.add(index + 1, evaluation));
        });
        if selected.iter().any(|one| !binds(one)) {
            let why = Undecided::new("the time ran out before this ruleset, which cannot refuse the push, was judged to the end")
                .cause(Cause::Budget);
            let mut unfinished = evaluations.clone();
            for (index, one) in selected.iter().enumerate().filter(|(_, one)| !binds(one)) {
                let facts = collector.not_collected(one, &why);
                evaluate_ruleset(one, &facts, |evaluation| unfinished.add(index + 1, evaluation));
            }
            let verdict = unfinished.verdict();
            let mut notices = notices.clone();
            if verdict.decision == Decision::Accepted {
                notices.splice(0..0, head::left_by(&updates, &context.default_branch, asks));
            }
            let (updates, expired, work) = (updates.clone(), expired.clone(), push.objects.work());
            settled(Judged { verdict, updates, import, may_import, expired, asks, notices, work });
            collector.each(&selected, false, |index, facts| {
                let Some(selected) = selected.get(index) else { return };
                evaluate_ruleset(selected, &facts, |evaluation| evaluations.add(index + 1, evaluation));
            });
        }
    }
    let verdict = evaluations.verdict();
    if verdict.decision == Decision::Accepted {
        notices.splice(0..0, head::left_by(&updates, &context.default_branch, asks));
    }
    Ok(Judged { verdict, updates, import, may_import, expired, asks, notices, work: push.objects.work() })
}

/// The refs that nobody but the host changes in this push.
fn hosts_own<'u>(updates: &'u [PushedUpdate], marks: &[HostMark]) -> HashSet<&'u RefName> {
    let named = |own: bool| {
        let marked = updates.iter().enumerate();
        marked
            .filter(move |(index, _)| marks.get(*index).is_some_and(|mark| mark.own_ref) == own)
            .map(|(_, pushed)| &pushed.update.name)
    };
    let mut names: HashSet<&RefName> = named(true).collect();
    if !names.is_empty() {
        for name in named(false) {
            names.remove(name);
        }
    }
    names
}

/// Finds every name that each update moves, and the values that the server holds.
fn moved_names(
    refs: &Refs,
    updates: Vec<RefUpdate>,
    marks: &[HostMark],
) -> Result<(Vec<PushedUpdate>, Vec<Option<Oid>>), Undecided> {
    let mut symbolic: HashMap<RefName, Vec<RefName>> = HashMap::new();
    for name in refs.symbolic_refs()? {
        // A symbolic ref that git does not follow is not an alias; pushing to it is refused below.
        if let Some(end) = refs.end_of(&name)? {
            symbolic.entry(end).or_default().push(name);
        }
    }
    let mut pushed = Vec::with_capacity(updates.len());
    let mut held = Vec::with_capacity(updates.len());
    for (index, update) in updates.into_iter().enumerate() {
        let (reached, value) = refs.resolve(&update.name)?;
        let end = reached.last().cloned().unwrap_or_else(|| update.name.clone());
        // What the host has merged into is the ref that it names, not the one that a symbolic ref leads to.
        let merges = reached.len() == 1 && marks.get(index).is_some_and(|mark| mark.merges_pull_request);
        let aliases = symbolic.get(&end).into_iter().flatten().filter(|name| !reached.contains(name)).cloned().collect();
        pushed.push(PushedUpdate { update, reached, aliases, rewrite: false, merges_pull_request: merges });
        held.push(value);
    }
    mark_rewrites(&mut pushed);
    for (pushed, held) in pushed.iter().zip(&held) {
        refuse_stale(pushed, *held)?;
    }
    Ok((pushed, held))
}

/// Marks updates that share the ref where they end with a different one: together they rewrite it.
fn mark_rewrites(pushed: &mut [PushedUpdate]) {
    // The first change of each ref, and whether another one differs from it: then each differs from some other.
    let mut changes: HashMap<RefName, (Change, bool)> = HashMap::new();
    for one in pushed.iter() {
        if let Some(end) = one.reached.last() {
            let (first, differ) = changes.entry(end.clone()).or_insert((one.update.change, false));
            *differ |= *first != one.update.change;
        }
    }
    for one in pushed.iter_mut() {
        one.rewrite = one.reached.last().and_then(|end| changes.get(end)).is_some_and(|(_, differ)| *differ);
    }
}

/// All values are those that the server holds before the push. git itself compares them again when it moves the refs, except
/// for deletions, which are judged by their names alone.
fn refuse_stale(pushed: &PushedUpdate, held: Option<Oid>) -> Result<(), Undecided> {
    let claimed = match pushed.update.change {
        Change::Delete { .. } => return Ok(()),
        Change::Create { .. } if pushed.rewrite => return Ok(()),
        Change::Create { .. } => None,
        Change::Update { old, .. } => Some(old),
    };
    if claimed == held {
        return Ok(());
    }
    let value = |id: Option<Oid>| id.map_or("nothing".to_owned(), |id| id.to_string());
    Err(Undecided::new(format!(
        "`{}` holds {}, and the push takes it to hold {}",
        String::from_utf8_lossy(pushed.update.name.as_bytes()),
        value(held),
        value(claimed)
    ))
    .cause(Cause::Race))
}
