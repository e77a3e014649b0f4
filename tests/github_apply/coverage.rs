//! Everything that GitHub's published description lets one write, written, read back and changed. What the description gains and
//! this list has not fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use refwarden::github::apply::{Apply, Direction, Journal};
use serde_json::Value;

use super::{client, fleet, policy, run, surveyed};
use crate::support::github::{Bed, Profile};

/// Field to the values that were written there.
type Written = BTreeMap<String, BTreeSet<String>>;

fn fixture(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/github-api").join(name)).unwrap()
}

/// Every field of a schema, and whether it has more than one value.
fn fields(document: &Value, schema: &Value, at: &str, found: &mut BTreeMap<String, bool>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return fields(document, &document["components"]["schemas"][name], at, found);
    }
    let below = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            fields(document, property, &below(name), found);
        }
    } else if schema["items"].is_object() {
        fields(document, &schema["items"], &format!("{at}[]"), found);
    } else if let Some(several) = ["oneOf", "anyOf", "allOf"].iter().find_map(|kind| schema[*kind].as_array()) {
        for one in several {
            fields(document, one, at, found);
        }
    } else if !at.is_empty() {
        let values = schema["enum"].as_array().map_or(2, |values| values.iter().filter(|value| !value.is_null()).count());
        let known = found.entry(at.to_owned()).or_default();
        *known |= values > 1;
    }
}

/// What a body writes where. An object or list that is empty says so itself.
fn collect(value: &Value, at: &str, written: &mut Written) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                collect(value, &if at.is_empty() { name.clone() } else { format!("{at}.{name}") }, written);
            }
        }
        Value::Array(list) => {
            for value in list {
                collect(value, &format!("{at}[]"), written);
            }
        }
        other => {
            written.entry(at.to_owned()).or_default().insert(other.to_string());
        }
    }
}

fn world(profile: Profile) -> Bed {
    let bed = Bed::of(profile);
    bed.hourly_limit(1_000_000);
    let acme = bed.organization("acme");
    acme.team("release", &["ada"]);
    acme.team("platform", &["grace"]);
    acme.owner("auditor");
    bed.app_numbered("ci", 15368).app_numbered("cd", 15369);
    bed.install("ci", "acme", None);
    bed.install("cd", "acme", None);
    acme.repository("api").branch("release/1");
    acme.repository("web");
    bed
}

/// Applies one policy after the other, and takes all of it back.
fn carry_out(bed: &Bed, github: &str, rulesets: &[&str]) {
    let token = bed.token().create();
    run(async {
        let client = client(bed, &token);
        let mut runs: Vec<(tempfile::TempDir, Value)> = Vec::new();
        for text in rulesets {
            let policy = policy(&format!("repositories = {{ include = [\"api\"] }}\nunmanaged = \"delete\"\n{github}"), text);
            let survey = surveyed(&client, &policy, false).await;
            assert!(survey.plan.cannot_tell.is_empty() && survey.plan.blocked.is_empty(), "{:#?}", survey.plan);
            let (backup, saved) = (tempfile::tempdir().unwrap(), bed.settings());
            let mut journal = fleet::begin(backup.path(), &survey);
            // Complete is what was read back and is as it was sent.
            let report = Apply::new(&client, &mut journal, Duration::ZERO).run(Direction::Forward, |_, _, _| {}).await;
            assert!(report.is_complete() && report.made() > 0, "{report:#?}");
            assert!(surveyed(&client, &policy, false).await.plan.is_empty());
            drop(journal);
            runs.push((backup, saved));
        }
        for (backup, saved) in runs.iter().rev() {
            let mut journal = Journal::open(&Journal::newest_run(backup.path()).unwrap().unwrap()).unwrap();
            let report = Apply::new(&client, &mut journal, Duration::ZERO).run(Direction::Back, |_, _, _| {}).await;
            assert!(report.is_complete(), "{report:#?}");
            assert_eq!(&bed.settings(), saved);
        }
    });
}

