//! What a plan says: in its published form, for a terminal and as Markdown; what is blocked, what can't be told, and when classic
//! protection has become superfluous.

use refwarden::github::plan::migrate::Verdict;
use refwarden::github::plan::{Action, Kind, Permitted, Plan};
use refwarden::policy::Policy;
use refwarden::report::plan::{json, markdown, parse, terminal};
use serde_json::{Value, json as value};

use crate::github_apply::{client, policy, run, surveyed};
use crate::schemas::{schema, valid};
use crate::support::github::{Bed, Permission, Role};

fn acme() -> Bed {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    acme.team("release", &["ada"]);
    acme.repository("api");
    bed
}

fn planned(bed: &Bed, policy: &Policy, migrate: bool) -> Plan {
    let token = bed.token().create();
    let plan = run(async { surveyed(&client(bed, &token), policy, migrate).await.plan });
    let text = json(&plan).unwrap();
    valid(&schema("plan"), &serde_json::from_str(&text).unwrap());
    assert_eq!(parse(text.as_bytes()).unwrap(), plan, "it reads back as the same");
    plan
}

const RULES: &str = r#"
[[ruleset]]
name = "main"
target = "branch"
refs = ["~DEFAULT_BRANCH"]
[ruleset.rules]
deletion = true
non_fast_forward = true
pull_request = { required_approving_review_count = 2, dismiss_stale_reviews_on_push = true }
required_status_checks = { required_status_checks = [{ context = "ci/test", integration_id = 15368 }] }
"#;

