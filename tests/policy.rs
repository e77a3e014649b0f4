//! The policy file: what loads, what does not, and where it says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use refwarden::policy::lint::{Finding, LINTS, Level, lint};
use refwarden::policy::parse::parse;
use refwarden::policy::{Enforcement, Identity, Policy, Problem};
use refwarden::rules::{RULES, Target};

use crate::support::HEAD;

fn files(folder: &str) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    files.sort();
    files
}

fn rendered(file: &str, bytes: &[u8], problems: &[Problem]) -> String {
    problems.iter().map(|problem| problem.render(file, bytes, false)).collect::<Vec<_>>().join("\n\n")
}

fn load(file: &str, bytes: &[u8]) -> Policy {
    parse(file, bytes).unwrap_or_else(|problems| panic!("{}", rendered(file, bytes, &problems)))
}

#[test]
fn valid_policies_load() {
    let files = files("fixtures/policies/valid");
    assert!(files.len() >= 15, "{} files", files.len());
    for (name, path) in files {
        load(&name, &fs::read(path).unwrap());
    }
}

/// Each invalid file says in its first lines what is wrong and where: `# expect: LINE:COLUMN part of the message`.
#[test]
fn invalid_policies_say_what_is_wrong_and_where() {
    let files = files("fixtures/policies/invalid");
    let mut wrong = Vec::new();
    for (name, path) in &files {
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let expected: Vec<(&str, &str)> =
            text.lines().filter_map(|line| line.strip_prefix("# expect: ")).map(|line| line.split_once(' ').unwrap()).collect();
        let problems = match parse(name, &bytes) {
            Ok(_) => {
                wrong.push(format!("{name} loads"));
                continue;
            }
            Err(problems) => problems,
        };
        let mut left: Vec<&Problem> = problems.iter().collect();
        for (place, part) in &expected {
            match left.iter().position(|problem| problem.at.to_string() == *place && problem.message.contains(part)) {
                Some(found) => caret_is_under_the_culprit(name, &bytes, left.remove(found)),
                None => wrong.push(format!("{name}: nothing says at {place} `{part}`:\n{}", rendered(name, &bytes, &problems))),
            }
        }
        if expected.is_empty() || !left.is_empty() {
            wrong.push(format!("{name}: {} not expected:\n{}", left.len(), rendered(name, &bytes, &problems)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(files.len() >= 60, "{} files", files.len());
}

fn caret_is_under_the_culprit(name: &str, bytes: &[u8], problem: &Problem) {
    let shown = problem.render(name, bytes, false);
    assert!(shown.starts_with(&format!("error: {}\n", problem.message)), "{shown}");
    assert!(shown.contains(&format!("--> {name}:{}", problem.at)), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    let caret_line = lines.iter().position(|line| line.trim_start().starts_with('|') && line.contains('^')).expect(&shown);
    let column = lines[caret_line].chars().position(|c| c == '^').unwrap();
    let width = lines[caret_line].chars().filter(|c| *c == '^').count();
    let under: String = lines[caret_line - 1].chars().skip(column).take(width).collect();
    let culprit = String::from_utf8_lossy(&bytes[problem.span.clone()]).into_owned();
    let culprit = culprit.lines().next().unwrap_or_default();
    if culprit.is_ascii() && !culprit.is_empty() && !culprit.contains('\t') && !culprit.chars().any(char::is_control) {
        assert_eq!(under, culprit, "{shown}");
    }
    let line = problem.line(name);
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.starts_with(&format!("{name}:{}: {}", problem.at, problem.message)), "{line}");
}

fn holds(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Err(problems) = parse("policy.toml", bytes) {
        prop_assert!(!problems.is_empty());
        for problem in problems {
            prop_assert!(problem.span.start <= problem.span.end && problem.span.end <= bytes.len(), "{problem:?}");
            prop_assert!(problem.at.line >= 1 && problem.at.column >= 1);
            let shown = problem.render("policy.toml", bytes, false) + &problem.line("policy.toml");
            prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        holds(&bytes)?;
    }

    #[test]
    fn arbitrary_text_never_panics(text in "(version = 1\n)?[\\[\\]{}=\"'#,.a-z0-9@!~*\\\\ \n\u{202e}\u{200b}é]{0,200}") {
        holds(text.as_bytes())?;
    }

    #[test]
    fn mutated_policies_load_or_have_problems(
        file in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..8),
    ) {
        let files = files("fixtures/policies/valid");
        let mut bytes = fs::read(&file.get(&files).1).unwrap();
        for (place, byte, kind) in edits {
            let at = place.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match kind {
                0 if !bytes.is_empty() => { bytes.remove(at); }
                1 => bytes.insert(at, byte),
                _ if !bytes.is_empty() => bytes[at] = byte % 128,
                _ => {}
            }
        }
        holds(&bytes)?;
    }
}

#[test]
fn bytes_that_are_no_text_are_problems() {
    let cases: [(Vec<u8>, &str, &str); 6] = [
        (b"\xef\xbb\xbfversion = 1\n".to_vec(), "1:1", "byte order mark"),
        (b"version = 1\n# \xff\n".to_vec(), "2:3", "not UTF-8"),
        (b"version = 1\n# \xc3".to_vec(), "2:3", "not UTF-8"),
        (b"version = 1\n#a\0b\n".to_vec(), "2:3", "U+0000"),
        (b"version = 1\r# x\n".to_vec(), "1:13", "carriage return"),
        ([b"version = 1\n".to_vec(), vec![b'#'; 1 << 20]].concat(), "1:1", "at most 1048576"),
    ];
    for (bytes, place, part) in cases {
        let problems = parse("policy.toml", &bytes).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].at.to_string(), place, "{problems:?}");
        assert!(problems[0].message.contains(part), "{problems:?}");
        caret_is_under_the_culprit("policy.toml", &bytes, &problems[0]);
    }
    let utf_16: Vec<u8> = "version = 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(!parse("policy.toml", &utf_16).unwrap_err().is_empty());
}

#[test]
fn values_arrive() {
    let policy = load("whole.toml", include_bytes!("../fixtures/policies/valid/whole.toml"));
    assert_eq!(policy.digest.len(), "sha256:".len() + 64);
    let server = &policy.server;
    assert_eq!(server.identity, Some(Identity::Gitolite));
    assert_eq!(server.decision_log.rotate, Some(64 << 20));
    assert_eq!((server.budget.time, server.budget.blob_bytes), (Duration::from_secs(10), 2 << 30));
    assert_eq!(server.import, ["alice", "bob"]);
    let ruleset = &policy.rulesets[0];
    assert!(!ruleset.actors.judges("alice") && ruleset.actors.judges("carol"));
    assert_eq!(ruleset.bypass[0].names, ["rel-bot", "alice", "bob"]);
    assert_eq!(ruleset.bypass[0].github, ["team:release", "app:release-please"]);
    assert_eq!(ruleset.bypass[0].until, Some(jiff::civil::date(2027, 1, 31)));
    let ids: Vec<_> = ruleset.rules.iter().map(|rule| (rule.rule.info().id, rule.at.line)).collect();
    assert_eq!(ids.first(), Some(&("creation", 29)));
    assert_eq!(ids.last(), Some(&("required_status_checks", 44)));
    assert_eq!(ids.len(), 9);
    let includes: Vec<_> = ruleset.refs.include.patterns().iter().map(|pattern| pattern.as_str()).collect();
    assert_eq!(includes, ["refs/heads/release/**/*"]);
    assert!(ruleset.refs.include_default && !ruleset.refs.include_all);
}

#[test]
fn defaults_are_strict() {
    let policy = load("p", b"version = 1\n[server]\nidentity = \"ghes\"\n[[ruleset]]\nname = \"a\"\ntarget = \"push\"\nrules.max_commits.max_commits = 1\n");
    assert_eq!(policy.server.budget.time, Duration::from_secs(4));
    assert_eq!(policy.rulesets[0].enforcement, Enforcement::Active);
    assert!(policy.rulesets[0].repositories.include_all && policy.rulesets[0].actors.is_everyone());
    assert!(policy.rulesets[0].refs.include_all);
    let allowed: Vec<_> = policy.server.allowed_refs.patterns().iter().map(|pattern| pattern.as_str()).collect();
    assert_eq!(allowed, ["refs/heads/**/*", "refs/tags/**/*"]);
    assert_eq!(policy.server.decision_log.path, "refwarden/decisions.jsonl");
    let slow = load("p", b"version = 1\n[server]\nidentity = \"ghes\"\nbudget.time = \"9s\"\n");
    assert_eq!(slow.server.budget.time, Duration::from_secs(9));
}

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 6, 1);

fn findings(policy: &str) -> Vec<Finding> {
    lint(&load("policy.toml", policy.as_bytes()), TODAY)
}

#[test]
fn shipped_policies_load_and_lint_clean() {
    let files = files("policies");
    assert!(files.len() >= 4);
    for (name, path) in files {
        let bytes = fs::read(path).unwrap();
        let policy = load(&name, &bytes);
        let warnings: Vec<_> = lint(&policy, TODAY).into_iter().filter(|finding| finding.level == Level::Warning).collect();
        assert_eq!(warnings, [], "{name}");
        assert!(bytes.split(|byte| *byte == b'\n').count() <= 61, "{name} is too long to be read at once");
    }
}

/// A ruleset of that target, with these lines above its rules, and these rules.
fn ruleset(name: &str, target: &str, lines: &str, rules: &str) -> String {
    format!("[[ruleset]]\nname = \"{name}\"\ntarget = \"{target}\"\n{lines}\n[ruleset.rules]\n{rules}\n")
}

/// For each lint: what it speaks of, and the nearest policy of which it does not.
#[test]
fn every_lint_speaks_and_is_silent() {
    let server = "version = 1\nserver.identity = \"ssh\"\n";
    let branch = |lines: &str, rules: &str| server.to_owned() + &ruleset("a", "branch", lines, rules);
    let on = |host: &str, lines: &str, rules: &str| {
        format!("version = 1\nserver.identity = \"{host}\"\n") + &ruleset("a", "branch", lines, rules)
    };
    let main = "refs = [\"~DEFAULT_BRANCH\"]";
    let paths = "file_path_restriction = { restricted_file_paths = [\"ci/**/*\"] }";
    let restricted = |paths: &str| format!("file_path_restriction = {{ restricted_file_paths = [{paths}] }}");
    let cases: Vec<(&str, String, String)> = vec![
        ("no_identity", "version = 1\n".to_owned(), server.to_owned()),
        ("no_rulesets", server.to_owned(), branch(main, "deletion = true")),
        (
            "unused_group",
            format!("{server}[groups]\na = [\"@b\"]\nb = [\"x\"]\n"),
            format!("{server}import = [\"@a\"]\n[groups]\na = [\"@b\"]\nb = [\"x\"]\n").replace("import", "server.import"),
        ),
        (
            "never_matches",
            branch("refs = [\"refs/tags/x\"]", "deletion = true"),
            branch("refs = [\"topic/x\"]", "deletion = true"),
        ),
        (
            "never_matches",
            format!("{server}server.allowed_refs = [\"refs/heads/agent/*\"]\n")
                + &ruleset("a", "branch", "refs = [\"main\"]", "deletion = true"),
            format!("{server}server.allowed_refs = [\"refs/heads/*\"]\n")
                + &ruleset("a", "branch", "refs = [\"main\"]", "deletion = true"),
        ),
        (
            "exclude_without_effect",
            branch("refs = { include = [\"release/*\"], exclude = [\"releases/x\"] }", "deletion = true"),
            branch("refs = { include = [\"release/*\"], exclude = [\"release/x\"] }", "deletion = true"),
        ),
        (
            "ruleset_disabled",
            branch(&format!("{main}\nenforcement = \"disabled\""), "deletion = true"),
            branch(&format!("{main}\nenforcement = \"active\""), "deletion = true"),
        ),
        (
            "ruleset_evaluated",
            branch(&format!("{main}\nenforcement = \"evaluate\""), "deletion = true"),
            branch(&format!("{main}\nenforcement = \"disabled\""), "deletion = true"),
        ),
        (
            "judges_nobody",
            format!("{}[groups]\ng = [\"team:x\", \"x\"]\n", branch(&format!("{main}\nactors = [\"@g\"]"), "deletion = true")),
            format!("{}[groups]\ng = [\"x\"]\n", branch(&format!("{main}\nactors = [\"@g\"]"), "deletion = true")),
        ),
        (
            "excluded_by_wildcard",
            branch(&format!("{main}\nactors = [\"!lead-*\"]"), "deletion = true"),
            branch(&format!("{main}\nactors = [\"!lead-1\", \"agent-*\"]"), "deletion = true"),
        ),
        (
            "bypass_expired",
            branch(&format!("{main}\nbypass = [{{ actor = \"x\", until = 2026-05-31 }}]"), "deletion = true"),
            branch(&format!("{main}\nbypass = [{{ actor = \"x\", until = 2026-06-01 }}]"), "deletion = true"),
        ),
        (
            "bypass_names_nobody",
            format!("{server}groups.none = []\n")
                + &ruleset("a", "branch", &format!("{main}\nbypass = [{{ actor = \"@none\" }}]"), "deletion = true"),
            branch(&format!("{main}\nbypass = [{{ actor = \"team:x\" }}]"), "deletion = true"),
        ),
        (
            "bypass_without_effect",
            branch(&format!("{main}\nactors = [\"!x\"]\nbypass = [{{ actor = \"x\" }}]"), "deletion = true"),
            branch(&format!("{main}\nactors = [\"!y\"]\nbypass = [{{ actor = \"x\" }}]"), "deletion = true"),
        ),
        (
            "bypass_without_effect",
            branch(
                &format!("{main}\nbypass = [{{ actor = \"x\" }}, {{ actor = \"x\", until = 2999-01-01 }}]"),
                "deletion = true",
            ),
            branch(
                &format!("{main}\nbypass = [{{ actor = \"x\", until = 2999-01-01 }}, {{ actor = \"x\" }}]"),
                "deletion = true",
            ),
        ),
        ("creation_without_deletion", branch(main, "creation = true"), branch(main, "creation = true\ndeletion = true")),
        (
            "creation_without_deletion",
            branch("refs = [\"a/*\"]", "creation = true") + &ruleset("b", "branch", "refs = [\"b/*\"]", "deletion = true"),
            branch("refs = [\"a/*\"]", "creation = true")
                + &ruleset("b", "branch", "refs = [\"a/*\", \"b/*\"]", "deletion = true"),
        ),
        (
            "deletion_without_creation",
            branch("refs = [\"a/*\"]", "deletion = true"),
            branch("refs = [\"a/b\"]", "deletion = true"),
        ),
        (
            "non_fast_forward_without_deletion",
            branch(main, "non_fast_forward = true"),
            branch(main, "non_fast_forward = true") + &ruleset("b", "branch", "refs = [\"~ALL\"]", "deletion = true"),
        ),
        (
            "enters_through_default_branch",
            branch("refs = [\"release/*\"]", paths),
            branch("refs = [\"release/*\"]", paths) + &ruleset("b", "branch", main, paths),
        ),
        (
            "enters_through_default_branch",
            branch("refs = { include = [\"~ALL\"], exclude = [\"~DEFAULT_BRANCH\"] }", paths),
            branch("refs = [\"release/*\"]", paths) + &ruleset("b", "push", "", paths),
        ),
        (
            "enters_through_default_branch",
            server.to_owned() + &ruleset("a", "tag", "refs = [\"v*\"]", paths),
            server.to_owned() + &ruleset("a", "tag", "refs = [\"v*\"]\ntrust_default_branch = false", paths),
        ),
        (
            "enters_through_default_branch",
            branch("refs = [\"release/*\"]", paths) + &ruleset("b", "push", "actors = [\"agent\"]", paths),
            branch("refs = [\"release/*\"]\nactors = [\"agent\"]", paths) + &ruleset("b", "push", "", paths),
        ),
        ("default_branch_by_name", branch("refs = [\"main\"]", paths), branch("refs = [\"main\", \"~DEFAULT_BRANCH\"]", paths)),
        (
            "default_branch_by_name",
            branch("refs = [\"main\"]", paths),
            branch("refs = [\"main\"]\ntrust_default_branch = false", paths),
        ),
        ("narrow_pattern", branch("refs = [\"*\"]", "deletion = true"), branch("refs = [\"*\", \"**/*\"]", "deletion = true")),
        (
            "narrow_pattern",
            branch("refs = [\"release*\"]", "deletion = true"),
            branch("refs = [\"release*\", \"release*/**/*\"]", "deletion = true"),
        ),
        (
            "narrow_pattern",
            branch("refs = [\"release*\"]", "deletion = true"),
            branch("refs = [\"release/*\"]", "deletion = true"),
        ),
        ("narrow_pattern", branch(main, &restricted("\"infra\"")), branch(main, &restricted("\"infra\", \"infra/**/*\""))),
        ("narrow_pattern", branch(main, &restricted("\"*.pem\"")), branch(main, &restricted("\"**/*.pem\""))),
        ("narrow_pattern", branch(main, &restricted("\"Dockerfile\"")), branch(main, &restricted("\"**/Dockerfile\""))),
        ("narrow_pattern", branch(main, &restricted("\".github/workflows\"")), branch(main, &restricted("\"CODEOWNERS\""))),
        ("one_level", branch(main, &restricted("\"infra/*\"")), branch(main, &restricted("\"infra/**/*\""))),
        ("one_level", branch(main, &restricted("\"README.md\"")), branch(main, &restricted("\"**/README.md\""))),
        (
            "one_level",
            server.to_owned() + &ruleset("a", "tag", "refs = [\"v*\"]", "deletion = true"),
            server.to_owned() + &ruleset("a", "tag", "refs = [\"v*\", \"v*/**/*\"]", "deletion = true"),
        ),
        (
            "one_level",
            format!("{server}server.allowed_refs = [\"refs/heads/*\"]\n"),
            format!("{server}server.allowed_refs = [\"refs/heads/**/*\"]\n"),
        ),
        (
            "one_level",
            branch(&format!("{main}\nrepositories = [\"acme/*\"]"), "deletion = true").replace("\"ssh\"", "\"gitlab\""),
            branch(&format!("{main}\nrepositories = [\"acme/*\"]"), "deletion = true").replace("\"ssh\"", "\"gitea\""),
        ),
        (
            "loose_pattern",
            branch(main, "branch_name_pattern = { operator = \"regex\", pattern = \"feature/.*\" }"),
            branch(main, "branch_name_pattern = { operator = \"regex\", pattern = \"^feature/.*\" }"),
        ),
        (
            "loose_pattern",
            branch(main, "commit_author_email_pattern = { operator = \"regex\", pattern = '@example\\.org' }"),
            branch(main, "commit_author_email_pattern = { operator = \"regex\", pattern = '@example\\.org$' }"),
        ),
        (
            "loose_pattern",
            branch(main, "committer_email_pattern = { operator = \"contains\", pattern = \"@example.org\" }"),
            branch(main, "committer_email_pattern = { operator = \"contains\", pattern = \"noreply\", negate = true }"),
        ),
        (
            "repeated_rule",
            branch(main, "max_commits = [{ max_commits = 1 }, { max_commits = 1 }]"),
            branch(main, "max_commits = [{ max_commits = 1 }, { max_commits = 2 }]"),
        ),
        (
            "old_version_by_creation",
            branch("refs = [\"~ALL\"]", paths),
            branch("refs = [\"~ALL\"]", &format!("{paths}\ncreation = true")),
        ),
        ("old_version_by_creation", branch(main, paths), branch(main, &format!("{paths}\ndeletion = true"))),
        ("refuses_direct_pushes", branch(main, "pull_request = {}"), branch(main, "deletion = true")),
        (
            "merged_is_not_approved",
            on("gitea", main, "pull_request = { required_approving_review_count = 1 }"),
            on("gitea", main, "pull_request = { allowed_merge_methods = [\"squash\"] }"),
        ),
        (
            "merged_is_not_approved",
            on("ghes", main, "pull_request = { require_code_owner_review = true }"),
            on("ssh", main, "pull_request = { require_code_owner_review = true }"),
        ),
        (
            "merged_is_not_approved",
            on("forgejo", main, "required_status_checks = { required_status_checks = [{ context = \"ci\" }] }"),
            on("gitlab", main, "required_status_checks = { required_status_checks = [{ context = \"ci\" }] }"),
        ),
        (
            "host_gives_no_such_name",
            on("gitlab", &format!("{main}\nactors = [\"!deploy-key:7\"]"), "deletion = true"),
            on("gitea", &format!("{main}\nactors = [\"!deploy-key:7\"]"), "deletion = true"),
        ),
        (
            "host_gives_no_such_name",
            on("forgejo", &format!("{main}\nbypass = [{{ actor = \"forgejo-actions\" }}]"), "deletion = true"),
            on("forgejo", &format!("{main}\nbypass = [{{ actor = \"actions:*\" }}]"), "deletion = true"),
        ),
        (
            "host_gives_no_such_name",
            on("push-cert", &format!("{main}\nactors = [\"key:61092E85B7227189\"]"), "deletion = true"),
            on(
                "push-cert",
                &format!("{main}\nactors = [\"key:SHA256:Om3lKT0CsYAzKbSUqiIzTDWwEDlGOTBfFeyG0nsBFCs\"]"),
                "deletion = true",
            ),
        ),
        (
            "host_gives_no_such_name",
            on("gitlab", main, "deletion = true").replace("\n[[", "\nserver.import = [\"deploy-key:1\"]\n[["),
            on("gitlab", main, "deletion = true").replace("\n[[", "\nserver.import = [\"alice\"]\n[["),
        ),
        (
            "bypass_for_ci_runs",
            on("gitea", &format!("{main}\nbypass = [{{ actor = \"actions:*\" }}]"), "deletion = true"),
            on("gitea", &format!("{main}\nbypass = [{{ actor = \"actions:7\" }}]"), "deletion = true"),
        ),
        (
            "excluded_by_wildcard",
            on("gitea", &format!("{main}\nactors = [\"!actions-*\"]"), "deletion = true"),
            on("gitea", &format!("{main}\nactors = [\"!actions:*\"]"), "deletion = true"),
        ),
        ("not_on_a_server", branch(main, "license_compliance_scanning = true"), branch(main, "deletion = true")),
        ("not_on_github", branch(main, "max_commits = { max_commits = 1 }"), branch(main, "deletion = true")),
        ("not_on_github", branch(main, paths), server.to_owned() + &ruleset("a", "push", "", paths)),
        ("not_used_yet", format!("{server}[signers]\n"), server.to_owned()),
    ];
    for (id, speaks, silent) in &cases {
        assert!(findings(speaks).iter().any(|finding| finding.id == *id), "{id} is silent about\n{speaks}");
        assert!(!findings(silent).iter().any(|finding| finding.id == *id), "{id} speaks about\n{silent}");
    }
    for lint in LINTS {
        assert!(cases.iter().any(|(id, ..)| *id == lint.id), "no case for {}", lint.id);
    }
}

/// A variable is believed for how it is named: as a server names one in which it says who pushes, or where.
#[test]
fn variables_of_servers_load_and_others_do_not() {
    let loads = |key: &str, name: &str| {
        let other = if key == "env" { "" } else { "env = \"PUSHER\", " };
        parse("p", format!("version = 1\n[server]\nidentity = {{ {other}{key} = \"{name}\" }}\n").as_bytes()).is_ok()
    };
    for name in [
        "PUSHER",
        "WHO",
        "WHERE",
        "ACTOR",
        "REMOTE_USER",
        "AUTH_USER",
        "SITE_USER",
        "PUSHED_REPOSITORY",
        "PROJECT_PATH",
        "GL_USER",
        "GERRIT_USERNAME",
        "SSL_CLIENT_S_DN_CN",
        "GOGS_AUTH_USER_NAME",
        "REDIRECT_REMOTE_USER",
        "SITE2_KEY",
    ] {
        assert!(loads("env", name) && loads("repository_env", name), "{name} does not load");
    }
    for name in [
        "_",
        "BASH_ENV",
        "CDPATH",
        "COLORTERM",
        "CONTENT_ID",
        "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",
        "EDITOR",
        "EMAIL",
        "ENV",
        "GIT_PUSH_CERT_SIGNER",
        "GIT_USER",
        "HOME",
        "HOSTNAME",
        "HTTPS",
        "HTTP_X_USER",
        "IFS",
        "LANG",
        "LANGUAGE",
        "LC_NAME",
        "LC_REPO",
        "LD_LIBRARY_PATH",
        "LESS",
        "LOGNAME",
        "LS_COLORS",
        "MAIL",
        "MAKEFLAGS",
        "NO_COLOR",
        "OLDPWD",
        "PAGER",
        "PATH",
        "PATH_INFO",
        "PS1",
        "PWD",
        "QUERY_STRING",
        "REDIRECT_HTTP_USER",
        "REMOTE_ADDR",
        "REMOTE_HOST",
        "REMOTE_IDENT",
        "REMOTE_NAME",
        "REMOTE_PORT",
        "REQUEST_URI",
        "SCRIPT_NAME",
        "SERVER_NAME",
        "SHELL",
        "SSH_CLIENT",
        "SSH_CONNECTION",
        "SSH_ORIGINAL_COMMAND",
        "SSH_USER",
        "SUDO_USER",
        "TERM",
        "TERM_NAME",
        "TZ",
        "USER",
        "USERNAME",
        "VISUAL",
        "XDG_SESSION_ID",
        "XMODIFIERS",
        "_USER",
        "USER_",
        "http_proxy",
        "pusher",
        "Pusher",
        "site_user",
        "SITE__USER",
    ] {
        assert!(!loads("env", name), "{name} loads");
        assert!(!loads("repository_env", name), "{name} loads as a repository's");
    }
}

/// The log lies where git neither reads nor writes, whatever else git may come to use.
#[test]
fn the_log_lies_where_git_does_not() {
    let loads = |path: &str| parse("p", format!("version = 1\nserver.decision_log.path = \"{path}\"\n").as_bytes()).is_ok();
    for path in [
        "refwarden/decisions.jsonl",
        "refwarden/a/b",
        "refwarden/HEAD",
        "decisions.jsonl",
        "audit/decisions.jsonl",
        "/var/log/refwarden/decisions.jsonl",
        "/var/log/pushes",
    ] {
        assert!(loads(path), "{path} does not load");
    }
    for path in [
        "HEAD",
        "head",
        "Commondir",
        "commondir",
        "gitdir",
        "config",
        "config.worktree",
        "config.lock",
        "HEAD.lock",
        "index",
        "index.lock",
        "packed-refs",
        "packed-refs.lock",
        "packed-refs.new",
        "shallow",
        "gc.log",
        "gc.pid",
        "description",
        "refwarden",
        "refwarden.toml",
        "decisions.log",
        "log/decisions",
        "refs/heads/log.jsonl",
        "Refs/log.jsonl",
        "objects/info/x.jsonl",
        "hooks/pre-receive",
        "hooks/x.jsonl",
        "logs/x.jsonl",
        "info/x.jsonl",
        "worktrees/x.jsonl",
        "modules/x.jsonl",
        "reftable/x.jsonl",
        "custom_hooks/x.jsonl",
        "main.lock/x.jsonl",
        "refwarden/x.lock",
        "refwarden/decisions.jsonl.LOCK",
        "/srv/git/app.git/commondir",
        "/srv/git/app.git/HEAD",
        "/srv/git/app.git/x.lock",
    ] {
        assert!(!loads(path), "{path} loads");
    }
}

#[test]
fn findings_hide_nothing() {
    let policy = "version = 1\nserver.identity = \"ssh\"\n".to_owned()
        + &ruleset("क्\\u200dष", "branch", "refs = [\"refs/tags/क्\\u200dष\"]", "deletion = true");
    let found = findings(&policy);
    assert!(!found.is_empty());
    for finding in found {
        assert!(!finding.message.contains('\u{200d}'), "{finding:?}");
    }
}

/// Each rule's example, in a ruleset where the rule may stand.
#[test]
fn examples_of_rules_load() {
    for entry in RULES {
        for target in entry.info.targets {
            let refs = if *target == Target::Push { "" } else { "refs = [\"~ALL\"]" };
            let rules = format!("{} = {}", entry.info.id, entry.info.example);
            let policy =
                load(entry.info.id, ("version = 1\n".to_owned() + &ruleset("a", target.as_str(), refs, &rules)).as_bytes());
            assert_eq!(policy.rulesets[0].rules.len(), 1, "{rules}");
        }
    }
}

/// The table of rules in docs/policy.md is this, between its two marks.
fn table_of_rules() -> String {
    let mut table = "| rule | stands in | refuses | example |\n|---|---|---|---|\n".to_owned();
    for entry in RULES {
        let info = entry.info;
        let targets: Vec<_> = info.targets.iter().map(|target| target.as_str()).collect();
        let refuses = match info.not_on_a_server {
            Some(why) => format!("nothing on a git server: {why}"),
            None => info.summary.to_owned(),
        };
        let cell = |text: &str| text.replace('|', "\\|");
        table += &format!(
            "| <a id=\"{id}\"></a>`{id}` | {} | {} | `{id} = {}` |\n",
            targets.join(", "),
            cell(&refuses),
            cell(info.example),
            id = info.id,
        );
    }
    table
}

#[test]
fn the_documentation_lists_every_rule() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policy.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- rules -->\n").unwrap();
    let (written, after) = rest.split_once("<!-- end of rules -->").unwrap();
    if std::env::var_os("REFWARDEN_BLESS").is_some() {
        fs::write(&path, format!("{before}<!-- rules -->\n{}<!-- end of rules -->{after}", table_of_rules())).unwrap();
        return;
    }
    assert_eq!(written, table_of_rules(), "run the tests with REFWARDEN_BLESS=1 to write the table anew");
}

