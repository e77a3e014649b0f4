//! `[[ruleset]]`.

use toml::de::{DeTable, DeValue};

use super::groups::Groups;
use super::reader::{Reader, Text, Value};
use super::{rule, scopes};
use crate::policy::{Actors, Bypass, BypassMode, Enforcement, RefScope, RepositoryScope, Ruleset, Server};
use crate::rules::Target;

const KEYS: &[&str] = &[
    "name",
    "github_name",
    "target",
    "refs",
    "repositories",
    "enforcement",
    "actors",
    "bypass",
    "trust_default_branch",
    "rules",
];
const TARGETS: &[(&str, Target)] = &[("branch", Target::Branch), ("tag", Target::Tag), ("push", Target::Push)];
const ENFORCEMENTS: &[(&str, Enforcement)] =
    &[("active", Enforcement::Active), ("evaluate", Enforcement::Evaluate), ("disabled", Enforcement::Disabled)];
const MODES: &[(&str, BypassMode)] =
    &[("always", BypassMode::Always), ("pull_request", BypassMode::PullRequest), ("exempt", BypassMode::Exempt)];

/// Every ruleset that can be read. What is wrong with one does not hide the others.
pub(super) fn read_all(reader: &mut Reader<'_>, value: Option<&Value<'_>>, groups: &mut Groups, server: &Server) -> Vec<Ruleset> {
    let Some(value) = value else { return Vec::new() };
    let DeValue::Array(array) = value.get_ref() else {
        let help = Some("each ruleset begins with `[[ruleset]]`, in two pairs of brackets");
        reader.problem_help(value.span(), format!("`ruleset` is {}", super::reader::kind(value.get_ref())), help);
        return Vec::new();
    };
    let mut names: Vec<Text> = Vec::new();
    let mut rulesets = Vec::new();
    for element in array {
        rulesets.extend(read(reader, element, groups, &mut names, server));
    }
    rulesets
}

fn read(
    reader: &mut Reader<'_>,
    value: &Value<'_>,
    groups: &mut Groups,
    names: &mut Vec<Text>,
    server: &Server,
) -> Option<Ruleset> {
    let table = reader.table(value, "`[[ruleset]]`", KEYS)?;
    let name = name(reader, value, table, names);
    let github_name = table.get("github_name").and_then(|name| reader.label(name, "`github_name`"));
    let target = match table.get("target") {
        Some(target) => reader.word(target, "target", TARGETS),
        None => {
            reader.missing(value.span(), "the ruleset has no `target`", Some("one of `branch`, `tag`, `push`"));
            None
        }
    };
    let refs = refs(reader, value, table, target);
    let repositories = table.get("repositories").map(|value| scopes::of_ruleset(reader, value, server));
    let enforcement = match table.get("enforcement") {
        Some(value) => reader.word(value, "enforcement", ENFORCEMENTS),
        None => Some(Enforcement::Active),
    };
    let actors = table.get("actors").map(|value| groups.actors(reader, value));
    let bypass = table.get("bypass").map(|value| bypasses(reader, value, target, groups));
    let trust_default_branch = match table.get("trust_default_branch") {
        Some(value) => reader.boolean(value, "`trust_default_branch`"),
        None => Some(true),
    };
    let rules = match table.get("rules") {
        Some(rules) => {
            let before = reader.count();
            let configured = rule::read(reader, rules, target);
            if configured.is_empty() && reader.count() == before {
                reader.missing(value.span(), "the ruleset has no rules", Some("switch one on: `deletion = true`, for instance"));
            }
            configured
        }
        None => {
            reader.missing(
                value.span(),
                "the ruleset has no rules",
                Some("add `[ruleset.rules]` with `deletion = true`, for instance"),
            );
            Vec::new()
        }
    };
    Some(Ruleset {
        name: name?,
        github_name: github_name.map(Text::into_inner),
        target: target?,
        refs,
        repositories: repositories.unwrap_or_else(RepositoryScope::all),
        enforcement: enforcement?,
        actors: actors.unwrap_or_else(Actors::default),
        bypass: bypass.unwrap_or_default(),
        trust_default_branch: trust_default_branch?,
        rules,
        at: reader.at(value.span().start),
    })
}

