//! The hook that was there before this one was installed: it must accept a push as well.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::environment::Environment;
use super::repository::Repository;
use crate::push::Undecided;

/// The folder where `install` keeps the hook that was there before, below the git directory. The hook keeps its own name in it:
/// programs may act by the name that they were started by.
pub(crate) const CHAINED_FOLDER: &str = "hooks/refwarden-chained";
/// The hook in that folder.
pub(crate) const CHAINED_NAME: &str = "pre-receive";
/// Where earlier versions kept it.
pub(crate) const CHAINED_BEFORE: &str = "hooks/pre-receive.chained";

/// Set for a chained hook: the repositories whose chained hooks are being run, by device and inode of the git directory. A client
/// that sets it from outside gets a refusal at most: nothing is left out because of it.
const IN_CHAIN: &str = "REFWARDEN_IN_CHAIN";
/// Repositories that may push on to one another in a chain.
const MOST: usize = 16;

/// Runs the hook that was there before with the same input, and says how it exited, a signal as 128 and its number. It cannot
/// accept what was refused.
///
/// # Errors
/// It cannot be looked for or run, or it runs this hook of the same repository again.
pub(super) fn run_chained(repository: &Repository, environment: &Environment, input: &[u8]) -> Result<Option<i32>, Undecided> {
    let mut exit = None;
    // In this order: `install` moves a hook from the first place to the second, never back.
    let before = repository.common_dir.join(CHAINED_BEFORE);
    if is_there(&before)? {
        exit = Some(run(&before, repository, environment, input)?);
    }
    let folder = repository.common_dir.join(CHAINED_FOLDER);
    // A folder without a hook is not passed over: the veto that was kept there would be lost.
    if exit.is_none_or(|code| code == 0) && is_there(&folder)? {
        exit = Some(run(&folder.join(CHAINED_NAME), repository, environment, input)?);
    }
    Ok(exit)
}

fn is_there(path: &Path) -> Result<bool, Undecided> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        // It may be there, and its veto counts.
        Err(error) => Err(Undecided::new(format!("cannot look for the chained hook `{}`: {error}", path.display()))),
    }
}

fn run(path: &Path, repository: &Repository, environment: &Environment, input: &[u8]) -> Result<i32, Undecided> {
    let failed = |error: std::io::Error| {
        Undecided::new(format!("cannot run the chained hook `{}`: {error}", path.display()))
            .help("repair it, or put it back in the place of this hook: refwarden install --uninstall DIR")
    };
    let mark = mark(path, repository, environment)?;
    let mut child = Command::new(path).env(IN_CHAIN, mark).stdin(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook need not read its input, and is not failed for it.
        let _ = stdin.write_all(input);
    }
    let status = child.wait().map_err(failed)?;
    Ok(status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1))
}

/// The value of [`IN_CHAIN`] for a hook of this repository. A hook that pushes on to another repository is no loop.
fn mark(path: &Path, repository: &Repository, environment: &Environment) -> Result<String, Undecided> {
    let metadata = std::fs::metadata(&repository.common_dir)
        .map_err(|error| Undecided::new(format!("cannot look at `{}`: {error}", repository.common_dir.display())))?;
    let own = format!("{}:{}", metadata.dev(), metadata.ino());
    let Some(above) = environment.get(IN_CHAIN) else { return Ok(own) };
    let is_mark = |mark: &str| {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        mark.split_once(':').is_some_and(|(device, inode)| is_number(device) && is_number(inode))
    };
    let above = above.to_str().filter(|above| above.split(',').all(is_mark)).ok_or_else(|| {
        Undecided::new(format!("`{IN_CHAIN}` is set to what this program does not set")).help(format!(
            "let nothing but refwarden set `{IN_CHAIN}`; every refwarden on this machine must have the same version"
        ))
    })?;
    if above.split(',').any(|mark| mark == own) {
        return Err(Undecided::new(format!("the chained hook `{}` runs this hook again, without end", path.display()))
            .help("let the chained hook neither run refwarden nor push to its own repository"));
    }
    if above.split(',').count() >= MOST {
        return Err(Undecided::new(format!("more than {MOST} repositories push on to one another by chained hooks")));
    }
    Ok(format!("{above},{own}"))
}
