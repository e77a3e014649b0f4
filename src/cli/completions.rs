//! `refwarden completions`: what a shell needs to complete the command line.

use std::io::Write;

use clap::Args;
use clap_complete::Shell;

use super::Result;

/// Print a script that completes the command line in a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden completions bash > /usr/share/bash-completion/completions/refwarden
  refwarden completions zsh > /usr/local/share/zsh/site-functions/_refwarden
  refwarden completions fish > ~/.config/fish/completions/refwarden.fish")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        // Through memory: the generator panics when it cannot write, as into a closed pipe.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut visible(&super::command()), "refwarden", &mut script);
        out.write_all(&script)?;
        Ok(0)
    }
}

/// The command line without its hidden commands, which some generators would offer.
fn visible(root: &clap::Command) -> clap::Command {
    clap::Command::new("refwarden")
        .version(env!("CARGO_PKG_VERSION"))
        .args(root.get_arguments().cloned())
        .subcommands(root.get_subcommands().filter(|command| !command.is_hide_set()).cloned())
}
