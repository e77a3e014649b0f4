//! `commit_message_pattern`: commit messages have a form.

use serde::{Deserialize, Serialize};

use super::text_pattern::{Kind, TextPattern, text_violations};
use super::{ALL, OnGithub, Rule, RuleInfo, Violation};
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "commit_message_pattern",
    summary: "an entering commit whose message does not match",
    example: r#"{ operator = "regex", pattern = '^(feat|fix|docs): ' }"#,
    targets: ALL,
    not_on_a_server: None,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct CommitMessagePattern(TextPattern);

impl Rule for CommitMessagePattern {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs { commits: true, texts: true, ..Needs::default() }
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        text_violations(facts, |shown| Ok(self.0.objection("the message", Kind::Message, shown.message().trim_ascii_end())))
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
