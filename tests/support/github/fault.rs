//! What GitHub is known to do beside its description, and what networks do: each with a name, each to be switched on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

/// How this GitHub behaves throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// GraphQL answers 502 when more than so many repositories are asked for at once: GitHub gives up after ten seconds, and what
    /// fits into them is for the client to find out. <https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#timeouts>
    GraphqlTooBig { over: usize },
    /// Where classic protection may not be seen, GraphQL says so; otherwise it looks as if there were none.
    GraphqlForbidsProtections,
    /// GraphQL is refused, as behind some proxies of Enterprise Server.
    GraphqlRefused,
    /// Whatever `per_page` says, 30 items come. <https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>
    IgnoresPerPage,
    /// No ruleset shows its `bypass_actors`, whoever asks.
    /// <https://docs.github.com/en/rest/repos/rules#get-a-repository-ruleset>
    HidesBypassActors,
    /// `PUT` of a ruleset answers 200 and keeps the bypass actors it had.
    /// <https://github.com/integrations/terraform-provider-github/issues/2780>
    KeepsOldBypassActors,
    /// `PUT` of classic protection leaves `required_signatures` as it was. GitHub does not say; without this quirk they are off
    /// afterwards, which is worse.
    PutKeepsSignatures,
    /// A server from before there were rulesets: their endpoints are 404, and GraphQL shows none.
    WithoutRulesets,
    /// No answer is ever the same as before: a fresh installation token gets no 304.
    /// <https://github.com/eclipse-csi/otterdog/issues/201>
    EtagAlwaysNew,
    /// Answers come without an `ETag`.
    WithoutEtag,
    /// This machine's clock is that many seconds ahead of the client's, or behind it: `Date` and the reset of limits say so.
    ClockSkew { seconds: i64 },
    /// Headers that say how many requests are left do not come, as on an Enterprise Server that has no limits.
    /// <https://docs.github.com/en/enterprise-server/rest/using-the-rest-api/rate-limits-for-the-rest-api>
    WithoutRateLimit,
}

/// What happens to one request.
#[derive(Clone)]
pub enum Fault {
    /// A status, and the page that a proxy sends with it.
    Status(u16),
    /// The same after the request was carried out. <https://github.com/cli/cli/issues/7167>
    WrittenThenStatus(u16),
    /// 403 or 429 with `Retry-After`, or without, where GitHub asks to wait a minute.
    /// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>
    SecondaryLimit { status: u16, retry_after: Option<u64> },
    /// 403 with nothing left until so many seconds from now.
    PrimaryLimit { reset_in: u64 },
    /// 401 `Bad credentials`.
    BadCredentials,
    /// `Content-Length` promises more than comes.
    CutBody,
    /// The body ends in the middle and its length says so: valid HTTP, no JSON.
    InvalidJson,
    /// The answer takes that long.
    Slow(Duration),
    /// No answer, until somebody gives up.
    Hang,
    /// The connection is closed instead of an answer.
    Disconnect,
    /// The same, and nobody can connect from then on.
    StopListening,
    /// A page with that many items fewer than there are, and no `Link`.
    TruncatedPage { missing: usize },
    /// Sent elsewhere on the same host (301, 302, 307 or 308).
    Redirect { status: u16, location: String },
    /// GraphQL answers what it can, and says that a field failed: `Repository.branchProtectionRules`, the nth time it is looked up in a
    /// query. Its nearest nullable parent is null. <https://spec.graphql.org/October2021/#sec-Handling-Field-Errors>
    GraphqlError { kind: &'static str, message: &'static str, field: &'static str, nth: u64 },
    /// The answer is changed before it is looked at: what a bed that lies would do.
    Tamper(Tamper),
}

/// How an answer is changed.
#[derive(Clone)]
pub struct Tamper(pub Arc<dyn Fn(&mut Value) + Send + Sync>);

/// Which of the requests that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Always,
    /// The first so many.
    First(u64),
    /// Only that one, from 1.
    Nth(u64),
    /// All but the first so many.
    After(u64),
}

/// A fault that waits for its request.
#[derive(Debug, Clone)]
pub struct Planned {
    /// `GET /repos/acme/*/rulesets`, `* /orgs/acme/*` or `POST /graphql`: here a star is anything.
    pub on: String,
    pub when: When,
    pub fault: Fault,
    pub seen: u64,
}

impl Planned {
    /// Counts a request that matches, and says whether it is its turn.
    pub fn strikes(&mut self, method: &str, path: &str) -> bool {
        if !anything(&self.on, &format!("{method} {path}")) {
            return false;
        }
        self.seen += 1;
        match self.when {
            When::Always => true,
            When::First(count) => self.seen <= count,
            When::Nth(which) => self.seen == which,
            When::After(count) => self.seen > count,
        }
    }
}

/// A star is anything, slashes too.
fn anything(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, rest)) => text.strip_prefix(before).is_some_and(|text| {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| anything(rest, &text[at..]))
        }),
    }
}

impl fmt::Debug for Tamper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tamper")
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::WrittenThenStatus(status) => write!(f, "status {status} after the write"),
            Self::SecondaryLimit { status, .. } => write!(f, "secondary limit ({status})"),
            Self::PrimaryLimit { .. } => f.write_str("primary limit"),
            Self::BadCredentials => f.write_str("bad credentials"),
            Self::CutBody => f.write_str("cut body"),
            Self::InvalidJson => f.write_str("invalid JSON"),
            Self::Slow(_) => f.write_str("slow"),
            Self::Hang => f.write_str("hang"),
            Self::Disconnect => f.write_str("disconnect"),
            Self::StopListening => f.write_str("stop listening"),
            Self::TruncatedPage { .. } => f.write_str("truncated page"),
            Self::Redirect { status, .. } => write!(f, "redirect ({status})"),
            Self::GraphqlError { field, .. } => write!(f, "GraphQL error of {field}"),
            Self::Tamper(_) => f.write_str("tampered"),
        }
    }
}
