//! The same against the stateful GitHub: whatever it shows of an organization arrives, and nothing else.

use std::time::Duration;

use refwarden::github::client::{App, Client, Credentials, Host, Options, Token};
use refwarden::github::effective::{Door, Who};
use refwarden::github::live::{Reader, Where};
use refwarden::github::names::{Names, NoNumber};
use refwarden::github::owner::{Owner, OwnerKind};
use refwarden::github::people::{Granter, Permission as Access};
use refwarden::github::protection::Protection;
use refwarden::github::repository::Repository;
use refwarden::github::ruleset::{ActorType, BypassActor, Enforcement, Level as Whose};
use refwarden::github::{Cause, Class, Inventory, Part, Parts, Readable, Selection};
use serde_json::{Value, json};

use super::run;
use crate::support::clock::leaping;
use crate::support::github::{
    Bed, Door as Whence, Fault, Level, Permission, Permissions, Profile, Quirk, Reported, Role, Visibility, When,
};

fn client(bed: &Bed, credentials: Credentials) -> Client {
    let options = Options { clock: leaping(), ..Options::default() };
    Client::new(Host::parse(&bed.api_url()).unwrap(), credentials, options).unwrap()
}

fn token(text: &str) -> Credentials {
    Credentials::Token(Token::new(text).unwrap())
}

fn read(bed: &Bed, secret: &str, selection: &Selection, parts: &Parts) -> (Vec<Repository>, Inventory, Client) {
    run(async {
        let client = client(bed, token(secret));
        let mut all = Vec::new();
        let inventory = Reader::new(&client).repositories(selection, parts, |repository| all.push(repository)).await;
        all.sort_by_key(|repository| repository.full_name());
        (all, inventory, client)
    })
}

fn one(bed: &Bed, secret: &str, parts: &Parts) -> Repository {
    let (mut all, inventory, _) = read(bed, secret, &Selection::owner("acme").unwrap(), parts);
    assert!(inventory.unread.is_empty(), "{:?}", inventory.unread);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn owner(bed: &Bed, secret: &str, parts: &Parts) -> Owner {
    run(async { Reader::new(&client(bed, token(secret))).owner("acme", parts).await.unwrap() })
}

fn rules() -> Value {
    json!({
        "name": "base", "enforcement": "active", "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}, "repository_name": {"include": ["~ALL"], "exclude": []}},
        "bypass_actors": [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}],
        "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}]
    })
}

/// An organization with something of everything.
fn rich() -> Bed {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    acme.owner("alice").member("bob").base_role(Some(Role::Read)).workflow_permissions("read", true);
    acme.team("core", &["bob"]);
    acme.property("tier", json!({"values_editable_by": "org_and_repo_actors"}));
    acme.custom_repository_role(json!({"name": "deployer", "base_role": "write", "permissions": ["bypass_branch_protection"]}));
    bed.app("bot", Permissions::read_only().without(Permission::Workflows));
    bed.install("bot", "acme", None);
    acme.ruleset(rules());
    let app = acme.repository("app");
    app.ruleset(json!({
        "name": "own", "target": "tag", "enforcement": "evaluate", "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
        "rules": [{"type": "creation"}], "bypass_actors": []
    }));
    app.branch("fix#1").branch("a/b").branch("é").tag("v1").topics(&["prod"]).property("tier", "gold");
    app.file(".github/CODEOWNERS", "* @acme/core\n").file(".github/workflows/ci.yml", "on: push\n").codeowners_error(json!({}));
    app.protect("main", json!({
        "required_status_checks": {"strict": true, "contexts": [], "checks": [{"context": "ci"}]}, "enforce_admins": true,
        "required_pull_request_reviews": {"required_approving_review_count": 2, "bypass_pull_request_allowances": {"users": ["bob"], "teams": ["core"], "apps": ["bot"]}},
        "restrictions": null, "bypass_force_push": {"users": ["alice"], "teams": [], "apps": []}
    }));
    app.protect("release/*", json!({"enforce_admins": false, "allow_force_pushes": true}));
    app.release("v1", json!({}));
    app.collaborator("bob", Role::Write, &[Whence::Team("core".into(), Role::Write)]).team("core", Role::Write);
    app.deploy_key("deploy", false);
    app.environment("prod", json!({"protection_rules": [{"id": 1, "node_id": "x", "type": "required_reviewers", "reviewers": [{"type": "User", "reviewer": "bob"}]}]}));
    app.workflow_permissions("write", true);
    app.merged(
        7,
        "main",
        &[
            Reported::CheckRun {
                name: "ci".into(),
                app: Some("github-actions".into()),
                workflow: Some("CI".into()),
                event: "push".into(),
            },
            Reported::Status { context: "legacy".into(), creator: Some("bob".into()) },
        ],
    );
    bed
}

