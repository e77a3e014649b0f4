//! The published description: what is vendored is whole, the strict form is what the script derives too, and the bed serves it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::client::get;
use super::world::world;
use crate::support::github::openapi::strict;
use crate::support::github::{Profile, has_access};

const EXAMPLES: &str = include_str!("../../fixtures/github-api/examples.json");

#[test]
fn the_strict_form_is_what_the_script_derives() {
    let hashes: Value = serde_json::from_str(include_str!("../../fixtures/github-api/strict.json")).unwrap();
    for profile in Profile::ALL {
        let document = profile.document();
        let mut requests = Map::new();
        for (path, methods) in document.value["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                if schema.is_object() {
                    let strict = strict::closed(&strict::inlined(schema, &document.value));
                    requests.insert(format!("{} {path}", method.to_uppercase()), strict);
                }
            }
        }
        let hash: String = Sha256::digest(Value::Object(requests).to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hashes[profile.name()], hash, "{}", profile.name());
    }
}

#[test]
fn every_operation_has_a_line_in_the_permission_table() {
    for profile in Profile::ALL {
        let unknown: Vec<String> = profile
            .document()
            .operations()
            .iter()
            .filter(|operation| !has_access(&operation.method, operation.template.text()))
            .map(|operation| operation.name())
            .collect();
        assert!(unknown.is_empty(), "{}: {unknown:#?}", profile.name());
    }
}

/// What the bed does not serve, and no program here asks for.
const UNSERVED: &[&str] = &[
    "/orgs/{org}/bypass-requests/push-rules",
    "/repos/{owner}/{repo}/bypass-requests/push-rules",
    "/repos/{owner}/{repo}/bypass-requests/push-rules/{bypass_request_number}",
    "/enterprises/{enterprise}/bypass-requests/push-rules",
    "/orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}",
    "/repos/{owner}/{repo}/tags/protection",
    "/repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies/{branch_policy_id}",
    "/repos/{owner}/{repo}/environments/{environment_name}/deployment_protection_rules/apps",
    "/repos/{owner}/{repo}/environments/{environment_name}/deployment_protection_rules/{protection_rule_id}",
];

#[test]
fn every_path_that_can_be_read_is_served() {
    for profile in Profile::ALL {
        let world = world(profile);
        let person = world.bed.token().create();
        let installation = world.bed.token().of_installation(world.installation).create();
        let mut served = 0;
        for operation in profile.document().operations().iter().filter(|operation| operation.method == "GET") {
            let template = operation.template.text();
            let enterprise = template.starts_with("/enterprises/");
            if UNSERVED.contains(&template) || enterprise || template.contains("{version_id}") {
                continue;
            }
            let named = if template.starts_with("/orgs/{org}/rulesets/{ruleset_id}") {
                &template.replace("{ruleset_id}", &world.organization_ruleset.to_string())
            } else {
                template
            };
            let path = world.path(named).unwrap_or_else(|| panic!("{template} has a name that nothing stands for"));
            let is_app = template.starts_with("/app") && !template.starts_with("/apps") || template.ends_with("/installation");
            let token = match template {
                _ if is_app => &world.app_token(),
                "/installation/repositories" => &installation,
                _ => &person,
            };
            let reply = get(&world.bed, token, &path);
            let conflict = template == "/orgs/{org}/actions/permissions/selected-actions";
            let expected = [200, 204].contains(&reply.status) || conflict && reply.status == 409;
            assert!(expected, "{}: {path}: {} {}", profile.name(), reply.status, reply.text);
            served += 1;
        }
        world.bed.assert_honest();
        assert!(served > 45, "{}: {served}", profile.name());
    }
}

