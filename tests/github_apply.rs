//! Planning and applying, through the bed: what a policy asks for is there afterwards, nothing else was touched, and whatever goes
//! wrong on the way can be gone on with or taken back.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use refwarden::github::Selection;
use refwarden::github::apply::survey::{Survey, survey};
use refwarden::github::apply::{Apply, Direction, Failed, Journal, Outcome, Report};
use refwarden::github::client::{Client, Credentials, Host, Options, Token};
use refwarden::github::plan::{Action, Plan};
use refwarden::policy::{Policy, parse};
use serde_json::{Value, json};

use crate::support::clock::leaping;
use crate::support::github::{Bed, Fault, Profile, Quirk, When};

mod coverage;
mod crash;
mod faults;
mod fleet;
mod held;
mod killed;
mod merge_queue;
mod migrate;
mod permitted;
mod program;
mod random;
mod refused;
mod requests;

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 2, 3);

pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// In memory where there is such a folder: what is waited for here is the disk, some ten thousand times.
pub(crate) fn quick_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

pub(crate) fn client(bed: &Bed, token: &str) -> Client {
    let options = Options { clock: leaping(), points_a_minute: None, attempts: 4, ..Options::default() };
    Client::new(Host::parse(&bed.api_url()).unwrap(), Credentials::Token(Token::new(token).unwrap()), options).unwrap()
}

/// A policy about `acme`, from what stands in `[github]` beside the owner and from its rulesets.
pub(crate) fn policy(github: &str, rulesets: &str) -> Policy {
    let text = format!("version = 1\n[github]\nowner = \"acme\"\n{github}\n{rulesets}");
    parse::parse("policy.toml", text.as_bytes()).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"))
}

pub(crate) async fn surveyed(client: &Client, policy: &Policy, migrate: bool) -> Survey {
    let github = policy.github.as_ref().unwrap();
    let selection = Selection::owner("acme").unwrap().with_archived(false);
    survey(client, policy, github, &selection, migrate, TODAY, |_| {}).await.unwrap()
}

pub(crate) fn plan(bed: &Bed, policy: &Policy) -> Plan {
    let token = bed.token().create();
    run(async { surveyed(&client(bed, &token), policy, false).await.plan })
}

/// Plans and applies; what became of it.
pub(crate) fn apply(bed: &Bed, policy: &Policy, backup: &Path) -> Report {
    let token = bed.token().create();
    run(async {
        let client = client(bed, &token);
        let Survey { plan, before, .. } = surveyed(&client, policy, false).await;
        let mut journal = Journal::create(backup, &plan, &before, Timestamp::UNIX_EPOCH).unwrap();
        Apply::new(&client, &mut journal, Duration::ZERO).run(Direction::Forward, |_, _, _| {}).await
    })
}

/// Takes the newest run up again.
pub(crate) fn again(bed: &Bed, backup: &Path, direction: Direction) -> Report {
    let token = bed.token().create();
    run(async {
        let client = client(bed, &token);
        let folder = Journal::newest_run(backup).unwrap().unwrap();
        let mut journal = Journal::open(&folder).unwrap();
        Apply::new(&client, &mut journal, Duration::ZERO).run(direction, |_, _, _| {}).await
    })
}

pub(crate) const REVIEWED: &str = r#"
[[ruleset]]
name = "main is reviewed"
target = "branch"
refs = ["~DEFAULT_BRANCH"]
bypass = [{ actor = "team:release" }]
[ruleset.rules]
deletion = true
non_fast_forward = true
pull_request = { required_approving_review_count = 2 }
required_status_checks = { required_status_checks = [{ context = "ci/test" }] }
"#;

pub(crate) fn acme() -> Bed {
    let bed = Bed::new();
    bed.hourly_limit(1_000_000);
    let acme = bed.organization("acme");
    acme.team("release", &["ada"]);
    acme.team("platform", &["grace"]);
    acme.owner("auditor");
    acme.repository("api");
    bed
}

fn assert_made(report: &Report) {
    assert!(report.is_complete(), "{report:#?}");
}

fn actions(plan: &Plan) -> Vec<(Action, String)> {
    plan.changes.iter().map(|change| (change.action(), change.thing.to_string())).collect()
}

