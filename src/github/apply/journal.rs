//! The journal of one run: the plan, what there was before, and, line by line, what was begun and what was made. It is on the
//! disk before anything is sent.
//!
//! A run has a folder of its own: `plan.json` (the plan, with the state of each thing before and after), `before.json` (all
//! rulesets and protections of the places that it touches, for people), `journal.jsonl`. Nobody else may read them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Direction;
use crate::github::plan::Plan;

/// A run on the disk. As long as it is held, no other program can carry out a plan from the same folder.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    plan: Plan,
    file: File,
    events: Vec<Event>,
    /// Held until the run ends.
    _lock: Lock,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A change is about to be sent.
    Begun {
        /// Its place in the plan.
        change: usize,
        /// Which way.
        direction: Way,
    },
    /// GitHub answered, and gave what was created this number.
    Sent {
        /// Its place in the plan.
        change: usize,
        /// The number.
        id: String,
    },
    /// It was read back, and is as it should be.
    Made {
        /// Its place in the plan.
        change: usize,
        /// Which way.
        direction: Way,
        /// GitHub's number of it; nothing when it is gone.
        id: Option<String>,
    },
    /// It is not as it should be.
    Failed {
        /// Its place in the plan.
        change: usize,
        /// Which way.
        direction: Way,
        /// Why.
        why: String,
        /// Whether it is certain that nothing was changed since it was begun: it then counts as never begun.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        untouched: bool,
    },
    /// Everything is as it should be: there is nothing to go on with.
    Ended {
        /// Which way.
        direction: Way,
    },
}

/// [`Direction`], as it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// To the planned state.
    Apply,
    /// To the saved state.
    Rollback,
}

impl From<Direction> for Way {
    fn from(direction: Direction) -> Way {
        match direction {
            Direction::Forward => Way::Apply,
            Direction::Back => Way::Rollback,
        }
    }
}

/// Why a journal can't be used.
#[derive(Debug)]
pub enum BadJournal {
    /// Another program is at work with the same folder.
    Locked(PathBuf),
    /// A run of the same owner stopped in the middle.
    Unfinished(PathBuf),
    /// The folder or a file in it can't be read or written.
    Io(PathBuf, io::Error),
    /// Others may read the run, so that it may have come from elsewhere.
    Public(PathBuf),
    /// A file is not what this program writes.
    Unreadable(PathBuf, String),
}

impl std::fmt::Display for BadJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BadJournal::Locked(path) => write!(f, "another apply is at work in `{}`", path.display()),
            BadJournal::Unfinished(run) => write!(f, "an earlier run stopped in the middle: `{}`", run.display()),
            BadJournal::Public(run) => {
                write!(
                    f,
                    "others may read the run `{}`, as they can no run that this program writes: it may have come from elsewhere",
                    run.display()
                )
            }
            BadJournal::Io(path, error) => write!(f, "`{}`: {error}", path.display()),
            BadJournal::Unreadable(path, why) => write!(f, "`{}` is no journal that can be read: {why}", path.display()),
        }
    }
}

impl std::error::Error for BadJournal {}

const PLAN: &str = "plan.json";
/// The plan, until it is whole.
const UNNAMED: &str = "plan.json.new";
const BEFORE: &str = "before.json";
const JOURNAL: &str = "journal.jsonl";
const LOCK: &str = "lock";

impl Journal {
    /// Begins a run in a new folder of `backup`. `before` is what there was, for people.
    ///
    /// # Errors
    /// Another run has the folder, an earlier one of the same owner did not end, or it can't be written.
    pub fn create(backup: &Path, plan: &Plan, before: &Value, now: Timestamp) -> Result<Journal, BadJournal> {
        make_folder(backup)?;
        let lock = lock(backup)?;
        if let Some(run) = unfinished_in(backup, &plan.owner)? {
            return Err(BadJournal::Unfinished(run));
        }
        let folder = new_folder(backup, &now.strftime("%Y%m%dT%H%M%S").to_string())?;
        let text = |value: &Value| format!("{value:#}\n");
        write_whole(&folder.join(BEFORE), &text(before))?;
        write_whole(&folder.join(JOURNAL), "")?;
        // Last, and at once: a folder without it is a run that never began.
        let (path, unnamed) = (folder.join(PLAN), folder.join(UNNAMED));
        write_whole(&unnamed, &text(&json!(plan)))?;
        fs::rename(&unnamed, &path).map_err(|error| BadJournal::Io(path, error))?;
        sync_folder(&folder)?;
        sync_folder(backup)?;
        let path = folder.join(JOURNAL);
        let file = OpenOptions::new().append(true).open(&path).map_err(|error| BadJournal::Io(path, error))?;
        Ok(Journal { folder, plan: plan.clone(), file, events: Vec::new(), _lock: lock })
    }

