//! What a policy asks GitHub for, in one repository or in the organization: rulesets, or classic branch protections, in
//! GitHub's own words. What GitHub can't bind is listed with the reason, never dropped.

pub mod classic;
pub mod left_out;
pub mod named;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::names::{Identity, Names, NoNumber};
use super::owner::Owner;
use super::readable::{Cause, Hidden};
use super::repository::{Repository, Visibility};
use super::ruleset::{Conditions, Level, Names as Patterns, Target};
use super::word::Word;
use crate::git::pattern::PatternSet;
use crate::policy::github::{self, Github, Mechanism, Unmanaged};
use crate::policy::{BypassMode, ConfiguredRule, Enforcement, Location, Policy, RepositoryScope, Ruleset};
use crate::rules::{self, OnGithub};

pub use classic::DesiredProtection;
pub use left_out::LeftOut;
pub use named::{Named, named_in};

/// Everything that a policy asks for in one place.
#[derive(Debug, Clone)]
pub struct Desired {
    /// `owner/name`, or the organization's login.
    pub target: String,
    /// Where rulesets are written.
    pub level: Level,
    /// As what.
    pub mechanism: Mechanism,
    /// What happens to what the policy does not know.
    pub unmanaged: Unmanaged,
    /// Where `[github]` stands in the policy.
    pub at: Location,
    /// In the policy's order.
    pub rulesets: Vec<DesiredRuleset>,
    /// In the policy's order.
    pub protections: Vec<DesiredProtection>,
    /// What the policy names and is in neither list.
    pub left_out: LeftOut,
    /// What GitHub has nothing for.
    pub not_bound: Vec<NotBound>,
    /// What GitHub has something for, and the mechanism or level that the policy chose has not.
    pub blocked: Vec<NotBound>,
    /// Names that could not be found. What they stand for is desired all the same.
    pub unresolved: Vec<Unresolved>,
}

/// A ruleset that there should be.
#[derive(Debug, Clone)]
pub struct DesiredRuleset {
    /// Its name on GitHub.
    pub name: String,
    /// Its name in the policy.
    pub policy_name: String,
    /// What it is about.
    pub target: Target,
    /// Whether it refuses.
    pub enforcement: Enforcement,
    /// Where it applies; a push ruleset of a repository has none.
    pub conditions: Option<Conditions>,
    /// Who passes it, each once.
    pub bypass: Vec<DesiredBypass>,
    /// Its rules, in the policy's order.
    pub rules: Vec<DesiredRule>,
    /// Where it stands in the policy.
    pub at: Location,
}

/// Someone who should pass.
#[derive(Debug, Clone)]
pub struct DesiredBypass {
    /// As the policy writes it, spelled as GitHub does where it is known.
    pub name: String,
    /// Who that is on GitHub.
    pub identity: Result<Identity, NoNumber>,
    /// When.
    pub mode: BypassMode,
    /// Where it stands in the policy.
    pub at: Location,
}

/// A rule that there should be.
#[derive(Debug, Clone)]
pub struct DesiredRule {
    /// GitHub's `type`.
    pub name: &'static str,
    /// GitHub's `parameters`, with names in the place of numbers; empty for a rule that has none.
    pub parameters: Map<String, Value>,
    /// Parameters that the policy does not write, so that a live value that asks for more is no drift.
    pub unstated: Vec<String>,
    /// Where it stands in the policy.
    pub at: Location,
}

/// Something in the policy that does not bind on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotBound {
    /// The rule, or what else it is: `actors`, `refs`, `repositories`, `bypass`, `enforcement`, `target`.
    pub rule: String,
    /// The ruleset, by its name in the policy.
    pub ruleset: String,
    /// Why.
    pub why: String,
    /// Where it stands in the policy.
    pub at: Location,
}

/// A name that could not be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// As the policy writes it.
    pub name: String,
    /// The ruleset, by its name in the policy.
    pub ruleset: String,
    /// Why: nobody is called so, or it can't be told.
    pub why: NoNumber,
    /// Where it stands in the policy.
    pub at: Location,
}

