//! From what is on GitHub to a policy that asks for just that.
//!
//! What a policy can't say is not written, not even in part: whoever applied the policy would change it. It is listed with the
//! reason instead, in the policy's comments and as data. `rulesets` and `classic` turn what is live into entries,
//! `protections` decides what each branch protection leaves to the others, `convert` makes rulesets of them, `checked` reads
//! back what was written, and this file puts many repositories into one policy.

mod checked;
mod classic;
mod convert;
mod entry;
pub mod exported;
mod left;
mod protections;
mod rulesets;
mod toml;

use std::collections::BTreeSet;

use self::checked::Place;
use self::entry::{Entry, Identity};
use super::names::Names;
use super::owner::Owner;
use super::people::ActorKind;
use super::protection::Protection;
use super::readable::{Cause, Readable};
use super::repository::Repository;
use super::ruleset::{Level as Whose, Ruleset};
use super::word::Word;
use crate::policy::github::{Level, Mechanism};

use left::Unsaid;

pub use left::{Conversion, Left, Likeness};

/// What is imported as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Rulesets as they are; branch protections are left.
    Rulesets,
    /// Rulesets as they are, and branch protections as the nearest rulesets.
    Converted,
    /// Branch protections as they are; rulesets are left.
    BranchProtection,
}

/// How to import.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whose rulesets: each repository's, or the organization's.
    pub level: Level,
    /// What as what.
    pub form: Form,
    /// The API's address, where it is not github.com's.
    pub api_url: Option<String>,
    /// Whether these are all repositories of the owner, so that the policy need not name them.
    pub is_all: bool,
    /// The policy's file name, for the comment that says how to go on.
    pub file: String,
}

/// A policy, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The policy.
    pub policy: String,
    /// How many rulesets it has.
    pub rulesets: usize,
    /// What could not be said, in the order of the repositories.
    pub left: Vec<Left>,
    /// What became of each field of the branch protections that were converted.
    pub conversions: Vec<Conversion>,
}

/// Puts the numbers of people whom branch protections name into the owner, so that they can be named elsewhere, too.
pub fn people_in(owner: &mut Owner, repositories: &[Repository]) {
    let protections = repositories.iter().filter_map(|repository| repository.protections.known()).flatten();
    let lists = protections.flat_map(|live| {
        [
            &live.push_allowances,
            &live.bypass_pull_request_allowances,
            &live.bypass_force_push_allowances,
            &live.review_dismissal_allowances,
        ]
    });
    for actor in lists.filter_map(Readable::known).flatten() {
        if let (Word::Known(ActorKind::User), Some(id)) = (&actor.kind, actor.id) {
            owner.numbers.people.entry(actor.name.clone()).or_insert(Some(id));
        }
    }
}

/// Imports what an owner, or its repositories, have.
pub fn import(owner: &Owner, repositories: &[Repository], options: &Options) -> Imported {
    let mut repositories: Vec<&Repository> = repositories.iter().collect();
    repositories.sort_by_key(|repository| repository.full_name());
    let mut import = Import { owner, options, left: Vec::new(), conversions: Vec::new() };
    let mut places: Vec<(Option<String>, Vec<Entry>)> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut archived = false;
    match options.level {
        Level::Organization => {
            if let Some(entries) = import.organization() {
                places.push((None, entries));
            }
        }
        Level::Repository => {
            for repository in repositories {
                if let Some(entries) = import.repository(repository) {
                    names.push(repository.name.clone());
                    archived |= repository.archived;
                    places.push((Some(repository.name.clone()), entries));
                }
            }
        }
    }
    let mechanism = import.mechanism();
    let is_all = options.is_all && import.left.iter().all(|left| !left.what.is_empty());
    let listed: &[String] = if is_all { &[] } else { &names };
    let mut policy = import.header(&places);
    policy.push_str(&checked::github(&owner.login, options.level, mechanism, listed, archived));
    if let Some(url) = &options.api_url {
        policy.push_str(&format!("api_url = {}\n", toml::string(url)));
    }
    let merged = merge(&places);
    for (name, entry, repositories) in &merged {
        policy.push('\n');
        policy.push_str(&entry.toml(name, repositories));
    }
    Imported { policy, rulesets: merged.len(), left: import.left, conversions: import.conversions }
}