#[test]
fn everything_of_a_repository_arrives() {
    let bed = rich();
    let secret = bed.token().create();
    let app = one(&bed, &secret, &Parts::all());
    let hidden: Vec<String> = serde_json::to_value(&app)
        .unwrap()
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| value.get("~hidden").is_some())
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    assert_eq!(hidden, Vec::<String>::new());
    assert_eq!(app.full_name(), "acme/app");
    assert!(app.viewer_administers && app.topics == ["prod"]);
    assert_eq!(app.properties.known().unwrap()["tier"], ["gold"]);
    let mut rulesets: Vec<_> = app.rulesets.known().unwrap().iter().collect();
    rulesets.sort_by_key(|ruleset| ruleset.name.clone());
    assert!(rulesets[0].source_type.is(&Whose::Organization) && rulesets[0].enforcement.is(&Enforcement::Active));
    assert_eq!(rulesets[0].bypass_actors.known().unwrap().len(), 1);
    assert!(rulesets[1].source_type.is(&Whose::Repository) && rulesets[1].enforcement.is(&Enforcement::Evaluate));
    assert!(rulesets[1].bypass_actors.known().unwrap().is_empty());
    assert_eq!(app.branches.known().unwrap().len(), 4);
    assert_eq!(app.tags.known().unwrap(), &["v1"]);
    let protections = app.protections.known().unwrap();
    let main = protections.iter().find(|rule| rule.pattern == "main").unwrap();
    assert!(main.is_admin_enforced && main.requires_strict_status_checks && main.required_approving_review_count == 2);
    let shown = |list: &Readable<Vec<refwarden::github::people::Actor>>| {
        let mut names: Vec<_> = list.known().unwrap().iter().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(shown(&main.bypass_pull_request_allowances), ["app:bot", "bob", "team:core"]);
    assert_eq!(shown(&main.bypass_force_push_allowances), ["alice"]);
    assert!(protections.iter().any(|rule| rule.pattern == "release/*" && rule.allows_force_pushes));
    let codeowners = app.codeowners.known().unwrap().as_ref().unwrap();
    assert_eq!((codeowners.path.as_str(), codeowners.errors.known().unwrap().len()), (".github/CODEOWNERS", 1));
    assert_eq!(codeowners.text.known().unwrap(), "* @acme/core\n");
    assert_eq!(app.workflows.known().unwrap()[0].path, ".github/workflows/ci.yml");
    let release = &app.releases.known().unwrap()[0];
    assert_eq!((release.tag.as_str(), release.target.known().map(String::as_str)), ("v1", Some("main")));
    assert_eq!(app.merged_pull_requests.known(), Some(&1));
    let checks = app.reported.known().unwrap()[0].checks.known().unwrap();
    let names: Vec<_> = checks.iter().map(|check| (check.context.as_str(), check.workflow.as_deref())).collect();
    assert_eq!(names, [("ci", Some("CI")), ("legacy", None)]);
    let bob = app.collaborators.known().unwrap().iter().find(|one| one.login == "bob").unwrap().clone();
    assert!(bob.permission.is(&Access::Write));
    assert!(bob.sources.known().unwrap().iter().any(|source| source.from == Granter::Team("core".into())));
    assert!(!app.deploy_keys.known().unwrap()[0].read_only);
    assert_eq!(app.environments.known().unwrap()[0].reviewers, ["bob"]);
    assert!(app.workflow_permissions.known().unwrap().can_approve_pull_request_reviews);
}

