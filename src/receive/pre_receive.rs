//! The hook: environment and standard input in, exit code and message out. Whatever goes wrong on the way refuses.
//!
//! A push is judged on a thread of its own, for two reasons: its stack is large enough for the deepest tree that is read,
//! whatever `ulimit -s` says, and the thread that waits for it can answer when it does not come back, as libgit2 does not from
//! some damaged objects.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::chained::run_chained;
use super::decision_log::{self, DecisionId, DecisionLog, LogError, Owner, Places, Sharing};
use super::environment::Environment;
use super::head::{self, Notice};
use super::host_mark::host_marks;
use super::judge::{Judged, Push, judge_telling};
use super::message::{self, About};
use super::objects::{Counters, Objects, Work, over_budget};
use super::refs::Refs;
use super::repository::Repository;
use super::{find_policy, import_state, preconditions, stdin};
use crate::git::RefUpdate;
use crate::policy::{Budget, DecisionLogSettings, Identity, Policy, guard, parse};
use crate::push::{Cause, Undecided};
use crate::rules::LISTED;
use crate::verdict::{AsksAboutDefault, Decision, PushedUpdate, Verdict, json as verdict_json};

/// How the hook was called.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--policy`: the policy's file.
    pub policy: Option<PathBuf>,
}

/// What the hook answers.
#[derive(Debug)]
pub struct Answer {
    /// The lines for the pusher.
    pub lines: Vec<String>,
    /// The exit code: 0 accepted, 1 refused, 2 could not decide.
    pub code: u8,
}

/// The stack of the thread that judges. Only what is used of it is taken.
const STACK: usize = 64 << 20;
/// How much longer than its budget of time judging may take before it is not waited for any more.
const GRACE: Duration = Duration::from_millis(500);

/// Everything known about a push so far, for the log.
#[derive(Default, Clone)]
struct Record {
    log: Option<DecisionLog>,
    /// Where the log is, as the policy writes it, to be remembered when a record is there.
    place: Option<(Places, String)>,
    /// The time that the log may be waited for, until there is a policy to say.
    time: Duration,
    /// An append has failed already.
    log_failed: bool,
    wants_json: bool,
    prefix: &'static str,
    repository: Option<String>,
    actor: Option<String>,
    display: Option<String>,
    policy: Option<(String, String)>,
    updates: Arc<Vec<RefUpdate>>,
    judged: bool,
    chained: Option<i32>,
    /// How long the chained hook has taken, which no budget counts.
    elsewhere: Duration,
    /// What judging costs, once it has begun: every clone of the record sees it grow.
    counters: Arc<OnceLock<Arc<Counters>>>,
}

impl Record {
    fn work(&self) -> Work {
        self.counters.get().map(|counters| counters.work()).unwrap_or_default()
    }

    /// Writes the line of this push. The log is waited for no longer than the push may take, and long enough for others to end
    /// theirs.
    fn append(&mut self, case: Case, mut body: Map<String, Value>) -> Result<(), LogError> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let left = self.time.saturating_sub(case.started.elapsed().saturating_sub(self.elsewhere)).max(GRACE);
        // Who could not be waited for a moment ago is not waited for again.
        log.patience = if self.log_failed { Duration::ZERO } else { left };
        decision_log::fit(&mut body);
        let appended = log.append(&case.id, &body);
        self.log_failed |= appended.is_err();
        // The record is there. That its place is not listed keeps `refwarden log` from finding it only when the policy names another.
        if appended.is_ok()
            && let Some((places, place)) = &self.place
            && let Err(error) = places.remember(place, log.sharing, log.owner)
        {
            tracing::warn!(%error, "cannot list the place of the decision log");
        }
        appended
    }
}

/// One push being judged, apart from what is known about it.
#[derive(Clone, Copy)]
struct Case {
    id: DecisionId,
    now: Timestamp,
    started: Instant,
}

/// What the thread that judges tells the one that waits.
enum Progress {
    /// The limit is earlier than when it would have looked.
    Sooner,
    /// The answer.
    Answered(Answer),
}

/// Judging must be done by then, or this is the answer.
type Limit = (Instant, Box<dyn FnOnce() -> Answer + Send>);

