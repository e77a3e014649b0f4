//! The checks, each over fixtures that fire, that stay quiet and that cannot tell: `fixtures/audit/<check>/`.
//!
//! A fixture changes `healthy.json`, in which no check finds anything, by JSON merge patches of `owner`, `repository`,
//! `inventory`, and of single `rulesets` by name. `expect` says what its one check must find or must not be able to tell.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use refwarden::audit::judge::{Audit, Judge};
use refwarden::audit::scene::Context;
use refwarden::audit::{CHECKS, Check};
use refwarden::github::inventory::Inventory;
use refwarden::github::owner::Owner;
use refwarden::github::repository::Repository;
use refwarden::policy;
use serde::Deserialize;
use serde_json::{Value, json};

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
    #[serde(default)]
    inventory: Value,
    /// Rulesets that the repository has besides.
    #[serde(default)]
    more_rulesets: Vec<Value>,
    /// Merge patches of the repository's rulesets, by name.
    #[serde(default)]
    rulesets: BTreeMap<String, Value>,
    #[serde(default)]
    policy: Option<String>,
    #[serde(default)]
    baseline: Option<Audit>,
    expect: Expected,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// For each finding, in order, a part of its message.
    #[serde(default)]
    found: Vec<String>,
    /// All who are named, of all findings.
    #[serde(default)]
    who: Option<Vec<String>>,
    /// For each thing that cannot be told, in order, a part of the reason.
    #[serde(default)]
    cannot_tell: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/audit")
}

/// Fields that are null where there is nothing, and never absent.
const NULLABLE: &[&str] = &["codeowners", "default_branch"];

/// JSON merge patch, RFC 7396; only that null stays where it has a meaning.
pub fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    // A hidden value replaces what it hides.
    if !into.is_object() || patch.contains_key("~hidden") {
        *into = json!({});
    }
    let into = into.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() && !NULLABLE.contains(&key.as_str()) {
            into.remove(key);
        } else {
            merge(into.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

pub fn healthy() -> Value {
    serde_json::from_slice(&fs::read(folder().join("healthy.json")).unwrap()).unwrap()
}

fn state(case: &Case) -> Value {
    let mut state = healthy();
    for (part, patch) in [("owner", &case.owner), ("repository", &case.repository), ("inventory", &case.inventory)] {
        if !patch.is_null() {
            merge(&mut state[part], patch);
        }
    }
    if let Some(rulesets) = state["repository"]["rulesets"].as_array_mut() {
        rulesets.extend(case.more_rulesets.iter().cloned());
    }
    for (name, patch) in &case.rulesets {
        let rulesets = state["repository"]["rulesets"].as_array_mut().unwrap();
        let ruleset = rulesets.iter_mut().find(|ruleset| ruleset["name"] == **name).expect("a ruleset of this name");
        merge(ruleset, patch);
    }
    state
}

fn judge(state: &Value, case: &Case, checks: &[&'static Check]) -> Audit {
    let owner: Owner = serde_json::from_value(state["owner"].clone()).unwrap();
    let repository: Repository = serde_json::from_value(state["repository"].clone()).unwrap();
    let inventory: Inventory = serde_json::from_value(state["inventory"].clone()).unwrap();
    let policy = case.policy.as_ref().map(|text| policy::parse::parse("policy.toml", text.as_bytes()).unwrap());
    let context = Context {
        owner: &owner,
        policy: policy.as_ref(),
        baseline: case.baseline.as_ref(),
        now: "2026-02-03T04:05:06Z".parse().unwrap(),
    };
    let mut judge = Judge::new(context, checks.to_vec());
    judge.repository(&repository);
    judge.finish(inventory)
}

fn cases(check: &Check) -> Vec<(String, Case)> {
    let folder = folder().join(check.id);
    let mut names: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|_| panic!("{} has fixtures", check.id))
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let case =
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (name, case)
        })
        .collect()
}

