//! Rulesets of a policy as classic branch protections: what of them those can express.
//!
//! Of the protections that match a branch exactly one binds, so each pattern gets what every ruleset asks for that covers
//! it, and the strictest of it.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use serde_json::{Map, Value, json};

use super::{Desired, DesiredBypass, DesiredRule, DesiredRuleset, NotBound};
use crate::github::protection::Protection;
use crate::github::readable::Readable;
use crate::github::repository::Repository;
use crate::github::ruleset::{ActorType, Names, Target};
use crate::github::sample::{self, Kind};
use crate::github::scope;
use crate::policy::{BypassMode, Enforcement, Location};

/// A classic branch protection that there should be.
#[derive(Debug, Clone)]
pub struct DesiredProtection {
    /// The branches it is for: a name or a pattern.
    pub pattern: String,
    /// What the policy asks for, in REST's words, with lists of names in the place of users, teams and apps. What is not
    /// here the policy leaves as it is.
    pub settings: Map<String, Value>,
    /// The rulesets that ask for it.
    pub rulesets: Vec<String>,
    /// Where its fields stand in the policy.
    pub places: BTreeMap<String, Location>,
    /// Where its first ruleset stands in the policy.
    pub at: Location,
}

/// Who may dismiss reviews. Here apps go by their names.
pub(super) const MAY_DISMISS: &[ActorType] = &[ActorType::User, ActorType::Team, ActorType::Integration];
/// What a classic protection requires at most.
const MOST_APPROVALS: u64 = 6;
/// Every branch, as a pattern.
const EVERY: &str = "**/*";
const NAMESPACE: &str = "refs/heads/";

/// Puts protections in the place of rulesets.
pub(super) fn convert(desired: &mut Desired, repository: &Repository) {
    let rulesets: Vec<DesiredRuleset> = mem::take(&mut desired.rulesets);
    let mut blocked = Vec::new();
    let mut named: Vec<String> = Vec::new();
    let mut usable: Vec<(&DesiredRuleset, &Names)> = Vec::new();
    for ruleset in &rulesets {
        let ref_name = ruleset.conditions.as_ref().and_then(|conditions| conditions.ref_name.as_ref());
        if ruleset.target == Target::Branch {
            let include = ref_name.into_iter().flat_map(|ref_name| &ref_name.include);
            named.extend(include.filter_map(|pattern| pattern_of(pattern, Some(repository))));
        }
        match ref_name {
            Some(ref_name) if ruleset.target == Target::Branch && ruleset.enforcement == Enforcement::Active => {
                usable.push((ruleset, ref_name));
                continue;
            }
            _ if ruleset.enforcement == Enforcement::Disabled => {}
            _ if ruleset.target != Target::Branch => {
                blocked.push(block(ruleset, "target", "branch protection is about branches only".to_owned(), ruleset.at));
            }
            _ => blocked.push(block(ruleset, "enforcement", "branch protection can't only report".to_owned(), ruleset.at)),
        }
        desired.left_out.rulesets.push((ruleset.target, ruleset.name.clone()));
    }
    let default = repository.default_branch.as_ref().map(|branch| branch.name.as_str());
    let kind = Kind { namespace: NAMESPACE, default_branch: default };
    let mut patterns: Vec<String> = Vec::new();
    for (ruleset, ref_name) in &usable {
        for pattern in &ref_name.include {
            let Some(pattern) = pattern_of(pattern, Some(repository)) else {
                blocked.push(block(ruleset, "refs", "the repository has no default branch".to_owned(), ruleset.at));
                continue;
            };
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
    }
    let mut covering: Vec<(String, Vec<usize>)> = Vec::new();
    for pattern in patterns.clone() {
        let full = format!("{NAMESPACE}{pattern}");
        let is_name = !pattern.contains(['*', '?', '[']);
        let mut covers = Vec::new();
        for (index, (ruleset, ref_name)) in usable.iter().enumerate() {
            let included = Names { include: ref_name.include.clone(), ..Names::default() };
            if !sample::covers(&included, &full, kind) {
                continue;
            }
            let excluded: Vec<&String> = ref_name.exclude.iter().filter(|exclude| overlaps(exclude, &full, kind)).collect();
            if !excluded.is_empty() && (is_name || excluded.iter().any(|exclude| scope::same(exclude, &full))) {
                continue;
            }
            // What has a protection of its own is left out by that.
            match excluded.into_iter().find(|exclude| !has_its_own(exclude, &patterns, default)) {
                None => covers.push(index),
                Some(exclude) => {
                    let why = format!("branch protection `{pattern}` can't leave out `{exclude}`");
                    blocked.push(block(ruleset, "refs", why, ruleset.at));
                }
            }
        }
        covering.push((pattern, covers));
    }
    blocked.extend(shadows(&covering, &usable, kind, &repository.protections));
    for (pattern, covers) in covering {
        let rulesets: Vec<&DesiredRuleset> =
            covers.iter().filter_map(|index| usable.get(*index)).map(|(ruleset, _)| *ruleset).collect();
        let Some(first) = rulesets.first() else { continue };
        let mut merged = Merged::default();
        for ruleset in &rulesets {
            merged.add(ruleset, &mut blocked);
        }
        desired.protections.push(DesiredProtection {
            pattern,
            rulesets: rulesets.iter().map(|ruleset| ruleset.name.clone()).collect(),
            at: first.at,
            places: mem::take(&mut merged.places),
            settings: merged.settings(),
        });
    }
    named.retain(|pattern| !desired.protections.iter().any(|protection| scope::same(&protection.pattern, pattern)));
    desired.left_out.patterns.extend(named);
    blocked.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.cmp(b)));
    blocked.dedup();
    desired.blocked.append(&mut blocked);
}

