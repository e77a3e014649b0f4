//! Reading owners and repositories: what it costs, what is hidden, and what is never left out silently.

mod bed;

use std::sync::atomic::{AtomicUsize, Ordering};

use refwarden::github::client::{Client, Credentials, Host, Options, Token};
use refwarden::github::live::Reader;
use refwarden::github::repository::Repository;
use refwarden::github::ruleset::Level;
use refwarden::github::{Cause, Class, Inventory, Part, Parts, Selection};
use serde_json::{Value, json};

use crate::support::clock::leaping;
use crate::support::wire::{Reply, Seen, Wire, reply};

fn client(wire: &Wire) -> Client {
    let options = Options { clock: leaping(), ..Options::default() };
    Client::new(Host::parse(&wire.url).unwrap(), Credentials::Token(Token::new("ghp_x").unwrap()), options).unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// Reads, sorted by name.
fn read(wire: &Wire, selection: &Selection, parts: &Parts) -> (Vec<Repository>, Inventory, Client) {
    run(async {
        let client = client(wire);
        let mut all = Vec::new();
        let inventory = Reader::new(&client).repositories(selection, parts, |repository| all.push(repository)).await;
        all.sort_by_key(|repository| repository.full_name());
        (all, inventory, client)
    })
}

fn acme() -> Selection {
    Selection::owner("acme").unwrap()
}

/// A repository as the index has it.
fn node(number: usize) -> Value {
    json!({
        "id": format!("R_{number}"), "databaseId": number, "nameWithOwner": format!("acme/r{number:04}"), "visibility": "PRIVATE",
        "isArchived": number % 2 == 1, "isDisabled": false, "isEmpty": false, "isFork": false, "isTemplate": false,
        "viewerPermission": "ADMIN", "viewerCanAdminister": true, "mergeCommitAllowed": true, "squashMergeAllowed": true,
        "rebaseMergeAllowed": false, "autoMergeAllowed": false, "deleteBranchOnMerge": false,
        "repositoryTopics": {"totalCount": 1, "nodes": [{"topic": {"name": if number.is_multiple_of(3) { "prod" } else { "test" }}}]},
        "defaultBranchRef": {"name": "main", "target": {"oid": "0"}, "branchProtectionRule": null},
        "branchProtectionRules": connection(vec![protection("main", connection(Vec::new(), None))], None),
        "rulesets": connection(vec![ruleset(1, "Organization")], None),
    })
}

fn connection(nodes: Vec<Value>, next: Option<(&str, usize)>) -> Value {
    let total = next.map_or(nodes.len(), |(_, total)| total);
    let info = json!({"hasNextPage": next.is_some(), "endCursor": next.map(|(cursor, _)| cursor)});
    json!({"totalCount": total, "pageInfo": info, "nodes": nodes})
}

fn user(name: &str) -> Value {
    json!({"actor": {"__typename": "User", "databaseId": 3, "login": name}})
}

fn protection(pattern: &str, bypass: Value) -> Value {
    json!({
        "id": format!("BPR_{pattern}"), "databaseId": 1, "pattern": pattern, "creator": {"login": "alice"},
        "isAdminEnforced": true, "requiresStatusChecks": true, "requiresStrictStatusChecks": false,
        "requiredStatusChecks": [{"context": "ci", "app": {"databaseId": 15368, "slug": "github-actions"}}],
        "requiresApprovingReviews": true, "requiredApprovingReviewCount": 2, "dismissesStaleReviews": true,
        "requiresCodeOwnerReviews": false, "requireLastPushApproval": false, "restrictsReviewDismissals": false,
        "requiresCommitSignatures": false, "requiresLinearHistory": false, "requiresConversationResolution": false,
        "requiresDeployments": false, "requiredDeploymentEnvironments": null, "allowsForcePushes": false,
        "allowsDeletions": false, "blocksCreations": false, "restrictsPushes": false, "lockBranch": false,
        "lockAllowsFetchAndMerge": false,
        "branchProtectionRuleConflicts": {"totalCount": 0, "nodes": []},
        "pushAllowances": connection(Vec::new(), None), "bypassPullRequestAllowances": bypass,
        "bypassForcePushAllowances": connection(Vec::new(), None), "reviewDismissalAllowances": connection(Vec::new(), None),
    })
}

fn ruleset(id: u64, level: &str) -> Value {
    let source = if level == "Organization" {
        json!({"__typename": level, "login": "acme"})
    } else {
        json!({"__typename": level, "nameWithOwner": "acme/r0000"})
    };
    json!({"id": format!("RRS_{id}"), "databaseId": id, "name": "base", "target": "BRANCH", "enforcement": "ACTIVE",
        "updatedAt": "2026-01-01T00:00:00Z", "source": source})
}

fn ruleset_content(id: u64, level: &str) -> Value {
    json!({"id": id, "name": "base", "target": "branch", "source_type": level, "source": "acme", "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "bypass_actors": [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}],
        "rules": [{"type": "deletion"}, {"type": "brand_new", "parameters": {"x": 1}}]})
}

fn variables(seen: &Seen) -> (String, Value) {
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    (body["operationName"].as_str().unwrap().to_owned(), body["variables"].clone())
}

fn data(data: Value) -> Reply {
    let mut data = data;
    data["rateLimit"] =
        json!({"cost": 14, "limit": 5000, "remaining": 4000, "used": 1, "resetAt": "2026-01-01T00:00:00Z", "nodeCount": 1});
    reply(200, &json!({"data": data}).to_string())
}

fn page(seen: &Seen, count: usize, node: &dyn Fn(usize) -> Value) -> Value {
    let (_, variables) = variables(seen);
    let first = variables["repositories"].as_u64().unwrap() as usize;
    let from = variables["after"].as_str().map_or(0, |after| after.parse::<usize>().unwrap());
    let to = (from + first).min(count);
    let next = to.to_string();
    connection((from..to).map(node).collect(), Some((next.as_str(), count)).filter(|_| to < count))
}

/// Answers like a GitHub with `count` repositories of acme.
fn github(seen: &Seen, count: usize, node: &dyn Fn(usize) -> Value) -> Reply {
    if seen.path.starts_with("/orgs/acme/rulesets/") {
        return reply(200, &ruleset_content(1, "Organization").to_string());
    }
    if seen.path != "/graphql" {
        return reply(404, r#"{"message": "Not Found"}"#);
    }
    let (operation, variables) = variables(seen);
    match operation.as_str() {
        "OwnerIndex" => {
            let mut repositories = page(seen, count, node);
            repositories["totalCount"] = json!(count);
            data(
                json!({"repositoryOwner": {"__typename": "Organization", "id": "O", "login": "acme", "repositories": repositories}}),
            )
        }
        "RepositoryByName" => match variables["name"].as_str().unwrap() {
            "gone" => reply(
                200,
                r#"{"data": {"repository": null}, "errors": [{"type": "NOT_FOUND", "path": ["repository"], "message": "Could not resolve"}]}"#,
            ),
            "old" => data(json!({"repository": node(7)})),
            name => data(json!({"repository": node(name.trim_start_matches('r').parse().unwrap())})),
        },
        "RepositoriesDetails" => {
            let ids = variables["ids"].as_array().unwrap();
            data(
                json!({"nodes": ids.iter().map(|id| json!({"id": id, "deployKeys": connection(Vec::new(), None), "codeowners": null})).collect::<Vec<_>>()}),
            )
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_thousand_repositories_are_cheap() {
    let wire = Wire::start(|seen| github(seen, 1000, &node));
    let parts = Parts::index().and(Part::Rulesets).and(Part::Codeowners).and(Part::Keys);
    let (all, inventory, client) = read(&wire, &acme(), &parts);
    assert_eq!((all.len(), inventory.selected, inventory.listed), (1000, 1000, 1000));
    assert!(inventory.is_complete());
    let cost = client.cost();
    assert_eq!(cost.requests(Class::Index), 20);
    assert_eq!(cost.requests(Class::Details), 40);
    assert_eq!(cost.requests(Class::Ruleset), 1, "one ruleset for all of them");
    assert!(cost.total().requests <= 100, "{cost}");
    let rulesets = all[17].rulesets.known().unwrap();
    assert!(rulesets[0].source_type.is(&Level::Organization));
    assert_eq!(rulesets[0].rules.known().unwrap().len(), 2, "an unknown rule survives");
    assert!(all.iter().all(|repository| repository.protections.known().unwrap()[0].required_approving_review_count == 2));
}

#[test]
fn little_is_in_memory() {
    let wire = Wire::start(|seen| github(seen, 1000, &node));
    run(async {
        let client = client(&wire);
        let (read, sent_when_first) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let each = |_| {
            if read.fetch_add(1, Ordering::Relaxed) == 0 {
                sent_when_first.store(wire.seen().len(), Ordering::Relaxed);
            }
        };
        Reader::new(&client).repositories(&acme(), &Parts::index(), each).await;
        assert_eq!(read.into_inner(), 1000);
        assert!(sent_when_first.into_inner() <= 6, "pages are handed on while others are still to come");
    });
}

#[test]
fn pages_shrink_until_they_are_answered() {
    let wire = Wire::start(|seen| {
        let (operation, variables) = variables(seen);
        let size = if operation == "OwnerIndex" {
            variables["repositories"].as_u64().unwrap()
        } else {
            variables["ids"].as_array().unwrap().len() as u64
        };
        if size > 6 { reply(502, "<html>") } else { github(seen, 30, &node) }
    });
    let (all, inventory, _) = read(&wire, &acme(), &Parts::index().and(Part::Keys));
    assert_eq!(all.len(), 30);
    assert!(inventory.is_complete());
    assert!(all.iter().all(|repository| repository.deploy_keys.read().is_ok()));
}

#[test]
fn what_no_page_is_small_enough_for_is_read_by_rest() {
    let wire = Wire::start(|seen| {
        match seen.path.split('?').next().unwrap() {
        "/graphql" => reply(502, "<html>"),
        "/orgs/acme/repos" => reply(200, &json!([{"id": 7, "node_id": "R_7", "full_name": "acme/r0007", "visibility": "private", "default_branch": "main", "permissions": {"admin": true}}]).to_string()),
        "/repos/acme/r0007/rulesets" => reply(200, "[]"),
        "/repos/acme/r0007/branches" => reply(200, r#"[{"name": "main"}, {"name": "by-ruleset"}]"#),
        "/repos/acme/r0007/branches/main/protection" => reply(200, r#"{"url": "x", "enforce_admins": {"enabled": true}}"#),
        "/repos/acme/r0007/branches/by-ruleset/protection" => reply(404, r#"{"message": "Branch not protected"}"#),
        _ => reply(404, r#"{"message": "Not Found"}"#),
    }
    });
    let (all, inventory, _) = read(&wire, &acme(), &Parts::index().and(Part::Rulesets).and(Part::Codeowners));
    let protections = all[0].protections.read().unwrap();
    assert_eq!((protections.len(), protections[0].pattern.as_str()), (1, "main"));
    assert!(protections[0].bypass_force_push_allowances.read().is_err());
    assert_eq!(all[0].codeowners.read().unwrap_err().cause, Cause::Failed);
    assert!(all[0].rulesets.read().unwrap().is_empty());
    assert!(!inventory.is_complete());
    assert!(inventory.unread[0].why.why.contains("patterns"));
}

#[test]
fn hidden_is_not_empty() {
    let stranger = |number: usize| {
        let mut node = node(number);
        node["viewerCanAdminister"] = json!(false);
        node["viewerPermission"] = json!("READ");
        node["branchProtectionRules"] = connection(Vec::new(), None);
        node["rulesets"] = connection(Vec::new(), None);
        node
    };
    let wire = Wire::start(move |seen| match seen.path.as_str() {
        "/repos/acme/r0000/branches/main" => reply(200, r#"{"name": "main", "protected": true}"#),
        _ => github(seen, 1, &stranger),
    });
    let parts = Parts::index().and(Part::Rulesets).and(Part::Keys).and(Part::SecondWitness);
    let (all, inventory, _) = read(&wire, &acme(), &parts);
    assert!(inventory.is_complete());
    let hidden = all[0].protections.read().unwrap_err();
    assert_eq!((hidden.cause, hidden.permission.as_deref()), (Cause::NotPermitted, Some("administration=read")));
    assert_eq!(all[0].deploy_keys.read().unwrap_err().cause, Cause::NotPermitted);
    assert!(all[0].rulesets.read().unwrap().is_empty(), "rulesets are shown to everyone");
    assert_eq!(all[0].default_branch.as_ref().unwrap().protected.known(), Some(&true), "the second witness");
}

#[test]
fn bypassers_that_are_not_shown_are_hidden() {
    let own = |number: usize| {
        let mut node = node(number);
        node["rulesets"] = connection(vec![ruleset(1, "Organization"), ruleset(2, "Repository"), ruleset(3, "Galaxy")], None);
        node
    };
    let wire = Wire::start(move |seen| {
        let path = seen.path.split('?').next().unwrap();
        let id = path.rsplit('/').next().unwrap().parse().unwrap_or(0);
        match path {
            "/orgs/acme/rulesets/1" => reply(404, r#"{"message": "Not Found"}"#),
            "/repos/acme/r0000/rulesets/3" => reply(404, r#"{"message": "Not Found"}"#),
            _ if path.starts_with("/repos/acme/r0000/rulesets/") => {
                assert!(seen.path.contains("includes_parents=true"));
                let mut content = ruleset_content(id, if id == 1 { "Organization" } else { "Repository" });
                content.as_object_mut().unwrap().remove("bypass_actors");
                reply(200, &content.to_string())
            }
            _ => github(seen, 1, &own),
        }
    });
    let (all, ..) = read(&wire, &acme(), &Parts::index().and(Part::Rulesets));
    let rulesets = all[0].rulesets.read().unwrap();
    assert_eq!(rulesets.len(), 3);
    for ruleset in &rulesets[..2] {
        let hidden = ruleset.bypass_actors.read().unwrap_err();
        assert_eq!((hidden.cause, hidden.permission.as_deref()), (Cause::NotPermitted, Some("administration=write")));
        assert!(ruleset.rules.read().is_ok());
    }
    assert!(rulesets[2].rules.read().unwrap_err().why.contains("404"), "one that can't be read stays");
    assert_eq!(rulesets[2].source_type.to_string(), "Galaxy");
}

#[test]
fn a_part_of_an_answer_is_kept() {
    let wire = Wire::start(|seen| {
        if variables(seen).0 == "RepositoryByName" {
            return github(seen, 4, &node);
        }
        let mut repositories = page(seen, 4, &node);
        repositories["nodes"][1] = Value::Null;
        repositories["nodes"][2]["branchProtectionRules"] = Value::Null;
        repositories["nodes"][3]["visibility"] = Value::Null;
        let error = |path: Value, kind: &str| json!({"type": kind, "path": path, "message": "no"});
        let nodes = |index: usize| vec![json!("repositoryOwner"), json!("repositories"), json!("nodes"), json!(index)];
        let at = |index: usize, field: &str| Value::Array(nodes(index).into_iter().chain([json!(field)]).collect());
        let answer = json!({
            "data": {"repositoryOwner": {"repositories": repositories}},
            "errors": [error(Value::Array(nodes(1)), "FORBIDDEN"), error(at(2, "branchProtectionRules"), "SERVICE_UNAVAILABLE"), error(at(3, "visibility"), "")]
        });
        reply(200, &answer.to_string())
    });
    let (all, inventory, _) = read(&wire, &acme(), &Parts::index());
    let names: Vec<_> = all.iter().map(|repository| repository.name.as_str()).collect();
    assert_eq!(names, ["r0000", "r0002", "r0003"], "what was only incomplete was asked for again");
    assert!(all[0].protections.read().is_ok());
    assert_eq!(all[1].protections.read().unwrap_err().cause, Cause::Failed);
    assert_eq!(inventory.unread.len(), 1);
    assert_eq!(inventory.unread[0].why.cause, Cause::NotPermitted);
    assert!(!inventory.is_complete());
}

#[test]
fn a_list_that_ends_early_is_not_complete() {
    let wire = Wire::start(|seen| {
        let mut repositories = page(seen, 2, &node);
        repositories["totalCount"] = json!(5);
        data(json!({"repositoryOwner": {"repositories": repositories}}))
    });
    let (_, inventory, _) = read(&wire, &acme(), &Parts::index());
    assert_eq!((inventory.listed, inventory.total.known()), (2, Some(&5)));
    assert!(!inventory.is_complete());
}

#[test]
fn everything_that_goes_on_is_followed() {
    let long = |number: usize| {
        let mut node = node(number);
        let bypass = connection(vec![user("alice")], Some(("b1", 2)));
        node["branchProtectionRules"] = connection(vec![protection("main", bypass)], Some(("p1", 2)));
        node["rulesets"] = connection(vec![ruleset(1, "Organization")], Some(("r1", 2)));
        node
    };
    let wire = Wire::start(move |seen| {
        if seen.path != "/graphql" {
            return reply(200, &ruleset_content(1, "Organization").to_string());
        }
        let (operation, variables) = variables(seen);
        match operation.as_str() {
            "MoreProtections" => data(
                json!({"node": {"branchProtectionRules": connection(vec![protection("v*", connection(Vec::new(), None))], None)}}),
            ),
            "MoreRulesets" => data(json!({"node": {"rulesets": connection(vec![ruleset(2, "Organization")], None)}})),
            "MoreAllowances" => {
                assert_eq!(variables["bypassPullRequestAfter"], "b1");
                data(json!({"node": {"bypassPullRequestAllowances": connection(vec![user("bob")], None)}}))
            }
            "RepositoriesDetails" => {
                let mut branches = connection(vec![json!({"name": "main"})], Some(("x", 2)));
                branches["totalCount"] = json!(2);
                data(json!({"nodes": [{"branches": branches, "tags": connection(Vec::new(), None)}]}))
            }
            "MoreRefs" => data(json!({"node": {"refs": connection(vec![json!({"name": "dev"})], None)}})),
            _ => github(seen, 1, &long),
        }
    });
    let (all, ..) = read(&wire, &acme(), &Parts::index().and(Part::Rulesets).and(Part::Refs));
    let protections = all[0].protections.read().unwrap();
    assert_eq!(protections.iter().map(|rule| rule.pattern.as_str()).collect::<Vec<_>>(), ["main", "v*"]);
    let bypass = protections[0].bypass_pull_request_allowances.read().unwrap();
    assert_eq!(bypass.iter().map(ToString::to_string).collect::<Vec<_>>(), ["alice", "bob"]);
    assert_eq!(all[0].branches.read().unwrap(), &["main", "dev"]);
    assert_eq!(all[0].rulesets.read().unwrap().len(), 2);
}

#[test]
fn selections() {
    let wire = Wire::start(|seen| github(seen, 60, &node));
    let names = |selection: &Selection| {
        let (all, inventory, client) = read(&wire, selection, &Parts::index());
        (all.into_iter().map(|repository| repository.name).collect::<Vec<_>>(), inventory, client)
    };
    let (some, inventory, _) = names(&Selection::default().and_repository("acme/r000*").unwrap().with_archived(false));
    assert_eq!(some, ["r0000", "r0002", "r0004", "r0006", "r0008"]);
    assert_eq!((inventory.selected, inventory.listed), (5, 60));
    let (some, ..) = names(&acme().with_topics(vec!["prod".into()]));
    assert_eq!(some.len(), 20);
    let (some, inventory, client) = names(&Selection::default().and_repository("acme/r0003").unwrap());
    assert_eq!((some.as_slice(), inventory.is_complete()), (["r0003".to_owned()].as_slice(), true));
    assert_eq!(client.cost().total().requests, 1);
    let many = (0..40).try_fold(Selection::default(), |all, number| all.and_repository(&format!("acme/r{number:04}"))).unwrap();
    let (some, _, client) = names(&many);
    assert_eq!((some.len(), client.cost().total().requests), (40, 2), "listing is cheaper than forty questions");
}

#[test]
fn what_is_not_found_is_said_and_what_moved_is_followed() {
    let wire = Wire::start(|seen| github(seen, 60, &node));
    let selection = Selection::default().and_repository("acme/gone").unwrap().and_repository("acme/old").unwrap();
    let (all, inventory, _) = read(&wire, &selection, &Parts::index());
    assert_eq!(all.len(), 1);
    assert_eq!((inventory.moved[0].from.as_str(), inventory.moved[0].to.as_str()), ("acme/old", "acme/r0007"));
    assert_eq!(inventory.unread.len(), 1);
    assert_eq!(inventory.unread[0].what, "acme/gone");
    assert!(!inventory.is_complete());
    let wire = Wire::start(|_| data(json!({"repositoryOwner": null})));
    let (all, inventory, _) = read(&wire, &Selection::owner("nobody").unwrap(), &Parts::index());
    assert!(all.is_empty() && inventory.unread.len() == 1, "{inventory:?}");
}

/// A token for chosen repositories sees the public ones that it was not given, too, and nothing of what protects them.
#[test]
fn what_is_public_is_asked_one_by_one() {
    let unprotected = |visibility: &'static str| {
        move |number: usize| {
            let mut node = node(number);
            node["visibility"] = json!(visibility);
            node["branchProtectionRules"] = connection(Vec::new(), None);
            node["rulesets"] = connection(Vec::new(), None);
            node
        }
    };
    for (visibility, token, told) in
        [("PUBLIC", "github_pat_x", [true, false]), ("PUBLIC", "ghp_x", [true, true]), ("PRIVATE", "github_pat_x", [true, true])]
    {
        let node = unprotected(visibility);
        let wire = Wire::start(move |seen| match seen.path.as_str() {
            "/repos/acme/r0000/branches/main/protection" => reply(404, r#"{"message": "Branch not protected"}"#),
            "/repos/acme/r0001/branches/main/protection" => {
                reply(403, r#"{"message": "Resource not accessible by personal access token"}"#)
            }
            _ => github(seen, 2, &node),
        });
        let known = run(async {
            let options = Options { clock: leaping(), in_flight: 1, ..Options::default() };
            let credentials = Credentials::Token(Token::new(token).unwrap());
            let client = Client::new(Host::parse(&wire.url).unwrap(), credentials, options).unwrap();
            let mut known = Vec::new();
            let one = |repository: Repository| known.push((repository.name, repository.protections.known().is_some()));
            Reader::new(&client).repositories(&acme(), &Parts::index().and(Part::Pins), one).await;
            known.sort();
            known
        });
        assert_eq!(known, [("r0000".to_owned(), told[0]), ("r0001".to_owned(), told[1])], "{visibility} {token}");
    }
}
