//! What git's configuration says about a repository, as far as it matters here.
//!
//! Files are read directly. What a file includes on a condition is git's to decide: `git config` is asked, but only where the
//! included file could change a setting that is read here, or where nobody can tell. So nothing that git would see is taken for
//! not there, and no program is started for a condition that has nothing to do with refwarden.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::push::{Cause, Undecided};

/// The system's configuration, where git is built to look for it. The environment's word for it is not asked: over ssh a
/// client may have set it.
pub(crate) const SYSTEM_CONFIGURATIONS: &[&str] = &["/etc/gitconfig", "/usr/local/etc/gitconfig"];

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Section and key in lower case, a subsection between them as written.
    pub(crate) name: String,
    /// Its value; `true` where it is set without `=`.
    pub(crate) value: String,
    /// How many includes lie between the file that was read and this one.
    depth: u32,
}

/// A file with what it includes unconditionally.
#[derive(Debug)]
struct ReadFile {
    settings: Vec<Setting>,
    conditional: Conditional,
}

/// What files that are included on a condition, or by a path that is not understood here, may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Conditional {
    /// Nothing to any setting that is read here.
    Harmless,
    /// They may change one; git can tell.
    AskGit,
    /// They may change one, on a condition that git passes over in silence.
    Unknown,
}

/// The conditions that git evaluates.
const CONDITIONS: &[&str] = &["gitdir:", "gitdir/i:", "onbranch:", "hasconfig:remote.*.url:"];

/// The configuration of a repository.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// The repository's own, in git's order.
    pub(crate) own: Vec<Setting>,
    /// The system's: the first of its files that says anything about refwarden.
    pub(crate) system: Vec<Setting>,
    /// `config` alone, without what it includes: from there git reads the repository's format.
    format: Vec<Setting>,
}

/// The last value of a setting: as in git, it wins.
pub(crate) fn last<'a>(settings: &'a [Setting], name: &str) -> Option<&'a str> {
    settings.iter().rfind(|setting| setting.name == name).map(|setting| setting.value.as_str())
}

/// The settings that say where the policy is.
const POLICY: &[&str] = &["refwarden.policy", "refwarden.policyref", "refwarden.policypath"];

/// Whether a setting is read here.
fn is_read(name: &str) -> bool {
    name.starts_with("refwarden.") || ["core.bare", "core.sharedrepository", "core.hookspath"].contains(&name)
}

impl Conditional {
    fn ask_git(self, file: &Path) -> Result<bool, Undecided> {
        match self {
            Conditional::Harmless => Ok(false),
            Conditional::AskGit => Ok(true),
            Conditional::Unknown => {
                Err(cannot_read(file, &"a file that it includes on an unknown condition may name the policy")
                    .help("name the policy without a condition"))
            }
        }
    }
}

/// Includes that git follows, one in another.
const DEEPEST: u32 = 10;

impl Configuration {
    /// Reads the configuration of a git directory that is no worktree's, and the system's.
    pub(crate) fn read(common_dir: &Path) -> Result<Configuration, Undecided> {
        Configuration::read_with(common_dir, SYSTEM_CONFIGURATIONS)
    }

    fn read_with(common_dir: &Path, system: &[impl AsRef<Path>]) -> Result<Configuration, Undecided> {
        let config = read_file(&common_dir.join("config"))?;
        let mut conditional = config.as_ref().map_or(Conditional::Harmless, |file| file.conditional);
        let mut own = config.map(|file| file.settings).unwrap_or_default();
        let format: Vec<Setting> = own.iter().filter(|setting| setting.depth == 0).cloned().collect();
        // git reads this file after the other, for the main worktree and for bare repositories, too.
        if last(&format, "extensions.worktreeconfig").is_some_and(|value| !is_off(value))
            && let Some(file) = read_file(&common_dir.join("config.worktree"))?
        {
            conditional = conditional.max(file.conditional);
            own.extend(file.settings);
        }
        if conditional.ask_git(&common_dir.join("config"))? {
            own = ask(common_dir)?
                .into_iter()
                .filter(|(scope, _, _)| matches!(scope.as_str(), "local" | "worktree"))
                .map(|(_, _, setting)| setting)
                .collect();
        }
        let says = |settings: &[Setting]| POLICY.iter().any(|name| last(settings, name).is_some());
        let mut first = Vec::new();
        if !says(&own) {
            for path in system.iter().map(AsRef::as_ref) {
                let settings = read_system(path, common_dir)?;
                if says(&settings) {
                    first = settings;
                    break;
                }
            }
        }
        Ok(Configuration { own, system: first, format })
    }

    /// The last value of a setting of the repository's own configuration.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        last(&self.own, name)
    }

    /// The last value of a setting that says something about the repository's format.
    pub(crate) fn format(&self, name: &str) -> Option<&str> {
        last(&self.format, name)
    }

    /// The extensions of the repository's format, and their values.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.format.iter().filter_map(|setting| Some((setting.name.strip_prefix("extensions.")?, setting.value.as_str())))
    }
}

