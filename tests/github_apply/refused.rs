//! What `apply` refuses to carry out, without having written anything; and the twin of each that it carries out.

use std::fs;

use serde_json::{Value, json};

use super::program::Desk;
use super::{CLASSIC, REVIEWED, acme};
use crate::support::github::{Bed, RepositoryHandle};

/// Refused for this cause, and nothing was written.
#[track_caller]
fn refused(desk: &Desk<'_>, more: &[&str], cause: &str) {
    desk.bed.forget_requests();
    let before = desk.bed.settings();
    desk.apply(more).refuses(1, cause);
    desk.assert_nothing_written();
    assert_eq!(desk.bed.settings(), before);
}

#[test]
fn a_plan_that_is_no_longer_true() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    let api = bed.organization("acme").repository("api");
    // Somebody creates what was to be created, otherwise.
    let id = api.ruleset(json!({ "name": "main is reviewed", "enforcement": "active",
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } }, "rules": [{ "type": "creation" }] }));
    refused(&desk, &["--allow-weaken"], "since it was planned, this has changed: ruleset `main is reviewed` of acme/api");
    desk.plan().is(1);
    // Somebody changes what was to be changed.
    api.change_ruleset(id, "grace", "2026-02-02T00:00:00Z", json!({ "enforcement": "disabled" }));
    refused(&desk, &["--allow-weaken"], "since it was planned, this has changed");
    desk.plan().is(1);
    // Somebody deletes it.
    api.delete_ruleset(id);
    refused(&desk, &["--allow-weaken"], "since it was planned, this has changed");
    desk.plan().is(1);
    desk.apply(&[]).is(0);
    desk.plan().is(0);
}

#[test]
fn a_plan_that_somebody_edited() {
    let bed = acme();
    let acme = bed.organization("acme");
    acme.repository("api").ruleset(json!({ "name": "main is reviewed", "enforcement": "active",
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } }, "rules": [{ "type": "creation" }] }));
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    type Edit = fn(&mut Value);
    let edits: &[(&str, Edit)] = &[
        ("has changed", |plan| plan["changes"][0]["after"]["enforcement"] = json!("disabled")),
        ("has changed", |plan| plan["changes"][0]["after"]["rules"] = json!([])),
        ("has changed", |plan| plan["changes"][0]["after"]["bypass_actors"] = json!([])),
        ("has changed", |plan| plan["changes"][0]["after"] = Value::Null),
        ("has changed", |plan| plan["changes"][0]["before"]["name"] = json!("other")),
        ("has changed", |plan| plan["changes"][0]["fingerprint"] = json!("sha256:00")),
        ("has changed", |plan| plan["changes"][0]["id"] = json!("1")),
        ("has changed", |plan| plan["changes"][0]["thing"]["name"] = json!("other")),
        ("has changed", |plan| {
            for field in plan["changes"][0]["fields"].as_array_mut().unwrap() {
                field["weakens"] = json!(false);
            }
        }),
        ("is another one than the plan was made from", |plan| plan["policy"]["digest"] = json!("sha256:00")),
        ("the plan is for `https://github.example.org/api/v3`", |plan| {
            plan["api_url"] = json!("https://github.example.org/api/v3");
        }),
    ];
    for (cause, edit) in edits {
        desk.plan().is(1);
        desk.edit(edit);
        refused(&desk, &["--allow-weaken"], cause);
    }
    // One that is written otherwise and says the same is the same.
    desk.plan().is(1);
    desk.edit(|_| {});
    desk.apply(&["--allow-weaken"]).is(0);
    desk.plan().is(0);
}

#[test]
fn another_policy() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    let text = fs::read_to_string(desk.path("policy.toml")).unwrap();
    fs::write(desk.path("other.toml"), text.replace("count = 2", "count = 1")).unwrap();
    refused(&desk, &["--policy", "other.toml"], "is another one than the plan was made from");
    fs::write(desk.path("policy.toml"), format!("{text}# one more line\n")).unwrap();
    refused(&desk, &[], "is another one than the plan was made from");
    fs::write(desk.path("other.toml"), text).unwrap();
    desk.apply(&["--policy", "other.toml"]).is(0);
}

/// What there is, what the policy asks for, and whether that is less.
struct Case {
    what: &'static str,
    github: &'static str,
    live: fn(&RepositoryHandle),
    rulesets: String,
}

fn live(enforcement: &str, include: &str, bypass: Value, more: Value) -> Value {
    let mut rules = vec![json!({ "type": "deletion" })];
    rules.extend(more.as_array().cloned().unwrap_or_default());
    json!({ "name": "main", "enforcement": enforcement, "bypass_actors": bypass, "rules": rules,
        "conditions": { "ref_name": { "include": [include], "exclude": [] } } })
}

