//! How a hook that is there already goes on beside refwarden, and the proof that it does.
//!
//! A program that is moved may act otherwise: a dispatcher looks for its parts by the name or the path that it was started by,
//! finds none, and accepts. So a hook keeps its name, a dispatcher keeps its place, and what looks at its path is not moved at all.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::place::{PART, Place, failed};
use crate::cli::{Failure, Result};
use crate::receive::{CHAINED_FOLDER, CHAINED_NAME};

/// How the hook that is there goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It moves to a folder of its own, under its own name.
    Folder,
    /// It is a dispatcher, stays where it is, and runs refwarden as one of its parts.
    Part,
    /// It looks at its own path, by this word, and would act otherwise anywhere else.
    Nowhere(&'static str),
}

/// Words by which programs look at the path that they were started by, or load what lies beside them.
const OWN_PATH: &[&str] = &[
    "$0",
    "${0",
    "BASH_SOURCE",
    "BASH_ARGV0",
    "ZSH_ARGZERO",
    "funcsourcetrace",
    "/proc/self",
    "/proc/$$",
    "__FILE__",
    "__file__",
    "__dir__",
    "__DIR__",
    "__filename",
    "__dirname",
    "$PROGRAM_NAME",
    "$program_name",
    "FindBin",
    "sys.argv",
    "argv[0]",
    "ARGV[0]",
    "argv0",
    "process.argv",
    "import.meta",
    "require_relative",
    "require('./",
    "require(\"./",
    "info script",
    "arg[0]",
    "SCRIPT_NAME",
    "SCRIPT_FILENAME",
    "sys.path[0]",
    "/cmdline",
    "ps -o",
];

/// The same, where only the name counts, which a hook keeps.
const OWN_NAME: &[&str] = &[
    "$(basename $0)",
    "$(basename \"$0\")",
    "$(basename -- \"$0\")",
    "$(basename -- $0)",
    "$(basename ${0})",
    "$(basename \"${0}\")",
    "`basename $0`",
    "`basename \"$0\"`",
    "`basename -- \"$0\"`",
    "${0##*/}",
    "os.path.basename(sys.argv[0])",
    "os.path.basename(__file__)",
    "File.basename($0)",
    "File.basename(__FILE__)",
    "File.basename($PROGRAM_NAME)",
    "basename($0)",
];

/// Why a hook that is no program of refwarden's looks at its own path; `None` if it does not.
fn own_path(path: &Path, bytes: &[u8]) -> Option<&'static str> {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    for word in OWN_NAME {
        text = text.replace(word, "");
    }
    let found = OWN_PATH.iter().find(|word| text.contains(**word)).copied();
    found.or_else(|| imports_beside(path, &text).then_some("import"))
}

/// Whether a Python program imports what lies beside it: Python looks there first.
fn imports_beside(path: &Path, text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let folder = fs::canonicalize(path).ok().and_then(|path| path.parent().map(Path::to_owned));
    let (true, Some(folder)) = (first.contains("python"), folder) else { return false };
    let Ok(entries) = fs::read_dir(folder) else { return true };
    entries.flatten().any(|entry| {
        let name = PathBuf::from(entry.file_name());
        let extension = name.extension().unwrap_or_default().to_string_lossy();
        let is_module = ["py", "pyc", "so", "zip"].contains(&&*extension) || entry.path().is_dir();
        // `NAME.cpython-313-x86_64-linux-gnu.so` is the module `NAME`. A module's name may be imported in many ways, so that the word is
        // enough.
        let name = name.to_string_lossy();
        let stem = name.split('.').next().unwrap_or_default();
        is_module && text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == stem)
    })
}

/// Finds out how a hook can go on. A dispatcher is recognised by running a copy of it, with nothing but a planted part, as the
/// account that owns it.
pub(super) fn way(place: &Place, path: &Path) -> Result<Way> {
    let bytes = fs::read(path).map_err(failed("read", path))?;
    if !bytes.starts_with(b"#!") {
        // What no one can read keeps its name.
        return Ok(Way::Folder);
    }
    let own = own_path(path, &bytes);
    let text = String::from_utf8_lossy(&bytes);
    if (text.contains(".d/") || text.contains("pre-receive.d") || text.contains(".d\"")) && dispatches(place, path, &bytes)? {
        return Ok(Way::Part);
    }
    Ok(own.map_or(Way::Folder, Way::Nowhere))
}

/// What to say where a hook can go on in no way.
pub(super) fn nowhere(path: &Path, word: &str) -> Failure {
    Failure::new(format!(
        "the hook `{}` looks at its own path (`{word}`): kept elsewhere, it could pass over what it refuses now",
        path.display()
    ))
    .help(format!(
        "let it name its parts without `{word}`, for example by `$GIT_DIR/hooks/pre-receive.d`, and install again; or let it run the program `{PART}` itself, with the same standard input, and exit with its exit code"
    ))
}

const LINE: &str = "1111111111111111111111111111111111111111 0000000000000000000000000000000000000000 refs/heads/refwarden-proof";
/// A hook that needs longer is taken not to come to an end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A git directory in which hooks are tried out: it lies in the repository's, where programs run if they run there, and goes away.
struct Scratch {
    dir: tempfile::TempDir,
    owner: Option<(u32, u32)>,
}

