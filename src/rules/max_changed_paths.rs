//! `max_changed_paths`: a bound on what one actor can do at once, in paths.

use serde::{Deserialize, Serialize};

use super::{ALL, OnGithub, Rule, RuleInfo, Violation};
use crate::git::Change;
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "max_changed_paths",
    summary: "a push that changes more distinct paths",
    example: "{ max_changed_paths = 200 }",
    targets: ALL,
    not_on_a_server: None,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MaxChangedPaths {
    max_changed_paths: u64,
}

impl Rule for MaxChangedPaths {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs { commits: true, changed_paths: true, ..Needs::default() }
    }

    fn changed_paths_limit(&self) -> Option<u64> {
        Some(self.max_changed_paths)
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        if let Change::Delete { .. } = facts.update.change {
            return Ok(vec![]);
        }
        let paths = *facts.totals.changed_paths.get("the number of changed paths")?;
        Ok(if paths > self.max_changed_paths {
            vec![
                Violation::new(format!("the push changes more than {} paths", self.max_changed_paths))
                    .help("push smaller changes, one after the other"),
            ]
        } else {
            vec![]
        })
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::None { why: "GitHub has no rule about the size of a push" }
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
