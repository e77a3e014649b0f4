//! What workflows may do.

use serde_json::{Value, json};

use super::super::call::{Answer, Handled, refuse};
use super::super::state::account::Actions;
use super::Visit;

pub fn of_repository(visit: &mut Visit<'_>, rest: &str) -> Handled {
    let sha_pinning = !matches!(visit.shared.profile.name(), "ghes-3.17" | "ghes-3.18");
    let url = format!("{}/actions/permissions/selected-actions", visit.links().repository_url(visit.repository()?));
    if let ("GET", "/actions/permissions") = (visit.call.method.as_str(), rest) {
        let actions = &visit.repository()?.actions;
        let mut value = json!({ "enabled": actions.enabled });
        if actions.enabled {
            value["allowed_actions"] = actions.allowed_actions.clone().into();
            if actions.allowed_actions == "selected" {
                value["selected_actions_url"] = url.into();
            }
            if sha_pinning {
                value["sha_pinning_required"] = actions.sha_pinning_required.into();
            }
        }
        return Ok(Answer::json(value));
    }
    let call = visit.call;
    let actions = &mut visit.repository_mut()?.actions;
    common(call.method.as_str(), rest.trim_start_matches("/actions/permissions"), call.body(), actions)
        .ok_or_else(|| super::missing(visit))?
}

pub fn of_organization(visit: &mut Visit<'_>, rest: &str) -> Handled {
    let call = visit.call;
    if let ("GET", "") = (call.method.as_str(), rest) {
        let actions = &visit.organization()?.actions;
        let value = json!({
            "enabled_repositories": if actions.enabled { "all" } else { "none" },
            "allowed_actions": actions.allowed_actions,
        });
        return Ok(Answer::json(value));
    }
    let actions = &mut visit.organization_mut()?.actions;
    common(call.method.as_str(), rest, call.body(), actions).ok_or_else(|| super::missing(visit))?
}

/// What repositories and organizations have alike.
fn common(method: &str, rest: &str, body: &Value, actions: &mut Actions) -> Option<Handled> {
    let text = |key: &str, old: &str| body[key].as_str().unwrap_or(old).to_owned();
    let answer = match (method, rest) {
        ("PUT", "") => {
            actions.enabled = body["enabled"].as_bool().unwrap_or(body["enabled_repositories"] != "none");
            actions.allowed_actions = text("allowed_actions", &actions.allowed_actions);
            actions.sha_pinning_required = body["sha_pinning_required"].as_bool().unwrap_or(actions.sha_pinning_required);
            Answer::nothing()
        }
        ("GET", "/workflow") => Answer::json(json!({
            "default_workflow_permissions": actions.default_workflow_permissions,
            "can_approve_pull_request_reviews": actions.can_approve_pull_request_reviews,
        })),
        ("PUT", "/workflow") => {
            actions.default_workflow_permissions = text("default_workflow_permissions", &actions.default_workflow_permissions);
            let approve = body["can_approve_pull_request_reviews"].as_bool();
            actions.can_approve_pull_request_reviews = approve.unwrap_or(actions.can_approve_pull_request_reviews);
            Answer::nothing()
        }
        ("GET", "/selected-actions") if actions.allowed_actions == "selected" => Answer::json(actions.selected.clone()),
        (_, "/selected-actions") if actions.allowed_actions != "selected" => {
            return Some(Err(refuse(409, "Conflict: allowed actions are not limited to selected actions")));
        }
        ("PUT", "/selected-actions") => {
            actions.selected = super::view::lay(actions.selected.clone(), body.clone());
            Answer::nothing()
        }
        ("GET", "/access") => Answer::json(json!({ "access_level": "none" })),
        ("GET", "/fork-pr-contributor-approval") => Answer::json(json!({ "approval_policy": actions.fork_approval })),
        _ => return None,
    };
    Some(Ok(answer))
}
