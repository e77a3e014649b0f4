//! Questions about history: which commits enter, what is an ancestor of what, where lines meet.
//!
//! Walks go by committer time, newest first, because that ends them early; times are the committer's word, so that no answer
//! depends on them, only how long it takes to find.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::rc::Rc;

use super::objects::Objects;
use crate::git::Oid;
use crate::push::{Cause, Undecided};

/// A queue of commits, newest first.
#[derive(Default)]
struct Queue {
    heap: BinaryHeap<(i64, Reverse<u64>, Oid)>,
    pushed: u64,
}

impl Queue {
    fn push(&mut self, time: i64, id: Oid) {
        self.pushed += 1;
        self.heap.push((time, Reverse(self.pushed), id));
    }

    fn pop(&mut self) -> Option<(i64, Oid)> {
        self.heap.pop().map(|(time, _, id)| (time, id))
    }
}

/// How many commits older than every open candidate are looked at before the walk is believed to be done. A clock that was
/// wrong for longer makes a commit count as entering that is not: the strict side.
const SLOP: u32 = 64;

/// The walk behind "which commits enter": from the new value, without what hidden tips reach.
///
/// Tips may be hidden one after the other, so that only as many refs are asked about as the answer needs. A commit that only
/// the quarantine has enters without asking: no ref can reach it yet.
pub struct Entering<'o> {
    objects: &'o Objects,
    queue: Queue,
    /// Whether a commit that was seen is hidden.
    hidden: HashMap<Oid, bool>,
    /// Commits reached from the new value, in walk order; some of them hidden later.
    reached: Vec<Oid>,
    /// Commits in the queue that are not hidden.
    waiting: HashSet<Oid>,
    /// Commits out of the queue, not hidden, that were there before the push: those that a ref may reach after all.
    open: HashSet<Oid>,
    /// The same, oldest first, and some that are not open any more.
    by_age: BinaryHeap<Reverse<(i64, Oid)>>,
}

