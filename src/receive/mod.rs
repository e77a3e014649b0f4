//! The server side of a push: it reads what git and the server say, asks for a verdict, answers and logs.
//!
//! In the order of a push: [`environment`] and [`stdin`], [`repository`] and [`find_policy`], [`refs`], [`objects`] with
//! [`graph`], [`tree_diff`] and [`merge_diff`], [`collect`], then [`message`] and [`decision_log`]. [`judge`] is the part that the hook and
//! `explain` share; [`pre_receive`] is the hook.

pub mod collect;
pub mod decision_log;
pub mod environment;
pub mod find_policy;
pub mod graph;
mod judge;
pub mod merge_diff;
pub mod message;
pub mod objects;
mod pre_receive;
pub mod refs;
mod reftable;
pub mod repository;
pub mod sanitize;
pub mod stdin;
pub mod tree_diff;

use std::path::Path;
use std::process::{Command, Stdio};

use crate::push::Undecided;

pub use judge::{Judged, Push, judge};
pub use pre_receive::{Answer, Options, pre_receive, run};
#[cfg(feature = "companion")]
pub(crate) use pre_receive::{CHAINED, PROGRAM_MARK};

/// Runs `git` in a repository with nothing of the environment but `PATH`, and returns what it prints.
///
/// # Errors
/// It cannot be run, or fails.
fn git_command(git_dir: &Path, arguments: &[&str]) -> Result<Vec<u8>, Undecided> {
    let output = git(git_dir, arguments)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Undecided::new(format!(
        "`git {}` failed: {}",
        arguments.first().unwrap_or(&""),
        String::from_utf8_lossy(&output.stderr).trim()
    )))
}

/// What a symbolic ref points at; `None` when it is none.
fn git_symbolic_ref(git_dir: &Path, name: &[u8]) -> Result<Option<Vec<u8>>, Undecided> {
    use std::os::unix::ffi::OsStrExt;
    let mut command = clean_git(git_dir);
    command.args(["symbolic-ref", "--quiet", "--no-recurse"]).arg(std::ffi::OsStr::from_bytes(name));
    let output = output(command)?;
    match output.status.code() {
        Some(0) => Ok(Some(output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout).to_vec())),
        Some(1) => Ok(None),
        _ => Err(Undecided::new(format!("`git symbolic-ref` failed: {}", String::from_utf8_lossy(&output.stderr).trim()))),
    }
}

fn git(git_dir: &Path, arguments: &[&str]) -> Result<std::process::Output, Undecided> {
    let mut command = clean_git(git_dir);
    command.args(arguments);
    output(command)
}

fn clean_git(git_dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear().env("GIT_DIR", git_dir).env("GIT_NO_REPLACE_OBJECTS", "1").env("LC_ALL", "C").stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn output(mut command: Command) -> Result<std::process::Output, Undecided> {
    command.output().map_err(|error| Undecided::new(format!("cannot run `git`: {error}")))
}
