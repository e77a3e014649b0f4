//! One thing, read again: just before it is written, and just after. Nothing of it comes from what was read before.

use serde_json::Value;

use crate::github::answers::rest;
use crate::github::client::Path;
use crate::github::cost::Class;
use crate::github::part::{Part, Parts};
use crate::github::readable::{Cause, Hidden};
use crate::github::repository::{Repository, WorkflowPermissions};
use crate::github::ruleset::{Level, Ruleset};
use crate::github::selection::Selection;
use crate::github::word::Word;

use super::rulesets::parse;
use super::{MOST, Reader, all, unreadable};

/// Where settings stand: a repository, or an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Where<'a> {
    /// The organization or user.
    pub owner: &'a str,
    /// The repository's name; nothing for the organization itself.
    pub repository: Option<&'a str>,
}

impl<'a> Where<'a> {
    /// Of `owner/name`, or of a login.
    pub fn of(target: &'a str) -> Where<'a> {
        match target.split_once('/') {
            Some((owner, name)) => Where { owner, repository: Some(name) },
            None => Where { owner: target, repository: None },
        }
    }

    /// A path below it.
    pub fn path(self, segments: &[&str]) -> Path {
        match self.repository {
            Some(name) => Path::repository(self.owner, name, segments),
            None => Path::organization(self.owner, segments),
        }
    }

    fn permission(self) -> &'static str {
        if self.repository.is_some() { "administration=write" } else { "organization_administration=write" }
    }
}

impl Reader {
    /// A ruleset by its number. `None` when there is none of it: GitHub says the same of one that may not be seen, so its list
    /// is asked, too.
    ///
    /// # Errors
    /// It can't be told.
    pub async fn ruleset_now(&self, at: Where<'_>, id: u64) -> Result<Option<Ruleset>, Hidden> {
        let path = at.path(&["rulesets", &id.to_string()]);
        match self.client.get_json(&path, Class::Ruleset).await {
            Ok(json) => parse(json, &path, at.permission()).map(Some),
            Err(refused) if refused.is(404) => {
                let listed = self.ruleset_ids(at).await?.into_iter().any(|(_, other)| other == id);
                if listed { Err(refused.needs(at.permission()).into()) } else { Ok(None) }
            }
            Err(refused) => Err(refused.needs(at.permission()).into()),
        }
    }

    /// The place's own rulesets of this name, the oldest first.
    ///
    /// # Errors
    /// The list, or one of them, can't be read.
    pub async fn rulesets_named(&self, at: Where<'_>, name: &str) -> Result<Vec<Ruleset>, Hidden> {
        let mut found = Vec::new();
        for (_, id) in self.ruleset_ids(at).await?.into_iter().filter(|(other, _)| other == name) {
            found.extend(self.ruleset_now(at, id).await?);
        }
        Ok(found)
    }

    /// Names and numbers of the place's own rulesets.
    async fn ruleset_ids(&self, at: Where<'_>) -> Result<Vec<(String, u64)>, Hidden> {
        let path = match at.repository {
            Some(_) => at.path(&["rulesets"]).query("includes_parents", "false"),
            None => at.path(&["rulesets"]),
        };
        let name = at.repository.map_or_else(|| at.owner.to_owned(), |name| format!("{}/{name}", at.owner));
        let level = if at.repository.is_some() { Level::Repository } else { Level::Organization };
        let entry = |value: &Value| {
            let of_level = value
                .get("source_type")
                .and_then(|word| serde_json::from_value::<Word<Level>>(word.clone()).ok())
                .is_none_or(|word| word.is(&level));
            // A fork lists the push rulesets of the repository that it comes from.
            let is_here = value.get("source").and_then(Value::as_str).is_none_or(|source| source.eq_ignore_ascii_case(&name));
            Some((of_level && is_here, value.get("name")?.as_str()?.to_owned(), value.get("id")?.as_u64()?))
        };
        let pages = self.client.pages(&path, None, MOST, Class::Ruleset).await;
        let pages = pages.map_err(|refused| Hidden::from(refused.needs("metadata=read")))?;
        if let Some(path) = &pages.moved_to {
            return Err(Hidden::new(Cause::Failed, format!("`{name}` has another name now: GitHub answers with `{path}`")));
        }
        let list = pages.complete();
        let list = all(list.read().map_err(Clone::clone)?, &path, entry);
        let list = list.read().map_err(Clone::clone)?;
        let mut own: Vec<(String, u64)> =
            list.iter().filter(|(is_own, ..)| *is_own).map(|(_, name, id)| (name.clone(), *id)).collect();
        own.sort_by_key(|(_, id)| *id);
        Ok(own)
    }

    /// A repository with its classic protections. Which apps must report its checks is certain of the protection with this
    /// pattern.
    ///
    /// # Errors
    /// It can't be read.
    pub async fn repository_now(&self, owner: &str, name: &str, pattern: &str) -> Result<Repository, Hidden> {
        let full_name = format!("{owner}/{name}");
        let selection =
            Selection::default().and_repository(&full_name).map_err(|bad| Hidden::new(Cause::Unknown, bad.to_string()))?;
        let mut found = None;
        let inventory = self.repositories(&selection, &Parts::index(), |repository| found = Some(repository)).await;
        // Where something was not seen, nothing shows that a protection is not there.
        if let Some(unread) = inventory.unread.into_iter().next() {
            return Err(unread.why);
        }
        match found {
            Some(mut repository) if repository.full_name().eq_ignore_ascii_case(&full_name) => {
                self.confirm_pins(&mut repository, Some(pattern)).await;
                Ok(repository)
            }
            Some(repository) => {
                Err(Hidden::new(Cause::Failed, format!("`{full_name}` is called `{}` now", repository.full_name())))
            }
            None => Err(Hidden::new(Cause::Failed, format!("`{full_name}` was not found"))),
        }
    }

    /// What workflows may do.
    ///
    /// # Errors
    /// It can't be read.
    pub async fn workflow_permissions_now(&self, at: Where<'_>) -> Result<WorkflowPermissions, Hidden> {
        let path = at.path(&["actions", "permissions", "workflow"]);
        let part = if at.repository.is_some() { Part::WorkflowPermissions } else { Part::OrgActions };
        let json = self
            .client
            .get_json(&path, Class::Part(part))
            .await
            .map_err(|refused| Hidden::from(refused.needs(at.permission())))?;
        rest::workflow_permissions(&json).ok_or_else(|| unreadable(&path))
    }

    /// GraphQL's id of a person, team or app.
    ///
    /// # Errors
    /// GitHub does not tell it, or whoever has that name now has another number.
    pub async fn node_id(&self, path: &Path, number: Option<u64>) -> Result<String, Hidden> {
        let json = self.client.get_json(path, Class::Names).await.map_err(Hidden::from)?;
        let now = json.get("id").and_then(Value::as_u64);
        if let Some(number) = number.filter(|number| now != Some(*number)) {
            let now = now.map_or_else(|| "none".to_owned(), |now| format!("#{now}"));
            return Err(Hidden::new(Cause::Unknown, format!("it is another one now, {now} and not #{number}")));
        }
        json.get("node_id").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| unreadable(path))
    }
}
