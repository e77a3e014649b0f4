//! A verdict for programs. Ids are hex, names that are not UTF-8 are `{ "bytes_hex": … }`.

use serde_json::{Map, Value, json};

use super::{Counted, Decision, Evaluation, Outcome, PushedUpdate, Verdict};
use crate::git::RefUpdate;
use crate::policy::Enforcement;
use crate::rules::{Violation, total};

/// A name as text, or as hex where it is none.
pub fn name(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "bytes_hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
    }
}

/// One line of the push.
pub fn update(pushed: &PushedUpdate) -> Value {
    ref_update(&pushed.update)
}

/// One line of the push, before its names are resolved.
pub fn ref_update(update: &RefUpdate) -> Value {
    let change = &update.change;
    json!({
        "ref": name(update.name.as_bytes()),
        "change": change.verb(),
        "old": change.old_value().map(|id| id.to_string()),
        "new": change.new_value().map(|id| id.to_string()),
    })
}

fn violation(violation: &Violation) -> Value {
    let mut object = Map::new();
    object.insert("what".to_owned(), json!(violation.what));
    if let Some(path) = &violation.path {
        object.insert("path".to_owned(), name(path));
    }
    if let Some(commit) = violation.commit {
        object.insert("commit".to_owned(), json!(commit.to_string()));
    }
    if let Some(help) = &violation.help {
        object.insert("help".to_owned(), json!(help));
    }
    Value::Object(object)
}

/// Bytes of violations that are listed of one evaluation, or of one rule of a very large push.
const LISTED_BYTES: usize = 64 << 10;
/// Rules by which the evaluations are counted that are not listed.
const LISTED_RULES: usize = 100;

/// The evaluations that were not simply passed: the first `cap` of them, those that refuse first, and when there are more, their
/// number and a count by rule.
pub fn evaluations(verdict: &Verdict, file: &str, cap: usize, violations: usize) -> Map<String, Value> {
    let mut object = Map::new();
    let mut notable: Vec<&Evaluation> = verdict.evaluations.iter().filter(|one| one.outcome != Outcome::Passed).collect();
    let all = verdict.counted.iter().map(|one| one.evaluations).fold(notable.len() as u64, u64::saturating_add);
    if all > cap as u64 {
        let mut rules: Vec<Counted> = verdict.counted.clone();
        for &one in &notable {
            let at = rules.iter().position(|rule| rule.is_of(one)).unwrap_or_else(|| {
                rules.push(Counted::of(one));
                rules.len() - 1
            });
            if let Some(rule) = rules.get_mut(at) {
                rule.add(one);
            }
        }
        rules.sort_by(|one, other| (one.at, &one.ruleset, one.rule).cmp(&(other.at, &other.ruleset, other.rule)));
        let rules: Vec<_> = rules.iter().take(LISTED_RULES).map(|one| counted(one, file)).collect();
        object.insert("evaluations_total".to_owned(), json!(all));
        object.insert("evaluations_by_rule".to_owned(), json!(rules));
        notable.sort_by_key(|one| {
            one.enforcement != Enforcement::Active || !matches!(one.outcome, Outcome::Violated(_) | Outcome::Failed(_))
        });
    }
    let listed: Vec<_> = notable.iter().take(cap).map(|one| evaluation(one, file, violations)).collect();
    object.insert("evaluations".to_owned(), json!(listed));
    object
}

fn counted(one: &Counted, file: &str) -> Value {
    json!({
        "ruleset": one.ruleset,
        "rule": one.rule,
        "policy": { "file": file, "line": one.at.line, "column": one.at.column },
        "enforcement": one.enforcement.as_str(),
        "outcome": one.outcome,
        "refs": one.evaluations,
        "violations_total": one.violations,
    })
}

/// What kept a push from being judged, for a record that says no more: the first active rule that failed.
pub fn cause_kind(verdict: &Verdict) -> Option<&'static str> {
    let failed = |one: &Evaluation| match &one.outcome {
        Outcome::Failed(undecided) if one.enforcement == Enforcement::Active => Some(undecided.cause.as_str()),
        _ => None,
    };
    (verdict.decision == Decision::Undecided).then(|| verdict.evaluations.iter().find_map(failed)).flatten()
}

/// One evaluation, with at most `cap` violations and the number of all.
pub fn evaluation(evaluation: &Evaluation, file: &str, cap: usize) -> Value {
    let mut object = Map::new();
    object.insert("ruleset".to_owned(), json!(evaluation.ruleset));
    object.insert("rule".to_owned(), json!(evaluation.rule));
    object.insert("ref".to_owned(), name(evaluation.ref_name.as_bytes()));
    if let Some(matched) = &evaluation.matched {
        object.insert("matched".to_owned(), name(matched.as_bytes()));
    }
    object.insert("policy".to_owned(), json!({ "file": file, "line": evaluation.at.line, "column": evaluation.at.column }));
    object.insert("enforcement".to_owned(), json!(evaluation.enforcement.as_str()));
    object.insert("outcome".to_owned(), json!(evaluation.outcome.as_str()));
    let listed = |violations: &[Violation]| -> Vec<Value> {
        let mut bytes = 0;
        let fits = |one: &&Violation| {
            let fits = bytes == 0 || bytes + one.bytes() <= LISTED_BYTES;
            bytes += one.bytes();
            fits
        };
        violations.iter().take(cap).take_while(fits).map(violation).collect()
    };
    match &evaluation.outcome {
        Outcome::Passed => {}
        Outcome::Violated(violations) => {
            object.insert("violations".to_owned(), json!(listed(violations)));
            object.insert("violations_total".to_owned(), json!(total(violations)));
        }
        Outcome::Bypassed { by, mode, violations } => {
            object.insert("by".to_owned(), json!(by));
            object.insert("mode".to_owned(), json!(mode));
            object.insert("violations".to_owned(), json!(listed(violations)));
            object.insert("violations_total".to_owned(), json!(total(violations)));
        }
        Outcome::Failed(undecided) => {
            object.insert("why".to_owned(), json!(undecided.why));
            object.insert("cause_kind".to_owned(), json!(undecided.cause.as_str()));
            object.insert("audience".to_owned(), json!(undecided.cause.audience().as_str()));
            object.insert("help".to_owned(), json!(undecided.what_to_do()));
        }
    }
    Value::Object(object)
}
