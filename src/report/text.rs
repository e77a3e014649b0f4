//! Keeps what GitHub and policies say from doing anything but being read.

use std::borrow::Cow;

use super::Cost;
use crate::audit::{Finding, Place};
use crate::policy::problem::visible;

/// What is shown of a text, in characters. Nobody reads more, and nobody can then fill a report with one name.
const LONGEST: usize = 1_000;

/// The text with everything that does not show, or changes how other things show, as `\u{…}`: on one line, without escape
/// sequences, and no longer than somebody reads.
pub fn plain(text: &str) -> Cow<'_, str> {
    let shown = visible(text);
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}…", shown.get(..end).unwrap_or_default())),
        None => shown,
    }
}

/// `1 finding`, `2 findings`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The length of something, as a number to count with.
pub fn len<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

/// A place in one line: where, which ref, in what, which file and line.
pub fn place(place: &Place) -> String {
    parts(place).join(" ")
}

/// The parts of a place, the widest first, each plain.
pub fn parts(place: &Place) -> Vec<String> {
    let mut parts = vec![plain(&place.target).into_owned()];
    parts.extend(place.ref_name.as_deref().map(|name| plain(name).into_owned()));
    parts.extend(place.source.as_deref().map(|source| plain(source).into_owned()));
    if let Some(file) = &place.file {
        let file = plain(file);
        parts.push(place.line.map_or_else(|| file.to_string(), |line| format!("{file}:{line}")));
    }
    parts
}

/// Who can use it, where the message does not name them all; the first few of many.
pub fn who(finding: &Finding) -> Option<String> {
    const SHOWN: usize = 10;
    if finding.who.iter().all(|who| finding.message.contains(who.as_str())) {
        return None;
    }
    let mut names: Vec<_> = finding.who.iter().take(SHOWN).map(|who| plain(who).into_owned()).collect();
    let more = finding.who.len().saturating_sub(SHOWN);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    Some(names.join(", "))
}

/// `23 requests, 320 points, 1 sent again, 4 not modified, 1.2 s, of which 0.5 s waiting for GitHub's limits`
pub fn cost(cost: &Cost) -> String {
    let seconds = |milliseconds: u64| format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100);
    let mut parts = vec![count(cost.requests, "request"), count(cost.points, "point")];
    if cost.retries > 0 {
        parts.push(format!("{} sent again", cost.retries));
    }
    if cost.not_modified > 0 {
        parts.push(format!("{} not modified", cost.not_modified));
    }
    parts.push(seconds(cost.milliseconds));
    if cost.waited_milliseconds > 0 {
        parts.push(format!("of which {} waiting for GitHub's limits", seconds(cost.waited_milliseconds)));
    }
    parts.join(", ")
}

/// An address that can be linked to: https, and nothing in it that ends a link or an attribute.
pub fn link(url: &str) -> Option<&str> {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&*+,;=%".contains(c);
    (url.starts_with("https://") && url.chars().all(safe)).then_some(url)
}

/// A sentence from a text without a full stop.
pub fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", characters.as_str())
}

/// JSON in ASCII: nothing in it can then do anything to a terminal, and programs read the same.
pub fn ascii(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, ' '..='~' | '\n') {
            plain.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                plain.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    plain
}
