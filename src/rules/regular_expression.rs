//! A regular expression that is compiled only when it has much to match: compiling costs more than judging a small push.
//!
//! Until then the parsed expression itself is followed over the text, by the set of places that each part of it reaches from a set
//! of places. Whether an expression matches somewhere is the same either way, because that asks for no preference among matches;
//! what is not followed here goes to the engine.

use std::sync::OnceLock;

use regex::bytes::Regex;
use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::{Class, Hir, HirKind, Literal, Look};

use crate::git::effort::Effort;

/// The largest expression that is not compiled when it is read. The engine allows for thousands of times as much, so that one
/// which it refuses is always found then.
const SMALL: usize = 2048;
/// The steps for which following costs less than compiling.
const LITTLE: usize = 1 << 13;

/// A regular expression over bytes, with the meaning of the regex crate.
#[derive(Debug, Clone)]
pub(super) struct RegularExpression {
    pattern: String,
    parsed: Option<Hir>,
    compiled: OnceLock<Option<Regex>>,
    effort: Effort,
}

impl RegularExpression {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is none, or the engine does not take it.
    pub(super) fn parse(pattern: &str) -> Result<RegularExpression, regex::Error> {
        if let Some(why) = differs_from_re2(pattern) {
            return Err(regex::Error::Syntax(why.to_owned()));
        }
        // Not only valid UTF-8 is matched; everything else is as the engine has it by default.
        let parsed = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern);
        let parsed = parsed.ok().filter(|parsed| size(parsed) <= SMALL);
        let compiled = OnceLock::new();
        if parsed.is_none() {
            let _ = compiled.set(Some(Regex::new(pattern)?));
        }
        Ok(RegularExpression { pattern: pattern.to_owned(), parsed, compiled, effort: Effort::default() })
    }

    /// Whether the expression matches somewhere in the text; `None` when the engine, against all expectation, does not take it.
    pub(super) fn is_match(&self, text: &[u8]) -> Option<bool> {
        if self.compiled.get().is_none()
            && let Some(parsed) = &self.parsed
        {
            let allowed = self.effort.left(LITTLE);
            let mut follow = Follow { text, left: allowed };
            let found = follow.matches_somewhere(parsed);
            self.effort.spend(if found.is_some() { allowed - follow.left } else { LITTLE });
            if found.is_some() {
                return found;
            }
        }
        Some(self.compiled.get_or_init(|| Regex::new(&self.pattern).ok()).as_ref()?.is_match(text))
    }
}

/// Why an expression means something else in RE2, whose syntax that of a policy is. What is not an expression differs in nothing.
fn differs_from_re2(pattern: &str) -> Option<&'static str> {
    struct Difference;

    impl ast::Visitor for Difference {
        type Output = ();
        type Err = &'static str;

        fn finish(self) -> Result<(), &'static str> {
            Ok(())
        }

        fn visit_pre(&mut self, part: &Ast) -> Result<(), &'static str> {
            use ast::AssertionKind::{NotWordBoundary, WordBoundary, WordBoundaryEndAngle, WordBoundaryStartAngle};
            match part {
                Ast::Assertion(assertion) => match assertion.kind {
                    WordBoundaryStartAngle | WordBoundaryEndAngle => Err(
                        "`\\<` and `\\>` are the characters themselves in RE2 and bounds of words elsewhere; write `<` or `>`",
                    ),
                    ast::AssertionKind::StartLine
                    | ast::AssertionKind::EndLine
                    | ast::AssertionKind::StartText
                    | ast::AssertionKind::EndText
                    | WordBoundary
                    | NotWordBoundary => Ok(()),
                    _ => Err("RE2 has no `\\b{…}`; write `\\b`"),
                },
                _ => Ok(()),
            }
        }

        fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), &'static str> {
            match item {
                ast::ClassSetItem::Bracketed(_) => Err("`[` within a class is the character itself in RE2; write `\\[`"),
                _ => Ok(()),
            }
        }

        fn visit_class_set_binary_op_pre(&mut self, _: &ast::ClassSetBinaryOp) -> Result<(), &'static str> {
            Err("`&&`, `--` and `~~` within a class are the characters themselves in RE2; write one of them")
        }
    }

    let parsed = ast::parse::Parser::new().parse(pattern).ok()?;
    ast::visit(&parsed, Difference).err()
}

/// How large an expression is, repetitions written out: no less than a hundredth of the bytes that it takes compiled.
fn size(expression: &Hir) -> usize {
    let all = |parts: &[Hir]| parts.iter().map(size).fold(1, usize::saturating_add);
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(Literal(bytes)) => bytes.len(),
        HirKind::Class(Class::Unicode(class)) => class.ranges().len().saturating_mul(16).max(1),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len().max(1),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).saturating_add(1);
            size(&repetition.sub).saturating_mul(usize::try_from(times).unwrap_or(usize::MAX)).saturating_add(1)
        }
        HirKind::Capture(capture) => size(&capture.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => all(parts),
    }
}

/// Follows expressions over a text.
struct Follow<'t> {
    text: &'t [u8],
    /// The steps that may still be taken.
    left: usize,
}

