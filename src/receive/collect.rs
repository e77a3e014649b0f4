//! From objects and refs to facts: what each selected ruleset may know about each update.
//!
//! Only what a rule needs is collected, active rulesets first, so that one which only reports never costs another its budget.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::graph::{Entering, is_ancestor, merge_bases, newest_of_each_line};
use super::merge_diff::{Visitor as MergeVisitor, merge_diff};
use super::objects::Objects;
use super::refs::Refs;
use super::tree_diff::{Collect, diff, entries_at};
use crate::git::pattern::{Pattern, PatternSet};
use crate::git::{Change, Commit, FileChange, FileEntry, Mode, ObjectKind, Oid, RefKind, RefName};
use crate::policy::{DefaultBranch, Enforcement, Ruleset};
use crate::push::{Cause, EnteringCommit, Fact, Needs, NewValue, PushTotals, Undecided, UpdateFacts};
use crate::rules::{Rule, Target};
use crate::verdict::{Context, PushedUpdate, Selected, Standing};

/// Above this many covered refs, their tips are first compared with what the walk has seen, and walked from only then.
const FEW_TIPS: usize = 256;

/// What a push's facts are collected from.
pub struct Collector<'a> {
    /// The objects, the quarantine included.
    pub objects: &'a Objects,
    /// The refs before the push.
    pub refs: &'a Refs,
    /// What is known without objects.
    pub context: &'a Context,
    /// The updates.
    pub updates: &'a [PushedUpdate],
    /// For each update, the value that the server holds.
    pub held: &'a [Option<Oid>],
}

/// What a value is when tags are peeled away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peeled {
    Commit(Oid),
    Tree(Oid),
    Blob(Oid),
}

/// What the rules of one phase want to see of changed paths.
struct Interest<'p> {
    rules: Vec<&'p dyn Rule>,
    sizes: bool,
    /// How many changes of a plain diff are kept that no rule selects, because they are counted.
    counted: Option<u64>,
}

/// One phase: rulesets that share what is collected about commits.
struct Phase<'p> {
    interest: Interest<'p>,
    /// Entering commits, with and without what they touch.
    commits: RefCell<HashMap<(Oid, bool), Rc<EnteringCommit>>>,
    /// Bytes that are kept for the commits.
    kept: Cell<usize>,
}

impl<'p> Phase<'p> {
    fn new(rulesets: impl Iterator<Item = &'p Ruleset>) -> Phase<'p> {
        let rules: Vec<&dyn Rule> =
            rulesets.flat_map(binding_rules).filter(|rule| rule.needs().changes || rule.needs().changed_paths).collect();
        let sizes = rules.iter().any(|rule| rule.needs().sizes);
        let counted = rules.iter().filter_map(|rule| rule.changed_paths_limit()).max().map(|limit| limit.saturating_add(1));
        Phase { interest: Interest { rules, sizes, counted }, commits: RefCell::default(), kept: Cell::default() }
    }
}

/// The bytes that a change takes in memory.
fn bytes_of(change: &FileChange) -> usize {
    size_of::<FileChange>() + change.path.len()
}

/// The bytes that the facts about a ruleset's updates take in memory, apart from what they hold.
pub(super) fn bytes_of_facts(selected: &Selected<'_>) -> usize {
    selected.updates.len() * (size_of::<UpdateFacts>() + 2 * size_of::<RefName>())
}

fn binding_rules(ruleset: &Ruleset) -> impl Iterator<Item = &dyn Rule> {
    ruleset.rules.iter().map(|configured| configured.rule.as_ref()).filter(|rule| rule.info().not_on_a_server.is_none())
}

impl Interest<'_> {
    fn enters(&self, folder: &[u8]) -> bool {
        self.counted.is_some() || self.rules.iter().any(|rule| rule.selects_below(folder))
    }

