//! What a rule may know about a push, as data. Everything here is filled in by the server side ([`crate::receive`]) or
//! by a test; nothing here looks anything up.

use std::rc::Rc;

use crate::git::{Commit, FileChange, Oid, RefName, RefUpdate};

/// What kind of cause kept a push from being judged: it decides who must act, and how the log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Another push or a repack changed what was read. Fetching and pushing again is enough.
    Race,
    /// A limit of the policy's `budget`, or of what is read at once.
    Budget,
    /// The push itself: malformed input, a malformed object, a shallow push.
    Push,
    /// The repository on the server: a missing or damaged object, an unreadable ref, a missing `HEAD` target.
    Repository,
    /// The policy: there is none, it does not load, or it cannot be applied here.
    Policy,
    /// The server around the repository: who pushes is unknown, the log cannot be written, a program cannot be run.
    Server,
    /// A defect of this program.
    Internal,
}

/// Who must act on a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The person or program that pushed.
    Pusher,
    /// The administrator of the server.
    Administrator,
    /// The author of the policy.
    PolicyAuthor,
}

impl Audience {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Audience::Pusher => "pusher",
            Audience::Administrator => "administrator",
            Audience::PolicyAuthor => "policy_author",
        }
    }

    /// How a message addresses them.
    pub fn address(self) -> &'static str {
        match self {
            Audience::Pusher => "this is for you",
            Audience::Administrator => "this is for the server's administrator",
            Audience::PolicyAuthor => "this is for the author of the policy",
        }
    }
}

impl Cause {
    /// What to do about causes of this kind, where nothing better is known.
    pub fn default_help(self) -> &'static str {
        match self {
            Cause::Race => "another push or a repack changed the repository meanwhile: fetch and push again",
            Cause::Budget => "push less at a time, or ask the server's administrator to raise `budget` in the policy",
            Cause::Push => "mend what is named above and push again",
            Cause::Repository => "run `git fsck` in the repository on the server, and mend what is named above",
            Cause::Policy => "mend the policy; `refwarden check` shows what is wrong with it",
            Cause::Server => "mend the server's set-up as named above",
            Cause::Internal => "report it as a defect of refwarden",
        }
    }

    /// The log's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Race => "race",
            Cause::Budget => "budget",
            Cause::Push => "push",
            Cause::Repository => "repository",
            Cause::Policy => "policy",
            Cause::Server => "server",
            Cause::Internal => "internal",
        }
    }

    /// Who must act.
    pub fn audience(self) -> Audience {
        match self {
            Cause::Race | Cause::Budget | Cause::Push => Audience::Pusher,
            Cause::Repository | Cause::Server | Cause::Internal => Audience::Administrator,
            Cause::Policy => Audience::PolicyAuthor,
        }
    }
}

/// Why something could not be judged. It refuses, wherever it turns up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// The cause, for people.
    pub why: String,
    /// What kind of cause it is.
    pub cause: Cause,
    /// What to do about it, when it is not the same for every cause of the kind.
    pub help: Option<String>,
}

impl Undecided {
    /// A cause that lies in the server's set-up, until [`Undecided::cause`] says otherwise.
    pub fn new(why: impl Into<String>) -> Undecided {
        Undecided { why: why.into(), cause: Cause::Server, help: None }
    }

    /// Says what kind of cause it is.
    #[must_use]
    pub fn cause(mut self, cause: Cause) -> Undecided {
        self.cause = cause;
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Undecided {
        self.help = Some(help.into());
        self
    }

    /// What to do about it.
    pub fn what_to_do(&self) -> &str {
        self.help.as_deref().unwrap_or_else(|| self.cause.default_help())
    }
}

/// A fact about an update. Three answers, never two: a rule that asks for anything but a known fact cannot decide.
#[derive(Debug, Clone, Default)]
pub enum Fact<T> {
    /// Nobody asked for it.
    #[default]
    NotCollected,
    /// It is known.
    Known(T),
    /// It was asked for and could not be found out.
    Failed(Undecided),
}

impl<T> Fact<T> {
    /// The fact, or why there is none.
    ///
    /// # Errors
    /// The fact is not known; `what` names it in the message.
    pub fn get(&self, what: &str) -> Result<&T, Undecided> {
        match self {
            Fact::Known(value) => Ok(value),
            Fact::Failed(undecided) => Err(undecided.clone()),
            Fact::NotCollected => Err(Undecided::new(format!("{what} was not collected")).cause(Cause::Internal)),
        }
    }
}

impl<T> From<Result<T, Undecided>> for Fact<T> {
    fn from(result: Result<T, Undecided>) -> Self {
        match result {
            Ok(value) => Fact::Known(value),
            Err(undecided) => Fact::Failed(undecided),
        }
    }
}

/// What a rule needs to be collected before it can judge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Whether an update is a fast-forward.
    pub fast_forward: bool,
    /// What kind of object the new value is.
    pub target: bool,
    /// The entering commits.
    pub commits: bool,
    /// Their messages and e-mail addresses, with the commits. Where no rule asks for them they are not kept, and empty.
    pub texts: bool,
    /// The landing change, and what each entering commit touches: of both, the paths that a rule selects.
    pub changes: bool,
    /// Sizes of new blobs, with the changes.
    pub sizes: bool,
    /// The number of distinct paths changed by the whole push.
    pub changed_paths: bool,
}