#[test]
fn everything_of_an_organization_arrives() {
    let bed = rich();
    let secret = bed.token().create();
    // The published description has no address for an organization's own roles, so this GitHub has none.
    let parts = Parts::all().without(Part::CustomRoles);
    let acme = owner(&bed, &secret, &parts);
    assert_eq!(acme.kind, OwnerKind::Organization);
    assert_eq!(acme.repository_count.known(), Some(&1));
    assert!(acme.base_permission.known().unwrap().is(&Access::Read));
    assert_eq!(acme.admins_change_visibility.known(), Some(&true));
    assert_eq!(acme.admins.known().unwrap(), &["alice"]);
    assert!(acme.members.known().unwrap().contains(&"bob".to_owned()));
    let core = &acme.teams.known().unwrap()[0];
    assert_eq!((core.slug.as_str(), core.members.known().unwrap().as_slice()), ("core", ["bob".to_owned()].as_slice()));
    assert_eq!(acme.installations.known().unwrap()[0].app_slug, "bot");
    assert_eq!(acme.rulesets.known().unwrap()[0].rules.known().unwrap().len(), 2);
    assert_eq!(acme.properties.known().unwrap()[0].values_editable_by.as_deref(), Some("org_and_repo_actors"));
    assert!(acme.workflow_permissions.known().unwrap().can_approve_pull_request_reviews);
    assert!(acme.rule_suites.known().is_some());
    assert_eq!(acme.ruleset_versions.known().unwrap().len(), 1);
}

#[test]
fn a_person_is_an_owner_too() {
    let bed = Bed::new();
    bed.user("acme").repository("app");
    let secret = bed.token().create();
    let acme = owner(&bed, &secret, &Parts::all());
    assert_eq!(acme.kind, OwnerKind::User);
    assert!(acme.teams.known().unwrap().is_empty());
    assert_eq!(one(&bed, &secret, &Parts::index()).owner, "acme");
}

#[test]
#[allow(clippy::print_stdout)]
fn a_thousand_repositories() {
    let bed = Bed::unjudged(Profile::Dotcom);
    let acme = bed.organization("acme");
    acme.ruleset(rules());
    for number in 0..1000 {
        acme.repository(&format!("r{number:04}")).protect("main", json!({"enforce_admins": true}));
    }
    bed.latency(Duration::from_millis(50));
    let secret = bed.token().create();
    let parts = Parts::index().and(Part::Rulesets).and(Part::Codeowners).and(Part::Keys).and(Part::Properties);
    let (all, inventory, client) = read(&bed, &secret, &Selection::owner("acme").unwrap(), &parts);
    let cost = client.cost();
    println!("{cost}; {:.3} requests a repository", cost.total().requests as f64 / 1000.0);
    assert_eq!(all.len(), 1000);
    assert!(inventory.is_complete());
    assert!(cost.requests(Class::Index) <= 30 && cost.total().requests <= 100, "{cost}");
    assert_eq!(u64::try_from(bed.requests().len()).unwrap(), cost.total().requests, "every request is counted");
    assert!(bed.most_in_flight() <= 32);
}

