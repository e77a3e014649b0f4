//! What the benchmarks share: throw-away repositories of generated, seeded content, medians, and tables.
//!
//! Everything lies in one temporary folder that is removed at the end. Nothing of the machine's git configuration reaches it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

/// The hook's program, built with the profile of this benchmark.
pub const HOOK: &str = env!("CARGO_BIN_EXE_refwarden-pre-receive");

/// The restricted folder of every policy and of every other hook here.
pub const RESTRICTED: &str = ".github/workflows";

/// The five rules that are measured: switches, a path rule with a literal prefix, sizes, and a message pattern.
pub const FIVE_RULES: &str = r#"
[[ruleset]]
name = "five rules"
target = "branch"
refs = ["~DEFAULT_BRANCH", "team/*"]
[ruleset.rules]
deletion = true
non_fast_forward = true
file_path_restriction = { restricted_file_paths = [".github/workflows/**/*"] }
max_file_size = { max_file_size = 5 }
commit_message_pattern = { operator = "regex", pattern = '^(feat|fix|docs)(\(.+\))?: ' }
"#;

/// Rules that select every path, or have every path counted.
pub const EVERYTHING: &str = r#"
[[ruleset]]
name = "everything"
target = "branch"
refs = ["~DEFAULT_BRANCH", "team/*"]
[ruleset.rules]
deletion = true
non_fast_forward = true
file_path_restriction = { restricted_file_paths = [".github/workflows/**/*", "**/*.forbidden"] }
file_extension_restriction = { restricted_file_extensions = ["jar"] }
max_file_path_length = { max_file_path_length = 200 }
max_changed_paths = { max_changed_paths = 1_000_000 }
max_file_size = { max_file_size = 5 }
commit_message_pattern = { operator = "regex", pattern = '^(feat|fix|docs)(\(.+\))?: ' }
"#;

/// A policy for a server whose pusher is named by `REFWARDEN_ACTOR`.
pub fn policy(server: &str, rulesets: &str) -> String {
    format!("version = 1\n[server]\nidentity = \"ssh\"\n{server}\n{rulesets}")
}

/// How a benchmark was called.
pub struct Arguments {
    pub quick: bool,
    pub hostile: bool,
    pub json: Option<PathBuf>,
    pub repository: Option<PathBuf>,
}

impl Arguments {
    /// `None` when this is no benchmark run: `cargo test --all-targets` starts benchmarks too, and must not wait for them.
    pub fn read() -> Option<Arguments> {
        let mut read = Arguments { quick: false, hostile: false, json: None, repository: None };
        let mut bench = false;
        let mut arguments = std::env::args_os().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--bench") => bench = true,
                Some("--quick") => read.quick = true,
                Some("--hostile") => read.hostile = true,
                Some("--json") => read.json = Some(arguments.next().expect("`--json` needs a file").into()),
                Some("--repo") => read.repository = Some(arguments.next().expect("`--repo` needs a directory").into()),
                _ => panic!("unknown argument {argument:?}; there are --quick, --hostile, --json FILE and --repo DIR"),
            }
        }
        if !bench {
            println!("nothing is measured here: run `cargo bench`");
        }
        bench.then_some(read)
    }

    /// Writes the results, with what they were measured on. Cargo runs every benchmark with the same arguments, so each
    /// keeps to its own member of the file.
    pub fn write_json(&self, bench: &str, results: &Value) {
        let Some(path) = &self.json else { return };
        let mut all: serde_json::Map<String, Value> =
            fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        all.insert(bench.to_owned(), json!({ "quick": self.quick, "machine": machine(), "results": results }));
        fs::write(path, serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
    }
}

fn machine() -> Value {
    let git = Command::new("git").arg("--version").output().unwrap();
    json!({
        "git": String::from_utf8_lossy(&git.stdout).trim(),
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "load": fs::read_to_string("/proc/loadavg").unwrap_or_default().trim(),
        "version": env!("CARGO_PKG_VERSION"),
    })
}

