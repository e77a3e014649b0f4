//! The apps that GitHub runs itself. They act without being installed, so that no list of installed apps has them.

/// GitHub Actions, by its name in addresses: a workflow's token acts as it.
pub const ACTIONS: &str = "github-actions";

/// The number of GitHub Actions on github.com.
pub const ACTIONS_ID: i64 = 15_368;

/// Names in addresses and numbers on github.com, as far as they are known: Actions, Dependabot, code scanning, Copilot's agent.
const OWN: &[(&str, i64)] =
    &[(ACTIONS, ACTIONS_ID), ("dependabot", 29_110), ("github-advanced-security", 57_789), ("copilot-swe-agent", 1_143_301)];

/// The name, spelled as GitHub spells it, and the number of GitHub's own app of this name. GitHub's names ignore case.
pub fn named(slug: &str) -> Option<(&'static str, i64)> {
    OWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(slug)).copied()
}

/// The name of GitHub's own app of this number.
pub fn numbered(id: i64) -> Option<&'static str> {
    OWN.iter().find(|(_, known)| *known == id).map(|(slug, _)| *slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_to_each_other() {
        for (slug, id) in OWN {
            assert_eq!(named(&slug.to_uppercase()), Some((*slug, *id)));
            assert_eq!(numbered(*id), Some(*slug));
        }
        assert_eq!(named("release-please"), None);
        assert_eq!(numbered(0), None);
    }
}
