//! `unknown-construct`: GitHub answered with something that this program does not know: a new rule, word or field.
//!
//! It is found, because it should be known; and what it is part of can't be told, because it may demand or allow anything.

use std::collections::BTreeSet;

use crate::audit::gaps::{self, Gap};
use crate::audit::{Check, Findings, Look, Looked, OwnerScene, Place, RepositoryScene, RulesetScene, Severity};
use crate::github::effective::Source;
use crate::github::part::Part;
use crate::github::people::Granter;
use crate::github::ruleset::{Names, Ruleset, Target};
use crate::github::{Cause, Hidden, Word, scope};

pub(super) static CHECK: Check = Check {
    id: "unknown-construct",
    severity: Severity::Medium,
    summary: "a setting holds something that this program does not know",
    why: "A new kind of rule may demand something, and a new kind of bypass may let anyone past. Other checks leave it out.",
    fix: "look at the setting on GitHub, and use a newer version of this program",
    link: "https://docs.github.com/en/rest/repos/rules",
    reads: &[Part::OwnerRulesets],
    looks: &[Look::Owner(look_at_owner), Look::Ruleset(look_at_ruleset), Look::Repository(look)],
};

fn look_at_owner(scene: &OwnerScene<'_>, findings: &mut Findings) -> Looked {
    let owner = scene.context.owner;
    let place = Place::target(&owner.login);
    match owner.base_permission.read() {
        Ok(Word::Unknown(word)) => report(&place, vec![format!("base permission `{word}`")], findings),
        Ok(Word::Known(_)) => {}
        Err(why) if !is_asked(why) => {}
        Err(why) => findings.cannot_tell(place.field("base permission"), why),
    }
    hidden(gaps::of_owner(owner))
}

fn look_at_ruleset(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    let ruleset = scene.ruleset;
    if !ruleset.may_enforce() {
        return Ok(());
    }
    let mut unknown = ruleset.unknown();
    unknown.extend(unknown_conditions(ruleset));
    report(&Place::ruleset(ruleset), unknown, findings);
    hidden(gaps::of_ruleset(ruleset))
}

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let repository = scene.repository;
    let mut unknown = Vec::new();
    if let Word::Unknown(word) = &repository.visibility {
        unknown.push(format!("visibility `{word}`"));
    }
    if let Some(Word::Unknown(word)) = &repository.viewer_permission {
        unknown.push(format!("permission `{word}` of the token"));
    }
    for collaborator in repository.collaborators.known().into_iter().flatten() {
        if let Word::Unknown(word) = &collaborator.permission {
            unknown.push(format!("permission `{word}`"));
        }
        for source in collaborator.sources.known().into_iter().flatten() {
            if let Word::Unknown(word) = &source.permission {
                unknown.push(format!("permission `{word}`"));
            }
            if let Granter::Unknown(word) = &source.from {
                unknown.push(format!("source `{word}` of a permission"));
            }
        }
    }
    report(&scene.place(), unknown, findings);
    for protection in repository.protections.known().into_iter().flatten() {
        let mut unknown = Vec::new();
        for (field, list) in gaps::allowances(protection) {
            for actor in list.known().into_iter().flatten() {
                if let Word::Unknown(word) = &actor.kind {
                    unknown.push(format!("actor `{word}` in `{field}`"));
                }
            }
        }
        if scope::protects(&protection.pattern, "main").is_err() {
            unknown.push(format!("pattern `{}`", protection.pattern));
        }
        report(&scene.place().source(&Source::classic(protection)), unknown, findings);
    }
    hidden(gaps::of_repository(repository))
}

/// Patterns that can't be given GitHub's meaning, and conditions that should be there.
fn unknown_conditions(ruleset: &Ruleset) -> Vec<String> {
    let Some(conditions) = ruleset.conditions.known() else {
        return Vec::new();
    };
    let mut unknown = Vec::new();
    if conditions.ref_name.is_none() && matches!(ruleset.target, Word::Known(Target::Branch | Target::Tag)) {
        unknown.push("absence of the condition `ref_name`".to_owned());
    }
    for pattern in conditions.ref_name.iter().flat_map(patterns) {
        // Anything that is no ref in particular: only what does not parse is asked for.
        let names = Names { include: vec![pattern.clone()], ..Names::default() };
        if scope::is_for(&names, "refs/heads/main", None).is_err() {
            unknown.push(format!("pattern `{pattern}`"));
        }
    }
    for pattern in conditions.repository_name.iter().chain(&conditions.organization_name).flat_map(patterns) {
        if pattern != "~ALL" && (pattern.starts_with('~') || scope::fnmatch(pattern, "repository").is_err()) {
            unknown.push(format!("pattern `{pattern}`"));
        }
    }
    unknown
}

fn patterns(names: &Names) -> impl Iterator<Item = &String> {
    names.include.iter().chain(&names.exclude)
}

fn report(place: &Place, unknown: Vec<String>, findings: &mut Findings) {
    let unknown: BTreeSet<String> = unknown.into_iter().collect();
    for what in &unknown {
        findings.add(place.clone(), &without_indexes(what), format!("{what} is not known to this program and left out of every check"));
    }
    if !unknown.is_empty() {
        let why = format!("what this means is not known: {}", unknown.iter().cloned().collect::<Vec<_>>().join(", "));
        findings.cannot_tell(place.clone(), &Hidden::new(Cause::Unknown, why));
    }
}

/// What is hidden may hold something unknown; the first reason stands for all.
fn hidden(gaps: Vec<Gap<'_>>) -> Looked {
    gaps.iter().find(|gap| is_asked(gap.why)).map_or(Ok(()), |gap| Err(gap.why.clone()))
}

fn is_asked(why: &Hidden) -> bool {
    !matches!(why.cause, Cause::NotAsked | Cause::NotOffered)
}

/// `bypass_actors[3].weight` without the number, which changes with the list.
fn without_indexes(path: &str) -> String {
    let mut parts = path.split('[');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('[');
        text.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    text
}
