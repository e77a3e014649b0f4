//! The README says what is true: its commands run, its policies load, its files exist.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::github::{Bed, Profile, seed};
use crate::support::{HOOK, Server, clean};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The fenced blocks of a language, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    text.split(&format!("```{language}\n")).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A folder as the README imagines it: `app.git` on a server, and `clone`, a clone of it that is a commit ahead.
fn stage() -> (Server, PathBuf) {
    let server = Server::new("");
    let work = server.work();
    work.commit("one", &[("a", "1")]);
    work.force("main");
    work.commit("two", &[("a", "2")]);
    let stage = server.folder.path().join("stage");
    fs::create_dir(&stage).unwrap();
    fs::rename(&server.dir, stage.join("app.git")).unwrap();
    fs::remove_file(stage.join("app.git/hooks/pre-receive")).unwrap();
    fs::remove_file(stage.join("app.git/refwarden.toml")).unwrap();
    fs::rename(&work.dir, stage.join("clone")).unwrap();
    (server, stage)
}

#[test]
fn every_command_runs() {
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    let (server, stage) = stage();
    let programs = Path::new(HOOK).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut ran = 0;
    for command in blocks(&readme(), "sh").iter().flat_map(|block| block.lines()) {
        if let Some(cargo) = command.strip_prefix("cargo ") {
            // Cargo builds what this test is a part of; CI runs these as they stand, with the lock file held.
            let words = cargo.split_once(' ').map_or((cargo, ""), |(verb, rest)| (verb, rest));
            let locked = format!("cargo {} --locked {}", words.0, words.1);
            assert!(ci.contains(locked.trim_end()), "CI does not run `{}`", locked.trim_end());
            continue;
        }
        let mut shell = clean("bash", server.folder.path());
        shell.args(["-euo", "pipefail", "-c", command]).current_dir(&stage).env("PATH", &path).stdin(Stdio::null());
        let output = shell.output().unwrap();
        // `explain` says by its exit code that the push would be refused.
        let expected = if command.starts_with("refwarden explain") { Some(1) } else { Some(0) };
        assert_eq!(
            output.status.code(),
            expected,
            "`{command}`: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        if command.starts_with("refwarden install") {
            // There is something to look at in the log.
            let mut push = clean("git", server.folder.path());
            push.current_dir(stage.join("clone")).env("REFWARDEN_ACTOR", "claude-1");
            let pushed = push.args(["push", "../app.git", "HEAD:refs/heads/main"]).output().unwrap();
            assert!(!pushed.status.success());
            assert!(String::from_utf8_lossy(&pushed.stderr).contains("refwarden: refused refs/heads/main"));
        }
        ran += 1;
    }
    assert!(ran >= 7, "only {ran} commands ran");
}

#[test]
fn policies_load_and_the_first_is_the_shipped_one() {
    let policies = blocks(&readme(), "toml");
    assert_eq!(policies[0], fs::read_to_string(root().join("policies/minimal.toml")).unwrap());
    for policy in policies {
        refwarden::policy::parse::parse("README.md", policy.as_bytes()).unwrap();
    }
}

#[test]
fn the_recorded_error_is_what_is_printed() {
    let text = readme();
    let recorded = blocks(&text, "text").into_iter().find(|block| block.starts_with("error: ")).unwrap();
    let policy = b"version = 1\n[[ruleset]]\nname = \"x\"\ntarget = \"branch\"\nrefs = [\"release/**\"]\n[ruleset.rules]\ndeletion = true\n";
    let problems = refwarden::policy::parse::parse("policy.toml", policy).unwrap_err();
    assert_eq!(problems[0].render("policy.toml", policy, false).trim_end(), recorded.trim_end());
}

/// What is shown of an audit stands in one, line after line; `…` is what is left out.
#[test]
fn the_recorded_audit_is_what_is_printed() {
    let text = readme();
    let recorded = blocks(&text, "text").into_iter().find(|block| block.starts_with("critical ")).unwrap();
    let bed = Bed::of(Profile::EnterpriseCloud);
    seed::plant(&bed, &seed::Seed { organization: "acme".to_owned(), repositories: 12, seed: 1 });
    let home = tempfile::tempdir().unwrap();
    let mut audit = clean(env!("CARGO_BIN_EXE_refwarden"), home.path());
    audit.env("GITHUB_TOKEN", bed.token().create()).args(["github", "audit", "--owner", "acme", "--api-url", &bed.api_url()]);
    let output = audit.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    for part in recorded.split("…\n").filter(|part| !part.is_empty()) {
        assert!(printed.contains(part), "this is not printed:\n{part}\nbut this:\n{printed}");
    }
}

#[test]
fn links_lead_somewhere() {
    for name in [
        "README.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "docs/policy.md",
        "docs/hook.md",
        "docs/what-a-rule-sees.md",
        "docs/github.md",
        "docs/checks.md",
    ] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !target.starts_with("https://") {
                let file = target.split('#').next().unwrap();
                let from = root().join(name);
                assert!(
                    file.is_empty() || from.parent().unwrap().join(file).exists(),
                    "{name} links to `{target}`, which does not exist"
                );
            }
        }
    }
}

/// Commands that need GitHub are not run here; that they could be is tested beside the GitHub of the tests. What the
/// documentation writes, the program understands.
#[test]
fn commands_of_the_documentation_are_understood() {
    let mut files = vec![root().join("README.md")];
    files.extend(fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    let mut understood = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(file).unwrap();
        let fenced = text.split("```").skip(1).step_by(2).flat_map(str::lines);
        for line in fenced.map(|line| line.trim().trim_start_matches("- run: ").trim_start_matches("GITHUB_TOKEN=… ")) {
            let Some(command) = line.strip_prefix("refwarden ") else { continue };
            let ended = [" >", " |", " #"].iter().filter_map(|end| command.find(end)).min().unwrap_or(command.len());
            // Placeholders of the prose.
            if command.contains("NAME") || command.contains('$') {
                continue;
            }
            let words = command[..ended].split_whitespace().map(|word| word.trim_matches(['\'', '"']));
            let parsed = refwarden::cli::command().try_get_matches_from(std::iter::once("refwarden").chain(words));
            assert!(parsed.is_ok(), "{}: `{line}`: {}", file.display(), parsed.unwrap_err());
            understood += 1;
        }
    }
    assert!(understood >= 25, "only {understood} commands were found");
}
