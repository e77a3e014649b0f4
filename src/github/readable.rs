//! What was read, or why it could not be: never a default in its place.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something that was asked for. What may not be seen is neither empty nor equal to anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readable<T> {
    /// It was read.
    Known(T),
    /// It was not.
    Hidden(Hidden),
}

/// Why something is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hidden {
    /// What kind of reason it is.
    pub cause: Cause,
    /// The reason, for people, with the request that met it: `GET /repos/acme/api/keys: 403 Resource not accessible`.
    pub why: String,
    /// The permission that the answer asked for, as GitHub names it: `administration=read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
}

/// The kinds of reasons why something is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The token may not see it.
    NotPermitted,
    /// The plan, the host's version or the kind of account does not have it.
    NotOffered,
    /// The run was told not to ask, or nothing asked for it.
    NotAsked,
    /// The request failed, or its answer could not be read.
    Failed,
    /// Only a part was read.
    Partial,
    /// GitHub answered with something that this program does not know.
    Unknown,
}

impl Hidden {
    /// A reason.
    pub fn new(cause: Cause, why: impl Into<String>) -> Hidden {
        Hidden { cause, why: why.into(), permission: None }
    }

    /// Names the permission that would show it.
    #[must_use]
    pub fn needs(mut self, permission: impl Into<String>) -> Hidden {
        self.permission = Some(permission.into());
        self
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        if let Some(permission) = &self.permission {
            write!(f, " (needs {permission})")?;
        }
        Ok(())
    }
}

impl<T> Readable<T> {
    /// Not known, for this reason.
    pub fn hidden(cause: Cause, why: impl Into<String>) -> Readable<T> {
        Readable::Hidden(Hidden::new(cause, why))
    }

    /// Nothing asked for it.
    pub fn not_asked() -> Readable<T> {
        Readable::hidden(Cause::NotAsked, "not asked for in this run")
    }

    /// The value, or why there is none. This is how a check reads: `?` turns what is hidden into "cannot tell".
    ///
    /// # Errors
    /// It is hidden.
    pub fn read(&self) -> Result<&T, &Hidden> {
        match self {
            Readable::Known(value) => Ok(value),
            Readable::Hidden(hidden) => Err(hidden),
        }
    }

    /// The value, if it is known. Only for showing: whoever decides uses [`Readable::read`].
    pub fn known(&self) -> Option<&T> {
        self.read().ok()
    }

    /// The same, with the value changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Readable<U> {
        match self {
            Readable::Known(value) => Readable::Known(change(value)),
            Readable::Hidden(hidden) => Readable::Hidden(hidden),
        }
    }
}

impl<T> From<Result<T, Hidden>> for Readable<T> {
    fn from(result: Result<T, Hidden>) -> Readable<T> {
        match result {
            Ok(value) => Readable::Known(value),
            Err(hidden) => Readable::Hidden(hidden),
        }
    }
}

/// The key that marks a hidden value in JSON; GitHub has no such field.
const HIDDEN: &str = "~hidden";

impl<T: Serialize> Serialize for Readable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Readable::Known(value) => value.serialize(serializer),
            Readable::Hidden(hidden) => std::collections::BTreeMap::from([(HIDDEN, hidden)]).serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Readable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = serde_json::Value::deserialize(deserializer)?;
        let hidden = json.get_mut(HIDDEN).map(serde_json::Value::take);
        match hidden {
            Some(hidden) => serde_json::from_value(hidden).map(Readable::Hidden),
            None => serde_json::from_value(json).map(Readable::Known),
        }
        .map_err(serde::de::Error::custom)
    }
}
