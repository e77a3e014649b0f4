//! Every check, over one organization in which the fault of each stands once: it is found where it stands, and nowhere else.

use std::collections::BTreeSet;

use refwarden::audit::judge::{Audit, Judge, parts};
use refwarden::audit::scene::Context;
use refwarden::audit::{self, CHECKS, Check, Finding, Look};
use refwarden::github::client::{Client, Credentials, Host, Options, Token};
use refwarden::github::live::Reader;
use refwarden::github::{Part, Parts, Selection};
use refwarden::policy::{Policy, parse};

use crate::support::clock::leaping;
use crate::support::github::faults_organization::{self as faults, ORGANIZATION, POLICY};
use crate::support::github::{Bed, Fault, Permission, Permissions, Profile, Quirk, Role, TokenBuilder, When};

const NOW: &str = "2026-02-03T04:05:06Z";

/// Findings about what could not be seen, which appear when less is.
const ABOUT_SIGHT: &[&str] = &["protection-unreadable", "bypass-list-hidden", "inventory-partial", "page-truncated"];

/// The fault of a check.
struct Planted {
    check: &'static str,
    /// Where it is found, and nowhere else.
    places: &'static [&'static str],
    /// The repository in which the same is done right.
    twin: &'static str,
}

/// One line for each check.
const FAULTS: &[Planted] = &[
    Planted {
        check: "protection-unreadable",
        places: &["acme/protection-unreadable | refs/heads/main | protected"],
        twin: "sound-classic",
    },
    Planted {
        check: "bypass-list-hidden",
        places: &["holding | ruleset `holding` of enterprise holding | bypass_actors"],
        twin: "sound-bypass",
    },
    Planted { check: "inventory-partial", places: &["acme | repositories"], twin: "sound" },
    Planted { check: "page-truncated", places: &["acme/page-truncated | deploy keys"], twin: "sound-bypass" },
    Planted {
        check: "unknown-construct",
        places: &["acme/unknown-construct | ruleset `main` of acme/unknown-construct"],
        twin: "sound",
    },
    Planted {
        check: "branch-unprotected",
        places: &[
            "acme/branch-unprotected | refs/heads/main",
            // The rules that name `main` leave nothing for `trunk`.
            "acme/literal-default-branch | refs/heads/trunk",
        ],
        twin: "sound",
    },
    Planted {
        check: "ruleset-targets-nothing",
        places: &["acme/ruleset-targets-nothing | ruleset `nowhere` of acme/ruleset-targets-nothing | conditions"],
        twin: "sound-literal",
    },
    Planted {
        check: "ruleset-not-enforcing",
        places: &["acme/ruleset-not-enforcing | ruleset `trial` of acme/ruleset-not-enforcing | enforcement"],
        twin: "sound",
    },
    Planted { check: "rule-hollow", places: &["acme/rule-hollow | ruleset `main` of acme/rule-hollow | rules"], twin: "sound" },
    Planted {
        check: "release-branch-uncovered",
        places: &[
            "acme/release-branch-uncovered | refs/heads/release/1.x",
            // Only the release that was made from it tells of this one.
            "acme/release-branch-uncovered | refs/heads/ship",
        ],
        twin: "sound-releases",
    },
    Planted {
        check: "classic-pattern-shadowed",
        places: &["acme/classic-pattern-shadowed | branch protection `docs-*` | branchProtectionRuleConflicts"],
        twin: "sound-classic",
    },
    Planted {
        check: "literal-default-branch",
        places: &["acme/literal-default-branch | ruleset `main` of acme/literal-default-branch | refs/heads/trunk"],
        twin: "sound-literal",
    },
    Planted {
        check: "creation-open",
        places: &["acme/creation-open | ruleset `releases` of acme/creation-open | rules"],
        twin: "sound-releases",
    },
    Planted {
        check: "scope-escape",
        places: &["acme | ruleset `by name` of acme | conditions.repository_name.protected"],
        twin: "scope-kept",
    },
    Planted {
        check: "repo-excluded",
        places: &["acme/repo-excluded | ruleset `most` of acme | conditions"],
        twin: "repo-included",
    },
    Planted { check: "no-pr-required", places: &["acme/no-pr-required | refs/heads/main"], twin: "sound" },
    Planted {
        check: "approvals-below",
        places: &[
            "acme/approvals-below | ruleset `main` of acme/approvals-below | refs/heads/main | required_approving_review_count",
        ],
        twin: "in-policy",
    },
    Planted {
        check: "stale-approval-survives",
        places: &[
            "acme/stale-approval-survives | ruleset `main` of acme/stale-approval-survives | refs/heads/main | dismiss_stale_reviews_on_push",
        ],
        twin: "sound",
    },
    Planted {
        check: "last-push-unapproved",
        places: &[
            "acme/last-push-unapproved | ruleset `main` of acme/last-push-unapproved | refs/heads/main | require_last_push_approval",
        ],
        twin: "sound",
    },
    Planted {
        check: "codeowners-required-but-absent",
        places: &["acme/codeowners-required-but-absent | refs/heads/main | require_code_owner_review"],
        twin: "sound",
    },
    Planted { check: "codeowners-invalid", places: &["acme/codeowners-invalid | .github/CODEOWNERS"], twin: "sound" },
    Planted { check: "codeowners-self-unowned", places: &["acme/codeowners-self-unowned | .github/CODEOWNERS"], twin: "sound" },
    Planted {
        check: "actions-can-approve",
        places: &["acme/actions-can-approve | can_approve_pull_request_reviews"],
        twin: "sound",
    },
    Planted {
        check: "dismissal-open",
        places: &["acme/dismissal-open | ruleset `main` of acme/dismissal-open | refs/heads/main | dismissal_restriction"],
        twin: "sound",
    },
    Planted {
        check: "threads-unresolved",
        places: &[
            "acme/threads-unresolved | ruleset `main` of acme/threads-unresolved | refs/heads/main | required_review_thread_resolution",
        ],
        twin: "sound",
    },
    Planted {
        check: "reviewer-pool-too-small",
        places: &[
            "acme/reviewer-pool-too-small | ruleset `main` of acme/reviewer-pool-too-small | refs/heads/main | required_approving_review_count",
        ],
        twin: "sound",
    },
    Planted { check: "no-required-checks", places: &["acme/no-required-checks | refs/heads/main"], twin: "sound" },
    Planted {
        check: "check-source-unpinned",
        places: &["acme/check-source-unpinned | ruleset `main` of acme/check-source-unpinned | integration_id"],
        twin: "sound",
    },
    Planted {
        check: "check-never-reported",
        places: &[
            "acme/check-never-reported | ruleset `main` of acme/check-never-reported | refs/heads/main | required_status_checks",
        ],
        twin: "sound",
    },
    Planted { check: "check-name-ambiguous", places: &["acme/check-name-ambiguous"], twin: "sound" },
    Planted { check: "check-skippable", places: &["acme/check-skippable | .github/workflows/ci.yml"], twin: "sound" },
    Planted { check: "check-path-filtered", places: &["acme/check-path-filtered | .github/workflows/ci.yml"], twin: "sound" },
    Planted {
        check: "merge-queue-check-missing",
        places: &["acme/merge-queue-check-missing | refs/heads/main | .github/workflows/ci.yml"],
        twin: "sound-queue",
    },
    Planted {
        check: "not-up-to-date",
        places: &[
            "acme/not-up-to-date | ruleset `main` of acme/not-up-to-date | refs/heads/main | strict_required_status_checks_policy",
        ],
        twin: "sound",
    },
    Planted {
        check: "required-workflow-floating",
        places: &["acme | ruleset `floating` of acme | workflows"],
        twin: "required-workflow-pinned",
    },
    Planted {
        check: "admin-bypass",
        places: &["acme/admin-bypass | branch protection `old` | enforce_admins"],
        twin: "sound-classic",
    },
    Planted {
        check: "bypass-always",
        places: &["acme/bypass-always | ruleset `main` of acme/bypass-always | bypass_actors"],
        twin: "sound-bypass",
    },
    Planted {
        check: "bypass-exempt",
        places: &["acme/bypass-exempt | ruleset `main` of acme/bypass-exempt | bypass_actors"],
        twin: "sound-bypass",
    },
    Planted {
        check: "bypass-broad",
        places: &["acme/bypass-broad | ruleset `main` of acme/bypass-broad | bypass_actors"],
        twin: "sound-bypass",
    },
    Planted {
        check: "bypass-stale",
        places: &["acme/bypass-stale | ruleset `main` of acme/bypass-stale | bypass_actors"],
        twin: "sound-bypass",
    },
    Planted {
        check: "bypass-hidden-classic",
        places: &["acme/bypass-hidden-classic | branch protection `old` | bypass_pull_request_allowances"],
        twin: "sound-classic",
    },
    Planted { check: "bypass-custom-role", places: &["acme | custom_roles.permissions"], twin: "sound" },
    Planted { check: "bypass-used", places: &["acme/bypass-used | refs/heads/main"], twin: "sound" },
    Planted { check: "who-can-edit-rules", places: &["acme/who-can-edit-rules"], twin: "sound-admins" },
    Planted { check: "force-push-allowed", places: &["acme/force-push-allowed | refs/heads/main"], twin: "sound" },
    Planted { check: "deletion-allowed", places: &["acme/deletion-allowed | refs/heads/main"], twin: "sound" },
    Planted { check: "tags-unprotected", places: &["acme/tags-unprotected"], twin: "sound" },
    Planted { check: "unsigned", places: &["acme/unsigned | refs/heads/main"], twin: "sound" },
    Planted { check: "nonlinear", places: &["acme/nonlinear | refs/heads/main"], twin: "sound" },
    Planted { check: "push-rules-missing", places: &["acme/push-rules-missing"], twin: "sound" },
    Planted {
        check: "weaker-than-policy",
        places: &[
            // Fewer approvals are a setting that is weaker, too.
            "acme/approvals-below | ruleset `main` of acme/approvals-below | rules.pull_request.required_approving_review_count",
            "acme/weaker-than-policy | ruleset `main` of acme/weaker-than-policy | rules.commit_message_pattern",
        ],
        twin: "in-policy",
    },
    Planted {
        check: "unmanaged-ruleset",
        places: &["acme/unmanaged-ruleset | ruleset `by hand` of acme/unmanaged-ruleset"],
        twin: "in-policy",
    },
    Planted {
        check: "duplicate-name",
        places: &["acme/duplicate-name | ruleset `main` of acme/duplicate-name"],
        twin: "sound-releases",
    },
    Planted { check: "fragmented", places: &["acme/fragmented"], twin: "sound-releases" },
    Planted {
        check: "redundant-classic",
        places: &["acme/redundant-classic | branch protection `main` | refs/heads/main"],
        twin: "sound-classic",
    },
    Planted {
        check: "changed-since-baseline",
        places: &["acme/changed-since-baseline | ruleset `main` of acme/changed-since-baseline"],
        twin: "sound",
    },
    Planted { check: "exempt-expired", places: &["acme | policy.toml | exempt"], twin: "exempted" },
    Planted { check: "exempt-unused", places: &["acme | policy.toml | exempt"], twin: "exempted" },
];

