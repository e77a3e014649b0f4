//! Nothing goes unseen: drop or misspell what GitHub requires, on either side, and the bed says so.

use serde_json::{Value, json};

use super::client::{INDEX, get, graphql, request};
use super::world::world;
use crate::support::github::{Bed, Profile};

/// Every place of a value, as JSON pointers, to a depth that reaches into lists of objects.
fn places(value: &Value, at: &str, depth: usize, found: &mut Vec<String>) {
    match value {
        Value::Object(map) if depth > 0 => {
            for (key, inner) in map {
                let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                found.push(place.clone());
                places(inner, &place, depth - 1, found);
            }
        }
        Value::Array(items) if depth > 0 => items.iter().take(1).for_each(|item| places(item, &format!("{at}/0"), depth, found)),
        _ => {}
    }
}

/// What the published schema requires of the object at a place of an answer.
fn required(document: &Value, schema: &Value, place: &[&str]) -> Vec<String> {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    match place.split_first() {
        None => schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect(),
        Some((&"0", rest)) if schema["items"].is_object() => required(document, &schema["items"], rest),
        Some((name, rest)) => required(document, &schema["properties"][*name], rest),
    }
}

#[test]
fn an_answer_without_what_is_required_is_caught() {
    let world = world(Profile::Dotcom);
    let token = world.bed.token().create();
    let document = Profile::Dotcom.document();
    let mut dropped = 0;
    for template in [
        "/orgs/{org}",
        "/orgs/{org}/repos",
        "/orgs/{org}/rulesets",
        "/orgs/{org}/teams",
        "/orgs/{org}/properties/values",
        "/orgs/{org}/installations",
        "/repos/{owner}/{repo}",
        "/repos/{owner}/{repo}/branches",
        "/repos/{owner}/{repo}/branches/{branch}",
        "/repos/{owner}/{repo}/branches/{branch}/protection",
        "/repos/{owner}/{repo}/rulesets/{ruleset_id}",
        "/repos/{owner}/{repo}/rules/branches/{branch}",
        "/repos/{owner}/{repo}/collaborators",
        "/repos/{owner}/{repo}/keys",
        "/repos/{owner}/{repo}/environments",
        "/repos/{owner}/{repo}/codeowners/errors",
        "/repos/{owner}/{repo}/actions/permissions/workflow",
    ] {
        let operation = document.operation("GET", template).unwrap();
        let answer = get(&world.bed, &token, &world.path(template).unwrap()).json();
        assert!(document.check_response(operation, 200, Some(&answer)).is_empty(), "{template}");
        let schema = operation.response_schema(200).unwrap();
        let mut found = Vec::new();
        places(&answer, "", 3, &mut found);
        for place in found {
            let (parent, name) = place.rsplit_once('/').unwrap();
            let path: Vec<&str> = parent.split('/').skip(1).collect();
            if !required(&document.value, schema, &path).iter().any(|one| one == name) {
                continue;
            }
            let mut without = answer.clone();
            without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
            assert!(!document.check_response(operation, 200, Some(&without)).is_empty(), "{template} without {place}");
            let mut misspelt = without;
            misspelt.pointer_mut(parent).unwrap()[format!("{name}s")] = answer.pointer(&place).unwrap().clone();
            assert!(!document.check_response(operation, 200, Some(&misspelt)).is_empty(), "{template} with {place}s");
            dropped += 1;
        }
    }
    assert!(dropped > 300, "{dropped}");
}

#[test]
fn a_bed_that_lies_is_caught_where_it_is_asked() {
    let bed = Bed::new();
    bed.organization("acme").repository("app");
    let token = bed.token().create();
    bed.tamper("GET /repos/acme/app", |body| {
        body.as_object_mut().unwrap().remove("default_branch");
    });
    get(&bed, &token, "/repos/acme/app");
    let violations = bed.violations();
    assert_eq!(violations.len(), 1);
    assert!(violations[0].contains("default_branch"), "{violations:?}");
}

