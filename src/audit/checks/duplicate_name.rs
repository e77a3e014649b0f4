//! `duplicate-name`: two rulesets of one repository or organization have the same name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::audit::{Check, Findings, Look, Looked, OwnerScene, Place, RepositoryScene, Severity};
use crate::github::part::Part;
use crate::github::readable::Readable;
use crate::github::ruleset::Ruleset;

pub(super) static CHECK: Check = Check {
    id: "duplicate-name",
    severity: Severity::Low,
    summary: "several rulesets have one name",
    why: "Refusals, insights and people call a ruleset by its name, so one is changed or trusted where the other was meant.",
    fix: "rename one of them, or make them one",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/managing-rulesets-for-a-repository",
    reads: &[Part::OwnerRulesets],
    looks: &[Look::Owner(owner), Look::Repository(repository)],
};

fn owner(scene: &OwnerScene<'_>, findings: &mut Findings) -> Looked {
    look(&scene.context.owner.rulesets, findings)
}

fn repository(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    look(&scene.repository.rulesets, findings)
}

/// A repository's list has its organization's rulesets, too; what is found of those is one finding wherever it is met.
fn look(rulesets: &Readable<Vec<Arc<Ruleset>>>, findings: &mut Findings) -> Looked {
    let mut named: BTreeMap<(String, &str, &str), Vec<&Ruleset>> = BTreeMap::new();
    for ruleset in rulesets.read().map_err(Clone::clone)? {
        named.entry((ruleset.source_type.to_string(), &ruleset.source, &ruleset.name)).or_default().push(ruleset);
    }
    for ((_, _, name), same) in named {
        if let [first, _, ..] = same.as_slice() {
            let mut place = Place::ruleset(first);
            place.url = None;
            findings.add(place, "", format!("{} rulesets are named `{name}`", same.len()));
        }
    }
    Ok(())
}