const BRANCH: [&str; 2] = [
    r#"
creation = true
update = { update_allows_fetch_and_merge = true }
deletion = true
required_linear_history = true
merge_queue = { check_response_timeout_minutes = 60, grouping_strategy = "ALLGREEN", max_entries_to_build = 5, max_entries_to_merge = 5, merge_method = "MERGE", min_entries_to_merge = 1, min_entries_to_merge_wait_minutes = 5 }
required_deployments = { required_deployment_environments = ["staging"] }
required_signatures = true
pull_request = { required_approving_review_count = 1, dismiss_stale_reviews_on_push = false, require_code_owner_review = false, require_last_push_approval = false, required_review_thread_resolution = false, allowed_merge_methods = ["squash"], dismissal_restriction = { enabled = true, allowed_actors = ["team:release", "ada"] }, required_reviewers = [{ file_patterns = ["a"], minimum_approvals = 1, reviewer = "team:release" }] }
required_status_checks = { strict_required_status_checks_policy = false, do_not_enforce_on_create = false, required_status_checks = [{ context = "test", integration_id = 15368 }] }
non_fast_forward = true
commit_message_pattern = { operator = "regex", pattern = "^fix", name = "one", negate = true }
commit_author_email_pattern = { operator = "regex", pattern = "^fix", name = "one", negate = true }
committer_email_pattern = { operator = "regex", pattern = "^fix", name = "one", negate = true }
branch_name_pattern = { operator = "regex", pattern = "^fix", name = "one", negate = true }
workflows = { do_not_enforce_on_create = true, workflows = [{ path = ".github/workflows/ci.yml", repository = "acme/api", sha = "abc" }, { path = ".github/workflows/a.yml", repository = "acme/api", ref = "refs/heads/main" }] }
code_scanning = { code_scanning_tools = [{ tool = "CodeQL", alerts_threshold = "errors", security_alerts_threshold = "high_or_higher" }] }
copilot_code_review = { review_on_push = true, review_draft_pull_requests = false }
license_compliance_scanning = true
"#,
    r#"
update = { update_allows_fetch_and_merge = false }
merge_queue = { check_response_timeout_minutes = 30, grouping_strategy = "HEADGREEN", max_entries_to_build = 4, max_entries_to_merge = 4, merge_method = "SQUASH", min_entries_to_merge = 2, min_entries_to_merge_wait_minutes = 6 }
required_deployments = { required_deployment_environments = ["production"] }
pull_request = { required_approving_review_count = 2, dismiss_stale_reviews_on_push = true, require_code_owner_review = true, require_last_push_approval = true, required_review_thread_resolution = true, allowed_merge_methods = ["rebase"], dismissal_restriction = { enabled = false }, required_reviewers = [{ file_patterns = ["b"], minimum_approvals = 2, reviewer = "team:platform" }] }
required_status_checks = { strict_required_status_checks_policy = true, do_not_enforce_on_create = true, required_status_checks = [{ context = "lint", integration_id = 15369 }] }
commit_message_pattern = { operator = "contains", pattern = "x", name = "two", negate = false }
commit_author_email_pattern = { operator = "contains", pattern = "x", name = "two", negate = false }
committer_email_pattern = { operator = "contains", pattern = "x", name = "two", negate = false }
branch_name_pattern = { operator = "contains", pattern = "x", name = "two", negate = false }
workflows = { do_not_enforce_on_create = false, workflows = [{ path = ".github/workflows/cd.yml", repository = "acme/web", sha = "def" }, { path = ".github/workflows/b.yml", repository = "acme/web", ref = "refs/heads/next" }] }
code_scanning = { code_scanning_tools = [{ tool = "Zizmor", alerts_threshold = "all", security_alerts_threshold = "all" }] }
copilot_code_review = { review_on_push = false, review_draft_pull_requests = true }
"#,
];
const TAG: [&str; 2] = [
    "tag_name_pattern = { operator = \"regex\", pattern = \"^v\", name = \"one\", negate = true }\ndeletion = true\n",
    "tag_name_pattern = { operator = \"contains\", pattern = \"x\", name = \"two\", negate = false }\n",
];
const PUSH: [&str; 2] = [
    r#"
file_path_restriction = { restricted_file_paths = ["a"] }
max_file_path_length = { max_file_path_length = 200 }
file_extension_restriction = { restricted_file_extensions = ["jar"] }
max_file_size = { max_file_size = 5 }
"#,
    r#"
file_path_restriction = { restricted_file_paths = ["b"] }
max_file_path_length = { max_file_path_length = 100 }
file_extension_restriction = { restricted_file_extensions = ["exe"] }
max_file_size = { max_file_size = 4 }
"#,
];

