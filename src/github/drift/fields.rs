//! What is known of each field: how its values compare, and which of two asks for more.

use serde_json::{Value, json};

/// How a field's values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// An object: each of its fields for itself.
    Fields,
    /// An object that is absent or null when nothing is asked for.
    Section,
    /// More asks for more; true more than false.
    More,
    /// Less asks for more; false more than true.
    Less,
    /// One of these words, the one that asks for least first.
    Rank(&'static [&'static str]),
    /// A set of things asked for.
    Demands(Key),
    /// A set of things let through.
    Allows(Key),
    /// A set of actors let through.
    Actors,
    /// A set of patterns of paths that are restricted.
    Paths,
    /// Patterns of refs for and against.
    Refs,
    /// Patterns of repositories for and against.
    Repositories,
    /// Something that holds a demand fast; without it the demand is looser.
    Pin,
    /// It says nothing of how much is asked for.
    Taste,
    /// It decides what is refused, and which of two values refuses more can't be told.
    Unclear,
}

/// What tells an element of a set from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The whole element.
    Whole,
    /// These of its fields.
    Fields(&'static [&'static str]),
    /// A file extension: `jar`, `.jar` and `*.jar` are one.
    Extension,
}

const ENFORCEMENT: &[&str] = &["disabled", "evaluate", "active"];
const MODES: &[&str] = &["exempt", "always", "pull_request"];
const ALERTS: &[&str] = &["none", "errors", "errors_and_warnings", "all"];
const SECURITY_ALERTS: &[&str] = &["none", "critical", "high_or_higher", "medium_or_higher", "all"];
const GROUPING: &[&str] = &["HEADGREEN", "ALLGREEN"];

/// How the values of a field compare, by its path; elements of sets are `[]` in it.
pub(super) fn measure(path: &str) -> Measure {
    use Measure::*;
    match path {
        "enforcement" => Rank(ENFORCEMENT),
        "conditions" | "bypass_actors[]" | "classic" => Fields,
        "conditions.ref_name" => Refs,
        "conditions.repository_name" => Repositories,
        "bypass_actors" => Actors,
        "bypass_actors[].bypass_mode" => Rank(MODES),
        _ => match path.strip_prefix("rules.") {
            Some(rest) => rest.split_once('.').map_or(Fields, |(rule, field)| of_rule(rule, field)),
            None => path.strip_prefix("classic.").map_or(Unclear, classic),
        },
    }
}

fn of_rule(rule: &str, field: &str) -> Measure {
    use Measure::*;
    match (rule, field) {
        (
            "pull_request",
            "required_approving_review_count"
            | "dismiss_stale_reviews_on_push"
            | "require_code_owner_review"
            | "require_last_push_approval"
            | "required_review_thread_resolution"
            | "dismissal_restriction.enabled"
            | "required_reviewers[].minimum_approvals",
        ) => More,
        ("pull_request", "allowed_merge_methods") => Allows(Key::Whole),
        ("pull_request", "dismissal_restriction" | "required_reviewers[]") => Fields,
        ("pull_request", "dismissal_restriction.allowed_actors") => Actors,
        ("pull_request", "required_reviewers") => Demands(Key::Fields(&["reviewer", "file_patterns"])),
        ("pull_request", "required_reviewers[].file_patterns") => Demands(Key::Whole),
        ("required_status_checks", "required_status_checks") => Demands(Key::Fields(&["context"])),
        ("required_status_checks", "required_status_checks[]") => Fields,
        ("required_status_checks", "required_status_checks[].integration_id") => Pin,
        ("required_status_checks", "strict_required_status_checks_policy") => More,
        ("required_status_checks" | "workflows", "do_not_enforce_on_create") => Less,
        ("required_deployments", "required_deployment_environments") => Demands(Key::Whole),
        ("update", "update_allows_fetch_and_merge") => Less,
        ("workflows", "workflows") => Demands(Key::Fields(&["path", "repository_id", "repository"])),
        ("workflows", "workflows[]") => Fields,
        ("workflows", "workflows[].sha") => Pin,
        ("code_scanning", "code_scanning_tools") => Demands(Key::Fields(&["tool"])),
        ("code_scanning", "code_scanning_tools[]") => Fields,
        ("code_scanning", "code_scanning_tools[].alerts_threshold") => Rank(ALERTS),
        ("code_scanning", "code_scanning_tools[].security_alerts_threshold") => Rank(SECURITY_ALERTS),
        ("copilot_code_review", "review_draft_pull_requests" | "review_on_push") => More,
        ("merge_queue", "grouping_strategy") => Rank(GROUPING),
        ("merge_queue", _) => Taste,
        ("file_path_restriction", "restricted_file_paths") => Paths,
        ("file_extension_restriction", "restricted_file_extensions") => Demands(Key::Extension),
        ("max_file_path_length", "max_file_path_length") | ("max_file_size", "max_file_size") => Less,
        (_, "name") => Taste,
        // The texts of patterns, the branch of a workflow, and whatever else there may be one day.
        _ => Unclear,
    }
}

fn classic(field: &str) -> Measure {
    use Measure::*;
    match field {
        "enforce_admins"
        | "required_linear_history"
        | "required_signatures"
        | "required_conversation_resolution"
        | "block_creations"
        | "lock_branch"
        | "required_status_checks.strict"
        | "required_pull_request_reviews.required_approving_review_count"
        | "required_pull_request_reviews.dismiss_stale_reviews"
        | "required_pull_request_reviews.require_code_owner_reviews"
        | "required_pull_request_reviews.require_last_push_approval" => More,
        "allow_force_pushes" | "allow_deletions" | "allow_fork_syncing" => Less,
        "required_pull_request_reviews"
        | "required_pull_request_reviews.dismissal_restrictions"
        | "required_status_checks"
        | "restrictions" => Section,
        "required_status_checks.checks" => Demands(Key::Fields(&["context"])),
        "required_status_checks.checks[]" => Fields,
        "required_status_checks.checks[].app_id" => Pin,
        "required_deployment_environments" => Demands(Key::Whole),
        "bypass_force_push_allowances"
        | "restrictions.actors"
        | "required_pull_request_reviews.bypass_pull_request_allowances"
        | "required_pull_request_reviews.dismissal_restrictions.actors" => Actors,
        _ => Unclear,
    }
}

/// What GitHub means by leaving a field out, where that is known.
pub(super) fn default(path: &str) -> Option<Value> {
    let field = path.rsplit('.').next().unwrap_or(path);
    Some(match field {
        "allowed_merge_methods" => json!(["merge", "squash", "rebase"]),
        "do_not_enforce_on_create"
        | "negate"
        | "update_allows_fetch_and_merge"
        | "review_draft_pull_requests"
        | "review_on_push"
        | "enabled" => json!(false),
        "dismissal_restriction" => json!({ "enabled": false }),
        "required_reviewers" | "allowed_actors" | "exclude" => json!([]),
        "integration_id" | "app_id" | "sha" | "ref" | "name" => Value::Null,
        _ => return None,
    })
}
