//! Who is named in an answer.

use crate::github::people::{AccessSource, Actor, ActorKind, Collaborator, Granter};
use crate::github::readable::{Hidden, Readable};
use crate::github::word::Word;

use super::place::Place;
use super::word;

/// A user, team or app. One that is not shown stays one, of an unknown kind: leaving it out would make a list look shorter.
pub(super) fn actor(place: &Place<'_>) -> Actor {
    let id = place.number("databaseId");
    let kind = place.text("__typename").unwrap_or("hidden");
    let (kind, name) = match kind {
        "App" => (Word::Known(ActorKind::App), place.text("slug")),
        "Team" => (Word::Known(ActorKind::Team), place.text("combinedSlug").map(slug)),
        "User" => (Word::Known(ActorKind::User), place.text("login")),
        other => (Word::Unknown(other.to_owned()), None),
    };
    Actor { kind, name: name.unwrap_or("not shown").to_owned(), id }
}

/// The slug of `acme/release`.
pub(super) fn slug(combined: &str) -> &str {
    combined.rsplit_once('/').map_or(combined, |(_, slug)| slug)
}

/// Someone with access, from an edge.
pub(super) fn collaborator(edge: &Place<'_>) -> Result<Collaborator, Hidden> {
    let node = edge.field("node");
    let login = node.text("login").ok_or_else(|| node.absent())?.to_owned();
    let sources = edge.field("permissionSources");
    let sources = match sources.whole() {
        Ok(_) => Readable::Known(sources.entries().map(|source| access_source(&source)).collect()),
        Err(hidden) => Readable::Hidden(hidden.needs("administration=read")),
    };
    let permission = word(edge.text("permission").unwrap_or("not shown"));
    Ok(Collaborator { login, id: node.number("databaseId"), permission, sources })
}

fn access_source(place: &Place<'_>) -> AccessSource {
    let source = place.field("source");
    let from = match source.text("__typename") {
        Some("Organization") => Granter::Organization,
        Some("Team") => Granter::Team(slug(source.text("combinedSlug").unwrap_or("not shown")).to_owned()),
        Some("Repository") => Granter::Repository,
        other => Granter::Unknown(other.unwrap_or("not shown").to_owned()),
    };
    AccessSource {
        permission: word(place.text("permission").unwrap_or("not shown")),
        role: place.text("roleName").map(str::to_owned),
        from,
    }
}
