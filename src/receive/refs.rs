//! The refs that the server holds before a push, read from disk.
//!
//! The files backend is read directly: a lookup is one small file, else a binary search of `packed-refs`. A reftable is read from
//! its tables. Nothing here trusts the client.
//!
//! Other pushes and `git pack-refs` change refs while they are read. git writes a ref to the new `packed-refs` before it removes
//! the ref's own file. So what is not found in files is looked up in a `packed-refs` that was still the present one afterwards,
//! and that nothing is there is only said of a moment at which neither held anything.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use super::reftable;
use super::repository::Repository;
use rustix::fs::OFlags;

use crate::git::{ObjectFormat, Oid, RefKind, RefName};
use crate::policy::DefaultBranch;
use crate::push::{Cause, Undecided};
use crate::verdict::name_default;

/// What a ref holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefValue {
    /// An object id.
    Direct(Oid),
    /// The full name of another ref, as written.
    Symbolic(Vec<u8>),
}

/// How many symbolic refs git follows before it gives up.
const MAX_DEPTH: usize = 5;
/// Where the binary search of `packed-refs` ends: what is left is read at once, which costs less than searching on.
const NEAR: u64 = 4096;
/// A loose ref is an id or a name; anything longer is no ref.
const MAX_LOOSE_LEN: u64 = 8192;
/// How often something that changes while it is read is read again.
const ATTEMPTS: usize = 8;
/// Two changes of a folder this near to each other may have left the same time on it.
const RACY: Duration = Duration::from_millis(20);

/// Reads a repository's refs.
#[derive(Debug)]
pub struct Refs {
    common_dir: PathBuf,
    git_dir: PathBuf,
    format: ObjectFormat,
    backend: Backend,
    #[cfg(test)]
    meanwhile: RefCell<tests::Meanwhile>,
}

#[derive(Debug)]
enum Backend {
    Files {
        /// `packed-refs` as it was when it was last looked at.
        packed: RefCell<Rc<PackedRefs>>,
        /// Every loose ref, in no order, once all of them were asked for.
        loose: OnceCell<Vec<(RefName, RefValue)>>,
    },
    /// All of a reftable, of one moment.
    Listed(BTreeMap<RefName, RefValue>, Option<Vec<u8>>),
}

/// `packed-refs`, or that there is none.
#[derive(Debug)]
struct PackedRefs {
    path: PathBuf,
    stamp: Option<Stamp>,
    packed: Option<Packed>,
}

/// What tells that a file or folder is still the same and was not changed. While the file is open its number is not given to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    number: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            device: metadata.dev(),
            number: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// `None` when nothing is there.
    fn at(path: &Path) -> Result<Option<Stamp>, Undecided> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Stamp::of(&metadata))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(unreadable(path, &error)),
        }
    }

    /// Whether it was changed so shortly ago that a later change need not show.
    fn is_racy(&self) -> bool {
        let (Ok(seconds), Ok(nanoseconds)) = (u64::try_from(self.changed.0), u32::try_from(self.changed.1)) else { return false };
        let changed = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        changed.elapsed().is_ok_and(|age| age < RACY)
    }
}

impl PackedRefs {
    fn open(path: PathBuf) -> Result<PackedRefs, Undecided> {
        let failed = |error: io::Error| unreadable(&path, &error);
        let (stamp, packed) = match File::open(&path) {
            Ok(file) => {
                let metadata = file.metadata().map_err(failed)?;
                (Some(Stamp::of(&metadata)), Some(Packed::open(file, metadata.len()).map_err(failed)?))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (None, None),
            Err(error) => return Err(failed(error)),
        };
        Ok(PackedRefs { path, stamp, packed })
    }

    /// Whether this is what stands there now, and so has stood there since it was opened.
    fn is_current(&self) -> Result<bool, Undecided> {
        Ok(Stamp::at(&self.path)? == self.stamp)
    }
}

#[derive(Debug)]
struct Packed {
    file: File,
    len: u64,
    sorted: bool,
}

fn changes_while_read(what: &str) -> Undecided {
    Undecided::new(format!("{what} changed again and again while they were read")).cause(Cause::Race).help("push again")
}

impl Refs {
    /// Opens the refs of a repository.
    ///
    /// # Errors
    /// The refs cannot be read.
    pub fn open(repository: &Repository) -> Result<Refs, Undecided> {
        let Repository { git_dir, common_dir, format, .. } = repository;
        let backend = if repository.refs_in_files {
            let packed = RefCell::new(Rc::new(PackedRefs::open(common_dir.join("packed-refs"))?));
            Backend::Files { packed, loose: OnceCell::new() }
        } else {
            Refs::read_tables(git_dir, common_dir, *format)?
        };
        Ok(Refs {
            common_dir: common_dir.clone(),
            git_dir: git_dir.clone(),
            format: *format,
            backend,
            #[cfg(test)]
            meanwhile: RefCell::default(),
        })
    }

