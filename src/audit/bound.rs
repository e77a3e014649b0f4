//! The branches that a classic rule or a ruleset is for, one by one: what closes a gap on one of them leaves it open on the others,
//! and on branches that are yet to come.

use std::collections::BTreeSet;
use std::fmt;

use super::checks::{is_pattern, listed};
use crate::github::effective::Effective;
use crate::github::owner::Owner;
use crate::github::protection::Protection;
use crate::github::readable::Hidden;
use crate::github::repository::Repository;
use crate::github::ruleset::Ruleset;
use crate::github::sample::{self, Kind};
use crate::github::scope;

const BRANCHES: &str = "refs/heads/";

/// The branches that something is for, without `refs/heads/`.
#[derive(Debug)]
pub(super) struct Bound {
    /// Those that exist, or that are named.
    there: BTreeSet<String>,
    /// Names that no branch has, and that stand for all that are yet to come.
    to_come: BTreeSet<String>,
    /// Why there may be others.
    hidden: Option<Hidden>,
}

/// Where a gap is open.
#[derive(Debug, Default)]
pub(super) struct Open {
    there: BTreeSet<String>,
    is_to_come: bool,
    /// On some it is not known to be open.
    is_part: bool,
}

impl fmt::Display for Open {
    /// Nothing where it is open everywhere, else what continues a sentence: `` on `main` and on new branches that match``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_part {
            return Ok(());
        }
        if !self.there.is_empty() {
            write!(f, " on {}", listed(self.there.iter().map(String::as_str)))?;
        }
        match (self.is_to_come, self.there.is_empty()) {
            (false, _) => Ok(()),
            (true, true) => f.write_str(" on new branches that match"),
            (true, false) => f.write_str(" and on new branches that match"),
        }
    }
}

impl Bound {
    /// Those that a classic rule binds. Another one with the branch's own name, or an older one that matches, takes a branch from it.
    pub(super) fn by_protection(repository: &Repository, protection: &Protection) -> Bound {
        let protections = repository.protections.known().map(Vec::as_slice).unwrap_or_default();
        let binds = |branch: &str| {
            if protection.pattern == branch {
                return Ok(true);
            }
            if protections.iter().any(|other| other.pattern == branch) || !scope::protects(&protection.pattern, branch)? {
                return Ok(false);
            }
            for older in protections.iter().take_while(|other| !std::ptr::eq(*other, protection)) {
                // One of which it can't be told whether it matches may take the branch, too.
                if scope::protects(&older.pattern, branch)? {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        Bound::of(repository, &[&protection.pattern], binds)
    }

    /// Those that a ruleset is for. None, where that can't be read.
    pub(super) fn by_ruleset(repository: &Repository, ruleset: &Ruleset) -> Bound {
        let names = ruleset.conditions.known().and_then(|conditions| conditions.ref_name.as_ref());
        let default = repository.default_branch.as_ref().map(|branch| branch.name.as_str());
        let binds = |branch: &str| names.map_or(Ok(false), |names| scope::is_for(names, &format!("{BRANCHES}{branch}"), default));
        let patterns: Vec<&str> = names.iter().flat_map(|names| &names.include).map(|name| short(name)).collect();
        Bound::of(repository, &patterns, binds)
    }

    fn of(repository: &Repository, patterns: &[&str], binds: impl Fn(&str) -> Result<bool, Hidden>) -> Bound {
        let mut bound = Bound { there: BTreeSet::new(), to_come: BTreeSet::new(), hidden: None };
        let default = repository.default_branch.iter().map(|branch| branch.name.as_str());
        let named = patterns.iter().copied().filter(|pattern| !is_pattern(pattern));
        for branch in default.chain(named).chain(repository.branches.known().into_iter().flatten().map(String::as_str)) {
            match binds(branch) {
                Ok(true) => drop(bound.there.insert(branch.to_owned())),
                Ok(false) => {}
                Err(hidden) => bound.hidden = bound.hidden.or(Some(hidden)),
            }
        }
        if patterns.iter().all(|pattern| *pattern == "~DEFAULT_BRANCH" || !is_pattern(pattern)) {
            return bound;
        }
        if let Err(hidden) = repository.branches.read() {
            bound.hidden = bound.hidden.or_else(|| Some(hidden.clone()));
        }
        // A new branch may be one that another ruleset excludes, or that another classic rule is for.
        let rulesets = repository.rulesets.known().into_iter().flatten().filter_map(|ruleset| ruleset.conditions.known());
        let others = rulesets.filter_map(|conditions| conditions.ref_name.as_ref()).flat_map(|names| &names.exclude);
        let classic = repository.protections.known().into_iter().flatten().map(|protection| protection.pattern.as_str());
        let kind = Kind { namespace: "", default_branch: None };
        let tried = patterns.iter().copied().chain(classic).filter(|name| is_pattern(name)).chain(others.map(|name| short(name)));
        for name in tried.flat_map(|pattern| sample::names(pattern, kind)) {
            if !bound.there.contains(&name) && binds(&name) == Ok(true) {
                bound.to_come.insert(name);
            }
        }
        bound
    }

    /// Where it is open, judged for each branch. `None` where it is open on none of them. What is for no branch at all is taken at its
    /// word: it is open.
    ///
    /// # Errors
    /// It is open on none that can be judged, and there are others.
    pub(super) fn open(
        &self,
        repository: &Repository,
        owner: &Owner,
        mut is_open: impl FnMut(&Effective) -> Result<bool, Hidden>,
    ) -> Result<Option<Open>, Hidden> {
        let mut open = Open::default();
        let mut unsure = self.hidden.clone();
        let there = self.there.iter().map(|name| (name, false));
        for (name, is_to_come) in there.chain(self.to_come.iter().map(|name| (name, true))) {
            match is_open(&Effective::of(repository, owner, &format!("{BRANCHES}{name}"))) {
                Ok(true) if is_to_come => open.is_to_come = true,
                Ok(true) => drop(open.there.insert(name.clone())),
                Ok(false) => open.is_part = true,
                Err(hidden) => {
                    open.is_part = true;
                    unsure = unsure.or(Some(hidden));
                }
            }
        }
        let is_for_none = self.there.is_empty() && self.to_come.is_empty();
        match unsure {
            _ if open.is_to_come || !open.there.is_empty() => Ok(Some(open)),
            Some(hidden) => Err(hidden),
            None => Ok(is_for_none.then_some(open)),
        }
    }
}

fn short(name: &str) -> &str {
    name.strip_prefix(BRANCHES).unwrap_or(name)
}
