//! Counts what a run costs.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::github::cost::{Class, Cost, Tally};

/// Counts.
#[derive(Debug)]
pub(super) struct Meter {
    began: Instant,
    cost: Mutex<Cost>,
}

impl Meter {
    pub(super) fn new() -> Meter {
        Meter { began: Instant::now(), cost: Mutex::default() }
    }

    pub(super) fn count(&self, class: Class, change: impl FnOnce(&mut Tally)) {
        let mut cost = self.cost.lock().unwrap_or_else(PoisonError::into_inner);
        change(cost.classes.entry(class).or_default());
    }

    /// What it cost until now.
    pub(super) fn read(&self) -> Cost {
        let mut cost = self.cost.lock().unwrap_or_else(PoisonError::into_inner).clone();
        cost.took = self.began.elapsed();
        cost
    }
}
