//! `workflows`: binds on GitHub only.

use serde::{Deserialize, Serialize};

use super::{OnGithub, Rule, RuleInfo, Target, Violation};
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "workflows",
    summary: "nothing on a git server",
    example: r#"{ workflows = [{ path = ".github/workflows/ci.yml", repository = "acme/ci" }] }"#,
    targets: &[Target::Branch],
    not_on_a_server: Some("no git server runs GitHub Actions"),
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workflows {
    #[serde(default)]
    do_not_enforce_on_create: bool,
    workflows: Vec<Workflow>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Workflow {
    path: String,
    /// The repository's id on GitHub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repository_id: Option<u64>,
    /// The repository as `owner/name`, resolved to its id when it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha: Option<String>,
}

impl Rule for Workflows {
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
