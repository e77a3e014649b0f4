//! What is right but binds less than it looks.
//!
//! One function a lint, one list of them ([`LINTS`]). A lint never guesses: where it cannot know, it is silent.

mod narrow;

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::actors::{CI_RUNS, is_github_only, is_key_id};
use super::entry::{self, is_within};
use super::problem::visible;
use super::{Bypass, ConfiguredRule, Enforcement, Identity, Location, Policy, Ruleset};
use crate::git::RefName;
use crate::git::pattern::{Pattern, PatternSet};
use crate::rules::{OnGithub, Target};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The policy probably does not do what it looks like.
    Warning,
    /// Worth knowing.
    Info,
}

/// What a lint has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// The lint's name.
    pub id: &'static str,
    /// What is so: lower case, no full stop, values in backticks, nothing invisible.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where it stands in the policy.
    pub at: Location,
}

/// A lint's name and how much its findings matter.
#[derive(Debug, Clone, Copy)]
pub struct Lint {
    /// Its name.
    pub id: &'static str,
    /// How much its findings matter.
    pub level: Level,
    run: fn(&mut Context<'_>),
}

/// Every lint.
pub const LINTS: &[Lint] = &[
    Lint { id: "no_identity", level: Level::Warning, run: no_identity },
    Lint { id: "no_rulesets", level: Level::Warning, run: no_rulesets },
    Lint { id: "unused_group", level: Level::Warning, run: unused_group },
    Lint { id: "never_matches", level: Level::Warning, run: never_matches },
    Lint { id: "exclude_without_effect", level: Level::Warning, run: exclude_without_effect },
    Lint { id: "ruleset_disabled", level: Level::Warning, run: ruleset_disabled },
    Lint { id: "ruleset_evaluated", level: Level::Warning, run: ruleset_evaluated },
    Lint { id: "judges_nobody", level: Level::Warning, run: judges_nobody },
    Lint { id: "excluded_by_wildcard", level: Level::Warning, run: excluded_by_wildcard },
    Lint { id: "bypass_expired", level: Level::Warning, run: bypass_expired },
    Lint { id: "bypass_names_nobody", level: Level::Warning, run: bypass_names_nobody },
    Lint { id: "bypass_without_effect", level: Level::Warning, run: bypass_without_effect },
    Lint { id: "creation_without_deletion", level: Level::Warning, run: creation_without_deletion },
    Lint { id: "non_fast_forward_without_deletion", level: Level::Warning, run: non_fast_forward_without_deletion },
    Lint { id: "enters_through_default_branch", level: Level::Warning, run: enters_through_default_branch },
    Lint { id: "narrow_pattern", level: Level::Warning, run: narrow::narrow_pattern },
    Lint { id: "loose_pattern", level: Level::Warning, run: narrow::loose_pattern },
    Lint { id: "repeated_rule", level: Level::Warning, run: repeated_rule },
    Lint { id: "merged_is_not_approved", level: Level::Warning, run: merged_is_not_approved },
    Lint { id: "host_gives_no_such_name", level: Level::Warning, run: host_gives_no_such_name },
    Lint { id: "deletion_without_creation", level: Level::Info, run: deletion_without_creation },
    Lint { id: "old_version_by_creation", level: Level::Info, run: old_version_by_creation },
    Lint { id: "bypass_for_ci_runs", level: Level::Info, run: bypass_for_ci_runs },
    Lint { id: "default_branch_by_name", level: Level::Info, run: default_branch_by_name },
    Lint { id: "one_level", level: Level::Info, run: narrow::one_level },
    Lint { id: "refuses_direct_pushes", level: Level::Info, run: refuses_direct_pushes },
    Lint { id: "not_on_a_server", level: Level::Info, run: not_on_a_server },
    Lint { id: "not_on_github", level: Level::Info, run: not_on_github },
    Lint { id: "not_used_yet", level: Level::Info, run: not_used_yet },
];

/// The lints about patterns that match less or more than they read, which `install` repeats.
pub const MISREAD: &[&str] = &["narrow_pattern", "loose_pattern"];

/// Everything that the lints find, in the order of the file. `today` tells which bypasses have expired.
pub fn lint(policy: &Policy, today: Date) -> Vec<Finding> {
    let mut context = Context { policy, today, findings: Vec::new() };
    for lint in LINTS {
        let from = context.findings.len();
        (lint.run)(&mut context);
        for finding in context.findings.iter_mut().skip(from) {
            finding.id = lint.id;
            finding.level = lint.level;
        }
    }
    context.findings.sort_by_key(|finding| (finding.at, finding.level, finding.id));
    context.findings
}

/// What a lint looks at, and where it puts what it finds.
struct Context<'p> {
    policy: &'p Policy,
    today: Date,
    findings: Vec<Finding>,
}

