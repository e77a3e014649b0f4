//! Whether a live pattern is for a ref. GitHub's patterns are `File.fnmatch` with `FNM_PATHNAME`, as the policy's are.

use super::readable::{Cause, Hidden};
use super::ruleset::Names;
use crate::git::pattern::{Pattern, PatternSet};

/// Whether a ruleset's `ref_name` condition is for the ref, by its full name.
///
/// # Errors
/// A pattern that this program can't give GitHub's meaning. It may be for the ref or not.
pub fn is_for(names: &Names, ref_name: &str, default_branch: Option<&str>) -> Result<bool, Hidden> {
    let any = |patterns: &[String]| -> Result<bool, Hidden> {
        let mut unsure = None;
        for pattern in patterns {
            match one(pattern, ref_name, default_branch) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(hidden) => unsure = Some(hidden),
            }
        }
        unsure.map_or(Ok(false), Err)
    };
    // An exclusion that can't be read hides nothing from a ref that is not included in the first place.
    match any(&names.include) {
        Ok(false) => Ok(false),
        Ok(true) => any(&names.exclude).map(|excluded| !excluded),
        Err(hidden) => match any(&names.exclude) {
            Ok(true) => Ok(false),
            _ => Err(hidden),
        },
    }
}

fn one(pattern: &str, ref_name: &str, default_branch: Option<&str>) -> Result<bool, Hidden> {
    match pattern {
        "~ALL" => Ok(true),
        "~DEFAULT_BRANCH" => Ok(default_branch.is_some_and(|branch| ref_name.strip_prefix("refs/heads/") == Some(branch))),
        _ if pattern.starts_with("refs/") => fnmatch(pattern, ref_name),
        _ => Err(Hidden::new(Cause::Unknown, format!("the condition `{pattern}` is no full ref name and no known word"))),
    }
}

/// Whether a classic protection's pattern is for a branch, both without `refs/heads/`.
///
/// # Errors
/// A pattern that this program can't give GitHub's meaning.
pub fn protects(pattern: &str, branch: &str) -> Result<bool, Hidden> {
    if pattern == branch { Ok(true) } else { fnmatch(pattern, branch) }
}

/// The pattern in the form that this program reads. In `File.fnmatch` only a whole segment `**` before a `/` crosses
/// folders; wherever else stars stand together they mean one. A policy must say what it means, GitHub's patterns need not.
pub fn reduced(pattern: &str) -> String {
    let mut segments = pattern.split('/').peekable();
    let mut text = String::with_capacity(pattern.len());
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if segment == "**" && !is_last {
            text.push_str(segment);
        } else {
            segment.chars().for_each(|c| {
                if c != '*' || !text.ends_with('*') {
                    text.push(c);
                }
            });
        }
        if !is_last {
            text.push('/');
        }
    }
    text
}

/// The spelling that a policy can have for a live pattern, and that means exactly the same: a `**` that crosses nothing is
/// written `*`.
///
/// # Errors
/// No spelling that loads has its meaning.
pub fn spelled(pattern: &str) -> Result<String, Hidden> {
    let spelling = reduced(pattern);
    match Pattern::parse(&spelling) {
        Ok(_) => Ok(spelling),
        Err(bad) => Err(Hidden::new(Cause::Unknown, format!("a policy can't say `{pattern}`: {}", bad.message))),
    }
}

