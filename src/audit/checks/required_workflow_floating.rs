//! `required-workflow-floating`: a required workflow is read at a branch or tag that moves.

use crate::audit::{Check, Findings, Look, Looked, Place, RulesetScene, Severity};
use crate::github::part::Part;
use crate::github::rule::RuleKind;
use crate::github::{Cause, Hidden};

pub(super) static CHECK: Check = Check {
    id: "required-workflow-floating",
    severity: Severity::High,
    summary: "a required workflow is read at a branch or tag",
    why: "Whoever can push to that branch of that repository changes what the check does, for every repository that requires it.",
    fix: "pin the workflow with `sha`, or protect the branch it is read at as strictly as what it guards",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-workflows-to-pass-before-merging",
    reads: &[Part::OwnerRulesets],
    looks: &[Look::Ruleset(look)],
};

fn look(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    if !scene.ruleset.may_enforce() {
        return Ok(());
    }
    for rule in scene.ruleset.rules.read().map_err(Clone::clone)? {
        let place = Place::ruleset(scene.ruleset).field("workflows");
        match &rule.kind {
            RuleKind::Workflows(parameters) => {
                for workflow in parameters.workflows.iter().filter(|workflow| workflow.sha.as_deref().is_none_or(str::is_empty)) {
                    let at = match workflow.r#ref.as_deref() {
                        Some(name) if !name.is_empty() => format!("`{name}`"),
                        _ => "its default branch".to_owned(),
                    };
                    let (path, repository) = (&workflow.path, workflow.repository_id);
                    let message = format!("`{path}` of repository #{repository} is read at {at}: whoever changes it there changes the check");
                    findings.add(place.clone(), &format!("{repository} {path} {at}"), message);
                }
            }
            RuleKind::Unreadable { why } if rule.name == "workflows" => {
                let why = format!("the parameters of `workflows` are not understood: {why}");
                findings.cannot_tell(place, &Hidden::new(Cause::Unknown, why));
            }
            _ => {}
        }
    }
    Ok(())
}