impl Follow<'_> {
    fn matches_somewhere(&mut self, expression: &Hir) -> Option<bool> {
        if self.left <= self.text.len() {
            return None;
        }
        let everywhere: Vec<usize> = (0..=self.text.len()).collect();
        Some(!self.ends(expression, &everywhere)?.is_empty())
    }

    /// Where the matches end that begin at one of these places. Places are in order, each once. `None` when the engine must be
    /// asked.
    fn ends(&mut self, expression: &Hir, starts: &[usize]) -> Option<Vec<usize>> {
        self.left = self.left.checked_sub(starts.len() + 1)?;
        let rest = |at: usize| self.text.get(at..).unwrap_or_default();
        Some(match expression.kind() {
            HirKind::Empty => starts.to_vec(),
            HirKind::Literal(Literal(bytes)) => {
                starts.iter().filter(|&&at| rest(at).starts_with(bytes)).map(|at| at + bytes.len()).collect()
            }
            HirKind::Class(class) => starts.iter().filter_map(|&at| Some(at + taken(class, rest(at))?)).collect(),
            HirKind::Look(look) => {
                let holds: fn(&[u8], usize) -> bool = match look {
                    Look::Start => |_, at| at == 0,
                    Look::End => |text, at| at == text.len(),
                    Look::StartLF => |text, at| at == 0 || text.get(at - 1) == Some(&b'\n'),
                    Look::EndLF => |text, at| text.get(at).is_none_or(|&byte| byte == b'\n'),
                    _ => return None,
                };
                starts.iter().copied().filter(|&at| holds(self.text, at)).collect()
            }
            HirKind::Capture(capture) => self.ends(&capture.sub, starts)?,
            HirKind::Concat(parts) => {
                let mut reached = starts.to_vec();
                for part in parts {
                    if reached.is_empty() {
                        break;
                    }
                    reached = self.ends(part, &reached)?;
                }
                reached
            }
            HirKind::Alternation(parts) => {
                let mut reached = Vec::new();
                for part in parts {
                    reached.extend(self.ends(part, starts)?);
                }
                in_order(reached)
            }
            HirKind::Repetition(repetition) => {
                let mut last = starts.to_vec();
                for _ in 0..repetition.min {
                    if last.is_empty() {
                        break;
                    }
                    last = self.ends(&repetition.sub, &last)?;
                }
                let mut reached = last.clone();
                let mut seen = vec![false; self.text.len() + 1];
                let mut is_new = |at: usize| seen.get_mut(at).is_some_and(|seen| !std::mem::replace(seen, true));
                last.retain(|&at| is_new(at));
                let mut more = repetition.max.map(|max| max.saturating_sub(repetition.min));
                while !last.is_empty() && more != Some(0) {
                    last = self.ends(&repetition.sub, &last)?;
                    last.retain(|&at| is_new(at));
                    reached.extend(&last);
                    more = more.map(|more| more - 1);
                }
                in_order(reached)
            }
        })
    }
}

fn in_order(mut places: Vec<usize>) -> Vec<usize> {
    places.sort_unstable();
    places.dedup();
    places
}

