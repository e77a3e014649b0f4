//! The objects that a push brings and the server has, read under quarantine and within a budget.
//!
//! Two databases are open: what was there before the push, and what the quarantine holds. They are made of the repository's own
//! directories, never of alternates that the environment names, because over ssh a client may set those.
//! Replace refs and grafts are not consulted: this reads objects by id and nothing else.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::alternates;
use super::graph::Lines;
use crate::git::{Commit, Malformed, ObjectFormat, ObjectKind, Oid, Tag};
use crate::policy::Budget;
use crate::push::{Cause, Undecided};

/// What judging a push has cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Commits read.
    pub commits: u64,
    /// Objects read, commits included.
    pub objects: u64,
    /// Differing paths visited.
    pub paths: u64,
}

/// The same while it grows. One thread counts, and another one may look.
#[derive(Debug, Default)]
pub struct Counters {
    commits: AtomicU64,
    objects: AtomicU64,
    paths: AtomicU64,
}

impl Counters {
    /// What was counted so far.
    pub fn work(&self) -> Work {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Work { commits: read(&self.commits), objects: read(&self.objects), paths: read(&self.paths) }
    }

    fn set(&self, work: Work) {
        self.commits.store(work.commits, Ordering::Relaxed);
        self.objects.store(work.objects, Ordering::Relaxed);
        self.paths.store(work.paths, Ordering::Relaxed);
    }
}

/// Reads objects.
pub struct Objects {
    /// What was there before the push.
    own: git2::Odb<'static>,
    /// What the push brings. A pack that arrives is completed by git, so that neither needs the other to be read.
    incoming: Option<git2::Odb<'static>>,
    format: ObjectFormat,
    budget: Budget,
    started: Instant,
    work: Arc<Counters>,
    steps: Cell<u64>,
    lines: RefCell<Lines>,
    nodes: RefCell<HashMap<Oid, Rc<Node>>>,
    entering: RefCell<HashMap<Oid, Rc<Commit>>>,
    trees: RefCell<TreeCache>,
    sizes: RefCell<HashMap<Oid, u64>>,
    /// Where objects lie that are not packed: what the push brings, and what was there.
    loose: Vec<PathBuf>,
    kept: Cell<usize>,
    changes_kept: Cell<usize>,
    keeps_text: Cell<bool>,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").field("work", &self.work()).finish_non_exhaustive()
    }
}

/// What walking history needs of a commit.
#[derive(Debug)]
pub struct Node {
    /// Its root tree.
    pub tree: Oid,
    /// Its parents.
    pub parents: Box<[Oid]>,
    /// The committer's time.
    pub time: i64,
    /// Whether the server had it before the push.
    pub was_there: bool,
}

/// The trees read last: a commit's tree is read again as its child's parent tree.
#[derive(Default)]
struct TreeCache {
    trees: HashMap<Oid, Rc<[u8]>>,
    bytes: usize,
}

/// What is kept in memory of a push, in bytes: commits, changed paths, facts about refs, the trees on the way to a path. With what
/// reading the largest objects takes, the program stays below 128 MB, whatever is pushed.
const MAX_KEPT: usize = 72 << 20;
/// The largest commit or tag object that is read. libgit2 holds an object whole, and more than once while it resolves deltas.
const MAX_COMMIT: usize = 4 << 20;
/// The largest tree that is read.
const MAX_TREE: usize = 12 << 20;
/// An object that the server had may be larger: nobody who pushes can make it smaller.
const WAS_THERE_FACTOR: usize = 4;
/// Deflate makes nothing smaller than by this factor.
const MAX_DEFLATE: u64 = 1032;
/// Up to so many objects were read, a push is taken for a small one.
const SMALL_PUSH: u64 = 512;
/// What a commit takes in memory that a walk has seen, apart from what varies.
const COMMIT_BYTES: usize = 360;

/// Trees kept, in bytes.
const TREE_CACHE: usize = 8 << 20;

/// Sizes of blobs kept: a blob of an entering commit is asked about again in the landing change.
const SIZE_CACHE: usize = 1 << 13;

