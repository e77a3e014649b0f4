//! From what is on GitHub to a policy that asks for just that, and what can't be said is told.

mod bed;
mod round;

use std::sync::Arc;

use proptest::prelude::*;
use refwarden::github::desired::Desired;
use refwarden::github::drift::{Difference, Direction, canonical, compare};
use refwarden::github::export::exported;
use refwarden::github::import::{Conversion, Form, Imported, Left, Likeness, Options, exported as files, import};
use refwarden::github::names::Names;
use refwarden::github::owner::Owner;
use refwarden::github::plan::{of_owner, of_repository};
use refwarden::github::protection::Protection;
use refwarden::github::readable::{Cause, Readable};
use refwarden::github::repository::Repository;
use refwarden::github::ruleset::Ruleset;
use refwarden::policy::github::Level;
use refwarden::policy::lint::lint;
use refwarden::policy::{Policy, parse};
use serde_json::{Value, json};

use crate::audit::healthy;
use crate::support::live;

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 2, 3);

/// People whose numbers are known, besides.
fn owner() -> Owner {
    let mut owner: Owner = serde_json::from_value(healthy()["owner"].clone()).unwrap();
    owner.numbers.people.insert("alan".to_owned(), Some(203));
    owner.numbers.people.insert("edsger".to_owned(), Some(204));
    owner
}

fn actors() -> Vec<Value> {
    vec![
        json!({ "actor_id": 11, "actor_type": "Team" }),
        json!({ "actor_id": 10, "actor_type": "Team" }),
        json!({ "actor_id": 203, "actor_type": "User" }),
        json!({ "actor_id": 500, "actor_type": "Integration" }),
    ]
}

fn repository(name: &str, rulesets: &[Value], protections: &[(String, Value)]) -> Repository {
    let mut repository: Repository = serde_json::from_value(healthy()["repository"].clone()).unwrap();
    repository.name = name.to_owned();
    let source = format!("acme/{name}");
    let ruleset = |(index, body): (usize, &Value)| {
        let mut body = body.clone();
        body["id"] = json!(index + 1);
        for (key, value) in [("source_type", json!("Repository")), ("source", json!(source)), ("conditions", Value::Null)] {
            if body.get(key).is_none() {
                body[key] = value;
            }
        }
        Arc::new(serde_json::from_value::<Ruleset>(body).unwrap())
    };
    repository.rulesets = Readable::Known(rulesets.iter().enumerate().map(ruleset).collect());
    let protections: Vec<Protection> =
        protections.iter().map(|(pattern, body)| serde_json::from_value(live::read(pattern, body)).unwrap()).collect();
    let named = protections.iter().filter(|live| live.names_a_branch());
    repository.merge_queues = Readable::Known(named.map(|live| (live.pattern.clone(), Readable::Known(false))).collect());
    repository.protections = Readable::Known(protections);
    repository
}

fn options(form: Form) -> Options {
    Options { level: Level::Repository, form, api_url: None, is_all: true, file: "policy.toml".to_owned() }
}

fn load(text: &str) -> Policy {
    parse::parse("policy.toml", text.as_bytes()).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"))
}

fn told(found: &[Difference]) -> Vec<String> {
    let show = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), Value::to_string);
    found
        .iter()
        .map(|it| format!("{} {} {} {} {}", it.ruleset, it.field, it.direction.as_str(), show(&it.desired), show(&it.live)))
        .collect()
}

fn desired(policy: &Policy, owner: &Owner, repository: &Repository) -> Desired {
    Desired::for_repository(policy, owner, repository, TODAY).unwrap().expect("the repository is selected")
}

/// What differs, apart from what the policy does not know.
fn differs(policy: &Policy, owner: &Owner, repository: &Repository) -> Vec<String> {
    let found = compare(&desired(policy, owner, repository), owner, Some(repository));
    told(&found.into_iter().filter(|it| it.direction != Direction::Unmanaged).collect::<Vec<_>>())
}

/// What a plan would change, can't do or can't tell.
fn planned(policy: &Policy, owner: &Owner, repository: &Repository) -> Vec<String> {
    let found = of_repository(policy, owner, repository, TODAY, false);
    let changes = found.changes.iter().map(|change| format!("{} {:?}", change.thing, change.fields));
    let unsure = found.cannot_tell.iter().map(|unsure| format!("{} {:?}", unsure.thing, unsure.why));
    let blocked = found.blocked.iter().map(|blocked| blocked.why.clone());
    changes.chain(unsure).chain(blocked).collect()
}

