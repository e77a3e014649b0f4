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

/// Names that git's fsck calls `.git`, because a file system reads them so: in any case, with HFS+'s ignorable characters
/// in them, as NTFS's short name, or with what NTFS drops at the end.
fn is_dot_git(name: &[u8]) -> bool {
    match name.first() {
        Some(b'.' | b'g' | b'G') => is_ntfs_dot_git(name) || is_hfs_dot_git(name),
        // Where every ignorable character begins.
        Some(0xe2 | 0xef) => is_hfs_dot_git(name),
        _ => false,
    }
}

fn is_ntfs_dot_git(name: &[u8]) -> bool {
    let rest = [&b".git"[..], b"git~1"].iter().find_map(|short| {
        let (front, rest) = name.split_at_checked(short.len())?;
        front.eq_ignore_ascii_case(short).then_some(rest)
    });
    let Some(rest) = rest else { return false };
    // Dots and spaces at the end are dropped, and after `:` comes the name of a stream.
    rest.iter().find(|byte| !b". ".contains(byte)).is_none_or(|byte| b"\\:".contains(byte))
}

fn is_hfs_dot_git(name: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(name) else { return false };
    let seen = text.chars().filter(|character| {
        !matches!(character, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
    });
    seen.map(|character| character.to_ascii_lowercase()).eq(".git".chars())
}

/// Reads the entry at the front of a raw tree.
///
/// `Ok(None)` at the end. The search for the name's end begins after the mode, because a crafted mode can be one digit.
///
/// # Errors
/// The entry is truncated, has an unknown mode, or a name that no work tree may hold: empty, `.`, `..`, `.git` and what a
/// file system reads as that, or one with a `/`.
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
    let nul = rest.iter().position(|&byte| byte == 0).ok_or(truncated.clone())?;
    let (name, rest) = rest.split_at(nul);
    let id = rest.get(1..=format.raw_len()).and_then(Oid::from_bytes).ok_or(truncated.clone())?;
    if id.is_null() {
        return Err(Malformed("a tree entry has a null object id"));
    }
    match name {
        b"" => return Err(Malformed("a tree entry's name is empty")),
        b"." | b".." => return Err(Malformed("a tree entry is named `.` or `..`")),
        _ if name.contains(&b'/') => return Err(Malformed("a tree entry's name contains `/`")),
        _ if is_dot_git(name) => return Err(Malformed("a tree entry is named `.git`")),
        _ => {}
    }
    *raw = rest.get(1 + format.raw_len()..).ok_or(truncated)?;
    Ok(Some(TreeEntry { mode, name, id }))
}
