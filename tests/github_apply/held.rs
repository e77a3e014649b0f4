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
    fs::set_permissions(&run, fs::Permissions::from_mode(0o777)).unwrap();
    desk.run(&["apply", "--resume", "--yes"]).refuses(2, "others may have written it");
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
