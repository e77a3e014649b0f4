//! What a log adds up to: decisions, rules, actors, and how long deciding took.

use super::error::LogError;
use super::records::records;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A name out of a record. As JSON: null, a string, or `{"bytes_hex": …}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// The record does not have it, as when the actor is unknown.
    Missing,
    /// Text.
    Text(String),
    /// Bytes that are not UTF-8, in hexadecimal.
    Bytes(String),
}

impl Name {
    fn of(value: Option<&Value>) -> Name {
        match value {
            None | Some(Value::Null) => Name::Missing,
            Some(Value::String(text)) => Name::Text(text.clone()),
            Some(other) => match other.get("bytes_hex").and_then(Value::as_str) {
                Some(hex) => Name::Bytes(hex.to_owned()),
                None => Name::Text(other.to_string()),
            },
        }
    }

    pub(super) fn of_path(path: &Path) -> Name {
        match path.to_str() {
            Some(text) => Name::Text(text.to_owned()),
            None => Name::Bytes(path.as_os_str().as_encoded_bytes().iter().map(|byte| format!("{byte:02x}")).collect()),
        }
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Name::Missing => serializer.serialize_none(),
            Name::Text(text) => serializer.serialize_str(text),
            Name::Bytes(hex) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("bytes_hex", hex)?;
                map.end()
            }
        }
    }
}

/// What [`stats`] counted. Lists are sorted by name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// The version of this format.
    pub version: u32,
    /// How many records there are, those of imports being opened and closed included.
    pub records: u64,
    /// How many lines are no records and not explained as torn.
    pub unreadable: u64,
    /// How many pushes were decided how.
    pub decisions: Vec<Count>,
    /// What kept pushes from being judged, by kind: a `race` needs no attention.
    pub causes: Vec<Count>,
    /// How many evaluations each rule had, and how they ended.
    pub rules: Vec<RuleCount>,
    /// How many pushes each actor made.
    pub actors: Vec<Count>,
    /// How long deciding took; `None` when no record says.
    pub milliseconds: Option<Milliseconds>,
}

/// How often a name occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What is counted.
    pub name: Name,
    /// How often.
    pub count: u64,
}

/// The evaluations of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleCount {
    /// The rule's id.
    pub rule: Name,
    /// How many evaluations, whatever their outcome.
    pub evaluations: u64,
    /// How many by outcome: passed, violated, bypassed, failed.
    pub outcomes: Vec<Count>,
}

/// Times in milliseconds, over the records that state one. Percentiles are by nearest rank: values that occurred.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Milliseconds {
    /// How many records state a time.
    pub count: u64,
    /// Half of the pushes took no longer.
    pub p50: f64,
    /// 99 in 100 pushes took no longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// Counts over all records of the log at `path`. Hashes are not checked.
///
/// # Errors
///
/// When there is no log or it cannot be read. Lines that are no records are counted, not an error.
pub fn stats(path: &Path) -> Result<Stats, LogError> {
    stats_of(records(path)?)
}

/// Counts over these records, as [`stats`] does over those of one log.
///
/// # Errors
///
/// When the system fails to read one.
pub fn stats_of(all: impl Iterator<Item = Result<Value, LogError>>) -> Result<Stats, LogError> {
    let mut records_seen = 0;
    let mut unreadable = 0;
    let mut decisions = BTreeMap::new();
    let mut causes = BTreeMap::new();
    let mut actors = BTreeMap::new();
    let mut rules: BTreeMap<Name, BTreeMap<Name, u64>> = BTreeMap::new();
    let mut times = Vec::new();
    for record in all {
        let record = match record {
            Ok(record) => record,
            Err(error) if error.is_io() => return Err(error),
            Err(_) => {
                unreadable += 1;
                continue;
            }
        };
        records_seen += 1;
        // What an administrator did is no push.
        if record.get("event").is_some() {
            continue;
        }
        *decisions.entry(Name::of(record.get("decision"))).or_default() += 1;
        if let Some(kind) = record.get("cause_kind") {
            *causes.entry(Name::of(Some(kind))).or_default() += 1;
        }
        *actors.entry(Name::of(record.get("actor"))).or_default() += 1;
        for evaluation in record.get("evaluations").and_then(Value::as_array).into_iter().flatten() {
            let outcomes = rules.entry(Name::of(evaluation.get("rule"))).or_default();
            *outcomes.entry(Name::of(evaluation.get("outcome"))).or_default() += 1;
        }
        times.extend(record.pointer("/work/milliseconds").and_then(Value::as_f64));
    }
    let rules = rules.into_iter().map(|(rule, outcomes)| RuleCount {
        rule,
        evaluations: outcomes.values().sum(),
        outcomes: counts(outcomes),
    });
    Ok(Stats {
        version: 1,
        records: records_seen,
        unreadable,
        decisions: counts(decisions),
        causes: counts(causes),
        rules: rules.collect(),
        actors: counts(actors),
        milliseconds: milliseconds(times),
    })
}

fn counts(map: BTreeMap<Name, u64>) -> Vec<Count> {
    map.into_iter().map(|(name, count)| Count { name, count }).collect()
}

fn milliseconds(mut times: Vec<f64>) -> Option<Milliseconds> {
    times.sort_unstable_by(f64::total_cmp);
    let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).checked_sub(1)?).copied();
    Some(Milliseconds { count: times.len() as u64, p50: rank(50)?, p99: rank(99)?, max: rank(100)? })
}
