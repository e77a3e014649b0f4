//! `file_path_restriction`: nobody touches certain paths.

use serde::{Deserialize, Serialize};

use super::{ALL, OnGithub, Rule, RuleInfo, Violation, path_violations};
use crate::git::pattern::{Pattern, PatternSet};
use crate::git::{FileChange, Mode};
use crate::push::{Cause, Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "file_path_restriction",
    summary: "adding, changing or removing a restricted path, and a symbolic link or submodule that stands at a folder of its pattern",
    example: r#"{ restricted_file_paths = [".github/workflows/**/*"] }"#,
    targets: ALL,
    not_on_a_server: None,
};

#[derive(Debug, Deserialize)]
#[serde(from = "Settings")]
pub(super) struct FilePathRestriction {
    restricted: PatternSet,
    /// Where a link would put something else in the place of a restricted path.
    folders: PatternSet,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    restricted_file_paths: Vec<Pattern>,
}

impl From<Settings> for FilePathRestriction {
    fn from(settings: Settings) -> Self {
        let folders = settings.restricted_file_paths.iter().flat_map(Pattern::folders).collect();
        FilePathRestriction { restricted: PatternSet::new(settings.restricted_file_paths), folders: PatternSet::new(folders) }
    }
}

impl FilePathRestriction {
    fn objection(&self, change: &FileChange) -> Result<Option<String>, Undecided> {
        let unreadable = |error: crate::git::pattern::PatternError| Undecided::new(error.to_string()).cause(Cause::Policy);
        if let Some(pattern) = self.restricted.first_wide_match(&change.path).map_err(unreadable)? {
            return Ok(Some(format!("matches `{}`", pattern.as_str())));
        }
        let link = [change.old, change.new].into_iter().flatten().any(|entry| matches!(entry.mode, Mode::Symlink | Mode::Gitlink));
        if link && self.folders.matches_widely(&change.path).map_err(unreadable)? {
            return Ok(Some("a link stands at a folder of a restricted path".to_owned()));
        }
        Ok(None)
    }
}

impl Rule for FilePathRestriction {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs { changes: true, commits: true, ..Needs::default() }
    }

    fn selects(&self, change: &FileChange) -> Result<bool, Undecided> {
        self.objection(change).map(|objection| objection.is_some())
    }

    fn selects_below(&self, folder: &[u8]) -> bool {
        self.restricted.may_match_below(folder)
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        path_violations(facts, |change| self.objection(change))
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::PushRulesetOnly
    }

    fn settings(&self) -> serde_json::Value {
        let paths: Vec<_> = self.restricted.patterns().iter().map(Pattern::as_str).collect();
        serde_json::json!({ "restricted_file_paths": paths })
    }
}