/// Rules that GitHub describes and no policy can say, with the reason.
const UNSAYABLE: &[(&str, &str)] = &[];

#[test]
fn every_rule_with_every_parameter() {
    let bed = world(Profile::EnterpriseCloud);
    let policies: Vec<String> = (0..2)
        .map(|which| {
            let ruleset = |name: &str, target: &str, refs: &str, rules: &str| {
                format!("[[ruleset]]\nname = \"{name}\"\ntarget = \"{target}\"\n{refs}\n[ruleset.rules]\n{rules}\n")
            };
            ruleset("branches", "branch", "refs = [\"~DEFAULT_BRANCH\"]", BRANCH[which])
                + &ruleset("tags", "tag", "refs = [\"~ALL\"]", TAG[which])
                + &ruleset("pushes", "push", "", PUSH[which])
        })
        .collect();
    carry_out(&bed, "", &policies.iter().map(String::as_str).collect::<Vec<_>>());
    let mut written: BTreeMap<String, Written> = BTreeMap::new();
    // How often each rule was written, and how often a ruleset of its target without it.
    let mut bodies = Vec::new();
    for entry in bed.requests().into_iter().filter(|entry| entry.method != "GET") {
        let Some(body) = entry.request_body.filter(|body| body["rules"].is_array()) else { continue };
        for rule in body["rules"].as_array().unwrap() {
            let name = rule["type"].as_str().unwrap().to_owned();
            collect(&rule["parameters"], "", written.entry(name).or_default());
        }
        bodies.push(body);
    }
    for file in ["openapi/github.com.json", "openapi/ghec.json"] {
        let document: Value = serde_json::from_str(&fixture(file)).unwrap();
        let rules = document["components"]["schemas"]["repository-rule"]["oneOf"].as_array().unwrap();
        assert_eq!(rules.len(), 23, "{file}: GitHub describes other rules");
        for rule in rules {
            let name = rule["$ref"].as_str().map(|name| name.rsplit('/').next().unwrap());
            let schema = name.map_or(rule, |name| &document["components"]["schemas"][name]);
            let kind = schema["properties"]["type"]["enum"][0].as_str().unwrap();
            if let Some((_, why)) = UNSAYABLE.iter().find(|(name, _)| *name == kind) {
                assert!(!why.is_empty() && !written.contains_key(kind), "`{kind}` can be said");
                continue;
            }
            let values = written.get(kind).unwrap_or_else(|| panic!("{file}: no test writes `{kind}`"));
            let mut parameters = BTreeMap::new();
            fields(&document, &schema["properties"]["parameters"], "", &mut parameters);
            for (parameter, varies) in &parameters {
                let count = values.get(parameter).map_or(0, BTreeSet::len);
                let least = if *varies { 2 } else { 1 };
                assert!(count >= least, "{file}: `{parameter}` of `{kind}` was written with {count} values, and not {least}");
            }
            if parameters.is_empty() {
                let has = |body: &&Value| body["rules"].as_array().unwrap().iter().any(|rule| rule["type"] == kind);
                let with = bodies.iter().find(has).unwrap();
                assert!(bodies.iter().any(|body| body["name"] == with["name"] && !has(&body)), "`{kind}` was never taken away");
            }
        }
    }
}

