//! Layers: what one layer asks for, and whether another asks for it, too. A push must satisfy every layer, so a way past one
//! leads nowhere where another asks for the same of everyone.

use crate::audit::RepositoryScene;
use crate::github::effective::{Binding, Effective, Source};
use crate::github::protection::Protection;
use crate::github::readable::Hidden;
use crate::github::rule::{PullRequest, RequiredStatusChecks, RuleKind, StatusCheck};
use crate::github::scope;

/// Whether it is a classic rule.
pub(super) fn is_classic(source: &Source) -> bool {
    matches!(source, Source::Protection { .. })
}

/// The name of a branch that the classic rule binds: the default one, else the first. Another rule with the branch's own name,
/// or an older one that matches, takes a branch from it. `None` when no branch that can be seen is bound by it.
pub(super) fn bound_branch<'a>(scene: &RepositoryScene<'a>, protection: &'a Protection) -> Option<&'a str> {
    let protections = scene.repository.protections.known()?;
    let matches = |protection: &Protection, branch: &str| scope::protects(&protection.pattern, branch) == Ok(true);
    let binds = |branch: &str| {
        if protection.pattern == branch {
            return true;
        }
        let named = protections.iter().any(|other| other.pattern == branch);
        let first = || protections.iter().find(|other| matches(other, branch));
        !named && matches(protection, branch) && first().is_some_and(|first| std::ptr::eq(first, protection))
    };
    let default = scene.repository.default_branch.iter().map(|branch| branch.name.as_str());
    let others = scene.repository.branches.known().into_iter().flatten().map(String::as_str);
    // A rule for one name needs no list of branches.
    let own = (!super::checks::is_pattern(&protection.pattern)).then_some(protection.pattern.as_str());
    default.chain(own).chain(others).find(|branch| binds(branch))
}

/// Whether rulesets that nobody passes ask for everything that a classic rule's binding asks for.
///
/// # Errors
/// A ruleset may, and can't be read.
pub(super) fn is_closed(effective: &Effective, classic: &Binding) -> Result<bool, Hidden> {
    let mut unsure = None;
    for ask in asks(&classic.rule.kind) {
        let mut others = effective.bindings.iter().filter(|other| !is_classic(&other.source) && ask(&other.rule.kind));
        let hidden = others.clone().find_map(|other| other.doors.read().err());
        if others.any(|other| other.doors.known().is_some_and(Vec::is_empty)) {
            continue;
        }
        let elsewhere = || effective.unsure.iter().find(|unsure| !unsure.source.as_ref().is_some_and(is_classic));
        match hidden.or_else(|| elsewhere().map(|unsure| &unsure.why)) {
            Some(hidden) => unsure = unsure.or_else(|| Some(hidden.clone())),
            None => return Ok(false),
        }
    }
    unsure.map_or(Ok(true), Err)
}

/// One thing that a rule asks for.
pub(super) type Ask<'a> = Box<dyn Fn(&RuleKind) -> bool + 'a>;

/// What a classic rule's binding asks for, one by one: different rulesets may answer.
pub(super) fn asks(kind: &RuleKind) -> Vec<Ask<'_>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::effective::{Door, Who};
    use crate::github::readable::{Cause, Readable};
    use crate::github::rule::Rule;
    use crate::github::ruleset::BypassMode;
    use crate::github::word::Word;

    fn binding(pattern: Option<&str>, approvals: u64, doors: Readable<Vec<Door>>) -> Binding {
        let source = match pattern {
            Some(pattern) => Source::Protection { pattern: pattern.to_owned() },
            None => Source::Ruleset { id: 1, name: "main".to_owned(), owner: "acme/api".to_owned(), url: None },
        };
        let kind = RuleKind::PullRequest(PullRequest { required_approving_review_count: approvals, ..PullRequest::default() });
        Binding { source, rule: Rule { name: "pull_request".to_owned(), kind, parameters: None }, doors }
    }

    #[test]
    fn only_what_asks_for_as_much_of_everyone_closes() {
        let nobody = || Readable::Known(Vec::new());
        let someone = || Readable::Known(vec![Door { who: Who::DeployKeys, mode: Word::Known(BypassMode::Always) }]);
        let closed = |rulesets: Vec<Binding>| {
            let classic = binding(Some("main"), 2, nobody());
            let bindings = std::iter::once(classic.clone()).chain(rulesets).collect();
            is_closed(&Effective { ref_name: "refs/heads/main".to_owned(), bindings, unsure: Vec::new() }, &classic)
        };
        assert_eq!(closed(vec![]), Ok(false));
        assert_eq!(closed(vec![binding(None, 2, nobody())]), Ok(true));
        assert_eq!(closed(vec![binding(None, 1, nobody())]), Ok(false), "one approval is less than two");
        assert_eq!(closed(vec![binding(None, 3, someone())]), Ok(false));
        assert_eq!(closed(vec![binding(None, 3, someone()), binding(None, 2, nobody())]), Ok(true));
        assert!(closed(vec![binding(None, 2, Readable::hidden(Cause::NotPermitted, "hidden"))]).is_err());
    }
}
