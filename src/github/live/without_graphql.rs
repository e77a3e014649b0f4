//! Where GraphQL is refused: REST alone, at several requests for each repository, and without what only GraphQL shows.

use futures_util::future::join_all;
use serde_json::Value;

use crate::github::answers::details;
use crate::github::answers::{maybe_text, rest};
use crate::github::client::{Path, Refused};
use crate::github::cost::Class;
use crate::github::part::{Part, Parts};
use crate::github::protection::Protection;
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::Repository;
use crate::github::ruleset::Ruleset;

use super::Reader;

/// What REST does not show of classic protection.
pub(super) const PATTERNS: &str = "only GraphQL shows patterns: classic rules that match no branch yet were not read";

impl Reader {
    /// All repositories of an owner, as REST lists them.
    pub(super) async fn list_by_rest(&self, owner: &str) -> Result<(Vec<Value>, Option<Hidden>), Refused> {
        let class = Class::WithoutGraphQl;
        let path = Path::organization(owner, &["repos"]).query("type", "all");
        let pages = match self.client.pages(&path, None, usize::MAX, class).await {
            Err(refused) if refused.is(404) => {
                let path = Path::of(&["users", owner, "repos"]).owned_by(owner).query("type", "owner");
                self.client.pages(&path, None, usize::MAX, class).await?
            }
            other => other?,
        };
        Ok((pages.items, pages.missing))
    }

    /// A repository by its name; the second value is its address when it has another one now.
    pub(super) async fn find_by_rest(&self, owner: &str, name: &str) -> Result<Value, Refused> {
        self.client.get_json(&Path::repository(owner, name, &[]), Class::WithoutGraphQl).await
    }

    /// Everything of a repository that REST alone shows.
    pub(super) async fn complete_by_rest(&self, repository: &mut Repository, parts: &Parts, why: &Hidden) {
        details::hide(repository, parts, why);
        let (owner, name) = (repository.owner.clone(), repository.name.clone());
        let protections = self.protections_by_rest(&owner, &name);
        let rulesets = async {
            if !parts.has(Part::Rulesets) {
                return Readable::not_asked();
            }
            let path = Path::repository(&owner, &name, &["rulesets"]).query("includes_parents", "true");
            let read = |value: &Value| serde_json::from_value::<Ruleset>(value.clone()).ok();
            match self.list(&path, None, Class::WithoutGraphQl, "metadata=read", read).await {
                Readable::Hidden(hidden) => Readable::Hidden(hidden),
                Readable::Known(entries) => {
                    Readable::Known(join_all(entries.into_iter().map(|entry| self.ruleset(&owner, &name, entry))).await)
                }
            }
        };
        let keys = async {
            if !parts.has(Part::Keys) {
                return Readable::not_asked();
            }
            let path = Path::repository(&owner, &name, &["keys"]);
            self.list(&path, None, Class::WithoutGraphQl, "administration=read", rest::deploy_key).await
        };
        let (protections, rulesets, keys) = futures_util::join!(protections, rulesets, keys);
        repository.protections = protections;
        repository.rulesets = rulesets;
        repository.deploy_keys = keys;
    }

    /// The branches that something protects.
    pub(super) async fn protected_branches(&self, owner: &str, name: &str, class: Class) -> Readable<Vec<String>> {
        let path = Path::repository(owner, name, &["branches"]).query("protected", "true");
        self.list(&path, None, class, "contents=read", |value| maybe_text(value, "name")).await
    }

    /// The protection of every branch that has one.
    async fn protections_by_rest(&self, owner: &str, name: &str) -> Readable<Vec<Protection>> {
        let branches = match self.protected_branches(owner, name, Class::WithoutGraphQl).await {
            Readable::Known(branches) => branches,
            Readable::Hidden(hidden) => return Readable::Hidden(hidden),
        };
        let mut protections = Vec::new();
        for read in join_all(branches.iter().map(|branch| self.branch_protection(owner, name, branch))).await {
            match read {
                Readable::Known(protection) => protections.extend(protection),
                Readable::Hidden(hidden) => return Readable::Hidden(hidden),
            }
        }
        Readable::Known(protections)
    }
}

/// A repository of REST's list.
pub(super) fn listed(value: &Value) -> Result<Repository, Hidden> {
    rest::repository(value).ok_or_else(|| Hidden::new(Cause::Unknown, "an entry that is no repository"))
}
