//! The documentation of the checks, made of their own words: `docs/checks.md`, and what `explain` prints.

use super::text;
use crate::audit::{self, Check};
use crate::github::part::Part;

/// What a part is, in a few words.
fn what(part: Part) -> &'static str {
    match part {
        Part::Index => "names, classic protection, which rulesets apply",
        Part::Rulesets => "what rulesets say",
        Part::Codeowners => "CODEOWNERS and its errors",
        Part::Workflows => "the workflow files",
        Part::Refs => "names of branches and tags",
        Part::Releases => "the newest releases",
        Part::Reported => "what the last merged pull requests reported",
        Part::People => "who has access",
        Part::Keys => "deploy keys",
        Part::Environments => "deployment environments",
        Part::WorkflowPermissions => "what workflows of a repository may do",
        Part::SecondWitness => "whether anything protects the default branch",
        Part::Pins => "which app must report a check of classic protection, where GraphQL shows none",
        Part::ReleaseTargets => "which branch each of the newest releases was made from",
        Part::MergeQueues => {
            "whether branches with a classic protection of their own have a merge queue, for `plan --migrate` and `import`"
        }
        Part::RuleSuites => "what rulesets decided lately",
        Part::RulesetVersions => "who changed rulesets, and when",
        Part::Properties => "custom properties",
        Part::OwnerRulesets => "the organization's own list of rulesets",
        Part::OwnerRuleSuites => "what the organization's rulesets decided lately",
        Part::Teams => "the organization's teams",
        Part::TeamMembers => "who is in them",
        Part::Members => "the organization's owners, members and base permission",
        Part::Installations => "installed apps",
        Part::CustomRoles => "roles that the organization made",
        Part::OrgActions => "what workflows of the organization may do",
    }
}

/// A part's name, as people read it.
fn name(part: Part) -> String {
    part.name().replace('_', " ")
}

fn reads(check: &Check) -> String {
    let names: Vec<_> = check.reads.iter().map(|part| name(*part)).collect();
    if names.is_empty() { "the index".to_owned() } else { names.join(", ") }
}

/// One check, for a terminal.
pub fn explain(check: &Check) -> String {
    let mut text = format!(
        "{} ({})\n\n{}\n{}\n\nfix:   {}\nreads: {}\nsee:   {}\n",
        check.id,
        check.severity.as_str(),
        text::sentence(check.summary),
        check.why,
        check.fix,
        reads(check),
        check.link
    );
    if !check.reads.is_empty() {
        text += "\nA fine-grained token needs, to read\n";
        for part in check.reads {
            text += &format!("  {}: {}\n", name(*part), part.permission());
        }
    }
    text
}

/// `docs/checks.md`.
pub fn markdown() -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut text = String::from(HEAD);
    text += "| check | severity | finds |\n|---|---|---|\n";
    for check in audit::all() {
        text += &format!("| [`{0}`](#{0}) | {1} | {2} |\n", check.id, check.severity.as_str(), cell(check.summary));
    }
    for check in audit::all() {
        text += &format!(
            "\n## {}\n\n{} {}\n\n*Severity:* {}. *Reads:* {}.\n\n*Fix:* {}\n\n[GitHub's documentation]({})\n",
            check.id,
            text::sentence(check.summary),
            check.why,
            check.severity.as_str(),
            reads(check),
            text::sentence(check.fix),
            check.link
        );
    }
    text += COST;
    for part in Part::ALL {
        let checks: Vec<_> =
            audit::all().filter(|check| check.reads.contains(&part)).map(|check| format!("`{}`", check.id)).collect();
        let needed = match part {
            Part::Index | Part::Rulesets => "every run".to_owned(),
            _ => checks.join(", "),
        };
        let (cost, permission) = (part.requests_a_repository(), part.permission());
        text += &format!("| {} | {} | {cost} | {permission} | {needed} |\n", name(part), what(part));
    }
    text
}

const HEAD: &str = "# The checks

`refwarden github audit` asks these of every repository, ruleset and owner it reads. Each has three answers: it holds, it found
something, or it cannot tell, with the permission that would show what is hidden. `--only` and `--skip` choose among them, and
`refwarden github explain CHECK` prints one.

A finding can be worse or milder than its check's severity; then its message says why. `exempt-expired` and `exempt-unused` look
at the policy's `[[exempt]]`, and run when there is a policy.

This file is written by the program; a test holds that it is what the program says.

";

const COST: &str = "
## What reading costs

A run asks only for what its checks need. Classic protection takes `administration=read`, and who bypasses a ruleset
`administration=write` (an organization's: `organization_administration=write`), because GitHub shows that only to whoever could
change it; nothing is ever changed.

| part | what it is | requests | permissions of a fine-grained token or an app | needed by |
|---|---|---|---|---|
";
