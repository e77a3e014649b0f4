//! `required_deployments`: binds on GitHub only.

use serde::{Deserialize, Serialize};

use super::{OnGithub, Rule, RuleInfo, Target, Violation};
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "required_deployments",
    summary: "nothing on a git server",
    example: r#"{ required_deployment_environments = ["staging"] }"#,
    targets: &[Target::Branch],
    not_on_a_server: Some("no git server sees deployments"),
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequiredDeployments {
    required_deployment_environments: Vec<String>,
}

impl Rule for RequiredDeployments {
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