    /// Takes up a run again.
    ///
    /// # Errors
    /// Another run has the folder, or it is no run.
    pub fn open(folder: &Path) -> Result<Journal, BadJournal> {
        // However the folder is called here, the lock is the one that whoever else is at work with it holds.
        let folder = &fs::canonicalize(folder).map_err(|error| BadJournal::Io(folder.to_owned(), error))?;
        let lock = lock(folder.parent().unwrap_or(folder))?;
        refuse_foreign(folder)?;
        let path = folder.join(PLAN);
        let plan = read(&path)?;
        let plan: Plan = serde_json::from_slice(&plan).map_err(|error| BadJournal::Unreadable(path, error.to_string()))?;
        let path = folder.join(JOURNAL);
        let (events, whole) = events(&read(&path)?).map_err(|why| BadJournal::Unreadable(path.clone(), why))?;
        let failed = |error| BadJournal::Io(path.clone(), error);
        let file = OpenOptions::new().append(true).open(&path).map_err(failed)?;
        // A line that breaks off was never acted upon.
        file.set_len(whole).map_err(failed)?;
        Ok(Journal { folder: folder.to_owned(), plan, file, events, _lock: lock })
    }

    /// The newest run of an owner that did not end.
    ///
    /// # Errors
    /// Another program is at work with the folder, or a run in it that did not end can't be read.
    pub fn unfinished(backup: &Path, owner: &str) -> Result<Option<PathBuf>, BadJournal> {
        if !backup.is_dir() {
            return Ok(None);
        }
        let _lock = lock(backup)?;
        unfinished_in(backup, owner)
    }

    /// The newest run, whoever's it is.
    ///
    /// # Errors
    /// The folder can't be read, or others may read that run: a run that this program wrote is nobody else's, and one that came
    /// with a checkout is not taken for the newest.
    pub fn newest_run(backup: &Path) -> Result<Option<PathBuf>, BadJournal> {
        let newest = runs(backup)?.into_iter().next_back();
        match &newest {
            Some(run) if is_open_to(0o077, run)? => Err(BadJournal::Public(run.clone())),
            _ => Ok(newest),
        }
    }

    /// Whether the run was taken back to its end.
    pub fn is_taken_back(&self) -> bool {
        matches!(self.events.last(), Some(Event::Ended { direction: Way::Rollback }))
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The plan that is carried out.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What happened until now.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Writes an event down, and comes back when it is on the disk.
    ///
    /// # Errors
    /// It can't be written.
    pub fn note(&mut self, event: Event) -> io::Result<()> {
        let mut line = serde_json::to_string(&event)?;
        line.push('\n');
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()?;
        self.events.push(event);
        Ok(())
    }

    /// Whether a change may have been sent, in either direction.
    pub fn is_begun(&self, index: usize) -> bool {
        self.of(index).next().is_some()
    }

    /// What happened to a change, the newest first, without what was begun and certainly changed nothing.
    fn of(&self, index: usize) -> impl Iterator<Item = &Event> {
        let mut was_untouched = false;
        self.events.iter().rev().filter(move |event| match event {
            Event::Failed { change, untouched, .. } if *change == index => {
                was_untouched = *untouched;
                false
            }
            Event::Begun { change, .. } if *change == index => !std::mem::take(&mut was_untouched),
            Event::Sent { change, .. } | Event::Made { change, .. } if *change == index => {
                was_untouched = false;
                true
            }
            _ => false,
        })
    }

    /// Whether a change was made and not undone.
    pub fn is_made(&self, index: usize) -> bool {
        self.last(index) == Some(Way::Apply)
    }

    /// Whether a change was undone.
    pub fn is_restored(&self, index: usize) -> bool {
        self.last(index) == Some(Way::Rollback)
    }

    /// The number that GitHub gave to what a change created.
    pub fn id_of(&self, index: usize) -> Option<String> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Sent { change, id } if *change == index => Some(id.clone()),
            Event::Made { change, id: Some(id), .. } if *change == index && !id.is_empty() => Some(id.clone()),
            _ => None,
        })
    }

    /// Which way a change was begun last, if nothing says what came of it: it may have happened.
    pub fn unanswered(&self, index: usize) -> Option<Way> {
        match self.of(index).next() {
            Some(Event::Begun { direction, .. }) => Some(*direction),
            _ => None,
        }
    }

    /// Whether a change was begun and nothing shows that it was made: it may be there in part.
    pub fn is_unsettled(&self, index: usize) -> bool {
        self.is_begun(index) && self.last(index).is_none()
    }

    /// Which way a change was made last; nothing when it was begun again since.
    fn last(&self, index: usize) -> Option<Way> {
        match self.of(index).find(|event| !matches!(event, Event::Sent { .. })) {
            Some(Event::Made { direction, .. }) => Some(*direction),
            _ => None,
        }
    }
}

