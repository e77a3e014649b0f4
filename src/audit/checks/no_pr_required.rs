//! `no-pr-required`: a branch is protected and still takes direct pushes.
//!
//! A merge queue takes changes from pull requests alone, so it counts. Where an `update` rule closes the branch, only
//! those who pass it push; where nobody does, nothing is found. A branch that nothing binds is `branch-unprotected`'s.
//! On other branches than the default one a pull request is missed only if the policy asks for it there.

use crate::audit::branches::{self, Updaters};
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "no-pr-required",
    severity: Severity::Critical,
    summary: "nothing requires a pull request for the branch",
    why: "Whoever can push changes the branch directly: nobody else sees the change before it is there.",
    fix: "add a `pull_request` rule for the branch",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-a-pull-request-before-merging",
    reads: &[Part::Refs],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        if !branches::should_have(scene, effective, &["pull_request"]) {
            return Ok(());
        }
        let wanted = |name: &str| matches!(name, "pull_request" | "merge_queue");
        if effective.find(|binding| wanted(&binding.rule.name)).map_err(Clone::clone)?.is_some() {
            return Ok(());
        }
        let place = scene.place().ref_name(&effective.ref_name);
        match branches::updaters(effective)? {
            Updaters::Nobody => {}
            Updaters::Everyone => {
                findings.add(place, "", "no rule requires a pull request: whoever can push changes the branch without review");
            }
            Updaters::Only(doors) => {
                let message = "no rule requires a pull request: whoever passes the rule that closes the branch changes it without review";
                findings.add(place, "", message).severity(Severity::Medium).who(doors.iter().map(|door| &door.who));
            }
        }
        Ok(())
    })
}
