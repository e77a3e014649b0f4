//! Which paths differ between trees: raw entries side by side, no rename detection, equal runs skipped.
//!
//! Trees are refused when malformed, on the way: a gate that read `./x` or the same name twice differently from git could be
//! walked around.

use std::collections::{HashMap, HashSet};

use super::objects::Objects;
use crate::git::tree::{TreeEntry, next_entry};
use crate::git::{FileChange, FileEntry, Malformed, Mode, Oid};
use crate::push::{Cause, Undecided};

/// Git's own default bound on how deep folders nest (`core.maxTreeDepth`).
const MAX_DEPTH: usize = 2048;
/// Up to so many objects are searched without memchr: it first asks the processor what it can do, and a virtual machine takes
/// longer to answer that than it takes to judge a few trees.
const FEW_OBJECTS: u64 = 64;

/// Chooses where a walk goes and what it keeps.
pub trait Visitor {
    /// Whether to look below a folder that differs.
    fn enters(&self, folder: &[u8]) -> bool;

    /// A path that differs.
    ///
    /// # Errors
    /// Ends the walk.
    fn differs(&mut self, path: &[u8], old: Option<FileEntry>, new: Option<FileEntry>) -> Result<(), Undecided>;
}

/// Walks the differences between two trees; `None` is the empty tree.
///
/// # Errors
/// A tree is missing, unreadable or malformed, the budget is spent, or the visitor ends the walk.
pub fn diff(objects: &Objects, old: Option<Oid>, new: Option<Oid>, visitor: &mut dyn Visitor) -> Result<(), Undecided> {
    let mut walk = Walk { objects, visitor, path: Vec::new() };
    walk.folder(old, new, 0)
}

/// What a tree holds at a path, folders left out. `None` is the empty tree.
///
/// # Errors
/// A tree is missing, unreadable or malformed.
pub fn entry_at(objects: &Objects, tree: Option<Oid>, path: &[u8]) -> Result<Option<FileEntry>, Undecided> {
    Ok(entries_at(objects, tree, &[path])?.pop().flatten())
}

/// What a tree holds at each of these paths, folders left out: every folder is read once, however many of them lie in it.
///
/// # Errors
/// A tree is missing, unreadable or malformed.
pub fn entries_at(objects: &Objects, tree: Option<Oid>, paths: &[&[u8]]) -> Result<Vec<Option<FileEntry>>, Undecided> {
    let mut found = vec![None; paths.len()];
    if let Some(tree) = tree {
        look_up(objects, tree, paths.iter().copied().enumerate().collect(), &mut found)?;
    }
    Ok(found)
}

/// Paths below one folder, each with its place in the answer.
type Wanted<'p> = Vec<(usize, &'p [u8])>;

fn look_up(objects: &Objects, tree: Oid, wanted: Wanted<'_>, found: &mut [Option<FileEntry>]) -> Result<(), Undecided> {
    let mut files: HashMap<&[u8], Vec<usize>> = HashMap::new();
    let mut folders: HashMap<&[u8], Wanted<'_>> = HashMap::new();
    for (place, path) in wanted {
        match path.iter().position(|&byte| byte == b'/').and_then(|slash| path.split_at_checked(slash)) {
            Some((folder, rest)) => folders.entry(folder).or_default().push((place, rest.get(1..).unwrap_or_default())),
            None => files.entry(path).or_default().push(place),
        }
    }
    let raw = objects.tree(tree)?;
    let mut rest: &[u8] = &raw;
    while !(files.is_empty() && folders.is_empty())
        && let Some(entry) = next(objects, tree, &mut rest)?
    {
        objects.step()?;
        // A file and a folder of one name cannot both be there in a sound tree; the one that fits the path counts.
        if entry.mode == Mode::Tree {
            if let Some(below) = folders.remove(entry.name) {
                look_up(objects, entry.id, below, found)?;
            }
        } else if let Some(places) = files.remove(entry.name) {
            for place in places {
                if let Some(slot) = found.get_mut(place) {
                    *slot = Some(FileEntry { mode: entry.mode, id: entry.id });
                }
            }
        }
    }
    Ok(())
}

pub(super) fn next<'a>(objects: &Objects, tree: Oid, raw: &mut &'a [u8]) -> Result<Option<TreeEntry<'a>>, Undecided> {
    next_entry(raw, objects.format()).map_err(|malformed| bad(objects, tree, &malformed))
}

fn bad(objects: &Objects, tree: Oid, malformed: &Malformed) -> Undecided {
    objects.malformed(tree, "tree", malformed)
}

