//! `copilot_code_review`: binds on GitHub only.

use serde::{Deserialize, Serialize};

use super::{OnGithub, Rule, RuleInfo, Target, Violation};
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "copilot_code_review",
    summary: "nothing on a git server",
    example: r#"{ review_on_push = true }"#,
    targets: &[Target::Branch],
    not_on_a_server: Some("no git server has Copilot"),
};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CopilotCodeReview {
    #[serde(default)]
    review_draft_pull_requests: bool,
    #[serde(default)]
    review_on_push: bool,
}

impl Rule for CopilotCodeReview {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn check(&self, _facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        Ok(vec![])
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
