//! What changes: rulesets and classic protection, with GitHub's own semantics of absent, null and empty.

pub mod graphql;
pub mod protection;
pub mod rulesets;
