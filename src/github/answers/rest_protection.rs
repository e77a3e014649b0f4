//! Classic protection of one branch, as REST answers it: less than GraphQL has, and by branch instead of by pattern.

use serde_json::Value;

use crate::github::people::{Actor, ActorKind};
use crate::github::protection::{Protection, RequiredCheck};
use crate::github::readable::{Cause, Readable};
use crate::github::word::Word;

use super::{maybe_text, number, text, truth};

/// The protection of a branch. The pattern is the branch's name: REST does not tell the rule's.
pub fn protection(branch: &str, value: &Value) -> Protection {
    let enabled = |key: &str| value.get(key).is_some_and(|section| truth(section, "enabled"));
    let checks = value.get("required_status_checks");
    let reviews = value.get("required_pull_request_reviews");
    let restrictions = value.get("restrictions");
    let review = |key: &str| reviews.is_some_and(|reviews| truth(reviews, key));
    let within = |key: &str| reviews.and_then(|reviews| reviews.get(key));
    fn only_graphql<T>() -> Readable<T> {
        Readable::hidden(Cause::NotOffered, "only GraphQL shows it")
    }
    Protection {
        id: String::new(),
        pattern: branch.to_owned(),
        creator: None,
        is_admin_enforced: enabled("enforce_admins"),
        requires_status_checks: checks.is_some(),
        requires_strict_status_checks: checks.is_some_and(|checks| truth(checks, "strict")),
        required_status_checks: checks.map(required_checks).unwrap_or_default(),
        requires_approving_reviews: reviews.is_some(),
        required_approving_review_count: reviews
            .and_then(|reviews| number(reviews, "required_approving_review_count"))
            .unwrap_or(0),
        dismisses_stale_reviews: review("dismiss_stale_reviews"),
        requires_code_owner_reviews: review("require_code_owner_reviews"),
        require_last_push_approval: review("require_last_push_approval"),
        restricts_review_dismissals: within("dismissal_restrictions").is_some(),
        requires_commit_signatures: enabled("required_signatures"),
        requires_linear_history: enabled("required_linear_history"),
        requires_conversation_resolution: enabled("required_conversation_resolution"),
        required_deployment_environments: only_graphql(),
        allows_force_pushes: enabled("allow_force_pushes"),
        allows_deletions: enabled("allow_deletions"),
        blocks_creations: enabled("block_creations"),
        restricts_pushes: restrictions.is_some(),
        lock_branch: enabled("lock_branch"),
        lock_allows_fetch_and_merge: enabled("allow_fork_syncing"),
        push_allowances: Readable::Known(restrictions.map(actors).unwrap_or_default()),
        bypass_pull_request_allowances: Readable::Known(within("bypass_pull_request_allowances").map(actors).unwrap_or_default()),
        bypass_force_push_allowances: only_graphql(),
        review_dismissal_allowances: Readable::Known(within("dismissal_restrictions").map(actors).unwrap_or_default()),
        conflicts: only_graphql(),
        unsure_checks: Vec::new(),
    }
}

fn required_checks(section: &Value) -> Vec<RequiredCheck> {
    let app = |id: u64| Actor { kind: Word::Known(ActorKind::App), name: id.to_string(), id: Some(id) };
    if let Some(checks) = section.get("checks").and_then(Value::as_array) {
        // An app_id of -1 or null is any app.
        return checks
            .iter()
            .map(|check| RequiredCheck { context: text(check, "context"), app: number(check, "app_id").map(app) })
            .collect();
    }
    // Servers that do not know `checks` yet name the contexts only.
    let contexts = section.get("contexts").and_then(Value::as_array).into_iter().flatten();
    contexts.filter_map(Value::as_str).map(|context| RequiredCheck { context: context.to_owned(), app: None }).collect()
}

fn actors(section: &Value) -> Vec<Actor> {
    let mut actors = Vec::new();
    for (list, kind, name) in
        [("users", ActorKind::User, "login"), ("teams", ActorKind::Team, "slug"), ("apps", ActorKind::App, "slug")]
    {
        for actor in section.get(list).and_then(Value::as_array).into_iter().flatten() {
            let name = maybe_text(actor, name).unwrap_or_else(|| "not shown".to_owned());
            actors.push(Actor { kind: Word::Known(kind), name, id: number(actor, "id") });
        }
    }
    actors
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn absent_sections_are_off() {
        let read = protection("main", &json!({"url": "x", "enforce_admins": {"enabled": true}}));
        assert!(read.is_admin_enforced && !read.requires_status_checks && !read.requires_approving_reviews);
        assert!(!read.restricts_pushes && !read.restricts_review_dismissals);
        assert!(read.bypass_force_push_allowances.read().is_err(), "REST says nothing about it");
    }

    #[test]
    fn sections() {
        let read = protection(
            "main",
            &json!({
                "required_status_checks": {"strict": true, "contexts": ["a", "b"],
                    "checks": [{"context": "a", "app_id": null}, {"context": "b", "app_id": 15368}, {"context": "c", "app_id": -1}]},
                "required_pull_request_reviews": {"required_approving_review_count": 2,
                    "dismissal_restrictions": {"users": [{"login": "alice", "id": 1}], "teams": [], "apps": []}},
                "restrictions": {"users": [], "teams": [{"slug": "release", "id": 5}], "apps": [{"slug": "bot", "id": 6}]},
                "allow_force_pushes": {"enabled": true}
            }),
        );
        let apps: Vec<_> = read.required_status_checks.iter().map(|check| check.app.as_ref().and_then(|app| app.id)).collect();
        assert_eq!(apps, [None, Some(15368), None]);
        assert_eq!(read.required_approving_review_count, 2);
        assert!(read.restricts_review_dismissals && read.restricts_pushes && read.allows_force_pushes);
        let names: Vec<_> = read.push_allowances.known().unwrap().iter().map(Actor::to_string).collect();
        assert_eq!(names, ["team:release", "app:bot"]);
    }
}