impl<'o> Entering<'o> {
    /// Begins at the new value.
    ///
    /// # Errors
    /// A commit cannot be read.
    pub fn from(objects: &'o Objects, new: Oid) -> Result<Entering<'o>, Undecided> {
        let mut walk = Entering {
            objects,
            queue: Queue::default(),
            hidden: HashMap::new(),
            reached: Vec::new(),
            waiting: HashSet::new(),
            open: HashSet::new(),
            by_age: BinaryHeap::new(),
        };
        walk.see(new)?;
        Ok(walk)
    }

    fn see(&mut self, id: Oid) -> Result<(), Undecided> {
        if !self.hidden.contains_key(&id) {
            self.queue.push(self.objects.node(id)?.time, id);
            self.hidden.insert(id, false);
            self.waiting.insert(id);
        }
        Ok(())
    }

    /// Hides everything that this tip reaches. True if that is news.
    ///
    /// # Errors
    /// A commit cannot be read.
    pub fn hide(&mut self, id: Oid) -> Result<bool, Undecided> {
        if self.hidden.get(&id) == Some(&true) {
            return Ok(false);
        }
        self.queue.push(self.objects.node(id)?.time, id);
        self.hidden.insert(id, true);
        self.waiting.remove(&id);
        self.open.remove(&id);
        Ok(true)
    }

    /// Walks until no commit is left that may enter and is not known to.
    ///
    /// # Errors
    /// A commit cannot be read, or the budget is spent.
    pub fn run(&mut self) -> Result<(), Undecided> {
        let mut slop = SLOP;
        while !self.waiting.is_empty() || !self.open.is_empty() {
            let Some((time, id)) = self.queue.pop() else { break };
            self.objects.step()?;
            let node = self.objects.node(id)?;
            if self.hidden.get(&id) == Some(&true) {
                for &parent in &node.parents {
                    let was_seen = self.hidden.contains_key(&parent);
                    if self.hide(parent)? && was_seen {
                        slop = SLOP;
                    }
                }
                if self.waiting.is_empty() && self.oldest_open().is_some_and(|oldest| time < oldest) {
                    slop -= 1;
                    if slop == 0 {
                        break;
                    }
                }
            } else if self.waiting.remove(&id) {
                self.reached.push(id);
                if node.was_there {
                    self.open.insert(id);
                    self.by_age.push(Reverse((node.time, id)));
                }
                for &parent in &node.parents {
                    self.see(parent)?;
                }
            }
        }
        Ok(())
    }

    fn oldest_open(&mut self) -> Option<i64> {
        while let Some(Reverse((time, id))) = self.by_age.peek() {
            if self.open.contains(id) {
                return Some(*time);
            }
            self.by_age.pop();
        }
        None
    }

    /// Whether commits are left that were there before the push, so that some other ref may reach them.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether the walk has reached this commit and not hidden it.
    pub fn enters(&self, id: Oid) -> bool {
        self.hidden.get(&id) == Some(&false)
    }

    /// The entering commits, newest first.
    pub fn commits(&self) -> Vec<Oid> {
        self.reached.iter().copied().filter(|&id| self.enters(id)).collect()
    }
}

/// Those of the commits that no other one descends from, in one walk. Where clocks lie for long, more are kept than are needed.
///
/// # Errors
/// A commit cannot be read, or the budget is spent.
pub fn newest_of_each_line(objects: &Objects, commits: &[Oid]) -> Result<Vec<Oid>, Undecided> {
    let mut left: HashSet<Oid> = HashSet::new();
    let mut by_age: BinaryHeap<Reverse<(i64, Oid)>> = BinaryHeap::new();
    let mut queue = Queue::default();
    let mut below: HashSet<Oid> = HashSet::new();
    let mut descend = |id: Oid, queue: &mut Queue| -> Result<(), Undecided> {
        for &parent in &objects.node(id)?.parents {
            if below.insert(parent) {
                queue.push(objects.node(parent)?.time, parent);
            }
        }
        Ok(())
    };
    for &id in commits {
        if left.insert(id) {
            by_age.push(Reverse((objects.node(id)?.time, id)));
            descend(id, &mut queue)?;
        }
    }
    let mut slop = SLOP;
    while left.len() > 1
        && let Some((time, id)) = queue.pop()
    {
        objects.step()?;
        while by_age.peek().is_some_and(|Reverse((_, oldest))| !left.contains(oldest)) {
            by_age.pop();
        }
        if left.remove(&id) {
            slop = SLOP;
        } else if by_age.peek().is_some_and(|Reverse((oldest, _))| time < *oldest) {
            slop -= 1;
            if slop == 0 {
                break;
            }
        }
        descend(id, &mut queue)?;
    }
    let mut newest: Vec<Oid> = left.into_iter().collect();
    newest.sort_unstable();
    Ok(newest)
}

const FIRST: u8 = 1;
const SECOND: u8 = 2;
/// Below a common ancestor: of no interest any more.
const STALE: u8 = 4;
const QUEUED: u8 = 8;
const SIDES: [u8; 2] = [FIRST, SECOND];

/// History as walks between two lines know it. The merges of a push ask about the same commits again and again, so that each
/// commit gets a number, and a step from a commit to its parents costs no look-up once it was made.
#[derive(Default)]
pub(super) struct Lines {
    numbers: HashMap<Oid, u32>,
    commits: Vec<Numbered>,
    /// What the present walk knows of each commit.
    flags: Vec<u8>,
    /// The commits whose flags are set.
    flagged: Vec<u32>,
}

struct Numbered {
    id: Oid,
    /// Where it stands in the order of a walk: the committer's time; of a commit that only the quarantine has, at least one more
    /// than any parent's of its kind, so that it comes after everything that reaches it.
    order: i64,
    was_there: bool,
    /// Set by the first step from it.
    parents: Option<Rc<[u32]>>,
}

/// What a walk still has before it.
#[derive(Default)]
struct Ahead {
    /// Queued commits that are not stale.
    queued: usize,
    /// Those of them that each side reaches.
    queued_by: [usize; 2],
    /// Commits that only this side reaches so far, and that the other one may still come to: not those of the quarantine, which
    /// nothing reaches that comes after them.
    open_by: [usize; 2],
}

impl Ahead {
    fn counted(&mut self, flags: u8, was_there: bool, change: impl Fn(&mut usize)) {
        let waits = flags & QUEUED != 0 && flags & STALE == 0;
        if waits {
            change(&mut self.queued);
        }
        for ((side, queued), open) in SIDES.into_iter().zip(&mut self.queued_by).zip(&mut self.open_by) {
            if waits && flags & side != 0 {
                change(queued);
            }
            if was_there && flags & (FIRST | SECOND) == side {
                change(open);
            }
        }
    }