/// `feature-unavailable`: what an Enterprise Cloud organization pays for includes everything, so the fault is in one that pays nothing.
const OF_FREE_PLAN: &[Planted] =
    &[Planted { check: "feature-unavailable", places: &["acme/feature-unavailable | branchProtectionRules"], twin: "sound" }];

/// Where nothing can bind, nothing does.
const OF_IT_FOLLOWS: Planted =
    Planted { check: "branch-unprotected", places: &["acme/feature-unavailable | refs/heads/main"], twin: "sound" };

/// Where not everything can be told by any token: what is planted there hides something or is not known to the program.
const UNCLEAR: &[&str] = &["acme/page-truncated", "acme/protection-unreadable", "acme/unknown-construct", "holding"];

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
    let options = Options { clock: leaping(), points_a_minute: None, attempts: 4, ..Options::default() };
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

/// What a run came to, and which repositories it looked at.
struct Run {
    audit: Audit,
    looked_at: BTreeSet<String>,
}

/// `None` when not even the owner could be read: the program then ends with 3.
fn audit(bed: &Bed, token: &str, policy: Option<&Policy>, baseline: Option<&Audit>) -> Option<Run> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let client = client(bed, token);
        let reader = Reader::new(&client);
        let owner = reader.owner(ORGANIZATION, &everything()).await.ok()?;
        let context = Context { owner: &owner, policy, baseline, now: NOW.parse().unwrap() };
        let makes_sense = |check: &&'static Check| {
            (baseline.is_some() || check.id != "changed-since-baseline") && (policy.is_some() || !check.id.starts_with("exempt-"))
        };
        let checks = audit::all().filter(makes_sense).collect();
        let mut judge = Judge::new(context, checks);
        let selection = Selection::owner(ORGANIZATION).unwrap();
        let mut looked_at = BTreeSet::new();
        let inventory = reader
            .repositories(&selection, &everything(), |repository| {
                looked_at.insert(repository.name.clone());
                judge.repository(&repository);
            })
            .await;
        Some(Run { audit: judge.finish(inventory), looked_at })
    })
}

