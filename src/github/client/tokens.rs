//! The token of a request: the one that was given, or the one that an app gets for the installation of an owner.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::github::cost::Class;
use crate::github::readable::Cause;

use super::Client;
use super::credentials::{App, Credentials};
use super::path::Path;
use super::refused::Refused;
use super::token::Token;
use super::transport::As;

/// The tokens of a run.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// By owner in lower case. A lock for each, so that many who need one ask for it once.
    installations: std::sync::Mutex<HashMap<String, Arc<Mutex<Installation>>>>,
}

/// An app's installation on an owner.
#[derive(Debug, Default)]
struct Installation {
    id: Option<u64>,
    token: Option<Installed>,
    /// `all` or `selected`: which repositories it was given.
    selection: Option<String>,
}

/// A token of an installation.
#[derive(Debug, Clone)]
struct Installed {
    token: Token,
    /// On the client's clock; a minute before GitHub's own time.
    good_until: Duration,
    selection: Option<String>,
}

/// How long before its end a token is replaced: a request may take a while to be sent.
const MARGIN: i64 = 60;

impl Client {
    /// The token for what belongs to this owner. `spent` is one that GitHub no longer takes.
    ///
    /// Boxed: getting one is itself a request, which has no end for a compiler.
    pub(super) fn token<'a>(&'a self, owner: Option<&'a str>, spent: Option<&'a Token>) -> BoxFuture<'a, Result<Token, Refused>> {
        self.find_token(owner, spent).boxed()
    }

    async fn find_token(&self, owner: Option<&str>, spent: Option<&Token>) -> Result<Token, Refused> {
        let app = match &self.inner.credentials {
            Credentials::Token(token) => return Ok(token.clone()),
            Credentials::App(app) => app,
        };
        let cell = self.installed(app, owner);
        let mut installation = cell.lock().await;
        if let Some(installed) = installation.token.as_ref()
            && installed.good_until > self.inner.options.clock.now()
            && spent != Some(&installed.token)
        {
            return Ok(installed.token.clone());
        }
        let id = match installation.id {
            Some(id) => id,
            None => *installation.id.insert(self.installation(app, owner).await?),
        };
        let fresh = self.install(id).await?;
        let token = fresh.token.clone();
        installation.selection.clone_from(&fresh.selection);
        installation.token = Some(fresh);
        Ok(token)
    }

    /// Which repositories of an owner an installation was given, `all` or `selected`; `None` for whoever has none.
    pub async fn repository_selection(&self, owner: &str) -> Option<String> {
        match &self.inner.credentials {
            Credentials::App(app) => {
                self.token(Some(owner), None).await.ok()?;
                self.installed(app, Some(owner)).lock().await.selection.clone()
            }
            Credentials::Token(token) if token.is_of_installation() => {
                let path = Path::of(&["installation", "repositories"]).owned_by(owner).query("per_page", "1");
                let json = self.get_json(&path, Class::Owner).await.ok()?;
                json.get("repository_selection").and_then(Value::as_str).map(str::to_owned)
            }
            Credentials::Token(_) => None,
        }
    }

    /// Whether it may do the same in every repository of an owner, the public ones included, which everybody sees. Of a fine-grained
    /// token nobody tells whether it was given all of them.
    pub async fn is_for_every_repository(&self, owner: &str) -> bool {
        match &self.inner.credentials {
            Credentials::Token(token) if token.is_fine_grained() => false,
            Credentials::Token(token) if !token.is_of_installation() => true,
            _ => self.repository_selection(owner).await.as_deref() == Some("all"),
        }
    }

    fn installed(&self, app: &App, owner: Option<&str>) -> Arc<Mutex<Installation>> {
        let key = if app.installation.is_some() { String::new() } else { owner.unwrap_or_default().to_ascii_lowercase() };
        let mut cells = self.inner.tokens.installations.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(cells.entry(key).or_default())
    }

    /// What stands for whoever asks where caches must be kept apart.
    pub(super) fn identity(&self, owner: Option<&str>) -> String {
        match &self.inner.credentials {
            Credentials::Token(token) => token.identity(),
            Credentials::App(app) => format!("app {} {:?} {owner:?}", app.id, app.installation),
        }
    }

    async fn installation(&self, app: &App, owner: Option<&str>) -> Result<u64, Refused> {
        match (app.installation, owner) {
            (Some(id), _) => Ok(id),
            (None, Some(owner)) => self.installation_of(owner).await,
            (None, None) => Err(Refused::failed("app", "a request that belongs to no owner needs an installation")
                .help("name the installation of the app")),
        }
    }

    async fn install(&self, id: u64) -> Result<Installed, Refused> {
        let path = Path::of(&["app", "installations", &id.to_string(), "access_tokens"]);
        let request = format!("POST {}", path.as_str());
        let answer = self.exchange(Method::POST, path.as_str(), Some("{}".to_owned()), Who::App, Class::Token).await?;
        let json = answer.json().map_err(|_| Refused::failed(&request, "the answer is no JSON"))?;
        let token = json.get("token").and_then(Value::as_str).and_then(|token| Token::new(token).ok());
        let token = token.ok_or_else(|| Refused::failed(&request, "the answer has no token"))?;
        let expires = json.get("expires_at").and_then(Value::as_str).and_then(|time| time.parse::<jiff::Timestamp>().ok());
        let there = answer.server_time().unwrap_or_else(jiff::Timestamp::now);
        // Without a time it is good for as long as GitHub documents: an hour.
        let seconds = expires.map_or(3600, |expires| expires.as_second() - there.as_second()) - MARGIN;
        let good_for = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        let selection = json.get("repository_selection").and_then(Value::as_str).map(str::to_owned);
        Ok(Installed { token, good_until: self.inner.options.clock.now() + good_for, selection })
    }

    /// Organizations and users have different addresses.
    async fn installation_of(&self, owner: &str) -> Result<u64, Refused> {
        let mut refused = None;
        for kind in ["orgs", "users"] {
            let path = Path::of(&[kind, owner, "installation"]);
            match self.exchange(Method::GET, path.as_str(), None, Who::App, Class::Token).await {
                Ok(answer) => {
                    let id = answer.json().ok().and_then(|json| json.get("id").and_then(Value::as_u64));
                    return id.ok_or_else(|| Refused::failed(format!("GET {}", path.as_str()), "the answer has no number"));
                }
                Err(error) if error.is(404) => refused = Some(error),
                Err(error) => return Err(error),
            }
        }
        let mut refused = refused.unwrap_or_else(|| Refused::failed("app", "not installed"));
        refused.cause = Cause::NotPermitted;
        refused.message = format!("the app is not installed on `{owner}`");
        Err(refused.help(format!("install the app on `{owner}`, or use a token")))
    }
}

/// Whom a request is sent as.
#[derive(Debug, Clone, Copy)]
pub(super) enum Who<'a> {
    /// Whoever may see what belongs to this owner.
    For(Option<&'a str>),
    /// The app itself.
    App,
}

impl Who<'_> {
    /// Borrows what the transport takes.
    pub(super) fn by<'t>(&self, token: Option<&'t Token>) -> As<'t> {
        match (self, token) {
            (Who::App, _) => As::App,
            (Who::For(_), Some(token)) => As::Token(token),
            (Who::For(_), None) => As::Nobody,
        }
    }
}
