//! Texts in other encodings than UTF-8, read exactly as git reads them.
//!
//! git converts by iconv what names an encoding. Here an encoding is read only as far as it was compared with glibc's iconv,
//! sequence by sequence, and came out the same; of anything else nobody can say what git shows.

use encoding_rs::{self as table, Encoding};

/// Whether git takes the name for UTF-8, so that nothing is converted.
pub(super) fn is_utf8(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"UTF-8") || name.eq_ignore_ascii_case(b"UTF8")
}

/// How an encoding is read.
enum Reading {
    /// Each byte is the character of that number, but for these.
    Latin(&'static [(u8, char)]),
    /// Each byte is a character of the table.
    Single(&'static Encoding),
    /// A byte that the first function takes is a character, and two that the second takes are one.
    Double(&'static Encoding, fn(u8) -> bool, fn(u8, u8) -> bool),
}

use Reading::{Double, Latin, Single};

fn is_ascii(byte: u8) -> bool {
    byte.is_ascii()
}

/// ASCII and the narrow katakana. `\` and `~` are the yen sign and the overline in some tables of Shift_JIS.
fn is_single_in_shift_jis(byte: u8) -> bool {
    matches!(byte, ..0x80 | 0xa1..=0xdf) && !matches!(byte, b'\\' | b'~')
}

fn is_single_in_windows_31j(byte: u8) -> bool {
    matches!(byte, ..0x80 | 0xa1..=0xdf)
}

/// The rows of JIS X 0208, without those that vendors added.
fn is_shift_jis(lead: u8, trail: u8) -> bool {
    matches!(lead, 0x81..=0x84 | 0x88..=0x9f | 0xe0..=0xea)
        && !matches!((lead, trail), (0x81, 0x60 | 0x61 | 0x7c | 0x91 | 0x92 | 0xca))
}

fn is_windows_31j(lead: u8, _: u8) -> bool {
    matches!(lead, 0x81..=0x9f | 0xe0..=0xfc)
}

fn is_euc_jp(lead: u8, trail: u8) -> bool {
    matches!(lead, 0xa1..=0xac | 0xae..=0xf4)
        && trail >= 0xa1
        && !matches!((lead, trail), (0xa1, 0xc1 | 0xc2 | 0xdd | 0xf1 | 0xf2) | (0xa2, 0xcc))
}

fn is_gb2312(lead: u8, trail: u8) -> bool {
    matches!(lead, 0xa1 | 0xa3..=0xa5 | 0xa7 | 0xb0..=0xf7) && trail >= 0xa1 && !matches!((lead, trail), (0xa1, 0xa4 | 0xaa))
}

fn is_gbk(lead: u8, trail: u8) -> bool {
    match lead {
        0x81..=0xa0 => trail >= 0x40,
        0xa1 | 0xa3..=0xa5 | 0xa7 => trail >= 0xa1,
        0xb0..=0xf7 => trail >= 0x40,
        0xaa..=0xfd => matches!(trail, 0x40..=0xa0),
        _ => false,
    }
}

fn is_big5(lead: u8, trail: u8) -> bool {
    match lead {
        0xa3 => trail < 0xc0,
        0xc6 => trail < 0xa1,
        0xf9 => trail < 0xd6,
        0xa1..=0xc5 | 0xc9..=0xf8 => true,
        _ => false,
    }
}

fn is_euc_kr(lead: u8, trail: u8) -> bool {
    matches!(lead, 0xa1..=0xc8 | 0xca..=0xfd) && trail >= 0xa1
}

fn is_windows_949(lead: u8, _: u8) -> bool {
    lead > 0x80
}

/// What ISO-8859-9 has in the place of Icelandic letters.
const TURKISH: &[(u8, char)] = &[(0xd0, 'Ğ'), (0xdd, 'İ'), (0xde, 'Ş'), (0xf0, 'ğ'), (0xfd, 'ı'), (0xfe, 'ş')];

/// Each encoding, by the names that iconv knows it by, in lower case.
static ENCODINGS: &[(&[&str], Reading)] = &[
    (&["us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us"], Double(table::WINDOWS_1252, is_ascii, |_, _| false)),
    (&["iso-8859-1", "iso8859-1", "iso_8859-1", "iso88591", "8859_1", "latin1", "latin-1", "l1"], Latin(&[])),
    (&["iso-8859-2", "iso8859-2", "iso_8859-2", "iso88592", "latin2", "l2"], Single(table::ISO_8859_2)),
    (&["iso-8859-3", "iso8859-3", "iso_8859-3", "iso88593", "latin3"], Single(table::ISO_8859_3)),
    (&["iso-8859-4", "iso8859-4", "iso_8859-4", "iso88594", "latin4"], Single(table::ISO_8859_4)),
    (&["iso-8859-5", "iso8859-5", "iso_8859-5", "iso88595", "cyrillic"], Single(table::ISO_8859_5)),
    (&["iso-8859-6", "iso8859-6", "iso_8859-6", "iso88596", "arabic"], Single(table::ISO_8859_6)),
    (&["iso-8859-7", "iso8859-7", "iso_8859-7", "iso88597", "greek"], Single(table::ISO_8859_7)),
    (&["iso-8859-8", "iso8859-8", "iso_8859-8", "iso88598", "hebrew"], Single(table::ISO_8859_8)),
    (&["iso-8859-9", "iso8859-9", "iso_8859-9", "iso88599", "latin5", "l5"], Latin(TURKISH)),
    (&["iso-8859-10", "iso8859-10", "iso_8859-10", "latin6"], Single(table::ISO_8859_10)),
    (&["iso-8859-13", "iso8859-13", "latin7"], Single(table::ISO_8859_13)),
    (&["iso-8859-14", "iso8859-14", "latin8"], Single(table::ISO_8859_14)),
    (&["iso-8859-15", "iso8859-15", "iso_8859-15", "iso885915", "latin-9"], Single(table::ISO_8859_15)),
    (&["iso-8859-16", "iso8859-16", "latin10"], Single(table::ISO_8859_16)),
    (&["windows-1250", "cp1250"], Single(table::WINDOWS_1250)),
    (&["windows-1251", "cp1251"], Single(table::WINDOWS_1251)),
    (&["windows-1252", "cp1252"], Single(table::WINDOWS_1252)),
    (&["windows-1253", "cp1253"], Single(table::WINDOWS_1253)),
    (&["windows-1254", "cp1254"], Single(table::WINDOWS_1254)),
    (&["windows-1256", "cp1256"], Single(table::WINDOWS_1256)),
    (&["windows-1257", "cp1257"], Single(table::WINDOWS_1257)),
    (&["cp874"], Single(table::WINDOWS_874)),
    (&["koi8-r"], Single(table::KOI8_R)),
    (&["koi8-u"], Double(table::KOI8_U, |byte| !matches!(byte, 0xae | 0xbe), |_, _| false)),
    (&["cp866", "ibm866", "866"], Single(table::IBM866)),
    (&["shift_jis", "shift-jis", "sjis", "ms_kanji"], Double(table::SHIFT_JIS, is_single_in_shift_jis, is_shift_jis)),
    (&["cp932", "windows-31j"], Double(table::SHIFT_JIS, is_single_in_windows_31j, is_windows_31j)),
    (&["euc-jp", "eucjp"], Double(table::EUC_JP, is_ascii, is_euc_jp)),
    (&["gb2312", "euc-cn", "euccn"], Double(table::GBK, is_ascii, is_gb2312)),
    (&["gbk", "cp936"], Double(table::GBK, is_ascii, is_gbk)),
    (&["gb18030"], Double(table::GB18030, is_ascii, is_gbk)),
    (&["big5", "big-5"], Double(table::BIG5, is_ascii, is_big5)),
    (&["euc-kr", "euckr"], Double(table::EUC_KR, is_ascii, is_euc_kr)),
    (&["cp949", "uhc"], Double(table::EUC_KR, is_ascii, is_windows_949)),
];

/// The text in UTF-8, exactly as iconv has it; `None` where that cannot be said.
pub(super) fn decode(name: &[u8], text: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let known = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let (_, reading) = ENCODINGS.iter().find(|(names, _)| known(names))?;
    let (encoding, takes): (_, bool) = match reading {
        Latin(others) => {
            let character =
                |&byte: &u8| others.iter().find(|(other, _)| *other == byte).map_or(char::from(byte), |(_, other)| *other);
            return Some(text.iter().map(character).collect());
        }
        Single(encoding) => (encoding, true),
        Double(encoding, single, double) => (encoding, takes(text, *single, *double)),
    };
    if !takes {
        return None;
    }
    let decoded = encoding.decode_without_bom_handling_and_without_replacement(text)?.into_owned();
    // Tables on the web have a control character for what windows' tables leave out, and a private one for what vendors may
    // fill in. ISO's own tables do have the control characters.
    let has_controls = encoding.name().starts_with("ISO-8859-");
    let inexact = |character: char| {
        matches!(character, '\u{e000}'..='\u{f8ff}') || (!has_controls && matches!(character, '\u{80}'..='\u{9f}'))
    };
    (!decoded.contains(inexact)).then_some(decoded)
}

/// Whether the whole text is made of characters that are taken.
fn takes(text: &[u8], single: fn(u8) -> bool, double: fn(u8, u8) -> bool) -> bool {
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return true,
            [byte, rest @ ..] if single(*byte) => rest,
            [lead, trail, rest @ ..] if !lead.is_ascii() && double(*lead, *trail) => rest,
            _ => return false,
        };
    }
}