/// A bed with the change that an earlier audit knows nothing of, and that audit.
fn changed() -> (Bed, Audit) {
    let bed = planted();
    let before = audit(&bed, &token(&bed).create(), Some(&policy()), None).expect("the owner can be read").audit;
    faults::change(&bed);
    (bed, before)
}

/// Where a finding is, in one line.
fn place(finding: &Finding) -> String {
    let place = &finding.place;
    let parts = [Some(&place.target), place.source.as_ref(), place.ref_name.as_ref(), place.file.as_ref(), place.field.as_ref()];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" | ")
}

/// What is found is what is planted, each once.
fn is_as_planted<'a>(run: &Run, faults: impl Iterator<Item = &'a Planted> + Clone) {
    let mut found: Vec<_> = run.audit.findings.iter().map(|finding| (finding.check.clone(), place(finding))).collect();
    let mut planted: Vec<_> =
        faults.clone().flat_map(|fault| fault.places.iter().map(|place| (fault.check.to_owned(), (*place).to_owned()))).collect();
    found.sort();
    planted.sort();
    let not_found: Vec<_> = planted.iter().filter(|one| !found.contains(one)).collect();
    let not_planted: Vec<_> = found.iter().filter(|one| !planted.contains(one)).collect();
    assert_eq!(found, planted, "planted and not found: {not_found:#?}\nfound and not planted: {not_planted:#?}");
    for fault in faults {
        assert!(run.looked_at.contains(fault.twin), "{}: `{}` was not looked at", fault.check, fault.twin);
        assert!(!fault.places.is_empty(), "{} stands nowhere", fault.check);
    }
}

