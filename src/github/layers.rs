//! Classic protection beside rulesets: what a classic rule asks for, one by one, and which ruleset asks for it, too.

use super::effective::{Binding, Door, Effective, Source, Who};
use super::readable::{Cause, Hidden};
use super::rule::{PullRequest, RequiredStatusChecks, RuleKind, StatusCheck};

/// Whether it is a classic rule.
pub fn is_classic(source: &Source) -> bool {
    matches!(source, Source::Protection { .. })
}

/// One thing that a rule asks for.
pub type Ask<'a> = Box<dyn Fn(&RuleKind) -> bool + 'a>;

/// What a classic rule's binding asks for, one by one: different rulesets may answer.
pub fn asks(kind: &RuleKind) -> Vec<Ask<'_>> {
    match kind {
        RuleKind::PullRequest(asked) => pull_request(asked),
        RuleKind::RequiredStatusChecks(asked) => {
            let mut asks: Vec<Ask<'_>> = asked.required_status_checks.iter().map(check).collect();
            if asked.strict_required_status_checks_policy {
                asks.push(checks(|rule| rule.strict_required_status_checks_policy && !rule.required_status_checks.is_empty()));
            }
            asks
        }
        RuleKind::RequiredDeployments(asked) => asked
            .required_deployment_environments
            .iter()
            .map(|environment| -> Ask<'_> {
                Box::new(move |rule| match rule {
                    RuleKind::RequiredDeployments(rule) => rule.required_deployment_environments.contains(environment),
                    _ => false,
                })
            })
            .collect(),
        RuleKind::Update(asked) => vec![Box::new(move |rule| match rule {
            RuleKind::Update(rule) => asked.update_allows_fetch_and_merge || !rule.update_allows_fetch_and_merge,
            _ => false,
        })],
        // How a queue builds and merges is nothing that one asks for more of.
        RuleKind::MergeQueue(_) => vec![Box::new(|rule| matches!(rule, RuleKind::MergeQueue(_)))],
        RuleKind::Conversations => vec![reviews(|rule| rule.required_review_thread_resolution)],
        same => vec![Box::new(move |rule| rule == same)],
    }
}

fn pull_request(asked: &PullRequest) -> Vec<Ask<'_>> {
    let mut asks: Vec<Ask<'_>> =
        vec![reviews(move |rule| rule.required_approving_review_count >= asked.required_approving_review_count)];
    for (is_asked, ask) in [
        (asked.dismiss_stale_reviews_on_push, (|rule| rule.dismiss_stale_reviews_on_push) as fn(&PullRequest) -> bool),
        (asked.require_code_owner_review, |rule| rule.require_code_owner_review),
        (asked.require_last_push_approval, |rule| rule.require_last_push_approval),
        (asked.required_review_thread_resolution, |rule| rule.required_review_thread_resolution),
        (asked.dismissal_restriction.is_some(), |rule| {
            rule.dismissal_restriction.as_ref().is_some_and(|only| only.enabled && only.allowed_actors.is_empty())
        }),
    ] {
        if is_asked {
            asks.push(reviews(ask));
        }
    }
    asks
}

fn reviews<'a>(ask: impl Fn(&PullRequest) -> bool + 'a) -> Ask<'a> {
    Box::new(move |rule| matches!(rule, RuleKind::PullRequest(rule) if ask(rule)))
}

fn checks<'a>(ask: impl Fn(&RequiredStatusChecks) -> bool + 'a) -> Ask<'a> {
    Box::new(move |rule| match rule {
        RuleKind::RequiredStatusChecks(rule) => rule.do_not_enforce_on_create != Some(true) && ask(rule),
        _ => false,
    })
}

fn check(asked: &StatusCheck) -> Ask<'_> {
    let from = |check: &StatusCheck| check.integration_id.filter(|app| *app >= 0);
    checks(move |rule| {
        let mut all = rule.required_status_checks.iter();
        all.any(|check| check.context == asked.context && (from(asked).is_none() || from(asked) == from(check)))
    })
}

/// The ruleset that asks for it and opens no door that the classic rule keeps shut.
///
/// # Errors
/// One may, and can't be read.
pub fn answered<'a>(effective: &'a Effective, classic: &Binding, ask: &Ask<'_>) -> Result<Option<&'a Source>, Hidden> {
    let mut unsure = None;
    for binding in &effective.bindings {
        if is_classic(&binding.source) || !ask(&binding.rule.kind) {
            continue;
        }
        match opens_no_more(binding, classic) {
            Ok(true) => return Ok(Some(&binding.source)),
            Ok(false) => {}
            Err(hidden) => unsure = unsure.or(Some(hidden)),
        }
    }
    // A ruleset that can't be read may ask for it, too.
    let others = effective.unsure.iter().find(|unsure| !unsure.source.as_ref().is_some_and(is_classic));
    unsure.or_else(|| others.map(|unsure| unsure.why.clone())).map_or(Ok(None), Err)
}

/// Whether everyone who passes the ruleset's rule passes the classic one.
fn opens_no_more(binding: &Binding, classic: &Binding) -> Result<bool, Hidden> {
    let doors = binding.doors.read().map_err(Clone::clone)?;
    if doors.is_empty() {
        return Ok(true);
    }
    let passers: Vec<&Who> = classic.doors.read().map_err(Clone::clone)?.iter().map(|door| &door.who).collect();
    let mut unsure = None;
    for Door { who, .. } in doors {
        let is_admin = *who == Who::OrganizationAdmins && passers.iter().any(|passer| **passer == Who::Role("admin".to_owned()));
        if is_admin || passers.contains(&who) {
            continue;
        }
        if passers.is_empty() || !matches!(who, Who::Other(_)) {
            return Ok(false);
        }
        let why = format!("who `{who}`, which passes {}, is could not be found", binding.source);
        unsure = Some(Hidden::new(Cause::Unknown, why));
    }
    unsure.map_or(Ok(true), Err)
}
