//! Whatever GitHub may have, at random: rulesets and branch protections as [`super::github`] plants them.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Names, patterns and texts that are hard on whoever writes them down.
const NAMES: &[&str] = &["main", "tags", "quo\"te \\ back", "zero\u{200b}width", "é 漢 [x]", "#1 = \'a\'"];
const BRANCHES: &[&str] = &[
    "~DEFAULT_BRANCH",
    "~ALL",
    "refs/heads/main",
    "refs/heads/release/*",
    "refs/heads/release/**",
    "refs/heads/release/**/*",
    "refs/heads/v[12]*",
    "refs/heads/qa**/**/*",
    "refs/heads/refs/heads/odd",
    "refs/heads/~ALL",
    "refs/heads/é?",
];
const LEFT_OUT: &[&str] = &["refs/heads/release/x**", "refs/heads/wip", "refs/heads/wip/**/*", "~DEFAULT_BRANCH"];
const TAGS: &[&str] = &["~ALL", "refs/tags/v*", "refs/tags/v**", "refs/tags/release/**/*"];
const TEXTS: &[&str] = &["^fix:", "a\"b", "\\\\d+", "@example.org", "\u{202e}", "é"];

/// Who passes rulesets everywhere: roles, an organization's owners, deploy keys and an app that needs no installation.
fn everywhere() -> Vec<Value> {
    vec![
        json!({ "actor_id": 5, "actor_type": "RepositoryRole" }),
        json!({ "actor_id": 2, "actor_type": "RepositoryRole" }),
        json!({ "actor_id": 1, "actor_type": "OrganizationAdmin" }),
        json!({ "actor_id": null, "actor_type": "DeployKey" }),
        json!({ "actor_id": 15368, "actor_type": "Integration" }),
    ]
}

/// Rulesets of a repository, each as a body.
pub fn rulesets() -> impl Strategy<Value = Vec<Value>> {
    rulesets_with(Vec::new())
}

/// The same, which these pass, too: people, teams and apps by GitHub's numbers, with `actor_id` and `actor_type`.
pub fn rulesets_with(actors: Vec<Value>) -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(ruleset(actors), 0..4)
}

fn ruleset(actors: Vec<Value>) -> impl Strategy<Value = Value> {
    let teams: Vec<i64> =
        actors.iter().filter(|actor| actor["actor_type"] == "Team").filter_map(|actor| actor["actor_id"].as_i64()).collect();
    let all: Vec<Value> = everywhere().into_iter().chain(actors).collect();
    (pick(NAMES), prop::sample::select(vec!["branch", "branch", "branch", "tag", "push"])).prop_flat_map(move |(name, target)| {
        let rules = match target {
            "branch" => prop::collection::vec(branch_rule(teams.clone()), 1..6).boxed(),
            "tag" => prop::collection::vec(plain_rule(), 1..4).boxed(),
            _ => prop::collection::vec(push_rule(), 1..4).boxed(),
        };
        let conditions = match target {
            "branch" => refs(BRANCHES, LEFT_OUT).boxed(),
            "tag" => refs(TAGS, &["refs/tags/v0**"]).boxed(),
            _ => Just(Value::Null).boxed(),
        };
        let bypass = bypass(all.clone(), target == "branch");
        let enforcement = prop::sample::select(vec!["active", "active", "evaluate", "disabled"]);
        (rules, conditions, bypass, enforcement).prop_map(move |(rules, conditions, bypass, enforcement)| {
            let mut body = json!({ "name": name, "target": target, "enforcement": enforcement, "bypass_actors": bypass });
            body["rules"] = Value::Array(each_once(rules));
            if !conditions.is_null() {
                body["conditions"] = json!({ "ref_name": conditions });
            }
            body
        })
    })
}

/// A rule of a kind that is there already says something else, or goes: GitHub has most kinds once.
fn each_once(rules: Vec<Value>) -> Vec<Value> {
    let says = |rule: &Value| {
        let pattern = &rule["parameters"];
        (rule["type"].clone(), pattern["operator"].clone(), pattern["pattern"].clone(), pattern["negate"] == json!(true))
    };
    let mut kept: Vec<Value> = Vec::new();
    for rule in rules {
        let again = rule["type"].as_str().unwrap().ends_with("_pattern");
        let is_there = |other: &Value| says(other) == says(&rule) || (!again && other["type"] == rule["type"]);
        if !kept.iter().any(is_there) {
            kept.push(rule);
        }
    }
    kept
}

