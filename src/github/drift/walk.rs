//! Two values side by side: what there should be against what there is, in one form.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::fields::{Key, Measure, default, measure};
use super::{Difference, Direction};
use crate::github::names::{Names, NoNumber, kind_of};
use crate::github::readable::{Cause, Hidden};
use crate::github::ruleset::Names as Patterns;
use crate::github::sample::{self, Kind};
use crate::github::scope;
use crate::policy::Location;

/// What has to be known to compare.
pub(super) struct World<'a> {
    /// Who is meant by a name.
    pub(super) names: Names<'a>,
    /// What every ref of the ruleset begins with.
    pub(super) namespace: &'static str,
    /// The default branch, without `refs/heads/`.
    pub(super) default_branch: Option<String>,
}

/// A field, as it is shown and as it is looked up.
#[derive(Debug, Clone)]
pub(super) struct Path {
    shown: String,
    known: String,
}

impl Path {
    /// A field of a ruleset.
    pub(super) fn of(name: &str) -> Path {
        Path { shown: name.to_owned(), known: name.to_owned() }
    }

    /// A whole classic protection.
    pub(super) fn classic() -> Path {
        Path { shown: String::new(), known: "classic".to_owned() }
    }

    pub(super) fn field(&self, name: &str) -> Path {
        let shown = if self.shown.is_empty() { name.to_owned() } else { format!("{}.{name}", self.shown) };
        Path { shown, known: format!("{}.{name}", self.known) }
    }

    /// What it is looked up by.
    pub(super) fn known(&self) -> &str {
        &self.known
    }

    pub(super) fn element(&self, key: &str) -> Path {
        Path { shown: format!("{}[{key}]", self.shown), known: format!("{}[]", self.known) }
    }

    /// A rule that is there several times.
    pub(super) fn one_of(&self, key: &str) -> Path {
        Path { shown: format!("{}[{key}]", self.shown), known: self.known.clone() }
    }
}

/// A field that differs.
pub(super) struct Found {
    pub(super) field: String,
    pub(super) desired: Option<Value>,
    pub(super) live: Option<Value>,
    pub(super) direction: Direction,
    pub(super) why: Option<Hidden>,
}

impl Found {
    pub(super) fn at(self, ruleset: &str, classic: bool, at: Location) -> Difference {
        let Found { field, desired, live, direction, why } = self;
        Difference { ruleset: ruleset.to_owned(), classic, field, desired, live, direction, why, at }
    }
}

