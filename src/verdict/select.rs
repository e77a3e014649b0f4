//! Which rulesets judge which updates of a push, and who passes them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Evaluation, Outcome};
use crate::git::pattern::{PatternError, PatternSet};
use crate::git::{Change, RefKind, RefName, RefUpdate};
use crate::policy::actors::is_github_only;
use crate::policy::{Bypass, BypassMode, DefaultBranch, Enforcement, Location, Policy, Ruleset, actors, entry};
use crate::push::{Cause, Undecided};
use crate::rules::{Target, Violation};

/// What is known about a push before any object is read.
#[derive(Debug, Clone)]
pub struct Context {
    /// The repository's name.
    pub repository: String,
    /// Other names that it was reached by. They can only bring it under more rulesets.
    pub served_as: Vec<String>,
    /// The pusher's name.
    pub actor: String,
    /// Now.
    pub now: Timestamp,
    /// The repository's default branch.
    pub default_branch: DefaultBranch,
}

impl Context {
    /// The rulesets that are for the repository.
    ///
    /// # Errors
    /// A pattern does not compile.
    pub fn rulesets<'p>(&self, policy: &'p Policy) -> Result<Vec<&'p Ruleset>, Undecided> {
        let mut here = Vec::new();
        for ruleset in &policy.rulesets {
            if self.is_for(ruleset).map_err(|error| Undecided::new(error.to_string()))? {
                here.push(ruleset);
            }
        }
        Ok(here)
    }

    /// Whether the ruleset is for the repository.
    fn is_for(&self, ruleset: &Ruleset) -> Result<bool, PatternError> {
        let names = std::iter::once(&self.repository).chain(&self.served_as);
        ruleset.repositories.includes_any(names.map(String::as_str))
    }
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
    /// The host says that this update merges a pull request into its base, which is not that anybody approved it.
    pub merges_pull_request: bool,
}

impl PushedUpdate {
    /// Every name that the update moves.
    pub fn names(&self) -> impl Iterator<Item = &RefName> {
        self.reached.iter().chain(&self.aliases)
    }

    /// Whether it moves a branch.
    pub fn touches_branches(&self) -> bool {
        self.names().any(|name| name.kind() == RefKind::Branch)
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
    /// `[server] allowed_refs`: a ref that no push can write covers nothing.
    pub allowed_refs: &'p PatternSet,
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
    let unreadable = |error: PatternError| Undecided::new(error.to_string()).cause(Cause::Policy);
    let today = context.now.to_zoned(TimeZone::UTC).date();
    let mut selected = Vec::new();
    for ruleset in &policy.rulesets {
        if ruleset.enforcement == Enforcement::Disabled
            || !ruleset.actors.judges(&context.actor)
            || !context.is_for(ruleset).map_err(unreadable)?
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
            selected.push(Selected { ruleset, allowed_refs: &policy.server.allowed_refs, updates: judged, expired, may_pass });
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
    let moves_default = MovesDefault::new(policy, context, updates)?;
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
        if let Some(why) = moves_default.why(pushed) {
            let undecided = Undecided::new(why).cause(Cause::Repository).help(name_default(None));
            // No line of the policy is to blame.
            evaluations.push(evaluation("default_branch", Location::default(), None, Outcome::Failed(undecided)));
        }
    }
    Ok(evaluations)
}

/// Names the branch that `HEAD` should name, in the help of every refusal for want of a default branch.
pub fn suggest_default(evaluations: &mut [Evaluation], branch: &RefName) {
    for evaluation in evaluations.iter_mut().filter(|evaluation| evaluation.rule == "default_branch") {
        if let Outcome::Failed(undecided) = &mut evaluation.outcome {
            undecided.help = Some(name_default(Some(branch)));
        }
    }
}

/// What the administrator does about a `HEAD` that names no branch that exists.
pub fn name_default(branch: Option<&RefName>) -> String {
    // The command is there to be copied into a shell, and the name was pushed.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    let branch = branch.filter(|branch| branch.as_bytes().iter().all(plain));
    let branch = branch.map_or("refs/heads/<branch>".into(), |branch| String::from_utf8_lossy(branch.as_bytes()));
    format!("name the default branch on the server: git symbolic-ref HEAD {branch}")
}

/// What the active rulesets for a repository make of its default branch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AsksAboutDefault {
    /// One names `~DEFAULT_BRANCH`, so that it must be known.
    pub by_name: bool,
    /// One has rules about commits that are entered through the branch that `HEAD` names, once that exists.
    pub by_commits: bool,
    /// One takes the commits of whatever branch is the default as judged.
    pub trusts: bool,
}

