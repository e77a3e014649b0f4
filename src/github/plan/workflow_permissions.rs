//! What workflows may do: whether they may approve pull requests, when the policy says so.

use serde_json::json;

use super::{CannotTell, Change, Field, Found, Kind, Thing, permitted, state};
use crate::github::owner::Owner;
use crate::github::repository::{Repository, WorkflowPermissions};
use crate::policy::Policy;

pub(super) fn compare(found: &mut Found, policy: &Policy, owner: &Owner, repository: Option<&Repository>) {
    let Some((github, wanted)) =
        policy.github.as_ref().and_then(|github| Some((github, github.can_approve_pull_request_reviews?)))
    else {
        return;
    };
    let (target, live) = match repository {
        Some(repository) => (repository.full_name(), &repository.workflow_permissions),
        None => (owner.login.clone(), &owner.workflow_permissions),
    };
    let thing = Thing { target, kind: Kind::WorkflowPermissions, name: String::new() };
    let line = github.at.line;
    let live = match live.read() {
        Ok(live) => live,
        Err(hidden) => {
            return found.cannot_tell.push(CannotTell { thing, why: vec![hidden.clone()], fields: Vec::new(), line });
        }
    };
    if live.can_approve_pull_request_reviews == wanted {
        return;
    }
    let before = state::of_workflow_permissions(live);
    let after = WorkflowPermissions { can_approve_pull_request_reviews: wanted, ..live.clone() };
    found.changes.push(Change {
        thing,
        id: None,
        fingerprint: state::fingerprint(Kind::WorkflowPermissions, Some(&before)),
        before: Some(before),
        after: Some(state::of_workflow_permissions(&after)),
        fields: vec![Field {
            field: "can_approve_pull_request_reviews".to_owned(),
            from: Some(json!(!wanted)),
            to: Some(json!(wanted)),
            weakens: wanted,
        }],
        line,
        permitted: permitted(owner, repository),
        relies_on: Vec::new(),
        without_merge_queue: false,
    });
}
