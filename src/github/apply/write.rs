//! What is sent for a change: to rulesets and to branches with a protection of their own name by REST, to patterns and
//! whatever only it has by GraphQL.

use serde_json::{Map, Value, json};

use super::{Apply, Direction, Now};
use crate::github::client::{Change as Method, Path, Query, Refused};
use crate::github::cost::Class;
use crate::github::live::Where;
use crate::github::people::{Actor, ActorKind};
use crate::github::plan::{Kind, Thing, state};
use crate::github::protection::Protection;
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::Repository;
use crate::github::word::Word;

/// The mutations.
const WRITE: &str = include_str!("../graphql/write.graphql");

/// A request that changes something.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Write {
    /// By REST.
    Rest {
        /// How.
        method: Method,
        /// Where.
        path: Path,
        /// What; nothing for deletions and switches.
        body: Option<Value>,
        /// That there is nothing to delete is as good.
        absent_is_fine: bool,
    },
    /// By GraphQL.
    Mutation {
        /// Which.
        operation: &'static str,
        /// Whose.
        owner: String,
        /// With what.
        input: Value,
    },
}

impl Apply<'_> {
    /// The requests that make `live` into `to`.
    ///
    /// # Errors
    /// Someone who is named can't be found, or the state is none.
    pub(super) async fn prepare(
        &mut self,
        thing: &Thing,
        live: Option<&Now>,
        to: Option<&Value>,
        repository: Option<&Repository>,
        direction: Direction,
    ) -> Result<Vec<Write>, Hidden> {
        match thing.kind {
            Kind::Ruleset => Ok(vec![ruleset(thing, live, to)]),
            Kind::WorkflowPermissions => {
                let path = Where::of(&thing.target).path(&["actions", "permissions", "workflow"]);
                Ok(vec![rest(Method::Put, path, to.cloned())])
            }
            Kind::BranchProtection => match repository {
                Some(repository) => self.protection(thing, live, to, repository, direction).await,
                None => Err(Hidden::new(Cause::Unknown, "an organization has no branch protections")),
            },
        }
    }

    /// Sends the requests, one after the other; the number of what was created. `accepted` counts those that GitHub took.
    ///
    /// # Errors
    /// One of them was refused or got no answer.
    pub(super) async fn send(&self, writes: &[Write], accepted: &mut usize) -> Result<Option<String>, Refused> {
        let mut id = None;
        for write in writes {
            match write {
                Write::Rest { method, path, body, absent_is_fine } => {
                    match self.client.write(*method, path, body.as_ref()).await {
                        Ok(answer) => {
                            let number = answer.json().ok().and_then(|json| json.get("id").and_then(Value::as_u64));
                            id = number.map(|number| number.to_string()).or(id);
                        }
                        Err(refused) if *absent_is_fine && refused.is(404) => {}
                        Err(refused) => return Err(refused),
                    }
                }
                Write::Mutation { operation, owner, input } => {
                    let query = Query {
                        document: WRITE,
                        operation,
                        variables: json!({ "input": input }),
                        owner,
                        class: Class::Write,
                        divisible: false,
                    };
                    let answer = self.client.mutate(&query).await?;
                    let created = answer.data.pointer("/createBranchProtectionRule/branchProtectionRule/id");
                    id = created.and_then(Value::as_str).map(str::to_owned).or(id);
                }
            }
            *accepted += 1;
        }
        Ok(id)
    }

    async fn protection(
        &mut self,
        thing: &Thing,
        live: Option<&Now>,
        to: Option<&Value>,
        repository: &Repository,
        direction: Direction,
    ) -> Result<Vec<Write>, Hidden> {
        let (owner, name) = (repository.owner.as_str(), repository.name.as_str());
        let typed = |state: &Value| {
            state::to_protection(state)
                .map_err(|error| Hidden::new(Cause::Unknown, format!("the saved state can't be read: {error}")))
        };
        let id = live.map(|live| live.id.as_str());
        let before = live.map(|live| typed(&live.state)).transpose()?;
        let path = |segments: &[&str]| {
            let mut all = vec!["branches", thing.name.as_str(), "protection"];
            all.extend(segments);
            Path::repository(owner, name, &all)
        };
        let mutation = |operation, input| Write::Mutation { operation, owner: owner.to_owned(), input };
        let Some(after) = to.map(typed).transpose()? else {
            return Ok(vec![mutation("DeleteProtection", json!({ "branchProtectionRuleId": id }))]);
        };
        let is_branch = repository.default_branch.as_ref().is_some_and(|branch| branch.name == thing.name);
        let only_graphql = [before.as_ref(), Some(&after)].into_iter().flatten().any(has_what_only_graphql_has);
        // REST writes what binds the branch: that is the protection of its own name only when there is one, or no other.
        let has_own = before.is_some() || repository.protections.known().is_some_and(Vec::is_empty);
        if is_branch && has_own && !only_graphql {
            // REST takes names. Since they were saved somebody else may have got one.
            if direction == Direction::Back {
                for actor in named_anew(before.as_ref(), &after) {
                    // Teams and apps that are hidden are written by their names all the same; people never are.
                    match self.node_id_of(owner, actor).await {
                        Err(hidden) if actor.kind.is(&ActorKind::User) || hidden.cause == Cause::Unknown => return Err(hidden),
                        _ => {}
                    }
                }
            }
            let signatures = path(&["required_signatures"]);
            let mut writes = vec![rest(Method::Put, path(&[]), Some(body(before.as_ref(), &after)))];
            // The request above has no word for them, and may have switched them off.
            if after.requires_commit_signatures {
                writes.push(rest(Method::Post, signatures, None));
            } else if before.is_some_and(|before| before.requires_commit_signatures) {
                writes.push(Write::Rest { method: Method::Delete, path: signatures, body: None, absent_is_fine: true });
            }
            return Ok(writes);
        }
        let mut input = self.input(owner, before.as_ref(), &after).await?;
        match id {
            Some(id) => {
                input.insert("branchProtectionRuleId".to_owned(), json!(id));
                Ok(vec![mutation("UpdateProtection", Value::Object(input))])
            }
            None => {
                input.insert("repositoryId".to_owned(), json!(repository.node_id));
                input.insert("pattern".to_owned(), json!(thing.name));
                Ok(vec![mutation("CreateProtection", Value::Object(input))])
            }
        }
    }

    /// The input of a mutation: everything for a new protection, what differs for one that is there.
    async fn input(
        &mut self,
        owner: &str,
        before: Option<&Protection>,
        after: &Protection,
    ) -> Result<Map<String, Value>, Hidden> {
        let mut input = Map::new();
        let mut put = |name: &str, of: &dyn Fn(&Protection) -> Value| {
            let value = of(after);
            if before.is_none_or(|before| of(before) != value) {
                input.insert(name.to_owned(), value);
            }
        };
        put("isAdminEnforced", &|one| json!(one.is_admin_enforced));
        put("requiresLinearHistory", &|one| json!(one.requires_linear_history));
        put("allowsForcePushes", &|one| json!(one.allows_force_pushes));
        put("allowsDeletions", &|one| json!(one.allows_deletions));
        put("requiresConversationResolution", &|one| json!(one.requires_conversation_resolution));
        put("requiresCommitSignatures", &|one| json!(one.requires_commit_signatures));
        put("lockBranch", &|one| json!(one.lock_branch));
        put("lockAllowsFetchAndMerge", &|one| json!(one.lock_allows_fetch_and_merge));
        put("requiresApprovingReviews", &|one| json!(one.requires_approving_reviews));
        put("requiredApprovingReviewCount", &|one| json!(one.required_approving_review_count));
        put("dismissesStaleReviews", &|one| json!(one.dismisses_stale_reviews));
        put("requiresCodeOwnerReviews", &|one| json!(one.requires_code_owner_reviews));
        put("requireLastPushApproval", &|one| json!(one.require_last_push_approval));
        put("restrictsReviewDismissals", &|one| json!(one.restricts_review_dismissals));
        put("requiresStatusChecks", &|one| json!(one.requires_status_checks));
        put("requiresStrictStatusChecks", &|one| json!(one.requires_strict_status_checks));
        put("restrictsPushes", &|one| json!(one.restricts_pushes));
        put("blocksCreations", &|one| json!(one.blocks_creations));
        let environments = |one: &Protection| one.required_deployment_environments.known().cloned().unwrap_or_default();
        put("requiresDeployments", &|one| json!(!environments(one).is_empty()));
        put("requiredDeploymentEnvironments", &|one| json!(environments(one)));
        if before.is_none_or(|before| before.required_status_checks != after.required_status_checks) {
            let mut checks = Vec::new();
            for check in &after.required_status_checks {
                let app = match &check.app {
                    // Left out it would be the app that reported last.
                    None => "any".to_owned(),
                    Some(app) => self.node_id_of(owner, app).await?,
                };
                checks.push(json!({ "context": check.context, "appId": app }));
            }
            input.insert("requiredStatusChecks".to_owned(), Value::Array(checks));
        }
        type List = fn(&Protection) -> &Readable<Vec<Actor>>;
        let lists: [(&str, List); 4] = [
            ("pushActorIds", |one| &one.push_allowances),
            ("bypassPullRequestActorIds", |one| &one.bypass_pull_request_allowances),
            ("bypassForcePushActorIds", |one| &one.bypass_force_push_allowances),
            ("reviewDismissalActorIds", |one| &one.review_dismissal_allowances),
        ];
        for (name, of) in lists {
            let wanted = of(after).read().map_err(Clone::clone)?;
            if before.is_some_and(|before| of(before).known() == Some(wanted)) {
                continue;
            }
            let mut ids = Vec::new();
            for actor in wanted {
                ids.push(json!(self.node_id_of(owner, actor).await?));
            }
            input.insert(name.to_owned(), Value::Array(ids));
        }
        Ok(input)
    }

    async fn node_id_of(&mut self, owner: &str, actor: &Actor) -> Result<String, Hidden> {
        let key = (owner.to_owned(), actor.to_string(), actor.id);
        if let Some(id) = self.node_ids.get(&key) {
            return Ok(id.clone());
        }
        let path = match &actor.kind {
            Word::Known(ActorKind::User) => Path::of(&["users", &actor.name]).owned_by(owner),
            Word::Known(ActorKind::Team) => Path::organization(owner, &["teams", &actor.name]),
            Word::Known(ActorKind::App) => Path::of(&["apps", &actor.name]).owned_by(owner),
            Word::Unknown(kind) => {
                return Err(Hidden::new(Cause::Unknown, format!("`{kind}` is no kind of actor that is known")));
            }
        };
        let id = self
            .reader
            .node_id(&path, actor.id)
            .await
            .map_err(|hidden| Hidden { why: format!("`{actor}`: {}", hidden.why), ..hidden })?;
        self.node_ids.insert(key, id.clone());
        Ok(id)
    }
}

