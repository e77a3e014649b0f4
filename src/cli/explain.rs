//! `refwarden explain`: the verdict and its reasons, rule by rule, before any push.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::{Failure, Result};
use crate::git::{Change, Oid, RefName, RefUpdate};
use crate::policy::{Enforcement, Location, parse};
use crate::receive::environment::Environment;
use crate::receive::head::{self, Notice};
use crate::receive::host_mark::host_marks;
use crate::receive::objects::Objects;
use crate::receive::refs::Refs;
use crate::receive::repository::Repository;
use crate::receive::repository_name::RepositoryNames;
use crate::receive::sanitize::{sanitize, sanitize_bytes};
use crate::receive::{Judged, Push, find_policy, import_state, judge, message, preconditions};
use crate::verdict::{Decision, Outcome, json as verdict_json};

/// Judge a push that was not made, rule by rule
///
/// DIR is the server's repository; --objects adds a clone's objects, never its refs. OLD and NEW are revisions on the server, ids
/// of the clone's commits, or all zeros.
///
/// Exit codes: 0 it would be accepted, 1 it would be refused, 2 it could not be decided.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden explain --repo /srv/git/app.git --actor claude-1 refs/heads/main main feature
  refwarden explain --repo /srv/git/app.git --actor alice --objects . refs/heads/main main 5d6e7f8")]
pub(super) struct Explain {
    /// The server's repository
    #[arg(long, value_name = "DIR")]
    repo: PathBuf,
    /// Who pushes
    #[arg(long, value_name = "NAME")]
    actor: String,
    /// The policy; else the one that the repository's hook would find
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A clone whose objects, not whose refs, are added
    #[arg(long, value_name = "DIR")]
    objects: Option<PathBuf>,
    /// The repository's name, where the host would say it
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Judge as if the host said that the push merges a pull request
    #[arg(long)]
    merges_pull_request: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print passed rules too
    #[arg(long, short)]
    verbose: bool,
    /// The full name of the ref
    #[arg(value_name = "REF")]
    name: String,
    /// The value before: a revision, or all zeros to create the ref
    old: String,
    /// The value after: a revision, or all zeros to delete the ref
    new: String,
}

/// The git directory of a repository with or without a work tree.
pub(super) fn git_dir(dir: &Path) -> PathBuf {
    let inner = dir.join(".git");
    if inner.is_dir() {
        return inner;
    }
    // Linked work trees and submodules have a file that says where.
    match std::fs::read_to_string(&inner) {
        Ok(text) if text.starts_with("gitdir: ") => dir.join(text.trim_start_matches("gitdir: ").trim_end_matches('\n')),
        _ => dir.to_owned(),
    }
}

impl Explain {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let repository = Repository::open(&git_dir(&self.repo))?;
        let found = find_policy::find(self.policy.as_deref(), &repository)?;
        let mut policy = match parse::parse(&found.name, &found.bytes) {
            Ok(policy) => policy,
            Err(_) => super::check::load_policy(Path::new(&found.name))?,
        };
        if let Some((name, path)) = &found.in_ref {
            crate::policy::guard::guard(&mut policy, name, path).map_err(Failure::new)?;
        }
        preconditions::check(&policy, &repository, &self.actor)?;
        let name = RefName::parse(self.name.as_bytes()).map_err(|bad| {
            Failure::new(format!("`{}` is no full ref name: {}", self.name, bad.0)).help("write it out: refs/heads/main")
        })?;
        let extra = match &self.objects {
            Some(dir) => Some(Repository::open_shared(&git_dir(dir))?.common_dir.join("objects")),
            None => None,
        };
        let resolve = |revision: &str| -> Result<Option<Oid>> {
            if !revision.is_empty() && revision.bytes().all(|byte| byte == b'0') {
                return Ok(None);
            }
            rev_parse(&repository, extra.as_deref(), revision)
        };
        let refs = Refs::open(&repository)?;
        let change = match (resolve(&self.old)?, resolve(&self.new)?) {
            (None, Some(new)) => Change::Create { new },
            (Some(old), Some(new)) => Change::Update { old, new },
            (old, None) => Change::Delete { old },
        };
        let objects = Objects::open(&repository.common_dir, extra.as_deref(), repository.format, policy.server.budget)?;
        let names = match self.repository {
            Some(name) => RepositoryNames::of_host(name),
            None => RepositoryNames::by_path(&policy.server, &repository, [self.repo.as_path()])?,
        };
        let updates = vec![RefUpdate { name, change }];
        // Nothing is known here of what a host would say, except of what the name alone tells.
        let mut marks = host_marks(policy.server.identity.as_ref(), &Environment::default(), &updates)?;
        for mark in &mut marks {
            mark.merges_pull_request = self.merges_pull_request;
        }
        let now = Timestamp::now();
        let judged = judge(Push {
            policy: &policy,
            refs: &refs,
            objects: &objects,
            repository: names,
            actor: self.actor.clone(),
            now,
            updates,
            marks,
            import_open: import_state::is_open(&policy, &repository, &self.actor, now)?,
        })?;
        let mut notices = judged.notices.clone();
        let standing = head::of_repository(&policy, &repository, &refs)?;
        notices.extend(standing.into_iter().filter(|notice| !judged.notices.contains(notice)));
        repository.refuse_linked_refs(judged.updates.iter().flat_map(|pushed| &pushed.reached))?;
        if let Some(why) = super::install::not_in_place(&self.repo) {
            let mut err = anstream::stderr().lock();
            let _ = writeln!(err, "\x1b[1;33mwarning\x1b[0m: the hook is not in place: no push is judged: {}", sanitize(&why));
            let _ = writeln!(err, "  help: refwarden install {}", sanitize(&self.repo.to_string_lossy()));
        }
        if self.json {
            print_json(out, &judged, &notices, &policy.file)?;
        } else {
            print(out, &judged, &self.actor, &policy.file, self.verbose)?;
            for notice in &notices {
                writeln!(out, "\x1b[1;33mnotice\x1b[0m: {}\n  help: {}", sanitize(&notice.message), sanitize(&notice.help))?;
            }
        }
        Ok(judged.verdict.decision.exit_code())
    }
}

