//! Branches and tags, and what was reported on commits.

use serde_json::{Value, json};

use super::super::call::{Answer, Handled, not_found};
use super::super::openapi::route::encode;
use super::super::state::repository::object_name;
use super::super::state::{Reported, Repository, THEN};
use super::view::lay;
use super::{Links, Visit};

pub fn list(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    let wanted = visit.call.query("protected").map(|text| text == "true");
    let found = repository
        .branches
        .iter()
        .filter(|(name, _)| wanted.is_none_or(|wanted| is_protected(visit, repository, name) == wanted));
    visit.list(found, |(name, commit)| short(visit, repository, name, commit))
}

/// Whether a branch is protected by either mechanism: GitHub counts rulesets too.
fn is_protected(visit: &Visit<'_>, repository: &Repository, branch: &str) -> bool {
    let reference = format!("refs/heads/{branch}");
    repository.protection(branch).is_some()
        || visit.state.rulesets_of(repository).any(|ruleset| {
            ruleset.text("target") == "branch"
                && ruleset.text("enforcement") == "active"
                && !ruleset.list("rules").is_empty()
                && ruleset.governs(&reference, &repository.default_branch)
        })
}

fn short(visit: &Visit<'_>, repository: &Repository, name: &str, commit: &str) -> Value {
    let url = visit.links().repository_url(repository);
    let mut value = json!({
        "name": name,
        "commit": { "sha": commit, "url": format!("{url}/commits/{commit}") },
        "protected": is_protected(visit, repository, name),
    });
    // Only those who may push see what protects.
    if visit.viewer.has_role(super::super::permission::Role::Write) {
        let more = json!({ "protection": summary(repository, name), "protection_url": format!("{url}/branches/{}/protection", encode(name)) });
        value = lay(value, more);
    }
    value
}

/// The short form of protection, which knows the classic one only.
fn summary(repository: &Repository, branch: &str) -> Value {
    let protection = repository.protection(branch);
    let checks = protection.and_then(|protection| protection.checks.as_ref());
    let level = match (checks, protection) {
        (None, _) => "off",
        (Some(_), Some(protection)) if protection.enforce_admins => "everyone",
        (Some(_), _) => "non_admins",
    };
    json!({
        "enabled": protection.is_some(),
        "required_status_checks": {
            "enforcement_level": level,
            "contexts": checks.map(|checks| checks.checks.iter().map(|(context, _)| context.clone()).collect::<Vec<_>>()).unwrap_or_default(),
            "checks": checks
                .map(|checks| checks.checks.iter().map(|(context, app)| json!({ "context": context, "app_id": app })).collect::<Vec<_>>())
                .unwrap_or_default(),
        },
    })
}

pub fn get(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    let name = visit.parameter("branch");
    let commit = repository.branches.get(name).ok_or_else(|| super::super::call::refuse(404, "Branch not found"))?;
    let encoded = encode(name);
    let url = visit.links().repository_url(repository);
    Ok(Answer::json(json!({
        "name": name,
        "commit": full_commit(&visit.links(), repository, commit),
        "_links": { "self": format!("{url}/branches/{encoded}"), "html": format!("{}/{}/tree/{encoded}", visit.links().html, repository.full_name()) },
        "protected": is_protected(visit, repository, name),
        "protection": summary(repository, name),
        "protection_url": format!("{url}/branches/{}/protection", encode(name)),
    })))
}

fn full_commit(links: &Links, repository: &Repository, sha: &str) -> Value {
    let url = links.repository_url(repository);
    let html = format!("{}/{}/commit/{sha}", links.html, repository.full_name());
    let person = json!({ "name": "The Octocat", "email": "octocat@example.org", "date": THEN });
    json!({
        "sha": sha,
        "node_id": format!("C_{sha}"),
        "url": format!("{url}/commits/{sha}"),
        "html_url": html,
        "comments_url": format!("{url}/commits/{sha}/comments"),
        "commit": {
            "url": format!("{url}/git/commits/{sha}"),
            "author": person,
            "committer": person,
            "message": "a commit",
            "comment_count": 0,
            "tree": { "sha": object_name(&format!("tree {sha}")), "url": format!("{url}/git/trees/{sha}") },
        },
        "author": null,
        "committer": null,
        "parents": [],
    })
}

pub fn tags(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    let url = visit.links().repository_url(repository);
    visit.list(&repository.tags, |(name, commit)| {
        json!({
            "name": name,
            "commit": { "sha": commit, "url": format!("{url}/commits/{commit}") },
            "zipball_url": format!("{url}/zipball/refs/tags/{}", encode(name)),
            "tarball_url": format!("{url}/tarball/refs/tags/{}", encode(name)),
            "node_id": format!("REF_{name}"),
        })
    })
}

pub fn matching(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    let url = visit.links().repository_url(repository);
    let heads = repository.branches.iter().map(|(name, commit)| (format!("heads/{name}"), commit));
    let tags = repository.tags.iter().map(|(name, commit)| (format!("tags/{name}"), commit));
    let wanted = visit.parameter("ref");
    visit.list(heads.chain(tags).filter(|(name, _)| name.starts_with(wanted)), |(name, commit)| {
        json!({
            "ref": format!("refs/{name}"),
            "node_id": format!("REF_{name}"),
            "url": format!("{url}/git/refs/{}", encode(&name)),
            "object": { "type": "commit", "sha": commit, "url": format!("{url}/git/commits/{commit}") },
        })
    })
}

