//! The hook: environment and standard input in, exit code and message out. Whatever goes wrong on the way refuses.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::decision_log::{DecisionId, DecisionLog, Sharing};
use super::environment::Environment;
use super::judge::{Judged, Push, judge};
use super::message::{self, About};
use super::objects::Objects;
use super::refs::Refs;
use super::repository::Repository;
use super::{find_policy, stdin};
use crate::git::RefUpdate;
use crate::policy::{DecisionLogSettings, Identity, Policy, guard, parse};
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

/// Everything known about a push so far, for the log.
#[derive(Default)]
struct Record {
    repository: Option<String>,
    actor: Option<String>,
    display: Option<String>,
    policy: Option<(String, String)>,
    updates: Vec<RefUpdate>,
    chained: Option<i32>,
}

/// Judges one push.
pub fn pre_receive(options: &Options, environment: &Environment, input: &mut dyn Read, now: Timestamp) -> Answer {
    let started = std::time::Instant::now();
    let id = DecisionId::new(now);
    let wants_json = environment.push_options().contains(&b"refwarden=json".as_slice());
    let mut record = Record::default();
    let mut log = None;
    let mut prefix = "";
    let decided = decide(options, environment, input, now, &id, started, &mut record, &mut log, &mut prefix);
    let (mut lines, json, code) = match decided {
        Ok(decided) => decided,
        Err(undecided) => {
            let mut lines = message::render_undecided(&undecided, &id.to_string());
            // The refusal stands; a log that cannot be written only adds to its causes.
            if let Some(log) = &log
                && let Err(error) = log.append(&id, &undecided_body(&record, &undecided, now, started))
            {
                lines.push(format!("refwarden: {}", super::sanitize::sanitize(&error.to_string())));
            }
            let json = message::render_undecided_json(&undecided, &id.to_string());
            (lines, json, Decision::Undecided.exit_code())
        }
    };
    if wants_json {
        lines.push(json);
    }
    if !prefix.is_empty() {
        for line in &mut lines {
            line.insert_str(0, prefix);
        }
    }
    Answer { lines, code }
}

type Decided = (Vec<String>, String, u8);

#[expect(clippy::too_many_arguments, reason = "what is known when something fails must outlive the failure")]
fn decide(
    options: &Options,
    environment: &Environment,
    input: &mut dyn Read,
    now: Timestamp,
    id: &DecisionId,
    started: std::time::Instant,
    record: &mut Record,
    log: &mut Option<DecisionLog>,
    prefix: &mut &'static str,
) -> Result<Decided, Undecided> {
    let repository = Repository::open(&environment.git_dir()?)?;
    *log = Some(decision_log(&DecisionLogSettings::default(), &repository)?);
    environment.refuse_views()?;
    let raw = stdin::read(input)?;
    let updates = stdin::parse(&raw, repository.format)?;
    record.updates.clone_from(&updates);
    let policy = load_policy(options.policy.as_deref(), &repository, record)?;
    *log = Some(decision_log(&policy.server.decision_log, &repository)?);
    let identity = policy.server.identity.as_ref().ok_or_else(|| no_identity(&policy))?;
    if *identity == Identity::Gitlab {
        *prefix = "GL-HOOK-ERR: ";
    }
    let actor = environment.actor(identity)?;
    record.actor = Some(actor.name.clone());
    record.display.clone_from(&actor.display);
    let name = environment.repository(&policy.server, &repository)?;
    record.repository = Some(name.clone());
    let refs = Refs::open(&repository)?;
    let quarantine = environment.quarantine()?;
    let objects = Objects::open(&repository.common_dir, quarantine.as_deref(), repository.format, policy.server.budget)?;
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
    let mut lines = Vec::new();
    if judged.verdict.decision == Decision::Accepted
        && let Some(code) = run_chained(&repository, &raw)?
    {
        record.chained = Some(code);
        if code != 0 {
            judged.verdict.decision = Decision::Refused;
            lines.push(format!("refwarden: refused by the chained hook, which exited with {code}. decision {id}"));
        }
    }
    if let Some(log) = log {
        log.append(id, &judged_body(record, &judged, &policy, now, started))
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
            lines.push(format!("refwarden: a bypass for you has expired ({file}:{})", bypass.at.line));
        }
    }
    Ok((lines, message::render_json(&judged.verdict, &about), judged.verdict.decision.exit_code()))
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
fn run_chained(repository: &Repository, input: &[u8]) -> Result<Option<i32>, Undecided> {
    let path = repository.common_dir.join(CHAINED);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let failed = |error: std::io::Error| Undecided::new(format!("cannot run the chained hook `{}`: {error}", path.display()));
    let mut child = Command::new(&path).stdin(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook need not read its input, and is not failed for it.
        let _ = stdin.write_all(input);
    }
    Ok(Some(child.wait().map_err(failed)?.code().unwrap_or(-1)))
}

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

