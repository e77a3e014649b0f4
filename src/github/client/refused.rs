//! Why a request got no answer that can be used.

use std::fmt;

use serde_json::Value;

use crate::github::readable::{Cause, Hidden};

use super::answer::Answer;

/// A request that failed: which one, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// `GET /repos/acme/api/keys`.
    pub request: String,
    /// GitHub's status, when it answered.
    pub status: Option<u16>,
    /// What kind of reason it is.
    pub cause: Cause,
    /// GitHub's words, or what went wrong on the way.
    pub message: String,
    /// The permission that the answer asked for.
    pub permission: Option<String>,
    /// What to do next.
    pub help: Option<String>,
}

impl Refused {
    /// A request that got no answer.
    pub(super) fn failed(request: impl Into<String>, message: impl Into<String>) -> Refused {
        Refused {
            request: request.into(),
            status: None,
            cause: Cause::Failed,
            message: message.into(),
            permission: None,
            help: None,
        }
    }

    /// Adds advice.
    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Refused {
        self.help = Some(help.into());
        self
    }

    /// What an answer that is no success says.
    pub(super) fn answered(request: &str, answer: &Answer) -> Refused {
        let message = answer
            .json()
            .ok()
            .and_then(|json| json.get("message").and_then(Value::as_str).map(str::to_owned))
            .unwrap_or_else(|| "the answer does not say why".to_owned());
        let lower = message.to_lowercase();
        let (cause, help) = match answer.status {
            401 => (
                Cause::NotPermitted,
                Some("the token is wrong, expired or revoked: make another one and put it into GITHUB_TOKEN".to_owned()),
            ),
            403 if lower.contains("upgrade to") => (Cause::NotOffered, Some("the owner's plan does not have it".to_owned())),
            403 if lower.contains("saml") || answer.header("x-github-sso").is_some() => (
                Cause::NotPermitted,
                Some("authorize the token for the organization's single sign-on, on the page that lists your tokens".to_owned()),
            ),
            403 | 404 => (Cause::NotPermitted, None),
            _ => (Cause::Failed, None),
        };
        Refused {
            request: request.to_owned(),
            status: Some(answer.status),
            cause,
            message,
            permission: answer.header("x-accepted-github-permissions").map(str::to_owned).filter(|text| !text.is_empty()),
            help,
        }
    }

    /// Names the permission it takes, where GitHub did not.
    #[must_use]
    pub fn needs(mut self, permission: &str) -> Refused {
        if self.cause == Cause::NotPermitted && self.permission.is_none() {
            self.permission = Some(permission.to_owned());
        }
        self
    }

    /// Whether GitHub answered with this status.
    pub fn is(&self, status: u16) -> bool {
        self.status == Some(status)
    }

    /// Whether GitHub answered that it did not do it. Without an answer, or with one of a server in trouble, it may have.
    pub fn is_certain(&self) -> bool {
        match self.status {
            // GraphQL answers so when it refuses.
            Some(200) => self.cause == Cause::NotPermitted,
            Some(status) => (300..500).contains(&status) && status != 408,
            None => false,
        }
    }

    /// Whether one of GitHub's limits was in the way. The client waits before it asks again.
    pub fn is_limit(&self) -> bool {
        let message = self.message.to_lowercase();
        self.status == Some(429) || (self.status == Some(403) && (message.contains("rate limit") || message.contains("abuse")))
    }

    /// Whether the request asked for too much at once: a smaller one may be answered.
    pub fn is_too_heavy(&self) -> bool {
        match self.status {
            None => self.cause == Cause::Failed && self.message.contains("took longer"),
            Some(status) => matches!(status, 502 | 504) || self.message.contains(TOO_HEAVY),
        }
    }
}

/// How a GraphQL query is named that GitHub gave up on.
pub(super) const TOO_HEAVY: &str = "asked for too much at once";

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.request)?;
        if let Some(status) = self.status {
            write!(f, "{status} ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

impl From<&Refused> for Hidden {
    fn from(refused: &Refused) -> Hidden {
        Hidden { cause: refused.cause, why: refused.to_string(), permission: refused.permission.clone() }
    }
}

impl From<Refused> for Hidden {
    fn from(refused: Refused) -> Hidden {
        Hidden::from(&refused)
    }
}
