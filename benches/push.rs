//! What a hook adds to `git push`: nothing, a C program that only exits, the usual scripts, and ours, in one run.
//!
//! Every round measures every contestant once, in an order that moves on with each round, and contestants are compared within
//! rounds: so load that comes and goes hits all alike. The first round warms up and is dropped. Nothing here fails by time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[allow(dead_code, unreachable_pub, missing_docs, reason = "each benchmark uses a part of it")]
mod support;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::{Arguments, Bare, FIVE_RULES, HOOK, Numbers, Quarantine, Stream, median, milliseconds, paired, shown, table};

const FILES: usize = 200;
const BASE_COMMITS: usize = 500;
const MANY_REFS: usize = 50_000;

const BASH: &str = r#"#!/bin/bash
while read old new ref; do
  while read c; do
    if git diff-tree --no-commit-id --name-only -r "$c" | grep -q '^\.github/workflows/'; then
      echo "$ref: $c changes a workflow" >&2
      exit 1
    fi
  done < <(git rev-list "$old..$new")
done
"#;

const PERL: &str = r#"
use strict;
use warnings;
while (my $line = <STDIN>) {
    my ($old, $new, $ref) = split ' ', $line;
    open(my $log, '-|', 'git', 'log', '--format=', '--name-only', '--no-renames', '-m', "$old..$new") or die;
    while (<$log>) {
        die "$ref: a workflow is changed\n" if m{^\.github/workflows/};
    }
    close($log) or die;
}
"#;

const PYTHON: &str = r#"
import subprocess
import sys
for line in sys.stdin:
    old, new, ref = line.split()
    command = ["git", "log", "--format=", "--name-only", "--no-renames", "-m", f"{old}..{new}"]
    log = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    for path in log.stdout.splitlines():
        if path.startswith(b".github/workflows/"):
            sys.exit(f"{ref}: a workflow is changed")
"#;

/// What runs as the hook.
struct Contestant {
    name: &'static str,
    /// The folder with the hook; an empty one for none.
    hooks: PathBuf,
    /// The policy, for ours.
    policy: Option<PathBuf>,
    /// Takes seconds for a thousand commits, so that a few rounds must do.
    slow: bool,
}

const NONE: &str = "no hook";
const EMPTY: &str = "C, only exits";
const OURS: &str = "refwarden";
const OURS_MEMORY: &str = "refwarden, log in memory";

struct Server {
    name: &'static str,
    bare: Bare,
    /// The files of its only pack.
    pack: HashSet<OsString>,
}

/// One push.
struct Workload {
    name: &'static str,
    refspecs: Vec<String>,
    /// The lines that the hook reads, and the incoming objects, for each server.
    alone: Vec<(PathBuf, Quarantine)>,
    rounds: usize,
    slow_rounds: usize,
}

/// For each round, a contestant's milliseconds.
#[derive(Default, Clone)]
struct Times {
    push: Vec<Option<f64>>,
    alone: Vec<Option<f64>>,
}

