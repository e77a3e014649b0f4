//! Who a ruleset judges and who passes it.

use jiff::civil::Date;

use caseless::Caseless as _;
use unicode_normalization::{UnicodeNormalization as _, is_nfkc};

use super::Location;
use super::parse::stray;
use super::problem::shows;
use crate::git::characters::is_invisible;

/// A group of names.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Every member, nested groups resolved.
    pub members: Vec<ActorPattern>,
    /// The members' names on GitHub, nested groups resolved.
    pub github: Vec<String>,
    /// Whether anything but an unused group refers to it.
    pub used: bool,
    /// Where it stands in the policy.
    pub at: Location,
}

/// Names that only GitHub has; on a git server they name nobody.
pub fn is_github_only(name: &str) -> bool {
    ["team:", "app:", "role:"].iter().any(|prefix| name.starts_with(prefix))
        || ["org-admins", "deploy-keys", "enterprise-owners"].contains(&name)
}

/// The runs of a host's own CI, each of which has another number. This one wildcard may stand where names must be exact, for
/// hosts on which no account can be named so ([`Identity::ci_runs`](super::Identity::ci_runs)).
pub const CI_RUNS: &str = "actions:*";

/// Whether this is an OpenPGP key id, of 32 or 64 bits, rather than a fingerprint: keys with a chosen id can be made.
pub fn is_key_id(key: &str) -> bool {
    let digits = key.strip_prefix("0x").or_else(|| key.strip_prefix("0X")).unwrap_or(key);
    [8, 16].contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a list of exact names holds this actor, byte for byte; [`CI_RUNS`] holds every run.
pub fn names_exactly(names: &[String], actor: &str) -> bool {
    let is_run = || actor.strip_prefix("actions:").is_some_and(|run| !run.is_empty());
    names.iter().any(|name| if name == CI_RUNS { is_run() } else { name == actor && !is_github_only(name) })
}

/// Why a text names no account, neither in a policy nor as a pusher, or `None`: both sides ask here, so that nobody has a name which
/// no policy can hold.
///
/// A directory behind a server finds accounts by more spellings than one (RFC 4518), and the server may pass on what was typed.
/// So a name has neither blanks around it nor two in a row, and none of the characters that directories take for others or for
/// nothing. Letters in other case are left: `actors` folds them.
pub fn name_fault(name: &str) -> Option<&'static str> {
    // Directories map these to nothing, though people see them.
    let is_ignored = |character: char| matches!(character, '\u{1806}' | '\u{fffc}');
    // Letters and signs that are typed in names, though their compatibility form is another; `actors` folds them.
    let is_typed = |character: char| matches!(character, 'ª' | 'º' | '´' | '\u{e33}' | '\u{eb3}' | '\u{3000}');
    let compatible = |name: &str| {
        let rest: String = name.chars().filter(|character| !is_typed(*character)).collect();
        is_nfkc(&rest) || rest.nfc().eq(rest.nfkc())
    };
    // Where a script needs them, joiners belong to how a name is written. `actors` leaves them out.
    let is_joiner = |character: char| matches!(character, '\u{200c}' | '\u{200d}');
    if name.is_empty() {
        Some("is empty")
    } else if name.trim() != name || name.contains("  ") {
        Some("has a blank before or behind it, or two in a row")
    } else if name.contains(|character: char| is_invisible(character) && !is_joiner(character) || is_ignored(character))
        || stray(name).is_some_and(|(_, character)| is_joiner(character))
    {
        Some("contains a character that nobody sees")
    } else if !compatible(name) {
        Some("contains a compatibility character, such as a full-width letter")
    } else if stray(name).is_some()
        || !name.chars().all(|character| shows(character) || is_joiner(character) || is_typed(character))
    {
        Some("contains a character that is not assigned, or another blank than the space")
    } else if name.starts_with(['@', '!']) {
        Some("begins with `@` or `!`")
    } else {
        None
    }
}

