//! From TOML to a policy.
//!
//! Every problem is found in one go: what is wrong with one table, ruleset, group or rule hides nothing of the others.
//! Each table is read by hand over values that know their place, so that every problem has a line, a column and a span.

mod companion;
mod groups;
mod quantity;
mod reader;
mod rule;
mod ruleset;
mod scopes;
mod server;
mod strings;
mod toml_1_0;

use std::fmt::Write as _;

use serde::Deserialize as _;
use sha2::{Digest as _, Sha256};
use toml::de::{DeTable, DeValue, ValueDeserializer};

pub(crate) use self::server::unfit_in_git_directory;

pub(super) use self::strings::stray;

use self::groups::Groups;
use self::reader::{Reader, Value};
use super::problem::deceives;
use super::{Location, Policy, Problem};

/// The largest policy that is read, in bytes.
const MAX_SIZE: usize = 1 << 20;

const KEYS: &[&str] = &["version", "groups", "server", "ruleset", "github", "exempt", "signers", "case"];

/// Reads a policy. `file` is the name by which it is shown.
///
/// # Errors
/// Everything that is wrong with it (of several hundred problems, the first that are found), in the order of the file. There is at least one problem, and each lies within
/// `bytes`.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Policy, Vec<Problem>> {
    let source = text(bytes)?;
    let mut reader = Reader::new(source);
    deceptions(&mut reader);
    let (document, errors) = DeTable::parse_recoverable(source);
    for error in errors {
        reader.broken(error.span().unwrap_or(0..0), error.message());
    }
    let table = document.get_ref();
    if !version(&mut reader, table) {
        // A policy of another version may mean anything by its words.
        return Err(reader.into_problems());
    }
    reader.known_keys(table, "the policy", KEYS);
    toml_1_0::check(&mut reader, table);
    let mut groups = Groups::read(&mut reader, table.get("groups"));
    let server = server::read(&mut reader, table.get("server"), &mut groups);
    let rulesets = ruleset::read_all(&mut reader, table.get("ruleset"), &mut groups, &server);
    let github = table.get("github").and_then(|value| companion::github(&mut reader, value));
    let exempt = tables(&mut reader, table.get("exempt"), "exempt");
    let exempt = exempt.into_iter().filter_map(|value| companion::exempt(&mut reader, value, &mut groups)).collect();
    let signers = table.get("signers").and_then(|value| opaque(&mut reader, value, "`[signers]`"));
    let cases = tables(&mut reader, table.get("case"), "case");
    let cases = cases.into_iter().filter_map(|value| opaque(&mut reader, value, "`[[case]]`")).collect();
    if !reader.is_fine() {
        return Err(reader.into_problems());
    }
    let groups = groups.finish(&reader);
    Ok(Policy {
        file: file.to_owned(),
        digest: digest(bytes),
        version: 1,
        groups,
        server,
        rulesets,
        github,
        exempt,
        signers,
        cases,
    })
}

/// The bytes as text, unless they are none.
fn text(bytes: &[u8]) -> Result<&str, Vec<Problem>> {
    let start = Location { line: 1, column: 1 };
    let whole = |message: String, help: &str| vec![Problem { message, help: Some(help.to_owned()), span: 0..0, at: start }];
    if bytes.len() > MAX_SIZE {
        return Err(whole(
            format!("the policy has {} bytes, at most {MAX_SIZE} are read", bytes.len()),
            "is this the right file?",
        ));
    }
    if bytes.starts_with("\u{feff}".as_bytes()) {
        return Err(whole("the policy begins with a byte order mark".to_owned(), "save it as UTF-8 without BOM"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = error.valid_up_to();
        let before = std::str::from_utf8(bytes.get(..valid).unwrap_or_default()).unwrap_or_default();
        let span = valid..valid + error.error_len().unwrap_or(bytes.len() - valid);
        let at = Reader::new(before).at(valid);
        vec![Problem { message: "the policy is not UTF-8".to_owned(), help: Some("save it as UTF-8".to_owned()), span, at }]
    })
}

/// Complains of characters that make the file read differently from what it says, once for each line.
fn deceptions(reader: &mut Reader<'_>) {
    let source = reader.source;
    let mut offset = 0;
    for line in source.split_inclusive('\n') {
        if let Some((at, character)) = line.char_indices().find(|(_, character)| deceives(*character)) {
            let span = offset + at..offset + at + character.len_utf8();
            let help =
                "an editor may show this line differently from what it says; write the character as an escape, or remove it";
            reader.deception(span, &format!("the invisible character U+{:04X}", u32::from(character)), help);
        }
        offset += line.len();
    }
}

/// Whether the policy is of the one version there is.
fn version(reader: &mut Reader<'_>, table: &DeTable<'_>) -> bool {
    let help = Some("this program reads `version = 1`");
    match table.get("version") {
        None => {
            reader.missing(0..0, "the policy has no `version`", Some("begin it with `version = 1`"));
            true
        }
        Some(value) => match value.get_ref() {
            DeValue::Integer(version) if u64::from_str_radix(version.as_str(), version.radix()) == Ok(1) => true,
            DeValue::Integer(version) => {
                reader.problem_help(value.span(), format!("unknown version `{version}`"), help);
                false
            }
            other => {
                reader.problem_help(value.span(), format!("`version` is {}", reader::kind(other)), help);
                true
            }
        },
    }
}

/// The elements of an array of tables.
fn tables<'v, 't>(reader: &mut Reader<'_>, value: Option<&'v Value<'t>>, name: &str) -> Vec<&'v Value<'t>> {
    match value.map(|value| (value, value.get_ref())) {
        None => Vec::new(),
        Some((_, DeValue::Array(array))) => array.iter().collect(),
        Some((value, other)) => {
            let help = format!("each begins with `[[{name}]]`, in two pairs of brackets");
            reader.problem_help(value.span(), format!("`{name}` is {}", reader::kind(other)), Some(help));
            Vec::new()
        }
    }
}

/// A table that this version keeps without a look inside.
fn opaque(reader: &mut Reader<'_>, value: &Value<'_>, what: &str) -> Option<toml::Table> {
    let DeValue::Table(_) = value.get_ref() else {
        reader.wrong_kind(value, what, "a table");
        return None;
    };
    match toml::Table::deserialize(ValueDeserializer::from(value.clone())) {
        Ok(table) => Some(table),
        Err(error) => {
            reader.problem(error.span().unwrap_or_else(|| value.span()), error.message());
            None
        }
    }
}

/// What tells one policy from another: `sha256:` and the digest of its bytes.
pub fn digest(bytes: &[u8]) -> String {
    let mut digest = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}
