//! The numbers of those whom a policy names and no list tells.

use serde_json::Value;

use crate::github::answers::{maybe_text, number};
use crate::github::client::Path;
use crate::github::cost::Class;
use crate::github::desired::Named;
use crate::github::owner::Owner;

use super::Reader;

impl Reader {
    /// Asks for the numbers of people and repositories that are not known yet, and puts them into the owner. Of what GitHub says
    /// that there is none of, that is noted; what could not be asked for stays unknown.
    pub async fn learn_names(&self, owner: &mut Owner, named: &Named) {
        let is_new = |known: &std::collections::BTreeMap<String, Option<u64>>, name: &str| {
            !known.keys().any(|other| other.eq_ignore_ascii_case(name))
        };
        let people = named.people.iter().filter(|login| is_new(&owner.numbers.people, login)).map(|login| async {
            let path = Path::of(&["users", login]).owned_by(&owner.login);
            // An organization has a login, too, and passes nothing.
            let person = |json: &Value| match maybe_text(json, "type").as_deref() {
                Some("Organization") => Some(None),
                _ => Some(Some((number(json, "id")?, maybe_text(json, "login")?))),
            };
            match self.answered(&path, person).await {
                // As GitHub spells it, so that it is the same name wherever GitHub says it.
                Some(Some((number, spelled))) => (spelled, Some(Some(number))),
                Some(None) => (login.clone(), Some(None)),
                None => (login.clone(), None),
            }
        });
        let repositories = named.repositories.iter().filter(|name| is_new(&owner.numbers.repositories, name)).map(|name| async {
            let path = match name.split_once('/') {
                Some((owner, name)) => Path::repository(owner, name, &[]),
                // Without an owner it is no repository.
                None => return (name.clone(), Some(None)),
            };
            let read = |json: &Value| Some(Some((number(json, "id")?, maybe_text(json, "full_name")?)));
            (name.clone(), self.answered(&path, read).await)
        });
        let (people, repositories) =
            futures_util::join!(futures_util::future::join_all(people), futures_util::future::join_all(repositories));
        let told = |(name, number): (String, Option<Option<u64>>)| Some((name, number?));
        owner.numbers.people.extend(people.into_iter().filter_map(told));
        for (name, answer) in repositories {
            let Some(found) = answer else { continue };
            let (number, called) = found.unzip();
            // GitHub leads on from an old name, to whoever has the repository now.
            let moved = called.filter(|called| !called.eq_ignore_ascii_case(&name));
            owner.numbers.repositories.insert(name.clone(), number.filter(|_| moved.is_none()));
            owner.numbers.moved.extend(moved.map(|called| (name, called)));
        }
    }

    /// What is read; `Some(None)` when GitHub says that there is none, `None` when it does not say.
    async fn answered<T>(&self, path: &Path, read: impl Fn(&Value) -> Option<Option<T>>) -> Option<Option<T>> {
        match self.client.get_json(path, Class::Names).await {
            Ok(json) => read(&json),
            Err(refused) if refused.is(404) => Some(None),
            Err(refused) => {
                tracing::debug!(why = %refused, "a name has no number");
                None
            }
        }
    }
}
