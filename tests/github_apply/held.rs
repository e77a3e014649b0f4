//! What is carried out is what the policy asks for, whatever a plan's file or a run's folder says; and nothing goes before what
//! replaces it is there, or comes back after it is gone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use jiff::Timestamp;
use refwarden::github::apply::survey::Survey;
use refwarden::github::apply::{Apply, Direction, Failed, Journal, Outcome};
use refwarden::github::plan::{Action, Kind};
use serde_json::{Value, json};

use super::program::Desk;
use super::{REVIEWED, acme, again, apply, client, plan, policy, run, surveyed};
use crate::support::github::{Fault, When};

const CLASSIC: &str = "mechanism = \"branch_protection\"";
const DELETION: &str = r#"
[[ruleset]]
name = "main"
target = "branch"
refs = ["~DEFAULT_BRANCH"]
[ruleset.rules]
deletion = true
pull_request = { required_approving_review_count = 1 }
"#;

/// A ruleset that the policy knows nothing of.
fn other() -> Value {
    json!({ "name": "other", "enforcement": "active", "rules": [{ "type": "deletion" }],
        "conditions": { "ref_name": { "include": ["~ALL"], "exclude": [] } } })
}

/// A folder that looks like a run, with a change of somebody's choice.
fn planted(desk: &Desk<'_>, change: impl FnOnce(&mut Value)) -> String {
    desk.edit(change);
    let run = desk.path("refwarden-backup").join("99991231T000000");
    fs::create_dir_all(&run).unwrap();
    fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
    fs::copy(desk.path("plan.json"), run.join("plan.json")).unwrap();
    fs::write(run.join("before.json"), "[]").unwrap();
    fs::write(run.join("journal.jsonl"), "").unwrap();
    run.display().to_string()
}

#[test]
fn a_run_that_somebody_planted_does_nothing_that_the_policy_does_not_ask_for() {
    for resume in [true, false] {
        let bed = acme();
        let api = bed.organization("acme").repository("api");
        api.ruleset(other());
        let desk = Desk::about_acme(&bed, "unmanaged = \"delete\"", REVIEWED);
        desk.plan().is(1);
        // The policy that is in force leaves what it does not know alone.
        let text = fs::read_to_string(desk.path("policy.toml")).unwrap().replace("\"delete\"", "\"report\"");
        fs::write(desk.path("policy.toml"), text).unwrap();
        let digest = desk.run(&["plan", "--policy", "policy.toml", "--format", "json"]).is(1).out;
        let digest: Value = serde_json::from_str(&digest).unwrap();
        let run = planted(&desk, |plan| {
            plan["policy"] = digest["policy"].clone();
            let changes = plan["changes"].as_array_mut().unwrap();
            changes.retain(|change| change["thing"]["name"] == "other");
            changes[0]["fields"] = json!([]);
        });
        bed.forget_requests();
        // Whatever is begun next leads there.
        desk.run(&["apply", "plan.json", "--yes"]).refuses(1, "stopped in the middle");
        if resume {
            let ran = desk.run(&["apply", "--resume", "--yes", "--allow-weaken"]).is(1);
            assert!(ran.out.contains("do not lead there any more"), "{}{}", ran.out, ran.err);
        } else {
            desk.run(&["apply", "--rollback", "--yes"]).refuses(1, "which run is taken back");
            desk.run(&["apply", "--rollback", &run, "--yes"]).is(0);
        }
        desk.assert_nothing_written();
    }
}

/// What the policy asks of one ruleset is not written over another one.
#[test]
fn a_planted_run_does_not_lead_to_another_ruleset() {
    for is_meant in [true, false] {
        let bed = acme();
        let api = bed.organization("acme").repository("api");
        let mut main = other();
        main["name"] = json!("main is reviewed");
        main["conditions"]["ref_name"]["include"] = json!(["~DEFAULT_BRANCH"]);
        let (main, other) = (api.ruleset(main), api.ruleset(other()));
        let desk = Desk::about_acme(&bed, "", REVIEWED);
        desk.plan().is(1);
        planted(&desk, |plan| {
            let change = &mut plan["changes"][0];
            assert_eq!(change["id"], json!(main.to_string()));
            if !is_meant {
                change["id"] = json!(other.to_string());
                change["before"]["name"] = json!("other");
                change["before"]["conditions"]["ref_name"]["include"] = json!(["~ALL"]);
            }
        });
        bed.forget_requests();
        let ran = desk.run(&["apply", "--resume", "--yes", "--allow-weaken"]).is(i32::from(!is_meant));
        assert_eq!(desk.writes().len(), usize::from(is_meant), "{}{}", ran.out, ran.err);
    }
}

