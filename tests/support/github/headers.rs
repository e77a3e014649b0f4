//! What GitHub sends around an answer: links to the next pages, the tag of what is the same, what is left of the limits.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::Value;

use super::call::{Answer, page_size};
use super::fault::{Fault, Quirk};
use super::pipeline::{Context, Delivery, Incoming, Outgoing};
use super::shared::Shared;
use super::token::TokenKind;

pub fn dress(
    shared: &Shared,
    incoming: &Incoming,
    path: &str,
    context: &Context,
    answer: Answer,
    fault: Option<&Fault>,
) -> Outgoing {
    let mut headers: Vec<(String, String)> =
        answer.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let has = |headers: &[(String, String)], name: &str| headers.iter().any(|(known, _)| known == name);
    let mut add = |name: &str, value: String| {
        if !has(&headers, name) {
            headers.push((name.to_owned(), value));
        }
    };
    let mut status = answer.status;
    let mut body = match &answer.body {
        None => Vec::new(),
        Some(Value::String(text)) if text.starts_with('<') => text.clone().into_bytes(),
        Some(body) => serde_json::to_vec(body).expect("JSON is written"),
    };
    let served = shared.served.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    add("x-github-request-id", format!("BED0:{served:06X}:{:08X}", served.wrapping_mul(0x9E37_79B9)));
    add("date", date(shared.now()));
    if !body.is_empty() {
        add("content-type", "application/json; charset=utf-8".to_owned());
    }
    let selected = incoming.header("x-github-api-version").unwrap_or("2022-11-28");
    add("x-github-api-version-selected", selected.to_owned());
    add("x-github-media-type", "github.v3; format=json".to_owned());
    if let Some(version) = shared.profile.server_version() {
        add("x-github-enterprise-version", version.to_owned());
    }
    if let Some(accepted) = &context.accepted {
        add("x-accepted-github-permissions", accepted.clone());
    }
    if let Some(TokenKind::Classic { scopes }) = context.token.as_ref().map(|token| &token.kind) {
        add("x-oauth-scopes", scopes.join(", "));
    }
    let link = answer.total.and_then(|total| links(shared, incoming, path, total));
    if let Some(link) = link {
        add("link", link);
    }
    let mut free = false;
    if status == 200 && incoming.method == "GET" && !shared.has(Quirk::WithoutEtag) {
        let tag = tag(shared, context, incoming, &body, served);
        if incoming.header("if-none-match").is_some_and(|known| known == tag) {
            status = 304;
            body.clear();
            free = true;
        }
        add("etag", tag);
        add("cache-control", "private, max-age=60, s-maxage=60".to_owned());
        add("vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With".to_owned());
    }
    if let Some(token) = context.token.as_ref().filter(|_| !shared.has(Quirk::WithoutRateLimit)) {
        let resource = if path == "/graphql" { "graphql" } else { "core" };
        if free {
            // "Making a conditional request does not count against your primary rate limit if a 304 response is returned"
            shared.refund(&token.value);
        }
        let limit = shared.hourly.load(std::sync::atomic::Ordering::Relaxed);
        let used = shared.used(&token.value, resource);
        add("x-ratelimit-limit", limit.to_string());
        add("x-ratelimit-remaining", limit.saturating_sub(used).to_string());
        add("x-ratelimit-used", used.to_string());
        add("x-ratelimit-reset", shared.reset().to_string());
        add("x-ratelimit-resource", resource.to_owned());
    }
    let delivery = match fault {
        Some(Fault::CutBody) => Delivery::Cut,
        Some(Fault::Hang) => Delivery::Hang,
        Some(Fault::Disconnect) => Delivery::Disconnect,
        Some(Fault::StopListening) => Delivery::Close,
        _ => Delivery::Whole,
    };
    if matches!(fault, Some(Fault::InvalidJson)) {
        body.truncate(body.len() / 2);
    }
    let delay = if let Some(Fault::Slow(delay)) = fault { *delay } else { Duration::ZERO };
    Outgoing { status, headers, body, delay, delivery }
}

/// GitHub's tag depends on who asks. <https://github.com/github/docs/issues/34689>
fn tag(shared: &Shared, context: &Context, incoming: &Incoming, body: &[u8], served: u64) -> String {
    let mut hasher = DefaultHasher::new();
    context.token.as_ref().map(|token| &token.value).hash(&mut hasher);
    (&incoming.path, &incoming.query, body).hash(&mut hasher);
    if shared.has(Quirk::EtagAlwaysNew) {
        served.hash(&mut hasher);
    }
    format!("W/\"{:016x}{:016x}\"", hasher.finish(), body.len())
}

/// Absolute addresses, with everything else that was asked for.
fn links(shared: &Shared, incoming: &Incoming, path: &str, total: usize) -> Option<String> {
    let pairs = incoming.pairs();
    let number = |name: &str| pairs.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<usize>().ok());
    let size = if shared.has(Quirk::IgnoresPerPage) { 30 } else { page_size(&pairs) };
    let page = number("page").unwrap_or(1).max(1);
    let last = total.div_ceil(size).max(1);
    if last == 1 {
        return None;
    }
    let kept: String = incoming
        .query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("page="))
        .map(|pair| format!("{pair}&"))
        .collect();
    let prefix = if incoming.path.starts_with("/api/v3") { "/api/v3" } else { "" };
    let to = |page: usize, name: &str| format!("<{}{prefix}{path}?{kept}page={page}>; rel=\"{name}\"", shared.origin);
    let mut links = Vec::new();
    if page > 1 {
        links.push(to((page - 1).min(last), "prev"));
    }
    if page < last {
        links.push(to(page + 1, "next"));
        links.push(to(last, "last"));
    }
    if page > 1 {
        links.push(to(1, "first"));
    }
    Some(links.join(", "))
}

fn date(seconds: u64) -> String {
    let time = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or(0)).expect("a time within range");
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).expect("a time can be written")
}
