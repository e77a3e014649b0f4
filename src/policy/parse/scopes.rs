//! `refs` and `repositories`: lists of patterns, short or as a table of `include` and `exclude`.

use toml::de::{DeTable, DeValue};

use super::reader::{Reader, Text, Value, suggestion};
use crate::git::pattern::PatternSet;
use crate::policy::{Identity, RefScope, RepositoryScope, Server};
use crate::rules::Target;

const ALL: &str = "~ALL";
const DEFAULT_BRANCH: &str = "~DEFAULT_BRANCH";

/// What both forms say.
struct Lists {
    include: Option<Vec<Text>>,
    exclude: Vec<Text>,
}

fn lists(reader: &mut Reader<'_>, value: &Value<'_>, what: &str) -> Option<Lists> {
    let lists = match value.get_ref() {
        DeValue::Array(_) => Lists { include: Some(included(reader, value, what)), exclude: Vec::new() },
        DeValue::Table(_) => {
            let table = reader.table(value, what, &["include", "exclude"])?;
            Lists {
                include: table.get("include").map(|value| included(reader, value, "`include`")),
                exclude: table.get("exclude").map(|value| reader.texts(value, "`exclude`")).unwrap_or_default(),
            }
        }
        _ => {
            reader.wrong_kind(value, what, "a list of patterns, or a table of `include` and `exclude`");
            return None;
        }
    };
    Some(lists)
}

/// The texts of an `include`, which must not be empty.
fn included(reader: &mut Reader<'_>, value: &Value<'_>, what: &str) -> Vec<Text> {
    if matches!(value.get_ref(), DeValue::Array(array) if array.is_empty()) {
        reader.problem(value.span(), format!("{what} is empty, so it matches nothing"));
    }
    reader.texts(value, what)
}

fn unknown_word(reader: &mut Reader<'_>, text: &Text, known: &[&str]) {
    let help = (!known.is_empty()).then(|| suggestion(text.get_ref(), known));
    reader.problem_help(text.span(), format!("unknown word `{}`", text.get_ref()), help);
}

/// `refs` of a branch or tag ruleset.
pub(super) fn refs(reader: &mut Reader<'_>, value: &Value<'_>, target: Target) -> RefScope {
    let (namespace, words): (_, &[&str]) = match target {
        Target::Branch => ("refs/heads/", &[ALL, DEFAULT_BRANCH]),
        Target::Tag => ("refs/tags/", &[ALL]),
        Target::Push => ("refs/", &[]),
    };
    let mut scope = RefScope { namespace, ..RefScope::default() };
    let Some(lists) = lists(reader, value, "`refs`") else { return scope };
    let pattern = |reader: &mut Reader<'_>, text: &Text| {
        reader.pattern(text, if text.get_ref().starts_with("refs/") { "" } else { namespace })
    };
    let (mut include, mut exclude) = (Vec::new(), Vec::new());
    match lists.include {
        None => {
            reader.missing(value.span(), "`refs` has no `include`, so it matches nothing", Some("include `~ALL`, for instance"))
        }
        Some(texts) => {
            for text in texts {
                match text.get_ref().as_str() {
                    ALL => scope.include_all = true,
                    DEFAULT_BRANCH if target == Target::Branch => scope.include_default = true,
                    DEFAULT_BRANCH => only_branches(reader, &text),
                    word if word.starts_with('~') => unknown_word(reader, &text, words),
                    _ => include.extend(pattern(reader, &text)),
                }
            }
        }
    }
    for text in lists.exclude {
        match text.get_ref().as_str() {
            ALL => excludes_all(reader, &text),
            DEFAULT_BRANCH if target == Target::Branch => scope.exclude_default = true,
            DEFAULT_BRANCH => only_branches(reader, &text),
            word if word.starts_with('~') => unknown_word(reader, &text, words),
            _ => exclude.extend(pattern(reader, &text)),
        }
    }
    scope.include = PatternSet::new(include);
    scope.exclude = PatternSet::new(exclude);
    scope
}

fn only_branches(reader: &mut Reader<'_>, text: &Text) {
    let help = Some("it stands in rulesets with `target = \"branch\"`");
    reader.problem_help(text.span(), "`~DEFAULT_BRANCH` is no tag", help);
}

fn excludes_all(reader: &mut Reader<'_>, text: &Text) {
    let help = Some("a ruleset that is not wanted has `enforcement = \"disabled\"`");
    reader.problem_help(text.span(), "excluding `~ALL` leaves nothing", help);
}

