//! The one meaning of a pattern: Ruby's `File.fnmatch` with `FNM_PATHNAME | FNM_DOTMATCH`, as GitHub's rulesets use it.
//!
//! `*` and `?` stay inside one `/` segment, `**/` spans any number of segments, `[a-c]` and `[!a]` are sets of
//! characters, and nothing matches `/` but `/` itself. What people read in two ways does not load.
//!
//! globset is the engine, and is handed only what it gives exactly this meaning: each pattern is parsed here and written
//! out again in globset's language. Three things it cannot do are done here, by `by_character`:
//!
//! - it counts bytes where Ruby counts characters, so `?` and sets are judged here when the text is not ASCII;
//! - it takes no last component from a text that ends in `..`, so such a text is judged here entirely;
//! - its sets match `/`, so they are written out without it.
//!
//! `by_character` also answers while little is asked, because compiling for globset costs more than judging a small push.

mod common;

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::OnceLock;

use caseless::Caseless as _;
use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::effort::Effort;

/// No ref name or path needs a longer pattern, and the work of matching grows with it.
const LONGEST: usize = 1024;

/// For so many bytes of text, each counted once for every pattern, matching character by character costs less than compiling.
const LITTLE: usize = 1 << 13;
/// The longest text that is matched character by character for that reason: the work can grow with the square of its length.
const SHORT: usize = 512;

/// One pattern, validated. It has exactly Ruby's meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
}

/// Why a text is no pattern, or one that people read in two ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern {
    /// What is wrong.
    pub message: String,
    /// What to write instead, where something can be said.
    pub help: Option<String>,
    /// The byte offset of the culprit in the pattern.
    pub offset: usize,
    /// The length of the culprit in bytes.
    pub len: usize,
}

/// A set of patterns could not be compiled. This is never "no match": whoever asked must refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// What the engine said.
    pub message: String,
}

/// A set of patterns, compiled when much is asked of it and matched as one.
#[derive(Debug, Clone, Default)]
pub struct PatternSet {
    patterns: Vec<Pattern>,
    exact: OnceLock<Matcher>,
    wide: OnceLock<Wide>,
    reaches: OnceLock<Vec<Reach>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// This character, which may be `/`.
    Literal(char),
    /// `?`: any one character but `/`.
    One,
    /// `*`: any characters but `/`.
    Star,
    /// `**/`: any number of segments, each with its `/`.
    Segments,
    /// `[…]`: one character but `/`.
    Set(Set),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Set {
    negated: bool,
    ranges: Vec<RangeInclusive<char>>,
}

/// How a character of a pattern is held against a character of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Exact,
    /// ASCII letters in either case.
    Ascii,
    /// Every letter in either case.
    Unicode,
}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BadPattern {}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the patterns could not be compiled: {}", self.message)
    }
}

impl std::error::Error for PatternError {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What cannot be given exactly Ruby's meaning, what never matches a ref or path, and what people read in two ways.
    pub fn parse(text: &str) -> Result<Pattern, BadPattern> {
        match tokens(text) {
            Ok(tokens) => Ok(Pattern { text: text.to_owned(), tokens }),
            Err(fault) => {
                let help = fault.help(text);
                Err(BadPattern { message: fault.message, help, offset: fault.offset, len: fault.len })
            }
        }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The only text that matches exactly, if the pattern has no wildcard.
    pub fn literal(&self) -> Option<&str> {
        self.tokens.iter().all(|token| matches!(token, Token::Literal(_))).then_some(&*self.text)
    }

    /// What every exact match begins with: the pattern up to its first wildcard.
    pub fn literal_prefix(&self) -> &str {
        let end = self.text.find(['*', '?', '[']).unwrap_or(self.text.len());
        self.text.get(..end).unwrap_or_default()
    }

    /// The patterns of the folders that a match lies in, outermost first, as far as they are known: those before any
    /// `**/`. For `apps/*/x` they are `apps` and `apps/*`; for `**/x` there are none.
    pub fn folders(&self) -> Vec<Pattern> {
        let mut folders = Vec::new();
        let mut end = 0;
        // Sets hold no `/`, so every `/` ends a segment.
        for segment in self.text.split('/').take_while(|segment| *segment != "**") {
            end += segment.len();
            // What does not parse is the `https:/` of a URL.
            if end < self.text.len()
                && let Some(Ok(folder)) = self.text.get(..end).map(Pattern::parse)
            {
                folders.push(folder);
            }
            end += 1;
        }
        folders
    }

    /// Whether the pattern has `?` or a set, which globset counts in bytes.
    fn counts_characters(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token, Token::One | Token::Set(_)))
    }
}

