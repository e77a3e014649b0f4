//! Deploy keys.

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Handled, not_found};
use super::super::state::Repository;
use super::Visit;
use super::view::lay;

pub fn list(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    visit.list(&repository.keys, |key| render(visit, repository, key))
}

pub fn get(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    let id = visit.call.number("key_id");
    let key = repository.keys.iter().find(|key| key["id"].as_u64() == Some(id)).ok_or_else(not_found)?;
    Ok(Answer::json(render(visit, repository, key)))
}

fn render(visit: &Visit<'_>, repository: &Repository, key: &Map<String, Value>) -> Value {
    let url = format!("{}/keys/{}", visit.links().repository_url(repository), key["id"]);
    lay(json!({ "url": url }), Value::Object(key.clone()))
}
