//! The decision log, on real files: what an append leaves, what verifying notices, and what refuses.

use proptest::prelude::*;
use refwarden::receive::decision_log::{
    DecisionId, DecisionLog, LogError, Name, Sharing, Stats, VerifyReport, last_hash, records, stats, verify,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

use crate::schemas::{schema, valid};
use crate::support::{HEAD, Server, clean};

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn id() -> DecisionId {
    DecisionId::new(jiff::Timestamp::now())
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is not an object"),
    }
}

fn body(actor: &str) -> Map<String, Value> {
    map(json!({ "actor": actor, "decision": "accepted", "updates": [{ "ref": "refs/heads/main", "hash": "no" }] }))
}

struct Fixture {
    dir: TempDir,
    log: DecisionLog,
}

impl Fixture {
    fn new() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let log = DecisionLog { flush: false, ..DecisionLog::new(dir.path().join("decisions.jsonl")) };
        Fixture { dir, log }
    }

    fn with(count: usize) -> Fixture {
        let fixture = Fixture::new();
        (0..count).for_each(|number| fixture.append(&format!("actor {number}")));
        fixture
    }

    fn path(&self) -> &Path {
        &self.log.path
    }

    fn append(&self, actor: &str) {
        self.log.append(&id(), &body(actor)).unwrap();
    }

    fn refused(&self) -> LogError {
        self.log.append(&id(), &body("refused")).unwrap_err()
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// Writes the file past the log, which then remembers nothing.
    fn write(&self, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(), bytes).unwrap();
        self.forget();
    }

    fn lock(&self) -> PathBuf {
        self.dir.path().join("decisions.jsonl.lock")
    }

    fn forget(&self) {
        if self.lock().exists() {
            fs::write(self.lock(), "").unwrap();
        }
    }

    /// The hashes of the live file's records.
    fn hashes(&self) -> Vec<String> {
        let hash = |line: &Vec<u8>| serde_json::from_slice::<Value>(line).unwrap()["hash"].as_str().unwrap().to_owned();
        lines(&self.bytes()).iter().map(hash).collect()
    }

    fn verify(&self) -> VerifyReport {
        verify(self.path(), None).unwrap()
    }

    fn whole(&self, count: u64) -> VerifyReport {
        let report = self.verify();
        assert_eq!(report.broken, None);
        assert_eq!(report.records, count);
        report
    }

    fn broken_at(&self) -> (String, Option<u64>) {
        let broken = self.verify().broken.expect("a broken chain");
        (broken.what, broken.line)
    }

    fn actors(&self) -> Vec<String> {
        let actor = |record: Result<Value, LogError>| record.unwrap()["actor"].as_str().unwrap().to_owned();
        records(self.path()).unwrap().map(actor).collect()
    }

    fn rotated(&self, number: u64) -> PathBuf {
        self.dir.path().join(format!("decisions.{number:06}.jsonl"))
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

// What an append leaves.

#[test]
fn a_record_is_the_body_between_its_links() {
    let fixture = Fixture::new();
    let id = id();
    fixture.log.append(&id, &body("alice")).unwrap();
    fixture.append("bob");
    let text = String::from_utf8(fixture.bytes()).unwrap();
    let (first, second) = text.trim_end().split_once('\n').unwrap();
    let hashed = first.rsplit_once(r#","hash":""#).unwrap().0;
    let hash = hex(hashed.as_bytes());
    assert_eq!(
        first,
        format!(
            r#"{{"version":1,"id":"{id}","previous":"{ZEROS}","actor":"alice","decision":"accepted","updates":[{{"ref":"refs/heads/main","hash":"no"}}],"hash":"{hash}"}}"#
        )
    );
    let second: Value = serde_json::from_str(second).unwrap();
    assert_eq!(second["previous"], json!(hash));
    assert_eq!(fixture.actors(), ["alice", "bob"]);
    fixture.whole(2);
}

#[test]
fn an_empty_body_is_a_record() {
    let fixture = Fixture::new();
    fixture.log.append(&id(), &Map::new()).unwrap();
    fixture.log.append(&id(), &Map::new()).unwrap();
    fixture.whole(2);
}

#[test]
fn a_body_cannot_set_the_links() {
    let fixture = Fixture::new();
    for key in ["version", "id", "previous", "hash", "after_torn_line", "before_torn_line"] {
        let error = fixture.log.append(&id(), &map(json!({ key: 1 }))).unwrap_err();
        assert!(error.to_string().contains(&format!("`{key}`")), "{error}");
    }
    assert!(fixture.names().is_empty());
}

#[test]
fn ids_are_ulids_that_sort_by_time() {
    let at = |millisecond| DecisionId::new(jiff::Timestamp::from_millisecond(millisecond).unwrap());
    assert!(at(1_000) < at(1_001));
    assert!(at(1_000).to_string() < at(1_001).to_string());
    assert_ne!(at(1_000), at(1_000));
    assert_eq!(at(1_000).to_string().len(), 26);
    assert!(at(-1_000).to_string().starts_with("0000000000"), "before 1970 counts as 1970");
}

#[test]
fn missing_directories_are_created() {
    let fixture = Fixture::new();
    let log = DecisionLog::new(fixture.dir.path().join("a/b/decisions.jsonl"));
    log.append(&id(), &body("alice")).unwrap();
    assert_eq!(verify(&log.path, None).unwrap().records, 1);
}

#[test]
fn lines_of_every_length_around_a_block_are_chained() {
    let fixture = Fixture::new();
    fixture.append("");
    let overhead = fixture.bytes().len();
    let mut count = 1;
    for len in [4095, 4096, 4097, 4098, 12_287, 12_288, 12_289, 12_290, 28_673, 1_100_000, 2_500_000] {
        for actor in ["x".repeat(len - overhead), String::new()] {
            fixture.append(&actor);
            count += 1;
        }
        fixture.append(&"x".repeat(len - overhead));
        fixture.append(&"x".repeat(len - overhead));
        count += 2;
    }
    fixture.whole(count);
}

#[test]
fn a_record_that_could_not_be_read_back_is_not_written() {
    let fixture = Fixture::with(1);
    let before = fixture.bytes();
    let error = fixture.log.append(&id(), &body(&"x".repeat(16_000_000))).unwrap_err();
    assert!(error.to_string().contains("more than 16000000"), "{error}");
    assert_eq!(fixture.bytes(), before);
    fixture.append(&"x".repeat(15_999_000));
    fixture.append("after the longest");
    fixture.whole(3);
}

#[test]
fn a_line_too_long_to_be_a_record_is_damage() {
    let fixture = Fixture::with(1);
    let mut bytes = fixture.bytes();
    bytes.extend(vec![b'x'; 16_000_001]);
    fixture.write(&bytes);
    assert!(fixture.refused().to_string().contains("longer than"));
    assert_eq!(fixture.broken_at(), ("it is longer than 16000000 bytes".to_owned(), Some(2)));
    bytes.push(b'\n');
    fixture.write(&bytes);
    assert!(fixture.refused().to_string().contains("longer than"));
    let read: Vec<_> = records(fixture.path()).unwrap().collect();
    assert!(matches!(read.as_slice(), [Ok(_), Err(_)]));
}

// Several writers.

#[test]
fn threads_append_one_chain() {
    let fixture = Fixture::new();
    let log = fixture.log.clone();
    std::thread::scope(|scope| {
        for thread in 0..20 {
            let log = &log;
            scope.spawn(move || (0..10).for_each(|turn| log.append(&id(), &body(&format!("{thread}/{turn}"))).unwrap()));
        }
    });
    assert!(fixture.whole(200).notes.is_empty());
    assert_eq!(fixture.actors().into_iter().collect::<BTreeSet<_>>().len(), 200);
}

/// Runs [`child`] in processes of its own, through a shell that first runs `before`.
fn children(fixture: &Fixture, count: usize, before: &str, mode: &str) -> Vec<Output> {
    let start = |number: usize| {
        Command::new("sh")
            .args(["-c", &format!("{before} exec \"$0\" --exact --ignored decision_log::child")])
            .arg(std::env::current_exe().unwrap())
            .env("DECISION_LOG", fixture.path())
            .env("DECISION_LOG_MODE", mode)
            .env("DECISION_LOG_CHILD", number.to_string())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let running: Vec<_> = (0..count).map(start).collect();
    running.into_iter().map(|child| child.wait_with_output().unwrap()).collect()
}

#[test]
#[ignore = "the other tests start this, as a process of its own"]
fn child() {
    let Some(path) = std::env::var_os("DECISION_LOG") else { return };
    let number = std::env::var("DECISION_LOG_CHILD").unwrap();
    let log = DecisionLog { rotate: Some(5_000), ..DecisionLog::new(path) };
    match std::env::var("DECISION_LOG_MODE").unwrap().as_str() {
        "append" => (0..20).for_each(|turn| log.append(&id(), &body(&format!("{number}/{turn}"))).unwrap()),
        "until full" => {
            let log = DecisionLog { rotate: None, ..log };
            let error = (0..1_000).find_map(|_| log.append(&id(), &body("alice")).err()).expect("the limit holds");
            assert!(error.is_io() && error.to_string().contains("File too large"), "{error}");
            assert!(error.help().contains("make room"), "{}", error.help());
        }
        other => panic!("{other}"),
    }
}

#[test]
fn processes_append_one_chain_across_rotated_files() {
    let fixture = Fixture::new();
    for output in children(&fixture, 8, "", "append") {
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
    }
    let report = fixture.whole(160);
    assert!(report.files > 5, "{report:?}");
    assert_eq!(fixture.actors().into_iter().collect::<BTreeSet<_>>().len(), 160);
}

#[test]
fn a_short_write_is_taken_back_and_refused() {
    let fixture = Fixture::new();
    // The limit on the file's size cuts a write in the middle, as a full disk does.
    for output in children(&fixture, 1, "trap '' XFSZ; ulimit -f 5;", "until full") {
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
    }
    let report = fixture.verify();
    assert!(report.is_whole() && report.notes.is_empty() && report.records > 3, "{report:?}");
    fixture.append("room again");
    fixture.whole(report.records + 1);
}

// Rotation.

#[test]
fn rotation_under_threads_loses_nothing() {
    let fixture = Fixture::new();
    let log = DecisionLog { rotate: Some(1_000), ..fixture.log.clone() };
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let log = &log;
            scope.spawn(move || (0..20).for_each(|turn| log.append(&id(), &body(&format!("{thread}/{turn}"))).unwrap()));
        }
    });
    let report = fixture.whole(160);
    assert_eq!(fixture.actors().into_iter().collect::<BTreeSet<_>>().len(), 160);
    for number in 1..report.files {
        assert!(fs::metadata(fixture.rotated(number)).unwrap().len() <= 1_000);
    }
}

