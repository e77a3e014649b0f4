//! `annotated_tags`: tags carry who made them and why.

use super::{OnGithub, Rule, RuleInfo, Target, Violation};
use crate::git::Change;
use crate::push::{Needs, NewValue, Undecided, UpdateFacts};

pub(super) static INFO: RuleInfo = RuleInfo {
    id: "annotated_tags",
    summary: "a lightweight tag",
    example: "true",
    targets: &[Target::Tag],
    not_on_a_server: None,
};

#[derive(Debug)]
pub(super) struct AnnotatedTags;

impl Rule for AnnotatedTags {
    fn info(&self) -> &'static RuleInfo {
        &INFO
    }

    fn needs(&self) -> Needs {
        Needs { target: true, ..Needs::default() }
    }

    fn check(&self, facts: &UpdateFacts) -> Result<Vec<Violation>, Undecided> {
        if let Change::Delete { .. } = facts.update.change {
            return Ok(vec![]);
        }
        Ok(match facts.new_value.get("what the tag names")? {
            NewValue::Tag => vec![],
            NewValue::Commit | NewValue::Tree | NewValue::Blob => {
                vec![Violation::new("a lightweight tag").help("make an annotated one: git tag -a <name>")]
            }
        })
    }

    fn on_github(&self) -> OnGithub {
        OnGithub::None { why: "GitHub has no rule about the kind of a tag" }
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}