    fn selects(&self, change: &FileChange) -> Result<bool, Undecided> {
        for rule in &self.rules {
            if rule.selects(change)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Fills in the size of what is added or changed.
    fn size(&self, objects: &Objects, change: &mut FileChange) -> Result<(), Undecided> {
        if self.sizes
            && let Some(entry) = change.new
            && entry.mode != Mode::Gitlink
        {
            change.size = Some(objects.blob_size(entry.id)?);
        }
        Ok(())
    }

    /// Whether a change that no rule selects is kept because it is counted.
    fn counts(&self, counted: &mut u64) -> bool {
        *counted += 1;
        self.counted.is_some_and(|limit| *counted <= limit)
    }

    /// The differences between two trees that matter. `whole` keeps every counted one.
    fn diff(&self, objects: &Objects, old: Option<Oid>, new: Option<Oid>, whole: bool) -> Result<Vec<FileChange>, Undecided> {
        let mut counted = 0;
        let mut keep = |change: &mut FileChange| {
            self.size(objects, change)?;
            let kept = self.selects(change)? || self.counts(&mut counted) || whole && self.counted.is_some();
            if kept {
                objects.keep_change(bytes_of(change))?;
            }
            Ok(kept)
        };
        let mut visitor = Collect { enters: &|folder| self.enters(folder), keep: &mut keep, changes: Vec::new() };
        diff(objects, old, new, &mut visitor)?;
        Ok(visitor.changes)
    }
}

/// Keeps what a merge touches and a rule wants to see.
struct Touched<'t> {
    objects: &'t Objects,
    interest: &'t Interest<'t>,
    parents: &'t [Oid],
    counted: u64,
    changes: Vec<FileChange>,
}

impl MergeVisitor for Touched<'_> {
    fn enters(&self, folder: &[u8]) -> bool {
        self.interest.enters(folder)
    }

    fn matters(&mut self, change: &mut FileChange) -> Result<bool, Undecided> {
        self.interest.size(self.objects, change)?;
        Ok(self.interest.counted.is_some() || self.interest.selects(change)?)
    }

    fn touches(&mut self, change: FileChange) -> Result<(), Undecided> {
        // A path counts once, against however many parents it is shown.
        let again = self.changes.last().is_some_and(|last| last.path == change.path);
        if self.interest.selects(&change)? || !again && self.interest.counts(&mut self.counted) {
            self.objects.keep_change(bytes_of(&change))?;
            self.changes.push(change);
        }
        Ok(())
    }

    fn bases(&mut self, first: usize, second: usize) -> Result<Vec<Oid>, Undecided> {
        let (Some(&first), Some(&second)) = (self.parents.get(first), self.parents.get(second)) else { return Ok(Vec::new()) };
        merge_bases(self.objects, first, second)?.into_iter().map(|base| Ok(self.objects.node(base)?.tree)).collect()
    }
}

/// Whether a selected ruleset can refuse the push.
pub(super) fn binds(selected: &Selected<'_>) -> bool {
    selected.ruleset.enforcement == Enforcement::Active
        && selected.updates.iter().any(|(_, _, standing)| matches!(standing, Standing::Judged))
}

