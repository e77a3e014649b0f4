//! Classic branch protections: what is written for each pattern. What the policy does not state stays as it is.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Blocked, CannotTell, Change, Field, Found, Kind, Thing, fields, permitted, state};
use crate::github::desired::{Desired, DesiredProtection};
use crate::github::drift;
use crate::github::names::Names;
use crate::github::owner::Owner;
use crate::github::people::{Actor, ActorKind};
use crate::github::protection::{Protection, RequiredCheck};
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::Repository;
use crate::github::ruleset::Level;
use crate::github::word::Word;
use crate::policy::github::Unmanaged;

pub(super) fn compare(found: &mut Found, desired: &Desired, owner: &Owner, repository: &Repository) {
    let thing = |pattern: &str| Thing { target: desired.target.clone(), kind: Kind::BranchProtection, name: pattern.to_owned() };
    let looks_for_unmanaged = desired.level == Level::Repository && desired.unmanaged != Unmanaged::Ignore;
    let protections = match repository.protections.read() {
        Ok(protections) => protections,
        Err(hidden) => {
            if !desired.protections.is_empty() || looks_for_unmanaged {
                let line = desired.at.line;
                let (thing, why) = (thing(""), vec![hidden.clone()]);
                found.cannot_tell.push(CannotTell { thing, why, fields: Vec::new(), line });
            }
            return;
        }
    };
    let meant = desired.protections.iter().filter_map(|wanted| drift::of_pattern(protections, &wanted.pattern));
    let managed: BTreeSet<&str> = meant.map(|live| live.pattern.as_str()).collect();
    let is_unmanaged = |live: &Protection| !managed.contains(live.pattern.as_str()) && !desired.left_out.has_protection(live);
    for wanted in &desired.protections {
        // Whoever is meant is told elsewhere; without them the list would be another one.
        if desired.unresolved.iter().any(|one| wanted.rulesets.contains(&one.ruleset)) {
            continue;
        }
        // One that is deleted in the same plan takes nothing any more.
        let goes = |live: &Protection| {
            looks_for_unmanaged
                && desired.unmanaged == Unmanaged::Delete
                && is_unmanaged(live)
                && state::of_protection(live).is_ok()
        };
        let live = drift::of_pattern(protections, &wanted.pattern);
        let bound = match live.map_or_else(|| bound_until_now(&wanted.pattern, protections), |live| Ok(Some(live))) {
            Ok(bound) => bound.filter(|bound| live.is_some() || !goes(bound)),
            Err(hidden) => {
                let (thing, why, line) = (thing(&wanted.pattern), vec![hidden], wanted.at.line);
                found.cannot_tell.push(CannotTell { thing, why, fields: Vec::new(), line });
                continue;
            }
        };
        let differences = bound.map(|bound| drift::of_protection(wanted, bound, owner, repository));
        let (mut fields, mut hidden) = match (&differences, live) {
            (Some(differences), Some(_)) if differences.is_empty() => continue,
            (Some(differences), _) => fields(differences),
            (None, _) => (everything(wanted), Vec::new()),
        };
        if let (None, Some(bound)) = (live, bound) {
            // A protection of the branch's own name takes it from the pattern, with everything that the pattern asked for.
            let (from, to) = (Some(json!(bound.pattern)), Some(json!(wanted.pattern)));
            fields.insert(0, Field { field: "pattern".to_owned(), from, to, weakens: false });
        }
        let before = live.map(state::of_protection).transpose().map_err(|why| hidden.push(why));
        let after = lay(bound, wanted, &Names::new(owner, Some(repository)));
        let after = after.map(|after| match live {
            Some(_) => after,
            None => Protection { pattern: wanted.pattern.clone(), ..after },
        });
        if let (Some(bound), Ok(after)) = (bound, &after)
            && bound.allows_force_pushes
            && let Some(names) = after.bypass_force_push_allowances.known().filter(|names| !names.is_empty())
            && !after.allows_force_pushes
        {
            // Everybody could until now; these still can.
            let names: Vec<String> = names.iter().map(Actor::to_string).collect();
            fields.push(Field {
                field: "bypass_force_push_allowances".to_owned(),
                from: None,
                to: Some(json!(names)),
                weakens: false,
            });
        }
        if let (Some(bound), Ok(after)) = (bound, &after) {
            let is_written = live.is_none() || after.required_status_checks != bound.required_status_checks;
            let loses = |check: &RequiredCheck| check.app.is_none() && bound.unsure_checks.contains(&check.context);
            if is_written && after.required_status_checks.iter().any(loses) {
                hidden.extend(bound.unsure_check());
            }
        }
        let after = after.and_then(|after| state::of_protection(&after)).map_err(|why| hidden.push(why));
        let (Ok(before), Ok(after), true) = (before, after, hidden.is_empty()) else {
            hidden.dedup();
            let line = wanted.at.line;
            found.cannot_tell.push(CannotTell { thing: thing(&wanted.pattern), why: hidden, fields, line });
            continue;
        };
        let older = protections.iter().filter(|live| !managed.contains(live.pattern.as_str()) && !goes(live));
        if let (None, Some(first)) = (live, first_match(wanted, older)) {
            // A pattern's protection binds where it is the oldest that matches; a new one takes nothing from it.
            found.blocked.push(Blocked {
                target: desired.target.clone(),
                ruleset: wanted.rulesets.first().cloned().unwrap_or_default(),
                what: "refs".to_owned(),
                why: format!(
                    "the older branch protection `{first}` matches branches of `{}`, and alone binds there",
                    wanted.pattern
                ),
                line: wanted.at.line,
                unknown_name: false,
            });
            continue;
        }
        if live.is_none() {
            fields.retain(|field| !matches!(&field.to, Some(Value::Array(list)) if list.is_empty()));
        }
        found.changes.push(Change {
            thing: thing(live.map_or(&wanted.pattern, |live| &live.pattern)),
            id: live.map(|live| live.id.clone()).filter(|id| !id.is_empty()),
            fingerprint: state::fingerprint(Kind::BranchProtection, before.as_ref()),
            before,
            after: Some(after),
            fields,
            line: wanted.at.line,
            permitted: permitted(owner, Some(repository)),
            relies_on: Vec::new(),
            without_merge_queue: false,
        });
    }
    if looks_for_unmanaged {
        let mut rest: Vec<&Protection> = protections.iter().filter(|live| is_unmanaged(live)).collect();
        // The oldest first: what is brought back is made in this order, and the older binds.
        if desired.unmanaged != Unmanaged::Delete {
            rest.sort_by(|a, b| a.pattern.cmp(&b.pattern));
        }
        for live in rest {
            match desired.unmanaged {
                Unmanaged::Delete => delete(found, thing(&live.pattern), live, desired.at.line, owner, repository),
                _ => found.unmanaged.push(thing(&live.pattern)),
            }
        }
    }
}

