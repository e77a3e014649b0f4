//! What a string of a policy may hold: one answer for all of them, those within rules included.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::git::characters::is_invisible;

/// What is wrong with a string.
pub(super) struct Fault {
    /// What, behind the string's name.
    pub(super) what: String,
    /// The culprit within the string, in bytes; the whole string if `None`.
    pub(super) part: Option<(usize, usize)>,
    /// Whether it is a blank or a character that does not show.
    pub(super) unseen: bool,
}

/// What is wrong with a string that stands for a name, a path or a word: it is empty, padded, or holds what nobody sees.
pub(super) fn fault(text: &str) -> Option<Fault> {
    let whole = |what: &str, unseen| Some(Fault { what: what.to_owned(), part: None, unseen });
    if text.trim().is_empty() {
        return whole("is empty", false);
    }
    if text.trim() != text {
        return whole("begins or ends with a blank", true);
    }
    if text.chars().any(char::is_control) {
        return whole("contains a control character", false);
    }
    stray(text).map(|(at, character)| {
        let what = format!("contains the invisible character U+{:04X}", u32::from(character));
        Fault { what, part: Some((at, character.len_utf8())), unseen: true }
    })
}

/// The first character that does not show, or that shows as another blank than the space, with its place. Characters that
/// belong to how their neighbours are written are none: joiners in scripts that need them, selectors behind a symbol.
pub(in crate::policy) fn stray(text: &str) -> Option<(usize, char)> {
    let mut before = None;
    let mut rest = text.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        let after = rest.peek().map(|(_, after)| *after);
        if !(is_at_home(before, character, after) || is_seen(character)) {
            return Some((at, character));
        }
        before = Some(character);
    }
    None
}

fn is_seen(character: char) -> bool {
    character == ' ' || !(is_invisible(character) || character.is_whitespace())
}

fn is_at_home(before: Option<char>, character: char, after: Option<char>) -> bool {
    match character {
        '\u{200c}' | '\u{200d}' => before.is_some_and(joins) && after.is_some_and(joins),
        '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(|before| is_symbol(before) || matches!(before, '0'..='9' | '#' | '*')),
        // Variants of Han characters.
        '\u{e0100}'..='\u{e01ef}' => before.is_some_and(|before| before >= '\u{3400}' && before.is_alphabetic()),
        '\u{3000}' => before.is_some_and(is_wide) && after.is_some_and(is_wide),
        _ => false,
    }
}

/// Scripts in which a joiner changes how letters are written, and symbols that are joined to one.
fn joins(character: char) -> bool {
    matches!(character, '\u{620}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{a800}'..='\u{abff}' | '\u{fe0f}')
        || is_symbol(character)
}

fn is_symbol(character: char) -> bool {
    use GeneralCategory::{MathSymbol, ModifierSymbol, OtherSymbol};
    !character.is_ascii() && matches!(character.general_category(), OtherSymbol | MathSymbol | ModifierSymbol)
}

fn is_wide(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{d7a3}' | '\u{ff01}'..='\u{ffee}') && is_seen(character)
}

/// The first character that does not show, in a text that is to be matched: there any blank and line end may be meant, but nothing
/// invisible beside what is not.
pub(super) fn hides_something(text: &str) -> Option<(usize, char)> {
    // Forbidding invisible characters is a reason to write nothing else.
    if text.chars().all(|character| is_invisible(character) || character.is_whitespace()) {
        return None;
    }
    let mut before = None;
    text.char_indices().find(|&(at, character)| {
        let after = text.get(at + character.len_utf8()..).and_then(|rest| rest.chars().next());
        let seen = character.is_whitespace() || is_seen(character) || is_at_home(before, character, after);
        before = Some(character);
        !seen
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_found() {
        for text in [
            "jar\u{200b}",
            "jar\u{200d}",
            "\u{feff}jar",
            "j\u{ad}ar",
            "jar\u{fe0f}",
            "ключ\u{200d}и",
            "a\u{a0}b",
            "a\u{2003}b",
            "\u{115f}a",
            "a\u{3000}b",
            "a\u{202e}b",
            "ö\u{200d}\u{200d}ö",
            "a\u{2028}b",
        ] {
            assert!(stray(text).is_some(), "{text:?}");
            assert!(fault(text).is_some_and(|fault| fault.what.contains("U+")), "{text:?}");
        }
        for text in ["", " ", "a ", " a", "\u{a0}a", "a\n", "a\tb", "\u{3000}", "a\0b"] {
            assert!(fault(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn what_is_written_that_way_is_left_alone() {
        for text in [
            "a b",
            "Straße/é/東京",
            "設計\u{3000}書.xlsx",
            "نامه\u{200c}ها",
            "क्\u{200d}ष",
            "\u{1f468}\u{200d}\u{1f4bb} lint",
            "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
            "\u{26a0}\u{fe0f} build",
            "1\u{fe0f}\u{20e3}",
            "葛\u{e0100}城",
            "e\u{301}",
            "\u{f8ff}",
        ] {
            assert!(fault(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_pattern_of_nothing_but_invisible_characters_is_meant() {
        assert!(hides_something("\u{202e}").is_none() && hides_something("\u{200b}\u{200c}").is_none());
        assert!(hides_something("feat: ").is_none() && hides_something("a\n\nb\t\u{a0}:").is_none());
        assert!(hides_something("WIP\u{200b}").is_some());
    }
}
