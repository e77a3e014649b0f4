//! Writing: absent, null and empty are three things, and what is read back is not always what was sent.

use serde_json::{Value, json};

use super::client::{get, graphql, request};
use super::world::world;
use crate::support::github::{Bed, Permissions, Profile, Quirk, Reported};

const RULESETS: &str = "/repos/acme/app/rulesets";
const PROTECTION: &str = "/repos/acme/app/branches/main/protection";

fn bed() -> (Bed, String) {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    acme.team("core", &["bob"]);
    acme.repository("app").branch("dev");
    let token = bed.token().create();
    (bed, token)
}

fn ruleset() -> Value {
    json!({
        "name": "main", "target": "branch", "enforcement": "active",
        "bypass_actors": [{ "actor_id": null, "actor_type": "OrganizationAdmin" }],
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
        "rules": [{ "type": "non_fast_forward" }, { "type": "deletion" }],
    })
}

#[test]
fn a_ruleset_is_created_changed_and_deleted() {
    let (bed, token) = bed();
    let created = request(&bed, &token, "POST", RULESETS, Some(&ruleset()));
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(
        created.json()["bypass_actors"],
        json!([{ "actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always" }])
    );
    let path = format!("{RULESETS}/{}", created.json()["id"]);
    let put = |body: Value| request(&bed, &token, "PUT", &path, Some(&body));
    let changed = put(json!({ "enforcement": "evaluate" })).json();
    assert_eq!((&changed["enforcement"], &changed["rules"][0]["type"]), (&json!("evaluate"), &json!("deletion")));
    assert_eq!(changed["bypass_actors"].as_array().unwrap().len(), 1, "absent is unchanged");

    let refused = put(json!({ "bypass_actors": null }));
    assert_eq!(refused.status, 422);
    assert_eq!(refused.message(), "Invalid request.\n\nInvalid property /bypass_actors: data cannot be null.");
    assert_eq!(bed.refused_requests().len(), 1);
    assert_eq!(put(json!({ "bypass_actors": [] })).json()["bypass_actors"], json!([]), "empty empties");
    assert_eq!(get(&bed, &token, &format!("{path}/history")).json().as_array().unwrap().len(), 3);
    assert_eq!(request(&bed, &token, "DELETE", &path, None).status, 204);
    assert_eq!(get(&bed, &token, &path).status, 404);
}

#[test]
fn a_ruleset_may_keep_its_bypass_actors_and_say_200() {
    let (bed, token) = bed();
    bed.quirk(Quirk::KeepsOldBypassActors);
    let path = format!("{RULESETS}/{}", request(&bed, &token, "POST", RULESETS, Some(&ruleset())).json()["id"]);
    let reply = request(&bed, &token, "PUT", &path, Some(&json!({ "bypass_actors": [] })));
    assert_eq!((reply.status, reply.json()["bypass_actors"].as_array().unwrap().len()), (200, 1));
}

#[test]
fn a_bypass_actor_must_belong_to_the_owner() {
    let (bed, token) = bed();
    let mut body = ruleset();
    body["bypass_actors"] = json!([{ "actor_id": 999_999, "actor_type": "Team", "bypass_mode": "always" }]);
    let reply = request(&bed, &token, "POST", RULESETS, Some(&body));
    assert_eq!((reply.status, &*reply.message()), (422, "Validation Failed"));
}

#[test]
fn an_organizations_ruleset_is_not_changed_from_a_repository() {
    let world = world(Profile::Dotcom);
    let token = world.bed.token().create();
    let id = get(&world.bed, &token, "/orgs/acme/rulesets").json()[0]["id"].as_u64().unwrap();
    let body = json!({ "enforcement": "disabled" });
    assert_eq!(request(&world.bed, &token, "PUT", &format!("{RULESETS}/{id}"), Some(&body)).status, 404);
    assert_eq!(request(&world.bed, &token, "PUT", &format!("/orgs/acme/rulesets/{id}"), Some(&body)).status, 200);
}

fn protection() -> Value {
    json!({ "required_status_checks": null, "enforce_admins": true, "required_pull_request_reviews": null, "restrictions": null })
}

