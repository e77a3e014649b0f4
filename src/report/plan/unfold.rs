//! Two values taken apart, so that each difference between them can be shown whole.

use std::collections::BTreeSet;

use serde_json::Value;

/// A difference: where, and what is there in each.
pub(super) type Leaf = (String, Option<Value>, Option<Value>);

/// How much of a value is shown in one piece, in bytes of JSON.
const PIECE: usize = 500;

/// The differences between two values. Objects are compared field by field, lists as sets: objects in them by what names them,
/// everything else by itself.
pub(super) fn unfold(path: &str, from: Option<&Value>, to: Option<&Value>) -> Vec<Leaf> {
    let some = |value: Option<&'_ Value>| value.filter(|value| !value.is_null()).cloned();
    if from == to {
        return Vec::new();
    }
    let found = match (from, to) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            names.into_iter().flat_map(|name| unfold(&format!("{path}.{name}"), one.get(name), other.get(name))).collect()
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => lists(path, one, other),
        (None | Some(Value::Null), Some(all)) if is_long(all) => {
            parts(path, all).into_iter().flat_map(|(path, part)| unfold(&path, None, Some(&part))).collect()
        }
        (Some(all), None | Some(Value::Null)) if is_long(all) => {
            parts(path, all).into_iter().flat_map(|(path, part)| unfold(&path, Some(&part), None)).collect()
        }
        (Some(one), Some(other)) if is_long(one) || is_long(other) => {
            let mut found = unfold(path, from, None);
            found.extend(unfold(path, None, to));
            found
        }
        _ => Vec::new(),
    };
    // Lists may differ in how often they name the same.
    if found.is_empty() { vec![(path.to_owned(), some(from), some(to))] } else { found }
}

fn lists(path: &str, one: &[Value], other: &[Value]) -> Vec<Leaf> {
    let mut left: Vec<&Value> = other.iter().filter(|value| !one.contains(value)).collect();
    let mut found = Vec::new();
    for gone in one.iter().filter(|value| !other.contains(value)) {
        let called = name_of(gone);
        let same = left.iter().position(|value| called.is_some() && name_of(value) == called);
        let now = same.map(|index| left.remove(index));
        found.extend(unfold(&element(path, gone), Some(gone), now));
    }
    found.extend(left.into_iter().flat_map(|new| unfold(&element(path, new), None, Some(new))));
    found
}

/// Whether it would be cut where it is shown.
fn is_long(value: &Value) -> bool {
    match value {
        Value::Object(_) | Value::Array(_) => value.to_string().len() > PIECE,
        Value::String(text) => text.len() > PIECE,
        _ => false,
    }
}

/// The parts of something long, each shorter than it.
fn parts(path: &str, value: &Value) -> Vec<(String, Value)> {
    match value {
        Value::Object(all) => all.iter().map(|(name, value)| (format!("{path}.{name}"), value.clone())).collect(),
        Value::Array(all) => all.iter().map(|value| (element(path, value), value.clone())).collect(),
        Value::String(text) => {
            let letters: Vec<char> = text.chars().collect();
            // A letter takes at most four bytes.
            let pieces = letters.chunks(PIECE / 4);
            pieces.map(|piece| (path.to_owned(), Value::String(piece.iter().collect()))).collect()
        }
        other => vec![(path.to_owned(), other.clone())],
    }
}

fn element(path: &str, value: &Value) -> String {
    format!("{path}[{}]", name_of(value).unwrap_or_default())
}

/// What an object in one of GitHub's lists is known by.
fn name_of(value: &Value) -> Option<String> {
    let object = value.as_object()?;
    let texts: Vec<String> = ["type", "context", "kind", "actor_type", "name", "actor_id"]
        .iter()
        .filter_map(|field| object.get(*field))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(from: &Value, to: &Value) -> Vec<String> {
        let show = |value: Option<Value>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        unfold("x", Some(from), Some(to))
            .into_iter()
            .map(|(path, from, to)| format!("{path}: {} -> {}", show(from), show(to)))
            .collect()
    }

    #[test]
    fn every_difference_is_told() {
        assert_eq!(told(&json!(1), &json!(1)), Vec::<String>::new());
        assert_eq!(
            told(&json!({ "a": 1, "b": [1, 2] }), &json!({ "a": 2, "b": [2, 3] })),
            ["x.a: 1 -> 2", "x.b[]: 1 -> -", "x.b[]: - -> 3"]
        );
        assert_eq!(told(&json!(["a", "a", "b"]), &json!(["a", "b", "b"])), [r#"x: ["a","a","b"] -> ["a","b","b"]"#]);
        let rule = |count: u64| json!([{ "type": "pull_request", "parameters": { "count": count } }, { "type": "deletion" }]);
        assert_eq!(told(&rule(2), &rule(1)), ["x[pull_request].parameters.count: 2 -> 1"]);
        assert_eq!(told(&Value::Null, &json!({ "a": 1 })), [r#"x: - -> {"a":1}"#]);
    }

    #[test]
    fn nothing_long_is_cut() {
        let long = |end: &str| json!(format!("{}{end}", "é".repeat(3000)));
        for (from, to) in
            [(long("a"), long("b")), (Value::Null, long("b")), (json!({ "k": long("a") }), json!({ "k": long("b") }))]
        {
            let leaves = unfold("x", Some(&from), Some(&to));
            let longest =
                leaves.iter().flat_map(|(_, from, to)| [from, to]).flatten().map(|value| value.to_string().chars().count());
            assert!(longest.max().unwrap() <= 1000);
            let shown: String = leaves.iter().filter_map(|(_, _, to)| to.as_ref()?.as_str()).collect();
            assert!(shown.ends_with("éb"), "{shown}");
        }
    }
}