    fn read_tables(git_dir: &Path, common_dir: &Path, format: ObjectFormat) -> Result<Backend, Undecided> {
        let tables = reftable::refs(common_dir, format)?;
        let head = if git_dir == common_dir {
            tables.get(&b"HEAD"[..]).cloned()
        } else {
            // A work tree's own.
            reftable::refs(git_dir, format)?.remove(&b"HEAD"[..])
        };
        let Some(head) = head else { return Err(Undecided::new("the repository has no `HEAD`").cause(Cause::Repository)) };
        let head = match head {
            RefValue::Symbolic(target) => Some(target),
            RefValue::Direct(_) => None,
        };
        // As git, which lists no ref of a name that no ref can have.
        let refs = tables.into_iter().filter_map(|(name, value)| Some((RefName::parse(&name).ok()?, value))).collect();
        Ok(Backend::Listed(refs, head))
    }

    /// A place between two reads, where a test changes what is read.
    #[allow(clippy::unused_self)]
    fn meanwhile(&self) {
        #[cfg(test)]
        self.meanwhile.borrow_mut().run();
    }

    /// `packed-refs` as it stands there now.
    fn present(&self, packed: &RefCell<Rc<PackedRefs>>) -> Result<Rc<PackedRefs>, Undecided> {
        let known = Rc::clone(&packed.borrow());
        if known.is_current()? {
            return Ok(known);
        }
        let opened = Rc::new(PackedRefs::open(known.path.clone())?);
        *packed.borrow_mut() = Rc::clone(&opened);
        Ok(opened)
    }

    /// The ref's own value, symbolic refs not followed.
    ///
    /// # Errors
    /// The ref cannot be read.
    pub fn lookup(&self, name: &RefName) -> Result<Option<RefValue>, Undecided> {
        match &self.backend {
            Backend::Listed(listed, _) => Ok(listed.get(name).cloned()),
            Backend::Files { packed, .. } => {
                let path = self.common_dir.join(std::ffi::OsStr::from_bytes(name.as_bytes()));
                for _ in 0..ATTEMPTS {
                    let known = Rc::clone(&packed.borrow());
                    self.meanwhile();
                    if let Some(value) = self.read_loose(&path)? {
                        return Ok(Some(value));
                    }
                    self.meanwhile();
                    // It was the present one when there was no file.
                    if Rc::ptr_eq(&known, &self.present(packed)?) {
                        let found = known.packed.as_ref().map_or(Ok(None), |packed| packed.lookup(name, self.format))?;
                        return Ok(found.map(RefValue::Direct));
                    }
                }
                Err(changes_while_read("the refs"))
            }
        }
    }

    /// Follows symbolic refs from `name` and returns every name on the way, `name` first, and the final value.
    ///
    /// # Errors
    /// A ref cannot be read, a symbolic ref names no ref, or the chain is longer than git follows.
    pub fn resolve(&self, name: &RefName) -> Result<(Vec<RefName>, Option<Oid>), Undecided> {
        let mut chain = vec![name.clone()];
        let mut current = name.clone();
        for _ in 0..MAX_DEPTH {
            match self.lookup(&current)? {
                None => return Ok((chain, None)),
                Some(RefValue::Direct(id)) => return Ok((chain, Some(id))),
                Some(RefValue::Symbolic(target)) => {
                    let target = self.followed(target)?;
                    current = RefName::parse(&target).map_err(|bad| bad_target(&current, &target, bad.0))?;
                    if chain.contains(&current) {
                        break;
                    }
                    chain.push(current.clone());
                }
            }
        }
        Err(Undecided::new(format!(
            "the symbolic ref `{}` points at others without end",
            String::from_utf8_lossy(name.as_bytes())
        ))
        .cause(Cause::Repository)
        .help("set that ref to another one with `git symbolic-ref`, or delete it"))
    }

    /// The ref that a symbolic ref ends at; `None` where git does not follow it: in circles, too far, or to a name below `refs/`
    /// that no ref can have.
    ///
    /// # Errors
    /// A ref cannot be read, or git follows the symbolic ref to where nothing is read here, so that the refs it reaches are not
    /// known.
    pub fn end_of(&self, name: &RefName) -> Result<Option<RefName>, Undecided> {
        let mut chain = vec![name.clone()];
        let mut current = name.clone();
        for _ in 0..MAX_DEPTH {
            let Some(RefValue::Symbolic(target)) = self.lookup(&current)? else { return Ok(Some(current)) };
            let target = self.followed(target)?;
            match RefName::parse(&target) {
                Ok(next) if chain.contains(&next) => return Ok(None),
                Ok(next) => current = next,
                // `HEAD` holds a commit and is the end.
                Err(_) if target == b"HEAD" || target.starts_with(b"refs/") => return Ok(None),
                Err(bad) => return Err(bad_target(&current, &target, bad.0)),
            }
            chain.push(current.clone());
        }
        Ok(None)
    }

