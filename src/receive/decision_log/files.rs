//! The files of a log: the live one, the rotated ones beside it, and the lock. Opening, locking, and reading the end.

use super::error::LogError;
use super::line::{self, Link, MAX_LINE, NOTHING_BEFORE};
use super::sharing::{Owner, Sharing, share_dir, share_file};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Take, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const NOT_A_FILE: &str = "put the log into a regular file, or name another place by `decision_log` in the policy";

/// The names of a log's files, derived from the name of the live one: `decisions.jsonl` is rotated to
/// `decisions.000001.jsonl` and so on, and locked by `decisions.jsonl.lock`.
pub(super) struct Names {
    pub(super) live: PathBuf,
    pub(super) dir: PathBuf,
    stem: OsString,
    /// The extension with its dot, or nothing.
    suffix: OsString,
}

impl Names {
    pub(super) fn of(live: &Path) -> Result<Names, LogError> {
        let (Some(dir), Some(stem)) = (live.parent(), live.file_stem()) else {
            return Err(LogError::new(format!("the decision log `{}` has no file name", live.display()), live, NOT_A_FILE));
        };
        let mut suffix = OsString::new();
        if let Some(extension) = live.extension() {
            suffix.push(".");
            suffix.push(extension);
        }
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        Ok(Names { live: live.to_owned(), dir: dir.to_owned(), stem: stem.to_owned(), suffix })
    }

    fn lock(&self) -> PathBuf {
        let mut name = self.stem.clone();
        name.push(&self.suffix);
        name.push(".lock");
        self.dir.join(name)
    }

    /// The name of the rotated file with this number.
    pub(super) fn rotated(&self, number: u64) -> PathBuf {
        let mut name = self.stem.clone();
        name.push(format!(".{number:06}"));
        name.push(&self.suffix);
        self.dir.join(name)
    }

    /// The numbers of the rotated files that are there, oldest first.
    pub(super) fn rotated_numbers(&self) -> Result<Vec<u64>, LogError> {
        let failed = |error| LogError::io("cannot list the directory of the decision log", &self.dir, error);
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            numbers.extend(self.number_of(&entry.map_err(failed)?.file_name()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn number_of(&self, name: &OsStr) -> Option<u64> {
        let digits = name.as_encoded_bytes().strip_prefix(self.stem.as_encoded_bytes())?.strip_prefix(b".")?;
        let digits = std::str::from_utf8(digits.strip_suffix(self.suffix.as_encoded_bytes())?).ok()?;
        let number = digits.parse().ok()?;
        // Only the one spelling that rotation uses, so that no two files share a number.
        (format!("{number:06}") == digits).then_some(number)
    }
}

/// What a file is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Append,
    /// Of the lock, whose content is replaced in place.
    Write,
}

/// Refuses anything but a regular file, or nothing, at the log's place: a symbolic link would let whoever placed it
/// choose where the server appends. For use before anything is opened or created: opening a device or a pipe can
/// already have an effect. False if there is nothing.
pub(super) fn is_there(path: &Path) -> Result<bool, LogError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => must_be_regular(path, &metadata).map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(LogError::io("cannot open the decision log", path, error)),
    }
}

/// Opens a log file, which must be a regular file, with its length in bytes; `None` if it does not exist.
pub(super) fn open(path: &Path, access: Access) -> Result<Option<(File, u64)>, LogError> {
    if !is_there(path)? {
        return Ok(None);
    }
    let file = match options(access).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LogError::io("cannot open the decision log", path, error)),
    };
    let metadata = file.metadata().map_err(|error| LogError::io("cannot open the decision log", path, error))?;
    must_be_regular(path, &metadata)?;
    Ok(Some((file, metadata.len())))
}

/// Creates a log file that must not exist.
pub(super) fn create(path: &Path, sharing: Sharing, owner: Option<Owner>) -> Result<File, LogError> {
    let failed = |error| LogError::io("cannot create the decision log", path, error);
    let file = options(Access::Append).create_new(true).open(path).map_err(failed)?;
    share_file(sharing, owner, &file).map_err(failed)?;
    Ok(file)
}

fn must_be_regular(path: &Path, metadata: &fs::Metadata) -> Result<(), LogError> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let what = if kind.is_symlink() { "a symbolic link" } else { "not a regular file" };
    Err(LogError::new(format!("the decision log `{}` is {what}", path.display()), path, NOT_A_FILE))
}