/// A fault, without the help: help is tried out by parsing it, so parsing must not ask for help.
struct Fault {
    message: String,
    advice: Advice,
    offset: usize,
    len: usize,
}

enum Advice {
    None,
    Text(&'static str),
    /// The run of stars at the offset has other spellings.
    Stars,
    /// The rest of the pattern stands alone.
    Without,
    /// The pattern can be continued below the folder.
    Below,
}

impl Fault {
    fn new(message: impl Into<String>, advice: Advice, offset: usize, len: usize) -> Fault {
        Fault { message: message.into(), advice, offset, len }
    }

    fn help(&self, text: &str) -> Option<String> {
        let (before, rest) = text.split_at_checked(self.offset)?;
        let (_, after) = rest.split_at_checked(self.len)?;
        let spellings = match self.advice {
            Advice::None => return None,
            Advice::Text(help) => return Some(help.to_owned()),
            Advice::Without => vec![format!("{before}{after}")],
            Advice::Below if before.ends_with("**") => vec![format!("{before}/*")],
            Advice::Below => vec![format!("{before}/*"), format!("{before}/**/*")],
            Advice::Stars => {
                let single = format!("{before}*{after}");
                if before.is_empty() || before.ends_with('/') {
                    vec![single, format!("{before}**/*{after}")]
                } else if after.starts_with("/**/") {
                    vec![single]
                } else if after.starts_with('/') {
                    vec![single, format!("{before}*/**{after}")]
                } else {
                    vec![single, format!("{before}*/**/*{after}")]
                }
            }
        };
        let mut spellings = spellings.into_iter().filter(|spelling| tokens(spelling).is_ok());
        match (spellings.next(), spellings.next(), &self.advice) {
            (Some(one), Some(two), Advice::Below) => {
                Some(format!("write `{one}` for what lies directly in it, or `{two}` for everything below it"))
            }
            (Some(one), Some(two), _) => Some(format!("write `{one}` to stay within one `/` segment, or `{two}` to cross `/`")),
            (Some(one), None, _) => Some(format!("write `{one}`")),
            (None, ..) => None,
        }
    }
}

/// Parses a pattern into what it is made of.
fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    if text.is_empty() {
        return Err(Fault::new("the pattern is empty", Advice::Text("to match everything, write `**/*`"), 0, 0));
    }
    if text.len() > LONGEST {
        return Err(Fault::new(format!("the pattern is longer than {LONGEST} bytes"), Advice::None, 0, text.len()));
    }
    if let Some((offset, c)) = text.char_indices().find(|(_, c)| c.is_control()) {
        let message = format!("the pattern has a control character, U+{:04X}", u32::from(c));
        return Err(Fault::new(message, Advice::None, offset, c.len_utf8()));
    }
    if text.starts_with('!') {
        let help = Advice::Text("to leave something out, list it under `exclude`");
        return Err(Fault::new("a pattern cannot be negated with `!`", help, 0, 1));
    }
    if text.starts_with('/') {
        return Err(Fault::new("a pattern that begins with `/` never matches", Advice::Without, 0, 1));
    }

    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && let Some(c) = rest.chars().next()
    {
        let starts_segment = text.get(..at).is_some_and(|before| before.is_empty() || before.ends_with('/'));
        let mut len = c.len_utf8();
        match c {
            '*' => {
                let stars = rest.len() - rest.trim_start_matches('*').len();
                if stars == 1 {
                    found.push(Token::Star);
                } else if stars == 2 && starts_segment && rest.starts_with("**/") {
                    len = 3;
                    // A trailing `/` is found below; several `**/` in a row mean what one means.
                    if found.last() != Some(&Token::Segments) {
                        found.push(Token::Segments);
                    }
                    if rest.len() == len {
                        return Err(trailing_slash(text));
                    }
                } else if stars == 2 && rest.starts_with("**/") {
                    // After other text it is one `*`: GitHub's own documentation writes `qa**/**/*`.
                    len = 2;
                    found.push(Token::Star);
                } else {
                    let run = "*".repeat(stars);
                    let message = format!("`{run}` is read in two ways: it crosses `/` only as a whole segment, `**/`");
                    return Err(Fault::new(message, Advice::Stars, at, stars));
                }
            }
            '?' => found.push(Token::One),
            '[' => {
                let (set, end) = set(text, at)?;
                len = end - at;
                found.push(Token::Set(set));
            }
            '{' | '}' => {
                let help = "write one pattern for each alternative; for the character itself, write `[{]` or `[}]`";
                return Err(Fault::new(
                    format!("`{c}` is read in two ways: there are no alternatives"),
                    Advice::Text(help),
                    at,
                    1,
                ));
            }
            '\\' => return Err(backslash(at)),
            '/' if rest.len() == 1 => return Err(trailing_slash(text)),
            // `https://` is one name; anywhere else two slashes are in no ref and no path.
            '/' if starts_segment && !text.get(..at).is_some_and(|before| before.ends_with(":/")) => {
                return Err(Fault::new("a pattern with an empty segment never matches", Advice::Without, at, 1));
            }
            c => found.push(Token::Literal(c)),
        }
        at += len;
    }

