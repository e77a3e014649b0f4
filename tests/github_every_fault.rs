//! Every check, over one organization in which the fault of each stands once: it is found where it stands, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use refwarden::audit::judge::{Audit, Judge, parts};
use refwarden::audit::scene::Context;
use refwarden::audit::{self, CHECKS, Check, Finding};
use refwarden::github::client::{Client, Clock, Credentials, Host, Options, Token};
use refwarden::github::live::Reader;
use refwarden::github::{Part, Parts, Selection};
use refwarden::policy::{Policy, parse};

use crate::support::github::faults_organization::{self as faults, ORGANIZATION, POLICY};
use crate::support::github::{Bed, Permission, Profile, Role, TokenBuilder};

const FIRST: &str = "2026-02-03T04:05:06Z";

fn planted() -> Bed {
    let bed = Bed::of(Profile::EnterpriseCloud);
    faults::plant(&bed);
    bed
}

fn token(bed: &Bed) -> TokenBuilder {
    let names = faults::visible(bed);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bed.token().without(Permission::EnterpriseAdministration).only(&names)
}

fn client(bed: &Bed, token: &str) -> Client {
    let options = Options {
        clock: Clock::hurried(20_000),
        timeout: Duration::from_secs(20),
        points_a_minute: None,
        attempts: 4,
        ..Options::default()
    };
    Client::new(Host::parse(&bed.api_url()).unwrap(), Credentials::Token(Token::new(token).unwrap()), options).unwrap()
}

fn policy() -> Policy {
    parse::parse("policy.toml", POLICY.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn everything() -> Parts {
    let all: Vec<&'static Check> = audit::all().collect();
    let parts: Parts = parts(&all).into_iter().collect();
    parts.and(Part::OrgActions).and(Part::OwnerRuleSuites)
}

/// `None` when not even the owner could be read: the program then ends with 3.
fn audit(bed: &Bed, token: &str, baseline: Option<&Audit>) -> Option<Audit> {
    let policy = policy();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let client = client(bed, token);
        let reader = Reader::new(&client);
        let owner = reader.owner(ORGANIZATION, &everything()).await.ok()?;
        let context = Context { owner: &owner, policy: Some(&policy), baseline, now: FIRST.parse().unwrap() };
        let checks = audit::all().filter(|check| baseline.is_some() || check.id != "changed-since-baseline").collect();
        let mut judge = Judge::new(context, checks);
        let selection = Selection::owner(ORGANIZATION).unwrap();
        let inventory = reader.repositories(&selection, &everything(), |repository| judge.repository(&repository)).await;
        Some(judge.finish(inventory))
    })
}

/// What was found before the change, and then.
fn before_and_after(bed: &Bed) -> (Audit, Audit) {
    let token = token(bed).create();
    let before = audit(bed, &token, None).expect("the owner can be read");
    faults::change(bed);
    let after = audit(bed, &token, Some(&before)).expect("the owner can be read");
    (before, after)
}

/// Where a finding is, in one line.
fn place(finding: &Finding) -> String {
    let place = &finding.place;
    let parts = [Some(&place.target), place.source.as_ref(), place.ref_name.as_ref(), place.file.as_ref(), place.field.as_ref()];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" | ")
}

#[test]
fn every_fault_is_found_where_it_stands_and_nowhere_else() {
    let started = std::time::Instant::now();
    let bed = planted();
    let (_, after) = before_and_after(&bed);
    for finding in &after.findings {
        println!("({:?}, {:?}) {}", finding.check, place(finding), finding.message);
    }
    for unknown in &after.cannot_tell {
        println!("UNSURE {} {:?} {}", unknown.check, unknown.place, unknown.why);
    }
    println!("exempted {:#?}", after.exempted);
    println!("{:?} {:#?}", started.elapsed(), after.inventory);
    for drift in &after.drift {
        println!("{drift:?}");
    }
    panic!();
}
