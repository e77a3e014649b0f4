//! `classic-pattern-shadowed`: a classic rule matches a branch and does not bind it, because another one does.
//!
//! Of the classic rules that match, the one with the branch's own name binds, else the oldest: they don't add up, as
//! rulesets do. It is no fault where the other one, or a ruleset, demands no less.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::git::pattern::{Pattern, PatternSet};
use crate::github::effective::{Effective, Source};
use crate::github::part::Part;
use crate::github::protection::Protection;
use crate::github::{Cause, Hidden, scope};

pub(super) static CHECK: Check = Check {
    id: "classic-pattern-shadowed",
    severity: Severity::Medium,
    summary: "of two branch protection rules for a branch the weaker one binds",
    why: "Only one branch protection rule binds a branch. What a second one demands is shown in its settings and not asked of any push.",
    fix: "put the demands into one rule, or into rulesets, which add up",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/managing-a-branch-protection-rule",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let repository = scene.repository;
    let protections = repository.protections.read().map_err(Clone::clone)?;
    if protections.len() < 2 {
        return Ok(());
    }
    // Without the branches, those where GitHub itself sees two rules are enough.
    let branches: BTreeSet<&str> = match repository.branches.read() {
        Ok(branches) => branches.iter().map(String::as_str).collect(),
        Err(hidden) => {
            if protections.iter().any(|protection| protection.conflicts.read().is_err()) {
                findings.cannot_tell(scene.place().field("branches"), hidden);
            }
            let conflicts = protections.iter().filter_map(|protection| protection.conflicts.known()).flatten();
            let default = repository.default_branch.iter().map(|branch| branch.name.as_str());
            conflicts.filter_map(|conflict| conflict.branch.as_deref()).chain(default).collect()
        }
    };
    // Compiled once for all branches.
    let patterns: Vec<(&Protection, Option<PatternSet>)> = protections
        .iter()
        .map(|protection| match Pattern::parse(&scope::reduced(&protection.pattern)) {
            Ok(pattern) => (protection, Some(PatternSet::new(vec![pattern]))),
            Err(bad) => {
                let why = format!("the pattern `{}` can't be judged here: {}", protection.pattern, bad.message);
                let place = scene.place().source(&Source::classic(protection));
                findings.cannot_tell(place, &Hidden::new(Cause::Unknown, why));
                (protection, None)
            }
        })
        .collect();
    let mut lost: BTreeMap<(&str, &str), Lost<'_>> = BTreeMap::new();
    for branch in branches {
        let matching: Vec<&Protection> = patterns
            .iter()
            .filter(|(protection, set)| {
                protection.pattern == branch
                    || set.as_ref().is_some_and(|set| set.matches_exactly(branch.as_bytes()).unwrap_or_default())
            })
            .map(|(protection, _)| *protection)
            .collect();
        let exact = matching.iter().find(|protection| protection.pattern == branch);
        let Some(winner) = exact.or(matching.first()).copied() else { continue };
        let weaker: Vec<_> =
            matching.into_iter().map(|loser| (loser, lost_demands(loser, winner))).filter(|(_, lost)| !lost.is_empty()).collect();
        if weaker.is_empty() {
            continue;
        }
        let effective = scene.effective(&format!("refs/heads/{branch}"));
        for (loser, demands) in weaker {
            let demands: Vec<String> =
                demands.into_iter().filter(|demand| !demand.is_made(&effective)).map(|demand| demand.name).collect();
            if !demands.is_empty() {
                let lost = lost.entry((&loser.pattern, &winner.pattern)).or_default();
                lost.demands.extend(demands);
                lost.branches.push(branch);
            }
        }
    }
    for ((loser, winner), Lost { demands, branches }) in lost {
        let source = Source::Protection { pattern: loser.to_owned() };
        let message = format!(
            "the rule for `{winner}` binds {} in place of this one, whose {} it does not demand",
            super::listed(branches),
            super::listed(demands.iter().map(String::as_str)),
        );
        findings.add(scene.place().source(&source).field("branchProtectionRuleConflicts"), winner, message);
    }
    Ok(())
}

/// What one classic rule loses to another.
#[derive(Default)]
struct Lost<'a> {
    demands: BTreeSet<String>,
    branches: Vec<&'a str>,
}