fn rotated(count: usize, keep: u32) -> Fixture {
    let mut fixture = Fixture::new();
    fixture.log.rotate = Some(1);
    fixture.log.keep = keep;
    (0..count).for_each(|number| fixture.append(&number.to_string()));
    fixture
}

#[test]
fn a_record_larger_than_the_limit_has_a_file_of_its_own() {
    let fixture = rotated(3, 0);
    assert_eq!(fixture.names(), ["decisions.000001.jsonl", "decisions.000002.jsonl", "decisions.jsonl", "decisions.jsonl.lock"]);
    assert!(fixture.whole(3).notes.is_empty());
    assert_eq!(fixture.actors(), ["0", "1", "2"]);
}

#[test]
fn a_file_may_be_as_large_as_the_limit() {
    let mut fixture = Fixture::with(1);
    fixture.log.rotate = Some(2 * fixture.bytes().len() as u64);
    fixture.append("actor 1");
    assert!(!fixture.rotated(1).exists());
    fixture.append("actor 2");
    assert!(fixture.rotated(1).exists());
    fixture.whole(3);
}

#[test]
fn only_the_newest_rotated_files_are_kept() {
    let fixture = rotated(6, 2);
    assert_eq!(fixture.names(), ["decisions.000004.jsonl", "decisions.000005.jsonl", "decisions.jsonl", "decisions.jsonl.lock"]);
    let report = fixture.whole(3);
    assert!(report.notes[0].what.contains("older files are gone"), "{report:?}");
    assert_eq!(fixture.actors(), ["3", "4", "5"]);
}

