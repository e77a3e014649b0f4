//! Paths of requests, built segment by segment, so that no name can lead elsewhere.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters: a branch may be `fix#1`, `a/b` or `é`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of a request, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    text: String,
    has_query: bool,
    owner: Option<String>,
}

impl Path {
    /// Segments that belong to no owner: `rate_limit`.
    pub fn of(segments: &[&str]) -> Path {
        let mut path = Path { text: String::new(), has_query: false, owner: None };
        for segment in segments {
            path.push(segment);
        }
        path
    }

    /// `/repos/{owner}/{name}` and what follows.
    pub fn repository(owner: &str, name: &str, segments: &[&str]) -> Path {
        let mut path = Path::of(&["repos", owner, name]);
        for segment in segments {
            path.push(segment);
        }
        path.owned_by(owner)
    }

    /// `/orgs/{login}` and what follows.
    pub fn organization(login: &str, segments: &[&str]) -> Path {
        let mut path = Path::of(&["orgs", login]);
        for segment in segments {
            path.push(segment);
        }
        path.owned_by(login)
    }

    /// Says whose it is: an app has another token for each owner.
    #[must_use]
    pub fn owned_by(mut self, owner: &str) -> Path {
        self.owner = Some(owner.to_owned());
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Path {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.extend(utf8_percent_encode(name, ENCODED));
        self.text.push('=');
        self.text.extend(utf8_percent_encode(value, ENCODED));
        self
    }

    /// The encoded path with its query.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whose it is.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    fn push(&mut self, segment: &str) {
        self.text.push('/');
        if !segment.is_empty() && segment.chars().all(|c| c == '.') {
            // Left alone, a server or proxy would take `..` for the folder above.
            self.text.push_str(&"%2E".repeat(segment.len()));
        } else {
            self.text.extend(utf8_percent_encode(segment, ENCODED));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_every_segment() {
        for (branch, encoded) in [
            ("main", "main"),
            ("fix#1", "fix%231"),
            ("a/b", "a%2Fb"),
            ("é", "%C3%A9"),
            ("..", "%2E%2E"),
            ("a b?c=%2F", "a%20b%3Fc%3D%252F"),
            ("v1.0_x~y-z", "v1.0_x~y-z"),
        ] {
            let path = Path::repository("acme", "api", &["branches", branch, "protection"]);
            assert_eq!(path.as_str(), format!("/repos/acme/api/branches/{encoded}/protection"));
            assert_eq!(path.owner(), Some("acme"));
        }
    }

    #[test]
    fn queries() {
        let path = Path::organization("acme", &["rulesets"]).query("per_page", "100").query("ref", "refs/heads/a&b");
        assert_eq!(path.as_str(), "/orgs/acme/rulesets?per_page=100&ref=refs%2Fheads%2Fa%26b");
    }
}
