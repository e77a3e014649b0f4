//! The repository that a push goes to: its directories, its format, its settings.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::configuration::{Configuration, last};
use crate::git::{ObjectFormat, RefName};
use crate::push::{Cause, Undecided};

/// Where a repository lies and how it is stored.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The git directory, absolute, symbolic links resolved.
    pub git_dir: PathBuf,
    /// The same. A linked worktree has a git directory of its own, which is never the one that is read.
    pub common_dir: PathBuf,
    /// The linked worktree's git directory by which the repository was opened, if it was.
    pub worktree: Option<PathBuf>,
    /// The hash of its objects.
    pub format: ObjectFormat,
    /// Whether refs lie in files, not in a reftable.
    pub refs_in_files: bool,
    /// Whether it has a work tree, whose checkouts move `HEAD`.
    pub work_tree: bool,
    /// `core.sharedRepository`, as written.
    pub shared: Option<String>,
    /// The settings that say where the policy is.
    pub policy: PolicySettings,
}

/// `refwarden.*` of the repository's or the system's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySettings {
    /// `refwarden.policy`: a file.
    pub file: Option<String>,
    /// `refwarden.policyRef`: a ref.
    pub reference: Option<String>,
    /// `refwarden.policyPath`: a path in it.
    pub path: Option<String>,
}

/// The extensions of a repository's format that change nothing about what is read here.
const HARMLESS_EXTENSIONS: &[&str] =
    &["noop", "noop-v1", "preciousobjects", "partialclone", "worktreeconfig", "relativeworktrees"];

impl Repository {
    /// Looks at a git directory. Only files in it and the system's configuration are read, no environment.
    ///
    /// # Errors
    /// It is no git directory, its configuration cannot be read, its format is not known, or it is a linked worktree's.
    pub fn open(git_dir: &Path) -> Result<Repository, Undecided> {
        let repository = Repository::open_shared(git_dir)?;
        repository.refuse_worktree()?;
        Ok(repository)
    }

    /// Looks at the repository that a git directory belongs to, also through a linked worktree.
    ///
    /// # Errors
    /// As for [`Repository::open`], of the repository itself.
    pub fn open_shared(git_dir: &Path) -> Result<Repository, Undecided> {
        let git_dir = fs::canonicalize(git_dir).map_err(|error| {
            Undecided::new(format!("cannot open the repository `{}`: {error}", git_dir.display())).cause(Cause::Repository)
        })?;
        let common_dir = common_dir(&git_dir)?;
        let worktree = (common_dir != git_dir).then_some(git_dir);
        Ok(Repository { worktree, ..Repository::open_own(common_dir)? })
    }

    /// Refuses a linked worktree. Its `HEAD` and path, and so the default branch and the repository's name, are not those of
    /// the repository whose refs a push moves, and whoever pushes would choose among them by the path.
    ///
    /// # Errors
    /// It was opened by such a path.
    pub fn refuse_worktree(&self) -> Result<(), Undecided> {
        let Some(worktree) = &self.worktree else { return Ok(()) };
        let common_dir = self.common_dir.display();
        Err(Undecided::new(format!("`{}` has no refs of its own: they are those of `{common_dir}`", worktree.display()))
            .cause(Cause::Push)
            .help(format!("push to `{common_dir}`")))
    }