impl Collector<'_> {
    /// Collects the facts of every selected ruleset's updates, in the same order.
    pub fn collect(&self, selected: &[Selected<'_>]) -> Vec<Vec<UpdateFacts>> {
        let mut all: Vec<Vec<UpdateFacts>> = vec![Vec::new(); selected.len()];
        for binding in [true, false] {
            self.each(selected, binding, |index, facts| {
                if let Some(slot) = all.get_mut(index) {
                    *slot = facts;
                }
            });
        }
        all
    }

    /// Collects the facts of the selected rulesets that can refuse the push, or of the others, one after the other, and hands them
    /// over with their index. The first are collected first: what the others cost then refuses nothing.
    pub(super) fn each(&self, selected: &[Selected<'_>], binding: bool, mut collected: impl FnMut(usize, Vec<UpdateFacts>)) {
        let texts = selected.iter().flat_map(|one| binding_rules(one.ruleset)).any(|rule| rule.needs().texts);
        self.objects.keep_text(texts);
        let phase = Phase::new(selected.iter().filter(|one| binds(one) == binding).map(|one| one.ruleset));
        for (index, one) in selected.iter().enumerate().filter(|(_, one)| binds(one) == binding) {
            collected(index, self.ruleset(one, &phase));
            // What the commits touch is kept for the rulesets to come.
            self.objects.set_changes_kept(phase.kept.get());
        }
        self.objects.set_changes_kept(0);
    }

    /// The facts of a ruleset for which none were collected, and why.
    pub(super) fn not_collected(&self, selected: &Selected<'_>, why: &Undecided) -> Vec<UpdateFacts> {
        let judged = selected.updates.iter().filter_map(|(index, names, _)| Some((self.updates.get(*index)?, names)));
        judged
            .map(|(pushed, names)| {
                let mut facts = UpdateFacts::new(pushed.update.clone());
                facts.names.clone_from(names);
                facts.rewrite = pushed.rewrite;
                facts.merges_pull_request = pushed.merges_pull_request;
                facts.fast_forward = Fact::Failed(why.clone());
                facts.new_value = Fact::Failed(why.clone());
                facts.landing = Fact::Failed(why.clone());
                facts.entering = Fact::Failed(why.clone());
                facts.totals = PushTotals { commits: Fact::Failed(why.clone()), changed_paths: Fact::Failed(why.clone()) };
                facts
            })
            .collect()
    }

    fn ruleset(&self, selected: &Selected<'_>, phase: &Phase<'_>) -> Vec<UpdateFacts> {
        let needs = binding_rules(selected.ruleset).fold(Needs::default(), |needs, rule| needs.and(rule.needs()));
        let covered = Covered::new(self, selected);
        self.objects.set_changes_kept(self.objects.changes_kept() + bytes_of_facts(selected));
        let mut all: Vec<UpdateFacts> = selected
            .updates
            .iter()
            .filter_map(|(index, names, _)| {
                let pushed = self.updates.get(*index)?;
                let held = self.held.get(*index).copied().flatten();
                Some(self.update(pushed, names, held, needs, &covered, phase))
            })
            .collect();
        let limit = binding_rules(selected.ruleset).filter_map(|rule| rule.changed_paths_limit()).max();
        let totals = totals(&all, limit);
        for facts in &mut all {
            facts.totals = totals.clone();
        }
        all
    }

    fn update(
        &self,
        pushed: &PushedUpdate,
        names: &[RefName],
        held: Option<Oid>,
        needs: Needs,
        covered: &Covered<'_>,
        phase: &Phase<'_>,
    ) -> UpdateFacts {
        let mut facts = UpdateFacts::new(pushed.update.clone());
        facts.names = names.to_vec();
        tracing::debug!(ruleset = covered.ruleset.name, reference = ?pushed.update.name, ?held, ?needs, "collecting");
        facts.rewrite = pushed.rewrite;
        facts.merges_pull_request = pushed.merges_pull_request;
        let Some(new) = pushed.update.change.new_value() else {
            facts.landing = Fact::Known(Rc::default());
            facts.entering = Fact::Known(Vec::new());
            return facts;
        };
        if needs.target {
            facts.new_value = self.new_value(new).into();
        }
        if needs.fast_forward && matches!(pushed.update.change, Change::Update { .. }) {
            facts.fast_forward = held.map_or(Ok(false), |old| self.fast_forward(old, new)).into();
        }
        if needs.commits {
            let changes = needs.changes || needs.changed_paths;
            facts.entering = self.entering(new, held, covered, phase, changes).into();
            if changes {
                let before = self.objects.changes_kept();
                let landing = self.landing(new, held, covered, phase);
                self.objects.set_changes_kept(before + landing.iter().flatten().map(bytes_of).sum::<usize>());
                facts.landing = landing.map(Rc::new).into();
            }
            tracing::debug!(entering = ?facts.entering, landing = ?facts.landing, work = ?self.objects.work(), "collected");
        }
        facts
    }

    fn new_value(&self, new: Oid) -> Result<NewValue, Undecided> {
        Ok(match self.objects.kind(new)? {
            ObjectKind::Commit => NewValue::Commit,
            ObjectKind::Tag => NewValue::Tag,
            ObjectKind::Tree => NewValue::Tree,
            ObjectKind::Blob => NewValue::Blob,
        })
    }

    fn peel(&self, mut id: Oid) -> Result<Peeled, Undecided> {
        let mut kind = self.objects.kind(id)?;
        loop {
            match kind {
                ObjectKind::Commit => return Ok(Peeled::Commit(id)),
                ObjectKind::Tree => return Ok(Peeled::Tree(id)),
                ObjectKind::Blob => return Ok(Peeled::Blob(id)),
                ObjectKind::Tag => {
                    let tag = self.objects.tag(id)?;
                    id = tag.target;
                    kind = self.objects.kind(id)?;
                    if kind != tag.target_kind {
                        return Err(Undecided::new(format!("the tag {} names an object of another type than it says", tag.id))
                            .cause(Cause::Push)
                            .help("make that tag again with `git tag`"));
                    }
                }
            }
        }
    }

    fn peel_to_commit(&self, id: Oid) -> Result<Option<Oid>, Undecided> {
        Ok(match self.peel(id)? {
            Peeled::Commit(id) => Some(id),
            Peeled::Tree(_) | Peeled::Blob(_) => None,
        })
    }

    fn fast_forward(&self, old: Oid, new: Oid) -> Result<bool, Undecided> {
        if old == new {
            return Ok(true);
        }
        match (self.peel(old)?, self.peel(new)?) {
            (Peeled::Commit(old), Peeled::Commit(new)) => is_ancestor(self.objects, old, new),
            (old, new) => Ok(old == new),
        }
    }

    fn default_tip(&self) -> Result<Option<Oid>, Undecided> {
        match self.context.default_branch.existing() {
            Some(name) => self.refs.resolve(name)?.1.map_or(Ok(None), |id| self.peel_to_commit(id)),
            None => Ok(None),
        }
    }

    /// The commits reachable from the new value, and neither from the default branch, as far as the ruleset trusts it, nor from
    /// a covered ref.
    fn walk_entering(&self, new: Oid, held: Option<Oid>, covered: &Covered<'_>) -> Result<Entering<'_>, Undecided> {
        let mut walk = Entering::from(self.objects, new)?;
        let default = if covered.default_hides(self)? { self.default_tip()? } else { None };
        for tip in [held.map_or(Ok(None), |id| self.peel_to_commit(id))?, default].into_iter().flatten() {
            walk.hide(tip)?;
        }
        walk.run()?;
        if !walk.is_open() || !covered.others_count() {
            return Ok(walk);
        }
        let tips = covered.tips(self)?;
        if tips.len() > FEW_TIPS {
            for &tip in tips.iter() {
                if walk.enters(tip) {
                    walk.hide(tip)?;
                }
            }
            walk.run()?;
            // Not proven to be reached by a ref within the budget: it counts as new.
            if !walk.is_open() || tips.len() as u64 > self.objects.commits_left() / 2 {
                return Ok(walk);
            }
        }
        for &tip in tips.iter() {
            walk.hide(tip)?;
        }
        walk.run()?;
        Ok(walk)
    }

    fn entering(
        &self,
        new: Oid,
        held: Option<Oid>,
        covered: &Covered<'_>,
        phase: &Phase<'_>,
        with_changes: bool,
    ) -> Result<Vec<Rc<EnteringCommit>>, Undecided> {
        let Peeled::Commit(new) = self.peel(new)? else { return Ok(Vec::new()) };
        let mut entering = Vec::new();
        // The walk is dropped before the commits are read.
        let ids = self.walk_entering(new, held, covered)?.commits();
        for id in ids {
            self.objects.keep_change(size_of::<Rc<EnteringCommit>>())?;
            if let Some(known) = phase.commits.borrow().get(&(id, with_changes)) {
                entering.push(Rc::clone(known));
                continue;
            }
            let commit = self.objects.commit(id)?;
            let before = self.objects.changes_kept();
            let changes: Fact<Vec<FileChange>> =
                if with_changes { self.changes_of(&commit, &phase.interest).into() } else { Fact::NotCollected };
            // Nothing that is over the budget for one commit is within it for the next.
            if let Fact::Failed(undecided) = &changes
                && undecided.cause == Cause::Budget
            {
                return Err(undecided.clone());
            }
            // Only what the commit touches is kept of what finding it out took.
            let touched = if let Fact::Known(changes) = &changes { changes.iter().map(bytes_of).sum() } else { 0 };
            let kept = touched + 2 * size_of::<EnteringCommit>();
            self.objects.set_changes_kept(before);
            self.objects.keep_change(kept)?;
            phase.kept.set(phase.kept.get() + kept);
            let one = Rc::new(EnteringCommit { commit, changes });
            phase.commits.borrow_mut().insert((id, with_changes), Rc::clone(&one));
            entering.push(one);
        }
        Ok(entering)
    }

    /// What a commit touches: against its parent, or the empty tree; for a merge as [`merge_diff`] says.
    fn changes_of(&self, commit: &Commit, interest: &Interest<'_>) -> Result<Vec<FileChange>, Undecided> {
        match commit.parents.as_slice() {
            [] => interest.diff(self.objects, None, Some(commit.tree), false),
            [parent] => {
                let parent = self.objects.node(*parent)?.tree;
                interest.diff(self.objects, Some(parent), Some(commit.tree), false)
            }
            parents => {
                let trees = parents.iter().map(|&parent| Ok(self.objects.node(parent)?.tree)).collect::<Result<Vec<_>, _>>()?;
                let mut touched = Touched { objects: self.objects, interest, parents, counted: 0, changes: Vec::new() };
                merge_diff(self.objects, commit.tree, &trees, &mut touched)?;
                Ok(touched.changes)
            }
        }
    }

    /// How the ref's tree changes, from what the server holds, or from where a new ref comes from.
    fn landing(
        &self,
        new: Oid,
        held: Option<Oid>,
        covered: &Covered<'_>,
        phase: &Phase<'_>,
    ) -> Result<Vec<FileChange>, Undecided> {
        let interest = &phase.interest;
        let new = match self.peel(new)? {
            Peeled::Commit(id) => id,
            // What a ref names directly is judged whole.
            Peeled::Tree(tree) => return interest.diff(self.objects, None, Some(tree), false),
            Peeled::Blob(id) => {
                let size = if interest.sizes { Some(self.objects.blob_size(id)?) } else { None };
                let entry = FileEntry { mode: Mode::File, id };
                return Ok(vec![FileChange { path: Box::default(), old: None, new: Some(entry), size }]);
            }
        };
        let new_tree = self.objects.node(new)?.tree;
        if let Some(held) = held {
            let Some(old) = self.peel_to_commit(held)? else {
                return interest.diff(self.objects, None, Some(new_tree), false);
            };
            let old_tree = self.objects.node(old)?.tree;
            // Where changes may be excused, those that are only counted are kept whole: else excused ones could fill the count and
            // hide the others behind them.
            let whole = covered.covers_default(self)?;
            let mut changes = interest.diff(self.objects, Some(old_tree), Some(new_tree), whole)?;
            self.excuse(&mut changes, old, covered)?;
            return Ok(changes);
        }
        let mut changes = Vec::new();
        let mut named = HashSet::new();
        for base in self.origins(new, covered)? {
            for change in interest.diff(self.objects, base, Some(new_tree), false)? {
                if named.insert(change.path.clone()) {
                    changes.push(change);
                }
            }
        }
        Ok(changes)
    }

    /// Drops the changes that only take over what the default branch has: those whose new entry is the default branch's, while
    /// the old one was that of every merge base. Only where the same ruleset guards the default branch.
    fn excuse(&self, changes: &mut Vec<FileChange>, old: Oid, covered: &Covered<'_>) -> Result<(), Undecided> {
        if changes.is_empty() || !covered.covers_default(self)? {
            return Ok(());
        }
        let Some(default) = self.default_tip()? else { return Ok(()) };
        // Most often the default branch has something else, and then its merge bases need not be looked for.
        let of_default = self.entries(default, changes.iter())?;
        let mut excused: Vec<bool> = changes.iter().zip(&of_default).map(|(change, entry)| *entry == change.new).collect();
        if !excused.contains(&true) {
            return Ok(());
        }
        let bases = merge_bases(self.objects, old, default)?;
        if bases.is_empty() {
            return Ok(());
        }
        for base in bases {
            let of_base = self.entries(base, changes.iter())?;
            for ((excused, change), entry) in excused.iter_mut().zip(changes.iter()).zip(of_base) {
                *excused = *excused && entry == change.old;
            }
        }
        let mut excused = excused.into_iter();
        changes.retain(|_| !excused.next().unwrap_or_default());
        Ok(())
    }

    /// What a commit has at the paths of changes.
    fn entries<'c>(
        &self,
        commit: Oid,
        changes: impl Iterator<Item = &'c FileChange>,
    ) -> Result<Vec<Option<FileEntry>>, Undecided> {
        let paths: Vec<&[u8]> = changes.map(|change| &*change.path).collect();
        entries_at(self.objects, Some(self.objects.node(commit)?.tree), &paths)
    }

    /// The trees that a new ref is compared with: of the covered tips that its value descends from, the newest of each line; else
    /// of every merge base with the default branch; else the empty tree.
    ///
    /// Where the ruleset covers the default branch, the merge bases with it count beside the tips: they are where a branch
    /// really began, and what they hold went through the ruleset. For tags they count, too: a release is compared with the
    /// branch it is made of, not with the release before.
    fn origins(&self, new: Oid, covered: &Covered<'_>) -> Result<Vec<Option<Oid>>, Undecided> {
        let default = self.default_tip()?;
        let from_default = match default {
            Some(default) => merge_bases(self.objects, new, default)?,
            None => Vec::new(),
        };
        let mut origins: Vec<Oid> = if covered.ruleset.target == Target::Tag || covered.covers_default(self)? {
            // Whatever else the value descends from lies outside the default branch, or below a merge base with it.
            let mut beside = Entering::from(self.objects, new)?;
            if let Some(default) = default {
                beside.hide(default)?;
            }
            beside.run()?;
            // Where nothing was there before but the default branch, no tip can be.
            let tips = if beside.is_open() { covered.tips(self)? } else { Rc::default() };
            tips.iter().copied().filter(|&tip| beside.enters(tip)).chain(from_default.iter().copied()).collect()
        } else {
            self.reached(new, &covered.tips(self)?)?
        };
        if origins.is_empty() {
            origins = from_default;
        }
        let mut newest = Vec::new();
        for origin in newest_of_each_line(self.objects, &origins)? {
            newest.push(Some(self.objects.node(origin)?.tree));
        }
        if newest.is_empty() {
            newest.push(None);
        }
        Ok(newest)
    }

    /// The tips that a commit descends from. A few are asked about one by one, which ends where the lines meet; for many of them all
    /// history is walked once.
    fn reached(&self, new: Oid, tips: &[Oid]) -> Result<Vec<Oid>, Undecided> {
        if tips.len() > FEW_TIPS {
            let mut walk = Entering::from(self.objects, new)?;
            walk.run()?;
            return Ok(tips.iter().copied().filter(|&tip| walk.enters(tip)).collect());
        }
        let mut reached = Vec::new();
        for &tip in tips {
            if is_ancestor(self.objects, tip, new)? {
                reached.push(tip);
            }
        }
        Ok(reached)
    }
}

/// The folder of a pattern that matches everything below it.
fn whole_folder(pattern: &Pattern) -> Option<&str> {
    let folder = pattern.as_str().strip_suffix("**/*")?;
    (folder.ends_with('/') && folder == pattern.literal_prefix()).then_some(folder)
}

/// The refs that a ruleset covers, looked up when they are asked for.
struct Covered<'r> {
    ruleset: &'r Ruleset,
    allowed_refs: &'r PatternSet,
    /// The folders of `allowed_refs` below which every ref is let in: asked for every ref of a repository, they must cost nothing.
    allowed_folders: Vec<&'r str>,
    default_branch: DefaultBranch,
    tips: RefCell<Option<Rc<[Oid]>>>,
}