#[test]
fn what_is_missing_is_created_and_then_there_is_nothing_to_do() {
    let bed = acme();
    let policy = policy("", REVIEWED);
    let before = plan(&bed, &policy);
    assert_eq!(actions(&before), [(Action::Create, "ruleset `main is reviewed` of acme/api".to_owned())]);
    let backup = tempfile::tempdir().unwrap();
    let report = apply(&bed, &policy, backup.path());
    assert_made(&report);
    assert_eq!(report.made(), 1);
    let after = plan(&bed, &policy);
    assert!(after.is_empty(), "{after:#?}");
    bed.forget_requests();
    assert_made(&apply(&bed, &policy, backup.path()));
    assert!(bed.requests().iter().all(|entry| entry.method == "GET" || entry.path.ends_with("graphql")), "{:#?}", bed.requests());
}

#[test]
fn what_differs_is_changed_and_nothing_else() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    api.ruleset(json!({
        "name": "main is reviewed", "target": "branch", "enforcement": "active",
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
        "bypass_actors": [{ "actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always" }],
        "rules": [
            { "type": "deletion" },
            { "type": "pull_request", "parameters": {
                "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": true, "require_code_owner_review": false,
                "require_last_push_approval": false, "required_review_thread_resolution": false,
                "allowed_merge_methods": ["squash"], "required_reviewers": [],
            } },
            { "type": "required_status_checks", "parameters": {
                "strict_required_status_checks_policy": true, "do_not_enforce_on_create": false,
                "required_status_checks": [{ "context": "ci/test", "integration_id": 15368 }],
            } },
        ],
    }));
    let policy = policy("", REVIEWED);
    let planned = plan(&bed, &policy);
    assert_eq!(planned.changes.len(), 1, "{planned:#?}");
    let fields: Vec<(&str, bool)> = planned.changes[0].fields.iter().map(|field| (field.field.as_str(), field.weakens)).collect();
    assert_eq!(
        fields,
        [
            ("bypass_actors[team:release]", true),
            ("bypass_actors[org-admins]", false),
            ("rules.non_fast_forward", false),
            ("rules.pull_request.required_approving_review_count", false),
        ]
    );
    let backup = tempfile::tempdir().unwrap();
    assert_made(&apply(&bed, &policy, backup.path()));
    let after = plan(&bed, &policy);
    assert!(after.is_empty(), "{after:#?}");
    // What the policy does not state is as it was.
    let sent = bed.requests_of("PUT /repos/{owner}/{repo}/rulesets/{ruleset_id}");
    let body = sent[0].request_body.as_ref().unwrap();
    let rule =
        |name: &str| body["rules"].as_array().unwrap().iter().find(|rule| rule["type"] == name).unwrap()["parameters"].clone();
    assert_eq!(rule("pull_request")["dismiss_stale_reviews_on_push"], json!(true));
    assert_eq!(rule("pull_request")["allowed_merge_methods"], json!(["squash"]));
    assert_eq!(rule("pull_request")["required_approving_review_count"], json!(2));
    assert_eq!(rule("required_status_checks")["required_status_checks"][0]["integration_id"], json!(15368));
    assert_eq!(rule("required_status_checks")["strict_required_status_checks_policy"], json!(true));
    // And back again.
    assert_made(&again(&bed, backup.path(), Direction::Back));
    assert_eq!(plan(&bed, &policy).changes, planned.changes);
}

#[test]
fn what_the_policy_does_not_know_is_deleted_only_when_it_says_so() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    api.ruleset(json!({ "name": "other", "enforcement": "active", "rules": [{ "type": "deletion" }],
        "conditions": { "ref_name": { "include": ["~ALL"], "exclude": [] } } }));
    api.protect("old/*", json!({ "enforce_admins": true }));
    let kept = plan(&bed, &policy("", REVIEWED));
    assert_eq!(kept.unmanaged.len(), 2, "{kept:#?}");
    assert!(kept.changes.iter().all(|change| change.action() != Action::Delete));
    let policy = policy("unmanaged = \"delete\"", REVIEWED);
    let planned = plan(&bed, &policy);
    let deleted: Vec<_> = planned.changes.iter().filter(|change| change.action() == Action::Delete).collect();
    assert_eq!(deleted.len(), 2, "{planned:#?}");
    assert!(deleted.iter().all(|change| change.weakens()));
    let backup = tempfile::tempdir().unwrap();
    assert_made(&apply(&bed, &policy, backup.path()));
    assert!(plan(&bed, &policy).is_empty());
    assert_made(&again(&bed, backup.path(), Direction::Back));
    let restored = plan(&bed, &policy);
    assert_eq!(actions(&restored), actions(&planned));
}

