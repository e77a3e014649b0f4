//! The policy: what one TOML file says, read once and then only asked.
//!
//! [`parse`] makes a [`Policy`] of a text or says everything that is wrong with it; [`lint`] says what is right but
//! binds less than it looks. This file holds the values and what they match, all pure.

pub mod actors;
pub mod entry;
pub mod github;
pub mod guard;
pub mod lint;
pub mod parse;
pub mod problem;
pub mod scope;

use std::collections::BTreeMap;

use crate::git::pattern::PatternSet;
use crate::rules::{Rule, Target};

pub use actors::{ActorPattern, Actors, Bypass, BypassMode, Group};
pub use problem::{Location, Problem};
pub use scope::{DefaultBranch, RefScope, RepositoryScope};

/// A policy that loaded: nothing in it is unknown, ambiguous or unreadable.
#[derive(Debug)]
pub struct Policy {
    /// The file's name, as it is shown.
    pub file: String,
    /// SHA-256 of the file's bytes, as `sha256:` and hex.
    pub digest: String,
    /// `version`, always 1.
    pub version: u32,
    /// `[groups]`, by name.
    pub groups: BTreeMap<String, Group>,
    /// `[server]`.
    pub server: Server,
    /// `[[ruleset]]`, in order.
    pub rulesets: Vec<Ruleset>,
    /// `[github]`.
    pub github: Option<github::Github>,
    /// `[[exempt]]`, in order.
    pub exempt: Vec<github::Exempt>,
    /// `[signers]`, read but not used yet.
    pub signers: Option<toml::Table>,
    /// `[[case]]`, read but not used yet.
    pub cases: Vec<toml::Table>,
}

/// How the hook runs on a git server.
#[derive(Debug)]
pub struct Server {
    /// Where the pusher's name comes from. A hook refuses to work without it.
    pub identity: Option<Identity>,
    /// The refs that may be pushed at all, matched byte for byte.
    pub allowed_refs: PatternSet,
    /// Where `allowed_refs` stands; line 0 when it is the default, which no line of the policy states.
    pub allowed_refs_at: Location,
    /// Where decisions are logged.
    pub decision_log: DecisionLogSettings,
    /// Where repository names start.
    pub root: Option<String>,
    /// What a push may cost.
    pub budget: Budget,
    /// Who may fill a repository that has no refs yet, by exact name.
    pub import: Vec<String>,
    /// Who may change a policy that lives in a ref, by exact name.
    pub policy_owners: Vec<String>,
}

/// `[server] decision_log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionLogSettings {
    /// Relative to the git directory, or absolute.
    pub path: String,
    /// A file that would grow over this many bytes is rotated.
    pub rotate: Option<u64>,
    /// How many rotated files are kept; 0 keeps all.
    pub keep: u32,
}

impl Default for DecisionLogSettings {
    fn default() -> Self {
        DecisionLogSettings { path: "refwarden/decisions.jsonl".to_owned(), rotate: Some(64 << 20), keep: 0 }
    }
}

/// `[server] budget`: over it a push is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Time for judging.
    pub time: std::time::Duration,
    /// Commits read.
    pub commits: u64,
    /// Paths visited.
    pub paths: u64,
    /// Bytes of blobs read.
    pub blob_bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { time: std::time::Duration::from_secs(30), commits: 200_000, paths: 5_000_000, blob_bytes: 2 << 30 }
    }
}

/// Which server sets the pusher's name, and so where it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// `GL_USER`.
    Gitolite,
    /// `GITEA_PUSHER_NAME`.
    Gitea,
    /// `GITEA_PUSHER_NAME`, too.
    Forgejo,
    /// `GL_USERNAME`, else `GL_ID`.
    Gitlab,
    /// `GITHUB_USER_LOGIN`, else the key's fingerprint.
    Ghes,
    /// `BB_USER_NAME`.
    Bitbucket,
    /// `REMOTE_USER`.
    Http,
    /// `REFWARDEN_ACTOR`.
    Ssh,
    /// `GIT_PUSH_CERT_KEY` of a good certificate.
    PushCert,
    /// Variables that the administrator names.
    Env {
        /// Holds the pusher's name.
        env: String,
        /// Holds the repository's name; its path when there is none.
        repository_env: Option<String>,
    },
}

