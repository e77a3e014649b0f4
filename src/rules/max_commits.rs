//! `max_commits`: a bound on what one actor can do at once, in commits.

use serde::{Deserialize, Serialize};

use super::{ALL, OnGithub, Rule, RuleInfo, Violation};
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "max_commits",
    summary: "a push with more distinct entering commits",
    example: "{ max_commits = 100 }",
    targets: ALL,
    not_on_a_server: None,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MaxCommits {
    max_commits: u64,
}

impl Rule for MaxCommits {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs { commits: true, ..Needs::default() }
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        let commits = *facts.totals.commits.get("the number of entering commits")?;
        let brings_some = !facts.entering.get("the entering commits")?.is_empty();
        Ok(if brings_some && commits > self.max_commits {
            vec![
                Violation::new(format!("the push brings {commits} commits, {} are allowed", self.max_commits))
                    .help("push fewer commits at a time"),
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
