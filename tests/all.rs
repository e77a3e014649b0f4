//! Every test, in one program: a file for each layer.

#![cfg(test)]
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod architecture;
mod attacks;
mod audit;
mod cases;
mod chained;
mod cli;
mod cli_github;
mod concurrency;
mod decision_log;
mod demo;
mod doors;
mod drift;
mod facts;
mod fail_closed;
mod github_apply;
mod github_audit;
mod github_bed;
mod github_client;
mod github_every_fault;
mod github_live;
mod github_plan;
mod github_whole;
mod import;
mod import_state;
mod policy;
mod presets;
mod properties;
mod pushes;
mod readme;
mod report;
mod schemas;
mod support;
mod who_can;