    /// Whether no other common ancestor can turn up: when a side is walked to its end, and the other one comes to none of its
    /// commits any more. So an unrelated line, or one merged as a folder, does not cost a walk of the whole other history.
    fn is_done(&self) -> bool {
        self.queued == 0 || self.queued_by.iter().zip(&self.open_by).any(|(queued, open)| *queued == 0 && *open == 0)
    }
}

impl Lines {
    fn number(&mut self, objects: &Objects, id: Oid) -> Result<u32, Undecided> {
        if let Some(&number) = self.numbers.get(&id) {
            return Ok(number);
        }
        // The parents come first where they have a say.
        let mut open = vec![id];
        while let Some(&id) = open.last() {
            let node = objects.node(id)?;
            let mut order = node.time;
            let mut waits = false;
            if !node.was_there {
                for &parent in &node.parents {
                    match self.numbers.get(&parent).and_then(|&number| self.commits.get(number as usize)) {
                        Some(parent) if parent.was_there => {}
                        Some(parent) => order = order.max(parent.order.saturating_add(1)),
                        None if objects.node(parent)?.was_there => {}
                        None => {
                            open.push(parent);
                            waits = true;
                        }
                    }
                }
            }
            if waits {
                continue;
            }
            open.pop();
            if !self.numbers.contains_key(&id) {
                let number = u32::try_from(self.commits.len())
                    .map_err(|_| Undecided::new("the history has more commits than can be numbered").cause(Cause::Budget))?;
                self.commits.push(Numbered { id, order, was_there: node.was_there, parents: None });
                self.flags.push(0);
                self.numbers.insert(id, number);
            }
        }
        self.numbers.get(&id).copied().ok_or_else(|| Undecided::new("a commit has no number").cause(Cause::Internal))
    }

    fn commit(&mut self, number: u32) -> Result<&mut Numbered, Undecided> {
        self.commits.get_mut(number as usize).ok_or_else(|| Undecided::new("a commit has no number").cause(Cause::Internal))
    }

    fn parents(&mut self, objects: &Objects, number: u32) -> Result<Rc<[u32]>, Undecided> {
        let commit = self.commit(number)?;
        if let Some(parents) = &commit.parents {
            return Ok(Rc::clone(parents));
        }
        let node = objects.node(commit.id)?;
        let parents = node.parents.iter().map(|&parent| self.number(objects, parent)).collect::<Result<Rc<[u32]>, _>>()?;
        self.commit(number)?.parents = Some(Rc::clone(&parents));
        Ok(parents)
    }

    fn flags(&self, number: u32) -> u8 {
        self.flags.get(number as usize).copied().unwrap_or_default()
    }

    /// Sets a commit's flags, queues it if they are news to it, and keeps count.
    fn flag(&mut self, number: u32, flags: u8, queue: &mut Numbers, ahead: &mut Ahead) -> Result<(), Undecided> {
        let before = self.flags(number);
        if before & flags == flags {
            return Ok(());
        }
        let after = before | flags | QUEUED;
        let commit = self.commit(number)?;
        let was_there = commit.was_there;
        if before & QUEUED == 0 {
            queue.push(commit.order, number);
        }
        if before == 0 {
            self.flagged.push(number);
        }
        self.set(number, before, after, was_there, ahead);
        Ok(())
    }

    fn set(&mut self, number: u32, before: u8, after: u8, was_there: bool, ahead: &mut Ahead) {
        ahead.counted(after, was_there, |count| *count += 1);
        ahead.counted(before, was_there, |count| *count = count.saturating_sub(1));
        if let Some(flags) = self.flags.get_mut(number as usize) {
            *flags = after;
        }
    }

