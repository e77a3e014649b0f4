//! Real pushes to servers that give a hook exactly what a host gives it: each host's own variables, and no others.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::{HOOK, Pushed, Server, Storage, Work};

const RULES: &str = r#"
[[ruleset]]
name = "no secrets"
target = "branch"
refs = ["main"]
[ruleset.rules]
non_fast_forward = true
file_path_restriction = { restricted_file_paths = ["secret/**/*"] }
"#;

const STORAGES: [Storage; 4] = [
    Storage { sha256: false, reftable: false },
    Storage { sha256: true, reftable: false },
    Storage { sha256: false, reftable: true },
    Storage { sha256: true, reftable: true },
];

/// A server whose hook is started by this script, which calls the program `$HOOK`.
fn started_by(script: &str, policy: &str, storage: Storage) -> (Server, Work) {
    let server = Server::stored("", storage);
    server.policy(policy);
    start_by(&server, script);
    let work = server.with_main(&[("README", "1")]);
    (server, work)
}

fn start_by(server: &Server, script: &str) {
    let hook = server.dir.join("hooks/pre-receive");
    let _ = fs::remove_file(&hook);
    let there = server.folder.path().join("start");
    fs::write(&there, format!("#!/bin/sh\nHOOK='{HOOK}'\n{script}\n")).unwrap();
    fs::set_permissions(&there, fs::Permissions::from_mode(0o755)).unwrap();
    symlink(&there, &hook).unwrap();
}

fn policy(identity: &str, more: &str) -> String {
    format!("version = 1\n[server]\nidentity = \"{identity}\"\n{more}")
}

/// Whatever storage: an honest push, a forbidden one, a deletion.
#[track_caller]
fn serves(server: &Server, work: &Work, environment: &[(&str, &str)], refusal: &str) {
    let base = work.id("HEAD");
    let push = |arguments: &[&str]| work.push_with(arguments, environment);
    work.commit("good", &[("src/a", "1")]);
    push(&["main", "main:refs/heads/topic"]).accept();
    work.commit("bad", &[("secret/key", "1")]);
    let refused = push(&["main"]);
    assert!(!refused.accepted && refused.output.contains(refusal), "{}", refused.output);
    push(&["main:refs/heads/topic"]).accept();
    push(&[":refs/heads/topic"]).accept();
    let rewrite = push(&[&format!("+{base}:refs/heads/main")]);
    assert!(!rewrite.accepted && rewrite.output.contains("non_fast_forward"), "{}", rewrite.output);
    work.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    let decisions = server.decisions();
    assert_eq!(decisions.len(), 5, "{decisions:?}");
}

// GitLab: Gitaly hands on an allow-list of variables, and its own.

const GITALY: &str = r#"
hand_on() {
    exec env -i PATH="$PATH" HOME=/nonexistent TZ=UTC LD_LIBRARY_PATH= "$@" \
        GIT_DIR="$(pwd -P)" GL_REPOSITORY=project-7 GL_PROJECT_PATH=acme/app GL_ID=user-3 GL_USERNAME=dev GL_PROTOCOL=ssh "$HOOK"
}
if [ -z "$GIT_OBJECT_DIRECTORY" ]; then hand_on; fi
"#;

const AS_GIT_SAYS: &str = r#"
hand_on GIT_OBJECT_DIRECTORY="$GIT_OBJECT_DIRECTORY" GIT_ALTERNATE_OBJECT_DIRECTORIES="$GIT_ALTERNATE_OBJECT_DIRECTORIES"
"#;

#[test]
fn gitlab_hands_on_the_object_directory_alone() {
    for storage in STORAGES {
        let (server, work) = started_by(&format!("{GITALY}{AS_GIT_SAYS}"), &policy("gitlab", RULES), storage);
        serves(&server, &work, &[], "GL-HOOK-ERR: ");
        let last = server.decisions().pop().unwrap();
        assert_eq!((&last["actor"], &last["repository"]), (&"dev".into(), &"acme/app".into()));
    }
}

