//! GitHub's text patterns: an operator, a pattern, and whether it is negated. Shared by the rules about messages, e-mails
//! and names.
//!
//! What must match is compared as it is. What must not match is compared with every way in which people read the text, because a
//! negated pattern is otherwise passed by a blank line, a padded address or a character that nobody sees.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::regular_expression::RegularExpression;
use super::{Listed, Violation};
use crate::git::characters::is_invisible;
use crate::git::{Malformed, Shown};
use crate::push::{Cause, Undecided, UpdateFacts};

/// What kind of text is judged, which decides how people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A commit's message.
    Message,
    /// An e-mail address.
    Address,
    /// The name of a branch or tag.
    Name,
}

/// One violation for each entering commit to whose text `judge` objects.
pub(super) fn text_violations(
    facts: &UpdateFacts,
    judge: impl Fn(&Shown<'_>) -> Result<Option<String>, Malformed>,
) -> Result<Vec<Violation>, Undecided> {
    let mut violations = Listed::default();
    for entering in facts.entering.get("the entering commits")? {
        let commit = &entering.commit;
        let objection = commit.shown().and_then(|shown| judge(&shown)).map_err(|malformed| {
            Undecided::new(format!("the commit {} cannot be read as text: {}", commit.id, malformed.0))
                .cause(Cause::Push)
                .help("make the commit again, in UTF-8 (`i18n.commitEncoding` unset), with one author and one committer")
        })?;
        if let Some(objection) = objection {
            violations.add(|| Violation::new(objection).commit(commit.id));
        }
    }
    Ok(violations.kept)
}

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
    /// For a negated expression: the same with the domain in either case, where that is another one.
    #[serde(skip)]
    folded_domain: Option<FoldedDomain>,
}

/// An expression whose capitals in a domain stand for either case.
#[derive(Debug, Clone)]
enum FoldedDomain {
    /// For a whole address.
    Address(RegularExpression),
    /// For `@` and the domain: the expression has no `@` that parts it.
    Domain(RegularExpression),
}

impl FoldedDomain {
    fn new(pattern: &str) -> Option<FoldedDomain> {
        match first_at(pattern).and_then(|at| pattern.split_at_checked(at)) {
            Some((local, domain)) if has_capital(domain) => {
                let domain = domain.get(1..).unwrap_or_default();
                RegularExpression::parse(&format!("{local}@(?i){domain}")).ok().map(FoldedDomain::Address)
            }
            None if has_capital(pattern) => RegularExpression::parse(&format!("(?i){pattern}")).ok().map(FoldedDomain::Domain),
            _ => None,
        }
    }
}

/// Where the first `@` of an expression is that is not in a class.
fn first_at(expression: &str) -> Option<usize> {
    let mut in_class = false;
    let mut rest = expression.char_indices();
    while let Some((at, character)) = rest.next() {
        match character {
            '\\' => drop(rest.next()),
            '[' => in_class = true,
            ']' => in_class = false,
            '@' if !in_class => return Some(at),
            _ => {}
        }
    }
    None
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
        let folded_domain = match &regex {
            Some(_) if negate => FoldedDomain::new(&pattern),
            _ => None,
        };
        Ok(TextPattern { operator, pattern, negate, name, regex, folded_domain })
    }
}

