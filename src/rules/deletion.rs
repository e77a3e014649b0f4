//! `deletion`: only who bypasses may delete a matching ref.

use super::{OnGithub, REFS, Rule, RuleInfo, Violation};
use crate::git::Change;
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "deletion",
    summary: "deleting a matching ref",
    example: "true",
    targets: REFS,
    not_on_a_server: None,
};

#[derive(Debug)]
pub(super) struct Deletion;

impl Rule for Deletion {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Decided by the name alone: git executes a deletion whose old value it does not know.
    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        Ok(match facts.update.change {
            Change::Delete { .. } => vec![Violation::new("this ref may not be deleted").help("ask who bypasses the ruleset")],
            Change::Create { .. } | Change::Update { .. } => vec![],
        })
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}
