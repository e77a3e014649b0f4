//! What lies in a repository's `hooks/`, and changing it without a moment in which no hook is there.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempPath;

use super::chain::{PARTS, Way};
use crate::cli::{Failure, Result};
use crate::receive::repository::common_dir;
use crate::receive::{CHAINED_BEFORE, CHAINED_FOLDER, CHAINED_NAME, PROGRAM_MARK};

const PROGRAM: &str = "refwarden-pre-receive";
/// Where the program lies as a part of a dispatcher, below the git directory. Dispatchers pass over some names with a dot.
pub(super) const PART: &str = "hooks/pre-receive.d/refwarden";

/// The hook's program, which was run once.
pub(super) struct Program {
    /// Absolute.
    pub(super) path: PathBuf,
    bytes: Vec<u8>,
    /// What it says about itself, without its name.
    pub(super) version: String,
}

impl Program {
    /// Finds the program and sees that it is one.
    pub(super) fn find(named: Option<&Path>) -> Result<Program> {
        let path = match named {
            Some(path) => super::normal(path)?,
            None => std::env::current_exe()?.with_file_name(PROGRAM),
        };
        let shown = path.display();
        let metadata = fs::metadata(&path).map_err(|error| {
            Failure::new(format!("cannot find the hook's program `{shown}`: {error}"))
                .help(format!("put `{PROGRAM}` beside `refwarden`, or name it: --hook FILE"))
        })?;
        if !metadata.is_file() {
            return Err(Failure::new(format!("`{shown}` is no file")).help("name the hook's program: --hook FILE"));
        }
        if metadata.len() == 0 {
            return Err(Failure::new(format!("the hook's program `{shown}` is empty: git would accept every push"))
                .help(format!("name the real `{PROGRAM}`: --hook FILE")));
        }
        if metadata.mode() & 0o111 == 0 {
            return Err(Failure::new(format!("the hook's program `{shown}` is not executable: git would accept every push"))
                .help(format!("chmod 755 {shown}")));
        }
        let version = version(&path)?;
        Ok(Program { bytes: fs::read(&path)?, path, version })
    }
}