#[test]
fn files_of_other_names_are_not_rotated_logs() {
    let fixture = Fixture::with(1);
    for name in [
        "decisions.000000007.jsonl",
        "decisions.7.jsonl",
        "decisions.000007.jsonl.gz",
        "decisions.+00007.jsonl",
        "other.000007.jsonl",
    ] {
        fs::write(fixture.dir.path().join(name), "no record").unwrap();
    }
    fixture.whole(1);
}

#[test]
fn numbers_beyond_six_digits_go_on_and_never_overwrite() {
    let mut fixture = Fixture::with(1);
    fixture.log.rotate = Some(1);
    fs::rename(fixture.path(), fixture.rotated(999_999)).unwrap();
    fixture.append("a");
    fixture.append("b");
    assert!(fixture.rotated(1_000_000).exists());
    assert_eq!(fixture.actors(), ["actor 0", "a", "b"]);
    fs::rename(fixture.rotated(1_000_000), fixture.rotated(u64::MAX)).unwrap();
    assert!(fixture.refused().to_string().contains("cannot rotate"));
}

#[test]
fn a_crash_amid_rotation_is_recovered() {
    for empty in [false, true] {
        let fixture = rotated(3, 0);
        fs::rename(fixture.path(), fixture.rotated(3)).unwrap();
        if empty {
            fixture.write("");
        }
        fixture.whole(3);
        assert_eq!(last_hash(fixture.path()).unwrap(), fixture.verify().last_hash);
        fixture.append("3");
        fixture.whole(4);
        assert_eq!(fixture.actors(), ["0", "1", "2", "3"]);
        assert!(!fixture.rotated(4).exists());
    }
}

#[test]
fn a_torn_first_line_of_a_new_file_is_chained_to_the_rotated_one() {
    let fixture = rotated(3, 1);
    fixture.write(&fixture.bytes()[..40]);
    fixture.append("after");
    assert_eq!(lines(&fixture.bytes()).len(), 2, "a torn line stays with the record that explains it");
    fixture.append("next");
    fixture.append("last");
    // The torn line is now the first of the oldest file, and what it was chained to is gone.
    assert_eq!(fixture.names().len(), 3);
    fixture.whole(2);
    assert_eq!(fixture.actors(), ["next", "last"]);
}

#[test]
fn a_torn_line_at_the_beginning_of_the_oldest_file_is_accepted() {
    let mut fixture = rotated(3, 1);
    fixture.log.keep = 2;
    fixture.write(&fixture.bytes()[..40]);
    fixture.append("after");
    fixture.append("next");
    fs::remove_file(fixture.rotated(2)).unwrap();
    let _ = fs::remove_file(fixture.rotated(1));
    let report = fixture.whole(2);
    assert_eq!(report.notes.len(), 2, "{report:?}");
}

#[test]
fn missing_rotated_files_are_noticed() {
    let middle = rotated(4, 0);
    fs::remove_file(middle.rotated(2)).unwrap();
    assert!(middle.broken_at().0.contains("a line is missing"));

    let all = rotated(2, 0);
    fs::remove_file(all.rotated(1)).unwrap();
    assert!(all.broken_at().0.contains("the beginning is missing"));

    let first_line = Fixture::with(3);
    first_line.write(lines(&first_line.bytes())[1..].concat());
    assert!(first_line.broken_at().0.contains("the beginning is missing"));
}

#[test]
fn a_rotated_file_that_was_touched_is_noticed() {
    let cut = rotated(3, 0);
    let bytes = fs::read(cut.rotated(2)).unwrap();
    fs::write(cut.rotated(2), &bytes[..bytes.len() - 1]).unwrap();
    assert!(cut.broken_at().0.contains("cut off"));
    fs::remove_file(cut.path()).unwrap();
    assert!(cut.refused().to_string().contains("it has no newline"));

    let empty = rotated(3, 0);
    fs::write(empty.rotated(2), "").unwrap();
    assert!(empty.broken_at().0.contains("the file is empty"));
    fs::remove_file(empty.path()).unwrap();
    assert!(empty.refused().to_string().contains("damaged"));
}

// Torn lines.

