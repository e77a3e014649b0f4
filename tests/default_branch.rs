//! What `HEAD` makes of the rules: told at once to who pushes, to the log, and to the administrator.

use std::fs;

use crate::support::{Server, Storage, clean};

const BY_NAME: &str =
    "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"~DEFAULT_BRANCH\"]\nrules.non_fast_forward = true\n";

fn every_storage() -> impl Iterator<Item = Storage> {
    [(false, false), (true, false), (false, true), (true, true)]
        .into_iter()
        .map(|(sha256, reftable)| Storage { sha256, reftable })
}

fn program(server: &Server, arguments: &[&str]) -> String {
    let mut command = clean(env!("CARGO_BIN_EXE_refwarden"), server.folder.path());
    let output = command.current_dir(server.folder.path()).args(arguments).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_first_push_that_leaves_head_without_a_branch_says_so_at_once() {
    for storage in every_storage() {
        let server = Server::stored(BY_NAME, storage);
        server.git(["symbolic-ref", "HEAD", "refs/heads/master"]);
        let work = server.work();
        work.commit("first", &[("a", "1")]);
        let first = work.push("dev", &["HEAD:refs/heads/main"]);
        first.accept();
        let said = first.remote();
        assert!(said.contains("notice: `HEAD` names `refs/heads/master`, which this push does not create"), "{said}");
        assert!(said.contains("git symbolic-ref HEAD refs/heads/main"), "{said}");
        let logged = server.decisions().pop().unwrap();
        assert!(logged["notice"].as_str().unwrap().contains("symbolic-ref HEAD refs/heads/main"), "{logged}");

        let shown = program(&server, &["log", "show", "--repo", server.dir.to_str().unwrap()]);
        assert!(shown.contains("notice: `HEAD` names"), "{shown}");

        // From now on it is refused, and no line of the policy is blamed.
        work.commit("second", &[("a", "2")]);
        let second = work.push("dev", &["HEAD:refs/heads/main"]);
        second.refuse("default_branch");
        let said = second.remote();
        assert!(said.contains("git symbolic-ref HEAD refs/heads/main") && !said.contains("refwarden.toml:"), "{said}");
        server.git(["symbolic-ref", "HEAD", "refs/heads/main"]);
        let third = work.push("dev", &["HEAD:refs/heads/main"]);
        third.accept();
        assert!(!third.remote().contains("notice"), "{}", third.output);
        assert!(server.decisions().pop().unwrap()["notice"].is_null());
    }
}

#[test]
fn a_first_push_of_the_branch_that_head_names_is_silent() {
    let server = Server::new(BY_NAME);
    let work = server.work();
    work.commit("first", &[("a", "1")]);
    let pushed = work.push("dev", &["main", "HEAD:refs/heads/topic"]);
    pushed.accept();
    assert!(!pushed.remote().contains("notice"), "{}", pushed.output);
    // Deleting it leaves HEAD without a branch again.
    server.git(["config", "receive.denyDeleteCurrent", "ignore"]);
    let deleted = work.push("dev", &[":main"]);
    deleted.accept();
    assert!(deleted.remote().contains("notice: `HEAD` names `refs/heads/main`, which this push deletes"), "{}", deleted.output);
}

/// The commit rules of a branch that is named literally, and a default branch that is only to be.
#[test]
fn no_rule_about_commits_is_entered_through_a_missing_default_branch() {
    for storage in every_storage() {
        for rule in [
            "commit_message_pattern = { operator = \"starts_with\", pattern = \"fix: \" }",
            "commit_author_email_pattern = { operator = \"ends_with\", pattern = \"@example.net\" }",
            "committer_email_pattern = { operator = \"ends_with\", pattern = \"@example.net\" }",
            "required_linear_history = true",
            "max_commits = { max_commits = 1 }",
            "max_changed_paths = { max_changed_paths = 1 }",
        ] {
            let ruleset = format!("[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"main\"]\n[ruleset.rules]\n{rule}\n");
            let server = Server::stored(&ruleset, storage);
            let work = server.with_main(&[("a", "1")]);
            server.git(["symbolic-ref", "HEAD", "refs/heads/master"]);
            work.git(["checkout", "--quiet", "-b", "side"]);
            work.commit("side", &[("b", "1"), ("c", "1")]);
            work.git(["checkout", "--quiet", "main"]);
            work.commit("more", &[("d", "1")]);
            work.git(["merge", "--quiet", "--no-ff", "--no-edit", "side"]);
            work.push("dev", &["HEAD:refs/heads/master"]).refuse("default_branch");
            work.push("dev", &["HEAD:refs/heads/topic"]).accept();
            let id = rule.split(' ').next().unwrap();
            work.push("dev", &["HEAD:refs/heads/main"]).refuse(id);
        }
    }
}

#[test]
fn a_rule_about_refs_alone_leaves_a_missing_default_branch_to_anyone() {
    let server = Server::new("[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"main\"]\nrules.deletion = true\n");
    let work = server.with_main(&[("a", "1")]);
    server.git(["symbolic-ref", "HEAD", "refs/heads/master"]);
    work.push("dev", &["HEAD:refs/heads/master"]).accept();
}

/// What is the default branch once it exists is judged like any other creation where the rule binds there.
#[test]
fn a_missing_default_branch_where_every_rule_about_commits_binds_is_created_by_anyone() {
    let server = Server::new(MESSAGES);
    let work = server.work();
    work.commit("fix: it", &[("a", "1")]);
    work.push("dev", &["HEAD:refs/heads/topic"]).accept();
    work.git(["commit", "--quiet", "--amend", "--message", "anything"]);
    work.push("dev", &["HEAD:refs/heads/main"]).refuse("commit_message_pattern");
    work.git(["commit", "--quiet", "--amend", "--message", "fix: it again"]);
    work.push("dev", &["HEAD:refs/heads/main"]).accept();
}

/// The command is meant to be copied into a shell.
#[test]
fn a_name_that_a_shell_reads_is_not_proposed() {
    let server = Server::new(BY_NAME);
    server.git(["symbolic-ref", "HEAD", "refs/heads/master"]);
    let work = server.work();
    work.commit("first", &[("a", "1")]);
    let pushed = work.push("dev", &["HEAD:refs/heads/x;id"]);
    pushed.accept();
    assert!(pushed.remote().contains("symbolic-ref HEAD refs/heads/<branch>"), "{}", pushed.output);
    work.push("dev", &["HEAD:refs/heads/y"]).undecided("symbolic-ref HEAD refs/heads/<branch>");
}

const MESSAGES: &str = "[[ruleset]]\nname = \"messages\"\ntarget = \"branch\"\nrefs = [\"main\"]\n\
    rules.commit_message_pattern = { operator = \"starts_with\", pattern = \"fix: \" }\n";

#[test]
fn install_and_explain_tell_of_head() {
    for storage in every_storage() {
        let server = Server::stored(MESSAGES, storage);
        let work = server.with_main(&[("a", "1")]);
        let dir = server.dir.to_str().unwrap();
        fs::remove_file(server.dir.join("hooks/pre-receive")).unwrap();
        let install = || program(&server, &["install", "--dry-run", dir]);
        let explain = || program(&server, &["explain", "--repo", dir, "--actor", "dev", "refs/heads/x", "0", "main"]);
        for said in [install(), explain()] {
            assert!(!said.contains("HEAD") && !said.contains("default branch"), "{said}");
        }

        server.git(["symbolic-ref", "HEAD", "refs/heads/master"]);
        for said in [install(), explain()] {
            assert!(said.contains("`HEAD` names `refs/heads/master`, which does not exist"), "{said}");
            assert!(said.contains("symbolic-ref HEAD refs/heads/main"), "{said}");
        }

        work.force("HEAD:refs/heads/master");
        let uncovered = "the default branch is `refs/heads/master`, where ruleset `messages` does not judge by \
                         `commit_message_pattern`";
        for said in [install(), explain()] {
            assert!(said.contains(uncovered), "{said}");
        }
        work.commit("fix: it", &[]);
        let pushed = work.push_with(&["HEAD:refs/heads/main"], &[("REFWARDEN_ACTOR", "dev")]);
        pushed.accept();
    }
}

#[test]
fn the_log_tells_of_a_default_branch_that_nothing_covers_and_of_a_work_tree() {
    let server = Server::new(MESSAGES);
    let work = server.with_main(&[("a", "1")]);
    work.commit("fix: it", &[]);
    work.push("dev", &["main"]).accept();
    assert!(server.decisions().pop().unwrap()["notice"].is_null());
    work.force("HEAD:refs/heads/master");
    server.git(["symbolic-ref", "HEAD", "refs/heads/master"]);
    work.commit("fix: more", &[]);
    let pushed = work.push("dev", &["main"]);
    pushed.accept();
    assert!(!pushed.remote().contains("notice"), "it is for the administrator:\n{}", pushed.output);
    let notice = server.decisions().pop().unwrap()["notice"].to_string();
    assert!(notice.contains("ruleset `messages` does not judge by `commit_message_pattern`"), "{notice}");

    server.git(["symbolic-ref", "HEAD", "refs/heads/main"]);
    server.git(["config", "core.bare", "false"]);
    server.git(["config", "receive.denyCurrentBranch", "ignore"]);
    work.commit("fix: again", &[]);
    work.push("dev", &["main"]).accept();
    let notice = server.decisions().pop().unwrap()["notice"].to_string();
    assert!(notice.contains("a checkout there moves `HEAD`"), "{notice}");
    let said = program(&server, &["install", "--dry-run", server.dir.to_str().unwrap()]);
    assert!(said.contains("a checkout there moves `HEAD`"), "{said}");
}

#[test]
fn install_warns_of_patterns_that_match_little() {
    let server = Server::new(
        "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"*\"]\n\
         rules.file_path_restriction = { restricted_file_paths = [\"infra\", \"*.pem\", \"Dockerfile\"] }\n",
    );
    fs::remove_file(server.dir.join("hooks/pre-receive")).unwrap();
    let said = program(&server, &["install", "--dry-run", server.dir.to_str().unwrap()]);
    for offer in ["add `**/*`", "`infra/**/*` or `**/infra`", "`**/*.pem`", "`**/Dockerfile`"] {
        assert!(said.contains(offer), "{offer}:\n{said}");
    }
    let policy = server.dir.join("refwarden.toml");
    let strict = |policy: &std::path::Path| {
        let mut check = clean(env!("CARGO_BIN_EXE_refwarden"), server.folder.path());
        check.args(["check", "--strict"]).arg(policy).output().unwrap().status.code()
    };
    assert_eq!(strict(&policy), Some(1));
    server.policy(
        "version = 1\nserver.identity = \"ssh\"\n[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"~DEFAULT_BRANCH\"]\n\
         rules.deletion = true\n\
         rules.file_path_restriction = { restricted_file_paths = [\"infra\", \"infra/**/*\", \"**/*.pem\", \"CODEOWNERS\"] }\n",
    );
    assert_eq!(strict(&policy), Some(0));
}

/// What keeps a branch from being deleted does not keep a missing one from being created.
#[test]
fn a_missing_default_branch_is_not_closed_by_deletion() {
    let message = "[[ruleset]]\nname = \"a\"\ntarget = \"branch\"\nrefs = [\"release/*\"]\n\
                   rules.commit_message_pattern = { operator = \"starts_with\", pattern = \"fix: \" }\n";
    for (closes, is_closed) in [("deletion", false), ("creation", true)] {
        for storage in every_storage() {
            let closed = format!(
                "{message}[[ruleset]]\nname = \"b\"\ntarget = \"branch\"\nrefs = [\"master\"]\nrules.update = true\nrules.{closes} = true\n"
            );
            let server = Server::stored(&closed, storage);
            let work = server.with_main(&[("a", "1")]);
            server.git(["symbolic-ref", "HEAD", "refs/heads/master"]);
            work.commit("wrong", &[("a", "2")]);
            work.push("dev", &["HEAD:refs/heads/release/1"]).refuse("commit_message_pattern");
            work.push("dev", &["HEAD:refs/heads/master"]).refuse(if is_closed { "creation" } else { "default_branch" });
            work.push("dev", &["HEAD:refs/heads/release/1"]).refuse("commit_message_pattern");
            work.push("dev", &["HEAD:refs/heads/topic"]).accept();
        }
    }
}
