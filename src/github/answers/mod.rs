//! From GitHub's answers to values. Pure; what an answer does not say stays hidden, with the reason.
//!
//! [`place`] walks a GraphQL answer together with its errors; [`index`], [`protections`] and [`details`] read the two
//! queries of the audit, [`rest`] and [`rest_protection`] what only REST has.

pub mod details;
pub mod index;
pub mod people;
pub mod place;
pub mod protections;
pub mod rest;
pub mod rest_protection;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::word::Word;

/// One of GraphQL's words, which are in capitals where REST's are not.
pub fn word<T: DeserializeOwned>(text: &str) -> Word<T> {
    match serde_json::from_value(Value::String(text.to_lowercase())) {
        Ok(known) => Word::Known(known),
        Err(_) => Word::Unknown(text.to_owned()),
    }
}

/// A text of a JSON object; empty where there is none.
pub(super) fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A text of a JSON object, where there is one.
pub(super) fn maybe_text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// A truth of a JSON object; false where there is none.
pub(super) fn truth(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// A number of a JSON object, where there is one.
pub(super) fn number(value: &Value, key: &str) -> Option<u64> {
    value.get(key).and_then(Value::as_u64)
}
