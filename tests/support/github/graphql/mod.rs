//! GraphQL over the same state: a query is validated against the published schema (reduced to what this program uses), its cost is
//! counted by GitHub's published formula, then it is executed field by field. An answer that the schema does not allow is a fault
//! of the bed, and recorded as one.

mod cost;
mod judge;
mod mutation;
mod object;
mod people;
mod protection;
mod repository;
mod root;
mod ruleset;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{GraphQLError, JsonMap};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Map, Value, json};

use self::object::{FAILED, Object, SEPARATOR};
use super::call::{Answer, Handled, refuse};
use super::fault::{Fault, Quirk};
use super::log::Class;
use super::permission::{Level, Permission, Role};
use super::pipeline::{Context, Incoming};
use super::shared::Shared;
use super::state::{Repository, State};
use super::token::{Token, TokenKind};

/// More possible nodes than this are refused.
/// <https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#node-limit>
const NODE_LIMIT: u64 = 500_000;

/// What one query sees.
pub struct View<'a> {
    pub shared: &'a Shared,
    pub state: &'a State,
    pub viewer: &'a Token,
    pub cost: cost::Cost,
    /// A field that is to fail: its name, and how often it is still resolved well before it does.
    failing: Option<(&'static str, &'static str, &'static str, Cell<u64>)>,
}

impl<'a> View<'a> {
    pub fn sees(&self, repository: &Repository) -> bool {
        self.viewer.sees(&repository.full_name())
    }

    pub fn allows(&self, permission: Permission, level: Level) -> bool {
        !self.viewer.has_permissions() || self.viewer.permissions.level(permission) >= level
    }

    /// Whether classic protection shows.
    pub fn administers(&self) -> bool {
        self.viewer.has_role(Role::Admin) && self.allows(Permission::Administration, Level::Read)
    }

    /// The role GraphQL speaks of; that of an installation follows from its permissions.
    pub fn role(&self) -> Role {
        match self.viewer.kind {
            TokenKind::Installation { .. } if self.allows(Permission::Administration, Level::Write) => Role::Admin,
            TokenKind::Installation { .. } if self.allows(Permission::Contents, Level::Write) => Role::Write,
            TokenKind::Installation { .. } => Role::Read,
            _ => self.viewer.role,
        }
    }

    /// Whether a planned fault strikes this field now.
    fn fails(&self, kind: &str, field: &str) -> Option<String> {
        let (wanted, error, message, left) = self.failing.as_ref()?;
        let named = wanted.split_once('.').is_some_and(|(parent, name)| parent == kind && name == field);
        if !named {
            return None;
        }
        let now = left.get();
        left.set(now.wrapping_sub(1));
        (now == 1).then(|| format!("{error}{SEPARATOR}{message}"))
    }
}

/// The schema, with names that a test planted added to the enumerations that show them.
fn schema(planted: &[String]) -> Arc<Valid<Schema>> {
    type Known = Mutex<HashMap<Vec<String>, Arc<Valid<Schema>>>>;
    static SCHEMAS: OnceLock<Known> = OnceLock::new();
    let schemas = SCHEMAS.get_or_init(Mutex::default);
    let mut schemas = Shared::lock(schemas);
    let read = || {
        let mut text = include_str!("../../../../fixtures/github-api/schema.graphql").to_owned();
        for kind in ["RuleEnforcement", "RepositoryRulesetTarget"] {
            for name in
                planted.iter().filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
            {
                let head = format!("enum {kind} {{\n");
                let value = format!("  {}\n", name.to_uppercase());
                if !text.contains(&format!("{head}{value}")) {
                    text = text.replace(&head, &format!("{head}{value}"));
                }
            }
        }
        Arc::new(
            Schema::parse_and_validate(text, "schema.graphql")
                .unwrap_or_else(|errors| panic!("the reduced schema is valid: {errors}")),
        )
    };
    Arc::clone(schemas.entry(planted.to_vec()).or_insert_with(read))
}

/// A query that was understood; the same one comes with every page.
fn document(schema: &Valid<Schema>, text: &str) -> Result<Arc<Valid<ExecutableDocument>>, Vec<GraphQLError>> {
    type Known = Mutex<HashMap<String, Arc<Valid<ExecutableDocument>>>>;
    static DOCUMENTS: OnceLock<Known> = OnceLock::new();
    let mut documents = Shared::lock(DOCUMENTS.get_or_init(Mutex::default));
    if let Some(document) = documents.get(text) {
        return Ok(Arc::clone(document));
    }
    let document = ExecutableDocument::parse_and_validate(schema, text, "query.graphql");
    let document = document.map_err(|errors| errors.errors.iter().map(|error| error.to_json()).collect::<Vec<_>>())?;
    let document = Arc::new(document);
    documents.insert(text.to_owned(), Arc::clone(&document));
    Ok(document)
}

