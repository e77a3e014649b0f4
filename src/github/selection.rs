//! Which repositories a run is about.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobMatcher};

use super::repository::{Repository, Visibility};
use super::word::Word;

/// Which repositories a run is about: those of owners and those that are named, as far as every filter lets them pass.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    owners: BTreeSet<String>,
    named: Vec<(String, String)>,
    globs: Vec<(String, GlobMatcher)>,
    excluded: Vec<GlobMatcher>,
    topics: Vec<String>,
    visibilities: Vec<Visibility>,
    archived: Option<bool>,
    properties: BTreeMap<String, Vec<String>>,
}

/// What is wrong with how a repository was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadName {
    /// What was written.
    pub name: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl std::fmt::Display for BadName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` names no repositories: {}", self.name, self.why)
    }
}

impl std::error::Error for BadName {}

impl Selection {
    /// Every repository of an owner.
    ///
    /// # Errors
    /// That is no login.
    pub fn owner(login: &str) -> Result<Selection, BadName> {
        Selection::default().and_owner(login)
    }

    /// These, and every repository of another owner.
    ///
    /// # Errors
    /// That is no login.
    pub fn and_owner(mut self, login: &str) -> Result<Selection, BadName> {
        is_name(login).map_err(|why| BadName { name: login.to_owned(), why })?;
        self.owners.insert(login.to_owned());
        Ok(self)
    }

    /// These, and `owner/name`, where the name may be a pattern: `acme/api`, `acme/lib-*`.
    ///
    /// # Errors
    /// It is neither.
    pub fn and_repository(mut self, name: &str) -> Result<Selection, BadName> {
        let bad = |why| BadName { name: name.to_owned(), why };
        let (owner, repository) = name.split_once('/').ok_or_else(|| bad("write `owner/name`, as in `acme/api`"))?;
        is_name(owner).map_err(bad)?;
        if repository.contains(['*', '?', '[', '{']) {
            let glob = glob(repository).ok_or_else(|| bad("the pattern can't be read"))?;
            self.globs.push((owner.to_owned(), glob));
        } else {
            is_name(repository).map_err(bad)?;
            let named = (owner.to_owned(), repository.to_owned());
            if !self.named.contains(&named) {
                self.named.push(named);
            }
        }
        Ok(self)
    }

    /// Without these: a name or a pattern of names, of any owner.
    ///
    /// # Errors
    /// The pattern can't be read.
    pub fn except(mut self, pattern: &str) -> Result<Selection, BadName> {
        let glob = glob(pattern).ok_or_else(|| BadName { name: pattern.to_owned(), why: "the pattern can't be read" })?;
        self.excluded.push(glob);
        Ok(self)
    }

    /// Only those with one of these topics.
    #[must_use]
    pub fn with_topics(mut self, topics: Vec<String>) -> Selection {
        self.topics = topics;
        self
    }

    /// Only those with one of these visibilities.
    #[must_use]
    pub fn with_visibility(mut self, visibilities: Vec<Visibility>) -> Selection {
        self.visibilities = visibilities;
        self
    }

    /// Only archived ones, or none of them.
    #[must_use]
    pub fn with_archived(mut self, archived: bool) -> Selection {
        self.archived = Some(archived);
        self
    }

    /// Only those whose custom property has one of these values.
    #[must_use]
    pub fn with_property(mut self, name: String, values: Vec<String>) -> Selection {
        self.properties.insert(name, values);
        self
    }

    /// Whose repositories must all be looked at.
    pub fn listed_owners(&self) -> BTreeSet<&str> {
        self.owners.iter().map(String::as_str).chain(self.globs.iter().map(|(owner, _)| owner.as_str())).collect()
    }

    /// The repositories that are named one by one.
    pub fn named(&self) -> &[(String, String)] {
        &self.named
    }

    /// Every owner that is mentioned.
    pub fn all_owners(&self) -> BTreeSet<&str> {
        self.listed_owners().into_iter().chain(self.named.iter().map(|(owner, _)| owner.as_str())).collect()
    }

    /// Whether it asks for custom properties.
    pub fn needs_properties(&self) -> bool {
        !self.properties.is_empty()
    }

    /// Whether a repository is meant, by its name: its owner is, or a name or pattern is its own.
    pub fn names(&self, owner: &str, name: &str) -> bool {
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        (self.owners.iter().any(|login| same(login, owner))
            || self.named.iter().any(|(o, n)| same(o, owner) && same(n, name))
            || self.globs.iter().any(|(o, glob)| same(o, owner) && glob.is_match(name)))
            && !self.excluded.iter().any(|glob| glob.is_match(name))
    }

    /// Whether every filter lets it pass. What can't be read passes: leaving it out would be silent.
    pub fn admits(&self, repository: &Repository) -> bool {
        (self.topics.is_empty() || self.topics.iter().any(|topic| repository.topics.contains(topic)))
            && (self.visibilities.is_empty()
                || match &repository.visibility {
                    Word::Known(visibility) => self.visibilities.contains(visibility),
                    Word::Unknown(_) => true,
                })
            && self.archived.is_none_or(|archived| archived == repository.archived)
            && !self.excluded.iter().any(|glob| glob.is_match(&repository.name))
            && self.properties.iter().all(|(name, values)| match repository.properties.known() {
                Some(properties) => properties.get(name).is_some_and(|own| own.iter().any(|value| values.contains(value))),
                None => true,
            })
    }
}

fn glob(pattern: &str) -> Option<GlobMatcher> {
    GlobBuilder::new(pattern).case_insensitive(true).build().ok().map(|glob| glob.compile_matcher())
}

/// GitHub's names have nothing that could lead a path elsewhere.
fn is_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name == "." || name == ".." {
        Err("a name is missing")
    } else if name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        Ok(())
    } else {
        Err("names have letters, digits, `-`, `_` and `.` only")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let selection = Selection::owner("acme").unwrap().and_repository("other/lib-*").unwrap().except("*-old").unwrap();
        assert!(selection.names("acme", "api"));
        assert!(selection.names("Acme", "API"), "GitHub's names ignore case");
        assert!(!selection.names("acme", "api-old"));
        assert!(selection.names("other", "lib-a"));
        assert!(!selection.names("other", "app"));
        assert_eq!(selection.listed_owners().into_iter().collect::<Vec<_>>(), ["acme", "other"]);
    }

    #[test]
    fn refuses_what_would_lead_elsewhere() {
        for name in ["acme", "acme/..", "../x", "acme/a/b", "a b/c", "", "/", "acme/", "acme/é"] {
            assert!(Selection::default().and_repository(name).is_err(), "{name}");
        }
    }
}
