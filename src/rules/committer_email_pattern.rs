//! `committer_email_pattern`: committers use certain e-mail addresses.

use serde::{Deserialize, Serialize};

use super::text_pattern::{Kind, TextPattern, text_violations};
use super::{ALL, OnGithub, Rule, RuleInfo, Violation};
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "committer_email_pattern",
    summary: "an entering commit whose committer's e-mail does not match",
    example: r#"{ operator = "ends_with", pattern = "@example.org" }"#,
    targets: ALL,
    not_on_a_server: None,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct CommitterEmailPattern(TextPattern);

impl Rule for CommitterEmailPattern {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs { commits: true, texts: true, ..Needs::default() }
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        text_violations(facts, |shown| Ok(self.0.objection("the committer's e-mail", Kind::Address, shown.committer_email()?)))
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
