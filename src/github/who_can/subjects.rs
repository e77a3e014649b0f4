//! Who there is: people, apps and keys, and those that stand for people who could not be listed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Layers, Level, is_of_apps, is_of_keys, is_of_people, level, not_read, permission_of, role_name};
use crate::github::effective::Who;
use crate::github::own_apps::{self, ACTIONS};
use crate::github::owner::{Owner, OwnerKind};
use crate::github::people::{AccessSource, Granter, Installation, Permission};
use crate::github::readable::{Cause, Hidden};
use crate::github::repository::Repository;
use crate::github::word::Word;

/// Someone who may want something.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) named: Named,
    /// GitHub's number, by which rulesets name people.
    id: Option<u64>,
    /// What they may do in the repository; `None` when that is not known.
    pub(super) permission: Option<Permission>,
    /// Whether it is certain that they have it here.
    pub(super) certain: bool,
    /// Whence, where that is known.
    pub(super) access: Option<String>,
    is_owner: bool,
    /// Slugs of the teams that they are in.
    teams: BTreeSet<&'a str>,
    /// The names of the roles of the organization's own making that they have here, with what those add.
    roles: BTreeMap<&'a str, &'a [String]>,
    installation: Option<&'a Installation>,
}

/// What a subject is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    Person(String),
    App(String),
    Key(String),
    /// It stands for people who could not be listed.
    Group(Who),
}

impl<'a> Subject<'a> {
    fn new(named: Named, permission: Option<Permission>) -> Subject<'a> {
        Subject {
            named,
            id: None,
            permission,
            certain: permission.is_some(),
            access: None,
            is_owner: false,
            teams: BTreeSet::new(),
            roles: BTreeMap::new(),
            installation: None,
        }
    }

    /// Where it stands among others.
    pub(super) fn rank(&self) -> u8 {
        match &self.named {
            Named::Person(_) => 0,
            Named::App(_) => 1,
            Named::Key(_) => 2,
            Named::Group(_) => 3,
        }
    }

    /// Whether they may push at all, as far as it is known.
    pub(super) fn may_push(&self) -> bool {
        self.permission.is_none_or(|permission| permission >= Permission::Write)
    }

    /// Whether their permission is stronger than a role of every repository.
    pub(super) fn has_more_than(&self, role: &str) -> bool {
        permission_of(role).is_some_and(|permission| self.permission.is_some_and(|own| own > permission))
    }

    /// Why it is not certain that an app acts here at all; of people another reason tells.
    pub(super) fn uncertain(&self) -> Option<Hidden> {
        let app = self.installation.filter(|_| !self.certain)?;
        Some(not_read(format!("in which repositories `{}` is installed only the app can ask", app.app_slug)))
    }

    /// Whether they are among those that a door is for.
    pub(super) fn is(&self, who: &Who) -> bool {
        match (&self.named, who) {
            (Named::Group(own), who) if own == who => true,
            (Named::Person(own), Who::User(login)) => same(own, login),
            (Named::App(own), Who::App(slug)) => same(own, slug),
            (Named::Key(_), who) => *who == Who::DeployKeys,
            (Named::Person(_) | Named::Group(_), Who::Role(role)) => match permission_of(role) {
                Some(needed) => self.permission.is_some_and(|permission| permission >= needed),
                None => self.roles.keys().any(|own| same(own, role)),
            },
            (Named::Person(_) | Named::Group(_), Who::Team(slug)) => self.teams.iter().any(|own| same(own, slug)),
            (Named::Person(_), Who::OrganizationAdmins) => self.is_owner,
            (Named::Person(_), Who::Other(what)) => self.id.is_some_and(|id| *what == unnamed(id)),
            _ => false,
        }
    }

    /// A role of theirs that has a permission of GitHub's finer ones.
    pub(super) fn role_with(&self, permission: &str) -> Option<String> {
        self.roles.iter().find(|(_, adds)| adds.iter().any(|added| added == permission)).map(|(role, _)| (*role).to_owned())
    }

    /// The role by which they push where only some are named to push.
    pub(super) fn pushes_to_protected(&self) -> Option<String> {
        let person = matches!(self.named, Named::Person(_) | Named::Group(_));
        let own = self.permission.filter(|permission| person && *permission >= Permission::Maintain);
        own.map(|permission| role_name(permission).to_owned()).or_else(|| self.role_with("push_protected_branch"))
    }

    /// By what they change the repository's rules.
    pub(super) fn administers_repository(&self) -> Option<Who> {
        if self.permission == Some(Permission::Admin) && !matches!(self.named, Named::App(_)) {
            return Some(Who::Role("admin".to_owned()));
        }
        if let Some(app) = self.installation.filter(|app| writes(app, "administration")) {
            return Some(Who::App(app.app_slug.clone()));
        }
        self.role_with("edit_repo_protections").map(Who::Role)
    }

    /// By what they change the organization's rules.
    pub(super) fn administers_organization(&self) -> Option<Who> {
        if let Some(app) = self.installation.filter(|app| writes(app, "organization_administration")) {
            return Some(Who::App(app.app_slug.clone()));
        }
        let owners = self.is_owner || self.named == Named::Group(Who::OrganizationAdmins);
        owners.then_some(Who::OrganizationAdmins)
    }
}

