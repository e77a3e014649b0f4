//! Classic protection as GraphQL writes it: the only way to a pattern. What an input does not name stays as it is.

use serde_json::Value;

use super::super::permission::{Level, Permission, Role};
use super::super::state::protection::{Reviews, StatusChecks};
use super::super::state::{Actors, Protection, State};
use super::super::token::Token;

type Refusal = (&'static str, String);

/// Carries out one mutation; the id of the rule that is left.
pub fn apply(state: &mut State, token: &Token, name: &str, input: &Value) -> Result<Option<u64>, Refusal> {
    let may = token.has_role(Role::Admin)
        && (!token.has_permissions() || token.permissions.level(Permission::Administration) >= Level::Write);
    if !may {
        return Err(("FORBIDDEN", token.refusal().to_owned()));
    }
    let number = |key: &str| input[key].as_str().and_then(|id| id.rsplit('_').next()).and_then(|id| id.parse::<u64>().ok());
    let missing = || ("NOT_FOUND", "Could not resolve to a node with the global id.".to_owned());
    if name == "createBranchProtectionRule" {
        let repository = number("repositoryId").filter(|id| state.repositories.contains_key(id)).ok_or_else(missing)?;
        let pattern = input["pattern"].as_str().unwrap_or_default();
        if state.repositories[&repository].protections.iter().any(|known| known.pattern == pattern) {
            return Err(("UNPROCESSABLE", format!("Name already protected: {pattern}")));
        }
        let id = state.next_id();
        let mut protection =
            Protection { id, pattern: pattern.to_owned(), creator: Some(token.login.clone()), ..Protection::default() };
        change(state, &mut protection, input);
        state.repositories.get_mut(&repository).ok_or_else(missing)?.protections.push(protection);
        return Ok(Some(id));
    }
    let id = number("branchProtectionRuleId").ok_or_else(missing)?;
    let holds = |protections: &[Protection]| protections.iter().any(|protection| protection.id == id);
    let repository =
        state.repositories.values().find(|repository| holds(&repository.protections)).map(|repository| repository.id);
    let repository = repository.ok_or_else(missing)?;
    if name == "deleteBranchProtectionRule" {
        state.repositories.get_mut(&repository).ok_or_else(missing)?.protections.retain(|protection| protection.id != id);
        return Ok(None);
    }
    let index =
        state.repositories[&repository].protections.iter().position(|protection| protection.id == id).ok_or_else(missing)?;
    let mut protection = state.repositories[&repository].protections[index].clone();
    change(state, &mut protection, input);
    state.repositories.get_mut(&repository).ok_or_else(missing)?.protections[index] = protection;
    Ok(Some(id))
}

fn change(state: &State, rule: &mut Protection, input: &Value) {
    let set = |key: &str, target: &mut bool| *target = input[key].as_bool().unwrap_or(*target);
    if let Some(pattern) = input["pattern"].as_str() {
        rule.pattern = pattern.to_owned();
    }
    set("isAdminEnforced", &mut rule.enforce_admins);
    set("requiresLinearHistory", &mut rule.required_linear_history);
    set("allowsForcePushes", &mut rule.allow_force_pushes);
    set("allowsDeletions", &mut rule.allow_deletions);
    set("blocksCreations", &mut rule.block_creations);
    set("requiresConversationResolution", &mut rule.required_conversation_resolution);
    set("requiresCommitSignatures", &mut rule.required_signatures);
    set("lockBranch", &mut rule.lock_branch);
    set("lockAllowsFetchAndMerge", &mut rule.allow_fork_syncing);
    change_reviews(state, rule, input);
    if let Some(wanted) = input["requiresStatusChecks"].as_bool() {
        rule.checks = wanted.then(|| rule.checks.take().unwrap_or_default());
    }
    if let Some(checks) = &mut rule.checks {
        set("requiresStrictStatusChecks", &mut checks.strict);
        if let Some(given) = input["requiredStatusChecks"].as_array() {
            *checks = StatusChecks { strict: checks.strict, checks: given.iter().map(|check| described(state, check)).collect() };
        } else if let Some(given) = input["requiredStatusCheckContexts"].as_array() {
            checks.checks = given.iter().filter_map(Value::as_str).map(|context| (context.to_owned(), None)).collect();
        }
    }
    if let Some(wanted) = input["restrictsPushes"].as_bool() {
        rule.restrictions = wanted.then(|| rule.restrictions.take().unwrap_or_default());
    }
    if let (Some(restrictions), Some(given)) = (&mut rule.restrictions, actors(state, &input["pushActorIds"])) {
        *restrictions = given;
    }
    if let Some(given) = actors(state, &input["bypassForcePushActorIds"]) {
        rule.bypass_force_push = given;
    }
    if let Some(wanted) = input["requiresDeployments"].as_bool() {
        rule.required_deployments = wanted.then(|| rule.required_deployments.take().unwrap_or_default());
    }
    if let (Some(environments), Some(given)) =
        (&mut rule.required_deployments, input["requiredDeploymentEnvironments"].as_array())
    {
        *environments = given.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
}

fn change_reviews(state: &State, rule: &mut Protection, input: &Value) {
    if let Some(wanted) = input["requiresApprovingReviews"].as_bool() {
        rule.reviews = wanted.then(|| rule.reviews.take().unwrap_or(Reviews { count: 1, ..Reviews::default() }));
    }
    let Some(reviews) = &mut rule.reviews else { return };
    let set = |key: &str, target: &mut bool| *target = input[key].as_bool().unwrap_or(*target);
    reviews.count = input["requiredApprovingReviewCount"].as_u64().unwrap_or(reviews.count);
    set("dismissesStaleReviews", &mut reviews.dismiss_stale);
    set("requiresCodeOwnerReviews", &mut reviews.code_owners);
    set("requireLastPushApproval", &mut reviews.last_push);
    if let Some(wanted) = input["restrictsReviewDismissals"].as_bool() {
        reviews.dismissal = wanted.then(|| reviews.dismissal.take().unwrap_or_default());
    }
    if let (Some(dismissal), Some(given)) = (&mut reviews.dismissal, actors(state, &input["reviewDismissalActorIds"])) {
        *dismissal = given;
    }
    if let Some(given) = actors(state, &input["bypassPullRequestActorIds"]) {
        reviews.bypass = given;
    }
}

fn described(state: &State, check: &Value) -> (String, Option<u64>) {
    let id = check["appId"].as_str().and_then(|id| id.strip_prefix("A_")).and_then(|id| id.parse::<u64>().ok());
    (check["context"].as_str().unwrap_or_default().to_owned(), id.filter(|id| state.apps.values().any(|app| app.id == *id)))
}

/// Users, teams and Apps by their ids; `None` if no list was given.
fn actors(state: &State, ids: &Value) -> Option<Actors> {
    let mut found = Actors::default();
    for id in ids.as_array()?.iter().filter_map(Value::as_str) {
        let Some((kind, Ok(number))) = id.rsplit_once('_').map(|(kind, number)| (kind, number.parse::<u64>())) else { continue };
        let teams = || state.organizations.values().flat_map(|organization| &organization.teams);
        match kind {
            "U" => found.users.extend(state.users.values().find(|user| user.id == number).map(|user| user.login.clone())),
            "T" => found.teams.extend(teams().find(|team| team.id == number).map(|team| team.slug.clone())),
            "A" => found.apps.extend(state.apps.values().find(|app| app.id == number).map(|app| app.slug.clone())),
            _ => {}
        }
    }
    Some(found)
}
