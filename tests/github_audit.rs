//! `refwarden github audit`, run as a program against a GitHub on this machine.

use std::fs;
use std::path::Path;

use refwarden::report::json;
use serde_json::{Value, json};

use crate::support::clean;
use crate::support::github::{Bed, Fault, OrganizationHandle, Permission, Profile, RepositoryHandle, Role, When};

/// What a run came to.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn is(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Ran {
        assert!(self.out.contains(text), "`{text}` is not said:\n{}{}", self.out, self.err);
        self
    }

    /// With this cause on standard error, and some help.
    #[track_caller]
    fn complains(self, cause: &str) {
        assert!(self.err.contains(cause) && self.err.contains("help: "), "`{cause}` and help:\n{}{}", self.out, self.err);
    }
}

/// A run of two checks, whose answers these tests know.
fn audit(bed: &Bed, token: &str, folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = clean(env!("CARGO_BIN_EXE_refwarden"), folder);
    command.current_dir(folder).env("GITHUB_TOKEN", token).args(["github", "audit", "--api-url", &bed.api_url()]);
    command.args(["--only", "branch-unprotected", "--only", "bypass-always"]).args(arguments);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let ran = Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(token.is_empty() || !ran.out.contains(token) && !ran.err.contains(token), "the token is shown: {ran:?}");
    ran
}

fn reviewed(bypass: &Value) -> Value {
    json!({
        "name": "main is reviewed",
        "target": "branch",
        "enforcement": "active",
        "bypass_actors": bypass,
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
        "rules": [{ "type": "deletion" }, { "type": "non_fast_forward" }],
    })
}

fn kept(acme: &OrganizationHandle, name: &str) -> RepositoryHandle {
    let repository = acme.repository(name);
    repository.ruleset(reviewed(&json!([])));
    repository
}