    // `..` can only begin something relative (the URL of a submodule); no ref and no path has either.
    let mut offset = 0;
    let mut climbs = true;
    for segment in text.split('/') {
        climbs &= segment == "..";
        if segment == "." || (segment == ".." && !climbs) {
            return Err(Fault::new(
                format!("a pattern with a segment `{segment}` never matches"),
                Advice::None,
                offset,
                segment.len(),
            ));
        }
        offset += segment.len() + 1;
    }
    Ok(found)
}

fn trailing_slash(text: &str) -> Fault {
    let folder = text.trim_end_matches('/');
    Fault::new("a pattern that ends with `/` never matches", Advice::Below, folder.len(), text.len() - folder.len())
}

fn backslash(at: usize) -> Fault {
    let help = "for a character that is otherwise a wildcard, write it as a set: `[*]`, `[?]`, `[[]`";
    Fault::new("`\\` is read in two ways: it escapes nothing", Advice::Text(help), at, 1)
}

/// Parses the set whose `[` is at `start`; also says where it ends.
fn set(text: &str, start: usize) -> Result<(Set, usize), Fault> {
    let unclosed = || {
        let help = Advice::Text("close it with `]`; for the character `[` itself, write `[[]`");
        Fault::new("the set is not closed", help, start, text.len() - start)
    };
    let mut rest = text.get(start + 1..).unwrap_or_default();
    let negated = rest.starts_with(['!', '^']);
    if negated {
        rest = rest.get(1..).unwrap_or_default();
    }
    if rest.starts_with(']') {
        // Ruby ends the set here: `[]` matches nothing, `[!]` everything. Most others take `]` as the first member.
        let len = text.len() - rest.len() + 1 - start;
        return Err(Fault::new(
            "an empty set is read in two ways",
            Advice::Text("write at least one character before `]`"),
            start,
            len,
        ));
    }
    let mut ranges = Vec::new();
    let mut first = true;
    loop {
        let at = text.len() - rest.len();
        let mut chars = rest.chars();
        let low = match chars.next() {
            None => return Err(unclosed()),
            Some(']') => return Ok((Set { negated, ranges }, at + 1)),
            Some(low) => low,
        };
        member(low, at)?;
        if low == '[' && chars.as_str().starts_with([':', '.', '=']) {
            let help = "write out the characters, such as `[a-zA-Z0-9]`; put `[` last to have it in the set";
            return Err(Fault::new("a named class is read in two ways", Advice::Text(help), at, 2));
        }
        let last = chars.as_str().starts_with(']');
        if low == '-' && !first && !last {
            return Err(hyphen(at, 1));
        }
        let mut high = low;
        let mut ahead = chars.clone();
        if ahead.next() == Some('-') && !ahead.as_str().starts_with(']') {
            let end = text.len() - ahead.as_str().len();
            high = ahead.next().ok_or_else(unclosed)?;
            member(high, end)?;
            chars = ahead;
            let len = text.len() - chars.as_str().len() - at;
            if low == '-' || high == '-' {
                return Err(hyphen(at, len));
            }
            if low > high {
                let message = format!("the range `{low}-{high}` is empty: it runs backwards");
                return Err(Fault::new(message, Advice::None, at, len));
            }
            if low < '/' && '/' < high {
                let help = Advice::Text("write two ranges, one on either side of `/`");
                return Err(Fault::new(format!("the range `{low}-{high}` spans `/`, which no set matches"), help, at, len));
            }
        }
        ranges.push(low..=high);
        rest = chars.as_str();
        first = false;
    }
}

