//! The parts that have requests of their own for each repository.

use std::collections::BTreeMap;

use crate::github::answers::rest;
use crate::github::client::Path;
use crate::github::cost::Class;
use crate::github::part::{Part, Parts};
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::{Repository, RulesetVersion};
use crate::github::ruleset::Level;

use super::Reader;

impl Reader {
    /// Reads them, as far as they are asked for.
    pub(super) async fn own_parts(&self, repository: &mut Repository, parts: &Parts) {
        let (owner, name) = (repository.owner.clone(), repository.name.clone());
        let path = |segments: &[&str]| Path::repository(&owner, &name, segments);
        let permissions = async {
            if !parts.has(Part::WorkflowPermissions) {
                return Readable::not_asked();
            }
            let path = path(&["actions", "permissions", "workflow"]);
            self.one(&path, Class::Part(Part::WorkflowPermissions), "administration=read", rest::workflow_permissions).await
        };
        let suites = async {
            if !parts.has(Part::RuleSuites) {
                return Readable::not_asked();
            }
            let path = path(&["rulesets", "rule-suites"]).query("time_period", "month");
            let read = |value: &serde_json::Value| rest::rule_suite(value).map(|(_, suite)| suite);
            self.list(&path, None, Class::Part(Part::RuleSuites), "administration=write", read).await
        };
        let properties = async {
            if !parts.has(Part::Properties) {
                return Readable::not_asked();
            }
            let all = self.property_values(&owner).await;
            all.map(|all| all.get(&repository.id).cloned().unwrap_or_default())
        };
        let (permissions, suites, properties, witness, versions, targets) = futures_util::join!(
            permissions,
            suites,
            properties,
            self.second_witness(repository, parts),
            self.versions(repository, parts),
            self.release_targets(repository, parts)
        );
        repository.workflow_permissions = permissions;
        repository.rule_suites = suites;
        repository.properties = properties;
        repository.ruleset_versions = versions;
        if let Readable::Known(releases) = &mut repository.releases {
            for release in releases {
                let listed = targets.read().map_err(Clone::clone).and_then(|targets| {
                    let unlisted = || Hidden::new(Cause::Partial, format!("REST does not list the release `{}`", release.tag));
                    targets.get(&release.tag).cloned().ok_or_else(unlisted)
                });
                release.target = listed.into();
            }
        }
        if let Some(branch) = &mut repository.default_branch {
            branch.protected = witness;
        }
    }

    /// GitHub's own word on whether the default branch is protected, where classic protection may be hidden.
    async fn second_witness(&self, repository: &Repository, parts: &Parts) -> Readable<bool> {
        let may_be_hidden = !repository.viewer_administers || repository.protections.read().is_err();
        match &repository.default_branch {
            Some(branch) if parts.has(Part::SecondWitness) && may_be_hidden => {
                let path = Path::repository(&repository.owner, &repository.name, &["branches", &branch.name]);
                let read = |json: &serde_json::Value| json.get("protected").and_then(serde_json::Value::as_bool);
                self.one(&path, Class::Part(Part::SecondWitness), "contents=read", read).await
            }
            _ => Readable::not_asked(),
        }
    }

    /// What the newest releases were made at, by tag, where that can be another branch than the default one.
    async fn release_targets(&self, repository: &Repository, parts: &Parts) -> Readable<BTreeMap<String, String>> {
        let is_default = |name: &String| repository.default_branch.as_ref().is_some_and(|branch| branch.name == *name);
        let has_others = repository.branches.known().is_some_and(|branches| !branches.iter().all(is_default));
        let has_releases = repository.releases.known().is_some_and(|releases| releases.iter().any(|release| !release.draft));
        if !parts.has(Part::ReleaseTargets) || !has_others || !has_releases {
            return Readable::not_asked();
        }
        // One page: no more releases are known than it has.
        let path = Path::repository(&repository.owner, &repository.name, &["releases"]);
        self.one(&path, Class::Part(Part::ReleaseTargets), "contents=read", rest::release_targets).await
    }

    /// The versions of the rulesets that are the repository's own.
    async fn versions(&self, repository: &Repository, parts: &Parts) -> Readable<BTreeMap<u64, Vec<RulesetVersion>>> {
        if !parts.has(Part::RulesetVersions) {
            return Readable::not_asked();
        }
        let rulesets = match repository.rulesets.read() {
            Ok(rulesets) => rulesets,
            Err(hidden) => return Readable::Hidden(hidden.clone()),
        };
        let own = rulesets.iter().filter(|ruleset| ruleset.source_type.is(&Level::Repository));
        let read = own.map(|ruleset| async {
            let segments = ["rulesets", &ruleset.id.to_string(), "history"];
            let path = Path::repository(&repository.owner, &repository.name, &segments);
            (ruleset.id, self.history(&path, "administration=write").await)
        });
        together(futures_util::future::join_all(read).await)
    }

    /// The versions of one ruleset.
    pub(super) async fn history(&self, path: &Path, permission: &str) -> Readable<Vec<RulesetVersion>> {
        self.list(path, None, Class::Part(Part::RulesetVersions), permission, rest::ruleset_version).await
    }
}

/// All of them, or why one is missing.
pub(super) fn together<T>(all: Vec<(u64, Readable<T>)>) -> Readable<BTreeMap<u64, T>> {
    let mut map = BTreeMap::new();
    for (id, value) in all {
        match value {
            Readable::Known(value) => map.insert(id, value),
            Readable::Hidden(hidden) => return Readable::Hidden(hidden),
        };
    }
    Readable::Known(map)
}
