//! Asking GitHub: what is sent, what is asked again, where the token goes, and what is never taken for an answer.

use std::path::PathBuf;
use std::time::Duration;

use refwarden::github::client::{Change, Client, Credentials, Host, Options, Path, Query, Refused, Token};
use refwarden::github::{Cause, Class, Hidden};
use serde_json::json;

use crate::support::clock::{Standing, leaping};
use crate::support::wire::{Reply, Wire, reply};

const SECRET: &str = "ghp_0123456789secret";

/// A clock on which an hour takes no time.
fn options() -> Options {
    Options { clock: leaping(), ..Options::default() }
}

fn client(wire: &Wire, options: Options) -> Client {
    client_at(&wire.url, options)
}

fn client_at(url: &str, options: Options) -> Client {
    Client::new(Host::parse(url).unwrap(), Credentials::Token(Token::new(SECRET).unwrap()), options).unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

fn thing() -> Path {
    Path::repository("acme", "api", &["keys"])
}

fn get(wire: &Wire, options: Options) -> (Result<String, Refused>, Client) {
    run(async {
        let client = client(wire, options);
        let answer = client.get(&thing(), Class::Owner).await;
        (answer.map(|answer| String::from_utf8(answer.body).unwrap()), client)
    })
}

#[test]
fn sends_one_of_each_header() {
    let wire = Wire::start(|_| reply(200, "[]"));
    get(&wire, options()).0.unwrap();
    let seen = wire.seen().remove(0);
    for (name, value) in [
        ("authorization", format!("Bearer {SECRET}").as_str()),
        ("accept", "application/vnd.github+json"),
        ("x-github-api-version", "2022-11-28"),
    ] {
        let values: Vec<_> = seen.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, [value], "{name}");
    }
    assert!(seen.header("user-agent").is_some(), "GitHub refuses requests without");
    assert!(!seen.path.contains(SECRET));
}

#[test]
fn every_name_arrives_as_it_is() {
    let wire = Wire::start(|_| reply(200, "{}"));
    run(async {
        let client = client(&wire, options());
        for branch in ["fix#1", "a/b", "é", "..", "a?b&c", "%2F"] {
            client.get(&Path::repository("acme", "api", &["branches", branch]), Class::Owner).await.unwrap();
        }
    });
    let seen: Vec<_> = wire.seen().into_iter().map(|seen| seen.path.replace("/repos/acme/api/branches/", "")).collect();
    assert_eq!(seen, ["fix%231", "a%2Fb", "%C3%A9", "%2E%2E", "a%3Fb%26c", "%252F"]);
}

