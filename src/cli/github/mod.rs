//! `refwarden github`: what GitHub itself binds, and what it does not.

mod explain;

use std::io::Write;

use clap::{Args, Subcommand};

use super::{Failure, Result};
use crate::audit::{self, Check};

/// Look at what binds on GitHub
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden github explain
  refwarden github explain bypass-always")]
pub(super) struct Github {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Explain(explain::Explain),
}

impl Github {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        match self.command {
            Command::Explain(command) => command.run(out),
        }
    }
}

/// The check of this name.
fn check(id: &str) -> Result<&'static Check> {
    audit::find(id).ok_or_else(|| {
        let near = audit::near(id).map(|near| format!("did you mean `{near}`? "));
        Failure::new(format!("no check is called `{}`", crate::report::text::plain(id)))
            .help(format!("{}`refwarden github explain` lists the checks", near.unwrap_or_default()))
    })
}