/// Runs a hook's program for its version. Only what this command is about to install is ever run.
fn version(path: &Path) -> Result<String> {
    let ran = Command::new(path).arg("--version").env_clear().stdin(Stdio::null()).output();
    let output = ran.map_err(|error| {
        Failure::new(format!("cannot run the hook's program `{}`: {error}", path.display()))
            .help("see that it was built for this machine, and that its file system allows programs to run (no `noexec`)")
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.trim_end().strip_prefix(PROGRAM).and_then(|rest| rest.strip_prefix(' ')) {
        Some(version) if output.status.success() => Ok(crate::receive::sanitize::sanitize(version)),
        _ => Err(Failure::new(format!("`{}` is not `{PROGRAM}`", path.display())).help("name the hook's program: --hook FILE")),
    }
}

/// What lies at `hooks/pre-receive`.
pub(super) enum Hook {
    /// Nothing.
    None,
    /// refwarden's program, of whatever version.
    Ours { bytes: Vec<u8>, link: Option<PathBuf>, executable: bool, dangling: bool },
    /// Someone else's.
    Foreign {
        /// Why it cannot be chained, and what to do.
        unfit: Option<(&'static str, &'static str)>,
    },
}

impl Hook {
    pub(super) fn is_foreign(&self) -> bool {
        matches!(self, Hook::Foreign { .. })
    }
}

/// Where a repository keeps its hooks.
pub(super) struct Place {
    /// The git directory, that which worktrees share.
    pub(super) common_dir: PathBuf,
    /// Where `hooks` leads if it is a link.
    pub(super) link: Option<PathBuf>,
}

pub(super) fn failed(what: &str, path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let what = format!("cannot {what} `{}`", path.display());
    move |error| Failure::new(format!("{what}: {error}")).help("run it as the account that owns the repository")
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

impl Place {
    /// Finds the hooks of a repository, be it bare, with a work tree, or a linked work tree.
    pub(super) fn find(dir: &Path) -> Result<Place> {
        let no_repository = || Failure::new("it is no git directory").help("name a repository, or make one: git init --bare DIR");
        let git_dir = fs::canonicalize(super::super::explain::git_dir(dir)).map_err(failed("open", dir))?;
        let common_dir = common_dir(&git_dir)?;
        if !common_dir.join("objects").is_dir() || !common_dir.join("refs").is_dir() || !is_there(&common_dir.join("HEAD")) {
            return Err(no_repository());
        }
        let hooks = common_dir.join("hooks");
        let link = match hooks.read_link() {
            Ok(target) => Some(fs::canonicalize(&hooks).map_err(|error| {
                Failure::new(format!("`hooks` is a link to `{}`: {error}", target.display()))
                    .help("make that directory, or remove the link; until then git accepts every push")
            })?),
            Err(_) => None,
        };
        Ok(Place { common_dir, link })
    }

    pub(super) fn hooks(&self) -> PathBuf {
        self.common_dir.join("hooks")
    }

    pub(super) fn hook(&self) -> PathBuf {
        self.common_dir.join("hooks/pre-receive")
    }

    /// The program as a part of a dispatcher.
    pub(super) fn part(&self) -> PathBuf {
        self.common_dir.join(PART)
    }

    fn parts(&self) -> PathBuf {
        self.common_dir.join(PARTS)
    }

    fn folder(&self) -> PathBuf {
        self.common_dir.join(CHAINED_FOLDER)
    }

    /// Where the hook that was there before is kept under its own name.
    pub(super) fn kept(&self) -> PathBuf {
        self.folder().join(CHAINED_NAME)
    }

    /// Where earlier versions kept it.
    pub(super) fn kept_before(&self) -> PathBuf {
        self.common_dir.join(CHAINED_BEFORE)
    }

    /// The hooks that were there before.
    pub(super) fn chained(&self) -> Vec<PathBuf> {
        [self.kept(), self.kept_before()].into_iter().filter(|path| is_there(path)).collect()
    }

    /// What lies at `hooks/pre-receive`. It is read, never run: it may belong to someone whom the caller need not trust.
    pub(super) fn look(&self) -> Result<Hook> {
        look(&self.hook())
    }

    /// What lies at the program's place among a dispatcher's parts.
    pub(super) fn look_at_part(&self) -> Result<Hook> {
        look(&self.part())
    }

    /// Whether what was found is this program, placed this way, and will run.
    pub(super) fn holds(&self, hook: &Hook, program: &Program, link: bool) -> Result<bool> {
        let Hook::Ours { bytes, link: found, executable: true, dangling: false } = hook else { return Ok(false) };
        Ok(if link { found.as_ref() == Some(&program.path) } else { found.is_none() && *bytes == program.bytes })
    }

    /// Whether what was found may make room.
    pub(super) fn may_replace(&self, hook: &Hook) -> Result<()> {
        let path = self.hook();
        // The chained hook would chain itself again, without end.
        for chained in self.chained() {
            if let Hook::Ours { .. } | Hook::Foreign { unfit: Some((RUNS_US, _)) } = look(&chained)? {
                return Err(Failure::new(format!("the chained hook `{}` is refwarden itself", chained.display()))
                    .help("remove it, then install again"));
            }
        }
        let Hook::Foreign { unfit } = hook else { return Ok(()) };
        if let Some((why, help)) = unfit {
            return Err(Failure::new(format!("the hook `{}` {why}", path.display())).help(*help));
        }
        if let Some(chained) = self.chained().into_iter().find(|chained| !same_hook(&path, chained)) {
            return Err(Failure::new(format!("`{}` and `{}` are both there", path.display(), chained.display()))
                .help("only one hook can be chained: merge the two into one, then install again"));
        }
        Ok(())
    }

    /// Writes the program beside its place and runs it there.
    pub(super) fn stage(&self, program: &Program, link: bool, way: Way) -> Result<TempPath> {
        let hooks = if way == Way::Part { self.parts() } else { self.hooks() };
        let made = !hooks.is_dir();
        if made {
            fs::create_dir(&hooks).map_err(failed("make", &hooks))?;
        }
        // Not beside the parts: a dispatcher would run a half-written one.
        let staged = self.write(program, link).and_then(|staged| version(&staged).map(|_| staged));
        if staged.is_err() && made {
            let _ = fs::remove_dir(&hooks);
        }
        staged
    }

    fn write(&self, program: &Program, link: bool) -> Result<TempPath> {
        let hooks = self.hooks();
        let cannot = failed("write into", &hooks);
        let mut builder = tempfile::Builder::new();
        builder.prefix(".pre-receive.");
        if link {
            let made = builder.make_in(&hooks, |path| std::os::unix::fs::symlink(&program.path, path)).map_err(&cannot)?;
            return Ok(made.into_temp_path());
        }
        let mut file = builder.tempfile_in(&hooks).map_err(&cannot)?;
        file.write_all(&program.bytes).map_err(&cannot)?;
        // Every account that pushes must run it, also where `core.sharedRepository` shares less; only its owner may change it.
        file.as_file().set_permissions(Permissions::from_mode(0o755)).map_err(&cannot)?;
        file.as_file().sync_all().map_err(&cannot)?;
        // Closed: a program that is open for writing cannot be run.
        Ok(file.into_temp_path())
    }

    /// Gives the hook that is there its place behind the program. It stays effective in its own until [`Place::put`]. False if it
    /// is kept already, from an installation that was cut off.
    pub(super) fn chain(&self) -> Result<bool> {
        if !self.chained().is_empty() {
            return Ok(false);
        }
        let kept = self.kept();
        let cannot = failed("keep the hook as", &kept);
        let folder = tempfile::Builder::new().prefix(".refwarden-chained.").tempdir_in(self.hooks()).map_err(&cannot)?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).map_err(&cannot)?;
        keep(&self.hook(), &folder.path().join(CHAINED_NAME)).map_err(&cannot)?;
        // What an earlier one left empty gives way.
        let _ = fs::remove_dir(self.folder());
        fs::rename(folder.path(), self.folder()).map_err(&cannot)?;
        let _ = folder.keep();
        self.sync()?;
        Ok(true)
    }

    /// Takes the second place away again.
    pub(super) fn unchain(&self) {
        if same_hook(&self.hook(), &self.kept()) {
            let _ = fs::remove_file(self.kept());
            let _ = fs::remove_dir(self.folder());
        }
    }

    /// Moves what an earlier version kept to where it has its own name. The program that is in place looks in both places.
    pub(super) fn migrate(&self) -> Result<()> {
        let (before, kept) = (self.kept_before(), self.kept());
        let cannot = failed("keep the hook as", &kept);
        let folder = tempfile::Builder::new().prefix(".refwarden-chained.").tempdir_in(self.hooks()).map_err(&cannot)?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).map_err(&cannot)?;
        keep(&before, &folder.path().join(CHAINED_NAME)).map_err(&cannot)?;
        fs::rename(folder.path(), self.folder()).map_err(&cannot)?;
        let _ = folder.keep();
        fs::remove_file(&before).map_err(failed("remove", &before))?;
        self.sync()
    }

    /// Puts a dispatcher that an earlier version kept back into its place, from where it runs the program as a part.
    pub(super) fn restore_dispatcher(&self) -> Result<()> {
        let hook = self.hook();
        fs::rename(self.kept_before(), &hook).map_err(failed("put the chained hook back as", &hook))?;
        self.sync()
    }

    /// Renames the staged program into its place and sees that it is there.
    pub(super) fn put(&self, staged: TempPath, program: &Program, way: Way) -> Result<()> {
        let hook = if way == Way::Part { self.part() } else { self.hook() };
        staged.persist(&hook).map_err(|error| failed("replace", &hook)(error.error))?;
        self.sync()?;
        if way == Way::Part {
            let parts = self.parts();
            File::open(&parts).and_then(|dir| dir.sync_all()).map_err(failed("flush", &parts))?;
        }
        match look(&hook)? {
            Hook::Ours { bytes, executable: true, dangling: false, .. } if bytes == program.bytes => Ok(()),
            _ => Err(Failure::new(format!("`{}` was changed by someone else meanwhile", hook.display())).help("install again")),
        }
    }

    /// Removes the program from a dispatcher's parts.
    pub(super) fn remove_part(&self) -> Result<()> {
        fs::remove_file(self.part()).map_err(failed("remove", &self.part()))?;
        // An empty one is as good as none.
        let _ = fs::remove_dir(self.parts());
        self.sync()
    }

    /// Removes the hook; the chained one takes its place.
    pub(super) fn remove(&self, hook: &Hook) -> Result<()> {
        let path = self.hook();
        let cannot = failed("put the chained hook back as", &path);
        if is_there(&self.kept()) {
            // A push that is under way still finds the folder, finds no hook in it, and is refused.
            match self.kept().read_link() {
                Ok(target) => {
                    let target = target.strip_prefix("..").map(Path::to_owned).unwrap_or(target);
                    let link = |path: &Path| std::os::unix::fs::symlink(&target, path);
                    let link = tempfile::Builder::new().prefix(".pre-receive.").make_in(self.hooks(), link).map_err(&cannot)?;
                    link.into_temp_path().persist(&path).map_err(|error| cannot(error.error))?;
                    fs::remove_file(self.kept()).map_err(failed("remove", &self.kept()))?;
                }
                Err(_) => fs::rename(self.kept(), &path).map_err(&cannot)?,
            }
            let _ = fs::remove_dir(self.folder());
        } else if is_there(&self.kept_before()) {
            fs::rename(self.kept_before(), &path).map_err(&cannot)?;
        } else if !matches!(hook, Hook::None) {
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        } else {
            return Ok(());
        }
        self.sync()
    }

    fn sync(&self) -> Result<()> {
        let hooks = self.hooks();
        File::open(&hooks).and_then(|dir| dir.sync_all()).map_err(failed("flush", &hooks))
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.symlink_metadata(), other.symlink_metadata()) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// Gives a hook a second name one folder deeper. A relative link is made to lead to the same file from there.
fn keep(hook: &Path, kept: &Path) -> std::io::Result<()> {
    match hook.read_link() {
        Ok(target) => std::os::unix::fs::symlink(deeper(target), kept),
        Err(_) => fs::hard_link(hook, kept),
    }
}

fn deeper(target: PathBuf) -> PathBuf {
    if target.is_absolute() { target } else { Path::new("..").join(target) }
}

/// Whether the second is what the first was kept as.
fn same_hook(hook: &Path, kept: &Path) -> bool {
    match (hook.read_link(), kept.read_link()) {
        (Ok(hook), Ok(kept)) => kept == hook || kept == deeper(hook),
        _ => same_file(hook, kept),
    }
}

pub(super) const RUNS_US: &str = "runs refwarden itself: chained, it would run itself without end";

fn look(path: &Path) -> Result<Hook> {
    let link = match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Hook::None),
        Err(error) => return Err(failed("look at", path)(error)),
        Ok(metadata) => metadata.is_symlink().then(|| path.read_link()).transpose()?,
    };
    let foreign = |why, help| Ok(Hook::Foreign { unfit: Some((why, help)) });
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if link.as_ref().and_then(|target| target.file_name()).is_some_and(|name| name == PROGRAM) {
                return Ok(Hook::Ours { bytes: Vec::new(), link, executable: false, dangling: true });
            }
            return foreign("is a dangling link: git accepts every push", "repair or remove the link, then install again");
        }
        Err(error) => return Err(failed("look at", path)(error)),
    };
    if !metadata.is_file() {
        return foreign("is no file", "move it away, then install again");
    }
    let bytes = fs::read(path).map_err(failed("read", path))?;
    let names_us = |name: &str| memchr::memmem::find(&bytes, name.as_bytes()).is_some();
    if bytes.starts_with(b"#!") {
        if names_us(PROGRAM) {
            return foreign(RUNS_US, "remove it, and name its policy by --policy instead");
        }
    } else if names_us(PROGRAM_MARK) {
        // Git silently passes over a hook that the account which serves cannot run, so everyone must be able to.
        let executable = metadata.mode() & 0o111 == 0o111;
        return Ok(Hook::Ours { bytes, link, executable, dangling: false });
    }
    if bytes.is_empty() {
        return foreign("is empty: git accepts every push", "remove it, then install again");
    }
    if metadata.mode() & 0o111 == 0 {
        return foreign("is not executable, so git ignores it", "make it executable, or remove it, then install again");
    }
    if !bytes.starts_with(b"#!") && !bytes.contains(&0) {
        return foreign(
            "has no first line that names its interpreter",
            "write `#!/bin/sh` as its first line, by which git runs it, then install again",
        );
    }
    Ok(Hook::Foreign { unfit: None })
}