    /// What git makes of a symbolic ref's target: other symbolic refs may point at `HEAD`, and so at what it points at.
    fn followed(&self, target: Vec<u8>) -> Result<Vec<u8>, Undecided> {
        let own = target.strip_prefix(b"main-worktree/").map_or(target.as_slice(), |own| own);
        if own == b"HEAD"
            && let Some(branch) = self.head()?
        {
            return Ok(branch);
        }
        Ok(own.to_vec())
    }

    /// Every symbolic ref below `refs/`. Symbolic refs are never packed.
    ///
    /// # Errors
    /// A ref cannot be read.
    pub fn symbolic_refs(&self) -> Result<Vec<RefName>, Undecided> {
        match &self.backend {
            Backend::Listed(listed, _) => Ok(listed
                .iter()
                .filter(|(_, value)| matches!(value, RefValue::Symbolic(_)))
                .map(|(name, _)| name.clone())
                .collect()),
            Backend::Files { loose, .. } => {
                let all = self.all_loose(loose)?.iter();
                let symbolic = all.filter(|(_, value)| matches!(value, RefValue::Symbolic(_)));
                let mut names: Vec<RefName> = symbolic.map(|(name, _)| name.clone()).collect();
                names.sort_unstable();
                Ok(names)
            }
        }
    }

    /// Every ref whose name begins with `prefix`, symbolic ones followed; those that point at nothing are left out.
    ///
    /// # Errors
    /// A ref cannot be read.
    pub fn list(&self, prefix: &[u8]) -> Result<Vec<(RefName, Oid)>, Undecided> {
        Ok(self.list_chains(prefix)?.into_iter().map(|(name, _, id)| (name, id)).collect())
    }

    /// As [`Refs::list`], with the names that a symbolic ref leads to, to the end of its chain.
    ///
    /// # Errors
    /// A ref cannot be read.
    pub fn list_chains(&self, prefix: &[u8]) -> Result<Vec<(RefName, Vec<RefName>, Oid)>, Undecided> {
        let mut all: BTreeMap<RefName, RefValue> = BTreeMap::new();
        match &self.backend {
            Backend::Listed(listed, _) => {
                all.extend(
                    listed
                        .iter()
                        .filter(|(name, _)| name.as_bytes().starts_with(prefix))
                        .map(|(name, value)| (name.clone(), value.clone())),
                );
            }
            Backend::Files { packed, loose } => {
                let loose = self.all_loose(loose)?;
                self.meanwhile();
                // Read after the files, so that it has what was packed while those were read.
                if let Some(packed) = &self.present(packed)?.packed {
                    packed.list(prefix, self.format, &mut |name, id| {
                        all.insert(name, RefValue::Direct(id));
                    })?;
                }
                // Loose refs win over packed ones.
                let from = loose.iter().filter(|(name, _)| name.as_bytes().starts_with(prefix));
                all.extend(from.cloned());
            }
        }
        let mut resolved = Vec::with_capacity(all.len());
        for (name, value) in all {
            match value {
                RefValue::Direct(id) => resolved.push((name, Vec::new(), id)),
                RefValue::Symbolic(_) => {
                    // One that leads nowhere holds nothing.
                    if let Ok((mut chain, Some(id))) = self.resolve(&name) {
                        resolved.push((name, chain.split_off(1), id));
                    }
                }
            }
        }
        Ok(resolved)
    }

    /// Whether any ref begins with the prefix.
    ///
    /// # Errors
    /// A ref cannot be read.
    pub fn any(&self, prefix: &str) -> Result<bool, Undecided> {
        match &self.backend {
            Backend::Listed(listed, _) => Ok(listed.keys().any(|name| name.as_bytes().starts_with(prefix.as_bytes()))),
            Backend::Files { packed, .. } => {
                for _ in 0..ATTEMPTS {
                    let before = self.present(packed)?;
                    if let Some(packed) = &before.packed
                        && packed.any(prefix.as_bytes(), self.format)?
                    {
                        return Ok(true);
                    }
                    let mut folders = Vec::new();
                    let any = Cell::new(false);
                    let seen = &mut |folder: &Path| {
                        folders.push((folder.to_owned(), Stamp::at(folder)?));
                        Ok(())
                    };
                    self.walk_loose(prefix, seen, &mut |_, _| any.set(true))?;
                    if any.get() {
                        return Ok(true);
                    }
                    // A ref may have moved from what was not yet read to what had been. If nothing changed meanwhile, none did.
                    let mut is_same = before.is_current()?;
                    let mut is_racy = false;
                    for (folder, stamp) in &folders {
                        is_same = is_same && Stamp::at(folder)? == *stamp;
                        is_racy = is_racy || stamp.is_some_and(|stamp| stamp.is_racy());
                    }
                    if is_same && !is_racy {
                        return Ok(false);
                    }
                    if is_racy {
                        std::thread::sleep(RACY);
                    }
                }
                Err(changes_while_read("the refs"))
            }
        }
    }

