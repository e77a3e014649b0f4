//! `[server]`.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::groups::Groups;
use super::quantity;
use super::reader::{Reader, Text, Value, suggestion};
use crate::git::pattern::PatternSet;
use crate::policy::{Budget, DecisionLogSettings, Identity, Location, Server};

const KEYS: &[&str] = &["identity", "allowed_refs", "decision_log", "root", "budget", "import", "policy_owners"];

pub(super) fn read(reader: &mut Reader<'_>, value: Option<&Value<'_>>, groups: &mut Groups) -> Server {
    let empty = DeTable::new();
    let table = value.and_then(|value| reader.table(value, "`[server]`", KEYS)).unwrap_or(&empty);
    let identity = table.get("identity").and_then(|value| identity(reader, value));
    groups.allow_ci_runs(identity.as_ref().and_then(Identity::ci_runs));
    let (allowed_refs, allowed_refs_at) = allowed_refs(reader, table.get("allowed_refs"));
    Server {
        allowed_refs,
        allowed_refs_at,
        decision_log: decision_log(reader, table.get("decision_log")),
        root: table.get("root").and_then(|value| root(reader, value)),
        budget: budget(reader, table.get("budget"), identity.as_ref()),
        import: table.get("import").map(|value| groups.exact_on_server(reader, value, "`import`")).unwrap_or_default(),
        policy_owners: table
            .get("policy_owners")
            .map(|value| groups.exact_on_server(reader, value, "`policy_owners`"))
            .unwrap_or_default(),
        identity,
    }
}

fn identity(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Identity> {
    match value.get_ref() {
        DeValue::Table(_) => {
            let table = reader.table(value, "`identity`", &["env", "repository_env"])?;
            let Some(env) = table.get("env") else {
                reader.missing(value.span(), "`identity` has no `env`", Some("name the variable: `{ env = \"NAME\" }`"));
                return None;
            };
            let env = variable(reader, env, "`env`");
            let repository_env = table.get("repository_env").map(|value| variable(reader, value, "`repository_env`"));
            Some(Identity::Env { env: env?, repository_env: repository_env.flatten() })
        }
        DeValue::String(word) => {
            let found = Identity::WORDS.iter().find(|(known, _)| known == word).map(|(_, identity)| identity.clone());
            if found.is_none() {
                let words: Vec<&str> = Identity::WORDS.iter().map(|(word, _)| *word).collect();
                reader.problem_help(value.span(), format!("unknown identity `{word}`"), Some(suggestion(word, &words)));
            }
            found
        }
        _ => {
            reader.wrong_kind(value, "`identity`", "a word such as `gitolite`, or `{ env = \"NAME\" }`");
            None
        }
    }
}

/// The last word of a variable in which a server says who pushes, or to which repository.
const SAYS: &[&str] = &[
    "ACCOUNT",
    "ACTOR",
    "BY",
    "CN",
    "DN",
    "EMAIL",
    "FINGERPRINT",
    "HANDLE",
    "ID",
    "IDENTITY",
    "KEY",
    "LOGIN",
    "MEMBER",
    "NAME",
    "OWNER",
    "PERSON",
    "PRINCIPAL",
    "PROJECT",
    "PUSHER",
    "REPO",
    "REPOSITORY",
    "SLUG",
    "SUB",
    "SUBJECT",
    "UID",
    "USER",
    "USERNAME",
    "WHERE",
    "WHO",
];

/// Those that say it alone. The others are then variables of a shell or of an account.
const SAYS_ALONE: &[&str] =
    &["ACCOUNT", "ACTOR", "LOGIN", "NAME", "PERSON", "PRINCIPAL", "PROJECT", "PUSHER", "REPO", "REPOSITORY", "WHERE", "WHO"];

/// How variables begin in which modules of a web server say whom they authenticated: mod_authnz_ldap, mod_auth_openidc, mod_ssl,
/// mod_shib and mod_auth_mellon. A header of a request cannot set them: its variable begins with `HTTP_`.
const OF_MODULES: &[&str] = &["AUTHENTICATE_", "MELLON_", "OIDC_CLAIM_", "SHIB_", "SSL_CLIENT_SAN_", "SSL_CLIENT_S_DN"];

/// Whether a variable of that name looks like one in which a server says who pushes, or to which repository.
fn says_who_or_where(name: &str) -> bool {
    if name == "eppn" || OF_MODULES.iter().any(|start| name.starts_with(start)) {
        return true;
    }
    let words: Vec<&str> = name.split('_').collect();
    let is_word = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    words.iter().all(is_word)
        && match words.as_slice() {
            [] => false,
            [word] => SAYS_ALONE.contains(word),
            [.., before, "PATH"] => ["PROJECT", "REPO", "REPOSITORY"].contains(before),
            [.., last] => SAYS.contains(last),
        }
}

/// Why nothing that the server vouches for is in a variable of that name. What is not written as a server writes such a
/// variable is not trusted, whether or not anybody is known to use it.
fn untrusted(name: &str) -> Option<&'static str> {
    /// First words of variables that a client fills, over http, over ssh, or as a locale and a terminal that it sends along.
    const CLIENT: &[&str] = &[
        "COLORTERM",
        "CONTENT",
        "DOCUMENT",
        "HTTP",
        "HTTPS",
        "LANG",
        "LANGUAGE",
        "LC",
        "PATH",
        "QUERY",
        "REQUEST",
        "SCRIPT",
        "SERVER",
        "SSH",
        "TERM",
        "TZ",
        "XMODIFIERS",
    ];
    /// First words of variables of an account, of its session and of what it runs.
    const ACCOUNT: &[&str] = &[
        "BASH", "DBUS", "EMAIL", "HOME", "LD", "LOGNAME", "LS", "MAIL", "OLDPWD", "PWD", "SHELL", "SUDO", "SYSTEMD", "USERNAME",
        "XDG",
    ];
    let first = name.split('_').next().unwrap_or_default();
    if first == "GIT" {
        Some("git sets it, or whoever calls git")
    } else if name != "PATH" && CLIENT.contains(&first) {
        Some("the client chooses it")
    } else if ["USER", "PATH"].contains(&name) || ACCOUNT.contains(&first) {
        Some("it is about the account that the server runs as")
    } else if ["REMOTE", "REDIRECT"].contains(&first) && !["REMOTE_USER", "REDIRECT_REMOTE_USER"].contains(&name) {
        Some("it is about the client's connection")
    } else if !says_who_or_where(name) {
        Some("its name does not say that it holds a pusher or a repository")
    } else {
        None
    }
}

