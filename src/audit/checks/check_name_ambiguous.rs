//! `check-name-ambiguous`: several jobs report the same required check.
//!
//! Jobs count that run for a pull request or for any pushed branch, and each run of a matrix that has the same name. Of
//! a job whose name is only known when it runs, it can't be told.

use crate::audit::required;
use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "check-name-ambiguous",
    severity: Severity::Medium,
    summary: "several jobs report the same required check",
    why: "GitHub tells checks apart by their name alone, so the job that passes more easily can stand for the other.",
    fix: "give each job a name of its own",
    link: "https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/troubleshooting-required-status-checks",
    reads: &[Part::Refs, Part::Workflows, Part::Reported, Part::Installations],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    required::each(scene, findings, |question, findings| {
        let context = question.required.context;
        let reporters = question.jobs.reporters(context, |workflow| workflow.reports_on_pull_requests(question.branch))?;
        if reporters.certain.len() < 2 {
            if reporters.certain.len() + reporters.possible.len() > 1 {
                reporters.no_other(context)?;
            }
            return question.jobs.all_read();
        }
        let mut jobs: Vec<String> = Vec::new();
        for reporter in &reporters.certain {
            let job = reporter.to_string();
            if !jobs.contains(&job) && jobs.len() < 4 {
                jobs.push(job);
            }
        }
        let place = Place { url: None, ..scene.place() };
        let message = match jobs.as_slice() {
            [job] => format!("`{context}` is reported several times by {job}: one run can stand for another"),
            _ => format!("`{context}` is reported by {}: the one that passes can stand for the other", jobs.join(" and ")),
        };
        findings.add(place, context, message);
        Ok(())
    })
}
