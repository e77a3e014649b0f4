//! GitHub's text patterns: an operator, a pattern, and whether it is negated. Shared by the rules about messages, e-mails
//! and names.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::regular_expression::RegularExpression;

/// Characters of a text that are shown.
const SHOWN: usize = 60;
/// Lines that are searched for the one to show.
const LINES_SEARCHED: usize = 100;

/// How the pattern is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operator {
    StartsWith,
    EndsWith,
    Contains,
    Regex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    operator: Operator,
    pattern: String,
    #[serde(default)]
    negate: bool,
    #[serde(default)]
    name: Option<String>,
}

/// A text pattern whose regular expression, if it is one, is sound.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Settings")]
pub(super) struct TextPattern {
    operator: Operator,
    pattern: String,
    negate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip)]
    regex: Option<RegularExpression>,
}

impl TryFrom<Settings> for TextPattern {
    type Error = String;

    fn try_from(settings: Settings) -> Result<Self, String> {
        let Settings { operator, pattern, negate, name } = settings;
        if pattern.is_empty() {
            return Err("an empty pattern says nothing".to_owned());
        }
        let regex = match operator {
            Operator::Regex => {
                Some(RegularExpression::parse(&pattern).map_err(|error| format!("unreadable regular expression: {error}"))?)
            }
            Operator::StartsWith | Operator::EndsWith | Operator::Contains => None,
        };
        Ok(TextPattern { operator, pattern, negate, name, regex })
    }
}

impl TextPattern {
    fn matches(&self, text: &[u8]) -> bool {
        let pattern = self.pattern.as_bytes();
        match (self.operator, &self.regex) {
            // Without an answer nothing is known to match, or known not to.
            (Operator::Regex, regex) => regex.as_ref().and_then(|regex| regex.is_match(text)).unwrap_or(self.negate),
            (Operator::StartsWith, _) => text.starts_with(pattern),
            (Operator::EndsWith, _) => text.ends_with(pattern),
            (Operator::Contains, _) => text.windows(pattern.len()).any(|window| window == pattern),
        }
    }

    /// Why the text breaks the pattern, or `None`.
    ///
    /// A text that is not UTF-8 keeps a pattern only if both its bytes and its readable form do, so that a stray byte
    /// hides nothing from a negated pattern. The same goes for a text with a NUL, behind which git shows nothing.
    pub(super) fn objection(&self, subject: &str, text: &[u8]) -> Option<String> {
        let readable = String::from_utf8_lossy(text);
        let shown = text.split(|&byte| byte == 0).next().unwrap_or_default();
        let keeps = |text: &[u8]| self.matches(text) != self.negate;
        let kept = keeps(text)
            && (matches!(readable, Cow::Borrowed(_)) || keeps(readable.as_bytes()))
            && (shown.len() == text.len() || keeps(shown));
        if kept {
            return None;
        }
        let verb = match self.operator {
            Operator::StartsWith => "start with",
            Operator::EndsWith => "end with",
            Operator::Contains => "contain",
            Operator::Regex => "match",
        };
        let must = if self.negate { "must not" } else { "must" };
        let named = self.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        Some(format!("{subject} {must} {verb} `{}`{named}, and is `{}`", self.pattern, self.shown(&readable)))
    }

    /// The part of a text that shows why it breaks the pattern: the first line that is forbidden, else the first that is not empty.
    fn shown(&self, text: &str) -> String {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(LINES_SEARCHED);
        let first = lines.clone().next().unwrap_or_default();
        let line = if self.negate { lines.find(|line| self.matches(line.as_bytes())).unwrap_or(first) } else { first };
        super::cut(line, SHOWN).map_or_else(|| line.to_owned(), |start| format!("{start}…"))
    }
}
