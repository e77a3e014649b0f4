//! What an audit amounts to, in numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::text;
use crate::audit::drift::Drift;
use crate::audit::judge::Audit;
use crate::audit::{Finding, Severity};
use crate::github::Cause;
use crate::github::drift::Direction;
use crate::github::inventory::Inventory;

/// Every severity, the worst first.
pub const SEVERITIES: [Severity; 4] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];

/// Findings of one check and severity.
#[derive(Debug)]
pub struct Group<'a> {
    /// How bad they are.
    pub severity: Severity,
    /// The check's id.
    pub check: &'a str,
    /// They, by place.
    pub findings: Vec<&'a Finding>,
}

impl Group<'_> {
    /// What the findings mean, in the check's own words; nothing for a check of another version.
    pub fn summary(&self) -> Option<&'static str> {
        crate::audit::find(self.check).map(|check| check.summary)
    }

    /// The advice that all of them share.
    pub fn fix(&self) -> Option<&str> {
        let first = self.findings.first()?.fix.as_str();
        self.findings.iter().all(|finding| finding.fix == first).then_some(first)
    }

    /// The page that all of them share.
    pub fn link(&self) -> Option<&str> {
        self.findings.first().and_then(|finding| text::link(&finding.link))
    }
}

/// The findings in groups: the worst first, then by check and place.
pub fn groups(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        groups.entry((std::cmp::Reverse(finding.severity), finding.check.as_str())).or_default().push(finding);
    }
    groups
        .into_iter()
        .map(|((severity, check), mut findings)| {
            findings.sort_by_key(|finding| (&finding.place, &finding.fingerprint));
            Group { severity: severity.0, check, findings }
        })
        .collect()
}

/// Answers that could not be told for the same reason.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// How many.
    pub answers: u64,
    /// Of which checks.
    pub checks: BTreeSet<&'a str>,
    /// For which repositories and owners.
    pub targets: BTreeSet<&'a str>,
    /// What was said, by how often.
    pub why: BTreeMap<&'a str, u64>,
}

/// What could not be told and what could not be read at all, by the permission that would show it, then by what kind of reason
/// it is.
pub fn unknown(audit: &Audit) -> BTreeMap<(Option<&str>, Cause), Unknown<'_>> {
    let mut groups: BTreeMap<_, Unknown<'_>> = BTreeMap::new();
    let told = audit.cannot_tell.iter().map(|one| (Some(one.check.as_str()), one.place.target.as_str(), &one.why));
    let unread = audit.inventory.iter().flat_map(|inventory| &inventory.unread).map(|one| (None, one.what.as_str(), &one.why));
    for (check, target, hidden) in told.chain(unread) {
        let group = groups.entry((hidden.permission.as_deref(), hidden.cause)).or_default();
        group.answers += 1;
        group.checks.extend(check);
        group.targets.insert(target);
        *group.why.entry(hidden.why.as_str()).or_default() += 1;
    }
    groups
}

/// What a reason is called.
pub fn reason(permission: Option<&str>, cause: Cause) -> String {
    if let Some(permission) = permission {
        return format!("needs the permission {}", text::plain(permission));
    }
    match cause {
        Cause::NotPermitted => "the token may not see it",
        Cause::NotOffered => "the plan, the host or the kind of account does not have it",
        Cause::NotAsked => "this run did not ask for it",
        Cause::Failed => "the request failed",
        Cause::Partial => "only a part was read",
        Cause::Unknown => "GitHub answered with something that this version does not know",
    }
    .to_owned()
}

/// Whether something could not be told or read.
pub fn is_unsure(audit: &Audit) -> bool {
    // Repositories that were not seen are no verdict, whichever checks were asked for.
    let incomplete = |inventory: &Inventory| !inventory.unread.is_empty() || inventory.is_list && !inventory.is_complete();
    !audit.cannot_tell.is_empty() || audit.inventory.as_ref().is_some_and(incomplete)
}

/// `2 critical, 1 low`; `nothing` when there is nothing.
pub fn severities(findings: &[Finding]) -> String {
    let counted: Vec<_> = SEVERITIES
        .iter()
        .map(|severity| (severity, findings.iter().filter(|finding| finding.severity == *severity).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}", severity.as_str()))
        .collect();
    if counted.is_empty() { "nothing found".to_owned() } else { counted.join(", ") }
}

/// How many things could not be told or read.
pub fn unsure(audit: &Audit) -> u64 {
    text::len(&audit.cannot_tell) + audit.inventory.as_ref().map_or(0, |inventory| text::len(&inventory.unread))
}

/// How much was looked at: `53 checks, 12 repositories`.
pub fn extent(audit: &Audit) -> String {
    let checks = text::count(u64::try_from(audit.checks.len()).unwrap_or(u64::MAX), "check");
    match &audit.inventory {
        Some(inventory) if inventory.selected == 1 => format!("{checks}, 1 repository"),
        Some(inventory) => format!("{checks}, {} repositories", inventory.selected),
        None => checks,
    }
}

/// Differences from the policy that no check speaks of: what is weaker, and what the policy does not know, are findings, which
/// the policy may exempt, and what can't be told is told. Nothing where the run does not compare.
pub fn other_drift(audit: &Audit) -> impl Iterator<Item = &Drift> {
    let compares = audit.checks.contains_key("weaker-than-policy");
    audit.drift.iter().filter(move |drift| compares && matches!(drift.direction, Direction::Different | Direction::Stronger))
}

/// A difference from the policy: which field of what, what it is, and what the policy asks for.
#[derive(Debug)]
pub struct Differs {
    /// The ruleset or branch protection.
    pub of: String,
    /// The field.
    pub field: String,
    /// What GitHub has.
    pub live: String,
    /// What the policy asks for.
    pub desired: String,
    /// Which way it goes, and why that can't be told.
    pub direction: String,
}

/// A difference, each part plain.
pub fn differs(drift: &Drift) -> Differs {
    let value = |value: &Option<serde_json::Value>| match value {
        None => "nothing".to_owned(),
        Some(serde_json::Value::String(text)) => text::plain(text).into_owned(),
        Some(value) => text::plain(&value.to_string()).into_owned(),
    };
    let direction = drift.direction.as_str().replace('_', " ");
    let why = drift.why.as_ref().map(|why| format!(": {}", text::plain(&why.to_string()))).unwrap_or_default();
    Differs {
        of: text::plain(&drift.ruleset).into_owned(),
        field: text::plain(&drift.field).into_owned(),
        live: value(&drift.live),
        desired: value(&drift.desired),
        direction: format!("{direction}{why}"),
    }
}
