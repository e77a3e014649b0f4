//! The heart: rules judge facts, and the decision is a fold over what came out.

use std::collections::{HashMap, HashSet};

use super::{Counted, Decision, Evaluation, Outcome, Selected, Standing, Verdict};
use crate::git::RefName;
use crate::policy::{ActorPattern, Enforcement, Location};
use crate::push::{Cause, Undecided, UpdateFacts};
use crate::rules::{Violation, total};

/// Evaluations that are kept one by one; above it they are counted by ruleset and rule.
const KEPT: usize = 10_000;
/// Of each rule, fewer, so that of the first refs what every rule says is kept.
const KEPT_OF_RULE: usize = 1_000;
/// Of those that were passed, fewer are kept: only who explains a single update shows them.
const KEPT_PASSED: usize = 1_000;
/// Bytes of violations that are kept.
const KEPT_BYTES: usize = 4 << 20;
/// Pushers that a refusal names.
const NAMED: usize = 5;

/// Judges every selected update. `facts` holds, for each selected ruleset, the facts of its updates in the same order.
pub fn evaluate(selected: &[Selected<'_>], facts: &[Vec<UpdateFacts>]) -> Vec<Evaluation> {
    let mut evaluations = Vec::new();
    for (index, selected) in selected.iter().enumerate() {
        let facts = facts.get(index).map(Vec::as_slice).unwrap_or_default();
        evaluate_ruleset(selected, facts, |evaluation| evaluations.push(evaluation));
    }
    evaluations
}

/// Judges the updates of one ruleset.
///
/// A rule that has no facts to judge by is no rule that passed: the missing facts are a failure of their own.
pub fn evaluate_ruleset(selected: &Selected<'_>, facts: &[UpdateFacts], mut came_out: impl FnMut(Evaluation)) {
    for configured in &selected.ruleset.rules {
        let rule = configured.rule.as_ref();
        if rule.info().not_on_a_server.is_some() {
            continue;
        }
        for (at, (_, names, standing)) in selected.updates.iter().enumerate() {
            let Some(first) = names.first() else { continue };
            let judged = match facts.get(at) {
                Some(facts) => rule.check(facts),
                None => Err(Undecided::new("nothing was collected about this update").cause(Cause::Internal)),
            };
            let outcome = match (judged, standing) {
                (Ok(violations), _) if violations.is_empty() => Outcome::Passed,
                (Ok(mut violations), Standing::Judged) => {
                    if rule.needs().changes {
                        say_who_may(&mut violations, selected);
                    }
                    Outcome::Violated(violations)
                }
                (Err(undecided), Standing::Judged) => Outcome::Failed(undecided),
                (judged, Standing::Passes(bypass)) => {
                    Outcome::Bypassed { by: bypass.actor.clone(), mode: bypass.mode, violations: judged.unwrap_or_default() }
                }
            };
            let ref_name = facts.get(at).map_or(first, |facts| &facts.update.name);
            came_out(Evaluation {
                ruleset: selected.ruleset.name.clone(),
                rule: rule.info().id,
                at: configured.at,
                ref_name: ref_name.clone(),
                matched: (!names.contains(ref_name)).then(|| first.clone()),
                enforcement: selected.ruleset.enforcement,
                outcome,
            });
        }
    }
}

/// Who may change a restricted path is said once, with the first violation that has no help of its own.
fn say_who_may(violations: &mut [Violation], selected: &Selected<'_>) {
    let Some(first) = violations.iter_mut().find(|violation| violation.help.is_none()) else { return };
    let bypass = named("these bypass this ruleset", selected.may_pass.iter().map(|bypass| bypass.actor.as_str()));
    let actors = &selected.ruleset.actors;
    let except = named("it does not judge", actors.except.iter().map(ActorPattern::as_str));
    let only = (!actors.only.is_empty()).then(|| "it judges only those whom its `actors` name".to_owned());
    let parts = [Some(bypass.unwrap_or_else(|| "nobody bypasses this ruleset".to_owned())), except, only];
    first.help = Some(parts.into_iter().flatten().collect::<Vec<_>>().join("; "));
}

/// The first of the names, and how many more there are; `None` when there is none.
fn named<'n>(what: &str, names: impl ExactSizeIterator<Item = &'n str>) -> Option<String> {
    let more = names.len().saturating_sub(NAMED);
    let first: Vec<String> = names.take(NAMED).map(|name| format!("`{name}`")).collect();
    match (first.as_slice(), more) {
        ([], _) => None,
        (first, 0) => Some(format!("{what}: {}", first.join(", "))),
        (first, more) => Some(format!("{what}: {}, and {more} more", first.join(", "))),
    }
}

