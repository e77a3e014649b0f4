//! Commits and tag objects, read from their raw bytes.

use std::borrow::Cow;

use super::encoding::{decode, is_utf8};
use super::{ObjectFormat, Oid};

/// An object that is not what its type says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// A commit. Walks need what is read here, and read it as leniently as git does; what people see of it is
/// [`Commit::shown`], which only rules about text ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its own id.
    pub id: Oid,
    /// Its root tree.
    pub tree: Oid,
    /// Its parents, in order.
    pub parents: Vec<Oid>,
    /// The committer's time in seconds since 1970, 0 where git finds none. It orders walks and is never believed: who
    /// commits chooses it.
    pub committer_time: i64,
    /// What follows the parents, as it is stored: the other headers, and the message. `None` where it was not kept.
    pub text: Option<Box<[u8]>>,
}

/// The text of a commit as `git log` shows it: in UTF-8, whatever its `encoding` header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'c> {
    text: Cow<'c, [u8]>,
    /// Where the message begins.
    message: usize,
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

/// The time of a committer's line, as git's `parse_commit_date` finds it: after the last `>`. Only a committer who directly
/// follows the author is asked.
fn committer_time(mut rest: &[u8]) -> Option<i64> {
    let rest = &mut rest;
    line(rest).filter(|author| author.starts_with(b"author"))?;
    let committer = line(rest).filter(|committer| committer.starts_with(b"committer"))?;
    let after = committer.get(committer.iter().rposition(|&byte| byte == b'>')? + 1..)?;
    let digits = after.trim_ascii_start();
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    // A time that no clock shows is as good as any other.
    Some(std::str::from_utf8(digits.get(..end)?).ok().filter(|digits| !digits.is_empty())?.parse().unwrap_or(i64::MAX))
}

/// Takes a line that ends.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let (line, after) = rest.split_at(end);
    *rest = after.get(1..)?;
    Some(line)
}

/// Where the message begins: behind the first empty line, which ends the headers.
fn message_start(text: &[u8]) -> usize {
    if text.starts_with(b"\n") {
        return 1;
    }
    memchr::memmem::find(text, b"\n\n").map_or(text.len(), |at| at + 2)
}

/// The value of every header of that name.
fn values<'h>(headers: &'h [u8], key: &'static [u8]) -> impl Iterator<Item = &'h [u8]> {
    headers.split(|&byte| byte == b'\n').filter_map(move |line| line.strip_prefix(key)?.strip_prefix(b" "))
}

impl Commit {
    /// Reads the raw content of a commit object, as leniently as git: histories hold commits that no git makes any more.
    ///
    /// # Errors
    /// There is no tree, or a parent is unreadable: git itself cannot walk such a commit.
    pub fn parse(id: Oid, raw: &[u8]) -> Result<Commit, Malformed> {
        let format: ObjectFormat = id.format();
        let mut rest = raw;
        // git reads either case.
        let id_of = |hex: &[u8]| Oid::from_hex(hex, format).or_else(|| Oid::from_hex(&hex.to_ascii_lowercase(), format));
        let tree = header(&mut rest, b"tree").and_then(id_of).ok_or(Malformed("it has no tree"))?;
        let mut parents = Vec::new();
        while let Some(hex) = header(&mut rest, b"parent") {
            parents.push(id_of(hex).ok_or(Malformed("a parent is not an object id"))?);
        }
        if rest.starts_with(b"parent ") && rest.len() > b"parent ".len() + format.hex_len() {
            return Err(Malformed("a parent's line does not end"));
        }
        Ok(Commit { id, tree, parents, committer_time: committer_time(rest).unwrap_or(0), text: Some(rest.into()) })
    }

    /// The text as `git log` shows it.
    ///
    /// # Errors
    /// The text was not kept, or what git shows cannot be told: the headers hold a NUL, or the text cannot be converted to UTF-8 exactly.
    pub fn shown(&self) -> Result<Shown<'_>, Malformed> {
        let stored = self.text.as_deref().ok_or(Malformed("its text was not kept"))?;
        let message = message_start(stored);
        let (headers, body) = stored.split_at(message);
        if memchr::memchr(0, headers).is_some() {
            return Err(Malformed("its headers hold a NUL, behind which git reads nothing"));
        }
        let encoding = values(headers, b"encoding").next().unwrap_or(b"UTF-8");
        if is_utf8(encoding) {
            return Ok(Shown { text: Cow::Borrowed(stored), message });
        }
        if memchr::memchr(0, body).is_some() {
            return Err(Malformed("its message holds a NUL and is not in UTF-8"));
        }
        // git converts the headers with the message, and finds them in what comes out.
        let text = decode(encoding, stored)
            .ok_or(Malformed("it cannot be converted to UTF-8 exactly from the encoding that it names"))?
            .into_bytes();
        Ok(Shown { message: message_start(&text), text: Cow::Owned(text) })
    }
}

impl Shown<'_> {
    /// The author's e-mail address, which may be anything between `<` and `>`.
    ///
    /// # Errors
    /// There is no author, more than one, or one without an address.
    pub fn author_email(&self) -> Result<&[u8], Malformed> {
        self.email(b"author", ["it has no author", "it has more than one author line", "its author has no e-mail address"])
    }

    /// The committer's e-mail address, which may be anything between `<` and `>`.
    ///
    /// # Errors
    /// There is no committer, more than one, or one without an address.
    pub fn committer_email(&self) -> Result<&[u8], Malformed> {
        self.email(
            b"committer",
            ["it has no committer", "it has more than one committer line", "its committer has no e-mail address"],
        )
    }

    /// The message: everything behind the headers' empty line.
    pub fn message(&self) -> &[u8] {
        self.text.get(self.message..).unwrap_or_default()
    }

    /// The e-mail as git's `split_ident_line` finds it, between the first `<` and the next `>`. Of several lines `git log`
    /// shows all and `%ae` the last, so that none of them is what is shown.
    fn email(&self, key: &'static [u8], [none, several, hollow]: [&'static str; 3]) -> Result<&[u8], Malformed> {
        let headers = self.text.get(..self.message).unwrap_or_default();
        let mut lines = values(headers, key);
        let line = lines.next().ok_or(Malformed(none))?;
        if lines.next().is_some() {
            return Err(Malformed(several));
        }
        let mut parts = line.splitn(2, |&byte| byte == b'<').skip(1);
        let after_open = parts.next().ok_or(Malformed(hollow))?;
        let close = after_open.iter().position(|&byte| byte == b'>').ok_or(Malformed(hollow))?;
        Ok(after_open.get(..close).unwrap_or_default())
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
