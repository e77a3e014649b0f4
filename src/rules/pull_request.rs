//! `pull_request`: changes come through a pull request.
//!
//! A host marks what it merges, and not whether anybody approved it: approvals are counted by the host's own protection alone.

use serde::{Deserialize, Serialize};

use super::{OnGithub, Rule, RuleInfo, Target, Violation};
use crate::git::Change;
use crate::push::{Needs, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "pull_request",
    summary: "every direct creation and update; what the host itself marks as the merge of a pull request passes, whether or not anybody approved it",
    example: "{ required_approving_review_count = 1 }",
    targets: &[Target::Branch],
    not_on_a_server: None,
};

/// GitHub's parameters of the rule. On a git server only the count shows, in the refusal: who merges is the host, and who
/// approved is not known.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PullRequest {
    #[serde(default)]
    required_approving_review_count: Approvals,
    #[serde(default)]
    dismiss_stale_reviews_on_push: bool,
    #[serde(default)]
    require_code_owner_review: bool,
    #[serde(default)]
    require_last_push_approval: bool,
    #[serde(default)]
    required_review_thread_resolution: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allowed_merge_methods: Option<Vec<MergeMethod>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dismissal_restriction: Option<DismissalRestriction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    required_reviewers: Option<Vec<RequiredReviewers>>,
}

/// GitHub allows 0 to 10.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Approvals(u8);

impl<'de> Deserialize<'de> for Approvals {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let count = i64::deserialize(deserializer)?;
        match u8::try_from(count) {
            Ok(count @ 0..=10) => Ok(Approvals(count)),
            _ => Err(serde::de::Error::custom(format!("`{count}` approvals: GitHub takes 0 to 10"))),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MergeMethod {
    Merge,
    Squash,
    Rebase,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DismissalRestriction {
    enabled: bool,
    #[serde(default)]
    allowed_actors: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequiredReviewers {
    file_patterns: Vec<String>,
    minimum_approvals: Approvals,
    reviewer: String,
}

impl Rule for PullRequest {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        let direct = !matches!(facts.update.change, Change::Delete { .. }) && !facts.merges_pull_request;
        if !direct {
            return Ok(vec![]);
        }
        let what = match self.required_approving_review_count.0 {
            0 => "needs a pull request".to_owned(),
            1 => "needs 1 approval, has 0".to_owned(),
            count => format!("needs {count} approvals, has 0"),
        };
        Ok(vec![
            Violation::new(what)
                .help("push a topic branch and ask for review: git push origin HEAD:refs/heads/<topic>"),
        ])
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::Same
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
