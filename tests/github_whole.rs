//! A whole audit of a seeded organization, against itself: what a token may not see, and what goes wrong on the way, takes no
//! finding away without a word, and adds none.

use std::collections::{BTreeMap, BTreeSet};

use refwarden::audit::judge::{Audit, Judge, parts};
use refwarden::audit::scene::Context;
use refwarden::audit::{CHECKS, Finding};
use refwarden::github::client::{Client, Credentials, Host, Options, Token};
use refwarden::github::effective::{Effective, Source};
use refwarden::github::live::Reader;
use refwarden::github::{Part, Parts, Readable, Selection};

use crate::support::clock::leaping;
use crate::support::github::{Bed, Fault, Permission, Profile, Quirk, When, seed};

/// Findings about what could not be seen, which appear when less is.
const ABOUT_SIGHT: &[&str] =
    &["protection-unreadable", "bypass-list-hidden", "inventory-partial", "page-truncated", "feature-unavailable"];

fn seeded() -> Bed {
    let bed = Bed::of(Profile::EnterpriseCloud);
    seed::plant(&bed, &seed::Seed { organization: "acme".to_owned(), repositories: 12, seed: 1 });
    bed.hourly_limit(1_000_000);
    bed
}

fn everything() -> Parts {
    let parts: Parts = parts(CHECKS).into_iter().collect();
    parts.and(Part::OrgActions).and(Part::OwnerRuleSuites)
}

