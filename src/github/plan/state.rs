//! The state of one thing on GitHub as a value that can be kept, compared and written back: everything that can be set, and
//! nothing that GitHub makes up itself, like numbers, times and links.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::github::people::Actor;
use crate::github::protection::Protection;
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::WorkflowPermissions;
use crate::github::ruleset::{Conditions, Ruleset};

use super::{Kind, Thing};

/// What a ruleset says, as GitHub's API takes it.
///
/// # Errors
/// A part of it is hidden: it could neither be compared nor be written back.
pub fn of_ruleset(ruleset: &Ruleset) -> Result<Value, Hidden> {
    let mut state = json!({
        "name": ruleset.name,
        "target": ruleset.target,
        "enforcement": ruleset.enforcement,
        "bypass_actors": ruleset.bypass_actors.read().map_err(Clone::clone)?,
        "rules": ruleset.rules.read().map_err(Clone::clone)?,
    });
    let conditions = ruleset.conditions.read().map_err(Clone::clone)?;
    if let (Some(state), true) = (state.as_object_mut(), *conditions != Conditions::default()) {
        state.insert("conditions".to_owned(), json!(conditions));
    }
    Ok(state)
}

/// What a classic branch protection says.
///
/// # Errors
/// A part of it is hidden.
pub fn of_protection(protection: &Protection) -> Result<Value, Hidden> {
    let lists: [&Readable<Vec<Actor>>; 4] = [
        &protection.push_allowances,
        &protection.bypass_pull_request_allowances,
        &protection.bypass_force_push_allowances,
        &protection.review_dismissal_allowances,
    ];
    for list in lists {
        // Whoever is not shown would be left out when the list is written.
        let is_shown = |actor: &&Actor| actor.kind.known().is_some() && !actor.name.contains(' ');
        if let Some(actor) = list.read().map_err(Clone::clone)?.iter().find(|actor| !is_shown(actor)) {
            let why = format!("branch protection `{}` names someone who is not shown: `{actor}`", protection.pattern);
            return Err(Hidden::new(Cause::Unknown, why));
        }
    }
    protection.required_deployment_environments.read().map_err(Clone::clone)?;
    let mut state = json!(protection);
    if let Some(state) = state.as_object_mut() {
        for made_by_github in ["id", "creator", "conflicts"] {
            state.remove(made_by_github);
        }
    }
    Ok(state)
}

/// The classic branch protection that a state describes.
///
/// # Errors
/// It describes none.
pub fn to_protection(state: &Value) -> Result<Protection, serde_json::Error> {
    serde_json::from_value(state.clone())
}

/// The state of a thing of which nothing is said, where there is such a state.
pub fn nothing(thing: &Thing) -> Option<Value> {
    (thing.kind == Kind::BranchProtection).then(|| of_protection(&Protection::new(&thing.name)).ok()).flatten()
}

/// What workflows may do.
pub fn of_workflow_permissions(permissions: &WorkflowPermissions) -> Value {
    json!(permissions)
}

/// Whether two states are the same: orders of lists, defaults that GitHub fills in, and numbers that it gives to those who
/// need none do not count.
pub fn is_same(kind: Kind, one: &Value, other: &Value) -> bool {
    differing(kind, one, other).is_empty()
}

/// The fields in which two states differ, by name.
pub fn differing(kind: Kind, one: &Value, other: &Value) -> Vec<String> {
    let (one, other) = (plain(kind, one), plain(kind, other));
    let fields: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    fields.into_iter().filter(|field| shown(one.get(*field)) != shown(other.get(*field))).cloned().collect()
}

/// Whether each field is as in one of two states: what a change that stopped in the middle may leave.
pub fn is_between(kind: Kind, one: &Value, other: &Value, live: &Value) -> bool {
    let not_one = differing(kind, one, live);
    let not_other = differing(kind, other, live);
    // Written apart from the rest, and GitHub may have switched it off on the way.
    not_one.iter().all(|field| !not_other.contains(field) || (kind == Kind::BranchProtection && field == SIGNATURES))
}

