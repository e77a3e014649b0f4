//! Will git run the hook of a repository, and will the hook be able to judge?

use std::fs;
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::fs::StatVfsMountFlags;

use super::Chosen;
use super::place::Place;
use crate::cli::{Failure, Result};
use crate::policy::{Enforcement, Identity, Policy, Ruleset, lint, parse};
use crate::receive::configuration::{SYSTEM_CONFIGURATIONS, last, read_system};
use crate::receive::refs::Refs;
use crate::receive::repository::Repository;
use crate::receive::repository_name::RepositoryNames;
use crate::receive::sanitize::sanitize;
use crate::receive::{find_policy, head};

/// What does not keep the hook from running, and is worth knowing.
pub(super) struct Warning {
    pub(super) message: String,
    pub(super) help: String,
}

impl Warning {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Warning {
        Warning { message: message.into(), help: help.into() }
    }
}

/// Runs `git` on the repository, with the caller's configuration: success, and what it printed.
fn git(place: &Place, arguments: &[&str]) -> Result<(bool, Vec<u8>)> {
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(&place.common_dir).args(arguments);
    command.env_remove("GIT_COMMON_DIR").env_remove("GIT_WORK_TREE");
    let output = command.output().map_err(|error| Failure::new(format!("cannot run `git`: {error}")))?;
    // 1: no such setting; 5: none to unset.
    match output.status.code() {
        Some(0) => Ok((true, output.stdout)),
        Some(1 | 5) => Ok((false, Vec::new())),
        _ => Err(Failure::new(format!(
            "`git {}` failed: {}",
            arguments.join(" "),
            crate::receive::sanitize::sanitize_bytes(output.stderr.trim_ascii())
        ))),
    }
}

