//! GraphQL, whose answers may be partial: what came is kept, and each error says what did not.

use http::Method;
use serde_json::{Value, json};

use crate::github::answers::place::{GraphAnswer, GraphError, Step};
use crate::github::cost::Class;
use crate::github::readable::{Cause, Hidden};

use super::Client;
use super::exchange::{Ask, Repeat};
use super::patience::Budget;
use super::refused::{Refused, TOO_HEAVY};
use super::tokens::Who;

/// A query or mutation.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The document; it may have several operations.
    pub document: &'static str,
    /// Which of them.
    pub operation: &'static str,
    /// Its variables.
    pub variables: Value,
    /// Whose it is: an app has another token for each owner.
    pub owner: &'a str,
    /// What it is for.
    pub class: Class,
    /// Whether less can be asked for, when this is too much at once.
    pub divisible: bool,
}

impl Client {
    /// Asks a query, which only reads.
    ///
    /// # Errors
    /// There was no answer, or it has no data at all.
    pub async fn query(&self, query: &Query<'_>) -> Result<GraphAnswer, Refused> {
        let repeat = if query.divisible { Repeat::UnlessTooHeavy } else { Repeat::Always };
        self.graphql(query, repeat).await
    }

    /// Changes something. It is sent once: what failed on the way may have happened nevertheless.
    ///
    /// # Errors
    /// There was no answer, or it says that something of the change failed.
    pub async fn mutate(&self, mutation: &Query<'_>) -> Result<GraphAnswer, Refused> {
        let answer = self.graphql(mutation, Repeat::Never).await?;
        match answer.errors.first() {
            None => Ok(answer),
            Some(error) => {
                let message = error.hidden.why.trim_start_matches(&format!("{}: ", answer.request)).to_owned();
                Err(Refused { status: Some(200), cause: error.hidden.cause, ..Refused::failed(&answer.request, message) })
            }
        }
    }

    async fn graphql(&self, query: &Query<'_>, repeat: Repeat) -> Result<GraphAnswer, Refused> {
        let named = format!("GraphQL {}", query.operation);
        let body = json!({ "query": query.document, "operationName": query.operation, "variables": query.variables });
        let ask = Ask {
            method: Method::POST,
            path: self.inner.host.graphql().to_owned(),
            body: Some(body.to_string()),
            who: Who::For(Some(query.owner)),
            class: query.class,
            budget: Budget::GraphQl,
            repeat,
        };
        let answer = self.ask(ask).await.map_err(|refused| Refused { request: named.clone(), ..refused })?;
        let mut json = answer.json().map_err(|_| Refused::failed(&named, "the answer is no JSON"))?;
        // Some servers repeat what they were sent.
        if let super::Credentials::Token(token) = &self.inner.credentials {
            for error in json.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(Value::String(text)) = error.get_mut("message") {
                    *text = token.redact(text);
                }
            }
        }
        let data = json.get_mut("data").map_or(Value::Null, Value::take);
        let errors = json.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let points = data.pointer("/rateLimit/cost").and_then(Value::as_u64).unwrap_or(0);
        self.inner.meter.count(query.class, |tally| tally.points += points);
        if let Some(error) = errors.iter().find(|error| is_too_heavy(error)) {
            // What came of it is given up: it is asked for again, in smaller portions.
            return Err(Refused { status: Some(200), ..Refused::failed(&named, format!("{TOO_HEAVY}: {}", message(error))) });
        }
        let errors: Vec<GraphError> = errors.iter().map(|error| error_of(&named, error)).collect();
        match (data.is_null(), errors.first()) {
            (false, _) => Ok(GraphAnswer { request: named, data, errors }),
            (true, Some(error)) => {
                let message = error.hidden.why.trim_start_matches(&format!("{named}: ")).to_owned();
                Err(Refused { status: Some(200), cause: error.hidden.cause, ..Refused::failed(&named, message) })
            }
            (true, None) => Err(Refused::failed(&named, "the answer has no data")),
        }
    }
}

/// An error with its place.
fn error_of(named: &str, error: &Value) -> GraphError {
    let path = error.get("path").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let path = path
        .iter()
        .filter_map(|step| match step {
            Value::String(field) => Some(Step::Field(field.clone())),
            other => other.as_u64().and_then(|index| usize::try_from(index).ok()).map(Step::Index),
        })
        .collect();
    let kind = error.get("type").and_then(Value::as_str).unwrap_or_default();
    let cause = match kind {
        "FORBIDDEN" | "INSUFFICIENT_SCOPES" | "NOT_FOUND" => Cause::NotPermitted,
        _ => Cause::Failed,
    };
    let kind = if kind.is_empty() { String::new() } else { format!("{kind}: ") };
    GraphError { path, hidden: Hidden::new(cause, format!("{named}: {kind}{}", message(error))) }
}

fn message(error: &Value) -> &str {
    error.get("message").and_then(Value::as_str).unwrap_or("the error does not say why")
}

/// GitHub stops queries that take longer than ten seconds or touch too much.
fn is_too_heavy(error: &Value) -> bool {
    let kind = error.get("type").and_then(Value::as_str).unwrap_or_default();
    matches!(kind, "RESOURCE_LIMITS_EXCEEDED" | "MAX_NODE_LIMIT_EXCEEDED")
        || (kind.is_empty() && message(error).contains("Something went wrong while executing your query"))
}
