//! From a request to its answer, in GitHub's order: the address, who asks, limits, the request itself, permissions, the handler;
//! then the answer is held to the description and dressed in headers. What is planned to go wrong goes wrong where it would.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::access::{self, Access};
use super::call::{Answer, Call, Handled, not_found, page_size, refuse};
use super::fault::{Fault, Quirk};
use super::graphql;
use super::headers;
use super::log::{Class, Entry};
use super::openapi::{Matched, Mismatch, Operation, route};
use super::profile::Profile;
use super::rest::{self, Visit};
use super::shared::Shared;
use super::state::State;
use super::token::{Token, TokenKind};

/// A request as it came.
pub struct Incoming {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub in_flight: usize,
    pub began: Instant,
}

/// An answer as it goes.
pub struct Outgoing {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub delay: Duration,
    pub delivery: Delivery,
}

/// How much of an answer arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Whole,
    Cut,
    Hang,
    Disconnect,
    /// Disconnect, and answer nobody from then on.
    Close,
}

/// What is known of a request by the time it is answered.
#[derive(Default)]
pub struct Context {
    pub template: Option<String>,
    pub token: Option<Token>,
    pub accepted: Option<String>,
    pub cost: Option<u64>,
}

impl Incoming {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn pairs(&self) -> Vec<(String, String)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        let decode = |text: &str| route::decode(&text.replace('+', " "));
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(name, value)| (decode(name), decode(value))).collect()
    }
}

/// Answers a request, and writes both down.
pub fn answer(shared: &Shared, incoming: &Incoming) -> Outgoing {
    let class = if matches!(incoming.path.as_str(), "/graphql" | "/api/graphql") { Class::Graphql } else { Class::Rest };
    let path = match class {
        Class::Graphql => "/graphql".to_owned(),
        Class::Rest => by_name(shared, incoming.path.strip_prefix("/api/v3").unwrap_or(&incoming.path)),
    };
    let path = path.as_str();
    let fault = Shared::lock(&shared.faults)
        .iter_mut()
        .filter_map(|planned| planned.strikes(&incoming.method, path).then(|| planned.fault.clone()))
        .next_back();
    let mut context = Context::default();
    let mut answer = match before(shared, fault.as_ref()) {
        Some(answer) => answer,
        None => respond(shared, incoming, path, class, &mut context, fault.as_ref()).unwrap_or_else(|refusal| *refusal),
    };
    after(&mut answer, fault.as_ref());
    let outgoing = headers::dress(shared, incoming, path, &context, answer, fault.as_ref());
    note(shared, incoming, path, class, context, fault.as_ref(), &outgoing);
    outgoing
}

/// `/repositories/{id}/...`, which redirects lead to and the description does not have, means the repository of that id.
fn by_name(shared: &Shared, path: &str) -> String {
    let named = || {
        let (id, rest) = path.strip_prefix("/repositories/").map(|rest| rest.split_once('/').unwrap_or((rest, "")))?;
        let full_name = Shared::lock(&shared.state).repositories.get(&id.parse().ok()?)?.full_name();
        Some(format!("/repos/{full_name}/{rest}").trim_end_matches('/').to_owned())
    };
    named().unwrap_or_else(|| path.to_owned())
}

