//! The checks that a branch requires, and the workflow jobs that report under their names.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::workflow_file::{Job, Likely, Matrix, Name, Trigger, Workflow, parse};
use super::{Findings, Looked, RepositoryScene, branches};
use crate::github::effective::{Binding, Effective};
use crate::github::own_apps::{ACTIONS, ACTIONS_ID};
use crate::github::repository::Repository;
use crate::github::{Cause, Hidden};

/// How deep calls of workflows are followed; GitHub stops there, too.
const DEEPEST: usize = 10;
/// How many names of jobs are followed in a repository.
const MOST_NAMES: usize = 20_000;
/// How many jobs are looked at that report one check.
const MOST_REPORTERS: usize = 1_000;
/// How many steps are gone to find out whether what jobs need is required.
const MOST_STEPS: usize = 10_000_000;

/// A check that a branch requires.
#[derive(Debug, Clone, Copy)]
pub struct Required<'a> {
    /// Its name.
    pub context: &'a str,
    /// The app that must report it, if any layer says so.
    pub app: Option<i64>,
    /// Where it is required.
    pub binding: &'a Binding,
}

/// The app of a required check; some layers write "anyone" as a number that is none.
pub fn app(integration_id: Option<i64>) -> Option<i64> {
    integration_id.filter(|id| *id > 0)
}

/// The checks that the branch requires by all layers together, by name.
pub fn of(effective: &Effective) -> Vec<Required<'_>> {
    let mut required: BTreeMap<&str, Required<'_>> = BTreeMap::new();
    for (check, _, binding) in effective.required_checks() {
        let app = app(check.integration_id);
        let entry = required.entry(&check.context).or_insert(Required { context: &check.context, app, binding });
        if entry.app.is_none() && app.is_some() {
            *entry = Required { context: &check.context, app, binding };
        }
    }
    required.into_values().collect()
}

/// One required check of one branch, for a check that asks which jobs report it.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The branch, without `refs/heads/`.
    pub branch: &'a str,
    /// What binds it.
    pub effective: &'a Effective,
    /// The required check.
    pub required: Required<'a>,
    /// All that are required together with it.
    pub all: &'a [Required<'a>],
    /// Every job of the repository.
    pub jobs: &'a Jobs,
}

/// Takes a look at every check that a branch requires and that a workflow's job can report. What can't be told of one
/// hides nothing of another.
pub fn each(
    scene: &RepositoryScene<'_>,
    findings: &mut Findings,
    mut look: impl FnMut(Question<'_>, &mut Findings) -> Looked,
) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        let branch = effective.ref_name.strip_prefix("refs/heads/").unwrap_or(&effective.ref_name);
        let all = of(effective);
        for required in all.iter().copied() {
            let answer = match required.is_from_workflows(scene) {
                Ok(false) => Ok(()),
                Ok(true) => {
                    scene.jobs().and_then(|jobs| look(Question { branch, effective, required, all: &all, jobs }, findings))
                }
                // It matters only where a job has the name.
                Err(hidden) => scene.jobs().and_then(|jobs| {
                    let reporters = jobs.reporters(required.context, |_| Likely::Certainly)?;
                    if reporters.certain.is_empty() && reporters.possible.is_empty() { jobs.all_read() } else { Err(hidden) }
                }),
            };
            if let Err(hidden) = answer {
                findings.cannot_tell(scene.place().ref_name(&effective.ref_name), &hidden);
            }
        }
        // What is hidden may require other checks.
        effective.nothing_else().map_err(Clone::clone)
    })
}

