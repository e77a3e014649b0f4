//! Which GitHub the bed is: github.com, Enterprise Cloud, or a release of Enterprise Server.

use std::sync::OnceLock;

use super::openapi::Document;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dotcom,
    /// GitHub Enterprise Cloud: also at a ghe.com address, with the same API as github.com and more.
    EnterpriseCloud,
    Ghes317,
    Ghes318,
    Ghes319,
}

impl Profile {
    pub const ALL: [Self; 5] = [Self::Dotcom, Self::EnterpriseCloud, Self::Ghes317, Self::Ghes318, Self::Ghes319];

    /// The name of its document below `fixtures/github-api/openapi`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dotcom => "github.com",
            Self::EnterpriseCloud => "ghec",
            Self::Ghes317 => "ghes-3.17",
            Self::Ghes318 => "ghes-3.18",
            Self::Ghes319 => "ghes-3.19",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// What Enterprise Server says in `X-GitHub-Enterprise-Version`; the others say nothing.
    pub fn server_version(self) -> Option<&'static str> {
        match self {
            Self::Dotcom | Self::EnterpriseCloud => None,
            Self::Ghes317 => Some("3.17.4"),
            Self::Ghes318 => Some("3.18.1"),
            Self::Ghes319 => Some("3.19.0"),
        }
    }

    pub fn is_server(self) -> bool {
        self.server_version().is_some()
    }

    /// What an organization pays for.
    pub fn plan(self) -> &'static str {
        if self == Self::Dotcom { "team" } else { "enterprise" }
    }

    /// What stands between the host and a REST path.
    pub fn rest_prefix(self) -> &'static str {
        if self.is_server() { "/api/v3" } else { "" }
    }

    /// `/api/v3/graphql` does not exist: <https://github.com/mislav/hub/issues/2287>
    pub fn graphql_path(self) -> &'static str {
        if self.is_server() { "/api/graphql" } else { "/graphql" }
    }

    /// The published description, read once for all beds of a process.
    pub fn document(self) -> &'static Document {
        static DOCUMENTS: [OnceLock<Document>; 5] = [const { OnceLock::new() }; 5];
        DOCUMENTS[self as usize].get_or_init(|| Document::read(self.name(), self.published()))
    }

    fn published(self) -> &'static str {
        match self {
            Self::Dotcom => include_str!("../../../fixtures/github-api/openapi/github.com.json"),
            Self::EnterpriseCloud => include_str!("../../../fixtures/github-api/openapi/ghec.json"),
            Self::Ghes317 => include_str!("../../../fixtures/github-api/openapi/ghes-3.17.json"),
            Self::Ghes318 => include_str!("../../../fixtures/github-api/openapi/ghes-3.18.json"),
            Self::Ghes319 => include_str!("../../../fixtures/github-api/openapi/ghes-3.19.json"),
        }
    }
}
