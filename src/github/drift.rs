//! Drift: what GitHub has against what the policy asks for, field by field, of what the policy states.
//!
//! Each difference says which way it goes: whether GitHub asks for less than the policy, or for more. `fields` knows that
//! of each field, `walk` compares, `live` puts GitHub's answers in the same form. What is hidden is never equal.

mod fields;
mod live;
mod overlay;
pub mod pairs;
mod walk;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::desired::{Desired, DesiredProtection, DesiredRule, DesiredRuleset};
use super::names::Names;
use super::owner::Owner;
use super::protection::Protection;
use super::readable::{Cause, Hidden};
use super::repository::Repository;
use super::ruleset::{Level, Ruleset};
use super::scope;
use crate::policy::github::{Mechanism, Unmanaged};
use crate::policy::{Enforcement, Location};
pub use overlay::lay;
use pairs::Live;
pub use walk::canonical;
use walk::{Found, Path, Walk, World};

/// Something that GitHub has otherwise than the policy asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The ruleset's name, or the pattern of the branch protection.
    pub ruleset: String,
    /// Whether it is a branch protection.
    pub classic: bool,
    /// Where in it, in GitHub's words: `rules.pull_request.required_approving_review_count`, `bypass_actors[team:release]`.
    /// [`WHOLE`] for all of it.
    pub field: String,
    /// What the policy asks for; `None` for nothing.
    pub desired: Option<Value>,
    /// What GitHub has; `None` for nothing, or when it can't be told.
    pub live: Option<Value>,
    /// Which way it goes.
    pub direction: Direction,
    /// Why it can't be told which way it goes, where that is so.
    pub why: Option<Hidden>,
    /// Where the policy asks for it.
    pub at: Location,
}

/// The field of a difference that is about a whole ruleset or protection.
pub const WHOLE: &str = "ruleset";

/// Which way a difference goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// GitHub asks for less than the policy.
    Weaker,
    /// It can't be told what GitHub has.
    CannotTell,
    /// Neither asks for more than the other, or it can't be told which.
    Different,
    /// The policy does not know it.
    Unmanaged,
    /// GitHub asks for more than the policy.
    Stronger,
}

impl Direction {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::Weaker => "weaker",
            Direction::CannotTell => "cannot_tell",
            Direction::Different => "different",
            Direction::Unmanaged => "unmanaged",
            Direction::Stronger => "stronger",
        }
    }
}

/// Everything that differs in the place that `desired` is about, in the policy's order; what the policy does not know comes
/// last.
pub fn compare(desired: &Desired, owner: &Owner, repository: Option<&Repository>) -> Vec<Difference> {
    let mut comparison = Comparison { desired, owner, repository, found: Vec::new() };
    comparison.rulesets();
    if let Some(repository) = repository {
        comparison.protections(repository);
    }
    comparison.found
}

/// What can't be written as the policy asks. It was compared with nothing, and so is never equal.
pub fn of_blocked(desired: &Desired) -> impl Iterator<Item = Difference> {
    desired.blocked.iter().map(|one| Difference {
        ruleset: one.ruleset.clone(),
        classic: false,
        field: one.rule.clone(),
        desired: None,
        live: None,
        direction: Direction::CannotTell,
        why: Some(Hidden::new(Cause::NotOffered, format!("GitHub can't be given what the policy asks: {}", one.why))),
        at: one.at,
    })
}

/// What differs between a ruleset that there should be and one that there is, the name left aside.
pub fn of_ruleset(desired: &DesiredRuleset, live: &Ruleset, owner: &Owner, repository: Option<&Repository>) -> Vec<Difference> {
    let mut walk = Walk::new(World::new(owner, repository, desired.target));
    let unstated = unstated(desired);
    walk.value(&Path::of("enforcement"), &json!(desired.enforcement), Some(&json!(live.enforcement)));
    live::conditions(&mut walk, desired, live);
    live::bypass(&mut walk, desired, live);
    live::rules(&mut walk, desired, live);
    for what in live.unknown().into_iter().filter(|what| !what.starts_with("rules: type ")) {
        let why = format!("it has something that this program does not know: {what}");
        walk.cannot_tell(&Path::of(WHOLE), None, &Hidden::new(Cause::Unknown, why));
    }
    walk.found
        .into_iter()
        .filter(|found| {
            // What the policy leaves out it asks for by default, and nothing against more than that.
            !(asks_for_more(found) && unstated.iter().any(|field| is_within(&found.field, field)))
        })
        .map(|found| {
            let at = place(desired, &found.field);
            found.at(&desired.name, false, at)
        })
        .collect()
}

