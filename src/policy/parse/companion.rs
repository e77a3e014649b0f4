//! `[github]` and `[[exempt]]`.

use toml::de::{DeTable, DeValue};

use super::groups::Groups;
use super::reader::{Reader, Text, Value};
use super::scopes;
use crate::policy::RepositoryScope;
use crate::policy::github::{Exempt, Github, Level, Mechanism, Repositories, Unmanaged, Visibility};

const KEYS: &[&str] =
    &["owner", "repositories", "level", "mechanism", "unmanaged", "can_approve_pull_request_reviews", "api_url"];
const LEVELS: &[(&str, Level)] = &[("repository", Level::Repository), ("organization", Level::Organization)];
const MECHANISMS: &[(&str, Mechanism)] = &[("rulesets", Mechanism::Rulesets), ("branch_protection", Mechanism::BranchProtection)];
const UNMANAGED: &[(&str, Unmanaged)] =
    &[("report", Unmanaged::Report), ("ignore", Unmanaged::Ignore), ("delete", Unmanaged::Delete)];
const VISIBILITIES: &[(&str, Visibility)] =
    &[("public", Visibility::Public), ("private", Visibility::Private), ("internal", Visibility::Internal)];

pub(super) fn github(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Github> {
    let table = reader.table(value, "`[github]`", KEYS)?;
    let owner = match table.get("owner") {
        Some(owner) => reader.text(owner, "`owner`"),
        None => {
            reader.missing(value.span(), "`[github]` has no `owner`", Some("an organization or a user"));
            None
        }
    };
    if let Some(owner) = &owner
        && !owner.get_ref().chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    {
        reader.problem(owner.span(), format!("`{}` is no name of an organization or user", owner.get_ref()));
    }
    let level = word_or(reader, table, "level", LEVELS, Level::Repository);
    let mechanism = word_or(reader, table, "mechanism", MECHANISMS, Mechanism::Rulesets);
    let unmanaged = word_or(reader, table, "unmanaged", UNMANAGED, Unmanaged::Report);
    if let (Some(Level::Organization), Some(Mechanism::BranchProtection), Some(value)) = (level, mechanism, table.get("level")) {
        reader.problem(value.span(), "branch protections exist in repositories only");
    }
    let repositories = table.get("repositories").map(|value| repositories(reader, value)).unwrap_or_default();
    let api_url = match table.get("api_url") {
        Some(value) => reader.text(value, "`api_url`").and_then(|url| api_url(reader, &url)),
        None => Some("https://api.github.com".to_owned()),
    };
    Some(Github {
        owner: owner?.into_inner(),
        repositories,
        level: level?,
        mechanism: mechanism?,
        unmanaged: unmanaged?,
        can_approve_pull_request_reviews: table
            .get("can_approve_pull_request_reviews")
            .and_then(|value| reader.boolean(value, "`can_approve_pull_request_reviews`")),
        api_url: api_url?,
        at: reader.at(value.span().start),
    })
}

fn word_or<T: Clone>(reader: &mut Reader<'_>, table: &DeTable<'_>, key: &str, words: &[(&str, T)], otherwise: T) -> Option<T> {
    match table.get(key) {
        Some(value) => reader.word(value, key, words),
        None => Some(otherwise),
    }
}

fn repositories(reader: &mut Reader<'_>, value: &Value<'_>) -> Repositories {
    let DeValue::Table(_) = value.get_ref() else {
        return Repositories { scope: scopes::repositories(reader, value), ..Repositories::default() };
    };
    let keys = &["include", "exclude", "topics", "visibility", "archived"];
    let Some(table) = reader.table(value, "`repositories`", keys) else { return Repositories::default() };
    let visibility = table.get("visibility").map(|value| match value.get_ref() {
        DeValue::Array(array) => array.iter().filter_map(|value| reader.word(value, "visibility", VISIBILITIES)).collect(),
        _ => {
            reader.wrong_kind(value, "`visibility`", "a list of words");
            Vec::new()
        }
    });
    let topics = table.get("topics").map(|value| reader.texts(value, "`topics`")).unwrap_or_default();
    Repositories {
        scope: scopes::of_table(reader, table),
        topics: topics.into_iter().map(Text::into_inner).collect(),
        visibility: visibility.unwrap_or_default(),
        archived: table.get("archived").and_then(|value| reader.boolean(value, "`archived`")).unwrap_or_default(),
    }
}

/// Tokens travel to this address, so it must be encrypted, or stay on this machine.
fn api_url(reader: &mut Reader<'_>, url: &Text) -> Option<String> {
    let text = url.get_ref().as_str();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let local = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let wrong = if host.is_empty() {
        "is no address"
    } else if authority.contains('@') {
        "carries credentials"
    } else if text.contains(['?', '#', ' ']) {
        "is more than an address"
    } else if text.starts_with("http://") && !local {
        "is not encrypted"
    } else {
        return Some(text.trim_end_matches('/').to_owned());
    };
    let help = "`https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise Server";
    reader.problem_help(url.span(), format!("`api_url` {wrong}"), Some(help));
    None
}

pub(super) fn exempt(reader: &mut Reader<'_>, value: &Value<'_>, groups: &mut Groups) -> Option<Exempt> {
    let table = reader.table(value, "`[[exempt]]`", &["check", "repositories", "reason", "until", "owner"])?;
    let required = |reader: &mut Reader<'_>, key: &str| match table.get(key) {
        Some(value) => reader.text(value, &format!("`{key}`")),
        None => {
            reader.missing(value.span(), format!("the exemption has no `{key}`"), None::<&str>);
            None
        }
    };
    let check = required(reader, "check");
    let reason = required(reader, "reason");
    let repositories = table.get("repositories").map(|value| scopes::repositories(reader, value));
    let until = table.get("until").and_then(|value| reader.date(value, "`until`"));
    let owner = table.get("owner").and_then(|value| reader.text(value, "`owner`"));
    if let Some(owner) = &owner {
        groups.refer(reader, owner);
    }
    Some(Exempt {
        check: check?.into_inner(),
        repositories: repositories.unwrap_or_else(RepositoryScope::all),
        reason: reason?.into_inner(),
        until,
        owner: owner.map(Text::into_inner),
        at: reader.at(value.span().start),
    })
}