impl AsksAboutDefault {
    /// Asks the rulesets for a repository.
    pub fn new(rulesets: &[&Ruleset], default: &DefaultBranch) -> AsksAboutDefault {
        let once_it_exists = match default {
            DefaultBranch::Exists(head) | DefaultBranch::Missing(head) | DefaultBranch::NoBranches(head) => {
                Some(DefaultBranch::Exists(head.clone()))
            }
            DefaultBranch::Unnamed => None,
        };
        let mut asks = AsksAboutDefault::default();
        for ruleset in rulesets.iter().filter(|ruleset| ruleset.enforcement == Enforcement::Active) {
            asks.by_name |= ruleset.refs.needs_default();
            let exists = default.existing().is_some();
            asks.by_commits |= once_it_exists
                .as_ref()
                .is_some_and(|default| !entry::entered(ruleset, rulesets, Some(default), exists).is_empty());
            asks.trusts |= ruleset.trust_default_branch && ruleset.asks_about_commits();
        }
        asks
    }

    /// Whether it matters that the branch which `HEAD` names does not exist.
    pub fn needs_it(self) -> bool {
        self.by_name || self.by_commits
    }
}

/// How a push must not touch branches while the default branch is missing: protection must not move because a branch is
/// named.
struct MovesDefault<'a> {
    default: &'a DefaultBranch,
    /// No branch can be judged.
    any: bool,
    /// Nobody but `policy_owners` creates the default branch.
    creation: bool,
}

impl<'a> MovesDefault<'a> {
    fn new(policy: &Policy, context: &'a Context, updates: &[PushedUpdate]) -> Result<MovesDefault<'a>, Undecided> {
        let mut moves = MovesDefault { default: &context.default_branch, any: false, creation: false };
        let missing = match &context.default_branch {
            DefaultBranch::Exists(_) | DefaultBranch::NoBranches(_) => return Ok(moves),
            DefaultBranch::Missing(head) => Some(head),
            DefaultBranch::Unnamed => None,
        };
        let asks = AsksAboutDefault::new(&context.rulesets(policy)?, &context.default_branch);
        let mut branches = updates.iter().filter(|pushed| pushed.touches_branches());
        let owner = actors::names_exactly(&policy.server.policy_owners, &context.actor);
        if missing.is_some_and(|head| owner && branches.all(|pushed| creates(pushed, head))) {
            return Ok(moves);
        }
        moves.any = asks.by_name;
        moves.creation = asks.needs_it();
        Ok(moves)
    }

    /// Why the update is refused, if it is.
    fn why(&self, pushed: &PushedUpdate) -> Option<String> {
        let head = match self.default {
            DefaultBranch::Missing(head) => Some(head),
            _ => None,
        };
        let shown = head.map(|head| String::from_utf8_lossy(head.as_bytes())).unwrap_or_default();
        // A file system that folds case finds the one where the other is asked for.
        let creates = pushed.update.change.new_value().is_some();
        if self.creation && creates && head.is_some() && pushed.names().any(|name| self.default.is_widely(name)) {
            return Some(format!(
                "`HEAD` names `{shown}`, which does not exist; creating it makes it the default branch, so only \
                 `policy_owners` may create it"
            ));
        }
        if !self.any || !pushed.touches_branches() {
            return None;
        }
        Some(match head {
            Some(_) => format!("`HEAD` names `{shown}`, which does not exist, so the rules of the default branch guard none"),
            None => "`HEAD` names no branch, so the rules of the default branch guard none".to_owned(),
        })
    }
}

fn creates(pushed: &PushedUpdate, branch: &RefName) -> bool {
    matches!(pushed.update.change, Change::Create { .. }) && pushed.names().any(|name| name == branch)
}
