//! Apply: carries out a plan, change by change, and nothing else. The only place that writes to GitHub.
//!
//! Each change is read, held against the plan, noted in the [`journal`], sent, and read back: GitHub may answer "done" and
//! keep what it had, an answer may be lost after the change was made, and this program may end between any two steps. So
//! nothing is believed that was not read, and whatever happens, the journal and GitHub together tell where to go on
//! ([`Direction::Forward`]) or how to go back ([`Direction::Back`]).

pub mod journal;
mod read;
pub mod survey;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::client::{Client, Refused};
use super::live::Reader;
use super::plan::{Change, Kind, Plan, Thing, state};
use super::repository::Repository;

pub use journal::{Event, Journal};

use journal::Way;

/// Which way a plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the planned state.
    Forward,
    /// To the saved state.
    Back,
}

/// What became of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was made, and reading it back shows it.
    Made,
    /// It was as it should be already.
    AlreadySo,
    /// It was not made, or not as it was sent.
    Failed(Failed),
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// Someone else has changed it.
    Moved {
        /// The fields that are neither as they were nor as they should be.
        fields: Vec<String>,
    },
    /// The policy does not ask for it now.
    NotAsked,
    /// Something in the same place could not be restored.
    NotTried,
    /// It can't be read, and so nothing was sent.
    Unreadable(String),
    /// GitHub refused it, and nothing was changed.
    Refused(String),
    /// GitHub answered "done" and did something else.
    NotTaken {
        /// The fields that are not as they were sent.
        fields: Vec<String>,
    },
    /// It is not known what happened.
    Unknown(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Moved { fields } => write!(f, "it was changed by someone else: {}", fields.join(", ")),
            Failed::NotAsked => f.write_str("nothing was sent, because what there is and the policy do not lead there any more"),
            Failed::NotTried => f.write_str("left as it is, because something else in the same place could not be restored"),
            Failed::Unreadable(why) => write!(f, "nothing was sent, because it can't be read: {why}"),
            Failed::Refused(why) => write!(f, "nothing was changed: {why}"),
            Failed::NotTaken { fields } => {
                write!(f, "GitHub answered that it is done, and these are not as they were sent: {}", fields.join(", "))
            }
            Failed::Unknown(why) => write!(f, "it is not known whether it was made: {why}"),
        }
    }
}

/// What was done, change by change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Each change that was come to, by its place in the plan.
    pub outcomes: Vec<(usize, Outcome)>,
    /// Why the journal could not be written, which stops everything.
    pub stopped: Option<String>,
}

impl Report {
    /// Whether everything is as it should be now.
    pub fn is_complete(&self) -> bool {
        self.stopped.is_none() && self.outcomes.iter().all(|(_, outcome)| !matches!(outcome, Outcome::Failed(_)))
    }

    /// How many changes were made.
    pub fn made(&self) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Made).count()
    }
}

/// Carries out a plan.
pub struct Apply<'a> {
    client: &'a Client,
    reader: Reader,
    journal: &'a mut Journal,
    /// GitHub asks for a second between changes.
    /// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#pause-between-mutative-requests>
    pace: Duration,
    node_ids: HashMap<(String, String, Option<u64>), String>,
    /// The changes that the policy asks for, as it does now, by their place in the plan; all of them where nothing was held against it.
    asked: Option<BTreeMap<usize, Change>>,
}

/// How often a change is read back before it is called missing: GitHub's answers may lag behind.
const READ_BACK: u32 = 4;
/// How often a change is sent that one of GitHub's limits kept out.
const ATTEMPTS: u32 = 4;

