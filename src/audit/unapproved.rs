//! A file that may be changed without anyone's approval, where only the owners of files or teams for certain files approve.

use super::RepositoryScene;
use super::codeowners::{Codeowners, LARGEST, Owned};
use crate::github::repository::Codeowners as File;
use crate::github::rule::{PullRequest, RequiredReviewers};
use crate::github::{Cause, Hidden};

/// So many lines that take owners away are each held against the rest of the file.
const MOST_LINES: usize = 8;
/// A longer pattern is not made a path of.
const LONGEST: usize = 100;

/// The path of a file that nobody is asked about by these rules together; `None` when somebody is asked about every file. The
/// rules are known to ask for no approval of all files.
///
/// # Errors
/// CODEOWNERS is hidden, or whether it leaves something out can't be told.
pub fn path(scene: &RepositoryScene<'_>, rules: &[&PullRequest]) -> Result<Option<String>, Hidden> {
    let teams: Vec<&RequiredReviewers> = rules
        .iter()
        .flat_map(|rule| rule.required_reviewers.iter().flatten())
        .filter(|team| team.minimum_approvals > 0)
        .collect();
    if teams.iter().any(|team| team.file_patterns.last().is_some_and(|pattern| is_for_all(pattern))) {
        return Ok(None);
    }
    let asks_owners = rules.iter().any(|rule| rule.require_code_owner_review);
    let file = if asks_owners { scene.repository.codeowners.read().map_err(Clone::clone)?.as_ref() } else { None };
    let text = match file {
        Some(file) => file.text.read().map_err(Clone::clone)?.as_str(),
        None => "",
    };
    // What GitHub does not load names nobody.
    let text = if text.len() > LARGEST { "" } else { text };
    let Some(owners) = Codeowners::parse(text) else {
        return Err(Hidden::new(Cause::Partial, "CODEOWNERS has more lines than are judged here"));
    };
    let mut unsure = None;
    for path in candidates(&owners) {
        if teams.iter().any(|team| approves(team, &path)) {
            unsure = unsure.or_else(|| Some(Hidden::new(Cause::Unknown, format!("a team may have to approve `{path}`"))));
            continue;
        }
        match is_owned(&owners, &path, file) {
            Ok(true) => {}
            Ok(false) => return Ok(Some(path)),
            Err(hidden) => unsure = unsure.or(Some(hidden)),
        }
    }
    if let Some(hidden) = unsure {
        return Err(hidden);
    }
    owns_everything(&owners, file).map(|()| None)
}

/// A new file at the top, one in a folder, and one for each line that takes owners away.
fn candidates(owners: &Codeowners<'_>) -> Vec<String> {
    let taken = owners.rules.iter().filter(|rule| rule.owners.is_empty() && rule.pattern.len() <= LONGEST).take(MOST_LINES);
    ["new-file".to_owned(), "new-folder/new-file".to_owned()].into_iter().chain(taken.map(|rule| example(rule.pattern))).collect()
}

/// A path that the pattern matches.
fn example(pattern: &str) -> String {
    let mut path = String::new();
    let mut chars = pattern.trim_start_matches('/').chars();
    while let Some(c) = chars.next() {
        match c {
            '*' if path.ends_with("new") => {}
            '*' => path.push_str("new"),
            '?' => path.push('x'),
            '\\' => path.extend(chars.next()),
            c => path.push(c),
        }
    }
    if path.ends_with('/') {
        path.push_str("new-file");
    }
    path
}

/// Whether the team may have to approve the path: of its patterns, which are gitignore's, the last that matches decides.
fn approves(team: &RequiredReviewers, path: &str) -> bool {
    let decides = team.file_patterns.iter().rev().find(|pattern| {
        let pattern = pattern.strip_prefix('!').unwrap_or(pattern);
        // What the patterns of CODEOWNERS don't have may match anything.
        pattern.contains('[') || Codeowners::parse(&format!("{pattern} @team")).is_some_and(|line| line.owns(path))
    });
    decides.is_some_and(|pattern| !pattern.starts_with('!') || pattern.contains('['))
}

fn is_for_all(pattern: &str) -> bool {
    matches!(pattern, "*" | "**" | "/**" | "**/*" | "/**/*")
}

/// Whether an owner is asked about the path.
fn is_owned(owners: &Codeowners<'_>, path: &str, file: Option<&File>) -> Result<bool, Hidden> {
    match owners.owner_of(path) {
        Owned::ByNobody(_) => Ok(false),
        Owned::By(rule) | Owned::Unclear(rule) => is_sound(rule, file).map(|()| true),
    }
}

/// That GitHub asks whom the line names.
fn is_sound(rule: &super::codeowners::Rule<'_>, file: Option<&File>) -> Result<(), Hidden> {
    let Some(file) = file else { return Ok(()) };
    let errors = file.errors.read().map_err(Clone::clone)?;
    if rule.names_owners() && errors.iter().all(|error| error.line != rule.line) {
        return Ok(());
    }
    let why = format!("GitHub may ask none of those whom line {} of `{}` names", rule.line, file.path);
    Err(Hidden::new(Cause::Unknown, why))
}

/// That a line for every path stands in the file, and none behind it takes owners away.
fn owns_everything(owners: &Codeowners<'_>, file: Option<&File>) -> Result<(), Hidden> {
    let all = owners.rules.iter().rposition(|rule| is_for_all(rule.pattern) && !rule.owners.is_empty());
    let rest = all.and_then(|all| owners.rules.get(all..)).unwrap_or_default();
    if rest.is_empty() || rest.iter().any(|rule| rule.owners.is_empty()) {
        let path = file.map_or("CODEOWNERS", |file| &file.path);
        return Err(Hidden::new(Cause::Unknown, format!("whether `{path}` names an owner for every file can't be told here")));
    }
    rest.iter().try_for_each(|rule| is_sound(rule, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_match_their_patterns() {
        for pattern in ["/docs/", "docs", "*.js", "/a/**/b?", "**/logs", "a\\ b", "/x/*", "a/**"] {
            let owners = format!("{pattern} @x");
            assert!(Codeowners::parse(&owners).unwrap().owns(&example(pattern)), "{pattern}: {}", example(pattern));
        }
    }

    #[test]
    fn a_line_for_all_owns_everything_until_something_is_taken_away() {
        let whole = |text: &str| owns_everything(&Codeowners::parse(text).unwrap(), None).is_ok();
        assert!(whole("* @a") && whole("/x\n* @a\n/y @b") && whole("/**/* @a"));
        assert!(!whole("") && !whole("/* @a") && !whole("* @a\n/x") && !whole("*") && !whole("/x @a"));
    }
}