fn client(bed: &Bed, token: &str) -> Client {
    let options = Options { clock: leaping(), points_a_minute: None, attempts: 4, ..Options::default() };
    Client::new(Host::parse(&bed.api_url()).unwrap(), Credentials::Token(Token::new(token).unwrap()), options).unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// `None` when not even the owner could be read: the program then ends with 3.
fn audit(bed: &Bed, token: &str) -> Option<Audit> {
    run(async {
        let client = client(bed, token);
        let reader = Reader::new(&client);
        let owner = reader.owner("acme", &everything()).await.ok()?;
        let context = Context { owner: &owner, policy: None, baseline: None, now: "2026-02-03T04:05:06Z".parse().unwrap() };
        let checks = CHECKS.iter().copied().filter(|check| check.id != "changed-since-baseline").collect();
        let mut judge = Judge::new(context, checks);
        let inventory = reader
            .repositories(&Selection::owner("acme").unwrap(), &everything(), |repository| judge.repository(&repository))
            .await;
        Some(judge.finish(inventory))
    })
}

fn by_fingerprint(audit: &Audit) -> BTreeMap<&str, &Finding> {
    audit.findings.iter().map(|finding| (finding.fingerprint.as_str(), finding)).collect()
}

/// Nothing that was found is gone without a word, and nothing new is found but what is about sight.
fn loses_nothing(whole: &Audit, less: Option<&Audit>, what: &str) {
    let Some(less) = less else { return };
    let (before, now) = (by_fingerprint(whole), by_fingerprint(less));
    let unsure: BTreeSet<&str> = less.cannot_tell.iter().map(|unknown| unknown.check.as_str()).collect();
    let unread = less.inventory.as_ref().is_none_or(|inventory| !inventory.unread.is_empty());
    for (fingerprint, finding) in &before {
        let told = now.contains_key(fingerprint) || unsure.contains(finding.check.as_str()) || unread;
        assert!(told, "{what}: `{}` of {} is gone without a word", finding.check, finding.place.target);
    }
    for (fingerprint, finding) in &now {
        let known = before.contains_key(fingerprint) || ABOUT_SIGHT.contains(&finding.check.as_str());
        // The same check may say less of the same place when it sees less.
        let same = before.values().any(|other| other.check == finding.check && other.place.target == finding.place.target);
        assert!(known || same, "{what}: {finding:#?} is false");
    }
}

#[test]
fn each_permission_taken_away_hides_and_never_clears() {
    let bed = seeded();
    let whole = audit(&bed, &bed.token().create()).unwrap();
    assert!(whole.findings.len() > 20, "{:#?}", whole.findings);
    let mut hid = 0;
    for permission in Permission::ALL {
        let less = audit(&bed, &bed.token().without(permission).create());
        hid += usize::from(less.as_ref().is_none_or(|less| less.cannot_tell.len() > whole.cannot_tell.len()));
        loses_nothing(&whole, less.as_ref(), permission.name());
    }
    assert!(hid >= 5, "only {hid} permissions were missed");
    let nothing = audit(&bed, &bed.token().permissions(crate::support::github::Permissions::nothing()).create());
    assert!(nothing.is_none_or(|audit| !audit.cannot_tell.is_empty() || !audit.findings.is_empty()));
}

#[test]
fn what_goes_wrong_on_the_way_never_clears() {
    let bed = seeded();
    let token = bed.token().create();
    let whole = audit(&bed, &token).unwrap();
    let everywhere = ["POST /graphql", "GET /repos/acme/*", "GET /orgs/acme/*"];
    let faults = [
        Fault::Status(502),
        Fault::Status(500),
        Fault::SecondaryLimit { status: 403, retry_after: Some(1) },
        Fault::SecondaryLimit { status: 429, retry_after: None },
        Fault::PrimaryLimit { reset_in: 5 },
        Fault::CutBody,
        Fault::InvalidJson,
        Fault::Disconnect,
        Fault::TruncatedPage { missing: 1 },
        Fault::BadCredentials,
    ];
    for fault in &faults {
        for on in everywhere {
            for when in [When::Nth(2), When::First(3), When::After(1), When::Always] {
                let bed = seeded();
                bed.fault(on, when, fault.clone());
                let less = audit(&bed, &bed.token().create());
                loses_nothing(&whole, less.as_ref(), &format!("{fault:?} on {on} {when:?}"));
            }
        }
    }
}

#[test]
fn a_token_that_expires_and_clocks_that_differ_never_clear() {
    let bed = seeded();
    let whole = audit(&bed, &bed.token().create()).unwrap();
    for after in [1, 3, 7, 15, 30] {
        let less = audit(&bed, &bed.token().expires_after(after).create());
        loses_nothing(&whole, less.as_ref(), &format!("expired after {after}"));
        let is_silent = less.is_some_and(|less| less.findings.is_empty() && less.cannot_tell.is_empty());
        assert!(!is_silent, "expired after {after}");
    }
    for quirk in [
        Quirk::ClockSkew { seconds: -7200 },
        Quirk::ClockSkew { seconds: 7200 },
        Quirk::GraphqlTooBig { over: 3 },
        Quirk::GraphqlRefused,
        Quirk::GraphqlForbidsProtections,
        Quirk::IgnoresPerPage,
        Quirk::HidesBypassActors,
    ] {
        let bed = seeded();
        bed.quirk(quirk);
        let less = audit(&bed, &bed.token().create());
        loses_nothing(&whole, less.as_ref(), &format!("{quirk:?}"));
    }
}

/// GitHub itself says which rules of rulesets bind a branch.
#[test]
fn effective_protection_is_what_github_says() {
    let bed = seeded();
    let token = bed.token().create();
    let compared = run(async {
        let client = client(&bed, &token);
        let reader = Reader::new(&client);
        let owner = reader.owner("acme", &everything()).await.unwrap();
        let mut repositories = Vec::new();
        reader.repositories(&Selection::owner("acme").unwrap(), &everything(), |repository| repositories.push(repository)).await;
        let mut compared = 0;
        for repository in repositories.iter().filter(|repository| !repository.empty) {
            let existing = repository.branches.known().cloned().unwrap_or_default();
            for branch in existing.iter().map(String::as_str).chain(["release/9.x", "new", "a/b#c", "é"]) {
                let Readable::Known(rules) = reader.branch_rules("acme", &repository.name, branch).await else {
                    panic!("{branch} of {} can be asked", repository.name)
                };
                let mut theirs: Vec<_> = rules.iter().map(|rule| (rule.ruleset_id, rule.rule.name.clone())).collect();
                let effective = Effective::of(repository, &owner, &format!("refs/heads/{branch}"));
                let mut ours: Vec<_> = effective
                    .bindings
                    .iter()
                    .filter_map(|binding| match &binding.source {
                        Source::Ruleset { id, .. } => Some((*id, binding.rule.name.clone())),
                        Source::Protection { .. } => None,
                    })
                    .collect();
                theirs.sort();
                ours.sort();
                assert_eq!(ours, theirs, "{branch} of {}", repository.name);
                compared += theirs.len();
            }
        }
        compared
    });
    assert!(compared > 30, "{compared}");
}
