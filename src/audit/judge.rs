//! Runs checks and gathers what they say.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::checks::not_seen;
use super::drift::{Compared, Drift, NotBound};
use super::exempt::{self, Extent};
use super::finding::{CannotTell, Finding, Findings, Place};
use super::protected::{Protected, protected};
use super::scene::{Context, OwnerScene, PolicyScene, RepositoryScene, RulesetScene, RunScene};
use super::{Check, Look};
use crate::github::effective::Effective;
use crate::github::inventory::Inventory;
use crate::github::part::Part;
use crate::github::readable::Readable;
use crate::github::repository::Repository;
use crate::github::ruleset::Ruleset;

/// The result of an audit. It holds findings, never repositories: its size follows what is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The organization or user.
    pub owner: String,
    /// When the run began, RFC 3339.
    pub at: String,
    /// What was seen.
    pub inventory: Option<Inventory>,
    /// The worst first, then by place and check.
    pub findings: Vec<Finding>,
    /// Findings that the policy exempts, with its reason.
    pub exempted: Vec<Exempted>,
    /// What could not be told.
    pub cannot_tell: Vec<CannotTell>,
    /// For each check that ran, how often it held, found something, or could not tell.
    pub checks: BTreeMap<String, Tally>,
    /// What differs from the policy, by repository and then in the policy's order. Empty without a policy for GitHub.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// What of the policy GitHub can't bind, in the policy's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_bound: Vec<NotBound>,
    /// What protects the default branch and the tags of each repository, where that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<Protected>,
}

/// A finding that the policy exempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exempted {
    /// The finding.
    pub finding: Finding,
    /// The policy's reason.
    pub reason: String,
    /// The last day, as the policy writes it.
    pub until: Option<String>,
    /// Who answers for it, as the policy writes it.
    #[serde(default)]
    pub owner: Option<String>,
}

/// How often a check held, found something, or could not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// It held.
    pub held: u64,
    /// It found something.
    pub found: u64,
    /// It could not tell.
    pub cannot_tell: u64,
}

/// An audit while it runs.
#[derive(Debug)]
pub struct Judge<'a> {
    context: Context<'a>,
    checks: Vec<&'static Check>,
    audit: Audit,
    rulesets: BTreeSet<u64>,
    fingerprints: BTreeSet<String>,
    extent: Extent,
    says_what_protects: bool,
}

