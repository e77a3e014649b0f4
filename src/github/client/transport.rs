//! One request, one answer, over octocrab: TLS, connections, timeouts and the `Authorization` header are its work.
//!
//! Nothing else of octocrab is used, and nothing here asks twice. Requests have paths, never addresses: octocrab then
//! joins them to the one origin it was built with, and its token can go nowhere else.

use std::time::Duration;

use http::{Method, Request, header};
use http_body_util::{BodyExt, Limited};
use octocrab::Octocrab;
use octocrab::models::AppId;

use super::answer::Answer;
use super::host::Host;
use super::token::Token;

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    /// Path and query, with whatever the host puts before them.
    pub(super) path: String,
    pub(super) body: Option<String>,
    /// What the answer must differ from to be sent at all.
    pub(super) etag: Option<String>,
}

/// How a request is authenticated.
#[derive(Debug, Clone, Copy)]
pub(super) enum As<'a> {
    /// By a token.
    Token(&'a Token),
    /// As the app itself, by its key.
    App,
    /// Not at all.
    Nobody,
}

/// No answer came, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) why: String,
    /// Whether asking again may help.
    pub(super) again: bool,
}

/// The way to one host.
pub(super) struct Transport {
    anonymous: Octocrab,
    app: Option<Octocrab>,
    timeout: Duration,
    largest_body: usize,
}

/// How GitHub's media type is asked for.
pub(super) const ACCEPT: &str = "application/vnd.github+json";

impl Transport {
    /// Prepares the way. Must be called within tokio.
    pub(super) fn new(
        host: &Host,
        app: Option<(u64, &[u8])>,
        timeout: Duration,
        largest_body: usize,
    ) -> Result<Transport, String> {
        let builder = || {
            Octocrab::builder()
                .set_connect_timeout(Some(timeout.min(Duration::from_secs(20))))
                .base_uri(host.origin())
                .map_err(|error| innermost(&error))
        };
        let anonymous = builder()?.build().map_err(|error| innermost(&error))?;
        let app = app
            .map(|(id, key)| {
                let builder = builder()?.app_from_rsa_pem(AppId(id), key);
                builder.and_then(|builder| builder.build()).map_err(|error| innermost(&error))
            })
            .transpose()?;
        Ok(Transport { anonymous, app, timeout, largest_body })
    }

    /// Sends a request once.
    pub(super) async fn send(&self, by: As<'_>, outgoing: &Outgoing) -> Result<Answer, Broken> {
        let octocrab = match (by, &self.app) {
            (As::Token(token), _) => {
                self.anonymous.user_access_token(token.expose()).map_err(|error| Broken::for_good(&error))?
            }
            (As::App, Some(app)) => app.clone(),
            (As::App, None) | (As::Nobody, _) => self.anonymous.clone(),
        };
        let request = outgoing.request().map_err(|error| Broken::for_good(&error))?;
        match tokio::time::timeout(self.timeout, self.exchange(&octocrab, request)).await {
            Ok(result) => result,
            Err(_) => {
                Err(Broken { why: format!("the answer took longer than {} seconds", self.timeout.as_secs_f64()), again: true })
            }
        }
    }

    async fn exchange(&self, octocrab: &Octocrab, request: Request<String>) -> Result<Answer, Broken> {
        let response = octocrab.execute(request).await.map_err(|error| Broken { why: innermost(&error), again: true })?;
        let (parts, body) = response.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = match Limited::new(body, self.largest_body).collect().await {
            Ok(body) => body.to_bytes().to_vec(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Err(Broken { why: format!("the answer is larger than {} bytes", self.largest_body), again: false });
            }
            Err(error) => {
                return Err(Broken { why: format!("the answer was cut short: {}", innermost(error.as_ref())), again: true });
            }
        };
        Ok(Answer { status: parts.status.as_u16(), headers, body, moved_to: None })
    }
}

impl Outgoing {
    fn request(&self) -> Result<Request<String>, http::Error> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.path.as_str())
            .header(header::ACCEPT, ACCEPT)
            .header("x-github-api-version", "2022-11-28");
        if let Some(etag) = &self.etag {
            request = request.header(header::IF_NONE_MATCH, etag.as_str());
        }
        if self.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(self.body.clone().unwrap_or_default())
    }
}

impl Broken {
    fn for_good(error: &(dyn std::error::Error + 'static)) -> Broken {
        Broken { why: innermost(error), again: false }
    }
}

/// The reason itself: octocrab's own words carry backtraces.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
