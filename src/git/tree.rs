//! Raw tree entries, refused when malformed.

use super::{Malformed, ObjectFormat, Oid};

/// What a tree entry is. Modes are canonicalised as git does, so that `100664` and `100644` are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A folder.
    Tree,
    /// A regular file.
    File,
    /// A file that may be executed.
    Executable,
    /// A symbolic link.
    Symlink,
    /// A submodule's commit.
    Gitlink,
}

impl Mode {
    /// Canonicalises a raw octal mode, like git's `canon_mode`. `None` for a mode whose type git does not know.
    pub fn canonical(raw: u32) -> Option<Mode> {
        match raw & 0o170_000 {
            0o040_000 => Some(Mode::Tree),
            0o100_000 if raw & 0o100 != 0 => Some(Mode::Executable),
            0o100_000 => Some(Mode::File),
            0o120_000 => Some(Mode::Symlink),
            0o160_000 => Some(Mode::Gitlink),
            _ => None,
        }
    }

    /// The six octal digits that git prints.
    pub fn octal(self) -> &'static str {
        match self {
            Mode::Tree => "040000",
            Mode::File => "100644",
            Mode::Executable => "100755",
            Mode::Symlink => "120000",
            Mode::Gitlink => "160000",
        }
    }
}

/// One entry of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeEntry<'a> {
    /// What it is.
    pub mode: Mode,
    /// Its name: one path component.
    pub name: &'a [u8],
    /// The object it names.
    pub id: Oid,
}

impl TreeEntry<'_> {
    /// Git's order: by name, a folder as if its name ended with `/`.
    pub fn order(&self, other: &TreeEntry<'_>) -> std::cmp::Ordering {
        let key = |entry: &TreeEntry<'_>, at: usize| {
            entry.name.get(at).copied().unwrap_or(if at == entry.name.len() && entry.mode == Mode::Tree { b'/' } else { 0 })
        };
        let common = self.name.len().min(other.name.len());
        self.name.get(..common).cmp(&other.name.get(..common)).then_with(|| key(self, common).cmp(&key(other, common)))
    }
}

/// Names that git or a file system reads as `.git`: in any case; with code points that HFS+ ignores; with what NTFS ignores at
/// a name's end; by its short name. As git's own `is_hfs_dotgit` and `is_ntfs_dotgit`.
fn is_dot_git(name: &[u8]) -> bool {
    match name.first() {
        Some(b'.' | b'g' | b'G' | 0x80..) => {}
        _ if name.contains(&b'\\') => {}
        _ => return false,
    }
    if name.eq_ignore_ascii_case(b".git") {
        return true;
    }
    if let Ok(text) = std::str::from_utf8(name) {
        let ignored =
            |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
        let seen: String = text.chars().filter(|c| !ignored(c)).collect();
        if seen.eq_ignore_ascii_case(".git") {
            return true;
        }
    }
    // On NTFS a backslash ends a component, a colon begins a stream, and spaces and dots at the end do not count.
    name.split(|&byte| byte == b'\\').any(|component| {
        let stem = component.split(|&byte| byte == b':').next().unwrap_or_default();
        let end = stem.iter().rposition(|byte| !b" .".contains(byte)).map_or(0, |at| at + 1);
        let stem = stem.get(..end).unwrap_or_default();
        stem.eq_ignore_ascii_case(b".git") || stem.eq_ignore_ascii_case(b"git~1")
    })
}

/// Reads the entry at the front of a raw tree.
///
/// `Ok(None)` at the end. The search for the name's end begins after the mode, because a crafted mode can be one digit.
///
/// # Errors
/// The entry is truncated, has an unknown mode, or a name that no work tree may hold: empty, `.`, `..`, `.git` in
/// any case, or one with a `/`.
pub fn next_entry<'a>(raw: &mut &'a [u8], format: ObjectFormat) -> Result<Option<TreeEntry<'a>>, Malformed> {
    if raw.is_empty() {
        return Ok(None);
    }
    let truncated = Malformed("a tree entry is truncated");
    let space = raw.iter().take(12).position(|&byte| byte == b' ').ok_or(Malformed("a tree entry has no mode"))?;
    let mut mode = 0_u32;
    for &digit in raw.get(..space).unwrap_or_default() {
        if !(b'0'..=b'7').contains(&digit) {
            return Err(Malformed("a tree entry's mode is not octal"));
        }
        mode = mode << 3 | u32::from(digit - b'0');
    }
    let mode = Mode::canonical(mode).ok_or(Malformed("a tree entry's mode is unknown"))?;
    let rest = raw.get(space + 1..).ok_or(truncated.clone())?;
    // Names are short and this is the innermost loop of every walk: one pass finds the end and the slash.
    let mut slash = false;
    let end = rest.iter().position(|&byte| {
        slash |= byte == b'/';
        byte == 0
    });
    let (name, rest) = rest.split_at(end.ok_or(truncated.clone())?);
    let id = rest.get(1..=format.raw_len()).and_then(Oid::from_bytes).ok_or(truncated.clone())?;
    if id.is_null() {
        return Err(Malformed("a tree entry has a null object id"));
    }
    match name {
        b"" => return Err(Malformed("a tree entry's name is empty")),
        b"." | b".." => return Err(Malformed("a tree entry is named `.` or `..`")),
        _ if slash => return Err(Malformed("a tree entry's name contains `/`")),
        _ if is_dot_git(name) => return Err(Malformed("a tree entry is named `.git`")),
        _ => {}
    }
    *raw = rest.get(1 + format.raw_len()..).ok_or(truncated)?;
    Ok(Some(TreeEntry { mode, name, id }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_every_dot_git() {
        for name in [
            ".git",
            ".GIT",
            ".gIt",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".git.",
            ".git ",
            ".git . .",
            "git~1",
            "GIT~1",
            ".git::$INDEX_ALLOCATION",
            "a\\.git",
        ] {
            assert!(is_dot_git(name.as_bytes()), "{name:?}");
        }
        for name in [".gitignore", ".github", "git", ".gi", "git~2", ".git-x", "a.git", "é", ".gitattributes"] {
            assert!(!is_dot_git(name.as_bytes()), "{name:?}");
        }
        assert!(!is_dot_git(b"\xff.git"));
    }

    #[test]
    fn refuses_what_no_tree_may_hold() {
        let id = [7; 20];
        let tree = |mode: &str, name: &[u8]| [mode.as_bytes(), b" ", name, b"\0", &id].concat();
        let read = |raw: &[u8]| next_entry(&mut &raw[..], ObjectFormat::Sha1).map(|entry| entry.map(|entry| entry.mode));
        assert_eq!(read(&tree("100644", b"a")), Ok(Some(Mode::File)));
        assert_eq!(read(&tree("100664", b"a")), Ok(Some(Mode::File)));
        assert_eq!(read(&tree("040000", b"a")), Ok(Some(Mode::Tree)));
        assert_eq!(read(b""), Ok(None));
        for bad in [
            tree("100644", b""),
            tree("100644", b"."),
            tree("40000", b".."),
            tree("100644", b"a/b"),
            tree("40000", b".GIT"),
            tree("0", b"a"),
            tree("777", b"a"),
            tree("1006x4", b"a"),
            tree("", b"a"),
            tree("100644", b"a")[..20].to_vec(),
            [b"100644 a\0".as_slice(), &[0; 20]].concat(),
            b"100644".to_vec(),
        ] {
            assert!(read(&bad).is_err(), "{bad:?}");
        }
    }
}