/// What the checks need to be read.
pub fn parts(checks: &[&'static Check]) -> BTreeSet<Part> {
    let mut parts = BTreeSet::from([Part::Index, Part::Rulesets]);
    parts.extend(checks.iter().flat_map(|check| check.reads));
    parts
}

impl<'a> Judge<'a> {
    /// Begins with the owner, and the rulesets in its own list.
    pub fn new(context: Context<'a>, checks: Vec<&'static Check>) -> Judge<'a> {
        let audit = Audit {
            owner: context.owner.login.clone(),
            at: context.now.to_string(),
            inventory: None,
            findings: Vec::new(),
            exempted: Vec::new(),
            cannot_tell: Vec::new(),
            checks: checks.iter().map(|check| (check.id.to_owned(), Tally::default())).collect(),
            drift: Vec::new(),
            not_bound: Vec::new(),
            protected: Vec::new(),
        };
        let mut judge = Judge {
            context,
            checks,
            audit,
            rulesets: BTreeSet::new(),
            fingerprints: BTreeSet::new(),
            extent: Extent::Whole,
            says_what_protects: false,
        };
        let place = Place::target(context.owner.login.clone());
        judge.against_policy(&place, Compared::owner(&context), None);
        judge.look(&place, |look, findings| match look {
            Look::Owner(look) => Some(look(&OwnerScene { context: &context }, findings)),
            _ => None,
        });
        judge.rulesets(&place, &context.owner.rulesets, None);
        judge
    }

    /// The run looks at a part of what the policy is about.
    pub fn narrowed(&mut self) {
        self.extent = Extent::Part;
    }

    /// The result is to say what protects each repository, too, and then grows with them.
    pub fn say_what_protects(&mut self) {
        self.says_what_protects = true;
    }

    /// Looks at a repository and the rulesets that are new with it.
    pub fn repository(&mut self, repository: &Repository) {
        let context = self.context;
        let place = context.place(repository);
        self.against_policy(&place, Compared::repository(&context, repository), Some(repository));
        // Nobody can push there. A ruleset of a higher level is met elsewhere, or binds nothing that can be pushed to.
        if repository.archived || repository.disabled {
            return;
        }
        self.rulesets(&Place::target(repository.full_name()), &repository.rulesets, Some(repository));
        if repository.empty {
            return;
        }
        if self.says_what_protects {
            self.audit.protected.extend(protected(repository, context.owner));
        }
        let branches = branches(&context, repository);
        let jobs = OnceCell::new();
        let scene = RepositoryScene { context: &context, repository, branches: &branches, jobs: &jobs };
        self.look(&place, |look, findings| match look {
            Look::Repository(look) => Some(look(&scene, findings)),
            _ => None,
        });
    }

    fn against_policy(&mut self, place: &Place, compared: Option<Compared>, repository: Option<&Repository>) {
        let Some(compared) = compared else { return };
        let context = self.context;
        self.audit.drift.extend(compared.rows());
        let scene = PolicyScene { context: &context, place, repository, drift: &compared.differences };
        self.look(place, |look, findings| match look {
            Look::Policy(look) => Some(look(&scene, findings)),
            _ => None,
        });
        self.audit.not_bound.extend(compared.not_bound);
    }

    /// A list that is hidden may hold anything: every check that looks at rulesets can't tell.
    fn rulesets(&mut self, place: &Place, rulesets: &Readable<Vec<Arc<Ruleset>>>, repository: Option<&Repository>) {
        match rulesets {
            Readable::Known(rulesets) => {
                for ruleset in rulesets {
                    self.ruleset(ruleset, repository);
                }
            }
            Readable::Hidden(hidden) => self.look(place, |look, _| match look {
                Look::Ruleset(_) => Some(Err(hidden.clone())),
                _ => None,
            }),
        }
    }

    fn ruleset(&mut self, ruleset: &Ruleset, repository: Option<&Repository>) {
        if !self.rulesets.insert(ruleset.id) {
            return;
        }
        let context = self.context;
        let scene = RulesetScene { context: &context, ruleset, repository };
        self.look(&Place::ruleset(ruleset), |look, findings| match look {
            Look::Ruleset(look) => Some(look(&scene, findings)),
            _ => None,
        });
    }

    fn look(&mut self, place: &Place, mut take: impl FnMut(&Look, &mut Findings) -> Option<super::Looked>) {
        for check in &self.checks {
            let mut findings = Findings::of(check);
            let mut looked = false;
            for look in check.looks {
                if let Some(answer) = take(look, &mut findings) {
                    looked = true;
                    if let Err(hidden) = answer {
                        findings.cannot_tell(place.clone(), &hidden);
                    }
                }
            }
            if looked {
                let tally = self.audit.checks.entry(check.id.to_owned()).or_default();
                tally.found += u64::from(!findings.found.is_empty());
                tally.cannot_tell += u64::from(!findings.cannot_tell.is_empty());
                tally.held += u64::from(findings.found.is_empty() && findings.cannot_tell.is_empty());
            }
            for finding in findings.found {
                // One thing met in many repositories is one finding.
                if self.fingerprints.insert(finding.fingerprint.clone()) {
                    self.audit.findings.push(finding);
                }
            }
            self.audit.cannot_tell.extend(findings.cannot_tell);
        }
    }

    /// Ends with the looks at the whole run. The result is in order, whatever order repositories came in.
    pub fn finish(mut self, mut inventory: Inventory) -> Audit {
        let context = self.context;
        if self.checks.iter().all(|check| check.id != INVENTORY) {
            for hidden in not_seen(&RunScene { context: &context, inventory: &inventory }) {
                inventory.unread(&context.owner.login, hidden);
            }
        }
        let place = Place::target(context.owner.login.clone());
        self.look(&place, |look, findings| match look {
            Look::Run(look) => Some(look(&RunScene { context: &context, inventory: &inventory }, findings)),
            _ => None,
        });
        let mut audit = self.audit;
        audit.inventory = Some(inventory);
        if let Some(policy) = context.policy {
            let today = context.now.to_zoned(TimeZone::UTC).date();
            exempt::apply(&mut audit, policy, today, self.extent, &self.checks);
        }
        audit.exempted.sort_by(|a, b| order(&a.finding, &b.finding));
        audit.findings.sort_by(order);
        audit.protected.sort_by(|a, b| (&a.repository, &a.ref_name).cmp(&(&b.repository, &b.ref_name)));
        audit.cannot_tell.sort_by(|a, b| (&a.check, &a.place, &a.why).cmp(&(&b.check, &b.place, &b.why)));
        audit.cannot_tell.dedup();
        // Those of one repository stand in the policy's order already.
        audit.drift.sort_by(|a, b| a.repository.cmp(&b.repository));
        audit.not_bound.sort();
        audit.not_bound.dedup();
        audit
    }
}

/// The check that finds repositories that were not seen. Where it does not run, they are noted as not read.
const INVENTORY: &str = "inventory-partial";

/// The worst first, then by check and place.
fn order(a: &Finding, b: &Finding) -> Ordering {
    (b.severity, &a.check, &a.place, &a.fingerprint).cmp(&(a.severity, &b.check, &b.place, &b.fingerprint))
}

/// What binds the default branch, then every existing branch that a branch ruleset of the policy covers.
fn branches(context: &Context<'_>, repository: &Repository) -> Vec<Effective> {
    let mut names: Vec<String> = repository.default_branch.iter().map(|branch| format!("refs/heads/{}", branch.name)).collect();
    if let Some(policy) = context.policy {
        for name in repository.branches.known().into_iter().flatten() {
            let name = format!("refs/heads/{name}");
            if !names.contains(&name) && super::checks::policy_covers(policy, repository, &name) {
                names.push(name);
            }
        }
    }
    names.iter().map(|name| Effective::of(repository, context.owner, name)).collect()
}