/// What goes wrong before anybody looks at the request.
fn before(shared: &Shared, fault: Option<&Fault>) -> Option<Answer> {
    let page = |status: u16| {
        // What stands before GitHub's servers answers in HTML.
        let html = format!("<html><head><title>{status}</title></head><body><h1>Whoa there!</h1></body></html>");
        Answer { status, body: Some(Value::String(html)), headers: vec![("content-type", "text/html".to_owned())], total: None }
    };
    match fault? {
        Fault::Status(status) => Some(page(*status)),
        Fault::SecondaryLimit { status, retry_after } => {
            let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
            let mut answer = Answer::refusal(*status, message);
            answer.headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
            Some(answer)
        }
        Fault::PrimaryLimit { reset_in } => {
            let mut answer = Answer::refusal(403, "API rate limit exceeded for user ID 1001.");
            answer.headers.push(("x-ratelimit-remaining", "0".to_owned()));
            answer.headers.push(("x-ratelimit-reset", (shared.now() + reset_in).to_string()));
            Some(answer)
        }
        Fault::BadCredentials => Some(Answer::refusal(401, "Bad credentials")),
        Fault::Redirect { status, location } => {
            let url = format!("{}{}{location}", shared.origin, shared.profile.rest_prefix());
            let body = json!({ "message": "Moved Permanently", "url": url, "documentation_url": "https://docs.github.com/rest" });
            Some(Answer { status: *status, body: Some(body), headers: vec![("location", url)], total: None })
        }
        Fault::Hang | Fault::Disconnect | Fault::StopListening => Some(Answer::nothing()),
        _ => None,
    }
}

/// What goes wrong once the request was carried out.
fn after(answer: &mut Answer, fault: Option<&Fault>) {
    match fault {
        Some(Fault::WrittenThenStatus(status)) => *answer = Answer::refusal(*status, "Server Error"),
        Some(Fault::TruncatedPage { missing }) => {
            if let Some(items) = answer.items_mut() {
                items.truncate(items.len().saturating_sub(*missing));
                answer.total = None;
            }
        }
        _ => {}
    }
}

fn respond(
    shared: &Shared,
    incoming: &Incoming,
    path: &str,
    class: Class,
    context: &mut Context,
    fault: Option<&Fault>,
) -> Handled {
    let mut state = Shared::lock(&shared.state);
    if class == Class::Graphql {
        context.template = Some("/graphql".to_owned());
        let token = authenticate(shared, &mut state, incoming)?;
        context.token = Some(token.clone());
        return graphql::answer(shared, &mut state, &token, incoming, context, fault);
    }
    let document = shared.profile.document();
    let Some((operation, matched)) = document.find(&incoming.method, path) else {
        // github.com serves the organizations of Enterprise Cloud, too, and describes what only they have elsewhere.
        if !Profile::EnterpriseCloud.document().find(&incoming.method, path).is_some_and(|_| shared.profile == Profile::Dotcom) {
            let violation = format!("{} {path}: {} has no such operation", incoming.method, shared.profile.name());
            Shared::lock(&shared.violations).push(violation);
        }
        return Err(not_found());
    };
    context.template = Some(operation.template.text().to_owned());
    if shared.has(Quirk::WithoutRulesets) && path.contains("/rule") {
        return Err(not_found());
    }
    let token = match incoming.header("authorization") {
        // What everybody may know of a server, even before there is a token.
        None if operation.template.text() == "/meta" => Token::new("", "anonymous"),
        _ => authenticate(shared, &mut state, incoming)?,
    };
    context.token = Some(token.clone());
    let call = understand(shared, operation, matched, incoming)?;
    let access =
        access::access(&call.method, &call.template).unwrap_or_else(|| panic!("no access is known of {}", operation.name()));
    if token.has_permissions() {
        context.accepted = access.header();
    }
    permit(&state, &token, access, &call)?;
    let spent = shared.spend(&token.value, Class::Rest, 1);
    if spent > shared.hourly.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(refuse(403, &format!("API rate limit exceeded for user {}.", token.login)));
    }
    let mut visit = Visit { shared, state: &mut state, viewer: &token, call: &call };
    let mut answer = rest::answer(&mut visit).unwrap_or_else(|refusal| *refusal);
    if let (Some(Fault::Tamper(tamper)), Some(body)) = (fault, answer.body.as_mut()) {
        tamper.0(body);
    }
    if shared.judging {
        judge(shared, operation, &answer);
    }
    Ok(answer)
}

