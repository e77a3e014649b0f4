//! `page-truncated`: only a part of something was read.
//!
//! GitHub answers in pages, and some lists end without saying that there is more. What was not asked for, and what the plan
//! does not have, was not cut short; for what could not be read at all, one reason for each repository stands for the rest,
//! because the checks that need it name each.

use crate::audit::gaps::{self, Gap};
use crate::audit::{Check, Findings, Look, Looked, OwnerScene, Place, RepositoryScene, RulesetScene, Severity};
use crate::github::effective::Source;
use crate::github::part::Part;
use crate::github::{Cause, Hidden};

pub(super) static CHECK: Check = Check {
    id: "page-truncated",
    severity: Severity::Medium,
    summary: "only a part of a list was read",
    why: "What stands on the pages that were not read may be what matters: one more bypasser, one more pattern.",
    fix: "run again; if it stays, shorten the list",
    link: "https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api",
    reads: &[Part::OwnerRulesets],
    looks: &[Look::Owner(look_at_owner), Look::Ruleset(look_at_ruleset), Look::Repository(look)],
};

/// More than this many people, teams and apps can't be written to a classic rule, and REST shows no more.
const ALLOWANCES: usize = 100;

fn look_at_owner(scene: &OwnerScene<'_>, findings: &mut Findings) -> Looked {
    let owner = scene.context.owner;
    report(&Place::target(&owner.login), gaps::of_owner(owner), findings)
}

fn look_at_ruleset(scene: &RulesetScene<'_>, findings: &mut Findings) -> Looked {
    report(&Place::ruleset(scene.ruleset), gaps::of_ruleset(scene.ruleset), findings)
}

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    for protection in scene.repository.protections.known().into_iter().flatten() {
        for (field, list) in gaps::allowances(protection) {
            let place = scene.place().source(&Source::classic(protection)).field(field);
            let Some(named) = list.known().map(Vec::len) else { continue };
            if named > ALLOWANCES {
                let message = format!("`{field}` names {named}, more than the {ALLOWANCES} that GitHub lists and writes at once");
                findings.add(place, field, message).severity(Severity::Low).fix("name a team instead of its members");
            } else if named == ALLOWANCES && protection.id.is_empty() {
                // Read by REST, which has no more pages for it.
                let why = format!("`{field}` names {named}, and GitHub lists no more: there may be others");
                findings.cannot_tell(place, &Hidden::new(Cause::Partial, why));
            }
        }
    }
    report(&scene.place(), gaps::of_repository(scene.repository), findings)
}

fn report(place: &Place, gaps: Vec<Gap<'_>>, findings: &mut Findings) -> Looked {
    let mut unread = Ok(());
    for gap in gaps {
        let mut place = place.clone().field(&gap.field);
        if let Some(source) = &gap.source {
            place = place.source(source);
        }
        match gap.why.cause {
            Cause::Partial => {
                findings.add(place, &gap.field, format!("only a part of `{}` was read: {}", gap.field, gap.why));
            }
            Cause::NotAsked | Cause::NotOffered => {}
            Cause::NotPermitted | Cause::Failed | Cause::Unknown => {
                unread = unread.and_then(|()| Err(gap.why.clone()));
            }
        }
    }
    unread
}