impl Required<'_> {
    /// Whether a workflow's job can report it. What other apps or nobody but statuses reported so far is none of a job.
    ///
    /// # Errors
    /// It is pinned to an app of which nothing is known.
    pub fn is_from_workflows(&self, scene: &RepositoryScene<'_>) -> Result<bool, Hidden> {
        let reported = scene.repository.reported.known().into_iter().flatten();
        let mut reported = reported.filter_map(|merged| merged.checks.known()).flatten();
        match self.app {
            Some(ACTIONS_ID) if !scene.context.owner.is_on_a_server => Ok(true),
            Some(app) => {
                let number = u64::try_from(app).ok();
                let installed = scene.context.owner.installations.known().into_iter().flatten();
                let slug = reported
                    .find(|check| check.app_id == number && check.app.is_some())
                    .and_then(|check| check.app.as_deref())
                    .or_else(|| installed.into_iter().find(|app| Some(app.app_id) == number).map(|app| app.app_slug.as_str()));
                slug.map(|slug| slug == ACTIONS).ok_or_else(|| {
                    Hidden::new(Cause::Unknown, format!("`{}` must come from app #{app}, which is not known here", self.context))
                })
            }
            None => {
                let sources: Vec<_> =
                    reported.filter(|check| check.context == self.context).map(|check| check.app.as_deref()).collect();
                Ok(sources.is_empty() || sources.contains(&Some(ACTIONS)))
            }
        }
    }
}

/// The jobs of a repository's workflows, called ones included.
#[derive(Debug, Default)]
pub struct Jobs {
    /// Every job of every workflow, in the order of paths, and of each file.
    pub jobs: Vec<Reporter>,
    /// Files that could not be read or do not parse: what they report is not known.
    pub unread: Vec<(String, Hidden)>,
}

/// A job, and under which names it reports.
#[derive(Debug)]
pub struct Reporter {
    /// The file of the workflow that runs.
    pub path: String,
    /// That workflow.
    pub workflow: Arc<Workflow>,
    /// The jobs through which it was called, outermost first; empty for a job of the workflow itself.
    pub callers: Arc<[String]>,
    /// The job.
    pub job: Arc<Job>,
    /// Its names, one for each time it runs.
    pub names: Vec<Name>,
}

/// Who reports a check.
#[derive(Debug, Default)]
pub struct Reporters<'a> {
    /// Each job that reports under the name, as often as it does.
    pub certain: Vec<&'a Reporter>,
    /// Jobs whose name is only known when they run.
    pub possible: Vec<&'a Reporter>,
}

impl Jobs {
    /// Reads the workflows.
    ///
    /// # Errors
    /// The list of them is hidden.
    pub fn of(repository: &Repository) -> Result<Jobs, Hidden> {
        let mut jobs = Jobs::default();
        let mut files = BTreeMap::new();
        for file in repository.workflows.read().map_err(Clone::clone)? {
            let workflow = file.text.read().map_err(Clone::clone).and_then(|text| {
                parse(text).map_err(|why| Hidden::new(Cause::Failed, format!("`{}` is not understood: {why}", file.path)))
            });
            match workflow {
                Ok(workflow) => {
                    files.insert(file.path.as_str(), Arc::new(workflow));
                }
                Err(hidden) => jobs.unread.push((file.path.clone(), hidden)),
            }
        }
        let mut names = 0;
        for (path, workflow) in &files {
            let before = jobs.jobs.len();
            if !jobs.add(&files, path, workflow, workflow, &[], &mut names) {
                jobs.jobs.truncate(before);
                let why = format!("`{path}` has more jobs than are followed here");
                jobs.unread.push(((*path).to_owned(), Hidden::new(Cause::Partial, why)));
            }
        }
        Ok(jobs)
    }

