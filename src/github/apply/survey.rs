//! Reading what a plan is made of, and making it.

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::github::client::{Client, Refused};
use crate::github::desired::named_in;
use crate::github::live::Reader;
use crate::github::owner::Owner;
use crate::github::plan::{CannotTell, Found, Kind, Plan, Thing, of_owner, of_repository, state};
use crate::github::repository::Repository;
use crate::github::{Part, Parts, Selection};
use crate::policy::Policy;
use crate::policy::github::{Github, Level};

/// What was read and planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// The plan.
    pub plan: Plan,
    /// What there was in each place where something changes, for people.
    pub before: Value,
    /// How many repositories the owner has, where GitHub says so.
    pub most: Option<u64>,
}

/// Reads the places that a policy's `[github]` is about, and plans. `today` tells which bypasses have expired; `told` hears of
/// each repository.
///
/// # Errors
/// The owner can't be read.
pub async fn survey(
    client: &Client,
    policy: &Policy,
    github: &Github,
    selection: &Selection,
    migrate: bool,
    today: Date,
    mut told: impl FnMut(&Repository),
) -> Result<Survey, Refused> {
    let parts = parts(github, migrate);
    let reader = Reader::new(client);
    let mut owner = reader.owner(&github.owner, &parts).await?;
    reader.learn_names(&mut owner, &named_in(policy)).await;
    let mut plan = Plan::new(policy, &owner, &client.host().to_string(), migrate);
    let mut before = Vec::new();
    if github.level == Level::Organization {
        keep(&mut plan, &mut before, of_owner(policy, &owner, today), || described_owner(&owner));
        return Ok(Survey { plan, before: Value::Array(before), most: None });
    }
    let mut missing = Found::default();
    let inventory = reader
        .repositories(selection, &parts, |repository| {
            told(&repository);
            if github.repositories.scope.includes(&repository.full_name()).unwrap_or(true) {
                plan.repositories += 1;
                let found = of_repository(policy, &owner, &repository, today, migrate);
                keep(&mut plan, &mut before, found, || described(&repository));
            }
        })
        .await;
    for unread in &inventory.unread {
        // Of classic protections those were not seen that bind no branch yet, or bind it by a pattern.
        let is_of =
            |thing: &Thing| thing.target == unread.what || thing.repository().is_some_and(|(owner, _)| owner == unread.what);
        plan.changes.retain(|change| change.thing.kind != Kind::BranchProtection || !is_of(&change.thing));
        let thing = Thing { target: unread.what.clone(), kind: Kind::Ruleset, name: String::new() };
        missing.cannot_tell.push(CannotTell { thing, why: vec![unread.why.clone()], fields: Vec::new(), line: github.at.line });
    }
    if let Some(unseen) = inventory.unseen(&owner.repository_count) {
        let thing = Thing { target: owner.login.clone(), kind: Kind::Ruleset, name: String::new() };
        missing.cannot_tell.push(CannotTell { thing, why: vec![unseen], fields: Vec::new(), line: github.at.line });
    }
    plan.add(missing);
    Ok(Survey { plan, before: Value::Array(before), most: owner.repository_count.known().copied() })
}

/// Adds what was found, and what there was where something changes.
fn keep(plan: &mut Plan, before: &mut Vec<Value>, found: Found, described: impl FnOnce() -> Value) {
    if !found.changes.is_empty() {
        before.push(described());
    }
    plan.add(found);
}

/// What has to be read.
fn parts(github: &Github, migrate: bool) -> Parts {
    let mut parts = Parts::index().and(Part::Teams).and(Part::Installations).and(Part::CustomRoles).and(Part::Members);
    parts = match github.level {
        Level::Organization => parts.and(Part::OwnerRulesets),
        Level::Repository => parts.and(Part::Rulesets).and(Part::Pins),
    };
    if github.can_approve_pull_request_reviews.is_some() {
        parts = match github.level {
            Level::Organization => parts.and(Part::OrgActions),
            Level::Repository => parts.and(Part::WorkflowPermissions),
        };
    }
    // Which branches a pattern of classic protection binds, and what of it only its branch shows.
    if migrate { parts.and(Part::Refs).and(Part::MergeQueues) } else { parts }
}

fn described(repository: &Repository) -> Value {
    let rulesets = repository.rulesets.known().into_iter().flatten().map(|ruleset| json!(ruleset.as_ref()));
    let protections = repository.protections.known().into_iter().flatten().filter_map(|one| state::of_protection(one).ok());
    json!({
        "target": repository.full_name(),
        "rulesets": rulesets.collect::<Vec<_>>(),
        "branch_protections": protections.collect::<Vec<_>>(),
        "workflow_permissions": repository.workflow_permissions,
    })
}

fn described_owner(owner: &Owner) -> Value {
    let rulesets = owner.rulesets.known().into_iter().flatten().map(|ruleset| json!(ruleset.as_ref()));
    json!({
        "target": owner.login,
        "rulesets": rulesets.collect::<Vec<_>>(),
        "workflow_permissions": owner.workflow_permissions,
    })
}
