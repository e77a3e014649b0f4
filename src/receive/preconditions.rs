//! What every push needs, whatever it pushes: asked by the hook and by `explain` alike, so that neither accepts where the other
//! refuses.

use super::repository::Repository;
use crate::policy::actors::pusher_fault;
use crate::policy::{Identity, Policy};
use crate::push::{Cause, Undecided};

/// Where the pusher's name comes from.
///
/// # Errors
/// The policy does not say.
pub fn identity(policy: &Policy) -> Result<&Identity, Undecided> {
    policy.server.identity.as_ref().ok_or_else(|| {
        let words: Vec<_> = Identity::WORDS.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        Undecided::new(format!(
            "the policy `{}` does not say who pushes: set `[server] identity` to one of {} or {{ env = \"NAME\" }}",
            policy.file,
            words.join(", ")
        ))
        .cause(Cause::Policy)
    })
}

/// Asks what must hold before a push by this actor is judged.
///
/// # Errors
/// The hook refuses every push by this actor, or by everybody.
pub fn check(policy: &Policy, repository: &Repository, actor: &str) -> Result<(), Undecided> {
    identity(policy)?;
    super::pre_receive::decision_log(&policy.server.decision_log, repository)?;
    if let Some(fault) = pusher_fault(actor) {
        return Err(Undecided::new(format!("the pusher's name `{actor}` {fault}, so that no policy can name it"))
            .help("let the server pass on the account's own name"));
    }
    Ok(())
}
