//! What a policy asks GitHub for, and what differs: nothing between a policy and what it asks for, no order of sets, and each
//! field that asks for less is weaker.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use refwarden::audit::CHECKS;
use refwarden::audit::judge::{Audit, Judge};
use refwarden::audit::scene::Context;
use refwarden::github::desired::{Desired, DesiredRuleset};
use refwarden::github::drift::{Difference, Direction, WHOLE, compare};
use refwarden::github::names::Names;
use refwarden::github::owner::Owner;
use refwarden::github::protection::Protection;
use refwarden::github::readable::{Cause, Readable};
use refwarden::github::repository::Repository;
use refwarden::github::ruleset::Ruleset;
use refwarden::policy::{Policy, parse};
use refwarden::report::{self, Report};
use serde_json::{Value, json};

use crate::audit::{healthy, merge};

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 2, 3);

struct World {
    owner: Owner,
    repository: Repository,
}

impl World {
    fn new(patch: Value) -> World {
        let mut state = healthy();
        merge(&mut state, &patch);
        World {
            owner: serde_json::from_value(state["owner"].clone()).unwrap(),
            repository: serde_json::from_value(state["repository"].clone()).unwrap(),
        }
    }

    fn desired(&self, policy: &Policy) -> Desired {
        Desired::for_repository(policy, &self.owner, &self.repository, TODAY).unwrap().expect("the repository is selected")
    }

    fn compare(&self, policy: &Policy) -> Vec<Difference> {
        compare(&self.desired(policy), &self.owner, Some(&self.repository))
    }

    /// The rulesets as GitHub would answer them had it been given just what is desired.
    fn applied(&self, policy: &Policy) -> Vec<Value> {
        let desired = self.desired(policy);
        let live = |(index, ruleset): (usize, &DesiredRuleset)| {
            let mut body = ruleset.body(&Names::new(&self.owner, Some(&self.repository))).unwrap();
            body["id"] = json!(index + 1);
            body["source_type"] = json!("Repository");
            body["source"] = json!("acme/api");
            if body.get("conditions").is_none() {
                body["conditions"] = Value::Null;
            }
            body
        };
        desired.rulesets.iter().enumerate().map(live).collect()
    }

    fn with(&self, rulesets: &[Value]) -> World {
        let rulesets: Vec<Arc<Ruleset>> =
            rulesets.iter().map(|ruleset| Arc::new(serde_json::from_value(ruleset.clone()).unwrap())).collect();
        let mut repository = self.repository.clone();
        repository.rulesets = Readable::Known(rulesets);
        World { owner: self.owner.clone(), repository }
    }
}

fn policy(github: &str, rulesets: &str) -> Policy {
    let text = format!("version = 1\n[github]\nowner = \"acme\"\n{github}\n{rulesets}");
    parse::parse("policy.toml", text.as_bytes()).unwrap_or_else(|problems| panic!("{text}\n{problems:?}"))
}

fn told(differences: &[Difference]) -> Vec<String> {
    differences
        .iter()
        .map(|found| {
            let show = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), Value::to_string);
            let (desired, live) = (show(&found.desired), show(&found.live));
            format!("{} {} {} {desired} {live}", found.ruleset, found.field, found.direction.as_str())
        })
        .collect()
}

const BRANCH_RULES: &[&str] = &[
    "creation = true",
    "update = { update_allows_fetch_and_merge = false }",
    "deletion = true",
    "non_fast_forward = true",
    "required_linear_history = true",
    "required_signatures = true",
    "pull_request = { required_approving_review_count = 2, dismiss_stale_reviews_on_push = true, require_code_owner_review = true, require_last_push_approval = true, required_review_thread_resolution = true, allowed_merge_methods = [\"squash\", \"rebase\"], dismissal_restriction = { enabled = true, allowed_actors = [\"team:release\", \"alan\"] }, required_reviewers = [{ file_patterns = [\"a\", \"b\"], minimum_approvals = 2, reviewer = \"team:platform\" }] }",
    "pull_request = { required_approving_review_count = 1 }",
    "required_status_checks = { strict_required_status_checks_policy = true, required_status_checks = [{ context = \"test\", integration_id = 15368 }, { context = \"lint\" }] }",
    "required_status_checks = { do_not_enforce_on_create = true, required_status_checks = [{ context = \"test\" }] }",
    "commit_message_pattern = { operator = \"regex\", pattern = \"^fix\" }",
    "commit_message_pattern = [{ operator = \"contains\", pattern = \"x\" }, { operator = \"regex\", pattern = \"^f\", negate = true }]",
    "commit_author_email_pattern = { operator = \"ends_with\", pattern = \"@example.org\", name = \"ours\" }",
    "branch_name_pattern = { operator = \"starts_with\", pattern = \"m\" }",
    "merge_queue = { check_response_timeout_minutes = 60, grouping_strategy = \"ALLGREEN\", max_entries_to_build = 5, max_entries_to_merge = 5, merge_method = \"MERGE\", min_entries_to_merge = 1, min_entries_to_merge_wait_minutes = 5 }",
    "required_deployments = { required_deployment_environments = [\"staging\", \"production\"] }",
    "workflows = { workflows = [{ path = \".github/workflows/ci.yml\", repository = \"acme/api\", sha = \"abc\" }] }",
    "code_scanning = { code_scanning_tools = [{ tool = \"CodeQL\", alerts_threshold = \"errors\", security_alerts_threshold = \"high_or_higher\" }, { tool = \"Zizmor\", alerts_threshold = \"all\", security_alerts_threshold = \"all\" }] }",
    "copilot_code_review = { review_on_push = true }",
    "license_compliance_scanning = true",
];
const TAG_RULES: &[&str] = &["creation = true", "deletion = true", "update = true", "non_fast_forward = true"];
const PUSH_RULES: &[&str] = &[
    "file_path_restriction = { restricted_file_paths = [\".github/workflows/**/*\", \"Cargo.toml\"] }",
    "max_file_path_length = { max_file_path_length = 200 }",
    "file_extension_restriction = { restricted_file_extensions = [\"jar\", \".exe\"] }",
    "max_file_size = { max_file_size = 5 }",
];
const REFS: &[&str] = &[
    "[\"~DEFAULT_BRANCH\", \"release/**/*\"]",
    "{ include = [\"~ALL\"], exclude = [\"topic/*\", \"wip\"] }",
    "[\"a\", \"b/*\", \"c/?\"]",
];
pub(crate) const ACTORS: &[&str] =
    &["team:release", "team:platform", "app:release-please", "role:maintain", "org-admins", "deploy-keys", "alan", "edsger"];

