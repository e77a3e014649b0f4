//! Files that GitHub's pages export rulesets into.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::github::owner::{Numbers, Owner, OwnerKind};
use crate::github::readable::Readable;
use crate::github::repository::{MergeMethods, Repository};
use crate::github::ruleset::{Level, Ruleset};
use crate::github::word::Word;

/// The ruleset of a file. `number` stands for GitHub's where the file has none.
///
/// # Errors
/// What is wrong with the file.
pub fn ruleset(bytes: &[u8], number: u64) -> Result<Ruleset, String> {
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| format!("it is no JSON: {error}"))?;
    let object = value.as_object_mut().ok_or("it holds no ruleset")?;
    for key in ["name", "target", "source_type", "source", "enforcement", "rules"] {
        if !object.contains_key(key) {
            return Err(format!("it has no `{key}`, as every exported ruleset does"));
        }
    }
    // A file without conditions has none; one without bypassers may hide them.
    object.entry("conditions").or_insert(Value::Null);
    object.entry("id").or_insert(json!(number));
    serde_json::from_value(value).map_err(|error| format!("it is no ruleset: {error}"))
}

/// Whose the rulesets are, and their places, of which nothing else is known.
///
/// # Errors
/// They are of several owners, or of several levels.
pub fn places(rulesets: Vec<Ruleset>) -> Result<(Level, Owner, Vec<Repository>), String> {
    let mut level: Option<Level> = None;
    let mut login: Option<String> = None;
    let mut by_source: BTreeMap<String, Vec<Arc<Ruleset>>> = BTreeMap::new();
    for ruleset in rulesets {
        let Word::Known(own) = &ruleset.source_type else {
            return Err(format!("ruleset `{}` is of the unknown level `{}`", ruleset.name, ruleset.source_type));
        };
        let owner = ruleset.source.split('/').next().unwrap_or_default().to_owned();
        if level.is_some_and(|level| level != *own) {
            return Err("some are rulesets of repositories, and some are not: import them one after the other".to_owned());
        }
        if login.as_ref().is_some_and(|login| !login.eq_ignore_ascii_case(&owner)) {
            return Err("they are of several owners: import them one after the other".to_owned());
        }
        (level, login) = (Some(*own), Some(owner));
        by_source.entry(ruleset.source.clone()).or_default().push(Arc::new(ruleset));
    }
    let (Some(level), Some(login)) = (level, login) else { return Err("there is no ruleset".to_owned()) };
    let mut owner = unread_owner(&login);
    let mut repositories = Vec::new();
    for (index, (source, rulesets)) in (1..).zip(by_source) {
        match (level, source.split_once('/')) {
            (Level::Repository, Some((owner, name))) => repositories.push(unread_repository(index, owner, name, rulesets)),
            (Level::Organization, None) => owner.rulesets = Readable::Known(rulesets),
            (Level::Enterprise, _) => return Err("a policy is about repositories and organizations, not enterprises".to_owned()),
            _ => return Err(format!("`{source}` is no place that a ruleset comes from")),
        }
    }
    Ok((level, owner, repositories))
}

/// An organization of which nothing was read.
fn unread_owner(login: &str) -> Owner {
    Owner {
        login: login.to_owned(),
        id: 0,
        html_url: None,
        // Its policy is for github.com, as it names no API.
        is_on_a_server: false,
        kind: OwnerKind::Organization,
        repository_count: Readable::not_asked(),
        base_permission: Readable::not_asked(),
        admins_change_visibility: Readable::not_asked(),
        admins: Readable::not_asked(),
        members: Readable::not_asked(),
        teams: Readable::not_asked(),
        installations: Readable::not_asked(),
        custom_roles: Readable::not_asked(),
        rulesets: Readable::not_asked(),
        properties: Readable::not_asked(),
        workflow_permissions: Readable::not_asked(),
        rule_suites: Readable::not_asked(),
        ruleset_versions: Readable::not_asked(),
        numbers: Numbers::default(),
    }
}

/// A repository of which nothing but rulesets is known.
fn unread_repository(id: u64, owner: &str, name: &str, rulesets: Vec<Arc<Ruleset>>) -> Repository {
    Repository {
        id,
        node_id: String::new(),
        owner: owner.to_owned(),
        name: name.to_owned(),
        visibility: Word::Unknown("not read".to_owned()),
        archived: false,
        disabled: false,
        empty: false,
        fork: false,
        topics: Vec::new(),
        properties: Readable::not_asked(),
        viewer_permission: None,
        viewer_administers: false,
        merge_methods: MergeMethods { merge: true, squash: true, rebase: true },
        default_branch: None,
        protections: Readable::not_asked(),
        merge_queues: Readable::not_asked(),
        rulesets: Readable::Known(rulesets),
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
    }
}
