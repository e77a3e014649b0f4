//! A GitHub on this machine, to try things on: the same that the tests ask.
//!
//! `cargo run --example github -- --org acme --repos 1000 --latency 50ms`

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stdout, reason = "it says where it listens")]

#[path = "mod.rs"]
mod github;

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use clap::Parser;
use github::{Bed, Profile};

/// A GitHub over loopback HTTP, with an organization in it.
#[derive(Debug, Parser)]
#[command(
    name = "github",
    after_help = "Examples:\n  \
        cargo run --example github -- --org acme --repos 1000 --latency 50ms\n  \
        cargo run --example github -- --profile ghes-3.18 --port 8080 --record exchanges.jsonl\n  \
        cargo run --example github -- --repos 20 --for 60s\n  \
        cargo run --example github -- --audit --repos 20 --profile ghec"
)]
struct Arguments {
    /// The organization's name
    #[arg(long, default_value = "acme")]
    org: String,
    /// How many repositories it has
    #[arg(long, default_value_t = 50)]
    repos: usize,
    /// The same seed gives the same organization
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long every answer takes: 50ms, 2s
    #[arg(long, value_parser = duration, default_value = "0ms")]
    latency: Duration,
    /// The port of 127.0.0.1 to listen on; 0 is any that is free
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Which GitHub: github.com, ghec, ghes-3.17, ghes-3.18 or ghes-3.19
    #[arg(long, value_parser = profile, default_value = "github.com")]
    profile: Profile,
    /// Write every request with its answer to this file, a line each
    #[arg(long)]
    record: Option<PathBuf>,
    /// Requests (and points of GraphQL) that the token has in an hour
    #[arg(long, default_value_t = 5000)]
    limit: u64,
    /// Do not hold answers to GitHub's description: faster, for measuring
    #[arg(long)]
    unjudged: bool,
    /// Audit the organization as `refwarden github audit` does, print what it finds, and end with its exit code
    #[arg(long)]
    audit: bool,
    /// End after this long, as well as when standard input ends
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| "a number with ms, s or m is wanted".to_owned())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        _ => Err("a number with ms, s or m is wanted".to_owned()),
    }
}

fn profile(text: &str) -> Result<Profile, String> {
    let names = || Profile::ALL.map(Profile::name).join(", ");
    Profile::from_name(text).ok_or_else(|| format!("one of {} is wanted", names()))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let bed = Bed::start(arguments.profile, arguments.port, !arguments.unjudged);
    let seed = github::seed::Seed { organization: arguments.org.clone(), repositories: arguments.repos, seed: arguments.seed };
    github::seed::plant(&bed, &seed);
    bed.latency(arguments.latency).hourly_limit(arguments.limit);
    if let Some(file) = &arguments.record {
        bed.record(file);
    }
    let token = bed.token().create();
    println!("{} with {} repositories of {}", arguments.profile.name(), arguments.repos, arguments.org);
    println!("REST     {}", bed.api_url());
    println!("GraphQL  {}", bed.graphql_url());
    println!("\nexport GITHUB_TOKEN={token}");
    println!("refwarden github audit --owner {} --api-url {}", arguments.org, bed.api_url());
    if arguments.audit {
        println!();
        return audit(&bed, &arguments.org, &token);
    }
    println!("\nIt ends when standard input does (Ctrl-D), or with Ctrl-C.");
    wait(arguments.duration);
    println!("{} requests, at most {} at once", bed.requests().len(), bed.most_in_flight());
    for line in [bed.violations(), bed.refused_requests()].concat() {
        println!("not as GitHub describes itself: {line}");
    }
    ExitCode::SUCCESS
}

/// The program's own command, through its own client: only the host is another.
fn audit(bed: &Bed, organization: &str, token: &str) -> ExitCode {
    let file = std::env::temp_dir().join(format!("refwarden-github-{}.token", std::process::id()));
    std::fs::write(&file, token).unwrap();
    let url = bed.api_url();
    let arguments = ["refwarden", "github", "audit", "--owner", organization, "--api-url", &url, "--token-file"];
    let code = refwarden::cli::run(arguments.map(Into::into).into_iter().chain([file.clone().into()]));
    std::fs::remove_file(&file).unwrap();
    code
}

/// Until standard input ends, or the time is over.
fn wait(duration: Option<Duration>) {
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
        let _ = ended.send(());
    });
    match duration {
        Some(duration) => drop(end.recv_timeout(duration)),
        None => drop(end.recv()),
    }
}
