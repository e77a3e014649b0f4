//! Reading a thing as it is now.

use serde_json::Value;

use super::{Apply, Now, Seen};
use crate::github::live::Where;
use crate::github::plan::{Kind, Thing, state};
use crate::github::readable::{Cause, Hidden};
use crate::github::ruleset::Ruleset;

impl Apply<'_> {
    /// The thing as it is now; `None` when there is none. Without a number a ruleset is looked for by its name, and of several
    /// the one is taken that is as one of `expected`.
    pub(super) async fn read(&self, thing: &Thing, id: Option<&str>, expected: [Option<&Value>; 2]) -> Result<Seen, Hidden> {
        let alone = |now| Seen { now, repository: None };
        let at = Where::of(&thing.target);
        match thing.kind {
            Kind::Ruleset => {
                let number = id.and_then(|id| id.parse::<u64>().ok());
                let known = match number {
                    Some(number) => self.reader.ruleset_now(at, number).await?,
                    None => None,
                };
                if let Some(ruleset) = known {
                    return now(&ruleset).map(|now| alone(Some(now)));
                }
                // It was deleted, or it is not there yet; or its creation's answer was lost.
                let named = self.reader.rulesets_named(at, &thing.name).await?;
                let all = named.iter().map(now).collect::<Result<Vec<Now>, Hidden>>()?;
                let is_expected =
                    |now: &Now| expected.iter().flatten().any(|expected| state::is_same(Kind::Ruleset, expected, &now.state));
                let index = all.iter().position(is_expected).unwrap_or(0);
                Ok(alone(all.into_iter().nth(index)))
            }
            Kind::BranchProtection => {
                let Some((owner, name)) = thing.repository() else {
                    return Err(Hidden::new(Cause::Unknown, "an organization has no branch protections"));
                };
                let repository = self.reader.repository_now(owner, name).await?;
                let protections = repository.protections.read().map_err(Clone::clone)?;
                let live = protections.iter().find(|live| live.pattern == thing.name);
                let state = live.map(state::of_protection).transpose()?;
                let now = live.zip(state).map(|(live, state)| Now { id: live.id.clone(), state });
                Ok(Seen { now, repository: Some(repository) })
            }
            Kind::WorkflowPermissions => {
                let live = self.reader.workflow_permissions_now(at).await?;
                Ok(alone(Some(Now { id: String::new(), state: state::of_workflow_permissions(&live) })))
            }
        }
    }
}

fn now(ruleset: &Ruleset) -> Result<Now, Hidden> {
    // What this program does not know would be lost by writing it whole.
    if let Some(what) = ruleset.unknown().into_iter().next() {
        let why = format!("ruleset `{}` has something that this program does not know: {what}", ruleset.name);
        return Err(Hidden::new(Cause::Unknown, why));
    }
    Ok(Now { id: ruleset.id.to_string(), state: state::of_ruleset(ruleset)? })
}
