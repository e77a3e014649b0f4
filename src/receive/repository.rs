//! The repository that a push goes to: its directories, its format, its settings.

use std::fs;
use std::path::{Path, PathBuf};

use crate::git::ObjectFormat;
use crate::push::{Cause, Undecided};

/// Where a repository lies and how it is stored.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The git directory, absolute, symbolic links resolved.
    pub git_dir: PathBuf,
    /// The git directory that worktrees share; the same for a bare repository.
    pub common_dir: PathBuf,
    /// The hash of its objects.
    pub format: ObjectFormat,
    /// Whether refs lie in files, not in a reftable.
    pub refs_in_files: bool,
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

/// The system's configuration, where git is built to look for it. The environment's word for it is not asked: over ssh a
/// client may have set it.
pub(crate) const SYSTEM_CONFIGURATIONS: &[&str] = &["/etc/gitconfig", "/usr/local/etc/gitconfig"];

impl Repository {
    /// Looks at a git directory. Only files in it and the system's configuration are read, no environment.
    ///
    /// # Errors
    /// It is no git directory, its configuration cannot be read, or its format is not known.
    pub fn open(git_dir: &Path) -> Result<Repository, Undecided> {
        let git_dir = fs::canonicalize(git_dir).map_err(|error| {
            Undecided::new(format!("cannot open the repository `{}`: {error}", git_dir.display())).cause(Cause::Repository)
        })?;
        let common_dir = match fs::read_to_string(git_dir.join("commondir")) {
            Ok(relative) => fs::canonicalize(git_dir.join(relative.trim_end_matches('\n'))).map_err(|error| {
                Undecided::new(format!("cannot open the common git directory: {error}")).cause(Cause::Repository)
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => git_dir.clone(),
            Err(error) => return Err(Undecided::new(format!("cannot read `commondir`: {error}")).cause(Cause::Repository)),
        };
        if !common_dir.join("objects").is_dir() || !common_dir.join("refs").is_dir() {
            return Err(Undecided::new(format!("`{}` is no git directory", git_dir.display())).cause(Cause::Repository));
        }
        let grafts = common_dir.join("info/grafts");
        let absent = grafts.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
        if !absent {
            return Err(Undecided::new(format!("`{}` changes what history looks like", grafts.display()))
                .cause(Cause::Repository)
                .help("remove that file"));
        }
        let config_path = common_dir.join("config");
        let config = read_config(&config_path)?.unwrap_or_default();
        let mut repository = Repository {
            git_dir,
            common_dir,
            format: ObjectFormat::Sha1,
            refs_in_files: true,
            shared: None,
            policy: PolicySettings::default(),
        };
        let mut version = 0_i64;
        for (key, value) in &config {
            match key.as_str() {
                "core.repositoryformatversion" => {
                    version = value
                        .trim()
                        .parse()
                        .map_err(|_| Undecided::new("`core.repositoryFormatVersion` is no number").cause(Cause::Repository))?;
                }
                "core.sharedrepository" => repository.shared = Some(value.clone()),
                _ => {}
            }
        }
        if !(0..=1).contains(&version) {
            return Err(Undecided::new(format!("the repository has format version {version}, which is not known here"))
                .cause(Cause::Repository)
                .help("install a version of refwarden that knows this format"));
        }
        for (key, value) in &config {
            let Some(extension) = key.strip_prefix("extensions.") else { continue };
            match (extension, value.to_ascii_lowercase().as_str()) {
                ("objectformat", "sha1") | ("refstorage", "files") => {}
                ("objectformat", "sha256") => repository.format = ObjectFormat::Sha256,
                ("refstorage", "reftable") => repository.refs_in_files = false,
                (harmless, _) if HARMLESS_EXTENSIONS.contains(&harmless) => {}
                (unknown, value) => {
                    return Err(Undecided::new(format!(
                        "the repository uses the extension `{unknown}` = `{value}`, which is not known here"
                    )));
                }
            }
        }
        repository.policy = policy_settings(&config);
        if repository.policy == PolicySettings::default() {
            for path in SYSTEM_CONFIGURATIONS {
                if let Some(config) = read_config(Path::new(path))? {
                    let settings = policy_settings(&config);
                    if settings != PolicySettings::default() {
                        repository.policy = settings;
                        break;
                    }
                }
            }
        }
        Ok(repository)
    }
}

fn policy_settings(config: &[(String, String)]) -> PolicySettings {
    // As in git, the last value wins.
    let last = |key: &str| config.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    PolicySettings { file: last("refwarden.policy"), reference: last("refwarden.policyref"), path: last("refwarden.policypath") }
}

/// Every setting of a configuration file and of those it includes; `None` when there is no such file. Section and key are
/// lower case, a setting without `=` has the value `true`.
pub(crate) fn read_config(path: &Path) -> Result<Option<Vec<(String, String)>>, Undecided> {
    let unreadable =
        |why: &dyn std::fmt::Display| Undecided::new(format!("cannot read `{}`: {why}", path.display())).cause(Cause::Repository);
    match fs::metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    }
    let config = git2::Config::open(path).map_err(|error| unreadable(&error.message()))?;
    let mut entries = config.entries(None).map_err(|error| unreadable(&error.message()))?;
    let mut settings = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|error| unreadable(&error.message()))?;
        let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        let value = if entry.has_value() { String::from_utf8_lossy(entry.value_bytes()).into_owned() } else { "true".to_owned() };
        settings.push((name, value));
    }
    Ok(Some(settings))
}
