//! Who asks: a token, or an app with its key.

use std::fmt;

use super::token::Token;

/// Who asks.
#[derive(Clone)]
pub enum Credentials {
    /// A token: classic, fine-grained, of an app's user or of GitHub Actions.
    Token(Token),
    /// A GitHub App.
    App(App),
}

/// A GitHub App and its key.
#[derive(Clone)]
pub struct App {
    /// The app's number.
    pub id: u64,
    /// The private key, as GitHub hands it out (PEM).
    pub key: Vec<u8>,
    /// The installation; looked up by owner when it is not given.
    pub installation: Option<u64>,
}

/// Why there is nobody to ask as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoCredentials {
    /// What is missing or wrong.
    pub why: String,
    /// What to do.
    pub help: String,
}

impl fmt::Display for NoCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for NoCredentials {}

/// How to get a token.
const HOW: &str = "put a token into GITHUB_TOKEN; a fine-grained one needs, for all repositories, read access to Administration, \
Contents, Metadata, Actions, Checks, Commit statuses, Pull requests, Environments, and for the organization read access to \
Administration, Members, Custom properties; GitHub shows who may bypass a ruleset only with write access to Administration: \
https://github.com/settings/personal-access-tokens/new";

impl Credentials {
    /// Those of the environment: `GITHUB_TOKEN` or `GH_TOKEN`.
    ///
    /// # Errors
    /// Neither is set, or what is set is no token.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Credentials, NoCredentials> {
        for name in ["GITHUB_TOKEN", "GH_TOKEN"] {
            if let Some(text) = variable(name).filter(|text| !text.trim().is_empty()) {
                return Token::new(&text)
                    .map(Credentials::Token)
                    .map_err(|why| NoCredentials { why: format!("{name}: {why}"), help: HOW.to_owned() });
            }
        }
        Err(NoCredentials { why: "there is no token to ask GitHub with".to_owned(), help: HOW.to_owned() })
    }

    /// The token of a file.
    ///
    /// # Errors
    /// It can't be read, or is no token.
    pub fn from_file(path: &std::path::Path) -> Result<Credentials, NoCredentials> {
        std::fs::read_to_string(path)
            .map_err(|error| error.to_string())
            .and_then(|text| Token::new(&text).map_err(str::to_owned))
            .map(Credentials::Token)
            .map_err(|why| NoCredentials { why: format!("`{}`: {why}", path.display()), help: HOW.to_owned() })
    }

    /// An app and the file of its key.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn app(id: u64, key: &std::path::Path, installation: Option<u64>) -> Result<Credentials, NoCredentials> {
        match std::fs::read(key) {
            Ok(key) => Ok(Credentials::App(App { id, key, installation })),
            Err(error) => Err(NoCredentials {
                why: format!("`{}`: {error}", key.display()),
                help: "generate a private key on the app's settings page and name its file".to_owned(),
            }),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::Token(token) => f.debug_tuple("Token").field(token).finish(),
            Credentials::App(app) => app.fmt(f),
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.id).field("installation", &self.installation).finish_non_exhaustive()
    }
}
