//! What `plan` and `apply` share: the policy's `[github]`, and reading what it is about.

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::connect::refused;
use crate::cli::{Failure, Result};
use crate::github::Selection;
use crate::github::apply::survey::{self, Survey};
use crate::github::client::Client;
use crate::policy::{Policy, github};
use crate::report::text::plain;

/// The policy's `[github]`.
pub(super) fn of_policy(policy: &Policy) -> Result<&github::Github> {
    policy.github.as_ref().ok_or_else(|| {
        Failure::new(format!("the policy `{}` has no [github]", plain(&policy.file)))
            .help("it says whose repositories: [github] with owner = \"NAME\"; `refwarden github import` writes a whole policy")
    })
}

/// Reads the places that a policy is about, and plans.
pub(super) async fn survey(client: &Client, policy: &Policy, selection: &Selection, migrate: bool) -> Result<Survey> {
    let github = of_policy(policy)?;
    let progress = progress("repositories");
    progress.set_message(github.owner.clone());
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let told = |repository: &crate::github::repository::Repository| {
        progress.set_message(plain(&repository.full_name()).into_owned());
        progress.inc(1);
    };
    let survey = survey::survey(client, policy, github, selection, migrate, today, told).await;
    progress.finish_and_clear();
    let survey = survey.map_err(|why| refused(&why))?;
    let is_of_repositories = github.level == github::Level::Repository;
    if is_of_repositories && survey.plan.repositories == 0 && survey.plan.cannot_tell.is_empty() {
        return Err(Failure::new(format!("no repository of `{}` was meant", plain(&github.owner)))
            .help("look at --repo, and at `repositories` in the policy's [github]"));
    }
    Ok(survey)
}

/// On standard error, and only on a terminal.
pub(super) fn progress(what: &str) -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template(&format!("{{spinner}} {{pos}} {what}, {{elapsed}}: {{wide_msg}}")) {
        progress.set_style(style);
    }
    progress.enable_steady_tick(std::time::Duration::from_millis(200));
    progress
}
