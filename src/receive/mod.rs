//! The server side of a push: the only layer below the hook that does I/O.

pub mod decision_log;
