//! Whether one list of patterns is for names that another is not for, told by trying names: a name that shows it proves
//! it. The names are made of the patterns, with a letter in the place of each wildcard that no literal text has.

use super::readable::{Cause, Hidden};
use super::ruleset::Names;
use super::scope::fnmatch;

/// A letter that no name has: of Unicode's private use.
const FRESH: char = '\u{e000}';
/// More patterns than people write; what is beyond is not tried.
const MANY: usize = 256;

/// What the names are that patterns are held against.
#[derive(Debug, Clone, Copy)]
pub struct Kind<'a> {
    /// What every name begins with: `refs/heads/`, `refs/tags/`, or nothing.
    pub namespace: &'a str,
    /// The default branch, without `refs/heads/`.
    pub default_branch: Option<&'a str>,
}

/// How two lists differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The first is for a name that the second is not for.
    Shown,
    /// No name that was tried shows it.
    NotShown,
    /// A pattern can't be given GitHub's meaning.
    Unclear(Hidden),
}

/// Whether `one` is for a name, out of those that `patterns` stand for, that `other` is not for.
pub fn shows(one: &Names, other: &Names, patterns: &[&str], kind: Kind<'_>) -> Difference {
    let mut unclear = None;
    for name in patterns.iter().take(MANY).flat_map(|pattern| names_of(pattern, one, other, kind)) {
        match (is_in(one, &name, kind), is_in(other, &name, kind)) {
            (Ok(true), Ok(false)) => return Difference::Shown,
            (Ok(false), _) | (_, Ok(true)) => {}
            (Err(hidden), _) | (_, Err(hidden)) => unclear = Some(hidden),
        }
    }
    unclear.map_or(Difference::NotShown, Difference::Unclear)
}

/// Whether every name tried that `pattern` stands for is in the list.
pub fn covers(list: &Names, pattern: &str, kind: Kind<'_>) -> bool {
    let names = names_of(pattern, list, list, kind);
    !names.is_empty() && names.iter().all(|name| is_in(list, name, kind) == Ok(true))
}

/// Whether some name tried that one pattern stands for is matched by the other, or the other way round.
pub fn overlap(one: &str, other: &str, kind: Kind<'_>) -> bool {
    let nothing = Names::default();
    let meets =
        |one: &str, other: &str| names_of(one, &nothing, &nothing, kind).iter().any(|name| is(other, name, kind) == Ok(true));
    meets(one, other) || meets(other, one)
}

/// Names that a pattern stands for, a few of them.
pub fn names(pattern: &str, kind: Kind<'_>) -> Vec<String> {
    let nothing = Names::default();
    names_of(pattern, &nothing, &nothing, kind)
}

/// Whether a list is for a name.
fn is_in(list: &Names, name: &str, kind: Kind<'_>) -> Result<bool, Hidden> {
    let any = |patterns: &[String]| -> Result<bool, Hidden> {
        let mut unclear = None;
        for pattern in patterns {
            match is(pattern, name, kind) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(hidden) => unclear = Some(hidden),
            }
        }
        unclear.map_or(Ok(false), Err)
    };
    match (any(&list.include), any(&list.exclude)) {
        (Ok(false), _) | (_, Ok(true)) => Ok(false),
        (Ok(true), Ok(false)) => Ok(true),
        (Err(hidden), _) | (_, Err(hidden)) => Err(hidden),
    }
}

fn is(pattern: &str, name: &str, kind: Kind<'_>) -> Result<bool, Hidden> {
    match pattern {
        "~ALL" => Ok(true),
        "~DEFAULT_BRANCH" => Ok(kind.default_branch.is_some_and(|branch| name.strip_prefix(kind.namespace) == Some(branch))),
        _ if pattern.starts_with('~') => Err(Hidden::new(Cause::Unknown, format!("the word `{pattern}` is unknown"))),
        _ => fnmatch(pattern, name),
    }
}