/// Who asks.
fn authenticate(shared: &Shared, state: &mut State, incoming: &Incoming) -> Result<Token, Box<Answer>> {
    let Some(header) = incoming.header("authorization") else { return Err(refuse(401, "Requires authentication")) };
    let value = header.split_once(' ').map_or(header, |(_, value)| value).trim();
    if value.split('.').count() == 3
        && let Some(slug) = super::app_token::app_of(state, value, shared.now())
    {
        let mut token = Token::new(value, &slug);
        token.kind = TokenKind::App { slug };
        return Ok(token);
    }
    let token = state.tokens.get_mut(value).ok_or_else(|| refuse(401, "Bad credentials"))?;
    token.used += 1;
    if token.expires_after.is_some_and(|requests| token.used > requests) {
        return Err(refuse(401, "Bad credentials"));
    }
    Ok(token.clone())
}

/// Holds the request to the strict description.
fn understand(shared: &Shared, operation: &Operation, matched: Matched, incoming: &Incoming) -> Result<Call, Box<Answer>> {
    let query = incoming.pairs();
    let mut wrong = shared.profile.document().check_parameters(operation, &matched, &query);
    let body = if incoming.body.is_empty() {
        None
    } else {
        match serde_json::from_slice(&incoming.body) {
            Ok(body) => Some(body),
            Err(_) => return Err(refuse(400, "Problems parsing JSON")),
        }
    };
    wrong.extend(shared.profile.document().check_request(operation, body.as_ref()));
    if let Some(first) = wrong.first() {
        let lines = wrong.iter().map(Mismatch::to_string).collect::<Vec<_>>();
        Shared::lock(&shared.refused).push(format!("{} {}: {}", incoming.method, incoming.path, lines.join("; ")));
        let message = match &first.instance {
            Value::Null if !first.path.is_empty() => {
                format!("Invalid request.\n\nInvalid property {}: data cannot be null.", first.path)
            }
            _ => format!("Invalid request.\n\n{first}."),
        };
        let mut answer = Answer::refusal(422, &message);
        if let Some(Value::Object(map)) = &mut answer.body {
            map.insert("errors".to_owned(), Value::from(lines));
        }
        return Err(Box::new(answer));
    }
    let per_page = if shared.has(Quirk::IgnoresPerPage) { 30 } else { page_size(&query) };
    Ok(Call { method: incoming.method.clone(), template: operation.template.text().to_owned(), matched, query, body, per_page })
}

/// Whether this token may. What it may not know of does not exist.
fn permit(state: &State, token: &Token, access: Access, call: &Call) -> Result<(), Box<Answer>> {
    let is_app = matches!(token.kind, TokenKind::App { .. });
    match access {
        Access::App if !is_app => Err(refuse(401, "A JSON web token could not be decoded")),
        Access::App => Ok(()),
        _ if is_app => Err(refuse(401, "This endpoint requires you to be authenticated with an installation access token.")),
        Access::Anyone => Ok(()),
        Access::Installation if matches!(token.kind, TokenKind::Installation { .. }) => Ok(()),
        Access::Installation => Err(refuse(
            403,
            "You must authenticate with an installation access token in order to list repositories for an installation.",
        )),
        Access::Repository(needs, role) => {
            let full_name = format!("{}/{}", call.parameter("owner"), call.parameter("repo"));
            let moved = state.moved.get(&full_name.to_lowercase()).and_then(|id| state.repositories.get(id));
            if moved.is_some_and(|repository| token.sees(&repository.full_name())) {
                return Ok(());
            }
            if state.repository(&full_name).is_none() || !token.sees(&full_name) {
                return Err(not_found());
            }
            allowed(token, needs)?;
            // To somebody without the role, what only administrators may see does not exist either.
            match token.has_role(role) {
                true => Ok(()),
                false if call.template.contains("/collaborators") => {
                    Err(refuse(403, "Must have push access to view repository collaborators."))
                }
                false => Err(not_found()),
            }
        }
        Access::Organization(needs, owner) => {
            if state.organization(call.parameter("org")).is_none() {
                return Err(not_found());
            }
            allowed(token, needs)?;
            if owner && !token.has_role(super::permission::Role::Admin) { Err(not_found()) } else { Ok(()) }
        }
        Access::Enterprise(needs) => {
            allowed(token, needs)?;
            let known = state.enterprises.contains_key(&call.parameter("enterprise").to_lowercase());
            if known && token.has_role(super::permission::Role::Admin) { Ok(()) } else { Err(not_found()) }
        }
    }
}

