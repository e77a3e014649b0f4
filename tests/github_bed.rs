//! The GitHub that the other tests ask: is it one?

mod answers;
mod client;
mod described;
mod graphql;
