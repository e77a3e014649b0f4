//! The refs of a reftable, read from its files: all of one moment.
//!
//! A table is never changed, only replaced, and `tables.list` names those that count; so who has opened all of them has what git
//! would list. It also lists no symbolic ref that points at nothing, and where a chain of them ends but not what is on the way;
//! both matter, because a push that creates what such a ref points at also moves the ref. Only ref blocks are read:
//! <https://git-scm.com/docs/reftable>.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::refs::RefValue;
use crate::git::{ObjectFormat, Oid};
use crate::push::{Cause, Undecided};

/// Tables are merged and removed while they are read; then the list is read again.
const ATTEMPTS: usize = 5;

/// Names, each with what it holds, or nothing where it was deleted.
type Values = BTreeMap<Vec<u8>, Option<RefValue>>;

/// Every ref, `HEAD` and others outside `refs/` too, with what it holds, symbolic ones as written.
///
/// # Errors
/// The tables cannot be read, or are not as the format says.
pub(super) fn refs(dir: &Path, format: ObjectFormat) -> Result<BTreeMap<Vec<u8>, RefValue>, Undecided> {
    read(dir, format, &mut || {})
}

/// As [`refs`]; `meanwhile` is called when the list was read and its tables were not.
fn read(dir: &Path, format: ObjectFormat, meanwhile: &mut dyn FnMut()) -> Result<BTreeMap<Vec<u8>, RefValue>, Undecided> {
    let folder = dir.join("reftable");
    let unreadable =
        |error: &io::Error| Undecided::new(format!("cannot read `{}`: {error}", folder.display())).cause(Cause::Repository);
    for _ in 0..ATTEMPTS {
        let list = fs::read_to_string(folder.join("tables.list")).map_err(|error| unreadable(&error))?;
        meanwhile();
        let mut tables = Vec::new();
        let mut vanished = false;
        for name in list.lines() {
            match fs::read(folder.join(name)) {
                Ok(table) => tables.push(table),
                Err(error) if error.kind() == io::ErrorKind::NotFound => vanished = true,
                Err(error) => return Err(unreadable(&error)),
            }
        }
        if vanished {
            continue;
        }
        // Later tables win.
        let mut merged = Values::new();
        for table in &tables {
            read_table(table, format, &mut merged).ok_or_else(|| {
                Undecided::new(format!("a table in `{}` is not as the format of reftables says", folder.display()))
                    .cause(Cause::Repository)
            })?;
        }
        return Ok(merged.into_iter().filter_map(|(name, value)| Some((name, value?))).collect());
    }
    Err(Undecided::new(format!("the tables in `{}` change faster than they are read", folder.display()))
        .cause(Cause::Race)
        .help("push again"))
}

/// Adds a table's refs to what is known. `None` when it is malformed.
fn read_table(table: &[u8], format: ObjectFormat, refs: &mut Values) -> Option<()> {
    let (header, footer) = match table.get(..5)? {
        b"REFT\x01" => (24, 68),
        b"REFT\x02" => (28, 72),
        _ => return None,
    };
    let block_size = number(table.get(5..8)?);
    let end = table.len().checked_sub(footer)?;
    let mut start = 0;
    while start < end {
        // The file's header stands in its first block.
        let at = if start == 0 { header } else { start };
        if at >= end || table.get(at) != Some(&b'r') {
            break;
        }
        let len = number(table.get(at + 1..at + 4)?);
        let block = table.get(start..start.checked_add(len)?).filter(|_| start + len <= end)?;
        read_block(block, at - start + 4, format, refs)?;
        // As git's reader: a block that is not followed by padding is not padded.
        let padded = block_size != 0 && (len >= block_size || table.get(start + len) == Some(&0));
        start += if padded { block_size.max(len) } else { len };
        if len == 0 {
            return None;
        }
    }
    Some(())
}

fn read_block(block: &[u8], first: usize, format: ObjectFormat, refs: &mut Values) -> Option<()> {
    let restarts = number(block.get(block.len().checked_sub(2)?..)?);
    let end = block.len().checked_sub(2 + 3 * restarts)?;
    let mut rest = block.get(first..end)?;
    let mut name: Vec<u8> = Vec::new();
    while !rest.is_empty() {
        let shared = varint(&mut rest)?;
        let suffix = varint(&mut rest)?;
        let (kind, suffix) = (suffix & 7, suffix >> 3);
        if shared > name.len() {
            return None;
        }
        name.truncate(shared);
        name.extend_from_slice(take(&mut rest, suffix)?);
        varint(&mut rest)?;
        let id =
            |rest: &mut &[u8]| Oid::from_bytes(take(rest, format.raw_len())?).filter(|id| !id.is_null()).map(RefValue::Direct);
        let value = match kind {
            0 => None,
            1 => Some(id(&mut rest)?),
            2 => {
                let id = id(&mut rest)?;
                // What a tag peels to.
                take(&mut rest, format.raw_len())?;
                Some(id)
            }
            3 => {
                let len = varint(&mut rest)?;
                Some(RefValue::Symbolic(take(&mut rest, len)?.to_vec()))
            }
            _ => return None,
        };
        refs.insert(name.clone(), value);
    }
    Some(())
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(taken)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, &byte| number << 8 | usize::from(byte))
}

/// As in pack files' offset deltas: seven bits a byte, each continuation adds one.
fn varint(rest: &mut &[u8]) -> Option<usize> {
    let mut byte = *take(rest, 1)?.first()?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = *take(rest, 1)?.first()?;
        value = value.checked_add(1)?.checked_mul(128)? | usize::from(byte & 0x7f);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(dir: &Path, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", dir);
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").arg("-C").arg(dir).args(arguments);
        let output = git.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// git merges the tables while they are read, each time or once.
    #[test]
    fn tables_that_are_merged_meanwhile_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        git(dir, &["init", "--quiet", "--bare", "--ref-format=reftable", "--initial-branch=main", "--template="]);
        let id = git(dir, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
        let tree = Oid::from_hex(id.as_bytes(), ObjectFormat::Sha1).unwrap();
        let add = |number: usize| git(dir, &["update-ref", &format!("refs/tags/{number}"), &id]);
        for number in 0..3 {
            add(number);
        }
        let mut number = 3;
        let found = read(dir, ObjectFormat::Sha1, &mut || {
            if number == 3 {
                add(number);
                git(dir, &["pack-refs", "--all"]);
            }
            number += 1;
        });
        let found = found.unwrap();
        assert_eq!(found.get(&b"HEAD"[..]), Some(&RefValue::Symbolic(b"refs/heads/main".to_vec())));
        let tags = found.iter().filter(|(_, value)| **value == RefValue::Direct(tree)).count();
        assert_eq!((tags, found.len()), (4, 5));
        let why = read(dir, ObjectFormat::Sha1, &mut || {
            number += 1;
            add(number);
            git(dir, &["pack-refs", "--all"]);
        });
        assert_eq!(why.unwrap_err().cause, Cause::Race);
    }
}
