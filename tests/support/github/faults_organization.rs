//! An organization in which the fault of every check stands once, and beside each the same done right.
//!
//! A repository bears the name of the check whose fault it has. What a sound repository has too is right there; what it does not
//! have (classic rules, bypasses, a queue, conditions) is done right in a repository of its own.

use serde_json::{Value, json};

use super::bed::Bed;
use super::permission::{Permissions, Role};
use super::plant::{OrganizationHandle, RepositoryHandle};
use super::state::repository::Door;
use super::state::{Reported, Source};

/// Its name.
pub const ORGANIZATION: &str = "acme";

/// The repository that the audit's token was not given.
pub const UNSEEN: &str = "inventory-partial";

/// A policy for some of its repositories, with exemptions for others.
pub const POLICY: &str = include_str!("faults_organization.toml");

const CODEOWNERS: &str = "* @acme/core\n";
const SELF_UNOWNED: &str = "/src/ @acme/core\n/.github/workflows/ @acme/core\n";
const CI: &str = ".github/workflows/ci.yml";
const WORKFLOW: &str =
    "name: CI\non:\n  pull_request:\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n";
const IN_QUEUE: &str = "name: CI\non:\n  pull_request:\n  merge_group:\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n";
const FILTERED: &str = "name: CI\non:\n  pull_request:\n    paths: [src/**]\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n";
const SKIPPABLE: &str = "name: CI\non:\n  pull_request:\njobs:\n  build:\n    if: github.actor != 'bot'\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n";

/// Who and what rulesets name by number.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    core: u64,
    actions: u64,
    ci: u64,
}

/// Fills a bed.
pub fn plant(bed: &Bed) {
    bed.allow_unknown("quantum_review").hourly_limit(1_000_000);
    let acme = bed.organization(ORGANIZATION);
    acme.owner("alice").owner("erin");
    let core = acme.team("core", &["bob", "carol", "dave"]);
    let actions = bed.app("github-actions", Permissions::read_only());
    let ci = bed.app("ci", Permissions::read_only());
    bed.install("ci", ORGANIZATION, None);
    let numbers = Numbers { core, actions, ci };
    let sketch = |name: &'static str| Sketch::new(&acme, name, numbers);
    sound(&sketch);
    sight(bed, &sketch);
    binding(&sketch);
    reviews(&sketch);
    checks(&sketch);
    bypasses(bed, &acme, &sketch);
    order(&sketch);
    of_the_organization(&acme, &sketch);
    of_the_policy(&sketch);
}

/// Fills a bed with an organization of the free plan, which has no rulesets and no branch protection for what is private.
pub fn plant_free(bed: &Bed) {
    let acme = bed.organization(ORGANIZATION);
    acme.owner("alice").raw(json!({ "plan": { "name": "free", "space": 976_562_499, "private_repos": 10_000 } }));
    let core = acme.team("core", &["bob", "carol", "dave"]);
    let actions = bed.app("github-actions", Permissions::read_only());
    let sketch = |name: &'static str| Sketch::new(&acme, name, Numbers { core, actions, ci: actions });
    Sketch { restricts_files: false, ..sketch("sound") }.plant().public();
    acme.repository("feature-unavailable").needs_upgrade();
}

/// The repositories that a test's token is given: all but one.
pub fn visible(bed: &Bed) -> Vec<String> {
    let state = bed.state();
    let mut names: Vec<String> = state.repositories_of(ORGANIZATION).iter().map(|repository| repository.full_name()).collect();
    names.retain(|name| !name.ends_with(UNSEEN));
    names
}

/// What happens after the earlier audit: a ruleset is weakened for an hour and put right again.
pub fn change(bed: &Bed) {
    let acme = bed.organization(ORGANIZATION);
    let repository = acme.repository("changed-since-baseline");
    let its = Source::Repository(repository.id());
    let id = bed
        .state()
        .rulesets
        .values()
        .find(|ruleset| ruleset.text("name") == "main" && ruleset.source == its)
        .map(|found| found.id);
    let id = id.expect("its ruleset `main`");
    repository.change_ruleset(id, "dave", "2026-02-04T01:00:00Z", json!({ "enforcement": "disabled" }));
    repository.change_ruleset(id, "dave", "2026-02-04T02:00:00Z", json!({ "enforcement": "active" }));
}

/// A repository that is sound until something of it is changed.
struct Sketch<'a> {
    organization: &'a OrganizationHandle,
    name: &'static str,
    numbers: Numbers,
    /// Of the ruleset `main`; none: there is no such ruleset.
    rules: Vec<Value>,
    include: Value,
    bypass: Vec<Value>,
    tag_rules: Vec<Value>,
    restricts_files: bool,
    codeowners: Option<&'static str>,
    workflows: Vec<(&'static str, &'static str)>,
}

