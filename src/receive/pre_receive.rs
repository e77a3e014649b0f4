//! The hook: environment and standard input in, exit code and message out. Whatever goes wrong on the way refuses.
//!
//! A push is judged on a thread of its own, for two reasons: its stack is large enough for the deepest tree that is read,
//! whatever `ulimit -s` says, and the thread that waits for it can answer when it does not come back, as libgit2 does not from
//! some damaged objects.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::decision_log::{DecisionId, DecisionLog, Sharing};
use super::environment::Environment;
use super::judge::{Judged, Push, judge};
use super::message::{self, About};
use super::objects::{Counters, Objects, Work, over_budget};
use super::refs::Refs;
use super::repository::Repository;
use super::{find_policy, stdin};
use crate::git::RefUpdate;
use crate::policy::{Budget, DecisionLogSettings, Identity, Policy, guard, parse};
use crate::push::Undecided;
use crate::verdict::{Decision, Outcome, json as verdict_json};

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

/// Evaluations and violations that a log line holds at most, each; the rest is counted.
const LOGGED: usize = 100;

/// The stack of the thread that judges. Only what is used of it is taken.
const STACK: usize = 64 << 20;
/// How much longer than its budget of time judging may take before it is not waited for any more.
const GRACE: Duration = Duration::from_millis(500);

/// Everything known about a push so far, for the log.
#[derive(Default, Clone)]
struct Record {
    log: Option<DecisionLog>,
    wants_json: bool,
    prefix: &'static str,
    repository: Option<String>,
    actor: Option<String>,
    display: Option<String>,
    policy: Option<(String, String)>,
    updates: Vec<RefUpdate>,
    judged: bool,
    chained: Option<i32>,
    /// What judging costs, once it has begun: every clone of the record sees it grow.
    counters: Arc<OnceLock<Arc<Counters>>>,
}