#[test]
fn a_folder_that_others_can_write_is_no_run() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    let run = planted(&desk, |_| {});
    // One that came with a checkout is not taken for the newest run, and may be named.
    for mode in [0o755, 0o777] {
        fs::set_permissions(&run, fs::Permissions::from_mode(mode)).unwrap();
        for way in ["--resume", "--rollback"] {
            desk.run(&["apply", way]).refuses(1, "others may read the run");
        }
    }
    desk.run(&["apply", "--resume", &run, "--yes"]).refuses(2, "others may have written it");
    desk.assert_nothing_written();
    // The twin.
    fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
    desk.run(&["apply", "--resume", "--yes"]).is(0);
    assert_eq!(desk.writes().len(), 1);
}

#[test]
fn a_run_that_was_taken_back_is_not_gone_on_with() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    desk.apply(&[]).is(0);
    let run = desk.newest_run().unwrap();
    desk.run(&["apply", "--rollback", &run]).refuses(1, "nobody is there to be asked");
    let back = desk.run(&["apply", "--rollback", &run, "--yes"]).is(0);
    assert!(back.out.contains("ruleset `main is reviewed` of acme/api: is deleted again"), "{}", back.out);
    desk.run(&["apply", "--resume", "--yes"]).refuses(1, "was taken back");
    assert_eq!(desk.writes().len(), 2);
}

#[test]
fn what_only_the_plan_s_file_says_is_not_believed() {
    let bed = acme();
    for number in 0..20 {
        bed.organization("acme").repository(&format!("r{number}"));
    }
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    desk.edit(|plan| plan["repositories"] = json!(1_000_000));
    desk.apply(&[]).refuses(1, "--max-percent");
    desk.plan().is(1);
    desk.edit(|plan| plan["owner"] = json!("nobody"));
    desk.apply(&["--max-percent", "100"]).refuses(1, "the plan is for `nobody`");
    desk.assert_nothing_written();
    desk.plan().is(1);
    desk.apply(&["--max-percent", "100"]).is(0);
}

/// A protection of a branch's own name takes it from the pattern that bound it.
#[test]
fn a_protection_of_its_own_name_asks_for_no_less_than_the_pattern_did() {
    for (approvals, weaker) in [(1, false), (3, true)] {
        let bed = acme();
        let api = bed.organization("acme").repository("api");
        api.protect(
            "*",
            json!({ "enforce_admins": true, "required_signatures": true, "required_linear_history": true,
            "required_pull_request_reviews": { "required_approving_review_count": approvals, "dismiss_stale_reviews": true },
            "restrictions": { "users": [], "teams": ["release"], "apps": [] } }),
        );
        let policy = policy(CLASSIC, DELETION);
        let planned = plan(&bed, &policy);
        let [change] = planned.changes.as_slice() else { panic!("{planned:#?}") };
        assert_eq!((change.action(), change.thing.name.as_str()), (Action::Create, "main"));
        assert_eq!(change.weakens(), weaker, "{change:#?}");
        assert_eq!(change.fields[0].field, "pattern", "{change:#?}");
        let after = change.after.as_ref().unwrap();
        for kept in ["requires_commit_signatures", "requires_linear_history", "restricts_pushes", "dismisses_stale_reviews"] {
            assert_eq!(after[kept], json!(true), "{kept}: {after:#}");
        }
        let backup = tempfile::tempdir().unwrap();
        assert!(apply(&bed, &policy, backup.path()).is_complete());
        assert!(plan(&bed, &policy).is_empty());
        assert!(again(&bed, backup.path(), Direction::Back).is_complete());
    }
}

#[test]
fn what_replaced_something_stays_while_that_can_not_be_brought_back() {
    let bed = acme();
    bed.organization("acme").repository("api").ruleset(other());
    let policy = policy("unmanaged = \"delete\"", REVIEWED);
    let backup = tempfile::tempdir().unwrap();
    assert!(apply(&bed, &policy, backup.path()).is_complete());
    bed.fault("POST /repos/acme/api/rulesets", When::Always, Fault::Status(403));
    let report = again(&bed, backup.path(), Direction::Back);
    let not_tried = report.outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Failed(Failed::NotTried)).count();
    assert_eq!((report.is_complete(), not_tried), (false, 1), "{report:#?}");
    assert!(plan(&bed, &policy).changes.is_empty(), "the new ruleset is there as long as the old one is not");
    bed.without_quirks();
    assert!(again(&bed, backup.path(), Direction::Back).is_complete());
    assert_eq!(plan(&bed, &policy).changes.len(), 2);
}

