//! `branch_name_pattern`: new branch names have a form.

use serde::{Deserialize, Serialize};

use super::text_pattern::{Kind, TextPattern};
use super::{OnGithub, Rule, RuleInfo, Target, Violation};
use crate::git::Change;
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "branch_name_pattern",
    summary: "creating a branch whose name does not match",
    example: r#"{ operator = "regex", pattern = '^(feature|fix)/[a-z0-9-]+$' }"#,
    targets: &[Target::Branch],
    not_on_a_server: None,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct BranchNamePattern(TextPattern);

impl Rule for BranchNamePattern {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        let Change::Create { .. } = facts.update.change else { return Ok(vec![]) };
        Ok(facts.names.iter().filter_map(|name| self.0.objection("the branch's name", Kind::Name, name.short())).map(Violation::new).collect())
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
