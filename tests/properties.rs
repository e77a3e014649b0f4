//! What holds for every policy and every push: order decides nothing, more rules and less knowledge accept nothing more, bytes on
//! standard input mean one thing or nothing, and nothing that a push brings is printed raw.

use std::rc::Rc;

use proptest::prelude::*;
use refwarden::git::{Change, Commit, FileChange, FileEntry, Mode, ObjectFormat, Oid, RefName, RefUpdate};
use refwarden::policy::{BypassMode, DefaultBranch, Enforcement, Location, Policy, parse};
use refwarden::push::{EnteringCommit, Fact, NewValue, PushTotals, Undecided, UpdateFacts};
use refwarden::receive::message::{About, render, render_json, render_undecided, render_undecided_json};
use refwarden::receive::stdin;
use refwarden::rules::Violation;
use refwarden::verdict::{
    Context, Decision, Evaluation, Outcome, PushedUpdate, Verdict, evaluate, fold_decision, select, server_evaluations,
};

/// Every rule that binds on a server for branches, with settings that some facts keep and some break.
const RULES: &[&str] = &[
    "creation = true",
    "update = true",
    "deletion = true",
    "non_fast_forward = true",
    "required_linear_history = true",
    "required_signatures = true",
    "pull_request = { required_approving_review_count = 1 }",
    "required_status_checks = { required_status_checks = [{ context = \"ci\" }] }",
    "commit_message_pattern = { operator = \"starts_with\", pattern = \"fix\" }",
    "commit_message_pattern = [{ operator = \"contains\", pattern = \"x\" }, { operator = \"regex\", pattern = \"^f\", negate = true }]",
    "commit_author_email_pattern = { operator = \"ends_with\", pattern = \"@example.org\" }",
    "committer_email_pattern = { operator = \"ends_with\", pattern = \"@example.org\" }",
    "branch_name_pattern = { operator = \"starts_with\", pattern = \"m\" }",
    "file_path_restriction = { restricted_file_paths = [\"secret/**/*\"] }",
    "max_file_path_length = { max_file_path_length = 12 }",
    "file_extension_restriction = { restricted_file_extensions = [\"jar\"] }",
    "max_file_size = { max_file_size = 1 }",
    "max_commits = { max_commits = 2 }",
    "max_changed_paths = { max_changed_paths = 3 }",
];

/// A rule for tags alone.
const TAG_RULES: &[&str] =
    &["annotated_tags = true", "tag_name_pattern = { operator = \"starts_with\", pattern = \"v\" }", "deletion = true"];

const NAMES: &[&str] = &["refs/heads/main", "refs/heads/dev", "refs/heads/release/1", "refs/tags/v1", "refs/other/x"];

#[derive(Debug, Clone)]
struct PlannedRuleset {
    tags: bool,
    refs: usize,
    enforcement: usize,
    bypassed: bool,
    actors: bool,
    rules: Vec<usize>,
}

impl PlannedRuleset {
    fn toml(&self, name: usize, rules: &[usize]) -> String {
        let (target, refs, known) = if self.tags {
            ("tag", ["[\"~ALL\"]", "[\"v*\"]", "[\"~ALL\"]", "[\"~ALL\"]"][self.refs], TAG_RULES)
        } else {
            (
                "branch",
                ["[\"main\"]", "[\"~ALL\"]", "[\"~DEFAULT_BRANCH\"]", "{ include = [\"**/*\"], exclude = [\"dev\"] }"][self.refs],
                RULES,
            )
        };
        let mut text = format!("[[ruleset]]\nname = \"r{name}\"\ntarget = \"{target}\"\nrefs = {refs}\n");
        text.push_str(["", "", "enforcement = \"evaluate\"\n", "enforcement = \"disabled\"\n"][self.enforcement]);
        if self.bypassed {
            text.push_str("bypass = [{ actor = \"dev\" }]\n");
        }
        if self.actors {
            text.push_str("actors = [\"d*\"]\n");
        }
        text.push_str("[ruleset.rules]\n");
        let mut keys: Vec<&str> = Vec::new();
        for rule in rules {
            let rule = known[rule % known.len()];
            let key = rule.split(' ').next().unwrap();
            if !keys.contains(&key) {
                keys.push(key);
                text.push_str(rule);
                text.push('\n');
            }
        }
        text
    }

