//! Whether some name is matched by both of two patterns.
//!
//! Both patterns are walked side by side, with every character that could tell one token from another. Names have no empty
//! segments.

use std::collections::{BTreeSet, VecDeque};

use super::{Case, Pattern, Token};

/// A letter that no name has: of Unicode's private use.
const FRESH: char = '\u{e000}';
/// Longer walks than people's patterns need.
const MANY: usize = 1 << 14;

/// A place in a pattern, and whether it is within a segment that `**/` takes.
type Place = (usize, bool);

/// Places in both, and whether a segment begins here.
type Step = (Place, Place, bool);

impl Pattern {
    /// Whether a name is matched by both, byte for byte. Of patterns that are too long to try it is said to be so.
    pub fn meets(&self, other: &Pattern) -> bool {
        !matches!(self.common(other), Common::None)
    }

    fn common(&self, other: &Pattern) -> Common {
        let letters = letters(&self.tokens, &other.tokens);
        let begin: Step = ((0, false), (0, false), true);
        let mut seen: BTreeSet<Step> = BTreeSet::from([begin]);
        let mut next: VecDeque<(Step, String)> = VecDeque::from([(begin, String::new())]);
        while let Some(((one, two, is_start), name)) = next.pop_front() {
            if seen.len() > MANY {
                return Common::Unclear;
            }
            if !is_start && one == (self.tokens.len(), false) && two == (other.tokens.len(), false) {
                return Common::Name(name);
            }
            let mut go = |step: Step, letter: Option<char>| {
                if seen.insert(step) {
                    next.push_back((step, name.chars().chain(letter).collect()));
                }
            };
            if let Some(past) = past(&self.tokens, one) {
                go((past, two, is_start), None);
            }
            if let Some(past) = past(&other.tokens, two) {
                go((one, past, is_start), None);
            }
            for letter in letters.iter().copied().filter(|letter| !(is_start && *letter == '/')) {
                if let (Some(one), Some(two)) = (take(&self.tokens, one, letter), take(&other.tokens, two, letter)) {
                    go((one, two, letter == '/'), Some(letter));
                }
            }
        }
        Common::None
    }
}

/// What two patterns have in common.
#[derive(Debug, PartialEq, Eq)]
enum Common {
    /// This name, which both match.
    Name(String),
    /// No name.
    None,
    /// It was not tried to the end.
    Unclear,
}

/// The place after a token that takes nothing.
fn past(tokens: &[Token], (at, within): Place) -> Option<Place> {
    matches!(tokens.get(at)?, Token::Star | Token::Segments).then_some((at + 1, false)).filter(|_| !within)
}

/// The place after a character.
fn take(tokens: &[Token], (at, within): Place, letter: char) -> Option<Place> {
    let slash = letter == '/';
    match tokens.get(at)? {
        Token::Literal(literal) => (*literal == letter).then_some((at + 1, false)),
        Token::One => (!slash).then_some((at + 1, false)),
        Token::Set(set) => set.matches(Some(letter), Case::Exact).then_some((at + 1, false)),
        Token::Star => (!slash).then_some((at, false)),
        Token::Segments if slash => within.then_some((at, false)),
        Token::Segments => Some((at, true)),
    }
}

/// Characters of which every token that takes any takes one, and every two that take a common one.
fn letters(one: &[Token], other: &[Token]) -> BTreeSet<char> {
    let mut letters = BTreeSet::from([FRESH, '/']);
    for token in one.iter().chain(other) {
        match token {
            Token::Literal(letter) => drop(letters.insert(*letter)),
            Token::Set(set) => {
                for range in &set.ranges {
                    let (start, end) = (u32::from(*range.start()), u32::from(*range.end()));
                    let near = [start.wrapping_sub(1), start, end, end + 1];
                    letters.extend(near.into_iter().filter_map(char::from_u32));
                }
            }
            Token::One | Token::Star | Token::Segments => {}
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(one: &str, other: &str) -> Common {
        let (one, other) = (Pattern::parse(one).unwrap(), Pattern::parse(other).unwrap());
        assert_eq!(one.meets(&other), other.meets(&one));
        one.common(&other)
    }

    #[test]
    fn patterns_that_meet_show_where() {
        for (one, other, name) in [
            ("a/*", "*/b", "a/b"),
            ("main", "m*n", "main"),
            ("**/*", "x/y", "x/y"),
            ("**/b", "a/**/b", "a/b"),
            ("v[12]*", "v[2-9]", "v2"),
            ("[!a]", "[!b]", "`"),
        ] {
            assert_eq!(common(one, other), Common::Name(name.to_owned()), "{one} {other}");
        }
        for (one, other) in
            [("a/*", "b/*"), ("*", "*/*"), ("a*", "**/a/b"), ("v[1-4]", "v[5-9]"), ("[!a]", "a"), ("*/x", "**/*/y"), ("a?", "a")]
        {
            assert_eq!(common(one, other), Common::None, "{one} {other}");
        }
    }

    /// By Ruby's own answers: patterns that match the same name meet, and where they are said to meet both match.
    #[test]
    fn what_is_said_is_as_ruby_says() {
        let table = include_str!("../../../fixtures/patterns/fnmatch.tsv");
        let rows: Vec<[&str; 3]> = table
            .lines()
            .filter(|line| !line.starts_with("# "))
            .filter_map(|line| line.split('\t').collect::<Vec<_>>().try_into().ok())
            .collect();
        let is_name = |text: &str| text.split('/').all(|segment| !segment.is_empty());
        let patterns: BTreeSet<&str> = rows.iter().map(|[pattern, ..]| *pattern).collect();
        let parsed: Vec<Pattern> = patterns.into_iter().filter_map(|pattern| Pattern::parse(pattern).ok()).collect();
        let matches = |pattern: &Pattern, text: &str| super::super::by_character(&pattern.tokens, text.as_bytes(), Case::Exact);
        let (mut met, mut apart) = (0, 0);
        for (index, one) in parsed.iter().enumerate() {
            for other in parsed.iter().skip(index) {
                match one.common(other) {
                    Common::Name(name) => {
                        assert!(is_name(&name) && matches(one, &name) && matches(other, &name), "{one} {other} {name}");
                        met += 1;
                    }
                    Common::None => {
                        let shared = rows.iter().find(|[pattern, text, is]| {
                            *pattern == one.as_str() && *is == "1" && is_name(text) && matches(other, text)
                        });
                        assert_eq!(shared, None, "{one} {other}");
                        apart += 1;
                    }
                    Common::Unclear => panic!("{one} {other}"),
                }
            }
        }
        assert!(met > 200 && apart > 800, "{met} {apart}");
    }

    #[test]
    fn what_is_too_long_may_meet() {
        let long = |end: &str| Pattern::parse(&format!("{}{end}", "*a".repeat(400))).unwrap();
        assert!(long("b").meets(&long("c")));
    }
}