#[test]
fn a_request_with_a_misspelt_or_missing_name_is_refused() {
    let world = world(Profile::Dotcom);
    let token = world.bed.token().create();
    let whole = json!({
        "name": "main", "target": "branch", "enforcement": "active",
        "bypass_actors": [{ "actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always" }],
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
        "rules": [{ "type": "max_file_size", "parameters": { "max_file_size": 10 } }],
    });
    let protection = json!({
        "required_status_checks": { "strict": true, "contexts": [], "checks": [{ "context": "ci", "app_id": -1 }] },
        "enforce_admins": true, "required_pull_request_reviews": { "required_approving_review_count": 1 }, "restrictions": null,
        "required_linear_history": true,
    });
    for (method, path, body) in
        [("POST", "/repos/acme/app/rulesets", &whole), ("PUT", "/repos/acme/app/branches/dev/protection", &protection)]
    {
        let mut found = Vec::new();
        places(body, "", 6, &mut found);
        for place in found {
            let (parent, name) = place.rsplit_once('/').unwrap();
            let mut misspelt = body.clone();
            let object = misspelt.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            let value = object.remove(name).unwrap();
            object.insert(format!("{name}s"), value);
            let reply = request(&world.bed, &token, method, path, Some(&misspelt));
            assert_eq!(reply.status, 422, "{method} {path} with {place}s: {}", reply.text);
            assert_eq!(reply.json()["status"], "422");
            assert_eq!(world.bed.refused_requests().len(), 1, "{place}");
        }
        assert!([200, 201].contains(&request(&world.bed, &token, method, path, Some(body)).status));
    }
}

#[test]
fn a_parameter_that_github_does_not_have_is_refused() {
    let bed = Bed::new();
    bed.organization("acme").repository("app");
    let token = bed.token().create();
    for path in ["/orgs/acme/repos?per_pages=100", "/orgs/acme/repos?per_page=abc", "/repos/acme/app/rulesets/abc"] {
        assert_eq!(get(&bed, &token, path).status, 422, "{path}");
        assert_eq!(bed.refused_requests().len(), 1);
    }
    assert_eq!(get(&bed, &token, "/repos/acme/app/rule-sets").status, 404);
    assert_eq!(bed.violations().len(), 1);
}

#[test]
#[should_panic(expected = "has no such operation")]
fn dropping_the_bed_fails_a_test_that_asked_for_what_is_not_there() {
    let bed = Bed::new();
    get(&bed, "anybody", "/repos/acme/app/rule-sets");
}

#[test]
fn what_nobody_knows_may_be_planted_by_name() {
    let bed = Bed::new();
    let app = bed.organization("acme").repository("app");
    let id = app.ruleset(
        json!({ "name": "new", "enforcement": "sealed", "rules": [{ "type": "sealed_box", "parameters": { "lid": 1 } }] }),
    );
    let token = bed.token().create();
    let path = format!("/repos/acme/app/rulesets/{id}");
    get(&bed, &token, &path);
    assert_eq!(bed.violations().len(), 2);
    bed.allow_unknown("sealed").allow_unknown("sealed_box");
    assert_eq!(get(&bed, &token, &path).json()["rules"][0]["type"], "sealed_box");
    bed.assert_honest();
}

#[test]
fn a_graphql_answer_that_the_schema_does_not_allow_is_caught() {
    let world = world(Profile::Dotcom);
    let token = world.bed.token().create();
    let variables = json!({ "owner": "acme", "repositories": 5, "protections": 5, "rulesets": 5, "actors": 10 });
    let ask = || graphql(&world.bed, &token, INDEX, "OwnerIndex", variables.clone()).json();
    let answer = ask();
    world.bed.assert_honest();
    let mut found = Vec::new();
    places(&answer["data"], "", 14, &mut found);
    assert!(found.len() > 120, "{}", found.len());
    for place in found {
        let (parent, name) = place.rsplit_once('/').unwrap();
        let (parent, name) = (format!("/data{parent}"), name.to_owned());
        world.bed.without_quirks().tamper("POST /graphql", move |body| {
            let object = body.pointer_mut(&parent).unwrap().as_object_mut().unwrap();
            let value = object.remove(&name).unwrap();
            object.insert(format!("{name}s"), value);
        });
        ask();
        assert!(!world.bed.violations().is_empty(), "{place} misspelt");
    }
    world.bed.without_quirks().tamper("POST /graphql", |body| {
        body["data"]["repositoryOwner"]["repositories"]["nodes"][0]["rulesets"]["nodes"][0]["enforcement"] = json!("ENABLED");
    });
    ask();
    assert!(world.bed.violations()[0].contains("which is no RuleEnforcement"));
}
