//! Who pushes to which repository, from variables that the server itself sets.
//!
//! Nothing falls back: a name that the server did not set is unknown, and unknown is refused.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::repository::Repository;
use crate::git::RefName;
use crate::policy::{Identity, Server};
use crate::push::{Cause, Undecided};

/// A copy of the environment.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: HashMap<OsString, OsString>,
}

/// Who pushes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name that rules compare.
    pub name: String,
    /// A longer name for people, when the server knows one.
    pub display: Option<String>,
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Environment { variables: variables.into_iter().collect() }
    }
}

impl Environment {
    /// This process's environment.
    pub fn of_process() -> Environment {
        std::env::vars_os().collect()
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> Result<Option<&str>, Undecided> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some(text) if !text.contains(['\n', '\0']) => Ok(Some(text)),
                _ => Err(Undecided::new(format!("the variable `{name}` is no readable text"))),
            },
        }
    }

    fn required(&self, name: &str, what: &str) -> Result<&str, Undecided> {
        self.text(name)?.ok_or_else(|| Undecided::new(format!("{what} is unknown: the server did not set `{name}`")))
    }

    /// The push options.
    pub fn push_options(&self) -> Vec<&[u8]> {
        let count: usize =
            self.get("GIT_PUSH_OPTION_COUNT").and_then(OsStr::to_str).and_then(|count| count.parse().ok()).unwrap_or(0);
        (0..count.min(4096))
            .map_while(|index| self.variables.get(OsStr::new(&format!("GIT_PUSH_OPTION_{index}"))))
            .map(|value| value.as_bytes())
            .collect()
    }

    /// The git directory that receive-pack set.
    ///
    /// # Errors
    /// It is not set: the program was not started by git.
    pub fn git_dir(&self) -> Result<PathBuf, Undecided> {
        self.get("GIT_DIR").map(PathBuf::from).ok_or_else(|| {
            Undecided::new("`GIT_DIR` is not set: this program is started by git, as the hook `pre-receive` of a repository")
        })
    }

    /// Where the incoming objects wait. A push that only deletes has none.
    ///
    /// # Errors
    /// The environment contradicts itself.
    pub fn quarantine(&self) -> Result<Option<PathBuf>, Undecided> {
        // receive-pack sets both to the same directory. `GIT_OBJECT_DIRECTORY` alone may come from a client over ssh.
        let Some(quarantine) = self.get("GIT_QUARANTINE_PATH") else { return Ok(None) };
        if self.get("GIT_OBJECT_DIRECTORY") == Some(quarantine) {
            return Ok(Some(PathBuf::from(quarantine)));
        }
        Err(Undecided::new("`GIT_QUARANTINE_PATH` and `GIT_OBJECT_DIRECTORY` are not the same directory"))
    }

    /// Refuses what would make refs or history look different from what they are.
    ///
    /// # Errors
    /// A namespace, another place for objects or refs, or a shallow push.
    pub fn refuse_views(&self) -> Result<(), Undecided> {
        if self.get("GIT_NAMESPACE").is_some() {
            return Err(Undecided::new("`GIT_NAMESPACE` is set: the refs pushed are not the refs of their names"));
        }
        // git then keeps objects, or refs, in another place than the one that is read here.
        for elsewhere in ["GIT_COMMON_DIR", "GIT_REFERENCE_BACKEND"] {
            if self.get(elsewhere).is_some() {
                return Err(Undecided::new(format!(
                    "`{elsewhere}` is set: objects or refs lie elsewhere than in this repository"
                )));
            }
        }
        if self.get("GIT_SHALLOW_FILE").is_some() {
            return Err(Undecided::new("a shallow push cannot be read exactly")
                .cause(Cause::Push)
                .help("run `git fetch --unshallow` and push again"));
        }
        Ok(())
    }

    /// Who pushes.
    ///
    /// # Errors
    /// The server did not set the variable that the policy's `identity` reads.
    pub fn actor(&self, identity: &Identity) -> Result<Actor, Undecided> {
        const WHO: &str = "the pusher";
        let plain = |name: &str| Ok(Actor { name: name.to_owned(), display: None });
        let id = |variable: &str| -> Result<Option<&str>, Undecided> { Ok(self.text(variable)?.filter(|id| *id != "0")) };
        match identity {
            Identity::Gitolite => plain(self.required("GL_USER", WHO)?),
            Identity::Gitea | Identity::Forgejo => {
                if let Some(key) = id("GITEA_DEPLOY_KEY_ID")? {
                    return plain(&format!("deploy-key:{key}"));
                }
                if let Some(task) = id("GITEA_ACTIONS_TASK_ID")? {
                    return plain(&format!("actions:{task}"));
                }
                plain(self.required("GITEA_PUSHER_NAME", WHO)?)
            }
            Identity::Gitlab => match (self.text("GL_USERNAME")?, self.text("GL_ID")?) {
                (Some(name), _) => plain(name),
                (None, Some(id)) => match id.strip_prefix("key-") {
                    Some(key) => plain(&format!("deploy-key:{key}")),
                    None => plain(id),
                },
                (None, None) => Err(Undecided::new("the pusher is unknown: the server set neither `GL_USERNAME` nor `GL_ID`")),
            },
            Identity::Ghes => match (self.text("GITHUB_USER_LOGIN")?, self.text("GITHUB_PUBLIC_KEY_FINGERPRINT")?) {
                (Some(login), _) => plain(login),
                (None, Some(fingerprint)) => plain(&format!("key:{fingerprint}")),
                (None, None) => Err(Undecided::new(
                    "the pusher is unknown: the server set neither `GITHUB_USER_LOGIN` nor `GITHUB_PUBLIC_KEY_FINGERPRINT`",
                )),
            },
            Identity::Bitbucket => plain(self.required("BB_USER_NAME", WHO)?),
            Identity::Http => plain(self.required("REMOTE_USER", WHO)?),
            Identity::Ssh => plain(self.required("REFWARDEN_ACTOR", WHO)?),
            Identity::PushCert => self.push_certificate(),
            Identity::Env { env, .. } => plain(self.required(env, WHO)?),
        }
    }

    fn push_certificate(&self) -> Result<Actor, Undecided> {
        let status = self.required("GIT_PUSH_CERT_STATUS", "the push certificate's status")?;
        if status != "G" {
            return Err(Undecided::new(format!("the push certificate's signature is not good: its status is `{status}`"))
                .cause(Cause::Push)
                .help("push with `--signed` and a key that the server knows"));
        }
        let nonce = self.required("GIT_PUSH_CERT_NONCE_STATUS", "the push certificate's nonce")?;
        if nonce != "OK" {
            return Err(Undecided::new(format!("the push certificate's nonce is not this server's: its status is `{nonce}`"))
                .cause(Cause::Push)
                .help("push again with `--signed`"));
        }
        let key = self.required("GIT_PUSH_CERT_KEY", "the push certificate's key")?;
        Ok(Actor { name: format!("key:{key}"), display: self.text("GIT_PUSH_CERT_SIGNER")?.map(str::to_owned) })
    }

    /// The repository's name, as its host says it, else from its path.
    ///
    /// # Errors
    /// The server did not set the variable, or the path does not lie below `[server] root`.
    pub fn repository(&self, server: &Server, repository: &Repository) -> Result<String, Undecided> {
        const WHICH: &str = "the repository's name";
        match &server.identity {
            Some(Identity::Gitolite) => self.required("GL_REPO", WHICH).map(str::to_owned),
            Some(Identity::Gitea | Identity::Forgejo) => {
                Ok(format!("{}/{}", self.required("GITEA_REPO_USER_NAME", WHICH)?, self.required("GITEA_REPO_NAME", WHICH)?))
            }
            Some(Identity::Gitlab) => self.required("GL_PROJECT_PATH", WHICH).map(str::to_owned),
            Some(Identity::Ghes) => self.required("GITHUB_REPO_NAME", WHICH).map(str::to_owned),
            Some(Identity::Bitbucket) => {
                Ok(format!("{}/{}", self.required("BB_PROJECT_KEY", WHICH)?, self.required("BB_REPO_SLUG", WHICH)?))
            }
            Some(Identity::Env { repository_env: Some(variable), .. }) => self.required(variable, WHICH).map(str::to_owned),
            Some(Identity::Http | Identity::Ssh | Identity::PushCert | Identity::Env { repository_env: None, .. }) | None => {
                name_from_path(&repository.git_dir, server.root.as_deref())
            }
        }
    }

    /// The repository's name by its path alone, where no host says one.
    ///
    /// # Errors
    /// The path does not lie below `[server] root`.
    pub fn repository_from_path(server: &Server, repository: &Repository) -> Result<String, Undecided> {
        name_from_path(&repository.git_dir, server.root.as_deref())
    }

    /// Whether the host itself says that the update of this ref merges a reviewed pull request into its base. Only the
    /// host that the policy names is believed.
    ///
    /// # Errors
    /// A variable is unreadable.
    pub fn merges_pull_request(&self, identity: &Identity, name: &RefName) -> Result<bool, Undecided> {
        match identity {
            Identity::Gitea | Identity::Forgejo => Ok(self.text("GITEA_PUSH_TRIGGER")? == Some("pr-merge-to-base")),
            Identity::Ghes => {
                // `owner:branch`. A push by hand sets neither; the web editor sets no base.
                let Some(base) = self.text("GITHUB_PULL_REQUEST_BASE")? else { return Ok(false) };
                let branch = base.split_once(':').map_or(base, |(_, branch)| branch);
                let merges = self.text("GITHUB_VIA")?.is_some_and(|via| via.starts_with("pull request merge"));
                Ok(merges
                    && self.text("GITHUB_PULL_REQUEST_HEAD")?.is_some()
                    && branch.as_bytes() == name.short()
                    && name.kind() == crate::git::RefKind::Branch)
            }
            _ => Ok(false),
        }
    }
}

/// The path below the root, without `.git`; without a root the last component.
fn name_from_path(git_dir: &Path, root: Option<&str>) -> Result<String, Undecided> {
    // The git directory of a repository with a work tree is named after the work tree.
    let directory = match git_dir.file_name() {
        Some(name) if name == ".git" => git_dir.parent().unwrap_or(git_dir),
        _ => git_dir,
    };
    let name = match root {
        Some(root) => {
            let root = std::fs::canonicalize(root).map_err(|error| {
                Undecided::new(format!("cannot open `[server] root` = `{root}`: {error}")).cause(Cause::Policy)
            })?;
            directory.strip_prefix(&root).map_err(|_| {
                Undecided::new(format!("`{}` does not lie below `[server] root` = `{}`", directory.display(), root.display()))
            })?
        }
        None => Path::new(directory.file_name().unwrap_or_default()),
    };
    let name = name.to_str().ok_or_else(|| Undecided::new("the repository's path is not UTF-8"))?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    if name.is_empty() {
        return Err(Undecided::new("the repository has no name"));
    }
    Ok(name.to_owned())
}