/// A pattern of the policy, or a word of GitHub's, as the pattern of a branch protection; `None` for a default branch that there
/// is not.
pub(super) fn pattern_of(pattern: &str, repository: Option<&Repository>) -> Option<String> {
    match pattern {
        "~ALL" => Some(EVERY.to_owned()),
        "~DEFAULT_BRANCH" => repository.and_then(|it| it.default_branch.as_ref()).map(|branch| branch.name.clone()),
        pattern => Some(scope::reduced(pattern.strip_prefix(NAMESPACE).unwrap_or(pattern))),
    }
}

fn block(ruleset: &DesiredRuleset, rule: &str, why: String, at: Location) -> NotBound {
    NotBound { rule: rule.to_owned(), ruleset: ruleset.name.clone(), why, at }
}

/// Whether a protection is for just what is excluded.
fn has_its_own(exclude: &str, patterns: &[String], default: Option<&str>) -> bool {
    let excluded = match (exclude, default) {
        ("~DEFAULT_BRANCH", Some(default)) => default,
        (exclude, _) => exclude.strip_prefix(NAMESPACE).unwrap_or(exclude),
    };
    patterns.iter().any(|pattern| scope::same(pattern, excluded))
}

fn overlaps(exclude: &str, full: &str, kind: Kind<'_>) -> bool {
    exclude == "~ALL" || sample::overlap(exclude, full, kind)
}