/// How many bytes the member of a class takes that the text begins with, if it does.
fn taken(class: &Class, text: &[u8]) -> Option<usize> {
    let first = *text.first()?;
    match class {
        Class::Bytes(class) => class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&first)).then_some(1),
        Class::Unicode(class) => {
            let len = match first {
                ..0x80 => 1,
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => return None,
            };
            let character = std::str::from_utf8(text.get(..len)?).ok()?.chars().next()?;
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&character)).then_some(len)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expression(pattern: &str) -> RegularExpression {
        RegularExpression::parse(pattern).unwrap()
    }

    #[test]
    fn what_re2_reads_otherwise_does_not_load() {
        for pattern in [r"\<a", r"a\>", "[a&&b]", "[a--b]", "[x~~y]", "[a[b]]", r"\b{start}a", "(a|[b[c]])*"] {
            assert!(RegularExpression::parse(pattern).is_err(), "{pattern}");
        }
        for pattern in [
            "[a-z&]",
            "[~a]",
            "[a-]",
            "[[:alpha:]]",
            r"[\[]",
            r"\bfix\b",
            "<a@b>",
            r"^(feat|fix)(\(.+\))?: ",
            r"[^\]]",
            r"\p{Lu}",
            "(?m)^a$",
        ] {
            assert!(RegularExpression::parse(pattern).is_ok(), "{pattern}");
        }
    }

    /// Whether following alone has an answer, which must be the engine's.
    fn followed(pattern: &str, text: &[u8]) -> bool {
        let expression = expression(pattern);
        let expected = Regex::new(pattern).unwrap().is_match(text);
        assert_eq!(expression.is_match(text), Some(expected), "`{pattern}` on {text:?}");
        expression.compiled.get().is_none()
    }

    #[test]
    fn small_expressions_are_followed() {
        let patterns = [
            r"^(feat|fix|docs)(\(.+\))?: ",
            "",
            "a",
            "^$",
            "(?m)^b$",
            "[A-Z]+-[0-9]+",
            "(?i)straße|k",
            "(a*)*b",
            "(|a)+$",
            "(?:a{2,3}){2}$",
            "a{0}b",
            "[^a]",
            "(?-u)[^a]",
            r"(?-u:\xff)",
            r"\x00",
            "(?s)a.b",
            "a.b",
            r"\d",
            "(?x) a b # c",
            r"[a&b]",
        ];
        let texts: [&[u8]; 14] = [
            b"",
            b"feat: x",
            b"fix(a)(b): c\n\nd",
            b"fix(a\n): c",
            b"a",
            b"aaaab",
            b"aaaaa",
            b"x\nb\ny",
            b"AB-12",
            "STRASSE STRAẞE \u{212a}".as_bytes(),
            b"a\nb a\xffb",
            "aéb \u{661}".as_bytes(),
            b"\xff\xc3",
            b"a\0b",
        ];
        for pattern in patterns {
            for text in texts {
                assert!(followed(pattern, text), "`{pattern}` on {text:?} was compiled");
            }
        }
    }

    #[test]
    fn what_is_not_followed_goes_to_the_engine() {
        for pattern in [r"\bfix\b", r"(?Rm)^a fix$", r"(?-u)\bfix"] {
            assert!(!followed(pattern, b"a fix"), "`{pattern}`");
            assert!(!followed(pattern, b"prefixes"), "`{pattern}`");
        }
        assert!(!followed("a", &b"b".repeat(LITTLE)));
        assert!(!followed("(a*)*c", &b"a".repeat(LITTLE / 4)));
    }

    #[test]
    fn what_is_asked_often_is_compiled_and_says_the_same() {
        let expression = expression("^a+$");
        let asked = (0..LITTLE).take_while(|_| expression.is_match(b"aaa") == Some(true) && expression.compiled.get().is_none());
        assert!((10..LITTLE - 1).contains(&asked.count()));
        assert_eq!((expression.is_match(b"aaa"), expression.is_match(b"ab")), (Some(true), Some(false)));
        assert_eq!(expression.clone().is_match(b"b"), Some(false));
    }

    #[test]
    fn what_the_engine_does_not_take_is_found_when_it_is_read() {
        for pattern in ["(", "a{2,1}", r"\p{Nothing}", "(?:a{1000}){1000}", r"\w{2000}", r"(?:\pL{100}){100}", "(?-u).(?u)["] {
            let error = Regex::new(pattern).unwrap_err();
            assert_eq!(RegularExpression::parse(pattern).unwrap_err(), error, "`{pattern}`");
        }
        // What is large is compiled at once; what is not compiled is far from the engine's limit.
        assert!(expression(r"\w+").compiled.get().is_some() && expression("a{9999}").compiled.get().is_some());
        let largest = [format!("a{{{}}}", SMALL - 2), r"\d{1}".to_owned(), "(?:[a-z]{30}){3}".to_owned(), "[^x]{30}".to_owned()];
        for pattern in largest {
            let limited = regex::bytes::RegexBuilder::new(&pattern).size_limit(10 << 17).build();
            assert!(expression(&pattern).compiled.get().is_none() && limited.is_ok(), "`{pattern}`");
        }
    }

    /// Pieces that make expressions which parse often enough.
    fn patterns() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "a",
            "b",
            "é",
            "ß",
            ".",
            "(",
            ")",
            "(?:",
            "|",
            "*",
            "+",
            "?",
            "*?",
            "{2}",
            "{1,3}",
            "{0,1}",
            "{2,}",
            "^",
            "$",
            "[ab]",
            "[^a]",
            "[^é]",
            "(?i)",
            "(?m)",
            "(?s)",
            r"\n",
            r"\A",
            r"\z",
            "(?-u:[^a])",
            r"(?-u:\xc3)",
            "(?-u:.)",
            r"\b",
            "K",
            "s",
        ]);
        prop::collection::vec(piece, 0..9)
            .prop_map(|pieces| {
                let mut pattern = pieces.concat();
                let open = pattern.matches('(').count().saturating_sub(pattern.matches(')').count());
                pattern.push_str(&")".repeat(open));
                pattern
            })
            .prop_filter("does not parse", |pattern| Regex::new(pattern).is_ok())
    }

    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            &b"a"[..],
            b"b",
            b"A",
            b"s",
            b"k",
            b"\n",
            b"\xc3\xa9",
            b"\xc3\x89",
            b"\xc3\x9f",
            b"\xc3",
            b"\xa9",
            b"\xff",
            b"\0",
            b"\xe2\x84\xaa",
            b"\xf0\x9f\x98\x80",
            b"\xed\xa0\x80",
            b"\xc0\x80",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn following_and_the_engine_agree(pattern in patterns(), texts in prop::collection::vec(texts(), 1..6)) {
            let engine = Regex::new(&pattern).unwrap();
            let expression = expression(&pattern);
            for text in texts {
                prop_assert_eq!(expression.is_match(&text), Some(engine.is_match(&text)), "`{}` on {:?}", pattern, text);
            }
        }
    }
}
