//! The further pages of what did not fit into the index or the details.

use serde_json::{Value, json};

use crate::github::answers::index::Indexed;
use crate::github::answers::place::{Page, Place};
use crate::github::answers::protections::{self, ReadProtection};
use crate::github::answers::{details, index};
use crate::github::client::Query;
use crate::github::cost::Class;
use crate::github::protection::Protection;
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::Repository;
use crate::github::ruleset::Ruleset;

use super::Reader;
use super::details::DETAILS;
use super::listing::{ACTORS, INDEX};

/// How many names of branches, of tags and of people are read of a repository.
const NAMES: usize = 2_000;
/// How many further pages anything else may have.
const PAGES: usize = 50;

impl Reader {
    /// All classic protection of a repository.
    pub(super) async fn protections(&self, indexed: &mut Indexed, one_by_one: bool) -> Readable<Vec<Protection>> {
        let page = std::mem::replace(&mut indexed.protections, Err(Hidden::new(Cause::Failed, "taken")));
        let mut page = match page {
            Ok(page) => page,
            Err(_) if indexed.shows_none => {
                return Box::pin(self.whether_there_is_none(&indexed.repository, one_by_one)).await.map(|()| Vec::new());
            }
            Err(hidden) => return Readable::Hidden(hidden),
        };
        let (owner, id) = (&indexed.repository.owner, &indexed.repository.node_id);
        let mut pages = 0;
        while let Some(after) = page.next.take() {
            let variables = json!({ "id": id, "after": after, "protections": 20, "actors": ACTORS });
            let read = |place: &Place<'_>| protections::protections(&place.field("branchProtectionRules"));
            match self.further(INDEX, "MoreProtections", owner, variables, read).await {
                Ok(next) => page.then(next),
                Err(hidden) => return Readable::Hidden(hidden),
            }
            pages += 1;
            if pages == PAGES {
                break;
            }
        }
        let protections = match page.complete("classic rules") {
            Readable::Known(protections) => protections,
            Readable::Hidden(hidden) => return Readable::Hidden(hidden),
        };
        let whole = protections.into_iter().map(|read| self.allowances(owner, read));
        Readable::Known(futures_util::future::join_all(whole).await)
    }

    /// A protection with all the people it names.
    async fn allowances(&self, owner: &str, read: ReadProtection) -> Protection {
        let ReadProtection { mut protection, more } = read;
        for (list, mut page) in more {
            let variable = match list {
                "pushAllowances" => "pushAfter",
                "bypassPullRequestAllowances" => "bypassPullRequestAfter",
                "bypassForcePushAllowances" => "bypassForcePushAfter",
                _ => "reviewDismissalAfter",
            };
            let mut failed = None;
            let mut pages = 0;
            while let Some(after) = page.next.take().filter(|_| pages < PAGES) {
                let variables = json!({ "id": protection.id, "actors": 100, variable: after });
                let read = |place: &Place<'_>| protections::allowances(&place.field(list));
                match self.further(INDEX, "MoreAllowances", owner, variables, read).await {
                    Ok(next) => page.then(next),
                    Err(hidden) => failed = Some(hidden),
                }
                pages += 1;
            }
            *protections::list_of(&mut protection, list) = match failed {
                Some(hidden) => Readable::Hidden(hidden),
                None => page.complete("of those who are named"),
            };
        }
        protection
    }

    /// All rulesets that are for a repository: everything but what they say.
    pub(super) async fn ruleset_entries(&self, indexed: &mut Indexed) -> Result<Vec<Ruleset>, Hidden> {
        let mut page = std::mem::replace(&mut indexed.rulesets, Err(Hidden::new(Cause::Failed, "taken")))?;
        let (owner, id) = (&indexed.repository.owner, &indexed.repository.node_id);
        let mut pages = 0;
        while let Some(after) = page.next.take() {
            let variables = json!({ "id": id, "after": after, "rulesets": 100 });
            let read = |place: &Place<'_>| index::rulesets(&place.field("rulesets"));
            page.then(self.further(INDEX, "MoreRulesets", owner, variables, read).await?);
            pages += 1;
            if pages == PAGES {
                break;
            }
        }
        page.complete("rulesets").read().cloned().map_err(Hidden::clone)
    }

    /// What goes on after the details.
    pub(super) async fn more_details(&self, repository: &mut Repository, more: Vec<details::More>) {
        let (owner, id) = (repository.owner.clone(), repository.node_id.clone());
        for more in more {
            match more {
                details::More::Branches(page) => {
                    repository.branches = self.refs(&owner, &id, "refs/heads/", page).await;
                }
                details::More::Tags(page) => repository.tags = self.refs(&owner, &id, "refs/tags/", page).await,
                details::More::Collaborators(page) => {
                    let read = |place: &Place<'_>| details::collaborators(&place.field("collaborators"));
                    let variables = |after: &str| json!({ "id": id, "after": after });
                    let all = self.names("MoreCollaborators", &owner, page, variables, read).await;
                    repository.collaborators = all.map_or_else(Readable::Hidden, |page| page.complete("people"));
                }
            }
        }
    }

    async fn refs(&self, owner: &str, id: &str, prefix: &str, page: Page<String>) -> Readable<Vec<String>> {
        let read = |place: &Place<'_>| details::refs(&place.field("refs"));
        let variables = |after: &str| json!({ "id": id, "prefix": prefix, "after": after });
        let all = self.names("MoreRefs", owner, page, variables, read).await;
        all.map_or_else(Readable::Hidden, |page| page.complete("refs"))
    }

    /// A list of the details, up to [`NAMES`].
    async fn names<T>(
        &self,
        operation: &'static str,
        owner: &str,
        mut page: Page<T>,
        variables: impl Fn(&str) -> Value,
        read: impl Fn(&Place<'_>) -> Result<Page<T>, Hidden>,
    ) -> Result<Page<T>, Hidden> {
        while page.items.len() < NAMES {
            let Some(after) = page.next.take() else { break };
            let before = page.items.len();
            page.then(self.further(DETAILS, operation, owner, variables(&after), &read).await?);
            // A page without names that is not the last one would be followed for ever.
            if page.items.len() == before {
                break;
            }
        }
        Ok(page)
    }

    /// One further page.
    async fn further<T>(
        &self,
        document: &'static str,
        operation: &'static str,
        owner: &str,
        variables: Value,
        read: impl Fn(&Place<'_>) -> Result<T, Hidden>,
    ) -> Result<T, Hidden> {
        let query = Query { document, operation, variables, owner, class: Class::FurtherPage, divisible: false };
        let answer = self.client.query(&query).await?;
        read(&answer.root().field("node"))
    }
}