impl Record {
    fn work(&self) -> Work {
        self.counters.get().map(|counters| counters.work()).unwrap_or_default()
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
            undecided(&record, &why, case)
        };
        *locked(&self.limit) = Some((deadline, Box::new(too_late)));
        if deadline < self.looks_at {
            // Nobody waits any more: then nobody needs to know.
            let _ = waiting.send(Progress::Sooner);
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
    match decide(options, environment, input, case, &mut record, watch) {
        Ok(Decided { lines, json, code, by }) => (answer(&record, lines, || json, code), Some(by)),
        Err(why) => {
            // Until it was done somebody may have waited in vain.
            if !record.judged {
                watch.done();
            }
            (undecided(&record, &why, case), None)
        }
    }
}

/// The answer to a push that could not be judged, which is logged where there is a log.
fn undecided(record: &Record, why: &Undecided, case: Case) -> Answer {
    let id = case.id.to_string();
    let mut lines = message::render_undecided(why, &id);
    // The refusal stands; a log that cannot be written only adds to its causes.
    if let Some(log) = &record.log
        && let Err(error) = log.append(&case.id, &undecided_body(record, why, case.now, case.started))
    {
        lines.push(format!("refwarden: {}", super::sanitize::sanitize(&error.to_string())));
    }
    answer(record, lines, || message::render_undecided_json(why, &id), Decision::Undecided.exit_code())
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

/// A push that was judged, for its answer.
struct Decided {
    lines: Vec<String>,
    /// Empty when nobody wants it.
    json: String,
    code: u8,
    by: JudgedBy,
}

fn decide(
    options: &Options,
    environment: &Environment,
    input: &mut dyn Read,
    case: Case,
    record: &mut Record,
    watch: &Watch,
) -> Result<Decided, Undecided> {
    let Case { id, now, started } = case;
    let repository = Repository::open(&environment.git_dir()?)?;
    record.log = Some(decision_log(&DecisionLogSettings::default(), &repository)?);
    environment.refuse_views()?;
    let raw = stdin::read(input)?;
    let updates = stdin::parse(&raw, repository.format)?;
    record.updates.clone_from(&updates);
    watch.allow(Budget::default().time, case, record);
    let policy = load_policy(options.policy.as_deref(), &repository, record)?;
    record.log = Some(decision_log(&policy.server.decision_log, &repository)?);
    let identity = policy.server.identity.as_ref().ok_or_else(|| no_identity(&policy))?;
    if *identity == Identity::Gitlab {
        record.prefix = "GL-HOOK-ERR: ";
    }
    let actor = environment.actor(identity)?;
    record.actor = Some(actor.name.clone());
    record.display.clone_from(&actor.display);
    let name = environment.repository(&policy.server, &repository)?;
    record.repository = Some(name.clone());
    watch.allow(policy.server.budget.time, case, record);
    let refs = Refs::open(&repository)?;
    let quarantine = environment.quarantine()?;
    let objects = Objects::open(&repository.common_dir, quarantine.as_deref(), repository.format, policy.server.budget)?;
    let _ = record.counters.set(objects.counters());
    let merges =
        updates.iter().map(|update| environment.merges_pull_request(identity, &update.name)).collect::<Result<Vec<_>, _>>()?;
    let mut judged = judge(Push {
        policy: &policy,
        refs: &refs,
        objects: &objects,
        repository: name,
        actor: actor.name.clone(),
        now,
        updates,
        merges_pull_request: merges,
    })?;
    watch.done();
    record.judged = true;
    let mut lines = Vec::new();
    if judged.verdict.decision == Decision::Accepted
        && let Some(code) = run_chained(&repository, environment, &raw)?
    {
        record.chained = Some(code);
        if code != 0 {
            judged.verdict.decision = Decision::Refused;
            lines.push(format!("refwarden: refused by the chained hook, which exited with {code}. decision {id}"));
        }
    }
    if let Some(log) = &record.log {
        log.append(&id, &judged_body(record, &judged, &policy, now, started))
            .map_err(|error| Undecided::new(format!("the decision cannot be logged: {error}")))?;
    }
    let file = short_file(&policy.file);
    let id = id.to_string();
    let about = About {
        decision_id: &id,
        actor: actor.display.as_deref().unwrap_or(&actor.name),
        policy_file: file,
        updates: &judged.updates,
    };
    if record.chained.is_none_or(|code| code == 0) {
        lines.extend(message::render(&judged.verdict, &about));
    }
    for bypass in &judged.expired {
        if judged.verdict.decision != Decision::Accepted {
            lines.push(format!(
                "refwarden: a bypass for you has expired ({}:{})",
                super::sanitize::sanitize(file),
                bypass.at.line
            ));
        }
    }
    let json = if record.wants_json { message::render_json(&judged.verdict, &about) } else { String::new() };
    let code = judged.verdict.decision.exit_code();
    drop(judged);
    Ok(Decided { lines, json, code, by: (policy, refs, objects) })
}

fn no_identity(policy: &Policy) -> Undecided {
    let words: Vec<_> = Identity::WORDS.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    Undecided::new(format!(
        "the policy `{}` does not say who pushes: set `[server] identity` to one of {} or {{ env = \"NAME\" }}",
        policy.file,
        words.join(", ")
    ))
}

fn load_policy(named: Option<&Path>, repository: &Repository, record: &mut Record) -> Result<Policy, Undecided> {
    let found = find_policy::find(named, repository)?;
    let mut policy = parse::parse(&found.name, &found.bytes).map_err(|problems| {
        let first = problems.first().map(|problem| problem.line(short_file(&found.name))).unwrap_or_default();
        Undecided::new(format!(
            "the policy `{}` does not load ({} in it): {first}; `refwarden check` shows them all",
            found.name,
            if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) }
        ))
    })?;
    if let Some((name, path)) = &found.in_ref {
        guard::guard(&mut policy, name, path).map_err(Undecided::new)?;
    }
    record.policy = Some((policy.file.clone(), policy.digest.clone()));
    Ok(policy)
}

fn decision_log(settings: &DecisionLogSettings, repository: &Repository) -> Result<DecisionLog, Undecided> {
    let shared = repository.shared.as_deref().unwrap_or("false");
    let sharing = Sharing::parse(shared)
        .ok_or_else(|| Undecided::new(format!("`core.sharedRepository` = `{shared}` is not known here")))?;
    let path = repository.common_dir.join(&settings.path);
    Ok(DecisionLog { rotate: settings.rotate, keep: settings.keep, sharing, ..DecisionLog::new(path) })
}

