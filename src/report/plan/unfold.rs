//! Two values taken apart, so that each difference between them can be shown whole.

use std::collections::BTreeSet;

use serde_json::Value;

/// A difference: where, and what is there in each.
pub(super) type Leaf<'v> = (String, Option<&'v Value>, Option<&'v Value>);

/// The differences between two values. Objects are compared field by field, lists as sets: objects in them by what names them,
/// everything else by itself.
pub(super) fn unfold<'v>(path: &str, from: Option<&'v Value>, to: Option<&'v Value>) -> Vec<Leaf<'v>> {
    match (from, to) {
        (one, other) if one == other => Vec::new(),
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            names.into_iter().flat_map(|name| unfold(&format!("{path}.{name}"), one.get(name), other.get(name))).collect()
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
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
        // Of what is new or gone as a whole, too, every field is told where there is much of it.
        (None, Some(Value::Object(all))) if is_long(to) => {
            all.iter().flat_map(|(name, value)| unfold(&format!("{path}.{name}"), None, Some(value))).collect()
        }
        (Some(Value::Object(all)), None) if is_long(from) => {
            all.iter().flat_map(|(name, value)| unfold(&format!("{path}.{name}"), Some(value), None)).collect()
        }
        (None, Some(Value::Array(all))) if is_long(to) => {
            all.iter().flat_map(|value| unfold(&element(path, value), None, Some(value))).collect()
        }
        (Some(Value::Array(all)), None) if is_long(from) => {
            all.iter().flat_map(|value| unfold(&element(path, value), Some(value), None)).collect()
        }
        (one, other) => vec![(path.to_owned(), one, other)],
    }
}

/// Whether it would be cut where it is shown.
fn is_long(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.to_string().len() > 500)
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
