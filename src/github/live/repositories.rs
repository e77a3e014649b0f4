//! Repositories, one after the other: listed, chosen, completed and handed on, so that few are in memory at a time.

use std::collections::HashSet;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};

use crate::github::answers::index::Indexed;
use crate::github::client::Refused;
use crate::github::inventory::{Inventory, Moved};
use crate::github::part::{Part, Parts};
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::Repository;
use crate::github::selection::Selection;

use super::details::BATCH;
use super::listing::{Entry, IndexPage, Listing, by_name};
use super::without_graphql::{PATTERNS, listed};
use super::{Reader, is_graphql_refused};

/// How many pages are worked on while the next one is on its way.
const PAGES: usize = 4;
/// From how many names on it is cheaper to list their owner.
const NAMES: usize = 25;

/// What a page came to.
#[derive(Debug, Default)]
struct Done {
    repositories: Vec<Repository>,
    inventory: Inventory,
    /// How many repositories the owner has altogether, where this tells.
    total: Option<Readable<u64>>,
    /// Whether this was a look at all of the owner, whatever was seen before.
    begins_anew: bool,
}

impl Reader {
    /// Reads the selected repositories and hands each on as soon as it is complete.
    ///
    /// What can't be read is in the inventory: nothing is left out silently.
    pub async fn repositories(&self, selection: &Selection, parts: &Parts, mut each: impl FnMut(Repository)) -> Inventory {
        let parts = if selection.needs_properties() { parts.clone().and(Part::Properties) } else { parts.clone() };
        let mut inventory = Inventory::default();
        let mut handed_on = HashSet::new();
        let mut hand_on = |done: Done| {
            let Done { repositories, inventory: mut part, .. } = done;
            for repository in repositories {
                // One that was listed and named by an older name comes twice.
                if handed_on.insert(repository.id) {
                    part.selected += 1;
                    each(repository);
                }
            }
            part
        };
        let listed_owners = selection.listed_owners();
        for owner in selection.all_owners() {
            if let Some(given) = self.client.repository_selection(owner).await {
                inventory.token_selection = Some(given);
            }
            let mut missing: Vec<&str> = selection
                .named()
                .iter()
                .filter(|(other, _)| other.eq_ignore_ascii_case(owner))
                .map(|(_, name)| name.as_str())
                .collect();
            if listed_owners.contains(owner) || missing.len() > NAMES {
                let pages = self.pages_of(owner, &parts);
                let (mut seen, mut total) = (0, Readable::Known(0));
                let mut done = std::pin::pin!(pages.map(|page| self.page(page, owner, selection, &parts)).buffered(PAGES));
                while let Some(mut done) = done.next().await {
                    missing.retain(|name| !done.repositories.iter().any(|repository| repository.name.eq_ignore_ascii_case(name)));
                    if done.begins_anew {
                        seen = 0;
                    }
                    seen += std::mem::take(&mut done.inventory.listed);
                    total = done.total.take().unwrap_or(total);
                    inventory.add(hand_on(done));
                }
                inventory.add(Inventory { listed: seen, is_list: true, total, ..Inventory::default() });
            }
            let chunks = missing.chunks(BATCH).map(|names| self.named(owner, names, selection, &parts));
            let mut done = std::pin::pin!(stream::iter(chunks).buffered(PAGES));
            while let Some(done) = done.next().await {
                inventory.add(hand_on(done));
            }
        }
        inventory
    }

