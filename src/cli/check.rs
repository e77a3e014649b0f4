//! `refwarden check`: loads and lints a policy.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Failure, Result};
use crate::policy::lint::{self, Level};
use crate::policy::{Policy, Problem, parse};

/// Load and lint a policy, and list where its rules bind
///
/// Exit codes: 0 clean, 1 warnings with --strict, 2 the policy does not load.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden check
  refwarden check --strict /etc/refwarden/policy.toml
  refwarden init --preset agents | refwarden check -")]
pub(super) struct Check {
    /// The policy; `-` reads standard input
    #[arg(default_value = "refwarden.toml")]
    policy: PathBuf,
    /// Exit with 1 when there are warnings
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Reads a policy file, or standard input for `-`.
pub(super) fn read_policy(path: &Path) -> Result<(String, Vec<u8>)> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        return Ok(("<stdin>".to_owned(), bytes));
    }
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::new(format!("cannot read the policy `{}`: {error}", path.display()))
            .help("name a policy, or write one: refwarden init > refwarden.toml")
    })?;
    Ok((path.display().to_string(), bytes))
}

/// Loads a policy or prints everything that is wrong with it.
pub(super) fn load_policy(path: &Path) -> Result<Policy> {
    let (name, bytes) = read_policy(path)?;
    parse_policy(&name, &bytes)
}

/// A policy that was read, or its problems on standard error.
pub(super) fn parse_policy(name: &str, bytes: &[u8]) -> Result<Policy> {
    parse::parse(name, bytes).map_err(|problems| {
        let mut err = anstream::stderr().lock();
        print_problems(&mut err, name, bytes, &problems);
        Failure::new(format!("the policy `{name}` does not load"))
    })
}

/// Problems shown with their source; of the rest only the number.
const SHOWN: usize = 50;

fn print_problems(out: &mut dyn Write, name: &str, bytes: &[u8], problems: &[Problem]) {
    for problem in problems.iter().take(SHOWN) {
        let _ = writeln!(out, "{}\n", problem.render(name, bytes, true));
    }
    if problems.len() > SHOWN {
        let _ = writeln!(out, "and {} more\n", problems.len() - SHOWN);
    }
}

impl Check {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let (name, bytes) = read_policy(&self.policy)?;
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        match parse::parse(&name, &bytes) {
            Err(problems) if self.json => {
                writeln!(out, "{}", json(&name, &problems, &[]))?;
                Ok(2)
            }
            Err(problems) => {
                let mut err = anstream::stderr().lock();
                print_problems(&mut err, &name, &bytes, &problems);
                let count = problems.len();
                Err(Failure::new(format!("`{name}` does not load: {count} problem{}", if count == 1 { "" } else { "s" })))
            }
            Ok(policy) => {
                let mut findings = lint::lint(&policy, today);
                findings.extend(crate::audit::exempt::lint(&policy));
                findings.sort_by_key(|finding| (finding.at, finding.level, finding.id));
                let warnings = findings.iter().filter(|finding| finding.level == Level::Warning).count();
                if self.json {
                    writeln!(out, "{}", json(&name, &[], &findings))?;
                } else {
                    for finding in &findings {
                        let (word, colour) = match finding.level {
                            Level::Warning => ("warning", "\x1b[1;33m"),
                            Level::Info => ("note", "\x1b[1;36m"),
                        };
                        writeln!(
                            out,
                            "{name}:{}:{}: {colour}{word}\x1b[0m: {} [{}]",
                            finding.at.line, finding.at.column, finding.message, finding.id
                        )?;
                        if let Some(help) = &finding.help {
                            writeln!(out, "  help: {help}")?;
                        }
                    }
                    let rules: usize = policy.rulesets.iter().map(|ruleset| ruleset.rules.len()).sum();
                    writeln!(out, "{name}: loads; {} rulesets, {rules} rules, {warnings} warnings", policy.rulesets.len(),)?;
                }
                Ok(u8::from(self.strict && warnings > 0))
            }
        }
    }
}

fn json(file: &str, problems: &[Problem], findings: &[lint::Finding]) -> serde_json::Value {
    serde_json::json!({
        "version": 1,
        "policy": file,
        "loads": problems.is_empty(),
        "problems": problems.iter().map(|problem| serde_json::json!({
            "message": problem.message,
            "help": problem.help,
            "line": problem.at.line,
            "column": problem.at.column,
        })).collect::<Vec<_>>(),
        "findings": findings.iter().map(|finding| serde_json::json!({
            "id": finding.id,
            "level": match finding.level { Level::Warning => "warning", Level::Info => "info" },
            "message": finding.message,
            "help": finding.help,
            "line": finding.at.line,
            "column": finding.at.column,
        })).collect::<Vec<_>>(),
    })
}