    /// Every loose ref, read once. Each has the value that it had at some time of this push.
    fn all_loose<'l>(&self, loose: &'l OnceCell<Vec<(RefName, RefValue)>>) -> Result<&'l [(RefName, RefValue)], Undecided> {
        if let Some(all) = loose.get() {
            return Ok(all);
        }
        let mut all = Vec::new();
        self.walk_loose("refs/", &mut |_| Ok(()), &mut |name, value| all.push((name, value)))?;
        Ok(loose.get_or_init(|| all))
    }

    /// What `HEAD` points at, as written; `None` when it is detached.
    fn head(&self) -> Result<Option<Vec<u8>>, Undecided> {
        match &self.backend {
            Backend::Listed(_, head) => Ok(head.clone()),
            Backend::Files { .. } => match self.read_loose(&self.git_dir.join("HEAD"))? {
                Some(RefValue::Symbolic(target)) => Ok(Some(target)),
                Some(RefValue::Direct(_)) => Ok(None),
                None => Err(Undecided::new("the repository has no `HEAD`")
                    .cause(Cause::Repository)
                    .help("run `git symbolic-ref HEAD refs/heads/BRANCH` in the repository")),
            },
        }
    }

    /// What `HEAD` says about the default branch.
    ///
    /// # Errors
    /// `HEAD` cannot be read.
    pub fn default_branch(&self) -> Result<DefaultBranch, Undecided> {
        let is_branch = |name: &RefName| name.kind() == RefKind::Branch;
        // Who can read `HEAD` again is told of the race, not of the repository.
        let unreadable = |undecided: Undecided| match undecided.cause {
            Cause::Race => undecided,
            _ => undecided.cause(Cause::Repository).help(name_default(None)),
        };
        for _ in 0..ATTEMPTS {
            let head = self.head().map_err(unreadable)?;
            let target = head.as_ref().and_then(|target| RefName::parse(target).ok());
            let Some(name) = target.filter(is_branch) else { return Ok(DefaultBranch::Unnamed) };
            self.meanwhile();
            let (chain, value) = self.resolve(&name).map_err(unreadable)?;
            // A branch that stands for something else than a branch is moved by what judges no branch.
            if !chain.iter().all(is_branch) {
                return Ok(DefaultBranch::Unnamed);
            }
            if value.is_some() {
                return Ok(DefaultBranch::Exists(name));
            }
            let any = self.any("refs/heads/")?;
            // A branch that is renamed takes `HEAD` along, and one that is created was not missing.
            if self.head().map_err(unreadable)? == head && self.resolve(&name).map_err(unreadable)?.1.is_none() {
                return Ok(if any { DefaultBranch::Missing(name) } else { DefaultBranch::NoBranches(name) });
            }
        }
        Err(changes_while_read("`HEAD` and what it names"))
    }

    /// Reads a loose ref; `None` when there is none.
    fn read_loose(&self, path: &Path) -> Result<Option<RefValue>, Undecided> {
        match self.open_loose(path, OFlags::NOFOLLOW) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                // An old form of symbolic ref: a symbolic link whose target is a ref's name. Any other link is followed.
                if let Ok(target) = fs::read_link(path)
                    && let Ok(name) = RefName::parse(&target.into_os_string().into_vec())
                {
                    return Ok(Some(RefValue::Symbolic(name.as_bytes().to_vec())));
                }
                self.open_loose(path, OFlags::empty()).map_err(|error| unreadable(path, &error))?
            }
            read => read.map_err(|error| unreadable(path, &error))?,
        }
        .map(|content| {
            self.parse_loose(&content).ok_or_else(|| {
                Undecided::new(format!("the ref file `{}` is unreadable", path.display())).cause(Cause::Repository)
            })
        })
        .transpose()
    }

    /// A loose ref's content; `None` when there is no such file.
    fn open_loose(&self, path: &Path, flags: OFlags) -> io::Result<Option<Vec<u8>>> {
        use std::os::unix::fs::OpenOptionsExt;
        let opened = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path);
        let mut file = match opened {
            Ok(file) => file,
            // A file where a folder should be, or the other way round, is no ref of this name.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut content = vec![0; 256];
        let got = match file.read(&mut content) {
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Ok(None),
            Err(error) => return Err(error),
        };
        content.truncate(got);
        // A file that did not fill the buffer ends there, and most refs end soon.
        if got == 256 {
            file.take(MAX_LOOSE_LEN).read_to_end(&mut content)?;
            if content.len() as u64 >= MAX_LOOSE_LEN {
                return Err(io::Error::other("it is longer than a ref can be"));
            }
        }
        Ok(Some(content))
    }

    fn parse_loose(&self, content: &[u8]) -> Option<RefValue> {
        if let Some(target) = content.strip_prefix(b"ref:") {
            // git reads it up to the first NUL.
            let target = target.split(|&byte| byte == 0).next().unwrap_or_default();
            return Some(RefValue::Symbolic(target.trim_ascii().to_vec()));
        }
        let hex = content.get(..self.format.hex_len())?;
        let rest = content.get(self.format.hex_len()..)?;
        // As git's read_loose_ref: an id is followed by the end or by white space.
        if rest.first().is_some_and(|byte| !byte.is_ascii_whitespace()) {
            return None;
        }
        Oid::from_hex(&hex.to_ascii_lowercase(), self.format).map(RefValue::Direct)
    }

    /// Refuses a link below `refs/` to another place there: two names for one ref, of which git tells nothing.
    fn refuse_second_name(&self, path: &Path) -> Result<(), Undecided> {
        let is_symbolic_ref = fs::read_link(path).is_ok_and(|target| RefName::parse(target.as_os_str().as_bytes()).is_ok());
        match fs::canonicalize(path) {
            Ok(target) if !is_symbolic_ref && target.starts_with(self.common_dir.join("refs")) => Err(Undecided::new(format!(
                "`{}` is a link to `{}`, so that a push to one ref moves another",
                path.display(),
                target.display()
            ))
            .cause(Cause::Repository)
            .help("replace the link by a symbolic ref: git symbolic-ref")),
            _ => Ok(()),
        }
    }

    /// Visits every loose ref below a folder of refs. `enter` is told of each folder before it is read.
    fn walk_loose(
        &self,
        prefix: &str,
        enter: &mut dyn FnMut(&Path) -> Result<(), Undecided>,
        visit: &mut dyn FnMut(RefName, RefValue),
    ) -> Result<(), Undecided> {
        let mut folders = vec![prefix.trim_end_matches('/').as_bytes().to_vec()];
        while let Some(folder) = folders.pop() {
            let path = self.common_dir.join(std::ffi::OsStr::from_bytes(&folder));
            enter(&path)?;
            let entries = match fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => continue,
                Err(error) => return Err(unreadable(&path, &error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| unreadable(&path, &error))?;
                let mut name = folder.clone();
                name.push(b'/');
                name.extend_from_slice(entry.file_name().as_bytes());
                let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
                if kind.is_symlink() {
                    self.refuse_second_name(&entry.path())?;
                }
                // git looks into linked folders too. A link in circles ends where names get too long to be any.
                if kind.is_dir() || (kind.is_symlink() && name.len() < 1024 && entry.path().is_dir()) {
                    folders.push(name);
                    continue;
                }
                // Lock files and other strangers are no refs, for git too.
                let Ok(name) = RefName::parse(&name) else { continue };
                self.meanwhile();
                // One that is gone by now was deleted, or is in `packed-refs`, which is read later.
                if let Some(value) = self.read_loose(&entry.path())? {
                    visit(name, value);
                }
            }
            self.meanwhile();
        }
        Ok(())
    }
}

