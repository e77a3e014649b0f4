//! Rulesets. GraphQL knows less of them than REST: no bypass by user or without trace, and not every rule.

use serde_json::Value;

use super::super::permission::{Level, Permission, Role};
use super::super::state::{Ruleset, Source};
use super::View;
use super::object::{Connection, Object, Resolved, leaf, null, unknown};
use super::{people, repository, root};

pub fn ruleset<'a>(view: &'a View<'a>, ruleset: &'a Ruleset) -> Object<'a> {
    Object::new(view, "RepositoryRuleset", move |field, arguments| match field {
        "id" => leaf(format!("RRS_{}", ruleset.id)),
        "databaseId" => leaf(ruleset.id),
        "name" => leaf(ruleset.text("name")),
        "target" => leaf(ruleset.text("target").to_uppercase()),
        "enforcement" => leaf(ruleset.text("enforcement").to_uppercase()),
        "updatedAt" => leaf(ruleset.updated_at.clone()),
        "source" => source(view, ruleset),
        "conditions" => Object::new(view, "RepositoryRuleConditions", move |field, _| match field {
            "refName" => root::optional(ruleset.condition("ref_name"), |condition| names(view, condition)),
            _ => unknown("RepositoryRuleConditions", field),
        })
        .value(),
        "rules" => {
            let items = ruleset.list("rules").iter().collect();
            Connection { view, kind: "RepositoryRuleConnection", items }
                .page(arguments, move |rule| self::rule(view, ruleset, rule))
        }
        "bypassActors" if shows(view, ruleset) => {
            let items = ruleset.list("bypass_actors").iter().collect();
            Connection { view, kind: "RepositoryRulesetBypassActorConnection", items }
                .page(arguments, move |actor| bypass(view, actor))
        }
        "bypassActors" => null(),
        _ => unknown("RepositoryRuleset", field),
    })
}

fn source<'a>(view: &'a View<'a>, ruleset: &'a Ruleset) -> Resolved<'a> {
    match &ruleset.source {
        Source::Repository(id) => root::optional(view.state.repositories.get(id), |found| repository::repository(view, found)),
        Source::Organization(login) => root::optional(view.state.organization(login), |found| people::organization(view, found)),
        Source::Enterprise(slug) => Object::new(view, "Enterprise", move |field, _| match field {
            "id" => leaf(format!("E_{}", view.state.enterprises.get(slug).map_or(0, |enterprise| enterprise.id))),
            "slug" => leaf(slug.clone()),
            _ => unknown("Enterprise", field),
        })
        .value(),
    }
}

fn names<'a>(view: &'a View<'a>, condition: &'a Value) -> Object<'a> {
    Object::new(view, "RefNameConditionTarget", move |field, _| match field {
        "include" | "exclude" => leaf(condition[field].clone()),
        _ => unknown("RefNameConditionTarget", field),
    })
}

fn rule<'a>(view: &'a View<'a>, ruleset: &'a Ruleset, rule: &'a Value) -> Object<'a> {
    Object::new(view, "RepositoryRule", move |field, _| match field {
        "id" => leaf(format!("RRU_{}_{}", ruleset.id, rule["type"].as_str().unwrap_or_default())),
        "type" => leaf(rule["type"].as_str().unwrap_or_default().to_uppercase()),
        _ => unknown("RepositoryRule", field),
    })
}

fn shows(view: &View<'_>, ruleset: &Ruleset) -> bool {
    let permission = match ruleset.source {
        Source::Repository(_) => Permission::Administration,
        Source::Organization(_) => Permission::OrganizationAdministration,
        Source::Enterprise(_) => Permission::EnterpriseAdministration,
    };
    view.viewer.has_role(Role::Admin) && view.allows(permission, Level::Write)
}

/// A user, or a bypass without trace, has no word here: the actor is null.
fn bypass<'a>(view: &'a View<'a>, actor: &'a Value) -> Object<'a> {
    let kind = actor["actor_type"].as_str().unwrap_or_default();
    let id = actor["actor_id"].as_u64();
    Object::new(view, "RepositoryRulesetBypassActor", move |field, _| match field {
        "id" => leaf(format!("RBA_{kind}_{}", id.unwrap_or(0))),
        "bypassMode" => match actor["bypass_mode"].as_str() {
            Some("pull_request") => leaf("PULL_REQUEST"),
            Some("exempt") => null(),
            _ => leaf("ALWAYS"),
        },
        "organizationAdmin" => leaf(kind == "OrganizationAdmin"),
        "deployKey" => leaf(kind == "DeployKey"),
        "repositoryRoleDatabaseId" if kind == "RepositoryRole" => leaf(id),
        "repositoryRoleName" if kind == "RepositoryRole" => leaf(match id {
            Some(2) => "maintain",
            Some(4) => "write",
            Some(5) => "admin",
            _ => "custom",
        }),
        "repositoryRoleDatabaseId" | "repositoryRoleName" => null(),
        "actor" => match kind {
            "Integration" => {
                root::optional(view.state.apps.values().find(|app| Some(app.id) == id), |app| people::app(view, app))
            }
            "Team" => {
                let mut all = view
                    .state
                    .organizations
                    .values()
                    .flat_map(|organization| organization.teams.iter().map(move |team| (organization, team)));
                root::optional(all.find(|(_, team)| Some(team.id) == id), |(organization, team)| {
                    people::team(view, organization, team)
                })
            }
            _ => null(),
        },
        _ => unknown("RepositoryRulesetBypassActor", field),
    })
}
