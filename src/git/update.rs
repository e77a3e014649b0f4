//! One line of a pre-receive hook's standard input.

use super::{Oid, RefName};

/// What a push asks to do to a ref. The null id of git's wire format ends at the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The ref does not exist yet.
    Create {
        /// The value it gets.
        new: Oid,
    },
    /// The ref exists and gets another value.
    Update {
        /// The value it has.
        old: Oid,
        /// The value it gets.
        new: Oid,
    },
    /// The ref goes away. The old value is only what the client claims: git deletes a ref whatever is claimed.
    Delete {
        /// The claimed value; `None` when the client claims that there is none.
        old: Option<Oid>,
    },
}

impl Change {
    /// The value the ref gets, if any.
    pub fn new_value(&self) -> Option<Oid> {
        match *self {
            Change::Create { new } | Change::Update { new, .. } => Some(new),
            Change::Delete { .. } => None,
        }
    }

    /// The value the ref is said to have, if any.
    pub fn old_value(&self) -> Option<Oid> {
        match *self {
            Change::Create { .. } => None,
            Change::Update { old, .. } => Some(old),
            Change::Delete { old } => old,
        }
    }

    /// `create`, `update` or `delete`.
    pub fn verb(&self) -> &'static str {
        match self {
            Change::Create { .. } => "create",
            Change::Update { .. } => "update",
            Change::Delete { .. } => "delete",
        }
    }
}

/// A ref and what a push asks to do to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// The full name, as pushed.
    pub name: RefName,
    /// What is asked.
    pub change: Change,
}