fn allowed(token: &Token, needs: &[super::permission::Need]) -> Result<(), Box<Answer>> {
    if needs.is_empty() || needs.iter().any(|need| token.allows(*need)) { Ok(()) } else { Err(refuse(403, token.refusal())) }
}

/// Where GitHub's description does not allow what GitHub says: operation, the end of the place, and a word that is there.
const CONTRADICTIONS: &[(&str, &str, &str)] = &[
    // The account of an installation would have to be a user and an enterprise at once; GitHub's own example is not.
    ("GET /app/installations", "/account", "Organization"),
    ("GET /app/installations", "/account", "User"),
    // Rules of enterprises bind too, and `ruleset_source_type` has no word for them.
    ("GET /repos/{owner}/{repo}/rules/branches/{branch}", "", "Enterprise"),
];

/// Holds the answer to the description. What a test planted on purpose is forgiven.
fn judge(shared: &Shared, operation: &Operation, answer: &Answer) {
    let wrong = shared.profile.document().check_response(operation, answer.status, answer.body.as_ref());
    if wrong.is_empty() {
        return;
    }
    let planted = Shared::lock(&shared.planted);
    let known = |one: &Mismatch| {
        let fits = |(name, path, word): &(&str, &str, &str)| {
            *name == operation.name()
                && one.path.ends_with(path)
                && mentions(&one.instance, &BTreeSet::from([(*word).to_owned()]))
        };
        CONTRADICTIONS.iter().any(fits)
    };
    let unplanned = wrong.iter().filter(|one| !known(one) && !mentions(&one.instance, &planted));
    let violations = unplanned.map(|one| format!("{} answers {}, and GitHub could not: {one}", operation.name(), answer.status));
    Shared::lock(&shared.violations).extend(violations);
}

fn mentions(value: &Value, names: &BTreeSet<String>) -> bool {
    match value {
        Value::String(text) => names.contains(text),
        Value::Array(items) => items.iter().any(|item| mentions(item, names)),
        Value::Object(map) => map.iter().any(|(key, value)| names.contains(key) || mentions(value, names)),
        _ => false,
    }
}

fn note(
    shared: &Shared,
    incoming: &Incoming,
    path: &str,
    class: Class,
    context: Context,
    fault: Option<&Fault>,
    outgoing: &Outgoing,
) {
    let query = if incoming.query.is_empty() { String::new() } else { format!("?{}", incoming.query) };
    let mut record = Shared::lock(&shared.record);
    let entry = Entry {
        method: incoming.method.clone(),
        path: format!("{path}{query}"),
        template: context.template,
        class,
        status: outgoing.status,
        latency: incoming.began.elapsed() + outgoing.delay,
        in_flight: incoming.in_flight,
        conditional: incoming.header("if-none-match").is_some(),
        cost: context.cost,
        fault: fault.map(|fault| format!("{fault:?}")),
        user_agent: incoming.header("user-agent").map(str::to_owned),
        request_body: serde_json::from_slice(&incoming.body).ok(),
        response_headers: outgoing.headers.clone(),
        response_body: record.is_some().then(|| serde_json::from_slice(&outgoing.body).ok()).flatten(),
    };
    if let Some(file) = record.as_mut() {
        writeln!(file, "{}", entry.to_json()).expect("the recording can be written");
    }
    Shared::lock(&shared.log).push(Entry { response_body: None, ..entry });
}