    /// Adds the jobs of `called`, which is `workflow` or called from it. False when that is too much.
    fn add(
        &mut self,
        files: &BTreeMap<&str, Arc<Workflow>>,
        path: &str,
        workflow: &Arc<Workflow>,
        called: &Workflow,
        callers: &[(String, Vec<Name>)],
        names: &mut usize,
    ) -> bool {
        let through: Arc<[String]> = callers.iter().map(|(id, _)| id.clone()).collect();
        for job in &called.jobs {
            let mut own = job.names();
            if let Some((_, outer)) = callers.last() {
                if outer.len().saturating_mul(own.len()) > MOST_NAMES {
                    return false;
                }
                own = outer.iter().flat_map(|outer| own.iter().map(|name| outer.call(name).cut())).collect();
            }
            *names += own.len();
            if *names > MOST_NAMES {
                return false;
            }
            let file = job.uses.as_deref().map(|uses| uses.strip_prefix("./").and_then(|file| files.get(file)));
            match file {
                Some(Some(file)) => {
                    if callers.len() >= DEEPEST {
                        return false;
                    }
                    let mut callers = callers.to_vec();
                    callers.push((job.id.clone(), own));
                    if !self.add(files, path, workflow, file, &callers, names) {
                        return false;
                    }
                    continue;
                }
                // Someone else's workflow, whose jobs are not known.
                Some(None) => own = own.iter().map(|name| name.call(&unknown())).collect(),
                None => {}
            }
            self.jobs.push(Reporter {
                path: path.to_owned(),
                workflow: Arc::clone(workflow),
                callers: Arc::clone(&through),
                job: Arc::clone(job),
                names: own,
            });
        }
        true
    }

    /// Who reports under the name, of the jobs of workflows that run when it counts. `runs` is asked once for each workflow.
    ///
    /// # Errors
    /// More jobs report it than are looked at.
    pub fn reporters(&self, context: &str, runs: impl Fn(&Workflow) -> Likely) -> Result<Reporters<'_>, Hidden> {
        let mut reporters = Reporters::default();
        let mut asked: Option<(&Arc<Workflow>, Likely)> = None;
        for reporter in &self.jobs {
            let names = || reporter.names.iter().map(|name| name.is(context)).filter(|likely| *likely != Likely::No);
            if names().next().is_none() {
                continue;
            }
            // The jobs of a workflow stand together.
            let runs = match asked {
                Some((workflow, runs)) if Arc::ptr_eq(workflow, &reporter.workflow) => runs,
                _ => runs(&reporter.workflow),
            };
            asked = Some((&reporter.workflow, runs));
            let certain =
                if runs == Likely::Certainly { names().filter(|likely| *likely == Likely::Certainly).count() } else { 0 };
            reporters.certain.extend(std::iter::repeat_n(reporter, certain));
            if runs == Likely::Possibly || runs == Likely::Certainly && names().any(|likely| likely == Likely::Possibly) {
                reporters.possible.push(reporter);
            }
            if reporters.certain.len() > MOST_REPORTERS {
                let why = format!("more than {MOST_REPORTERS} jobs report `{context}`, which are not all looked at");
                return Err(Hidden::new(Cause::Partial, why));
            }
        }
        Ok(reporters)
    }

    /// That every file was read.
    ///
    /// # Errors
    /// One was not: it may report anything.
    pub fn all_read(&self) -> Result<(), Hidden> {
        self.unread.first().map_or(Ok(()), |(_, hidden)| Err(hidden.clone()))
    }
}

fn unknown() -> Name {
    let mut name = Name::default();
    name.push_unknown();
    name
}

impl<'a> Reporters<'a> {
    /// One of those that certainly report it for each workflow that they are in.
    pub fn workflows(&self) -> impl Iterator<Item = &'a Reporter> {
        let mut last: Option<&Arc<Workflow>> = None;
        self.certain.iter().copied().filter(move |reporter| {
            let is_new = last.is_none_or(|workflow| !Arc::ptr_eq(workflow, &reporter.workflow));
            last = Some(&reporter.workflow);
            is_new
        })
    }

    /// That no other job may report it.
    ///
    /// # Errors
    /// One may: its name is only known when it runs.
    pub fn no_other(&self, context: &str) -> Result<(), Hidden> {
        self.possible.first().map_or(Ok(()), |reporter| {
            let why = format!("whether {reporter} reports `{context}` is only known when it runs");
            Err(Hidden::new(Cause::Unknown, why))
        })
    }
}

impl std::fmt::Display for Reporter {
    /// Where people find it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "job `")?;
        for caller in self.callers.iter() {
            write!(f, "{caller} / ")?;
        }
        write!(f, "{}` of `{}`", self.job.id, self.path)
    }
}

/// The name of a made-up topic branch, for filters that are for any.
const ANY_TOPIC: &str = "topic";