fn git2_format(format: ObjectFormat) -> git2::ObjectFormat {
    match format {
        ObjectFormat::Sha1 => git2::ObjectFormat::Sha1,
        ObjectFormat::Sha256 => git2::ObjectFormat::Sha256,
    }
}

fn open_database(format: ObjectFormat, directory: &Path) -> Result<git2::Odb<'static>, Undecided> {
    let failed = |error: git2::Error| {
        Undecided::new(format!("cannot open the object database: {}", error.message())).cause(Cause::Repository)
    };
    let database = git2::Odb::new_ext(git2_format(format)).map_err(failed)?;
    database.add_disk_alternate(alternates::text(directory)?).map_err(failed)?;
    for missed in alternates::missed(directory)? {
        database.add_disk_alternate(alternates::text(&missed)?).map_err(failed)?;
    }
    Ok(database)
}

impl Objects {
    /// Opens a repository's objects with those of a quarantine, if there is one.
    ///
    /// # Errors
    /// A database cannot be opened.
    pub fn open(
        common_dir: &Path,
        quarantine: Option<&Path>,
        format: ObjectFormat,
        budget: Budget,
    ) -> Result<Objects, Undecided> {
        // receive-pack has hashed every object that came in, and what was there before is the server's own.
        git2::opts::strict_hash_verification(false);
        // Everything that is read twice is cached here, within known bounds.
        git2::opts::enable_caching(false);
        Ok(Objects {
            own: open_database(format, &common_dir.join("objects"))?,
            incoming: quarantine.map(|quarantine| open_database(format, quarantine)).transpose()?,
            format,
            budget,
            started: Instant::now(),
            work: Arc::default(),
            steps: Cell::default(),
            lines: RefCell::default(),
            nodes: RefCell::default(),
            entering: RefCell::default(),
            trees: RefCell::default(),
            sizes: RefCell::default(),
            loose: quarantine.map(Path::to_owned).into_iter().chain([common_dir.join("objects")]).collect(),
            kept: Cell::default(),
            changes_kept: Cell::default(),
            keeps_text: Cell::new(true),
        })
    }

    /// The hash of the objects.
    pub fn format(&self) -> ObjectFormat {
        self.format
    }

    /// What was spent so far.
    pub fn work(&self) -> Work {
        self.work.work()
    }

