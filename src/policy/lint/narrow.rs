//! Patterns that match less than they read, and text patterns that match more.
//!
//! `*` stays inside one segment and a pattern without a wildcard means one path, as on GitHub. Both are what somebody may mean, so
//! each finding says what the pattern matches and how to write the other reading; a list that holds both is silent.

use serde_json::Value;

use super::{Context, id};
use crate::git::pattern::{Pattern, PatternSet};
use crate::policy::{Enforcement, Identity, Ruleset};
use crate::rules::Target;

/// How a pattern is also read.
struct Reading {
    /// What the pattern matches in fact.
    matches: String,
    /// How the other readings are written.
    offers: Vec<String>,
    /// Whether the pattern is nearly dead if it is read so, and not only narrower.
    nearly_dead: bool,
}

impl Reading {
    /// Whether the list also says the other reading.
    fn is_written_in(&self, list: &[&str]) -> bool {
        self.offers.iter().any(|offer| list.contains(&offer.as_str())) || list.contains(&"**/*")
    }

    fn help(&self) -> String {
        let offers: Vec<_> = self.offers.iter().map(|offer| format!("`{offer}`")).collect();
        format!("{}; for the other reading add {}", self.matches, offers.join(" or "))
    }
}

/// Files without an extension, which nobody reads as folders.
const FILES: &[&str] = &[
    "AUTHORS",
    "CODEOWNERS",
    "COPYING",
    "Containerfile",
    "Dockerfile",
    "Gemfile",
    "Jenkinsfile",
    "Justfile",
    "LICENSE",
    "Makefile",
    "NOTICE",
    "OWNERS",
    "Procfile",
    "README",
    "Rakefile",
    "VERSION",
    "Vagrantfile",
];
/// Files that programs read at the root only.
const ROOT_FILES: &[&str] = &[
    "Jenkinsfile",
    "LICENSE",
    "Makefile",
    "WORKSPACE",
    "gradlew",
    "mvnw",
    ".gitlab-ci.yml",
    ".gitmodules",
    ".mailmap",
    ".pre-commit-config.yaml",
    ".travis.yml",
    "azure-pipelines.yml",
    "CODEOWNERS",
];

