//! Answers in words.

use std::collections::{BTreeMap, BTreeSet};

use super::subjects::{Named, Subject};
use super::{Action, Entry, Passed, asks_for_review};
use crate::github::effective::{Effective, Source, Who};
use crate::github::owner::Owner;
use crate::github::repository::Repository;
use crate::github::rule::RuleKind;

pub(super) fn entry(subject: &Subject<'_>, doors: Vec<Passed>, action: Action, repository: &Repository, owner: &Owner) -> Entry {
    let who = match &subject.named {
        Named::Person(login) => login.clone(),
        Named::App(slug) => format!("app:{slug}"),
        Named::Key(title) => format!("deploy-key:{title}"),
        Named::Group(who) => who.to_string(),
    };
    let mut said = sentences(subject, &who, &doors, action, owner);
    if doors.is_empty() {
        said.push(match action {
            Action::ChangeRules => format!("administers {}, where nothing binds the ref yet", repository.full_name()),
            _ => {
                let access = subject.access.as_ref().map(|access| format!(" ({access})")).unwrap_or_default();
                format!("may push to {}{access}, and nothing forbids it", repository.full_name())
            }
        });
    } else if let (false, Some(access)) = (subject.certain, &subject.access) {
        said.push(access.clone());
    }
    let expanded = !matches!(subject.named, Named::Group(_));
    if !expanded {
        said.push("not expanded: who that is could not be read".to_owned());
    } else if subject.permission.is_none() {
        said.push("whether they may push could not be read".to_owned());
    }
    Entry {
        explanation: format!("{who} — {}", said.join("; ")),
        who,
        expanded,
        certain: subject.certain,
        access: subject.access.clone(),
        doors,
    }
}

/// One sentence for each way through, whatever number of rules it leads past.
fn sentences(subject: &Subject<'_>, who: &str, doors: &[Passed], action: Action, owner: &Owner) -> Vec<String> {
    let mut ways: Vec<(&Who, Option<&str>, &Source)> = Vec::new();
    let mut rules: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for door in doors {
        let way = (&door.through, door.mode.as_deref(), &door.source);
        let index = ways.iter().position(|other| *other == way).unwrap_or_else(|| {
            ways.push(way);
            ways.len() - 1
        });
        rules.entry(index).or_default().extend(door.rule.as_deref());
    }
    ways.into_iter()
        .enumerate()
        .map(|(index, (through, mode, source))| {
            let passes = match (action, source, mode) {
                (Action::ChangeRules, ..) => format!("can change {source}"),
                (_, Source::Ruleset { .. }, Some(mode)) => format!("bypasses {source} ({mode})"),
                _ => {
                    let rules: Vec<String> = rules.get(&index).into_iter().flatten().map(|rule| format!("`{rule}`")).collect();
                    format!("passes {} of {source}", rules.join(", "))
                }
            };
            match (through, &subject.named) {
                (through, _) if through.to_string() == who => passes,
                (Who::Team(slug), _) => format!("member of team:{slug}, which {passes}"),
                (Who::OrganizationAdmins, _) => format!("an owner of {}, which {passes}", owner.login),
                (Who::DeployKeys, _) => format!("a deploy key, which {passes}"),
                (Who::Role(role), _) if subject.has_more_than(role) => format!("has more than role:{role}, which {passes}"),
                (Who::Role(role), _) => format!("has role:{role}, which {passes}"),
                (through, _) => format!("is {through}, which {passes}"),
            }
        })
        .collect()
}

/// What must be so besides, for whoever has no door past it.
pub(super) fn conditions(repository: &Repository, effective: &Effective, action: Action, entries: &[Entry]) -> Vec<String> {
    let mut found = BTreeSet::new();
    if action == Action::Delete {
        let default = repository.default_branch.as_ref().map(|branch| format!("refs/heads/{}", branch.name));
        if default.as_deref() == Some(effective.ref_name.as_str()) {
            found.insert(
                "GitHub deletes no default branch: another must be made the default first, by an administrator".to_owned(),
            );
        }
    }
    if [Action::Delete, Action::ChangeRules].contains(&action) {
        return found.into_iter().collect();
    }
    // Who bypasses a ruleset bypasses all of it.
    let bypassed = |source: &Source| {
        let by = |entry: &Entry| entry.doors.iter().any(|door| door.source == *source && door.mode.is_some());
        !entries.is_empty() && entries.iter().all(by)
    };
    for binding in effective.bindings.iter().filter(|binding| !bypassed(&binding.source)) {
        let (rule, source) = (&binding.rule.name, &binding.source);
        match &binding.rule.kind {
            RuleKind::PullRequest(parameters)
                if action == Action::PushWithoutReview
                    && parameters.require_code_owner_review
                    && !asks_for_review(parameters) =>
            {
                found.insert(format!("files with code owners need their review, by `{rule}` of {source}"));
            }
            RuleKind::RequiredStatusChecks(_)
            | RuleKind::RequiredDeployments(_)
            | RuleKind::Workflows(_)
            | RuleKind::CodeScanning(_)
            | RuleKind::RequiredSignatures
            | RuleKind::RequiredLinearHistory
            | RuleKind::TextPattern(_)
            | RuleKind::FilePathRestriction(_)
            | RuleKind::MaxFilePathLength(_)
            | RuleKind::FileExtensionRestriction(_)
            | RuleKind::MaxFileSize(_) => {
                found.insert(format!("what is pushed must satisfy `{rule}` of {source}"));
            }
            _ => {}
        }
    }
    found.into_iter().collect()
}
