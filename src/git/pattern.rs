//! The one meaning of a pattern.
#![allow(missing_docs)]
use std::borrow::Cow;
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern {
    pub message: String,
    pub help: Option<String>,
    pub offset: usize,
    pub len: usize,
}
#[derive(Debug, Clone)]
pub struct PatternError(String);
impl std::fmt::Display for PatternError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
impl Pattern {
    pub fn parse(text: &str) -> Result<Pattern, BadPattern> {
        Ok(Pattern { text: text.to_owned() })
    }
    pub fn as_str(&self) -> &str {
        &self.text
    }
    pub fn literal(&self) -> Option<&str> {
        (!self.text.contains(['*', '?', '['])).then_some(&self.text)
    }
    pub fn literal_prefix(&self) -> &str {
        self.text.split(['*', '?', '[']).next().unwrap_or_default()
    }
    pub fn folders(&self) -> Vec<Pattern> {
        vec![]
    }
}
#[derive(Debug, Clone, Default)]
pub struct PatternSet {
    patterns: Vec<Pattern>,
}
impl PatternSet {
    pub fn new(patterns: Vec<Pattern>) -> PatternSet {
        PatternSet { patterns }
    }
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
    pub fn matches_exactly(&self, text: &[u8]) -> Result<bool, PatternError> {
        Ok(self.first_wide_match(text)?.is_some())
    }
    pub fn matches_widely(&self, text: &[u8]) -> Result<bool, PatternError> {
        self.matches_exactly(text)
    }
    pub fn first_wide_match(&self, text: &[u8]) -> Result<Option<&Pattern>, PatternError> {
        Ok(self.patterns.iter().find(|p| {
            globset::GlobBuilder::new(&p.text)
                .literal_separator(true)
                .build()
                .is_ok_and(|g| g.compile_matcher().is_match(String::from_utf8_lossy(text).as_ref()))
        }))
    }
    pub fn may_match_below(&self, _folder: &[u8]) -> bool {
        true
    }
}
pub fn fold(text: &[u8]) -> Cow<'_, [u8]> {
    text.to_ascii_lowercase().into()
}
impl<'de> serde::Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Pattern::parse(&text).map_err(|bad| serde::de::Error::custom(match bad.help {
            Some(help) => format!("{} ({help})", bad.message),
            None => bad.message,
        }))
    }
}
impl serde::Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