/// How many rulesets and protections the policy does not know.
fn unmanaged(policy: &Policy, owner: &Owner, repository: &Repository) -> usize {
    let found = compare(&desired(policy, owner, repository), owner, Some(repository));
    found.iter().filter(|it| it.direction == Direction::Unmanaged).count()
}

fn left(imported: &Imported) -> Vec<String> {
    imported.left.iter().map(|Left { target, what, why, .. }| format!("{target}: {what}: {why}")).collect()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(160))]

    /// Nothing is left, nothing differs, and the policy says nothing that GitHub does not have.
    #[test]
    fn imported_rulesets_are_what_is_there(
        one in live::rulesets_with(actors()), other in live::rulesets_with(actors()), same in any::<bool>(),
    ) {
        let owner = owner();
        let repositories =
            [repository("api", &one, &[]), repository("web", if same { &one } else { &other }, &[]), repository("lib", &[], &[])];
        let imported = import(&owner, &repositories, &options(Form::Rulesets));
        prop_assert_eq!(left(&imported), Vec::<String>::new());
        let policy = load(&imported.policy);
        for repository in &repositories {
            prop_assert_eq!(differs(&policy, &owner, repository), Vec::<String>::new(), "{}", imported.policy);
            prop_assert_eq!(planned(&policy, &owner, repository), Vec::<String>::new(), "{}", imported.policy);
            prop_assert_eq!(unmanaged(&policy, &owner, repository), 0);
            let desired = desired(&policy, &owner, repository);
            prop_assert!(desired.not_bound.is_empty() && desired.blocked.is_empty() && desired.unresolved.is_empty());
            prop_assert_eq!(desired.rulesets.len(), repository.rulesets.known().unwrap().len());
        }
        if same {
            prop_assert_eq!(imported.rulesets, one.len());
        }
        // Once more from the same place gives the same.
        prop_assert_eq!(import(&owner, &repositories, &options(Form::Rulesets)), imported);
    }

    /// The same of branch protections. What of one can't be said stays as it is, and is told.
    #[test]
    fn imported_protections_are_what_is_there(one in live::protections(), other in live::protections(), same in any::<bool>()) {
        let owner = owner();
        let repositories = [repository("api", &[], &one), repository("web", &[], if same { &one } else { &other })];
        let imported = import(&owner, &repositories, &options(Form::BranchProtection));
        let policy = load(&imported.policy);
        for repository in &repositories {
            prop_assert_eq!(differs(&policy, &owner, repository), Vec::<String>::new(), "{}", imported.policy);
            prop_assert_eq!(planned(&policy, &owner, repository), Vec::<String>::new(), "{}", imported.policy);
            let whole = |left: &&Left| left.target == repository.full_name() && !left.why.contains("stays as it is");
            let whole: Vec<&Left> = imported.left.iter().filter(whole).collect();
            let is_so = |why: &str| why == "it asks for nothing that a policy can say" || why.ends_with("and binds");
            prop_assert!(whole.iter().all(|left| is_so(&left.why)), "{:?}", whole);
            prop_assert_eq!(unmanaged(&policy, &owner, repository), whole.len(), "{}", imported.policy);
            let desired = desired(&policy, &owner, repository);
            prop_assert!(desired.blocked.is_empty(), "{:?}", desired.blocked);
            prop_assert!(desired.unresolved.is_empty() && desired.not_bound.is_empty());
        }
    }

    /// Rulesets, and protections made into some, load, can all be written, and are told field by field.
    #[test]
    fn converted_protections_can_be_written(rulesets in live::rulesets_with(actors()), protections in live::protections()) {
        let owner = owner();
        let repository = repository("api", &rulesets, &protections);
        let imported = import(&owner, std::slice::from_ref(&repository), &options(Form::Converted));
        let policy = load(&imported.policy);
        let desired = desired(&policy, &owner, &repository);
        prop_assert!(desired.not_bound.is_empty() && desired.blocked.is_empty() && desired.unresolved.is_empty());
        let names = Names::new(&owner, Some(&repository));
        prop_assert!(desired.rulesets.iter().all(|ruleset| ruleset.body(&names).is_ok()));
        for (pattern, _) in &protections {
            prop_assert!(imported.conversions.iter().any(|it| it.pattern == *pattern && it.field == "pattern"), "{pattern}");
        }
        // What was there as a ruleset is untouched by it.
        let found = compare(&desired, &owner, Some(&repository));
        let weaker = found.iter().filter(|it| it.direction != Direction::Unmanaged && it.field != "ruleset").collect::<Vec<_>>();
        prop_assert!(weaker.is_empty(), "{weaker:?}");
    }

    /// What is exported and imported again asks for the same.
    #[test]
    fn exported_and_imported_is_the_same(rulesets in live::rulesets_with(actors())) {
        let owner = owner();
        let repository = repository("api", &rulesets, &[]);
        let first = load(&import(&owner, std::slice::from_ref(&repository), &options(Form::Rulesets)).policy);
        let wanted = desired(&first, &owner, &repository);
        let names = Names::new(&owner, Some(&repository));
        let texts: Vec<String> =
            wanted.rulesets.iter().map(|ruleset| exported(&wanted, ruleset, &names).unwrap().to_string()).collect();
        let read: Vec<Ruleset> = texts.iter().zip(1..).map(|(text, id)| files::ruleset(text.as_bytes(), id).unwrap()).collect();
        if read.is_empty() {
            return Ok(());
        }
        let (_, _, places) = files::places(read).unwrap();
        let imported = import(&owner, &places, &Options { is_all: false, ..options(Form::Rulesets) });
        prop_assert_eq!(left(&imported), Vec::<String>::new());
        let again = load(&imported.policy);
        prop_assert_eq!(differs(&again, &owner, &repository), Vec::<String>::new());
        prop_assert_eq!(unmanaged(&again, &owner, &repository), 0);
        let once_more = desired(&again, &owner, &repository);
        let bodies = |desired: &Desired| {
            // Orders of lists say nothing.
            let mut bodies: Vec<String> = desired.rulesets.iter().map(|it| canonical(&it.body(&names).unwrap())).collect();
            bodies.sort();
            bodies
        };
        prop_assert_eq!(bodies(&once_more), bodies(&wanted));
    }
}