/// What a page or the API does is quarantined by Gitaly itself, in the storage.
#[test]
fn gitlab_s_own_quarantine_lies_in_its_storage() {
    let elsewhere = r#"
where=$(dirname "$(pwd -P)")/+gitaly/tmp/quarantine-53f4ac7c5a1d-2734839021
mkdir -p "$where" && cp -R "$GIT_OBJECT_DIRECTORY/." "$where"
hand_on GIT_OBJECT_DIRECTORY="$where" GIT_ALTERNATE_OBJECT_DIRECTORIES="$(pwd -P)/objects"
"#;
    let (server, work) = started_by(&format!("{GITALY}{elsewhere}"), &policy("gitlab", RULES), Storage::default());
    serves(&server, &work, &[], "GL-HOOK-ERR: ");
}

#[test]
fn objects_elsewhere_are_not_believed() {
    let copied = |to: &str| {
        format!(
            r#"{GITALY}
where="{to}"
mkdir -p "$where" && cp -R "$GIT_OBJECT_DIRECTORY/." "$where"
hand_on GIT_OBJECT_DIRECTORY="$where" GIT_ALTERNATE_OBJECT_DIRECTORIES="$(pwd -P)/objects"
"#
        )
    };
    let (server, work) = started_by(&copied("$(pwd -P)/../elsewhere"), &policy("gitlab", RULES), Storage::default());
    let linked = server.dir.join("objects/tmp_objdir-incoming-link");
    symlink(server.folder.path().join("linked"), &linked).unwrap();
    fs::create_dir(server.folder.path().join("linked")).unwrap();
    work.commit("good", &[("src/a", "1")]);
    for to in [
        "$(pwd -P)/../elsewhere",
        // Reached from the repository's own, and not in it.
        "$(pwd -P)/objects/tmp_objdir-incoming-link",
        "$(pwd -P)/objects/../refwarden",
        // No quarantine at all.
        "$(pwd -P)/objects",
        // Not Gitaly's: in the repository, below another folder, by another name.
        "$(pwd -P)/+gitaly/tmp/quarantine-1",
        "$(dirname \"$(pwd -P)\")/+gitaly/tmp/x/quarantine-1",
        "$(dirname \"$(pwd -P)\")/+gitaly/tmp/other-1",
    ] {
        start_by(&server, &copied(to));
        work.push_with(&["main"], &[]).undecided("not below the repository's own `objects`");
    }
    start_by(&server, &copied("$(pwd -P)/objects/incoming-Xy12"));
    work.push_with(&["main"], &[]).accept();
    // Gitaly's folder is GitLab's, and on another host only what a client may have named.
    server.policy(&policy("http", RULES));
    work.commit("more", &[("src/b", "1")]);
    let in_storage = r#"
where=$(dirname "$(pwd -P)")/+gitaly/tmp/quarantine-1
mkdir -p "$where" && cp -R "$GIT_OBJECT_DIRECTORY/." "$where"
unset GIT_QUARANTINE_PATH
GIT_OBJECT_DIRECTORY="$where" exec "$HOOK"
"#;
    start_by(&server, in_storage);
    assert!(!work.push_with(&["main"], &[("REMOTE_USER", "dev")]).accepted);
    start_by(&server, "unset GIT_QUARANTINE_PATH; exec \"$HOOK\"");
    work.push_with(&["main"], &[("REMOTE_USER", "dev")]).accept();
}

// Gitea and Forgejo: the wrapper reads everything and echoes it.

const GITEA: &str = r#"data=$(cat); echo "${data}" | "$HOOK""#;

const REPOSITORY: [(&str, &str); 5] = [
    ("GITEA_ROOT_URL", "https://git.example.org/"),
    ("GITEA_REPO_NAME", "app"),
    ("GITEA_REPO_USER_NAME", "acme"),
    ("GITEA_REPO_ID", "7"),
    ("GITEA_REPO_IS_WIKI", "false"),
];

fn as_gitea(work: &Work, arguments: &[&str], more: &[(&str, &str)]) -> Pushed {
    work.push_with(arguments, &[&REPOSITORY[..], more].concat())
}

const BY_HAND: [(&str, &str); 4] = [
    ("GITEA_PUSHER_NAME", "dev"),
    ("GITEA_PUSHER_ID", "3"),
    ("GITEA_DEPLOY_KEY_ID", "0"),
    ("SSH_ORIGINAL_COMMAND", "git-receive-pack 'acme/app.git'"),
];

