//! A first import in steps: open for one actor and a time, and for nothing else.

use std::fs;

use crate::cli::{Ran, run};
use crate::support::{Server, Storage};

const POLICY: &str = r#"version = 1
[server]
identity = "ssh"
import = ["importer", "other"]
[[ruleset]]
name = "all"
target = "branch"
refs = ["~ALL"]
[ruleset.rules]
creation = true
update = true
deletion = true
[[ruleset]]
name = "tags"
target = "tag"
refs = ["~ALL"]
[ruleset.rules]
creation = true
"#;

impl Server {
    fn import(&self, command: &str, options: &[&str]) -> Ran {
        let mut arguments = vec!["import", command, self.dir.to_str().unwrap()];
        arguments.extend(options);
        run(self.folder.path(), &arguments)
    }
}

fn in_steps(storage: Storage) {
    let server = Server::stored("", storage);
    server.policy(POLICY);
    // Made with a README: it has a ref already.
    let work = server.with_main(&[("README", "1")]);
    work.commit("second", &[("a", "1")]);
    work.git(["branch", "topic"]);
    work.git(["tag", "v1"]);
    let pushed = work.push("importer", &["--all"]);
    pushed.refuse("creation");
    assert!(pushed.output.contains("refwarden import open DIR --actor importer"), "{}", pushed.output);
    assert!(!work.push("dev", &["--all"]).output.contains("import open"));

    server.import("status", &[]).is(0).says("closed");
    server.import("open", &["--actor", "dev"]).fails("does not let `dev` import");
    server.import("open", &["--actor", ""]).fails("the pusher's name `` is empty");
    server.import("open", &["--actor", "importer", "--for", "30m"]).is(0).says("are not judged until");
    server.import("open", &["--actor", "other"]).fails("an import is open already, for `importer`");
    server.import("status", &[]).is(1).says("open for `importer`");
    // Nobody else's pushes, and nothing that may not be pushed at all.
    work.push("dev", &["--all"]).refuse("creation");
    work.push("other", &["--all"]).refuse("creation");
    work.push("importer", &["HEAD:refs/odd/x"]).refuse("allowed_refs");
    work.push("importer", &["--all"]).accept();
    assert_eq!(server.decisions().pop().unwrap()["import"], true);
    work.push("importer", &["--tags"]).accept();
    assert_eq!(server.value("refs/tags/v1"), server.value("refs/heads/topic"));

    server.import("close", &[]).is(0).says("every push is judged");
    server.import("close", &[]).is(0).says("no import is open");
    work.push("importer", &["HEAD:refs/heads/late"]).refuse("creation");

    let schema = crate::schemas::schema("decision");
    let decisions = server.decisions();
    decisions.iter().for_each(|decision| crate::schemas::valid(&schema, decision));
    let events: Vec<_> = decisions.iter().filter_map(|decision| decision["event"]["what"].as_str()).collect();
    assert_eq!(events, ["import_opened", "import_closed"]);
    let log = |command: &str| run(server.folder.path(), &["log", command, "--repo", server.dir.to_str().unwrap()]).is(0);
    log("verify").says("whole");
    log("show")
        .says("import opened for importer by uid")
        .says("import closed for importer")
        .says("part of an import: not judged");
    assert!(!log("stats").out.lines().any(|line| line.trim_start().starts_with("- ")), "{}", log("stats").out);
}

#[test]
fn in_steps_sha1_files() {
    in_steps(Storage { sha256: false, reftable: false });
}

#[test]
fn in_steps_sha256_files() {
    in_steps(Storage { sha256: true, reftable: false });
}

#[test]
fn in_steps_sha1_reftable() {
    in_steps(Storage { sha256: false, reftable: true });
}

#[test]
fn in_steps_sha256_reftable() {
    in_steps(Storage { sha256: true, reftable: true });
}

