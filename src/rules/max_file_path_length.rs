//! `max_file_path_length`: paths stay short.

use serde::{Deserialize, Serialize};

use super::{ALL, OnGithub, Rule, RuleInfo, Violation, path_violations};
use crate::git::FileChange;
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "max_file_path_length",
    summary: "an added or changed path of more characters",
    example: "{ max_file_path_length = 255 }",
    targets: ALL,
    not_on_a_server: None,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MaxFilePathLength {
    /// In characters; in bytes for a path that is not UTF-8.
    max_file_path_length: std::num::NonZeroU32,
}

impl MaxFilePathLength {
    fn objection(&self, change: &FileChange) -> Option<String> {
        change.new?;
        let length = std::str::from_utf8(&change.path).map_or(change.path.len(), |path| path.chars().count());
        let limit = self.max_file_path_length.get();
        (length as u64 > u64::from(limit)).then(|| format!("the path has {length} characters, {limit} are allowed"))
    }
}

impl Rule for MaxFilePathLength {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs { changes: true, commits: true, ..Needs::default() }
    }

    fn selects(&self, change: &FileChange) -> Result<bool, Undecided> {
        Ok(self.objection(change).is_some())
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        path_violations(facts, |change| Ok(self.objection(change)))
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::PushRulesetOnly
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