#[test]
fn classic_protection_stays_when_what_justified_its_deletion_has_changed() {
    for changed in [true, false] {
        let bed = acme();
        let api = bed.organization("acme").repository("api");
        api.protect(
            "main",
            json!({ "enforce_admins": true, "required_pull_request_reviews": { "required_approving_review_count": 1 } }),
        );
        let ruleset = api.ruleset(json!({ "name": "main", "enforcement": "active",
            "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
            "rules": [{ "type": "deletion" }, { "type": "non_fast_forward" }, { "type": "pull_request", "parameters": {
                "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": false, "require_code_owner_review": false,
                "require_last_push_approval": false, "required_review_thread_resolution": false } }] }));
        let rules = DELETION.replace("deletion = true", "deletion = true\nnon_fast_forward = true");
        let backup = tempfile::tempdir().unwrap();
        let token = bed.token().create();
        let report = run(async {
            let client = client(&bed, &token);
            let Survey { plan, before, .. } = surveyed(&client, &policy("", &rules), true).await;
            let [deletion] = plan.changes.as_slice() else { panic!("{plan:#?}") };
            assert_eq!(
                (deletion.action(), deletion.thing.kind, deletion.relies_on.len()),
                (Action::Delete, Kind::BranchProtection, 1)
            );
            let mut journal = Journal::create(backup.path(), &plan, &before, Timestamp::UNIX_EPOCH).unwrap();
            if changed {
                api.change_ruleset(ruleset, "mallory", "2026-03-01T00:00:00Z", json!({ "enforcement": "disabled" }));
            }
            Apply::new(&client, &mut journal, Duration::ZERO).run(Direction::Forward, |_, _, _| {}).await
        });
        assert_eq!(report.is_complete(), !changed, "{report:#?}");
        let is_moved = matches!(&report.outcomes[..], [(0, Outcome::Failed(Failed::Moved { .. }))]);
        assert_eq!(is_moved, changed, "{report:#?}");
    }
}

#[test]
fn a_check_of_two_apps_is_blocked_where_one_alone_can_be_named() {
    let bed = acme();
    let check = |app: u64| {
        format!("required_status_checks = {{ required_status_checks = [{{ context = \"ci\", integration_id = {app} }}] }}")
    };
    let ruleset = |name: &str, app: u64| {
        format!("[[ruleset]]\nname = \"{name}\"\ntarget = \"branch\"\nrefs = [\"main\"]\n[ruleset.rules]\n{}\n", check(app))
    };
    for (other, blocked) in [(15368, 0), (29110, 1)] {
        let rules = format!("{}{}", ruleset("a", 15368), ruleset("b", other));
        let planned = plan(&bed, &policy(CLASSIC, &rules));
        assert_eq!(planned.blocked.len(), blocked, "{planned:#?}");
    }
}

/// What was made and undone by somebody is made again when that was shown and confirmed.
#[test]
fn what_was_undone_since_is_made_again() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    let second = REVIEWED.replace("main is reviewed", "and once more");
    let desk = Desk::about_acme(&bed, "", &format!("{REVIEWED}{second}"));
    desk.plan().is(1);
    bed.fault("POST /repos/acme/api/rulesets", When::Nth(2), Fault::Status(403));
    desk.apply(&[]).is(1);
    bed.without_quirks();
    api.delete_ruleset(api.ruleset_named("main is reviewed").unwrap());
    let ran = desk.run(&["apply", "--resume", "--yes"]).is(0);
    assert!(ran.out.contains("2 made"), "{}", ran.out);
    desk.plan().is(0);
    // Nor is a run that came to its end believed when something else is there.
    api.delete_ruleset(api.ruleset_named("and once more").unwrap());
    assert!(desk.run(&["apply", "--resume", "--yes"]).is(0).out.contains("1 made"));
    desk.plan().is(0);
}

