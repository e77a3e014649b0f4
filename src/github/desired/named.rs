//! Who and what a policy names that no list of an organization tells: people, and the repositories of workflows.

use std::collections::BTreeSet;

use serde_json::Value;

use super::actors_in;
use crate::github::names::is_login;
use crate::policy::Policy;

/// Names whose numbers have to be asked for one by one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// People, by login.
    pub people: BTreeSet<String>,
    /// Repositories, by `owner/name`.
    pub repositories: BTreeSet<String>,
}

/// What a policy names: people who pass, dismiss or review, and repositories that workflows come from.
pub fn named_in(policy: &Policy) -> Named {
    let mut named = Named::default();
    for ruleset in &policy.rulesets {
        let passing = ruleset.bypass.iter().flat_map(|bypass| &bypass.github);
        named.people.extend(passing.filter(|name| is_login(name)).cloned());
        for rule in &ruleset.rules {
            let Value::Object(parameters) = rule.rule.settings() else { continue };
            named.people.extend(actors_in(&parameters).into_iter().filter(|name| is_login(name)));
            let workflows = parameters.get("workflows").and_then(Value::as_array).into_iter().flatten();
            let repositories = workflows.filter_map(|workflow| workflow.get("repository").and_then(Value::as_str));
            named.repositories.extend(repositories.map(str::to_owned));
        }
    }
    named
}
