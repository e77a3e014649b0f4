//! Who can do something to a ref, and through which door.
//!
//! A push must satisfy every layer, so someone can do what rules forbid only with a door in each rule that forbids it.
//! `subjects` says who there is and what they may do in the repository, `explain` puts an answer in words.

mod explain;
mod subjects;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::effective::{Binding, Door, Effective, Source, Who};
use super::owner::Owner;
use super::part::Part;
use super::people::Permission;
use super::readable::{Cause, Hidden};
use super::repository::Repository;
use super::rule::{PullRequest, RuleKind};
use super::ruleset::BypassMode;
use super::word::Word;
use subjects::{Named, Subject};

/// Something that can be done to a ref, or to what binds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Push commits to it, with no pull request.
    Push,
    /// Change it without anybody else's review: by a push, or by merging a pull request that nobody approved.
    PushWithoutReview,
    /// Rewrite it.
    ForcePush,
    /// Delete it.
    Delete,
    /// Create it.
    Create,
    /// Change the rules that bind it.
    ChangeRules,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 6] =
        [Action::Push, Action::PushWithoutReview, Action::ForcePush, Action::Delete, Action::Create, Action::ChangeRules];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Push => "push",
            Action::PushWithoutReview => "push-without-review",
            Action::ForcePush => "force-push",
            Action::Delete => "delete",
            Action::Create => "create",
            Action::ChangeRules => "change-rules",
        }
    }

    /// The action of that word.
    pub fn find(word: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.as_str() == word)
    }

    /// Whether the rule forbids it to whoever has no door. Rules that judge what is pushed forbid nothing as such.
    fn is_forbidden_by(self, rule: &RuleKind) -> bool {
        match (self, rule) {
            (Action::Push | Action::ForcePush, RuleKind::PullRequest(_) | RuleKind::MergeQueue(_)) => true,
            (Action::Push | Action::PushWithoutReview | Action::ForcePush, RuleKind::Update(_)) => true,
            (Action::PushWithoutReview, RuleKind::PullRequest(parameters)) => asks_for_review(parameters),
            (Action::ForcePush, RuleKind::NonFastForward)
            | (Action::Delete, RuleKind::Deletion)
            | (Action::Create, RuleKind::Creation) => true,
            _ => false,
        }
    }

    /// Whether a door of this mode is one for it. Merging a pull request past its rules is no direct push.
    fn is_let_by(self, mode: BypassMode) -> bool {
        mode != BypassMode::PullRequest || self == Action::PushWithoutReview
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether every change needs somebody else's approval. A review by code owners alone is asked for some files only.
fn asks_for_review(parameters: &PullRequest) -> bool {
    let reviewers = parameters.required_reviewers.iter().flatten();
    let everywhere = |patterns: &[String]| patterns.iter().any(|pattern| pattern == "*" || pattern == "**/*");
    parameters.required_approving_review_count > 0
        || parameters.require_last_push_approval
        || reviewers.into_iter().any(|reviewers| reviewers.minimum_approvals > 0 && everywhere(&reviewers.file_patterns))
}

/// What must be read to answer, besides the index and what rulesets say.
pub const READS: &[Part] = &[
    Part::OwnerRulesets,
    Part::People,
    Part::Keys,
    Part::Members,
    Part::Teams,
    Part::TeamMembers,
    Part::Installations,
    Part::CustomRoles,
];

/// Who can, as far as it can be told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// `owner/name`.
    pub repository: String,
    /// The full name.
    pub ref_name: String,
    /// What is asked about.
    pub action: Action,
    /// Whether that is all: nothing that would tell of others, or of more rules, is hidden.
    pub complete: bool,
    /// What is hidden or unknown.
    pub reasons: Vec<Hidden>,
    /// Who can: people, apps, deploy keys, then those that stand for people who could not be listed.
    pub entries: Vec<Entry>,
    /// What must be so besides: rules that judge what is pushed.
    pub conditions: Vec<String>,
}

/// Someone who can.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// As the policy writes actors: `barbara`, `team:release`, `app:release-please`, `deploy-key:deployer`.
    pub who: String,
    /// Whether it is one person, app or key; else it stands for people who could not be listed.
    pub expanded: bool,
    /// Whether it is certain that they may push to the repository at all, or administer it.
    pub certain: bool,
    /// What they may do in the repository, and whence, where that is known.
    pub access: Option<String>,
    /// One for each rule that would forbid it; for `change-rules`, for each source that they can change. Empty when nothing
    /// forbids it.
    pub doors: Vec<Passed>,
    /// The same in words.
    pub explanation: String,
}

