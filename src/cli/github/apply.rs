//! `refwarden github apply`: carries out a plan, and nothing else.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::connect::{CANNOT_TELL, Connect};
use super::survey::{of_policy, progress, survey};
use crate::cli::check::{parse_policy, read_policy};
use crate::cli::{Failure, Result};
use crate::github::Selection;
use crate::github::apply::survey::Survey;
use crate::github::apply::{Apply as Applying, Direction, Failed, Journal, Outcome, Report, journal::BadJournal};
use crate::github::client::Client;
use crate::github::plan::limits::Limits;
use crate::github::plan::{Change, Plan};
use crate::policy::Policy;
use crate::policy::parse::digest;
use crate::report::plan::{parse, terminal};
use crate::report::text::plain;

/// Carry out a plan on GitHub, or take one up again or back that stopped in the middle
///
/// Reads once more what the plan is about and makes the plan anew: where GitHub or the policy has changed since, nothing is
/// written. Then saves what there is, notes each change before it is sent, and reads it back after. A change that asks for less
/// needs --allow-weaken.
///
/// Exit codes: 0 everything is as planned, 1 refused, or something is not as planned, 2 the command line, the policy or the plan is
/// wrong, 3 something could not be told: --resume goes on, --rollback goes back.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden github plan --policy policy.toml --out plan.json
  refwarden github apply plan.json
  refwarden github apply plan.json --yes --max-changes 200
  refwarden github apply --resume
  refwarden github apply --rollback")]
pub(super) struct Apply {
    /// The plan, written by `refwarden github plan --out`
    #[arg(value_name = "PLAN", required_unless_present_any = ["resume", "rollback"])]
    plan: Option<PathBuf>,
    /// The policy; the one that the plan names when it is not given
    #[arg(long, value_name = "FILE", conflicts_with = "rollback")]
    policy: Option<PathBuf>,
    /// Go on with a run that stopped: the newest, or the one of this folder
    #[arg(long, value_name = "RUN", num_args = 0..=1, conflicts_with_all = ["plan", "rollback"])]
    resume: Option<Option<PathBuf>>,
    /// Go back to what there was before a run: the newest, or the one of this folder
    #[arg(long, value_name = "RUN", num_args = 0..=1, conflicts_with_all = ["plan", "resume"])]
    rollback: Option<Option<PathBuf>>,
    /// Where runs are kept, each in a folder of its own: the plan, what there was before, and the journal
    #[arg(long, value_name = "DIR", default_value = "refwarden-backup")]
    backup: PathBuf,
    /// Make changes after which GitHub asks for less
    #[arg(long)]
    allow_weaken: bool,
    /// Refuse a plan with more changes
    #[arg(long, value_name = "N", default_value_t = Limits::default().changes)]
    max_changes: u64,
    /// Where more than 10 repositories were looked at, refuse a plan that changes more of a hundred
    #[arg(long, value_name = "N", default_value_t = Limits::default().percent)]
    max_percent: u64,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    connect: Connect,
}

/// The exit code of what is refused.
const REFUSED: u8 = 1;

