//! All tests.

mod policy;
