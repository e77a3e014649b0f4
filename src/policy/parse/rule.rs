//! `[ruleset.rules]`: each rule is found in the list of rules and reads its own settings.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::reader::{Reader, Value, in_order, nearest, suggestion};
use super::strings;
use crate::git::pattern::Pattern;
use crate::policy::ConfiguredRule;
use crate::rules::{self, Load, RULES, Rule, RuleEntry, Target};

/// Lists without which a rule refuses nothing.
const NOT_EMPTY: &[&str] = &[
    "restricted_file_paths",
    "restricted_file_extensions",
    "required_status_checks",
    "required_deployment_environments",
    "workflows",
    "code_scanning_tools",
];

type Loader = for<'de> fn(ValueDeserializer<'de>) -> Result<Box<dyn Rule>, toml::de::Error>;

/// The rules of a ruleset. `target` is `None` when it could not be read.
pub(super) fn read(reader: &mut Reader<'_>, value: &Value<'_>, target: Option<Target>) -> Vec<ConfiguredRule> {
    let DeValue::Table(table) = value.get_ref() else {
        reader.wrong_kind(value, "`rules`", "a table");
        return Vec::new();
    };
    let mut configured = Vec::new();
    for (name, value) in in_order(table) {
        let Some(entry) = rules::find(name.get_ref()) else {
            let known: Vec<&str> = RULES.iter().map(|entry| entry.info.id).collect();
            let help = nearest(name.get_ref(), &known).map(|meant| format!("did you mean `{meant}`?"));
            reader.problem_help(name.span(), format!("unknown rule `{}`", name.get_ref()), help);
            continue;
        };
        if let Some(target) = target
            && !entry.info.targets.contains(&target)
        {
            let targets: Vec<String> = entry.info.targets.iter().map(|target| format!("`{}`", target.as_str())).collect();
            let help = format!("it stands in rulesets with the target {}", targets.join(" or "));
            reader.problem_help(
                name.span(),
                format!("`{}` cannot stand in a {} ruleset", entry.info.id, target.as_str()),
                Some(help),
            );
        }
        load(reader, entry, name.span(), value, &mut configured);
    }
    configured
}

fn load(reader: &mut Reader<'_>, entry: &RuleEntry, name: Range<usize>, value: &Value<'_>, configured: &mut Vec<ConfiguredRule>) {
    let at = reader.at(name.start);
    let id = entry.info.id;
    let (switch, parameters) = match entry.load {
        Load::Switch(switch) => (Some(switch), None),
        Load::Parameters(parameters) => (None, Some(parameters)),
        Load::Either(switch, parameters) => (Some(switch), Some(parameters)),
    };
    match (value.get_ref(), switch, parameters) {
        (DeValue::Boolean(true), Some(switch), _) => configured.push(ConfiguredRule { rule: switch(), stated: Vec::new(), at }),
        (DeValue::Boolean(false), Some(_), _) => {}
        (DeValue::Table(_), _, Some(parameters)) => {
            let stated = keys(value);
            configured.extend(load_one(reader, id, parameters, value).map(|rule| ConfiguredRule { rule, stated, at }));
        }
        (DeValue::Array(array), _, Some(parameters)) => {
            if array.is_empty() {
                reader.problem(value.span(), format!("`{id}` is an empty list: the rule would refuse nothing"));
            }
            for element in array {
                if let DeValue::Table(_) = element.get_ref() {
                    let at = reader.at(element.span().start);
                    let stated = keys(element);
                    configured.extend(load_one(reader, id, parameters, element).map(|rule| ConfiguredRule { rule, stated, at }));
                } else {
                    reader.wrong_kind(element, &format!("an entry of `{id}`"), "a table");
                }
            }
        }
        (_, Some(_), None) => {
            let help = format!("the rule has no parameters: `{id} = true`");
            reader.problem_help(value.span(), format!("`{id}` is {}", super::reader::kind(value.get_ref())), Some(help));
        }
        (_, _, Some(_)) => {
            let help = format!("write its parameters: `{id} = {}`", entry.info.example);
            reader.problem_help(value.span(), format!("`{id}` is {}", super::reader::kind(value.get_ref())), Some(help));
        }
        // An entry without any way to load does not exist.
        (_, None, None) => {}
    }
}

/// The keys of a table, in order.
fn keys(value: &Value<'_>) -> Vec<String> {
    value.get_ref().as_table().into_iter().flatten().map(|(key, _)| key.get_ref().to_string()).collect()
}