impl Needs {
    /// What either needs.
    #[must_use]
    pub fn and(self, other: Needs) -> Needs {
        Needs {
            fast_forward: self.fast_forward || other.fast_forward,
            target: self.target || other.target,
            commits: self.commits || other.commits,
            texts: self.texts || other.texts,
            changes: self.changes || other.changes,
            sizes: self.sizes || other.sizes,
            changed_paths: self.changed_paths || other.changed_paths,
        }
    }
}

/// What kind of object a ref's new value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewValue {
    /// A commit: a branch's tip or a lightweight tag.
    Commit,
    /// A tag object: an annotated tag.
    Tag,
    /// A tree.
    Tree,
    /// A blob.
    Blob,
}

/// A commit that enters the covered refs, and what it touches.
#[derive(Debug, Clone)]
pub struct EnteringCommit {
    /// The commit.
    pub commit: Rc<Commit>,
    /// The selected paths it touches.
    pub changes: Fact<Vec<FileChange>>,
}

/// Numbers over a whole push, for one ruleset.
#[derive(Debug, Clone, Default)]
pub struct PushTotals {
    /// Distinct entering commits.
    pub commits: Fact<u64>,
    /// Distinct paths over landing changes and entering commits. Counting stops one above the largest limit of the
    /// ruleset, so a number above every limit only means "more".
    pub changed_paths: Fact<u64>,
}

/// One update of a push as one ruleset sees it.
#[derive(Debug, Clone)]
pub struct UpdateFacts {
    /// The update, as pushed.
    pub update: RefUpdate,
    /// The names that this update moves and the ruleset matches: the pushed ref, what it points at, and every symbolic
    /// ref that reaches it. Never empty.
    pub names: Vec<RefName>,
    /// The same push also deletes or otherwise changes this ref, so that together they are a rewrite.
    pub rewrite: bool,
    /// The host says that this update merges a pull request into its base, which is not that anybody approved it.
    pub merges_pull_request: bool,
    /// Whether an update is a fast-forward: of branches and of what tags peel to.
    pub fast_forward: Fact<bool>,
    /// The kind of the new value.
    pub new_value: Fact<NewValue>,
    /// How the ref's tree changes.
    pub landing: Fact<Rc<Vec<FileChange>>>,
    /// The commits that enter.
    pub entering: Fact<Vec<Rc<EnteringCommit>>>,
    /// Numbers over the whole push.
    pub totals: PushTotals,
}

/// Where a changed path was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedIn {
    /// In the net change of the ref.
    Landing,
    /// In an entering commit.
    Commit(Oid),
}

impl UpdateFacts {
    /// An update about which nothing but itself is known.
    pub fn new(update: RefUpdate) -> UpdateFacts {
        UpdateFacts {
            names: vec![update.name.clone()],
            update,
            rewrite: false,
            merges_pull_request: false,
            fast_forward: Fact::NotCollected,
            new_value: Fact::NotCollected,
            landing: Fact::NotCollected,
            entering: Fact::NotCollected,
            totals: PushTotals::default(),
        }
    }

    /// Every selected change: of each entering commit, oldest walk order, then of the landing change.
    ///
    /// # Errors
    /// One of them is not known.
    pub fn changes(&self) -> Result<Vec<(ChangedIn, &FileChange)>, Undecided> {
        let mut all = Vec::new();
        for entering in self.entering.get("the entering commits")? {
            let changes = entering.changes.get("what an entering commit touches")?;
            all.extend(changes.iter().map(|change| (ChangedIn::Commit(entering.commit.id), change)));
        }
        all.extend(self.landing.get("the landing change")?.iter().map(|change| (ChangedIn::Landing, change)));
        Ok(all)
    }
}
