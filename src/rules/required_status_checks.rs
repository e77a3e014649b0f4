//! `required_status_checks`: named checks have passed.

use serde::{Deserialize, Serialize};

use super::{OnGithub, Rule, RuleInfo, Target, Violation};
use crate::git::Change;
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "required_status_checks",
    summary: "every direct creation and update, because no check can be shown to have passed; what the host itself marks as the merge of a pull request passes, whether or not they passed there",
    example: r#"{ required_status_checks = [{ context = "ci/test" }] }"#,
    targets: &[Target::Branch],
    not_on_a_server: None,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequiredStatusChecks {
    #[serde(default)]
    strict_required_status_checks_policy: bool,
    #[serde(default)]
    do_not_enforce_on_create: bool,
    required_status_checks: Vec<StatusCheck>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusCheck {
    context: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    integration_id: Option<i64>,
}

impl Rule for RequiredStatusChecks {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        let judged = match facts.update.change {
            Change::Delete { .. } => false,
            // Deleting and creating in one push is an update in disguise.
            Change::Create { .. } => !self.do_not_enforce_on_create || facts.rewrite,
            Change::Update { .. } => true,
        };
        if !judged || facts.merges_pull_request {
            return Ok(vec![]);
        }
        Ok(self
            .required_status_checks
            .iter()
            .map(|check| {
                Violation::new(format!("needs the check `{}`, which cannot be shown to have passed here", check.context))
                    .help("push a topic branch, let its checks run, and merge it where the host can see them")
            })
            .collect())
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
