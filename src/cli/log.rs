//! `refwarden log`: is the decision log whole, what is in it, what does it add up to?

mod show;
mod stats;
mod verify;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::{Failure, Result};
use crate::policy::parse;
use crate::receive::decision_log::{LogError, Name, Places, records};
use crate::receive::find_policy;
use crate::receive::repository::Repository;
use crate::receive::sanitize::{sanitize, sanitize_bytes};

/// Verify, show or count the decision log
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden log verify --repo /srv/git/app.git
  refwarden log show --repo /srv/git/app.git --decision refused -n 5
  refwarden log stats /srv/git/app.git/refwarden/decisions.jsonl")]
pub(super) struct Log {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Verify),
    Show(show::Show),
    Stats(stats::Stats),
}

impl Log {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        match self.command {
            Command::Verify(command) => command.run(out),
            Command::Show(command) => command.run(out),
            Command::Stats(command) => command.run(out),
        }
    }
}

/// Which log.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// The repository whose log it is, at every place that its policies have named
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// The log's file that is appended to; those that were rotated away are found beside it
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Place {
    /// Every log that is meant, oldest first, and whether it must be there: a repository has one for each place that its policies
    /// have named.
    fn find(&self) -> Result<Vec<(PathBuf, bool)>> {
        let Some(repo) = &self.repo else { return Ok(vec![(self.file.clone().unwrap_or_default(), false)]) };
        let repository = Repository::open_shared(&super::explain::git_dir(repo))?;
        let mut logs = Places::read(&repository.common_dir)?.all();
        // One that was never written to is missing from the list.
        if let Ok(Ok(policy)) = find_policy::find(None, &repository).map(|found| parse::parse(&found.name, &found.bytes)) {
            let named = repository.common_dir.join(policy.server.decision_log.path);
            if named.symlink_metadata().is_ok() && !logs.iter().any(|(log, _)| *log == named) {
                logs.push((named, false));
            }
        }
        Ok(logs)
    }

    /// The records of all of them, one log after the other. Whether one that is gone is missed is for `refwarden log verify`.
    fn records(&self) -> Result<impl Iterator<Item = std::result::Result<Value, LogError>>> {
        let logs = self.find()?;
        let is_one = logs.len() == 1;
        let there = logs.iter().filter(|(log, _)| is_one || log.symlink_metadata().is_ok());
        let logs: Vec<_> = there.map(|(log, _)| records(log)).collect::<std::result::Result<_, _>>()?;
        Ok(logs.into_iter().flatten())
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Failure {
        Failure::new(sanitize(&error.to_string())).help(error.help())
    }
}

/// A name out of a record, fit to be shown.
fn plain(name: &Name) -> String {
    match name {
        Name::Missing => "-".to_owned(),
        Name::Text(text) => sanitize(text),
        Name::Bytes(hex) => sanitize_bytes(&from_hex(hex)),
    }
}

/// The bytes that were written as hex; what is no hex is left out.
fn from_hex(hex: &str) -> Vec<u8> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    hex.as_bytes().chunks(2).filter_map(pair).collect()
}

/// A value as JSON in ASCII: what a push brought can then do nothing to a terminal, and programs read the same.
fn json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(value).map_err(std::io::Error::from)?;
    Ok(crate::report::text::ascii(&text))
}

/// `1 record`, `2 records`.
fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