fn bad_target(name: &RefName, target: &[u8], why: &str) -> Undecided {
    Undecided::new(format!(
        "the symbolic ref `{}` points at `{}`: {why}",
        String::from_utf8_lossy(name.as_bytes()),
        String::from_utf8_lossy(target)
    ))
    .cause(Cause::Repository)
    .help("set that ref to another one with `git symbolic-ref`, or delete it")
}

fn unreadable(path: &Path, error: &io::Error) -> Undecided {
    Undecided::new(format!("cannot read `{}`: {error}", path.display())).cause(Cause::Repository)
}

/// One line of `packed-refs`: an id and a name. Comments and peeled values are `None`.
fn packed_line(line: &[u8], format: ObjectFormat) -> Result<Option<(Oid, &[u8])>, Undecided> {
    if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"^") {
        return Ok(None);
    }
    let hex = line.get(..format.hex_len());
    let name = line.get(format.hex_len()..).and_then(|rest| rest.strip_prefix(b" "));
    match (hex.and_then(|hex| Oid::from_hex(hex, format)), name) {
        (Some(id), Some(name)) => Ok(Some((id, name))),
        _ => Err(Undecided::new("`packed-refs` has an unreadable line").cause(Cause::Repository)),
    }
}

impl Packed {
    fn open(file: File, len: u64) -> io::Result<Packed> {
        let mut first = [0; 256];
        let got = file.read_at(&mut first, 0)?;
        let header = first.get(..got).unwrap_or_default().split(|&byte| byte == b'\n').next().unwrap_or_default();
        let sorted = header.starts_with(b"# pack-refs with:") && header.split(|&byte| byte == b' ').any(|word| word == b"sorted");
        Ok(Packed { file, len, sorted })
    }

    fn io(error: &io::Error) -> Undecided {
        Undecided::new(format!("cannot read `packed-refs`: {error}")).cause(Cause::Repository)
    }

