//! The hook and `explain` are two doors to one gate: what the one refuses whatever is pushed, the other does not call accepted.

use std::fs;

use crate::cli::run;
use crate::support::{Server, Work};

/// What breaks a server for every push, and the word that names it at both doors.
type Fault = (&'static str, fn(&Server), &'static str, &'static str);

const FAULTS: &[Fault] = &[
    ("no identity", |server| server.policy("version = 1\n"), "dev", "does not say who pushes"),
    ("a blank actor", |_| {}, " ", "the pusher"),
    ("a policy that does not load", |server| server.policy("surprise = 1\n"), "dev", "does not load"),
    ("no policy", |server| fs::remove_file(server.at("refwarden.toml")).unwrap(), "dev", "there is no policy"),
    ("a relative policy", |server| drop(server.git(["config", "refwarden.policy", "p.toml"])), "dev", "no absolute path"),
    (
        "grafts",
        |server| {
            fs::create_dir_all(server.at("info")).unwrap();
            fs::write(server.at("info/grafts"), "").unwrap();
        },
        "dev",
        "info/grafts",
    ),
    (
        "a root elsewhere",
        |server| server.policy("version = 1\n[server]\nidentity = \"ssh\"\nroot = \"/nowhere\"\n"),
        "dev",
        "/nowhere",
    ),
    (
        "unknown sharing",
        |server| drop(server.git(["config", "core.sharedRepository", "sometimes"])),
        "dev",
        "core.sharedRepository",
    ),
    (
        "an unreadable import",
        |server| {
            server.policy("version = 1\n[server]\nidentity = \"ssh\"\nimport = [\"dev\"]\n");
            fs::create_dir_all(server.at("refwarden/import.json")).unwrap();
        },
        "dev",
        "whether an import is open",
    ),
];

fn both(server: &Server, work: &Work, actor: &str) -> ((Option<i32>, String), crate::cli::Ran) {
    let (old, new) = (server.null(), work.id("HEAD"));
    let hook = server.hook(Some(actor), format!("{old} {new} refs/heads/topic\n").as_bytes(), &[]);
    let arguments = ["explain", "--repo", server.dir.to_str().unwrap(), "--actor", actor, "refs/heads/topic", &old, &new];
    (hook, run(server.folder.path(), &arguments))
}

#[test]
fn what_refuses_every_push_is_never_explained_as_accepted() {
    for (what, fault, actor, word) in FAULTS {
        let server = Server::new("");
        let work = server.with_main(&[("a", "1")]);
        let ((code, text), explained) = both(&server, &work, "dev");
        assert_eq!(code, Some(0), "{what}: {text}");
        explained.is(0).says("accepted");
        fault(&server);
        let ((code, text), explained) = both(&server, &work, actor);
        assert_eq!(code, Some(2), "{what}: {text}");
        assert!(text.contains(word), "{what}: {text}");
        let explained = explained.is(2);
        assert!(explained.err.contains(word), "{what}: {}", explained.err);
        explained.omits("accepted");
    }
    // An empty name reaches no hook: the variable counts as not set.
    let server = Server::new("");
    let work = server.with_main(&[("a", "1")]);
    let ((code, _), explained) = both(&server, &work, "");
    assert_eq!(code, Some(2));
    explained.is(2).omits("accepted");
}
