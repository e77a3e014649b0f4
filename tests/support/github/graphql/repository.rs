//! Repositories and what is in them.

use apollo_compiler::response::{JsonMap, JsonValue};
use serde_json::{Map, Value};

use super::super::fault::Quirk;
use super::super::permission::{Level, Permission, Role};
use super::super::state::repository::{Door, object_name};
use super::super::state::{Collaborator, MergedPullRequest, Reported, Repository, Source};
use super::View;
use super::object::{Connection, Object, Resolved, argument, error, forbidden, leaf, list, maybe, null, unknown};
use super::{people, protection, root, ruleset};

pub fn repository<'a>(view: &'a View<'a>, repository: &'a Repository) -> Object<'a> {
    Object::new(view, "Repository", move |field, arguments| match field {
        "id" => leaf(format!("R_{}", repository.id)),
        "databaseId" => leaf(repository.id),
        "nameWithOwner" => leaf(repository.full_name()),
        "visibility" => leaf(repository.visibility.name().to_uppercase()),
        "isArchived" => leaf(repository.archived),
        "isDisabled" => leaf(repository.disabled),
        "isEmpty" => leaf(repository.is_empty()),
        "isFork" => leaf(repository.fork),
        "isTemplate" => leaf(repository.template),
        "viewerPermission" => leaf(view.role().name().to_uppercase()),
        "viewerCanAdminister" => leaf(view.role() == Role::Admin),
        "mergeCommitAllowed" => leaf(repository.merge_commit_allowed),
        "squashMergeAllowed" => leaf(repository.squash_merge_allowed),
        "rebaseMergeAllowed" => leaf(repository.rebase_merge_allowed),
        "autoMergeAllowed" => leaf(repository.auto_merge_allowed),
        "deleteBranchOnMerge" => leaf(repository.delete_branch_on_merge),
        "repositoryTopics" => {
            let items = repository.topics.iter().collect();
            Connection { view, kind: "RepositoryTopicConnection", items }.page(arguments, move |name| topic(view, name))
        }
        "defaultBranchRef" => match repository.branches.get_key_value(&repository.default_branch) {
            Some((name, _)) => branch(view, repository, name).value(),
            None => null(),
        },
        "branchProtectionRules" => {
            if repository.hides_protections || !view.administers() && view.shared.has(Quirk::GraphqlForbidsProtections) {
                return forbidden(view);
            }
            let shown = view.administers() && !repository.needs_upgrade;
            let items = if shown { repository.protections.iter().collect() } else { Vec::new() };
            let connection = Connection { view, kind: "BranchProtectionRuleConnection", items };
            connection.page(arguments, move |rule| protection::protection(view, repository, rule))
        }
        "rulesets" => {
            let parents = arguments.get("includeParents").and_then(JsonValue::as_bool).unwrap_or(true);
            let own = Source::Repository(repository.id);
            let mut items =
                view.state.rulesets_of(repository).filter(|ruleset| parents || ruleset.source == own).collect::<Vec<_>>();
            if repository.needs_upgrade || view.shared.has(Quirk::WithoutRulesets) {
                items.clear();
            }
            Connection { view, kind: "RepositoryRulesetConnection", items }
                .page(arguments, move |found| ruleset::ruleset(view, found))
        }
        "ruleset" => {
            let id = arguments.get("databaseId").and_then(JsonValue::as_u64);
            root::optional(view.state.rulesets_of(repository).find(|ruleset| Some(ruleset.id) == id), |found| {
                ruleset::ruleset(view, found)
            })
        }
        "codeowners" | "object" if !view.allows(Permission::Contents, Level::Read) => forbidden(view),
        "codeowners" => codeowners(view, repository),
        "object" => object(view, repository, argument(arguments, "expression").unwrap_or_default()),
        "ref" | "mergeQueue" if !view.allows(Permission::Contents, Level::Read) => forbidden(view),
        "ref" => {
            let name = argument(arguments, "qualifiedName").unwrap_or_default().trim_start_matches("refs/heads/");
            root::optional(repository.branches.get_key_value(name), |(name, _)| branch(view, repository, name))
        }
        "mergeQueue" => {
            let name = argument(arguments, "branch").unwrap_or(&repository.default_branch).to_owned();
            maybe(has_merge_queue(view, repository, &name).then(|| merge_queue(view, repository, name)))
        }
        "refs" => refs(view, repository, arguments),
        "releases" => {
            let items = repository.releases.iter().rev().collect();
            Connection { view, kind: "ReleaseConnection", items }.page(arguments, move |one| release(view, one))
        }
        "pullRequests" if !view.allows(Permission::PullRequests, Level::Read) => forbidden(view),
        "pullRequests" => {
            let items = repository.merged.iter().rev().collect();
            Connection { view, kind: "PullRequestConnection", items }
                .page(arguments, move |one| pull_request(view, repository, one))
        }
        "collaborators" => collaborators(view, repository, arguments),
        "deployKeys" if !view.administers() => forbidden(view),
        "deployKeys" => {
            let items = repository.keys.iter().collect();
            Connection { view, kind: "DeployKeyConnection", items }.page(arguments, move |one| key(view, one))
        }
        "environments" if !view.allows(Permission::Actions, Level::Read) => forbidden(view),
        "environments" => {
            let items = repository.environments.iter().collect();
            Connection { view, kind: "EnvironmentConnection", items }
                .page(arguments, move |one| environment(view, repository, one))
        }
        _ => unknown("Repository", field),
    })
}