#[test]
fn a_state_that_cannot_be_read_refuses_and_closing_mends_it() {
    let server = Server::new("");
    server.policy(POLICY);
    let work = server.with_main(&[("README", "1")]);
    server.import("open", &["--actor", "importer"]).is(0);
    let state = server.at("refwarden/import.json");
    let open = fs::read_to_string(&state).unwrap();
    work.push("importer", &["HEAD:refs/heads/a0"]).accept();
    let broken = [
        String::new(),
        open[..open.len() / 2].to_owned(),
        open.replace("\"version\":1", "\"version\":2"),
        open.replace("\"actor\"", "\"actors\""),
        open.replace("server.git", "another.git"),
        open.replacen('Z', "", 1),
        format!("{open}{open}"),
    ];
    for (index, text) in broken.iter().enumerate() {
        assert_ne!(*text, open);
        fs::write(&state, text).unwrap();
        let name = format!("HEAD:refs/heads/b{index}");
        work.push("importer", &[&name]).undecided("cannot read whether an import is open");
        // Nobody whom it could let through, nobody whom it stops.
        work.push("dev", &[&name]).refuse("creation");
    }
    fs::remove_file(&state).unwrap();
    std::os::unix::fs::symlink("/nowhere", &state).unwrap();
    work.push("importer", &["HEAD:refs/heads/c"]).undecided("cannot read whether an import is open");
    server.import("open", &["--actor", "importer"]).fails("cannot read whether an import is open");
    server.import("close", &[]).is(0);
    work.push("importer", &["HEAD:refs/heads/c"]).refuse("creation");
    server.import("open", &["--actor", "importer"]).is(0);
    work.push("importer", &["HEAD:refs/heads/c"]).accept();

    // Over, or not begun: closed.
    for (opened, until) in [("2020-01-01T00:00:00Z", "2020-01-01T02:00:00Z"), ("2999-01-01T00:00:00Z", "2999-01-02T00:00:00Z")] {
        let mut value: serde_json::Value = serde_json::from_str(&open).unwrap();
        (value["opened"], value["until"]) = (opened.into(), until.into());
        fs::write(&state, value.to_string()).unwrap();
        work.push("importer", &["HEAD:refs/heads/d"]).refuse("creation");
        server.import("status", &[]).is(0).says("closed; ");
    }
    // The policy has the last word.
    fs::write(&state, &open).unwrap();
    work.push("importer", &["HEAD:refs/heads/d"]).accept();
    server.policy(&POLICY.replace("\"importer\", ", ""));
    work.push("importer", &["HEAD:refs/heads/e"]).refuse("creation");
}

#[test]
fn times_are_bounded() {
    let server = Server::new("");
    server.policy(POLICY);
    for time in ["0m", "8d", "h", "2", "-1h", "2w", "1h30m", "99999999999999999999d"] {
        server.import("open", &["--actor", "importer", &format!("--for={time}")]).is(2);
        assert!(!server.at("refwarden/import.json").exists());
    }
    server.import("open", &["--actor", "importer", "--for=7d"]).is(0);
}

/// A policy that lives in the repository is not replaced by an import.
#[test]
fn an_import_does_not_change_the_policy_in_a_ref() {
    let server = Server::new("");
    let work = server.with_main(&[("policy.toml", POLICY)]);
    fs::remove_file(server.at("refwarden.toml")).unwrap();
    server.git(["config", "refwarden.policyRef", "refs/heads/main"]);
    server.git(["config", "refwarden.policyPath", "policy.toml"]);
    server.import("open", &["--actor", "importer"]).is(0);
    work.commit("other file", &[("a", "1")]);
    work.push("importer", &["main", "HEAD:refs/heads/topic"]).accept();
    work.commit("laxer", &[("policy.toml", "version = 1\n[server]\nidentity = \"ssh\"\n")]);
    work.push("importer", &["main"]).refuse("file_path_restriction");
    work.push("importer", &[":main"]).refuse("deletion");
}