impl Apply {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        match (&self.plan, &self.resume, &self.rollback) {
            (Some(file), _, _) => {
                let file = file.clone();
                self.begin(&file, out)
            }
            (_, Some(run), _) => {
                let run = run.clone();
                self.resume(run.as_deref(), out)
            }
            (_, _, Some(run)) => {
                let run = run.clone();
                self.roll_back(run.as_deref(), out)
            }
            (None, None, None) => Err(Failure::new("which plan?").help("refwarden github plan --policy FILE --out plan.json")),
        }
    }

    fn begin(self, file: &Path, out: &mut dyn Write) -> Result<u8> {
        let planned = read_plan(file)?;
        let policy = self.policy_of(&planned, file)?;
        of_policy(&policy)?;
        // Before anything is read, and once more when the run begins.
        if let Some(run) = Journal::unfinished(&self.backup, &planned.owner).map_err(|bad| unusable(&bad))? {
            return Err(unusable(&BadJournal::Unfinished(run)));
        }
        let limits = Limits { weaken: self.allow_weaken, changes: self.max_changes, percent: self.max_percent };
        refuse_over(&limits, &planned)?;
        if planned.changes.is_empty() {
            write!(out, "{}", terminal::render(&planned, true))?;
            return Ok(super::plan::exit_code(&planned));
        }
        let selection = places(&planned)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let client = self.client(&planned)?;
            let Survey { plan: now, before, most } = survey(&client, &policy, &selection, planned.migrate).await?;
            refuse_owner(&planned, &now)?;
            refuse_stale(&planned, &now)?;
            // What is carried out is what was read just now: that it is the same was found out above.
            let plan = planned.as_read_now(now, most);
            refuse_over(&limits, &plan)?;
            write!(out, "{}", terminal::render(&plan, true))?;
            writeln!(out, "policy {} ({})", plain(&plan.policy.file), plain(&plan.policy.digest))?;
            confirm(self.yes, &plan, "Carry it out?", out)?;
            let mut journal = Journal::create(&self.backup, &plan, &before, Timestamp::now()).map_err(|bad| unusable(&bad))?;
            let report = carry_out(&client, &mut journal, Direction::Forward, None, out).await?;
            writeln!(out, "{}", client.cost())?;
            let code = close(&report, &journal, Direction::Forward, out)?;
            // What the plan could not do is not done.
            Ok(if code == 0 { unplanned(&plan) } else { code })
        })
    }

    /// Goes on with a run that stopped. What is left of it must be what the policy asks for now: a run's folder may be anybody's,
    /// and things may have changed since.
    fn resume(self, run: Option<&Path>, out: &mut dyn Write) -> Result<u8> {
        let mut journal = self.journal(run)?;
        let plan = journal.plan().clone();
        if journal.is_taken_back() {
            return Err(Failure::new(format!("`{}` was taken back", journal.folder().display()))
                .help("plan again: refwarden github plan --policy FILE --out plan.json")
                .code(REFUSED));
        }
        let policy = self.policy_of(&plan, journal.folder())?;
        let selection = places(&plan)?;
        writeln!(out, "goes on with {} of {}", journal.folder().display(), plain(&plan.owner))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let client = self.client(&plan)?;
            let Survey { plan: now, most, .. } = survey(&client, &policy, &selection, plan.migrate).await?;
            refuse_owner(&plan, &now)?;
            let (asked, rest) = (plan.asked(&now), unplanned(&now));
            let left = now.only_ends_of(&plan);
            let limits = Limits { weaken: self.allow_weaken, changes: self.max_changes, percent: self.max_percent };
            let shown = plan.as_left(left, most);
            refuse_over(&limits, &shown)?;
            write!(out, "{}", terminal::render(&shown, true))?;
            confirm(self.yes, &shown, "Go on?", out)?;
            let report = carry_out(&client, &mut journal, Direction::Forward, Some(asked), out).await?;
            writeln!(out, "{}", client.cost())?;
            let code = close(&report, &journal, Direction::Forward, out)?;
            Ok(if code == 0 { rest } else { code })
        })
    }

    /// Goes back to what there was before a run.
    fn roll_back(self, run: Option<&Path>, out: &mut dyn Write) -> Result<u8> {
        if run.is_none() && self.yes {
            return Err(Failure::new("which run is taken back without a question?")
                .help("name its folder: --rollback RUN --yes")
                .code(REFUSED));
        }
        let mut journal = self.journal(run)?;
        let plan = journal.plan().clone();
        writeln!(out, "takes back {} of {}", journal.folder().display(), plain(&plan.owner))?;
        write!(out, "{}", terminal::render_back(&plan, |index| journal.is_begun(index) && !journal.is_restored(index), true))?;
        confirm(self.yes, &plan, "Go back to what there was before?", out)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let client = self.client(&plan)?;
            let report = carry_out(&client, &mut journal, Direction::Back, None, out).await?;
            writeln!(out, "{}", client.cost())?;
            close(&report, &journal, Direction::Back, out)
        })
    }

    /// GitHub, if it is the one that the plan is for.
    fn client(&self, plan: &Plan) -> Result<Client> {
        let client = self.connect.client(Some(&plan.api_url))?;
        if client.host().to_string() != plan.api_url {
            let why = format!("the plan is for `{}`, and not for `{}`", plain(&plan.api_url), client.host());
            return Err(Failure::new(why).help("plan again, or pass the plan's --api-url").code(REFUSED));
        }
        Ok(client)
    }

    /// The policy, if it is still the one that the plan was made from.
    fn policy_of(&self, planned: &Plan, file: &Path) -> Result<Policy> {
        let named = PathBuf::from(&planned.policy.file);
        // Beside the plan is where it is looked for, too: a plan travels from one job to another.
        let beside = file.parent().map(|folder| folder.join(&named)).filter(|path| path.is_file());
        let path = self.policy.clone().or_else(|| named.is_file().then_some(named.clone())).or(beside).unwrap_or(named);
        let (name, bytes) = read_policy(&path)?;
        // The plan names the file: of one that it was not made from nothing is shown, not even what is wrong with it.
        if digest(&bytes) != planned.policy.digest {
            let why = format!("the policy `{}` is another one than the plan was made from", plain(&name));
            return Err(Failure::new(why).help("plan again, and look at the new plan").code(REFUSED));
        }
        parse_policy(&name, &bytes)
    }

    fn journal(&self, run: Option<&Path>) -> Result<Journal> {
        let none = || {
            Failure::new(format!("there is no run in `{}`", self.backup.display())).help("name its folder, or pass --backup DIR")
        };
        let folder = match run {
            Some(run) => run.to_owned(),
            None => Journal::newest_run(&self.backup).map_err(|bad| unusable(&bad))?.ok_or_else(none)?,
        };
        Journal::open(&folder).map_err(|bad| unusable(&bad))
    }
}

