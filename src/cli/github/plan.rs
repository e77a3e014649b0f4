//! `refwarden github plan`: what would have to change on GitHub.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::connect::{CANNOT_TELL, Connect};
use super::select::Which;
use super::survey::{of_policy, survey};
use crate::cli::{Failure, Result};
use crate::github::plan::Plan as Planned;
use crate::report::plan::{json, markdown, terminal};

/// Show what would change on GitHub so that it is as the policy asks
///
/// Compares field by field what the policy states with what there is. It only ever reads; `refwarden github apply` carries out
/// the plan that --out writes, and nothing else. What the token may not see is "could not be told", and nothing is written there.
///
/// Exit codes: 0 GitHub is as the policy asks, 1 something would change or is blocked, 2 the command line or the policy is wrong,
/// 3 nothing would change but something could not be told, or GitHub could not be asked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden github plan --policy policy.toml
  refwarden github plan --policy policy.toml --out plan.json
  refwarden github plan --policy policy.toml --repo api --repo 'lib-*'
  refwarden github plan --policy policy.toml --format markdown > comment.md
  refwarden github plan --policy policy.toml --migrate")]
pub(super) struct Plan {
    #[command(flatten)]
    which: Which,
    /// The policy; its `[github]` says whose repositories
    #[arg(long, value_name = "FILE", default_value = "refwarden.toml")]
    policy: PathBuf,
    /// Delete classic branch protection, too, where the rulesets that there will be ask for no less and nobody else passes them
    #[arg(long)]
    migrate: bool,
    /// Write the plan to this file, for `refwarden github apply`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    #[command(flatten)]
    connect: Connect,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Terminal,
    /// For a comment on a pull request
    Markdown,
    /// The plan itself
    Json,
}

impl Plan {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let policy = crate::cli::check::load_policy(&self.policy)?;
        let github = of_policy(&policy)?;
        let scope = self.which.scope(Some(github))?;
        if !scope.owner.eq_ignore_ascii_case(&github.owner) {
            return Err(Failure::new(format!("the policy is about `{}`, and not about `{}`", github.owner, scope.owner))
                .help("leave --owner out: the policy says whose repositories"));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (survey, cost) = runtime.block_on(async {
            let client = self.connect.client(Some(&github.api_url))?;
            let survey = survey(&client, &policy, &scope.selection, self.migrate).await?;
            Ok::<_, Failure>((survey, client.cost()))
        })?;
        let plan = survey.plan;
        let unwritable = |error: serde_json::Error| Failure::new(format!("the plan can't be written: {error}"));
        if let Some(file) = &self.out {
            let text = json(&plan).map_err(unwritable)?;
            std::fs::write(file, text).map_err(|error| {
                Failure::new(format!("cannot write `{}`: {error}", file.display())).help("name a file in a folder that is there")
            })?;
        }
        match self.format {
            Format::Terminal => {
                write!(out, "{}", terminal::render(&plan, true))?;
                writeln!(out, "{cost}")?;
                match &self.out {
                    Some(file) if !plan.changes.is_empty() => {
                        writeln!(out, "to carry it out: refwarden github apply {}", file.display())?;
                    }
                    None if !plan.changes.is_empty() => writeln!(out, "to carry it out, write it with --out plan.json first")?,
                    _ => {}
                }
            }
            Format::Markdown => write!(out, "{}", markdown::render(&plan))?,
            Format::Json => write!(out, "{}", json(&plan).map_err(unwritable)?)?,
        }
        Ok(exit_code(&plan))
    }
}

/// What is certain counts first.
pub(super) fn exit_code(plan: &Planned) -> u8 {
    if !plan.changes.is_empty() || !plan.blocked.is_empty() {
        1
    } else if !plan.cannot_tell.is_empty() {
        CANNOT_TELL
    } else {
        0
    }
}
