//! Nothing that a push brings reaches a terminal raw: no control, bidirectional or invisible characters.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Whether a character may be shown as it is.
fn is_plain(character: char) -> bool {
    if (' '..='~').contains(&character) {
        return true;
    }
    match character.general_category() {
        GeneralCategory::Control
        | GeneralCategory::Format
        | GeneralCategory::Surrogate
        | GeneralCategory::PrivateUse
        | GeneralCategory::Unassigned
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator
        | GeneralCategory::SpaceSeparator => false,
        // Shown as nothing at all, though they are no format characters: grapheme joiner, Hangul fillers, Khmer vowels,
        // Mongolian and other variation selectors, the blank Braille pattern.
        _ => !matches!(character,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}'),
    }
}

/// The text with everything that must not be shown written as `\u{…}`.
pub fn sanitize(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if is_plain(character) {
            plain.push(character);
        } else {
            plain.extend(character.escape_unicode());
        }
    }
    plain
}

/// As [`sanitize`], for bytes: those that are no UTF-8 are written as `\x…`.
pub fn sanitize_bytes(bytes: &[u8]) -> String {
    let mut plain = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        plain.push_str(&sanitize(chunk.valid()));
        for byte in chunk.invalid() {
            plain.push_str(&format!("\\x{byte:02x}"));
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_text_and_hides_tricks() {
        assert_eq!(sanitize("Straße 東京 é"), "Straße 東京 é");
        assert_eq!(sanitize("a\x1b[31mb\nc\u{202e}d\u{200b}e\u{a0}f"), "a\\u{1b}[31mb\\u{a}c\\u{202e}d\\u{200b}e\\u{a0}f");
        assert_eq!(sanitize_bytes(b"a\xffb\xc3\xa9"), "a\\xffbé");
    }
}
