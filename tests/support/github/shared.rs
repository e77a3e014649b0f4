//! What the bed in a test and its server have in common.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use super::fault::{Planned, Quirk};
use super::log::{Class, Entry};
use super::profile::Profile;
use super::state::State;
use super::watch::Watcher;

pub struct Shared {
    pub profile: Profile,
    /// `http://127.0.0.1:12345`
    pub origin: String,
    pub state: Mutex<State>,
    pub quirks: Mutex<Vec<Quirk>>,
    pub faults: Mutex<Vec<Planned>>,
    pub log: Mutex<Vec<Entry>>,
    pub record: Mutex<Option<File>>,
    /// What the bed itself did wrong, or was asked that GitHub does not have.
    pub violations: Mutex<Vec<String>>,
    /// Requests that the strict description refuses.
    pub refused: Mutex<Vec<String>>,
    /// Names that GitHub's description does not have and that answers may hold nevertheless.
    pub planted: Mutex<BTreeSet<String>>,
    /// Whether answers are held to the description.
    pub judging: bool,
    pub limits: Mutex<HashMap<(String, &'static str), Limit>>,
    /// Requests a token has an hour, by REST; points, by GraphQL.
    pub hourly: AtomicU64,
    latency: Mutex<Duration>,
    in_flight: AtomicUsize,
    pub most_in_flight: AtomicUsize,
    pub served: AtomicU64,
    pub began: u64,
    pub closed: Arc<Notify>,
    pub watcher: Mutex<Option<Watcher>>,
}

/// What a token has used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limit {
    pub used: u64,
}

impl Shared {
    pub fn new(profile: Profile, origin: String, judging: bool) -> Self {
        Self {
            profile,
            origin,
            state: Mutex::default(),
            quirks: Mutex::default(),
            faults: Mutex::default(),
            log: Mutex::default(),
            record: Mutex::default(),
            violations: Mutex::default(),
            refused: Mutex::default(),
            planted: Mutex::default(),
            judging,
            limits: Mutex::default(),
            hourly: AtomicU64::new(5000),
            latency: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
            served: AtomicU64::new(0),
            began: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            closed: Arc::new(Notify::new()),
            watcher: Mutex::default(),
        }
    }

    /// A lock of the bed is poisoned only by a panic that has already failed the test.
    pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn has(&self, quirk: Quirk) -> bool {
        Self::lock(&self.quirks).contains(&quirk)
    }

    pub fn quirk<T>(&self, find: impl Fn(&Quirk) -> Option<T>) -> Option<T> {
        Self::lock(&self.quirks).iter().find_map(find)
    }

    /// Seconds since 1970 by this machine's clock, which may be wrong on purpose.
    pub fn now(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let skew = self.quirk(|quirk| if let Quirk::ClockSkew { seconds } = quirk { Some(*seconds) } else { None });
        now.saturating_add_signed(skew.unwrap_or(0))
    }

    /// The same, as answers have it.
    pub fn time(&self) -> String {
        jiff::Timestamp::from_second(i64::try_from(self.now()).unwrap_or(0)).expect("a time within range").to_string()
    }

    /// When limits begin anew: an hour after the bed began.
    pub fn reset(&self) -> u64 {
        let skew = self.quirk(|quirk| if let Quirk::ClockSkew { seconds } = quirk { Some(*seconds) } else { None });
        (self.began + 3600).saturating_add_signed(skew.unwrap_or(0))
    }

    /// Counts against a token's limit; the new sum.
    pub fn spend(&self, token: &str, class: Class, cost: u64) -> u64 {
        let resource = if class == Class::Graphql { "graphql" } else { "core" };
        let mut limits = Self::lock(&self.limits);
        let limit = limits.entry((token.to_owned(), resource)).or_default();
        limit.used += cost;
        limit.used
    }

    /// Takes back what a request has cost that turned out to be free.
    pub fn refund(&self, token: &str) {
        if let Some(limit) = Self::lock(&self.limits).get_mut(&(token.to_owned(), "core")) {
            limit.used = limit.used.saturating_sub(1);
        }
    }

    pub fn used(&self, token: &str, resource: &'static str) -> u64 {
        Self::lock(&self.limits).get(&(token.to_owned(), resource)).map_or(0, |limit| limit.used)
    }

    pub fn latency(&self) -> Duration {
        *Self::lock(&self.latency)
    }

    pub fn set_latency(&self, latency: Duration) {
        *Self::lock(&self.latency) = latency;
    }

    /// Counts a request that is under way, until the value is dropped: a client may hang up.
    pub fn enter(self: &Arc<Self>) -> UnderWay {
        let now = self.in_flight.fetch_add(1, Ordering::AcqRel) + 1;
        self.most_in_flight.fetch_max(now, Ordering::AcqRel);
        UnderWay { shared: Arc::clone(self), with_this: now }
    }
}

/// A request that is under way.
pub struct UnderWay {
    shared: Arc<Shared>,
    /// How many were, when this one came, and it.
    pub with_this: usize,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.shared.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}
