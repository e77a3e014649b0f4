//! `required_linear_history`: no merge commit enters.

use super::{OnGithub, REFS, Rule, RuleInfo, Violation, listed};
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "required_linear_history",
    summary: "an entering merge commit",
    example: "true",
    targets: REFS,
    not_on_a_server: None,
};

#[derive(Debug)]
pub(super) struct RequiredLinearHistory;

impl Rule for RequiredLinearHistory {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs { commits: true, ..Needs::default() }
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        let entering = facts.entering.get("the entering commits")?;
        let merges = entering.iter().filter(|entering| entering.commit.parents.len() > 1);
        Ok(listed(
            merges.map(|entering| Violation::new("a merge commit").commit(entering.commit.id).help("rebase instead of merging")),
        ))
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}
