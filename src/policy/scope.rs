//! Which refs and repositories a ruleset is for.

use crate::git::pattern::{PatternError, PatternSet, fold};
use crate::git::{RefKind, RefName};

/// What the repository's `HEAD` says about its default branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultBranch {
    /// `HEAD` names this branch, and it exists.
    Exists(RefName),
    /// `HEAD` names this branch, and no branch exists yet: every pushed branch counts as default.
    NoBranches(RefName),
    /// `HEAD` names this branch, which does not exist while others do.
    Missing(RefName),
    /// `HEAD` names no branch.
    Unnamed,
}

impl DefaultBranch {
    /// Whether this is the default branch, byte for byte.
    pub fn is(&self, name: &RefName) -> bool {
        match self {
            DefaultBranch::Exists(default) | DefaultBranch::Missing(default) => default == name,
            DefaultBranch::NoBranches(_) => name.kind() == RefKind::Branch,
            DefaultBranch::Unnamed => false,
        }
    }

    /// Whether this is the branch that `HEAD` names. Where no branch exists yet every branch counts as default, which must not
    /// exclude every branch.
    fn is_named(&self, name: &RefName) -> bool {
        match self {
            DefaultBranch::Exists(default) | DefaultBranch::NoBranches(default) | DefaultBranch::Missing(default) => {
                default == name
            }
            DefaultBranch::Unnamed => false,
        }
    }

    /// Whether this is the default branch, or a name that differs from it only by case or Unicode form.
    pub fn is_widely(&self, name: &RefName) -> bool {
        self.is(name)
            || match self {
                DefaultBranch::Exists(default) | DefaultBranch::Missing(default) => {
                    fold(default.as_bytes()) == fold(name.as_bytes())
                }
                DefaultBranch::NoBranches(_) | DefaultBranch::Unnamed => false,
            }
    }

    /// The branch, if it exists.
    pub fn existing(&self) -> Option<&RefName> {
        match self {
            DefaultBranch::Exists(name) => Some(name),
            DefaultBranch::NoBranches(_) | DefaultBranch::Missing(_) | DefaultBranch::Unnamed => None,
        }
    }
}

/// `refs` of a ruleset.
#[derive(Debug, Clone, Default)]
pub struct RefScope {
    /// What every name of the ruleset's target begins with: `refs/heads/`, `refs/tags/` or `refs/`.
    pub namespace: &'static str,
    /// `~ALL` is included.
    pub include_all: bool,
    /// `~DEFAULT_BRANCH` is included.
    pub include_default: bool,
    /// Included patterns, as full names.
    pub include: PatternSet,
    /// `~DEFAULT_BRANCH` is excluded.
    pub exclude_default: bool,
    /// Excluded patterns, as full names.
    pub exclude: PatternSet,
}

impl RefScope {
    /// Whether the ruleset judges pushes to this ref: included after folding, not excluded byte for byte.
    ///
    /// # Errors
    /// A pattern does not compile.
    pub fn judges(&self, name: &RefName, default: &DefaultBranch) -> Result<bool, PatternError> {
        let bytes = name.as_bytes();
        Ok(bytes.starts_with(self.namespace.as_bytes())
            && (self.include_all || (self.include_default && default.is_widely(name)) || self.include.matches_widely(bytes)?)
            && !self.excludes(name, default)?)
    }

    /// Whether the ref is covered, so that what it holds has been judged: byte for byte.
    ///
    /// # Errors
    /// A pattern does not compile.
    pub fn covers(&self, name: &RefName, default: &DefaultBranch) -> Result<bool, PatternError> {
        let bytes = name.as_bytes();
        Ok(bytes.starts_with(self.namespace.as_bytes())
            && (self.include_all || (self.include_default && default.is(name)) || self.include.matches_exactly(bytes)?)
            && !self.excludes(name, default)?)
    }

    fn excludes(&self, name: &RefName, default: &DefaultBranch) -> Result<bool, PatternError> {
        Ok((self.exclude_default && default.is_named(name)) || self.exclude.matches_exactly(name.as_bytes())?)
    }

    /// Whether the scope speaks of the default branch, so that it must be known.
    pub fn needs_default(&self) -> bool {
        self.include_default || self.exclude_default
    }
}

/// `repositories` of a ruleset.
#[derive(Debug, Clone, Default)]
pub struct RepositoryScope {
    /// `~ALL` is included.
    pub include_all: bool,
    /// Included patterns with a `/`: compared with the whole name.
    pub include_full: PatternSet,
    /// Included patterns without a `/`: compared with the last component.
    pub include_last: PatternSet,
    /// Excluded patterns with a `/`.
    pub exclude_full: PatternSet,
    /// Excluded patterns without a `/`.
    pub exclude_last: PatternSet,
}

impl RepositoryScope {
    /// Every repository.
    pub fn all() -> RepositoryScope {
        RepositoryScope { include_all: true, ..RepositoryScope::default() }
    }

    /// Whether the ruleset is for this repository: included after folding, not excluded byte for byte.
    ///
    /// # Errors
    /// A pattern does not compile.
    pub fn includes(&self, repository: &str) -> Result<bool, PatternError> {
        self.includes_any([repository])
    }

    /// Whether the ruleset is for a repository of these names: one of them is included, and not every one is excluded.
    ///
    /// # Errors
    /// A pattern does not compile.
    pub fn includes_any<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<bool, PatternError> {
        let (mut included, mut excluded) = (false, true);
        for name in names {
            let full = name.as_bytes();
            let last = name.rsplit('/').next().unwrap_or(name).as_bytes();
            included |= self.include_all || self.include_full.matches_widely(full)? || self.include_last.matches_widely(last)?;
            excluded &= self.exclude_full.matches_exactly(full)? || self.exclude_last.matches_exactly(last)?;
        }
        Ok(included && !excluded)
    }

    /// Whether it depends on the repository's name at all.
    pub fn is_everywhere(&self) -> bool {
        self.include_all && self.exclude_full.is_empty() && self.exclude_last.is_empty()
    }
}