fn variable(reader: &mut Reader<'_>, value: &Value<'_>, what: &str) -> Option<String> {
    let name = reader.text(value, what)?;
    let text = name.get_ref();
    let readable = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !text.starts_with(|c: char| c.is_ascii_digit());
    if !readable {
        let help = "letters, digits and `_`, not beginning with a digit";
        reader.problem_help(name.span(), format!("`{text}` is no name of an environment variable"), Some(help));
        return None;
    }
    if let Some(why) = untrusted(text) {
        let help = "name a variable that the server itself sets for each push, in capitals, such as `PUSHER` or `SITE_USER`";
        reader.problem_help(name.span(), format!("`{text}` proves nothing: {why}"), Some(help));
        return None;
    }
    Some(name.into_inner())
}

fn allowed_refs(reader: &mut Reader<'_>, value: Option<&Value<'_>>) -> (PatternSet, Location) {
    let (texts, at) = match value {
        Some(value) => {
            let texts = reader.texts(value, "`allowed_refs`");
            if matches!(value.get_ref(), DeValue::Array(array) if array.is_empty()) {
                reader.problem(value.span(), "`allowed_refs` is empty: every push would be refused");
            }
            (texts, reader.at(value.span().start))
        }
        None => {
            let default = ["refs/heads/**/*", "refs/tags/**/*"];
            (default.iter().map(|text| Spanned::new(0..0, (*text).to_owned())).collect(), Location::default())
        }
    };
    let mut patterns = Vec::new();
    for text in texts {
        if !text.get_ref().starts_with("refs/") {
            let help = "write full names, such as `refs/heads/**/*`";
            reader.problem_help(text.span(), format!("`{}` does not begin with `refs/`", text.get_ref()), Some(help));
        } else if let Some(pattern) = reader.pattern(&text, "") {
            patterns.push(pattern);
        }
    }
    (PatternSet::new(patterns), at)
}

/// A path's own folders, `.` and `..` make it point elsewhere than it reads.
fn is_plain_path(path: &str) -> bool {
    let relative = path.strip_prefix('/').unwrap_or(path);
    !relative.is_empty() && relative.split('/').all(|component| !["", ".", ".."].contains(&component))
}

/// What git itself keeps in its directory: nothing of the log may lie there, or in a folder that git takes for its own.
const GITS_OWN: &[&str] = &[
    "HEAD",
    "AUTO_MERGE",
    "BISECT_HEAD",
    "CHERRY_PICK_HEAD",
    "FETCH_HEAD",
    "MERGE_HEAD",
    "ORIG_HEAD",
    "REBASE_HEAD",
    "REVERT_HEAD",
    "branches",
    "commondir",
    "common",
    "config",
    "config.worktree",
    "custom_hooks",
    "description",
    "fsmonitor--daemon",
    "gitdir",
    "hooks",
    "index",
    "info",
    "lfs",
    "logs",
    "lost-found",
    "modules",
    "objects",
    "packed-refs",
    "rebase-apply",
    "rebase-merge",
    "refs",
    "reftable",
    "remotes",
    "sequencer",
    "shallow",
    "svn",
    "worktrees",
];

