//! refwarden: rules about pushes that hold no matter who, or what, is pushing.
//!
//! Data flows one way, and everything that decides is pure. In reading order:
//!
//! - [`git`]: git's nouns as plain values. No I/O.
//! - [`receive`]: the server side of a push, with I/O: what the hook reads, and the decision log it writes.

pub mod git;
pub mod receive;
