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
