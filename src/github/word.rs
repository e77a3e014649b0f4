//! GitHub's words: those this program knows, and those it keeps without knowing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of GitHub's words. A new one is kept as it came, shown and reported: it never breaks a read and never passes for
/// one that is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Word<T> {
    /// A word of the published schema.
    Known(T),
    /// Another one.
    Unknown(String),
}

impl<T> Word<T> {
    /// The known word.
    pub fn known(&self) -> Option<&T> {
        match self {
            Word::Known(word) => Some(word),
            Word::Unknown(_) => None,
        }
    }
}

impl<T: PartialEq> Word<T> {
    /// Whether it is this word.
    pub fn is(&self, word: &T) -> bool {
        self.known() == Some(word)
    }
}

impl<T: Serialize> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(word)) => f.write_str(&word),
            _ => Err(fmt::Error),
        }
    }
}
