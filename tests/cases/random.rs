//! Random histories, with clocks that lie: what the gate sees is what git's own commands say.

use std::collections::BTreeMap;

use refwarden::policy::parse::parse;
use refwarden::verdict::{evaluate, fold_decision, select, server_evaluations};
use serde_json::Value;

use super::{from_evaluations, from_json, oracle};
use crate::support::scenario::{Commit, Push, Scene, State};
use crate::support::{HEAD, clean};

/// Xorshift: the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

const RULES: &str = r#"
non_fast_forward = true
required_linear_history = true
commit_message_pattern = { operator = "contains", pattern = "7", negate = true }
file_path_restriction = { restricted_file_paths = ["secret/**/*", "a"] }
file_extension_restriction = { restricted_file_extensions = ["jar"] }
max_changed_paths = { max_changed_paths = 3 }
max_commits = { max_commits = 3 }
"#;

fn policy(random: &mut Random) -> String {
    let mut text = String::new();
    for (name, target, refs) in [
        ("default", "branch", "refs = [\"~DEFAULT_BRANCH\"]\n"),
        ("release", "branch", "refs = [\"release/*\"]\n"),
        ("both", "branch", "refs = [\"~DEFAULT_BRANCH\", \"release/*\"]\n"),
        ("all", "branch", "refs = { include = [\"~ALL\"], exclude = [\"free/*\"] }\n"),
        ("tags", "tag", "refs = [\"~ALL\"]\n"),
        ("push", "push", ""),
    ] {
        if random.one_in(3) {
            continue;
        }
        let actors = if random.one_in(3) { "actors = [\"d*\"]\n" } else { "" };
        let trust = if random.one_in(4) { "trust_default_branch = false\n" } else { "" };
        let rules: String = RULES
            .lines()
            .filter(|line| !line.is_empty() && (target != "push" || !(line.starts_with("non_") || line.starts_with("required_"))))
            .map(|line| format!("{line}\n"))
            .collect();
        text += &format!("[[ruleset]]\nname = \"{name}\"\ntarget = \"{target}\"\n{refs}{actors}{trust}[ruleset.rules]\n{rules}");
    }
    text
}

fn commits(random: &mut Random, prefix: &str, count: usize, names: &mut Vec<String>) -> Vec<Commit> {
    const PATHS: &[&str] = &["a", "b", "secret/x", "secret/y", "x.jar", "lib/y.jar", "docs/z"];
    let mut commits = Vec::new();
    for n in 0..count {
        let name = format!("{prefix}{n}");
        let mut parents: Vec<String> = Vec::new();
        let arms = *random.pick(&[0, 1, 1, 1, 1, 1, 2, 2, 2, 3]);
        for _ in 0..arms.min(names.len()) {
            let recent = names.len().saturating_sub(1 + random.below(4));
            let parent = if random.one_in(3) { random.pick(names).clone() } else { names[recent].clone() };
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        let tree_of = (!names.is_empty() && random.one_in(4)).then(|| match parents.is_empty() {
            false => random.pick(&parents).clone(),
            true => random.pick(names).clone(),
        });
        let mut files = BTreeMap::new();
        let mut symlinks = BTreeMap::new();
        let mut deletes = Vec::new();
        for _ in 0..random.below(3) {
            let path = (*random.pick(PATHS)).to_owned();
            match random.below(8) {
                0 | 1 => deletes.push(path),
                2 => {
                    symlinks.insert((*random.pick(&["a", "secret", "b"])).to_owned(), "docs".to_owned());
                }
                _ => {
                    files.insert(path, random.below(3).to_string());
                }
            }
        }
        commits.push(Commit {
            name: name.clone(),
            parents,
            tree_of,
            files,
            executables: BTreeMap::new(),
            symlinks,
            gitlinks: Vec::new(),
            deletes,
            sizes: BTreeMap::new(),
            message: None,
            author: None,
            committer: None,
            time: random.one_in(2).then(|| i64::try_from(random.below(2_000_000_000)).unwrap()),
        });
        names.push(name);
    }
    commits
}

fn agrees(seed: u64) {
    let random = &mut Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..8 {
        random.below(2);
    }
    let policy_text = policy(random);
    let mut names = Vec::new();
    let mut state = State { commits: commits(random, "s", 12, &mut names), ..State::default() };
    for name in [
        "refs/heads/main",
        "refs/heads/release/1",
        "refs/heads/release/2",
        "refs/heads/free/1",
        "refs/heads/topic",
        "refs/tags/t",
    ] {
        if name == "refs/heads/main" || !random.one_in(3) {
            state.refs.insert(name.to_owned(), random.pick(&names).clone());
        }
    }
    let mut push = Push {
        actor: "dev".to_owned(),
        commits: commits(random, "p", 7, &mut names),
        tags: Vec::new(),
        updates: Vec::new(),
        arguments: Vec::new(),
        environment: BTreeMap::new(),
    };
    for name in
        ["refs/heads/main", "refs/heads/release/1", "refs/heads/release/3", "refs/heads/new", "refs/tags/t", "refs/tags/u"]
    {
        push.updates.push((name.to_owned(), random.pick(&names).clone()));
    }
    let scene = Scene::new(&policy_text, &state, &[&push]);
    let policy = parse("policy.toml", format!("{HEAD}{policy_text}").as_bytes()).unwrap();
    for update in push.updates.clone() {
        let one = Push { updates: vec![update.clone()], ..push.clone() };
        let seen = oracle::see(&scene, &state, &one);
        let mut evaluations = server_evaluations(&policy, &seen.context, &seen.updates).unwrap();
        let selected = select(&policy, &seen.context, &seen.updates).unwrap();
        let facts: Vec<_> = selected.iter().map(|selected| oracle::facts(&scene, &seen, selected)).collect();
        evaluations.extend(evaluate(&selected, &facts));

        let mut explain = clean(env!("CARGO_BIN_EXE_refwarden"), &scene.work.home);
        explain
            .args(["explain", "--json", "--actor", "dev", "--repo"])
            .arg(&scene.server.dir)
            .arg("--objects")
            .arg(&scene.work.dir);
        let old = scene.server.value(&update.0).unwrap_or_else(|| scene.server.null());
        let output = explain.args([&update.0, &old, &scene.objects.id(&scene.work, &update.1)]).output().unwrap();
        let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
        let unplaced = |mut all: Vec<super::Violation>| {
            // With which of several commits a path is named depends on the order of the walk.
            for violation in all.iter_mut().filter(|violation| violation.path.is_some()) {
                violation.commit = None;
            }
            all.sort();
            all
        };
        assert_eq!(
            unplaced(from_json(&scene, &verdict)),
            unplaced(from_evaluations(&scene, &evaluations)),
            "seed {seed}, {update:?}\n{policy_text}\n{:#?}\n{:#?}\n{:?}",
            state.commits,
            push.commits,
            state.refs
        );
        assert_eq!(verdict["decision"], fold_decision(&evaluations).as_str(), "seed {seed}");
    }
}

#[test]
fn random_histories_agree() {
    let from = std::env::var("REFWARDEN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_u64);
    let count = std::env::var("REFWARDEN_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(8_u64);
    for seed in from..from + count {
        agrees(seed);
    }
}