/// An organization there can have everything that the two checks look at.
fn cloud() -> Bed {
    Bed::of(Profile::EnterpriseCloud)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn nothing_found_is_one_line_and_0() {
    let (bed, folder) = (cloud(), folder());
    let acme = bed.organization("acme");
    kept(&acme, "api");
    kept(&acme, "web");
    let token = bed.token().create();
    let ran = audit(&bed, &token, folder.path(), &["--owner", "acme"]).is(0);
    assert!(ran.out.starts_with("acme: nothing found (2 checks, 2 repositories); "), "{}", ran.out);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    assert_eq!(ran.err, "", "progress is for terminals only");
}

#[test]
fn findings_are_1_even_if_something_else_could_not_be_told() {
    let (bed, folder) = (cloud(), folder());
    let acme = bed.organization("acme");
    kept(&acme, "api");
    acme.repository("web");
    let token = bed.token().create();
    let all = &["--owner", "acme"];
    audit(&bed, &token, folder.path(), all).is(1).says("acme/web refs/heads/main  nothing binds the default branch");
    // Below what the run fails on, a finding is shown and decides nothing.
    acme.repository("tools")
        .ruleset(reviewed(&json!([{ "actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always" }])));
    let high = ["--owner", "acme", "--repo", "tools", "--fail-on"];
    audit(&bed, &token, folder.path(), &[&high[..], &["critical"]].concat()).is(0).says("high bypass-always");
    audit(&bed, &token, folder.path(), &[&high[..], &["high"]].concat()).is(1).says("`role:admin` passes");
    let half_blind = bed.token().without(Permission::Administration).create();
    let ran = audit(&bed, &half_blind, folder.path(), all).is(1);
    assert!(ran.out.contains("could not tell") && ran.out.contains("administration=write"), "{}", ran.out);
}

#[test]
fn nothing_found_where_not_everything_could_be_told_is_3() {
    let (bed, folder) = (cloud(), folder());
    let acme = bed.organization("acme");
    kept(&acme, "api");
    let half_blind = bed.token().without(Permission::Administration).create();
    let ran = audit(&bed, &half_blind, folder.path(), &["--owner", "acme"]).is(3);
    assert!(ran.out.contains("acme: nothing found") && ran.out.contains("could not be told"), "{}", ran.out);
    // Nor is one that was named and is not there.
    let token = bed.token().create();
    audit(&bed, &token, folder.path(), &["--repo", "acme/absent"]).is(3).says("acme/absent");
}

/// What a check says of the repositories that were seen is nothing about those that were not, whether or not the check that counts
/// them runs.
#[test]
fn repositories_that_were_not_seen_are_3_whichever_checks_run() {
    let (bed, folder) = (cloud(), folder());
    let acme = bed.organization("acme");
    kept(&acme, "api");
    kept(&acme, "web");
    let half = bed.token().only(&["acme/api"]).create();
    let all = &["--owner", "acme"];
    audit(&bed, &half, folder.path(), all).is(3).says("1 of 2 repositories were not seen");
    let count = ["--owner", "acme", "--only", "inventory-partial"];
    audit(&bed, &half, folder.path(), &count).is(1).says("1 of 2 repositories were not seen");
    // Who may not see the owner's count knows of no others, which is not that there are none.
    let stranger = bed.token().role(Role::Write).create();
    audit(&bed, &stranger, folder.path(), all).is(3).says("`total_private_repos` was not in the answer");
    let whole = bed.token().create();
    audit(&bed, &whole, folder.path(), all).is(0);
    // A repository that is named is all that is asked for.
    audit(&bed, &half, folder.path(), &["--repo", "acme/api"]).is(0);
}

/// As docs/github.md says: whoever sets a proxy must know that it is not asked.
#[test]
fn requests_go_straight_to_the_host() {
    let (bed, folder) = (cloud(), folder());
    kept(&bed.organization("acme"), "api");
    let mut command = clean(env!("CARGO_BIN_EXE_refwarden"), folder.path());
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        // Nobody listens there.
        command.env(variable, "http://127.0.0.1:9");
    }
    let arguments = ["github", "audit", "--owner", "acme", "--only", "branch-unprotected", "--api-url"];
    let output = command.env("GITHUB_TOKEN", bed.token().create()).args(arguments).arg(bed.api_url()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let agents: Vec<_> = bed.requests().into_iter().map(|entry| entry.user_agent).collect();
    assert!(!agents.is_empty() && agents.iter().all(|agent| agent.as_deref() == Some("octocrab")), "{agents:?}");
}

#[test]
fn what_cannot_be_asked_is_told_with_help() {
    let (bed, folder) = (cloud(), folder());
    kept(&bed.organization("acme"), "api");
    audit(&bed, "ghp_wrong", folder.path(), &["--owner", "acme"]).is(3).complains("401");
    let token = bed.token().create();
    audit(&bed, &token, folder.path(), &["--owner", "nobody"]).is(3).complains("404");
    audit(&bed, "", folder.path(), &["--owner", "acme"]).is(2).complains("there is no token to ask GitHub with");
    let wrong: &[(&[&str], &str)] = &[
        (&[], "whose repositories?"),
        (&["--owner", "acme", "--repo", "other/x"], "`other` is not `acme`"),
        (&["--owner", "acme", "--repo", "a b"], "names no repositories"),
        (&["--owner", "acme", "--repo", "lib-*"], "no repository of `acme` was meant"),
        (&["--owner", "acme", "--only", "branch-unprotectd"], "no check is called `branch-unprotectd`"),
        (&["--owner", "acme", "--skip", "branch-unprotected", "--skip", "bypass-always"], "no check is left"),
        (&["--owner", "acme", "--baseline", "absent.json"], "cannot read `absent.json`"),
        (&["--owner", "acme", "--policy", "absent.toml"], "cannot read the policy"),
        (&["--owner", "acme", "--app-id", "1", "--app-key", "absent.pem"], "`absent.pem`"),
        (&["--owner", "acme", "--format", "json", "--format", "sarif"], "only one format"),
    ];
    for (arguments, cause) in wrong {
        audit(&bed, &token, folder.path(), arguments).is(2).complains(cause);
    }
    for bad in [["--max-wait", "soon"], ["--jobs", "0"], ["--jobs", "101"], ["--property", "x"]] {
        audit(&bed, &token, folder.path(), &[&["--owner", "acme"], &bad[..]].concat()).is(2);
    }
    bed.fault("GET /repos/acme/api/branches/main", When::Always, Fault::Status(502));
}

#[test]
fn several_formats_and_a_baseline_in_one_run() {
    let (bed, folder) = (cloud(), folder());
    let acme = bed.organization("acme");
    acme.repository("web");
    let token = bed.token().create();
    let arguments = [
        "--owner", "acme", "--format", "json", "--out", "a.json", "--format", "sarif", "--out", "a.sarif", "--format", "junit",
        "--out", "a.xml", "--format", "issue", "--out", "a.md", "--format", "terminal",
    ];
    audit(&bed, &token, folder.path(), &arguments).is(1).says("critical branch-unprotected");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let report = json::parse(read("a.json").as_bytes()).unwrap();
    assert_eq!(report.audit.findings.len(), 1);
    assert!(report.cost.unwrap().requests > 0);
    assert!(report.audit.at.len() == "2026-02-03T04:05:06Z".len(), "{}", report.audit.at);
    let sarif: Value = serde_json::from_str(&read("a.sarif")).unwrap();
    // One repository was read: what is about it is about the files of the repository that this is uploaded to.
    let place = "/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri";
    assert_eq!(sarif.pointer(place).unwrap(), ".github/refwarden");
    assert!(read("a.xml").contains("failures=\"1\"") && read("a.md").starts_with("## Audit of `acme`"));
    // One is fixed, one is new.
    acme.repository("web").ruleset(reviewed(&json!([])));
    acme.repository("new");
    let ran = audit(&bed, &token, folder.path(), &["--owner", "acme", "--baseline", "a.json"]).is(1);
    assert!(ran.out.contains("(new) nothing binds") && ran.out.contains("1 new and 1 fixed since "), "{}", ran.out);
    // A part of the repositories proves nothing fixed.
    let part = audit(&bed, &token, folder.path(), &["--repo", "acme/new", "--baseline", "a.json"]).is(1);
    assert!(part.out.contains("1 new and 0 fixed since "), "{}", part.out);
}

#[test]
fn the_policy_says_whose_repositories_and_what_is_exempted() {
    let (bed, folder) = (cloud(), folder());
    let acme = bed.organization("acme");
    kept(&acme, "api");
    acme.repository("legacy-a");
    acme.repository("sandbox-b");
    let token = bed.token().create();
    let policy = |check: &str| {
        let text = format!(
            "version = 1\n[github]\nowner = \"acme\"\nrepositories = {{ exclude = [\"sandbox-*\"] }}\n\
             [[exempt]]\ncheck = \"{check}\"\nrepositories = [\"legacy-*\"]\nreason = \"shut down in spring\"\n"
        );
        fs::write(folder.path().join("policy.toml"), text).unwrap();
    };
    policy("branch-unprotected");
    let ran = audit(&bed, &token, folder.path(), &["--policy", "policy.toml"]).is(0);
    assert!(
        ran.out.contains("nothing found (2 checks, 2 repositories); 1 difference from the policy; 1 exempted by the policy"),
        "{}",
        ran.out
    );
    // Whoever names a repository means it.
    audit(&bed, &token, folder.path(), &["--policy", "policy.toml", "--repo", "sandbox-b"]).is(1);
    policy("branch-unprotectd");
    audit(&bed, &token, folder.path(), &["--policy", "policy.toml"]).is(2).complains("policy.toml:5:1: no check is called");
    bed.forget_requests();
    fs::write(folder.path().join("policy.toml"), "version = 2\n").unwrap();
    audit(&bed, &token, folder.path(), &["--owner", "acme", "--policy", "policy.toml"]).is(2);
    assert!(bed.requests().is_empty(), "a policy that does not load asks nobody anything");
}

#[test]
fn what_protects_is_said_when_it_is_asked_for() {
    let (bed, folder) = (cloud(), folder());
    let acme = bed.organization("acme");
    kept(&acme, "api");
    acme.repository("bare");
    let token = bed.token().create();
    let ran = audit(&bed, &token, folder.path(), &["--owner", "acme", "--protection"]).is(1);
    let ran = ran
        .says("what protects acme/api refs/heads/main")
        .says("ruleset `main is reviewed` of acme/api, passed by nobody")
        .says("what protects acme/bare refs/heads/main\n    nothing");
    assert_eq!(ran.out.matches("what protects").count(), 4, "{ran:?}");
    let quiet = audit(&bed, &token, folder.path(), &["--owner", "acme"]).is(1);
    assert!(!quiet.out.contains("what protects"), "{quiet:?}");
    let blind = bed.token().without(Permission::Administration).create();
    let ran = audit(&bed, &blind, folder.path(), &["--owner", "acme", "--protection", "--format", "json"]);
    let report = json::parse(ran.out.as_bytes()).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    assert_eq!(report.audit.protected.len(), 4);
    assert!(report.audit.protected.iter().filter(|one| one.ref_name == "refs/heads/main").all(|one| !one.cannot_tell.is_empty()));
}

#[test]
fn what_another_owner_has_now_is_not_judged_with_this_ones_people() {
    let (bed, folder) = (cloud(), folder());
    let acme = bed.organization("acme");
    bed.organization("globex");
    kept(&acme, "api");
    acme.repository("given")
        .ruleset(reviewed(&json!([{ "actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always" }])));
    let token = bed.token().create();
    let ask = |name: &str| audit(&bed, &token, folder.path(), &["--repo", "acme/api", "--repo", name]);
    ask("acme/given").says("`org-admins` passes").is(1);
    acme.repository("given").transfer("globex");
    ask("acme/given").says("it is now `globex/given`; ask for that").is(3);
}

#[test]
fn who_can_is_answered_for_one_ref() {
    let (bed, folder) = (cloud(), folder());
    let acme = bed.organization("acme");
    acme.owner("alice").member("bob");
    kept(&acme, "api");
    let ask = |token: &str, arguments: &[&str]| {
        let mut command = clean(env!("CARGO_BIN_EXE_refwarden"), folder.path());
        command.env("GITHUB_TOKEN", token).args(["github", "who-can"]).args(arguments);
        let output = command.args(["--api-url", &bed.api_url()]).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    };
    let token = bed.token().create();
    let nobody = ask(&token, &["main", "force-push", "--repo", "acme/api"]);
    assert!(nobody.out.starts_with("force-push refs/heads/main of acme/api: nobody can\n"), "{nobody:?}");
    nobody.is(0);
    // Whoever may change the rules is somebody.
    let rules = ask(&token, &["refs/heads/main", "change-rules", "--repo", "acme/api", "--json"]);
    let json: Value = serde_json::from_str(&rules.out).unwrap_or_else(|error| panic!("{error}: {rules:?}"));
    assert_eq!((&json["version"], &json["kind"], &json["action"]), (&json!(1), &json!("who-can"), &json!("change-rules")));
    assert!(json["entries"].to_string().contains("alice"), "{json:#}");
    rules.is(if json["complete"] == true { 0 } else { 3 });
    let blind = bed.token().without(Permission::Administration).create();
    ask(&blind, &["main", "force-push", "--repo", "acme/api"]).is(3);
    // No list of installed apps has GitHub's own, and none has whatever number this is.
    let bypass = |id: u64| json!([{ "actor_id": id, "actor_type": "Integration", "bypass_mode": "always" }]);
    acme.repository("by-workflows").ruleset(reviewed(&bypass(15368)));
    let actions = ask(&token, &["main", "force-push", "--repo", "acme/by-workflows"]);
    actions.says("app:github-actions — bypasses ruleset `main is reviewed`").is(0);
    acme.repository("by-something").ruleset(reviewed(&bypass(987_654)));
    let something = ask(&token, &["main", "force-push", "--repo", "acme/by-something"]);
    something.says("app #987654 — bypasses").says("`app #987654` is in no list").is(3);
    // Another owner's people are not the ones that were asked about.
    bed.organization("globex");
    kept(&acme, "given").transfer("globex");
    kept(&acme, "old").rename("new");
    ask(&token, &["main", "push", "--repo", "acme/given"]).is(3).complains("it is now `globex/given`; ask for that");
    ask(&token, &["main", "force-push", "--repo", "globex/given"]).says("nobody can").is(0);
    ask(&token, &["main", "force-push", "--repo", "ACME/old"]).says("refs/heads/main of acme/new: nobody can").is(0);
    ask(&token, &["main", "push", "--repo", "acme/absent"]).is(3).complains("could not be read");
    ask(&token, &["main", "push", "--repo", "acme"]).is(2).complains("`acme` is no repository");
    ask(&token, &["main", "push", "--repo", "acme/a*"]).is(2).complains("`acme/a*` is no repository");
    ask(&token, &["main", "dance", "--repo", "acme/api"]).is(2);
}
