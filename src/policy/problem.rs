//! What is wrong with a policy, and where; how it is shown.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::git::characters::is_invisible;

/// A place in a policy file, counted from 1; line 0 where no line says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong: lower case, no full stop, values in backticks, nothing invisible.
    pub message: String,
    /// What to do about it; nothing invisible either.
    pub help: Option<String>,
    /// The culprit's bytes in the file.
    pub span: Range<usize>,
    /// Where the culprit begins.
    pub at: Location,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Problem {
    /// One line, `policy.toml:3:9: message (help)`, that shows nothing of the file but what the message quotes: a
    /// pusher may read it.
    pub fn line(&self, file: &str) -> String {
        let help = self.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}:{}: {}{help}", visible(file), self.at, self.message)
    }

    /// Several lines: the message, the place, the line of the file with the culprit underlined, and the help.
    ///
    /// `source` is the file's content as it was parsed.
    pub fn render(&self, file: &str, source: &[u8], colour: bool) -> String {
        let source = String::from_utf8_lossy(source);
        let (line, marked) = marked_line(&source, &self.span);
        let snippet = Snippet::source(line)
            .path(visible(file))
            .line_start(self.at.line)
            .fold(false)
            .annotation(AnnotationKind::Primary.span(marked));
        let mut group = Level::ERROR.primary_title(self.message.as_str()).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

/// The line in which `span` begins, with U+FFFD for whatever is invisible in it, and what of it to underline.
fn marked_line(source: &str, span: &Range<usize>) -> (String, Range<usize>) {
    let start = floor_char(source, span.start);
    let end = floor_char(source, span.end.max(start));
    let before = source.get(..start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = source.get(start..).and_then(|rest| rest.find('\n')).map_or(source.len(), |length| start + length);
    let carriage_return = source.get(start..line_end).is_some_and(|rest| rest.ends_with('\r'));
    let line_end = if carriage_return { line_end - 1 } else { line_end };
    let part = |range: Range<usize>| replaced(source.get(range).unwrap_or_default());
    let (left, middle, right) = (part(line_start..start), part(start..end.min(line_end)), part(end.min(line_end)..line_end));
    let marked = left.len()..left.len() + middle.len();
    (left + &middle + &right, marked)
}

fn floor_char(source: &str, offset: usize) -> usize {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// One character for one, so that columns and carets stay where they belong. Tabs are the renderer's work.
fn replaced(text: &str) -> String {
    text.chars().map(|character| if character == '\t' || shows(character) { character } else { '\u{fffd}' }).collect()
}

/// The text with every character that does not show, or that changes how others show, as `\u{…}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(shows) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if shows(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_unicode());
        }
    }
    Cow::Owned(shown)
}

/// Whether a character shows as itself: no control, format, separator, private or unassigned character, no blank but
/// the space, and none of those that Unicode calls default-ignorable.
pub(super) fn shows(character: char) -> bool {
    use GeneralCategory::{PrivateUse, SpaceSeparator, Unassigned};
    character == ' '
        || !(is_invisible(character) || matches!(character.general_category(), PrivateUse | SpaceSeparator | Unassigned))
}

/// Whether a character may make a policy read differently from what it says: controls other than tab and line ends,
/// and format characters (bidirectional overrides, zero-width characters).
pub(super) fn deceives(character: char) -> bool {
    use GeneralCategory::*;
    if character.is_ascii() {
        return character.is_ascii_control() && !matches!(character, '\t' | '\n' | '\r');
    }
    matches!(character.general_category(), Control | Format | LineSeparator | ParagraphSeparator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(source: &str, span: Range<usize>) -> Problem {
        let column = source[..span.start].chars().count() + 1;
        Problem { message: "wrong".to_owned(), help: Some("right".to_owned()), span, at: Location { line: 1, column } }
    }

    #[test]
    fn ascii_deceives_by_its_category_too() {
        for character in '\0'..='\x7f' {
            let control = character.general_category() == GeneralCategory::Control;
            assert_eq!(deceives(character), control && !['\t', '\n', '\r'].contains(&character), "{character:?}");
        }
    }

    #[test]
    fn invisible_characters_never_reach_the_output() {
        let hidden = [
            '\u{1b}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{200d}',
            '\u{feff}',
            '\u{9b}',
            '\u{e0041}',
            '\u{ad}',
            '\u{3164}',
            '\0',
        ];
        let source: String = hidden.iter().collect::<String>() + "é = oops";
        let start = source.find("oops").unwrap();
        let shown = problem(&source, start..start + 4).render("p\u{202e}.toml", source.as_bytes(), false);
        assert!(!shown.contains(hidden), "{shown:?}");
        assert!(shown.contains(r"--> p\u{202e}.toml:1:16"), "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let caret = lines[4].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[3].chars().skip(caret).take(4).collect::<String>(), "oops", "{shown}");
        assert_eq!(visible("a\u{202e}b\u{1b}[0m"), r"a\u{202e}b\u{1b}[0m");
    }

    #[test]
    fn a_span_beyond_the_line_is_marked_to_its_end() {
        let source = "a = [\n1\n]\n";
        let shown = problem(source, 4..9).render("p.toml", source.as_bytes(), false);
        assert!(shown.contains("1 | a = ["), "{shown}");
        assert!(!shown.contains("2 |"), "{shown}");
        assert_eq!(problem(source, 4..9).line("p.toml"), "p.toml:1:5: wrong (right)");
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_shown_replaced() {
        let shown =
            Problem { span: 2..3, at: Location { line: 1, column: 3 }, ..problem("", 0..0) }.render("p", b"ab\xffcd", false);
        assert!(shown.contains("ab\u{fffd}cd"), "{shown}");
    }

    #[test]
    fn colour_is_asked_for() {
        assert!(!problem("abc", 0..1).render("p", b"abc", false).contains('\u{1b}'));
        assert!(problem("abc", 0..1).render("p", b"abc", true).contains('\u{1b}'));
    }
}
