//! The effective protection of a ref: all matching rulesets of every level plus one classic rule. A push must satisfy
//! each, so the strictest wins and a bypass of one is no bypass of another.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::owner::Owner;
use super::people::ActorKind;
use super::protection::Protection;
use super::readable::{Cause, Hidden, Readable};
use super::repository::Repository;
use super::rule::{PullRequest, RequiredStatusChecks, Rule, RuleKind, StatusCheck, Update};
use super::ruleset::{ActorType, BypassActor, BypassMode, Enforcement, Level, Ruleset, Target};
use super::scope;
use super::word::Word;

/// Everything that binds one ref, existing or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// The full name.
    pub ref_name: String,
    /// Every rule in force, with its source and its doors.
    pub bindings: Vec<Binding>,
    /// What may bind it, too: sources that can't be read or understood.
    pub unsure: Vec<Unsure>,
}

/// A rule in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Where it stands.
    pub source: Source,
    /// The rule; what classic protection asks for is put in the words of rulesets.
    pub rule: Rule,
    /// Who passes it.
    pub doors: Readable<Vec<Door>>,
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// In a ruleset.
    Ruleset {
        /// GitHub's number.
        id: u64,
        /// Its name.
        name: String,
        /// The repository, organization or enterprise it belongs to.
        owner: String,
        /// Its page.
        url: Option<String>,
    },
    /// In a classic branch protection rule.
    Protection {
        /// Its pattern.
        pattern: String,
    },
}

/// A source that may bind a ref.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsure {
    /// Which one, if that is known.
    pub source: Option<Source>,
    /// Why it is not clear.
    pub why: Hidden,
}

/// A way past a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Door {
    /// For whom.
    pub who: Who,
    /// When.
    pub mode: Word<BypassMode>,
}

/// For whom a door is open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// A person, by login.
    User(String),
    /// A team, by slug.
    Team(String),
    /// An app, by slug.
    App(String),
    /// Whoever has this role in the repository, or a stronger one.
    Role(String),
    /// The organization's owners.
    OrganizationAdmins,
    /// The enterprise's owners.
    EnterpriseOwners,
    /// Any deploy key.
    DeployKeys,
    /// An actor whose name could not be found, or of a kind that this program does not know.
    Other(String),
}

impl fmt::Display for Who {
    /// As the policy writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::User(login) => f.write_str(login),
            Who::Team(slug) => write!(f, "team:{slug}"),
            Who::App(slug) => write!(f, "app:{slug}"),
            Who::Role(name) => write!(f, "role:{name}"),
            Who::OrganizationAdmins => f.write_str("org-admins"),
            Who::EnterpriseOwners => f.write_str("enterprise-owners"),
            Who::DeployKeys => f.write_str("deploy-keys"),
            Who::Other(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Ruleset { name, owner, .. } => write!(f, "ruleset `{name}` of {owner}"),
            Source::Protection { pattern } => write!(f, "branch protection `{pattern}`"),
        }
    }
}

/// A value, and the binding it comes from.
pub type Strongest<'a, T> = Option<(T, &'a Binding)>;

impl Effective {
    /// What binds a ref of the repository, by its full name.
    pub fn of(repository: &Repository, owner: &Owner, ref_name: &str) -> Effective {
        let mut effective = Effective { ref_name: ref_name.to_owned(), bindings: Vec::new(), unsure: Vec::new() };
        match repository.rulesets.read() {
            Ok(rulesets) => {
                for ruleset in rulesets {
                    effective.add_ruleset(ruleset, repository, owner);
                }
            }
            Err(hidden) => effective.unsure.push(Unsure { source: None, why: hidden.clone() }),
        }
        if let Some(branch) = ref_name.strip_prefix("refs/heads/") {
            match repository.protections.read() {
                Ok(protections) => effective.add_protection(protections, branch),
                Err(hidden) => effective.unsure.push(Unsure { source: None, why: hidden.clone() }),
            }
        }
        effective
    }

    /// The rules of this name that bind.
    pub fn of_rule<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Binding> {
        self.bindings.iter().filter(move |binding| binding.rule.name == name)
    }

    /// The first binding that `wanted` accepts. One that binds counts whatever else is hidden; that none binds can only be
    /// said when nothing is.
    ///
    /// # Errors
    /// None was found among what can be seen.
    pub fn find(&self, wanted: impl Fn(&Binding) -> bool) -> Result<Option<&Binding>, &Hidden> {
        match self.bindings.iter().find(|binding| wanted(binding)) {
            Some(binding) => Ok(Some(binding)),
            None => self.nothing_else().map(|()| None),
        }
    }