pub(super) struct Walk<'a> {
    pub(super) world: World<'a>,
    pub(super) found: Vec<Found>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(world: World<'a>) -> Walk<'a> {
        Walk { world, found: Vec::new() }
    }

    pub(super) fn add(&mut self, at: &Path, desired: Option<&Value>, live: Option<&Value>, direction: Direction) {
        let (desired, live) = (desired.cloned(), live.cloned());
        self.found.push(Found { field: at.shown.clone(), desired, live, direction, why: None });
    }

    pub(super) fn cannot_tell(&mut self, at: &Path, desired: Option<&Value>, why: &Hidden) {
        self.add(at, desired, None, Direction::CannotTell);
        if let Some(found) = self.found.last_mut() {
            found.why = Some(why.clone());
        }
    }

    fn unclear(&mut self, at: &Path, desired: Option<&Value>, live: Option<&Value>, why: Hidden) {
        self.add(at, desired, live, Direction::Different);
        if let Some(found) = self.found.last_mut() {
            found.why = Some(why);
        }
    }

    /// Compares what there should be with what there is; `None` where GitHub leaves it out.
    pub(super) fn value(&mut self, at: &Path, desired: &Value, live: Option<&Value>) {
        if let Some(hidden) = live.and_then(hidden_of) {
            return self.cannot_tell(at, Some(desired), &hidden);
        }
        let measure = measure(&at.known);
        let filled = default(&at.known);
        let live = live.filter(|live| !live.is_null()).or(filled.as_ref());
        let Some(live) = live else {
            if measure == Measure::Section {
                return self.add(at, Some(desired), None, Direction::Weaker);
            }
            let why = format!("GitHub's answer has no `{}`", at.shown);
            return self.cannot_tell(at, Some(desired), &Hidden::new(Cause::Unknown, why));
        };
        match (measure, desired, live) {
            (Measure::Fields | Measure::Section, Value::Object(desired), Value::Object(live)) => self.fields(at, desired, live),
            (Measure::Demands(key), Value::Array(desired), Value::Array(live)) => {
                self.set(at, &keyed(key, desired, live), &keyed(key, live, desired), true);
            }
            (Measure::Allows(key), Value::Array(desired), Value::Array(live)) => {
                self.set(at, &keyed(key, desired, live), &keyed(key, live, desired), false);
            }
            (Measure::Actors, Value::Array(desired), Value::Array(live)) => {
                self.set(at, &keyed(Key::Whole, desired, live), &keyed(Key::Whole, live, desired), false);
            }
            (Measure::Paths, Value::Array(desired), Value::Array(live)) => {
                let list = |list: &[Value]| Patterns { include: texts(list), ..Patterns::default() };
                self.patterns(at, &list(desired), &list(live), Kind { namespace: "", default_branch: None }, true);
            }
            (Measure::Refs, Value::Object(desired), Value::Object(live)) => {
                let (namespace, default) = (self.world.namespace, self.world.default_branch.clone());
                let kind = Kind { namespace, default_branch: default.as_deref() };
                self.patterns(at, &patterns(desired), &patterns(live), kind, false);
            }
            (Measure::Repositories, Value::Object(desired), Value::Object(live)) => {
                let kind = Kind { namespace: "", default_branch: None };
                self.patterns(at, &patterns(desired), &patterns(live), kind, false);
            }
            _ => self.scalar(at, measure, desired, live),
        }
    }

    fn fields(&mut self, at: &Path, desired: &Map<String, Value>, live: &Map<String, Value>) {
        // What is switched off says nothing of the rest.
        if let Some(enabled) = desired.get("enabled") {
            let before = self.found.len();
            self.value(&at.field("enabled"), enabled, live.get("enabled"));
            if enabled != &Value::Bool(true) {
                return;
            }
            if self.found.len() > before {
                // What comes with switching it on.
                let nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
                for (name, value) in desired.iter().filter(|(name, value)| *name != "enabled" && !nothing(value)) {
                    self.add(&at.field(name), Some(value), None, Direction::Weaker);
                }
                return;
            }
        }
        for (name, value) in desired.iter().filter(|(name, value)| *name != "enabled" && !value.is_null()) {
            self.value(&at.field(name), value, live.get(name));
        }
    }

    fn scalar(&mut self, at: &Path, measure: Measure, desired: &Value, live: &Value) {
        // -1 is GitHub's other word for any app.
        let loose = |value: &Value| value.is_null() || value.as_i64() == Some(-1);
        if desired == live || (measure == Measure::Pin && loose(desired)) {
            return;
        }
        let amount = |value: &Value| value.as_bool().map(u64::from).or_else(|| value.as_u64());
        let rank = |words: &[&str], value: &Value| {
            words.iter().position(|word| value.as_str() == Some(*word)).and_then(|rank| u64::try_from(rank).ok())
        };
        let (wanted, has) = match measure {
            Measure::More => (amount(desired), amount(live)),
            Measure::Less => (amount(live), amount(desired)),
            Measure::Rank(words) => (rank(words, desired), rank(words, live)),
            Measure::Pin if loose(live) => (Some(1), Some(0)),
            Measure::Taste => return self.add(at, Some(desired), Some(live), Direction::Different),
            _ => (None, None),
        };
        match (wanted, has) {
            (Some(wanted), Some(has)) if has < wanted => self.add(at, Some(desired), Some(live), Direction::Weaker),
            (Some(wanted), Some(has)) if has > wanted => self.add(at, Some(desired), Some(live), Direction::Stronger),
            _ => {
                let why = Hidden::new(Cause::Unknown, "which of the two refuses more can't be told");
                self.unclear(at, Some(desired), Some(live), why);
            }
        }
    }

    /// Elements that only one side has. `demanded`: one that is missing asks for less; else it lets less through.
    pub(super) fn set(&mut self, at: &Path, desired: &[(String, &Value)], live: &[(String, &Value)], demanded: bool) {
        let (less, more) =
            if demanded { (Direction::Weaker, Direction::Stronger) } else { (Direction::Stronger, Direction::Weaker) };
        let is_in = |list: &[(String, &Value)], key: &str| list.iter().any(|(other, _)| other == key);
        let missing: Vec<_> = desired.iter().filter(|(key, _)| !is_in(live, key)).collect();
        let extra: Vec<_> = sorted(live).into_iter().filter(|(key, _)| !is_in(desired, key)).collect();
        for (key, value) in desired {
            let path = at.element(key);
            match live.iter().find(|(other, _)| other == key) {
                Some((_, other)) if value.is_object() => self.value(&path, value, Some(other)),
                Some(_) => {}
                None => match extra.iter().find_map(|other| self.may_be(at, (key, value), *other)) {
                    Some(why) => self.cannot_tell(&path, Some(value), &why),
                    None => self.add(&path, Some(value), None, less),
                },
            }
        }
        for (key, value) in &extra {
            let path = at.element(key);
            match missing.iter().find_map(|(other, wanted)| self.may_be(at, (other, wanted), (*key, *value))) {
                Some(why) => {
                    self.cannot_tell(&path, None, &why);
                    if let Some(found) = self.found.last_mut() {
                        found.live = Some((*value).clone());
                    }
                }
                None => self.add(&path, None, Some(value), more),
            }
        }
    }

    /// Why an element that there should be may be one that there is, because its number or name is hidden.
    fn may_be(&self, at: &Path, desired: (&str, &Value), live: (&str, &Value)) -> Option<Hidden> {
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(repository) = text(desired.1, "repository") {
            return match self.world.names.repository_number(&repository) {
                Err(NoNumber::Hidden(hidden)) if text(desired.1, "path") == text(live.1, "path") => Some(hidden),
                _ => None,
            };
        }
        let (wanted, has) = match measure(&at.known) {
            Measure::Actors => (desired.0.to_owned(), live.0.to_owned()),
            _ => (text(desired.1, "reviewer")?, text(live.1, "reviewer")?),
        };
        if !has.contains(" #") || kind_of(&wanted) != kind_of(&has) {
            return None;
        }
        match self.world.names.resolve(&wanted) {
            Err(NoNumber::Hidden(hidden)) => Some(hidden),
            _ if at.known.ends_with("allowed_actors") && kind_of(&wanted) == "app" => {
                Some(Hidden::new(Cause::Unknown, "apps that dismiss reviews have numbers that nothing tells"))
            }
            _ => None,
        }
    }

    /// Each pattern that only one side has, by whether a name shows that something is lost or won by it.
    fn patterns(&mut self, at: &Path, desired: &Patterns, live: &Patterns, kind: Kind<'_>, plain: bool) {
        for (list, wanted, has) in [("include", &desired.include, &live.include), ("exclude", &desired.exclude, &live.exclude)] {
            let path = if plain { at.clone() } else { at.field(list) };
            let is_in = |list: &[String], pattern: &str| list.iter().any(|other| scope::same(other, pattern));
            let missing: BTreeSet<&String> = wanted.iter().filter(|pattern| !is_in(has, pattern)).collect();
            let extra: BTreeSet<&String> = has.iter().filter(|pattern| !is_in(wanted, pattern)).collect();
            for (patterns, is_missing) in [(missing, true), (extra, false)] {
                for pattern in patterns {
                    let narrows = is_missing == (list == "include");
                    let (one, other) = if narrows { (desired, live) } else { (live, desired) };
                    let value = Value::String(pattern.clone());
                    let (wanted, has) = if is_missing { (Some(&value), None) } else { (None, Some(&value)) };
                    let path = path.element(pattern);
                    match sample::shows(one, other, &[pattern], kind) {
                        sample::Difference::Shown if narrows => self.add(&path, wanted, has, Direction::Weaker),
                        sample::Difference::Shown => self.add(&path, wanted, has, Direction::Stronger),
                        sample::Difference::NotShown => self.add(&path, wanted, has, Direction::Different),
                        sample::Difference::Unclear(why) => self.unclear(&path, wanted, has, why),
                    }
                }
            }
        }
    }
}