#[test]
fn the_schema_can_tell() {
    let bed = acme();
    let plan = planned(&bed, &policy("", RULES), false);
    let good: Value = serde_json::from_str(&json(&plan).unwrap()).unwrap();
    let plan_schema = schema("plan");
    assert!(plan_schema.is_valid(&good));
    for spoil in [
        |plan: &mut Value| plan["changes"][0]["fingerprint"] = value!("x"),
        |plan: &mut Value| plan["kind"] = value!("plans"),
        |plan: &mut Value| plan["more"] = value!(1),
        |plan: &mut Value| plan["changes"][0]["permitted"] = Value::Null,
    ] {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(!plan_schema.is_valid(&bad));
    }
    for (text, why) in [("{}", "missing field"), ("[", "EOF"), (r#"{"version":1,"kind":"audit"}"#, "unknown variant")] {
        assert!(parse(text.as_bytes()).unwrap_err().contains(why), "{:?}", parse(text.as_bytes()));
    }
    let later = json(&Plan { version: 2, ..plan }).unwrap();
    assert!(parse(later.as_bytes()).unwrap_err().contains("version 2"));
}

#[test]
fn people_read_what_changes_and_nothing_hostile_gets_through() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    api.ruleset(
        value!({ "name": "main", "enforcement": "evaluate", "rules": [{ "type": "deletion" }, { "type": "required_signatures" }],
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } } }),
    );
    api.ruleset(value!({ "name": "\u{1b}[31m@everyone `x` <b>", "enforcement": "active", "rules": [{ "type": "deletion" }],
        "conditions": { "ref_name": { "include": ["~ALL"], "exclude": [] } } }));
    let plan = planned(&bed, &policy("unmanaged = \"delete\"", RULES), false);
    let shown = terminal::render(&plan, false);
    for line in [
        "acme/api\n  ~ update ruleset `main` (line 6)\n",
        "      enforcement: evaluate -> active\n",
        "      rules.required_signatures: on -> -  asks for less\n",
        "  - delete ruleset `\\u{1b}[31m@everyone",
        "acme: 2 changes in 1 of 1 repository (1 update, 1 delete, 2 ask for less)\n",
    ] {
        assert!(shown.contains(line), "{line:?} is not in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    assert!(terminal::render(&plan, true).contains("\u{1b}["), "colours where they are wanted");
    let comment = markdown::render(&plan);
    assert!(comment.starts_with("## Plan for `acme`\n"), "{comment}");
    assert!(comment.contains("### :warning: GitHub would ask for less"), "{comment}");
    let outside_code: String = comment.split('`').step_by(2).collect();
    assert!(!outside_code.contains('@') && !outside_code.contains('<') && !comment.contains('\u{1b}'), "{comment}");
    assert!(comment.len() <= 65_536);
}

#[test]
fn a_comment_has_room_for_so_much() {
    let bed = acme();
    for number in 0..400 {
        bed.organization("acme").repository(&format!("repository-{number}"));
    }
    let mut plan = planned(&bed, &policy("", RULES), false);
    assert_eq!(plan.changes.len(), 401);
    // The same is said once, and every place is named.
    let comment = markdown::render(&plan);
    assert!(comment.contains("### The same in 401 places") && comment.contains("`acme/repository-399`"), "{comment}");
    assert_eq!(comment.matches("rules.pull_request").count(), 1);
    let shown = terminal::render(&plan, false);
    assert_eq!(shown.matches("rules.pull_request").count(), 1);
    assert!(shown.contains("acme/repository-399\n"), "{shown}");
    // Each another one.
    for (number, change) in plan.changes.iter_mut().enumerate() {
        change.thing.name = format!("ruleset {number}");
    }
    let comment = markdown::render(&plan);
    assert!(comment.len() <= 65_536, "{}", comment.len());
    assert!(comment.contains(" more**: there is no room for them here"), "{}", &comment[comment.len() - 400..]);
}

#[test]
fn what_github_has_no_word_for_is_blocked_with_the_reason() {
    let bed = acme();
    let rules = r#"
[[ruleset]]
name = "a"
target = "branch"
refs = ["main", "refs/notes/commits"]
[ruleset.rules]
deletion = true
max_commits = { max_commits = 5 }
[[ruleset]]
name = "b"
target = "branch"
refs = ["main"]
bypass = [{ actor = "team:nobody" }]
[ruleset.rules]
deletion = true
"#;
    let plan = planned(&bed, &policy("", rules), false);
    let blocked: Vec<(&str, &str, bool)> =
        plan.blocked.iter().map(|one| (one.ruleset.as_str(), one.what.as_str(), one.unknown_name)).collect();
    assert_eq!(blocked, [("a", "refs", false), ("b", "team:nobody", true)], "{plan:#?}");
    assert_eq!(plan.not_bound.len(), 1, "a rule that only a git server binds is no fault: {plan:#?}");
    let names: Vec<&str> = plan.changes.iter().map(|change| change.thing.name.as_str()).collect();
    assert_eq!(names, ["a"], "what names someone unknown is not written");
    let limits = refwarden::github::plan::limits::Limits::default();
    assert!(limits.exceeded(&plan).iter().any(|over| over.why.contains("team:nobody")));
}

#[test]
fn what_may_not_be_seen_is_not_written() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    api.ruleset(value!({ "name": "main", "enforcement": "active", "rules": [{ "type": "deletion" }],
        "bypass_actors": [{ "actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always" }],
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } } }));
    let policy = policy("", RULES);
    let reading = bed
        .token()
        .with(Permission::Administration, crate::support::github::Level::Read)
        .with(Permission::OrganizationAdministration, crate::support::github::Level::Read)
        .create();
    let plan = run(async { surveyed(&client(&bed, &reading), &policy, false).await.plan });
    assert!(plan.changes.is_empty(), "{plan:#?}");
    let unsure = &plan.cannot_tell[0];
    assert_eq!(unsure.thing.name, "main");
    assert!(unsure.why.iter().any(|why| why.permission.as_deref() == Some("administration=write")), "{unsure:#?}");
    assert!(unsure.fields.iter().any(|field| field.field == "rules.pull_request"), "what can be told is told: {unsure:#?}");
    // Where there is nothing yet, the plan says what the token lacks.
    api.unprotect("main");
    let writer = bed.token().role(Role::Write).create();
    bed.organization("acme").repository("new");
    let plan = run(async { surveyed(&client(&bed, &writer), &policy, false).await.plan });
    let new = plan.changes.iter().find(|change| change.thing.target == "acme/new").unwrap();
    assert_eq!(new.permitted, Permitted::No);
    assert!(terminal::render(&plan, false).contains("this token lacks administration=write"));
}

#[test]
fn a_pattern_that_an_older_one_takes_branches_from_is_blocked() {
    let bed = acme();
    bed.organization("acme").repository("api").protect("rel*/*", value!({ "enforce_admins": true }));
    let rules = RULES.replace("~DEFAULT_BRANCH", "release/*");
    let plan = planned(&bed, &policy("mechanism = \"branch_protection\"", &rules), false);
    assert!(plan.changes.is_empty(), "{plan:#?}");
    assert!(plan.blocked.iter().any(|one| one.what == "refs" && one.why.contains("rel*/*")), "{plan:#?}");
    // One that meets no branch of it is in nobody's way.
    let rules = RULES.replace("~DEFAULT_BRANCH", "hotfix/*");
    let plan = planned(&bed, &policy("mechanism = \"branch_protection\"", &rules), false);
    assert_eq!(plan.changes.len(), 1, "{plan:#?}");
}

