//! The time that waiting is measured by. A test makes it run fast.

use std::time::{Duration, Instant};

/// A clock that runs as fast as it is told to.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
    speed: u32,
}

impl Clock {
    /// Everyone's clock.
    pub fn real() -> Clock {
        Clock::hurried(1)
    }

    /// A clock on which this many seconds pass in one.
    pub fn hurried(speed: u32) -> Clock {
        Clock { began: Instant::now(), speed: speed.max(1) }
    }

    /// How long it has been running.
    pub fn now(&self) -> Duration {
        self.began.elapsed().saturating_mul(self.speed)
    }

    /// Waits.
    pub async fn sleep(&self, how_long: Duration) {
        tokio::time::sleep(how_long / self.speed).await;
    }
}
