//! Who owns a path by a CODEOWNERS file.
//!
//! The last line that matches decides, and one that names nobody takes the path from everybody. Patterns are
//! [gitignore's with GitHub's exceptions](https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners#codeowners-syntax):
//! no `!`, no `[ ]`, no `\#` at the start (GitHub skips such lines), and a last `/*` reaches no deeper than its folder.

/// GitHub loads no larger file.
pub const LARGEST: usize = 3 << 20;
/// Of more lines no verdict is given.
const MOST_RULES: usize = 50_000;

/// A CODEOWNERS file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codeowners<'t> {
    /// Its lines with a pattern that GitHub takes, in order.
    pub rules: Vec<Rule<'t>>,
}

/// A line with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule<'t> {
    /// From 1.
    pub line: u64,
    /// The pattern as it is written.
    pub pattern: &'t str,
    /// The owners as they are written.
    pub owners: Vec<&'t str>,
}

/// Whose a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owned<'a, 't> {
    /// Of the owners in this line.
    By(&'a Rule<'t>),
    /// Nobody's: no line matches, or this one, which names nobody.
    ByNobody(Option<&'a Rule<'t>>),
    /// This line decides, and names something that is no owner: GitHub skips it in part or whole.
    Unclear(&'a Rule<'t>),
}

impl<'t> Codeowners<'t> {
    /// Reads a file. Lines that GitHub skips are skipped. `None` for a file with too many lines to judge.
    pub fn parse(text: &'t str) -> Option<Codeowners<'t>> {
        let mut rules = Vec::new();
        for (line, text) in (1..).zip(text.split('\n')) {
            let text = text.strip_suffix('\r').unwrap_or(text);
            let Some((pattern, rest)) = split_pattern(text) else { continue };
            if pattern.starts_with('!') || pattern.starts_with("\\#") || pattern.contains(['[', ']']) || pattern.contains("***") {
                continue;
            }
            let owners = rest.split([' ', '\t']).filter(|owner| !owner.is_empty()).take_while(|owner| !owner.starts_with('#'));
            rules.push(Rule { line, pattern, owners: owners.collect() });
            if rules.len() > MOST_RULES {
                return None;
            }
        }
        Some(Codeowners { rules })
    }

    /// Whose the path is, written without a `/` at its start.
    pub fn owner_of(&self, path: &str) -> Owned<'_, 't> {
        match self.rules.iter().rev().find(|rule| matches(rule.pattern, path)) {
            None => Owned::ByNobody(None),
            Some(rule) if rule.owners.is_empty() => Owned::ByNobody(Some(rule)),
            Some(rule) if rule.names_owners() => Owned::By(rule),
            Some(rule) => Owned::Unclear(rule),
        }
    }

    /// Whether someone is named for the path.
    pub fn owns(&self, path: &str) -> bool {
        !matches!(self.owner_of(path), Owned::ByNobody(_))
    }
}

impl Rule<'_> {
    /// Whether everyone it names is written as an owner is.
    pub fn names_owners(&self) -> bool {
        self.owners.iter().all(|owner| is_owner(owner))
    }
}

/// `@user`, `@organization/team` or an address.
fn is_owner(text: &str) -> bool {
    match text.split_once('@') {
        Some(("", name)) => !name.is_empty() && !name.contains('@'),
        Some((name, host)) => !name.is_empty() && host.contains('.'),
        None => false,
    }
}

/// The pattern, which ends at the first space that no `\` escapes, and what follows. `None` for an empty line or a comment.
fn split_pattern(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_matches([' ', '\t']);
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut escaped = false;
    for (index, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ' ' | '\t' => return Some(line.split_at(index)),
            _ => {}
        }
    }
    Some((line, ""))
}

