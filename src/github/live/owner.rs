//! The owner: what holds for all its repositories.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::github::answers::{maybe_text, number, rest, text, word};
use crate::github::client::{Path, Refused};
use crate::github::cost::Class;
use crate::github::owner::{Numbers, Owner, OwnerKind};
use crate::github::part::{Part, Parts};
use crate::github::people::Team;
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::ruleset::Ruleset;

use super::parts::together;
use super::{PropertyValues, Reader, unreadable};

impl Reader {
    /// Reads an organization or user.
    ///
    /// # Errors
    /// There is no such owner, or the token may not see it.
    pub async fn owner(&self, login: &str, parts: &Parts) -> Result<Owner, Refused> {
        let path = Path::organization(login, &[]);
        match self.client.get_json(&path, Class::Owner).await {
            // Boxed: it is many requests at once, and would lie in every frame above it.
            Ok(json) => Ok(Box::pin(self.organization(login, &json, parts)).await),
            Err(refused) if refused.is(404) => {
                let path = Path::of(&["users", login]).owned_by(login);
                let json = self.client.get_json(&path, Class::Owner).await.map_err(|refused| {
                    let help = "look at the spelling, and whether the token is for this owner";
                    Refused { help: Some(help.to_owned()), ..refused }
                })?;
                Ok(Owner { is_on_a_server: self.client.host().is_server(), ..user(login, &json) })
            }
            Err(refused) => Err(refused),
        }
    }

    async fn organization(&self, login: &str, json: &Value, parts: &Parts) -> Owner {
        const ADMINISTRATION: &str = "organization_administration=read";
        let path = |segments: &[&str]| Path::organization(login, segments);
        let class = Class::Part;
        let people = |value: &Value| Some((maybe_text(value, "login")?, number(value, "id")));
        let admins = async {
            let path = path(&["members"]).query("role", "admin");
            asked(parts, Part::Members, self.list(&path, None, class(Part::Members), "members=read", people)).await
        };
        let members = async {
            let path = path(&["members"]);
            asked(parts, Part::Members, self.list(&path, None, class(Part::Members), "members=read", people)).await
        };
        let installations = async {
            let path = path(&["installations"]);
            let read = self.list(&path, Some("installations"), class(Part::Installations), ADMINISTRATION, rest::installation);
            asked(parts, Part::Installations, read).await
        };
        let custom_roles = async {
            let path = path(&["custom-repository-roles"]);
            let permission = "organization_custom_roles=read";
            // The one list that has no pages.
            let roles = |json: &Value| json.get("custom_roles")?.as_array()?.iter().map(rest::custom_role).collect();
            let read = self.one(&path, class(Part::CustomRoles), permission, roles);
            // What the plan does not have, there is none of; asked, GitHub would say no more than that it was not found.
            match json.pointer("/plan/name").and_then(Value::as_str) {
                Some("free" | "team") => Readable::Known(Vec::new()),
                _ => asked(parts, Part::CustomRoles, read).await,
            }
        };
        let properties = async {
            let path = path(&["properties", "schema"]);
            // This list has no pages.
            let permission = "organization_custom_properties=read";
            let read = self.one(&path, class(Part::Properties), permission, |json| {
                json.as_array()?.iter().map(rest::property).collect::<Option<Vec<_>>>()
            });
            asked(parts, Part::Properties, read).await
        };
        let workflow_permissions = async {
            let path = path(&["actions", "permissions", "workflow"]);
            let read = self.one(&path, class(Part::OrgActions), ADMINISTRATION, rest::workflow_permissions);
            asked(parts, Part::OrgActions, read).await
        };
        let rule_suites = async {
            let path = path(&["rulesets", "rule-suites"]).query("time_period", "month");
            let permission = "organization_administration=write";
            let read = self.list(&path, None, class(Part::OwnerRuleSuites), permission, rest::rule_suite);
            asked(parts, Part::OwnerRuleSuites, read).await
        };
        let teams = asked(parts, Part::Teams, self.teams(login, parts));
        let rulesets = self.owner_rulesets(login, parts);
        let (admins, members, installations, custom_roles, properties, workflow_permissions, rule_suites, teams, rulesets) = futures_util::join!(
            admins,
            members,
            installations,
            custom_roles,
            properties,
            workflow_permissions,
            rule_suites,
            teams,
            rulesets
        );
        let (rulesets, ruleset_versions) = rulesets;
        let mut numbers = Numbers::default();
        for (login, id) in [&admins, &members].into_iter().filter_map(Readable::known).flatten() {
            if let Some(id) = id {
                numbers.people.insert(login.clone(), Some(*id));
            }
        }
        let logins = |people: Readable<Vec<(String, Option<u64>)>>| {
            people.map(|people| people.into_iter().map(|(login, _)| login).collect())
        };
        let hidden = |what: &str| {
            Hidden::new(Cause::NotPermitted, format!("GET /orgs/{login}: `{what}` was not in the answer")).needs(ADMINISTRATION)
        };
        let private = number(json, "total_private_repos").ok_or_else(|| hidden("total_private_repos"));
        Owner {
            login: maybe_text(json, "login").unwrap_or_else(|| login.to_owned()),
            id: number(json, "id").unwrap_or(0),
            html_url: maybe_text(json, "html_url"),
            is_on_a_server: self.client.host().is_server(),
            kind: OwnerKind::Organization,
            repository_count: private.map(|private| private + number(json, "public_repos").unwrap_or(0)).into(),
            base_permission: maybe_text(json, "default_repository_permission")
                .map(|permission| word(&permission))
                .ok_or_else(|| hidden("default_repository_permission"))
                .into(),
            admins_change_visibility: json
                .get("members_can_change_repo_visibility")
                .and_then(Value::as_bool)
                .ok_or_else(|| hidden("members_can_change_repo_visibility"))
                .into(),
            admins: logins(admins),
            members: logins(members),
            teams,
            installations,
            custom_roles,
            rulesets,
            properties,
            workflow_permissions,
            rule_suites,
            ruleset_versions,
            // Of others than members by whoever compares with a policy.
            numbers,
        }
    }