fn bypass(actors: Vec<Value>, in_branches: bool) -> impl Strategy<Value = Vec<Value>> {
    let modes = if in_branches { vec!["always", "pull_request", "exempt"] } else { vec!["always", "exempt"] };
    let one = (prop::sample::subsequence(actors, 0..4), prop::collection::vec(prop::sample::select(modes), 4));
    one.prop_map(|(actors, modes)| {
        let with = |(actor, mode): (Value, &str)| {
            let mut actor = actor;
            // Deploy keys merge no pull requests.
            let mode = if actor["actor_type"] == "DeployKey" { "always" } else { mode };
            actor["bypass_mode"] = json!(mode);
            actor
        };
        actors.into_iter().zip(modes).map(with).collect()
    })
}

fn refs(include: &'static [&'static str], exclude: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let include = prop::sample::subsequence(include.to_vec(), 1..4);
    let exclude = prop::sample::subsequence(exclude.to_vec(), 0..2);
    (include, exclude).prop_map(|(include, exclude)| json!({ "include": include, "exclude": exclude }))
}

fn pick(list: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(list.to_vec())
}

fn plain_rule() -> impl Strategy<Value = Value> {
    let switches = ["creation", "deletion", "non_fast_forward", "required_linear_history", "required_signatures"];
    prop_oneof![
        3 => prop::sample::select(switches.to_vec()).prop_map(|name| json!({ "type": name })),
        1 => prop::option::of(any::<bool>()).prop_map(|syncs| match syncs {
            None => json!({ "type": "update" }),
            Some(syncs) => json!({ "type": "update", "parameters": { "update_allows_fetch_and_merge": syncs } }),
        }),
        1 => text_rule(&["commit_message_pattern", "commit_author_email_pattern", "committer_email_pattern"]),
    ]
}

fn text_rule(types: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let operators = vec!["starts_with", "ends_with", "contains", "regex"];
    (pick(types), prop::sample::select(operators), pick(TEXTS), prop::option::of(any::<bool>()), prop::option::of(pick(NAMES)))
        .prop_map(|(kind, operator, pattern, negate, name)| {
            let mut parameters = json!({ "operator": operator, "pattern": pattern });
            if let Some(negate) = negate {
                parameters["negate"] = json!(negate);
            }
            if let Some(name) = name {
                parameters["name"] = json!(name);
            }
            json!({ "type": kind, "parameters": parameters })
        })
}

fn branch_rule(teams: Vec<i64>) -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => plain_rule(),
        3 => pull_request(teams),
        3 => status_checks(),
        1 => text_rule(&["branch_name_pattern"]),
        1 => (1..60u32, prop::sample::select(vec!["ALLGREEN", "HEADGREEN"]), prop::sample::select(vec!["MERGE", "SQUASH", "REBASE"]))
            .prop_map(|(number, grouping, method)| json!({ "type": "merge_queue", "parameters": {
                "check_response_timeout_minutes": number, "grouping_strategy": grouping, "max_entries_to_build": number,
                "max_entries_to_merge": 5, "merge_method": method, "min_entries_to_merge": 1, "min_entries_to_merge_wait_minutes": 5,
            } })),
        1 => Just(json!({ "type": "required_deployments", "parameters": { "required_deployment_environments": ["prod", "é"] } })),
        1 => (any::<bool>(), 1..9u64).prop_map(|(on_create, id)| json!({ "type": "workflows", "parameters": {
                "do_not_enforce_on_create": on_create,
                "workflows": [{ "path": ".github/workflows/ci.yml", "repository_id": id, "ref": "refs/heads/main" }],
            } })),
        1 => (prop::sample::select(vec!["none", "errors", "errors_and_warnings", "all"]),
                prop::sample::select(vec!["none", "critical", "high_or_higher", "medium_or_higher", "all"]))
            .prop_map(|(alerts, security)| json!({ "type": "code_scanning", "parameters": { "code_scanning_tools": [
                { "tool": "CodeQL", "alerts_threshold": alerts, "security_alerts_threshold": security },
                { "tool": "Zizmor", "alerts_threshold": "all", "security_alerts_threshold": "all" },
            ] } })),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(drafts, pushes)| json!({ "type": "copilot_code_review", "parameters": {
                "review_draft_pull_requests": drafts, "review_on_push": pushes,
            } })),
    ]
}