/// Whether the pattern is for the file at the path.
fn matches(pattern: &str, path: &str) -> bool {
    let mut segments: Vec<&str> = pattern.split('/').collect();
    if pattern == "/" || pattern.is_empty() {
        return false;
    }
    let anchored = if segments.first() == Some(&"") {
        segments.remove(0);
        true
    } else {
        // One name, also with a `/` at its end, may be anywhere.
        !(segments.len() == 1 || (segments.len() == 2 && segments.last() == Some(&"")))
    };
    // Everything below a folder, which `folder/`, `folder/**` and `folder` all name; the last also names a file.
    let below = match segments.last() {
        Some(&"") | Some(&"**") if segments.len() > 1 => {
            segments.pop();
            Below::Only
        }
        Some(&"*") => Below::No,
        _ => Below::Too,
    };
    if !anchored {
        segments.insert(0, "**");
    }
    let path: Vec<&str> = path.split('/').collect();
    // Which prefixes of the path the segments so far can match.
    let mut reached = vec![false; path.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for segment in segments {
        let mut next = vec![false; reached.len()];
        let mut carried = false;
        for ((slot, here), name) in next.iter_mut().zip(&reached).zip(std::iter::once(None).chain(path.iter().map(Some))) {
            if segment == "**" {
                *slot = *here || carried;
                carried = *slot;
            } else {
                *slot = carried && name.is_some_and(|name| glob(segment, name));
                carried = *here;
            }
        }
        reached = next;
    }
    let whole = reached.pop().unwrap_or_default();
    let folder = reached.iter().skip(1).any(|reached| *reached);
    match below {
        Below::No => whole,
        Below::Only => folder,
        Below::Too => whole || folder,
    }
}

enum Below {
    /// The path itself alone.
    No,
    /// What is below, not the path itself.
    Only,
    /// Both.
    Too,
}

/// One segment: `*` and `?` within it, `\` before a character that is meant as itself.
fn glob(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let mut reached = vec![false; name.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let (c, literal) = if c == '\\' { (chars.next().unwrap_or('\\'), true) } else { (c, false) };
        let mut next = vec![false; reached.len()];
        let mut carried = false;
        for ((slot, here), before) in next.iter_mut().zip(&reached).zip(std::iter::once(None).chain(name.iter().map(Some))) {
            if c == '*' && !literal {
                *slot = *here || carried;
                carried = *slot;
            } else {
                *slot = carried && before.is_some_and(|before| (c == '?' && !literal) || *before == c);
                carried = *here;
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_documented() {
        for (pattern, path, expected) in [
            ("*", "a/b/c.rs", true),
            ("*.js", "a/b/c.js", true),
            ("*.js", "c.jsx", false),
            ("/build/logs/", "build/logs/a/b", true),
            ("/build/logs/", "x/build/logs/a", false),
            ("/build/logs/", "build/logs", false),
            ("docs/*", "docs/getting-started.md", true),
            ("docs/*", "docs/build-app/troubleshooting.md", false),
            ("docs/*", "x/docs/a.md", false),
            ("apps/", "apps/a", true),
            ("apps/", "x/y/apps/a/b", true),
            ("apps/", "apps", false),
            ("apps", "x/apps/a", true),
            ("apps", "x/apps", true),
            ("/docs/", "docs/a", true),
            ("/docs/", "x/docs/a", false),
            ("/apps/github", "apps/github/x", true),
            ("/apps/github", "apps/github2", false),
            ("**/logs", "build/logs/a", true),
            ("**/logs", "deeply/nested/logs/a", true),
            ("/scripts/**/*.sh", "scripts/a.sh", true),
            ("/scripts/**/*.sh", "scripts/a/b/c.sh", true),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("**", "a/b", true),
            ("**", "a", true),
            ("/*", "a", true),
            ("/*", "a/b", false),
            ("/", "a", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("a*c", "x/abbc", true),
            ("a\\*c", "abc", false),
            ("a\\*c", "a*c", true),
            ("a\\ b", "a b", true),
            ("A", "a", false),
            (".github/", ".github/workflows/ci.yml", true),
            ("/.github/workflows/*", ".github/workflows/ci.yml", true),
            (".github/workflows", ".github/workflows/ci.yml", true),
            ("workflows/*", ".github/workflows/ci.yml", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_last_line_wins_and_may_take_ownership_away() {
        let text = "* @acme/all # everyone\n# comment\n\n/docs/ @ada docs@example.com\r\n/docs/free\n!/docs/x @no\n/a[b] @no\n\\#x @no\n/odd nobody\n";
        let owners = Codeowners::parse(text).unwrap();
        assert_eq!(owners.rules.len(), 4);
        let line = |path: &str| match owners.owner_of(path) {
            Owned::By(rule) => (1, rule.line),
            Owned::ByNobody(rule) => (0, rule.map_or(0, |rule| rule.line)),
            Owned::Unclear(rule) => (2, rule.line),
        };
        assert_eq!(line("x"), (1, 1));
        assert_eq!(line("docs/x"), (1, 4));
        assert_eq!(line("docs/free/x"), (0, 5));
        assert_eq!(line("odd"), (2, 9));
        assert_eq!(Codeowners::parse("/x @ada").unwrap().owner_of("y"), Owned::ByNobody(None));
    }

    #[test]
    fn hostile_texts_end() {
        assert!(Codeowners::parse(&"a\n".repeat(100_000)).is_none());
        let slow = format!("/{} @ada", "**/*a".repeat(20_000));
        let owners = Codeowners::parse(&slow).unwrap();
        assert_eq!(owners.owner_of(&"a/".repeat(50)), Owned::ByNobody(None));
        for text in ["\\", "\\ ", " ", "/ @a", "@", "a @", "a b@", "\u{0} @a", "é? @a"] {
            Codeowners::parse(text).unwrap().owner_of("é/x");
        }
    }
}
