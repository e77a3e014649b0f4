//! The server side of a push: it reads what git and the server say, asks for a verdict, answers and logs.
//!
//! In the order of a push: [`environment`], [`host_mark`] and [`stdin`], [`repository`] with `configuration`, [`repository_name`]
//! and [`find_policy`], [`refs`], [`objects`] with [`graph`], [`tree_diff`] and [`merge_diff`], [`collect`], then [`message`] and [`decision_log`]. [`judge`] is the part that the hook and
//! `explain` share; [`pre_receive`] is the hook.

mod alternates;
mod chained;
pub mod collect;
pub(crate) mod configuration;
pub mod decision_log;
pub mod environment;
pub mod find_policy;
pub mod graph;
pub mod head;
pub mod host_mark;
pub mod import_state;
mod judge;
pub mod merge_diff;
pub mod message;
pub mod objects;
mod openpgp;
mod pre_receive;
pub mod preconditions;
pub mod refs;
mod reftable;
pub mod repository;
pub mod repository_name;
pub mod sanitize;
pub mod stdin;
pub mod tree_diff;

use std::path::Path;
use std::process::{Command, Stdio};

use crate::push::Undecided;

#[cfg(feature = "companion")]
pub(crate) use chained::{CHAINED_BEFORE, CHAINED_FOLDER, CHAINED_NAME};
pub use judge::{Judged, Push, judge};
pub use pre_receive::{Answer, Options, pre_receive, run};
#[cfg(feature = "companion")]
pub(crate) use pre_receive::{PROGRAM_MARK, decision_log as decision_log_of};

/// `git` in a repository, with nothing of the environment but `PATH`.
fn clean_git(git_dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear().env("GIT_DIR", git_dir).env("GIT_NO_REPLACE_OBJECTS", "1").env("LC_ALL", "C").stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn output(mut command: Command) -> Result<std::process::Output, Undecided> {
    command.output().map_err(|error| {
        Undecided::new(format!("cannot run `git`: {error}")).help("install `git` where the hook's `PATH` finds it")
    })
}
