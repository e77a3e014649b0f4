//! Commits and tag objects, read from their raw bytes.

use super::{ObjectFormat, Oid};

/// An object that is not what its type says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// A commit, with what the rules look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its own id.
    pub id: Oid,
    /// Its root tree.
    pub tree: Oid,
    /// Its parents, in order.
    pub parents: Vec<Oid>,
    /// The author's e-mail, as bytes between `<` and `>`.
    pub author_email: Box<[u8]>,
    /// The committer's e-mail, as bytes between `<` and `>`.
    pub committer_email: Box<[u8]>,
    /// The committer's time in seconds since 1970. It orders walks and is never believed: who commits chooses it.
    pub committer_time: i64,
    /// Everything after the headers' empty line.
    pub message: Box<[u8]>,
}

/// What a tag object names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A commit.
    Commit,
    /// A tree.
    Tree,
    /// A blob.
    Blob,
    /// A tag object.
    Tag,
}

/// A tag object, with what the rules look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its own id.
    pub id: Oid,
    /// The object it names.
    pub target: Oid,
    /// The kind of that object, as the tag says.
    pub target_kind: ObjectKind,
}

fn header<'a>(rest: &mut &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let line = rest.strip_prefix(key)?.strip_prefix(b" ")?;
    let end = line.iter().position(|&byte| byte == b'\n')?;
    let (value, after) = line.split_at(end);
    *rest = after.get(1..)?;
    Some(value)
}

/// E-mail and time of an identity line, as git's `split_ident_line` finds them: the e-mail between the first `<`
/// and the next `>`, the time after the last `>`.
fn identity(line: &[u8]) -> Option<(&[u8], i64)> {
    let open = line.iter().position(|&byte| byte == b'<')?;
    let after_open = line.get(open + 1..)?;
    let close = after_open.iter().position(|&byte| byte == b'>')?;
    let email = after_open.get(..close)?;
    let last = line.iter().rposition(|&byte| byte == b'>')?;
    let time =
        std::str::from_utf8(line.get(last + 1..)?).ok().and_then(|text| text.split_ascii_whitespace().next()?.parse().ok());
    Some((email, time.unwrap_or(0)))
}

impl Commit {
    /// Reads the raw content of a commit object.
    ///
    /// # Errors
    /// A header that git requires is missing, out of order or unreadable.
    pub fn parse(id: Oid, raw: &[u8]) -> Result<Commit, Malformed> {
        let format: ObjectFormat = id.format();
        let mut rest = raw;
        let tree = header(&mut rest, b"tree").and_then(|hex| Oid::from_hex(hex, format)).ok_or(Malformed("it has no tree"))?;
        let mut parents = Vec::new();
        while let Some(hex) = header(&mut rest, b"parent") {
            parents.push(Oid::from_hex(hex, format).ok_or(Malformed("a parent is no object id"))?);
        }
        let (author_email, _) = header(&mut rest, b"author").and_then(identity).ok_or(Malformed("its author is unreadable"))?;
        let (committer_email, committer_time) =
            header(&mut rest, b"committer").and_then(identity).ok_or(Malformed("its committer is unreadable"))?;
        // Other headers (encoding, gpgsig, mergetag, …) end at the first empty line.
        let message = if let Some(message) = rest.strip_prefix(b"\n") {
            message
        } else {
            rest.windows(2).position(|pair| pair == b"\n\n").and_then(|at| rest.get(at + 2..)).unwrap_or_default()
        };
        Ok(Commit {
            id,
            tree,
            parents,
            author_email: author_email.into(),
            committer_email: committer_email.into(),
            committer_time,
            message: message.into(),
        })
    }
}

impl Tag {
    /// Reads the raw content of a tag object.
    ///
    /// # Errors
    /// The object or type header is missing or unreadable.
    pub fn parse(id: Oid, raw: &[u8]) -> Result<Tag, Malformed> {
        let mut rest = raw;
        let target = header(&mut rest, b"object")
            .and_then(|hex| Oid::from_hex(hex, id.format()))
            .ok_or(Malformed("it names no object"))?;
        let target_kind = match header(&mut rest, b"type") {
            Some(b"commit") => ObjectKind::Commit,
            Some(b"tree") => ObjectKind::Tree,
            Some(b"blob") => ObjectKind::Blob,
            Some(b"tag") => ObjectKind::Tag,
            _ => return Err(Malformed("it names an object of no known type")),
        };
        Ok(Tag { id, target, target_kind })
    }
}