/// How the thread that judges is watched; not at all when there is nobody who waits.
///
/// Waking the other thread costs a small push more than judging it, so it is not told of limits: it looks when the default
/// budget would be spent.
struct Watch {
    waiting: Option<Sender<Progress>>,
    limit: Arc<Mutex<Option<Limit>>>,
    /// When the waiting thread looks at the limit for the first time.
    looks_at: Instant,
    /// Whoever sets it first decides: the thread that judges when it is done, the one that waits when it is too late.
    decided: Arc<AtomicBool>,
}

fn locked(limit: &Mutex<Option<Limit>>) -> MutexGuard<'_, Option<Limit>> {
    // A panic while it was held left either limit whole.
    limit.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    fn new(waiting: Option<Sender<Progress>>) -> Watch {
        let looks_at = Instant::now() + Budget::default().time + GRACE;
        Watch { waiting, limit: Arc::default(), looks_at, decided: Arc::default() }
    }

    /// From now on there is only so much time.
    fn allow(&self, time: Duration, case: Case, record: &Record) {
        let Some(waiting) = &self.waiting else { return };
        let Some(deadline) = time.checked_add(GRACE).and_then(|time| Instant::now().checked_add(time)) else { return };
        let record = record.clone();
        let too_late = move || {
            let mut why = over_budget(&format!("{} ms", time.as_millis()), "time", record.work(), case.started.elapsed());
            why.why.push_str(", and judging has not come to an end");
            let help = why.help.unwrap_or_default();
            why.help = Some(format!("{help}; if the push is small, ask for a `git fsck` of the server's repository"));
            undecided(record, &why, case)
        };
        *locked(&self.limit) = Some((deadline, Box::new(too_late)));
        if deadline < self.looks_at {
            // Nobody waits any more: then nobody needs to know.
            let _ = waiting.send(Progress::Sooner);
        }
    }

    /// From now on this is the answer when the time is over: what can refuse the push has been judged to the end.
    fn settle(&self, answer: impl FnOnce() -> Answer + Send + 'static) {
        if let Some((_, late)) = &mut *locked(&self.limit) {
            *late = Box::new(answer);
        }
    }

    /// The push is judged, in time or not: if not, the other thread has answered and the program is about to end.
    fn done(&self) {
        while self.decided.swap(true, Ordering::SeqCst) {
            std::thread::park();
        }
    }
}

/// Judges one push.
pub fn pre_receive(options: &Options, environment: &Environment, input: &mut dyn Read, now: Timestamp) -> Answer {
    watched(options, environment, input, now, &Watch::new(None)).0
}

/// What a push was judged by. Giving it back takes time that a program which is about to end need not spend.
type JudgedBy = (Policy, Refs, Objects);

fn watched(
    options: &Options,
    environment: &Environment,
    input: &mut dyn Read,
    now: Timestamp,
    watch: &Watch,
) -> (Answer, Option<JudgedBy>) {
    let case = Case { id: DecisionId::new(now), now, started: Instant::now() };
    let mut record =
        Record { wants_json: environment.push_options().contains(&b"refwarden=json".as_slice()), ..Record::default() };
    record.time = Budget::default().time;
    match decide(options, environment, input, case, &mut record, watch) {
        Ok((answer, by)) => (answer, Some(by)),
        Err(why) => {
            // Until it was done somebody may have waited in vain.
            if !record.judged {
                watch.done();
            }
            (undecided(record, &why, case), None)
        }
    }
}

/// The answer to a push that could not be judged, which is logged where there is a log. Only a decision that is in the log has an
/// id: else somebody would look for it there.
fn undecided(mut record: Record, why: &Undecided, case: Case) -> Answer {
    let body = undecided_body(&record, why, case.now, case.started);
    // What could not be written a moment ago, and is the cause, is not said twice.
    let said = record.log_failed;
    let failed = record.append(case, body).err().map(|error| error.to_string());
    let id = (record.log.is_some() && failed.is_none()).then(|| case.id.to_string());
    let mut lines = message::render_undecided(why, id.as_deref());
    // The refusal stands; a log that cannot be written only adds to its causes.
    lines.extend(
        failed
            .filter(|_| !said)
            .map(|error| format!("refwarden: the decision cannot be logged: {}", super::sanitize::sanitize(&error))),
    );
    answer(&record, lines, || message::render_undecided_json(why, id.as_deref()), Decision::Undecided.exit_code())
}

