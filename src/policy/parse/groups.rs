//! `[groups]`, and the lists of names that refer to them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::de::DeValue;

use super::reader::{Reader, Text, Value, in_order, nearest};
use crate::policy::actors::{ActorPattern, Actors, Group, is_github_only, name_fault};

/// How deep groups may nest: deeper than anybody follows, and shallow enough to be walked by recursion.
const DEEPEST: usize = 32;

/// A group as written.
struct Written {
    members: Vec<Text>,
    github: Option<Vec<Text>>,
    span: Range<usize>,
}

/// Every group as written, and which of them anything refers to.
#[derive(Default)]
pub(super) struct Groups {
    written: BTreeMap<String, Written>,
    used: BTreeSet<String>,
    /// The wildcard that may stand where names are exact.
    ci_runs: Option<&'static str>,
}

/// Exact names, on a git server and on GitHub.
#[derive(Default)]
pub(super) struct ExactNames {
    pub(super) server: Vec<String>,
    pub(super) github: Vec<String>,
}

impl Groups {
    pub(super) fn read(reader: &mut Reader<'_>, value: Option<&Value<'_>>) -> Groups {
        let mut groups = Groups::default();
        let Some(value) = value else { return groups };
        let DeValue::Table(table) = value.get_ref() else {
            reader.wrong_kind(value, "`[groups]`", "a table");
            return groups;
        };
        for (name, value) in in_order(table) {
            let readable = |c: char| c.is_alphanumeric() || "-_.".contains(c);
            if name.get_ref().is_empty() || !name.get_ref().chars().all(readable) {
                let help = "a group's name holds letters, digits, `-`, `_` and `.`; the `@` stands only where it is referred to";
                reader.problem_help(name.span(), format!("`{}` cannot name a group", name.get_ref()), Some(help));
            }
            let (members, github) = match value.get_ref() {
                DeValue::Array(_) => (reader.texts(value, "a group"), None),
                DeValue::Table(_) => match reader.table(value, "a group", &["members", "github"]) {
                    Some(table) => (
                        table.get("members").map(|value| reader.texts(value, "`members`")).unwrap_or_default(),
                        table.get("github").map(|value| reader.texts(value, "`github`")),
                    ),
                    None => (Vec::new(), None),
                },
                _ => {
                    reader.wrong_kind(value, "a group", "a list of names, or a table of `members` and `github`");
                    (Vec::new(), None)
                }
            };
            groups.written.insert(name.get_ref().to_string(), Written { members, github, span: name.span() });
        }
        groups.validate(reader);
        groups
    }

    /// Says which wildcard names nobody that can be chosen, so that it may stand where names are exact.
    pub(super) fn allow_ci_runs(&mut self, name: Option<&'static str>) {
        self.ci_runs = name;
    }

    fn is_chosen(&self, name: &str) -> bool {
        name.contains('*') && self.ci_runs != Some(name)
    }

    /// Complains of names that mean nothing in a group, of unknown groups and of groups that contain themselves.
    fn validate(&self, reader: &mut Reader<'_>) {
        for written in self.written.values() {
            for name in &written.members {
                self.plain_name(reader, name);
            }
            for name in written.github.iter().flatten() {
                if self.plain_name(reader, name) && name.get_ref().contains('*') {
                    reader.problem(name.span(), format!("`{}` is a wildcard; GitHub's names are exact", name.get_ref()));
                }
            }
        }
        let mut finished = BTreeSet::new();
        for name in self.written.keys() {
            self.find_cycle(reader, name, &mut Vec::new(), &mut finished);
        }
    }

    /// Whether a name in a group is a name; a reference is checked as one.
    fn plain_name(&self, reader: &mut Reader<'_>, name: &Text) -> bool {
        let text = name.get_ref().as_str();
        if let Some(group) = text.strip_prefix('@') {
            return self.is_known(reader, name.span(), group);
        }
        if text.starts_with('!') {
            reader.problem_help(name.span(), format!("`{text}` excludes within a group"), Some("`!` stands in `actors` only"));
            return false;
        }
        is_name(reader, name)
    }