/// How someone passes a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Passed {
    /// Where the rule stands.
    pub source: Source,
    /// The rule; `None` for changing the source.
    pub rule: Option<String>,
    /// For whom the door is.
    pub through: Who,
    /// The bypass mode; `None` where there are no modes.
    pub mode: Option<String>,
}

/// Who can do something to the ref that `effective` is about.
pub fn who_can(repository: &Repository, owner: &Owner, effective: &Effective, action: Action) -> Answer {
    let layers = Layers::of(repository, effective, action);
    let mut reasons = BTreeSet::new();
    // Where one layer lets nobody pass, nothing that is hidden changes that.
    if [is_of_people, is_of_apps, is_of_keys].into_iter().any(|kind| layers.may_let(kind)) {
        reasons.extend(effective.unsure.iter().map(|unsure| unsure.why.clone()));
        reasons.extend(layers.forbidding.iter().flat_map(Layer::unclear));
    }
    let subjects = subjects::all(repository, owner, &layers, &mut reasons);
    let mut entries: BTreeMap<(u8, String), Entry> = BTreeMap::new();
    for subject in &subjects {
        let doors = match action {
            Action::ChangeRules => layers.changeable_by(subject, repository, owner),
            _ if subject.may_push() => layers.passed_by(subject),
            _ => None,
        };
        let Some(doors) = doors else { continue };
        reasons.extend(subject.uncertain());
        let entry = explain::entry(subject, doors, action, repository, owner);
        entries.entry((subject.rank(), entry.who.clone())).or_insert(entry);
    }
    let entries: Vec<Entry> = entries.into_values().collect();
    // Where nobody can, nothing more is asked of anybody.
    let nobody = entries.is_empty() && reasons.is_empty();
    Answer {
        repository: repository.full_name(),
        ref_name: effective.ref_name.clone(),
        action,
        complete: reasons.is_empty(),
        reasons: reasons.into_iter().collect(),
        conditions: if nobody { Vec::new() } else { explain::conditions(repository, effective, action, &entries) },
        entries,
    }
}

/// Kinds of those for whom doors are.
fn is_of_people(who: &Who) -> bool {
    !is_of_apps(who) && !is_of_keys(who)
}

fn is_of_apps(who: &Who) -> bool {
    matches!(who, Who::App(_)) || matches!(who, Who::Other(what) if what.starts_with("app #"))
}

fn is_of_keys(who: &Who) -> bool {
    *who == Who::DeployKeys
}

/// What stands between people and what they want.
struct Layers<'a> {
    action: Action,
    /// The bindings that forbid it to whoever has no door.
    forbidding: Vec<Layer<'a>>,
    /// Every source of rules, whatever they forbid.
    sources: Vec<&'a Source>,
}

struct Layer<'a> {
    binding: &'a Binding,
    /// It names who may push, which never stops who administers.
    names_pushers: bool,
}

impl<'a> Layers<'a> {
    fn of(repository: &'a Repository, effective: &'a Effective, action: Action) -> Layers<'a> {
        let mut restricted = BTreeSet::new();
        let mut forbidding = Vec::new();
        let mut sources: Vec<&Source> = Vec::new();
        for binding in &effective.bindings {
            let names_pushers = match &binding.source {
                Source::Protection { pattern } => {
                    let protections = repository.protections.known().into_iter().flatten();
                    let restricts =
                        protections.into_iter().any(|protection| protection.pattern == *pattern && protection.restricts_pushes);
                    // The first of a kind is the list of who pushes; a lock comes after it.
                    let listed = matches!(binding.rule.kind, RuleKind::Update(_) | RuleKind::Creation);
                    restricts && listed && restricted.insert((pattern, &binding.rule.name))
                }
                Source::Ruleset { .. } => false,
            };
            if action.is_forbidden_by(&binding.rule.kind) {
                forbidding.push(Layer { binding, names_pushers });
            }
            if !sources.contains(&&binding.source) {
                sources.push(&binding.source);
            }
        }
        for source in effective.unsure.iter().filter_map(|unsure| unsure.source.as_ref()) {
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        Layers { action, forbidding, sources }
    }

    /// Whether every layer may let some of this kind pass: none is known to have no door for them.
    fn may_let(&self, kind: fn(&Who) -> bool) -> bool {
        let of_people = kind(&Who::OrganizationAdmins);
        let fits = |door: &Door| kind(&door.who) && door.mode.known().is_none_or(|mode| self.action.is_let_by(*mode));
        self.forbidding.iter().all(|layer| {
            (of_people && layer.names_pushers) || layer.binding.doors.known().is_none_or(|doors| doors.iter().any(fits))
        })
    }