/// Whether anything asks for a merge queue of a branch that exists: its classic rule, or a ruleset.
fn has_merge_queue(view: &View<'_>, repository: &Repository, branch: &str) -> bool {
    let reference = format!("refs/heads/{branch}");
    let asks = |ruleset: &super::super::state::Ruleset| {
        ruleset.text("enforcement") == "active"
            && ruleset.governs(&reference, &repository.default_branch)
            && ruleset.list("rules").iter().any(|rule| rule["type"] == "merge_queue")
    };
    repository.branches.contains_key(branch)
        && (repository.has_classic_queue(branch) || view.state.rulesets_of(repository).any(asks))
}

fn merge_queue<'a>(view: &'a View<'a>, repository: &'a Repository, branch: String) -> Object<'a> {
    Object::new(view, "MergeQueue", move |field, _| match field {
        "id" => leaf(format!("MQ_{}_{branch}", repository.id)),
        _ => unknown("MergeQueue", field),
    })
}

fn topic<'a>(view: &'a View<'a>, name: &'a str) -> Object<'a> {
    Object::new(view, "RepositoryTopic", move |field, _| match field {
        "id" => leaf(format!("RT_{name}")),
        "topic" => Object::new(view, "Topic", move |field, _| match field {
            "id" => leaf(format!("TP_{name}")),
            "name" => leaf(name),
            _ => unknown("Topic", field),
        })
        .value(),
        _ => unknown("RepositoryTopic", field),
    })
}

pub fn branch<'a>(view: &'a View<'a>, repository: &'a Repository, name: &'a str) -> Object<'a> {
    reference(view, repository, "refs/heads/", name)
}

fn reference<'a>(view: &'a View<'a>, repository: &'a Repository, prefix: &'a str, name: &'a str) -> Object<'a> {
    Object::new(view, "Ref", move |field, _| {
        let names = if prefix == "refs/tags/" { &repository.tags } else { &repository.branches };
        match field {
            "id" => leaf(format!("REF_{}_{name}", repository.id)),
            "name" => leaf(name),
            "target" => root::optional(names.get(name), |oid| commit(view, repository, oid)),
            "branchProtectionRule" => {
                let found = repository.protection(name).filter(|_| view.administers() && prefix == "refs/heads/");
                root::optional(found, |rule| protection::protection(view, repository, rule))
            }
            _ => unknown("Ref", field),
        }
    })
}