fn hyphen(at: usize, len: usize) -> Fault {
    let help = Advice::Text("to have `-` in the set, put it first or last");
    Fault::new("`-` at this place of a set is read in two ways", help, at, len)
}

/// Refuses what cannot be in a set.
fn member(c: char, at: usize) -> Result<(), Fault> {
    match c {
        '/' => Err(Fault::new("a set never matches `/`", Advice::Text("end the set before `/`"), at, 1)),
        '\\' => Err(backslash(at)),
        c if is_combining_mark(c) => {
            // A decomposed `é` in a set would be two members, `e` and the accent.
            let help = Advice::Text("write the letter and its mark as one composed character");
            Err(Fault::new("a combining mark stands alone in a set", help, at, c.len_utf8()))
        }
        _ => Ok(()),
    }
}

impl Set {
    /// Whether the set matches a character; `None` is a byte that is no part of one, and a member of nothing.
    fn matches(&self, c: Option<char>, case: Case) -> bool {
        let Some(c) = c else { return self.negated };
        let has = |c: char| self.ranges.iter().any(|range| range.contains(&c));
        let member = match case {
            Case::Exact => has(c),
            Case::Ascii => has(c) || has(c.to_ascii_lowercase()) || has(c.to_ascii_uppercase()),
            Case::Unicode => {
                let folded = fold_one(c);
                has(c)
                    || has(folded)
                    || only(c.to_lowercase()).is_some_and(has)
                    || only(c.to_uppercase()).is_some_and(has)
                    // What folds to the same without being its upper or lower case: the Kelvin sign for `k`.
                    || self.ranges.iter().any(|range| fold_one(*range.start()) == folded || fold_one(*range.end()) == folded)
            }
        };
        c != '/' && member != self.negated
    }

    /// Writes the set for globset, for ASCII texts: always as a negated one of what it leaves out, which is never
    /// empty (it has `/`) and in which `!` and `^` mean nothing.
    fn write(&self, case: Case, glob: &mut String) {
        let left_out = |byte: u8| !self.matches(Some(char::from(byte)), case);
        glob.push_str("[!");
        if left_out(b']') {
            glob.push(']');
        }
        let in_runs = |byte: u8| left_out(byte) && !matches!(byte, b']' | b'-');
        let mut next = 0;
        while let Some(low) = (next..128).find(|&byte| in_runs(byte)) {
            let high = (low..128).take_while(|&byte| in_runs(byte)).last().unwrap_or(low);
            glob.push(char::from(low));
            if high > low {
                glob.push('-');
                glob.push(char::from(high));
            }
            next = high + 1;
        }
        if left_out(b'-') {
            glob.push('-');
        }
        glob.push(']');
    }
}