/// Prints what the numbers were measured on. Load makes them noise, so it is shown.
pub fn introduce(bench: &str, folder: &Path) {
    let machine = machine();
    println!("# {bench}: {}, {} cores, load {}, in {}", machine["git"], machine["cores"], machine["load"], folder.display());
    if is_memory(folder) {
        println!("note: that folder lies in memory, so flushing costs nothing here; set TMPDIR to a folder on a disk");
    }
    println!();
}

/// Whether a folder lies on a file system in memory.
#[cfg(target_os = "linux")]
pub fn is_memory(folder: &Path) -> bool {
    const TMPFS: i64 = 0x0102_1994;
    #[allow(clippy::useless_conversion, reason = "the field has another type on other machines")]
    let is_tmpfs = |stat: rustix::fs::StatFs| i64::from(stat.f_type) == TMPFS;
    rustix::fs::statfs(folder).is_ok_and(is_tmpfs)
}

#[cfg(not(target_os = "linux"))]
pub fn is_memory(_: &Path) -> bool {
    false
}

/// A command with a clean environment: `PATH`, and a `HOME` that is empty.
pub fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "author")
        .env("GIT_AUTHOR_EMAIL", "author@example.org")
        .env("GIT_AUTHOR_DATE", "1700000000 +0000")
        .env("GIT_COMMITTER_NAME", "committer")
        .env("GIT_COMMITTER_EMAIL", "committer@example.org")
        .env("GIT_COMMITTER_DATE", "1700000000 +0000")
        .env("REFWARDEN_ACTOR", "dev");
    command
}

/// Runs a command that must succeed, with this input, and returns what it prints.
pub fn run(mut command: Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // Written beside reading: neither pipe may fill up while the other is waited for.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A repository without a work tree.
#[derive(Debug, Clone)]
pub struct Bare {
    pub dir: PathBuf,
}

impl Bare {
    pub fn init(dir: PathBuf) -> Bare {
        let mut init = clean("git");
        init.args(["init", "--quiet", "--bare", "--initial-branch=main", "--template="]).arg(&dir);
        run(init, b"");
        let bare = Bare { dir };
        // A maintenance run in the background would be measured with whatever comes next.
        for (key, value) in [("gc.auto", "0"), ("maintenance.auto", "false"), ("receive.autogc", "false")] {
            bare.git(&["config", key, value], b"");
        }
        bare
    }

    pub fn command(&self) -> Command {
        let mut command = clean("git");
        command.arg("--git-dir").arg(&self.dir);
        command
    }

    pub fn git(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut command = self.command();
        command.args(arguments);
        String::from_utf8_lossy(&run(command, input)).trim_end().to_owned()
    }

    pub fn id(&self, revision: &str) -> String {
        self.git(&["rev-parse", "--verify", revision], b"")
    }

    pub fn import(&self, stream: &Stream) {
        self.git(&["fast-import", "--quiet", "--force"], &stream.bytes);
    }

    /// Writes what receive-pack would have in quarantine for a push of `tips` onto `base` to a folder of its own: loose
    /// objects for a small push, a pack for a large one.
    pub fn quarantine(&self, server: &Bare, tips: &[String], folder: PathBuf) -> Quarantine {
        fs::create_dir_all(folder.join("pack")).unwrap();
        let have = server.git(&["for-each-ref", "--format=^%(objectname)", "refs/heads/main", "refs/heads/team/"], b"");
        let pack = {
            let mut command = self.command();
            command.args(["pack-objects", "--quiet", "--revs", "--thin", "--stdout", "--delta-base-offset"]);
            run(command, format!("{have}\n{}\n", tips.join("\n")).as_bytes())
        };
        let quarantine = Quarantine { folder, server: server.dir.clone() };
        let count = u32::from_be_bytes(pack[8..12].try_into().unwrap());
        let mut unpack = quarantine.command("git");
        // Git's own default of `transfer.unpackLimit`.
        if count < 100 {
            unpack.args(["unpack-objects", "-q"]);
        } else {
            unpack.args(["index-pack", "--stdin", "--fix-thin"]);
        }
        run(unpack, &pack);
        quarantine
    }
}

/// Incoming objects, waiting as under receive-pack.
#[derive(Debug, Clone)]
pub struct Quarantine {
    folder: PathBuf,
    server: PathBuf,
}

impl Quarantine {
    /// A command with the environment that receive-pack gives a hook.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = clean(program);
        command
            .current_dir(&self.server)
            .env("GIT_DIR", ".")
            .env("GIT_QUARANTINE_PATH", &self.folder)
            .env("GIT_OBJECT_DIRECTORY", &self.folder)
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.server.join("objects"));
        command
    }
}

