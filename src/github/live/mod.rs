//! Reading GitHub: owners and repositories, as cheaply as GitHub lets them be read.
//!
//! GraphQL comes first, in pages that shrink when they are too much; then each distinct ruleset once, by REST, which
//! alone tells everything about it; then, repository by repository, only what was asked for and has no other source.
//!
//! ```no_run
//! # async fn read() -> Result<(), Box<dyn std::error::Error>> {
//! use refwarden::github::client::{Client, Credentials, Host, Options};
//! use refwarden::github::{Part, Parts, Selection, live::Reader};
//!
//! let credentials = Credentials::from_environment(|name| std::env::var(name).ok())?;
//! let client = Client::new(Host::github_com(), credentials, Options::default())?;
//! let parts = Parts::index().and(Part::Rulesets).and(Part::Codeowners);
//! let reader = Reader::new(&client);
//! let owner = reader.owner("acme", &parts).await?;
//! let inventory = reader.repositories(&Selection::owner("acme")?, &parts, |repository| println!("{}", repository.full_name())).await;
//! println!("{} of {} repositories; {}", inventory.selected, inventory.listed, client.cost());
//! # Ok(())
//! # }
//! ```

mod again;
mod branches;
mod details;
mod listing;
mod merge_queues;
mod names;
mod overflow;
mod owner;
mod parts;
mod pins;
mod repositories;
mod rulesets;
mod without_graphql;

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

pub use again::Where;

use serde_json::Value;

use super::client::{Client, Path, Refused, SingleFlight};
use super::cost::Class;
use super::readable::{Cause, Hidden, Readable};
use super::ruleset::Ruleset;

/// Custom properties by repository number.
type PropertyValues = Readable<Arc<std::collections::HashMap<u64, BTreeMap<String, Vec<String>>>>>;

/// Reads through one client, and remembers what many repositories share.
#[derive(Debug)]
pub struct Reader {
    client: Client,
    /// Rulesets that are for more than one repository, by number.
    rulesets: SingleFlight<u64, Result<Arc<Ruleset>, Hidden>>,
    /// Custom properties, by owner.
    properties: SingleFlight<String, PropertyValues>,
    /// Whether classic protection may be seen, by owner and visibility, or by repository.
    administration: SingleFlight<String, Readable<()>>,
    /// Whether the token is for every repository, by owner.
    reach: SingleFlight<String, bool>,
    /// Organizations that do not show their rulesets to this token.
    closed: Mutex<HashSet<String>>,
}

impl Reader {
    /// A reader that has read nothing yet.
    pub fn new(client: &Client) -> Reader {
        Reader {
            client: client.clone(),
            rulesets: SingleFlight::default(),
            properties: SingleFlight::default(),
            administration: SingleFlight::default(),
            reach: SingleFlight::default(),
            closed: Mutex::default(),
        }
    }

    /// A list, complete or hidden.
    async fn list<T>(
        &self,
        path: &Path,
        key: Option<&str>,
        class: Class,
        permission: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Readable<Vec<T>> {
        match self.client.pages(path, key, MOST, class).await {
            Err(refused) => Readable::Hidden(refused.needs(permission).into()),
            Ok(pages) => match pages.complete() {
                Readable::Hidden(hidden) => Readable::Hidden(hidden),
                Readable::Known(items) => all(&items, path, read),
            },
        }
    }

    /// One thing, or why it is hidden.
    async fn one<T>(&self, path: &Path, class: Class, permission: &str, read: impl Fn(&Value) -> Option<T>) -> Readable<T> {
        match self.client.get_json(path, class).await {
            Err(refused) => Readable::Hidden(refused.needs(permission).into()),
            Ok(json) => read(&json).map_or_else(|| Readable::Hidden(unreadable(path)), Readable::Known),
        }
    }

    fn closed(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many entries of a list are read.
const MOST: usize = 10_000;

/// Every entry, or that one of them is not what was expected.
fn all<T>(items: &[Value], path: &Path, read: impl Fn(&Value) -> Option<T>) -> Readable<Vec<T>> {
    match items.iter().map(read).collect::<Option<Vec<_>>>() {
        Some(items) => Readable::Known(items),
        None => Readable::Hidden(unreadable(path)),
    }
}

fn unreadable(path: &Path) -> Hidden {
    Hidden::new(Cause::Unknown, format!("GET {}: the answer is not what GitHub publishes", path.as_str()))
}

/// Whether GraphQL as a whole is not to be had, so that REST must do.
fn is_graphql_refused(refused: &Refused) -> bool {
    matches!(refused.status, Some(403 | 404 | 405 | 410))
        || (refused.is(200) && refused.message.contains("doesn't exist on type"))
}