fn approvals(count: u64) -> Value {
    json!([{ "type": "pull_request", "parameters": {
        "required_approving_review_count": count, "dismiss_stale_reviews_on_push": false, "require_code_owner_review": false,
        "require_last_push_approval": false, "required_review_thread_resolution": false,
    } }])
}

fn wanted(head: &str, rules: &str) -> String {
    format!("[[ruleset]]\nname = \"main\"\ntarget = \"branch\"\n{head}\n[ruleset.rules]\ndeletion = true\n{rules}\n")
}

const DEFAULT: &str = "refs = [\"~DEFAULT_BRANCH\"]";
const CLASSICALLY: &str = "mechanism = \"branch_protection\"";

fn cases() -> Vec<Case> {
    let case = |what, github, live, rulesets| Case { what, github, live, rulesets };
    let two = "pull_request = { required_approving_review_count = 2 }";
    vec![
        case(
            "fewer approvals",
            "",
            |api| drop_it(api.ruleset(live("active", "~DEFAULT_BRANCH", json!([]), approvals(3)))),
            wanted(DEFAULT, two),
        ),
        case(
            "a rule removed",
            "",
            |api| drop_it(api.ruleset(live("active", "~DEFAULT_BRANCH", json!([]), json!([{ "type": "required_signatures" }])))),
            wanted(DEFAULT, ""),
        ),
        case(
            "enforcement lowered",
            "",
            |api| drop_it(api.ruleset(live("active", "~DEFAULT_BRANCH", json!([]), json!([])))),
            wanted(&format!("{DEFAULT}\nenforcement = \"disabled\""), ""),
        ),
        case(
            "a bypass added",
            "",
            |api| drop_it(api.ruleset(live("active", "~DEFAULT_BRANCH", json!([]), json!([])))),
            wanted(&format!("{DEFAULT}\nbypass = [{{ actor = \"team:release\" }}]"), ""),
        ),
        case(
            "a scope narrowed",
            "",
            |api| drop_it(api.ruleset(live("active", "~ALL", json!([]), json!([])))),
            wanted(DEFAULT, ""),
        ),
        case(
            "a ruleset deleted",
            "unmanaged = \"delete\"",
            |api| {
                let mut other = live("active", "~ALL", json!([]), json!([]));
                other["name"] = json!("other");
                other["rules"] = json!([{ "type": "creation" }]);
                drop_it(api.ruleset(other));
            },
            wanted(DEFAULT, ""),
        ),
        case(
            "fewer approvals of a classic protection",
            CLASSICALLY,
            |api| {
                api.protect(
                    "main",
                    json!({ "enforce_admins": true, "required_pull_request_reviews": { "required_approving_review_count": 3 } }),
                );
            },
            wanted("refs = [\"main\"]", two),
        ),
        case(
            "a check of a classic protection removed",
            CLASSICALLY,
            |api| {
                let checks = json!({ "strict": true, "checks": [{ "context": "ci/test" }, { "context": "ci/lint" }] });
                api.protect("main", json!({ "enforce_admins": true, "required_status_checks": checks }));
            },
            wanted(
                "refs = [\"main\"]",
                "required_status_checks = { strict_required_status_checks_policy = true, required_status_checks = [{ context = \"ci/test\" }] }",
            ),
        ),
        case(
            "someone who passes a classic protection",
            CLASSICALLY,
            |api| {
                api.protect(
                    "main",
                    json!({ "enforce_admins": true, "required_pull_request_reviews": { "required_approving_review_count": 2 } }),
                );
            },
            wanted("refs = [\"main\"]\nbypass = [{ actor = \"team:release\" }]", two).replace("deletion = true\n", ""),
        ),
        case(
            "a classic protection deleted",
            "unmanaged = \"delete\"",
            |api| {
                api.protect("old/*", json!({ "enforce_admins": true }));
            },
            wanted(DEFAULT, ""),
        ),
    ]
}

fn drop_it(_: u64) {}

#[test]
fn what_asks_for_less_has_to_be_allowed() {
    for Case { what, github, live, rulesets } in cases() {
        let bed = acme();
        live(&bed.organization("acme").repository("api"));
        let desk = Desk::about_acme(&bed, github, &rulesets);
        let planned = desk.plan().is(1).out;
        assert!(planned.contains("asks for less"), "{what}: {planned}");
        refused(&desk, &[], "GitHub would ask for less, or may");
        desk.apply(&["--allow-weaken"]).is(0);
        desk.plan().is(0);
    }
}

