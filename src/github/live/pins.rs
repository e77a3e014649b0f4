//! Which app must report a check of classic protection, on REST's word: GraphQL shows none for an app that it may not show, which
//! looks like a check that any app may report.

use crate::github::cost::Class;
use crate::github::part::Part;
use crate::github::protection::Protection;
use crate::github::readable::Readable;
use crate::github::repository::Repository;
use crate::github::scope;

use super::Reader;

impl Reader {
    /// Asks REST for the apps of checks that seem to be anyone's, where there is a branch to ask about: the one that the protection
    /// is named for, the default branch, or another one that it binds. Where there is none, nothing is bound by it today, and the
    /// checks are noted as unsure. `of`: of the protection with this pattern alone. Where REST does not tell, the protections are hidden.
    pub(super) async fn confirm_pins(&self, repository: &mut Repository, of: Option<&str>) {
        let Readable::Known(protections) = &repository.protections else { return };
        let anyones = |live: &Protection| {
            of.is_none_or(|pattern| live.pattern == pattern)
                && live.required_status_checks.iter().any(|check| check.app.is_none())
        };
        let mut known: Vec<String> = repository.default_branch.iter().map(|branch| branch.name.clone()).collect();
        known.extend(repository.branches.known().into_iter().flatten().cloned());
        let lacks_one = |live: &Protection| anyones(live) && branch_of(live, protections, &known).is_none();
        if protections.iter().any(lacks_one) && repository.branches.known().is_none() {
            let more = self.protected_branches(&repository.owner, &repository.name, Class::Part(Part::Pins)).await;
            known.extend(more.known().into_iter().flatten().cloned());
        }
        let asked: Vec<(usize, Option<String>)> = protections
            .iter()
            .enumerate()
            .filter(|(_, live)| anyones(live))
            .map(|(index, live)| (index, branch_of(live, protections, &known)))
            .collect();
        let (owner, name) = (repository.owner.clone(), repository.name.clone());
        for (index, branch) in asked {
            let answer = match &branch {
                Some(branch) => self.branch_protection(&owner, &name, branch).await,
                None => Readable::Known(None),
            };
            let shown = match answer {
                Readable::Known(Some(shown)) => shown,
                Readable::Known(None) => {
                    let Readable::Known(protections) = &mut repository.protections else { return };
                    let Some(live) = protections.get_mut(index) else { continue };
                    let unsure = live.required_status_checks.iter().filter(|check| check.app.is_none());
                    live.unsure_checks = unsure.map(|check| check.context.clone()).collect();
                    continue;
                }
                // What a check asks for is then not known, and it would be taken for less.
                Readable::Hidden(hidden) => {
                    repository.protections = Readable::Hidden(hidden);
                    return;
                }
            };
            let Readable::Known(protections) = &mut repository.protections else { return };
            let Some(live) = protections.get_mut(index) else { continue };
            for check in live.required_status_checks.iter_mut().filter(|check| check.app.is_none()) {
                let pinned = shown.required_status_checks.iter().find(|other| other.context == check.context);
                check.app = pinned.and_then(|pinned| pinned.app.clone());
            }
        }
    }
}

/// A branch that the protection binds.
fn branch_of(live: &Protection, all: &[Protection], known: &[String]) -> Option<String> {
    if live.names_a_branch() {
        return Some(live.pattern.clone());
    }
    let binds = |branch: &&String| {
        let named = all.iter().any(|other| other.pattern == **branch);
        let first = all.iter().find(|other| scope::protects(&other.pattern, branch) != Ok(false));
        !named && first.is_some_and(|first| std::ptr::eq(first, live))
    };
    known.iter().find(binds).cloned()
}
