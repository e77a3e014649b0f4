//! A policy that lives in a ref guards itself: that ref is not deleted or rewritten, nor the policy's path changed, except by
//! `policy_owners`.

use toml::de::ValueDeserializer;

use super::{Actors, Bypass, BypassMode, ConfiguredRule, Enforcement, Location, Policy, RefScope, RepositoryScope, Ruleset};
use crate::git::pattern::{Pattern, PatternSet};
use crate::git::{RefKind, RefName};
use crate::rules::{self, Load, Target};

/// Adds the ruleset that guards the policy's own ref and path.
///
/// # Errors
/// The ref is neither branch nor tag, or the ref or path cannot be written as a pattern that means just it.
pub fn guard(policy: &mut Policy, reference: &RefName, path: &str) -> Result<(), String> {
    let (target, namespace) = match reference.kind() {
        RefKind::Branch => (Target::Branch, "refs/heads/"),
        RefKind::Tag => (Target::Tag, "refs/tags/"),
        RefKind::Other => return Err("the policy's ref is neither a branch nor a tag".to_owned()),
    };
    let name = std::str::from_utf8(reference.as_bytes()).map_err(|_| "the policy's ref is not UTF-8".to_owned())?;
    let include = literal(name)?;
    literal(path)?;
    let paths = serde_json::to_string(path).map_err(|error| error.to_string())?;
    let settings = [
        ("deletion", None),
        ("non_fast_forward", None),
        ("file_path_restriction", Some(format!("{{ restricted_file_paths = [{paths}] }}"))),
    ];
    let mut configured = Vec::new();
    for (id, parameters) in settings {
        let entry = rules::find(id).ok_or_else(|| format!("there is no rule `{id}`"))?;
        let rule = match (&entry.load, parameters) {
            (Load::Switch(make), None) => make(),
            (Load::Parameters(load), Some(text)) => {
                ValueDeserializer::parse(&text).and_then(load).map_err(|error| error.message().to_owned())?
            }
            _ => return Err(format!("the rule `{id}` takes other settings")),
        };
        configured.push(ConfiguredRule { rule, stated: Vec::new(), at: Location::default() });
    }
    let owners = policy.server.policy_owners.clone();
    policy.rulesets.push(Ruleset {
        name: "the policy guards itself".to_owned(),
        github_name: None,
        target,
        refs: RefScope { namespace, include: PatternSet::new(vec![include]), ..RefScope::default() },
        repositories: RepositoryScope::all(),
        enforcement: Enforcement::Active,
        actors: Actors::default(),
        bypass: vec![Bypass {
            actor: "policy_owners".to_owned(),
            names: owners,
            github: Vec::new(),
            mode: BypassMode::Always,
            until: None,
            reason: None,
            at: Location::default(),
        }],
        // What the default branch holds of the policy's path was judged by nobody, unless the policy lives there.
        trust_default_branch: false,
        rules: configured,
        at: Location::default(),
    });
    Ok(())
}

/// Whether a ruleset is the one that [`guard`] adds: no file holds it.
pub fn is_guard(ruleset: &Ruleset) -> bool {
    ruleset.at == Location::default()
}

fn literal(text: &str) -> Result<Pattern, String> {
    let pattern = Pattern::parse(text).map_err(|bad| format!("`{text}` cannot be guarded: {bad}"))?;
    if pattern.literal().is_some() { Ok(pattern) } else { Err(format!("`{text}` cannot be guarded: it reads as a pattern")) }
}
