//! GraphQL objects as closures, connections, and the errors that GitHub gives.

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};
use serde_json::Value;

use super::View;

/// Between an error's type and its message: the executor carries only a message.
pub const SEPARATOR: char = '\u{1f}';
/// The type of an error that nobody meant.
pub const FAILED: &str = "BED";

pub type Resolved<'a> = Result<ResolvedValue<'a>, FieldError>;

/// Gives a field's value, by its name and arguments.
type Resolver<'a> = dyn Fn(&str, &JsonMap) -> Resolved<'a> + 'a;

/// An object of a type, whose fields a closure resolves.
pub struct Object<'a> {
    kind: &'static str,
    view: &'a View<'a>,
    resolve: Box<Resolver<'a>>,
}

impl<'a> Object<'a> {
    pub fn new(view: &'a View<'a>, kind: &'static str, resolve: impl Fn(&str, &JsonMap) -> Resolved<'a> + 'a) -> Self {
        Self { kind, view, resolve: Box::new(resolve) }
    }

    pub fn value(self) -> Resolved<'a> {
        Ok(ResolvedValue::object(self))
    }
}

impl ObjectValue for Object<'_> {
    fn type_name(&self) -> &str {
        self.kind
    }

    fn resolve_field<'b>(&'b self, info: &'b ResolveInfo<'b>) -> Result<ResolvedValue<'b>, FieldError> {
        if let Some(message) = self.view.fails(self.kind, info.field_name()) {
            return Err(FieldError { message });
        }
        (self.resolve)(info.field_name(), info.arguments()).map(shorter)
    }
}

/// The same value, for less long: the compiler does not see by itself that it may (a list is an iterator, and invariant).
fn shorter<'a: 'b, 'b>(value: ResolvedValue<'a>) -> ResolvedValue<'b> {
    match value {
        ResolvedValue::Leaf(leaf) => ResolvedValue::Leaf(leaf),
        ResolvedValue::Object(object) => ResolvedValue::Object(object),
        ResolvedValue::List(items) => ResolvedValue::List(Box::new(items.map(|item| item.map(shorter)))),
        ResolvedValue::SkipForPartialExecution => ResolvedValue::SkipForPartialExecution,
    }
}

/// A scalar, or a list of them.
pub fn leaf<'a>(value: impl Into<Value>) -> Resolved<'a> {
    Ok(match value.into() {
        Value::Array(items) => ResolvedValue::list(items.into_iter().map(|item| ResolvedValue::Leaf(JsonValue::from(item)))),
        scalar => ResolvedValue::Leaf(JsonValue::from(scalar)),
    })
}

pub fn null<'a>() -> Resolved<'a> {
    Ok(ResolvedValue::null())
}

pub fn maybe<'a>(object: Option<Object<'a>>) -> Resolved<'a> {
    Ok(ResolvedValue::nullable_object(object))
}

pub fn list<'a, T: 'a>(items: impl IntoIterator<Item = T, IntoIter: 'a>, render: impl Fn(T) -> Object<'a> + 'a) -> Resolved<'a> {
    Ok(ResolvedValue::list(items.into_iter().map(move |item| ResolvedValue::object(render(item)))))
}

pub fn unknown<'a>(kind: &str, field: &str) -> Resolved<'a> {
    Err(FieldError { message: format!("the bed does not know {kind}.{field}") })
}

pub fn error(kind: &str, message: &str) -> FieldError {
    FieldError { message: format!("{kind}{SEPARATOR}{message}") }
}

pub fn forbidden<'a>(view: &View<'_>) -> Resolved<'a> {
    Err(error("FORBIDDEN", view.viewer.refusal()))
}

pub fn argument<'a>(arguments: &'a JsonMap, name: &str) -> Option<&'a str> {
    arguments.get(name)?.as_str()
}

/// One page of a list. `node` makes a node, and `edge` adds to the edge what the node has not.
pub struct Connection<'a, T> {
    pub view: &'a View<'a>,
    pub kind: &'static str,
    pub items: Vec<T>,
}

impl<'a, T: Copy + 'a> Connection<'a, T> {
    pub fn page(self, arguments: &JsonMap, node: impl Fn(T) -> Object<'a> + Copy + 'a) -> Resolved<'a> {
        self.page_with_edges(arguments, node, node)
    }

    pub fn page_with_edges(
        self,
        arguments: &JsonMap,
        node: impl Fn(T) -> Object<'a> + Copy + 'a,
        edge: impl Fn(T) -> Object<'a> + Copy + 'a,
    ) -> Resolved<'a> {
        let Self { view, kind, items } = self;
        let total = items.len();
        let number = |name: &str| arguments.get(name).and_then(JsonValue::as_u64).and_then(|number| usize::try_from(number).ok());
        let after = argument(arguments, "after").map_or(0, position).min(total);
        let (from, to) = match (number("first"), number("last")) {
            (Some(first), _) => (after, (after + first).min(total)),
            (None, Some(last)) => (total.saturating_sub(last), total),
            (None, None) => (after, total),
        };
        let shown: Vec<T> = items.get(from..to).unwrap_or_default().to_vec();
        Object::new(view, kind, move |field, _| match field {
            "totalCount" => leaf(total),
            "nodes" => list(shown.clone(), node),
            "edges" => list(shown.clone(), edge),
            "pageInfo" => Object::new(view, "PageInfo", move |field, _| match field {
                "hasNextPage" => leaf(to < total),
                "endCursor" if to > from => leaf(format!("cursor:v2:{to}")),
                "endCursor" => null(),
                _ => unknown("PageInfo", field),
            })
            .value(),
            _ => unknown(kind, field),
        })
        .value()
    }
}

/// Where a cursor points: how many items are before it.
fn position(cursor: &str) -> usize {
    cursor.rsplit(':').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