fn answer(record: &Record, mut lines: Vec<String>, json: impl FnOnce() -> String, code: u8) -> Answer {
    if record.wants_json {
        lines.push(json());
    }
    if !record.prefix.is_empty() {
        for line in &mut lines {
            line.insert_str(0, record.prefix);
        }
    }
    Answer { lines, code }
}

/// What a push came to, apart from the policy that it was judged by.
struct Settled {
    verdict: Verdict,
    updates: Vec<PushedUpdate>,
    import: bool,
    /// Bypass entries that name the pusher and no longer count: the actor, and the policy's line.
    expired: Vec<(String, usize)>,
    work: Work,
    may_import: bool,
    asks: AsksAboutDefault,
    notices: Vec<Notice>,
}

impl From<Judged<'_>> for Settled {
    fn from(judged: Judged<'_>) -> Settled {
        let Judged { verdict, updates, import, may_import, expired, asks, notices, work } = judged;
        let expired = expired.iter().map(|bypass| (bypass.actor.clone(), bypass.at.line)).collect();
        Settled { verdict, updates, import, may_import, expired, asks, notices, work }
    }
}

fn decide(
    options: &Options,
    environment: &Environment,
    input: &mut dyn Read,
    case: Case,
    record: &mut Record,
    watch: &Watch,
) -> Result<(Answer, JudgedBy), Undecided> {
    let now = case.now;
    let repository = Repository::open_shared(&environment.git_dir()?)?;
    record.log = Some(decision_log(&DecisionLogSettings::default(), &repository)?);
    let places = Places::read(&repository.common_dir).map_err(|error| Undecided::new(error.to_string()).help(error.help()))?;
    // Until a policy says where the log is, it is where it was.
    record.log = Some(decision_log(&DecisionLogSettings { path: places.last(), ..DecisionLogSettings::default() }, &repository)?);
    environment.refuse_views()?;
    let raw = stdin::read(input)?;
    let updates = stdin::parse(&raw, repository.format)?;
    record.updates = Arc::new(updates.clone());
    // Only now, so that the log of the repository tells of it.
    repository.refuse_worktree()?;
    watch.allow(Budget::default().time, case, record);
    let policy = load_policy(options.policy.as_deref(), &repository, record)?;
    record.log = Some(decision_log(&policy.server.decision_log, &repository)?);
    record.place = Some((places, policy.server.decision_log.path.clone()));
    record.time = policy.server.budget.time;
    let identity = preconditions::identity(&policy)?;
    if *identity == Identity::Gitlab {
        record.prefix = "GL-HOOK-ERR: ";
    }
    environment.check_git_dir(identity)?;
    let actor = environment.actor(identity)?;
    record.actor = Some(actor.name.clone());
    record.display.clone_from(&actor.display);
    preconditions::check(&policy, &repository, &actor.name)?;
    let names = environment.repository(&policy, &repository)?;
    record.repository = Some(names.name.clone());
    watch.allow(policy.server.budget.time, case, record);
    let refs = Refs::open(&repository)?;
    let quarantine = environment.quarantine(identity, &repository)?;
    let objects = Objects::open(&repository.common_dir, quarantine.as_deref(), repository.format, policy.server.budget)?;
    let _ = record.counters.set(objects.counters());
    let marks = host_marks(Some(identity), environment, &updates)?;
    let push = Push {
        policy: &policy,
        refs: &refs,
        objects: &objects,
        repository: names,
        actor: actor.name.clone(),
        now,
        updates,
        marks,
        import_open: import_state::is_open(&policy, &repository, &actor.name, now)?,
    };
    let judged = judge_telling(push, |judged| {
        if watch.waiting.is_none() {
            return;
        }
        let settled = Settled::from(judged);
        let (mut record, repository, environment, raw) = (record.clone(), repository.clone(), environment.clone(), raw.clone());
        watch.settle(move || {
            finish(settled, &repository, &environment, &raw, case, &mut record)
                .unwrap_or_else(|why| undecided(record, &why, case))
        });
    })?;
    watch.done();
    record.judged = true;
    let answer = finish(Settled::from(judged), &repository, environment, &raw, case, record)?;
    Ok((answer, (policy, refs, objects)))
}

