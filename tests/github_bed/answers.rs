//! REST: what is there, page by page, and the same again.

use serde_json::{Value, json};

use super::client::{get, request, send};
use super::world::{conditions, world};
use crate::support::github::{Bed, Fault, Level, Permission, Profile, Quirk, When, fnmatch};

#[test]
fn an_organization_with_its_repositories() {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    acme.repository("app").public();
    let token = bed.token().create();
    assert_eq!(get(&bed, &token, "/orgs/acme").json()["login"], "acme");
    assert_eq!(get(&bed, &token, "/orgs/acme/repos").json()[0]["full_name"], "acme/app");
    assert_eq!(get(&bed, &token, "/repos/acme/app").json()["default_branch"], "main");
    assert_eq!(get(&bed, &token, "/repos/ACME/App").status, 200);
    assert_eq!(get(&bed, &token, "/repos/acme/other").status, 404);
}

#[test]
fn protection_is_there_or_not_or_not_for_everyone() {
    let bed = Bed::new();
    let app = bed.organization("acme").repository("app");
    let token = bed.token().create();
    let path = "/repos/acme/app/branches/main/protection";
    let refused = |token: &str| {
        let reply = get(&bed, token, path);
        (reply.status, reply.message())
    };
    assert_eq!(refused(&token), (404, "Branch not protected".to_owned()));
    let checks = json!({ "strict": true, "checks": [{ "context": "ci" }] });
    app.protect("main", json!({ "enforce_admins": true, "required_status_checks": checks }));
    let shown = get(&bed, &token, path).json();
    assert_eq!(shown["enforce_admins"]["enabled"], true);
    assert_eq!(shown["required_status_checks"]["checks"], json!([{ "context": "ci", "app_id": null }]));
    assert!(shown.get("restrictions").is_none(), "what is off is absent");
    assert_eq!(get(&bed, &token, "/repos/acme/app/branches/main").json()["protected"], true);

    let writer = bed.token().classic(&["repo"]).role(crate::support::github::Role::Write).create();
    assert_eq!(refused(&writer), (404, "Not Found".to_owned()));
    let personal = bed.token().without(Permission::Administration).create();
    assert_eq!(refused(&personal), (403, "Resource not accessible by personal access token".to_owned()));
    assert_eq!(
        refused(&bed.token().of_workflow("acme/app").create()),
        (403, "Resource not accessible by integration".to_owned())
    );
    app.needs_upgrade();
    assert!(refused(&token).1.starts_with("Upgrade to GitHub Pro"));
}

#[test]
fn branches_have_any_name() {
    let bed = Bed::new();
    let app = bed.organization("acme").repository("app");
    let token = bed.token().create();
    for (name, encoded) in [("fix#1", "fix%231"), ("a/b", "a%2Fb"), ("é", "%C3%A9"), ("a b", "a%20b")] {
        app.branch(name).protect(name, json!({}));
        assert_eq!(get(&bed, &token, &format!("/repos/acme/app/branches/{encoded}")).json()["name"], name);
        assert_eq!(get(&bed, &token, &format!("/repos/acme/app/branches/{encoded}/protection")).status, 200);
    }
    assert_eq!(get(&bed, &token, "/repos/acme/app/branches/a/b/protection").status, 200, "GitHub lets a slash stand");
}