fn hidden_of(value: &Value) -> Option<Hidden> {
    serde_json::from_value(value.get("~hidden")?.clone()).ok()
}

fn sorted<'v>(set: &'v [(String, &'v Value)]) -> Vec<(&'v str, &'v Value)> {
    set.iter().map(|(key, value)| (key.as_str(), *value)).collect::<BTreeMap<_, _>>().into_iter().collect()
}

pub(super) fn texts(list: &[Value]) -> Vec<String> {
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn patterns(lists: &Map<String, Value>) -> Patterns {
    let list = |name: &str| lists.get(name).and_then(Value::as_array).map(|list| texts(list)).unwrap_or_default();
    Patterns { include: list("include"), exclude: list("exclude"), ..Patterns::default() }
}

/// The elements with what tells them apart. Where that is not enough on either side, it is the whole element.
pub(super) fn keyed<'v>(key: Key, list: &'v [Value], other: &[Value]) -> Vec<(String, &'v Value)> {
    let short = |value: &Value| match (key, value) {
        (Key::Extension, Value::String(text)) => {
            let bare = text.strip_prefix('*').unwrap_or(text);
            bare.strip_prefix('.').unwrap_or(bare).to_lowercase()
        }
        (Key::Fields(names), Value::Object(object)) => {
            let parts = names.iter().filter_map(|name| object.get(*name)).filter(|part| !part.is_null());
            parts.map(text_of).collect::<Vec<_>>().join(" of ")
        }
        _ => text_of(value),
    };
    let ambiguous: BTreeSet<String> = [list, other]
        .into_iter()
        .flat_map(|list| {
            let mut seen: BTreeMap<String, &Value> = BTreeMap::new();
            let mut twice = Vec::new();
            for value in list {
                let key = short(value);
                match seen.get(&key) {
                    Some(before) if *before != value => twice.push(key),
                    _ => drop(seen.insert(key, value)),
                }
            }
            twice
        })
        .collect();
    let mut elements: Vec<(String, &Value)> = Vec::new();
    for value in list {
        let mut key = short(value);
        if ambiguous.contains(&key) {
            key = canonical(value);
        }
        if !elements.iter().any(|(other, _)| *other == key) {
            elements.push((key, value));
        }
    }
    elements
}

/// A value as a text that does not depend on the order of fields and of lists.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let fields: BTreeMap<&str, String> = object
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.as_str(), canonical(value)))
                .collect();
            let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(list) => {
            let mut list: Vec<String> = list.iter().map(canonical).collect();
            list.sort();
            format!("[{}]", list.join(", "))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("#{number}"),
        other => canonical(other),
    }
}