fn read_plan(file: &Path) -> Result<Plan> {
    let bytes = std::fs::read(file).map_err(|error| {
        Failure::new(format!("cannot read the plan `{}`: {error}", file.display()))
            .help("refwarden github plan --policy FILE --out plan.json writes one")
    })?;
    parse(&bytes).map_err(|why| {
        Failure::new(format!("`{}` is no plan that can be read: {}", file.display(), plain(&why)))
            .help("refwarden github plan --policy FILE --out plan.json writes one")
    })
}

fn unusable(bad: &BadJournal) -> Failure {
    let help = match bad {
        BadJournal::Locked(_) => "wait until it ends, or use another --backup DIR for another owner",
        BadJournal::Unfinished(_) => {
            "refwarden github apply --resume goes on with it, --rollback takes it back; once someone has seen to what neither can, \
             remove its folder"
        }
        BadJournal::Public(_) => "look at its plan.json: name its folder if it is meant, and remove it if not",
        BadJournal::Io(..) => "nothing is written to GitHub without a journal: name a folder that can be written, --backup DIR",
        BadJournal::Unreadable(..) => "name the folder of a run that this version wrote",
    };
    let code = if matches!(bad, BadJournal::Locked(_) | BadJournal::Unfinished(_) | BadJournal::Public(_)) { REFUSED } else { 2 };
    Failure::new(plain(&bad.to_string())).help(help).code(code)
}

/// The repositories where something changes.
fn places(plan: &Plan) -> Result<Selection> {
    let mut selection = Selection::default();
    for target in plan.targets().into_iter().filter(|target| target.contains('/')) {
        selection = selection.and_repository(target).map_err(|bad| Failure::new(plain(&bad.to_string())))?;
    }
    Ok(selection)
}

/// Whose it is, is said by the policy.
fn refuse_owner(planned: &Plan, now: &Plan) -> Result<()> {
    if planned.owner == now.owner {
        return Ok(());
    }
    let (one, other) = (plain(&planned.owner), plain(&now.owner));
    Err(Failure::new(format!("the plan is for `{one}`, and the policy about `{other}`")).help("plan again").code(REFUSED))
}

fn refuse_stale(planned: &Plan, now: &Plan) -> Result<()> {
    let moved: Vec<String> = planned.moved_since(now).into_iter().map(|thing| plain(&thing.to_string()).into_owned()).collect();
    if moved.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("since it was planned, this has changed: {}", moved.join(", ")))
        .help("nothing was written; plan again, and look at the new plan")
        .code(REFUSED))
}

