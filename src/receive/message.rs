//! What the pusher reads: what was refused, where, which policy line says so, what to do next.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::json;

use super::head::Notice;
use super::sanitize::{sanitize, sanitize_bytes};
use crate::git::{Change, RefName};
use crate::policy::{Enforcement, Location};
use crate::push::Undecided;
use crate::rules::{self, Violation, cut, total};
use crate::verdict::{Counted, Decision, Evaluation, Outcome, PushedUpdate, Verdict, json as verdict_json};

/// Violations named for each rule and ref; the rest is counted.
const CAP: usize = 10;
/// Refs that are explained one by one; the rest is counted by rule.
const REFS: usize = 20;
/// Rules by which the rest is counted.
const RULES: usize = 20;
/// Updates in the line for programs.
const JSON_UPDATES: usize = 1000;
/// Characters of a text of the pusher's that are shown.
const SHOWN: usize = 400;
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
    let mut helps = HashSet::new();
    let refuses = |evaluation: &Evaluation| {
        evaluation.enforcement == Enforcement::Active && matches!(evaluation.outcome, Outcome::Violated(_) | Outcome::Failed(_))
    };
    let would = |evaluation: &Evaluation| {
        evaluation.enforcement == Enforcement::Evaluate && matches!(evaluation.outcome, Outcome::Violated(_))
    };
    let refused = by_ref(verdict, refuses);
    let would_be = by_ref(verdict, would);
    let mut explained = Explained { refused: HashSet::new(), would_be: HashSet::new() };
    for pushed in about.updates {
        let name = &pushed.update.name;
        if let Some(evaluations) = refused.get(name)
            && explained.refused.len() < REFS
            && explained.refused.insert(name)
        {
            lines.push(format!("refwarden: refused {} ({})", shown_bytes(name.as_bytes()), what(pushed, about)));
            for evaluation in evaluations {
                explain(&mut lines, &mut helps, evaluation, about);
            }
        }
        if let Some(evaluations) = would_be.get(name)
            && explained.would_be.len() < REFS
            && explained.would_be.insert(name)
        {
            for evaluation in evaluations {
                lines.push(format!(
                    "refwarden: would refuse {} once the ruleset is active ({})",
                    shown_bytes(name.as_bytes()),
                    what(pushed, about)
                ));
                explain(&mut lines, &mut helps, evaluation, about);
            }
        }
    }
    let counted = |outcome: &'static str, enforcement| {
        verdict.counted.iter().filter(move |one| one.outcome == outcome && one.enforcement == enforcement)
    };
    let more = verdict.refused_refs.saturating_sub(explained.refused.len());
    if more > 0 {
        lines.push(format!("refwarden: refused {}", plural(more as u64, "more ref")));
        let rest = refused.iter().filter(|(name, _)| !explained.refused.contains(*name)).flat_map(|(_, evaluations)| evaluations);
        let counted = counted("violated", Enforcement::Active).chain(counted("failed", Enforcement::Active));
        count_rules(&mut lines, rest.copied(), counted, about);
    }
    let more = would_be.len().saturating_sub(explained.would_be.len());
    let mut counted_would = counted("violated", Enforcement::Evaluate).peekable();
    if more > 0 || counted_would.peek().is_some() {
        lines.push("refwarden: would refuse more refs once the ruleset is active".to_owned());
        let rest =
            would_be.iter().filter(|(name, _)| !explained.would_be.contains(*name)).flat_map(|(_, evaluations)| evaluations);
        count_rules(&mut lines, rest.copied(), counted_would, about);
    }
    if verdict.decision != Decision::Accepted {
        lines.push(format!(
            "refwarden: nothing was accepted ({}, {} of {}). decision {}",
            sum(verdict),
            verdict.refused_refs,
            plural(about.updates.len() as u64, "ref"),
            about.decision_id
        ));
    }
    lines
}

/// The lines of a notice.
pub fn render_notice(notice: &Notice) -> Vec<String> {
    vec![format!("refwarden: notice: {}", sanitize(&notice.message)), format!("  help: {}", sanitize(&notice.help))]
}

/// The refs that were explained one by one.
struct Explained<'a> {
    refused: HashSet<&'a RefName>,
    would_be: HashSet<&'a RefName>,
}

