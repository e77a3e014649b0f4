//! Sizes and durations.

use std::time::Duration;

use toml::de::DeValue;

use super::reader::{Reader, Value};

/// Sizes are counted as GitHub counts megabytes: by 1,048,576 bytes.
const SIZES: &[(&str, u64)] = &[("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30)];
/// In milliseconds.
const DURATIONS: &[(&str, u64)] = &[("ms", 1), ("s", 1000)];

/// A size in bytes: `"64MB"`, or an integer of bytes.
pub(super) fn size(reader: &mut Reader<'_>, value: &Value<'_>, what: &str, least: u64) -> Option<u64> {
    if let DeValue::Integer(_) = value.get_ref() {
        return reader.number(value, what, least);
    }
    quantity(
        reader,
        value,
        what,
        least,
        SIZES,
        "write a size as `\"64MB\"`; units are `KB`, `MB` and `GB`, an integer counts bytes",
    )
}

/// A duration longer than none: `"10s"` or `"500ms"`.
pub(super) fn duration(reader: &mut Reader<'_>, value: &Value<'_>, what: &str) -> Option<Duration> {
    let help = "write a duration as `\"10s\"` or `\"500ms\"`";
    quantity(reader, value, what, 1, DURATIONS, help).map(Duration::from_millis)
}

fn quantity(
    reader: &mut Reader<'_>,
    value: &Value<'_>,
    what: &str,
    least: u64,
    units: &[(&str, u64)],
    help: &str,
) -> Option<u64> {
    let DeValue::String(text) = value.get_ref() else {
        reader.problem_help(value.span(), format!("{what} is {}", super::reader::kind(value.get_ref())), Some(help));
        return None;
    };
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let Some((number, factor)) = number.parse::<u64>().ok().zip(factor) else {
        reader.problem_help(value.span(), format!("{what} `{text}` is unreadable"), Some(help));
        return None;
    };
    let found = number.checked_mul(factor).filter(|&found| found >= least);
    if found.is_none() {
        let wrong = if number == 0 { "is nothing" } else { "is too large" };
        reader.problem(value.span(), format!("{what} `{text}` {wrong}"));
    }
    found
}
