//! When an engine is worth preparing. A hook that judges one small push is done with a slow but ready way of matching before a
//! fast engine would be compiled.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What the slow way has cost so far, in steps.
#[derive(Debug, Default)]
pub(crate) struct Effort(AtomicUsize);

impl Effort {
    /// How many steps may still be taken of so many.
    pub(crate) fn left(&self, limit: usize) -> usize {
        limit.saturating_sub(self.0.load(Ordering::Relaxed))
    }

    /// Counts steps. What threads count at the same time may get lost: then the engine is compiled a little later.
    pub(crate) fn spend(&self, steps: usize) {
        self.0.store(self.0.load(Ordering::Relaxed).saturating_add(steps), Ordering::Relaxed);
    }
}

impl Clone for Effort {
    fn clone(&self) -> Effort {
        Effort(AtomicUsize::new(self.0.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::Effort;

    #[test]
    fn effort_is_spent_once_and_for_all() {
        let effort = Effort::default();
        assert_eq!(effort.left(5), 5);
        effort.spend(3);
        assert_eq!((effort.left(5), effort.clone().left(5)), (2, 2));
        effort.spend(usize::MAX);
        assert_eq!(effort.left(5), 0);
    }
}
