//! `refwarden report`: a result that was written as JSON, in another format.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::Result;
use super::outputs::{Outputs, read_result};

/// Write a result that was saved as JSON in other formats
///
/// Exit codes: 0 written, 2 it could not be read or written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden report audit.json
  refwarden report audit.json --format sarif --out audit.sarif --format junit --out audit.xml
  refwarden report - --format markdown < audit.json >> \"$GITHUB_STEP_SUMMARY\"")]
pub(super) struct Report {
    /// What `--format json` wrote; `-` reads standard input
    result: PathBuf,
    #[command(flatten)]
    outputs: Outputs,
}

impl Report {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let plan = self.outputs.plan()?;
        plan.write(&read_result(&self.result)?, out)?;
        Ok(0)
    }
}