fn short_file(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// Runs the hook that was there before this one was installed, with the same input. It cannot accept what was refused.
fn run_chained(repository: &Repository, environment: &Environment, input: &[u8]) -> Result<Option<i32>, Undecided> {
    let path = repository.common_dir.join(CHAINED);
    match path.symlink_metadata() {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        // It may be there, and its veto counts.
        Err(error) => return Err(Undecided::new(format!("cannot look for the chained hook `{}`: {error}", path.display()))),
    }
    let failed = |error: std::io::Error| Undecided::new(format!("cannot run the chained hook `{}`: {error}", path.display()));
    if environment.get(IN_CHAIN).is_some() {
        return Err(Undecided::new(format!("the chained hook `{}` runs this hook again, without end", path.display())));
    }
    let mut child = Command::new(&path).env(IN_CHAIN, "1").stdin(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook need not read its input, and is not failed for it.
        let _ = stdin.write_all(input);
    }
    Ok(Some(child.wait().map_err(failed)?.code().unwrap_or(-1)))
}

/// Set for a chained hook. Whoever sets it from outside only gets a refusal.
const IN_CHAIN: &str = "REFWARDEN_IN_CHAIN";

/// Where `install` keeps the hook that was there before, below the git directory.
pub(crate) const CHAINED: &str = "hooks/pre-receive.chained";

fn body(record: &Record, decision: Decision, cause: Option<&str>, now: Timestamp) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("time".to_owned(), json!(format!("{now:.3}")));
    body.insert("repository".to_owned(), json!(record.repository));
    body.insert("actor".to_owned(), json!(record.actor));
    if let Some(display) = &record.display {
        body.insert("actor_display".to_owned(), json!(display));
    }
    body.insert("decision".to_owned(), json!(decision.as_str()));
    body.insert("cause".to_owned(), json!(cause));
    if let Some(code) = record.chained {
        body.insert("chained_hook".to_owned(), json!({ "exit": code }));
    }
    body
}

fn work(work: Work, started: Instant) -> Value {
    let milliseconds = (started.elapsed().as_secs_f64() * 100_000.0).round() / 100.0;
    json!({ "commits": work.commits, "objects": work.objects, "paths": work.paths, "milliseconds": milliseconds })
}

fn judged_body(record: &Record, judged: &Judged<'_>, policy: &Policy, now: Timestamp, started: Instant) -> Map<String, Value> {
    let mut body = body(record, judged.verdict.decision, None, now);
    if judged.import {
        body.insert("import".to_owned(), json!(true));
    }
    body.insert("updates".to_owned(), json!(judged.updates.iter().map(verdict_json::update).collect::<Vec<_>>()));
    let notable: Vec<_> = judged.verdict.evaluations.iter().filter(|evaluation| evaluation.outcome != Outcome::Passed).collect();
    let listed: Vec<_> =
        notable.iter().take(LOGGED).map(|evaluation| verdict_json::evaluation(evaluation, &policy.file, LOGGED)).collect();
    body.insert("evaluations".to_owned(), json!(listed));
    if notable.len() > LOGGED {
        body.insert("evaluations_total".to_owned(), json!(notable.len()));
    }
    body.insert("expired_bypasses".to_owned(), json!(judged.expired.iter().map(|bypass| &bypass.actor).collect::<Vec<_>>()));
    body.insert("policy".to_owned(), json!({ "file": policy.file, "digest": policy.digest }));
    body.insert("work".to_owned(), work(judged.work, started));
    body
}

fn undecided_body(record: &Record, undecided: &Undecided, now: Timestamp, started: Instant) -> Map<String, Value> {
    let mut body = body(record, Decision::Undecided, Some(&undecided.why), now);
    let updates: Vec<_> = record.updates.iter().map(verdict_json::ref_update).collect();
    body.insert("updates".to_owned(), json!(updates));
    body.insert("evaluations".to_owned(), json!([]));
    let policy = record.policy.as_ref().map(|(file, digest)| json!({ "file": file, "digest": digest }));
    body.insert("policy".to_owned(), json!(policy));
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
