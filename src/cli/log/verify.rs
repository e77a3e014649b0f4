//! `refwarden log verify`: is the chain of hashes whole?

use std::io::Write;

use clap::Args;

use super::{Place, count, json, plain};
use crate::cli::Result;
use crate::receive::decision_log::{Name, VerifyReport, verify};
use crate::receive::sanitize::sanitize;

/// Check the chain of hashes
///
/// Shows every line that was changed, removed, moved or put in between, and an end that was cut off or moved away while the lock
/// beside the log was left. Who can write the log can also write all of it anew, lock and all: only a hash that was kept
/// elsewhere, and is given as --anchor, shows that. With --repo, every log that the repository has had is checked.
///
/// Exit codes: 0 whole, 1 broken, 2 there is no log or it cannot be read.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden log verify --repo /srv/git/app.git
  refwarden log verify --anchor 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 decisions.jsonl")]
pub(super) struct Verify {
    #[command(flatten)]
    place: Place,
    /// A hash that was noted earlier; some record must have it
    #[arg(long, value_name = "HASH")]
    anchor: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let logs = self.place.find()?;
        let verify_all = |anchor: Option<&str>| -> Result<Vec<VerifyReport>> {
            let mut reports = Vec::new();
            for (log, is_expected) in &logs {
                reports.push(match verify(log, anchor) {
                    Err(_) if *is_expected && log.symlink_metadata().is_err() => VerifyReport::vanished(log),
                    report => report?,
                });
            }
            Ok(reports)
        };
        let mut reports = verify_all(None)?;
        if self.anchor.is_some() {
            // Some record of some log must have it.
            let anchored = verify_all(self.anchor.as_deref())?;
            if !anchored.iter().any(VerifyReport::is_whole) {
                reports = anchored;
            }
        }
        for report in &reports {
            self.print(out, report)?;
        }
        Ok(u8::from(!reports.iter().all(VerifyReport::is_whole)))
    }

    fn print(&self, out: &mut dyn Write, report: &VerifyReport) -> Result<()> {
        if self.json {
            writeln!(out, "{}", json(report)?)?;
            return Ok(());
        }
        let at = |file: &Name, line: Option<u64>| match line {
            Some(line) => format!("{}:{line}", plain(file)),
            None => plain(file),
        };
        for note in &report.notes {
            writeln!(out, "{}: \x1b[1;36mnote\x1b[0m: {}", at(&note.file, note.line), sanitize(&note.what))?;
        }
        if report.more_notes > 0 {
            writeln!(out, "and {}", count(report.more_notes, "more note"))?;
        }
        let (records, files) = (count(report.records, "record"), count(report.files, "file"));
        match &report.broken {
            Some(broken) => {
                writeln!(out, "{}: \x1b[1;31mbroken\x1b[0m: {}", at(&broken.file, broken.line), sanitize(&broken.what))?;
                writeln!(out, "  help: keep the file, it is evidence; {records} before that place {}", whole(report.records))?;
            }
            None => {
                writeln!(out, "{}: \x1b[32mwhole\x1b[0m: {records} in {files}", plain(&report.log))?;
                if let Some(hash) = &report.last_hash {
                    writeln!(out, "last hash: {}", sanitize(hash))?;
                    if self.anchor.is_none() {
                        writeln!(out, "  help: keep it where this server cannot write, and give it as --anchor next time")?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn whole(records: u64) -> &'static str {
    if records == 1 { "is whole" } else { "are whole" }
}
