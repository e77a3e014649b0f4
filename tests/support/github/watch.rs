//! Looking on while requests come in: at each the state can be kept, and the bed can fall silent, as if the line, or whoever asks,
//! had died there.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::bed::Bed;
use super::pipeline::Incoming;
use super::shared::Shared;
use super::state::protection::{Actors, Protection};
use super::state::{Ruleset, Source, State};

/// Everything that the bed's GitHub holds, as it was once.
#[derive(Debug, Clone)]
pub struct Snapshot(State);

/// A request, just before it is carried out or just after.
pub struct Moment<'a> {
    shared: &'a Arc<Shared>,
    /// The request's place among all since the bed is watched, from 1.
    pub number: u64,
    /// It was carried out, and nobody was answered yet.
    pub is_handled: bool,
    pub method: &'a str,
    pub path: &'a str,
    pub body: &'a [u8],
}

/// Looks at a moment, and says whether it goes on; otherwise the request is never answered.
type Look = Box<dyn FnMut(&Moment<'_>) -> bool + Send>;

/// Who looks on.
pub struct Watcher {
    look: Look,
    seen: u64,
}

/// What comes of a request that is looked at.
pub enum Watched {
    GoesOn(u64),
    NeverAnswered,
}

impl Moment<'_> {
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Shared::lock(&self.shared.state).clone())
    }

    /// Whether it changes something, rather than only reads.
    pub fn is_write(&self) -> bool {
        match self.path {
            "/graphql" | "/api/graphql" => String::from_utf8_lossy(self.body).contains("mutation "),
            _ => self.method != "GET",
        }
    }
}

fn look(shared: &Arc<Shared>, incoming: &Incoming, number: Option<u64>, is_handled: bool) -> (u64, bool) {
    let mut watcher = Shared::lock(&shared.watcher);
    let Some(watcher) = watcher.as_mut() else { return (0, true) };
    let number = number.unwrap_or_else(|| {
        watcher.seen += 1;
        watcher.seen
    });
    let (method, path) = (incoming.method.as_str(), incoming.path.as_str());
    let goes_on = (watcher.look)(&Moment { shared, number, is_handled, method, path, body: &incoming.body });
    (number, goes_on)
}

/// A request has come, and nothing was done yet.
pub fn arrived(shared: &Arc<Shared>, incoming: &Incoming) -> Watched {
    match look(shared, incoming, None, false) {
        (number, true) => Watched::GoesOn(number),
        (_, false) => Watched::NeverAnswered,
    }
}

/// It was carried out; whether it is answered.
pub fn handled(shared: &Arc<Shared>, incoming: &Incoming, number: u64) -> bool {
    look(shared, incoming, Some(number), true).1
}

impl Bed {
    /// Lets somebody look at each request, before it is carried out and after. `false`: it is never answered.
    pub fn watch(&self, look: impl FnMut(&Moment<'_>) -> bool + Send + 'static) -> &Self {
        *Shared::lock(&self.shared.watcher) = Some(Watcher { look: Box::new(look), seen: 0 });
        self
    }

    pub fn unwatched(&self) -> &Self {
        *Shared::lock(&self.shared.watcher) = None;
        self
    }

    /// Everything that there is now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.state().clone())
    }

    /// Makes everything as it was.
    pub fn restore(&self, snapshot: &Snapshot) -> &Self {
        *self.state() = snapshot.0.clone();
        self
    }

    /// Every setting that can be written, wherever it stands, without what GitHub makes up itself: numbers, times, and who did it.
    pub fn settings(&self) -> Value {
        settings(&self.state())
    }
}

impl Snapshot {
    /// As [`Bed::settings`].
    pub fn settings(&self) -> Value {
        settings(&self.0)
    }
}

fn settings(state: &State) -> Value {
    let rulesets = |source: &Source| {
        let own = state.rulesets.values().filter(|ruleset| ruleset.source == *source);
        let kept = |ruleset: &Ruleset| {
            let mut body = ruleset.body.clone();
            super::write::rulesets::keep(&mut body);
            ordered(said(Value::Object(body)))
        };
        sorted(own.map(kept).collect())
    };
    let mut places = Map::new();
    for organization in state.organizations.values() {
        let actions = &organization.actions;
        let place = json!({
            "rulesets": rulesets(&Source::Organization(organization.login.clone())),
            "workflows": [actions.default_workflow_permissions, actions.can_approve_pull_request_reviews],
        });
        places.insert(organization.login.clone(), place);
    }
    for repository in state.repositories.values() {
        let actions = &repository.actions;
        let place = json!({
            "rulesets": rulesets(&Source::Repository(repository.id)),
            "protections": sorted(repository.protections.iter().map(protection).collect()),
            "workflows": [actions.default_workflow_permissions, actions.can_approve_pull_request_reviews],
        });
        places.insert(repository.full_name(), place);
    }
    Value::Object(places)
}

fn protection(one: &Protection) -> Value {
    let actors = |actors: &Actors| json!({ "users": actors.users, "teams": actors.teams, "apps": actors.apps });
    let reviews = one.reviews.as_ref().map(|reviews| {
        json!({
            "count": reviews.count, "dismiss_stale": reviews.dismiss_stale, "code_owners": reviews.code_owners,
            "last_push": reviews.last_push, "dismissal": reviews.dismissal.as_ref().map(actors), "bypass": actors(&reviews.bypass),
        })
    });
    ordered(json!({
        "pattern": one.pattern, "enforce_admins": one.enforce_admins,
        "checks": one.checks.as_ref().map(|checks| json!({ "strict": checks.strict, "checks": checks.checks })),
        "reviews": reviews, "restrictions": one.restrictions.as_ref().map(actors),
        "bypass_force_push": actors(&one.bypass_force_push),
        "required_linear_history": one.required_linear_history, "allow_force_pushes": one.allow_force_pushes,
        "allow_deletions": one.allow_deletions, "block_creations": one.block_creations,
        "required_conversation_resolution": one.required_conversation_resolution, "lock_branch": one.lock_branch,
        "allow_fork_syncing": one.allow_fork_syncing, "required_signatures": one.required_signatures,
        // That none is required is said in two ways.
        "required_deployments": one.required_deployments.clone().unwrap_or_default(),
    }))
}

/// Without what says nothing.
fn said(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(said).collect(),
        Value::Object(map) => {
            map.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name, said(value))).collect()
        }
        other => other,
    }
}

/// Lists in one order: GitHub keeps sets.
fn ordered(value: Value) -> Value {
    match value {
        Value::Array(items) => sorted(items.into_iter().map(ordered).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(name, value)| (name, ordered(value))).collect()),
        other => other,
    }
}

fn sorted(mut items: Vec<Value>) -> Value {
    items.sort_by_cached_key(Value::to_string);
    Value::Array(items)
}