/// `repositories` of a ruleset. What matches no repository that the server could name does not load: a ruleset that seems to
/// guard and guards nothing would go unnoticed.
pub(super) fn of_ruleset(reader: &mut Reader<'_>, value: &Value<'_>, server: &Server) -> RepositoryScope {
    let scope = repositories(reader, value);
    let texts = match value.get_ref() {
        DeValue::Array(array) => Some(array),
        DeValue::Table(table) => table.get("include").and_then(|value| value.get_ref().as_array()),
        _ => None,
    };
    for element in texts.into_iter().flatten() {
        let Some(text) = element.get_ref().as_str().filter(|text| !text.starts_with('~')) else { continue };
        if let Some((why, help)) = never_named(text, server) {
            reader.problem_help(element.span(), format!("`{text}` matches no repository: {why}"), Some(help));
        }
    }
    scope
}

/// Why no repository of the server has such a name, and what to do.
fn never_named(pattern: &str, server: &Server) -> Option<(&'static str, String)> {
    let components: Vec<&str> = pattern.split('/').collect();
    let identity = server.identity.as_ref()?;
    // An administrator's variable may hold anything.
    let own_names = matches!(identity, Identity::Env { repository_env: Some(_), .. });
    if !own_names && let Some(plain) = pattern.strip_suffix(".git") {
        return Some(("names do not end in `.git`", format!("write `{plain}`")));
    }
    if components.len() == 1 {
        // It is compared with the last component, which every name has.
        return None;
    }
    let least = components.iter().filter(|component| **component != "**").count();
    let most = if components.contains(&"**") { usize::MAX } else { least };
    let last = components.last().unwrap_or(&"");
    match identity {
        path if path.names_by_path() => (server.root.is_none() && least > 1).then(|| {
            let why = "without `[server] root` a name is the last component of the path";
            (why, format!("set `[server] root`, or write `{last}`"))
        }),
        Identity::Gitea | Identity::Forgejo | Identity::Ghes | Identity::Bitbucket => (least > 2 || most < 2)
            .then(|| ("the host's names have two components", format!("write the owner and the name: `owner/{last}`"))),
        Identity::Gitlab => (most < 2)
            .then(|| ("the host's names have at least two components", format!("write the group and the name: `group/{last}`"))),
        _ => None,
    }
}

/// `repositories` of `[github]` or of an exemption, or any other.
pub(super) fn repositories(reader: &mut Reader<'_>, value: &Value<'_>) -> RepositoryScope {
    match lists(reader, value, "`repositories`") {
        Some(lists) => repository_scope(reader, lists.include, lists.exclude),
        None => RepositoryScope::default(),
    }
}

/// The same of the keys `include` and `exclude` in a table that has others, too.
pub(super) fn of_table(reader: &mut Reader<'_>, table: &DeTable<'_>) -> RepositoryScope {
    let include = table.get("include").map(|value| included(reader, value, "`include`"));
    let exclude = table.get("exclude").map(|value| reader.texts(value, "`exclude`")).unwrap_or_default();
    repository_scope(reader, include, exclude)
}

/// Without `include` it is every repository.
fn repository_scope(reader: &mut Reader<'_>, include: Option<Vec<Text>>, exclude: Vec<Text>) -> RepositoryScope {
    let mut scope = RepositoryScope { include_all: include.is_none(), ..RepositoryScope::default() };
    let (mut include_full, mut include_last, mut exclude_full, mut exclude_last) = (vec![], vec![], vec![], vec![]);
    for text in include.unwrap_or_default() {
        match text.get_ref().as_str() {
            ALL => scope.include_all = true,
            // The project of a person begins with `~` on Bitbucket.
            word if word.starts_with('~') && !word.contains('/') => unknown_word(reader, &text, &[ALL]),
            word if word.contains('/') => include_full.extend(reader.pattern(&text, "")),
            _ => include_last.extend(reader.pattern(&text, "")),
        }
    }
    for text in exclude {
        match text.get_ref().as_str() {
            ALL => excludes_all(reader, &text),
            word if word.starts_with('~') && !word.contains('/') => unknown_word(reader, &text, &[]),
            word if word.contains('/') => exclude_full.extend(reader.pattern(&text, "")),
            _ => exclude_last.extend(reader.pattern(&text, "")),
        }
    }
    scope.include_full = PatternSet::new(include_full);
    scope.include_last = PatternSet::new(include_last);
    scope.exclude_full = PatternSet::new(exclude_full);
    scope.exclude_last = PatternSet::new(exclude_last);
    scope
}
