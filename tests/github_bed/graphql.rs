//! GraphQL: the program's own queries against the same state.

use serde_json::json;

use super::client::{INDEX, graphql};
use crate::support::github::Bed;

#[test]
fn the_index_shows_protection_and_rulesets() {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    acme.repository("app").protect("release/*", json!({ "enforce_admins": true, "restrictions": { "users": ["octocat"] } }));
    bed.user("octocat");
    acme.ruleset(json!({
        "name": "main", "enforcement": "active", "rules": [{ "type": "deletion" }],
        "conditions": { "repository_name": { "include": ["~ALL"], "exclude": [] }, "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
    }));
    let token = bed.token().create();
    let variables = json!({ "owner": "acme", "repositories": 50, "protections": 5, "rulesets": 5, "actors": 10 });
    let reply = graphql(&bed, &token, INDEX, "OwnerIndex", variables);
    let data = reply.json();
    let repository = &data["data"]["repositoryOwner"]["repositories"]["nodes"][0];
    assert_eq!(repository["nameWithOwner"], "acme/app", "{data}");
    assert_eq!(repository["branchProtectionRules"]["nodes"][0]["pattern"], "release/*");
    assert_eq!(repository["branchProtectionRules"]["nodes"][0]["pushAllowances"]["nodes"][0]["actor"]["login"], "octocat");
    assert_eq!(repository["rulesets"]["nodes"][0]["source"]["login"], "acme");
    assert!(data.get("errors").is_none(), "{data}");
}