/// The protection with a pattern that binds the branch of a plain name as long as there is none of that name: the oldest that
/// matches.
///
/// # Errors
/// Whether an older one matches can't be told.
fn bound_until_now<'p>(name: &str, protections: &'p [Protection]) -> Result<Option<&'p Protection>, Hidden> {
    if name.contains(WILDCARDS) {
        return Ok(None);
    }
    for live in protections {
        let hidden = |why: Hidden| {
            let why = format!("whether the branch protection `{}` binds `{name}` until now: {}", live.pattern, why.why);
            Hidden::new(Cause::Unknown, why)
        };
        if crate::github::scope::protects(&live.pattern, name).map_err(hidden)? {
            return Ok(Some(live));
        }
    }
    Ok(None)
}

/// What makes a name a pattern.
const WILDCARDS: [char; 3] = ['*', '?', '['];

/// The older protection with a pattern that takes branches from a new one with a pattern.
fn first_match<'p>(wanted: &DesiredProtection, older: impl Iterator<Item = &'p Protection>) -> Option<&'p str> {
    if !wanted.pattern.contains(WILDCARDS) {
        return None;
    }
    let full = |pattern: &str| format!("refs/heads/{pattern}");
    let kind = crate::github::sample::Kind { namespace: "refs/heads/", default_branch: None };
    let mut patterns = older.map(|live| live.pattern.as_str()).filter(|pattern| pattern.contains(WILDCARDS));
    patterns.find(|pattern| crate::github::sample::overlap(&full(pattern), &full(&wanted.pattern), kind))
}

