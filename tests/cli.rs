//! The companion's commands, run as programs. What `install` puts in place is proved by real pushes.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::support::{HEAD, HOOK, Server, Work, clean, copy};

const PROGRAM: &str = env!("CARGO_BIN_EXE_refwarden");

const MAIN: &str = r#"
[[ruleset]]
name = "main is safe"
target = "branch"
refs = ["main"]
[ruleset.rules]
file_path_restriction = { restricted_file_paths = [".github/workflows/**/*"] }
"#;

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn is(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// Exit code 2, with this cause and some help.
    #[track_caller]
    pub(crate) fn fails(self, cause: &str) {
        assert_eq!(self.code, Some(2), "{}{}", self.out, self.err);
        assert!(self.err.contains(cause), "`{cause}` is not named:\n{}", self.err);
        assert!(self.err.contains("help: "), "no help:\n{}", self.err);
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Ran {
        assert!(self.out.contains(text), "`{text}` is not said:\n{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn omits(self, text: &str) -> Ran {
        assert!(!self.out.contains(text), "`{text}` is said:\n{}", self.out);
        self
    }
}

fn run_with<S: AsRef<OsStr>>(home: &Path, arguments: &[S], environment: &[(&str, &str)]) -> Ran {
    let mut command = clean(PROGRAM, home);
    let output = command.current_dir(home).args(arguments).envs(environment.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

pub(crate) fn run<S: AsRef<OsStr>>(home: &Path, arguments: &[S]) -> Ran {
    run_with(home, arguments, &[])
}

/// A server with a policy and without any hook.
pub(crate) fn unguarded() -> Server {
    let server = Server::new(MAIN);
    fs::remove_file(server.dir.join("hooks/pre-receive")).unwrap();
    server
}

impl Server {
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    fn install_with(&self, options: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut arguments = vec!["install"];
        arguments.extend(options);
        arguments.push(self.dir.to_str().unwrap());
        run_with(self.folder.path(), &arguments, environment)
    }

    pub(crate) fn install(&self, options: &[&str]) -> Ran {
        self.install_with(options, &[])
    }

    /// A hook of somebody else's, which notes that it ran, what it read, and exits as told.
    fn foreign_hook(&self, code: i32) -> Vec<u8> {
        let text = format!("#!/bin/sh\ncat >> \"$GIT_DIR/ran\"\necho foreign >&2\nexit {code}\n");
        fs::write(self.at("hooks/pre-receive"), &text).unwrap();
        chmod(&self.at("hooks/pre-receive"), 0o754);
        text.into_bytes()
    }

    /// Whether nothing lies in `hooks` but this.
    #[track_caller]
    pub(crate) fn hooks_are(&self, names: &[&str]) {
        let mut found: Vec<_> =
            fs::read_dir(self.at("hooks")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        found.sort();
        assert_eq!(found, names);
    }
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The hook binds: what the policy forbids is refused by it, what it allows is accepted.
#[track_caller]
pub(crate) fn binds(server: &Server, work: &Work) {
    work.commit("honest", &[("README", "1")]);
    work.push("dev", &["HEAD:refs/heads/main"]).accept();
    work.commit("workflow", &[(".github/workflows/ci.yml", "x")]);
    work.push("dev", &["HEAD:refs/heads/main"]).refuse("file_path_restriction");
    work.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    assert!(server.decisions().len() >= 2);
}

#[test]
fn install_makes_the_policy_bind() {
    let server = unguarded();
    let work = server.work();
    work.commit("first", &[(".github/workflows/ci.yml", "open")]);
    work.push("dev", &["HEAD:refs/heads/main"]).accept();
    server.install(&[]).is(0).says("the hook installed (0.1.0)").says("`receive.fsckObjects` is off");
    binds(&server, &work);
    let metadata = server.at("hooks/pre-receive").symlink_metadata().unwrap();
    assert!(metadata.is_file());
    assert_eq!(metadata.mode() & 0o7777, 0o755);
    server.hooks_are(&["pre-receive"]);
}

#[test]
fn install_makes_the_hooks_directory_and_takes_work_trees_and_several_repositories() {
    let server = unguarded();
    fs::remove_dir(server.at("hooks")).unwrap();
    let work = server.work();
    work.commit("first", &[]);
    work.git(["worktree", "add", "--quiet", "../linked"]);
    let home = server.folder.path();
    let dirs = [server.dir.as_path(), work.dir.as_path()];
    run(home, &[OsStr::new("install"), dirs[0].as_os_str(), dirs[1].as_os_str()]).is(0);
    assert!(work.dir.join(".git/hooks/pre-receive").is_file());
    run(home, &["install", "linked"]).is(0).says("in place already");
    binds(&server, &work);
    // One that fails does not keep the others from being done.
    server.install(&["--uninstall"]).is(0);
    run(home, &[OsStr::new("install"), OsStr::new("nothing"), dirs[0].as_os_str()]).fails("`nothing`: cannot open");
    binds(&server, &work);
}

#[test]
fn install_twice_changes_nothing() {
    let server = unguarded();
    server.foreign_hook(0);
    server.install(&[]).is(0);
    let before = server.at("hooks/pre-receive").metadata().unwrap();
    server.install(&[]).is(0).says("in place already (0.1.0); nothing to change");
    let after = server.at("hooks/pre-receive").metadata().unwrap();
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
    server.hooks_are(&["pre-receive", "refwarden-chained"]);
}

#[test]
fn install_replaces_another_version_of_itself() {
    let server = unguarded();
    let mut other = fs::read(HOOK).unwrap();
    other.extend_from_slice(b"another build");
    fs::write(server.at("hooks/pre-receive"), other).unwrap();
    chmod(&server.at("hooks/pre-receive"), 0o755);
    server.install(&[]).is(0).says("the hook replaced (0.1.0)");
    assert!(fs::read(server.at("hooks/pre-receive")).unwrap() == fs::read(HOOK).unwrap());
    server.hooks_are(&["pre-receive"]);
    // One that git may pass over is repaired.
    for mode in [0o644, 0o700] {
        chmod(&server.at("hooks/pre-receive"), mode);
        server.install(&[]).is(0).says("not every account could run it");
        assert_eq!(server.at("hooks/pre-receive").metadata().unwrap().mode() & 0o777, 0o755);
    }
}

#[test]
fn install_chains_and_both_hooks_can_refuse() {
    let server = unguarded();
    let work = server.work();
    server.foreign_hook(0);
    server.install(&[]).is(0).says("refwarden-chained/pre-receive`, and must accept too");
    binds(&server, &work);
    // It ran after refwarden: once, for the accepted push, with the same input.
    let ran = fs::read_to_string(server.at("ran")).unwrap();
    assert_eq!(ran, format!("{} {} refs/heads/main\n", server.null(), server.value("refs/heads/main").unwrap()));

    fs::write(server.at("hooks/refwarden-chained/pre-receive"), "#!/bin/sh\nexit 3\n").unwrap();
    let before = server.value("refs/heads/main");
    work.commit("honest", &[("README", "2")]);
    let pushed = work.push("dev", &["HEAD:refs/heads/main"]);
    assert!(!pushed.accepted);
    assert!(pushed.output.contains("refused by the chained hook"), "{}", pushed.output);
    assert_eq!(server.value("refs/heads/main"), before);
}

#[test]
fn uninstall_restores_byte_for_byte() {
    let server = unguarded();
    let work = server.work();
    let foreign = server.foreign_hook(0);
    let before = server.at("hooks/pre-receive").metadata().unwrap();
    server.install(&[]).is(0);
    server.install(&["--uninstall", "--dry-run"]).is(0).says("would be removed");
    server.hooks_are(&["pre-receive", "refwarden-chained"]);
    server.install(&["--uninstall"]).is(0).says("the hook removed, the chained one put back");
    assert_eq!(fs::read(server.at("hooks/pre-receive")).unwrap(), foreign);
    let after = server.at("hooks/pre-receive").metadata().unwrap();
    assert_eq!((before.mode(), before.uid(), before.mtime_nsec()), (after.mode(), after.uid(), after.mtime_nsec()));
    server.hooks_are(&["pre-receive"]);
    // What is somebody else's stays.
    server.install(&["--uninstall"]).fails("is not refwarden's hook");
    assert_eq!(fs::read(server.at("hooks/pre-receive")).unwrap(), foreign);

    fs::remove_file(server.at("hooks/pre-receive")).unwrap();
    server.install(&["--uninstall"]).is(0).says("no hook is installed");
    server.install(&[]).is(0);
    server.install(&["--uninstall"]).is(0).says("git accepts every push");
    server.hooks_are(&[]);
    work.commit("workflow", &[(".github/workflows/ci.yml", "x")]);
    work.push("dev", &["HEAD:refs/heads/main"]).accept();
}

#[test]
fn install_goes_on_after_it_was_cut_off() {
    let server = unguarded();
    let foreign = server.foreign_hook(0);
    fs::hard_link(server.at("hooks/pre-receive"), server.at("hooks/pre-receive.chained")).unwrap();
    server.install(&[]).is(0);
    assert_eq!(fs::read(server.at("hooks/pre-receive.chained")).unwrap(), foreign);
    binds(&server, &server.work());

    let server = unguarded();
    let foreign = server.foreign_hook(0);
    fs::create_dir(server.at("hooks/refwarden-chained")).unwrap();
    fs::hard_link(server.at("hooks/pre-receive"), server.at("hooks/refwarden-chained/pre-receive")).unwrap();
    server.install(&[]).is(0);
    assert_eq!(fs::read(server.at("hooks/refwarden-chained/pre-receive")).unwrap(), foreign);
    binds(&server, &server.work());
}

#[test]
fn install_leaves_samples_alone() {
    let server = unguarded();
    fs::write(server.at("hooks/pre-receive.sample"), "#!/bin/sh\nexit 1\n").unwrap();
    server.install(&[]).is(0);
    server.hooks_are(&["pre-receive", "pre-receive.sample"]);
    binds(&server, &server.work());
}

#[test]
fn install_refuses_hooks_that_cannot_be_chained() {
    let server = unguarded();
    let hook = server.at("hooks/pre-receive");
    let unchanged = |cause: &str| {
        let before = (fs::read(&hook).ok(), hook.symlink_metadata().unwrap().mode());
        server.install(&[]).fails(cause);
        assert_eq!((fs::read(&hook).ok(), hook.symlink_metadata().unwrap().mode()), before);
    };
    server.foreign_hook(0);
    fs::write(server.at("hooks/pre-receive.chained"), "#!/bin/sh\n").unwrap();
    unchanged("are both there");
    copy(HOOK, &server.at("hooks/pre-receive.chained"));
    unchanged("is refwarden itself");
    fs::remove_file(server.at("hooks/pre-receive.chained")).unwrap();

    chmod(&hook, 0o644);
    unchanged("is not executable, so git ignores it");
    fs::write(&hook, "").unwrap();
    chmod(&hook, 0o755);
    unchanged("is empty");
    fs::write(&hook, "#!/bin/sh\nexec /usr/bin/refwarden-pre-receive --policy /etc/p.toml\n").unwrap();
    unchanged("runs refwarden itself");
    fs::remove_file(&hook).unwrap();
    symlink("/nowhere/hook", &hook).unwrap();
    unchanged("is a dangling link");
    fs::remove_file(&hook).unwrap();
    fs::create_dir(&hook).unwrap();
    unchanged("is no file");
    server.hooks_are(&["pre-receive"]);
}

#[test]
fn install_never_runs_a_hook_that_it_finds() {
    let server = unguarded();
    let text = format!("#!/bin/sh\necho ran >> {}\necho refwarden-pre-receiv 0.1.0\n", server.at("ran").display());
    fs::write(server.at("hooks/pre-receive"), text).unwrap();
    chmod(&server.at("hooks/pre-receive"), 0o755);
    server.install(&[]).is(0);
    server.install(&["--uninstall"]).is(0);
    assert!(!server.at("ran").exists());
}

#[test]
fn install_links_when_asked_and_says_what_a_dangling_link_means() {
    let server = unguarded();
    let program = server.folder.path().join("refwarden-pre-receive");
    copy(HOOK, &program);
    let link = ["--link", "--hook", program.to_str().unwrap()];
    server.install(&link).is(0).says("git accepts everything once");
    assert_eq!(server.at("hooks/pre-receive").read_link().unwrap(), program);
    binds(&server, &server.work());
    server.install(&link).is(0).says("in place already");
    fs::remove_file(&program).unwrap();
    server.install(&[]).is(0).says("it was a dangling link: git accepted every push");
    assert!(server.at("hooks/pre-receive").symlink_metadata().unwrap().is_file());
    binds(&server, &server.work_of_main());
}

impl Server {
    /// A work tree at the server's `main`.
    pub(crate) fn work_of_main(&self) -> Work {
        let work = self.work();
        work.git(["fetch", "--quiet", "origin"]);
        work.git(["reset", "--quiet", "--hard", "origin/main"]);
        work
    }
}

#[test]
fn install_follows_a_shared_hooks_directory_and_says_where() {
    let server = unguarded();
    let shared = server.folder.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::remove_dir(server.at("hooks")).unwrap();
    symlink(&shared, server.at("hooks")).unwrap();
    server.install(&[]).is(0).says(&format!("is a link to `{}`", shared.canonicalize().unwrap().display()));
    binds(&server, &server.work());
    fs::remove_file(shared.join("pre-receive")).unwrap();
    fs::remove_dir(&shared).unwrap();
    server.install(&[]).fails("`hooks` is a link to");
}

#[test]
fn install_refuses_programs_that_are_not_the_hook() {
    let server = unguarded();
    let program = server.folder.path().join("program");
    let hook = ["--hook", program.to_str().unwrap()];
    server.install(&hook).fails("cannot find the hook's program");
    fs::write(&program, "").unwrap();
    server.install(&hook).fails("is empty");
    copy(HOOK, &program);
    chmod(&program, 0o644);
    server.install(&hook).fails("is not executable");
    fs::write(&program, "#!/bin/sh\necho something else\n").unwrap();
    chmod(&program, 0o755);
    server.install(&hook).fails("is not `refwarden-pre-receive`");
    fs::write(&program, "\x7fELF, and then nothing").unwrap();
    server.install(&hook).fails("cannot run the hook's program");
    server.hooks_are(&[]);
}

#[test]
fn install_refuses_what_is_no_repository() {
    let server = unguarded();
    let home = server.folder.path();
    run(home, &["install", "nothing"]).fails("cannot open");
    fs::create_dir(home.join("empty")).unwrap();
    run(home, &["install", "empty"]).fails("it is no git directory");
    assert!(fs::read_dir(home.join("empty")).unwrap().next().is_none());
}

#[test]
fn install_refuses_hooks_elsewhere() {
    let server = unguarded();
    let config = server.folder.path().join("gitconfig");
    fs::write(&config, "[core]\n\thooksPath = /elsewhere\n").unwrap();
    let config = config.to_str().unwrap();
    // The user's, and the system's.
    let user = [("GIT_CONFIG_GLOBAL", config)];
    server.install_with(&[], &user).fails("`core.hooksPath` = `/elsewhere`");
    server.install_with(&[], &[("GIT_CONFIG_NOSYSTEM", "0"), ("GIT_CONFIG_SYSTEM", config)]).fails("`core.hooksPath`");
    // The repository's own.
    server.git(["config", "core.hooksPath", "githooks"]);
    server.install(&[]).fails("`core.hooksPath` = `githooks`");
    server.install(&["--dry-run"]).fails("`core.hooksPath` = `githooks`");
    server.hooks_are(&[]);
    // Its last word is the hooks directory itself, whatever the user's says.
    server.git(["config", "core.hooksPath", "hooks"]);
    server.install_with(&[], &user).is(0);
    binds(&server, &server.work());
}

#[test]
fn install_refuses_a_file_system_without_programs() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
        mount -t tmpfs -o noexec tmpfs "$1" || exit 77
        git init --quiet --bare --template= "$1/a.git" && "$2" install "$1/a.git"
        code=$?
        test ! -e "$1/a.git/hooks" || exit 3
        exit $code"#;
    for options in [&["--mount"][..], &["--mount", "--map-root-user"]] {
        let mut command = clean("unshare", folder.path());
        command.args(options).args(["sh", "-c", script, "sh"]).arg(folder.path()).arg(PROGRAM);
        let Ok(output) = command.output() else { break };
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(77) || err.contains("unshare:") {
            continue;
        }
        return Ran { code: output.status.code(), out: String::new(), err }.fails("is mounted `noexec`");
    }
    #[expect(clippy::print_stderr, reason = "a test that proves nothing must say so")]
    {
        eprintln!("skipped: nothing can be mounted here");
    }
}

#[test]
fn install_checks_the_policy_before_it_touches_anything() {
    let server = unguarded();
    fs::remove_file(server.at("refwarden.toml")).unwrap();
    let policy = server.folder.path().join("policy.toml");
    fs::write(&policy, "version = 1\nsurprise = true\n").unwrap();
    let config = fs::read(server.at("config")).unwrap();
    server.install(&["--policy", "policy.toml"]).fails("`policy.toml` does not load");
    server.install(&["--policy", "missing.toml"]).fails("cannot read the policy");
    server.hooks_are(&[]);
    fs::write(&policy, format!("{HEAD}{MAIN}")).unwrap();
    server.install(&["--policy", "policy.toml", "--dry-run"]).is(0).says("would be installed").says("would set");
    server.hooks_are(&[]);
    assert_eq!(fs::read(server.at("config")).unwrap(), config);

    server.install(&["--policy", "policy.toml"]).is(0).says("set `refwarden.policy`").omits("will be refused");
    assert_eq!(server.git(["config", "refwarden.policy"]), policy.to_str().unwrap());
    binds(&server, &server.work());
    let config = fs::read(server.at("config")).unwrap();
    server.install(&["--policy", "policy.toml"]).is(0).says("nothing to change").omits("set `refwarden.policy`");
    assert_eq!(fs::read(server.at("config")).unwrap(), config);
}

#[test]
fn install_takes_everything_back_when_a_step_fails() {
    let server = unguarded();
    let foreign = server.foreign_hook(0);
    // A lock keeps git from writing the configuration.
    fs::write(server.at("config.lock"), "").unwrap();
    let policy = server.at("refwarden.toml");
    server.install(&["--policy", policy.to_str().unwrap()]).is(2);
    server.hooks_are(&["pre-receive"]);
    assert_eq!(fs::read(server.at("hooks/pre-receive")).unwrap(), foreign);
}

#[test]
fn install_warns_of_what_keeps_pushes_from_being_judged() {
    let server = unguarded();
    server.git(["config", "receive.fsckObjects", "true"]);
    server.install(&[]).is(0).omits("warning");
    server.policy("version = 1\n");
    server.install(&[]).is(0).says("does not say who pushes");
    server.policy("surprise = 1\n");
    server.install(&[]).is(0).says("does not load").says("help: refwarden check ");
    fs::remove_file(server.at("refwarden.toml")).unwrap();
    server.install(&[]).is(0).says("every push will be refused: there is no policy").says("refwarden install --policy FILE");
    server.git(["config", "hook.pre-receive.enabled", "false"]);
    server.install(&[]).is(0).says("`hook.pre-receive.enabled` is false");
    let work = server.work();
    work.commit("any", &[]);
    work.push("dev", &["HEAD:refs/heads/main"]).undecided("there is no policy");
}

const PRESETS: &[&str] = &["minimal", "agents", "release", "monorepo"];

#[test]
fn init_prints_policies_that_load() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    for preset in PRESETS {
        run(home, &["init", "--list"]).is(0).says(preset);
        let text = run(home, &["init", "--preset", preset]).is(0).out;
        let file = format!("{preset}.toml");
        run(home, &["init", "--preset", preset, "--output", &file]).is(0).says("wrote `");
        assert_eq!(fs::read_to_string(home.join(&file)).unwrap(), text);
        assert_eq!(home.join(&file).metadata().unwrap().mode() & 0o777, 0o644);
        run(home, &["check", "--strict", &file]).is(0).says("loads;");
    }
    assert_eq!(run(home, &["init"]).is(0).out, run(home, &["init", "--preset", "minimal"]).is(0).out);
    run(home, &["init", "--preset", "unknown"]).is(2);

    let mine = home.join("minimal.toml");
    fs::write(&mine, "mine").unwrap();
    run(home, &["init", "--output", "minimal.toml"]).fails("is there already");
    assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
    run(home, &["init", "--output", "minimal.toml", "--force"]).is(0);
    assert_ne!(fs::read_to_string(&mine).unwrap(), "mine");
    run(home, &["init", "--output", "nowhere/policy.toml"]).fails("cannot write `nowhere/policy.toml`");
}

/// Every preset guards the default branch against being rewritten, once installed.
#[test]
fn init_prints_policies_that_bind() {
    for preset in PRESETS {
        let server = unguarded();
        let text = run(server.folder.path(), &["init", "--preset", preset]).is(0).out;
        server.policy(&text);
        server.install(&[]).is(0).omits("will be refused");
        let work = server.work();
        work.commit("first", &[("README", "1")]);
        let pushed = work.push("dev", &["HEAD:refs/heads/refs/heads/main"]);
        // Some presets let nobody push directly; none fails to decide.
        assert!(!pushed.output.contains("could not"), "{preset}:\n{}", pushed.output);
        assert!(["accepted", "refused"].contains(&server.decisions()[0]["decision"].as_str().unwrap()), "{preset}");
    }
}

/// A server whose log holds an accepted, a refused and an undecided push.
fn logged() -> (Server, Work) {
    let server = unguarded();
    server.install(&[]).is(0);
    let work = server.work();
    binds(&server, &work);
    work.push("", &["HEAD:refs/heads/other"]).undecided("REFWARDEN_ACTOR");
    (server, work)
}

impl Server {
    fn log(&self, command: &str, options: &[&str]) -> Ran {
        let mut arguments = vec!["log", command, "--repo", self.dir.to_str().unwrap()];
        arguments.extend(options);
        run(self.folder.path(), &arguments)
    }
}

#[test]
fn log_verify_tells_a_whole_chain_from_a_broken_one() {
    let (server, _) = logged();
    let log = server.at("refwarden/decisions.jsonl");
    let last = server.decisions()[2]["hash"].as_str().unwrap().to_owned();
    server.log("verify", &[]).is(0).says("whole: 3 records in 1 file").says(&format!("last hash: {last}"));
    let first = server.decisions()[0]["hash"].as_str().unwrap().to_owned();
    server.log("verify", &["--anchor", &first]).is(0);
    let report: serde_json::Value = serde_json::from_str(&server.log("verify", &["--json"]).is(0).out).unwrap();
    assert_eq!((&report["version"], &report["records"], &report["broken"]), (&1.into(), &3.into(), &().into()));

    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<_> = text.lines().collect();
    // Cut off: the lock shows it, and where that was written anew as well, only the anchor.
    fs::write(&log, format!("{}\n{}\n", lines[0], lines[1])).unwrap();
    server.log("verify", &[]).is(1).says("the log was cut off");
    let lock = server.at("refwarden/decisions.jsonl.lock");
    let remembered = fs::read(&lock).unwrap();
    fs::write(&lock, "").unwrap();
    server.log("verify", &[]).is(0);
    server.log("verify", &["--anchor", &last]).is(1).says("broken: no record has the anchor's hash");
    fs::write(&lock, remembered).unwrap();
    // Changed.
    fs::write(&log, text.replacen("\"refused\"", "\"accepted\"", 1)).unwrap();
    server.log("verify", &[]).is(1).says("decisions.jsonl:2: broken: ");
    let file = log.to_str().unwrap();
    let report = run(server.folder.path(), &["log", "verify", "--json", file]).is(1).out;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&report).unwrap()["broken"]["line"], 2);

    server.log("verify", &["--anchor", "abc"]).fails("is not the hash of a record");
    fs::remove_file(&log).unwrap();
    server.log("verify", &[]).is(1).says("its newest file is gone");
    fs::remove_file(&lock).unwrap();
    server.log("verify", &[]).is(2);
    run(server.folder.path(), &["log", "verify"]).is(2);
}

#[test]
fn log_is_found_where_the_policy_puts_it() {
    let server = unguarded();
    server.policy(&format!("{HEAD}decision_log = {{ path = \"elsewhere/log.jsonl\" }}\n{MAIN}"));
    server.install(&[]).is(0);
    let work = server.work();
    work.commit("first", &[]);
    work.push("dev", &["HEAD:refs/heads/main"]).accept();
    server.log("verify", &[]).is(0).says("elsewhere/log.jsonl: whole: 1 record in 1 file");
    // Without a policy that loads, it is where it was.
    server.policy("broken");
    work.push("dev", &["HEAD:refs/heads/other"]).undecided("does not load");
    server.log("show", &[]).is(0).says("undecided").says("does not load");
}

#[test]
fn log_show_filters_and_sanitises() {
    let (server, work) = logged();
    let shown = server.log("show", &[]).is(0).out;
    assert!(shown.contains("accepted  server by dev  01"), "{shown}");
    assert!(shown.contains("    create refs/heads/main nothing.."), "{shown}");
    assert!(shown.contains("[main is safe] file_path_restriction: violated: .github/workflows/ci.yml"), "{shown}");
    let decisions = |options: &[&str]| -> Vec<String> {
        let out = server.log("show", &[&["--json"], options].concat()).is(0).out;
        let record = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
        out.lines().map(|line| record(line)["decision"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(decisions(&[]), ["accepted", "refused", "undecided"]);
    assert_eq!(decisions(&["-n", "2"]), ["refused", "undecided"]);
    assert_eq!(decisions(&["-n", "0"]), ["accepted", "refused", "undecided"]);
    assert_eq!(decisions(&["--decision", "refused"]), ["refused"]);
    assert_eq!(decisions(&["--ref", "main"]), ["accepted", "refused"]);
    assert_eq!(decisions(&["--ref", "refs/heads/other"]), ["undecided"]);
    assert_eq!(decisions(&["--actor", "dev", "-n", "1"]), ["refused"]);
    assert_eq!(decisions(&["--actor", "nobody"]), [""; 0]);

    work.push("dev", &["HEAD:refs/heads/e\u{202e}vil\u{9b}2J"]).accept();
    for options in [&["-n", "1"][..], &["-n", "1", "--json"]] {
        let shown = server.log("show", options).is(0).out;
        assert!(shown.chars().all(|character| matches!(character, ' '..='~' | '\n')), "{shown:?}");
        assert!(shown.contains("vil"), "{shown}");
    }
    assert_eq!(decisions(&["--ref", "e\u{202e}vil\u{9b}2J"]), ["accepted"]);
}

#[test]
fn log_stats_counts() {
    let (server, _) = logged();
    let shown = server.log("stats", &[]).is(0).out;
    let words: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [
        &["accepted", "1"][..],
        &["refused", "1"],
        &["undecided", "1"],
        &["file_path_restriction", "1", "1", "violated"],
        &["dev", "2"],
        &["-", "1"],
        &["3", "records"],
    ] {
        assert!(words.iter().any(|words| words == row), "{row:?} is missing:\n{shown}");
    }
    assert!(shown.contains("deciding took: p50 "), "{shown}");
    let stats: serde_json::Value = serde_json::from_str(&server.log("stats", &["--json"]).is(0).out).unwrap();
    assert_eq!(stats["records"], 3);
    assert!(stats["milliseconds"]["p99"].as_f64().unwrap() >= stats["milliseconds"]["p50"].as_f64().unwrap());
}

/// Every command that the help shows, by its words.
fn commands(command: &clap::Command, words: &[String]) -> Vec<(Vec<String>, clap::Command)> {
    let mut found = Vec::new();
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let words = [words, &[sub.get_name().to_owned()]].concat();
        found.push((words.clone(), sub.clone()));
        found.extend(commands(sub, &words));
    }
    found
}

#[test]
fn help_shows_examples_that_parse() {
    let root = refwarden::cli::command();
    for (words, command) in commands(&root, &[]) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let Some((_, examples)) = help.split_once("Examples:\n") else { panic!("the help of {words:?} has no example") };
        let name = format!("refwarden {}", words.join(" "));
        assert!(examples.contains(&name), "no example of {words:?} shows it");
        for line in examples.lines().filter_map(|line| line.trim_start().strip_prefix("refwarden ")) {
            let line = line.split(['<', '>', '|']).next().unwrap();
            let parsed = root.clone().try_get_matches_from(["refwarden"].into_iter().chain(line.split_whitespace()));
            assert!(parsed.is_ok(), "an example does not parse: refwarden {line}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn completions_and_manual_pages_name_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let commands = commands(&refwarden::cli::command(), &[]);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(home, &["completions", shell]).is(0).out;
        for (words, _) in &commands {
            assert!(script.contains(words.last().unwrap()), "{shell} does not complete {words:?}");
        }
        assert!(!script.contains("Runs as the hook") && !script.contains(" hook help"), "{shell} offers a hidden command");
    }
    run(home, &["completions", "unknown"]).is(2);

    let page = run(home, &["man"]).is(0).out;
    fs::create_dir(home.join("man1")).unwrap();
    run(home, &["man", "--dir", "man1"]).is(0);
    for (words, _) in &commands {
        let name = format!("refwarden-{}.1", words.join("-"));
        assert!(fs::read_to_string(home.join("man1").join(&name)).unwrap().contains(".SH SYNOPSIS"), "{name}");
        assert!(words.len() > 1 || page.contains(&format!("refwarden\\-{}", words[0])), "the page does not name {words:?}");
    }
    assert!(!home.join("man1/refwarden-hook.1").exists());
    run(home, &["man", "--dir", "nowhere"]).fails("cannot write manual pages");
}

#[test]
fn install_stores_a_policy_s_path_without_dots() {
    let server = unguarded();
    fs::remove_file(server.at("refwarden.toml")).unwrap();
    let home = fs::canonicalize(server.folder.path()).unwrap();
    fs::create_dir_all(home.join("etc/deep")).unwrap();
    fs::create_dir_all(home.join("elsewhere")).unwrap();
    symlink(home.join("etc/deep"), home.join("elsewhere/link")).unwrap();
    fs::write(home.join("etc/policy.toml"), format!("{HEAD}{MAIN}")).unwrap();
    symlink("policy.toml", home.join("etc/current.toml")).unwrap();
    for (written, stored) in [
        ("elsewhere/../etc/policy.toml", "etc/policy.toml"),
        // As the system understands it: `..` after a link is above what it leads to.
        ("elsewhere/link/../policy.toml", "etc/policy.toml"),
        ("./etc/./policy.toml", "etc/policy.toml"),
        // A link that is to be replaced stays one.
        ("etc/current.toml", "etc/current.toml"),
        ("elsewhere/link/../current.toml", "etc/current.toml"),
    ] {
        server.install(&["--policy", written]).is(0);
        assert_eq!(server.git(["config", "refwarden.policy"]), home.join(stored).to_str().unwrap(), "{written}");
    }
    binds(&server, &server.work());
}

#[test]
fn linked_worktrees_belong_to_their_repository() {
    let server = unguarded();
    let work = server.with_main(&[("README", "1")]);
    work.force("HEAD:refs/heads/topic");
    let home = server.folder.path();
    let checkout = home.join("checkout");
    server.git(["worktree", "add", "--quiet", checkout.to_str().unwrap(), "topic"]);
    let inner = server.at("worktrees/checkout");
    for place in [&checkout, &inner] {
        run(home, &["install", place.to_str().unwrap()]).is(0);
        server.hooks_are(&["pre-receive"]);
        run(home, &["explain", "--repo", place.to_str().unwrap(), "--actor", "dev", "refs/heads/main", "main", "topic"])
            .fails("has no refs of its own");
    }
    binds(&server, &work);
    for place in [&checkout, &inner, &server.dir] {
        run(home, &["log", "verify", "--repo", place.to_str().unwrap()]).is(0);
        let ran = run(home, &["log", "show", "--repo", place.to_str().unwrap()]).is(0);
        assert!(ran.out.lines().count() > 1, "{}", ran.out);
    }
    // A client may well have linked worktrees.
    let client = home.join("client");
    work.git(["worktree", "add", "--quiet", "--detach", client.to_str().unwrap()]);
    let linked = Work { dir: client.clone(), home: home.to_owned() };
    let new = linked.commit("new", &[("README", "3")]);
    let arguments = ["explain", "--actor", "dev", "--objects", client.to_str().unwrap(), "--repo", server.dir.to_str().unwrap()];
    run(home, &[arguments.as_slice(), &["refs/heads/other", &server.null(), &new]].concat()).is(0);
}

#[test]
fn install_says_by_which_name_a_repository_is_judged() {
    let server = unguarded();
    let home = server.folder.path();
    let link = home.join("shop.git");
    symlink(&server.dir, &link).unwrap();
    let named = |name: &str| MAIN.replace("[ruleset.rules]", &format!("repositories = [\"{name}\"]\n[ruleset.rules]"));
    server.policy(&format!("{HEAD}{}", named("shop")));
    let link = link.to_str().unwrap();
    run(home, &["install", link]).is(0).says("judges only pushes through the link").says("`server`");
    let explain = |repo: &str| {
        let ran = run(home, &["explain", "--repo", repo, "--actor", "dev", "refs/heads/main", "main", "main"]).is(0);
        ran.out.contains("main is safe")
    };
    server.with_main(&[("README", "1")]);
    assert!(!explain(server.dir.to_str().unwrap()));
    assert!(explain(link));
    server.policy(&format!("{HEAD}{}", named("server")));
    run(home, &["install", link]).is(0).omits("through the link");
    let root = home.join("nowhere");
    server.policy(&format!("{HEAD}root = \"{}\"\n{MAIN}", root.display()));
    run(home, &["install", link]).is(0).says("every push will be refused").says("root");
}

#[test]
fn install_says_what_the_hook_does_not_read() {
    let server = unguarded();
    let home = server.folder.path();
    fs::write(home.join("global"), "[refwarden]\n\tpolicy = /strict.toml\n").unwrap();
    let global = home.join("global");
    server.install_with(&[], &[("GIT_CONFIG_GLOBAL", global.to_str().unwrap())]).is(0).says("does not read `refwarden.policy`");
    server.install(&[]).is(0).omits("does not read");
    server.git(["config", "receive.denyCurrentBranch", "updateInstead"]);
    server.install(&[]).is(0).says("pushed files reach the work tree");
}
