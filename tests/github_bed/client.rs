//! A client as plain as can be: one request over one connection, so that nothing of a library comes between bed and test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::github::Bed;

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }

    /// The address of the page that comes next, by the `Link` header.
    pub fn next(&self) -> Option<String> {
        let links = self.header("link")?;
        let next = links.split(", ").find(|link| link.ends_with("rel=\"next\""))?;
        Some(next.trim_start_matches('<').split_once('>')?.0.to_owned())
    }
}

/// One request. An error if the connection did not carry a whole answer.
pub fn send(bed: &Bed, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> std::io::Result<Reply> {
    let address = bed.origin().trim_start_matches("http://").to_owned();
    let path = path.strip_prefix(bed.origin()).unwrap_or(path);
    let mut stream = TcpStream::connect(&address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let body = body.map(|body| serde_json::to_vec(body).unwrap()).unwrap_or_default();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len())?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    stream.write_all(&body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let cut = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let (head, rest) = text.split_once("\r\n\r\n").ok_or_else(cut)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok()).ok_or_else(cut)?;
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let reply = Reply { status, headers, text: rest.to_owned() };
    let promised = reply.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    if reply.text.len() < promised && status != 304 { Err(cut()) } else { Ok(reply) }
}

pub fn request(bed: &Bed, token: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
    let path = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", bed.profile().rest_prefix()) };
    send(bed, method, &path, &[("authorization", &format!("Bearer {token}"))], body).unwrap()
}

pub fn get(bed: &Bed, token: &str, path: &str) -> Reply {
    request(bed, token, "GET", path, None)
}

/// The program's own queries: the index, the details.
pub const INDEX: &str = include_str!("../../src/github/graphql/index.graphql");
pub const DETAILS: &str = include_str!("../../src/github/graphql/details.graphql");

pub fn graphql(bed: &Bed, token: &str, query: &str, operation: &str, variables: Value) -> Reply {
    let body = json!({ "query": query, "operationName": operation, "variables": variables });
    let headers = [("authorization", &*format!("Bearer {token}"))];
    send(bed, "POST", bed.profile().graphql_path(), &headers, Some(&body)).unwrap()
}