fn name(reader: &mut Reader<'_>, value: &Value<'_>, table: &DeTable<'_>, names: &mut Vec<Text>) -> Option<String> {
    let Some(name) = table.get("name") else {
        reader.missing(value.span(), "the ruleset has no `name`", Some("refusals and reports call it by its name"));
        return None;
    };
    let name = reader.label(name, "`name`")?;
    if let Some(first) = names.iter().find(|other| other.get_ref() == name.get_ref()) {
        let help = format!("the first stands in line {}", reader.at(first.span().start).line);
        reader.problem_help(name.span(), format!("a second ruleset is named `{}`", name.get_ref()), Some(help));
    }
    names.push(name.clone());
    Some(name.into_inner())
}

fn refs(reader: &mut Reader<'_>, value: &Value<'_>, table: &DeTable<'_>, target: Option<Target>) -> RefScope {
    match (target, table.get_key_value("refs")) {
        (Some(Target::Push), None) => RefScope { namespace: "refs/", include_all: true, ..RefScope::default() },
        (Some(Target::Push), Some((key, _))) => {
            let help = "leave it out: a push ruleset is about every push to the repository";
            reader.problem_help(key.span(), "a push ruleset takes no `refs`", Some(help));
            RefScope::default()
        }
        (Some(target), Some((_, refs))) => scopes::refs(reader, refs, target),
        (Some(target), None) => {
            let example = if target == Target::Branch { "~DEFAULT_BRANCH" } else { "~ALL" };
            let help = format!("say which: `refs = [\"{example}\"]`");
            reader.missing(value.span(), format!("the {} ruleset has no `refs`", target.as_str()), Some(help));
            RefScope::default()
        }
        (None, _) => RefScope::default(),
    }
}

fn bypasses(reader: &mut Reader<'_>, value: &Value<'_>, target: Option<Target>, groups: &mut Groups) -> Vec<Bypass> {
    let DeValue::Array(array) = value.get_ref() else {
        reader.wrong_kind(value, "`bypass`", "a list of tables such as `{ actor = \"@group\" }`");
        return Vec::new();
    };
    array.iter().filter_map(|element| bypass(reader, element, target, groups)).collect()
}

fn bypass(reader: &mut Reader<'_>, value: &Value<'_>, target: Option<Target>, groups: &mut Groups) -> Option<Bypass> {
    let table = reader.table(value, "a bypass", &["actor", "mode", "until", "reason"])?;
    let actor = match table.get("actor") {
        Some(actor) => reader.text(actor, "`actor`"),
        None => {
            reader.missing(value.span(), "the bypass has no `actor`", Some("name who passes: `{ actor = \"@group\" }`"));
            None
        }
    };
    let names = actor.as_ref().map(|actor| groups.exact(reader, actor)).unwrap_or_default();
    let mode = match table.get("mode") {
        Some(value) => {
            let mode = reader.word(value, "mode", MODES);
            if mode == Some(BypassMode::PullRequest) && target.is_some_and(|target| target != Target::Branch) {
                let help = "pull requests merge into branches; use `always`";
                reader.problem_help(value.span(), "the mode `pull_request` stands in branch rulesets only", Some(help));
            }
            mode
        }
        None => Some(BypassMode::Always),
    };
    let until = table.get("until").map(|value| reader.date(value, "`until`"));
    let reason = table.get("reason").and_then(|value| reader.text(value, "`reason`"));
    Some(Bypass {
        actor: actor?.into_inner(),
        names: names.server,
        github: names.github,
        mode: mode?,
        until: until.flatten(),
        reason: reason.map(Text::into_inner),
        at: reader.at(value.span().start),
    })
}
