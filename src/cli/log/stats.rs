//! `refwarden log stats`: what the log adds up to.

use std::io::Write;

use clap::Args;
use comfy_table::{CellAlignment, Table, presets};

use super::{Place, count, json, plain};
use crate::cli::Result;
use crate::receive::decision_log::{Count, stats_of};

/// Count decisions, rules and actors, and how long deciding took
///
/// Rules that were passed are not in the log, and so are not counted. Hashes are not checked: see `refwarden log verify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden log stats --repo /srv/git/app.git
  refwarden log stats --json decisions.jsonl | jq .milliseconds.p99")]
pub(super) struct Stats {
    #[command(flatten)]
    place: Place,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Stats {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let stats = stats_of(self.place.records()?)?;
        if self.json {
            writeln!(out, "{}", json(&stats)?)?;
            return Ok(0);
        }
        print_table(out, ["decision", "pushes", ""], stats.decisions.iter().map(row))?;
        print_table(out, ["undecided because of", "pushes", ""], stats.causes.iter().map(row))?;
        let rules = stats.rules.iter().map(|rule| {
            let outcomes: Vec<_> = rule.outcomes.iter().map(|count| format!("{} {}", count.count, plain(&count.name))).collect();
            [plain(&rule.rule), rule.evaluations.to_string(), outcomes.join(", ")]
        });
        print_table(out, ["rule", "judged", "outcomes"], rules)?;
        print_table(out, ["actor", "pushes", ""], stats.actors.iter().map(row))?;
        writeln!(out, "{}", count(stats.records, "record"))?;
        if stats.unreadable > 0 {
            let lines = count(stats.unreadable, "line");
            writeln!(out, "\x1b[1;33mwarning\x1b[0m: {lines} cannot be read")?;
            writeln!(out, "  help: refwarden log verify says where and why")?;
        }
        if let Some(time) = &stats.milliseconds {
            writeln!(out, "deciding took: p50 {} ms, p99 {} ms, at most {} ms", time.p50, time.p99, time.max)?;
        }
        Ok(0)
    }
}

fn row(count: &Count) -> [String; 3] {
    [plain(&count.name), count.count.to_string(), String::new()]
}

fn print_table(out: &mut dyn Write, header: [&str; 3], rows: impl Iterator<Item = [String; 3]>) -> Result<()> {
    let mut table = Table::new();
    table.load_style(presets::ASCII_HORIZONTAL_ONLY).set_header(header).add_rows(rows);
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    if !table.is_empty() {
        writeln!(out, "{}\n", table.trim_fmt())?;
    }
    Ok(())
}
