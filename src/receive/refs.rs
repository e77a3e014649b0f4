//! The refs that the server holds before a push, read from disk.
//!
//! The files backend is read directly: a lookup is one small file, else a binary search of `packed-refs`, so that its
//! cost does not follow the number of refs. Other backends are asked through `git`. Nothing here trusts the client.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

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

/// Reads a repository's refs.
#[derive(Debug)]
pub struct Refs {
    common_dir: PathBuf,
    git_dir: PathBuf,
    format: ObjectFormat,
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    Files {
        packed: Option<Packed>,
    },
    /// Everything that `git` listed, once.
    Listed(BTreeMap<RefName, RefValue>, Option<Vec<u8>>),
}

#[derive(Debug)]
struct Packed {
    file: File,
    len: u64,
    sorted: bool,
}

impl Refs {
    /// Opens the refs of a repository.
    ///
    /// # Errors
    /// The refs cannot be read.
    pub fn open(repository: &Repository) -> Result<Refs, Undecided> {
        let Repository { git_dir, common_dir, format, .. } = repository;
        if repository.refs_in_files {
            Refs::open_files(git_dir, common_dir, *format)
        } else {
            Refs::open_listed(git_dir, common_dir, *format)
        }
    }

    /// Opens the files backend.
    ///
    /// # Errors
    /// `packed-refs` exists and cannot be read.
    fn open_files(git_dir: &Path, common_dir: &Path, format: ObjectFormat) -> Result<Refs, Undecided> {
        let path = common_dir.join("packed-refs");
        let packed = match File::open(&path) {
            Ok(file) => Some(Packed::open(file).map_err(|error| unreadable(&path, &error))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&path, &error)),
        };
        Ok(Refs { common_dir: common_dir.into(), git_dir: git_dir.into(), format, backend: Backend::Files { packed } })
    }

    /// Asks `git` for every ref, for backends that are not files.
    ///
    /// # Errors
    /// `git` cannot be run, fails, or answers something unreadable.
    fn open_listed(git_dir: &Path, common_dir: &Path, format: ObjectFormat) -> Result<Refs, Undecided> {
        let output = super::git_command(git_dir, &["for-each-ref", "--format=%(refname)%00%(objectname)%00%(symref)"])?;
        let mut listed = BTreeMap::new();
        for line in output.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let bad = || Undecided::new("`git for-each-ref` answered something unreadable").cause(Cause::Repository);
            let mut fields = line.split(|&byte| byte == 0);
            let (Some(name), Some(id), Some(symref)) = (fields.next(), fields.next(), fields.next()) else { return Err(bad()) };
            let name = RefName::parse(name).map_err(|_| bad())?;
            let value = if symref.is_empty() {
                RefValue::Direct(Oid::from_hex(id, format).ok_or_else(bad)?)
            } else {
                RefValue::Symbolic(symref.to_vec())
            };
            listed.insert(name, value);
        }
        // Those that point at nothing are not listed, and of the others only where their chain ends.
        for (name, target) in reftable::symbolic_refs(common_dir, format)? {
            if let Ok(name) = RefName::parse(&name) {
                listed.insert(name, RefValue::Symbolic(target));
            }
        }
        let head = super::git_symbolic_ref(git_dir, b"HEAD")?;
        Ok(Refs { common_dir: common_dir.into(), git_dir: git_dir.into(), format, backend: Backend::Listed(listed, head) })
    }

    /// The ref's own value, symbolic refs not followed.
    ///
    /// # Errors
    /// The ref cannot be read.
    pub fn lookup(&self, name: &RefName) -> Result<Option<RefValue>, Undecided> {
        match &self.backend {
            Backend::Listed(listed, _) => Ok(listed.get(name).cloned()),
            Backend::Files { packed } => {
                let path = self.common_dir.join(std::ffi::OsStr::from_bytes(name.as_bytes()));
                if let Some(value) = self.read_loose(&path)? {
                    return Ok(Some(value));
                }
                match packed {
                    Some(packed) => Ok(packed.lookup(name, self.format)?.map(RefValue::Direct)),
                    None => Ok(None),
                }
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
                Some(RefValue::Symbolic(mut target)) => {
                    // Other symbolic refs may point at `HEAD`, and so at what it points at.
                    if target == b"HEAD"
                        && let Some(branch) = self.head()?
                    {
                        target = branch;
                    }
                    current = RefName::parse(&target).map_err(|bad| {
                        Undecided::new(format!(
                            "the symbolic ref `{}` points at `{}`: {}",
                            String::from_utf8_lossy(current.as_bytes()),
                            String::from_utf8_lossy(&target),
                            bad.0
                        ))
                        .cause(Cause::Repository)
                        .help("set that ref to another one with `git symbolic-ref`, or delete it")
                    })?;
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
            Backend::Files { .. } => {
                let mut found = Vec::new();
                self.walk_loose("refs/", &mut |name, value| {
                    if let RefValue::Symbolic(_) = value {
                        found.push(name);
                    }
                })?;
                found.sort();
                Ok(found)
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
            Backend::Files { packed } => {
                if let Some(packed) = packed {
                    packed.list(prefix, self.format, &mut |name, id| {
                        all.insert(name, RefValue::Direct(id));
                    })?;
                }
                // Loose refs win over packed ones. Only whole folders of the prefix can be skipped.
                let folder = prefix.iter().rposition(|&byte| byte == b'/').and_then(|at| prefix.get(..=at)).unwrap_or(b"refs/");
                let folder = if folder.starts_with(b"refs/") { folder } else { b"refs/" };
                if let Ok(folder) = std::str::from_utf8(folder) {
                    self.walk_loose(folder, &mut |name, value| {
                        if name.as_bytes().starts_with(prefix) {
                            all.insert(name, value);
                        }
                    })?;
                }
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
            Backend::Files { packed } => {
                if let Some(packed) = packed
                    && packed.any(prefix.as_bytes(), self.format)?
                {
                    return Ok(true);
                }
                let mut any = false;
                self.walk_loose(prefix, &mut |_, _| any = true)?;
                Ok(any)
            }
        }
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
        let unreadable = |undecided: Undecided| undecided.cause(Cause::Repository).help(name_default(None));
        let is_branch = |name: &RefName| name.kind() == RefKind::Branch;
        let target = self.head().map_err(unreadable)?.and_then(|target| RefName::parse(&target).ok());
        let Some(name) = target.filter(is_branch) else { return Ok(DefaultBranch::Unnamed) };
        let (chain, value) = self.resolve(&name).map_err(unreadable)?;
        // A branch that stands for something else than a branch is moved by what judges no branch.
        if !chain.iter().all(is_branch) {
            return Ok(DefaultBranch::Unnamed);
        }
        Ok(if value.is_some() {
            DefaultBranch::Exists(name)
        } else if self.any("refs/heads/")? {
            DefaultBranch::Missing(name)
        } else {
            DefaultBranch::NoBranches(name)
        })
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
        }
        Ok(Some(content))
    }

    fn parse_loose(&self, content: &[u8]) -> Option<RefValue> {
        if let Some(target) = content.strip_prefix(b"ref:") {
            return Some(RefValue::Symbolic(target.trim_ascii().to_vec()));
        }
        let hex = content.get(..self.format.hex_len())?;
        let rest = content.get(self.format.hex_len()..)?;
        // As git's read_loose_ref: an id is followed by the end or by white space.
        if rest.first().is_some_and(|byte| !byte.is_ascii_whitespace()) {
            return None;
        }
        Oid::from_hex(hex, self.format).map(RefValue::Direct)
    }

    fn walk_loose(&self, prefix: &str, visit: &mut dyn FnMut(RefName, RefValue)) -> Result<(), Undecided> {
        let mut folders = vec![prefix.trim_end_matches('/').as_bytes().to_vec()];
        while let Some(folder) = folders.pop() {
            let path = self.common_dir.join(std::ffi::OsStr::from_bytes(&folder));
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
                // git looks into linked folders too. A link in circles ends where names get too long to be any.
                if kind.is_dir() || (kind.is_symlink() && name.len() < 1024 && entry.path().is_dir()) {
                    folders.push(name);
                    continue;
                }
                // Lock files and other strangers are no refs, for git too.
                let Ok(name) = RefName::parse(&name) else { continue };
                if let Some(value) = self.read_loose(&entry.path())? {
                    visit(name, value);
                }
            }
        }
        Ok(())
    }
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
    fn open(file: File) -> io::Result<Packed> {
        let len = file.metadata()?.len();
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
            fs::write(&path, text).unwrap();
            let packed = Packed::open(File::open(&path).unwrap()).unwrap();
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
