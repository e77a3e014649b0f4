//! What is different from an earlier result.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::audit::Finding;
use crate::audit::judge::Audit;

/// What is different from an earlier result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// When the earlier run began, RFC 3339.
    pub at: String,
    /// Fingerprints of findings that it did not have.
    pub new: BTreeSet<String>,
    /// Its findings that are no more. One that could not be looked for is not among them.
    pub fixed: Vec<Finding>,
}

impl Since {
    /// Compares. `same_scope` says that this run looked at everything that the earlier one looked at; where it did not,
    /// nothing is called fixed.
    pub fn compare(before: &Audit, now: &Audit, same_scope: bool) -> Since {
        let fingerprints = |audit: &Audit| -> BTreeSet<String> {
            let exempted = audit.exempted.iter().map(|exempted| &exempted.finding);
            audit.findings.iter().chain(exempted).map(|finding| finding.fingerprint.clone()).collect()
        };
        let (old, present) = (fingerprints(before), fingerprints(now));
        let unread: BTreeSet<&str> =
            now.inventory.iter().flat_map(|inventory| &inventory.unread).map(|unread| unread.what.as_str()).collect();
        let was_looked_for = |finding: &Finding| {
            same_scope
                && now.checks.contains_key(&finding.check)
                && !unread.contains(finding.place.target.as_str())
                && !now.cannot_tell.iter().any(|one| one.check == finding.check && one.place.target == finding.place.target)
        };
        Since {
            at: before.at.clone(),
            new: now.findings.iter().map(|finding| &finding.fingerprint).filter(|one| !old.contains(*one)).cloned().collect(),
            fixed: before
                .findings
                .iter()
                .filter(|finding| !present.contains(&finding.fingerprint) && was_looked_for(finding))
                .cloned()
                .collect(),
        }
    }

    /// Whether the finding is new.
    pub fn is_new(&self, finding: &Finding) -> bool {
        self.new.contains(&finding.fingerprint)
    }
}
