//! Rulesets of every level, as JSON: a test may plant what nobody knows yet.

use serde_json::{Map, Value};

use super::super::fnmatch;
use super::repository::Repository;

/// Who made a ruleset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Repository(u64),
    Organization(String),
    Enterprise(String),
}

#[derive(Debug, Clone)]
pub struct Ruleset {
    pub id: u64,
    pub source: Source,
    /// `name`, `target`, `enforcement`, `bypass_actors`, `conditions` and `rules`.
    pub body: Map<String, Value>,
    pub created_at: String,
    pub updated_at: String,
    /// Oldest first; the last one is what the ruleset is now.
    pub versions: Vec<Version>,
}

#[derive(Debug, Clone)]
pub struct Version {
    pub id: u64,
    pub actor: String,
    pub updated_at: String,
    pub state: Map<String, Value>,
}

impl Ruleset {
    pub fn text(&self, key: &str) -> &str {
        self.body.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn list(&self, key: &str) -> &[Value] {
        self.body.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn condition(&self, name: &str) -> Option<&Value> {
        self.body.get("conditions").and_then(|conditions| conditions.get(name)).filter(|condition| !condition.is_null())
    }

    /// Whether an organization's or enterprise's ruleset reaches a repository.
    pub fn selects(&self, repository: &Repository) -> bool {
        let by_name = self
            .condition("repository_name")
            .map(|condition| included(condition, |pattern| pattern == "~ALL" || fnmatch::matches(pattern, &repository.name)));
        let by_id = self.condition("repository_id").map(|condition| {
            let ids = condition["repository_ids"].as_array().map(Vec::as_slice).unwrap_or_default();
            ids.iter().any(|id| id.as_u64() == Some(repository.id))
        });
        let by_property = self.condition("repository_property").map(|condition| {
            let all = |key: &str| condition[key].as_array().map(Vec::as_slice).unwrap_or_default();
            all("include").iter().all(|one| has_property(repository, one))
                && !all("exclude").iter().any(|one| has_property(repository, one))
        });
        let by_organization = self
            .condition("organization_name")
            .map(|condition| included(condition, |pattern| pattern == "~ALL" || fnmatch::matches(pattern, &repository.owner)));
        let given = [by_name, by_id, by_property, by_organization];
        given.iter().any(Option::is_some) && given.into_iter().flatten().all(|selected| selected)
    }

    /// Whether it governs a branch or tag, which need not exist.
    pub fn governs(&self, reference: &str, default_branch: &str) -> bool {
        let Some(condition) = self.condition("ref_name") else { return false };
        included(condition, |pattern| match pattern {
            "~ALL" => true,
            "~DEFAULT_BRANCH" => reference.strip_prefix("refs/heads/") == Some(default_branch),
            _ => fnmatch::matches(pattern, reference),
        })
    }
}

fn included(condition: &Value, matches: impl Fn(&str) -> bool) -> bool {
    let any =
        |key: &str| condition[key].as_array().is_some_and(|patterns| patterns.iter().filter_map(Value::as_str).any(&matches));
    any("include") && !any("exclude")
}

fn has_property(repository: &Repository, wanted: &Value) -> bool {
    let name = wanted["name"].as_str().unwrap_or_default();
    let value = match (wanted["source"].as_str(), name) {
        (Some("system"), "visibility") => Value::from(repository.visibility.name()),
        (Some("system"), "fork") => Value::from(repository.fork.to_string()),
        _ => repository.properties.get(name).cloned().unwrap_or_default(),
    };
    let values = wanted["property_values"].as_array().map(Vec::as_slice).unwrap_or_default();
    match &value {
        Value::Array(several) => several.iter().any(|one| values.contains(one)),
        one => values.contains(one),
    }
}