#[test]
fn what_asks_for_more_has_not() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    api.ruleset(live(
        "evaluate",
        "~DEFAULT_BRANCH",
        json!([{ "actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always" }]),
        approvals(1),
    ));
    let desk = Desk::about_acme(&bed, "", &wanted("refs = [\"~ALL\"]", "pull_request = { required_approving_review_count = 2 }"));
    let planned = desk.plan().is(1).out;
    assert!(!planned.contains("asks for less"), "{planned}");
    desk.apply(&[]).is(0);
    desk.plan().is(0);
    let bed = acme();
    bed.organization("acme").repository("api").protect("main", json!({ "allow_deletions": true, "allow_force_pushes": true }));
    let desk = Desk::about_acme(&bed, CLASSICALLY, CLASSIC);
    let planned = desk.plan().is(1).out;
    assert!(!planned.contains("asks for less"), "{planned}");
    desk.apply(&[]).is(0);
    desk.plan().is(0);
}

fn with_repositories(count: usize) -> Bed {
    let bed = acme();
    let acme = bed.organization("acme");
    for number in 1..count {
        let repository = acme.repository(&format!("as-it-should-be-{number}"));
        repository.ruleset(live("active", "~DEFAULT_BRANCH", json!([]), json!([])));
    }
    bed
}

#[test]
fn too_much_at_once() {
    // Of twelve repositories two are 17 of a hundred, and three are 25.
    let bed = with_repositories(12);
    let desk = Desk::about_acme(&bed, "", &wanted(DEFAULT, ""));
    let acme = bed.organization("acme");
    for name in ["as-it-should-be-1", "as-it-should-be-2"] {
        let repository = acme.repository(name);
        repository.delete_ruleset(repository.ruleset_named("main").unwrap());
    }
    desk.plan().is(1);
    refused(&desk, &[], "3 of 12 repositories are more than the 20 % that --max-percent allows");
    refused(&desk, &["--max-percent", "25", "--max-changes", "2"], "3 changes are more than the 2 that --max-changes allows");
    let repository = acme.repository("as-it-should-be-1");
    repository.ruleset(live("active", "~DEFAULT_BRANCH", json!([]), json!([])));
    desk.plan().is(1);
    desk.apply(&[]).is(0);
    desk.plan().is(0);
    // Of ten, all may be changed at once.
    let bed = acme_of(10);
    let desk = Desk::about_acme(&bed, "", &wanted(DEFAULT, ""));
    desk.plan().is(1);
    refused(&desk, &["--max-changes", "9"], "10 changes are more than the 9 that --max-changes allows");
    desk.apply(&["--max-changes", "10"]).is(0);
    // Of eleven not.
    let bed = acme_of(11);
    let desk = Desk::about_acme(&bed, "", &wanted(DEFAULT, ""));
    desk.plan().is(1);
    refused(&desk, &[], "11 of 11 repositories are more than the 20 %");
    desk.apply(&["--max-percent", "100"]).is(0);
}

fn acme_of(count: usize) -> Bed {
    let bed = acme();
    for number in 1..count {
        bed.organization("acme").repository(&format!("r{number}"));
    }
    bed
}

#[test]
fn nobody_to_be_asked() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    let before = bed.settings();
    bed.forget_requests();
    desk.run(&["apply", "plan.json"]).refuses(1, "nobody is there to be asked");
    desk.assert_nothing_written();
    assert_eq!(bed.settings(), before);
    assert!(!desk.path("refwarden-backup").exists(), "a run that never was is not kept");
    desk.apply(&[]).is(0);
    bed.forget_requests();
    desk.run(&["apply", "--rollback"]).refuses(1, "nobody is there to be asked");
    desk.assert_nothing_written();
    desk.roll_back().is(0);
}

#[test]
fn names_that_nobody_has() {
    let bed = acme();
    for (known, unknown) in [("team:release", "team:nobody"), ("ada", "nobody-of-this-name"), ("org-admins", "app:no-such-app")] {
        let rulesets = |name: &str| {
            let named = wanted(&format!("{DEFAULT}\nbypass = [{{ actor = \"{name}\" }}]"), "");
            // A whole ruleset that would do no harm waits, too.
            format!("{named}[[ruleset]]\nname = \"harmless\"\ntarget = \"branch\"\n{DEFAULT}\n[ruleset.rules]\ncreation = true\n")
        };
        let desk = Desk::about_acme(&bed, "", &rulesets(unknown));
        let planned = desk.plan().is(1).out;
        assert!(planned.contains("blocked") && planned.contains(unknown), "{planned}");
        refused(&desk, &[], "the policy names who is unknown");
        let desk = Desk::about_acme(&bed, "unmanaged = \"delete\"", &rulesets(known));
        desk.plan().is(1);
        desk.apply(&["--allow-weaken"]).is(0);
        desk.plan().is(0);
    }
}