#[test]
fn what_a_token_may_not_see_is_hidden_and_takes_nothing_with_it() {
    for forbids in [false, true] {
        let bed = rich();
        if forbids {
            bed.quirk(Quirk::GraphqlForbidsProtections);
        }
        let secret = bed.token().without(Permission::Administration).create();
        let parts = Parts::all().without(Part::RulesetVersions);
        let app = one(&bed, &secret, &parts);
        for (what, hidden) in [
            ("protections", app.protections.read().err().cloned()),
            ("deploy_keys", app.deploy_keys.read().err().cloned()),
            ("workflow_permissions", app.workflow_permissions.read().err().cloned()),
            ("rule_suites", app.rule_suites.read().err().cloned()),
        ] {
            let hidden = hidden.unwrap_or_else(|| panic!("{what} is shown"));
            assert_eq!(hidden.cause, Cause::NotPermitted, "{what}: {hidden}");
            assert!(hidden.permission.as_deref().unwrap_or_default().contains("administration"), "{what}: {hidden:?}");
        }
        assert!(app.codeowners.read().unwrap().is_some() && !app.workflows.read().unwrap().is_empty());
        let own = app.rulesets.read().unwrap().iter().find(|ruleset| ruleset.name == "own").unwrap().clone();
        assert_eq!(own.bypass_actors.read().unwrap_err().cause, Cause::NotPermitted, "hidden, not empty");
        assert!(own.rules.read().is_ok());
        assert_eq!(app.default_branch.as_ref().unwrap().protected.known(), Some(&true), "the second witness");
    }
}

#[test]
fn a_reader_sees_less_and_is_told_so() {
    let bed = rich();
    let secret = bed.token().role(Role::Read).create();
    let app = one(&bed, &secret, &Parts::all());
    assert!(!app.viewer_administers);
    assert!(app.protections.read().is_err() && app.collaborators.read().is_err() && app.deploy_keys.read().is_err());
    assert!(app.branches.read().is_ok() && app.codeowners.read().is_ok());
    let acme = owner(&bed, &secret, &Parts::all().without(Part::CustomRoles));
    assert_eq!(acme.rulesets.read().unwrap_err().cause, Cause::NotPermitted);
    assert!(acme.installations.read().is_err());
}

#[test]
fn nothing_becomes_empty_for_want_of_a_permission() {
    let full = {
        let bed = rich();
        let secret = bed.token().create();
        one(&bed, &secret, &Parts::all())
    };
    let whole = serde_json::to_value(&full).unwrap();
    for missing in Permission::ALL {
        let bed = rich();
        let secret = bed.token().without(missing).create();
        let (all, inventory, _) = read(&bed, &secret, &Selection::owner("acme").unwrap(), &Parts::all());
        if all.is_empty() {
            assert!(!inventory.is_complete(), "{missing:?}: silence");
            continue;
        }
        let part = serde_json::to_value(&all[0]).unwrap();
        for (field, value) in part.as_object().unwrap() {
            let same = value == &whole[field] || value.get("~hidden").is_some();
            let expected = [
                "id",
                "node_id",
                "viewer_administers",
                "viewer_permission",
                "rulesets",
                "default_branch",
                "codeowners",
                "protections",
                "merge_queues",
                "collaborators",
                "reported",
                "workflows",
                "releases",
            ];
            assert!(same || expected.contains(&field.as_str()), "{missing:?}: {field} is {value}, with it {}", whole[field]);
            if field == "merge_queues" && value.get("~hidden").is_none() {
                let branches = |queues: &Value| queues.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
                assert_eq!(branches(value), branches(&whole[field]), "{missing:?}");
                let is_so = |(branch, queue): (&String, &Value)| queue == &whole[field][branch] || queue.get("~hidden").is_some();
                assert!(value.as_object().unwrap().iter().all(is_so), "{missing:?}: {value}");
            }
            // Where only a part is hidden, the outside stays as large as it was.
            if let (Some(list), Some(other)) = (value.as_array(), whole[field].as_array()) {
                assert_eq!(list.len(), other.len(), "{missing:?}: {field}");
            }
            assert_eq!(
                value.is_null(),
                whole[field].is_null() || field == "default_branch" && value.is_null(),
                "{missing:?}: {field}"
            );
        }
    }
}

#[test]
fn pages_shrink() {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    for number in 0..60 {
        acme.repository(&format!("r{number:02}"));
    }
    bed.quirk(Quirk::GraphqlTooBig { over: 10 });
    let secret = bed.token().create();
    let (all, inventory, _) = read(&bed, &secret, &Selection::owner("acme").unwrap(), &Parts::index().and(Part::Keys));
    assert_eq!(all.len(), 60);
    assert!(inventory.is_complete() && all.iter().all(|repository| repository.deploy_keys.read().is_ok()));
}