#[test]
fn every_check_has_its_fault() {
    let listed: Vec<_> = FAULTS.iter().chain(OF_FREE_PLAN).map(|fault| fault.check).collect();
    let missing: Vec<_> = audit::all().map(|check| check.id).filter(|id| !listed.contains(id)).collect();
    assert!(missing.is_empty(), "no fault is planted for {missing:?}");
    assert_eq!(listed.len(), audit::all().count(), "a line is for a check that there is, and each has one");
}

#[test]
fn every_fault_is_found_where_it_stands_and_nowhere_else() {
    let (bed, before) = changed();
    let run = audit(&bed, &token(&bed).create(), Some(&policy()), Some(&before)).unwrap();
    is_as_planted(&run, FAULTS.iter());
    let unclear: BTreeSet<_> = run.audit.cannot_tell.iter().map(|unknown| unknown.place.target.as_str()).collect();
    assert_eq!(unclear, UNCLEAR.iter().copied().collect(), "{:#?}", run.audit.cannot_tell);
    let exempted: Vec<_> = run.audit.exempted.iter().map(|exempted| place(&exempted.finding)).collect();
    assert_eq!(exempted, ["acme/exempted | refs/heads/main"]);
    // Most of what each check looked at is sound.
    for check in
        CHECKS.iter().filter(|check| check.looks.iter().any(|look| matches!(look, Look::Repository(_) | Look::Ruleset(_))))
    {
        let tally = run.audit.checks[check.id];
        assert!(tally.held > tally.found + tally.cannot_tell, "{}: {tally:?}", check.id);
    }
}

#[test]
fn what_the_free_plan_does_not_have_is_found() {
    let bed = Bed::of(Profile::Dotcom);
    faults::plant_free(&bed);
    let run = audit(&bed, &bed.token().create(), None, None).unwrap();
    is_as_planted(&run, OF_FREE_PLAN.iter().chain([&OF_IT_FOLLOWS]));
}

/// What was planted is still found where it is, or cannot be told there; and nothing else is found, but what is about sight.
fn loses_nothing(run: Option<&Run>, what: &str) {
    let Some(Run { audit, .. }) = run else { return };
    let found: BTreeSet<_> =
        audit.findings.iter().map(|finding| (finding.check.as_str(), finding.place.target.as_str())).collect();
    let unsure: BTreeSet<_> =
        audit.cannot_tell.iter().map(|unknown| (unknown.check.as_str(), unknown.place.target.as_str())).collect();
    let unread: BTreeSet<_> =
        audit.inventory.iter().flat_map(|inventory| &inventory.unread).map(|unread| &*unread.what).collect();
    let planted: BTreeSet<(&str, &str)> = FAULTS
        .iter()
        .flat_map(|fault| fault.places.iter().map(|place| (fault.check, place.split(" | ").next().unwrap_or_default())))
        .collect();
    for &(check, target) in &planted {
        // What is hidden of the organization hides what it has of its own, and what it says of its repositories.
        let told = found.contains(&(check, target))
            || unsure
                .iter()
                .any(|(other, at)| *other == check && (*at == target || *at == ORGANIZATION || target == ORGANIZATION))
            || unread.contains(target)
            || unread.contains(ORGANIZATION);
        assert!(told, "{what}: `{check}` of {target} is gone without a word");
    }
    for finding in &audit.findings {
        let known = planted.contains(&(&finding.check, &finding.place.target)) || ABOUT_SIGHT.contains(&finding.check.as_str());
        assert!(known, "{what}: {finding:#?} is false");
    }
}

