//! TOML 1.0 as a policy takes it: nothing in it reads differently from what it says.

use serde_json::{Map, Value};

use crate::policy::problem::visible;

/// What a line may hold before a table gets a header of its own, or a list a line for each entry.
const WIDE: usize = 120;

/// A string. What an editor would not show is an escape.
pub(super) fn string(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for character in text.chars() {
        let mut buffer = [0; 4];
        let shows = visible(character.encode_utf8(&mut buffer)).chars().eq([character]);
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if shows => quoted.push(character),
            _ if u32::from(character) > 0xffff => quoted.push_str(&format!("\\U{:08X}", u32::from(character))),
            _ => quoted.push_str(&format!("\\u{:04X}", u32::from(character))),
        }
    }
    quoted.push('"');
    quoted
}

/// A list of strings, on one line.
pub(super) fn strings<'t>(list: impl IntoIterator<Item = &'t String>) -> String {
    format!("[{}]", list.into_iter().map(|text| string(text)).collect::<Vec<_>>().join(", "))
}

/// A list whose entries are TOML already: on one line if that is short, else on a line each.
pub(super) fn list(key: &str, entries: &[String]) -> String {
    let short = format!("{key} = [{}]\n", entries.join(", "));
    if short.len() <= WIDE {
        return short;
    }
    let lines: String = entries.iter().map(|entry| format!("  {entry},\n")).collect();
    format!("{key} = [\n{lines}]\n")
}

/// Lines of comment.
pub(super) fn comment(text: &str) -> String {
    let line = |line: &str| format!("# {}", visible(line)).trim_end().to_owned() + "\n";
    text.split('\n').map(line).collect()
}

/// A value on one line. TOML has no null: what is null is left out.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Array(list) => {
            let entries: Vec<String> = list.iter().filter(|value| !value.is_null()).map(inline).collect();
            format!("[{}]", entries.join(", "))
        }
        Value::Object(object) => {
            let fields = object.iter().filter(|(_, value)| !value.is_null());
            let fields: Vec<String> = fields.map(|(key, value)| format!("{} = {}", bare(key), inline(value))).collect();
            if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
        }
        other => other.to_string(),
    }
}

fn bare(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare { key.to_owned() } else { string(key) }
}

/// `[ruleset.rules]` with each rule's parameter sets; one that is null switches the rule on.
pub(super) fn rules(rules: &[(String, Vec<Value>)]) -> String {
    let mut short = "[ruleset.rules]\n".to_owned();
    let mut long = String::new();
    for (name, sets) in rules {
        let line = match sets.as_slice() {
            [Value::Null] => format!("{} = true\n", bare(name)),
            [set] => format!("{} = {}\n", bare(name), inline(set)),
            sets => list(&bare(name), &sets.iter().map(inline).collect::<Vec<_>>()),
        };
        match sets.as_slice() {
            [Value::Object(parameters)] if line.len() > WIDE => long.push_str(&table(name, parameters)),
            _ => short.push_str(&line),
        }
    }
    // Headers come after all plain keys.
    short + &long
}

fn table(name: &str, parameters: &Map<String, Value>) -> String {
    let mut text = format!("\n[ruleset.rules.{}]\n", bare(name));
    for (key, value) in parameters.iter().filter(|(_, value)| !value.is_null()) {
        match value {
            Value::Array(values) => text.push_str(&list(&bare(key), &values.iter().map(inline).collect::<Vec<_>>())),
            value => text.push_str(&format!("{} = {}\n", bare(key), inline(value))),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strings_say_what_they_hold() {
        for text in ["", "a\"b\\c", "\u{202e}x\u{200b}", "\u{1b}[0m\n\t", "é 漢", "\u{e0041}", "#'"] {
            let read: toml::Table = format!("x = {}", string(text)).parse().unwrap();
            assert_eq!(read["x"].as_str(), Some(text));
            assert!(string(text).chars().all(|c| visible(c.encode_utf8(&mut [0; 4])).chars().eq([c])), "{text:?}");
        }
        assert_eq!(comment("a\nb\u{202e}"), "# a\n# b\\u{202e}\n");
    }

    #[test]
    fn rules_read_back() {
        let long = json!({ "list": vec!["a".repeat(90), "b".repeat(90)], "none": null, "map": { "x": 1, "y": [{}] }, "z": -1 });
        let written = rules(&[
            ("deletion".to_owned(), vec![Value::Null]),
            ("long".to_owned(), vec![long.clone()]),
            ("several".to_owned(), vec![json!({ "a": true }), json!({ "a": "b\"" })]),
        ]);
        let read: toml::Table = written.parse().unwrap();
        let read = serde_json::to_value(&read["ruleset"]["rules"]).unwrap();
        let mut expected = json!({ "deletion": true, "several": [{ "a": true }, { "a": "b\"" }], "long": long });
        expected["long"].as_object_mut().unwrap().remove("none");
        assert_eq!(read, expected);
    }
}
