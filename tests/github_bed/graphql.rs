//! GraphQL: the program's own queries against the same state.

use serde_json::{Value, json};

use super::client::{DETAILS, INDEX, get, graphql};
use super::world::world;
use crate::support::github::{Bed, Permission, Profile, Role};

const SIZES: fn() -> Value = || json!({ "owner": "acme", "repositories": 50, "protections": 5, "rulesets": 5, "actors": 10 });

fn details(bed: &Bed, token: &str, id: &str, wanted: &[&str]) -> Value {
    let all = ["codeowners", "workflows", "refs", "releases", "reported", "people", "keys", "environments"];
    let mut variables = json!({ "ids": [id] });
    for name in all {
        variables[name] = wanted.contains(&name).into();
    }
    graphql(bed, token, DETAILS, "RepositoriesDetails", variables).json()
}

#[test]
fn the_index_shows_protection_and_rulesets() {
    let world = world(Profile::Dotcom);
    let token = world.bed.token().create();
    let data = graphql(&world.bed, &token, INDEX, "OwnerIndex", SIZES()).json();
    assert!(data.get("errors").is_none(), "{data}");
    assert_eq!(data["data"]["rateLimit"]["nodeCount"], 12_800);
    let repository = &data["data"]["repositoryOwner"]["repositories"]["nodes"][0];
    assert_eq!((&repository["nameWithOwner"], &repository["viewerPermission"]), (&json!("acme/app"), &json!("ADMIN")));
    let rule = &repository["branchProtectionRules"]["nodes"][0];
    assert_eq!((&rule["pattern"], &rule["requiredDeploymentEnvironments"][0]), (&json!("main"), &json!("prod")));
    let kinds: Vec<_> =
        rule["pushAllowances"]["nodes"].as_array().unwrap().iter().map(|one| one["actor"]["__typename"].clone()).collect();
    assert_eq!(kinds, ["User", "Team", "App"]);
    assert_eq!(rule["branchProtectionRuleConflicts"]["nodes"][0]["conflictingBranchProtectionRule"]["pattern"], "m*");
    assert_eq!(repository["rulesets"]["nodes"][0]["source"]["nameWithOwner"], "acme/app");
    assert_eq!(repository["rulesets"]["nodes"][1]["source"]["login"], "acme");
    assert_eq!(repository["defaultBranchRef"]["branchProtectionRule"]["pattern"], "main");
}

#[test]
fn details_show_what_single_checks_need() {
    let world = world(Profile::Dotcom);
    let app = world.bed.organization("acme").repository("app");
    app.file(".github/workflows/ci.yml", "on: push\n");
    let token = world.bed.token().create();
    let wanted = ["codeowners", "workflows", "refs", "releases", "reported", "people", "keys", "environments"];
    let data = details(&world.bed, &token, &app.node_id(), &wanted);
    assert!(data.get("errors").is_none(), "{data}");
    let found = &data["data"]["nodes"][0];
    assert_eq!(found["codeownersInGithub"]["text"], "* @acme/core\n");
    assert_eq!(found["codeownersInRoot"], Value::Null);
    assert_eq!(found["workflows"]["entries"][0]["object"]["text"], "on: push\n");
    assert_eq!((&found["branches"]["totalCount"], &found["tags"]["nodes"][0]["name"]), (&json!(2), &json!("v1.0")));
    let commit = &found["mergedPullRequests"]["nodes"][0]["commits"]["nodes"][0]["commit"];
    assert_eq!(commit["statusCheckRollup"]["contexts"]["totalCount"], 3);
    assert_eq!(commit["statusCheckRollup"]["contexts"]["nodes"][0]["checkSuite"]["workflowRun"]["workflow"]["name"], "CI");
    let sources = &found["collaborators"]["edges"][0]["permissionSources"];
    assert_eq!((&sources[0]["source"]["combinedSlug"], &sources[1]["source"]["login"]), (&json!("acme/core"), &json!("acme")));
    assert_eq!(found["environments"]["nodes"][0]["protectionRules"]["nodes"][1]["reviewers"]["totalCount"], 2);
}

