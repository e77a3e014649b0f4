//! Whatever goes wrong at whichever request: no run calls itself complete that is not, what it says was made is there, and from
//! there it goes on to the planned state or back to the saved one.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use refwarden::github::apply::survey::Survey;
use refwarden::github::apply::{Apply, Direction, Failed, Journal, Outcome, Report};
use refwarden::github::client::Client;
use refwarden::github::plan::{Change, Kind};
use serde_json::{Value, json};

use super::fleet;
use super::{client, quick_folder, run};
use crate::support::github::{Bed, Fault, Profile, Quirk, RepositoryHandle, Snapshot, When};

/// An organization before anything is done, and what comes of an undisturbed run.
struct Calm {
    bed: Bed,
    client: Client,
    token: String,
    survey: Survey,
    start: Snapshot,
    saved: Value,
    planned: Value,
    /// Whether each request of the run writes.
    requests: Vec<bool>,
}

async fn calm(repositories: usize) -> Calm {
    let bed = fleet::plant(Profile::Dotcom, false, repositories);
    let token = bed.token().create();
    let client = client(&bed, &token);
    let survey = fleet::plan(&client).await;
    let start = bed.snapshot();
    let saved = bed.settings();
    let requests: Arc<Mutex<Vec<bool>>> = Arc::default();
    let seen = Arc::clone(&requests);
    bed.watch(move |moment| {
        if !moment.is_handled {
            seen.lock().unwrap().push(moment.is_write());
        }
        true
    });
    let backup = tempfile::tempdir().unwrap();
    let report = forward(&client, &mut fleet::begin(backup.path(), &survey)).await;
    bed.unwatched();
    assert!(report.is_complete(), "{report:#?}");
    let planned = bed.settings();
    assert_ne!(saved, planned);
    let requests = std::mem::take(&mut *requests.lock().unwrap());
    Calm { bed, client, token, survey, start, saved, planned, requests }
}

async fn forward(client: &Client, journal: &mut Journal) -> Report {
    Apply::new(client, journal, Duration::ZERO).run(Direction::Forward, |_, _, _| {}).await
}

/// The newest run of a folder, taken up by a fresh program.
async fn again(client: &Client, backup: &Path, direction: Direction) -> Report {
    let mut journal = Journal::open(&Journal::newest_run(backup).unwrap().unwrap()).unwrap();
    Apply::new(client, &mut journal, Duration::ZERO).run(direction, |_, _, _| {}).await
}

impl Calm {
    /// What a run says is what there is.
    fn assert_honest(&self, report: &Report, what: &str) {
        let now = self.bed.settings();
        assert!(!report.is_complete() || now == self.planned, "{what}: it says that it is complete: {report:#?}");
        let of = |index: &usize| &self.survey.plan.changes[*index].thing.target;
        for (index, _) in report.outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Made | Outcome::AlreadySo)) {
            let target = of(index);
            let all = self.survey.plan.changes.iter().filter(|change| change.thing.target == *target).count();
            let done = report
                .outcomes
                .iter()
                .filter(|(other, outcome)| of(other) == target && matches!(outcome, Outcome::Made | Outcome::AlreadySo));
            if done.count() == all {
                assert_eq!(now[target], self.planned[target], "{what}: {target} is said to be made");
            }
        }
        for (index, outcome) in &report.outcomes {
            let target = of(index);
            let alone = self.survey.plan.changes.iter().filter(|change| change.thing.target == *target).count() == 1;
            if alone && matches!(outcome, Outcome::Failed(Failed::Refused(_))) {
                assert_eq!(now[target], self.saved[target], "{what}: {target} is said to be untouched");
            }
        }
    }

    /// A fault at one request, and then both ways from what it left. Whether the run was complete all the same.
    async fn strike(&self, on: &str, when: When, fault: &Fault) -> bool {
        let what = format!("{fault:?} {when:?}");
        self.bed.restore(&self.start).forget_requests();
        let backup = quick_folder();
        let mut journal = fleet::begin(backup.path(), &self.survey);
        self.bed.fault(on, when, fault.clone());
        let is_limit = matches!(fault, Fault::SecondaryLimit { .. } | Fault::PrimaryLimit { .. });
        // One that has not waited yet for anything.
        let patient = is_limit.then(|| client(&self.bed, &self.token));
        let report = forward(patient.as_ref().unwrap_or(&self.client), &mut journal).await;
        drop(journal);
        self.bed.without_quirks();
        self.assert_honest(&report, &what);
        if report.is_complete() {
            return true;
        }
        let left = self.bed.snapshot();
        {
            let kept = quick_folder();
            let folder = Journal::newest_run(backup.path()).unwrap().unwrap();
            let copy = kept.path().join("run");
            std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&copy).unwrap();
            for name in ["plan.json", "journal.jsonl"] {
                std::fs::copy(folder.join(name), copy.join(name)).unwrap();
            }
            let resumed = again(&self.client, kept.path(), Direction::Forward).await;
            assert!(resumed.is_complete(), "{what}: {report:#?} {resumed:#?}");
            assert_eq!(self.bed.settings(), self.planned, "{what}");
        }
        self.bed.restore(&left);
        let back = again(&self.client, backup.path(), Direction::Back).await;
        assert!(back.is_complete(), "{what}: {report:#?} {back:#?}");
        assert_eq!(self.bed.settings(), self.saved, "{what}");
        false
    }

    /// The same at every request; how often the run was complete all the same.
    async fn strike_everywhere(&self, fault: Fault, when: fn(u64) -> When) -> usize {
        let mut complete = 0;
        for number in 1..=self.requests.len() {
            complete += usize::from(self.strike("*", when(u64::try_from(number).unwrap()), &fault).await);
        }
        complete
    }

    fn writes(&self) -> usize {
        self.requests.iter().filter(|is_write| **is_write).count()
    }
}