    /// The pages of an owner. After a failure there are no further ones.
    fn pages_of<'a>(&'a self, owner: &'a str, parts: &'a Parts) -> impl stream::Stream<Item = Result<IndexPage, Refused>> + 'a {
        stream::unfold(Some(Listing::new(owner)), move |listing| async move {
            let mut listing = listing?;
            match listing.next(&self.client, parts).await {
                Ok(page) => page.map(|page| (Ok(page), Some(listing))),
                Err(refused) => Some((Err(refused), None)),
            }
        })
    }

    /// Completes the selected repositories of a page.
    async fn page(&self, page: Result<IndexPage, Refused>, owner: &str, selection: &Selection, parts: &Parts) -> Done {
        let page = match page {
            Ok(page) => page,
            Err(refused) => return self.without_graphql(owner, refused, selection, parts).await,
        };
        let mut done = Done::default();
        done.inventory.listed = u64::try_from(page.entries.len()).unwrap_or(u64::MAX);
        done.total = page.total.map(Readable::Known);
        let mut chosen = Vec::new();
        for entry in page.entries {
            match entry {
                Entry::Read(indexed) => {
                    let repository = &indexed.repository;
                    if selection.names(&repository.owner, &repository.name) && self.admits(selection, repository).await {
                        chosen.push(*indexed);
                    }
                }
                Entry::Named(full_name, hidden) => {
                    let (owner, name) = full_name.split_once('/').unwrap_or((owner, &full_name));
                    if selection.names(owner, name) {
                        tracing::debug!(full_name, why = hidden.why, "asked for again by its name");
                        self.by_its_name(owner, name, parts, &mut chosen, &mut done).await;
                    }
                }
                Entry::WithoutProtections(hidden) | Entry::Unseen(hidden) => {
                    done.inventory.unread(format!("a repository of {owner}"), hidden)
                }
            }
        }
        Box::pin(self.complete(chosen, parts, &mut done)).await;
        done
    }

    /// Reads repositories that are named one by one.
    async fn named(&self, owner: &str, names: &[&str], selection: &Selection, parts: &Parts) -> Done {
        let mut done = Done::default();
        let found = join_all(names.iter().map(|name| async {
            let (mut chosen, mut done) = (Vec::new(), Done::default());
            self.by_its_name(owner, name, parts, &mut chosen, &mut done).await;
            (chosen, done)
        }));
        let mut chosen = Vec::new();
        for (some, part) in found.await {
            let count = u64::try_from(some.len() + part.repositories.len()).unwrap_or(u64::MAX);
            done.inventory.listed += count;
            done.inventory.add(Inventory { total: Readable::Known(1), ..part.inventory });
            done.repositories.extend(part.repositories);
            for indexed in some {
                if self.admits(selection, &indexed.repository).await {
                    chosen.push(indexed);
                }
            }
        }
        Box::pin(self.complete(chosen, parts, &mut done)).await;
        done
    }

    /// Finds one repository, by GraphQL or else by REST, or notes why it was not found. One that is another owner's by now is not
    /// handed on: whoever asked has read this owner's people, teams and apps, and none of those.
    async fn by_its_name(&self, owner: &str, name: &str, parts: &Parts, chosen: &mut Vec<Indexed>, done: &mut Done) {
        let asked = format!("{owner}/{name}");
        let is_still_its = |repository: &Repository, done: &mut Done| {
            let to = repository.full_name();
            let is_its = repository.owner.eq_ignore_ascii_case(owner);
            if !is_its {
                done.inventory.unread(asked.clone(), Hidden::new(Cause::NotAsked, format!("it is now `{to}`; ask for that")));
            }
            if !to.eq_ignore_ascii_case(&asked) {
                done.inventory.moved.push(Moved { from: asked.clone(), to });
            }
            is_its
        };
        match by_name(&self.client, owner, name, parts).await {
            Ok(indexed) => {
                if is_still_its(&indexed.repository, done) {
                    chosen.push(indexed);
                }
            }
            Err(refused) => {
                let found = self.find_by_rest(owner, name).await.map_err(Hidden::from).and_then(|json| listed(&json));
                match found {
                    Ok(mut repository) if is_still_its(&repository, done) => {
                        Box::pin(self.complete_by_rest(&mut repository, parts, &Hidden::from(&refused))).await;
                        Box::pin(self.own_parts(&mut repository, parts)).await;
                        done.inventory.unread(repository.full_name(), Hidden::new(Cause::Partial, PATTERNS));
                        done.repositories.push(repository);
                    }
                    Ok(_) => {}
                    Err(hidden) => done.inventory.unread(asked.clone(), hidden),
                }
            }
        }
    }

    /// Whether the filters let it pass. Only custom properties take a request to know.
    async fn admits(&self, selection: &Selection, repository: &Repository) -> bool {
        if !selection.needs_properties() {
            return selection.admits(repository);
        }
        let mut repository = repository.clone();
        let all = self.property_values(&repository.owner).await;
        repository.properties = all.map(|all| all.get(&repository.id).cloned().unwrap_or_default());
        selection.admits(&repository)
    }

    /// Reads whatever the index does not have, batch by batch.
    async fn complete(&self, mut chosen: Vec<Indexed>, parts: &Parts, done: &mut Done) {
        let unread = join_all(chosen.chunks_mut(BATCH).map(|batch| async {
            self.details(batch, parts).await;
            // Boxed, as what follows: they are many requests at once, and would lie in every frame above them.
            join_all(batch.iter_mut().map(|indexed| Box::pin(self.rest_of(indexed, parts)))).await
        }))
        .await;
        for (name, hidden) in unread.into_iter().flatten().flatten() {
            done.inventory.unread(name, hidden);
        }
        done.repositories.extend(chosen.into_iter().map(|indexed| indexed.repository));
    }

    /// Protection, rulesets, and the parts that have requests of their own. Answers with what must be known of a repository and
    /// could not be read.
    async fn rest_of(&self, indexed: &mut Indexed, parts: &Parts) -> Option<(String, Hidden)> {
        let mut unread = None;
        indexed.repository.protections = self.protections(indexed, parts.has(Part::Pins)).await;
        if parts.has(Part::Pins) {
            self.confirm_pins(&mut indexed.repository, None).await;
        }
        if parts.has(Part::MergeQueues) {
            self.learn_merge_queues(&mut indexed.repository).await;
        }
        if parts.has(Part::Rulesets) {
            indexed.repository.rulesets = self.rulesets_of(indexed).await;
        }
        let repository = &mut indexed.repository;
        if repository.default_branch.is_none() && !repository.empty {
            // Without access to the contents, GraphQL shows no branch; REST has its name among the metadata.
            let found = self.find_by_rest(&repository.owner, &repository.name).await.map_err(Hidden::from);
            match found.and_then(|found| listed(&found)) {
                Ok(found) if found.default_branch.is_some() => repository.default_branch = found.default_branch,
                Ok(_) => unread = Some(Hidden::new(Cause::Unknown, "its default branch is not in the answer")),
                Err(hidden) => unread = Some(hidden),
            }
        }
        Box::pin(self.own_parts(repository, parts)).await;
        unread.map(|hidden| (repository.full_name(), hidden))
    }

    /// What is left of an owner when GraphQL fails.
    async fn without_graphql(&self, owner: &str, refused: Refused, selection: &Selection, parts: &Parts) -> Done {
        let mut done = Done::default();
        let why = Hidden::from(&refused);
        if !is_graphql_refused(&refused) && !refused.is_too_heavy() {
            done.inventory.unread(owner, why.clone());
            done.total = Some(Readable::Hidden(why));
            return done;
        }
        let (list, missing) = match self.list_by_rest(owner).await {
            Ok(list) => list,
            Err(refused) => {
                done.inventory.unread(owner, Hidden::from(&refused));
                done.total = Some(Readable::Hidden(refused.into()));
                return done;
            }
        };
        done.inventory.listed = u64::try_from(list.len()).unwrap_or(u64::MAX);
        done.total = Some(missing.map_or(Readable::Known(done.inventory.listed), Readable::Hidden));
        done.begins_anew = true;
        done.inventory.unread(owner, Hidden::new(Cause::Partial, PATTERNS));
        for value in list {
            match listed(&value) {
                Ok(repository) if selection.names(&repository.owner, &repository.name) => {
                    if self.admits(selection, &repository).await {
                        done.repositories.push(repository);
                    }
                }
                Ok(_) => {}
                Err(hidden) => done.inventory.unread(format!("a repository of {owner}"), hidden),
            }
        }
        let all = done.repositories.iter_mut().map(|repository| async {
            Box::pin(self.complete_by_rest(repository, parts, &why)).await;
            Box::pin(self.own_parts(repository, parts)).await;
        });
        stream::iter(all).buffer_unordered(BATCH).collect::<Vec<()>>().await;
        done
    }
}