impl Desired {
    /// The name on GitHub of a ruleset of the policy.
    pub fn github_name<'d>(&'d self, policy_name: &'d str) -> &'d str {
        self.rulesets.iter().find(|ruleset| ruleset.policy_name == policy_name).map_or(policy_name, |ruleset| &ruleset.name)
    }

    /// What a policy asks for in a repository. `None` when it says nothing about it: it has no `[github]`, is about another
    /// owner, does not select the repository, or writes to the organization. `today` tells which bypasses have expired.
    ///
    /// # Errors
    /// Whether the repository is selected can't be told.
    pub fn for_repository(
        policy: &Policy,
        owner: &Owner,
        repository: &Repository,
        today: Date,
    ) -> Result<Option<Desired>, Hidden> {
        let Some(github) = of_owner(policy, owner).filter(|github| github.level == github::Level::Repository) else {
            return Ok(None);
        };
        if !selects(github, repository)? {
            return Ok(None);
        }
        let names = Names::new(owner, Some(repository));
        let mut builder = Builder::new(github, repository.full_name(), Level::Repository, names, today);
        for ruleset in &policy.rulesets {
            if scope_includes(&ruleset.repositories, &repository.full_name())? {
                builder.ruleset(ruleset, None, Some(repository));
            }
        }
        let mut desired = builder.desired;
        if github.mechanism == Mechanism::BranchProtection {
            classic::convert(&mut desired, repository);
        }
        Ok(Some(desired))
    }

    /// What a policy asks for in the organization. `None` when it writes to repositories, or is about another owner.
    pub fn for_owner(policy: &Policy, owner: &Owner, today: Date) -> Option<Desired> {
        let github = of_owner(policy, owner).filter(|github| github.level == github::Level::Organization)?;
        let names = Names::new(owner, None);
        let mut builder = Builder::new(github, owner.login.clone(), Level::Organization, names, today);
        for ruleset in &policy.rulesets {
            match repository_names(&github.repositories, &ruleset.repositories, &owner.login) {
                Ok(Some(repositories)) => builder.ruleset(ruleset, Some(repositories), None),
                Ok(None) => {}
                Err(why) => {
                    builder.blocked("repositories", ruleset, why, ruleset.at);
                    builder.leave_out(ruleset, None);
                }
            }
        }
        Some(builder.desired)
    }
}

fn of_owner<'p>(policy: &'p Policy, owner: &Owner) -> Option<&'p Github> {
    policy.github.as_ref().filter(|github| github.owner.eq_ignore_ascii_case(&owner.login))
}

/// Whether `[github] repositories` selects a repository.
///
/// # Errors
/// It can't be told.
pub fn selects(github: &Github, repository: &Repository) -> Result<bool, Hidden> {
    let wanted = &github.repositories;
    if (repository.archived && !wanted.archived)
        || !scope_includes(&wanted.scope, &repository.full_name())?
        || !(wanted.topics.is_empty() || wanted.topics.iter().any(|topic| repository.topics.contains(topic)))
    {
        return Ok(false);
    }
    if wanted.visibility.is_empty() {
        return Ok(true);
    }
    let visibility = match &repository.visibility {
        Word::Known(Visibility::Public) => github::Visibility::Public,
        Word::Known(Visibility::Private) => github::Visibility::Private,
        Word::Known(Visibility::Internal) => github::Visibility::Internal,
        Word::Unknown(word) => {
            return Err(Hidden::new(Cause::Unknown, format!("the repository has the unknown visibility `{word}`")));
        }
    };
    Ok(wanted.visibility.contains(&visibility))
}

fn scope_includes(scope: &RepositoryScope, full_name: &str) -> Result<bool, Hidden> {
    scope.includes(full_name).map_err(|error| Hidden::new(Cause::Unknown, error.to_string()))
}

