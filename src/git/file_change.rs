//! How one path differs between two trees.

use super::{Mode, Oid};

/// What a tree holds at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileEntry {
    /// What it is; never [`Mode::Tree`].
    pub mode: Mode,
    /// The blob, or a gitlink's commit.
    pub id: Oid,
}

/// A path that differs. No rename detection: a rename is a removal and an addition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The full path, `/` between components.
    pub path: Box<[u8]>,
    /// What was there.
    pub old: Option<FileEntry>,
    /// What is there now.
    pub new: Option<FileEntry>,
    /// Size of the new blob in bytes, when a rule asked for sizes.
    pub size: Option<u64>,
}
