//! An organization with a bit of everything, and the names that lead to it.

use serde_json::{Value, json};

use crate::support::github::{Bed, Door, Permissions, Profile, Reported, Role};

/// What stands for the names in a path.
pub struct World {
    pub bed: Bed,
    pub names: Vec<(&'static str, String)>,
    pub installation: u64,
    pub app: u64,
    pub organization_ruleset: u64,
}

pub fn conditions(repositories: &str, reference: &str) -> Value {
    json!({
        "repository_name": { "include": [repositories], "exclude": [] },
        "ref_name": { "include": [reference], "exclude": [] },
    })
}

/// One of every kind of thing.
pub fn world(profile: Profile) -> World {
    let bed = Bed::of(profile);
    let acme = bed.organization("acme");
    acme.owner("alice").member("bob").outside_collaborator("eve").property("tier", json!({}));
    acme.team("core", &["bob"]);
    let role = acme.organization_role(json!({ "name": "security", "users": ["alice"], "teams": ["core"] }));
    acme.custom_repository_role(json!({ "name": "releaser", "base_role": "write", "permissions": ["bypass_branch_protection"] }));
    let app = bed.app("bot", Permissions::everything());
    let installation = bed.install("bot", "acme", None);
    let repository = acme.repository("app");
    repository.branch("dev").tag("v1.0").topics(&["tools"]).property("tier", "prod").allowed_actions("selected");
    repository.file(".github/CODEOWNERS", "* @acme/core\n").file("src/lib.rs", "\n").codeowners_error(json!({}));
    repository.collaborator("bob", Role::Write, &[Door::Team("core".to_owned(), Role::Write), Door::Organization(Role::Read)]);
    repository.collaborator("eve", Role::Read, &[]).team("core", Role::Write).release("v1.0", json!({}));
    let key = repository.deploy_key("deploy", false);
    repository.environment(
        "prod",
        json!({
            "branch_policies": [{ "id": 1, "node_id": "DBP_1", "name": "main" }],
            "deployment_branch_policy": { "protected_branches": false, "custom_branch_policies": true },
            "protection_rules": [
                { "id": 1, "node_id": "GA_1", "type": "wait_timer", "wait_timer": 30 },
                {
                    "id": 2, "node_id": "GA_2", "type": "required_reviewers", "prevent_self_review": true,
                    "reviewers": [{ "type": "User", "reviewer": "alice" }, { "type": "Team", "reviewer": "core" }],
                },
            ],
        }),
    );
    let check = |name: &str| Reported::CheckRun {
        name: name.to_owned(),
        app: Some("bot".to_owned()),
        workflow: Some("CI".to_owned()),
        event: "pull_request".to_owned(),
    };
    let status = Reported::Status { context: "legacy".to_owned(), creator: Some("alice".to_owned()) };
    repository.merged(7, "main", &[check("build"), check("test"), status]);
    let everyone = json!({ "users": ["alice"], "teams": ["core"], "apps": ["bot"] });
    repository.protect(
        "main",
        json!({
            "enforce_admins": true, "required_signatures": true, "required_linear_history": true, "creator": "alice",
            "required_status_checks": { "strict": true, "checks": [{ "context": "build", "app_id": app }, { "context": "legacy" }] },
            "required_pull_request_reviews": {
                "required_approving_review_count": 2, "dismiss_stale_reviews": true, "dismissal_restrictions": everyone,
                "bypass_pull_request_allowances": everyone,
            },
            "restrictions": everyone, "bypass_force_push": everyone, "required_deployments": ["prod"],
        }),
    );
    repository.protect("m*", json!({}));
    let ruleset = repository.ruleset(json!({
        "name": "tags", "target": "tag", "enforcement": "active", "rules": [{ "type": "deletion" }],
        "conditions": { "ref_name": { "include": ["~ALL"], "exclude": [] } },
    }));
    repository.change_ruleset(ruleset, "alice", "2026-02-03T04:05:06Z", json!({ "enforcement": "evaluate" }));
    let organization_ruleset = acme.ruleset(json!({
        "name": "main", "enforcement": "active", "conditions": conditions("~ALL", "~DEFAULT_BRANCH"),
        "bypass_actors": [{ "actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always" }],
        "rules": [
            { "type": "non_fast_forward" },
            { "type": "pull_request", "parameters": {
                "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": true, "require_code_owner_review": true,
                "require_last_push_approval": false, "required_review_thread_resolution": false,
            } },
        ],
    }));
    let suite = bed.rule_suite("acme/app", json!({ "result": "bypass", "actor_name": "alice" }));
    let ruleset = ruleset.to_string();
    let names = vec![
        ("org", "acme".to_owned()),
        ("owner", "acme".to_owned()),
        ("repo", "app".to_owned()),
        ("branch", "main".to_owned()),
        ("username", "bob".to_owned()),
        ("team_slug", "core".to_owned()),
        ("app_slug", "bot".to_owned()),
        ("installation_id", installation.to_string()),
        ("role_id", role.to_string()),
        ("custom_property_name", "tier".to_owned()),
        ("ref", "heads/main".to_owned()),
        ("path", ".github/CODEOWNERS".to_owned()),
        ("environment_name", "prod".to_owned()),
        ("key_id", key.to_string()),
        ("rule_suite_id", suite.to_string()),
        ("ruleset_id", ruleset),
    ];
    World { bed, names, installation, app, organization_ruleset }
}

impl World {
    /// A path with its names replaced; `None` if one of them leads nowhere here.
    pub fn path(&self, template: &str) -> Option<String> {
        let mut path = template.to_owned();
        for (name, value) in &self.names {
            path = path.replace(&format!("{{{name}}}"), &value.replace('/', "%2F"));
        }
        (!path.contains('{')).then_some(path)
    }

    /// What an App signs for itself; the signature is nobody's.
    pub fn app_token(&self) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let claims = format!("{{\"iss\":\"{}\",\"iat\":{now},\"exp\":{}}}", self.app, now + 300);
        format!("e30.{}.c2ln", encode(claims.as_bytes()))
    }
}

/// Base64 without padding, as tokens have it.
fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        text.extend((0..=chunk.len()).map(|place| char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize])));
    }
    text
}
