//! What binds one branch, on GitHub's own word.

use serde_json::Value;

use crate::github::answers::rest_protection;
use crate::github::client::Path;
use crate::github::cost::Class;
use crate::github::protection::Protection;
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::{Repository, Visibility};
use crate::github::rule::Rule;
use crate::github::ruleset::Level;
use crate::github::word::Word;

use super::{Reader, unreadable};

/// A rule that binds a branch, and the ruleset it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct BranchRule {
    /// The rule.
    pub rule: Rule,
    /// The ruleset.
    pub ruleset_id: u64,
    /// Whose the ruleset is.
    pub source_type: Word<Level>,
    /// The repository or organization.
    pub source: String,
}

impl Reader {
    /// The rules of active rulesets that bind a branch, which need not exist. Classic protection is not among them.
    pub async fn branch_rules(&self, owner: &str, name: &str, branch: &str) -> Readable<Vec<BranchRule>> {
        let path = Path::repository(owner, name, &["rules", "branches", branch]);
        self.list(&path, None, Class::BranchRules, "metadata=read", branch_rule).await
    }

    /// The classic protection that binds a branch; `None` when none does.
    ///
    /// GitHub's refusals are three facts: "Branch not protected" is none, "Not Found" hides it, and "Upgrade" means that
    /// the plan does not have it.
    pub async fn branch_protection(&self, owner: &str, name: &str, branch: &str) -> Readable<Option<Protection>> {
        let path = Path::repository(owner, name, &["branches", branch, "protection"]);
        match self.client.get_json(&path, Class::BranchRules).await {
            Ok(json) if json.get("url").is_some() || json.get("enforce_admins").is_some() => {
                Readable::Known(Some(rest_protection::protection(branch, &json)))
            }
            // Every section may be absent, so that anything would look like a protection that asks for nothing.
            Ok(_) => Readable::Hidden(unreadable(&path)),
            // There is no such branch: nothing binds it yet, and whoever is told so may see what would.
            Err(refused)
                if refused.is(404) && matches!(refused.message.as_str(), "Branch not protected" | "Branch not found") =>
            {
                Readable::Known(None)
            }
            Err(refused) => Readable::Hidden(Hidden::from(refused.needs("administration=read"))),
        }
    }

    /// Whether the list of classic rules is empty because there are none, and not because the token may not see them.
    ///
    /// GraphQL does not tell the two apart; REST does, for one branch. What a token may do is the same in all repositories
    /// of an owner that have the same visibility and are administered, so that one question is enough for all of them. A token for
    /// chosen repositories sees the public ones that it was not given, too: where it may be one, each public one is asked
    /// if what is left out would be lost (`one_by_one`); an audit, which then says more than is so and never less, is spared that.
    pub(super) async fn whether_there_is_none(&self, repository: &Repository, one_by_one: bool) -> Readable<()> {
        if !repository.viewer_administers && !self.client.is_app() {
            let why = "classic protection is shown only to those who administer the repository";
            return Readable::Hidden(Hidden::new(Cause::NotPermitted, why).needs("administration=read"));
        }
        let may_be_chosen = one_by_one && repository.visibility.is(&Visibility::Public) && {
            let is_for_all = self.client.is_for_every_repository(&repository.owner);
            !self.reach.get(repository.owner.clone(), is_for_all).await
        };
        let key = if may_be_chosen { repository.full_name() } else { format!("{} {}", repository.owner, repository.visibility) };
        let ask = async {
            let branch = repository.default_branch.as_ref().map_or("main", |branch| &branch.name);
            self.branch_protection(&repository.owner, &repository.name, branch).await.map(|_| ())
        };
        self.administration.get(key, ask).await
    }
}

fn branch_rule(value: &Value) -> Option<BranchRule> {
    let word = value.get("ruleset_source_type").cloned().unwrap_or_else(|| Value::String("Repository".to_owned()));
    Some(BranchRule {
        rule: Rule::new(value.get("type")?.as_str()?.to_owned(), value.get("parameters").cloned()),
        ruleset_id: value.get("ruleset_id")?.as_u64()?,
        source_type: serde_json::from_value(word).ok()?,
        source: value.get("ruleset_source").and_then(Value::as_str).unwrap_or_default().to_owned(),
    })
}