/// Asks the chained hook, writes the log, and makes the answer of it.
fn finish(
    mut settled: Settled,
    repository: &Repository,
    environment: &Environment,
    raw: &[u8],
    case: Case,
    record: &mut Record,
) -> Result<Answer, Undecided> {
    repository.refuse_linked_refs(settled.updates.iter().flat_map(|pushed| &pushed.reached))?;
    settled.notices.extend(head::moved_by_checkout(repository, settled.asks));
    let id = case.id.to_string();
    let mut lines = Vec::new();
    let chained = Instant::now();
    if settled.verdict.decision == Decision::Accepted
        && let Some(code) = run_chained(repository, environment, raw)?
    {
        record.chained = Some(code);
        record.elsewhere = chained.elapsed();
        if code != 0 {
            settled.verdict.decision = Decision::Refused;
            lines.push(format!("refwarden: refused by the chained hook, which exited with {code}. decision {id}"));
        }
    }
    let body = judged_body(record, &settled, case.now, case.started);
    record.append(case, body).map_err(|error| {
        Undecided::new(format!("the decision cannot be logged: {error}")).cause(Cause::Server).help(error.help())
    })?;
    let file = short_file(record.policy.as_ref().map_or("", |(file, _)| file));
    let about = About {
        decision_id: &id,
        actor: record.display.as_deref().or(record.actor.as_deref()).unwrap_or_default(),
        policy_file: file,
        updates: &settled.updates,
    };
    if record.chained.is_none_or(|code| code == 0) {
        lines.extend(message::render(&settled.verdict, &about));
        lines.extend(settled.notices.iter().filter(|notice| notice.to_pusher).flat_map(message::render_notice));
    }
    for (_, line) in &settled.expired {
        if settled.verdict.decision != Decision::Accepted {
            lines.push(format!("refwarden: a bypass for you has expired ({}:{line})", super::sanitize::sanitize(file)));
        }
    }
    if settled.may_import && !settled.import && settled.verdict.decision != Decision::Accepted {
        lines.push(format!(
            "refwarden: the repository has refs, so the push was judged; for an import in steps, ask the administrator of the server to run: refwarden import open DIR --actor {}",
            super::sanitize::sanitize(record.actor.as_deref().unwrap_or_default())
        ));
    }
    let json = || message::render_json(&settled.verdict, &about);
    Ok(answer(record, lines, json, settled.verdict.decision.exit_code()))
}

fn load_policy(named: Option<&Path>, repository: &Repository, record: &mut Record) -> Result<Policy, Undecided> {
    let found = find_policy::find(named, repository)?;
    let mut policy = parse::parse(&found.name, &found.bytes).map_err(|problems| {
        let first = problems.first().map(|problem| problem.line(short_file(&found.name))).unwrap_or_default();
        Undecided::new(format!(
            "the policy `{}` does not load ({} in it): {first}",
            found.name,
            if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) }
        ))
        .cause(Cause::Policy)
        .help("run `refwarden check`, which shows every problem")
    })?;
    if let Some((name, path)) = &found.in_ref {
        guard::guard(&mut policy, name, path).map_err(|why| Undecided::new(why).cause(Cause::Policy))?;
    }
    record.policy = Some((policy.file.clone(), policy.digest.clone()));
    Ok(policy)
}

pub(crate) fn decision_log(settings: &DecisionLogSettings, repository: &Repository) -> Result<DecisionLog, Undecided> {
    let shared = repository.shared.as_deref().unwrap_or("false");
    let sharing = Sharing::parse(shared).ok_or_else(|| {
        Undecided::new(format!("`core.sharedRepository` = `{shared}` is not known here")).cause(Cause::Repository)
    })?;
    let owner = Owner::of(&repository.common_dir).map_err(|error| {
        Undecided::new(format!("cannot look at `{}`: {error}", repository.common_dir.display())).cause(Cause::Repository)
    })?;
    let path = repository.common_dir.join(&settings.path);
    if let Some(why) = unfit_log_path(&settings.path, repository) {
        return Err(Undecided::new(format!("the decision log cannot be `{}`: {why}", settings.path))
            .cause(Cause::Policy)
            .help("let `decision_log.path` name a file below `refwarden/` in the git directory, or one outside of it"));
    }
    Ok(DecisionLog { rotate: settings.rotate, keep: settings.keep, sharing, owner, ..DecisionLog::new(path) })
}