    fn is_active(&self) -> bool {
        self.enforcement < 2 && !self.bypassed
    }
}

fn policy(rulesets: &[(usize, &PlannedRuleset, Vec<usize>)]) -> Policy {
    let text: String = rulesets.iter().map(|(name, planned, rules)| planned.toml(*name, rules)).collect();
    let text = format!("version = 1\n{text}");
    parse::parse("policy.toml", text.as_bytes()).unwrap_or_else(|problems| panic!("{text}\n{problems:?}"))
}

fn planned_ruleset() -> impl Strategy<Value = PlannedRuleset> {
    let rules = prop::collection::vec(0..RULES.len(), 1..6);
    (prop::bool::weighted(0.2), 0..4usize, 0..4usize, prop::bool::weighted(0.15), any::<bool>(), rules).prop_map(
        |(tags, refs, enforcement, bypassed, actors, rules)| PlannedRuleset { tags, refs, enforcement, bypassed, actors, rules },
    )
}

fn oid(seed: u8) -> Oid {
    Oid::from_bytes(&[seed.max(1); 20]).unwrap()
}

fn fact<T: std::fmt::Debug + Clone + 'static>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Fact<T>> {
    prop_oneof![
        12 => value.prop_map(Fact::Known),
        1 => Just(Fact::NotCollected),
        1 => Just(Fact::Failed(Undecided::new("it was not to be found"))),
    ]
}

fn change() -> impl Strategy<Value = FileChange> {
    let path = prop::sample::select(vec!["a", "src/main.rs", "secret/key", "lib.jar", "SECRET/x", "a/very/long/path"]);
    let entry = || {
        let mode = prop::sample::select(vec![Mode::File, Mode::Executable, Mode::Symlink, Mode::Gitlink]);
        prop::option::weighted(0.8, (mode, 1..9u8).prop_map(|(mode, id)| FileEntry { mode, id: oid(id) }))
    };
    let size = prop::option::weighted(0.9, prop::sample::select(vec![0, 10, 2_000_000]));
    (path, entry(), entry(), size).prop_map(|(path, old, new, size)| FileChange { path: path.as_bytes().into(), old, new, size })
}

fn commit() -> impl Strategy<Value = EnteringCommit> {
    let texts = || prop::sample::select(vec!["fix: x", "feat", "a@example.org", "b@evil.org", ""]);
    (1..60u8, 0..3usize, texts(), texts(), texts(), fact(prop::collection::vec(change(), 0..3))).prop_map(
        |(id, parents, author, committer, message, changes)| {
            let commit = Commit {
                id: oid(id),
                tree: oid(200),
                parents: (0..parents).map(|parent| oid(100 + u8::try_from(parent).unwrap())).collect(),
                committer_time: 0,
                text: Some(
                    format!("author a <{author}> 0 +0000\ncommitter c <{committer}> 0 +0000\n\n{message}").into_bytes().into(),
                ),
            };
            EnteringCommit { commit: Rc::new(commit), changes }
        },
    )
}

/// Facts about an update of the ref with that number, but for the totals.
fn update(name: usize) -> impl Strategy<Value = UpdateFacts> {
    let change = prop_oneof![
        Just(Change::Create { new: oid(1) }),
        Just(Change::Update { old: oid(2), new: oid(1) }),
        Just(Change::Delete { old: Some(oid(2)) }),
    ];
    let kinds = vec![NewValue::Commit, NewValue::Tag, NewValue::Tree, NewValue::Blob];
    let landing = fact(prop::collection::vec(self::change(), 0..3).prop_map(Rc::new));
    let entering = fact(prop::collection::vec(commit().prop_map(Rc::new), 0..3));
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.3));
    (change, flags, fact(prop::bool::weighted(0.8)), fact(prop::sample::select(kinds)), landing, entering).prop_map(
        move |(change, (rewrite, merges), fast_forward, new_value, landing, entering)| {
            let name = RefName::parse(NAMES[name].as_bytes()).unwrap();
            let mut facts = UpdateFacts::new(RefUpdate { name, change });
            facts.rewrite = rewrite;
            facts.merges_pull_request = merges;
            facts.fast_forward = fast_forward;
            facts.new_value = new_value;
            facts.landing = landing;
            facts.entering = entering;
            facts
        },
    )
}

