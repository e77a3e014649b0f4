//! `refwarden github export`: rulesets of a policy as the files that GitHub's pages import.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::connect::{CANNOT_TELL, Connect, refused};
use super::place::Place;
use super::select::{Scope, Which};
use crate::cli::check::load_policy;
use crate::cli::{Failure, Result};
use crate::github::Part;
use crate::github::Parts;
use crate::github::client::Client;
use crate::github::desired::{Desired, named_in};
use crate::github::export::exported;
use crate::github::live::Reader;
use crate::github::names::{Names, NoNumber};
use crate::github::owner::Owner;
use crate::github::repository::Repository;
use crate::policy::Policy;
use crate::policy::github::{Level, Mechanism};
use crate::report::text::{ascii, plain};

/// Write the rulesets of a policy as the files that GitHub's pages import
///
/// GitHub is asked for the numbers of those whom the policy names, and for nothing else; it only ever reads. One ruleset goes to
/// standard output, several each to a file of their own. What GitHub can't bind is told on standard error.
///
/// Exit codes: 0 everything is written, 1 GitHub has no word for something in the policy, 2 the command line or the policy is
/// wrong, 3 something could not be read.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden github export --policy policy.toml --repo api --ruleset main
  refwarden github export --policy policy.toml --out rulesets")]
pub(super) struct Export {
    /// The policy
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Only the ruleset of this name, as GitHub knows it; can be given several times
    #[arg(long = "ruleset", value_name = "NAME", help_heading = "What to write")]
    rulesets: Vec<String>,
    /// A folder to write into, which is made: a folder for each repository, and a file for each ruleset
    #[arg(long, value_name = "DIR", help_heading = "What to write")]
    out: Option<PathBuf>,
    /// Write over files that are there
    #[arg(long, requires = "out", help_heading = "What to write")]
    force: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    connect: Connect,
}

/// What came of the policy.
#[derive(Default)]
struct Written {
    /// Repository, ruleset and text.
    files: Vec<(String, String, String)>,
    told: Vec<String>,
    is_hidden: bool,
}

impl Export {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let policy = load_policy(&self.policy)?;
        let Some(github) = policy.github.as_ref() else {
            return Err(Failure::new(format!("`{}` is about no GitHub", self.policy.display()))
                .help("say whose rulesets they are: [github] owner = \"acme\""));
        };
        if github.mechanism == Mechanism::BranchProtection {
            return Err(Failure::new("the policy is about branch protections, which GitHub's pages import none of")
                .help("rulesets have `mechanism = \"rulesets\"`, which is the default"));
        }
        let scope = self.which.scope(Some(github))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let connect = self.connect;
        let written = runtime.block_on(async {
            let client = connect.client(Some(github.api_url.as_str()))?;
            write(&client, &scope, &policy, github.level).await
        })?;
        let wanted = |name: &String| self.rulesets.is_empty() || self.rulesets.contains(name);
        let files: Vec<_> = written.files.into_iter().filter(|(_, name, _)| wanted(name)).collect();
        {
            let mut err = anstream::stderr().lock();
            for line in &written.told {
                let _ = writeln!(err, "{}", plain(line));
            }
        }
        match (&self.out, files.as_slice()) {
            (_, []) => {
                return Err(Failure::new("there is no ruleset to write")
                    .help("look at --repo and --ruleset")
                    .code(if written.is_hidden { CANNOT_TELL } else { crate::cli::FAILED }));
            }
            (None, [(_, _, text)]) => out.write_all(text.as_bytes())?,
            (None, several) => {
                return Err(Failure::new(format!("these are {} rulesets, and a file holds one", several.len()))
                    .help("name one, --repo NAME --ruleset NAME, or a folder: --out DIR"));
            }
            (Some(folder), files) => write_all(folder, files, self.force, out)?,
        }
        Ok(if written.is_hidden { CANNOT_TELL } else { u8::from(!written.told.is_empty()) })
    }
}

