//! Plan: what would have to change on GitHub so that it is as the policy asks. A value: it prints, it is kept as JSON, and
//! applying it is carrying out its changes and nothing else.
//!
//! [`of_repository`] and [`of_owner`] compare; `rulesets`, `protections` and `workflow_permissions` know what to write for
//! each kind of thing, [`state`] what a thing's state is, [`limits`] how much may be changed at once, [`migrate`] when classic
//! protection has become superfluous.

pub mod limits;
pub mod migrate;
mod protections;
mod rulesets;
pub mod state;
mod workflow_permissions;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::desired::Desired;
use super::drift::Direction;
use super::names::NoNumber;
use super::owner::Owner;
use super::readable::{Cause, Hidden};
use super::repository::Repository;
use super::ruleset::Level;
use crate::policy::Policy;

/// Everything that would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Of the form of this value: 1.
    pub version: u32,
    /// The word `plan`.
    pub kind: PlanWord,
    /// The policy.
    pub policy: PolicyFile,
    /// The organization or user.
    pub owner: String,
    /// The API's address.
    pub api_url: String,
    /// Whether classic protection goes where rulesets ask for no less.
    #[serde(default)]
    pub migrate: bool,
    /// How many repositories were looked at.
    pub repositories: u64,
    /// What would be written, in this order.
    pub changes: Vec<Change>,
    /// What the policy asks for and GitHub can't be given.
    pub blocked: Vec<Blocked>,
    /// What could not be told, so that nothing is written there.
    pub cannot_tell: Vec<CannotTell>,
    /// Rulesets and classic protections that the policy does not know, and that stay.
    pub unmanaged: Vec<Thing>,
    /// What of the policy GitHub has nothing for. Nothing is wrong with it: a git server binds it.
    pub not_bound: Vec<Blocked>,
    /// How each classic protection compares with what is left when it goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equivalents: Vec<migrate::Equivalent>,
}

/// The word that says that a file is a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanWord {
    /// It is one.
    Plan,
}

/// Which policy, down to its last byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// The file's name, as it was given.
    pub file: String,
    /// SHA-256 of its bytes, as `sha256:` and hex.
    pub digest: String,
}

/// What is written at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A ruleset.
    Ruleset,
    /// A classic branch protection.
    BranchProtection,
    /// What workflows may do.
    WorkflowPermissions,
}

impl Kind {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Ruleset => "ruleset",
            Kind::BranchProtection => "branch protection",
            Kind::WorkflowPermissions => "workflow permissions",
        }
    }
}

/// One thing on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thing {
    /// `owner/name`, or the organization's login.
    pub target: String,
    /// What it is.
    pub kind: Kind,
    /// The ruleset's name or the protection's pattern; nothing for workflow permissions.
    pub name: String,
}

impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Thing { target, kind, name } = self;
        match kind {
            Kind::WorkflowPermissions => write!(f, "{} of {target}", kind.as_str()),
            _ => write!(f, "{} `{name}` of {target}", kind.as_str()),
        }
    }
}

impl Thing {
    /// The repository's owner and name; `None` for what is the organization's.
    pub fn repository(&self) -> Option<(&str, &str)> {
        self.target.split_once('/')
    }

    /// The permission that writing it takes, as GitHub names it.
    pub fn permission(&self) -> &'static str {
        if self.repository().is_some() { "administration=write" } else { "organization_administration=write" }
    }
}

/// Something that is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What.
    pub thing: Thing,
    /// GitHub's number, or its node id for a classic protection, of what is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its state as it was read; nothing when it is created.
    pub before: Option<Value>,
    /// The state that it gets; nothing when it is deleted.
    pub after: Option<Value>,
    /// A text that is the same as long as what was read is.
    pub fingerprint: String,
    /// What differs, field by field.
    pub fields: Vec<Field>,
    /// The policy's line.
    pub line: usize,
    /// Whether the token may write it.
    pub permitted: Permitted,
    /// What must be as it is meant to be for the change to be made: the rulesets without which a classic protection must not go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relies_on: Vec<Reliance>,
    /// Whether the branch that a classic protection is named for must have no merge queue for the change to be made: none was seen
    /// when it was planned, no ruleset brings one, and the protection shows none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_merge_queue: bool,
}

/// A ruleset that a change relies on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reliance {
    /// The ruleset.
    pub ruleset: Thing,
    /// GitHub's number; nothing for one that the same plan creates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// A text that is the same as long as its state is.
    pub fingerprint: String,
}

