//! `refwarden import`: a first import in steps, opened and closed by the administrator of the server.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Failure, Result};
use crate::policy::{Policy, guard, parse};
use crate::receive::decision_log::DecisionId;
use crate::receive::import_state::{self, ImportState};
use crate::receive::repository::Repository;
use crate::receive::sanitize::sanitize;
use crate::receive::{decision_log_of, find_policy, preconditions};

/// Open or close an import in steps
///
/// Who is named in `[server] import` of the policy may fill a repository that has no refs, without being judged. To import
/// branches and tags by several pushes, or into a repository that has refs already, open the import: until it is closed or its
/// time is over, pushes by that actor are not judged, except by `allowed_refs` and for a policy that lives in the repository.
/// Opening and closing are written to the decision log, and so is every push.
///
/// The repository is that of the server: run this there, as the account that owns the repository.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden import open /srv/git/app.git --actor migration-bot --for 2h
  refwarden import status /srv/git/app.git
  refwarden import close /srv/git/app.git")]
pub(super) struct Import {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Open(Open),
    Close(Close),
    Status(Status),
}

/// Open an import for one actor and a limited time
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden import open /srv/git/app.git --actor migration-bot
  refwarden import open /srv/git/app.git --actor migration-bot --for 30m")]
struct Open {
    /// The repository
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Who may import; `[server] import` of the policy must name the actor, too
    #[arg(long, value_name = "NAME")]
    actor: String,
    /// For how long: minutes, hours or days, at most 7d
    #[arg(long = "for", value_name = "TIME", default_value = "2h", value_parser = time)]
    time: SignedDuration,
}

/// Close the import
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden import close /srv/git/app.git")]
struct Close {
    /// The repository
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Say whether an import is open
///
/// Exit codes: 0 none is open, 1 one is open, 2 it cannot be told.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden import status /srv/git/app.git")]
struct Status {
    /// The repository
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// The longest time: what is open is to be closed again.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

fn time(text: &str) -> Result<SignedDuration, String> {
    let help = || "write a time as `30m`, `2h` or `1d`, at most `7d`".to_owned();
    let digits = text.find(|character: char| !character.is_ascii_digit()).ok_or_else(help)?;
    let (number, unit) = text.split_at_checked(digits).ok_or_else(help)?;
    let seconds = match unit {
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return Err(help()),
    };
    let time = number.parse::<i64>().ok().and_then(|number| number.checked_mul(seconds)).map(SignedDuration::from_secs);
    time.filter(|time| *time > SignedDuration::ZERO && *time <= LONGEST).ok_or_else(help)
}

/// A repository and the policy that its hook reads.
struct Place {
    repository: Repository,
    policy: Policy,
}

impl Place {
    fn find(dir: &Path) -> Result<Place> {
        let repository = Repository::open(&super::explain::git_dir(dir))?;
        let found = find_policy::find(None, &repository)?;
        let mut policy = match parse::parse(&found.name, &found.bytes) {
            Ok(policy) => policy,
            Err(_) => super::check::load_policy(Path::new(&found.name))?,
        };
        if let Some((name, path)) = &found.in_ref {
            guard::guard(&mut policy, name, path).map_err(Failure::new)?;
        }
        Ok(Place { repository, policy })
    }

