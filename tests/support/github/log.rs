//! What was asked and answered, for tests to look at and for an outside validator to read.

use std::time::Duration;

use serde_json::{Value, json};

/// Which of GitHub's limits a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Rest,
    Graphql,
}

/// One request with its answer.
#[derive(Debug, Clone)]
pub struct Entry {
    pub method: String,
    /// Without `/api/v3`, with the query.
    pub path: String,
    /// The operation of the description, if there is one: `/repos/{owner}/{repo}`.
    pub template: Option<String>,
    pub class: Class,
    pub status: u16,
    /// How long the answer took.
    pub latency: Duration,
    /// How many requests were under way with this one.
    pub in_flight: usize,
    /// `If-None-Match` was sent.
    pub conditional: bool,
    /// Points that GraphQL took.
    pub cost: Option<u64>,
    /// What was struck by a planned fault.
    pub fault: Option<String>,
    pub user_agent: Option<String>,
    pub request_body: Option<Value>,
    pub response_headers: Vec<(String, String)>,
    pub response_body: Option<Value>,
}

impl Entry {
    /// One line of a recording. No token is in it.
    pub fn to_json(&self) -> Value {
        json!({
            "method": self.method,
            "path": self.path,
            "template": self.template,
            "status": self.status,
            "latency_us": u64::try_from(self.latency.as_micros()).unwrap_or(u64::MAX),
            "in_flight": self.in_flight,
            "conditional": self.conditional,
            "fault": self.fault,
            "request_body": self.request_body,
            "response_headers": self.response_headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect::<serde_json::Map<_, _>>(),
            "response_body": self.response_body,
        })
    }
}
