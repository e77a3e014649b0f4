//! `file_extension_restriction`: certain kinds of files stay out.

use serde::{Deserialize, Serialize};

use super::{ALL, OnGithub, Rule, RuleInfo, Violation, path_violations};
use crate::git::FileChange;
use crate::git::characters::is_invisible;
use crate::git::pattern::fold;
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "file_extension_restriction",
    summary: "an added or changed path that ends with a restricted extension; `jar`, `.jar` and `*.jar` mean the same",
    example: r#"{ restricted_file_extensions = ["jar", "exe"] }"#,
    targets: ALL,
    not_on_a_server: None,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileExtensionRestriction {
    restricted_file_extensions: Vec<Extension>,
}

/// An extension without its dot.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Extension {
    text: String,
    /// The folded form with the dot: `.jar`.
    folded: Box<[u8]>,
}

impl Clone for Extension {
    fn clone(&self) -> Self {
        Extension { text: self.text.clone(), folded: self.folded.clone() }
    }
}

impl TryFrom<String> for Extension {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bare = text.strip_prefix('*').unwrap_or(&text);
        let bare = bare.strip_prefix('.').unwrap_or(bare);
        let is_none = |c: char| c.is_whitespace() || is_invisible(c) || "*?[]{}\\/,;".contains(c);
        if bare.is_empty() || bare.contains(is_none) {
            return Err(format!("`{text}` is no file extension: write `jar`, `.jar` or `*.jar`"));
        }
        let folded = fold(format!(".{bare}").as_bytes()).into_owned().into();
        Ok(Extension { text: bare.to_owned(), folded })
    }
}

impl From<Extension> for String {
    fn from(extension: Extension) -> String {
        extension.text
    }
}

impl FileExtensionRestriction {
    fn objection(&self, change: &FileChange) -> Option<String> {
        change.new?;
        let path = fold(&change.path);
        let extension = self.restricted_file_extensions.iter().find(|extension| path.ends_with(&extension.folded))?;
        Some(format!("files ending with `.{}` are restricted", extension.text))
    }
}

impl Rule for FileExtensionRestriction {
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
