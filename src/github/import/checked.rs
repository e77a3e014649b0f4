//! What was written, read back: a ruleset that does not come to the very thing it was made of is not written.

use jiff::civil::Date;

use super::entry::Entry;
use super::toml;
use crate::github::desired::{Desired, NotBound};
use crate::github::drift::{self, Direction};
use crate::github::names::{Names, NoNumber};
use crate::github::owner::Owner;
use crate::github::repository::Repository;
use crate::github::ruleset::Ruleset;
use crate::policy::github::{Level, Mechanism};
use crate::policy::parse;

/// Where a policy is read back for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) owner: &'a Owner,
    /// `None` for the organization.
    pub(super) repository: Option<&'a Repository>,
    pub(super) mechanism: Mechanism,
}

/// `[github]`, with the repositories if not all are meant.
pub(super) fn github(owner: &str, level: Level, mechanism: Mechanism, repositories: &[String], archived: bool) -> String {
    let mut text = format!("version = 1\n\n[github]\nowner = {}\n", toml::string(owner));
    if level == Level::Organization {
        text.push_str("level = \"organization\"\n");
    }
    if mechanism == Mechanism::BranchProtection {
        text.push_str("mechanism = \"branch_protection\"\n");
    }
    match (repositories, archived) {
        ([], false) => {}
        ([], true) => text.push_str("repositories = { archived = true }\n"),
        (names, false) => {
            text.push_str(&toml::list("repositories", &names.iter().map(|name| toml::string(name)).collect::<Vec<_>>()));
        }
        (names, true) => text.push_str(&format!("repositories = {{ include = {}, archived = true }}\n", toml::strings(names))),
    }
    text
}

impl<'a> Place<'a> {
    /// What rulesets ask for here.
    ///
    /// # Errors
    /// Why they do not load.
    pub(super) fn desired(&self, entries: &[(String, &Entry)]) -> Result<Desired, String> {
        let level = if self.repository.is_some() { Level::Repository } else { Level::Organization };
        let archived = self.repository.is_some_and(|repository| repository.archived);
        let mut text = github(&self.owner.login, level, self.mechanism, &[], archived);
        for (name, entry) in entries {
            text.push('\n');
            text.push_str(&entry.toml(name, &[]));
        }
        let policy = parse::parse("import", text.as_bytes()).map_err(|problems| match problems.first() {
            Some(problem) => format!("a policy can't say it: {}", problem.message),
            None => "a policy can't say it".to_owned(),
        })?;
        // No bypass that is written here has a last day.
        let desired = match self.repository {
            Some(repository) => Desired::for_repository(&policy, self.owner, repository, Date::MIN).map_err(|why| why.why)?,
            None => Desired::for_owner(&policy, self.owner, Date::MIN),
        };
        desired.ok_or_else(|| "the policy would not select it".to_owned())
    }

    /// That a ruleset is what is there, nothing more and nothing less, and can be written again.
    ///
    /// # Errors
    /// What is otherwise.
    pub(super) fn is_exactly(&self, entry: &Entry, live: &Ruleset) -> Result<(), String> {
        let desired = self.is_said(entry)?;
        let [ruleset] = desired.rulesets.as_slice() else {
            return Err("GitHub would have no such ruleset".to_owned());
        };
        match drift::of_ruleset(ruleset, live, self.owner, self.repository).first() {
            None => Ok(()),
            Some(found) => Err(format!("`{}` would be otherwise{}", found.field, because(found.why.as_ref()))),
        }
    }

    /// That everything in a ruleset can be written on GitHub.
    ///
    /// # Errors
    /// What can't.
    pub(super) fn is_said(&self, entry: &Entry) -> Result<Desired, String> {
        let desired = self.desired(&[(entry.name.clone(), entry)])?;
        if let Some(NotBound { rule, why, .. }) = desired.not_bound.iter().chain(&desired.blocked).next() {
            return Err(format!("`{rule}`: {why}"));
        }
        if let Some(unresolved) = desired.unresolved.first() {
            return Err(format!("`{}`: {}", unresolved.name, no_number(&unresolved.why)));
        }
        let names = Names::new(self.owner, self.repository);
        for ruleset in &desired.rulesets {
            if let Err(problems) = ruleset.body(&names) {
                return Err(problems.first().map_or_else(|| "it can't be written".to_owned(), no_number));
            }
        }
        Ok(desired)
    }

    /// The patterns of those protections that would be otherwise, with what would be.
    pub(super) fn otherwise(&self, desired: &Desired) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for difference in drift::compare(desired, self.owner, self.repository) {
            if difference.classic && difference.direction != Direction::Unmanaged {
                let why = format!("`{}` would be otherwise{}", difference.field, because(difference.why.as_ref()));
                found.push((difference.ruleset, why));
            }
        }
        found
    }
}

fn because(why: Option<&crate::github::Hidden>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}

fn no_number(why: &NoNumber) -> String {
    match why {
        NoNumber::Unknown(why) => why.clone(),
        NoNumber::Hidden(hidden) => hidden.to_string(),
    }
}
