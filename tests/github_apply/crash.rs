//! The run ends between any two requests: before one is carried out, after it was and nobody heard of it. From each of these
//! places going on ends in the planned state, and going back in the saved one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use refwarden::github::apply::{Apply, Direction, Event, Journal};
use refwarden::github::client::Client;
use serde_json::Value;
use tokio::sync::Notify;

use super::fleet;
use super::{client, quick_folder, run};
use crate::support::github::{Bed, Profile, Snapshot};

/// Where a run can end: what is on the disk, and what GitHub has.
struct Crash {
    what: String,
    plan: Vec<u8>,
    journal: Vec<u8>,
    github: Snapshot,
}

/// A whole run, every place where it could have ended, and the states before and after.
struct Recorded {
    saved: Value,
    planned: Value,
    requests: usize,
    changes: usize,
    crashes: Vec<Crash>,
}

fn record(bed: &Bed, token: &str, direction: Direction, from: Option<&Crash>) -> Recorded {
    let backup = tempfile::tempdir().unwrap();
    run(async {
        let client = client(bed, token);
        let mut journal = match from {
            None => fleet::begin(backup.path(), &fleet::plan(&client).await),
            Some(crash) => Journal::open(&put(backup.path(), crash)).unwrap(),
        };
        let saved = bed.settings();
        let changes = journal.plan().changes.len();
        let folder = journal.folder().to_owned();
        let plan = fs::read(folder.join("plan.json")).unwrap();
        let crashes: Arc<Mutex<(usize, Vec<Crash>)>> = Arc::default();
        let kept = Arc::clone(&crashes);
        bed.watch(move |moment| {
            let what = format!("{} {} ({}, handled: {})", moment.method, moment.path, moment.number, moment.is_handled);
            let journal = fs::read(folder.join("journal.jsonl")).unwrap();
            let mut kept = kept.lock().unwrap();
            kept.0 += usize::from(moment.is_handled);
            kept.1.push(Crash { what, plan: plan.clone(), journal, github: moment.snapshot() });
            true
        });
        let report = Apply::new(&client, &mut journal, Duration::ZERO).run(direction, |_, _, _| {}).await;
        bed.unwatched();
        assert!(report.is_complete(), "{report:#?}");
        let planned = bed.settings();
        let (requests, crashes) = std::mem::take(&mut *crashes.lock().unwrap());
        Recorded { saved, planned, requests, changes, crashes }
    })
}

/// The run's folder as the crash left it.
fn put(backup: &Path, crash: &Crash) -> PathBuf {
    let folder = backup.join("run");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("plan.json"), &crash.plan).unwrap();
    fs::write(folder.join("journal.jsonl"), &crash.journal).unwrap();
    folder
}

/// What a fresh program makes of it.
async fn again(bed: &Bed, client: &Client, crash: &Crash, direction: Direction) -> Value {
    let backup = quick_folder();
    bed.restore(&crash.github).forget_requests();
    let mut journal = Journal::open(&put(backup.path(), crash)).unwrap();
    let report = Apply::new(client, &mut journal, Duration::ZERO).run(direction, |_, _, _| {}).await;
    assert!(report.is_complete(), "{}, {direction:?}: {report:#?}", crash.what);
    assert!(matches!(journal.events().last(), Some(Event::Ended { .. })), "{}", crash.what);
    bed.settings()
}

/// Those that differ: reading changes nothing, so the places around it are one.
fn distinct(recorded: Recorded) -> (Recorded, Vec<Crash>) {
    let mut seen = BTreeSet::new();
    let mut recorded = recorded;
    let mut crashes = std::mem::take(&mut recorded.crashes);
    crashes.retain(|crash| seen.insert((crash.journal.clone(), crash.github.settings().to_string())));
    (recorded, crashes)
}

/// From every place where a recorded run can have ended, both ways.
fn from_everywhere(recorded: &Recorded, crashes: &[Crash], token: &str) {
    let (one, other) = crashes.split_at(crashes.len() / 2);
    std::thread::scope(|scope| {
        for half in [one, other] {
            scope.spawn(move || {
                let bed = fleet::plant(Profile::Dotcom, false, 0);
                run(async {
                    let client = client(&bed, token);
                    for crash in half {
                        let forward = again(&bed, &client, crash, Direction::Forward).await;
                        assert_eq!(forward, recorded.planned, "{}", crash.what);
                        let back = again(&bed, &client, crash, Direction::Back).await;
                        assert_eq!(back, recorded.saved, "{}", crash.what);
                    }
                });
            });
        }
    });
}