/// A fixed sequence of numbers that look random (SplitMix64), so that every run generates the same content.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

/// The path of a file in nested folders, 20 files to a folder.
pub fn path(number: usize) -> String {
    format!("src/part{}/module{}/file{number}.rs", number / 400, number / 20 % 20)
}

/// A stream for `git fast-import`.
#[derive(Default)]
pub struct Stream {
    bytes: Vec<u8>,
    commits: u64,
}

impl Stream {
    /// Begins a commit on a branch. `from` is needed where the branch is not in this stream yet.
    pub fn commit(&mut self, branch: &str, message: &str, from: Option<&str>) {
        self.commits += 1;
        let time = 1_700_000_000 + self.commits * 60;
        let from = from.map(|from| format!("from {from}\n")).unwrap_or_default();
        write!(
            self.bytes,
            "commit {branch}\nauthor author <author@example.org> {time} +0000\ncommitter committer <committer@example.org> {time} +0000\ndata {}\n{message}\n{from}",
            message.len()
        )
        .unwrap();
    }

    pub fn file(&mut self, path: &str, content: &str) {
        write!(self.bytes, "M 100644 inline {path}\ndata {}\n{content}\n", content.len()).unwrap();
    }

    /// A history: one commit with every file, and more that change 1 to 3 files each.
    pub fn history(&mut self, branch: &str, files: usize, commits: usize, numbers: &mut Numbers) {
        self.commit(branch, "feat: begin", None);
        self.file(&format!("{RESTRICTED}/ci.yml"), "on: push\n");
        for number in 0..files {
            self.file(&path(number), &content(numbers));
        }
        self.more(branch, None, files, commits.saturating_sub(1), numbers);
    }

    /// Commits that change 1 to 3 files each.
    pub fn more(&mut self, branch: &str, from: Option<&str>, files: usize, commits: usize, numbers: &mut Numbers) {
        for number in 0..commits {
            let message = format!("fix(part{}): the number {number}\n\nBecause {:x} was wrong.\n", number % 7, numbers.next());
            self.commit(branch, &message, from.filter(|_| number == 0));
            for _ in 0..=numbers.below(3) {
                self.file(&path(numbers.below(files)), &content(numbers));
            }
        }
    }
}

fn content(numbers: &mut Numbers) -> String {
    let mut text = String::new();
    for _ in 0..8 {
        writeln!(text, "let x{:x} = {};", numbers.next(), numbers.next()).unwrap();
    }
    text
}

/// Runs something and returns how many milliseconds it took.
pub fn milliseconds(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64() * 1000.0
}

/// The median; `None` without numbers.
pub fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        len if len % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The median of what `compare` makes of the numbers of the same round: load that comes and goes hits both alike.
pub fn paired(ours: &[Option<f64>], other: &[Option<f64>], compare: impl Fn(f64, f64) -> f64) -> Option<f64> {
    let pairs: Vec<f64> = ours.iter().zip(other).filter_map(|(ours, other)| Some(compare((*ours)?, (*other)?))).collect();
    median(&pairs)
}

/// Prints rows aligned: the first column to the left, the others to the right.
pub fn table(title: &str, head: &[&str], rows: &[Vec<String>]) {
    println!("## {title}");
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let width = |column: usize| {
        rows.iter().chain([&head]).filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    for row in [&head].into_iter().chain(rows) {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if column == 0 {
                write!(line, "{cell:<width$}").unwrap();
            } else {
                write!(line, "  {cell:>width$}").unwrap();
            }
        }
        println!("{}", line.trim_end());
    }
    println!();
}

/// A number for a table, or a dash.
pub fn shown(number: Option<f64>, decimals: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.decimals$}"))
}