    /// Everyone for whom any layer has a door.
    fn doors(&self) -> impl Iterator<Item = &Door> {
        self.forbidding.iter().filter_map(|layer| layer.binding.doors.known()).flatten()
    }

    /// A door in each layer, or `None`.
    fn passed_by(&self, subject: &Subject<'_>) -> Option<Vec<Passed>> {
        self.forbidding.iter().map(|layer| layer.passed_by(subject, self.action)).collect()
    }

    /// The sources that someone can change, or `None`. Who administers a repository without rules can still make some.
    fn changeable_by(&self, subject: &Subject<'_>, repository: &Repository, owner: &Owner) -> Option<Vec<Passed>> {
        let doors: Vec<Passed> = self
            .sources
            .iter()
            .filter_map(|source| {
                let through = match level(source, repository, owner) {
                    Level::Repository => subject.administers_repository(),
                    Level::Organization => subject.administers_organization(),
                    Level::Enterprise => (subject.named == Named::Group(Who::EnterpriseOwners)).then_some(Who::EnterpriseOwners),
                }?;
                Some(Passed { source: (*source).clone(), rule: None, through, mode: None })
            })
            .collect();
        let free = self.sources.is_empty() && subject.administers_repository().is_some();
        (free || !doors.is_empty()).then_some(doors)
    }
}

impl Layer<'_> {
    /// What of its doors can't be told.
    fn unclear(&self) -> Vec<Hidden> {
        match self.binding.doors.read() {
            Err(hidden) => vec![hidden.clone()],
            Ok(doors) => {
                let unknown = doors.iter().filter(|door| door.mode.known().is_none());
                let why = |door: &Door| format!("{} has the unknown bypass mode `{}`", self.binding.source, door.mode);
                unknown.map(|door| Hidden::new(Cause::Unknown, why(door))).collect()
            }
        }
    }

    fn passed_by(&self, subject: &Subject<'_>, action: Action) -> Option<Passed> {
        let passed = |through: Who, mode: Option<String>| Passed {
            source: self.binding.source.clone(),
            rule: Some(self.binding.rule.name.clone()),
            through,
            mode,
        };
        let classic = matches!(self.binding.source, Source::Protection { .. });
        let doors = self.binding.doors.known().map(Vec::as_slice).unwrap_or_default();
        let own = doors.iter().find_map(|door| {
            let Word::Known(mode) = &door.mode else { return None };
            let opens = action.is_let_by(*mode) && subject.is(&door.who);
            // A person may be listed by number only.
            let through = match (&door.who, &subject.named) {
                (Who::Other(_), Named::Person(login)) => Who::User(login.clone()),
                (who, _) => who.clone(),
            };
            opens.then(|| passed(through, (!classic).then(|| door.mode.to_string())))
        });
        let for_admins = classic && doors.iter().any(|door| door.who == Who::Role("admin".to_owned()));
        own.or_else(|| {
            let role = (for_admins.then(|| subject.role_with("bypass_branch_protection")).flatten())
                .or_else(|| self.names_pushers.then(|| subject.pushes_to_protected()).flatten())?;
            Some(passed(Who::Role(role), None))
        })
    }
}

/// Whose a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Repository,
    Organization,
    Enterprise,
}

fn level(source: &Source, repository: &Repository, owner: &Owner) -> Level {
    match source {
        Source::Protection { .. } => Level::Repository,
        Source::Ruleset { owner: whose, .. } if whose.eq_ignore_ascii_case(&repository.full_name()) => Level::Repository,
        Source::Ruleset { owner: whose, .. } if whose.eq_ignore_ascii_case(&owner.login) => Level::Organization,
        Source::Ruleset { .. } => Level::Enterprise,
    }
}

/// What GitHub calls a role that writes.
fn role_name(permission: Permission) -> &'static str {
    match permission {
        Permission::None => "none",
        Permission::Read => "read",
        Permission::Triage => "triage",
        Permission::Write => "write",
        Permission::Maintain => "maintain",
        Permission::Admin => "admin",
    }
}

/// The permission that a role of every repository has.
fn permission_of(role: &str) -> Option<Permission> {
    use Permission::*;
    [None, Read, Triage, Write, Maintain, Admin].into_iter().skip(1).find(|permission| role_name(*permission) == role)
}

fn not_read(why: impl Into<String>) -> Hidden {
    Hidden::new(Cause::NotAsked, why)
}
