//! The decision log: one JSON line for every push, accepted or refused, written before the push is answered.
//!
//! Every line ends with `hash`, the SHA-256 of its own bytes up to `,"hash":"`, and begins with `previous`, the hash
//! of the line before it (64 zeros in the first line ever). So a line that is changed, removed, moved or put in
//! between shows in [`verify`]. The chain has no secret: who may write the file can also compute a whole new chain, cut
//! off its end, or delete all of it. Only an anchor kept elsewhere shows that: note [`last_hash`] from time to time
//! and give it to [`verify`].
//!
//! A crash can tear the last line. The next append ends the torn bytes with a newline, keeps them as evidence, and
//! writes a record that says so: `after_torn_line` is true, `previous` is the SHA-256 of the torn bytes, and
//! `before_torn_line` is the hash of the last whole record. A second crash that leaves exactly that newline makes a
//! whole line that is no record. It looks like an edited line, so it is treated as one: pushes are refused until an
//! administrator has looked.
//!
//! A log that has grown to its limit is renamed to `decisions.000001.jsonl` and so on, and the chain goes on in a new
//! file. Where only some of the rotated files are kept, the chain starts at the oldest one left, and what was in it
//! before its first line cannot be told. The lock beside the log remembers the hash of the last record, so that a log whose
//! newest file is moved away or cut off is broken, not a new one; without any file and without a lock a new chain starts.

mod bound;
mod error;
mod files;
mod line;
mod places;
mod records;
mod sharing;
mod stats;
mod verify;

pub(crate) use bound::LIST;
pub use bound::fit;
pub use error::LogError;
pub use places::Places;
pub use records::{Records, records};
pub use sharing::{Owner, Sharing};
pub use stats::{Count, Milliseconds, Name, RuleCount, Stats, stats, stats_of};
pub use verify::{Broken, Note, VerifyReport, last_hash, verify};

use files::{Access, Names};
use line::MAX_LINE;
use serde_json::{Map, Value};
use std::fmt;
use std::fs::{self, File};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Names one decision: in the message to the pusher and in the log. A ULID, so ids sort by time, to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecisionId(ulid::Ulid);