/// Both scopes as the one condition that an organization's ruleset takes. `None` when no repository of the owner is meant.
fn repository_names(all: &github::Repositories, ruleset: &RepositoryScope, login: &str) -> Result<Option<Patterns>, String> {
    if !all.topics.is_empty() || !all.visibility.is_empty() {
        return Err("an organization's ruleset takes names only, not topics and visibilities with them".to_owned());
    }
    let list = |full: &PatternSet, last: &PatternSet| -> Result<Vec<String>, String> {
        let mut names: Vec<String> = last.patterns().iter().map(|pattern| pattern.as_str().to_owned()).collect();
        for pattern in full.patterns() {
            match pattern.as_str().split_once('/') {
                Some((owner, name)) if owner.eq_ignore_ascii_case(login) => names.push(name.to_owned()),
                Some((owner, _)) if owner.contains(['*', '?', '[']) => {
                    return Err(format!("an organization's ruleset takes names without their owner, not `{pattern}`"));
                }
                // It is about another owner.
                _ => {}
            }
        }
        Ok(names)
    };
    let included = |scope: &RepositoryScope| -> Result<Option<Vec<String>>, String> {
        if scope.include_all { Ok(None) } else { list(&scope.include_full, &scope.include_last).map(Some) }
    };
    let include = match (included(&all.scope)?, included(ruleset)?) {
        (None, None) => vec!["~ALL".to_owned()],
        (Some(names), None) | (None, Some(names)) => names,
        (Some(one), Some(other)) if one == other => one,
        (Some(_), Some(_)) => {
            return Err("`[github]` and the ruleset both include repositories, and GitHub takes one list".to_owned());
        }
    };
    let mut exclude = list(&all.scope.exclude_full, &all.scope.exclude_last)?;
    for name in list(&ruleset.exclude_full, &ruleset.exclude_last)? {
        if !exclude.contains(&name) {
            exclude.push(name);
        }
    }
    Ok((!include.is_empty()).then(|| Patterns { include, exclude, ..Patterns::default() }))
}

/// Why a rule binds nothing in a ruleset of this target, if it does not.
fn not_on_github(rule: &ConfiguredRule, target: rules::Target) -> Option<&'static str> {
    match (rule.rule.on_github(), target) {
        (OnGithub::Same, rules::Target::Branch | rules::Target::Tag) | (OnGithub::PushRulesetOnly, rules::Target::Push) => None,
        (OnGithub::Same, rules::Target::Push) => Some("GitHub's push rulesets are about paths and files only"),
        (OnGithub::PushRulesetOnly, _) => Some("GitHub has it in push rulesets only"),
        (OnGithub::None { why }, _) => Some(why),
    }
}

/// Rules that only a repository's ruleset may have.
const NOT_IN_ORGANIZATIONS: &[&str] = &["merge_queue", "license_compliance_scanning"];

struct Builder<'a> {
    desired: Desired,
    names: Names<'a>,
    today: Date,
}

