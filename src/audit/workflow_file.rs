//! A workflow file, as far as checks need it: when it runs, which jobs it has, and under which names they report.
//!
//! The text is hostile. Its size, its nesting, its aliases and its matrices are all bounded, and what is over a bound or
//! not as GitHub documents it is "does not parse", never "reports nothing".

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::github::{Cause, Hidden};

/// GitHub reads no larger workflow file.
const LARGEST: usize = 1 << 20;
/// GitHub starts no more jobs of one matrix.
const MOST_CELLS: usize = 256;
/// GitHub cuts longer names.
const LONGEST_NAME: usize = 100;
/// No branch pattern needs more characters, and matching grows with them.
const LONGEST_PATTERN: usize = 1024;
/// So many characters of patterns for branches and tags are judged. Each is held against every branch that is asked about.
const MOST_FILTERS: usize = 32 << 10;
/// A job's key is a word, and stands in every name of what it calls.
const LONGEST_ID: usize = 1024;
/// GitHub reads no longer text that may hold an expression.
const LONGEST_TEXT: usize = 21_000;
/// So many bytes do the cells of all matrices have together, each of which has values of its own.
const MOST_CELL_BYTES: usize = 4 << 20;

/// A workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// What starts it, by GitHub's name of the event.
    pub triggers: BTreeMap<String, Trigger>,
    /// Its jobs, in the order of the file.
    pub jobs: Vec<Arc<Job>>,
}

/// What an event must be like to start a workflow. `None` is no condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trigger {
    /// Only for these branches.
    pub branches: Option<Vec<String>>,
    /// Not for these branches.
    pub branches_ignore: Option<Vec<String>>,
    /// Only for these tags.
    pub tags: Option<Vec<String>>,
    /// Not for these tags.
    pub tags_ignore: Option<Vec<String>>,
    /// Only when one of these paths changed.
    pub paths: Option<Vec<String>>,
    /// Not when only these paths changed.
    pub paths_ignore: Option<Vec<String>>,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its key.
    pub id: String,
    /// Its `name`, expressions and all.
    pub name: Option<String>,
    /// Its `if`, without a `${{ }}` around all of it.
    pub condition: Option<String>,
    /// The jobs that must succeed first.
    pub needs: Vec<String>,
    /// The workflow it calls.
    pub uses: Option<String>,
    /// Its `strategy.matrix`.
    pub matrix: Matrix,
}

/// How often a job runs, and with what.
#[derive(Debug, Clone, PartialEq)]
pub enum Matrix {
    /// Once.
    None,
    /// Once for each of these.
    Cells(Vec<Cell>),
    /// As an expression, or more than is followed here.
    Dynamic,
}

/// One run of a matrix job.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    values: Vec<(String, Value)>,
    /// Its name is longer than its first values tell: `include` added to it.
    extended: bool,
}

/// The name of a check, some of which may only be known when the job runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Unknown,
}

/// Whether something is so, as far as a workflow file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likely {
    /// It is not.
    No,
    /// It depends on what is only known when the workflow runs.
    Possibly,
    /// It is.
    Certainly,
}

impl Name {
    /// A name that is known.
    pub fn of(text: &str) -> Name {
        let mut name = Name::default();
        name.push(text);
        name
    }

    fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Part::Text(text.to_owned())),
        }
    }

    /// Adds something that is only known when the job runs.
    pub fn push_unknown(&mut self) {
        if self.0.last() != Some(&Part::Unknown) {
            self.0.push(Part::Unknown);
        }
    }

    /// `caller / callee`.
    #[must_use]
    pub fn call(&self, callee: &Name) -> Name {
        let mut name = self.clone();
        name.push(" / ");
        for part in &callee.0 {
            match part {
                Part::Text(text) => name.push(text),
                Part::Unknown => name.push_unknown(),
            }
        }
        name
    }

    /// The whole name, if it is known.
    pub fn known(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether this is the check's name.
    pub fn is(&self, context: &str) -> Likely {
        if let Some(known) = self.known() {
            return if known == context { Likely::Certainly } else { Likely::No };
        }
        let mut rest = context;
        let mut anchored = true;
        let last = self.0.len().saturating_sub(1);
        for (index, part) in self.0.iter().enumerate() {
            let Part::Text(text) = part else {
                anchored = false;
                continue;
            };
            let found = if anchored {
                rest.strip_prefix(text.as_str())
            } else if index == last {
                rest.strip_suffix(text.as_str()).map(|_| "")
            } else {
                rest.split_once(text.as_str()).map(|(_, after)| after)
            };
            match found {
                Some(after) => rest = after,
                None => return Likely::No,
            }
            anchored = true;
        }
        if anchored && !rest.is_empty() { Likely::No } else { Likely::Possibly }
    }

    /// How many characters are known.
    fn length(&self) -> usize {
        let length = |part: &Part| match part {
            Part::Text(text) => text.chars().count(),
            Part::Unknown => 0,
        };
        self.0.iter().map(length).sum()
    }

    /// As GitHub cuts it, whatever the parts are that are not known yet.
    pub fn cut(self) -> Name {
        if self.length() <= LONGEST_NAME {
            return self;
        }
        let mut name = Name::default();
        let mut left = LONGEST_NAME - 3;
        for part in self.0 {
            match part {
                Part::Unknown => name.push_unknown(),
                Part::Text(text) => {
                    let start: String = text.chars().take(left).collect();
                    left = left.saturating_sub(start.chars().count());
                    name.push(&start);
                }
            }
            if left == 0 {
                break;
            }
        }
        name.push_unknown();
        name
    }
}

/// Reads a workflow.
///
/// # Errors
/// It is too large, no YAML as GitHub takes it, or no workflow. The reason is for people.
pub fn parse(text: &str) -> Result<Workflow, String> {
    if text.len() > LARGEST {
        return Err("it is too large".to_owned());
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 40,
            flow_nesting_limit: 40,
            max_events: 200_000,
            max_nodes: 100_000,
            max_anchors: 1_000,
            max_aliases: 1_000,
            max_documents: 1,
            max_total_scalar_bytes: 4 << 20,
            max_recorded_anchor_bytes: 4 << 20,
            max_recorded_anchor_events: 100_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 50_000,
            max_replay_stack_depth: 16,
        },
        // GitHub reads YAML 1.2, in which `on` is a word, and takes no merge keys.
        strict_booleans: true,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        with_snippet: false,
    };
    let file: Value = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = error.to_string();
        error.lines().next().unwrap_or_default().chars().take(200).collect::<String>()
    })?;
    let file = file.as_object().ok_or("it is no map")?;
    let jobs = file.get("jobs").and_then(Value::as_object).ok_or("it has no `jobs`")?;
    // Readers of YAML 1.1 take `on` for `true`, and write it so.
    let triggers = triggers(file.get("on").or_else(|| file.get("true")).ok_or("it has no `on`")?)?;
    if triggers.values().flat_map(Trigger::filters).map(|pattern| pattern.len() + 1).sum::<usize>() > MOST_FILTERS {
        return Err(format!(
            "its filters for branches and tags have more than the {MOST_FILTERS} characters that are judged here"
        ));
    }
    let mut bytes = 0;
    let jobs = jobs.iter().map(|(id, job)| read_job(id, job, &mut bytes).map(Arc::new)).collect::<Result<_, _>>()?;
    Ok(Workflow { triggers, jobs })
}