    async fn teams(&self, login: &str, parts: &Parts) -> Readable<Vec<Team>> {
        let path = Path::organization(login, &["teams"]);
        let teams = self.list(&path, None, Class::Part(Part::Teams), "members=read", rest::team).await;
        let Readable::Known(mut teams) = teams else { return teams };
        if parts.has(Part::TeamMembers) {
            let read = teams.iter().map(|team| {
                let path = Path::organization(login, &["teams", &team.slug, "members"]);
                async move {
                    let logins = |value: &Value| maybe_text(value, "login");
                    self.list(&path, None, Class::Part(Part::TeamMembers), "members=read", logins).await
                }
            });
            let members = futures_util::future::join_all(read).await;
            for (team, members) in teams.iter_mut().zip(members) {
                team.member_count = members.clone().map(|members| u64::try_from(members.len()).unwrap_or(u64::MAX));
                team.members = members;
            }
        }
        Readable::Known(teams)
    }

    /// Its rulesets, with what they say, and their versions.
    async fn owner_rulesets(
        &self,
        login: &str,
        parts: &Parts,
    ) -> (Readable<Vec<Arc<Ruleset>>>, Readable<BTreeMap<u64, Vec<crate::github::repository::RulesetVersion>>>) {
        if !parts.has(Part::OwnerRulesets) {
            return (Readable::not_asked(), Readable::not_asked());
        }
        let path = Path::organization(login, &["rulesets"]);
        let permission = "organization_administration=write";
        let read = |value: &Value| serde_json::from_value::<Ruleset>(value.clone()).ok();
        let entries = match self.list(&path, None, Class::Part(Part::OwnerRulesets), permission, read).await {
            Readable::Known(entries) => entries,
            Readable::Hidden(hidden) => return (Readable::Hidden(hidden.clone()), Readable::Hidden(hidden)),
        };
        let read = entries.into_iter().map(|entry| async {
            let fetch = async {
                let found = self.ruleset_by_organization(login, entry.id).await;
                let path = Path::organization(login, &["rulesets", &entry.id.to_string()]);
                found.map(Arc::new).ok_or_else(|| Hidden { cause: Cause::Failed, ..unreadable(&path) })
            };
            match self.rulesets.get(entry.id, fetch).await {
                Ok(ruleset) => ruleset,
                Err(hidden) => Arc::new(entry.unread(&hidden)),
            }
        });
        let rulesets = futures_util::future::join_all(read).await;
        if !parts.has(Part::RulesetVersions) {
            return (Readable::Known(rulesets), Readable::not_asked());
        }
        let versions = rulesets.iter().map(|ruleset| async {
            let path = Path::organization(login, &["rulesets", &ruleset.id.to_string(), "history"]);
            (ruleset.id, self.history(&path, permission).await)
        });
        let versions = together(futures_util::future::join_all(versions).await);
        (Readable::Known(rulesets), versions)
    }