/// Why an absolute path is none for the log, when it turns out to lie in this repository's git directory. What a relative path
/// may be the policy's parser has said.
fn unfit_log_path(path: &str, repository: &Repository) -> Option<String> {
    let path = Path::new(path);
    if !path.is_absolute() {
        return None;
    }
    // The folder need not exist yet, and may be reached by a link.
    let (above, resolved) = path.ancestors().skip(1).find_map(|above| Some((above, std::fs::canonicalize(above).ok()?)))?;
    let path = resolved.join(path.strip_prefix(above).ok()?);
    [&repository.common_dir, &repository.git_dir]
        .into_iter()
        .find_map(|directory| parse::unfit_in_git_directory(&path.strip_prefix(directory).ok()?.to_string_lossy()))
}

fn short_file(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

fn body(record: &Record, decision: Decision, cause: Option<&str>, kind: Option<&str>, now: Timestamp) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("time".to_owned(), json!(format!("{now:.3}")));
    body.insert("repository".to_owned(), json!(record.repository));
    body.insert("actor".to_owned(), json!(record.actor));
    if let Some(display) = &record.display {
        body.insert("actor_display".to_owned(), json!(display));
    }
    body.insert("decision".to_owned(), json!(decision.as_str()));
    body.insert("cause".to_owned(), json!(cause));
    if let Some(kind) = kind {
        body.insert("cause_kind".to_owned(), json!(kind));
    }
    if let Some(code) = record.chained {
        body.insert("chained_hook".to_owned(), json!({ "exit": code }));
    }
    body
}

fn work(work: Work, started: Instant) -> Value {
    let milliseconds = (started.elapsed().as_secs_f64() * 100_000.0).round() / 100.0;
    json!({ "commits": work.commits, "objects": work.objects, "paths": work.paths, "milliseconds": milliseconds })
}

fn policy(record: &Record) -> Value {
    json!(record.policy.as_ref().map(|(file, digest)| json!({ "file": file, "digest": digest })))
}

/// Lists the updates of a push, as far as a record can hold them: making JSON of all of them would take the most memory of all.
fn list_updates<'u>(body: &mut Map<String, Value>, updates: impl ExactSizeIterator<Item = &'u RefUpdate>) {
    let total = updates.len();
    let mut bytes = 0;
    let fits = |update: &&RefUpdate| {
        // No entry is shorter.
        bytes += update.name.as_bytes().len() + 100;
        bytes <= decision_log::LIST
    };
    let listed: Vec<_> = updates.take_while(fits).map(verdict_json::ref_update).collect();
    if listed.len() < total {
        body.insert("updates_total".to_owned(), json!(total));
    }
    body.insert("updates".to_owned(), json!(listed));
}

fn judged_body(record: &Record, judged: &Settled, now: Timestamp, started: Instant) -> Map<String, Value> {
    let file = record.policy.as_ref().map_or("", |(file, _)| file);
    let mut body = body(record, judged.verdict.decision, None, verdict_json::cause_kind(&judged.verdict), now);
    if judged.import {
        body.insert("import".to_owned(), json!(true));
    }
    if !judged.notices.is_empty() {
        let notices: Vec<_> = judged.notices.iter().map(|notice| format!("{} ({})", notice.message, notice.help)).collect();
        body.insert("notice".to_owned(), json!(notices.join("; ")));
    }
    list_updates(&mut body, judged.updates.iter().map(|pushed| &pushed.update));
    body.append(&mut verdict_json::evaluations(&judged.verdict, file, LISTED, LISTED));
    body.insert("expired_bypasses".to_owned(), json!(judged.expired.iter().map(|(actor, _)| actor).collect::<Vec<_>>()));
    body.insert("policy".to_owned(), policy(record));
    body.insert("work".to_owned(), work(judged.work, started));
    body
}

fn undecided_body(record: &Record, undecided: &Undecided, now: Timestamp, started: Instant) -> Map<String, Value> {
    let mut body = body(record, Decision::Undecided, Some(&undecided.why), Some(undecided.cause.as_str()), now);
    list_updates(&mut body, record.updates.iter());
    body.insert("evaluations".to_owned(), json!([]));
    body.insert("policy".to_owned(), policy(record));
    body.insert("work".to_owned(), work(record.work(), started));
    body
}