#[derive(Debug, Clone)]
struct Planned {
    target: usize,
    refs: usize,
    enforcement: usize,
    bypass: Vec<(usize, usize)>,
    rules: Vec<usize>,
}

impl Planned {
    fn toml(&self, name: usize) -> String {
        let (target, rules) = [("branch", BRANCH_RULES), ("tag", TAG_RULES), ("push", PUSH_RULES)][self.target];
        let mut text = format!("[[ruleset]]\nname = \"r{name}\"\ntarget = \"{target}\"\n");
        match self.target {
            0 => text.push_str(&format!("refs = {}\n", REFS[self.refs])),
            1 => text.push_str("refs = [\"v*\"]\n"),
            _ => {}
        }
        text.push_str(["", "enforcement = \"evaluate\"\n"][self.enforcement]);
        let mut seen = Vec::new();
        let entries = self.bypass.iter().filter(|(actor, _)| {
            let new = !seen.contains(actor);
            seen.push(*actor);
            new
        });
        let entries: Vec<String> = entries
            .map(|(actor, mode)| {
                let both = self.target == 0 && ACTORS[*actor] != "deploy-keys";
                let mode = if both { ["always", "pull_request", "exempt"][*mode] } else { "always" };
                format!("{{ actor = \"{}\", mode = \"{mode}\" }}", ACTORS[*actor])
            })
            .collect();
        text.push_str(&format!("bypass = [{}]\n[ruleset.rules]\n", entries.join(", ")));
        let mut keys: Vec<&str> = Vec::new();
        for rule in &self.rules {
            let rule = rules[rule % rules.len()];
            let key = rule.split(' ').next().unwrap();
            if !keys.contains(&key) {
                keys.push(key);
                text.push_str(rule);
                text.push('\n');
            }
        }
        text
    }
}

fn planned() -> impl Strategy<Value = Planned> {
    let bypass = prop::collection::vec((0..ACTORS.len(), 0..3usize), 0..4);
    let rules = prop::collection::vec(0..BRANCH_RULES.len(), 1..7);
    (prop::sample::select(vec![0, 0, 0, 1, 2]), 0..REFS.len(), 0..2usize, bypass, rules)
        .prop_map(|(target, refs, enforcement, bypass, rules)| Planned { target, refs, enforcement, bypass, rules })
}

pub(crate) fn plan() -> impl Strategy<Value = String> {
    prop::collection::vec(planned(), 1..4).prop_map(|planned| {
        let text: Vec<String> = planned.iter().enumerate().map(|(name, planned)| planned.toml(name)).collect();
        text.concat()
    })
}

/// Every list in a ruleset turned by so many places; GitHub promises no order of any.
fn turn(value: &mut Value, by: usize) {
    match value {
        Value::Array(list) => {
            if !list.is_empty() {
                let by = by % list.len();
                list.rotate_left(by);
            }
            list.iter_mut().for_each(|value| turn(value, by));
        }
        Value::Object(object) => object.values_mut().for_each(|value| turn(value, by)),
        _ => {}
    }
}

/// Fields that ask for more the larger they are, and those that ask for less.
const MORE: &[&str] = &[
    "required_approving_review_count",
    "dismiss_stale_reviews_on_push",
    "require_code_owner_review",
    "require_last_push_approval",
    "required_review_thread_resolution",
    "minimum_approvals",
    "strict_required_status_checks_policy",
    "review_on_push",
];
const LESS: &[&str] = &["do_not_enforce_on_create", "update_allows_fetch_and_merge", "max_file_size", "max_file_path_length"];
const DEMANDS: &[&str] = &[
    "rules",
    "required_status_checks",
    "required_deployment_environments",
    "workflows",
    "code_scanning_tools",
    "required_reviewers",
    "restricted_file_paths",
    "restricted_file_extensions",
    "include",
];

