//! `reviewer-pool-too-small`: more approvals are required than there are people to give them.
//!
//! Nobody approves their own pull request, so one of those who can push is not counted; for a team that must approve
//! certain files the same holds among those of its members who can push.

use crate::audit::branches;
use crate::audit::review::{Review, approvals, counted};
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::effective::{Binding, Effective};
use crate::github::part::Part;
use crate::github::people::{Collaborator, Permission, Team};
use crate::github::rule::{PullRequest, RequiredReviewers};
use crate::github::{Cause, Hidden};

pub(super) static CHECK: Check = Check {
    id: "reviewer-pool-too-small",
    severity: Severity::Medium,
    summary: "more approvals are required than there are people to give them",
    why: "A rule that can't be satisfied is passed by a bypass, which becomes the habit.",
    fix: "give more people write access, or require fewer approvals",
    link: "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-a-pull-request-before-merging",
    reads: &[Part::Refs, Part::People, Part::Teams, Part::TeamMembers],
    looks: &[Look::Repository(look)],
};

/// How many there are for certain, and how many more there may be, whose permission is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pool {
    certain: u64,
    possible: u64,
}

impl Pool {
    fn of<'a>(people: impl Iterator<Item = &'a Collaborator>) -> Pool {
        let mut pool = Pool { certain: 0, possible: 0 };
        for person in people {
            match person.permission.known() {
                Some(permission) => pool.certain += u64::from(*permission >= Permission::Write),
                None => pool.possible += 1,
            }
        }
        pool
    }

    /// Whether one of them gets that many approvals from the others.
    fn suffices(self, approvals: u64) -> Result<bool, Hidden> {
        if self.certain > approvals {
            Ok(true)
        } else if self.certain.saturating_add(self.possible) > approvals {
            Err(Hidden::new(Cause::Unknown, "someone has a permission that this program does not know"))
        } else {
            Ok(false)
        }
    }
}

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        let Some(review) = Review::of(effective)? else {
            return Ok(());
        };
        for (parameters, binding) in effective.pull_requests() {
            teams(scene, effective, parameters, binding, findings);
        }
        if review.approvals > 0 {
            let pool = Pool::of(scene.repository.collaborators.read().map_err(Clone::clone)?.iter());
            if !pool.suffices(review.approvals)? {
                let place = scene.place().source(&review.binding.source).ref_name(&effective.ref_name);
                let people = counted(pool.certain, "person", "people");
                let message = format!(
                    "a change needs {}, and {people} can push, of whom nobody approves their own: only a bypass merges",
                    approvals(review.approvals)
                );
                findings.add(place.field("required_approving_review_count"), "", message);
                return Ok(());
            }
        }
        // What is hidden may require more.
        effective.nothing_else().map_err(Clone::clone)
    })
}

fn teams(
    scene: &RepositoryScene<'_>,
    effective: &Effective,
    parameters: &PullRequest,
    binding: &Binding,
    findings: &mut Findings,
) {
    for required in parameters.required_reviewers.iter().flatten().filter(|required| required.minimum_approvals > 0) {
        let place = scene.place().source(&binding.source).ref_name(&effective.ref_name).field("required_reviewers");
        match too_small(scene, required) {
            Ok(None) => {}
            Ok(Some((team, message))) => {
                findings.add(place, &team.slug, message).fix(format!(
                    "give more members of the team `{}` write access, or require fewer of its approvals",
                    team.slug
                ));
            }
            Err(hidden) => findings.cannot_tell(place, &hidden),
        }
    }
}

/// The team that must approve, if it is too small for that, and what to say of it.
fn too_small<'a>(
    scene: &RepositoryScene<'a>,
    required: &RequiredReviewers,
) -> Result<Option<(&'a Team, String)>, Hidden> {
    let number = required.reviewer.id;
    if required.reviewer.r#type != "Team" {
        let why = format!("a reviewer of the unknown kind `{}` is required", required.reviewer.r#type);
        return Err(Hidden::new(Cause::Unknown, why));
    }
    let teams = scene.context.owner.teams.read().map_err(Clone::clone)?;
    let team = teams
        .iter()
        .find(|team| i64::try_from(team.id) == Ok(number))
        .ok_or_else(|| Hidden::new(Cause::Unknown, format!("the required team #{number} is not among those the token sees")))?;
    let wanted = required.minimum_approvals;
    let asks = format!("a change needs {} of `team:{}`", approvals(wanted), team.slug);
    let can_push = team.members.read().map_err(Clone::clone).and_then(|members| {
        let people = scene.repository.collaborators.read().map_err(Clone::clone)?;
        let is_member = |person: &&Collaborator| members.iter().any(|member| member.eq_ignore_ascii_case(&person.login));
        let pool = Pool::of(people.iter().filter(is_member));
        Ok((pool.suffices(wanted)?, pool.certain))
    });
    let message = match can_push {
        Ok((true, _)) => return Ok(None),
        Ok((false, 0)) => format!("{asks}, of which nobody can push: only a bypass merges"),
        Ok((false, count)) => {
            let members = counted(count, "member", "members");
            format!("{asks}, of which {members} can push: what one of them writes only a bypass merges")
        }
        // Not more than its members can push.
        Err(hidden) => match team.member_count.known() {
            Some(count) if *count <= wanted => {
                let members = counted(*count, "member", "members");
                format!("{asks}, which has {members}: what one of them writes only a bypass merges")
            }
            _ => return Err(hidden),
        },
    };
    Ok(Some((team, message)))
}
