//! Every test, in one program: a file for each layer.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod concurrency;
mod decision_log;
mod facts;
mod fail_closed;
mod policy;
mod properties;
mod pushes;
mod support;
