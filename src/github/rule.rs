//! A rule as GitHub answers it: all 23 types with every parameter, and whatever else may come.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::word::Word;

/// One rule of a ruleset, or one that classic protection amounts to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "RuleJson", into = "RuleJson")]
pub struct Rule {
    /// GitHub's `type`.
    pub name: String,
    /// What it asks for.
    pub kind: RuleKind,
    /// `parameters` as it came; `None` when the key was absent.
    pub parameters: Option<Value>,
}

/// GitHub's form of a rule.
#[derive(Clone, Serialize, Deserialize)]
struct RuleJson {
    r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameters: Option<Value>,
}

/// What a rule asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// Only who bypasses creates matching refs.
    Creation,
    /// Only who bypasses updates matching refs.
    Update(Update),
    /// Only who bypasses deletes matching refs.
    Deletion,
    /// No merge commits.
    RequiredLinearHistory,
    /// Merges go through a queue.
    MergeQueue(MergeQueue),
    /// Deployments succeed first.
    RequiredDeployments(RequiredDeployments),
    /// Commits are signed.
    RequiredSignatures,
    /// Changes come through a pull request.
    PullRequest(PullRequest),
    /// Checks pass first.
    RequiredStatusChecks(RequiredStatusChecks),
    /// No force pushes.
    NonFastForward,
    /// `commit_message_pattern`, `commit_author_email_pattern`, `committer_email_pattern`, `branch_name_pattern` or
    /// `tag_name_pattern`, as the name says.
    TextPattern(TextPattern),
    /// Workflows pass first.
    Workflows(Workflows),
    /// Code scanning passes first.
    CodeScanning(CodeScanning),
    /// A machine reviews.
    CopilotCodeReview(CopilotCodeReview),
    /// Licences are scanned.
    LicenseComplianceScanning,
    /// Paths that no push may change.
    FilePathRestriction(FilePathRestriction),
    /// The longest path.
    MaxFilePathLength(MaxFilePathLength),
    /// Extensions that no push may add.
    FileExtensionRestriction(FileExtensionRestriction),
    /// The largest file, in megabytes.
    MaxFileSize(MaxFileSize),
    /// Conversations are resolved before a merge. Only classic protection asks for it without a pull request.
    Conversations,
    /// A type that this program does not know.
    Unknown,
    /// A known type whose parameters are not as published.
    Unreadable {
        /// What is wrong with them.
        why: String,
    },
}

/// What a parameter object carried besides the published fields.
pub type Unpublished = BTreeMap<String, Value>;

macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type,)*
                /// Fields that the published schema does not have.
                #[serde(flatten)]
                pub unpublished: Unpublished,
            }
        )*
    };
}

