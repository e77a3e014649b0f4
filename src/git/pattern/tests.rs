use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const TABLE: &str = include_str!("../../../fixtures/patterns/fnmatch.tsv");

/// The patterns of the table that do not load, and why.
const REFUSED: &[(&str, &str)] = &[
    ("**", "`**` is read in two ways: it crosses `/` only as a whole segment, `**/`"),
    ("**/x/**", "`**` is read in two ways: it crosses `/` only as a whole segment, `**/`"),
    (".github/**", "`**` is read in two ways: it crosses `/` only as a whole segment, `**/`"),
    ("/main", "a pattern that begins with `/` never matches"),
    ("[]]x", "an empty set is read in two ways"),
    ("a**b", "`**` is read in two ways: it crosses `/` only as a whole segment, `**/`"),
    ("a//b", "a pattern with an empty segment never matches"),
    ("main/", "a pattern that ends with `/` never matches"),
    ("release/**", "`**` is read in two ways: it crosses `/` only as a whole segment, `**/`"),
];

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap_or_else(|bad| panic!("`{text}` does not load: {bad}"))
}

fn set_of(texts: &[&str]) -> PatternSet {
    PatternSet::new(texts.iter().map(|text| pattern(text)).collect())
}

/// The same set, whose next question goes to globset.
fn compiled(set: &PatternSet) -> PatternSet {
    let set = PatternSet::new(set.patterns().to_vec());
    set.exact().effort.spend(LITTLE);
    set.wide().folded.effort.spend(LITTLE);
    set
}

/// What both ways of matching say.
fn both<A: PartialEq + fmt::Debug>(set: &PatternSet, ask: impl Fn(&PatternSet) -> A) -> A {
    let answer = ask(&PatternSet::new(set.patterns().to_vec()));
    assert_eq!(ask(&compiled(set)), answer, "{:?} by globset", set.patterns());
    answer
}

fn exactly(pattern: &str, text: impl AsRef<[u8]>) -> bool {
    both(&set_of(&[pattern]), |set| set.matches_exactly(text.as_ref()).unwrap())
}

fn widely(pattern: &str, text: impl AsRef<[u8]>) -> bool {
    both(&set_of(&[pattern]), |set| set.matches_widely(text.as_ref()).unwrap())
}

