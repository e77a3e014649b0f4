//! `refwarden install`: puts the hook in place, or takes it away.
//!
//! Everything that can be asked is asked before anything is touched, and no step leaves a moment without a hook: the new one
//! is written beside its place, run there, and then renamed over the old one. [`place`] is what lies in `hooks/`, [`binds`]
//! is whether git will run it.

mod binds;
mod chain;
mod place;

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Failure, Result};
use crate::policy::{DefaultBranch, Policy};
use crate::receive::refs::Refs;
use crate::receive::repository::Repository;
use crate::receive::sanitize::sanitize_bytes;
use chain::Way;
use place::{Hook, Place, Program};

/// Put the hook in place, keeping existing hooks in a chain
///
/// Copies the program `refwarden-pre-receive` to `hooks/pre-receive` of each repository. A hook that is there already is kept
/// as `hooks/refwarden-chained/pre-receive`, and runs whenever refwarden accepts a push: both must agree. A hook that runs
/// the parts in `hooks/pre-receive.d`, as those of Gitea and Forgejo do, stays in its place and gets refwarden as a part. A
/// hook that looks at its own path, and can go on in neither way, is refused. Running it again changes nothing, or upgrades
/// the hook.
///
/// Why it copies: git runs no hook, and accepts everything, where a link points at nothing. A copy cannot be lost by
/// removing, moving or upgrading the program elsewhere.
///
/// Exit codes: 0 in place, 2 not everywhere; what was refused is as it was before.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden install /srv/git/app.git
  refwarden install --policy /etc/refwarden/policy.toml /srv/git/*.git
  refwarden install --dry-run /srv/git/app.git
  refwarden install --uninstall /srv/git/app.git")]
pub(super) struct Install {
    /// The repositories, bare or not
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// What serves the repositories; other hosts, which keep hooks elsewhere, come later
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Host::Bare)]
    host: Host,
    /// Set `refwarden.policy` of each repository to this file, which must load
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The hook's program [default: `refwarden-pre-receive` beside this program]
    #[arg(long, value_name = "FILE")]
    hook: Option<PathBuf>,
    /// Make a symbolic link instead of a copy; if its target ever goes away, git accepts everything
    #[arg(long)]
    link: bool,
    /// Remove the hook and put the chained one back; `refwarden.policy` stays as it is
    #[arg(long, conflicts_with_all = ["policy", "hook", "link"])]
    uninstall: bool,
    /// Look at everything, change nothing, and print what would be done
    #[arg(long)]
    dry_run: bool,
}

/// What serves a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Host {
    /// Git itself, over ssh or http: the hook lies in the repository
    Bare,
}

/// A policy that was checked, and its absolute path.
struct Chosen {
    path: String,
    policy: Policy,
}

/// An absolute path without `.` and `..` to the same file. Links are followed only before a `..`: what a link leads to may be
/// replaced on purpose.
fn normal(path: &Path) -> std::io::Result<PathBuf> {
    let mut normal = PathBuf::new();
    for component in std::path::absolute(path)?.components() {
        match component {
            Component::ParentDir => {
                normal = std::fs::canonicalize(&normal)?;
                normal.pop();
            }
            component => normal.push(component),
        }
    }
    Ok(normal)
}

impl Chosen {
    fn load(path: &Path) -> Result<Chosen> {
        let policy = super::check::load_policy(path)
            .map_err(|failure| failure.help("nothing was touched; correct the policy, then install again"))?;
        let absolute = normal(path)?;
        let path = absolute.to_str().ok_or_else(|| {
            Failure::new(format!("the path `{}` is no UTF-8", absolute.display())).help("move the policy to such a path")
        })?;
        Ok(Chosen { path: path.to_owned(), policy })
    }
}

impl Install {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let Host::Bare = self.host;
        let chosen = self.policy.as_deref().map(Chosen::load).transpose()?;
        let program = if self.uninstall { None } else { Some(Program::find(self.hook.as_deref())?) };
        let mut failures = Vec::new();
        for dir in &self.dirs {
            let done = match &program {
                Some(program) => self.install(out, dir, program, chosen.as_ref()),
                None => uninstall(out, dir, self.dry_run),
            };
            failures.extend(
                done.err().map(|failure| Failure { message: format!("`{}`: {}", dir.display(), failure.message), ..failure }),
            );
        }
        let Some(last) = failures.pop() else { return Ok(0) };
        failures.iter().for_each(super::print_failure);
        Err(last)
    }

    fn install(&self, out: &mut dyn Write, dir: &Path, program: &Program, chosen: Option<&Chosen>) -> Result<()> {
        let place = Place::find(dir)?;
        let repository = Repository::open(&place.common_dir)?;
        binds::hooks_path(&place)?;
        binds::executable_there(&place)?;
        let before = place.look()?;
        let found = Found::of(&place, before)?;
        let moves = matches!(found.moves, Some(Way::Folder | Way::Part));
        let (way, unchanged) = (found.way, place.holds(found.ours(), program, self.link)? && !moves);

        let old_policy = chosen.map(|chosen| binds::policy_settings(&place).map(|old| (chosen, old))).transpose()?;
        let sets = old_policy.filter(|(chosen, old)| *old != [chosen.path.as_str()]);
        if !self.dry_run {
            let staged = if unchanged { None } else { Some(place.stage(program, self.link, way)?) };
            let chains = way == Way::Folder && (found.hook.is_foreign() || !place.chained().is_empty());
            if let Some(staged) = staged.as_ref().filter(|_| chains) {
                chain::prove(&place, staged)?;
            }
            let chained = if staged.is_some() && way == Way::Folder && found.hook.is_foreign() { place.chain()? } else { false };
            let set = sets.as_ref().map_or(Ok(()), |(chosen, _)| binds::set_policy(&place, &[&chosen.path]));
            let put = set.and_then(|()| staged.map_or(Ok(()), |staged| place.put(staged, program, way)));
            if let Err(failure) = put {
                // What was there still is: the rename is the last step.
                if chained {
                    place.unchain();
                }
                if let Some((_, old)) = &sets {
                    let old: Vec<_> = old.iter().map(String::as_str).collect();
                    let _ = binds::set_policy(&place, &old);
                }
                return Err(failure);
            }
            match found.moves {
                Some(Way::Part) => place.restore_dispatcher()?,
                Some(Way::Folder) => place.migrate()?,
                Some(Way::Nowhere(_)) | None => {}
            }
        }

        self.report(out, dir, &place, &found, unchanged, program)?;
        if let Some((chosen, _)) = &sets {
            let word = if self.dry_run { "would set" } else { "set" };
            writeln!(out, "  {word} `refwarden.policy` to `{}`", chosen.path)?;
        }
        let repository = if self.dry_run { repository } else { Repository::open(&place.common_dir)? };
        let mut warnings = binds::warnings(&place, dir, &repository, chosen, self.dry_run);
        if let Some(Way::Nowhere(word)) = found.moves {
            let (path, back) = (place.kept_before(), dir.display());
            warnings.push(binds::Warning::new(
                format!(
                    "the chained hook `{}` looks at its own path (`{word}`), and since an earlier version renamed it may pass over what it refused",
                    path.display()
                ),
                format!("put it back, let it do without `{word}`, and install again: refwarden install --uninstall {back}"),
            ));
        }
        if self.link {
            warnings.push(binds::Warning::new(
                format!("the hook is a link: git accepts everything once `{}` is gone", program.path.display()),
                "install without --link to copy the program",
            ));
        }
        if let Ok(DefaultBranch::NoBranches(head)) = Refs::open(&repository).and_then(|refs| refs.default_branch()) {
            let head = sanitize_bytes(head.as_bytes());
            writeln!(out, "  no branch exists yet; the first push should create `{head}`, which `HEAD` names")?;
        }
        for warning in warnings {
            writeln!(out, "  \x1b[1;33mwarning\x1b[0m: {}\n    help: {}", warning.message, warning.help)?;
        }
        Ok(())
    }

    fn report(
        &self,
        out: &mut dyn Write,
        dir: &Path,
        place: &Place,
        found: &Found,
        unchanged: bool,
        program: &Program,
    ) -> Result<()> {
        let (would, version) = (if self.dry_run { "would be " } else { "" }, &program.version);
        let (dir, before) = (dir.display(), found.ours());
        match before {
            _ if unchanged => writeln!(out, "{dir}: the hook is in place already ({version}); nothing to change")?,
            Hook::Ours { .. } => writeln!(out, "{dir}: the hook {would}replaced ({version})")?,
            Hook::None | Hook::Foreign { .. } => writeln!(out, "{dir}: the hook {would}installed ({version})")?,
        }
        if let Hook::Ours { dangling: true, .. } = before {
            writeln!(out, "  \x1b[1;33mwarning\x1b[0m: it was a dangling link: git accepted every push")?;
            writeln!(out, "    help: look at what was pushed meanwhile")?;
        } else if let Hook::Ours { executable: false, .. } = before {
            writeln!(
                out,
                "  \x1b[1;33mwarning\x1b[0m: not every account could run it: for one that could not, git accepted every push"
            )?;
            writeln!(out, "    help: look at what was pushed meanwhile")?;
        }
        match found.way {
            Way::Part => {
                writeln!(
                    out,
                    "  the hook `{}` stays, and runs refwarden as the part `{}`",
                    place.hook().display(),
                    place.part().display()
                )?;
            }
            _ if found.hook.is_foreign() => {
                writeln!(out, "  the hook that was there {would}kept as `{}`, and must accept too", place.kept().display())?;
            }
            _ => {
                let moved = found.moves == Some(Way::Folder);
                for chained in place.chained().iter().map(|path| if moved { place.kept() } else { path.clone() }) {
                    writeln!(out, "  the chained hook `{}` must accept too", chained.display())?;
                }
            }
        }
        if let Some(target) = &place.link {
            writeln!(out, "  `hooks` is a link to `{}`: every repository that shares it has this hook", target.display())?;
        }
        Ok(())
    }
}

/// What was found in a repository, and what is to become of it.
struct Found {
    /// What lies at `hooks/pre-receive`.
    hook: Hook,
    /// What lies at refwarden's place among a dispatcher's parts.
    part: Hook,
    /// Where refwarden goes.
    way: Way,
    /// What becomes of a hook that an earlier version renamed.
    moves: Option<Way>,
}

impl Found {
    fn of(place: &Place, hook: Hook) -> Result<Found> {
        let part = place.look_at_part()?;
        let before = place.kept_before();
        let mut found = Found { hook, part, way: Way::Folder, moves: None };
        // The dispatcher was seen to be one when the part was put there.
        if !(found.hook.is_foreign() && matches!(found.part, Hook::Ours { .. })) {
            place.may_replace(&found.hook)?;
        }
        if found.hook.is_foreign() {
            found.way = match chain::way(place, &place.hook())? {
                Way::Nowhere(word) => return Err(chain::nowhere(&place.hook(), word)),
                way => way,
            };
        } else if matches!(found.hook, Hook::Ours { .. }) && before.metadata().is_ok_and(|metadata| metadata.is_file()) {
            let way = chain::way(place, &before)?;
            found.moves = Some(way);
            if way == Way::Part {
                found.way = way;
            }
        }
        if found.way == Way::Part && found.part.is_foreign() {
            return Err(Failure::new(format!("`{}` is not refwarden's program", place.part().display()))
                .help("give it another name, then install again"));
        }
        if found.way == Way::Folder && found.hook.is_foreign() && matches!(found.part, Hook::Ours { .. }) {
            return Err(Failure::new(format!(
                "`{}` is there, and the hook `{}` does not obey it",
                place.part().display(),
                place.hook().display()
            ))
            .help("remove that part, or restore the hook that ran it, then install again"));
        }
        Ok(found)
    }

    /// What lies where refwarden goes.
    fn ours(&self) -> &Hook {
        if self.way == Way::Part { &self.part } else { &self.hook }
    }
}

/// Why git runs no hook of refwarden's in a repository, so that no push to it is judged. Only hooks that lie in the repository are
/// looked at; `None` where another program may run refwarden.
pub(super) fn not_in_place(dir: &Path) -> Option<String> {
    let place = match Place::find(dir) {
        Ok(place) => place,
        Err(failure) => return Some(failure.message),
    };
    if let Err(failure) = binds::hooks_path(&place) {
        return Some(failure.message);
    }
    let path = place.hook();
    match (place.look(), place.look_at_part()) {
        (Ok(Hook::Ours { executable: true, dangling: false, .. }), _) => None,
        (Ok(Hook::Ours { dangling: true, .. }), _) => Some(format!("`{}` is a dangling link", path.display())),
        (Ok(Hook::Ours { .. }), _) => Some(format!("not every account can run `{}`", path.display())),
        (Ok(Hook::Foreign { unfit: None }), Ok(Hook::Ours { executable: true, dangling: false, .. })) => None,
        (Ok(Hook::Foreign { unfit: Some((place::RUNS_US, _)) }), _) => None,
        (Ok(Hook::Foreign { unfit: Some((why, _)) }), _) => Some(format!("`{}` {why}", path.display())),
        (Ok(Hook::Foreign { unfit: None }), _) => Some(format!("`{}` is another program", path.display())),
        (Ok(Hook::None), _) => Some(format!("there is no `{}`", path.display())),
        (Err(failure), _) => Some(failure.message),
    }
}

fn uninstall(out: &mut dyn Write, dir: &Path, dry_run: bool) -> Result<()> {
    let place = Place::find(dir)?;
    let before = place.look()?;
    let would = if dry_run { "would be " } else { "" };
    if before.is_foreign() && matches!(place.look_at_part()?, Hook::Ours { .. }) {
        if !dry_run {
            place.remove_part()?;
        }
        writeln!(out, "{}: the part `{}` {would}removed; the other parts stay", dir.display(), place.part().display())?;
        return Ok(());
    }
    if before.is_foreign() {
        return Err(Failure::new(format!("`{}` is not refwarden's hook; it was not touched", place.hook().display()))
            .help("if it is to go, remove it yourself"));
    }
    let chained = !place.chained().is_empty();
    if !dry_run {
        place.remove(&before)?;
    }
    match (&before, chained) {
        (Hook::None, false) => writeln!(out, "{}: no hook is installed; nothing to change", dir.display())?,
        (Hook::None, true) => writeln!(out, "{}: the chained hook {would}put back", dir.display())?,
        (_, true) => writeln!(out, "{}: the hook {would}removed, the chained one {would}put back", dir.display())?,
        (_, false) => writeln!(out, "{}: the hook {would}removed; git accepts every push", dir.display())?,
    }
    Ok(())
}