/// Everyone who comes into question. What would tell of more goes to `reasons`.
pub(super) fn all<'a>(
    repository: &'a Repository,
    owner: &'a Owner,
    layers: &Layers<'_>,
    reasons: &mut BTreeSet<Hidden>,
) -> Vec<Subject<'a>> {
    let mut found = Vec::new();
    if layers.may_let(is_of_people) {
        found.extend(people(repository, owner, layers, reasons));
        found.extend(groups(repository, owner, layers, reasons));
    }
    if layers.may_let(is_of_apps) {
        found.extend(apps(owner, layers, reasons));
    }
    if layers.action != Action::ChangeRules && layers.may_let(is_of_keys) {
        found.extend(keys(repository, reasons));
    }
    found
}

fn people<'a>(
    repository: &'a Repository,
    owner: &'a Owner,
    layers: &Layers<'_>,
    reasons: &mut BTreeSet<Hidden>,
) -> Vec<Subject<'a>> {
    let mut people: BTreeMap<String, Subject<'a>> = BTreeMap::new();
    match repository.collaborators.read() {
        Ok(collaborators) => {
            for collaborator in collaborators {
                let permission = collaborator.permission.known().copied();
                if permission.is_none() {
                    let word = &collaborator.permission;
                    reasons.insert(not_read(format!("`{}` has the unknown permission `{word}`", collaborator.login)));
                }
                let mut person = Subject::new(Named::Person(collaborator.login.clone()), permission);
                person.id = collaborator.id;
                match collaborator.sources.read() {
                    Ok(sources) => {
                        person.access = access(sources, permission);
                        person.roles = roles(sources, owner);
                    }
                    Err(hidden) => {
                        if asks_for_roles(owner, layers) {
                            reasons.insert(hidden.clone());
                        }
                    }
                }
                people.insert(collaborator.login.to_lowercase(), person);
            }
        }
        Err(hidden) => {
            reasons.insert(hidden.clone());
            members_with_base_permission(owner, reasons, &mut people);
            for login in named(owner, layers) {
                people.entry(login.to_lowercase()).or_insert_with(|| Subject::new(Named::Person(login), None));
            }
        }
    }
    // Nobody tells what a role adds that the organization made.
    if let Err(hidden) = owner.custom_roles.read()
        && asks_for_roles(owner, layers)
        && people.values().any(|person| !person.roles.is_empty())
    {
        reasons.insert(hidden.clone());
    }
    let owners: Vec<&String> = match (owner.kind, owner.admins.read()) {
        (OwnerKind::User, _) => vec![&owner.login],
        (OwnerKind::Organization, Ok(admins)) => admins.iter().collect(),
        (OwnerKind::Organization, Err(_)) => Vec::new(),
    };
    for login in owners {
        let person = people
            .entry(login.to_lowercase())
            .or_insert_with(|| Subject::new(Named::Person(login.clone()), Some(Permission::Admin)));
        if person.permission != Some(Permission::Admin) || person.access.is_none() {
            person.access = Some(format!("admin as an owner of {}", owner.login));
        }
        person.permission = Some(Permission::Admin);
        person.certain = true;
        person.is_owner = owner.kind == OwnerKind::Organization;
    }
    for team in owner.teams.known().into_iter().flatten() {
        for login in team.members.known().into_iter().flatten() {
            if let Some(person) = people.get_mut(&login.to_lowercase()) {
                person.teams.insert(&team.slug);
            }
        }
    }
    people.into_values().collect()
}

