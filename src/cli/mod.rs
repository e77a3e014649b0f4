//! The companion's commands: one subcommand, one file. This file holds what they share and the one list of them.

mod check;
mod completions;
mod demo;
mod explain;
mod github;
mod import;
mod init;
mod install;
mod log;
mod man;
mod outputs;
mod report;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Rules about git pushes that hold no matter who pushes
///
/// One TOML policy, written in GitHub's ruleset words, enforced by a pre-receive hook on any git server.
#[derive(Debug, Parser)]
#[command(name = "refwarden", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Examples:
  refwarden demo                               see real pushes refused and accepted, on a throw-away server
  refwarden init --preset agents > policy.toml begin with a shipped policy
  refwarden check policy.toml                  find every problem in a policy
  refwarden install /srv/git/app.git           put the hook in place
  refwarden explain --repo /srv/git/app.git --actor claude-1 refs/heads/main main feature
                                               ask for a verdict before any push
  refwarden github audit --owner acme          find rules that do not bind on GitHub

REFWARDEN_LOG=debug shows on standard error what a verdict is made of.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    Explain(explain::Explain),
    Install(install::Install),
    Import(import::Import),
    Log(log::Log),
    Github(github::Github),
    Report(report::Report),
    Init(init::Init),
    Demo(demo::Demo),
    Completions(completions::Completions),
    Man(man::Man),
    /// Runs as the hook `pre-receive`; `demo` uses it when the hook's own program was not built
    #[command(hide = true, disable_help_flag = true)]
    Hook {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong, for people; printed after `error: `.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// A failure without advice.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), help: None, code: FAILED }
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Failure {
        self.help = Some(help.into());
        self
    }

    /// With another exit code than usual.
    #[must_use]
    pub fn code(mut self, code: u8) -> Failure {
        self.code = code;
        self
    }
}

impl From<crate::push::Undecided> for Failure {
    fn from(undecided: crate::push::Undecided) -> Failure {
        Failure { help: undecided.help, ..Failure::new(undecided.why) }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::new(error.to_string())
    }
}

/// The exit code when a command could not do its work.
const FAILED: u8 = 2;

type Result<T, E = Failure> = std::result::Result<T, E>;

/// Shows what the program does on standard error, as far as `REFWARDEN_LOG` asks: `error`, `warn`, `info`, `debug` or `trace`.
fn show_traces() {
    let level = std::env::var("REFWARDEN_LOG").ok().and_then(|level| level.parse::<tracing::Level>().ok());
    if let Some(level) = level {
        let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(is_terminal).without_time().init();
    }
}

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the command of a command line, which begins with the program's name. A wrong command line ends the process.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let cli = Cli::parse_from(arguments);
    show_traces();
    let mut out = anstream::stdout().lock();
    let done = match cli.command {
        Command::Check(command) => command.run(&mut out),
        Command::Explain(command) => command.run(&mut out),
        Command::Install(command) => command.run(&mut out),
        Command::Import(command) => command.run(&mut out),
        Command::Log(command) => command.run(&mut out),
        Command::Github(command) => command.run(&mut out),
        Command::Report(command) => command.run(&mut out),
        Command::Init(command) => command.run(&mut out),
        Command::Demo(command) => command.run(&mut out),
        Command::Completions(command) => command.run(&mut out),
        Command::Man(command) => command.run(&mut out),
        Command::Hook { arguments } => Ok(crate::receive::run(arguments.into_iter())),
    };
    let flushed = out.flush();
    match done {
        // Whoever closed the pipe has read enough.
        Ok(code) if flushed.is_ok() => ExitCode::from(code),
        Ok(_) => ExitCode::from(FAILED),
        Err(failure) => {
            print_failure(&failure);
            ExitCode::from(failure.code)
        }
    }
}

fn print_failure(failure: &Failure) {
    let mut err = anstream::stderr().lock();
    let _ = writeln!(err, "\x1b[1;31merror\x1b[0m: {}", failure.message);
    if let Some(help) = &failure.help {
        let _ = writeln!(err, "  \x1b[1mhelp\x1b[0m: {help}");
    }
}

/// The command line as clap sees it, for completions, man pages and tests.
pub fn command() -> clap::Command {
    Cli::command()
}