impl<'a> Apply<'a> {
    /// Prepares. `pace` is the time between two changes.
    pub fn new(client: &'a Client, journal: &'a mut Journal, pace: Duration) -> Apply<'a> {
        Apply { client, reader: Reader::new(client), journal, pace, node_ids: HashMap::new(), asked: None }
    }

    /// Makes only these changes of the plan, by their place in it. Of the others it is looked whether they were made.
    #[must_use]
    pub fn only(self, asked: BTreeMap<usize, Change>) -> Apply<'a> {
        Apply { asked: Some(asked), ..self }
    }

    /// Makes every change that the journal does not know as made, and those that are asked for again. Forward it stops at the first
    /// that fails; back it goes on, the last change first, and restores what it can; in a place where something could not be
    /// restored it leaves the rest. `told` hears of each.
    pub async fn run(&mut self, direction: Direction, mut told: impl FnMut(usize, &Change, &Outcome)) -> Report {
        let plan: Plan = self.journal.plan().clone();
        let mut report = Report::default();
        let order = match direction {
            Direction::Forward => (0..plan.changes.len()).collect(),
            Direction::Back => backwards(&plan.changes),
        };
        let mut failed_in: Vec<&str> = Vec::new();
        for index in order {
            let Some(change) = plan.changes.get(index) else { continue };
            let is_done = match direction {
                // What is asked for although it was made was undone since.
                Direction::Forward => self.journal.is_made(index) && self.asked_again(index).is_none(),
                // What was never begun is as it was.
                Direction::Back => !self.journal.is_begun(index) || self.journal.is_restored(index),
            };
            if is_done {
                continue;
            }
            let target = change.thing.target.as_str();
            let outcome = if failed_in.contains(&target) {
                // What replaced something stays as long as that something could not be brought back.
                Ok(Outcome::Failed(Failed::NotTried))
            } else {
                self.change(index, change, direction).await
            };
            let outcome = match outcome {
                Ok(outcome) => outcome,
                Err(JournalFailed(why)) => {
                    report.stopped = Some(why);
                    return report;
                }
            };
            told(index, change, &outcome);
            let failed = matches!(outcome, Outcome::Failed(_));
            if failed {
                failed_in.push(target);
            }
            report.outcomes.push((index, outcome));
            if failed && direction == Direction::Forward {
                return report;
            }
        }
        if report.is_complete()
            && let Err(error) = self.journal.note(Event::Ended { direction: direction.into() })
        {
            report.stopped = Some(error.to_string());
        }
        report
    }

    /// What was made, undone or changed by somebody since, and is asked for again: from what there was when it was read, shown and
    /// confirmed.
    fn asked_again(&self, index: usize) -> Option<&Change> {
        self.asked.as_ref().and_then(|asked| asked.get(&index)).filter(|_| self.journal.is_made(index))
    }

    async fn change(&mut self, index: usize, change: &Change, direction: Direction) -> Result<Outcome, JournalFailed> {
        let (from, to) = match direction {
            Direction::Forward => (change.before.as_ref(), change.after.as_ref()),
            Direction::Back => (change.after.as_ref(), change.before.as_ref()),
        };
        let thing = &change.thing;
        let known_id = self.number_of(index, change);
        let Seen { now: live, repository } = match self.read(thing, known_id.as_deref(), from, to).await {
            Ok(seen) => seen,
            // An earlier run may have sent it.
            Err(hidden) if self.journal.is_unsettled(index) => {
                return self.failed(index, direction, Failed::Unknown(format!("it can't be read: {hidden}")));
            }
            Err(hidden) => return self.failed(index, direction, Failed::Unreadable(hidden.to_string())),
        };
        let state = live.as_ref().map(|live| &live.state);
        if is_same(thing.kind, state, to) {
            self.note(Event::Made { change: index, direction: direction.into(), id: live.map(|live| live.id) })?;
            return Ok(Outcome::AlreadySo);
        }
        let expected = is_same(thing.kind, state, from)
            || (self.journal.is_unsettled(index) && is_between(thing, from, to, state))
            || self.asked_again(index).is_some_and(|meant| is_same(thing.kind, state, meant.before.as_ref()));
        if !expected {
            let fields = differing(thing.kind, state, from);
            return self.failed(index, direction, Failed::Moved { fields });
        }
        let mut written = to.cloned();
        if direction == Direction::Forward {
            let meant = match &self.asked {
                None => change.clone(),
                // A run's folder may be anybody's: which thing is meant, and what it relies on, is what was read now.
                Some(asked) => {
                    let number = live.as_ref().map(|live| live.id.as_str()).filter(|id| !id.is_empty());
                    match asked.get(&index).filter(|meant| meant.id.as_deref() == number) {
                        Some(meant) => meant.clone(),
                        None => return self.failed(index, direction, Failed::NotAsked),
                    }
                }
            };
            match self.missing(&meant, repository.as_ref()).await {
                Ok(missing) if missing.is_empty() => {}
                Ok(fields) => return self.failed(index, direction, Failed::Moved { fields }),
                Err(hidden) => return self.failed(index, direction, Failed::Unreadable(hidden.to_string())),
            }
            // The same state, with names and numbers as they are now.
            written = meant.after;
        }
        // Whoever can't be found is found missing before anything is sent.
        let writes = match self.prepare(thing, live.as_ref(), written.as_ref(), repository.as_ref(), direction).await {
            Ok(writes) => writes,
            Err(hidden) => return self.failed(index, direction, Failed::Refused(hidden.to_string())),
        };
        self.note(Event::Begun { change: index, direction: direction.into() })?;
        let (mut attempt, mut accepted) = (0, 0);
        let refused = loop {
            attempt += 1;
            match self.send(&writes, &mut accepted).await {
                Ok(id) => {
                    if let Some(id) = id {
                        self.note(Event::Sent { change: index, id })?;
                    }
                    break None;
                }
                // A limit is met before anything is done, and the client waits until it is over.
                Err(refused) if refused.is_limit() && attempt < ATTEMPTS => self.client.pause(self.pace).await,
                Err(refused) => break Some(refused),
            }
        };
        let outcome = self.read_back(index, change, direction, refused, accepted > 0).await?;
        if !self.pace.is_zero() {
            self.client.pause(self.pace).await;
        }
        Ok(outcome)
    }

    /// Finds out what a request did, whatever GitHub answered. `is_part_sent`: GitHub took one of several.
    async fn read_back(
        &mut self,
        index: usize,
        change: &Change,
        direction: Direction,
        refused: Option<Refused>,
        is_part_sent: bool,
    ) -> Result<Outcome, JournalFailed> {
        let (from, to) = match direction {
            Direction::Forward => (change.before.as_ref(), change.after.as_ref()),
            Direction::Back => (change.after.as_ref(), change.before.as_ref()),
        };
        let thing = &change.thing;
        let mut fields = Vec::new();
        let mut untouched = false;
        // An error of GraphQL's may be about the answer to what was done.
        let is_certain = |refused: &Refused| refused.is_certain() && !is_part_sent && refused.status != Some(200);
        for attempt in 0..READ_BACK {
            if attempt > 0 {
                self.client.pause(Duration::from_secs(u64::from(attempt))).await;
            }
            let known_id = self.number_of(index, change);
            let live = match self.read(thing, known_id.as_deref(), from, to).await {
                Ok(seen) => seen.now,
                Err(hidden) => {
                    let why = match &refused {
                        Some(refused) => format!("{refused}; and it can't be read back: {hidden}"),
                        None => format!("it was sent, and can't be read back: {hidden}"),
                    };
                    return self.failed(index, direction, Failed::Unknown(why));
                }
            };
            let state = live.as_ref().map(|live| &live.state);
            if is_same(thing.kind, state, to) {
                self.note(Event::Made { change: index, direction: direction.into(), id: live.map(|live| live.id) })?;
                return Ok(Outcome::Made);
            }
            fields = differing(thing.kind, state, to);
            untouched = is_same(thing.kind, state, from);
            // A refusal does not come true later.
            if refused.as_ref().is_some_and(is_certain) {
                break;
            }
        }
        let failed = match refused {
            Some(refused) if refused.is_certain() && untouched => {
                let failed = Failed::Refused(explained(&refused, thing));
                let (why, untouched) = (failed.to_string(), is_certain(&refused));
                self.note(Event::Failed { change: index, direction: direction.into(), why, untouched })?;
                return Ok(Outcome::Failed(failed));
            }
            Some(refused) => Failed::Unknown(format!("{}; not as planned: {}", explained(&refused, thing), fields.join(", "))),
            None => Failed::NotTaken { fields },
        };
        self.failed(index, direction, failed)
    }

    fn failed(&mut self, index: usize, direction: Direction, failed: Failed) -> Result<Outcome, JournalFailed> {
        self.note(Event::Failed { change: index, direction: direction.into(), why: failed.to_string(), untouched: false })?;
        Ok(Outcome::Failed(failed))
    }

    /// GitHub's number of a thing as far as it is known. Of what is being created it is not, until GitHub tells: what had one
    /// before is gone, and what has one since was made by a request that nobody heard of again.
    fn number_of(&self, index: usize, change: &Change) -> Option<String> {
        // What was deleted and made again since has another one, which was read for this run.
        if let Some(id) = self.asked.as_ref().and_then(|asked| asked.get(&index)).and_then(|meant| meant.id.clone()) {
            return Some(id);
        }
        let is_being_created = match self.journal.unanswered(index) {
            Some(Way::Apply) => change.before.is_none(),
            Some(Way::Rollback) => change.after.is_none(),
            None => false,
        };
        if is_being_created { None } else { self.journal.id_of(index).or_else(|| change.id.clone()) }
    }

    fn note(&mut self, event: Event) -> Result<(), JournalFailed> {
        self.journal.note(event).map_err(|error| JournalFailed(format!("the journal can't be written: {error}")))
    }
}