/// What the body of `PUT .../protection` has and is never written, with the reason.
const NOT_PUT: &[(&str, &str)] = &[("required_status_checks.contexts[]", "the older way to say `checks`, which has no app")];
/// What the mutations' inputs have and is never written.
const NOT_MUTATED: &[(&str, &str)] = &[
    ("clientMutationId", "GitHub gives it back and does nothing with it"),
    ("requiredStatusCheckContexts", "the older way to say `requiredStatusChecks`, which has no app"),
];
/// What is never changed by an update, because no policy has a word for it: it stays as it was.
const NOT_UPDATED: &[(&str, &str)] = &[
    ("pattern", "a protection with another pattern is another one"),
    ("lockBranch", "rules of rulesets do not lock"),
    ("lockAllowsFetchAndMerge", "likewise"),
];

fn protection(which: usize) -> Value {
    let on = which == 0;
    let (person, team, app) = if on { ("ada", "release", "ci") } else { ("grace", "platform", "cd") };
    let actors = serde_json::json!({ "users": [person], "teams": [team], "apps": [app] });
    serde_json::json!({
        "required_status_checks": { "strict": on, "checks": [{ "context": if on { "a" } else { "b" } }] },
        "enforce_admins": on,
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": on, "require_code_owner_reviews": on, "required_approving_review_count": which + 1,
            "require_last_push_approval": on, "dismissal_restrictions": actors, "bypass_pull_request_allowances": actors,
        },
        "restrictions": actors,
        "required_linear_history": on, "allow_force_pushes": on, "allow_deletions": on, "block_creations": on,
        "required_conversation_resolution": on, "lock_branch": true, "allow_fork_syncing": on, "required_signatures": on,
    })
}

const NOTHING: &str = "[[ruleset]]\nname = \"x\"\ntarget = \"branch\"\nrefs = [\"other\"]\n[ruleset.rules]\ndeletion = true\n";

/// Whether each field was written, with two values if it has two.
fn assert_written(what: &str, described: &BTreeMap<String, bool>, written: &Written, exceptions: &[&[(&str, &str)]]) {
    for (field, varies) in described {
        let values = written.get(field).map_or(0, BTreeSet::len);
        if exceptions.iter().flat_map(|list| list.iter()).any(|(name, why)| name == field && !why.is_empty()) {
            assert_eq!(values, 0, "{what}: `{field}` is written after all");
        } else {
            assert!(values > usize::from(*varies), "{what}: `{field}` was written with {values} values");
        }
    }
}

#[test]
fn every_field_of_classic_protection_by_rest() {
    let mut written = Written::new();
    for which in 0..2 {
        let bed = world(Profile::Dotcom);
        bed.organization("acme").repository("api").protect("main", {
            let mut body = protection(which);
            if which == 1 {
                body["lock_branch"] = Value::from(false);
            }
            let app = if which == 0 { 15368 } else { 15369 };
            body["required_status_checks"]["checks"][0]["app_id"] = Value::from(app);
            body
        });
        // Changed in a little, which takes all of it, and back.
        let rule = if which == 0 { "deletion" } else { "required_linear_history" };
        let little = NOTHING.replace("other", "main").replace("deletion", rule);
        carry_out(&bed, "mechanism = \"branch_protection\"", &[&little]);
        for entry in bed.requests_of("PUT /repos/{owner}/{repo}/branches/{branch}/protection") {
            collect(&entry.request_body.unwrap(), "", &mut written);
        }
    }
    let document: Value = serde_json::from_str(&fixture("openapi/github.com.json")).unwrap();
    let put = &document["paths"]["/repos/{owner}/{repo}/branches/{branch}/protection"]["put"];
    let mut described = BTreeMap::new();
    fields(&document, &put["requestBody"]["content"]["application/json"]["schema"], "", &mut described);
    assert!(described.len() > 20, "{described:?}");
    assert_written("PUT", &described, &written, &[NOT_PUT]);
}

/// The fields of an input type of the published schema.
fn input(name: &str) -> BTreeMap<String, bool> {
    let schema = fixture("schema.graphql");
    let (_, rest) = schema.split_once(&format!("input {name} {{")).unwrap();
    let (fields, _) = rest.split_once('}').unwrap();
    let names = fields.lines().filter_map(|line| line.trim().split_once(':'));
    // Ids name what is written, and do not vary.
    names
        .map(|(name, _)| (name.to_owned(), name != "repositoryId" && name != "branchProtectionRuleId" && name != "pattern"))
        .collect()
}

