//! Classic protection, as GraphQL answers it.

use serde_json::Value;

use crate::github::people::Actor;
use crate::github::protection::{Conflict, Protection, RequiredCheck};
use crate::github::readable::{Hidden, Readable};

use super::people::actor;
use super::place::{Page, Place};

/// The lists of people in a protection.
pub const ALLOWANCES: [&str; 4] =
    ["pushAllowances", "bypassPullRequestAllowances", "bypassForcePushAllowances", "reviewDismissalAllowances"];

/// What of a protection may be hidden while the rest is known.
const HIDEABLE: [&str; 6] = [
    "pushAllowances",
    "bypassPullRequestAllowances",
    "bypassForcePushAllowances",
    "reviewDismissalAllowances",
    "branchProtectionRuleConflicts",
    "requiredDeploymentEnvironments",
];

/// A protection, and the lists in it that go on.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadProtection {
    /// The protection. Lists that go on are hidden in it until all of them was read.
    pub protection: Protection,
    /// Lists that go on: which of [`ALLOWANCES`], what was read of it, and where it goes on.
    pub more: Vec<(&'static str, Page<Actor>)>,
}

/// One page of protections.
///
/// # Errors
/// There is none, or what can't be hidden in a protection is.
pub fn protections(connection: &Place<'_>) -> Result<Page<ReadProtection>, Hidden> {
    connection.page("nodes", protection)
}

/// One page of a list of people.
///
/// # Errors
/// There is none.
pub fn allowances(connection: &Place<'_>) -> Result<Page<Actor>, Hidden> {
    connection.page("nodes", |node| Ok(actor(&node.field("actor"))))
}

/// Where a list of people stands in a protection.
pub fn list_of<'p>(protection: &'p mut Protection, list: &str) -> &'p mut Readable<Vec<Actor>> {
    match list {
        "pushAllowances" => &mut protection.push_allowances,
        "bypassPullRequestAllowances" => &mut protection.bypass_pull_request_allowances,
        "bypassForcePushAllowances" => &mut protection.bypass_force_push_allowances,
        _ => &mut protection.review_dismissal_allowances,
    }
}

fn protection(place: &Place<'_>) -> Result<ReadProtection, Hidden> {
    if place.value().is_null() {
        return Err(place.absent());
    }
    if let Some(hidden) = place.trouble_outside(&HIDEABLE) {
        return Err(hidden);
    }
    let environments = place.field("requiredDeploymentEnvironments");
    let environments = match (place.truth("requiresDeployments"), environments.trouble()) {
        (_, Some(hidden)) => Readable::Hidden(hidden),
        (false, None) => Readable::Known(Vec::new()),
        (true, None) => Readable::Known(strings(environments.value())),
    };
    let conflicts = place.field("branchProtectionRuleConflicts");
    let conflicts = conflicts.page("nodes", |node| Ok(conflict(node))).map(|page| page.complete("conflicts with other rules"));
    let mut read = ReadProtection {
        protection: Protection {
            id: place.text("id").unwrap_or_default().to_owned(),
            pattern: place.text("pattern").ok_or_else(|| place.absent())?.to_owned(),
            creator: place.field("creator").text("login").map(str::to_owned),
            is_admin_enforced: place.truth("isAdminEnforced"),
            requires_status_checks: place.truth("requiresStatusChecks"),
            requires_strict_status_checks: place.truth("requiresStrictStatusChecks"),
            required_status_checks: place.field("requiredStatusChecks").entries().map(|check| required_check(&check)).collect(),
            requires_approving_reviews: place.truth("requiresApprovingReviews"),
            required_approving_review_count: place.number("requiredApprovingReviewCount").unwrap_or(0),
            dismisses_stale_reviews: place.truth("dismissesStaleReviews"),
            requires_code_owner_reviews: place.truth("requiresCodeOwnerReviews"),
            require_last_push_approval: place.truth("requireLastPushApproval"),
            restricts_review_dismissals: place.truth("restrictsReviewDismissals"),
            requires_commit_signatures: place.truth("requiresCommitSignatures"),
            requires_linear_history: place.truth("requiresLinearHistory"),
            requires_conversation_resolution: place.truth("requiresConversationResolution"),
            required_deployment_environments: environments,
            allows_force_pushes: place.truth("allowsForcePushes"),
            allows_deletions: place.truth("allowsDeletions"),
            blocks_creations: place.truth("blocksCreations"),
            restricts_pushes: place.truth("restrictsPushes"),
            lock_branch: place.truth("lockBranch"),
            lock_allows_fetch_and_merge: place.truth("lockAllowsFetchAndMerge"),
            push_allowances: Readable::not_asked(),
            bypass_pull_request_allowances: Readable::not_asked(),
            bypass_force_push_allowances: Readable::not_asked(),
            review_dismissal_allowances: Readable::not_asked(),
            conflicts: conflicts.unwrap_or_else(Readable::Hidden),
            unsure_checks: Vec::new(),
        },
        more: Vec::new(),
    };
    for list in ALLOWANCES {
        let value = match allowances(&place.field(list)) {
            Err(hidden) => Readable::Hidden(hidden),
            Ok(page) => {
                if page.next.is_some() {
                    read.more.push((list, page.clone()));
                }
                page.complete("of those who are named")
            }
        };
        *list_of(&mut read.protection, list) = value;
    }
    Ok(read)
}

fn required_check(place: &Place<'_>) -> RequiredCheck {
    let app = place.field("app");
    let named = app.text("slug").map(|slug| Actor {
        kind: crate::github::Word::Known(crate::github::people::ActorKind::App),
        name: slug.to_owned(),
        id: app.number("databaseId"),
    });
    RequiredCheck { context: place.text("context").unwrap_or_default().to_owned(), app: named }
}

fn conflict(place: &Place<'_>) -> Conflict {
    Conflict {
        branch: place.field("ref").text("name").map(str::to_owned),
        pattern: place.field("conflictingBranchProtectionRule").text("pattern").map(str::to_owned),
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}