impl<'p> Context<'p> {
    fn found(&mut self, at: Location, message: impl AsRef<str>, help: impl AsRef<str>) {
        let message = visible(message.as_ref()).into_owned();
        let help = Some(help.as_ref()).filter(|help| !help.is_empty()).map(|help| visible(help).into_owned());
        // The lint's own name and level are put in by `lint`.
        self.findings.push(Finding { level: Level::Warning, id: "", message, help, at });
    }

    /// The rulesets that are looked at at all.
    fn rulesets(&self) -> impl Iterator<Item = &'p Ruleset> + use<'p> {
        self.policy.rulesets.iter().filter(|ruleset| ruleset.enforcement != Enforcement::Disabled)
    }

    /// Whether the ruleset carries a rule on its refs, by itself or by an active ruleset that is at least as wide.
    fn carries(&self, ruleset: &Ruleset, id: &str) -> bool {
        has(ruleset, id)
            || self
                .rulesets()
                .any(|other| other.enforcement == Enforcement::Active && has(other, id) && is_at_least_as_wide(other, ruleset))
    }
}

fn id(rule: &ConfiguredRule) -> &'static str {
    rule.rule.info().id
}

fn has(ruleset: &Ruleset, wanted: &str) -> bool {
    ruleset.rules.iter().any(|rule| id(rule) == wanted)
}

/// Whether everything that `narrow` judges is judged by `wide` too, as far as it can be read off.
fn is_at_least_as_wide(wide: &Ruleset, narrow: &Ruleset) -> bool {
    let texts = |set: &PatternSet| set.patterns().iter().map(|pattern| pattern.as_str().to_owned()).collect::<BTreeSet<_>>();
    let (refs, inner) = (&wide.refs, &narrow.refs);
    let includes = refs.include_all
        || (!inner.include_all
            && (refs.include_default || !inner.include_default)
            && texts(&refs.include).is_superset(&texts(&inner.include)));
    let excludes = (!refs.exclude_default || inner.exclude_default) && texts(&inner.exclude).is_superset(&texts(&refs.exclude));
    wide.target == narrow.target && includes && excludes && wide.repositories.is_everywhere() && wide.actors.is_everyone()
}