fn rows() -> Vec<(&'static str, &'static str, bool)> {
    let rows = TABLE.lines().filter(|line| !line.starts_with("# "));
    rows.map(|line| {
        let mut fields = line.split('\t');
        let row = (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        (
            row.0,
            row.1,
            match row.2 {
                "1" => true,
                "0" => false,
                other => panic!("{other}"),
            },
        )
    })
    .collect()
}

#[test]
fn every_row_of_rubys_table_holds() {
    let mut refused = BTreeMap::new();
    let mut sets = BTreeMap::new();
    let mut compared = 0;
    for (text, subject, expected) in rows() {
        let set = match Pattern::parse(text) {
            Ok(pattern) => sets.entry(text).or_insert_with(|| compiled(&PatternSet::new(vec![pattern]))),
            Err(bad) => {
                refused.insert(text, bad.message);
                continue;
            }
        };
        assert_eq!(set.matches_exactly(subject.as_bytes()), Ok(expected), "`{text}` against `{subject}`");
        assert!(!expected || set.matches_widely(subject.as_bytes()).unwrap(), "`{text}` widely against `{subject}`");
        let tokens = &set.patterns()[0].tokens;
        assert_eq!(by_character(tokens, subject.as_bytes(), Case::Exact), expected, "`{text}` by character, `{subject}`");
        compared += 1;
    }
    let refused: Vec<_> = refused.iter().map(|(text, message)| (*text, message.as_str())).collect();
    assert_eq!(refused, REFUSED);
    assert_eq!((sets.len(), compared), (50, 50 * 86));
}

#[test]
fn all_patterns_of_the_table_in_one_set_mean_what_each_means() {
    let mut patterns: Vec<Pattern> = Vec::new();
    let mut expected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (text, subject, matches) in rows() {
        let Ok(pattern) = Pattern::parse(text) else { continue };
        if patterns.last() != Some(&pattern) {
            patterns.push(pattern);
        }
        let matching = expected.entry(subject).or_default();
        if matches {
            matching.push(text);
        }
    }
    let set = PatternSet::new(patterns.clone());
    let globs = set.exact().compile().unwrap();
    for (subject, matching) in expected {
        for set in [PatternSet::new(patterns.clone()), compiled(&set)] {
            let first = set.exact().first(subject.as_bytes()).unwrap().map(|at| patterns[at].as_str());
            assert_eq!(first, matching.first().copied(), "{subject}");
            assert_eq!(set.matches_exactly(subject.as_bytes()), Ok(!matching.is_empty()), "{subject}");
        }
        if subject.is_ascii() {
            let found = globs.matches_candidate(&Candidate::from_bytes(subject));
            let found: Vec<_> = found.into_iter().map(|at| patterns[at].as_str()).collect();
            assert_eq!(found, matching, "{subject}");
        }
    }
}

#[test]
fn what_is_read_in_two_ways_or_never_matches_does_not_load() {
    // pattern, culprit, what the message and the help must say
    let cases = [
        ("", "", "empty", "**/*"),
        ("release/**", "**", "two ways", "write `release/*` to stay within one `/` segment, or `release/**/*` to cross `/`"),
        ("**", "**", "two ways", "write `*` to stay within one `/` segment, or `**/*` to cross `/`"),
        ("a**b", "**", "two ways", "write `a*b` to stay within one `/` segment, or `a*/**/*b` to cross `/`"),
        ("**.js", "**", "two ways", "write `*.js` to stay within one `/` segment, or `**/*.js` to cross `/`"),
        ("x/***/y", "***", "`***` is read", "write `x/*/y` to stay within one `/` segment, or `x/**/*/y` to cross `/`"),
        ("{a,b}", "{", "`{` is read", "one pattern for each"),
        ("a}", "}", "`}` is read", "one pattern for each"),
        ("a\\*", "\\", "`\\` is read", "`[*]`"),
        ("[\\]]", "\\", "`\\` is read", "`[*]`"),
        ("[a-\\]", "\\", "`\\` is read", "`[*]`"),
        ("!main", "!", "negated", "`exclude`"),
        ("/main", "/", "begins with `/`", "write `main`"),
        ("main/", "/", "ends with `/`", "write `main/*` for what lies directly in it, or `main/**/*` for everything below it"),
        ("main//", "//", "ends with `/`", "`main/*`"),
        ("x/**/", "/", "ends with `/`", "write `x/**/*`"),
        ("a//b", "/", "empty segment", "write `a/b`"),
        ("a:///b", "/", "empty segment", "write `a://b`"),
        ("a/./b", ".", "segment `.`", ""),
        ("a/../b", "..", "segment `..`", ""),
        ("../../a/..", "..", "segment `..`", ""),
        ("./a", ".", "segment `.`", ""),
        ("a\0b", "\0", "U+0000", ""),
        ("a\nb", "\n", "U+000A", ""),
        ("a\u{85}b", "\u{85}", "U+0085", ""),
        ("x[ab", "[ab", "not closed", "`[[]`"),
        ("x[", "[", "not closed", "`[[]`"),
        ("x[!", "[!", "not closed", "`[[]`"),
        ("x[a-", "[a-", "not closed", "`[[]`"),
        ("x[]", "[]", "empty set", "at least one"),
        ("x[!]", "[!]", "empty set", "at least one"),
        ("x[^]a]", "[^]", "empty set", "at least one"),
        ("[c-a]", "c-a", "runs backwards", ""),
        ("[é-à]", "é-à", "runs backwards", ""),
        ("[a/b]", "/", "never matches `/`", "before `/`"),
        ("[.-0]", ".-0", "spans `/`", "two ranges"),
        ("[!.-0]", ".-0", "spans `/`", "two ranges"),
        ("[--a]", "--a", "`-`", "first or last"),
        ("[+--]", "+--", "`-`", "first or last"),
        ("[a-c-e]", "-", "`-`", "first or last"),
        ("[[:alpha:]]", "[:", "named class", "[a-zA-Z0-9]"),
        ("[e\u{301}]", "\u{301}", "combining mark", "composed"),
    ];
    for (text, culprit, message, help) in cases {
        let bad = Pattern::parse(text).expect_err(text);
        assert!(bad.message.contains(message), "`{text}`: {}", bad.message);
        assert!(bad.help.as_deref().unwrap_or_default().contains(help), "`{text}`: {:?}", bad.help);
        assert!(!help.is_empty() || bad.help.is_none(), "`{text}`: {:?}", bad.help);
        assert_eq!(&text[bad.offset..bad.offset + bad.len], culprit, "`{text}`");
    }
    assert!(Pattern::parse(&"a".repeat(LONGEST)).is_ok());
    assert_eq!(Pattern::parse(&"a".repeat(LONGEST + 1)).unwrap_err().len, LONGEST + 1);
    // Many culprits cost no more than one.
    assert!(Pattern::parse(&"a**".repeat(341)).is_err());
}

#[test]
fn these_load() {
    let patterns = [
        "main",
        "a]b",
        "x[-a]",
        "x[a-]",
        "x[!-a]",
        "[[]",
        "[{]",
        "[}]",
        "[*]",
        "[**]x/y",
        "[?]",
        "[!!]",
        "[^^]",
        "[a^]",
        "a!",
        "a,b",
        "a/**/**/b",
        "**/**/x",
        "https://git.example.org/**/*",
        "../*.git",
        "../../x",
        "a..b",
        "...",
        "~ALL",
        "é*",
        "[à-é]",
        "a b",
    ];
    for text in patterns {
        assert_eq!(pattern(text).as_str(), text);
    }
}

#[test]
fn sets_have_their_members_and_never_slash() {
    let members = |text: &str| (0..128u8).map(char::from).filter(|c| exactly(text, c.to_string())).collect::<String>();
    assert_eq!(members("[a-c]"), "abc");
    assert_eq!(members("[-!]"), "!-");
    assert_eq!(members("[a^!]"), "!^a");
    assert_eq!(members("[[]"), "[");
    assert_eq!(members("[{}*?]"), "*?{}");
    assert_eq!(members("[é]"), "");
    for text in ["[!a]", "[^a]", "[!é]", "[!-]", "[!!]", "[!^]", "[![]", "[!a-c]", "?"] {
        let left_out = (0..128u8).map(char::from).filter(|c| !exactly(text, c.to_string())).collect::<String>();
        let expected = match text {
            "?" | "[!é]" => "/".to_owned(),
            "[!a-c]" => "/abc".to_owned(),
            _ => {
                let mut both = ['/', text.chars().nth(2).unwrap()];
                both.sort_unstable();
                both.iter().collect()
            }
        };
        assert_eq!(left_out, expected, "{text}");
    }
    assert!(!exactly("a[!b]c", "a/c") && !exactly("a?c", "a/c") && !exactly("**/[!a]", "x/"));
}

#[test]
fn a_character_is_one_whatever_its_length() {
    for text in ["é", "€", "😀", "a"] {
        assert!(
            exactly("?", text) && exactly("[!x]", text) && exactly("*?", text) && exactly("**/?", format!("x/{text}")),
            "{text}"
        );
        assert!(!exactly("??", text) && !exactly("[!x][!x]", text) && !exactly("*??", text), "{text}");
    }
    assert!(exactly("[é]", "é") && exactly("[à-é]", "è") && !exactly("[à-é]", "ê"));
    // The set holds one character, not the two bytes of it.
    assert!(!exactly("[é]", b"\xc3") && !exactly("[é][é]", "é") && !exactly("[!é]", "é"));
    // é decomposed is two characters.
    assert!(exactly("??", "e\u{301}") && !exactly("?", "e\u{301}"));
}

#[test]
fn a_byte_that_is_not_utf8_is_one_character() {
    for text in [&b"\xff"[..], b"\xc3", b"\x80", b"\xed", b"\xe2"] {
        assert!(exactly("?", text) && exactly("*", text) && exactly("[!a]", text));
        assert!(!exactly("??", text) && !exactly("[a-\u{10ffff}]", text));
    }
    // Cut off in the middle, and a surrogate: each byte is one.
    assert!(exactly("a??b", b"a\xe2\x82b") && exactly("???", b"\xed\xa0\x80"));
    assert!(exactly("a?b", b"a\xe2\x82\xacb"));
    assert!(exactly("docs/**/*.md", b"docs/\xff/\xfe.md") && !exactly("docs/*.md", b"docs/\xff/\xfe.md"));
    assert!(widely("docs/**/*.md", b"DOCS/\xff/\xfe.MD") && !exactly("docs/**/*.md", b"DOCS/\xff/\xfe.MD"));
}

#[test]
fn the_shortcuts_of_globset_change_nothing() {
    let patterns = ["**/*.", "**/*..", "*/*.", "**/a", "**/a.b", "**/*.b", "**/a/.", "a/*.b", "**/..b", "**/?.b", "**/[.]."];
    let texts =
        ["..", "a/..", "a.", ".", "a/.", "a..", "..b", "x/..b", ".b", "x/.b", "a/", "", "/", "a/a.b", "a.b", "x/é.b", "é/.."];
    for text in patterns {
        let Ok(pattern) = Pattern::parse(text) else { continue };
        let set = PatternSet::new(vec![pattern.clone()]);
        for subject in texts {
            let subject = subject.as_bytes();
            let expected = by_character(&pattern.tokens, subject, Case::Exact);
            assert_eq!(set.matches_exactly(subject), Ok(expected), "`{text}` against {subject:?}");
            assert_eq!(set.matches_widely(subject), Ok(expected), "`{text}` against {subject:?}");
        }
    }
    assert!(exactly("**/*.", "a/..") && exactly("../*", "../x") && exactly("*/*.", "a/.."));
}

#[test]
fn lookalikes_match_widely_only() {
    let cases: &[(&str, &str)] = &[
        ("main", "MAIN"),
        ("main", "Main"),
        ("Main", "mAIN"),
        (".github/**/*", ".GitHub/x"),
        ("straße", "STRASSE"),
        ("STRASSE", "straße"),
        ("straße", "STRAẞE"),
        ("caf\u{e9}", "cafe\u{301}"),
        ("cafe\u{301}", "caf\u{e9}"),
        ("caf\u{e9}/*", "CAFE\u{301}/x"),
        ("ok", "o\u{212a}"),
        ("o\u{212a}", "ok"),
        ("secret", "\u{17f}ecret"),
        ("final", "\u{fb01}nal"),
        ("Σ", "ς"),
        ("[k]", "\u{212a}"),
        ("[\u{212a}]", "k"),
        ("[a-c]x", "Bx"),
        ("[É]x", "éx"),
        ("caf?", "cafe\u{301}"),
        ("STRA?E", "straße"),
        ("MAIN-?", "main-\u{e9}"),
        ("v[!a]X", "vbx"),
        ("\u{3b1}\u{345}\u{301}", "\u{3b1}\u{301}\u{345}"),
        // Only if it is decomposed before it is folded.
        ("\u{391}\u{323}\u{399}", "\u{1fb3}\u{323}"),
    ];
    for (pattern, text) in cases {
        assert!(widely(pattern, text), "`{pattern}` widely against `{text}`");
        assert!(!exactly(pattern, text), "`{pattern}` exactly against `{text}`");
    }
    // Not UTF-8: ASCII letters are folded, the rest is held byte for byte.
    assert!(widely("main-*", b"MAIN-\xff") && widely("MAIN-?", b"main-\xff") && widely("[M]*", b"m\xff"));
    assert!(widely("DOCS-É*", b"docs-\xc3\x89\xff") && !widely("docs-é*", b"DOCS-\xc3\x89\xff"));
    // A negated set leaves its members out in either case, but what matches exactly matches.
    assert!(widely("[!a]x", "Ax") && !widely("[!a]x", "ax") && !widely("[!a]x", "AX"));
    assert!(!widely("main", "mainx") && !widely("v?", "vß1") && !widely("main", "m\u{430}in"));
}

#[test]
fn the_first_match_is_the_first_that_was_given() {
    let set = set_of(&["release/*", "[!a]?", "MAIN", "**/*", "é?"]);
    let first = |text: &str| both(&set, |set| set.first_wide_match(text.as_bytes()).unwrap().map(|found| found.text.clone()));
    assert_eq!(first("RELEASE/1").as_deref(), Some("release/*"));
    assert_eq!(first("main").as_deref(), Some("MAIN"));
    assert_eq!(first("bé").as_deref(), Some("[!a]?"));
    assert_eq!(first("Ab").as_deref(), Some("[!a]?"));
    assert_eq!(first("aé").as_deref(), Some("**/*"));
    assert_eq!(first("..").as_deref(), Some("[!a]?"));
    assert_eq!(set_of(&["x"]).first_wide_match(b"y"), Ok(None));
    for patterns in [["?", "*"], ["*", "?"], ["??", "*"]] {
        let set = set_of(&patterns);
        let first = both(&set, |set| set.exact().first("é".as_bytes()).unwrap());
        assert_eq!(first, Some(usize::from(patterns[0] == "??")), "{patterns:?}");
    }
}

#[test]
fn an_empty_set_matches_nothing() {
    let set = PatternSet::default();
    assert!(
        set.is_empty() && !set.matches_exactly(b"").unwrap() && !set.matches_widely(b"x").unwrap() && !set.may_match_below(b"")
    );
    assert_eq!(set.first_wide_match(b"x"), Ok(None));
}

#[test]
fn a_set_that_does_not_compile_is_an_error_every_time() {
    let error = PatternError { message: "too large".to_owned() };
    let set = set_of(&["x"]);
    set.exact().globs.set(Err(error.clone())).unwrap();
    set.wide().folded.globs.set(Err(error.clone())).unwrap();
    assert_eq!(set.matches_exactly(b"x"), Err(error.clone()));
    assert_eq!(set.matches_widely(b"x"), Err(error.clone()));
    assert_eq!(set.clone().first_wide_match(b"x"), Err(error));
}

#[test]
fn a_policy_of_many_long_patterns_compiles() {
    let texts: Vec<_> = (0..600).map(|at| format!("apps/{at}/**/[!a-c]?{}*.yml", "é".repeat(at % 100))).collect();
    let set = compiled(&PatternSet::new(texts.iter().map(|text| pattern(text)).collect()));
    assert!(set.matches_exactly(b"apps/0/x/zz1.yml").unwrap() && set.matches_widely("APPS/1/zzÉ.yml".as_bytes()).unwrap());
}

#[test]
fn a_set_is_compiled_when_much_or_something_long_is_asked() {
    let set = set_of(&["a*b", "**/c"]);
    let is_compiled = |set: &PatternSet| set.exact().globs.get().is_some();
    for _ in 0..LITTLE / (2 * 4) {
        assert!(set.matches_exactly(b"axb").unwrap() && !is_compiled(&set));
    }
    assert!(set.matches_exactly(b"axb").unwrap() && is_compiled(&set));
    let set = set_of(&["a*b"]);
    assert!(!set.matches_exactly(&b"a".repeat(SHORT)).unwrap() && !is_compiled(&set));
    assert!(!set.matches_exactly(&b"a".repeat(SHORT + 1)).unwrap() && is_compiled(&set));
}

#[test]
fn literals_and_prefixes() {
    assert_eq!(pattern("a/b").literal(), Some("a/b"));
    assert_eq!(pattern("a/[b]").literal(), None);
    assert_eq!(pattern("**/b").literal(), None);
    let prefixes =
        [(".github/workflows/**/*", ".github/workflows/"), ("é?", "é"), ("v[0-9]*", "v"), ("**/x", ""), ("main", "main")];
    for (text, prefix) in prefixes {
        assert_eq!(pattern(text).literal_prefix(), prefix);
    }
}

#[test]
fn folders_before_any_depth() {
    let cases: &[(&str, &[&str])] = &[
        (".github/workflows/**/*", &[".github", ".github/workflows"]),
        ("apps/*/x", &["apps", "apps/*"]),
        ("**/x", &[]),
        ("x", &[]),
        ("a/**/b/c", &["a"]),
        ("[**]x/y", &["[**]x"]),
        ("a[*]*/b/c", &["a[*]*", "a[*]*/b"]),
        ("https://h/x", &["https:", "https://h"]),
    ];
    for (text, folders) in cases {
        let found = pattern(text).folders();
        assert_eq!(found.iter().map(Pattern::as_str).collect::<Vec<_>>(), *folders, "{text}");
    }
}

#[test]
fn a_walk_is_pruned_where_nothing_can_match() {
    let set = set_of(&[".github/workflows/**/*"]);
    for folder in ["", ".github", ".GitHub", ".github/workflows", ".github/workflows/x", ".GITHUB/Workflows/x/y"] {
        assert!(set.may_match_below(folder.as_bytes()), "{folder}");
    }
    for folder in ["src", ".github/x", ".github2", ".githu", "x/.github"] {
        assert!(!set.may_match_below(folder.as_bytes()), "{folder}");
    }
    let set = set_of(&["apps/*/x", "Straße/y", "caf\u{e9}/z"]);
    for folder in [&b"apps"[..], b"apps/\xff", "STRASSE".as_bytes(), "cafe\u{301}".as_bytes()] {
        assert!(set.may_match_below(folder));
    }
    assert!(!set.may_match_below(b"apps/a/x") && !set.may_match_below(b"apps/a/b"));
    assert!(set_of(&["**/x"]).may_match_below(b"a/b/c") && !set_of(&["x"]).may_match_below(b"x"));
}

#[test]
fn every_character_folds_once_and_for_all() {
    for c in '\0'..=char::MAX {
        let mut buffer = [0; 4];
        let text = c.encode_utf8(&mut buffer).as_bytes();
        let folded = fold(text);
        assert_eq!(fold(&folded), folded, "U+{:04X}", u32::from(c));
        // Pruning compares full folds, and must not miss what folding one to one finds.
        let one = fold_one(c).to_string();
        assert_eq!(fold(one.as_bytes()), folded, "U+{:04X}", u32::from(c));
        // In folded text characters are compared as they are, by globset, and folded one to one, by character.
        assert!(*folded != *text || fold_one(c) == c, "U+{:04X}", u32::from(c));
        assert_eq!(c == '/', *folded == *b"/", "U+{:04X}", u32::from(c));
        assert!(c.is_ascii() || !folded.iter().any(|byte| b"*?[]{}\\/".contains(byte)), "U+{:04X}", u32::from(c));
    }
}

#[test]
fn folding_borrows_what_is_folded() {
    assert!(matches!(fold(b"src/main.rs"), Cow::Borrowed(_)) && matches!(fold(b"\xffx"), Cow::Borrowed(_)));
    assert_eq!(&*fold(b"Main\xffX\xc3\x89"), b"main\xffx\xc3\x89");
    assert_eq!(&*fold("É".as_bytes()), "é".as_bytes());
}

/// Pieces that make patterns which load often enough.
fn patterns() -> impl Strategy<Value = Pattern> {
    let piece = prop::sample::select(vec![
        "a", "b", "A", "/", "/", "*", "**/", "/**/", "?", "[a]", "[!a]", "[a-b]", "[!-b]", "[]-]", "[^!]", "]", "!", "-", ".",
        "é", "e", "\u{301}", "ß", "É", "[é]", "[!É]", "s",
    ]);
    prop::collection::vec(piece, 1..9).prop_filter_map("does not load", |pieces| Pattern::parse(&pieces.concat()).ok())
}

fn texts() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"a"[..],
        b"b",
        b"A",
        b"B",
        b"/",
        b"/",
        b"]",
        b"!",
        b"-",
        b".",
        b"..",
        b"s",
        b"S",
        b"e",
        b"\xcc\x81",
        b"\xc3\xa9",
        b"\xc3\x89",
        b"\xc3\x9f",
        b"\xff",
        b"\xc3",
    ]);
    prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