/// The change that deletes a protection.
pub(super) fn delete(found: &mut Found, thing: Thing, live: &Protection, line: usize, owner: &Owner, repository: &Repository) {
    let before = match state::of_protection(live) {
        Ok(before) => before,
        Err(hidden) => {
            return found.cannot_tell.push(CannotTell { thing, why: vec![hidden], fields: Vec::new(), line });
        }
    };
    found.changes.push(Change {
        thing,
        id: Some(live.id.clone()).filter(|id| !id.is_empty()),
        fields: everything_of(&before),
        fingerprint: state::fingerprint(Kind::BranchProtection, Some(&before)),
        before: Some(before),
        after: None,
        line,
        permitted: permitted(owner, Some(repository)),
        relies_on: Vec::new(),
        without_merge_queue: false,
    });
}

/// Everything that a protection asks for, to be lost.
fn everything_of(before: &Value) -> Vec<Field> {
    let says_something = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_u64() != Some(0),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    let settings = before.as_object().into_iter().flatten().filter(|(_, value)| says_something(value));
    settings.map(|(name, value)| Field { field: name.clone(), from: Some(value.clone()), to: None, weakens: true }).collect()
}

/// Everything that a new protection asks for.
fn everything(wanted: &DesiredProtection) -> Vec<Field> {
    let field =
        |(name, value): (&String, &Value)| Field { field: name.clone(), from: None, to: Some(value.clone()), weakens: false };
    wanted.settings.iter().map(field).collect()
}