#[test]
fn every_field_of_classic_protection_by_graphql() {
    let mut inputs: BTreeMap<&str, Written> = BTreeMap::new();
    let mut collect_from = |bed: &Bed| {
        for entry in bed.requests_of("POST /graphql") {
            let body = entry.request_body.unwrap();
            let query = body["query"].as_str().unwrap_or_default();
            for (mutation, kind) in [
                ("CreateProtection", "CreateBranchProtectionRuleInput"),
                ("UpdateProtection", "UpdateBranchProtectionRuleInput"),
                ("DeleteProtection", "DeleteBranchProtectionRuleInput"),
            ] {
                if query.contains("mutation ") && body["operationName"] == mutation {
                    for (name, value) in body["variables"]["input"].as_object().unwrap() {
                        inputs.entry(kind).or_default().entry(name.clone()).or_default().insert(value.to_string());
                    }
                }
            }
        }
    };
    for which in 0..2 {
        let bed = world(Profile::Dotcom);
        let mut body = protection(which);
        body["lock_branch"] = Value::from(which == 0);
        body["bypass_force_push"] = body["restrictions"].clone();
        body["required_deployments"] = if which == 0 { serde_json::json!(["staging"]) } else { Value::Null };
        if which == 1 {
            for section in ["required_pull_request_reviews", "restrictions", "required_status_checks"] {
                body[section] = Value::Null;
            }
        }
        bed.organization("acme").repository("api").protect("release/*", body);
        carry_out(&bed, "mechanism = \"branch_protection\"", &[NOTHING]);
        collect_from(&bed);
    }
    // Updates, there and back, of everything that a policy has a word for.
    let wanted = |more: &str, rules: &str| {
        format!("[[ruleset]]\nname = \"x\"\ntarget = \"branch\"\nrefs = [\"release/*\"]\n{more}\n[ruleset.rules]\n{rules}\n")
    };
    let full = wanted(
        "",
        r#"
deletion = true
non_fast_forward = true
required_linear_history = true
required_signatures = true
update = true
creation = true
required_deployments = { required_deployment_environments = ["staging"] }
pull_request = { required_approving_review_count = 2, dismiss_stale_reviews_on_push = true, require_code_owner_review = true, require_last_push_approval = true, required_review_thread_resolution = true, dismissal_restriction = { enabled = true, allowed_actors = ["team:release"] } }
required_status_checks = { strict_required_status_checks_policy = true, required_status_checks = [{ context = "a" }] }
"#,
    );
    let bed = world(Profile::Dotcom);
    bed.organization("acme").repository("api").protect(
        "release/*",
        serde_json::json!({ "allow_deletions": true, "allow_force_pushes": true, "bypass_force_push": { "users": ["ada"], "teams": [], "apps": [] } }),
    );
    carry_out(&bed, "mechanism = \"branch_protection\"", &[&full]);
    collect_from(&bed);
    let bed = world(Profile::Dotcom);
    let mut other = protection(1);
    other["required_pull_request_reviews"]["required_approving_review_count"] = Value::from(1);
    other["bypass_force_push"] = other["restrictions"].clone();
    bed.organization("acme").repository("api").protect("release/*", other);
    carry_out(&bed, "mechanism = \"branch_protection\"", &[&full]);
    collect_from(&bed);
    for (kind, exceptions) in [
        ("CreateBranchProtectionRuleInput", &[NOT_MUTATED] as &[&[(&str, &str)]]),
        ("UpdateBranchProtectionRuleInput", &[NOT_MUTATED, NOT_UPDATED]),
        ("DeleteBranchProtectionRuleInput", &[NOT_MUTATED]),
    ] {
        let mut described = input(kind);
        described.entry("branchProtectionRuleId".to_owned()).and_modify(|varies| *varies = false);
        assert_written(kind, &described, &inputs[kind], exceptions);
    }
}
