//! Custom properties: their schema in an organization or enterprise, their values in repositories.

use serde_json::{Value, json};

use super::super::call::{Answer, Handled, not_found};
use super::super::fnmatch;
use super::super::state::Repository;
use super::Visit;

pub fn answer(visit: &mut Visit<'_>, rest: &str) -> Handled {
    match (visit.call.method.as_str(), rest) {
        ("GET", "/properties/schema") => Ok(Answer::json(Value::Array(schema(visit)?.clone()))),
        ("GET", "/properties/schema/{custom_property_name}") => {
            let name = visit.parameter("custom_property_name");
            let found = schema(visit)?.iter().find(|property| property["property_name"] == name).cloned();
            found.map(Answer::json).ok_or_else(not_found)
        }
        ("GET", "/properties/values") => values(visit),
        ("PATCH", "/properties/values") => set(visit),
        _ => Err(super::missing(visit)),
    }
}

fn schema<'a>(visit: &'a Visit<'_>) -> Result<&'a Vec<Value>, Box<Answer>> {
    let enterprise = visit.state.enterprises.get(&visit.parameter("enterprise").to_lowercase());
    match enterprise {
        Some(enterprise) => Ok(&enterprise.property_schema),
        None => Ok(&visit.organization()?.property_schema),
    }
}

/// `repository_query` is GitHub's search; the bed knows `repo:` and words of the name.
fn values(visit: &mut Visit<'_>) -> Handled {
    let query = visit.call.query("repository_query").unwrap_or_default();
    let login = &visit.organization()?.login;
    let mut found = visit.state.repositories_of(login);
    found.retain(|repository| visit.viewer.sees(&repository.full_name()));
    found.retain(|repository| {
        query.split_whitespace().all(|word| match word.strip_prefix("repo:") {
            Some(name) => fnmatch::matches(name, &repository.full_name()),
            None => repository.name.contains(word),
        })
    });
    visit.list(found, |repository| {
        json!({
            "repository_id": repository.id,
            "repository_name": repository.name,
            "repository_full_name": repository.full_name(),
            "properties": pairs(repository),
        })
    })
}

fn pairs(repository: &Repository) -> Value {
    repository.properties.iter().map(|(name, value)| json!({ "property_name": name, "value": value })).collect()
}

pub fn of_repository(visit: &mut Visit<'_>) -> Handled {
    Ok(Answer::json(pairs(visit.repository()?)))
}

pub fn set_of_repository(visit: &mut Visit<'_>) -> Handled {
    let properties = visit.call.body()["properties"].clone();
    apply(visit.repository_mut()?, &properties);
    Ok(Answer::nothing())
}

fn set(visit: &mut Visit<'_>) -> Handled {
    let login = visit.organization()?.login.clone();
    let body = visit.call.body().clone();
    for name in body["repository_names"].as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_str) {
        apply(visit.state.repository_mut(&format!("{login}/{name}")).ok_or_else(not_found)?, &body["properties"]);
    }
    Ok(Answer::nothing())
}

/// Null takes a value away.
fn apply(repository: &mut Repository, properties: &Value) {
    for property in properties.as_array().map(Vec::as_slice).unwrap_or_default() {
        let name = property["property_name"].as_str().unwrap_or_default().to_owned();
        match &property["value"] {
            Value::Null => repository.properties.remove(&name),
            value => repository.properties.insert(name, value.clone()),
        };
    }
}
