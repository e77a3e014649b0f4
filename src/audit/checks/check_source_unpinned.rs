//! `check-source-unpinned`: a required check may be reported by anyone who can push.
//!
//! Where another layer requires the same check from a certain app on every branch that the rule is for, new ones included, the
//! stricter one wins.

use crate::audit::bound::{Bound, Open};
use crate::audit::required;
use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, RulesetScene, Severity};
use crate::github::part::Part;
use crate::github::effective::{Effective, Source};
use crate::github::rule::{RuleKind, StatusCheck};
use crate::github::{Cause, Hidden};

pub(super) static CHECK: Check = Check {
    id: "check-source-unpinned",
    severity: Severity::High,
    summary: "a required check may be reported by anyone",
    why: "Whoever can push sets a commit status of that name by the API, with a token of their own: the check passes without having run.",
    fix: "choose the app that reports the check as its source",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-status-checks-to-pass-before-merging",
    reads: &[Part::OwnerRulesets, Part::Refs],
    looks: &[Look::Ruleset(ruleset), Look::Repository(repository)],
};

fn ruleset(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    let ruleset = scene.ruleset;
    if !ruleset.may_enforce() {
        return Ok(());
    }
    // Of a ruleset that is for other repositories, too, this one's layers say nothing.
    let own = scene.repository.filter(|repository| super::is_own(ruleset, repository));
    let own = own.map(|repository| (repository, Bound::by_ruleset(repository, ruleset)));
    for rule in ruleset.rules.read().map_err(Clone::clone)? {
        let place = Place::ruleset(ruleset).field("integration_id");
        match &rule.kind {
            RuleKind::RequiredStatusChecks(parameters) => {
                let unpinned = |check: &&StatusCheck| required::app(check.integration_id).is_none();
                for check in parameters.required_status_checks.iter().filter(unpinned) {
                    let is_open = |effective: &Effective| Ok(!elsewhere(effective, &Source::of(ruleset), &check.context));
                    let open = own.as_ref().map_or(Ok(Some(Open::default())), |(repository, bound)| {
                        bound.open(repository, scene.context.owner, is_open)
                    });
                    say(findings, place.clone(), &check.context, open);
                }
            }
            RuleKind::Unreadable { why } if rule.name == "required_status_checks" => {
                let why = format!("the parameters of `required_status_checks` are not understood: {why}");
                findings.cannot_tell(place, &Hidden::new(Cause::Unknown, why));
            }
            _ => {}
        }
    }
    Ok(())
}

fn repository(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    for protection in scene.repository.protections.read().map_err(Clone::clone)? {
        if !protection.requires_status_checks {
            continue;
        }
        let source = Source::classic(protection);
        let bound = Bound::by_protection(scene.repository, protection);
        for check in protection.required_status_checks.iter().filter(|check| check.app.is_none()) {
            let place = scene.place().source(&source).field("app_id");
            let open = bound.open(scene.repository, scene.context.owner, |effective| {
                if elsewhere(effective, &source, &check.context) {
                    return Ok(false);
                }
                // What can't be read may require it from a certain app.
                effective.nothing_else().map(|()| true).map_err(Clone::clone)
            });
            say(findings, place, &check.context, open);
        }
    }
    Ok(())
}

fn say(findings: &mut Findings, place: Place, context: &str, open: Result<Option<Open>, Hidden>) {
    match open {
        Ok(None) => {}
        Ok(Some(open)) => {
            let message = format!("`{context}`{open} may come from any source: whoever can push reports it as passed");
            findings.add(place, context, message);
        }
        Err(hidden) => findings.cannot_tell(place, &hidden),
    }
}

/// Whether the source binds the branch and another one requires the check there from a certain app.
fn elsewhere(effective: &Effective, source: &Source, context: &str) -> bool {
    let binds = effective.bindings.iter().any(|binding| binding.source == *source);
    binds
        && effective.required_checks().any(|(check, _, binding)| {
            binding.source != *source && check.context == context && required::app(check.integration_id).is_some()
        })
}