/// The evaluations of a kind, by their ref: looked up once for each ref, not searched through.
fn by_ref(verdict: &Verdict, kind: impl Fn(&Evaluation) -> bool) -> HashMap<&RefName, Vec<&Evaluation>> {
    let mut all: HashMap<&RefName, Vec<&Evaluation>> = HashMap::new();
    for evaluation in verdict.evaluations.iter().filter(|evaluation| kind(evaluation)) {
        all.entry(&evaluation.ref_name).or_default().push(evaluation);
    }
    all
}

/// One line for each rule that refuses refs which are not explained one by one.
fn count_rules<'a>(
    lines: &mut Vec<String>,
    evaluations: impl Iterator<Item = &'a Evaluation>,
    counted: impl Iterator<Item = &'a Counted>,
    about: &About<'_>,
) {
    let mut all: BTreeMap<(Location, &str, &str, &str), u64> = BTreeMap::new();
    for one in evaluations {
        *all.entry((one.at, &one.ruleset, one.rule, one.outcome.as_str())).or_default() += 1;
    }
    for one in counted {
        *all.entry((one.at, &one.ruleset, one.rule, one.outcome)).or_default() += one.evaluations;
    }
    for ((at, ruleset, rule, outcome), refs) in all.iter().take(RULES) {
        let refs = plural(*refs, "ref");
        let text = if *outcome == "failed" { format!("could not be judged for {refs}") } else { format!("broken by {refs}") };
        lines.push(cite(&format!("  [{}] {rule}: ", shown(ruleset)), &text, *at, about));
    }
    if let Some(more) = all.len().checked_sub(RULES).filter(|more| *more > 0) {
        lines.push(format!("  and {}", plural(more as u64, "more rule")));
    }
}

/// What was found, without taking for a violation what could not be judged.
fn sum(verdict: &Verdict) -> String {
    let active = |enforcement| enforcement == Enforcement::Active;
    let (mut violations, mut failed) = (0_u64, 0_u64);
    for one in verdict.evaluations.iter().filter(|one| active(one.enforcement)) {
        match &one.outcome {
            Outcome::Violated(all) => violations = violations.saturating_add(total(all)),
            Outcome::Failed(_) => failed += 1,
            Outcome::Passed | Outcome::Bypassed { .. } => {}
        }
    }
    for one in verdict.counted.iter().filter(|one| active(one.enforcement)) {
        match one.outcome {
            "violated" => violations = violations.saturating_add(one.violations),
            "failed" => failed = failed.saturating_add(one.evaluations),
            _ => {}
        }
    }
    let failed = (failed > 0).then(|| format!("{} could not be judged", plural(failed, "rule")));
    let violations = (violations > 0 || failed.is_none()).then(|| plural(violations, "violation"));
    violations.into_iter().chain(failed).collect::<Vec<_>>().join(", ")
}

/// Who must do what about something that could not be judged.
fn for_whom(why: &Undecided) -> String {
    format!("{}: {}", why.cause.audience().address(), shown(why.what_to_do()))
}

/// The lines for a push that could not be judged at all. Without an id when the decision is not in the log.
pub fn render_undecided(why: &Undecided, decision_id: Option<&str>) -> Vec<String> {
    let decision = decision_id.map_or_else(|| "this decision is not in the log".to_owned(), |id| format!("decision {id}"));
    vec![
        format!("refwarden: could not decide, so nothing was accepted: {}", sanitize(&why.why)),
        format!("  help: {}; {decision}", for_whom(why)),
    ]
}

/// The line for programs.
pub fn render_json(verdict: &Verdict, about: &About<'_>) -> String {
    let mut value = json!({
        "version": 1,
        "decision": verdict.decision.as_str(),
        "id": about.decision_id,
        "updates": about.updates.iter().take(JSON_UPDATES).map(verdict_json::update).collect::<Vec<_>>(),
    });
    if let Some(object) = value.as_object_mut() {
        if about.updates.len() > JSON_UPDATES {
            object.insert("updates_total".to_owned(), json!(about.updates.len()));
        }
        object.append(&mut verdict_json::evaluations(verdict, about.policy_file, rules::LISTED, CAP));
    }
    json_line(&value)
}

