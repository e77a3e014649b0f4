//! `bypass-stale`: a ruleset lets someone pass who is not there any more.
//!
//! GitHub does not tell people's logins in rulesets, so a person is looked up among those with access to the repository; for a
//! ruleset of an organization, whose people may have access elsewhere, that cannot be told. Nor can it of an enterprise's
//! teams and apps, nor of a team where the list of teams may lack the secret ones.

use crate::audit::{Check, Findings, Look, Looked, Place, RulesetScene, Severity};
use crate::github::effective::{Door, Who};
use crate::github::part::Part;
use crate::github::readable::{Cause, Hidden};
use crate::github::ruleset::{ActorType, BypassActor, Level};
use crate::github::word::Word;

pub(super) static CHECK: Check = Check {
    id: "bypass-stale",
    severity: Severity::Medium,
    summary: "a ruleset lets someone pass who is gone",
    why: "Nobody watches a bypass whose holder is gone, and it comes to life again when the app is installed again or the person returns.",
    fix: "remove the bypass",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/managing-rulesets-for-a-repository",
    reads: &[Part::OwnerRulesets, Part::Teams, Part::Installations, Part::CustomRoles, Part::People],
    looks: &[Look::Ruleset(look)],
};

fn look(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    for actor in scene.ruleset.bypass_actors.read().map_err(Clone::clone)? {
        let place = Place::ruleset(scene.ruleset).field("bypass_actors");
        match gone(scene, actor) {
            Ok(None) => {}
            Ok(Some(what)) => {
                let who = Door::of(actor, scene.context.owner).who;
                findings.add(place, &who.to_string(), format!("`{who}` may pass, and {what}")).who([&who]);
            }
            Err(hidden) => findings.cannot_tell(place, &hidden),
        }
    }
    Ok(())
}

fn gone(scene: &RulesetScene<'_>, actor: &BypassActor) -> Result<Option<&'static str>, Hidden> {
    let owner = scene.context.owner;
    let number = actor.actor_id.unwrap_or_default();
    let who = Door::of(actor, owner).who;
    let is_of_owner = match &scene.ruleset.source_type {
        Word::Known(Level::Repository | Level::Organization) => Ok(()),
        _ => Err(Hidden::new(Cause::NotAsked, "the teams, apps and roles of an enterprise are not asked for")),
    };
    match &actor.actor_type {
        Word::Known(ActorType::Team) => {
            owner.teams.read().map_err(Clone::clone)?;
            if !matches!(who, Who::Other(_)) {
                return Ok(None);
            }
            is_of_owner?;
            owner.lists_every_team()?;
            Ok(Some("there is no such team"))
        }
        Word::Known(ActorType::Integration) if owner.own_app(number).is_some() => Ok(None),
        Word::Known(ActorType::Integration) => {
            let apps = owner.installations.read().map_err(Clone::clone)?;
            let app = apps.iter().find(|app| i64::try_from(app.app_id) == Ok(number));
            Ok(match app {
                // GitHub's own apps are in no list, and have numbers there that are not known.
                None if owner.is_on_a_server => {
                    return Err(Hidden::new(Cause::Unknown, format!("`{who}` is not installed, and may be one of GitHub's own apps")));
                }
                None => is_of_owner.map(|()| Some("no such app is installed"))?,
                Some(app) if app.suspended => Some("the app is suspended"),
                Some(_) => None,
            })
        }
        Word::Known(ActorType::RepositoryRole) => match who {
            Who::Role(_) => Ok(None),
            _ => {
                owner.custom_roles.read().map_err(Clone::clone)?;
                is_of_owner.map(|()| Some("there is no such role"))
            }
        },
        Word::Known(ActorType::User) => {
            let elsewhere = || Hidden::new(Cause::NotOffered, "GitHub does not say who a person in an organization's ruleset is");
            let repository = match scene.repository {
                Some(repository) if scene.ruleset.source_type.is(&Level::Repository) => repository,
                _ => return Err(elsewhere()),
            };
            let people = repository.collaborators.read().map_err(Clone::clone)?;
            let is_there = people.iter().any(|person| person.id.and_then(|id| i64::try_from(id).ok()) == Some(number));
            Ok((!is_there).then_some("no such person has access to the repository"))
        }
        Word::Known(
            ActorType::OrganizationAdmin | ActorType::DeployKey | ActorType::EnterpriseOwner | ActorType::EnterpriseRole,
        ) => Ok(None),
        Word::Unknown(kind) => {
            Err(Hidden::new(Cause::Unknown, format!("the bypasser's kind `{kind}` is not known to this program")))
        }
    }
}