fn refs<'a>(view: &'a View<'a>, repository: &'a Repository, arguments: &JsonMap) -> Resolved<'a> {
    let prefix = argument(arguments, "refPrefix").unwrap_or_default();
    let (names, prefix) = match prefix {
        "refs/heads/" => (&repository.branches, "refs/heads/"),
        "refs/tags/" => (&repository.tags, "refs/tags/"),
        _ => return null(),
    };
    let items = names.keys().map(String::as_str).collect();
    Connection { view, kind: "RefConnection", items }.page(arguments, move |name| reference(view, repository, prefix, name))
}

fn commit<'a>(view: &'a View<'a>, repository: &'a Repository, oid: &'a str) -> Object<'a> {
    Object::new(view, "Commit", move |field, _| match field {
        "id" => leaf(format!("C_{oid}")),
        "oid" => leaf(oid),
        "statusCheckRollup"
            if !view.allows(Permission::Checks, Level::Read) || !view.allows(Permission::Statuses, Level::Read) =>
        {
            forbidden(view)
        }
        "statusCheckRollup" => {
            let merged = repository.merged.iter().find(|merged| merged.head == oid && !merged.reported.is_empty());
            root::optional(merged, |merged| rollup(view, merged))
        }
        _ => unknown("Commit", field),
    })
}

fn rollup<'a>(view: &'a View<'a>, merged: &'a MergedPullRequest) -> Object<'a> {
    Object::new(view, "StatusCheckRollup", move |field, arguments| match field {
        "id" => leaf(format!("SCR_{}", merged.head)),
        "contexts" => {
            let items = merged.reported.iter().collect();
            Connection { view, kind: "StatusCheckRollupContextConnection", items }.page(arguments, move |one| reported(view, one))
        }
        _ => unknown("StatusCheckRollup", field),
    })
}

fn reported<'a>(view: &'a View<'a>, one: &'a Reported) -> Object<'a> {
    match one {
        Reported::Status { context, creator } => Object::new(view, "StatusContext", move |field, _| match field {
            "id" => leaf(format!("SC_{context}")),
            "context" => leaf(context.clone()),
            "creator" => root::optional(creator.as_deref(), |login| people::user(view, login)),
            _ => unknown("StatusContext", field),
        }),
        Reported::CheckRun { name, app, workflow, event } => Object::new(view, "CheckRun", move |field, _| match field {
            "id" => leaf(format!("CR_{name}")),
            "name" => leaf(name.clone()),
            "checkSuite" => Object::new(view, "CheckSuite", move |field, _| match field {
                "id" => leaf(format!("CS_{name}")),
                "app" => root::optional(app.as_ref().and_then(|slug| view.state.apps.get(slug)), |app| people::app(view, app)),
                "workflowRun" => root::optional(workflow.as_deref(), |workflow| run(view, workflow, event)),
                _ => unknown("CheckSuite", field),
            })
            .value(),
            _ => unknown("CheckRun", field),
        }),
    }
}

fn run<'a>(view: &'a View<'a>, workflow: &'a str, event: &'a str) -> Object<'a> {
    Object::new(view, "WorkflowRun", move |field, _| match field {
        "id" => leaf(format!("WFR_{workflow}")),
        "event" => leaf(event),
        "workflow" => Object::new(view, "Workflow", move |field, _| match field {
            "id" => leaf(format!("W_{workflow}")),
            "name" => leaf(workflow),
            _ => unknown("Workflow", field),
        })
        .value(),
        _ => unknown("WorkflowRun", field),
    })
}

fn pull_request<'a>(view: &'a View<'a>, repository: &'a Repository, merged: &'a MergedPullRequest) -> Object<'a> {
    Object::new(view, "PullRequest", move |field, arguments| match field {
        "id" => leaf(format!("PR_{}_{}", repository.id, merged.number)),
        "number" => leaf(merged.number),
        "baseRefName" => leaf(merged.base.clone()),
        "headRefOid" => leaf(merged.head.clone()),
        "commits" => Connection { view, kind: "PullRequestCommitConnection", items: vec![()] }.page(arguments, move |()| {
            Object::new(view, "PullRequestCommit", move |field, _| match field {
                "id" => leaf(format!("PRC_{}", merged.head)),
                "commit" => commit(view, repository, &merged.head).value(),
                _ => unknown("PullRequestCommit", field),
            })
        }),
        _ => unknown("PullRequest", field),
    })
}