impl<'a> Sketch<'a> {
    fn new(organization: &'a OrganizationHandle, name: &'static str, numbers: Numbers) -> Self {
        let rules = vec![
            rule("deletion"),
            rule("non_fast_forward"),
            rule("required_signatures"),
            rule("required_linear_history"),
            json!({ "type": "pull_request", "parameters": {
                "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": true, "require_code_owner_review": true,
                "require_last_push_approval": true, "required_review_thread_resolution": true,
                "dismissal_restriction": { "enabled": true, "allowed_actors": [] },
            } }),
            json!({ "type": "required_status_checks", "parameters": {
                "required_status_checks": [{ "context": "build", "integration_id": numbers.actions }],
                "strict_required_status_checks_policy": true,
            } }),
        ];
        Self {
            organization,
            name,
            numbers,
            rules,
            include: json!(["~DEFAULT_BRANCH"]),
            bypass: Vec::new(),
            tag_rules: vec![rule("update"), rule("deletion")],
            restricts_files: true,
            codeowners: Some(CODEOWNERS),
            workflows: vec![(CI, WORKFLOW)],
        }
    }

    fn without(mut self, kind: &str) -> Self {
        let before = self.rules.len();
        self.rules.retain(|rule| rule["type"] != kind);
        assert!(self.rules.len() < before, "there is a rule {kind}");
        self
    }

    fn with(mut self, rule: Value) -> Self {
        self.rules.push(rule);
        self
    }

    fn set(mut self, kind: &str, parameter: &str, value: Value) -> Self {
        let rule = self.rules.iter_mut().find(|rule| rule["type"] == kind).expect("a rule of that type");
        rule["parameters"][parameter] = value;
        self
    }

    fn unset(mut self, kind: &str, parameter: &str) -> Self {
        let rule = self.rules.iter_mut().find(|rule| rule["type"] == kind).expect("a rule of that type");
        rule["parameters"].as_object_mut().expect("parameters").remove(parameter).expect("a parameter of that name");
        self
    }

    fn unprotected(mut self) -> Self {
        self.rules.clear();
        self
    }

    fn bypass(mut self, kind: &str, id: Value, mode: &str) -> Self {
        self.bypass.push(json!({ "actor_type": kind, "actor_id": id, "bypass_mode": mode }));
        self
    }

    fn workflow(mut self, text: &'static str) -> Self {
        self.workflows = vec![(CI, text)];
        self
    }

    fn plant(self) -> RepositoryHandle {
        let repository = self.organization.repository(self.name);
        repository.team("core", Role::Write).tag("v1.0.0").release("v1.0.0", json!({}));
        for login in ["bob", "carol", "dave"] {
            repository.collaborator(login, Role::Write, &[Door::Team("core".to_owned(), Role::Write)]);
        }
        if let Some(text) = self.codeowners {
            repository.file(".github/CODEOWNERS", text);
        }
        for (path, text) in &self.workflows {
            repository.file(path, text);
        }
        let reported = Reported::CheckRun {
            name: "build".to_owned(),
            app: Some("github-actions".to_owned()),
            workflow: Some("CI".to_owned()),
            event: "pull_request".to_owned(),
        };
        for number in 1..=2 {
            repository.merged(number, "main", std::slice::from_ref(&reported));
        }
        if !self.rules.is_empty() {
            let conditions = json!({ "ref_name": { "include": self.include, "exclude": [] } });
            ruleset(&repository, "main", &conditions, &self.rules, &self.bypass);
        }
        repository.ruleset(json!({
            "name": "tags", "target": "tag", "enforcement": "active", "rules": self.tag_rules,
            "conditions": { "ref_name": { "include": ["~ALL"], "exclude": [] } },
        }));
        if self.restricts_files {
            repository.ruleset(json!({
                "name": "files", "target": "push", "enforcement": "active",
                "rules": [{ "type": "max_file_size", "parameters": { "max_file_size": 5 } }],
            }));
        }
        repository
    }
}

fn rule(kind: &str) -> Value {
    json!({ "type": kind })
}

fn refs(include: &[&str]) -> Value {
    json!({ "ref_name": { "include": include, "exclude": [] } })
}

fn ruleset(repository: &RepositoryHandle, name: &str, conditions: &Value, rules: &[Value], bypass: &[Value]) -> u64 {
    repository.ruleset(json!({
        "name": name, "target": "branch", "enforcement": "active", "conditions": conditions, "rules": rules,
        "bypass_actors": bypass,
    }))
}

