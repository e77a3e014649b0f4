//! The generator: reproducible, and honest at any size.

use serde_json::{Value, json};

use super::client::{INDEX, get, graphql};
use crate::support::github::Bed;
use crate::support::github::seed::{Seed, plant};

fn index(seed: u64) -> (Bed, Value) {
    let bed = Bed::new();
    plant(&bed, &Seed { organization: "acme".to_owned(), repositories: 60, seed });
    let token = bed.token().create();
    let variables = json!({ "owner": "acme", "repositories": 50, "protections": 5, "rulesets": 5, "actors": 10 });
    let data = graphql(&bed, &token, INDEX, "OwnerIndex", variables).json();
    assert!(data.get("errors").is_none(), "{}", data["errors"]);
    (bed, data["data"]["repositoryOwner"].clone())
}

#[test]
fn the_same_seed_is_the_same_organization() {
    let (first, same, other) = (index(1), index(1), index(2));
    assert_eq!(first.1, same.1);
    assert_ne!(first.1, other.1);
    assert_eq!(first.1["repositories"]["totalCount"], 60);
}

#[test]
fn what_is_generated_is_as_github_describes_it() {
    let (bed, owner) = index(1);
    let token = bed.token().create();
    for repository in owner["repositories"]["nodes"].as_array().unwrap() {
        let path = format!("/repos/{}", repository["nameWithOwner"].as_str().unwrap());
        for part in [
            "",
            "/rulesets",
            "/rules/branches/main",
            "/collaborators",
            "/teams",
            "/keys",
            "/releases",
            "/actions/permissions/workflow",
        ] {
            assert_eq!(get(&bed, &token, &format!("{path}{part}")).status, 200, "{path}{part}");
        }
        assert!([200, 404].contains(&get(&bed, &token, &format!("{path}/branches/main/protection")).status));
    }
}
