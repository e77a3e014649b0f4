//! A verdict for programs. Ids are hex, names that are not UTF-8 are `{ "bytes_hex": … }`.

use serde_json::{Map, Value, json};

use super::{Evaluation, Outcome, PushedUpdate};
use crate::git::RefUpdate;
use crate::rules::Violation;

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
    let listed = |violations: &[Violation]| -> Vec<Value> { violations.iter().take(cap).map(violation).collect() };
    match &evaluation.outcome {
        Outcome::Passed => {}
        Outcome::Violated(violations) => {
            object.insert("violations".to_owned(), json!(listed(violations)));
            object.insert("violations_total".to_owned(), json!(violations.len()));
        }
        Outcome::Bypassed { by, mode, violations } => {
            object.insert("by".to_owned(), json!(by));
            object.insert("mode".to_owned(), json!(mode));
            object.insert("violations".to_owned(), json!(listed(violations)));
            object.insert("violations_total".to_owned(), json!(violations.len()));
        }
        Outcome::Failed(undecided) => {
            object.insert("why".to_owned(), json!(undecided.why));
        }
    }
    Value::Object(object)
}