/// Of two patterns that match the same branch the older protection binds, which no setting decides. What a ruleset asks for
/// there is so if it has the older, or if it has the younger and leaves out what the older is for.
fn shadows(
    covering: &[(String, Vec<usize>)],
    usable: &[(&DesiredRuleset, &Names)],
    kind: Kind<'_>,
    live: &Readable<Vec<Protection>>,
) -> Vec<NotBound> {
    let mut found = Vec::new();
    // GitHub's come first, and what there is none of is made in this order.
    let age = |pattern: &str, index: usize| {
        let place = live.known()?.iter().position(|live| scope::same(&live.pattern, pattern));
        Some(place.map_or((true, index), |place| (false, place)))
    };
    let wild: Vec<_> = covering.iter().filter(|(pattern, _)| pattern.contains(['*', '?', '['])).enumerate().collect();
    for (index, (one, first)) in &wild {
        for (later, (other, second)) in wild.iter().skip(index + 1) {
            if !sample::overlap(&format!("{NAMESPACE}{one}"), &format!("{NAMESPACE}{other}"), kind) {
                continue;
            }
            let older = age(one, *index).zip(age(other, *later)).map(|(one, other)| one < other);
            let is_so = |index: &usize, has_one: bool| {
                let Some(((_, names), older)) = usable.get(*index).zip(older) else { return false };
                let (foreign, has_older) = if has_one { (other, older) } else { (one, !older) };
                let leaves_out = names.exclude.iter().any(|exclude| scope::same(exclude, &format!("{NAMESPACE}{foreign}")));
                has_older != leaves_out
            };
            let mut alone = (first.iter().filter(|index| !second.contains(index) && !is_so(index, true)))
                .chain(second.iter().filter(|index| !first.contains(index) && !is_so(index, false)));
            if let Some((ruleset, _)) = alone.next().and_then(|index| usable.get(*index)) {
                let why = format!("where `{one}` and `{other}` both match, the older branch protection alone binds");
                found.push(block(ruleset, "refs", why, ruleset.at));
            }
        }
    }
    found
}

/// What several rulesets ask for together.
#[derive(Default)]
struct Merged {
    fields: Map<String, Value>,
    reviews: Option<Map<String, Value>>,
    checks: Option<Checks>,
    dismissers: Option<BTreeSet<String>>,
    may_pass: BTreeMap<&'static str, BTreeSet<String>>,
    environments: BTreeSet<String>,
    admins_pass: Option<bool>,
    places: BTreeMap<String, Location>,
}

#[derive(Default)]
struct Checks {
    strict: bool,
    by_context: BTreeMap<String, Option<i64>>,
}

impl Merged {
    fn add(&mut self, ruleset: &DesiredRuleset, blocked: &mut Vec<NotBound>) {
        let (admins, named) = who_passes(ruleset, blocked);
        if ruleset.rules.iter().any(|rule| !binds_administrators(rule.name)) {
            self.admins_pass = Some(self.admins_pass.unwrap_or(true) && admins);
        }
        let mut without_list = Vec::new();
        let restricts = ruleset.rules.iter().any(|rule| rule.name == "update" && locks(rule).is_none());
        for rule in &ruleset.rules {
            let at = rule.at;
            match rule.name {
                "deletion" => self.set("allow_deletions", json!(false), at),
                "required_linear_history" | "required_signatures" => self.set(rule.name, json!(true), at),
                "non_fast_forward" => {
                    self.set("allow_force_pushes", json!(false), at);
                    self.passes("bypass_force_push_allowances", &named, at);
                }
                "update" => match locks(rule) {
                    Some(syncs) => self.lock(syncs, at),
                    None => self.passes("restrictions", &named, at),
                },
                "creation" if restricts => self.set("block_creations", json!(true), at),
                "creation" => {
                    let why = "branch protection blocks creation only where it blocks updates, too".to_owned();
                    blocked.push(block(ruleset, rule.name, why, at));
                }
                "pull_request" => {
                    self.pull_request(ruleset, rule, blocked);
                    self.passes("bypass_pull_request_allowances", &named, at);
                }
                "required_status_checks" => self.checks(ruleset, rule, blocked),
                "required_deployments" => {
                    self.environments.extend(texts(rule.parameters.get("required_deployment_environments")));
                    self.place("required_deployment_environments", at);
                }
                _ => blocked.push(block(ruleset, rule.name, "branch protection has no such rule".to_owned(), at)),
            }
            let has_list =
                ["non_fast_forward", "update", "creation", "pull_request"].contains(&rule.name) && locks(rule).is_none();
            if !has_list {
                without_list.push(rule.name);
            }
        }
        if let (false, Some(name), Some(bypass)) = (without_list.is_empty(), named.first(), ruleset.bypass.first()) {
            let why = format!("branch protection has no list of who passes {}, so `{name}` does not", without_list.join(", "));
            blocked.push(block(ruleset, "bypass", why, bypass.at));
        }
    }