impl<'a> Builder<'a> {
    fn new(github: &Github, target: String, level: Level, names: Names<'a>, today: Date) -> Builder<'a> {
        let desired = Desired {
            target,
            level,
            mechanism: github.mechanism,
            unmanaged: github.unmanaged,
            at: github.at,
            rulesets: Vec::new(),
            protections: Vec::new(),
            left_out: LeftOut::default(),
            not_bound: Vec::new(),
            blocked: Vec::new(),
            unresolved: Vec::new(),
        };
        Builder { desired, names, today }
    }

    fn not_bound(&mut self, rule: &str, ruleset: &Ruleset, why: impl Into<String>, at: Location) {
        let (rule, ruleset) = (rule.to_owned(), ruleset.name.clone());
        self.desired.not_bound.push(NotBound { rule, ruleset, why: why.into(), at });
    }

    fn blocked(&mut self, rule: &str, ruleset: &Ruleset, why: impl Into<String>, at: Location) {
        let (rule, ruleset) = (rule.to_owned(), ruleset.name.clone());
        self.desired.blocked.push(NotBound { rule, ruleset, why: why.into(), at });
    }

    fn ruleset(&mut self, ruleset: &Ruleset, repositories: Option<Patterns>, repository: Option<&Repository>) {
        match self.written(ruleset, repositories, repository) {
            Some(desired) => self.desired.rulesets.push(desired),
            None => self.leave_out(ruleset, repository),
        }
    }

    /// Notes what a ruleset names that can't be written.
    fn leave_out(&mut self, ruleset: &Ruleset, repository: Option<&Repository>) {
        let (target, name) = (target(ruleset), self.github_name(ruleset).clone());
        if self.desired.mechanism == Mechanism::BranchProtection && target == Target::Branch {
            let refs = &ruleset.refs;
            let words = [(refs.include_all, "~ALL"), (refs.include_default, "~DEFAULT_BRANCH")];
            let words = words.into_iter().filter_map(|(is, word)| is.then_some(word));
            let patterns = refs.include.patterns().iter().map(|pattern| pattern.as_str());
            let named = words.chain(patterns).filter_map(|pattern| classic::pattern_of(pattern, repository));
            self.desired.left_out.patterns.extend(named);
        }
        self.desired.left_out.rulesets.push((target, name));
    }

    /// Its name on GitHub. A branch protection has none.
    fn github_name<'r>(&self, ruleset: &'r Ruleset) -> &'r String {
        ruleset.github_name.as_ref().filter(|_| self.desired.mechanism == Mechanism::Rulesets).unwrap_or(&ruleset.name)
    }

    /// The ruleset that there should be; `None` when there can be none.
    fn written(
        &mut self,
        ruleset: &Ruleset,
        repositories: Option<Patterns>,
        repository: Option<&Repository>,
    ) -> Option<DesiredRuleset> {
        // Without its `actors` the ruleset would bind people whom the policy leaves alone.
        if !ruleset.actors.is_everyone() {
            self.not_bound("actors", ruleset, "GitHub's rulesets judge everyone", ruleset.at);
            return None;
        }
        if !ruleset.trust_default_branch {
            self.not_bound("trust_default_branch", ruleset, "GitHub has no such setting", ruleset.at);
        }
        let public = repository.is_some_and(|repository| repository.visibility.is(&Visibility::Public));
        if ruleset.target == rules::Target::Push && public {
            let why = "GitHub has push rulesets in private and internal repositories only";
            self.not_bound("target", ruleset, why, ruleset.at);
            return None;
        }
        let rules = self.rules(ruleset);
        let ref_name = self.ref_name(ruleset);
        let (false, Ok(ref_name)) = (rules.is_empty(), ref_name) else { return None };
        let conditions = Conditions { ref_name, repository_name: repositories, ..Conditions::default() };
        Some(DesiredRuleset {
            name: self.github_name(ruleset).clone(),
            policy_name: ruleset.name.clone(),
            target: target(ruleset),
            enforcement: ruleset.enforcement,
            conditions: (conditions != Conditions::default()).then_some(conditions),
            bypass: self.bypass(ruleset),
            rules,
            at: ruleset.at,
        })
    }

    fn rules(&mut self, ruleset: &Ruleset) -> Vec<DesiredRule> {
        let mut desired = Vec::new();
        for rule in &ruleset.rules {
            let name = rule.rule.info().id;
            if let Some(why) = not_on_github(rule, ruleset.target) {
                self.not_bound(name, ruleset, why, rule.at);
            } else if self.desired.level != Level::Repository && NOT_IN_ORGANIZATIONS.contains(&name) {
                self.blocked(name, ruleset, "GitHub has it in the rulesets of repositories only", rule.at);
            } else {
                let Value::Object(mut parameters) = rule.rule.settings() else { continue };
                let unstated = parameters.keys().filter(|key| !rule.stated.contains(key)).cloned().collect();
                self.number_workflows(&mut parameters, ruleset, rule.at);
                self.check_actors(&parameters, ruleset, rule.at);
                desired.push(DesiredRule { name, parameters, unstated, at: rule.at });
            }
        }
        desired
    }

    /// GitHub knows the repositories of workflows by number only.
    fn number_workflows(&mut self, parameters: &mut Map<String, Value>, ruleset: &Ruleset, at: Location) {
        let Some(Value::Array(workflows)) = parameters.get_mut("workflows") else { return };
        for workflow in workflows.iter_mut().filter_map(Value::as_object_mut) {
            let Some(Value::String(name)) = workflow.get("repository").cloned() else { continue };
            match self.names.repository_number(&name) {
                Ok(number) => {
                    workflow.remove("repository");
                    workflow.insert("repository_id".to_owned(), json!(number));
                }
                Err(why) => self.unresolved(name, ruleset, why, at),
            }
        }
    }

    /// Notes the names in a rule's parameters that nobody has.
    fn check_actors(&mut self, parameters: &Map<String, Value>, ruleset: &Ruleset, at: Location) {
        let may_dismiss = match self.desired.mechanism {
            Mechanism::Rulesets => MAY_DISMISS,
            Mechanism::BranchProtection => classic::MAY_DISMISS,
        };
        for name in actors_in(parameters) {
            match self.names.resolve(&name) {
                Ok(Identity { kind, .. }) if !may_dismiss.contains(&kind) => {
                    let why = NoNumber::Unknown(format!("GitHub takes no `{name}` here"));
                    self.unresolved(name, ruleset, why, at);
                }
                Ok(_) => {}
                Err(why) => self.unresolved(name, ruleset, why, at),
            }
        }
    }

    fn unresolved(&mut self, name: String, ruleset: &Ruleset, why: NoNumber, at: Location) {
        self.desired.unresolved.push(Unresolved { name, ruleset: ruleset.name.clone(), why, at });
    }

    /// `conditions.ref_name`, with full names; an error when nothing of it can be said on GitHub.
    fn ref_name(&mut self, ruleset: &Ruleset) -> Result<Option<Patterns>, ()> {
        let refs = &ruleset.refs;
        if ruleset.target == rules::Target::Push {
            return Ok(None);
        }
        let word = |is: bool, word: &str| is.then(|| word.to_owned());
        let mut list = |all: bool, default: bool, patterns: &PatternSet| -> Vec<String> {
            let mut names: Vec<String> = word(all, "~ALL").into_iter().chain(word(default, "~DEFAULT_BRANCH")).collect();
            for pattern in patterns.patterns().iter().map(|pattern| pattern.as_str()) {
                if pattern.starts_with(refs.namespace) {
                    names.push(pattern.to_owned());
                } else {
                    let why = format!("a {} ruleset of GitHub has no meaning for `{pattern}`", ruleset.target.as_str());
                    self.not_bound("refs", ruleset, why, ruleset.at);
                }
            }
            names
        };
        let include = list(refs.include_all, refs.include_default, &refs.include);
        let exclude = list(false, refs.exclude_default, &refs.exclude);
        if include.is_empty() { Err(()) } else { Ok(Some(Patterns { include, exclude, ..Patterns::default() })) }
    }

    /// Who passes today. Who is named twice passes as the more generous entry says.
    fn bypass(&mut self, ruleset: &Ruleset) -> Vec<DesiredBypass> {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        let mut desired: Vec<DesiredBypass> = Vec::new();
        let today = self.today;
        for bypass in ruleset.bypass.iter().filter(|bypass| !bypass.is_expired(today)) {
            if bypass.github.is_empty() {
                self.not_bound("bypass", ruleset, format!("`{}` names nobody on GitHub", bypass.actor), bypass.at);
            }
            for written in &bypass.github {
                let identity = self.names.resolve(written);
                let name = identity.as_ref().map_or_else(|_| written.clone(), |identity| identity.name.clone());
                if let Err(why) = &identity {
                    self.unresolved(name.clone(), ruleset, why.clone(), bypass.at);
                }
                if name == "deploy-keys" && bypass.mode == BypassMode::PullRequest {
                    let why = "on GitHub deploy keys merge no pull requests";
                    self.not_bound("bypass", ruleset, why, bypass.at);
                    continue;
                }
                match found.get(&name).and_then(|&index| desired.get_mut(index)) {
                    Some(earlier) if generosity(bypass.mode) > generosity(earlier.mode) => earlier.mode = bypass.mode,
                    Some(_) => {}
                    None => {
                        found.insert(name.clone(), desired.len());
                        desired.push(DesiredBypass { name, identity, mode: bypass.mode, at: bypass.at });
                    }
                }
            }
        }
        desired
    }
}

