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

/// Whether there is a chained hook must be known: its veto counts.
#[test]
fn a_chained_hook_that_cannot_be_looked_for_refuses() {
    let server = Server::new("");
    let work = server.with_main(&[("a", "1")]);
    let line = format!("{} {} refs/heads/topic\n", server.null(), work.id("HEAD"));
    assert_eq!(server.hook(Some("dev"), line.as_bytes(), &[]).0, Some(0));
    // A file in the place of the folder: the same question has no answer.
    std::fs::remove_dir_all(server.dir.join("hooks")).unwrap();
    std::fs::write(server.dir.join("hooks"), "").unwrap();
    let mut hook = crate::support::clean(crate::support::HOOK, server.folder.path());
    let input = server.folder.path().join("input");
    std::fs::write(&input, line).unwrap();
    hook.current_dir(&server.dir).env("GIT_DIR", ".").env("REFWARDEN_ACTOR", "dev").stdin(std::fs::File::open(input).unwrap());
    let output = hook.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot look for the chained hook"));
}

/// What merging the default branch brings is not counted, and does not hide what is.
#[test]
fn excused_changes_do_not_hide_others_from_the_count() {
    let server = Server::new(
        r#"
[[ruleset]]
name = "small"
target = "branch"
refs = ["main", "release/*"]
actors = ["dev"]
[ruleset.rules]
max_changed_paths = { max_changed_paths = 3 }
"#,
    );
    let work = server.with_main(&[("base", "1")]);
    work.git(["branch", "release/1"]);
    work.force("release/1");
    let many: Vec<String> = (0..20).map(|number| format!("a{number:02}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "1")).collect();
    work.commit("on main", &many);
    work.force("main");
    work.git(["checkout", "--quiet", "release/1"]);
    work.git(["merge", "--quiet", "--no-ff", "--message", "merge main", "main"]);
    work.push("dev", &["release/1"]).accept();
    // A rewrite to main takes away four files of the branch's own. No commit enters, and the excused paths come first.
    work.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    work.commit("own", &[("z1", "1"), ("z2", "1"), ("z3", "1"), ("z4", "1")]);
    work.force("release/1");
    work.push("dev", &["--force", "main:release/1"]).refuse("max_changed_paths");
    // Three are allowed.
    work.git(["rm", "--quiet", "z4"]);
    work.commit("one less", &[]);
    work.force("release/1");
    work.push("dev", &["--force", "main:release/1"]).accept();
}
