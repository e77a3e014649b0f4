//! All tests.

// A test that cannot go on fails by panicking; clippy's exemption for tests does not reach helper functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod policy;