fn push() -> impl Strategy<Value = Vec<UpdateFacts>> {
    let names = prop::sample::subsequence((0..NAMES.len()).collect::<Vec<_>>(), 1..=NAMES.len());
    let totals = (fact(0..5u64), fact(0..6u64));
    (names, totals).prop_flat_map(|(names, totals)| {
        let updates: Vec<_> = names.into_iter().map(|name| update(name).boxed()).collect();
        updates.prop_map(move |mut updates| {
            for facts in &mut updates {
                facts.totals = PushTotals { commits: totals.0.clone(), changed_paths: totals.1.clone() };
            }
            updates
        })
    })
}

fn context() -> Context {
    Context {
        repository: "team/server".to_owned(),
        served_as: vec![],
        actor: "dev".to_owned(),
        now: jiff::Timestamp::UNIX_EPOCH,
        default_branch: DefaultBranch::Exists(RefName::parse(b"refs/heads/main").unwrap()),
    }
}

fn pushed(facts: &UpdateFacts) -> PushedUpdate {
    PushedUpdate {
        update: facts.update.clone(),
        reached: vec![facts.update.name.clone()],
        aliases: vec![],
        rewrite: facts.rewrite,
        merges_pull_request: facts.merges_pull_request,
    }
}

/// The decision, and whether each fact that an active rule asks for was there.
fn decide(policy: &Policy, push: &[UpdateFacts]) -> Decision {
    let context = context();
    let updates: Vec<PushedUpdate> = push.iter().map(pushed).collect();
    let selected = select(policy, &context, &updates).unwrap();
    let facts: Vec<Vec<UpdateFacts>> =
        selected.iter().map(|one| one.updates.iter().map(|(index, _, _)| push[*index].clone()).collect()).collect();
    let mut evaluations = server_evaluations(policy, &context, &updates).unwrap();
    evaluations.extend(evaluate(&selected, &facts));
    fold_decision(&evaluations)
}

fn all(rulesets: &[PlannedRuleset]) -> Vec<(usize, &PlannedRuleset, Vec<usize>)> {
    rulesets.iter().enumerate().map(|(name, planned)| (name, planned, planned.rules.clone())).collect()
}

/// Takes one fact away. Whether the ruleset's rules need it for that update.
fn forget(facts: &mut UpdateFacts, which: usize, failed: bool) -> fn(&refwarden::push::Needs) -> bool {
    fn set<T>(fact: &mut Fact<T>, failed: bool) {
        *fact = if failed { Fact::Failed(Undecided::new("gone")) } else { Fact::NotCollected };
    }
    let deletes = matches!(facts.update.change, Change::Delete { .. });
    let updates = matches!(facts.update.change, Change::Update { .. });
    let never: fn(&refwarden::push::Needs) -> bool = |_| false;
    match which {
        0 => {
            set(&mut facts.fast_forward, failed);
            if updates { |needs| needs.fast_forward } else { never }
        }
        1 => {
            set(&mut facts.new_value, failed);
            if deletes { never } else { |needs| needs.target }
        }
        2 => {
            set(&mut facts.landing, failed);
            if deletes { never } else { |needs| needs.changes }
        }
        3 => {
            set(&mut facts.entering, failed);
            // The number of changed paths is a fact of its own.
            if deletes { never } else { |needs| needs.commits && !needs.changed_paths }
        }
        4 => {
            set(&mut facts.totals.changed_paths, failed);
            if deletes { never } else { |needs| needs.changed_paths }
        }
        _ => {
            set(&mut facts.totals.commits, failed);
            never
        }
    }
}