/// Why a pusher cannot have this name, or `None`: as [`name_fault`], and it is not a pattern either.
pub fn pusher_fault(name: &str) -> Option<&'static str> {
    name_fault(name).or_else(|| name.contains('*').then_some("contains `*`, which stands for any text in a policy"))
}

/// A name as `actors` compares it: after NFKC and full case folding, without characters that nobody sees.
fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    // Twice, because folding may undo the normal form and the normal form the folding (Unicode 3.13, D146).
    let folded = name.chars().filter(|&c| !is_invisible(c)).nfd().default_case_fold().nfkc();
    folded.default_case_fold().nfkc().filter(|&c| !is_invisible(c)).collect()
}

/// A name in which `*` stands for any text. Nothing else is special.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorPattern(String);

impl ActorPattern {
    /// A name or pattern.
    pub fn new(text: impl Into<String>) -> ActorPattern {
        ActorPattern(text.into())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names exactly one.
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether it matches byte for byte. Names that only GitHub has match nobody.
    pub fn matches_exactly(&self, name: &str) -> bool {
        !is_github_only(&self.0) && wildcard(self.0.as_bytes(), name.as_bytes())
    }

    /// Whether it matches after folding case and compatibility forms.
    pub fn matches_widely(&self, name: &str) -> bool {
        self.matches_exactly(name) || (!is_github_only(&self.0) && wildcard(fold(&self.0).as_bytes(), fold(name).as_bytes()))
    }
}

/// Matches `*` against any text, greedily with one point to come back to: linear in practice, never exponential.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (Some(b'*'), _) => {
                retry = Some((p + 1, t));
                p += 1;
            }
            (Some(expected), Some(found)) if expected == found => {
                p += 1;
                t += 1;
            }
            (None, None) => return true,
            _ => match retry {
                Some((after_star, from)) if from < text.len() => {
                    p = after_star;
                    t = from + 1;
                    retry = Some((after_star, t));
                }
                _ => return false,
            },
        }
    }
}

/// `actors`: only pushes by these are judged. Groups are resolved.
#[derive(Debug, Clone, Default)]
pub struct Actors {
    /// Judged; empty means everyone.
    pub only: Vec<ActorPattern>,
    /// Not judged (`!`).
    pub except: Vec<ActorPattern>,
}

impl Actors {
    /// Whether pushes by this actor are judged. Who is included is compared after folding, who is excluded byte for
    /// byte, because excluding relaxes.
    pub fn judges(&self, actor: &str) -> bool {
        (self.only.is_empty() || self.only.iter().any(|pattern| pattern.matches_widely(actor)))
            && !self.except.iter().any(|pattern| pattern.matches_exactly(actor))
    }

    /// Whether everyone is judged.
    pub fn is_everyone(&self) -> bool {
        self.only.is_empty() && self.except.is_empty()
    }
}

/// When a bypass counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BypassMode {
    /// Always.
    Always,
    /// Only when the host says that the push merges a pull request. That anybody approved it the host does not say.
    PullRequest,
    /// As always; GitHub then keeps no record, a server logs it all the same.
    Exempt,
}

/// One entry of `bypass`.
#[derive(Debug, Clone)]
pub struct Bypass {
    /// As written: a name, `@group`, or a name that only GitHub has.
    pub actor: String,
    /// The exact names on a git server, groups resolved.
    pub names: Vec<String>,
    /// The names on GitHub, groups resolved.
    pub github: Vec<String>,
    /// When it counts.
    pub mode: BypassMode,
    /// The last day it counts, in UTC.
    pub until: Option<Date>,
    /// Why it exists.
    pub reason: Option<String>,
    /// Where it stands in the policy.
    pub at: Location,
}

impl Bypass {
    /// Whether it names this actor, byte for byte.
    pub fn names(&self, actor: &str) -> bool {
        names_exactly(&self.names, actor)
    }

