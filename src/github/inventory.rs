//! Which repositories were seen, and which were not: silence is no answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::readable::{Cause, Hidden, Readable};

/// Which repositories were seen. A repository that was not is never silently absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// How many repositories the owner has, as far as GitHub tells this token.
    pub total: Readable<u64>,
    /// How many were listed.
    pub listed: u64,
    /// Whether the owner's list was read. Else the run named its repositories, and there may be any number of others.
    #[serde(default)]
    pub is_list: bool,
    /// How many of those were read because the run was to.
    pub selected: u64,
    /// What should have been read and was not.
    pub unread: Vec<Unread>,
    /// Repositories that answered under another name.
    pub moved: Vec<Moved>,
    /// `all` or `selected`: which repositories the token's installation was given; `None` for tokens that do not say.
    pub token_selection: Option<String>,
}

impl Default for Inventory {
    fn default() -> Inventory {
        Inventory {
            total: Readable::Known(0),
            listed: 0,
            is_list: false,
            selected: 0,
            unread: Vec::new(),
            moved: Vec::new(),
            token_selection: None,
        }
    }
}

impl Inventory {
    /// Whether everything that was asked for was seen.
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty() && self.total.known().is_some_and(|total| *total <= self.listed)
    }

    /// Why the owner may have repositories that were not even listed. `owned` is how many it says it has, where it says so.
    pub fn unseen(&self, owned: &Readable<u64>) -> Option<Hidden> {
        if !self.is_list {
            return None;
        }
        match &self.total {
            Readable::Known(total) => {
                let total = owned.known().map_or(*total, |owned| (*owned).max(*total));
                let unseen = total.saturating_sub(self.listed);
                (unseen > 0).then(|| Hidden::new(Cause::Partial, format!("{unseen} of its repositories were not seen")))
            }
            Readable::Hidden(hidden) => {
                let why = format!("how many repositories it has can't be told: {}", hidden.why);
                Some(Hidden { why, ..hidden.clone() })
            }
        }
    }

    /// Notes something that could not be read.
    pub fn unread(&mut self, what: impl Into<String>, hidden: Hidden) {
        self.unread.push(Unread { what: what.into(), why: hidden });
    }

    /// Puts two together, as of two owners.
    pub fn add(&mut self, other: Inventory) {
        self.selected += other.selected;
        self.listed += other.listed;
        self.is_list |= other.is_list;
        self.total = match (std::mem::replace(&mut self.total, Readable::Known(0)), other.total) {
            (Readable::Known(one), Readable::Known(two)) => Readable::Known(one + two),
            (Readable::Hidden(hidden), _) | (_, Readable::Hidden(hidden)) => Readable::Hidden(hidden),
        };
        self.unread.extend(other.unread);
        self.moved.extend(other.moved);
        self.token_selection = self.token_selection.take().or(other.token_selection);
    }
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// A repository, an owner, or a part of one.
    pub what: String,
    /// Why.
    pub why: Hidden,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.what, self.why)
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