#[test]
fn an_answer_that_is_lost_at_any_request() {
    run(async {
        let calm = calm(10).await;
        // What only reads is asked again; what was written is found by reading.
        assert_eq!(calm.strike_everywhere(Fault::WrittenThenStatus(502), When::Nth).await, calm.requests.len() - calm.halves());
        assert_eq!(calm.strike_everywhere(Fault::CutBody, When::Nth).await, calm.requests.len() - calm.halves());
        // What never came to GitHub has not happened.
        let reads = calm.requests.len() - calm.writes();
        assert_eq!(calm.strike_everywhere(Fault::Status(502), When::Nth).await, reads);
        assert_eq!(calm.strike_everywhere(Fault::Disconnect, When::Nth).await, reads);
    });
}

impl Calm {
    /// Writes that are followed by another one of the same change: when their answer is lost, the other one is not sent.
    fn halves(&self) -> usize {
        self.requests.windows(2).filter(|pair| pair[0] && pair[1]).count()
    }
}

#[test]
fn a_refusal_at_any_request() {
    run(async {
        let calm = calm(10).await;
        let reads = calm.requests.len() - calm.writes();
        for status in [403, 422, 500] {
            assert!(calm.strike_everywhere(Fault::Status(status), When::Nth).await <= reads, "{status}");
        }
        let nth = |number: u64| When::After(number - 1);
        assert_eq!(calm.strike_everywhere(Fault::BadCredentials, nth).await, 0, "nothing works without a token");
    });
}

#[test]
fn limits_at_any_request_delay() {
    run(async {
        let calm = calm(10).await;
        for fault in [
            Fault::SecondaryLimit { status: 429, retry_after: Some(1) },
            Fault::SecondaryLimit { status: 403, retry_after: None },
            Fault::PrimaryLimit { reset_in: 5 },
        ] {
            assert_eq!(calm.strike_everywhere(fault.clone(), When::Nth).await, calm.requests.len(), "{fault:?}");
        }
    });
}

#[test]
fn signatures_are_kept_whether_or_not_a_put_switches_them_off() {
    run(async {
        for quirk in [None, Some(Quirk::PutKeepsSignatures)] {
            let calm = calm(10).await;
            calm.bed.restore(&calm.start);
            quirk.map(|quirk| calm.bed.quirk(quirk));
            let backup = tempfile::tempdir().unwrap();
            let report = forward(&calm.client, &mut fleet::begin(backup.path(), &calm.survey)).await;
            assert!(report.is_complete(), "{report:#?}");
            assert_eq!(calm.bed.settings(), calm.planned);
            assert!(again(&calm.client, backup.path(), Direction::Back).await.is_complete());
            assert_eq!(calm.bed.settings(), calm.saved);
        }
    });
}