#[test]
fn rest_alone() {
    let bed = rich();
    bed.quirk(Quirk::GraphqlRefused);
    let secret = bed.token().create();
    let parts = Parts::index().and(Part::Rulesets).and(Part::Keys).and(Part::Codeowners);
    let (all, inventory, _) = read(&bed, &secret, &Selection::owner("acme").unwrap(), &parts);
    let protections = all[0].protections.read().unwrap();
    assert_eq!(protections.iter().map(|rule: &Protection| rule.pattern.as_str()).collect::<Vec<_>>(), ["main"]);
    assert_eq!(protections[0].required_approving_review_count, 2);
    assert_eq!(all[0].rulesets.read().unwrap().len(), 2);
    assert_eq!(all[0].deploy_keys.read().unwrap().len(), 1);
    assert!(all[0].codeowners.read().is_err());
    assert!(inventory.unread.iter().any(|unread| unread.why.why.contains("patterns")));
}

#[test]
fn servers_of_ones_own() {
    for profile in [Profile::Ghes317, Profile::Ghes318, Profile::Ghes319] {
        let bed = Bed::of(profile);
        let app = bed.organization("acme").repository("app");
        app.protect("main", json!({"enforce_admins": true}));
        let secret = bed.token().create();
        let app = one(&bed, &secret, &Parts::index().and(Part::Rulesets).and(Part::Keys));
        assert_eq!(app.protections.known().unwrap().len(), 1);
        assert!(bed.requests().iter().all(|request| !request.path.contains("/api/v3/api")));
    }
}

#[test]
fn an_app_reads_by_its_installation() {
    let bed = rich();
    bed.organization("acme").repository("not-given");
    let secret = bed.app("auditor", Permissions::read_only().without(Permission::Workflows));
    bed.install("auditor", "acme", Some(&["acme/app"]));
    let key = include_bytes!("../../fixtures/github/app-key.pem").to_vec();
    run(async {
        let credentials = Credentials::App(App { id: secret, key, installation: None });
        let client = client(&bed, credentials);
        let mut all = Vec::new();
        let parts = Parts::index().and(Part::Rulesets);
        let inventory = Reader::new(&client)
            .repositories(&Selection::owner("acme").unwrap(), &parts, |repository| all.push(repository))
            .await;
        assert!(inventory.is_complete(), "{inventory:?}");
        assert_eq!(all.len(), 1);
        assert_eq!(client.cost().requests(Class::Token), 2);
        assert_eq!(inventory.token_selection.as_deref(), Some("selected"));
    });
}

#[test]
fn limits_and_broken_lines_pass() {
    for fault in [
        Fault::SecondaryLimit { status: 403, retry_after: Some(30) },
        Fault::SecondaryLimit { status: 429, retry_after: None },
        Fault::PrimaryLimit { reset_in: 40 },
        Fault::CutBody,
        Fault::InvalidJson,
        Fault::Disconnect,
        Fault::Status(503),
    ] {
        let bed = rich();
        bed.quirk(Quirk::ClockSkew { seconds: -5000 });
        bed.fault("POST /graphql", When::Nth(1), fault.clone());
        bed.fault("GET /orgs/acme/rulesets/*", When::Nth(1), fault);
        let secret = bed.token().create();
        let app = one(&bed, &secret, &Parts::index().and(Part::Rulesets));
        assert_eq!(app.rulesets.known().unwrap().len(), 2);
        assert!(app.rulesets.known().unwrap().iter().all(|ruleset| ruleset.bypass_actors.read().is_ok()));
    }
}

#[test]
fn what_keeps_failing_is_said() {
    let bed = rich();
    bed.fault("GET *rulesets/*", When::Always, Fault::Status(500));
    let secret = bed.token().create();
    let app = one(&bed, &secret, &Parts::index().and(Part::Rulesets));
    let rulesets = app.rulesets.known().unwrap();
    assert_eq!(rulesets.len(), 2);
    assert!(rulesets.iter().all(|ruleset| ruleset.rules.read().unwrap_err().cause == Cause::Failed));
}