/// What Gitea sets for a push of its own, by somebody.
const BY_GITEA: [(&str, &str); 5] = [
    ("GITEA_PUSHER_NAME", "dev"),
    ("GITEA_PUSHER_ID", "3"),
    ("GITEA_PR_ID", "0"),
    ("GITEA_PR_INDEX", "0"),
    ("SSH_ORIGINAL_COMMAND", "gitea-internal"),
];
const INTERNAL: (&str, &str) = ("GITEA_INTERNAL_PUSH", "true");

#[test]
fn gitea_serves() {
    for storage in STORAGES {
        for identity in ["gitea", "forgejo"] {
            let (server, work) = started_by(GITEA, &policy(identity, RULES), storage);
            serves(&server, &work, &[&REPOSITORY[..], &BY_HAND].concat(), "file_path_restriction");
        }
    }
}

#[test]
fn gitea_keeps_pull_requests_in_its_own_refs() {
    let everywhere = RULES.replace("\"branch\"\nrefs = [\"main\"]", "\"push\"").replace("non_fast_forward = true\n", "");
    for storage in STORAGES {
        let (server, work) = started_by(GITEA, &policy("gitea", &everywhere), storage);
        let internal = [&BY_GITEA[..], &[INTERNAL]].concat();
        let first = work.commit("topic", &[("src/a", "1")]);
        // By hand, whatever else a client may send along.
        for variables in [&BY_HAND[..], &[&BY_HAND[..], &[INTERNAL]].concat(), &BY_GITEA] {
            as_gitea(&work, &["main:refs/pull/1/head"], variables).refuse("allowed_refs");
        }
        as_gitea(&work, &["main:refs/pull/1/head"], &internal).accept();
        work.git(["commit", "--quiet", "--amend", "--message", "again"]);
        as_gitea(&work, &["+main:refs/pull/1/head"], &internal).accept();
        for name in ["refs/pull/1/base", "refs/notes/commits", "refs/pull/x/head"] {
            as_gitea(&work, &[&format!("main:{name}")], &internal).refuse("allowed_refs");
        }
        as_gitea(&work, &[":refs/pull/1/head"], &BY_HAND).refuse("allowed_refs");
        // What is new to the repository is judged by whatever ref it comes.
        work.commit("bad", &[("secret/key", "1")]);
        as_gitea(&work, &["main:refs/pull/2/head"], &internal).refuse("file_path_restriction");
        // Opened by a push. Here git writes what Gitea would take over.
        as_gitea(&work, &["main:refs/for/main/topic"], &BY_HAND).refuse("file_path_restriction");
        as_gitea(&work, &[&format!("{first}:refs/for/main/topic")], &BY_HAND).accept();
        as_gitea(&work, &[&format!("+{first}~1:refs/for/main/topic")], &BY_HAND).refuse("allowed_refs");
        as_gitea(&work, &[":refs/for/main/topic"], &BY_HAND).refuse("allowed_refs");
        // Both in one push, as no git client sends them.
        let (null, tip) = (server.null(), server.value("refs/heads/main").unwrap());
        let lines = format!("{null} {tip} refs/for/main/x\n{tip} {null} refs/for/main/x\n");
        let (code, text) = server.hook(None, lines.as_bytes(), &[&REPOSITORY[..], &BY_HAND].concat());
        assert!(code == Some(1) && text.contains("allowed_refs"), "{text}");
        // Such names are this host's.
        server.policy(&policy("http", &everywhere));
        let http = [&internal[..], &[("REMOTE_USER", "dev")]].concat();
        as_gitea(&work, &[&format!("{first}:refs/pull/3/head")], &http).refuse("allowed_refs");
        as_gitea(&work, &[&format!("{first}:refs/for/main/other")], &http).refuse("allowed_refs");
    }
}

/// A ref of the host's own reaches nothing else unjudged.
#[test]
fn gitea_s_own_refs_are_no_alias() {
    let (server, work) = started_by(GITEA, &policy("gitea", RULES), Storage::default());
    server.git(["symbolic-ref", "refs/pull/1/head", "refs/heads/main"]);
    work.commit("bad", &[("secret/key", "1")]);
    let internal = [&BY_GITEA[..], &[INTERNAL]].concat();
    as_gitea(&work, &["main:refs/pull/1/head"], &internal).refuse("file_path_restriction");
    server.git(["symbolic-ref", "refs/pull/2/head", "refs/hidden/x"]);
    as_gitea(&work, &["main:refs/pull/2/head"], &internal).refuse("allowed_refs");
}

