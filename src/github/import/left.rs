//! What an import could not say, and what a conversion changes.

use crate::github::readable::Hidden;

/// Something that is on GitHub and not in the policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// `owner/name`, or the organization.
    pub target: String,
    /// What was left: ``ruleset `main` ``, ``branch protection `main` ``; empty for all of it.
    pub what: String,
    /// Why.
    pub why: String,
    /// Whether it could not be read, so that it may well be sayable.
    pub is_hidden: bool,
}

/// Why something is not in the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsaid {
    pub(super) why: String,
    pub(super) is_hidden: bool,
}

impl Unsaid {
    /// It could not be read.
    pub(super) fn hidden(what: &str, hidden: &Hidden) -> Unsaid {
        Unsaid { why: format!("{what} hidden: {hidden}"), is_hidden: true }
    }

    /// What is left for this reason.
    pub(super) fn left(self, target: &str, what: impl Into<String>) -> Left {
        Left { target: target.to_owned(), what: what.into(), why: self.why, is_hidden: self.is_hidden }
    }
}

impl From<String> for Unsaid {
    fn from(why: String) -> Unsaid {
        Unsaid { why, is_hidden: false }
    }
}

impl From<&str> for Unsaid {
    fn from(why: &str) -> Unsaid {
        Unsaid::from(why.to_owned())
    }
}

/// How a field of a branch protection compares with what stands for it in a ruleset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Likeness {
    /// The ruleset refuses and lets through the same.
    Equivalent,
    /// The ruleset refuses more.
    Stronger,
    /// The ruleset refuses less.
    Weaker,
    /// No ruleset says it, or it can't be told whether one does.
    NotExpressible,
}

impl Likeness {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Likeness::Equivalent => "equivalent",
            Likeness::Stronger => "stronger",
            Likeness::Weaker => "weaker",
            Likeness::NotExpressible => "not expressible",
        }
    }
}

/// A field of a branch protection, turned into a part of a ruleset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conversion {
    /// `owner/name`.
    pub target: String,
    /// The protection.
    pub pattern: String,
    /// The field, in REST's words.
    pub field: &'static str,
    /// How the ruleset compares.
    pub likeness: Likeness,
    /// Why, and what was written.
    pub why: String,
}
