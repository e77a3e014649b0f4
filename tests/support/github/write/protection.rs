//! Writing classic protection.

use super::super::call::{Handled, refuse};
use super::super::rest::Visit;

pub fn answer(_visit: &mut Visit<'_>, _part: &str) -> Handled {
    Err(refuse(501, "Not Implemented"))
}