/// Published examples that do not satisfy the published schema, and in what: GitHub's own mistakes, left as they are.
const UNTRUE_EXAMPLES: &[(&str, &str)] = &[
    (
        "DELETE /repos/{owner}/{repo}/branches/{branch}/protection/restrictions/teams 200 default",
        "`/0`: \"type\" is a required property",
    ),
    ("GET /app/installations 200 default", "`/0/account`"),
    ("GET /meta 200 default", "`/ssh_key_fingerprints/SHA256_RSA`: 1234567890 is not of type \"string\""),
    ("GET /orgs/{org} 200 default-response", "``: \"archived_at\" is a required property"),
    ("GET /orgs/{org}/organization-roles/{role_id}/teams 200 default", "`/0`: \"type\" is a required property"),
    (
        "GET /orgs/{org}/rulesets 200 default",
        "`/0/enforcement`: \"enabled\" is not one of \"disabled\", \"active\" or \"evaluate\"",
    ),
    ("GET /orgs/{org}/teams 200 default", "`/0`: \"type\" is a required property"),
    ("GET /orgs/{org}/teams/{team_slug} 200 default", "``: \"type\" is a required property"),
    ("GET /repos/{owner}/{repo} 200 default-response", "``: \"language\" is a required property"),
    (
        "GET /repos/{owner}/{repo}/branches 200 default",
        "`/0/protection/required_status_checks`: \"checks\" is a required property",
    ),
    (
        "GET /repos/{owner}/{repo}/branches/{branch}/protection 200 default",
        "`/required_status_checks`: \"checks\" is a required property",
    ),
    (
        "GET /repos/{owner}/{repo}/branches/{branch}/protection/required_pull_request_reviews 200 default",
        "`/dismissal_restrictions/teams/0`: \"type\" is a required property",
    ),
    (
        "GET /repos/{owner}/{repo}/branches/{branch}/protection/required_status_checks 200 default",
        "``: \"checks\" is a required property",
    ),
    (
        "GET /repos/{owner}/{repo}/branches/{branch}/protection/restrictions 200 default",
        "`/teams/0`: \"type\" is a required property",
    ),
    (
        "GET /repos/{owner}/{repo}/branches/{branch}/protection/restrictions/teams 200 default",
        "`/0`: \"type\" is a required property",
    ),
    (
        "GET /repos/{owner}/{repo}/collaborators/{username}/permission 200 response-if-user-has-admin-permissions",
        "`/user`: \"role_name\" is a required property",
    ),
    (
        "GET /repos/{owner}/{repo}/environments/{environment_name}/deployment_protection_rules/apps 200 default",
        "``: [{\"total_count\":2}",
    ),
    ("GET /repos/{owner}/{repo}/pulls 200 default", "`/0/requested_teams/0`: \"type\" is a required property"),
    (
        "GET /repos/{owner}/{repo}/rulesets 200 default",
        "`/0/enforcement`: \"enabled\" is not one of \"disabled\", \"active\" or \"evaluate\"",
    ),
    ("GET /repos/{owner}/{repo}/teams 200 default", "`/0`: \"type\" is a required property"),
    ("PATCH /orgs/{org} 200 default", "``: \"archived_at\" is a required property"),
    ("PATCH /orgs/{org}/teams/{team_slug} 200 default", "``: \"type\" is a required property"),
    ("PATCH /orgs/{org}/teams/{team_slug} 201 default", "``: \"type\" is a required property"),
    ("PATCH /repos/{owner}/{repo} 200 default", "``: \"has_discussions\" is a required property"),
    (
        "PATCH /repos/{owner}/{repo}/branches/{branch}/protection/required_pull_request_reviews 200 default",
        "`/dismissal_restrictions/teams/0`: \"type\" is a required property",
    ),
    (
        "PATCH /repos/{owner}/{repo}/branches/{branch}/protection/required_status_checks 200 default",
        "``: \"checks\" is a required property",
    ),
    ("POST /orgs/{org}/repos 201 default", "``: \"has_discussions\" is a required property"),
    ("POST /orgs/{org}/teams 201 default", "``: \"type\" is a required property"),
    (
        "POST /repos/{owner}/{repo}/branches/{branch}/protection/restrictions/teams 200 default",
        "`/0`: \"type\" is a required property",
    ),
    ("POST /repos/{owner}/{repo}/pulls 201 default", "`/requested_teams/0`: \"type\" is a required property"),
    ("POST /user/repos 201 default", "``: \"has_discussions\" is a required property"),
    (
        "PUT /repos/{owner}/{repo}/branches/{branch}/protection/restrictions/teams 200 default",
        "`/0`: \"type\" is a required property",
    ),
];

#[test]
fn published_examples_satisfy_the_description_or_are_known_not_to() {
    let examples: Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap();
    let document = Profile::Dotcom.document();
    let mut untrue = BTreeMap::new();
    for (name, example) in &examples {
        let parts: Vec<&str> = name.splitn(4, ' ').collect();
        let operation = document.operation(parts[0], parts[1]).unwrap_or_else(|| panic!("{name} is of no operation"));
        let wrong = match parts[2] {
            "request" => document.check_request(operation, Some(example)),
            status => document.check_response(operation, status.parse().unwrap(), Some(example)),
        };
        if !wrong.is_empty() {
            untrue.insert(name.as_str(), wrong[0].to_string());
        }
    }
    for (name, reason) in UNTRUE_EXAMPLES {
        assert!(untrue.remove(name).is_some_and(|why| why.starts_with(reason)), "{name}");
    }
    assert!(untrue.is_empty(), "{untrue:#?}");
    assert!(examples.len() > 180, "{}", examples.len());
}

/// Real exchanges that lack what became required after they were recorded.
const OLDER_EXCHANGES: &[&str] = &[
    "branch-protection: PUT 200: `/restrictions/teams/0`: \"type\" is a required property",
    "get-organization: GET 200: ``: \"archived_at\" is a required property",
    "get-repository: GET 200: ``: \"has_discussions\" is a required property",
];

#[test]
fn recorded_exchanges_satisfy_the_description_or_are_older_than_it() {
    let recorded = [
        ("branch-protection", include_str!("../../fixtures/github-api/recorded/branch-protection.json")),
        ("errors", include_str!("../../fixtures/github-api/recorded/errors.json")),
        ("get-organization", include_str!("../../fixtures/github-api/recorded/get-organization.json")),
        ("get-repository", include_str!("../../fixtures/github-api/recorded/get-repository.json")),
    ];
    let document = Profile::Dotcom.document();
    let mut older = Vec::new();
    for (scenario, text) in recorded {
        for exchange in serde_json::from_str::<Vec<Value>>(text).unwrap() {
            let method = exchange["method"].as_str().unwrap().to_uppercase();
            let path = exchange["path"].as_str().unwrap();
            let Some((operation, _)) = document.find(&method, path) else { continue };
            let body = Some(&exchange["body"]).filter(|body| body.is_object());
            let status = u16::try_from(exchange["status"].as_u64().unwrap()).unwrap();
            let answer = Some(&exchange["response"]).filter(|answer| !answer.is_string());
            let mut wrong = document.check_request(operation, body);
            wrong.extend(document.check_response(operation, status, answer));
            older.extend(wrong.iter().map(|one| format!("{scenario}: {method} {status}: {one}")));
        }
    }
    assert_eq!(older, OLDER_EXCHANGES);
}