impl<'r> Covered<'r> {
    fn new(collector: &Collector<'_>, selected: &Selected<'r>) -> Covered<'r> {
        Covered {
            ruleset: selected.ruleset,
            allowed_refs: selected.allowed_refs,
            allowed_folders: selected.allowed_refs.patterns().iter().filter_map(whole_folder).collect(),
            default_branch: collector.context.default_branch.clone(),
            tips: RefCell::new(None),
        }
    }

    /// Whether other covered refs hide commits. Not with `actors`: who is not judged may have put anything there.
    fn others_count(&self) -> bool {
        self.ruleset.actors.is_everyone()
    }

    /// Whether a push can write the ref. What no push can write, as a host's own `refs/pull/1/head`, was never judged.
    fn lets_in(&self, name: &RefName) -> Result<bool, Undecided> {
        if self.allowed_folders.iter().any(|folder| name.as_bytes().starts_with(folder.as_bytes())) {
            return Ok(true);
        }
        self.allowed_refs.matches_exactly(name.as_bytes()).map_err(|error| Undecided::new(error.to_string()))
    }

    /// Whether the ruleset's `refs` mean the ref, byte for byte.
    fn means(&self, name: &RefName) -> Result<bool, Undecided> {
        match self.ruleset.target {
            Target::Push => Ok(true),
            Target::Branch | Target::Tag => self
                .ruleset
                .refs
                .covers(name, &self.default_branch)
                .map_err(|error| Undecided::new(error.to_string()).cause(Cause::Policy)),
        }
    }

    /// Whether everything that a ref of these names can hold was judged: a push to the end of a chain of symbolic refs is
    /// judged by every name on it, and one that no push can write may hold anything.
    fn covers<'n>(&self, chain: impl IntoIterator<Item = &'n RefName>) -> Result<bool, Undecided> {
        let mut means = false;
        for name in chain {
            if !self.lets_in(name)? {
                return Ok(false);
            }
            means = means || self.means(name)?;
        }
        Ok(means)
    }

    fn covers_default(&self, collector: &Collector<'_>) -> Result<bool, Undecided> {
        let Some(name) = collector.context.default_branch.existing() else { return Ok(false) };
        let (chain, _) = collector.refs.resolve(name)?;
        self.covers(&chain)
    }

    /// Whether what the default branch holds counts as judged.
    fn default_hides(&self, collector: &Collector<'_>) -> Result<bool, Undecided> {
        Ok(self.ruleset.trust_default_branch || self.covers_default(collector)?)
    }

    /// The commits that covered refs point at.
    fn tips(&self, collector: &Collector<'_>) -> Result<Rc<[Oid]>, Undecided> {
        if let Some(tips) = &*self.tips.borrow() {
            return Ok(Rc::clone(tips));
        }
        let mut names: Vec<(RefName, Vec<RefName>, Oid)> = Vec::new();
        let scope = &self.ruleset.refs;
        if self.ruleset.target == Target::Push {
            for prefix in self.writable_prefixes() {
                names.extend(collector.refs.list_chains(prefix.as_bytes())?);
            }
        } else if scope.include_all {
            names = collector.refs.list_chains(scope.namespace.as_bytes())?;
        } else {
            let mut single: Vec<RefName> = Vec::new();
            if scope.include_default {
                single.extend(self.default_branch.existing().cloned());
            }
            for pattern in scope.include.patterns() {
                match pattern.literal() {
                    // A pattern that is no ref's name covers none.
                    Some(literal) => single.extend(RefName::parse(literal.as_bytes()).ok()),
                    None => names.extend(collector.refs.list_chains(pattern.literal_prefix().as_bytes())?),
                }
            }
            for name in single {
                if let (mut chain, Some(id)) = collector.refs.resolve(&name)? {
                    names.push((name, chain.split_off(1), id));
                }
            }
        }
        let mut tips = Vec::new();
        for (name, beyond, id) in names {
            if !self.covers(std::iter::once(&name).chain(&beyond))? {
                continue;
            }
            // Branches hold commits; only elsewhere may a tag stand between.
            match name.kind() {
                RefKind::Branch if beyond.is_empty() => tips.push(id),
                RefKind::Branch | RefKind::Tag | RefKind::Other => tips.extend(collector.peel_to_commit(id)?),
            }
        }
        tips.sort_unstable();
        tips.dedup();
        let tips: Rc<[Oid]> = tips.into();
        *self.tips.borrow_mut() = Some(Rc::clone(&tips));
        Ok(tips)
    }

    /// What the names of all refs begin with that a push can write; none begins with another.
    fn writable_prefixes(&self) -> Vec<&'r str> {
        let mut prefixes: Vec<&str> = self.allowed_refs.patterns().iter().map(Pattern::literal_prefix).collect();
        prefixes.sort_unstable();
        prefixes.dedup_by(|longer, shorter| longer.starts_with(*shorter));
        prefixes
    }
}

