//! GitHub's published OpenAPI description, as a judge: does this route exist, is this request one that GitHub documents, and is
//! this answer one that GitHub could give?
//!
//! Requests are held to the strict form of the description (`strict.rs`): GitHub's own leaves objects open, and a misspelt key
//! would pass. Answers are held to the description as published.

pub mod route;
pub mod strict;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};

pub use self::route::{Matched, Template};

/// One published description.
pub struct Document {
    pub value: Value,
    operations: Vec<Operation>,
    registry: Registry<'static>,
}

/// One method of one path.
pub struct Operation {
    pub method: String,
    pub template: Template,
    parameters: Vec<Parameter>,
    request: Option<Value>,
    request_required: bool,
    request_validator: OnceLock<Validator>,
    /// By status: `None` where GitHub documents a status without a body.
    responses: BTreeMap<u16, Option<Response>>,
}

struct Response {
    schema: Value,
    validator: OnceLock<Validator>,
}

struct Parameter {
    name: String,
    place: String,
    required: bool,
    schema: Value,
    validator: OnceLock<Validator>,
}

/// Something that does not satisfy the description: where, what, and the value in question.
#[derive(Debug, Clone)]
pub struct Mismatch {
    pub path: String,
    pub message: String,
    pub instance: Value,
}

/// What the whole document is called in references.
const DOCUMENT: &str = "urn:github";

impl Document {
    pub fn read(name: &str, text: &str) -> Self {
        let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name} is JSON: {error}"));
        let schemas = json!({ "components": value["components"] });
        let registry = Registry::new()
            .draft(Draft::Draft202012)
            .add(DOCUMENT, schemas)
            .and_then(|builder| builder.prepare())
            .expect("the published schemas refer to nothing outside");
        let mut operations = Vec::new();
        for (path, methods) in value["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                operations.push(Operation::read(&value, path, method, operation));
            }
        }
        // The more of a path is literal, the earlier it is tried: `/rulesets/rule-suites` before `/rulesets/{ruleset_id}`. And the
        // longer, the earlier: `{branch}` would otherwise take `main/protection` for a name.
        operations.sort_by_key(|operation| (operation.template.parameters(), Reverse(operation.template.length())));
        Self { value, operations, registry }
    }

    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation that a path (still percent-encoded) leads to.
    pub fn find(&self, method: &str, path: &str) -> Option<(&Operation, Matched)> {
        self.operations
            .iter()
            .filter(|operation| operation.method == method)
            .find_map(|operation| operation.template.matches(path).map(|matched| (operation, matched)))
    }

    pub fn operation(&self, method: &str, template: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.method == method && operation.template.text() == template)
    }

    fn compile(&self, schema: &Value) -> Validator {
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .build(&absolute(schema))
            .expect("the published schemas compile")
    }

    /// What in the parameters is not as GitHub documents it.
    pub fn check_parameters(&self, operation: &Operation, matched: &Matched, query: &[(String, String)]) -> Vec<Mismatch> {
        let mut found = Vec::new();
        for parameter in &operation.parameters {
            let given = match parameter.place.as_str() {
                "path" => matched.get(&parameter.name),
                "query" => query.iter().find(|(name, _)| *name == parameter.name).map(|(_, value)| value.as_str()),
                _ => continue,
            };
            let Some(given) = given else {
                if parameter.required {
                    found.push(Mismatch::new(&parameter.name, "is required", Value::Null));
                }
                continue;
            };
            let value = typed(given, &parameter.schema);
            let validator = parameter.validator.get_or_init(|| self.compile(&parameter.schema));
            found.extend(mismatches(validator, &value).into_iter().map(|one| Mismatch { path: parameter.name.clone(), ..one }));
        }
        for (name, value) in query {
            if !operation.parameters.iter().any(|parameter| parameter.place == "query" && parameter.name == *name) {
                found.push(Mismatch::new(name, "is no parameter of this operation", Value::from(value.as_str())));
            }
        }
        found
    }

    /// What in the body is not as GitHub documents it.
    pub fn check_request(&self, operation: &Operation, body: Option<&Value>) -> Vec<Mismatch> {
        match (&operation.request, body) {
            (Some(schema), Some(body)) => {
                let strict = || self.compile(&strict::closed(&strict::inlined(schema, &self.value)));
                mismatches(operation.request_validator.get_or_init(strict), body)
            }
            (Some(_), None) if operation.request_required => vec![Mismatch::new("", "a body is required", Value::Null)],
            (None, Some(body)) if operation.method != "DELETE" || !body.is_null() => {
                vec![Mismatch::new("", "this operation takes no body", body.clone())]
            }
            _ => Vec::new(),
        }
    }

    /// What in an answer GitHub could not have said.
    pub fn check_response(&self, operation: &Operation, status: u16, body: Option<&Value>) -> Vec<Mismatch> {
        match (operation.responses.get(&status), body) {
            (Some(Some(response)), Some(body)) => {
                mismatches(response.validator.get_or_init(|| self.compile(&response.schema)), body)
            }
            (Some(Some(_)), None) if status < 300 => vec![Mismatch::new("", "GitHub answers with a body", Value::Null)],
            (Some(None), Some(body)) if status == 204 => vec![Mismatch::new("", "GitHub answers without a body", body.clone())],
            (None, body) if status < 300 => {
                vec![Mismatch::new("", "GitHub documents no such status", body.cloned().unwrap_or_default())]
            }
            // Refusals are documented for hardly any operation; they all look like this.
            (_, Some(body)) if status >= 400 && !body["message"].is_string() => {
                vec![Mismatch::new("/message", "a refusal has a message", body.clone())]
            }
            _ => Vec::new(),
        }
    }
}