impl DecisionId {
    /// A new id for a decision made at `now`; two ids for the same instant differ. An instant before 1970 counts as
    /// 1970.
    pub fn new(now: jiff::Timestamp) -> DecisionId {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
        // An id must be unique, not secret: the keys of a hash map are random enough, and are there already.
        let random = RandomState::new();
        let half = |which: u8| u128::from(random.hash_one(which));
        DecisionId(ulid::Ulid::from_parts(milliseconds, half(0) << 64 | half(1)))
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where decisions are logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionLog {
    /// The file that is appended to. Its directory is created when missing.
    pub path: PathBuf,
    /// The size in bytes that a file does not exceed, unless a single record does; `None` never rotates.
    pub rotate: Option<u64>,
    /// How many rotated files are kept; 0 keeps all.
    pub keep: u32,
    /// Who else may read and write the files.
    pub sharing: Sharing,
    /// Who owns what is created; `None` leaves it to the account of this process.
    pub owner: Option<Owner>,
    /// How long [`DecisionLog::append`] waits for other processes.
    pub patience: Duration,
    /// Whether a record is on the disk before [`DecisionLog::append`] returns. False loses records when the machine
    /// crashes; it exists so that a benchmark can show what the flush costs.
    pub flush: bool,
}

impl DecisionLog {
    /// A log at `path` that is never rotated, has no more permissions than the umask gives, and is flushed.
    pub fn new(path: impl Into<PathBuf>) -> DecisionLog {
        DecisionLog {
            path: path.into(),
            rotate: None,
            keep: 0,
            sharing: Sharing::Umask,
            owner: None,
            patience: Duration::from_secs(10),
            flush: true,
        }
    }

    /// Appends the record of one push: `body`, preceded by `version`, `id` and `previous`, and followed by `hash`. On
    /// success it is durable. Appends of several processes wait for each other, no longer than [`DecisionLog::patience`].
    ///
    /// # Errors
    ///
    /// When the record cannot be written and flushed in full, when it is larger than 16 MB or sets a key of the log's
    /// own, or when the end of the log is not what an append left there. The push must then be refused. A part that was
    /// written is removed again when that is possible, and is a torn line when it is not.
    pub fn append(&self, id: &DecisionId, body: &Map<String, Value>) -> Result<(), LogError> {
        let members = line::members(body).map_err(|why| self.unfit(&why))?;
        let names = Names::of(&self.path)?;
        files::is_there(&self.path)?;
        let lock = files::lock_for_writing(&names, self.sharing, self.owner, self.patience)?;
        let live = files::open(&self.path, Access::Append)?;
        let link = files::end_of_chain(&names, Some(&lock), live.as_ref().map(|(file, len)| (file, *len)))?;

        let (record, hash) = line::compose(&id.to_string(), &link, &members);
        if record.len() > MAX_LINE {
            return Err(self.unfit(&format!("the record has {} bytes, more than {MAX_LINE}", record.len())));
        }
        let torn = link.torn.is_some();
        let bytes = if torn { format!("\n{record}\n") } else { format!("{record}\n") };

        // A torn line stays where it is, with the record that explains it: rotated files hold whole lines only.
        let full = |len: u64| self.rotate.is_some_and(|limit| len.saturating_add(bytes.len() as u64) > limit);
        let rotates = !torn && live.as_ref().is_some_and(|(_, len)| *len > 0 && full(*len));
        let live = if rotates { None } else { live };
        if rotates {
            self.retire(&names)?;
        }
        let (file, len) = match live {
            Some(live) => live,
            None => (files::create(&self.path, self.sharing, self.owner)?, 0),
        };
        if let Err(error) = self.write(&names, &file, len, bytes.as_bytes()) {
            // If this fails too, what was written is a torn line, and the next append says so.
            let _ = file.set_len(len);
            return Err(LogError::io("cannot write the decision log", &self.path, error));
        }
        lock.remember(&hash);
        if rotates {
            self.prune(&names);
        }
        Ok(())
    }

    /// Gives the live file the next number.
    fn retire(&self, names: &Names) -> Result<(), LogError> {
        let failed = |error| LogError::io("cannot rotate the decision log", &self.path, error);
        let newest = names.rotated_numbers()?.last().copied().unwrap_or(0);
        // Going on at the same number would overwrite that file.
        let next = newest.checked_add(1).ok_or_else(|| failed(ErrorKind::AlreadyExists.into()))?;
        fs::rename(&names.live, names.rotated(next)).map_err(failed)
    }

    fn write(&self, names: &Names, mut file: &File, len: u64, bytes: &[u8]) -> io::Result<()> {
        // The name first: then a file that has content has a durable name, whoever crashed in between.
        if self.flush && len == 0 {
            files::sync_dir(&names.dir)?;
        }
        file.write_all(bytes)?;
        if self.flush { file.sync_data() } else { Ok(()) }
    }

    /// Deletes the oldest rotated files. The record is already durable, so failing here refuses nothing; the next
    /// rotation tries again.
    fn prune(&self, names: &Names) {
        let Some(keep) = usize::try_from(self.keep).ok().filter(|keep| *keep > 0) else { return };
        let numbers = names.rotated_numbers().unwrap_or_default();
        let beyond = numbers.len().saturating_sub(keep);
        for number in numbers.into_iter().take(beyond) {
            let path = names.rotated(number);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), %error, "cannot delete an old decision log");
                }
                _ => {}
            }
        }
    }

    fn unfit(&self, why: &str) -> LogError {
        LogError::new(
            format!("cannot write the decision log `{}`: {why}", self.path.display()),
            &self.path,
            "push less at once; if the push is small, report this as a defect",
        )
    }
}
