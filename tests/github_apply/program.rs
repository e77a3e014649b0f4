//! `refwarden github plan` and `apply`, run as programs beside the bed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use serde_json::{Value, json};

use super::{REVIEWED, acme};
use crate::support::clean;
use crate::support::github::{Bed, Entry, Permissions};

const PROGRAM: &str = env!("CARGO_BIN_EXE_refwarden");

/// A folder with a policy, a token, and a bed to go to.
pub(super) struct Desk<'a> {
    pub(super) folder: tempfile::TempDir,
    pub(super) bed: &'a Bed,
    token: String,
}

/// What a command came to.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Ran {
    #[track_caller]
    pub(super) fn is(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// Refused with this cause and some help.
    #[track_caller]
    pub(super) fn refuses(self, code: i32, cause: &str) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(self.err.contains(cause) && self.err.contains("help: "), "`{cause}` and help:\n{}{}", self.out, self.err);
    }
}

impl<'a> Desk<'a> {
    pub(super) fn new(bed: &'a Bed, policy: &str) -> Desk<'a> {
        Desk::with_token(bed, policy, bed.token().create())
    }

    pub(super) fn with_token(bed: &'a Bed, policy: &str, token: String) -> Desk<'a> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("policy.toml"), policy).unwrap();
        Desk { folder, bed, token }
    }

    /// A policy about `acme`, from its rulesets.
    pub(super) fn about_acme(bed: &'a Bed, github: &str, rulesets: &str) -> Desk<'a> {
        Desk::new(bed, &format!("version = 1\n[github]\nowner = \"acme\"\n{github}\n{rulesets}"))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = clean(PROGRAM, self.folder.path());
        command.current_dir(self.folder.path()).arg("github").args(arguments);
        command.env("GITHUB_TOKEN", &self.token).env("GITHUB_API_URL", self.bed.api_url());
        command
    }

    pub(super) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub(super) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Plans into `plan.json`.
    pub(super) fn plan(&self) -> Ran {
        self.run(&["plan", "--policy", "policy.toml", "--out", "plan.json"])
    }

    pub(super) fn apply(&self, more: &[&str]) -> Ran {
        self.run(&[&["apply", "plan.json", "--yes"], more].concat())
    }

    /// The newest run's folder, as it is named on the command line.
    pub(super) fn newest_run(&self) -> Option<String> {
        let entries = fs::read_dir(self.path("refwarden-backup")).ok()?;
        let mut runs: Vec<PathBuf> =
            entries.map(|entry| entry.unwrap().path()).filter(|run| run.join("plan.json").is_file()).collect();
        runs.sort();
        runs.pop().map(|run| run.display().to_string())
    }

    /// Takes the newest run back.
    pub(super) fn roll_back(&self) -> Ran {
        self.run(&["apply", "--rollback", &self.newest_run().expect("a run"), "--yes"])
    }

    /// Changes the plan's file.
    pub(super) fn edit(&self, change: impl FnOnce(&mut Value)) {
        let path = self.path("plan.json");
        let mut plan: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut plan);
        fs::write(path, plan.to_string()).unwrap();
    }

    /// Requests that change something.
    pub(super) fn writes(&self) -> Vec<Entry> {
        let is_write = |entry: &Entry| match &entry.request_body {
            Some(body) if entry.path.starts_with("/graphql") => {
                body["query"].as_str().is_some_and(|query| query.contains("mutation "))
            }
            _ => entry.method != "GET",
        };
        self.bed.requests().into_iter().filter(is_write).collect()
    }

    #[track_caller]
    pub(super) fn assert_nothing_written(&self) {
        let writes = self.writes();
        assert!(writes.is_empty(), "{writes:#?}");
    }
}

#[test]
fn plan_and_apply_and_back() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    let before = bed.settings();
    let planned = desk.plan().is(1).out;
    assert!(
        planned.contains("create ruleset `main is reviewed`") && planned.contains("1 change in 1 of 1 repository"),
        "{planned}"
    );
    desk.assert_nothing_written();
    let applied = desk.apply(&[]).is(0).out;
    assert!(applied.contains("1 made, and read back"), "{applied}");
    assert_eq!(desk.writes().len(), 1);
    let empty = desk.plan().is(0).out;
    assert!(empty.contains("nothing to change"), "{empty}");
    // An empty plan is carried out by doing nothing.
    desk.apply(&[]).is(0);
    assert_eq!(desk.writes().len(), 1);
    assert!(desk.roll_back().is(0).out.contains("1 taken back"));
    assert_eq!(bed.settings(), before);
    // There is nothing more to take back, and nothing to go on with.
    desk.roll_back().is(0);
    assert_eq!(bed.settings(), before);
}