impl Operation {
    fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let empty = Vec::new();
        let parameters: Vec<Parameter> = operation["parameters"]
            .as_array()
            .unwrap_or(&empty)
            .iter()
            .map(|one| Parameter::read(resolve(document, one)))
            .collect();
        let multi: Vec<&str> = operation["parameters"]
            .as_array()
            .unwrap_or(&empty)
            .iter()
            .map(|one| resolve(document, one))
            .filter(|one| one["x-multi-segment"] == json!(true))
            .filter_map(|one| one["name"].as_str())
            .collect();
        let body = &operation["requestBody"];
        let responses = operation["responses"].as_object().expect("responses").iter().filter_map(|(status, response)| {
            let schema = &resolve(document, response)["content"]["application/json"]["schema"];
            let response = schema.is_object().then(|| Response { schema: schema.clone(), validator: OnceLock::new() });
            Some((status.parse().ok()?, response))
        });
        Self {
            method: method.to_uppercase(),
            template: Template::new(path, &multi),
            parameters,
            request: body["content"]["application/json"]["schema"]
                .is_object()
                .then(|| body["content"]["application/json"]["schema"].clone()),
            request_required: body["required"] == json!(true),
            request_validator: OnceLock::new(),
            responses: responses.collect(),
        }
    }

    /// The operation as tests and logs name it.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.template.text())
    }

    /// The statuses that GitHub documents.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        self.responses.keys().copied()
    }

    /// The schema of an answer, as published.
    pub fn response_schema(&self, status: u16) -> Option<&Value> {
        self.responses.get(&status)?.as_ref().map(|response| &response.schema)
    }

    /// The schema of a request, as published.
    pub fn request_schema(&self) -> Option<&Value> {
        self.request.as_ref()
    }
}

impl Parameter {
    fn read(parameter: &Value) -> Self {
        Self {
            name: parameter["name"].as_str().expect("a parameter has a name").to_owned(),
            place: parameter["in"].as_str().expect("a parameter has a place").to_owned(),
            required: parameter["required"] == json!(true),
            schema: parameter["schema"].clone(),
            validator: OnceLock::new(),
        }
    }
}

impl Mismatch {
    fn new(path: &str, message: &str, instance: Value) -> Self {
        Self { path: path.to_owned(), message: message.to_owned(), instance }
    }
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: {}", self.path, self.message)
    }
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere"),
        None => value,
    }
}

/// References made absolute, so that a part of the document can stand alone.
fn absolute(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| match (key.as_str(), value) {
                    ("$ref", Value::String(reference)) => (key.clone(), Value::from(format!("{DOCUMENT}{reference}"))),
                    _ => (key.clone(), absolute(value)),
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(absolute).collect()),
        other => other.clone(),
    }
}

/// A parameter arrives as text: a number or a boolean where the schema wants one.
fn typed(text: &str, schema: &Value) -> Value {
    let wants = |name: &str| {
        let is = |schema: &Value| {
            schema["type"] == name || schema["type"].as_array().is_some_and(|types| types.iter().any(|one| one == name))
        };
        is(schema) || ["oneOf", "anyOf"].iter().any(|key| schema[*key].as_array().is_some_and(|options| options.iter().any(is)))
    };
    if wants("integer")
        && let Ok(number) = text.parse::<i64>()
    {
        return Value::from(number);
    }
    match text {
        "true" | "false" if wants("boolean") => Value::from(text == "true"),
        _ if wants("array") => Value::Array(text.split(',').map(Value::from).collect()),
        _ => Value::from(text),
    }
}

fn mismatches(validator: &Validator, value: &Value) -> Vec<Mismatch> {
    if validator.is_valid(value) {
        return Vec::new();
    }
    validator
        .iter_errors(value)
        .map(|error| Mismatch {
            path: error.instance_path().to_string(),
            // A message repeats the value, which may be a whole page.
            message: error.to_string().chars().take(300).collect(),
            instance: value.pointer(error.instance_path().as_str()).cloned().unwrap_or_default(),
        })
        .collect()
}
