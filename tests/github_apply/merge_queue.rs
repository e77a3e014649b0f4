//! A classic protection may ask for a merge queue, which shows only in its branch: it goes only when a ruleset has one, too.

use std::time::Duration;

use jiff::Timestamp;
use refwarden::github::apply::survey::Survey;
use refwarden::github::apply::{Apply, Direction, Failed, Journal, Outcome};
use refwarden::github::cost::Class;
use refwarden::github::plan::migrate::{Equivalent, Verdict};
use refwarden::github::plan::{Action, Change, Plan};
use refwarden::github::{Part, Readable};
use serde_json::{Value, json};

use super::{acme, client, policy, run, surveyed};
use crate::support::github::{Bed, Permission};

const RULES: &str = "
[[ruleset]]
name = \"main\"
target = \"branch\"
refs = [\"~DEFAULT_BRANCH\"]
[ruleset.rules]
deletion = true
non_fast_forward = true
";
const QUEUE: &str = "
[[ruleset]]
name = \"queue\"
target = \"branch\"
refs = [\"~DEFAULT_BRANCH\"]
[ruleset.rules]
merge_queue = { check_response_timeout_minutes = 60, grouping_strategy = \"ALLGREEN\", max_entries_to_build = 5, \
                   max_entries_to_merge = 5, merge_method = \"SQUASH\", min_entries_to_merge = 1, \
                   min_entries_to_merge_wait_minutes = 5 }
";

fn passed_by_admins() -> String {
    QUEUE.replace("[ruleset.rules]", "bypass = [{ actor = \"role:admin\" }]\n[ruleset.rules]")
}

/// `main` with a classic protection that asks for what [`RULES`] asks for.
fn classic() -> Bed {
    let bed = acme();
    bed.organization("acme").repository("api").protect("main", json!({ "enforce_admins": true }));
    bed
}

fn queued() -> Bed {
    let bed = classic();
    bed.organization("acme").repository("api").merge_queue("main");
    bed
}

fn planned_with(bed: &Bed, token: &str, rules: &str) -> Plan {
    run(async { surveyed(&client(bed, token), &policy("", rules), true).await.plan })
}

fn planned(bed: &Bed, rules: &str) -> Plan {
    planned_with(bed, &bed.token().create(), rules)
}

fn row(plan: &Plan) -> Option<&Equivalent> {
    plan.equivalents.iter().find(|row| row.rule == "merge_queue")
}

fn deletion(plan: &Plan) -> Option<&Change> {
    plan.changes.iter().find(|change| change.action() == Action::Delete)
}

#[test]
fn it_goes_only_when_a_ruleset_has_one_that_nobody_passes() {
    for (rules, verdict) in [
        (RULES.to_owned(), Verdict::Weaker),
        (format!("{RULES}{QUEUE}"), Verdict::NoWeaker),
        (format!("{RULES}{}", passed_by_admins()), Verdict::Weaker),
        (format!("{RULES}{}", QUEUE.replace("~DEFAULT_BRANCH", "develop")), Verdict::Weaker),
        (format!("{RULES}{}", QUEUE.replace("[ruleset.rules]", "enforcement = \"evaluate\"\n[ruleset.rules]")), Verdict::Weaker),
    ] {
        let plan = planned(&queued(), &rules);
        let told = row(&plan).unwrap_or_else(|| panic!("{rules}{plan:#?}"));
        assert_eq!(told.verdict, verdict, "{rules}{:#?}", plan.equivalents);
        let deletion = deletion(&plan);
        assert_eq!(deletion.is_some(), verdict == Verdict::NoWeaker, "{rules}{plan:#?}");
        if let Some(deletion) = deletion {
            assert_eq!(told.by, ["ruleset `queue` of acme/api"]);
            assert!(deletion.relies_on.iter().any(|one| one.ruleset.name == "queue") && !deletion.without_merge_queue);
        }
    }
    // Without a queue there is nothing that could be lost.
    let plan = planned(&classic(), RULES);
    assert!(row(&plan).is_none() && deletion(&plan).is_some_and(|deletion| deletion.without_merge_queue), "{plan:#?}");
}

#[test]
fn a_queue_that_a_ruleset_brings_is_no_sign_of_another_one() {
    let live = |bypass: Value| {
        json!({ "name": "queue", "target": "branch", "enforcement": "active", "bypass_actors": bypass,
            "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
            "rules": [{ "type": "merge_queue", "parameters": {
                "check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 5,
                "max_entries_to_merge": 5, "merge_method": "SQUASH", "min_entries_to_merge": 1,
                "min_entries_to_merge_wait_minutes": 5 } }] })
    };
    let admins = json!([{ "actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always" }]);
    for (bypass, rules, verdict) in [
        (json!([]), format!("{RULES}{QUEUE}"), Verdict::NoWeaker),
        (admins, format!("{RULES}{}", passed_by_admins()), Verdict::CannotTell),
    ] {
        let bed = classic();
        bed.organization("acme").repository("api").ruleset(live(bypass));
        let plan = planned(&bed, &rules);
        assert_eq!(row(&plan).unwrap().verdict, verdict, "{plan:#?}");
        assert_eq!(deletion(&plan).is_some(), verdict == Verdict::NoWeaker, "{plan:#?}");
    }
}

#[test]
fn what_can_not_be_asked_can_not_be_told() {
    // The branch is there, and may not be seen.
    let bed = classic();
    let blind = bed.token().without(Permission::Contents).create();
    // There is no such branch to show it.
    let absent = acme();
    absent.organization("acme").repository("api").protect("develop", json!({ "enforce_admins": true }));
    let develop = RULES.replace("~DEFAULT_BRANCH", "develop");
    for (plan, why) in [
        (planned_with(&bed, &blind, RULES), "(needs contents=read, merge_queues=read)"),
        (planned(&absent, &develop), "the branch `develop` is not there, or may not be seen"),
    ] {
        let told = row(&plan).unwrap_or_else(|| panic!("{plan:#?}"));
        assert!(told.verdict == Verdict::CannotTell && told.by[0].contains(why), "{told:#?}");
        assert!(deletion(&plan).is_none(), "{plan:#?}");
    }
    absent.organization("acme").repository("api").branch("develop");
    let plan = planned(&absent, &develop);
    assert!(row(&plan).is_none() && deletion(&plan).is_some(), "{plan:#?}");
}

#[test]
fn it_is_asked_only_for_what_may_go_and_has_a_branchs_name() {
    let asked = |bed: &Bed, migrate: bool| {
        let token = bed.token().create();
        run(async {
            let client = client(bed, &token);
            surveyed(&client, &policy("", RULES), migrate).await;
            client.cost().requests(Class::Part(Part::MergeQueues))
        })
    };
    let bed = queued();
    bed.organization("acme").repository("api").protect("release/*", json!({}));
    assert_eq!((asked(&bed, false), asked(&bed, true)), (0, 1));
}

#[test]
fn one_that_was_switched_on_since_keeps_the_protection() {
    for switched in [true, false] {
        let bed = classic();
        let (backup, token) = (tempfile::tempdir().unwrap(), bed.token().create());
        let report = run(async {
            let client = client(&bed, &token);
            let Survey { plan, before, .. } = surveyed(&client, &policy("", RULES), true).await;
            assert!(deletion(&plan).is_some(), "{plan:#?}");
            let mut journal = Journal::create(backup.path(), &plan, &before, Timestamp::UNIX_EPOCH).unwrap();
            if switched {
                bed.organization("acme").repository("api").merge_queue("main");
            }
            Apply::new(&client, &mut journal, Duration::ZERO).run(Direction::Forward, |_, _, _| {}).await
        });
        assert_eq!(report.is_complete(), !switched, "{report:#?}");
        let moved = report.outcomes.iter().any(|(_, outcome)| {
            matches!(outcome, Outcome::Failed(Failed::Moved { fields }) if fields[0].contains("the branch `main` has a merge queue now"))
        });
        assert_eq!(moved, switched, "{report:#?}");
    }
}

/// The plan's own ruleset brings a queue before the protection goes.
#[test]
fn the_queue_of_the_same_plan_is_no_obstacle() {
    for (bed, queue) in [(classic(), QUEUE.to_owned()), (classic(), passed_by_admins()), (queued(), QUEUE.to_owned())] {
        let (backup, token) = (tempfile::tempdir().unwrap(), bed.token().create());
        let (report, queue_after) = run(async {
            let client = client(&bed, &token);
            let Survey { plan, before, .. } = surveyed(&client, &policy("", &format!("{RULES}{queue}")), true).await;
            let mut journal = Journal::create(backup.path(), &plan, &before, Timestamp::UNIX_EPOCH).unwrap();
            let report = Apply::new(&client, &mut journal, Duration::ZERO).run(Direction::Forward, |_, _, _| {}).await;
            let reader = refwarden::github::live::Reader::new(&client);
            let now = reader.repository_now("acme", "api", "main").await.unwrap();
            assert!(now.protections.known().is_none_or(Vec::is_empty), "{report:#?}");
            (report, reader.has_merge_queue(&now, "main").await)
        });
        assert!(report.is_complete() && report.made() == 3, "{report:#?}");
        assert_eq!(queue_after, Readable::Known(true));
    }
}
