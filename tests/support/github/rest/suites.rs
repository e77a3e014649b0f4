//! Rule suites: what the rules said to each push.

use serde_json::Value;

use super::super::call::{Answer, Handled, not_found};
use super::Visit;

/// Suites are planted whole; `organization` and `repository` say where they belong.
pub fn answer(visit: &mut Visit<'_>, rest: &str) -> Handled {
    let full_name = visit.full_name();
    let organization = visit.parameter("org");
    let here = visit.state.rule_suites.iter().rev().filter(|suite| {
        let name = suite["full_name"].as_str().unwrap_or_default();
        if organization.is_empty() {
            name.eq_ignore_ascii_case(&full_name)
        } else {
            name.split('/').next().is_some_and(|owner| owner.eq_ignore_ascii_case(organization))
        }
    });
    let is = |suite: &Value, key: &str, parameter: &str| match visit.call.query(parameter) {
        None | Some("all") => true,
        Some(wanted) => suite[key] == wanted,
    };
    if rest == "/rulesets/rule-suites" {
        let found = here.filter(|suite| {
            is(suite, "ref", "ref")
                && is(suite, "actor_name", "actor_name")
                && is(suite, "repository_name", "repository_name")
                && is(suite, "result", "rule_suite_result")
        });
        // A list says nothing of evaluation where there was none; a suite by itself says null.
        let hidden = |suite: &Value| if suite["evaluation_result"].is_null() { "evaluation_result" } else { "" };
        return visit.list(found, |suite| without(suite, &["full_name", "rule_evaluations", hidden(suite)]));
    }
    let id = visit.call.number("rule_suite_id");
    let suite = here.into_iter().find(|suite| suite["id"].as_u64() == Some(id)).ok_or_else(not_found)?;
    Ok(Answer::json(without(suite, &["full_name"])))
}

fn without(suite: &Value, keys: &[&str]) -> Value {
    let map = suite.as_object().expect("a suite is an object").iter();
    Value::Object(map.filter(|(key, _)| !keys.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone())).collect())
}
