//! Layers: what one layer asks for, and whether another asks for it, too. A push must satisfy every layer, so a way past one
//! leads nowhere where another asks for the same of everyone.

use crate::audit::RepositoryScene;
use crate::github::effective::{Binding, Effective};
pub(super) use crate::github::layers::{asks, is_classic};
use crate::github::protection::Protection;
use crate::github::readable::Hidden;
use crate::github::scope;

/// The name of a branch that the classic rule binds: the default one, else the first. Another rule with the branch's own name,
/// or an older one that matches, takes a branch from it. `None` when no branch that can be seen is bound by it.
pub(super) fn bound_branch<'a>(scene: &RepositoryScene<'a>, protection: &'a Protection) -> Option<&'a str> {
    let protections = scene.repository.protections.known()?;
    let matches = |protection: &Protection, branch: &str| scope::protects(&protection.pattern, branch) == Ok(true);
    // One of which it can't be told whether it matches may take the branch, too.
    let may_match = |protection: &Protection, branch: &str| scope::protects(&protection.pattern, branch) != Ok(false);
    let binds = |branch: &str| {
        if protection.pattern == branch {
            return true;
        }
        let named = protections.iter().any(|other| other.pattern == branch);
        let first = || protections.iter().find(|other| may_match(other, branch));
        !named && matches(protection, branch) && first().is_some_and(|first| std::ptr::eq(first, protection))
    };
    let default = scene.repository.default_branch.iter().map(|branch| branch.name.as_str());
    let others = scene.repository.branches.known().into_iter().flatten().map(String::as_str);
    // A rule for one name needs no list of branches.
    let own = (!super::checks::is_pattern(&protection.pattern)).then_some(protection.pattern.as_str());
    default.chain(own).chain(others).find(|branch| binds(branch))
}

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