/// Every way to make a ruleset ask for less by changing one thing in it.
fn weakenings(ruleset: &Value) -> Vec<(String, Value)> {
    fn within(value: &Value, at: &str, found: &mut Vec<(String, Option<Value>)>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    let here = format!("{at}/{key}");
                    let number = value.as_u64();
                    match key.as_str() {
                        key if MORE.contains(&key) && value == &json!(true) => found.push((here.clone(), Some(json!(false)))),
                        key if MORE.contains(&key) && number.is_some_and(|number| number > 0) => {
                            found.push((here.clone(), Some(json!(number.unwrap() - 1))));
                        }
                        key if LESS.contains(&key) && value == &json!(false) => found.push((here.clone(), Some(json!(true)))),
                        key if LESS.contains(&key) && number.is_some() => {
                            found.push((here.clone(), Some(json!(number.unwrap() + 1))));
                        }
                        key if DEMANDS.contains(&key) && value.is_array() => {
                            let list = value.as_array().unwrap();
                            for index in 0..list.len() {
                                let mut fewer = list.clone();
                                fewer.remove(index);
                                found.push((here.clone(), Some(Value::Array(fewer))));
                            }
                        }
                        "integration_id" | "sha" => found.push((here.clone(), None)),
                        "enforcement" if value == &json!("active") => found.push((here.clone(), Some(json!("evaluate")))),
                        "enforcement" => found.push((here.clone(), Some(json!("disabled")))),
                        "alerts_threshold" | "security_alerts_threshold" => found.push((here.clone(), Some(json!("none")))),
                        "grouping_strategy" => found.push((here.clone(), Some(json!("HEADGREEN")))),
                        "allowed_merge_methods" => found.push((here.clone(), None)),
                        "enabled" => found.push((here.clone(), Some(json!(false)))),
                        "bypass_mode" if value == &json!("pull_request") => found.push((here.clone(), Some(json!("always")))),
                        "bypass_mode" if value == &json!("always") => found.push((here.clone(), Some(json!("exempt")))),
                        "bypass_actors" => {
                            let mut more = value.as_array().unwrap().clone();
                            more.push(json!({ "actor_id": 99, "actor_type": "Team", "bypass_mode": "pull_request" }));
                            found.push((here.clone(), Some(Value::Array(more))));
                        }
                        "allowed_actors" => {
                            let mut more = value.as_array().unwrap().clone();
                            more.push(json!({ "id": 204, "type": "User" }));
                            found.push((here.clone(), Some(Value::Array(more))));
                        }
                        "exclude" => {
                            let include = object["include"].as_array().unwrap();
                            let excluded = match include[0].as_str().unwrap() {
                                "~ALL" => "refs/heads/another",
                                pattern => pattern,
                            };
                            let mut more = value.as_array().unwrap().clone();
                            more.push(json!(excluded));
                            found.push((here.clone(), Some(Value::Array(more))));
                        }
                        _ => {}
                    }
                    within(value, &here, found);
                }
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(index, value)| within(value, &format!("{at}/{index}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    within(ruleset, "", &mut found);
    found
        .into_iter()
        .map(|(path, new)| {
            let mut weaker = ruleset.clone();
            let (parent, key) = path.rsplit_once('/').unwrap();
            let told = format!("{path}: {new:?}");
            let parent = weaker.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            match new {
                Some(new) => drop(parent.insert(key.to_owned(), new)),
                None => drop(parent.remove(key)),
            }
            (told, weaker)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_differs_from_what_is_desired(text in plan(), by in 0..9usize) {
        let policy = policy("", &text);
        let world = World::new(json!({}));
        let mut live = world.applied(&policy);
        prop_assert_eq!(told(&world.with(&live).compare(&policy)), Vec::<String>::new());
        live.iter_mut().for_each(|ruleset| turn(ruleset, by));
        let by = by % live.len();
        live.rotate_left(by);
        prop_assert_eq!(told(&world.with(&live).compare(&policy)), Vec::<String>::new());
    }

    #[test]
    fn less_in_one_place_is_weaker(text in plan(), which in any::<prop::sample::Index>()) {
        let policy = policy("", &text);
        let world = World::new(json!({}));
        let live = world.applied(&policy);
        let index = which.index(live.len());
        for (told_as, weaker) in weakenings(&live[index]) {
            let mut changed = live.clone();
            changed[index] = weaker;
            let found = world.with(&changed).compare(&policy);
            let is_weaker = found.iter().any(|found| found.direction == Direction::Weaker);
            prop_assert!(is_weaker, "{told_as}: {:?}", told(&found));
            prop_assert!(!found.iter().any(|found| found.direction == Direction::Stronger), "{told_as}: {:?}", told(&found));
        }
        let mut fewer = live.clone();
        fewer.remove(index);
        let found = world.with(&fewer).compare(&policy);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!((found[0].direction, found[0].field.as_str()), (Direction::Weaker, WHOLE));
    }

    #[test]
    fn what_is_hidden_is_not_equal(text in plan(), which in any::<prop::sample::Index>()) {
        let policy = policy("", &text);
        let world = World::new(json!({}));
        let live = world.applied(&policy);
        let index = which.index(live.len());
        for part in ["rules", "bypass_actors", "conditions"] {
            let mut hidden = live.clone();
            if hidden[index][part].is_null() {
                continue;
            }
            hidden[index][part] = json!({ "~hidden": { "cause": "not_permitted", "why": "the token may not see it" } });
            let found = world.with(&hidden).compare(&policy);
            prop_assert!(found.iter().any(|found| found.direction == Direction::CannotTell), "{part}: {:?}", told(&found));
        }
        let mut hidden = world.with(&live);
        hidden.repository.rulesets = Readable::hidden(Cause::NotPermitted, "no");
        prop_assert!(hidden.compare(&policy).iter().all(|found| found.direction == Direction::CannotTell));
        for list in ["teams", "installations"] {
            let mut hidden = world.with(&live);
            match list {
                "teams" => hidden.owner.teams = Readable::hidden(Cause::NotPermitted, "no"),
                _ => hidden.owner.installations = Readable::hidden(Cause::NotPermitted, "no"),
            }
            let found = hidden.compare(&policy);
            prop_assert!(found.iter().all(|found| found.direction == Direction::CannotTell), "{list}: {:?}", told(&found));
        }
    }
}

/// What each case changes of what the policy asks for, and what must be told of it.
#[test]
fn differences_are_told_as_they_are() {
    let rulesets = r#"
[[ruleset]]
name = "main"
target = "branch"
refs = ["~DEFAULT_BRANCH", "release/*"]
bypass = [{ actor = "team:release", mode = "pull_request" }, { actor = "alan", until = 2026-01-01 }]
[ruleset.rules]
deletion = true
pull_request = { required_approving_review_count = 2, dismiss_stale_reviews_on_push = true }
required_status_checks = { required_status_checks = [{ context = "test", integration_id = 15368 }] }
commit_message_pattern = { operator = "regex", pattern = "^fix" }
"#;
    let policy = policy("", rulesets);
    let world = World::new(json!({}));
    let live = world.applied(&policy).remove(0);
    let cases: &[(&str, Value, &[&str])] = &[
        ("/enforcement", json!("evaluate"), &["main enforcement weaker \"active\" \"evaluate\""]),
        ("/enforcement", json!("paused"), &["main enforcement different \"active\" \"paused\"", "main ruleset cannot_tell - -"]),
        (
            "/conditions/ref_name/include",
            json!(["~ALL"]),
            &[
                "main conditions.ref_name.include[refs/heads/release/*] different \"refs/heads/release/*\" -",
                "main conditions.ref_name.include[~DEFAULT_BRANCH] different \"~DEFAULT_BRANCH\" -",
                "main conditions.ref_name.include[~ALL] stronger - \"~ALL\"",
            ],
        ),
        (
            "/conditions/ref_name/include",
            json!(["refs/heads/main", "refs/heads/release/*"]),
            &[
                "main conditions.ref_name.include[~DEFAULT_BRANCH] different \"~DEFAULT_BRANCH\" -",
                "main conditions.ref_name.include[refs/heads/main] different - \"refs/heads/main\"",
            ],
        ),
        (
            "/conditions/ref_name/exclude",
            json!(["refs/heads/topic"]),
            &["main conditions.ref_name.exclude[refs/heads/topic] different - \"refs/heads/topic\""],
        ),
        (
            "/conditions/ref_name/exclude",
            json!(["refs/heads/release/1.x"]),
            &["main conditions.ref_name.exclude[refs/heads/release/1.x] weaker - \"refs/heads/release/1.x\""],
        ),
        // The expired bypass of the policy is none that there should be.
        (
            "/bypass_actors",
            json!([
                { "actor_id": 11, "actor_type": "Team", "bypass_mode": "pull_request" },
                { "actor_id": 203, "actor_type": "User", "bypass_mode": "always" },
            ]),
            &["main bypass_actors[alan] weaker - {\"bypass_mode\":\"always\"}"],
        ),
        (
            "/bypass_actors",
            json!([{ "actor_id": 11, "actor_type": "Team" }]),
            &["main bypass_actors[team:release].bypass_mode weaker \"pull_request\" \"always\""],
        ),
        ("/bypass_actors", json!([]), &["main bypass_actors[team:release] stronger {\"bypass_mode\":\"pull_request\"} -"]),
        (
            "/rules/1/parameters/required_approving_review_count",
            json!(1),
            &["main rules.pull_request.required_approving_review_count weaker 2 1"],
        ),
        (
            "/rules/1/parameters/required_approving_review_count",
            json!(3),
            &["main rules.pull_request.required_approving_review_count stronger 2 3"],
        ),
        // The policy says nothing of it.
        ("/rules/1/parameters/require_code_owner_review", json!(true), &[]),
        ("/rules/1/parameters/new_field", json!(true), &["main ruleset cannot_tell - -"]),
        (
            "/rules/2/parameters/required_status_checks",
            json!([{ "context": "test" }, { "context": "lint" }]),
            &[
                "main rules.required_status_checks.required_status_checks[test].integration_id weaker 15368 null",
                "main rules.required_status_checks.required_status_checks[lint] stronger - {\"context\":\"lint\"}",
            ],
        ),
        (
            "/rules/2/parameters/do_not_enforce_on_create",
            json!(true),
            &["main rules.required_status_checks.do_not_enforce_on_create weaker false true"],
        ),
        ("/rules/3/parameters/pattern", json!(".*"), &["main rules.commit_message_pattern.pattern different \"^fix\" \".*\""]),
        ("/rules/3/parameters/negate", json!(true), &["main rules.commit_message_pattern.negate different false true"]),
        ("/rules/0", json!({ "type": "new_rule" }), &["main rules.deletion weaker {} -", "main rules.new_rule different - {}"]),
        ("/name", json!("main is reviewed"), &["main name different \"main\" \"main is reviewed\""]),
        (
            "/target",
            json!("tag"),
            &[
                "main ruleset weaker {\"target\":\"branch\",\"enforcement\":\"active\",\"rules\":[\"deletion\",\"pull_request\",\"required_status_checks\",\"commit_message_pattern\"]} -",
                "main ruleset unmanaged - {\"target\":\"tag\",\"enforcement\":\"active\"}",
            ],
        ),
        // An organization's ruleset of the same name is none of the repository's.
        (
            "/source_type",
            json!("Organization"),
            &[
                "main ruleset weaker {\"target\":\"branch\",\"enforcement\":\"active\",\"rules\":[\"deletion\",\"pull_request\",\"required_status_checks\",\"commit_message_pattern\"]} -",
            ],
        ),
    ];
    for (path, value, expected) in cases {
        let mut changed = live.clone();
        let (parent, key) = path.rsplit_once('/').unwrap();
        match changed.pointer_mut(parent).unwrap() {
            Value::Object(object) => drop(object.insert(key.to_owned(), value.clone())),
            Value::Array(list) => list[key.parse::<usize>().unwrap()] = value.clone(),
            _ => unreachable!(),
        }
        let found = world.with(&[changed]).compare(&policy);
        assert_eq!(told(&found), *expected, "{path} {value}");
    }
    let weaker = world.with(&[]).compare(&policy);
    assert_eq!(weaker[0].at.line, 6, "{weaker:?}");
}

#[test]
fn every_difference_names_the_line_that_asks_for_it() {
    let policy = policy(
        "",
        "[[ruleset]]\nname = \"main\"\ntarget = \"branch\"\nrefs = [\"~ALL\"]\nbypass = [\n  { actor = \"alan\" },\n]\n[ruleset.rules]\ndeletion = true\npull_request = { required_approving_review_count = 2 }\n",
    );
    let world = World::new(json!({}));
    let mut live = world.applied(&policy);
    live[0]["rules"] = json!([{ "type": "pull_request", "parameters": {
        "required_approving_review_count": 1,
        "dismiss_stale_reviews_on_push": false,
        "require_code_owner_review": false,
        "require_last_push_approval": false,
        "required_review_thread_resolution": false,
    } }]);
    live[0]["bypass_actors"] = json!([]);
    let lines: BTreeMap<String, usize> =
        world.with(&live).compare(&policy).into_iter().map(|found| (found.field, found.at.line)).collect();
    let expected =
        [("bypass_actors[alan]", 10), ("rules.deletion", 13), ("rules.pull_request.required_approving_review_count", 14)];
    assert_eq!(lines, expected.map(|(field, line)| (field.to_owned(), line)).into());
}

#[test]
fn what_github_cannot_bind_is_listed() {
    let rulesets = r#"
[groups]
keys = ["key:AB12"]
agents = ["claude-*"]
[[ruleset]]
name = "tags"
target = "tag"
refs = ["v*"]
bypass = [{ actor = "@keys" }, { actor = "team:nobody" }, { actor = "renovate[bot]" }, { actor = "grace" }]
trust_default_branch = false
[ruleset.rules]
annotated_tags = true
deletion = true
max_file_size = { max_file_size = 5 }
[[ruleset]]
name = "agents"
target = "branch"
refs = ["~ALL"]
actors = ["@agents"]
[ruleset.rules]
update = true
[[ruleset]]
name = "sizes"
target = "push"
[ruleset.rules]
max_commits = { max_commits = 5 }
[[ruleset]]
name = "elsewhere"
target = "branch"
refs = ["main"]
repositories = ["other"]
[ruleset.rules]
deletion = true
"#;
    let policy = policy("", rulesets);
    let desired = World::new(json!({})).desired(&policy);
    let told: Vec<_> = desired.not_bound.iter().map(|it| format!("{} {}: {}", it.ruleset, it.rule, it.why)).collect();
    assert_eq!(
        told,
        [
            "tags trust_default_branch: GitHub has no such setting",
            "tags annotated_tags: GitHub has no rule about the kind of a tag",
            "tags max_file_size: GitHub has it in push rulesets only",
            "agents actors: GitHub's rulesets judge everyone",
            "sizes max_commits: GitHub has no rule about the size of a push",
        ]
    );
    let names: Vec<_> = desired.unresolved.iter().map(|it| format!("{}: {:?}", it.name, it.why)).collect();
    assert_eq!(
        names,
        [
            "key:AB12: Unknown(\"`key:AB12` is no name that GitHub has\")",
            "team:nobody: Unknown(\"acme has no team `nobody`\")",
            "renovate[bot]: Unknown(\"no app `renovate` is installed in acme\")",
        ]
    );
    let rulesets: Vec<_> = desired.rulesets.iter().map(|ruleset| ruleset.name.as_str()).collect();
    assert_eq!(rulesets, ["tags"]);
    assert!(desired.rulesets[0].body(&Names::new(&World::new(json!({})).owner, None)).is_err());
}

#[test]
fn the_policy_says_which_repositories_are_meant() {
    let ruleset = "[[ruleset]]\nname = \"x\"\ntarget = \"branch\"\nrefs = [\"main\"]\n[ruleset.rules]\ndeletion = true\n";
    for (github, patch, selected) in [
        ("", json!({}), true),
        ("repositories = { exclude = [\"api\"] }", json!({}), false),
        ("repositories = [\"acme/a*\"]", json!({}), true),
        ("repositories = { topics = [\"service\"] }", json!({}), true),
        ("repositories = { topics = [\"library\"] }", json!({}), false),
        ("repositories = { visibility = [\"public\"] }", json!({}), false),
        ("", json!({ "repository": { "archived": true } }), false),
        ("repositories = { archived = true }", json!({ "repository": { "archived": true } }), true),
        ("level = \"organization\"", json!({}), false),
        ("", json!({ "owner": { "login": "other" } }), false),
    ] {
        let world = World::new(patch);
        let policy = policy(github, ruleset);
        let desired = Desired::for_repository(&policy, &world.owner, &world.repository, TODAY).unwrap();
        assert_eq!(desired.is_some(), selected, "{github}");
    }
    let world = World::new(json!({ "repository": { "visibility": "secret" } }));
    let policy = policy("repositories = { visibility = [\"public\"] }", ruleset);
    assert!(Desired::for_repository(&policy, &world.owner, &world.repository, TODAY).is_err());
}

#[test]
fn an_organization_takes_one_list_of_names() {
    let desired = |github: &str, repositories: &str| {
        let ruleset = format!(
            "[[ruleset]]\nname = \"x\"\ntarget = \"branch\"\nrefs = [\"main\"]\n{repositories}\n[ruleset.rules]\ndeletion = true\nlicense_compliance_scanning = true\n"
        );
        let policy = policy(&format!("level = \"organization\"\n{github}"), &ruleset);
        Desired::for_owner(&policy, &World::new(json!({})).owner, TODAY).unwrap()
    };
    let all = desired("", "");
    let conditions = json!({
        "ref_name": { "include": ["refs/heads/main"], "exclude": [] },
        "repository_name": { "include": ["~ALL"], "exclude": [] },
    });
    assert_eq!(json!(all.rulesets[0].conditions), conditions);
    assert_eq!(all.blocked[0].rule, "license_compliance_scanning");
    let some = desired("repositories = { exclude = [\"sandbox-*\"] }", "repositories = [\"acme/api\", \"web\", \"other/x\"]");
    let names = json!({ "include": ["web", "api"], "exclude": ["sandbox-*"] });
    assert_eq!(json!(some.rulesets[0].conditions)["repository_name"], names);
    assert_eq!(desired("repositories = [\"a\"]", "repositories = [\"b\"]").blocked[0].rule, "repositories");
    assert_eq!(desired("repositories = { topics = [\"a\"] }", "").blocked[0].rule, "repositories");

    let mut live = some.rulesets[0].body(&Names::new(&World::new(json!({})).owner, None)).unwrap();
    live["id"] = json!(7);
    live["source_type"] = json!("Organization");
    live["source"] = json!("acme");
    let compare = |live: &Value| {
        let world = World::new(json!({ "owner": { "rulesets": [live] } }));
        told(&compare(&some, &world.owner, None))
    };
    assert_eq!(compare(&live), Vec::<String>::new());
    live["conditions"]["repository_name"]["exclude"] = json!(["sandbox-*", "api"]);
    assert_eq!(compare(&live), ["x conditions.repository_name.exclude[api] weaker - \"api\""]);
    live["conditions"]["repository_name"] = Value::Null;
    live["conditions"]["repository_id"] = json!({ "repository_ids": [100] });
    assert_eq!(
        compare(&live),
        [
            "x conditions.repository_id cannot_tell - -",
            "x conditions.repository_name cannot_tell {\"include\":[\"web\",\"api\"],\"exclude\":[\"sandbox-*\"]} -",
        ]
    );
}

const CLASSIC: &str = r#"
[[ruleset]]
name = "review"
target = "branch"
refs = ["~DEFAULT_BRANCH"]
bypass = [{ actor = "team:release" }]
[ruleset.rules]
pull_request = { required_approving_review_count = 2, require_last_push_approval = true }
[[ruleset]]
name = "history"
target = "branch"
refs = ["~ALL"]
[ruleset.rules]
deletion = true
non_fast_forward = true
required_status_checks = { required_status_checks = [{ context = "test", integration_id = 15368 }] }
commit_message_pattern = { operator = "contains", pattern = "x" }
[[ruleset]]
name = "tags"
target = "tag"
refs = ["~ALL"]
[ruleset.rules]
deletion = true
"#;

#[test]
fn branch_protection_gets_the_strictest_of_what_covers_a_branch() {
    let policy = policy("mechanism = \"branch_protection\"", CLASSIC);
    let world = World::new(json!({ "repository": { "rulesets": [] } }));
    let desired = world.desired(&policy);
    let patterns: Vec<_> = desired.protections.iter().map(|it| (it.pattern.as_str(), it.rulesets.join("+"))).collect();
    assert_eq!(patterns, [("main", "review+history".to_owned()), ("**/*", "history".to_owned())]);
    assert_eq!(
        Value::Object(desired.protections[0].settings.clone()),
        json!({
            "enforce_admins": true,
            "required_pull_request_reviews": {
                "required_approving_review_count": 2,
                "require_last_push_approval": true,
                "bypass_pull_request_allowances": ["team:release"],
            },
            "required_status_checks": { "strict": false, "checks": [{ "context": "test", "app_id": 15368 }] },
            "allow_deletions": false,
            "allow_force_pushes": false,
            "bypass_force_push_allowances": [],
        })
    );
    let blocked: Vec<_> = desired.blocked.iter().map(|it| format!("{} {}: {}", it.ruleset, it.rule, it.why)).collect();
    assert_eq!(
        blocked,
        [
            "history commit_message_pattern: branch protection has no such rule",
            "tags target: branch protection is about branches only",
        ]
    );
    let missing = world.compare(&policy);
    assert_eq!(missing.iter().map(|found| found.direction).collect::<Vec<_>>(), [Direction::Weaker; 2]);

    let main = json!({
        "pattern": "main",
        "is_admin_enforced": true,
        "requires_status_checks": true,
        "required_status_checks": [{ "context": "test", "app": { "kind": "app", "name": "github-actions", "id": 15368 } }],
        "requires_approving_reviews": true,
        "required_approving_review_count": 2,
        "require_last_push_approval": true,
        "dismisses_stale_reviews": true,
        "bypass_pull_request_allowances": [{ "kind": "team", "name": "release", "id": 11 }],
    });
    let every = json!({
        "pattern": "**/*",
        "is_admin_enforced": true,
        "requires_status_checks": true,
        "required_status_checks": [{ "context": "test", "app": { "kind": "app", "name": "github-actions", "id": 15368 } }],
    });
    let with = |main: &Value| {
        let mut world = World::new(json!({ "repository": { "rulesets": [] } }));
        let protections: Vec<Protection> = [main, &every].map(|it| serde_json::from_value(it.clone()).unwrap()).into();
        world.repository.protections = Readable::Known(protections);
        told(&world.compare(&policy))
    };
    assert_eq!(with(&main), Vec::<String>::new());
    let cases: &[(&str, Value, &[&str])] = &[
        ("is_admin_enforced", json!(false), &["main enforce_admins weaker true false"]),
        ("allows_force_pushes", json!(true), &["main allow_force_pushes weaker false true"]),
        ("allows_deletions", json!(true), &["main allow_deletions weaker false true"]),
        (
            "required_approving_review_count",
            json!(1),
            &["main required_pull_request_reviews.required_approving_review_count weaker 2 1"],
        ),
        (
            "requires_status_checks",
            json!(false),
            &["main required_status_checks weaker {\"strict\":false,\"checks\":[{\"context\":\"test\",\"app_id\":15368}]} -"],
        ),
        (
            "required_status_checks",
            json!([{ "context": "test" }]),
            &["main required_status_checks.checks[test].app_id weaker 15368 null"],
        ),
        (
            "bypass_force_push_allowances",
            json!([{ "kind": "user", "name": "alan" }]),
            &["main bypass_force_push_allowances[alan] weaker - \"alan\""],
        ),
        (
            "bypass_pull_request_allowances",
            json!({ "~hidden": { "cause": "not_permitted", "why": "no" } }),
            &["main required_pull_request_reviews.bypass_pull_request_allowances cannot_tell [\"team:release\"] -"],
        ),
        ("requires_linear_history", json!(true), &[]),
    ];
    for (field, value, expected) in cases {
        let mut changed = main.clone();
        changed[field] = value.clone();
        assert_eq!(with(&changed), *expected, "{field}");
    }
}

/// The result of a run has what differs as rows, in order, once, and reads back.
#[test]
fn a_result_has_the_drift() {
    let rulesets = "[[ruleset]]\nname = \"main\"\ntarget = \"branch\"\nrefs = [\"~DEFAULT_BRANCH\", \"release/**/*\"]\n[ruleset.rules]\ndeletion = true\nmax_commits = { max_commits = 9 }\npull_request = { required_approving_review_count = 3 }\n";
    let policy = policy("", rulesets);
    let world = World::new(json!({}));
    let context =
        Context { owner: &world.owner, policy: Some(&policy), baseline: None, now: "2026-02-03T04:05:06Z".parse().unwrap() };
    let mut judge = Judge::new(context, vec![]);
    let other = Repository { id: 101, name: "web".to_owned(), ..world.repository.clone() };
    for repository in [&other, &world.repository] {
        judge.repository(repository);
    }
    let inventory = serde_json::from_value(healthy()["inventory"].clone()).unwrap();
    let audit = judge.finish(inventory);
    let rows: Vec<_> = audit
        .drift
        .iter()
        .map(|row| format!("{} {} {} {}", row.repository, row.ruleset, row.field, row.direction.as_str()))
        .collect();
    assert_eq!(rows[0], "acme/api main rules.pull_request.required_approving_review_count weaker");
    assert!(rows.contains(&"acme/api main rules.creation stronger".to_owned()), "{rows:?}");
    assert_eq!(
        rows.last().unwrap(),
        "acme/web main ruleset weaker",
        "rulesets of another repository are none of its own: {rows:?}"
    );
    assert_eq!(audit.drift[0].line, 12);
    assert_eq!(
        json!(audit.not_bound),
        json!([
            { "line": 11, "ruleset": "main", "rule": "max_commits", "why": "GitHub has no rule about the size of a push" },
        ])
    );
    let report = Report { audit, cost: None, since: None };
    let text = report::json::render(&report).unwrap();
    assert_eq!(report::json::parse(text.as_bytes()).unwrap(), report);
    let schema = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/audit.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
    assert!(schema.is_valid(&serde_json::from_str(&text).unwrap()), "{text}");
}

fn audited(world: &World, policy: &Policy) -> Audit {
    let now = "2026-02-03T04:05:06Z".parse().unwrap();
    let context = Context { owner: &world.owner, policy: Some(policy), baseline: None, now };
    let mut judge = Judge::new(context, CHECKS.to_vec());
    judge.repository(&world.repository);
    judge.finish(serde_json::from_value(healthy()["inventory"].clone()).unwrap())
}

/// What an audit says of one check: what it found, and what it could not tell.
fn said(audit: &Audit, check: &str) -> (Vec<String>, Vec<String>) {
    let found = audit.findings.iter().filter(|finding| finding.check == check).map(|finding| finding.message.clone());
    let unsure = audit.cannot_tell.iter().filter(|one| one.check == check).map(|one| one.why.why.clone());
    (found.collect(), unsure.collect())
}

/// What can't be written there as the policy asks was compared with nothing.
#[test]
fn what_github_cannot_be_given_is_never_taken_as_given() {
    let ruleset = "[[ruleset]]\nname = \"x\"\ntarget = \"branch\"\nrefs = [\"main\"]\n[ruleset.rules]\ndeletion = true\n";
    let organization = |github: &str| {
        let policy = policy(&format!("level = \"organization\"\n{github}"), ruleset);
        let desired = Desired::for_owner(&policy, &World::new(json!({})).owner, TODAY).unwrap();
        let mut live = json!([]);
        for ruleset in &desired.rulesets {
            let mut body = ruleset.body(&Names::new(&World::new(json!({})).owner, None)).unwrap();
            merge(&mut body, &json!({ "id": 7, "source_type": "Organization", "source": "acme" }));
            live.as_array_mut().unwrap().push(body);
        }
        let world = World::new(json!({ "owner": { "rulesets": live } }));
        said(&audited(&world, &policy), "weaker-than-policy")
    };
    assert_eq!(organization(""), (vec![], vec![]));
    let (found, unsure) = organization("repositories = { topics = [\"prod\"] }");
    assert!(found.is_empty() && unsure.len() == 1, "{found:?} {unsure:?}");
    assert!(unsure[0].contains("names only"), "{unsure:?}");
    let classic = policy("mechanism = \"branch_protection\"", CLASSIC);
    let audit = audited(&World::new(json!({ "repository": { "rulesets": [] } })), &classic);
    let blocked: Vec<_> = audit.drift.iter().filter(|row| row.field == "commit_message_pattern").collect();
    assert!(!blocked.is_empty() && blocked.iter().all(|row| row.direction == Direction::CannotTell), "{blocked:?}");
    assert!(said(&audit, "weaker-than-policy").1.iter().any(|why| why.contains("no such rule")), "{audit:?}");
}

/// Whoever pushes first to an empty repository finds no rule where the policy was not applied.
#[test]
fn an_empty_or_archived_repository_is_compared_too() {
    let ruleset = "[[ruleset]]\nname = \"new\"\ntarget = \"branch\"\nrefs = [\"main\"]\n[ruleset.rules]\ndeletion = true\n";
    for (github, patch, missing) in [
        ("", json!({ "empty": true }), true),
        ("repositories = { archived = true }", json!({ "archived": true }), true),
        ("", json!({ "archived": true }), false),
        ("repositories = [\"web\"]", json!({ "empty": true }), false),
    ] {
        let world = World::new(json!({ "repository": patch }));
        let policy = policy(github, ruleset);
        let audit = audited(&world, &policy);
        let (found, _) = said(&audit, "weaker-than-policy");
        assert_eq!(found.len(), usize::from(missing), "{patch}: {found:?}");
        assert_eq!(audit.drift.iter().any(|row| row.ruleset == "new"), missing, "{patch}");
        let mut repository = world.repository.clone();
        repository.rulesets = Readable::Known(
            if missing { world.applied(&policy) } else { Vec::new() }
                .into_iter()
                .map(|live| Arc::new(serde_json::from_value(live).unwrap()))
                .collect(),
        );
        let applied = World { owner: world.owner.clone(), repository };
        assert_eq!(said(&audited(&applied, &policy), "weaker-than-policy").0, Vec::<String>::new(), "{patch}");
    }
}

/// `name` is unique in a policy, and GitHub's names are not.
#[test]
fn a_ruleset_may_be_called_otherwise_on_github() {
    let rulesets = |mine: &str| {
        format!(
            "[[ruleset]]\nname = \"main of api\"\ngithub_name = \"main\"\ntarget = \"branch\"\nrefs = [\"main\"]\nrepositories = [\"{mine}\"]\n[ruleset.rules]\ndeletion = true\n\
             [[ruleset]]\nname = \"main of web\"\ngithub_name = \"main\"\ntarget = \"branch\"\nrefs = [\"main\"]\nrepositories = [\"web\"]\n[ruleset.rules]\nupdate = true\n"
        )
    };
    let world = World::new(json!({}));
    let policy_of = |mine: &str| policy("", &rulesets(mine));
    let live = world.applied(&policy_of("api"));
    assert_eq!(live.len(), 1);
    assert_eq!(live[0]["name"], "main");
    assert_eq!(told(&world.with(&live).compare(&policy_of("api"))), Vec::<String>::new());
    // What differs is told of the name that GitHub has.
    let mut other = live.clone();
    other[0]["name"] = json!("main of api");
    assert_eq!(told(&world.with(&other).compare(&policy_of("api"))), ["main name different \"main\" \"main of api\""]);
    // A branch protection has no name: there the policy's own is told.
    let classic = policy("mechanism = \"branch_protection\"", &rulesets("api"));
    assert_eq!(world.desired(&classic).protections[0].rulesets, ["main of api"]);
}

/// However GitHub's own pages spelled it.
#[test]
fn another_spelling_of_a_pattern_is_no_difference() {
    let ruleset = "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = { include = [\"release/*\", \"v[12]*\"], exclude = [\"release/x*\"] }\n[ruleset.rules]\ndeletion = true\n";
    let world = World::new(json!({}));
    let policy_of = policy("", ruleset);
    let mut live = world.applied(&policy_of);
    live[0]["conditions"]["ref_name"] =
        json!({ "include": ["refs/heads/v[12]**", "refs/heads/release/**"], "exclude": ["refs/heads/release/x***"] });
    assert_eq!(told(&world.with(&live).compare(&policy_of)), Vec::<String>::new());
    live[0]["conditions"]["ref_name"]["include"] = json!(["refs/heads/v[12]*", "refs/heads/release/**/*"]);
    let found = told(&world.with(&live).compare(&policy_of));
    assert_eq!(found.len(), 2, "{found:?}");

    let classic = policy(
        "mechanism = \"branch_protection\"",
        "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"release/*\"]\n[ruleset.rules]\ndeletion = true\n",
    );
    let with = |patterns: &[&str]| {
        let mut world = World::new(json!({ "repository": { "rulesets": [] } }));
        let protection =
            |pattern: &&str| serde_json::from_value(json!({ "pattern": pattern, "is_admin_enforced": true })).unwrap();
        world.repository.protections = Readable::Known(patterns.iter().map(protection).collect());
        told(&world.compare(&classic))
    };
    assert_eq!(with(&["release/**"]), Vec::<String>::new());
    // Of several the oldest is meant: it alone binds.
    assert_eq!(with(&["release/**", "release/*"]), ["release/* ruleset unmanaged - -"]);
    let other = with(&["release/**/*"]);
    assert!(other.len() == 2 && other[1] == "release/**/* ruleset unmanaged - -", "{other:?}");
}

/// The classic settings for `update` with its parameter, dismissers, and patterns that have protections of their own.
#[test]
fn every_classic_field_can_be_asked_for() {
    let classic = |rulesets: &str| {
        let policy = policy("mechanism = \"branch_protection\"", rulesets);
        World::new(json!({ "repository": { "rulesets": [] } })).desired(&policy)
    };
    let ruleset = |name: &str, refs: &str, bypass: &str, rules: &str| {
        format!(
            "[[ruleset]]\nname = \"{name}\"\ntarget = \"branch\"\nrefs = {refs}\nbypass = [{bypass}]\n[ruleset.rules]\n{rules}\n"
        )
    };
    let settings = |desired: &Desired, index: usize| Value::Object(desired.protections[index].settings.clone());
    let blocked = |desired: &Desired| desired.blocked.iter().map(|it| format!("{}: {}", it.rule, it.why)).collect::<Vec<_>>();

    let locked = "update = { update_allows_fetch_and_merge = true }";
    let desired = classic(&ruleset("a", "[\"main\"]", "", locked));
    assert_eq!(settings(&desired, 0), json!({ "enforce_admins": true, "lock_branch": true, "allow_fork_syncing": true }));
    assert_eq!(blocked(&desired), Vec::<String>::new());
    // Of two that lock the stricter counts.
    let stricter = "update = { update_allows_fetch_and_merge = false }";
    for (one, other) in [(locked, stricter), (stricter, locked)] {
        let desired = classic(&[ruleset("a", "[\"main\"]", "", one), ruleset("b", "[\"main\"]", "", other)].concat());
        assert_eq!(settings(&desired, 0)["allow_fork_syncing"], json!(false));
    }
    // A lock has no list of who passes, and creation no restriction to be blocked by.
    let desired = classic(&ruleset("a", "[\"main\"]", "{ actor = \"team:release\" }", &format!("{locked}\ncreation = true")));
    assert_eq!(
        blocked(&desired),
        [
            "bypass: branch protection has no list of who passes update, so `team:release` does not",
            "creation: branch protection blocks creation only where it blocks updates, too",
        ]
    );
    let desired = classic(&ruleset(
        "a",
        "[\"main\"]",
        "{ actor = \"team:release\" }, { actor = \"role:admin\" }",
        "update = true\ncreation = true",
    ));
    assert_eq!(
        settings(&desired, 0),
        json!({ "enforce_admins": false, "restrictions": { "actors": ["team:release"] }, "block_creations": true })
    );

    // Who dismisses: nobody, an app, and a role, which can't be named.
    let dismissers =
        |list: &str| format!("pull_request = {{ dismissal_restriction = {{ enabled = true, allowed_actors = [{list}] }} }}");
    let desired = classic(&ruleset("a", "[\"main\"]", "", &dismissers("")));
    assert_eq!(settings(&desired, 0)["required_pull_request_reviews"]["dismissal_restrictions"], json!({ "actors": [] }));
    let desired = classic(&ruleset("a", "[\"main\"]", "", &dismissers("\"app:release-please\", \"role:maintain\"")));
    assert_eq!(
        settings(&desired, 0)["required_pull_request_reviews"]["dismissal_restrictions"],
        json!({ "actors": ["app:release-please"] })
    );
    assert_eq!(blocked(&desired), ["pull_request: branch protection can't name `role:maintain`"]);
    assert_eq!(desired.unresolved.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["role:maintain"]);

    // A pattern leaves out what has a protection of its own, and nothing else.
    let own = |exclude: &str| {
        classic(
            &[
                ruleset("a", &format!("{{ include = [\"*\"], exclude = [\"{exclude}\"] }}"), "", "deletion = true"),
                ruleset("b", "[\"main\"]", "", "non_fast_forward = true"),
            ]
            .concat(),
        )
    };
    let desired = own("main");
    assert_eq!(blocked(&desired), Vec::<String>::new());
    assert_eq!(settings(&desired, 0), json!({ "allow_deletions": false }), "which binds administrators in any case");
    assert_eq!(settings(&desired, 1)["allow_deletions"], Value::Null);
    assert_eq!(blocked(&own("wip")), ["refs: branch protection `*` can't leave out `refs/heads/wip`"]);
}

#[test]
fn a_lock_that_is_not_there_is_weaker() {
    let policy = policy(
        "mechanism = \"branch_protection\"",
        "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"main\"]\n[ruleset.rules]\nupdate = { update_allows_fetch_and_merge = false }\n",
    );
    let with = |lock: bool, sync: bool| {
        let mut world = World::new(json!({ "repository": { "rulesets": [] } }));
        let protection =
            json!({ "pattern": "main", "is_admin_enforced": true, "lock_branch": lock, "lock_allows_fetch_and_merge": sync });
        world.repository.protections = Readable::Known(vec![serde_json::from_value(protection).unwrap()]);
        told(&world.compare(&policy))
    };
    assert_eq!(with(true, false), Vec::<String>::new());
    assert_eq!(with(true, true), ["main allow_fork_syncing weaker false true"]);
    assert_eq!(with(false, true), ["main lock_branch weaker true false"]);
}