#[test]
fn no_permission_taken_away_clears_a_fault() {
    let (bed, before) = changed();
    let whole = audit(&bed, &token(&bed).create(), Some(&policy()), Some(&before)).unwrap();
    let mut hid = 0;
    for permission in Permission::ALL {
        let less = audit(&bed, &token(&bed).without(permission).create(), Some(&policy()), Some(&before));
        hid += usize::from(less.as_ref().is_none_or(|less| less.audit.cannot_tell.len() > whole.audit.cannot_tell.len()));
        loses_nothing(less.as_ref(), permission.name());
    }
    assert!(hid >= 8, "only {hid} permissions were missed");
    for role in [Role::Maintain, Role::Write, Role::Triage, Role::Read] {
        let less = audit(&bed, &token(&bed).role(role).create(), Some(&policy()), Some(&before));
        assert!(less.as_ref().is_none_or(|less| less.audit.cannot_tell.len() > whole.audit.cannot_tell.len()), "{role:?}");
        loses_nothing(less.as_ref(), role.name());
    }
    // An app that may read, and change nothing.
    let names = faults::visible(&bed);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bed.app("reader", Permissions::read_only());
    let installation = bed.install("reader", ORGANIZATION, Some(&names));
    let app = audit(&bed, &bed.token().of_installation(installation).create(), Some(&policy()), Some(&before));
    loses_nothing(app.as_ref(), "an app that reads");
    let nothing = audit(&bed, &token(&bed).permissions(Permissions::nothing()).create(), Some(&policy()), Some(&before));
    assert!(nothing.as_ref().is_none_or(|run| !run.audit.cannot_tell.is_empty()));
    loses_nothing(nothing.as_ref(), "nothing");
}

/// A run over a bed of its own, in which something goes wrong.
fn goes_wrong(before: &Audit, what: &str, prepare: impl FnOnce(&Bed)) {
    let bed = planted();
    faults::change(&bed);
    prepare(&bed);
    let run = audit(&bed, &token(&bed).create(), Some(&policy()), Some(before));
    loses_nothing(run.as_ref(), what);
}

#[test]
fn what_goes_wrong_on_the_way_clears_no_fault() {
    let (_, before) = changed();
    let faults = [
        Fault::Status(502),
        Fault::SecondaryLimit { status: 429, retry_after: Some(1) },
        Fault::CutBody,
        Fault::BadCredentials,
        Fault::Redirect { status: 301, location: "/repos/acme/nowhere".to_owned() },
    ];
    for fault in &faults {
        for on in ["POST /graphql", "GET /repos/acme/*", "GET /orgs/acme/*"] {
            for when in [When::First(5), When::After(3)] {
                goes_wrong(&before, &format!("{fault:?} on {on} {when:?}"), |bed| {
                    bed.fault(on, when, fault.clone());
                });
            }
        }
    }
    // What an organization's lists leave out without a sign, nobody can tell; a repository's are asked for twice, or counted.
    goes_wrong(&before, "truncated pages", |bed| {
        bed.fault("GET /repos/acme/*", When::Always, Fault::TruncatedPage { missing: 1 });
    });
}

#[test]
fn a_host_that_behaves_oddly_clears_no_fault() {
    let (_, before) = changed();
    for quirk in [
        Quirk::ClockSkew { seconds: -7200 },
        Quirk::ClockSkew { seconds: 7200 },
        Quirk::GraphqlTooBig { over: 7 },
        Quirk::GraphqlRefused,
        Quirk::GraphqlForbidsProtections,
        Quirk::IgnoresPerPage,
        Quirk::HidesBypassActors,
    ] {
        goes_wrong(&before, &format!("{quirk:?}"), |bed| {
            bed.quirk(quirk);
        });
    }
    let bed = planted();
    faults::change(&bed);
    for after in [2, 10, 60, 200] {
        let run = audit(&bed, &token(&bed).expires_after(after).create(), Some(&policy()), Some(&before));
        assert!(run.as_ref().is_none_or(|run| !run.audit.cannot_tell.is_empty()), "expired after {after}");
        loses_nothing(run.as_ref(), &format!("expired after {after}"));
    }
}
