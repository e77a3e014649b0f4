//! GitHub's patterns: Ruby's `File.fnmatch` with `FNM_PATHNAME`, written from its manual and independent of the program's own,
//! so that one can check the other. <https://docs.ruby-lang.org/en/3.1/File.html#method-c-fnmatch>

/// Whether a pattern matches a whole name. `*` and `?` stop at a slash, `**/` is any number of folders.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    walk(&pattern, &text, true)
}

/// `start`: the pattern is at the beginning of a segment, where alone `**/` means folders.
fn walk(pattern: &[char], text: &[char], start: bool) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', '*', '/', rest @ ..] if start => {
            walk(rest, text, true) || (0..text.len()).any(|at| text[at] == '/' && walk(rest, &text[at + 1..], true))
        }
        ['*', rest @ ..] => {
            let end = text.iter().position(|&c| c == '/').unwrap_or(text.len());
            (0..=end).any(|at| walk(rest, &text[at..], false))
        }
        ['?', rest @ ..] => text.first().is_some_and(|&c| c != '/') && walk(rest, &text[1..], false),
        ['[', rest @ ..] => match (text.first(), class(rest)) {
            (Some(&c), Some((matcher, length))) => c != '/' && matcher(c) && walk(&rest[length..], &text[1..], false),
            _ => false,
        },
        ['\\', c, rest @ ..] => text.first() == Some(c) && walk(rest, &text[1..], *c == '/'),
        [c, rest @ ..] => text.first() == Some(c) && walk(rest, &text[1..], *c == '/'),
    }
}

/// What stands between brackets, and how long it is including the closing one. `None` if nothing closes it.
fn class(pattern: &[char]) -> Option<(impl Fn(char) -> bool, usize)> {
    let mut index = 0;
    let negated = matches!(pattern.first(), Some('!' | '^'));
    if negated {
        index += 1;
    }
    let mut ranges = Vec::new();
    let member = |index: &mut usize| {
        if pattern.get(*index) == Some(&'\\') {
            *index += 1;
        }
        let c = *pattern.get(*index)?;
        *index += 1;
        Some(c)
    };
    loop {
        if *pattern.get(index)? == ']' {
            index += 1;
            break;
        }
        let from = member(&mut index)?;
        let to = if pattern.get(index) == Some(&'-') && pattern.get(index + 1).is_some_and(|&c| c != ']') {
            index += 1;
            member(&mut index)?
        } else {
            from
        };
        ranges.push((from, to));
    }
    Some((move |c: char| ranges.iter().any(|&(from, to)| from <= c && c <= to) != negated, index))
}