/// Whether some name may match both, as far as their fixed beginnings tell.
fn may_overlap(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn patterns_may_overlap(one: &Pattern, other: &Pattern) -> bool {
    match (one.literal(), other.literal()) {
        (Some(one), Some(other)) => one == other,
        (Some(literal), None) => matches(other, literal),
        (None, Some(literal)) => matches(one, literal),
        (None, None) => may_overlap(one.literal_prefix(), other.literal_prefix()),
    }
}

fn matches(pattern: &Pattern, literal: &str) -> bool {
    // What cannot be found out is not held against the policy.
    PatternSet::new(vec![pattern.clone()]).matches_exactly(literal.as_bytes()).unwrap_or(true)
}

/// Whether the ruleset is only about refs that exist once and for all: the default branch and literal names.
fn is_about_fixed_refs(ruleset: &Ruleset) -> bool {
    !ruleset.refs.include_all && ruleset.refs.include.patterns().iter().all(|pattern| pattern.literal().is_some())
}

fn no_identity(context: &mut Context<'_>) {
    // A policy for GitHub alone needs none.
    if context.policy.server.identity.is_none() && context.policy.github.is_none() {
        let help = "add `[server] identity`, for instance `identity = \"gitolite\"`";
        context.found(Location { line: 1, column: 1 }, "no `[server] identity`: a hook would refuse every push", help);
    }
}

fn no_rulesets(context: &mut Context<'_>) {
    if context.policy.rulesets.is_empty() {
        let help = "add `[[ruleset]]`; until then only `allowed_refs` binds";
        context.found(Location { line: 1, column: 1 }, "the policy has no rulesets", help);
    }
}

fn unused_group(context: &mut Context<'_>) {
    for (name, group) in &context.policy.groups {
        if !group.used {
            context.found(
                group.at,
                format!("nothing refers to the group `{name}`"),
                "remove it, or refer to it by `@` and its name",
            );
        }
    }
}

fn never_matches(context: &mut Context<'_>) {
    let allowed = &context.policy.server.allowed_refs;
    for ruleset in context.rulesets().filter(|ruleset| ruleset.target != Target::Push) {
        let namespace = ruleset.refs.namespace;
        if !allowed.patterns().iter().any(|allowed| may_overlap(allowed.literal_prefix(), namespace)) {
            let message = format!("ruleset `{}`: `allowed_refs` leaves no {} to judge", ruleset.name, ruleset.target.as_str());
            context.found(ruleset.at, message, "");
            continue;
        }
        for pattern in ruleset.refs.include.patterns() {
            let text = pattern.as_str();
            let why = if !may_overlap(pattern.literal_prefix(), namespace) {
                format!("a {} begins with `{namespace}`", ruleset.target.as_str())
            } else if text.contains([' ', '~', '^', ':'])
                || text.contains("..")
                || pattern.literal().is_some_and(|literal| RefName::parse(literal.as_bytes()).is_err())
            {
                "git takes no such name".to_owned()
            } else if !allowed.patterns().iter().any(|allowed| patterns_may_overlap(allowed, pattern)) {
                "`allowed_refs` lets no such ref in".to_owned()
            } else {
                doubled_namespace(context, ruleset, text);
                continue;
            };
            context.found(ruleset.at, format!("ruleset `{}`: the pattern `{text}` never matches", ruleset.name), why);
        }
    }
}

/// A name that repeats the namespace, as in `heads/main`: git takes it, but it is seldom the branch that is meant.
fn doubled_namespace(context: &mut Context<'_>, ruleset: &Ruleset, text: &str) {
    let short = text.strip_prefix(ruleset.refs.namespace).unwrap_or_default();
    let starts = [
        "refs/heads/",
        "refs/tags/",
        "refs/remotes/origin/",
        "remotes/origin/",
        "heads/",
        "tags/",
        "remotes/",
        "origin/",
        "refs/",
    ];
    if let Some(rest) = starts.iter().find_map(|start| short.strip_prefix(start)) {
        let what = ruleset.target.as_str();
        let message = format!("ruleset `{}`: `{short}` is not the {what} `{rest}`", ruleset.name);
        context.found(
            ruleset.at,
            message,
            format!("a {what} is named without a namespace or remote; for that {what} write `{rest}`"),
        );
    }
}

fn exclude_without_effect(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        let refs = &ruleset.refs;
        for pattern in refs.exclude.patterns() {
            let outside = !may_overlap(pattern.literal_prefix(), refs.namespace);
            // Nobody knows here which branch is the default one.
            let unknown = refs.include_all || refs.include_default;
            let missed = !unknown && !refs.include.patterns().iter().any(|include| patterns_may_overlap(include, pattern));
            if outside || missed {
                let message = format!("ruleset `{}`: excluding `{}` has no effect", ruleset.name, pattern.as_str());
                context.found(ruleset.at, message, "no `include` matches it; `exclude` is compared byte for byte");
            }
        }
    }
}

fn ruleset_disabled(context: &mut Context<'_>) {
    for ruleset in context.policy.rulesets.iter().filter(|ruleset| ruleset.enforcement == Enforcement::Disabled) {
        context.found(ruleset.at, format!("ruleset `{}` is disabled", ruleset.name), "it judges nothing");
    }
}

fn ruleset_evaluated(context: &mut Context<'_>) {
    for ruleset in context.rulesets().filter(|ruleset| ruleset.enforcement == Enforcement::Evaluate) {
        context.found(ruleset.at, format!("ruleset `{}` is only evaluated", ruleset.name), "it reports and never refuses");
    }
}

