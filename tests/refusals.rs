//! What a refusal says: whose it is, what to do, and nothing that grows with the push.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::schemas::{schema, valid};
use crate::support::{HEAD, Pushed, Server, Storage, Work};

const KINDS: [Storage; 4] = [
    Storage { sha256: false, reftable: false },
    Storage { sha256: true, reftable: false },
    Storage { sha256: false, reftable: true },
    Storage { sha256: true, reftable: true },
];

const LINEAR: &str = "
[[ruleset]]
name = \"main\"
target = \"branch\"
refs = [\"main\"]
[ruleset.rules]
required_linear_history = true
non_fast_forward = true
";

fn last(server: &Server) -> Value {
    server.decisions().pop().expect("a decision")
}

#[track_caller]
fn says(pushed: &Pushed, texts: &[&str]) {
    assert!(!pushed.accepted, "accepted:\n{}", pushed.output);
    for text in texts {
        assert!(pushed.output.contains(text), "`{text}` is missing:\n{}", pushed.output);
    }
}

fn restricted(more: &str) -> String {
    format!(
        "[[ruleset]]\nname = \"guarded\"\ntarget = \"branch\"\nrefs = [\"main\"]\n{more}[ruleset.rules]\nfile_path_restriction = {{ restricted_file_paths = [\"secret/**/*\"] }}\n"
    )
}

#[test]
fn a_lost_race_is_the_pushers_and_no_alarm() {
    let server = Server::new(LINEAR);
    let work = server.with_main(&[("a", "1")]);
    let (old, new) = (work.commit("next", &[("a", "2")]), work.commit("last", &[("a", "3")]));
    let line = format!("{old} {new} refs/heads/main\n");
    let (code, text) = server.hook(Some("dev"), line.as_bytes(), &[]);
    assert_eq!(code, Some(2));
    assert!(text.contains("this is for you: another push or a repack changed the repository meanwhile"), "{text}");
    assert_eq!(last(&server)["cause_kind"], "race");
}

#[test]
fn a_shallow_push_is_the_pushers() {
    let server = Server::new(LINEAR);
    let line = format!("{} {} refs/heads/main\n", server.null(), "1".repeat(40));
    let (code, text) = server.hook(Some("dev"), line.as_bytes(), &[("GIT_SHALLOW_FILE", "x")]);
    assert_eq!(code, Some(2));
    assert!(text.contains("this is for you: run `git fetch --unshallow`"), "{text}");
    assert_eq!(last(&server)["cause_kind"], "push");
}

#[test]
fn a_damaged_repository_is_the_administrators_and_no_violation() {
    let server = Server::new(LINEAR);
    let work = server.with_main(&[("a", "1")]);
    let old = work.id("HEAD");
    let new = work.commit("next", &[("a", "2")]);
    work.force("HEAD:refs/heads/other");
    let object = server.dir.join("objects").join(&old[..2]).join(&old[2..]);
    fs::remove_file(object).unwrap();
    let (code, text) = server.hook(Some("dev"), format!("{old} {new} refs/heads/main\n").as_bytes(), &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("this is for the server's administrator: run `git fsck`"), "{text}");
    assert!(text.contains("2 rules could not be judged, 1 of 1 ref"), "{text}");
    assert!(!text.contains("violation"), "{text}");
    let decision = last(&server);
    assert_eq!((&decision["decision"], &decision["cause_kind"]), (&"undecided".into(), &"repository".into()));
    assert_eq!(decision["evaluations"][0]["audience"], "administrator");
    valid(&schema("decision"), &decision);
}

#[test]
fn a_missing_default_branch_is_the_administrators() {
    let server = Server::new(&LINEAR.replace("\"main\"]", "\"~DEFAULT_BRANCH\"]"));
    let work = server.with_main(&[("a", "1")]);
    server.git(["symbolic-ref", "HEAD", "refs/heads/gone"]);
    work.commit("next", &[("a", "2")]);
    let pushed = work.push("dev", &["main"]);
    says(&pushed, &["this is for the server's administrator: ", "git symbolic-ref HEAD"]);
    assert!(!pushed.output.contains("1 violation"), "{}", pushed.output);
    assert_eq!(last(&server)["cause_kind"], "repository");
}

#[test]
fn a_policy_that_does_not_load_is_its_authors() {
    let server = Server::new(LINEAR);
    let work = server.with_main(&[("a", "1")]);
    work.commit("next", &[("a", "2")]);
    server.policy("version = 1\nrulesets = 1\n");
    says(&work.push("dev", &["main"]), &["this is for the author of the policy: run `refwarden check`"]);
    assert_eq!(last(&server)["cause_kind"], "policy");
}

#[test]
fn a_text_rule_quotes_what_does_not_match() {
    let server = Server::new(
        "[[ruleset]]\nname = \"words\"\ntarget = \"branch\"\nrefs = [\"main\"]\n[ruleset.rules]\ncommit_message_pattern = [\n{ operator = \"starts_with\", pattern = \"feat: \" },\n{ operator = \"contains\", pattern = \"secret\", negate = true },\n]\n",
    );
    let work = server.with_main(&[("a", "1")]);
    work.commit(&format!("wip \u{202e}{}", "x".repeat(100)), &[("a", "2")]);
    let pushed = work.push("dev", &["main"]);
    pushed.refuse("commit_message_pattern");
    says(&pushed, &[&format!("must start with `feat: `, and is `wip \\u{{202e}}{}…`", "x".repeat(55))]);
    assert!(!pushed.output.contains('\u{202e}'));
    work.git(["reset", "--quiet", "--hard", "HEAD~"]);
    // Of a long message the line that is forbidden is shown.
    work.commit("feat: x\n\nfirst\nthe secret line\n", &[("a", "3")]);
    says(&work.push("dev", &["main"]), &["must not contain `secret`, and is `the secret line`"]);
    work.git(["reset", "--quiet", "--hard", "HEAD~"]);
    work.commit("feat: honest", &[("a", "4")]);
    work.push("dev", &["main"]).accept();
}

#[test]
fn a_path_rule_says_who_bypasses_it() {
    for (more, text) in [
        ("", "help: nobody bypasses this ruleset"),
        ("actors = [\"!lead\"]\n", "help: nobody bypasses this ruleset; it does not judge: `lead`"),
        ("bypass = [{ actor = \"late\", until = 2020-01-31 }, { actor = \"app:x\" }]\n", "help: nobody bypasses this ruleset"),
        (
            "bypass = [{ actor = \"lead\" }, { actor = \"late\", until = 2020-01-31 }]\n",
            "help: these bypass this ruleset: `lead`",
        ),
    ] {
        let server = Server::new(&restricted(more));
        let work = server.with_main(&[("a", "1")]);
        work.commit("touch", &[("secret/a", "1")]);
        let pushed = work.push("dev", &["main"]);
        pushed.refuse("file_path_restriction");
        says(&pushed, &[text]);
        if text.contains("`lead`") {
            work.push("lead", &["main"]).accept();
        }
    }
}

#[test]
fn a_default_cites_no_line_of_the_policy() {
    let server = Server::new("");
    let work = server.with_main(&[("a", "1")]);
    let pushed = work.push("dev", &["HEAD:refs/odd/x"]);
    pushed.refuse("allowed_refs");
    assert!(!pushed.output.contains("refwarden.toml:"), "{}", pushed.output);
    assert_eq!(last(&server)["evaluations"][0]["policy"]["line"], 0);
    server.policy(&format!("{HEAD}allowed_refs = [\"refs/heads/**/*\"]\n"));
    let pushed = work.push("dev", &["HEAD:refs/odd/x"]);
    says(&pushed, &["refwarden.toml:4"]);
}

#[test]
fn many_refused_refs_make_few_lines() {
    for storage in KINDS {
        let server = Server::stored(
            "[[ruleset]]\nname = \"closed\"\ntarget = \"branch\"\nrefs = [\"no/**/*\"]\n[ruleset.rules]\ncreation = true\nbranch_name_pattern = { operator = \"starts_with\", pattern = \"yes/\" }\n",
            storage,
        );
        let work = server.with_main(&[("a", "1")]);
        let id = work.id("HEAD");
        let lines = |folder: &str| {
            (0..150).fold(String::new(), |mut lines, number| {
                writeln!(lines, "{} {id} refs/heads/{folder}/b{number}", server.null()).unwrap();
                lines
            })
        };
        let json = [("GIT_PUSH_OPTION_COUNT", "1"), ("GIT_PUSH_OPTION_0", "refwarden=json")];
        let (code, text) = server.hook(Some("dev"), lines("no").as_bytes(), &json);
        assert_eq!(code, Some(1));
        assert!(text.lines().count() < 100, "{} lines", text.lines().count());
        assert!(text.contains("refused 130 more refs"), "{text}");
        assert!(text.contains("[closed] creation: broken by 130 refs"), "{text}");
        assert!(text.contains("(300 violations, 150 of 150 refs)"), "{text}");
        let line = text.lines().find_map(|line| line.strip_prefix("refwarden-json: ")).unwrap();
        let verdict: Value = serde_json::from_str(line).unwrap();
        valid(&schema("verdict"), &verdict);
        assert_eq!(verdict["evaluations_total"], 300);
        assert_eq!(verdict["evaluations_by_rule"][1]["refs"], 150);
        let decision = last(&server);
        valid(&schema("decision"), &decision);
        assert_eq!(decision["evaluations_by_rule"][0]["refs"], 150);
        assert_eq!(server.hook(Some("dev"), lines("yes").as_bytes(), &[]).0, Some(0));
    }
}

/// A commit of this message on top of `HEAD`.
fn commit(work: &Work, message: &[u8], tree: &str) -> String {
    work.git_with(&["commit-tree", tree, "-p", "HEAD"], message)
}

#[test]
fn a_huge_message_is_over_the_budget_and_a_long_one_is_not() {
    for storage in KINDS {
        let server = Server::stored(LINEAR, storage);
        let work = server.with_main(&[("a", "1")]);
        let huge = commit(&work, &vec![b'x'; 5 << 20], "HEAD^{tree}");
        let pushed = work.push("dev", &[&format!("{huge}:refs/heads/main")]);
        says(&pushed, &["bytes; at most 4194304 are read", "this is for you: ", "2 rules could not be judged"]);
        assert_eq!(last(&server)["cause_kind"], "budget");
        let long = commit(&work, &vec![b'x'; 1 << 20], "HEAD^{tree}");
        work.push("dev", &[&format!("{long}:refs/heads/main")]).accept();
    }
}

#[test]
fn a_huge_tag_is_over_the_budget_and_a_long_one_is_not() {
    let server = Server::new(
        "[[ruleset]]\nname = \"tags\"\ntarget = \"tag\"\nrefs = [\"*\"]\n[ruleset.rules]\nrequired_linear_history = true\n",
    );
    let work = server.with_main(&[("a", "1")]);
    for (name, length, accepted) in [("huge", 5 << 20, false), ("long", 1 << 20, true)] {
        let mut tag = format!("object {}\ntype commit\ntag {name}\ntagger a <a@b> 1 +0000\n\n", work.id("HEAD")).into_bytes();
        tag.extend(std::iter::repeat_n(b'x', length));
        let id = work.git_with(&["hash-object", "-t", "tag", "-w", "--stdin"], &tag);
        let pushed = work.push("dev", &[&format!("{id}:refs/tags/{name}")]);
        assert_eq!(pushed.accepted, accepted, "{}", pushed.output);
    }
}

#[test]
fn long_paths_are_over_the_budget_and_many_paths_are_not() {
    for storage in KINDS {
        // Every path is counted, so that every path is kept.
        let server = Server::stored(
            "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"main\"]\n[ruleset.rules]\nmax_changed_paths = { max_changed_paths = 1_000_000 }\n",
            storage,
        );
        let work = server.with_main(&[("a", "1")]);
        let blob = work.git_with(&["hash-object", "-w", "--stdin"], b"x");
        let files: String = (0..200).map(|number| format!("100644 blob {blob}\tf{number}\n")).collect();
        for (folder, accepted) in [("d".repeat(240), false), ("d".to_owned(), true)] {
            let mut tree = work.git_with(&["mktree"], files.as_bytes());
            for _ in 0..60 {
                tree = work.git_with(&["mktree"], format!("040000 tree {tree}\t{folder}\n{files}").as_bytes());
            }
            let id = commit(&work, b"deep", &tree);
            let pushed = work.push("dev", &[&format!("{id}:refs/heads/main")]);
            assert_eq!(pushed.accepted, accepted, "{}", pushed.remote());
            if !accepted {
                assert!(pushed.remote().contains("would take more memory than 72 MB"), "{}", pushed.remote());
                assert!(pushed.remote().contains("this is for you: "), "{}", pushed.remote());
                assert_eq!(last(&server)["cause_kind"], "budget");
            }
        }
    }
}

#[test]
fn violations_above_the_listed_ones_are_counted() {
    let server = Server::new(&restricted(""));
    let work = server.with_main(&[("a", "1")]);
    let files: Vec<_> = (0..150).map(|number| format!("secret/f{number}")).collect();
    work.commit("many", &files.iter().map(|path| (path.as_str(), "x")).collect::<Vec<_>>());
    let pushed = work.push("dev", &["main"]);
    pushed.refuse("file_path_restriction");
    says(&pushed, &["and 140 more", "(150 violations, 1 of 1 ref)"]);
    let evaluation = &last(&server)["evaluations"][0];
    assert_eq!(evaluation["violations_total"], 150);
    assert_eq!(evaluation["violations"].as_array().unwrap().len(), 100);
}