#[test]
fn bypassers_hidden_everywhere() {
    let bed = rich();
    bed.quirk(Quirk::HidesBypassActors);
    let secret = bed.token().create();
    let app = one(&bed, &secret, &Parts::index().and(Part::Rulesets));
    for ruleset in app.rulesets.known().unwrap() {
        assert!(ruleset.bypass_actors.read().unwrap_err().permission.is_some());
    }
}

#[test]
fn what_another_owner_has_now_is_told_and_not_handed_on() {
    for graphql in [true, false] {
        let bed = rich();
        bed.organization("globex");
        bed.organization("acme").repository("app").transfer("globex");
        if !graphql {
            bed.fault("POST /graphql", When::Always, Fault::Status(502));
        }
        let selection = Selection::default().and_repository("acme/app").unwrap();
        let (all, inventory, _) = read(&bed, &bed.token().create(), &selection, &Parts::index());
        assert!(all.is_empty(), "{all:#?}");
        let told: Vec<String> = inventory.unread.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["`acme/app`: it is now `globex/app`; ask for that"]);
        assert_eq!((inventory.moved[0].from.as_str(), inventory.moved[0].to.as_str()), ("acme/app", "globex/app"));
    }
}

#[test]
fn what_moved_is_followed() {
    let bed = rich();
    bed.organization("acme").repository("app").rename("new");
    let secret = bed.token().create();
    let selection = Selection::default().and_repository("acme/app").unwrap().and_repository("acme/never").unwrap();
    let (all, inventory, _) = read(&bed, &secret, &selection, &Parts::index());
    assert_eq!(all[0].name, "new");
    assert_eq!((inventory.moved[0].from.as_str(), inventory.moved[0].to.as_str()), ("acme/app", "acme/new"));
    assert_eq!(inventory.unread[0].what, "acme/never");
}

#[test]
fn what_this_program_does_not_know_survives() {
    let bed = Bed::new();
    bed.allow_unknown("sealed_box").allow_unknown("someday").allow_unknown("Robot");
    let app = bed.organization("acme").repository("app");
    app.ruleset(json!({
        "name": "new", "target": "branch", "enforcement": "someday", "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
        "bypass_actors": [{"actor_id": 1, "actor_type": "Robot", "bypass_mode": "always"}], "rules": [{"type": "sealed_box"}]
    }));
    let secret = bed.token().create();
    let app = one(&bed, &secret, &Parts::index().and(Part::Rulesets));
    let ruleset = &app.rulesets.known().unwrap()[0];
    assert!(ruleset.may_enforce());
    assert_eq!(ruleset.unknown().len(), 3, "{:?}", ruleset.unknown());
}

#[test]
fn the_rules_of_a_branch() {
    let bed = rich();
    let secret = bed.token().create();
    let reader_secret = bed.token().permissions(Permissions::nothing().with(Permission::Contents, Level::Read)).create();
    run(async {
        let reader = Reader::new(&client(&bed, token(&secret)));
        let rules = reader.branch_rules("acme", "app", "main").await;
        let names: Vec<_> = rules.known().unwrap().iter().map(|rule| rule.rule.name.as_str()).collect();
        assert_eq!(names, ["deletion", "non_fast_forward"]);
        for branch in ["fix#1", "a/b", "é"] {
            assert_eq!(reader.branch_rules("acme", "app", branch).await.known().unwrap().len(), 0, "{branch}");
            assert_eq!(reader.branch_protection("acme", "app", branch).await, Readable::Known(None), "{branch}");
        }
        assert!(reader.branch_protection("acme", "app", "main").await.known().unwrap().is_some());
        let stranger = Reader::new(&client(&bed, token(&reader_secret)));
        let hidden = stranger.branch_protection("acme", "app", "main").await;
        assert_eq!(hidden.read().unwrap_err().cause, Cause::NotPermitted);
    });
    let bed = Bed::new();
    bed.organization("acme").repository("free").needs_upgrade().visibility(Visibility::Private);
    let secret = bed.token().create();
    run(async {
        let reader = Reader::new(&client(&bed, token(&secret)));
        assert_eq!(reader.branch_protection("acme", "free", "main").await.read().unwrap_err().cause, Cause::NotOffered);
    });
}

