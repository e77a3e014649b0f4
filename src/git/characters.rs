//! Characters that nobody sees.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Whether a character is shown as nothing at all, or only changes how others are shown: controls, format characters, line and
/// paragraph separators, and what Unicode calls default-ignorable though it counts as a letter or a mark.
pub fn is_invisible(character: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator, Surrogate};
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    matches!(character.general_category(), Control | Format | LineSeparator | ParagraphSeparator | Surrogate)
        || matches!(
            character,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
        )
}