/// The field of a classic protection that is written by a request of its own.
const SIGNATURES: &str = "requires_commit_signatures";

/// A text that is the same for the same state.
pub fn fingerprint(kind: Kind, state: Option<&Value>) -> String {
    let text = state.map_or_else(|| "nothing".to_owned(), |state| shown(Some(&Value::Object(plain(kind, state)))));
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn shown(value: Option<&Value>) -> String {
    value.map(exact).unwrap_or_default()
}

/// A text that only the same value has, whatever the order of fields and of lists: names come from anybody, and one with a
/// comma in it is not two.
fn exact(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let fields = object.iter().filter(|(_, value)| !value.is_null());
            let fields: BTreeMap<&str, String> = fields.map(|(name, value)| (name.as_str(), exact(value))).collect();
            let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(list) => {
            let mut list: Vec<String> = list.iter().map(exact).collect();
            list.sort();
            format!("[{}]", list.join(","))
        }
        other => other.to_string(),
    }
}

/// The state without what does not count.
fn plain(kind: Kind, state: &Value) -> Map<String, Value> {
    let mut state = state.clone();
    match kind {
        Kind::Ruleset => {
            for actor in state.get_mut("bypass_actors").and_then(Value::as_array_mut).into_iter().flatten() {
                let numberless = ["OrganizationAdmin", "EnterpriseOwner", "DeployKey"];
                let kind = actor.get("actor_type").and_then(Value::as_str).unwrap_or_default();
                if let (true, Some(actor)) = (numberless.contains(&kind), actor.as_object_mut()) {
                    actor.remove("actor_id");
                }
            }
        }
        Kind::BranchProtection => plain_protection(&mut state),
        Kind::WorkflowPermissions => {}
    }
    let mut state = match state {
        Value::Object(state) => state,
        other => Map::from_iter([("state".to_owned(), other)]),
    };
    state.retain(|name, value| !without_defaults(name, value));
    state
}

/// Actors by kind and name, apps of checks by number.
fn plain_protection(state: &mut Value) {
    for list in
        ["push_allowances", "bypass_pull_request_allowances", "bypass_force_push_allowances", "review_dismissal_allowances"]
    {
        for actor in state.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(actor) = actor.as_object_mut() {
                actor.remove("id");
                if let Some(Value::String(name)) = actor.get_mut("name") {
                    *name = name.to_ascii_lowercase();
                }
            }
        }
    }
    for check in state.get_mut("required_status_checks").and_then(Value::as_array_mut).into_iter().flatten() {
        let number = check.get("app").and_then(|app| app.get("id")).cloned().filter(|id| !id.is_null());
        if let (Some(number), Some(check)) = (number, check.as_object_mut()) {
            check.insert("app".to_owned(), number);
        }
    }
    let Some(state) = state.as_object_mut() else { return };
    // What is switched off says nothing of the rest.
    let is_on = |state: &Map<String, Value>, name: &str| state.get(name) == Some(&Value::Bool(true));
    for (switch, fields) in [
        ("requires_status_checks", &["requires_strict_status_checks", "required_status_checks"] as &[&str]),
        (
            "requires_approving_reviews",
            &[
                "required_approving_review_count",
                "dismisses_stale_reviews",
                "requires_code_owner_reviews",
                "require_last_push_approval",
                "restricts_review_dismissals",
                "review_dismissal_allowances",
                "bypass_pull_request_allowances",
            ],
        ),
        ("restricts_review_dismissals", &["review_dismissal_allowances"]),
        ("restricts_pushes", &["push_allowances", "blocks_creations"]),
        ("lock_branch", &["lock_allows_fetch_and_merge"]),
    ] {
        if !is_on(state, switch) {
            for field in fields {
                state.remove(*field);
            }
        }
    }
}