fn pull_request(teams: Vec<i64>) -> impl Strategy<Value = Value> {
    let methods = prop::sample::subsequence(vec!["merge", "squash", "rebase"], 1..=3);
    let some = 0..=teams.len().min(1);
    let reviewers = prop::sample::subsequence(teams, some);
    (0..=10u32, prop::collection::vec(any::<bool>(), 4), prop::option::of(methods), prop::option::of(any::<bool>()), reviewers)
        .prop_map(|(count, truths, methods, dismissal, reviewers)| {
            let mut parameters = json!({
                "required_approving_review_count": count,
                "dismiss_stale_reviews_on_push": truths[0],
                "require_code_owner_review": truths[1],
                "require_last_push_approval": truths[2],
                "required_review_thread_resolution": truths[3],
            });
            if let Some(methods) = methods {
                parameters["allowed_merge_methods"] = json!(methods);
            }
            if let Some(enabled) = dismissal {
                let allowed = [json!({ "id": 5, "type": "RepositoryRole" })];
                parameters["dismissal_restriction"] =
                    json!({ "enabled": enabled, "allowed_actors": if enabled { &allowed[..] } else { &[] } });
            }
            if let Some(team) = reviewers.first() {
                parameters["required_reviewers"] = json!([
                    { "file_patterns": ["a/**", "*.rs"], "minimum_approvals": 1, "reviewer": { "id": team, "type": "Team" } },
                ]);
            }
            json!({ "type": "pull_request", "parameters": parameters })
        })
}

fn status_checks() -> impl Strategy<Value = Value> {
    let checks = prop::sample::subsequence(vec!["test", "lint / x", "é\u{202e}"], 1..3);
    let app = prop::sample::select(vec![None, Some(json!(15368))]);
    (checks, app, any::<bool>(), prop::option::of(any::<bool>())).prop_map(|(checks, app, strict, on_create)| {
        let check = |context: &str| {
            let mut check = json!({ "context": context });
            if let Some(app) = &app {
                check["integration_id"] = app.clone();
            }
            check
        };
        let checks: Vec<Value> = checks.into_iter().map(check).collect();
        let mut parameters = json!({ "strict_required_status_checks_policy": strict, "required_status_checks": checks });
        if let Some(on_create) = on_create {
            parameters["do_not_enforce_on_create"] = json!(on_create);
        }
        json!({ "type": "required_status_checks", "parameters": parameters })
    })
}

fn push_rule() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(
            json!({ "type": "file_path_restriction", "parameters": { "restricted_file_paths": [".github/**/*", "a/**", "é*"] } })
        ),
        (1..300u32)
            .prop_map(|length| json!({ "type": "max_file_path_length", "parameters": { "max_file_path_length": length } })),
        (1..100u32).prop_map(|size| json!({ "type": "max_file_size", "parameters": { "max_file_size": size } })),
        Just(
            json!({ "type": "file_extension_restriction", "parameters": { "restricted_file_extensions": ["*.jar", ".exe", "so"] } })
        ),
    ]
}

/// People, teams and apps that [`protections`] name; whoever plants them has to know these first.
pub const PEOPLE: &[&str] = &["alan", "edsger"];
/// Slugs of teams.
pub const TEAMS: &[&str] = &["release", "platform"];
/// Slugs of apps.
pub const APPS: &[&str] = &["release-please"];

const PATTERNS: &[&str] = &["main", "release/*", "*", "**/*", "release/1*", "v[12]/x", "qa**/x", "topic/**/*", "wip"];

/// Branch protections of a repository, the oldest first: pattern and body, no two for the same branches.
pub fn protections() -> impl Strategy<Value = Vec<(String, Value)>> {
    let patterns = prop::sample::subsequence(PATTERNS.to_vec(), 0..4).prop_shuffle();
    (patterns, prop::collection::vec(protection(), 4))
        .prop_map(|(patterns, bodies)| patterns.into_iter().map(str::to_owned).zip(bodies).collect())
}

fn protection() -> impl Strategy<Value = Value> {
    let sections = (prop::option::of(classic_checks()), prop::option::of(classic_reviews()), prop::option::of(actors()));
    let deployments = prop::option::of(prop::sample::subsequence(vec!["prod", "staging"], 1..=2));
    (sections, actors(), deployments, prop::collection::vec(any::<bool>(), 9)).prop_map(
        |((checks, reviews, restrictions), forcing, deployments, truths)| {
            let mut body = json!({
                "required_status_checks": checks,
                "required_pull_request_reviews": reviews,
                "restrictions": restrictions,
                "bypass_force_push": forcing,
            });
            let body_of = body.as_object_mut().unwrap();
            if let Some(deployments) = deployments {
                body_of.insert("required_deployments".to_owned(), json!(deployments));
            }
            let fields = [
                "enforce_admins",
                "required_linear_history",
                "allow_force_pushes",
                "allow_deletions",
                "block_creations",
                "required_conversation_resolution",
                "required_signatures",
                "lock_branch",
                "allow_fork_syncing",
            ];
            let all: Map<String, Value> =
                fields.into_iter().zip(truths).map(|(field, is)| (field.to_owned(), json!(is))).collect();
            body_of.extend(all);
            body
        },
    )
}

