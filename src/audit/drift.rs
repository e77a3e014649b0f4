//! What of a policy GitHub has otherwise, as rows of the result.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scene::Context;
use crate::github::desired::Desired;
use crate::github::drift::{self, Difference, Direction, WHOLE};
use crate::github::names::NoNumber;
use crate::github::readable::{Hidden, Readable};
use crate::github::repository::Repository;

/// A difference between the policy and GitHub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// `owner/name`, or the organization's login.
    pub repository: String,
    /// The ruleset's name, or the branch protection's pattern; empty for what is about all of them.
    pub ruleset: String,
    /// Whether it is a branch protection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub classic: bool,
    /// The field, in GitHub's words; `ruleset` for all of it.
    pub field: String,
    /// What the policy asks for.
    pub desired: Option<Value>,
    /// What GitHub has.
    pub live: Option<Value>,
    /// Which way it goes.
    pub direction: Direction,
    /// Why it can't be told which way it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Hidden>,
    /// The policy's line.
    pub line: usize,
}

/// Something in the policy that GitHub can't bind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotBound {
    /// The policy's line.
    pub line: usize,
    /// The ruleset.
    pub ruleset: String,
    /// The rule, a name that GitHub does not know, or what else of the ruleset it is.
    pub rule: String,
    /// Why.
    pub why: String,
}

/// A place that the policy is about, compared with it.
#[derive(Debug)]
pub(super) struct Compared {
    target: String,
    /// What differs.
    pub(super) differences: Readable<Vec<Difference>>,
    /// What GitHub can't bind.
    pub(super) not_bound: Vec<NotBound>,
}

impl Compared {
    /// The organization; `None` where the policy says nothing of it.
    pub(super) fn owner(context: &Context<'_>) -> Option<Compared> {
        let today = context.now.to_zoned(TimeZone::UTC).date();
        let desired = Desired::for_owner(context.policy?, context.owner, today)?;
        Some(Compared::new(context, &context.owner.login, Ok(desired), None))
    }

    /// A repository; `None` where the policy says nothing of it.
    pub(super) fn repository(context: &Context<'_>, repository: &Repository) -> Option<Compared> {
        let today = context.now.to_zoned(TimeZone::UTC).date();
        let desired = Desired::for_repository(context.policy?, context.owner, repository, today).transpose()?;
        Some(Compared::new(context, &repository.full_name(), desired, Some(repository)))
    }

    fn new(context: &Context<'_>, target: &str, desired: Result<Desired, Hidden>, repository: Option<&Repository>) -> Compared {
        let target = target.to_owned();
        match desired {
            Ok(desired) => Compared {
                target,
                differences: Readable::Known(
                    drift::compare(&desired, context.owner, repository).into_iter().chain(drift::of_blocked(&desired)).collect(),
                ),
                not_bound: not_bound(&desired),
            },
            Err(hidden) => Compared { target, differences: Readable::Hidden(hidden), not_bound: Vec::new() },
        }
    }

    /// The rows.
    pub(super) fn rows(&self) -> Vec<Drift> {
        let shown = |value: &Option<Value>| value.clone().filter(|value| !value.is_null());
        match &self.differences {
            Readable::Known(differences) => differences
                .iter()
                .map(|found| Drift {
                    repository: self.target.clone(),
                    ruleset: found.ruleset.clone(),
                    classic: found.classic,
                    field: found.field.clone(),
                    desired: shown(&found.desired),
                    live: shown(&found.live),
                    direction: found.direction,
                    why: found.why.clone(),
                    line: found.at.line,
                })
                .collect(),
            Readable::Hidden(hidden) => vec![Drift {
                repository: self.target.clone(),
                ruleset: String::new(),
                classic: false,
                field: WHOLE.to_owned(),
                desired: None,
                live: None,
                direction: Direction::CannotTell,
                why: Some(hidden.clone()),
                line: 1,
            }],
        }
    }
}

fn not_bound(desired: &Desired) -> Vec<NotBound> {
    let rules = desired.not_bound.iter().map(|one| NotBound {
        line: one.at.line,
        ruleset: one.ruleset.clone(),
        rule: one.rule.clone(),
        why: one.why.clone(),
    });
    let names = desired.unresolved.iter().filter_map(|one| match &one.why {
        NoNumber::Unknown(why) => {
            Some(NotBound { line: one.at.line, ruleset: one.ruleset.clone(), rule: one.name.clone(), why: why.clone() })
        }
        NoNumber::Hidden(_) => None,
    });
    rules.chain(names).collect()
}
