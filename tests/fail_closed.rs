//! Whatever breaks, nothing is accepted: every fault is put in place beside a push that must be refused and an honest one, must
//! refuse both, name its cause, and leave repository and log whole. Where the fault is mended, the honest push is accepted.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use refwarden::policy::Identity;
use refwarden::receive::decision_log::verify;

use crate::support::{HEAD, HOOK, Server, Work, clean};

const GUARD: &str = r#"
[[ruleset]]
name = "no secrets"
target = "branch"
refs = ["main"]
[ruleset.rules]
non_fast_forward = true
file_path_restriction = { restricted_file_paths = ["secret/**/*"] }
"#;

/// A server that has two commits on top of `main`: one that touches `secret/`, one that does not.
struct Bench {
    server: Server,
    work: Work,
    base: String,
    honest: String,
    evil: String,
}

impl Bench {
    fn new() -> Bench {
        let server = Server::new(GUARD);
        let work = server.with_main(&[("README", "1"), ("secret/key", "1")]);
        let base = work.id("HEAD");
        let evil = work.commit("evil", &[("secret/key", "2"), ("src/a", "1"), ("src/b", "1")]);
        work.force("HEAD:refs/heads/evil");
        work.git(["reset", "--quiet", "--hard", &base]);
        let honest = work.commit("honest", &[("src/a", "1"), ("src/b", "1"), ("src/c", "1")]);
        work.force("HEAD:refs/heads/honest");
        Bench { server, work, base, honest, evil }
    }

    fn dir(&self) -> &Path {
        &self.server.dir
    }

    fn line(&self, new: &str) -> String {
        format!("{} {new} refs/heads/main\n", self.base)
    }

    /// The hook's command as receive-pack would start it, without a quarantine.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = clean(program, self.server.folder.path());
        command.current_dir(self.dir()).env("GIT_DIR", ".").env("REFWARDEN_ACTOR", "dev");
        command
    }

    fn hook(&self, new: &str) -> (Option<i32>, String) {
        run(self.command(HOOK), self.line(new).as_bytes())
    }

    #[track_caller]
    fn decides(&self, place: &str) {
        let (code, text) = self.hook(&self.honest);
        assert_eq!(code, Some(0), "{place}: an honest push is refused: {text}");
        let (code, text) = self.hook(&self.evil);
        assert_eq!(code, Some(1), "{place}: {text}");
    }

    /// Both pushes are refused for this cause, and nothing moves.
    #[track_caller]
    fn is_undecided(&self, place: &str, cause: &str) {
        for new in [&self.honest, &self.evil] {
            let (code, text) = self.hook(new);
            assert_eq!(code, Some(2), "{place}: {text}");
            assert!(text.contains(cause), "{place}: the cause `{cause}` is not named: {text}");
            assert!(text.contains("nothing was accepted"), "{place}: {text}");
        }
        let pushed = self.work.push("dev", &[&format!("{}:refs/heads/main", self.honest)]);
        assert!(!pushed.accepted, "{place}: {}", pushed.output);
    }

    /// The repository is sound, `main` has not moved, and the log is whole.
    #[track_caller]
    fn is_whole(&self, place: &str) {
        assert_eq!(self.server.value("refs/heads/main").as_deref(), Some(&*self.base), "{place}");
        self.server.git(["fsck", "--no-dangling", "--connectivity-only"]);
        let path = self.dir().join("refwarden/decisions.jsonl");
        if path.exists() {
            let report = verify(&path, None).unwrap();
            assert!(report.is_whole(), "{place}: {report:?}");
        }
    }
}

/// Runs a command with this input; its code, and what it printed.
fn run(mut command: Command, input: &[u8]) -> (Option<i32>, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A hook that refuses early need not read everything.
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().unwrap()
    });
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// Moves a file out of the way, and back when dropped.
struct Aside(PathBuf);

impl Aside {
    fn put(path: PathBuf) -> Aside {
        fs::rename(&path, path.with_extension("aside")).unwrap();
        Aside(path)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        let _ = fs::remove_file(&self.0);
        fs::rename(self.0.with_extension("aside"), &self.0).unwrap();
    }
}

// The policy.