#[test]
fn wherever_it_ends_it_goes_on_or_back() {
    let bed = fleet::plant(Profile::Dotcom, false, 50);
    let token = bed.token().create();
    let recorded = record(&bed, &token, Direction::Forward, None);
    run(async { fleet::assert_nothing_to_do(&client(&bed, &token)).await });
    let places = recorded.crashes.len();
    assert_eq!(places, recorded.requests * 2, "before and after each request");
    let (recorded, crashes) = distinct(recorded);
    assert!(recorded.changes > 50 && crashes.len() > 3 * recorded.changes, "{places} places, {} different", crashes.len());
    assert_ne!(recorded.saved, recorded.planned);
    from_everywhere(&recorded, &crashes, &token);
}

#[test]
fn wherever_going_back_ends_it_goes_on_or_back() {
    let bed = fleet::plant(Profile::Dotcom, false, 10);
    let token = bed.token().create();
    let forward = record(&bed, &token, Direction::Forward, None);
    let end = forward.crashes.last().unwrap();
    bed.restore(&end.github);
    let back = record(&bed, &token, Direction::Back, Some(end));
    assert_eq!(back.planned, forward.saved, "a run back ends in what was saved");
    let recorded = Recorded { saved: forward.saved, planned: forward.planned, ..back };
    let (recorded, crashes) = distinct(recorded);
    assert!(crashes.len() > 2 * recorded.changes);
    from_everywhere(&recorded, &crashes, &token);
}

/// The same with a run that really is dropped, in the middle of a request: what was kept above is what it leaves.
#[test]
fn a_run_that_is_dropped_leaves_what_was_seen() {
    let bed = fleet::plant(Profile::Dotcom, true, 10);
    let token = bed.token().create();
    let start = bed.snapshot();
    let recorded = record(&bed, &token, Direction::Forward, None);
    let ends = u64::try_from(recorded.requests).unwrap();
    assert_eq!(recorded.crashes.len(), recorded.requests * 2);
    for (place, crash) in recorded.crashes.iter().enumerate() {
        bed.restore(&start).forget_requests();
        let backup = tempfile::tempdir().unwrap();
        run(async {
            let client = client(&bed, &token);
            let mut journal = fleet::begin(backup.path(), &fleet::plan(&client).await);
            let (number, handled) = (u64::try_from(place / 2 + 1).unwrap(), place % 2 == 1);
            assert!(number <= ends);
            let died = Arc::new(Notify::new());
            let dies = Arc::clone(&died);
            bed.watch(move |moment| {
                let ends_here = moment.number == number && moment.is_handled == handled;
                if ends_here {
                    dies.notify_one();
                }
                !ends_here
            });
            let mut apply = Apply::new(&client, &mut journal, Duration::ZERO);
            tokio::select! {
                report = apply.run(Direction::Forward, |_, _, _| {}) => panic!("{}: {report:#?}", crash.what),
                () = died.notified() => {}
            }
            bed.unwatched();
            drop(apply);
            let written = fs::read(journal.folder().join("journal.jsonl")).unwrap();
            assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(&crash.journal), "{}", crash.what);
            assert_eq!(bed.settings(), crash.github.settings(), "{}", crash.what);
            let folder = journal.folder().to_owned();
            drop(journal);
            let direction = if place % 3 == 0 { Direction::Back } else { Direction::Forward };
            let mut journal = Journal::open(&folder).unwrap();
            let report = Apply::new(&client, &mut journal, Duration::ZERO).run(direction, |_, _, _| {}).await;
            assert!(report.is_complete(), "{}: {report:#?}", crash.what);
            let expected = if direction == Direction::Back { &recorded.saved } else { &recorded.planned };
            assert_eq!(&bed.settings(), expected, "{}", crash.what);
        });
    }
}
