//! Clocks on which nobody waits: how busy the computer is changes nothing that they say.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use refwarden::github::client::Clock;
use tokio::sync::watch;

/// Time passes by waiting alone: whoever waits is at once where they wanted to be, and so is everybody else.
#[derive(Debug, Default)]
pub struct Leaping(Mutex<Duration>);

/// For [`refwarden::github::client::Options`].
pub fn leaping() -> Arc<dyn Clock> {
    Arc::new(Leaping::default())
}

impl Clock for Leaping {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, how_long: Duration) -> BoxFuture<'_, ()> {
        let until = self.now() + how_long;
        async move {
            // Others come first, as they do where waiting takes time.
            tokio::task::yield_now().await;
            let mut now = self.0.lock().unwrap();
            *now = until.max(*now);
        }
        .boxed()
    }
}

/// Time passes when the test says so.
#[derive(Debug)]
pub struct Standing {
    now: watch::Sender<Duration>,
    waiting: watch::Sender<usize>,
}

impl Standing {
    pub fn new() -> Arc<Standing> {
        Arc::new(Standing { now: watch::Sender::new(Duration::ZERO), waiting: watch::Sender::new(0) })
    }

    /// Lets time pass. Whoever waited for it no longer counts as waiting when this returns.
    pub fn pass(&self, time: Duration) {
        self.waiting.send_replace(0);
        self.now.send_modify(|now| *now += time);
    }

    /// Returns when this many wait.
    pub async fn until_waiting(&self, count: usize) {
        let mut waiting = self.waiting.subscribe();
        let all = tokio::time::timeout(Duration::from_secs(60), waiting.wait_for(|waiting| *waiting == count)).await;
        assert!(all.is_ok(), "{} wait instead of {count}", *self.waiting.borrow());
    }
}

impl Clock for Standing {
    fn now(&self) -> Duration {
        *self.now.borrow()
    }

    fn sleep(&self, how_long: Duration) -> BoxFuture<'_, ()> {
        let mut now = self.now.subscribe();
        let until = *now.borrow() + how_long;
        async move {
            self.waiting.send_modify(|waiting| *waiting += 1);
            now.wait_for(|now| *now >= until).await.unwrap();
        }
        .boxed()
    }
}
