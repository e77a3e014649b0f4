//! `license_compliance_scanning`: binds on GitHub only.


use super::{OnGithub, Rule, RuleInfo, Target, Violation};
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "license_compliance_scanning",
    summary: "nothing on a git server",
    example: r#"true"#,
    targets: &[Target::Branch],
    not_on_a_server: Some("no git server scans licenses"),
};

#[derive(Debug)]
pub(super) struct LicenseComplianceScanning;

impl Rule for LicenseComplianceScanning {
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
        serde_json::json!({})
    }
}
