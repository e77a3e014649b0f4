//! Audit: does what GitHub shows really bind? One check, one file in `checks/`, all pure.
//!
//! A check has three answers: it holds, a [`Finding`], or it cannot be told, with what is hidden. [`scene`] holds what a
//! check may look at, [`finding`] what it may say, [`judge`] runs checks and gathers what they say, [`exempt`] sets aside
//! what the policy accepts. What several checks ask is in [`branches`], [`review`], [`required`], [`workflow_file`],
//! [`codeowners`] and [`unapproved`].

mod bound;
pub mod branches;
pub mod checks;
pub mod codeowners;
pub mod drift;
pub mod exempt;
pub mod finding;
mod gaps;
pub mod judge;
mod layers;
pub mod opening;
pub mod protected;
pub mod required;
pub mod review;
pub mod scene;
pub mod unapproved;
pub mod workflow_file;

use crate::github::Hidden;
use crate::github::part::Part;

pub use checks::CHECKS;
pub use finding::{Finding, Findings, Place, Severity};
pub use scene::{OwnerScene, PolicyScene, RepositoryScene, RulesetScene, RunScene};

/// A check: what it is called, what it says of itself, and how it looks.
#[derive(Debug)]
pub struct Check {
    /// The file name with dashes, the fixture folder, the SARIF rule and the doc anchor.
    pub id: &'static str,
    /// How bad a finding is, unless it says otherwise.
    pub severity: Severity,
    /// What a finding means, in one sentence without a full stop.
    pub summary: &'static str,
    /// Why it matters: what someone can do.
    pub why: &'static str,
    /// What to do about it.
    pub fix: &'static str,
    /// GitHub's page about the setting.
    pub link: &'static str,
    /// What must be read for it, besides the index.
    pub reads: &'static [Part],
    /// How it looks.
    pub looks: &'static [Look],
}

/// What a look says when it ends: findings were handed over on the way, and `?` on what is hidden ends it with "cannot tell".
pub type Looked = Result<(), Hidden>;

/// At what a check looks. Each look is taken once for everything of its kind.
#[derive(Debug, Clone, Copy)]
pub enum Look {
    /// At the whole run, when everything was read.
    Run(fn(&RunScene<'_>, &mut Findings) -> Looked),
    /// At the owner.
    Owner(fn(&OwnerScene<'_>, &mut Findings) -> Looked),
    /// At each distinct ruleset of every level.
    Ruleset(fn(&RulesetScene<'_>, &mut Findings) -> Looked),
    /// At what the policy asks of the owner, and of each repository that it is about: of those without a commit, too, where
    /// whoever pushes first would find no rule.
    Policy(fn(&PolicyScene<'_>, &mut Findings) -> Looked),
    /// At each repository.
    Repository(fn(&RepositoryScene<'_>, &mut Findings) -> Looked),
}

/// Every check: those of GitHub's settings, then those of the policy's exemptions.
pub fn all() -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().copied().chain(exempt::EXEMPTION_CHECKS)
}

/// The check of that id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id == id)
}

/// The check whose id is most like this one, if any is.
pub fn near(id: &str) -> Option<&'static str> {
    let id = id.replace('_', "-");
    let distance = |check: &Check| strsim::damerau_levenshtein(check.id, &id);
    all().map(|check| (distance(check), check.id)).min().filter(|(distance, _)| *distance <= 4).map(|(_, id)| id)
}
