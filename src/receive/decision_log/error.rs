//! What can go wrong with the log, said so that an administrator knows what to do.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The log could not be written or read. A push whose decision cannot be logged is refused.
///
/// Its text says what failed and where; [`LogError::help`] says what to do. Paths are printed as they are: whoever
/// shows them on a terminal sanitises the text.
#[derive(Debug)]
pub struct LogError {
    what: String,
    path: PathBuf,
    help: &'static str,
    source: Option<io::Error>,
}

const LOOK: &str =
    "run `refwarden log verify` to see what is wrong, then move the damaged file aside and keep it: it is evidence";

impl LogError {
    pub(super) fn new(what: impl Into<String>, path: &Path, help: &'static str) -> LogError {
        LogError { what: what.into(), path: path.to_owned(), help, source: None }
    }

    /// An operation that the system refused.
    pub(super) fn io(what: &str, path: &Path, source: io::Error) -> LogError {
        let help = match source.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                "let every account that serves pushes read and write the log, its lock and their directory, as core.sharedRepository does"
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                "make room for the log; no push is accepted that cannot be logged"
            }
            _ => "remove the cause; no push is accepted that cannot be logged",
        };
        LogError { what: format!("{what} `{}`", path.display()), path: path.to_owned(), help, source: Some(source) }
    }

    /// A log whose end is not what an append left there.
    pub(super) fn damaged(path: &Path, why: &str) -> LogError {
        LogError::new(
            format!("the decision log is damaged: the last line of `{}` is no whole record: {why}", path.display()),
            path,
            LOOK,
        )
    }

    /// A lock that another process did not give back in time.
    pub(super) fn held(path: &Path, patience: Duration) -> LogError {
        LogError::new(
            format!(
                "cannot lock the decision log: another process has held `{}` for longer than {} ms",
                path.display(),
                patience.as_millis()
            ),
            path,
            "`fuser -v` on that file names the process; end it, or wait for it, and push again",
        )
    }

    /// A lock that holds something else than the hash of a record.
    pub(super) fn damaged_lock(path: &Path) -> LogError {
        LogError::new(
            format!("the decision log is damaged: `{}` does not hold the hash of a record", path.display()),
            path,
            "keep a copy of it, run `refwarden log verify`, and empty the file",
        )
    }

    /// A line somewhere in the log that is no record.
    pub(super) fn unreadable(path: &Path, line: u64, why: &str) -> LogError {
        LogError::new(format!("the decision log is damaged: line {line} of `{}`: {why}", path.display()), path, LOOK)
    }

    /// The file or directory concerned.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the reader can do about it, for a line of its own.
    pub fn help(&self) -> &str {
        self.help
    }

    /// Whether the system refused an operation, as opposed to content that is wrong.
    pub fn is_io(&self) -> bool {
        self.source.is_some()
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for LogError {
    // The text already contains the source, so it is not offered a second time.
}
