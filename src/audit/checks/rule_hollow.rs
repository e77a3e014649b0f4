//! `rule-hollow`: a rule is there and requires nothing.
//!
//! That no approval is required is asked of the default branch as a whole: a pull request without approvals is no fault
//! where another layer asks for them. The approval of code owners, or of teams for certain files, is one where it is asked for
//! whatever is changed.

use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, RulesetScene, Severity, unapproved};
use crate::github::effective::{Binding, Source};
use crate::github::part::Part;
use crate::github::readable::Hidden;
use crate::github::rule::{CodeScanningTool, Operator, PullRequest, Rule, RuleKind, TextPattern};

pub(super) static CHECK: Check = Check {
    id: "rule-hollow",
    severity: Severity::High,
    summary: "a rule is there and requires nothing",
    why: "The rule is listed as if it guarded the branch, and every push satisfies it.",
    fix: "say what the rule requires, or remove it",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets",
    reads: &[Part::OwnerRulesets, Part::Codeowners],
    looks: &[Look::Ruleset(look_at_ruleset), Look::Repository(look)],
};

fn look_at_ruleset(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    let ruleset = scene.ruleset;
    if !ruleset.may_enforce() {
        return Ok(());
    }
    let rules = ruleset.rules.read().map_err(Clone::clone)?;
    let place = Place::ruleset(ruleset).field("rules");
    if rules.is_empty() {
        findings.add(place, "", "the ruleset has no rule").fix("add the rules that it was made for, or delete it");
        return Ok(());
    }
    for rule in rules {
        if let Some(why) = hollow(rule) {
            findings.add(place.clone(), &rule.name, format!("`{}` requires nothing: {why}", rule.name));
        }
    }
    Ok(())
}

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    for protection in scene.repository.protections.known().into_iter().flatten() {
        if protection.requires_status_checks && protection.required_status_checks.is_empty() {
            let place = scene.place().source(&Source::classic(protection)).field("requiredStatusChecks");
            findings.add(place, "required_status_checks", "`required_status_checks` requires nothing: it names no check");
        }
    }
    let hidden = scene.repository.protections.read().map_err(Clone::clone).map(|_| ());
    if let Some(effective) = scene.default_branch() {
        let rules: Vec<(&PullRequest, &Binding)> = effective.pull_requests().collect();
        if !rules.iter().any(|(rule, _)| asks_for_approval(rule)) {
            let some = some(scene, &rules.iter().map(|(rule, _)| *rule).collect::<Vec<_>>())?;
            if some == Some(None) {
                return hidden;
            }
            effective.nothing_else().map_err(Clone::clone)?;
            if let Some((_, binding)) = rules.first() {
                let place = scene.place().ref_name(&effective.ref_name).source(&binding.source);
                let place = place.field("required_approving_review_count");
                let Some(path) = some.flatten() else {
                    let message = "`pull_request` requires no approval: whoever opens a pull request may merge it unseen";
                    findings.add(place, "pull_request", message).fix("require one approval or more");
                    return hidden;
                };
                let message = format!(
                    "`pull_request` requires approval of some files only: whoever changes others, such as `{path}`, may merge it unseen"
                );
                findings.add(place, "pull_request", message).fix("require one approval or more, or give every file an owner");
            }
        }
    }
    hidden
}

/// Where owners or teams approve certain files: a file that they don't, or that there is none. `None` where nobody approves any.
fn some(scene: &RepositoryScene<'_>, rules: &[&PullRequest]) -> Result<Option<Option<String>>, Hidden> {
    let asks = |rule: &&PullRequest| {
        rule.require_code_owner_review || rule.required_reviewers.iter().flatten().any(|team| team.minimum_approvals > 0)
    };
    if rules.iter().any(asks) { unapproved::path(scene, rules).map(Some) } else { Ok(None) }
}

/// Whether the rule asks for approval of whatever is changed.
fn asks_for_approval(parameters: &PullRequest) -> bool {
    parameters.required_approving_review_count > 0 || parameters.require_last_push_approval
}

/// Why every push satisfies the rule, if it does.
fn hollow(rule: &Rule) -> Option<&'static str> {
    match &rule.kind {
        RuleKind::RequiredStatusChecks(parameters) if parameters.required_status_checks.is_empty() => Some("it names no check"),
        RuleKind::Workflows(parameters) if parameters.workflows.is_empty() => Some("it names no workflow"),
        RuleKind::RequiredDeployments(parameters) if parameters.required_deployment_environments.is_empty() => {
            Some("it names no environment")
        }
        RuleKind::CodeScanning(parameters) if parameters.code_scanning_tools.is_empty() => Some("it names no tool"),
        RuleKind::CodeScanning(parameters) if parameters.code_scanning_tools.iter().all(stops_nothing) => {
            Some("no alert of any tool stops a merge")
        }
        RuleKind::FilePathRestriction(parameters) if parameters.restricted_file_paths.is_empty() => Some("it names no path"),
        RuleKind::FileExtensionRestriction(parameters) if parameters.restricted_file_extensions.is_empty() => {
            Some("it names no extension")
        }
        RuleKind::TextPattern(parameters) if matches_everything(parameters) => Some("every text matches its pattern"),
        _ => None,
    }
}

fn stops_nothing(tool: &CodeScanningTool) -> bool {
    tool.alerts_threshold == "none" && tool.security_alerts_threshold == "none"
}

fn matches_everything(parameters: &TextPattern) -> bool {
    let pattern = parameters.pattern.as_str();
    let is_anything = pattern.is_empty()
        || (parameters.operator.is(&Operator::Regex) && matches!(pattern, "^" | "$" | ".*" | "^.*" | ".*$" | "^.*$" | "^$|.*"));
    is_anything && parameters.operator.known().is_some() && parameters.negate != Some(true)
}
