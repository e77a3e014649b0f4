//! What rulesets say: once for each, by REST, which alone shows every bypasser and every rule.

use std::sync::Arc;

use serde_json::Value;

use crate::github::answers::index::Indexed;
use crate::github::client::Path;
use crate::github::cost::Class;
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::ruleset::{Level, Ruleset};
use crate::github::word::Word;

use super::{Reader, unreadable};

impl Reader {
    /// Every ruleset that is for a repository, with what it says. One that can't be read stays, and says why.
    pub(super) async fn rulesets_of(&self, indexed: &mut Indexed) -> Readable<Vec<Arc<Ruleset>>> {
        let entries = match self.ruleset_entries(indexed).await {
            Ok(entries) => entries,
            Err(hidden) => return Readable::Hidden(hidden),
        };
        let (owner, name) = (&indexed.repository.owner, &indexed.repository.name);
        let read = entries.into_iter().map(|entry| self.ruleset(owner, name, entry));
        Readable::Known(futures_util::future::join_all(read).await)
    }

    /// One ruleset. What is for more than one repository is read once.
    pub(super) async fn ruleset(&self, owner: &str, name: &str, entry: Ruleset) -> Arc<Ruleset> {
        let read = match &entry.source_type {
            Word::Known(Level::Repository) => self.ruleset_by_repository(owner, name, entry.id).await.map(Arc::new),
            Word::Known(Level::Organization) => {
                let fetch = async {
                    match self.ruleset_by_organization(&entry.source, entry.id).await {
                        Some(ruleset) => Ok(ruleset),
                        None => self.ruleset_by_repository(owner, name, entry.id).await,
                    }
                    .map(Arc::new)
                };
                self.rulesets.get(entry.id, fetch).await
            }
            Word::Known(Level::Enterprise) | Word::Unknown(_) => {
                let fetch = async { self.ruleset_by_repository(owner, name, entry.id).await.map(Arc::new) };
                self.rulesets.get(entry.id, fetch).await
            }
        };
        read.unwrap_or_else(|hidden| Arc::new(entry.unread(&hidden)))
    }

    /// As the organization shows it, with its bypassers; `None` when it does not show it to this token.
    pub(super) async fn ruleset_by_organization(&self, organization: &str, id: u64) -> Option<Ruleset> {
        if self.closed().contains(organization) {
            return None;
        }
        let path = Path::organization(organization, &["rulesets", &id.to_string()]);
        match self.client.get_json(&path, Class::Ruleset).await {
            Ok(json) => parse(json, &path, "organization_administration=write").ok(),
            Err(refused) => {
                if refused.cause != Cause::Failed {
                    self.closed().insert(organization.to_owned());
                }
                None
            }
        }
    }

    async fn ruleset_by_repository(&self, owner: &str, name: &str, id: u64) -> Result<Ruleset, Hidden> {
        let path = Path::repository(owner, name, &["rulesets", &id.to_string()]).query("includes_parents", "true");
        let json = self.client.get_json(&path, Class::Ruleset).await.map_err(|refused| refused.needs("metadata=read"))?;
        parse(json, &path, "administration=write")
    }
}

/// `permission` is what shows the bypassers.
pub(super) fn parse(json: Value, path: &Path, permission: &str) -> Result<Ruleset, Hidden> {
    let mut ruleset: Ruleset = serde_json::from_value(json).map_err(|error| {
        let hidden = unreadable(path);
        Hidden { why: format!("{}: {error}", hidden.why), ..hidden }
    })?;
    if let Readable::Hidden(hidden) = &mut ruleset.bypass_actors {
        hidden.why = format!("GET {}: {}", path.as_str(), hidden.why);
        hidden.permission.get_or_insert_with(|| permission.to_owned());
    }
    Ok(ruleset)
}