#[test]
fn a_line_torn_anywhere_is_kept_and_explained() {
    let fixture = Fixture::with(3);
    let bytes = fixture.bytes();
    let start = bytes.len() - lines(&bytes)[2].len();
    for cut in start + 1..bytes.len() {
        fixture.write(&bytes[..cut]);
        let report = fixture.verify();
        assert!(report.is_whole(), "{report:?}");
        assert!(report.notes[0].what.contains("torn"), "{report:?}");
        let last_whole = last_hash(fixture.path()).unwrap().unwrap();
        fixture.append("after");
        fixture.append("next");

        let now = fixture.bytes();
        assert_eq!(&now[..cut], &bytes[..cut], "the evidence is kept");
        let explaining: Value = serde_json::from_slice(&lines(&now)[3]).unwrap();
        assert_eq!(explaining["after_torn_line"], json!(true));
        assert_eq!(explaining["previous"], json!(hex(&bytes[start..cut])));
        assert_eq!(explaining["before_torn_line"], json!(last_whole));
        let report = fixture.verify();
        assert_eq!((report.broken, report.notes.len(), report.notes[0].line), (None, 1, Some(3)));
        // All but the newline: the record is whole, and read as one.
        let whole = u64::from(cut == bytes.len() - 1);
        assert_eq!(report.records, 4 + whole);
        assert_eq!(records(fixture.path()).unwrap().map(Result::unwrap).count() as u64, 4 + whole);
    }
}

#[test]
fn a_torn_line_of_any_bytes_is_explained() {
    for torn in [&b"\0\0\0\0"[..], b"\xff\xfe", b"{", b"{}"] {
        let fixture = Fixture::with(1);
        fixture.write([&fixture.bytes(), torn].concat());
        fixture.append("after");
        fixture.whole(2);
        let alone = Fixture::new();
        alone.write(torn);
        alone.append("after");
        alone.whole(1);
    }
}

#[test]
fn what_stood_before_a_torn_line_cannot_be_removed() {
    let fixture = Fixture::with(3);
    fixture.write([&fixture.bytes(), &b"{\"vers"[..]].concat());
    fixture.append("after");
    fixture.append("next");
    fixture.whole(5);
    let all = lines(&fixture.bytes());
    fixture.write([&all[..2], &all[3..]].concat().concat());
    assert!(fixture.broken_at().0.contains("`before_torn_line`"));
    fixture.write([&all[..3], &all[4..]].concat().concat());
    assert!(fixture.broken_at().0.contains("torn line"));
}

#[test]
fn a_line_that_is_no_record_is_damage_unless_explained() {
    let fixture = Fixture::with(2);
    let all = lines(&fixture.bytes());
    fixture.write([&all[0], &b"{\"vers\n"[..], &all[1]].concat());
    assert_eq!(fixture.broken_at().1, Some(2));
    let read: Vec<_> = records(fixture.path()).unwrap().collect();
    assert!(matches!(read.as_slice(), [Ok(_), Err(error), Ok(_)] if error.to_string().contains("line 2")));
    fixture.write([&all[0], &all[1], &b"{\"vers\n"[..]].concat());
    assert_eq!(fixture.broken_at().1, Some(3));
    fixture.refused();
}

// Damage.

/// Flips each bit of the log and asks whether it shows.
fn every_flip_shows(fixture: &Fixture) {
    let bytes = fixture.bytes();
    assert!(fixture.verify().is_whole());
    let mut file = fs::OpenOptions::new().write(true).open(fixture.path()).unwrap();
    let mut put = |at: usize, byte: u8| {
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(&[byte]).unwrap();
    };
    for (at, byte) in bytes.iter().enumerate() {
        for bit in 0..8 {
            put(at, byte ^ 1 << bit);
            let report = fixture.verify();
            assert!(report.broken.is_some(), "bit {bit} of byte {at}: {report:?}");
        }
        put(at, *byte);
    }
    assert!(fixture.verify().is_whole());
}

#[test]
fn every_flipped_bit_shows() {
    every_flip_shows(&Fixture::with(5));
}

#[test]
fn every_flipped_bit_shows_around_a_torn_line() {
    for cut in [1, 200] {
        let fixture = Fixture::with(2);
        let bytes = fixture.bytes();
        fixture.write(&bytes[..bytes.len() - cut]);
        fixture.append("after");
        every_flip_shows(&fixture);
    }
}

#[test]
fn a_flip_in_the_last_line_is_never_appended_to() {
    let fixture = Fixture::with(2);
    let bytes = fixture.bytes();
    for at in lines(&bytes)[0].len()..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            fixture.write(&flipped);
            let error = fixture.refused();
            assert!(error.to_string().starts_with("the decision log is damaged: "), "{error}");
            assert!(error.help().contains("`refwarden log verify`"));
            assert_eq!(error.path(), fixture.path());
            assert_eq!(fixture.bytes(), flipped);
        }
    }
}

#[test]
fn removing_doubling_or_moving_a_line_shows() {
    let fixture = Fixture::with(6);
    let anchor = last_hash(fixture.path()).unwrap();
    let all = lines(&fixture.bytes());
    for at in 0..6 {
        let mut removed = all.clone();
        removed.remove(at);
        fixture.write(removed.concat());
        assert!(!verify(fixture.path(), anchor.as_deref()).unwrap().is_whole());
        // Without an anchor, only the end can be cut off.
        assert_eq!(fixture.verify().is_whole(), at == 5);

        let mut doubled = all.clone();
        doubled.insert(at, all[at].clone());
        fixture.write(doubled.concat());
        assert!(!fixture.verify().is_whole());

        for other in 0..at {
            let mut swapped = all.clone();
            swapped.swap(at, other);
            fixture.write(swapped.concat());
            assert!(!fixture.verify().is_whole());
        }
    }
}

