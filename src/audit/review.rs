//! What the pull request rules of a branch ask for together. Each holds, so the strictest of them does.

use crate::github::Hidden;
use crate::github::effective::{Binding, Effective};
use crate::github::rule::{PullRequest, RuleKind};

/// What a change needs before it is merged.
#[derive(Debug, Clone, Copy)]
pub struct Review<'a> {
    /// How many approvals.
    pub approvals: u64,
    /// The binding that asks for them.
    pub binding: &'a Binding,
    /// A push withdraws approvals.
    pub dismisses_stale: bool,
    /// Someone other than who pushed last approves.
    pub last_push: bool,
    /// Owners of changed files approve.
    pub code_owners: bool,
    /// A team approves certain files.
    pub teams: bool,
    /// Conversations are resolved.
    pub threads: bool,
    /// Only certain people dismiss reviews.
    pub dismissal_restricted: bool,
}

/// The roles that, as those who may dismiss reviews, exclude nobody who can push: read, triage and write.
const EVERY_WRITER: &[i64] = &[1, 3, 4];

impl<'a> Review<'a> {
    /// `None` where changes need no pull request.
    ///
    /// # Errors
    /// None was found among what can be seen.
    pub fn of(effective: &'a Effective) -> Result<Option<Review<'a>>, Hidden> {
        let strongest = effective.strongest(|rule| match &rule.kind {
            RuleKind::PullRequest(parameters) => Some(parameters.required_approving_review_count),
            _ => None,
        });
        let Some((approvals, binding)) = strongest else {
            return effective.nothing_else().map(|()| None).map_err(Clone::clone);
        };
        let any = |is: fn(&PullRequest) -> bool| effective.pull_requests().any(|(parameters, _)| is(parameters));
        Ok(Some(Review {
            approvals,
            binding,
            dismisses_stale: any(|parameters| parameters.dismiss_stale_reviews_on_push),
            last_push: any(|parameters| parameters.require_last_push_approval),
            code_owners: any(|parameters| parameters.require_code_owner_review),
            teams: any(|parameters| parameters.required_reviewers.iter().flatten().any(|team| team.minimum_approvals > 0)),
            threads: any(|parameters| parameters.required_review_thread_resolution)
                || effective.bindings.iter().any(|binding| binding.rule.kind == RuleKind::Conversations),
            dismissal_restricted: any(|parameters| {
                parameters.dismissal_restriction.as_ref().is_some_and(|restriction| {
                    restriction.enabled
                        && !restriction
                            .allowed_actors
                            .iter()
                            .any(|actor| actor.r#type == "RepositoryRole" && EVERY_WRITER.contains(&actor.id))
                })
            }),
        }))
    }

    /// Whether anyone must approve anything.
    pub fn asks_for_approval(&self) -> bool {
        self.approvals > 0 || self.code_owners || self.teams
    }
}

/// `1 approval`, `2 approvals`.
pub fn approvals(count: u64) -> String {
    counted(count, "approval", "approvals")
}

/// The number and its noun.
pub fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}
