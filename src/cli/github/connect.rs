//! How GitHub is reached: where, as whom, how patiently.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::{Failure, Result};
use crate::github::client::{Client, Credentials, Host, NoCredentials, Options, Refused};

/// The exit code when GitHub could not be asked.
pub(super) const CANNOT_TELL: u8 = 3;

/// How GitHub is reached.
#[derive(Debug, Args)]
#[command(next_help_heading = "How to reach GitHub")]
pub(super) struct Connect {
    /// The API's address; the policy's or GITHUB_API_URL's when it is not given, and https://api.github.com else. Plain http
    /// only to this machine
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    /// Read the token from this file, and not from GITHUB_TOKEN or GH_TOKEN
    #[arg(long, value_name = "FILE", conflicts_with = "app_id")]
    token_file: Option<PathBuf>,
    /// Ask as a GitHub App, by its number
    #[arg(long, value_name = "N", requires = "app_key")]
    app_id: Option<u64>,
    /// The app's private key
    #[arg(long, value_name = "FILE", requires = "app_id")]
    app_key: Option<PathBuf>,
    /// Keep answers in this folder; what did not change then costs nothing of GitHub's limits
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// How many requests are under way at once
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u8).range(1..=100))]
    jobs: u8,
    /// How long GitHub's limits may stop the run, altogether
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    max_wait: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: jiff::SignedDuration = text.parse().map_err(|_| "write `90s`, `10m` or `2h`".to_owned())?;
    Duration::try_from(duration).map_err(|_| "it is negative".to_owned())
}

impl Connect {
    /// A client, within tokio. Nothing is asked yet.
    pub(super) fn client(&self, policy_url: Option<&str>) -> Result<Client> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = match (self.api_url.clone().or_else(|| variable("GITHUB_API_URL")), policy_url) {
            (Some(told), _) => Some(told),
            (None, None | Some("https://api.github.com")) => None,
            // A policy may be written by those whom it judges: it does not choose who gets the token. Without encryption only
            // this machine is asked.
            (None, Some(url)) if Host::parse(url).is_ok_and(|host| host.origin().starts_with("http://")) => Some(url.to_owned()),
            (None, Some(url)) => {
                let shown = crate::report::text::plain(url);
                return Err(Failure::new(format!("the policy's `api_url` would have the token sent to `{shown}`"))
                    .help(format!("say so yourself: --api-url {shown}, or GITHUB_API_URL")));
            }
        };
        let host = match url {
            Some(url) => Host::parse(&url).map_err(|bad| {
                Failure::new(bad.to_string()).help("https://api.github.com, or https://HOST/api/v3 of a GitHub Enterprise Server")
            })?,
            None => Host::github_com(),
        };
        let credentials = match (self.app_id, &self.app_key, &self.token_file) {
            (Some(id), Some(key), _) => Credentials::app(id, key, None),
            (_, _, Some(file)) => Credentials::from_file(file),
            _ => Credentials::from_environment(variable),
        };
        let credentials = credentials.map_err(|NoCredentials { why, help }| Failure::new(why).help(help))?;
        let defaults = Options::default();
        let loopback = host.origin().starts_with("http://");
        let options = Options {
            in_flight: usize::from(self.jobs),
            max_wait: self.max_wait,
            cache: self.cache.clone(),
            // Only a server on this machine is asked without encryption, and it has no limits.
            points_a_minute: defaults.points_a_minute.filter(|_| !loopback),
            ..defaults
        };
        Client::new(host, credentials, options)
            .map_err(|refused| Failure::new(refused.to_string()).help("look at `--cache` and `--app-key`"))
    }
}

/// GitHub refused what nothing can be done without.
pub(super) fn refused(refused: &Refused) -> Failure {
    let help = match (&refused.help, &refused.permission) {
        (Some(help), _) => help.clone(),
        (None, Some(permission)) => format!("the token needs {permission}"),
        (None, None) if refused.is(404) => "look at the name, and whether the token was given access to it".to_owned(),
        (None, None) => "look at the address and the network, and try again".to_owned(),
    };
    let plain = |text: &str| crate::report::text::plain(text).into_owned();
    Failure::new(plain(&refused.to_string())).help(plain(&help)).code(CANNOT_TELL)
}
