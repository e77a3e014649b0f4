//! Path templates: `/repos/{owner}/{repo}/branches/{branch}/protection`.

use std::collections::BTreeMap;

/// A path with names in it.
#[derive(Debug, Clone)]
pub struct Template {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone)]
enum Segment {
    Literal(String),
    Parameter {
        name: String,
        /// GitHub lets `{branch}` hold slashes that are not encoded (`x-multi-segment`).
        many: bool,
    },
}

/// What the names of a template stand for, decoded.
#[derive(Debug, Clone, Default)]
pub struct Matched(BTreeMap<String, String>);

impl Matched {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl Template {
    pub fn new(text: &str, many: &[&str]) -> Self {
        let segment = |text: &str| match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            // The path of a file holds slashes too; the description does not say so.
            Some(name) => Segment::Parameter { name: name.to_owned(), many: many.contains(&name) || name == "path" },
            None => Segment::Literal(text.to_owned()),
        };
        Self { text: text.to_owned(), segments: text.trim_start_matches('/').split('/').map(segment).collect() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many names it has.
    pub fn parameters(&self) -> usize {
        self.segments.iter().filter(|segment| matches!(segment, Segment::Parameter { .. })).count()
    }

    pub fn length(&self) -> usize {
        self.segments.len()
    }

    pub fn matches(&self, path: &str) -> Option<Matched> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let mut matched = Matched::default();
        matches(&self.segments, &parts, &mut matched).then_some(matched)
    }
}

fn matches(segments: &[Segment], parts: &[&str], matched: &mut Matched) -> bool {
    match segments.split_first() {
        None => parts.is_empty(),
        Some((Segment::Literal(text), rest)) => {
            parts.split_first().is_some_and(|(part, others)| decode(part) == *text && matches(rest, others, matched))
        }
        Some((Segment::Parameter { name, many }, rest)) => {
            let longest = if *many { parts.len() } else { parts.len().min(1) };
            (1..=longest).rev().any(|length| {
                let text = parts[..length].iter().map(|part| decode(part)).collect::<Vec<_>>().join("/");
                if text.is_empty() || !matches(rest, &parts[length..], matched) {
                    return false;
                }
                matched.0.insert(name.clone(), text);
                true
            })
        }
    }
}

/// A name as it stands in an address; slashes stay.
pub fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Percent-decoding.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let hex = bytes.get(index + 1..index + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(value) if byte == b'%' => {
                decoded.push(value);
                index += 3;
            }
            _ => {
                decoded.push(byte);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