/// Where nobody tells who has access, the organization's base permission tells of its members.
fn members_with_base_permission<'a>(
    owner: &'a Owner,
    reasons: &mut BTreeSet<Hidden>,
    people: &mut BTreeMap<String, Subject<'a>>,
) {
    match (owner.base_permission.read(), owner.members.read()) {
        (Ok(Word::Known(base)), Ok(members)) if *base >= Permission::Write => {
            for login in members {
                let mut person = Subject::new(Named::Person(login.clone()), Some(*base));
                person.access = Some(format!("{} as every member of {}", role_name(*base), owner.login));
                people.insert(login.to_lowercase(), person);
            }
        }
        (Ok(Word::Known(base)), Err(hidden)) if *base >= Permission::Write => drop(reasons.insert(hidden.clone())),
        (Err(hidden), _) => drop(reasons.insert(hidden.clone())),
        _ => {}
    }
}

/// People for whom doors are, themselves or in a team.
fn named(owner: &Owner, layers: &Layers<'_>) -> Vec<String> {
    let teams = owner.teams.known().map(Vec::as_slice).unwrap_or_default();
    let members = |slug: &str| -> Vec<String> {
        let team = teams.iter().find(|team| same(&team.slug, slug));
        team.and_then(|team| team.members.known()).cloned().unwrap_or_default()
    };
    layers
        .doors()
        .flat_map(|door| match &door.who {
            Who::User(login) => vec![login.clone()],
            Who::Team(slug) => members(slug),
            _ => Vec::new(),
        })
        .collect()
}

/// Whether it matters who has a role that the organization made.
fn asks_for_roles(owner: &Owner, layers: &Layers<'_>) -> bool {
    let named = layers.doors().any(|door| matches!(&door.who, Who::Role(role) if permission_of(role).is_none()));
    let finer = ["bypass_branch_protection", "push_protected_branch", "edit_repo_protections"];
    let grants = owner.custom_roles.known().is_none_or(|roles| {
        roles.iter().any(|role| role.permissions.iter().any(|permission| finer.contains(&permission.as_str())))
    });
    named || (grants && (layers.action == Action::ChangeRules || !layers.forbidding.is_empty()))
}

fn access(sources: &[AccessSource], permission: Option<Permission>) -> Option<String> {
    let source = sources.iter().find(|source| source.permission.known().copied() == permission)?;
    let role = source.role.clone().unwrap_or_else(|| source.permission.to_string());
    Some(match &source.from {
        Granter::Organization => format!("{role} through the organization"),
        Granter::Team(slug) => format!("{role} through team:{slug}"),
        Granter::Repository => format!("{role} in the repository"),
        Granter::Unknown(what) => format!("{role} through {what}"),
    })
}

fn roles<'a>(sources: &'a [AccessSource], owner: &'a Owner) -> BTreeMap<&'a str, &'a [String]> {
    let own = owner.custom_roles.known().map(Vec::as_slice).unwrap_or_default();
    let adds = |name: &str| own.iter().find(|role| same(&role.name, name)).map(|role| role.permissions.as_slice());
    let named = sources.iter().filter_map(|source| source.role.as_deref());
    named.map(|name| (name, adds(name).unwrap_or_default())).collect()
}

fn writes(app: &Installation, permission: &str) -> bool {
    app.permissions.get(permission).is_some_and(|level| ["write", "admin"].contains(&level.as_str()))
}

