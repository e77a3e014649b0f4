//! Full ref names, held to git's own rules.

use std::fmt;
use std::sync::Arc;

/// A full ref name (`refs/…`) that git itself would take, as bytes: names need not be UTF-8. A copy shares the bytes: a push of
/// many refs names each of them in many places.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefName(Arc<[u8]>);

/// Why a byte string is no full ref name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadRefName(pub &'static str);

/// What a ref is, by the namespace its full name lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefKind {
    /// Below `refs/heads/`.
    Branch,
    /// Below `refs/tags/`.
    Tag,
    /// Anywhere else below `refs/`.
    Other,
}

impl RefName {
    /// Checks a name as `git check-ref-format` does, and that it is full.
    ///
    /// # Errors
    /// The broken rule of <https://git-scm.com/docs/git-check-ref-format>.
    pub fn parse(name: &[u8]) -> Result<RefName, BadRefName> {
        let Some(rest) = name.strip_prefix(b"refs/") else {
            return Err(BadRefName("it does not begin with `refs/`"));
        };
        if name.len() > 4096 {
            return Err(BadRefName("it is longer than 4096 bytes"));
        }
        if rest.is_empty() {
            return Err(BadRefName("nothing follows `refs/`"));
        }
        for component in rest.split(|&byte| byte == b'/') {
            if component.is_empty() {
                return Err(BadRefName("a component is empty"));
            }
            if component.starts_with(b".") {
                return Err(BadRefName("a component begins with a dot"));
            }
            if component.ends_with(b".lock") {
                return Err(BadRefName("a component ends with `.lock`"));
            }
        }
        if rest.ends_with(b".") {
            return Err(BadRefName("it ends with a dot"));
        }
        if rest.windows(2).any(|pair| pair == b"..") {
            return Err(BadRefName("it contains `..`"));
        }
        if rest.windows(2).any(|pair| pair == b"@{") {
            return Err(BadRefName("it contains `@{`"));
        }
        if rest.iter().any(|&byte| byte < 0x20 || byte == 0x7f || b" ~^:?*[\\".contains(&byte)) {
            return Err(BadRefName("it contains a control character, a space or one of `~^:?*[\\`"));
        }
        Ok(RefName(name.into()))
    }

    /// The full name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The namespace the name lies in.
    pub fn kind(&self) -> RefKind {
        if self.0.starts_with(b"refs/heads/") {
            RefKind::Branch
        } else if self.0.starts_with(b"refs/tags/") {
            RefKind::Tag
        } else {
            RefKind::Other
        }
    }

    /// The name without `refs/heads/` or `refs/tags/`, as people write it.
    pub fn short(&self) -> &[u8] {
        self.0.strip_prefix(b"refs/heads/").or_else(|| self.0.strip_prefix(b"refs/tags/")).unwrap_or(&self.0)
    }
}

impl fmt::Debug for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefName({})", String::from_utf8_lossy(&self.0))
    }
}
