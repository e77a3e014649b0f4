//! An audit of an organization's repositories, against the calls that a settings bot makes for each: the same GitHub over
//! loopback, every answer 50 ms late, in one run. Then what more repositories do to the audit's memory.
//!
//! The GitHub runs in a process of its own, so that memory is the audit's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]
#![allow(missing_docs, unreachable_pub, reason = "a benchmark is no library")]

#[path = "../tests/support/github/mod.rs"]
mod github;
#[allow(dead_code, unreachable_pub, missing_docs, reason = "each benchmark uses a part of it")]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use refwarden::audit::judge::{Judge, parts};
use refwarden::audit::scene::Context;
use refwarden::audit::{CHECKS, Check};
use refwarden::github::client::{Client, Credentials, Host, Options, Path, Token};
use refwarden::github::live::Reader;
use refwarden::github::{Class, Part, Parts, Selection};
use serde_json::json;
use support::{Arguments, table};

const OWNER: &str = "acme";
const LATENCY: Duration = Duration::from_millis(50);
/// Parts that only REST can tell, for each repository: the profile leaves their checks out.
const REST_ONLY: [Part; 5] =
    [Part::WorkflowPermissions, Part::RuleSuites, Part::RulesetVersions, Part::Properties, Part::ReleaseTargets];

/// A GitHub in a process of its own, which ends with its standard input.
struct Peer {
    process: Child,
    host: String,
    token: String,
}

