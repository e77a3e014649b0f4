//! Everything that may be hidden, one after another, for the checks that ask what a run saw. The structs are taken apart
//! by name, so that a new field is thought of here.

use crate::github::effective::Source;
use crate::github::owner::Owner;
use crate::github::people::{Collaborator, Team};
use crate::github::protection::Protection;
use crate::github::repository::Repository;
use crate::github::ruleset::Ruleset;
use crate::github::{Hidden, Readable};

/// Something that is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap<'a> {
    /// The classic rule that it is in.
    pub(super) source: Option<Source>,
    /// What it is, as the API's field or in words.
    pub(super) field: String,
    /// Why.
    pub(super) why: &'a Hidden,
}

#[derive(Default)]
struct Gaps<'a> {
    source: Option<Source>,
    found: Vec<Gap<'a>>,
}

impl<'a> Gaps<'a> {
    fn look<T>(&mut self, field: &str, readable: &'a Readable<T>) -> Option<&'a T> {
        self.look_of(field, "", readable)
    }

    /// The same for a field of something that has a name.
    fn look_of<T>(&mut self, field: &str, name: &str, readable: &'a Readable<T>) -> Option<&'a T> {
        readable
            .read()
            .inspect_err(|why| {
                let field = if name.is_empty() { field.to_owned() } else { format!("{field} of {name}") };
                self.found.push(Gap { source: self.source.clone(), field, why });
            })
            .ok()
    }
}

/// What is hidden of a repository, its rulesets' contents apart.
pub(super) fn of_repository(repository: &Repository) -> Vec<Gap<'_>> {
    let Repository {
        id: _,
        node_id: _,
        owner: _,
        name: _,
        visibility: _,
        archived: _,
        disabled: _,
        empty: _,
        fork: _,
        topics: _,
        properties,
        viewer_permission: _,
        viewer_administers: _,
        merge_methods: _,
        // The second witness is asked only where the settings are hidden, and then those are the gap.
        default_branch: _,
        protections,
        // No check asks for them.
        merge_queues: _,
        rulesets,
        branches,
        tags,
        releases,
        codeowners,
        workflows,
        reported,
        merged_pull_requests: _,
        collaborators,
        deploy_keys,
        environments,
        workflow_permissions,
        rule_suites,
        ruleset_versions,
    } = repository;
    let mut gaps = Gaps::default();
    gaps.look("properties", properties);
    for protection in gaps.look("branch protection", protections).into_iter().flatten() {
        of_protection(protection, &mut gaps);
    }
    gaps.look("rulesets", rulesets);
    gaps.look("branches", branches);
    gaps.look("tags", tags);
    for release in gaps.look("releases", releases).into_iter().flatten() {
        gaps.look_of("target", &format!("release {}", release.tag), &release.target);
    }
    if let Some(codeowners) = gaps.look("CODEOWNERS", codeowners).and_then(Option::as_ref) {
        gaps.look_of("text", &codeowners.path, &codeowners.text);
        gaps.look_of("errors", &codeowners.path, &codeowners.errors);
    }
    for workflow in gaps.look("workflows", workflows).into_iter().flatten() {
        gaps.look_of("text", &workflow.path, &workflow.text);
    }
    for pull_request in gaps.look("merged pull requests", reported).into_iter().flatten() {
        gaps.look_of("checks", &format!("pull request {}", pull_request.number), &pull_request.checks);
    }
    for Collaborator { login, id: _, permission: _, sources } in gaps.look("collaborators", collaborators).into_iter().flatten() {
        gaps.look_of("permission sources", login, sources);
    }
    gaps.look("deploy keys", deploy_keys);
    gaps.look("environments", environments);
    gaps.look("workflow permissions", workflow_permissions);
    gaps.look("rule suites", rule_suites);
    gaps.look("ruleset versions", ruleset_versions);
    gaps.found
}

fn of_protection<'a>(protection: &'a Protection, gaps: &mut Gaps<'a>) {
    gaps.source = Some(Source::classic(protection));
    for (field, list) in allowances(protection) {
        gaps.look(field, list);
    }
    gaps.look("requiredDeploymentEnvironments", &protection.required_deployment_environments);
    gaps.look("branchProtectionRuleConflicts", &protection.conflicts);
    gaps.source = None;
}

/// The lists of a classic rule that name people, teams and apps.
pub(super) fn allowances(protection: &Protection) -> [(&'static str, &Readable<Vec<crate::github::people::Actor>>); 4] {
    [
        ("pushAllowances", &protection.push_allowances),
        ("bypassPullRequestAllowances", &protection.bypass_pull_request_allowances),
        ("bypassForcePushAllowances", &protection.bypass_force_push_allowances),
        ("reviewDismissalAllowances", &protection.review_dismissal_allowances),
    ]
}

/// What is hidden of a ruleset.
pub(super) fn of_ruleset(ruleset: &Ruleset) -> Vec<Gap<'_>> {
    let mut gaps = Gaps::default();
    gaps.look("bypass_actors", &ruleset.bypass_actors);
    gaps.look("conditions", &ruleset.conditions);
    gaps.look("rules", &ruleset.rules);
    gaps.found
}

/// What is hidden of the organization or user, its rulesets' contents apart.
pub(super) fn of_owner(owner: &Owner) -> Vec<Gap<'_>> {
    let Owner {
        login: _,
        id: _,
        html_url: _,
        is_on_a_server: _,
        kind: _,
        // Not lists: `inventory-partial`, `unknown-construct` and `scope-escape` look at them.
        repository_count: _,
        base_permission: _,
        admins_change_visibility: _,
        admins,
        members,
        teams,
        installations,
        custom_roles,
        rulesets,
        properties,
        workflow_permissions,
        rule_suites,
        ruleset_versions,
        // Not read for its own sake: what is missing there fails the name that it is for.
        numbers: _,
    } = owner;
    let mut gaps = Gaps::default();
    gaps.look("owners", admins);
    gaps.look("members", members);
    for Team { id: _, slug, parent: _, members, member_count } in gaps.look("teams", teams).into_iter().flatten() {
        gaps.look_of("members", &format!("team:{slug}"), members);
        gaps.look_of("number of members", &format!("team:{slug}"), member_count);
    }
    gaps.look("installations", installations);
    gaps.look("custom roles", custom_roles);
    gaps.look("rulesets", rulesets);
    gaps.look("properties", properties);
    gaps.look("workflow permissions", workflow_permissions);
    gaps.look("rule suites", rule_suites);
    gaps.look("ruleset versions", ruleset_versions);
    gaps.found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::Cause;

    #[test]
    fn what_is_known_is_no_gap() {
        let why = Hidden::new(Cause::Partial, "100 of 134 were read");
        let protection: Protection = serde_json::from_str(r#"{ "pattern": "main" }"#).unwrap();
        let hidden = Protection { push_allowances: Readable::Hidden(why.clone()), ..protection.clone() };
        let mut gaps = Gaps::default();
        of_protection(&protection, &mut gaps);
        assert_eq!(gaps.found, []);
        of_protection(&hidden, &mut gaps);
        let source = Some(Source::Protection { pattern: "main".to_owned() });
        assert_eq!(gaps.found, [Gap { source, field: "pushAllowances".to_owned(), why: &why }]);
        assert_eq!(gaps.source, None);
    }
}
