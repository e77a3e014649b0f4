//! Where queries begin.

use apollo_compiler::resolvers::ResolvedValue;
use apollo_compiler::response::JsonValue;

use super::super::permission::Role;
use super::View;
use super::object::{Connection, Object, Resolved, argument, error, leaf, maybe, null, unknown};
use super::{people, protection, repository, ruleset};

pub fn query<'a>(view: &'a View<'a>) -> Object<'a> {
    Object::new(view, "Query", move |field, arguments| match field {
        "rateLimit" => rate_limit(view).value(),
        "viewer" => people::user(view, &view.viewer.login).value(),
        "repositoryOwner" => owner(view, argument(arguments, "login").unwrap_or_default()),
        "organization" => match view.state.organization(argument(arguments, "login").unwrap_or_default()) {
            Some(organization) => people::organization(view, organization).value(),
            None => Err(error("NOT_FOUND", "Could not resolve to an Organization with that login.")),
        },
        "repository" => {
            let text = |name: &str| argument(arguments, name).unwrap_or_default();
            let full_name = format!("{}/{}", text("owner"), text("name"));
            let moved = || {
                let follow = arguments.get("followRenames").and_then(JsonValue::as_bool).unwrap_or(true);
                view.state.moved.get(&full_name.to_lowercase()).filter(|_| follow).and_then(|id| view.state.repositories.get(id))
            };
            match view.state.repository(&full_name).or_else(moved).filter(|repository| view.sees(repository)) {
                Some(found) => repository::repository(view, found).value(),
                None => Err(error("NOT_FOUND", &format!("Could not resolve to a Repository with the name '{full_name}'."))),
            }
        }
        "node" => node(view, argument(arguments, "id").unwrap_or_default()),
        "nodes" => {
            let ids: Vec<String> = match arguments.get("ids") {
                Some(JsonValue::Array(ids)) => ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect(),
                _ => Vec::new(),
            };
            Ok(ResolvedValue::List(Box::new(ids.into_iter().map(move |id| node(view, &id)))))
        }
        _ => unknown("Query", field),
    })
}

/// Anything by its id. What the token does not see is null, and an error says so.
fn node<'a>(view: &'a View<'a>, id: &str) -> Resolved<'a> {
    let missing = || Err(error("NOT_FOUND", &format!("Could not resolve to a node with the global id of '{id}'.")));
    let Some((kind, Ok(number))) = id.rsplit_once('_').map(|(kind, number)| (kind, number.parse::<u64>())) else {
        return missing();
    };
    match kind {
        "R" => match view.state.repositories.get(&number).filter(|repository| view.sees(repository)) {
            Some(found) => repository::repository(view, found).value(),
            None => missing(),
        },
        "BPR" => {
            let mut all = view.state.repositories.values().filter(|repository| view.sees(repository) && view.administers());
            match all.find_map(|repository| Some((repository, repository.protections.iter().find(|one| one.id == number)?))) {
                Some((repository, found)) => protection::protection(view, repository, found).value(),
                None => missing(),
            }
        }
        "RRS" => match view.state.rulesets.get(&number) {
            Some(found) => ruleset::ruleset(view, found).value(),
            None => missing(),
        },
        "O" => match view.state.organizations.values().find(|one| one.id == number) {
            Some(found) => people::organization(view, found).value(),
            None => missing(),
        },
        _ => missing(),
    }
}

fn owner<'a>(view: &'a View<'a>, login: &str) -> Resolved<'a> {
    match (view.state.organization(login), view.state.find_user(login)) {
        (Some(organization), _) => people::organization(view, organization).value(),
        (None, Some(user)) => people::user(view, &user.login).value(),
        (None, None) => null(),
    }
}

/// The repositories that an owner has, by name, as far as the token sees them.
pub fn repositories<'a>(view: &'a View<'a>, login: &str, arguments: &apollo_compiler::response::JsonMap) -> Resolved<'a> {
    let mut items = view.state.repositories_of(login);
    items.retain(|repository| view.sees(repository));
    let direction = arguments.get("orderBy").and_then(|order| order.as_object()).and_then(|order| order.get("direction"));
    if direction.and_then(|direction| direction.as_str()) == Some("DESC") {
        items.reverse();
    }
    Connection { view, kind: "RepositoryConnection", items }.page(arguments, move |found| repository::repository(view, found))
}

fn rate_limit<'a>(view: &'a View<'a>) -> Object<'a> {
    Object::new(view, "RateLimit", move |field, _| {
        let limit = view.shared.hourly.load(std::sync::atomic::Ordering::Relaxed);
        let used = view.shared.used(&view.viewer.value, "graphql");
        match field {
            "cost" => leaf(view.cost.points),
            "limit" => leaf(limit),
            "remaining" => leaf(limit.saturating_sub(used)),
            "used" => leaf(used),
            "nodeCount" => leaf(view.cost.nodes),
            "resetAt" => {
                let reset =
                    jiff::Timestamp::from_second(i64::try_from(view.shared.reset()).unwrap_or(0)).expect("a time within range");
                leaf(reset.to_string())
            }
            _ => unknown("RateLimit", field),
        }
    })
}

/// Whether the viewer owns organizations.
pub fn owns(view: &View<'_>) -> bool {
    view.role() >= Role::Admin
}

pub fn optional<'a, T>(found: Option<T>, render: impl FnOnce(T) -> Object<'a>) -> Resolved<'a> {
    maybe(found.map(render))
}