/// What becomes of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is created.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

impl Action {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
        }
    }
}

/// Whether the token may write something, as far as reading tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permitted {
    /// GitHub shows what it shows to those only who may.
    Yes,
    /// It does not.
    No,
    /// Nothing tells.
    CannotTell,
}

/// One field of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Where, in GitHub's words: `rules.pull_request.required_approving_review_count`.
    pub field: String,
    /// What it is.
    pub from: Option<Value>,
    /// What it becomes.
    pub to: Option<Value>,
    /// Whether GitHub asks for less afterwards, or may.
    pub weakens: bool,
}

/// Something that the policy asks for and that is not written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocked {
    /// `owner/name`, or the organization's login.
    pub target: String,
    /// The ruleset, by its name in the policy.
    pub ruleset: String,
    /// The rule, the name, or what else of the ruleset it is.
    pub what: String,
    /// Why.
    pub why: String,
    /// The policy's line.
    pub line: usize,
    /// GitHub knows nobody of this name: a mistake in the policy, and not a limit of GitHub's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown_name: bool,
}

/// Something of which can't be told whether it is as the policy asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CannotTell {
    /// What; its name is empty for all rulesets, or all protections, of a place.
    pub thing: Thing,
    /// Why.
    pub why: Vec<Hidden>,
    /// What differs as far as it can be told.
    pub fields: Vec<Field>,
    /// The policy's line.
    pub line: usize,
}

impl Change {
    /// What becomes of the thing.
    pub fn action(&self) -> Action {
        match (&self.before, &self.after) {
            (None, _) => Action::Create,
            (Some(_), None) => Action::Delete,
            (Some(_), Some(_)) => Action::Update,
        }
    }

    /// Whether it is the same change. Another token may be permitted something else; nothing else may differ.
    fn is_same_as(&self, other: &Change) -> bool {
        Change { permitted: other.permitted, ..self.clone() } == *other
    }

    /// Whether another change comes to the same end.
    fn is_end_of(&self, other: &Change) -> bool {
        match (&self.after, &other.after) {
            (None, None) => true,
            (Some(one), Some(other)) => state::is_same(self.thing.kind, one, other),
            _ => false,
        }
    }

    /// Whether GitHub asks for less afterwards, or may.
    pub fn weakens(&self) -> bool {
        self.fields.iter().any(|field| field.weakens)
    }
}

/// What was found in one place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// What would be written.
    pub changes: Vec<Change>,
    /// What can't be.
    pub blocked: Vec<Blocked>,
    /// What can't be told.
    pub cannot_tell: Vec<CannotTell>,
    /// What the policy does not know.
    pub unmanaged: Vec<Thing>,
    /// What GitHub has nothing for.
    pub not_bound: Vec<Blocked>,
    /// How classic protections compare.
    pub equivalents: Vec<migrate::Equivalent>,
}

/// What the policy would have changed in a repository. `migrate`: classic protection goes where rulesets ask for no less.
/// Nothing when the policy says nothing about the repository. `today` tells which bypasses have expired.
pub fn of_repository(policy: &Policy, owner: &Owner, repository: &Repository, today: Date, migrate: bool) -> Found {
    let mut found = Found::default();
    match Desired::for_repository(policy, owner, repository, today) {
        Ok(Some(desired)) => {
            of_desired(&mut found, &desired, owner, Some(repository));
            workflow_permissions::compare(&mut found, policy, owner, Some(repository));
            in_order(&mut found);
            if migrate {
                migrate::plan(&mut found, &desired, owner, repository);
            }
        }
        Ok(None) => {}
        Err(hidden) => {
            let thing = Thing { target: repository.full_name(), kind: Kind::Ruleset, name: String::new() };
            found.cannot_tell.push(CannotTell { thing, why: vec![hidden], fields: Vec::new(), line: 1 });
        }
    }
    found
}

/// What the policy would have changed in the organization. Nothing when it writes to repositories.
pub fn of_owner(policy: &Policy, owner: &Owner, today: Date) -> Found {
    let mut found = Found::default();
    if let Some(desired) = Desired::for_owner(policy, owner, today) {
        of_desired(&mut found, &desired, owner, None);
        workflow_permissions::compare(&mut found, policy, owner, None);
        in_order(&mut found);
    }
    found
}

