//! What is wrong with a policy, and where.

/// A place in a policy file, counted from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong: lower case, no full stop, values in backticks.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The culprit's bytes in the file.
    pub span: std::ops::Range<usize>,
    /// Where the culprit begins.
    pub at: Location,
}