fn apps<'a>(owner: &'a Owner, layers: &Layers<'_>, reasons: &mut BTreeSet<Hidden>) -> Vec<Subject<'a>> {
    let installations = match owner.installations.read() {
        Ok(installations) => installations.as_slice(),
        Err(hidden) => {
            reasons.insert(hidden.clone());
            &[]
        }
    };
    let mut found = Vec::new();
    for app in installations.iter().filter(|app| !app.suspended) {
        let administers = writes(app, "administration") || writes(app, "organization_administration");
        let comes_into_question = if layers.action == Action::ChangeRules { administers } else { writes(app, "contents") };
        if comes_into_question {
            let mut subject = Subject::new(Named::App(app.app_slug.clone()), Some(Permission::Write));
            subject.installation = Some(app);
            // Which of the organization's repositories it was given only the app itself is told.
            subject.certain = app.repository_selection == "all";
            if !subject.certain {
                subject.access = Some("installed in selected repositories, of which this may be one".to_owned());
            }
            found.push(subject);
        }
    }
    let named: BTreeSet<&Who> = layers.doors().map(|door| &door.who).filter(|who| is_of_apps(who)).collect();
    for who in named {
        let own = if let Who::App(slug) = who { own_apps::named(slug) } else { None };
        let is_installed = matches!(who, Who::App(slug) if installations.iter().any(|app| same(&app.app_slug, slug)));
        if let Some((slug, _)) = own {
            found.push(app_of_github(slug));
        } else if !is_installed {
            reasons.insert(owner.installations.read().err().cloned().unwrap_or_else(|| {
                let why =
                    format!("`{who}` is in no list of the apps that are installed in {}, and may act all the same", owner.login);
                Hidden::new(Cause::Unknown, why)
            }));
            found.push(Subject::new(Named::Group(who.clone()), None));
        }
    }
    // Where nothing forbids it, a workflow needs no door.
    if layers.forbidding.is_empty() && layers.action != Action::ChangeRules {
        found.push(app_of_github(ACTIONS));
    }
    found
}

/// An app that GitHub runs itself: nothing that was read says whether it acts here.
fn app_of_github<'a>(slug: &str) -> Subject<'a> {
    let mut subject = Subject::new(Named::App(slug.to_owned()), Some(Permission::Write));
    subject.certain = false;
    subject.access = Some(match slug {
        ACTIONS => {
            "a workflow's token, where the workflow asks for `contents: write`; whether Actions is on was not read".to_owned()
        }
        _ => "an app that GitHub runs; whether it acts here was not read".to_owned(),
    });
    subject
}

fn keys<'a>(repository: &'a Repository, reasons: &mut BTreeSet<Hidden>) -> Vec<Subject<'a>> {
    match repository.deploy_keys.read() {
        Ok(keys) => {
            let writing = keys.iter().filter(|key| key.enabled && !key.read_only);
            writing.map(|key| Subject::new(Named::Key(key.title.clone()), Some(Permission::Write))).collect()
        }
        Err(hidden) => {
            reasons.insert(hidden.clone());
            vec![Subject::new(Named::Group(Who::DeployKeys), None)]
        }
    }
}

/// Those for whom a door is open and who could not be listed.
fn groups<'a>(
    repository: &'a Repository,
    owner: &'a Owner,
    layers: &Layers<'_>,
    reasons: &mut BTreeSet<Hidden>,
) -> Vec<Subject<'a>> {
    let mut wanted: BTreeSet<Who> = layers.doors().map(|door| door.who.clone()).filter(is_of_people).collect();
    let has = |wanted: Level| layers.sources.iter().any(|source| level(source, repository, owner) == wanted);
    let changes_rules = layers.action == Action::ChangeRules;
    if repository.collaborators.read().is_err() {
        wanted.insert(Who::Role(if changes_rules { "admin" } else { "write" }.to_owned()));
        wanted.insert(Who::OrganizationAdmins);
    }
    if changes_rules && has(Level::Organization) {
        reasons.insert(not_read("which roles of the organization may change its rulesets was not asked for"));
        wanted.insert(Who::OrganizationAdmins);
    }
    if changes_rules && has(Level::Enterprise) {
        wanted.insert(Who::EnterpriseOwners);
    }
    let mut found = Vec::new();
    // An enterprise has teams and roles that no organization lists.
    let of_enterprise =
        layers.forbidding.iter().filter(|layer| level(&layer.binding.source, repository, owner) == Level::Enterprise);
    let of_enterprise: BTreeSet<&Who> =
        of_enterprise.filter_map(|layer| layer.binding.doors.known()).flatten().map(|door| &door.who).collect();
    for who in wanted {
        let is_of_enterprise = of_enterprise.contains(&who);
        if let Some((subject, why)) = group(who, is_of_enterprise, repository, owner) {
            reasons.insert(why);
            found.push(subject);
        }
    }
    found
}

