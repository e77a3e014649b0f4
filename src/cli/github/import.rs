//! `refwarden github import`: from what GitHub has to a policy that asks for just that.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::connect::{CANNOT_TELL, Connect, refused};
use super::place::Place;
use super::select::{Scope, Which};
use crate::cli::{Failure, Result};
use crate::github::client::Client;
use crate::github::import::{Form, Imported, Left, Options, exported, import, people_in};
use crate::github::live::Reader;
use crate::github::owner::{Owner, OwnerKind};
use crate::github::repository::Repository;
use crate::github::ruleset::{Level as Whose, Ruleset};
use crate::github::{Part, Parts};
use crate::policy::github::Level;
use crate::policy::parse;
use crate::report::text::plain;

/// Write a policy that asks for just what GitHub has
///
/// Reads the rulesets of repositories or of an organization, or classic branch protections, or files that GitHub's pages exported
/// rulesets into, and writes a policy that loads. It only ever reads. What a policy can't say is left out whole, and told: in the
/// policy's comments, and on standard error.
///
/// Exit codes: 0 everything is in the policy, 1 something could not be said, 2 the command line is wrong, 3 something could not
/// be read.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden github import --repo acme/api > policy.toml
  refwarden github import --owner acme --out policy.toml
  refwarden github import --owner acme --level organization --out policy.toml
  refwarden github import --repo acme/api --as branch_protection
  refwarden github import --repo acme/api --as rulesets
  refwarden github import main.json tags.json --owner acme")]
pub(super) struct Import {
    /// Rulesets that GitHub's pages exported. GitHub is then asked only whose the numbers in them are, and only with --owner
    #[arg(value_name = "FILE", conflicts_with_all = ["level", "form", "repositories"])]
    files: Vec<PathBuf>,
    /// Whose rulesets
    #[arg(long, value_enum, default_value_t = Word::Repository, help_heading = "What to import")]
    level: Word,
    /// Branch protections as they are, or converted to the nearest rulesets; without it they are left
    #[arg(long = "as", value_name = "MECHANISM", value_enum, help_heading = "What to import")]
    form: Option<As>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    connect: Connect,
    /// Write the policy to this file, and not to standard output
    #[arg(long, value_name = "FILE", help_heading = "What to write")]
    out: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "out", help_heading = "What to write")]
    force: bool,
}

/// Whose rulesets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Word {
    /// Those of each repository
    Repository,
    /// The organization's
    Organization,
}

/// What becomes of branch protections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum As {
    /// The nearest rulesets, with what that changes
    Rulesets,
    /// Themselves: the policy is about branch protections, and rulesets are left
    BranchProtection,
}

/// What was read to be imported.
struct Read {
    owner: Owner,
    repositories: Vec<Repository>,
    is_all: bool,
    unread: Vec<String>,
    api_url: Option<String>,
}

impl Import {
    pub(super) fn run(mut self, out: &mut dyn Write) -> Result<u8> {
        let place = Place::new(self.out.take(), self.force)?;
        let form = match self.form {
            None => Form::Rulesets,
            Some(As::Rulesets) => Form::Converted,
            Some(As::BranchProtection) => Form::BranchProtection,
        };
        let mut level = match self.level {
            Word::Repository => Level::Repository,
            Word::Organization if self.form.is_some() => {
                return Err(Failure::new("branch protections exist in repositories only")
                    .help("leave `--as` away, or import the repositories: --level repository"));
            }
            Word::Organization => Level::Organization,
        };
        let read = if self.files.is_empty() {
            self.ask(level, form)?
        } else {
            let (whose, read) = self.read_files()?;
            level = whose;
            read
        };
        let Read { mut owner, repositories, is_all, unread, api_url } = read;
        people_in(&mut owner, &repositories);
        let options = Options { level, form, api_url, is_all, file: place.shown() };
        let imported = import(&owner, &repositories, &options);
        let code = tell(&imported, &unread);
        if imported.rulesets == 0 && code == CANNOT_TELL {
            return Err(Failure::new("nothing that could be read is in the policy, so none was written")
                .help("look at the permissions that are named above: docs/github.md says which a token needs")
                .code(CANNOT_TELL));
        }
        // What is handed over loads, whatever GitHub had.
        if let Err(problems) = parse::parse(&options.file, imported.policy.as_bytes()) {
            let why = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            return Err(Failure::new(format!("the policy would not load: {}", plain(&why)))
                .help("import fewer repositories at once: a policy has at most 1 MiB"));
        }
        place.write(imported.policy.as_bytes(), out)?;
        Ok(code)
    }

    /// Reads GitHub.
    fn ask(self, level: Level, form: Form) -> Result<Read> {
        let scope = self.which.scope(None)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let connect = self.connect;
        runtime.block_on(async {
            let client = connect.client(None)?;
            match level {
                Level::Organization => organization(&client, &scope).await,
                Level::Repository => repositories(&client, &scope, form).await,
            }
        })
    }