    /// The counters behind it, for a thread that waits.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.work)
    }

    /// What walks between lines know of the history.
    pub(super) fn lines(&self) -> &RefCell<Lines> {
        &self.lines
    }

    /// How many commits the budget still allows.
    pub fn commits_left(&self) -> u64 {
        self.budget.commits.saturating_sub(self.work().commits)
    }

    /// Time since the objects were opened.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn spend(&self, commits: u64, objects: u64, paths: u64) -> Result<(), Undecided> {
        let mut work = self.work();
        work.commits += commits;
        work.objects += objects;
        work.paths += paths;
        self.work.set(work);
        if work.commits > self.budget.commits {
            return Err(self.over(&format!("{} commits", self.budget.commits), "commits"));
        }
        if work.paths > self.budget.paths {
            return Err(self.over(&format!("{} paths", self.budget.paths), "paths"));
        }
        if (work.objects + work.paths).is_multiple_of(64) { self.check_time() } else { Ok(()) }
    }

    fn check_time(&self) -> Result<(), Undecided> {
        if self.started.elapsed() > self.budget.time {
            return Err(self.over(&format!("{} ms", self.budget.time.as_millis()), "time"));
        }
        Ok(())
    }

    /// A part of the budget is spent.
    fn over(&self, limit: &str, key: &str) -> Undecided {
        over_budget(limit, key, self.work(), self.started.elapsed())
    }

    /// Counts a step over what was read before, which costs nothing but time.
    ///
    /// # Errors
    /// The time is spent.
    pub fn step(&self) -> Result<(), Undecided> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        if steps.is_multiple_of(1024) { self.check_time() } else { Ok(()) }
    }

    /// Counts bytes that are kept until the push is judged, or until they are given back.
    ///
    /// # Errors
    /// More would be kept than a push may take.
    pub fn keep(&self, bytes: usize) -> Result<(), Undecided> {
        self.kept.set(self.kept.get().saturating_add(bytes));
        self.refuse_too_much()
    }

    fn refuse_too_much(&self) -> Result<(), Undecided> {
        if self.kept.get().saturating_add(self.changes_kept.get()) <= MAX_KEPT {
            return Ok(());
        }
        Err(Undecided::new(format!(
            "judging this push would take more memory than {} MB for its refs, commits and changed paths",
            MAX_KEPT >> 20
        ))
        .cause(Cause::Budget)
        .help("push less at a time: fewer refs, fewer commits, or smaller changes"))
    }

    /// Counts bytes that are kept of changed paths and other facts, which [`Objects::set_changes_kept`] gives back.
    ///
    /// # Errors
    /// More would be kept than a push may take.
    pub fn keep_change(&self, bytes: usize) -> Result<(), Undecided> {
        self.changes_kept.set(self.changes_kept.get().saturating_add(bytes));
        self.refuse_too_much()
    }

    /// What is kept now of changed paths and other facts.
    pub fn changes_kept(&self) -> usize {
        self.changes_kept.get()
    }

    /// Says what is really kept of changed paths and other facts, after some were dropped.
    pub fn set_changes_kept(&self, bytes: usize) {
        self.changes_kept.set(bytes);
    }

    /// Counts bytes of [`Objects::keep`] as given back.
    pub fn give_back(&self, bytes: usize) {
        self.kept.set(self.kept.get().saturating_sub(bytes));
    }

    /// Whether the texts of commits are kept: messages and e-mail addresses. Not where no rule reads them.
    pub fn keep_text(&self, keeps: bool) {
        self.keeps_text.set(keeps);
    }

    /// Counts a differing path.
    ///
    /// # Errors
    /// The budget is spent.
    pub fn visit_path(&self) -> Result<(), Undecided> {
        self.spend(0, 0, 1)
    }

    /// Whether the server had the object before the push.
    pub fn was_there(&self, id: Oid) -> Result<bool, Undecided> {
        if self.incoming.is_none() {
            return Ok(true);
        }
        // Nothing is added to the repository while a push is judged that this push's objects could depend on, so there is
        // no need to look again for new packs on every miss.
        Ok(self.own.exists_ext(git2_id(id)?, git2::OdbLookupFlags::NO_REFRESH))
    }

    /// The database to read an object from. Asking first costs less than libgit2's words for a miss.
    fn holder(&self, id: git2::Oid) -> &git2::Odb<'static> {
        self.incoming.as_ref().filter(|incoming| incoming.exists_ext(id, git2::OdbLookupFlags::NO_REFRESH)).unwrap_or(&self.own)
    }

    fn read(&self, id: Oid, expected: git2::ObjectType) -> Result<git2::OdbObject<'_>, Undecided> {
        self.spend(0, 1, 0)?;
        let raw_id = git2_id(id)?;
        let limit = match expected {
            git2::ObjectType::Commit | git2::ObjectType::Tag => Some(MAX_COMMIT),
            git2::ObjectType::Tree => Some(MAX_TREE),
            // Blobs have a budget of their own.
            _ => None,
        };
        if let Some(limit) = limit {
            self.refuse_large(id, raw_id, limit)?;
        }
        let object = self.holder(raw_id).read(raw_id).map_err(|error| unreadable(id, &error))?;
        if object.kind() != expected {
            return Err(self.wrong(id, format!("the object {id} is not a {expected}")));
        }
        Ok(object)
    }

    /// Refuses an object that is larger than what is read at once, before it is inflated.
    fn refuse_large(&self, id: Oid, raw_id: git2::Oid, limit: usize) -> Result<(), Undecided> {
        // A file this short cannot hold so much: most objects of a small push are loose, and asking for the size of a file costs less
        // than opening it. The objects of a large push are packed.
        let is_small = self.work().objects <= SMALL_PUSH;
        let hex = id.to_string();
        let (folder, name) = hex.split_at_checked(2).unwrap_or_default();
        if is_small
            && self.loose.iter().any(|objects| {
                let length = std::fs::symlink_metadata(objects.join(folder).join(name)).map(|file| file.len());
                length.is_ok_and(|length| length.saturating_mul(MAX_DEFLATE) <= limit as u64)
            })
        {
            return Ok(());
        }
        let (size, _) = self.holder(raw_id).read_header(raw_id).map_err(|error| unreadable(id, &error))?;
        if size <= limit || (size <= limit * WAS_THERE_FACTOR && self.was_there(id)?) {
            return Ok(());
        }
        Err(Undecided::new(format!(
            "the object {id} has {size} bytes; at most {limit} are read of a commit, tag or tree of its kind"
        ))
        .cause(Cause::Budget)
        .help("push a smaller object in its place: a shorter message, or more folders with fewer entries each"))
    }

    /// An object that is not what it should be: the push's, or one that the server had.
    fn wrong(&self, id: Oid, why: String) -> Undecided {
        match self.was_there(id) {
            Ok(false) => Undecided::new(why)
                .cause(Cause::Push)
                .help("run `git fsck` in your repository, and push a sound object in its place"),
            Ok(true) | Err(_) => Undecided::new(why).cause(Cause::Repository),
        }
    }

    /// An object that is malformed.
    pub fn malformed(&self, id: Oid, what: &str, malformed: &Malformed) -> Undecided {
        self.wrong(id, format!("the {what} {id} is malformed: {}", malformed.0))
    }

    /// The kind of an object.
    ///
    /// # Errors
    /// The object is missing or unreadable.
    pub fn kind(&self, id: Oid) -> Result<ObjectKind, Undecided> {
        if self.nodes.borrow().contains_key(&id) {
            return Ok(ObjectKind::Commit);
        }
        match self.header(id)?.1 {
            git2::ObjectType::Commit => Ok(ObjectKind::Commit),
            git2::ObjectType::Tree => Ok(ObjectKind::Tree),
            git2::ObjectType::Blob => Ok(ObjectKind::Blob),
            git2::ObjectType::Tag => Ok(ObjectKind::Tag),
            other => Err(self.wrong(id, format!("the object {id} is a {other}"))),
        }
    }

    fn header(&self, id: Oid) -> Result<(usize, git2::ObjectType), Undecided> {
        self.spend(0, 1, 0)?;
        let raw_id = git2_id(id)?;
        self.holder(raw_id).read_header(raw_id).map_err(|error| unreadable(id, &error))
    }

    /// The size of a blob in bytes.
    ///
    /// # Errors
    /// The object is missing, unreadable or no blob.
    pub fn blob_size(&self, id: Oid) -> Result<u64, Undecided> {
        if let Some(&size) = self.sizes.borrow().get(&id) {
            return Ok(size);
        }
        let (size, git2::ObjectType::Blob) = self.header(id)? else {
            return Err(self.wrong(id, format!("the object {id} is not a blob")));
        };
        let mut sizes = self.sizes.borrow_mut();
        if sizes.len() >= SIZE_CACHE {
            sizes.clear();
        }
        sizes.insert(id, size as u64);
        Ok(size as u64)
    }

    /// A blob's content.
    ///
    /// # Errors
    /// The object is missing, unreadable or no blob, or larger than the budget allows.
    pub fn blob(&self, id: Oid) -> Result<Vec<u8>, Undecided> {
        if self.blob_size(id)? > self.budget.blob_bytes {
            return Err(self.over(&format!("{} bytes of blobs", self.budget.blob_bytes), "blob_bytes"));
        }
        Ok(self.read(id, git2::ObjectType::Blob)?.data().to_vec())
    }

    /// A tag object.
    ///
    /// # Errors
    /// The object is missing, unreadable or no tag.
    pub fn tag(&self, id: Oid) -> Result<Tag, Undecided> {
        let object = self.read(id, git2::ObjectType::Tag)?;
        Tag::parse(id, object.data()).map_err(|malformed| self.malformed(id, "tag", &malformed))
    }

    /// What walking history needs of a commit.
    ///
    /// # Errors
    /// The object is missing, unreadable or no commit, or the budget is spent.
    pub fn node(&self, id: Oid) -> Result<Rc<Node>, Undecided> {
        if let Some(node) = self.nodes.borrow().get(&id) {
            return Ok(Rc::clone(node));
        }
        self.spend(1, 0, 0)?;
        let object = self.read(id, git2::ObjectType::Commit)?;
        let commit = Commit::parse(id, object.data()).map_err(|malformed| self.malformed(id, "commit", &malformed))?;
        drop(object);
        self.keep(COMMIT_BYTES + commit.parents.len() * size_of::<Oid>())?;
        let node = Rc::new(Node {
            tree: commit.tree,
            parents: commit.parents.clone().into(),
            time: commit.committer_time,
            was_there: self.was_there(id)?,
        });
        self.nodes.borrow_mut().insert(id, Rc::clone(&node));
        // What only the quarantine has is about to be judged, and need not be read again.
        if !node.was_there {
            let commit = self.commit_to_keep(commit)?;
            self.entering.borrow_mut().insert(id, commit);
        }
        Ok(node)
    }

    /// A whole commit.
    ///
    /// # Errors
    /// The object is missing, unreadable or no commit.
    pub fn commit(&self, id: Oid) -> Result<Rc<Commit>, Undecided> {
        // Whoever asks keeps it, so that it is kept once.
        if let Some(commit) = self.entering.borrow_mut().remove(&id) {
            return Ok(commit);
        }
        let object = self.read(id, git2::ObjectType::Commit)?;
        let commit = Commit::parse(id, object.data()).map_err(|malformed| self.malformed(id, "commit", &malformed))?;
        drop(object);
        self.commit_to_keep(commit)
    }

    /// A commit as it is kept: without its texts where no rule reads them.
    fn commit_to_keep(&self, mut commit: Commit) -> Result<Rc<Commit>, Undecided> {
        if !self.keeps_text.get() {
            commit.text = None;
        }
        let text = commit.text.as_deref().map_or(0, <[u8]>::len);
        self.keep(size_of::<Commit>() + commit.parents.len() * size_of::<Oid>() + text)?;
        Ok(Rc::new(commit))
    }

    /// A raw tree.
    ///
    /// # Errors
    /// The object is missing, unreadable or no tree.
    pub fn tree(&self, id: Oid) -> Result<Rc<[u8]>, Undecided> {
        if let Some(tree) = self.trees.borrow().trees.get(&id) {
            return Ok(Rc::clone(tree));
        }
        let object = self.read(id, git2::ObjectType::Tree)?;
        let raw: Rc<[u8]> = object.data().into();
        let mut cache = self.trees.borrow_mut();
        if cache.bytes + raw.len() > TREE_CACHE {
            *cache = TreeCache::default();
        }
        if raw.len() < TREE_CACHE / 4 {
            cache.bytes += raw.len();
            cache.trees.insert(id, Rc::clone(&raw));
        }
        Ok(raw)
    }
}

/// A push over its budget: how far judging it got, and what to set for more.
pub(super) fn over_budget(limit: &str, key: &str, work: Work, after: Duration) -> Undecided {
    Undecided::new(format!(
        "the budget of {limit} is spent (after {} commits, {} objects, {} differing paths and {:.1} s)",
        work.commits,
        work.objects,
        work.paths,
        after.as_secs_f64()
    ))
    .cause(Cause::Budget)
    .help(format!(
        "push less at a time; an administrator can raise `{key}` in `[server] budget`, or name you in `[server] import` for the first push to an empty repository"
    ))
}

fn git2_id(id: Oid) -> Result<git2::Oid, Undecided> {
    git2::Oid::from_bytes(id.as_bytes())
        .map_err(|error| Undecided::new(format!("{id} is no object id: {}", error.message())).cause(Cause::Internal))
}

fn unreadable(id: Oid, error: &git2::Error) -> Undecided {
    Undecided::new(format!("the object {id} is missing or unreadable: {}", error.message())).cause(Cause::Repository)
}