/// Writes tokens in globset's language.
fn write_glob(tokens: &[Token], case: Case) -> String {
    let mut glob = String::new();
    for token in tokens {
        match token {
            Token::Literal(c @ ('*' | '?' | '[' | '{' | '}')) => {
                glob.push('[');
                glob.push(*c);
                glob.push(']');
            }
            Token::Literal(c) => glob.push(*c),
            Token::One => glob.push('?'),
            Token::Star => glob.push('*'),
            Token::Segments => glob.push_str("**/"),
            Token::Set(set) => set.write(case, &mut glob),
        }
    }
    glob
}

impl Token {
    /// How many bytes of the text this token takes, if it matches there. Only for tokens of one character.
    fn takes(&self, text: &[u8], case: Case) -> Option<usize> {
        let (c, len) = first_character(text)?;
        let matches = match self {
            Token::Literal(literal) => c.is_some_and(|c| match case {
                Case::Exact => c == *literal,
                Case::Ascii => c.eq_ignore_ascii_case(literal),
                Case::Unicode => c == *literal || fold_one(c) == fold_one(*literal),
            }),
            Token::One => c != Some('/'),
            Token::Set(set) => set.matches(c, case),
            Token::Star | Token::Segments => false,
        };
        matches.then_some(len)
    }
}

/// The first character of a text and its length; `None` for a byte that is no part of one, as Ruby counts it.
fn first_character(text: &[u8]) -> Option<(Option<char>, usize)> {
    let first = *text.first()?;
    if first.is_ascii() {
        return Some((Some(char::from(first)), 1));
    }
    let character = (2..=4).find_map(|len| std::str::from_utf8(text.get(..len)?).ok()?.chars().next());
    Some((character, character.map_or(1, char::len_utf8)))
}

/// Matches character by character, as Ruby does. Only the last `*` and the last `**/` are ever tried again: what they
/// could take more of, any earlier one could only take from them.
fn by_character(tokens: &[Token], text: &[u8], case: Case) -> bool {
    let (mut token_at, mut text_at) = (0, 0);
    let mut star = None;
    let mut segments = None;
    loop {
        let rest = text.get(text_at..).unwrap_or_default();
        match tokens.get(token_at) {
            Some(Token::Segments) => {
                token_at += 1;
                segments = Some((token_at, text_at));
                star = None;
                continue;
            }
            Some(Token::Star) => {
                token_at += 1;
                star = Some((token_at, text_at));
                continue;
            }
            Some(token) => {
                if let Some(len) = token.takes(rest, case) {
                    if *token == Token::Literal('/') {
                        star = None;
                    }
                    token_at += 1;
                    text_at += len;
                    continue;
                }
            }
            None if rest.is_empty() => return true,
            None => {}
        }
        if let Some((after, from)) = star
            && let Some((c, len)) = text.get(from..).and_then(first_character)
            && c != Some('/')
        {
            (token_at, text_at) = (after, from + len);
            star = Some((after, text_at));
        } else if let Some((after, from)) = segments
            && let Some(slash) = text.get(from..).and_then(|rest| rest.iter().position(|&byte| byte == b'/'))
        {
            (token_at, text_at) = (after, from + slash + 1);
            segments = Some((after, text_at));
            star = None;
        } else {
            return false;
        }
    }
}

/// Changes the literal runs of a pattern. Sets stay as they are: a folded range is another range.
fn map_literals(tokens: &[Token], map: impl Fn(&str) -> String) -> Vec<Token> {
    let mut mapped = Vec::with_capacity(tokens.len());
    let mut run = String::new();
    for token in tokens {
        if let Token::Literal(c) = token {
            run.push(*c);
        } else {
            mapped.extend(map(&run).chars().map(Token::Literal));
            run.clear();
            mapped.push(token.clone());
        }
    }
    mapped.extend(map(&run).chars().map(Token::Literal));
    mapped
}

