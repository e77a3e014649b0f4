//! Rulesets: what is written for each.

use serde_json::{Map, Value, json};

use super::{Blocked, CannotTell, Change, Field, Found, Kind, Thing, fields, permitted, state};
use crate::github::desired::{Desired, DesiredRuleset};
use crate::github::drift::{lay, pairs};
use crate::github::names::{Names, NoNumber};
use crate::github::owner::Owner;
use crate::github::readable::{Cause, Hidden};
use crate::github::repository::Repository;
use crate::github::ruleset::Ruleset;
use crate::policy::github::Unmanaged;

pub(super) fn compare(found: &mut Found, desired: &Desired, owner: &Owner, repository: Option<&Repository>) {
    let comparison = Comparison { desired, owner, repository };
    let pairs = match pairs::pair(desired, owner, repository) {
        Ok(pairs) => pairs,
        Err(hidden) => {
            if !desired.rulesets.is_empty() || desired.unmanaged != Unmanaged::Ignore {
                found.cannot_tell.push(comparison.cannot_tell("", vec![hidden], Vec::new(), desired.at.line));
            }
            return;
        }
    };
    for (ruleset, why) in &pairs.strange {
        found.cannot_tell.push(comparison.cannot_tell(&ruleset.name, vec![why.clone()], Vec::new(), desired.at.line));
    }
    for (wanted, live) in &pairs.wanted {
        match live {
            Some(live) if live.differences.is_empty() => {}
            Some(live) => comparison.update(found, wanted, live),
            None => comparison.create(found, wanted),
        }
    }
    for ruleset in pairs.unmanaged {
        match desired.unmanaged {
            Unmanaged::Ignore => {}
            Unmanaged::Report => found.unmanaged.push(comparison.thing(&ruleset.name)),
            Unmanaged::Delete => comparison.delete(found, ruleset),
        }
    }
}

struct Comparison<'a> {
    desired: &'a Desired,
    owner: &'a Owner,
    repository: Option<&'a Repository>,
}

impl Comparison<'_> {
    fn thing(&self, name: &str) -> Thing {
        Thing { target: self.desired.target.clone(), kind: Kind::Ruleset, name: name.to_owned() }
    }

    fn cannot_tell(&self, name: &str, why: Vec<Hidden>, fields: Vec<Field>, line: usize) -> CannotTell {
        CannotTell { thing: self.thing(name), why, fields, line }
    }

    /// The ruleset as it would be sent if there were none; `None` when a name in it has no number, which is told elsewhere.
    fn body(&self, found: &mut Found, wanted: &DesiredRuleset) -> Option<Value> {
        match wanted.body(&Names::new(self.owner, self.repository)) {
            Ok(body) => Some(body),
            Err(problems) => {
                let told = self.desired.unresolved.iter().any(|one| one.ruleset == wanted.policy_name);
                for why in problems.into_iter().filter(|_| !told) {
                    match why {
                        NoNumber::Unknown(why) => found.blocked.push(Blocked {
                            target: self.desired.target.clone(),
                            ruleset: wanted.policy_name.clone(),
                            what: "a name".to_owned(),
                            why,
                            line: wanted.at.line,
                            unknown_name: true,
                        }),
                        NoNumber::Hidden(hidden) => {
                            found.cannot_tell.push(self.cannot_tell(&wanted.name, vec![hidden], Vec::new(), wanted.at.line));
                        }
                    }
                }
                None
            }
        }
    }

    fn create(&self, found: &mut Found, wanted: &DesiredRuleset) {
        let Some(body) = self.body(found, wanted) else { return };
        found.changes.push(Change {
            thing: self.thing(&wanted.name),
            id: None,
            before: None,
            fingerprint: state::fingerprint(Kind::Ruleset, None),
            after: Some(body),
            fields: everything(wanted),
            line: wanted.at.line,
            permitted: permitted(self.owner, self.repository),
            relies_on: Vec::new(),
            without_merge_queue: false,
        });
    }

    fn update(&self, found: &mut Found, wanted: &DesiredRuleset, live: &pairs::Live<'_>) {
        let (fields, mut hidden) = fields(&live.differences);
        hidden.extend(unknown(live.ruleset));
        let before = state::of_ruleset(live.ruleset).map_err(|why| hidden.push(why));
        let (Ok(before), true) = (before, hidden.is_empty()) else {
            hidden.dedup();
            found.cannot_tell.push(self.cannot_tell(&wanted.name, hidden, fields, wanted.at.line));
            return;
        };
        let Some(body) = self.body(found, wanted) else { return };
        let after = lay(wanted, &body, &before, self.owner, self.repository);
        found.changes.push(Change {
            thing: self.thing(&wanted.name),
            id: Some(live.ruleset.id.to_string()),
            fingerprint: state::fingerprint(Kind::Ruleset, Some(&before)),
            before: Some(before),
            after: Some(after),
            fields,
            line: wanted.at.line,
            permitted: permitted(self.owner, self.repository),
            relies_on: Vec::new(),
            without_merge_queue: false,
        });
    }

    fn delete(&self, found: &mut Found, ruleset: &Ruleset) {
        let line = self.desired.at.line;
        // What can't be seen or understood can't be brought back either.
        let before = match state::of_ruleset(ruleset).map_err(|hidden| vec![hidden]) {
            Ok(before) if ruleset.unknown().is_empty() => before,
            Ok(_) => return found.cannot_tell.push(self.cannot_tell(&ruleset.name, unknown(ruleset), Vec::new(), line)),
            Err(hidden) => return found.cannot_tell.push(self.cannot_tell(&ruleset.name, hidden, Vec::new(), line)),
        };
        let field = |name: &str| Field {
            field: name.to_owned(),
            from: before.get(name).cloned(),
            to: None,
            // What does not bind may go.
            weakens: name == "rules" && ruleset.may_enforce(),
        };
        found.changes.push(Change {
            thing: self.thing(&ruleset.name),
            id: Some(ruleset.id.to_string()),
            fields: ["target", "enforcement", "rules"].into_iter().map(field).collect(),
            fingerprint: state::fingerprint(Kind::Ruleset, Some(&before)),
            before: Some(before),
            after: None,
            line,
            permitted: permitted(self.owner, self.repository),
            relies_on: Vec::new(),
            without_merge_queue: false,
        });
    }
}

/// What of a ruleset this program does not know: written whole, it would be lost.
fn unknown(ruleset: &Ruleset) -> Vec<Hidden> {
    let hidden = |what: String| {
        Hidden::new(
            Cause::Unknown,
            format!("it has something that this program does not know, and that writing would lose: {what}"),
        )
    };
    ruleset.unknown().into_iter().map(hidden).collect()
}

/// Everything that a new ruleset says, with names.
fn everything(wanted: &DesiredRuleset) -> Vec<Field> {
    let field = |field: String, to: Value| Field { field, from: None, to: Some(to), weakens: false };
    let mut fields =
        vec![field("target".to_owned(), json!(wanted.target)), field("enforcement".to_owned(), json!(wanted.enforcement))];
    if let Some(conditions) = &wanted.conditions {
        fields.push(field("conditions".to_owned(), json!(conditions)));
    }
    for bypass in &wanted.bypass {
        fields.push(field(format!("bypass_actors[{}]", bypass.name), json!({ "bypass_mode": bypass.mode })));
    }
    for rule in &wanted.rules {
        let stated: Map<String, Value> = rule.parameters.clone();
        fields.push(field(format!("rules.{}", rule.name), Value::Object(stated)));
    }
    fields
}
