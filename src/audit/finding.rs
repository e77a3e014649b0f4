//! What a check may say.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Check;
use crate::github::Hidden;
use crate::github::effective::{Source, Who};
use crate::github::ruleset::Ruleset;

/// How bad a finding is, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Untidy, or a matter of taste.
    Low,
    /// A rule can be walked around with some effort, or will lead people to.
    Medium,
    /// A rule can be walked past.
    High,
    /// Nothing binds.
    Critical,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// Something a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The check's id.
    pub check: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// What is so and what it allows, in one sentence without a full stop.
    pub message: String,
    /// Who can use it, as the policy writes actors; empty when that is everyone who can push.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub who: Vec<String>,
    /// What to do about it.
    pub fix: String,
    /// GitHub's page about the setting.
    pub link: String,
    /// The same for the same thing in every run, whatever else changes: 32 hex digits.
    pub fingerprint: String,
}

/// Where something is: as much as applies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// `owner/name`, or the organization's or user's login.
    pub target: String,
    /// The ruleset or classic rule, as people read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The ref, by its full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_name: Option<String>,
    /// The file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The API's field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Its page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Place {
    /// A repository, organization or user.
    pub fn target(name: impl Into<String>) -> Place {
        Place { target: name.into(), ..Place::default() }
    }

    /// A ruleset, wherever it stands: one of an organization is the same thing for every repository.
    pub fn ruleset(ruleset: &Ruleset) -> Place {
        Place::target(ruleset.source.clone()).source(&Source::of(ruleset))
    }

    /// In this ruleset or classic rule.
    #[must_use]
    pub fn source(mut self, source: &Source) -> Place {
        self.source = Some(source.to_string());
        if let Source::Ruleset { url, .. } = source {
            self.url.clone_from(url);
        }
        self
    }

    /// About this ref.
    #[must_use]
    pub fn ref_name(mut self, name: impl Into<String>) -> Place {
        self.ref_name = Some(name.into());
        self
    }

    /// In this file.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>, line: Option<u64>) -> Place {
        self.file = Some(path.into());
        self.line = line;
        self
    }

    /// In this field of the API.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Place {
        self.field = Some(field.into());
        self
    }
}

/// A check that could not be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CannotTell {
    /// The check's id.
    pub check: String,
    /// For what.
    pub place: Place,
    /// What is hidden, and which permission would show it.
    pub why: Hidden,
}

/// What a check says, gathered while it looks.
#[derive(Debug)]
pub struct Findings {
    check: &'static Check,
    /// What it found.
    pub found: Vec<Finding>,
    /// What it could not tell.
    pub cannot_tell: Vec<CannotTell>,
}

impl Findings {
    /// For one check.
    pub fn of(check: &'static Check) -> Findings {
        Findings { check, found: Vec::new(), cannot_tell: Vec::new() }
    }

    /// Something was found. `key` tells it from the check's other findings at the same place and stays the same when
    /// unrelated things change: a name, never a position. Returns the finding, to say more about it.
    pub fn add(&mut self, place: Place, key: &str, message: impl Into<String>) -> &mut Finding {
        let finding = Finding {
            check: self.check.id.to_owned(),
            severity: self.check.severity,
            fingerprint: fingerprint(self.check.id, &place, key),
            place,
            message: message.into(),
            who: Vec::new(),
            fix: self.check.fix.to_owned(),
            link: self.check.link.to_owned(),
        };
        self.found.push(finding);
        // The line above put it there.
        #[allow(clippy::indexing_slicing)]
        let last = self.found.len() - 1;
        #[allow(clippy::indexing_slicing)]
        &mut self.found[last]
    }

    /// One thing could not be told; others may be.
    pub fn cannot_tell(&mut self, place: Place, why: &Hidden) {
        self.cannot_tell.push(CannotTell { check: self.check.id.to_owned(), place, why: why.clone() });
    }
}

impl Finding {
    /// It is worse or milder than usual here.
    pub fn severity(&mut self, severity: Severity) -> &mut Finding {
        self.severity = severity;
        self
    }

    /// Who can use it.
    pub fn who<'a>(&mut self, who: impl IntoIterator<Item = &'a Who>) -> &mut Finding {
        self.who = who.into_iter().map(Who::to_string).collect();
        self.who.sort();
        self.who.dedup();
        self
    }

    /// What to do about it, where something better can be said than the check's usual advice.
    pub fn fix(&mut self, fix: impl Into<String>) -> &mut Finding {
        self.fix = fix.into();
        self
    }
}

fn fingerprint(check: &str, place: &Place, key: &str) -> String {
    let mut hash = Sha256::new();
    for part in [
        "1",
        check,
        &place.target,
        place.source.as_deref().unwrap_or_default(),
        place.ref_name.as_deref().unwrap_or_default(),
        place.file.as_deref().unwrap_or_default(),
        key,
    ] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