/// What there is with what the policy states laid over it.
///
/// # Errors
/// Who is named could not be found.
fn lay(live: Option<&Protection>, wanted: &DesiredProtection, names: &Names<'_>) -> Result<Protection, Hidden> {
    let mut after = live.cloned().unwrap_or_else(|| Protection::new(&wanted.pattern));
    let settings = &wanted.settings;
    set(settings, "enforce_admins", &mut after.is_admin_enforced);
    set(settings, "required_linear_history", &mut after.requires_linear_history);
    set(settings, "required_signatures", &mut after.requires_commit_signatures);
    set(settings, "required_conversation_resolution", &mut after.requires_conversation_resolution);
    set(settings, "allow_force_pushes", &mut after.allows_force_pushes);
    set(settings, "allow_deletions", &mut after.allows_deletions);
    set(settings, "block_creations", &mut after.blocks_creations);
    set(settings, "lock_branch", &mut after.lock_branch);
    set(settings, "allow_fork_syncing", &mut after.lock_allows_fetch_and_merge);
    if let Some(reviews) = settings.get("required_pull_request_reviews").and_then(Value::as_object) {
        lay_reviews(&mut after, reviews, names)?;
    }
    if let Some(checks) = settings.get("required_status_checks") {
        after.requires_status_checks = true;
        set_in(checks, "strict", &mut after.requires_strict_status_checks);
        let known = std::mem::take(&mut after.required_status_checks);
        let list = checks.get("checks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        after.required_status_checks = list.iter().map(|check| required_check(check, &known, names)).collect::<Result<_, _>>()?;
    }
    if let Some(actors) = settings.get("restrictions").and_then(|section| section.get("actors")) {
        after.restricts_pushes = true;
        after.push_allowances = Readable::Known(named(actors, names)?);
    }
    if let Some(actors) = settings.get("bypass_force_push_allowances")
        // Nobody needs a list where everybody may.
        && !after.allows_force_pushes
    {
        after.bypass_force_push_allowances = Readable::Known(named(actors, names)?);
    }
    if let Some(Value::Array(environments)) = settings.get("required_deployment_environments") {
        let list = environments.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        after.required_deployment_environments = Readable::Known(list);
    }
    Ok(after)
}

fn lay_reviews(after: &mut Protection, reviews: &Map<String, Value>, names: &Names<'_>) -> Result<(), Hidden> {
    after.requires_approving_reviews = true;
    if let Some(count) = reviews.get("required_approving_review_count").and_then(Value::as_u64) {
        after.required_approving_review_count = count;
    }
    set(reviews, "dismiss_stale_reviews", &mut after.dismisses_stale_reviews);
    set(reviews, "require_code_owner_reviews", &mut after.requires_code_owner_reviews);
    set(reviews, "require_last_push_approval", &mut after.require_last_push_approval);
    if let Some(actors) = reviews.get("dismissal_restrictions").and_then(|section| section.get("actors")) {
        after.restricts_review_dismissals = true;
        after.review_dismissal_allowances = Readable::Known(named(actors, names)?);
    }
    if let Some(actors) = reviews.get("bypass_pull_request_allowances") {
        after.bypass_pull_request_allowances = Readable::Known(named(actors, names)?);
    }
    Ok(())
}

fn set(settings: &Map<String, Value>, name: &str, field: &mut bool) {
    if let Some(value) = settings.get(name).and_then(Value::as_bool) {
        *field = value;
    }
}

fn set_in(section: &Value, name: &str, field: &mut bool) {
    if let Some(section) = section.as_object() {
        set(section, name, field);
    }
}

/// A check; where the policy names no app, the one that it is pinned to stays.
fn required_check(check: &Value, known: &[RequiredCheck], names: &Names<'_>) -> Result<RequiredCheck, Hidden> {
    let context = check.get("context").and_then(Value::as_str).unwrap_or_default();
    let number = check.get("app_id").and_then(Value::as_u64);
    let same = known.iter().find(|other| other.context == context);
    let known = same.and_then(|same| same.app.clone());
    let app = match number {
        None => known,
        Some(number) => Some(known.filter(|app| app.id == Some(number)).unwrap_or_else(|| Actor {
            kind: Word::Known(ActorKind::App),
            name: number.to_string(),
            id: Some(number),
        })),
    };
    // REST knows apps by their numbers only, and GraphQL is told them by name.
    let app = app.map(|app| match app.id {
        Some(number) if app.name == number.to_string() => {
            let found = names.name_of(crate::github::ruleset::ActorType::Integration, i64::try_from(number).ok());
            let name = found.ok().and_then(|name| name.strip_prefix("app:").map(str::to_owned));
            Actor { name: name.unwrap_or(app.name), ..app }
        }
        _ => app,
    });
    Ok(RequiredCheck { context: context.to_owned(), app })
}

/// People, teams and apps, each known to GitHub.
fn named(actors: &Value, names: &Names<'_>) -> Result<Vec<Actor>, Hidden> {
    let list = actors.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(Value::as_str)
        .map(|name| {
            let identity = names.resolve(name).map_err(|why| match why {
                crate::github::names::NoNumber::Hidden(hidden) => hidden,
                crate::github::names::NoNumber::Unknown(why) => Hidden::new(Cause::Unknown, why),
            })?;
            let (kind, name) = match identity.name.split_once(':') {
                Some(("team", slug)) => (ActorKind::Team, slug),
                Some(("app", slug)) => (ActorKind::App, slug),
                _ => (ActorKind::User, identity.name.as_str()),
            };
            let id = identity.id.and_then(|id| u64::try_from(id).ok());
            Ok(Actor { kind: Word::Known(kind), name: name.to_owned(), id })
        })
        .collect()
}
