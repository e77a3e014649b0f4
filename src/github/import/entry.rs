//! A ruleset as the policy will have it.

use serde_json::Value;

use super::toml;

/// Patterns for and against.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Scope {
    pub(super) include: Vec<String>,
    pub(super) exclude: Vec<String>,
}

/// What two rulesets have in common that are one.
pub(super) type Identity = (String, bool, String);

/// A ruleset as the policy will have it, apart from where it is for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// What it should be called.
    pub(super) name: String,
    /// Whether GitHub knows it by that name.
    pub(super) is_named: bool,
    /// `branch`, `tag` or `push`.
    pub(super) target: String,
    /// For a push ruleset there are none.
    pub(super) refs: Option<Scope>,
    /// The repositories of an organization's ruleset.
    pub(super) repositories: Option<Scope>,
    /// `active`, `evaluate` or `disabled`.
    pub(super) enforcement: String,
    /// Who passes, and when.
    pub(super) bypass: Vec<(String, String)>,
    /// Each rule with its parameter sets; one that is null switches the rule on.
    pub(super) rules: Vec<(String, Vec<Value>)>,
    /// What there is to say of it.
    pub(super) notes: Vec<String>,
}

impl Scope {
    fn toml(&self, key: &str) -> String {
        let include: Vec<String> = self.include.iter().map(|text| toml::string(text)).collect();
        if self.exclude.is_empty() {
            return toml::list(key, &include);
        }
        format!("{key} = {{ include = [{}], exclude = {} }}\n", include.join(", "), toml::strings(&self.exclude))
    }
}

impl Entry {
    /// Adds a rule; the same one twice is one.
    pub(super) fn rule(&mut self, name: &str, parameters: Value) {
        match self.rules.iter_mut().find(|(known, _)| known == name) {
            Some((_, sets)) if sets.contains(&parameters) => {}
            Some((_, sets)) => sets.push(parameters),
            None => self.rules.push((name.to_owned(), vec![parameters])),
        }
    }

    /// What makes it this ruleset, whatever it is called in the policy and wherever it is for.
    pub(super) fn identity(&self) -> Identity {
        (self.name.clone(), self.is_named, self.toml("", &[]))
    }

    /// The ruleset under a name, in some repositories or, if none are named, all.
    pub(super) fn toml(&self, name: &str, repositories: &[String]) -> String {
        let mut text: String = self.notes.iter().map(|note| toml::comment(note)).collect();
        text.push_str(&format!("[[ruleset]]\nname = {}\n", toml::string(name)));
        if self.is_named && name != self.name {
            text.push_str(&format!("github_name = {}\n", toml::string(&self.name)));
        }
        text.push_str(&format!("target = {}\n", toml::string(&self.target)));
        if let Some(refs) = &self.refs {
            text.push_str(&refs.toml("refs"));
        }
        if !repositories.is_empty() {
            text.push_str(&Scope { include: repositories.to_vec(), exclude: Vec::new() }.toml("repositories"));
        } else if let Some(repositories) = &self.repositories {
            text.push_str(&repositories.toml("repositories"));
        }
        if self.enforcement != "active" {
            text.push_str(&format!("enforcement = {}\n", toml::string(&self.enforcement)));
        }
        if !self.bypass.is_empty() {
            let entries: Vec<String> = self
                .bypass
                .iter()
                .map(|(actor, mode)| match mode.as_str() {
                    "always" => format!("{{ actor = {} }}", toml::string(actor)),
                    mode => format!("{{ actor = {}, mode = {} }}", toml::string(actor), toml::string(mode)),
                })
                .collect();
            text.push_str(&toml::list("bypass", &entries));
        }
        text + "\n" + &toml::rules(&self.rules)
    }
}

/// A live pattern of refs as the policy writes it: without the namespace where that reads the same.
pub(super) fn reference(pattern: &str, namespace: &str) -> Result<String, String> {
    if pattern == "~ALL" || pattern == "~DEFAULT_BRANCH" {
        return Ok(pattern.to_owned());
    }
    let spelled = crate::github::scope::spelled(pattern).map_err(|hidden| hidden.why)?;
    match spelled.strip_prefix(namespace) {
        Some(short) if !short.starts_with(['~', '!']) && !short.starts_with("refs/") => {
            // The short form has to be a pattern by itself, too.
            Ok(crate::github::scope::spelled(short).map_or_else(|_| spelled.clone(), |_| short.to_owned()))
        }
        Some(_) => Ok(spelled),
        None => Err(format!("`{pattern}` is not in `{namespace}`")),
    }
}
