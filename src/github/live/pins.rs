//! Which app must report a check of classic protection, on REST's word: GraphQL shows none for an app that it may not show, which
//! looks like a check that any app may report.

use crate::github::protection::Protection;
use crate::github::readable::Readable;
use crate::github::repository::Repository;
use crate::github::scope;

use super::Reader;

impl Reader {
    /// Asks REST for the apps of checks that seem to be anyone's, where there is a branch to ask about: the one that the protection
    /// is named for, the default branch, or another one that is known and that it binds. Where there is none, it stays as it is:
    /// nothing is bound by it today. Where REST does not tell, the protections are hidden.
    pub(super) async fn confirm_pins(&self, repository: &mut Repository) {
        let Readable::Known(protections) = &repository.protections else { return };
        let mut asked: Vec<(usize, String)> = Vec::new();
        for (index, live) in protections.iter().enumerate() {
            if live.required_status_checks.iter().any(|check| check.app.is_none()) {
                asked.extend(branch_of(live, protections, repository).map(|branch| (index, branch)));
            }
        }
        let (owner, name) = (repository.owner.clone(), repository.name.clone());
        for (index, branch) in asked {
            let shown = match self.branch_protection(&owner, &name, &branch).await {
                Readable::Known(Some(shown)) => shown,
                Readable::Known(None) => continue,
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
fn branch_of(live: &Protection, all: &[Protection], repository: &Repository) -> Option<String> {
    if live.names_a_branch() {
        return Some(live.pattern.clone());
    }
    let binds = |branch: &&str| {
        let named = all.iter().any(|other| other.pattern == **branch);
        let first = all.iter().find(|other| scope::protects(&other.pattern, branch) != Ok(false));
        !named && first.is_some_and(|first| std::ptr::eq(first, live))
    };
    let default = repository.default_branch.iter().map(|branch| branch.name.as_str());
    let others = repository.branches.known().into_iter().flatten().map(String::as_str);
    default.chain(others).find(binds).map(str::to_owned)
}