/// Patterns as one globset, and the means to correct it and to do without it.
#[derive(Debug, Clone)]
struct Matcher {
    tokens: Vec<Vec<Token>>,
    /// The patterns that globset would judge in bytes, in order.
    in_characters: Vec<usize>,
    case: Case,
    globs: OnceLock<Result<GlobSet, PatternError>>,
    effort: Effort,
}

impl Matcher {
    fn new(patterns: &[Pattern], tokens: Vec<Vec<Token>>, case: Case) -> Matcher {
        let in_characters =
            patterns.iter().enumerate().filter(|(_, pattern)| pattern.counts_characters()).map(|(at, _)| at).collect();
        Matcher { tokens, in_characters, case, globs: OnceLock::new(), effort: Effort::default() }
    }

    fn compile(&self) -> Result<GlobSet, PatternError> {
        let failed = |error: globset::Error| PatternError { message: error.to_string() };
        let mut globs = GlobSetBuilder::new();
        for tokens in &self.tokens {
            let glob = write_glob(tokens, self.case);
            globs.add(GlobBuilder::new(&glob).literal_separator(true).backslash_escape(false).build().map_err(failed)?);
        }
        globs.build().map_err(failed)
    }

    /// The globset for a text, compiled when it is time; `None` for a text that is matched character by character.
    fn globs(&self, text: &[u8]) -> Result<Option<&GlobSet>, PatternError> {
        if ends_in_parent(text) {
            return Ok(None);
        }
        if self.globs.get().is_none() && text.len() <= SHORT {
            let steps = self.tokens.len().saturating_mul(text.len() + 1);
            if steps <= self.effort.left(LITTLE) {
                self.effort.spend(steps);
                return Ok(None);
            }
        }
        self.globs.get_or_init(|| self.compile()).as_ref().map(Some).map_err(Clone::clone)
    }

    fn any(&self, text: &[u8]) -> Result<bool, PatternError> {
        Ok(match self.globs(text)? {
            None => self.first_by_character(text).is_some(),
            Some(globs) if self.globset_suffices(text) => globs.is_match_candidate(&Candidate::from_bytes(text)),
            Some(globs) => self.first_by_globset(globs, text).is_some(),
        })
    }

    fn first(&self, text: &[u8]) -> Result<Option<usize>, PatternError> {
        Ok(match self.globs(text)? {
            None => self.first_by_character(text),
            Some(globs) => self.first_by_globset(globs, text),
        })
    }

    /// Whether globset alone gives the right answer for this text.
    fn globset_suffices(&self, text: &[u8]) -> bool {
        self.in_characters.is_empty() || text.is_ascii()
    }

    fn first_by_character(&self, text: &[u8]) -> Option<usize> {
        // globset holds literals byte for byte against a text that is folded as far as it can be.
        let in_bytes = !text.is_ascii() && !ends_in_parent(text);
        let is_literal = |at: usize| in_bytes && self.in_characters.binary_search(&at).is_err();
        let mut patterns = self.tokens.iter().enumerate();
        let case = |at| if is_literal(at) { Case::Exact } else { self.case };
        patterns.find(|(at, tokens)| by_character(tokens, text, case(*at))).map(|(at, _)| at)
    }

    fn first_by_globset(&self, globs: &GlobSet, text: &[u8]) -> Option<usize> {
        let mut matched = globs.matches_candidate(&Candidate::from_bytes(text)).into_iter();
        if self.globset_suffices(text) {
            return matched.next();
        }
        let in_bytes = matched.find(|at| self.in_characters.binary_search(at).is_err());
        let in_characters = self.in_characters.iter().copied();
        let in_characters = in_characters
            .take_while(|at| in_bytes.is_none_or(|found| *at < found))
            .find(|at| self.tokens.get(*at).is_some_and(|tokens| by_character(tokens, text, self.case)));
        in_characters.or(in_bytes)
    }
}