#[test]
fn every_check_says_what_its_fixtures_expect() {
    for check in CHECKS {
        let mut kinds = BTreeSet::new();
        for (name, case) in cases(check) {
            let audit = judge(&state(&case), &case, &[check]);
            let told = format!("{}/{name}: {audit:#?}", check.id);
            assert_eq!(audit.findings.len(), case.expect.found.len(), "{told}");
            for (finding, expected) in audit.findings.iter().zip(&case.expect.found) {
                assert!(finding.message.contains(expected), "`{}` does not say `{expected}`: {told}", finding.message);
            }
            if let Some(who) = &case.expect.who {
                let named: BTreeSet<_> = audit.findings.iter().flat_map(|finding| &finding.who).collect();
                assert_eq!(named, who.iter().collect(), "{told}");
            }
            assert_eq!(audit.cannot_tell.len(), case.expect.cannot_tell.len(), "{told}");
            for (cannot_tell, expected) in audit.cannot_tell.iter().zip(&case.expect.cannot_tell) {
                assert!(cannot_tell.why.to_string().contains(expected), "{told}");
            }
            let kind = name.split('-').next().unwrap().to_owned();
            match kind.as_str() {
                "fires" => assert!(!audit.findings.is_empty(), "{told}"),
                "quiet" => assert!(audit.findings.is_empty() && audit.cannot_tell.is_empty(), "{told}"),
                "unknown" => assert!(!audit.cannot_tell.is_empty(), "{told}"),
                other => panic!("`{other}` in {}/{name}: a fixture fires, is quiet or unknown", check.id),
            }
            kinds.insert(kind);
        }
        let missing: Vec<_> = ["fires", "quiet", "unknown"].into_iter().filter(|kind| !kinds.contains(*kind)).collect();
        assert!(missing.is_empty(), "{} has no fixture for {missing:?}", check.id);
    }
}

#[test]
fn every_check_is_listed_described_and_has_its_file() {
    let mut files: Vec<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/audit/checks"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().replace('_', "-"))
        .filter(|name| name != "mod")
        .collect();
    files.sort();
    let mut listed: Vec<_> = CHECKS.iter().map(|check| check.id.to_owned()).collect();
    listed.sort();
    assert_eq!(files, listed);
    for check in CHECKS {
        assert!(!check.looks.is_empty(), "{}", check.id);
        for (what, text) in [("summary", check.summary), ("fix", check.fix)] {
            assert!(!text.is_empty() && !text.ends_with('.'), "{what} of {}", check.id);
            assert!(!text.starts_with(char::is_uppercase) || text.starts_with("CODEOWNERS"), "{what} of {}", check.id);
        }
        assert!(check.why.ends_with('.'), "why of {}", check.id);
        assert!(check.link.starts_with("https://docs.github.com/"), "link of {}", check.id);
    }
}

#[test]
fn nothing_is_found_where_all_is_well() {
    let case = Case {
        _why: None,
        owner: Value::Null,
        repository: Value::Null,
        inventory: Value::Null,
        more_rulesets: Vec::new(),
        rulesets: BTreeMap::new(),
        policy: None,
        baseline: None,
        expect: Expected::default(),
    };
    let audit = judge(&healthy(), &case, CHECKS);
    assert!(audit.findings.is_empty(), "{:#?}", audit.findings);
    // These two need what a first run does not have, and say so.
    let needs_more = ["changed-since-baseline"];
    let cannot_tell: Vec<_> =
        audit.cannot_tell.iter().filter(|cannot_tell| !needs_more.contains(&cannot_tell.check.as_str())).collect();
    assert!(cannot_tell.is_empty(), "{cannot_tell:#?}");
}

/// Everything that a token may be refused, as paths into the state.
fn readable(state: &Value) -> Vec<String> {
    let mut paths: Vec<String> = [
        "base_permission",
        "admins_change_visibility",
        "repository_count",
        "admins",
        "members",
        "teams",
        "installations",
        "custom_roles",
        "rulesets",
        "properties",
        "workflow_permissions",
        "rule_suites",
        "ruleset_versions",
    ]
    .map(|field| format!("/owner/{field}"))
    .into();
    paths.extend(
        [
            "properties",
            "protections",
            "rulesets",
            "branches",
            "tags",
            "releases",
            "codeowners",
            "workflows",
            "reported",
            "collaborators",
            "deploy_keys",
            "environments",
            "workflow_permissions",
            "rule_suites",
            "ruleset_versions",
        ]
        .map(|field| format!("/repository/{field}")),
    );
    for (list, fields) in [
        ("/repository/rulesets", &["bypass_actors", "conditions", "rules"][..]),
        ("/owner/rulesets", &["bypass_actors", "conditions", "rules"]),
        (
            "/repository/protections",
            &[
                "push_allowances",
                "bypass_pull_request_allowances",
                "bypass_force_push_allowances",
                "review_dismissal_allowances",
                "conflicts",
                "required_deployment_environments",
            ],
        ),
        ("/repository/workflows", &["text"]),
        ("/repository/reported", &["checks"]),
        ("/repository/releases", &["target"]),
        ("/repository/collaborators", &["sources"]),
        ("/owner/teams", &["members", "member_count"]),
    ] {
        let len = state.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
        paths.extend((0..len).flat_map(|index| fields.iter().map(move |field| format!("{list}/{index}/{field}"))));
    }
    paths.extend(["text", "errors"].map(|field| format!("/repository/codeowners/{field}")));
    paths.extend(["/repository/default_branch/protected", "/inventory/total"].map(str::to_owned));
    paths
}