/// What a policy names is asked for once; what GitHub does not have is told from what it does not say.
#[test]
fn what_a_policy_names_gets_its_number() {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    acme.owner("alice").member("bob");
    bed.user("carol");
    bed.organization("others").repository("ci");
    let ci = bed.organization("others").repository("ci").id();
    let policy = r#"
version = 1
[groups]
both = { members = [], github = ["bob", "Carol", "team:core", "renovate[bot]"] }
[[ruleset]]
name = "main"
target = "branch"
refs = ["main"]
bypass = [{ actor = "@both" }, { actor = "grace" }, { actor = "others" }, { actor = "org-admins" }, { actor = "heidi" }]
[ruleset.rules.workflows]
workflows = [{ path = "a", repository = "others/ci" }, { path = "b", repository = "others/gone" }, { path = "c", repository_id = 3 }]
[ruleset.rules.pull_request]
dismissal_restriction = { enabled = true, allowed_actors = ["dave", "role:admin"] }
"#;
    let policy = refwarden::policy::parse::parse("policy.toml", policy.as_bytes()).unwrap();
    let named = refwarden::github::desired::named_in(&policy);
    assert_eq!(named.people.iter().collect::<Vec<_>>(), ["Carol", "bob", "dave", "grace", "heidi", "others"]);
    assert_eq!(named.repositories.iter().collect::<Vec<_>>(), ["others/ci", "others/gone"]);
    bed.fault("GET /users/heidi", When::Always, Fault::Status(403));
    let secret = bed.token().create();
    let (owner, cost) = run(async {
        let client = client(&bed, token(&secret));
        let reader = Reader::new(&client);
        let mut owner = reader.owner("acme", &Parts::index().and(Part::Members)).await.unwrap();
        assert!(owner.numbers.people.contains_key("alice") && owner.numbers.people.contains_key("bob"), "members have numbers");
        reader.learn_names(&mut owner, &named).await;
        reader.learn_names(&mut owner, &named).await;
        (owner, client.cost())
    });
    let known = |login: &str| owner.numbers.people.get(login).copied();
    // As GitHub spells her.
    assert!(known("carol").flatten().is_some() && known("Carol").is_none() && known("bob").flatten().is_some());
    assert_eq!((known("grace"), known("others"), known("heidi")), (Some(None), Some(None), None));
    assert_eq!(owner.numbers.repositories, [("others/ci".to_owned(), Some(ci)), ("others/gone".to_owned(), None)].into());
    // Only who could not be asked for is asked for again.
    assert_eq!(cost.requests(Class::Names), 8);
    assert_eq!(bed.requests_of("GET /users/{username}").iter().filter(|entry| entry.path.ends_with("/bob")).count(), 0);
    let names = Names::new(&owner, None);
    assert!(names.resolve("carol").is_ok_and(|carol| carol.id == known("carol").flatten().and_then(|id| i64::try_from(id).ok())));
}

