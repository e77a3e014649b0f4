//! The time that waiting is measured by. A test brings one of its own, and then waits for nothing.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// A time that only goes forward, and waiting for it.
pub trait Clock: Debug + Send + Sync {
    /// How long it has been running.
    fn now(&self) -> Duration;

    /// Waits this long.
    fn sleep(&self, how_long: Duration) -> BoxFuture<'_, ()>;
}

/// This computer's own time, which setting the date does not change.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic {
    began: Instant,
}

impl Monotonic {
    /// Begins now.
    pub fn start() -> Monotonic {
        Monotonic { began: Instant::now() }
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn sleep(&self, how_long: Duration) -> BoxFuture<'_, ()> {
        tokio::time::sleep(how_long).boxed()
    }
}
