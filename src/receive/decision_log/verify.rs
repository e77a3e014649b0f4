//! Is the chain whole? Reads every file once, in constant memory.

use super::error::LogError;
use super::files::{self, Access, Ending, Lines, Names, Source};
use super::line::{self, NOTHING_BEFORE, Record};
use super::stats::Name;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::mem;
use std::path::Path;

/// How much earlier than the record before a push may have been answered, because it waited for the lock.
const WAITING: SignedDuration = SignedDuration::from_secs(60);

/// How many notes a report lists; the rest is counted.
const NOTES: usize = 100;

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// The version of this report's format.
    pub version: u32,
    /// The path of the log.
    pub log: Name,
    /// How many records stand before the first broken place, or in the whole log.
    pub records: u64,
    /// How many files were read.
    pub files: u64,
    /// The hash of the last record that was read; an anchor for later. `None` without any record.
    pub last_hash: Option<String>,
    /// The first place where the chain is broken; nothing behind it was judged. `None`: the chain is whole.
    pub broken: Option<Broken>,
    /// What is remarkable and breaks nothing: torn lines, older files that are gone, time that goes backwards.
    pub notes: Vec<Note>,
    /// How many notes are not listed.
    pub more_notes: u64,
}

/// Where and how the chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The path of the file.
    pub file: Name,
    /// The line, from 1; `None` when it is the file or the log as a whole.
    pub line: Option<u64>,
    /// What is wrong there.
    pub what: String,
}

/// Something remarkable that does not break the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The path of the file.
    pub file: Name,
    /// The line, from 1; `None` when it is the file as a whole.
    pub line: Option<u64>,
    /// What is remarkable.
    pub what: String,
}

impl VerifyReport {
    fn new(path: &Path) -> VerifyReport {
        VerifyReport {
            version: 1,
            log: Name::of_path(path),
            records: 0,
            files: 0,
            last_hash: None,
            broken: None,
            notes: Vec::new(),
            more_notes: 0,
        }
    }

    /// The report on a log that was written to, and of which nothing is left.
    pub fn vanished(path: &Path) -> VerifyReport {
        let what = "records were written here, and there is no log: it was moved away or deleted".to_owned();
        VerifyReport { broken: Some(Broken { file: Name::of_path(path), line: None, what }), ..VerifyReport::new(path) }
    }

    /// Whether nothing is broken.
    pub fn is_whole(&self) -> bool {
        self.broken.is_none()
    }
}

/// Checks every record of the log at `path`, rotated files first. With an `anchor`, a hash that was noted earlier (see
/// [`last_hash`]), some record must have that hash: this shows a log that was cut off, or written anew, since.
///
/// Pushes may go on meanwhile; what they append is not looked at.
///
/// # Errors
///
/// When there is no log, when it cannot be read, or when the anchor is not 64 hexadecimal digits. A broken chain is no
/// error but the report's `broken`.
pub fn verify(path: &Path, anchor: Option<&str>) -> Result<VerifyReport, LogError> {
    let names = Names::of(path)?;
    let anchor = anchor.map(str::to_ascii_lowercase);
    if let Some(anchor) = anchor.as_deref().filter(|anchor| !line::is_hash(anchor)) {
        return Err(LogError::new(
            format!("the anchor `{anchor}` is not the hash of a record"),
            path,
            "give the 64 hexadecimal digits of a record's `hash`",
        ));
    }
    let (sources, remembered) = files::snapshot(&names)?;
    let mut walk = Walk::new(path, anchor, remembered);
    let broken = walk.files(&names, sources)?;
    let mut report = walk.report;
    report.broken = broken;
    if report.broken.is_none() && walk.anchor.is_some() {
        let what =
            "no record has the anchor's hash: the log was cut off or written anew, or the record's file is gone".to_owned();
        report.broken = Some(Broken { file: Name::of_path(path), line: None, what });
    }
    if report.broken.is_none() && walk.remembered.is_some() {
        let what =
            "no record has the hash that the lock beside the log remembers: the log was cut off, or its newest file is gone"
                .to_owned();
        report.broken = Some(Broken { file: Name::of_path(path), line: None, what });
    }
    Ok(report)
}