    /// Git's `paint_down_to_common`: the common ancestors that no other common ancestor was seen above.
    fn common_ancestors(&mut self, objects: &Objects, first: u32, second: u32) -> Result<Vec<u32>, Undecided> {
        for number in std::mem::take(&mut self.flagged) {
            if let Some(flags) = self.flags.get_mut(number as usize) {
                *flags = 0;
            }
        }
        let mut queue = Numbers::default();
        let mut ahead = Ahead::default();
        let mut found: Vec<u32> = Vec::new();
        self.flag(first, FIRST, &mut queue, &mut ahead)?;
        self.flag(second, SECOND, &mut queue, &mut ahead)?;
        while !ahead.is_done() {
            let Some(number) = queue.pop() else { break };
            objects.step()?;
            let before = self.flags(number);
            let was_there = self.commit(number)?.was_there;
            self.set(number, before, before & !QUEUED, was_there, &mut ahead);
            let mut flags = before & (FIRST | SECOND | STALE);
            if flags == FIRST | SECOND {
                if !found.contains(&number) {
                    found.push(number);
                }
                flags |= STALE;
            }
            for &parent in self.parents(objects, number)?.iter() {
                self.flag(parent, flags, &mut queue, &mut ahead)?;
            }
        }
        found.retain(|&number| self.flags(number) & STALE == 0);
        Ok(found)
    }

    fn is_ancestor(&mut self, objects: &Objects, ancestor: u32, descendant: u32) -> Result<bool, Undecided> {
        Ok(ancestor == descendant || self.common_ancestors(objects, ancestor, descendant)?.contains(&ancestor))
    }

    fn merge_bases(&mut self, objects: &Objects, first: u32, second: u32) -> Result<Vec<u32>, Undecided> {
        if first == second {
            return Ok(vec![first]);
        }
        let common = self.common_ancestors(objects, first, second)?;
        if common.len() < 2 {
            return Ok(common);
        }
        // Walking by times that lie can find an ancestor of a better one first.
        let mut best = Vec::new();
        for &candidate in &common {
            let mut redundant = false;
            for &other in common.iter().filter(|&&other| other != candidate) {
                if self.is_ancestor(objects, candidate, other)? {
                    redundant = true;
                    break;
                }
            }
            if !redundant {
                best.push(candidate);
            }
        }
        Ok(best)
    }
}

/// A queue of numbered commits, newest first.
#[derive(Default)]
struct Numbers {
    heap: BinaryHeap<(i64, Reverse<u32>, u32)>,
    pushed: u32,
}

impl Numbers {
    fn push(&mut self, order: i64, number: u32) {
        self.pushed = self.pushed.wrapping_add(1);
        self.heap.push((order, Reverse(self.pushed), number));
    }

    fn pop(&mut self) -> Option<u32> {
        self.heap.pop().map(|(_, _, number)| number)
    }
}

/// The best common ancestors of two commits, as `git merge-base --all` finds them, sorted.
///
/// # Errors
/// A commit cannot be read, or the budget is spent.
pub fn merge_bases(objects: &Objects, first: Oid, second: Oid) -> Result<Vec<Oid>, Undecided> {
    if first == second {
        return Ok(vec![first]);
    }
    let lines = &mut *objects.lines().borrow_mut();
    let (first, second) = (lines.number(objects, first)?, lines.number(objects, second)?);
    let bases = lines.merge_bases(objects, first, second)?;
    let mut bases = bases.into_iter().map(|base| Ok(lines.commit(base)?.id)).collect::<Result<Vec<_>, Undecided>>()?;
    bases.sort_unstable();
    Ok(bases)
}

/// Whether one commit is another or an ancestor of it.
///
/// # Errors
/// A commit cannot be read, or the budget is spent.
pub fn is_ancestor(objects: &Objects, ancestor: Oid, descendant: Oid) -> Result<bool, Undecided> {
    if ancestor == descendant {
        return Ok(true);
    }
    let lines = &mut *objects.lines().borrow_mut();
    let (ancestor, descendant) = (lines.number(objects, ancestor)?, lines.number(objects, descendant)?);
    lines.is_ancestor(objects, ancestor, descendant)
}