/// The hook as a program: reads its arguments, judges, prints, and returns the exit code.
pub fn run(arguments: impl Iterator<Item = std::ffi::OsString>) -> u8 {
    let mut options = Options::default();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--policy") => match arguments.next() {
                Some(path) => options.policy = Some(path.into()),
                None => return usage("`--policy` needs a file"),
            },
            Some("--version") => {
                let _ = writeln!(std::io::stdout(), "refwarden-pre-receive {}", env!("CARGO_PKG_VERSION"));
                return 0;
            }
            Some("--help" | "-h") => {
                let _ = std::io::stdout().write_all(HELP.as_bytes());
                return 0;
            }
            Some(text) if text.starts_with("--policy=") => {
                options.policy = argument.to_str().and_then(|text| text.strip_prefix("--policy=")).map(PathBuf::from);
            }
            _ => return usage(&format!("unknown argument `{}`", argument.to_string_lossy())),
        }
    }
    let answer = supervised(options);
    let mut text = answer.lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    // Whether the client still listens changes nothing about the answer.
    let _ = std::io::stderr().write_all(text.as_bytes());
    answer.code
}

/// Judges a push on a thread of its own, and answers for it if it does not come back.
fn supervised(options: Options) -> Answer {
    let failed = |why: &str| Answer {
        lines: vec![format!("refwarden: {why}; nothing was accepted")],
        code: Decision::Undecided.exit_code(),
    };
    let (sender, progress) = mpsc::channel();
    let watch = Watch::new(Some(sender.clone()));
    let (limit, decided, mut looks_at) = (Arc::clone(&watch.limit), Arc::clone(&watch.decided), watch.looks_at);
    let judge = move || {
        let environment = Environment::of_process();
        let (answer, _kept) = watched(&options, &environment, &mut std::io::stdin().lock(), Timestamp::now(), &watch);
        let _ = sender.send(Progress::Answered(answer));
        // The program ends with the answer; giving back the stack, or what was read, before would only take time.
        loop {
            std::thread::park();
        }
    };
    if let Err(error) = std::thread::Builder::new().stack_size(STACK).spawn(judge) {
        return failed(&format!("cannot start: {}", super::sanitize::sanitize(&error.to_string())));
    }
    loop {
        match progress.recv_timeout(looks_at.saturating_duration_since(Instant::now())) {
            Ok(Progress::Answered(answer)) => return answer,
            Ok(Progress::Sooner) => looks_at = locked(&limit).as_ref().map_or(looks_at, |(deadline, _)| *deadline),
            Err(RecvTimeoutError::Timeout) => {
                let now = Instant::now();
                let due = locked(&limit).take_if(|(deadline, _)| *deadline <= now);
                match due {
                    Some((_, too_late)) if !decided.swap(true, Ordering::SeqCst) => return too_late(),
                    // It was done in time, and has an answer in a moment, or when the chained hook has; or git has not yet said
                    // what is pushed; or there is time left.
                    _ => {
                        let left = locked(&limit).as_ref().map(|(deadline, _)| *deadline);
                        looks_at = left.unwrap_or(now + Budget::default().time);
                    }
                }
            }
            // A panic, which has printed itself.
            Err(RecvTimeoutError::Disconnected) => return failed("an internal error (please report it)"),
        }
    }
}

fn usage(why: &str) -> u8 {
    let _ = writeln!(std::io::stderr(), "refwarden-pre-receive: {}\n{HELP}", super::sanitize::sanitize(why));
    Decision::Undecided.exit_code()
}

/// Text that every version of the program contains, by which `install` knows it without running it: the first line of its
/// help. It must not change.
#[cfg(any(test, feature = "companion"))]
pub(crate) const PROGRAM_MARK: &str = "refwarden-pre-receive: refuses the pushes that a policy forbids";

const HELP: &str = "\
refwarden-pre-receive: refuses the pushes that a policy forbids

git runs this as the hook `pre-receive` of a repository, with `OLD NEW REF` lines on standard input.

Usage: refwarden-pre-receive [--policy FILE]

  --policy FILE  the policy; else `refwarden.policy` in git's configuration, else `refwarden.policyRef` and
                 `refwarden.policyPath`, else `refwarden.toml` in the git directory, else /etc/refwarden/policy.toml
  --version      prints the version
  --help         prints this

Exit codes: 0 accepted, 1 refused by a rule, 2 could not decide (git refuses the push for both).
Install it with `refwarden install DIR`.
";

#[cfg(test)]
mod tests {
    #[test]
    fn install_knows_the_program_by_its_help() {
        assert!(super::HELP.starts_with(super::PROGRAM_MARK));
    }
}
