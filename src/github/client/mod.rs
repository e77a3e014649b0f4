//! Asking GitHub: one client, whose every answer is bytes, headers and a status that nothing has interpreted.
//!
//! octocrab carries the requests (`transport`); everything that an auditor must be able to rely on is here: which
//! host gets the token (`host`), what is asked again and when (`patience`), who waits (`gate`), what a page
//! sequence is worth (`pages`), and what of a GraphQL answer may be kept (`graphql`).
//!
//! Only reading is ever asked again. [`Client::write`] sends once.

mod answer;
mod clock;
mod credentials;
mod etags;
mod exchange;
mod gate;
mod graphql;
mod host;
mod meter;
mod pages;
mod path;
mod patience;
mod refused;
mod single_flight;
mod token;
mod tokens;
mod transport;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::Value;

use crate::github::cost::{Class, Cost};

pub use answer::Answer;
pub use clock::{Clock, Monotonic};
pub use credentials::{App, Credentials, NoCredentials};
pub use graphql::Query;
pub use host::{BadHost, Host};
pub use pages::Pages;
pub use path::Path;
pub use refused::Refused;
pub use single_flight::SingleFlight;
pub use token::Token;

use exchange::{Ask, Repeat};
use patience::Budget;
use tokens::Who;

/// How patiently and how fast GitHub is asked.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many requests are under way at most; GitHub allows 100.
    pub in_flight: usize,
    /// How long limits may stop the run, altogether.
    pub max_wait: Duration,
    /// How often a request is sent at most.
    pub attempts: u32,
    /// How long one answer may take.
    pub timeout: Duration,
    /// The largest answer, in bytes.
    pub largest_body: usize,
    /// How many requests a minute GitHub bears of REST and of GraphQL each; `None` for a host without limits.
    pub points_a_minute: Option<usize>,
    /// Where answers are kept that may not have changed next time.
    pub cache: Option<PathBuf>,
    /// The clock that waiting is measured by.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            in_flight: 32,
            max_wait: Duration::from_secs(600),
            attempts: 5,
            timeout: Duration::from_secs(60),
            largest_body: 64 << 20,
            points_a_minute: Some(900),
            cache: None,
            clock: Arc::new(Monotonic::start()),
        }
    }
}

/// GitHub, as one token or app sees it. Clones share everything.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    host: Host,
    credentials: Credentials,
    options: Options,
    transport: transport::Transport,
    tokens: tokens::Tokens,
    gate: gate::Gate,
    meter: meter::Meter,
    etags: Option<etags::Etags>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Inner { host, credentials, .. } = &*self.inner;
        f.debug_struct("Client").field("host", host).field("credentials", credentials).finish_non_exhaustive()
    }
}

impl Client {
    /// Prepares to ask. Nothing is sent yet. Must be called within tokio.
    ///
    /// # Errors
    /// The app's key is none, the cache's folder can't be used, or this computer has no certificates.
    pub fn new(host: Host, credentials: Credentials, options: Options) -> Result<Client, Refused> {
        let app = match &credentials {
            Credentials::App(app) => Some((app.id, app.key.as_slice())),
            Credentials::Token(_) => None,
        };
        let transport = transport::Transport::new(&host, app, options.timeout, options.largest_body)
            .map_err(|why| Refused::failed(format!("`{host}`"), why))?;
        let etags = match &options.cache {
            None => None,
            Some(folder) => Some(
                etags::Etags::open(folder)
                    .map_err(|error| Refused::failed(format!("cache `{}`", folder.display()), error.to_string()))?,
            ),
        };
        let gate = gate::Gate::new(options.in_flight, options.max_wait, options.points_a_minute, Arc::clone(&options.clock));
        let (tokens, meter) = (tokens::Tokens::default(), meter::Meter::new());
        Ok(Client { inner: Arc::new(Inner { host, credentials, options, transport, tokens, gate, meter, etags }) })
    }

    /// Where it asks.
    pub fn host(&self) -> &Host {
        &self.inner.host
    }

    /// Whether an app asks: it then may do the same in all repositories of an owner, and has no role in any.
    pub fn is_app(&self) -> bool {
        match &self.inner.credentials {
            Credentials::App(_) => true,
            Credentials::Token(token) => token.is_of_installation(),
        }
    }

    /// What the run cost until now.
    pub fn cost(&self) -> Cost {
        Cost { waited: self.inner.gate.waited(), ..self.inner.meter.read() }
    }

    /// Reads one thing. Redirects on this host are followed.
    ///
    /// # Errors
    /// There was no answer, or it was no success.
    pub async fn get(&self, path: &Path, class: Class) -> Result<Answer, Refused> {
        self.exchange(Method::GET, path.as_str(), None, Who::For(path.owner()), class).await
    }

    /// Reads one thing that is JSON.
    ///
    /// # Errors
    /// As for [`Client::get`], or it was no JSON.
    pub async fn get_json(&self, path: &Path, class: Class) -> Result<Value, Refused> {
        let answer = self.get(path, class).await?;
        answer
            .json()
            .map_err(|error| Refused::failed(format!("GET {}", path.as_str()), format!("the answer is no JSON: {error}")))
    }

    /// Changes something. It is sent once: what failed on the way may have happened nevertheless.
    ///
    /// # Errors
    /// There was no answer, or it was no success.
    pub async fn write(&self, change: Change, path: &Path, body: Option<&Value>) -> Result<Answer, Refused> {
        let method = match change {
            Change::Post => Method::POST,
            Change::Put => Method::PUT,
            Change::Patch => Method::PATCH,
            Change::Delete => Method::DELETE,
        };
        self.exchange(method, path.as_str(), body.map(Value::to_string), Who::For(path.owner()), Class::Write).await
    }

    /// Waits, by the client's clock.
    pub async fn pause(&self, time: Duration) {
        self.inner.options.clock.sleep(time).await;
    }

    /// Sends a request to a REST path and takes no answer but a success.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        who: Who<'_>,
        class: Class,
    ) -> Result<Answer, Refused> {
        let repeat = if method == Method::GET { Repeat::Always } else { Repeat::Never };
        let path = self.inner.host.rest(path);
        self.ask(Ask { method, path, body, who, class, budget: Budget::Rest, repeat }).await
    }
}

/// How something is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}
