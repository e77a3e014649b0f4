//! `merge-queue-check-missing`: a branch has a merge queue, and the workflow behind a required check does not run in it.
//!
//! A check that no workflow reports comes from elsewhere, and whether that knows the queue does not show here.

use crate::audit::required::{self, Reporter};
use crate::audit::workflow_file::Likely;
use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "merge-queue-check-missing",
    severity: Severity::Medium,
    summary: "a required check does not run in the merge queue",
    why: "The queue waits for a check that nothing reports, and drops every change or is bypassed.",
    fix: "add `merge_group` to what starts the workflow",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue#triggering-merge-group-checks-with-github-actions",
    reads: &[Part::Refs, Part::Workflows, Part::Reported, Part::Installations],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    required::each(scene, findings, |question, findings| {
        if question.effective.find_rule("merge_queue").map_err(Clone::clone)?.is_none() {
            return Ok(());
        }
        let context = question.required.context;
        let reporters = question.jobs.reporters(context, |_| Likely::Certainly)?;
        for reporter in reporters.workflows() {
            if reporter.workflow.reports_in_queue(question.branch)? {
                return Ok(());
            }
        }
        let in_queue = |reporter: &&Reporter| reporter.workflow.reports_in_queue(question.branch) == Ok(true);
        if !(reporters.certain.is_empty() && reporters.possible.iter().all(in_queue)) {
            reporters.no_other(context)?;
        }
        question.jobs.all_read()?;
        let Some(reporter) = reporters.workflows().find(|reporter| reporter.workflow.reports_on_pull_requests(question.branch) != Likely::No) else {
            return Ok(());
        };
        let place = Place { url: None, ..scene.place() }.file(&reporter.path, None).ref_name(&question.effective.ref_name);
        let message = format!("`{context}` is required and {reporter} does not run on `merge_group`: the queue waits for it in vain");
        findings.add(place, context, message);
        Ok(())
    })
}