/// A tree being read, one entry ahead.
pub(super) struct Side<'a> {
    id: Option<Oid>,
    rest: &'a [u8],
    /// The bytes from the current entry on.
    pub(super) from: &'a [u8],
    pub(super) current: Option<TreeEntry<'a>>,
}

impl<'a> Side<'a> {
    pub(super) fn open(objects: &Objects, id: Option<Oid>, raw: &'a [u8]) -> Result<Side<'a>, Undecided> {
        let mut side = Side { id, rest: raw, from: raw, current: None };
        side.advance(objects)?;
        Ok(side)
    }

    pub(super) fn advance(&mut self, objects: &Objects) -> Result<(), Undecided> {
        let previous = self.current;
        self.from = self.rest;
        self.current = match self.id {
            Some(id) => next(objects, id, &mut self.rest)?,
            None => None,
        };
        if let (Some(id), Some(previous), Some(current)) = (self.id, previous, self.current)
            && previous.order(&current) != std::cmp::Ordering::Less
        {
            return Err(bad(objects, id, &Malformed("its entries are not sorted, or two have the same name")));
        }
        Ok(())
    }

    /// Skips to the last entry of an equal run and past it, so that the order is checked across the run's end.
    pub(super) fn skip(&mut self, last_entry: usize, objects: &Objects) -> Result<(), Undecided> {
        self.rest = self.from.get(last_entry..).unwrap_or_default();
        self.current = None;
        self.advance(objects)?;
        self.advance(objects)
    }
}

struct Walk<'w> {
    objects: &'w Objects,
    visitor: &'w mut dyn Visitor,
    path: Vec<u8>,
}

impl Walk<'_> {
    fn folder(&mut self, old: Option<Oid>, new: Option<Oid>, depth: usize) -> Result<(), Undecided> {
        if old == new {
            return Ok(());
        }
        refuse_depth(depth)?;
        let old_raw = old.map(|id| self.objects.tree(id)).transpose()?;
        let new_raw = new.map(|id| self.objects.tree(id)).transpose()?;
        // These are held while everything below is walked, with the names that changed.
        let held = old_raw.as_ref().map_or(0, |raw| raw.len()) + 2 * new_raw.as_ref().map_or(0, |raw| raw.len());
        self.objects.keep(held)?;
        let mut old_side = Side::open(self.objects, old, old_raw.as_deref().unwrap_or_default())?;
        let mut new_side = Side::open(self.objects, new, new_raw.as_deref().unwrap_or_default())?;
        let mut changed_names = Vec::new();
        loop {
            if let Some(last) = last_equal_entry(old_side.from, new_side.from, self.objects.format().raw_len()) {
                old_side.skip(last, self.objects)?;
                new_side.skip(last, self.objects)?;
                continue;
            }
            let order = match (&old_side.current, &new_side.current) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(old), Some(new)) => old.order(new),
            };
            let old_entry = if order.is_le() { old_side.current } else { None };
            let new_entry = if order.is_ge() { new_side.current } else { None };
            if let Some(entry) = new_entry {
                changed_names.push(entry.name);
            }
            self.pair(old_entry, new_entry, depth)?;
            if order.is_le() {
                old_side.advance(self.objects)?;
            }
            if order.is_ge() {
                new_side.advance(self.objects)?;
            }
        }
        if let (Some(id), Some(raw)) = (new, &new_raw) {
            refuse_twins(self.objects, id, raw, &changed_names)?;
        }
        self.objects.give_back(held);
        Ok(())
    }

    /// A pair of entries at the same place of the order; at least one is there. A file and a folder of one name are two
    /// places, so that a type change is a removal and additions.
    fn pair(&mut self, old: Option<TreeEntry<'_>>, new: Option<TreeEntry<'_>>, depth: usize) -> Result<(), Undecided> {
        let (old_tree, old_file) = split(old);
        let (new_tree, new_file) = split(new);
        let Some(name) = old.or(new).map(|entry| entry.name) else { return Ok(()) };
        let same = old_file == new_file && old_tree == new_tree;
        if same {
            // Only the spelling of the mode differs.
            return Ok(());
        }
        self.objects.visit_path()?;
        let length = self.path.len();
        if length > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        if old_file != new_file {
            self.visitor.differs(&self.path, old_file, new_file)?;
        }
        if (old_tree.is_some() || new_tree.is_some()) && self.visitor.enters(&self.path) {
            self.folder(old_tree, new_tree, depth + 1)?;
        }
        self.path.truncate(length);
        Ok(())
    }
}

/// Refuses a folder that lies deeper than git reads.
pub(super) fn refuse_depth(depth: usize) -> Result<(), Undecided> {
    if depth > MAX_DEPTH {
        return Err(Undecided::new(format!("folders nest deeper than {MAX_DEPTH}")).cause(Cause::Push));
    }
    Ok(())
}