impl Scratch {
    /// For programs that run as this account, if it is another one.
    fn new(place: &Place, owner: Option<(u32, u32)>) -> Result<Scratch> {
        let failed = failed("try the hooks out in", &place.common_dir);
        let dir = tempfile::Builder::new().prefix(".refwarden-proof.").tempdir_in(&place.common_dir).map_err(&failed)?;
        let scratch = Scratch { dir, owner };
        for folder in ["", "objects", "refs", "refs/heads", "hooks"] {
            let folder = scratch.at(folder);
            if !folder.is_dir() {
                fs::create_dir(&folder).map_err(&failed)?;
            }
            scratch.give(&folder).map_err(&failed)?;
        }
        let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
        let policy = "version = 1\n[server]\nidentity = \"ssh\"\n";
        for (name, text) in [("HEAD", "ref: refs/heads/main\n"), ("config", config), ("policy.toml", policy)] {
            fs::write(scratch.at(name), text).map_err(&failed)?;
            scratch.give(&scratch.at(name)).map_err(&failed)?;
        }
        Ok(scratch)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn give(&self, path: &Path) -> std::io::Result<()> {
        match self.owner {
            Some((user, group)) => std::os::unix::fs::chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    /// Writes a program.
    fn program(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        fs::write(path, bytes)?;
        fs::set_permissions(path, Permissions::from_mode(0o755))?;
        self.give(path)
    }

    /// Plants a hook that says that it ran on the very input of this proof, and exits so.
    fn plant(&self, path: &Path, code: i32) -> std::io::Result<()> {
        let witness = self.at("witness").to_string_lossy().replace('\'', "'\\''");
        let text = format!("#!/bin/sh\nread -r line\n[ \"$line\" = '{LINE}' ] || exit 77\n: > '{witness}'\nexit {code}\n");
        self.program(path, text.as_bytes())
    }

    /// Runs a program as git runs a hook. Its exit code, and whether the planted hook ran.
    fn run(&self, program: &OsStr, git_dir: &OsStr, arguments: &[&str]) -> std::io::Result<(Option<i32>, bool)> {
        let _ = fs::remove_file(self.at("witness"));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.dir.path()).env_clear().env("GIT_DIR", git_dir).env("REFWARDEN_ACTOR", "proof");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(format!("{LINE}\n").as_bytes());
        }
        let code = wait(&mut child)?;
        Ok((code, self.at("witness").exists()))
    }
}

/// Waits for a hook, and ends it with all that it started when it takes too long.
fn wait(child: &mut Child) -> std::io::Result<Option<i32>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        if started.elapsed() > PATIENCE {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a hook runs the parts in `pre-receive.d` beside it, and refuses when one refuses: a planted veto vetoes, a planted
/// acceptance passes, in each of the ways that git starts a hook.
fn dispatches(place: &Place, path: &Path, bytes: &[u8]) -> Result<bool> {
    let metadata = fs::metadata(path).map_err(failed("look at", path))?;
    let me = rustix::process::geteuid().as_raw();
    let owner = match metadata.uid() {
        owner if owner == me && (me != 0 || metadata.mode() & 0o022 == 0) => None,
        owner if me == 0 && owner != 0 => Some((owner, metadata.gid())),
        // Whoever could write it would run as the caller.
        _ => return Ok(false),
    };
    // A link leads elsewhere, where parts may be looked for too.
    if path.symlink_metadata().map_err(failed("look at", path))?.is_symlink() {
        return Ok(false);
    }
    let scratch = Scratch::new(place, owner)?;
    let failed = failed("try the hook out", path);
    let parts = scratch.at(PARTS);
    fs::create_dir(&parts).map_err(&failed)?;
    scratch.give(&parts).map_err(&failed)?;
    for entry in fs::read_dir(place.hooks()).map_err(&failed)? {
        let name = entry.map_err(&failed)?.file_name();
        if name != "pre-receive" && name != "pre-receive.d" {
            // What it may read beside it.
            symlink(place.hooks().join(&name), scratch.at("hooks").join(&name)).map_err(&failed)?;
        }
    }
    // Each part must get the whole input, whatever another has read of it.
    scratch.program(&parts.join("00-reads-all"), b"#!/bin/sh\ncat > /dev/null\n").map_err(&failed)?;
    scratch.program(&scratch.at("hooks/pre-receive"), bytes).map_err(&failed)?;
    let absolute = scratch.at("hooks/pre-receive");
    for (hook, git_dir) in
        [(OsStr::new("hooks/pre-receive"), OsStr::new(".")), (absolute.as_os_str(), scratch.dir.path().as_os_str())]
    {
        for code in [1, 0] {
            scratch.plant(&scratch.at(PART), code).map_err(&failed)?;
            let Ok((exit, ran)) = scratch.run(hook, git_dir, &[]) else { return Ok(false) };
            if !ran || (exit == Some(0)) != (code == 0) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The folder of a dispatcher's parts, below the git directory.
pub(super) const PARTS: &str = "hooks/pre-receive.d";

/// Sees that this program asks a hook that is kept in its folder: a planted veto vetoes, a planted acceptance passes.
pub(super) fn prove(place: &Place, program: &Path) -> Result<()> {
    let scratch = Scratch::new(place, None)?;
    let failed = failed("try out", program);
    let folder = scratch.at(CHAINED_FOLDER);
    fs::create_dir(&folder).map_err(&failed)?;
    for code in [1, 0] {
        scratch.plant(&folder.join(CHAINED_NAME), code).map_err(&failed)?;
        let found = scratch.run(program.as_os_str(), OsStr::new("."), &["--policy", "policy.toml"]).map_err(&failed)?;
        if found != (Some(code), true) {
            return Err(Failure::new(format!(
                "`{}` does not obey a hook that is kept in `{CHAINED_FOLDER}`: a planted one exits with {code}, and it with {}",
                program.display(),
                found.0.map_or("a signal".to_owned(), |code| code.to_string())
            ))
            .help("use programs of one version: refwarden and refwarden-pre-receive"));
        }
    }
    Ok(())
}