/// The settings of a file of the system's configuration, seen from a repository.
pub(crate) fn read_system(path: &Path, common_dir: &Path) -> Result<Vec<Setting>, Undecided> {
    let Some(file) = read_file(path)? else { return Ok(Vec::new()) };
    if !file.conditional.ask_git(path)? {
        return Ok(file.settings);
    }
    let listed = ask(common_dir)?;
    // Conditions are evaluated by the git that is asked, and only of the file that it takes for the system's.
    let origin = format!("file:{}", path.display());
    if !listed.iter().any(|(scope, from, _)| scope == "system" && *from == origin) {
        return Err(cannot_read(path, &"it includes files on conditions, and the installed git does not read it")
            .help("set `refwarden.policy` in the repository's own configuration"));
    }
    Ok(listed.into_iter().filter(|(scope, _, _)| scope == "system").map(|(_, _, setting)| setting).collect())
}

/// As in git, but for what is no truth value at all: that is taken for on, so that more is read.
fn is_off(value: &str) -> bool {
    value.is_empty() || value == "0" || ["false", "no", "off"].iter().any(|off| value.eq_ignore_ascii_case(off))
}

fn cannot_read(path: &Path, why: &dyn std::fmt::Display) -> Undecided {
    Undecided::new(format!("cannot read `{}`: {why}", path.display())).cause(Cause::Repository)
}

/// Every setting of a configuration file and of those it includes unconditionally; `None` when there is no such file.
fn read_file(path: &Path) -> Result<Option<ReadFile>, Undecided> {
    read_included(path, 0)
}

fn read_included(path: &Path, depth: u32) -> Result<Option<ReadFile>, Undecided> {
    match fs::metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot_read(path, &error)),
    }
    let config = git2::Config::open(path).map_err(|error| cannot_read(path, &error.message()))?;
    let mut entries = config.entries(None).map_err(|error| cannot_read(path, &error.message()))?;
    let mut file = ReadFile { settings: Vec::new(), conditional: Conditional::Harmless };
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|error| cannot_read(path, &error.message()))?;
        let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        let value = if entry.has_value() { String::from_utf8_lossy(entry.value_bytes()).into_owned() } else { "true".to_owned() };
        if name == "include.path" {
            // libgit2 takes these for names of files.
            if value.starts_with("%(") || (value.starts_with('~') && !value.starts_with("~/")) {
                file.conditional = file.conditional.max(Conditional::AskGit);
            }
        } else if let Some(condition) = name.strip_prefix("includeif.").filter(|rest| rest.ends_with(".path")) {
            let known = CONDITIONS.iter().any(|known| condition.starts_with(known));
            file.conditional = file.conditional.max(match may_do(path, &value, entry.include_depth(), depth) {
                Conditional::Harmless => Conditional::Harmless,
                _ if !known => Conditional::Unknown,
                conditional => conditional,
            });
        }
        file.settings.push(Setting { name, value, depth: entry.include_depth() });
    }
    Ok(Some(file))
}

/// What a file that is included on a condition may do.
fn may_do(from: &Path, written: &str, include_depth: u32, depth: u32) -> Conditional {
    if depth >= DEEPEST {
        return Conditional::AskGit;
    }
    let path = if let Some(rest) = written.strip_prefix("~/") {
        match std::env::var_os("HOME") {
            Some(home) => Path::new(&home).join(rest),
            None => return Conditional::AskGit,
        }
    } else if written.starts_with('~') || written.starts_with("%(") || written.contains('\u{fffd}') {
        return Conditional::AskGit;
    } else if Path::new(written).is_absolute() {
        PathBuf::from(written)
    } else if include_depth == 0 {
        from.parent().unwrap_or(from).join(written)
    } else {
        // It begins where the file lies that names it, which is not known here.
        return Conditional::AskGit;
    };
    match read_included(&path, depth + 1) {
        Ok(None) => Conditional::Harmless,
        Ok(Some(file)) if file.settings.iter().any(|setting| is_read(&setting.name)) => file.conditional.max(Conditional::AskGit),
        Ok(Some(file)) => file.conditional,
        // git may be able to.
        Err(_) => Conditional::AskGit,
    }
}

/// Asks git for every setting that it reads for a repository: its scope, the file, and the setting. Nothing of the
/// environment reaches it, but where the account lives: a condition may be about that.
fn ask(common_dir: &Path) -> Result<Vec<(String, String, Setting)>, Undecided> {
    let mut command = super::clean_git(common_dir);
    command.args(["config", "--list", "-z", "--show-scope", "--show-origin", "--includes"]);
    if let Some(home) = std::env::var_os("HOME") {
        command.env("HOME", home);
    }
    let failed = |why: &str| {
        Undecided::new(format!("the configuration includes files on conditions, which git must evaluate: {why}"))
            .cause(Cause::Repository)
            .help("set `refwarden.policy` in the repository's `config` itself")
    };
    let output = super::output(command)?;
    if !output.status.success() {
        return Err(failed(&format!("`git config` failed: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    let mut fields = output.stdout.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let mut listed = Vec::new();
    loop {
        match (fields.next(), fields.next(), fields.next()) {
            (Some(scope), Some(origin), Some(setting)) => {
                let (name, value) = setting.split_once('\n').unwrap_or((&setting, "true"));
                let setting = Setting { name: name.to_owned(), value: value.to_owned(), depth: 0 };
                listed.push((scope.into_owned(), origin.into_owned(), setting));
            }
            (Some(end), None, None) if end.is_empty() => return Ok(listed),
            _ => return Err(failed("`git config` answered something unreadable")),
        }
    }
}
