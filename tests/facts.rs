//! Git is the oracle: what is collected about histories, trees, refs and names, against what git says of the same ones, on random
//! ones. Where git itself trusts the committers' clocks, the answer is computed here from sets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use refwarden::git::tree::{TreeEntry, next_entry};
use refwarden::git::{Change, Commit, FileChange, FileEntry, Mode, ObjectFormat, Oid, RefName, RefUpdate};
use refwarden::policy::{Budget, DefaultBranch, parse};
use refwarden::push::{Cause, UpdateFacts};
use refwarden::receive::collect::Collector;
use refwarden::receive::graph::{Entering, is_ancestor, merge_bases};
use refwarden::receive::objects::{Objects, Work};
use refwarden::receive::refs::{RefValue, Refs};
use refwarden::receive::repository::Repository;
use refwarden::receive::tree_diff::{Collect, diff, entries_at, entry_at};
use refwarden::verdict::{Context, PushedUpdate, select};
use tempfile::TempDir;

use crate::support::{Server, Storage, clean};

/// A seeded generator, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn pick<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

/// A bare repository without a hook.
struct Repo {
    _folder: TempDir,
    dir: PathBuf,
    format: ObjectFormat,
}

impl Repo {
    fn new() -> Repo {
        Repo::stored(Storage::default())
    }

    fn stored(storage: Storage) -> Repo {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("repo.git");
        let mut init = clean("git", folder.path());
        init.args(["init", "--quiet", "--bare", "--initial-branch=main", "--template="]);
        if storage.sha256 {
            init.arg("--object-format=sha256");
        }
        if storage.reftable {
            init.arg("--ref-format=reftable");
        }
        assert!(init.arg(&dir).status().unwrap().success());
        let format = if storage.sha256 { ObjectFormat::Sha256 } else { ObjectFormat::Sha1 };
        Repo { _folder: folder, dir, format }
    }

    /// Runs git with this input; the code and what it prints.
    fn run<S: AsRef<OsStr>>(&self, arguments: &[S], input: &[u8], quarantine: Option<&Path>) -> (Option<i32>, Vec<u8>) {
        let mut command = clean("git", &self.dir);
        command.env("GIT_DIR", &self.dir).args(arguments);
        if let Some(quarantine) = quarantine {
            command.env("GIT_OBJECT_DIRECTORY", quarantine);
            command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.dir.join("objects"));
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                let _ = stdin.write_all(input);
            });
            child.wait_with_output().unwrap()
        });
        (output.status.code(), output.stdout)
    }

    #[track_caller]
    fn bytes(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let (code, output) = self.run(arguments, input, None);
        assert_eq!(code, Some(0), "git {arguments:?}");
        output
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        String::from_utf8_lossy(&self.bytes(arguments, b"")).trim_end().to_owned()
    }

    fn write(&self, kind: &str, raw: &[u8]) -> Oid {
        let output = self.bytes(&["hash-object", "-t", kind, "-w", "--stdin", "--literally"], raw);
        self.oid(std::str::from_utf8(&output).unwrap().trim())
    }

    fn oid(&self, hex: &str) -> Oid {
        Oid::from_hex(hex.as_bytes(), self.format).unwrap()
    }

    fn objects(&self, quarantine: Option<&Path>) -> Objects {
        // How busy the machine is must not count.
        let budget = Budget { time: std::time::Duration::from_secs(3600), ..Budget::default() };
        Objects::open(&self.dir, quarantine, self.format, budget).unwrap()
    }

    fn refs(&self) -> Refs {
        Refs::open(&Repository::open(&self.dir).unwrap()).unwrap()
    }

    /// Makes commits of a plan, those before the range being there already.
    fn import(&self, plan: &[Planned], range: Range<usize>, ids: &mut Vec<Oid>, quarantine: Option<&Path>) {
        assert_eq!(ids.len(), range.start);
        let mut stream = Vec::new();
        for index in range.clone() {
            let planned = &plan[index];
            let name = |parent: usize| ids.get(parent).map_or_else(|| format!(":{}", parent + 1), Oid::to_string);
            if planned.parents.is_empty() {
                stream.extend_from_slice(b"reset refs/heads/import\n\n");
            }
            let message = format!("commit {index}");
            let mut text = String::new();
            writeln!(text, "commit refs/heads/import\nmark :{}", index + 1).unwrap();
            writeln!(text, "committer c <c@example.org> {} +0000\ndata {}\n{message}", planned.time, message.len()).unwrap();
            for (place, &parent) in planned.parents.iter().enumerate() {
                writeln!(text, "{} {}", if place == 0 { "from" } else { "merge" }, name(parent)).unwrap();
            }
            stream.extend_from_slice(text.as_bytes());
            if let Some(files) = &planned.files {
                stream.extend_from_slice(b"deleteall\n");
                for (path, file) in files {
                    let path: String = path.iter().map(|byte| format!("\\{byte:03o}")).collect();
                    let line = match file {
                        File::Gitlink(seed) => {
                            format!("M 160000 {} \"{path}\"\n", format!("{seed:02x}").repeat(self.format.raw_len()))
                        }
                        File::Stored(id) => format!("M 100644 {id} \"{path}\"\n"),
                        File::Blob(mode, content) => format!("M {mode} inline \"{path}\"\ndata {}\n{content}\n", content.len()),
                    };
                    stream.extend_from_slice(line.as_bytes());
                }
            }
            stream.push(b'\n');
        }
        let marks = self.dir.join("marks");
        let export = format!("--export-marks={}", marks.display());
        let (code, _) =
            self.run(&["fast-import", "--quiet", "--force", "--done", &export], &[&stream, &b"done\n"[..]].concat(), quarantine);
        assert_eq!(code, Some(0), "fast-import");
        let text = fs::read_to_string(marks).unwrap();
        let marks: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once(' ')).collect();
        ids.extend(range.map(|index| self.oid(marks[&*format!(":{}", index + 1)])));
    }
}

