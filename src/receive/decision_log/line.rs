//! One line of the log: how it is written, and what makes it a whole record. No I/O.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::time::Duration;

/// What `previous` holds in the first record of a chain.
pub(super) const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The longest line in bytes, without its newline. Written and read alike: a longer line could be appended and then
/// never be read back, which would refuse every later push.
pub(super) const MAX_LINE: usize = 16_000_000;

/// Keys that this module sets and a caller's record may not.
const RESERVED: [&str; 6] = ["version", "id", "previous", "after_torn_line", "before_torn_line", "hash"];

/// Where the hashed part of a line ends.
const MARK: &[u8] = b",\"hash\":\"";
/// Length of everything after the hashed part: the mark, the digits, `"}`.
const ENDING: usize = MARK.len() + HASH_LEN + 2;
const HASH_LEN: usize = 64;

/// What a new record is chained to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The hash of the last whole record, or [`NOTHING_BEFORE`].
    pub(super) last: String,
    /// The hash of the torn bytes after it, when there are any.
    pub(super) torn: Option<String>,
}

/// What the chain needs to know of a whole record.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) previous: String,
    pub(super) hash: String,
    /// Whether the line before it is torn; then `previous` is the hash of that line's bytes.
    pub(super) after_torn_line: bool,
    /// The hash of the last whole record before the torn line.
    pub(super) before_torn_line: Option<String>,
    /// When the push was answered: when it came, and how long it took.
    pub(super) answered: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Fields {
    version: u64,
    id: String,
    previous: String,
    #[serde(default)]
    after_torn_line: bool,
    #[serde(default)]
    before_torn_line: Option<String>,
    hash: String,
    /// Whatever else it is, it is no time.
    #[serde(default)]
    time: Value,
    #[serde(default)]
    work: Value,
}

/// The members of a record as JSON text without the braces, or the reserved key that it sets.
pub(super) fn members(body: &Map<String, Value>) -> Result<String, String> {
    if let Some(key) = RESERVED.iter().find(|key| body.contains_key(**key)) {
        return Err(format!("the record sets `{key}`, which the log itself writes"));
    }
    let text = serde_json::to_string(body).map_err(|error| error.to_string())?;
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    Ok(inner.unwrap_or_default().to_owned())
}

/// The whole line, without its newline, and its hash.
pub(super) fn compose(id: &str, link: &Link, members: &str) -> (String, String) {
    let previous = link.torn.as_ref().unwrap_or(&link.last);
    let mut line = format!(r#"{{"version":1,"id":"{id}","previous":"{previous}""#);
    if link.torn.is_some() {
        // `previous` covers the torn bytes and nothing before them, so the last whole record is named as well:
        // without it, whatever stood just before a torn line could be removed unnoticed.
        line.push_str(r#","after_torn_line":true,"before_torn_line":""#);
        line.push_str(&link.last);
        line.push('"');
    }
    if !members.is_empty() {
        line.push(',');
        line.push_str(members);
    }
    let hash = hash_of(line.as_bytes());
    line.push_str(r#","hash":""#);
    line.push_str(&hash);
    line.push_str("\"}");
    (line, hash)
}

/// Reads a line without its newline; the error says why it is no whole record.
pub(super) fn parse(line: &[u8]) -> Result<Record, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    let Some((hashed, digits)) = split(line) else {
        return Err("it does not end with its hash".to_owned());
    };
    if hash_of(hashed).as_bytes() != digits {
        return Err("its bytes do not have the hash that it states".to_owned());
    }
    let fields: Fields = serde_json::from_str(text).map_err(|error| format!("it is not a record: {error}"))?;
    if fields.version != 1 {
        return Err(format!("its version `{}` is not known here", fields.version));
    }
    if ulid::Ulid::from_string(&fields.id).is_err() {
        return Err("its `id` is not a decision id".to_owned());
    }
    if !is_hash(&fields.previous) || !fields.before_torn_line.as_deref().is_none_or(is_hash) {
        return Err("it is not chained to a hash".to_owned());
    }
    if fields.after_torn_line != fields.before_torn_line.is_some() {
        return Err("it states only half of what follows a torn line".to_owned());
    }
    let took = fields.work.get("milliseconds").and_then(Value::as_f64).unwrap_or_default().clamp(0.0, 1e12);
    let answered = fields
        .time
        .as_str()
        .and_then(|time| time.parse::<Timestamp>().ok())
        .and_then(|time| time.checked_add(Duration::from_secs_f64(took / 1000.0)).ok());
    Ok(Record {
        previous: fields.previous,
        hash: fields.hash,
        after_torn_line: fields.after_torn_line,
        before_torn_line: fields.before_torn_line,
        answered,
    })
}

/// Whether these bytes, which are no whole record, can be what a crash left of one. A record that is whole and goes
/// on was not torn: its newline was overwritten, and must not pass for an accident.
pub(super) fn can_be_torn(bytes: &[u8]) -> bool {
    let mut hasher = Sha256::new();
    let mut hashed = 0;
    for (at, window) in bytes.windows(ENDING).enumerate() {
        if !window.starts_with(MARK) {
            continue;
        }
        let Some((_, digits)) = split(window) else { continue };
        // Hashing goes on from mark to mark, so hostile bytes full of marks cost no more than one pass.
        hasher.update(bytes.get(hashed..at).unwrap_or_default());
        hashed = at;
        if hex(&hasher.clone().finalize()).as_bytes() == digits {
            return false;
        }
    }
    true
}

/// The lower-case hexadecimal SHA-256 of `bytes`.
pub(super) fn hash_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether `text` is 64 lower-case hexadecimal digits.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == HASH_LEN && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The hashed part of a line and the digits that it states.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (hashed, ending) = line.split_at_checked(line.len().checked_sub(ENDING)?)?;
    let digits = ending.strip_prefix(MARK)?.strip_suffix(b"\"}")?;
    Some((hashed, digits))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(HASH_LEN), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
