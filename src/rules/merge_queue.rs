//! `merge_queue`: binds on GitHub only.

use serde::{Deserialize, Serialize};

use super::{OnGithub, Rule, RuleInfo, Target, Violation};
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "merge_queue",
    summary: "nothing on a git server",
    example: r#"{ check_response_timeout_minutes = 60, grouping_strategy = "ALLGREEN", max_entries_to_build = 5, max_entries_to_merge = 5, merge_method = "MERGE", min_entries_to_merge = 1, min_entries_to_merge_wait_minutes = 5 }"#,
    targets: &[Target::Branch],
    not_on_a_server: Some("no git server has a merge queue"),
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MergeQueue {
    check_response_timeout_minutes: u32,
    grouping_strategy: GroupingStrategy,
    max_entries_to_build: u32,
    max_entries_to_merge: u32,
    merge_method: MergeMethod,
    min_entries_to_merge: u32,
    min_entries_to_merge_wait_minutes: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum GroupingStrategy {
    AllGreen,
    HeadGreen,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum MergeMethod {
    Merge,
    Squash,
    Rebase,
}

impl Rule for MergeQueue {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn check(&self, _facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        Ok(vec![])
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
