//! Where a repository's logs are. The policy names the place, and a policy may be gone or fail to load: so every place that was
//! ever used is remembered in the git directory. A push that cannot be judged is logged at the last one, and
//! `refwarden log` finds every chain.

use super::error::LogError;
use super::files::{self, Access};
use super::sharing::{Owner, Sharing};
use crate::policy::DecisionLogSettings;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The list of places, in the git directory: a path as the policy writes it, as a JSON string, on each line. It does not exist
/// while only the default place was used.
const LIST: &str = "refwarden/log-places";
/// The list grows only when the policy changes; no honest one is longer.
const MAX_LIST: u64 = 1 << 20;

/// The places of one repository's logs, oldest first.
#[derive(Debug, Clone)]
pub struct Places {
    common_dir: PathBuf,
    /// As the policies wrote them.
    listed: Vec<String>,
    /// Whether the list ends in the middle of a line, as a crash leaves it.
    is_cut: bool,
}

impl Places {
    /// Reads which places were used.
    ///
    /// # Errors
    ///
    /// The list is there and cannot be read.
    pub fn read(common_dir: &Path) -> Result<Places, LogError> {
        let path = common_dir.join(LIST);
        let mut text = Vec::new();
        if let Some((file, _)) = files::open(&path, Access::Read)? {
            let failed = |error| LogError::io("cannot read the places of the decision log", &path, error);
            file.take(MAX_LIST).read_to_end(&mut text).map_err(failed)?;
        }
        // A line that a crash cut names no place.
        let listed = text.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        Ok(Places { common_dir: common_dir.to_owned(), listed, is_cut: text.last().is_some_and(|&byte| byte != b'\n') })
    }

    /// The place that was used last, as a policy writes it.
    pub fn last(&self) -> String {
        self.listed.last().cloned().unwrap_or_else(|| DecisionLogSettings::default().path)
    }

    /// Remembers that a record was written at this place, durably.
    ///
    /// # Errors
    ///
    /// The list cannot be written.
    pub fn remember(&self, place: &str, sharing: Sharing, owner: Option<Owner>) -> Result<(), LogError> {
        if self.last() == place {
            return Ok(());
        }
        let path = self.common_dir.join(LIST);
        let failed = |error| LogError::io("cannot write the places of the decision log", &path, error);
        let dir = path.parent().unwrap_or(&self.common_dir);
        files::make_dir(dir, sharing, owner).map_err(failed)?;
        let mut file: File = match files::open(&path, Access::Append)? {
            Some((file, _)) => file,
            None => files::create(&path, sharing, owner)?,
        };
        let start = if self.is_cut { "\n" } else { "" };
        let line = format!("{start}{}\n", serde_json::Value::from(place));
        file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).and_then(|()| files::sync_dir(dir)).map_err(failed)
    }

    /// The file of every log, oldest first, and whether it is known to have been used: those of the list, and the default one where
    /// it is there or nothing else was used.
    pub fn all(&self) -> Vec<(PathBuf, bool)> {
        let default = self.common_dir.join(DecisionLogSettings::default().path);
        let mut all: Vec<(PathBuf, bool)> = Vec::new();
        if self.listed.is_empty() || default.symlink_metadata().is_ok() {
            all.push((default, false));
        }
        for place in &self.listed {
            let path = self.common_dir.join(place);
            match all.iter_mut().find(|(log, _)| *log == path) {
                Some((_, is_used)) => *is_used = true,
                None => all.push((path, true)),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_and_the_last_one_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let remember = |place: &str| Places::read(folder.path()).unwrap().remember(place, Sharing::Umask, None).unwrap();
        let default = DecisionLogSettings::default().path;
        remember(&default);
        assert!(!folder.path().join(LIST).exists());
        for place in ["elsewhere/log.jsonl", "/var/log/a \"b\"\n.jsonl", "elsewhere/log.jsonl", default.as_str()] {
            remember(place);
            remember(place);
            assert_eq!(Places::read(folder.path()).unwrap().last(), place);
        }
        let places = Places::read(folder.path()).unwrap();
        assert_eq!(places.listed.len(), 4);
        let expected =
            ["elsewhere/log.jsonl", "/var/log/a \"b\"\n.jsonl", &default].map(|place| (folder.path().join(place), true));
        assert_eq!(places.all(), expected);
    }

    #[test]
    fn a_crash_amid_the_list_loses_no_place() {
        let folder = tempfile::tempdir().unwrap();
        Places::read(folder.path()).unwrap().remember("a.jsonl", Sharing::Umask, None).unwrap();
        let path = folder.path().join(LIST);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}\"b.js")).unwrap();
        assert_eq!(Places::read(folder.path()).unwrap().last(), "a.jsonl");
        Places::read(folder.path()).unwrap().remember("b.jsonl", Sharing::Umask, None).unwrap();
        assert_eq!(Places::read(folder.path()).unwrap().listed, ["a.jsonl", "b.jsonl"]);
    }
}
