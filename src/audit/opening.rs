//! Who may do to a ref what a rule forbids where it binds: rewrite it, or delete it.

use std::collections::BTreeSet;

use crate::github::effective::{Binding, Door, Effective, Source, Who};
use crate::github::readable::{Cause, Hidden};
use crate::github::ruleset::BypassMode;
use crate::github::word::Word;

/// To whom a ref is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// To nobody, but for those who bypass a ruleset, and administrators and deploy keys that a classic rule does not bind:
    /// other checks name them.
    Closed,
    /// To whoever can push.
    Everyone,
    /// To those whom settings name.
    Only(BTreeSet<Who>),
}

/// To whom what `rule` forbids is open. `gates` are the bindings that must be passed as well.
///
/// # Errors
/// A binding of the rule may be among what is hidden, or who passes a binding is.
pub fn opening(effective: &Effective, rule: &str, gates: impl Fn(&Binding) -> bool) -> Result<Opening, Hidden> {
    let mut opening = Opening::Everyone;
    for binding in effective.of_rule(rule) {
        if matches!(binding.source, Source::Ruleset { .. }) {
            return Ok(Opening::Closed);
        }
    }
    // One classic rule binds at most.
    if let Some(binding) = effective.of_rule(rule).next() {
        let doors = binding.doors.read().map_err(Clone::clone)?;
        // A list names no roles and no keys: those pass because administrators are not bound.
        let is_listed = |who: &Who| !matches!(who, Who::Role(_) | Who::DeployKeys);
        let named: BTreeSet<Who> = doors.iter().map(|door| door.who.clone()).filter(is_listed).collect();
        if named.is_empty() {
            return Ok(Opening::Closed);
        }
        opening = Opening::Only(named);
    }
    // Something hidden may close it.
    effective.nothing_else().map_err(Clone::clone)?;
    for gate in effective.bindings.iter().filter(|binding| gates(binding)) {
        opening = behind(opening, gate)?;
        if opening == Opening::Closed {
            break;
        }
    }
    Ok(opening)
}

/// Those who pass the gate, too.
fn behind(opening: Opening, gate: &Binding) -> Result<Opening, Hidden> {
    let doors = gate.doors.read().map_err(Clone::clone)?;
    let mut passers = BTreeSet::new();
    for Door { who, mode } in doors {
        match mode {
            Word::Known(BypassMode::Always | BypassMode::Exempt) => {
                passers.insert(who.clone());
            }
            // A merged pull request only goes forward.
            Word::Known(BypassMode::PullRequest) => {}
            Word::Unknown(word) => {
                let why = format!("`{who}` passes {} in the unknown mode `{word}`", gate.source);
                return Err(Hidden::new(Cause::Unknown, why));
            }
        }
    }
    let before = match opening {
        Opening::Closed => return Ok(Opening::Closed),
        Opening::Everyone => return Ok(if passers.is_empty() { Opening::Closed } else { Opening::Only(passers) }),
        Opening::Only(who) => who,
    };
    let both: BTreeSet<Who> = before.intersection(&passers).cloned().collect();
    if !both.is_empty() {
        return Ok(Opening::Only(both));
    }
    // A team or a role on one side may hold someone of the other.
    let is_group = |who: &Who| !matches!(who, Who::User(_) | Who::App(_) | Who::DeployKeys);
    if !passers.is_empty() && before.iter().chain(&passers).any(is_group) {
        let names: Vec<String> = before.iter().map(Who::to_string).collect();
        let why = format!("whether `{}` may also push by {} was not looked up", names.join("`, `"), gate.source);
        return Err(Hidden::new(Cause::NotAsked, why));
    }
    Ok(Opening::Closed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::readable::Readable;
    use crate::github::rule::Rule;

    fn binding(rule: &str, pattern: Option<&str>, who: &[Who]) -> Binding {
        let source = match pattern {
            Some(pattern) => Source::Protection { pattern: pattern.to_owned() },
            None => Source::Ruleset { id: 1, name: "main".to_owned(), owner: "acme/api".to_owned(), url: None },
        };
        let doors = who.iter().map(|who| Door { who: who.clone(), mode: Word::Known(BypassMode::Always) }).collect();
        Binding { source, rule: Rule::new(rule, None), doors: Readable::Known(doors) }
    }

    fn asked(bindings: Vec<Binding>) -> Result<Opening, Hidden> {
        let effective = Effective { ref_name: "refs/heads/main".to_owned(), bindings, unsure: Vec::new() };
        opening(&effective, "non_fast_forward", |binding| binding.rule.name == "update")
    }

    #[test]
    fn who_must_pass_every_layer() {
        let user = |name: &str| Who::User(name.to_owned());
        let team = Who::Team("platform".to_owned());
        let admin = Who::Role("admin".to_owned());
        assert_eq!(asked(vec![]), Ok(Opening::Everyone));
        assert_eq!(asked(vec![binding("non_fast_forward", None, &[user("a")])]), Ok(Opening::Closed));
        assert_eq!(asked(vec![binding("non_fast_forward", Some("main"), &[admin, Who::DeployKeys])]), Ok(Opening::Closed));
        let classic = |who: &[Who]| binding("non_fast_forward", Some("main"), who);
        assert_eq!(asked(vec![classic(&[user("a")])]), Ok(Opening::Only([user("a")].into())));
        let gate = |who: &[Who]| binding("update", Some("main"), who);
        assert_eq!(asked(vec![gate(&[])]), Ok(Opening::Closed));
        assert_eq!(asked(vec![gate(&[user("b")])]), Ok(Opening::Only([user("b")].into())));
        assert_eq!(asked(vec![classic(&[user("a")]), gate(&[user("b")])]), Ok(Opening::Closed));
        assert_eq!(asked(vec![classic(&[user("a"), user("b")]), gate(&[user("b")])]), Ok(Opening::Only([user("b")].into())));
        assert!(asked(vec![classic(&[user("a")]), gate(&[team])]).is_err());
    }
}
