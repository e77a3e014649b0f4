//! `refwarden log`: is the decision log whole, what is in it, what does it add up to?

mod show;
mod stats;
mod verify;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Failure, Result};
use crate::policy::{DecisionLogSettings, parse};
use crate::receive::decision_log::{LogError, Name};
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
    /// The repository whose log it is; its policy says where
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// The log's file that is appended to; those that were rotated away are found beside it
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Place {
    fn find(&self) -> Result<PathBuf> {
        let Some(repo) = &self.repo else { return Ok(self.file.clone().unwrap_or_default()) };
        let repository = Repository::open_shared(&super::explain::git_dir(repo))?;
        let settings = match find_policy::find(None, &repository).map(|found| parse::parse(&found.name, &found.bytes)) {
            Ok(Ok(policy)) => policy.server.decision_log,
            // Where the hook, too, logs what it cannot judge.
            Ok(Err(_)) | Err(_) => DecisionLogSettings::default(),
        };
        Ok(repository.common_dir.join(settings.path))
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
