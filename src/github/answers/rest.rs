//! What REST answers about owners and repositories.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::github::owner::PropertyDefinition;
use crate::github::people::{CustomRole, DeployKey, Installation, Team};
use crate::github::readable::Readable;
use crate::github::repository::{Branch, MergeMethods, Repository, RuleSuite, RulesetVersion, WorkflowPermissions};
use crate::github::word::Word;

use super::{maybe_text, number, text, truth, word};

/// A team. Members are read on their own.
pub fn team(value: &Value) -> Option<Team> {
    Some(Team {
        id: number(value, "id")?,
        slug: maybe_text(value, "slug")?,
        parent: value.get("parent").and_then(|parent| maybe_text(parent, "slug")),
        members: Readable::not_asked(),
        member_count: Readable::not_asked(),
    })
}

/// An installed app.
pub fn installation(value: &Value) -> Option<Installation> {
    let permissions = value.get("permissions").and_then(Value::as_object).into_iter().flatten();
    Some(Installation {
        app_id: number(value, "app_id")?,
        app_slug: text(value, "app_slug"),
        permissions: permissions.map(|(name, level)| (name.clone(), level.as_str().unwrap_or_default().to_owned())).collect(),
        repository_selection: text(value, "repository_selection"),
        suspended: value.get("suspended_at").is_some_and(|time| !time.is_null()),
    })
}

/// A deploy key.
pub fn deploy_key(value: &Value) -> Option<DeployKey> {
    Some(DeployKey {
        title: text(value, "title"),
        read_only: value.get("read_only").and_then(Value::as_bool)?,
        enabled: value.get("enabled").and_then(Value::as_bool).unwrap_or(true),
    })
}

/// A role that an organization made.
pub fn custom_role(value: &Value) -> Option<CustomRole> {
    Some(CustomRole {
        id: number(value, "id")?,
        name: text(value, "name"),
        base_role: maybe_text(value, "base_role"),
        permissions: strings(value.get("permissions")),
    })
}

/// A custom property.
pub fn property(value: &Value) -> Option<PropertyDefinition> {
    Some(PropertyDefinition {
        name: maybe_text(value, "property_name")?,
        values_editable_by: maybe_text(value, "values_editable_by"),
    })
}

/// The custom properties of a repository. One without a value has none.
pub fn property_values(list: &Value) -> BTreeMap<String, Vec<String>> {
    let values = list.as_array().into_iter().flatten().map(|property| {
        let value = match property.get("value") {
            Some(Value::String(one)) => vec![one.clone()],
            other => strings(other),
        };
        (text(property, "property_name"), value)
    });
    values.filter(|(_, value)| !value.is_empty()).collect()
}

/// The tags of published releases, each with the branch or commit that it was made at.
pub fn release_targets(list: &Value) -> Option<BTreeMap<String, String>> {
    let published = list.as_array()?.iter().filter(|release| release.get("draft").and_then(Value::as_bool) != Some(true));
    published.map(|release| Some((maybe_text(release, "tag_name")?, maybe_text(release, "target_commitish")?))).collect()
}

/// What workflows may do.
pub fn workflow_permissions(value: &Value) -> Option<WorkflowPermissions> {
    Some(WorkflowPermissions {
        default_workflow_permissions: maybe_text(value, "default_workflow_permissions")?,
        can_approve_pull_request_reviews: value.get("can_approve_pull_request_reviews").and_then(Value::as_bool)?,
    })
}

/// What rulesets decided, with the repository's name.
pub fn rule_suite(value: &Value) -> Option<(String, RuleSuite)> {
    let suite = RuleSuite {
        id: number(value, "id")?,
        actor: maybe_text(value, "actor_name"),
        ref_name: text(value, "ref"),
        pushed_at: text(value, "pushed_at"),
        result: maybe_text(value, "result")?,
    };
    Some((text(value, "repository_name"), suite))
}

/// A version of a ruleset.
pub fn ruleset_version(value: &Value) -> Option<RulesetVersion> {
    let actor = value.get("actor");
    let named = actor.and_then(|actor| maybe_text(actor, "login").or_else(|| maybe_text(actor, "name")));
    let numbered = actor.and_then(|actor| Some(format!("{} {}", text(actor, "type"), number(actor, "id")?)));
    Some(RulesetVersion {
        version_id: number(value, "version_id")?,
        actor: named.or(numbered),
        updated_at: text(value, "updated_at"),
    })
}

/// A repository, as far as REST's list shows it.
pub fn repository(value: &Value) -> Option<Repository> {
    let (owner, name) = value.get("full_name")?.as_str()?.split_once('/')?;
    let permissions = value.get("permissions");
    let viewer_permission = ["admin", "maintain", "push", "triage", "pull"]
        .into_iter()
        .find(|level| permissions.is_some_and(|permissions| truth(permissions, level)))
        .map(|level| {
            word(match level {
                "push" => "write",
                "pull" => "read",
                other => other,
            })
        });
    let visibility = match maybe_text(value, "visibility") {
        Some(visibility) => word(&visibility),
        None => word(if truth(value, "private") { "private" } else { "public" }),
    };
    let method = |key| value.get(key).and_then(Value::as_bool).unwrap_or(true);
    // An empty repository has a name for the branch that it will have.
    let empty = number(value, "size") == Some(0) && value.get("pushed_at").is_none_or(Value::is_null);
    let default_branch = maybe_text(value, "default_branch").filter(|_| !empty);
    Some(Repository {
        id: number(value, "id")?,
        node_id: text(value, "node_id"),
        owner: owner.to_owned(),
        name: name.to_owned(),
        visibility,
        archived: truth(value, "archived"),
        disabled: truth(value, "disabled"),
        empty,
        fork: truth(value, "fork"),
        topics: strings(value.get("topics")),
        properties: Readable::not_asked(),
        viewer_administers: viewer_permission == Some(Word::Known(crate::github::people::Permission::Admin)),
        viewer_permission,
        merge_methods: MergeMethods {
            merge: method("allow_merge_commit"),
            squash: method("allow_squash_merge"),
            rebase: method("allow_rebase_merge"),
        },
        default_branch: default_branch.map(|name| Branch { name, protected: Readable::not_asked() }),
        protections: Readable::not_asked(),
        merge_queues: Readable::not_asked(),
        rulesets: Readable::not_asked(),
        branches: Readable::not_asked(),
        tags: Readable::not_asked(),
        releases: Readable::not_asked(),
        codeowners: Readable::not_asked(),
        workflows: Readable::not_asked(),
        reported: Readable::not_asked(),
        merged_pull_requests: Readable::not_asked(),
        collaborators: Readable::not_asked(),
        deploy_keys: Readable::not_asked(),
        environments: Readable::not_asked(),
        workflow_permissions: Readable::not_asked(),
        rule_suites: Readable::not_asked(),
        ruleset_versions: Readable::not_asked(),
    })
}

/// The texts of a list.
pub fn strings(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}