#[test]
fn what_is_kept_is_private_and_has_no_token_in_it() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    desk.apply(&["--backup", "kept"]).is(0);
    let mut files = Vec::new();
    let mut folders = vec![desk.path("kept")];
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let mut names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["before.json", "journal.jsonl", "lock", "plan.json"]);
    for file in files.into_iter().chain([desk.path("plan.json")]) {
        assert!(file == desk.path("plan.json") || mode(&file) == 0o600, "{}", file.display());
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&desk.token) && !text.contains("github_pat_"), "{}", file.display());
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn two_at_once_and_one_that_stopped() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    let before = bed.settings();
    desk.plan().is(1);
    let (told, hears) = mpsc::channel();
    bed.watch(move |moment| {
        let is_stopped = moment.is_write() && moment.is_handled;
        if is_stopped {
            told.send(()).unwrap();
        }
        !is_stopped
    });
    let mut first = desk.start(&["apply", "plan.json", "--yes"]);
    hears.recv().unwrap();
    bed.unwatched().forget_requests();
    // While it is at work.
    desk.apply(&[]).refuses(1, "another apply is at work");
    desk.run(&["apply", "--resume"]).refuses(1, "another apply is at work");
    desk.roll_back().refuses(1, "another apply is at work");
    first.kill().unwrap();
    first.wait().unwrap();
    // And once it is dead.
    desk.apply(&[]).refuses(1, "an earlier run stopped in the middle");
    desk.assert_nothing_written();
    // Another owner's run has nothing to do with it, nor has one elsewhere.
    assert!(desk.roll_back().is(0).out.contains("taken back"));
    assert_eq!(bed.settings(), before);
    desk.apply(&[]).is(0);
    desk.plan().is(0);
}

#[test]
fn a_rollback_that_could_not_be_ended_is_not_forgotten() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.plan().is(1);
    desk.apply(&[]).is(0);
    let run = fs::read_dir(desk.path("refwarden-backup")).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir());
    let run = run.unwrap();
    let stricter = REVIEWED.replace("required_approving_review_count = 2", "required_approving_review_count = 3");
    fs::write(desk.path("policy.toml"), format!("version = 1\n[github]\nowner = \"acme\"\n{stricter}")).unwrap();
    desk.plan().is(1);
    desk.apply(&[]).is(0);
    // The older run can't be taken back: what it made is something else by now.
    let back = desk.run(&["apply", "--yes", "--rollback", run.to_str().unwrap()]).is(1);
    assert!(back.out.contains("it was changed by someone else"), "{}", back.out);
    let api = bed.organization("acme").repository("api");
    api.delete_ruleset(api.ruleset_named("main is reviewed").unwrap());
    desk.plan().is(1);
    bed.forget_requests();
    desk.apply(&[]).refuses(1, "an earlier run stopped in the middle");
    desk.assert_nothing_written();
}

#[test]
fn exit_codes_of_what_cannot_be() {
    let bed = acme();
    let desk = Desk::about_acme(&bed, "", REVIEWED);
    desk.run(&["apply"]).is(2);
    desk.run(&["apply", "absent.json"]).refuses(2, "cannot read the plan");
    desk.run(&["apply", "--resume"]).refuses(2, "there is no run");
    desk.run(&["plan", "--policy", "absent.toml"]).is(2);
    fs::write(desk.path("plan.json"), "{}").unwrap();
    desk.apply(&[]).refuses(2, "is no plan that can be read");
    desk.plan().is(1);
    desk.edit(|plan| plan["version"] = json!(2));
    desk.apply(&[]).refuses(2, "this program knows version 1");
    let without = Desk::with_token(&bed, &fs::read_to_string(desk.path("policy.toml")).unwrap(), "github_pat_unknown".to_owned());
    without.plan().refuses(3, "Bad credentials");
    desk.assert_nothing_written();
    desk.plan().is(1);
    desk.apply(&[]).is(0);
}

#[test]
fn a_token_that_only_reads_plans_and_writes_nothing() {
    let bed = acme();
    let acme = bed.organization("acme");
    let web = acme.repository("web");
    web.ruleset(json!({ "name": "main is reviewed", "enforcement": "active", "rules": [{ "type": "deletion" }],
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } } }));
    let policy = format!("version = 1\n[github]\nowner = \"acme\"\n{REVIEWED}");
    let token = bed.token().permissions(Permissions::read_only()).create();
    let desk = Desk::with_token(&bed, &policy, token);
    let planned = desk.plan().is(1).out;
    // What is missing is certain; who passes what there is can't be seen.
    assert!(planned.contains("create ruleset `main is reviewed`"), "{planned}");
    assert!(planned.contains("could not be told, so nothing is written there"), "{planned}");
    assert!(planned.contains("administration=write"), "{planned}");
    desk.assert_nothing_written();
    let before = bed.settings();
    let refused = desk.apply(&[]);
    assert_ne!(refused.code, Some(0), "{}{}", refused.out, refused.err);
    assert!(format!("{}{}", refused.out, refused.err).contains("administration"), "{}{}", refused.out, refused.err);
    assert_eq!(bed.settings(), before);
    desk.roll_back().is(0);
    // The same with one that may.
    let other = Desk::new(&bed, &policy);
    other.plan().is(1);
    other.apply(&["--allow-weaken"]).is(0);
    other.plan().is(0);
}
