//! `ruleset-targets-nothing`: a ruleset is in force and is for nothing.
//!
//! Sure for a ruleset of any level: its conditions name nothing, or exclude all that they name. A repository's own is also
//! held against its branches and tags. Patterns for names to come are no fault where a wildcard covers them and nothing
//! looks like a near miss: then it is only worth a look, and for tags not even that before there is one. A name that is
//! someone's former default branch is for `literal-default-branch`.

use crate::audit::{Check, Findings, Look, Looked, Place, RulesetScene, Severity};
use crate::github::part::Part;
use crate::github::repository::Repository;
use crate::github::ruleset::{Conditions, Names, Ruleset, Target};
use crate::github::{Cause, Hidden, Word, scope};

pub(super) static CHECK: Check = Check {
    id: "ruleset-targets-nothing",
    severity: Severity::Critical,
    summary: "a ruleset is in force and is for no branch or tag",
    why: "The ruleset looks active on its page and binds nothing: what it seems to guard can be pushed to, rewritten and deleted.",
    fix: "include `~DEFAULT_BRANCH`, `~ALL` or a pattern that matches what is to be guarded",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/creating-rulesets-for-a-repository#choosing-which-branches-or-tags-to-target",
    reads: &[Part::Refs, Part::OwnerRulesets],
    looks: &[Look::Ruleset(look)],
};

fn look(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    let ruleset = scene.ruleset;
    let namespace = match ruleset.target {
        Word::Known(Target::Branch) => "refs/heads/",
        Word::Known(Target::Tag) => "refs/tags/",
        Word::Known(Target::Push | Target::Repository) => "",
        Word::Unknown(_) => return Err(Hidden::new(Cause::Unknown, format!("the target is `{}`", ruleset.target))),
    };
    if !ruleset.may_enforce() {
        return Ok(());
    }
    let conditions = ruleset.conditions.read().map_err(Clone::clone)?;
    let place = Place::ruleset(ruleset).field("conditions");
    if let Some(what) = no_repository(conditions) {
        findings.add(place, "repositories", format!("the ruleset is for no repository: {what}")).fix(
            "name the repositories, include `~ALL`, or delete the ruleset",
        );
        return Ok(());
    }
    let Some(names) = conditions.ref_name.as_ref().filter(|_| !namespace.is_empty()) else {
        return Ok(());
    };
    if names.include.is_empty() {
        findings.add(place, "refs", "the ruleset is for no ref: `ref_name` includes nothing");
    } else if names.exclude.iter().any(|pattern| pattern == "~ALL") || names.include.iter().all(|name| names.exclude.contains(name))
    {
        findings.add(place, "refs", "the ruleset is for no ref: `ref_name` excludes everything that it includes");
    } else if let Some(repository) = scene.repository
        && super::is_own(ruleset, repository)
        && !repository.empty
        && !super::literal_default_branch::speaks_of(ruleset, repository, scene.context.owner)
    {
        return existing(ruleset, names, repository, namespace, findings);
    }
    Ok(())
}

/// Whether the conditions on repositories can hold for none.
fn no_repository(conditions: &Conditions) -> Option<&'static str> {
    let nothing = |names: &Names| names.include.is_empty() || names.exclude.iter().any(|name| name == "~ALL");
    if conditions.repository_name.as_ref().is_some_and(nothing) {
        return Some("`repository_name` includes nothing");
    }
    if conditions.repository_id.as_ref().is_some_and(|ids| ids.repository_ids.is_empty()) {
        return Some("`repository_id` names none");
    }
    if conditions.organization_name.as_ref().is_some_and(nothing) {
        return Some("`organization_name` includes nothing");
    }
    if conditions.organization_id.as_ref().is_some_and(|ids| ids.organization_ids.is_empty()) {
        return Some("`organization_id` names none");
    }
    conditions
        .repository_property
        .as_ref()
        .is_some_and(|properties| properties.include.iter().any(|property| properties.exclude.contains(property)))
        .then_some("`repository_property` excludes what it includes")
}

/// Holds the ruleset of a repository against what exists there.
fn existing(ruleset: &Ruleset, names: &Names, repository: &Repository, namespace: &str, findings: &mut Findings) -> Looked {
    let default = repository.default_branch.as_ref().map(|branch| branch.name.as_str());
    let is_tag = ruleset.target.is(&Target::Tag);
    let mut unsure = None;
    let mut matches = |ref_name: &str| match scope::is_for(names, ref_name, default) {
        Ok(matches) => matches,
        Err(why) => {
            unsure = Some(why);
            false
        }
    };
    // The default branch is known when the others are not.
    if default.is_some_and(|name| matches(&format!("refs/heads/{name}"))) && !is_tag {
        return Ok(());
    }
    let refs = if is_tag { &repository.tags } else { &repository.branches };
    let refs = refs.read().map_err(Clone::clone)?;
    if refs.iter().any(|name| matches(&format!("{namespace}{name}"))) {
        return Ok(());
    }
    if let Some(why) = unsure {
        return Err(why);
    }
    let literal = names.include.iter().all(|pattern| !super::is_pattern(pattern));
    let close = refs.iter().find(|name| names.include.iter().any(|pattern| is_close(pattern, &format!("{namespace}{name}"))));
    if is_tag && refs.is_empty() {
        return Ok(());
    }
    let what = if is_tag { "tag" } else { "branch" };
    let mut message =
        format!("the ruleset matches no existing {what}: it is for {}", super::listed(names.include.iter().map(String::as_str)));
    if let Some(close) = close {
        message.push_str(&format!("; `{close}` is left out, because `*` does not match `/`"));
    }
    let severity = if literal || close.is_some() { Severity::Medium } else { Severity::Low };
    findings.add(Place::ruleset(ruleset).field("conditions.ref_name"), "refs", message).severity(severity);
    Ok(())
}

/// Whether the pattern would match if `*` matched `/`, too.
fn is_close(pattern: &str, ref_name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return false;
    };
    let after = after.trim_start_matches('*');
    !before.ends_with("refs/heads/")
        && !before.ends_with("refs/tags/")
        && !after.contains(['*', '?', '['])
        && ref_name
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|between| between.contains('/'))
}