    /// The custom properties of all repositories of an owner, read once.
    pub(super) async fn property_values(&self, owner: &str) -> PropertyValues {
        let fetch = async {
            let path = Path::organization(owner, &["properties", "values"]);
            let permission = "organization_custom_properties=read";
            let class = Class::Part(Part::Properties);
            let read = |value: &Value| {
                Some((number(value, "repository_id")?, rest::property_values(value.get("properties").unwrap_or(&Value::Null))))
            };
            match self.client.pages(&path, None, usize::MAX, class).await {
                Err(refused) => Readable::Hidden(refused.needs(permission).into()),
                Ok(pages) => match pages.complete() {
                    Readable::Hidden(hidden) => Readable::Hidden(hidden),
                    Readable::Known(items) => {
                        super::all(&items, &path, read).map(|pairs| Arc::new(pairs.into_iter().collect::<HashMap<_, _>>()))
                    }
                },
            }
        };
        self.properties.get(owner.to_ascii_lowercase(), fetch).await
    }
}

/// Begins only if it is asked for.
async fn asked<T>(parts: &Parts, part: Part, read: impl Future<Output = Readable<T>>) -> Readable<T> {
    if parts.has(part) { read.await } else { Readable::not_asked() }
}

/// A person has no teams, roles and rulesets.
fn user(login: &str, json: &Value) -> Owner {
    fn not_offered<T>() -> Readable<T> {
        Readable::hidden(Cause::NotOffered, "a user's account does not have it")
    }
    Owner {
        login: maybe_text(json, "login").unwrap_or_else(|| login.to_owned()),
        id: number(json, "id").unwrap_or(0),
        html_url: maybe_text(json, "html_url"),
        is_on_a_server: false,
        kind: if text(json, "type") == "Organization" { OwnerKind::Organization } else { OwnerKind::User },
        repository_count: match (number(json, "public_repos"), number(json, "total_private_repos")) {
            (Some(public), Some(private)) => Readable::Known(public + private),
            _ => Readable::hidden(Cause::NotPermitted, format!("GET /users/{login}: private repositories are not counted")),
        },
        base_permission: not_offered(),
        admins_change_visibility: Readable::Known(true),
        admins: Readable::Known(vec![login.to_owned()]),
        members: Readable::Known(Vec::new()),
        teams: Readable::Known(Vec::new()),
        installations: not_offered(),
        custom_roles: Readable::Known(Vec::new()),
        rulesets: Readable::Known(Vec::new()),
        properties: Readable::Known(Vec::new()),
        workflow_permissions: not_offered(),
        rule_suites: Readable::Known(Vec::new()),
        ruleset_versions: Readable::Known(BTreeMap::new()),
        numbers: Numbers::default(),
    }
}