/// A token that may see less makes no fault go away: it is still found, or it cannot be told.
#[test]
fn what_is_hidden_never_counts_as_ok() {
    let mut looked = 0;
    for check in CHECKS {
        for (name, case) in cases(check).iter().filter(|(name, _)| name.starts_with("fires")) {
            let state = state(case);
            for path in readable(&state) {
                let mut hidden = state.clone();
                let (parent, field) = path.rsplit_once('/').unwrap();
                let Some(Value::Object(parent)) = hidden.pointer_mut(parent) else { continue };
                let reason = json!({ "~hidden": { "cause": "not_permitted", "why": "the token may not see it" } });
                parent.insert(field.to_owned(), reason);
                let audit = judge(&hidden, case, &[check]);
                let silent = audit.findings.is_empty() && audit.cannot_tell.is_empty();
                assert!(!silent, "{}/{name} is silent when {path} is hidden", check.id);
                looked += 1;
            }
        }
    }
    assert!(looked > 50, "{looked}");
}

const EXEMPTING: &str = r#"version = 1
[github]
owner = "acme"
[[exempt]]
check = "branch-unprotected"
repositories = ["legacy-*"]
reason = "shut down in spring"
until = 2026-02-03
owner = "lead"
[[exempt]]
check = "branch-unprotected"
repositories = ["old-*"]
reason = "was to be shut down in winter"
until = 2026-02-02
[[exempt]]
check = "bypass-always"
reason = "nobody does"
"#;

/// A run over empty repositories of these names, each of which nothing binds.
fn exempting(names: &[&str], hide: bool, narrowed: bool) -> Audit {
    let state = healthy();
    let owner: Owner = serde_json::from_value(state["owner"].clone()).unwrap();
    let inventory: Inventory = serde_json::from_value(state["inventory"].clone()).unwrap();
    let policy = policy::parse::parse("dir/policy.toml", EXEMPTING.as_bytes()).unwrap();
    let now = "2026-02-03T23:59:59Z".parse().unwrap();
    let context = Context { owner: &owner, policy: Some(&policy), baseline: None, now };
    let checks = ["branch-unprotected", "bypass-always", "exempt-expired", "exempt-unused"];
    let mut judge = Judge::new(context, checks.iter().map(|id| refwarden::audit::find(id).unwrap()).collect());
    if narrowed {
        judge.narrowed();
    }
    for name in names {
        let mut repository = state["repository"].clone();
        repository["name"] = json!(name);
        repository["protections"] = json!([]);
        repository["rulesets"] = json!([]);
        repository["default_branch"]["protected"] = json!({ "~hidden": { "cause": "not_asked", "why": "not asked" } });
        if hide {
            repository["rulesets"] = json!({ "~hidden": { "cause": "not_permitted", "why": "hidden" } });
        }
        judge.repository(&serde_json::from_value(repository).unwrap());
    }
    judge.finish(inventory)
}

#[test]
fn exemptions_set_findings_aside_until_their_last_day() {
    let ids = |audit: &Audit| audit.findings.iter().map(|finding| finding.check.clone()).collect::<Vec<_>>();
    let audit = exempting(&["legacy-a", "old-b", "api"], false, false);
    // The last day is a whole day; the day after, the finding is back, and so is the exemption.
    let exempted: Vec<_> = audit.exempted.iter().map(|exempted| exempted.finding.place.target.as_str()).collect();
    assert_eq!(exempted, ["acme/legacy-a"]);
    assert_eq!(audit.exempted[0].owner.as_deref(), Some("lead"));
    assert_eq!(ids(&audit), ["branch-unprotected", "branch-unprotected", "exempt-expired", "exempt-unused"]);
    assert_eq!(audit.findings[2].place.file.as_deref(), Some("dir/policy.toml"));
    assert_eq!(audit.findings[2].place.line, Some(10));
    assert!(audit.findings[3].message.contains("`bypass-always` accepts nothing: nobody does"));
    assert_eq!(audit.checks["exempt-unused"].found, 1);
    // What a part of the repositories, or hidden settings, can't tell is not said.
    assert_eq!(ids(&exempting(&["old-b"], false, true)), ["branch-unprotected", "exempt-expired"]);
    let hidden = exempting(&["legacy-a"], true, false);
    assert_eq!(ids(&hidden), ["exempt-expired"]);
    let unsure: Vec<_> = hidden.cannot_tell.iter().filter(|unknown| unknown.check == "exempt-unused").collect();
    assert_eq!(unsure.iter().map(|unknown| unknown.place.line).collect::<Vec<_>>(), [Some(4), Some(15)], "{unsure:#?}");
    assert!(unsure[1].why.why.contains("from `bypass-always` accepts anything can't be told: hidden"), "{unsure:#?}");
    assert_eq!((hidden.checks["exempt-unused"].held, hidden.checks["exempt-unused"].cannot_tell), (0, 1));
    let unused = exempting(&["api"], false, false);
    assert_eq!(unused.findings.iter().filter(|finding| finding.check == "exempt-unused").count(), 2);
}

