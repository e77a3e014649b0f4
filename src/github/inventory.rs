//! Which repositories were seen, and which were not: silence is no answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::readable::{Hidden, Readable};

/// What a run saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// How many repositories were handed on: the selected ones that could be read.
    pub read: u64,
    /// How many repositories were seen, those that were not selected included.
    pub seen: u64,
    /// How many there are, on GitHub's own word.
    pub total: Readable<u64>,
    /// What could not be read at all.
    pub unread: Vec<Unread>,
    /// Repositories that have another name now.
    pub moved: Vec<Moved>,
}

impl Default for Inventory {
    fn default() -> Inventory {
        Inventory { read: 0, seen: 0, total: Readable::Known(0), unread: Vec::new(), moved: Vec::new() }
    }
}

impl Inventory {
    /// Whether everything that was asked for was seen.
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty() && self.total.known().is_some_and(|total| *total <= self.seen)
    }

    /// Notes something that could not be read.
    pub fn unread(&mut self, what: impl Into<String>, hidden: Hidden) {
        self.unread.push(Unread { what: what.into(), hidden });
    }

    /// Puts two together, as of two owners.
    pub fn add(&mut self, other: Inventory) {
        self.read += other.read;
        self.seen += other.seen;
        self.total = match (std::mem::replace(&mut self.total, Readable::Known(0)), other.total) {
            (Readable::Known(one), Readable::Known(two)) => Readable::Known(one + two),
            (Readable::Hidden(hidden), _) | (_, Readable::Hidden(hidden)) => Readable::Hidden(hidden),
        };
        self.unread.extend(other.unread);
        self.moved.extend(other.moved);
    }
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// A repository, an owner, or a part of one.
    pub what: String,
    /// Why.
    pub hidden: Hidden,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.what, self.hidden)
    }
}

/// A repository that was renamed or transferred.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// The name that was asked for.
    pub from: String,
    /// The name it has.
    pub to: String,
}
