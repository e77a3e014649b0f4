//! All tests.
#![cfg(test)]

mod decision_log;
