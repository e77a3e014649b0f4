//! What a run cost: requests, points, seconds. A value that prints.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::part::Part;

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Getting a token.
    Token,
    /// Who the owner is.
    Owner,
    /// The index of repositories.
    Index,
    /// The next page of something in the index or the details.
    FurtherPage,
    /// A batch of details.
    Details,
    /// A ruleset's content.
    Ruleset,
    /// The number of someone or something that a policy names.
    Names,
    /// A part that has requests of its own.
    Part(Part),
    /// What is read where GraphQL refuses.
    WithoutGraphQl,
    /// The rules that bind one branch.
    BranchRules,
    /// A change.
    Write,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::Token => "token",
            Class::Owner => "owner",
            Class::Index => "index",
            Class::FurtherPage => "further pages",
            Class::Details => "details",
            Class::Ruleset => "rulesets",
            Class::Names => "names",
            Class::Part(part) => part.name(),
            Class::WithoutGraphQl => "without GraphQL",
            Class::BranchRules => "rules of a branch",
            Class::Write => "changes",
        })
    }
}

/// What one class of requests cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Requests that were sent, those that were sent again included.
    pub requests: u64,
    /// Those of them that were sent again.
    pub retries: u64,
    /// Those that GitHub answered with "not modified", which cost nothing of its limit.
    pub from_cache: u64,
    /// Points that GraphQL counted.
    pub points: u64,
}

/// What a run cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cost {
    /// By what it was for.
    pub classes: BTreeMap<Class, Tally>,
    /// How long requests waited for GitHub's limits.
    pub waited: Duration,
    /// How long it took, waiting included.
    pub took: Duration,
}

impl Cost {
    /// All classes together.
    pub fn total(&self) -> Tally {
        self.classes.values().fold(Tally::default(), |sum, tally| Tally {
            requests: sum.requests + tally.requests,
            retries: sum.retries + tally.retries,
            from_cache: sum.from_cache + tally.from_cache,
            points: sum.points + tally.points,
        })
    }

    /// Requests of one class.
    pub fn requests(&self, class: Class) -> u64 {
        self.classes.get(&class).map_or(0, |tally| tally.requests)
    }
}

impl fmt::Display for Cost {
    /// `23 requests (20 index, 3 rulesets), 320 points, 1 sent again, 4 not modified, 1.2 s, of which 0.5 s waiting`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        write!(f, "{} request{}", total.requests, if total.requests == 1 { "" } else { "s" })?;
        let classes: Vec<_> = self.classes.iter().map(|(class, tally)| format!("{} {class}", tally.requests)).collect();
        if !classes.is_empty() {
            write!(f, " ({})", classes.join(", "))?;
        }
        write!(f, ", {} point{}", total.points, if total.points == 1 { "" } else { "s" })?;
        if total.retries > 0 {
            write!(f, ", {} sent again", total.retries)?;
        }
        if total.from_cache > 0 {
            write!(f, ", {} not modified", total.from_cache)?;
        }
        write!(f, ", {:.1} s", self.took.as_secs_f64())?;
        if !self.waited.is_zero() {
            write!(f, ", of which {:.1} s waiting for GitHub's limits", self.waited.as_secs_f64())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints() {
        let mut cost = Cost { took: Duration::from_millis(1240), ..Cost::default() };
        assert_eq!(cost.to_string(), "0 requests, 0 points, 1.2 s");
        cost.classes.insert(Class::Index, Tally { requests: 20, points: 320, retries: 1, from_cache: 0 });
        cost.classes.insert(Class::Part(Part::Keys), Tally { requests: 1, from_cache: 1, ..Tally::default() });
        cost.waited = Duration::from_millis(500);
        assert_eq!(
            cost.to_string(),
            "21 requests (20 index, 1 keys), 320 points, 1 sent again, 1 not modified, 1.2 s, \
             of which 0.5 s waiting for GitHub's limits"
        );
    }
}