fn ruleset() -> Value {
    json!({
        "name": "main", "target": "branch", "enforcement": "active",
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH", "refs/heads/release/**"], "exclude": [] } },
        "bypass_actors": [{ "actor_id": 11, "actor_type": "Team", "bypass_mode": "pull_request" }],
        "rules": [{ "type": "deletion" }, { "type": "pull_request", "parameters": {
            "required_approving_review_count": 2, "dismiss_stale_reviews_on_push": true, "require_code_owner_review": false,
            "require_last_push_approval": false, "required_review_thread_resolution": false,
        } }],
    })
}

/// One that names nobody.
fn ruleset_for_everyone() -> Value {
    let mut body = ruleset();
    body["bypass_actors"] = json!([]);
    body
}

/// The policy as people read it.
#[test]
fn a_policy_reads_as_if_written_by_hand() {
    let other = json!({
        "name": "main", "target": "branch", "enforcement": "evaluate", "bypass_actors": [],
        "conditions": { "ref_name": { "include": ["refs/heads/main"], "exclude": ["refs/heads/x*"] } }, "rules": [{ "type": "update" }],
    });
    let owner = owner();
    let repositories =
        [repository("api", &[ruleset()], &[]), repository("web", &[other, ruleset()], &[]), repository("lib", &[ruleset()], &[])];
    let imported = import(&owner, &repositories, &options(Form::Rulesets));
    let expected = "\
# Imported from acme (3 repositories): rulesets.
# What applying it would change: refwarden github plan --policy policy.toml

version = 1

[github]
owner = \"acme\"

[[ruleset]]
name = \"main\"
target = \"branch\"
refs = [\"~DEFAULT_BRANCH\", \"release/*\"]
bypass = [{ actor = \"team:release\", mode = \"pull_request\" }]

[ruleset.rules]
deletion = true

[ruleset.rules.pull_request]
required_approving_review_count = 2
dismiss_stale_reviews_on_push = true
require_code_owner_review = false
require_last_push_approval = false
required_review_thread_resolution = false

[[ruleset]]
name = \"main of web\"
github_name = \"main\"
target = \"branch\"
refs = { include = [\"main\"], exclude = [\"x*\"] }
repositories = [\"web\"]
enforcement = \"evaluate\"

[ruleset.rules]
update = true
";
    assert_eq!(imported.policy, expected);
    assert_eq!((imported.rulesets, left(&imported)), (2, vec![]));
    // Where not all are meant, they are named.
    let some = import(
        &owner,
        &repositories[..2],
        &Options { is_all: false, api_url: Some("https://h/api/v3".into()), ..options(Form::Rulesets) },
    );
    assert!(some.policy.contains("repositories = [\"api\", \"web\"]\napi_url = \"https://h/api/v3\"\n"), "{}", some.policy);
    let warnings = lint(&load(&imported.policy), TODAY);
    assert!(warnings.iter().all(|it| !["never_matches", "repeated_rule"].contains(&it.id)), "{warnings:?}");
}

/// Whatever a policy can't say is left whole, and told; its twin that says less is imported.
#[test]
fn what_cannot_be_said_is_left_and_told() {
    let with = |path: &str, value: Value| {
        let mut body = ruleset();
        let (parent, key) = path.rsplit_once('/').unwrap();
        match body.pointer_mut(parent).unwrap() {
            Value::Object(object) => drop(object.insert(key.to_owned(), value)),
            Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
            other => panic!("{other}"),
        }
        body
    };
    let hidden = json!({ "~hidden": { "cause": "not_permitted", "why": "no", "permission": "administration=write" } });
    let cases: &[(&str, Value, &str)] = &[
        ("/bypass_actors", hidden.clone(), "who passes it is hidden: no (needs administration=write)"),
        ("/rules", hidden.clone(), "its rules are hidden"),
        ("/conditions", hidden, "its conditions are hidden"),
        ("/rules/0", json!({ "type": "new_rule" }), "type `new_rule`"),
        ("/rules/1/parameters/new_field", json!(1), "`new_field` of `pull_request`"),
        ("/enforcement", json!("paused"), "enforcement: `paused`"),
        ("/target", json!("repository"), "about the repository itself"),
        ("/bypass_actors/0/bypass_mode", json!("sometimes"), "bypass_mode: `sometimes`"),
        ("/bypass_actors/0/actor_type", json!("Robot"), "actor_type: `Robot`"),
        ("/bypass_actors/0/actor_id", json!(9), "team #9 has no name that could be found"),
        ("/bypass_actors/0", json!({ "actor_id": 7, "actor_type": "EnterpriseRole" }), "enterprise role #7 has no name"),
        (
            "/bypass_actors/0",
            json!({ "actor_type": "DeployKey", "bypass_mode": "pull_request" }),
            "deploy keys merge no pull requests",
        ),
        ("/conditions/ref_name/include", json!([]), "it is for no refs at all"),
        ("/conditions/ref_name/include", json!(["refs/heads/{a,b}"]), "a policy can't say `refs/heads/{a,b}`"),
        ("/conditions/ref_name/include", json!(["refs/tags/x"]), "`refs/tags/x` is not in `refs/heads/`"),
        ("/conditions/ref_name/include", json!(["~NEW"]), "`~NEW` is not in `refs/heads/`"),
        ("/conditions/ref_name/exclude", json!(["~ALL"]), "excluding `~ALL` leaves nothing"),
        ("/conditions/repository_id", json!({ "repository_ids": [1] }), "limited by `repository_id`"),
        ("/conditions/new_condition", json!({}), "conditions.new_condition"),
        ("/name", json!(" padded"), "`name` begins or ends with a blank"),
        ("/source_type", json!("Galaxy"), "it is of the unknown level `Galaxy`"),
        (
            "/rules/0",
            json!({ "type": "commit_message_pattern", "parameters": { "operator": "regex", "pattern": "(?=x)" } }),
            "unreadable regular expression",
        ),
        (
            "/rules/1/parameters/dismissal_restriction",
            json!({ "enabled": true, "allowed_actors": [{ "id": 500, "type": "IntegrationInstallation" }] }),
            "IntegrationInstallation #500 has no name",
        ),
    ];
    let owner = owner();
    for (path, value, why) in cases {
        let imported = import(&owner, &[repository("api", &[with(path, value.clone())], &[])], &options(Form::Rulesets));
        assert_eq!((imported.rulesets, imported.left.len()), (0, 1), "{path} {value}: {}", imported.policy);
        assert!(imported.left[0].why.contains(why), "{path} {value}: {:?}", imported.left);
        assert!(imported.left[0].what.starts_with("ruleset `"));
        // The reason stands in the file, which loads.
        assert!(
            imported.policy.contains("# Not in this policy, and so not managed by it:\n#   acme/api: ruleset"),
            "{}",
            imported.policy
        );
        load(&imported.policy);
    }
    let fine = import(&owner, &[repository("api", &[ruleset()], &[])], &options(Form::Rulesets));
    assert_eq!((fine.rulesets, left(&fine)), (1, vec![]));
    // Rulesets of others are none of the repository's.
    let mut others = ruleset();
    others["source_type"] = json!("Organization");
    others["source"] = json!("acme");
    let fine = import(&owner, &[repository("api", &[others], &[])], &options(Form::Rulesets));
    assert_eq!((fine.rulesets, left(&fine)), (0, vec![]));
}

#[test]
fn a_repository_that_could_not_be_read_is_not_in_the_policy() {
    let owner = owner();
    let mut dark = repository("dark", &[ruleset()], &[]);
    dark.rulesets = Readable::hidden(Cause::NotPermitted, "no");
    let imported = import(&owner, &[repository("api", &[ruleset()], &[]), dark.clone()], &options(Form::Rulesets));
    assert_eq!(left(&imported), ["acme/dark: : its rulesets are hidden: no"]);
    assert!(imported.policy.contains("repositories = [\"api\"]\n"), "{}", imported.policy);
    assert!(imported.policy.contains("#   acme/dark: all of it: its rulesets are hidden: no\n"), "{}", imported.policy);
    // Hidden protections hide no rulesets, and are told.
    let mut half = repository("half", &[ruleset()], &[]);
    half.protections = Readable::hidden(Cause::NotPermitted, "no");
    let imported = import(&owner, std::slice::from_ref(&half), &options(Form::Rulesets));
    assert_eq!((imported.rulesets, imported.left.len()), (1, 1));
    for form in [Form::Converted, Form::BranchProtection] {
        assert_eq!(import(&owner, std::slice::from_ref(&half), &options(form)).rulesets, 0);
    }
}

#[test]
fn an_archived_repository_stays_selected() {
    let owner = owner();
    let mut old = repository("old", &[ruleset()], &[]);
    old.archived = true;
    let repositories = [old, repository("api", &[ruleset()], &[])];
    let imported = import(&owner, &repositories, &options(Form::Rulesets));
    let policy = load(&imported.policy);
    assert_eq!(imported.rulesets, 1);
    for repository in &repositories {
        assert_eq!(differs(&policy, &owner, repository), Vec::<String>::new());
    }
}

#[test]
fn an_organization_has_rulesets_of_its_own() {
    let organization = |repositories: Value| {
        let mut body = ruleset();
        body["id"] = json!(1);
        body["source_type"] = json!("Organization");
        body["source"] = json!("acme");
        body["conditions"]["repository_name"] = repositories;
        let mut owner = owner();
        owner.rulesets = Readable::Known(vec![Arc::new(serde_json::from_value(body).unwrap())]);
        owner
    };
    let options = Options { level: Level::Organization, ..options(Form::Rulesets) };
    for names in [
        json!({ "include": ["~ALL"], "exclude": [] }),
        json!({ "include": ["~ALL"], "exclude": ["sandbox-*"], "protected": false }),
        json!({ "include": ["lib-**", "api"], "exclude": [] }),
    ] {
        let owner = organization(names);
        let imported = import(&owner, &[], &options);
        assert_eq!((imported.rulesets, left(&imported)), (1, vec![]), "{}", imported.policy);
        let policy = load(&imported.policy);
        let desired = Desired::for_owner(&policy, &owner, TODAY).unwrap();
        assert_eq!(told(&compare(&desired, &owner, None)), Vec::<String>::new(), "{}", imported.policy);
        let found = of_owner(&policy, &owner, TODAY);
        assert!(found.changes.is_empty() && found.cannot_tell.is_empty() && found.blocked.is_empty(), "{found:?}");
    }
    for (names, why) in [
        (json!({ "include": ["~ALL"], "exclude": [], "protected": true }), "forbids renaming"),
        (json!({ "include": [], "exclude": [] }), "for no repositories at all"),
        (json!({ "include": ["{a,b}"], "exclude": [] }), "can't say `{a,b}`"),
        (Value::Null, "`conditions.repository_name` would be otherwise"),
    ] {
        let imported = import(&organization(names.clone()), &[], &options);
        assert_eq!(imported.rulesets, 0, "{names}");
        assert!(imported.left[0].why.contains(why), "{names} {:?}", imported.left);
    }
    let mut dark = owner();
    dark.rulesets = Readable::hidden(Cause::NotPermitted, "no");
    assert_eq!(left(&import(&dark, &[], &options)), ["acme: : its rulesets are hidden: no"]);
}

fn protect(pattern: &str, body: Value) -> (String, Value) {
    (pattern.to_owned(), body)
}

#[test]
fn a_protection_takes_a_ruleset_for_each_list_of_who_passes() {
    let body = json!({
        "enforce_admins": false,
        "required_pull_request_reviews": {
            "required_approving_review_count": 1, "bypass_pull_request_allowances": { "users": ["alan"] },
            "dismissal_restrictions": { "teams": ["release"], "apps": ["release-please"] },
        },
        "restrictions": { "teams": ["platform"] },
        "block_creations": true,
        "bypass_force_push": { "teams": ["release"] },
        "required_linear_history": true,
        "lock_branch": true,
    });
    let owner = owner();
    let repository =
        repository("api", &[], &[protect("release/**", body), protect("release/1.x", json!({ "enforce_admins": true }))]);
    let imported = import(&owner, std::slice::from_ref(&repository), &options(Form::BranchProtection));
    assert_eq!((imported.rulesets, left(&imported)), (7, vec![]), "{}", imported.policy);
    let policy = load(&imported.policy);
    let names: Vec<&str> = policy.rulesets.iter().map(|ruleset| ruleset.name.as_str()).collect();
    let expected = [
        "release/**: history and checks",
        "release/**: reviews",
        "release/**: who pushes",
        "release/**: force pushes",
        "release/**: deletion",
        "release/**: locked",
        "release/1.x",
    ];
    let mut sorted = expected;
    sorted.sort_unstable();
    let mut names_sorted = names.clone();
    names_sorted.sort_unstable();
    assert_eq!(names_sorted, sorted);
    // The branch with a protection of its own is left out by the pattern's.
    assert!(imported.policy.contains("refs = { include = [\"release/*\"], exclude = [\"release/1.x\"] }"), "{}", imported.policy);
    assert_eq!(differs(&policy, &owner, &repository), Vec::<String>::new());
    assert_eq!(unmanaged(&policy, &owner, &repository), 0);
}

/// What a pattern matches and another protection binds it leaves out, so that the policy says what is so.
#[test]
fn where_protections_meet_the_policy_says_which_binds() {
    let owner = owner();
    let of = |patterns: &[&str]| {
        let protections: Vec<_> = patterns.iter().map(|pattern| protect(pattern, json!({}))).collect();
        let repository = repository("api", &[], &protections);
        let imported = import(&owner, std::slice::from_ref(&repository), &options(Form::BranchProtection));
        let policy = load(&imported.policy);
        assert_eq!(planned(&policy, &owner, &repository), Vec::<String>::new(), "{}", imported.policy);
        assert_eq!(differs(&policy, &owner, &repository), Vec::<String>::new(), "{}", imported.policy);
        imported
    };
    let older = of(&["a/*", "*/b", "a/b"]);
    for refs in [
        "refs = { include = [\"a/*\"], exclude = [\"a/b\"] }\n",
        "refs = { include = [\"*/b\"], exclude = [\"a/*\", \"a/b\"] }\n",
        "refs = [\"a/b\"]\n",
    ] {
        assert!(older.policy.contains(refs), "{refs}{}", older.policy);
    }
    assert_eq!(left(&older), Vec::<String>::new());
    let other = of(&["*/b", "a/*"]);
    assert!(other.policy.contains("refs = { include = [\"a/*\"], exclude = [\"*/b\"] }\n"), "{}", other.policy);
    // Of a pattern whose branches an older one has all, nothing is so.
    let dead = of(&["**/*", "a/*", "main"]);
    assert_eq!(left(&dead), ["acme/api: branch protection `a/*`: the older `**/*` is for all its branches, and binds"]);
    assert!(dead.policy.contains("refs = { include = [\"**/*\"], exclude = [\"main\"] }\n"), "{}", dead.policy);
}

#[test]
fn of_protections_what_cannot_be_said_is_told() {
    let owner = owner();
    let imported = |protections: &[(String, Value)]| {
        import(&owner, &[repository("api", &[], protections)], &options(Form::BranchProtection))
    };
    let open = json!({ "enforce_admins": true, "allow_deletions": true, "allow_force_pushes": true });
    let with = |key: &str, value: Value| {
        let mut body = open.clone();
        body[key] = value;
        body
    };
    for (pattern, body, rulesets, why) in [
        ("main", open.clone(), 0, "it asks for nothing that a policy can say"),
        ("{a,b}", with("required_signatures", json!(true)), 0, "a policy can't say `refs/heads/{a,b}`"),
        ("main", with("required_conversation_resolution", json!(true)), 0, "it asks for nothing"),
        ("main", with("restrictions", json!({ "users": ["org-admins"] })), 0, "whom a policy can't name"),
        ("main", with("restrictions", json!({ "users": ["x[bot]"] })), 0, "whom a policy can't name"),
    ] {
        let imported = imported(&[protect(pattern, body)]);
        assert_eq!(imported.rulesets, rulesets, "{}", imported.policy);
        assert!(imported.left[0].why.contains(why), "{:?}", imported.left);
    }
    // A setting stays as it is, the rest is imported.
    let empty_checks = json!({ "enforce_admins": true, "required_status_checks": { "strict": true, "checks": [] } });
    let imported_ = imported(&[protect("main", empty_checks)]);
    assert_eq!(imported_.rulesets, 1);
    assert_eq!(
        left(&imported_),
        [
            "acme/api: branch protection `main`: `required_status_checks` stays as it is: it names no check, so that it asks for nothing"
        ]
    );
    // Of two for the same branches the older binds.
    let twice = imported(&[protect("release/**", json!({})), protect("release/*", json!({}))]);
    assert_eq!(twice.rulesets, 1);
    assert_eq!(
        left(&twice),
        ["acme/api: branch protection `release/*`: the older `release/**` is for all its branches, and binds"]
    );
    // Hidden lists are no empty lists.
    let mut half = repository("api", &[], &[protect("main", json!({}))]);
    let Readable::Known(protections) = &mut half.protections else { unreachable!() };
    protections[0].bypass_force_push_allowances = Readable::hidden(Cause::NotOffered, "only GraphQL shows it");
    let imported = import(&owner, &[half], &options(Form::BranchProtection));
    assert_eq!(imported.rulesets, 0);
    assert!(imported.left[0].why.contains("`bypass_force_push_allowances` is hidden"), "{:?}", imported.left);
}

fn likeness(imported: &Imported) -> Vec<String> {
    let show = |it: &Conversion| format!("{} {}: {}", it.pattern, it.field, it.likeness.as_str());
    imported.conversions.iter().map(show).collect()
}

#[test]
fn a_conversion_is_told_field_by_field() {
    let owner = owner();
    let body = json!({
        "enforce_admins": true,
        "required_pull_request_reviews": {
            "required_approving_review_count": 2, "bypass_pull_request_allowances": { "users": ["alan"] },
            "dismissal_restrictions": { "teams": ["release"], "apps": ["release-please"] },
        },
        "required_status_checks": { "strict": true, "checks": [{ "context": "test", "app_id": 15368 }] },
        "restrictions": { "teams": ["platform"] },
        "allow_deletions": true,
    });
    let repository = repository(
        "api",
        &[],
        &[protect("*", body), protect("main", json!({ "enforce_admins": false, "required_linear_history": true }))],
    );
    let imported = import(&owner, std::slice::from_ref(&repository), &options(Form::Converted));
    assert_eq!(left(&imported), Vec::<String>::new());
    assert_eq!(
        likeness(&imported),
        [
            "* pattern: equivalent",
            "* enforce_admins: equivalent",
            "* required_pull_request_reviews: equivalent",
            "* bypass_pull_request_allowances: equivalent",
            "* dismissal_restrictions: not expressible",
            "* dismissal_restrictions: stronger",
            "* required_status_checks: equivalent",
            "* allow_deletions: stronger",
            "* restrictions: equivalent",
            "* allow_force_pushes: equivalent",
            "* creation: not expressible",
            "main pattern: equivalent",
            "main enforce_admins: stronger",
            "main allow_force_pushes: equivalent",
            "main allow_deletions: equivalent",
            "main required_linear_history: equivalent",
            "main creation: not expressible",
        ]
    );
    for expected in [
        "# dismissal_restrictions of branch protection `*`: stronger: a ruleset can't name apps here: `app:release-please` no longer dismiss\n",
        "# The branch protections themselves stay until they are deleted.\n",
        "# enforce_admins of branch protection `main`: stronger: administrators pass; deploy keys that can push pass the protection only\n",
        // One binds a branch, the one with its name first; rulesets bind together.
        "refs = { include = [\"*\"], exclude = [\"main\"] }\n",
        "bypass = [{ actor = \"role:maintain\" }, { actor = \"team:platform\" }]\n",
        "allowed_actors = [\"team:release\"]",
        // Administrators pass what is not enforced for them, and force pushes and deletions are forbidden to everyone.
        "bypass = [{ actor = \"role:admin\" }]\n\n[ruleset.rules]\nrequired_linear_history = true\n",
        "refs = [\"main\"]\n\n[ruleset.rules]\nnon_fast_forward = true\ndeletion = true\n",
    ] {
        assert!(imported.policy.contains(expected), "{expected}\n{}", imported.policy);
    }
    load(&imported.policy);
    assert!(imported.conversions.iter().all(|it| it.likeness != Likeness::Weaker), "nothing is weakened unawares");
}

/// Nothing shows it of a protection: what its branch shows is told, and what it does not show, too.
#[test]
fn a_merge_queue_is_told_and_not_converted() {
    let owner = owner();
    let told = |queue: Readable<bool>| {
        let mut repository = repository("api", &[], &[protect("main", json!({})), protect("release/*", json!({}))]);
        repository.merge_queues = Readable::Known([("main".to_owned(), queue)].into());
        let imported = import(&owner, std::slice::from_ref(&repository), &options(Form::Converted));
        load(&imported.policy);
        let found: Vec<_> = imported.conversions.into_iter().filter(|one| one.field == "merge_queue").collect();
        found.into_iter().map(|one| (one.pattern, one.likeness, one.why)).collect::<Vec<_>>()
    };
    assert_eq!(told(Readable::Known(false)), []);
    for (queue, why) in [
        (Readable::Known(true), "write `merge_queue` in a ruleset of the repository before the protection goes"),
        (Readable::hidden(Cause::NotPermitted, "no"), "whether the branch has a merge queue can't be told: no"),
    ] {
        let [(pattern, likeness, told)] = &told(queue)[..] else { panic!("of the one with a branch's name alone") };
        assert_eq!((pattern.as_str(), *likeness), ("main", Likeness::NotExpressible));
        assert!(told.ends_with(why), "{told}");
    }
}

#[test]
fn files_are_of_one_owner_and_one_level() {
    let file = |patch: Value| {
        let mut body = ruleset();
        crate::audit::merge(&mut body, &json!({ "source_type": "Repository", "source": "acme/api" }));
        crate::audit::merge(&mut body, &patch);
        files::ruleset(body.to_string().as_bytes(), 1)
    };
    assert!(file(json!({})).is_ok());
    assert_eq!(file(json!({ "enforcement": null })).unwrap_err(), "it has no `enforcement`, as every exported ruleset does");
    assert!(files::ruleset(b"{", 1).unwrap_err().starts_with("it is no JSON"));
    assert_eq!(files::ruleset(b"[]", 1).unwrap_err(), "it holds no ruleset");
    // Without its list of who passes, a file says nothing about who does.
    let (_, owner, places) = files::places(vec![file(json!({ "bypass_actors": null })).unwrap()]).unwrap();
    let imported = import(&owner, &places, &options(Form::Rulesets));
    assert!(imported.left[0].why.starts_with("who passes it is hidden"), "{:?}", imported.left);
    // Nor does it tell whose the numbers are.
    let (_, owner, places) = files::places(vec![file(json!({})).unwrap()]).unwrap();
    assert_eq!(
        left(&import(&owner, &places, &options(Form::Rulesets))),
        ["acme/api: ruleset `main`: the name of team #11 is hidden: not asked for in this run"]
    );
    let two = |patch: Value| files::places(vec![file(json!({})).unwrap(), file(patch).unwrap()]).map(|_| ());
    assert!(two(json!({ "source": "other/api" })).unwrap_err().contains("several owners"));
    assert!(two(json!({ "source": "acme", "source_type": "Organization" })).unwrap_err().contains("one after the other"));
    assert!(two(json!({ "source": "acme/web" })).is_ok());
    let enterprise = vec![file(json!({ "source": "big", "source_type": "Enterprise" })).unwrap()];
    assert!(files::places(enterprise).unwrap_err().contains("not enterprises"));
}