#[test]
fn gitea_s_merge_is_of_one_branch() {
    let reviewed = "[[ruleset]]\nname = \"by pull request\"\ntarget = \"branch\"\nrefs = [\"main\", \"release\"]\nrules = { pull_request = {} }\n";
    for storage in STORAGES {
        let (_server, work) = started_by(GITEA, &policy("gitea", reviewed), storage);
        work.force("main:refs/heads/release");
        let merge = |more: &[(&'static str, &'static str)]| {
            let mut variables = vec![
                ("GITEA_PUSHER_NAME", "dev"),
                ("GITEA_PUSHER_ID", "3"),
                ("GITEA_PR_ID", "12"),
                ("GITEA_PR_INDEX", "4"),
                ("SSH_ORIGINAL_COMMAND", "gitea-internal"),
                ("GITEA_PUSH_TRIGGER", "pr-merge-to-base"),
            ];
            variables.extend_from_slice(more);
            variables
        };
        work.commit("merged", &[("src/a", "1")]);
        as_gitea(&work, &["main"], &BY_HAND).refuse("pull_request");
        as_gitea(&work, &["main"], &BY_GITEA).refuse("pull_request");
        for not in [
            ("SSH_ORIGINAL_COMMAND", "git-receive-pack 'acme/app.git'"),
            ("SSH_ORIGINAL_COMMAND", "receive-pack"),
            ("GITEA_PR_ID", "0"),
            ("GITEA_PUSH_TRIGGER", "pr-update-with-base"),
        ] {
            as_gitea(&work, &["main"], &merge(&[not])).refuse("pull_request");
        }
        as_gitea(&work, &["main", "main:refs/heads/release"], &merge(&[])).refuse("pull_request");
        as_gitea(&work, &["main", "main:refs/heads/topic"], &merge(&[])).refuse("pull_request");
        as_gitea(&work, &["main"], &merge(&[])).accept();
    }
}

/// The host's own protection has looked at the branch that it was asked to merge into, not at where that one leads.
#[test]
fn a_merge_into_a_symbolic_ref_is_of_another_branch() {
    let reviewed =
        "[[ruleset]]\nname = \"by pull request\"\ntarget = \"branch\"\nrefs = [\"main\"]\nrules = { pull_request = {} }\n";
    let (server, work) = started_by(GITEA, &policy("gitea", reviewed), Storage::default());
    server.git(["symbolic-ref", "refs/heads/side", "refs/heads/main"]);
    work.commit("merged", &[("src/a", "1")]);
    let merge = [&BY_GITEA[..2], &[("GITEA_PR_ID", "12"), BY_GITEA[4], ("GITEA_PUSH_TRIGGER", "pr-merge-to-base")]].concat();
    as_gitea(&work, &["main:refs/heads/side"], &merge).refuse("pull_request");
    as_gitea(&work, &["main"], &merge).accept();
}

#[test]
fn gitea_s_actions_go_by_one_name() {
    let rules = "[[ruleset]]\nname = \"bots release\"\ntarget = \"tag\"\nrefs = [\"~ALL\"]\nbypass = [{ actor = \"actions:*\" }]\nrules = { creation = true }\n";
    for identity in ["gitea", "forgejo"] {
        let (server, work) = started_by(GITEA, &policy(identity, rules), Storage::default());
        let http = ("SSH_ORIGINAL_COMMAND", "receive-pack");
        for (tag, variables) in [
            (
                "v1",
                &[("GITEA_PUSHER_NAME", "gitea-actions"), ("GITEA_PUSHER_ID", "-2"), ("GITEA_ACTIONS_TASK_ID", "41"), http][..],
            ),
            ("v2", &[("GITEA_PUSHER_NAME", "gitea-actions"), ("GITEA_PUSHER_ID", "-2"), ("GITEA_ACTIONS_TASK_ID", "42"), http]),
            ("v3", &[("GITEA_PUSHER_NAME", "forgejo-actions"), ("GITEA_PUSHER_ID", "-2"), ("GITEA_ACTION_PERM", "2"), http]),
            ("v4", &[("GITEA_PUSHER_NAME", "gitea-actions"), ("GITEA_ACTION_PERM", "2"), http]),
            ("v5", &[("GITEA_PUSHER_NAME", "gitea-actions"), ("GITEA_PUSHER_ID", "-2"), ("GITEA_PR_ID", "0"), BY_GITEA[4]]),
        ] {
            as_gitea(&work, &[&format!("main:refs/tags/{tag}")], variables).accept();
        }
        as_gitea(&work, &["main:refs/tags/v6"], &BY_HAND).refuse("creation");
        for name in ["actions", "gitea-actions", "actions-7"] {
            as_gitea(&work, &["main:refs/tags/v6"], &[("GITEA_PUSHER_NAME", name), http]).refuse("creation");
        }
        as_gitea(&work, &["main:refs/tags/v6"], &[("GITEA_PUSHER_NAME", "actions:7"), http]).undecided("GITEA_PUSHER_NAME");
        let actors: Vec<_> = server.decisions().iter().map(|line| line["actor"].as_str().unwrap_or("none").to_owned()).collect();
        assert_eq!(actors[..5], ["actions:41", "actions:42", "actions:unknown", "actions:unknown", "actions:unknown"]);
    }
}

