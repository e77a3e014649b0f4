//! refwarden: rules about pushes that hold no matter who, or what, is pushing.
//!
//! Data flows one way, and everything that decides is pure. In reading order:
//!
//! - [`git`]: git's nouns as plain values. No I/O.
//! - [`push`]: what a rule may know about a push, as data.
//! - [`rules`]: one rule, one file; the list of them.
//! - [`policy`]: the TOML file: parsed with places, every problem at once.
//! - [`verdict`]: policy and push make a verdict. Pure.
//! - [`receive`]: the server side of a push: environment, refs, objects, message, decision log.
//! - `cli`: the companion's commands, one file each.

#[cfg(feature = "companion")]
pub mod cli;
pub mod git;
pub mod policy;
pub mod push;
pub mod receive;
pub mod rules;
pub mod verdict;