fn codeowners<'a>(view: &'a View<'a>, repository: &'a Repository) -> Resolved<'a> {
    let places = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];
    let present = places.iter().any(|path| repository.file("HEAD", path).is_some());
    maybe(present.then(|| {
        Object::new(view, "RepositoryCodeowners", move |field, _| match field {
            "errors" => list(&repository.codeowners_errors, move |error| {
                Object::new(view, "RepositoryCodeownersError", move |field, _| leaf(error[field].clone()))
            }),
            _ => unknown("RepositoryCodeowners", field),
        })
    }))
}

/// `HEAD:docs/CODEOWNERS`: a file or a folder of a branch.
fn object<'a>(view: &'a View<'a>, repository: &'a Repository, expression: &str) -> Resolved<'a> {
    let Some((reference, path)) = expression.split_once(':') else {
        let name = if expression == "HEAD" { &repository.default_branch } else { expression.trim_start_matches("refs/heads/") };
        return root::optional(repository.branches.get(name), |oid| commit(view, repository, oid));
    };
    let reference = reference.trim_start_matches("refs/heads/").to_owned();
    maybe(entry(view, repository, reference, path.trim_matches('/').to_owned()))
}

fn entry<'a>(view: &'a View<'a>, repository: &'a Repository, reference: String, path: String) -> Option<Object<'a>> {
    if let Some(text) = repository.file(&reference, &path) {
        return Some(blob(view, path, text));
    }
    repository.folder(&reference, &path)?;
    Some(Object::new(view, "Tree", move |field, _| match field {
        "id" | "oid" => leaf(object_name(&format!("tree {path}"))),
        "entries" => {
            let (reference, path) = (reference.clone(), path.clone());
            list(repository.folder(&reference, &path).unwrap_or_default(), move |(name, is_folder)| {
                let (reference, path) = (reference.clone(), format!("{path}/{name}").trim_start_matches('/').to_owned());
                Object::new(view, "TreeEntry", move |field, _| match field {
                    "name" => leaf(name),
                    "type" => leaf(if is_folder { "tree" } else { "blob" }),
                    "object" => maybe(entry(view, repository, reference.clone(), path.clone())),
                    _ => unknown("TreeEntry", field),
                })
            })
        }
        _ => unknown("Tree", field),
    }))
}

/// GraphQL gives no more than the first 512 KB of a text.
fn blob<'a>(view: &'a View<'a>, path: String, text: &'a str) -> Object<'a> {
    Object::new(view, "Blob", move |field, _| match field {
        "id" | "oid" => leaf(object_name(&format!("{path} {text}"))),
        "text" => leaf(text.chars().take(512 << 10).collect::<String>()),
        "byteSize" => leaf(text.len()),
        "isTruncated" => leaf(text.len() > 512 << 10),
        "isBinary" => leaf(false),
        _ => unknown("Blob", field),
    })
}

fn release<'a>(view: &'a View<'a>, release: &'a Map<String, Value>) -> Object<'a> {
    Object::new(view, "Release", move |field, _| match field {
        "id" => leaf(format!("RE_{}", release["id"])),
        "tagName" => leaf(release["tag_name"].clone()),
        "isDraft" => leaf(release["draft"].clone()),
        "isPrerelease" => leaf(release["prerelease"].clone()),
        "createdAt" => leaf(release["created_at"].clone()),
        _ => unknown("Release", field),
    })
}

fn key<'a>(view: &'a View<'a>, key: &'a Map<String, Value>) -> Object<'a> {
    Object::new(view, "DeployKey", move |field, _| match field {
        "id" => leaf(format!("DK_{}", key["id"])),
        "title" => leaf(key["title"].clone()),
        "readOnly" => leaf(key["read_only"].clone()),
        "verified" => leaf(key["verified"].clone()),
        "enabled" => leaf(key.get("enabled").cloned().unwrap_or(Value::Bool(true))),
        "createdAt" => leaf(key["created_at"].clone()),
        _ => unknown("DeployKey", field),
    })
}