/// The hash of the log's last whole record, to be kept where the server's accounts cannot write, as the anchor of a
/// later [`verify`]. `None` if there is no record yet.
///
/// # Errors
///
/// When the log cannot be read, or its end is damaged.
pub fn last_hash(path: &Path) -> Result<Option<String>, LogError> {
    let names = Names::of(path)?;
    let lock = files::lock_for_reading(&names)?;
    let live = files::open(path, Access::Read)?;
    let link = files::end_of_chain(&names, lock.as_ref(), live.as_ref().map(|(file, len)| (file, *len)))?;
    Ok(Some(link.last).filter(|hash| hash != NOTHING_BEFORE))
}

/// The walk along the chain.
struct Walk {
    report: VerifyReport,
    /// The hash that the next record must state; `None` when what it was chained to is gone.
    chain: Option<String>,
    /// The anchor, until it is found.
    anchor: Option<String>,
    /// What the lock remembers, until it is found.
    remembered: Option<String>,
    /// When the push before was answered.
    answered: Option<Timestamp>,
}

/// The line before, for a record that follows a torn line.
#[derive(Default)]
struct Before {
    number: u64,
    bytes: Vec<u8>,
    /// The chain before it.
    chain: Option<String>,
    /// Why it is no record, if it is none: then the next line must explain it.
    flaw: Option<String>,
}

/// A line that breaks the chain, or none for the file as a whole, and what is wrong.
type Break = (Option<u64>, String);

impl Walk {
    fn new(path: &Path, anchor: Option<String>, remembered: Option<String>) -> Walk {
        Walk { report: VerifyReport::new(path), chain: Some(NOTHING_BEFORE.to_owned()), anchor, remembered, answered: None }
    }

    fn files(&mut self, names: &Names, sources: Vec<Source>) -> Result<Option<Broken>, LogError> {
        let mut has_live = false;
        let mut older_are_gone = false;
        for source in sources {
            let number = match source {
                Source::Rotated(number) => Some(number),
                Source::Live(..) => None,
            };
            let Some(mut lines) = Lines::open(names, source)? else {
                // Rotation may delete the oldest files while the log is read.
                if self.report.files == 0 {
                    older_are_gone = true;
                    continue;
                }
                let file = names.rotated(number.unwrap_or_default());
                return Err(LogError::new(
                    format!("the decision log `{}` vanished while it was read", file.display()),
                    &file,
                    "run it again",
                ));
            };
            older_are_gone |= number.is_some_and(|number| number > 1);
            if self.report.files == 0 && older_are_gone {
                self.chain = None;
                self.note(&lines.path, None, "older files are gone: the chain starts here");
            }
            self.report.files += 1;
            has_live |= lines.is_live;
            if let Some((line, what)) = self.file(&mut lines)? {
                return Ok(Some(Broken { file: Name::of_path(&lines.path), line, what }));
            }
        }
        if !has_live {
            self.note(&names.live, None, "there is no such file; the next push goes on after the rotated ones");
        }
        Ok(None)
    }

    /// Walks along one file. Answers the first place that breaks the chain.
    fn file(&mut self, lines: &mut Lines) -> Result<Option<Break>, LogError> {
        let mut bytes = Vec::new();
        let mut before = Before::default();
        let mut ending = Ending::Newline;
        while let Some(next) = lines.next(&mut bytes)? {
            ending = next;
            if let Err(place) = self.line(lines, &mut bytes, ending, &mut before) {
                return Ok(Some(place));
            }
        }
        Ok(match (before.flaw, ending) {
            // Rotation never leaves an empty file.
            _ if before.number == 0 => (!lines.is_live).then(|| (None, "the file is empty".to_owned())),
            (None, Ending::Newline) => None,
            (Some(flaw), Ending::Newline) => Some((Some(before.number), flaw)),
            _ if lines.is_live => {
                self.note(&lines.path, Some(before.number), "the last line is torn; the next push will explain it");
                None
            }
            _ => Some((Some(before.number), "the file was cut off: its last line has no newline".to_owned())),
        })
    }

