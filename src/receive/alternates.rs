//! `objects/info/alternates` as git reads it.
//!
//! libgit2 loads alternates by itself, but knows no quoted paths, takes a relative path that does not begin with `.` from the
//! working directory, and takes a carriage return for the end of a line. Here it is found out what it misses.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::push::{Cause, Undecided};

/// Alternates of alternates that git follows.
const DEEPEST: usize = 5;

/// Object directories, links resolved.
#[derive(Default)]
struct Found {
    /// Those that git reads, the first one included.
    by_git: Vec<PathBuf>,
    /// Those that libgit2 loads by itself.
    by_libgit2: Vec<PathBuf>,
}

/// The alternates of an object directory that libgit2 does not load by itself.
///
/// # Errors
/// A file of alternates cannot be read, or libgit2 would load what git does not.
pub(super) fn missed(objects: &Path) -> Result<Vec<PathBuf>, Undecided> {
    let Some(content) = read(objects)? else { return Ok(Vec::new()) };
    let own = fs::canonicalize(objects).map_err(|error| unreadable(objects, &error))?;
    let mut found = Found { by_git: vec![own.clone()], by_libgit2: vec![own.clone()] };
    follow(&own, &content, 0, &mut found)?;
    if let Some(wrong) = found.by_libgit2.iter().find(|path| !found.by_git.contains(path)) {
        return Err(unreadable(objects, &format!("it can be understood to name `{}`", wrong.display()))
            .help("write absolute paths, one a line"));
    }
    let Found { mut by_git, by_libgit2 } = found;
    by_git.retain(|path| !by_libgit2.contains(path));
    Ok(by_git)
}

fn unreadable(objects: &Path, why: &dyn std::fmt::Display) -> Undecided {
    Undecided::new(format!("cannot read `{}` as git does: {why}", objects.join("info/alternates").display()))
        .cause(Cause::Repository)
}

fn read(objects: &Path) -> Result<Option<Vec<u8>>, Undecided> {
    match fs::read(objects.join("info/alternates")) {
        Ok(content) => Ok(Some(content)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(unreadable(objects, &error)),
    }
}

fn follow(objects: &Path, content: &[u8], depth: usize, found: &mut Found) -> Result<(), Undecided> {
    // Both then report it and go on without.
    if depth > DEEPEST {
        return Ok(());
    }
    for line in content.split(|byte| matches!(byte, b'\r' | b'\n')) {
        let path = match line.first() {
            None | Some(b'#') => continue,
            Some(b'.') => objects.join(PathBuf::from(OsString::from_vec(line.to_vec()))),
            Some(_) => PathBuf::from(OsString::from_vec(line.to_vec())),
        };
        found.by_libgit2.extend(directory(&path));
    }
    for entry in entries(content).map_err(|why| unreadable(objects, &why))? {
        // What is not there, git reports and goes on without.
        let Some(path) = directory(&objects.join(PathBuf::from(OsString::from_vec(entry)))) else { continue };
        if found.by_git.contains(&path) {
            continue;
        }
        found.by_git.push(path.clone());
        if let Some(content) = read(&path)? {
            follow(&path, &content, depth + 1, found)?;
        }
    }
    Ok(())
}

fn directory(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok().filter(|path| path.is_dir())
}

/// The paths that git finds in a file of alternates.
fn entries(content: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    if content.contains(&0) {
        return Err("it holds a NUL byte");
    }
    let mut entries = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let (path, after) = match unquoted(rest) {
            Some((path, after)) if matches!(after.first(), None | Some(b'\n')) => (path, after.get(1..).unwrap_or_default()),
            Some(_) => return Err("something follows a quoted path"),
            None => {
                let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                let (line, after) = rest.split_at(end);
                (line.to_vec(), after.get(1..).unwrap_or_default())
            }
        };
        if !path.is_empty() && !rest.starts_with(b"#") {
            entries.push(path);
        }
        rest = after;
    }
    Ok(entries)
}

/// A path in quotes, as git's `unquote_c_style` reads it, and what follows; `None` where it is not quoted, or not well.
fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut path = Vec::new();
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        match byte {
            b'"' => return Some((path, rest)),
            b'\\' => {
                let (&escaped, after) = rest.split_first()?;
                rest = after;
                path.push(match escaped {
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 11,
                    b'\\' | b'"' => escaped,
                    b'0'..=b'3' => {
                        let digit = |byte: u8| matches!(byte, b'0'..=b'7').then(|| byte - b'0');
                        let (&second, after) = rest.split_first()?;
                        let (&third, after) = after.split_first()?;
                        rest = after;
                        (escaped - b'0') << 6 | digit(second)? << 3 | digit(third)?
                    }
                    _ => return None,
                });
            }
            byte => path.push(byte),
        }
    }
}

/// The path as libgit2 takes it.
pub(super) fn text(path: &Path) -> Result<&str, Undecided> {
    std::str::from_utf8(path.as_os_str().as_bytes())
        .map_err(|_| Undecided::new(format!("the object directory `{}` is not UTF-8", path.display())).cause(Cause::Repository))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_git_s() {
        let read = |text: &str| {
            entries(text.as_bytes()).map(|all| all.into_iter().map(|one| String::from_utf8(one).unwrap()).collect::<Vec<_>>())
        };
        assert_eq!(
            read("/a\n\n# /b\n../c\n\"/d \\\"e\\\" \\303\\244\\t\"\n/last").unwrap(),
            ["/a", "../c", "/d \"e\" ä\t", "/last"]
        );
        // Quotes that are not closed are none.
        assert_eq!(read("\"/a\n/b\n").unwrap(), ["\"/a", "/b"]);
        assert_eq!(read("\"/a\\x\"\n").unwrap(), ["\"/a\\x\""]);
        assert_eq!(read(" #a\n/b\r\n").unwrap(), [" #a", "/b\r"]);
        assert!(read("\"/a\"b\n").is_err());
        assert!(read("/a\0b\n").is_err());
    }
}