impl Workflow {
    /// What starts it for a pull request.
    pub fn pull_request_triggers(&self) -> impl Iterator<Item = &Trigger> {
        ["pull_request", "pull_request_target"].into_iter().filter_map(|event| self.triggers.get(event))
    }

    /// What starts it for a push to a topic branch.
    pub fn push_trigger(&self) -> Option<&Trigger> {
        self.triggers.get("push").filter(|push| push.is_for_branch(ANY_TOPIC).unwrap_or(false))
    }

    /// Whether it reports on the heads of pull requests into the branch, when no filter of paths stops it. Possibly where
    /// a filter can't be judged.
    pub fn reports_on_pull_requests(&self, branch: &str) -> Likely {
        if self.push_trigger().is_some() {
            return Likely::Certainly;
        }
        let likely = |trigger: &Trigger| match trigger.is_for_branch(branch) {
            Ok(true) => Likely::Certainly,
            Ok(false) => Likely::No,
            Err(_) => Likely::Possibly,
        };
        self.pull_request_triggers().map(likely).max().unwrap_or(Likely::No)
    }

    /// Whether it reports on what the merge queue of the branch builds.
    ///
    /// # Errors
    /// A filter that can't be judged.
    pub fn reports_in_queue(&self, branch: &str) -> Result<bool, Hidden> {
        if let Some(trigger) = self.triggers.get("merge_group")
            && trigger.is_for_branch(branch)?
        {
            return Ok(true);
        }
        match self.triggers.get("push") {
            Some(push) => push.is_for_branch(&format!("gh-readonly-queue/{branch}/pr-1-0")),
            None => Ok(false),
        }
    }
}

impl Reporter {
    /// How many steps it takes to find out whether what it needs is required.
    ///
    /// # Errors
    /// More, with those `before` it, than are gone.
    pub fn steps(&self, before: usize, jobs: &Jobs) -> Result<usize, Hidden> {
        let steps = before.saturating_add(self.job.needs.len().saturating_mul(jobs.jobs.len()));
        if steps <= MOST_STEPS {
            return Ok(steps);
        }
        let why = format!("to find out what jobs need takes more than the {MOST_STEPS} steps that are gone here");
        Err(Hidden::new(Cause::Partial, why))
    }

    /// Whether the job can be skipped on a pull request under the name it reports otherwise. A skipped matrix job does
    /// not: it reports once, under a name in which nothing is filled in.
    pub fn skips(&self, repository: &str) -> Skips {
        if self.job.matrix != Matrix::None || self.job.uses.is_some() {
            return Skips::Never;
        }
        let event = ["pull_request", "pull_request_target", "push"]
            .into_iter()
            .find(|event| self.workflow.triggers.contains_key(*event))
            .unwrap_or_default();
        let by_condition = self.job.condition.as_deref().map_or(Skips::OnNeeds, |condition| judge(condition, event, repository));
        if by_condition == Skips::OnNeeds && self.job.needs.is_empty() { Skips::Never } else { by_condition }
    }

    /// Whether the job that this one needs is required itself, under every name it reports, so that nothing is merged
    /// when it fails.
    ///
    /// # Errors
    /// Its names are only known when it runs.
    pub fn is_needed_required(&self, needed: &str, jobs: &Jobs, required: &[Required<'_>]) -> Result<bool, Hidden> {
        let of_needed = |other: &&Reporter| {
            let mut chain = other.callers.iter().chain(std::iter::once(&other.job.id));
            other.path == self.path
                && other.callers.iter().take(self.callers.len()).eq(self.callers.iter())
                && chain.nth(self.callers.len()).is_some_and(|id| id == needed)
        };
        let mut unsure = None;
        for other in jobs.jobs.iter().filter(of_needed) {
            for name in &other.names {
                let likely = required.iter().map(|required| name.is(required.context)).max().unwrap_or(Likely::No);
                match likely {
                    Likely::Certainly => {}
                    Likely::No => return Ok(false),
                    Likely::Possibly => {
                        let why = format!("whether {other} is required is only known when it runs");
                        unsure = Some(Hidden::new(Cause::Unknown, why));
                    }
                }
            }
        }
        unsure.map_or(Ok(true), Err)
    }
}

/// When a job is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skips {
    /// Never on a pull request.
    Never,
    /// When a job that it needs does not succeed.
    OnNeeds,
    /// When its condition says so.
    ByCondition,
}

