//! One case, three executions: from facts built directly, by a real push, by `explain`. All must agree with the file.
//!
//! A case lies in `fixtures/rules/<rule>/`. The facts for the first execution come from git's own commands, not from the
//! code that reads them in a push.

mod oracle;
mod random;

use std::collections::{BTreeMap, BTreeSet};

use refwarden::policy::Enforcement;
use refwarden::policy::parse::parse;
use refwarden::rules::RULES;
use refwarden::verdict::{Evaluation, Outcome, evaluate, fold_decision, select, server_evaluations};
use serde::Deserialize;
use serde_json::Value;

use crate::support::scenario::{Push, Scene, State, bytes, fixtures, for_all};
use crate::support::{HEAD, clean};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    policy: String,
    #[serde(default)]
    server: State,
    push: Push,
    expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    decision: String,
    /// Part of why it could not be judged.
    cause: Option<String>,
    #[serde(default)]
    violations: Vec<Violation>,
    /// The rule counts over the whole push, so that one update alone comes out otherwise.
    #[serde(default)]
    push_wide: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Violation {
    ruleset: String,
    rule: String,
    #[serde(rename = "ref")]
    name: String,
    path: Option<String>,
    commit: Option<String>,
}

/// The commit's name in the file, if it has one.
fn named(scene: &Scene, id: &str) -> String {
    scene.objects.name(id).unwrap_or(id).to_owned()
}

fn readable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

fn from_evaluations(scene: &Scene, evaluations: &[Evaluation]) -> Vec<Violation> {
    let mut all = Vec::new();
    for evaluation in evaluations.iter().filter(|evaluation| evaluation.enforcement == Enforcement::Active) {
        let Outcome::Violated(violations) = &evaluation.outcome else { continue };
        for violation in violations {
            all.push(Violation {
                ruleset: evaluation.ruleset.clone(),
                rule: evaluation.rule.to_owned(),
                name: readable(evaluation.ref_name.as_bytes()),
                path: violation.path.as_ref().map(|path| readable(path)),
                commit: violation.commit.map(|id| named(scene, &id.to_string())),
            });
        }
    }
    all.sort();
    all
}

fn text_of(value: &Value) -> String {
    match &value["bytes_hex"] {
        Value::String(hex) => {
            let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
            readable(&bytes)
        }
        _ => value.as_str().expect("a text").to_owned(),
    }
}

fn from_json(scene: &Scene, verdict: &Value) -> Vec<Violation> {
    let mut all = Vec::new();
    for evaluation in verdict["evaluations"].as_array().expect("evaluations") {
        if evaluation["enforcement"] != "active" || evaluation["outcome"] != "violated" {
            continue;
        }
        let violations = evaluation["violations"].as_array().expect("violations");
        assert_eq!(violations.len() as u64, evaluation["violations_total"].as_u64().unwrap(), "more violations than are listed");
        for violation in violations {
            all.push(Violation {
                ruleset: text_of(&evaluation["ruleset"]),
                rule: text_of(&evaluation["rule"]),
                name: text_of(&evaluation["ref"]),
                path: violation.get("path").map(text_of),
                commit: violation.get("commit").map(|id| named(scene, id.as_str().unwrap())),
            });
        }
    }
    all.sort();
    all
}

fn causes(verdict: &Value) -> String {
    let mut all = verdict["cause"].as_str().unwrap_or_default().to_owned();
    for evaluation in verdict["evaluations"].as_array().into_iter().flatten() {
        all.push_str(evaluation["why"].as_str().unwrap_or_default());
    }
    all
}

