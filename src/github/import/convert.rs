//! Branch protections turned into the nearest rulesets, with what that changes, field by field. Where it is not certain that a
//! ruleset does the same, it is not called the same.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::checked::Place;
use super::classic::{self, Asked, Passing, Rule};
use super::entry::{Entry, Scope, reference};
use super::left::{Conversion, Left, Likeness, Unsaid};
use crate::github::people::{Actor, ActorKind, CustomRole};
use crate::github::protection::Protection;
use crate::github::readable::{Cause, Readable};
use crate::github::repository::Repository;
use crate::github::ruleset::Names;
use crate::github::sample::{self, Kind};
use crate::github::scope;
use crate::github::word::Word;

const NAMESPACE: &str = "refs/heads/";
/// What a custom role may have that passes protections which do not bind administrators.
const PASSES: &str = "bypass_branch_protection";

/// What came of the protections of a repository.
#[derive(Debug, Default)]
pub(super) struct Converted {
    pub(super) entries: Vec<Entry>,
    pub(super) conversions: Vec<Conversion>,
    pub(super) left: Vec<Left>,
}

/// Converts every protection that can be.
pub(super) fn convert(place: &Place<'_>, repository: &Repository, protections: &[Protection], target: &str) -> Converted {
    let mut converted = Converted::default();
    for (index, live) in protections.iter().enumerate() {
        let mut one = One { place, target, live, conversions: Vec::new() };
        match one.entries(protections, index) {
            Ok(mut entries) => {
                one.merge_queue(repository);
                let notes = one.conversions.iter().map(|found| {
                    format!(
                        "{} of branch protection `{}`: {}: {}",
                        found.field,
                        found.pattern,
                        found.likeness.as_str(),
                        found.why
                    )
                });
                if let Some(first) = entries.first_mut() {
                    first.notes.extend(notes);
                }
                converted.entries.extend(entries);
                converted.conversions.extend(one.conversions);
            }
            Err(why) => {
                one.conversions.clear();
                one.say("pattern", Likeness::NotExpressible, format!("none of it was converted: {}", why.why));
                one.merge_queue(repository);
                converted.conversions.extend(one.conversions);
                converted.left.push(why.left(target, format!("branch protection `{}`", live.pattern)));
            }
        }
    }
    converted
}

struct One<'a> {
    place: &'a Place<'a>,
    target: &'a str,
    live: &'a Protection,
    conversions: Vec<Conversion>,
}