#[test]
fn an_exemption_from_no_check_is_told() {
    let text = EXEMPTING.replace("bypass-always", "bypas_always").replace("\"branch-unprotected\"", "\"something else\"");
    let policy = policy::parse::parse("policy.toml", text.as_bytes()).unwrap();
    let found = refwarden::audit::exempt::lint(&policy);
    assert_eq!(found.len(), 3);
    assert_eq!(found[2].help.as_deref(), Some("did you mean `bypass-always`?"));
    assert_eq!((found[2].id, found[2].at.line), ("unknown_check", 15));
    assert!(found[0].help.as_ref().unwrap().contains("refwarden github explain"));
}

/// The answers about the workflows of a repository that requires `test`, which is all that this file is.
fn answers(workflow: &str) -> Audit {
    let mut state = healthy();
    state["repository"]["workflows"] = json!([{ "path": ".github/workflows/ci.yml", "text": workflow }]);
    let checks = ["check-name-ambiguous", "check-skippable", "check-path-filtered"];
    let checks: Vec<_> = checks.iter().map(|id| refwarden::audit::find(id).unwrap()).collect();
    judge(&state, &serde_json::from_value(json!({ "expect": {} })).unwrap(), &checks)
}

/// Files that would keep a program busy, or fill its memory, are answered with the bound that they are over.
#[test]
fn a_workflow_file_that_costs_too_much_cannot_be_told() {
    let lines = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let on = "on: {pull_request: {}}\njobs:\n";
    let some = "on: {pull_request: {paths: [a]}}\njobs:\n";
    let filters = lines(5_000, &|number| format!("      - '**/a{number}*b'\n"));
    let same = lines(15_000, &|number| format!("  j{number}: {{name: test}}\n"));
    let filtered = format!("on:\n  pull_request:\n    branches:\n{filters}jobs:\n{same}");
    let needing = lines(900, &|number| format!("  t{number}: {{name: test, needs: [j0]}}\n"));
    let needed = lines(19_000, &|number| format!("  j{number}: {{}}\n"));
    let long = "x".repeat(900_000);
    let cells = format!("{:?}", (0..256).collect::<Vec<_>>());
    for (workflow, bound) in [
        (filtered, "more than the 32768 characters that are judged"),
        (format!("{on}{same}"), "more than 1000 jobs report `test`"),
        (format!("{on}{needing}{needed}"), "more than the 10000000 steps that are gone"),
        (format!("{on}{needed}{needed}x: {{}}\n").replace("  j", "  x: {}\n  j"), "is not understood"),
        (
            format!("{on}  test: {{name: '{long}', strategy: {{matrix: {{a: {cells}}}}}}}\n"),
            "than the 21000 characters that GitHub reads",
        ),
        (format!("{on}  test: {{if: '{long}'}}\n"), "than the 21000 characters that GitHub reads"),
        (format!("{on}  {long}: {{name: test}}\n"), "is not understood"),
        (
            format!("{some}  a: {{name: '${{{{ matrix.b }}}}', strategy: {{matrix: {{a: {cells}, b: ['{long}']}}}}}}\n"),
            "only known when it runs",
        ),
    ] {
        let audit = answers(&workflow);
        let start: String = workflow.chars().take(60).collect();
        assert!(
            audit.cannot_tell.iter().any(|unknown| unknown.why.why.contains(bound)),
            "{start} {bound}: {:#?}",
            audit.cannot_tell
        );
    }
    // As many as people write are followed.
    let many = lines(300, &|number| format!("  j{number}: {{}}\n"));
    let few = lines(50, &|number| format!("      - 'release/{number}/**'\n"));
    let honest = format!("on:\n  pull_request:\n    branches:\n      - main\n{few}jobs:\n{many}  test: {{}}\n");
    let audit = answers(&honest);
    assert!(audit.findings.is_empty() && audit.cannot_tell.is_empty(), "{audit:#?}");
}
