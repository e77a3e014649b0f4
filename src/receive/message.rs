//! What the pusher reads: what was refused, where, which policy line says so, what to do next.

use serde_json::json;

use super::sanitize::{sanitize, sanitize_bytes};
use crate::git::Change;
use crate::policy::Enforcement;
use crate::push::Undecided;
use crate::rules::Violation;
use crate::verdict::{Decision, Evaluation, Outcome, PushedUpdate, Verdict, json as verdict_json};

/// Violations named for each rule and ref; the rest is counted.
const CAP: usize = 10;
/// Where the policy's line stands, so that it can be found at a glance.
const COLUMN: usize = 72;

/// What a message needs besides the verdict.
#[derive(Debug)]
pub struct About<'a> {
    /// The decision's id in the log.
    pub decision_id: &'a str,
    /// Who pushed, for people.
    pub actor: &'a str,
    /// The policy's file name without its folders.
    pub policy_file: &'a str,
    /// The updates of the push.
    pub updates: &'a [PushedUpdate],
}

/// The lines for a push that was judged. Empty when there is nothing to say.
pub fn render(verdict: &Verdict, about: &About<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut refused_refs = 0;
    let mut violations = 0;
    for pushed in about.updates {
        let mine = |evaluation: &&Evaluation| evaluation.ref_name == pushed.update.name;
        let active: Vec<&Evaluation> = verdict
            .evaluations
            .iter()
            .filter(mine)
            .filter(|evaluation| evaluation.enforcement == Enforcement::Active)
            .filter(|evaluation| matches!(evaluation.outcome, Outcome::Violated(_) | Outcome::Failed(_)))
            .collect();
        if !active.is_empty() {
            refused_refs += 1;
            lines.push(format!("refwarden: refused {} ({})", sanitize_bytes(pushed.update.name.as_bytes()), what(pushed, about)));
            for evaluation in &active {
                violations += count(evaluation);
                explain(&mut lines, evaluation, about);
            }
        }
        for evaluation in verdict.evaluations.iter().filter(mine) {
            if evaluation.enforcement == Enforcement::Evaluate && matches!(evaluation.outcome, Outcome::Violated(_)) {
                lines.push(format!(
                    "refwarden: would refuse {} once the ruleset is active ({})",
                    sanitize_bytes(pushed.update.name.as_bytes()),
                    what(pushed, about)
                ));
                explain(&mut lines, evaluation, about);
            }
        }
    }
    if verdict.decision != Decision::Accepted {
        let refs = about.updates.len();
        lines.push(format!(
            "refwarden: nothing was accepted ({}, {refused_refs} of {}). decision {}",
            plural(violations, "violation"),
            plural(refs, "ref"),
            about.decision_id
        ));
    }
    lines
}

/// The lines for a push that could not be judged at all. Without an id when the decision is not in the log.
pub fn render_undecided(why: &Undecided, decision_id: Option<&str>) -> Vec<String> {
    let decision = decision_id.map_or_else(|| "this decision is not in the log".to_owned(), |id| format!("decision {id}"));
    vec![
        format!("refwarden: could not decide, so nothing was accepted: {}", sanitize(&why.why)),
        format!("  help: this is for the server's administrator; {decision}"),
    ]
}

/// The line for programs.
pub fn render_json(verdict: &Verdict, about: &About<'_>) -> String {
    let value = json!({
        "version": 1,
        "decision": verdict.decision.as_str(),
        "id": about.decision_id,
        "updates": about.updates.iter().map(verdict_json::update).collect::<Vec<_>>(),
        "evaluations": verdict
            .evaluations
            .iter()
            .filter(|evaluation| evaluation.outcome != Outcome::Passed)
            .map(|evaluation| verdict_json::evaluation(evaluation, about.policy_file, CAP))
            .collect::<Vec<_>>(),
    });
    json_line(&value)
}

/// The line for programs about a push that could not be judged at all.
pub fn render_undecided_json(why: &Undecided, decision_id: Option<&str>) -> String {
    json_line(
        &json!({ "version": 1, "decision": "undecided", "id": decision_id, "cause": why.why, "updates": [], "evaluations": [] }),
    )
}

/// JSON in which every character that must not be shown is escaped.
fn json_line(value: &serde_json::Value) -> String {
    let mut line = String::from("refwarden-json: ");
    for character in value.to_string().chars() {
        let shown = sanitize(character.encode_utf8(&mut [0; 4]));
        if shown.starts_with('\\') && character != '\\' {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            line.push(character);
        }
    }
    line
}

fn what(pushed: &PushedUpdate, about: &About<'_>) -> String {
    let actor = sanitize(about.actor);
    match pushed.update.change {
        Change::Create { new } => format!("create {} by {actor}", new.short()),
        Change::Update { old, new } => format!("update {}..{} by {actor}", old.short(), new.short()),
        Change::Delete { old: Some(old) } => format!("delete {} by {actor}", old.short()),
        Change::Delete { old: None } => format!("delete by {actor}"),
    }
}

fn count(evaluation: &Evaluation) -> usize {
    match &evaluation.outcome {
        Outcome::Violated(violations) => violations.len(),
        _ => 1,
    }
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn explain(lines: &mut Vec<String>, evaluation: &Evaluation, about: &About<'_>) {
    let head = format!("  [{}] {}: ", sanitize(&evaluation.ruleset), evaluation.rule);
    let place = format!("{}:{}", sanitize(about.policy_file), evaluation.at.line.max(1));
    let mut push =
        |text: &str| lines.push(format!("{head}{text:<width$} {place}", width = COLUMN.saturating_sub(head.chars().count())));
    if let Some(matched) = &evaluation.matched {
        push(&format!("this push moves {} too", sanitize_bytes(matched.as_bytes())));
    }
    match &evaluation.outcome {
        Outcome::Violated(violations) => {
            for violation in violations.iter().take(CAP) {
                push(&describe(violation));
            }
            if let Some(more) = violations.len().checked_sub(CAP).filter(|more| *more > 0) {
                push(&format!("and {more} more"));
            }
            let mut helps: Vec<&str> = violations.iter().filter_map(|violation| violation.help.as_deref()).collect();
            helps.dedup();
            lines.extend(helps.iter().take(2).map(|help| format!("    help: {}", sanitize(help))));
        }
        Outcome::Failed(undecided) => push(&format!("could not be judged: {}", sanitize(&undecided.why))),
        Outcome::Passed | Outcome::Bypassed { .. } => {}
    }
}

pub(crate) fn describe(violation: &Violation) -> String {
    let what = sanitize(&violation.what);
    match (&violation.path, violation.commit) {
        (Some(path), Some(commit)) => format!("{} in {} ({what})", sanitize_bytes(path), commit.short()),
        (Some(path), None) => format!("{} ({what})", sanitize_bytes(path)),
        (None, Some(commit)) => format!("{} {what}", commit.short()),
        (None, None) => what,
    }
}