impl One<'_> {
    fn say(&mut self, field: &'static str, likeness: Likeness, why: impl Into<String>) {
        let (target, pattern) = (self.target.to_owned(), self.live.pattern.clone());
        self.conversions.push(Conversion { target, pattern, field, likeness, why: why.into() });
    }

    fn entries(&mut self, all: &[Protection], index: usize) -> Result<Vec<Entry>, Unsaid> {
        let live = self.live;
        let include = reference(&format!("{NAMESPACE}{}", live.pattern), NAMESPACE)?;
        let mut asked = classic::asked(live)?;
        let exclude = self.exclude(all, index);
        if asked.by_list.keys().any(|passing| passing.admins) || asked.lock.is_some() || live.is_admin_enforced {
            self.admins();
        } else {
            self.say("enforce_admins", Likeness::Equivalent, "it asks for nothing that administrators could pass");
        }
        self.reviews(&mut asked);
        self.checks(&asked);
        self.pushes(&mut asked);
        self.the_rest(&mut asked);
        self.creation(&asked);
        let mut entries = Vec::new();
        let several = asked.by_list.len() > 1;
        for (passing, rules) in &asked.by_list {
            let title = rules.first().map(|(name, _)| name.replace('_', " ")).unwrap_or_default();
            let entry = Entry {
                name: if several { format!("{}: {title}", live.pattern) } else { live.pattern.clone() },
                is_named: false,
                target: "branch".to_owned(),
                refs: Some(Scope { include: vec![include.clone()], exclude: exclude.clone() }),
                repositories: None,
                enforcement: "active".to_owned(),
                bypass: passing.bypass(),
                rules: rules.iter().map(|(name, parameters)| ((*name).to_owned(), vec![parameters.clone()])).collect(),
                notes: Vec::new(),
            };
            self.place.is_said(&entry)?;
            entries.push(entry);
        }
        if entries.is_empty() {
            return Err("it asks for nothing that a ruleset can say".into());
        }
        Ok(entries)
    }

    /// Of the protections that match a branch one binds: the one with its name, else the oldest. Rulesets bind together, so each
    /// leaves out what another one took from its protection.
    fn exclude(&mut self, all: &[Protection], index: usize) -> Vec<String> {
        let live = self.live;
        let is_wild = |pattern: &str| pattern.contains(['*', '?', '[']);
        let full = |pattern: &str| format!("{NAMESPACE}{}", scope::reduced(pattern));
        let kind = Kind { namespace: NAMESPACE, default_branch: None };
        let mut exclude: Vec<String> = Vec::new();
        let mut also = Vec::new();
        for (other, protection) in all.iter().enumerate().filter(|(other, _)| *other != index) {
            let comes_first = is_wild(&live.pattern) && (!is_wild(&protection.pattern) || other < index);
            if !comes_first {
                continue;
            }
            match reference(&format!("{NAMESPACE}{}", protection.pattern), NAMESPACE) {
                Ok(reference) => {
                    if sample::overlap(&full(&live.pattern), &full(&protection.pattern), kind) && !exclude.contains(&reference) {
                        exclude.push(reference);
                    }
                }
                Err(_) => also.push(format!("`{}`", protection.pattern)),
            }
        }
        match (exclude.is_empty(), also.is_empty()) {
            (_, false) => {
                let why = format!("the ruleset also binds branches of {}, which it can't leave out", also.join(", "));
                self.say("pattern", Likeness::Stronger, why);
            }
            (false, true) => {
                self.say("pattern", Likeness::Equivalent, "the ruleset leaves out what other protections bind instead");
            }
            (true, true) => self.say("pattern", Likeness::Equivalent, "no other protection binds these branches instead"),
        }
        let covers = |older: &&Protection| {
            let names = Names { include: vec![full(&older.pattern)], ..Names::default() };
            is_wild(&older.pattern) && sample::covers(&names, &full(&live.pattern), kind)
        };
        let mut older = all.get(..index).into_iter().flatten().filter(|_| is_wild(&live.pattern));
        if let Some(older) = older.find(covers) {
            let why = format!("the older `{}` binds all of its branches, so that the ruleset binds none", older.pattern);
            self.say("pattern", Likeness::Equivalent, why);
        }
        exclude
    }

    fn admins(&mut self) {
        if self.live.is_admin_enforced {
            return self.say("enforce_admins", Likeness::Equivalent, "nobody passes by being an administrator");
        }
        let roles: &[CustomRole] = match &self.place.owner.custom_roles {
            Readable::Known(roles) => roles,
            // Without custom roles there are none that pass.
            Readable::Hidden(hidden) if hidden.cause == Cause::NotOffered => &[],
            Readable::Hidden(hidden) => {
                let why = format!("administrators pass; whether custom roles pass the protection can't be told: {hidden}");
                self.say("enforce_admins", Likeness::NotExpressible, why);
                &[]
            }
        };
        let passing = roles.iter().filter(|role| role.permissions.iter().any(|one| one == PASSES));
        let passing: Vec<String> = passing.map(|role| format!("the custom role `{}`, ", role.name)).collect();
        let and = if passing.is_empty() { "" } else { "and " };
        let why = format!("administrators pass; {}{and}deploy keys that can push pass the protection only", passing.concat());
        self.say("enforce_admins", Likeness::Stronger, why);
    }

    fn reviews(&mut self, asked: &mut Asked) {
        let live = self.live;
        if !live.requires_approving_reviews {
            if live.requires_conversation_resolution {
                let why = "a ruleset asks for it within a required pull request only, and there is none";
                self.say("required_conversation_resolution", Likeness::NotExpressible, why);
            }
            return;
        }
        self.say("required_pull_request_reviews", Likeness::Equivalent, "`pull_request` with the same parameters");
        if live.requires_conversation_resolution {
            let why = "`required_review_thread_resolution` of `pull_request`";
            self.say("required_conversation_resolution", Likeness::Equivalent, why);
        }
        if live.bypass_pull_request_allowances.known().is_some_and(|list| !list.is_empty()) {
            let why = "they pass a ruleset that asks for pull requests and nothing else";
            self.say("bypass_pull_request_allowances", Likeness::Equivalent, why);
        }
        if !live.restricts_review_dismissals {
            return;
        }
        let dismissers: &[Actor] = live.review_dismissal_allowances.known().map(Vec::as_slice).unwrap_or_default();
        let apps: BTreeSet<String> =
            dismissers.iter().filter(|actor| actor.kind == Word::Known(ActorKind::App)).map(Actor::to_string).collect();
        for (name, parameters) in asked.by_list.values_mut().flatten() {
            if *name == "pull_request"
                && let Some(Value::Array(actors)) = parameters.pointer_mut("/dismissal_restriction/allowed_actors")
            {
                actors.retain(|actor| !actor.as_str().is_some_and(|name| apps.contains(name)));
            }
        }
        let why = "the same people and teams may dismiss; whether administrators still may can't be told";
        self.say("dismissal_restrictions", Likeness::NotExpressible, why);
        if !apps.is_empty() {
            let names: Vec<String> = apps.iter().map(|name| format!("`{name}`")).collect();
            let why = format!("a ruleset can't name apps here: {} no longer dismiss", names.join(", "));
            self.say("dismissal_restrictions", Likeness::Stronger, why);
        }
    }

    fn checks(&mut self, asked: &Asked) {
        if let Some((_, why)) = asked.unsaid.iter().find(|(field, _)| *field == "required_status_checks") {
            let likeness =
                if self.live.required_status_checks.is_empty() { Likeness::Equivalent } else { Likeness::NotExpressible };
            return self.say("required_status_checks", likeness, format!("nothing was written: {}", why.why));
        }
        if let Some(hidden) = self.live.unsure_check() {
            return self.say("required_status_checks", Likeness::NotExpressible, format!("written as anyone's: {}", hidden.why));
        }
        if self.live.requires_status_checks {
            self.say("required_status_checks", Likeness::Equivalent, "the same checks, of the same apps, as strictly");
        }
    }

    /// Who pushes, creates and deletes where pushes are restricted.
    fn pushes(&mut self, asked: &mut Asked) {
        let live = self.live;
        if live.restricts_pushes {
            // Whoever maintains the repository pushes in any case.
            let own = asked.by_list.iter().find(|(_, rules)| rules.iter().any(|(name, _)| *name == "update"));
            let own: Passing = own.map(|(passing, _)| passing.clone()).unwrap_or_default();
            let mut named: BTreeSet<String> = own.named.iter().cloned().collect();
            named.insert("role:maintain".to_owned());
            let pushers = Passing { admins: own.admins, named: named.into_iter().collect() };
            let mut rules: Vec<Rule> = vec![("update", Value::Null)];
            if live.blocks_creations {
                rules.push(("creation", Value::Null));
                self.say("block_creations", Likeness::Equivalent, "`creation`, passed by those who push");
            }
            if live.allows_deletions && !live.lock_branch {
                rules.push(("deletion", Value::Null));
                let why = "`deletion`, passed by those who push; the protection lets everyone delete who can write";
                self.say("allow_deletions", Likeness::Stronger, why);
            }
            if let Some(own) = asked.by_list.get_mut(&own) {
                own.retain(|(name, _)| !["update", "creation"].contains(name));
            }
            asked.by_list.retain(|_, rules| !rules.is_empty());
            asked.by_list.entry(pushers).or_default().extend(rules);
            let why = "`update`, passed by those who are named and by `role:maintain`, who push and merge in any case";
            self.say("restrictions", Likeness::Equivalent, why);
        }
        if !live.allows_force_pushes {
            self.say("allow_force_pushes", Likeness::Equivalent, "`non_fast_forward`, which binds administrators, too");
            if live.bypass_force_push_allowances.known().is_some_and(|list| !list.is_empty()) {
                let why = "they pass a ruleset that forbids force pushes and nothing else";
                self.say("bypass_force_push_allowances", Likeness::Equivalent, why);
            }
        }
    }

    fn the_rest(&mut self, asked: &mut Asked) {
        let live = self.live;
        for (is, field, why) in [
            (!live.allows_deletions, "allow_deletions", "`deletion`, which binds administrators, too"),
            (live.requires_linear_history, "required_linear_history", "the same rule"),
            (live.requires_commit_signatures, "required_signatures", "the same rule"),
        ] {
            if is {
                self.say(field, Likeness::Equivalent, why);
            }
        }
        match &live.required_deployment_environments {
            Readable::Known(list) if list.is_empty() => {}
            Readable::Known(_) => {
                self.say("required_deployment_environments", Likeness::Equivalent, "`required_deployments`");
            }
            Readable::Hidden(hidden) => {
                let why = format!("nothing was written: it is hidden: {hidden}");
                self.say("required_deployment_environments", Likeness::NotExpressible, why);
            }
        }
        if let Some(syncs) = asked.lock {
            // A locked branch is not deleted either, and nobody but administrators passes. Who pushes is then nobody.
            let passing = Passing { admins: !live.is_admin_enforced, named: Vec::new() };
            let rules = asked.by_list.entry(passing).or_default();
            rules.retain(|(name, _)| *name != "update");
            rules.push(("update", json!({ "update_allows_fetch_and_merge": syncs })));
            if live.allows_deletions {
                rules.push(("deletion", Value::Null));
            }
            self.say("lock_branch", Likeness::Equivalent, "`update` and `deletion`, passed by nobody else");
            self.say("allow_fork_syncing", Likeness::Equivalent, "`update_allows_fetch_and_merge`");
        }
    }

    /// What GitHub shows of no protection, and of its branch only.
    fn merge_queue(&mut self, repository: &Repository) {
        let why = match repository.merge_queue(self.live) {
            Readable::Known(false) => return,
            Readable::Known(true) => "the branch has a merge queue, whose settings are not read: \
                 write `merge_queue` in a ruleset of the repository before the protection goes"
                .to_owned(),
            Readable::Hidden(hidden) => format!("whether the branch has a merge queue can't be told: {hidden}"),
        };
        self.say("merge_queue", Likeness::NotExpressible, why);
    }

    fn creation(&mut self, asked: &Asked) {
        const AT_CREATION: &[&str] =
            &["pull_request", "required_status_checks", "required_linear_history", "required_signatures"];
        let rules: Vec<String> = AT_CREATION
            .iter()
            .filter(|rule| asked.by_list.values().flatten().any(|(name, _)| name == *rule))
            .map(|rule| format!("`{rule}`"))
            .collect();
        if !rules.is_empty() {
            let why = format!(
                "whether the protection holds when a matching branch is created can't be told; the ruleset is written to hold then: {}",
                rules.join(", ")
            );
            self.say("creation", Likeness::NotExpressible, why);
        }
    }
}
