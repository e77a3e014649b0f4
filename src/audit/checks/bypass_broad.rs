//! `bypass-broad`: too many may pass a ruleset: everyone with a common role, a large team, or any deploy key.

use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, RulesetScene, Severity};
use crate::github::effective::{Door, Who};
use crate::github::owner::Owner;
use crate::github::part::Part;
use crate::github::people::Permission;
use crate::github::readable::{Cause, Hidden};
use crate::github::ruleset::{ActorType, Ruleset};
use crate::github::word::Word;

/// A team of more members is a crowd: nobody reviews who is in it before each exception.
const CROWD: u64 = 10;

pub(super) static CHECK: Check = Check {
    id: "bypass-broad",
    severity: Severity::High,
    summary: "too many people or keys may pass a ruleset",
    why: "A bypass for a common role, a large team or any deploy key makes the rule a request: most of those whom it is for pass it.",
    fix: "grant the bypass to a small team or to one app, and only for pull requests",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/creating-rulesets-for-a-repository#granting-bypass-permissions-for-your-branch-or-tag-ruleset",
    reads: &[
        Part::OwnerRulesets,
        Part::Teams,
        Part::TeamMembers,
        Part::Members,
        Part::Installations,
        Part::CustomRoles,
        Part::Keys,
    ],
    looks: &[Look::Ruleset(look), Look::Repository(keys)],
};

fn look(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    if !scene.ruleset.may_enforce() {
        return Ok(());
    }
    let owner = scene.context.owner;
    for actor in scene.ruleset.bypass_actors.read().map_err(Clone::clone)? {
        let place = Place::ruleset(scene.ruleset).field("bypass_actors");
        let who = Door::of(actor, owner).who;
        let crowd = match (&actor.actor_type, &who) {
            (Word::Known(ActorType::RepositoryRole), Who::Role(role)) => match role.as_str() {
                "admin" => every_member(owner),
                "read" | "triage" | "write" | "maintain" => {
                    Ok(Some(format!("everyone who can {role}{}", base(owner.base_permission.known(), role))))
                }
                // How many hold a role that the organization made is not known here.
                _ => Ok(None),
            },
            (Word::Known(ActorType::RepositoryRole), _) => match owner.custom_roles.read() {
                Ok(_) => Ok(None),
                Err(hidden) => Err(hidden.clone()),
            },
            (Word::Known(ActorType::Team), Who::Team(slug)) => {
                let team = owner.teams.known().and_then(|teams| teams.iter().find(|team| team.slug == *slug));
                match team.map(|team| team.member_count.read()) {
                    Some(Ok(&count)) if count > CROWD => Ok(Some(format!("{count} members of `{who}`"))),
                    Some(Ok(_)) | None => Ok(None),
                    Some(Err(hidden)) => Err(hidden.clone()),
                }
            }
            (Word::Known(ActorType::Team), _) => owner.lists_every_team().map(|()| None),
            (Word::Known(ActorType::EnterpriseRole), _) => {
                Err(Hidden::new(Cause::NotOffered, "GitHub does not say here how many hold a role of the enterprise"))
            }
            (Word::Unknown(kind), _) => {
                Err(Hidden::new(Cause::Unknown, format!("the bypasser's kind `{kind}` is not known to this program")))
            }
            _ => Ok(None),
        };
        match crowd {
            Ok(Some(crowd)) => {
                findings.add(place, &who.to_string(), format!("{crowd} may pass the ruleset")).who([&who]);
            }
            Ok(None) => {}
            Err(hidden) => findings.cannot_tell(place, &hidden),
        }
    }
    Ok(())
}

/// Few administer, but where the organization gives that to every member.
fn every_member(owner: &Owner) -> Result<Option<String>, Hidden> {
    match owner.base_permission.read() {
        Ok(Word::Known(Permission::Admin)) => Ok(Some("every member of the organization, whose base permission is `admin`,".to_owned())),
        Ok(Word::Known(_)) => Ok(None),
        Ok(Word::Unknown(word)) => Err(Hidden::new(Cause::Unknown, format!("the base permission `{word}` is not known to this program"))),
        // A user's account has no members.
        Err(hidden) if hidden.cause == Cause::NotOffered => Ok(None),
        Err(hidden) => Err(hidden.clone()),
    }
}

/// Where every member of the organization has the role.
fn base(base: Option<&Word<Permission>>, role: &str) -> &'static str {
    let needed = match role {
        "read" => Permission::Read,
        "triage" => Permission::Triage,
        "write" => Permission::Write,
        _ => return "",
    };
    match base {
        Some(Word::Known(base)) if *base >= needed => ", which is every member of the organization,",
        _ => "",
    }
}

/// A bypass for deploy keys matters where a key can push.
fn keys(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let for_keys = |ruleset: &Ruleset| {
        ruleset
            .bypass_actors
            .known()
            .is_some_and(|actors| actors.iter().any(|actor| actor.actor_type.is(&ActorType::DeployKey)))
    };
    // Rulesets that are hidden were said to be by the look at rulesets.
    for ruleset in scene.repository.rulesets.known().into_iter().flatten() {
        if !ruleset.may_enforce() || !for_keys(ruleset) {
            continue;
        }
        let writable = super::writable_keys(scene.repository).map_err(Clone::clone)?;
        if !writable.is_empty() {
            let source = crate::github::effective::Source::of(ruleset);
            let place = scene.place().source(&source).field("bypass_actors");
            let message = format!("any deploy key may pass {source}, and these can push: {}", writable.join(", "));
            findings.add(place, "deploy-keys", message).who([&Who::DeployKeys]);
        }
    }
    Ok(())
}