/// Refuses a repository whose hooks git looks for elsewhere.
pub(super) fn hooks_path(place: &Place) -> Result<()> {
    let (_, listed) = git(place, &["config", "-z", "--show-origin", "--type=path", "--get-all", "core.hooksPath"])?;
    let fields: Vec<_> = listed.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    // As in git, the last value wins.
    let pair = |pair: &[std::borrow::Cow<'_, str>]| Some((pair.first()?.to_string(), pair.get(1)?.to_string()));
    let mut effective = fields.chunks_exact(2).next_back().and_then(pair);
    if effective.is_none() {
        // The caller's environment may hide the system's configuration from git, and not from the git that serves.
        for file in SYSTEM_CONFIGURATIONS {
            let settings = read_system(Path::new(file), &place.common_dir)?;
            let found = last(&settings, "core.hookspath").map(|value| (format!("file:{file}"), value.to_owned()));
            effective = effective.or(found);
        }
    }
    let Some((origin, path)) = effective else { return Ok(()) };
    // A relative path starts where the hook runs: in the git directory.
    let elsewhere = match (fs::canonicalize(place.common_dir.join(&path)), fs::canonicalize(place.hooks())) {
        (Ok(there), Ok(here)) => there != here,
        _ => true,
    };
    if !elsewhere {
        return Ok(());
    }
    let origin = origin.strip_prefix("file:").unwrap_or(&origin);
    Err(Failure::new(format!("git looks for hooks elsewhere: `core.hooksPath` = `{path}` in `{origin}`"))
        .help("remove that setting, or override it in the repository: git config core.hooksPath DIR/hooks"))
}

/// Refuses a file system on which no program runs.
pub(super) fn executable_there(place: &Place) -> Result<()> {
    let hooks = place.hooks();
    let dir = if hooks.is_dir() { &hooks } else { &place.common_dir };
    let flags = rustix::fs::statvfs(dir).map_err(std::io::Error::from)?.f_flag;
    if flags.contains(NOEXEC) {
        return Err(Failure::new(format!("the file system of `{}` is mounted `noexec`: no hook runs there", dir.display()))
            .help("mount it with `exec`, or set `core.hooksPath` to a directory elsewhere and put the hook there"));
    }
    Ok(())
}

#[cfg(target_os = "linux")]
const NOEXEC: StatVfsMountFlags = StatVfsMountFlags::NOEXEC;
/// Elsewhere only running the program tells.
#[cfg(not(target_os = "linux"))]
const NOEXEC: StatVfsMountFlags = StatVfsMountFlags::from_bits_retain(1 << 63);

/// Every value of `refwarden.policy` in the repository's own configuration.
pub(super) fn policy_settings(place: &Place) -> Result<Vec<String>> {
    let file = place.common_dir.join("config");
    let (_, listed) = git(place, &["config", "--file", &file.to_string_lossy(), "-z", "--get-all", "refwarden.policy"])?;
    let mut values: Vec<_> = listed.split(|byte| *byte == 0).map(|value| String::from_utf8_lossy(value).into_owned()).collect();
    values.pop();
    Ok(values)
}

/// Makes these the values of `refwarden.policy`.
pub(super) fn set_policy(place: &Place, values: &[&str]) -> Result<()> {
    let file = place.common_dir.join("config").to_string_lossy().into_owned();
    match values {
        [] => git(place, &["config", "--file", &file, "--unset-all", "refwarden.policy"])?,
        [first, rest @ ..] => {
            let mut done = git(place, &["config", "--file", &file, "--replace-all", "refwarden.policy", first])?;
            for value in rest {
                done = git(place, &["config", "--file", &file, "--add", "refwarden.policy", value])?;
            }
            done
        }
    };
    Ok(())
}

/// The effective value of a switch; `None` where it is not set or cannot be read.
fn switch(place: &Place, key: &str) -> Option<bool> {
    let (true, value) = git(place, &["config", "--type=bool", "--get", key]).ok()? else { return None };
    Some(value.trim_ascii() == b"true")
}

/// What keeps pushes from being judged as the policy means.
pub(super) fn warnings(
    place: &Place,
    given: &Path,
    repository: &Repository,
    chosen: Option<&Chosen>,
    dry_run: bool,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let dir = place.common_dir.display();
    match chosen {
        Some(chosen) => {
            let effective = repository.policy.file.as_deref();
            if !dry_run && effective != Some(chosen.path.as_str()) {
                warnings.push(Warning::new(
                    format!(
                        "the hook reads the policy `{}`: the configuration includes a file that sets it",
                        effective.unwrap_or("")
                    ),
                    format!("remove `refwarden.policy` from what {dir}/config includes"),
                ));
            }
            warnings.extend(of_policy(place, given, repository, &chosen.policy, &chosen.path));
        }
        None => match find_policy::find(None, repository) {
            Err(undecided) => warnings.push(Warning::new(
                format!("every push will be refused: {}", undecided.why),
                format!("write a policy, then: refwarden install --policy FILE {dir} (refwarden init prints one to begin with)"),
            )),
            Ok(found) => match parse::parse(&found.name, &found.bytes) {
                Err(_) => warnings.push(Warning::new(
                    format!("every push will be refused: the policy `{}` does not load", found.name),
                    if found.in_ref.is_some() {
                        format!("git --git-dir {dir} show {} | refwarden check -", found.name)
                    } else {
                        format!("refwarden check {}", found.name)
                    },
                )),
                Ok(policy) => warnings.extend(of_policy(place, given, repository, &policy, &found.name)),
            },
        },
    }
    warnings.extend(named_elsewhere(place, repository, chosen));
    if git(place, &["config", "--get", "receive.denyCurrentBranch"])
        .is_ok_and(|(_, value)| value.trim_ascii().eq_ignore_ascii_case(b"updateInstead"))
    {
        warnings.push(Warning::new(
            "pushed files reach the work tree (`receive.denyCurrentBranch`): a pushed folder with `HEAD`, `refs` and `objects` is a git directory, and a push to its path runs no hook of this repository",
            format!("see that clients can push to `{}` itself and to no folder in it", given.display()),
        ));
    }
    if !switch(place, "receive.fsckObjects").or_else(|| switch(place, "transfer.fsckObjects")).unwrap_or(false) {
        warnings.push(Warning::new(
            "git does not check what is pushed: `receive.fsckObjects` is off",
            format!("git --git-dir {dir} config receive.fsckObjects true"),
        ));
    }
    if switch(place, "hook.pre-receive.enabled") == Some(false) {
        warnings.push(Warning::new(
            "`hook.pre-receive.enabled` is false: git 2.54 and later may not run the hook",
            format!("git --git-dir {dir} config --unset-all hook.pre-receive.enabled"),
        ));
    }
    warnings
}

/// What a policy leaves open in this repository: who pushes, its names, what `HEAD` names, and patterns that match less or more than they
/// read.
fn of_policy(place: &Place, given: &Path, repository: &Repository, policy: &Policy, name: &str) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if policy.server.identity.is_none() {
        warnings.push(no_identity(name));
    }
    warnings.extend(names(policy, given, repository));
    match Refs::open(repository).and_then(|refs| head::of_repository(policy, repository, &refs)) {
        Ok(notices) => warnings.extend(notices.into_iter().map(|notice| {
            let help =
                notice.help.replace("git symbolic-ref", &format!("git --git-dir {} symbolic-ref", place.common_dir.display()));
            Warning::new(sanitize(&notice.message), sanitize(&help))
        })),
        Err(undecided) => warnings.push(Warning::new(
            format!("every push will be refused: {}", sanitize(&undecided.why)),
            undecided.help.unwrap_or_else(|| "look at `HEAD` and the refs of the repository: git fsck".to_owned()),
        )),
    }
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    for finding in lint::lint(policy, today).into_iter().filter(|finding| lint::MISREAD.contains(&finding.id)) {
        let message = format!("{}:{}: {}", sanitize(name), finding.at.line, finding.message);
        warnings.push(Warning::new(message, finding.help.unwrap_or_default()));
    }
    warnings
}

