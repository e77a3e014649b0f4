//! What is sent for a ruleset that there is already: what the policy asks for, and where it is content with what there is,
//! that. A parameter that the policy does not write, an app that a check is pinned to, a field that another program set:
//! none of it is lost because a ruleset can only be written whole.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Measure, measure};
use super::live::key;
use super::walk::{Path, Walk, World, keyed};
use super::{asks_for_more, is_within, unstated};
use crate::github::desired::DesiredRuleset;
use crate::github::owner::Owner;
use crate::github::repository::Repository;

/// A ruleset's body with what there is kept wherever it is no difference. Both are bodies as GitHub's API takes them, with
/// numbers in the place of names. Rules, bypassers and elements of lists that only GitHub has are left out: they are
/// differences, and whoever sends this has shown them.
pub fn lay(desired: &DesiredRuleset, wanted: &Value, live: &Value, owner: &Owner, repository: Option<&Repository>) -> Value {
    let overlay = Overlay { desired, owner, repository, unstated: unstated(desired) };
    let mut body = wanted.clone();
    if let (Some(conditions), Some(has)) = (body.get_mut("conditions"), live.get("conditions")) {
        *conditions = overlay.value(&Path::of("conditions"), conditions, Some(has));
    }
    let has = live.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for rule in body.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
        overlay.rule(rule, has);
    }
    body
}

struct Overlay<'a> {
    desired: &'a DesiredRuleset,
    owner: &'a Owner,
    repository: Option<&'a Repository>,
    unstated: BTreeSet<String>,
}

impl Overlay<'_> {
    fn rule(&self, rule: &mut Value, live: &[Value]) {
        let Some(name) = rule.get("type").and_then(Value::as_str).map(str::to_owned) else { return };
        let wanted = rule.get("parameters").cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        let named: Vec<&Value> = live.iter().filter(|rule| rule.get("type").and_then(Value::as_str) == Some(&name)).collect();
        let several = self.desired.rules.iter().filter(|rule| rule.name == name).count() > 1 || named.len() > 1;
        let same = named.into_iter().find(|rule| !several || rule.get("parameters").is_some_and(|has| key(has) == key(&wanted)));
        let Some(has) = same.and_then(|rule| rule.get("parameters")).filter(|has| has.is_object()) else { return };
        let laid = self.value(&Path::of("rules").field(&name), &wanted, Some(has));
        if let (Some(rule), true) = (rule.as_object_mut(), laid.as_object().is_some_and(|laid| !laid.is_empty())) {
            rule.insert("parameters".to_owned(), laid);
        }
    }

    fn value(&self, at: &Path, wanted: &Value, live: Option<&Value>) -> Value {
        let Some(live) = live.filter(|live| !live.is_null()) else { return wanted.clone() };
        if self.is_content(at, wanted, live) {
            return live.clone();
        }
        match (measure(at.known()), wanted, live) {
            (Measure::Fields | Measure::Section, Value::Object(wanted), Value::Object(has)) => {
                let mut laid = has.clone();
                for (name, value) in wanted {
                    // Null is what the policy has nothing to say about.
                    if !(value.is_null() && laid.contains_key(name)) {
                        laid.insert(name.clone(), self.value(&at.field(name), value, has.get(name)));
                    }
                }
                Value::Object(laid)
            }
            // Whether a repository may be renamed out of it is no pattern.
            (Measure::Refs | Measure::Repositories, Value::Object(wanted), Value::Object(has)) => {
                let mut laid = has.clone();
                laid.extend(wanted.iter().map(|(name, value)| (name.clone(), value.clone())));
                Value::Object(laid)
            }
            (Measure::Demands(by) | Measure::Allows(by), Value::Array(wanted), Value::Array(has)) => {
                let (elements, others) = (keyed(by, wanted, has), keyed(by, has, wanted));
                let laid = elements.into_iter().map(|(key, value)| {
                    let other = others.iter().find(|(other, _)| *other == key).map(|(_, other)| *other);
                    match (value, other) {
                        (Value::Object(_), Some(other)) => self.value(&at.element(&key), value, Some(other)),
                        // Two spellings of one thing.
                        (_, Some(other)) => other.clone(),
                        (_, None) => value.clone(),
                    }
                });
                Value::Array(laid.collect())
            }
            _ => wanted.clone(),
        }
    }

    /// Whether what there is is no difference from what there should be.
    fn is_content(&self, at: &Path, wanted: &Value, live: &Value) -> bool {
        let mut walk = Walk::new(World::new(self.owner, self.repository, self.desired.target));
        walk.value(at, wanted, Some(live));
        walk.found.iter().all(|found| asks_for_more(found) && self.unstated.iter().any(|field| is_within(&found.field, field)))
    }
}
