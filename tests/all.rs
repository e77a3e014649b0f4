//! Every test, in one program: a file for each layer.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod attacks;
mod cases;
mod decision_log;
mod policy;
mod pushes;
mod support;