    /// The first binding of the rule.
    ///
    /// # Errors
    /// As [`Effective::find`].
    pub fn find_rule(&self, name: &str) -> Result<Option<&Binding>, &Hidden> {
        self.find(|binding| binding.rule.name == name)
    }

    /// The largest value that any binding gives, and that binding. What is hidden could only give a larger one: whoever
    /// finds too small a value asks [`Effective::nothing_else`] before saying so.
    pub fn strongest<T: Ord>(&self, value: impl Fn(&Rule) -> Option<T>) -> Strongest<'_, T> {
        let mut strongest: Strongest<'_, T> = None;
        for binding in &self.bindings {
            if let Some(value) = value(&binding.rule)
                && strongest.as_ref().is_none_or(|(before, _)| value > *before)
            {
                strongest = Some((value, binding));
            }
        }
        strongest
    }

    /// That the bindings are all there are.
    ///
    /// # Errors
    /// Something that may bind can't be read or understood.
    pub fn nothing_else(&self) -> Result<(), &Hidden> {
        self.unsure.first().map_or(Ok(()), |unsure| Err(&unsure.why))
    }

    /// Every binding that asks for a pull request, with its parameters.
    pub fn pull_requests(&self) -> impl Iterator<Item = (&PullRequest, &Binding)> {
        self.bindings.iter().filter_map(|binding| match &binding.rule.kind {
            RuleKind::PullRequest(parameters) => Some((parameters, binding)),
            _ => None,
        })
    }

    /// Every check that is required, with where and under which parameters.
    pub fn required_checks(&self) -> impl Iterator<Item = (&StatusCheck, &RequiredStatusChecks, &Binding)> {
        self.bindings
            .iter()
            .filter_map(|binding| match &binding.rule.kind {
                RuleKind::RequiredStatusChecks(parameters) => Some((parameters, binding)),
                _ => None,
            })
            .flat_map(|(parameters, binding)| {
                parameters.required_status_checks.iter().map(move |check| (check, parameters, binding))
            })
    }

    fn add_ruleset(&mut self, ruleset: &Ruleset, repository: &Repository, owner: &Owner) {
        let source = Source::of(ruleset);
        let target_matches = match &ruleset.target {
            Word::Known(Target::Branch) => self.ref_name.starts_with("refs/heads/"),
            Word::Known(Target::Tag) => self.ref_name.starts_with("refs/tags/"),
            Word::Known(Target::Push) => true,
            Word::Known(Target::Repository) => false,
            Word::Unknown(_) => true,
        };
        if !target_matches || !ruleset.may_enforce() {
            return;
        }
        let mut unsure = |why: Hidden| self.unsure.push(Unsure { source: Some(source.clone()), why });
        let unknown = |what: &str, word: &dyn fmt::Display| {
            Hidden::new(Cause::Unknown, format!("{source} has the unknown {what} `{word}`"))
        };
        if let Word::Unknown(word) = &ruleset.enforcement {
            return unsure(unknown("enforcement", word));
        }
        if let Word::Unknown(word) = &ruleset.target {
            return unsure(unknown("target", word));
        }
        let is_push = ruleset.target.is(&Target::Push);
        let matches = ruleset.conditions.read().map_err(Clone::clone).and_then(|conditions| {
            if let Some(key) = conditions.unpublished.keys().next() {
                return Err(unknown("condition", key));
            }
            match &conditions.ref_name {
                _ if is_push => Ok(true),
                Some(names) => {
                    let default = repository.default_branch.as_ref().map(|branch| branch.name.as_str());
                    scope::is_for(names, &self.ref_name, default)
                }
                None => Err(Hidden::new(Cause::Unknown, format!("{source} does not say which refs it is for"))),
            }
        });
        match matches {
            Ok(true) => {}
            Ok(false) => return,
            Err(hidden) => return unsure(hidden),
        }
        let rules = match ruleset.rules.read() {
            Ok(rules) => rules,
            Err(hidden) => return unsure(hidden.clone()),
        };
        let doors = match &ruleset.bypass_actors {
            Readable::Known(actors) => Readable::Known(actors.iter().map(|actor| Door::of(actor, owner)).collect()),
            Readable::Hidden(hidden) => Readable::Hidden(hidden.clone()),
        };
        for rule in rules {
            if !rule.is_understood() {
                let what = rule.unknown().join(", ");
                self.unsure.push(Unsure {
                    source: Some(source.clone()),
                    why: Hidden::new(Cause::Unknown, format!("{source} has a rule this program does not know: {what}")),
                });
            }
            self.bindings.push(Binding { source: source.clone(), rule: rule.clone(), doors: doors.clone() });
        }
    }

    /// Of the classic rules that match, the one with the branch's own name binds, else the oldest. Where it can't be told
    /// whether an older one matches, it can't be told either whether a younger one binds.
    fn add_protection(&mut self, protections: &[Protection], branch: &str) {
        let mut binds = protections.iter().find(|protection| protection.pattern == branch);
        if binds.is_none() {
            for protection in protections {
                match scope::protects(&protection.pattern, branch) {
                    Ok(true) => {
                        binds = Some(protection);
                        break;
                    }
                    Ok(false) => {}
                    Err(why) => return self.unsure.push(Unsure { source: Some(Source::classic(protection)), why }),
                }
            }
        }
        if let Some(protection) = binds {
            if let Readable::Hidden(why) = &protection.required_deployment_environments {
                self.unsure.push(Unsure { source: Some(Source::classic(protection)), why: why.clone() });
            }
            self.bindings.extend(bindings_of(protection));
        }
    }
}