#[test]
fn an_anchor_shows_a_log_written_anew() {
    let fixture = Fixture::with(3);
    let anchor = last_hash(fixture.path()).unwrap().unwrap();
    fixture.append("later");
    assert!(verify(fixture.path(), Some(&anchor)).unwrap().is_whole());
    assert!(verify(fixture.path(), Some(&anchor.to_uppercase())).unwrap().is_whole());
    fs::remove_file(fixture.path()).unwrap();
    fixture.forget();
    fixture.append("anew");
    fixture.whole(1);
    let report = verify(fixture.path(), Some(&anchor)).unwrap();
    assert!(report.broken.unwrap().what.contains("anchor"));
    // 64 zeros stand for no record, so they are no record's hash.
    assert!(!verify(fixture.path(), Some(ZEROS)).unwrap().is_whole());
    assert!(verify(fixture.path(), Some("abc")).unwrap_err().to_string().contains("`abc`"));
}

#[test]
fn an_anchor_in_a_rotated_file_is_found() {
    let fixture = rotated(2, 0);
    let anchor = last_hash(fixture.path()).unwrap().unwrap();
    fixture.append("2");
    assert!(verify(fixture.path(), Some(&anchor)).unwrap().is_whole());
}

#[test]
fn without_a_log_there_is_nothing_to_verify() {
    let fixture = Fixture::new();
    assert!(verify(fixture.path(), None).unwrap_err().to_string().contains("there is no decision log"));
    assert!(records(fixture.path()).is_err());
    assert_eq!(last_hash(fixture.path()).unwrap(), None);
    assert!(fixture.names().is_empty(), "reading creates nothing");
}

// What the lock remembers.

#[test]
fn a_log_that_is_moved_away_is_broken_until_it_is_back() {
    for mut first in [Fixture::with(3), rotated(3, 0)] {
        first.log.rotate = None;
        let aside = first.dir.path().join("aside");
        fs::rename(first.path(), &aside).unwrap();
        assert!(first.broken_at().0.contains("the lock beside the log remembers"));
        first.append("after");
        first.append("next");
        assert!(!first.verify().is_whole());
        let number = if first.rotated(2).exists() { 3 } else { 1 };
        for (from, to) in [(first.path().to_owned(), first.rotated(number + 1)), (aside, first.rotated(number))] {
            fs::rename(from, to).unwrap();
        }
        assert!(first.whole(5).notes.iter().all(|note| note.what.contains("no such file")));
    }
}

#[test]
fn an_end_that_is_cut_off_shows_for_good() {
    let fixture = Fixture::with(3);
    let all = lines(&fixture.bytes());
    fs::write(fixture.path(), all[..2].concat()).unwrap();
    assert!(fixture.broken_at().0.contains("cut off"));
    fixture.append("after");
    fixture.append("next");
    assert_eq!(fixture.broken_at().1, Some(3));
}

#[test]
fn a_crash_before_the_lock_was_written_breaks_nothing() {
    let fixture = Fixture::with(3);
    for hash in fixture.hashes() {
        fs::write(fixture.lock(), format!("{hash}\n")).unwrap();
        let count = fixture.verify().records;
        fixture.whole(count);
        fixture.append("after");
        fixture.whole(count + 1);
    }
    // After the next rotation, the record that is remembered may be in the newest rotated file.
    let rotated = rotated(3, 1);
    let first = serde_json::from_slice::<Value>(&fs::read(rotated.rotated(2)).unwrap()).unwrap();
    fs::write(rotated.lock(), format!("{}\n", first["hash"].as_str().unwrap())).unwrap();
    rotated.append("after");
    rotated.whole(2);
    fixture.forget();
    fixture.append("after");
    fixture.whole(7);
    for content in ["nonsense\n", "0\n", &"z".repeat(65), &"\u{e9}".repeat(400)] {
        fs::write(fixture.lock(), content).unwrap();
        assert!(fixture.refused().to_string().contains("does not hold the hash of a record"));
        assert!(verify(fixture.path(), None).is_err());
    }
}

#[test]
fn a_lock_that_is_not_given_back_refuses_in_time() {
    let mut fixture = Fixture::with(1);
    fixture.log.patience = std::time::Duration::from_millis(5);
    for exclusive in [false, true] {
        let reader = fs::File::open(fixture.lock()).unwrap();
        if exclusive { reader.lock() } else { reader.lock_shared() }.unwrap();
        let error = fixture.refused();
        assert!(error.to_string().contains("for longer than 5 ms") && error.help().contains("fuser"), "{error}");
        drop(reader);
        fixture.append("after");
    }
    fixture.whole(3);
}

#[test]
fn a_clock_that_was_set_back_is_noted() {
    let fixture = Fixture::new();
    for (time, milliseconds) in [
        ("2026-05-01T10:00:00.000Z", 0.0),
        // Ended before, and waited for the lock; began before, and took long.
        ("2026-05-01T09:59:30.000Z", 5.0),
        ("2026-05-01T09:30:00.000Z", 1_900_000.0),
        ("2026-05-01T09:30:00.000Z", 5.0),
        ("2026-05-01T09:31:00.000Z", 5.0),
        ("no time", 5.0),
    ] {
        fixture.log.append(&id(), &map(json!({ "time": time, "work": { "milliseconds": milliseconds } }))).unwrap();
    }
    let report = fixture.whole(6);
    let noted: Vec<_> =
        report.notes.iter().map(|note| (note.line, note.what.contains("the server's clock was set back"))).collect();
    assert_eq!(noted, [(Some(4), true)]);
}

// Pushes to a server.

