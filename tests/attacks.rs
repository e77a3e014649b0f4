//! The attack suite: every known way around a rule, as a real push that must be refused, beside an honest twin that must be
//! accepted. What a file can say lies in `fixtures/attacks/`; what needs a client that is no git is in [`raw`], and other paths to a repository are in [`worktrees`].

mod raw;
mod worktrees;

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::support::scenario::{Push, Scene, State, fixtures, for_all};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    class: String,
    why: String,
    policy: String,
    #[serde(default)]
    server: State,
    /// Pushes one after the other. Each is accepted unless it says otherwise; the last one is refused.
    attack: Vec<Step>,
    /// The same for someone honest; every push is accepted.
    twin: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    /// Refused by this rule.
    refused: Option<String>,
    /// Refused because it could not be judged, for this cause.
    undecided: Option<String>,
    #[serde(flatten)]
    push: Push,
}

fn play(attack: &Attack, steps: &[Step], twin: bool) {
    let pushes: Vec<&Push> = steps.iter().map(|step| &step.push).collect();
    let scene = Scene::new(&attack.policy, &attack.server, &pushes);
    for (index, step) in steps.iter().enumerate() {
        let last = index + 1 == steps.len();
        let values = || scene.server.git(["for-each-ref"]);
        let before = values();
        let pushed = scene.push(&step.push, &[]);
        match (&step.refused, &step.undecided) {
            _ if twin => assert!(pushed.accepted, "the twin's push {index} was refused:\n{}", pushed.output),
            (Some(rule), None) => pushed.refuse(rule),
            (None, Some(cause)) => pushed.undecided(cause),
            (None, None) if !last => assert!(pushed.accepted, "push {index} was refused:\n{}", pushed.output),
            _ => panic!("the last push says by what it is refused"),
        }
        if !pushed.accepted {
            assert_eq!(values(), before, "a refused push moved a ref");
        }
    }
}

#[test]
fn attacks_are_refused_and_their_twins_accepted() {
    for_all("attacks", |_, text| {
        let attack: Attack = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
        assert!(!attack.why.is_empty() && !attack.class.is_empty());
        play(&attack, &attack.attack, false);
        play(&attack, &attack.twin, true);
    });
}

/// What depends on `HEAD` and on other refs than branches and tags, on every kind of repository.
#[test]
fn attacks_by_way_of_head_and_of_a_host_s_refs_on_every_kind() {
    for folder in ["attacks/default-branch", "attacks/unwritable-refs"] {
        for_all(folder, |_, text| {
            let mut attack: Attack = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
            for (sha256, reftable) in [(true, false), (false, true), (true, true)] {
                (attack.server.sha256, attack.server.reftable) = (sha256, reftable);
                play(&attack, &attack.attack, false);
                play(&attack, &attack.twin, true);
            }
        });
    }
}

#[test]
fn every_class_is_there() {
    let classes: BTreeSet<String> =
        fixtures("attacks").into_iter().map(|(_, text)| toml::from_str::<Attack>(&text).unwrap().class).collect();
    for class in [
        "history",
        "paths",
        "types",
        "merges",
        "names",
        "symbolic refs",
        "tags",
        "several refs",
        "policy",
        "environment",
        "default branch",
    ] {
        assert!(classes.contains(class), "no attack of the class `{class}`: {classes:?}");
    }
}
