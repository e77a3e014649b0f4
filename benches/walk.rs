//! Which paths each commit changes: git's own pipe of two processes against ours, with every path asked for, and with a rule
//! whose literal prefix prunes the rest; what the commits of a push touch, merges as a rule sees them, against
//! `git log -m --raw`; and the net change of one file in a tree of many paths.
//!
//! `-- --repo DIR` takes a real repository's `HEAD` instead of the generated history.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[allow(dead_code, unreachable_pub, missing_docs, reason = "each benchmark uses a part of it")]
mod support;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use refwarden::git::pattern::{Pattern, PatternSet};
use refwarden::git::{FileChange, FileEntry, ObjectFormat, Oid};
use refwarden::policy::Budget;
use refwarden::push::Undecided;
use refwarden::receive::graph::{Entering, merge_bases};
use refwarden::receive::merge_diff::{self, merge_diff};
use refwarden::receive::objects::Objects;
use refwarden::receive::tree_diff::{Visitor, diff};
use serde_json::{Value, json};
use support::{Arguments, Bare, Numbers, RESTRICTED, Stream, median, milliseconds, paired, path, shown, table};

const NO_LIMIT: Budget = Budget { time: Duration::MAX, commits: u64::MAX, paths: u64::MAX, blob_bytes: u64::MAX };

/// Where a walk goes.
#[derive(Clone, Copy)]
enum Scope<'p> {
    Everything,
    Patterns(&'p PatternSet),
}

/// Counts what differs.
struct Count<'p> {
    scope: Scope<'p>,
    paths: u64,
}

impl Visitor for Count<'_> {
    fn enters(&self, folder: &[u8]) -> bool {
        match self.scope {
            Scope::Everything => true,
            Scope::Patterns(patterns) => patterns.may_match_below(folder),
        }
    }

    fn differs(&mut self, path: &[u8], _: Option<FileEntry>, _: Option<FileEntry>) -> Result<(), Undecided> {
        let counts = match self.scope {
            Scope::Everything => true,
            Scope::Patterns(patterns) => patterns.matches_widely(path).map_err(|error| Undecided::new(error.to_string()))?,
        };
        self.paths += u64::from(counts);
        Ok(())
    }
}

/// Counts what a merge touches.
struct CountMerge<'p, 'o> {
    count: Count<'p>,
    objects: &'o Objects,
    parents: &'o [Oid],
}

impl merge_diff::Visitor for CountMerge<'_, '_> {
    fn enters(&self, folder: &[u8]) -> bool {
        self.count.enters(folder)
    }

    fn matters(&mut self, change: &mut FileChange) -> Result<bool, Undecided> {
        let before = self.count.paths;
        self.count.differs(&change.path, None, None)?;
        Ok(std::mem::replace(&mut self.count.paths, before) > before)
    }

    fn touches(&mut self, _: FileChange) -> Result<(), Undecided> {
        self.count.paths += 1;
        Ok(())
    }

    fn bases(&mut self, first: usize, second: usize) -> Result<Vec<Oid>, Undecided> {
        merge_bases(self.objects, self.parents[first], self.parents[second])?
            .into_iter()
            .map(|base| Ok(self.objects.node(base)?.tree))
            .collect()
    }
}

/// What the commits that one commit has and an older one has not touch: commits and paths.
fn push(objects: &Objects, old: Option<Oid>, new: Oid, scope: Scope<'_>) -> (u64, u64) {
    let mut walk = Entering::from(objects, new).unwrap();
    if let Some(old) = old {
        walk.hide(old).unwrap();
    }
    walk.run().unwrap();
    let commits = walk.commits();
    let mut paths = 0;
    for &id in &commits {
        let node = objects.node(id).unwrap();
        let trees: Vec<Oid> = node.parents.iter().map(|&parent| objects.node(parent).unwrap().tree).collect();
        let mut count = Count { scope, paths: 0 };
        paths += if let [_, _, ..] = trees.as_slice() {
            let mut merge = CountMerge { count, objects, parents: &node.parents };
            merge_diff(objects, node.tree, &trees, &mut merge).unwrap();
            merge.count.paths
        } else {
            diff(objects, trees.first().copied(), Some(node.tree), &mut count).unwrap();
            count.paths
        };
    }
    (commits.len() as u64, paths)
}

