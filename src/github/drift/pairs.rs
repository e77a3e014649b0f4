//! Which live ruleset is meant by which of the policy's: the one of its name and target, else one that is the same in
//! everything but its name.

use serde_json::json;

use super::{Difference, Direction, of_ruleset};
use crate::github::desired::{Desired, DesiredRuleset};
use crate::github::owner::Owner;
use crate::github::readable::{Cause, Hidden};
use crate::github::repository::Repository;
use crate::github::ruleset::{Level, Ruleset};
use crate::github::word::Word;

/// The policy's rulesets beside GitHub's.
#[derive(Debug)]
pub struct Pairs<'a> {
    /// The policy's, in its order, each with GitHub's, if there is one.
    pub wanted: Vec<(&'a DesiredRuleset, Option<Live<'a>>)>,
    /// Those of GitHub's that the policy does not know, by name.
    pub unmanaged: Vec<&'a Ruleset>,
    /// Those of which can't be told whether they are of this place.
    pub strange: Vec<(&'a Ruleset, Hidden)>,
}

/// A ruleset that there is, with what differs from the one that there should be.
#[derive(Debug)]
pub struct Live<'a> {
    /// GitHub's.
    pub ruleset: &'a Ruleset,
    /// What differs; that it has another name is the only difference of one that was found by what it says.
    pub differences: Vec<Difference>,
}

/// Pairs what there should be with what there is in the place that `desired` is about.
///
/// # Errors
/// The list of rulesets is hidden.
pub fn pair<'a>(desired: &'a Desired, owner: &'a Owner, repository: Option<&'a Repository>) -> Result<Pairs<'a>, Hidden> {
    let list = match (desired.level, repository) {
        (Level::Repository, Some(repository)) => &repository.rulesets,
        _ => &owner.rulesets,
    };
    let mut free: Vec<&Ruleset> = Vec::new();
    let mut strange = Vec::new();
    for ruleset in list.read().map_err(Clone::clone)?.iter().map(AsRef::as_ref) {
        match &ruleset.source_type {
            // A fork lists the push rulesets of the repository that it comes from.
            Word::Known(level) if *level == desired.level && ruleset.source.eq_ignore_ascii_case(&desired.target) => {
                free.push(ruleset);
            }
            Word::Known(_) => {}
            Word::Unknown(word) => {
                strange.push((ruleset, Hidden::new(Cause::Unknown, format!("it is of the unknown level `{word}`"))));
            }
        }
    }
    free.sort_by_key(|ruleset| ruleset.id);
    let mut wanted: Vec<(&DesiredRuleset, Option<Live>)> =
        desired.rulesets.iter().map(|ruleset| (ruleset, take_named(ruleset, &mut free, owner, repository))).collect();
    free.retain(|live| !desired.left_out.has_ruleset(live));
    for (ruleset, live) in wanted.iter_mut().filter(|(_, live)| live.is_none()) {
        *live = take_renamed(desired, ruleset, &mut free, owner, repository);
    }
    free.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(Pairs { wanted, unmanaged: free, strange })
}

/// The live ruleset of the same name and target. Of several the most alike is taken.
fn take_named<'a>(
    wanted: &DesiredRuleset,
    free: &mut Vec<&'a Ruleset>,
    owner: &Owner,
    repository: Option<&Repository>,
) -> Option<Live<'a>> {
    let named = free.iter().enumerate().filter(|(_, live)| live.name == wanted.name);
    let matching = named.filter(|(_, live)| live.target.known().is_none_or(|target| *target == wanted.target));
    let (_, _, index, differences) = matching
        .map(|(index, live)| {
            let differences = of_ruleset(wanted, live, owner, repository);
            let weaker = differences.iter().filter(|found| found.direction <= Direction::CannotTell).count();
            (weaker, differences.len(), index, differences)
        })
        .min_by_key(|(weaker, all, index, _)| (*weaker, *all, *index))?;
    Some(Live { ruleset: free.remove(index), differences })
}

/// One that the policy does not name and that says the same.
fn take_renamed<'a>(
    desired: &Desired,
    wanted: &DesiredRuleset,
    free: &mut Vec<&'a Ruleset>,
    owner: &Owner,
    repository: Option<&Repository>,
) -> Option<Live<'a>> {
    let index = free.iter().position(|live| {
        live.target.is(&wanted.target)
            && !desired.rulesets.iter().any(|other| other.name == live.name)
            && of_ruleset(wanted, live, owner, repository).is_empty()
    })?;
    let ruleset = free.remove(index);
    let differences = vec![Difference {
        ruleset: wanted.name.clone(),
        classic: false,
        field: "name".to_owned(),
        desired: Some(json!(wanted.name)),
        live: Some(json!(ruleset.name)),
        direction: Direction::Different,
        why: None,
        at: wanted.at,
    }];
    Some(Live { ruleset, differences })
}
