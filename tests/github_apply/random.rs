//! Whatever there is and whatever a policy asks for: after applying there is nothing to do, applying again writes nothing, and
//! going back restores what there was.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use refwarden::github::apply::{Apply, Direction, Journal};
use refwarden::github::client::Client;
use refwarden::policy::{Policy, parse};
use serde_json::{Value, json};

use super::{client, fleet, run, surveyed};
use crate::support::github::{Bed, Entry, Permissions, Profile, Snapshot};
use crate::support::live;

const CASES: u32 = 160;

/// An organization where everybody lives whom a random policy names.
fn world() -> (Bed, Vec<Value>) {
    // What is planted holds null where GitHub's description has none: requests are held to it all the same.
    let bed = Bed::unjudged(Profile::Dotcom);
    bed.hourly_limit(1_000_000_000);
    let acme = bed.organization("acme");
    let release = acme.team("release", &["ada", "alan", "edsger"]);
    let platform = acme.team("platform", &["grace"]);
    acme.owner("auditor");
    bed.app("release-please", Permissions::read_only());
    bed.install("release-please", "acme", None);
    bed.app_numbered("github-actions", 15368).install("github-actions", "acme", None);
    let api = acme.repository("api");
    for branch in ["release/1", "wip", "qa1/x"] {
        api.branch(branch);
    }
    let team = |id: u64| json!({ "actor_id": id, "actor_type": "Team" });
    let actors = vec![team(release), team(platform)];
    (bed, actors)
}

fn writes(bed: &Bed) -> usize {
    let is_write = |entry: &Entry| match &entry.request_body {
        Some(body) if entry.path.starts_with("/graphql") => {
            body["query"].as_str().is_some_and(|query| query.contains("mutation "))
        }
        _ => entry.method != "GET",
    };
    bed.requests().iter().filter(|entry| is_write(entry)).count()
}

fn parsed(github: &str, rulesets: &str) -> Policy {
    let text = format!("version = 1\n[github]\nowner = \"acme\"\nunmanaged = \"delete\"\n{github}\n{rulesets}");
    parse::parse("policy.toml", text.as_bytes()).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"))
}

/// How many changes there were.
async fn there_and_back(bed: &Bed, client: &Client, policy: &Policy) -> Result<usize, TestCaseError> {
    let saved = bed.settings();
    let survey = surveyed(client, policy, false).await;
    prop_assert!(survey.plan.cannot_tell.is_empty(), "{:#?}", survey.plan);
    let backup = super::quick_folder();
    let mut journal = fleet::begin(backup.path(), &survey);
    let report = Apply::new(client, &mut journal, Duration::ZERO).run(Direction::Forward, |_, _, _| {}).await;
    prop_assert!(report.is_complete(), "{:#?}\n{:#?}", report, survey.plan);
    let folder = journal.folder().to_owned();
    drop(journal);
    let after = surveyed(client, policy, false).await;
    prop_assert!(after.plan.changes.is_empty() && after.plan.cannot_tell.is_empty(), "{:#?}", after.plan);
    bed.forget_requests();
    let mut again = fleet::begin(backup.path(), &after);
    let report = Apply::new(client, &mut again, Duration::ZERO).run(Direction::Forward, |_, _, _| {}).await;
    prop_assert!(report.is_complete() && report.outcomes.is_empty());
    prop_assert_eq!(writes(bed), 0);
    drop(again);
    let mut journal = Journal::open(&folder).unwrap();
    let report = Apply::new(client, &mut journal, Duration::ZERO).run(Direction::Back, |_, _, _| {}).await;
    prop_assert!(report.is_complete(), "{:#?}\n{:#?}", report, survey.plan);
    prop_assert_eq!(bed.settings(), saved);
    Ok(survey.plan.changes.len())
}

/// Tries cases in an organization that is made as it was before each.
fn try_all<S: Strategy>(strategy: S, bed: &Bed, plant: impl Fn(&Bed, S::Value) -> Policy) {
    let start: Snapshot = bed.snapshot();
    let token = bed.token().create();
    let tokened = bed.snapshot();
    let changes = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let result = runner.run(&strategy, |case| {
        bed.restore(&tokened).forget_requests();
        let policy = plant(bed, case);
        run(async {
            let client = client(bed, &token);
            changes.set(changes.get() + there_and_back(bed, &client, &policy).await?);
            Ok(())
        })
    });
    bed.restore(&start);
    assert!(result.is_ok(), "{}", result.unwrap_err());
    assert!(changes.get() > usize::try_from(CASES).unwrap(), "{} changes are too few to show anything", changes.get());
}

/// GitHub has no two rulesets of one name.
fn named_once(rulesets: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for ruleset in rulesets {
        if !kept.iter().any(|other| other["name"] == ruleset["name"]) {
            kept.push(ruleset);
        }
    }
    kept
}

#[test]
fn rulesets() {
    let (bed, actors) = world();
    let live = (live::rulesets_with(actors), live::protections());
    try_all((live, crate::drift::plan()), &bed, |bed, ((rulesets, protections), text)| {
        let api = bed.organization("acme").repository("api");
        for ruleset in named_once(rulesets) {
            api.ruleset(ruleset);
        }
        for (pattern, body) in protections {
            api.protect(&pattern, body);
        }
        parsed("", &text)
    });
}

#[test]
fn classic_protections() {
    let (bed, _) = world();
    try_all((live::protections(), crate::drift::plan()), &bed, |bed, (protections, text)| {
        let api = bed.organization("acme").repository("api");
        for (pattern, body) in protections {
            api.protect(&pattern, body);
        }
        parsed("mechanism = \"branch_protection\"", &text)
    });
}
