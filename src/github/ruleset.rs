//! A ruleset as GitHub answers it, of any level.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::readable::{Cause, Hidden, Readable};
use super::rule::{Rule, Unpublished, words};
use super::word::Word;

/// A ruleset: what it says, and what of it could not be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "RulesetJson", into = "RulesetJson")]
pub struct Ruleset {
    /// GitHub's number.
    pub id: u64,
    /// Its name; not unique.
    pub name: String,
    /// What it is about.
    pub target: Word<Target>,
    /// Whose it is.
    pub source_type: Word<Level>,
    /// The repository (`owner/name`), organization or enterprise.
    pub source: String,
    /// Whether it refuses.
    pub enforcement: Word<Enforcement>,
    /// Who passes it. Absent from an answer means hidden, never empty.
    pub bypass_actors: Readable<Vec<BypassActor>>,
    /// How many pass it, where GitHub counts them without naming them: the list's second witness.
    pub bypass_actor_count: Option<u64>,
    /// Where it applies.
    pub conditions: Readable<Conditions>,
    /// Its rules.
    pub rules: Readable<Vec<Rule>>,
    /// What the reader may do, on GitHub's own word: `always`, `pull_requests_only`, `never`, `exempt`.
    pub current_user_can_bypass: Option<String>,
    /// When it was last changed, as GitHub writes it.
    pub updated_at: Option<String>,
    /// Its page.
    pub html_url: Option<String>,
    /// Fields of the answer that the published schema does not have.
    pub unpublished: Unpublished,
}

words! {
    /// What a ruleset is about.
    Target("snake_case") {
        /// Branches.
        Branch,
        /// Tags.
        Tag,
        /// Every push.
        Push,
        /// The repository itself: its name, its visibility.
        Repository,
    }
    /// Whose a ruleset is.
    Level("PascalCase") {
        /// One repository's.
        Repository,
        /// An organization's.
        Organization,
        /// An enterprise's.
        Enterprise,
    }
    /// Whether a ruleset refuses.
    Enforcement("snake_case") {
        /// It refuses.
        Active,
        /// It reports.
        Evaluate,
        /// It does nothing.
        Disabled,
    }
    /// What kind of bypasser it is.
    ActorType("PascalCase") {
        /// An app.
        Integration,
        /// The organization's owners.
        OrganizationAdmin,
        /// Whoever has a role in the repository, or a stronger one.
        RepositoryRole,
        /// A team.
        Team,
        /// Any deploy key.
        DeployKey,
        /// A person.
        User,
        /// The enterprise's owners.
        EnterpriseOwner,
        /// Whoever has a role in the enterprise.
        EnterpriseRole,
    }
    /// When a bypasser passes.
    BypassMode("snake_case") {
        /// Always.
        Always,
        /// By merging a pull request.
        PullRequest,
        /// Always, and the rules do not even run: nothing is recorded.
        Exempt,
    }
}

/// Who passes a ruleset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BypassActor {
    /// GitHub's number; meaningless for organization admins, null for deploy keys.
    #[serde(default)]
    pub actor_id: Option<i64>,
    /// What it is.
    pub actor_type: Word<ActorType>,
    /// When it passes.
    #[serde(default = "always")]
    pub bypass_mode: Word<BypassMode>,
    /// Fields that the published schema does not have.
    #[serde(flatten)]
    pub unpublished: Unpublished,
}

fn always() -> Word<BypassMode> {
    Word::Known(BypassMode::Always)
}

/// Where a ruleset applies. Absent means that GitHub does not ask.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Conditions {
    /// By ref.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_name: Option<Names>,
    /// By repository name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_name: Option<Names>,
    /// By repository number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_id: Option<RepositoryIds>,
    /// By custom property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_property: Option<Properties>,
    /// By organization name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_name: Option<Names>,
    /// By organization number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationIds>,
    /// By an organization's custom property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_property: Option<Properties>,
    /// Conditions that the published schema does not have.
    #[serde(flatten)]
    pub unpublished: Unpublished,
}

/// Patterns for and against.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Names {
    /// `~ALL`, `~DEFAULT_BRANCH`, names and patterns.
    #[serde(default)]
    pub include: Vec<String>,
    /// The same.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Whether matching repositories can't be renamed out of scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected: Option<bool>,
    /// Fields that the published schema does not have.
    #[serde(flatten)]
    pub unpublished: Unpublished,
}

/// Repositories by number.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RepositoryIds {
    /// The numbers.
    #[serde(default)]
    pub repository_ids: Vec<u64>,
}

/// Organizations by number.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OrganizationIds {
    /// The numbers.
    #[serde(default)]
    pub organization_ids: Vec<u64>,
}

/// Custom properties for and against.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Properties {
    /// All of these.
    #[serde(default)]
    pub include: Vec<PropertyTarget>,
    /// Any of these.
    #[serde(default)]
    pub exclude: Vec<PropertyTarget>,
}