/// What a policy understands the repository to be called.
fn names(policy: &Policy, dir: &Path, repository: &Repository) -> Vec<Warning> {
    if !policy.server.identity.as_ref().is_some_and(Identity::names_by_path) {
        return Vec::new();
    }
    let path = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let names = match RepositoryNames::by_path(&policy.server, repository, [path.as_path()]) {
        Ok(names) => names,
        Err(undecided) => {
            let help = undecided.help.unwrap_or_else(|| "correct `[server] root`".to_owned());
            return vec![Warning::new(format!("every push will be refused: {}", undecided.why), help)];
        }
    };
    let by_link_only = |ruleset: &&Ruleset| {
        let all = std::iter::once(&names.name).chain(&names.others).map(String::as_str);
        ruleset.enforcement != Enforcement::Disabled
            && !ruleset.repositories.includes(&names.name).unwrap_or(true)
            && ruleset.repositories.includes_any(all).unwrap_or(true)
    };
    let warning = |ruleset: &Ruleset| {
        Warning::new(
            format!(
                "ruleset `{}` judges only pushes through the link `{}`: the repository's own name is `{}`",
                ruleset.name,
                dir.display(),
                names.name
            ),
            format!("write `{}` in its `repositories`", names.name),
        )
    };
    policy.rulesets.iter().filter(by_link_only).map(warning).collect()
}

/// A policy that git's configuration names where the hook does not look.
fn named_elsewhere(place: &Place, repository: &Repository, chosen: Option<&Chosen>) -> Option<Warning> {
    if chosen.is_some() || repository.policy.file.is_some() {
        return None;
    }
    let (true, found) = git(place, &["config", "-z", "--show-origin", "--get", "refwarden.policy"]).ok()? else { return None };
    let mut fields = found.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let (origin, value) = (fields.next()?, fields.next()?);
    Some(Warning::new(
        format!("the hook does not read `refwarden.policy` = `{value}` in `{}`", origin.trim_start_matches("file:")),
        format!("set it in the repository: git --git-dir {} config refwarden.policy FILE", place.common_dir.display()),
    ))
}

fn no_identity(policy: &str) -> Warning {
    Warning::new(
        format!("every push will be refused: the policy `{policy}` does not say who pushes"),
        "set `[server] identity` to what serves the repository, for example \"ssh\"",
    )
}
