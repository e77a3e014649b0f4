//! `check-source-unpinned`: a required check may be reported by anyone who can push.
//!
//! Where another layer requires the same check of the default branch from a certain app, the stricter one wins.

use crate::audit::required;
use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, RulesetScene, Severity};
use crate::github::part::Part;
use crate::github::effective::{Effective, Source};
use crate::github::rule::RuleKind;
use crate::github::{Cause, Hidden};

pub(super) static CHECK: Check = Check {
    id: "check-source-unpinned",
    severity: Severity::High,
    summary: "a required check may be reported by anyone",
    why: "Whoever can push sets a commit status of that name by the API, with a token of their own: the check passes without having run.",
    fix: "choose the app that reports the check as its source",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-status-checks-to-pass-before-merging",
    reads: &[Part::OwnerRulesets],
    looks: &[Look::Ruleset(ruleset), Look::Repository(repository)],
};

fn ruleset(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    let ruleset = scene.ruleset;
    if !ruleset.may_enforce() {
        return Ok(());
    }
    // Of a ruleset that is for other repositories, too, this one's layers say nothing.
    let effective = scene.repository.filter(|repository| super::is_own(ruleset, repository)).and_then(|repository| {
        let branch = repository.default_branch.as_ref()?;
        Some(Effective::of(repository, scene.context.owner, &format!("refs/heads/{}", branch.name)))
    });
    for rule in ruleset.rules.read().map_err(Clone::clone)? {
        let place = Place::ruleset(ruleset).field("integration_id");
        match &rule.kind {
            RuleKind::RequiredStatusChecks(parameters) => {
                for check in &parameters.required_status_checks {
                    let pinned = effective.as_ref().is_some_and(|all| elsewhere(all, &Source::of(ruleset), &check.context));
                    if required::app(check.integration_id).is_none() && !pinned {
                        findings.add(place.clone(), &check.context, message(&check.context));
                    }
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
        for check in protection.required_status_checks.iter().filter(|check| check.app.is_none()) {
            let place = scene.place().source(&source).field("app_id");
            let all = scene.default_branch();
            if all.is_some_and(|all| elsewhere(all, &source, &check.context)) {
                continue;
            }
            // What can't be read may require it from a certain app.
            match all.map_or(Ok(()), Effective::nothing_else) {
                Ok(()) => {
                    findings.add(place, &check.context, message(&check.context));
                }
                Err(hidden) => findings.cannot_tell(place, hidden),
            }
        }
    }
    Ok(())
}

fn message(context: &str) -> String {
    format!("`{context}` may come from any source: whoever can push reports it as passed")
}

/// Whether the source binds the branch and another one requires the check there from a certain app.
fn elsewhere(effective: &Effective, source: &Source, context: &str) -> bool {
    let binds = effective.bindings.iter().any(|binding| binding.source == *source);
    binds
        && effective.required_checks().any(|(check, _, binding)| {
            binding.source != *source && check.context == context && required::app(check.integration_id).is_some()
        })
}