fn of_desired(found: &mut Found, desired: &Desired, owner: &Owner, repository: Option<&Repository>) {
    let blocked = |one: &super::desired::NotBound| Blocked {
        target: desired.target.clone(),
        ruleset: one.ruleset.clone(),
        what: one.rule.clone(),
        why: one.why.clone(),
        line: one.at.line,
        unknown_name: false,
    };
    found.blocked.extend(desired.blocked.iter().map(blocked));
    for one in &desired.not_bound {
        // A git server can bind a rule that GitHub has not; that a pattern means nothing on GitHub is a hole in its ruleset.
        let list = if one.rule == "refs" { &mut found.blocked } else { &mut found.not_bound };
        list.push(blocked(one));
    }
    for one in &desired.unresolved {
        match &one.why {
            NoNumber::Unknown(why) => found.blocked.push(Blocked {
                target: desired.target.clone(),
                ruleset: one.ruleset.clone(),
                what: one.name.clone(),
                why: why.clone(),
                line: one.at.line,
                unknown_name: true,
            }),
            NoNumber::Hidden(hidden) => {
                let name = desired.github_name(&one.ruleset).to_owned();
                let thing = Thing { target: desired.target.clone(), kind: Kind::Ruleset, name };
                let why = vec![Hidden { why: format!("who `{}` is: {}", one.name, hidden.why), ..hidden.clone() }];
                found.cannot_tell.push(CannotTell { thing, why, fields: Vec::new(), line: one.at.line });
            }
        }
    }
    rulesets::compare(found, desired, owner, repository);
    if let Some(repository) = repository {
        protections::compare(found, desired, owner, repository);
    }
}

/// What asks for more comes first, and deletions last: a run that stops on the way then leaves little undone that was there before.
fn in_order(found: &mut Found) {
    found.changes.sort_by_key(|change| {
        let is_deleted = change.action() == Action::Delete;
        (is_deleted, !is_deleted && change.weakens())
    });
}

/// What differs, as fields of a change, and what of it can't be told.
fn fields(differences: &[super::drift::Difference]) -> (Vec<Field>, Vec<Hidden>) {
    let mut hidden = Vec::new();
    let mut fields = Vec::new();
    for found in differences {
        if found.direction == Direction::CannotTell {
            let why = found.why.clone().unwrap_or_else(|| Hidden::new(Cause::Unknown, "GitHub's answer does not say"));
            hidden.push(Hidden { why: format!("`{}`: {}", found.field, why.why), ..why });
            continue;
        }
        fields.push(Field {
            field: found.field.clone(),
            from: found.live.clone(),
            to: found.desired.clone(),
            // What asks for more now asks for less then. Which of two asks for more may be unknown, and unknown is not fine.
            weakens: match found.direction {
                Direction::Stronger => true,
                Direction::Different => found.why.is_some() || may_narrow(found, differences),
                _ => false,
            },
        });
    }
    (fields, hidden)
}

/// Whether a pattern with wildcards goes from where something is asked for, or comes to where something is left out. That no
/// name was found which shows a loss proves it for plain names only.
fn may_narrow(found: &super::drift::Difference, all: &[super::drift::Difference]) -> bool {
    // Once everything is included, no pattern less narrows it.
    let is_everywhere = found.field.split_once(".include[").is_some_and(|(list, _)| {
        let everything = format!("{list}.include[~ALL]");
        all.iter().any(|other| other.field == everything && other.desired.is_some() && other.live.is_none())
    });
    let is_list = |list: &str| found.field.contains(list);
    let (pattern, narrows) = match (&found.desired, &found.live) {
        (None, Some(gone)) => (gone, (is_list(".include[") && !is_everywhere) || is_list(".restricted_file_paths[")),
        (Some(new), None) => (new, is_list(".exclude[")),
        _ => return false,
    };
    narrows && pattern.as_str().is_none_or(|pattern| pattern.contains(['*', '?', '[', '~']))
}

/// Whether the token may write a repository's settings, or the organization's.
fn permitted(owner: &Owner, repository: Option<&Repository>) -> Permitted {
    let (list, level) = match repository {
        Some(repository) if !repository.viewer_administers && repository.viewer_permission.is_some() => return Permitted::No,
        Some(repository) => (&repository.rulesets, Level::Repository),
        None => (&owner.rulesets, Level::Organization),
    };
    let own = list.known().into_iter().flatten().filter(|ruleset| ruleset.source_type.is(&level));
    for ruleset in own {
        // "The `bypass_actors` property is only returned if the user making the API request has write access to the ruleset."
        // https://docs.github.com/en/rest/repos/rules#get-a-repository-ruleset
        match ruleset.bypass_actors.read() {
            Ok(_) => return Permitted::Yes,
            Err(hidden) if hidden.cause == Cause::NotPermitted => return Permitted::No,
            Err(_) => {}
        }
    }
    Permitted::CannotTell
}