/// GitHub's spelling of a pattern stays, however the policy spells it.
#[test]
fn a_pattern_keeps_its_spelling() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    api.protect("release/**", value!({ "enforce_admins": true }));
    let rules = RULES.replace("~DEFAULT_BRANCH", "release/*");
    let plan = planned(&bed, &policy("mechanism = \"branch_protection\"", &rules), false);
    let [change] = &plan.changes[..] else { panic!("{plan:#?}") };
    assert_eq!((change.action(), change.thing.name.as_str()), (Action::Update, "release/**"));
    assert_eq!(change.after.as_ref().unwrap()["pattern"], "release/**");
    assert!(plan.unmanaged.is_empty() && plan.blocked.is_empty(), "{plan:#?}");
    // Of two for the same branches the older is meant, and the other one stays.
    api.protect("release/*", value!({ "enforce_admins": false }));
    let plan = planned(&bed, &policy("mechanism = \"branch_protection\"", &rules), false);
    assert_eq!(plan.changes.iter().map(|change| change.thing.name.as_str()).collect::<Vec<_>>(), ["release/**"]);
    assert_eq!(plan.unmanaged.iter().map(|thing| thing.name.as_str()).collect::<Vec<_>>(), ["release/*"]);
}

/// Two patterns that match the same branch: which one binds there decides whether it is as the policy asks.
#[test]
fn where_two_patterns_match_the_older_is_believed() {
    let ruleset = |name: &str, refs: &str, rule: &str| {
        format!("[[ruleset]]\nname = \"{name}\"\ntarget = \"branch\"\nrefs = {refs}\n[ruleset.rules]\n{rule} = true\n")
    };
    let blocked = |patterns: &[&str], rules: &str| {
        let bed = acme();
        for pattern in patterns {
            bed.organization("acme").repository("api").protect(pattern, value!({}));
        }
        let plan = planned(&bed, &policy("mechanism = \"branch_protection\"", rules), false);
        plan.blocked.iter().map(|one| one.ruleset.clone()).collect::<Vec<_>>()
    };
    let first = ruleset("first", r#"["a/*"]"#, "deletion");
    let both = first.clone() + &ruleset("second", r#"["*/b"]"#, "required_signatures");
    let apart = first.clone() + &ruleset("second", r#"{ include = ["*/b"], exclude = ["a/*"] }"#, "required_signatures");
    for (patterns, rules, expected) in [
        (&["a/*", "*/b"][..], &both, &["second"][..]),
        (&["*/b", "a/*"], &both, &["first"]),
        (&["a/*", "*/b"], &apart, &[]),
        // The younger leaves out what the older is for, and here it is the other way round.
        (&["*/b", "a/*"], &apart, &["first"]),
        // What there is none of is made in the policy's order.
        (&[], &apart, &[]),
        (&["a/*"], &apart, &[]),
    ] {
        assert_eq!(blocked(patterns, rules), expected, "{patterns:?} {rules}");
    }
    // What asks for something everywhere asks for it under either.
    let everywhere = ruleset("first", r#"["a/*", "*/b"]"#, "deletion");
    assert_eq!(blocked(&["*/b", "a/*"], &everywhere), Vec::<String>::new());
}

/// A ruleset that is called otherwise on GitHub: whoever it names and nobody knows is told once, by the policy's name.
#[test]
fn a_ruleset_has_another_name_on_github() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    let live = |name: &str| {
        value!({ "name": name, "target": "branch", "enforcement": "active", "rules": [{ "type": "update" }],
            "conditions": { "ref_name": { "include": ["~ALL"], "exclude": [] } } })
    };
    api.ruleset(live("main"));
    api.ruleset(live("ours"));
    let rules = RULES.replace("name = \"main\"", "name = \"ours\"\ngithub_name = \"main\"");
    let plan = planned(&bed, &policy("", &rules), false);
    assert_eq!(plan.changes.iter().map(|change| change.thing.name.as_str()).collect::<Vec<_>>(), ["main"]);
    assert_eq!(plan.changes[0].action(), Action::Update);
    assert_eq!(plan.unmanaged.iter().map(|thing| thing.name.as_str()).collect::<Vec<_>>(), ["ours"]);
    let unknown = rules.replace("[ruleset.rules]", "bypass = [{ actor = \"team:nobody\" }]\n[ruleset.rules]");
    let plan = planned(&bed, &policy("", &unknown), false);
    assert!(plan.changes.is_empty(), "{plan:#?}");
    assert_eq!(
        plan.blocked.iter().map(|one| (one.ruleset.as_str(), one.what.as_str())).collect::<Vec<_>>(),
        [("ours", "team:nobody")]
    );
}

fn classic() -> Value {
    value!({
        "required_pull_request_reviews": { "required_approving_review_count": 2, "dismiss_stale_reviews": true },
        "required_status_checks": { "strict": false, "checks": [{ "context": "ci/test", "app_id": 15368 }] },
        "enforce_admins": true,
    })
}

#[test]
fn classic_protection_goes_when_rulesets_ask_for_no_less() {
    let bed = acme();
    bed.organization("acme").repository("api").protect("main", classic());
    let policy = policy("", RULES);
    let kept = planned(&bed, &policy, false);
    assert!(kept.changes.iter().all(|change| change.action() != Action::Delete));
    let plan = planned(&bed, &policy, true);
    let last = plan.changes.last().unwrap();
    assert_eq!((last.action(), last.thing.kind), (Action::Delete, Kind::BranchProtection), "{plan:#?}");
    assert_eq!(plan.changes.len(), 2, "rulesets first: {plan:#?}");
    assert!(!last.weakens());
    assert!(plan.equivalents.iter().all(|row| row.verdict == Verdict::NoWeaker), "{:#?}", plan.equivalents);
    assert!(terminal::render(&plan, false).contains("branch protection `main` of acme/api: goes"));
    assert!(!plan.unmanaged.iter().any(|thing| thing.name == "main"));
}

#[test]
fn classic_protection_stays_when_anything_of_it_would_be_lost() {
    type Change = fn(&mut Value, &mut String);
    let weaker: &[(&str, Change)] = &[
        ("more approvals", |classic, _| classic["required_pull_request_reviews"]["required_approving_review_count"] = value!(3)),
        ("code owners", |classic, _| classic["required_pull_request_reviews"]["require_code_owner_reviews"] = value!(true)),
        ("another check", |classic, _| {
            classic["required_status_checks"]["checks"] = value!([{ "context": "lint", "app_id": -1 }])
        }),
        ("up to date", |classic, _| classic["required_status_checks"]["strict"] = value!(true)),
        ("linear", |classic, _| classic["required_linear_history"] = value!(true)),
        ("signed", |classic, _| classic["required_signatures"] = value!(true)),
        ("locked", |classic, _| classic["lock_branch"] = value!(true)),
        ("conversations", |classic, _| classic["required_conversation_resolution"] = value!(true)),
        ("restricted", |classic, _| classic["restrictions"] = value!({ "users": [], "teams": [], "apps": [] })),
        ("dismissers", |classic, _| {
            classic["required_pull_request_reviews"]["dismissal_restrictions"] =
                value!({ "users": [], "teams": ["release"], "apps": [] });
        }),
        ("deployments", |classic, _| classic["required_deployments"] = value!(["production"])),
        ("a bypass", |_, rules| {
            *rules = rules.replace("[ruleset.rules]", "bypass = [{ actor = \"team:release\" }]\n[ruleset.rules]")
        }),
        // Force pushes and deletions are forbidden to administrators, too, whatever is enforced for them.
        ("administrators who may force-push", |classic, rules| {
            classic["enforce_admins"] = value!(false);
            *rules = rules.replace("[ruleset.rules]", "bypass = [{ actor = \"role:admin\" }]\n[ruleset.rules]");
        }),
        ("only reporting", |_, rules| *rules = rules.replace("[ruleset.rules]", "enforcement = \"evaluate\"\n[ruleset.rules]")),
        ("another branch", |_, rules| *rules = rules.replace("~DEFAULT_BRANCH", "develop")),
        ("excluded", |_, rules| *rules = rules.replace("[\"~DEFAULT_BRANCH\"]", "{ include = [\"~ALL\"], exclude = [\"m*\"] }")),
    ];
    for (what, change) in weaker {
        let (mut protection, mut rules) = (classic(), RULES.to_owned());
        change(&mut protection, &mut rules);
        let bed = acme();
        bed.organization("acme").repository("api").protect("main", protection);
        let plan = planned(&bed, &policy("", &rules), true);
        assert!(plan.changes.iter().all(|change| change.action() != Action::Delete), "{what}: {plan:#?}");
        assert!(plan.equivalents.iter().any(|row| row.verdict != Verdict::NoWeaker), "{what}: {:#?}", plan.equivalents);
    }
}

#[test]
fn a_pattern_goes_only_when_rulesets_are_for_all_its_branches() {
    for (refs, goes) in [
        ("[\"~ALL\"]", true),
        ("[\"release/*\"]", true),
        ("[\"**/*\"]", true),
        ("[\"release/?\", \"release/??\", \"release/???\"]", false),
        ("[\"release/1\"]", false),
        ("{ include = [\"~ALL\"], exclude = [\"release/old*\"] }", false),
        ("{ include = [\"~ALL\"], exclude = [\"hotfix/*\"] }", true),
    ] {
        let bed = acme();
        let api = bed.organization("acme").repository("api");
        api.branch("release/1").protect("release/*", classic());
        let rules = RULES.replace("[\"~DEFAULT_BRANCH\"]", refs);
        let plan = planned(&bed, &policy("", &rules), true);
        let deleted = plan.changes.iter().any(|change| change.action() == Action::Delete);
        assert_eq!(deleted, goes, "{refs}: {:#?}", plan.equivalents);
    }
}

#[test]
fn what_this_program_does_not_know_is_never_written_away() {
    let known = value!({ "name": "main", "enforcement": "active", "rules": [{ "type": "deletion" }],
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } } });
    type Change = fn(&mut Value);
    let unknown: &[(&str, Change)] = &[
        ("a rule", |ruleset| ruleset["rules"] = value!([{ "type": "deletion" }, { "type": "quantum_review" }])),
        ("a field", |ruleset| ruleset["quantum_review"] = value!(true)),
        ("a condition", |ruleset| ruleset["conditions"]["quantum_review"] = value!({ "include": [] })),
        ("an enforcement", |ruleset| ruleset["enforcement"] = value!("quantum_review")),
        ("a bypasser", |ruleset| {
            ruleset["bypass_actors"] = value!([{ "actor_id": 1, "actor_type": "quantum_review", "bypass_mode": "always" }]);
        }),
    ];
    for unmanaged in ["report", "delete"] {
        for name in ["main", "other"] {
            for (what, change) in unknown {
                let bed = acme();
                bed.allow_unknown("quantum_review");
                let mut ruleset = known.clone();
                ruleset["name"] = value!(name);
                change(&mut ruleset);
                bed.organization("acme").repository("api").ruleset(ruleset);
                let plan = planned(&bed, &policy(&format!("unmanaged = \"{unmanaged}\""), RULES), false);
                let written = plan.changes.iter().filter(|change| change.before.is_some()).count();
                assert_eq!(written, 0, "{what} of `{name}`: {plan:#?}");
                let is_told = plan.cannot_tell.iter().any(|one| one.thing.name == name);
                assert_eq!(is_told, name == "main" || unmanaged == "delete", "{what} of `{name}`: {plan:#?}");
            }
            // The twin: without it, it is.
            let bed = acme();
            bed.organization("acme").repository("api").ruleset({
                let mut ruleset = known.clone();
                ruleset["name"] = value!(name);
                ruleset
            });
            let plan = planned(&bed, &policy(&format!("unmanaged = \"{unmanaged}\""), RULES), false);
            let written = plan.changes.iter().filter(|change| change.before.is_some()).count();
            assert_eq!(written, usize::from(name == "main" || unmanaged == "delete"), "`{name}`: {plan:#?}");
        }
    }
}

#[test]
fn repositories_stay_protected_from_being_renamed_out_of_scope() {
    let bed = Bed::of(crate::support::github::Profile::EnterpriseCloud);
    let acme = bed.organization("acme");
    acme.repository("api");
    acme.ruleset(value!({ "name": "main", "enforcement": "active", "rules": [{ "type": "deletion" }],
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] },
            "repository_name": { "include": ["api"], "exclude": [], "protected": true } } }));
    let plan = planned(&bed, &policy("level = \"organization\"", RULES), false);
    let after = plan.changes[0].after.as_ref().unwrap();
    assert_eq!(after["conditions"]["repository_name"], value!({ "include": ["~ALL"], "exclude": [], "protected": true }));
}

