//! Names to GitHub's numbers and back, as far as what was read tells them.

use super::effective::ROLES;
use super::own_apps;
use super::owner::{Owner, OwnerKind};
use super::readable::{Cause, Hidden, Readable};
use super::repository::Repository;
use super::ruleset::ActorType;
use crate::policy::actors::is_github_only;

/// Who GitHub knows by name: an owner's teams, apps and roles, and people.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    owner: &'a Owner,
    repository: Option<&'a Repository>,
}

/// An actor with GitHub's kind and number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// What it is.
    pub kind: ActorType,
    /// GitHub's number; `None` where GitHub takes none.
    pub id: Option<i64>,
    /// As the policy writes it, spelled as GitHub spells it.
    pub name: String,
}

/// Why a name has no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoNumber {
    /// GitHub knows no one of this name, or has no such actors.
    Unknown(String),
    /// What would tell was not read.
    Hidden(Hidden),
}

impl<'a> Names<'a> {
    /// Those of an owner, and of one of its repositories.
    pub fn new(owner: &'a Owner, repository: Option<&'a Repository>) -> Names<'a> {
        Names { owner, repository }
    }

    /// Who is meant by a name as the policy writes it. GitHub's names ignore case.
    ///
    /// # Errors
    /// GitHub has nobody of that name, or it can't be told.
    pub fn resolve(&self, name: &str) -> Result<Identity, NoNumber> {
        let fixed = |kind, id| Ok(Identity { kind, id, name: name.to_owned() });
        if let Some(slug) = name.strip_prefix("team:") {
            let team = in_list(&self.owner.teams, |team| same(&team.slug, slug))?;
            let team = team.ok_or_else(|| self.unknown(&format!("team `{slug}`")))?;
            return Ok(Identity { kind: ActorType::Team, id: number(team.id), name: format!("team:{}", team.slug) });
        }
        if let Some(slug) = name.strip_prefix("app:").or_else(|| name.strip_suffix("[bot]")) {
            return self.app(slug);
        }
        if let Some(role) = name.strip_prefix("role:") {
            return self.role(role);
        }
        match name {
            "org-admins" if self.owner.kind == OwnerKind::Organization => fixed(ActorType::OrganizationAdmin, Some(1)),
            "org-admins" => Err(NoNumber::Unknown(format!("`{}` is no organization and has no owners", self.owner.login))),
            "deploy-keys" => fixed(ActorType::DeployKey, None),
            "enterprise-owners" => fixed(ActorType::EnterpriseOwner, None),
            login => self.person(login),
        }
    }

    fn app(&self, slug: &str) -> Result<Identity, NoNumber> {
        let app = |slug: &str, id| Identity { kind: ActorType::Integration, id, name: format!("app:{slug}") };
        let installed = in_list(&self.owner.installations, |app| same(&app.app_slug, slug));
        if let Ok(Some(found)) = &installed {
            return Ok(app(&found.app_slug, number(found.app_id)));
        }
        match own_apps::named(slug) {
            Some((slug, id)) if !self.owner.is_on_a_server => return Ok(app(slug, Some(id))),
            Some((slug, _)) => {
                let why = format!("GitHub's own app `{slug}` has a number of its own on this server, which no list tells");
                return Err(NoNumber::Hidden(Hidden::new(Cause::Unknown, why)));
            }
            None => {}
        }
        installed.and_then(|_| Err(NoNumber::Unknown(format!("no app `{slug}` is installed in {}", self.owner.login))))
    }

    fn role(&self, name: &str) -> Result<Identity, NoNumber> {
        let role = |name: &str, id| Identity { kind: ActorType::RepositoryRole, id, name: format!("role:{name}") };
        if let Some((id, known)) = ROLES.iter().find(|(_, known)| same(known, name)) {
            return Ok(role(known, Some(*id)));
        }
        let custom = in_list(&self.owner.custom_roles, |custom| same(&custom.name, name))?;
        let custom = custom.ok_or_else(|| self.unknown(&format!("role `{name}`")))?;
        Ok(role(&custom.name, number(custom.id)))
    }

    fn person(&self, login: &str) -> Result<Identity, NoNumber> {
        let person = |login: &str, id| Identity { kind: ActorType::User, id: number(id), name: login.to_owned() };
        if !is_login(login) {
            return Err(NoNumber::Unknown(format!("`{login}` is no name that GitHub has")));
        }
        if let Some((login, id)) = self.people().find(|(known, _)| same(known, login)) {
            return Ok(person(login, id));
        }
        let asked = self.owner.numbers.people.iter().find(|(known, _)| same(known, login));
        if asked.is_some_and(|(_, number)| number.is_none()) {
            return Err(NoNumber::Unknown(format!("GitHub knows no one named `{login}`")));
        }
        Err(NoNumber::Hidden(Hidden::new(Cause::NotAsked, format!("the number of `{login}` was not asked for"))))
    }

    /// Everyone whose number is known.
    fn people(&self) -> impl Iterator<Item = (&'a str, u64)> {
        let owner = (self.owner.kind == OwnerKind::User).then_some((self.owner.login.as_str(), self.owner.id));
        let asked = self.owner.numbers.people.iter().filter_map(|(login, id)| Some((login.as_str(), (*id)?)));
        let collaborators = self.repository.and_then(|repository| repository.collaborators.known()).into_iter().flatten();
        owner.into_iter().chain(asked).chain(collaborators.filter_map(|who| Some((who.login.as_str(), who.id?))))
    }

    /// The name of an actor by GitHub's kind and number, as the policy writes it.
    ///
    /// # Errors
    /// Something to call it by when it has no known name: `team #9`. The list may be hidden, or the actor gone.
    pub fn name_of(&self, kind: ActorType, id: Option<i64>) -> Result<String, String> {
        let wanted = id.and_then(|id| u64::try_from(id).ok());
        let shown = id.map_or_else(|| "without number".to_owned(), |id| format!("#{id}"));
        let found = |name: Option<String>, what: &str| name.ok_or_else(|| format!("{what} {shown}"));
        match kind {
            ActorType::OrganizationAdmin => Ok("org-admins".to_owned()),
            ActorType::DeployKey => Ok("deploy-keys".to_owned()),
            ActorType::EnterpriseOwner => Ok("enterprise-owners".to_owned()),
            ActorType::Team => {
                let team = self.owner.teams.known().and_then(|teams| teams.iter().find(|team| Some(team.id) == wanted));
                found(team.map(|team| format!("team:{}", team.slug)), "team")
            }
            ActorType::Integration => {
                let apps = self.owner.installations.known();
                let app = apps.and_then(|apps| apps.iter().find(|app| Some(app.app_id) == wanted));
                let own = || id.and_then(|id| self.owner.own_app(id));
                found(app.map(|app| app.app_slug.as_str()).or_else(own).map(|slug| format!("app:{slug}")), "app")
            }
            ActorType::RepositoryRole => {
                let fixed = ROLES.iter().find(|(known, _)| Some(*known) == id).map(|(_, name)| *name);
                let roles = self.owner.custom_roles.known();
                let custom = || roles.and_then(|roles| roles.iter().find(|role| Some(role.id) == wanted));
                found(fixed.or_else(|| custom().map(|role| role.name.as_str())).map(|name| format!("role:{name}")), "role")
            }
            ActorType::User => {
                let login = self.people().find(|(_, known)| Some(*known) == wanted).map(|(login, _)| login.to_owned());
                found(login, "user")
            }
            ActorType::EnterpriseRole => Err(format!("enterprise role {shown}")),
        }
    }

    /// Why actors of this kind may have names that were not read.
    pub fn hides(&self, kind: ActorType) -> Option<&'a Hidden> {
        match kind {
            ActorType::Team => self.owner.teams.read().err(),
            ActorType::Integration => self.owner.installations.read().err(),
            ActorType::RepositoryRole => self.owner.custom_roles.read().err(),
            ActorType::User => self.owner.members.read().err(),
            _ => None,
        }
    }

    /// The number of a repository by `owner/name`.
    ///
    /// # Errors
    /// GitHub has none of that name, or it can't be told.
    pub fn repository_number(&self, full_name: &str) -> Result<u64, NoNumber> {
        if let Some(repository) = self.repository.filter(|repository| same(&repository.full_name(), full_name)) {
            return Ok(repository.id);
        }
        match self.owner.numbers.repositories.iter().find(|(known, _)| same(known, full_name)) {
            Some((_, Some(number))) => Ok(*number),
            Some((_, None)) => {
                let moved = self.owner.numbers.moved.iter().find(|(known, _)| same(known, full_name));
                let why = moved.map_or(", or it may not be seen".to_owned(), |(_, called)| format!(": it is now `{called}`"));
                Err(NoNumber::Unknown(format!("there is no repository `{full_name}`{why}")))
            }
            None => {
                let why = format!("the number of the repository `{full_name}` was not asked for");
                Err(NoNumber::Hidden(Hidden::new(Cause::NotAsked, why)))
            }
        }
    }

    fn unknown(&self, what: &str) -> NoNumber {
        NoNumber::Unknown(format!("{} has no {what}", self.owner.login))
    }
}

/// Whether a name, as the policy writes it, can only be a person's.
pub(super) fn is_login(name: &str) -> bool {
    !is_github_only(name) && !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// What kind of actor a name is, or something that stands in for one: `team:x` and `team #9` are one kind.
pub(super) fn kind_of(name: &str) -> &str {
    match name.split_once([':', ' ']) {
        Some((kind @ ("team" | "app" | "role" | "enterprise"), _)) => kind,
        Some(("user", _)) => "person",
        None if name.ends_with("[bot]") => "app",
        None if !["org-admins", "deploy-keys", "enterprise-owners"].contains(&name) => "person",
        _ => name,
    }
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn number(id: u64) -> Option<i64> {
    i64::try_from(id).ok()
}

fn in_list<T>(list: &Readable<Vec<T>>, is: impl Fn(&T) -> bool) -> Result<Option<&T>, NoNumber> {
    let list = list.read().map_err(|hidden| NoNumber::Hidden(hidden.clone()))?;
    Ok(list.iter().find(|entry| is(entry)))
}
