//! Holds a GraphQL answer to the schema, knowing nothing of how it was made: every field that was asked for is there and of its type,
//! and nothing else is.

use apollo_compiler::ast::Type;
use apollo_compiler::executable::{Operation, Selection};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Map, Value};

struct Judge<'a> {
    schema: &'a Valid<Schema>,
    document: &'a ExecutableDocument,
    found: Vec<String>,
}

/// A field that an object may have: whether it must, its type, and what was asked of it. The same field may be asked for in several
/// fragments.
struct Expected<'a> {
    key: &'a str,
    must: bool,
    ty: &'a Type,
    selections: Vec<&'a Selection>,
}

/// What in an answer the schema does not allow.
pub fn judge(schema: &Valid<Schema>, document: &ExecutableDocument, operation: &Operation, answer: &Value) -> Vec<String> {
    let mut judge = Judge { schema, document, found: Vec::new() };
    if let Some(data) = answer.get("data").and_then(Value::as_object) {
        let selections: Vec<&Selection> = operation.selection_set.selections.iter().collect();
        judge.object(operation.object_type().as_str(), &selections, data, "data");
    }
    judge.found
}

impl<'a> Judge<'a> {
    fn object(&mut self, declared: &str, selections: &[&'a Selection], object: &Map<String, Value>, at: &str) {
        let named = object.get("__typename").and_then(Value::as_str).unwrap_or(declared);
        if named != declared && !self.is_a(named, declared) {
            self.found.push(format!("{at} is of type {named}, which is no {declared}"));
        }
        let mut expected = Vec::new();
        self.expect(named, selections, true, &mut expected);
        for field in &expected {
            match object.get(field.key) {
                Some(value) => self.value(field.ty, &field.selections, value, &format!("{at}.{}", field.key)),
                None if field.must => self.found.push(format!("{at}.{} is missing", field.key)),
                None => {}
            }
        }
        for key in object.keys().filter(|key| !expected.iter().any(|field| field.key == **key)) {
            self.found.push(format!("{at}.{key} was not asked for"));
        }
    }

    /// Collects what an object of a type has to show. Of an interface that does not say its name, a fragment's fields are optional.
    fn expect(&self, kind: &str, selections: &[&'a Selection], must: bool, expected: &mut Vec<Expected<'a>>) {
        for selection in selections {
            let must = must && selection.directives().is_empty();
            match selection {
                Selection::Field(field) => {
                    let inner = field.selection_set.selections.iter();
                    match expected.iter_mut().find(|known| known.key == field.response_key().as_str()) {
                        Some(known) => {
                            known.selections.extend(inner);
                            known.must |= must;
                        }
                        None => expected.push(Expected {
                            key: field.response_key(),
                            must,
                            ty: &field.definition.ty,
                            selections: inner.collect(),
                        }),
                    }
                }
                Selection::InlineFragment(inline) => {
                    let inner: Vec<&Selection> = inline.selection_set.selections.iter().collect();
                    match inline.type_condition.as_ref() {
                        Some(condition) => self.fragment(kind, condition, &inner, must, expected),
                        None => self.expect(kind, &inner, must, expected),
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else { continue };
                    let inner: Vec<&Selection> = fragment.selection_set.selections.iter().collect();
                    self.fragment(kind, fragment.type_condition(), &inner, must, expected);
                }
            }
        }
    }

    fn fragment(&self, kind: &str, condition: &str, selections: &[&'a Selection], must: bool, expected: &mut Vec<Expected<'a>>) {
        let applies = kind == condition || self.is_a(kind, condition);
        let may_apply = self.is_a(condition, kind) || !matches!(self.schema.types.get(kind), Some(ExtendedType::Object(_)));
        if applies || may_apply {
            self.expect(kind, selections, must && applies, expected);
        }
    }

    fn is_a(&self, kind: &str, parent: &str) -> bool {
        self.schema.is_subtype(parent, kind)
    }

    fn value(&mut self, ty: &Type, selections: &[&'a Selection], value: &Value, at: &str) {
        if value.is_null() {
            if ty.is_non_null() {
                self.found.push(format!("{at} is null and must not be"));
            }
            return;
        }
        if ty.is_list() {
            match value.as_array() {
                Some(items) => items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| self.value(ty.item_type(), selections, item, &format!("{at}.{index}"))),
                None => self.found.push(format!("{at} is no list")),
            }
            return;
        }
        let name = ty.inner_named_type();
        let fits = match self.schema.types.get(name) {
            Some(ExtendedType::Enum(defined)) => value.as_str().is_some_and(|value| defined.values.contains_key(value)),
            Some(ExtendedType::Scalar(_)) => match name.as_str() {
                "Int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
                "Float" => value.is_number(),
                "Boolean" => value.is_boolean(),
                _ => value.is_string(),
            },
            _ => match value.as_object() {
                Some(object) => {
                    self.object(name, selections, object, at);
                    true
                }
                None => false,
            },
        };
        if !fits {
            let shown: String = value.to_string().chars().take(80).collect();
            self.found.push(format!("{at} is {shown}, which is no {name}"));
        }
    }
}
