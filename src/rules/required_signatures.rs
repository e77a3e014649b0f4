//! `required_signatures`: commits are signed by a key in `[signers]`.
//!
//! Signatures are not verified yet, and what was not verified is not good: every direct change is refused.

use super::{OnGithub, REFS, Rule, RuleInfo, Violation};
use crate::git::Change;
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "required_signatures",
    summary: "every direct change of a matching ref, because signatures cannot be verified here yet",
    example: "true",
    targets: REFS,
    not_on_a_server: None,
};

#[derive(Debug)]
pub(super) struct RequiredSignatures;

impl Rule for RequiredSignatures {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        Ok(match facts.update.change {
            Change::Delete { .. } => vec![],
            Change::Create { .. } | Change::Update { .. } => vec![
                Violation::new("needs signed commits, and this server cannot verify signatures yet")
                    .help("ask who bypasses the ruleset to push, or ask the server's administrator to name who may"),
            ],
        })
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}