fn work(work: super::objects::Work, started: std::time::Instant) -> Value {
    let milliseconds = (started.elapsed().as_secs_f64() * 100_000.0).round() / 100.0;
    json!({ "commits": work.commits, "objects": work.objects, "paths": work.paths, "milliseconds": milliseconds })
}

fn judged_body(
    record: &Record,
    judged: &Judged<'_>,
    policy: &Policy,
    now: Timestamp,
    started: std::time::Instant,
) -> Map<String, Value> {
    let mut body = body(record, judged.verdict.decision, None, now);
    if judged.import {
        body.insert("import".to_owned(), json!(true));
    }
    body.insert("updates".to_owned(), json!(judged.updates.iter().map(verdict_json::update).collect::<Vec<_>>()));
    let notable: Vec<_> = judged.verdict.evaluations.iter().filter(|evaluation| evaluation.outcome != Outcome::Passed).collect();
    let listed: Vec<_> = notable.iter().map(|evaluation| verdict_json::evaluation(evaluation, &policy.file, LOGGED)).collect();
    body.insert("evaluations".to_owned(), json!(listed));
    body.insert("expired_bypasses".to_owned(), json!(judged.expired.iter().map(|bypass| &bypass.actor).collect::<Vec<_>>()));
    body.insert("policy".to_owned(), json!({ "file": policy.file, "digest": policy.digest }));
    body.insert("work".to_owned(), work(judged.work, started));
    body
}

fn undecided_body(record: &Record, undecided: &Undecided, now: Timestamp, started: std::time::Instant) -> Map<String, Value> {
    let mut body = body(record, Decision::Undecided, Some(&undecided.why), now);
    let updates: Vec<_> = record.updates.iter().map(verdict_json::ref_update).collect();
    body.insert("updates".to_owned(), json!(updates));
    body.insert("evaluations".to_owned(), json!([]));
    let policy = record.policy.as_ref().map(|(file, digest)| json!({ "file": file, "digest": digest }));
    body.insert("policy".to_owned(), json!(policy));
    body.insert("work".to_owned(), work(super::objects::Work::default(), started));
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
    let answer = std::panic::catch_unwind(|| {
        let environment = Environment::of_process();
        pre_receive(&options, &environment, &mut std::io::stdin().lock(), Timestamp::now())
    });
    let answer = answer.unwrap_or_else(|_| Answer {
        lines: vec!["refwarden: an internal error; nothing was accepted. please report it".to_owned()],
        code: Decision::Undecided.exit_code(),
    });
    let mut text = answer.lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    // Whether the client still listens changes nothing about the answer.
    let _ = std::io::stderr().write_all(text.as_bytes());
    answer.code
}

fn usage(why: &str) -> u8 {
    let _ = writeln!(std::io::stderr(), "refwarden-pre-receive: {}\n{HELP}", super::sanitize::sanitize(why));
    Decision::Undecided.exit_code()
}

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
