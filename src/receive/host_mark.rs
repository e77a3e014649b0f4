//! What the host itself says about the updates of a push, beyond who pushes. Only the host that the policy names is believed.

use super::environment::Environment;
use crate::git::{Change, RefKind, RefName, RefUpdate};
use crate::policy::Identity;
use crate::push::Undecided;

/// What the host says about an update.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostMark {
    /// The update merges a pull request into its base. Whether anybody approved it the host does not say.
    pub merges_pull_request: bool,
    /// The ref is in a namespace that the host keeps for itself, and the host itself writes it or takes it over.
    pub own_ref: bool,
}

/// What the host says about each update.
///
/// # Errors
/// A variable is unreadable.
pub fn host_marks(
    identity: Option<&Identity>,
    environment: &Environment,
    updates: &[RefUpdate],
) -> Result<Vec<HostMark>, Undecided> {
    let mut marks = vec![HostMark::default(); updates.len()];
    match identity {
        Some(Identity::Gitea | Identity::Forgejo) => {
            let by_host = !is_from_client(environment)?;
            let internal = by_host && environment.text("GITEA_INTERNAL_PUSH")? == Some("true");
            let merges = by_host && gitea_merges(environment, updates)?;
            for (mark, update) in marks.iter_mut().zip(updates) {
                mark.merges_pull_request = merges;
                mark.own_ref = internal && is_pull_request_head(&update.name) || opens_pull_request(update);
            }
        }
        Some(Identity::Ghes) => {
            for (mark, update) in marks.iter_mut().zip(updates) {
                mark.merges_pull_request = ghes_merges(environment, update)?;
            }
        }
        _ => {}
    }
    Ok(marks)
}

/// Whether a client of Gitea's pushes. Gitea's own pushes say so here; over ssh this variable holds what the client asked for,
/// whatever other variables it may send along, and over http Gitea sets the service.
fn is_from_client(environment: &Environment) -> Result<bool, Undecided> {
    Ok(environment.text("SSH_ORIGINAL_COMMAND")?.is_some_and(|command| command != "gitea-internal"))
}

/// Gitea does not say what the base is. It merges by a push that updates just that, so nothing else is believed to be a merge.
fn gitea_merges(environment: &Environment, updates: &[RefUpdate]) -> Result<bool, Undecided> {
    let says = environment.text("GITEA_PUSH_TRIGGER")? == Some("pr-merge-to-base")
        && environment.text("GITEA_PR_ID")?.is_none_or(|id| id.parse::<u64>().is_ok_and(|id| id > 0));
    let [update] = updates else { return Ok(false) };
    Ok(says && updates_branch(update))
}

/// `GITHUB_PULL_REQUEST_BASE` is `OWNER:BRANCH`. A push by hand sets no `GITHUB_VIA`, and many other ways to change a ref on a
/// page or by the API set another one.
fn ghes_merges(environment: &Environment, update: &RefUpdate) -> Result<bool, Undecided> {
    let Some(base) = environment.text("GITHUB_PULL_REQUEST_BASE")? else { return Ok(false) };
    let branch = base.split_once(':').map_or(base, |(_, branch)| branch);
    let via = environment.text("GITHUB_VIA")?;
    let merges = via.is_some_and(|via| ["merge", "pull request merge api", "pull request merge button"].contains(&via));
    Ok(merges
        && environment.text("GITHUB_PULL_REQUEST_HEAD")?.is_some()
        && branch.as_bytes() == update.name.short()
        && updates_branch(update))
}

fn updates_branch(update: &RefUpdate) -> bool {
    matches!(update.change, Change::Update { .. }) && update.name.kind() == RefKind::Branch
}

