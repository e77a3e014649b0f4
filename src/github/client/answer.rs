//! An answer of GitHub: status, headers and bytes, nothing interpreted.

use serde_json::Value;

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The path that answered in the end, when GitHub redirected to it.
    pub moved_to: Option<String>,
}

impl Answer {
    /// A header, by its name in lower case; the first of several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether GitHub did what it was asked.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn json(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// Whether the body is what the headers announce: JSON that breaks off is none.
    pub(super) fn is_whole(&self) -> bool {
        let json = self.header("content-type").is_some_and(|kind| kind.contains("json"));
        !json || self.body.is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(&self.body).is_ok()
    }

    /// A header as a number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.header(name)?.trim().parse().ok()
    }

    /// The server's own time: this computer's clock may be wrong.
    pub(super) fn server_time(&self) -> Option<jiff::Timestamp> {
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(self.header("date")?).ok()
    }

    /// The address of the next page.
    pub(super) fn next_page(&self) -> Option<&str> {
        self.headers.iter().filter(|(name, _)| name == "link").find_map(|(_, value)| next_of(value))
    }
}

/// The `next` of a `Link` header (RFC 8288).
fn next_of(value: &str) -> Option<&str> {
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, parameters) = after.split_once('>')?;
        let own = parameters.split('<').next().unwrap_or_default();
        let is_next = own.split(';').any(|parameter| {
            parameter.trim().trim_end_matches(',').trim().strip_prefix("rel=").is_some_and(|relation| {
                relation.trim_matches('"').split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("next"))
            })
        });
        if is_next {
            return Some(target);
        }
        rest = parameters;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links() {
        let value = r#"<https://x/?page=1>; rel="prev", <https://x/?page=3>; rel="next", <https://x/?page=9>; rel="last""#;
        assert_eq!(next_of(value), Some("https://x/?page=3"));
        assert_eq!(next_of(r#"<https://x/?page=1>; rel="first""#), None);
        assert_eq!(next_of(r#"<https://x/?a=1,2>; rel=next"#), Some("https://x/?a=1,2"));
        assert_eq!(next_of(""), None);
        assert_eq!(next_of("<broken"), None);
    }
}
