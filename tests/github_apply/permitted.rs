//! The least that a token must be permitted for each command: with just that the command tells and does as much as with every
//! permission, and with any of it less it does not. The documentation lists it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::program::Desk;
use crate::support::github::{Bed, Level, Permission, Permissions, Profile, Reported};

/// An organization in which every permission shows something.
fn world() -> Bed {
    let bed = Bed::of(Profile::EnterpriseCloud);
    bed.hourly_limit(1_000_000_000);
    let acme = bed.organization("acme");
    let release = acme.team("release", &["ada"]);
    acme.owner("auditor").outside_collaborator("mallory").workflow_permissions("read", true);
    acme.property("tier", json!({}));
    acme.custom_repository_role(json!({ "name": "keeper", "base_role": "write" }));
    let ci = bed.app("ci", Permissions::read_only());
    bed.install("ci", "acme", None);
    let pass = json!([{ "actor_id": release, "actor_type": "Team", "bypass_mode": "always" }]);
    let ruleset = |approvals: u64| {
        json!({
            "name": "main", "enforcement": "active", "bypass_actors": pass,
            "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
            "rules": [
                { "type": "pull_request", "parameters": {
                    "required_approving_review_count": approvals, "dismiss_stale_reviews_on_push": false,
                    "require_code_owner_review": true, "require_last_push_approval": false,
                    "required_review_thread_resolution": false,
                } },
                { "type": "required_status_checks", "parameters": { "strict_required_status_checks_policy": false,
                    "required_status_checks": [{ "context": "build", "integration_id": ci }, { "context": "lint" }] } },
            ],
        })
    };
    let mut of_all = ruleset(1);
    of_all["conditions"]["repository_name"] = json!({ "include": ["~ALL"], "exclude": [], "protected": false });
    acme.ruleset(of_all);
    let api = acme.repository("api");
    api.ruleset(ruleset(1));
    api.protect(
        "main",
        json!({ "enforce_admins": false, "required_pull_request_reviews": { "required_approving_review_count": 1 },
            "restrictions": { "users": ["ada"], "teams": ["release"], "apps": [] } }),
    );
    api.branch("release/1").tag("v1").release("v1", json!({})).file(".github/CODEOWNERS", "* @acme/nobody\n");
    api.codeowners_error(json!({})).deploy_key("deploy", false);
    api.file(".github/workflows/ci.yml", "name: CI\non:\n  pull_request:\njobs:\n  build:\n    runs-on: x\n    steps: []\n");
    api.environment("production", json!({})).workflow_permissions("write", true).property("tier", "prod");
    let run =
        Reported::CheckRun { name: "build".to_owned(), app: None, workflow: Some("CI".to_owned()), event: "push".to_owned() };
    let status = Reported::Status { context: "lint".to_owned(), creator: Some("mallory".to_owned()) };
    api.merged(1, "main", &[run, status]);
    bed
}

const RULESETS: &str = r#"
[[ruleset]]
name = "main"
target = "branch"
refs = ["~DEFAULT_BRANCH"]
bypass = [{ actor = "team:release" }, { actor = "ada" }]
[ruleset.rules]
pull_request = { required_approving_review_count = 2 }
"#;

/// A command, as the documentation names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Audit,
    WhoCan,
    Import,
    Plan,
    Migrate,
    Apply(&'static str),
}

const COMMANDS: &[(&str, Command)] = &[
    ("`audit`", Command::Audit),
    ("`who-can`", Command::WhoCan),
    ("`import`", Command::Import),
    ("`plan`", Command::Plan),
    ("`plan --migrate`", Command::Migrate),
    ("`apply` of rulesets", Command::Apply("")),
    ("`apply` of classic protections", Command::Apply("mechanism = \"branch_protection\"")),
    ("`apply` to the organization", Command::Apply("level = \"organization\"")),
];

/// All that a command says or does with a token.
fn outcome(bed: &Bed, command: Command, permissions: &Permissions) -> String {
    let start = bed.snapshot();
    let github = if let Command::Apply(github) = command { github } else { "" };
    let policy = format!("version = 1\n[github]\nowner = \"acme\"\n{github}\n{RULESETS}");
    let desk = Desk::with_token(bed, &policy, bed.token().permissions(permissions.clone()).create());
    let result = match command {
        Command::Audit => {
            let ran = desk.run(&["audit", "--owner", "acme", "--format", "json"]);
            let report: Value = serde_json::from_str(&ran.out).unwrap_or_default();
            format!("{:?} {} {} {}", ran.code, report["findings"], report["cannot_tell"], report["inventory"]["unread"])
        }
        Command::WhoCan => {
            let ran = desk.run(&["who-can", "main", "push", "--repo", "acme/api", "--json"]);
            format!("{:?} {}", ran.code, ran.out)
        }
        Command::Import => {
            let ran = desk.run(&["import", "--owner", "acme"]);
            format!("{:?} {}", ran.code, ran.out)
        }
        Command::Plan => {
            let ran = desk.run(&["plan", "--policy", "policy.toml", "--format", "json"]);
            format!("{:?} {}", ran.code, ran.out)
        }
        Command::Migrate => {
            let ran = desk.run(&["plan", "--policy", "policy.toml", "--migrate", "--format", "json"]);
            format!("{:?} {}", ran.code, ran.out)
        }
        Command::Apply(_) => {
            let planned = desk.plan();
            let ran = desk.apply(&["--allow-weaken"]);
            format!("{:?} {:?} {}", planned.code, ran.code, bed.settings())
        }
    };
    bed.restore(&start);
    result
}

/// How a permission is called in the documentation.
fn name(permission: Permission) -> String {
    let (of, name) = match permission.name().split_once("organization_") {
        Some(("", name)) => ("organization ", name),
        _ if permission == Permission::Members => ("organization ", "members"),
        _ => ("", permission.name()),
    };
    let mut name = name.replace('_', " ");
    name[..1].make_ascii_uppercase();
    format!("{of}{name}")
}

/// From every permission down to those that matter.
fn least(bed: &Bed, command: Command) -> String {
    let mut permissions = Permissions::everything();
    let whole = outcome(bed, command, &permissions);
    for permission in Permission::ALL.into_iter().filter(|one| *one != Permission::Metadata) {
        for level in [Level::None, Level::Read, Level::Write].into_iter().filter(|level| *level < permissions.level(permission)) {
            let less = match level {
                Level::None => permissions.clone().without(permission),
                level => permissions.clone().with(permission, level),
            };
            if outcome(bed, command, &less) == whole {
                permissions = less;
                break;
            }
        }
    }
    let listed = Permission::ALL.into_iter().filter(|one| permissions.level(*one) > Level::None);
    listed.map(|one| format!("{}: {}", name(one), permissions.level(one).name())).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_documentation_lists_the_least() {
    let bed = world();
    // Each command does what it is for when nothing is in its way.
    for (name, command) in COMMANDS {
        if let Command::Apply(_) = command {
            let before = bed.settings().to_string();
            let done = outcome(&bed, *command, &Permissions::everything());
            assert!(done.starts_with("Some(1) Some(0)") && !done.ends_with(&before), "{name}: {done}");
        }
    }
    let table: Vec<String> = COMMANDS.iter().map(|(name, command)| format!("| {name} | {} |", least(&bed, *command))).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/github.md");
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(&table.join("\n")), "docs/github.md does not list what commands need:\n{}", table.join("\n"));
}
