//! What a server has and what is pushed to it, as data: read from a case's TOML, built by `git fast-import`.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;

use serde::Deserialize;

use super::{Server, Storage, Work};

/// One commit. Its tree is its first parent's, or that of `tree_of`, with the changes below.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    pub name: String,
    #[serde(default)]
    pub parents: Vec<String>,
    /// Begin with this commit's tree instead of the first parent's.
    pub tree_of: Option<String>,
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    #[serde(default)]
    pub executables: BTreeMap<String, String>,
    #[serde(default)]
    pub symlinks: BTreeMap<String, String>,
    /// Paths of submodules, at some commit.
    #[serde(default)]
    pub gitlinks: Vec<String>,
    #[serde(default)]
    pub deletes: Vec<String>,
    /// Files of this many bytes.
    #[serde(default)]
    pub sizes: BTreeMap<String, usize>,
    pub message: Option<String>,
    pub author: Option<String>,
    pub committer: Option<String>,
    /// Seconds since 1970; else one minute after the commit before it in the file.
    pub time: Option<i64>,
}

/// An annotated tag of anything that was named before, another tag too.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    pub name: String,
    pub target: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    pub commits: Vec<Commit>,
    pub tags: Vec<Tag>,
    pub refs: BTreeMap<String, String>,
    pub symbolic: BTreeMap<String, String>,
    /// What `HEAD` names; a commit's name detaches it.
    pub head: Option<String>,
    pub config: BTreeMap<String, String>,
    pub reftable: bool,
    pub sha256: bool,
    pub packed: bool,
    /// What `refwarden.policyRef` and `refwarden.policyPath` say; the policy's file is then not written.
    pub policy_in: Option<(String, String)>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    pub actor: String,
    #[serde(default)]
    pub commits: Vec<Commit>,
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Ref and value, in the order in which git is told; no value deletes.
    pub updates: Vec<(String, String)>,
    #[serde(default)]
    pub arguments: Vec<String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    File(Vec<u8>),
    Executable(Vec<u8>),
    Symlink(Vec<u8>),
    Gitlink,
}

type Tree = BTreeMap<Vec<u8>, Entry>;

/// `\xNN` stands for a byte, so that names need not be UTF-8; `{250}` for that many `n`.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hex = rest.strip_prefix("\\x").and_then(|rest| rest.get(..2)).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let run = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).and_then(|(n, _)| n.parse::<usize>().ok());
        if let Some(byte) = hex {
            all.push(byte);
            rest = &rest[4..];
        } else if let Some(run) = run {
            all.extend(std::iter::repeat_n(b'n', run));
            rest = &rest[rest.find('}').unwrap() + 1..];
        } else {
            all.extend(first.to_string().as_bytes());
            rest = &rest[first.len_utf8()..];
        }
    }
    all
}

fn put(tree: &mut Tree, path: &str, entry: Entry) {
    let path = bytes(path);
    remove(tree, &path);
    // A file in the place of a folder above is gone too.
    for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        tree.remove(&path[..at]);
    }
    tree.insert(path, entry);
}

fn remove(tree: &mut Tree, path: &[u8]) {
    let below = [path, b"/"].concat();
    tree.retain(|name, _| name != path && !name.starts_with(&below));
}

fn quoted(path: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in path {
        write!(text, "\\{byte:03o}").unwrap();
    }
    text + "\""
}

/// Writes objects, and knows them by the names of the file.
#[derive(Debug, Default)]
pub struct Objects {
    stream: Vec<u8>,
    trees: HashMap<String, Tree>,
    marks: HashMap<String, usize>,
    tags: Vec<Tag>,
    time: i64,
    ids: HashMap<String, String>,
}

impl Objects {
    pub fn add(&mut self, commits: &[Commit], tags: &[Tag]) {
        for commit in commits {
            self.commit(commit);
        }
        self.tags.extend_from_slice(tags);
    }

