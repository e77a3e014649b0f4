//! The main job: real pushes through the built hook.

use crate::support::{Server, Storage};

const MAIN: &str = r#"
[[ruleset]]
name = "main is safe"
target = "branch"
refs = ["~DEFAULT_BRANCH"]
bypass = [{ actor = "lead", reason = "maintains" }]
[ruleset.rules]
deletion = true
non_fast_forward = true
file_path_restriction = { restricted_file_paths = [".github/workflows/**/*"] }
"#;

fn ordinary_life(storage: Storage) {
    let server = Server::stored(MAIN, storage);
    let work = server.work();
    let first = work.commit("first", &[("README", "1")]);
    work.push("dev", &["main"]).accept();
    assert_eq!(server.value("refs/heads/main"), Some(first.clone()));

    let second = work.commit("second", &[(".github/workflows/ci.yml", "x")]);
    work.push("dev", &["main"]).refuse("file_path_restriction");
    work.push("dev", &["HEAD:refs/heads/topic"]).accept();
    // The same commit by way of a branch that nothing guards.
    work.push("dev", &["main"]).refuse("file_path_restriction");
    assert_eq!(server.value("refs/heads/main"), Some(first));
    work.push("lead", &["main"]).accept();
    assert_eq!(server.value("refs/heads/main"), Some(second));

    work.git(["commit", "--quiet", "--amend", "--message", "other"]);
    work.push("dev", &["--force", "main"]).refuse("non_fast_forward");
    work.push("dev", &[":main"]).refuse("deletion");
    work.push("dev", &[":topic"]).accept();
    work.push("", &["HEAD:refs/heads/other"]).undecided("REFWARDEN_ACTOR");

    let decisions: Vec<_> = server.decisions().iter().map(|line| line["decision"].as_str().unwrap().to_owned()).collect();
    let expected = ["accepted", "refused", "accepted", "refused", "accepted", "refused", "refused", "accepted", "undecided"];
    assert_eq!(decisions, expected);
}

#[test]
fn ordinary_life_sha1() {
    ordinary_life(Storage::default());
}

#[test]
fn ordinary_life_sha256() {
    ordinary_life(Storage { sha256: true, reftable: false });
}

#[test]
fn ordinary_life_reftable() {
    ordinary_life(Storage { sha256: false, reftable: true });
}

#[test]
fn ordinary_life_sha256_reftable() {
    ordinary_life(Storage { sha256: true, reftable: true });
}

#[test]
fn a_chained_hook_must_agree_and_cannot_run_in_circles() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::new("");
    let work = server.work();
    work.commit("first", &[("a", "1")]);
    let chained = server.dir.join("hooks/pre-receive.chained");
    let chain = |script: &str, mode| {
        std::fs::write(&chained, script).unwrap();
        std::fs::set_permissions(&chained, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    chain("#!/bin/sh\nread old new ref; test \"$ref\" != refs/heads/main\n", 0o755);
    let pushed = work.push("dev", &["main"]);
    assert!(!pushed.accepted && pushed.output.contains("refused by the chained hook, which exited with 1"), "{}", pushed.output);
    work.push("dev", &["HEAD:refs/heads/topic"]).accept();
    // It is not even asked about what is refused anyway.
    chain("#!/bin/sh\ntouch asked\n", 0o755);
    work.push("dev", &["HEAD:refs/odd/x"]).refuse("allowed_refs");
    assert!(!server.dir.join("asked").exists());
    chain("#!/bin/sh\nexit 0\n", 0o644);
    work.push("dev", &["main"]).undecided("cannot run the chained hook");
    chain("#!/bin/sh\nexec hooks/pre-receive\n", 0o755);
    work.push("dev", &["main"]).undecided("runs this hook again, without end");
    chain("#!/bin/sh\nexit 0\n", 0o755);
    work.push("dev", &["main"]).accept();
    let last = server.decisions().pop().unwrap();
    assert_eq!((last["decision"].as_str(), last["chained_hook"]["exit"].as_i64()), (Some("accepted"), Some(0)));
}

#[test]
fn who_may_import_fills_an_empty_repository_and_nothing_else() {
    let server = Server::new("");
    server.policy(
        r#"version = 1
[server]
identity = "ssh"
import = ["importer"]
[[ruleset]]
name = "all"
target = "branch"
refs = ["~ALL"]
[ruleset.rules]
creation = true
update = true
"#,
    );
    let work = server.work();
    work.commit("first", &[("a", "1")]);
    work.push("dev", &["main"]).refuse("creation");
    work.push("importer", &["main", "HEAD:refs/odd/x"]).refuse("allowed_refs");
    work.push("importer", &["main"]).accept();
    assert_eq!(server.decisions().pop().unwrap()["import"], serde_json::Value::Bool(true));
    work.push("importer", &["HEAD:refs/heads/topic"]).refuse("creation");
}

#[test]
fn excluding_the_default_branch_excludes_no_other_before_there_is_one() {
    let server = Server::new(
        r#"
[[ruleset]]
name = "all but the default"
target = "branch"
refs = { include = ["~ALL"], exclude = ["~DEFAULT_BRANCH"] }
[ruleset.rules]
file_path_restriction = { restricted_file_paths = ["secret/**/*"] }
"#,
    );
    let work = server.work();
    work.commit("first", &[("secret/a", "1")]);
    work.push("dev", &["main:refs/heads/release"]).refuse("file_path_restriction");
    work.push("dev", &["main"]).accept();
}

#[test]
fn a_release_is_compared_with_its_branch_and_not_with_the_release_before() {
    let server = Server::new(
        r#"
[[ruleset]]
name = "releases carry reviewed workflows"
target = "tag"
refs = ["v*"]
[ruleset.rules]
file_path_restriction = { restricted_file_paths = [".github/workflows/**/*"] }
"#,
    );
    let work = server.with_main(&[("a", "1")]);
    work.push("dev", &["HEAD:refs/tags/v1"]).accept();
    work.commit("reviewed", &[(".github/workflows/ci.yml", "1")]);
    work.force("main");
    work.push("dev", &["HEAD:refs/tags/v2"]).accept();
    work.commit("not reviewed", &[(".github/workflows/ci.yml", "2")]);
    work.push("dev", &["HEAD:refs/tags/v3"]).refuse("file_path_restriction");
    // Nor by way of a tag that is on no branch.
    work.push("dev", &["HEAD:refs/tags/other"]).accept();
    work.commit("on top", &[("a", "2")]);
    work.push("dev", &["HEAD:refs/tags/v3"]).refuse("file_path_restriction");
}
