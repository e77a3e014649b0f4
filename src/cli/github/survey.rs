//! Reading what a plan is made of.

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::connect::refused;
use crate::cli::{Failure, Result};
use crate::github::client::Client;
use crate::github::desired::named_in;
use crate::github::live::Reader;
use crate::github::owner::Owner;
use crate::github::plan::{CannotTell, Found, Kind, Plan, Thing, of_owner, of_repository, state};
use crate::github::readable::{Cause, Hidden};
use crate::github::repository::Repository;
use crate::github::{Part, Parts, Readable, Selection};
use crate::policy::github::Level;
use crate::policy::{Policy, github};
use crate::report::text::plain;

/// What was read and planned.
pub(super) struct Survey {
    /// The plan.
    pub(super) plan: Plan,
    /// What there was in each place where something changes, for people.
    pub(super) before: Value,
}

/// The policy's `[github]`.
pub(super) fn of_policy(policy: &Policy) -> Result<&github::Github> {
    policy.github.as_ref().ok_or_else(|| {
        Failure::new(format!("the policy `{}` has no [github]", plain(&policy.file)))
            .help("it says whose repositories: [github] with owner = \"NAME\"; `refwarden github import` writes a whole policy")
    })
}

/// Today, in UTC: which bypasses have expired.
pub(super) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// Reads the places that a policy is about, and plans. `narrowed`: repositories were named one by one, so that the policy's own
/// selection of them is not asked for again.
pub(super) async fn survey(
    client: &Client,
    policy: &Policy,
    selection: &Selection,
    migrate: bool,
    progress: &ProgressBar,
) -> Result<Survey> {
    let github = of_policy(policy)?;
    let today = today();
    let parts = parts(github, migrate);
    progress.set_message(github.owner.clone());
    let reader = Reader::new(client);
    let mut owner = reader.owner(&github.owner, &parts).await.map_err(|why| refused(&why))?;
    reader.learn_names(&mut owner, &named_in(policy)).await;
    let mut plan = Plan::new(policy, &owner, &client.host().to_string(), migrate);
    let mut before = Vec::new();
    if github.level == Level::Organization {
        keep(&mut plan, &mut before, of_owner(policy, &owner, today), || described_owner(&owner));
        return Ok(Survey { plan, before: Value::Array(before) });
    }
    let mut missing = Found::default();
    let inventory = reader
        .repositories(selection, &parts, |repository| {
            progress.set_message(plain(&repository.full_name()).into_owned());
            progress.inc(1);
            if github.repositories.scope.includes(&repository.full_name()).unwrap_or(true) {
                plan.repositories += 1;
                let found = of_repository(policy, &owner, &repository, today, migrate);
                keep(&mut plan, &mut before, found, || described(&repository));
            }
        })
        .await;
    for unread in &inventory.unread {
        let thing = Thing { target: unread.what.clone(), kind: Kind::Ruleset, name: String::new() };
        missing.cannot_tell.push(CannotTell { thing, why: vec![unread.why.clone()], fields: Vec::new(), line: github.at.line });
    }
    let unseen = inventory.total.known().copied().unwrap_or(u64::MAX).saturating_sub(inventory.listed);
    if inventory.is_list && unseen > 0 {
        let what = match &inventory.total {
            Readable::Known(_) => format!("{} of its repositories were not seen", unseen),
            Readable::Hidden(hidden) => format!("how many repositories it has: {hidden}"),
        };
        let thing = Thing { target: owner.login.clone(), kind: Kind::Ruleset, name: String::new() };
        let why = vec![Hidden::new(Cause::Partial, what)];
        missing.cannot_tell.push(CannotTell { thing, why, fields: Vec::new(), line: github.at.line });
    }
    plan.add(missing);
    if plan.repositories == 0 && plan.cannot_tell.is_empty() {
        return Err(Failure::new(format!("no repository of `{}` was meant", plain(&owner.login)))
            .help("look at --repo, and at `repositories` in the policy's [github]"));
    }
    Ok(Survey { plan, before: Value::Array(before) })
}

/// Adds what was found, and what there was where something changes.
fn keep(plan: &mut Plan, before: &mut Vec<Value>, found: Found, described: impl FnOnce() -> Value) {
    if !found.changes.is_empty() {
        before.push(described());
    }
    plan.add(found);
}

/// What has to be read.
fn parts(github: &github::Github, migrate: bool) -> Parts {
    let mut parts = Parts::index().and(Part::Teams).and(Part::Installations).and(Part::CustomRoles).and(Part::Members);
    parts = match github.level {
        Level::Organization => parts.and(Part::OwnerRulesets),
        Level::Repository => parts.and(Part::Rulesets),
    };
    if github.can_approve_pull_request_reviews.is_some() {
        parts = match github.level {
            Level::Organization => parts.and(Part::OrgActions),
            Level::Repository => parts.and(Part::WorkflowPermissions),
        };
    }
    // Which branches a pattern of classic protection binds.
    if migrate { parts.and(Part::Refs) } else { parts }
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

/// On standard error, and only on a terminal.
pub(super) fn progress(what: &str) -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template(&format!("{{spinner}} {{pos}} {what}, {{elapsed}}: {{wide_msg}}")) {
        progress.set_style(style);
    }
    progress.enable_steady_tick(std::time::Duration::from_millis(200));
    progress
}