/// A ruleset of the policy that can't be written is no ruleset that the policy does not know.
#[test]
fn what_the_policy_names_is_never_deleted_nor_called_unmanaged() {
    let ruleset = |more: &str, rules: &str| {
        format!("[[ruleset]]\nname = \"ours\"\ntarget = \"branch\"\nrefs = [\"main\"]\n{more}\n[ruleset.rules]\n{rules}\n")
    };
    let limited = ruleset("actors = [\"ada\"]", "deletion = true");
    for (what, rules) in [
        ("actors", limited.clone()),
        ("no rule that GitHub has", ruleset("", "max_file_size = { max_file_size = 5 }")),
        ("refs", ruleset("", "deletion = true").replace("[\"main\"]", "[\"refs/notes/commits\"]")),
        ("another name", limited.replace("name = \"ours\"", "name = \"here\"\ngithub_name = \"ours\"")),
        // One that says the same and is called otherwise does not take it over.
        (
            "a twin",
            format!("{limited}{}", ruleset("", "deletion = true").replace("ours", "twin").replace("[\"main\"]", "[\"~ALL\"]")),
        ),
    ] {
        for unmanaged in ["delete", "report"] {
            let bed = acme();
            let api = bed.organization("acme").repository("api");
            let live = |name: &str, target: &str| {
                value!({ "name": name, "target": target, "enforcement": "active", "rules": [{ "type": "deletion" }],
                    "conditions": { "ref_name": { "include": ["~ALL"], "exclude": [] } } })
            };
            api.ruleset(live("ours", "branch"));
            let plan = planned(&bed, &policy(&format!("unmanaged = \"{unmanaged}\""), &rules), false);
            let touched = plan.changes.iter().any(|change| change.before.is_some());
            assert!(!touched && plan.unmanaged.is_empty(), "{what} {unmanaged}: {plan:#?}");
            // The twins: what the policy does not name, by its name or by its target.
            api.ruleset(live("theirs", "branch"));
            api.ruleset(live("ours", "tag"));
            let plan = planned(&bed, &policy(&format!("unmanaged = \"{unmanaged}\""), &rules), false);
            let of = |thing: &refwarden::github::plan::Thing| thing.name.clone();
            let mut found: Vec<String> = plan.unmanaged.iter().map(of).collect();
            found.extend(plan.changes.iter().filter(|change| change.action() == Action::Delete).map(|change| of(&change.thing)));
            found.sort();
            let expected: &[&str] = if what == "a twin" { &["ours"] } else { &["ours", "theirs"] };
            assert_eq!(found, expected, "{what} {unmanaged}: {plan:#?}");
        }
    }
}