fn triggers(on: &Value) -> Result<BTreeMap<String, Trigger>, String> {
    if let Some(events) = on.as_object() {
        return events
            .iter()
            .map(|(event, filter)| {
                let filter = |key: &str| filter.get(key).filter(|value| !value.is_null()).map(texts).transpose();
                let trigger = Trigger {
                    branches: filter("branches")?,
                    branches_ignore: filter("branches-ignore")?,
                    tags: filter("tags")?,
                    tags_ignore: filter("tags-ignore")?,
                    paths: filter("paths")?,
                    paths_ignore: filter("paths-ignore")?,
                };
                Ok((event.clone(), trigger))
            })
            .collect();
    }
    Ok(texts(on)?.into_iter().map(|event| (event, Trigger::default())).collect())
}

/// `bytes` is how many the cells of matrices have so far.
fn read_job(id: &str, job: &Value, bytes: &mut usize) -> Result<Job, String> {
    let text = |key: &str| match job.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() > LONGEST_TEXT => {
            Err(format!("`{key}` of a job is longer than the {LONGEST_TEXT} characters that GitHub reads"))
        }
        Some(value) => scalar(value).map(Some).ok_or_else(|| format!("`{key}` of the job `{id}` is no text")),
    };
    if id.len() > LONGEST_ID {
        return Err(format!("a job's key has more than the {LONGEST_ID} bytes that are read here"));
    }
    if !job.is_object() {
        return Err(format!("the job `{id}` is no map"));
    }
    Ok(Job {
        id: id.to_owned(),
        name: text("name")?.filter(|name| !name.is_empty()),
        condition: text("if")?.map(|condition| bare(&condition).to_owned()).filter(|condition| !condition.is_empty()),
        needs: job.get("needs").filter(|needs| !needs.is_null()).map(texts).transpose()?.unwrap_or_default(),
        uses: text("uses")?,
        matrix: matrix(
            job.pointer("/strategy/matrix").or_else(|| job.get("strategy").filter(|strategy| strategy.is_string())),
            bytes,
        ),
    })
}

/// One text, or a list of them.
fn texts(value: &Value) -> Result<Vec<String>, String> {
    let text = |value: &Value| scalar(value).ok_or_else(|| "something is no text where texts belong".to_owned());
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        value => Ok(vec![text(value)?]),
    }
}

/// As GitHub prints it.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if !number.is_i64() && !number.is_u64() => float.to_string(),
            _ => number.to_string(),
        }),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A condition without a `${{ }}` around all of it.