pub(crate) const CLASSIC: &str = r#"
[[ruleset]]
name = "main"
target = "branch"
refs = ["main", "release/**/*"]
[ruleset.rules]
deletion = true
non_fast_forward = true
required_signatures = true
required_linear_history = true
pull_request = { required_approving_review_count = 2, dismiss_stale_reviews_on_push = true, required_review_thread_resolution = true }
required_status_checks = { strict_required_status_checks_policy = true, required_status_checks = [{ context = "ci/test" }] }
"#;

#[test]
fn classic_protection_of_a_branch_and_of_a_pattern() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    api.protect(
        "main",
        json!({
            "required_pull_request_reviews": { "required_approving_review_count": 1,
                "bypass_pull_request_allowances": { "users": ["ada"], "teams": ["platform"], "apps": [] } },
            "restrictions": { "users": [], "teams": ["release"], "apps": [] },
            "block_creations": true, "lock_branch": false, "allow_force_pushes": true, "required_signatures": true,
        }),
    );
    let policy = policy("mechanism = \"branch_protection\"", CLASSIC);
    let planned = plan(&bed, &policy);
    assert_eq!(
        actions(&planned),
        [
            (Action::Update, "branch protection `main` of acme/api".to_owned()),
            (Action::Create, "branch protection `release/**/*` of acme/api".to_owned()),
        ],
        "{planned:#?}"
    );
    let backup = tempfile::tempdir().unwrap();
    assert_made(&apply(&bed, &policy, backup.path()));
    let after = plan(&bed, &policy);
    assert!(after.is_empty(), "{after:#?}");
    let put = bed.requests_of("PUT /repos/{owner}/{repo}/branches/{branch}/protection");
    let body = put[0].request_body.as_ref().unwrap();
    assert_eq!(body["restrictions"], json!({ "users": [], "teams": ["release"], "apps": [] }), "what is not managed stays");
    assert_eq!(body["block_creations"], json!(true));
    assert_eq!(bed.requests_of("POST /repos/{owner}/{repo}/branches/{branch}/protection/required_signatures").len(), 1);
    assert_made(&again(&bed, backup.path(), Direction::Back));
    assert_eq!(plan(&bed, &policy).changes, planned.changes);
}

#[test]
fn an_answer_that_was_lost_is_found_out_by_reading() {
    for fault in [Fault::WrittenThenStatus(502), Fault::Status(502), Fault::Disconnect] {
        let bed = acme();
        let policy = policy("", REVIEWED);
        bed.fault("POST /repos/acme/api/rulesets", When::Nth(1), fault.clone());
        let backup = tempfile::tempdir().unwrap();
        let report = apply(&bed, &policy, backup.path());
        let was_made = matches!(fault, Fault::WrittenThenStatus(_));
        assert_eq!(report.is_complete(), was_made, "{fault:?}: {report:#?}");
        if !was_made {
            assert!(matches!(report.outcomes[..], [(0, Outcome::Failed(Failed::Unknown(_)))]), "{report:#?}");
            assert_made(&again(&bed, backup.path(), Direction::Forward));
        }
        assert!(plan(&bed, &policy).is_empty());
        let named = run(async {
            let token = bed.token().create();
            let reader = refwarden::github::live::Reader::new(&client(&bed, &token));
            reader.rulesets_named(refwarden::github::live::Where::of("acme/api"), "main is reviewed").await.unwrap()
        });
        assert_eq!(named.len(), 1, "it was not created twice");
    }
}

