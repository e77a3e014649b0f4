//! Each shipped policy does what it says, by real pushes: what it forbids is refused, what it is for goes through.

use std::fs;
use std::path::PathBuf;

use crate::support::{Server, Work};

/// A server with the shipped policy and one commit on main.
fn shipped(name: &str) -> (Server, Work) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("policies/{name}.toml"));
    let server = Server::new("");
    server.git(["config", "receive.denyDeleteCurrent", "ignore"]);
    server.policy(&fs::read_to_string(path).unwrap());
    let work = server.with_main(&[
        ("README", "1"),
        (".github/workflows/ci.yml", "1"),
        ("services/payments/a", "1"),
        ("platform/a", "1"),
    ]);
    (server, work)
}

#[test]
fn minimal() {
    let (_server, work) = shipped("minimal");
    work.commit("more", &[("README", "2")]);
    work.push("dev", &["main"]).accept();
    work.git(["commit", "--quiet", "--amend", "--message", "rewritten"]);
    work.push("dev", &["--force", "main"]).refuse("non_fast_forward");
    work.push("dev", &[":main"]).refuse("deletion");
    work.push("dev", &["HEAD:refs/heads/topic"]).accept();
    work.push("dev", &[":topic"]).accept();
}

#[test]
fn agents() {
    let (_server, work) = shipped("agents");
    work.commit("more", &[("README", "2")]);
    work.push("claude-1", &["main"]).refuse("update");
    work.push("claude-1", &["HEAD:refs/heads/other"]).refuse("creation");
    work.push("renovate[bot]", &["HEAD:refs/tags/v1"]).refuse("creation");
    work.push("claude-1", &["HEAD:refs/heads/agent/more"]).accept();
    work.push("dev", &["main"]).accept();
    let clean = work.id("HEAD");
    for path in [".github/workflows/ci.yml", ".gitlab-ci.yml", "docs/CODEOWNERS", "CODEOWNERS"] {
        work.git(["reset", "--quiet", "--hard", &clean]);
        work.commit("control", &[(path, "2")]);
        work.push("claude-1", &["--force", "HEAD:refs/heads/agent/more"]).refuse("file_path_restriction");
        work.push("dev", &[&format!("HEAD:refs/heads/topic/{}", path.len())]).accept();
    }
    work.git(["reset", "--quiet", "--hard", &clean]);
    let files: Vec<String> = (0..201).map(|number| format!("f{number}")).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|name| (name.as_str(), "x")).collect();
    work.commit("a lot", &files);
    work.push("claude-1", &["HEAD:refs/heads/agent/lot"]).refuse("max_changed_paths");
    work.push("claude-1", &[":agent/more"]).accept();
}

#[test]
fn release() {
    let (_server, work) = shipped("release");
    work.push("dev", &["HEAD:refs/heads/release/1"]).refuse("creation");
    work.push("release-bot", &["HEAD:refs/heads/release/1"]).accept();
    work.commit("fix", &[("README", "2")]);
    work.push("dev", &["HEAD:refs/heads/release/1"]).refuse("update");
    work.push("lead", &["HEAD:refs/heads/release/1"]).accept();
    work.push("lead", &["--force", "HEAD~1:refs/heads/release/1"]).refuse("non_fast_forward");
    work.push("lead", &[":release/1"]).refuse("deletion");
    work.git(["tag", "--annotate", "--message", "one", "v1.0.0"]);
    work.git(["tag", "v1.0.1"]);
    work.git(["tag", "--annotate", "--message", "odd", "one-version"]);
    work.git(["tag", "--annotate", "--message", "odd", "vone"]);
    work.push("dev", &["v1.0.0"]).refuse("creation");
    work.push("release-bot", &["v1.0.1"]).refuse("annotated_tags");
    work.push("release-bot", &["vone"]).refuse("tag_name_pattern");
    work.push("release-bot", &["v1.0.0"]).accept();
    work.push("dev", &["one-version"]).accept();
    work.git(["tag", "--force", "--annotate", "--message", "moved", "v1.0.0", "HEAD~1"]);
    work.push("release-bot", &["--force", "v1.0.0"]).refuse("update");
    work.push("release-bot", &[":refs/tags/v1.0.0"]).refuse("deletion");
}

#[test]
fn monorepo() {
    let (_server, work) = shipped("monorepo");
    let base = work.id("HEAD");
    work.commit("platform", &[("platform/a", "2")]);
    work.push("payments-lead", &["main"]).refuse("file_path_restriction");
    work.push("platform-lead", &["main"]).accept();
    work.commit("payments", &[("services/payments/a", "2")]);
    work.push("platform-lead", &["main"]).refuse("file_path_restriction");
    work.push("payments-lead", &["main"]).accept();
    work.commit("other", &[("services/other/a", "2")]);
    work.push("dev", &["main"]).accept();
    let big = "x".repeat(10 * 1_048_576 + 1);
    work.commit("big", &[("big.txt", &big)]);
    work.push("platform-lead", &["HEAD:refs/heads/big"]).refuse("max_file_size");
    work.git(["reset", "--quiet", "--hard", &base]);
    work.commit("jar", &[("lib/x.JAR", "x")]);
    work.push("platform-lead", &["HEAD:refs/heads/jar"]).refuse("file_extension_restriction");
    work.git(["reset", "--quiet", "--hard", &base]);
    work.commit("long", &[(&format!("{}/b", "a".repeat(199)), "x")]);
    work.push("dev", &["HEAD:refs/heads/long"]).refuse("max_file_path_length");
    work.git(["reset", "--quiet", "--hard", &base]);
    work.commit("short", &[(&format!("{}/b", "a".repeat(198)), &big[1..])]);
    work.push("dev", &["HEAD:refs/heads/short"]).accept();
}