fn bare(condition: &str) -> &str {
    let condition = condition.trim();
    condition
        .strip_prefix("${{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .filter(|inner| !inner.contains("${{") && !inner.contains("}}"))
        .map_or(condition, str::trim)
}

fn has_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${{"),
        Value::Array(values) => values.iter().any(has_expression),
        Value::Object(values) => values.values().any(has_expression),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The cells of a matrix, by [GitHub's rules](https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrix):
/// every combination, without those that `exclude` names, each with what `include` adds to it, and the rest of `include`.
///
/// `bytes` is how many cells had so far.
fn matrix(matrix: Option<&Value>, bytes: &mut usize) -> Matrix {
    let matrix = match matrix {
        None | Some(Value::Null) => return Matrix::None,
        Some(matrix) if has_expression(matrix) => return Matrix::Dynamic,
        Some(matrix) if !has_room(matrix, bytes) => return Matrix::Dynamic,
        Some(Value::Object(matrix)) => matrix,
        Some(_) => return Matrix::Dynamic,
    };
    let mut cells = vec![Vec::new()];
    let mut keys = Vec::new();
    for (key, values) in matrix.iter().filter(|(key, _)| !matches!(key.as_str(), "include" | "exclude")) {
        let Some(values) = values.as_array() else {
            return Matrix::Dynamic;
        };
        if cells.len().saturating_mul(values.len()) > MOST_CELLS {
            return Matrix::Dynamic;
        }
        keys.push(key.as_str());
        cells = cells
            .iter()
            .flat_map(|cell: &Vec<(String, Value)>| {
                values.iter().map(|value| {
                    let mut cell = cell.clone();
                    cell.push((key.clone(), value.clone()));
                    cell
                })
            })
            .collect();
    }
    if keys.is_empty() {
        cells.clear();
    }
    let list = |key: &str| match matrix.get(key) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(list)) if list.len() <= MOST_CELLS => list.iter().map(Value::as_object).collect(),
        Some(_) => None,
    };
    let (Some(exclude), Some(include)) = (list("exclude"), list("include")) else {
        return Matrix::Dynamic;
    };
    let has = |cell: &[(String, Value)], key: &str, value: &Value| cell.iter().any(|(k, v)| k == key && v == value);
    cells.retain(|cell| !exclude.iter().any(|entry| entry.iter().all(|(key, value)| has(cell, key, value))));
    let originals = cells.clone();
    let mut cells: Vec<Cell> = cells.into_iter().map(|values| Cell { values, extended: false }).collect();
    let mut further = Vec::new();
    for entry in include {
        let mut taken = false;
        for (cell, original) in cells.iter_mut().zip(&originals) {
            if entry.iter().all(|(key, value)| !keys.contains(&key.as_str()) || has(original, key, value)) {
                taken = true;
                for (key, value) in entry.iter().filter(|(key, _)| !keys.contains(&key.as_str())) {
                    cell.values.retain(|(before, _)| before != key);
                    cell.values.push((key.clone(), value.clone()));
                    cell.extended = true;
                }
            }
        }
        if !taken {
            let values = entry.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            further.push(Cell { values, extended: false });
        }
    }
    cells.extend(further);
    if cells.len() > MOST_CELLS { Matrix::Dynamic } else { Matrix::Cells(cells) }
}

/// Counts what the cells of a matrix have at most, and says whether that is still followed.
fn has_room(matrix: &Value, bytes: &mut usize) -> bool {
    let lists = matrix.as_object().into_iter().flatten().filter(|(key, _)| !matches!(key.as_str(), "include" | "exclude"));
    let cells = lists.map(|(_, values)| values.as_array().map_or(1, Vec::len)).fold(1_usize, usize::saturating_mul);
    *bytes = bytes.saturating_add(weight(matrix).saturating_mul(cells.min(MOST_CELLS)));
    *bytes <= MOST_CELL_BYTES
}

fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 1,
        Value::Array(values) => values.iter().map(weight).sum::<usize>() + 1,
        Value::Object(values) => values.iter().map(|(key, value)| key.len() + weight(value)).sum::<usize>() + 1,
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

impl Cell {
    /// The value of `matrix.<path>`.
    fn value(&self, path: &str) -> Option<&Value> {
        let mut path = path.split('.');
        let key = path.next()?;
        let mut value = &self.values.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?.1;
        for key in path {
            value = value.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?.1;
        }
        Some(value)
    }

    /// ` (a, b)`: every text in its values.
    fn suffix(&self) -> Name {
        fn gather(value: &Value, found: &mut Vec<Option<String>>) {
            match value {
                Value::Object(values) => values.values().for_each(|value| gather(value, found)),
                Value::Array(_) => found.push(None),
                value => found.extend(scalar(value).filter(|text| !text.is_empty()).map(Some)),
            }
        }
        let mut texts = Vec::new();
        self.values.iter().for_each(|(_, value)| gather(value, &mut texts));
        let mut name = Name::default();
        if self.extended || texts.iter().any(Option::is_none) {
            name.push(" (");
            name.push_unknown();
            name.push(")");
        } else if !texts.is_empty() {
            name.push(" (");
            name.push(&texts.into_iter().flatten().collect::<Vec<_>>().join(", "));
            name.push(")");
        }
        name
    }
}

impl Job {
    /// The names under which it reports, one for each time it runs.
    pub fn names(&self) -> Vec<Name> {
        let text = self.name.as_deref().unwrap_or(&self.id);
        let evaluated = self.name.is_some() && text.contains("${{");
        match &self.matrix {
            Matrix::None => vec![evaluate(text, None).cut()],
            Matrix::Cells(cells) => cells
                .iter()
                .map(|cell| {
                    let mut name = evaluate(text, Some(cell));
                    // GitHub adds the values to a name that does not choose some itself.
                    if !evaluated {
                        for part in cell.suffix().0 {
                            match part {
                                Part::Text(text) => name.push(&text),
                                Part::Unknown => name.push_unknown(),
                            }
                        }
                    }
                    name.cut()
                })
                .collect(),
            Matrix::Dynamic => {
                let mut name = evaluate(text, None);
                if !evaluated {
                    name.push(" (");
                    name.push_unknown();
                    name.push(")");
                }
                vec![name.cut()]
            }
        }
    }
}

/// A name with its `${{ matrix.x }}` filled in; what other expressions give is unknown.
fn evaluate(text: &str, cell: Option<&Cell>) -> Name {
    let mut name = Name::default();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        name.push(before);
        let Some(end) = end_of_expression(after) else {
            name.push_unknown();
            return name;
        };
        let (expression, following) = after.split_at(end);
        let value = expression
            .trim()
            .strip_prefix("matrix.")
            .filter(|path| path.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .and_then(|path| cell?.value(path))
            .and_then(scalar);
        match value {
            Some(value) => name.push(&value),
            None => name.push_unknown(),
        }
        // What GitHub cuts off is not put together.
        if name.length() > LONGEST_NAME {
            name.push_unknown();
            return name;
        }
        rest = following.get(2..).unwrap_or_default();
    }
    name.push(rest);
    name
}

/// Where the `}}` is that ends an expression, which may hold texts in quotes.
fn end_of_expression(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut chars = text.char_indices().peekable();
    while let Some((index, c)) = chars.next() {
        match c {
            '\'' => quoted = !quoted,
            '}' if !quoted && chars.peek().is_some_and(|(_, next)| *next == '}') => return Some(index),
            _ => {}
        }
    }
    None
}

impl Trigger {
    /// The patterns for branches and tags.
    fn filters(&self) -> impl Iterator<Item = &String> {
        [&self.branches, &self.branches_ignore, &self.tags, &self.tags_ignore].into_iter().flatten().flatten()
    }

    /// Whether it is for the branch, given without `refs/heads/`.
    ///
    /// # Errors
    /// A pattern that this program can't give GitHub's meaning.
    pub fn is_for_branch(&self, branch: &str) -> Result<bool, Hidden> {
        match (&self.branches, &self.branches_ignore) {
            (Some(patterns), _) => matches(patterns, branch),
            (None, Some(patterns)) => Ok(!matches(patterns, branch)?),
            // A filter for tags alone excludes every branch.
            (None, None) => Ok(self.tags.is_none() && self.tags_ignore.is_none()),
        }
    }

    /// Whether it depends on which paths change.
    pub fn has_paths(&self) -> bool {
        self.paths.is_some() || self.paths_ignore.is_some()
    }
}

/// Whether the patterns, the last of which wins, are for the name.
fn matches(patterns: &[String], name: &str) -> Result<bool, Hidden> {
    let mut found = false;
    for pattern in patterns {
        let (positive, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (false, rest),
            None => (true, pattern.as_str()),
        };
        if pattern.contains(['?', '+', '[', ']', '\\']) || pattern.len() > LONGEST_PATTERN {
            return Err(Hidden::new(Cause::Unknown, format!("the workflow's filter `{pattern}` can't be judged here")));
        }
        // `**/` may also stand for no folder at all.
        if glob(pattern, name) || (pattern.contains("**/") && glob(&pattern.replace("**/", ""), name)) {
            found = positive;
        }
    }
    Ok(found)
}

/// `*` within a segment, `**` anywhere. Work is at most the product of both lengths.
fn glob(pattern: &str, name: &str) -> bool {
    let mut tokens: Vec<(char, bool)> = Vec::new();
    for c in pattern.chars() {
        match (c, tokens.last_mut()) {
            ('*', Some(('*', double))) => *double = true,
            _ => tokens.push((c, false)),
        }
    }
    let name: Vec<char> = name.chars().collect();
    // Which prefixes of the name the tokens so far can match.
    let mut reached = vec![false; name.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for (token, double) in tokens {
        let mut next = vec![false; reached.len()];
        let mut carried = false;
        for ((slot, here), c) in next.iter_mut().zip(&reached).zip(std::iter::once(None).chain(name.iter().map(Some))) {
            // `c` is the character before this place; `carried` says whether the place before it was reached.
            if token == '*' {
                *slot = *here || (carried && c.is_some_and(|c| double || *c != '/'));
                carried = *slot;
            } else {
                *slot = carried && c == Some(&token);
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

    fn job(text: &str) -> Job {
        let text = format!("on: push\njobs:\n  test:\n    runs-on: x\n{text}");
        Job::clone(&parse(&text).unwrap().jobs[0])
    }

    fn names(text: &str) -> Vec<String> {
        job(text).names().iter().map(|name| name.known().unwrap_or("?").to_owned()).collect()
    }

    #[test]
    fn triggers_have_three_forms() {
        for on in ["on: push", "on: [push]", "on:\n  push:", "'on': push", "true: push"] {
            let workflow = parse(&format!("{on}\njobs: {{}}\n")).unwrap();
            assert_eq!(workflow.triggers.into_iter().collect::<Vec<_>>(), [("push".to_owned(), Trigger::default())]);
        }
        let workflow =
            parse("on:\n  pull_request:\n    branches: main\n    paths: [a, b]\n  schedule: [{cron: x}]\njobs: {}").unwrap();
        let trigger = workflow.triggers.get("pull_request").unwrap();
        assert_eq!(trigger.branches, Some(vec!["main".to_owned()]));
        assert!(trigger.has_paths());
        assert!(workflow.triggers.contains_key("schedule"));
    }

    #[test]
    fn jobs_report_under_these_names() {
        assert_eq!(names(""), ["test"]);
        assert_eq!(names("    name: Unit\n"), ["Unit"]);
        assert_eq!(names("    strategy: {matrix: {os: [a, b], v: [1.10, 3, true]}}\n").first().unwrap(), "test (a, 1.1)");
        assert_eq!(names("    name: T\n    strategy: {matrix: {v: [1, 2]}}\n"), ["T (1)", "T (2)"]);
        assert_eq!(names("    name: 'T ${{ matrix.v.n }}!'\n    strategy: {matrix: {v: [{n: 1}, {n: x}]}}\n"), ["T 1!", "T x!"]);
        assert_eq!(names("    name: T ${{ inputs.x }}\n"), ["?"]);
        assert_eq!(names("    strategy: {matrix: '${{ fromJSON(x) }}'}\n"), ["?"]);
    }

    #[test]
    fn matrices_include_and_exclude() {
        let text = "    strategy:\n      matrix:\n        a: [1, 2]\n        b: [x, y]\n        exclude: [{a: 1, b: y}]\n        \
                    include: [{a: 2, c: z}, {a: 3}, {a: 1, b: y}]\n";
        assert_eq!(names(text), ["test (1, x)", "?", "?", "test (3)", "test (1, y)"]);
        assert_eq!(names("    strategy: {matrix: {include: [{a: 1}, {a: 2, b: 3}]}}\n"), ["test (1)", "test (2, 3)"]);
        let large = format!("    strategy: {{matrix: {{a: {0:?}, b: {0:?}}}}}\n", (0..17).collect::<Vec<_>>());
        assert_eq!(job(&large).matrix, Matrix::Dynamic);
    }

    #[test]
    fn what_is_not_known_of_a_name_can_be_anything() {
        let name = job("    name: a ${{ x }} b ${{ y }}c\n").names().remove(0);
        assert_eq!(name.is("a 1 b 2c"), Likely::Possibly);
        assert_eq!(name.is("a 1 b 2"), Likely::No);
        assert_eq!(name.is("b 1 b 2c"), Likely::No);
        assert_eq!(Name::of("x").is("x"), Likely::Certainly);
        let mut call = Name::of("x").call(&Name::default());
        call.push_unknown();
        assert_eq!(call.is("x / y"), Likely::Possibly);
        assert_eq!(call.is("x"), Likely::No);
        let quoted = job("    name: \"a ${{ format('}}{0}', 1) }} b\"\n").names().remove(0);
        assert_eq!(quoted.is("a }}1 b"), Likely::Possibly);
        assert_eq!(quoted.is("a }}1"), Likely::No);
    }

    #[test]
    fn long_names_are_cut() {
        let long = "x".repeat(120);
        let name = job(&format!("    name: {long}\n")).names().remove(0);
        assert_eq!(name.is(&long), Likely::Possibly);
        assert_eq!(name.is(&format!("{}...", "x".repeat(97))), Likely::Possibly);
        assert_eq!(name.is(&"x".repeat(96)), Likely::No);
        // What GitHub fills in makes it no shorter.
        let name = job(&format!("    name: a${{{{ x }}}}{long}\n")).names().remove(0);
        assert_eq!(name.is(&format!("a{}", "x".repeat(99))), Likely::Possibly);
        assert_eq!(name.is(&"x".repeat(100)), Likely::No);
    }

    #[test]
    fn filters_match_as_documented() {
        let trigger = |branches: &[&str]| Trigger {
            branches: Some(branches.iter().map(|branch| (*branch).to_owned()).collect()),
            ..Trigger::default()
        };
        for (patterns, name, expected) in [
            (&["main"][..], "main", true),
            (&["main"], "main2", false),
            (&["*"], "a/b", false),
            (&["**"], "a/b", true),
            (&["releases/**"], "releases/a/b", true),
            (&["releases/**-alpha"], "releases/a-alpha", true),
            (&["releases/**", "!releases/**-alpha"], "releases/a-alpha", false),
            (&["!x", "x"], "x", true),
            (&["**/x"], "x", true),
            (&["**/x"], "ax", false),
            (&["a*c"], "abbc", true),
            (&["a*c"], "a/c", false),
            (&[], "x", false),
        ] {
            assert_eq!(trigger(patterns).is_for_branch(name), Ok(expected), "{patterns:?} {name}");
        }
        assert!(trigger(&["v[0-9]"]).is_for_branch("v1").is_err());
        let ignore = Trigger { branches_ignore: Some(vec!["main".to_owned()]), ..Trigger::default() };
        assert_eq!(ignore.is_for_branch("main"), Ok(false));
        let tags = Trigger { tags: Some(vec!["v*".to_owned()]), ..Trigger::default() };
        assert_eq!(tags.is_for_branch("main"), Ok(false));
    }

    #[test]
    fn hostile_texts_end() {
        let bomb = {
            let mut text = "a0: &a0 [x, x]\n".to_owned();
            for level in 1..30 {
                text.push_str(&format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
            }
            text + "on: push\njobs: {}\n"
        };
        let deep = format!("on: push\njobs: {}{}", "[".repeat(5_000), "]".repeat(5_000));
        let wide = format!("x: &x {}\ny: [{}]\non: push\njobs: {{}}\n", "y".repeat(500_000), "*x,".repeat(999));
        let long = format!("on: push\njobs: {{}}\nx: {}", "y".repeat(2_000_000));
        for text in [&*bomb, &deep, &wide, &long, "", "a", "- b", "on: push", "jobs: {}", "on: push\njobs: {a: 1}", "\u{0}", "%"]
        {
            assert!(parse(text).is_err(), "{}", text.chars().take(40).collect::<String>());
        }
        assert!(!glob(&"*a".repeat(500), &"a".repeat(499)));
    }
}