/// A custom property with one of these values.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PropertyTarget {
    /// Its name.
    pub name: String,
    /// The values.
    #[serde(default)]
    pub property_values: Vec<String>,
    /// `custom` or `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Ruleset {
    /// Everything in it that this program does not know, as paths. Empty for a ruleset that is understood.
    pub fn unknown(&self) -> Vec<String> {
        fn word<T: Serialize>(name: &str, word: &Word<T>, found: &mut Vec<String>) {
            if let Word::Unknown(word) = word {
                found.push(format!("{name}: `{word}`"));
            }
        }
        let mut found: Vec<String> = self.unpublished.keys().map(|key| format!("field `{key}`")).collect();
        word("target", &self.target, &mut found);
        word("source_type", &self.source_type, &mut found);
        word("enforcement", &self.enforcement, &mut found);
        for (index, actor) in self.bypass_actors.known().into_iter().flatten().enumerate() {
            word(&format!("bypass_actors[{index}].actor_type"), &actor.actor_type, &mut found);
            word(&format!("bypass_actors[{index}].bypass_mode"), &actor.bypass_mode, &mut found);
            found.extend(actor.unpublished.keys().map(|key| format!("bypass_actors[{index}].{key}")));
        }
        if let Some(conditions) = self.conditions.known() {
            found.extend(conditions.unpublished.keys().map(|key| format!("conditions.{key}")));
            for (name, names) in [
                ("ref_name", &conditions.ref_name),
                ("repository_name", &conditions.repository_name),
                ("organization_name", &conditions.organization_name),
            ] {
                for key in names.iter().flat_map(|names| names.unpublished.keys()) {
                    found.push(format!("conditions.{name}.{key}"));
                }
            }
            for (name, properties) in [
                ("repository_property", &conditions.repository_property),
                ("organization_property", &conditions.organization_property),
            ] {
                for target in properties.iter().flat_map(|properties| properties.include.iter().chain(&properties.exclude)) {
                    if let Some(source) = target.source.as_deref().filter(|source| !["custom", "system"].contains(source)) {
                        found.push(format!("conditions.{name}.{}.source: `{source}`", target.name));
                    }
                }
            }
        }
        found.extend(self.rules.known().into_iter().flatten().flat_map(Rule::unknown).map(|what| format!("rules: {what}")));
        found
    }

    /// Whether it may refuse something: active, or with an enforcement that this program does not know.
    pub fn may_enforce(&self) -> bool {
        !matches!(self.enforcement, Word::Known(Enforcement::Evaluate | Enforcement::Disabled))
    }

    /// A ruleset of which only an index entry is known.
    pub fn unread(mut self, hidden: &Hidden) -> Ruleset {
        self.bypass_actors = Readable::Hidden(hidden.clone());
        self.conditions = Readable::Hidden(hidden.clone());
        self.rules = Readable::Hidden(hidden.clone());
        self
    }
}

/// GitHub's form of a ruleset.
#[derive(Clone, Serialize, Deserialize)]
struct RulesetJson {
    id: u64,
    name: String,
    #[serde(default = "branch")]
    target: Word<Target>,
    #[serde(default = "repository")]
    source_type: Word<Level>,
    source: String,
    enforcement: Word<Enforcement>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bypass_actors: Option<Readable<Vec<BypassActor>>>,
    #[serde(default, rename = "~bypass_actor_count", skip_serializing_if = "Option::is_none")]
    bypass_actor_count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current_user_can_bypass: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    _links: Option<Value>,
    #[serde(default, with = "three_states", skip_serializing_if = "Option::is_none")]
    conditions: Option<Option<Readable<Conditions>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rules: Option<Readable<Vec<Rule>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    #[serde(flatten)]
    unpublished: Unpublished,
}

fn branch() -> Word<Target> {
    Word::Known(Target::Branch)
}

fn repository() -> Word<Level> {
    Word::Known(Level::Repository)
}

/// Absent, null and a value are three things.
pub(super) mod three_states {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::github) fn serialize<S: Serializer, T: Serialize>(
        value: &Option<Option<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(serializer)
    }

    pub(in crate::github) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::<T>::deserialize(deserializer).map(Some)
    }
}

impl From<RulesetJson> for Ruleset {
    fn from(json: RulesetJson) -> Ruleset {
        fn absent<T>(what: &str) -> Readable<T> {
            Readable::hidden(Cause::NotPermitted, format!("`{what}` was not in the answer"))
        }
        let html_url =
            json._links.as_ref().and_then(|links| links.pointer("/html/href")).and_then(Value::as_str).map(str::to_owned);
        Ruleset {
            id: json.id,
            name: json.name,
            target: json.target,
            source_type: json.source_type,
            source: json.source,
            enforcement: json.enforcement,
            bypass_actors: json.bypass_actors.unwrap_or_else(|| absent("bypass_actors")),
            bypass_actor_count: json.bypass_actor_count,
            conditions: match json.conditions {
                Some(Some(conditions)) => conditions,
                // Push and repository rulesets have none.
                Some(None) => Readable::Known(Conditions::default()),
                None => absent("conditions"),
            },
            rules: json.rules.unwrap_or_else(|| absent("rules")),
            current_user_can_bypass: json.current_user_can_bypass,
            updated_at: json.updated_at,
            html_url,
            unpublished: json.unpublished,
        }
    }
}

impl From<Ruleset> for RulesetJson {
    fn from(ruleset: Ruleset) -> RulesetJson {
        let links = ruleset.html_url.map(|url| {
            let mut html = Map::new();
            html.insert("href".to_owned(), Value::String(url));
            let mut links = Map::new();
            links.insert("html".to_owned(), Value::Object(html));
            Value::Object(links)
        });
        RulesetJson {
            id: ruleset.id,
            name: ruleset.name,
            target: ruleset.target,
            source_type: ruleset.source_type,
            source: ruleset.source,
            enforcement: ruleset.enforcement,
            bypass_actors: Some(ruleset.bypass_actors),
            bypass_actor_count: ruleset.bypass_actor_count,
            current_user_can_bypass: ruleset.current_user_can_bypass,
            node_id: None,
            _links: links,
            conditions: Some(Some(ruleset.conditions)),
            rules: Some(ruleset.rules),
            created_at: None,
            updated_at: ruleset.updated_at,
            unpublished: ruleset.unpublished,
        }
    }
}