/// Rulesets that are the same in several repositories, once, each with a name of its own. Those that are everywhere name no
/// repositories.
fn merge(places: &[(Option<String>, Vec<Entry>)]) -> Vec<(String, &Entry, Vec<String>)> {
    let mut merged: Vec<(Identity, usize, &Entry, Vec<String>)> = Vec::new();
    for (repository, entries) in places {
        let mut here: Vec<Identity> = Vec::new();
        for entry in entries {
            let identity = entry.identity();
            // A repository may have the very same ruleset twice.
            let before = here.iter().filter(|other| **other == identity).count();
            match merged.iter_mut().find(|(other, nth, ..)| *nth == before && *other == identity) {
                Some((_, _, _, repositories)) => repositories.extend(repository.clone()),
                None => merged.push((identity.clone(), before, entry, repository.iter().cloned().collect())),
            }
            here.push(identity);
        }
    }
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut named = Vec::new();
    for (_, _, entry, repositories) in merged {
        let base = match (repositories.as_slice(), taken.contains(&entry.name)) {
            ([first, ..], true) => format!("{} of {first}", entry.name),
            _ => entry.name.clone(),
        };
        let mut numbered = (2..).map(|number: u32| format!("{base} {number}"));
        let mut name = base.clone();
        while !taken.insert(name.clone()) {
            name = numbered.next().unwrap_or_default();
        }
        let everywhere = repositories.len() == places.len();
        named.push((name, entry, if everywhere { Vec::new() } else { repositories }));
    }
    named
}

struct Import<'a> {
    owner: &'a Owner,
    options: &'a Options,
    left: Vec<Left>,
    conversions: Vec<Conversion>,
}

