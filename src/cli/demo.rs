//! `refwarden demo`: real pushes against a throw-away server, with what was expected of each.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};

use super::{Failure, Result};
use crate::receive::sanitize::sanitize;

/// Show real pushes refused and accepted, on a throw-away server
///
/// Makes a bare repository in a temporary folder, installs the hook with a shipped policy, pushes as a person, an agent and a
/// release bot, and shows what git answered and what was logged. Nothing else on the machine is touched.
///
/// Exit codes: 0 every outcome is the expected one, 1 one is not, 2 the demo could not run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden demo
  refwarden demo --keep")]
pub(super) struct Demo {
    /// Keep the server and the clone, and say where they are
    #[arg(long)]
    keep: bool,
}

const POLICY: &str = include_str!("../../policies/demo.toml");
const HOOK: &str = "refwarden-pre-receive";

/// What a push should come to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Accepted,
    /// Refused by this rule.
    Refused(&'static str),
}

struct Step {
    actor: &'static str,
    tries: &'static str,
    /// What the clone does before.
    prepare: fn(&Clone) -> Result<()>,
    push: &'static [&'static str],
    expected: Expected,
}

const STEPS: &[Step] = &[
    Step {
        actor: "dev",
        tries: "change main",
        prepare: |clone| clone.commit("feat: say hello", &[("src/hello.txt", "hello\n")]),
        push: &["main"],
        expected: Expected::Accepted,
    },
    Step {
        actor: "dev",
        tries: "rewrite main by force",
        prepare: |clone| clone.git(&["commit", "--quiet", "--amend", "--message", "feat: rewritten"]),
        push: &["--force", "main"],
        expected: Expected::Refused("non_fast_forward"),
    },
    Step {
        actor: "dev",
        tries: "delete main",
        prepare: |clone| clone.git(&["reset", "--quiet", "--hard", "origin/main"]),
        push: &["--delete", "main"],
        expected: Expected::Refused("deletion"),
    },
    Step {
        actor: "dev",
        tries: "change a workflow on main",
        prepare: |clone| clone.commit("ci: print every secret", &[(".github/workflows/ci.yml", "run: env\n")]),
        push: &["main"],
        expected: Expected::Refused("file_path_restriction"),
    },
    Step {
        actor: "dev",
        tries: "rename a workflow out of its folder",
        prepare: |clone| {
            clone.git(&["reset", "--quiet", "--hard", "origin/main"])?;
            clone.git(&["mv", ".github/workflows/ci.yml", "ci.yml"])?;
            clone.git(&["commit", "--quiet", "--message", "chore: tidy up"])
        },
        push: &["main"],
        expected: Expected::Refused("file_path_restriction"),
    },
    Step {
        actor: "claude-1",
        tries: "push to main",
        prepare: |clone| {
            clone.git(&["reset", "--quiet", "--hard", "origin/main"])?;
            clone.commit("fix: typo", &[("src/hello.txt", "hello, world\n")])
        },
        push: &["main"],
        expected: Expected::Refused("update"),
    },
    Step {
        actor: "claude-1",
        tries: "push the same commit to its own branch",
        prepare: |_| Ok(()),
        push: &["HEAD:refs/heads/agent/typo"],
        expected: Expected::Accepted,
    },
    Step {
        actor: "claude-1",
        tries: "change 20 files at once",
        prepare: |clone| {
            let names: Vec<String> = (0..20).map(|number| format!("src/file{number}.txt")).collect();
            let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "generated\n")).collect();
            clone.commit("feat: everything", &files)
        },
        push: &["HEAD:refs/heads/agent/typo"],
        expected: Expected::Refused("max_changed_paths"),
    },
    Step {
        actor: "claude-1",
        tries: "put a workflow on its own branch",
        prepare: |clone| {
            clone.git(&["reset", "--quiet", "--hard", "HEAD~1"])?;
            clone.commit("ci: faster builds", &[(".github/workflows/ci.yml", "run: make -j\n")])
        },
        push: &["HEAD:refs/heads/agent/typo"],
        expected: Expected::Accepted,
    },
    Step {
        actor: "dev",
        tries: "fast-forward main to that branch",
        prepare: |_| Ok(()),
        push: &["HEAD:refs/heads/main"],
        expected: Expected::Refused("file_path_restriction"),
    },
    Step {
        actor: "lead",
        tries: "fast-forward main to that branch, as a maintainer",
        prepare: |_| Ok(()),
        push: &["HEAD:refs/heads/main"],
        expected: Expected::Accepted,
    },
    Step {
        actor: "dev",
        tries: "tag a release",
        prepare: |clone| clone.git(&["tag", "--annotate", "v1.0.0", "--message", "first release"]),
        push: &["v1.0.0"],
        expected: Expected::Refused("creation"),
    },
    Step {
        actor: "release-bot",
        tries: "tag a release without a word about it",
        prepare: |clone| clone.git(&["tag", "v1.0.1"]),
        push: &["v1.0.1"],
        expected: Expected::Refused("annotated_tags"),
    },
    Step { actor: "release-bot", tries: "tag a release", prepare: |_| Ok(()), push: &["v1.0.0"], expected: Expected::Accepted },
];