#[test]
fn classic_protection_is_put_whole_and_in_parts() {
    let (bed, token) = bed();
    let send = |method: &str, part: &str, body: Option<Value>| {
        request(&bed, &token, method, &format!("{PROTECTION}{part}"), body.as_ref())
    };
    assert_eq!(send("POST", "/required_signatures", None).message(), "Branch not protected");
    assert_eq!(send("PUT", "", Some(protection())).json()["enforce_admins"]["enabled"], true);
    assert_eq!(send("POST", "/required_signatures", None).json()["enabled"], true);
    assert_eq!(send("PUT", "", Some(protection())).json()["required_signatures"]["enabled"], false, "PUT has no word for them");
    assert_eq!(send("DELETE", "/enforce_admins", None).status, 204);

    let mut body = protection();
    body["required_status_checks"] = json!({ "strict": true, "contexts": ["a"], "checks": [{ "context": "b", "app_id": -1 }] });
    body["required_pull_request_reviews"] = json!({ "required_approving_review_count": 2 });
    body["restrictions"] = json!({ "users": ["bob", "nobody"], "teams": ["core"], "apps": [] });
    let shown = send("PUT", "", Some(body.clone())).json();
    assert_eq!(shown["restrictions"]["users"].as_array().unwrap().len(), 1, "whoever is not known is left out");
    assert_eq!(send("GET", "/required_status_checks/contexts", None).json(), json!(["b", "a"]));
    assert_eq!(
        send("POST", "/required_status_checks/contexts", Some(json!({ "contexts": ["c"] }))).json(),
        json!(["b", "a", "c"])
    );
    let reviews = send("PATCH", "/required_pull_request_reviews", Some(json!({ "dismiss_stale_reviews": true }))).json();
    assert_eq!((&reviews["dismiss_stale_reviews"], &reviews["required_approving_review_count"]), (&json!(true), &json!(2)));
    assert_eq!(send("PUT", "/restrictions/teams", Some(json!({ "teams": [] }))).json(), json!([]));
    assert_eq!(send("DELETE", "/restrictions", None).status, 204);
    assert_eq!(send("GET", "/restrictions", None).message(), "Push restrictions not enabled");
    body["required_pull_request_reviews"]["required_approving_review_count"] = json!(7);
    assert_eq!(send("PUT", "", Some(body)).status, 422);
    assert_eq!(send("DELETE", "", None).status, 204);
    assert_eq!(send("GET", "", None).message(), "Branch not protected");
}

#[test]
fn a_check_without_an_app_is_given_the_one_that_reported_it() {
    let (bed, token) = bed();
    let app = bed.app("bot", Permissions::read_only());
    let reported =
        Reported::CheckRun { name: "build".to_owned(), app: Some("bot".to_owned()), workflow: None, event: "push".to_owned() };
    bed.organization("acme").repository("app").merged(1, "main", &[reported]);
    let mut body = protection();
    let checks = json!([{ "context": "build" }, { "context": "test", "app_id": -1 }]);
    body["required_status_checks"] = json!({ "strict": false, "contexts": [], "checks": checks });
    let shown = request(&bed, &token, "PUT", PROTECTION, Some(&body)).json();
    let expected = json!([{ "context": "build", "app_id": app }, { "context": "test", "app_id": null }]);
    assert_eq!(shown["required_status_checks"]["checks"], expected);
}

#[test]
fn a_recorded_exchange_gets_the_recorded_answer() {
    let text = include_str!("../../fixtures/github-api/recorded/branch-protection.json");
    let exchanges: Vec<Value> = serde_json::from_str(text).unwrap();
    let bed = Bed::new();
    let organization = bed.organization("octokit-fixture-org");
    organization.repository("branch-protection");
    let token = bed.token().create();
    for exchange in &exchanges {
        let method = exchange["method"].as_str().unwrap().to_uppercase();
        let body = Some(&exchange["body"]).filter(|body| body.is_object());
        let reply = request(&bed, &token, &method, exchange["path"].as_str().unwrap(), body);
        assert_eq!(u64::from(reply.status), exchange["status"].as_u64().unwrap(), "{method}: {}", reply.text);
        if let (200, Some(recorded)) = (reply.status, exchange["response"].as_object()) {
            // `block_creations` and later sections came after the recording, addresses are others: the settings must agree.
            let answered = reply.json();
            for (name, section) in recorded.iter().filter(|(_, section)| section["enabled"].is_boolean()) {
                assert_eq!(answered[name]["enabled"], section["enabled"], "{method}: {name}");
            }
        }
    }
}

#[test]
fn graphql_writes_patterns() {
    let (bed, token) = bed();
    let queries = include_str!("../../fixtures/github-api/queries/bed.graphql");
    let app = bed.organization("acme").repository("app");
    let send = |operation: &str, input: Value| graphql(&bed, &token, queries, operation, json!({ "input": input })).json();
    let input = json!({ "repositoryId": app.node_id(), "pattern": "release/*", "isAdminEnforced": true });
    let created = send("Create", input.clone());
    let id = created["data"]["createBranchProtectionRule"]["branchProtectionRule"]["id"].clone();
    assert!(id.as_str().unwrap().starts_with("BPR_"), "{created}");
    assert_eq!(send("Create", input)["errors"][0]["type"], "UNPROCESSABLE");
    let updated = send("Update", json!({ "branchProtectionRuleId": id, "pattern": "rel/*" }));
    assert_eq!(updated["data"]["updateBranchProtectionRule"]["branchProtectionRule"]["pattern"], "rel/*", "{updated}");
    assert!(send("Delete", json!({ "branchProtectionRuleId": id })).get("errors").is_none());
}
