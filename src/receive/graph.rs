//! Questions about history: which commits enter, what is an ancestor of what, where lines meet.
//!
//! Walks go by committer time, newest first, because that ends them early; times are the committer's word, so that no answer
//! depends on them, only how long it takes to find.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::objects::Objects;
use crate::git::Oid;
use crate::push::Undecided;

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

/// The best common ancestors of two commits, as `git merge-base --all` finds them, sorted.
///
/// # Errors
/// A commit cannot be read, or the budget is spent.
pub fn merge_bases(objects: &Objects, first: Oid, second: Oid) -> Result<Vec<Oid>, Undecided> {
    if first == second {
        return Ok(vec![first]);
    }
    let mut common = common_ancestors(objects, first, second)?;
    // Walking by times that lie can find an ancestor of a better one first.
    if common.len() > 1 {
        let mut best = Vec::new();
        for &candidate in &common {
            let mut redundant = false;
            for &other in common.iter().filter(|&&other| other != candidate) {
                if is_ancestor(objects, candidate, other)? {
                    redundant = true;
                    break;
                }
            }
            if !redundant {
                best.push(candidate);
            }
        }
        common = best;
    }
    common.sort_unstable();
    Ok(common)
}

/// Git's `paint_down_to_common`: the common ancestors that no other common ancestor was seen above.
fn common_ancestors(objects: &Objects, first: Oid, second: Oid) -> Result<Vec<Oid>, Undecided> {
    let mut flags: HashMap<Oid, u8> = HashMap::new();
    let mut queue = Queue::default();
    // Queue entries whose commit is not stale.
    let mut interesting: HashSet<Oid> = HashSet::new();
    let mut found: Vec<Oid> = Vec::new();
    for (id, flag) in [(first, FIRST), (second, SECOND)] {
        *flags.entry(id).or_default() |= flag;
        queue.push(objects.node(id)?.time, id);
        interesting.insert(id);
    }
    while !interesting.is_empty() {
        let Some((_, id)) = queue.pop() else { break };
        objects.step()?;
        interesting.remove(&id);
        let mut flag = flags.get(&id).copied().unwrap_or_default();
        if flag == FIRST | SECOND {
            if !found.contains(&id) {
                found.push(id);
            }
            flag |= STALE;
        }
        for &parent in &objects.node(id)?.parents {
            let before = flags.get(&parent).copied().unwrap_or_default();
            if before & flag == flag {
                continue;
            }
            let after = before | flag;
            flags.insert(parent, after);
            queue.push(objects.node(parent)?.time, parent);
            if after & STALE == 0 {
                interesting.insert(parent);
            } else {
                interesting.remove(&parent);
            }
        }
    }
    found.retain(|id| flags.get(id).is_some_and(|flag| flag & STALE == 0));
    Ok(found)
}

/// Whether one commit is another or an ancestor of it.
///
/// # Errors
/// A commit cannot be read, or the budget is spent.
pub fn is_ancestor(objects: &Objects, ancestor: Oid, descendant: Oid) -> Result<bool, Undecided> {
    Ok(ancestor == descendant || common_ancestors(objects, ancestor, descendant)?.contains(&ancestor))
}