/// Refuses a tree in which a changed name is there twice, as a file and as a folder: those are not neighbours in git's
/// order, so that the order alone does not show it.
pub(super) fn refuse_twins(objects: &Objects, tree: Oid, raw: &[u8], changed: &[&[u8]]) -> Result<(), Undecided> {
    if changed.is_empty() {
        return Ok(());
    }
    let twins = Malformed("a file and a folder have the same name");
    // A few names are looked for in the bytes; many are worth reading the whole tree once.
    if changed.len() <= 8 {
        for name in changed {
            let needle: Vec<u8> = [b" ", *name, b"\0"].concat();
            let twice = if objects.work().objects <= FEW_OBJECTS {
                occurs_twice(raw, &needle)
            } else {
                memchr::memmem::find_iter(raw, &needle).nth(1).is_some()
            };
            if twice && count_names(objects, tree, raw, name)? > 1 {
                return Err(bad(objects, tree, &twins));
            }
        }
        return Ok(());
    }
    let mut seen = HashSet::new();
    let mut rest = raw;
    while let Some(entry) = next(objects, tree, &mut rest)? {
        if !seen.insert(entry.name) {
            return Err(bad(objects, tree, &twins));
        }
    }
    Ok(())
}

/// Whether something that ends with its only NUL occurs more than once.
fn occurs_twice(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.split_inclusive(|&byte| byte == 0).filter(|piece| piece.ends_with(needle)).nth(1).is_some()
}

fn count_names(objects: &Objects, tree: Oid, raw: &[u8], name: &[u8]) -> Result<usize, Undecided> {
    let mut rest = raw;
    let mut count = 0;
    while let Some(entry) = next(objects, tree, &mut rest)? {
        count += usize::from(entry.name == name);
    }
    Ok(count)
}

pub(super) fn split(entry: Option<TreeEntry<'_>>) -> (Option<Oid>, Option<FileEntry>) {
    match entry {
        None => (None, None),
        Some(entry) if entry.mode == Mode::Tree => (Some(entry.id), None),
        Some(entry) => (None, Some(FileEntry { mode: entry.mode, id: entry.id })),
    }
}

/// Where the last entry of the longest common run of entries begins; `None` when the first entries differ.
pub(super) fn last_equal_entry(old: &[u8], new: &[u8], id_len: usize) -> Option<usize> {
    if old.first() != new.first() {
        return None;
    }
    let common = common_prefix(old, new);
    let mut last = None;
    let mut begin = 0;
    // The name's end is looked for from the second byte: a crafted mode can be one character, but never none.
    while let Some(nul) = old.get(begin + 1..common).and_then(|rest| rest.iter().position(|&byte| byte == 0)) {
        let end = begin + 1 + nul + 1 + id_len;
        if end > common {
            break;
        }
        last = Some(begin);
        begin = end;
    }
    last
}

fn common_prefix(old: &[u8], new: &[u8]) -> usize {
    const BLOCK: usize = 256;
    let blocks = old.chunks_exact(BLOCK).zip(new.chunks_exact(BLOCK)).take_while(|(old, new)| old == new).count();
    let from = blocks * BLOCK;
    let (old, new) = (old.get(from..).unwrap_or_default(), new.get(from..).unwrap_or_default());
    from + old.iter().zip(new).take_while(|(old, new)| old == new).count()
}

/// Collects every change that `keep` keeps.
pub struct Collect<'k> {
    /// Where to look.
    pub enters: &'k dyn Fn(&[u8]) -> bool,
    /// Fills in what is asked of a change, and says whether to keep it.
    pub keep: &'k mut dyn FnMut(&mut FileChange) -> Result<bool, Undecided>,
    /// What was kept.
    pub changes: Vec<FileChange>,
}

impl Visitor for Collect<'_> {
    fn enters(&self, folder: &[u8]) -> bool {
        (self.enters)(folder)
    }

    fn differs(&mut self, path: &[u8], old: Option<FileEntry>, new: Option<FileEntry>) -> Result<(), Undecided> {
        let mut change = FileChange { path: path.into(), old, new, size: None };
        if (self.keep)(&mut change)? {
            self.changes.push(change);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::occurs_twice;

    proptest! {
        #[test]
        fn names_are_found_as_memchr_finds_them(haystack in "[ab \0]{0,40}", name in "[ab ]{0,3}") {
            let needle = format!(" {name}\0");
            let found = memchr::memmem::find_iter(haystack.as_bytes(), &needle).count();
            prop_assert_eq!(occurs_twice(haystack.as_bytes(), needle.as_bytes()), found > 1);
        }
    }
}
