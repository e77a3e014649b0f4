//! Which repositories and checks a run is about.

use clap::{Args, ValueEnum};

use crate::audit::{self, Check, exempt};
use crate::cli::{Failure, Result};
use crate::github::Selection;
use crate::github::repository::Visibility;
use crate::policy::Policy;
use crate::policy::github as policy;

/// Which repositories.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which repositories")]
pub(super) struct Which {
    /// The organization or user; the policy's when it is not given
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Only this repository, or those that a pattern matches: `api`, `acme/api`, `lib-*`; can be given several times
    #[arg(long = "repo", value_name = "NAME")]
    repositories: Vec<String>,
    /// Only those with this topic; can be given several times
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,
    /// Only those of this visibility; can be given several times
    #[arg(long, value_enum)]
    visibility: Vec<Seen>,
    /// Only those whose custom property has this value; can be given several times
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = property)]
    properties: Vec<(String, String)>,
    /// Archived ones, too
    #[arg(long)]
    archived: bool,
}

/// Who sees a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Seen {
    Public,
    Private,
    Internal,
}

fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What a run is about.
#[derive(Debug)]
pub(super) struct Scope {
    /// The organization or user.
    pub(super) owner: String,
    /// Its repositories.
    pub(super) selection: Selection,
    /// The command line leaves out some that the policy, or nobody, leaves out.
    pub(super) narrowed: bool,
    /// Repositories were named, so that the policy's own selection does not count.
    pub(super) named: bool,
}

impl Which {
    /// Whether the command line says whose.
    pub(super) fn names_an_owner(&self) -> bool {
        self.owner.is_some()
    }

    /// Decides, from the command line first and the policy second.
    pub(super) fn scope(self, policy: Option<&policy::Github>) -> Result<Scope> {
        let owners = self.repositories.iter().filter_map(|name| name.split_once('/').map(|(owner, _)| owner.to_owned()));
        let owner = self.owner.clone().or_else(|| owners.clone().next()).or_else(|| policy.map(|policy| policy.owner.clone()));
        let Some(owner) = owner else {
            return Err(Failure::new("whose repositories?")
                .help("name an organization or user: --owner NAME, or a policy with [github] owner"));
        };
        if let Some(other) = owners.clone().find(|other| !other.eq_ignore_ascii_case(&owner)) {
            return Err(Failure::new(format!("`{other}` is not `{owner}`")).help("one run is about one owner: start another one"));
        }
        let bad = |bad: crate::github::selection::BadName| {
            Failure::new(bad.to_string()).help("for instance `--owner acme --repo 'lib-*'`")
        };
        let mut selection = Selection::default();
        for name in &self.repositories {
            let full = if name.contains('/') { name.clone() } else { format!("{owner}/{name}") };
            selection = selection.and_repository(&full).map_err(bad)?;
        }
        let named = !self.repositories.is_empty();
        if !named {
            selection = selection.and_owner(&owner).map_err(bad)?;
        }
        let wanted = policy.filter(|_| !named).map(|policy| &policy.repositories);
        let topics = if self.topics.is_empty() {
            wanted.map(|wanted| wanted.topics.clone()).unwrap_or_default()
        } else {
            self.topics.clone()
        };
        let visibilities = match (self.visibility.as_slice(), wanted) {
            ([], Some(wanted)) => wanted.visibility.iter().map(|one| of_policy(*one)).collect(),
            (seen, _) => seen.iter().map(|one| of_word(*one)).collect(),
        };
        selection = selection.with_topics(topics).with_visibility(visibilities);
        if !self.archived && !wanted.is_some_and(|wanted| wanted.archived) {
            selection = selection.with_archived(false);
        }
        let names: std::collections::BTreeSet<&String> = self.properties.iter().map(|(name, _)| name).collect();
        for name in names {
            let values = self.properties.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone()).collect();
            selection = selection.with_property(name.clone(), values);
        }
        let narrowed = named || !self.topics.is_empty() || !self.visibility.is_empty() || !self.properties.is_empty();
        Ok(Scope { owner, selection, narrowed, named })
    }
}

fn of_policy(visibility: policy::Visibility) -> Visibility {
    match visibility {
        policy::Visibility::Public => Visibility::Public,
        policy::Visibility::Private => Visibility::Private,
        policy::Visibility::Internal => Visibility::Internal,
    }
}

fn of_word(seen: Seen) -> Visibility {
    match seen {
        Seen::Public => Visibility::Public,
        Seen::Private => Visibility::Private,
        Seen::Internal => Visibility::Internal,
    }
}

/// Which checks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which checks")]
pub(super) struct Checks {
    /// Only this check; can be given several times
    #[arg(long, value_name = "CHECK")]
    only: Vec<String>,
    /// Not this check; can be given several times
    #[arg(long, value_name = "CHECK")]
    skip: Vec<String>,
}

/// Compares with an earlier result, and can't tell anything without one.
const OF_BASELINE: &str = "changed-since-baseline";

impl Checks {
    /// The checks that run.
    pub(super) fn choose(&self, policy: Option<&Policy>, has_baseline: bool) -> Result<Vec<&'static Check>> {
        let only = self.only.iter().map(|id| super::check(id)).collect::<Result<Vec<_>>>()?;
        let skip = self.skip.iter().map(|id| super::check(id)).collect::<Result<Vec<_>>>()?;
        let among = |list: &[&Check], check: &Check| list.iter().any(|one| one.id == check.id);
        let makes_sense = |check: &Check| {
            (policy.is_some() || !among(&exempt::EXEMPTION_CHECKS, check)) && (has_baseline || check.id != OF_BASELINE)
        };
        let chosen: Vec<_> = audit::all()
            .filter(|check| if only.is_empty() { makes_sense(check) } else { among(&only, check) })
            .filter(|check| !among(&skip, check))
            .collect();
        if chosen.is_empty() {
            return Err(Failure::new("no check is left").help("`refwarden github explain` lists the checks"));
        }
        Ok(chosen)
    }
}
