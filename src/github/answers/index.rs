//! The index of repositories: what every audit needs of each.

use crate::github::part::{Part, Parts};
use crate::github::readable::{Cause, Hidden, Readable};
use crate::github::repository::{Branch, MergeMethods, Repository};
use crate::github::ruleset::{Level, Ruleset};
use crate::github::word::Word;

use super::place::{Page, Place};
use super::protections::{ReadProtection, protections};
use super::word;

/// A repository of the index, and what of it goes on elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Indexed {
    /// The repository. Protection and rulesets are hidden in it until all of them was read.
    pub repository: Repository,
    /// Its classic protection, as far as the page goes.
    pub protections: Result<Page<ReadProtection>, Hidden>,
    /// Whether GitHub shows no classic protection at all: there is none, or the token may not see it. Who reads must find
    /// out; until then it is hidden.
    pub shows_none: bool,
    /// The rulesets that are for it, as far as the page goes: everything but what they say.
    pub rulesets: Result<Page<Ruleset>, Hidden>,
}

impl Indexed {
    /// Says why its classic protection was left out.
    pub fn hide_protections(&mut self, hidden: Hidden) {
        self.repository.protections = Readable::Hidden(hidden.clone());
        self.protections = Err(hidden);
        self.shows_none = false;
    }
}

/// What may be hidden of a repository while the rest is known.
const HIDEABLE: [&str; 3] = ["branchProtectionRules", "rulesets", "defaultBranchRef"];

/// A repository of the index.
///
/// # Errors
/// It is not shown, or something is missing that can't be marked as hidden.
pub fn repository(place: &Place<'_>, parts: &Parts) -> Result<Indexed, Hidden> {
    if place.value().is_null() {
        return Err(place.absent());
    }
    if let Some(hidden) = place.trouble_outside(&HIDEABLE) {
        return Err(hidden);
    }
    let full_name = place.text("nameWithOwner").unwrap_or_default();
    let Some(((owner, name), id)) = full_name.split_once('/').zip(place.number("databaseId")) else {
        return Err(place.hidden(Cause::Unknown, "something that is no repository"));
    };
    let protections = protections(&place.field("branchProtectionRules"));
    // To a token that may not see it, GitHub shows an empty list, which is not the same as none.
    let shows_none = protections.as_ref().is_ok_and(|page| page.items.is_empty() && page.next.is_none());
    let protections = if shows_none {
        let why = "classic protection is shown only to those who administer the repository";
        Err(place.hidden(Cause::NotPermitted, why).needs("administration=read"))
    } else {
        protections
    };
    let protection_hidden = match &protections {
        Ok(_) => Hidden::new(Cause::Partial, "not all of it was read"),
        Err(hidden) => hidden.clone(),
    };
    let rulesets = if parts.has(Part::Rulesets) {
        rulesets(&place.field("rulesets"))
    } else {
        Err(Hidden::new(Cause::NotAsked, "not asked for in this run"))
    };
    let rulesets_hidden = match &rulesets {
        Ok(_) => Hidden::new(Cause::Partial, "not all of them were read"),
        Err(hidden) => hidden.clone(),
    };
    let topics = place.field("repositoryTopics").field("nodes");
    let topics = topics.entries().filter_map(|node| node.field("topic").text("name").map(str::to_owned)).collect();
    let default_branch = place
        .field("defaultBranchRef")
        .text("name")
        .map(|name| Branch { name: name.to_owned(), protected: Readable::not_asked() });
    let repository = Repository {
        id,
        node_id: place.text("id").unwrap_or_default().to_owned(),
        owner: owner.to_owned(),
        name: name.to_owned(),
        visibility: word(place.text("visibility").unwrap_or("not shown")),
        archived: place.truth("isArchived"),
        disabled: place.truth("isDisabled"),
        empty: place.truth("isEmpty"),
        fork: place.truth("isFork"),
        topics,
        properties: Readable::not_asked(),
        viewer_permission: place.text("viewerPermission").map(word),
        viewer_administers: place.truth("viewerCanAdminister"),
        merge_methods: MergeMethods {
            merge: place.truth("mergeCommitAllowed"),
            squash: place.truth("squashMergeAllowed"),
            rebase: place.truth("rebaseMergeAllowed"),
        },
        default_branch,
        protections: Readable::Hidden(protection_hidden),
        merge_queues: Readable::not_asked(),
        rulesets: Readable::Hidden(rulesets_hidden),
        branches: Readable::not_asked(),
        tags: Readable::not_asked(),
        releases: Readable::not_asked(),
        codeowners: Readable::not_asked(),
        workflows: Readable::not_asked(),
        reported: Readable::not_asked(),
        merged_pull_requests: Readable::not_asked(),
        collaborators: Readable::not_asked(),
        deploy_keys: Readable::not_asked(),
        environments: Readable::not_asked(),
        workflow_permissions: Readable::not_asked(),
        rule_suites: Readable::not_asked(),
        ruleset_versions: Readable::not_asked(),
    };
    Ok(Indexed { repository, protections, shows_none, rulesets })
}

/// One page of the rulesets that are for a repository: everything but what they say.
///
/// # Errors
/// There is none.
pub fn rulesets(connection: &Place<'_>) -> Result<Page<Ruleset>, Hidden> {
    connection.page("nodes", |node| {
        let id = node.number("databaseId").ok_or_else(|| node.absent())?;
        let source = node.field("source");
        let (source_type, source) = match source.text("__typename") {
            Some("Repository") => (Word::Known(Level::Repository), source.text("nameWithOwner")),
            Some("Organization") => (Word::Known(Level::Organization), source.text("login")),
            Some("Enterprise") => (Word::Known(Level::Enterprise), source.text("slug")),
            other => (Word::Unknown(other.unwrap_or("not shown").to_owned()), None),
        };
        let unread = Hidden::new(Cause::Failed, "not read");
        Ok(Ruleset {
            id,
            name: node.text("name").unwrap_or_default().to_owned(),
            target: word(node.text("target").unwrap_or("not shown")),
            source_type,
            source: source.unwrap_or_default().to_owned(),
            enforcement: word(node.text("enforcement").unwrap_or("not shown")),
            bypass_actors: Readable::Hidden(unread.clone()),
            bypass_actor_count: None,
            conditions: Readable::Hidden(unread.clone()),
            rules: Readable::Hidden(unread),
            current_user_can_bypass: None,
            updated_at: node.text("updatedAt").map(str::to_owned),
            html_url: None,
            unpublished: Default::default(),
        })
    })
}
