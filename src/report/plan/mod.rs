//! A plan, written down: for a terminal, as Markdown for a comment, and as the JSON that `apply` takes.

pub mod markdown;
pub mod terminal;
mod unfold;

use serde_json::Value;

use super::text::{self, plain};
use crate::github::plan::{Action, Change, Field, Permitted, Plan};

/// The plan as JSON, in ASCII: it reads back as the same value.
///
/// # Errors
/// A value in it has no JSON.
pub fn json(plan: &Plan) -> Result<String, serde_json::Error> {
    let mut text = text::ascii(&serde_json::to_string_pretty(plan)?);
    text.push('\n');
    Ok(text)
}

/// Reads a plan.
///
/// # Errors
/// It is none, or of another version: why, for people.
pub fn parse(bytes: &[u8]) -> Result<Plan, String> {
    let plan: Plan = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match plan.version {
        1 => Ok(plan),
        other => Err(format!("it is of version {other}, and this program knows version 1")),
    }
}

/// `2 changes in 1 of 40 repositories (1 create, 1 update, 1 asks for less)`, and what else there is.
pub fn counts(plan: &Plan) -> String {
    let number = |action: Action| plan.changes.iter().filter(|change| change.action() == action).count();
    let mut kinds: Vec<String> = [Action::Create, Action::Update, Action::Delete]
        .into_iter()
        .map(|action| (action, number(action)))
        .filter(|(_, number)| *number > 0)
        .map(|(action, number)| format!("{number} {}", action.as_str()))
        .collect();
    let weaker = plan.changes.iter().filter(|change| change.weakens()).count();
    if weaker > 0 {
        let verb = if weaker == 1 { "asks" } else { "ask" };
        kinds.push(format!("{weaker} {verb} for less"));
    }
    // Rulesets of the organization itself are in no repository.
    let all = match plan.repositories {
        0 => "the organization".to_owned(),
        1 => "1 repository".to_owned(),
        many => format!("{many} repositories"),
    };
    let touched = plan.targets().iter().filter(|target| target.contains('/')).count();
    let extent = if plan.repositories == 0 { all.clone() } else { format!("{touched} of {all}") };
    let mut parts = vec![match plan.changes.len() {
        0 => format!("{}: nothing to change in {all}", plain(&plan.owner)),
        _ => {
            let count = text::count(text::len(&plan.changes), "change");
            format!("{}: {count} in {extent} ({})", plain(&plan.owner), kinds.join(", "))
        }
    }];
    if !plan.blocked.is_empty() {
        parts.push(format!("{} blocked", plan.blocked.len()));
    }
    if !plan.cannot_tell.is_empty() {
        parts.push(format!("{} could not be told", text::count(text::len(&plan.cannot_tell), "thing")));
    }
    if !plan.unmanaged.is_empty() {
        parts.push(format!("{} not managed", plan.unmanaged.len()));
    }
    parts.join("; ")
}

/// Places where the same happens, and what.
struct Places<'a> {
    targets: Vec<&'a str>,
    changes: Vec<&'a Change>,
}

/// The changes by place; places where just the same happens are put together, however many there are.
fn places(plan: &Plan) -> Vec<Places<'_>> {
    let mut places: Vec<Places<'_>> = Vec::new();
    for target in plan.targets() {
        let changes: Vec<&Change> = plan.changes.iter().filter(|change| change.thing.target == target).collect();
        let is_same = |one: &Change, other: &Change| {
            (title(one), &one.fields, one.line, one.permitted) == (title(other), &other.fields, other.line, other.permitted)
        };
        let known = places.iter_mut().find(|known| {
            known.changes.len() == changes.len() && known.changes.iter().zip(&changes).all(|(one, other)| is_same(one, other))
        });
        match known {
            Some(known) => known.targets.push(target),
            None => places.push(Places { targets: vec![target], changes }),
        }
    }
    places
}

/// The sign of what becomes of a thing.
fn sign(change: &Change) -> &'static str {
    match change.action() {
        Action::Create => "+",
        Action::Update => "~",
        Action::Delete => "-",
    }
}

/// What a change does, without its place.
fn title(change: &Change) -> String {
    let thing = &change.thing;
    let name = if thing.name.is_empty() { String::new() } else { format!(" `{}`", plain(&thing.name)) };
    format!("{} {}{name}", change.action().as_str(), thing.kind.as_str())
}

/// Why the token can't make a change, if it can't.
fn lacks(change: &Change) -> Option<String> {
    (change.permitted == Permitted::No).then(|| format!("this token lacks {}", change.thing.permission()))
}

/// A value as people read it: `-` for nothing, `on` for what has no parameters.
fn value(value: &Option<Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => plain(text).into_owned(),
        Some(Value::Object(object)) if object.is_empty() => "on".to_owned(),
        Some(other) => plain(&other.to_string()).into_owned(),
    }
}

/// `1 -> 2`; of something new only what it becomes.
fn transition(field: &Field) -> String {
    match (&field.from, &field.to) {
        (None, to) => value(to),
        (from, to) => format!("{} -> {}", value(from), value(to)),
    }
}