fn environment<'a>(view: &'a View<'a>, repository: &'a Repository, environment: &'a Map<String, Value>) -> Object<'a> {
    Object::new(view, "Environment", move |field, arguments| match field {
        "id" => leaf(format!("EN_{}", environment["id"])),
        "name" => leaf(environment["name"].clone()),
        "protectionRules" => {
            let items = environment
                .get("protection_rules")
                .and_then(Value::as_array)
                .map(|rules| rules.iter().collect())
                .unwrap_or_default();
            Connection { view, kind: "DeploymentProtectionRuleConnection", items }
                .page(arguments, move |rule| gate(view, repository, rule))
        }
        _ => unknown("Environment", field),
    })
}

fn gate<'a>(view: &'a View<'a>, repository: &'a Repository, rule: &'a Value) -> Object<'a> {
    Object::new(view, "DeploymentProtectionRule", move |field, arguments| match field {
        "type" => leaf(rule["type"].as_str().unwrap_or_default().to_uppercase()),
        "timeout" => leaf(rule["wait_timer"].as_u64().unwrap_or(0)),
        "preventSelfReview" => leaf(rule["prevent_self_review"].clone()),
        "reviewers" => {
            let reviewers = rule["reviewers"].as_array().map(Vec::as_slice).unwrap_or_default();
            let known = |reviewer: &&Value| match reviewer["type"].as_str() {
                Some("Team") => view.state.team(&repository.owner, reviewer["reviewer"].as_str().unwrap_or_default()).is_some(),
                _ => true,
            };
            let items = reviewers.iter().filter(known).collect();
            Connection { view, kind: "DeploymentReviewerConnection", items }.page(arguments, move |reviewer: &Value| {
                let name = reviewer["reviewer"].as_str().unwrap_or_default();
                people::team_of(view, &repository.owner, name)
                    .filter(|_| reviewer["type"] == "Team")
                    .unwrap_or_else(|| people::user(view, name))
            })
        }
        _ => unknown("DeploymentProtectionRule", field),
    })
}

fn collaborators<'a>(view: &'a View<'a>, repository: &'a Repository, arguments: &JsonMap) -> Resolved<'a> {
    if !view.viewer.has_role(Role::Write) {
        return Err(error("FORBIDDEN", "Must have push access to view repository collaborators."));
    }
    let items = repository.collaborators.iter().collect();
    let node = move |one: &'a Collaborator| people::user(view, &one.login);
    let edge = move |one: &'a Collaborator| {
        Object::new(view, "RepositoryCollaboratorEdge", move |field, _| match field {
            "node" => people::user(view, &one.login).value(),
            "permission" => leaf(one.role.name().to_uppercase()),
            "permissionSources" => list(&one.doors, move |door| source(view, repository, door)),
            _ => unknown("RepositoryCollaboratorEdge", field),
        })
    };
    Connection { view, kind: "RepositoryCollaboratorConnection", items }.page_with_edges(arguments, node, edge)
}

fn source<'a>(view: &'a View<'a>, repository: &'a Repository, door: &'a Door) -> Object<'a> {
    let role = match door {
        Door::Repository(role) | Door::Team(_, role) | Door::Organization(role) => *role,
    };
    Object::new(view, "PermissionSource", move |field, _| match field {
        "permission" => leaf(role.coarse()),
        "roleName" => leaf(role.name()),
        "source" => match door {
            Door::Repository(_) => self::repository(view, repository).value(),
            Door::Team(slug, _) => maybe(people::team_of(view, &repository.owner, slug)),
            Door::Organization(_) => {
                root::optional(view.state.organization(&repository.owner), |found| people::organization(view, found))
            }
        },
        _ => unknown("PermissionSource", field),
    })
}
