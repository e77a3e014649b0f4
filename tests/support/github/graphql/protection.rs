//! Classic protection, which GraphQL shows whole: every pattern, and what REST has no word for.

use apollo_compiler::response::JsonMap;
use serde_json::Value;

use super::super::fnmatch;
use super::super::state::{Actors, Protection, Repository};
use super::View;
use super::object::{Connection, Object, Resolved, leaf, list, null, unknown};
use super::{people, repository, root};

pub fn protection<'a>(view: &'a View<'a>, repository: &'a Repository, rule: &'a Protection) -> Object<'a> {
    Object::new(view, "BranchProtectionRule", move |field, arguments| {
        let reviews = rule.reviews.as_ref();
        let allowances = |actors: Option<&'a Actors>, name: &'static str| allowed(view, repository, actors, name, arguments);
        match field {
            "id" => leaf(format!("BPR_{}", rule.id)),
            "databaseId" => leaf(rule.id),
            "pattern" => leaf(rule.pattern.clone()),
            "creator" => root::optional(rule.creator.as_deref(), |login| people::user(view, login)),
            "isAdminEnforced" => leaf(rule.enforce_admins),
            "requiresStatusChecks" => leaf(rule.checks.is_some()),
            "requiresStrictStatusChecks" => leaf(rule.checks.as_ref().is_some_and(|checks| checks.strict)),
            "requiredStatusChecks" => match &rule.checks {
                Some(checks) => list(&checks.checks, move |(context, app)| required(view, context, *app)),
                None => null(),
            },
            "requiresApprovingReviews" => leaf(reviews.is_some()),
            "requiredApprovingReviewCount" => leaf(reviews.map(|reviews| reviews.count)),
            "dismissesStaleReviews" => leaf(reviews.is_some_and(|reviews| reviews.dismiss_stale)),
            "requiresCodeOwnerReviews" => leaf(reviews.is_some_and(|reviews| reviews.code_owners)),
            "requireLastPushApproval" => leaf(reviews.is_some_and(|reviews| reviews.last_push)),
            "restrictsReviewDismissals" => leaf(reviews.is_some_and(|reviews| reviews.dismissal.is_some())),
            "requiresCommitSignatures" => leaf(rule.required_signatures),
            "requiresLinearHistory" => leaf(rule.required_linear_history),
            "requiresConversationResolution" => leaf(rule.required_conversation_resolution),
            "requiresDeployments" => leaf(rule.required_deployments.is_some()),
            "requiredDeploymentEnvironments" => leaf(rule.required_deployments.clone()),
            "allowsForcePushes" => leaf(rule.allow_force_pushes),
            "allowsDeletions" => leaf(rule.allow_deletions),
            "blocksCreations" => leaf(rule.block_creations),
            "restrictsPushes" => leaf(rule.restrictions.is_some()),
            "lockBranch" => leaf(rule.lock_branch),
            "lockAllowsFetchAndMerge" => leaf(rule.allow_fork_syncing),
            "branchProtectionRuleConflicts" => conflicts(view, repository, rule, arguments),
            "pushAllowances" => allowances(rule.restrictions.as_ref(), "PushAllowance"),
            "bypassPullRequestAllowances" => allowances(reviews.map(|reviews| &reviews.bypass), "BypassPullRequestAllowance"),
            "bypassForcePushAllowances" => allowances(Some(&rule.bypass_force_push), "BypassForcePushAllowance"),
            "reviewDismissalAllowances" => {
                allowances(reviews.and_then(|reviews| reviews.dismissal.as_ref()), "ReviewDismissalAllowance")
            }
            _ => unknown("BranchProtectionRule", field),
        }
    })
}

fn required<'a>(view: &'a View<'a>, context: &'a str, app: Option<u64>) -> Object<'a> {
    Object::new(view, "RequiredStatusCheckDescription", move |field, _| match field {
        "context" => leaf(context),
        "app" => root::optional(view.state.apps.values().find(|known| Some(known.id) == app), |app| people::app(view, app)),
        _ => unknown("RequiredStatusCheckDescription", field),
    })
}

/// Branches that another rule matches too: only one of the rules governs them.
fn conflicts<'a>(view: &'a View<'a>, repository: &'a Repository, rule: &'a Protection, arguments: &JsonMap) -> Resolved<'a> {
    let mut items = Vec::new();
    for branch in repository.branches.keys().filter(|branch| fnmatch::matches(&rule.pattern, branch)) {
        let others =
            repository.protections.iter().filter(|other| other.id != rule.id && fnmatch::matches(&other.pattern, branch));
        items.extend(others.map(|other| (branch, other)));
    }
    Connection { view, kind: "BranchProtectionRuleConflictConnection", items }.page(arguments, move |(branch, other)| {
        Object::new(view, "BranchProtectionRuleConflict", move |field, _| match field {
            "ref" => repository::branch(view, repository, branch).value(),
            "conflictingBranchProtectionRule" => protection(view, repository, other).value(),
            _ => unknown("BranchProtectionRuleConflict", field),
        })
    })
}

#[derive(Clone, Copy)]
enum Who<'a> {
    User(&'a str),
    Team(&'a str),
    App(&'a str),
}

fn allowed<'a>(
    view: &'a View<'a>,
    repository: &'a Repository,
    actors: Option<&'a Actors>,
    kind: &'static str,
    arguments: &JsonMap,
) -> Resolved<'a> {
    let connection = match kind {
        "PushAllowance" => "PushAllowanceConnection",
        "BypassPullRequestAllowance" => "BypassPullRequestAllowanceConnection",
        "BypassForcePushAllowance" => "BypassForcePushAllowanceConnection",
        _ => "ReviewDismissalAllowanceConnection",
    };
    let mut items = Vec::new();
    if let Some(actors) = actors {
        items.extend(actors.users.iter().map(|login| Who::User(login)));
        items.extend(actors.teams.iter().map(|slug| Who::Team(slug)));
        items.extend(actors.apps.iter().map(|slug| Who::App(slug)));
    }
    Connection { view, kind: connection, items }.page(arguments, move |who| {
        Object::new(view, kind, move |field, _| match (field, who) {
            ("id", _) => leaf(Value::from("ALLOWANCE")),
            ("actor", Who::User(login)) => root::optional(view.state.find_user(login), |user| people::user(view, &user.login)),
            ("actor", Who::Team(slug)) => super::object::maybe(people::team_of(view, &repository.owner, slug)),
            ("actor", Who::App(slug)) => root::optional(view.state.apps.get(slug), |app| people::app(view, app)),
            _ => unknown(kind, field),
        })
    })
}
