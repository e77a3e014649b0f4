//! Report: an audit's result, written down. One format, one file, all pure.
//!
//! [`json`] is the result itself and reads back; the others are for people ([`terminal`], [`markdown`]) and for programs that
//! show findings ([`sarif`], [`junit`]). [`summary`] counts, [`since`] compares with an earlier result, [`text`] keeps what
//! GitHub and policies say from doing anything but being read, [`catalogue`] is the documentation of the checks. [`plan`] shows
//! what would change on GitHub.

pub mod catalogue;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod plan;
pub mod sarif;
pub mod since;
pub mod summary;
pub mod terminal;
pub mod text;

use serde::{Deserialize, Serialize};

use crate::audit::judge::Audit;
pub use since::Since;

/// What is written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The result.
    pub audit: Audit,
    /// What reading it cost, where that is known.
    pub cost: Option<Cost>,
    /// What is different from an earlier result, if there was one to compare with.
    pub since: Option<Since>,
}

/// What reading cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Requests that were sent, those that were sent again included.
    pub requests: u64,
    /// Those of them that were sent again.
    pub retries: u64,
    /// Those that were answered with "not modified".
    pub not_modified: u64,
    /// Points that GraphQL counted.
    pub points: u64,
    /// How long it took, waiting included.
    pub milliseconds: u64,
    /// How long requests waited for GitHub's limits.
    pub waited_milliseconds: u64,
}

impl From<&crate::github::Cost> for Cost {
    fn from(cost: &crate::github::Cost) -> Cost {
        let total = cost.total();
        let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Cost {
            requests: total.requests,
            retries: total.retries,
            not_modified: total.from_cache,
            points: total.points,
            milliseconds: milliseconds(cost.took),
            waited_milliseconds: milliseconds(cost.waited),
        }
    }
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// For a terminal.
    Terminal,
    /// The result itself.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for CI.
    Junit,
    /// Markdown that fits a job summary.
    Markdown,
    /// Markdown that fits an issue or a comment.
    Issue,
}

/// What a format may take into account.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Colours, for a terminal.
    pub colour: bool,
    /// The terminal's width; without one no line is broken.
    pub width: Option<u16>,
    /// The most places to show of one check, in a terminal.
    pub most: Option<usize>,
    /// The repository that SARIF is uploaded to, `owner/name`: only its files are named as files.
    pub home: Option<String>,
}

/// A report that could not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwritable(pub String);

/// The report in a format, with a line end at its end.
///
/// # Errors
/// A library could not write what it was given.
pub fn render(report: &Report, format: Format, options: &Options) -> Result<String, Unwritable> {
    match format {
        Format::Terminal => Ok(terminal::render(report, options)),
        Format::Json => json::render(report),
        Format::Sarif => sarif::render(report, options),
        Format::Junit => junit::render(report),
        Format::Markdown => Ok(markdown::render(report, markdown::SUMMARY)),
        Format::Issue => Ok(markdown::render(report, markdown::ISSUE)),
    }
}
