//! What enters by way of the default branch.
//!
//! A ruleset that trusts the default branch takes every commit there as judged. That is only so if another ruleset judges the
//! default branch at least as strictly: the same rule with parameters at least as strict, everyone whom the ruleset judges, in
//! every repository, and nobody passes who does not pass the ruleset itself.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ActorPattern, Actors, Bypass, BypassMode, ConfiguredRule, DefaultBranch, Enforcement, RepositoryScope, Ruleset};
use crate::git::pattern::{Pattern, PatternSet};
use crate::rules::Target;

/// The branches that `HEAD` names nearly everywhere.
const USUAL: [&str; 3] = ["refs/heads/main", "refs/heads/master", "refs/heads/trunk"];

/// Whether a ruleset judges pushes to the default branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Judges {
    /// It does not.
    No,
    /// As long as `HEAD` names a branch of a usual name.
    ByName,
    /// Whatever `HEAD` names.
    Yes,
}

/// Whether the ruleset judges pushes to the default branch; `known` where `HEAD` can be asked.
pub fn judges_default(ruleset: &Ruleset, known: Option<&DefaultBranch>) -> Judges {
    let refs = &ruleset.refs;
    match (ruleset.target, known.and_then(|default| Some((default, default.existing()?)))) {
        (Target::Push, _) => Judges::Yes,
        (Target::Tag, _) => Judges::No,
        // What cannot be found out is not held against the policy.
        (Target::Branch, Some((default, name))) if refs.covers(name, default).unwrap_or(true) => Judges::Yes,
        (Target::Branch, Some(_)) => Judges::No,
        (Target::Branch, None) => {
            let usual = |set: &PatternSet| USUAL.iter().any(|name| set.matches_exactly(name.as_bytes()).unwrap_or(true));
            if refs.exclude_default || (refs.include_all && usual(&refs.exclude)) {
                Judges::No
            } else if refs.include_all || refs.include_default {
                Judges::Yes
            } else if usual(&refs.include) {
                Judges::ByName
            } else {
                Judges::No
            }
        }
    }
}

/// The rules of a ruleset that commits can get around by way of the default branch. `others` are the rulesets for the same
/// repository, or all of them. `exists` says whether the branch is there: one that is missing can be created, whatever keeps it from
/// being deleted.
pub fn entered<'p>(
    ruleset: &'p Ruleset,
    others: &[&Ruleset],
    known: Option<&DefaultBranch>,
    exists: bool,
) -> Vec<&'p ConfiguredRule> {
    if !ruleset.trust_default_branch || judges_default(ruleset, known) != Judges::No {
        return Vec::new();
    }
    let binds = |other: &Ruleset| {
        other.enforcement == Enforcement::Active
            && judges_default(other, known) != Judges::No
            && judges_whom(&other.actors, &ruleset.actors)
            && judges_where(&other.repositories, &ruleset.repositories)
            && other.bypass.iter().all(|bypass| ruleset.bypass.iter().any(|own| is_within(bypass, own)))
    };
    let binding: Vec<&Ruleset> = others.iter().copied().filter(|other| binds(other)).collect();
    // Nothing enters by way of a branch that nobody whom the ruleset judges can move.
    let closed = |id: &str| binding.iter().any(|other| other.rules.iter().any(|rule| rule.rule.info().id == id));
    if closed("update") && (closed("creation") || exists && closed("deletion")) {
        return Vec::new();
    }
    let carried =
        |rule: &ConfiguredRule| binding.iter().any(|other| other.rules.iter().any(|carried| is_as_strict(carried, rule)));
    ruleset.binding_rules().filter(|rule| rule.rule.asks_about_commits() && !carried(rule)).collect()
}

/// Whether a rule refuses whatever the other refuses, as far as it can be read off its parameters: where numbers differ they
/// are limits, and where lists differ they say what is restricted.
fn is_as_strict(rule: &ConfiguredRule, other: &ConfiguredRule) -> bool {
    let (mine, yours) = (rule.rule.settings(), other.rule.settings());
    if rule.rule.info().id != other.rule.info().id {
        return false;
    }
    let (Value::Object(mine), Value::Object(yours)) = (&mine, &yours) else { return mine == yours };
    let keys: BTreeSet<&String> = mine.keys().chain(yours.keys()).filter(|key| *key != "name").collect();
    keys.into_iter().all(|key| match (mine.get(key), yours.get(key)) {
        (Some(Value::Number(mine)), Some(Value::Number(yours))) => mine.as_u64() <= yours.as_u64(),
        (Some(Value::Array(mine)), Some(Value::Array(yours))) => yours.iter().all(|one| mine.contains(one)),
        (mine, yours) => mine == yours,
    })
}

/// Whether everyone whom `narrow` judges is judged by `wide`, as far as it can be read off.
fn judges_whom(wide: &Actors, narrow: &Actors) -> bool {
    let within = |inner: &[ActorPattern], outer: &[ActorPattern]| inner.iter().all(|name| outer.contains(name));
    let only = wide.only.is_empty() || (!narrow.only.is_empty() && within(&narrow.only, &wide.only));
    only && within(&wide.except, &narrow.except)
}

