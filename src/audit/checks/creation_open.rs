//! `creation-open`: a pattern guards branches that don't exist yet, and anyone may create one with any commits.
//!
//! A pull request is asked of a change to a branch, not of a new one; nor does a rule that restricts updates, or pushes,
//! restrict creation. Only patterns that pick some branches are looked at: where a ruleset is for every branch, people
//! must be able to create theirs. That checks are not asked of a new branch is a fault only where nothing else keeps it.

use crate::audit::layers::is_classic;
use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, Severity};
use crate::github::effective::{Binding, Effective, Source};
use crate::github::part::Part;
use crate::github::protection::Protection;
use crate::github::rule::RuleKind;
use crate::github::ruleset::{Ruleset, Target};
use crate::github::{Cause, Hidden, scope};

pub(super) static CHECK: Check = Check {
    id: "creation-open",
    severity: Severity::Medium,
    summary: "whoever can push can create a branch that the rules guard, with any commits",
    why: "A new `release/…` needs no review: its first commits are whatever was pushed, and what builds from such branches takes them.",
    fix: "add the rule `creation`, with a bypass for whoever makes such branches",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#restrict-creations",
    reads: &[Part::Rulesets],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let repository = scene.repository;
    let mut hidden = Ok(());
    match repository.rulesets.read() {
        Ok(rulesets) => {
            for ruleset in rulesets {
                if ruleset.may_enforce() && ruleset.target.is(&Target::Branch) {
                    look_at_ruleset(scene, ruleset, findings);
                }
            }
        }
        Err(why) => hidden = Err(why.clone()),
    }
    match repository.protections.read() {
        Ok(protections) => {
            for protection in protections {
                look_at_protection(scene, protection, findings);
            }
        }
        Err(why) => hidden = hidden.and(Err(why.clone())),
    }
    hidden
}

fn look_at_ruleset(scene: &RepositoryScene<'_>, ruleset: &Ruleset, findings: &mut Findings) {
    // The same in every repository that it is for, so it is said once.
    let place = Place::ruleset(ruleset).field("rules");
    let conditions = match ruleset.conditions.read() {
        Ok(conditions) => conditions,
        Err(why) => return findings.cannot_tell(place, why),
    };
    if let Err(why) = ruleset.rules.read() {
        return findings.cannot_tell(place, why);
    }
    let default = scene.repository.default_branch.as_ref().map(|branch| branch.name.as_str());
    for names in conditions.ref_name.iter() {
        for pattern in names.include.iter().filter(|pattern| picks(pattern, "refs/heads/")) {
            let Some(new) = example(pattern) else {
                let why = format!("no name is found that `{pattern}` matches");
                findings.cannot_tell(place.clone(), &Hidden::new(Cause::Unknown, why));
                continue;
            };
            match scope::is_for(names, &new, default) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(why) => {
                    findings.cannot_tell(place.clone(), &why);
                    continue;
                }
            }
            let effective = scene.effective(&new);
            let guarded = guard(effective.bindings.iter().filter(|binding| super::is_of(binding, ruleset)));
            report(&effective, guarded, pattern, &place, findings);
        }
    }
}

fn look_at_protection(scene: &RepositoryScene<'_>, protection: &Protection, findings: &mut Findings) {
    if !picks(&protection.pattern, "") {
        return;
    }
    let source = Source::classic(protection);
    let place = scene.place().source(&source).field("blocksCreations");
    let Some(new) = example(&protection.pattern) else {
        let why = format!("no name is found that `{}` matches", protection.pattern);
        return findings.cannot_tell(place, &Hidden::new(Cause::Unknown, why));
    };
    let effective = scene.effective(&format!("refs/heads/{new}"));
    let guarded = guard(effective.bindings.iter().filter(|binding| binding.source == source));
    // An older pattern may bind it instead, and then this one guards nothing.
    if let Some(older) = effective.unsure.iter().find(|unsure| unsure.source.as_ref().is_some_and(is_classic))
        && guarded.is_none()
    {
        findings.cannot_tell(place.clone(), &older.why);
    }
    report(&effective, guarded, &protection.pattern, &place, findings);
}

fn report(effective: &Effective, guarded: Option<&str>, pattern: &str, place: &Place, findings: &mut Findings) {
    let Some(guarded) = guarded else { return };
    match effective.find_rule("creation") {
        Ok(Some(_)) => {}
        Ok(None) => {
            let message = format!("whoever can push can create a branch that matches `{pattern}`, though {guarded}");
            findings.add(place.clone(), pattern, message);
        }
        Err(why) => findings.cannot_tell(place.clone(), why),
    }
}

/// What is demanded of changes and not of a new branch.
fn guard<'a>(bindings: impl Iterator<Item = &'a Binding>) -> Option<&'static str> {
    let mut guarded = None;
    for binding in bindings {
        match &binding.rule.kind {
            RuleKind::PullRequest(_) => return Some("a change to it needs a pull request"),
            RuleKind::Update(_) => guarded = Some("only some may push to it"),
            RuleKind::RequiredStatusChecks(parameters) if parameters.do_not_enforce_on_create == Some(true) => {
                guarded = guarded.or(Some("a change to it needs checks to pass"));
            }
            RuleKind::Workflows(parameters) if parameters.do_not_enforce_on_create == Some(true) => {
                guarded = guarded.or(Some("a change to it needs workflows to pass"));
            }
            _ => {}
        }
    }
    guarded
}

/// Whether a pattern is for some new branches and not for all.
fn picks(pattern: &str, namespace: &str) -> bool {
    let Some(rest) = pattern.strip_prefix(namespace) else {
        return false;
    };
    !rest.starts_with('~') && super::is_pattern(rest) && rest.contains(|c: char| !matches!(c, '*' | '/' | '?'))
}

/// A name that the pattern matches.
fn example(pattern: &str) -> Option<String> {
    let reduced = scope::reduced(pattern);
    let mut name = String::new();
    let mut rest = reduced.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**/") {
            rest = after;
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '*' => name.push_str("new"),
            '?' => name.push('x'),
            '[' => {
                let (set, after) = rest.split_once(']')?;
                rest = after;
                name.push(if set.starts_with(['!', '^']) { '~' } else { set.chars().next()? });
            }
            c => name.push(c),
        }
    }
    // A member that the set excludes, or that no branch may have, makes no name.
    let name = name.replace('~', "_");
    scope::fnmatch(pattern, &name).is_ok_and(|matches| matches).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_match() {
        for (pattern, name) in [
            ("refs/heads/release/**/*", Some("refs/heads/release/new")),
            ("refs/heads/release/*", Some("refs/heads/release/new")),
            ("qa**/**/*", Some("qanew/new")),
            ("release-?.[0-9]", Some("release-x.0")),
            ("v[!a]*", Some("v_new")),
            ("v[", None),
            ("", None),
        ] {
            assert_eq!(example(pattern).as_deref(), name, "{pattern}");
        }
    }

    #[test]
    fn patterns_for_every_branch_pick_none() {
        for pattern in ["refs/heads/**/*", "refs/heads/*", "~ALL", "refs/heads/main", "refs/tags/v*"] {
            assert!(!picks(pattern, "refs/heads/"), "{pattern}");
        }
        assert!(picks("refs/heads/release/*", "refs/heads/"));
        assert!(picks("*-stable", ""));
    }
}
