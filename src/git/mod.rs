//! Git's nouns as plain values: object ids, ref names, ref updates, commits, trees, changed paths and the one meaning
//! of a pattern. Nothing here reads a repository, and everything here is given hostile bytes.

pub mod characters;
mod commit;
pub(crate) mod effort;
mod encoding;
mod file_change;
mod name;
mod oid;
pub mod pattern;
pub mod tree;
mod update;

pub use commit::{Commit, Malformed, ObjectKind, Shown, Tag};
pub use file_change::{FileChange, FileEntry};
pub use name::{BadRefName, RefKind, RefName};
pub use oid::{ObjectFormat, Oid};
pub use tree::Mode;
pub use update::{Change, RefUpdate};