/// Takes out of a value what GitHub means anyway when it is left out; whether nothing is left.
fn without_defaults(name: &str, value: &mut Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty() && name == "name",
        // Any app.
        Value::Number(number) => name == "integration_id" && number.as_i64() == Some(-1),
        Value::Array(list) => {
            for value in list.iter_mut() {
                let _ = without_defaults("", value);
            }
            list.is_empty() || (name == "allowed_merge_methods" && list.len() == 3)
        }
        Value::Object(object) => {
            object.retain(|name, value| !without_defaults(name, value));
            object.is_empty()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_orders_do_not_count() {
        let sent = json!({
            "name": "main", "target": "branch", "enforcement": "active",
            "bypass_actors": [
                { "actor_id": null, "actor_type": "OrganizationAdmin", "bypass_mode": "always" },
                { "actor_id": 5, "actor_type": "Team", "bypass_mode": "always" },
            ],
            "conditions": { "ref_name": { "include": ["a", "b"] } },
            "rules": [
                { "type": "deletion" },
                { "type": "commit_message_pattern", "parameters": { "operator": "regex", "pattern": "x" } },
            ],
        });
        let read = json!({
            "name": "main", "target": "branch", "enforcement": "active",
            "bypass_actors": [
                { "actor_id": 5, "actor_type": "Team", "bypass_mode": "always" },
                { "actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always" },
            ],
            "conditions": { "ref_name": { "include": ["b", "a"], "exclude": [] } },
            "rules": [
                {
                    "type": "commit_message_pattern",
                    "parameters": { "operator": "regex", "pattern": "x", "negate": false, "name": "" },
                },
                { "type": "deletion", "parameters": {} },
            ],
        });
        assert!(is_same(Kind::Ruleset, &sent, &read), "{:?}", differing(Kind::Ruleset, &sent, &read));
        assert_eq!(fingerprint(Kind::Ruleset, Some(&sent)), fingerprint(Kind::Ruleset, Some(&read)));
        for (field, other) in [
            ("enforcement", json!("evaluate")),
            ("bypass_actors", json!([])),
            ("conditions", json!({ "ref_name": { "include": ["a"] } })),
            ("rules", json!([{ "type": "deletion" }])),
        ] {
            let mut changed = read.clone();
            changed[field] = other;
            assert_eq!(differing(Kind::Ruleset, &sent, &changed), [field]);
            assert_ne!(fingerprint(Kind::Ruleset, Some(&sent)), fingerprint(Kind::Ruleset, Some(&changed)));
        }
    }

    #[test]
    fn a_name_is_no_more_than_a_name() {
        let checks = |list: Value| json!({ "name": "main", "rules": [{ "type": "required_status_checks", "parameters": { "required_status_checks": list } }] });
        for (one, other) in [
            (json!([{ "context": "ci", "integration_id": 5 }]), json!([{ "context": "ci, integration_id: 5" }])),
            (json!([{ "context": "a" }, { "context": "b" }]), json!([{ "context": "a}, {context: b" }])),
            (json!([{ "context": "true" }]), json!([{ "context": true }])),
        ] {
            let (one, other) = (checks(one), checks(other));
            assert!(!is_same(Kind::Ruleset, &one, &other), "{one} {other}");
            assert_ne!(fingerprint(Kind::Ruleset, Some(&one)), fingerprint(Kind::Ruleset, Some(&other)));
        }
    }

    #[test]
    fn between_is_each_field_from_one_of_both() {
        let one = json!({ "pattern": "main", "is_admin_enforced": true, "requires_linear_history": true });
        let other = json!({ "pattern": "main", "allows_deletions": true });
        let middle = json!({ "pattern": "main", "is_admin_enforced": true });
        assert!(is_between(Kind::BranchProtection, &one, &other, &middle));
        let strange = json!({ "pattern": "main", "is_admin_enforced": true, "lock_branch": true });
        assert!(!is_between(Kind::BranchProtection, &one, &other, &strange));
        assert!(is_between(Kind::BranchProtection, &one, &other, &one));
    }
}