impl Source {
    /// The ruleset as a source.
    pub fn of(ruleset: &Ruleset) -> Source {
        Source::Ruleset {
            id: ruleset.id,
            name: ruleset.name.clone(),
            owner: match ruleset.source_type {
                Word::Known(Level::Enterprise) => format!("enterprise {}", ruleset.source),
                _ => ruleset.source.clone(),
            },
            url: ruleset.html_url.clone(),
        }
    }

    /// The classic rule as a source.
    pub fn classic(protection: &Protection) -> Source {
        Source::Protection { pattern: protection.pattern.clone() }
    }
}

/// The roles that every repository has, by the numbers that rulesets use.
pub(super) const ROLES: &[(i64, &str)] = &[(1, "read"), (2, "maintain"), (3, "triage"), (4, "write"), (5, "admin")];

impl Door {
    /// The door that a ruleset opens, with the actor's name where the owner's lists tell it.
    pub fn of(actor: &BypassActor, owner: &Owner) -> Door {
        Door { who: Who::of(actor, owner), mode: actor.bypass_mode.clone() }
    }
}

impl Who {
    fn of(actor: &BypassActor, owner: &Owner) -> Who {
        let number = actor.actor_id.unwrap_or_default();
        let id = u64::try_from(number).unwrap_or_default();
        match &actor.actor_type {
            Word::Known(ActorType::OrganizationAdmin) => Who::OrganizationAdmins,
            Word::Known(ActorType::EnterpriseOwner) => Who::EnterpriseOwners,
            Word::Known(ActorType::DeployKey) => Who::DeployKeys,
            Word::Known(ActorType::Team) => {
                let team = owner.teams.known().and_then(|teams| teams.iter().find(|team| team.id == id));
                team.map_or_else(|| Who::Other(format!("team #{number}")), |team| Who::Team(team.slug.clone()))
            }
            Word::Known(ActorType::Integration) => {
                let app = owner.installations.known().and_then(|apps| apps.iter().find(|app| app.app_id == id));
                let slug = app.map(|app| app.app_slug.as_str()).or_else(|| owner.own_app(number));
                slug.map_or_else(|| Who::Other(format!("app #{number}")), |slug| Who::App(slug.to_owned()))
            }
            Word::Known(ActorType::RepositoryRole) => {
                if let Some((_, name)) = ROLES.iter().find(|(role, _)| *role == number) {
                    return Who::Role((*name).to_owned());
                }
                let role = owner.custom_roles.known().and_then(|roles| roles.iter().find(|role| role.id == id));
                role.map_or_else(|| Who::Other(format!("role #{number}")), |role| Who::Role(role.name.clone()))
            }
            Word::Known(ActorType::User) => {
                let login = owner.numbers.people.iter().find(|(_, known)| **known == Some(id) && id != 0);
                login.map_or_else(|| Who::Other(format!("user #{number}")), |(login, _)| Who::User(login.clone()))
            }
            Word::Known(ActorType::EnterpriseRole) => Who::Other(format!("enterprise role #{number}")),
            Word::Unknown(kind) => Who::Other(format!("{kind} #{number}")),
        }
    }
}

impl From<&super::people::Actor> for Who {
    fn from(actor: &super::people::Actor) -> Who {
        match &actor.kind {
            Word::Known(ActorKind::User) => Who::User(actor.name.clone()),
            Word::Known(ActorKind::Team) => Who::Team(actor.name.clone()),
            Word::Known(ActorKind::App) => Who::App(actor.name.clone()),
            Word::Unknown(kind) => Who::Other(format!("{kind} {}", actor.name)),
        }
    }
}