    fn commit(&mut self, commit: &Commit) {
        let from = commit.tree_of.as_ref().or(commit.parents.first());
        let mut tree =
            from.map(|name| self.trees.get(name).unwrap_or_else(|| panic!("no commit `{name}`")).clone()).unwrap_or_default();
        for path in &commit.deletes {
            remove(&mut tree, &bytes(path));
        }
        for (path, text) in &commit.files {
            put(&mut tree, path, Entry::File(text.clone().into_bytes()));
        }
        for (path, size) in &commit.sizes {
            put(&mut tree, path, Entry::File(vec![b'x'; *size]));
        }
        for (path, text) in &commit.executables {
            put(&mut tree, path, Entry::Executable(text.clone().into_bytes()));
        }
        for (path, target) in &commit.symlinks {
            put(&mut tree, path, Entry::Symlink(target.clone().into_bytes()));
        }
        for path in &commit.gitlinks {
            put(&mut tree, path, Entry::Gitlink);
        }
        let mark = self.marks.len() + 1;
        assert!(self.marks.insert(commit.name.clone(), mark).is_none(), "`{}` twice", commit.name);
        self.time = commit.time.unwrap_or(self.time.max(1_700_000_000) + 60);
        let who =
            |email: &Option<String>| format!("someone <{}> {} +0000", email.as_deref().unwrap_or("dev@example.org"), self.time);
        let mut text = format!(
            "commit refs/build/{mark}\nmark :{mark}\nauthor {}\ncommitter {}\n",
            who(&commit.author),
            who(&commit.committer)
        );
        let message = commit.message.clone().unwrap_or_else(|| commit.name.clone());
        write!(text, "data {}\n{message}\n", message.len()).unwrap();
        for (index, parent) in commit.parents.iter().enumerate() {
            writeln!(text, "{} :{}", if index == 0 { "from" } else { "merge" }, self.marks[parent]).unwrap();
        }
        text.push_str("deleteall\n");
        let mut stream = text.into_bytes();
        for (path, entry) in &tree {
            let (mode, content) = match entry {
                Entry::File(content) => ("100644", content),
                Entry::Executable(content) => ("100755", content),
                Entry::Symlink(content) => ("120000", content),
                Entry::Gitlink => {
                    stream.extend_from_slice(format!("M 160000 GITLINK {}\n", quoted(path)).as_bytes());
                    continue;
                }
            };
            stream.extend_from_slice(format!("M {mode} inline {}\ndata {}\n", quoted(path), content.len()).as_bytes());
            stream.extend_from_slice(content);
            stream.push(b'\n');
        }
        stream.push(b'\n');
        // A root commit needs a fresh branch, which every commit has here.
        self.stream.extend_from_slice(&stream);
        self.trees.insert(commit.name.clone(), tree);
    }

    /// Writes everything so far into a repository.
    pub fn write(&mut self, work: &Work) {
        let digits = work.git(["hash-object", "-t", "tree", "/dev/null"]).len();
        let stream = replace(&self.stream, b"GITLINK", "7".repeat(digits).as_bytes());
        let marks = work.dir.join("marks");
        work.git_with(&["fast-import", "--quiet", "--force", &format!("--export-marks={}", marks.display())], &stream);
        let text = fs::read_to_string(&marks).unwrap_or_default();
        let by_mark: HashMap<usize, String> = text
            .lines()
            .filter_map(|line| line.strip_prefix(':')?.split_once(' '))
            .map(|(mark, id)| (mark.parse().unwrap(), id.to_owned()))
            .collect();
        for (name, mark) in &self.marks {
            self.ids.insert(name.clone(), by_mark[mark].clone());
        }
        for tag in &self.tags {
            let target = self.id(work, &tag.target);
            let kind = work.git(["cat-file", "-t", &target]);
            let text =
                format!("object {target}\ntype {kind}\ntag {}\ntagger t <t@example.org> 1700000000 +0000\n\ntag\n", tag.name);
            let id = work.git_with(&["mktag"], text.as_bytes());
            self.ids.insert(tag.name.clone(), id);
        }
        // Only by id from here on, as a client has it.
        let mut deletes = String::new();
        for mark in self.marks.values() {
            writeln!(deletes, "delete refs/build/{mark}").unwrap();
        }
        work.git_with(&["update-ref", "--stdin"], deletes.as_bytes());
    }