/// Counts over the whole push, of what was collected for one ruleset.
fn totals(all: &[UpdateFacts], limit: Option<u64>) -> PushTotals {
    let mut totals = PushTotals::default();
    let mut commits = HashSet::new();
    let mut failed = None;
    for facts in all {
        match &facts.entering {
            Fact::Known(entering) => commits.extend(entering.iter().map(|entering| entering.commit.id)),
            Fact::Failed(undecided) => failed = Some(undecided.clone()),
            Fact::NotCollected => {}
        }
    }
    totals.commits = failed.map_or_else(|| Fact::Known(commits.len() as u64), Fact::Failed);
    if let Some(limit) = limit {
        totals.changed_paths = count_paths(all, limit).into();
    }
    totals
}

fn count_paths(all: &[UpdateFacts], limit: u64) -> Result<u64, Undecided> {
    let mut paths: HashSet<&[u8]> = HashSet::new();
    for facts in all {
        for (_, change) in facts.changes()? {
            if paths.len() as u64 > limit {
                return Ok(limit.saturating_add(1));
            }
            paths.insert(&change.path);
        }
    }
    Ok(paths.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_below_a_whole_folder_matches_its_pattern() {
        for (text, folder) in [
            ("refs/heads/**/*", Some("refs/heads/")),
            ("refs/**/*", Some("refs/")),
            ("refs/heads/*", None),
            ("refs/heads/v*/**/*", None),
            ("refs/heads/**/*/**/*", None),
        ] {
            let pattern = Pattern::parse(text).unwrap();
            assert_eq!(whole_folder(&pattern), folder, "{text}");
            let set = PatternSet::new(vec![pattern.clone()]);
            for name in ["refs/heads/a", "refs/heads/a/b", "refs/heads/.a/b", "refs/heads/\u{e4}/b", "refs/headsa/b"] {
                let below = whole_folder(&pattern).is_some_and(|folder| name.starts_with(folder));
                assert!(!below || set.matches_exactly(name.as_bytes()).unwrap(), "{text} {name}");
            }
        }
    }
}