// GitHub Enterprise Server: everything that git sets, and its own.

#[test]
fn ghes_merges_into_the_base_that_it_names() {
    let reviewed = "[[ruleset]]\nname = \"by pull request\"\ntarget = \"branch\"\nrefs = [\"main\", \"release\"]\nrules = { pull_request = {} }\n";
    let script = r#"exec env -i PATH="$PATH" GIT_DIR="$GIT_DIR" GIT_OBJECT_DIRECTORY="$GIT_OBJECT_DIRECTORY" \
        GIT_ALTERNATE_OBJECT_DIRECTORIES="$GIT_ALTERNATE_OBJECT_DIRECTORIES" GIT_QUARANTINE_PATH="$GIT_QUARANTINE_PATH" \
        GIT_USER_AGENT=git/2.47.3 GITHUB_REPO_NAME=acme/app GITHUB_REPO_PUBLIC=false GITHUB_USER_IP=192.0.2.7 \
        GITHUB_USER_LOGIN=dev GITHUB_VIA="$GITHUB_VIA" GITHUB_PULL_REQUEST_AUTHOR_LOGIN="$GITHUB_PULL_REQUEST_AUTHOR_LOGIN" \
        GITHUB_PULL_REQUEST_HEAD="$GITHUB_PULL_REQUEST_HEAD" GITHUB_PULL_REQUEST_BASE="$GITHUB_PULL_REQUEST_BASE" "$HOOK""#;
    for storage in STORAGES {
        let (_server, work) = started_by(script, &policy("ghes", reviewed), storage);
        work.force("main:refs/heads/release");
        let push = |via: &str, base: &str, arguments: &[&str]| {
            let request = [
                ("GITHUB_VIA", via),
                ("GITHUB_PULL_REQUEST_AUTHOR_LOGIN", "alice"),
                ("GITHUB_PULL_REQUEST_HEAD", "alice:topic"),
                ("GITHUB_PULL_REQUEST_BASE", base),
            ];
            work.push_with(arguments, if via.is_empty() { &[] } else { &request })
        };
        for via in ["pull request merge button", "pull request merge api", "merge"] {
            work.commit(via, &[("src/a", via)]);
            push("", "", &["main"]).refuse("pull_request");
            for other in
                ["blob#save", "branch merge api", "merge base into head", "pull request revert button", "pull request merge"]
            {
                push(other, "acme:main", &["main"]).refuse("pull_request");
            }
            push(via, "acme:release", &["main"]).refuse("pull_request");
            push(via, "acme:main", &["main", "main:refs/heads/release"]).refuse("pull_request");
            push(via, "acme:main", &["main"]).accept();
        }
    }
}

// Bitbucket Data Center: a script in the repository's directory, without `GIT_DIR`.

const BITBUCKET: &str = r#"exec env -u GIT_DIR -u GIT_QUARANTINE_PATH BB_USER_NAME=dev BB_PROJECT_KEY=ACME BB_REPO_SLUG=app \
    BB_HOOK_TYPE=PRE BB_HOOK_TRIGGER_ID=push BB_IS_DRY_RUN=false "$HOOK""#;

