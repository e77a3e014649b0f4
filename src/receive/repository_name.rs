//! What a repository is called by its path, where no host says its name.
//!
//! Its name is that of its real path. A path that leads there through a link gives it another name, which a policy may know it
//! by. The client chooses among such paths, so these names only ever bring the repository under more rulesets, and each is
//! believed only if its path leads to the repository.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use super::environment::Environment;
use super::repository::Repository;
use crate::policy::Server;
use crate::push::{Cause, Undecided};

/// What a repository is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryNames {
    /// The name that its host says, else that of its real path.
    pub name: String,
    /// The names of other paths by which it was reached.
    pub others: Vec<String>,
}

impl RepositoryNames {
    /// The name that a host says, and no other.
    pub fn of_host(name: String) -> RepositoryNames {
        RepositoryNames { name, others: Vec::new() }
    }

    /// The name of its real path, and those of the paths that it was reached by.
    ///
    /// # Errors
    /// The real path does not lie below `[server] root`.
    pub fn by_path<'p>(
        server: &Server,
        repository: &Repository,
        reached_by: impl IntoIterator<Item = &'p Path>,
    ) -> Result<RepositoryNames, Undecided> {
        let root = server.root.as_deref();
        let name = of_real_path(&repository.common_dir, root)?;
        let mut others = Vec::new();
        for path in reached_by {
            for other in of_path(path, &repository.common_dir, root) {
                if other != name && !others.contains(&other) {
                    others.push(other);
                }
            }
        }
        Ok(RepositoryNames { name, others })
    }
}

/// The path below the root, without `.git`; without a root the last component.
fn of_real_path(git_dir: &Path, root: Option<&str>) -> Result<String, Undecided> {
    let directory = without_dot_git(git_dir);
    let name = match root {
        Some(root) => {
            let root = fs::canonicalize(root)
                .map_err(|error| Undecided::new(format!("cannot open `[server] root` = `{root}`: {error}")))?;
            directory.strip_prefix(&root).map_err(|_| {
                Undecided::new(format!("`{}` does not lie below `[server] root` = `{}`", directory.display(), root.display()))
                    .help("a link below the root that leads out of it gives a repository no name: move the repository, or set another root")
            })?
        }
        None => Path::new(directory.file_name().unwrap_or_default()),
    };
    let name = name.to_str().ok_or_else(|| Undecided::new("the repository's path is not UTF-8").cause(Cause::Repository))?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    if name.is_empty() {
        return Err(Undecided::new("the repository has no name").cause(Cause::Repository));
    }
    Ok(name.to_owned())
}

/// The git directory of a repository with a work tree is named after the work tree.
fn without_dot_git(git_dir: &Path) -> &Path {
    match git_dir.file_name() {
        Some(name) if name == ".git" => git_dir.parent().unwrap_or(git_dir),
        _ => git_dir,
    }
}

/// The names that an absolute path gives a repository, if it leads there.
fn of_path(path: &Path, git_dir: &Path, root: Option<&str>) -> Vec<String> {
    // As git's `enter_repo` tries them. The first that leads there is enough, since all have the same name.
    let leads_there = ["/.git", "", ".git/.git", ".git"].iter().any(|suffix| {
        let mut whole = path.as_os_str().to_owned();
        whole.push(suffix);
        leads_to(Path::new(&whole), git_dir)
    });
    if !leads_there {
        return Vec::new();
    }
    let mut named = Vec::new();
    let path = without_dot_git(path);
    // Without `.`, which `components` leaves out but at the beginning, and without a `/` at the end.
    let written: PathBuf = path.components().collect();
    let has_parent = written.components().any(|component| component == Component::ParentDir);
    // The last component as it is written, the folder as it is.
    let in_real_folder = match (written.parent().and_then(|parent| fs::canonicalize(parent).ok()), written.file_name()) {
        (Some(parent), Some(name)) => Some(parent.join(name)),
        _ => None,
    };
    for path in (!has_parent).then_some(written).into_iter().chain(in_real_folder) {
        let below = match root {
            None => path.file_name().map(Path::new),
            Some(root) => path.strip_prefix(root).ok(),
        };
        let real_root = root.and_then(|root| fs::canonicalize(root).ok());
        let below = below.or_else(|| real_root.as_ref().and_then(|root| path.strip_prefix(root).ok()));
        let Some(name) = below.and_then(Path::to_str) else { continue };
        let name = name.strip_suffix(".git").unwrap_or(name);
        if !name.is_empty() {
            named.push(name.to_owned());
        }
    }
    named
}

/// Whether a path is the git directory, or a file that names it, as in a linked worktree or a submodule.
fn leads_to(path: &Path, git_dir: &Path) -> bool {
    let Ok(real) = fs::canonicalize(path) else { return false };
    if real == git_dir {
        return true;
    }
    // Such a file is short.
    if !fs::metadata(&real).is_ok_and(|metadata| metadata.is_file() && metadata.len() < 8192) {
        return false;
    }
    let Ok(text) = fs::read(&real) else { return false };
    let Some(target) = text.strip_prefix(b"gitdir: ") else { return false };
    let target = Path::new(OsStr::from_bytes(target.trim_ascii_end()));
    real.parent().and_then(|folder| fs::canonicalize(folder.join(target)).ok()).is_some_and(|real| real == git_dir)
}