fn options(access: Access) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(access == Access::Append).write(access == Access::Write);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // What was put in a file's place since it was looked at is not followed either.
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options
}

/// Holds the lock of a log until dropped. It is a file of its own, because the log is renamed when it is rotated.
///
/// Its content is the hash of the last record: what remembers that the chain goes on when the log's files are moved away. It is
/// written after the record, and not flushed, so after a crash it may name an older record, or be empty when it is new.
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// The hash of the last record as it was remembered; `None` when nothing is.
    pub(super) fn remembered(&self) -> Result<Option<String>, LogError> {
        let mut content = String::new();
        let mut file = &self.file;
        let damaged = || LogError::damaged_lock(&self.path);
        file.seek(SeekFrom::Start(0)).map_err(|error| LogError::io("cannot read", &self.path, error))?;
        match file.take(256).read_to_string(&mut content) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(damaged()),
            Err(error) => return Err(LogError::io("cannot read", &self.path, error)),
        }
        match content.strip_suffix('\n') {
            // A crash can leave a new file without its content.
            None if content.is_empty() => Ok(None),
            Some(hash) if line::is_hash(hash) => Ok(Some(hash.to_owned())),
            _ => Err(damaged()),
        }
    }

    /// Remembers the hash of a record that was written. The record is durable: when this fails, an older one is remembered, which
    /// every later reader can bear.
    pub(super) fn remember(&self, hash: &str) {
        let mut file = &self.file;
        let written = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(format!("{hash}\n").as_bytes()));
        if let Err(error) = written {
            tracing::warn!(path = %self.path.display(), %error, "cannot remember the last record of the decision log");
        }
    }
}

/// Waits until no other process writes or reads the end of this log, but no longer than `patience`. Creates the lock, and the
/// directory, when they are missing.
pub(super) fn lock_for_writing(
    names: &Names,
    sharing: Sharing,
    owner: Option<Owner>,
    patience: Duration,
) -> Result<Lock, LogError> {
    let path = names.lock();
    let failed = |error| LogError::io("cannot lock the decision log by", &path, error);
    let deadline = Instant::now() + patience;
    // Whoever removes the lock while it is held lets two writers in. One that waits on a removed file notices here,
    // and queues up again at the one that took its place.
    loop {
        let file = match options(Access::Write).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => match create_lock(names, &path, sharing, owner) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                created => created.map_err(failed)?,
            },
            opened => opened.map_err(failed)?,
        };
        if !wait(deadline, || file.try_lock()).map_err(failed)? {
            return Err(LogError::held(&path, patience));
        }
        if is_at(&file, &path).map_err(failed)? {
            return Ok(Lock { file, path });
        }
    }
}

fn create_lock(names: &Names, path: &Path, sharing: Sharing, owner: Option<Owner>) -> io::Result<File> {
    make_dir(&names.dir, sharing, owner)?;
    let file = options(Access::Write).create_new(true).open(path)?;
    share_file(sharing, owner, &file)?;
    Ok(file)
}

/// How long a reader waits for an append.
const READERS_PATIENCE: Duration = Duration::from_secs(10);

/// Waits until no process is appending. `None` if nothing was ever appended, for then there is no lock.
pub(super) fn lock_for_reading(names: &Names) -> Result<Option<Lock>, LogError> {
    let path = names.lock();
    let failed = |error| LogError::io("cannot lock the decision log by", &path, error);
    let file = match options(Access::Read).open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    if !wait(Instant::now() + READERS_PATIENCE, || file.try_lock_shared()).map_err(failed)? {
        return Err(LogError::held(&path, READERS_PATIENCE));
    }
    Ok(Some(Lock { file, path }))
}