/// Something that a classic rule demands.
struct Demand {
    /// The API's field, or the check's name.
    name: String,
    made: Made,
}

/// How a ruleset would demand the same.
enum Made {
    /// By a rule of this type.
    Rule(&'static str),
    /// By so many approvals.
    Approvals(u64),
    /// By this of a pull request.
    PullRequest(fn(&crate::github::rule::PullRequest) -> bool),
    /// By this check.
    Check(String),
    /// Not at all.
    Never,
}

impl Demand {
    /// Whether what binds the branch demands it, rulesets included.
    fn is_made(&self, effective: &Effective) -> bool {
        match &self.made {
            Made::Rule(name) => effective.of_rule(name).next().is_some(),
            Made::Approvals(count) => {
                effective.pull_requests().any(|(parameters, _)| parameters.required_approving_review_count >= *count)
            }
            Made::PullRequest(asks) => effective.pull_requests().any(|(parameters, _)| asks(parameters)),
            Made::Check(context) => effective.required_checks().any(|(check, ..)| check.context == *context),
            Made::Never => false,
        }
    }
}

type Switch = (&'static str, fn(&Protection) -> bool, Made);

/// What the loser demands and the winner does not.
fn lost_demands(loser: &Protection, winner: &Protection) -> Vec<Demand> {
    let reviews = |protection: &Protection| protection.requires_approving_reviews;
    let approvals = |protection: &Protection| {
        if reviews(protection) { protection.required_approving_review_count } else { 0 }
    };
    let switches: [Switch; 14] = [
        ("requiresCommitSignatures", |p| p.requires_commit_signatures, Made::Rule("required_signatures")),
        ("requiresLinearHistory", |p| p.requires_linear_history, Made::Rule("required_linear_history")),
        ("allowsForcePushes: false", |p| !p.allows_force_pushes, Made::Rule("non_fast_forward")),
        ("allowsDeletions: false", |p| !p.allows_deletions, Made::Rule("deletion")),
        ("restrictsPushes", |p| p.restricts_pushes, Made::Rule("update")),
        ("blocksCreations", |p| p.restricts_pushes && p.blocks_creations, Made::Rule("creation")),
        ("lockBranch", |p| p.lock_branch, Made::Rule("update")),
        ("requiresApprovingReviews", |p| p.requires_approving_reviews, Made::Rule("pull_request")),
        (
            "dismissesStaleReviews",
            |p| p.requires_approving_reviews && p.dismisses_stale_reviews,
            Made::PullRequest(|r| r.dismiss_stale_reviews_on_push),
        ),
        (
            "requiresCodeOwnerReviews",
            |p| p.requires_approving_reviews && p.requires_code_owner_reviews,
            Made::PullRequest(|r| r.require_code_owner_review),
        ),
        (
            "requireLastPushApproval",
            |p| p.requires_approving_reviews && p.require_last_push_approval,
            Made::PullRequest(|r| r.require_last_push_approval),
        ),
        (
            "restrictsReviewDismissals",
            |p| p.requires_approving_reviews && p.restricts_review_dismissals,
            Made::PullRequest(|r| r.dismissal_restriction.as_ref().is_some_and(|restriction| restriction.enabled)),
        ),
        (
            "requiresConversationResolution",
            |p| p.requires_conversation_resolution,
            Made::PullRequest(|r| r.required_review_thread_resolution),
        ),
        ("isAdminEnforced", |p| p.is_admin_enforced, Made::Never),
    ];
    let mut lost: Vec<Demand> = switches
        .into_iter()
        .filter(|(_, asks, _)| asks(loser) && !asks(winner))
        .map(|(name, _, made)| Demand { name: name.to_owned(), made })
        .collect();
    if approvals(loser) > approvals(winner) {
        let count = approvals(loser);
        lost.push(Demand { name: format!("requiredApprovingReviewCount: {count}"), made: Made::Approvals(count) });
    }
    if loser.requires_status_checks {
        for check in &loser.required_status_checks {
            let asks = |other: &Protection| {
                other.requires_status_checks && other.required_status_checks.iter().any(|one| one.context == check.context)
            };
            if !asks(winner) {
                let made = Made::Check(check.context.clone());
                lost.push(Demand { name: format!("required check {}", check.context), made });
            }
        }
    }
    lost
}
