//! A git server and its clients, real and throw-away: nothing of the machine's git configuration reaches them, and nothing
//! they do leaves their folder.

pub mod clock;
pub mod github;
pub mod live;
pub mod scenario;
pub mod wire;

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

/// The hook's program, as built for this test run.
pub const HOOK: &str = env!("CARGO_BIN_EXE_refwarden-pre-receive");

/// Every commit gets a later time than the one before, so that histories are the same in every run.
static CLOCK: AtomicU64 = AtomicU64::new(1_700_000_000);

/// A command with a clean environment: `PATH`, and a `HOME` that is empty.
pub fn clean(program: impl AsRef<OsStr>, home: &Path) -> Command {
    let mut command = Command::new(program);
    let time = format!("{} +0000", CLOCK.fetch_add(60, Ordering::Relaxed));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "author")
        .env("GIT_AUTHOR_EMAIL", "author@example.org")
        .env("GIT_AUTHOR_DATE", &time)
        .env("GIT_COMMITTER_NAME", "committer")
        .env("GIT_COMMITTER_EMAIL", "committer@example.org")
        .env("GIT_COMMITTER_DATE", &time);
    command
}

fn succeed(mut command: Command) -> Vec<u8> {
    let output = command.output().expect("the program starts");
    assert!(
        output.status.success(),
        "{command:?} failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Copies a program. In a process of its own: a copy that this one makes would be open for writing in whatever other tests start
/// meanwhile, and then be too busy to run.
pub fn copy(from: impl AsRef<OsStr>, to: &Path) {
    let mut command = clean("cp", Path::new("/"));
    command.arg(from).arg(to);
    succeed(command);
}

/// How a repository is stored.
#[derive(Debug, Clone, Copy, Default)]
pub struct Storage {
    /// SHA-256 instead of SHA-1.
    pub sha256: bool,
    /// A reftable instead of files.
    pub reftable: bool,
}

/// A bare repository with the hook in place.
pub struct Server {
    pub folder: TempDir,
    pub dir: PathBuf,
}

/// What a push came to.
#[derive(Debug)]
pub struct Pushed {
    pub accepted: bool,
    /// What git printed, the server's lines with their `remote: ` prefix.
    pub output: String,
}

impl Pushed {
    /// The server's lines, without git's prefix.
    pub fn remote(&self) -> String {
        self.output
            .lines()
            .filter_map(|line| line.strip_prefix("remote: "))
            .map(|line| line.trim_end().to_owned() + "\n")
            .collect()
    }

    #[track_caller]
    pub fn accept(&self) {
        assert!(self.accepted, "an honest push was refused:\n{}", self.output);
    }

    /// Refused by this rule, and not by anything else of git's.
    #[track_caller]
    pub fn refuse(&self, rule: &str) {
        assert!(!self.accepted, "accepted, though `{rule}` forbids it:\n{}", self.output);
        assert!(self.output.contains("pre-receive hook declined"), "not refused by the hook:\n{}", self.output);
        assert!(self.remote().contains(&format!("] {rule}: ")), "not refused by `{rule}`:\n{}", self.output);
    }

    /// Refused because it could not be judged, for this cause.
    #[track_caller]
    pub fn undecided(&self, cause: &str) {
        assert!(!self.accepted, "accepted, though it could not be judged:\n{}", self.output);
        assert!(self.output.contains(cause), "the cause `{cause}` is not named:\n{}", self.output);
    }
}

/// The head of a policy for servers whose pusher is named by `REFWARDEN_ACTOR`.
pub const HEAD: &str = "version = 1\n[server]\nidentity = \"ssh\"\n";

impl Server {
    /// An empty repository, `main` its default branch, and this policy below [`HEAD`].
    pub fn new(rulesets: &str) -> Server {
        Server::stored(rulesets, Storage::default())
    }

    pub fn stored(rulesets: &str, storage: Storage) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("server.git");
        let server = Server { folder, dir };
        let mut init = clean("git", server.folder.path());
        init.args(["init", "--quiet", "--bare", "--initial-branch=main", "--template="]);
        if storage.sha256 {
            init.arg("--object-format=sha256");
        }
        if storage.reftable {
            init.arg("--ref-format=reftable");
        }
        succeed({
            init.arg(&server.dir);
            init
        });
        fs::create_dir_all(server.dir.join("hooks")).unwrap();
        // Cheaper than a copy for each of hundreds of servers.
        std::os::unix::fs::symlink(HOOK, server.dir.join("hooks/pre-receive")).unwrap();
        server.git(["config", "receive.advertisePushOptions", "true"]);
        server.policy(&format!("{HEAD}{rulesets}"));
        server
    }

    /// Replaces the whole policy.
    pub fn policy(&self, text: &str) {
        fs::write(self.dir.join("refwarden.toml"), text).unwrap();
    }

    /// Runs git in the repository, past the hook.
    pub fn git<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> String {
        let mut command = clean("git", self.folder.path());
        command.arg("--git-dir").arg(&self.dir).args(arguments);
        String::from_utf8_lossy(&succeed(command)).trim_end().to_owned()
    }

    /// What a ref holds, or nothing.
    pub fn value(&self, name: &str) -> Option<String> {
        let mut command = clean("git", self.folder.path());
        command.arg("--git-dir").arg(&self.dir).args(["rev-parse", "--verify", "--quiet", name]);
        let output = command.output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// A work tree with an empty `main`, and the server as `origin`.
    pub fn work(&self) -> Work {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let dir = self.folder.path().join(format!("work{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let format = self.git(["rev-parse", "--show-object-format"]);
        let mut init = clean("git", self.folder.path());
        init.args(["init", "--quiet", "--initial-branch=main", "--template=", &format!("--object-format={format}")]).arg(&dir);
        succeed(init);
        let work = Work { dir, home: self.folder.path().into() };
        work.git([OsStr::new("remote"), "add".as_ref(), "origin".as_ref(), self.dir.as_os_str()]);
        work.git(["config", "core.quotePath", "false"]);
        work
    }

    /// A work tree whose first commit is `main` on the server, put there past the hook.
    pub fn with_main(&self, files: &[(&str, &str)]) -> Work {
        let work = self.work();
        work.commit("base", files);
        work.force("main");
        work
    }

    /// The decisions that were logged, oldest first.
    pub fn decisions(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.dir.join("refwarden/decisions.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a line of the log is JSON")).collect()
    }

    /// The null object id.
    pub fn null(&self) -> String {
        "0".repeat(if self.git(["rev-parse", "--show-object-format"]) == "sha256" { 64 } else { 40 })
    }

    /// Runs the hook as receive-pack would, without a quarantine: the code, and what it printed.
    pub fn hook(&self, actor: Option<&str>, input: &[u8], environment: &[(&str, &str)]) -> (Option<i32>, String) {
        let mut command = clean(self.dir.join("hooks/pre-receive"), self.folder.path());
        command.current_dir(&self.dir).env("GIT_DIR", ".").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(actor) = actor {
            command.env("REFWARDEN_ACTOR", actor);
        }
        command.envs(environment.iter().copied());
        let mut child = command.spawn().unwrap();
        // A hook that refuses early need not read everything.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Pushes with a client that sends exactly these commands, as no git client would: `OLD NEW REF` each. `objects` are sent
    /// from the work tree, with everything they need.
    pub fn raw_push(&self, actor: &str, work: &Work, commands: &[Vec<u8>], objects: &[&str], capabilities: &str) -> String {
        let mut server = clean("git", self.folder.path());
        server.arg("receive-pack").arg(&self.dir).env("REFWARDEN_ACTOR", actor);
        let mut child = server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        // The advertisement ends with a flush packet.
        loop {
            let mut length = [0; 4];
            stdout.read_exact(&mut length).unwrap();
            let length = usize::from_str_radix(std::str::from_utf8(&length).unwrap(), 16).unwrap();
            if length == 0 {
                break;
            }
            let mut packet = vec![0; length - 4];
            stdout.read_exact(&mut packet).unwrap();
        }
        let mut request = Vec::new();
        for (index, line) in commands.iter().enumerate() {
            let mut packet = line.clone();
            if index == 0 {
                packet.push(0);
                packet.extend_from_slice(format!(" report-status side-band-64k {capabilities}").as_bytes());
            }
            request.extend_from_slice(format!("{:04x}", packet.len() + 4).as_bytes());
            request.extend_from_slice(&packet);
        }
        request.extend_from_slice(b"0000");
        let mut pack = clean("git", &work.home);
        pack.current_dir(&work.dir).args(["pack-objects", "--stdout", "--revs", "--quiet"]);
        let mut packer = pack.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        packer.stdin.take().unwrap().write_all((objects.join("\n") + "\n").as_bytes()).unwrap();
        request.extend_from_slice(&packer.wait_with_output().unwrap().stdout);
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(&request);
        drop(stdin);
        let mut answer = Vec::new();
        stdout.read_to_end(&mut answer).unwrap();
        child.wait().unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// A client's repository with a work tree.
pub struct Work {
    pub dir: PathBuf,
    pub home: PathBuf,
}

impl Work {
    /// Runs git; it must succeed.
    pub fn git<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> String {
        let mut command = clean("git", &self.home);
        command.current_dir(&self.dir).args(arguments);
        String::from_utf8_lossy(&succeed(command)).trim_end().to_owned()
    }

    /// Runs git with this input; it must succeed.
    pub fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut command = clean("git", &self.home);
        command.current_dir(&self.dir).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?} failed");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Writes a file of the work tree.
    pub fn write(&self, path: &str, content: &str) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes files, commits everything, and returns the commit.
    pub fn commit(&self, message: &str, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            self.write(path, content);
        }
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message", message]);
        self.id("HEAD")
    }

    /// The object that a revision names.
    pub fn id(&self, revision: &str) -> String {
        self.git(["rev-parse", "--verify", revision])
    }

    /// Pushes as this actor.
    pub fn push(&self, actor: &str, arguments: &[&str]) -> Pushed {
        self.push_with(arguments, &[("REFWARDEN_ACTOR", actor)])
    }

    /// Pushes with these variables, which over a file reach the server's side too.
    pub fn push_with(&self, arguments: &[impl AsRef<OsStr>], environment: &[(&str, &str)]) -> Pushed {
        let mut command = clean("git", &self.home);
        command.current_dir(&self.dir).arg("push").arg("origin").args(arguments).envs(environment.iter().copied());
        let Output { status, stdout, stderr } = command.output().unwrap();
        let output = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        Pushed { accepted: status.success(), output }
    }

    /// Pushes past the hook: by moving it away for the time of the push.
    pub fn force(&self, refspec: &str) {
        let mut command = clean("git", &self.home);
        command.current_dir(&self.dir).args(["-c", "protocol.version=0", "push", "--quiet", "--force"]);
        command.args(["--receive-pack", "git -c core.hooksPath=/dev/null receive-pack", "origin", refspec]);
        succeed(command);
    }
}
