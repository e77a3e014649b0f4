//! What a check may look at.

use std::cell::OnceCell;

use jiff::Timestamp;

use super::finding::Place;
use super::required::Jobs;
use crate::github::Hidden;
use crate::github::drift::Difference;
use crate::github::effective::Effective;
use crate::github::inventory::Inventory;
use crate::github::owner::Owner;
use crate::github::readable::Readable;
use crate::github::repository::Repository;
use crate::github::ruleset::Ruleset;
use crate::policy::Policy;

/// What is the same for the whole run.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The organization or user.
    pub owner: &'a Owner,
    /// The policy to compare with, if there is one.
    pub policy: Option<&'a Policy>,
    /// An earlier result to compare with, if there is one.
    pub baseline: Option<&'a super::judge::Audit>,
    /// The time of the run.
    pub now: Timestamp,
}

impl Context<'_> {
    /// A repository as a place.
    pub fn place(&self, repository: &Repository) -> Place {
        let mut place = Place::target(repository.full_name());
        let owner = self.owner.html_url.as_ref().filter(|_| repository.owner == self.owner.login);
        place.url = owner.map(|owner| format!("{owner}/{}/settings/rules", repository.name));
        place
    }
}

/// For [`Look::Run`](super::Look::Run).
#[derive(Debug, Clone, Copy)]
pub struct RunScene<'a> {
    /// What is the same for the whole run.
    pub context: &'a Context<'a>,
    /// What was seen.
    pub inventory: &'a Inventory,
}

/// For [`Look::Owner`](super::Look::Owner).
#[derive(Debug, Clone, Copy)]
pub struct OwnerScene<'a> {
    /// What is the same for the whole run.
    pub context: &'a Context<'a>,
}

/// For [`Look::Policy`](super::Look::Policy).
#[derive(Debug, Clone, Copy)]
pub struct PolicyScene<'a> {
    /// What is the same for the whole run.
    pub context: &'a Context<'a>,
    /// The organization, or the repository, as a place.
    pub place: &'a Place,
    /// The repository, which may be archived, disabled or without a commit; `None` for the organization.
    pub repository: Option<&'a Repository>,
    /// What there is otherwise than the policy asks.
    pub drift: &'a Readable<Vec<Difference>>,
}

/// For [`Look::Ruleset`](super::Look::Ruleset).
#[derive(Debug, Clone, Copy)]
pub struct RulesetScene<'a> {
    /// What is the same for the whole run.
    pub context: &'a Context<'a>,
    /// The ruleset.
    pub ruleset: &'a Ruleset,
    /// The repository it was met in, for what needs one; `None` for a ruleset met only in the owner's list.
    pub repository: Option<&'a Repository>,
}

/// For [`Look::Repository`](super::Look::Repository).
#[derive(Debug, Clone, Copy)]
pub struct RepositoryScene<'a> {
    /// What is the same for the whole run.
    pub context: &'a Context<'a>,
    /// The repository. Archived and disabled ones, and those without a commit, do not come here: nobody can push to
    /// them, or there is nothing to protect.
    pub repository: &'a Repository,
    /// What binds its default branch, then every other branch that the policy asks to protect.
    pub branches: &'a [Effective],
    /// The jobs of its workflows, read when the first check asks.
    pub jobs: &'a OnceCell<Result<Jobs, Hidden>>,
}

impl<'a> RepositoryScene<'a> {
    /// What binds the default branch; `None` in a repository that has none.
    pub fn default_branch(&self) -> Option<&'a Effective> {
        let name = &self.repository.default_branch.as_ref()?.name;
        self.branches.iter().find(|branch| branch.ref_name.strip_prefix("refs/heads/") == Some(name))
    }

    /// The repository as a place.
    pub fn place(&self) -> Place {
        self.context.place(self.repository)
    }

    /// The jobs of its workflows.
    ///
    /// # Errors
    /// The list of workflows is hidden.
    pub fn jobs(&self) -> Result<&'a Jobs, Hidden> {
        self.jobs.get_or_init(|| Jobs::of(self.repository)).as_ref().map_err(Clone::clone)
    }

    /// What binds any ref, existing or not, by its full name.
    pub fn effective(&self, ref_name: &str) -> Effective {
        Effective::of(self.repository, self.context.owner, ref_name)
    }
}