/// `refs/pull/N/head`, where Gitea keeps the commits of a pull request.
fn is_pull_request_head(name: &RefName) -> bool {
    let number = name.as_bytes().strip_prefix(b"refs/pull/").and_then(|rest| rest.strip_suffix(b"/head"));
    number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

/// `refs/for/BASE/TOPIC`, by which a client opens a pull request or adds to it. No such ref comes to be: Gitea takes the update
/// over before git would write it. It never exists, so that every update of it creates it.
fn opens_pull_request(update: &RefUpdate) -> bool {
    update.name.as_bytes().starts_with(b"refs/for/") && matches!(update.change, Change::Create { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::{ObjectFormat, Oid};

    fn oid(digit: &str) -> Oid {
        Oid::from_hex(digit.repeat(40).as_bytes(), ObjectFormat::Sha1).unwrap()
    }

    fn update(name: &str) -> RefUpdate {
        RefUpdate { name: RefName::parse(name.as_bytes()).unwrap(), change: Change::Update { old: oid("1"), new: oid("2") } }
    }

    fn create(name: &str) -> RefUpdate {
        RefUpdate { change: Change::Create { new: oid("2") }, ..update(name) }
    }

    fn delete(name: &str) -> RefUpdate {
        RefUpdate { change: Change::Delete { old: Some(oid("1")) }, ..update(name) }
    }

    fn marks(identity: &Identity, variables: &[(&str, &str)], updates: &[RefUpdate]) -> Vec<(bool, bool)> {
        let environment: Environment = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let marks = host_marks(Some(identity), &environment, updates).unwrap();
        marks.into_iter().map(|mark| (mark.merges_pull_request, mark.own_ref)).collect()
    }

    const MERGE: [(&str, &str); 4] = [
        ("GITEA_PUSH_TRIGGER", "pr-merge-to-base"),
        ("GITEA_PR_ID", "7"),
        ("GITEA_PR_INDEX", "3"),
        ("SSH_ORIGINAL_COMMAND", "gitea-internal"),
    ];

    #[test]
    fn gitea_merges_into_one_branch() {
        let merges = |variables: &[(&str, &str)], updates: &[RefUpdate]| {
            marks(&Identity::Gitea, variables, updates).iter().any(|mark| mark.0)
        };
        let main = [update("refs/heads/main")];
        assert!(merges(&MERGE, &main));
        assert!(merges(&MERGE[..1], &main));
        // Another trigger, a pull request that is none, a client, another server.
        assert!(!merges(&[("GITEA_PUSH_TRIGGER", "pr-update-with-base"), MERGE[1], MERGE[3]], &main));
        assert!(!merges(&[MERGE[0], ("GITEA_PR_ID", "0"), MERGE[3]], &main));
        assert!(!merges(&[MERGE[0], ("GITEA_PR_ID", "x"), MERGE[3]], &main));
        for command in ["git-receive-pack 'acme/app.git'", "receive-pack"] {
            assert!(!merges(&[MERGE[0], MERGE[1], ("SSH_ORIGINAL_COMMAND", command)], &main), "{command}");
        }
        assert!(marks(&Identity::Gitlab, &MERGE, &main).iter().all(|mark| !mark.0));
        assert!(marks(&Identity::Ghes, &MERGE, &main).iter().all(|mark| !mark.0));
        // A merge updates the base, and nothing beside it.
        assert!(!merges(&MERGE, &[update("refs/heads/main"), update("refs/heads/release")]));
        for one in [create("refs/heads/main"), delete("refs/heads/main"), update("refs/tags/main"), update("refs/pull/1/head")] {
            assert!(!merges(&MERGE, std::slice::from_ref(&one)), "{one:?}");
        }
    }

    #[test]
    fn ghes_merges_into_the_base_it_names() {
        let with = |via: &str, base: &str, update: RefUpdate| {
            let variables =
                [("GITHUB_VIA", via), ("GITHUB_PULL_REQUEST_BASE", base), ("GITHUB_PULL_REQUEST_HEAD", "alice:topic")];
            marks(&Identity::Ghes, &variables, &[update])[0].0
        };
        for via in ["merge", "pull request merge api", "pull request merge button"] {
            assert!(with(via, "acme:main", update("refs/heads/main")), "{via}");
            assert!(!with(via, "acme:release", update("refs/heads/main")), "{via}");
            assert!(!with(via, "acme:main", update("refs/tags/main")), "{via}");
            assert!(!with(via, "acme:main", delete("refs/heads/main")), "{via}");
        }
        for via in [
            "auto-merge deployment api",
            "blob#save",
            "branch merge api",
            "branches page delete button",
            "git refs create api",
            "git refs delete api",
            "git refs update api",
            "git repo contents api",
            "merge base into head",
            "pull request branch delete button",
            "pull request branch undo button",
            "pull request merge",
            "pull request merge something new",
            "pull request revert button",
            "releases delete button",
            "stafftools branch restore",
            "tag create api",
            "web branch create",
            "Merge",
        ] {
            assert!(!with(via, "acme:main", update("refs/heads/main")), "{via}");
        }
    }

    #[test]
    fn gitea_alone_writes_its_own_refs() {
        let internal = [("GITEA_INTERNAL_PUSH", "true"), ("SSH_ORIGINAL_COMMAND", "gitea-internal")];
        let own = |variables: &[(&str, &str)], update: RefUpdate| marks(&Identity::Forgejo, variables, &[update])[0].1;
        for name in ["refs/pull/1/head", "refs/pull/120/head"] {
            assert!(own(&internal, create(name)) && own(&internal, update(name)), "{name}");
            for variables in [
                &[][..],
                &[("SSH_ORIGINAL_COMMAND", "git-receive-pack 'acme/app.git'")],
                &[("GITEA_INTERNAL_PUSH", "true"), ("SSH_ORIGINAL_COMMAND", "git-receive-pack 'acme/app.git'")],
                &[("GITEA_INTERNAL_PUSH", "true"), ("SSH_ORIGINAL_COMMAND", "receive-pack")],
                &[("GITEA_INTERNAL_PUSH", "false"), ("SSH_ORIGINAL_COMMAND", "gitea-internal")],
            ] {
                assert!(!own(variables, create(name)), "{name} {variables:?}");
            }
        }
        for name in ["refs/pull/x/head", "refs/pull/1/heads", "refs/pull/1/2/head", "refs/notes/commits", "refs/for/main"] {
            assert!(!own(&internal, update(name)), "{name}");
        }
        // Anybody may open a pull request by a push; what stands there for good is nobody's.
        assert!(own(&[], create("refs/for/main/topic")));
        assert!(!own(&[], update("refs/for/main/topic")) && !own(&[], delete("refs/for/main/topic")));
        assert!(!marks(&Identity::Ssh, &internal, &[create("refs/for/main/topic")])[0].1);
        assert!(!marks(&Identity::Gitlab, &internal, &[create("refs/pull/1/head")])[0].1);
    }
}