/// What differs between a branch protection that there should be and one that there is.
pub fn of_protection(desired: &DesiredProtection, live: &Protection, owner: &Owner, repository: &Repository) -> Vec<Difference> {
    let mut walk = Walk::new(World::new(owner, Some(repository), super::ruleset::Target::Branch));
    let mut settings = desired.settings.clone();
    if live.allows_force_pushes {
        // Nobody needs a list then.
        settings.remove("bypass_force_push_allowances");
    }
    walk.value(&Path::classic(), &Value::Object(settings), Some(&live::protection(live)));
    let found = walk.found.into_iter();
    found
        .map(|found| {
            let field = found.field.split(['.', '[']).next().unwrap_or_default();
            let at = desired.places.get(field).copied().unwrap_or(desired.at);
            found.at(&desired.pattern, true, at)
        })
        .collect()
}

/// The protection of a pattern, however it is spelled there. Of several the oldest, which alone binds.
pub fn of_pattern<'p>(protections: &'p [Protection], pattern: &str) -> Option<&'p Protection> {
    protections.iter().find(|live| scope::same(&live.pattern, pattern))
}

/// The fields that the policy does not write.
fn unstated(desired: &DesiredRuleset) -> BTreeSet<String> {
    let of_rule = |rule: &DesiredRule| {
        let name = rule.name;
        rule.unstated.iter().map(|parameter| format!("rules.{name}.{parameter}")).collect::<Vec<_>>()
    };
    desired.rules.iter().flat_map(of_rule).collect()
}

/// Whether what GitHub has asks for no less.
fn asks_for_more(found: &Found) -> bool {
    found.direction == Direction::Stronger || (found.direction == Direction::Different && found.why.is_none())
}

fn is_within(field: &str, outer: &str) -> bool {
    field.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Where the policy says what a field should be.
fn place(desired: &DesiredRuleset, field: &str) -> Location {
    let rule = |name: &str| desired.rules.iter().find(|rule| rule.name == name).map(|rule| rule.at);
    let bypass = |name: &str| desired.bypass.iter().find(|bypass| bypass.name == name).map(|bypass| bypass.at);
    let at = match field.strip_prefix("rules.") {
        Some(rest) => rule(rest.split(['.', '[']).next().unwrap_or_default()),
        None => field.strip_prefix("bypass_actors[").and_then(|rest| bypass(rest.split(']').next().unwrap_or_default())),
    };
    at.unwrap_or(desired.at)
}

struct Comparison<'a> {
    desired: &'a Desired,
    owner: &'a Owner,
    repository: Option<&'a Repository>,
    found: Vec<Difference>,
}

impl<'a> Comparison<'a> {
    fn add(&mut self, ruleset: &str, classic: bool, field: &str, direction: Direction, at: Location) -> &mut Difference {
        self.found.push(Difference {
            ruleset: ruleset.to_owned(),
            classic,
            field: field.to_owned(),
            desired: None,
            live: None,
            direction,
            why: None,
            at,
        });
        // The line above put it there.
        #[allow(clippy::indexing_slicing)]
        let last = self.found.len() - 1;
        #[allow(clippy::indexing_slicing)]
        &mut self.found[last]
    }

    fn cannot_tell(&mut self, ruleset: &str, classic: bool, why: &Hidden, at: Location) {
        self.add(ruleset, classic, WHOLE, Direction::CannotTell, at).why = Some(why.clone());
    }

    /// Whether things of this kind that the policy does not know are looked for.
    fn looks_for_unmanaged(&self) -> bool {
        self.desired.unmanaged != Unmanaged::Ignore
    }