fn main() {
    let Some(arguments) = Arguments::read() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    support::introduce("push", folder);
    let memory = Path::new("/dev/shm");
    let memory = (memory.is_dir() && support::is_memory(memory)).then(|| tempfile::tempdir_in(memory).ok()).flatten();
    let contestants = contestants(folder, memory.as_ref().map(tempfile::TempDir::path));
    let (client, servers) = repositories(folder);
    let workloads = workloads(folder, &client, &servers, arguments.quick);

    let mut results = Vec::new();
    let mut own: Vec<Vec<Option<f64>>> = Vec::new();
    let mut flushes = Vec::new();
    for workload in &workloads {
        for (index, server) in servers.iter().enumerate() {
            let mut times = vec![Times::default(); contestants.len()];
            for round in 0..=workload.rounds {
                let order = (0..contestants.len()).map(|at| (at + round) % contestants.len());
                for at in order {
                    let contestant = &contestants[at];
                    let (push, alone) = if contestant.slow && workload.slow_rounds < workload.rounds {
                        let counts = (1..=workload.slow_rounds).contains(&round);
                        (
                            counts.then(|| push(&client, server, workload, contestant)),
                            counts.then(|| alone(&workload.alone[index], contestant)).flatten(),
                        )
                    } else {
                        (Some(push(&client, server, workload, contestant)), alone(&workload.alone[index], contestant))
                    };
                    if round > 0 {
                        times[at].push.push(push);
                        times[at].alone.push(alone);
                    }
                }
                flushes.extend((round > 0).then(|| flush(folder)));
            }
            own.push(times_of(&contestants, &times, OURS_MEMORY).or(times_of(&contestants, &times, OURS)).unwrap().alone.clone());
            results.extend(report(workload, server, &contestants, &times));
        }
    }
    let flush = median(&flushes);
    let mut rows = vec![vec!["1 KB written and flushed (fdatasync), same disk".to_owned(), shown(flush, 2)]];
    results.push(json!({ "flush_ms": flush }));
    for (workload, pair) in workloads.iter().zip(own.chunks_exact(2)) {
        let growth = paired(&pair[1], &pair[0], |many, small| many - small);
        rows.push(vec![format!("our hook alone: what {MANY_REFS} refs add, {}", workload.name), shown(growth, 2)]);
        results.push(json!({ "workload": workload.name, "growth_with_refs_ms": growth }));
    }
    table("apart", &["", "ms"], &rows);
    arguments.write_json("push", &Value::Array(results));
}

fn times_of<'t>(contestants: &[Contestant], times: &'t [Times], name: &str) -> Option<&'t Times> {
    contestants.iter().position(|contestant| contestant.name == name).and_then(|at| times.get(at))
}

fn report(workload: &Workload, server: &Server, contestants: &[Contestant], times: &[Times]) -> Vec<Value> {
    let none = times_of(contestants, times, NONE).unwrap();
    let empty = times_of(contestants, times, EMPTY);
    let mut rows = Vec::new();
    let mut results = Vec::new();
    for (contestant, times) in contestants.iter().zip(times) {
        let push: Vec<f64> = times.push.iter().copied().flatten().collect();
        let alone: Vec<f64> = times.alone.iter().copied().flatten().collect();
        let ratio = paired(&times.push, &none.push, |ours, none| ours / none);
        let added = paired(&times.push, &none.push, |ours, none| ours - none);
        let over_empty = empty.and_then(|empty| paired(&times.push, &empty.push, |ours, empty| ours - empty));
        let alone_over_empty = empty.and_then(|empty| paired(&times.alone, &empty.alone, |ours, empty| ours - empty));
        rows.push(vec![
            contestant.name.to_owned(),
            shown(median(&push), 1),
            shown(ratio, 2),
            shown(added, 2),
            shown(over_empty, 2),
            shown(median(&alone), 2),
            shown(alone_over_empty, 2),
            push.len().to_string(),
        ]);
        results.push(json!({
            "workload": workload.name,
            "repository": server.name,
            "hook": contestant.name,
            "push_ms": median(&push),
            "ratio_to_no_hook": ratio,
            "added_ms": added,
            "over_empty_hook_ms": over_empty,
            "hook_alone_ms": median(&alone),
            "hook_alone_over_empty_ms": alone_over_empty,
            "rounds": push.len(),
        }));
    }
    let head = ["hook", "push ms", "ratio", "added", "over C", "hook alone ms", "over C", "rounds"];
    table(&format!("{}, {}", workload.name, server.name), &head, &rows);
    results
}

/// The time of a whole push over a file.
fn push(client: &Bare, server: &Server, workload: &Workload, contestant: &Contestant) -> f64 {
    let dir = &server.bare.dir;
    let _ = fs::remove_file(dir.join("hooks"));
    symlink(&contestant.hooks, dir.join("hooks")).unwrap();
    put_policy(dir, contestant);
    let mut command = client.command();
    command.args(["push", "--quiet"]).arg(dir).args(&workload.refspecs);
    let mut output = None;
    let time = milliseconds(|| output = command.output().ok());
    let output = output.unwrap();
    assert!(output.status.success(), "{}: {}", contestant.name, String::from_utf8_lossy(&output.stderr));
    undo(server);
    time
}