fn load_one(reader: &mut Reader<'_>, id: &str, parameters: Loader, value: &Value<'_>) -> Option<Box<dyn Rule>> {
    if let DeValue::Table(table) = value.get_ref() {
        for (key, list) in table {
            let empty = matches!(list.get_ref(), DeValue::Array(array) if array.is_empty());
            if empty && NOT_EMPTY.contains(&key.get_ref().as_ref()) {
                reader.problem(list.span(), format!("`{}` is empty: the rule would refuse nothing", key.get_ref()));
            }
        }
    }
    let before = reader.count();
    check_strings(reader, id, "", value, false);
    let sound = reader.count() == before;
    match parameters(ValueDeserializer::from(value.clone())) {
        Ok(rule) => Some(rule).filter(|_| sound),
        Err(_) if !sound => None,
        Err(error) => {
            complain(reader, &error, value);
            None
        }
    }
}

/// Complains of strings in a rule's parameters that do not hold what they seem to hold.
fn check_strings(reader: &mut Reader<'_>, id: &str, key: &str, value: &Value<'_>, in_list: bool) {
    match value.get_ref() {
        DeValue::String(text) => check_string(reader, key, value.span(), text, in_list),
        DeValue::Array(array) => array.iter().for_each(|one| check_strings(reader, id, key, one, true)),
        DeValue::Table(table) => {
            for (key, value) in in_order(table) {
                match (key.get_ref().as_ref(), value.get_ref()) {
                    ("pattern", DeValue::String(text)) => check_text_pattern(reader, id, table, value.span(), text),
                    (key, _) => check_strings(reader, id, key, value, false),
                }
            }
        }
        _ => {}
    }
}

/// Names that GitHub holds, as they are there. One that nobody has does not relax a rule: it refuses every merge.
const EXACT_NAMES: &[&str] = &["context", "required_deployment_environments"];

/// Complains of a string that cannot be a name, a path or a word.
fn check_string(reader: &mut Reader<'_>, key: &str, string: Range<usize>, text: &str, in_list: bool) {
    if EXACT_NAMES.contains(&key) && !text.is_empty() {
        return;
    }
    // A name that is only shown may be written as GitHub holds it.
    if key == "name" && strings::fault(text).is_some_and(|fault| fault.part.is_some()) {
        return;
    }
    let is_path = key == "restricted_file_paths";
    if key == "restricted_file_extensions" && text.trim() == text && text.contains([' ', ',', ';']) {
        let help = "write each as a string of its own: `[\"jar\", \"exe\"]`";
        reader.problem_help(string, format!("`{text}` is not one file extension"), Some(help));
    } else if !(is_path && text.is_empty()) {
        // Of an empty pattern its own type knows what to say.
        let what = if in_list { format!("an entry of `{key}`") } else { format!("`{key}`") };
        let help = is_path.then_some("for a blank that is meant write `[ ]`, for any one character `?`");
        let _ = reader.check_string(string, text, &what, help);
    }
}

/// Complains of a text pattern that cannot do what it seems to do. Blanks and line ends may be meant; what no text can have may
/// not.
fn check_text_pattern(reader: &mut Reader<'_>, id: &str, table: &DeTable<'_>, string: Range<usize>, text: &str) {
    let operator = table.get("operator").and_then(|operator| operator.get_ref().as_str()).unwrap_or_default();
    let is_regex = operator == "regex";
    // Blanks mean nothing in an expression with the flag `x`.
    let is_verbose = is_regex
        && text.match_indices("(?").any(|(at, _)| {
            let flags = text.get(at + 2..).unwrap_or_default();
            flags.chars().take_while(char::is_ascii_alphabetic).any(|flag| flag == 'x')
        });
    if let Some((offset, character)) = strings::hides_something(text).filter(|_| !is_regex) {
        let span = reader.inside(&string, offset, character.len_utf8());
        let message = format!("the pattern contains the invisible character U+{:04X}", u32::from(character));
        reader.problem_help(span, message, Some("forbid such a character by a pattern of its own"));
    } else if id == "commit_message_pattern" {
        if operator == "ends_with" && text.trim_ascii_end() != text {
            let help = "a message is compared without the blanks at its end";
            reader.problem_help(string, "the pattern ends with a blank, so no message ends with it", Some(help));
        }
    } else if text.trim() != text && !is_verbose && !text.trim().is_empty() {
        let help = "neither addresses nor names of branches and tags begin or end with one";
        reader.problem_help(string, "the pattern begins or ends with a blank", Some(help));
    }
}

