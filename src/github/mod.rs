//! GitHub: what it is asked, what it answers, and what that amounts to.
//!
//! Pure, in reading order: [`readable`] (known or hidden, never a default), [`word`] (GitHub's words, unknown ones kept),
//! [`rule`], [`ruleset`], [`protection`] (what binds), [`people`] and [`own_apps`] (who acts), [`repository`] and [`owner`] (what was read);
//! [`answers`] (from GitHub's JSON to these); [`part`] and [`selection`] (what is asked), [`inventory`] and [`cost`] (what came of it),
//! [`scope`] and [`effective`] (what that amounts to for one ref), [`layers`] (of classic protection and of rulesets), [`who_can`] (for
//! whom); [`names`] (who is meant), [`desired`] (what a policy asks for), [`sample`] and [`drift`] (what differs), [`plan`] (what to do
//! about it), [`import`] and [`export`] (from what is there to a policy, and back).
//!
//! The network: [`client`] (asking, politely and safely), [`live`] (what to ask) and [`apply`] (carrying out a plan, the only
//! place that writes).

pub mod answers;
pub mod apply;
pub mod client;
pub mod cost;
pub mod desired;
pub mod drift;
pub mod effective;
pub mod export;
pub mod import;
pub mod inventory;
pub mod layers;
pub mod live;
pub mod names;
pub mod own_apps;
pub mod owner;
pub mod part;
pub mod people;
pub mod plan;
pub mod protection;
pub mod readable;
pub mod repository;
pub mod rule;
pub mod ruleset;
pub mod sample;
pub mod scope;
pub mod selection;
pub mod who_can;
pub mod word;

pub use cost::{Class, Cost};
pub use inventory::Inventory;
pub use part::{Part, Parts};
pub use readable::{Cause, Hidden, Readable};
pub use selection::Selection;
pub use word::Word;