/// The same of classic protections, which the policy names by their patterns.
#[test]
fn a_pattern_that_the_policy_names_is_never_deleted_nor_called_unmanaged() {
    let ruleset = |refs: &str, more: &str, rules: &str| {
        format!("[[ruleset]]\nname = \"ours\"\ntarget = \"branch\"\nrefs = {refs}\n{more}\n[ruleset.rules]\n{rules}\n")
    };
    for (what, rules) in [
        ("actors", ruleset("[\"~DEFAULT_BRANCH\"]", "actors = [\"ada\"]", "deletion = true")),
        ("only reporting", ruleset("[\"main\"]", "enforcement = \"evaluate\"", "deletion = true")),
        ("no rule that GitHub has", ruleset("[\"main\"]", "", "max_file_size = { max_file_size = 5 }")),
        ("what is left out", ruleset("{ include = [\"main\", \"release/*\"], exclude = [\"main\"] }", "", "deletion = true")),
    ] {
        for unmanaged in ["delete", "report"] {
            let bed = acme();
            bed.organization("acme").repository("api").protect("main", value!({})).protect("theirs", value!({}));
            let github = format!("mechanism = \"branch_protection\"\nunmanaged = \"{unmanaged}\"");
            let plan = planned(&bed, &policy(&github, &rules), false);
            let mut found: Vec<&str> = plan.unmanaged.iter().map(|thing| thing.name.as_str()).collect();
            let deleted = plan.changes.iter().filter(|change| change.action() == Action::Delete);
            found.extend(deleted.map(|change| change.thing.name.as_str()));
            assert_eq!(found, ["theirs"], "{what} {unmanaged}: {plan:#?}");
        }
    }
}

