//! How much memory the hook needs: a push of 20,000 commits, a commit of 100,000 paths; and with `-- --hostile` what is made
//! to exhaust it.
//!
//! The high-water mark (VmHWM) counts the packs that are mapped, which the system can take back at any time; what the program
//! holds for itself is RssAnon. Linux keeps no high-water mark of that, so it is read over and over while the hook runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[allow(dead_code, unreachable_pub, missing_docs, reason = "each benchmark uses a part of it")]
mod support;

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};
use support::{Arguments, Bare, EVERYTHING, FIVE_RULES, HOOK, Numbers, Quarantine, Stream, path, table};

/// What the hook may take for itself, in kB, whatever is pushed.
const MOST: u64 = 128 * 1024;

/// What a run of the hook came to.
struct Usage {
    code: Option<i32>,
    milliseconds: f64,
    /// Peaks, in kB.
    high_water: u64,
    anonymous: u64,
    /// Why it refused.
    said: String,
}

fn run_hook(quarantine: &Quarantine, policy: &Path, line: &str, folder: &Path) -> Usage {
    let (input, said) = (folder.join("line"), folder.join("said"));
    fs::write(&input, line).unwrap();
    let mut command = quarantine.command(HOOK);
    command.arg("--policy").arg(policy).stdin(File::open(input).unwrap()).stdout(Stdio::null());
    command.stderr(File::create(&said).unwrap());
    let begin = Instant::now();
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (mut high_water, mut anonymous) = (0, 0);
    let code = loop {
        if let Ok(text) = fs::read_to_string(&status) {
            high_water = high_water.max(field(&text, "VmHWM:"));
            anonymous = anonymous.max(field(&text, "RssAnon:"));
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
    };
    let milliseconds = begin.elapsed().as_secs_f64() * 1000.0;
    let said = fs::read_to_string(said).unwrap();
    // The cause is indented below the line that names the ref.
    let cause = said.lines().find(|line| line.starts_with("  ")).or(said.lines().next());
    let said = cause.unwrap_or_default().trim().to_owned();
    Usage { code, milliseconds, high_water, anonymous, said }
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// A push to `main` that waits to be judged.
struct Case {
    name: &'static str,
    quarantine: Quarantine,
    line: String,
    /// The exit code that is right.
    expected: i32,
}

fn main() {
    let Some(arguments) = Arguments::read() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    support::introduce("memory", folder);
    if !Path::new("/proc/self/status").exists() {
        println!("skipped: there is no /proc/self/status to read memory from");
        return;
    }
    let policies = [("five rules", FIVE_RULES), ("everything selected", EVERYTHING)].map(|(name, rules)| {
        let file = folder.join(format!("{}.toml", name.replace(' ', "-")));
        // Memory is measured: a slow machine must not end a run early.
        fs::write(&file, support::policy("budget = { time = \"600s\" }", rules)).unwrap();
        (name, file)
    });
    let mut cases = ordinary(folder);
    if arguments.hostile {
        cases.extend(hostile(folder));
    }
    let mut rows = Vec::new();
    let mut results = Vec::new();
    let mut wrong = Vec::new();
    for case in &cases {
        for (rules, policy) in &policies {
            let usage = run_hook(&case.quarantine, policy, &case.line, folder);
            let megabytes = |kilobytes: u64| format!("{:.1}", kilobytes as f64 / 1024.0);
            rows.push(vec![
                format!("{}, {rules}", case.name),
                megabytes(usage.anonymous),
                megabytes(usage.high_water),
                format!("{:.0}", usage.milliseconds),
                usage.code.map_or_else(|| "killed".to_owned(), |code| code.to_string()),
            ]);
            results.push(json!({
                "case": case.name,
                "rules": rules,
                "rss_anon_kb": usage.anonymous,
                "vm_hwm_kb": usage.high_water,
                "ms": usage.milliseconds,
                "exit": usage.code,
                "said": usage.said,
            }));
            if usage.anonymous > MOST {
                wrong.push(format!("{}, {rules}: {} MB", case.name, usage.anonymous / 1024));
            }
            if usage.code != Some(case.expected) {
                wrong.push(format!("{}, {rules}: exit {:?}, not {}: {}", case.name, usage.code, case.expected, usage.said));
            } else if case.expected != 0 {
                rows.push(vec![format!("  {}", usage.said)]);
            }
        }
    }
    table("memory of the hook, in MB", &["push", "own (RssAnon)", "with mapped packs (VmHWM)", "ms", "exit"], &rows);
    arguments.write_json("memory", &Value::Array(results));
    assert!(wrong.is_empty(), "not what was to be measured:\n{}", wrong.join("\n"));
}

/// A server with a short history, and the client it comes from.
fn repositories(folder: &Path, name: &str, stream: &Stream) -> (Bare, Bare) {
    let client = Bare::init(folder.join(format!("{name}-client.git")));
    client.import(stream);
    let server = Bare::init(folder.join(format!("{name}-server.git")));
    server.git(&["fetch", "--quiet", client.dir.to_str().unwrap(), "refs/heads/base:refs/heads/main"], b"");
    (client, server)
}

fn case(folder: &Path, name: &'static str, client: &Bare, server: &Bare, tip: &str, expected: i32) -> Case {
    let (old, new) = (server.id("refs/heads/main"), client.id(tip));
    let quarantine = client.quarantine(server, std::slice::from_ref(&new), folder.join(format!("{name} quarantine")));
    Case { name, quarantine, line: format!("{old} {new} refs/heads/main\n"), expected }
}

fn ordinary(folder: &Path) -> Vec<Case> {
    let mut numbers = Numbers::new(3);
    let mut stream = Stream::default();
    stream.history("refs/heads/base", 2000, 100, &mut numbers);
    stream.more("refs/heads/commits", Some("refs/heads/base"), 2000, 20_000, &mut numbers);
    stream.commit("refs/heads/paths", "feat: many files", Some("refs/heads/base"));
    for number in 0..100_000 {
        stream.file(&path(number), &format!("{number}\n"));
    }
    let (client, server) = repositories(folder, "ordinary", &stream);
    vec![
        case(folder, "20,000 commits", &client, &server, "refs/heads/commits", 0),
        case(folder, "a commit of 100,000 paths", &client, &server, "refs/heads/paths", 0),
    ]
}

/// Inputs of full size that only a budget ends. Each must be refused as not decidable.
fn hostile(folder: &Path) -> Vec<Case> {
    let mut stream = Stream::default();
    stream.history("refs/heads/base", 20, 2, &mut Numbers::new(4));
    // A million commits of one tree.
    for number in 0..1_000_000 {
        stream.commit("refs/heads/million", "feat: more", (number == 0).then_some("refs/heads/base"));
    }
    let (client, server) = repositories(folder, "hostile", &stream);
    // Ten billion paths in a dozen objects: each folder holds the one below ten times.
    let blob = client.git(&["hash-object", "-w", "--stdin"], b"x");
    let mut entries: String = (0..10).map(|number| format!("100644 blob {blob}\tf{number}\n")).collect();
    let mut tree = String::new();
    for _ in 0..10 {
        tree = client.git(&["mktree"], entries.as_bytes());
        entries = (0..10).map(|number| format!("040000 tree {tree}\td{number}\n")).collect();
    }
    let base = client.id("refs/heads/base");
    let bomb = client.git(&["commit-tree", &tree, "-p", &base, "-m", "feat: a bomb"], b"");
    client.git(&["update-ref", "refs/heads/bomb", &bomb], b"");
    // 2,000 restricted files in each of 2,000 folders, one in the other: a path is long there, and a pack of it is short.
    let files: String = (0..2000).map(|number| format!("100644 blob {blob}\tf{number}\n")).collect();
    let mut nested = client.git(&["mktree"], files.as_bytes());
    for _ in 0..2000 {
        nested = client.git(&["mktree"], format!("040000 tree {nested}\td\n{files}").as_bytes());
    }
    for name in ["workflows", ".github"] {
        nested = client.git(&["mktree"], format!("040000 tree {nested}\t{name}\n").as_bytes());
    }
    let nested = client.git(&["commit-tree", &nested, "-p", &base, "-m", "feat: nested folders"], b"");
    client.git(&["update-ref", "refs/heads/nested", &nested], b"");
    // Messages that deflate to almost nothing.
    let mut message = b"feat: long\n\n".to_vec();
    message.resize(100 << 20, b'x');
    let mut long = base;
    for _ in 0..20 {
        long = client.git(&["commit-tree", "refs/heads/base^{tree}", "-p", &long], &message);
    }
    client.git(&["update-ref", "refs/heads/long", &long], b"");
    vec![
        case(folder, "nested folders of restricted files", &client, &server, "refs/heads/nested", 2),
        case(folder, "twenty messages of 100 MB", &client, &server, "refs/heads/long", 2),
        case(folder, "a tree of ten billion paths", &client, &server, "refs/heads/bomb", 2),
        case(folder, "a million commits", &client, &server, "refs/heads/million", 2),
    ]
}
