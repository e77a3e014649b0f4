//! Writing rulesets.

use super::super::call::{Handled, refuse};
use super::super::rest::Visit;

pub fn create(_visit: &mut Visit<'_>) -> Handled {
    Err(refuse(501, "Not Implemented"))
}

pub fn update(_visit: &mut Visit<'_>) -> Handled {
    Err(refuse(501, "Not Implemented"))
}

pub fn delete(_visit: &mut Visit<'_>) -> Handled {
    Err(refuse(501, "Not Implemented"))
}
