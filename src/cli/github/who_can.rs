//! `refwarden github who-can`: who can do something to a ref, and through which door.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::connect::{CANNOT_TELL, Connect, refused};
use crate::cli::{Failure, Result};
use crate::github::client::Client;
use crate::github::effective::Effective;
use crate::github::live::Reader;
use crate::github::who_can::{Action, Answer, READS, who_can};
use crate::github::{Parts, Selection};
use crate::report::text::{self, plain};

/// Find out who can do something to a branch or tag on GitHub
///
/// Says of people, teams, apps and keys who can, and past which rules. It only ever reads.
///
/// Exit codes: 0 everybody who can is listed, 2 the command line is wrong, 3 there may be others, because something could not
/// be told, or GitHub could not be asked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden github who-can main push --repo acme/api
  refwarden github who-can main push-without-review --repo acme/api
  refwarden github who-can refs/tags/v1.0.0 delete --repo acme/api --json")]
pub(super) struct WhoCan {
    /// The branch, or the full name of any ref; it need not exist
    #[arg(value_name = "REF")]
    name: String,
    /// What
    #[arg(value_enum)]
    action: Word,
    /// The repository
    #[arg(long, value_name = "OWNER/NAME")]
    repo: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Word {
    /// Push commits to it, with no pull request
    Push,
    /// Change it without anybody else's review
    PushWithoutReview,
    /// Rewrite it
    ForcePush,
    /// Delete it
    Delete,
    /// Create it
    Create,
    /// Change the rules that bind it
    ChangeRules,
}

impl From<Word> for Action {
    fn from(word: Word) -> Action {
        match word {
            Word::Push => Action::Push,
            Word::PushWithoutReview => Action::PushWithoutReview,
            Word::ForcePush => Action::ForcePush,
            Word::Delete => Action::Delete,
            Word::Create => Action::Create,
            Word::ChangeRules => Action::ChangeRules,
        }
    }
}

impl WhoCan {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        let wrong = || Failure::new(format!("`{}` is no repository", plain(&self.repo))).help("write OWNER/NAME, as in acme/api");
        let (owner, _) = self.repo.split_once('/').ok_or_else(wrong)?;
        let owner = owner.to_owned();
        let selection = Selection::default()
            .and_repository(&self.repo)
            .map_err(|bad| Failure::new(plain(&bad.to_string())).help("write OWNER/NAME, as in acme/api"))?;
        if selection.named().is_empty() {
            return Err(wrong());
        }
        let name = if self.name.starts_with("refs/") { self.name.clone() } else { format!("refs/heads/{}", self.name) };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let action = self.action.into();
        let answer = runtime.block_on(async {
            let client = self.connect.client(None)?;
            ask(&client, &owner, &selection, &name, action).await
        })?;
        if self.json {
            let mut json = json!({ "version": 1, "kind": "who-can" });
            let value = serde_json::to_value(&answer).map_err(|error| Failure::new(error.to_string()))?;
            if let (Some(all), serde_json::Value::Object(own)) = (json.as_object_mut(), value) {
                all.extend(own);
            }
            writeln!(out, "{}", text::ascii(&format!("{json:#}")))?;
        } else {
            write!(out, "{}", shown(&answer))?;
        }
        Ok(if answer.complete { 0 } else { CANNOT_TELL })
    }
}

async fn ask(client: &Client, owner: &str, selection: &Selection, name: &str, action: Action) -> Result<Answer> {
    let parts: Parts = READS.iter().copied().collect::<Parts>().and(crate::github::Part::Rulesets);
    let reader = Reader::new(client);
    let owner = reader.owner(owner, &parts).await.map_err(|why| refused(&why))?;
    let mut answer = None;
    let inventory = reader
        .repositories(selection, &parts, |repository| {
            let effective = Effective::of(&repository, &owner, name);
            answer = Some(who_can(&repository, &owner, &effective, action));
        })
        .await;
    answer.ok_or_else(|| {
        let why = inventory.unread.first().map_or_else(|| "it was not found".to_owned(), |unread| unread.why.to_string());
        Failure::new(format!("the repository could not be read: {}", plain(&why)))
            .help("look at the name, and whether the token was given access to it")
            .code(CANNOT_TELL)
    })
}

fn shown(answer: &Answer) -> String {
    let mut lines = Vec::new();
    let what = format!("{} {} of {}", answer.action, plain(&answer.ref_name), plain(&answer.repository));
    match (answer.entries.is_empty(), answer.complete) {
        (true, true) => lines.push(format!("{what}: nobody can")),
        (true, false) => lines.push(format!("{what}: could not be told")),
        (false, _) => {
            lines.push(format!("{what}: {}", text::count(text::len(&answer.entries), "entry").replace("entrys", "entries")))
        }
    }
    lines.extend(answer.entries.iter().map(|entry| format!("  {}", plain(&entry.explanation))));
    if !answer.conditions.is_empty() {
        lines.push("besides, what is pushed must pass".to_owned());
        lines.extend(answer.conditions.iter().map(|condition| format!("  {}", plain(condition))));
    }
    if !answer.complete {
        lines.push("there may be others: this could not be told".to_owned());
        lines.extend(answer.reasons.iter().map(|reason| format!("  {}", plain(&reason.to_string()))));
    }
    lines.push(String::new());
    lines.join("\n")
}