/// The last change first; but of classic protections that come back in one place the first, because where patterns match the same
/// branch the older protection binds.
fn backwards(changes: &[Change]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..changes.len()).rev().collect();
    let comes_back = |index: usize| {
        let change = changes.get(index).filter(|change| change.thing.kind == Kind::BranchProtection && change.after.is_none());
        change.map(|change| change.thing.target.as_str())
    };
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for target in order.clone().into_iter().filter_map(comes_back) {
        if !done.insert(target) {
            continue;
        }
        let places: Vec<usize> =
            (0..order.len()).filter(|place| order.get(*place).copied().and_then(comes_back) == Some(target)).collect();
        let mut indices: Vec<usize> = places.iter().filter_map(|place| order.get(*place).copied()).collect();
        indices.sort_unstable();
        for (place, index) in places.into_iter().zip(indices) {
            if let Some(slot) = order.get_mut(place) {
                *slot = index;
            }
        }
    }
    order
}

/// Without a journal nothing may be sent.
struct JournalFailed(String);

/// A thing as it is now.
#[derive(Debug, Clone, PartialEq)]
struct Now {
    /// GitHub's number, or its node id for a classic protection.
    id: String,
    state: Value,
}

/// What reading a thing shows.
struct Seen {
    /// The thing; nothing when there is none.
    now: Option<Now>,
    /// The repository, where it was read for it.
    repository: Option<Repository>,
}

fn explained(refused: &Refused, thing: &Thing) -> String {
    let needed = refused.permission.as_deref().unwrap_or_else(|| thing.permission());
    match refused.status {
        Some(403 | 404) => format!("{refused} (the token needs {needed})"),
        _ => refused.to_string(),
    }
}

fn is_same(kind: Kind, one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => state::is_same(kind, one, other),
        _ => false,
    }
}

fn differing(kind: Kind, one: Option<&Value>, other: Option<&Value>) -> Vec<String> {
    match (one, other) {
        (None, None) => Vec::new(),
        (Some(one), Some(other)) => state::differing(kind, one, other),
        (None, Some(_)) => vec!["it is not there".to_owned()],
        (Some(_), None) => vec!["it is there".to_owned()],
    }
}

/// Whether what is there is what a change leaves that stopped in the middle.
fn is_between(thing: &Thing, from: Option<&Value>, to: Option<&Value>, live: Option<&Value>) -> bool {
    let Some(live) = live else { return false };
    let nothing = state::nothing(thing);
    match (from.or(nothing.as_ref()), to.or(nothing.as_ref())) {
        (Some(from), Some(to)) => state::is_between(thing.kind, from, to, live),
        _ => false,
    }
}
