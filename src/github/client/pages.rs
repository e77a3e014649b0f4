//! Lists that come in pages, followed to their end by hand: a sequence that breaks off is never taken for a list.

use std::collections::HashSet;

use http::Method;
use serde_json::Value;

use crate::github::cost::Class;
use crate::github::readable::{Cause, Hidden, Readable};

use super::Client;
use super::exchange::{Ask, Repeat};
use super::path::Path;
use super::patience::Budget;
use super::refused::Refused;
use super::tokens::Who;

/// A list, and whether it is all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pages {
    /// The entries.
    pub items: Vec<Value>,
    /// What of it is missing.
    pub missing: Option<Hidden>,
    /// The path that answered in the end, when GitHub redirected to it.
    pub moved_to: Option<String>,
}

impl Pages {
    /// The list, unless some of it is missing.
    pub fn complete(self) -> Readable<Vec<Value>> {
        match self.missing {
            None => Readable::Known(self.items),
            Some(missing) => Readable::Hidden(missing),
        }
    }
}

impl Client {
    /// Reads a list, 100 entries a page, up to `most` entries. `key` is where an answer has its entries when it is no
    /// plain array: `repositories` of `{"total_count": 3, "repositories": [..]}`.
    ///
    /// # Errors
    /// A page had no answer, or it was no success.
    pub async fn pages(&self, path: &Path, key: Option<&str>, most: usize, class: Class) -> Result<Pages, Refused> {
        let first = path.clone().query("per_page", "100");
        let mut next = self.inner.host.rest(first.as_str());
        let mut seen = HashSet::new();
        let mut pages = Pages { items: Vec::new(), missing: None, moved_to: None };
        loop {
            let named = format!("GET {next}");
            let who = Who::For(path.owner());
            let (method, path, repeat) = (Method::GET, next.clone(), Repeat::Always);
            let answer = self.ask(Ask { method, path, body: None, who, class, budget: Budget::Rest, repeat }).await?;
            let link = answer.next_page().map(|link| self.inner.host.local(link, &next).ok_or(()));
            let total = {
                let mut json = answer.json().map_err(|_| Refused::failed(&named, "the answer is no JSON"))?;
                let list = match key {
                    Some(key) => json.get_mut(key).map(Value::take),
                    None => Some(json.take()),
                };
                let Some(Value::Array(list)) = list else {
                    return Err(Refused::failed(&named, "the answer has no list"));
                };
                pages.items.extend(list);
                json.get("total_count").and_then(Value::as_u64)
            };
            if answer.header("x-github-sso").is_some_and(|header| header.starts_with("partial-results")) {
                pages.missing = Some(
                    Hidden::new(
                        Cause::NotPermitted,
                        format!("{named}: only a part: an organization's single sign-on is missing"),
                    )
                    .needs("single sign-on"),
                );
            }
            pages.moved_to = pages.moved_to.or(answer.moved_to);
            let partial = |why: String| Some(Hidden::new(Cause::Partial, format!("{named}: {why}")));
            seen.insert(next);
            match link {
                Some(Err(())) => {
                    return Err(Refused::failed(&named, "the next page is on another host, where the token must not go"));
                }
                Some(Ok(link)) if seen.contains(&link) => {
                    return Err(Refused::failed(&named, "the next page is one that was read before"));
                }
                Some(Ok(link)) if pages.items.len() < most => next = link,
                Some(Ok(_)) => {
                    pages.missing = partial(format!("there are more than {most}"));
                    return Ok(pages);
                }
                None => {
                    let read = u64::try_from(pages.items.len()).unwrap_or(u64::MAX);
                    if let Some(total) = total.filter(|total| *total > read) {
                        pages.missing = partial(format!("the list ended after {read} of {total}"));
                    }
                    return Ok(pages);
                }
            }
        }
    }
}
