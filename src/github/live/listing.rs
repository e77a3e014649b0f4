//! The index of an owner's repositories, page by page.

use serde_json::json;

use crate::github::answers::index::{self, Indexed};
use crate::github::answers::place::{Page, Place};
use crate::github::client::{Client, Query, Refused};
use crate::github::cost::Class;
use crate::github::part::Parts;
use crate::github::readable::{Cause, Hidden};

/// The queries.
pub(super) const INDEX: &str = include_str!("../graphql/index.graphql");

/// How many repositories a page has. More is answered too late: GitHub gives a query ten seconds.
pub(super) const REPOSITORIES: usize = 50;
/// How many classic rules of each repository come with the index.
pub(super) const PROTECTIONS: usize = 5;
/// How many rulesets do. They have no lists of their own here, so many are cheap.
pub(super) const RULESETS: usize = 20;
/// How many people of each list do.
pub(super) const ACTORS: usize = 10;

/// An owner's repositories, as far as they were asked for.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) owner: String,
    after: Option<String>,
    size: usize,
    ended: bool,
}

/// One page.
#[derive(Debug, Default)]
pub(super) struct IndexPage {
    pub(super) entries: Vec<Entry>,
    /// How many repositories GitHub says there are.
    pub(super) total: Option<u64>,
}

/// One repository of a page.
#[derive(Debug)]
pub(super) enum Entry {
    /// It was read.
    Read(Box<Indexed>),
    /// It was seen, and can be asked for by its name.
    Named(String, Hidden),
    /// It can be seen, but not its classic protection.
    WithoutProtections(Hidden),
    /// It is there, and nothing is known about it.
    Unseen(Hidden),
}

impl Listing {
    pub(super) fn new(owner: &str) -> Listing {
        Listing { owner: owner.to_owned(), after: None, size: REPOSITORIES, ended: false }
    }

    /// The next page; `None` after the last one.
    pub(super) async fn next(&mut self, client: &Client, parts: &Parts) -> Result<Option<IndexPage>, Refused> {
        if self.ended {
            return Ok(None);
        }
        loop {
            let first = match self.ask(client, parts, true).await {
                Ok(page) => page,
                Err(refused) if refused.is_too_heavy() && self.size > 1 => {
                    self.size /= 2;
                    continue;
                }
                Err(refused) => return Err(refused),
            };
            let page = if first.items.iter().any(|entry| matches!(entry, Entry::WithoutProtections(_))) {
                let second = self.ask(client, parts, false).await?;
                Page { items: first.items.into_iter().zip(second.items).map(replace).collect(), ..first }
            } else {
                first
            };
            if page.next.is_some() && (page.next == self.after || page.items.is_empty()) {
                let hidden = Hidden::new(Cause::Failed, "the next page is one that was read before");
                return Err(refused(format!("repositories of `{}`", self.owner), hidden));
            }
            self.ended = page.next.is_none();
            self.after = page.next;
            // What could not be answered at once may be answered again later on.
            self.size = (self.size * 2).min(REPOSITORIES);
            return Ok(Some(IndexPage { entries: page.items, total: page.total }));
        }
    }

    async fn ask(&self, client: &Client, parts: &Parts, with_protections: bool) -> Result<Page<Entry>, Refused> {
        let query = Query {
            document: INDEX,
            operation: "OwnerIndex",
            variables: json!({
                "owner": self.owner, "repositories": self.size, "after": self.after,
                "protections": PROTECTIONS, "rulesets": RULESETS, "actors": ACTORS, "withProtections": with_protections,
            }),
            owner: &self.owner,
            class: Class::Index,
            divisible: self.size > 1,
        };
        let answer = client.query(&query).await?;
        let owner = answer.root().field("repositoryOwner");
        let refuse = |hidden: Hidden| refused(format!("repositories of `{}`", self.owner), hidden);
        if owner.value().is_null() {
            let nobody = || Hidden::new(Cause::NotPermitted, "there is no such owner, or the token may not see it");
            let help = Some("look at the spelling, and whether the token is for this owner".to_owned());
            return Err(Refused { status: Some(404), help, ..refuse(owner.trouble().unwrap_or_else(nobody)) });
        }
        owner.field("repositories").page("nodes", |node| Ok(entry(node, parts))).map_err(refuse)
    }
}

/// A repository that was taken away by its protection comes from the answer that left protection out.
fn replace((first, second): (Entry, Entry)) -> Entry {
    match (first, second) {
        (Entry::WithoutProtections(hidden), Entry::Read(mut indexed)) => {
            indexed.hide_protections(hidden);
            Entry::Read(indexed)
        }
        (Entry::WithoutProtections(_), second) => second,
        (first, _) => first,
    }
}

fn refused(request: String, hidden: Hidden) -> Refused {
    Refused { request, status: None, cause: hidden.cause, message: hidden.why, permission: hidden.permission, help: None }
}

/// One repository.
fn entry(place: &Place<'_>, parts: &Parts) -> Entry {
    if let Some((PROTECTED, hidden)) = place.taken_by() {
        return Entry::WithoutProtections(hidden.needs("administration=read"));
    }
    match index::repository(place, parts) {
        Ok(indexed) => Entry::Read(Box::new(indexed)),
        Err(hidden) => match place.text("nameWithOwner") {
            Some(name) => Entry::Named(name.to_owned(), hidden),
            None => Entry::Unseen(hidden),
        },
    }
}

/// The field that takes a repository away with it, where it may not be seen.
const PROTECTED: &str = "branchProtectionRules";

/// A repository by its name; GitHub follows renames.
pub(super) async fn by_name(client: &Client, owner: &str, name: &str, parts: &Parts) -> Result<Indexed, Refused> {
    let mut without = None;
    loop {
        let query = Query {
            document: INDEX,
            operation: "RepositoryByName",
            variables: json!({
                "owner": owner, "name": name, "protections": PROTECTIONS, "rulesets": RULESETS, "actors": ACTORS,
                "withProtections": without.is_none(),
            }),
            owner,
            class: Class::Index,
            divisible: false,
        };
        let answer = client.query(&query).await?;
        let place = answer.root().field("repository");
        match (entry(&place, parts), without) {
            (Entry::Read(mut indexed), without) => {
                if let Some(hidden) = without {
                    indexed.hide_protections(hidden);
                }
                return Ok(*indexed);
            }
            (Entry::WithoutProtections(hidden), None) => without = Some(hidden),
            (Entry::WithoutProtections(hidden) | Entry::Named(_, hidden) | Entry::Unseen(hidden), _) => {
                return Err(refused(format!("repository `{owner}/{name}`"), hidden));
            }
        }
    }
}