fn actors() -> impl Strategy<Value = Value> {
    let some = |list: &'static [&'static str]| prop::sample::subsequence(list.to_vec(), 0..=list.len());
    (some(PEOPLE), some(TEAMS), some(APPS))
        .prop_map(|(users, teams, apps)| json!({ "users": users, "teams": teams, "apps": apps }))
}

fn classic_checks() -> impl Strategy<Value = Value> {
    let checks = prop::sample::subsequence(vec!["test", "lint / x"], 0..=2);
    (any::<bool>(), checks, any::<bool>()).prop_map(|(strict, checks, pinned)| {
        let app = if pinned { json!(15368) } else { json!(-1) };
        let checks: Vec<Value> = checks.into_iter().map(|context| json!({ "context": context, "app_id": app })).collect();
        json!({ "strict": strict, "contexts": [], "checks": checks })
    })
}

fn classic_reviews() -> impl Strategy<Value = Value> {
    (0..=6u32, prop::collection::vec(any::<bool>(), 3), prop::option::of(actors()), actors()).prop_map(
        |(count, truths, dismissers, passing)| {
            let mut reviews = json!({
                "required_approving_review_count": count,
                "dismiss_stale_reviews": truths[0],
                "require_code_owner_reviews": truths[1],
                "require_last_push_approval": truths[2],
                "bypass_pull_request_allowances": passing,
            });
            if let Some(dismissers) = dismissers {
                reviews["dismissal_restrictions"] = dismissers;
            }
            reviews
        },
    )
}

/// The protection as it is read: what [`protections`] plants, in the form of [`refwarden::github::protection::Protection`].
pub fn read(pattern: &str, body: &Value) -> Value {
    let list = |actors: &Value| -> Value {
        let kinds = [("users", "user"), ("teams", "team"), ("apps", "app")];
        let named = kinds.into_iter().flat_map(|(key, kind)| {
            let names = actors[key].as_array().cloned().unwrap_or_default();
            names.into_iter().map(move |name| json!({ "kind": kind, "name": name }))
        });
        Value::Array(named.collect())
    };
    let (checks, reviews) = (&body["required_status_checks"], &body["required_pull_request_reviews"]);
    let checked: Vec<Value> = checks["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|check| match check["app_id"].as_u64() {
            Some(id) => json!({ "context": check["context"], "app": { "kind": "app", "name": "github-actions", "id": id } }),
            None => json!({ "context": check["context"] }),
        })
        .collect();
    let is = |section: &Value, key: &str| section[key] == json!(true);
    json!({
        "pattern": pattern,
        "is_admin_enforced": is(body, "enforce_admins"),
        "requires_status_checks": checks.is_object(),
        "requires_strict_status_checks": is(checks, "strict"),
        "required_status_checks": checked,
        "requires_approving_reviews": reviews.is_object(),
        "required_approving_review_count": reviews["required_approving_review_count"].as_u64().unwrap_or(0),
        "dismisses_stale_reviews": is(reviews, "dismiss_stale_reviews"),
        "requires_code_owner_reviews": is(reviews, "require_code_owner_reviews"),
        "require_last_push_approval": is(reviews, "require_last_push_approval"),
        "restricts_review_dismissals": reviews["dismissal_restrictions"].is_object(),
        "requires_commit_signatures": is(body, "required_signatures"),
        "requires_linear_history": is(body, "required_linear_history"),
        "requires_conversation_resolution": is(body, "required_conversation_resolution"),
        "required_deployment_environments": body["required_deployments"].as_array().cloned().unwrap_or_default(),
        "allows_force_pushes": is(body, "allow_force_pushes"),
        "allows_deletions": is(body, "allow_deletions"),
        "blocks_creations": is(body, "block_creations"),
        "restricts_pushes": body["restrictions"].is_object(),
        "lock_branch": is(body, "lock_branch"),
        "lock_allows_fetch_and_merge": is(body, "allow_fork_syncing"),
        "push_allowances": list(&body["restrictions"]),
        "bypass_pull_request_allowances": list(&reviews["bypass_pull_request_allowances"]),
        "bypass_force_push_allowances": list(&body["bypass_force_push"]),
        "review_dismissal_allowances": list(&reviews["dismissal_restrictions"]),
    })
}
