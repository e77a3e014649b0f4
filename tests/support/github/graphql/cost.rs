//! What a query costs, by GitHub's published formula: the requests needed to fill every connection to its limit, divided by 100;
//! and how many nodes it could return. Both are known before anything is looked up.
//! <https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api>

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast::Value;
use apollo_compiler::executable::{Field, Operation, Selection};
use apollo_compiler::response::{JsonMap, JsonValue};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    pub points: u64,
    pub nodes: u64,
    /// Repositories asked for at once.
    pub repositories: usize,
}

struct Count<'a> {
    document: &'a ExecutableDocument,
    variables: &'a JsonMap,
    operation: &'a Operation,
    requests: u64,
    nodes: u64,
    repositories: u64,
}

/// The cost, or the type and message of the error that GitHub gives instead.
pub fn of(document: &ExecutableDocument, operation: &Operation, variables: &JsonMap) -> Result<Cost, (&'static str, String)> {
    let mut count = Count { document, variables, operation, requests: 0, nodes: 0, repositories: 0 };
    count.walk(&operation.selection_set.selections, 1)?;
    // Rounded to the nearest whole number, and never less than one.
    let points = ((count.requests + 50) / 100).max(1);
    Ok(Cost { points, nodes: count.nodes, repositories: usize::try_from(count.repositories).unwrap_or(usize::MAX) })
}

impl Count<'_> {
    fn walk(&mut self, selections: &[Selection], parents: u64) -> Result<(), (&'static str, String)> {
        for selection in selections {
            if self.is_left_out(selection) {
                continue;
            }
            match selection {
                Selection::Field(field) => self.field(field, parents)?,
                Selection::InlineFragment(inline) => self.walk(&inline.selection_set.selections, parents)?,
                Selection::FragmentSpread(spread) => {
                    let document = self.document;
                    if let Some(fragment) = document.fragments.get(&spread.fragment_name) {
                        self.walk(&fragment.selection_set.selections, parents)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &Field, parents: u64) -> Result<(), (&'static str, String)> {
        let is_connection = field.definition.arguments.iter().any(|argument| argument.name == "first");
        let children = if is_connection {
            let limit = self.number(field, "first").or_else(|| self.number(field, "last"));
            let name = &field.name;
            let Some(limit) = limit else {
                let message = format!("You must provide a `first` or `last` value to properly paginate the `{name}` connection.");
                return Err(("MISSING_PAGINATION_BOUNDARIES", message));
            };
            if limit > 100 {
                let message =
                    format!("Requesting {limit} records on the `{name}` connection exceeds the `first` limit of 100 records.");
                return Err(("EXCESSIVE_PAGINATION", message));
            }
            if name == "repositories" {
                self.repositories += limit;
            }
            self.requests += parents;
            self.nodes += parents * limit;
            parents * limit
        } else if field.name == "nodes" && field.argument_by_name("ids").is_ok() {
            let ids = self.value(field, "ids").and_then(|value| value.as_array().map(Vec::len)).unwrap_or(1) as u64;
            if ids > 100 {
                return Err(("ARGUMENT_LIMIT", format!("You may not provide more than 100 node ids; you provided {ids}.")));
            }
            self.repositories += ids;
            parents * ids.max(1)
        } else {
            parents
        };
        self.walk(&field.selection_set.selections, children)
    }

    /// `@include(if: false)` and `@skip(if: true)`.
    fn is_left_out(&self, selection: &Selection) -> bool {
        let directives = selection.directives();
        let given = |name: &str| {
            let argument = directives.get(name)?.specified_argument_by_name("if")?;
            match argument.as_ref() {
                Value::Boolean(value) => Some(*value),
                Value::Variable(variable) => self.variables.get(variable.as_str())?.as_bool(),
                _ => None,
            }
        };
        given("include") == Some(false) || given("skip") == Some(true)
    }

    fn number(&self, field: &Field, name: &str) -> Option<u64> {
        self.value(field, name)?.as_u64()
    }

    /// An argument, or the default of the variable that it is.
    fn value(&self, field: &Field, name: &str) -> Option<JsonValue> {
        let argument = &field.arguments.iter().find(|argument| argument.name == name)?.value;
        match argument.as_ref() {
            Value::Variable(variable) => self.variables.get(variable.as_str()).cloned().or_else(|| {
                let definition = self.operation.variables.iter().find(|definition| definition.name == *variable)?;
                constant(definition.default_value.as_ref()?)
            }),
            value => constant(value),
        }
    }
}

fn constant(value: &Value) -> Option<JsonValue> {
    match value {
        Value::Int(number) => Some(JsonValue::from(serde_json::Value::from(number.try_to_i32().ok()?))),
        Value::List(items) => Some(JsonValue::Array(items.iter().filter_map(|item| constant(item)).collect())),
        Value::String(text) => Some(JsonValue::from(text.as_str())),
        _ => None,
    }
}