    /// Reads files, and whose the numbers in them are, if that can be asked.
    fn read_files(self) -> Result<(Level, Read)> {
        let mut rulesets: Vec<Ruleset> = Vec::new();
        for (file, number) in self.files.iter().zip(1..) {
            let bytes = std::fs::read(file).map_err(|error| {
                Failure::new(format!("cannot read `{}`: {error}", file.display())).help("name a ruleset that GitHub exported")
            })?;
            rulesets.push(exported::ruleset(&bytes, number).map_err(|why| {
                Failure::new(format!("`{}` is no exported ruleset: {}", file.display(), plain(&why)))
                    .help("export it from the page of the ruleset, as JSON")
            })?);
        }
        let wrong = |why: String| Failure::new(plain(&why).into_owned()).help("name the files of one owner and one level");
        let (whose, mut owner, repositories) = exported::places(rulesets).map_err(wrong)?;
        let level = if whose == Whose::Organization { Level::Organization } else { Level::Repository };
        let mut api_url = None;
        if self.which.names_an_owner() {
            let scope = self.which.scope(None)?;
            if !scope.owner.eq_ignore_ascii_case(&owner.login) {
                return Err(Failure::new(format!(
                    "the files are of `{}`, not of `{}`",
                    plain(&owner.login),
                    plain(&scope.owner)
                ))
                .help(format!("name their owner: --owner {}", plain(&owner.login))));
            }
            let own = std::mem::replace(&mut owner.rulesets, crate::github::Readable::not_asked());
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let connect = self.connect;
            (owner, api_url) = runtime.block_on(async {
                let client = connect.client(None)?;
                let owner = Reader::new(&client).owner(&scope.owner, &names()).await.map_err(|why| refused(&why))?;
                Ok::<_, Failure>((owner, address(&client)))
            })?;
            owner.rulesets = own;
        }
        Ok((level, Read { owner, repositories, is_all: false, unread: Vec::new(), api_url }))
    }
}

/// What tells the names of those whom rulesets have by number.
fn names() -> Parts {
    Parts::index().and(Part::Teams).and(Part::Installations).and(Part::CustomRoles).and(Part::Members)
}

/// The API's address, where it is not github.com's.
fn address(client: &Client) -> Option<String> {
    Some(client.host().to_string()).filter(|url| url != "https://api.github.com")
}

async fn organization(client: &Client, scope: &Scope) -> Result<Read> {
    if scope.narrowed {
        return Err(Failure::new("an organization's rulesets are its own, not those of some repositories")
            .help("leave away what selects repositories"));
    }
    let owner = Reader::new(client).owner(&scope.owner, &names().and(Part::OwnerRulesets)).await.map_err(|why| refused(&why))?;
    if owner.kind == OwnerKind::User {
        return Err(Failure::new(format!("`{}` is no organization", plain(&owner.login)))
            .help("a user has rulesets in repositories only: --level repository"));
    }
    Ok(Read { owner, repositories: Vec::new(), is_all: true, unread: Vec::new(), api_url: address(client) })
}

async fn repositories(client: &Client, scope: &Scope, form: Form) -> Result<Read> {
    let rulesets = names().and(Part::Rulesets);
    // Without its app a check would be imported as anyone's.
    let parts = match form {
        Form::Rulesets => rulesets,
        Form::BranchProtection => rulesets.and(Part::Pins),
        Form::Converted => rulesets.and(Part::Pins).and(Part::MergeQueues),
    };
    let reader = Reader::new(client);
    let owner = reader.owner(&scope.owner, &parts).await.map_err(|why| refused(&why))?;
    let mut repositories = Vec::new();
    let inventory = reader.repositories(&scope.selection, &parts, |repository| repositories.push(repository)).await;
    if repositories.is_empty() && inventory.unread.is_empty() {
        return Err(Failure::new(format!("no repository of `{}` was meant", plain(&owner.login)))
            .help("look at --repo, --topic, --visibility and --property; archived repositories need --archived"));
    }
    // Where there may be others, a policy for all would be one for those, too.
    let is_all = !scope.narrowed && inventory.is_list && inventory.is_complete();
    let mut unread: Vec<String> = inventory.unread.iter().map(ToString::to_string).collect();
    unread.extend(inventory.unseen(&owner.repository_count).map(|why| format!("{}: {why}", owner.login)));
    Ok(Read { owner, repositories, is_all, unread, api_url: address(client) })
}

/// Tells what is not in the policy; the exit code.
fn tell(imported: &Imported, unread: &[String]) -> u8 {
    let mut err = anstream::stderr().lock();
    for Left { target, what, why, .. } in &imported.left {
        let what = if what.is_empty() { "nothing of it is in the policy" } else { what };
        let _ = writeln!(err, "{}: {}: {}", plain(target), plain(what), plain(why));
    }
    for why in unread {
        let _ = writeln!(err, "{}", plain(why));
    }
    for it in &imported.conversions {
        let place = format!("{}: branch protection `{}`", plain(&it.target), plain(&it.pattern));
        let _ = writeln!(err, "{place}: {}: {}: {}", it.field, it.likeness.as_str(), plain(&it.why));
    }
    if !unread.is_empty() || imported.left.iter().any(|left| left.is_hidden) {
        CANNOT_TELL
    } else {
        u8::from(!imported.left.is_empty())
    }
}