/// Whoever a protection names with a number, and did not name before.
fn named_anew<'a>(before: Option<&'a Protection>, after: &'a Protection) -> impl Iterator<Item = &'a Actor> {
    type List = fn(&Protection) -> &Readable<Vec<Actor>>;
    let lists: [List; 3] =
        [|one| &one.push_allowances, |one| &one.bypass_pull_request_allowances, |one| &one.review_dismissal_allowances];
    lists.into_iter().flat_map(move |of| {
        let known = before.and_then(|before| of(before).known()).map(Vec::as_slice).unwrap_or_default();
        let wanted = of(after).known().map(Vec::as_slice).unwrap_or_default();
        wanted.iter().filter(move |actor| actor.id.is_some() && !known.contains(actor))
    })
}

fn rest(method: Method, path: Path, body: Option<Value>) -> Write {
    Write::Rest { method, path, body, absent_is_fine: false }
}

fn ruleset(thing: &Thing, live: Option<&Now>, to: Option<&Value>) -> Write {
    let at = Where::of(&thing.target);
    let one = |live: &Now| at.path(&["rulesets", &live.id]);
    match (live, to) {
        (Some(live), Some(to)) => rest(Method::Put, one(live), Some(without_nulls(to))),
        (Some(live), None) => rest(Method::Delete, one(live), None),
        (None, to) => rest(Method::Post, at.path(&["rulesets"]), to.map(without_nulls)),
    }
}