/// What is right: everything by rulesets, or with classic rules beside them, bypasses that few have, a queue.
fn sound<'a>(sketch: &impl Fn(&'static str) -> Sketch<'a>) {
    sketch("sound").plant();
    let classic = sketch("sound-classic").plant();
    classic.branch("docs-1").branch("old");
    // What the younger rule asks for, the older one does, too.
    classic.protect("docs-*", json!({ "enforce_admins": true, "required_linear_history": true }));
    classic.protect("docs-1", json!({ "enforce_admins": true, "required_linear_history": true, "required_signatures": true }));
    classic.protect(
        "old",
        json!({ "enforce_admins": true, "required_pull_request_reviews": { "required_approving_review_count": 1 } }),
    );
    // No ruleset asks for what this one does.
    classic.protect("main", json!({ "enforce_admins": true, "restrictions": { "users": [], "teams": ["core"], "apps": [] } }));
    let passed = sketch("sound-bypass");
    let (core, ci) = (passed.numbers.core, passed.numbers.ci);
    let passed = passed.bypass("Team", json!(core), "pull_request").bypass("Integration", json!(ci), "pull_request");
    passed.bypass("DeployKey", Value::Null, "pull_request").plant().deploy_key("mirror", true);
    let releases = sketch("sound-releases").plant();
    releases.branch("release/1.x").branch("topic").release("v1.0.1", json!({ "target_commitish": "release/1.x" }));
    let kept = [rule("creation"), rule("deletion"), rule("non_fast_forward"), reviewed()];
    ruleset(&releases, "releases", &refs(&["refs/heads/release/**/*"]), &kept, &[]);
    sketch("sound-queue").with(queue()).workflow(IN_QUEUE).plant();
    // A name, not a word that GitHub replaces, is right while it is the default branch's.
    Sketch { include: json!(["refs/heads/main"]), ..sketch("sound-literal") }.plant();
    let five = sketch("sound-admins").plant();
    for login in ["frank", "grace", "heidi", "ivan", "judy"] {
        five.collaborator(login, Role::Admin, &[]);
    }
}

fn reviewed() -> Value {
    json!({ "type": "pull_request", "parameters": {
        "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": true, "require_code_owner_review": false,
        "require_last_push_approval": true, "required_review_thread_resolution": true,
    } })
}

fn queue() -> Value {
    json!({ "type": "merge_queue", "parameters": {
        "check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 5,
        "max_entries_to_merge": 5, "merge_method": "SQUASH", "min_entries_to_merge": 1, "min_entries_to_merge_wait_minutes": 5,
    } })
}

/// Faults of what can be seen at all.
fn sight<'a>(bed: &Bed, sketch: &impl Fn(&'static str) -> Sketch<'a>) {
    // Classic protection that GitHub keeps for itself, of a branch that says it has some.
    // Nothing but that can be what it means: a public repository has no rules about files.
    let unreadable = Sketch { restricts_files: false, ..sketch("protection-unreadable") }.unprotected().plant();
    unreadable.public().hides_protections().protect("main", json!({ "enforce_admins": true, "required_linear_history": true }));
    // An enterprise shows its bypassers to its owners.
    sketch("bypass-list-hidden").plant();
    bed.enterprise("holding", &[ORGANIZATION]);
    bed.enterprise_ruleset(
        "holding",
        json!({
            "name": "holding", "target": "branch", "enforcement": "active", "current_user_can_bypass": "always",
            "bypass_actors": [{ "actor_id": null, "actor_type": "EnterpriseOwner", "bypass_mode": "always" }],
            "conditions": {
                "organization_name": { "include": ["acme"], "exclude": [] },
                "repository_name": { "include": ["bypass-list-hidden"], "exclude": [], "protected": true },
                "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] },
            },
            "rules": [rule("deletion")],
        }),
    );
    sketch(UNSEEN).plant();
    let many = sketch("page-truncated").plant();
    for number in 0..60 {
        many.deploy_key(&format!("key {number:02}"), true);
    }
    sketch("unknown-construct").with(rule("quantum_review")).plant();
}

