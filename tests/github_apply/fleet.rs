//! An organization of any number of repositories in which everything that can be written is to be written: rulesets that are
//! missing, differ or are too many, classic protections of branches and of patterns, what workflows may do.

use jiff::Timestamp;
use refwarden::github::apply::Journal;
use refwarden::github::apply::survey::Survey;
use refwarden::github::client::Client;
use refwarden::policy::Policy;
use serde_json::{Value, json};
use std::path::Path;

use super::{policy, surveyed};
use crate::support::github::{Bed, Profile, RepositoryHandle};

/// Of every five repositories, what is to be done with rulesets.
const WITH_RULESETS: &str = r#"
repositories = { include = ["r*"] }
unmanaged = "delete"
can_approve_pull_request_reviews = false
"#;
const RULESETS: &str = r#"
[[ruleset]]
name = "main"
target = "branch"
refs = ["~DEFAULT_BRANCH"]
bypass = [{ actor = "team:release", mode = "pull_request" }]
[ruleset.rules]
deletion = true
pull_request = { required_approving_review_count = 2 }
"#;
const WITH_PROTECTIONS: &str = r#"
repositories = { include = ["c*"] }
mechanism = "branch_protection"
unmanaged = "delete"
"#;
const PROTECTIONS: &str = r#"
[[ruleset]]
name = "main"
target = "branch"
refs = ["main"]
[ruleset.rules]
deletion = true
required_signatures = true
pull_request = { required_approving_review_count = 2 }
required_status_checks = { required_status_checks = [{ context = "ci/test" }] }
[[ruleset]]
name = "releases"
target = "branch"
refs = ["release/**/*"]
repositories = { include = ["c*-pattern"] }
[ruleset.rules]
non_fast_forward = true
required_linear_history = true
"#;

/// Both policies: no single one has both mechanisms.
pub(super) fn policies() -> [Policy; 2] {
    [policy(WITH_RULESETS, RULESETS), policy(WITH_PROTECTIONS, PROTECTIONS)]
}

/// Their texts.
pub(super) fn texts() -> [String; 2] {
    [(WITH_RULESETS, RULESETS), (WITH_PROTECTIONS, PROTECTIONS)]
        .map(|(github, rulesets)| format!("version = 1\n[github]\nowner = \"acme\"\n{github}\n{rulesets}"))
}

/// A ruleset in the form in which GitHub keeps it, so that what is written back is the same to the letter.
fn ruleset(name: &str, approvals: u64, bypass: Value) -> Value {
    json!({
        "name": name, "target": "branch", "enforcement": "active", "bypass_actors": bypass,
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
        "rules": [
            { "type": "deletion" },
            { "type": "pull_request", "parameters": {
                "required_approving_review_count": approvals, "dismiss_stale_reviews_on_push": false,
                "require_code_owner_review": true, "require_last_push_approval": false,
                "required_review_thread_resolution": false, "allowed_merge_methods": ["squash"], "required_reviewers": [],
            } },
        ],
    })
}

/// What the policy asks for of `main`, and everything else that a protection can have.
fn full(approvals: u64) -> Value {
    json!({
        "required_status_checks": { "strict": true, "checks": [{ "context": "ci/test" }] },
        "enforce_admins": true, "required_signatures": true, "required_linear_history": true,
        "required_pull_request_reviews": { "required_approving_review_count": approvals, "dismiss_stale_reviews": true,
            "dismissal_restrictions": { "users": ["ada"], "teams": [], "apps": [] } },
        "restrictions": { "users": [], "teams": ["release"], "apps": [] },
        "block_creations": true, "required_conversation_resolution": true,
    })
}

/// Plants the repositories, `r…` for rulesets and `c…` for classic protection by turns.
pub(super) fn plant(profile: Profile, judged: bool, repositories: usize) -> Bed {
    let bed = if judged { Bed::of(profile) } else { Bed::unjudged(profile) };
    bed.hourly_limit(1_000_000_000);
    let acme = bed.organization("acme");
    let team = acme.team("release", &["ada"]);
    acme.owner("auditor");
    for number in 0..repositories {
        let case = number / 2;
        let name = |kind: &str| format!("{kind}{number:02}");
        if number % 2 == 0 {
            with_rulesets(&acme.repository(&name("r")), case, team);
        } else {
            let name = if case % 5 == 1 { format!("{}-pattern", name("c")) } else { name("c") };
            with_protections(&acme.repository(&name), case);
        }
    }
    bed
}

fn with_rulesets(repository: &RepositoryHandle, case: usize, team: u64) {
    let pass = json!([{ "actor_id": team, "actor_type": "Team", "bypass_mode": "pull_request" }]);
    match case % 5 {
        // To be created.
        0 => {}
        // To be changed.
        1 => {
            repository.ruleset(ruleset("main", 1, pass));
        }
        // One too many.
        2 => {
            repository.ruleset(ruleset("main", 2, pass.clone()));
            repository.ruleset(ruleset(
                "old",
                2,
                json!([{ "actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always" }]),
            ));
        }
        // Others may pass; and workflows may approve.
        3 => {
            let everyone = json!([{ "actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always" }]);
            repository.ruleset(ruleset("main", 3, everyone));
            repository.workflow_permissions("write", true);
        }
        // A classic protection that nothing asks for.
        _ => {
            repository.ruleset(ruleset("main", 2, pass));
            repository.protect("main", full(3));
        }
    }
}

fn with_protections(repository: &RepositoryHandle, case: usize) {
    match case % 5 {
        // To be created, with signatures.
        0 => {}
        // A pattern to be created beside a branch that is as it should be.
        1 => {
            repository.protect("main", full_and_planned());
        }
        // To be changed by REST, which has no word for signatures.
        2 => {
            repository.protect("main", full(1));
        }
        // To be changed by GraphQL, because only it shows who may force-push and where it must be deployed.
        3 => {
            let mut body = full(1);
            body["bypass_force_push"] = json!({ "users": ["ada"], "teams": ["release"], "apps": [] });
            body["required_deployments"] = json!(["production"]);
            repository.protect("main", body);
        }
        // A pattern that nothing asks for.
        _ => {
            repository.protect("main", full_and_planned());
            repository.protect("old/*", full(2));
        }
    }
}

fn full_and_planned() -> Value {
    let mut body = full(2);
    body["required_pull_request_reviews"]["bypass_pull_request_allowances"] = json!({ "users": [], "teams": [], "apps": [] });
    body
}

/// Plans by both policies, as one plan.
pub(super) async fn plan(client: &Client) -> Survey {
    let [one, other] = policies();
    let mut both = surveyed(client, &one, false).await;
    let more = surveyed(client, &other, false).await;
    assert!(both.plan.blocked.is_empty() && both.plan.cannot_tell.is_empty(), "{:#?}", both.plan);
    assert!(more.plan.blocked.is_empty() && more.plan.cannot_tell.is_empty(), "{:#?}", more.plan);
    both.plan.changes.extend(more.plan.changes);
    both
}

/// Whether both policies are as they should be.
pub(super) async fn assert_nothing_to_do(client: &Client) {
    for policy in policies() {
        let plan = surveyed(client, &policy, false).await.plan;
        assert!(plan.is_empty(), "{plan:#?}");
    }
}

/// A run that has not begun.
pub(super) fn begin(backup: &Path, survey: &Survey) -> Journal {
    Journal::create(backup, &survey.plan, &survey.before, Timestamp::UNIX_EPOCH).unwrap()
}
