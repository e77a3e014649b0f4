//! What a run saw, and what it did not.

use serde::{Deserialize, Serialize};

use super::readable::{Hidden, Readable};

/// Which repositories were seen. A repository that was not is never silently absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// How many repositories the owner has, as far as GitHub tells this token.
    pub total: Readable<u64>,
    /// How many were listed.
    pub listed: u64,
    /// How many of those the run was to read.
    pub selected: u64,
    /// What should have been read and was not.
    pub unread: Vec<Unread>,
    /// Repositories that answered under another name.
    pub moved: Vec<Moved>,
    /// `all` or `selected`: which repositories the token's installation was given; `None` for tokens that do not say.
    pub token_selection: Option<String>,
}

/// Something that was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// `owner/name`, or what of it.
    pub what: String,
    /// Why.
    pub why: Hidden,
}

/// A repository that answered under another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// The name that was asked for.
    pub from: String,
    /// The name that answered.
    pub to: String,
}
