//! `refwarden github`: what GitHub itself binds, and what it does not.

mod apply;
mod audit;
mod connect;
mod explain;
mod export;
mod import;
mod place;
mod plan;
mod select;
mod survey;
mod who_can;

use std::io::Write;

use clap::{Args, Subcommand};

use super::{Failure, Result};
use crate::audit::Check;

/// Look at what binds on GitHub, and make it what the policy asks
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden github audit --owner acme
  refwarden github explain
  refwarden github explain bypass-always
  refwarden github who-can main force-push --repo acme/api
  refwarden github import --repo acme/api > policy.toml
  refwarden github export --policy policy.toml --out rulesets
  refwarden github plan --policy policy.toml --out plan.json
  refwarden github apply plan.json")]
pub(super) struct Github {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Audit(Box<audit::Audit>),
    Explain(explain::Explain),
    Export(Box<export::Export>),
    Import(Box<import::Import>),
    Plan(Box<plan::Plan>),
    Apply(Box<apply::Apply>),
    WhoCan(Box<who_can::WhoCan>),
}

impl Github {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        match self.command {
            Command::Audit(command) => command.run(out),
            Command::Explain(command) => command.run(out),
            Command::Export(command) => command.run(out),
            Command::Import(command) => command.run(out),
            Command::Plan(command) => command.run(out),
            Command::Apply(command) => command.run(out),
            Command::WhoCan(command) => command.run(out),
        }
    }
}

/// The check of this name.
fn check(id: &str) -> Result<&'static Check> {
    crate::audit::find(id).ok_or_else(|| {
        let near = crate::audit::near(id).map(|near| format!("did you mean `{near}`? "));
        Failure::new(format!("no check is called `{}`", crate::report::text::plain(id)))
            .help(format!("{}`refwarden github explain` lists the checks", near.unwrap_or_default()))
    })
}