/// Names that a pattern stands for.
fn names_of(pattern: &str, one: &Names, other: &Names, kind: Kind<'_>) -> Vec<String> {
    match pattern {
        "~DEFAULT_BRANCH" => kind.default_branch.iter().map(|branch| format!("{}{branch}", kind.namespace)).collect(),
        "~ALL" => {
            let lists = [&one.include, &one.exclude, &other.include, &other.exclude];
            let named = lists.into_iter().flatten().take(MANY).filter(|pattern| *pattern != "~ALL");
            [format!("{}{FRESH}{FRESH}", kind.namespace), format!("{}{FRESH}/{FRESH}{FRESH}", kind.namespace)]
                .into_iter()
                .chain(named.flat_map(|pattern| names_of(pattern, &Names::default(), &Names::default(), kind)))
                .collect()
        }
        _ => (0..3)
            .map(|length| instance(pattern, length))
            // An empty stretch may make it no name at all, and what is in no namespace is no such name.
            .filter(|name| name.starts_with(kind.namespace) && fnmatch(pattern, name) == Ok(true))
            .filter(|name| name.split('/').all(|segment| !segment.is_empty()))
            .collect(),
    }
}

/// The pattern with its wildcards replaced: each by nothing, a letter, or several; a set by one of its letters after the other.
fn instance(pattern: &str, length: usize) -> String {
    let letters = FRESH.to_string().repeat(length);
    let folders = format!("{FRESH}/").repeat(length);
    let mut name = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let mut used = c.len_utf8();
        let starts_segment = name.is_empty() || name.ends_with('/');
        if starts_segment && rest.starts_with("**/") {
            used = 3;
            name.push_str(&folders);
        } else if c == '*' {
            name.push_str(&letters);
        } else if c == '?' {
            name.push(FRESH);
        } else if let (true, Some(end)) = (c == '[', rest.find(']')) {
            let set = rest.get(1..end).unwrap_or_default();
            used = end + 1;
            let negated = set.starts_with(['!', '^']);
            name.push(if negated { FRESH } else { set.chars().nth(length).or(set.chars().next()).unwrap_or(FRESH) });
        } else {
            name.push(c);
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(include: &[&str], exclude: &[&str]) -> Names {
        let list = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Names { include: list(include), exclude: list(exclude), ..Names::default() }
    }

    const BRANCHES: Kind<'_> = Kind { namespace: "refs/heads/", default_branch: Some("main") };

    #[test]
    fn a_name_shows_the_difference() {
        for (one, other, pattern, shown) in [
            (names(&["~ALL"], &[]), names(&["~DEFAULT_BRANCH"], &[]), "~ALL", true),
            (names(&["~DEFAULT_BRANCH"], &[]), names(&["~ALL"], &[]), "~DEFAULT_BRANCH", false),
            (names(&["~DEFAULT_BRANCH"], &[]), names(&["refs/heads/main"], &[]), "~DEFAULT_BRANCH", false),
            (names(&["~DEFAULT_BRANCH"], &[]), names(&["refs/heads/master"], &[]), "~DEFAULT_BRANCH", true),
            (names(&["refs/heads/a/*"], &[]), names(&["refs/heads/a/**/*"], &[]), "refs/heads/a/*", false),
            (names(&["refs/heads/a/**/*"], &[]), names(&["refs/heads/a/*"], &[]), "refs/heads/a/**/*", true),
            (names(&["refs/heads/a*"], &[]), names(&["refs/heads/a?"], &[]), "refs/heads/a*", true),
            (names(&["refs/heads/[ab]x"], &[]), names(&["refs/heads/ax"], &[]), "refs/heads/[ab]x", false),
            (names(&["~ALL"], &[]), names(&["refs/heads/**/*"], &[]), "~ALL", false),
            (names(&["~ALL"], &[]), names(&["~ALL"], &["refs/heads/a"]), "refs/heads/a", true),
            (names(&["~DEFAULT_BRANCH"], &[]), names(&["~DEFAULT_BRANCH"], &["refs/heads/a"]), "refs/heads/a", false),
        ] {
            let expected = if shown { Difference::Shown } else { Difference::NotShown };
            assert_eq!(shows(&one, &other, &[pattern], BRANCHES), expected, "{one:?} {other:?} {pattern}");
        }
        let unclear = shows(&names(&["~ALL"], &[]), &names(&["refs/heads/{a,b}"], &[]), &["~ALL"], BRANCHES);
        assert!(matches!(unclear, Difference::Unclear(_)));
    }

    #[test]
    fn hostile_patterns_end() {
        for pattern in ["[", "[]", "*".repeat(5000).as_str(), "**/".repeat(3000).as_str(), "é[é-", "~X", ""] {
            let list = names(&[pattern], &[pattern]);
            let _ = shows(&list, &list, &[pattern], BRANCHES);
            let _ = covers(&list, pattern, BRANCHES);
            let _ = overlap(pattern, pattern, BRANCHES);
        }
    }
}
