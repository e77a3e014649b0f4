//! What single checks need of a repository beyond the index.

use crate::github::part::{Part, Parts};
use crate::github::people::{Collaborator, DeployKey};
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::{
    Codeowners, CodeownersError, Environment, MergedPullRequest, Release, ReportedCheck, Repository, WorkflowFile,
};

use super::people;
use super::place::{Page, Place};

/// A list that goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum More {
    /// Branches, by name.
    Branches(Page<String>),
    /// Tags, by name.
    Tags(Page<String>),
    /// Who has access.
    Collaborators(Page<Collaborator>),
}

/// Fills in what was asked for. Lists that go on are hidden until all of them was read.
pub fn fill(repository: &mut Repository, place: &Place<'_>, parts: &Parts) -> Vec<More> {
    let mut more = Vec::new();
    if parts.has(Part::Codeowners) {
        repository.codeowners = codeowners(place).into();
    }
    if parts.has(Part::Workflows) {
        repository.workflows = workflows(&place.field("workflows")).into();
    }
    if parts.has(Part::Refs) {
        repository.branches = list(refs(&place.field("branches")), "branches", More::Branches, &mut more);
        repository.tags = list(refs(&place.field("tags")), "tags", More::Tags, &mut more);
    }
    if parts.has(Part::Releases) {
        // The newest are enough: no list is promised.
        repository.releases = place.field("releases").page("nodes", |node| Ok(release(node))).map(|page| page.items).into();
    }
    if parts.has(Part::Reported) {
        let place = place.field("mergedPullRequests");
        let merged = place.page("nodes", |node| Ok(merged(node)));
        let total = merged.as_ref().map_err(Hidden::clone).and_then(|page| page.total.ok_or_else(|| place.absent()));
        repository.merged_pull_requests = total.into();
        repository.reported = merged.map(|page| page.items).into();
    }
    if parts.has(Part::People) {
        let page = collaborators(&place.field("collaborators"));
        repository.collaborators = list(page, "people", More::Collaborators, &mut more);
    }
    if parts.has(Part::Keys) {
        let page = place.field("deployKeys").page("nodes", |node| Ok(deploy_key(node)));
        // As with classic protection: to whoever does not administer, the list looks empty.
        repository.deploy_keys = match page {
            Ok(page) if page.items.is_empty() && !repository.viewer_administers => Readable::Hidden(
                place
                    .hidden(Cause::NotPermitted, "deploy keys are shown only to those who administer the repository")
                    .needs("administration=read"),
            ),
            Ok(page) => page.complete("deploy keys"),
            Err(hidden) => Readable::Hidden(hidden.needs("administration=read")),
        };
    }
    if parts.has(Part::Environments) {
        let page = place.field("environments").page("nodes", environment);
        repository.environments = match page {
            Ok(page) => page.complete("environments"),
            Err(hidden) => Readable::Hidden(hidden),
        };
    }
    more
}

fn list<T: Clone>(
    page: Result<Page<T>, Hidden>,
    what: &str,
    more: impl Fn(Page<T>) -> More,
    found: &mut Vec<More>,
) -> Readable<Vec<T>> {
    match page {
        Ok(page) => {
            if page.next.is_some() {
                found.push(more(page.clone()));
            }
            page.complete(what)
        }
        Err(hidden) => Readable::Hidden(hidden),
    }
}

/// The part that a field of the query belongs to.
pub fn part_of(field: &str) -> Option<Part> {
    Some(match field {
        "codeowners" | "codeownersInGithub" | "codeownersInRoot" | "codeownersInDocs" => Part::Codeowners,
        "workflows" => Part::Workflows,
        "branches" | "tags" => Part::Refs,
        "releases" => Part::Releases,
        "mergedPullRequests" => Part::Reported,
        "collaborators" => Part::People,
        "deployKeys" => Part::Keys,
        "environments" => Part::Environments,
        _ => return None,
    })
}

/// Hides whatever was asked for, because nothing of it was read.
pub fn hide(repository: &mut Repository, parts: &Parts, hidden: &Hidden) {
    fn hide<T>(field: &mut Readable<T>, part: Part, parts: &Parts, hidden: &Hidden) {
        if parts.has(part) {
            let mut hidden = hidden.clone();
            if hidden.cause == Cause::NotPermitted {
                hidden.permission.get_or_insert_with(|| part.permission().to_owned());
            }
            *field = Readable::Hidden(hidden);
        }
    }
    hide(&mut repository.codeowners, Part::Codeowners, parts, hidden);
    hide(&mut repository.workflows, Part::Workflows, parts, hidden);
    hide(&mut repository.branches, Part::Refs, parts, hidden);
    hide(&mut repository.tags, Part::Refs, parts, hidden);
    hide(&mut repository.releases, Part::Releases, parts, hidden);
    hide(&mut repository.reported, Part::Reported, parts, hidden);
    hide(&mut repository.merged_pull_requests, Part::Reported, parts, hidden);
    hide(&mut repository.collaborators, Part::People, parts, hidden);
    hide(&mut repository.deploy_keys, Part::Keys, parts, hidden);
    hide(&mut repository.environments, Part::Environments, parts, hidden);
}

/// One page of branches or tags.
///
/// # Errors
/// There is none.
pub fn refs(connection: &Place<'_>) -> Result<Page<String>, Hidden> {
    connection.page("nodes", |node| node.text("name").map(str::to_owned).ok_or_else(|| node.absent()))
}

/// One page of those who have access.
///
/// # Errors
/// There is none.
pub fn collaborators(connection: &Place<'_>) -> Result<Page<Collaborator>, Hidden> {
    connection.page("edges", people::collaborator).map_err(|hidden| hidden.needs("metadata=read and push access"))
}