fn is_wild(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn has_extension(name: &str) -> bool {
    name.trim_start_matches('.').contains('.')
}

/// A single segment with `*` at one of its ends.
fn one_segment(text: &str, matches: &str, nearly_dead: bool) -> Option<Reading> {
    let mut offers = Vec::new();
    if text.starts_with('*') || !text.ends_with('*') {
        offers.push(format!("**/{text}"));
    }
    if text.ends_with('*') && text != "*" {
        offers.push(format!("{text}/**/*"));
    }
    (text.contains('*') && !text.contains('/') && (text.starts_with('*') || text.ends_with('*'))).then(|| Reading {
        matches: matches.to_owned(),
        offers,
        nearly_dead,
    })
}

fn path(text: &str) -> Option<Reading> {
    if text.contains("**/") {
        return None;
    }
    let (folder, last) = text.rsplit_once('/').map_or((None, text), |(folder, last)| (Some(folder), last));
    if !is_wild(last) {
        let is_file = FILES.contains(&last) || has_extension(last);
        return match folder {
            None if ROOT_FILES.contains(&last) => None,
            None if has_extension(last) => Some(Reading {
                matches: "it matches only that file at the root".to_owned(),
                offers: vec![format!("**/{text}")],
                nearly_dead: false,
            }),
            None if is_file => Some(Reading {
                matches: "it matches only that file at the root".to_owned(),
                offers: vec![format!("**/{text}")],
                nearly_dead: true,
            }),
            None => Some(Reading {
                matches: "it matches only a file or link of exactly that name at the root, and nothing inside a folder"
                    .to_owned(),
                offers: vec![format!("{text}/**/*"), format!("**/{text}")],
                nearly_dead: true,
            }),
            Some(_) if is_file => None,
            Some(_) => Some(Reading {
                matches: "it matches only a file or link at exactly that path, and nothing inside a folder".to_owned(),
                offers: vec![format!("{text}/**/*")],
                // Folders of programs, whose files have no extension.
                nearly_dead: !folder.is_some_and(|folder| ["bin", "debian", "sbin", "scripts"].contains(&folder)),
            }),
        };
    }
    match folder {
        None => one_segment(text, "it matches only at the root: `*` does not match `/`", true).map(|mut reading| {
            let everywhere = format!("**/{text}");
            if !reading.offers.contains(&everywhere) {
                reading.offers.insert(0, everywhere);
            }
            reading
        }),
        Some(folder) if last.contains('*') => Some(Reading {
            matches: "it matches one level only: `*` does not match `/`".to_owned(),
            offers: vec![format!("{folder}/**/{last}")],
            nearly_dead: false,
        }),
        Some(_) => None,
    }
}

fn reference(text: &str, target: Target) -> Option<Reading> {
    let what = target.as_str();
    let matches =
        format!("it matches only {} without a `/`: `*` does not match `/`", if what == "tag" { "tags" } else { "branches" });
    // Names of tags seldom have a `/`, those of branches often.
    one_segment(text, &matches, target == Target::Branch || text == "*")
}

/// What a pattern that is read in two ways says, and where: nearly dead ones or the others.
fn readings(context: &mut Context<'_>, nearly_dead: bool) {
    for ruleset in context.rulesets() {
        refs(context, ruleset, nearly_dead);
        for rule in &ruleset.rules {
            let settings = rule.rule.settings();
            let Some(Value::Array(paths)) = settings.get("restricted_file_paths") else { continue };
            let list: Vec<&str> = paths.iter().filter_map(Value::as_str).collect();
            for text in &list {
                let found = path(text).filter(|reading| reading.nearly_dead == nearly_dead && !reading.is_written_in(&list));
                if let Some(reading) = found {
                    let message = format!("ruleset `{}`: `{}` restricts little by `{text}`", ruleset.name, id(rule));
                    context.found(rule.at, message, reading.help());
                }
            }
        }
    }
}

fn refs(context: &mut Context<'_>, ruleset: &Ruleset, nearly_dead: bool) {
    let scope = &ruleset.refs;
    let short = |set: &PatternSet| -> Vec<String> {
        let bare = |pattern: &Pattern| pattern.as_str().strip_prefix(scope.namespace).map(str::to_owned);
        set.patterns().iter().filter_map(bare).collect()
    };
    for (set, including) in [(&scope.include, true), (&scope.exclude, false)] {
        let texts = short(set);
        let list: Vec<&str> = texts.iter().map(String::as_str).collect();
        for text in &list {
            let Some(mut reading) = reference(text, ruleset.target) else { continue };
            // Too little excluded is too much judged, which shows at once.
            reading.nearly_dead &= including;
            if reading.nearly_dead != nearly_dead || (including && scope.include_all) || reading.is_written_in(&list) {
                continue;
            }
            let verb = if including { "includes" } else { "excludes" };
            context.found(ruleset.at, format!("ruleset `{}` {verb} little by `{text}`", ruleset.name), reading.help());
        }
    }
}

pub(super) fn narrow_pattern(context: &mut Context<'_>) {
    readings(context, true);
}

/// For information only: both readings are common.
pub(super) fn one_level(context: &mut Context<'_>) {
    readings(context, false);
    let allowed: Vec<&str> = context.policy.server.allowed_refs.patterns().iter().map(Pattern::as_str).collect();
    for text in &allowed {
        for (namespace, target) in [("refs/heads/", Target::Branch), ("refs/tags/", Target::Tag)] {
            let Some(reading) = text.strip_prefix(namespace).and_then(|text| reference(text, target)) else { continue };
            let offers: Vec<String> = reading.offers.iter().map(|offer| format!("{namespace}{offer}")).collect();
            let reading = Reading { offers, ..reading };
            let all = format!("{namespace}**/*");
            if !reading.is_written_in(&allowed) && !allowed.contains(&all.as_str()) {
                context.found(
                    context.policy.server.allowed_refs_at,
                    format!("`allowed_refs` lets in little by `{text}`"),
                    reading.help(),
                );
            }
        }
    }
    // Only some hosts name repositories by more than owner and name.
    let nests = !matches!(
        context.policy.server.identity,
        None | Some(Identity::Gitea | Identity::Forgejo | Identity::Ghes | Identity::Bitbucket)
    );
    for ruleset in context.rulesets().filter(|_| nests) {
        let list: Vec<&str> = ruleset.repositories.include_full.patterns().iter().map(Pattern::as_str).collect();
        for text in &list {
            let found = text.strip_suffix("/*").filter(|folder| !is_wild(folder));
            let Some(folder) = found else { continue };
            let deeper = format!("{folder}/**/*");
            if !list.contains(&deeper.as_str()) {
                let help = format!("it matches one level only: `*` does not match `/`; for every level write `{deeper}`");
                context.found(ruleset.at, format!("ruleset `{}` is for few repositories by `{text}`", ruleset.name), help);
            }
        }
    }
}

/// A text pattern that must match is not bound to the ends of the text that it looks bound to.
pub(super) fn loose_pattern(context: &mut Context<'_>) {
    for ruleset in context.policy.rulesets.iter().filter(|ruleset| ruleset.enforcement != Enforcement::Disabled) {
        for rule in &ruleset.rules {
            let settings = rule.rule.settings();
            let text = |key: &str| settings.get(key).and_then(Value::as_str);
            let (Some(operator), Some(pattern)) = (text("operator"), text("pattern")) else { continue };
            if settings.get("negate") == Some(&Value::Bool(true)) {
                continue;
            }
            let is_email = id(rule).ends_with("_email_pattern");
            let is_name = id(rule).ends_with("_name_pattern");
            let why = match operator {
                "contains" if is_email => {
                    "it matches anywhere in an address, also in `x@example.org.example.net`; use `ends_with`"
                }
                "ends_with" if is_email && !pattern.contains('@') && !pattern.starts_with('.') => {
                    "it matches other domains with the same end; begin it with `@`"
                }
                "regex" if is_email && !anchored(pattern, &["$", r"\z"]) => {
                    "it matches anywhere in an address, also in `x@example.org.example.net`; end it with `$`"
                }
                "regex" if is_email && !pattern.contains('@') && !pattern.contains(['(', '[']) && !pattern.starts_with('^') => {
                    "it matches other domains with the same end; put `@` before the domain"
                }
                "regex" if is_name && !anchored(pattern, &["^", r"\A", "$", r"\z"]) => {
                    "it matches anywhere in a name; begin it with `^` and end it with `$`"
                }
                "regex" if (is_email || is_name) && binds_one_alternative(pattern) => {
                    "`^` and `$` belong to one alternative only; put the alternatives in brackets: `^(a|b)$`"
                }
                _ => continue,
            };
            context.found(rule.at, format!("ruleset `{}`: `{}` matches more than it reads", ruleset.name, id(rule)), why);
        }
    }
}

/// Whether one of these anchors stands in the expression, outside of sets and not escaped.
fn anchored(pattern: &str, anchors: &[&str]) -> bool {
    let mut rest = pattern;
    let mut in_set = false;
    while let Some(first) = rest.chars().next() {
        if !in_set && anchors.iter().any(|anchor| rest.starts_with(anchor)) {
            return true;
        }
        let mut skip = first.len_utf8();
        match first {
            '\\' => skip += rest.chars().nth(1).map_or(0, char::len_utf8),
            '[' => in_set = true,
            ']' => in_set = false,
            _ => {}
        }
        rest = rest.get(skip..).unwrap_or_default();
    }
    false
}

/// Whether some alternatives outside of all brackets are anchored at an end where others are not.
fn binds_one_alternative(pattern: &str) -> bool {
    let mut alternatives = vec![String::new()];
    let (mut depth, mut in_set, mut escaped) = (0_usize, false, false);
    for character in pattern.chars() {
        let splits = !escaped && !in_set && depth == 0 && character == '|';
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_set = true,
            ']' => in_set = false,
            '(' if !in_set => depth += 1,
            ')' if !in_set => depth = depth.saturating_sub(1),
            _ => {}
        }
        match alternatives.last_mut() {
            Some(last) if !splits => last.push(character),
            _ => alternatives.push(String::new()),
        }
    }
    let begins = |alternative: &&String| alternative.starts_with('^') || alternative.starts_with(r"\A");
    let ends = |alternative: &&String| alternative.ends_with('$') || alternative.ends_with(r"\z");
    let some_not_all = |count: usize| count > 0 && count < alternatives.len();
    some_not_all(alternatives.iter().filter(begins).count()) || some_not_all(alternatives.iter().filter(ends).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_a_path_is_also_read() {
        for (text, offers, nearly_dead) in [
            ("infra", &["infra/**/*", "**/infra"][..], true),
            (".github", &[".github/**/*", "**/.github"], true),
            (".github/workflows", &[".github/workflows/**/*"], true),
            ("Dockerfile", &["**/Dockerfile"], true),
            ("*.pem", &["**/*.pem"], true),
            ("*", &["**/*"], true),
            ("secret*", &["**/secret*", "secret*/**/*"], true),
            ("package.json", &["**/package.json"], false),
            ("infra/*", &["infra/**/*"], false),
            ("docs/*.md", &["docs/**/*.md"], false),
        ] {
            let reading = path(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (reading.offers, reading.nearly_dead),
                (offers.iter().map(|offer| (*offer).to_owned()).collect(), nearly_dead)
            );
        }
        for text in
            ["infra/**/*", "**/*.pem", "**/Dockerfile", "CODEOWNERS", ".gitlab-ci.yml", "docker/Dockerfile", "a/b.txt", "**/*"]
        {
            assert!(path(text).is_none(), "{text}");
        }
    }

    #[test]
    fn anchors_are_found_where_they_anchor() {
        for (pattern, expected) in
            [("a$", true), (r"a\$", false), ("[$]a", false), (r"a\z", true), ("(a|b$)", true), ("a", false)]
        {
            assert_eq!(anchored(pattern, &["$", r"\z"]), expected, "{pattern}");
        }
        for (pattern, expected) in [
            ("^a|b$", true),
            ("^a|b", true),
            ("^(a|b)$", false),
            ("^a$|^b$", false),
            ("a|b", false),
            (r"^a\|b$", false),
            ("^[a|b]$", false),
        ] {
            assert_eq!(binds_one_alternative(pattern), expected, "{pattern}");
        }
    }
}
