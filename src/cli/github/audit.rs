//! `refwarden github audit`: does what GitHub shows really bind?

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;

use super::connect::{CANNOT_TELL, Connect, refused};
use super::select::{Checks, Scope, Which};
use crate::audit::judge::{self, Audit as Audited, Judge};
use crate::audit::scene::Context;
use crate::audit::{Check, Severity, exempt};
use crate::cli::outputs::{Outputs, read_result};
use crate::cli::{Failure, Result};
use crate::github::client::Client;
use crate::github::desired::named_in;
use crate::github::live::Reader;
use crate::github::{Part, Parts};
use crate::policy::Policy;
use crate::report::{Cost, Report, Since, summary, text};

/// Find out whether the rules of GitHub really bind
///
/// Reads an organization or user and its repositories, repository by repository, and asks of each what `refwarden github explain`
/// lists. It only ever reads. With a policy it says, too, what differs from it, and sets aside what it exempts.
///
/// The token is GITHUB_TOKEN or GH_TOKEN; docs/github.md says which permissions it needs. What it may not see is reported as
/// "could not tell", never as fine.
///
/// Exit codes: 0 nothing found, 1 findings or drift (even if other things could not be told), 2 the command line or the policy is wrong,
/// 3 nothing found but something could not be told, or GitHub could not be asked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden github audit --owner acme
  refwarden github audit --repo acme/api --protection
  refwarden github audit --owner acme --repo 'lib-*' --only branch-unprotected
  refwarden github audit --policy policy.toml --fail-on high
  refwarden github audit --owner acme --format json --out audit.json --format sarif --out audit.sarif --format terminal
  refwarden github audit --owner acme --baseline audit.json")]
pub(super) struct Audit {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    checks: Checks,
    #[command(flatten)]
    connect: Connect,
    /// A policy for GitHub: what differs from it is found, and what it exempts is set aside
    #[arg(long, value_name = "FILE", help_heading = "What to compare with")]
    policy: Option<PathBuf>,
    /// An earlier result, written by --format json: says what is new and what is fixed
    #[arg(long, value_name = "FILE", help_heading = "What to compare with")]
    baseline: Option<PathBuf>,
    #[command(flatten, next_help_heading = "What to write")]
    outputs: Outputs,
    /// Say what protects the default branch and the tags of each repository, too, and who passes it
    #[arg(long, help_heading = "What to write")]
    protection: bool,
    /// Exit with 1 only for findings that are at least this bad
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = Level::Low, help_heading = "What to write")]
    fail_on: Level,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Low,
    Medium,
    High,
    Critical,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Severity {
        match level {
            Level::Low => Severity::Low,
            Level::Medium => Severity::Medium,
            Level::High => Severity::High,
            Level::Critical => Severity::Critical,
        }
    }
}

impl Audit {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let policy = self.policy.as_deref().map(crate::cli::check::load_policy).transpose()?;
        if let Some(unknown) = policy.as_ref().and_then(|policy| exempt::lint(policy).into_iter().next()) {
            let file = policy.as_ref().map(|policy| policy.file.clone()).unwrap_or_default();
            let message = format!("{file}:{}:{}: {}", unknown.at.line, unknown.at.column, unknown.message);
            return Err(Failure { help: unknown.help, ..Failure::new(message) });
        }
        let github = policy.as_ref().and_then(|policy| policy.github.as_ref());
        let scope = self.which.scope(github)?;
        let baseline = self.baseline.as_deref().map(read_result).transpose()?;
        let checks = self.checks.choose(policy.as_ref(), baseline.is_some())?;
        let plan = self.outputs.plan()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (audit, cost) = runtime.block_on(async {
            let client = self.connect.client(github.map(|github| github.api_url.as_str()))?;
            let before = baseline.as_ref().map(|report| &report.audit);
            let audit = audit(&client, &scope, policy.as_ref(), before, checks, self.protection).await?;
            Ok::<_, Failure>((audit, client.cost()))
        })?;
        let since = baseline.as_ref().map(|before| Since::compare(&before.audit, &audit, !scope.narrowed));
        let report = Report { audit, cost: Some(Cost::from(&cost)), since };
        plan.write(&report, out)?;
        Ok(exit_code(&report.audit, self.fail_on.into()))
    }
}

/// Findings are certain whatever else is hidden; that there are none is only certain when nothing is. Drift that is no
/// weakness counts as the mildest of findings.
fn exit_code(audit: &Audited, fail_on: Severity) -> u8 {
    let drifted = fail_on == Severity::Low && summary::other_drift(audit).next().is_some();
    if drifted || audit.findings.iter().any(|finding| finding.severity >= fail_on) {
        1
    } else if summary::is_unsure(audit) {
        CANNOT_TELL
    } else {
        0
    }
}

/// Reads and judges, one repository after the other: none is kept.
async fn audit(
    client: &Client,
    scope: &Scope,
    policy: Option<&Policy>,
    baseline: Option<&Audited>,
    checks: Vec<&'static Check>,
    protection: bool,
) -> Result<Audited> {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    let parts = parts(&checks);
    let progress = progress();
    progress.set_message(scope.owner.clone());
    let reader = Reader::new(client);
    let mut owner = reader.owner(&scope.owner, &parts).await.map_err(|why| refused(&why))?;
    if let Some(policy) = policy.filter(|policy| policy.github.is_some()) {
        reader.learn_names(&mut owner, &named_in(policy)).await;
    }
    let mut judge = Judge::new(Context { owner: &owner, policy, baseline, now }, checks);
    if scope.narrowed {
        judge.narrowed();
    }
    if protection {
        judge.say_what_protects();
    }
    let wanted =
        policy.and_then(|policy| policy.github.as_ref()).filter(|_| !scope.named).map(|github| &github.repositories.scope);
    let mut skipped = 0;
    let mut inventory = reader
        .repositories(&scope.selection, &parts, |repository| {
            let name = repository.full_name();
            // A pattern that can't be read leaves nothing out.
            if wanted.is_none_or(|wanted| wanted.includes(&name).unwrap_or(true)) {
                judge.repository(&repository);
                progress.set_message(text::plain(&name).into_owned());
                progress.inc(1);
            } else {
                skipped += 1;
            }
        })
        .await;
    progress.finish_and_clear();
    inventory.selected = inventory.selected.saturating_sub(skipped);
    if inventory.selected == 0 && inventory.unread.is_empty() && (scope.narrowed || inventory.listed > 0) {
        return Err(Failure::new(format!("no repository of `{}` was meant", owner.login))
            .help("look at --repo, --topic, --visibility and --property, and at `repositories` in the policy's [github]; archived repositories need --archived"));
    }
    Ok(judge.finish(inventory))
}

/// What the checks need, with what an organization has of its own.
fn parts(checks: &[&'static Check]) -> Parts {
    let mut parts: Parts = judge::parts(checks).into_iter().collect();
    for (part, own) in [(Part::WorkflowPermissions, Part::OrgActions), (Part::RuleSuites, Part::OwnerRuleSuites)] {
        if parts.has(part) {
            parts = parts.and(own);
        }
    }
    parts
}

/// On standard error, and only on a terminal.
fn progress() -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} repositories, {elapsed}: {wide_msg}") {
        progress.set_style(style);
    }
    progress.enable_steady_tick(std::time::Duration::from_millis(200));
    progress
}
