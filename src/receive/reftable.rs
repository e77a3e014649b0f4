//! The symbolic refs of a reftable, read from its files.
//!
//! git lists no symbolic ref that points at nothing, and where a chain of them ends but not what is on the way. Both matter:
//! a push that creates what such a ref points at also moves the ref. Only ref blocks are read, and of those only what is
//! symbolic: <https://git-scm.com/docs/reftable>.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::git::ObjectFormat;
use crate::push::{Cause, Undecided};

/// Tables are merged and removed while they are read; then the list is read again.
const ATTEMPTS: usize = 5;

/// Names, each with what it points at if it is symbolic.
type Targets = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Every symbolic ref, `HEAD` too, with what it points at, as written.
///
/// # Errors
/// The tables cannot be read, or are not as the format says.
pub(super) fn symbolic_refs(common_dir: &Path, format: ObjectFormat) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Undecided> {
    let folder = common_dir.join("reftable");
    let unreadable =
        |error: &io::Error| Undecided::new(format!("cannot read `{}`: {error}", folder.display())).cause(Cause::Repository);
    for _ in 0..ATTEMPTS {
        let list = fs::read_to_string(folder.join("tables.list")).map_err(|error| unreadable(&error))?;
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
        let mut merged = Targets::new();
        for table in &tables {
            read_table(table, format, &mut merged).ok_or_else(|| {
                Undecided::new(format!("a table in `{}` is not as the format of reftables says", folder.display()))
                    .cause(Cause::Repository)
            })?;
        }
        return Ok(merged.into_iter().filter_map(|(name, target)| Some((name, target?))).collect());
    }
    Err(Undecided::new(format!("the tables in `{}` change faster than they are read", folder.display())).cause(Cause::Race))
}

/// Adds a table's refs to what is known: a target for symbolic ones, nothing for others. `None` when it is malformed.
fn read_table(table: &[u8], format: ObjectFormat, refs: &mut Targets) -> Option<()> {
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

fn read_block(block: &[u8], first: usize, format: ObjectFormat, refs: &mut Targets) -> Option<()> {
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
        let target = match kind {
            0 => None,
            1 => take(&mut rest, format.raw_len()).map(|_| None)?,
            2 => take(&mut rest, 2 * format.raw_len()).map(|_| None)?,
            3 => {
                let len = varint(&mut rest)?;
                Some(take(&mut rest, len)?.to_vec())
            }
            _ => return None,
        };
        refs.insert(name.clone(), target);
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