/// Tries to lock until it succeeds or the time is over. The system knows no lock with a time limit, so this asks again; a lock is
/// held for about a flush, and the first attempt finds it free on all but the busiest servers.
fn wait(deadline: Instant, mut attempt: impl FnMut() -> Result<(), TryLockError>) -> io::Result<bool> {
    let mut pause = Duration::from_micros(250);
    loop {
        match attempt() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {}
            // A signal that was handled is no failure of the call that it interrupted.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => continue,
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(8));
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let held = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(there.dev() == held.dev() && there.ino() == held.ino()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

pub(super) fn make_dir(dir: &Path, sharing: Sharing, owner: Option<Owner>) -> io::Result<()> {
    let mut created = fs::create_dir(dir);
    if let (Err(error), Some(parent)) = (&created, dir.parent())
        && error.kind() == ErrorKind::NotFound
    {
        make_dir(parent, sharing, owner)?;
        created = fs::create_dir(dir);
    }
    match created {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            share_dir(sharing, owner, dir)?;
            sync_dir(dir.parent().unwrap_or(dir))
        }
    }
}

/// Makes the names in a directory durable: syncing a file does not save its name.
#[cfg(unix)]
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Reads what the next record is chained to, from the end of the log, or from what the lock remembers if that record is gone.
pub(super) fn end_of_chain(names: &Names, lock: Option<&Lock>, live: Option<(&File, u64)>) -> Result<Link, LogError> {
    let mut link = end_of_files(names, live)?;
    if let Some(remembered) = lock.map(Lock::remembered).transpose()?.flatten()
        && remembered != link.last
        && !has_record(names, live, &remembered)?
    {
        // The files do not hold what was last written. Who goes on from there keeps the gap visible for good.
        link.last = remembered;
    }
    Ok(link)
}

/// Whether a record with this hash is among the newest ones. Where the lock is as a crash left it, it names one of those.
fn has_record(names: &Names, live: Option<(&File, u64)>, hash: &str) -> Result<bool, LogError> {
    if let Some((mut file, len)) = live {
        file.seek(SeekFrom::Start(0)).map_err(|error| LogError::io("cannot read the decision log", &names.live, error))?;
        if states(file.take(len), hash).map_err(|error| LogError::io("cannot read the decision log", &names.live, error))? {
            return Ok(true);
        }
    }
    let Some(&newest) = names.rotated_numbers()?.last() else { return Ok(false) };
    let path = names.rotated(newest);
    let Some((file, len)) = open(&path, Access::Read)? else { return Ok(false) };
    states(file.take(len), hash).map_err(|error| LogError::io("cannot read the decision log", &path, error))
}

/// Whether a line ends with this hash.
fn states(file: impl Read, hash: &str) -> io::Result<bool> {
    let ending = format!(",\"hash\":\"{hash}\"}}\n");
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut reader).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line)? == 0 {
            return Ok(false);
        }
        if line.ends_with(ending.as_bytes()) {
            return Ok(true);
        }
    }
}

fn end_of_files(names: &Names, live: Option<(&File, u64)>) -> Result<Link, LogError> {
    let Some((file, len)) = live.filter(|(_, len)| *len > 0) else {
        // A crash between renaming the old file and creating the new one ends here as well.
        return Ok(Link { last: end_of_rotated(names)?, torn: None });
    };
    let path = &names.live;
    if let Some(end) = end_of_whole_lines(file, len, path)? {
        return Ok(Link { last: hash_of_line_before(file, end, path)?, torn: None });
    }
    let (start, torn) = line_before(file, len, path)?;
    if line::parse(&torn).is_err() && !line::can_be_torn(&torn) {
        return Err(LogError::damaged(path, "a whole record goes on without a newline"));
    }
    let last = match start.checked_sub(1) {
        Some(end) => hash_of_line_before(file, end, path)?,
        None => end_of_rotated(names)?,
    };
    Ok(Link { last, torn: Some(line::hash_of(&torn)) })
}

/// The hash of the newest rotated file's last record. Only whole lines are ever rotated.
fn end_of_rotated(names: &Names) -> Result<String, LogError> {
    let Some(&newest) = names.rotated_numbers()?.last() else {
        return Ok(NOTHING_BEFORE.to_owned());
    };
    let path = names.rotated(newest);
    let Some((file, len)) = open(&path, Access::Read)? else {
        return Err(LogError::damaged(&path, "it vanished"));
    };
    match end_of_whole_lines(&file, len, &path)? {
        Some(end) => hash_of_line_before(&file, end, &path),
        None => Err(LogError::damaged(&path, "it has no newline")),
    }
}

/// Where the last line ends, without its newline; `None` if there is no newline at the end.
fn end_of_whole_lines(file: &File, len: u64, path: &Path) -> Result<Option<u64>, LogError> {
    let Some(last) = len.checked_sub(1) else { return Ok(None) };
    let mut byte = [0];
    read_at(file, last, &mut byte, path)?;
    Ok((byte == *b"\n").then_some(last))
}

