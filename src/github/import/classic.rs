//! A live branch protection as the rulesets of a policy that writes branch protections. Each list of who passes takes a
//! ruleset of its own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::entry::{Entry, Scope};
use super::left::Unsaid;
use crate::github::desired::classic::{binds_administrators, can_be_named};
use crate::github::names::is_login;
use crate::github::people::{Actor, ActorKind};
use crate::github::protection::Protection;
use crate::github::readable::Readable;
use crate::github::word::Word;

/// A rule and its parameters; null for none.
pub(super) type Rule = (&'static str, Value);

/// Who passes a part of a protection.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Passing {
    /// Whether administrators do.
    pub(super) admins: bool,
    /// Those whom a list names, as the policy writes them, in order.
    pub(super) named: Vec<String>,
}

/// What a protection asks for, by who passes it.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The rules that the same people pass.
    pub(super) by_list: BTreeMap<Passing, Vec<Rule>>,
    /// Whether the branch is locked, and then whether forks are brought up to date.
    pub(super) lock: Option<bool>,
    /// Settings that a policy can't say, with the reason. They stay as they are.
    pub(super) unsaid: Vec<(&'static str, Unsaid)>,
}

/// What a protection asks for.
///
/// # Errors
/// A list in it is hidden, or names someone whom a policy can't name.
pub(super) fn asked(live: &Protection) -> Result<Asked, Unsaid> {
    let mut asked = Asked::default();
    let mut add = |named: Vec<String>, rule: Rule| {
        let admins = !live.is_admin_enforced && !binds_administrators(rule.0);
        asked.by_list.entry(Passing { admins, named }).or_default().push(rule);
    };
    if live.requires_approving_reviews {
        add(names("bypass_pull_request_allowances", &live.bypass_pull_request_allowances)?, ("pull_request", reviews(live)?));
    }
    if live.restricts_pushes {
        let pushers = names("restrictions", &live.push_allowances)?;
        add(pushers.clone(), ("update", Value::Null));
        if live.blocks_creations {
            add(pushers, ("creation", Value::Null));
        }
    }
    if !live.allows_force_pushes {
        let list = names("bypass_force_push_allowances", &live.bypass_force_push_allowances)?;
        add(list, ("non_fast_forward", Value::Null));
    }
    for (is, rule) in [
        (!live.allows_deletions, "deletion"),
        (live.requires_linear_history, "required_linear_history"),
        (live.requires_commit_signatures, "required_signatures"),
    ] {
        if is {
            add(Vec::new(), (rule, Value::Null));
        }
    }
    let mut unsaid: Vec<(&'static str, Unsaid)> = Vec::new();
    if live.requires_status_checks {
        match checks(live) {
            Ok(checks) => add(Vec::new(), ("required_status_checks", checks)),
            Err(why) => unsaid.push(("required_status_checks", why.into())),
        }
    }
    match &live.required_deployment_environments {
        Readable::Known(list) if list.is_empty() => {}
        Readable::Known(list) => {
            add(Vec::new(), ("required_deployments", json!({ "required_deployment_environments": list })));
        }
        Readable::Hidden(hidden) => unsaid.push(("required_deployment_environments", Unsaid::hidden("it is", hidden))),
    }
    if live.requires_conversation_resolution && !live.requires_approving_reviews {
        let why = "a policy asks for it within a required pull request only, and there is none";
        unsaid.push(("required_conversation_resolution", why.into()));
    }
    asked.lock = live.lock_branch.then_some(live.lock_allows_fetch_and_merge);
    asked.unsaid = unsaid;
    Ok(asked)
}

/// The rulesets of a protection, with what they exclude because it has a protection of its own.
///
/// # Errors
/// Why a policy can't say it.
pub(super) fn entries(live: &Protection, reference: &str, exclude: &[String]) -> Result<(Vec<Entry>, Asked), Unsaid> {
    let asked = asked(live)?;
    if asked.by_list.is_empty() && asked.lock.is_none() {
        return Err("it asks for nothing that a policy can say".into());
    }
    let several = asked.by_list.len() + usize::from(asked.lock.is_some()) > 1;
    let entry = |passing: &Passing, rules: &[Rule]| Entry {
        name: if several { format!("{}: {}", live.pattern, title(rules)) } else { live.pattern.clone() },
        is_named: false,
        target: "branch".to_owned(),
        refs: Some(Scope { include: vec![reference.to_owned()], exclude: exclude.to_vec() }),
        repositories: None,
        enforcement: "active".to_owned(),
        bypass: passing.bypass(),
        rules: rules.iter().map(|(name, parameters)| ((*name).to_owned(), vec![parameters.clone()])).collect(),
        notes: Vec::new(),
    };
    let mut entries: Vec<Entry> = asked.by_list.iter().map(|(passing, rules)| entry(passing, rules)).collect();
    if let Some(syncs) = asked.lock {
        let passing = Passing { admins: !live.is_admin_enforced, named: Vec::new() };
        entries.push(entry(&passing, &[("update", json!({ "update_allows_fetch_and_merge": syncs }))]));
    }
    Ok((entries, asked))
}

impl Passing {
    /// The same in a policy's words.
    pub(super) fn bypass(&self) -> Vec<(String, String)> {
        let admins = self.admins.then(|| "role:admin".to_owned());
        admins.into_iter().chain(self.named.iter().cloned()).map(|name| (name, "always".to_owned())).collect()
    }
}

/// What a part of a protection is about.
fn title(rules: &[Rule]) -> &'static str {
    let has = |name: &str| rules.iter().any(|(rule, _)| *rule == name);
    let locks = rules.iter().any(|(rule, parameters)| *rule == "update" && !parameters.is_null());
    match rules {
        _ if locks => "locked",
        [("non_fast_forward", _)] => "force pushes",
        [("deletion", _)] => "deletion",
        [("non_fast_forward", _), ("deletion", _)] => "force pushes and deletion",
        _ if has("deletion") || has("required_status_checks") || has("required_linear_history") => "history and checks",
        _ if has("update") => "who pushes",
        _ if has("pull_request") => "reviews",
        _ => "more",
    }
}