/// The paths by which the repository may have been reached, absolute, as far as anybody tells. None is to be believed.
pub(super) fn reached_by(environment: &Environment) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let path = |name: &str| environment.get(name).map(PathBuf::from);
    paths.extend(path("GIT_DIR"));
    // What `git http-backend` was asked for.
    let asked = match (path("GIT_PROJECT_ROOT"), path("PATH_INFO"), path("PATH_TRANSLATED")) {
        (Some(root), Some(info), _) => Some(root.join(info.strip_prefix("/").unwrap_or(&info))),
        (_, _, translated) => translated,
    };
    if let Some(asked) = asked {
        paths.push(if asked.ends_with("git-receive-pack") { asked.parent().unwrap_or(&asked).to_owned() } else { asked });
    }
    let mut bases: Vec<PathBuf> = ["PWD", "HOME"].into_iter().filter_map(path).collect();
    let mut typed: Vec<PathBuf> = Vec::new();
    // What a client asked sshd for.
    if let Some(command) = environment.get("SSH_ORIGINAL_COMMAND") {
        typed.extend(argument_of_receive_pack(command.as_bytes()));
    }
    if let Some((argument, base)) = receive_pack() {
        typed.push(argument);
        bases.extend(base);
    }
    for typed in typed {
        if typed.is_absolute() {
            paths.push(typed);
            continue;
        }
        let below_home = typed.strip_prefix("~").map(Path::to_owned);
        let relative = below_home.unwrap_or(typed);
        paths.extend(bases.iter().map(|base| base.join(&relative)));
    }
    paths.retain(|path| path.is_absolute());
    paths
}

/// `git-receive-pack 'PATH'`, as a client writes it.
fn argument_of_receive_pack(command: &[u8]) -> Option<PathBuf> {
    const WORD: &[u8] = b"receive-pack";
    let at = command.windows(WORD.len()).position(|window| window == WORD)?;
    let rest = command.get(at + WORD.len()..)?.trim_ascii();
    let mut path = Vec::new();
    let (mut quoted, mut escaped) = (false, false);
    for &byte in rest {
        match byte {
            _ if escaped => {
                path.push(byte);
                escaped = false;
            }
            b'\'' => quoted = !quoted,
            b'\\' if !quoted => escaped = true,
            byte => path.push(byte),
        }
    }
    (!path.is_empty()).then(|| PathBuf::from(std::ffi::OsString::from_vec(path)))
}

/// The path that `git receive-pack` was started with, and where it was started, from the processes above this one. Only Linux
/// tells.
fn receive_pack() -> Option<(PathBuf, Option<PathBuf>)> {
    // A hook may be started by another, or by a shell.
    const HIGHEST: usize = 8;
    let mut process = rustix::process::getppid()?.as_raw_nonzero().get();
    for _ in 0..HIGHEST {
        let above = parent_of(process)?;
        let line = fs::read(format!("/proc/{process}/cmdline")).ok()?;
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).filter(|word| !word.is_empty()).collect();
        if let [program, rest @ ..] = words.as_slice()
            && (program.ends_with(b"receive-pack") || (is_git(program) && rest.contains(&b"receive-pack".as_slice())))
            && let Some(path) = rest.last()
        {
            let base = fs::read_link(format!("/proc/{above}/cwd")).ok();
            return Some((PathBuf::from(OsStr::from_bytes(path)), base));
        }
        process = above;
    }
    None
}

fn is_git(program: &[u8]) -> bool {
    Path::new(OsStr::from_bytes(program)).file_name().is_some_and(|name| name == "git")
}

fn parent_of(process: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The program's name, in parentheses, may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok().filter(|parent| *parent > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_a_shell_would() {
        for (command, path) in [
            ("git-receive-pack '/srv/git/app.git'", "/srv/git/app.git"),
            ("git receive-pack 'app.git'", "app.git"),
            ("git-receive-pack '/srv/it'\\''s'", "/srv/it's"),
            ("git-receive-pack '/srv/a'\\!'b'", "/srv/a!b"),
            ("git-receive-pack ~/app.git", "~/app.git"),
        ] {
            assert_eq!(argument_of_receive_pack(command.as_bytes()), Some(PathBuf::from(path)), "{command}");
        }
        assert_eq!(argument_of_receive_pack(b"git-upload-pack 'x'"), None);
        assert_eq!(argument_of_receive_pack(b"git-receive-pack"), None);
    }

    #[test]
    fn only_paths_that_lead_to_the_repository_name_it() {
        let folder = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(folder.path()).unwrap();
        let real = top.join("team/app.git");
        fs::create_dir_all(&real).unwrap();
        fs::create_dir_all(top.join("team/other.git")).unwrap();
        std::os::unix::fs::symlink(&real, top.join("shop.git")).unwrap();
        std::os::unix::fs::symlink(top.join("team"), top.join("crew")).unwrap();
        fs::write(top.join("file"), "gitdir: team/app.git\n").unwrap();
        let root = top.to_str().unwrap();
        let names = |path: &str| of_path(&top.join(path), &real, Some(root));
        assert_eq!(names("shop.git"), ["shop", "shop"]);
        assert_eq!(names("shop"), ["shop", "shop"]);
        assert_eq!(names("./shop.git/"), ["shop", "shop"]);
        assert_eq!(names("team/../shop.git"), ["shop"]);
        assert_eq!(names("crew/app.git"), ["crew/app", "team/app"]);
        assert_eq!(names("file"), ["file", "file"]);
        assert!(names("team/other.git").is_empty());
        assert!(names("missing").is_empty());
        assert_eq!(of_path(&top.join("crew/app.git"), &real, None), ["app", "app"]);
        assert_eq!(of_real_path(&real, Some(root)).unwrap(), "team/app");
        assert_eq!(of_real_path(&real, None).unwrap(), "app");
        assert!(of_real_path(&real, Some("/nowhere")).is_err());
        assert!(of_real_path(&real, Some("/proc")).unwrap_err().why.contains("does not lie below"));
    }
}