#[test]
fn a_success_that_kept_the_old_bypassers_is_no_success() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    let mut state: Value = json!({ "name": "main is reviewed", "enforcement": "active", "rules": [{ "type": "deletion" }],
        "bypass_actors": [{ "actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always" }],
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } } });
    api.ruleset(state.take());
    bed.quirk(Quirk::KeepsOldBypassActors);
    let policy = policy("", REVIEWED);
    let backup = tempfile::tempdir().unwrap();
    let report = apply(&bed, &policy, backup.path());
    let failed = Failed::NotTaken { fields: vec!["bypass_actors".to_owned()] };
    assert_eq!(report.outcomes, [(0, Outcome::Failed(failed))]);
    bed.without_quirks();
    assert_made(&again(&bed, backup.path(), Direction::Forward));
    assert!(plan(&bed, &policy).is_empty());
    assert_made(&again(&bed, backup.path(), Direction::Back));
}

#[test]
fn limits_of_github_delay_and_do_not_lose() {
    let bed = acme();
    let policy = policy("", REVIEWED);
    bed.fault("POST /repos/acme/api/rulesets", When::First(2), Fault::SecondaryLimit { status: 403, retry_after: Some(1) });
    let backup = tempfile::tempdir().unwrap();
    assert_made(&apply(&bed, &policy, backup.path()));
    assert!(plan(&bed, &policy).is_empty());
}

#[test]
fn the_organization_too() {
    let bed = Bed::of(Profile::EnterpriseCloud);
    let acme = bed.organization("acme");
    acme.team("release", &["ada"]);
    acme.repository("api");
    acme.workflow_permissions("read", true);
    let policy = policy("level = \"organization\"\ncan_approve_pull_request_reviews = false", REVIEWED);
    let planned = plan(&bed, &policy);
    assert_eq!(
        actions(&planned),
        [
            (Action::Create, "ruleset `main is reviewed` of acme".to_owned()),
            (Action::Update, "workflow permissions of acme".to_owned()),
        ],
        "{planned:#?}"
    );
    let backup = tempfile::tempdir().unwrap();
    assert_made(&apply(&bed, &policy, backup.path()));
    assert!(plan(&bed, &policy).is_empty());
    assert_made(&again(&bed, backup.path(), Direction::Back));
    assert_eq!(plan(&bed, &policy).changes, planned.changes);
}

/// Every GitHub, by the paths and the description that it has.
#[test]
fn every_profile() {
    for profile in Profile::ALL {
        let bed = Bed::of(profile);
        let acme = bed.organization("acme");
        acme.team("release", &["ada"]);
        acme.repository("api");
        for (github, rulesets) in [("", REVIEWED), ("mechanism = \"branch_protection\"", CLASSIC)] {
            let policy = policy(github, rulesets);
            let backup = tempfile::tempdir().unwrap();
            let report = apply(&bed, &policy, backup.path());
            assert!(report.is_complete(), "{}: {report:#?}", profile.name());
            let after = plan(&bed, &policy);
            assert!(after.changes.is_empty() && after.cannot_tell.is_empty(), "{}: {after:#?}", profile.name());
            assert_made(&again(&bed, backup.path(), Direction::Back));
        }
    }
}

/// GraphQL shows no app where it may not show which: that is not the same as any app.
#[test]
fn a_check_stays_pinned_to_an_app_that_graphql_does_not_show() {
    for hidden in [true, false] {
        let bed = acme();
        let api = bed.organization("acme").repository("api");
        api.protect(
            "main",
            json!({ "required_status_checks": { "strict": false, "checks": [{ "context": "ci/test", "app_id": 15368 }] } }),
        );
        if hidden {
            bed.tamper("POST /graphql", take_apps);
        }
        let policy = policy("mechanism = \"branch_protection\"", CLASSIC);
        let backup = tempfile::tempdir().unwrap();
        let report = apply(&bed, &policy, backup.path());
        let put = bed.requests_of("PUT /repos/{owner}/{repo}/branches/{branch}/protection");
        let sent = &put[0].request_body.as_ref().unwrap()["required_status_checks"]["checks"];
        assert_eq!(*sent, json!([{ "context": "ci/test", "app_id": 15368 }]), "hidden: {hidden}");
        assert_made(&report);
    }
}

