//! The strict form of a request: an object takes only the names that GitHub documents.

use serde_json::{Map, Value, json};

/// A schema with every reference replaced by what it names.
pub fn inlined(schema: &Value, document: &Value) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(|item| inlined(item, document)).collect(),
        Value::Object(map) => match map.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let target = document.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere");
                inlined(target, document)
            }
            None => map.iter().map(|(key, value)| (key.clone(), inlined(value, document))).collect(),
        },
        other => other.clone(),
    }
}

/// An inlined schema with its objects closed.
pub fn closed(schema: &Value) -> Value {
    let Value::Object(map) = schema else { return schema.clone() };
    let mut result = merged(map);
    for (key, value) in &mut result {
        match key.as_str() {
            "properties" => {
                let properties = value.as_object().expect("properties").iter();
                *value = properties.map(|(name, property)| (name.clone(), closed(property))).collect();
            }
            "items" => *value = closed(value),
            "anyOf" | "oneOf" => *value = value.as_array().expect("options").iter().map(closed).collect(),
            _ => {}
        }
    }
    if result.contains_key("properties") && !result.contains_key("additionalProperties") {
        result.insert("additionalProperties".to_owned(), json!(false));
    }
    Value::Object(result)
}

/// Parts that all hold become one object: closed one by one, each would refuse the names of the others.
fn merged(map: &Map<String, Value>) -> Map<String, Value> {
    let Some(parts) = map.get("allOf").and_then(Value::as_array) else { return map.clone() };
    let plain = |part: &Value| part["properties"].is_object() && part.get("oneOf").is_none() && part.get("anyOf").is_none();
    if !parts.iter().all(plain) {
        return map.clone();
    }
    let mut result: Map<String, Value> =
        map.iter().filter(|(key, _)| *key != "allOf").map(|(key, value)| (key.clone(), value.clone())).collect();
    let properties = parts.iter().filter_map(|part| part["properties"].as_object()).flatten();
    let properties: Map<String, Value> = properties.map(|(name, property)| (name.clone(), property.clone())).collect();
    let required: Vec<Value> = parts.iter().filter_map(|part| part["required"].as_array()).flatten().cloned().collect();
    result.insert("type".to_owned(), json!("object"));
    result.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        result.insert("required".to_owned(), Value::Array(required));
    }
    result
}