/// What will be created has no number yet: a ruleset for tags of the same name says nothing about branches.
#[test]
fn a_ruleset_for_tags_is_for_no_branches() {
    let tags = "[[ruleset]]\nname = \"tags\"\ngithub_name = \"main\"\ntarget = \"tag\"\nrefs = [\"~ALL\"]\n[ruleset.rules]\ndeletion = true\n";
    for (refs, goes) in [("[\"release/?\", \"release/??\", \"release/???\"]", false), ("[\"release/*\"]", true)] {
        let bed = acme();
        bed.organization("acme").repository("api").branch("release/1").protect("release/*", classic());
        let rules = format!("{}{tags}", RULES.replace("[\"~DEFAULT_BRANCH\"]", refs));
        let plan = planned(&bed, &policy("", &rules), true);
        let deleted = plan.changes.iter().any(|change| change.action() == Action::Delete);
        assert_eq!(deleted, goes, "{refs}: {:#?}", plan.equivalents);
    }
}

/// Restricted pushes and a lock are both `update`, and may be answered by different rulesets: it relies on both.
#[test]
fn a_deletion_relies_on_every_ruleset_that_answers() {
    let ruleset = |name: &str, bypass: &str, rules: &str| {
        format!("[[ruleset]]\nname = \"{name}\"\ntarget = \"branch\"\nrefs = [\"main\"]\n{bypass}\n[ruleset.rules]\n{rules}\n")
    };
    let a = ruleset("a", "bypass = [{ actor = \"role:maintain\" }]", "update = { update_allows_fetch_and_merge = false }");
    let b = ruleset("b", "", "update = { update_allows_fetch_and_merge = false }");
    let c = ruleset("c", "", "deletion = true\nnon_fast_forward = true");
    let relied = |locked: bool, rules: &str| {
        let bed = acme();
        let body =
            value!({ "enforce_admins": true, "restrictions": { "users": [], "teams": [], "apps": [] }, "lock_branch": locked });
        bed.organization("acme").repository("api").protect("main", body);
        let plan = planned(&bed, &policy("", rules), true);
        let deletion = plan.changes.iter().find(|change| change.action() == Action::Delete);
        deletion.map(|deletion| deletion.relies_on.iter().map(|one| one.ruleset.name.clone()).collect::<Vec<_>>())
    };
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(relied(true, &format!("{a}{b}{c}")), names(&["a", "b", "c"]));
    assert_eq!(relied(true, &format!("{b}{c}")), names(&["b", "c"]));
    assert_eq!(relied(false, &format!("{a}{c}")), names(&["a", "c"]));
    // Whoever maintains it passes `a`, and not the lock.
    assert_eq!(relied(true, &format!("{a}{c}")), None);
}