/// A character that must not reach a terminal, by this test's own list.
fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0xa0 | 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x1680 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x2000..=0x200f
            | 0x2028..=0x202f | 0x205f..=0x206f | 0x2800 | 0x3000 | 0x3164 | 0xd800..=0xf8ff | 0xfe00..=0xfe0f | 0xfeff
            | 0xffa0 | 0xfff0..=0xfffb | 0x1d173..=0x1d17a | 0xe0000..=0x10_ffff)
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces = vec![
        "\x1b[2J",
        "\n",
        "\r",
        "\0",
        "\x07",
        "\x7f",
        "\u{85}",
        "\u{9b}31m",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{feff}",
        "\u{2028}",
        "\u{e0041}",
        "\u{fe0f}",
        "\u{3164}",
        "\u{ad}",
        "\u{a0}",
        "\u{61c}",
        "\\",
        "\\u{1b}",
        "\"",
        "é",
        "東京",
        "refwarden: ",
        "a",
        "\u{10ffff}",
        "\u{e000}",
        "\u{1f468}\u{200d}\u{1f469}",
    ];
    prop_oneof![
        3 => prop::collection::vec(prop::sample::select(pieces), 0..8).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}

fn hostile_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![hostile().prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..30)]
}

/// A ref's name, of whatever of these bytes git lets through.
fn hostile_name() -> impl Strategy<Value = RefName> {
    hostile_bytes().prop_map(|bytes| {
        let kept: Vec<u8> = bytes.into_iter().filter(|byte| *byte > b' ' && !b"\x7f~^:?*[\\./@{".contains(byte)).collect();
        RefName::parse(&[b"refs/heads/x", kept.as_slice()].concat()).unwrap()
    })
}

fn violation() -> impl Strategy<Value = Violation> {
    (hostile(), prop::option::of(hostile_bytes()), prop::option::of(1..9u8), prop::option::of(hostile())).prop_map(
        |(what, path, commit, help)| Violation { what, path: path.map(Into::into), commit: commit.map(oid), help, more: 0 },
    )
}

fn evaluation(name: RefName) -> impl Strategy<Value = Evaluation> {
    let outcome = prop_oneof![
        prop::collection::vec(violation(), 1..13).prop_map(Outcome::Violated),
        hostile().prop_map(|why| Outcome::Failed(Undecided::new(why))),
        (hostile(), prop::collection::vec(violation(), 0..2)).prop_map(|(by, violations)| Outcome::Bypassed {
            by,
            mode: BypassMode::Always,
            violations
        }),
        Just(Outcome::Passed),
    ];
    let enforcement = prop::sample::select(vec![Enforcement::Active, Enforcement::Evaluate]);
    (hostile(), prop::option::of(hostile_name()), enforcement, outcome).prop_map(
        move |(ruleset, matched, enforcement, outcome)| Evaluation {
            ruleset,
            rule: "file_path_restriction",
            at: Location { line: 3, column: 4 },
            ref_name: name.clone(),
            matched,
            enforcement,
            outcome,
        },
    )
}

/// Text as it stands in JSON: a string, or hex where it is none.
fn in_json(bytes: &[u8]) -> serde_json::Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::json!(text),
        Err(_) => serde_json::json!({ "bytes_hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
    }
}

#[track_caller]
fn is_plain(line: &str) {
    assert!(!line.contains(is_hostile), "printed raw: {line:?}");
}

