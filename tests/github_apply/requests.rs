//! What a change costs: never more than reading it, writing it, and reading it back.

use std::time::Duration;

use refwarden::github::apply::{Apply, Direction};

use super::fleet;
use super::{client, run};
use crate::support::github::Profile;

#[test]
fn a_change_is_read_written_and_read_back() {
    let bed = fleet::plant(Profile::Dotcom, true, 50);
    let token = bed.token().create();
    run(async {
        let client = client(&bed, &token);
        let survey = fleet::plan(&client).await;
        let backup = tempfile::tempdir().unwrap();
        let mut journal = fleet::begin(backup.path(), &survey);
        let mut apply = Apply::new(&client, &mut journal, Duration::ZERO);
        bed.forget_requests();
        let mut before = 0;
        let mut costs = Vec::new();
        let report = apply
            .run(Direction::Forward, |_, change, _| {
                let now = bed.requests().len();
                costs.push((format!("{} {}", change.action().as_str(), change.thing), now - before));
                before = now;
            })
            .await;
        assert!(report.is_complete());
        assert_eq!(costs.len(), survey.plan.changes.len());
        for (what, cost) in &costs {
            let most = match what.as_str() {
                // That it is gone, and not hidden, only the list tells.
                what if what.starts_with("delete ruleset") => 4,
                // Signatures of a branch have a request of their own, and so have apps that checks may be pinned to, whenever it is
                // read, and each one who is named by GraphQL, once.
                what if what.contains("branch protection") => 6,
                _ => 3,
            };
            assert!((3..=most).contains(cost), "{what}: {cost} requests");
        }
        let is_written = |what: &str| what.contains("ruleset ") && !what.starts_with("delete");
        let rulesets: usize = costs.iter().filter(|(what, _)| is_written(what)).map(|(_, cost)| cost).sum();
        let count = costs.iter().filter(|(what, _)| is_written(what)).count();
        assert_eq!(rulesets, count * 3, "a ruleset takes three requests, and two are the least that can be told");
    });
}
