//! From updates to a verdict: what the hook and `explain` share.

use std::slice::from_ref;

use jiff::Timestamp;

use super::collect::{Collector, binds};
use super::objects::{Objects, Work};
use super::refs::Refs;
use crate::git::{Change, Oid, RefName, RefUpdate};
use crate::policy::{Bypass, Policy};
use crate::push::{Cause, Undecided};
use crate::verdict::{Context, Decision, Evaluation, PushedUpdate, Verdict, evaluate, fold_decision, select, server_evaluations};

/// A push, as the server sees it.
pub struct Push<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The refs before the push.
    pub refs: &'a Refs,
    /// The objects, the quarantine included.
    pub objects: &'a Objects,
    /// The repository's name.
    pub repository: String,
    /// The pusher's name.
    pub actor: String,
    /// Now.
    pub now: Timestamp,
    /// What is pushed.
    pub updates: Vec<RefUpdate>,
    /// For each update, whether the host says that it merges a reviewed pull request.
    pub merges_pull_request: Vec<bool>,
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
    /// What it cost.
    pub work: Work,
}

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
    let (updates, held) = moved_names(push.refs, push.updates, &push.merges_pull_request)?;
    let context = Context { repository: push.repository, actor: push.actor, now: push.now, default_branch };
    let mut evaluations = server_evaluations(push.policy, &context, &updates)?;
    let import = push.policy.server.import.contains(&context.actor) && !push.refs.any("refs/")?;
    let mut expired = Vec::new();
    if import {
        // Who may fill an empty repository is not judged, except for what may be pushed at all.
        evaluations.retain(|evaluation| evaluation.rule == "allowed_refs");
    } else {
        let selected = select(push.policy, &context, &updates)?;
        expired = selected.iter().flat_map(|selected| selected.expired.iter().copied()).collect();
        let collector = Collector { objects: push.objects, refs: push.refs, context: &context, updates: &updates, held: &held };
        let binding = collector.collect_those(&selected, true);
        // Every evaluation is made once; the order is that of the policy.
        let mut each: Vec<Option<Vec<Evaluation>>> = selected
            .iter()
            .zip(&binding)
            .map(|(one, facts)| binds(one).then(|| evaluate(from_ref(one), from_ref(facts))))
            .collect();
        if each.iter().any(Option::is_none) {
            let why = Undecided::new("the time ran out before this ruleset, which cannot refuse the push, was judged to the end")
                .cause(Cause::Budget);
            let unfinished = selected.iter().zip(&each).flat_map(|(one, known)| match known {
                Some(known) => known.clone(),
                None => evaluate(from_ref(one), &[collector.not_collected(one, &why)]),
            });
            let evaluations: Vec<Evaluation> = evaluations.iter().cloned().chain(unfinished).collect();
            settled(Judged {
                verdict: Verdict { decision: fold_decision(&evaluations), evaluations },
                updates: updates.clone(),
                import,
                expired: expired.clone(),
                work: push.objects.work(),
            });
            let late = collector.collect_those(&selected, false);
            for ((slot, one), facts) in each.iter_mut().zip(&selected).zip(&late) {
                slot.get_or_insert_with(|| evaluate(from_ref(one), from_ref(facts)));
            }
        }
        evaluations.extend(each.into_iter().flatten().flatten());
    }
    let decision: Decision = fold_decision(&evaluations);
    Ok(Judged { verdict: Verdict { decision, evaluations }, updates, import, expired, work: push.objects.work() })
}

/// Finds every name that each update moves, and the values that the server holds.
fn moved_names(
    refs: &Refs,
    updates: Vec<RefUpdate>,
    merges_pull_request: &[bool],
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
        let aliases = symbolic
            .iter()
            .filter(|(name, target)| *target == end && !reached.contains(name))
            .map(|(name, _)| name.clone())
            .collect();
        pushed.push(PushedUpdate {
            update,
            reached,
            aliases,
            rewrite: false,
            merges_pull_request: merges_pull_request.get(index).copied().unwrap_or(false),
        });
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