    /// Writes to the decision log that the import was opened or closed.
    fn log(&self, event: &str, actor: Option<&str>, until: Option<Timestamp>, now: Timestamp) -> Result<()> {
        let by = format!("uid {}", rustix::process::getuid().as_raw());
        let mut body = Map::new();
        body.insert("time".to_owned(), json!(format!("{now:.3}")));
        body.insert("repository".to_owned(), Value::Null);
        body.insert("actor".to_owned(), json!(actor));
        body.insert("decision".to_owned(), Value::Null);
        body.insert("cause".to_owned(), Value::Null);
        let until = until.map(|until| until.to_string());
        body.insert("event".to_owned(), json!({ "what": event, "until": until, "by": by }));
        body.insert("updates".to_owned(), json!([]));
        body.insert("evaluations".to_owned(), json!([]));
        body.insert("policy".to_owned(), json!({ "file": self.policy.file, "digest": self.policy.digest }));
        body.insert("work".to_owned(), json!({ "commits": 0, "objects": 0, "paths": 0, "milliseconds": 0.0 }));
        let log = decision_log_of(&self.policy.server.decision_log, &self.repository)?;
        Ok(log.append(&DecisionId::new(now), &body)?)
    }
}

impl Import {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        match self.command {
            Command::Open(command) => command.run(out),
            Command::Close(command) => command.run(out),
            Command::Status(command) => command.run(out),
        }
    }
}

impl Open {
    fn run(self, out: &mut dyn Write) -> Result<u8> {
        let place = Place::find(&self.dir)?;
        let dir = self.dir.display();
        preconditions::check(&place.policy, &place.repository, &self.actor)?;
        let actor = sanitize(&self.actor);
        if !place.policy.server.import.contains(&self.actor) {
            return Err(Failure::new(format!("the policy `{}` does not let `{actor}` import", place.policy.file))
                .help(format!("name the actor in it: [server] import = [\"{actor}\"]")));
        }
        let now = Timestamp::now();
        if let Some(open) = import_state::read(&place.repository)?.filter(|open| now < open.until) {
            return Err(Failure::new(format!("an import is open already, for `{}` until {}", sanitize(&open.actor), open.until))
                .help(format!("close it first: refwarden import close {dir}")));
        }
        let until = now.checked_add(self.time).map_err(|error| Failure::new(error.to_string()))?;
        let state = ImportState { actor: self.actor.clone(), opened: now, until };
        // First the log: what is open was logged.
        place.log("import_opened", Some(&self.actor), Some(until), now)?;
        write(&place.repository, &state)?;
        writeln!(out, "{dir}: pushes by `{actor}` are not judged until {until:.0}")?;
        writeln!(out, "  close it when the import is done: refwarden import close {dir}")?;
        Ok(0)
    }
}

/// Writes the state beside its place and renames it.
fn write(repository: &Repository, state: &ImportState) -> Result<()> {
    let path = import_state::path(repository);
    let failed = |error: std::io::Error| {
        Failure::new(format!("cannot write `{}`: {error}", path.display())).help("run it as the account that owns the repository")
    };
    let folder = path.parent().unwrap_or(&repository.common_dir);
    let mut file = tempfile::Builder::new().prefix(".import.").tempfile_in(folder).map_err(failed)?;
    file.write_all(state.to_json(repository).as_bytes()).map_err(failed)?;
    // Every account that receives pushes must read it, and only its owner change it.
    file.as_file().set_permissions(Permissions::from_mode(0o644)).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

impl Close {
    fn run(self, out: &mut dyn Write) -> Result<u8> {
        let repository = Repository::open(&super::explain::git_dir(&self.dir))?;
        let dir = self.dir.display();
        let path = import_state::path(&repository);
        // Whatever it holds, it goes; only the log wants to know.
        let state = import_state::read(&repository).ok().flatten();
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                writeln!(out, "{dir}: no import is open; nothing to change")?;
                return Ok(0);
            }
            Err(error) => {
                return Err(Failure::new(format!("cannot remove `{}`: {error}", path.display()))
                    .help("run it as the account that owns the repository"));
            }
        }
        writeln!(out, "{dir}: the import is closed; every push is judged")?;
        out.flush()?;
        Place::find(&self.dir)
            .and_then(|place| {
                place.log("import_closed", state.as_ref().map(|state| state.actor.as_str()), None, Timestamp::now())
            })
            .map_err(|failure| Failure { message: format!("it cannot be logged: {}", failure.message), ..failure })?;
        Ok(0)
    }
}

impl Status {
    fn run(self, out: &mut dyn Write) -> Result<u8> {
        let repository = Repository::open(&super::explain::git_dir(&self.dir))?;
        let (dir, now) = (self.dir.display(), Timestamp::now());
        match import_state::read(&repository)? {
            Some(state) if state.lets(&state.actor, now) => {
                writeln!(out, "{dir}: open for `{}` until {:.0}", sanitize(&state.actor), state.until)?;
                return Ok(1);
            }
            Some(state) if now >= state.until => writeln!(out, "{dir}: closed; the time was over at {:.0}", state.until)?,
            Some(state) => {
                writeln!(out, "{dir}: closed; it was opened at {:.0}, which is still to come: see the clock", state.opened)?
            }
            None => writeln!(out, "{dir}: closed")?,
        }
        Ok(0)
    }
}
