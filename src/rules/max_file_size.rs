//! `max_file_size`: big files stay out.

use serde::{Deserialize, Serialize};

use super::{ALL, OnGithub, Rule, RuleInfo, Violation, path_violations};
use crate::git::{FileChange, Mode};
use crate::push::{Cause, Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "max_file_size",
    summary: "an added or changed file of more megabytes (of 1,048,576 bytes)",
    example: "{ max_file_size = 5 }",
    targets: ALL,
    not_on_a_server: None,
};

const MEGABYTE: u64 = 1_048_576;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MaxFileSize {
    /// In megabytes.
    max_file_size: std::num::NonZeroU32,
}

impl MaxFileSize {
    fn objection(&self, change: &FileChange) -> Result<Option<String>, Undecided> {
        match change.new {
            None => return Ok(None),
            // A submodule's commit lies in another repository.
            Some(entry) if entry.mode == Mode::Gitlink => return Ok(None),
            Some(_) => {}
        }
        let size = change.size.ok_or_else(|| Undecided::new("the size of a changed file was not collected").cause(Cause::Internal))?;
        let limit = self.max_file_size.get();
        Ok((size > u64::from(limit) * MEGABYTE).then(|| format!("the file has {size} bytes, {limit} MB are allowed")))
    }
}

impl Rule for MaxFileSize {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs { changes: true, commits: true, sizes: true, ..Needs::default() }
    }

    fn selects(&self, change: &FileChange) -> Result<bool, Undecided> {
        self.objection(change).map(|objection| objection.is_some())
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        path_violations(facts, |change| self.objection(change))
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::PushRulesetOnly
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
