//! Details, in batches that shrink when they are too much.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::github::answers::details;
use crate::github::answers::index::Indexed;
use crate::github::client::Query;
use crate::github::cost::Class;
use crate::github::part::{Part, Parts};
use crate::github::readable::Hidden;

use super::Reader;

/// The queries.
pub(super) const DETAILS: &str = include_str!("../graphql/details.graphql");

/// How many repositories a batch has.
pub(super) const BATCH: usize = 25;

impl Reader {
    /// Reads the details of a batch.
    pub(super) async fn details(&self, batch: &mut [Indexed], parts: &Parts) {
        let Some(owner) = batch.first().map(|first| first.repository.owner.clone()) else { return };
        if !parts.has_details() {
            return;
        }
        let mut todo: Vec<(Vec<&mut Indexed>, Parts)> = vec![(batch.iter_mut().collect(), parts.clone())];
        while let Some((mut batch, parts)) = todo.pop() {
            let ids: Vec<&str> = batch.iter().map(|indexed| indexed.repository.node_id.as_str()).collect();
            let query = Query {
                document: DETAILS,
                operation: "RepositoriesDetails",
                variables: variables(&ids, &parts),
                owner: &owner,
                class: Class::Details,
                divisible: batch.len() > 1,
            };
            match self.client.query(&query).await {
                Ok(answer) => {
                    let mut again: BTreeMap<Part, Vec<&mut Indexed>> = BTreeMap::new();
                    let mut going_on = Vec::new();
                    for (index, indexed) in batch.into_iter().enumerate() {
                        let place = answer.root().field("nodes").entry(index);
                        if !place.value().is_null() {
                            let more = details::fill(&mut indexed.repository, &place, &parts);
                            going_on.push(self.more_details(&mut indexed.repository, more));
                            continue;
                        }
                        let taken = place.taken_by().and_then(|(field, hidden)| Some((details::part_of(field)?, hidden)));
                        match taken.filter(|(part, _)| parts.has(*part)) {
                            // The rest of it can be seen.
                            Some((part, hidden)) => {
                                details::hide(&mut indexed.repository, &Parts::from_iter([part]), &hidden);
                                again.entry(part).or_default().push(indexed);
                            }
                            None => details::hide(&mut indexed.repository, &parts, &place.absent()),
                        }
                    }
                    futures_util::future::join_all(going_on).await;
                    let again = again.into_iter().map(|(part, batch)| (batch, parts.clone().without(part)));
                    todo.extend(again.filter(|(_, parts)| parts.has_details()));
                }
                Err(refused) if refused.is_too_heavy() && batch.len() > 1 => {
                    let other = batch.split_off(batch.len() / 2);
                    todo.extend([(other, parts.clone()), (batch, parts)]);
                }
                Err(refused) => {
                    let hidden = Hidden::from(refused);
                    for indexed in batch {
                        details::hide(&mut indexed.repository, &parts, &hidden);
                    }
                }
            }
        }
    }
}

fn variables(ids: &[&str], parts: &Parts) -> Value {
    json!({
        "ids": ids,
        "codeowners": parts.has(Part::Codeowners),
        "workflows": parts.has(Part::Workflows),
        "refs": parts.has(Part::Refs),
        "releases": parts.has(Part::Releases),
        "reported": parts.has(Part::Reported),
        "people": parts.has(Part::People),
        "keys": parts.has(Part::Keys),
        "environments": parts.has(Part::Environments),
    })
}