async fn write(client: &Client, scope: &Scope, policy: &Policy, level: Level) -> Result<Written> {
    let parts = Parts::index().and(Part::Teams).and(Part::Installations).and(Part::CustomRoles).and(Part::Members);
    let reader = Reader::new(client);
    let mut owner = reader.owner(&scope.owner, &parts).await.map_err(|why| refused(&why))?;
    reader.learn_names(&mut owner, &named_in(policy)).await;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let mut written = Written::default();
    if level == Level::Organization {
        if let Some(desired) = Desired::for_owner(policy, &owner, today) {
            written.add(&desired, &owner, None);
        }
        return Ok(written);
    }
    let mut repositories = Vec::new();
    let inventory = reader.repositories(&scope.selection, &parts, |repository| repositories.push(repository)).await;
    repositories.sort_by_key(Repository::full_name);
    for repository in &repositories {
        match Desired::for_repository(policy, &owner, repository, today) {
            Ok(Some(desired)) => written.add(&desired, &owner, Some(repository)),
            Ok(None) => {}
            Err(hidden) => {
                written.told.push(format!("{}: {hidden}", repository.full_name()));
                written.is_hidden = true;
            }
        }
    }
    let unseen = inventory.unseen(&owner.repository_count).map(|why| format!("{}: {why}", owner.login));
    let missing: Vec<String> = inventory.unread.iter().map(ToString::to_string).chain(unseen).collect();
    written.is_hidden |= !missing.is_empty();
    written.told.extend(missing);
    Ok(written)
}

impl Written {
    fn add(&mut self, desired: &Desired, owner: &Owner, repository: Option<&Repository>) {
        let names = Names::new(owner, repository);
        for it in desired.not_bound.iter().chain(&desired.blocked) {
            self.told.push(format!("{}: ruleset `{}`: `{}`: {}", desired.target, it.ruleset, it.rule, it.why));
        }
        let folder = repository.map_or_else(String::new, |repository| repository.name.clone());
        for ruleset in &desired.rulesets {
            match exported(desired, ruleset, &names) {
                Ok(value) => self.files.push((folder.clone(), ruleset.name.clone(), text(&value))),
                Err(problems) => {
                    for problem in problems {
                        let why = match problem {
                            NoNumber::Unknown(why) => why,
                            NoNumber::Hidden(hidden) => {
                                self.is_hidden = true;
                                hidden.to_string()
                            }
                        };
                        self.told.push(format!("{}: ruleset `{}` is not written: {why}", desired.target, ruleset.name));
                    }
                }
            }
        }
    }
}

fn text(value: &Value) -> String {
    format!("{}\n", ascii(&format!("{value:#}")))
}

/// A file for each ruleset, in a folder for each repository.
fn write_all(folder: &std::path::Path, files: &[(String, String, String)], force: bool, out: &mut dyn Write) -> Result<()> {
    let mut taken: BTreeSet<PathBuf> = BTreeSet::new();
    let mut places = Vec::new();
    for (repository, name, text) in files {
        let folder = if repository.is_empty() { folder.to_path_buf() } else { folder.join(file_name(repository)) };
        let base = file_name(name);
        let mut file = folder.join(format!("{base}.json"));
        let mut number = 2;
        // Names that differ in what no file name should hold, and names that are there twice.
        while !taken.insert(PathBuf::from(file.to_string_lossy().to_lowercase())) {
            file = folder.join(format!("{base}-{number}.json"));
            number += 1;
        }
        places.push((Place::new(Some(file.clone()), force)?, folder, file, text));
    }
    for (place, folder, file, text) in places {
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::new(format!("cannot make `{}`: {error}", folder.display())).help("name a folder that can be made")
        })?;
        place.write(text.as_bytes(), out)?;
        writeln!(out, "{}", file.display())?;
    }
    Ok(())
}

/// A name with nothing in it that could lead elsewhere.
fn file_name(name: &str) -> String {
    let safe: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    let safe = safe.trim_start_matches('.');
    if safe.is_empty() { "ruleset".to_owned() } else { safe.to_owned() }
}