fn reviews(live: &Protection) -> Result<Value, Unsaid> {
    let mut parameters = Map::new();
    let mut set = |name: &str, value: Value| drop(parameters.insert(name.to_owned(), value));
    set("required_approving_review_count", json!(live.required_approving_review_count));
    set("dismiss_stale_reviews_on_push", json!(live.dismisses_stale_reviews));
    set("require_code_owner_review", json!(live.requires_code_owner_reviews));
    set("require_last_push_approval", json!(live.require_last_push_approval));
    set("required_review_thread_resolution", json!(live.requires_conversation_resolution));
    if live.restricts_review_dismissals {
        let dismissers = names("dismissal_restrictions", &live.review_dismissal_allowances)?;
        set("dismissal_restriction", json!({ "enabled": true, "allowed_actors": dismissers }));
    }
    Ok(Value::Object(parameters))
}

fn checks(live: &Protection) -> Result<Value, String> {
    if live.required_status_checks.is_empty() {
        return Err("it names no check, so that it asks for nothing".to_owned());
    }
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for check in &live.required_status_checks {
        if !seen.insert(&check.context) {
            return Err(format!("it names the check `{}` twice", check.context));
        }
        list.push(match &check.app {
            None => json!({ "context": check.context }),
            Some(app) => match app.id {
                Some(id) => json!({ "context": check.context, "integration_id": id }),
                None => return Err(format!("the app that must report `{}` has no number", check.context)),
            },
        });
    }
    Ok(json!({ "strict_required_status_checks_policy": live.requires_strict_status_checks, "required_status_checks": list }))
}

/// The names in a list, as the policy writes them, in order.
fn names(what: &str, list: &Readable<Vec<Actor>>) -> Result<Vec<String>, Unsaid> {
    let list = list.read().map_err(|hidden| Unsaid::hidden(&format!("`{what}` is"), hidden))?;
    let mut found = BTreeSet::new();
    for actor in list {
        let name = actor.to_string();
        let is_fine = match &actor.kind {
            Word::Known(ActorKind::User) => is_login(&actor.name),
            Word::Known(ActorKind::Team | ActorKind::App) => !actor.name.contains(['*', ' ']) && can_be_named(&name),
            Word::Unknown(_) => false,
        };
        if !is_fine {
            return Err(format!("`{what}` holds `{name}`, whom a policy can't name").into());
        }
        found.insert(name);
    }
    Ok(found.into_iter().collect())
}