/// The clone that everyone pushes from.
struct Clone {
    dir: PathBuf,
    home: PathBuf,
}

fn git_command(home: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "demo").env(format!("GIT_{role}_EMAIL"), "demo@example.org");
    }
    command
}

fn run(mut command: Command) -> Result<()> {
    let output = command
        .output()
        .map_err(|error| Failure::new(format!("cannot run `git`: {error}")).help("install git; the demo pushes with it"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`git` failed: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

impl Clone {
    fn git(&self, arguments: &[&str]) -> Result<()> {
        let mut command = git_command(&self.home);
        command.current_dir(&self.dir).args(arguments);
        run(command)
    }

    fn commit(&self, message: &str, files: &[(&str, &str)]) -> Result<()> {
        for (path, content) in files {
            let path = self.dir.join(path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(path, content)?;
        }
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", message])
    }

    /// Pushes as an actor; whether it was accepted, and what git printed.
    fn push(&self, actor: &str, arguments: &[&str]) -> Result<(bool, Vec<String>)> {
        let mut command = git_command(&self.home);
        let output =
            command.current_dir(&self.dir).env("REFWARDEN_ACTOR", actor).args(["push", "origin"]).args(arguments).output()?;
        let text = String::from_utf8_lossy(&output.stderr).lines().map(|line| line.trim_end().to_owned()).collect();
        Ok((output.status.success(), text))
    }
}

/// The hook to install: the program beside this one, else this one called as a hook.
fn install_hook(server: &Path) -> Result<String> {
    let own = std::env::current_exe().map_err(|error| Failure::new(format!("cannot find this program's own file: {error}")))?;
    let hook = server.join("hooks").join("pre-receive");
    fs::create_dir_all(server.join("hooks"))?;
    let beside = own.with_file_name(HOOK);
    if beside.is_file() {
        fs::copy(&beside, &hook)?;
        return Ok(format!("{} (a copy of {})", hook.display(), beside.display()));
    }
    let quoted = own
        .to_str()
        .map(|path| format!("'{}'", path.replace('\'', r"'\''")))
        .ok_or_else(|| Failure::new("this program's path is not UTF-8").help(format!("build the hook beside it: {HOOK}")))?;
    fs::write(&hook, format!("#!/bin/sh\nexec {quoted} hook \"$@\"\n"))?;
    make_executable(&hook)?;
    Ok(format!("{} (runs `{} hook`, because {HOOK} was not built beside it)", hook.display(), own.display()))
}

fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

impl Demo {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let folder = tempfile::Builder::new().prefix("refwarden-demo-").tempdir()?;
        let server = folder.path().join("server.git");
        let clone = Clone { dir: folder.path().join("clone"), home: folder.path().into() };
        prepare(&server, &clone)?;
        let hook = install_hook(&server)?;
        let server_shown = server.display();
        writeln!(
            out,
            "\x1b[1mA throw-away server\x1b[0m at {server_shown}\n  hook:   {hook}\n  policy: {server_shown}/refwarden.toml"
        )?;
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["", "who", "tries to", "expected", "git's answer", ""]);
        let mut unexpected = 0;
        for (number, step) in (1..).zip(STEPS) {
            (step.prepare)(&clone)?;
            let (accepted, lines) = clone.push(step.actor, step.push)?;
            writeln!(out, "\n\x1b[1m{number}. {} tries to {}\x1b[0m", step.actor, step.tries)?;
            writeln!(out, "   $ git push origin {}", step.push.join(" "))?;
            for line in lines.iter().filter(|line| !line.starts_with("To ")) {
                writeln!(out, "   {}", sanitize(line))?;
            }
            let (expected, good) = match step.expected {
                Expected::Accepted => ("accepted".to_owned(), accepted),
                Expected::Refused(rule) => {
                    let named = lines.iter().any(|line| line.contains(&format!("] {rule}: ")));
                    (format!("refused: {rule}"), !accepted && named)
                }
            };
            unexpected += usize::from(!good);
            let answer = if accepted { "accepted" } else { "refused" };
            table.add_row([
                number.to_string().as_str(),
                step.actor,
                step.tries,
                expected.as_str(),
                answer,
                if good { "ok" } else { "UNEXPECTED" },
            ]);
        }
        writeln!(out, "\n{table}")?;
        print_log(out, &server)?;
        if self.keep {
            writeln!(out, "\nkept: {}", folder.keep().display())?;
        }
        if unexpected == 0 {
            writeln!(out, "\nEvery outcome is the expected one. Next: refwarden init > refwarden.toml")?;
            return Ok(0);
        }
        writeln!(out, "\n{unexpected} of {} outcomes are not the expected ones", STEPS.len())?;
        Ok(1)
    }
}

/// A server with one commit on main, a clone of it, and the policy.
fn prepare(server: &Path, clone: &Clone) -> Result<()> {
    let mut init = git_command(&clone.home);
    init.args(["init", "--quiet", "--bare", "--initial-branch=main", "--template="]).arg(server);
    run(init)?;
    let mut init = git_command(&clone.home);
    init.args(["init", "--quiet", "--initial-branch=main", "--template="]).arg(&clone.dir);
    run(init)?;
    let mut remote = git_command(&clone.home);
    remote.current_dir(&clone.dir).args(["remote", "add", "origin"]).arg(server);
    run(remote)?;
    clone.commit("feat: begin", &[("README", "a project\n"), (".github/workflows/ci.yml", "run: make\n")])?;
    clone.git(&["push", "--quiet", "--set-upstream", "origin", "main"])?;
    fs::write(server.join("refwarden.toml"), POLICY)?;
    Ok(())
}

fn print_log(out: &mut dyn Write, server: &Path) -> Result<()> {
    let log = server.join("refwarden").join("decisions.jsonl");
    let records = fs::read_to_string(&log)?;
    writeln!(out, "\n\x1b[1mThe decision log\x1b[0m ({}): each line carries the hash of the one before", log.display())?;
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["decision", "actor", "ref", "outcome", "ms"]);
    for line in records.lines() {
        let record: serde_json::Value =
            serde_json::from_str(line).map_err(|error| Failure::new(format!("the decision log is unreadable: {error}")))?;
        let text = |pointer: &str| record.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let milliseconds = record.pointer("/work/milliseconds").and_then(serde_json::Value::as_f64).unwrap_or_default();
        table.add_row([text("/id"), text("/actor"), text("/updates/0/ref"), text("/decision"), format!("{milliseconds:.1}")]);
    }
    writeln!(out, "{table}")?;
    Ok(())
}