/// Faults of where rules bind.
fn binding<'a>(sketch: &impl Fn(&'static str) -> Sketch<'a>) {
    sketch("branch-unprotected").unprotected().plant();
    ruleset(&sketch("ruleset-targets-nothing").plant(), "nowhere", &refs(&[]), &[rule("deletion")], &[]);
    sketch("ruleset-not-enforcing").plant().ruleset(json!({
        "name": "trial", "target": "branch", "enforcement": "evaluate", "conditions": refs(&["~ALL"]),
        "rules": [rule("deletion")],
    }));
    let anything = json!({ "type": "commit_message_pattern", "parameters": { "operator": "regex", "pattern": ".*" } });
    sketch("rule-hollow").with(anything).plant();
    let releases = sketch("release-branch-uncovered").plant();
    releases.branch("release/1.x").branch("ship").branch("topic").tag("v1.0.1");
    releases.release("v1.0.1", json!({ "target_commitish": "ship" }));
    let shadowed = sketch("classic-pattern-shadowed").plant();
    shadowed.branch("docs-1");
    shadowed.protect("docs-*", json!({ "enforce_admins": true, "required_linear_history": true }));
    shadowed.protect("docs-1", json!({ "enforce_admins": true }));
    let renamed = sketch("literal-default-branch");
    Sketch { include: json!(["refs/heads/main"]), ..renamed }.plant().default_branch("trunk");
    let open = sketch("creation-open").plant();
    open.branch("release/1.x");
    ruleset(&open, "releases", &refs(&["refs/heads/release/**/*"]), &[rule("deletion"), reviewed()], &[]);
}

/// Faults of what reviews are worth.
fn reviews<'a>(sketch: &impl Fn(&'static str) -> Sketch<'a>) {
    let no = || json!(false);
    sketch("no-pr-required").without("pull_request").plant();
    sketch("stale-approval-survives")
        .set("pull_request", "dismiss_stale_reviews_on_push", no())
        .set("pull_request", "require_last_push_approval", no())
        .plant();
    sketch("last-push-unapproved").set("pull_request", "require_last_push_approval", no()).plant();
    Sketch { codeowners: None, ..sketch("codeowners-required-but-absent") }.plant();
    sketch("codeowners-invalid").plant().codeowners_error(json!({ "source": "* @acme/core" }));
    Sketch { codeowners: Some(SELF_UNOWNED), ..sketch("codeowners-self-unowned") }.plant();
    sketch("actions-can-approve").plant().workflow_permissions("read", true);
    sketch("dismissal-open").unset("pull_request", "dismissal_restriction").plant();
    sketch("threads-unresolved").set("pull_request", "required_review_thread_resolution", no()).plant();
    sketch("reviewer-pool-too-small").set("pull_request", "required_approving_review_count", json!(3)).plant();
}

/// Faults of what checks are worth.
fn checks<'a>(sketch: &impl Fn(&'static str) -> Sketch<'a>) {
    let checks = "required_status_checks";
    sketch("no-required-checks").without(checks).plant();
    sketch("check-source-unpinned").set(checks, checks, json!([{ "context": "build" }])).plant();
    let never = sketch("check-never-reported");
    let required = json!([
        { "context": "build", "integration_id": never.numbers.actions },
        { "context": "scan", "integration_id": never.numbers.ci },
    ]);
    never.set(checks, checks, required).plant();
    let twice = sketch("check-name-ambiguous");
    Sketch { workflows: vec![(CI, WORKFLOW), (".github/workflows/other.yml", WORKFLOW)], ..twice }.plant();
    sketch("check-skippable").workflow(SKIPPABLE).plant();
    sketch("check-path-filtered").workflow(FILTERED).plant();
    sketch("merge-queue-check-missing").with(queue()).plant();
    sketch("not-up-to-date").set(checks, "strict_required_status_checks_policy", json!(false)).plant();
}

/// Faults of who passes.
fn bypasses<'a>(bed: &Bed, acme: &OrganizationHandle, sketch: &impl Fn(&'static str) -> Sketch<'a>) {
    let old = |name: &'static str, body: Value| {
        sketch(name).plant().branch("old").protect("old", body);
    };
    old("admin-bypass", json!({ "enforce_admins": false, "required_linear_history": true }));
    let passing = json!({ "users": ["bob"], "teams": [], "apps": [] });
    let review = json!({ "required_approving_review_count": 1, "bypass_pull_request_allowances": passing });
    old("bypass-hidden-classic", json!({ "enforce_admins": true, "required_pull_request_reviews": review }));
    let always = sketch("bypass-always");
    let core = always.numbers.core;
    always.bypass("Team", json!(core), "always").plant();
    sketch("bypass-exempt").bypass("Team", json!(core), "exempt").plant();
    // Whoever can push.
    sketch("bypass-broad").bypass("RepositoryRole", json!(4), "pull_request").plant();
    sketch("bypass-stale").bypass("Team", json!(987_654), "pull_request").plant();
    sketch("bypass-used").plant();
    let pushed = json!({ "result": "bypass", "actor_name": "bob", "pushed_at": "2026-02-01T02:03:04Z" });
    bed.rule_suite("acme/bypass-used", pushed);
    bed.rule_suite("acme/sound", json!({ "result": "pass", "actor_name": "bob", "pushed_at": "2026-02-01T02:03:04Z" }));
    bed.rule_suite("acme/sound", json!({ "result": "fail", "actor_name": "carol", "pushed_at": "2026-02-01T02:03:04Z" }));
    let six = sketch("who-can-edit-rules").plant();
    for login in ["frank", "grace", "heidi", "ivan", "judy", "kim"] {
        six.collaborator(login, Role::Admin, &[]);
    }
    acme.custom_repository_role(json!({ "name": "shepherd", "base_role": "write", "permissions": ["bypass_branch_protection"] }));
    acme.custom_repository_role(json!({ "name": "gardener", "base_role": "write", "permissions": ["add_label"] }));
}