/// What a revision names on the server. The clone's objects can be named by their ids, its refs are not looked at.
fn rev_parse(repository: &Repository, extra: Option<&Path>, revision: &str) -> Result<Option<Oid>> {
    let mut command = std::process::Command::new("git");
    command.arg("--git-dir").arg(&repository.git_dir);
    command.args(["rev-parse", "--verify", "--quiet", "--end-of-options", revision]);
    if let Some(extra) = extra {
        command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", extra);
    }
    let output = command.output().map_err(|error| Failure::new(format!("cannot run `git`: {error}")))?;
    let id = output.status.success().then(|| Oid::from_hex(output.stdout.trim_ascii(), repository.format)).flatten();
    id.map(Some).ok_or_else(|| {
        Failure::new(format!("`{revision}` is no revision of `{}`", repository.git_dir.display()))
            .help("name a commit of a clone by its id: --objects clone … \"$(git -C clone rev-parse HEAD)\"")
    })
}

fn print_json(out: &mut dyn Write, judged: &Judged<'_>, notices: &[Notice], file: &str) -> Result<()> {
    let mut value = json!({
        "version": 1,
        "decision": judged.verdict.decision.as_str(),
        "updates": judged.updates.iter().map(verdict_json::update).collect::<Vec<_>>(),
        "evaluations": judged
            .verdict
            .evaluations
            .iter()
            .map(|evaluation| verdict_json::evaluation(evaluation, file, usize::MAX))
            .collect::<Vec<_>>(),
    });
    if !notices.is_empty()
        && let Some(object) = value.as_object_mut()
    {
        let notices: Vec<_> = notices.iter().map(|notice| json!({ "message": notice.message, "help": notice.help })).collect();
        object.insert("notices".to_owned(), json!(notices));
    }
    writeln!(out, "{value}")?;
    Ok(())
}

fn print(out: &mut dyn Write, judged: &Judged<'_>, actor: &str, file: &str, verbose: bool) -> Result<()> {
    let short = file.rsplit('/').next().unwrap_or(file);
    for pushed in &judged.updates {
        let names: Vec<_> = pushed.names().map(|name| sanitize_bytes(name.as_bytes())).collect();
        writeln!(out, "{} {} by {}", pushed.update.change.verb(), names.join(", "), sanitize(actor))?;
    }
    if judged.import {
        writeln!(out, "  {} may import, into a repository without refs or while an import is open: not judged", sanitize(actor))?;
    }
    for evaluation in &judged.verdict.evaluations {
        let (mark, colour) = match (&evaluation.outcome, evaluation.enforcement) {
            (Outcome::Passed, _) => ("passed", "\x1b[32m"),
            (Outcome::Bypassed { .. }, _) => ("bypassed", "\x1b[33m"),
            (_, Enforcement::Evaluate) => ("would refuse", "\x1b[33m"),
            (Outcome::Violated(_), _) => ("refused", "\x1b[31m"),
            (Outcome::Failed(_), _) => ("undecided", "\x1b[31m"),
        };
        let place =
            if evaluation.at == Location::default() { String::new() } else { format!("  {short}:{}", evaluation.at.line) };
        writeln!(out, "  {colour}{mark:<12}\x1b[0m [{}] {}{place}", sanitize(&evaluation.ruleset), evaluation.rule)?;
        match &evaluation.outcome {
            Outcome::Violated(violations) => {
                for violation in violations {
                    writeln!(out, "      {}", message::describe(violation))?;
                }
            }
            Outcome::Bypassed { by, violations, .. } if !violations.is_empty() || verbose => {
                writeln!(out, "      by the entry `{}`", sanitize(by))?;
                for violation in violations {
                    writeln!(out, "      {}", message::describe(violation))?;
                }
            }
            Outcome::Failed(undecided) => {
                writeln!(out, "      {}", sanitize(&undecided.why))?;
                let (whose, help) = (undecided.cause.audience().address(), undecided.what_to_do());
                writeln!(out, "      help: {whose}: {}", sanitize(help))?;
            }
            Outcome::Passed | Outcome::Bypassed { .. } => {}
        }
    }
    if judged.verdict.evaluations.is_empty() && !judged.import {
        writeln!(out, "  no ruleset judges this")?;
    }
    let (word, colour) = match judged.verdict.decision {
        Decision::Accepted => ("accepted", "\x1b[32m"),
        Decision::Refused => ("refused", "\x1b[31m"),
        Decision::Undecided => ("could not decide, so refused", "\x1b[31m"),
    };
    writeln!(out, "{colour}{word}\x1b[0m")?;
    Ok(())
}
