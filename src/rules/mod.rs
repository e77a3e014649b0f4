//! The rules: one rule, one file. This module holds what every rule answers ([`Rule`]) and the one list of them.
//!
//! To add a rule, write its file and add its line to the list below; tests then ask for its fixtures and its words.

use std::fmt;

use toml::de::ValueDeserializer;

use crate::git::{FileChange, Oid};
use crate::push::{ChangedIn, Needs, Undecided, UpdateFacts};

mod regular_expression;
mod text_pattern;

/// What a ruleset is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Branches.
    Branch,
    /// Tags.
    Tag,
    /// Every push to the repository, whatever ref it is for.
    Push,
}

impl Target {
    /// The policy's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Target::Branch => "branch",
            Target::Tag => "tag",
            Target::Push => "push",
        }
    }
}

/// Branches and tags.
pub const REFS: &[Target] = &[Target::Branch, Target::Tag];
/// Branches, tags and pushes.
pub const ALL: &[Target] = &[Target::Branch, Target::Tag, Target::Push];

/// What a rule is called and says of itself.
#[derive(Debug)]
pub struct RuleInfo {
    /// The TOML key, the file name, the fixture folder and the doc anchor. GitHub's own name where GitHub has one.
    pub id: &'static str,
    /// What it refuses, in one sentence without a full stop.
    pub summary: &'static str,
    /// An example of its settings as TOML, right of the `=`.
    pub example: &'static str,
    /// The rulesets it may stand in.
    pub targets: &'static [Target],
    /// Why a git server cannot bind it; `None` when it binds.
    pub not_on_a_server: Option<&'static str>,
}

/// What GitHub does about a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnGithub {
    /// GitHub has the same rule in rulesets of the same target.
    Same,
    /// GitHub has the rule, in push rulesets only.
    PushRulesetOnly,
    /// GitHub has nothing like it.
    None {
        /// Why nothing on GitHub can bind it.
        why: &'static str,
    },
}

/// How a push breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What is wrong, without the path and the commit. May quote pushed names: sanitise before printing.
    pub what: String,
    /// The path concerned.
    pub path: Option<Box<[u8]>>,
    /// The commit concerned.
    pub commit: Option<Oid>,
    /// What to do about it.
    pub help: Option<String>,
    /// How many further violations this one stands for: of the same rule by the same update, counted and not kept.
    pub more: u64,
}

impl Violation {
    /// A violation of the ref change itself.
    pub fn new(what: impl Into<String>) -> Violation {
        Violation { what: what.into(), path: None, commit: None, help: None, more: 0 }
    }

    /// The bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        size_of::<Violation>()
            + self.what.len()
            + self.path.as_ref().map_or(0, |path| path.len())
            + self.help.as_ref().map_or(0, String::len)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Violation {
        self.help = Some(help.into());
        self
    }

    /// Adds the commit concerned.
    #[must_use]
    pub fn commit(mut self, id: Oid) -> Violation {
        self.commit = Some(id);
        self
    }
}

/// What every rule answers. A rule's struct is its settings, so that an invalid one cannot exist.
pub trait Rule: fmt::Debug + Send + Sync {
    /// Its name and words.
    fn info(&self) -> &'static RuleInfo;

    /// What must be collected for it.
    fn needs(&self) -> Needs;

    /// Whether the rule asks which commits enter, or what they touch.
    fn asks_about_commits(&self) -> bool {
        let needs = self.needs();
        needs.commits || needs.changes || needs.changed_paths
    }

    /// Whether a changed path can break the rule. The collector keeps no other paths, so this must be true for every
    /// change that [`Rule::check`] would name.
    ///
    /// # Errors
    /// It could not be found out.
    fn selects(&self, _change: &FileChange) -> Result<bool, Undecided> {
        Ok(false)
    }

    /// Whether a changed path below `folder` could be selected. False only when none can: the walk then skips the folder.
    fn selects_below(&self, _folder: &[u8]) -> bool {
        true
    }

    /// The largest number of changed paths that the rule allows, for [`PushTotals::changed_paths`](crate::push::PushTotals).
    fn changed_paths_limit(&self) -> Option<u64> {
        None
    }

    /// Judges one update. An empty list means that the rule is kept.
    ///
    /// # Errors
    /// A fact that the rule needs is not known.
    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided>;

    /// What GitHub does about it.
    fn on_github(&self) -> OnGithub;

    /// The settings as JSON in GitHub's words, for reports.
    fn settings(&self) -> serde_json::Value;
}

/// How a rule's settings are read.
pub enum Load {
    /// The rule has no parameters and is switched on by `= true`.
    Switch(fn() -> Box<dyn Rule>),
    /// The rule has parameters, given as a table.
    Parameters(for<'de> fn(ValueDeserializer<'de>) -> Result<Box<dyn Rule>, toml::de::Error>),
    /// The rule may be switched on by `= true` and may have parameters.
    Either(fn() -> Box<dyn Rule>, for<'de> fn(ValueDeserializer<'de>) -> Result<Box<dyn Rule>, toml::de::Error>),
}

