//! The GitHub that the other tests ask: is it one?

mod answers;
mod client;
mod described;
mod faults;
mod graphql;
mod mutated;
mod permissions;
mod seeded;
mod world;
mod writes;
