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
//! - `github`: GitHub's settings as values; the network that reads them.
//! - `audit`: does what GitHub shows really bind? One check, one file. Pure.
//! - `report`: an audit's result, written down. One format, one file. Pure.
//! - `cli`: the companion's commands, one file each.

#[cfg(feature = "companion")]
pub mod audit;
#[cfg(feature = "companion")]
pub mod cli;
pub mod git;
#[cfg(feature = "companion")]
pub mod github;
pub mod policy;
pub mod push;
pub mod receive;
#[cfg(feature = "companion")]
pub mod report;
pub mod rules;
pub mod verdict;
