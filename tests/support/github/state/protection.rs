//! Classic branch protection: one rule for the branches that a pattern matches.

use serde_json::{Value, json};

/// One rule, in one shape for REST and GraphQL, which each show a part of it.
#[derive(Debug, Clone, Default)]
pub struct Protection {
    pub id: u64,
    pub pattern: String,
    pub creator: Option<String>,
    pub enforce_admins: bool,
    pub checks: Option<StatusChecks>,
    pub reviews: Option<Reviews>,
    /// Who may push.
    pub restrictions: Option<Actors>,
    /// Only GraphQL shows these: who may force-push where `allow_force_pushes` is off.
    pub bypass_force_push: Actors,
    pub required_linear_history: bool,
    pub allow_force_pushes: bool,
    pub allow_deletions: bool,
    pub block_creations: bool,
    pub required_conversation_resolution: bool,
    pub lock_branch: bool,
    pub allow_fork_syncing: bool,
    pub required_signatures: bool,
    /// Only GraphQL shows these.
    pub required_deployments: Option<Vec<String>>,
    /// Nothing shows it of the rule, and nothing but GitHub's pages sets it; its branch shows that there is a queue.
    pub merge_queue: bool,
}

#[derive(Debug, Clone, Default)]
pub struct StatusChecks {
    pub strict: bool,
    /// Context, and the id of the App that must report it; `None`: any.
    pub checks: Vec<(String, Option<u64>)>,
}

#[derive(Debug, Clone, Default)]
pub struct Reviews {
    pub count: u64,
    pub dismiss_stale: bool,
    pub code_owners: bool,
    pub last_push: bool,
    /// Who may dismiss reviews; `None`: everybody with write access.
    pub dismissal: Option<Actors>,
    pub bypass: Actors,
}

/// Logins of users, slugs of teams and slugs of Apps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actors {
    pub users: Vec<String>,
    pub teams: Vec<String>,
    pub apps: Vec<String>,
}

impl Actors {
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.teams.is_empty() && self.apps.is_empty()
    }

    pub fn read(value: &Value) -> Self {
        let list = |key: &str| {
            let items = value[key].as_array().map(Vec::as_slice).unwrap_or_default();
            items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self { users: list("users"), teams: list("teams"), apps: list("apps") }
    }
}

impl StatusChecks {
    /// As `PUT` and `PATCH` take them. `contexts` is the older way, and `checks` wins; -1 is any App.
    pub fn read(value: &Value) -> Self {
        let checks = value["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let contexts = value["contexts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut found: Vec<(String, Option<u64>)> = checks
            .iter()
            .map(|check| (check["context"].as_str().unwrap_or_default().to_owned(), check["app_id"].as_u64()))
            .collect();
        for context in contexts.iter().filter_map(Value::as_str) {
            if !found.iter().any(|(known, _)| known == context) {
                found.push((context.to_owned(), None));
            }
        }
        Self { strict: value["strict"] == json!(true), checks: found }
    }
}

impl Reviews {
    /// As `PUT` takes them, and `PATCH` for what it names.
    pub fn read(value: &Value) -> Self {
        let mut reviews = Self { count: 1, ..Self::default() };
        reviews.update(value);
        reviews
    }

    pub fn update(&mut self, value: &Value) {
        let flag = |key: &str, old: bool| value[key].as_bool().unwrap_or(old);
        self.count = value["required_approving_review_count"].as_u64().unwrap_or(self.count);
        self.dismiss_stale = flag("dismiss_stale_reviews", self.dismiss_stale);
        self.code_owners = flag("require_code_owner_reviews", self.code_owners);
        self.last_push = flag("require_last_push_approval", self.last_push);
        if let Some(given) = value["dismissal_restrictions"].as_object() {
            // An empty object switches the restriction off.
            self.dismissal = (!given.is_empty()).then(|| Actors::read(&value["dismissal_restrictions"]));
        }
        if value["bypass_pull_request_allowances"].is_object() {
            self.bypass = Actors::read(&value["bypass_pull_request_allowances"]);
        }
    }
}

impl Protection {
    /// As the body of `PUT .../protection` has it, everything optional, and beside it what only GraphQL can set:
    /// `bypass_force_push`, `required_deployments`; and `required_signatures`, which has an endpoint of its own.
    pub fn read(id: u64, pattern: &str, value: &Value) -> Self {
        let flag = |key: &str| value[key] == json!(true);
        let section = |key: &str| Some(&value[key]).filter(|section| section.is_object());
        Self {
            id,
            pattern: pattern.to_owned(),
            creator: value["creator"].as_str().map(str::to_owned),
            enforce_admins: flag("enforce_admins"),
            checks: section("required_status_checks").map(StatusChecks::read),
            reviews: section("required_pull_request_reviews").map(Reviews::read),
            restrictions: section("restrictions").map(Actors::read),
            bypass_force_push: Actors::read(&value["bypass_force_push"]),
            required_linear_history: flag("required_linear_history"),
            allow_force_pushes: flag("allow_force_pushes"),
            allow_deletions: flag("allow_deletions"),
            block_creations: flag("block_creations"),
            required_conversation_resolution: flag("required_conversation_resolution"),
            lock_branch: flag("lock_branch"),
            allow_fork_syncing: flag("allow_fork_syncing"),
            required_signatures: flag("required_signatures"),
            required_deployments: value["required_deployments"]
                .as_array()
                .map(|names| names.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
            merge_queue: false,
        }
    }
}