/// globset takes a path that ends in the component `..` to have no file name, and some of its shortcuts ask for one.
fn ends_in_parent(text: &[u8]) -> bool {
    text.strip_suffix(b"..").is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
}

/// What matching widely adds to matching exactly.
#[derive(Debug, Clone)]
struct Wide {
    folded: Matcher,
    /// Whether each exact match of an ASCII text is a folded match too. A negated set in either case is smaller.
    covers_ascii: bool,
    /// Patterns that count characters, composed: folding changes the number of characters (`ß`).
    composed: Vec<(usize, Vec<Token>)>,
    /// Patterns with more than ASCII, unfolded beyond ASCII, and those that count characters: for texts that are not UTF-8.
    ascii: Vec<(usize, Vec<Token>)>,
}

impl Wide {
    fn new(patterns: &[Pattern]) -> Wide {
        let folded = patterns.iter().map(|pattern| map_literals(&pattern.tokens, fold_str)).collect();
        let negated = |token: &Token| matches!(token, Token::Set(Set { negated: true, .. }));
        let counting = || patterns.iter().enumerate().filter(|(_, pattern)| pattern.counts_characters());
        let beyond = patterns.iter().enumerate().filter(|(_, pattern)| pattern.counts_characters() || !pattern.text.is_ascii());
        Wide {
            folded: Matcher::new(patterns, folded, Case::Unicode),
            covers_ascii: !patterns.iter().any(|pattern| pattern.tokens.iter().any(negated)),
            composed: counting().map(|(at, pattern)| (at, map_literals(&pattern.tokens, |run| run.nfc().collect()))).collect(),
            ascii: beyond.map(|(at, pattern)| (at, pattern.tokens.clone())).collect(),
        }
    }

    /// The first pattern that matches a text that is not ASCII as neither its exact nor its folded form does.
    fn first_beyond_ascii(&self, text: &[u8]) -> Option<usize> {
        match std::str::from_utf8(text) {
            Ok(_) if self.composed.is_empty() => None,
            Ok(text) => {
                let text: String = text.nfc().collect();
                self.composed.iter().find(|(_, tokens)| by_character(tokens, text.as_bytes(), Case::Unicode)).map(|(at, _)| *at)
            }
            Err(_) => self.ascii.iter().find(|(_, tokens)| by_character(tokens, text, Case::Ascii)).map(|(at, _)| *at),
        }
    }
}

/// The folders that one pattern reaches into.
#[derive(Debug, Clone)]
struct Reach {
    /// The segments before any `**/`, folded; `None` for one with a wildcard.
    segments: Vec<Option<Vec<u8>>>,
    /// Whether a `**/` follows them.
    any_depth: bool,
}

impl Reach {
    fn new(pattern: &Pattern) -> Reach {
        let any_depth = pattern.tokens.contains(&Token::Segments);
        let mut segments = Vec::new();
        for segment in pattern.text.split('/').take_while(|segment| *segment != "**") {
            let wild = segment.contains(['*', '?', '[']);
            segments.push((!wild).then(|| fold_str(segment).into_bytes()));
        }
        Reach { segments, any_depth }
    }

    /// A segment with a wildcard is taken to match: reading a folder for nothing is no harm.
    fn below(&self, folder: &[Cow<'_, [u8]>]) -> bool {
        let mut known = self.segments.iter().zip(folder);
        known.all(|(segment, name)| segment.as_ref().is_none_or(|segment| **segment == **name))
            && (self.any_depth || self.segments.len() > folder.len())
    }
}

impl PatternSet {
    /// A set of patterns; nothing is compiled before much is asked.
    pub fn new(patterns: Vec<Pattern>) -> PatternSet {
        PatternSet { patterns, ..PatternSet::default() }
    }

    /// The patterns, in the order they were given.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Whether there is no pattern, so that nothing matches.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether some pattern matches the text byte for byte. For what relaxes.
    ///
    /// # Errors
    /// The patterns could not be compiled.
    pub fn matches_exactly(&self, text: &[u8]) -> Result<bool, PatternError> {
        Ok(!self.is_empty() && self.exact().any(text)?)
    }