#[test]
fn what_may_not_be_seen_is_empty_null_or_an_error_beside_the_data() {
    let world = world(Profile::Dotcom);
    let bed = &world.bed;
    let app = bed.organization("acme").repository("app");
    bed.organization("acme").repository("hidden");
    let hidden = bed.organization("acme").repository("hidden").node_id();
    let reader = bed.token().role(Role::Read).only(&["acme/app"]).create();
    let data = graphql(bed, &reader, INDEX, "OwnerIndex", SIZES()).json();
    let repositories = &data["data"]["repositoryOwner"]["repositories"];
    assert_eq!(repositories["totalCount"], 1);
    assert_eq!(repositories["nodes"][0]["branchProtectionRules"]["totalCount"], 0, "least convenient: as if there were none");
    assert_eq!(repositories["nodes"][0]["rulesets"]["totalCount"], 2);

    let data = details(bed, &reader, &app.node_id(), &["people", "refs"]);
    assert_eq!(data["data"]["nodes"][0]["collaborators"], Value::Null);
    assert_eq!(
        (&data["errors"][0]["type"], &data["data"]["nodes"][0]["branches"]["totalCount"]),
        (&json!("FORBIDDEN"), &json!(2))
    );
    let data = details(bed, &reader, &app.node_id(), &["keys"]);
    assert_eq!(data["data"]["nodes"][0], Value::Null, "keys may not be null, so the repository is");
    let data = details(bed, &reader, &hidden, &["refs"]);
    assert_eq!((&data["data"]["nodes"][0], &data["errors"][0]["type"]), (&Value::Null, &json!("NOT_FOUND")));

    let blind = bed.token().without(Permission::Contents).create();
    let data = details(bed, &blind, &app.node_id(), &["codeowners"]);
    assert_eq!(data["errors"].as_array().unwrap().len(), 4);
}

#[test]
fn a_users_repositories_and_a_moved_one_are_found() {
    let bed = Bed::new();
    bed.user("octocat").repository("old").rename("new");
    let token = bed.token().create();
    let mut variables = SIZES();
    variables["owner"] = json!("octocat");
    let data = graphql(&bed, &token, INDEX, "OwnerIndex", variables).json();
    assert_eq!(data["data"]["repositoryOwner"]["repositories"]["nodes"][0]["nameWithOwner"], "octocat/new");
    let by_name = json!({ "owner": "octocat", "name": "old", "protections": 5, "rulesets": 5, "actors": 10 });
    let data = graphql(&bed, &token, INDEX, "RepositoryByName", by_name).json();
    assert_eq!(data["data"]["repository"]["nameWithOwner"], "octocat/new");
}

#[test]
fn connections_come_in_pages() {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    for number in 0..7 {
        acme.repository(&format!("r{number}")).protect("main", json!({ "enforce_admins": number % 2 == 0 }));
    }
    let token = bed.token().create();
    let (mut names, mut after) = (Vec::new(), Value::Null);
    loop {
        let mut variables = SIZES();
        variables["repositories"] = json!(3);
        variables["after"] = after;
        let data = graphql(&bed, &token, INDEX, "OwnerIndex", variables).json();
        let page = data["data"]["repositoryOwner"]["repositories"].clone();
        names.extend(page["nodes"].as_array().unwrap().iter().map(|one| one["nameWithOwner"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(names.len(), 7);
    assert!(names.is_sorted());
}

#[test]
fn a_query_that_github_would_refuse_is_refused() {
    let bed = Bed::new();
    bed.organization("acme");
    let token = bed.token().create();
    let ask = |query: &str| {
        let reply = graphql(&bed, &token, query, "Q", json!({})).json();
        reply["errors"][0]["type"].as_str().or(reply["errors"][0]["message"].as_str()).unwrap_or_default().to_owned()
    };
    let repositories =
        |arguments: &str| format!("query Q {{ organization(login: \"acme\") {{ repositories{arguments} {{ totalCount }} }} }}");
    assert_eq!(ask(&repositories("")), "MISSING_PAGINATION_BOUNDARIES");
    assert_eq!(ask(&repositories("(first: 101)")), "EXCESSIVE_PAGINATION");
    let unknown = ask("query Q { viewer { login nothing } }");
    assert!(unknown.contains("nothing"), "{unknown}");
    assert_eq!(bed.refused_requests().len(), 1);
    let mut variables = SIZES();
    variables["repositories"] = json!(100);
    variables["protections"] = json!(100);
    variables["actors"] = json!(100);
    let reply = graphql(&bed, &token, INDEX, "OwnerIndex", variables).json();
    assert_eq!(reply["errors"][0]["type"], "MAX_NODE_LIMIT_EXCEEDED");
}

#[test]
fn points_are_spent_and_said() {
    let bed = Bed::new();
    bed.organization("acme");
    let token = bed.token().create();
    let data = graphql(&bed, &token, INDEX, "OwnerIndex", SIZES()).json();
    let limit = &data["data"]["rateLimit"];
    let cost = limit["cost"].as_u64().unwrap();
    assert!(cost > 1 && limit["remaining"] == 5000 - cost, "{limit}");
    assert_eq!(bed.requests()[0].cost, Some(cost));
    let core = get(&bed, &token, "/rate_limit").json()["resources"].clone();
    assert_eq!((&core["graphql"]["used"], &core["core"]["used"]), (&json!(cost), &json!(0)));
}