    /// The first complete line that begins at or after `from`, with the offset where it begins and the one after it.
    fn line_from(&self, from: u64, buffer: &mut Vec<u8>) -> Result<Option<(u64, u64)>, Undecided> {
        // The line that `from` lies in is skipped, unless it begins there.
        let mut start = from;
        let mut skipping = from > 0;
        if skipping {
            start -= 1;
        }
        buffer.clear();
        let mut at = start;
        let mut chunk = [0; 512];
        loop {
            let got = self.file.read_at(&mut chunk, at).map_err(|error| Packed::io(&error))?;
            let Some(read) = chunk.get(..got).filter(|read| !read.is_empty()) else {
                return if buffer.is_empty() || skipping { Ok(None) } else { Ok(Some((start, at))) };
            };
            let mut rest = read;
            while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                let consumed = at + (got - rest.len() + end + 1) as u64;
                if skipping {
                    skipping = false;
                    start = consumed;
                    rest = rest.get(end + 1..).unwrap_or_default();
                } else {
                    buffer.extend_from_slice(rest.get(..end).unwrap_or_default());
                    return Ok(Some((start, consumed)));
                }
            }
            if !skipping {
                buffer.extend_from_slice(rest);
            }
            at += got as u64;
        }
    }

    /// The offset of a line that is the first one whose name is not below `key`, or begins some lines before it; by binary
    /// search over bytes.
    fn lower_bound(&self, key: &[u8], format: ObjectFormat) -> Result<u64, Undecided> {
        let (mut low, mut high) = (0, self.len);
        let mut line = Vec::new();
        // Every line that begins before `low` is below the key; none that begins at or after `high` is. A long line below the
        // key can end past `high`, so that `low` overtakes it.
        while high.saturating_sub(low) > NEAR {
            let middle = low + (high - low) / 2;
            let mut at = middle;
            let below = loop {
                match self.line_from(at, &mut line)? {
                    None => break None,
                    Some((start, next)) => match packed_line(&line, format)? {
                        Some((_, name)) => break Some((name < key, start, next)),
                        None => at = next,
                    },
                }
            };
            match below {
                Some((true, _, next)) => low = next,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    fn lookup(&self, name: &RefName, format: ObjectFormat) -> Result<Option<Oid>, Undecided> {
        let mut found = None;
        self.scan(name.as_bytes(), format, &mut |candidate, id| {
            if candidate == name.as_bytes() {
                found = Some(id);
            }
            // In a sorted file the name itself comes first among those it begins.
            found.is_none() && !self.sorted
        })?;
        Ok(found)
    }

    fn any(&self, prefix: &[u8], format: ObjectFormat) -> Result<bool, Undecided> {
        let mut any = false;
        self.scan(prefix, format, &mut |_, _| {
            any = true;
            false
        })?;
        Ok(any)
    }

    fn list(&self, prefix: &[u8], format: ObjectFormat, visit: &mut dyn FnMut(RefName, Oid)) -> Result<(), Undecided> {
        let mut bad = false;
        self.scan(prefix, format, &mut |name, id| match RefName::parse(name) {
            Ok(name) => {
                visit(name, id);
                true
            }
            Err(_) => {
                bad = true;
                false
            }
        })?;
        if bad { Err(Undecided::new("`packed-refs` has an ill-formed name").cause(Cause::Repository)) } else { Ok(()) }
    }

    /// Visits every line whose name begins with `prefix` until `visit` says false.
    fn scan(&self, prefix: &[u8], format: ObjectFormat, visit: &mut dyn FnMut(&[u8], Oid) -> bool) -> Result<(), Undecided> {
        let mut offset = if self.sorted { self.lower_bound(prefix, format)? } else { 0 };
        // The first block is small: a lookup needs one line, which is near.
        let mut buffer = vec![0; 5120];
        let mut pending: Vec<u8> = Vec::new();
        loop {
            let got = self.file.read_at(&mut buffer, offset).map_err(|error| Packed::io(&error))?;
            let read = buffer.get(..got).unwrap_or_default();
            offset += got as u64;
            pending.extend_from_slice(read);
            let whole =
                if got == 0 { pending.len() } else { pending.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1) };
            let lines: Vec<u8> = pending.drain(..whole).collect();
            for line in lines.split(|&byte| byte == b'\n') {
                let Some((id, name)) = packed_line(line, format)? else { continue };
                if name.starts_with(prefix) {
                    if !visit(name, id) {
                        return Ok(());
                    }
                } else if self.sorted && name > prefix {
                    return Ok(());
                }
            }
            if got == 0 {
                return Ok(());
            }
            buffer.resize(65536, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a test does between two reads.
    #[derive(Default)]
    pub(super) struct Meanwhile(Option<Box<dyn FnMut()>>);

    impl std::fmt::Debug for Meanwhile {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Meanwhile")
        }
    }

    impl Meanwhile {
        pub(super) fn run(&mut self) {
            if let Some(change) = &mut self.0 {
                change();
            }
        }
    }

    /// A repository's refs on disk, changed in the order in which git changes them.
    struct Disk(tempfile::TempDir);

    impl Disk {
        fn new() -> Rc<Disk> {
            let disk = Disk(tempfile::tempdir().unwrap());
            fs::create_dir_all(disk.path("refs/heads/topic")).unwrap();
            fs::create_dir_all(disk.path("refs/tags")).unwrap();
            disk.put("HEAD", "ref: refs/heads/main\n");
            Rc::new(disk)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// As git: a new file, renamed over the old one.
        fn put(&self, name: &str, content: &str) {
            let lock = self.path(&format!("{name}.lock"));
            fs::write(&lock, content).unwrap();
            fs::rename(lock, self.path(name)).unwrap();
        }

        fn set(&self, name: &str, number: usize) {
            self.put(name, &format!("{number:040x}\n"));
        }

        /// Packs these refs, or rewrites `packed-refs` so that it holds only these.
        fn pack(&self, refs: &[(&str, usize)]) {
            let lines: String = refs.iter().map(|(name, number)| format!("{number:040x} {name}\n")).collect();
            self.put("packed-refs", &format!("# pack-refs with: peeled fully-peeled sorted \n{lines}"));
            refs.iter().for_each(|(name, _)| self.remove(name));
        }

        fn remove(&self, name: &str) {
            let _ = fs::remove_file(self.path(name));
        }

        fn open(&self) -> Refs {
            let packed = RefCell::new(Rc::new(PackedRefs::open(self.path("packed-refs")).unwrap()));
            Refs {
                common_dir: self.0.path().to_owned(),
                git_dir: self.0.path().to_owned(),
                format: ObjectFormat::Sha1,
                backend: Backend::Files { packed, loose: OnceCell::new() },
                meanwhile: RefCell::default(),
            }
        }

        /// Opens the refs; at the `at`th place between two reads, `change` happens.
        fn open_and(self: &Rc<Disk>, at: usize, change: impl Fn(&Disk) + 'static) -> Refs {
            let refs = self.open();
            let (disk, mut count) = (Rc::clone(self), 0);
            refs.meanwhile.borrow_mut().0 = Some(Box::new(move || {
                if count == at {
                    change(&disk);
                }
                count += 1;
            }));
            refs
        }
    }

    fn name(text: &str) -> RefName {
        RefName::parse(text.as_bytes()).unwrap()
    }

    fn id(number: usize) -> Oid {
        Oid::from_hex(format!("{number:040x}").as_bytes(), ObjectFormat::Sha1).unwrap()
    }

    /// The most places between two reads that any question here has.
    const PLACES: usize = 24;

    #[test]
    fn a_ref_that_is_packed_meanwhile_is_found() {
        for at in 0..PLACES {
            let disk = Disk::new();
            disk.set("refs/heads/main", 1);
            disk.set("refs/heads/topic/a", 2);
            let open = || disk.open_and(at, |disk| disk.pack(&[("refs/heads/main", 1), ("refs/heads/topic/a", 2)]));
            let again = || {
                disk.remove("packed-refs");
                disk.set("refs/heads/main", 1);
                disk.set("refs/heads/topic/a", 2);
                open()
            };
            assert_eq!(again().lookup(&name("refs/heads/main")).unwrap(), Some(RefValue::Direct(id(1))), "{at}");
            assert!(again().any("refs/").unwrap(), "{at}");
            assert_eq!(again().default_branch().unwrap(), DefaultBranch::Exists(name("refs/heads/main")), "{at}");
            let both = [(name("refs/heads/main"), id(1)), (name("refs/heads/topic/a"), id(2))];
            assert_eq!(again().list(b"refs/heads/").unwrap(), both, "{at}");
        }
    }

    #[test]
    fn a_ref_that_moves_on_meanwhile_has_one_of_its_values() {
        for at in 0..PLACES {
            let disk = Disk::new();
            disk.set("refs/heads/topic/a", 9);
            disk.pack(&[("refs/heads/main", 1)]);
            // Pushed, and then packed at its new value.
            let refs = disk.open_and(at, |disk| {
                disk.set("refs/heads/main", 2);
                disk.pack(&[("refs/heads/main", 2)]);
            });
            let found = refs.lookup(&name("refs/heads/main")).unwrap();
            assert!([1, 2].iter().any(|&number| found == Some(RefValue::Direct(id(number)))), "{at}: {found:?}");
            let listed = refs.list(b"refs/heads/main").unwrap();
            assert!([1, 2].iter().any(|&number| listed == [(name("refs/heads/main"), id(number))]), "{at}: {listed:?}");
        }
    }

    /// One ref is renamed again and again. At every moment there is one, so nobody may say that there is none.
    #[test]
    fn a_repository_whose_only_ref_moves_is_never_empty() {
        for at in 0..PLACES / 3 {
            for (from, to) in [("refs/heads/topic/a", "refs/tags/b"), ("refs/tags/b", "refs/heads/topic/a")] {
                for packed in [false, true] {
                    let disk = Disk::new();
                    disk.set(from, 1);
                    if packed {
                        disk.pack(&[(from, 1)]);
                    }
                    let refs = disk.open_and(at, move |disk| {
                        disk.set(to, 1);
                        if packed {
                            disk.pack(&[]);
                        }
                        disk.remove(from);
                    });
                    assert!(refs.any("refs/").unwrap(), "{at} {from}");
                }
            }
        }
        // And where there is none, that is what is said.
        let disk = Disk::new();
        assert!(!disk.open().any("refs/").unwrap());
        assert_eq!(disk.open().default_branch().unwrap(), DefaultBranch::NoBranches(name("refs/heads/main")));
        disk.set("refs/heads/other", 1);
        assert_eq!(disk.open().default_branch().unwrap(), DefaultBranch::Missing(name("refs/heads/main")));
    }

    #[test]
    fn a_default_branch_that_is_renamed_meanwhile_is_not_missing() {
        for at in 0..PLACES {
            let disk = Disk::new();
            disk.set("refs/heads/main", 1);
            let refs = disk.open_and(at, |disk| {
                disk.set("refs/heads/new", 1);
                disk.put("HEAD", "ref: refs/heads/new\n");
                disk.remove("refs/heads/main");
            });
            let found = refs.default_branch().unwrap();
            assert!(
                matches!(&found, DefaultBranch::Exists(name) if [&b"refs/heads/main"[..], b"refs/heads/new"].contains(&name.as_bytes())),
                "{at}: {found:?}"
            );
        }
    }

    #[test]
    fn refs_that_never_come_to_rest_are_a_race() {
        let disk = Disk::new();
        let refs = disk.open();
        let (writer, mut count) = (Rc::clone(&disk), 1);
        refs.meanwhile.borrow_mut().0 = Some(Box::new(move || {
            writer.pack(&[("refs/heads/other", count)]);
            count += 1;
        }));
        assert_eq!(refs.lookup(&name("refs/heads/main")).unwrap_err().cause, Cause::Race);
        // What is there is found all the same.
        assert!(refs.any("refs/").unwrap());
        assert_eq!(refs.list(b"refs/").unwrap().len(), 1);
    }

    /// Another thread packs, moves and unpacks two refs; whoever asks always finds both.
    #[test]
    fn many_reads_while_refs_are_packed() {
        let disk = Disk::new();
        disk.set("refs/heads/main", 1);
        disk.set("refs/heads/topic/a", 1);
        let folder = disk.0.path().to_owned();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let done = &done;
            scope.spawn(move || {
                let put = |name: &str, content: &str| {
                    fs::write(folder.join("a.lock"), content).unwrap();
                    fs::rename(folder.join("a.lock"), folder.join(name)).unwrap();
                };
                let mut number = 1;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let id = format!("{number:040x}");
                    let header = "# pack-refs with: peeled fully-peeled sorted \n";
                    put("packed-refs", &format!("{header}{id} refs/heads/main\n{id} refs/heads/topic/a\n"));
                    fs::remove_file(folder.join("refs/heads/main")).unwrap();
                    fs::remove_file(folder.join("refs/heads/topic/a")).unwrap();
                    number += 1;
                    put("refs/heads/main", &format!("{number:040x}\n"));
                    put("refs/heads/topic/a", &format!("{number:040x}\n"));
                }
            });
            for _ in 0..300 {
                let refs = disk.open();
                match refs.lookup(&name("refs/heads/main")) {
                    Ok(found) => assert!(found.is_some()),
                    Err(why) => assert_eq!(why.cause, Cause::Race),
                }
                assert_eq!(refs.list(b"refs/").unwrap().len(), 2);
                assert!(refs.any("refs/").unwrap());
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }

    /// A file far larger than what is read at once, names of all lengths, asked for every name and for its neighbours.
    #[test]
    fn finds_every_packed_ref_and_no_other() {
        for (header, sorted) in [("# pack-refs with: peeled fully-peeled sorted \n", true), ("", false)] {
            let id = |number: usize| format!("{:040x}", number + 1);
            let mut names: Vec<(String, usize)> =
                (0..600).map(|number| (format!("refs/heads/{number:03}{}", "x".repeat(number % 90)), number)).collect();
            names.sort();
            let mut text = header.to_owned();
            for (name, number) in &names {
                text += &format!("{} {name}\n", id(*number));
                if number % 3 == 0 {
                    text += &format!("^{}\n", id(0));
                }
            }
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("packed-refs");
            let text_len = text.len() as u64;
            fs::write(&path, text).unwrap();
            let packed = Packed::open(File::open(&path).unwrap(), text_len).unwrap();
            assert_eq!(packed.sorted, sorted);
            let format = ObjectFormat::Sha1;
            let lookup = |name: &str| packed.lookup(&RefName::parse(name.as_bytes()).unwrap(), format).unwrap();
            for (name, number) in &names {
                assert_eq!(lookup(name).map(|found| found.to_string()), Some(id(*number)), "{name}");
                assert_eq!(lookup(&format!("{name}!")), None);
                assert_eq!(lookup(&name[..name.len() - 1]), None, "{name}");
            }
            assert_eq!((lookup("refs/heads/!"), lookup("refs/heads/zz")), (None, None));
            for prefix in ["refs/", "refs/heads/1", "refs/heads/59", "refs/heads/599", "refs/tags/", "refs/a"] {
                let mut listed = Vec::new();
                packed.list(prefix.as_bytes(), format, &mut |name, _| listed.push(name.as_bytes().to_vec())).unwrap();
                let expected: Vec<_> =
                    names.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(name, _)| name.as_bytes().to_vec()).collect();
                assert_eq!(listed, expected, "{prefix}");
                assert_eq!(packed.any(prefix.as_bytes(), format).unwrap(), !expected.is_empty());
            }
        }
    }
}