fn refuse_over(limits: &Limits, plan: &Plan) -> Result<()> {
    let over = limits.exceeded(plan);
    let Some(last) = over.last() else { return Ok(()) };
    let why: Vec<String> = over.iter().map(|one| plain(&one.why).into_owned()).collect();
    let help: Vec<&str> = over.iter().map(|one| one.help.as_str()).collect();
    let help = if over.len() == 1 { last.help.clone() } else { help.join("; ") };
    Err(Failure::new(format!("the plan is not carried out: {}", why.join("; "))).help(help).code(REFUSED))
}

fn confirm(yes: bool, plan: &Plan, question: &str, out: &mut dyn Write) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new("nobody is there to be asked").help("pass --yes if it is meant").code(REFUSED));
    }
    write!(out, "{question} This writes to {} [y/N] ", plain(&plan.owner))?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::new("nothing was written").code(REFUSED))
}

async fn carry_out(
    client: &Client,
    journal: &mut Journal,
    direction: Direction,
    asked: Option<BTreeMap<usize, Change>>,
    out: &mut dyn Write,
) -> Result<Report> {
    // A server on this machine needs no rest.
    let pace = if client.host().origin().starts_with("http://") { Duration::ZERO } else { Duration::from_secs(1) };
    let progress = progress("changes");
    let mut lines = Vec::new();
    let applying = Applying::new(client, journal, pace);
    let mut applying = match asked {
        Some(asked) => applying.only(asked),
        None => applying,
    };
    let report = applying
        .run(direction, |_, change, outcome| {
            progress.inc(1);
            progress.set_message(plain(&change.thing.to_string()).into_owned());
            let action = change.action().as_str();
            let what = match (outcome, direction) {
                (Outcome::Made, Direction::Forward) => format!("{action}: made"),
                (Outcome::Made, Direction::Back) => format!("{action}: taken back"),
                (Outcome::AlreadySo, _) => format!("{action}: was so already"),
                (Outcome::Failed(failed), _) => format!("{action}: \x1b[1;31mfailed\x1b[0m: {}", plain(&failed.to_string())),
            };
            lines.push(format!("{} {what}", plain(&change.thing.to_string())));
        })
        .await;
    progress.finish_and_clear();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(report)
}

/// Says how it ended, and where to go on.
fn close(report: &Report, journal: &Journal, direction: Direction, out: &mut dyn Write) -> Result<u8> {
    let run = journal.folder().display();
    let made = report.made();
    if report.is_complete() {
        match direction {
            Direction::Forward => {
                writeln!(out, "{made} made, and read back; to take them back: refwarden github apply --rollback {run}")?;
            }
            Direction::Back => writeln!(out, "{made} taken back, and read back")?,
        }
        return Ok(0);
    }
    if let Some(why) = &report.stopped {
        writeln!(out, "stopped: {}", plain(why))?;
    }
    writeln!(out, "{made} made; to go on: refwarden github apply --resume {run}{}", flags(journal.plan()))?;
    writeln!(out, "to go back: refwarden github apply --rollback {run}")?;
    let is_certain = report.stopped.is_none()
        && report
            .outcomes
            .iter()
            .all(|(_, outcome)| !matches!(outcome, Outcome::Failed(Failed::Unknown(_) | Failed::Unreadable(_))));
    Ok(if is_certain { REFUSED } else { CANNOT_TELL })
}

/// What has to be said once more to go on.
fn flags(plan: &Plan) -> String {
    let mut flags = String::new();
    let limits = Limits::default();
    if plan.changes.iter().any(Change::weakens) {
        flags.push_str(" --allow-weaken");
    }
    let sizes = Limits { weaken: true, ..limits };
    if sizes.exceeded(plan).iter().any(|over| over.help.contains("--max-")) {
        flags.push_str(&format!(" --max-changes {} --max-percent 100", plan.changes.len()));
    }
    flags
}

/// The exit code of what was in the plan and no change.
fn unplanned(plan: &Plan) -> u8 {
    match (plan.blocked.is_empty(), plan.cannot_tell.is_empty()) {
        (false, _) => REFUSED,
        (true, false) => CANNOT_TELL,
        (true, true) => 0,
    }
}
