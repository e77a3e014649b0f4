//! From classic protection to rulesets: first the rulesets, then what they made superfluous; and back.

use std::time::Duration;

use jiff::Timestamp;
use refwarden::github::apply::survey::Survey;
use refwarden::github::apply::{Apply, Direction, Journal, Report};
use refwarden::github::plan::{Kind, Plan};
use serde_json::json;

use super::{acme, again, client, policy, run, surveyed};
use crate::support::github::{Bed, Fault, When};

const RULES: &str = r#"
[[ruleset]]
name = "main"
target = "branch"
refs = ["~DEFAULT_BRANCH", "release/*"]
[ruleset.rules]
deletion = true
non_fast_forward = true
required_signatures = true
pull_request = { required_approving_review_count = 2, dismiss_stale_reviews_on_push = true }
"#;

/// `main` and `release/*` are as the rulesets ask, `hotfix/*` is not among them.
fn classic() -> Bed {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    let body = json!({ "enforce_admins": true, "required_signatures": true,
        "required_pull_request_reviews": { "required_approving_review_count": 2, "dismiss_stale_reviews": true } });
    for pattern in ["main", "release/*", "hotfix/*"] {
        api.protect(pattern, body.clone());
    }
    bed
}

fn migrated(bed: &Bed, backup: &std::path::Path) -> (Plan, Report) {
    let token = bed.token().create();
    run(async {
        let client = client(bed, &token);
        let Survey { plan, before, .. } = surveyed(&client, &policy("", RULES), true).await;
        let mut journal = Journal::create(backup, &plan, &before, Timestamp::UNIX_EPOCH).unwrap();
        let report = Apply::new(&client, &mut journal, Duration::ZERO).run(Direction::Forward, |_, _, _| {}).await;
        (plan, report)
    })
}

fn left(bed: &Bed) -> Vec<String> {
    let token = bed.token().create();
    run(async {
        let reader = refwarden::github::live::Reader::new(&client(bed, &token));
        let repository = reader.repository_now("acme", "api", "main").await.unwrap();
        repository.protections.read().unwrap().iter().map(|live| live.pattern.clone()).collect()
    })
}

#[test]
fn rulesets_come_first_and_what_they_do_not_cover_stays() {
    let bed = classic();
    let backup = tempfile::tempdir().unwrap();
    let (plan, report) = migrated(&bed, backup.path());
    let kinds: Vec<Kind> = plan.changes.iter().map(|change| change.thing.kind).collect();
    assert_eq!(kinds, [Kind::Ruleset, Kind::BranchProtection, Kind::BranchProtection], "{plan:#?}");
    assert!(report.is_complete() && report.made() == 3, "{report:#?}");
    assert_eq!(left(&bed), ["hotfix/*"]);
    // Once more there is nothing to do.
    let again_planned = migrated(&bed, tempfile::tempdir().unwrap().path());
    assert!(again_planned.0.changes.is_empty(), "{:#?}", again_planned.0);
    let report = again(&bed, backup.path(), Direction::Back);
    assert!(report.is_complete(), "{report:#?}");
    // In the order in which they were: of patterns that match the same branch the older binds.
    assert_eq!(left(&bed), ["hotfix/*", "main", "release/*"]);
}

#[test]
fn without_the_rulesets_nothing_is_deleted() {
    let bed = classic();
    bed.fault("POST /repos/acme/api/rulesets", When::Always, Fault::Status(403));
    let backup = tempfile::tempdir().unwrap();
    let (plan, report) = migrated(&bed, backup.path());
    assert_eq!(plan.changes.len(), 3);
    assert!(!report.is_complete());
    assert_eq!(left(&bed).len(), 3, "{report:#?}");
    bed.without_quirks();
    let report = again(&bed, backup.path(), Direction::Forward);
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(left(&bed), ["hotfix/*"]);
}