    /// Whether it no longer counts on that day.
    pub fn is_expired(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_is_the_only_wildcard() {
        for (pattern, name, expected) in [
            ("claude-*", "claude-1", true),
            ("claude-*", "claude-", true),
            ("claude-*", "Claude-1", false),
            ("*[bot]", "renovate[bot]", true),
            ("*[bot]", "renovateb", false),
            ("a?c", "abc", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("", "", true),
            ("*", "", true),
            ("team:x", "team:x", false),
        ] {
            assert_eq!(ActorPattern::new(pattern).matches_exactly(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn only_runs_are_named_by_a_wildcard() {
        let names = [CI_RUNS.to_owned(), "lead-*".to_owned()];
        for (actor, expected) in [
            ("actions:7", true),
            ("actions:unknown", true),
            ("actions:", false),
            ("actions", false),
            ("Actions:7", false),
            ("xactions:7", false),
            ("lead-1", false),
        ] {
            assert_eq!(names_exactly(&names, actor), expected, "{actor}");
        }
    }

    #[test]
    fn a_name_cannot_be_chosen_to_leave_the_judged() {
        let agents = Actors { only: vec![ActorPattern::new("claude-*")], except: vec![ActorPattern::new("claude-safe")] };
        assert!(agents.judges("CLAUDE-1"));
        assert!(agents.judges("CLAUDE-SAFE"));
        assert!(!agents.judges("claude-safe"));
        assert!(!agents.judges("alice"));
        assert!(agents.judges("ｃｌａｕｄｅ-1") && agents.judges("cl\u{ad}aude-1"));
        let named = Actors { only: vec![ActorPattern::new("straße"), ActorPattern::new("k\u{f6}ln")], except: vec![] };
        for name in ["STRASSE", "Straße", "\u{212a}Ö\u{4c}N", "ko\u{308}ln"] {
            assert!(named.judges(name), "{name}");
        }
        assert!(Actors::default().judges("anyone"));
    }

    #[test]
    fn folding_is_stable_and_forgets_the_spelling() {
        for character in ('\0'..='\u{2ffff}').filter(|&c| !is_invisible(c)) {
            let folded = fold(&character.to_string());
            assert_eq!(fold(&folded), folded, "U+{:04X}", u32::from(character));
            let normal: String = std::iter::once(character).nfkc().collect();
            assert_eq!(fold(&normal), folded, "U+{:04X}", u32::from(character));
        }
    }

    #[test]
    fn who_has_a_name_that_no_policy_can_hold() {
        for name in [
            "",
            " ",
            "bot-1 ",
            " bot-1",
            "bot\u{a0}1",
            "bot-1\u{3000}",
            "bot  1",
            "ｂｏｔ-1",
            "bot\u{200b}-1",
            "bot-1\n",
            "bo\u{ad}t",
            "bot\u{34f}",
            "bot\u{1806}",
            "bot\u{fe0f}",
            "bot\u{fffc}",
            "bot\u{e000}",
            "ﬁn",
            "bot²",
            "@agents",
            "!bot",
            "a\u{1680}b",
            "bo\u{200d}t",
            "bot\u{200c}",
        ] {
            assert!(name_fault(name).is_some(), "{name:?}");
        }
        for name in [
            "alice",
            "Alice Müller",
            "renovate[bot]",
            "DOMAIN\\alice",
            "alice@EXAMPLE.ORG",
            "key:SHA256:x/y+z",
            "deploy-key:7",
            "ünï",
            "u\u{308}",
            "алиса",
            "山田",
            "cn=alice,ou=people,dc=example",
            "o'neil",
            "한글",
            "สำราญ",
            "Mª José García",
            "O´Brien",
            "علی\u{200c}رضا",
            "ශ්\u{200d}රී",
            "山田\u{3000}太郎",
        ] {
            assert_eq!(pusher_fault(name), None, "{name:?}");
        }
        assert!(pusher_fault("*").is_some() && pusher_fault("bot-*").is_some() && name_fault("bot-*").is_none());
    }
}