/// What GitHub refused for certain was never begun: what is there since is somebody's own.
#[test]
fn what_somebody_made_by_hand_after_a_refusal_is_not_taken_back() {
    for refused in [true, false] {
        let bed = acme();
        let api = bed.organization("acme").repository("api");
        let desk = Desk::about_acme(&bed, "", REVIEWED);
        desk.plan().is(1);
        if refused {
            bed.fault("POST /repos/acme/api/rulesets", When::Always, Fault::Status(403));
            desk.apply(&[]).is(1);
            bed.without_quirks();
            // The very same, from a file or by hand.
            let plan: Value = serde_json::from_slice(&fs::read(desk.path("plan.json")).unwrap()).unwrap();
            api.ruleset(plan["changes"][0]["after"].clone());
        } else {
            desk.apply(&[]).is(0);
        }
        assert!(api.ruleset_named("main is reviewed").is_some());
        desk.roll_back().is(0);
        assert_eq!(api.ruleset_named("main is reviewed").is_some(), refused);
    }
}

/// A login that somebody gave up is free for anybody.
#[test]
fn a_name_that_somebody_else_has_by_now_is_not_written() {
    for (other, branch) in [(true, "main"), (false, "main"), (true, "release/*"), (false, "release/*")] {
        let bed = acme();
        let acme = bed.organization("acme");
        acme.member("alan");
        let api = acme.repository("api");
        let live = json!({ "enforce_admins": true, "required_pull_request_reviews": { "required_approving_review_count": 1,
            "bypass_pull_request_allowances": { "users": ["alan"], "teams": [], "apps": [] } } });
        api.protect(branch, live);
        let saved = bed.settings();
        let rules = format!(
            "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"{branch}\"]\n[ruleset.rules]\npull_request = {{ required_approving_review_count = 1 }}\n"
        );
        let backup = tempfile::tempdir().unwrap();
        assert!(apply(&bed, &policy(CLASSIC, &rules), backup.path()).is_complete());
        assert_ne!(bed.settings(), saved);
        if other {
            bed.tamper("GET /users/*", |user| user["id"] = json!(987_654));
        }
        let report = again(&bed, backup.path(), Direction::Back);
        assert_eq!(report.is_complete(), !other, "{branch}: {report:#?}");
        assert_eq!(bed.settings() == saved, !other, "{branch}");
        if other {
            assert!(format!("{report:?}").contains("another one now"), "{report:#?}");
        }
    }
}

/// A plan names its policy's file: of another file nothing is shown.
#[test]
fn a_plan_shows_no_line_of_another_file() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    fs::write(desk.path("secret.txt"), "password = hunter2 and = no TOML\n").unwrap();
    desk.edit(|plan| plan["policy"]["file"] = json!("secret.txt"));
    let ran = desk.apply(&[]).is(1);
    assert!(ran.err.contains("is another one than the plan was made from"), "{}", ran.err);
    assert!(!format!("{}{}", ran.out, ran.err).contains("hunter2"), "{}{}", ran.out, ran.err);
    desk.assert_nothing_written();
}

/// A disk that is full may end a line within a letter.
#[test]
fn a_journal_that_ends_within_a_letter_is_read() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    let saved = bed.settings();
    desk.plan().is(1);
    desk.apply(&[]).is(0);
    let run = desk.newest_run().unwrap();
    let journal = std::path::Path::new(&run).join("journal.jsonl");
    let mut bytes = fs::read(&journal).unwrap();
    bytes.extend_from_slice(b"{\"event\":\"failed\",\"why\":\"\xc3");
    fs::write(&journal, bytes).unwrap();
    desk.roll_back().is(0);
    assert_eq!(bed.settings(), saved);
}

/// However the folder is called, its lock is one.
#[test]
fn a_run_is_locked_by_whatever_name() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    desk.apply(&[]).is(0);
    let run = desk.newest_run().unwrap();
    std::os::unix::fs::symlink(&run, desk.path("latest")).unwrap();
    let held = Journal::open(std::path::Path::new(&run)).unwrap();
    desk.run(&["apply", "--rollback", "latest", "--yes"]).refuses(1, "another apply is at work");
    drop(held);
    desk.run(&["apply", "--rollback", "latest", "--yes"]).is(0);
}

