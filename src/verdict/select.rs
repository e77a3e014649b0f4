//! Which rulesets judge which updates of a push, and who passes them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Evaluation, Outcome};
use crate::git::{Change, RefKind, RefName, RefUpdate};
use crate::policy::actors::is_github_only;
use crate::policy::{Bypass, BypassMode, DefaultBranch, Enforcement, Policy, Ruleset};
use crate::push::{Cause, Undecided};
use crate::rules::{Target, Violation};

/// What is known about a push before any object is read.
#[derive(Debug, Clone)]
pub struct Context {
    /// The repository's name.
    pub repository: String,
    /// The pusher's name.
    pub actor: String,
    /// Now.
    pub now: Timestamp,
    /// The repository's default branch.
    pub default_branch: DefaultBranch,
}

/// One update with the names it moves.
#[derive(Debug, Clone)]
pub struct PushedUpdate {
    /// As pushed.
    pub update: RefUpdate,
    /// The pushed ref, and what it points at if it is symbolic, to the end of the chain.
    pub reached: Vec<RefName>,
    /// Symbolic refs, other than those, that end at the same ref.
    pub aliases: Vec<RefName>,
    /// The same push changes the ref, or one that ends at the same ref, in another line too.
    pub rewrite: bool,
    /// The host says that this update merges a reviewed pull request into its base.
    pub merges_pull_request: bool,
}

impl PushedUpdate {
    /// Every name that the update moves.
    pub fn names(&self) -> impl Iterator<Item = &RefName> {
        self.reached.iter().chain(&self.aliases)
    }
}

/// How a ruleset stands to the pusher.
#[derive(Debug, Clone, Copy)]
pub enum Standing<'p> {
    /// It judges.
    Judged,
    /// The pusher passes it.
    Passes(&'p Bypass),
}

/// A ruleset that judges some updates of a push.
#[derive(Debug)]
pub struct Selected<'p> {
    /// The ruleset.
    pub ruleset: &'p Ruleset,
    /// For each judged update: its index in the push, the matched names (the pushed one first), how the ruleset stands
    /// to the pusher.
    pub updates: Vec<(usize, Vec<RefName>, Standing<'p>)>,
    /// Bypass entries that name the pusher and no longer count.
    pub expired: Vec<&'p Bypass>,
    /// Bypass entries that count and name somebody on a git server.
    pub may_pass: Vec<&'p Bypass>,
}

/// Selects the rulesets that judge a push.
///
/// # Errors
/// A pattern does not compile.
pub fn select<'p>(policy: &'p Policy, context: &Context, updates: &[PushedUpdate]) -> Result<Vec<Selected<'p>>, Undecided> {
    let unreadable = |error: crate::git::pattern::PatternError| Undecided::new(error.to_string()).cause(Cause::Policy);
    let today = context.now.to_zoned(TimeZone::UTC).date();
    let mut selected = Vec::new();
    for ruleset in &policy.rulesets {
        if ruleset.enforcement == Enforcement::Disabled
            || !ruleset.actors.judges(&context.actor)
            || !ruleset.repositories.includes(&context.repository).map_err(unreadable)?
        {
            continue;
        }
        let (expired, counting): (Vec<_>, Vec<_>) =
            ruleset.bypass.iter().filter(|bypass| bypass.names(&context.actor)).partition(|bypass| bypass.is_expired(today));
        let mut judged = Vec::new();
        for (index, pushed) in updates.iter().enumerate() {
            let mut names = Vec::with_capacity(1);
            for name in pushed.names() {
                if ruleset.target == Target::Push || ruleset.refs.judges(name, &context.default_branch).map_err(unreadable)? {
                    names.push(name.clone());
                }
            }
            if names.is_empty() {
                continue;
            }
            let standing = counting
                .iter()
                .find(|bypass| bypass.mode != BypassMode::PullRequest || pushed.merges_pull_request)
                .map_or(Standing::Judged, |bypass| Standing::Passes(bypass));
            judged.push((index, names, standing));
        }
        if !judged.is_empty() {
            let names_somebody = |bypass: &&Bypass| bypass.names.iter().any(|name| !is_github_only(name));
            let may_pass = ruleset.bypass.iter().filter(|bypass| !bypass.is_expired(today)).filter(names_somebody).collect();
            selected.push(Selected { ruleset, updates: judged, expired, may_pass });
        }
    }
    Ok(selected)
}

/// What `[server]` and the default branch ask of every push.
///
/// # Errors
/// A pattern does not compile.
pub fn server_evaluations(policy: &Policy, context: &Context, updates: &[PushedUpdate]) -> Result<Vec<Evaluation>, Undecided> {
    let mut evaluations = Vec::new();
    let unknown = unknown_default(policy, context, updates)?;
    for pushed in updates {
        let evaluation = |rule, at, matched: Option<&RefName>, outcome| Evaluation {
            ruleset: "server".to_owned(),
            rule,
            at,
            ref_name: pushed.update.name.clone(),
            matched: matched.filter(|&name| *name != pushed.update.name).cloned(),
            enforcement: Enforcement::Active,
            outcome,
        };
        for name in &pushed.reached {
            let allowed = policy
                .server
                .allowed_refs
                .matches_exactly(name.as_bytes())
                .map_err(|error| Undecided::new(error.to_string()).cause(Cause::Policy))?;
            if !allowed {
                let violation = Violation::new("refs of this name may not be pushed")
                    .help("push a branch or a tag, or ask for the name to be added to `allowed_refs`");
                evaluations.push(evaluation(
                    "allowed_refs",
                    policy.server.allowed_refs_at,
                    Some(name),
                    Outcome::Violated(vec![violation]),
                ));
            }
        }
        if let Some(ruleset) = unknown
            && pushed.names().any(|name| name.kind() == RefKind::Branch)
        {
            let why = match &context.default_branch {
                DefaultBranch::Missing(name) => format!(
                    "the ruleset speaks of the default branch, and `HEAD` names `{}`, which does not exist",
                    String::from_utf8_lossy(name.as_bytes())
                ),
                _ => "the ruleset speaks of the default branch, and `HEAD` names no branch".to_owned(),
            };
            evaluations.push(Evaluation {
                ruleset: ruleset.name.clone(),
                ..evaluation("default_branch", ruleset.at, None, Outcome::Failed(Undecided::new(why).cause(Cause::Repository).help("run `git symbolic-ref HEAD refs/heads/BRANCH` in the repository, with the branch that is to be the default one")))
            });
        }
    }
    Ok(evaluations)
}

/// The active ruleset, if any, that makes it matter which branch is the default while nobody can tell.
fn unknown_default<'p>(
    policy: &'p Policy,
    context: &Context,
    updates: &[PushedUpdate],
) -> Result<Option<&'p Ruleset>, Undecided> {
    match &context.default_branch {
        DefaultBranch::Exists(_) | DefaultBranch::NoBranches(_) => return Ok(None),
        DefaultBranch::Missing(head) => {
            let mut branches = updates.iter().filter(|pushed| pushed.names().any(|name| name.kind() == RefKind::Branch));
            if branches.all(|pushed| pushed.update.name == *head && matches!(pushed.update.change, Change::Create { .. })) {
                return Ok(None);
            }
        }
        DefaultBranch::Unnamed => {}
    }
    for ruleset in &policy.rulesets {
        if ruleset.enforcement == Enforcement::Active
            && ruleset.refs.needs_default()
            && ruleset
                .repositories
                .includes(&context.repository)
                .map_err(|error| Undecided::new(error.to_string()).cause(Cause::Policy))?
        {
            return Ok(Some(ruleset));
        }
    }
    Ok(None)
}