#[test]
fn lists_come_in_pages_with_links_to_the_next() {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    for number in 0..65 {
        acme.repository(&format!("r{number:03}"));
    }
    let token = bed.token().create();
    let (mut names, mut path, mut pages) = (Vec::new(), Some("/orgs/acme/repos?type=all&per_page=30".to_owned()), 0);
    while let Some(next) = path {
        let reply = get(&bed, &token, &next);
        names.extend(reply.json().as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        path = reply.next();
        pages += 1;
    }
    assert_eq!((names.len(), pages), (65, 3));
    assert!(names.is_sorted());
    bed.quirk(Quirk::IgnoresPerPage);
    assert_eq!(get(&bed, &token, "/orgs/acme/repos?per_page=100").json().as_array().unwrap().len(), 30);
}

#[test]
fn links_keep_the_prefix_of_a_server() {
    let bed = Bed::of(Profile::Ghes318);
    let acme = bed.organization("acme");
    acme.repository("a");
    acme.repository("b");
    let token = bed.token().create();
    let reply = get(&bed, &token, "/orgs/acme/repos?per_page=1");
    assert!(reply.next().unwrap().starts_with(&format!("{}/orgs/acme/repos?", bed.api_url())));
    assert_eq!(reply.header("x-github-enterprise-version"), Some("3.18.1"));
    let query = json!({ "query": "{ viewer { login } }" });
    let auth = format!("Bearer {token}");
    let ask = |path| send(&bed, "POST", path, &[("authorization", &auth)], Some(&query)).unwrap().status;
    assert_eq!((ask("/api/graphql"), ask("/api/v3/graphql")), (200, 404));
    assert_eq!(bed.violations().len(), 1);
}

#[test]
fn an_unchanged_answer_is_304_for_the_same_token_only_and_free() {
    let bed = Bed::new();
    bed.organization("acme").repository("app");
    let tokens = [bed.token().create(), bed.token().create()];
    let reply = get(&bed, &tokens[0], "/repos/acme/app");
    let tag = reply.header("etag").unwrap().to_owned();
    let again = |token: &str| {
        let headers = [("authorization", &*format!("Bearer {token}")), ("if-none-match", &*tag)];
        send(&bed, "GET", "/repos/acme/app", &headers, None).unwrap()
    };
    let same = again(&tokens[0]);
    assert_eq!((same.status, &*same.text), (304, ""));
    assert_eq!(same.header("x-ratelimit-remaining"), reply.header("x-ratelimit-remaining"));
    assert_eq!(again(&tokens[1]).status, 200);
    bed.organization("acme").repository("app").topics(&["changed"]);
    assert_eq!(again(&tokens[0]).status, 200);
}

#[test]
fn a_ruleset_list_shows_no_rules_and_a_ruleset_its_bypass_only_to_those_who_may_write() {
    let world = world(Profile::Dotcom);
    let bed = &world.bed;
    let token = bed.token().create();
    let list = get(bed, &token, "/repos/acme/app/rulesets").json();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert!(list[0].get("rules").is_none() && list[0].get("bypass_actors").is_none());
    let own = get(bed, &token, "/repos/acme/app/rulesets?includes_parents=false").json();
    assert_eq!(own.as_array().unwrap().len(), 1);
    let id = get(bed, &token, "/orgs/acme/rulesets").json()[0]["id"].as_u64().unwrap();
    assert_eq!(get(bed, &token, &format!("/orgs/acme/rulesets/{id}")).json()["bypass_actors"][0]["actor_id"], 1);
    let reader = bed.token().with(Permission::Administration, Level::Read).create();
    let seen = get(bed, &reader, &format!("/repos/acme/app/rulesets/{}", own[0]["id"])).json();
    assert!(seen.get("bypass_actors").is_none());
    assert_eq!(seen["rules"][0]["type"], "deletion");
}

#[test]
fn rules_of_a_branch_are_those_of_active_rulesets_that_match() {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    acme.repository("app").property("tier", "prod");
    let rule = |kind: &str, condition: Value, enforcement: &str| {
        acme.ruleset(json!({ "name": kind, "enforcement": enforcement, "rules": [{ "type": kind }], "conditions": condition }));
    };
    rule("deletion", conditions("~ALL", "refs/heads/release/**/*"), "active");
    rule("creation", conditions("ap?", "~DEFAULT_BRANCH"), "active");
    rule("non_fast_forward", conditions("~ALL", "~ALL"), "evaluate");
    rule("required_signatures", conditions("other", "~ALL"), "active");
    let property = json!({ "name": "tier", "property_values": ["prod"] });
    let by_property = json!({
        "repository_property": { "include": [property], "exclude": [] }, "ref_name": { "include": ["~ALL"], "exclude": ["refs/heads/dev"] },
    });
    rule("required_linear_history", by_property, "active");
    let token = bed.token().create();
    let rules = |branch: &str| {
        let rules = get(&bed, &token, &format!("/repos/acme/app/rules/branches/{branch}")).json();
        rules.as_array().unwrap().iter().map(|rule| rule["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rules("main"), ["creation", "required_linear_history"]);
    assert_eq!(rules("release%2F1%2F2"), ["deletion", "required_linear_history"]);
    assert!(rules("dev").is_empty());
}

#[test]
fn patterns_are_those_of_ruby() {
    let table = include_str!("../../fixtures/patterns/fnmatch.tsv");
    let mut checked = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let [pattern, text, matches] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!(fnmatch::matches(pattern, text), matches == "1", "{pattern} on {text}");
        checked += 1;
    }
    assert!(checked > 1000, "{checked}");
}

#[test]
fn history_says_who_changed_what_and_when() {
    let world = world(Profile::Dotcom);
    let token = world.bed.token().create();
    let path = world.path("/repos/{owner}/{repo}/rulesets/{ruleset_id}/history").unwrap();
    let versions = get(&world.bed, &token, &path).json();
    assert_eq!(versions.as_array().unwrap().len(), 2);
    assert_eq!(versions[0]["updated_at"], "2026-02-03T04:05:06Z");
    let version = |index: usize| get(&world.bed, &token, &format!("{path}/{}", versions[index]["version_id"])).json();
    assert_eq!(
        (&version(0)["state"]["enforcement"], &version(1)["state"]["enforcement"]),
        (&json!("evaluate"), &json!("active"))
    );
}

#[test]
fn a_moved_repository_answers_with_its_new_place() {
    let bed = Bed::new();
    let app = bed.organization("acme").repository("old");
    app.rename("new");
    let token = bed.token().create();
    let reply = get(&bed, &token, "/repos/acme/old");
    assert_eq!(reply.status, 301);
    assert!(reply.header("location").unwrap().ends_with(&format!("/repositories/{}", app.id())));
    let reply = get(&bed, &token, reply.header("location").unwrap());
    assert_eq!(reply.json()["full_name"], "acme/new");
    let body = json!({ "name": "x", "enforcement": "active" });
    assert_eq!(request(&bed, &token, "POST", "/repos/acme/old/rulesets", Some(&body)).status, 307);
}

#[test]
fn an_app_gets_a_token_of_its_installation_with_no_more_than_it_has() {
    let world = world(Profile::Dotcom);
    let bed = &world.bed;
    let path = format!("/app/installations/{}/access_tokens", world.installation);
    let reply = request(bed, &world.app_token(), "POST", &path, Some(&json!({ "repositories": ["app"] })));
    assert_eq!(reply.status, 201);
    let token = reply.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(get(bed, &token, "/installation/repositories").json()["repository_selection"], "selected");
    assert_eq!(get(bed, &token, "/repos/acme/app/branches/main/protection").status, 200);
    assert_eq!(get(bed, &token, "/user").status, 403);
    assert_eq!(request(bed, &token, "DELETE", "/installation/token", None).status, 204);
    assert_eq!(get(bed, &token, "/repos/acme/app").message(), "Bad credentials");
    assert_eq!(get(bed, "e30.e30.c2ln", "/app").status, 401);
}

#[test]
fn a_recording_holds_every_exchange_and_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exchanges.jsonl");
    let bed = Bed::new();
    bed.record(&file).organization("acme").repository("app");
    bed.fault("GET /repos/acme/app", When::Nth(2), Fault::Status(502));
    let token = bed.token().create();
    get(&bed, &token, "/repos/acme/app");
    get(&bed, &token, "/repos/acme/app");
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["response_body"]["name"], &lines[1]["status"]), (&json!("app"), &json!(502)));
    assert!(!text.contains(&token));
}