fn judges_nobody(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        let only = &ruleset.actors.only;
        if ruleset.actors.except.iter().any(|name| name.as_str() == "*") {
            context.found(ruleset.at, format!("ruleset `{}` judges nobody: `actors` excludes `*`", ruleset.name), "");
        }
        // As an entry of its own such a name does not load; in a group it may be meant for a bypass on GitHub.
        for name in only.iter().filter(|name| is_github_only(name.as_str())) {
            let help = "on a git server `team:`, `app:` and `role:` name nobody; add the names that the server uses to the group";
            let message = format!("ruleset `{}`: `{}` in `actors` names nobody on a git server", ruleset.name, name.as_str());
            context.found(ruleset.at, message, help);
        }
    }
}

fn excluded_by_wildcard(context: &mut Context<'_>) {
    let ci_runs = context.policy.server.identity.as_ref().and_then(Identity::ci_runs);
    for ruleset in context.rulesets() {
        for name in ruleset.actors.except.iter().filter(|name| !name.is_exact() && ci_runs != Some(name.as_str())) {
            let message = format!("ruleset `{}`: `actors` excludes everyone named like `{}`", ruleset.name, name.as_str());
            context.found(ruleset.at, message, "account names can be chosen; name each account");
        }
    }
}

fn bypass_expired(context: &mut Context<'_>) {
    let today = context.today;
    for ruleset in context.rulesets() {
        for bypass in ruleset.bypass.iter().filter(|bypass| bypass.is_expired(today)) {
            let until = bypass.until.map(|until| until.to_string()).unwrap_or_default();
            let message = format!("ruleset `{}`: the bypass of `{}` expired after {until}", ruleset.name, bypass.actor);
            context.found(bypass.at, message, "remove it, or set another `until`");
        }
    }
}

fn bypass_names_nobody(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        for bypass in ruleset.bypass.iter().filter(|bypass| bypass.names.is_empty() && bypass.github.is_empty()) {
            let message = format!("ruleset `{}`: the bypass of `{}` names nobody", ruleset.name, bypass.actor);
            context.found(bypass.at, message, "remove it, or fill the group");
        }
    }
}

fn bypass_without_effect(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        for (index, bypass) in ruleset.bypass.iter().enumerate() {
            let on_both = |earlier: &Bypass| is_within(bypass, earlier);
            let why = if !bypass.names.is_empty() && !bypass.names.iter().any(|name| ruleset.actors.judges(name)) {
                "`actors` does not let the ruleset judge it"
            } else if ruleset.bypass.iter().take(index).any(on_both) {
                "an earlier entry says as much"
            } else {
                continue;
            };
            context.found(bypass.at, format!("ruleset `{}`: the bypass of `{}` has no effect", ruleset.name, bypass.actor), why);
        }
    }
}

fn creation_without_deletion(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        if has(ruleset, "creation") && !context.carries(ruleset, "deletion") {
            let message = format!("ruleset `{}` restricts `creation` and not `deletion`", ruleset.name);
            context.found(ruleset.at, message, "anyone can delete what only few may create: add `deletion = true`");
        }
    }
}

/// For information only: that anyone may create tags and nobody may delete them is a sensible policy.
fn deletion_without_creation(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        if has(ruleset, "deletion") && !is_about_fixed_refs(ruleset) && !context.carries(ruleset, "creation") {
            let message = format!("ruleset `{}` restricts `deletion` and not `creation`", ruleset.name);
            context.found(ruleset.at, message, "anyone can create matching refs, which then stay");
        }
    }
}

fn non_fast_forward_without_deletion(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        if has(ruleset, "non_fast_forward") && !context.carries(ruleset, "deletion") {
            let message = format!("ruleset `{}` restricts `non_fast_forward` and not `deletion`", ruleset.name);
            context.found(ruleset.at, message, "deleting and creating in two pushes is a rewrite: add `deletion = true`");
        }
    }
}