    fn place(&mut self, field: &str, at: Location) {
        self.places.entry(field.to_owned()).or_insert(at);
    }

    fn set(&mut self, field: &str, value: Value, at: Location) {
        self.fields.insert(field.to_owned(), value);
        self.place(field, at);
    }

    /// Nobody pushes, and forks are brought up to date only where every ruleset that asks for it lets them.
    fn lock(&mut self, syncs: bool, at: Location) {
        let synced = self.fields.get("allow_fork_syncing") != Some(&Value::Bool(false));
        self.set("lock_branch", json!(true), at);
        self.set("allow_fork_syncing", json!(synced && syncs), at);
    }

    /// Only who passes every ruleset that asks for it passes it here.
    fn passes(&mut self, field: &'static str, named: &BTreeSet<String>, at: Location) {
        match self.may_pass.get_mut(field) {
            Some(passing) => passing.retain(|name| named.contains(name)),
            None => {
                self.may_pass.insert(field, named.clone());
            }
        }
        self.place(field, at);
    }

    fn pull_request(&mut self, ruleset: &DesiredRuleset, rule: &DesiredRule, blocked: &mut Vec<NotBound>) {
        let reviews = self.reviews.get_or_insert_default();
        let mut count = rule.parameters.get("required_approving_review_count").and_then(Value::as_u64).unwrap_or_default();
        if count > MOST_APPROVALS {
            let why = format!("branch protection requires at most {MOST_APPROVALS} approvals");
            blocked.push(block(ruleset, rule.name, why, rule.at));
            count = MOST_APPROVALS;
        }
        let before = reviews.get("required_approving_review_count").and_then(Value::as_u64).unwrap_or_default();
        reviews.insert("required_approving_review_count".to_owned(), json!(count.max(before)));
        for (parameter, field) in [
            ("dismiss_stale_reviews_on_push", "dismiss_stale_reviews"),
            ("require_code_owner_review", "require_code_owner_reviews"),
            ("require_last_push_approval", "require_last_push_approval"),
        ] {
            let wanted = rule.parameters.get(parameter) == Some(&Value::Bool(true));
            if wanted || !(rule.unstated.iter().any(|name| name == parameter) || reviews.contains_key(field)) {
                reviews.insert(field.to_owned(), json!(wanted));
            }
        }
        for parameter in ["allowed_merge_methods", "required_reviewers"] {
            if rule.parameters.contains_key(parameter) {
                let why = format!("branch protection has no `{parameter}`");
                blocked.push(block(ruleset, rule.name, why, rule.at));
            }
        }
        if let Some(restriction) = rule.parameters.get("dismissal_restriction")
            && restriction.get("enabled") == Some(&Value::Bool(true))
        {
            let (allowed, unnamed): (BTreeSet<String>, BTreeSet<String>) =
                texts(restriction.get("allowed_actors")).partition(|name| can_be_named(name));
            for name in unnamed {
                blocked.push(block(ruleset, rule.name, format!("branch protection can't name `{name}`"), rule.at));
            }
            match &mut self.dismissers {
                Some(dismissers) => dismissers.retain(|name| allowed.contains(name)),
                None => self.dismissers = Some(allowed),
            }
        }
        if rule.parameters.get("required_review_thread_resolution") == Some(&Value::Bool(true)) {
            self.set("required_conversation_resolution", json!(true), rule.at);
        }
        self.place("required_pull_request_reviews", rule.at);
    }