impl Import<'_> {
    fn mechanism(&self) -> Mechanism {
        match self.options.form {
            Form::BranchProtection => Mechanism::BranchProtection,
            Form::Rulesets | Form::Converted => Mechanism::Rulesets,
        }
    }

    fn leave(&mut self, target: &str, what: String, why: impl Into<Unsaid>) {
        self.left.push(why.into().left(target, what));
    }

    /// The organization's own rulesets; `None` when they could not be read.
    fn organization(&mut self) -> Option<Vec<Entry>> {
        let owner = self.owner;
        match owner.rulesets.read() {
            Ok(rulesets) => {
                let place = Place { owner, repository: None, mechanism: Mechanism::Rulesets };
                Some(self.rulesets(rulesets.iter().map(AsRef::as_ref), &owner.login, Whose::Organization, &place))
            }
            Err(hidden) => {
                self.leave(&owner.login, String::new(), Unsaid::hidden("its rulesets are", hidden));
                None
            }
        }
    }

    /// What a repository has; `None` when it could not be read.
    fn repository(&mut self, repository: &Repository) -> Option<Vec<Entry>> {
        let target = repository.full_name();
        let place = Place { owner: self.owner, repository: Some(repository), mechanism: self.mechanism() };
        let rulesets = match &repository.rulesets {
            Readable::Known(rulesets) => rulesets,
            Readable::Hidden(why) => {
                self.leave(&target, String::new(), Unsaid::hidden("its rulesets are", why));
                return None;
            }
        };
        let protections: &[Protection] = match &repository.protections {
            Readable::Known(protections) => protections,
            // An exported file has none.
            Readable::Hidden(why) if self.options.form == Form::Rulesets && why.cause == Cause::NotAsked => &[],
            Readable::Hidden(why) if self.options.form == Form::Rulesets => {
                self.leave(&target, "branch protections".to_owned(), Unsaid::hidden("they are", why));
                &[]
            }
            Readable::Hidden(why) => {
                self.leave(&target, String::new(), Unsaid::hidden("its branch protections are", why));
                return None;
            }
        };
        let own = |ruleset: &&Ruleset| {
            !matches!(&ruleset.source_type, Word::Known(level) if *level != Whose::Repository)
                && ruleset.source.eq_ignore_ascii_case(&target)
        };
        let mut own: Vec<&Ruleset> = rulesets.iter().map(AsRef::as_ref).filter(own).collect();
        own.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        if self.options.form == Form::BranchProtection {
            for ruleset in own {
                let why = "this policy is about branch protections; import rulesets into one of their own";
                self.leave(&target, format!("ruleset `{}`", ruleset.name), why);
            }
            return Some(protections::entries(&place, protections, &target, &mut self.left));
        }
        let mut entries = self.rulesets(own.into_iter(), &target, Whose::Repository, &place);
        if self.options.form == Form::Converted {
            let converted = convert::convert(&place, repository, protections, &target);
            self.left.extend(converted.left);
            self.conversions.extend(converted.conversions);
            entries.extend(converted.entries);
        } else {
            for protection in protections {
                let why =
                    "this policy is about rulesets; `--as branch_protection` imports it as it is, `--as rulesets` converts it";
                self.leave(&target, format!("branch protection `{}`", protection.pattern), why);
            }
        }
        Some(entries)
    }

    fn rulesets<'r>(
        &mut self,
        rulesets: impl Iterator<Item = &'r Ruleset>,
        target: &str,
        level: Whose,
        place: &Place<'_>,
    ) -> Vec<Entry> {
        let mut entries = Vec::new();
        for live in rulesets.filter(|live| live.source.eq_ignore_ascii_case(target)) {
            let what = format!("ruleset `{}`", live.name);
            match &live.source_type {
                Word::Known(whose) if *whose == level => {
                    let names = Names::new(place.owner, place.repository);
                    let entry = rulesets::entry(live, &names);
                    match entry.and_then(|entry| place.is_exactly(&entry, live).map(|()| entry).map_err(Unsaid::from)) {
                        Ok(entry) => entries.push(entry),
                        Err(why) => self.leave(target, what, why),
                    }
                }
                Word::Known(_) => {}
                Word::Unknown(word) => self.leave(target, what, format!("it is of the unknown level `{word}`")),
            }
        }
        entries
    }

    /// Where it all comes from, how to go on, and what is not in it.
    fn header(&self, places: &[(Option<String>, Vec<Entry>)]) -> String {
        let what = match (self.options.level, self.options.form) {
            (Level::Organization, _) => "rulesets of the organization",
            (_, Form::Rulesets) => "rulesets",
            (_, Form::Converted) => "rulesets, and branch protections as the nearest rulesets",
            (_, Form::BranchProtection) => "branch protections",
        };
        let repositories = match (self.options.level, places.len()) {
            (Level::Organization, _) => String::new(),
            (_, 1) => " (1 repository)".to_owned(),
            (_, count) => format!(" ({count} repositories)"),
        };
        let mut text = toml::comment(&format!("Imported from {}{repositories}: {what}.", self.owner.login));
        text.push_str(&toml::comment(&format!(
            "What applying it would change: refwarden github plan --policy {}",
            self.options.file
        )));
        if self.options.form == Form::Converted && !self.conversions.is_empty() {
            text.push_str(&toml::comment("The branch protections themselves stay until they are deleted."));
        }
        if !self.left.is_empty() {
            text.push_str(&toml::comment("\nNot in this policy, and so not managed by it:"));
            for Left { target, what, why, .. } in &self.left {
                let what = if what.is_empty() { "all of it" } else { what };
                text.push_str(&toml::comment(&format!("  {target}: {what}: {why}").replace('\n', " ")));
            }
        }
        text.push('\n');
        text
    }
}