/// Whether every repository that `narrow` is for is one that `wide` is for, as far as it can be read off.
fn judges_where(wide: &RepositoryScope, narrow: &RepositoryScope) -> bool {
    let texts = |set: &PatternSet| set.patterns().iter().map(|pattern| pattern.as_str().to_owned()).collect::<BTreeSet<_>>();
    let within = |inner: &PatternSet, outer: &PatternSet| texts(inner).is_subset(&texts(outer));
    let include = wide.include_all
        || (!narrow.include_all
            && within(&narrow.include_full, &wide.include_full)
            && within(&narrow.include_last, &wide.include_last));
    include && within(&wide.exclude_full, &narrow.exclude_full) && within(&wide.exclude_last, &narrow.exclude_last)
}

/// Whether a bypass says nothing that another does not.
pub(super) fn is_within(bypass: &Bypass, other: &Bypass) -> bool {
    let names = !(bypass.names.is_empty() && bypass.github.is_empty())
        && bypass.names.iter().all(|name| other.names.contains(name))
        && bypass.github.iter().all(|name| other.github.contains(name));
    let mode = other.mode == bypass.mode || (other.mode != BypassMode::PullRequest && bypass.mode == BypassMode::PullRequest);
    let lasts = other.until.is_none_or(|other| bypass.until.is_some_and(|until| until <= other));
    names && mode && lasts
}