impl Peer {
    fn start(repositories: usize) -> Peer {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(AS_PEER, repositories.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let (host, token) = (lines.next().unwrap(), lines.next().unwrap());
        Peer { process, host, token }
    }

    fn client(&self) -> Client {
        let credentials = Credentials::Token(Token::new(&self.token).unwrap());
        let options = Options { points_a_minute: None, in_flight: 32, ..Options::default() };
        Client::new(Host::parse(&self.host).unwrap(), credentials, options).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The environment variable that makes this program the other side.
const AS_PEER: &str = "REFWARDEN_BENCH_REPOSITORIES";

fn be_peer(repositories: usize) {
    let bed = github::Bed::unjudged(github::Profile::Dotcom);
    let seed = github::seed::Seed { organization: OWNER.to_owned(), repositories, seed: 1 };
    github::seed::plant(&bed, &seed);
    bed.latency(LATENCY).hourly_limit(1_000_000);
    println!("{}\n{}", bed.api_url(), bed.token().create());
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

struct Run {
    seconds: f64,
    requests: u64,
    index: u64,
    findings: usize,
    repositories: u64,
}

/// What `refwarden github audit` does.
async fn audit(peer: &Peer, checks: Vec<&'static Check>) -> Run {
    let begun = Instant::now();
    let client = peer.client();
    let parts: Parts = parts(&checks).into_iter().collect();
    let reader = Reader::new(&client);
    let owner = reader.owner(OWNER, &parts).await.unwrap();
    let context = Context { owner: &owner, policy: None, baseline: None, now: "2026-01-01T00:00:00Z".parse().unwrap() };
    let mut judge = Judge::new(context, checks);
    let inventory =
        reader.repositories(&Selection::owner(OWNER).unwrap(), &parts, |repository| judge.repository(&repository)).await;
    let repositories = inventory.listed;
    let audit = judge.finish(inventory);
    let cost = client.cost();
    Run {
        seconds: begun.elapsed().as_secs_f64(),
        requests: cost.total().requests,
        index: cost.requests(Class::Index),
        findings: audit.findings.len(),
        repositories,
    }
}

/// What a settings bot asks about each repository, `at_once` repositories at a time.
async fn walk(peer: &Peer, most: usize, at_once: usize) -> Run {
    let begun = Instant::now();
    let client = peer.client();
    let mut names = Vec::new();
    for page in 1.. {
        let path = Path::organization(OWNER, &["repos"]).query("per_page", "100").query("page", &page.to_string());
        let listed = client.get_json(&path, Class::Index).await.unwrap();
        let listed = listed.as_array().unwrap();
        names.extend(listed.iter().map(|repository| {
            (repository["name"].as_str().unwrap().to_owned(), repository["default_branch"].as_str().unwrap_or("main").to_owned())
        }));
        if listed.is_empty() || names.len() >= most {
            break;
        }
    }
    names.truncate(most);
    let repositories = names.len() as u64;
    let client = &client;
    futures_util::stream::iter(names)
        .for_each_concurrent(at_once, |(name, branch)| async move {
            let ask = async |segments: &[&str]| client.get_json(&Path::repository(OWNER, &name, segments), Class::Index).await;
            // Whoever may not see one is answered, too.
            let _ = ask(&[]).await;
            let _ = ask(&["branches", &branch, "protection"]).await;
            let _ = ask(&["rules", "branches", &branch]).await;
            let _ = ask(&["collaborators"]).await;
            let _ = ask(&["teams"]).await;
            let rulesets = ask(&["rulesets"]).await.unwrap_or_default();
            for ruleset in rulesets.as_array().into_iter().flatten() {
                let _ = ask(&["rulesets", &ruleset["id"].to_string()]).await;
            }
        })
        .await;
    let requests = client.cost().total().requests;
    Run { seconds: begun.elapsed().as_secs_f64(), requests, index: 0, findings: 0, repositories }
}

/// The most memory that was in use and is not a file's, in MB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).and_then(|rest| rest.split_whitespace().next());
    kilobytes.and_then(|text| text.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

fn main() {
    if let Ok(repositories) = std::env::var(AS_PEER) {
        return be_peer(repositories.parse().unwrap());
    }
    let Some(arguments) = Arguments::read() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let cheap: Vec<&'static Check> =
        CHECKS.iter().copied().filter(|check| !check.reads.iter().any(|part| REST_ONLY.contains(part))).collect();
    let (repositories, walked) = if arguments.quick { (1000, 25) } else { (1000, 200) };
    let peer = Peer::start(repositories);
    let rounds = if arguments.quick { 1 } else { 3 };
    let best = |runs: Vec<Run>| runs.into_iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds)).unwrap();
    let mut runs: [Vec<Run>; 4] = Default::default();
    for _ in 0..rounds {
        runs[0].push(runtime.block_on(audit(&peer, cheap.clone())));
        runs[1].push(runtime.block_on(audit(&peer, CHECKS.to_vec())));
        runs[2].push(runtime.block_on(walk(&peer, walked * 8, 10)));
        runs[3].push(runtime.block_on(walk(&peer, walked, 1)));
    }
    let names = ["audit, checks that need no REST", "audit, every check", "REST walk, 10 at once", "REST walk"];
    let runs = runs.map(best);
    let each = |run: &Run| run.seconds / run.repositories as f64;
    let ours = each(&runs[0]);
    let rows: Vec<Vec<String>> = names
        .iter()
        .zip(&runs)
        .map(|(name, run)| {
            vec![
                (*name).to_owned(),
                run.repositories.to_string(),
                format!("{:.2}", run.seconds),
                format!("{:.2}", each(run) * 1000.0),
                format!("{:.1}", each(run) / ours),
                format!("{:.3}", run.requests as f64 / run.repositories as f64),
                format!("{:.3}", run.index as f64 / run.repositories as f64),
                run.findings.to_string(),
            ]
        })
        .collect();
    let head = ["contestant", "repositories", "seconds", "ms each", "ratio", "requests each", "index each", "findings"];
    table("1,000 repositories under organization rulesets, answers 50 ms late", &head, &rows);
    drop(peer);

    let mut memory = Vec::new();
    for repositories in [500, if arguments.quick { 2000 } else { 8000 }] {
        let peer = Peer::start(repositories);
        // Without checks there are no findings, which alone may take memory.
        let run = runtime.block_on(audit(&peer, Vec::new()));
        memory.push((run.repositories, peak()));
    }
    let rows: Vec<Vec<String>> =
        memory.iter().map(|(repositories, megabytes)| vec![repositories.to_string(), format!("{megabytes:.1}")]).collect();
    table("memory after the run, findings apart", &["repositories", "MB"], &rows);
    arguments.write_json(
        "audit",
        &json!({
            "runs": names.iter().zip(&runs).map(|(name, run)| json!({
                "name": name, "repositories": run.repositories, "seconds": run.seconds, "requests": run.requests, "findings": run.findings,
            })).collect::<Vec<_>>(),
            "memory": memory.iter().map(|(repositories, megabytes)| json!({ "repositories": repositories, "megabytes": megabytes })).collect::<Vec<_>>(),
        }),
    );
}