/// Each TOML block of the documentation loads, by itself or below the first lines of a policy.
#[test]
fn the_documentation_s_examples_load() {
    let read = |file: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let text = read("docs/policy.md");
    for (file, least) in [("docs/policy.md", 5), ("docs/cookbook.md", 6)] {
        let text = read(file);
        let blocks: Vec<&str> = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
        assert!(blocks.len() >= least, "{file}");
        for block in blocks {
            let whole = if block.contains("version = 1") { block.to_owned() } else { format!("version = 1\n{block}") };
            load(file, whole.as_bytes());
        }
    }
    for lint in LINTS {
        assert!(text.contains(&format!("`{}`", lint.id)), "docs/policy.md does not explain {}", lint.id);
    }
}

#[test]
fn refs_that_repeat_a_namespace_are_told() {
    for (target, refs, branch) in [("branch", "heads/main", "main"), ("branch", "origin/main", "main"), ("tag", "tags/v1", "v1")]
    {
        let policy = format!("{HEAD}{}", ruleset("a", target, &format!("refs = [\"{refs}\"]"), "deletion = true"));
        let found = findings(&policy);
        assert!(
            found.iter().any(|finding| finding.help.as_deref().is_some_and(|help| help.contains(&format!("write `{branch}`")))),
            "{refs}"
        );
        let plain = format!("{HEAD}{}", ruleset("a", target, &format!("refs = [\"{branch}\"]"), "deletion = true"));
        assert!(!findings(&plain).iter().any(|finding| finding.id == "never_matches"), "{branch}");
    }
}

#[test]
fn projects_of_people_and_names_that_modules_of_a_web_server_set_load() {
    let scoped = ruleset(
        "a",
        "branch",
        "refs = [\"main\"]\nrepositories = { include = [\"~alice/app\"], exclude = [\"~*/old\"] }",
        "deletion = true",
    );
    load("policy.toml", format!("{}{scoped}", HEAD.replace("\"ssh\"", "\"bitbucket\"")).as_bytes());
    for variable in ["AUTHENTICATE_SAMACCOUNTNAME", "OIDC_CLAIM_preferred_username", "SSL_CLIENT_S_DN_Email", "eppn"] {
        load("policy.toml", format!("version = 1\n[server]\nidentity = {{ env = \"{variable}\" }}\n").as_bytes());
    }
}