/// Pushes of so many first parents, and of the whole history.
fn pushes(arguments: &Arguments, repository: &Bare, head: Oid, patterns: &PatternSet, results: &mut Vec<Value>) {
    let format = head.format();
    let length: u64 = repository.git(&["rev-list", "--count", "--first-parent", "HEAD"], b"").parse().unwrap();
    let mut rows = Vec::new();
    let sizes = [250, 1000, 4000].into_iter().filter(|&size| size < length).map(Some).chain([None]);
    for size in sizes.take(if arguments.quick { 2 } else { 4 }) {
        let range = size.map_or_else(|| "HEAD".to_owned(), |size| format!("HEAD~{size}..HEAD"));
        let old = size.map(|size| Oid::from_hex(repository.id(&format!("HEAD~{size}^{{commit}}")).as_bytes(), format).unwrap());
        let git = milliseconds(|| {
            let mut log = repository.command();
            assert!(log.args(["log", "-m", "--raw", &range]).stdout(Stdio::null()).status().unwrap().success());
        });
        let mut row = vec![range.clone()];
        let mut commits = 0;
        let mut ratios = Vec::new();
        for scope in [Scope::Patterns(patterns), Scope::Everything] {
            let time = milliseconds(|| commits = push(&open_again(repository, format), old, head, scope).0);
            row.push(shown(Some(time), 0));
            row.push(shown(Some(time / git), 2));
            ratios.push(time / git);
        }
        row.insert(1, commits.to_string());
        row.insert(2, shown(Some(git), 0));
        results.push(json!({ "push": range, "commits": commits, "git_ms": git, "ratios_to_git": ratios }));
        rows.push(row);
    }
    let columns =
        ["", "commits", "git log -m --raw, ms", "ours, one literal prefix, ms", "ratio", "ours, every path, ms", "ratio"];
    table("what the commits of a push touch", &columns, &rows);
}

fn open(repository: &Bare) -> Objects {
    let format = match repository.git(&["rev-parse", "--show-object-format"], b"").as_str() {
        "sha256" => ObjectFormat::Sha256,
        _ => ObjectFormat::Sha1,
    };
    let common = repository.git(&["rev-parse", "--path-format=absolute", "--git-common-dir"], b"");
    Objects::open(Path::new(&common), None, format, NO_LIMIT).unwrap()
}

/// Every commit against each parent: commits and paths.
fn ours(objects: &Objects, head: Oid, scope: Scope<'_>) -> (u64, u64) {
    let mut walk = Entering::from(objects, head).unwrap();
    walk.run().unwrap();
    let commits = walk.commits();
    let mut count = Count { scope, paths: 0 };
    for &id in &commits {
        let node = objects.node(id).unwrap();
        if node.parents.is_empty() {
            diff(objects, None, Some(node.tree), &mut count).unwrap();
        }
        for &parent in &node.parents {
            let parent = objects.node(parent).unwrap().tree;
            diff(objects, Some(parent), Some(node.tree), &mut count).unwrap();
        }
    }
    (commits.len() as u64, count.paths)
}

