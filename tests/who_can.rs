//! Who can, over fixtures: `fixtures/who-can/<name>.json` changes `fixtures/audit/healthy.json` and says who must be named, in
//! which words. Each way in has a twin that closes it. `REFWARDEN_WRITE=1` writes what is said.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use refwarden::github::effective::Effective;
use refwarden::github::owner::Owner;
use refwarden::github::repository::Repository;
use refwarden::github::who_can::{Action, Answer, who_can};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::audit::{healthy, merge};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Why the case is worth having, where its name does not say it.
    #[serde(default, rename = "why")]
    _why: Option<String>,
    #[serde(default)]
    owner: Value,
    #[serde(default)]
    repository: Value,
    /// Merge patches of the repository's rulesets, by name.
    #[serde(default)]
    rulesets: BTreeMap<String, Value>,
    #[serde(rename = "ref")]
    ref_name: String,
    action: Action,
    expect: Expected,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// Every explanation, in order.
    #[serde(default)]
    who: Vec<String>,
    /// Everything that must be so besides.
    #[serde(default)]
    conditions: Vec<String>,
    /// Everything that keeps the answer from being complete.
    #[serde(default)]
    reasons: Vec<String>,
}

fn state(case: &Case) -> Value {
    let mut state = healthy();
    for (part, patch) in [("owner", &case.owner), ("repository", &case.repository)] {
        if !patch.is_null() {
            merge(&mut state[part], patch);
        }
    }
    for (name, patch) in &case.rulesets {
        let rulesets = state["repository"]["rulesets"].as_array_mut().unwrap();
        let ruleset = rulesets.iter_mut().find(|ruleset| ruleset["name"] == **name).expect("a ruleset of this name");
        merge(ruleset, patch);
    }
    state
}

fn answer(state: &Value, ref_name: &str, action: Action) -> Answer {
    let owner: Owner = serde_json::from_value(state["owner"].clone()).unwrap();
    let repository: Repository = serde_json::from_value(state["repository"].clone()).unwrap();
    let effective = Effective::of(&repository, &owner, ref_name);
    who_can(&repository, &owner, &effective, action)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/who-can")
}

fn cases() -> Vec<(String, Case)> {
    let mut paths: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &Path| {
        let case = serde_json::from_slice(&fs::read(path).unwrap());
        case.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    paths.iter().map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), read(path))).collect()
}

#[test]
fn everyone_who_can_is_named_with_the_door() {
    let mut wrong = Vec::new();
    for (name, case) in cases() {
        let answer = answer(&state(&case), &case.ref_name, case.action);
        assert_eq!(answer.complete, answer.reasons.is_empty());
        let told = Expected {
            who: answer.entries.iter().map(|entry| entry.explanation.clone()).collect(),
            conditions: answer.conditions.clone(),
            reasons: answer.reasons.iter().map(ToString::to_string).collect(),
        };
        if told != case.expect && std::env::var_os("REFWARDEN_WRITE").is_some() {
            let path = folder().join(format!("{name}.json"));
            let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            file["expect"] = json!(told);
            file["expect"].as_object_mut().unwrap().retain(|_, list| list != &json!([]));
            fs::write(&path, serde_json::to_string_pretty(&file).unwrap() + "\n").unwrap();
        } else if told != case.expect {
            wrong.push(format!("{name}: {}", serde_json::to_string_pretty(&told).unwrap()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever can is named still, or stands behind someone who is, or the answer says that it is not complete.
#[test]
fn what_is_hidden_never_makes_an_answer_complete() {
    let mut looked = 0;
    for (name, case) in cases() {
        let seen = state(&case);
        let before = answer(&seen, &case.ref_name, case.action);
        for path in hideable(&seen) {
            let (parent, field) = path.rsplit_once('/').unwrap();
            let mut hidden = seen.clone();
            let Some(Value::Object(parent)) = hidden.pointer_mut(parent) else { continue };
            parent
                .insert(field.to_owned(), json!({ "~hidden": { "cause": "not_permitted", "why": "the token may not see it" } }));
            let after = answer(&hidden, &case.ref_name, case.action);
            let names = |answer: &Answer| -> BTreeSet<String> { answer.entries.iter().map(|entry| entry.who.clone()).collect() };
            assert!(!after.complete || names(&after) == names(&before), "{name}: {path} hidden: {after:#?}");
            looked += 1;
        }
    }
    assert!(looked > 200, "{looked}");
}

fn hideable(state: &Value) -> Vec<String> {
    let owner = ["base_permission", "admins", "members", "teams", "installations", "custom_roles"];
    let repository = ["protections", "rulesets", "collaborators", "deploy_keys"];
    let mut paths: Vec<String> = owner.iter().map(|field| format!("/owner/{field}")).collect();
    paths.extend(repository.iter().map(|field| format!("/repository/{field}")));
    for (list, fields) in [
        ("/repository/rulesets", &["bypass_actors", "conditions", "rules"][..]),
        ("/repository/protections", &["push_allowances", "bypass_pull_request_allowances", "bypass_force_push_allowances"]),
        ("/repository/collaborators", &["sources"]),
        ("/owner/teams", &["members"]),
    ] {
        let len = state.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
        paths.extend((0..len).flat_map(|index| fields.iter().map(move |field| format!("{list}/{index}/{field}"))));
    }
    paths
}

#[test]
fn every_action_has_its_word() {
    for action in Action::ALL {
        assert_eq!(Action::find(action.as_str()), Some(action));
        assert_eq!(json!(action), json!(action.as_str()));
    }
    assert_eq!(Action::find("pull"), None);
}
