//! Rulesets of a policy in the form of GitHub's own files, which its pages import.

use serde_json::{Value, json};

use super::desired::{Desired, DesiredRuleset};
use super::names::{Names, NoNumber};

/// A ruleset as GitHub exports it: what [`DesiredRuleset::body`] says, and whose it is.
///
/// # Errors
/// Names whose numbers are not known.
pub fn exported(desired: &Desired, ruleset: &DesiredRuleset, names: &Names<'_>) -> Result<Value, Vec<NoNumber>> {
    let mut body = ruleset.body(names)?;
    let mut take = |key: &str| body.get_mut(key).map(Value::take).unwrap_or_default();
    Ok(json!({
        "name": take("name"),
        "target": take("target"),
        "source_type": desired.level,
        "source": desired.target,
        "enforcement": take("enforcement"),
        "conditions": take("conditions"),
        "rules": take("rules"),
        "bypass_actors": take("bypass_actors"),
    }))
}
