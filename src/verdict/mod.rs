//! Policy and push make a verdict. Pure: everything that must be looked up was collected before.
//!
//! [`select`] says which rulesets judge which updates, [`evaluate`] judges them.

mod evaluate;
pub mod json;
mod select;

use crate::git::RefName;
use crate::policy::{BypassMode, Enforcement, Location};
use crate::push::Undecided;
use crate::rules::Violation;

pub use evaluate::{Evaluations, evaluate, evaluate_ruleset, fold_decision};
pub use select::{
    AsksAboutDefault, Context, PushedUpdate, Selected, Standing, name_default, select, server_evaluations, suggest_default,
};

/// The answer to a push, with everything that led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Whether the push may go on.
    pub decision: Decision,
    /// How many refs an active rule refuses.
    pub refused_refs: usize,
    /// The evaluations, in the order of the policy; of a very large push the first ones.
    pub evaluations: Vec<Evaluation>,
    /// The others, counted.
    pub counted: Vec<Counted>,
}

impl Verdict {
    /// The verdict that these come to.
    pub fn of(evaluations: Vec<Evaluation>) -> Verdict {
        let mut all = Evaluations::default();
        evaluations.into_iter().for_each(|evaluation| all.add(0, evaluation));
        all.verdict()
    }
}

/// Evaluations of one rule with one outcome, counted because there are too many of them to keep or to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The ruleset's name.
    pub ruleset: String,
    /// The rule's id.
    pub rule: &'static str,
    /// Where the rule stands in the policy.
    pub at: Location,
    /// Whether the ruleset refuses.
    pub enforcement: Enforcement,
    /// What came out of them: the log's word.
    pub outcome: &'static str,
    /// How many they are.
    pub evaluations: u64,
    /// How many violations they name.
    pub violations: u64,
}

/// Whether a push may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Every active rule was evaluated to the end, and none is broken.
    Accepted,
    /// An active rule is broken.
    Refused,
    /// An active rule could not be evaluated. It refuses all the same.
    Undecided,
}

impl Decision {
    /// The log's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Accepted => "accepted",
            Decision::Refused => "refused",
            Decision::Undecided => "undecided",
        }
    }

    /// The hook's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Decision::Accepted => 0,
            Decision::Refused => 1,
            Decision::Undecided => 2,
        }
    }
}

/// One rule judging one update.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The ruleset's name; `server` for what `[server]` asks of every push.
    pub ruleset: String,
    /// The rule's id.
    pub rule: &'static str,
    /// Where the rule stands in the policy.
    pub at: Location,
    /// The pushed ref.
    pub ref_name: RefName,
    /// The ref that the ruleset matches, when it is another one: what the pushed ref points at, or a symbolic ref that
    /// reaches it.
    pub matched: Option<RefName>,
    /// Whether the ruleset refuses.
    pub enforcement: Enforcement,
    /// What came out.
    pub outcome: Outcome,
}

/// What came out of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The rule is kept.
    Passed,
    /// The rule is broken.
    Violated(Vec<Violation>),
    /// The rule is broken, or could not be judged, by someone who passes the ruleset.
    Bypassed {
        /// The bypass entry's actor, as written.
        by: String,
        /// Its mode.
        mode: BypassMode,
        /// What would have been refused.
        violations: Vec<Violation>,
    },
    /// The rule could not be judged.
    Failed(Undecided),
}

impl Outcome {
    /// The log's word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Violated(_) => "violated",
            Outcome::Bypassed { .. } => "bypassed",
            Outcome::Failed(_) => "failed",
        }
    }
}
