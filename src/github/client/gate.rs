//! How many requests are under way, how many a minute, and who waits: one gate for all of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::clock::Clock;
use super::patience::{Budget, Stops};

/// The gate that every request passes.
#[derive(Debug)]
pub(super) struct Gate {
    slots: Semaphore,
    clock: Arc<dyn Clock>,
    max_wait: Duration,
    points_a_minute: Option<usize>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rest: Lane,
    graphql: Lane,
    /// How long GitHub's limits stopped requests, altogether.
    waited: Duration,
    /// How long the program's own pace did.
    paced: Duration,
}

/// What holds for one of GitHub's budgets.
#[derive(Debug, Default)]
struct Lane {
    /// Nothing is sent before.
    until: Duration,
    /// The run will not wait that long: until then, nothing is even tried.
    hopeless_until: Duration,
    /// When the requests of the last minute were sent.
    sent: VecDeque<Duration>,
}

/// The run was told not to wait that long.
#[derive(Debug)]
pub(super) struct TooLong;

impl Gate {
    pub(super) fn new(slots: usize, max_wait: Duration, points_a_minute: Option<usize>, clock: Arc<dyn Clock>) -> Gate {
        Gate { slots: Semaphore::new(slots.clamp(1, 100)), clock, max_wait, points_a_minute, state: Mutex::default() }
    }

    /// Waits for a place.
    pub(super) async fn enter(&self, budget: Budget) -> Result<SemaphorePermit<'_>, TooLong> {
        loop {
            if let Some(wait) = self.closed_for(budget)? {
                self.clock.sleep(wait).await;
                continue;
            }
            // The gate's semaphore is never closed.
            let Ok(permit) = self.slots.acquire().await else { return Err(TooLong) };
            let mut state = self.state();
            let now = self.clock.now();
            let limit = self.points_a_minute;
            let lane = state.lane(budget);
            if lane.until > now || lane.hopeless_until > now {
                continue;
            }
            if let Some(limit) = limit {
                while lane.sent.front().is_some_and(|sent| *sent + Duration::from_secs(60) <= now) {
                    lane.sent.pop_front();
                }
                if lane.sent.len() >= limit {
                    // The next place is free a minute after the oldest request was sent.
                    lane.until = lane.sent.front().map_or(now, |sent| *sent + Duration::from_secs(60));
                    let until = lane.until;
                    // This is the program's own pace, which `max_wait` does not bound.
                    state.paced += until.saturating_sub(now);
                    continue;
                }
                lane.sent.push_back(now);
            }
            return Ok(permit);
        }
    }

    /// Stops whom a limit stops, unless that would take longer than the run may wait altogether.
    pub(super) fn stop(&self, budget: Budget, stops: Stops, wait: Duration) -> Result<(), TooLong> {
        let now = self.clock.now();
        let until = now + wait;
        let mut state = self.state();
        let lanes: &[Budget] = match stops {
            Stops::This => return if wait > self.max_wait { Err(TooLong) } else { Ok(()) },
            Stops::Budget => &[budget],
            Stops::Everything => &[Budget::Rest, Budget::GraphQl],
        };
        let already = state.lane(budget).until.max(now);
        let longer = until.saturating_sub(already);
        if state.waited + longer > self.max_wait {
            for budget in lanes {
                let lane = state.lane(*budget);
                lane.hopeless_until = lane.hopeless_until.max(until);
            }
            return Err(TooLong);
        }
        state.waited += longer;
        for budget in lanes {
            let lane = state.lane(*budget);
            lane.until = lane.until.max(until);
        }
        Ok(())
    }

    /// How long requests waited for GitHub's limits, and in order not to meet them.
    pub(super) fn waited(&self) -> Duration {
        let state = self.state();
        state.waited + state.paced
    }

    fn closed_for(&self, budget: Budget) -> Result<Option<Duration>, TooLong> {
        let now = self.clock.now();
        let mut state = self.state();
        let lane = state.lane(budget);
        if lane.hopeless_until > now {
            return Err(TooLong);
        }
        Ok(lane.until.checked_sub(now).filter(|wait| !wait.is_zero()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lane(&mut self, budget: Budget) -> &mut Lane {
        match budget {
            Budget::Rest => &mut self.rest,
            Budget::GraphQl => &mut self.graphql,
        }
    }
}
