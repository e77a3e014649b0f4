//! The policy file: what loads, what does not, and where it says so.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use refwarden::policy::parse::parse;
use refwarden::policy::{Policy, Problem};

fn files(folder: &str) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    files.sort();
    files
}

fn rendered(file: &str, bytes: &[u8], problems: &[Problem]) -> String {
    problems.iter().map(|problem| problem.render(file, bytes, false)).collect::<Vec<_>>().join("\n\n")
}

fn load(file: &str, bytes: &[u8]) -> Policy {
    parse(file, bytes).unwrap_or_else(|problems| panic!("{}", rendered(file, bytes, &problems)))
}

#[test]
fn valid_policies_load() {
    let files = files("fixtures/policies/valid");
    assert!(files.len() >= 15, "{} files", files.len());
    for (name, path) in files {
        load(&name, &fs::read(path).unwrap());
    }
}

/// Each invalid file says in its first lines what is wrong and where: `# expect: LINE:COLUMN part of the message`.
#[test]
fn invalid_policies_say_what_is_wrong_and_where() {
    let files = files("fixtures/policies/invalid");
    let mut wrong = Vec::new();
    for (name, path) in &files {
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let expected: Vec<(&str, &str)> =
            text.lines().filter_map(|line| line.strip_prefix("# expect: ")).map(|line| line.split_once(' ').unwrap()).collect();
        let problems = match parse(name, &bytes) {
            Ok(_) => {
                wrong.push(format!("{name} loads"));
                continue;
            }
            Err(problems) => problems,
        };
        let mut left: Vec<&Problem> = problems.iter().collect();
        for (place, part) in &expected {
            match left.iter().position(|problem| problem.at.to_string() == *place && problem.message.contains(part)) {
                Some(found) => caret_is_under_the_culprit(name, &bytes, left.remove(found)),
                None => wrong.push(format!("{name}: nothing says at {place} `{part}`:\n{}", rendered(name, &bytes, &problems))),
            }
        }
        if expected.is_empty() || !left.is_empty() {
            wrong.push(format!("{name}: {} not expected:\n{}", left.len(), rendered(name, &bytes, &problems)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(files.len() >= 60, "{} files", files.len());
}

fn caret_is_under_the_culprit(name: &str, bytes: &[u8], problem: &Problem) {
    let shown = problem.render(name, bytes, false);
    assert!(shown.starts_with(&format!("error: {}\n", problem.message)), "{shown}");
    assert!(shown.contains(&format!("--> {name}:{}", problem.at)), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    let caret_line = lines.iter().position(|line| line.trim_start().starts_with('|') && line.contains('^')).expect(&shown);
    let column = lines[caret_line].chars().position(|c| c == '^').unwrap();
    let width = lines[caret_line].chars().filter(|c| *c == '^').count();
    let under: String = lines[caret_line - 1].chars().skip(column).take(width).collect();
    let culprit = String::from_utf8_lossy(&bytes[problem.span.clone()]).into_owned();
    let culprit = culprit.lines().next().unwrap_or_default();
    if culprit.is_ascii() && !culprit.is_empty() && !culprit.contains('\t') && !culprit.chars().any(char::is_control) {
        assert_eq!(under, culprit, "{shown}");
    }
    let line = problem.line(name);
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.starts_with(&format!("{name}:{}: {}", problem.at, problem.message)), "{line}");
}

fn holds(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Err(problems) = parse("policy.toml", bytes) {
        prop_assert!(!problems.is_empty());
        for problem in problems {
            prop_assert!(problem.span.start <= problem.span.end && problem.span.end <= bytes.len(), "{problem:?}");
            prop_assert!(problem.at.line >= 1 && problem.at.column >= 1);
            let shown = problem.render("policy.toml", bytes, false) + &problem.line("policy.toml");
            prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        holds(&bytes)?;
    }

    #[test]
    fn arbitrary_text_never_panics(text in "(version = 1\n)?[\\[\\]{}=\"'#,.a-z0-9@!~*\\\\ \n\u{202e}\u{200b}é]{0,200}") {
        holds(text.as_bytes())?;
    }

    #[test]
    fn mutated_policies_load_or_have_problems(
        file in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..8),
    ) {
        let files = files("fixtures/policies/valid");
        let mut bytes = fs::read(&file.get(&files).1).unwrap();
        for (place, byte, kind) in edits {
            let at = place.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match kind {
                0 if !bytes.is_empty() => { bytes.remove(at); }
                1 => bytes.insert(at, byte),
                _ if !bytes.is_empty() => bytes[at] = byte % 128,
                _ => {}
            }
        }
        holds(&bytes)?;
    }
}