parameters! {
    /// Of `update`.
    Update {
        /// A fork's branch may be brought up to date.
        #[serde(default)] update_allows_fetch_and_merge: bool,
    }
    /// Of `merge_queue`.
    MergeQueue {
        /// How long a check may take.
        check_response_timeout_minutes: u64,
        /// Which commits of a group must pass.
        grouping_strategy: Word<GroupingStrategy>,
        /// How many are built at once.
        max_entries_to_build: u64,
        /// How many are merged at once.
        max_entries_to_merge: u64,
        /// `MERGE`, `SQUASH` or `REBASE`.
        merge_method: Word<QueueMergeMethod>,
        /// How many make a group.
        min_entries_to_merge: u64,
        /// How long a group waits to fill.
        min_entries_to_merge_wait_minutes: u64,
    }
    /// Of `required_deployments`.
    RequiredDeployments {
        /// The environments' names.
        required_deployment_environments: Vec<String>,
    }
    /// Of `pull_request`.
    PullRequest {
        /// How many approvals.
        required_approving_review_count: u64,
        /// A push withdraws approvals.
        dismiss_stale_reviews_on_push: bool,
        /// Owners of changed files approve.
        require_code_owner_review: bool,
        /// Someone other than who pushed last approves.
        require_last_push_approval: bool,
        /// Conversations are resolved.
        required_review_thread_resolution: bool,
        /// `merge`, `squash`, `rebase`; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")] allowed_merge_methods: Option<Vec<String>>,
        /// Who may dismiss reviews.
        #[serde(default, skip_serializing_if = "Option::is_none")] dismissal_restriction: Option<DismissalRestriction>,
        /// Teams that approve certain files.
        #[serde(default, skip_serializing_if = "Option::is_none")] required_reviewers: Option<Vec<RequiredReviewers>>,
    }
    /// Who may dismiss reviews.
    DismissalRestriction {
        /// Whether only those named may.
        enabled: bool,
        /// Those named.
        #[serde(default)] allowed_actors: Vec<DismissalActor>,
    }
    /// One who may dismiss reviews.
    DismissalActor {
        /// Its number.
        id: i64,
        /// `User`, `Team`, `IntegrationInstallation` or `RepositoryRole`.
        r#type: String,
    }
    /// A team that approves certain files.
    RequiredReviewers {
        /// Which files.
        file_patterns: Vec<String>,
        /// How many of the team.
        minimum_approvals: u64,
        /// The team.
        reviewer: DismissalActor,
    }
    /// Of `required_status_checks`.
    RequiredStatusChecks {
        /// The checks.
        required_status_checks: Vec<StatusCheck>,
        /// The branch must be up to date first.
        strict_required_status_checks_policy: bool,
        /// A new branch needs none.
        #[serde(default, skip_serializing_if = "Option::is_none")] do_not_enforce_on_create: Option<bool>,
    }
    /// A required check.
    StatusCheck {
        /// Its name.
        context: String,
        /// The app that must report it; anyone when absent or null.
        #[serde(default, skip_serializing_if = "Option::is_none")] integration_id: Option<i64>,
    }
    /// Of the five rules about texts.
    TextPattern {
        /// `starts_with`, `ends_with`, `contains` or `regex`.
        operator: Word<Operator>,
        /// What is compared.
        pattern: String,
        /// What people read.
        #[serde(default, skip_serializing_if = "Option::is_none")] name: Option<String>,
        /// Whether it must not match.
        #[serde(default, skip_serializing_if = "Option::is_none")] negate: Option<bool>,
    }
    /// Of `workflows`.
    Workflows {
        /// The workflows.
        workflows: Vec<Workflow>,
        /// A new branch needs none.
        #[serde(default, skip_serializing_if = "Option::is_none")] do_not_enforce_on_create: Option<bool>,
    }
    /// A required workflow.
    Workflow {
        /// Its file.
        path: String,
        /// The repository it is in.
        repository_id: u64,
        /// The branch or tag it is read at.
        #[serde(default, skip_serializing_if = "Option::is_none")] r#ref: Option<String>,
        /// The commit it is read at.
        #[serde(default, skip_serializing_if = "Option::is_none")] sha: Option<String>,
    }
    /// Of `code_scanning`.
    CodeScanning {
        /// The tools.
        code_scanning_tools: Vec<CodeScanningTool>,
    }
    /// A required tool.
    CodeScanningTool {
        /// Its name.
        tool: String,
        /// `none`, `errors`, `errors_and_warnings` or `all`.
        alerts_threshold: String,
        /// `none`, `critical`, `high_or_higher`, `medium_or_higher` or `all`.
        security_alerts_threshold: String,
    }
    /// Of `copilot_code_review`.
    CopilotCodeReview {
        /// Drafts, too.
        #[serde(default, skip_serializing_if = "Option::is_none")] review_draft_pull_requests: Option<bool>,
        /// Each push, too.
        #[serde(default, skip_serializing_if = "Option::is_none")] review_on_push: Option<bool>,
    }
    /// Of `file_path_restriction`.
    FilePathRestriction {
        /// The patterns.
        restricted_file_paths: Vec<String>,
    }
    /// Of `max_file_path_length`.
    MaxFilePathLength {
        /// In characters.
        max_file_path_length: u64,
    }
    /// Of `file_extension_restriction`.
    FileExtensionRestriction {
        /// The extensions.
        restricted_file_extensions: Vec<String>,
    }
    /// Of `max_file_size`.
    MaxFileSize {
        /// In megabytes.
        max_file_size: u64,
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident ($case:literal) { $($(#[$variant_doc:meta])* $variant:ident,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(rename_all = $case)]
            pub enum $name { $($(#[$variant_doc])* $variant,)* }
        )*
    };
}
pub(super) use words;

words! {
    /// Which commits of a merge queue's group must pass.
    GroupingStrategy("UPPERCASE") {
        /// All.
        #[serde(rename = "ALLGREEN")]
        AllGreen,
        /// The last one.
        #[serde(rename = "HEADGREEN")]
        HeadGreen,
    }
    /// How a merge queue merges.
    QueueMergeMethod("UPPERCASE") {
        /// By a merge commit.
        Merge,
        /// By one commit.
        Squash,
        /// Commit by commit.
        Rebase,
    }
    /// How a text is compared.
    Operator("snake_case") {
        /// At its start.
        StartsWith,
        /// At its end.
        EndsWith,
        /// Anywhere.
        Contains,
        /// By a regular expression.
        Regex,
    }
}

impl Default for Word<GroupingStrategy> {
    fn default() -> Self {
        Word::Known(GroupingStrategy::AllGreen)
    }
}

impl Default for Word<QueueMergeMethod> {
    fn default() -> Self {
        Word::Known(QueueMergeMethod::Merge)
    }
}

impl Default for Word<Operator> {
    fn default() -> Self {
        Word::Known(Operator::StartsWith)
    }
}

impl Rule {
    /// The rule that an answer holds. What is not as published becomes [`RuleKind::Unknown`] or [`RuleKind::Unreadable`].
    pub fn new(name: impl Into<String>, parameters: Option<Value>) -> Rule {
        let name = name.into();
        let kind = RuleKind::read(&name, parameters.as_ref()).unwrap_or_else(|why| RuleKind::Unreadable { why });
        Rule { name, kind, parameters }
    }

    /// Whether this program knows what the rule asks for.
    pub fn is_understood(&self) -> bool {
        !matches!(self.kind, RuleKind::Unknown | RuleKind::Unreadable { .. })
    }

    /// What in it this program does not know: `type`, or the fields of its parameters, as paths.
    pub fn unknown(&self) -> Vec<String> {
        match &self.kind {
            RuleKind::Unknown => vec![format!("type `{}`", self.name)],
            RuleKind::Unreadable { why } => vec![format!("parameters of `{}`: {why}", self.name)],
            kind => {
                let mut found = Vec::new();
                kind.unknown(&mut |path| found.push(format!("`{}` of `{}`", path, self.name)));
                found
            }
        }
    }
}

/// The types that have no parameters.
const SWITCHES: &[(&str, RuleKind)] = &[
    ("creation", RuleKind::Creation),
    ("deletion", RuleKind::Deletion),
    ("required_linear_history", RuleKind::RequiredLinearHistory),
    ("required_signatures", RuleKind::RequiredSignatures),
    ("non_fast_forward", RuleKind::NonFastForward),
    ("license_compliance_scanning", RuleKind::LicenseComplianceScanning),
];

/// Who may dismiss reviews.
const DISMISSERS: &[&str] = &["User", "Team", "IntegrationInstallation", "RepositoryRole"];
/// From which alert on code scanning stops a merge.
const ALERTS: &[&str] = &["none", "errors", "errors_and_warnings", "all"];
/// The same for security alerts.
const SECURITY_ALERTS: &[&str] = &["none", "critical", "high_or_higher", "medium_or_higher", "all"];

impl RuleKind {
    fn read(name: &str, parameters: Option<&Value>) -> Result<RuleKind, String> {
        if let Some((_, kind)) = SWITCHES.iter().find(|(switch, _)| *switch == name) {
            return match parameters {
                None | Some(Value::Null) => Ok(kind.clone()),
                Some(Value::Object(object)) if object.is_empty() => Ok(kind.clone()),
                Some(_) => Err("there should be none".to_owned()),
            };
        }
        fn typed<T: DeserializeOwned>(parameters: Option<&Value>) -> Result<T, String> {
            let parameters = parameters.filter(|value| !value.is_null()).cloned().unwrap_or_else(|| Value::Object(Map::new()));
            serde_json::from_value(parameters).map_err(|error| error.to_string())
        }
        Ok(match name {
            "update" => RuleKind::Update(typed(parameters)?),
            "merge_queue" => RuleKind::MergeQueue(typed(parameters)?),
            "required_deployments" => RuleKind::RequiredDeployments(typed(parameters)?),
            "pull_request" => RuleKind::PullRequest(typed(parameters)?),
            "required_status_checks" => RuleKind::RequiredStatusChecks(typed(parameters)?),
            "commit_message_pattern"
            | "commit_author_email_pattern"
            | "committer_email_pattern"
            | "branch_name_pattern"
            | "tag_name_pattern" => RuleKind::TextPattern(typed(parameters)?),
            "workflows" => RuleKind::Workflows(typed(parameters)?),
            "code_scanning" => RuleKind::CodeScanning(typed(parameters)?),
            "copilot_code_review" => RuleKind::CopilotCodeReview(typed(parameters)?),
            "file_path_restriction" => RuleKind::FilePathRestriction(typed(parameters)?),
            "max_file_path_length" => RuleKind::MaxFilePathLength(typed(parameters)?),
            "file_extension_restriction" => RuleKind::FileExtensionRestriction(typed(parameters)?),
            "max_file_size" => RuleKind::MaxFileSize(typed(parameters)?),
            _ => RuleKind::Unknown,
        })
    }

    /// Names every unpublished field and unknown word, as paths like `required_reviewers[0].weight`.
    fn unknown(&self, report: &mut dyn FnMut(String)) {
        fn fields(at: &str, unpublished: &Unpublished, report: &mut dyn FnMut(String)) {
            for key in unpublished.keys() {
                report(format!("{at}{key}"));
            }
        }
        fn one_of(at: &str, word: &str, known: &[&str], report: &mut dyn FnMut(String)) {
            if !known.contains(&word) {
                report(format!("{at}: {word}"));
            }
        }
        match self {
            RuleKind::Update(parameters) => fields("", &parameters.unpublished, report),
            RuleKind::MergeQueue(parameters) => {
                fields("", &parameters.unpublished, report);
                if let Word::Unknown(word) = &parameters.grouping_strategy {
                    report(format!("grouping_strategy: {word}"));
                }
                if let Word::Unknown(word) = &parameters.merge_method {
                    report(format!("merge_method: {word}"));
                }
            }
            RuleKind::RequiredDeployments(parameters) => fields("", &parameters.unpublished, report),
            RuleKind::PullRequest(parameters) => {
                fields("", &parameters.unpublished, report);
                for method in parameters.allowed_merge_methods.iter().flatten() {
                    one_of("allowed_merge_methods", method, &["merge", "squash", "rebase"], report);
                }
                if let Some(restriction) = &parameters.dismissal_restriction {
                    fields("dismissal_restriction.", &restriction.unpublished, report);
                    for (index, actor) in restriction.allowed_actors.iter().enumerate() {
                        let at = format!("dismissal_restriction.allowed_actors[{index}].");
                        fields(&at, &actor.unpublished, report);
                        one_of(&format!("{at}type"), &actor.r#type, DISMISSERS, report);
                    }
                }
                for (index, reviewers) in parameters.required_reviewers.iter().flatten().enumerate() {
                    fields(&format!("required_reviewers[{index}]."), &reviewers.unpublished, report);
                    let at = format!("required_reviewers[{index}].reviewer.");
                    fields(&at, &reviewers.reviewer.unpublished, report);
                    one_of(&format!("{at}type"), &reviewers.reviewer.r#type, &["Team"], report);
                }
            }
            RuleKind::RequiredStatusChecks(parameters) => {
                fields("", &parameters.unpublished, report);
                for (index, check) in parameters.required_status_checks.iter().enumerate() {
                    fields(&format!("required_status_checks[{index}]."), &check.unpublished, report);
                }
            }
            RuleKind::TextPattern(parameters) => {
                fields("", &parameters.unpublished, report);
                if let Word::Unknown(word) = &parameters.operator {
                    report(format!("operator: {word}"));
                }
            }
            RuleKind::Workflows(parameters) => {
                fields("", &parameters.unpublished, report);
                for (index, workflow) in parameters.workflows.iter().enumerate() {
                    fields(&format!("workflows[{index}]."), &workflow.unpublished, report);
                }
            }
            RuleKind::CodeScanning(parameters) => {
                fields("", &parameters.unpublished, report);
                for (index, tool) in parameters.code_scanning_tools.iter().enumerate() {
                    let at = format!("code_scanning_tools[{index}].");
                    fields(&at, &tool.unpublished, report);
                    one_of(&format!("{at}alerts_threshold"), &tool.alerts_threshold, ALERTS, report);
                    one_of(&format!("{at}security_alerts_threshold"), &tool.security_alerts_threshold, SECURITY_ALERTS, report);
                }
            }
            RuleKind::CopilotCodeReview(parameters) => fields("", &parameters.unpublished, report),
            RuleKind::FilePathRestriction(parameters) => fields("", &parameters.unpublished, report),
            RuleKind::MaxFilePathLength(parameters) => fields("", &parameters.unpublished, report),
            RuleKind::FileExtensionRestriction(parameters) => fields("", &parameters.unpublished, report),
            RuleKind::MaxFileSize(parameters) => fields("", &parameters.unpublished, report),
            RuleKind::Creation
            | RuleKind::Deletion
            | RuleKind::RequiredLinearHistory
            | RuleKind::RequiredSignatures
            | RuleKind::NonFastForward
            | RuleKind::LicenseComplianceScanning
            | RuleKind::Conversations
            | RuleKind::Unknown
            | RuleKind::Unreadable { .. } => {}
        }
    }
}

impl From<RuleJson> for Rule {
    fn from(json: RuleJson) -> Rule {
        Rule::new(json.r#type, json.parameters)
    }
}

impl From<Rule> for RuleJson {
    fn from(rule: Rule) -> RuleJson {
        RuleJson { r#type: rule.name, parameters: rule.parameters }
    }
}