/// Of a pattern that binds no branch REST can't be asked. A list that may be pinned is not written as anyone's.
#[test]
fn a_check_that_may_be_pinned_is_not_written_as_anyones() {
    let rules = |check: &str| {
        format!(
            "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"release/*\"]\n[ruleset.rules]\nrequired_linear_history = true\n\
             required_status_checks = {{ required_status_checks = [{{ context = \"ci/test\" }}{check}] }}\n"
        )
    };
    let lint = ", { context = \"lint\" }";
    // (a branch that the pattern binds, the policy's further check, whether it can be told)
    for (branch, check, told) in [(None, lint, false), (Some("release/1"), lint, true), (None, "", true)] {
        let bed = acme();
        bed.app_numbered("ci", 15368).install("ci", "acme", None);
        let api = bed.organization("acme").repository("api");
        let pinned = json!([{ "context": "ci/test", "app_id": 15368 }]);
        api.protect(
            "release/*",
            json!({ "enforce_admins": true, "required_status_checks": { "strict": false, "checks": pinned } }),
        );
        if let Some(branch) = branch {
            api.branch(branch);
        }
        bed.tamper("POST /graphql", take_apps);
        let policy = policy("mechanism = \"branch_protection\"", &rules(check));
        let planned = plan(&bed, &policy);
        assert_eq!(planned.cannot_tell.is_empty(), told, "{branch:?} {check}: {planned:#?}");
        assert_eq!(planned.changes.len(), usize::from(told), "{planned:#?}");
        let backup = tempfile::tempdir().unwrap();
        if told {
            assert_made(&apply(&bed, &policy, backup.path()));
        }
        let settings = bed.settings().to_string();
        assert!(settings.contains("15368"), "the app is lost: {settings}");
    }
}

/// A protection of a plain name is copied from the pattern that bound its branch, if it is certain which that is.
#[test]
fn a_pattern_that_cannot_be_judged_may_be_the_one_that_binds() {
    for (older, told) in [("feature/{a,b}", false), ("feature/*", true)] {
        let bed = acme();
        let api = bed.organization("acme").repository("api");
        api.protect(older, json!({ "enforce_admins": true }));
        let reviews = json!({ "required_approving_review_count": 2 });
        api.protect(
            "m*",
            json!({ "enforce_admins": true, "required_signatures": true, "required_pull_request_reviews": reviews }),
        );
        let policy = policy("mechanism = \"branch_protection\"", CLASSIC);
        let planned = plan(&bed, &policy);
        assert_eq!(planned.cannot_tell.iter().any(|one| one.thing.name == "main"), !told, "{older}: {planned:#?}");
        let after = planned.changes.iter().find(|change| change.thing.name == "main").and_then(|change| change.after.as_ref());
        assert_eq!(after.is_some(), told, "{older}: {planned:#?}");
        assert!(after.is_none_or(|after| after["requires_commit_signatures"] == json!(true)), "{after:#?}");
    }
}

/// A run that stops on the way leaves no branch with less than before and after.
#[test]
fn what_asks_for_more_comes_first() {
    let bed = acme();
    let api = bed.organization("acme").repository("api");
    api.ruleset(json!({ "name": "older", "enforcement": "active", "rules": [{ "type": "deletion" }],
        "conditions": { "ref_name": { "include": ["~ALL"], "exclude": [] } } }));
    let policy = policy("mechanism = \"branch_protection\"\nunmanaged = \"delete\"", CLASSIC);
    let planned = plan(&bed, &policy);
    let order: Vec<Action> = planned.changes.iter().map(|change| change.action()).collect();
    let deletions = order.iter().filter(|action| **action == Action::Delete).count();
    assert_eq!(deletions, 1, "{planned:#?}");
    assert_eq!(order.last(), Some(&Action::Delete), "{planned:#?}");
    bed.fault("PUT /repos/acme/api/branches/main/protection", When::Always, Fault::Status(422));
    let backup = tempfile::tempdir().unwrap();
    let report = apply(&bed, &policy, backup.path());
    assert!(!report.is_complete(), "{report:#?}");
    assert!(api.ruleset_named("older").is_some(), "{report:#?}");
    bed.without_quirks();
    assert_made(&again(&bed, backup.path(), Direction::Forward));
    assert!(api.ruleset_named("older").is_none());
}

fn take_apps(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(take_apps),
        Value::Object(object) => {
            if object.contains_key("context") {
                object.insert("app".to_owned(), Value::Null);
            }
            object.values_mut().for_each(take_apps);
        }
        _ => {}
    }
}
