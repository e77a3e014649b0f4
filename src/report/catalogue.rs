//! The documentation of the checks, made of their own words: `docs/checks.md`, and what `explain` prints.

use super::text;
use crate::audit::{self, Check};
use crate::github::part::Part;

/// Every part, in the order of the documentation, with the permission of a fine-grained token that shows it.
const PARTS: &[(Part, &str, &str, &str)] = &[
    (
        Part::Index,
        "index",
        "names, classic protection, which rulesets apply",
        "`metadata=read`; classic protection `administration=read`",
    ),
    (
        Part::Rulesets,
        "rulesets",
        "what rulesets say",
        "`metadata=read`; who bypasses `administration=write`, for an organization's `organization_administration=write`",
    ),
    (Part::Codeowners, "codeowners", "CODEOWNERS and its errors", "`contents=read`"),
    (Part::Workflows, "workflows", "the workflow files", "`contents=read`"),
    (Part::Refs, "refs", "names of branches and tags", "`contents=read`"),
    (Part::Releases, "releases", "the newest releases", "`contents=read`"),
    (
        Part::Reported,
        "reported",
        "what the last merged pull requests reported",
        "`pull_requests=read`, `checks=read`, `statuses=read`",
    ),
    (Part::People, "people", "who has access", "`metadata=read`; whence `administration=read`"),
    (Part::Keys, "keys", "deploy keys", "`administration=read`"),
    (Part::Environments, "environments", "deployment environments", "`actions=read`"),
    (Part::WorkflowPermissions, "workflow permissions", "what workflows may do", "`administration=read`"),
    (Part::SecondWitness, "second witness", "whether anything protects the default branch", "`contents=read`"),
    (
        Part::RuleSuites,
        "rule suites",
        "what rulesets decided lately",
        "`administration=write`, for an organization `organization_administration=write`",
    ),
    (
        Part::RulesetVersions,
        "ruleset versions",
        "who changed rulesets, and when",
        "`administration=write`, for an organization `organization_administration=write`",
    ),
    (
        Part::OwnerRuleSuites,
        "organization rule suites",
        "what the organization's rulesets decided lately",
        "`organization_administration=write`",
    ),
    (
        Part::OrgActions,
        "organization workflow permissions",
        "what workflows of the organization may do",
        "`organization_administration=read`",
    ),
    (Part::Teams, "teams", "the organization's teams", "`members=read`"),
    (Part::TeamMembers, "team members", "who is in them", "`members=read`"),
    (Part::Installations, "installations", "installed apps", "`organization_administration=read`"),
    (Part::CustomRoles, "custom roles", "roles that the organization made", "`organization_custom_roles=read`"),
    (Part::Properties, "properties", "custom properties", "`organization_custom_properties=read`"),
    (Part::Members, "members", "the organization's owners, members and base permission", "`members=read`"),
    (
        Part::OwnerRulesets,
        "organization rulesets",
        "the organization's own list of rulesets",
        "`organization_administration=write`",
    ),
];

fn part(part: Part) -> Option<&'static (Part, &'static str, &'static str, &'static str)> {
    PARTS.iter().find(|(own, ..)| *own == part)
}

fn reads(check: &Check) -> String {
    let names: Vec<_> = check.reads.iter().filter_map(|read| part(*read)).map(|(_, name, ..)| *name).collect();
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
    let needs: Vec<_> = check.reads.iter().filter_map(|read| part(*read)).collect();
    if !needs.is_empty() {
        text += "\nA fine-grained token needs, to read\n";
        for (_, name, _, permission) in needs {
            text += &format!("  {name}: {}\n", permission.replace('`', ""));
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
    text +=
        "| part | what it is | requests | permissions of a fine-grained token or an app | needed by |\n|---|---|---|---|---|\n";
    for (part, name, what, permission) in PARTS {
        let checks: Vec<_> =
            audit::all().filter(|check| check.reads.contains(part)).map(|check| format!("`{}`", check.id)).collect();
        let needed = match part {
            Part::Index | Part::Rulesets => "every run".to_owned(),
            _ => checks.join(", "),
        };
        text += &format!("| {name} | {what} | {} | {permission} | {needed} |\n", part.requests_a_repository());
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

A run asks only for what its checks need.

";