    /// Opens a git directory, absolute and without links, that is no worktree's.
    fn open_own(common_dir: PathBuf) -> Result<Repository, Undecided> {
        if !common_dir.join("objects").is_dir() || !common_dir.join("refs").is_dir() {
            return Err(Undecided::new(format!("`{}` is no git directory", common_dir.display())).cause(Cause::Repository));
        }
        // Where these are links, a push moves the refs of another git directory, by another `HEAD`, name and configuration.
        for name in ["refs", "packed-refs", "reftable"] {
            refuse_link(&common_dir, &common_dir.join(name))?;
        }
        let grafts = common_dir.join("info/grafts");
        let absent = grafts.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
        if !absent {
            return Err(Undecided::new(format!("`{}` changes what history looks like", grafts.display()))
                .cause(Cause::Repository)
                .help("remove that file"));
        }
        let config = Configuration::read(&common_dir)?;
        let mut repository = Repository {
            git_dir: common_dir.clone(),
            // Where nothing is said, git goes by the directory's name.
            work_tree: match config.last("core.bare") {
                Some(value) => ["false", "no", "off", "0", ""].contains(&value.to_ascii_lowercase().as_str()),
                None => common_dir.file_name().is_some_and(|name| name == ".git"),
            },
            common_dir,
            worktree: None,
            format: ObjectFormat::Sha1,
            refs_in_files: true,
            shared: config.last("core.sharedrepository").map(str::to_owned),
            policy: policy_settings(&config),
        };
        let version = match config.format("core.repositoryformatversion") {
            Some(version) => version
                .trim()
                .parse()
                .map_err(|_| Undecided::new("`core.repositoryFormatVersion` is no number").cause(Cause::Repository))?,
            None => 0_i64,
        };
        if !(0..=1).contains(&version) {
            return Err(Undecided::new(format!("the repository has format version {version}, which is not known here"))
                .cause(Cause::Repository));
        }
        for (extension, value) in config.extensions() {
            match (extension, value.to_ascii_lowercase().as_str()) {
                ("objectformat", "sha1") | ("refstorage", "files") => {}
                ("objectformat", "sha256") => repository.format = ObjectFormat::Sha256,
                ("refstorage", "reftable") => repository.refs_in_files = false,
                (harmless, _) if HARMLESS_EXTENSIONS.contains(&harmless) => {}
                (unknown, value) => {
                    return Err(Undecided::new(format!(
                        "the repository uses the extension `{unknown}` = `{value}`, which is not known here"
                    ))
                    .cause(Cause::Repository));
                }
            }
        }
        Ok(repository)
    }

    /// Refuses refs that lie in a folder which is a link: a push moves them in another git directory.
    ///
    /// # Errors
    /// There is such a link, or nobody can tell.
    pub fn refuse_linked_refs<'a>(&self, names: impl Iterator<Item = &'a RefName>) -> Result<(), Undecided> {
        use std::os::unix::ffi::OsStrExt;
        if !self.refs_in_files {
            return Ok(());
        }
        // Most pushes are to few folders.
        let mut seen = std::collections::HashSet::new();
        for name in names {
            let mut folder = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
            while let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty() && seen.insert(*parent)) {
                folder = parent;
                refuse_link(&self.common_dir, &self.common_dir.join(folder))?;
            }
        }
        Ok(())
    }
}

/// The git directory that a worktree's directory names, or the directory itself; absolute, links resolved.
pub(crate) fn common_dir(git_dir: &Path) -> Result<PathBuf, Undecided> {
    let failed = |why: String| Undecided::new(why).cause(Cause::Repository);
    match fs::read_to_string(git_dir.join("commondir")) {
        // As git does.
        Ok(relative) => fs::canonicalize(git_dir.join(relative.trim_end_matches(['\n', '\r'])))
            .map_err(|error| failed(format!("cannot open the common git directory: {error}"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(git_dir.to_owned()),
        Err(error) => Err(failed(format!("cannot read `commondir`: {error}"))),
    }
}

fn refuse_link(common_dir: &Path, path: &Path) -> Result<(), Undecided> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => {
            let target = path.read_link().unwrap_or_default();
            Err(Undecided::new(format!(
                "`{}` is a link to `{}`: refs would move in another git directory than `{}`",
                path.display(),
                target.display(),
                common_dir.display()
            ))
            .cause(Cause::Repository)
            .help("push to the repository that the refs belong to"))
        }
        Ok(_) => Ok(()),
        // What is not there, or below a file, is no link.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
        Err(error) => Err(Undecided::new(format!("cannot look at `{}`: {error}", path.display())).cause(Cause::Repository)),
    }
}

/// The repository's word, else the system's.
fn policy_settings(config: &Configuration) -> PolicySettings {
    let settings = |settings: &[super::configuration::Setting]| PolicySettings {
        file: last(settings, "refwarden.policy").map(str::to_owned),
        reference: last(settings, "refwarden.policyref").map(str::to_owned),
        path: last(settings, "refwarden.policypath").map(str::to_owned),
    };
    let own = settings(&config.own);
    if own == PolicySettings::default() { settings(&config.system) } else { own }
}
