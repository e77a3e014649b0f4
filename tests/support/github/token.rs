//! Who asks.

use std::collections::BTreeSet;

use super::permission::{Need, Permissions, Role};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenKind {
    /// A fine-grained personal access token.
    FineGrained,
    /// A classic personal access token: no permissions but scopes, and whatever its owner may do.
    Classic { scopes: Vec<String> },
    /// A token of an App's installation; `GITHUB_TOKEN` of a workflow is one too.
    Installation { installation: u64 },
    /// What an App signs itself, for as long as it takes to ask for an installation's token.
    App { slug: String },
}

/// A token, and what its owner may do.
#[derive(Debug, Clone)]
pub struct Token {
    pub value: String,
    pub kind: TokenKind,
    /// Whose token it is.
    pub login: String,
    /// What its owner may do, everywhere. An administrator owns the organizations too.
    pub role: Role,
    pub permissions: Permissions,
    /// Full names in lower case; `None`: all repositories.
    pub repositories: Option<BTreeSet<String>>,
    /// After so many requests it is no longer known: `Bad credentials`.
    pub expires_after: Option<u64>,
    /// Requests so far.
    pub used: u64,
}

impl Token {
    pub fn new(value: &str, login: &str) -> Self {
        Self {
            value: value.to_owned(),
            kind: TokenKind::FineGrained,
            login: login.to_owned(),
            role: Role::Admin,
            permissions: Permissions::everything(),
            repositories: None,
            expires_after: None,
            used: 0,
        }
    }

    /// Whether permissions decide, as opposed to what the owner may do.
    pub fn has_permissions(&self) -> bool {
        matches!(self.kind, TokenKind::FineGrained | TokenKind::Installation { .. })
    }

    pub fn allows(&self, need: Need) -> bool {
        !self.has_permissions() || self.permissions.allows(need)
    }

    /// An installation acts for itself: nobody's role bounds it.
    pub fn has_role(&self, role: Role) -> bool {
        matches!(self.kind, TokenKind::Installation { .. }) || self.role >= role
    }

    pub fn sees(&self, full_name: &str) -> bool {
        self.repositories.as_ref().is_none_or(|names| names.contains(&full_name.to_lowercase()))
    }

    /// What GitHub says to a token without the permission.
    pub fn refusal(&self) -> &'static str {
        match self.kind {
            TokenKind::Installation { .. } | TokenKind::App { .. } => "Resource not accessible by integration",
            _ => "Resource not accessible by personal access token",
        }
    }
}