impl Decision {
    /// The decision when this came out as well.
    fn after(self, enforcement: Enforcement, outcome: &Outcome) -> Decision {
        if enforcement != Enforcement::Active {
            return self;
        }
        match (outcome, self) {
            (Outcome::Violated(_), _) | (_, Decision::Refused) => Decision::Refused,
            (Outcome::Failed(_), _) | (_, Decision::Undecided) => Decision::Undecided,
            (Outcome::Passed | Outcome::Bypassed { .. }, Decision::Accepted) => Decision::Accepted,
        }
    }
}

/// Refused if an active rule is broken, undecided if one could not be judged, else accepted.
pub fn fold_decision(evaluations: &[Evaluation]) -> Decision {
    evaluations
        .iter()
        .fold(Decision::Accepted, |decision, evaluation| decision.after(evaluation.enforcement, &evaluation.outcome))
}

/// Evaluations on their way to a verdict: what is kept of them is bounded, whatever is pushed, and each of them counts.
#[derive(Debug, Clone, Default)]
pub struct Evaluations {
    kept: Vec<(usize, Evaluation)>,
    passed: usize,
    of_rule: HashMap<(usize, Location, &'static str), usize>,
    bytes: usize,
    counted: Vec<(usize, Counted)>,
    at: HashMap<(usize, Location, &'static str, &'static str), usize>,
    refused: HashSet<RefName>,
    decision: Option<Decision>,
}

impl Evaluations {
    /// Adds what came out of a ruleset, of which `order` says where it stands in the policy.
    pub fn add(&mut self, order: usize, mut evaluation: Evaluation) {
        let decision = self.decision.unwrap_or(Decision::Accepted);
        self.decision = Some(decision.after(evaluation.enforcement, &evaluation.outcome));
        if evaluation.enforcement == Enforcement::Active
            && matches!(evaluation.outcome, Outcome::Violated(_) | Outcome::Failed(_))
        {
            self.refused.insert(evaluation.ref_name.clone());
        }
        let of_rule = self.of_rule.entry((order, evaluation.at, evaluation.rule)).or_default();
        if evaluation.outcome == Outcome::Passed {
            if self.passed < KEPT_PASSED {
                self.passed += 1;
                self.kept.push((order, evaluation));
            }
        } else if *of_rule < KEPT_OF_RULE && self.kept.len() < KEPT + self.passed && self.bytes < KEPT_BYTES {
            *of_rule += 1;
            if let Outcome::Violated(violations) | Outcome::Bypassed { violations, .. } = &mut evaluation.outcome {
                self.shorten(violations);
            }
            self.kept.push((order, evaluation));
        } else {
            self.count(order, &evaluation);
        }
    }

    /// Keeps as many of the violations as there is room for, and the first in any case; the others are counted.
    fn shorten(&mut self, violations: &mut Vec<Violation>) {
        let mut keep = 0;
        for violation in violations.iter() {
            if keep > 0 && self.bytes + violation.bytes() > KEPT_BYTES {
                break;
            }
            self.bytes += violation.bytes();
            keep += 1;
        }
        let more = total(violations.get(keep..).unwrap_or_default());
        violations.truncate(keep);
        if let Some(last) = violations.last_mut() {
            last.more += more;
        }
    }

    fn count(&mut self, order: usize, evaluation: &Evaluation) {
        let key = (order, evaluation.at, evaluation.rule, evaluation.outcome.as_str());
        let at = *self.at.entry(key).or_insert_with(|| {
            self.counted.push((order, Counted::of(evaluation)));
            self.counted.len() - 1
        });
        if let Some((_, counted)) = self.counted.get_mut(at) {
            counted.add(evaluation);
        }
    }

