//! Many pushes at once: each is judged, and each decision is a whole line of one log.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use refwarden::receive::decision_log::verify;
use refwarden::receive::refs::Refs;
use refwarden::receive::repository::Repository;

use crate::support::{HOOK, Server, Storage, clean};

const GUARD: &str = r#"
[[ruleset]]
name = "no secrets"
target = "branch"
refs = ["~ALL"]
[ruleset.rules]
non_fast_forward = true
file_path_restriction = { restricted_file_paths = ["secret/**/*"] }
"#;

#[test]
fn twenty_pushes_at_once() {
    let server = Server::new(GUARD);
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    // Every run of the hook is counted by something that is not the log.
    let hook = server.dir.join("hooks/pre-receive");
    let runs = server.folder.path().join("runs");
    fs::remove_file(&hook).unwrap();
    fs::write(&hook, format!("#!/bin/sh\necho >>'{}'\nexec '{HOOK}'\n", runs.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();

    // A third touches what nobody may; of the others, some go to the same branches.
    let pushes: Vec<(String, String, bool)> = (0..20)
        .map(|number| {
            work.git(["reset", "--quiet", "--hard", &base]);
            let evil = number % 3 == 0;
            let path = if evil { "secret/key" } else { "src/file" };
            let commit = work.commit(&format!("push {number}"), &[(path, &number.to_string())]);
            let branch = match number % 5 {
                0 => "main".to_owned(),
                1 => "shared".to_owned(),
                _ => format!("topic/{number}"),
            };
            (commit, branch, evil)
        })
        .collect();
    let outcomes: Vec<(bool, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> = pushes
            .iter()
            .map(|(commit, branch, _)| {
                let mut push = clean("git", &work.home);
                push.current_dir(&work.dir).env("REFWARDEN_ACTOR", "dev").args(["push", "--quiet"]).arg(&server.dir);
                push.arg(format!("{commit}:refs/heads/{branch}"));
                scope.spawn(move || {
                    let output = push.output().unwrap();
                    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    for ((commit, branch, evil), (accepted, output)) in pushes.iter().zip(&outcomes) {
        if *evil {
            assert!(!accepted, "{branch}: {output}");
        } else if branch.starts_with("topic/") {
            assert!(accepted, "{branch}: {output}");
        }
        if *accepted {
            // Moved by one push alone, so that it still holds what that one brought.
            assert_eq!(server.value(&format!("refs/heads/{branch}")).as_ref(), Some(commit), "{branch}");
        }
    }
    let winners = |branch: &str| pushes.iter().zip(&outcomes).filter(|(push, outcome)| push.1 == branch && outcome.0).count();
    assert_eq!((winners("main"), winners("shared")), (1, 1));

    let runs = fs::read_to_string(&runs).unwrap().lines().count();
    let log = server.dir.join("refwarden/decisions.jsonl");
    let report = verify(&log, None).unwrap();
    assert!(report.is_whole(), "{report:?}");
    let decisions = server.decisions();
    assert_eq!((decisions.len(), report.records), (runs, runs as u64));
    for (commit, _, evil) in &pushes {
        let mine: Vec<&str> = decisions
            .iter()
            .filter(|decision| decision["updates"][0]["new"] == commit.as_str())
            .map(|decision| decision["decision"].as_str().unwrap())
            .collect();
        // git does not ask the hook about a branch that it has seen to have moved on.
        assert!(mine.len() <= 1, "{mine:?}");
        if *evil {
            assert!(mine.iter().all(|decision| *decision != "accepted"), "{mine:?}");
        }
    }
    let accepted = decisions.iter().filter(|decision| decision["decision"] == "accepted").count();
    assert!(accepted >= outcomes.iter().filter(|outcome| outcome.0).count());
    server.git(["fsck"]);
}

const STORAGES: [Storage; 4] = [
    Storage { sha256: false, reftable: false },
    Storage { sha256: true, reftable: false },
    Storage { sha256: false, reftable: true },
    Storage { sha256: true, reftable: true },
];

/// What git lists, as `NAME ID`.
fn listed_by_git(server: &Server) -> Vec<String> {
    server.git(["for-each-ref", "--format=%(refname) %(objectname)"]).lines().map(str::to_owned).collect()
}

fn listed(refs: &Refs) -> Vec<String> {
    let list = refs.list(b"refs/").unwrap();
    list.iter().map(|(name, id)| format!("{} {id}", String::from_utf8_lossy(name.as_bytes()))).collect()
}

/// Refs are packed after they were opened and before they are read: every question is answered as before.
#[test]
fn refs_that_are_packed_while_a_push_is_judged() {
    for storage in STORAGES {
        let server = Server::stored(GUARD, storage);
        let work = server.with_main(&[("README", "1")]);
        let id = work.id("HEAD");
        server.git(["tag", "-a", "-m", "tag", "annotated", &id]);
        server.git(["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
        server.git(["symbolic-ref", "refs/heads/to-nothing", "refs/heads/nothing"]);
        for number in 0..40 {
            server.git(["update-ref", &format!("refs/heads/topic/{}{number}", "x".repeat(number)), &id]);
        }
        server.git(["pack-refs", "--all"]);
        server.git(["update-ref", "-d", "refs/heads/topic/x1"]);
        server.git(["update-ref", "refs/heads/new", &id]);
        let expected = listed_by_git(&server);
        assert_eq!(expected.len(), 43, "{storage:?}");
        let refs = Refs::open(&Repository::open(&server.dir).unwrap()).unwrap();
        assert_eq!(listed(&refs), expected, "{storage:?}");
        let before = refs.default_branch().unwrap();

        let refs = Refs::open(&Repository::open(&server.dir).unwrap()).unwrap();
        server.git(["pack-refs", "--all"]);
        assert_eq!(refs.default_branch().unwrap(), before, "{storage:?}");
        assert!(refs.any("refs/").unwrap() && refs.any("refs/heads/new").unwrap(), "{storage:?}");
        assert_eq!(refs.symbolic_refs().unwrap().len(), 2, "{storage:?}");
        assert_eq!(listed(&refs), expected, "{storage:?}");
    }
}

/// Who may import fills a repository that is empty, and none whose refs are being packed.
#[test]
fn an_import_while_refs_are_packed() {
    for storage in STORAGES {
        let server = Server::stored("", storage);
        server.policy(&format!("{}import = [\"dev\"]\n{GUARD}", crate::support::HEAD));
        let work = server.work();
        work.commit("base", &[("secret/key", "1")]);
        work.push("dev", &["main"]).accept();
        work.commit("evil", &[("secret/key", "2")]);
        work.push("dev", &["main"]).refuse("file_path_restriction");
        server.git(["pack-refs", "--all"]);
        work.push("dev", &["main"]).refuse("file_path_restriction");
        let repository = Repository::open(&server.dir).unwrap();
        server.git(["update-ref", "refs/heads/other", "refs/heads/main"]);
        server.git(["update-ref", "-d", "refs/heads/main"]);
        let refs = Refs::open(&repository).unwrap();
        server.git(["pack-refs", "--all"]);
        assert!(refs.any("refs/").unwrap(), "{storage:?}");
    }
}
