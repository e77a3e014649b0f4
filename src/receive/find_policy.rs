//! Where the hook finds its policy.
//!
//! Only a place that nobody named goes on to the next: a policy that was named and is not there refuses every push, because
//! what comes next could be a laxer one.

use std::fs;
use std::path::{Path, PathBuf};

use super::objects::Objects;
use super::refs::Refs;
use super::repository::Repository;
use super::tree_diff::entry_at;
use crate::git::{Mode, ObjectKind, Oid, RefName};
use crate::policy::Budget;
use crate::push::{Cause, Undecided};

/// A policy's bytes and where they come from.
#[derive(Debug, Clone)]
pub struct Found {
    /// The file, or `REF:PATH`.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
    /// The ref and the path when it lives in the repository.
    pub in_ref: Option<(RefName, String)>,
}

/// The last place: one policy for every repository of a server.
pub const SYSTEM_POLICY: &str = "/etc/refwarden/policy.toml";

/// Finds the policy of a repository.
///
/// # Errors
/// There is none, or the one that is named cannot be read.
pub fn find(named: Option<&Path>, repository: &Repository) -> Result<Found, Undecided> {
    if let Some(path) = named {
        return read_named(path);
    }
    let settings = &repository.policy;
    if let Some(file) = &settings.file {
        let path = Path::new(file);
        if !path.is_absolute() {
            return Err(
                Undecided::new(format!("`refwarden.policy` = `{file}` is no absolute path")).help("set it to an absolute path")
            );
        }
        return read_named(path);
    }
    match (&settings.reference, &settings.path) {
        (Some(reference), Some(path)) => return read_from_ref(repository, reference, path),
        (None, None) => {}
        (Some(_), None) => {
            return Err(
                Undecided::new("`refwarden.policyRef` is set and `refwarden.policyPath` is not").help("set both, or neither")
            );
        }
        (None, Some(_)) => {
            return Err(
                Undecided::new("`refwarden.policyPath` is set and `refwarden.policyRef` is not").help("set both, or neither")
            );
        }
    }
    for path in [repository.common_dir.join("refwarden.toml"), PathBuf::from(SYSTEM_POLICY)] {
        if let Some(found) = read(&path)? {
            return Ok(found);
        }
    }
    Err(Undecided::new(format!(
        "there is no policy: neither `refwarden.policy` in the configuration, nor `refwarden.toml` in the git directory, nor `{SYSTEM_POLICY}`"
    ))
    .cause(Cause::Policy)
    .help("put a policy at one of those places: `refwarden init` writes one"))
}

fn read_named(path: &Path) -> Result<Found, Undecided> {
    read(path)?.ok_or_else(|| Undecided::new(format!("the policy `{}` does not exist", path.display())).cause(Cause::Policy))
}

fn read(path: &Path) -> Result<Option<Found>, Undecided> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Found { name: path.display().to_string(), bytes, in_ref: None })),
        // A dangling link was put there by someone who meant a policy to be there.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.symlink_metadata().is_err() => Ok(None),
        Err(error) => Err(Undecided::new(format!("cannot read the policy `{}`: {error}", path.display())).cause(Cause::Policy)),
    }
}

/// Tags of tags that are followed.
const DEEPEST: usize = 32;

/// The commit that annotated tags lead to.
fn peeled(objects: &Objects, mut id: Oid) -> Result<Oid, Undecided> {
    for _ in 0..DEEPEST {
        match objects.kind(id)? {
            ObjectKind::Commit => return Ok(id),
            ObjectKind::Tag => id = objects.tag(id)?.target,
            ObjectKind::Tree | ObjectKind::Blob => break,
        }
    }
    Err(Undecided::new("the ref does not lead to a commit"))
}

/// Reads the policy at its ref's value before the push.
fn read_from_ref(repository: &Repository, reference: &str, path: &str) -> Result<Found, Undecided> {
    let failed = |why: String| Undecided::new(format!("cannot read the policy `{reference}:{path}`: {why}")).cause(Cause::Policy);
    let name = RefName::parse(reference.as_bytes()).map_err(|bad| failed(format!("the ref's name is not one: {}", bad.0)))?;
    let refs = Refs::open(repository)?;
    let tip = refs.resolve(&name)?.1.ok_or_else(|| failed("the ref does not exist".to_owned()))?;
    let objects = Objects::open(&repository.common_dir, None, repository.format, Budget::default())?;
    let tree = objects.node(peeled(&objects, tip).map_err(|why| failed(why.why))?)?.tree;
    let entry = entry_at(&objects, Some(tree), path.as_bytes())?.ok_or_else(|| failed("the path does not exist".to_owned()))?;
    if !matches!(entry.mode, Mode::File | Mode::Executable) {
        return Err(failed("the path is no file".to_owned()));
    }
    let bytes = objects.blob(entry.id)?;
    Ok(Found { name: format!("{reference}:{path}"), bytes, in_ref: Some((name, path.to_owned())) })
}