    /// Whether some pattern matches the text exactly, or does so after Unicode normalisation and full case folding of
    /// both (of ASCII only, if the text is not UTF-8). For what restricts: an exact match always is a wide one.
    ///
    /// A set has its members in either case; `?` and a set take one character as it is before or after folding.
    ///
    /// # Errors
    /// The patterns could not be compiled.
    pub fn matches_widely(&self, text: &[u8]) -> Result<bool, PatternError> {
        if self.is_empty() {
            return Ok(false);
        }
        let wide = self.wide();
        if wide.folded.any(&fold(text))? {
            return Ok(true);
        }
        if wide.covers_ascii && text.is_ascii() {
            return Ok(false);
        }
        Ok(self.exact().any(text)? || (!text.is_ascii() && wide.first_beyond_ascii(text).is_some()))
    }

    /// The first pattern, in the order they were given, that [matches widely](Self::matches_widely).
    ///
    /// # Errors
    /// The patterns could not be compiled.
    pub fn first_wide_match(&self, text: &[u8]) -> Result<Option<&Pattern>, PatternError> {
        if self.is_empty() {
            return Ok(None);
        }
        let wide = self.wide();
        let mut first = wide.folded.first(&fold(text))?;
        let mut or = |other: Option<usize>| first = [first, other].into_iter().flatten().min();
        if !(wide.covers_ascii && text.is_ascii()) {
            or(self.exact().first(text)?);
        }
        if !text.is_ascii() {
            or(wide.first_beyond_ascii(text));
        }
        Ok(first.and_then(|at| self.patterns.get(at)))
    }

    /// Whether some pattern may match widely a path strictly below a folder, given without a trailing `/`; the root is
    /// empty. It may be true for nothing, and is never false when some path below would match.
    pub fn may_match_below(&self, folder: &[u8]) -> bool {
        if folder.is_empty() {
            return !self.is_empty();
        }
        // Segment by segment, because a path below that is not UTF-8 is folded otherwise than its folder.
        let folder: Vec<_> = folder.split(|&byte| byte == b'/').map(fold).collect();
        let reaches = self.reaches.get_or_init(|| self.patterns.iter().map(Reach::new).collect());
        reaches.iter().any(|reach| reach.below(&folder))
    }

    fn exact(&self) -> &Matcher {
        let tokens = || self.patterns.iter().map(|pattern| pattern.tokens.clone()).collect();
        self.exact.get_or_init(|| Matcher::new(&self.patterns, tokens(), Case::Exact))
    }

    fn wide(&self) -> &Wide {
        self.wide.get_or_init(|| Wide::new(&self.patterns))
    }
}

/// The caseless form of a text: normalised to NFC and with full case folding, or with ASCII lowered if it is not UTF-8.
/// Folding it again changes nothing, and all canonically equivalent texts have the same.
pub fn fold(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.is_ascii()
        && let Ok(utf8) = std::str::from_utf8(text)
    {
        return Cow::Owned(fold_str(utf8).into_bytes());
    }
    if text.iter().any(u8::is_ascii_uppercase) { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) }
}

fn fold_str(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Decomposed first, not composed: folding U+0345 does not commute with composition (Unicode 3.13, D145).
    text.nfd().default_case_fold().nfc().collect()
}

/// Folds one character to one; where full folding yields several, its lower case if that is one.
fn fold_one(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    only(std::iter::once(c).default_case_fold()).or_else(|| only(c.to_lowercase())).unwrap_or(c)
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    if chars.next().is_none() { first } else { None }
}

#[cfg(test)]
mod tests;

impl<'de> serde::Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Pattern::parse(&text).map_err(|bad| match &bad.help {
            Some(help) => serde::de::Error::custom(format!("{bad}; {help}")),
            None => serde::de::Error::custom(bad),
        })
    }
}

impl serde::Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