/// Turns what serde says into a problem, as near to the culprit as can be found.
fn complain(reader: &mut Reader<'_>, error: &toml::de::Error, value: &Value<'_>) {
    let message = error.message();
    let span = error.span().unwrap_or_else(|| value.span());
    let strings = strings_within(value, &span);

    // A pattern's own error carries no place beyond its list, so each string in there is asked again.
    let bad: Vec<_> =
        strings.iter().filter_map(|string| Pattern::parse(string.get_ref()).err().map(|bad| (string.span(), bad))).collect();
    if span != value.span() && bad.iter().any(|(_, bad)| message.contains(&bad.message)) {
        for (string, bad) in bad {
            reader.bad_pattern(string, &bad);
        }
        return;
    }
    let backticked = |word: &str| message.contains(&format!("`{word}`"));
    let span = match strings.as_slice() {
        [_] => span,
        several => several.iter().find(|string| backticked(string.get_ref())).map_or(span, |string| string.span()),
    };
    let quoted = quoted(message);
    if let Some(rest) = message.strip_prefix("unreadable regular expression: ") {
        let cause = rest.lines().last().unwrap_or(rest).trim().trim_start_matches("error: ");
        reader.problem_help(
            pattern_of(value, span),
            format!("unreadable regular expression: {cause}"),
            Some("the syntax is RE2's"),
        );
    } else if message.starts_with("an empty pattern") {
        reader.problem(pattern_of(value, span), message);
    } else if message.starts_with("unknown field ") {
        let (word, known) = quoted;
        reader.problem_help(span, format!("unknown key `{word}`"), Some(suggestion(word, &known)));
    } else if message.starts_with("unknown variant ") {
        let (word, known) = quoted;
        reader.problem_help(span, format!("unknown word `{word}`"), Some(suggestion(word, &known)));
    } else if message.starts_with("missing field ") {
        reader.missing(span, format!("the key `{}` is missing", quoted.0), None::<&str>);
    } else {
        reader.problem(span, plain(message));
    }
}

/// What serde says of a wrong value, in TOML's words instead of Rust's.
fn plain(message: &str) -> String {
    let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .or(message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "))
    else {
        return message.to_owned();
    };
    let expected = match expected {
        "a nonzero u8" | "a nonzero u16" | "a nonzero u32" | "a nonzero u64" => "an integer from 1 on",
        "u8" | "u16" | "u32" | "u64" | "usize" => "an integer from 0 on",
        "i8" | "i16" | "i32" | "i64" => "an integer",
        "a sequence" => "a list",
        "a map" => "a table",
        rust if rust.starts_with("struct ") => "a table",
        other => other,
    };
    let found = match found {
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        found => match found.split_once(" \"") {
            Some((kind, text)) => format!("the {kind} `{}`", text.trim_end_matches('"')),
            None => format!("the {found}"),
        },
    };
    format!("{found} stands where {expected} is expected")
}

/// The unknown word of a message, and the known ones: "unknown field `x`, expected one of `a`, `b`".
fn quoted(message: &str) -> (&str, Vec<&str>) {
    let (subject, expected) = message.rsplit_once(", expected ").unwrap_or((message, ""));
    let word = subject.split_once('`').map_or(subject, |(_, rest)| rest.strip_suffix('`').unwrap_or(rest));
    (word, expected.split('`').skip(1).step_by(2).collect())
}

/// The place of a text pattern in its table.
fn pattern_of(value: &Value<'_>, otherwise: Range<usize>) -> Range<usize> {
    value.get_ref().as_table().and_then(|table| table.get("pattern")).map_or(otherwise, Spanned::span)
}

/// The strings whose place lies within a span, in the order of the file.
fn strings_within<'v>(value: &'v Value<'_>, span: &Range<usize>) -> Vec<Spanned<&'v str>> {
    fn collect<'v>(value: &'v Value<'_>, span: &Range<usize>, found: &mut Vec<Spanned<&'v str>>) {
        match value.get_ref() {
            DeValue::String(text) if span.start <= value.span().start && value.span().end <= span.end => {
                found.push(Spanned::new(value.span(), text.as_ref()));
            }
            DeValue::Array(array) => array.iter().for_each(|element| collect(element, span, found)),
            DeValue::Table(table) => values(table).for_each(|value| collect(value, span, found)),
            _ => {}
        }
    }
    fn values<'v, 't>(table: &'v DeTable<'t>) -> impl Iterator<Item = &'v Value<'t>> {
        table.iter().map(|(_, value)| value)
    }
    let mut found = Vec::new();
    collect(value, span, &mut found);
    found.sort_by_key(|string| string.span().start);
    found
}