fn json_of(line: &str) -> serde_json::Value {
    is_plain(line);
    serde_json::from_str(line.strip_prefix("refwarden-json: ").unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_decides_nothing(
        rulesets in prop::collection::vec(planned_ruleset(), 1..5),
        push in push(),
        seeds in any::<[u64; 3]>(),
    ) {
        let mut ordered = all(&rulesets);
        let decision = decide(&policy(&ordered), &push);
        let shuffle = |len: usize, seed: u64| -> Vec<usize> {
            let mut order: Vec<usize> = (0..len).collect();
            order.sort_by_key(|index| (*index as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
            order
        };
        ordered = shuffle(ordered.len(), seeds[0]).into_iter().map(|index| ordered[index].clone()).collect();
        for (_, _, rules) in &mut ordered {
            // Of two settings of one rule the first is taken, so those stay in order.
            let mut unique = Vec::new();
            for rule in rules.drain(..) {
                let key = |rule: usize| RULES[rule].split(' ').next();
                if !unique.iter().any(|other| key(*other) == key(rule) || TAG_RULES[other % TAG_RULES.len()] == TAG_RULES[rule % TAG_RULES.len()]) {
                    unique.push(rule);
                }
            }
            *rules = unique;
        }
        let decision_of_unique = decide(&policy(&ordered), &push);
        for (_, _, rules) in &mut ordered {
            *rules = shuffle(rules.len(), seeds[1]).into_iter().map(|index| rules[index]).collect();
        }
        let shuffled: Vec<UpdateFacts> = shuffle(push.len(), seeds[2]).into_iter().map(|index| push[index].clone()).collect();
        prop_assert_eq!(decide(&policy(&ordered), &shuffled), decision_of_unique);
        prop_assert_eq!(decide(&policy(&all(&rulesets)), &shuffled), decision);
    }

    #[test]
    fn more_rules_accept_nothing_more(
        rulesets in prop::collection::vec(planned_ruleset(), 1..4),
        push in push(),
        (to, rule) in (any::<prop::sample::Index>(), 0..RULES.len()),
        more in planned_ruleset(),
    ) {
        let before = decide(&policy(&all(&rulesets)), &push);
        let mut longer = all(&rulesets);
        let to = to.index(longer.len());
        longer[to].2.push(rule);
        let after = decide(&policy(&longer), &push);
        prop_assert!(before == Decision::Accepted || after != Decision::Accepted, "{before:?} became {after:?}");
        let mut with_another = all(&rulesets);
        with_another.push((9, &more, more.rules.clone()));
        let after = decide(&policy(&with_another), &push);
        prop_assert!(before == Decision::Accepted || after != Decision::Accepted);
        // What reports or is switched off changes nothing.
        if !more.is_active() {
            prop_assert_eq!(after, before);
        }
    }

    #[test]
    fn less_knowledge_accepts_nothing_more(
        rulesets in prop::collection::vec(planned_ruleset(), 1..4),
        push in push(),
        (at, which, failed) in (any::<prop::sample::Index>(), 0..6usize, any::<bool>()),
    ) {
        let policy = policy(&all(&rulesets));
        let before = decide(&policy, &push);
        let mut poorer = push.clone();
        let at = at.index(poorer.len());
        let needed = forget(&mut poorer[at], which, failed);
        let after = decide(&policy, &poorer);
        prop_assert!(before == Decision::Accepted || after != Decision::Accepted, "{before:?} became {after:?}");
        let updates: Vec<PushedUpdate> = poorer.iter().map(pushed).collect();
        for (one, planned) in select(&policy, &context(), &updates).unwrap().iter().map(|one| {
            let number: usize = one.ruleset.name[1..].parse().unwrap();
            (one, &rulesets[number])
        }) {
            let judged = planned.is_active() && one.updates.iter().any(|(index, _, _)| *index == at);
            for configured in one.ruleset.rules.iter().filter(|configured| configured.rule.info().not_on_a_server.is_none()) {
                if judged && needed(&configured.rule.needs()) {
                    prop_assert_ne!(after, Decision::Accepted, "{} went without", configured.rule.info().id);
                }
            }
        }
        // Nor with what an entering commit touches.
        let mut poorer = push.clone();
        if let Fact::Known(entering) = &mut poorer[at].entering {
            for one in entering.iter_mut() {
                *one = Rc::new(EnteringCommit { commit: Rc::clone(&one.commit), changes: Fact::NotCollected });
            }
            let after = decide(&policy, &poorer);
            prop_assert!(before == Decision::Accepted || after != Decision::Accepted);
        }
    }

    #[test]
    fn any_bytes_mean_one_thing_or_nothing(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
            // Random bytes are no lines; that they are refused without a panic is what counts.
            prop_assert!(stdin::parse(&bytes, format).is_err());
        }
    }

    #[test]
    fn lines_mean_what_they_say(
        lines in prop::collection::vec((0..4u8, 0..4u8, hostile_name()), 1..5),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![Just(b' '), Just(b'\n'), Just(b'\r'), Just(b'0'), Just(0), any::<u8>()], 0..3u8), 0..3),
    ) {
        let id = |seed: u8| if seed == 0 { "0".repeat(40) } else { oid(seed).to_string() };
        let mut bytes = Vec::new();
        for (old, new, name) in &lines {
            bytes.extend_from_slice(format!("{} {} ", id(*old), id(*new)).as_bytes());
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(b'\n');
        }
        let intact = edits.is_empty();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len().max(1));
            match kind {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.insert(at.min(bytes.len()), byte),
                _ if at < bytes.len() => { bytes.remove(at); }
                _ => {}
            }
        }
        let parsed = stdin::parse(&bytes, ObjectFormat::Sha1);
        prop_assert!(!intact || parsed.is_ok());
        if let Ok(updates) = parsed {
            let mut again = Vec::new();
            for update in &updates {
                let hex = |value: Option<Oid>| value.map_or("0".repeat(40), |id| id.to_string());
                again.extend_from_slice(format!("{} {} ", hex(update.change.old_value()), hex(update.change.new_value())).as_bytes());
                again.extend_from_slice(update.name.as_bytes());
                again.push(b'\n');
            }
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn nothing_is_printed_raw(
        (name, evaluations) in hostile_name().prop_flat_map(|name| (Just(name.clone()), prop::collection::vec(evaluation(name), 0..4))),
        (actor, file, why) in (hostile(), hostile(), hostile()),
    ) {
        let update = RefUpdate { name: name.clone(), change: Change::Update { old: oid(1), new: oid(2) } };
        let updates = [PushedUpdate { update, reached: vec![name.clone()], aliases: vec![], rewrite: false, merges_pull_request: false }];
        let decision = fold_decision(&evaluations);
        let verdict = Verdict::of(evaluations);
        prop_assert_eq!(verdict.decision, decision);
        let about = About { decision_id: "01J", actor: &actor, policy_file: &file, updates: &updates };
        render(&verdict, &about).iter().for_each(|line| is_plain(line));
        let why = Undecided::new(why);
        render_undecided(&why, Some("01J")).iter().for_each(|line| is_plain(line));
        prop_assert_eq!(&json_of(&render_undecided_json(&why, Some("01J")))["cause"], &serde_json::json!(why.why));

        let json = json_of(&render_json(&verdict, &about));
        prop_assert_eq!(&json["decision"], decision.as_str());
        prop_assert_eq!(&json["updates"][0]["ref"], &in_json(name.as_bytes()));
        let notable: Vec<&Evaluation> = verdict.evaluations.iter().filter(|one| one.outcome != Outcome::Passed).collect();
        prop_assert_eq!(json["evaluations"].as_array().unwrap().len(), notable.len());
        for (found, one) in json["evaluations"].as_array().unwrap().iter().zip(notable) {
            prop_assert_eq!(&found["ruleset"], &serde_json::json!(one.ruleset));
            prop_assert_eq!(&found["ref"], &in_json(one.ref_name.as_bytes()));
            prop_assert_eq!(found.get("matched").cloned(), one.matched.as_ref().map(|name| in_json(name.as_bytes())));
            prop_assert_eq!(&found["policy"]["file"], &serde_json::json!(file));
            let violations = match &one.outcome {
                Outcome::Failed(why) => {
                    prop_assert_eq!(&found["why"], &serde_json::json!(why.why));
                    continue;
                }
                Outcome::Bypassed { by, violations, .. } => {
                    prop_assert_eq!(&found["by"], &serde_json::json!(by));
                    violations
                }
                Outcome::Violated(violations) => violations,
                Outcome::Passed => continue,
            };
            prop_assert_eq!(&found["violations_total"], violations.len());
            for (found, violation) in found["violations"].as_array().unwrap().iter().zip(violations) {
                prop_assert_eq!(&found["what"], &serde_json::json!(violation.what));
                prop_assert_eq!(found.get("path").cloned(), violation.path.as_ref().map(|path| in_json(path)));
                prop_assert_eq!(found.get("help").cloned(), violation.help.as_ref().map(|help| serde_json::json!(help)));
                prop_assert_eq!(found.get("commit").cloned(), violation.commit.map(|id| serde_json::json!(id.to_string())));
            }
        }
    }
}
