//! Which paths a merge commit touches: its tree, its parents' and their merge bases' side by side, folder by folder.
//!
//! A merge touches a path when its entry differs there from every parent; or from a parent P, unless P is merely *behind*: some
//! parent Q has the merge's entry, and P still has the entry that some merge base of P and Q has. Where two lines never met,
//! the empty tree stands for their merge base.
//!
//! **Nothing is lost.** Say that M does not touch a path and has the entry e there, and that P, one of its parents, has another
//! one. Then a commit that M reaches touches the path and gives it the entry e. For there are Q with e, and a merge base B of P
//! and Q with P's entry. On a way from B to Q the entry becomes e for the last time from a commit X to its child Y. (Where there
//! is no merge base, it does so on a way from a root, if not in the root, which touches whatever it has.) P does not reach Y,
//! because no commit above a merge base is common. Either Y touches the path, or Y is a merge in which X is behind: then the
//! same holds for Y and X in place of M and P, and since Y is an ancestor of M, this comes to an end. The commit at the end
//! enters with the same push, and is judged for its own touch; or it was there before, and judged history once had e at the path.
//!
//! So merges bring nothing to a path that no commit brought there which was judged or enters. In history that itself has several merge
//! bases, and went from one entry to another and back between them, a merge can take the entry in between where git's own merge
//! would not. If the ref then has it, that is a landing change.

use std::collections::HashMap;
use std::rc::Rc;

use super::objects::Objects;
use super::tree_diff::{Side, last_equal_entry, next, refuse_depth, refuse_twins, split};
use crate::git::tree::TreeEntry;
use crate::git::{FileChange, FileEntry, Mode, Oid};
use crate::push::Undecided;

/// Chooses where a walk over a merge goes and what it keeps.
pub trait Visitor {
    /// Whether to look below a folder.
    fn enters(&self, folder: &[u8]) -> bool;

    /// Whether a difference from a parent matters if the merge touches the path. Fills in what is asked of it.
    ///
    /// # Errors
    /// Ends the walk.
    fn matters(&mut self, change: &mut FileChange) -> Result<bool, Undecided>;

    /// A path that the merge touches, against a parent that shows it; once for each entry that parents have there.
    ///
    /// # Errors
    /// Ends the walk.
    fn touches(&mut self, change: FileChange) -> Result<(), Undecided>;

    /// The trees of the merge bases of two parents, by their places among the parents. Asked at most once for each two.
    ///
    /// # Errors
    /// Ends the walk.
    fn bases(&mut self, first: usize, second: usize) -> Result<Vec<Oid>, Undecided>;
}

/// Walks what a merge touches, given its tree and those of its parents.
///
/// # Errors
/// A tree is missing, unreadable or malformed, the budget is spent, or the visitor ends the walk.
pub fn merge_diff(objects: &Objects, tree: Oid, parents: &[Oid], visitor: &mut dyn Visitor) -> Result<(), Undecided> {
    let mut walk = Walk { objects, visitor, path: Vec::new(), bases: Vec::new(), pairs: HashMap::new() };
    let parents: Vec<Option<Oid>> = parents.iter().copied().map(Some).collect();
    let live = vec![true; parents.len()];
    walk.folder(Some(tree), &parents, &live, Vec::new(), 0)
}

/// What stands at a place: a folder or anything else.
type Entry = (Option<Oid>, Option<FileEntry>);

struct Walk<'w> {
    objects: &'w Objects,
    visitor: &'w mut dyn Visitor,
    path: Vec<u8>,
    /// The root trees of the merge bases that were asked for; `None` is the empty tree.
    bases: Vec<Option<Oid>>,
    /// Which of them are merge bases of two parents.
    pairs: HashMap<(usize, usize), Rc<[usize]>>,
}

/// One folder of the merge bases, opened as far as it is asked for, in the order of the walk.
struct BaseFolders {
    /// The length of the folder's path.
    path: usize,
    /// What is known of where the folder is: not yet asked, or asked and perhaps not there.
    trees: Vec<Option<Option<Oid>>>,
    open: HashMap<usize, (Rc<[u8]>, usize)>,
}