/// What a classic rule asks for, in the words of rulesets.
fn bindings_of(protection: &Protection) -> Vec<Binding> {
    let source = Source::classic(protection);
    let always = |who: Who| Door { who, mode: Word::Known(BypassMode::Always) };
    // Administrators, and whoever has a custom role that may bypass, pass what is not enforced for them. A deploy key that
    // writes may do whatever an administrator may.
    let admins = match protection.is_admin_enforced {
        true => Vec::new(),
        false => vec![always(Who::Role("admin".to_owned())), always(Who::DeployKeys)],
    };
    let also = |actors: &Readable<Vec<super::people::Actor>>| match actors {
        Readable::Known(actors) => {
            let mut doors: BTreeSet<Door> = admins.iter().cloned().collect();
            doors.extend(actors.iter().map(|actor| always(actor.into())));
            Readable::Known(doors.into_iter().collect())
        }
        Readable::Hidden(hidden) => Readable::Hidden(hidden.clone()),
    };
    let only_admins = || Readable::Known(admins.clone());
    let mut bindings = Vec::new();
    let mut add = |name: &str, kind: RuleKind, doors: Readable<Vec<Door>>| {
        let rule = Rule { name: name.to_owned(), kind, parameters: None };
        bindings.push(Binding { source: source.clone(), rule, doors });
    };
    if protection.restricts_pushes {
        // Whoever maintains or administers the repository pushes in any case, also where administrators are bound.
        let pushers = also(&protection.push_allowances).map(|mut doors: Vec<Door>| {
            doors.push(always(Who::Role("maintain".to_owned())));
            doors.sort();
            doors
        });
        add("update", RuleKind::Update(Update::default()), pushers.clone());
        if protection.blocks_creations {
            add("creation", RuleKind::Creation, pushers);
        }
    }
    if protection.lock_branch {
        let update = Update { update_allows_fetch_and_merge: protection.lock_allows_fetch_and_merge, ..Update::default() };
        add("update", RuleKind::Update(update), only_admins());
    }
    // Force pushes and deletions are what GitHub forbids administrators, too, whatever is enforced for them.
    // https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/managing-a-branch-protection-rule
    if !protection.allows_deletions {
        add("deletion", RuleKind::Deletion, Readable::Known(Vec::new()));
    } else if protection.lock_branch {
        // A locked branch is not deleted either.
        add("deletion", RuleKind::Deletion, only_admins());
    }
    if !protection.allows_force_pushes {
        let named = |actors: Vec<super::people::Actor>| -> Vec<Door> {
            let doors: BTreeSet<Door> = actors.iter().map(|actor| always(actor.into())).collect();
            doors.into_iter().collect()
        };
        add("non_fast_forward", RuleKind::NonFastForward, protection.bypass_force_push_allowances.clone().map(named));
    }
    if protection.requires_linear_history {
        add("required_linear_history", RuleKind::RequiredLinearHistory, only_admins());
    }
    if protection.requires_commit_signatures {
        add("required_signatures", RuleKind::RequiredSignatures, only_admins());
    }
    if protection.requires_approving_reviews {
        let parameters = PullRequest {
            required_approving_review_count: protection.required_approving_review_count,
            dismiss_stale_reviews_on_push: protection.dismisses_stale_reviews,
            require_code_owner_review: protection.requires_code_owner_reviews,
            require_last_push_approval: protection.require_last_push_approval,
            required_review_thread_resolution: protection.requires_conversation_resolution,
            dismissal_restriction: protection
                .restricts_review_dismissals
                .then(|| super::rule::DismissalRestriction { enabled: true, ..super::rule::DismissalRestriction::default() }),
            ..PullRequest::default()
        };
        add("pull_request", RuleKind::PullRequest(parameters), also(&protection.bypass_pull_request_allowances));
    } else if protection.requires_conversation_resolution {
        add("required_conversation_resolution", RuleKind::Conversations, only_admins());
    }
    if protection.requires_status_checks {
        let parameters = RequiredStatusChecks {
            required_status_checks: protection
                .required_status_checks
                .iter()
                .map(|check| StatusCheck {
                    context: check.context.clone(),
                    integration_id: check.app.as_ref().and_then(|app| app.id).and_then(|id| i64::try_from(id).ok()),
                    ..StatusCheck::default()
                })
                .collect(),
            strict_required_status_checks_policy: protection.requires_strict_status_checks,
            ..RequiredStatusChecks::default()
        };
        add("required_status_checks", RuleKind::RequiredStatusChecks(parameters), only_admins());
    }
    if let Some(environments) = protection.required_deployment_environments.known()
        && !environments.is_empty()
    {
        let parameters = super::rule::RequiredDeployments {
            required_deployment_environments: environments.clone(),
            ..super::rule::RequiredDeployments::default()
        };
        add("required_deployments", RuleKind::RequiredDeployments(parameters), only_admins());
    }
    bindings
}

/// Whether a ruleset is in force for anyone: [`Enforcement::Active`].
pub fn is_in_force(ruleset: &Ruleset) -> bool {
    ruleset.enforcement.is(&Enforcement::Active)
}
