//! Who pushes has a name that a policy can hold, or does not push: a directory behind the server finds accounts by more
//! spellings than their own.

use std::ffi::OsString;

use refwarden::policy::Identity;
use refwarden::push::Cause;
use refwarden::receive::environment::Environment;

use crate::support::{Server, Storage, Work};

const RULES: &str = r#"
[[ruleset]]
name = "agents do not push to main"
target = "branch"
refs = ["main"]
actors = ["@agents"]
[ruleset.rules]
update = true
creation = true
"#;

/// A server behind a web server that passes on what was typed.
fn ready(storage: Storage) -> (Server, Work) {
    let server = Server::stored("", storage);
    server.policy(&format!("version = 1\n[groups]\nagents = [\"bot-1\", \"Straße\"]\n[server]\nidentity = \"http\"\n{RULES}"));
    let work = server.work();
    work.commit("one", &[("README", "1")]);
    (server, work)
}

#[test]
fn another_spelling_of_a_name_does_not_leave_the_judged() {
    for (sha256, reftable) in [(false, false), (false, true), (true, false), (true, true)] {
        let (_server, work) = ready(Storage { sha256, reftable });
        let push = |user: &str| work.push_with(&["HEAD:refs/heads/main"], &[("REMOTE_USER", user)]);
        for user in ["bot-1", "BOT-1", "STRASSE", "strasse", "Stra\u{1e9e}e"] {
            push(user).refuse("creation");
        }
        for user in [
            "bot-1 ",
            " bot-1",
            "ｂｏｔ-1",
            "bot\u{ad}-1",
            "bot-1\u{200b}",
            "bot\u{2010}-1\u{a0}",
            "@agents",
            "!bot-1",
            "bot-*",
            "bot-1\t",
        ] {
            push(user).undecided("so that no policy can name it");
        }
        push("Alice Müller").accept();
    }
}

#[test]
fn the_administrator_is_told_which_setting_names_the_account() {
    let environment: Environment = [(OsString::from("REMOTE_USER"), OsString::from("bot-1 "))].into_iter().collect();
    let refused = environment.actor(&Identity::Http).unwrap_err();
    assert_eq!(refused.cause, Cause::Server);
    assert!(refused.help.unwrap().contains("AuthLDAPRemoteUserAttribute"));
}

#[test]
fn a_name_is_the_same_for_the_hook_and_the_policy() {
    let odd = ["bot-1 ", "ｂｏｔ", "bo\u{ad}t", "a  b", "bot\u{fffc}", "@@x", "bot²", "bot\u{1806}"];
    let plain = ["bot-1", "Alice Müller", "renovate[bot]", "DOMAIN\\alice", "山田", "key:SHA256:a/b+c"];
    for (name, is_one) in odd.map(|name| (name, false)).into_iter().chain(plain.map(|name| (name, true))) {
        let environment: Environment = [(OsString::from("REMOTE_USER"), OsString::from(name))].into_iter().collect();
        assert_eq!(environment.actor(&Identity::Http).is_ok(), is_one, "{name:?}");
        let written = serde_json::to_string(name).unwrap();
        let policy = |key: &str| {
            let ruleset =
                format!("[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"main\"]\n{key}\nrules.update = true\n");
            refwarden::policy::parse::parse("policy.toml", format!("version = 1\n{ruleset}").as_bytes()).is_ok()
        };
        assert_eq!(policy(&format!("actors = [{written}]")), is_one, "{name:?}");
        assert_eq!(policy(&format!("bypass = [{{ actor = {written} }}]")), is_one, "{name:?}");
    }
}