/// Whether an expression spells out a capital letter. Those of a class, an escape or a group's flags are about capitals in general.
fn has_capital(expression: &str) -> bool {
    let mut rest = expression.chars();
    let mut in_class = false;
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                let may_have_braces = rest.next().is_some_and(|escape| "pPxuU".contains(escape));
                if may_have_braces && rest.as_str().starts_with('{') {
                    rest.by_ref().find(|&end| end == '}');
                }
            }
            '(' if rest.as_str().starts_with('?') => drop(rest.by_ref().find(|end| ":)<>=".contains(*end))),
            '[' => in_class = true,
            ']' => in_class = false,
            _ if character.is_uppercase() && !in_class => return true,
            _ => {}
        }
    }
    false
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

    /// Whether the address matches when its domain is compared in either case.
    fn matches_domain(&self, address: &str) -> bool {
        let Some((local, domain)) = address.rsplit_once('@') else { return false };
        let domain = domain.to_lowercase();
        let folded = format!("{local}@{domain}");
        let pattern = match self.pattern.rsplit_once('@') {
            Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
            None => self.pattern.to_lowercase(),
        };
        let within_domain = !pattern.contains('@');
        match self.operator {
            Operator::Regex => {
                let folded_domain = self.folded_domain.as_ref().map(|expression| match expression {
                    FoldedDomain::Address(regex) => regex.is_match(folded.as_bytes()),
                    FoldedDomain::Domain(regex) => regex.is_match(format!("@{domain}").as_bytes()),
                });
                self.matches(folded.as_bytes()) || folded_domain.is_some_and(|matches| matches != Some(false))
            }
            Operator::StartsWith => !within_domain && folded.starts_with(&pattern),
            Operator::EndsWith if within_domain => domain.ends_with(&pattern),
            Operator::Contains if within_domain => domain.contains(&pattern),
            Operator::EndsWith => folded.ends_with(&pattern),
            Operator::Contains => folded.contains(&pattern),
        }
    }

    /// Whether some other way of reading the text matches.
    fn matches_widely(&self, kind: Kind, text: &[u8]) -> bool {
        let matches = |reading: &str| reading.as_bytes() != text && self.matches(reading.as_bytes());
        let shown = String::from_utf8_lossy(text);
        let visible: String = shown.chars().filter(|&c| matches!(c, '\n' | '\t') || !is_invisible(c)).collect();
        let composed: Option<String> = (!visible.is_ascii()).then(|| visible.nfkc().collect());
        // What ends a line elsewhere parts words as a line end does.
        let ends_line = |c: char| matches!(c, '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let lined = shown.contains(ends_line).then(|| shown.replace("\r\n", "\n").replace(ends_line, "\n"));
        let lined = lined.map(|text| text.chars().filter(|&c| matches!(c, '\n' | '\t') || !is_invisible(c)).collect::<String>());
        std::iter::once(visible).chain(composed).chain(lined).any(|text| match kind {
            Kind::Name => matches(&text),
            Kind::Address => {
                let address = text.trim();
                let dotless = address.trim_end_matches('.');
                matches(address) || matches(dotless) || self.matches_domain(dotless)
            }
            Kind::Message => {
                let lines: Vec<&str> = text.lines().map(str::trim_end).skip_while(|line| line.is_empty()).collect();
                let (subject, body) = lines.split_at(lines.iter().position(|line| line.is_empty()).unwrap_or(lines.len()));
                let message = lines.join("\n");
                // `git log --oneline` shows the first paragraph as one line.
                let on_one_line = [&[subject.join(" ").as_str()], body].concat().join("\n");
                matches(message.trim_end()) || matches(message.trim()) || matches(on_one_line.trim())
            }
        })
    }

    /// Why the text breaks the pattern, or `None`.
    ///
    /// A text that is not UTF-8 keeps a pattern only if both its bytes and its readable form do, so that a stray byte
    /// hides nothing from a negated pattern. The same goes for a text with a NUL, behind which git shows nothing.
    pub(super) fn objection(&self, subject: &str, kind: Kind, text: &[u8]) -> Option<String> {
        let readable = String::from_utf8_lossy(text);
        let shown = text.split(|&byte| byte == 0).next().unwrap_or_default();
        let keeps = |text: &[u8]| self.matches(text) != self.negate;
        let kept = keeps(text)
            && (matches!(readable, Cow::Borrowed(_)) || keeps(readable.as_bytes()))
            && (shown.len() == text.len() || keeps(shown))
            && !(self.negate && self.matches_widely(kind, text))
            && !(self.negate && shown.len() != text.len() && self.matches_widely(kind, shown));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(operator: &str, pattern: &str, kind: Kind, text: &str) -> bool {
        let settings = serde_json::json!({ "operator": operator, "pattern": pattern, "negate": true });
        let pattern: TextPattern = serde_json::from_value(settings).unwrap();
        pattern.objection("it", kind, text.as_bytes()).is_some()
    }

    #[test]
    fn whatever_ends_a_line_parts_words() {
        for end in ["\n", "\r", "\r\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
            assert!(refuses("contains", "do not merge", Kind::Message, &format!("do not{end}merge")), "{end:?}");
        }
    }

    #[test]
    fn a_domain_is_compared_in_either_case() {
        for (operator, pattern) in [
            ("ends_with", "@Evil.org"),
            ("ends_with", "Evil.ORG"),
            ("contains", "@EVIL"),
            ("contains", "Vil.o"),
            ("regex", "@Evil[.]org$"),
            ("regex", "@(sub[.])?EVIL[.](org|com)$"),
            ("regex", "^[^@]+@evil"),
            ("regex", "^[^@]+@Evil[.]org"),
            ("regex", "Evil[.](org|Org|ORG)"),
            ("regex", "[@.]Evil[.]"),
            ("regex", "(^|[.@])Evil[.]"),
            ("starts_with", "a.b@eviL"),
        ] {
            for text in ["a.b@evil.org", "a.b@Evil.Org", "a.b@EVIL.ORG."] {
                assert!(refuses(operator, pattern, Kind::Address, text), "{operator} `{pattern}` {text}");
            }
        }
        for (operator, pattern, text) in [
            // The part before the `@` is compared as it is.
            ("contains", "Bot", "abbot@example.org"),
            ("starts_with", "Bot@", "bot@example.org"),
            ("regex", "Bot@", "abbot@example.org"),
            // This is about capitals in general.
            ("regex", "@.*[A-Z]", "a@example.org"),
            ("regex", r"@.*\p{Lu}", "a@example.org"),
            ("regex", r"@.*\P{Ll}\W\b", "a@example.org"),
            ("regex", "[@A]", "x"),
            ("regex", "(?P<x>y)@(?U)z", "a@example.org"),
        ] {
            assert!(!refuses(operator, pattern, Kind::Address, text), "{operator} `{pattern}` {text}");
        }
    }

    #[test]
    fn a_message_is_read_as_a_whole() {
        // Every message of one line, which a part of one must not become.
        assert!(!refuses("regex", r"^[^\n]*$", Kind::Message, "subject\n\nbody"));
        assert!(refuses("regex", r"^[^\n]*$", Kind::Message, "subject"));
        assert!(refuses("contains", "do not merge", Kind::Message, "do not\nmerge\n\nbody"));
        assert!(!refuses("contains", "do not merge", Kind::Message, "do not\n\nmerge"));
        assert!(refuses("regex", "(?m)^WIP$", Kind::Message, "a\n\nWIP \r\nb"));
        assert!(refuses("contains", "\u{202e}", Kind::Message, "a\u{202e}b"));
        assert!(!refuses("contains", "WIP", Kind::Name, "wip"));
        assert!(refuses("starts_with", "wip/", Kind::Name, "w\u{200b}ip/x"));
    }
}