/// What a ruleset is about, in GitHub's words.
fn target(ruleset: &Ruleset) -> Target {
    match ruleset.target {
        rules::Target::Branch => Target::Branch,
        rules::Target::Tag => Target::Tag,
        rules::Target::Push => Target::Push,
    }
}

fn generosity(mode: BypassMode) -> u8 {
    match mode {
        BypassMode::PullRequest => 0,
        BypassMode::Always => 1,
        BypassMode::Exempt => 2,
    }
}

/// Who may dismiss reviews, or review, on GitHub. Apps are known there by another number than elsewhere.
const MAY_DISMISS: &[super::ruleset::ActorType] =
    &[super::ruleset::ActorType::User, super::ruleset::ActorType::Team, super::ruleset::ActorType::RepositoryRole];

/// The names in a rule's parameters.
fn actors_in(parameters: &Map<String, Value>) -> Vec<String> {
    let dismissers = parameters.get("dismissal_restriction").and_then(|value| value.get("allowed_actors"));
    let reviewers = parameters.get("required_reviewers").and_then(Value::as_array).into_iter().flatten();
    dismissers
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .chain(reviewers.filter_map(|reviewers| reviewers.get("reviewer")))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

impl DesiredRuleset {
    /// The ruleset as GitHub's API takes it, with numbers in the place of names.
    ///
    /// # Errors
    /// Names whose numbers are not known.
    pub fn body(&self, names: &Names<'_>) -> Result<Value, Vec<NoNumber>> {
        let mut problems = Vec::new();
        let mut bypass = Vec::new();
        for entry in &self.bypass {
            match &entry.identity {
                Ok(identity) => bypass.push(json!({
                    "actor_id": identity.id,
                    "actor_type": identity.kind,
                    "bypass_mode": entry.mode,
                })),
                Err(why) => problems.push(why.clone()),
            }
        }
        let rules: Vec<Value> = self.rules.iter().map(|rule| rule.body(names, &mut problems)).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut body = json!({
            "name": self.name,
            "target": self.target,
            "enforcement": self.enforcement,
            "bypass_actors": bypass,
            "rules": rules,
        });
        if let (Some(conditions), Some(body)) = (&self.conditions, body.as_object_mut()) {
            body.insert("conditions".to_owned(), json!(conditions));
        }
        Ok(body)
    }
}

impl DesiredRule {
    fn body(&self, names: &Names<'_>, problems: &mut Vec<NoNumber>) -> Value {
        let mut parameters = self.parameters.clone();
        let mut numbered = |value: &mut Value| {
            let Some(name) = value.as_str() else { return };
            match names.resolve(name) {
                Ok(identity) if MAY_DISMISS.contains(&identity.kind) => {
                    *value = json!({ "id": identity.id, "type": identity.kind });
                }
                Ok(_) => problems.push(NoNumber::Unknown(format!("GitHub takes no `{name}` here"))),
                Err(why) => problems.push(why),
            }
        };
        if let Some(Value::Array(actors)) =
            parameters.get_mut("dismissal_restriction").and_then(|value| value.get_mut("allowed_actors"))
        {
            actors.iter_mut().for_each(&mut numbered);
        }
        if let Some(Value::Array(reviewers)) = parameters.get_mut("required_reviewers") {
            reviewers.iter_mut().filter_map(|reviewers| reviewers.get_mut("reviewer")).for_each(&mut numbered);
        }
        if let Some(Value::Array(workflows)) = parameters.get("workflows") {
            for workflow in workflows {
                if let Some(Err(why)) =
                    workflow.get("repository").and_then(Value::as_str).map(|name| names.repository_number(name))
                {
                    problems.push(why);
                }
            }
        }
        if parameters.is_empty() { json!({ "type": self.name }) } else { json!({ "type": self.name, "parameters": parameters }) }
    }
}