fn is_gits_own(name: &str) -> bool {
    GITS_OWN.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Whether git takes a file of that name for a lock, or a reader of the log for the log's own.
fn is_lock(name: &str) -> bool {
    name.len() >= ".lock".len() && name.as_bytes().iter().rev().zip(b"kcol.").all(|(a, b)| a.eq_ignore_ascii_case(b))
}

/// Whether a component below `refwarden/` is a file of refwarden's own or a lock: a log there breaks the import and later pushes.
fn is_state(path: &str) -> bool {
    let own = ["import.json", "log-places"];
    path.split('/').skip(1).any(is_lock)
        || path.split('/').nth(1).is_some_and(|name| own.iter().any(|own| own.eq_ignore_ascii_case(name)))
}

/// Why the log may not lie at this path of a git directory: git neither reads nor writes anything below `refwarden/`, and no
/// file whose name ends in `.jsonl`, outside of its own folders.
pub(crate) fn unfit_in_git_directory(path: &str) -> Option<String> {
    let mut components = path.split('/');
    let first = components.next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    if is_gits_own(first) || is_lock(first) {
        Some(format!("`{first}` in the git directory is git's own"))
    } else if is_lock(last) {
        Some(format!("`{last}` is the name of a lock"))
    } else if last == first && first == "refwarden" {
        Some("`refwarden` is a folder".to_owned())
    } else if first == "refwarden" && is_state(path) {
        Some(format!("`{path}` is where refwarden keeps its own state"))
    } else if first != "refwarden" && !last.ends_with(".jsonl") {
        Some(format!("`{path}` may be a file of git's own"))
    } else {
        None
    }
}

fn decision_log(reader: &mut Reader<'_>, value: Option<&Value<'_>>) -> DecisionLogSettings {
    let mut settings = DecisionLogSettings { path: "refwarden/decisions.jsonl".to_owned(), rotate: Some(64 << 20), keep: 0 };
    let Some(table) = value.and_then(|value| reader.table(value, "`decision_log`", &["path", "rotate", "keep"])) else {
        return settings;
    };
    if let Some(path) = table.get("path").and_then(|value| reader.text(value, "`path`"))
        && check_log_path(reader, &path)
    {
        settings.path = path.into_inner();
    }
    if let Some(rotate) = table.get("rotate").and_then(|value| quantity::size(reader, value, "`rotate`", 0)) {
        settings.rotate = Some(rotate).filter(|&bytes| bytes > 0);
    }
    if let Some(value) = table.get("keep")
        && let Some(keep) = reader.number(value, "`keep`", 0)
    {
        match u32::try_from(keep) {
            Ok(keep) => settings.keep = keep,
            Err(_) => reader.problem(value.span(), format!("`keep` is `{keep}`, expected at most {}", u32::MAX)),
        }
    }
    settings
}

fn check_log_path(reader: &mut Reader<'_>, path: &Text) -> bool {
    let text = path.get_ref().as_str();
    if !is_plain_path(text) {
        let help = "no component may be empty, `.` or `..`; a relative path starts in the git directory";
        reader.problem_help(path.span(), format!("`{text}` is no path for the decision log"), Some(help));
        return false;
    }
    let why = if text.starts_with('/') {
        // Which of these is a git directory nobody knows here; the hook looks again, at its own.
        let last = text.rsplit('/').next().unwrap_or_default();
        let state = text.match_indices("/refwarden/").map(|(at, _)| &text[at + 1..]).find(|path| is_state(path));
        if let Some(state) = state {
            Some(format!("`{state}` is where refwarden keeps its own state"))
        } else {
            (is_gits_own(last) || is_lock(last)).then(|| format!("`{last}` is a name that git uses"))
        }
    } else {
        unfit_in_git_directory(text)
    };
    if let Some(why) = why {
        let help = "a path below `refwarden/`, or one that ends in `.jsonl`; the default is `refwarden/decisions.jsonl`";
        reader.problem_help(path.span(), why, Some(help));
        return false;
    }
    true
}

fn root(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<String> {
    let root = reader.text(value, "`root`")?;
    let path = root.get_ref().strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(root.get_ref());
    if !path.starts_with('/') || !(path == "/" || is_plain_path(path)) {
        let help = "write an absolute path without `.` and `..`, such as `/srv/git`";
        reader.problem_help(root.span(), format!("`{}` is no root", root.get_ref()), Some(help));
        return None;
    }
    Some(path.to_owned())
}

fn budget(reader: &mut Reader<'_>, value: Option<&Value<'_>>, identity: Option<&Identity>) -> Budget {
    let mut budget = Budget::default();
    if identity == Some(&Identity::Ghes) {
        // GitHub Enterprise Server kills a hook after five seconds, and a killed hook cannot say why.
        budget.time = Duration::from_secs(4);
    }
    let keys = &["time", "commits", "paths", "blob_bytes"];
    let Some(table) = value.and_then(|value| reader.table(value, "`budget`", keys)) else { return budget };
    if let Some(time) = table.get("time").and_then(|value| quantity::duration(reader, value, "`time`")) {
        budget.time = time;
    }
    if let Some(commits) = table.get("commits").and_then(|value| reader.number(value, "`commits`", 1)) {
        budget.commits = commits;
    }
    if let Some(paths) = table.get("paths").and_then(|value| reader.number(value, "`paths`", 1)) {
        budget.paths = paths;
    }
    if let Some(bytes) = table.get("blob_bytes").and_then(|value| quantity::size(reader, value, "`blob_bytes`", 1)) {
        budget.blob_bytes = bytes;
    }
    budget
}