#[test]
fn without_a_whole_policy() {
    let bench = Bench::new();
    bench.decides("at first");
    let path = bench.dir().join("refwarden.toml");
    let whole = format!("{HEAD}{GUARD}");
    let half = &whole[..whole.find("restricted_file_paths").unwrap() + 5];
    type Break<'a> = &'a dyn Fn(&Path);
    let faults: &[(&str, &str, Break<'_>)] = &[
        ("none", "there is no policy", &|_| {}),
        ("a directory", "cannot read the policy", &|path| fs::create_dir(path).unwrap()),
        ("a dangling link", "cannot read the policy", &|path| symlink("nowhere", path).unwrap()),
        ("a link to itself", "cannot read the policy", &|path| symlink(path, path).unwrap()),
        ("a link through a file", "cannot read the policy", &|path| symlink("HEAD/x", path).unwrap()),
        ("empty", "does not load", &|path| fs::write(path, "").unwrap()),
        ("half written", "does not load", &|path| fs::write(path, half).unwrap()),
        ("zeroes", "does not load", &|path| fs::write(path, [0; 4096]).unwrap()),
        ("no text", "does not load", &|path| fs::write(path, b"version = 1 # \xff").unwrap()),
        ("another version", "does not load", &|path| fs::write(path, whole.replace("version = 1", "version = 2")).unwrap()),
        ("an unknown rule", "does not load", &|path| fs::write(path, whole.replace("non_fast", "no_fast")).unwrap()),
        ("no identity", "does not say who pushes", &|path| fs::write(path, whole.replace("identity = \"ssh\"", "")).unwrap()),
    ];
    for (what, cause, fault) in faults {
        let aside = Aside::put(path.clone());
        fault(&path);
        bench.is_undecided(what, cause);
        drop(aside);
        bench.is_whole(what);
    }
    if is_root() {
        skipped("a policy without read permission: root reads it");
    } else {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        bench.is_undecided("mode 000", "cannot read the policy");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    bench.decides("at last");
}

#[test]
fn without_the_policy_that_is_named() {
    let bench = Bench::new();
    // What comes next would be a policy that accepts.
    for (settings, cause) in [
        (&[("refwarden.policy", "/nowhere/policy.toml")][..], "does not exist"),
        (&[("refwarden.policy", "refwarden.toml")], "no absolute path"),
        (&[("refwarden.policy", "/")], "cannot read the policy"),
        (&[("refwarden.policy", "/dev/null/x")], "cannot read the policy"),
        (&[("refwarden.policyRef", "refs/heads/policy")], "`refwarden.policyPath` is not"),
        (&[("refwarden.policyPath", "policy.toml")], "`refwarden.policyRef` is not"),
        (&[("refwarden.policyRef", "refs/heads/none"), ("refwarden.policyPath", "p")], "the ref does not exist"),
        (&[("refwarden.policyRef", "main"), ("refwarden.policyPath", "README")], "the ref's name is not one"),
        (&[("refwarden.policyRef", "refs/heads/main"), ("refwarden.policyPath", "none")], "the path does not exist"),
        (&[("refwarden.policyRef", "refs/heads/main"), ("refwarden.policyPath", "secret")], "the path does not exist"),
        (&[("refwarden.policyRef", "refs/heads/main"), ("refwarden.policyPath", "../README")], "the path does not exist"),
        (&[("refwarden.policyRef", "refs/heads/main"), ("refwarden.policyPath", "README")], "does not load"),
    ] {
        for (key, value) in settings {
            bench.server.git(["config", key, value]);
        }
        bench.is_undecided(&format!("{settings:?}"), cause);
        for (key, _) in settings {
            bench.server.git(["config", "--unset-all", key]);
        }
    }
    for arguments in
        [&["--policy", "/nowhere"][..], &["--policy=/nowhere"], &["--policy"], &["--policy", "HEAD"], &["--nonsense"], &["x"]]
    {
        let mut command = bench.command(HOOK);
        command.args(arguments);
        let (code, text) = run(command, bench.line(&bench.honest).as_bytes());
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
    }
    bench.decides("at last");
    bench.is_whole("at last");
}

// Who pushes.

type Variables = Vec<(&'static str, &'static str)>;
/// What is set, who pushes, and where.
type Good = (Variables, &'static str, &'static str);
/// What is set, and what is missed.
type Bad = (Variables, &'static str);

/// For each identity: what a host sets, who that is, in which repository; and what must not do.
fn hosts(word: &str) -> (Vec<Good>, Vec<Bad>) {
    const CERT: [(&str, &str); 3] =
        [("GIT_PUSH_CERT_STATUS", "G"), ("GIT_PUSH_CERT_NONCE_STATUS", "OK"), ("GIT_PUSH_CERT_KEY", "AB12")];
    match word {
        "gitolite" => (
            vec![(vec![("GL_USER", "alice"), ("GL_REPO", "team/server")], "alice", "team/server")],
            vec![
                (vec![("GL_REPO", "r"), ("USER", "alice"), ("REMOTE_USER", "alice"), ("GL_USERNAME", "alice")], "GL_USER"),
                (vec![("GL_USER", "alice")], "GL_REPO"),
                (vec![("GL_USER", ""), ("GL_REPO", "r")], "GL_USER"),
            ],
        ),
        "gitea" | "forgejo" => {
            const REPO: [(&str, &str); 2] = [("GITEA_REPO_USER_NAME", "team"), ("GITEA_REPO_NAME", "server")];
            (
                vec![
                    (vec![("GITEA_PUSHER_NAME", "alice"), REPO[0], REPO[1]], "alice", "team/server"),
                    (
                        vec![("GITEA_PUSHER_NAME", "alice"), ("GITEA_DEPLOY_KEY_ID", "0"), REPO[0], REPO[1]],
                        "alice",
                        "team/server",
                    ),
                    (
                        vec![("GITEA_PUSHER_NAME", "owner"), ("GITEA_DEPLOY_KEY_ID", "5"), REPO[0], REPO[1]],
                        "deploy-key:5",
                        "team/server",
                    ),
                    (
                        vec![("GITEA_PUSHER_NAME", "gitea-actions"), ("GITEA_ACTIONS_TASK_ID", "7"), REPO[0], REPO[1]],
                        "actions:7",
                        "team/server",
                    ),
                    (
                        vec![("GITEA_PUSHER_NAME", "forgejo-actions"), ("GITEA_ACTION_PERM", "2"), REPO[0], REPO[1]],
                        "actions:unknown",
                        "team/server",
                    ),
                    (
                        vec![("GITEA_PUSHER_NAME", "gitea-actions"), ("GITEA_PUSHER_ID", "-2"), REPO[0], REPO[1]],
                        "actions:unknown",
                        "team/server",
                    ),
                ],
                vec![
                    (vec![REPO[0], REPO[1], ("GITEA_PUSHER_ID", "1"), ("GITEA_PUSHER_EMAIL", "alice")], "GITEA_PUSHER_NAME"),
                    (vec![("GITEA_PUSHER_NAME", "alice"), REPO[1]], "GITEA_REPO_USER_NAME"),
                    (vec![("GITEA_PUSHER_NAME", "alice"), REPO[0]], "GITEA_REPO_NAME"),
                    (vec![("GITEA_PUSHER_NAME", "a\nb"), REPO[0], REPO[1]], "GITEA_PUSHER_NAME"),
                    (vec![("GITEA_PUSHER_NAME", "actions:7"), REPO[0], REPO[1]], "GITEA_PUSHER_NAME"),
                    (vec![("GITEA_PUSHER_NAME", "deploy-key:5"), REPO[0], REPO[1]], "GITEA_PUSHER_NAME"),
                ],
            )
        }
        "gitlab" => (
            vec![
                (vec![("GL_USERNAME", "alice"), ("GL_ID", "user-1"), ("GL_PROJECT_PATH", "team/server")], "alice", "team/server"),
                (vec![("GL_ID", "key-3"), ("GL_PROJECT_PATH", "team/server")], "deploy-key:3", "team/server"),
                (vec![("GL_ID", "user-9"), ("GL_PROJECT_PATH", "team/server")], "user-9", "team/server"),
            ],
            vec![
                (vec![("GL_PROJECT_PATH", "x"), ("GL_USER", "alice")], "GL_USERNAME"),
                (vec![("GL_USERNAME", "alice"), ("GL_REPOSITORY", "project-1")], "GL_PROJECT_PATH"),
            ],
        ),
        "ghes" => (
            vec![
                (vec![("GITHUB_USER_LOGIN", "alice"), ("GITHUB_REPO_NAME", "team/server")], "alice", "team/server"),
                (
                    vec![("GITHUB_PUBLIC_KEY_FINGERPRINT", "ab:cd"), ("GITHUB_REPO_NAME", "team/server")],
                    "key:ab:cd",
                    "team/server",
                ),
            ],
            vec![
                (vec![("GITHUB_REPO_NAME", "x"), ("GITHUB_PULL_REQUEST_AUTHOR_LOGIN", "alice")], "GITHUB_USER_LOGIN"),
                (vec![("GITHUB_USER_LOGIN", "alice")], "GITHUB_REPO_NAME"),
                (vec![("GITHUB_USER_LOGIN", "alice"), ("GITHUB_REPO_NAME", "server")], "OWNER/NAME"),
                (vec![("GITHUB_USER_LOGIN", "alice"), ("GITHUB_REPO_NAME", "team/")], "OWNER/NAME"),
                (vec![("GITHUB_USER_LOGIN", "alice"), ("GITHUB_REPO_NAME", "team/server/x")], "OWNER/NAME"),
            ],
        ),
        "bitbucket" => (
            vec![(
                vec![("BB_USER_NAME", "alice"), ("BB_PROJECT_KEY", "TEAM"), ("BB_REPO_SLUG", "server")],
                "alice",
                "TEAM/server",
            )],
            vec![
                (vec![("BB_USER_DISPLAY_NAME", "alice"), ("BB_PROJECT_KEY", "T"), ("BB_REPO_SLUG", "s")], "BB_USER_NAME"),
                (vec![("BB_USER_NAME", "alice"), ("BB_REPO_SLUG", "s")], "BB_PROJECT_KEY"),
                (vec![("BB_USER_NAME", "alice"), ("BB_PROJECT_KEY", "T")], "BB_REPO_SLUG"),
            ],
        ),
        "http" => (
            vec![(vec![("REMOTE_USER", "alice")], "alice", "server")],
            vec![(
                vec![
                    ("HTTP_REMOTE_USER", "alice"),
                    ("HTTP_X_FORWARDED_USER", "alice"),
                    ("USER", "alice"),
                    ("GIT_COMMITTER_NAME", "alice"),
                ],
                "REMOTE_USER",
            )],
        ),
        "ssh" => (
            vec![(vec![("REFWARDEN_ACTOR", "alice")], "alice", "server")],
            vec![
                (vec![("USER", "alice"), ("LOGNAME", "alice"), ("SSH_USER", "alice")], "REFWARDEN_ACTOR"),
                (vec![("REFWARDEN_ACTOR", "")], "REFWARDEN_ACTOR"),
            ],
        ),
        "push-cert" => (
            vec![
                (CERT.to_vec(), "key:AB12", "server"),
                (
                    vec![CERT[0], CERT[1], ("GIT_PUSH_CERT_KEY", "SHA256:Om3lKT0CsYAzKbSUqiIzTDWwEDlGOTBfFeyG0nsBFCs")],
                    "key:SHA256:Om3lKT0CsYAzKbSUqiIzTDWwEDlGOTBfFeyG0nsBFCs",
                    "server",
                ),
                (
                    vec![CERT[0], CERT[1], ("GIT_PUSH_CERT_KEY", "D4BE22311AD3131E5EDA29A461092E85B7227189")],
                    "key:D4BE22311AD3131E5EDA29A461092E85B7227189",
                    "server",
                ),
            ],
            vec![
                (vec![CERT[0], CERT[1], ("GIT_PUSH_CERT_KEY", "61092E85B7227189")], "key id"),
                (vec![CERT[0], CERT[1], ("GIT_PUSH_CERT_KEY", "0xB7227189")], "key id"),
                (vec![CERT[1], CERT[2]], "GIT_PUSH_CERT_STATUS"),
                (vec![("GIT_PUSH_CERT_STATUS", "B"), CERT[1], CERT[2]], "`B`"),
                (vec![("GIT_PUSH_CERT_STATUS", "N"), CERT[1], CERT[2]], "`N`"),
                (vec![("GIT_PUSH_CERT_STATUS", "U"), CERT[1], CERT[2]], "`U`"),
                (vec![("GIT_PUSH_CERT_STATUS", "X"), CERT[1], CERT[2]], "`X`"),
                (vec![("GIT_PUSH_CERT_STATUS", "GG"), CERT[1], CERT[2]], "`GG`"),
                (vec![CERT[0], CERT[2]], "GIT_PUSH_CERT_NONCE_STATUS"),
                (vec![CERT[0], ("GIT_PUSH_CERT_NONCE_STATUS", "BAD"), CERT[2]], "`BAD`"),
                (vec![CERT[0], ("GIT_PUSH_CERT_NONCE_STATUS", "SLOP"), CERT[2]], "`SLOP`"),
                (vec![CERT[0], ("GIT_PUSH_CERT_NONCE_STATUS", "MISSING"), CERT[2]], "`MISSING`"),
                (vec![CERT[0], ("GIT_PUSH_CERT_NONCE_STATUS", "UNSOLICITED"), CERT[2]], "`UNSOLICITED`"),
                (vec![CERT[0], CERT[1], ("GIT_PUSH_CERT_SIGNER", "alice")], "GIT_PUSH_CERT_KEY"),
            ],
        ),
        other => panic!("nobody says what the host `{other}` sets"),
    }
}

#[test]
fn without_a_name_for_the_pusher_or_the_repository() {
    let bench = Bench::new();
    let run_as = |variables: &[(&str, &str)], new: &str| {
        let mut command = bench.command(HOOK);
        command.env_remove("REFWARDEN_ACTOR").env_remove("GIT_COMMITTER_NAME").envs(variables.iter().copied());
        run(command, bench.line(new).as_bytes())
    };
    let own = ("{ env = \"WHO\", repository_env = \"WHERE\" }".to_owned(), "env");
    let words = Identity::WORDS.iter().map(|(word, _)| (format!("\"{word}\""), *word)).chain([own]);
    for (setting, word) in words {
        let (good, bad) = if word == "env" {
            let good: Variables = vec![("WHO", "alice"), ("WHERE", "team/server")];
            let bad: Vec<(Variables, &str)> = vec![(vec![("WHERE", "r")], "WHO"), (vec![("WHO", "alice")], "WHERE")];
            (vec![(good, "alice", "team/server")], bad)
        } else {
            hosts(word)
        };
        for (variables, actor, repository) in good {
            // The actor passes, and nobody else; the ruleset is for this repository, and for no other.
            for (bypass, scope, code) in
                [(actor, "~ALL", 0), ("Alice", "~ALL", 1), ("somebody", repository, 1), ("somebody", "other", 0)]
            {
                let policy = GUARD.replace(
                    "refs = [\"main\"]",
                    &format!("refs = [\"main\"]\nrepositories = [\"{scope}\"]\nbypass = [{{ actor = \"{bypass}\" }}]"),
                );
                bench.server.policy(&format!("version = 1\n[server]\nidentity = {setting}\n{policy}"));
                let (found, text) = run_as(&variables, &bench.evil);
                assert_eq!(found, Some(code), "{word} {variables:?} {bypass} {scope}: {text}");
                assert_eq!(run_as(&variables, &bench.honest).0, Some(0));
            }
        }
        for (variables, cause) in bad {
            for new in [&bench.honest, &bench.evil] {
                let (code, text) = run_as(&variables, new);
                assert_eq!(code, Some(2), "{word} {variables:?}: {text}");
                assert!(text.contains(cause), "{word} {variables:?}: {cause} is not named: {text}");
            }
        }
        let (code, text) = run_as(&[], &bench.honest);
        assert_eq!(code, Some(2), "{word}: {text}");
    }
    bench.server.policy(&format!("{HEAD}root = \"/nowhere\"\n{GUARD}"));
    bench.is_undecided("root", "`[server] root`");
    bench.server.policy(&format!("{HEAD}root = \"/usr\"\n{GUARD}"));
    bench.is_undecided("root", "does not lie below");
    let mut command = bench.command(HOOK);
    command.env("REFWARDEN_ACTOR", OsStr::from_bytes(b"a\xff"));
    bench.server.policy(&format!("{HEAD}{GUARD}"));
    assert_eq!(run(command, bench.line(&bench.honest).as_bytes()).0, Some(2));
    bench.is_whole("at last");
}

// Standard input.

#[test]
fn without_a_whole_standard_input() {
    let bench = Bench::new();
    let line = bench.line(&bench.honest);
    let feed = |input: &[u8]| run(bench.command(HOOK), input);
    for length in 0..line.len() {
        let (code, text) = feed(&line.as_bytes()[..length]);
        assert_eq!(code, Some(2), "{length}: {text}");
        assert!(text.contains("standard input"), "{text}");
    }
    let twice = |more: &[u8]| [line.as_bytes(), more].concat();
    let null = "0".repeat(40);
    let mut inputs: Vec<Vec<u8>> = vec![
        b"\n".to_vec(),
        b"\0".to_vec(),
        vec![0xff; 4096],
        twice(b"\n"),
        twice(b"x\n"),
        twice(line.trim_end().as_bytes()),
        line.replace(' ', "  ").into_bytes(),
        line.replace(' ', "\t").into_bytes(),
        line.replace('\n', "\r\n").into_bytes(),
        line.replace("refs/heads/main", "main").into_bytes(),
        line.replace("refs/heads/main", "refs/heads/main\0x").into_bytes(),
        line.replace("refs/heads/main", "refs/heads/main ").into_bytes(),
        line.replace("refs/heads/main", "refs/heads/../heads/main").into_bytes(),
        line.replace("refs/heads/main", "refs//heads/main").into_bytes(),
        line.to_uppercase().into_bytes(),
        format!("{null} {}", &line[41..]).replace(' ', "").into_bytes(),
        line.replace(&bench.base, &bench.base[..39]).into_bytes(),
        line.replace(&bench.base, &format!("{}00", bench.base)).into_bytes(),
        [b"\xef\xbb\xbf", line.as_bytes()].concat(),
    ];
    // A name with a line break in it, as a client may send it.
    inputs.push(format!("{} {} refs/heads/a\n{}", bench.base, bench.honest, &line[..line.len() - 1]).into_bytes());
    for input in &inputs {
        let (code, text) = feed(input);
        assert_eq!(code, Some(2), "{:?}: {text}", String::from_utf8_lossy(input));
    }
    let (code, text) = feed(&vec![b'a'; (64 << 20) + 1]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("longer than"), "{text}");
    // None at all, and one that cannot be read.
    for script in ["exec \"$0\" <&-", "exec \"$0\" </", "exec \"$0\" </dev/null"] {
        let mut command = bench.command("sh");
        command.args(["-c", script, HOOK]);
        let (code, text) = run(command, line.as_bytes());
        assert_eq!(code, Some(2), "{script}: {text}");
        assert!(text.contains("standard input"), "{script}: {text}");
    }
    // What the client takes the ref to hold is not what it holds.
    for old in [&bench.honest, &null] {
        let (code, text) = feed(line.replacen(&bench.base, old, 1).as_bytes());
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("fetch and push again"), "{text}");
    }
    bench.decides("at last");
    bench.is_whole("at last");
}

// Objects.

#[test]
fn without_an_object() {
    let bench = Bench::new();
    for (what, revision, honest_too) in [
        ("the new commit", bench.evil.clone(), false),
        ("its tree", format!("{}^{{tree}}", bench.evil), false),
        ("a tree in it", format!("{}:secret", bench.evil), false),
        ("the new commit", bench.honest.clone(), true),
        ("its tree", format!("{}^{{tree}}", bench.honest), true),
        ("the old commit", bench.base.clone(), true),
        ("the old tree", format!("{}^{{tree}}", bench.base), true),
    ] {
        let id = bench.server.git(["rev-parse", &revision]);
        let path = bench.dir().join("objects").join(&id[..2]).join(&id[2..]);
        let sound = fs::read(&path).unwrap();
        let other = fs::read(bench.dir().join("HEAD")).unwrap();
        for (how, content) in [
            ("missing", None),
            ("empty", Some(&b""[..])),
            ("a byte", Some(&sound[..1])),
            ("overwritten", Some(&other)),
            ("zeroes", Some(&[0; 100])),
        ] {
            let place = format!("{what} {revision} is {how}");
            let aside = Aside::put(path.clone());
            if let Some(content) = content {
                fs::write(&path, content).unwrap();
            }
            let pushed = if honest_too { &bench.honest } else { &bench.evil };
            let (code, text) = bench.hook(pushed);
            assert_eq!(code, Some(2), "{place}: {text}");
            assert!(text.contains(&format!("the object {id} is missing or unreadable")), "{place}: {text}");
            for new in [&bench.honest, &bench.evil] {
                assert_ne!(bench.hook(&bench.evil).0, Some(0), "{place}");
                // git may refuse before the hook does.
                let pushed = bench.work.push("dev", &[&format!("{new}:refs/heads/main")]);
                assert!(!pushed.accepted || new == &bench.honest && !honest_too, "{place}: {}", pushed.output);
                if pushed.accepted {
                    bench.server.git(["update-ref", "refs/heads/main", &bench.base]);
                }
            }
            drop(aside);
        }
        bench.is_whole(&revision);
    }
    bench.decides("at last");
}

/// libgit2 reads some cut objects forever (its issue 7342). The hook does not wait forever.
#[test]
fn with_an_object_that_is_never_read_to_its_end() {
    let bench = Bench::new();
    bench.server.policy(&format!("{HEAD}budget = {{ time = \"100ms\" }}\n{GUARD}"));
    for part in ["", "^{tree}", ":secret"] {
        let id = bench.server.git(["rev-parse", &format!("{}{part}", bench.evil)]);
        let path = bench.dir().join("objects").join(&id[..2]).join(&id[2..]);
        let sound = fs::read(&path).unwrap();
        let aside = Aside::put(path.clone());
        fs::write(&path, &sound[..if part == ":secret" { sound.len() - 5 } else { sound.len() / 2 }]).unwrap();
        let before = log_lines(&bench);
        let (code, text) = bench.hook(&bench.evil);
        assert_eq!(code, Some(2), "{part}: {text}");
        assert!(text.contains("has not come to an end") || text.contains("missing or unreadable"), "{part}: {text}");
        assert_eq!(log_lines(&bench), before + 1);
        drop(aside);
    }
    bench.server.policy(&format!("{HEAD}{GUARD}"));
    bench.decides("at last");
    bench.is_whole("at last");
}

/// What only reports may take forever: every ruleset that can refuse has been judged, and its answer stands.
#[test]
fn with_an_object_that_only_what_reports_reads() {
    let bench = Bench::new();
    let reports = GUARD.replace("no secrets", "reports").replace("target =", "enforcement = \"evaluate\"\ntarget =");
    let with = |active: &str| {
        let head = format!("{HEAD}budget = {{ time = \"100ms\" }}\n");
        bench.server.policy(&format!(
            "{head}{reports}\n[[ruleset]]\nname = \"active\"\ntarget = \"branch\"\nrefs = [\"main\"]\nrules = {{ {active} }}\n"
        ));
    };
    let id = bench.server.git(["rev-parse", &format!("{}^{{tree}}", bench.honest)]);
    let path = bench.dir().join("objects").join(&id[..2]).join(&id[2..]);
    let sound = fs::read(&path).unwrap();
    let hook = bench.dir().join("hooks/pre-receive.chained");
    let chained = |code: u8| {
        fs::write(&hook, format!("#!/bin/sh\nexit {code}\n")).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let aside = Aside::put(path.clone());
    fs::write(&path, &sound[..sound.len() / 2]).unwrap();
    for (active, chain, expected, said) in [
        ("non_fast_forward = true", None, 0, ""),
        ("non_fast_forward = true", Some(0), 0, ""),
        ("non_fast_forward = true", Some(1), 1, "refused by the chained hook"),
        ("update = true", None, 1, "[active] update"),
        // An active ruleset that reads the object is never done.
        ("file_path_restriction = { restricted_file_paths = [\"secret/**/*\"] }", None, 2, "nothing was accepted"),
        ("max_file_size = { max_file_size = 1 }", Some(0), 2, "nothing was accepted"),
    ] {
        with(active);
        let _ = fs::remove_file(&hook);
        if let Some(code) = chain {
            chained(code);
        }
        let before = log_lines(&bench);
        let (code, text) = bench.hook(&bench.honest);
        assert_eq!(code, Some(expected), "{active} {chain:?}: {text}");
        assert!(text.contains(said), "{active}: {text}");
        assert_eq!(log_lines(&bench), before + 1, "{active}");
        let decisions = bench.server.decisions();
        let record = decisions.last().unwrap();
        if expected < 2 {
            let evaluations = record["evaluations"].as_array().unwrap();
            let of = |name: &str| evaluations.iter().find(|evaluation| evaluation["ruleset"] == name);
            assert_eq!(of("reports").unwrap()["outcome"], "failed", "{record:#}");
            assert_eq!(of("active").is_some(), active == "update = true", "{record:#}");
        }
    }
    drop(aside);
    let _ = fs::remove_file(&hook);
    bench.server.policy(&format!("{HEAD}{GUARD}"));
    bench.decides("at last");
    bench.is_whole("at last");
}

#[test]
fn with_a_damaged_pack() {
    let bench = Bench::new();
    bench.server.git(["repack", "-a", "-d", "-q"]);
    bench.decides("packed");
    let folder = bench.dir().join("objects/pack");
    for extension in ["pack", "idx"] {
        let path = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|found| found == extension))
            .unwrap();
        let sound = fs::read(&path).unwrap();
        let aside = Aside::put(path.clone());
        let step = (sound.len() / 60).max(1);
        for at in (0..sound.len()).step_by(step) {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x55;
            fs::write(&path, &damaged).unwrap();
            let (code, text) = bench.hook(&bench.evil);
            // libgit2 follows the offsets of an index file without looking whether they stay inside, and may be killed for it:
            // git refuses then, too.
            let killed = extension == "idx" && code.is_none();
            assert!(killed || matches!(code, Some(1 | 2)), "{extension} damaged at {at}: {code:?} {text}");
        }
        for length in [0, 1, 11, 12, sound.len() / 2, sound.len() - 1] {
            fs::write(&path, &sound[..length]).unwrap();
            let (code, text) = bench.hook(&bench.evil);
            assert!(matches!(code, Some(1 | 2)), "{extension} cut at {length}: {code:?} {text}");
        }
        drop(aside);
    }
    bench.decides("at last");
    bench.is_whole("at last");
}

#[test]
fn folders_nested_too_deep() {
    let bench = Bench::new();
    let path = format!("secret{}", "/a".repeat(4999));
    let stream = format!(
        "commit refs/heads/deep\ncommitter c <c@example.org> 1 +0000\ndata 1\nx\nfrom {}\nM 100644 inline {path}\ndata 1\nx\ndone\n",
        bench.base
    );
    let mut import = bench.command("git");
    import.args(["fast-import", "--quiet", "--done"]);
    assert_eq!(run(import, stream.as_bytes()).0, Some(0));
    let deep = bench.server.value("refs/heads/deep").unwrap();
    for limit in ["unlimited", "8192", "1024", "256"] {
        let mut command = bench.command("sh");
        command.args(["-c", &format!("ulimit -s {limit}; exec \"$0\""), HOOK]);
        let (code, text) = run(command, bench.line(&deep).as_bytes());
        assert_eq!(code, Some(2), "{limit}: {text}");
        assert!(text.contains("folders nest deeper"), "{limit}: {text}");
    }
    for settings in [&[][..], &["core.maxTreeDepth"]] {
        for key in settings {
            bench.server.git(["config", key, "100000"]);
        }
        let mut push = bench.command("git");
        push.arg("push").arg(bench.dir()).arg(format!("{deep}:refs/heads/main"));
        assert_ne!(run(push, b"").0, Some(0));
        bench.is_whole("deep");
    }
    bench.decides("at last");
}

// The repository.

#[test]
fn in_a_repository_that_cannot_be_read() {
    let bench = Bench::new();
    bench.server.git(["pack-refs", "--all"]);
    let dir = bench.dir().to_owned();
    let config = fs::read_to_string(dir.join("config")).unwrap();
    let versioned = config.replace("repositoryformatversion = 0", "repositoryformatversion = 1");
    let packed = format!("# pack-refs with: peeled fully-peeled sorted \n{}  refs/heads/x\n", bench.base);
    type Content<'a> = Option<&'a [u8]>;
    let cut = &config.as_bytes()[..config.find(']').unwrap()];
    let faults: &[(&str, Content<'_>, &str)] = &[
        ("config", Some(b"[core"), "cannot read"),
        ("config", Some(cut), "cannot read"),
        ("config", Some(b"\xff\xfe\x00"), "cannot read"),
        ("config", None, "cannot read"),
        ("info/grafts", Some(b""), "info/grafts"),
        ("info/grafts", None, "info/grafts"),
        ("commondir", Some(b"/nowhere\n"), "common git directory"),
        ("commondir", None, "commondir"),
        ("packed-refs", Some(b"# pack-refs with: sorted \nnonsense\n"), "packed-refs"),
        ("packed-refs", Some(b"\x00\x01\x02"), "packed-refs"),
        ("packed-refs", Some(packed.as_bytes()), "refs/heads/main"),
        ("packed-refs", None, "packed-refs"),
        ("HEAD", Some(b""), "HEAD"),
        ("HEAD", Some(b"nonsense\n"), "HEAD"),
        ("refs/heads/main", Some(b""), "refs/heads/main"),
        ("refs/heads/main", Some(b"1234\n"), "refs/heads/main"),
        ("refs/heads/main", Some(b"ref: nonsense\n"), "refs/heads/main"),
        ("refs/heads/main", Some(b"ref: refs/heads/main\n"), "refs/heads/main"),
        ("refs/heads/main", Some(b"ref: ../../x\n"), "refs/heads/main"),
        ("refs/heads/other", Some(b"nonsense\n"), "refs/heads/other"),
    ];
    let unknown: Vec<(String, &str)> = vec![
        (config.replace("repositoryformatversion = 0", "repositoryformatversion = 2"), "format version 2"),
        (config.replace("repositoryformatversion = 0", "repositoryformatversion = -1"), "format version -1"),
        (config.replace("repositoryformatversion = 0", "repositoryformatversion = x"), "is no number"),
        (format!("{versioned}[extensions]\n\tunheardOf = true\n"), "`unheardof`"),
        (format!("{versioned}[extensions]\n\tunheardOf\n"), "`unheardof`"),
        (format!("{config}[extensions]\n\tunheardOf = 1\n"), "`unheardof`"),
        (format!("{versioned}[extensions]\n\tobjectFormat = sha3\n"), "`objectformat` = `sha3`"),
        (format!("{versioned}[extensions]\n\trefStorage = sqlite\n"), "`refstorage` = `sqlite`"),
        (format!("{versioned}[extensions]\n\tcompatObjectFormat = sha256\n"), "`compatobjectformat`"),
        (format!("{config}[core]\n\tsharedRepository = sometimes\n"), "core.sharedRepository"),
    ];
    let unknown = unknown.iter().map(|(config, cause)| ("config", Some(config.as_bytes()), *cause));
    for (file, content, cause) in faults.iter().copied().chain(unknown) {
        let path = dir.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let aside = path.exists().then(|| Aside::put(path.clone()));
        // A directory where a file should be, if there is no content.
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::create_dir(&path).unwrap(),
        }
        let place = format!("{file} holds {:?}", content.map(String::from_utf8_lossy));
        bench.is_undecided(&place, cause);
        match aside {
            Some(aside) => drop(aside),
            None if content.is_some() => fs::remove_file(&path).unwrap(),
            None => fs::remove_dir(&path).unwrap(),
        }
        bench.is_whole(&place);
    }
    for part in ["objects", "refs", "HEAD"] {
        let aside = Aside::put(dir.join(part));
        let (code, text) = bench.hook(&bench.evil);
        assert_eq!(code, Some(2), "without {part}: {text}");
        drop(aside);
    }
    // The default branch cannot be told, and the ruleset speaks of it.
    bench.server.policy(&format!("{HEAD}{}", GUARD.replace("\"main\"", "\"~DEFAULT_BRANCH\"")));
    for head in ["ref: refs/heads/nowhere\n".to_owned(), format!("{}\n", bench.base), "ref: refs/tags/x\n".to_owned()] {
        let aside = Aside::put(dir.join("HEAD"));
        fs::write(dir.join("HEAD"), &head).unwrap();
        for new in [&bench.honest, &bench.evil] {
            let (code, text) = bench.hook(new);
            assert_eq!(code, Some(2), "{head}: {text}");
            assert!(text.contains("default branch"), "{head}: {text}");
        }
        drop(aside);
    }
    bench.decides("at last");
    bench.is_whole("at last");
}

#[test]
fn with_an_environment_that_changes_what_is_seen() {
    let bench = Bench::new();
    let null = bench.dir().join("elsewhere").display().to_string();
    for (variables, cause) in [
        (&[("GIT_NAMESPACE", "x")][..], "GIT_NAMESPACE"),
        (&[("GIT_SHALLOW_FILE", "/nowhere")], "shallow"),
        (&[("GIT_QUARANTINE_PATH", "objects"), ("GIT_OBJECT_DIRECTORY", &null)], "are not the same directory"),
        (&[("GIT_QUARANTINE_PATH", "objects")], "are not the same directory"),
        (&[("GIT_DIR", "")], "GIT_DIR"),
        (&[("GIT_DIR", "/nowhere")], "cannot open the repository"),
        (&[("GIT_DIR", "HEAD")], "cannot read"),
        (&[("GIT_DIR", "refs")], "no git directory"),
    ] {
        for new in [&bench.honest, &bench.evil] {
            let mut command = bench.command(HOOK);
            command.envs(variables.iter().copied());
            let (code, text) = run(command, bench.line(new).as_bytes());
            assert_eq!(code, Some(2), "{variables:?}: {text}");
            assert!(text.contains(cause), "{variables:?}: {text}");
        }
    }
    // What a client may send along is not asked.
    for variables in [
        &[("GIT_OBJECT_DIRECTORY", "/nowhere")][..],
        &[("GIT_ALTERNATE_OBJECT_DIRECTORIES", "/nowhere")],
        &[("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "refwarden.policy"), ("GIT_CONFIG_VALUE_0", "/dev/null")],
        &[("GIT_CONFIG_PARAMETERS", "'refwarden.policy'='/dev/null'")],
        &[("GIT_CONFIG_GLOBAL", "/nowhere"), ("GIT_GRAFT_FILE", "/nowhere"), ("GIT_REPLACE_REF_BASE", "refs/heads/")],
        &[("GIT_PUSH_OPTION_COUNT", "1"), ("GIT_PUSH_OPTION_0", "refwarden=off")],
        &[("GIT_PUSH_OPTION_COUNT", "99999999999999999999")],
        &[("RUST_BACKTRACE", "full"), ("RUST_LOG", "trace"), ("TMPDIR", "/nowhere"), ("HOME", "/nowhere")],
    ] {
        for (new, expected) in [(&bench.honest, 0), (&bench.evil, 1)] {
            let mut command = bench.command(HOOK);
            command.envs(variables.iter().copied());
            let (code, text) = run(command, bench.line(new).as_bytes());
            assert_eq!(code, Some(expected), "{variables:?}: {text}");
        }
    }
    let namespace = [("GIT_NAMESPACE", "x"), ("REFWARDEN_ACTOR", "dev")];
    bench.work.push_with(&[&format!("{}:refs/heads/other", bench.honest)], &namespace).undecided("GIT_NAMESPACE");
    bench.is_whole("at last");
}

// The log.

#[test]
fn without_a_log_that_can_be_written() {
    let bench = Bench::new();
    let log = bench.dir().join("refwarden");
    let with = |path: &str| bench.server.policy(&format!("{HEAD}decision_log = {{ path = \"{path}\" }}\n{GUARD}"));
    let inside = |path: &str| bench.dir().join(path).display().to_string();
    for (path, cause) in [
        ("/dev/full", "/dev/full"),
        ("/dev/null/log", "/dev/null"),
        (&*inside("refs/heads/log.jsonl"), "git's own"),
        (&*inside("objects/aa/log.jsonl"), "git's own"),
        (&*inside("log"), "git's own"),
        ("hooks", "hooks"),
        ("linked/log.jsonl", "linked"),
        ("link.jsonl", "link.jsonl"),
        ("dangling.jsonl", "dangling.jsonl"),
    ] {
        let _ = symlink("/nowhere/at/all", bench.dir().join("linked"));
        let _ = symlink(bench.server.folder.path().join("target"), bench.dir().join("link.jsonl"));
        fs::write(bench.server.folder.path().join("target"), "").unwrap();
        let _ = symlink("/nowhere/log", bench.dir().join("dangling.jsonl"));
        with(path);
        for new in [&bench.honest, &bench.evil] {
            let (code, text) = bench.hook(new);
            assert_eq!(code, Some(2), "{path}: {text}");
            assert!(text.contains(cause), "{path}: {text}");
        }
        let pushed = bench.work.push("dev", &[&format!("{}:refs/heads/main", bench.honest)]);
        assert!(!pushed.accepted, "{path}: {}", pushed.output);
    }
    bench.server.policy(&format!("{HEAD}{GUARD}"));
    bench.decides("mended");
    // The end of the log is not what an append left there.
    let path = log.join("decisions.jsonl");
    let sound = fs::read(&path).unwrap();
    for damage in [&b"nonsense\n"[..], b"{}\n", b"\n", b"{\"version\":1}\n"] {
        fs::write(&path, [&sound, damage].concat()).unwrap();
        bench.is_undecided(&format!("{damage:?}"), "decision log");
        fs::write(&path, &sound).unwrap();
    }
    let mut changed = sound.clone();
    let at = sound.len() - 200;
    changed[at] ^= 1;
    fs::write(&path, &changed).unwrap();
    bench.is_undecided("a changed byte", "decision log");
    fs::write(&path, &sound).unwrap();
    bench.decides("mended again");
    // Somebody put a link in the place of the lock.
    let lock = Aside::put(log.join("decisions.jsonl.lock"));
    for target in ["/nowhere/lock", "../HEAD"] {
        symlink(target, log.join("decisions.jsonl.lock")).unwrap();
        bench.is_undecided("a link as lock", "cannot lock the decision log");
        fs::remove_file(log.join("decisions.jsonl.lock")).unwrap();
    }
    drop(lock);
    if is_root() {
        skipped("a log folder without write permission: root writes there");
    } else {
        for (path, open, closed) in [(&path, 0o600, 0o400), (&log, 0o700, 0o500)] {
            fs::set_permissions(path, fs::Permissions::from_mode(closed)).unwrap();
            if path.is_file() {
                bench.is_undecided("read-only", "decision log");
            }
            fs::set_permissions(path, fs::Permissions::from_mode(open)).unwrap();
        }
    }
    bench.is_whole("at last");
}

// Budgets.

#[test]
fn over_a_budget() {
    let bench = Bench::new();
    for (budget, cause) in [("commits = 1", "the budget of 1 commits is spent"), ("paths = 1", "the budget of 1 paths is spent")]
    {
        bench.server.policy(&format!("{HEAD}budget = {{ {budget} }}\n{GUARD}"));
        for new in [&bench.honest, &bench.evil] {
            let (code, text) = bench.hook(new);
            assert_eq!(code, Some(2), "{budget}: {text}");
            assert!(text.contains(cause), "{budget}: {text}");
        }
        bench.work.push("dev", &[&format!("{}:refs/heads/main", bench.honest)]).undecided(cause);
        // Who only reports refuses nothing, however little it may spend.
        let evaluated = GUARD.replace("target =", "enforcement = \"evaluate\"\ntarget =");
        bench.server.policy(&format!("{HEAD}budget = {{ {budget} }}\n{evaluated}"));
        assert_eq!(bench.hook(&bench.honest).0, Some(0), "{budget}");
    }
    bench.server.policy(&format!("{HEAD}{GUARD}"));
    bench.decides("at last");
    bench.is_whole("at last");
}

// The program.

const SIGNALS: [&str; 12] = ["HUP", "INT", "QUIT", "ILL", "ABRT", "FPE", "KILL", "SEGV", "PIPE", "ALRM", "TERM", "XCPU"];

#[test]
fn killed_by_a_signal() {
    let bench = Bench::new();
    for name in SIGNALS {
        // While it waits for its input.
        let mut command = bench.command(HOOK);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let stdin = child.stdin.take();
        let mut kill = bench.command("sh");
        kill.args(["-c", &format!("kill -s {name} {}", child.id())]);
        assert!(kill.status().unwrap().success());
        drop(stdin);
        let status = child.wait().unwrap();
        assert!(!status.success() && (status.signal().is_some() || status.code() == Some(2)), "{name}: {status}");
        // Under git. What survives the signal judges.
        let hook = bench.dir().join("hooks/pre-receive");
        let aside = Aside::put(hook.clone());
        fs::write(&hook, format!("#!/bin/sh\nkill -s {name} $$\nexec '{HOOK}'\n")).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        let pushed = bench.work.push("dev", &[&format!("{}:refs/heads/main", bench.evil)]);
        assert!(!pushed.accepted, "{name}: {}", pushed.output);
        drop(aside);
    }
    bench.decides("at last");
    bench.is_whole("at last");
}

fn log_lines(bench: &Bench) -> usize {
    fs::read_to_string(bench.dir().join("refwarden/decisions.jsonl")).map_or(0, |text| text.lines().count())
}

/// Under a limit the evil push is never accepted, and an honest one only with its line in the log. Whether any was accepted.
#[track_caller]
fn never_accepts(bench: &Bench, place: &str, command: &dyn Fn() -> Command) -> bool {
    let (code, text) = run(command(), bench.line(&bench.evil).as_bytes());
    assert_ne!(code, Some(0), "{place}: accepted: {text}");
    let before = log_lines(bench);
    let (code, _) = run(command(), bench.line(&bench.honest).as_bytes());
    assert!(code != Some(0) || log_lines(bench) == before + 1, "{place}: accepted without a line in the log");
    code == Some(0)
}

#[test]
fn out_of_memory_and_out_of_files() {
    let bench = Bench::new();
    let mut accepted = 0;
    let mut limits: Vec<String> = (0..16).map(|number| format!("-n {number}")).collect();
    limits.extend((0..18).map(|step| format!("-v {}", 2000 + step * step * 600)));
    limits.extend(["-s 16", "-s 64", "-f 0", "-f 1", "-t 0", "-n 64", "-v unlimited"].map(str::to_owned));
    for limit in &limits {
        accepted += usize::from(never_accepts(&bench, limit, &|| {
            let mut command = bench.command("sh");
            command.args(["-c", &format!("ulimit {limit} && exec \"$0\""), HOOK]);
            command
        }));
    }
    assert!(accepted > 0 && accepted < limits.len(), "{accepted} of {}", limits.len());
    // And under git.
    for limit in ["-n 6", "-v 20000"] {
        let hook = bench.dir().join("hooks/pre-receive");
        let aside = Aside::put(hook.clone());
        fs::write(&hook, format!("#!/bin/sh\nulimit {limit}\nexec '{HOOK}'\n")).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        let pushed = bench.work.push("dev", &[&format!("{}:refs/heads/main", bench.evil)]);
        assert!(!pushed.accepted, "{limit}: {}", pushed.output);
        drop(aside);
    }
    bench.decides("at last");
    bench.is_whole("at last");
}

/// Whether strace is there and may trace.
fn has_strace() -> bool {
    let mut probe = Command::new("strace");
    probe.args(["-o", "/dev/null", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// Fails one system call after another of a kind.
fn inject(kind: &str, faults: &[&str], every: usize) {
    if !has_strace() {
        skipped("system calls that fail: there is no strace");
        return;
    }
    let bench = Bench::new();
    bench.decides("at first");
    // How many calls there are, so that each is failed at some time.
    let trace = bench.server.folder.path().join("trace");
    let mut command = bench.command("strace");
    command.args(["-f", "-qq", "-e", &format!("trace={kind}"), "-o"]).arg(&trace).arg(HOOK);
    assert_eq!(run(command, bench.line(&bench.honest).as_bytes()).0, Some(0));
    let count = fs::read_to_string(&trace).unwrap().lines().filter(|line| line.contains('(')).count();
    assert!(count > 0, "no {kind}");
    for fault in faults {
        for when in (1..=count + 1).step_by(every) {
            never_accepts(&bench, &format!("{kind} {when} of {count}: {fault}"), &|| {
                let mut command = bench.command("timeout");
                command.args(["-k", "1", "30", "strace", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={kind}")]);
                command.args(["-e", &format!("inject={kind}:{fault}:when={when}")]).arg(HOOK);
                command
            });
        }
    }
    // A write that failed may have left a torn line, which the next one explains.
    bench.decides("at last");
    bench.is_whole(kind);
}

#[test]
fn when_opening_fails() {
    inject("openat", &["error=EIO", "error=EMFILE", "error=ENOENT"], 1);
}

#[test]
fn when_reading_fails() {
    inject("read", &["error=EIO", "retval=0"], 1);
    inject("pread64", &["error=EIO"], 1);
}

#[test]
fn when_writing_fails() {
    inject("write", &["error=ENOSPC", "error=EIO", "signal=KILL"], 1);
    inject("fdatasync", &["error=EIO", "signal=KILL"], 1);
}

#[test]
fn when_memory_is_refused() {
    inject("mmap", &["error=ENOMEM"], 1);
    inject("brk", &["error=ENOMEM"], 1);
}

// The chained hook.

#[test]
fn the_chained_hook_only_refuses() {
    let bench = Bench::new();
    let chained = bench.dir().join("hooks/pre-receive.chained");
    for (content, mode, accepts) in [
        ("#!/bin/sh\nexit 0\n", 0o755, true),
        ("#!/bin/sh\nexit 1\n", 0o755, false),
        ("#!/bin/sh\nkill -9 $$\n", 0o755, false),
        ("#!/bin/sh\nkill -TERM $$\n", 0o755, false),
        ("#!/nowhere/sh\nexit 0\n", 0o755, false),
        ("\x7fELF", 0o755, false),
        ("#!/bin/sh\nexit 0\n", 0o644, false),
    ] {
        fs::write(&chained, content).unwrap();
        fs::set_permissions(&chained, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(bench.hook(&bench.honest).0 == Some(0), accepts, "{content:?} {mode:o}");
        assert_eq!(bench.hook(&bench.evil).0, Some(1), "{content:?}");
        fs::remove_file(&chained).unwrap();
    }
    symlink("/nowhere", &chained).unwrap();
    assert_eq!(bench.hook(&bench.honest).0, Some(2));
    fs::remove_file(&chained).unwrap();
    fs::create_dir(&chained).unwrap();
    assert_eq!(bench.hook(&bench.honest).0, Some(2));
    fs::remove_dir(&chained).unwrap();
    bench.is_whole("at last");
}
