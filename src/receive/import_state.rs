//! A first import in steps: the administrator opens it for one actor and a time, by `refwarden import`, and closes it.
//!
//! The state is a file of the git directory, where no push can write. What cannot be read is neither open nor closed: it refuses.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::repository::Repository;
use crate::policy::Policy;
use crate::push::Undecided;

/// Where the state lies, below the git directory.
const FILE: &str = "refwarden/import.json";
/// The longest file that is read.
const MOST: u64 = 64 << 10;

/// An import that the administrator has opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportState {
    /// Who may import. The policy's `import` must name the actor as well.
    pub actor: String,
    /// From then on.
    pub opened: Timestamp,
    /// Until then, exclusive.
    pub until: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    /// The git directory that it was opened for: a copy of the repository is another one.
    git_dir: String,
    actor: String,
    opened: String,
    until: String,
}

/// The file of a repository's state.
pub fn path(repository: &Repository) -> PathBuf {
    repository.common_dir.join(FILE)
}

fn git_dir(repository: &Repository) -> String {
    repository.common_dir.to_string_lossy().into_owned()
}

impl ImportState {
    /// Whether a push by this actor is part of the import now.
    pub fn lets(&self, actor: &str, now: Timestamp) -> bool {
        self.actor == actor && self.opened <= now && now < self.until
    }

    /// The file's content.
    pub fn to_json(&self, repository: &Repository) -> String {
        let written = Written {
            version: 1,
            git_dir: git_dir(repository),
            actor: self.actor.clone(),
            opened: self.opened.to_string(),
            until: self.until.to_string(),
        };
        // It has neither maps nor numbers that JSON cannot hold.
        serde_json::to_string(&written).unwrap_or_default() + "\n"
    }

    fn parse(bytes: &[u8], repository: &Repository) -> Result<ImportState, String> {
        let written: Written = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if written.version != 1 {
            return Err(format!("its version `{}` is not known here", written.version));
        }
        if written.git_dir != git_dir(repository) {
            return Err(format!("it was opened for `{}`", written.git_dir));
        }
        let time = |text: &str| text.parse::<Timestamp>().map_err(|error| error.to_string());
        Ok(ImportState { opened: time(&written.opened)?, until: time(&written.until)?, actor: written.actor })
    }
}

/// Reads the state of a repository; `None` if no import was opened.
///
/// # Errors
/// There is a state and it cannot be read.
pub fn read(repository: &Repository) -> Result<Option<ImportState>, Undecided> {
    let path = path(repository);
    let failed = |why: &dyn std::fmt::Display| {
        Undecided::new(format!("cannot read whether an import is open, `{}`: {why}", path.display()))
            .help("close it: refwarden import close DIR")
    };
    let mut bytes = Vec::new();
    match fs::File::open(&path) {
        Ok(file) => {
            file.take(MOST).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => return Ok(None),
        Err(error) => return Err(failed(&error)),
    }
    ImportState::parse(&bytes, repository).map(Some).map_err(|why| failed(&why))
}

/// Whether the administrator has opened an import for this actor, whom the policy lets import.
///
/// # Errors
/// The actor may import, and the state cannot be read.
pub fn is_open(policy: &Policy, repository: &Repository, actor: &str, now: Timestamp) -> Result<bool, Undecided> {
    // Others cannot be let through by it, and so are not refused because of it.
    if !policy.server.import.iter().any(|name| name == actor) {
        return Ok(false);
    }
    Ok(read(repository)?.is_some_and(|state| state.lets(actor, now)))
}