impl Plan {
    /// A plan that changes nothing yet.
    pub fn new(policy: &Policy, owner: &Owner, api_url: &str, migrate: bool) -> Plan {
        Plan {
            version: 1,
            kind: PlanWord::Plan,
            policy: PolicyFile { file: policy.file.clone(), digest: policy.digest.clone() },
            owner: owner.login.clone(),
            api_url: api_url.to_owned(),
            migrate,
            repositories: 0,
            changes: Vec::new(),
            blocked: Vec::new(),
            cannot_tell: Vec::new(),
            unmanaged: Vec::new(),
            not_bound: Vec::new(),
            equivalents: Vec::new(),
        }
    }

    /// Adds what was found in one place.
    pub fn add(&mut self, found: Found) {
        self.changes.extend(found.changes);
        self.blocked.extend(found.blocked);
        self.cannot_tell.extend(found.cannot_tell);
        self.unmanaged.extend(found.unmanaged);
        self.not_bound.extend(found.not_bound);
        self.equivalents.extend(found.equivalents);
    }

    /// Whether GitHub is as the policy asks, as far as GitHub can be.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.blocked.is_empty() && self.cannot_tell.is_empty()
    }

    /// What is no longer as it was when this was planned, by the same plan made `now`.
    pub fn moved_since<'p>(&'p self, now: &Plan) -> Vec<&'p Thing> {
        let is_so = |known: &Change| now.changes.iter().any(|change| known.is_same_as(change));
        self.changes.iter().filter(|known| !is_so(known)).map(|known| &known.thing).collect()
    }

    /// What of this plan was found again `now`: the changes that were planned, and whatever else was found in the same places. Of
    /// what only its file says nothing remains but what it could not do elsewhere. `most` is how many repositories there are,
    /// where that is known.
    #[must_use]
    pub fn as_read_now(&self, now: Plan, most: Option<u64>) -> Plan {
        let planned = |change: &Change| self.changes.iter().any(|known| known.is_same_as(change));
        let mut again = now;
        again.changes.retain(planned);
        again.blocked.extend(self.blocked.iter().filter(|one| !again.blocked.contains(one)).cloned().collect::<Vec<_>>());
        again
            .cannot_tell
            .extend(self.cannot_tell.iter().filter(|one| !again.cannot_tell.contains(one)).cloned().collect::<Vec<_>>());
        // Only the places of the plan were read again.
        self.as_left(again, most)
    }

    /// Its changes that come to the same end as changes of an earlier plan.
    pub fn only_ends_of(self, earlier: &Plan) -> Plan {
        let is_of = |change: &Change| earlier.changes.iter().any(|known| known.thing == change.thing && known.is_end_of(change));
        Plan { changes: self.changes.into_iter().filter(is_of).collect(), ..self }
    }

    /// What is left of this plan, with the number of repositories that it was made for.
    pub fn as_left(&self, left: Plan, most: Option<u64>) -> Plan {
        let repositories = most.map_or(self.repositories, |most| self.repositories.min(most)).max(left.repositories);
        Plan { repositories, ..left }
    }

    /// Which of its changes, by their place in it, are planned `now`, too, to the same end, each as it is planned now: of a run
    /// that stopped, no others are made, and of nothing else than what is meant now.
    pub fn asked(&self, now: &Plan) -> std::collections::BTreeMap<usize, Change> {
        let planned =
            |known: &Change| now.changes.iter().find(|change| change.thing == known.thing && known.is_end_of(change)).cloned();
        self.changes.iter().enumerate().filter_map(|(index, known)| Some((index, planned(known)?))).collect()
    }

    /// The places where something changes, each once, in the order of the changes.
    pub fn targets(&self) -> Vec<&str> {
        let mut targets: Vec<&str> = Vec::new();
        for change in &self.changes {
            if !targets.contains(&change.thing.target.as_str()) {
                targets.push(&change.thing.target);
            }
        }
        targets
    }
}
