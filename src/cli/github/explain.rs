//! `refwarden github explain`: what a check asks, why, and what to do.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::check;
use crate::audit::{self, Check};
use crate::cli::Result;
use crate::report::catalogue;

/// List the checks, or explain one
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden github explain
  refwarden github explain bypass-always
  refwarden github explain --json | jq -r '.checks[].id'")]
pub(super) struct Explain {
    /// The check
    check: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let one = self.check.as_deref().map(check).transpose()?;
        if self.json {
            let checks: Vec<Value> = match one {
                Some(check) => vec![described(check)],
                None => audit::all().map(described).collect(),
            };
            writeln!(out, "{:#}", json!({ "version": 1, "kind": "checks", "checks": checks }))?;
            return Ok(0);
        }
        match one {
            Some(check) => write!(out, "{}", catalogue::explain(check))?,
            None => {
                let width = audit::all().map(|check| check.id.len()).max().unwrap_or_default();
                for check in audit::all() {
                    writeln!(out, "{:width$}  {:8}  {}", check.id, check.severity.as_str(), check.summary)?;
                }
            }
        }
        Ok(0)
    }
}

fn described(check: &Check) -> Value {
    json!({
        "id": check.id,
        "severity": check.severity,
        "summary": check.summary,
        "why": check.why,
        "fix": check.fix,
        "link": check.link,
    })
}
