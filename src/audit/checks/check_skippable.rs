//! `check-skippable`: the job behind a required check may be skipped, which counts as passed.
//!
//! A job is skipped by its `if`, and when a job that it needs does not succeed, unless that one is required, too. A
//! skipped matrix job reports under another name, and so blocks; it is not found here.

use crate::audit::required::{self, Skips};
use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "check-skippable",
    severity: Severity::High,
    summary: "the job behind a required check may be skipped, which counts as passed",
    why: "GitHub takes a skipped job for one that passed: a change is merged without the check having run.",
    fix: "let the job run always, and decide in its steps what there is to do",
    link: "https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/troubleshooting-required-status-checks",
    reads: &[Part::Refs, Part::Workflows, Part::Reported, Part::Installations],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let repository = scene.repository.full_name();
    required::each(scene, findings, |question, findings| {
        let context = question.required.context;
        let reporters = question.jobs.reporters(context, |workflow| workflow.reports_on_pull_requests(question.branch))?;
        if reporters.certain.is_empty() {
            if reporters.possible.iter().any(|reporter| reporter.skips(&repository) != Skips::Never) {
                reporters.no_other(context)?;
            }
            return question.jobs.all_read();
        }
        let mut steps = 0;
        for &reporter in &reporters.certain {
            let message = match reporter.skips(&repository) {
                Skips::Never => continue,
                Skips::ByCondition => {
                    let condition: String = reporter.job.condition.iter().flat_map(|text| text.chars()).take(200).collect();
                    format!("`{context}` passes without running when {reporter} is skipped by `if: {condition}`")
                }
                Skips::OnNeeds => {
                    steps = reporter.steps(steps, question.jobs)?;
                    let mut loose = Vec::new();
                    let mut unsure = None;
                    for needed in &reporter.job.needs {
                        match reporter.is_needed_required(needed, question.jobs, question.all) {
                            Ok(true) => {}
                            Ok(false) => loose.push(format!("`{needed}`")),
                            Err(hidden) => unsure = Some(hidden),
                        }
                    }
                    match (loose.is_empty(), unsure) {
                        (true, None) => continue,
                        (true, Some(hidden)) => return Err(hidden),
                        (false, _) => format!(
                            "`{context}` passes without running when {} fails, which {reporter} needs and nothing requires",
                            loose.join(" or ")
                        ),
                    }
                }
            };
            let place = Place { url: None, ..scene.place() }.file(&reporter.path, None);
            findings.add(place, &format!("{context} {reporter}"), message);
        }
        // What was not read, or not understood, may be skipped under the same name.
        if reporters.possible.iter().any(|reporter| reporter.skips(&repository) != Skips::Never) {
            reporters.no_other(context)?;
        }
        question.jobs.all_read()
    })
}
