//! What protects a ref: every rule that binds it, where the rule stands, and who passes it.

use serde::{Deserialize, Serialize};

use crate::github::effective::{Binding, Door, Effective};
use crate::github::owner::Owner;
use crate::github::readable::{Hidden, Readable};
use crate::github::repository::Repository;
use crate::github::rule::{PullRequest, RequiredStatusChecks, RuleKind};
use crate::github::ruleset::BypassMode;

/// What protects one ref of one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protected {
    /// `owner/name`.
    pub repository: String,
    /// The full name.
    pub ref_name: String,
    /// The rules that bind, in the order of their layers.
    pub rules: Vec<ProtectingRule>,
    /// What may bind, too, and can't be read or understood.
    pub cannot_tell: Vec<Hidden>,
}

/// A rule that binds a ref.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtectingRule {
    /// GitHub's type.
    pub rule: String,
    /// What it asks for, in a few words; empty where its name says everything.
    pub asks: String,
    /// Where it stands.
    pub source: String,
    /// Who passes it, as the policy writes actors, with the mode where it is not `always`.
    pub passed_by: Readable<Vec<String>>,
}

/// What protects the default branch and the tags: the newest release's tag, else any tag, else one that does not exist yet.
pub fn protected(repository: &Repository, owner: &Owner) -> Vec<Protected> {
    let branch = repository.default_branch.iter().map(|branch| format!("refs/heads/{}", branch.name));
    let release = repository.releases.known().and_then(|releases| releases.iter().find(|release| !release.draft));
    let tag = release
        .map(|release| release.tag.as_str())
        .or_else(|| repository.tags.known().and_then(|tags| tags.last()).map(String::as_str))
        .unwrap_or("v0.0.0");
    branch
        .chain([format!("refs/tags/{tag}")])
        .map(|ref_name| of(repository, &Effective::of(repository, owner, &ref_name)))
        .collect()
}

fn of(repository: &Repository, effective: &Effective) -> Protected {
    let mut cannot_tell: Vec<Hidden> = effective.unsure.iter().map(|unsure| unsure.why.clone()).collect();
    cannot_tell.sort();
    cannot_tell.dedup();
    Protected {
        repository: repository.full_name(),
        ref_name: effective.ref_name.clone(),
        rules: effective.bindings.iter().map(rule).collect(),
        cannot_tell,
    }
}

fn rule(binding: &Binding) -> ProtectingRule {
    let passed_by = match &binding.doors {
        Readable::Known(doors) => {
            let mut passed_by: Vec<String> = doors.iter().map(door).collect();
            passed_by.sort();
            passed_by.dedup();
            Readable::Known(passed_by)
        }
        Readable::Hidden(hidden) => Readable::Hidden(hidden.clone()),
    };
    ProtectingRule {
        rule: binding.rule.name.clone(),
        asks: asks(&binding.rule.kind),
        source: binding.source.to_string(),
        passed_by,
    }
}

fn door(door: &Door) -> String {
    if door.mode.is(&BypassMode::Always) { door.who.to_string() } else { format!("{} ({})", door.who, door.mode) }
}

/// What a rule asks for, in a few words.
fn asks(kind: &RuleKind) -> String {
    match kind {
        RuleKind::PullRequest(parameters) => pull_request(parameters),
        RuleKind::RequiredStatusChecks(parameters) => checks(parameters),
        RuleKind::RequiredDeployments(parameters) => parameters.required_deployment_environments.join(", "),
        RuleKind::TextPattern(parameters) => {
            let not = if parameters.negate == Some(true) { "not " } else { "" };
            format!("{not}{} {}", parameters.operator, parameters.pattern)
        }
        RuleKind::Workflows(parameters) => {
            parameters.workflows.iter().map(|workflow| workflow.path.as_str()).collect::<Vec<_>>().join(", ")
        }
        RuleKind::CodeScanning(parameters) => {
            parameters.code_scanning_tools.iter().map(|tool| tool.tool.as_str()).collect::<Vec<_>>().join(", ")
        }
        RuleKind::FilePathRestriction(parameters) => parameters.restricted_file_paths.join(", "),
        RuleKind::FileExtensionRestriction(parameters) => parameters.restricted_file_extensions.join(", "),
        RuleKind::MaxFilePathLength(parameters) => format!("{} characters", parameters.max_file_path_length),
        RuleKind::MaxFileSize(parameters) => format!("{} MB", parameters.max_file_size),
        RuleKind::Unreadable { why } => format!("cannot be read: {why}"),
        RuleKind::Unknown => "not known to this program".to_owned(),
        RuleKind::Creation
        | RuleKind::Update(_)
        | RuleKind::Deletion
        | RuleKind::RequiredLinearHistory
        | RuleKind::MergeQueue(_)
        | RuleKind::RequiredSignatures
        | RuleKind::NonFastForward
        | RuleKind::CopilotCodeReview(_)
        | RuleKind::LicenseComplianceScanning
        | RuleKind::Conversations => String::new(),
    }
}

fn pull_request(parameters: &PullRequest) -> String {
    let mut words = vec![match parameters.required_approving_review_count {
        1 => "1 approval".to_owned(),
        count => format!("{count} approvals"),
    }];
    for (asked, what) in [
        (parameters.require_code_owner_review, "code owners"),
        (parameters.dismiss_stale_reviews_on_push, "stale ones withdrawn"),
        (parameters.require_last_push_approval, "last push approved"),
        (parameters.required_review_thread_resolution, "conversations resolved"),
        (parameters.required_reviewers.as_ref().is_some_and(|reviewers| !reviewers.is_empty()), "teams for certain files"),
    ] {
        if asked {
            words.push(what.to_owned());
        }
    }
    words.join(", ")
}

fn checks(parameters: &RequiredStatusChecks) -> String {
    let mut words: Vec<String> = parameters
        .required_status_checks
        .iter()
        .map(|check| match check.integration_id {
            Some(app) if app >= 0 => format!("{} (app {app})", check.context),
            _ => format!("{} (anyone)", check.context),
        })
        .collect();
    if parameters.strict_required_status_checks_policy {
        words.push("up to date".to_owned());
    }
    words.join(", ")
}
