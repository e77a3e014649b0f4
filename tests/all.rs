//! Every test, in one program: a file for each layer.

#![cfg(test)]
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod aliases;
mod architecture;
mod attacks;
mod audit;
mod cases;
mod chained;
mod cli;
mod cli_github;
mod concurrency;
mod configuration;
mod decision_log;
mod default_branch;
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
mod hosts;
mod import;
mod import_state;
mod names;
mod policy;
mod presets;
mod properties;
mod pushes;
mod readme;
mod refusals;
mod report;
mod schemas;
mod support;
mod text;
mod who_can;