fn hash_of_line_before(file: &File, end: u64, path: &Path) -> Result<String, LogError> {
    let (_, bytes) = line_before(file, end, path)?;
    line::parse(&bytes).map(|record| record.hash).map_err(|why| LogError::damaged(path, &why))
}

/// The bytes from the last newline before `end` up to `end`, and where they start. Reads backwards, in blocks that
/// grow, and never much more than one line.
fn line_before(file: &File, end: u64, path: &Path) -> Result<(u64, Vec<u8>), LogError> {
    let mut start = end;
    let mut block_len = 4096;
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    while start > 0 {
        let len = block_len.min(start);
        let mut block = vec![0; usize::try_from(len).unwrap_or(MAX_LINE)];
        start -= len;
        read_at(file, start, &mut block, path)?;
        if let Some(newline) = block.iter().rposition(|byte| *byte == b'\n') {
            block.drain(..=newline);
            start += newline as u64 + 1;
            blocks.push(block);
            break;
        }
        blocks.push(block);
        if end - start > MAX_LINE as u64 {
            break;
        }
        block_len = (block_len * 2).min(1 << 20);
    }
    if end - start > MAX_LINE as u64 {
        return Err(LogError::damaged(path, &format!("it is longer than {MAX_LINE} bytes")));
    }
    blocks.reverse();
    Ok((start, blocks.concat()))
}

fn read_at(mut file: &File, at: u64, buffer: &mut [u8], path: &Path) -> Result<(), LogError> {
    file.seek(SeekFrom::Start(at))
        .and_then(|_| file.read_exact(buffer))
        .map_err(|error| LogError::io("cannot read the decision log", path, error))
}

/// One file of a log, as it was when reading began.
pub(super) enum Source {
    Rotated(u64),
    /// Opened together with the list of the others, because it is renamed when it is rotated.
    Live(File, u64),
}

/// The files of a log, oldest first, as they are between two appends, and the hash that the lock remembers. Later appends are
/// not seen. The lock is held while the files are opened, not while they are read.
pub(super) fn snapshot(names: &Names) -> Result<(Vec<Source>, Option<String>), LogError> {
    let lock = lock_for_reading(names)?;
    let remembered = lock.as_ref().map(Lock::remembered).transpose()?.flatten();
    let mut sources: Vec<Source> = names.rotated_numbers()?.into_iter().map(Source::Rotated).collect();
    if let Some((file, len)) = open(&names.live, Access::Read)? {
        sources.push(Source::Live(file, len));
    }
    if sources.is_empty() && remembered.is_none() {
        return Err(LogError::new(
            format!("there is no decision log at `{}`", names.live.display()),
            &names.live,
            "name the file that `decision_log` in the policy names; it appears with the first push",
        ));
    }
    Ok((sources, remembered))
}

/// Reads one file line by line, in the memory of one line.
pub(super) struct Lines {
    pub(super) path: PathBuf,
    /// The number of the line that was read last, from 1.
    pub(super) number: u64,
    pub(super) is_live: bool,
    reader: BufReader<Take<File>>,
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Newline,
    /// The file ends without a newline.
    Cut,
    /// The line is longer than [`MAX_LINE`]; its bytes are dropped.
    TooLong,
}

impl Lines {
    /// Opens one file of a snapshot; `None` if it is gone, which is how the oldest ones end.
    pub(super) fn open(names: &Names, source: Source) -> Result<Option<Lines>, LogError> {
        let (path, file, len, is_live) = match source {
            Source::Live(file, len) => (names.live.clone(), file, len, true),
            Source::Rotated(number) => {
                let path = names.rotated(number);
                let Some((file, len)) = open(&path, Access::Read)? else { return Ok(None) };
                (path, file, len, false)
            }
        };
        Ok(Some(Lines { path, number: 0, is_live, reader: BufReader::with_capacity(1 << 16, file.take(len)) }))
    }

    /// Reads the next line into `line`, without its newline; `None` at the end of the file.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> Result<Option<Ending>, LogError> {
        let failed = |error| LogError::io("cannot read the decision log", &self.path, error);
        line.clear();
        let read = (&mut self.reader).take(MAX_LINE as u64 + 1).read_until(b'\n', line).map_err(failed)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
            return Ok(Some(Ending::Newline));
        }
        if line.len() <= MAX_LINE {
            return Ok(Some(Ending::Cut));
        }
        line.clear();
        self.reader.skip_until(b'\n').map_err(failed)?;
        Ok(Some(Ending::TooLong))
    }
}