const GUARD: &str = "[[ruleset]]\nname = \"main\"\ntarget = \"branch\"\nrefs = [\"main\"]\nrules = { deletion = true }\n";

/// The hook's answer to creating `new`.
fn judged(server: &Server, environment: &[(&str, &str)]) -> (Option<i32>, String) {
    server.hook(Some("dev"), line(server).as_bytes(), environment)
}

/// What git says on standard input when `new` is created.
fn line(server: &Server) -> String {
    let tree = server.git(["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let new = server.git(["-c", "user.name=a", "-c", "user.email=a@example.org", "commit-tree", &tree, "-m", "new"]);
    format!("{} {new} refs/heads/new\n", server.null())
}

fn log(server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = clean(env!("CARGO_BIN_EXE_refwarden"), server.folder.path());
    let output = command.arg("log").args(arguments).arg("--repo").arg(&server.dir).output().unwrap();
    (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_refusal_without_a_policy_is_logged_where_the_policy_said() {
    let server = Server::new(GUARD);
    let with = |path: &str| server.policy(&format!("{HEAD}decision_log = {{ path = \"{path}\" }}\n{GUARD}"));
    let count = |path: &str| fs::read_to_string(server.dir.join(path)).map_or(0, |text| text.lines().count());
    let elsewhere = server.folder.path().join("elsewhere/log.jsonl");
    with(elsewhere.to_str().unwrap());
    assert_eq!(judged(&server, &[]).0, Some(0));
    let policy = fs::read(server.dir.join("refwarden.toml")).unwrap();
    for broken in [None, Some("version = "), Some("version = 1\nnonsense = 1\n"), Some("version = 1\n")] {
        match broken {
            Some(text) => server.policy(text),
            None => fs::remove_file(server.dir.join("refwarden.toml")).unwrap(),
        }
        let before = count("../elsewhere/log.jsonl");
        assert_eq!(judged(&server, &[]).0, Some(2), "{broken:?}");
        assert_eq!(count("../elsewhere/log.jsonl"), before + usize::from(broken != Some("version = 1\n")), "{broken:?}");
    }
    // A policy that loads says where, though it cannot be applied.
    assert_eq!(count("refwarden/decisions.jsonl"), 1);
    fs::write(server.dir.join("refwarden.toml"), policy).unwrap();
    assert_eq!(judged(&server, &[]).0, Some(0));
    with("third.jsonl");
    assert_eq!(judged(&server, &[]).0, Some(0));

    let (code, text) = log(&server, &["verify"]);
    assert_eq!((code, text.matches("whole").count()), (Some(0), 3), "{text}");
    let (code, text) = log(&server, &["stats", "--json"]);
    assert_eq!((code, serde_json::from_str::<Value>(&text).unwrap()["records"].clone()), (Some(0), json!(7)), "{text}");
    let (_, text) = log(&server, &["show", "--json", "-n", "2"]);
    let places: Vec<Value> = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["previous"].clone()).collect();
    assert!(places.len() == 2 && places[0] != json!(ZEROS) && places[1] == json!(ZEROS), "{text}");
    // What was there is missed, by whichever way it went.
    fs::rename(&elsewhere, server.dir.join("aside")).unwrap();
    let (code, text) = log(&server, &["verify"]);
    assert!(code == Some(1) && text.contains("the lock beside the log remembers"), "{text}");
    fs::remove_file(elsewhere.with_file_name("log.jsonl.lock")).unwrap();
    let (code, text) = log(&server, &["verify"]);
    assert!(code == Some(1) && text.contains("moved away or deleted"), "{text}");
    assert_eq!(log(&server, &["show"]).0, Some(0));
}

#[test]
fn a_push_of_many_long_names_is_logged() {
    let server = Server::new(GUARD);
    let new = server.git(["hash-object", "-t", "tree", "-w", "/dev/null"]);
    // As JSON, all of the names would take more than a line may have. The last of them is why the push is refused.
    let mut input = Vec::new();
    for number in 0..2_400 {
        input.extend_from_slice(format!("{} {new} refs/heads/{number}", server.null()).as_bytes());
        for _ in 0..30 {
            input.push(b'/');
            input.resize(input.len() + 120, 0xe9);
        }
        input.push(b'\n');
    }
    input.extend_from_slice(format!("{new} {} refs/heads/main\n", server.null()).as_bytes());
    let (code, text) = server.hook(Some("dev"), &input, &[]);
    assert_eq!(code, Some(1), "{}", &text[..text.len().min(2000)]);
    let mut decisions = server.decisions();
    assert_eq!(decisions.len(), 1);
    let record = &mut decisions[0];
    assert_eq!((&record["updates_total"], &record["decision"]), (&json!(2_401), &json!("refused")));
    assert!(text.contains(record["id"].as_str().unwrap()));
    let updates = record["updates"].as_array_mut().unwrap();
    assert!(updates.len() > 100);
    // The schema says as much of a few.
    updates.truncate(3);
    valid(&schema("decision"), record);
    assert_eq!(log(&server, &["verify"]).0, Some(0));
}

#[test]
fn a_decision_that_is_not_in_the_log_has_no_id() {
    let server = Server::new(GUARD);
    let json = [("GIT_PUSH_OPTION_COUNT", "1"), ("GIT_PUSH_OPTION_0", "refwarden=json")];
    assert_eq!(judged(&server, &[]).0, Some(0));
    let held = fs::File::open(server.dir.join("refwarden/decisions.jsonl.lock")).unwrap();
    held.lock_shared().unwrap();
    server.policy(&format!("{HEAD}budget = {{ time = \"10ms\" }}\n{GUARD}"));
    let (code, text) = judged(&server, &json);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("cannot lock the decision log") && text.contains("this decision is not in the log"), "{text}");
    assert!(text.contains(r#""id":null"#) && !text.contains("; decision "), "{text}");
    drop(held);
    server.policy("version = 1\n");
    let (code, text) = judged(&server, &[]);
    assert!(code == Some(2) && text.contains("; decision 01") || text.contains("; decision 0"), "{text}");
    let id = server.decisions().last().unwrap()["id"].as_str().unwrap().to_owned();
    assert!(text.contains(&id), "{text}");
    server.policy(&format!("{HEAD}decision_log = {{ path = \"/dev/full\" }}\n{GUARD}"));
    let (code, text) = judged(&server, &json);
    assert!(code == Some(2) && text.contains(r#""id":null"#), "{text}");
}

// Places that cannot hold a log.

#[test]
fn a_device_is_no_log() {
    let log = DecisionLog::new("/dev/full");
    assert!(log.append(&id(), &body("alice")).unwrap_err().to_string().contains("`/dev/full` is not a regular file"));
    assert!(!Path::new("/dev/full.lock").exists());
}

#[test]
fn a_directory_is_no_log() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.path()).unwrap();
    assert!(fixture.refused().to_string().contains("not a regular file"));
}

#[test]
fn unwritable_places_refuse_and_name_themselves() {
    let fixture = Fixture::with(1);
    for path in ["/proc/refwarden/decisions.jsonl".into(), fixture.path().join("below/decisions.jsonl"), PathBuf::from("/")] {
        let error = DecisionLog::new(&path).append(&id(), &body("alice")).unwrap_err();
        assert!(error.to_string().contains('`') && !error.help().is_empty(), "{error}");
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_symbolic_link_is_refused() {
        let fixture = Fixture::new();
        let target = fixture.dir.path().join("target");
        symlink(&target, fixture.path()).unwrap();
        assert!(fixture.refused().to_string().contains("is a symbolic link"));
        assert!(!target.exists());
        fs::write(&target, "precious").unwrap();
        assert!(fixture.refused().to_string().contains("is a symbolic link"));
        assert!(verify(fixture.path(), None).is_err());
        assert_eq!(fs::read(&target).unwrap(), b"precious");
    }

    #[test]
    fn a_symbolic_link_as_lock_is_refused() {
        let fixture = Fixture::new();
        let target = fixture.dir.path().join("target");
        symlink(&target, fixture.dir.path().join("decisions.jsonl.lock")).unwrap();
        assert!(fixture.refused().to_string().contains("cannot lock"));
        assert!(!target.exists());
    }

    #[test]
    fn a_read_only_directory_refuses() {
        let fixture = Fixture::new();
        let dir = fixture.dir.path().join("log");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
        // Permissions do not stop root.
        if !rustix::process::geteuid().is_root() {
            let error = DecisionLog::new(dir.join("decisions.jsonl")).append(&id(), &body("alice")).unwrap_err();
            assert!(error.help().contains("core.sharedRepository"), "{error}");
        }
    }

    #[test]
    fn files_are_as_shared_as_the_repository() {
        for (sharing, file, dir) in [
            (Sharing::Group, 0o660, 0o2770),
            (Sharing::Everybody, 0o664, 0o2775),
            (Sharing::Exactly(0o640), 0o640, 0o2750),
            (Sharing::Exactly(0o600), 0o600, 0o700),
        ] {
            let fixture = Fixture::new();
            let path = fixture.dir.path().join("log/decisions.jsonl");
            let log = DecisionLog { sharing, rotate: Some(1), ..DecisionLog::new(&path) };
            (0..2).for_each(|_| log.append(&id(), &body("alice")).unwrap());
            for name in ["decisions.jsonl", "decisions.jsonl.lock", "decisions.000001.jsonl"] {
                let mode = mode(&path.with_file_name(name));
                match sharing {
                    Sharing::Exactly(_) => assert_eq!(mode, file, "{name}"),
                    _ => assert_eq!(mode & file, file, "{name}"),
                }
            }
            let mode = mode(path.parent().unwrap());
            match sharing {
                Sharing::Exactly(_) => assert_eq!(mode, dir),
                _ => assert_eq!(mode & dir, dir),
            }
        }
    }

    /// The first push may be root's, and every later one the repository's account's.
    #[test]
    fn what_root_creates_belongs_to_the_repository() {
        use std::os::unix::fs::MetadataExt;
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let server = Server::new(GUARD);
        // git itself works in no repository of another account.
        let line = line(&server);
        std::os::unix::fs::chown(&server.dir, Some(12_345), Some(54_321)).unwrap();
        server.policy(&format!("{HEAD}decision_log = {{ path = \"a/b/log.jsonl\", rotate = 1 }}\n{GUARD}"));
        for _ in 0..2 {
            let (code, text) = server.hook(Some("dev"), line.as_bytes(), &[]);
            assert_eq!(code, Some(0), "{text}");
        }
        for name in
            ["a", "a/b", "a/b/log.jsonl", "a/b/log.jsonl.lock", "a/b/log.000001.jsonl", "refwarden", "refwarden/log-places"]
        {
            let metadata = fs::metadata(server.dir.join(name)).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (12_345, 54_321), "{name}");
        }
    }

    #[test]
    fn by_default_the_umask_decides() {
        let fixture = Fixture::with(1);
        let plain = fixture.dir.path().join("plain");
        fs::write(&plain, "").unwrap();
        assert_eq!(mode(fixture.path()), mode(&plain));
    }

    #[test]
    fn sharing_is_what_git_makes_of_it() {
        for value in
            ["umask", "false", "group", "true", "all", "world", "everybody", "0", "1", "2", "0640", "0660", "0666", "0600"]
        {
            let dir = tempfile::tempdir().unwrap();
            let git = |arguments: &[&str]| {
                let output = Command::new("git")
                    .args(arguments)
                    .current_dir(dir.path())
                    .env("HOME", dir.path())
                    .env("GIT_CONFIG_NOSYSTEM", "1")
                    .output()
                    .unwrap();
                assert!(output.status.success(), "{value}: {output:?}");
            };
            git(&["init", "--quiet", "--bare", "--template=", &format!("--shared={value}"), "repo.git"]);
            let repo = dir.path().join("repo.git");
            let log =
                DecisionLog { sharing: Sharing::parse(value).unwrap(), ..DecisionLog::new(repo.join("log/decisions.jsonl")) };
            log.append(&id(), &body("alice")).unwrap();
            assert_eq!(mode(&log.path), mode(&repo.join("HEAD")), "{value}");
            assert_eq!(mode(&repo.join("log")), mode(&repo.join("refs")), "{value}");
        }
    }
}

#[test]
fn sharing_values_git_refuses_are_refused() {
    for value in ["nobody", "0400", "0060", "-1", "+0660", "0o660", "0680", "GROUP", "99999999999999", " group", "0x1b0"] {
        assert_eq!(Sharing::parse(value), None, "{value}");
    }
    assert_eq!(Sharing::parse("0777"), Some(Sharing::Exactly(0o666)));
    assert_eq!(Sharing::parse("TRUE"), Some(Sharing::Group));
    assert_eq!(Sharing::parse("off"), Some(Sharing::Umask));
}

// Counting.

fn counts(list: &[refwarden::receive::decision_log::Count]) -> Value {
    list.iter().map(|count| json!([count.name, count.count])).collect()
}

#[test]
fn stats_count_decisions_rules_actors_and_time() {
    let fixture = Fixture::new();
    for number in 1..=100 {
        let (actor, decision, outcome) = match number {
            1 => (json!({ "bytes_hex": "ff" }), "refused", "violated"),
            2 => (Value::Null, "undecided", "failed"),
            _ => (json!("alice"), "accepted", "passed"),
        };
        let rule = if number == 3 { json!({ "bytes_hex": "fe" }) } else { json!("signed") };
        let record = json!({
            "actor": actor, "decision": decision, "evaluations": [{ "rule": rule, "outcome": outcome }],
            "work": { "commits": 1, "milliseconds": f64::from(number) / 2.0 },
        });
        fixture.log.append(&id(), &map(record)).unwrap();
    }
    fixture.log.append(&id(), &map(json!({ "decision": 7, "evaluations": "none", "work": [] }))).unwrap();
    fixture.write([&fixture.bytes(), &b"no record\nneither\n"[..]].concat());
    let Stats { records, unreadable, decisions, rules, actors, milliseconds, .. } = stats(fixture.path()).unwrap();
    assert_eq!((records, unreadable), (101, 2));
    assert_eq!(counts(&decisions), json!([["7", 1], ["accepted", 98], ["refused", 1], ["undecided", 1]]));
    assert_eq!(counts(&actors), json!([[null, 2], ["alice", 98], [{ "bytes_hex": "ff" }, 1]]));
    assert_eq!(rules[0].rule, Name::Text("signed".to_owned()));
    assert_eq!(rules[0].evaluations, 99);
    assert_eq!(counts(&rules[0].outcomes), json!([["failed", 1], ["passed", 97], ["violated", 1]]));
    assert_eq!(rules[1].rule, Name::Bytes("fe".to_owned()));
    assert_eq!(json!(milliseconds), json!({ "count": 100, "p50": 25.0, "p99": 49.5, "max": 50.0 }));
}

#[test]
fn reports_are_json() {
    let fixture = Fixture::with(1);
    let report = serde_json::to_value(fixture.verify()).unwrap();
    assert_eq!(report["version"], json!(1));
    assert_eq!(report["broken"], Value::Null);
    assert_eq!(serde_json::to_value(stats(fixture.path()).unwrap()).unwrap()["milliseconds"], Value::Null);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_body_is_chained(bodies in prop::collection::vec((any::<String>(), any::<String>(), any::<f64>()), 1..6)) {
        let fixture = Fixture::new();
        for (key, text, number) in &bodies {
            let record = map(json!({ "actor": text, "x": { key: text, "hash": text, "n": number }, "y": format!(",\"hash\":\"{text}") }));
            fixture.log.append(&id(), &record).unwrap();
        }
        fixture.whole(bodies.len() as u64);
        let actors: Vec<_> = bodies.into_iter().map(|(_, text, _)| text).collect();
        prop_assert_eq!(fixture.actors(), actors);
    }

    #[test]
    fn any_bytes_as_log_neither_panic_nor_pass_for_records(
        noise in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
        good in 0usize..3,
    ) {
        let fixture = Fixture::with(good);
        let before = if good == 0 { Vec::new() } else { fixture.bytes() };
        fixture.write([&before, &noise[..]].concat());
        let report = fixture.verify();
        prop_assert!(report.records <= good as u64);
        let _ = stats(fixture.path()).unwrap();
        // What can be appended to was whole, and is whole afterwards.
        let appended = fixture.log.append(&id(), &body("after")).is_ok();
        if appended {
            prop_assert!(report.is_whole() && fixture.verify().is_whole());
        } else {
            prop_assert!(!report.is_whole());
        }
    }
}
