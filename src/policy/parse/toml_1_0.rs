//! What TOML 1.1 allows and 1.0 does not: a policy must read the same to every TOML parser.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::reader::{Reader, Value};

/// Complains of line breaks, comments and a last comma in inline tables, of the escapes `\e` and `\x`, and of times
/// without seconds.
pub(super) fn check(reader: &mut Reader<'_>, table: &DeTable<'_>) {
    for (key, value) in table {
        check_escapes(reader, key.span());
        check_value(reader, value);
    }
}

fn check_value(reader: &mut Reader<'_>, value: &Value<'_>) {
    match value.get_ref() {
        DeValue::String(_) => check_escapes(reader, value.span()),
        DeValue::Datetime(datetime) if datetime.time.is_some_and(|time| time.second.is_none()) => {
            reader.problem(value.span(), "a time without seconds is not TOML 1.0");
        }
        DeValue::Array(array) => array.iter().for_each(|element| check_value(reader, element)),
        DeValue::Table(table) => {
            check_inline(reader, table, value.span());
            check(reader, table);
        }
        _ => {}
    }
}

fn check_escapes(reader: &mut Reader<'_>, span: Range<usize>) {
    let raw = reader.source.get(span.clone()).unwrap_or_default();
    if !raw.starts_with('"') {
        return;
    }
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        if character == '\\' && matches!(characters.next(), Some('e' | 'x')) {
            reader.problem_help(span, "the escapes `\\e` and `\\x` are not TOML 1.0", Some("write `\\u` and four hex digits"));
            return;
        }
    }
}

fn check_inline(reader: &mut Reader<'_>, table: &DeTable<'_>, span: Range<usize>) {
    if !reader.source.get(span.clone()).is_some_and(|raw| raw.starts_with('{')) {
        return;
    }
    let mut inner = Vec::new();
    leaves(table, &mut inner);
    inner.sort_by_key(|range| range.start);
    let mut from = span.start;
    let mut last = "";
    for range in inner.into_iter().chain(std::iter::once(span.end..span.end)) {
        last = reader.source.get(from..range.start).unwrap_or_default();
        if let Some(at) = last.find(['\n', '#']) {
            let help = "put the table on one line, or give it a header of its own";
            reader.problem_help(from + at..from + at, "a line break in an inline table is not TOML 1.0", Some(help));
            return;
        }
        from = from.max(range.end);
    }
    if let Some(at) = last.find(',') {
        let at = span.end.saturating_sub(last.len()) + at;
        reader.problem(at..at + 1, "a comma after the last entry of an inline table is not TOML 1.0");
    }
}

/// The places of keys and values, without those of the tables that dotted keys imply.
fn leaves(table: &DeTable<'_>, found: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        found.push(key.span());
        match value.get_ref() {
            DeValue::Table(inner) if value.span() == key.span() => leaves(inner, found),
            _ => found.push(value.span()),
        }
    }
}