#[test]
fn bitbucket_says_no_git_directory() {
    for storage in STORAGES {
        let (server, work) = started_by(BITBUCKET, &policy("bitbucket", RULES), storage);
        serves(&server, &work, &[], "file_path_restriction");
        assert_eq!(server.decisions()[0]["repository"], "ACME/app");
    }
    let (server, work) = started_by(BITBUCKET, &policy("bitbucket", RULES), Storage::default());
    work.commit("good", &[("src/a", "1")]);
    // Elsewhere, for another host, and by nobody that is known.
    start_by(&server, &BITBUCKET.replace("exec env", "cd objects; exec env"));
    work.push_with(&["main"], &[]).undecided("`GIT_DIR` is not set");
    start_by(&server, BITBUCKET);
    server.policy(&policy("http", RULES));
    work.push_with(&["main"], &[("REMOTE_USER", "dev")]).undecided("`GIT_DIR` is not set");
    server.policy(&policy("bitbucket", RULES));
    start_by(&server, &BITBUCKET.replace("BB_REPO_SLUG=app", ""));
    work.push_with(&["main"], &[]).undecided("`GIT_DIR` is not set");
    start_by(&server, BITBUCKET);
    work.push_with(&["main"], &[]).accept();
}

// gitolite, from the server's own shell.

#[test]
fn gitolite_s_own_push_names_nobody_unless_it_is_told() {
    let (_server, work) = started_by("exec \"$HOOK\"", &policy("gitolite", RULES), Storage::default());
    work.commit("good", &[("src/a", "1")]);
    let bypass = ("GL_BYPASS_ACCESS_CHECKS", "1");
    work.push_with(&["main"], &[bypass]).undecided("GL_USER");
    let named = [bypass, ("GL_USER", "admin"), ("GL_REPO", "acme/app")];
    work.push_with(&["main"], &named).accept();
    // gitolite lets it pass; this hook does not.
    work.commit("bad", &[("secret/key", "1")]);
    work.push_with(&["main"], &named).refuse("file_path_restriction");
}

// Push certificates: git says of an OpenPGP key only its id.

#[test]
fn an_openpgp_key_goes_by_its_fingerprint() {
    const KEY: &str = "515B7EB3B0CCAFFE";
    const FINGERPRINT: &str = "2116C505838FCF759A786056515B7EB3B0CCAFFE";
    let rules = RULES.replace("refs = [", &format!("bypass = [{{ actor = \"key:{FINGERPRINT}\" }}]\nrefs = ["));
    // Stands for `gpg`: its listing of a keyring.
    let gpg = |listing: &str| {
        format!(
            r#"
bin=$(dirname "$(pwd -P)")/bin
mkdir -p "$bin"
printf '#!/bin/sh\ncat <<EOF\n{listing}EOF\n' > "$bin/gpg"
chmod +x "$bin/gpg"
PATH="$bin:$PATH" GIT_PUSH_CERT_STATUS=G GIT_PUSH_CERT_NONCE_STATUS=OK GIT_PUSH_CERT_SIGNER='Dev <dev@example.org>' exec "$HOOK"
"#
        )
    };
    let key = |prefix: &str| {
        format!(
            "pub:u:255:22:807AA3BD43578377:1:::u:::c::\nfpr:::::::::0AB01A257D25A9CD3D0B9326807AA3BD43578377:\nsub:u:255:22:{KEY}:1::::::s::\nfpr:::::::::{prefix}{}:\n",
            &FINGERPRINT[4..]
        )
    };
    let (server, work) = started_by(&gpg(&key("2116")), &policy("push-cert", &rules), Storage::default());
    work.commit("key", &[("secret/key", "1")]);
    let push = |id: &str| work.push_with(&["main"], &[("GIT_PUSH_CERT_KEY", id)]);
    // The key that was meant is not in the keyring, or not alone: another one can have its id.
    start_by(&server, &gpg(&key("FFFF")));
    push(KEY).refuse("file_path_restriction");
    start_by(&server, &gpg(&(key("2116") + &key("FFFF"))));
    push(KEY).undecided("several keys with that id");
    start_by(&server, &gpg(""));
    push(KEY).undecided("key id");
    start_by(&server, &gpg(&key("2116")));
    push("807AA3BD43578377").refuse("file_path_restriction");
    push(KEY).accept();
    assert_eq!(server.decisions().pop().unwrap()["actor"], format!("key:{FINGERPRINT}"));
}