/// A rule's entry in the list.
pub struct RuleEntry {
    /// Its name and words.
    pub info: &'static RuleInfo,
    /// How its settings are read.
    pub load: Load,
}

fn load_parameters<R>(value: ValueDeserializer<'_>) -> Result<Box<dyn Rule>, toml::de::Error>
where
    R: Rule + for<'de> serde::Deserialize<'de> + 'static,
{
    R::deserialize(value).map(|rule| Box::new(rule) as Box<dyn Rule>)
}

macro_rules! rules {
    ($($module:ident::$rule:ident $kind:ident,)*) => {
        $(mod $module;)*
        /// Every rule, in the order of the documentation.
        pub static RULES: &[RuleEntry] = &[$(rules!(@entry $module $rule $kind)),*];
    };
    (@entry $module:ident $rule:ident switch) => {
        RuleEntry { info: &$module::INFO, load: Load::Switch(|| Box::new($module::$rule)) }
    };
    (@entry $module:ident $rule:ident parameters) => {
        RuleEntry { info: &$module::INFO, load: Load::Parameters(load_parameters::<$module::$rule>) }
    };
    (@entry $module:ident $rule:ident either) => {
        RuleEntry { info: &$module::INFO, load: Load::Either(|| Box::<$module::$rule>::default(), load_parameters::<$module::$rule>) }
    };
}

rules! {
    creation::Creation switch,
    update::Update either,
    deletion::Deletion switch,
    non_fast_forward::NonFastForward switch,
    required_linear_history::RequiredLinearHistory switch,
    required_signatures::RequiredSignatures switch,
    pull_request::PullRequest parameters,
    required_status_checks::RequiredStatusChecks parameters,
    commit_message_pattern::CommitMessagePattern parameters,
    commit_author_email_pattern::CommitAuthorEmailPattern parameters,
    committer_email_pattern::CommitterEmailPattern parameters,
    branch_name_pattern::BranchNamePattern parameters,
    tag_name_pattern::TagNamePattern parameters,
    file_path_restriction::FilePathRestriction parameters,
    max_file_path_length::MaxFilePathLength parameters,
    file_extension_restriction::FileExtensionRestriction parameters,
    max_file_size::MaxFileSize parameters,
    annotated_tags::AnnotatedTags switch,
    max_commits::MaxCommits parameters,
    max_changed_paths::MaxChangedPaths parameters,
    merge_queue::MergeQueue parameters,
    required_deployments::RequiredDeployments parameters,
    workflows::Workflows parameters,
    code_scanning::CodeScanning parameters,
    copilot_code_review::CopilotCodeReview either,
    license_compliance_scanning::LicenseComplianceScanning switch,
}

/// The rule of that name.
pub fn find(id: &str) -> Option<&'static RuleEntry> {
    RULES.iter().find(|entry| entry.info.id == id)
}

/// The first characters of a text, when it has more.
pub fn cut(text: &str, characters: usize) -> Option<&str> {
    text.char_indices().nth(characters).and_then(|(at, _)| text.get(..at))
}

/// Violations of one rule by one update that are kept; the others are counted.
pub const LISTED: usize = 100;
/// Bytes of them that are kept, above which others are only counted.
const LISTED_BYTES: usize = 1 << 20;

/// How many violations these are, with those that were only counted.
pub fn total(violations: &[Violation]) -> u64 {
    violations.iter().map(|violation| violation.more.saturating_add(1)).fold(0, u64::saturating_add)
}

/// Keeps the first violations and counts the others, so that memory does not grow with how often a push breaks a rule.
#[derive(Default)]
struct Listed {
    kept: Vec<Violation>,
    bytes: usize,
}

impl Listed {
    /// Whether another violation is only counted.
    fn is_full(&self) -> bool {
        self.kept.len() >= LISTED || self.bytes >= LISTED_BYTES
    }

    fn add(&mut self, violation: impl FnOnce() -> Violation) {
        if self.is_full()
            && let Some(last) = self.kept.last_mut()
        {
            last.more += 1;
        } else {
            let violation = violation();
            self.bytes += violation.bytes();
            self.kept.push(violation);
        }
    }
}

/// The first of the violations; the others are counted.
fn listed(violations: impl Iterator<Item = Violation>) -> Vec<Violation> {
    let mut listed = Listed::default();
    violations.for_each(|violation| listed.add(|| violation));
    listed.kept
}

/// One violation for each path that `judge` objects to, named with the first entering commit that touches it, else with
/// the landing change.
fn path_violations(
    facts: &UpdateFacts,
    mut judge: impl FnMut(&FileChange) -> Result<Option<String>, Undecided>,
) -> Result<Vec<Violation>, Undecided> {
    let mut violations = Listed::default();
    let mut seen = std::collections::HashSet::new();
    for (place, change) in facts.changes()? {
        if let Some(what) = judge(change)?
            && seen.insert(&change.path)
        {
            let commit = match place {
                ChangedIn::Commit(id) => Some(id),
                ChangedIn::Landing => None,
            };
            violations.add(|| Violation { path: Some(change.path.clone()), commit, ..Violation::new(what) });
        }
    }
    Ok(violations.kept)
}