    fn rulesets(&mut self) {
        let desired = self.desired;
        let pairs = match pairs::pair(desired, self.owner, self.repository) {
            Ok(pairs) => pairs,
            Err(hidden) => {
                for ruleset in &desired.rulesets {
                    self.cannot_tell(&ruleset.name, false, &hidden, ruleset.at);
                }
                if self.looks_for_unmanaged() {
                    self.cannot_tell("", false, &hidden, desired.at);
                }
                return;
            }
        };
        for (ruleset, why) in &pairs.strange {
            self.cannot_tell(&ruleset.name, false, why, desired.at);
        }
        for (wanted, live) in pairs.wanted {
            match live {
                Some(Live { differences, .. }) => self.found.extend(differences),
                None => self.missing(wanted),
            }
        }
        if self.looks_for_unmanaged() {
            for ruleset in pairs.unmanaged {
                let live = json!({ "target": ruleset.target, "enforcement": ruleset.enforcement });
                self.add(&ruleset.name, false, WHOLE, Direction::Unmanaged, desired.at).live = Some(live);
            }
        }
    }

    fn missing(&mut self, wanted: &DesiredRuleset) {
        // Nothing is lost where a disabled ruleset is missing.
        let direction = if wanted.enforcement == Enforcement::Disabled { Direction::Different } else { Direction::Weaker };
        let rules: Vec<&str> = wanted.rules.iter().map(|rule| rule.name).collect();
        let summary = json!({ "target": wanted.target, "enforcement": wanted.enforcement, "rules": rules });
        self.add(&wanted.name, false, WHOLE, direction, wanted.at).desired = Some(summary);
    }

    fn protections(&mut self, repository: &Repository) {
        let desired = self.desired;
        let looked_for = desired.level == Level::Repository && self.looks_for_unmanaged();
        let protections = match repository.protections.read() {
            Ok(protections) => protections,
            Err(hidden) => {
                for protection in &desired.protections {
                    self.cannot_tell(&protection.pattern, true, hidden, protection.at);
                }
                if looked_for {
                    self.cannot_tell("", true, hidden, desired.at);
                }
                return;
            }
        };
        let mut managed: BTreeSet<&str> = BTreeSet::new();
        for wanted in &desired.protections {
            match of_pattern(protections, &wanted.pattern) {
                Some(live) => {
                    managed.insert(&live.pattern);
                    self.found.extend(of_protection(wanted, live, self.owner, repository));
                }
                None => {
                    let settings: Map<String, Value> = wanted.settings.clone();
                    let found = self.add(&wanted.pattern, true, WHOLE, Direction::Weaker, wanted.at);
                    found.desired = Some(Value::Object(settings));
                }
            }
        }
        if looked_for {
            let known = |live: &Protection| managed.contains(live.pattern.as_str()) || desired.left_out.has_protection(live);
            let mut rest: Vec<&str> = protections.iter().filter(|live| !known(live)).map(|live| live.pattern.as_str()).collect();
            rest.sort_unstable();
            for pattern in rest {
                self.add(pattern, true, WHOLE, Direction::Unmanaged, desired.at);
            }
        }
    }
}

impl Desired {
    /// Whether it asks for a branch protection or ruleset at all.
    pub fn is_empty(&self) -> bool {
        match self.mechanism {
            Mechanism::Rulesets => self.rulesets.is_empty(),
            Mechanism::BranchProtection => self.protections.is_empty(),
        }
    }
}

impl Difference {
    /// What it is of, as people read it: ``ruleset `main` of acme/api``, ``branch protection `main` ``.
    pub fn source(&self, target: &str) -> String {
        match (self.classic, self.ruleset.is_empty()) {
            (_, true) => format!("rulesets of {target}"),
            (true, _) => format!("branch protection `{}`", self.ruleset),
            (false, _) => format!("ruleset `{}` of {target}", self.ruleset),
        }
    }
}

impl<'a> World<'a> {
    fn new(owner: &'a Owner, repository: Option<&'a Repository>, target: super::ruleset::Target) -> World<'a> {
        World {
            names: Names::new(owner, repository),
            namespace: if target == super::ruleset::Target::Tag { "refs/tags/" } else { "refs/heads/" },
            default_branch: match repository {
                Some(repository) => repository.default_branch.as_ref().map(|branch| branch.name.clone()),
                // The organization's repositories have many: one that no pattern names stands for them.
                None => Some("\u{e000}default".to_owned()),
            },
        }
    }
}
