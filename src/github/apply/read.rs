//! Reading a thing as it is now.

use serde_json::Value;

use super::{Apply, Now, Seen};
use crate::github::live::Where;
use crate::github::plan::{Change, Kind, Reliance, Thing, state};
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::Repository;
use crate::github::ruleset::Ruleset;

impl Apply<'_> {
    /// The thing as it is now. `from` and `to` are its states before and after what is being done: a ruleset whose number is not
    /// known, because it is not there yet or because the answer that told it was lost, is known by them.
    pub(super) async fn read(
        &self,
        thing: &Thing,
        id: Option<&str>,
        from: Option<&Value>,
        to: Option<&Value>,
    ) -> Result<Seen, Hidden> {
        let alone = |now| Seen { now, repository: None };
        let at = Where::of(&thing.target);
        match thing.kind {
            Kind::Ruleset => {
                let number = id.and_then(|id| id.parse::<u64>().ok());
                if let Some(number) = number {
                    if let Some(ruleset) = self.reader.ruleset_now(at, number).await? {
                        return now(&ruleset).map(|now| alone(Some(now)));
                    }
                    // It is gone, as it should be; another one of its name is another one.
                    if to.is_none() {
                        return Ok(alone(None));
                    }
                }
                let named = self.reader.rulesets_named(at, &name_of(thing, to.or(from))).await?;
                let target = to.or(from).and_then(|state| state.get("target"));
                let of_target = |now: &Now| target.is_none_or(|target| now.state.get("target") == Some(target));
                let mut all = named.iter().map(now).collect::<Result<Vec<Now>, Hidden>>()?;
                all.retain(of_target);
                let is = |expected: Option<&Value>, now: &Now| {
                    expected.is_some_and(|expected| state::is_same(Kind::Ruleset, expected, &now.state))
                };
                let ours = all.iter().position(|now| is(to, now)).or_else(|| all.iter().position(|now| is(from, now)));
                // One that was never numbered, and is in the way.
                let other = if number.is_none() && !all.is_empty() { Some(0) } else { None };
                Ok(alone(ours.or(other).and_then(|index| all.into_iter().nth(index))))
            }
            Kind::BranchProtection => {
                let Some((owner, name)) = thing.repository() else {
                    return Err(Hidden::new(Cause::Unknown, "an organization has no branch protections"));
                };
                let repository = self.reader.repository_now(owner, name, &thing.name).await?;
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

impl Apply<'_> {
    /// What a change relies on and is not as it must be.
    pub(super) async fn missing(&self, change: &Change, repository: Option<&Repository>) -> Result<Vec<String>, Hidden> {
        let mut missing = Vec::new();
        if change.without_merge_queue {
            let has = match repository {
                Some(repository) => self.reader.has_merge_queue(repository, &change.thing.name).await,
                None => Readable::hidden(Cause::Unknown, "an organization has no branch protections"),
            };
            if *has.read().map_err(Clone::clone)? {
                missing.push(format!("the branch `{}` has a merge queue now, which no ruleset asks for", change.thing.name));
            }
        }
        for Reliance { ruleset, id, fingerprint } in &change.relies_on {
            let at = Where::of(&ruleset.target);
            let live = match id {
                Some(id) => self.reader.ruleset_now(at, *id).await?.into_iter().collect(),
                None => self.reader.rulesets_named(at, &ruleset.name).await?,
            };
            let is_so = |live: &Ruleset| {
                let state = state::of_ruleset(live)?;
                Ok::<bool, Hidden>(state::fingerprint(Kind::Ruleset, Some(&state)) == *fingerprint)
            };
            let found = live.iter().map(is_so).collect::<Result<Vec<bool>, Hidden>>()?;
            if !found.contains(&true) {
                missing.push(format!("{ruleset}, without which it must not go"));
            }
        }
        Ok(missing)
    }
}

/// The name that a ruleset has in a state: a change may rename it.
fn name_of(thing: &Thing, state: Option<&Value>) -> String {
    state.and_then(|state| state.get("name")).and_then(Value::as_str).unwrap_or(&thing.name).to_owned()
}

fn now(ruleset: &Ruleset) -> Result<Now, Hidden> {
    // What this program does not know would be lost by writing it whole.
    if let Some(what) = ruleset.unknown().into_iter().next() {
        let why = format!("ruleset `{}` has something that this program does not know: {what}", ruleset.name);
        return Err(Hidden::new(Cause::Unknown, why));
    }
    Ok(Now { id: ruleset.id.to_string(), state: state::of_ruleset(ruleset)? })
}
