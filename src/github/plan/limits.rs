//! How much a plan may change before someone has to say that it is meant.

use super::Plan;

/// What is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// GitHub may ask for less afterwards.
    pub weaken: bool,
    /// Changes, at most.
    pub changes: u64,
    /// Of the repositories that were looked at, at most so many of a hundred change, where there are more than [`FEW`].
    pub percent: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { weaken: false, changes: 50, percent: 20 }
    }
}

/// Up to so many repositories, a share of them says nothing.
pub const FEW: u64 = 10;

/// Why a plan is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverLimit {
    /// What is wrong with it.
    pub why: String,
    /// What to do.
    pub help: String,
}

impl Limits {
    /// Everything that a plan does beyond what is allowed.
    pub fn exceeded(&self, plan: &Plan) -> Vec<OverLimit> {
        let mut found = Vec::new();
        let mut over = |why: String, help: &str| found.push(OverLimit { why, help: help.to_owned() });
        let unknown: Vec<String> =
            plan.blocked.iter().filter(|one| one.unknown_name).map(|one| format!("`{}` ({})", one.what, one.why)).collect();
        if !unknown.is_empty() {
            over(format!("the policy names who is unknown: {}", unknown.join(", ")), "correct the names and plan again");
        }
        let weaker: Vec<String> =
            plan.changes.iter().filter(|change| change.weakens()).map(|change| change.thing.to_string()).collect();
        if !self.weaken && !weaker.is_empty() {
            let why = format!("GitHub would ask for less, or may, in {}: {}", count(weaker.len(), "change"), listed(&weaker));
            over(why, "look at what the plan marks as weaker, and pass --allow-weaken if it is meant");
        }
        let changes = u64::try_from(plan.changes.len()).unwrap_or(u64::MAX);
        if changes > self.changes {
            let help = format!("plan fewer repositories with --repo, or pass --max-changes {changes}");
            over(format!("{changes} changes are more than the {} that --max-changes allows", self.changes), &help);
        }
        let touched = u64::try_from(plan.targets().iter().filter(|target| target.contains('/')).count()).unwrap_or(u64::MAX);
        if plan.repositories > FEW && touched.saturating_mul(100) > plan.repositories.saturating_mul(self.percent) {
            let percent = touched.saturating_mul(100).div_ceil(plan.repositories);
            let help = format!("plan fewer repositories with --repo, or pass --max-percent {percent}");
            let why = format!(
                "{touched} of {} repositories are more than the {} % that --max-percent allows",
                plan.repositories, self.percent
            );
            over(why, &help);
        }
        found
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The first few of a list.
fn listed(list: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = list.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match list.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}
