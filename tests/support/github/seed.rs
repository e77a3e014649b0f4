//! An organization of any size, the same for the same seed: repositories under rulesets of the organization, and among them the
//! faults that audits are for.

use serde_json::{Value, json};

use super::bed::Bed;
use super::permission::{Permissions, Role};
use super::plant::RepositoryHandle;
use super::state::repository::Door;
use super::state::{Reported, Visibility};

/// How large an organization is wanted.
#[derive(Debug, Clone)]
pub struct Seed {
    pub organization: String,
    pub repositories: usize,
    pub seed: u64,
}

/// SplitMix64: small, and the same everywhere. <https://prng.di.unimi.it/splitmix64.c>
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or(0)
    }

    /// True once in so many.
    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const WORDS: &[&str] =
    &["api", "auth", "billing", "cache", "deploy", "edge", "feed", "gateway", "infra", "jobs", "login", "mobile", "web"];
const PEOPLE: &[&str] = &["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
const CODEOWNERS: &str = "* @{org}/core\n/.github/ @{org}/security\n";
const WORKFLOW: &str =
    "name: CI\non:\n  pull_request:\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n";

/// Fills a bed.
pub fn plant(bed: &Bed, seed: &Seed) {
    let mut random = Random(seed.seed);
    let organization = bed.organization(&seed.organization);
    for (index, login) in PEOPLE.iter().enumerate() {
        if index < 2 {
            organization.owner(login)
        } else {
            organization.member(login)
        };
    }
    organization.outside_collaborator("mallory").base_role(Some(Role::Read));
    let core = organization.team("core", &["bob", "carol", "dave"]);
    organization.team("security", &["alice", "erin"]);
    organization.property("tier", json!({ "value_type": "single_select", "allowed_values": ["prod", "internal"] }));
    let ci = bed.app("ci", Permissions::read_only());
    bed.install("ci", &seed.organization, None);
    organization_rulesets(&organization, core, ci);
    for number in 0..seed.repositories {
        let name = format!("{}-{}-{number:04}", random.pick(WORDS), random.pick(WORDS));
        one(&organization.repository(&name), &seed.organization, ci, &mut random);
    }
}

fn conditions(repositories: &str, exclude: &[&str], reference: &str) -> Value {
    json!({
        "repository_name": { "include": [repositories], "exclude": exclude, "protected": false },
        "ref_name": { "include": [reference], "exclude": [] },
    })
}

fn organization_rulesets(organization: &super::plant::OrganizationHandle, core: u64, ci: u64) {
    organization.ruleset(json!({
        "name": "default branches", "enforcement": "active", "conditions": conditions("~ALL", &["*-mobile-*"], "~DEFAULT_BRANCH"),
        "bypass_actors": [
            { "actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always" },
            { "actor_id": core, "actor_type": "Team", "bypass_mode": "pull_request" },
        ],
        "rules": [
            { "type": "deletion" },
            { "type": "non_fast_forward" },
            { "type": "pull_request", "parameters": {
                "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": true, "require_code_owner_review": true,
                "require_last_push_approval": false, "required_review_thread_resolution": true,
            } },
            { "type": "required_status_checks", "parameters": {
                "required_status_checks": [{ "context": "build", "integration_id": ci }], "strict_required_status_checks_policy": false,
            } },
        ],
    }));
    // A trial that nobody ended, and tags that only seem to be protected.
    organization.ruleset(json!({
        "name": "signatures", "enforcement": "evaluate", "conditions": conditions("~ALL", &[], "~ALL"),
        "rules": [{ "type": "required_signatures" }],
    }));
    organization.ruleset(json!({
        "name": "tags", "target": "tag", "enforcement": "active", "conditions": conditions("~ALL", &[], "refs/tags/v*"),
        "rules": [{ "type": "deletion" }],
    }));
}

fn one(repository: &RepositoryHandle, organization: &str, ci: u64, random: &mut Random) {
    let visibility = [Visibility::Private, Visibility::Private, Visibility::Internal, Visibility::Public][random.below(4)];
    repository.visibility(visibility).property("tier", random.pick(&["prod", "internal"])).team("core", Role::Write);
    match random.below(40) {
        0 => return void(repository.empty()),
        1 => void(repository.archived()),
        2 => void(repository.fork()),
        3 => void(repository.default_branch("master")),
        _ => {}
    }
    repository.collaborator("bob", Role::Write, &[Door::Team("core".to_owned(), Role::Write), Door::Organization(Role::Read)]);
    if random.one_in(10) {
        repository.collaborator("mallory", Role::Admin, &[]);
    }
    if !random.one_in(8) {
        repository.file(".github/CODEOWNERS", &CODEOWNERS.replace("{org}", organization));
        if random.one_in(12) {
            repository.codeowners_error(json!({}));
        }
    }
    repository.file(".github/workflows/ci.yml", WORKFLOW);
    if random.one_in(3) {
        repository.branch("release/1.x").tag("v1.0.0").release("v1.0.0", json!({ "target_commitish": "release/1.x" }));
    }
    let name = if random.one_in(15) { "build (old)" } else { "build" };
    let reported = Reported::CheckRun {
        name: name.to_owned(),
        app: Some("ci".to_owned()),
        workflow: Some("CI".to_owned()),
        event: "pull_request".to_owned(),
    };
    for number in 1..=3 {
        repository.merged(number, "main", std::slice::from_ref(&reported));
    }
    if random.one_in(4) {
        classic(repository, ci, random);
    }
    if random.one_in(5) {
        own_ruleset(repository, random);
    }
    if random.one_in(12) {
        repository.deploy_key("deploy", random.one_in(2));
    }
    if random.one_in(20) {
        repository.workflow_permissions("write", true);
    }
}

fn classic(repository: &RepositoryHandle, ci: u64, random: &mut Random) {
    let check = if random.one_in(2) { json!({ "context": "build", "app_id": ci }) } else { json!({ "context": "build" }) };
    let body = json!({
        "enforce_admins": !random.one_in(3),
        "required_status_checks": { "strict": random.one_in(2), "checks": [check] },
        "required_pull_request_reviews": { "required_approving_review_count": random.below(3), "dismiss_stale_reviews": random.one_in(2) },
        "allow_force_pushes": random.one_in(10),
        "restrictions": if random.one_in(3) { json!({ "users": ["bob"], "teams": ["core"], "apps": [] }) } else { Value::Null },
        "creator": random.pick(PEOPLE),
    });
    repository.protect("main", body);
    if random.one_in(2) {
        repository.protect("release/*", json!({ "enforce_admins": true, "required_linear_history": true }));
    }
}

fn own_ruleset(repository: &RepositoryHandle, random: &mut Random) {
    let include = if random.one_in(4) { json!([]) } else { json!(["refs/heads/release/**/*"]) };
    let enforcement = random.pick(&["active", "active", "disabled"]);
    let id = repository.ruleset(json!({
        "name": "releases", "enforcement": enforcement, "conditions": { "ref_name": { "include": include, "exclude": [] } },
        "bypass_actors": if random.one_in(3) { json!([{ "actor_id": null, "actor_type": "DeployKey", "bypass_mode": "always" }]) } else { json!([]) },
        "rules": [{ "type": "creation" }, { "type": "update", "parameters": { "update_allows_fetch_and_merge": false } }],
    }));
    if random.one_in(6) {
        repository.change_ruleset(id, random.pick(PEOPLE), "2026-04-05T06:07:08Z", json!({ "enforcement": "evaluate" }));
    }
}

fn void(_: &RepositoryHandle) {}
