//! Whether branches have a merge queue. Neither API shows it with classic protection, which may ask for one; only GraphQL tells
//! it, branch by branch.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::github::client::Query;
use crate::github::cost::Class;
use crate::github::part::Part;
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::Repository;

use super::Reader;

/// The query.
const MERGE_QUEUE: &str = include_str!("../graphql/merge_queue.graphql");

impl Reader {
    /// Asks for each branch that a classic protection is named for. A protection with a pattern has no merge queue.
    /// <https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue>
    pub(super) async fn learn_merge_queues(&self, repository: &mut Repository) {
        let branches: Vec<String> = match &repository.protections {
            Readable::Known(protections) => {
                protections.iter().filter(|live| live.names_a_branch()).map(|live| live.pattern.clone()).collect()
            }
            // Which branches to ask for is hidden, too.
            Readable::Hidden(hidden) => {
                repository.merge_queues = Readable::Hidden(hidden.clone());
                return;
            }
        };
        let mut queues = BTreeMap::new();
        for branch in branches {
            let has = self.has_merge_queue(repository, &branch).await;
            queues.insert(branch, has);
        }
        repository.merge_queues = Readable::Known(queues);
    }

    /// Whether a branch has a merge queue now, whatever asks for it. Of a branch that GitHub does not show, nothing is known.
    pub async fn has_merge_queue(&self, repository: &Repository, branch: &str) -> Readable<bool> {
        let query = Query {
            document: MERGE_QUEUE,
            operation: "BranchMergeQueue",
            variables: json!({ "id": repository.node_id, "branch": branch, "ref": format!("refs/heads/{branch}") }),
            owner: &repository.owner,
            class: Class::Part(Part::MergeQueues),
            divisible: false,
        };
        let needs = |hidden: Hidden| {
            let is_shown_to_others = hidden.cause == Cause::NotPermitted && hidden.permission.is_none();
            Readable::Hidden(if is_shown_to_others { hidden.needs(Part::MergeQueues.permission()) } else { hidden })
        };
        let answer = match self.client.query(&query).await {
            Ok(answer) => answer,
            Err(refused) => return needs(refused.into()),
        };
        let node = answer.root().field("node");
        if let Some(hidden) = node.trouble() {
            return needs(hidden);
        }
        match (node.value().get("mergeQueue"), node.field("ref").text("name")) {
            (Some(Value::Object(_)), _) => Readable::Known(true),
            // GitHub says the same of no queue and of no such branch.
            (Some(Value::Null), Some(_)) => Readable::Known(false),
            (Some(Value::Null), None) => {
                needs(node.hidden(Cause::NotPermitted, &format!("the branch `{branch}` is not there, or may not be seen")))
            }
            _ => needs(node.absent()),
        }
    }
}
