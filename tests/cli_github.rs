//! `refwarden github` and `refwarden report`, run as programs.

use std::fs;
use std::path::{Path, PathBuf};

use refwarden::report::json;
use serde_json::Value;

use crate::support::clean;

const PROGRAM: &str = env!("CARGO_BIN_EXE_refwarden");

/// What a command came to.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn is(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// Exit code 2, with this cause and some help, and nothing on standard output.
    #[track_caller]
    fn fails(self, cause: &str) {
        assert_eq!(self.code, Some(2), "{}{}", self.out, self.err);
        assert!(self.err.contains(cause) && self.err.contains("help: "), "`{cause}` and help:\n{}", self.err);
        assert_eq!(self.out, "");
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let output = clean(PROGRAM, folder).current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A folder with the results of the reports' fixtures.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["typical", "clean", "hostile"] {
        let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/reports/{name}.json"));
        fs::copy(from, folder.path().join(format!("{name}.json"))).unwrap();
    }
    folder
}

#[test]
fn a_report_goes_where_it_belongs() {
    let folder = folder();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let terminal = run(folder.path(), &["report", "typical.json"]).is(0).out;
    assert!(terminal.starts_with("critical branch-unprotected: ") && !terminal.contains('\x1b'), "{terminal}");
    let arguments = [
        "report",
        "typical.json",
        "--format",
        "json",
        "--out",
        "a.json",
        "--format",
        "sarif",
        "--out",
        "a.sarif",
        "--format",
        "junit",
        "--out",
        "a.xml",
        "--format",
        "markdown",
        "--out",
        "a.md",
        "--format",
        "issue",
        "--out",
        "-",
    ];
    let issue = run(folder.path(), &arguments).is(0).out;
    assert!(issue.starts_with("## Audit of `acme`\n"), "{issue}");
    assert_eq!(read("a.md"), issue);
    assert_eq!(json::parse(read("a.json").as_bytes()), json::parse(read("typical.json").as_bytes()));
    assert!(read("a.sarif").contains("\"2.1.0\"") && read("a.xml").starts_with("<?xml "));
    // What was there before is gone.
    fs::write(folder.path().join("a.md"), "x".repeat(100_000)).unwrap();
    run(folder.path(), &["report", "clean.json", "--format", "markdown", "--out", "a.md"]).is(0);
    assert!(read("a.md").len() < 1_000);
    // The last formats may do without a file, and then one of them has standard output.
    let out = run(folder.path(), &["report", "clean.json", "--format", "json", "--format", "junit", "--out", "b.json"]).is(0).out;
    assert!(out.starts_with("<?xml "), "{out}");
}

#[test]
fn a_report_that_cannot_be_is_refused_with_help() {
    let folder = folder();
    let report = |arguments: &[&str]| run(folder.path(), &[&["report", "typical.json"], arguments].concat());
    report(&["--format", "json", "--format", "sarif"]).fails("only one format can go to standard output");
    report(&["--out", "a", "--out", "b"]).fails("more `--out` than `--format`");
    report(&["--format", "json", "--out", "a", "--format", "junit", "--out", "a"]).fails("`a` is named twice");
    report(&["--out", "no/such/file"]).fails("cannot write `no/such/file`");
    run(folder.path(), &["report", "absent.json"]).fails("cannot read `absent.json`");
    fs::write(folder.path().join("bad.json"), "{\"version\": 2, \"kind\": \"audit\"}").unwrap();
    run(folder.path(), &["report", "bad.json"]).fails("it has the version 2, and this program reads version 1");
    fs::write(folder.path().join("bad.json"), "{\"version\": 1, \"kind\": \"audit\", \"\\u001b[31m\\u202e\": 1}").unwrap();
    let refused = run(folder.path(), &["report", "bad.json"]);
    assert!(!refused.err.contains(['\x1b', '\u{202e}']), "{}", refused.err);
    refused.fails("it is not what an audit writes");
}

#[test]
fn checks_are_explained() {
    let folder = folder();
    let list = run(folder.path(), &["github", "explain"]).is(0).out;
    assert_eq!(list.lines().count(), refwarden::audit::all().count());
    let one = run(folder.path(), &["github", "explain", "bypass-always"]).is(0).out;
    assert!(one.starts_with("bypass-always (high)\n\nSomeone may pass a ruleset on every push.\n"), "{one}");
    run(folder.path(), &["github", "explain", "bypass_allways"]).fails("no check is called `bypass_allways`");
    let json: Value = serde_json::from_str(&run(folder.path(), &["github", "explain", "--json"]).is(0).out).unwrap();
    assert_eq!(json["checks"].as_array().unwrap().len(), refwarden::audit::all().count());
    let schema = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/checks.schema.json");
    let schema = jsonschema::validator_for(&serde_json::from_slice(&fs::read(schema).unwrap()).unwrap()).unwrap();
    assert!(schema.is_valid(&json));
}

#[test]
fn nested_commands_have_manual_pages_and_completions() {
    let folder = folder();
    run(folder.path(), &["man", "--dir", "."]).is(0);
    let page = fs::read_to_string(folder.path().join("refwarden-github-explain.1")).unwrap();
    assert!(page.contains("List the checks, or explain one"), "{page}");
    for shell in ["bash", "zsh", "fish"] {
        let script = run(folder.path(), &["completions", shell]).is(0).out;
        assert!(script.contains("explain") && script.contains("github"), "{shell}");
    }
}

#[test]
fn a_policy_that_exempts_from_no_check_is_told() {
    let folder = folder();
    let policy = "version = 1\n[github]\nowner = \"acme\"\n[[exempt]]\ncheck = \"bypas-always\"\nreason = \"x\"\n";
    fs::write(folder.path().join("policy.toml"), policy).unwrap();
    let out = run(folder.path(), &["check", "policy.toml"]).is(0).out;
    assert!(out.contains("policy.toml:4:1: warning: no check is called `bypas-always` [unknown_check]"), "{out}");
    assert!(out.contains("help: did you mean `bypass-always`?"), "{out}");
}