/// Whether two patterns are one, however they are spelled.
pub fn same(one: &str, other: &str) -> bool {
    one == other || matches!((spelled(one), spelled(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether the pattern matches the text, as GitHub would.
///
/// # Errors
/// A pattern that this program can't give GitHub's meaning.
pub fn fnmatch(pattern: &str, text: &str) -> Result<bool, Hidden> {
    // No ref and no name has an empty segment, and outside of sets `/` only matches itself.
    if !pattern.contains('[') && (pattern.starts_with('/') || pattern.ends_with('/') || pattern.contains("//")) {
        return Ok(false);
    }
    let unclear = |why: String| Hidden::new(Cause::Unknown, format!("the pattern `{pattern}` can't be judged here: {why}"));
    let parsed = Pattern::parse(&reduced(pattern)).map_err(|bad| unclear(bad.message))?;
    // To compile a pattern takes long, and most can be told from a text without it.
    if let Some(literal) = parsed.literal() {
        return Ok(literal == text);
    }
    if !text.starts_with(parsed.literal_prefix()) {
        return Ok(false);
    }
    PatternSet::new(vec![parsed]).matches_exactly(text.as_bytes()).map_err(|error| unclear(error.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(include: &[&str], exclude: &[&str]) -> Names {
        let list = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Names { include: list(include), exclude: list(exclude), ..Names::default() }
    }

    #[test]
    fn conditions_match_full_names() {
        let all_but_topics = names(&["~ALL"], &["refs/heads/topic/**/*"]);
        assert_eq!(is_for(&all_but_topics, "refs/heads/main", None), Ok(true));
        assert_eq!(is_for(&all_but_topics, "refs/heads/topic/a", None), Ok(false));
        let default = names(&["~DEFAULT_BRANCH"], &[]);
        assert_eq!(is_for(&default, "refs/heads/trunk", Some("trunk")), Ok(true));
        assert_eq!(is_for(&default, "refs/tags/trunk", Some("trunk")), Ok(false));
        assert_eq!(is_for(&default, "refs/heads/trunk", None), Ok(false));
        assert_eq!(is_for(&names(&[], &[]), "refs/heads/main", Some("main")), Ok(false));
    }

    #[test]
    fn stars_that_stand_together_mean_one() {
        for (pattern, matches, does_not) in [
            ("release/**", "release/1", "release/1/2"),
            ("qa**/**/*", "qa1/a/b", "q/a"),
            ("**", "a", "a/b"),
            ("a/***/b", "a/x/b", "a/x/y/b"),
        ] {
            assert_eq!(fnmatch(pattern, matches), Ok(true), "{pattern}");
            assert_eq!(fnmatch(pattern, does_not), Ok(false), "{pattern}");
        }
        assert_eq!(reduced("**/*"), "**/*");
        assert_eq!(fnmatch("release/", "release/1"), Ok(false));
    }

    /// By Ruby's own answers: to every text the spelling says what the pattern says.
    #[test]
    fn another_spelling_means_exactly_the_same() {
        let table = include_str!("../../fixtures/patterns/fnmatch.tsv");
        let mut changed = std::collections::BTreeSet::new();
        let mut compared = 0;
        for line in table.lines().filter(|line| !line.starts_with("# ")) {
            let columns: Vec<&str> = line.split('\t').collect();
            let &[pattern, text, matches] = &columns[..] else { panic!("{line}") };
            let Ok(spelling) = spelled(pattern) else { continue };
            let parsed = Pattern::parse(&spelling).unwrap();
            let found = PatternSet::new(vec![parsed]).matches_exactly(text.as_bytes()).unwrap();
            assert_eq!(found, matches == "1", "{pattern} {spelling} {text}");
            compared += 1;
            if spelling != pattern {
                assert!(same(&spelling, pattern) && spelled(&spelling).as_ref() == Ok(&spelling), "{pattern} {spelling}");
                changed.insert(pattern);
            }
        }
        assert!(compared > 3000 && changed.len() > 5, "{compared} {changed:?}");
        assert!(same("refs/heads/release/**", "refs/heads/release/*"));
        assert!(!same("refs/heads/release/**", "refs/heads/release/**/*"));
        for unsaid in ["a\\b", "{a,b}", "a//b", "/a", "a/", "[", "[]", "", "!a", "a/./b"] {
            assert!(spelled(unsaid).is_err(), "{unsaid}");
            assert!(same(unsaid, unsaid));
        }
    }

    #[test]
    fn what_is_judged_is_as_ruby_says() {
        let table = include_str!("../../fixtures/patterns/fnmatch.tsv");
        let mut judged = 0;
        for line in table.lines().filter(|line| !line.starts_with("# ")) {
            let columns: Vec<&str> = line.split('\t').collect();
            let &[pattern, text, matches] = &columns[..] else { panic!("{line}") };
            // Neither is in a ref.
            if text.is_empty() || text.contains("//") || text.starts_with('/') || text.ends_with('/') {
                continue;
            }
            if let Ok(judgement) = fnmatch(pattern, text) {
                assert_eq!(judgement, matches == "1", "{pattern} {text}");
                judged += 1;
            }
        }
        assert!(judged > 3000, "{judged}");
    }

    #[test]
    fn what_cannot_be_judged_is_never_no() {
        assert!(is_for(&names(&["main"], &[]), "refs/heads/main", None).is_err());
        assert!(is_for(&names(&["refs/heads/{a,b}"], &[]), "refs/heads/a", None).is_err());
        assert!(is_for(&names(&["~ALL"], &["~SOMETHING"]), "refs/heads/a", None).is_err());
        assert_eq!(is_for(&names(&["refs/heads/{a,b}"], &["refs/heads/a"]), "refs/heads/a", None), Ok(false));
        assert_eq!(is_for(&names(&["refs/heads/{a,b}", "~ALL"], &[]), "refs/heads/a", None), Ok(true));
    }
}