/// The same by `git rev-list | git diff-tree`.
fn gits(repository: &Bare, paths: &[&str]) -> u64 {
    let mut list = repository.command();
    let mut list = list.args(["rev-list", "HEAD"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut tree = repository.command();
    tree.args(["diff-tree", "--stdin", "-r", "-m", "--root", "--no-commit-id", "--no-renames", "--"]).args(paths);
    let output = tree.stdin(list.stdout.take().unwrap()).output().unwrap();
    assert!(list.wait().unwrap().success() && output.status.success());
    memchr::memchr_iter(b'\n', &output.stdout).count() as u64
}

fn main() {
    let Some(arguments) = Arguments::read() else { return };
    let folder = tempfile::tempdir().unwrap();
    support::introduce("walk", folder.path());
    let mut results = Vec::new();
    history(&arguments, folder.path(), &mut results);
    net_change(&arguments, folder.path(), &mut results);
    arguments.write_json("walk", &Value::Array(results));
}

fn history(arguments: &Arguments, folder: &Path, results: &mut Vec<Value>) {
    let repository = match &arguments.repository {
        Some(dir) => {
            let git_dir = dir.join(".git");
            Bare { dir: if git_dir.exists() { git_dir } else { dir.clone() } }
        }
        None => {
            let repository = Bare::init(folder.join("history.git"));
            let mut stream = Stream::default();
            stream.history("refs/heads/main", 2000, 5000, &mut Numbers::new(2));
            // Now and then a path that the rule is about, so that its answer is not empty.
            for number in 0..10 {
                stream.commit("refs/heads/main", &format!("fix: the workflow {number}"), None);
                stream.file(&format!("{RESTRICTED}/ci.yml"), &format!("on: push {number}\n"));
            }
            repository.import(&stream);
            repository.git(&["repack", "-adfq"], b"");
            repository
        }
    };
    let format = open(&repository).format();
    let head = Oid::from_hex(repository.id("HEAD^{commit}").as_bytes(), format).unwrap();
    let patterns = PatternSet::new(vec![Pattern::parse(&format!("{RESTRICTED}/**/*")).unwrap()]);

    let rounds = if arguments.quick { 3 } else { 9 };
    let mut times: [Vec<Option<f64>>; 4] = Default::default();
    let mut counts = [0; 4];
    let mut commits = 0;
    for round in 0..=rounds {
        for at in (0..4).map(|at| (at + round) % 4) {
            let time = milliseconds(|| match at {
                0 => counts[0] = gits(&repository, &[]),
                1 => (commits, counts[1]) = ours(&open_again(&repository, format), head, Scope::Everything),
                2 => counts[2] = gits(&repository, &[RESTRICTED]),
                _ => (commits, counts[3]) = ours(&open_again(&repository, format), head, Scope::Patterns(&patterns)),
            });
            if round > 0 {
                times[at].push(Some(time));
            }
        }
    }
    let names =
        ["git rev-list | git diff-tree --stdin -r", "ours, every path", "git, one literal path", "ours, one literal prefix"];
    let mut rows = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let time = median(&times[at].iter().copied().flatten().collect::<Vec<_>>());
        let ratio = paired(&times[at], &times[0], |ours, git| ours / git);
        rows.push(vec![(*name).to_owned(), shown(time, 1), shown(ratio, 2), counts[at].to_string()]);
        results.push(json!({ "walk": name, "commits": commits, "ms": time, "ratio_to_git": ratio, "paths": counts[at] }));
    }
    let title = format!("changed paths of {commits} commits, against every parent");
    table(&title, &["", "ms", "ratio", "paths"], &rows);
    pushes(arguments, &repository, head, &patterns, results);
    for (git, ours) in [(0, 1), (2, 3)] {
        if counts[git] != counts[ours] {
            println!("note: `{}` and `{}` do not count the same paths\n", names[git], names[ours]);
        }
    }
}

/// Opens the objects without what is known of the repository already, as the hook does in one process.
fn open_again(repository: &Bare, format: ObjectFormat) -> Objects {
    Objects::open(&repository.dir, None, format, NO_LIMIT).unwrap()
}

/// One file changed in a tree of many paths: what a push of it costs, wherever it lies.
fn net_change(arguments: &Arguments, folder: &Path, results: &mut Vec<Value>) {
    let files = if arguments.quick { 50_000 } else { 200_000 };
    let repository = Bare::init(folder.join("wide.git"));
    let mut stream = Stream::default();
    stream.commit("refs/heads/main", "feat: begin", None);
    for number in 0..files {
        stream.file(&path(number), "x\n");
    }
    stream.commit("refs/heads/main", "feat: go on", None);
    stream.file(&path(files / 2), "y\n");
    repository.import(&stream);
    let tree = |revision: &str| Oid::from_hex(repository.id(revision).as_bytes(), ObjectFormat::Sha1).unwrap();
    let (old, new) = (tree("main~1^{tree}"), tree("main^{tree}"));
    let their = |id: Oid| git2::Oid::from_bytes(id.as_bytes()).unwrap();

    let rounds = if arguments.quick { 5 } else { 21 };
    let mut times: [Vec<Option<f64>>; 3] = Default::default();
    let mut counts = [0; 3];
    for round in 0..=rounds {
        for at in (0..3).map(|at| (at + round) % 3) {
            let time = milliseconds(|| match at {
                0 => {
                    let listed = repository.git(&["diff-tree", "-r", &old.to_string(), &new.to_string()], b"");
                    counts[0] = listed.lines().count() as u64;
                }
                1 => {
                    let objects = open_again(&repository, ObjectFormat::Sha1);
                    let mut count = Count { scope: Scope::Everything, paths: 0 };
                    diff(&objects, Some(old), Some(new), &mut count).unwrap();
                    counts[1] = count.paths;
                }
                _ => {
                    let theirs = git2::Repository::open(&repository.dir).unwrap();
                    let tree = |id| theirs.find_tree(their(id)).unwrap();
                    let diff = theirs.diff_tree_to_tree(Some(&tree(old)), Some(&tree(new)), None).unwrap();
                    counts[2] = diff.deltas().len() as u64;
                }
            });
            if round > 0 {
                times[at].push(Some(time));
            }
        }
    }
    let names = ["git diff-tree -r, a process", "ours, database opened anew", "libgit2's own diff, repository opened anew"];
    let mut rows = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let time = median(&times[at].iter().copied().flatten().collect::<Vec<_>>());
        rows.push(vec![(*name).to_owned(), shown(time, 3), counts[at].to_string()]);
        results.push(json!({ "net_change": name, "files": files, "ms": time, "paths": counts[at] }));
    }
    table(&format!("net change of one file among {files}"), &["", "ms", "paths"], &rows);
}
