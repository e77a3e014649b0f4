//! Facts as git's own commands tell them: `rev-list`, `merge-base`, `diff-tree`, `ls-tree`, `cat-file`. Slow and simple.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use refwarden::git::{Change, Commit, FileChange, FileEntry, Mode, ObjectFormat, Oid, RefName, RefUpdate};
use refwarden::policy::DefaultBranch;
use refwarden::push::{EnteringCommit, Fact, NewValue, PushTotals, UpdateFacts};
use refwarden::rules::Target;
use refwarden::verdict::{Context, PushedUpdate, Selected};

use crate::support::clean;
use crate::support::scenario::{Push, Scene, State, bytes};

/// What is known about the push before any object is looked at.
pub struct Seen {
    pub context: Context,
    pub updates: Vec<PushedUpdate>,
    held: Vec<Option<String>>,
    refs: BTreeMap<RefName, String>,
    default: Option<String>,
}

fn ref_name(text: &str) -> RefName {
    RefName::parse(&bytes(text)).expect("a ref's name")
}

fn git(scene: &Scene, arguments: &[&str]) -> String {
    scene.work.git(arguments)
}

/// As [`git`], for what may fail by an answer of "none".
fn git_lines(scene: &Scene, arguments: &[&str]) -> Vec<String> {
    let output = clean("git", &scene.work.home).current_dir(&scene.work.dir).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn oid(text: &str) -> Oid {
    let format = if text.len() == 64 { ObjectFormat::Sha256 } else { ObjectFormat::Sha1 };
    Oid::from_hex(text.as_bytes(), format).expect("an id")
}

fn commit_of(scene: &Scene, id: &str) -> Option<String> {
    git_lines(scene, &["rev-parse", "--verify", "--quiet", &format!("{id}^{{commit}}")]).pop()
}

/// The names from this one to where it ends.
fn chain(state: &State, name: &str) -> Vec<String> {
    let mut chain = vec![name.to_owned()];
    while let Some(next) = state.symbolic.get(chain.last().unwrap()) {
        chain.push(next.clone());
    }
    chain
}

pub fn see(scene: &Scene, state: &State, push: &Push) -> Seen {
    let value = |name: &str| state.refs.get(name).map(|value| scene.objects.id(&scene.work, value));
    let head = state.head.clone().unwrap_or_else(|| "refs/heads/main".to_owned());
    let branches = state.refs.keys().any(|name| name.starts_with("refs/heads/"));
    let default_value = value(chain(state, &head).last().unwrap());
    let default_branch = match (head.starts_with("refs/heads/"), &default_value, branches) {
        (false, ..) => DefaultBranch::Unnamed,
        (true, Some(_), _) => DefaultBranch::Exists(ref_name(&head)),
        (true, None, true) => DefaultBranch::Missing(ref_name(&head)),
        (true, None, false) => DefaultBranch::NoBranches(ref_name(&head)),
    };
    let default = if matches!(default_branch, DefaultBranch::Exists(_)) { default_value } else { None };
    let mut refs = BTreeMap::new();
    for name in state.refs.keys().chain(state.symbolic.keys()) {
        if let Some(id) = value(chain(state, name).last().unwrap()) {
            refs.insert(ref_name(name), id);
        }
    }
    let ends: Vec<String> = push.updates.iter().map(|(name, _)| chain(state, name).pop().unwrap()).collect();
    let mut updates = Vec::new();
    let mut held = Vec::new();
    for ((name, new), end) in push.updates.iter().zip(&ends) {
        let old = value(end);
        let reached = chain(state, name);
        let aliases = state.symbolic.keys().filter(|alias| chain(state, alias).last() == Some(end) && !reached.contains(alias));
        let change = match (&old, new.as_str()) {
            (old, "") => Change::Delete { old: old.as_deref().map(oid) },
            (None, new) => Change::Create { new: oid(&scene.objects.id(&scene.work, new)) },
            (Some(old), new) => Change::Update { old: oid(old), new: oid(&scene.objects.id(&scene.work, new)) },
        };
        updates.push(PushedUpdate {
            update: RefUpdate { name: ref_name(name), change },
            aliases: aliases.map(|alias| ref_name(alias)).collect(),
            reached: reached.iter().map(|name| ref_name(name)).collect(),
            rewrite: ends.iter().zip(&push.updates).any(|(other, (_, value))| other == end && value != new),
            merges_pull_request: false,
        });
        held.push(old);
    }
    let context = Context {
        repository: "server".to_owned(),
        served_as: Vec::new(),
        actor: push.actor.clone(),
        now: jiff::Timestamp::now(),
        default_branch,
    };
    Seen { context, updates, held, refs, default }
}

fn mode(text: &str) -> Option<Mode> {
    match text {
        "000000" => None,
        "100644" => Some(Mode::File),
        "100755" => Some(Mode::Executable),
        "120000" => Some(Mode::Symlink),
        "160000" => Some(Mode::Gitlink),
        other => panic!("mode {other}"),
    }
}

type Paths = BTreeMap<Vec<u8>, (Option<FileEntry>, Option<FileEntry>)>;

/// `git diff-tree` of two trees or commits; no old one is the empty tree.
fn diff(scene: &Scene, old: Option<&str>, new: &str) -> Paths {
    let empty = git(scene, &["hash-object", "-w", "-t", "tree", "/dev/null"]);
    let output = clean("git", &scene.work.home)
        .current_dir(&scene.work.dir)
        .args([
            "--no-replace-objects",
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-renames",
            "--no-abbrev",
            old.unwrap_or(&empty),
            new,
        ])
        .output()
        .unwrap();
    assert!(output.status.success());
    let mut fields = output.stdout.split(|byte| *byte == 0);
    let mut paths = Paths::new();
    while let (Some(meta), Some(path)) = (fields.next(), fields.next()) {
        let meta: Vec<&str> = std::str::from_utf8(meta).unwrap().trim_start_matches(':').split(' ').collect();
        let entry = |at: usize| mode(meta[at]).map(|mode| FileEntry { mode, id: oid(meta[at + 2]) });
        let change = paths.entry(path.to_vec()).or_insert((None, None));
        change.0 = change.0.or(entry(0));
        change.1 = change.1.or(entry(1));
    }
    paths
}

fn changes(scene: &Scene, paths: &Paths) -> Vec<FileChange> {
    let size = |entry: FileEntry| git(scene, &["cat-file", "-s", &entry.id.to_string()]).parse().unwrap();
    paths
        .iter()
        .map(|(path, (old, new))| FileChange {
            path: path.clone().into(),
            old: *old,
            new: *new,
            size: new.filter(|entry| entry.mode != Mode::Gitlink).map(size),
        })
        .collect()
}

fn bases(scene: &Scene, first: &str, second: &str) -> Vec<String> {
    git_lines(scene, &["merge-base", "--all", first, second])
}

/// What a commit touches, in the words of the policy's documentation.
fn touches(scene: &Scene, id: &str, parents: &[String]) -> Paths {
    if parents.len() < 2 {
        return diff(scene, parents.first().map(String::as_str), id);
    }
    let against: Vec<Paths> = parents.iter().map(|parent| diff(scene, Some(parent), id)).collect();
    let mut touched = Paths::new();
    for (parent, paths) in parents.iter().zip(&against) {
        for (path, change) in paths {
            // Parents that have the merge's entry, with a merge base that has this parent's.
            let behind = parents.iter().zip(&against).filter(|(_, theirs)| !theirs.contains_key(path)).any(|(other, _)| {
                let found = bases(scene, parent, other);
                let same = |base: Option<&str>| !diff(scene, base, parent).contains_key(path);
                if found.is_empty() { same(None) } else { found.iter().any(|base| same(Some(base))) }
            });
            if !behind {
                touched.entry(path.clone()).or_insert(*change);
            }
        }
    }
    touched
}

/// The facts of a selected ruleset's updates.
pub fn facts(scene: &Scene, seen: &Seen, selected: &Selected<'_>) -> Vec<UpdateFacts> {
    let ruleset = selected.ruleset;
    let covers = |name: &RefName| {
        selected.allowed_refs.matches_exactly(name.as_bytes()).unwrap()
            && (ruleset.target == Target::Push || ruleset.refs.covers(name, &seen.context.default_branch).unwrap())
    };
    let tips: Vec<String> = seen
        .refs
        .iter()
        .filter(|(name, _)| covers(name))
        .filter_map(|(_, id)| commit_of(scene, id))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let covers_default = seen.context.default_branch.existing().is_some_and(&covers);
    let mut all = Vec::new();
    for (index, names, _) in &selected.updates {
        let pushed = &seen.updates[*index];
        let held = seen.held[*index].as_deref();
        let mut facts = UpdateFacts::new(pushed.update.clone());
        facts.names.clone_from(names);
        facts.rewrite = pushed.rewrite;
        facts.landing = Fact::Known(Rc::default());
        facts.entering = Fact::Known(Vec::new());
        if let Some(new) = pushed.update.change.new_value() {
            let new = new.to_string();
            facts.new_value = Fact::Known(match git(scene, &["cat-file", "-t", &new]).as_str() {
                "commit" => NewValue::Commit,
                "tag" => NewValue::Tag,
                "tree" => NewValue::Tree,
                _ => NewValue::Blob,
            });
            let old_commit = held.and_then(|held| commit_of(scene, held));
            let Some(commit) = commit_of(scene, &new) else {
                facts.fast_forward = Fact::Known(held == Some(&*new));
                let whole = if git_lines(scene, &["rev-parse", "--verify", "--quiet", &format!("{new}^{{tree}}")]).is_empty() {
                    let blob = git(scene, &["rev-parse", &format!("{new}^{{blob}}")]);
                    Paths::from([(Vec::new(), (None, Some(FileEntry { mode: Mode::File, id: oid(&blob) })))])
                } else {
                    diff(scene, None, &new)
                };
                facts.landing = Fact::Known(Rc::new(changes(scene, &whole)));
                all.push(facts);
                continue;
            };
            if let Some(old) = &old_commit {
                facts.fast_forward = Fact::Known(bases(scene, old, &commit).contains(old));
            }
            let default = seen.default.as_ref().filter(|_| ruleset.trust_default_branch || covers_default);
            let mut hidden: Vec<&String> = old_commit.iter().chain(default).collect();
            if ruleset.actors.is_everyone() {
                hidden.extend(&tips);
            }
            // Not `--not`: where clocks lie, git ends that walk too early.
            let mut reached = HashSet::new();
            if !hidden.is_empty() {
                let mut arguments = vec!["rev-list"];
                arguments.extend(hidden.iter().map(|id| id.as_str()));
                reached.extend(git_lines(scene, &arguments));
            }
            let mut entering = Vec::new();
            for line in git_lines(scene, &["rev-list", "--parents", &commit]) {
                let mut ids = line.split(' ').map(str::to_owned);
                let id = ids.next().unwrap();
                if reached.contains(&id) {
                    continue;
                }
                let raw = git(scene, &["cat-file", "commit", &id]) + "\n";
                let parents: Vec<String> = ids.collect();
                entering.push(Rc::new(EnteringCommit {
                    commit: Rc::new(Commit::parse(oid(&id), raw.as_bytes()).unwrap()),
                    changes: Fact::Known(changes(scene, &touches(scene, &id, &parents))),
                }));
            }
            facts.entering = Fact::Known(entering);
            let mut landing = Paths::new();
            if held.is_some() {
                landing = diff(scene, old_commit.as_deref(), &commit);
                if let (true, Some(old), Some(default)) = (covers_default, &old_commit, &seen.default) {
                    let found = bases(scene, old, default);
                    let of_default = diff(scene, None, default);
                    let entry = |tree: &Paths, path: &[u8]| tree.get(path).and_then(|(_, new)| *new);
                    let of_bases: Vec<Paths> = found.iter().map(|base| diff(scene, None, base)).collect();
                    landing.retain(|path, (old, new)| {
                        found.is_empty()
                            || entry(&of_default, path) != *new
                            || of_bases.iter().any(|base| entry(base, path) != *old)
                    });
                }
            } else {
                let above: Vec<String> = tips.iter().filter(|tip| bases(scene, tip, &commit).contains(tip)).cloned().collect();
                let from_default = seen.default.as_ref().map(|default| bases(scene, default, &commit)).unwrap_or_default();
                let mut origins = above;
                if origins.is_empty() || covers_default {
                    origins.extend(from_default);
                }
                let newest = match origins.len() {
                    0 => Vec::new(),
                    _ => {
                        let mut arguments = vec!["merge-base", "--independent"];
                        arguments.extend(origins.iter().map(String::as_str));
                        git_lines(scene, &arguments)
                    }
                };
                if newest.is_empty() {
                    landing = diff(scene, None, &commit);
                }
                for origin in newest {
                    for (path, change) in diff(scene, Some(&origin), &commit) {
                        landing.entry(path).or_insert(change);
                    }
                }
            }
            facts.landing = Fact::Known(Rc::new(changes(scene, &landing)));
        }
        all.push(facts);
    }
    let mut commits = HashSet::new();
    let mut paths = HashSet::new();
    for facts in &all {
        commits.extend(facts.entering.get("").unwrap().iter().map(|entering| entering.commit.id));
        paths.extend(facts.changes().unwrap().into_iter().map(|(_, change)| change.path.clone()));
    }
    for facts in &mut all {
        facts.totals = PushTotals { commits: Fact::Known(commits.len() as u64), changed_paths: Fact::Known(paths.len() as u64) };
    }
    all
}