    /// The verdict, in the order of the policy.
    pub fn verdict(mut self) -> Verdict {
        self.kept.sort_by_key(|(order, _)| *order);
        self.counted.sort_by_key(|(order, _)| *order);
        Verdict {
            decision: self.decision.unwrap_or(Decision::Accepted),
            refused_refs: self.refused.len(),
            evaluations: self.kept.into_iter().map(|(_, evaluation)| evaluation).collect(),
            counted: self.counted.into_iter().map(|(_, counted)| counted).collect(),
        }
    }
}

impl Counted {
    /// None yet, of this kind.
    pub(crate) fn of(evaluation: &Evaluation) -> Counted {
        Counted {
            ruleset: evaluation.ruleset.clone(),
            rule: evaluation.rule,
            at: evaluation.at,
            enforcement: evaluation.enforcement,
            outcome: evaluation.outcome.as_str(),
            evaluations: 0,
            violations: 0,
        }
    }

    /// Whether this evaluation is of the kind that is counted here.
    pub(crate) fn is_of(&self, evaluation: &Evaluation) -> bool {
        self.at == evaluation.at
            && self.rule == evaluation.rule
            && self.outcome == evaluation.outcome.as_str()
            && self.ruleset == evaluation.ruleset
            && self.enforcement == evaluation.enforcement
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, evaluation: &Evaluation) {
        self.evaluations += 1;
        if let Outcome::Violated(violations) | Outcome::Bypassed { violations, .. } = &evaluation.outcome {
            self.violations = self.violations.saturating_add(total(violations));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(number: usize, outcome: Outcome) -> Evaluation {
        Evaluation {
            ruleset: "r".to_owned(),
            rule: "creation",
            at: Location { line: 3, column: 1 },
            ref_name: RefName::parse(format!("refs/heads/b{number}").as_bytes()).unwrap(),
            matched: None,
            enforcement: Enforcement::Active,
            outcome,
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_each_counts() {
        let mut all = Evaluations::default();
        for number in 0..3 * KEPT {
            all.add(1, evaluation(number, Outcome::Passed));
        }
        for number in 0..3 * KEPT {
            all.add(0, evaluation(number, Outcome::Violated(vec![Violation::new("x"); 3])));
        }
        let verdict = all.verdict();
        assert_eq!(verdict.decision, Decision::Refused);
        assert_eq!(verdict.refused_refs, 3 * KEPT);
        assert!(verdict.evaluations.len() <= KEPT + KEPT_PASSED);
        assert!(matches!(verdict.evaluations[0].outcome, Outcome::Violated(_)), "in the order of the policy");
        let kept: u64 = verdict.evaluations.iter().filter(|one| one.outcome != Outcome::Passed).count() as u64;
        assert_eq!(kept + verdict.counted[0].evaluations, 3 * KEPT as u64);
    }

    #[test]
    fn a_refusal_that_is_only_counted_refuses() {
        let mut all = Evaluations::default();
        let bypassed = || Outcome::Bypassed {
            by: "a".to_owned(),
            mode: crate::policy::BypassMode::Always,
            violations: vec![Violation::new("x")],
        };
        for number in 0..KEPT {
            all.add(number, evaluation(number, bypassed()));
        }
        all.add(KEPT, evaluation(KEPT, Outcome::Failed(Undecided::new("y"))));
        let verdict = all.verdict();
        assert_eq!((verdict.decision, verdict.refused_refs), (Decision::Undecided, 1));
        assert_eq!(verdict.counted[0].outcome, "failed");
    }

    #[test]
    fn long_violations_are_shortened_and_counted() {
        let mut all = Evaluations::default();
        let long = Violation { path: Some(vec![b'x'; 1 << 20].into()), ..Violation::new("x") };
        for number in 0..50 {
            all.add(0, evaluation(number, Outcome::Violated(vec![long.clone(); 3])));
        }
        let verdict = all.verdict();
        let bytes: usize = verdict
            .evaluations
            .iter()
            .filter_map(|one| match &one.outcome {
                Outcome::Violated(violations) => Some(violations.iter().map(Violation::bytes).sum::<usize>()),
                _ => None,
            })
            .sum();
        assert!(bytes < KEPT_BYTES + (2 << 20), "{bytes}");
        let kept: u64 = verdict
            .evaluations
            .iter()
            .map(|one| if let Outcome::Violated(violations) = &one.outcome { total(violations) } else { 0 })
            .sum();
        assert_eq!(kept + verdict.counted[0].violations, 150);
    }
}