/// What GitHub answers with null where nothing is said it does not take back: it is left out. Only a deploy key's number is null.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        Value::Object(object) => {
            let said = object.iter().filter(|(name, value)| !value.is_null() || *name == "actor_id");
            said.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        other => other.clone(),
    }
}

/// Whether it has something that REST neither shows nor promises to keep.
fn has_what_only_graphql_has(protection: &Protection) -> bool {
    let force_pushers = protection.bypass_force_push_allowances.known().is_none_or(|list| !list.is_empty());
    let environments = protection.required_deployment_environments.known().is_none_or(|list| !list.is_empty());
    force_pushers || environments
}

/// The body of `PUT .../protection`: everything, because what it leaves out is switched off.
/// <https://docs.github.com/en/rest/branches/branch-protection#update-branch-protection>
fn body(before: Option<&Protection>, after: &Protection) -> Value {
    let known = |list: &Readable<Vec<Actor>>| list.known().cloned().unwrap_or_default();
    let checks = after.requires_status_checks.then(|| {
        let list: Vec<Value> = after
            .required_status_checks
            .iter()
            .map(|check| {
                // -1 is any app; left out it would be the one that reported last.
                let app = check.app.as_ref().and_then(|app| app.id).and_then(|id| i64::try_from(id).ok()).unwrap_or(-1);
                json!({ "context": check.context, "app_id": app })
            })
            .collect();
        json!({ "strict": after.requires_strict_status_checks, "contexts": [], "checks": list })
    });
    let reviews = after.requires_approving_reviews.then(|| {
        let mut reviews = json!({
            "dismiss_stale_reviews": after.dismisses_stale_reviews,
            "require_code_owner_reviews": after.requires_code_owner_reviews,
            "required_approving_review_count": after.required_approving_review_count,
            "require_last_push_approval": after.require_last_push_approval,
        });
        let restricted = |one: &Protection| one.requires_approving_reviews && one.restricts_review_dismissals;
        let passing = |one: &Protection| !known(&one.bypass_pull_request_allowances).is_empty();
        if let Some(reviews) = reviews.as_object_mut() {
            // A user's repository has neither list, and refuses them.
            if restricted(after) {
                reviews.insert("dismissal_restrictions".to_owned(), lists(&known(&after.review_dismissal_allowances)));
            } else if before.is_some_and(restricted) {
                reviews.insert("dismissal_restrictions".to_owned(), json!({}));
            }
            if passing(after) || before.is_some_and(passing) {
                let allowances = lists(&known(&after.bypass_pull_request_allowances));
                reviews.insert("bypass_pull_request_allowances".to_owned(), allowances);
            }
        }
        reviews
    });
    json!({
        "required_status_checks": checks,
        "enforce_admins": after.is_admin_enforced,
        "required_pull_request_reviews": reviews,
        "restrictions": after.restricts_pushes.then(|| lists(&known(&after.push_allowances))),
        "required_linear_history": after.requires_linear_history,
        "allow_force_pushes": after.allows_force_pushes,
        "allow_deletions": after.allows_deletions,
        "block_creations": after.blocks_creations,
        "required_conversation_resolution": after.requires_conversation_resolution,
        "lock_branch": after.lock_branch,
        "allow_fork_syncing": after.lock_allows_fetch_and_merge,
    })
}

/// People, teams and apps by name.
fn lists(actors: &[Actor]) -> Value {
    let of = |kind: ActorKind| -> Vec<&str> {
        actors.iter().filter(|actor| actor.kind.is(&kind)).map(|actor| actor.name.as_str()).collect()
    };
    json!({ "users": of(ActorKind::User), "teams": of(ActorKind::Team), "apps": of(ActorKind::App) })
}