/// What was reported on a commit, or on the head of a branch.
fn reported<'a>(repository: &'a Repository, reference: &str) -> Result<(String, &'a [Reported]), Box<Answer>> {
    let known = |sha: &str| {
        repository.merged.iter().find(|merged| merged.head == sha).map(|merged| (sha.to_owned(), merged.reported.as_slice()))
    };
    let branch = reference.trim_start_matches("refs/").trim_start_matches("heads/");
    known(reference)
        .or_else(|| repository.branches.get(branch).map(|sha| known(sha).unwrap_or((sha.clone(), &[]))))
        .ok_or_else(|| super::super::call::refuse(404, &format!("No commit found for SHA: {reference}")))
}

pub fn check_runs(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    let (sha, reported) = reported(repository, visit.parameter("ref"))?;
    let url = visit.links().repository_url(repository);
    let runs = reported.iter().enumerate().filter_map(|(index, one)| match one {
        Reported::CheckRun { name, app, .. } => Some((index, name, app.as_deref())),
        Reported::Status { .. } => None,
    });
    visit.counted("check_runs", runs, |(index, name, app)| {
        let app = app.and_then(|slug| visit.state.apps.get(slug)).map_or(Value::Null, |app| visit.links().app(visit.state, app));
        let id = repository.id * 1000 + index as u64;
        json!({
            "id": id, "name": name, "head_sha": sha, "node_id": format!("CR_{id}"), "external_id": "",
            "url": format!("{url}/check-runs/{id}"), "html_url": null, "details_url": null, "status": "completed", "conclusion": "success",
            "started_at": THEN, "completed_at": THEN, "check_suite": { "id": id }, "app": app, "pull_requests": [],
            "output": { "title": null, "summary": null, "text": null, "annotations_count": 0, "annotations_url": format!("{url}/check-runs/{id}/annotations") },
        })
    })
}

pub fn status(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    let (sha, reported) = reported(repository, visit.parameter("ref"))?;
    let url = visit.links().repository_url(repository);
    let statuses: Vec<Value> = reported
        .iter()
        .enumerate()
        .filter_map(|(index, one)| match one {
            Reported::Status { context, .. } => Some(json!({
                "context": context, "id": index, "node_id": format!("SC_{index}"), "state": "success", "description": null, "target_url": null,
                "avatar_url": null, "url": format!("{url}/statuses/{sha}"), "created_at": THEN, "updated_at": THEN,
            })),
            Reported::CheckRun { .. } => None,
        })
        .collect();
    let owner = visit.links().repository(visit.state, visit.viewer, repository);
    Ok(Answer::json(json!({
        "state": if statuses.is_empty() { "pending" } else { "success" },
        "total_count": statuses.len(), "statuses": statuses, "sha": sha, "repository": owner,
        "commit_url": format!("{url}/commits/{sha}"), "url": format!("{url}/commits/{sha}/status"),
    })))
}

pub fn pulls(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    if !matches!(visit.call.query("state"), Some("closed" | "all")) {
        return visit.list(Vec::<Value>::new(), |pull| pull);
    }
    let links = visit.links();
    let url = links.repository_url(repository);
    let owner = links.owner(visit.state, &repository.owner);
    let of = lay(links.repository(visit.state, visit.viewer, repository), Value::Null);
    visit.list(repository.merged.iter().rev(), |merged| {
        let number = merged.number;
        let html = format!("{}/{}/pull/{number}", links.html, repository.full_name());
        let (pull, issue) = (format!("{url}/pulls/{number}"), format!("{url}/issues/{number}"));
        let side = |name: &str, sha: &str| json!({ "label": format!("{}:{name}", repository.owner), "ref": name, "sha": sha, "user": owner, "repo": of });
        let link = |address: &str| json!({ "href": address });
        json!({
            "url": pull, "id": repository.id * 1000 + number, "node_id": format!("PR_{number}"), "html_url": html,
            "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"), "issue_url": issue,
            "commits_url": format!("{pull}/commits"), "review_comments_url": format!("{pull}/comments"),
            "review_comment_url": format!("{url}/pulls/comments{{/number}}"), "comments_url": format!("{issue}/comments"),
            "statuses_url": format!("{url}/statuses/{}", merged.head), "number": number, "state": "closed", "locked": false,
            "title": format!("Change {number}"), "user": owner, "body": null, "labels": [], "milestone": null,
            "created_at": THEN, "updated_at": THEN, "closed_at": THEN, "merged_at": THEN, "merge_commit_sha": merged.head,
            "assignee": null, "assignees": [], "requested_reviewers": [], "requested_teams": [],
            "head": side("topic", &merged.head), "base": side(&merged.base, &object_name(&merged.base)),
            "_links": {
                "comments": link(&format!("{issue}/comments")), "commits": link(&format!("{pull}/commits")),
                "statuses": link(&format!("{url}/statuses/{}", merged.head)), "html": link(&html), "issue": link(&issue),
                "review_comments": link(&format!("{pull}/comments")), "review_comment": link(&format!("{url}/pulls/comments{{/number}}")),
                "self": link(&pull),
            },
            "author_association": "MEMBER", "auto_merge": null, "draft": false,
        })
    })
}

/// A commit by branch, tag or name.
pub fn exists(repository: &Repository, reference: &str) -> Result<(), Box<Answer>> {
    let known = repository.branches.contains_key(reference) || repository.tags.contains_key(reference) || reference == "HEAD";
    if known { Ok(()) } else { Err(not_found()) }
}
