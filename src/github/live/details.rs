//! Details, in batches that shrink when they are too much.

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
        let mut todo = vec![batch];
        while let Some(batch) = todo.pop() {
            let ids: Vec<&str> = batch.iter().map(|indexed| indexed.repository.node_id.as_str()).collect();
            let query = Query {
                document: DETAILS,
                operation: "RepositoriesDetails",
                variables: variables(&ids, parts),
                owner: &owner,
                class: Class::Details,
                divisible: batch.len() > 1,
            };
            match self.client.query(&query).await {
                Ok(answer) => {
                    for (place, indexed) in (0..).map(|index| answer.root().field("nodes").entry(index)).zip(batch) {
                        if place.value().is_null() {
                            details::hide(&mut indexed.repository, parts, &place.absent());
                        } else {
                            let more = details::fill(&mut indexed.repository, &place, parts);
                            self.more_details(&mut indexed.repository, more).await;
                        }
                    }
                }
                Err(refused) if refused.is_too_heavy() && batch.len() > 1 => {
                    let (one, other) = batch.split_at_mut(batch.len() / 2);
                    todo.extend([other, one]);
                }
                Err(refused) => {
                    let hidden = Hidden::from(refused);
                    for indexed in batch {
                        details::hide(&mut indexed.repository, parts, &hidden);
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
