//! Who pushes to which repository, from variables that the server itself sets.
//!
//! Nothing falls back: a name that the server did not set is unknown, and unknown is refused.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::openpgp;
use super::repository::Repository;
use super::repository_name::{self, RepositoryNames};
use crate::git::characters::is_invisible;
use crate::policy::actors::{is_key_id, pusher_fault};
use crate::policy::{Identity, Policy};
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

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Undecided> {
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

    /// The git directory that receive-pack set. Bitbucket starts a hook script in the repository's directory and sets none;
    /// git sets it for every hook that it starts itself, so that no client can bring this about.
    ///
    /// # Errors
    /// It is not set: the program was not started by git.
    pub fn git_dir(&self) -> Result<PathBuf, Undecided> {
        if let Some(git_dir) = self.get("GIT_DIR") {
            return Ok(PathBuf::from(git_dir));
        }
        let by_bitbucket = self.get("BB_PROJECT_KEY").is_some() && self.get("BB_REPO_SLUG").is_some();
        if by_bitbucket && Path::new("HEAD").symlink_metadata().is_ok() {
            return Ok(PathBuf::from("."));
        }
        let missing = "`GIT_DIR` is not set: this program is started by git, as the hook `pre-receive` of a repository";
        Err(Undecided::new(missing).help(if by_bitbucket {
            "Bitbucket starts a hook script in the repository's directory; a wrapper that changes to another one sets `GIT_DIR`"
        } else {
            "a host that starts hooks by itself sets `GIT_DIR` to the repository's directory"
        }))
    }

    /// Refuses a git directory that only one host leaves to be found out, when the policy is for another.
    ///
    /// # Errors
    /// `GIT_DIR` is not set, and the policy's identity is not Bitbucket.
    pub fn check_git_dir(&self, identity: &Identity) -> Result<(), Undecided> {
        if self.get("GIT_DIR").is_some() || *identity == Identity::Bitbucket {
            return Ok(());
        }
        Err(Undecided::new(
            "`GIT_DIR` is not set, which only Bitbucket leaves out, and the policy's `identity` names another host",
        ))
    }

    /// Where the incoming objects wait. A push that only deletes has none.
    ///
    /// # Errors
    /// The environment contradicts itself, or the host names a directory that is not this repository's.
    pub fn quarantine(&self, identity: &Identity, repository: &Repository) -> Result<Option<PathBuf>, Undecided> {
        let objects = self.get("GIT_OBJECT_DIRECTORY");
        if let Some(quarantine) = self.get("GIT_QUARANTINE_PATH") {
            // receive-pack sets both to the same directory.
            if objects == Some(quarantine) {
                return Ok(Some(PathBuf::from(quarantine)));
            }
            return Err(Undecided::new("`GIT_QUARANTINE_PATH` and `GIT_OBJECT_DIRECTORY` are not the same directory"));
        }
        // GitLab hands on only the second. It may as well come from a client over ssh, so it is believed where nobody but git
        // puts objects: every object there was hashed when it came in.
        let Some(objects) = objects.map(Path::new) else { return Ok(None) };
        if let Some(resolved) = std::fs::canonicalize(objects).ok().filter(|resolved| resolved.is_dir())
            && (is_inside_objects(&resolved, repository) || *identity == Identity::Gitlab && is_of_gitaly(&resolved, repository))
        {
            return Ok(Some(resolved));
        }
        match identity {
            // They hand a hook its environment, so this is their word.
            Identity::Gitlab | Identity::Bitbucket => Err(Undecided::new(format!(
                "the incoming objects lie in `{}`, which is not below the repository's own `objects`",
                objects.display()
            ))),
            // Where git starts the hook, a client can have set it while git set nothing.
            _ => Ok(None),
        }
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
    /// The server did not set the variable that the policy's `identity` reads, or set it to a name that no policy can hold.
    pub fn actor(&self, identity: &Identity) -> Result<Actor, Undecided> {
        let actor = self.named_actor(identity)?;
        let Some(fault) = pusher_fault(&actor.name) else { return Ok(actor) };
        let help = match identity {
            Identity::Http => {
                "let the web server pass on the account's own name instead of what was typed: in Apache with LDAP, \
                 `AuthLDAPRemoteUserAttribute uid` or `AuthLDAPRemoteUserIsDN on`"
            }
            _ => "let the server pass on the account's own name instead of what was typed",
        };
        Err(Undecided::new(format!("the pusher's name `{}` {fault}, so that no policy can name it", actor.name))
            .cause(Cause::Server)
            .help(help))
    }

    fn named_actor(&self, identity: &Identity) -> Result<Actor, Undecided> {
        const WHO: &str = "the pusher";
        let plain = |name: &str| Ok(Actor { name: name.to_owned(), display: None });
        let id = |variable: &str| -> Result<Option<&str>, Undecided> { Ok(self.text(variable)?.filter(|id| *id != "0")) };
        match identity {
            Identity::Gitolite => match self.text("GL_USER")? {
                Some(name) => plain(name),
                None => Err(self.no_gitolite_user()),
            },
            Identity::Gitea | Identity::Forgejo => {
                if let Some(key) = id("GITEA_DEPLOY_KEY_ID")? {
                    return plain(&format!("deploy-key:{key}"));
                }
                if let Some(task) = id("GITEA_ACTIONS_TASK_ID")? {
                    return plain(&format!("actions:{task}"));
                }
                // Forgejo and older Gitea say what a run may do, and not which run it is; what a run does through the API is
                // pushed by the account that stands for all runs.
                let is_run = self.text("GITEA_ACTION_PERM")?.is_some() || self.text("GITEA_PUSHER_ID")? == Some("-2");
                if is_run {
                    return plain("actions:unknown");
                }
                let name = self.required("GITEA_PUSHER_NAME", WHO)?;
                // No account is named so, and rules tell runs and keys from accounts by it.
                if name.contains(':') {
                    return Err(Undecided::new("`GITEA_PUSHER_NAME` holds a `:`, as no name of an account does"));
                }
                plain(name)
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

    fn no_gitolite_user(&self) -> Undecided {
        let missing = Undecided::new("the pusher is unknown: the server did not set `GL_USER`");
        if self.get("GL_BYPASS_ACCESS_CHECKS").is_some() {
            missing.help(
                "`gitolite push` names nobody: say who pushes, to which repository: GL_USER=NAME GL_REPO=REPO gitolite push …",
            )
        } else {
            missing.help("push through gitolite; on the server itself: GL_USER=NAME GL_REPO=REPO git push …")
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
        // git passes on no more of an OpenPGP key.
        let key = if is_key_id(key) { openpgp::fingerprint(key, self)? } else { key.to_owned() };
        Ok(Actor { name: format!("key:{key}"), display: self.text("GIT_PUSH_CERT_SIGNER")?.map(str::to_owned) })
    }

    /// The repository's names: the one that its host says, else those of its path.
    ///
    /// # Errors
    /// The server did not set the variable, or to a name that only looks like one, or the path does not lie below
    /// `[server] root`.
    pub fn repository(&self, policy: &Policy, repository: &Repository) -> Result<RepositoryNames, Undecided> {
        const WHICH: &str = "the repository's name";
        let server = &policy.server;
        let name = match &server.identity {
            Some(Identity::Gitolite) => self.required("GL_REPO", WHICH)?.to_owned(),
            Some(Identity::Gitea | Identity::Forgejo) => {
                format!("{}/{}", self.required("GITEA_REPO_USER_NAME", WHICH)?, self.required("GITEA_REPO_NAME", WHICH)?)
            }
            Some(Identity::Ghes) => {
                let name = self.required("GITHUB_REPO_NAME", WHICH)?;
                // Its documentation has both; patterns of a policy are about this one.
                if name.split('/').filter(|part| !part.is_empty()).count() != 2 || name.matches('/').count() != 1 {
                    return Err(Undecided::new(format!("`GITHUB_REPO_NAME` = `{name}` is not of the form OWNER/NAME")));
                }
                name.to_owned()
            }
            Some(Identity::Gitlab) => self.required("GL_PROJECT_PATH", WHICH)?.to_owned(),
            Some(Identity::Bitbucket) => {
                format!("{}/{}", self.required("BB_PROJECT_KEY", WHICH)?, self.required("BB_REPO_SLUG", WHICH)?)
            }
            Some(Identity::Env { repository_env: Some(variable), .. }) => self.required(variable, WHICH)?.to_owned(),
            Some(Identity::Http | Identity::Ssh | Identity::PushCert | Identity::Env { repository_env: None, .. }) | None => {
                // Looking for other names is for policies that care.
                let named = policy.rulesets.iter().any(|ruleset| !ruleset.repositories.is_everywhere());
                let reached_by = if named { repository_name::reached_by(self) } else { Vec::new() };
                return RepositoryNames::by_path(server, repository, reached_by.iter().map(PathBuf::as_path));
            }
        };
        // What restricts by name must not be left by a name that only looks like it.
        if name.trim() != name || name.contains(is_invisible) {
            return Err(Undecided::new(format!(
                "the repository's name `{name}` has blanks around it, or characters that nobody sees"
            ))
            .cause(Cause::Server)
            .help("let the server pass on the repository's own name"));
        }
        Ok(RepositoryNames::of_host(name))
    }
}

/// Whether a directory, of which all links are resolved, lies below a repository's own `objects`.
fn is_inside_objects(directory: &Path, repository: &Repository) -> bool {
    let own = std::fs::canonicalize(repository.common_dir.join("objects"));
    own.is_ok_and(|own| directory != own && directory.starts_with(&own))
}

/// Whether a directory, of which all links are resolved, is one in which Gitaly keeps the objects of what it does itself, such as a merge or an edit on a page:
/// `+gitaly/tmp/quarantine-…` of the storage that holds the repository. No client's variable reaches a hook of Gitaly.
fn is_of_gitaly(directory: &Path, repository: &Repository) -> bool {
    let is_quarantine = directory.file_name().is_some_and(|name| name.as_bytes().starts_with(b"quarantine-"));
    let Some(temporary) = directory.parent() else { return false };
    let storages = repository.common_dir.ancestors().skip(1);
    is_quarantine && storages.map(|storage| storage.join("+gitaly/tmp")).any(|tmp| tmp == temporary)
}