    fn checks(&mut self, ruleset: &DesiredRuleset, rule: &DesiredRule, blocked: &mut Vec<NotBound>) {
        let is = |parameter: &str| rule.parameters.get(parameter) == Some(&Value::Bool(true));
        if is("do_not_enforce_on_create") {
            let why = "branch protection has no `do_not_enforce_on_create`".to_owned();
            blocked.push(block(ruleset, rule.name, why, rule.at));
        }
        let checks = self.checks.get_or_insert_default();
        checks.strict |= is("strict_required_status_checks_policy");
        for check in rule.parameters.get("required_status_checks").and_then(Value::as_array).into_iter().flatten() {
            if let Some(context) = check.get("context").and_then(Value::as_str) {
                let app = check.get("integration_id").and_then(Value::as_i64);
                let known = checks.by_context.entry(context.to_owned()).or_default();
                if let (Some(one), Some(other)) = (*known, app.filter(|app| Some(*app) != *known)) {
                    let why = format!("branch protection takes `{context}` from one app only, {one} and not {other}");
                    blocked.push(block(ruleset, rule.name, why, rule.at));
                }
                *known = known.or(app);
            }
        }
        self.place("required_status_checks", rule.at);
    }

    fn settings(self) -> Map<String, Value> {
        let mut settings = Map::new();
        if let Some(pass) = self.admins_pass {
            settings.insert("enforce_admins".to_owned(), json!(!pass));
        }
        if let Some(mut reviews) = self.reviews {
            if let Some(dismissers) = self.dismissers {
                reviews.insert("dismissal_restrictions".to_owned(), json!({ "actors": dismissers }));
            }
            if let Some(passing) = self.may_pass.get("bypass_pull_request_allowances") {
                reviews.insert("bypass_pull_request_allowances".to_owned(), json!(passing));
            }
            settings.insert("required_pull_request_reviews".to_owned(), Value::Object(reviews));
        }
        if let Some(checks) = self.checks {
            let list: Vec<Value> = checks
                .by_context
                .into_iter()
                .map(|(context, app)| match app {
                    Some(app) => json!({ "context": context, "app_id": app }),
                    None => json!({ "context": context }),
                })
                .collect();
            settings.insert("required_status_checks".to_owned(), json!({ "strict": checks.strict, "checks": list }));
        }
        if let Some(passing) = self.may_pass.get("restrictions") {
            settings.insert("restrictions".to_owned(), json!({ "actors": passing }));
        }
        settings.extend(self.fields);
        if let Some(passing) = self.may_pass.get("bypass_force_push_allowances") {
            settings.insert("bypass_force_push_allowances".to_owned(), json!(passing));
        }
        if !self.environments.is_empty() {
            settings.insert("required_deployment_environments".to_owned(), json!(self.environments));
        }
        settings
    }
}

/// Whether a branch protection holds a rule against administrators, too, whatever it enforces for them otherwise.
pub(in crate::github) fn binds_administrators(rule: &str) -> bool {
    matches!(rule, "deletion" | "non_fast_forward")
}

/// Whether administrators pass, and the people, teams and apps that do.
fn who_passes(ruleset: &DesiredRuleset, blocked: &mut Vec<NotBound>) -> (bool, BTreeSet<String>) {
    let mut admins = false;
    let mut named = BTreeSet::new();
    for DesiredBypass { name, mode, at, .. } in &ruleset.bypass {
        let why = if *mode == BypassMode::PullRequest {
            format!("branch protection lets `{name}` pass always or never")
        } else if name == "role:admin" {
            admins = true;
            continue;
        } else if !can_be_named(name) {
            format!("branch protection can't name `{name}`")
        } else {
            named.insert(name.clone());
            continue;
        };
        blocked.push(block(ruleset, "bypass", why, *at));
    }
    (admins, named)
}

/// Whether someone can stand in a list of a branch protection: people, teams and apps can.
pub(in crate::github) fn can_be_named(name: &str) -> bool {
    !["org-admins", "deploy-keys", "enterprise-owners"].contains(&name) && !name.starts_with("role:")
}

/// Whether an `update` rule locks the branch, and then whether forks may still be brought up to date. Without its parameter it
/// restricts who pushes.
fn locks(rule: &DesiredRule) -> Option<bool> {
    const SYNCS: &str = "update_allows_fetch_and_merge";
    let stated = rule.name == "update" && !rule.unstated.iter().any(|name| name == SYNCS);
    rule.parameters.get(SYNCS).and_then(Value::as_bool).filter(|_| stated)
}

fn texts(list: Option<&Value>) -> impl Iterator<Item = String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}
