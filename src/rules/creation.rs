//! `creation`: only who bypasses may create a matching ref.

use super::{OnGithub, REFS, Rule, RuleInfo, Violation};
use crate::git::Change;
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "creation",
    summary: "creating a matching ref",
    example: "true",
    targets: REFS,
    not_on_a_server: None,
};

#[derive(Debug)]
pub(super) struct Creation;

impl Rule for Creation {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        Ok(match facts.update.change {
            Change::Create { .. } => {
                vec![Violation::new("this ref may not be created").help("choose a name that the ruleset does not match, or ask who bypasses it")]
            }
            Change::Update { .. } | Change::Delete { .. } => vec![],
        })
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}
