//! What every part of the parser needs: places, problems, and typed looks at values.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::strings;
use crate::git::pattern::{BadPattern, Pattern};
use crate::policy::problem::visible;
use crate::policy::{Location, Problem};

/// A value with its place.
pub(super) type Value<'s> = Spanned<DeValue<'s>>;
/// A text with its place.
pub(super) type Text = Spanned<String>;

/// The source, and what is wrong with it so far.
pub(super) struct Reader<'s> {
    pub(super) source: &'s str,
    line_starts: Vec<usize>,
    problems: Vec<Problem>,
    /// Lines on which the TOML itself is broken. What is recovered from them says little.
    broken_lines: BTreeSet<usize>,
}

/// More problems than anybody reads. What is beyond is not recorded, so that a hopeless file is refused at once.
const MANY: usize = 500;

impl<'s> Reader<'s> {
    pub(super) fn new(source: &'s str) -> Reader<'s> {
        let line_starts = std::iter::once(0).chain(source.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
        Reader { source, line_starts, problems: Vec::new(), broken_lines: BTreeSet::new() }
    }

    /// Where an offset lies.
    pub(super) fn at(&self, offset: usize) -> Location {
        let line = self.line_starts.partition_point(|&start| start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or_default();
        let column = self.source.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Location { line, column }
    }

    /// Notes that the TOML itself is broken. One error a line: what follows it there is mostly its echo.
    pub(super) fn broken(&mut self, span: Range<usize>, message: &str) {
        if self.problems.len() >= MANY || self.broken_lines.contains(&self.at(span.start).line) {
            return;
        }
        let last_line = self.at(span.end.min(self.source.len())).line;
        let at = self.push(span, message, None);
        self.broken_lines.extend(at.line..=last_line);
    }

    /// Notes a character that should not be there, also on a line that is broken.
    pub(super) fn deception(&mut self, span: Range<usize>, message: &str, help: &str) {
        let at = self.push(span, message, Some(help));
        self.broken_lines.insert(at.line);
    }

    /// Notes a problem.
    pub(super) fn problem(&mut self, span: Range<usize>, message: impl AsRef<str>) {
        self.problem_help(span, message, None::<&str>);
    }

    /// Notes a problem and what to do about it.
    pub(super) fn problem_help(&mut self, span: Range<usize>, message: impl AsRef<str>, help: Option<impl AsRef<str>>) {
        if self.problems.len() < MANY && !self.broken_lines.contains(&self.at(span.start).line) {
            self.push(span, message.as_ref(), help.as_ref().map(AsRef::as_ref));
        }
    }

    /// Notes that something is not there, unless the TOML is broken: then it may well be.
    pub(super) fn missing(&mut self, span: Range<usize>, message: impl AsRef<str>, help: Option<impl AsRef<str>>) {
        if self.broken_lines.is_empty() {
            self.problem_help(span, message, help);
        }
    }

    fn push(&mut self, span: Range<usize>, message: &str, help: Option<&str>) -> Location {
        let end = span.end.min(self.source.len());
        let span = span.start.min(end)..end;
        let at = self.at(span.start);
        let one_line = |text: &str| visible(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned();
        let problem = Problem { message: one_line(message), help: help.map(one_line), span, at };
        if self.problems.len() < MANY && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        at
    }

    /// How many problems there are so far.
    pub(super) fn count(&self) -> usize {
        self.problems.len()
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_fine(&self) -> bool {
        self.problems.is_empty()
    }

    /// All problems, in the order of the file.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.span.start);
        self.problems
    }

    /// A table of known keys; unknown ones are problems.
    pub(super) fn table<'v, 't>(&mut self, value: &'v Value<'t>, what: &str, known: &[&str]) -> Option<&'v DeTable<'t>> {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_kind(value, what, "a table");
            return None;
        };
        self.known_keys(table, what, known);
        Some(table)
    }

    /// Complains of the keys that are not known.
    pub(super) fn known_keys(&mut self, table: &DeTable<'_>, what: &str, known: &[&str]) {
        for (key, _) in table {
            if !known.contains(&key.get_ref().as_ref()) {
                let help = suggestion(key.get_ref(), known);
                self.problem_help(key.span(), format!("unknown key `{}` in {what}", key.get_ref()), Some(help));
            }
        }
    }

    /// Complains of a value of the wrong kind.
    pub(super) fn wrong_kind(&mut self, value: &Value<'_>, what: &str, wanted: &str) {
        self.problem(value.span(), format!("{what} is {}, expected {wanted}", kind(value.get_ref())));
    }

    /// A text that is neither empty nor padded with blanks, without characters that nobody sees.
    pub(super) fn text(&mut self, value: &Value<'_>, what: &str) -> Option<Text> {
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_kind(value, what, "a string");
            return None;
        };
        self.check_string(value.span(), text, what, None).then(|| Spanned::new(value.span(), text.clone().into_owned()))
    }

    /// A text that is only shown, such as a ruleset's name, which GitHub may hold with characters that do not show. It is neither
    /// empty nor padded.
    pub(super) fn label(&mut self, value: &Value<'_>, what: &str) -> Option<Text> {
        match value.get_ref() {
            DeValue::String(text) if strings::fault(text).is_some_and(|fault| fault.part.is_some()) => {
                Some(Spanned::new(value.span(), text.clone().into_owned()))
            }
            _ => self.text(value, what),
        }
    }

    /// Whether a string holds only what it seems to hold; complains if not. `help` is for what does not show.
    pub(super) fn check_string(&mut self, string: Range<usize>, text: &str, what: &str, help: Option<&str>) -> bool {
        let Some(fault) = strings::fault(text) else { return true };
        let span = match fault.part {
            Some((offset, len)) => self.inside(&string, offset, len),
            None => string,
        };
        self.problem_help(span, format!("{what} {}", fault.what), help.filter(|_| fault.unseen));
        false
    }

    /// A list of texts. What is wrong with one does not hide the others.
    pub(super) fn texts(&mut self, value: &Value<'_>, what: &str) -> Vec<Text> {
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_kind(value, what, "a list of strings");
            return Vec::new();
        };
        array.iter().filter_map(|element| self.text(element, &format!("an entry of {what}"))).collect()
    }

    /// One of a few words.
    pub(super) fn word<T: Clone>(&mut self, value: &Value<'_>, what: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(value, what)?;
        let found = words.iter().find(|(word, _)| word == text.get_ref());
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.problem_help(
                text.span(),
                format!("unknown {what} `{}`", text.get_ref()),
                Some(suggestion(text.get_ref(), &known)),
            );
        }
        found.map(|(_, meaning)| meaning.clone())
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, value: &Value<'_>, what: &str) -> Option<bool> {
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_kind(value, what, "`true` or `false`");
        }
        found
    }

    /// A number from `least` on.
    pub(super) fn number(&mut self, value: &Value<'_>, what: &str, least: u64) -> Option<u64> {
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_kind(value, what, "an integer");
            return None;
        };
        let found = u64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|&number| number >= least);
        if found.is_none() {
            let negative = integer.as_str().starts_with('-');
            let small = negative || u64::from_str_radix(integer.as_str(), integer.radix()).is_ok();
            let expected = if small { format!("expected at least {least}") } else { "which is too large".to_owned() };
            self.problem(value.span(), format!("{what} is `{integer}`, {expected}"));
        }
        found
    }

    /// A day, as TOML writes a date without time.
    pub(super) fn date(&mut self, value: &Value<'_>, what: &str) -> Option<Date> {
        let date = match value.get_ref() {
            DeValue::Datetime(datetime) if datetime.time.is_none() && datetime.offset.is_none() => datetime.date,
            _ => None,
        };
        let found = date.and_then(|date| {
            let (month, day) = (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
            Date::new(i16::try_from(date.year).ok()?, month, day).ok()
        });
        if found.is_none() {
            let help = "write a day without quotes and without a time: 2027-01-31";
            self.problem_help(value.span(), format!("{what} is {}, expected a date", kind(value.get_ref())), Some(help));
        }
        found
    }

    /// A pattern. `prefix` is put before what is written.
    pub(super) fn pattern(&mut self, text: &Text, prefix: &str) -> Option<Pattern> {
        let written = text.get_ref().as_str();
        match Pattern::parse(written).and_then(|_| {
            Pattern::parse(&format!("{prefix}{written}"))
                .map_err(|bad| BadPattern { offset: bad.offset.saturating_sub(prefix.len()), ..bad })
        }) {
            Ok(pattern) => Some(pattern),
            Err(bad) => {
                self.bad_pattern(text.span(), &bad);
                None
            }
        }
    }

    /// Complains of a pattern, with the caret at the culprit within the string where that can be.
    pub(super) fn bad_pattern(&mut self, string: Range<usize>, bad: &BadPattern) {
        let span = self.inside(&string, bad.offset, bad.len);
        self.problem_help(span, &bad.message, bad.help.as_ref());
    }

    /// The place of a part of a string: exact for a string in which every byte stands for itself, else the whole.
    pub(super) fn inside(&self, string: &Range<usize>, offset: usize, len: usize) -> Range<usize> {
        let raw = self.source.get(string.clone()).unwrap_or_default();
        let multi_line = raw.starts_with("\"\"\"") || raw.starts_with("'''");
        let plain = !multi_line && (raw.starts_with('\'') || (raw.starts_with('"') && !raw.contains('\\')));
        let start = string.start + 1 + offset;
        let end = start + len.max(1);
        let fits = end < string.end && self.source.is_char_boundary(start) && self.source.is_char_boundary(end);
        if plain && fits { start..end } else { string.clone() }
    }
}

/// What a value is, with its article.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// The entries of a table in the order of the file.
pub(super) fn in_order<'v, 't>(table: &'v DeTable<'t>) -> Vec<(&'v Spanned<std::borrow::Cow<'t, str>>, &'v Value<'t>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The help for an unknown word: the one that was meant, else the words there are.
pub(super) fn suggestion(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known here: {}", known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ")),
    }
}

/// The known word that was probably meant.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    // Nobody mistypes a long text for a short word, and the comparison is quadratic.
    if word.len() > 100 {
        return None;
    }
    let word = plain(word);
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&word, &plain(known)), *known))
        .filter(|(distance, known)| *distance < word.len() && *distance <= (known.len().max(word.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
        .or_else(|| known.iter().find(|known| word.len() >= 3 && plain(known).starts_with(&word)).copied())
}