/// Commits that the default branch holds do not enter other refs any more, so a rule about them must bind there as well.
fn enters_through_default_branch(context: &mut Context<'_>) {
    let all: Vec<&Ruleset> = context.rulesets().collect();
    for ruleset in context.rulesets() {
        let mut seen = BTreeSet::new();
        for rule in entry::entered(ruleset, &all, None, true) {
            if seen.insert(id(rule)) {
                let message = format!("ruleset `{}`: `{}` can be entered through the default branch", ruleset.name, id(rule));
                let help = "let an active ruleset that covers `~DEFAULT_BRANCH` carry the rule, at least as strict, for the same \
                            actors and repositories and with no other bypass; or set `trust_default_branch = false`";
                context.found(rule.at, message, help);
            }
        }
    }
}

/// For information only: nobody knows here what `HEAD` names.
fn default_branch_by_name(context: &mut Context<'_>) {
    for ruleset in context.rulesets().filter(|ruleset| ruleset.trust_default_branch && ruleset.asks_about_commits()) {
        let names: Vec<_> = entry::default_by_name(ruleset).iter().map(|name| format!("`{name}`")).collect();
        if !names.is_empty() {
            let message =
                format!("ruleset `{}` covers the default branch only where `HEAD` names {}", ruleset.name, names.join(" or "));
            let help = "elsewhere its rules about commits can be entered through the default branch: include `~DEFAULT_BRANCH`, \
                        or set `trust_default_branch = false`";
            context.found(ruleset.at, message, help);
        }
    }
}

fn repeated_rule(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        for (index, rule) in ruleset.rules.iter().enumerate() {
            let same = |other: &ConfiguredRule| id(other) == id(rule) && other.rule.settings() == rule.rule.settings();
            if ruleset.rules.iter().take(index).any(same) {
                context.found(
                    rule.at,
                    format!("ruleset `{}` has `{}` twice with the same parameters", ruleset.name, id(rule)),
                    "",
                );
            }
        }
    }
}

fn old_version_by_creation(context: &mut Context<'_>) {
    for ruleset in context.rulesets().filter(|ruleset| ruleset.target != Target::Push) {
        let Some(rule) = ruleset.rules.iter().find(|rule| rule.rule.needs().changes) else { continue };
        // What exists for good cannot be created.
        let exists = is_about_fixed_refs(ruleset) && context.carries(ruleset, "deletion");
        if !exists && !context.carries(ruleset, "creation") {
            let message = format!("ruleset `{}`: `{}` sees no old version that a new ref brings back", ruleset.name, id(rule));
            context.found(
                rule.at,
                message,
                "a ref that is created on old history brings no new commits; `creation = true` stops it",
            );
        }
    }
}

/// A host's mark says that it merged. What a rule asks for beyond that, nobody here has seen.
fn merged_is_not_approved(context: &mut Context<'_>) {
    let Some(host) = context.policy.server.identity.as_ref().filter(|identity| identity.marks_merges()) else { return };
    for ruleset in context.rulesets() {
        for rule in &ruleset.rules {
            let what = match id(rule) {
                "pull_request" if asks_for_review(rule) => "anybody approved it",
                "required_status_checks" => "its checks passed",
                _ => continue,
            };
            let message = format!(
                "ruleset `{}`: `{}` lets every merge by `{}` pass: the host says that it merged, and not that {what}",
                ruleset.name,
                id(rule),
                host.word()
            );
            context.found(rule.at, message, "ask the same of the branch in the host's own protection; here it is not looked at");
        }
    }
}

/// Whether a `pull_request` rule asks for more than a pull request.
fn asks_for_review(rule: &ConfiguredRule) -> bool {
    let settings = rule.rule.settings();
    let asks = |(key, value): (&String, &serde_json::Value)| {
        key != "allowed_merge_methods" && (value.as_bool() == Some(true) || value.as_u64().is_some_and(|count| count > 0))
            || value.as_array().is_some_and(|list| key == "required_reviewers" && !list.is_empty())
    };
    settings.as_object().is_some_and(|settings| settings.iter().any(asks))
}

