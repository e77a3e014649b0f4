//! `[github]` and `[[exempt]]`: what the companion reads. The hook only checks that they load.

/// `[github]`.
#[derive(Debug, Clone)]
pub struct Github;

/// `[[exempt]]`.
#[derive(Debug, Clone)]
pub struct Exempt;