/// The newest run of an owner that did not end. An older one may not have, either: it was taken back later, and not to the end.
fn unfinished_in(backup: &Path, owner: &str) -> Result<Option<PathBuf>, BadJournal> {
    for folder in runs(backup)?.into_iter().rev() {
        let path = folder.join(JOURNAL);
        let (events, _) = events(&read(&path)?).map_err(|why| BadJournal::Unreadable(path, why))?;
        if matches!(events.last(), Some(Event::Ended { .. })) {
            continue;
        }
        let path = folder.join(PLAN);
        let plan: Plan =
            serde_json::from_slice(&read(&path)?).map_err(|error| BadJournal::Unreadable(path, error.to_string()))?;
        if plan.owner.eq_ignore_ascii_case(owner) {
            if is_open_to(0o077, &folder)? {
                return Err(BadJournal::Public(folder));
            }
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// The runs of a folder, the newest last.
fn runs(backup: &Path) -> Result<Vec<PathBuf>, BadJournal> {
    let failed = |error| BadJournal::Io(backup.to_owned(), error);
    let entries = match fs::read_dir(backup) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.join(PLAN).is_file() {
            folders.push(path);
        }
    }
    // Their names begin with the time.
    folders.sort();
    Ok(folders)
}

/// The events, and how many bytes of the journal are whole lines: the last one may break off within a letter.
fn events(bytes: &[u8]) -> Result<(Vec<Event>, u64), String> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let text = std::str::from_utf8(bytes.get(..whole).unwrap_or_default()).map_err(|error| error.to_string())?;
    let events = text
        .lines()
        .enumerate()
        .map(|(number, line)| serde_json::from_str(line).map_err(|error| format!("line {}: {error}", number + 1)))
        .collect::<Result<Vec<Event>, String>>()?;
    Ok((events, u64::try_from(whole).unwrap_or(u64::MAX)))
}

fn read(path: &Path) -> Result<Vec<u8>, BadJournal> {
    fs::read(path).map_err(|error| BadJournal::Io(path.to_owned(), error))
}

/// A lock that ends with this value, whoever else was handed its file.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Without it, it ends with the last file.
        let _ = self.0.unlock();
    }
}

fn lock(backup: &Path) -> Result<Lock, BadJournal> {
    let path = backup.join(LOCK);
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(|error| BadJournal::Io(path.clone(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(fs::TryLockError::WouldBlock) => Err(BadJournal::Locked(backup.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(BadJournal::Io(path, error)),
    }
}

fn make_folder(folder: &Path) -> Result<(), BadJournal> {
    builder().recursive(true).create(folder).map_err(|error| BadJournal::Io(folder.to_owned(), error))
}

/// For this user only.
fn builder() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// What others may write is not what this program wrote.
fn refuse_foreign(folder: &Path) -> Result<(), BadJournal> {
    if is_open_to(0o022, folder)? {
        return Err(BadJournal::Unreadable(folder.to_owned(), "others may have written it".to_owned()));
    }
    Ok(())
}

/// Whether a folder is someone else's, or has any of these permissions.
#[cfg(unix)]
fn is_open_to(mode: u32, folder: &Path) -> Result<bool, BadJournal> {
    use std::os::unix::fs::MetadataExt;
    let about = fs::metadata(folder).map_err(|error| BadJournal::Io(folder.to_owned(), error))?;
    Ok(about.uid() != rustix::process::geteuid().as_raw() || about.mode() & mode != 0)
}

/// Elsewhere folders have no such permissions.
#[cfg(not(unix))]
fn is_open_to(_: u32, _: &Path) -> Result<bool, BadJournal> {
    Ok(false)
}

/// A folder that was not there, named for the time; several of one second are counted.
fn new_folder(backup: &Path, time: &str) -> Result<PathBuf, BadJournal> {
    const MOST: u32 = 1000;
    let mut number = 1;
    loop {
        let name = if number == 1 { time.to_owned() } else { format!("{time}-{number:03}") };
        let folder = backup.join(name);
        match builder().create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST => number += 1,
            Err(error) => return Err(BadJournal::Io(folder, error)),
        }
    }
}

fn write_whole(path: &Path, text: &str) -> Result<(), BadJournal> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| BadJournal::Io(path.to_owned(), error))
}

/// A new file is on the disk when its folder is.
fn sync_folder(folder: &Path) -> Result<(), BadJournal> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| BadJournal::Io(folder.to_owned(), error))?;
    }
    Ok(())
}