/// What a rollback goes back to is shown whole, however much it is.
#[test]
fn what_a_rollback_goes_back_to_is_shown_whole() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    let checks: Vec<Value> =
        (0..60).map(|number| json!({ "context": format!("a/check/with/a/long/name/{number:03}") })).collect();
    let mut live = other();
    live["name"] = json!("main is reviewed");
    live["rules"] = json!([{ "type": "required_status_checks", "parameters": {
        "strict_required_status_checks_policy": false, "required_status_checks": checks } }]);
    api.ruleset(live);
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    desk.apply(&["--allow-weaken"]).is(0);
    let back = desk.roll_back().is(0).out;
    for number in 0..60 {
        assert!(back.contains(&format!("name/{number:03}")), "{number} in\n{back}");
    }
    assert!(!back.contains('…'), "{back}");
}

/// What somebody changed since it was made is shown, confirmed and made from there, and what is left comes after it.
#[test]
fn what_was_changed_since_does_not_keep_a_run_from_its_end() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    let second = REVIEWED.replace("main is reviewed", "and once more");
    let desk = Desk::about_acme(&bed, "", &format!("{REVIEWED}{second}"));
    desk.plan().is(1);
    bed.fault("POST /repos/acme/api/rulesets", When::Nth(2), Fault::Status(403));
    desk.apply(&[]).is(1);
    bed.without_quirks();
    let first = api.ruleset_named("main is reviewed").unwrap();
    api.change_ruleset(first, "mallory", "2026-03-01T00:00:00Z", json!({ "enforcement": "disabled" }));
    assert!(desk.run(&["apply", "--resume", "--yes"]).is(0).out.contains("2 made"));
    desk.plan().is(0);
    // Of a run that came to its end, too.
    api.change_ruleset(first, "mallory", "2026-03-02T00:00:00Z", json!({ "enforcement": "evaluate" }));
    assert!(desk.run(&["apply", "--resume", "--yes"]).is(0).out.contains("1 made"));
    desk.plan().is(0);
    desk.apply(&[]).is(0);
}

/// A ruleset that was made again after it was deleted has another number.
#[test]
fn what_was_deleted_and_made_again_is_deleted_again() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    api.ruleset(other());
    let desk = Desk::about_acme(&bed, "unmanaged = \"delete\"", REVIEWED);
    desk.plan().is(1);
    desk.apply(&["--allow-weaken"]).is(0);
    assert!(api.ruleset_named("other").is_none());
    api.ruleset(other());
    assert!(desk.run(&["apply", "--resume", "--yes", "--allow-weaken"]).is(0).out.contains("1 made"));
    assert!(api.ruleset_named("other").is_none());
    desk.plan().is(0);
}

/// Once a repository has another name, its rulesets are not gone.
#[test]
fn a_renamed_repository_is_not_taken_back_by_its_old_name() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    // Made, and never answered, nor read back.
    bed.fault("POST /repos/acme/api/rulesets", When::Always, Fault::WrittenThenStatus(502));
    bed.fault("GET /repos/acme/api/rulesets", When::After(1), Fault::Status(502));
    desk.apply(&[]);
    bed.without_quirks();
    assert!(api.ruleset_named("main is reviewed").is_some());
    api.rename("core");
    let back = desk.roll_back();
    assert_ne!(back.code, Some(0), "{}{}", back.out, back.err);
    assert!(api.ruleset_named("main is reviewed").is_some());
    // The twin: by its name it is found.
    api.rename("api");
    desk.roll_back().is(0);
    assert!(api.ruleset_named("main is reviewed").is_none());
}

/// Of patterns that match the same branch the older binds: what is brought back is made in that order.
#[test]
fn patterns_come_back_in_the_order_of_their_age() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    api.protect("release/*", json!({ "enforce_admins": true, "required_signatures": true }));
    api.protect("*", json!({ "enforce_admins": true }));
    api.protect("**/*", json!({ "enforce_admins": true }));
    let policy = policy(&format!("{CLASSIC}\nunmanaged = \"delete\""), DELETION);
    let saved = bed.settings();
    let backup = tempfile::tempdir().unwrap();
    assert!(apply(&bed, &policy, backup.path()).is_complete());
    assert!(again(&bed, backup.path(), Direction::Back).is_complete());
    assert_eq!(bed.settings(), saved);
    let token = bed.token().create();
    let patterns: Vec<String> = run(async {
        let reader = refwarden::github::live::Reader::new(&client(&bed, &token));
        let repository = reader.repository_now("acme", "api", "*").await.unwrap();
        repository.protections.read().unwrap().iter().map(|live| live.pattern.clone()).collect()
    });
    assert_eq!(patterns, ["release/*", "*", "**/*"]);
}