/// The branches of a usual name that the ruleset names one by one, when that is how it means the default branch.
pub fn default_by_name(ruleset: &Ruleset) -> Vec<&str> {
    if judges_default(ruleset, None) != Judges::ByName {
        return Vec::new();
    }
    ruleset.refs.include.patterns().iter().filter_map(Pattern::literal).filter(|name| USUAL.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::parse::parse;

    fn open(of: &str, others: &str, known: Option<&str>) -> Vec<&'static str> {
        let text = format!("version = 1\n[[ruleset]]\nname = \"of\"\n{of}\n{others}");
        let policy = parse("p", text.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?}"));
        let known = known.map(|name| DefaultBranch::Exists(crate::git::RefName::parse(name.as_bytes()).unwrap()));
        let all: Vec<&Ruleset> = policy.rulesets.iter().collect();
        entered(&policy.rulesets[0], &all, known.as_ref(), true).iter().map(|rule| rule.rule.info().id).collect()
    }

    const MESSAGES: &str = "commit_message_pattern = { operator = \"regex\", pattern = \"^fix: \" }";

    fn release(lines: &str) -> String {
        format!("target = \"branch\"\nrefs = [\"release/*\"]\n{lines}\nrules.{MESSAGES}")
    }

    fn other(target: &str, lines: &str, rules: &str) -> String {
        let refs = match target {
            "branch" => "refs = [\"~DEFAULT_BRANCH\"]\n",
            "tag" => "refs = [\"~ALL\"]\n",
            _ => "",
        };
        format!("[[ruleset]]\nname = \"other\"\ntarget = \"{target}\"\n{refs}{lines}\n[ruleset.rules]\n{rules}\n")
    }

    #[test]
    fn only_what_binds_as_strictly_on_the_default_branch_counts() {
        let all = [""; 0];
        let open_rule = ["commit_message_pattern"];
        for (of, others, expected) in [
            (release(""), String::new(), &open_rule[..]),
            (release("trust_default_branch = false"), String::new(), &all[..]),
            (release(""), other("branch", "", MESSAGES), &all[..]),
            (release(""), other("push", "", MESSAGES), &all[..]),
            // Another rule, another parameter, another target.
            (release(""), other("branch", "", "required_linear_history = true"), &open_rule[..]),
            (release(""), other("branch", "", &MESSAGES.replace("fix", "feat")), &open_rule[..]),
            (release(""), other("tag", "", MESSAGES), &open_rule[..]),
            // Fewer actors, fewer repositories, more who pass, for longer.
            (release(""), other("branch", "actors = [\"agent\"]", MESSAGES), &open_rule[..]),
            (release("actors = [\"agent\"]"), other("branch", "actors = [\"agent\", \"bot\"]", MESSAGES), &all[..]),
            (release("actors = [\"agent\"]"), other("branch", "actors = [\"!agent\"]", MESSAGES), &open_rule[..]),
            (release("actors = [\"!lead\"]"), other("branch", "actors = [\"!lead\"]", MESSAGES), &all[..]),
            (release(""), other("branch", "repositories = [\"app\"]", MESSAGES), &open_rule[..]),
            (release("repositories = [\"app\"]"), other("branch", "repositories = [\"app\", \"web\"]", MESSAGES), &all[..]),
            (
                release("repositories = [\"app\"]"),
                other("branch", "repositories = { exclude = [\"app\"] }", MESSAGES),
                &open_rule[..],
            ),
            (release(""), other("branch", "bypass = [{ actor = \"lead\" }]", MESSAGES), &open_rule[..]),
            (release("bypass = [{ actor = \"lead\" }]"), other("push", "bypass = [{ actor = \"lead\" }]", MESSAGES), &all[..]),
            (
                release("bypass = [{ actor = \"lead\", until = 2030-01-01 }]"),
                other("branch", "bypass = [{ actor = \"lead\" }]", MESSAGES),
                &open_rule[..],
            ),
            (release(""), other("branch", "enforcement = \"evaluate\"", MESSAGES), &open_rule[..]),
            // Nobody whom the ruleset judges can move the default branch.
            (
                release("actors = [\"agent\"]"),
                other("branch", "actors = [\"agent\"]", "update = true\ncreation = true"),
                &all[..],
            ),
            (release("actors = [\"agent\"]"), other("branch", "actors = [\"agent\"]", "update = true"), &open_rule[..]),
            // Tags too; a push ruleset sees the default branch itself.
            (format!("target = \"tag\"\nrefs = [\"~ALL\"]\nrules.{MESSAGES}"), String::new(), &open_rule[..]),
            (format!("target = \"tag\"\nrefs = [\"~ALL\"]\nrules.{MESSAGES}"), other("branch", "", MESSAGES), &all[..]),
            (format!("target = \"push\"\nrules.{MESSAGES}"), String::new(), &all[..]),
        ] {
            assert_eq!(open(&of, &others, None), expected, "{of}\n{others}");
        }
    }

    #[test]
    fn parameters_are_compared_by_what_they_refuse() {
        for (mine, yours, strict) in [
            ("max_commits = { max_commits = 5 }", "max_commits = { max_commits = 5 }", true),
            ("max_commits = { max_commits = 5 }", "max_commits = { max_commits = 4 }", true),
            ("max_commits = { max_commits = 5 }", "max_commits = { max_commits = 6 }", false),
            ("max_file_size = { max_file_size = 5 }", "max_file_size = { max_file_size = 6 }", false),
            (
                "file_extension_restriction = { restricted_file_extensions = [\"jar\"] }",
                "file_extension_restriction = { restricted_file_extensions = [\"*.jar\", \"exe\"] }",
                true,
            ),
            (
                "file_path_restriction = { restricted_file_paths = [\"a/**/*\", \"b/**/*\"] }",
                "file_path_restriction = { restricted_file_paths = [\"a/**/*\"] }",
                false,
            ),
            (
                "commit_message_pattern = { operator = \"contains\", pattern = \"x\", name = \"mine\" }",
                "commit_message_pattern = { operator = \"contains\", pattern = \"x\", name = \"yours\" }",
                true,
            ),
            (
                "commit_message_pattern = { operator = \"contains\", pattern = \"x\" }",
                "commit_message_pattern = { operator = \"contains\", pattern = \"x\", negate = true }",
                false,
            ),
        ] {
            let of = format!("target = \"branch\"\nrefs = [\"release/*\"]\nrules.{mine}");
            assert_eq!(open(&of, &other("branch", "", yours), None).is_empty(), strict, "{mine} {yours}");
        }
    }

    #[test]
    fn a_literal_name_is_the_default_branch_only_where_head_says_so() {
        let main = format!("target = \"branch\"\nrefs = [\"main\"]\nrules.{MESSAGES}");
        assert!(open(&main, "", None).is_empty());
        assert!(open(&main, "", Some("refs/heads/main")).is_empty());
        assert_eq!(open(&main, "", Some("refs/heads/master")), ["commit_message_pattern"]);
        let all_but_main =
            format!("target = \"branch\"\nrefs = {{ include = [\"~ALL\"], exclude = [\"main\"] }}\nrules.{MESSAGES}");
        assert_eq!(open(&all_but_main, "", None), ["commit_message_pattern"]);
    }

    /// The comparison of parameters holds for these; another rule about commits must be looked at first.
    #[test]
    fn every_rule_about_commits_has_parameters_that_can_be_compared() {
        let mut asking = Vec::new();
        for entry in crate::rules::RULES {
            let target = if entry.info.targets.contains(&Target::Branch) { "branch" } else { "tag" };
            let text = format!(
                "version = 1\n[[ruleset]]\nname = \"r\"\ntarget = \"{target}\"\nrefs = [\"~ALL\"]\n[ruleset.rules]\n{} = {}\n",
                entry.info.id, entry.info.example
            );
            let policy = parse("p", text.as_bytes()).unwrap();
            if policy.rulesets[0].asks_about_commits() {
                asking.push(entry.info.id);
            }
        }
        let compared = [
            "required_linear_history",
            "commit_message_pattern",
            "commit_author_email_pattern",
            "committer_email_pattern",
            "file_path_restriction",
            "max_file_path_length",
            "file_extension_restriction",
            "max_file_size",
            "max_commits",
            "max_changed_paths",
        ];
        assert_eq!(asking, compared);
    }
}
