//! A place in a GraphQL answer: what is there, and the errors that are about it.

use serde_json::Value;

use crate::github::readable::{Cause, Hidden, Readable};

/// A GraphQL answer: what came, and what did not.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphAnswer {
    /// What was asked, for people: `GraphQL OwnerIndex`.
    pub request: String,
    /// What came.
    pub data: Value,
    /// What did not.
    pub errors: Vec<GraphError>,
}

/// Why a part of an answer is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphError {
    /// Where, from the root of the data; empty when GitHub does not say.
    pub path: Vec<Step>,
    /// Why.
    pub hidden: Hidden,
}

/// A step of a path into an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A field.
    Field(String),
    /// An entry of a list.
    Index(usize),
}

/// A place in an answer.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    request: &'a str,
    value: &'a Value,
    errors: Vec<(&'a [Step], &'a Hidden)>,
}

impl GraphAnswer {
    /// The whole answer.
    pub fn root(&self) -> Place<'_> {
        let errors = self.errors.iter().map(|error| (error.path.as_slice(), &error.hidden)).collect();
        Place { request: &self.request, value: &self.data, errors }
    }
}

impl<'a> Place<'a> {
    /// A field of what is here. An error without a path could be about any place, and is about each.
    pub fn field(&self, name: &str) -> Place<'a> {
        self.step(self.value.get(name), |step| matches!(step, Step::Field(field) if field == name))
    }

    /// An entry of the list that is here.
    pub fn entry(&self, index: usize) -> Place<'a> {
        self.step(self.value.get(index), |step| *step == Step::Index(index))
    }

    /// Every entry of the list that is here.
    pub fn entries(&self) -> impl Iterator<Item = Place<'a>> + '_ {
        (0..self.value.as_array().map_or(0, Vec::len)).map(|index| self.entry(index))
    }

    /// What is here; null where nothing is.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// The first error about what is here, or about anything in it.
    pub fn trouble(&self) -> Option<Hidden> {
        self.errors.first().map(|(_, hidden)| (*hidden).clone())
    }

    /// The first error about what is here that is about none of these fields.
    pub fn trouble_outside(&self, fields: &[&str]) -> Option<Hidden> {
        let elsewhere = |path: &[Step]| !matches!(path.first(), Some(Step::Field(field)) if fields.contains(&field.as_str()));
        self.errors.iter().find(|(path, _)| elsewhere(path)).map(|(_, hidden)| (*hidden).clone())
    }

    /// The field whose error took all of this away: what can't be null takes what it is in with it.
    /// <https://spec.graphql.org/October2021/#sec-Handling-Field-Errors>
    pub fn taken_by(&self) -> Option<(&'a str, Hidden)> {
        if !self.value.is_null() {
            return None;
        }
        self.errors.iter().find_map(|(path, hidden)| match path.first() {
            Some(Step::Field(field)) => Some((field.as_str(), (*hidden).clone())),
            _ => None,
        })
    }

    /// What is here, if it is something and nothing is wrong with it.
    ///
    /// # Errors
    /// There is an error about it, or it is null although it was asked for.
    pub fn whole(&self) -> Result<&'a Value, Hidden> {
        match self.trouble() {
            Some(hidden) => Err(hidden),
            None if self.value.is_null() => Err(self.absent()),
            None => Ok(self.value),
        }
    }

    /// Why there is nothing here.
    pub fn absent(&self) -> Hidden {
        self.trouble().unwrap_or_else(|| {
            Hidden::new(Cause::NotPermitted, format!("{}: the answer is null, as for what the token may not see", self.request))
        })
    }

    /// A reason that names the request.
    pub fn hidden(&self, cause: Cause, why: &str) -> Hidden {
        Hidden::new(cause, format!("{}: {why}", self.request))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name).and_then(Value::as_str)
    }

    /// A truth; false where there is none.
    pub fn truth(&self, name: &str) -> bool {
        self.value.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.value.get(name).and_then(Value::as_u64)
    }

    fn step(&self, value: Option<&'a Value>, is_it: impl Fn(&Step) -> bool) -> Place<'a> {
        let errors = self.errors.iter().filter_map(|(path, hidden)| match path.split_first() {
            None => Some((*path, *hidden)),
            Some((step, rest)) => is_it(step).then_some((rest, *hidden)),
        });
        Place { request: self.request, value: value.unwrap_or(&Value::Null), errors: errors.collect() }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// Its entries.
    pub items: Vec<T>,
    /// Where the next one begins.
    pub next: Option<String>,
    /// How many entries all pages have together.
    pub total: Option<u64>,
}

impl<'a> Place<'a> {
    /// One page of a connection. `read` takes an entry of `nodes`.
    ///
    /// # Errors
    /// There is no connection, or an error about it that is about none of its entries.
    pub fn page<T>(&self, list: &str, mut read: impl FnMut(&Place<'a>) -> Result<T, Hidden>) -> Result<Page<T>, Hidden> {
        if self.value.is_null() {
            return Err(self.absent());
        }
        if let Some(hidden) = self.trouble_outside(&[list]) {
            return Err(hidden);
        }
        let nodes = self.field(list);
        if !nodes.value.is_array() {
            return Err(nodes.absent());
        }
        let items = nodes.entries().map(|node| read(&node)).collect::<Result<Vec<_>, _>>()?;
        let info = self.field("pageInfo");
        let next = if info.truth("hasNextPage") {
            let cursor = info.text("endCursor").map(str::to_owned);
            Some(cursor.ok_or_else(|| self.hidden(Cause::Partial, "there are further pages, and no way to them"))?)
        } else {
            None
        };
        Ok(Page { items, next, total: self.number("totalCount") })
    }
}

impl<T> Page<T> {
    /// The list, unless it is only a part: there are further pages, or fewer entries came than were announced.
    pub fn complete(self, what: &str) -> Readable<Vec<T>> {
        let read = u64::try_from(self.items.len()).unwrap_or(u64::MAX);
        match (self.next, self.total) {
            (None, None) => Readable::Known(self.items),
            (None, Some(total)) if total <= read => Readable::Known(self.items),
            (_, total) => {
                let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
                Readable::hidden(Cause::Partial, format!("only {read}{of} {what} were read"))
            }
        }
    }

    /// Puts the next page behind it.
    pub fn then(&mut self, next: Page<T>) {
        self.items.extend(next.items);
        self.next = next.next;
        self.total = next.total.or(self.total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(path: Vec<Step>) -> GraphAnswer {
        GraphAnswer {
            request: "GraphQL Q".into(),
            data: json!({"nodes": [{"a": 1, "b": null}, null]}),
            errors: vec![GraphError { path, hidden: Hidden::new(Cause::Failed, "no") }],
        }
    }

    #[test]
    fn errors_are_about_their_place_only() {
        let answer = answer(vec![Step::Field("nodes".into()), Step::Index(0), Step::Field("b".into()), Step::Index(3)]);
        let nodes = answer.root().field("nodes");
        assert!(nodes.trouble().is_some());
        assert!(nodes.entry(1).trouble().is_none());
        assert!(nodes.entry(0).field("a").whole().is_ok());
        assert_eq!(nodes.entry(0).field("b").whole().unwrap_err().why, "no");
        assert!(nodes.entry(0).trouble_outside(&["b"]).is_none());
        assert!(nodes.entry(0).trouble_outside(&["a"]).is_some());
        assert_eq!(nodes.entry(1).whole().unwrap_err().cause, Cause::NotPermitted);
    }

    #[test]
    fn an_error_without_a_place_is_about_every_place() {
        let answer = answer(Vec::new());
        assert!(answer.root().field("nodes").entry(0).field("a").whole().is_err());
    }

    #[test]
    fn a_page_is_a_part_until_it_is_not() {
        let page = |next: Option<&str>, total| Page { items: vec![1], next: next.map(str::to_owned), total };
        assert_eq!(page(None, Some(1)).complete("x"), Readable::Known(vec![1]));
        assert_eq!(page(None, None).complete("x"), Readable::Known(vec![1]));
        for part in [page(Some("c"), Some(1)), page(None, Some(2)), page(Some("c"), None)] {
            assert_eq!(part.complete("x").read().unwrap_err().cause, Cause::Partial);
        }
    }
}