#[test]
fn old_bypassers_that_are_kept_are_told_and_can_be_taken_back() {
    run(async {
        let calm = calm(10).await;
        calm.bed.restore(&calm.start).quirk(Quirk::KeepsOldBypassActors);
        let backup = tempfile::tempdir().unwrap();
        let report = forward(&calm.client, &mut fleet::begin(backup.path(), &calm.survey)).await;
        calm.assert_honest(&report, "old bypassers");
        let fields = vec!["bypass_actors".to_owned()];
        assert_eq!(report.outcomes.last().map(|(_, outcome)| outcome), Some(&Outcome::Failed(Failed::NotTaken { fields })));
        // Nor can they be got rid of by going back, and it says so.
        let back = again(&calm.client, backup.path(), Direction::Back).await;
        calm.bed.without_quirks();
        assert!(!back.is_complete() || calm.bed.settings() == calm.saved);
        assert!(again(&calm.client, backup.path(), Direction::Forward).await.is_complete());
        assert_eq!(calm.bed.settings(), calm.planned);
        assert!(again(&calm.client, backup.path(), Direction::Back).await.is_complete());
        assert_eq!(calm.bed.settings(), calm.saved);
    });
}

/// What somebody else does to the thing that a change is about. The settings that it then has are neither the saved nor the
/// planned ones.
fn meddle(bed: &Bed, change: &Change) {
    let repository = repository(bed, change);
    match (change.thing.kind, repository.ruleset_named(&change.thing.name)) {
        (Kind::Ruleset, Some(id)) => {
            repository.change_ruleset(id, "grace", "2026-02-02T00:00:00Z", json!({ "enforcement": "disabled" }));
        }
        (Kind::Ruleset, None) => {
            repository.ruleset(json!({ "name": change.thing.name, "enforcement": "disabled" }));
        }
        (Kind::BranchProtection, _) => {
            repository.protect(&change.thing.name, json!({ "lock_branch": true }));
        }
        (Kind::WorkflowPermissions, _) => {
            repository.workflow_permissions("read", true);
        }
    }
}

/// Where a change shows in the bed's settings.
fn field(change: &Change) -> &'static str {
    match change.thing.kind {
        Kind::Ruleset => "rulesets",
        Kind::BranchProtection => "protections",
        Kind::WorkflowPermissions => "workflows",
    }
}

fn is_beside(one: &Change, other: &Change) -> bool {
    one.thing.target == other.thing.target && one.thing.kind == other.thing.kind
}

fn repository(bed: &Bed, change: &Change) -> RepositoryHandle {
    let (owner, name) = change.thing.repository().unwrap();
    bed.organization(owner).repository(name)
}

#[test]
fn what_somebody_else_changed_before_is_left_alone() {
    run(async {
        let calm = calm(10).await;
        for (index, change) in calm.survey.plan.changes.iter().enumerate() {
            calm.bed.restore(&calm.start);
            let backup = tempfile::tempdir().unwrap();
            let mut journal = fleet::begin(backup.path(), &calm.survey);
            meddle(&calm.bed, change);
            let meddled = calm.bed.settings();
            let report = forward(&calm.client, &mut journal).await;
            let (last, outcome) = report.outcomes.last().unwrap();
            assert!(matches!(outcome, Outcome::Failed(Failed::Moved { .. })) && *last == index, "{}: {report:#?}", change.thing);
            let of_kind = |settings: &Value| settings[&change.thing.target][field(change)].clone();
            let alone = calm.survey.plan.changes.iter().filter(|other| is_beside(other, change)).count() == 1;
            assert!(!alone || of_kind(&calm.bed.settings()) == of_kind(&meddled), "{}", change.thing);
            drop(journal);
            // What was done is taken back, and what somebody else did stays.
            assert!(again(&calm.client, backup.path(), Direction::Back).await.is_complete());
            assert_eq!(calm.bed.settings(), meddled, "{}", change.thing);
        }
    });
}