/// The line for programs about a push that could not be judged at all.
pub fn render_undecided_json(why: &Undecided, decision_id: Option<&str>) -> String {
    json_line(&json!({
        "version": 1,
        "decision": "undecided",
        "id": decision_id,
        "cause": why.why,
        "cause_kind": why.cause.as_str(),
        "audience": why.cause.audience().as_str(),
        "help": why.what_to_do(),
        "updates": [],
        "evaluations": [],
    }))
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

fn plural(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A line that ends with the policy's line, where one says it.
fn cite(head: &str, text: &str, at: Location, about: &About<'_>) -> String {
    if at.line == 0 {
        return format!("{head}{text}");
    }
    let width = COLUMN.saturating_sub(head.chars().count());
    format!("{head}{text:<width$} {}:{}", sanitize(about.policy_file), at.line)
}

fn explain(lines: &mut Vec<String>, helped: &mut HashSet<String>, evaluation: &Evaluation, about: &About<'_>) {
    let head = format!("  [{}] {}: ", shown(&evaluation.ruleset), evaluation.rule);
    let mut push = |text: &str| lines.push(cite(&head, text, evaluation.at, about));
    if let Some(matched) = &evaluation.matched {
        push(&format!("this push also moves {}", shown_bytes(matched.as_bytes())));
    }
    match &evaluation.outcome {
        Outcome::Violated(violations) => {
            for violation in violations.iter().take(CAP) {
                push(&describe(violation));
            }
            let listed = violations.len().min(CAP) as u64;
            if let Some(more) = total(violations).checked_sub(listed).filter(|more| *more > 0) {
                push(&format!("and {more} more"));
            }
            let mut helps: Vec<&str> = violations.iter().filter_map(|violation| violation.help.as_deref()).collect();
            helps.dedup();
            lines.extend(helps.iter().take(2).map(|help| format!("    help: {}", shown(help))));
        }
        Outcome::Failed(undecided) => {
            push(&format!("could not be judged: {}", shown(&undecided.why)));
            // Many rules fail for one cause; what to do about it is said once.
            let help = for_whom(undecided);
            if !helped.contains(&help) {
                lines.push(format!("    help: {help}"));
                helped.insert(help);
            }
        }
        Outcome::Passed | Outcome::Bypassed { .. } => {}
    }
}

/// Text that may be as long as whoever pushed wants it, in a form that can be printed.
fn shown(text: &str) -> String {
    cut(text, SHOWN).map_or_else(|| sanitize(text), |start| sanitize(start) + "…")
}

/// As [`shown`], of bytes.
fn shown_bytes(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(start) if bytes.len() > SHOWN => sanitize_bytes(start) + "…",
        _ => sanitize_bytes(bytes),
    }
}

pub(crate) fn describe(violation: &Violation) -> String {
    let what = shown(&violation.what);
    match (&violation.path, violation.commit) {
        (Some(path), Some(commit)) => format!("{} in {} ({what})", shown_bytes(path), commit.short()),
        (Some(path), None) => format!("{} ({what})", shown_bytes(path)),
        (None, Some(commit)) => format!("{} {what}", commit.short()),
        (None, None) => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::{Oid, RefUpdate};
    use crate::push::Cause;

    const FILE: &str = "policy.toml";

    fn updates(count: usize) -> Vec<PushedUpdate> {
        let new = Oid::from_bytes(&[1; 20]).unwrap();
        let name = |number: usize| RefName::parse(format!("refs/heads/b{number}").as_bytes()).unwrap();
        (0..count)
            .map(|number| PushedUpdate {
                update: RefUpdate { name: name(number), change: Change::Create { new } },
                reached: vec![name(number)],
                aliases: vec![],
                rewrite: false,
                merges_pull_request: false,
            })
            .collect()
    }

    fn evaluation(name: &RefName, enforcement: Enforcement, outcome: Outcome) -> Evaluation {
        Evaluation {
            ruleset: "r".to_owned(),
            rule: "creation",
            at: Location { line: 7, column: 1 },
            ref_name: name.clone(),
            matched: None,
            enforcement,
            outcome,
        }
    }

    fn about(updates: &[PushedUpdate]) -> About<'_> {
        About { decision_id: "01J", actor: "dev", policy_file: FILE, updates }
    }

    #[test]
    fn many_refused_refs_are_counted() {
        for count in [19, 20, 21, 20_000] {
            let updates = updates(count);
            let violated = |one: &PushedUpdate| {
                evaluation(&one.update.name, Enforcement::Active, Outcome::Violated(vec![Violation::new("no")]))
            };
            let verdict = Verdict::of(updates.iter().map(violated).collect());
            let lines = render(&verdict, &about(&updates));
            assert!(lines.len() <= 2 * REFS + 3, "{} lines", lines.len());
            let last = lines.last().unwrap();
            assert_eq!(
                *last,
                format!("refwarden: nothing was accepted ({count} violations, {count} of {count} refs). decision 01J")
            );
            let rest = lines.iter().position(|line| line.contains(" more ref"));
            assert_eq!(rest.is_some(), count > REFS, "{lines:#?}");
            if count == 20_000 {
                assert!(lines.iter().any(|line| line.contains("[r] creation: broken by 19980 refs")), "{lines:#?}");
            }
            let json = render_json(&verdict, &about(&updates));
            assert!(json.len() < 400_000, "{}", json.len());
            let json: serde_json::Value = serde_json::from_str(json.strip_prefix("refwarden-json: ").unwrap()).unwrap();
            assert!(json["evaluations"].as_array().unwrap().len() <= rules::LISTED);
            if count == 20_000 {
                assert_eq!(json["evaluations_total"], count);
                assert_eq!(json["evaluations_by_rule"][0]["refs"], count);
                assert_eq!(json["updates_total"], count);
            }
        }
    }

    #[test]
    fn what_would_be_refused_is_counted() {
        let updates = updates(1000);
        let would = |one: &PushedUpdate| {
            evaluation(&one.update.name, Enforcement::Evaluate, Outcome::Violated(vec![Violation::new("no")]))
        };
        let lines = render(&Verdict::of(updates.iter().map(would).collect()), &about(&updates));
        assert!(lines.len() <= 2 * REFS + 2, "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("broken by 980 refs")), "{lines:#?}");
    }

    #[test]
    fn each_cause_says_whose_it_is() {
        for (cause, whose) in [
            (Cause::Race, "this is for you: "),
            (Cause::Budget, "this is for you: "),
            (Cause::Push, "this is for you: "),
            (Cause::Repository, "this is for the server's administrator: "),
            (Cause::Server, "this is for the server's administrator: "),
            (Cause::Internal, "this is for the server's administrator: "),
            (Cause::Policy, "this is for the author of the policy: "),
        ] {
            let why = Undecided::new("something is wrong").cause(cause);
            let lines = render_undecided(&why, Some("01J"));
            assert!(lines[1].starts_with(&format!("  help: {whose}")), "{lines:?}");
            let updates = updates(1);
            let failed = evaluation(&updates[0].update.name, Enforcement::Active, Outcome::Failed(why));
            let lines = render(&Verdict::of(vec![failed.clone(), failed]), &about(&updates));
            assert_eq!(lines.iter().filter(|line| line.starts_with(&format!("    help: {whose}"))).count(), 1, "{lines:?}");
            assert!(lines.last().unwrap().contains("(2 rules could not be judged, 1 of 1 ref)"), "{lines:?}");
        }
    }

    #[test]
    fn failures_are_not_counted_as_violations() {
        let updates = updates(1);
        let name = &updates[0].update.name;
        let two = Outcome::Violated(vec![Violation { more: 1, ..Violation::new("no") }]);
        let verdict = Verdict::of(vec![
            evaluation(name, Enforcement::Active, two),
            evaluation(name, Enforcement::Active, Outcome::Failed(Undecided::new("why"))),
        ]);
        let lines = render(&verdict, &about(&updates));
        assert!(lines.last().unwrap().contains("(2 violations, 1 rule could not be judged, 1 of 1 ref)"), "{lines:?}");
    }

    #[test]
    fn a_default_cites_no_line() {
        let updates = updates(1);
        let mut one = evaluation(&updates[0].update.name, Enforcement::Active, Outcome::Violated(vec![Violation::new("no")]));
        one.at = Location::default();
        let lines = render(&Verdict::of(vec![one]), &about(&updates));
        assert!(!lines.iter().any(|line| line.contains(FILE)), "{lines:?}");
    }

    #[test]
    fn long_names_are_cut() {
        let path = vec![b'x'; 1 << 20].into();
        let long = Violation { path: Some(path), ..Violation::new("y".repeat(1 << 20)) };
        assert!(describe(&long).len() < 3 * SHOWN);
    }
}