#[test]
fn an_enterprises_rulesets_reach_into_its_organizations() {
    let bed = Bed::of(Profile::EnterpriseCloud);
    bed.enterprise("corp", &["acme"]);
    bed.organization("acme").repository("app");
    let mut condition = conditions("~ALL", "~ALL");
    condition["organization_name"] = json!({ "include": ["ac*"], "exclude": [] });
    let rules = json!([{ "type": "deletion" }]);
    let id = bed
        .enterprise_ruleset("corp", json!({ "name": "all", "enforcement": "active", "conditions": condition, "rules": rules }));
    let token = bed.token().create();
    assert_eq!(get(&bed, &token, &format!("/enterprises/corp/rulesets/{id}")).json()["source_type"], "Enterprise");
    assert_eq!(get(&bed, &token, &format!("/enterprises/corp/rulesets/{id}/history")).json().as_array().unwrap().len(), 1);
    assert_eq!(get(&bed, &token, "/enterprises/corp/properties/schema").json(), json!([]));
    assert_eq!(get(&bed, &token, "/repos/acme/app/rulesets").json()[0]["source"], "corp");
    assert_eq!(get(&bed, &token, "/repos/acme/app/rules/branches/main").json()[0]["ruleset_source_type"], "Enterprise");
    let reader = bed.token().without(Permission::EnterpriseAdministration).create();
    assert_eq!(get(&bed, &reader, &format!("/enterprises/corp/rulesets/{id}")).status, 403);
}

#[tokio::test]
async fn a_bed_lives_and_ends_inside_another_runtime() {
    let bed = Bed::new();
    bed.organization("acme");
    let token = bed.token().create();
    assert_eq!(get(&bed, &token, "/orgs/acme").status, 200);
}