#[test]
fn a_server_of_ones_own_has_other_paths() {
    let wire = Wire::start(|_| reply(200, r#"{"data": {"x": 1}}"#));
    run(async {
        let client = client_at(&format!("{}/api/v3", wire.url), options());
        client.get(&thing(), Class::Owner).await.unwrap();
        client.query(&query(false)).await.unwrap();
    });
    let paths: Vec<_> = wire.seen().into_iter().map(|seen| (seen.path.clone(), seen.header("authorization").is_some())).collect();
    assert_eq!(paths, [("/api/v3/repos/acme/api/keys".to_owned(), true), ("/api/graphql".to_owned(), true)]);
}

#[test]
fn asks_again_what_may_pass() {
    let later = |status: u16| move |number: usize| if number < 2 { reply(status, "<html>") } else { reply(200, "[1]") };
    for status in [500, 502, 503, 504] {
        let answer = later(status);
        let wire = Wire::start(move |seen| answer(seen.number));
        let (body, client) = get(&wire, options());
        assert_eq!(body.unwrap(), "[1]");
        let tally = client.cost().total();
        assert_eq!((tally.requests, tally.retries), (3, 2), "{status}");
    }
}

#[test]
fn a_body_that_breaks_off_is_no_answer() {
    let wire = Wire::start(|seen| match seen.number {
        0 => reply(200, r#"[{"title": "a"}, {"title": "b"}]"#).cut(),
        1 => reply(200, r#"[{"title": "a"}, {"tit"#),
        _ => reply(200, "[2]"),
    });
    assert_eq!(get(&wire, options()).0.unwrap(), "[2]");
    let wire = Wire::start(|_| reply(200, r#"[{"title": "a"}]"#).cut());
    let refused = get(&wire, options()).0.unwrap_err();
    assert_eq!(refused.cause, Cause::Failed);
    assert_eq!(wire.seen().len(), 5, "bounded");
}

#[test]
fn waits_for_limits() {
    let limits: [fn() -> Reply; 5] = [
        || reply(429, "{}").with("retry-after", "30"),
        || reply(403, r#"{"message": "You have exceeded a secondary rate limit."}"#),
        || reply(403, r#"{"message": "x"}"#).with("retry-after", "30"),
        // This server's clock is years behind.
        || {
            reply(403, r#"{"message": "API rate limit exceeded"}"#)
                .with("x-ratelimit-remaining", "0")
                .with("x-ratelimit-reset", "1000030")
                .with("date", "Mon, 12 Jan 1970 13:46:40 GMT")
        },
        || reply(503, "{}").with("retry-after", "30"),
    ];
    for (index, limit) in limits.into_iter().enumerate() {
        let wire = Wire::start(move |seen| if seen.number == 0 { limit() } else { reply(200, "[3]") });
        let (body, client) = get(&wire, options());
        assert_eq!(body.unwrap(), "[3]");
        let waited = client.cost().waited.as_secs();
        assert!(index == 4 || (29..=61).contains(&waited), "{index}: {waited}");
    }
}

#[test]
fn a_limit_stops_everyone() {
    let wire = Wire::start(|seen| match seen.number {
        0..4 => reply(403, r#"{"message": "secondary rate limit"}"#).with("retry-after", "100"),
        _ => reply(200, "[]"),
    });
    run(async {
        let clock = Standing::new();
        let client = client(&wire, Options { in_flight: 4, clock: clock.clone(), ..options() });
        let path = thing();
        let all = futures_util::future::join_all((0..20).map(|_| client.get(&path, Class::Owner)));
        let time = async {
            clock.until_waiting(20).await;
            assert_eq!(wire.seen().len(), 4, "nobody asks while a limit holds");
            clock.pass(Duration::from_secs(100));
        };
        let (all, ()) = futures_util::future::join(all, time).await;
        assert!(all.into_iter().all(|answer| answer.is_ok()));
        assert_eq!(client.cost().waited, Duration::from_secs(100), "they wait together");
        assert_eq!(client.cost().total().requests, 24);
    });
}

#[test]
fn does_not_wait_longer_than_it_may() {
    let wire = Wire::start(|_| reply(403, r#"{"message": "secondary rate limit"}"#).with("retry-after", "100000"));
    run(async {
        let client = client(&wire, Options { clock: Standing::new(), ..options() });
        let refused = client.get(&thing(), Class::Owner).await.unwrap_err();
        assert_eq!(refused.cause, Cause::Failed);
        assert!(refused.to_string().contains("600 seconds") && refused.help.is_some(), "{refused}");
        client.get(&thing(), Class::Owner).await.unwrap_err();
        assert_eq!(client.cost().total().requests, 1, "what is hopeless is not even tried");
    });
}

#[test]
fn keeps_its_pace() {
    let wire = Wire::start(|_| reply(200, "[]"));
    run(async {
        let clock = Standing::new();
        let client = client(&wire, Options { points_a_minute: Some(10), clock: clock.clone(), ..options() });
        let path = thing();
        let all = futures_util::future::join_all((0..25).map(|_| client.get(&path, Class::Owner)));
        let time = async {
            for (waiting, sent) in [(15, 10), (5, 20)] {
                clock.until_waiting(waiting).await;
                assert!(wire.seen().len() <= sent, "{} in one minute too few", wire.seen().len());
                clock.pass(Duration::from_secs(60));
            }
        };
        let (all, ()) = futures_util::future::join(all, time).await;
        assert!(all.into_iter().all(|answer| answer.is_ok()));
        assert_eq!((wire.seen().len(), client.cost().waited), (25, Duration::from_secs(120)));
    });
}

#[test]
fn never_repeats_a_change() {
    let wire = Wire::start(|_| reply(502, "<html>"));
    run(async {
        let client = client(&wire, options());
        let body = json!({"name": "x"});
        for change in [Change::Post, Change::Put, Change::Patch, Change::Delete] {
            assert!(client.write(change, &thing(), Some(&body)).await.is_err());
        }
    });
    let methods: Vec<_> = wire.seen().into_iter().map(|seen| seen.method).collect();
    assert_eq!(methods, ["POST", "PUT", "PATCH", "DELETE"]);
    let wire = Wire::start(|_| reply(429, "{}").with("retry-after", "1"));
    run(async { client(&wire, options()).write(Change::Put, &thing(), None).await.unwrap_err() });
    assert_eq!(wire.seen().len(), 1);
}

#[test]
fn follows_on_the_same_host_only() {
    for status in [301, 307, 308] {
        let wire = Wire::start(move |seen| match seen.path.as_str() {
            "/repos/acme/api/keys" => reply(status, "{}").with("location", "/repositories/7/keys"),
            "/repositories/7/keys" => reply(200, "[7]"),
            _ => reply(500, "{}"),
        });
        run(async {
            let answer = client(&wire, options()).get(&thing(), Class::Owner).await.unwrap();
            assert_eq!(answer.moved_to.as_deref(), Some("/repositories/7/keys"));
        });
    }
    let elsewhere = Wire::start(|_| reply(200, "[]"));
    let target = elsewhere.url.clone();
    let wire = Wire::start(move |_| reply(301, "{}").with("location", &format!("{target}/repositories/7")));
    let refused = get(&wire, options()).0.unwrap_err();
    assert!(refused.message.contains("another host"), "{refused}");
    assert!(elsewhere.seen().is_empty(), "the token stays here");
    let wire = Wire::start(|_| reply(301, "{}").with("location", "/repos/acme/api/keys"));
    assert!(get(&wire, options()).0.unwrap_err().message.contains("redirects"));
    let wire = Wire::start(|_| reply(302, "{}").with("location", "/orgs/acme/public_members"));
    assert_eq!(get(&wire, options()).0.unwrap_err().cause, Cause::NotPermitted);
    let wire = Wire::start(|_| reply(307, "{}").with("location", "/x"));
    run(async { client(&wire, options()).write(Change::Put, &thing(), None).await.unwrap_err() });
    assert_eq!(wire.seen().len(), 1, "a change is not sent elsewhere");
}

fn pages(wire: &Wire, key: Option<&str>, most: usize) -> Result<(usize, Option<Hidden>), Refused> {
    run(async {
        let pages = client(wire, options()).pages(&thing(), key, most, Class::Owner).await?;
        Ok((pages.items.len(), pages.missing))
    })
}

#[test]
fn pages_are_followed_to_their_end() {
    let wire = Wire::start(|seen| {
        let next = |page: u32| {
            format!("<http://{}/repos/acme/api/keys?per_page=100&page={page}>; rel=\"next\"", seen.header("host").unwrap())
        };
        match seen.number {
            0 => reply(200, "[1, 2]").with("link", &next(2)),
            1 => reply(200, "[3]").with("link", &next(3)),
            _ => reply(200, "[4]"),
        }
    });
    assert_eq!(pages(&wire, None, 100).unwrap(), (4, None));
    assert_eq!(wire.seen()[0].path, "/repos/acme/api/keys?per_page=100");
    assert_eq!(wire.seen()[2].path, "/repos/acme/api/keys?per_page=100&page=3");
}

#[test]
fn a_list_that_breaks_off_is_a_part() {
    let wire = Wire::start(|_| reply(200, r#"{"total_count": 3, "items": [1, 2]}"#));
    let (read, missing) = pages(&wire, Some("items"), 100).unwrap();
    assert_eq!((read, missing.unwrap().cause), (2, Cause::Partial));
    let wire = Wire::start(|seen| reply(200, "[1]").with("link", &format!("</x?page={}>; rel=\"next\"", seen.number)));
    let (read, missing) = pages(&wire, None, 5).unwrap();
    assert_eq!((read, missing.unwrap().cause), (5, Cause::Partial));
    let wire = Wire::start(|_| reply(200, "[1]").with("link", "</repos/acme/api/keys?per_page=100>; rel=\"next\""));
    assert!(pages(&wire, None, 100).unwrap_err().message.contains("before"), "a loop");
    let wire = Wire::start(|_| reply(200, "[1]").with("link", "<https://evil.example/x>; rel=\"next\""));
    assert!(pages(&wire, None, 100).unwrap_err().message.contains("another host"));
    let wire = Wire::start(|_| reply(200, "[1]").with("x-github-sso", "partial-results; organizations=21955855"));
    assert_eq!(pages(&wire, None, 100).unwrap().1.unwrap().cause, Cause::NotPermitted);
    let wire = Wire::start(|_| reply(200, r#"{"message": "odd"}"#));
    assert!(pages(&wire, None, 100).is_err());
}

#[test]
fn refusals_are_different_facts() {
    let refused = |status: u16, message: &str| {
        let body = json!({ "message": message }).to_string();
        let wire = Wire::start(move |_| reply(status, &body).with("x-accepted-github-permissions", "administration=read"));
        get(&wire, options()).0.unwrap_err()
    };
    let upgrade = refused(403, "Upgrade to GitHub Pro or make this repository public to enable this feature.");
    assert_eq!(upgrade.cause, Cause::NotOffered);
    let forbidden = refused(403, "Resource not accessible by integration");
    assert_eq!(forbidden.cause, Cause::NotPermitted);
    assert_eq!(forbidden.permission.as_deref(), Some("administration=read"));
    assert_eq!(
        Hidden::from(forbidden).to_string(),
        "GET /repos/acme/api/keys: 403 Resource not accessible by integration (needs administration=read)"
    );
    assert_eq!(refused(404, "Not Found").cause, Cause::NotPermitted);
    assert_eq!(refused(422, "Invalid").cause, Cause::Failed);
    assert!(refused(401, "Bad credentials").help.unwrap().contains("GITHUB_TOKEN"));
}

#[test]
fn bounds_what_it_reads() {
    let wire = Wire::start(|_| reply(200, &format!("[\"{}\"]", "x".repeat(5000))));
    let refused = get(&wire, Options { largest_body: 1000, ..options() }).0.unwrap_err();
    assert!(refused.message.contains("larger than 1000"), "{refused}");
    assert_eq!(wire.seen().len(), 1);
    let wire = Wire::start(|_| reply(200, "[]").late(Duration::from_secs(20)));
    let refused = get(&wire, Options { timeout: Duration::from_millis(500), attempts: 2, ..options() }).0.unwrap_err();
    assert!(refused.message.contains("took longer"), "{refused}");
}

#[test]
fn nobody_sees_the_token() {
    // A server that repeats whatever it was sent.
    let wire = Wire::start(|seen| reply(403, &json!({ "message": format!("{:?}", seen.headers) }).to_string()));
    let (refused, client) = get(&wire, options());
    let refused = refused.unwrap_err();
    let wrong =
        run(async { client_at("http://127.0.0.1:1", Options { attempts: 1, ..options() }).get(&thing(), Class::Owner).await });
    let texts = [
        format!("{refused} {refused:?} {:?}", Hidden::from(&refused)),
        format!("{client:?} {}", client.cost()),
        format!("{:?}", wrong.unwrap_err()),
        format!("{:?}", Credentials::Token(Token::new(SECRET).unwrap())),
        format!("{:?}", Credentials::from_environment(|_| Some(format!("{SECRET} x")))),
    ];
    for text in texts {
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn what_is_missing_says_what_to_do() {
    let missing = Credentials::from_environment(|_| None).unwrap_err();
    assert!(missing.help.contains("GITHUB_TOKEN") && missing.help.contains("Administration"));
    assert!(matches!(Credentials::from_environment(|name| (name == "GH_TOKEN").then(|| "x".into())), Ok(Credentials::Token(_))));
}

fn cached(folder: &std::path::Path) -> Options {
    Options { cache: Some(PathBuf::from(folder)), ..options() }
}

/// GitHub says in a header that a list is a part, for want of single sign-on. A kept answer would have lost it.
#[test]
fn a_part_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let wire = Wire::start(|seen| match seen.header("if-none-match") {
        Some(_) => reply(304, ""),
        None => reply(200, "[1]").with("etag", "\"1\"").with("x-github-sso", "partial-results; organizations=21955855"),
    });
    for _ in 0..2 {
        let pages = run(async { client(&wire, cached(folder.path())).pages(&thing(), None, 100, Class::Owner).await });
        assert_eq!(pages.unwrap().missing.unwrap().cause, Cause::NotPermitted);
    }
}

#[test]
fn what_did_not_change_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let wire = Wire::start(|seen| match seen.header("if-none-match") {
        Some("\"1\"") => reply(304, ""),
        _ => reply(200, "[5]").with("etag", "\"1\""),
    });
    assert_eq!(get(&wire, cached(folder.path())).0.unwrap(), "[5]");
    let (body, client) = get(&wire, cached(folder.path()));
    assert_eq!(body.unwrap(), "[5]");
    assert_eq!(client.cost().total().from_cache, 1);
    run(async {
        let client = client_at(&wire.url, cached(folder.path()));
        client.write(Change::Put, &thing(), None).await.unwrap();
    });
    assert_eq!(wire.seen()[2].header("if-none-match"), None, "only what is read is kept");
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("secret"));
        std::fs::write(path, "damaged").unwrap();
    }
    assert_eq!(get(&wire, cached(folder.path())).0.unwrap(), "[5]");
    assert_eq!(wire.seen().last().unwrap().header("if-none-match"), None, "a damaged entry is none");
}

#[test]
fn a_broken_answer_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let wire = Wire::start(|seen| match seen.number {
        0 => reply(200, r#"[{"title": "#).with("etag", "\"1\""),
        _ if seen.header("if-none-match").is_some() => reply(304, ""),
        _ => reply(200, "[6]").with("etag", "\"1\""),
    });
    assert_eq!(get(&wire, cached(folder.path())).0.unwrap(), "[6]");
    assert_eq!(get(&wire, cached(folder.path())).0.unwrap(), "[6]");
}

fn query(divisible: bool) -> Query<'static> {
    Query { document: "query Q { x }", operation: "Q", variables: json!({}), owner: "acme", class: Class::Index, divisible }
}

#[test]
fn graphql_keeps_what_came() {
    let body = r#"{"data": {"rateLimit": {"cost": 16}, "nodes": [{"id": 1}, null]},
        "errors": [{"type": "FORBIDDEN", "path": ["nodes", 1], "message": "no"}]}"#;
    let wire = Wire::start(move |_| reply(200, body));
    run(async {
        let client = client(&wire, options());
        let answer = client.query(&query(false)).await.unwrap();
        let nodes = answer.root().field("nodes");
        assert!(nodes.entry(0).whole().is_ok());
        assert_eq!(nodes.entry(1).whole().unwrap_err().cause, Cause::NotPermitted);
        assert_eq!(client.cost().total().points, 16);
    });
}

#[test]
fn graphql_that_is_too_much_is_not_asked_again_as_it_is() {
    let tired = r#"{"data": null, "errors": [{"message": "Something went wrong while executing your query."}]}"#;
    for (status, body) in [(502, "<html>"), (504, "<html>"), (200, tired)] {
        let wire = Wire::start(move |_| reply(status, body));
        let refused = run(async { client(&wire, options()).query(&query(true)).await.unwrap_err() });
        assert!(refused.is_too_heavy(), "{refused}");
        assert_eq!(wire.seen().len(), 1);
    }
    let wire = Wire::start(|seen| if seen.number == 0 { reply(502, "<html>") } else { reply(200, r#"{"data": {"x": 1}}"#) });
    run(async { client(&wire, options()).query(&query(false)).await.unwrap() });
}

#[test]
fn graphql_has_limits_of_its_own() {
    let spent = r#"{"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}"#;
    let wire = Wire::start(move |seen| match (seen.path.as_str(), seen.number) {
        ("/graphql", 0) => reply(200, spent)
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", "1000300")
            .with("date", "Mon, 12 Jan 1970 13:46:40 GMT"),
        ("/graphql", _) => reply(200, r#"{"data": {"x": 1}}"#),
        _ => reply(200, "[]"),
    });
    run(async {
        let client = client(&wire, options());
        client.query(&query(false)).await.unwrap();
        assert!((300..310).contains(&client.cost().waited.as_secs()), "{:?}", client.cost().waited);
    });
}

/// A key of nobody.
const KEY: &str = include_str!("../fixtures/github/app-key.pem");

fn app(wire: &Wire) -> Client {
    let app = refwarden::github::client::App { id: 7, key: KEY.as_bytes().to_vec(), installation: None };
    Client::new(Host::parse(&wire.url).unwrap(), Credentials::App(app), options()).unwrap()
}

/// Hands out one token after the other, each good for `seconds`.
fn installation(seen: &crate::support::wire::Seen, tokens: &std::sync::atomic::AtomicU32, seconds: i64) -> Option<Reply> {
    match seen.path.as_str() {
        "/orgs/acme/installation" => Some(reply(200, r#"{"id": 9}"#)),
        "/orgs/other/installation" | "/users/other/installation" => Some(reply(404, r#"{"message": "Not Found"}"#)),
        "/app/installations/9/access_tokens" => {
            assert!(seen.header("authorization").unwrap().starts_with("Bearer ey"), "signed by the app");
            let number = tokens.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let until = jiff::Timestamp::from_second(1_000_000 + seconds).unwrap();
            let body = json!({ "token": format!("ghs_{number}"), "expires_at": until.to_string() });
            Some(reply(201, &body.to_string()).with("date", "Mon, 12 Jan 1970 13:46:40 GMT"))
        }
        _ => None,
    }
}

#[test]
fn an_app_gets_one_token_for_all_who_need_it() {
    let tokens = std::sync::atomic::AtomicU32::new(0);
    let wire = Wire::start(move |seen| installation(seen, &tokens, 3_600_000_000).unwrap_or_else(|| reply(200, "[]")));
    run(async {
        let client = app(&wire);
        let path = thing();
        let all = futures_util::future::join_all((0..20).map(|_| client.get(&path, Class::Owner))).await;
        assert!(all.into_iter().all(|answer| answer.is_ok()));
        assert_eq!(client.cost().requests(Class::Token), 2);
        let refused = client.get(&Path::repository("other", "x", &[]), Class::Owner).await.unwrap_err();
        assert!(refused.message.contains("not installed on `other`") && refused.help.is_some());
    });
    assert!(
        wire.seen()
            .iter()
            .filter(|seen| seen.path.starts_with("/repos"))
            .all(|seen| seen.header("authorization") == Some("Bearer ghs_0"))
    );
}

#[test]
fn an_app_replaces_a_token_before_it_ends() {
    let tokens = std::sync::atomic::AtomicU32::new(0);
    // Good for less than the margin: each request gets its own.
    let wire = Wire::start(move |seen| installation(seen, &tokens, 30).unwrap_or_else(|| reply(200, "[]")));
    run(async {
        let client = app(&wire);
        client.get(&thing(), Class::Owner).await.unwrap();
        client.get(&thing(), Class::Owner).await.unwrap();
    });
    assert_eq!(wire.seen().last().unwrap().header("authorization"), Some("Bearer ghs_1"));
}

#[test]
fn an_app_replaces_a_token_that_ended_early_once() {
    let tokens = std::sync::atomic::AtomicU32::new(0);
    let wire = Wire::start(move |seen| {
        installation(seen, &tokens, 3_600_000_000).unwrap_or_else(|| match seen.header("authorization") {
            Some("Bearer ghs_0") => reply(401, r#"{"message": "Bad credentials"}"#),
            _ if seen.path.ends_with("keys") => reply(200, "[]"),
            _ => reply(401, r#"{"message": "Bad credentials"}"#),
        })
    });
    run(async {
        let client = app(&wire);
        client.get(&thing(), Class::Owner).await.unwrap();
        let refused = client.get(&Path::repository("acme", "api", &["x"]), Class::Owner).await.unwrap_err();
        assert!(refused.is(401));
        assert!(client.cost().requests(Class::Token) <= 4);
    });
}

#[test]
fn a_token_of_an_installation_says_what_it_was_given() {
    let wire = Wire::start(|_| reply(200, r#"{"total_count": 1, "repository_selection": "selected", "repositories": []}"#));
    run(async {
        let client = |text: &str| {
            let credentials = Credentials::Token(Token::new(text).unwrap());
            Client::new(Host::parse(&wire.url).unwrap(), credentials, options()).unwrap()
        };
        assert_eq!(client("ghs_x").repository_selection("acme").await.as_deref(), Some("selected"));
        assert_eq!(client("ghp_x").repository_selection("acme").await, None);
    });
    assert_eq!(wire.seen().len(), 1, "people's tokens have no installation");
}
