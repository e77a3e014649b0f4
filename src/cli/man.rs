//! `refwarden man`: manual pages, made from the same words as `--help`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Failure, Result};

/// Print the manual page, or write one for every command
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden man | man -l -
  refwarden man --dir /usr/local/share/man/man1")]
pub(super) struct Man {
    /// Write a page for every command into this directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        match &self.dir {
            Some(dir) => clap_mangen::generate_to(super::command(), dir).map_err(|error| {
                Failure::new(format!("cannot write manual pages into `{}`: {error}", dir.display()))
                    .help("name a directory that is there")
            })?,
            None => clap_mangen::Man::new(super::command()).render(out)?,
        }
        Ok(0)
    }
}
