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

/// Whether the pattern matches the text, as GitHub would.
///
/// # Errors
/// A pattern that this program can't give GitHub's meaning.
pub fn fnmatch(pattern: &str, text: &str) -> Result<bool, Hidden> {
    let unclear = |why: String| Hidden::new(Cause::Unknown, format!("the pattern `{pattern}` can't be judged here: {why}"));
    let parsed = Pattern::parse(pattern).map_err(|bad| unclear(bad.message))?;
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
    fn what_cannot_be_judged_is_never_no() {
        assert!(is_for(&names(&["main"], &[]), "refs/heads/main", None).is_err());
        assert!(is_for(&names(&["refs/heads/{a,b}"], &[]), "refs/heads/a", None).is_err());
        assert!(is_for(&names(&["~ALL"], &["~SOMETHING"]), "refs/heads/a", None).is_err());
        assert_eq!(is_for(&names(&["refs/heads/{a,b}"], &["refs/heads/a"]), "refs/heads/a", None), Ok(false));
        assert_eq!(is_for(&names(&["refs/heads/{a,b}", "~ALL"], &[]), "refs/heads/a", None), Ok(true));
    }
}
