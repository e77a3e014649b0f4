//! `refwarden log show`: the newest decisions.

use std::collections::VecDeque;
use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{Place, count, from_hex, json};
use crate::cli::Result;
use crate::receive::sanitize::{sanitize, sanitize_bytes};

/// Show the newest decisions, oldest of them first
///
/// Hashes are not checked: see `refwarden log verify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden log show --repo /srv/git/app.git
  refwarden log show --repo /srv/git/app.git -n 5 --decision refused --ref main
  refwarden log show --json -n 0 --actor claude-1 decisions.jsonl | jq .id")]
pub(super) struct Show {
    #[command(flatten)]
    place: Place,
    /// How many; 0 for all
    #[arg(short, long, value_name = "N", default_value_t = 20)]
    number: usize,
    /// Only pushes that were decided so
    #[arg(long, value_name = "DECISION")]
    decision: Option<Decided>,
    /// Only pushes by this actor
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only pushes to this ref; `main` is `refs/heads/main` or `refs/tags/main`
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// Print JSON, a line for each push
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Decided {
    /// Let through by this gate
    Accepted,
    /// Refused by a rule, or by the chained hook
    Refused,
    /// Refused because it could not be judged
    Undecided,
}

impl Decided {
    fn as_str(self) -> &'static str {
        match self {
            Decided::Accepted => "accepted",
            Decided::Refused => "refused",
            Decided::Undecided => "undecided",
        }
    }
}

impl Show {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let mut newest = VecDeque::new();
        let mut unreadable = 0;
        let is_one_log = self.place.find()?.len() == 1;
        for record in self.place.records()? {
            match record {
                Ok(record) if self.wants(&record) => newest.push_back(record),
                Ok(_) => {}
                Err(error) if error.is_io() => return Err(error.into()),
                Err(_) => unreadable += 1,
            }
            // With several logs, the newest of one need not be the newest of all.
            if is_one_log && self.number > 0 && newest.len() > self.number {
                newest.pop_front();
            }
        }
        if !is_one_log {
            // Ids sort by time.
            let id = |record: &Value| record.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            newest.make_contiguous().sort_by_key(id);
            let surplus = if self.number > 0 { newest.len().saturating_sub(self.number) } else { 0 };
            newest.drain(..surplus);
        }
        for record in &newest {
            if self.json {
                writeln!(out, "{}", json(record)?)?;
            } else {
                print(out, record)?;
            }
        }
        if unreadable > 0 {
            let lines = count(unreadable, "line");
            let mut err = anstream::stderr().lock();
            let _ = writeln!(err, "\x1b[1;33mwarning\x1b[0m: {lines} of the log cannot be read");
            let _ = writeln!(err, "  help: refwarden log verify says where and why");
        }
        Ok(0)
    }

    fn wants(&self, record: &Value) -> bool {
        let is =
            |key: &str, wanted: Option<&str>| wanted.is_none_or(|wanted| record.get(key).and_then(Value::as_str) == Some(wanted));
        let is_ref = |name: &str| {
            list(record, "updates").any(|update| {
                let full = bytes(update.get("ref"));
                let short = [&b"refs/heads/"[..], b"refs/tags/"].iter().find_map(|prefix| full.strip_prefix(*prefix));
                full == name.as_bytes() || short == Some(name.as_bytes())
            })
        };
        is("decision", self.decision.map(Decided::as_str))
            && is("actor", self.actor.as_deref())
            && self.reference.as_deref().is_none_or(is_ref)
    }
}

fn list<'a>(record: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    record.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A name's bytes, be it written as text or as hex.
fn bytes(name: Option<&Value>) -> Vec<u8> {
    match name {
        Some(Value::String(text)) => text.as_bytes().to_vec(),
        Some(other) => other.get("bytes_hex").and_then(Value::as_str).map(from_hex).unwrap_or_default(),
        None => Vec::new(),
    }
}

/// A member as text that is fit to be shown, `-` if there is none.
fn text(record: &Value, key: &str) -> String {
    let plain = sanitize_bytes(&bytes(record.get(key)));
    if plain.is_empty() { "-".to_owned() } else { plain }
}

fn short(update: &Value, key: &str) -> String {
    let id: String = text(update, key).chars().take(7).collect();
    if id == "-" { "nothing".to_owned() } else { id }
}

fn print(out: &mut dyn Write, record: &Value) -> Result<()> {
    if let Some(event) = record.get("event") {
        let (what, by) = (text(event, "what").replace('_', " "), text(event, "by"));
        write!(out, "{}  {what} for {} by {by}", text(record, "time"), text(record, "actor"))?;
        if event.get("until").is_some_and(Value::is_string) {
            write!(out, " until {}", text(event, "until"))?;
        }
        writeln!(out, "  {}", text(record, "id"))?;
        return Ok(());
    }
    let decision = text(record, "decision");
    let colour = if decision == "accepted" { "\x1b[32m" } else { "\x1b[31m" };
    writeln!(
        out,
        "{}  {colour}{decision}\x1b[0m  {} by {}  {}",
        text(record, "time"),
        text(record, "repository"),
        text(record, "actor"),
        text(record, "id")
    )?;
    if let Some(cause) = record.get("cause").and_then(Value::as_str) {
        writeln!(out, "    {}", sanitize(cause))?;
    }
    if let Some(notice) = record.get("notice").and_then(Value::as_str) {
        writeln!(out, "    notice: {}", sanitize(notice))?;
    }
    for update in list(record, "updates") {
        let (old, new) = (short(update, "old"), short(update, "new"));
        writeln!(out, "    {} {} {old}..{new}", text(update, "change"), text(update, "ref"))?;
    }
    for evaluation in list(record, "evaluations") {
        let (ruleset, rule, outcome) = (text(evaluation, "ruleset"), text(evaluation, "rule"), text(evaluation, "outcome"));
        write!(out, "    [{ruleset}] {rule}: {outcome}")?;
        if text(evaluation, "enforcement") == "evaluate" {
            write!(out, " (evaluate: not refused)")?;
        }
        if let Some(why) = evaluation.get("why").and_then(Value::as_str) {
            write!(out, ": {}", sanitize(why))?;
        }
        if let Some(violation) = list(evaluation, "violations").next() {
            write!(out, ": ")?;
            if violation.get("path").is_some() {
                write!(out, "{}: ", text(violation, "path"))?;
            }
            write!(out, "{}", text(violation, "what"))?;
        }
        match evaluation.get("violations_total").and_then(Value::as_u64) {
            Some(total) if total > 1 => writeln!(out, " (and {} more)", total - 1)?,
            _ => writeln!(out)?,
        }
    }
    if record.get("import") == Some(&Value::Bool(true)) {
        writeln!(out, "    part of an import: not judged")?;
    }
    if let Some(exit) = record.pointer("/chained_hook/exit").and_then(Value::as_i64) {
        writeln!(out, "    the chained hook exited with {exit}")?;
    }
    Ok(())
}
