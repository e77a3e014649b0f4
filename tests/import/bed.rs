//! `refwarden github import` and `export`, run as programs against a GitHub on this machine.

use std::fs;
use std::path::Path;

use refwarden::policy::parse;
use serde_json::{Value, json};

use crate::support::clean;
use crate::support::github::{Bed, OrganizationHandle, Permission, Permissions, Profile};

/// What a run came to.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn is(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// With this cause on standard error, and some help.
    #[track_caller]
    fn complains(self, cause: &str) {
        assert!(self.err.contains(cause) && self.err.contains("help: "), "`{cause}` and help:\n{}{}", self.out, self.err);
        assert_eq!(self.out, "");
    }
}

fn run(bed: &Bed, token: &str, folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = clean(env!("CARGO_BIN_EXE_refwarden"), folder);
    command.current_dir(folder).env("GITHUB_TOKEN", token).env("GITHUB_API_URL", bed.api_url()).arg("github").args(arguments);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let ran = Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(token.is_empty() || !ran.out.contains(token) && !ran.err.contains(token), "the token is shown: {ran:?}");
    ran
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn reviewed(team: u64) -> Value {
    json!({
        "name": "main", "target": "branch", "enforcement": "active",
        "bypass_actors": [{ "actor_id": team, "actor_type": "Team", "bypass_mode": "pull_request" }],
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
        "rules": [{ "type": "deletion" }, { "type": "non_fast_forward" }],
    })
}

/// An organization with two repositories that have the same ruleset, and one protection.
fn acme(bed: &Bed) -> OrganizationHandle {
    let acme = bed.organization("acme");
    acme.owner("alice").member("bob");
    let core = acme.team("core", &["bob"]);
    bed.app("bot", Permissions::read_only());
    bed.install("bot", "acme", None);
    for name in ["api", "web"] {
        acme.repository(name).ruleset(reviewed(core));
    }
    acme
}

/// That nothing differs between a policy and GitHub, by the audit's and the plan's own word for it.
#[track_caller]
fn no_drift(bed: &Bed, token: &str, folder: &Path, policy: &str) {
    let arguments = ["audit", "--policy", policy, "--only", "bypass-always", "--format", "json"];
    let ran = run(bed, token, folder, &arguments);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    assert!(report["drift"].is_null() && report["not_bound"].is_null(), "{report:#}");
    let plan = run(bed, token, folder, &["plan", "--policy", policy]);
    assert_eq!(plan.code, Some(0), "{plan:?}");
}

#[test]
fn rulesets_become_a_policy_without_drift() {
    let (bed, folder) = (Bed::of(Profile::EnterpriseCloud), folder());
    acme(&bed);
    let token = bed.token().create();
    let ran = run(&bed, &token, folder.path(), &["import", "--owner", "acme", "--out", "policy.toml"]).is(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    let text = fs::read_to_string(folder.path().join("policy.toml")).unwrap();
    let policy = parse::parse("policy.toml", text.as_bytes()).unwrap();
    assert_eq!(policy.rulesets.len(), 1, "{text}");
    assert!(text.contains("bypass = [{ actor = \"team:core\", mode = \"pull_request\" }]"), "{text}");
    assert!(text.contains(&format!("api_url = \"{}\"", bed.api_url())) && !text.contains("repositories ="), "{text}");
    no_drift(&bed, &token, folder.path(), "policy.toml");
    // Whoever changes it sees what that would change.
    fs::write(folder.path().join("other.toml"), text.replace("deletion = true", "update = true")).unwrap();
    let plan = run(&bed, &token, folder.path(), &["plan", "--policy", "other.toml"]).is(1);
    assert!(plan.out.contains("2 changes in 2 of 2 repositories"), "{}", plan.out);
    let check =
        clean(env!("CARGO_BIN_EXE_refwarden"), folder.path()).current_dir(folder.path()).args(["check", "policy.toml"]).output();
    assert!(check.unwrap().status.success());
    // A file that is there is not written over without being told to, and nobody is asked.
    bed.forget_requests();
    run(&bed, &token, folder.path(), &["import", "--owner", "acme", "--out", "policy.toml"]).is(2).complains("is there already");
    assert!(bed.requests().is_empty());
    run(&bed, &token, folder.path(), &["import", "--repo", "acme/api", "--out", "policy.toml", "--force"]).is(0);
    let text = fs::read_to_string(folder.path().join("policy.toml")).unwrap();
    assert!(text.contains("repositories = [\"api\"]"), "{text}");
    no_drift(&bed, &token, folder.path(), "policy.toml");
}

#[test]
fn branch_protections_become_a_policy_without_drift() {
    let (bed, folder) = (Bed::of(Profile::EnterpriseCloud), folder());
    let acme = bed.organization("acme");
    acme.owner("alice").member("bob");
    acme.team("core", &["bob"]);
    bed.app("bot", Permissions::read_only());
    bed.install("bot", "acme", None);
    let api = acme.repository("api");
    api.protect(
        "main",
        json!({
            "enforce_admins": true,
            "required_status_checks": { "strict": true, "contexts": [], "checks": [{ "context": "ci" }] },
            "required_pull_request_reviews": {
                "required_approving_review_count": 2,
                "bypass_pull_request_allowances": { "users": ["bob"], "teams": ["core"], "apps": ["bot"] },
            },
            "bypass_force_push": { "users": ["alice"] }, "required_deployments": ["prod"], "required_signatures": true,
        }),
    );
    api.protect("release/**", json!({ "enforce_admins": false, "restrictions": { "teams": ["core"] }, "lock_branch": true }));
    let token = bed.token().create();
    let left = run(&bed, &token, folder.path(), &["import", "--owner", "acme"]).is(1);
    assert!(left.err.contains("acme/api: branch protection `main`: this policy is about rulesets"), "{}", left.err);
    let arguments = ["import", "--owner", "acme", "--as", "branch_protection", "--out", "policy.toml"];
    assert_eq!(run(&bed, &token, folder.path(), &arguments).is(0).err, "");
    no_drift(&bed, &token, folder.path(), "policy.toml");
    let converted = run(&bed, &token, folder.path(), &["import", "--owner", "acme", "--as", "rulesets"]).is(0);
    assert!(!converted.err.contains("merge_queue"), "{}", converted.err);
    api.merge_queue("main");
    let queued = run(&bed, &token, folder.path(), &["import", "--owner", "acme", "--as", "rulesets"]).is(0);
    assert!(queued.err.contains("branch protection `main`: merge_queue: not expressible: the branch has"), "{}", queued.err);
    assert!(converted.err.contains("acme/api: branch protection `main`: required_signatures: equivalent"), "{}", converted.err);
    let policy = parse::parse("policy.toml", converted.out.as_bytes()).unwrap();
    assert!(policy.rulesets.iter().any(|ruleset| ruleset.name.starts_with("release/**: ")), "{}", converted.out);
}

#[test]
fn an_organization_is_imported_on_its_own() {
    let (bed, folder) = (Bed::of(Profile::EnterpriseCloud), folder());
    let acme = acme(&bed);
    acme.ruleset(json!({
        "name": "everywhere", "target": "tag", "enforcement": "active",
        "bypass_actors": [{ "actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always" }],
        "conditions": { "ref_name": { "include": ["~ALL"], "exclude": [] }, "repository_name": { "include": ["~ALL"], "exclude": ["x-*"] } },
        "rules": [{ "type": "deletion" }],
    }));
    let token = bed.token().create();
    let arguments = ["import", "--owner", "acme", "--level", "organization", "--out", "policy.toml"];
    run(&bed, &token, folder.path(), &arguments).is(0);
    no_drift(&bed, &token, folder.path(), "policy.toml");
    let text = fs::read_to_string(folder.path().join("policy.toml")).unwrap();
    assert!(text.contains("level = \"organization\"") && text.contains("name = \"everywhere\""), "{text}");
    let complaints: &[(&[&str], &str)] = &[
        (&["--owner", "acme", "--level", "organization", "--as", "rulesets"], "exist in repositories only"),
        (&["--repo", "acme/api", "--level", "organization"], "are its own"),
        (&[], "whose repositories?"),
        (&["--owner", "acme", "--repo", "none-*"], "no repository of `acme` was meant"),
        (&["absent.json"], "cannot read `absent.json`"),
    ];
    for (arguments, cause) in complaints {
        run(&bed, &token, folder.path(), &[&["import"], *arguments].concat()).is(2).complains(cause);
    }
    run(&bed, &token, folder.path(), &["import", "x.json", "--level", "organization"]).is(2);
}

#[test]
fn what_may_not_be_seen_is_3_and_no_policy() {
    let (bed, folder) = (Bed::of(Profile::EnterpriseCloud), folder());
    acme(&bed);
    let blind = bed.token().without(Permission::Administration).create();
    let ran = run(&bed, &blind, folder.path(), &["import", "--owner", "acme", "--out", "policy.toml"]).is(3);
    assert!(ran.err.contains("acme/api: ruleset `main`: who passes it is hidden"), "{}", ran.err);
    assert!(!folder.path().join("policy.toml").exists(), "a policy that says nothing would have been taken for all there is");
    run(&bed, "ghp_wrong", folder.path(), &["import", "--owner", "acme"]).is(3).complains("401");
}

/// A token that was given some repositories: that it sees all of those is not that there are no others.
#[test]
fn repositories_that_were_not_given_to_the_token_are_missed() {
    let (bed, folder) = (Bed::of(Profile::EnterpriseCloud), folder());
    acme(&bed);
    let narrow = bed.token().only(&["acme/api"]).create();
    let ran = run(&bed, &narrow, folder.path(), &["import", "--owner", "acme"]).is(3);
    assert!(ran.err.contains("acme: 1 of its repositories were not seen"), "{}", ran.err);
    let all = bed.token().create();
    run(&bed, &all, folder.path(), &["import", "--owner", "acme", "--out", "policy.toml"]).is(0);
    for (token, code) in [(&narrow, 3), (&all, 0)] {
        run(&bed, token, folder.path(), &["export", "--policy", "policy.toml", "--out", "rulesets", "--force"]).is(code);
        let planned = run(&bed, token, folder.path(), &["plan", "--policy", "policy.toml"]).is(code);
        assert_eq!(planned.out.contains("1 of its repositories were not seen"), code == 3, "{}", planned.out);
    }
}

#[test]
fn exported_files_are_imported_again() {
    let (bed, folder) = (Bed::of(Profile::EnterpriseCloud), folder());
    acme(&bed);
    let token = bed.token().create();
    run(&bed, &token, folder.path(), &["import", "--owner", "acme", "--out", "policy.toml"]).is(0);
    let listed = run(&bed, &token, folder.path(), &["export", "--policy", "policy.toml", "--out", "rulesets"]).is(0);
    assert_eq!(listed.out, "rulesets/api/main.json\nrulesets/web/main.json\n");
    let file = fs::read_to_string(folder.path().join("rulesets/api/main.json")).unwrap();
    let json: Value = serde_json::from_str(&file).unwrap();
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 8, "{keys:?}");
    assert_eq!((&json["source"], &json["source_type"]), (&json!("acme/api"), &json!("Repository")));
    let again = ["import", "rulesets/api/main.json", "rulesets/web/main.json", "--owner", "acme", "--out", "again.toml"];
    run(&bed, &token, folder.path(), &again).is(0);
    no_drift(&bed, &token, folder.path(), "again.toml");
    // Without anyone to ask, numbers have no names.
    bed.forget_requests();
    let offline = run(&bed, "", folder.path(), &["import", "rulesets/api/main.json"]).is(3);
    assert!(offline.err.contains("the name of team #") && bed.requests().is_empty(), "{}", offline.err);
    // One goes to standard output.
    let one =
        run(&bed, &token, folder.path(), &["export", "--policy", "policy.toml", "--repo", "api", "--ruleset", "main"]).is(0);
    assert_eq!(one.out, file);
    let complaints: &[(&[&str], &str)] = &[
        (&["--policy", "policy.toml"], "these are 2 rulesets"),
        (&["--policy", "policy.toml", "--ruleset", "absent"], "there is no ruleset to write"),
        (&["--policy", "policy.toml", "--out", "rulesets"], "is there already"),
    ];
    for (arguments, cause) in complaints {
        run(&bed, &token, folder.path(), &[&["export"], *arguments].concat()).is(2).complains(cause);
    }
    fs::write(folder.path().join("none.toml"), "version = 1\n").unwrap();
    run(&bed, &token, folder.path(), &["export", "--policy", "none.toml"]).is(2).complains("is about no GitHub");
    // What GitHub has no word for is told.
    let policy = format!(
        "version = 1\n[github]\nowner = \"acme\"\nrepositories = [\"api\"]\napi_url = \"{}\"\n[[ruleset]]\nname = \"x\"\ntarget = \"tag\"\nrefs = [\"v*\"]\n[ruleset.rules]\ndeletion = true\nannotated_tags = true\n",
        bed.api_url()
    );
    fs::write(folder.path().join("more.toml"), policy).unwrap();
    let more = run(&bed, &token, folder.path(), &["export", "--policy", "more.toml"]).is(1);
    assert!(more.out.contains("\"deletion\"") && more.err.contains("`annotated_tags`"), "{more:?}");
}

/// GraphQL shows no app that it may not show; a check is then nobody's, and REST knows better.
#[test]
fn a_check_stays_pinned_to_an_app_that_graphql_does_not_show() {
    fn hide(value: &mut Value) {
        match value {
            Value::Object(object) => {
                if object.contains_key("context") && object.contains_key("app") {
                    object.insert("app".to_owned(), Value::Null);
                }
                object.values_mut().for_each(hide);
            }
            Value::Array(list) => list.iter_mut().for_each(hide),
            _ => {}
        }
    }
    let (bed, folder) = (Bed::of(Profile::EnterpriseCloud), folder());
    let acme = bed.organization("acme");
    acme.owner("alice");
    let bot = bed.app("bot", Permissions::read_only());
    bed.install("bot", "acme", None);
    let checks = json!({ "strict": true, "contexts": [], "checks": [{ "context": "ci", "app_id": bot }] });
    acme.repository("api").protect("main", json!({ "enforce_admins": true, "required_status_checks": checks }));
    bed.tamper("POST /graphql", hide);
    let token = bed.token().create();
    for form in ["branch_protection", "rulesets"] {
        let ran = run(&bed, &token, folder.path(), &["import", "--owner", "acme", "--as", form]).is(0);
        assert!(ran.out.contains(&format!("{{ context = \"ci\", integration_id = {bot} }}")), "{}", ran.out);
    }
}
