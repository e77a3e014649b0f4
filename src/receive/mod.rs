//! The server side of a push: it reads what git and the server say, asks for a verdict, answers and logs.
//!
//! In the order of a push: [`environment`] and [`stdin`], [`repository`] and [`find_policy`], [`refs`], [`objects`] with
//! [`graph`] and [`tree_diff`], [`collect`], then [`message`] and [`decision_log`]. [`judge`] is the part that the hook and
//! `explain` share; [`pre_receive`] is the hook.

pub mod collect;
pub mod decision_log;
pub mod environment;
pub mod find_policy;
pub mod graph;
mod judge;
pub mod message;
pub mod objects;
mod pre_receive;
pub mod refs;
mod reftable;
pub mod repository;
pub mod sanitize;
pub mod stdin;
pub mod tree_diff;

pub use judge::{Judged, Push, judge};
pub use pre_receive::{Answer, Options, pre_receive, run};
#[cfg(feature = "companion")]
pub(crate) use pre_receive::{CHAINED, PROGRAM_MARK};
