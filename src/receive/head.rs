//! What `HEAD` makes of the rules: where the default branch is missing, covered by nothing, or moved by a checkout, protection
//! can move without a change of the policy.

use super::refs::Refs;
use super::repository::Repository;
use crate::git::{Change, RefName};
use crate::policy::{DefaultBranch, Policy, Ruleset, entry};
use crate::push::Undecided;
use crate::verdict::{AsksAboutDefault, PushedUpdate, Selected, name_default};

/// Something about `HEAD` that the administrator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What is so.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Whether the pusher is told as well: the next push is refused for it.
    pub to_pusher: bool,
}

fn shown(name: &RefName) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(name.as_bytes())
}

/// The branches that are likely to be meant, most likely first.
const LIKELY: [&[u8]; 4] = [b"refs/heads/main", b"refs/heads/master", b"refs/heads/trunk", b"refs/heads/develop"];

fn most_likely(branches: &[RefName]) -> Option<&RefName> {
    let usual = LIKELY.iter().find_map(|likely| branches.iter().find(|branch| branch.as_bytes() == *likely));
    usual.or(if let [only] = branches { Some(only) } else { None })
}

/// The branch that `HEAD` probably should name. It is advice only: what cannot be read is not there.
pub fn likely_default(refs: &Refs) -> Option<RefName> {
    let branches: Vec<RefName> = refs.list(b"refs/heads/").ok()?.into_iter().map(|(name, _)| name).collect();
    most_likely(&branches).cloned()
}

/// What a missing default branch means for the pushes to come.
fn consequence(asks: AsksAboutDefault) -> &'static str {
    if asks.by_name {
        "pushes to branches are refused until it names one that exists"
    } else {
        "only `policy_owners` may create it"
    }
}

/// What a push leaves behind, if it is accepted: a `HEAD` that names a branch which does not exist beside others.
pub fn left_by(updates: &[PushedUpdate], default: &DefaultBranch, asks: AsksAboutDefault) -> Option<Notice> {
    if !asks.needs_it() {
        return None;
    }
    let moves = |pushed: &&PushedUpdate, head: &RefName| pushed.names().any(|name| name == head);
    let made = |pushed: &&PushedUpdate| pushed.update.change.new_value().is_some();
    match default {
        DefaultBranch::NoBranches(head) => {
            let created: Vec<&PushedUpdate> = updates.iter().filter(|pushed| pushed.touches_branches()).filter(made).collect();
            if created.is_empty() || created.iter().any(|pushed| moves(pushed, head)) {
                return None;
            }
            let branches: Vec<RefName> = created.iter().map(|pushed| pushed.update.name.clone()).collect();
            Some(Notice {
                message: format!("`HEAD` names `{}`, which this push does not create; {}", shown(head), consequence(asks)),
                help: name_default(most_likely(&branches)),
                to_pusher: true,
            })
        }
        DefaultBranch::Exists(head) => {
            let mine: Vec<&PushedUpdate> = updates.iter().filter(|pushed| moves(pushed, head)).collect();
            let deleted = mine.iter().any(|pushed| matches!(pushed.update.change, Change::Delete { .. }));
            (deleted && !mine.iter().any(made)).then(|| Notice {
                message: format!("`HEAD` names `{}`, which this push deletes; {}", shown(head), consequence(asks)),
                help: name_default(None),
                to_pusher: true,
            })
        }
        DefaultBranch::Missing(_) | DefaultBranch::Unnamed => None,
    }
}

/// The rules of the rulesets that judge a push which commits get around by way of a default branch that nothing covers.
pub fn entered(selected: &[Selected<'_>], here: &[&Ruleset], default: &DefaultBranch) -> Vec<Notice> {
    selected.iter().filter_map(|one| uncovered(one.ruleset, here, default)).collect()
}

fn uncovered(ruleset: &Ruleset, here: &[&Ruleset], default: &DefaultBranch) -> Option<Notice> {
    let head = default.existing()?;
    let mut rules: Vec<&str> = entry::entered(ruleset, here, Some(default), default.existing().is_some())
        .iter()
        .map(|rule| rule.rule.info().id)
        .collect();
    rules.dedup();
    let rules = rules.iter().map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(", ");
    (!rules.is_empty()).then(|| Notice {
        message: format!(
            "the default branch is `{}`, where ruleset `{}` does not judge by {rules}: what it holds counts as judged",
            shown(head),
            ruleset.name
        ),
        help: "let a ruleset that covers `~DEFAULT_BRANCH` carry the rule, or set `trust_default_branch = false`".to_owned(),
        to_pusher: false,
    })
}

/// Whether a checkout moves the default branch, and with it the rules.
pub fn moved_by_checkout(repository: &Repository, asks: AsksAboutDefault) -> Option<Notice> {
    (repository.work_tree && (asks.by_name || asks.trusts)).then(|| Notice {
        message: "the repository has a work tree: a checkout there moves `HEAD`, and with it the default branch".to_owned(),
        help: "let a bare repository take the pushes, or name the branch in `refs` and set `trust_default_branch = false`"
            .to_owned(),
        to_pusher: false,
    })
}

/// Everything about a repository's `HEAD` that matters to a policy, before any push.
///
/// # Errors
/// `HEAD` cannot be read.
pub fn of_repository(policy: &Policy, repository: &Repository, refs: &Refs) -> Result<Vec<Notice>, Undecided> {
    let all: Vec<&Ruleset> = policy.rulesets.iter().collect();
    let default = refs.default_branch()?;
    let asks = AsksAboutDefault::new(&all, &default);
    let help = || name_default(likely_default(refs).as_ref());
    let mut notices = Vec::new();
    match &default {
        DefaultBranch::Missing(head) if asks.needs_it() => notices.push(Notice {
            message: format!("`HEAD` names `{}`, which does not exist; {}", shown(head), consequence(asks)),
            help: help(),
            to_pusher: false,
        }),
        DefaultBranch::Unnamed if asks.by_name => notices.push(Notice {
            message: format!("`HEAD` names no branch; {}", consequence(asks)),
            help: help(),
            to_pusher: false,
        }),
        _ => {}
    }
    let active = all.iter().filter(|ruleset| ruleset.enforcement == crate::policy::Enforcement::Active);
    notices.extend(active.filter_map(|ruleset| uncovered(ruleset, &all, &default)));
    notices.extend(moved_by_checkout(repository, asks));
    Ok(notices)
}