fn codeowners(place: &Place<'_>) -> Result<Option<Codeowners>, Hidden> {
    for (field, path) in [
        ("codeownersInGithub", ".github/CODEOWNERS"),
        ("codeownersInRoot", "CODEOWNERS"),
        ("codeownersInDocs", "docs/CODEOWNERS"),
    ] {
        let object = place.field(field);
        if let Some(hidden) = object.trouble() {
            return Err(hidden);
        }
        // A folder of that name is no file of owners.
        if object.text("__typename") != Some("Blob") {
            continue;
        }
        let errors = place.field("codeowners");
        let errors = match (errors.trouble(), errors.field("errors").value().is_array()) {
            (Some(hidden), _) => Readable::Hidden(hidden),
            (None, false) => Readable::Hidden(errors.absent()),
            (None, true) => Readable::Known(errors.field("errors").entries().map(|error| codeowners_error(&error)).collect()),
        };
        return Ok(Some(Codeowners { path: path.to_owned(), text: blob(&object), errors }));
    }
    Ok(None)
}

fn codeowners_error(place: &Place<'_>) -> CodeownersError {
    CodeownersError {
        line: place.number("line").unwrap_or(0),
        kind: place.text("kind").unwrap_or_default().to_owned(),
        message: place.text("message").unwrap_or_default().to_owned(),
    }
}

fn workflows(folder: &Place<'_>) -> Result<Vec<WorkflowFile>, Hidden> {
    if let Some(hidden) = folder.trouble_outside(&["entries"]) {
        return Err(hidden);
    }
    let entries = folder.field("entries");
    let mut files = Vec::new();
    for entry in entries.entries() {
        let name = entry.text("name").unwrap_or_default();
        if entry.text("type") == Some("blob") && (name.ends_with(".yml") || name.ends_with(".yaml")) {
            files.push(WorkflowFile { path: format!(".github/workflows/{name}"), text: blob(&entry.field("object")) });
        }
    }
    if entries.value().is_null() { entries.trouble().map_or(Ok(files), Err) } else { Ok(files) }
}

fn blob(place: &Place<'_>) -> Readable<String> {
    if let Err(hidden) = place.whole() {
        Readable::Hidden(hidden)
    } else if place.truth("isTruncated") {
        Readable::Hidden(place.hidden(Cause::Partial, "the file is too large to be shown as a whole"))
    } else if let Some(text) = place.text("text") {
        Readable::Known(text.to_owned())
    } else {
        Readable::Hidden(place.hidden(Cause::Unknown, "the file is no text"))
    }
}

fn release(place: &Place<'_>) -> Release {
    Release {
        tag: place.text("tagName").unwrap_or_default().to_owned(),
        target: Readable::not_asked(),
        draft: place.truth("isDraft"),
        prerelease: place.truth("isPrerelease"),
    }
}

fn merged(place: &Place<'_>) -> MergedPullRequest {
    let commits = place.field("commits");
    let rollup = commits.field("nodes").entry(0).field("commit").field("statusCheckRollup");
    let checks = match commits.trouble() {
        Some(hidden) => Readable::Hidden(hidden),
        // A commit that nothing was reported for has no roll-up.
        None if rollup.value().is_null() => Readable::Known(Vec::new()),
        None => match rollup.field("contexts").page("nodes", |node| Ok(reported(node))) {
            Ok(page) => page.complete("checks"),
            Err(hidden) => Readable::Hidden(hidden),
        },
    };
    MergedPullRequest {
        number: place.number("number").unwrap_or(0),
        base: place.text("baseRefName").unwrap_or_default().to_owned(),
        checks,
    }
}

fn reported(place: &Place<'_>) -> ReportedCheck {
    let suite = place.field("checkSuite");
    let app = suite.field("app");
    let name = if place.text("__typename") == Some("StatusContext") { "context" } else { "name" };
    ReportedCheck {
        context: place.text(name).unwrap_or_default().to_owned(),
        app_id: app.number("databaseId"),
        app: app.text("slug").map(str::to_owned),
        workflow: suite.field("workflowRun").field("workflow").text("name").map(str::to_owned),
    }
}

fn deploy_key(place: &Place<'_>) -> DeployKey {
    DeployKey {
        title: place.text("title").unwrap_or_default().to_owned(),
        read_only: place.truth("readOnly"),
        // Older servers have no switch: their keys are on.
        enabled: place.value().get("enabled").and_then(serde_json::Value::as_bool).unwrap_or(true),
    }
}

fn environment(place: &Place<'_>) -> Result<Environment, Hidden> {
    let mut environment = Environment {
        name: place.text("name").unwrap_or_default().to_owned(),
        reviewers: Vec::new(),
        prevents_self_review: false,
        has_branch_policy: false,
        wait_timer: 0,
    };
    let rules = place.field("protectionRules");
    rules.page("nodes", |_| Ok(()))?.complete("protection rules of an environment").read().map_err(Hidden::clone)?;
    for rule in rules.field("nodes").entries() {
        match rule.text("type") {
            Some("WAIT_TIMER") => environment.wait_timer = rule.number("timeout").unwrap_or(0),
            Some("BRANCH_POLICY") => environment.has_branch_policy = true,
            Some("REQUIRED_REVIEWERS") => {
                environment.prevents_self_review |= rule.truth("preventSelfReview");
                for reviewer in rule.field("reviewers").field("nodes").entries() {
                    environment.reviewers.push(people::actor(&reviewer).to_string());
                }
            }
            _ => {}
        }
    }
    Ok(environment)
}
