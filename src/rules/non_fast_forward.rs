//! `non_fast_forward`: nobody rewrites a matching ref.

use super::{OnGithub, REFS, Rule, RuleInfo, Violation};
use crate::git::Change;
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "non_fast_forward",
    summary: "an update that is not a fast-forward, and a deletion with a creation of the same ref in one push",
    example: "true",
    targets: REFS,
    not_on_a_server: None,
};

#[derive(Debug)]
pub(super) struct NonFastForward;

impl Rule for NonFastForward {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs { fast_forward: true, ..Needs::default() }
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        if facts.rewrite {
            return Ok(vec![Violation::new("the same push changes this ref more than once, which rewrites it")]);
        }
        let Change::Update { .. } = facts.update.change else { return Ok(vec![]) };
        Ok(if *facts.fast_forward.get("whether this is a fast-forward")? {
            vec![]
        } else {
            vec![Violation::new("not a fast-forward").help("fetch, rebase your commits on the ref's present value, and push without force")]
        })
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}