/// Those for whom a door is, as one, and why they could not be listed; `None` when they were, or when there are none.
fn group<'a>(who: Who, is_of_enterprise: bool, repository: &'a Repository, owner: &'a Owner) -> Option<(Subject<'a>, Hidden)> {
    let of = |permission| Subject::new(Named::Group(who.clone()), permission);
    match &who {
        Who::Role(role) => match (permission_of(role), repository.collaborators.read()) {
            (permission, Err(hidden)) => Some((of(permission), hidden.clone())),
            (Some(_), Ok(_)) => None,
            // Who has a role of the organization's own making only the sources of access tell.
            (None, Ok(collaborators)) => {
                let hidden = collaborators.iter().find_map(|one| one.sources.read().err())?;
                Some((of(None), hidden.clone()))
            }
        },
        Who::OrganizationAdmins if owner.kind == OwnerKind::Organization => {
            let hidden = owner.admins.read().err()?;
            Some((of(Some(Permission::Admin)), hidden.clone()))
        }
        Who::EnterpriseOwners => Some((of(None), not_read("who owns the enterprise was not asked for"))),
        Who::Team(slug) => {
            let listed = owner.teams.known().and_then(|teams| teams.iter().find(|team| same(&team.slug, slug)));
            let hidden = match listed {
                Some(team) => team.members.read().err()?.clone(),
                None => owner.lists_every_team().err()?,
            };
            let mut subject = of(None);
            subject.teams = with_parents(owner, slug);
            Some((subject, hidden))
        }
        // Where the list is known and has no such actor, there is nobody whom the door lets pass.
        Who::Other(what) => {
            let people = repository.collaborators.known().into_iter().flatten();
            let listed = people.into_iter().filter_map(|one| one.id).any(|id| *what == unnamed(id));
            let hidden = hidden_list(owner, what, is_of_enterprise).filter(|_| !listed)?;
            Some((of(None), hidden))
        }
        Who::User(_) | Who::App(_) | Who::DeployKeys | Who::OrganizationAdmins => None,
    }
}

/// Members of a team are members of the teams that it is in.
fn with_parents<'a>(owner: &'a Owner, slug: &str) -> BTreeSet<&'a str> {
    let teams = owner.teams.known().map(Vec::as_slice).unwrap_or_default();
    let mut found = BTreeSet::new();
    let mut next = teams.iter().find(|team| same(&team.slug, slug));
    while let Some(team) = next.filter(|team| found.insert(team.slug.as_str())) {
        next = team.parent.as_deref().and_then(|parent| teams.iter().find(|team| same(&team.slug, parent)));
    }
    found
}

/// Why an actor without a name has none, where a list that would name it is hidden.
fn hidden_list(owner: &Owner, what: &str, is_of_enterprise: bool) -> Option<Hidden> {
    match what.split(" #").next() {
        Some("team") if !is_of_enterprise => owner.lists_every_team().err(),
        Some("role") if !is_of_enterprise => owner.custom_roles.read().err().cloned(),
        _ => Some(not_read(format!("who `{what}` is was not asked for"))),
    }
}

/// What a person is called whose number alone is known.
fn unnamed(id: u64) -> String {
    format!("user #{id}")
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
