//! Exemptions: findings that the policy accepts, and exemptions that are over or of no use.
//!
//! Two checks look at the policy, not at GitHub, and run when there is one: `exempt-expired` and `exempt-unused`. They are
//! findings of the audit itself, because only it knows what every other check said.

use jiff::civil::Date;

use super::finding::{Finding, Findings, Place};
use super::judge::{Audit, Exempted, Tally};
use super::{Check, Severity};
use crate::github::{Cause, Hidden};
use crate::policy::Policy;
use crate::policy::github::Exempt;
use crate::policy::lint::{self, Level};

const LINK: &str =
    "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets";

/// An exemption's last day is over.
pub static EXPIRED: Check = Check {
    id: "exempt-expired",
    severity: Severity::Medium,
    summary: "the last day of an exemption is over",
    why: "What was accepted for a time is found again, and whoever accepted it should know that the time is over.",
    fix: "remove the exemption, or set another `until`",
    link: LINK,
    reads: &[],
    looks: &[],
};

/// An exemption accepts nothing.
pub static UNUSED: Check = Check {
    id: "exempt-unused",
    severity: Severity::Low,
    summary: "an exemption accepts nothing",
    why: "The next finding that fits it would be accepted without anyone having looked.",
    fix: "remove the exemption",
    link: LINK,
    reads: &[],
    looks: &[],
};

/// The checks that look at exemptions.
pub static EXEMPTION_CHECKS: [&Check; 2] = [&EXPIRED, &UNUSED];

/// How much of what exemptions are for a run looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything that the policy is about.
    Whole,
    /// A part: that an exemption accepts nothing can't be told.
    Part,
}

/// Moves findings that the policy exempts, and finds exemptions that are over or of no use. `checks` says which of the two
/// checks run.
pub fn apply(audit: &mut Audit, policy: &Policy, today: Date, extent: Extent, checks: &[&'static Check]) {
    let expired = |exempt: &Exempt| exempt.until.is_some_and(|until| until < today);
    let mut used = vec![false; policy.exempt.len()];
    let mut findings = Vec::with_capacity(audit.findings.len());
    for finding in std::mem::take(&mut audit.findings) {
        let mut first = None;
        for (exempt, used) in policy.exempt.iter().zip(&mut used) {
            if !expired(exempt) && accepts(exempt, &finding) {
                *used = true;
                first = first.or(Some(exempt));
            }
        }
        match first {
            Some(exempt) => audit.exempted.push(Exempted {
                finding,
                reason: exempt.reason.clone(),
                until: exempt.until.map(|until| until.to_string()),
                owner: exempt.owner.clone(),
            }),
            None => findings.push(finding),
        }
    }
    for check in checks.iter().filter(|check| EXEMPTION_CHECKS.iter().any(|own| own.id == check.id)) {
        let mut found = Findings::of(check);
        for (exempt, used) in policy.exempt.iter().zip(&used) {
            if check.id == EXPIRED.id && expired(exempt) {
                let until = exempt.until.map(|until| until.to_string()).unwrap_or_default();
                let message = format!("the exemption from `{}` ended with {until}: {}", exempt.check, exempt.reason);
                report(&mut found, audit, policy, exempt, message);
            }
            if check.id == UNUSED.id && !used && !expired(exempt) && is_looked_for(audit, exempt, extent) {
                match could_be_used(audit, exempt) {
                    Ok(()) => {
                        let message = format!("the exemption from `{}` accepts nothing: {}", exempt.check, exempt.reason);
                        report(&mut found, audit, policy, exempt, message);
                    }
                    Err(hidden) => found.cannot_tell(place(audit, policy, exempt), &hidden),
                }
            }
        }
        let tally = Tally {
            held: u64::from(found.found.is_empty() && found.cannot_tell.is_empty()),
            found: u64::from(!found.found.is_empty()),
            cannot_tell: u64::from(!found.cannot_tell.is_empty()),
        };
        audit.checks.insert(check.id.to_owned(), tally);
        findings.extend(found.found);
        audit.cannot_tell.extend(found.cannot_tell);
    }
    audit.findings = findings;
}

/// Whether an exemption is for a finding. A pattern that can't be read is for none.
fn accepts(exempt: &Exempt, finding: &Finding) -> bool {
    let (scope, target) = (&exempt.repositories, finding.place.target.as_str());
    // A pattern of repositories is for no organization: that one is named, or meant with everything.
    let is_meant = target.contains('/')
        || scope.include_all
        || scope.include_last.patterns().iter().any(|pattern| pattern.as_str().eq_ignore_ascii_case(target));
    exempt.check == finding.check && is_meant && scope.includes(target).unwrap_or(false)
}

/// Whether the run looked for what the exemption accepts: its check ran, over everything that the policy is about.
fn is_looked_for(audit: &Audit, exempt: &Exempt, extent: Extent) -> bool {
    extent == Extent::Whole && audit.checks.contains_key(&exempt.check)
}

/// That the run would have used the exemption if there were a use.
///
/// # Errors
/// Something that it is for was not read, or could not be told.
fn could_be_used(audit: &Audit, exempt: &Exempt) -> Result<(), Hidden> {
    let is_for = |target: &str| exempt.repositories.includes(target).unwrap_or(true);
    let unread = audit.inventory.iter().flat_map(|inventory| &inventory.unread).map(|unread| &unread.why);
    let untold =
        audit.cannot_tell.iter().filter(|one| one.check == exempt.check && is_for(&one.place.target)).map(|one| &one.why);
    match (audit.inventory.is_some(), unread.chain(untold).next()) {
        (true, None) => Ok(()),
        (_, why) => {
            let rest = why.map(|why| format!(": {}", why.why)).unwrap_or_default();
            let text = format!("whether the exemption from `{}` accepts anything can't be told{rest}", exempt.check);
            let nothing = Hidden::new(Cause::NotAsked, "");
            Err(Hidden { why: text, ..why.cloned().unwrap_or(nothing) })
        }
    }
}

fn place(audit: &Audit, policy: &Policy, exempt: &Exempt) -> Place {
    Place::target(audit.owner.clone()).field("exempt").file(policy.file.clone(), u64::try_from(exempt.at.line).ok())
}

fn report(found: &mut Findings, audit: &Audit, policy: &Policy, exempt: &Exempt, message: String) {
    // The file's name depends on where the program runs, so it is no part of the fingerprint; neither is the line.
    let key = format!("{} {}", exempt.check, exempt.reason);
    let finding = found.add(Place::target(audit.owner.clone()).field("exempt"), &key, message);
    finding.place = place(audit, policy, exempt);
    finding.who.extend(exempt.owner.clone());
}

/// Exemptions from checks that there are not.
pub fn lint(policy: &Policy) -> Vec<lint::Finding> {
    policy.exempt.iter().filter(|exempt| super::find(&exempt.check).is_none()).map(unknown).collect()
}

fn unknown(exempt: &Exempt) -> lint::Finding {
    let help = match super::near(&exempt.check) {
        Some(id) => format!("did you mean `{id}`?"),
        None => "`refwarden github explain` lists the checks".to_owned(),
    };
    let message = format!("no check is called `{}`", exempt.check);
    lint::Finding {
        level: Level::Warning,
        id: "unknown_check",
        message: crate::policy::problem::visible(&message).into_owned(),
        help: Some(help),
        at: exempt.at,
    }
}
