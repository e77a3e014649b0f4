//! The house: imports point one way, what decides is pure, and one rule is one file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, each of which may use those before it.
const LAYERS: &[&str] = &["git", "push", "rules", "policy", "verdict", "receive", "github", "audit", "report", "cli"];
/// Layers that decide and therefore look nothing up.
const PURE: &[&str] = &["git", "push", "rules", "policy", "verdict", "audit", "report"];
/// What a pure layer may not name.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
    "git2",
    "octocrab",
    "tokio",
    "println!",
    "print!",
    "dbg!",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The sources of a layer: its folder, or its one file. Comments are dropped, and so are a file's own tests.
fn sources(layer: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let folder = root().join("src").join(layer);
    if folder.is_dir() {
        files(&folder, &mut found);
    } else {
        found.push(root().join("src").join(format!("{layer}.rs")));
    }
    found
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name != "tests.rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            (path, code)
        })
        .collect()
}

/// The layers that a source names after `crate::`.
fn named(code: &str) -> BTreeSet<String> {
    code.split("crate::")
        .skip(1)
        .flat_map(|rest| {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            LAYERS.contains(&word.as_str()).then_some(word)
        })
        .collect()
}

#[test]
fn imports_point_one_way() {
    let mut edges = 0;
    for (index, layer) in LAYERS.iter().enumerate() {
        for (path, code) in sources(layer) {
            for other in named(&code) {
                let place = LAYERS.iter().position(|name| *name == other).unwrap();
                assert!(place <= index, "{} is in `{layer}` and uses `{other}`, which comes later", path.display());
                edges += usize::from(place < index);
            }
            assert!(
                !code.contains("use crate::{"),
                "{}: one `use crate::` for each layer, so that this test sees it",
                path.display()
            );
        }
    }
    assert!(edges > 50, "the test sees too little: {edges}");
}

#[test]
fn every_module_of_the_library_is_a_layer() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules: BTreeSet<_> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")).map(|rest| rest.trim_end_matches(';')).collect();
    assert_eq!(modules, LAYERS.iter().copied().collect());
}

#[test]
fn what_decides_is_pure() {
    for layer in PURE {
        for (path, code) in sources(layer) {
            for word in IMPURE {
                assert!(!code.contains(word), "{} is pure and names `{word}`", path.display());
            }
        }
    }
}

/// GitHub is one layer with a part that decides and a part that asks.
#[test]
fn only_the_network_part_of_github_asks() {
    let (mut client, mut live, mut pure) = (0, 0, 0);
    for (path, code) in sources("github") {
        let place = path.strip_prefix(root().join("src/github")).unwrap().components().next().unwrap();
        let place = place.as_os_str().to_string_lossy().into_owned();
        let names =
            |words: &[&str]| words.iter().filter(|word| code.contains(*word)).map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let carriers = names(&["octocrab", "tokio", "http::", "http_body_util", "reqwest"]);
        match place.as_str() {
            "client" => client += 1,
            "live" => {
                assert_eq!(carriers, Vec::<String>::new(), "{}: only the client knows how requests travel", path.display());
                live += 1;
            }
            "apply" => {
                assert_eq!(carriers, Vec::<String>::new(), "{}: only the client knows how requests travel", path.display())
            }
            _ => {
                assert_eq!(carriers, Vec::<String>::new(), "{} is pure", path.display());
                let asks = names(&["async ", ".await", "github::client", "github::live", "futures_util"]);
                assert_eq!(asks, Vec::<String>::new(), "{} is pure", path.display());
                let looks_up = names(IMPURE);
                assert_eq!(looks_up, Vec::<String>::new(), "{} is pure", path.display());
                pure += 1;
            }
        }
    }
    assert!(client > 10 && live > 5 && pure > 15, "the test sees too little: {client}, {live}, {pure}");
}

/// Everything that waits is in the network part.
#[test]
fn only_the_network_part_is_async() {
    for layer in LAYERS.iter().filter(|layer| !["github", "cli"].contains(layer)) {
        for (path, code) in sources(layer) {
            assert!(!code.contains("async ") && !code.contains(".await"), "{} is async", path.display());
        }
    }
}

#[test]
fn only_the_mains_end_the_process() {
    let mut all = Vec::new();
    files(&root().join("src"), &mut all);
    files(&root().join("hooks"), &mut all);
    for path in all {
        let code = fs::read_to_string(&path).unwrap();
        assert!(!code.contains("process::exit"), "{} ends the process", path.display());
        assert!(!code.contains("unsafe "), "{} is unsafe", path.display());
    }
}

#[test]
fn one_rule_is_one_file() {
    let listed: BTreeSet<_> = refwarden::rules::RULES.iter().map(|entry| entry.info.id.to_owned()).collect();
    let mut found = Vec::new();
    files(&root().join("src/rules"), &mut found);
    let files: BTreeSet<_> = found
        .iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| !["mod", "regular_expression", "text_pattern"].contains(&name.as_str()))
        .collect();
    assert_eq!(listed, files);
    for entry in refwarden::rules::RULES {
        assert!(!entry.info.summary.is_empty() && !entry.info.summary.ends_with('.'), "{}", entry.info.id);
        let source = fs::read_to_string(root().join(format!("src/rules/{}.rs", entry.info.id))).unwrap();
        assert!(source.starts_with(&format!("//! `{}`: ", entry.info.id)), "{} does not say what it is", entry.info.id);
    }
}