/// GitHub leads on from a repository's old name. What is there now may be somebody else's.
#[test]
fn a_repository_that_answers_by_another_name_is_not_the_one_that_is_named() {
    let bed = Bed::of(Profile::EnterpriseCloud);
    bed.organization("other");
    let acme = bed.organization("acme");
    let tools = acme.repository("tools").id();
    acme.repository("ci").transfer("other");
    acme.repository("lint").rename("style");
    let secret = bed.token().create();
    let policy = r#"
version = 1
[[ruleset]]
name = "main"
target = "branch"
refs = ["main"]
[ruleset.rules.workflows]
workflows = [
    { path = "a", repository = "acme/ci" }, { path = "b", repository = "acme/lint" }, { path = "c", repository = "Acme/Tools" },
    { path = "d", repository = "acme/gone" },
]
"#;
    let policy = refwarden::policy::parse::parse("policy.toml", policy.as_bytes()).unwrap();
    let named = refwarden::github::desired::named_in(&policy);
    let owner = run(async {
        let reader = Reader::new(&client(&bed, token(&secret)));
        let mut owner = reader.owner("acme", &Parts::index()).await.unwrap();
        reader.learn_names(&mut owner, &named).await;
        owner
    });
    let names = Names::new(&owner, None);
    for (name, told) in [
        ("acme/ci", Err("there is no repository `acme/ci`: it is now `other/ci`")),
        ("acme/lint", Err("there is no repository `acme/lint`: it is now `acme/style`")),
        ("acme/gone", Err("there is no repository `acme/gone`, or it may not be seen")),
        ("acme/tools", Ok(tools)),
    ] {
        assert_eq!(names.repository_number(name), told.map_err(|why: &str| NoNumber::Unknown(why.to_owned())), "{name}");
    }
}

/// On a server of one's own, github.com's numbers are other apps' numbers.
#[test]
fn the_numbers_of_githubs_own_apps_are_github_coms() {
    for (profile, is_server) in [(Profile::Dotcom, false), (Profile::EnterpriseCloud, false), (Profile::Ghes319, true)] {
        let bed = Bed::of(profile);
        bed.organization("acme").owner("alice");
        let bot = bed.app("bot", Permissions::read_only());
        bed.install("bot", "acme", None);
        let owner = owner(&bed, &bed.token().create(), &Parts::index().and(Part::Installations));
        let names = Names::new(&owner, None);
        let actions = names.resolve("app:github-actions");
        let (number, name) = (names.name_of(ActorType::Integration, Some(15_368)), "app:github-actions".to_owned());
        let passer: BypassActor =
            serde_json::from_value(json!({ "actor_id": 15_368, "actor_type": "Integration", "bypass_mode": "always" })).unwrap();
        let door = Door::of(&passer, &owner).who;
        if is_server {
            assert!(matches!(&actions, Err(NoNumber::Hidden(hidden)) if hidden.cause == Cause::Unknown), "{actions:?}");
            assert_eq!((number, door), (Err("app #15368".to_owned()), Who::Other("app #15368".to_owned())));
        } else {
            assert_eq!(actions.map(|app| app.id), Ok(Some(15_368)));
            assert_eq!((number, door), (Ok(name), Who::App("github-actions".to_owned())));
        }
        // What is installed has the number that the list says.
        assert_eq!(names.resolve("app:bot").map(|app| app.id), Ok(i64::try_from(bot).ok()));
    }
}

/// A fork lists the push rulesets of the repository that it comes from among its own.
#[test]
fn of_a_fork_only_its_own_rulesets_are_read_again() {
    let bed = Bed::of(Profile::EnterpriseCloud);
    let push = || json!({ "name": "files", "target": "push", "enforcement": "active", "rules": [{ "type": "max_file_size", "parameters": { "max_file_size": 5 } }] });
    let foreign = bed.organization("acme").repository("origin").ruleset(push());
    let own = bed.organization("acme").repository("app").ruleset(push());
    bed.tamper("GET /repos/acme/app/rulesets", move |list| {
        list.as_array_mut().expect("a list").insert(
            0,
            json!({ "id": foreign, "name": "files", "target": "push", "source_type": "Repository", "source": "acme/origin", "enforcement": "active" }),
        );
    });
    let secret = bed.token().create();
    let named = |owner: &'static str| {
        run(async {
            let at = Where::of(owner);
            let found = Reader::new(&client(&bed, token(&secret))).rulesets_named(at, "files").await;
            found.unwrap().iter().map(|ruleset| ruleset.id).collect::<Vec<_>>()
        })
    };
    assert_eq!(named("acme/app"), [own]);
    // Names ignore case.
    assert_eq!(named("Acme/App"), [own]);
}