fn plain_texts() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"ab/].!-".to_vec()), 0..9)
}

/// A text that a pattern matches, exactly or nearly.
fn texts_for(pattern: &Pattern, fill: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut fill = fill.iter().copied();
    for token in &pattern.tokens {
        match token {
            Token::Literal(c) if fill.next().is_some_and(|byte| byte < b'B') => text.extend(c.to_uppercase().to_string().bytes()),
            Token::Literal(c) => text.extend(c.to_string().bytes()),
            Token::One => text.extend(fill.next().or(Some(b'x'))),
            Token::Star => text.extend(fill.by_ref().take(2)),
            Token::Segments => text.extend(fill.by_ref().take(3).chain(*b"/")),
            Token::Set(set) => text.extend(set.ranges[0].start().to_string().bytes()),
        }
    }
    text
}

/// Ruby's meaning said in the slowest and plainest way.
fn plainly(tokens: &[Token], text: &[u8]) -> bool {
    let Some((token, after)) = tokens.split_first() else { return text.is_empty() };
    match token {
        Token::Segments => plainly(after, text) || (0..text.len()).any(|at| text[at] == b'/' && plainly(after, &text[at + 1..])),
        Token::Star => {
            let first = first_character(text).filter(|(c, _)| *c != Some('/'));
            plainly(after, text) || first.is_some_and(|(_, len)| plainly(tokens, &text[len..]))
        }
        token => token.takes(text, Case::Exact).is_some_and(|len| plainly(after, &text[len..])),
    }
}