    fn line(&mut self, lines: &Lines, bytes: &mut Vec<u8>, ending: Ending, before: &mut Before) -> Result<(), Break> {
        let number = lines.number;
        let here = |what: String| (Some(number), what);
        let parsed = match ending {
            Ending::TooLong => Err(format!("it is longer than {} bytes", line::MAX_LINE)),
            _ => line::parse(bytes),
        };
        // Only the next record can explain a line that is none.
        let explains = parsed.as_ref().is_ok_and(|record| record.after_torn_line);
        if let Some(flaw) = before.flaw.take().filter(|_| !explains) {
            return Err((Some(before.number), flaw));
        }
        let chain = self.chain.clone();
        let flaw = match parsed {
            Ok(record) => {
                self.record(&record, before).map_err(here)?;
                self.time(&record, lines);
                if explains {
                    self.note(&lines.path, Some(before.number), "a crash tore this line; its push was not answered");
                }
                None
            }
            Err(why) if ending == Ending::TooLong => return Err(here(why)),
            Err(_) if !line::can_be_torn(bytes) => return Err(here("more follows the record on its line".to_owned())),
            Err(why) => Some(why),
        };
        // The buffers change places, so that the line before can still be hashed when the next one asks for it.
        mem::swap(&mut before.bytes, bytes);
        (before.number, before.chain, before.flaw) = (number, chain, flaw);
        Ok(())
    }

    fn record(&mut self, record: &Record, before: &Before) -> Result<(), String> {
        if record.after_torn_line {
            if before.number == 0 {
                return Err("it follows a torn line, and there is none".to_owned());
            }
            if record.previous != line::hash_of(&before.bytes) {
                return Err("its `previous` is not the hash of the torn line before it".to_owned());
            }
            if before.chain.is_some() && record.before_torn_line != before.chain {
                return Err(
                    "its `before_torn_line` is not the hash of the last record: a line is missing, added or moved".to_owned()
                );
            }
        } else {
            match &self.chain {
                Some(chain) if *chain == record.previous => {}
                Some(chain) if chain == NOTHING_BEFORE => {
                    return Err(
                        "it is the first record, and its `previous` names one before it: the beginning is missing".to_owned()
                    );
                }
                Some(_) => {
                    return Err("its `previous` is not the hash of the line before: a line is missing, added or moved".to_owned());
                }
                None if record.previous == NOTHING_BEFORE => {
                    return Err("it starts a new chain in a file that is not the first".to_owned());
                }
                None => {}
            }
        }
        self.chain = Some(record.hash.clone());
        self.report.records += 1;
        self.report.last_hash = Some(record.hash.clone());
        if self.anchor.as_ref() == Some(&record.hash) {
            self.anchor = None;
        }
        if self.remembered.as_ref() == Some(&record.hash) {
            self.remembered = None;
        }
        Ok(())
    }

    /// Records are written in the order in which pushes are answered, but for the time that they wait for each other.
    fn time(&mut self, record: &Record, lines: &Lines) {
        let Some(answered) = record.answered else { return };
        if self.answered.is_some_and(|before| before.duration_since(answered) > WAITING) {
            let what = "its time is before that of the record before it: the server's clock was set back";
            self.note(&lines.path, Some(lines.number), what);
        }
        self.answered = Some(answered);
    }

    fn note(&mut self, file: &Path, line: Option<u64>, what: &str) {
        if self.report.notes.len() < NOTES {
            self.report.notes.push(Note { file: Name::of_path(file), line, what: what.to_owned() });
        } else {
            self.report.more_notes += 1;
        }
    }
}