    fn find_cycle<'g>(
        &'g self,
        reader: &mut Reader<'_>,
        name: &'g str,
        path: &mut Vec<&'g str>,
        finished: &mut BTreeSet<&'g str>,
    ) {
        let Some(written) = self.written.get(name) else { return };
        if finished.contains(name) {
            return;
        }
        path.push(name);
        for reference in written.members.iter().chain(written.github.iter().flatten()) {
            let Some(group) = reference.get_ref().strip_prefix('@') else { continue };
            match path.iter().position(|&outer| outer == group) {
                Some(from) => {
                    let circle: Vec<&str> = path.iter().skip(from).copied().chain([group]).collect();
                    reader.problem(reference.span(), format!("group `{group}` contains itself: {}", circle.join(" > ")));
                }
                None if path.len() >= DEEPEST => {
                    reader.problem(reference.span(), format!("groups nest deeper than {DEEPEST} levels"));
                }
                None => self.find_cycle(reader, group, path, finished),
            }
        }
        path.pop();
        finished.insert(name);
    }

    fn is_known(&self, reader: &mut Reader<'_>, span: Range<usize>, group: &str) -> bool {
        let known = self.written.contains_key(group);
        if !known {
            let names: Vec<&str> = self.written.keys().map(String::as_str).collect();
            let help = match nearest(group, &names) {
                Some(meant) => format!("did you mean `@{meant}`?"),
                None => format!("define it: [groups] {group} = [\"name\"]"),
            };
            reader.problem_help(span, format!("unknown group `@{group}`"), Some(help));
        }
        known
    }

    /// The names in a group, nested groups resolved, each once.
    fn members(&self, group: &str) -> Vec<&Text> {
        let mut found: Vec<&Text> = Vec::new();
        let (mut seen, mut names) = (BTreeSet::new(), BTreeSet::new());
        let mut open = vec![group];
        while let Some(group) = open.pop() {
            if !seen.insert(group) {
                continue;
            }
            for name in self.written.get(group).map(|written| written.members.as_slice()).unwrap_or_default() {
                match name.get_ref().strip_prefix('@') {
                    Some(inner) => open.push(inner),
                    None if names.insert(name.get_ref()) => found.push(name),
                    None => {}
                }
            }
        }
        found
    }

    /// The names of a group on GitHub: its `github` list, else its members' own names as far as they are exact.
    fn github(&self, group: &str, depth: usize, seen: &mut BTreeSet<String>) -> Vec<String> {
        // Groups that nest deeper are a problem already.
        if depth > DEEPEST || !seen.insert(group.to_owned()) {
            return Vec::new();
        }
        let Some(written) = self.written.get(group) else { return Vec::new() };
        let mut found: Vec<String> = Vec::new();
        let mut known = BTreeSet::new();
        for name in written.github.as_ref().unwrap_or(&written.members) {
            let names = match name.get_ref().strip_prefix('@') {
                Some(inner) => self.github(inner, depth + 1, seen),
                None if name.get_ref().contains('*') => Vec::new(),
                None => vec![name.get_ref().clone()],
            };
            for name in names {
                if known.insert(name.clone()) {
                    found.push(name);
                }
            }
        }
        found
    }

    /// Notes that something other than a group refers to this group, and so to the groups in it.
    fn mark_used(&mut self, group: &str) {
        let mut open = vec![group.to_owned()];
        while let Some(group) = open.pop() {
            if let Some(written) = self.written.get(&group)
                && self.used.insert(group)
            {
                let names = written.members.iter().chain(written.github.iter().flatten());
                open.extend(names.filter_map(|name| name.get_ref().strip_prefix('@')).map(str::to_owned));
            }
        }
    }

    /// Checks a reference that stands for itself, such as an owner.
    pub(super) fn refer(&mut self, reader: &mut Reader<'_>, name: &Text) {
        if let Some(group) = name.get_ref().strip_prefix('@')
            && self.is_known(reader, name.span(), group)
        {
            self.mark_used(group);
        }
    }

    /// The groups as the policy keeps them.
    pub(super) fn finish(&self, reader: &Reader<'_>) -> BTreeMap<String, Group> {
        let resolve = |(name, written): (&String, &Written)| {
            let members = self.members(name).into_iter().map(|member| ActorPattern::new(member.get_ref())).collect();
            let github = self.github(name, 1, &mut BTreeSet::new());
            (name.clone(), Group { members, github, used: self.used.contains(name), at: reader.at(written.span.start) })
        };
        self.written.iter().map(resolve).collect()
    }

    /// `actors`: names, wildcards and groups, `!` before whom it excludes.
    pub(super) fn actors(&mut self, reader: &mut Reader<'_>, value: &Value<'_>) -> Actors {
        let mut actors = Actors::default();
        for entry in reader.texts(value, "`actors`") {
            let (excluded, name) = match entry.get_ref().strip_prefix('!') {
                Some(rest) => (true, rest.to_owned()),
                None => (false, entry.get_ref().clone()),
            };
            let side = if excluded { &mut actors.except } else { &mut actors.only };
            if name.is_empty() || name.starts_with('!') {
                reader.problem(entry.span(), format!("`{}` names nobody", entry.get_ref()));
            } else if let Some(group) = name.strip_prefix('@') {
                if self.is_known(reader, entry.span(), group) {
                    self.mark_used(group);
                    let members = self.members(group);
                    if members.iter().all(|member| is_github_only(member.get_ref())) && !excluded {
                        // An empty list of names means everyone, so this must not become one.
                        let members = if members.is_empty() { "no members" } else { "no members on a git server" };
                        reader.problem(entry.span(), format!("`{name}` has {members}, so nobody would be judged"));
                    }
                    side.extend(members.into_iter().map(|member| ActorPattern::new(member.get_ref())));
                }
            } else if is_name(reader, &entry) {
                if is_github_only(&name) {
                    let help = "GitHub's rulesets judge everyone, so `actors` binds on git servers only: write the names that the server uses";
                    reader.problem_help(entry.span(), format!("`{name}` names nobody on a git server"), Some(help));
                }
                side.push(ActorPattern::new(name));
            }
        }
        if matches!(value.get_ref(), DeValue::Array(array) if array.is_empty()) {
            reader.problem_help(value.span(), "`actors` is empty", Some("leave it out to judge everyone"));
        }
        actors
    }

    /// A name or group that must be exact: what it relaxes must not be open to who chooses a fitting name.
    pub(super) fn exact(&mut self, reader: &mut Reader<'_>, name: &Text) -> ExactNames {
        let text = name.get_ref().as_str();
        let help = "name each account: account names can be chosen";
        if text.starts_with('!') {
            reader.problem_help(name.span(), format!("`{text}` excludes, which stands in `actors` only"), None::<&str>);
        } else if let Some(group) = text.strip_prefix('@') {
            if !self.is_known(reader, name.span(), group) {
                return ExactNames::default();
            }
            self.mark_used(group);
            let members = self.members(group);
            let wildcards: Vec<&Text> = members.iter().filter(|member| self.is_chosen(member.get_ref())).copied().collect();
            for wildcard in &wildcards {
                let line = reader.at(wildcard.span().start).line;
                let help = format!("{help}; the wildcard stands in line {line}");
                reader.problem_help(name.span(), format!("`{text}` holds the wildcard `{}`", wildcard.get_ref()), Some(help));
            }
            if wildcards.is_empty() {
                let server = members.iter().filter(|member| !is_github_only(member.get_ref()));
                return ExactNames {
                    server: server.map(|member| member.get_ref().clone()).collect(),
                    github: self.github(group, 1, &mut BTreeSet::new()),
                };
            }
        } else if self.is_chosen(text) {
            reader.problem_help(name.span(), format!("`{text}` is a wildcard"), Some(help));
        } else if self.ci_runs == Some(text) {
            return ExactNames { server: vec![text.to_owned()], github: Vec::new() };
        } else if is_name(reader, name) {
            let server = if is_github_only(text) { vec![] } else { vec![text.to_owned()] };
            return ExactNames { server, github: vec![text.to_owned()] };
        }
        ExactNames::default()
    }

    /// A list of exact names on a git server.
    pub(super) fn exact_on_server(&mut self, reader: &mut Reader<'_>, value: &Value<'_>, what: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for entry in reader.texts(value, what) {
            if is_github_only(entry.get_ref()) {
                reader.problem(entry.span(), format!("`{}` names nobody on a git server", entry.get_ref()));
                continue;
            }
            for name in self.exact(reader, &entry).server {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}

/// Whether this can be the name of an account, as the server tells it; complains if not, and of `team:` and the like with nothing
/// behind it.
fn is_name(reader: &mut Reader<'_>, name: &Text) -> bool {
    let text = name.get_ref().strip_prefix('!').unwrap_or(name.get_ref());
    if ["team:", "app:", "role:"].contains(&text) {
        reader.problem(name.span(), format!("nothing follows `{text}`"));
    } else if let Some(fault) = name_fault(text) {
        let help = "no pusher is let in by such a name; write the account's own";
        reader.problem_help(name.span(), format!("`{text}` {fault}"), Some(help));
    } else {
        return true;
    }
    false
}