/// Answers a query. GraphQL's errors come with status 200.
pub fn answer(
    shared: &Shared,
    state: &mut State,
    token: &Token,
    incoming: &Incoming,
    context: &mut Context,
    fault: Option<&Fault>,
) -> Handled {
    if incoming.method != "POST" {
        return Err(refuse(404, "Not Found"));
    }
    if shared.has(Quirk::GraphqlRefused) {
        return Err(refuse(403, "Resource not accessible by personal access token"));
    }
    let Ok(request) = serde_json::from_slice::<Value>(&incoming.body) else { return Err(refuse(400, "Problems parsing JSON")) };
    let Some(text) = request["query"].as_str() else {
        return Err(refuse(400, "A query attribute must be specified and must be a string."));
    };
    let planted: Vec<String> = Shared::lock(&shared.planted).iter().cloned().collect();
    let schema = schema(&planted);
    let document = match document(&schema, text) {
        Ok(document) => document,
        Err(errors) => {
            let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
            Shared::lock(&shared.refused).push(format!("POST /graphql: {}", messages.join("; ")));
            return Ok(Answer::json(json!({ "errors": errors })));
        }
    };
    let name = request["operationName"].as_str();
    let operation = document.operations.get(name).map_err(|error| refuse(400, &error.message().to_string()))?;
    let variables: JsonMap =
        match serde_json::from_value(request.get("variables").filter(|value| !value.is_null()).cloned().unwrap_or(json!({}))) {
            Ok(variables) => variables,
            Err(_) => return Err(refuse(400, "Variables must be an object")),
        };
    let cost = match cost::of(&document, operation, &variables) {
        Ok(cost) => cost,
        Err((kind, message)) => return Ok(Answer::json(json!({ "errors": [{ "type": kind, "message": message }] }))),
    };
    if cost.nodes > NODE_LIMIT {
        let nodes = cost.nodes;
        let message = format!("This query requests up to {nodes} possible nodes which exceeds the maximum limit of 500,000.");
        return Ok(Answer::json(json!({ "data": null, "errors": [{ "type": "MAX_NODE_LIMIT_EXCEEDED", "message": message }] })));
    }
    let too_big = shared.quirk(|quirk| if let Quirk::GraphqlTooBig { over } = quirk { Some(*over) } else { None });
    if too_big.is_some_and(|over| cost.repositories > over) {
        let message =
            "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug.";
        return Err(Box::new(Answer {
            status: 502,
            ..Answer::json(json!({ "data": null, "errors": [{ "message": message }] }))
        }));
    }
    context.cost = Some(cost.points);
    let spent = shared.spend(&token.value, Class::Graphql, cost.points);
    if spent > shared.hourly.load(std::sync::atomic::Ordering::Relaxed) {
        let message = format!("API rate limit exceeded for user {}.", token.login);
        return Ok(Answer::json(json!({ "errors": [{ "type": "RATE_LIMITED", "message": message }] })));
    }
    let mut execution = Execution::new(&schema, &document);
    execution = execution.operation(operation).raw_variable_values(&variables);
    let written = mutation::carry_out(&execution, operation, state, token);
    let failing = match fault {
        Some(Fault::GraphqlError { kind, message, field, nth }) => Some((*field, *kind, *message, Cell::new(*nth))),
        _ => None,
    };
    let view = View { shared, state, viewer: token, cost, failing };
    let root: Object<'_> = match written {
        Some(written) => mutation::payloads(&view, written),
        None => root::query(&view),
    };
    let response = match execution.execute_sync(&root) {
        Ok(response) => serde_json::to_value(response).expect("an answer is JSON"),
        Err(error) => {
            Shared::lock(&shared.refused).push(format!("POST /graphql: {}", error.message()));
            return Ok(Answer::json(json!({ "errors": [{ "message": error.message().to_string() }] })));
        }
    };
    let mut body = finish(shared, response);
    if let Some(Fault::Tamper(tamper)) = fault {
        tamper.0(&mut body);
    }
    if shared.judging {
        let wrong = judge::judge(&schema, &document, operation, &body);
        Shared::lock(&shared.violations)
            .extend(wrong.into_iter().map(|one| format!("GraphQL answers what its schema does not allow: {one}")));
    }
    Ok(Answer::json(body))
}

/// Gives errors GitHub's form. An error that the bed did not mean is a fault of the bed.
fn finish(shared: &Shared, response: Value) -> Value {
    let Value::Object(mut map) = response else { return response };
    let mut body = Map::new();
    body.extend(map.remove_entry("data"));
    if let Some(Value::Array(errors)) = map.remove("errors") {
        let shaped = errors.into_iter().map(|error| {
            let text = error["message"].as_str().unwrap_or_default();
            // The executor's own words.
            let text = text.strip_prefix("resolver error: ").unwrap_or(text);
            let (kind, message) = text.split_once(SEPARATOR).unwrap_or((FAILED, text));
            if kind == FAILED {
                Shared::lock(&shared.violations).push(format!("GraphQL at {}: {message}", error["path"]));
            }
            json!({ "type": kind, "path": error["path"], "locations": error["locations"], "message": message })
        });
        let shaped: Vec<Value> = shaped.collect();
        if !shaped.is_empty() {
            body.insert("errors".to_owned(), shaped.into());
        }
    }
    Value::Object(body)
}