/// Faults of history, tags and files, and what is only untidy.
fn order<'a>(sketch: &impl Fn(&'static str) -> Sketch<'a>) {
    sketch("force-push-allowed").without("non_fast_forward").plant();
    sketch("deletion-allowed").without("deletion").plant();
    Sketch { tag_rules: vec![rule("deletion")], ..sketch("tags-unprotected") }.plant();
    sketch("unsigned").without("required_signatures").plant();
    sketch("nonlinear").without("required_linear_history").plant();
    Sketch { restricts_files: false, ..sketch("push-rules-missing") }.plant();
    let named = sketch("duplicate-name").plant();
    named.branch("old");
    ruleset(&named, "main", &refs(&["refs/heads/old"]), &[rule("deletion")], &[]);
    let split = sketch("fragmented").without("deletion").plant();
    ruleset(&split, "main stays", &refs(&["~DEFAULT_BRANCH"]), &[rule("deletion")], &[]);
    sketch("redundant-classic").plant().protect("main", json!({ "enforce_admins": true, "required_linear_history": true }));
    sketch("changed-since-baseline").plant();
}

/// Faults of the organization's own rulesets. Each is for repositories of its own.
fn of_the_organization<'a>(acme: &OrganizationHandle, sketch: &impl Fn(&'static str) -> Sketch<'a>) {
    let for_names = |name: &str, include: &[&str], exclude: &[&str], protected: bool, rules: Value| {
        acme.ruleset(json!({
            "name": name, "target": "branch", "enforcement": "active", "rules": rules,
            "conditions": {
                "repository_name": { "include": include, "exclude": exclude, "protected": protected },
                "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] },
            },
        }));
    };
    let stays = || json!([rule("deletion")]);
    sketch("scope-escape").plant();
    for_names("by name", &["scope-escap*"], &[], false, stays());
    sketch("scope-kept").plant();
    for_names("by kept name", &["scope-kep*"], &[], true, stays());
    sketch("repo-excluded").plant();
    sketch("repo-included").plant();
    for_names("most", &["repo-*"], &["repo-excluded"], true, stays());
    let workflow = sketch("workflow-source").plant();
    let at = |more: Value| {
        let mut required = json!({ "path": CI, "repository_id": workflow.id() });
        required.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!([{ "type": "workflows", "parameters": { "workflows": [required] } }])
    };
    sketch("required-workflow-floating").plant();
    for_names("floating", &["required-workflow-floating"], &[], true, at(json!({ "ref": "refs/heads/main" })));
    sketch("required-workflow-pinned").plant();
    let pinned = json!({ "sha": "0123456789abcdef0123456789abcdef01234567" });
    for_names("pinned", &["required-workflow-pinned"], &[], true, at(pinned));
}

/// What the policy is about, and its exemptions.
fn of_the_policy<'a>(sketch: &impl Fn(&'static str) -> Sketch<'a>) {
    let two = |name: &'static str| sketch(name).set("pull_request", "required_approving_review_count", json!(2));
    let message = || json!({ "type": "commit_message_pattern", "parameters": { "operator": "starts_with", "pattern": "fix" } });
    two("in-policy").with(message()).plant();
    sketch("approvals-below").with(message()).plant();
    two("weaker-than-policy").plant();
    let unmanaged = two("unmanaged-ruleset").with(message()).plant();
    unmanaged.branch("old");
    ruleset(&unmanaged, "by hand", &refs(&["refs/heads/old"]), &[rule("deletion")], &[]);
    sketch("exempted").without("required_signatures").plant();
}