#[derive(Debug, Clone)]
enum File {
    Blob(&'static str, String),
    Gitlink(u8),
    Stored(Oid),
}

type Files = BTreeMap<Vec<u8>, File>;

/// A commit to be made. Its parents come before it.
#[derive(Debug, Clone)]
struct Planned {
    parents: Vec<usize>,
    time: u64,
    files: Option<Files>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Clock {
    /// Never before a parent's.
    Sane,
    Constant,
    /// Always before every parent's.
    Decreasing,
    Random,
    /// Sane, but for some far off.
    Outliers,
}

const CLOCKS: [Clock; 5] = [Clock::Sane, Clock::Constant, Clock::Decreasing, Clock::Random, Clock::Outliers];

impl Clock {
    fn is_sane(self) -> bool {
        matches!(self, Clock::Sane | Clock::Constant)
    }
}

fn plan(random: &mut Random, count: usize, clock: Clock, window: usize) -> Vec<Planned> {
    let mut plan: Vec<Planned> = Vec::new();
    for index in 0..count {
        let mut parents = Vec::new();
        if index > 0 && !random.percent(3) {
            let wanted = *random.pick(&[1, 1, 1, 1, 2, 2, 2, 3, 4]);
            for _ in 0..wanted {
                let parent = if random.percent(8) { random.below(index) } else { index - 1 - random.below(window.min(index)) };
                if !parents.contains(&parent) {
                    parents.push(parent);
                }
            }
        }
        let newest: u64 = parents.iter().map(|&parent| plan[parent].time).max().unwrap_or(1_000_000);
        let time = match clock {
            Clock::Sane => newest + random.below(3) as u64,
            Clock::Constant => 1_000_000,
            Clock::Decreasing => 1_000_000 - index as u64,
            Clock::Random => random.below(1000) as u64,
            Clock::Outliers if random.percent(10) => random.below(3_000_000) as u64,
            Clock::Outliers => 1_000_000 + index as u64,
        };
        plan.push(Planned { parents, time, files: None });
    }
    plan
}

/// For each commit, which commits it reaches, itself included.
fn reach(plan: &[Planned]) -> Vec<Vec<bool>> {
    let mut all: Vec<Vec<bool>> = Vec::new();
    for (index, planned) in plan.iter().enumerate() {
        let mut mine = vec![false; plan.len()];
        mine[index] = true;
        for &parent in &planned.parents {
            mine.iter_mut().zip(&all[parent]).for_each(|(mine, theirs)| *mine |= theirs);
        }
        all.push(mine);
    }
    all
}

fn best_common(reach: &[Vec<bool>], first: usize, second: usize) -> BTreeSet<usize> {
    let common: Vec<usize> = (0..reach.len()).filter(|&index| reach[first][index] && reach[second][index]).collect();
    common.iter().copied().filter(|&one| !common.iter().any(|&other| other != one && reach[other][one])).collect()
}

// Histories.

#[test]
fn merge_bases_and_ancestors_are_gits() {
    for (seed, clock) in (1..).zip(CLOCKS.into_iter().chain(CLOCKS)) {
        let random = &mut Random(seed);
        let window = if seed % 2 == 0 { 3 } else { 9 };
        let plan = plan(random, 32, clock, window);
        let repo = Repo::new();
        let mut ids = Vec::new();
        repo.import(&plan, 0..plan.len(), &mut ids, None);
        let objects = repo.objects(None);
        let reach = reach(&plan);
        for first in 0..plan.len() {
            for second in 0..plan.len() {
                let expected: BTreeSet<Oid> = best_common(&reach, first, second).into_iter().map(|index| ids[index]).collect();
                let ours = merge_bases(&objects, ids[first], ids[second]).unwrap();
                assert_eq!(ours.len(), expected.len(), "twice the same: seed {seed}, {first} {second}");
                assert_eq!(ours.into_iter().collect::<BTreeSet<_>>(), expected, "seed {seed} {clock:?}, {first} {second}");
                let ancestor = is_ancestor(&objects, ids[first], ids[second]).unwrap();
                assert_eq!(ancestor, reach[second][first], "seed {seed} {clock:?}, {first} in {second}");
            }
        }
        // The sets above are this test's own; git agrees with them.
        for _ in 0..12 {
            let (first, second) = (random.below(plan.len()), random.below(plan.len()));
            let (first_id, second_id) = (ids[first].to_string(), ids[second].to_string());
            let (_, bases) = repo.run(&["merge-base", "--all", &first_id, &second_id], b"", None);
            let gits: BTreeSet<Oid> = String::from_utf8(bases).unwrap().lines().map(|line| repo.oid(line)).collect();
            assert_eq!(gits, best_common(&reach, first, second).into_iter().map(|index| ids[index]).collect());
            let (code, _) = repo.run(&["merge-base", "--is-ancestor", &first_id, &second_id], b"", None);
            assert_eq!(code, Some(i32::from(!reach[second][first])));
        }
    }
}

#[test]
fn entering_commits_are_those_that_no_hidden_tip_reaches() {
    for (seed, clock) in (1..).zip(CLOCKS.into_iter().chain(CLOCKS)) {
        let random = &mut Random(100 + seed);
        // Long enough for the walk to give up early where clocks lie.
        let plan = plan(random, 400, clock, if seed % 2 == 0 { 4 } else { 30 });
        let there = [0, 200, 300, 400][random.below(4)];
        let repo = Repo::new();
        let quarantine = repo.dir.join("incoming");
        fs::create_dir(&quarantine).unwrap();
        let mut ids = Vec::new();
        repo.import(&plan, 0..there, &mut ids, None);
        repo.import(&plan, there..plan.len(), &mut ids, Some(&quarantine));
        let index: HashMap<Oid, usize> = ids.iter().copied().zip(0..).collect();
        let reach = reach(&plan);
        let objects = repo.objects(Some(&quarantine));
        for round in 0..40 {
            let new = if random.percent(70) { plan.len() - 1 - random.below(20) } else { random.below(plan.len()) };
            let tips: Vec<usize> = (0..random.below(6)).filter(|_| there > 0).map(|_| random.below(there)).collect();
            let exact: BTreeSet<usize> =
                (0..plan.len()).filter(|&one| reach[new][one] && !tips.iter().any(|&tip| reach[tip][one])).collect();
            let mut walk = Entering::from(&objects, ids[new]).unwrap();
            for &tip in &tips {
                walk.hide(ids[tip]).unwrap();
                // One after the other, or together.
                if round % 2 == 0 {
                    walk.run().unwrap();
                }
            }
            walk.run().unwrap();
            let commits = walk.commits();
            let ours: BTreeSet<usize> = commits.iter().map(|id| index[id]).collect();
            let place = format!("seed {seed} {clock:?}, {new} without {tips:?}");
            assert_eq!(commits.len(), ours.len(), "twice the same: {place}");
            assert!(ours.is_superset(&exact), "misses {:?}: {place}", exact.difference(&ours));
            assert!(ours.iter().all(|&one| reach[new][one]), "{place}");
            for &one in &ours {
                assert!(walk.enters(ids[one]));
                assert_eq!(objects.node(ids[one]).unwrap().was_there, one < there, "{place}");
            }
            // Whatever clocks say: commits that only the quarantine has are known exactly.
            assert!(ours.difference(&exact).all(|&one| one < there), "{place}");
            if clock.is_sane() || there == 0 {
                assert_eq!(ours, exact, "{place}");
            }
            if clock.is_sane() && round < 6 {
                let mut arguments = vec!["rev-list".to_owned(), ids[new].to_string(), "--not".to_owned()];
                arguments.extend(tips.iter().map(|&tip| ids[tip].to_string()));
                let (code, output) = repo.run(&arguments, b"", Some(&quarantine));
                assert_eq!(code, Some(0));
                let gits: BTreeSet<usize> =
                    String::from_utf8(output).unwrap().lines().map(|line| index[&repo.oid(line)]).collect();
                assert_eq!(ours, gits, "git differs: {place}");
            }
        }
    }
}

// Trees.

/// Names that are prefixes of each other, that need quoting, that are no UTF-8, and folders that are elsewhere files.
const PATHS: &[&[u8]] = &[
    b"a",
    b"a.b",
    b"a/b",
    b"a/b/c",
    b"a/b.c",
    b"a/b0",
    b"a-",
    b"a0",
    b"a b",
    b"b",
    b"b/b/b",
    b"b/b.b",
    b"A",
    b"-x",
    b"~",
    b"\xff\xfe",
    b"\xff/\xfe",
    b"\xc3\xa9",
    b"e\xcc\x81/x",
    b"\"q\\",
    b"tab\tx",
    b"new\nline",
    b"\x01",
    b".github/workflows/ci.yml",
    b".github/workflows",
    b".gitmodules",
    b"z/z/z/z/z",
    b"z/z/z",
];

fn random_files(random: &mut Random, paths: &[&[u8]], kinds: usize) -> Files {
    let mut files = Files::new();
    let density = *random.pick(&[20, 50, 80]);
    for path in paths {
        if random.percent(density) {
            let content = format!("content {}", random.below(kinds));
            let file = match random.below(8) {
                0 => File::Blob("100755", content),
                1 => File::Blob("120000", content),
                2 => File::Gitlink(1 + u8::try_from(random.below(2)).unwrap()),
                _ => File::Blob("100644", content),
            };
            files.insert(path.to_vec(), file);
        }
    }
    files
}

type Entries = BTreeMap<Vec<u8>, FileEntry>;

fn mode_of(octal: &str) -> Option<Mode> {
    (octal != "000000").then(|| Mode::canonical(u32::from_str_radix(octal, 8).unwrap()).unwrap())
}

/// What git lists in a tree.
fn entries(repo: &Repo, tree: &str) -> Entries {
    let listed = repo.bytes(&["ls-tree", "-r", "-z", "--full-tree", tree], b"");
    let mut entries = Entries::new();
    for line in listed.split(|&byte| byte == 0).filter(|line| !line.is_empty()) {
        let tab = line.iter().position(|&byte| byte == b'\t').unwrap();
        let head: Vec<&str> = std::str::from_utf8(&line[..tab]).unwrap().split(' ').collect();
        entries.insert(line[tab + 1..].to_vec(), FileEntry { mode: mode_of(head[0]).unwrap(), id: repo.oid(head[2]) });
    }
    entries
}

type Changes = BTreeSet<(Vec<u8>, Option<(&'static str, Oid)>, Option<(&'static str, Oid)>)>;

fn changes(changes: &[FileChange]) -> Changes {
    let entry = |entry: Option<FileEntry>| entry.map(|entry| (entry.mode.octal(), entry.id));
    let set: Changes = changes.iter().map(|change| (change.path.to_vec(), entry(change.old), entry(change.new))).collect();
    assert_eq!(set.len(), changes.len(), "a change is there twice");
    set
}

fn our_diff(objects: &Objects, old: Option<Oid>, new: Option<Oid>) -> Result<Vec<FileChange>, String> {
    let mut collect = Collect { enters: &|_| true, keep: &mut |_| Ok(true), changes: Vec::new() };
    diff(objects, old, new, &mut collect).map_err(|undecided| undecided.why)?;
    Ok(collect.changes)
}

fn gits_diff(repo: &Repo, old: &str, new: &str) -> Changes {
    let output = repo.bytes(&["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new], b"");
    let mut fields = output.split(|&byte| byte == 0);
    let mut set = Changes::new();
    while let Some(head) = fields.next().filter(|head| !head.is_empty()) {
        let head: Vec<&str> = std::str::from_utf8(&head[1..]).unwrap().split(' ').collect();
        let side = |mode: &str, id: &str| mode_of(mode).map(|mode| (mode.octal(), repo.oid(id)));
        set.insert((fields.next().unwrap().to_vec(), side(head[0], head[2]), side(head[1], head[3])));
    }
    set
}

fn trees_differ_as_git_says(storage: Storage, seed: u64) {
    let random = &mut Random(seed);
    let repo = Repo::stored(storage);
    let mut plan = Vec::new();
    for index in 0..40 {
        let files = random_files(random, PATHS, 3);
        plan.push(Planned { parents: vec![], time: index, files: Some(files) });
    }
    let mut ids = Vec::new();
    repo.import(&plan, 0..plan.len(), &mut ids, None);
    let objects = repo.objects(None);
    let empty = repo.write("tree", b"");
    let trees: Vec<Oid> = ids.iter().map(|&id| objects.node(id).unwrap().tree).collect();
    for _ in 0..120 {
        let (old, new) = (*random.pick(&trees), *random.pick(&trees));
        let (old, new) = match random.below(20) {
            0 => (empty, new),
            1 => (old, empty),
            _ => (old, new),
        };
        let expected = gits_diff(&repo, &old.to_string(), &new.to_string());
        assert_eq!(changes(&our_diff(&objects, Some(old), Some(new)).unwrap()), expected, "{old} {new}");
        if old == empty {
            assert_eq!(changes(&our_diff(&objects, None, Some(new)).unwrap()), expected);
        }
    }
    for &tree in trees.iter().take(12) {
        let listed = entries(&repo, &tree.to_string());
        assert_eq!(our_diff(&objects, None, Some(tree)).unwrap().len(), listed.len());
        let asked: Vec<&[u8]> =
            PATHS.iter().chain(&[&b"a/"[..], b"/a", b"", b"a/b/", b"nowhere", b"a//b", b"z/z"]).rev().copied().collect();
        let together = entries_at(&objects, Some(tree), &asked).unwrap();
        for (&path, together) in asked.iter().zip(together) {
            assert_eq!(entry_at(&objects, Some(tree), path).unwrap(), listed.get(path).copied(), "{path:?}");
            assert_eq!(together, listed.get(path).copied(), "{path:?}");
        }
        // Git's order is the order that is asked for.
        let raw = objects.tree(tree).unwrap();
        let mut rest: &[u8] = &raw;
        let mut read: Vec<TreeEntry<'_>> = Vec::new();
        while let Some(entry) = next_entry(&mut rest, repo.format).unwrap() {
            read.push(entry);
        }
        for (first, one) in read.iter().enumerate() {
            for (second, other) in read.iter().enumerate() {
                assert_eq!(one.order(other), first.cmp(&second), "{one:?} {other:?}");
            }
        }
    }
}

#[test]
fn trees_differ_as_git_says_sha1() {
    trees_differ_as_git_says(Storage::default(), 1);
    trees_differ_as_git_says(Storage::default(), 2);
}

#[test]
fn trees_differ_as_git_says_sha256() {
    trees_differ_as_git_says(Storage { sha256: true, reftable: false }, 3);
}

fn entry(mode: &str, name: &[u8], id: Oid) -> Vec<u8> {
    [mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat()
}

#[test]
fn odd_modes_are_read_as_git_reads_them() {
    let repo = Repo::new();
    let one = repo.write("blob", b"one");
    let two = repo.write("blob", b"two");
    let folder = repo.write("tree", &entry("100644", b"x", one));
    let objects = repo.objects(None);
    let modes = ["100644", "100755", "100664", "100600", "100777", "100700", "100655", "0100644", "120000", "120777", "160000"];
    let mut trees = Vec::new();
    for mode in modes {
        for id in [one, two] {
            trees.push(
                repo.write("tree", &[entry("100644", b"a", one), entry(mode, b"b", id), entry("40000", b"c", folder)].concat()),
            );
        }
    }
    for mode in ["40000", "040000", "40755"] {
        trees.push(repo.write("tree", &[entry("100644", b"a", one), entry(mode, b"b", folder)].concat()));
    }
    for &old in &trees {
        for &new in trees.iter().step_by(3) {
            let expected = gits_diff(&repo, &old.to_string(), &new.to_string());
            assert_eq!(changes(&our_diff(&objects, Some(old), Some(new)).unwrap()), expected, "{old} {new}");
        }
    }
}

#[test]
fn malformed_trees_are_refused_wherever_they_stand() {
    let repo = Repo::new();
    let one = repo.write("blob", b"one");
    let folder = repo.write("tree", &entry("100644", b"x", one));
    let sound = [entry("100644", b"m", one), entry("40000", b"n", folder)].concat();
    let file = |name: &[u8]| entry("100644", name, one);
    let mut bad: Vec<(&str, Vec<u8>)> = vec![
        ("unsorted", [file(b"z"), file(b"y")].concat()),
        ("unsorted folder", [entry("40000", b"a", folder), file(b"a.b")].concat()),
        ("twice", [file(b"a"), file(b"a")].concat()),
        ("file and folder", [file(b"a"), entry("40000", b"a", folder)].concat()),
        ("file and folder apart", [file(b"a"), file(b"a.b"), entry("40000", b"a", folder)].concat()),
        ("dot", file(b".")),
        ("dots", entry("40000", b"..", folder)),
        ("slash", file(b"a/b")),
        ("no name", file(b"")),
        ("mode 0", entry("0", b"a", one)),
        ("mode 777", entry("777", b"a", one)),
        ("mode 170000", entry("170000", b"a", one)),
        ("mode 9", entry("100944", b"a", one)),
        ("no mode", entry("", b"a", one)),
        ("no space", [b"100644a\0", one.as_bytes()].concat()),
        ("null id", [b"100644 a\0", &[0; 20][..]].concat()),
        ("long mode", entry("00000000000000000000000100644", b"a", one)),
    ];
    for length in 1..file(b"a").len() {
        bad.push(("truncated", file(b"a")[..length].to_vec()));
        bad.push(("truncated second", [file(b"A"), file(b"a")[..length].to_vec()].concat()));
    }
    let many: Vec<u8> = (b'b'..b't').flat_map(|name| file(&[name])).collect();
    bad.push(("twins beside many", [file(b"a"), file(b"a.b"), entry("40000", b"a", folder), many].concat()));
    // Every name that git's own fsck calls `.git`.
    for name in [
        ".git",
        ".GIT",
        ".gIt",
        "git~1",
        "GIT~1",
        ".git.",
        ".git ",
        ".git . ",
        ".git:x",
        ".git\\x",
        ".g\u{200c}it",
        "\u{feff}.git",
        ".gi\u{206f}T",
    ] {
        bad.push((name, file(name.as_bytes())));
        bad.push((name, entry("40000", name.as_bytes(), folder)));
    }
    let old = repo.write("tree", &sound);
    for (what, raw) in &bad {
        let tree = repo.write("tree", raw);
        let root = repo.write("tree", &[entry("100644", b"m", one), entry("40000", b"n", tree)].concat());
        let objects = repo.objects(None);
        for (old, new) in [(None, tree), (Some(old), tree), (None, root), (Some(old), root)] {
            let result = our_diff(&objects, old, Some(new));
            assert!(result.is_err(), "{what} {raw:?} was read as {result:?}");
        }
        // Going back from it to a sound one is refused or read, but never ends the program.
        let _ = our_diff(&objects, Some(root), Some(old));
    }
    // Neighbours of those names are names like any other.
    for name in [".gitx", "git~2", ".gitignore", ".git~1", "git", ".gi", "\u{200c}.gitx", "agit~1", ".git.x", ". git", ".github"]
    {
        let tree = repo.write("tree", &file(name.as_bytes()));
        assert_eq!(our_diff(&repo.objects(None), None, Some(tree)).unwrap().len(), 1, "{name}");
    }
}

#[test]
fn folders_that_nest_too_deep_are_refused() {
    let repo = Repo::new();
    let path = vec![b'a'; 1].into_iter().chain(b"/a".repeat(4999)).collect::<Vec<u8>>();
    let files = Files::from([(path, File::Blob("100644", "deep".to_owned()))]);
    let mut ids = Vec::new();
    repo.import(&[Planned { parents: vec![], time: 1, files: Some(files) }], 0..1, &mut ids, None);
    // A test's own stack is small, and a debug build's frames are large.
    let why = std::thread::scope(|scope| {
        let judge = || {
            let objects = repo.objects(None);
            let tree = objects.node(ids[0]).unwrap().tree;
            our_diff(&objects, None, Some(tree)).unwrap_err()
        };
        std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, judge).unwrap().join().unwrap()
    });
    assert!(why.contains("nest deeper"), "{why}");
}

// What commits and refs change.

/// The facts that a policy's first ruleset is given about updates: `(ref, old, new)`.
fn collect(repo: &Repo, policy: &str, updates: &[(&str, Option<Oid>, Oid)]) -> Vec<Vec<UpdateFacts>> {
    collect_from(repo, policy, updates, None).0
}

/// The same with a quarantine, and what it costs.
fn collect_from(
    repo: &Repo,
    policy: &str,
    updates: &[(&str, Option<Oid>, Oid)],
    quarantine: Option<&Path>,
) -> (Vec<Vec<UpdateFacts>>, Work) {
    let policy = parse::parse("policy.toml", format!("version = 1\n{policy}").as_bytes()).unwrap();
    let refs = repo.refs();
    let objects = repo.objects(quarantine);
    let default_branch = refs.default_branch().unwrap();
    let context = Context {
        repository: "r".to_owned(),
        served_as: Vec::new(),
        actor: "dev".to_owned(),
        now: jiff::Timestamp::UNIX_EPOCH,
        default_branch,
    };
    let mut pushed = Vec::new();
    let mut held = Vec::new();
    for &(name, old, new) in updates {
        let name = RefName::parse(name.as_bytes()).unwrap();
        let change = old.map_or(Change::Create { new }, |old| Change::Update { old, new });
        let update = RefUpdate { name: name.clone(), change };
        pushed.push(PushedUpdate { update, reached: vec![name], aliases: vec![], rewrite: false, merges_pull_request: false });
        held.push(old);
    }
    let selected = select(&policy, &context, &pushed).unwrap();
    let collector = Collector { objects: &objects, refs: &refs, context: &context, updates: &pushed, held: &held };
    (collector.collect(&selected), objects.work())
}

/// What a commit touches, by the definition: for each path its entry in the commit and in the parents and merge bases.
struct Touched<'r> {
    repo: &'r Repo,
    plan: &'r [Planned],
    reach: Vec<Vec<bool>>,
    ids: &'r [Oid],
    entries: HashMap<usize, Entries>,
}

impl Touched<'_> {
    fn at(&mut self, index: usize, path: &[u8]) -> Option<FileEntry> {
        let id = self.ids[index];
        let repo = self.repo;
        self.entries.entry(index).or_insert_with(|| entries(repo, &id.to_string())).get(path).copied()
    }

    fn touches(&mut self, index: usize, path: &[u8]) -> bool {
        let mine = self.at(index, path);
        let parents = self.plan[index].parents.clone();
        match parents.as_slice() {
            [] => mine.is_some(),
            [parent] => mine != self.at(*parent, path),
            _ => {
                // A parent is behind where another one has the merge's entry, and a merge base of the two has the parent's.
                parents.iter().any(|&parent| {
                    let theirs = self.at(parent, path);
                    theirs != mine
                        && !parents.iter().any(|&other| {
                            self.at(other, path) == mine && {
                                let bases = best_common(&self.reach, parent, other);
                                if bases.is_empty() {
                                    theirs.is_none()
                                } else {
                                    bases.into_iter().any(|base| self.at(base, path) == theirs)
                                }
                            }
                        })
                })
            }
        }
    }
}

const ALL_PATHS: &str = "file_path_restriction = { restricted_file_paths = [\"**/*\"] }\n";

#[test]
fn commits_touch_what_the_definition_says() {
    let paths: &[&[u8]] = &[b"a", b"a.b", b"a/b", b"d/x", b"d/y", b"e/f/g", b"\xff", b"w"];
    let mut merges = 0;
    for seed in 0..6 {
        let random = &mut Random(1000 + seed);
        let clock = CLOCKS[usize::try_from(seed).unwrap() % CLOCKS.len()];
        let mut plan = plan(random, 60, clock, 4);
        for planned in &mut plan {
            planned.files = Some(random_files(random, paths, 2));
        }
        let repo = Repo::new();
        let mut ids = Vec::new();
        repo.import(&plan, 0..plan.len(), &mut ids, None);
        let mut touched = Touched { repo: &repo, plan: &plan, reach: reach(&plan), ids: &ids, entries: HashMap::new() };
        for round in 0..6 {
            let (main, old, new) = (random.below(20), random.below(50), plan.len() - 1 - random.below(10));
            repo.git(&["update-ref", "refs/heads/main", &ids[main].to_string()]);
            repo.git(&["update-ref", "refs/heads/release", &ids[old].to_string()]);
            let counts = if round % 2 == 0 { "" } else { "max_changed_paths = { max_changed_paths = 100000 }\n" };
            let covers_default = round % 3 != 0;
            let refs = if covers_default { r#"["main", "release"]"# } else { r#"["release"]"# };
            let policy =
                format!("[[ruleset]]\nname = \"x\"\ntarget = \"branch\"\nrefs = {refs}\n[ruleset.rules]\n{ALL_PATHS}{counts}");
            let facts = collect(&repo, &policy, &[("refs/heads/release", Some(ids[old]), ids[new])]).remove(0).remove(0);
            let place = format!("seed {seed} {clock:?}, main {main}, release {old}..{new}");

            let entering = facts.entering.get("").unwrap();
            let exact: BTreeSet<Oid> = (0..plan.len())
                .filter(|&one| touched.reach[new][one] && !touched.reach[old][one] && !touched.reach[main][one])
                .map(|one| ids[one])
                .collect();
            let ours: BTreeSet<Oid> = entering.iter().map(|one| one.commit.id).collect();
            assert!(ours.is_superset(&exact), "{place}");
            assert!(!clock.is_sane() || ours == exact, "{place}");
            let mut counted: BTreeSet<Vec<u8>> = BTreeSet::new();
            for one in entering {
                let index = ids.iter().position(|id| *id == one.commit.id).unwrap();
                merges += usize::from(plan[index].parents.len() > 1);
                let ours = changes(one.changes.get("").unwrap());
                let named: BTreeSet<&[u8]> = ours.iter().map(|(path, _, _)| path.as_slice()).collect();
                // A merge shows a path once against each entry that parents have there.
                assert!(plan[index].parents.len() > 1 || named.len() == ours.len());
                let expected: BTreeSet<&[u8]> = paths.iter().copied().filter(|path| touched.touches(index, path)).collect();
                assert_eq!(named, expected, "{place}, commit {index} of {:?}", plan[index].parents);
                for (path, _, new) in &ours {
                    assert_eq!(*new, touched.at(index, path).map(|entry| (entry.mode.octal(), entry.id)), "{place}");
                }
                counted.extend(ours.into_iter().map(|(path, _, _)| path));
            }

            let bases = best_common(&touched.reach, old, main);
            let mut expected = BTreeSet::new();
            for &path in paths {
                let (before, after) = (touched.at(old, path), touched.at(new, path));
                let excused = covers_default
                    && !bases.is_empty()
                    && after == touched.at(main, path)
                    && bases.iter().all(|&base| touched.at(base, path) == before);
                if before != after && !excused {
                    expected.insert(path.to_vec());
                }
            }
            let landing: BTreeSet<Vec<u8>> =
                changes(facts.landing.get("").unwrap()).into_iter().map(|(path, _, _)| path).collect();
            assert_eq!(landing, expected, "{place}");
            counted.extend(landing);
            if !counts.is_empty() {
                assert_eq!(*facts.totals.changed_paths.get("").unwrap(), counted.len() as u64, "{place}");
            }
            assert_eq!(*facts.totals.commits.get("").unwrap(), ours.len() as u64, "{place}");
        }
    }
    assert!(merges > 200, "only {merges} merges were looked at");
}

/// A merge that quietly takes the old, larger files back. How many there are must not matter.
#[test]
fn a_merge_that_restores_files_touches_them_however_many_there_are() {
    for count in [3, 300] {
        let repo = Repo::new();
        let (large, small) = (repo.write("blob", &[b'x'; 1_100_000]), repo.write("blob", b"small"));
        let files = |id| -> Files { (0..count).map(|number| (format!("f{number}").into_bytes(), File::Stored(id))).collect() };
        let with = |mut files: Files, name: &str| {
            files.insert(name.as_bytes().to_vec(), File::Blob("100644", String::new()));
            files
        };
        let planned = |parents: &[usize], time, files| Planned { parents: parents.to_vec(), time, files: Some(files) };
        // 0 has the large files, 1 makes them small, 2 is an old line beside; 3 merges and restores, 4 makes them small again.
        let plan = [
            planned(&[], 1, files(large)),
            planned(&[0], 2, files(small)),
            planned(&[0], 3, with(files(large), "other")),
            planned(&[1, 2], 4, with(files(large), "other")),
            planned(&[3], 5, with(files(small), "other")),
        ];
        let mut ids = Vec::new();
        repo.import(&plan, 0..plan.len(), &mut ids, None);
        repo.git(&["update-ref", "refs/heads/main", &ids[1].to_string()]);
        let policy = "[[ruleset]]\nname = \"x\"\ntarget = \"branch\"\nrefs = [\"main\"]\n[ruleset.rules]\nmax_file_size = { max_file_size = 1 }\n";
        let facts = collect(&repo, policy, &[("refs/heads/main", Some(ids[1]), ids[4])]).remove(0).remove(0);
        assert_eq!(facts.landing.get("").unwrap().len(), 0);
        let merge = facts.entering.get("").unwrap().iter().find(|one| one.commit.id == ids[3]).unwrap();
        assert_eq!(merge.changes.get("").unwrap().len(), count, "of {count} files");
    }
}

/// Histories in which lines meet again and again, entries go back to what they were, and merges take whatever they like: each in
/// a repository of its own would be the same, so that all of them lie in one.
fn meeting_lines(random: &mut Random, histories: usize, length: usize) -> Vec<Planned> {
    let paths: [&[u8]; 5] = [b"a", b"d/x", b"d/y", b"e/f/g", b"w"];
    let mut all: Vec<Planned> = Vec::new();
    for history in 0..histories {
        let first = all.len();
        let clock = CLOCKS[history % CLOCKS.len()];
        let mut planned = plan(random, length, clock, 4);
        for index in 4..length - 2 {
            // Two lines that take each other, and then meet.
            let reach = reach(&planned[..index]);
            let (one, other) = (index - 1, index - 2 - random.below(3));
            if random.percent(60) && !reach[one][other] && !best_common(&reach, one, other).is_empty() {
                planned[index].parents = vec![one, other];
                planned[index + 1].parents = vec![other, one];
                planned[index + 2].parents = vec![index, index + 1];
            }
        }
        for mut planned in planned {
            for parent in &mut planned.parents {
                *parent += first;
            }
            let inherited: Vec<Files> = planned.parents.iter().map(|&parent| all[parent].files.clone().unwrap()).collect();
            let mut files = Files::new();
            for path in paths {
                let new = match inherited.as_slice() {
                    [] => random.percent(70),
                    [_] => random.percent(20),
                    _ => random.percent(6),
                };
                let file = if new {
                    (!random.percent(25)).then(|| File::Blob("100644", format!("content {}", random.below(2))))
                } else {
                    inherited.get(random.below(inherited.len().max(1))).and_then(|files| files.get(path)).cloned()
                };
                files.extend(file.map(|file| (path.to_vec(), file)));
            }
            planned.files = Some(files);
            all.push(planned);
        }
    }
    all
}

/// The definition once more, of the plan alone: no merge base, tree or object of the program under test is asked.
fn touches_by_plan(plan: &[Planned], reach: &[Vec<bool>], first: usize, index: usize, path: &[u8]) -> bool {
    let at = |index: usize| match plan[index].files.as_ref().unwrap().get(path) {
        Some(File::Blob(mode, content)) => Some((*mode, content.clone())),
        None => None,
        other => panic!("{other:?}"),
    };
    let mine = at(index);
    let parents = &plan[index].parents;
    if parents.is_empty() {
        return mine.is_some();
    }
    parents.iter().any(|&parent| {
        let behind = |other: &usize| {
            let bases = best_common(reach, parent - first, *other - first);
            if bases.is_empty() { at(parent).is_none() } else { bases.iter().any(|&base| at(first + base) == at(parent)) }
        };
        at(parent) != mine && !parents.iter().any(|other| at(*other) == mine && behind(other))
    })
}

/// The slow reference of one history, in which places count from its first commit.
fn reach_of_history(plan: &[Planned], first: usize, length: usize) -> Vec<Vec<bool>> {
    let mine: Vec<Planned> = plan[first..first + length]
        .iter()
        .map(|planned| Planned { parents: planned.parents.iter().map(|&parent| parent - first).collect(), ..planned.clone() })
        .collect();
    reach(&mine)
}

#[test]
fn merges_touch_what_the_definition_says_where_lines_meet_again_and_again() {
    const HISTORIES: usize = 400;
    const LENGTH: usize = 16;
    let random = &mut Random(77);
    let plan = meeting_lines(random, HISTORIES, LENGTH);
    let repo = Repo::new();
    let quarantine = repo.dir.join("incoming");
    fs::create_dir(&quarantine).unwrap();
    let there = HISTORIES / 2 * LENGTH;
    let mut ids = Vec::new();
    repo.import(&plan, 0..there, &mut ids, None);
    repo.import(&plan, there..plan.len(), &mut ids, Some(&quarantine));
    repo.git(&["update-ref", "-d", "refs/heads/import"]);
    let mut seen = [0; 3];
    for history in 0..HISTORIES {
        let first = history * LENGTH;
        let reach = reach_of_history(&plan, first, LENGTH);
        let new = first + LENGTH - 1;
        let counts = if history % 3 == 0 { "max_changed_paths = { max_changed_paths = 100000 }\n" } else { "" };
        let rules = if history % 4 == 1 { "file_path_restriction = { restricted_file_paths = [\"d/*\"] }\n" } else { ALL_PATHS };
        let policy = format!("[[ruleset]]\nname = \"x\"\ntarget = \"branch\"\nrefs = [\"h\"]\n[ruleset.rules]\n{rules}{counts}");
        let collected = collect_from(&repo, &policy, &[("refs/heads/h", None, ids[new])], Some(&quarantine));
        for one in collected.0[0][0].entering.get("").unwrap() {
            let index = ids.iter().position(|id| *id == one.commit.id).unwrap();
            let ours: BTreeSet<Vec<u8>> = changes(one.changes.get("").unwrap()).into_iter().map(|(path, _, _)| path).collect();
            let mut expected = BTreeSet::new();
            for path in [&b"a"[..], b"d/x", b"d/y", b"e/f/g", b"w"] {
                let asked = rules == ALL_PATHS || !counts.is_empty() || path.starts_with(b"d/");
                if asked && touches_by_plan(&plan, &reach, first, index, path) {
                    expected.insert(path.to_vec());
                }
            }
            assert_eq!(ours, expected, "history {history}, commit {}: {:#?}", index - first, &plan[first..=new]);
            let parents = &plan[index].parents;
            if parents.len() > 1 {
                seen[0] += 1;
                seen[1] += usize::from(parents.len() > 2);
                let several = |one: usize, other: usize| best_common(&reach, one - first, other - first).len() > 1;
                seen[2] += usize::from(parents.iter().any(|&one| parents.iter().any(|&other| several(one, other))));
            }
        }
    }
    assert!(seen[0] > 1000 && seen[1] > 200 && seen[2] > 200, "too few merges, octopuses, several merge bases: {seen:?}");
}

/// The tree of the merge that git makes by itself, if there is no conflict: neither in it, nor in the merges of merge bases that
/// git makes for it, where it takes one side of a conflict without a word.
fn clean_merge(repo: &Repo, reach: &[Vec<bool>], ids: &[Oid], one: usize, other: usize) -> Option<String> {
    let bases: Vec<usize> = best_common(reach, one, other).into_iter().collect();
    match bases.as_slice() {
        [_] => {}
        [one, other] => drop(clean_merge(repo, reach, ids, *one, *other)?),
        _ => return None,
    }
    let (one, other) = (ids[one].to_string(), ids[other].to_string());
    let (code, output) = repo.run(&["merge-tree", "--write-tree", "--no-messages", &one, &other], b"", None);
    if code != Some(0) {
        return None;
    }
    let tree = String::from_utf8(output).unwrap().trim().to_owned();
    // Where git sees a rename it puts at a path what neither side has there: that is a change.
    let [merged, one, other] = [&tree, &one, &other].map(|id| entries(repo, id));
    let taken = |path: &Vec<u8>| [&one, &other].iter().any(|side| side.get(path) == merged.get(path));
    merged.keys().chain(one.keys()).chain(other.keys()).all(taken).then_some(tree)
}

#[test]
fn a_merge_that_git_makes_by_itself_touches_nothing() {
    const LENGTH: usize = 16;
    let random = &mut Random(78);
    let plan = meeting_lines(random, 40, LENGTH);
    let repo = Repo::new();
    let mut ids = Vec::new();
    repo.import(&plan, 0..plan.len(), &mut ids, None);
    repo.git(&["update-ref", "-d", "refs/heads/import"]);
    let policy = format!("[[ruleset]]\nname = \"x\"\ntarget = \"branch\"\nrefs = [\"h\"]\n[ruleset.rules]\n{ALL_PATHS}");
    let mut seen = [0; 2];
    for history in 0..40 {
        let first = history * LENGTH;
        let reach = reach_of_history(&plan, first, LENGTH);
        for _ in 0..8 {
            let (one, other) = (8 + random.below(LENGTH - 8), 8 + random.below(LENGTH - 8));
            let bases = best_common(&reach, one, other);
            if bases.is_empty() || reach[one][other] || reach[other][one] {
                continue;
            }
            let mine = &ids[first..first + LENGTH];
            let Some(tree) = clean_merge(&repo, &reach, mine, one, other) else { continue };
            let (first_id, second_id) = (mine[one], mine[other]);
            let raw = format!(
                "tree {tree}\nparent {first_id}\nparent {second_id}\nauthor a <a@example.org> 5000000 +0000\ncommitter a <a@example.org> 5000000 +0000\n\nmerge\n"
            );
            let merge = repo.write("commit", raw.as_bytes());
            let facts = collect(&repo, &policy, &[("refs/heads/h", None, merge)]).remove(0).remove(0);
            let entering = facts.entering.get("").unwrap().iter().find(|one| one.commit.id == merge).unwrap();
            assert_eq!(
                changes(entering.changes.get("").unwrap()),
                Changes::new(),
                "history {history}, {one} and {other}, merge bases {bases:?}: {:#?}",
                &plan[first..first + LENGTH]
            );
            seen[0] += 1;
            seen[1] += usize::from(bases.len() > 1);
        }
    }
    assert!(seen[0] > 40 && seen[1] > 10, "too few clean merges, and those with several merge bases: {seen:?}");
}

/// What a walk reads depends on the push, not on how long the history is.
#[test]
fn walks_are_bounded_by_the_push() {
    let repo = Repo::new();
    let quarantine = repo.dir.join("incoming");
    fs::create_dir(&quarantine).unwrap();
    let files = |content: &str| Some(Files::from([(b"f".to_vec(), File::Blob("100644", content.to_owned()))]));
    let planned = |parents: &[usize], time: usize, content: &str| Planned {
        parents: parents.to_vec(),
        time: 1_000_000 + time as u64,
        files: files(content),
    };
    let mut plan = vec![planned(&[], 0, "0")];
    for index in 1..3000 {
        plan.push(planned(&[index - 1], index, &(index / 500).to_string()));
    }
    // What is pushed: a commit on main, a root of its own, a merge of that root, and one more of both lines.
    plan.push(planned(&[2999], 3000, "new"));
    plan.push(planned(&[], 3001, "root"));
    plan.push(planned(&[3000, 3001], 3002, "new"));
    plan.push(planned(&[3001], 3003, "root"));
    plan.push(planned(&[3002, 3003], 3004, "new"));
    let mut ids = Vec::new();
    repo.import(&plan, 0..3000, &mut ids, None);
    repo.git(&["update-ref", "-d", "refs/heads/import"]);
    repo.git(&["update-ref", "refs/heads/main", &ids[2990].to_string()]);
    repo.git(&["update-ref", "refs/heads/release/1", &ids[2980].to_string()]);
    repo.git(&["update-ref", "refs/heads/other/1", &ids[2985].to_string()]);
    repo.import(&plan, 3000..plan.len(), &mut ids, Some(&quarantine));
    for (refs, name, old, new) in [
        // A new branch in a ruleset that does not cover the default branch, with and without a covered ref.
        (r#"["release/*"]"#, "refs/heads/release/2", None, 3000),
        (r#"["none/*"]"#, "refs/heads/none/2", None, 3000),
        (r#"["main", "release/*"]"#, "refs/heads/release/2", None, 3000),
        // A root of its own, as a new branch and over an old one.
        (r#"["~ALL"]"#, "refs/heads/pages", None, 3001),
        (r#"["none/*"]"#, "refs/heads/none/3", None, 3001),
        (r#"["main"]"#, "refs/heads/main", Some(2990), 3001),
        // Merges of lines that never met, or met only just now.
        (r#"["main"]"#, "refs/heads/main", Some(2990), 3004),
    ] {
        let policy = format!(
            "[[ruleset]]\nname = \"x\"\ntarget = \"branch\"\nrefs = {refs}\n[ruleset.rules]\n{ALL_PATHS}non_fast_forward = true\n"
        );
        let (facts, work) = collect_from(&repo, &policy, &[(name, old.map(|old: usize| ids[old]), ids[new])], Some(&quarantine));
        facts[0][0].landing.get("").unwrap();
        assert!(work.commits < 200, "{refs} {name}: {work:?}");
    }
}

#[test]
fn a_spent_budget_says_how_far_it_got_and_what_to_set() {
    let repo = Repo::new();
    let mut ids = Vec::new();
    repo.import(&plan(&mut Random(3), 9, Clock::Sane, 2), 0..9, &mut ids, None);
    let budget = Budget { commits: 4, ..Budget::default() };
    let objects = Objects::open(&repo.dir, None, repo.format, budget).unwrap();
    let why = ids.iter().find_map(|&id| objects.node(id).err()).unwrap();
    assert!(why.why.contains("the budget of 4 commits is spent (after 5 commits, 4 objects"), "{}", why.why);
    assert_eq!(why.cause, Cause::Budget);
    let help = why.help.unwrap();
    assert!(help.contains("`commits` in `[server] budget`") && help.contains("import"), "{help}");
    assert_eq!(objects.counters().work(), objects.work());
}

// The four questions.

const BY_COMMITS: &str = "max_commits = { max_commits = 0 }\n";
const SECRET: &str = "file_path_restriction = { restricted_file_paths = [\"secret/**/*\"] }\n";

fn ruleset(target: &str, refs: &str, more: &str, rules: &str) -> String {
    let refs = if target == "push" { String::new() } else { format!("refs = {refs}\n") };
    format!("[[ruleset]]\nname = \"{target}\"\ntarget = \"{target}\"\n{refs}{more}[ruleset.rules]\n{rules}")
}

#[test]
fn entering_is_not_new_to_the_repository() {
    // On a free branch already: it enters main, and is new to nobody.
    for (target, enters) in [("branch", true), ("push", false)] {
        let server = Server::new(&ruleset(target, r#"["main"]"#, "", BY_COMMITS));
        let work = server.with_main(&[("README", "1")]);
        work.commit("topic", &[("README", "2")]);
        work.force("HEAD:refs/heads/topic");
        let pushed = work.push("dev", &["main"]);
        if enters {
            pushed.refuse("max_commits")
        } else {
            pushed.accept()
        }
        // Brought anew, it is new to both, wherever it is pushed.
        work.commit("more", &[("README", "3")]);
        let elsewhere = work.push("dev", &["HEAD:refs/heads/elsewhere"]);
        if enters { elsewhere.accept() } else { elsewhere.refuse("max_commits") }
    }
}

#[test]
fn landing_is_not_entering() {
    // Back to an old commit: nothing enters, and the path changes all the same.
    let server = Server::new(&ruleset("branch", r#"["main"]"#, "", &format!("{SECRET}{BY_COMMITS}")));
    let work = server.with_main(&[("README", "1"), ("secret/key", "old")]);
    work.commit("changed", &[("secret/key", "new")]);
    work.force("main");
    let back = work.push("dev", &["--force", "HEAD~1:refs/heads/main"]);
    back.refuse("file_path_restriction");
    assert!(!back.output.contains("max_commits"), "{}", back.output);

    // A fast-forward along a line that is covered by nothing but the default branch: nothing enters, and the path lands.
    let server = Server::new(&ruleset("branch", r#"["release"]"#, "", &format!("{SECRET}{BY_COMMITS}")));
    let work = server.with_main(&[("README", "1")]);
    work.force("main:refs/heads/release");
    work.commit("secret", &[("secret/key", "1")]);
    work.force("main");
    let forward = work.push("dev", &["HEAD:refs/heads/release"]);
    forward.refuse("file_path_restriction");
    assert!(!forward.output.contains("max_commits"), "{}", forward.output);

    // Touched and put back: nothing lands, and two commits enter.
    let server = Server::new(&ruleset("branch", r#"["main"]"#, "", SECRET));
    let work = server.with_main(&[("README", "1"), ("secret/key", "old")]);
    work.commit("touch", &[("secret/key", "new")]);
    let reverted = work.commit("revert", &[("secret/key", "old")]);
    let pushed = work.push("dev", &["main"]);
    pushed.refuse("file_path_restriction");
    assert!(pushed.output.contains(&format!("secret/key in {}", &reverted[..7])), "{}", pushed.output);
    // The twin that changes something else twice.
    work.git(["reset", "--quiet", "--hard", "HEAD~2"]);
    work.commit("touch", &[("README", "2")]);
    work.commit("revert", &[("README", "1")]);
    work.push("dev", &["main"]).accept();
}

#[test]
fn the_ref_change_is_neither() {
    // Nothing lands and nothing enters: the change of the ref is judged by itself.
    let rules = format!("non_fast_forward = true\ndeletion = true\n{SECRET}{BY_COMMITS}");
    let server = Server::new(&ruleset("branch", r#"["main"]"#, "", &rules));
    let work = server.with_main(&[("README", "1")]);
    work.git(["commit", "--quiet", "--allow-empty", "--message", "empty"]);
    work.force("main");
    for refspec in ["+HEAD~1:refs/heads/main", ":refs/heads/main"] {
        let pushed = work.push("dev", &[refspec]);
        pushed.refuse(if refspec.starts_with('+') { "non_fast_forward" } else { "deletion" });
        assert!(!pushed.output.contains("file_path_restriction") && !pushed.output.contains("max_commits"), "{}", pushed.output);
    }
}

#[test]
fn with_actors_other_covered_refs_do_not_count() {
    for (actors, accepted) in [("", true), ("actors = [\"agent-*\"]\n", false), ("actors = [\"!human\"]\n", false)] {
        let server = Server::new(&ruleset("branch", r#"["main", "dev"]"#, actors, &format!("{SECRET}{BY_COMMITS}")));
        let work = server.with_main(&[("README", "1")]);
        work.commit("by someone who is not judged", &[("README", "2")]);
        work.force("HEAD:refs/heads/dev");
        let pushed = work.push("agent-1", &["main"]);
        if accepted {
            pushed.accept()
        } else {
            pushed.refuse("max_commits")
        }
        // Nor is who is not judged.
        if !accepted {
            work.push("human", &["main"]).accept();
        }
    }
}

#[test]
fn merging_the_default_branch_is_excused_only_where_it_is_covered() {
    for (refs, covered) in [(r#"["main", "release"]"#, true), (r#"["release"]"#, false)] {
        let server = Server::new(&ruleset("branch", refs, "", SECRET));
        let work = server.with_main(&[("README", "1"), ("secret/key", "1"), ("secret/other", "1")]);
        work.commit("on release", &[("notes", "1")]);
        work.force("HEAD:refs/heads/release");
        let release = work.id("HEAD");
        work.git(["checkout", "--quiet", "main", "--"]);
        work.git(["reset", "--quiet", "--hard", "HEAD~1"]);
        work.commit("on main", &[("secret/key", "2")]);
        work.force("main");

        work.git(["checkout", "--quiet", "--detach", &release]);
        work.git(["merge", "--quiet", "--no-edit", "main"]);
        let honest = work.id("HEAD");
        // The merge takes something that neither side has.
        work.write("secret/key", "3");
        work.git(["commit", "--quiet", "--all", "--amend", "--no-edit"]);
        work.push("dev", &["HEAD:refs/heads/release"]).refuse("file_path_restriction");
        // The merge takes another path along.
        work.git(["reset", "--quiet", "--hard", &honest]);
        work.write("secret/other", "2");
        work.git(["commit", "--quiet", "--all", "--amend", "--no-edit"]);
        work.push("dev", &["HEAD:refs/heads/release"]).refuse("file_path_restriction");
        // The merge keeps the old side: what main changed is undone.
        work.git(["reset", "--quiet", "--hard", &honest]);
        work.write("secret/key", "1");
        work.git(["commit", "--quiet", "--all", "--amend", "--no-edit"]);
        work.push("dev", &["HEAD:refs/heads/release"]).refuse("file_path_restriction");
        work.git(["reset", "--quiet", "--hard", &honest]);
        let merged = work.push("dev", &["HEAD:refs/heads/release"]);
        if covered { merged.accept() } else { merged.refuse("file_path_restriction") }
    }
}

#[test]
fn a_new_ref_is_compared_with_where_it_comes_from() {
    let server = Server::new(&ruleset("branch", r#"["release/*"]"#, "", SECRET));
    let work = server.with_main(&[("README", "1"), ("secret/key", "1")]);
    // From a merge base with the default branch.
    work.commit("beside main", &[("README", "2")]);
    work.push("dev", &["HEAD:refs/heads/release/1"]).accept();
    let released = work.id("HEAD");
    work.commit("touching", &[("secret/key", "2")]);
    work.push("dev", &["HEAD:refs/heads/release/2"]).refuse("file_path_restriction");
    // From a covered tip: what that has is no change, though main does not have it.
    work.push("lead", &["HEAD:refs/heads/free"]).accept();
    work.force("HEAD:refs/heads/release/3");
    work.commit("on the covered tip", &[("README", "3")]);
    work.push("dev", &["HEAD:refs/heads/release/4"]).accept();
    // Old history of the covered branch, from where nothing enters: compared with main, which is where it comes from.
    work.push("dev", &[&format!("{released}:refs/heads/release/5")]).accept();
    // From nothing: every path is one that lands.
    work.git(["checkout", "--quiet", "--orphan", "rootless"]);
    work.commit("unrelated", &[("README", "4")]);
    work.push("dev", &["HEAD:refs/heads/release/6"]).refuse("file_path_restriction");
    work.git(["rm", "--quiet", "-r", "secret"]);
    work.git(["commit", "--quiet", "--amend", "--message", "without it"]);
    work.push("dev", &["HEAD:refs/heads/release/7"]).accept();
}

// Refs.

const NAMES: &[&str] = &[
    "refs/heads/a",
    "refs/heads/a-b",
    "refs/heads/a.b",
    "refs/heads/a0",
    "refs/heads/ab",
    "refs/heads/b/a",
    "refs/heads/b/a-b",
    "refs/heads/b-a",
    "refs/heads/c/d/e/f",
    "refs/heads/c/d/e/g",
    "refs/heads/main",
    "refs/heads/é",
    "refs/heads/zz",
    "refs/tags/a",
    "refs/tags/v1",
    "refs/tags/v1.0",
    "refs/tags/v1.0/x",
    "refs/notes/commits",
    "refs/x",
    "refs/pull/1/head",
];

fn listed(repo: &Repo) -> BTreeMap<String, Oid> {
    repo.git(&["for-each-ref", "--format=%(refname) %(objectname)"])
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, id)| (name.to_owned(), repo.oid(id)))
        .collect()
}

fn compare_refs(repo: &Repo, symbolic: &BTreeMap<String, String>, place: &str) {
    let names: Vec<RefName> = NAMES
        .iter()
        .chain(&[
            "refs/heads",
            "refs/heads/none",
            "refs/heads/a/none",
            "refs/heads/0",
            "refs/zzz/z",
            "refs/heads/b",
            "refs/tags/v",
        ])
        .copied()
        .chain(symbolic.keys().map(String::as_str))
        .map(|name| RefName::parse(name.as_bytes()).unwrap())
        .collect();
    let refs = repo.refs();
    let expected = listed(repo);
    for name in &names {
        let text = std::str::from_utf8(name.as_bytes()).unwrap();
        let (chain, id) = refs.resolve(name).unwrap();
        assert_eq!(id, expected.get(text).copied(), "{place} {text}");
        match (refs.lookup(name).unwrap(), symbolic.get(text)) {
            (Some(RefValue::Symbolic(target)), Some(expected)) => {
                assert_eq!(target, expected.as_bytes(), "{place} {text}");
                assert_eq!(chain[1].as_bytes(), expected.as_bytes());
            }
            (Some(RefValue::Direct(direct)), None) => assert_eq!(Some(direct), id),
            (None, None) => assert_eq!(id, None),
            other => panic!("{place} {text}: {other:?}"),
        }
    }
    for prefix in [
        "refs/",
        "refs/heads/",
        "refs/heads/a",
        "refs/heads/a-",
        "refs/heads/b/",
        "refs/heads/c/d",
        "refs/tags/v1",
        "refs/none/",
        "refs/heads/é",
        "refs/heads/zz",
        "refs/x",
    ] {
        let ours: BTreeMap<String, Oid> = refs
            .list(prefix.as_bytes())
            .unwrap()
            .into_iter()
            .map(|(name, id)| (String::from_utf8_lossy(name.as_bytes()).into_owned(), id))
            .collect();
        let gits: BTreeMap<String, Oid> =
            expected.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(name, id)| (name.clone(), *id)).collect();
        assert_eq!(ours, gits, "{place} {prefix}");
    }
    for folder in ["refs/", "refs/heads/", "refs/tags/", "refs/none/", "refs/heads/b/"] {
        let dangling = symbolic.keys().any(|name| name.starts_with(folder) && !expected.contains_key(name));
        let any = expected.keys().any(|name| name.starts_with(folder));
        assert!(dangling || refs.any(folder).unwrap() == any, "{place} {folder}");
    }
    let ours: BTreeSet<String> =
        refs.symbolic_refs().unwrap().into_iter().map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned()).collect();
    assert_eq!(ours, symbolic.keys().cloned().collect(), "{place}");
    let head = RefName::parse(repo.git(&["symbolic-ref", "HEAD"]).as_bytes()).unwrap();
    let branches = expected.keys().any(|name| name.starts_with("refs/heads/"));
    let expected_default = match (expected.contains_key(std::str::from_utf8(head.as_bytes()).unwrap()), branches) {
        (true, _) => DefaultBranch::Exists(head),
        (false, true) => DefaultBranch::Missing(head),
        (false, false) => DefaultBranch::NoBranches(head),
    };
    if !symbolic.keys().any(|name| !expected.contains_key(name)) {
        assert_eq!(refs.default_branch().unwrap(), expected_default, "{place}");
    }
}

fn refs_are_gits(storage: Storage, seed: u64) {
    let random = &mut Random(seed);
    let repo = Repo::stored(storage);
    let mut ids = Vec::new();
    repo.import(&plan(random, 6, Clock::Sane, 3), 0..6, &mut ids, None);
    repo.git(&["update-ref", "-d", "refs/heads/import"]);
    let tag = format!("object {}\ntype commit\ntag t\ntagger t <t@example.org> 1 +0000\n\nt\n", ids[0]);
    let tag = repo.write("tag", tag.as_bytes());
    let nested = format!("object {tag}\ntype tag\ntag n\ntagger t <t@example.org> 1 +0000\n\nn\n");
    let nested = repo.write("tag", nested.as_bytes());
    let files = !storage.reftable;
    for round in 0..6 {
        for step in 0..2 {
            let mut commands = String::new();
            for name in NAMES {
                let value = match random.below(6) {
                    0 if name.starts_with("refs/tags/") => tag,
                    1 if name.starts_with("refs/tags/") => nested,
                    _ => *random.pick(&ids),
                };
                match random.below(if step == 0 { 3 } else { 5 }) {
                    0 => writeln!(commands, "update {name} {value}").unwrap(),
                    1 if *name != "refs/tags/v1.0/x" && *name != "refs/tags/v1.0" => writeln!(commands, "delete {name}").unwrap(),
                    _ => {}
                }
            }
            // One of the two may be there at a time.
            let commands: String =
                commands.lines().filter(|line| !line.contains("v1.0/x")).map(|line| format!("{line}\n")).collect();
            repo.bytes(&["update-ref", "--stdin"], commands.as_bytes());
            compare_refs(&repo, &BTreeMap::new(), &format!("seed {seed} round {round} step {step}"));
            if step == 0 {
                repo.git(&["pack-refs", "--all"]);
                compare_refs(&repo, &BTreeMap::new(), &format!("seed {seed} round {round} packed"));
            }
        }
        if files && round % 2 == 1 {
            // As old versions of git wrote it: in no order, each with what it peels to.
            let path = repo.dir.join("packed-refs");
            let text = fs::read_to_string(&path).unwrap();
            let mut groups: Vec<String> = Vec::new();
            for line in text.lines().skip(1) {
                match groups.last_mut() {
                    Some(group) if line.starts_with('^') => writeln!(group, "{line}").unwrap(),
                    _ => groups.push(format!("{line}\n")),
                }
            }
            for index in (1..groups.len()).rev() {
                groups.swap(index, random.below(index + 1));
            }
            fs::write(&path, format!("# pack-refs with: peeled \n{}", groups.concat())).unwrap();
            compare_refs(&repo, &BTreeMap::new(), &format!("seed {seed} round {round} unsorted"));
        }
    }
    // Symbolic refs: an alias, one of an alias, one that points at nothing.
    repo.git(&["update-ref", "refs/heads/main", &ids[1].to_string()]);
    let mut symbolic = BTreeMap::new();
    for (name, target) in [
        ("refs/heads/alias", "refs/heads/main"),
        ("refs/tags/alias", "refs/heads/alias"),
        ("refs/heads/b/alias", "refs/heads/nowhere"),
    ] {
        repo.git(&["symbolic-ref", name, target]);
        symbolic.insert(name.to_owned(), target.to_owned());
        compare_refs(&repo, &symbolic, &format!("seed {seed} {name}"));
    }
    repo.git(&["pack-refs", "--all"]);
    compare_refs(&repo, &symbolic, &format!("seed {seed} packed aliases"));
}

#[test]
fn refs_are_gits_files() {
    (1..=3).for_each(|seed| refs_are_gits(Storage::default(), seed));
}

#[test]
fn refs_are_gits_sha256_files() {
    refs_are_gits(Storage { sha256: true, reftable: false }, 4);
}

#[test]
fn refs_are_gits_reftable() {
    refs_are_gits(Storage { sha256: false, reftable: true }, 5);
}

#[test]
fn a_large_packed_refs_is_searched_exactly() {
    let repo = Repo::new();
    let mut ids = Vec::new();
    repo.import(&plan(&mut Random(7), 2, Clock::Sane, 1), 0..2, &mut ids, None);
    let tag =
        repo.write("tag", format!("object {}\ntype commit\ntag t\ntagger t <t@example.org> 1 +0000\n\nt\n", ids[0]).as_bytes());
    let mut commands = String::new();
    for number in 0..1500 {
        let long = "x".repeat(number % 700 / 10 * (number % 3));
        writeln!(commands, "create refs/tags/{number}{long} {}", if number % 4 == 0 { tag } else { ids[number % 2] }).unwrap();
    }
    repo.bytes(&["update-ref", "--stdin"], commands.as_bytes());
    repo.git(&["pack-refs", "--all", "--prune"]);
    let refs = repo.refs();
    let expected = listed(&repo);
    assert!(expected.len() >= 1500);
    for (name, id) in &expected {
        let parsed = RefName::parse(name.as_bytes()).unwrap();
        assert_eq!(refs.resolve(&parsed).unwrap().1, Some(*id), "{name}");
        for other in [format!("{name}0"), format!("{name}!"), format!("{name}~").replace('~', "\u{7e}z")] {
            if let Ok(parsed) = RefName::parse(other.as_bytes()) {
                assert_eq!(refs.resolve(&parsed).unwrap().1, expected.get(&other).copied(), "{other}");
            }
        }
    }
    assert_eq!(refs.list(b"refs/").unwrap().len(), expected.len());
    assert_eq!(refs.list(b"refs/tags/1").unwrap().len(), expected.keys().filter(|name| name.starts_with("refs/tags/1")).count());
}

// Names and commits.

#[test]
fn full_names_are_those_that_git_takes() {
    let random = &mut Random(11);
    let repo = Repo::new();
    let pieces: &[&[u8]] = &[
        b"a",
        b"b",
        b"/",
        b"/",
        b".",
        b"..",
        b".lock",
        b"@",
        b"@{",
        b"{",
        b"-",
        b"~",
        b"^",
        b":",
        b"?",
        b"*",
        b"[",
        b"]",
        b"\\",
        b" ",
        b"\x7f",
        b"\x1f",
        b"\x01",
        b"\t",
        b"\xff",
        b"\xc3\xa9",
        b"//",
        b"/.",
        b"lock",
        b"HEAD",
        b"refs/",
        b"heads/",
    ];
    let mut both = [0, 0];
    for round in 0..900 {
        let mut name = match round % 5 {
            0 => b"refs/".to_vec(),
            1 => b"refs/heads".to_vec(),
            _ => b"refs/heads/".to_vec(),
        };
        for _ in 0..1 + random.below(5) {
            if random.percent(40) {
                name.push(b"abcxyz019_"[random.below(10)]);
            } else {
                name.extend_from_slice(pieces[random.below(pieces.len())]);
            }
        }
        let (code, _) = repo.run(&[OsStr::new("check-ref-format"), OsStr::from_bytes(&name)], b"", None);
        let takes = code == Some(0);
        // `refs/` alone is what git takes for nothing; every other name that it takes is one.
        assert_eq!(RefName::parse(&name).is_ok(), takes, "{:?}", String::from_utf8_lossy(&name));
        both[usize::from(takes)] += 1;
    }
    assert!(both.iter().all(|&count| count > 150), "{both:?}");
    for short in [&b"main"[..], b"HEAD", b"heads/main", b"Refs/heads/main", b"", b"refs", b"refs/"] {
        assert!(RefName::parse(short).is_err());
    }
}

#[test]
fn commits_are_read_as_git_reads_them() {
    let random = &mut Random(13);
    let repo = Repo::new();
    let tree = repo.write("tree", b"");
    let mut ids = Vec::new();
    repo.import(&plan(random, 5, Clock::Sane, 2), 0..5, &mut ids, None);
    let identities = [
        "A U Thor <author@example.org>",
        "A <a> <b@c>",
        "<>",
        " <x@y>",
        "name<x@y>",
        "name <x@y> trailing <z>",
        "name <<x@y>>",
        "name <x y>",
        "name < x@y >",
        "> name <x@y>",
        "\u{202e}name <\u{202e}x@y>",
        "a\tb <\tx>",
        "name <x\\@\"y\">",
    ];
    let mut commits = Vec::new();
    for _ in 0..150 {
        let mut raw = format!("tree {tree}\n");
        let parents: Vec<Oid> = (0..random.below(4)).map(|_| *random.pick(&ids)).collect();
        for parent in &parents {
            writeln!(raw, "parent {parent}").unwrap();
        }
        for who in ["author", "committer"] {
            let time = *random.pick(&["0 +0000", "1700000000 +0100", "4102444800 -1200", "12 +99999", " 7 +0000"]);
            writeln!(raw, "{who} {} {time}", random.pick(&identities)).unwrap();
        }
        if random.percent(30) {
            raw.push_str("gpgsig -----BEGIN\n \n author X <evil@example.org> 1 +0000\n parent 0\n");
        }
        if random.percent(30) {
            raw.push_str("mergetag object x\n tree y\n");
        }
        raw.push_str("\nauthor Y <other@example.org> 2 +0000\n");
        commits.push((repo.write("commit", raw.as_bytes()), raw));
    }
    for (id, raw) in commits {
        let shown = repo.bytes(&["log", "-1", "-z", "--format=%ae%n%ce%n%ct%n%P%n%T", &id.to_string()], b"");
        let shown = String::from_utf8(shown).unwrap();
        let fields: Vec<&str> = shown.trim_end_matches('\0').split('\n').collect();
        let commit = Commit::parse(id, raw.as_bytes()).unwrap();
        let text = commit.shown().unwrap();
        assert_eq!(String::from_utf8_lossy(text.author_email().unwrap()), fields[0], "{raw}");
        assert_eq!(String::from_utf8_lossy(text.committer_email().unwrap()), fields[1], "{raw}");
        assert_eq!(commit.committer_time.to_string(), fields[2], "{raw}");
        let parents: Vec<String> = commit.parents.iter().map(Oid::to_string).collect();
        assert_eq!(parents.join(" "), fields[3], "{raw}");
        assert_eq!(commit.tree.to_string(), fields[4]);
        assert_eq!(text.message(), b"author Y <other@example.org> 2 +0000\n");
    }
}
