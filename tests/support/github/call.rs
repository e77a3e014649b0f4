//! A request that was understood, and what is answered to it.

use serde_json::{Map, Value, json};

use super::openapi::Matched;

/// A request to a known operation.
#[derive(Debug)]
pub struct Call {
    pub method: String,
    /// The operation's path with names in it.
    pub template: String,
    pub matched: Matched,
    pub query: Vec<(String, String)>,
    pub body: Option<Value>,
    /// How many items a page has.
    pub per_page: usize,
}

impl Call {
    /// A name of the path, decoded.
    pub fn parameter(&self, name: &str) -> &str {
        self.matched.get(name).unwrap_or_default()
    }

    pub fn number(&self, name: &str) -> u64 {
        self.parameter(name).parse().unwrap_or_default()
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn body(&self) -> &Value {
        self.body.as_ref().unwrap_or(&Value::Null)
    }

    pub fn page(&self) -> usize {
        self.query("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1)
    }
}

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Option<Value>,
    pub headers: Vec<(&'static str, String)>,
    /// Of a list: how many there are in all pages.
    pub total: Option<usize>,
}

/// An answer either way; the error is a refusal, so that `?` can refuse.
pub type Handled = Result<Answer, Box<Answer>>;

impl Answer {
    pub fn json(body: Value) -> Self {
        Self { status: 200, body: Some(body), headers: Vec::new(), total: None }
    }

    pub fn created(body: Value) -> Self {
        Self { status: 201, ..Self::json(body) }
    }

    pub fn nothing() -> Self {
        Self { status: 204, body: None, headers: Vec::new(), total: None }
    }

    /// A refusal, in the form that all of GitHub's have.
    pub fn refusal(status: u16, message: &str) -> Self {
        let body =
            json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string() });
        Self { status, ..Self::json(body) }
    }

    /// The one page of a list that was asked for.
    pub fn list<T>(call: &Call, items: impl IntoIterator<Item = T>, render: impl FnMut(T) -> Value) -> Self {
        let (page, total) = paged(call, items, render);
        Self { total: Some(total), ..Self::json(Value::Array(page)) }
    }

    /// The same in an object that says how many there are.
    pub fn counted<T>(call: &Call, name: &str, items: impl IntoIterator<Item = T>, render: impl FnMut(T) -> Value) -> Self {
        let (page, total) = paged(call, items, render);
        let body = Map::from_iter([("total_count".to_owned(), Value::from(total)), (name.to_owned(), Value::Array(page))]);
        Self { total: Some(total), ..Self::json(Value::Object(body)) }
    }

    /// The items of a page, wherever they are.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Value>> {
        self.total?;
        match self.body.as_mut()? {
            Value::Array(items) => Some(items),
            Value::Object(map) => map.values_mut().find_map(Value::as_array_mut),
            _ => None,
        }
    }
}

fn paged<T>(call: &Call, items: impl IntoIterator<Item = T>, render: impl FnMut(T) -> Value) -> (Vec<Value>, usize) {
    let items: Vec<T> = items.into_iter().collect();
    let total = items.len();
    let page = items.into_iter().skip((call.page() - 1) * call.per_page).take(call.per_page).map(render).collect();
    (page, total)
}

/// GitHub gives 30 where nothing is asked, and never more than 100.
pub fn page_size(query: &[(String, String)]) -> usize {
    query.iter().find(|(key, _)| key == "per_page").and_then(|(_, size)| size.parse().ok()).unwrap_or(30).clamp(1, 100)
}

pub fn refuse(status: u16, message: &str) -> Box<Answer> {
    Box::new(Answer::refusal(status, message))
}

pub fn not_found() -> Box<Answer> {
    refuse(404, "Not Found")
}
