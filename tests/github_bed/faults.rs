//! What goes wrong goes wrong as it was planned.

use std::time::Duration;

use serde_json::json;

use super::client::{INDEX, get, graphql, request, send};
use crate::support::github::{Bed, Fault, Quirk, When};

fn bed() -> (Bed, String) {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    for number in 0..20 {
        acme.repository(&format!("r{number:02}"));
    }
    let token = bed.token().create();
    (bed, token)
}

fn index(bed: &Bed, token: &str, repositories: u32) -> super::client::Reply {
    let variables = json!({ "owner": "acme", "repositories": repositories, "protections": 5, "rulesets": 5, "actors": 10 });
    graphql(bed, token, INDEX, "OwnerIndex", variables)
}

#[test]
fn faults_strike_the_requests_they_are_planned_for() {
    let (bed, token) = bed();
    bed.fault("GET /repos/acme/r0*", When::Nth(2), Fault::Status(502));
    let statuses: Vec<u16> = (0..3).map(|_| get(&bed, &token, "/repos/acme/r01").status).collect();
    assert_eq!(statuses, [200, 502, 200]);
    assert_eq!(get(&bed, &token, "/repos/acme/r11").status, 200);
    bed.without_quirks().fault("* /repos/*", When::First(2), Fault::Status(503));
    let statuses: Vec<u16> = (0..3).map(|_| get(&bed, &token, "/repos/acme/r01").status).collect();
    assert_eq!(statuses, [503, 503, 200]);
    let faults: Vec<_> = bed.requests().into_iter().filter_map(|entry| entry.fault).collect();
    assert_eq!(faults, ["status 502", "status 503", "status 503"]);
}

#[test]
fn limits_say_when_to_come_back() {
    let (bed, token) = bed();
    bed.fault("GET /user", When::Nth(1), Fault::SecondaryLimit { status: 429, retry_after: Some(7) });
    bed.fault("GET /user", When::Nth(2), Fault::PrimaryLimit { reset_in: 9 });
    let reply = get(&bed, &token, "/user");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("7")));
    let reply = get(&bed, &token, "/user");
    assert_eq!((reply.status, reply.header("x-ratelimit-remaining")), (403, Some("0")));
    assert!(reply.header("x-ratelimit-reset").unwrap().parse::<u64>().unwrap() > 1_700_000_000);
    bed.hourly_limit(3);
    assert_eq!(get(&bed, &token, "/user").header("x-ratelimit-remaining"), Some("2"));
    get(&bed, &token, "/user");
    get(&bed, &token, "/user");
    assert_eq!(get(&bed, &token, "/user").status, 403);
}

#[test]
fn an_answer_may_break_on_the_way() {
    let (bed, token) = bed();
    let ask = || send(&bed, "GET", "/user", &[("authorization", &format!("Bearer {token}"))], None);
    bed.fault("GET /user", When::Nth(1), Fault::CutBody);
    bed.fault("GET /user", When::Nth(2), Fault::InvalidJson);
    bed.fault("GET /user", When::Nth(3), Fault::Disconnect);
    bed.fault("GET /user", When::Nth(4), Fault::StopListening);
    assert!(ask().is_err());
    assert!(serde_json::from_str::<serde_json::Value>(&ask().unwrap().text).is_err());
    assert!(ask().is_err());
    assert!(ask().is_err());
    let error = (0..100).find_map(|_| ask().err().filter(|error| error.kind() == std::io::ErrorKind::ConnectionRefused));
    assert!(error.is_some());
}

#[test]
fn an_answer_that_hangs_ends_with_the_bed() {
    let (bed, token) = bed();
    bed.fault("GET /user", When::Always, Fault::Hang);
    let address = bed.origin().trim_start_matches("http://").to_owned();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(
        &mut stream,
        format!("GET /user HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n").as_bytes(),
    )
    .unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(std::io::Read::read(&mut stream, &mut [0; 1]).is_err());
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    drop(bed);
    assert!(matches!(std::io::Read::read(&mut stream, &mut [0; 1]), Ok(0) | Err(_)));
}

#[test]
fn a_page_may_lack_what_the_count_promises() {
    let (bed, token) = bed();
    bed.fault("GET /orgs/acme/repos", When::Always, Fault::TruncatedPage { missing: 3 });
    let reply = get(&bed, &token, "/orgs/acme/repos?per_page=10");
    assert_eq!((reply.json().as_array().unwrap().len(), reply.next()), (7, None));
}

#[test]
fn a_write_may_happen_and_look_as_if_it_had_not() {
    let (bed, token) = bed();
    bed.fault("POST /repos/acme/r01/rulesets", When::Nth(1), Fault::WrittenThenStatus(502));
    let body = json!({ "name": "main", "enforcement": "active" });
    assert_eq!(request(&bed, &token, "POST", "/repos/acme/r01/rulesets", Some(&body)).status, 502);
    assert_eq!(get(&bed, &token, "/repos/acme/r01/rulesets").json()[0]["name"], "main");
}

#[test]
fn graphql_gives_up_on_what_is_too_big() {
    let (bed, token) = bed();
    bed.quirk(Quirk::GraphqlTooBig { over: 10 });
    assert_eq!((index(&bed, &token, 20).status, index(&bed, &token, 11).status, index(&bed, &token, 10).status), (502, 502, 200));
}

#[test]
fn graphql_may_answer_in_part() {
    let (bed, token) = bed();
    let fault = Fault::GraphqlError {
        kind: "INTERNAL",
        message: "Something went wrong",
        field: "Repository.branchProtectionRules",
        nth: 3,
    };
    bed.fault("POST /graphql", When::Always, fault);
    let reply = index(&bed, &token, 5).json();
    let nodes = reply["data"]["repositoryOwner"]["repositories"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.iter().map(serde_json::Value::is_null).collect::<Vec<_>>(), [false, false, true, false, false]);
    assert_eq!(reply["errors"][0]["type"], "INTERNAL");
    assert_eq!(reply["errors"][0]["path"], json!(["repositoryOwner", "repositories", "nodes", 2, "branchProtectionRules"]));
}

#[test]
fn a_token_may_end_and_a_clock_may_be_wrong() {
    let (bed, _) = bed();
    let token = bed.token().expires_after(2).create();
    let statuses: Vec<u16> = (0..3).map(|_| get(&bed, &token, "/user").status).collect();
    assert_eq!(statuses, [200, 200, 401]);
    let token = bed.token().create();
    let reset = |bed: &Bed| get(bed, &token, "/user").header("x-ratelimit-reset").unwrap().parse::<u64>().unwrap();
    let before = reset(&bed);
    bed.quirk(Quirk::ClockSkew { seconds: -7200 });
    assert_eq!(before - reset(&bed), 7200);
}

#[test]
fn redirects_lead_where_they_are_planned_to() {
    let (bed, token) = bed();
    bed.fault("GET /repos/acme/r01", When::Always, Fault::Redirect { status: 302, location: "/repos/acme/r02".to_owned() });
    let reply = get(&bed, &token, "/repos/acme/r01");
    assert_eq!(reply.status, 302);
    assert_eq!(get(&bed, &token, reply.header("location").unwrap()).json()["name"], "r02");
}
