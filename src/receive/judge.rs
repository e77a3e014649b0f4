//! From updates to a verdict: what the hook and `explain` share.

use jiff::Timestamp;

use super::collect::Collector;
use super::head::{self, Notice};
use super::host_mark::HostMark;
use super::objects::{Objects, Work};
use super::refs::Refs;
use super::repository_name::RepositoryNames;
use crate::git::{Change, Oid, RefName, RefUpdate};
use crate::policy::{Bypass, Policy, actors};
use crate::push::{Cause, Undecided};
use crate::verdict::{
    AsksAboutDefault, Context, Decision, PushedUpdate, Verdict, evaluate, fold_decision, select, server_evaluations,
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
}

/// A push that was judged.
#[derive(Debug)]
pub struct Judged<'p> {
    /// The verdict.
    pub verdict: Verdict,
    /// The updates with the names they move.
    pub updates: Vec<PushedUpdate>,
    /// Whether the push fills an empty repository and was let through unjudged.
    pub import: bool,
    /// Bypass entries that name the pusher and no longer count.
    pub expired: Vec<&'p Bypass>,
    /// What the active rulesets for the repository make of its default branch.
    pub asks: AsksAboutDefault,
    /// What the administrator should know about `HEAD`.
    pub notices: Vec<Notice>,
    /// What it cost.
    pub work: Work,
}

/// Judges a push.
///
/// # Errors
/// Something that every push needs cannot be found out.
pub fn judge<'p>(push: Push<'p>) -> Result<Judged<'p>, Undecided> {
    let default_branch = push.refs.default_branch()?;
    let (updates, held) = moved_names(push.refs, push.updates, &push.marks)?;
    let RepositoryNames { name: repository, others: served_as } = push.repository;
    let context = Context { repository, served_as, actor: push.actor, now: push.now, default_branch };
    let mut evaluations = server_evaluations(push.policy, &context, &updates)?;
    // What the host writes for itself needs no place in `allowed_refs`. What such a ref points at does.
    let own: Vec<&RefName> =
        updates.iter().zip(&push.marks).filter(|(_, mark)| mark.own_ref).map(|(pushed, _)| &pushed.update.name).collect();
    evaluations.retain(|evaluation| {
        evaluation.rule != "allowed_refs" || evaluation.matched.is_some() || !own.contains(&&evaluation.ref_name)
    });
    let import = actors::names_exactly(&push.policy.server.import, &context.actor) && !push.refs.any("refs/")?;
    if evaluations.iter().any(|evaluation| evaluation.rule == "default_branch")
        && let Some(branch) = head::likely_default(push.refs)
    {
        suggest_default(&mut evaluations, &branch);
    }
    let here = context.rulesets(push.policy)?;
    let asks = AsksAboutDefault::new(&here, &context.default_branch);
    let mut notices = Vec::new();
    let mut expired = Vec::new();
    if import {
        // Who may fill an empty repository is not judged, except for what may be pushed at all.
        evaluations.retain(|evaluation| evaluation.rule == "allowed_refs");
    } else {
        let selected = select(push.policy, &context, &updates)?;
        let collector = Collector { objects: push.objects, refs: push.refs, context: &context, updates: &updates, held: &held };
        let facts = collector.collect(&selected);
        notices = head::entered(&selected, &here, &context.default_branch);
        evaluations.extend(evaluate(&selected, &facts));
        expired = selected.iter().flat_map(|selected| selected.expired.iter().copied()).collect();
    }
    let decision: Decision = fold_decision(&evaluations);
    if decision == Decision::Accepted {
        notices.splice(0..0, head::left_by(&updates, &context.default_branch, asks));
    }
    let verdict = Verdict { decision, evaluations };
    Ok(Judged { verdict, updates, import, expired, asks, notices, work: push.objects.work() })
}

/// Finds every name that each update moves, and the values that the server holds.
fn moved_names(
    refs: &Refs,
    updates: Vec<RefUpdate>,
    marks: &[HostMark],
) -> Result<(Vec<PushedUpdate>, Vec<Option<Oid>>), Undecided> {
    let mut symbolic: Vec<(RefName, RefName)> = Vec::new();
    for name in refs.symbolic_refs()? {
        // A symbolic ref that leads nowhere git goes is nobody's alias; pushing to it is refused below.
        if let Ok((chain, _)) = refs.resolve(&name)
            && let Some(end) = chain.last()
        {
            symbolic.push((name, end.clone()));
        }
    }
    let mut pushed = Vec::with_capacity(updates.len());
    let mut held = Vec::with_capacity(updates.len());
    for (index, update) in updates.into_iter().enumerate() {
        let (reached, value) = refs.resolve(&update.name)?;
        let end = reached.last().cloned().unwrap_or_else(|| update.name.clone());
        // What the host has merged into is the ref that it names, not the one that a symbolic ref leads to.
        let merges = reached.len() == 1 && marks.get(index).is_some_and(|mark| mark.merges_pull_request);
        let aliases = symbolic
            .iter()
            .filter(|(name, target)| *target == end && !reached.contains(name))
            .map(|(name, _)| name.clone())
            .collect();
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
    use std::collections::HashMap;
    let mut changes: HashMap<RefName, Vec<Change>> = HashMap::new();
    for one in pushed.iter() {
        if let Some(end) = one.reached.last() {
            changes.entry(end.clone()).or_default().push(one.update.change);
        }
    }
    for one in pushed.iter_mut() {
        let shared = one.reached.last().and_then(|end| changes.get(end));
        one.rewrite = shared.is_some_and(|changes| changes.iter().any(|change| *change != one.update.change));
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
        "`{}` holds {}, and the push takes it to hold {}; fetch and push again",
        String::from_utf8_lossy(pushed.update.name.as_bytes()),
        value(held),
        value(claimed)
    ))
    .cause(Cause::Race))
}