/// A name that the policy's host gives nobody.
fn host_gives_no_such_name(context: &mut Context<'_>) {
    let Some(host) = &context.policy.server.identity else { return };
    let why = |name: &str| match host {
        Identity::Gitlab if name.starts_with("deploy-key:") => {
            Some("over ssh GitLab gives a deploy key the name of the account that made it; name that account")
        }
        Identity::Gitea | Identity::Forgejo if ["gitea-actions", "forgejo-actions"].contains(&name) => {
            Some("a run of Actions is named by its number; name them all by `actions:*`")
        }
        Identity::PushCert if name.strip_prefix("key:").is_some_and(is_key_id) => {
            Some("a key with a chosen id can be made; write the key's whole fingerprint")
        }
        _ => None,
    };
    let server = &context.policy.server;
    let everywhere = server.import.iter().chain(&server.policy_owners);
    let mut names: Vec<(Location, &str)> = everywhere.map(|name| (Location { line: 1, column: 1 }, name.as_str())).collect();
    for ruleset in context.rulesets() {
        let actors = ruleset.actors.only.iter().chain(&ruleset.actors.except);
        names.extend(actors.map(|name| (ruleset.at, name.as_str())));
        names.extend(ruleset.bypass.iter().flat_map(|bypass| bypass.names.iter().map(|name| (bypass.at, name.as_str()))));
    }
    let host_word = host.word();
    for (at, name) in names {
        if let Some(help) = why(name) {
            context.found(at, format!("nobody is named `{name}` under `identity = \"{host_word}\"`"), help);
        }
    }
}

fn bypass_for_ci_runs(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        for bypass in ruleset.bypass.iter().filter(|bypass| bypass.names.iter().any(|name| name == CI_RUNS)) {
            let message = format!("ruleset `{}`: every run of the host's CI passes", ruleset.name);
            context.found(
                bypass.at,
                message,
                "an account that may push a workflow to any branch can start one; restrict the paths of workflows",
            );
        }
    }
}

fn refuses_direct_pushes(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        for rule in &ruleset.rules {
            let what = match id(rule) {
                "pull_request" | "required_status_checks" => {
                    "refuses every direct push here; what the host marks as the merge of a pull request passes"
                }
                "required_signatures" => "refuses every direct push here, because signatures cannot be verified here yet",
                _ => continue,
            };
            context.found(rule.at, format!("ruleset `{}`: `{}` {what}", ruleset.name, id(rule)), "");
        }
    }
}

fn not_on_a_server(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        for rule in &ruleset.rules {
            if let Some(why) = rule.rule.info().not_on_a_server {
                context.found(
                    rule.at,
                    format!("ruleset `{}`: `{}` does not bind on a git server: {why}", ruleset.name, id(rule)),
                    "",
                );
            }
        }
    }
}

fn not_on_github(context: &mut Context<'_>) {
    for ruleset in context.rulesets() {
        for rule in &ruleset.rules {
            let why = match (rule.rule.on_github(), ruleset.target) {
                (OnGithub::PushRulesetOnly, Target::Push) | (OnGithub::Same, Target::Branch | Target::Tag) => continue,
                (OnGithub::PushRulesetOnly, _) => "GitHub has it in push rulesets only",
                (OnGithub::Same, Target::Push) => "GitHub's push rulesets are about paths and files only",
                (OnGithub::None { why }, _) => why,
            };
            context.found(rule.at, format!("ruleset `{}`: `{}` does not bind on GitHub: {why}", ruleset.name, id(rule)), "");
        }
        if !ruleset.actors.is_everyone() {
            context.found(
                ruleset.at,
                format!("ruleset `{}`: `actors` does not bind on GitHub: its rulesets judge everyone", ruleset.name),
                "",
            );
        }
        if !ruleset.trust_default_branch {
            let message =
                format!("ruleset `{}`: `trust_default_branch` does not bind on GitHub: it has no such setting", ruleset.name);
            context.found(ruleset.at, message, "");
        }
    }
}

fn not_used_yet(context: &mut Context<'_>) {
    let start = Location { line: 1, column: 1 };
    if context.policy.signers.is_some() {
        context.found(start, "`[signers]` is read and not used by this version", "");
    }
    if !context.policy.cases.is_empty() {
        context.found(start, "`[[case]]` is read and not used by this version", "");
    }
}