impl Identity {
    /// Whether a repository is named by its path, since no host says its name.
    pub fn names_by_path(&self) -> bool {
        matches!(self, Identity::Http | Identity::Ssh | Identity::PushCert | Identity::Env { repository_env: None, .. })
    }

    /// The words that `identity` takes, besides `{ env = "NAME" }`.
    pub const WORDS: &[(&str, Identity)] = &[
        ("gitolite", Identity::Gitolite),
        ("gitea", Identity::Gitea),
        ("forgejo", Identity::Forgejo),
        ("gitlab", Identity::Gitlab),
        ("ghes", Identity::Ghes),
        ("bitbucket", Identity::Bitbucket),
        ("http", Identity::Http),
        ("ssh", Identity::Ssh),
        ("push-cert", Identity::PushCert),
    ];

    /// The policy's word.
    pub fn word(&self) -> &'static str {
        Identity::WORDS.iter().find(|(_, identity)| identity == self).map_or("env", |(word, _)| word)
    }

    /// How the runs of the host's own CI are named, if they have names that no account can have: names of accounts on Gitea
    /// and Forgejo hold letters, digits, `-`, `_` and `.`, and no `:`.
    pub fn ci_runs(&self) -> Option<&'static str> {
        matches!(self, Identity::Gitea | Identity::Forgejo).then_some(actors::CI_RUNS)
    }

    /// Whether the host marks the push by which it merges a pull request. The mark says who merged, not that anybody approved.
    pub fn marks_merges(&self) -> bool {
        matches!(self, Identity::Gitea | Identity::Forgejo | Identity::Ghes)
    }
}

/// Whether a ruleset refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// It refuses.
    Active,
    /// It reports and never refuses.
    Evaluate,
    /// It is not looked at.
    Disabled,
}

impl Enforcement {
    /// The policy's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Enforcement::Active => "active",
            Enforcement::Evaluate => "evaluate",
            Enforcement::Disabled => "disabled",
        }
    }
}

/// A rule as a ruleset configures it.
#[derive(Debug)]
pub struct ConfiguredRule {
    /// The rule with its settings.
    pub rule: Box<dyn Rule>,
    /// The parameters that the policy writes; the others have their defaults.
    pub stated: Vec<String>,
    /// Where it stands in the policy.
    pub at: Location,
}

/// `[[ruleset]]`.
#[derive(Debug)]
pub struct Ruleset {
    /// Unique; named in every refusal.
    pub name: String,
    /// What it is called on GitHub, where that is not `name`.
    pub github_name: Option<String>,
    /// What it is about.
    pub target: Target,
    /// The refs it matches; every ref for a push ruleset.
    pub refs: RefScope,
    /// The repositories it is for.
    pub repositories: RepositoryScope,
    /// Whether it refuses.
    pub enforcement: Enforcement,
    /// Whose pushes it judges.
    pub actors: Actors,
    /// Who passes it.
    pub bypass: Vec<Bypass>,
    /// Whether the default branch hides commits here although the ruleset does not cover it.
    pub trust_default_branch: bool,
    /// Its rules, in the order of the file; a rule with several parameter sets stands here several times.
    pub rules: Vec<ConfiguredRule>,
    /// Where it stands in the policy.
    pub at: Location,
}

impl Ruleset {
    /// The rules that a git server binds.
    pub fn binding_rules(&self) -> impl Iterator<Item = &ConfiguredRule> {
        self.rules.iter().filter(|configured| configured.rule.info().not_on_a_server.is_none())
    }

    /// Whether a rule asks which commits enter, or what they touch.
    pub fn asks_about_commits(&self) -> bool {
        self.binding_rules().any(|configured| configured.rule.asks_about_commits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique() {
        let mut words: Vec<_> = Identity::WORDS.iter().map(|(word, _)| word).collect();
        words.dedup();
        assert_eq!(words.len(), Identity::WORDS.len());
    }
}
