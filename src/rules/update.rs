//! `update`: only who bypasses may change a matching ref that exists.

use serde::{Deserialize, Serialize};

use super::{OnGithub, REFS, Rule, RuleInfo, Violation};
use crate::git::Change;
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "update",
    summary: "changing a matching ref that exists",
    example: "true",
    targets: REFS,
    not_on_a_server: None,
};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    /// GitHub's exception for forks that fetch from upstream. A push to a git server is never such a fetch.
    #[serde(default)]
    update_allows_fetch_and_merge: bool,
}

impl Rule for Update {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        let changes = matches!(facts.update.change, Change::Update { .. }) || facts.rewrite;
        Ok(if changes {
            vec![Violation::new("this ref may not be changed").help("push a ref of another name, or ask who bypasses the ruleset")]
        } else {
            vec![]
        })
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
