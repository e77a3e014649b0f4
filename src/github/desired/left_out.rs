//! What the policy names and can't be written here: it is not what the policy does not know, and so neither called that nor
//! deleted.

use crate::github::protection::Protection;
use crate::github::ruleset::{Ruleset, Target};
use crate::github::scope;

/// What the policy names and that can't be written.
#[derive(Debug, Clone, Default)]
pub struct LeftOut {
    /// Rulesets, by what they are about and their names on GitHub.
    pub rulesets: Vec<(Target, String)>,
    /// Branch protections, by their patterns.
    pub patterns: Vec<String>,
}

impl LeftOut {
    /// Whether a ruleset of GitHub's is one of them. One of an unknown target may be.
    pub fn has_ruleset(&self, live: &Ruleset) -> bool {
        self.rulesets.iter().any(|(target, name)| *name == live.name && live.target.known().is_none_or(|live| live == target))
    }

    /// Whether a branch protection of GitHub's is one of them, however it is spelled there.
    pub fn has_protection(&self, live: &Protection) -> bool {
        self.patterns.iter().any(|pattern| scope::same(&live.pattern, pattern))
    }
}
