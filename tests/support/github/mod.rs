//! A GitHub over loopback HTTP, for tests, benches and a demonstration: stateful, strict and as inconvenient as the real one.
//!
//! Every request passes, in this order: the route must exist in GitHub's published description (`openapi`), the token must be known,
//! parameters and body must satisfy the strict form of the description, the permission table (`access`) must allow it; then a
//! handler (`rest`, `graphql`, `write`) answers from `state`, and the answer must be one that the description allows. What goes
//! wrong is either planned (`fault`) or recorded, and then fails the test when the bed is dropped.
//!
//! ```ignore
//! let bed = Bed::new();
//! let acme = bed.organization("acme");
//! acme.ruleset(json!({ "name": "main", "enforcement": "active", ... }));
//! acme.repository("app").protect("main", json!({ "enforce_admins": true }));
//! let token = bed.token().without(Permission::Administration).create();
//! // ask bed.api_url() and bed.graphql_url() with that token
//! assert_eq!(bed.requests().len(), 1);
//! ```

#![allow(dead_code, unused_imports, reason = "each program that includes the bed uses a part of it")]

mod access;
mod app_token;
mod bed;
mod call;
mod fault;
pub mod faults_organization;
pub mod fnmatch;
mod graphql;
mod headers;
mod log;
pub mod openapi;
mod permission;
mod pipeline;
mod plant;
mod profile;
mod rest;
pub mod seed;
mod server;
mod shared;
mod state;
mod token;
mod watch;
mod write;

pub use self::access::has_access;
pub use self::bed::{Bed, TokenBuilder};
pub use self::fault::{Fault, Quirk, Tamper, When};
pub use self::log::{Class, Entry};
pub use self::permission::{Level, Permission, Permissions, Role};
pub use self::plant::{OrganizationHandle, RepositoryHandle};
pub use self::profile::Profile;
pub use self::state::repository::Door;
pub use self::state::{Reported, Visibility};
pub use self::watch::{Moment, Snapshot};