fn run(name: &str, text: &str) {
    let case: Case = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    let scene = Scene::new(&case.policy, &case.server, &[&case.push]);
    let mut expected = case.expect.violations.clone();
    for violation in &mut expected {
        violation.name = readable(&bytes(&violation.name));
        violation.path = violation.path.as_deref().map(|path| readable(&bytes(path)));
    }
    expected.sort();

    // From facts.
    let policy = parse("policy.toml", format!("{HEAD}{}", case.policy).as_bytes())
        .unwrap_or_else(|problems| panic!("the policy does not load: {problems:?}"));
    let seen = oracle::see(&scene, &case.server, &case.push);
    let mut evaluations = server_evaluations(&policy, &seen.context, &seen.updates).unwrap();
    let selected = select(&policy, &seen.context, &seen.updates).unwrap();
    let facts: Vec<_> = selected.iter().map(|selected| oracle::facts(&scene, &seen, selected)).collect();
    evaluations.extend(evaluate(&selected, &facts));
    assert_eq!(fold_decision(&evaluations).as_str(), case.expect.decision, "from facts: {evaluations:#?}");
    assert_eq!(from_evaluations(&scene, &evaluations), expected, "from facts");

    // By `explain`, one update at a time, before the push.
    let mut explained = BTreeSet::new();
    for (index, (reference, value)) in case.push.updates.iter().enumerate() {
        if name_of(reference).is_none() || case.expect.push_wide {
            continue;
        }
        let mut explain = clean(env!("CARGO_BIN_EXE_refwarden"), &scene.work.home);
        explain.args(["explain", "--json", "--actor", &case.push.actor, "--repo"]).arg(&scene.server.dir);
        explain.arg("--objects").arg(&scene.work.dir);
        let new = if value.is_empty() { scene.server.null() } else { scene.objects.id(&scene.work, value) };
        let output = explain.args(["--", reference, "-", &new]).output().unwrap();
        let verdict: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("explain: {error}: {}", String::from_utf8_lossy(&output.stderr)));
        let mine: Vec<_> = expected.iter().filter(|violation| violation.name == readable(&bytes(reference))).cloned().collect();
        assert_eq!(from_json(&scene, &verdict), mine, "explain, update {index}: {verdict:#}");
        let decision = verdict["decision"].as_str().unwrap().to_owned();
        let code = match decision.as_str() {
            "accepted" => 0,
            "refused" => 1,
            _ => 2,
        };
        assert_eq!(output.status.code(), Some(code), "explain's exit code");
        if let Some(cause) = &case.expect.cause {
            assert!(causes(&verdict).contains(cause), "explain: `{cause}` is not named: {verdict:#}");
        }
        explained.insert(decision);
    }
    if !explained.is_empty() {
        let worst = ["refused", "undecided", "accepted"].into_iter().find(|decision| explained.contains(*decision));
        assert_eq!(worst, Some(case.expect.decision.as_str()), "explain");
    }

    // By a real push.
    let pushed = scene.push(&case.push, &["--push-option=refwarden=json"]);
    assert_eq!(pushed.accepted, case.expect.decision == "accepted", "the push: {}", pushed.output);
    let remote = pushed.remote();
    let line = remote.lines().find_map(|line| line.strip_prefix("refwarden-json: "));
    let line = line.unwrap_or_else(|| panic!("no verdict for programs: {}", pushed.output));
    let verdict: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert_eq!(verdict["decision"], case.expect.decision, "the push: {verdict:#}");
    assert_eq!(from_json(&scene, &verdict), expected, "the push: {verdict:#}");
    if let Some(cause) = &case.expect.cause {
        assert!(causes(&verdict).contains(cause), "the push: `{cause}` is not named: {verdict:#}");
    }

    // What the folder is about is what decides.
    let rule = name.split('/').next().unwrap();
    if case.expect.decision == "refused" {
        assert!(expected.iter().any(|violation| violation.rule == rule), "no violation of `{rule}`");
    }
    assert!(case.policy.contains(rule), "the policy does not speak of `{rule}`");
}

/// The name as text, if a command line can carry it.
fn name_of(reference: &str) -> Option<&str> {
    (bytes(reference) == reference.as_bytes()).then_some(reference)
}

#[test]
fn three_executions_agree() {
    for_all("rules", run);
}

#[test]
fn every_rule_has_its_cases() {
    let mut decisions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in fixtures("rules") {
        let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        decisions.entry(name.split('/').next().unwrap().to_owned()).or_default().insert(case.expect.decision);
    }
    for entry in RULES {
        let found = decisions.remove(entry.info.id).unwrap_or_default();
        assert!(found.contains("accepted"), "`{}` has no accepting case", entry.info.id);
        match entry.info.not_on_a_server {
            None => assert!(found.contains("refused"), "`{}` has no refusing case", entry.info.id),
            Some(_) => assert_eq!(found.len(), 1, "`{}` refuses nothing here", entry.info.id),
        }
    }
    decisions.remove("server");
    assert!(decisions.is_empty(), "folders of no rule: {decisions:?}");
}
