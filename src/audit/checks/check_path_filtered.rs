//! `check-path-filtered`: the workflow behind a required check does not run for every pull request.
//!
//! Quiet where another job reports it without a filter, or two report it with `paths` and `paths-ignore` of the same
//! patterns, one of which always runs.

use crate::audit::required;
use crate::audit::workflow_file::{Likely, Trigger, Workflow};
use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, Severity};
use crate::github::Hidden;
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "check-path-filtered",
    severity: Severity::Medium,
    summary: "a required check does not run for every pull request",
    why: "A workflow that a filter stops reports nothing: the pull request waits forever, until someone uses a bypass.",
    fix: "remove the filter from `pull_request`, and decide in the job what there is to do",
    link: "https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/troubleshooting-required-status-checks",
    reads: &[Part::Refs, Part::Workflows, Part::Reported, Part::Installations],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    required::each(scene, findings, |question, findings| {
        let context = question.required.context;
        let reporters = question.jobs.reporters(context, |workflow| {
            let runs = workflow.pull_request_triggers().next().is_some() || workflow.push_trigger().is_some();
            if runs { Likely::Certainly } else { Likely::No }
        })?;
        let mut open = false;
        let mut unsure = None;
        for reporter in reporters.workflows() {
            match runs_always(&reporter.workflow, question.branch) {
                Ok(always) => open |= always,
                Err(hidden) => unsure = Some(hidden),
            }
        }
        let triggers: Vec<&Trigger> = reporters
            .workflows()
            .flat_map(|reporter| reporter.workflow.pull_request_triggers())
            .filter(|trigger| trigger.is_for_branch(question.branch).unwrap_or(true))
            .collect();
        open |= triggers.iter().any(|one| one.paths.is_some() && triggers.iter().any(|other| other.paths_ignore == one.paths));
        if open {
            return Ok(());
        }
        // Another job may report it where these don't.
        unsure.map_or(Ok(()), Err)?;
        let Some(reporter) = reporters.certain.first() else {
            if reporters.possible.iter().any(|reporter| runs_always(&reporter.workflow, question.branch) != Ok(true)) {
                reporters.no_other(context)?;
            }
            return question.jobs.all_read();
        };
        reporters.no_other(context)?;
        question.jobs.all_read()?;
        let place = Place { url: None, ..scene.place() }.file(&reporter.path, None);
        if reporter.workflow.pull_request_triggers().any(|trigger| trigger.is_for_branch(question.branch).unwrap_or(true)) {
            let message = format!("`{context}` is required and {reporter} runs only for some paths: other changes wait for it forever");
            findings.add(place, context, message);
        } else {
            let branch = question.branch;
            let message = format!("`{context}` is required for `{branch}` and {reporter} does not run for pull requests into it");
            findings.add(place.ref_name(&question.effective.ref_name), context, message);
        }
        Ok(())
    })
}

/// Whether no filter keeps it from a pull request into the branch.
fn runs_always(workflow: &Workflow, branch: &str) -> Result<bool, Hidden> {
    if workflow.push_trigger().is_some_and(|push| !push.has_paths()) {
        return Ok(true);
    }
    for trigger in workflow.pull_request_triggers() {
        if !trigger.has_paths() && trigger.is_for_branch(branch)? {
            return Ok(true);
        }
    }
    Ok(false)
}
