//! GitHub: what it is asked, what it answers, and what that amounts to.
//!
//! Pure, in reading order: [`readable`] (known or hidden, never a default), [`word`] (GitHub's words, unknown ones kept),
//! [`rule`], [`ruleset`], [`protection`] (what binds), [`people`] (who acts), [`repository`] and [`owner`] (what was read),
//! [`part`] (what a run asks for), [`inventory`] (what it saw), [`scope`] and [`effective`] (what that amounts to for one ref).

pub mod effective;
pub mod inventory;
pub mod owner;
pub mod part;
pub mod people;
pub mod protection;
pub mod readable;
pub mod repository;
pub mod rule;
pub mod ruleset;
pub mod scope;
pub mod word;

pub use readable::{Cause, Hidden, Readable};
pub use word::Word;
