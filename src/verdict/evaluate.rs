//! The heart: rules judge facts, and the decision is a fold over what came out.

use super::{Decision, Evaluation, Outcome, Selected, Standing};
use crate::policy::Enforcement;
use crate::push::UpdateFacts;

/// Judges every selected update. `facts` holds, for each selected ruleset, the facts of its updates in the same order.
///
/// A rule that has no facts to judge by is no rule that passed: the missing facts are a failure of their own.
pub fn evaluate(selected: &[Selected<'_>], facts: &[Vec<UpdateFacts>]) -> Vec<Evaluation> {
    let mut evaluations = Vec::new();
    for (index, selected) in selected.iter().enumerate() {
        let facts = facts.get(index).map(Vec::as_slice).unwrap_or_default();
        for configured in &selected.ruleset.rules {
            let rule = configured.rule.as_ref();
            if rule.info().not_on_a_server.is_some() {
                continue;
            }
            for (at, (_, names, standing)) in selected.updates.iter().enumerate() {
                let Some(first) = names.first() else { continue };
                let judged = match facts.get(at) {
                    Some(facts) => rule.check(facts),
                    None => Err(crate::push::Undecided::new("nothing was collected about this update")),
                };
                let outcome = match (judged, standing) {
                    (Ok(violations), _) if violations.is_empty() => Outcome::Passed,
                    (Ok(violations), Standing::Judged) => Outcome::Violated(violations),
                    (Err(undecided), Standing::Judged) => Outcome::Failed(undecided),
                    (judged, Standing::Passes(bypass)) => {
                        Outcome::Bypassed { by: bypass.actor.clone(), mode: bypass.mode, violations: judged.unwrap_or_default() }
                    }
                };
                let ref_name = facts.get(at).map_or(first, |facts| &facts.update.name);
                evaluations.push(Evaluation {
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
    evaluations
}

/// Refused if an active rule is broken, undecided if one could not be judged, else accepted.
pub fn fold_decision(evaluations: &[Evaluation]) -> Decision {
    evaluations.iter().filter(|evaluation| evaluation.enforcement == Enforcement::Active).fold(
        Decision::Accepted,
        |decision, evaluation| match (&evaluation.outcome, decision) {
            (Outcome::Violated(_), _) | (_, Decision::Refused) => Decision::Refused,
            (Outcome::Failed(_), _) | (_, Decision::Undecided) => Decision::Undecided,
            (Outcome::Passed | Outcome::Bypassed { .. }, Decision::Accepted) => Decision::Accepted,
        },
    )
}