/// What of a condition is certain on the event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Term {
    True,
    RunsAlways,
    Success,
    Failure,
    Unclear,
}

/// A condition of `||` and `&&` over what is certain: the event, the repository, and the state of what came before.
fn judge(condition: &str, event: &str, repository: &str) -> Skips {
    // In parentheses and in texts `||` and `&&` are something else.
    let calls = ["always()", "cancelled()", "failure()", "success()"];
    let rest = calls.iter().fold(condition.to_owned(), |rest, call| rest.replace(call, ""));
    if rest.contains('(') || rest.split('\'').skip(1).step_by(2).any(|text| text.contains(['|', '&'])) {
        return Skips::ByCondition;
    }
    let term = |text: &str| {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let owner = repository.split('/').next().unwrap_or_default();
        let is = |name: &str, value: &str| text == format!("{name}=='{value}'") || text == format!("'{value}'=={name}");
        match text.as_str() {
            "true" => Term::True,
            "always()" | "!cancelled()" => Term::RunsAlways,
            "success()" => Term::Success,
            "failure()" => Term::Failure,
            _ if is("github.event_name", event)
                || is("github.repository", repository)
                || is("github.repository_owner", owner) =>
            {
                Term::True
            }
            text => match text.strip_prefix("github.event_name!='").and_then(|rest| rest.strip_suffix('\'')) {
                Some(other) if other != event && !other.contains('\'') => Term::True,
                _ => Term::Unclear,
            },
        }
    };
    let alternatives: Vec<Vec<Term>> = condition.split("||").map(|part| part.split("&&").map(term).collect()).collect();
    let alone = |wanted: Term| alternatives.iter().any(|terms| terms.as_slice() == [wanted]);
    let certain = |terms: &&Vec<Term>| !terms.iter().any(|term| matches!(term, Term::Unclear | Term::Failure));
    let has_status = calls.iter().any(|call| condition.contains(call));
    if alone(Term::Success) && alone(Term::Failure) {
        return Skips::Never;
    }
    if alternatives.iter().filter(certain).any(|terms| has_status && !terms.contains(&Term::Success)) {
        return Skips::Never;
    }
    if alternatives.iter().any(|terms| certain(&terms)) { Skips::OnNeeds } else { Skips::ByCondition }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_that_are_certain_on_a_pull_request() {
        for (condition, expected) in [
            ("always()", Skips::Never),
            ("!cancelled()", Skips::Never),
            ("success() || failure()", Skips::Never),
            ("always() && github.event_name == 'pull_request'", Skips::Never),
            ("github.actor == 'x' || always()", Skips::Never),
            ("true", Skips::OnNeeds),
            ("success()", Skips::OnNeeds),
            ("github.event_name == 'pull_request'", Skips::OnNeeds),
            ("github.event_name != 'schedule' && github.repository == 'acme/api'", Skips::OnNeeds),
            ("github.repository_owner == 'acme'", Skips::OnNeeds),
            ("failure()", Skips::ByCondition),
            ("false", Skips::ByCondition),
            ("github.event_name != 'pull_request'", Skips::ByCondition),
            ("github.repository == 'acme/other'", Skips::ByCondition),
            ("always() && needs.build.result == 'success'", Skips::ByCondition),
            ("github.event_name != 'a' && github.actor != 'b'", Skips::ByCondition),
            ("!(always())", Skips::ByCondition),
            ("(a || always()) && b", Skips::ByCondition),
            ("(a || always() || c) && b", Skips::ByCondition),
            ("contains('|| always() ||', 'x')", Skips::ByCondition),
            ("x == '|| always() ||'", Skips::ByCondition),
        ] {
            assert_eq!(judge(condition, "pull_request", "acme/api"), expected, "{condition}");
        }
    }
}