impl BaseFolders {
    /// What a merge base has at this place. Places are asked for in the order of a tree.
    fn entry(&mut self, base: usize, place: &TreeEntry<'_>, walk: &Walk<'_>) -> Result<Entry, Undecided> {
        let tree = match self.trees.get(base).copied().flatten() {
            Some(tree) => tree,
            None => {
                let folder = walk.path.get(..self.path).unwrap_or_default();
                let tree = folder_at(walk.objects, walk.bases.get(base).copied().flatten(), folder)?;
                if self.trees.len() <= base {
                    self.trees.resize(base + 1, None);
                }
                if let Some(slot) = self.trees.get_mut(base) {
                    *slot = Some(tree);
                }
                tree
            }
        };
        let Some(tree) = tree else { return Ok((None, None)) };
        let (raw, at) = match self.open.entry(base) {
            std::collections::hash_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::hash_map::Entry::Vacant(open) => open.insert((walk.objects.tree(tree)?, 0)),
        };
        let mut rest = raw.get(*at..).unwrap_or_default();
        while let Some(entry) = next(walk.objects, tree, &mut rest)? {
            match entry.order(place) {
                std::cmp::Ordering::Less => *at = raw.len() - rest.len(),
                std::cmp::Ordering::Equal => return Ok(split(Some(entry))),
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok((None, None))
    }

    /// What is known of a folder below.
    fn below(&mut self, place: &TreeEntry<'_>, walk: &Walk<'_>) -> Result<Vec<Option<Option<Oid>>>, Undecided> {
        let mut known = vec![None; walk.bases.len()];
        for (base, slot) in known.iter_mut().enumerate() {
            if self.open.contains_key(&base) {
                *slot = Some(self.entry(base, place, walk)?.0);
            }
        }
        Ok(known)
    }
}

/// The folder at a path below a tree; `None` when there is none.
fn folder_at(objects: &Objects, tree: Option<Oid>, path: &[u8]) -> Result<Option<Oid>, Undecided> {
    let Some(mut tree) = tree else { return Ok(None) };
    for component in path.split(|&byte| byte == b'/').filter(|component| !component.is_empty()) {
        let raw = objects.tree(tree)?;
        let mut rest: &[u8] = &raw;
        loop {
            objects.step()?;
            match next(objects, tree, &mut rest)? {
                Some(entry) if entry.mode == Mode::Tree && entry.name == component => {
                    tree = entry.id;
                    break;
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }
    Ok(Some(tree))
}

impl Walk<'_> {
    /// A folder of the merge, and the same of its parents. Those that are not live are behind in it as a whole.
    fn folder(
        &mut self,
        new: Option<Oid>,
        parents: &[Option<Oid>],
        live: &[bool],
        known: Vec<Option<Option<Oid>>>,
        depth: usize,
    ) -> Result<(), Undecided> {
        refuse_depth(depth)?;
        // Parents that have the very same folder need no reading.
        let others: Vec<(usize, Option<Oid>)> =
            parents.iter().copied().enumerate().filter(|(_, parent)| *parent != new).collect();
        if others.is_empty() {
            return Ok(());
        }
        let objects = self.objects;
        let columns: Vec<Option<Oid>> = std::iter::once(new).chain(others.iter().map(|(_, tree)| *tree)).collect();
        let raws = columns.iter().map(|id| id.map(|id| objects.tree(id)).transpose()).collect::<Result<Vec<_>, _>>()?;
        // These are held while everything below is walked, with the names that changed.
        let held =
            raws.iter().flatten().map(|raw| raw.len()).sum::<usize>() + raws.iter().flatten().next().map_or(0, |raw| raw.len());
        objects.keep(held)?;
        let mut sides = columns
            .iter()
            .zip(&raws)
            .map(|(id, raw)| Side::open(objects, *id, raw.as_deref().unwrap_or_default()))
            .collect::<Result<Vec<_>, _>>()?;
        let mut bases = BaseFolders { path: self.path.len(), trees: known, open: HashMap::new() };
        let mut changed_names = Vec::new();
        let mut shortest = 1;
        loop {
            objects.step()?;
            if let Some(last) = last_entry_equal_in_all(&sides, &mut shortest, objects.format().raw_len()) {
                for side in &mut sides {
                    side.skip(last, objects)?;
                }
                continue;
            }
            let Some(place) = sides.iter().filter_map(|side| side.current).min_by(TreeEntry::order) else { break };
            let here: Vec<Option<TreeEntry<'_>>> =
                sides.iter().map(|side| side.current.filter(|entry| entry.order(&place).is_eq())).collect();
            let mut here_split = here.iter().copied().map(split);
            let mine: Entry = here_split.next().unwrap_or_default();
            let mut theirs = vec![mine; parents.len()];
            for ((parent, _), entry) in others.iter().zip(here_split) {
                if let Some(slot) = theirs.get_mut(*parent) {
                    *slot = entry;
                }
            }
            if let Some(entry) = here.first().copied().flatten() {
                changed_names.push(entry.name);
            }
            self.place(&place, mine, &theirs, live, &mut bases, depth)?;
            for (side, entry) in sides.iter_mut().zip(&here) {
                if entry.is_some() {
                    side.advance(objects)?;
                }
            }
        }
        // A folder that a parent has as it is was looked at when it came in.
        if others.len() == parents.len()
            && let (Some(id), Some(Some(raw))) = (new, raws.first())
        {
            refuse_twins(objects, id, raw, &changed_names)?;
        }
        objects.give_back(held);
        Ok(())
    }

    /// One place of the order. A file and a folder of one name are two places.
    fn place(
        &mut self,
        place: &TreeEntry<'_>,
        mine: Entry,
        theirs: &[Entry],
        live: &[bool],
        bases: &mut BaseFolders,
        depth: usize,
    ) -> Result<(), Undecided> {
        let (equal, differing): (Vec<usize>, Vec<usize>) =
            (0..theirs.len()).partition(|&parent| theirs.get(parent) == Some(&mine));
        let differing: Vec<(usize, Entry)> = differing
            .into_iter()
            .filter(|&parent| live.get(parent) == Some(&true))
            .filter_map(|parent| Some((parent, *theirs.get(parent)?)))
            .collect();
        if differing.is_empty() {
            return Ok(());
        }
        let length = self.path.len();
        if length > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(place.name);
        if place.mode == Mode::Tree {
            if self.visitor.enters(&self.path) {
                let mut live = vec![false; theirs.len()];
                for (parent, entry) in differing {
                    let behind = self.is_behind(parent, entry, &equal, place, bases)?;
                    if let Some(slot) = live.get_mut(parent) {
                        *slot = !behind;
                    }
                }
                if live.contains(&true) {
                    self.objects.visit_path()?;
                    let known = bases.below(place, self)?;
                    let folders: Vec<Option<Oid>> = theirs.iter().map(|(folder, _)| *folder).collect();
                    self.folder(mine.0, &folders, &live, known, depth + 1)?;
                }
            }
        } else {
            self.file(place, mine, &differing, &equal, bases)?;
        }
        self.path.truncate(length);
        Ok(())
    }

    fn file(
        &mut self,
        place: &TreeEntry<'_>,
        mine: Entry,
        differing: &[(usize, Entry)],
        equal: &[usize],
        bases: &mut BaseFolders,
    ) -> Result<(), Undecided> {
        // A rule may select a change by what was there before, so that each parent's counts.
        let mut told: Vec<Option<FileEntry>> = Vec::new();
        for &(parent, entry) in differing {
            if told.contains(&entry.1) {
                continue;
            }
            // What costs less is asked first: merge bases that are known already, then whether a rule asks at all.
            let known = equal.iter().all(|&other| self.pairs.contains_key(&pair(parent, other)));
            if known && self.is_behind(parent, entry, equal, place, bases)? {
                continue;
            }
            self.objects.visit_path()?;
            let mut change = FileChange { path: self.path.as_slice().into(), old: entry.1, new: mine.1, size: None };
            if !self.visitor.matters(&mut change)? || !known && self.is_behind(parent, entry, equal, place, bases)? {
                continue;
            }
            self.visitor.touches(change)?;
            told.push(entry.1);
        }
        Ok(())
    }

    /// Whether a parent still has what a merge base with one of those parents has that have what the merge has.
    fn is_behind(
        &mut self,
        parent: usize,
        entry: Entry,
        equal: &[usize],
        place: &TreeEntry<'_>,
        bases: &mut BaseFolders,
    ) -> Result<bool, Undecided> {
        for &other in equal {
            for &base in self.bases_of(parent, other)?.iter() {
                if bases.entry(base, place, self)? == entry {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn bases_of(&mut self, first: usize, second: usize) -> Result<Rc<[usize]>, Undecided> {
        let key = pair(first, second);
        if let Some(known) = self.pairs.get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut trees: Vec<Option<Oid>> = self.visitor.bases(key.0, key.1)?.into_iter().map(Some).collect();
        if trees.is_empty() {
            trees.push(None);
        }
        let mut places: Vec<usize> = Vec::new();
        for tree in trees {
            let place = self.bases.iter().position(|known| *known == tree).unwrap_or_else(|| {
                self.bases.push(tree);
                self.bases.len() - 1
            });
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let places: Rc<[usize]> = places.into();
        self.pairs.insert(key, Rc::clone(&places));
        Ok(places)
    }
}

fn pair(first: usize, second: usize) -> (usize, usize) {
    (first.min(second), first.max(second))
}

/// Where the last entry begins of the longest run that all sides have in common. The side that ended the run before is compared
/// first, so that the others are not compared further than that again and again.
fn last_entry_equal_in_all(sides: &[Side<'_>], shortest: &mut usize, id_len: usize) -> Option<usize> {
    let (first, others) = sides.split_first()?;
    let mut bytes = first.from;
    let mut last = None;
    let start = *shortest;
    for side in std::iter::once(start).chain((1..sides.len()).filter(|&side| side != start)) {
        let end = last_equal_entry(bytes, others.get(side.checked_sub(1)?)?.from, id_len);
        if last.is_none() || end < last {
            *shortest = side;
        }
        last = Some(end?);
        // Up to the end of the last common entry.
        bytes = entry_end(bytes, end?, id_len)?;
    }
    last
}

/// The bytes up to the end of the entry that begins here.
fn entry_end(bytes: &[u8], begin: usize, id_len: usize) -> Option<&[u8]> {
    let nul = bytes.get(begin + 1..)?.iter().position(|&byte| byte == 0)?;
    bytes.get(..begin + 1 + nul + 1 + id_len)
}