    /// The id of a name, or of what is written behind it: `base^{tree}`, `base:path`.
    pub fn id(&self, work: &Work, name: &str) -> String {
        if let Some(id) = self.ids.get(name) {
            return id.clone();
        }
        let at = name.find(['^', ':', '~']).unwrap_or_else(|| panic!("nothing is named `{name}`"));
        work.id(&format!("{}{}", self.ids[&name[..at]], &name[at..]))
    }

    /// The name of an id, if it has one.
    pub fn name(&self, id: &str) -> Option<&str> {
        self.ids.iter().find(|(_, known)| *known == id).map(|(name, _)| name.as_str())
    }
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        all.extend_from_slice(&rest[..at]);
        all.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    all.extend_from_slice(rest);
    all
}

/// A server in a state, and a client that has what it will push.
pub struct Scene {
    pub server: Server,
    pub work: Work,
    pub objects: Objects,
}

impl Scene {
    pub fn new(policy: &str, state: &State, pushes: &[&Push]) -> Scene {
        let server = Server::stored(policy, Storage { sha256: state.sha256, reftable: state.reftable });
        let here = Work { dir: server.dir.clone(), home: server.folder.path().into() };
        let mut objects = Objects::default();
        objects.add(&state.commits, &state.tags);
        objects.write(&here);
        fs::remove_file(server.dir.join("marks")).unwrap();
        let mut refs = String::new();
        for (name, value) in &state.refs {
            writeln!(refs, "create {name} {}", objects.id(&here, value)).unwrap();
        }
        here.git_with(&["update-ref", "--stdin"], refs.as_bytes());
        if state.packed {
            server.git(["pack-refs", "--all"]);
        }
        for (name, target) in &state.symbolic {
            server.git(["symbolic-ref", name, target]);
        }
        match state.head.as_deref() {
            Some(name) if name.starts_with("refs/") => {
                server.git(["symbolic-ref", "HEAD", name]);
            }
            Some(commit) => {
                server.git(["update-ref", "--no-deref", "HEAD", &objects.id(&here, commit)]);
            }
            None => {}
        }
        for (key, value) in &state.config {
            server.git(["config", key, value]);
        }
        if let Some((name, path)) = &state.policy_in {
            fs::remove_file(server.dir.join("refwarden.toml")).unwrap();
            server.git(["config", "refwarden.policyRef", name]);
            server.git(["config", "refwarden.policyPath", path]);
        }
        let work = server.work();
        for push in pushes {
            objects.add(&push.commits, &push.tags);
        }
        objects.write(&work);
        Scene { server, work, objects }
    }

    pub fn push(&self, push: &Push, more: &[&str]) -> super::Pushed {
        let mut arguments: Vec<OsString> = push.arguments.iter().map(OsString::from).collect();
        arguments.extend(more.iter().map(OsString::from));
        for (name, value) in &push.updates {
            let mut spec = match value.as_str() {
                "" => String::new(),
                value => format!("+{}", self.objects.id(&self.work, value)),
            }
            .into_bytes();
            spec.push(b':');
            spec.extend(bytes(name));
            arguments.push(OsString::from_vec(spec));
        }
        let environment: Vec<(&str, &str)> = std::iter::once(("REFWARDEN_ACTOR", push.actor.as_str()))
            .chain(push.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .collect();
        self.work.push_with(&arguments, &environment)
    }
}

/// Every TOML file below a folder of fixtures, with its path below it.
pub fn fixtures(folder: &str) -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                let name = path.strip_prefix(&root).unwrap().with_extension("").display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Does this to every fixture, on both cores, and reports every failure at once.
pub fn for_all(folder: &str, check: impl Fn(&str, &str) + Sync) -> Vec<String> {
    let found = fixtures(folder);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((name, text)) = found.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(name, text)));
                    if let Err(panic) = result {
                        let why = panic
                            .downcast_ref::<String>()
                            .cloned()
                            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                        failures.lock().unwrap().push(format!("--- {folder}/{name}:\n{}", why.unwrap_or_default()));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(failures.is_empty(), "{} of {} failed\n{}", failures.len(), found.len(), failures.join("\n"));
    found.into_iter().map(|(name, _)| name).collect()
}
