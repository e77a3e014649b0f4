//! Layers: what one layer asks for, and whether another asks for it, too. A push must satisfy every layer, so a way past one
//! leads nowhere where another asks for the same of everyone.

use crate::github::effective::{Binding, Effective};
pub(super) use crate::github::layers::{asks, is_classic};
use crate::github::readable::Hidden;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::effective::{Door, Source, Who};
    use crate::github::readable::{Cause, Readable};
    use crate::github::rule::{PullRequest, Rule, RuleKind};
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