fn put_policy(dir: &Path, contestant: &Contestant) {
    let place = dir.join("refwarden.toml");
    let _ = fs::remove_file(&place);
    if let Some(policy) = &contestant.policy {
        symlink(policy, place).unwrap();
    }
}

/// Takes a push back: everything that a server had before lies in its one pack and in `packed-refs`.
fn undo(server: &Server) {
    let dir = &server.bare.dir;
    let _ = fs::remove_dir_all(dir.join("refs/heads"));
    fs::create_dir_all(dir.join("refs/heads")).unwrap();
    for entry in fs::read_dir(dir.join("objects")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "pack" && entry.file_name() != "info" {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    for entry in fs::read_dir(dir.join("objects/pack")).unwrap() {
        let entry = entry.unwrap();
        if !server.pack.contains(&entry.file_name()) {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

/// The time of the hook's process alone, on objects that wait as receive-pack leaves them.
fn alone((lines, quarantine): &(PathBuf, Quarantine), contestant: &Contestant) -> Option<f64> {
    let hook = contestant.hooks.join("pre-receive");
    if !hook.exists() {
        return None;
    }
    let mut command = quarantine.command(hook);
    put_policy(command.get_current_dir().unwrap(), contestant);
    command.stdin(File::open(lines).unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut status = None;
    let time = milliseconds(|| status = command.status().ok());
    assert!(status.unwrap().success(), "{} alone refused", contestant.name);
    Some(time)
}

/// What a durable record costs on this disk, whoever writes it.
fn flush(folder: &Path) -> f64 {
    let mut file = File::options().create(true).append(true).open(folder.join("flushed")).unwrap();
    milliseconds(|| {
        file.write_all(&[b'x'; 1024]).unwrap();
        file.sync_data().unwrap();
    })
}

fn contestants(folder: &Path, memory: Option<&Path>) -> Vec<Contestant> {
    let place = |name: &str| {
        let hooks = folder.join(format!("hooks-{name}"));
        fs::create_dir(&hooks).unwrap();
        hooks
    };
    let executable = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    let mut contestants = vec![Contestant { name: NONE, hooks: place("none"), policy: None, slow: false }];

    let hooks = place("c");
    let source = folder.join("empty.c");
    fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let compile = |flags: &[&str]| {
        let mut cc = Command::new("cc");
        cc.args(flags).arg("-O2").arg("-o").arg(hooks.join("pre-receive")).arg(&source).stderr(Stdio::null());
        cc.status().is_ok_and(|status| status.success())
    };
    if compile(&["-static"]) {
        contestants.push(Contestant { name: EMPTY, hooks, policy: None, slow: false });
    } else if compile(&[]) {
        println!("note: no static libc; the C hook is linked dynamically, which makes it slower");
        contestants.push(Contestant { name: EMPTY, hooks, policy: None, slow: false });
    } else {
        println!("skipped: the C hook, because there is no cc; nothing can be said about what is over it");
    }

    let mut ours = |name, log: &str, label: &str| {
        let hooks = place(label);
        fs::copy(HOOK, hooks.join("pre-receive")).unwrap();
        let policy = folder.join(format!("{label}.toml"));
        fs::write(&policy, support::policy(log, FIVE_RULES)).unwrap();
        contestants.push(Contestant { name, hooks, policy: Some(policy), slow: false });
    };
    match memory {
        Some(memory) => {
            let log = format!("decision_log = {{ path = \"{}\" }}", memory.join("decisions.jsonl").display());
            ours(OURS_MEMORY, &log, "ours-memory");
        }
        None => println!("skipped: ours with the log in memory, because /dev/shm is none; compare with the flush below"),
    }
    ours(OURS, "", "ours");

    let mut script = |name, label: &str, interpreter: Option<String>, body: &str, slow| {
        let Some(interpreter) = interpreter else {
            println!("skipped: {name}, because there is no {label}");
            return;
        };
        let hooks = place(label);
        let hook = hooks.join("pre-receive");
        let text = if body.starts_with("#!") { body.to_owned() } else { format!("#!{interpreter}{body}") };
        fs::write(&hook, text).unwrap();
        executable(&hook);
        contestants.push(Contestant { name, hooks, policy: None, slow });
    };
    // The interpreters themselves: what a version manager puts in `PATH` is a script of its own.
    let asked = |program: &str, arguments: &[&str]| -> Option<String> {
        let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    let bash = Path::new("/bin/bash").exists().then(|| "/bin/bash".to_owned());
    script("bash, git for each commit", "bash", bash, BASH, true);
    script("perl, one git log", "perl", asked("perl", &["-MConfig", "-e", "print $Config{perlpath}"]), PERL, false);
    script("python, one git log", "python", asked("python3", &["-c", "import sys; print(sys.executable)"]), PYTHON, false);
    println!();
    contestants
}

/// A client, and a server with few refs and one with many, of the same history.
fn repositories(folder: &Path) -> (Bare, Vec<Server>) {
    let client = Bare::init(folder.join("client.git"));
    let mut numbers = Numbers::new(1);
    let mut stream = Stream::default();
    stream.history("refs/heads/base", FILES, BASE_COMMITS, &mut numbers);
    stream.more("refs/heads/one", Some("refs/heads/base"), FILES, 1, &mut numbers);
    stream.more("refs/heads/thousand", Some("refs/heads/base"), FILES, 1000, &mut numbers);
    for number in 1..=20 {
        stream.more(&format!("refs/heads/team{number:02}"), Some("refs/heads/base"), FILES, 1, &mut numbers);
    }
    client.import(&stream);
    let base = client.id("refs/heads/base");
    let ids = client.git(&["rev-list", "refs/heads/base"], b"");
    let ids: Vec<&str> = ids.lines().collect();
    let servers = [("small repository", "small.git", 0), ("repository with 50,000 refs", "refs.git", MANY_REFS)]
        .map(|(name, dir, refs)| {
            let bare = Bare::init(folder.join(dir));
            bare.git(&["fetch", "--quiet", client.dir.to_str().unwrap(), "refs/heads/base:refs/heads/main"], b"");
            bare.git(&["repack", "-adfq"], b"");
            let mut packed = String::from("# pack-refs with: peeled fully-peeled sorted \n");
            packed += &format!("{base} refs/heads/main\n");
            for number in 1..=20 {
                packed += &format!("{base} refs/heads/team/{number:02}\n");
            }
            for number in 0..refs {
                packed += &format!("{} refs/heads/topic/{number:06}\n", ids[number % ids.len()]);
            }
            fs::write(bare.dir.join("packed-refs"), packed).unwrap();
            let pack = fs::read_dir(bare.dir.join("objects/pack")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            let server = Server { name, bare, pack };
            undo(&server);
            server
        })
        .into();
    (client, servers)
}

fn workloads(folder: &Path, client: &Bare, servers: &[Server], quick: bool) -> Vec<Workload> {
    let base = client.id("refs/heads/base");
    let workload = |name: &'static str, updates: Vec<(String, String)>, rounds: [usize; 2], slow_rounds: [usize; 2]| {
        let at = usize::from(quick);
        let tips: Vec<String> = updates.iter().map(|(from, _)| client.id(from)).collect();
        let lines: String = updates.iter().zip(&tips).map(|((_, to), tip)| format!("{base} {tip} {to}\n")).collect();
        let alone = servers
            .iter()
            .enumerate()
            .map(|(index, server)| {
                let file = folder.join(format!("{name} {index} lines"));
                fs::write(&file, &lines).unwrap();
                (file, client.quarantine(&server.bare, &tips, folder.join(format!("{name} {index} quarantine"))))
            })
            .collect();
        let refspecs = updates.iter().map(|(from, to)| format!("{from}:{to}")).collect();
        Workload { name, refspecs, alone, rounds: rounds[at], slow_rounds: slow_rounds[at] }
    };
    let one = |from: &str| vec![(format!("refs/heads/{from}"), "refs/heads/main".to_owned())];
    let team = (1..=20).map(|number| (format!("refs/heads/team{number:02}"), format!("refs/heads/team/{number:02}")));
    vec![
        workload("one commit", one("one"), [60, 15], [60, 15]),
        workload("20 refs", team.collect(), [30, 8], [30, 8]),
        workload("1,000 commits", one("thousand"), [15, 5], [3, 1]),
    ]
}