#[test]
fn what_somebody_else_changed_afterwards_is_not_taken_back() {
    run(async {
        let calm = calm(10).await;
        let backup = tempfile::tempdir().unwrap();
        calm.bed.restore(&calm.start);
        assert!(forward(&calm.client, &mut fleet::begin(backup.path(), &calm.survey)).await.is_complete());
        let made = calm.bed.snapshot();
        let folder = Journal::newest_run(backup.path()).unwrap().unwrap();
        let written = std::fs::read(folder.join("journal.jsonl")).unwrap();
        for (index, change) in calm.survey.plan.changes.iter().enumerate() {
            calm.bed.restore(&made);
            std::fs::write(folder.join("journal.jsonl"), &written).unwrap();
            meddle(&calm.bed, change);
            let meddled = calm.bed.settings();
            let report = again(&calm.client, backup.path(), Direction::Back).await;
            // What is left because of it is in the same place.
            let is_left = |outcome: &Outcome| *outcome == Outcome::Failed(Failed::NotTried);
            for (left, _) in report.outcomes.iter().filter(|(_, outcome)| is_left(outcome)) {
                assert_eq!(calm.survey.plan.changes[*left].thing.target, change.thing.target);
            }
            let is_failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_)) && !is_left(outcome);
            let failed: Vec<usize> =
                report.outcomes.iter().filter(|(_, outcome)| is_failed(outcome)).map(|(index, _)| *index).collect();
            let now = calm.bed.settings();
            if change.after.is_none() && change.thing.kind == Kind::Ruleset {
                // One of the same name is another one: beside it there is room.
                assert!(report.is_complete(), "{}: {report:#?}", change.thing);
                let names = |settings: &Value| settings[&change.thing.target]["rulesets"].as_array().unwrap().len();
                assert_eq!(names(&now), names(&calm.saved) + 1);
            } else {
                assert_eq!(failed, [index], "{}: {report:#?}", change.thing);
                let alone = calm.survey.plan.changes.iter().filter(|other| is_beside(other, change)).count() == 1;
                let of_kind = |settings: &Value| settings[&change.thing.target][field(change)].clone();
                assert!(!alone || of_kind(&now) == of_kind(&meddled), "{}", change.thing);
            }
            for target in calm.survey.plan.targets().into_iter().filter(|target| *target != change.thing.target) {
                assert_eq!(now[target], calm.saved[target], "{target}");
            }
        }
    });
}

#[test]
fn what_is_deleted_between_reading_and_writing_is_told() {
    run(async {
        let calm = calm(10).await;
        let changes = &calm.survey.plan.changes;
        let (index, change) = changes
            .iter()
            .enumerate()
            .find(|(_, change)| change.thing.kind == Kind::Ruleset && change.before.is_some() && change.after.is_some())
            .unwrap();
        calm.bed.restore(&calm.start);
        let repository = repository(&calm.bed, change);
        let id = repository.ruleset_named(&change.thing.name).unwrap();
        let path = format!("/repos/{}/rulesets/{id}", change.thing.target);
        let backup = tempfile::tempdir().unwrap();
        let mut journal = fleet::begin(backup.path(), &calm.survey);
        calm.bed.watch(move |moment| {
            if moment.method == "PUT" && moment.path == path {
                repository.delete_ruleset(id);
            }
            true
        });
        let report = forward(&calm.client, &mut journal).await;
        calm.bed.unwatched();
        let (last, outcome) = report.outcomes.last().unwrap();
        assert_eq!(*last, index);
        assert!(matches!(outcome, Outcome::Failed(Failed::Unknown(_))), "{report:#?}");
    });
}

#[test]
fn a_repository_that_was_renamed_is_not_written_by_its_old_name() {
    run(async {
        let calm = calm(10).await;
        for (index, change) in calm.survey.plan.changes.iter().enumerate() {
            calm.bed.restore(&calm.start);
            let backup = tempfile::tempdir().unwrap();
            let mut journal = fleet::begin(backup.path(), &calm.survey);
            repository(&calm.bed, change).rename("renamed");
            let report = forward(&calm.client, &mut journal).await;
            drop(journal);
            let first = calm.survey.plan.changes.iter().position(|other| other.thing.target == change.thing.target);
            let (last, outcome) = report.outcomes.last().unwrap();
            assert!(matches!(outcome, Outcome::Failed(_)) && Some(*last) == first && *last <= index, "{report:#?}");
            let now = calm.bed.settings();
            assert_eq!(now["acme/renamed"], calm.saved[&change.thing.target], "{}", change.thing);
        }
    });
}
