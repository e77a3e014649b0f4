//! The records of a log, one after the other. Whether they can be trusted is [`super::verify`]'s question.

use super::error::LogError;
use super::files::{self, Ending, Lines, Names, Source};
use serde_json::Value;
use std::collections::VecDeque;
use std::path::Path;
use std::vec;

/// Iterates over the records of the log at `path`, oldest first. Hashes are not checked. Torn lines that a later record
/// explains, or that end the log, are skipped; any other line that is not a JSON object is an error, after which the
/// iteration goes on. Where the system fails to read, it ends.
///
/// # Errors
///
/// When there is no log or it cannot be opened.
pub fn records(path: &Path) -> Result<Records, LogError> {
    let names = Names::of(path)?;
    let sources = files::snapshot(&names)?.0.into_iter();
    Ok(Records { names, sources, lines: None, line: Vec::new(), ready: VecDeque::new(), doubtful: None })
}

/// The iterator of [`records`].
pub struct Records {
    names: Names,
    sources: vec::IntoIter<Source>,
    lines: Option<Lines>,
    line: Vec<u8>,
    ready: VecDeque<Result<Value, LogError>>,
    /// A line that is no record, until the next line tells whether it was torn.
    doubtful: Option<LogError>,
}

impl Records {
    /// Reads one line, or opens one file. False at the end of the log.
    fn advance(&mut self) -> Result<bool, LogError> {
        let Some(lines) = &mut self.lines else {
            let Some(source) = self.sources.next() else { return Ok(false) };
            // A file that is gone was the oldest, deleted by rotation in the meantime.
            self.lines = Lines::open(&self.names, source)?;
            return Ok(true);
        };
        let Some(ending) = lines.next(&mut self.line)? else {
            self.lines = None;
            self.ready.extend(self.doubtful.take().map(Err));
            return Ok(true);
        };
        match serde_json::from_slice(&self.line) {
            Ok(record @ Value::Object(_)) => {
                let explains = record.get("after_torn_line") == Some(&Value::Bool(true));
                self.ready.extend(self.doubtful.take().filter(|_| !explains).map(Err));
                self.ready.push_back(Ok(record));
            }
            _ => {
                self.ready.extend(self.doubtful.take().map(Err));
                if !(lines.is_live && ending == Ending::Cut) {
                    self.doubtful = Some(LogError::unreadable(&lines.path, lines.number, "it is no record"));
                }
            }
        }
        Ok(true)
    }
}

impl Iterator for Records {
    type Item = Result<Value, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.lines = None;
                    self.sources = Vec::new().into_iter();
                    return Some(Err(error));
                }
            }
        }
    }
}