fn check(patterns: &[Pattern], text: &[u8]) -> Result<(), TestCaseError> {
    let set = PatternSet::new(patterns.to_vec());
    let by_globset = compiled(&set);
    let expected = patterns.iter().any(|pattern| plainly(&pattern.tokens, text));
    prop_assert_eq!(set.matches_exactly(text).unwrap(), expected, "{:?} {:?}", patterns, text);
    prop_assert_eq!(by_globset.matches_exactly(text).unwrap(), expected, "{:?} {:?}", patterns, text);
    for pattern in patterns {
        let plainly = plainly(&pattern.tokens, text);
        prop_assert_eq!(by_character(&pattern.tokens, text, Case::Exact), plainly, "{:?} {:?}", pattern, text);
    }
    let wide = set.matches_widely(text).unwrap();
    prop_assert!(wide || !expected, "{:?} {:?}", patterns, text);
    let each = patterns.iter().find(|pattern| PatternSet::new(vec![(*pattern).clone()]).matches_widely(text).unwrap());
    prop_assert_eq!(set.first_wide_match(text).unwrap(), each);
    prop_assert_eq!(each.is_some(), wide);
    prop_assert_eq!(by_globset.matches_widely(text).unwrap(), wide, "{:?} {:?}", patterns, text);
    prop_assert_eq!(by_globset.first_wide_match(text).unwrap(), each, "{:?} {:?}", patterns, text);
    let exact = set.exact().first(text).unwrap();
    prop_assert_eq!(by_globset.exact().first(text).unwrap(), exact, "{:?} {:?}", patterns, text);
    if wide {
        prop_assert!(set.may_match_below(b""));
        for (at, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            prop_assert!(set.may_match_below(&text[..at]), "{:?} below {:?} of {:?}", patterns, &text[..at], text);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sets_of_patterns_keep_their_meaning(
        patterns in prop::collection::vec(patterns(), 1..4),
        text in texts(),
        plain in plain_texts(),
    ) {
        check(&patterns, &text)?;
        check(&patterns, &plain)?;
        for pattern in &patterns {
            check(&patterns, &texts_for(pattern, &text))?;
            check(&patterns, &texts_for(pattern, &plain))?;
        }
    }

    #[test]
    fn patterns_of_a_small_alphabet(
        patterns in prop::collection::vec("([ab*?/\\]!-]|\\*\\*/|\\[[ab!-]{1,3}\\]){1,8}", 1..4),
        text in plain_texts(),
    ) {
        let patterns: Vec<_> = patterns.iter().filter_map(|text| Pattern::parse(text).ok()).collect();
        check(&patterns, &text)?;
        for pattern in &patterns {
            check(&patterns, &texts_for(pattern, &text))?;
        }
    }

    #[test]
    fn parsing_never_panics_and_points_into_the_pattern(text in "\\PC*|[ab*?/\\[\\]!^\\-{}\\\\é\u{301}\u{0}.:]*") {
        match Pattern::parse(&text) {
            Ok(pattern) => {
                let set = PatternSet::new(vec![pattern.clone()]);
                prop_assert!(set.matches_exactly(b"x").is_ok() && set.matches_widely(text.as_bytes()).is_ok());
                if let Some(literal) = pattern.literal() {
                    prop_assert!(set.matches_exactly(literal.as_bytes()).unwrap());
                }
                prop_assert!(text.starts_with(pattern.literal_prefix()));
                for folder in pattern.folders() {
                    prop_assert!(text.starts_with(folder.as_str()));
                }
            }
            Err(bad) => prop_assert!(text.get(bad.offset..bad.offset + bad.len).is_some()),
        }
    }

    #[test]
    fn folding_is_stable(text in "\\PC*", bytes in texts()) {
        for text in [text.as_bytes(), &bytes] {
            let once = fold(text);
            prop_assert_eq!(&fold(&once), &once);
            if let Ok(text) = std::str::from_utf8(text) {
                let (nfd, nfc) = (text.nfd().collect::<String>(), text.nfc().collect::<String>());
                prop_assert_eq!(&fold(nfd.as_bytes()), &once);
                prop_assert_eq!(&fold(nfc.as_bytes()), &once);
            }
        }
    }
}
