//! `code_scanning`: binds on GitHub only.

use serde::{Deserialize, Serialize};

use super::{OnGithub, Rule, RuleInfo, Target, Violation};
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "code_scanning",
    summary: "nothing on a git server",
    example: r#"{ code_scanning_tools = [{ tool = "CodeQL", alerts_threshold = "errors", security_alerts_threshold = "high_or_higher" }] }"#,
    targets: &[Target::Branch],
    not_on_a_server: Some("no git server runs code scanning"),
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeScanning {
    code_scanning_tools: Vec<Tool>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    tool: String,
    alerts_threshold: Alerts,
    security_alerts_threshold: SecurityAlerts,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Alerts {
    None,
    Errors,
    ErrorsAndWarnings,
    All,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SecurityAlerts {
    None,
    Critical,
    HighOrHigher,
    MediumOrHigher,
    All,
}

impl Rule for CodeScanning {
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