/// Where deletions are allowed, whoever writes deletes, whoever may push: what the import writes is stronger, and the plan misses nothing
/// where it is not written.
#[test]
fn allowed_deletions_are_nothing_that_could_be_lost() {
    let bed = acme();
    let body = value!({ "enforce_admins": true, "allow_deletions": true, "restrictions": { "users": ["ada"], "teams": [], "apps": [] } });
    bed.organization("acme").repository("api").protect("main", body);
    let rules = |more: &str| {
        format!(
            "[[ruleset]]\nname = \"a\"\ntarget = \"branch\"\nrefs = [\"main\"]\nbypass = [{{ actor = \"role:maintain\" }}]\n\
            [ruleset.rules]\nupdate = true\n{more}\n[[ruleset]]\nname = \"b\"\ntarget = \"branch\"\nrefs = [\"main\"]\n\
            [ruleset.rules]\nnon_fast_forward = true\n"
        )
    };
    for more in ["", "deletion = true"] {
        let plan = planned(&bed, &policy("", &rules(more)), true);
        assert!(plan.changes.iter().any(|change| change.action() == Action::Delete), "{more}: {:#?}", plan.equivalents);
        assert!(plan.equivalents.iter().all(|row| row.rule != "deletion"), "{:#?}", plan.equivalents);
    }
    // Without that it is forbidden to everyone.
    bed.organization("acme")
        .repository("api")
        .protect("main", value!({ "enforce_admins": true, "restrictions": { "users": ["ada"] } }));
    let plan = planned(&bed, &policy("", &rules("deletion = true")), true);
    assert!(
        plan.equivalents.iter().any(|row| row.rule == "deletion" && row.verdict == Verdict::Weaker),
        "{:#?}",
        plan.equivalents
    );
}
