//! Classic protection as GraphQL writes it: the only way to a pattern.

use serde_json::Value;

use super::super::state::State;
use super::super::token::Token;

pub fn apply(_state: &mut State, _token: &Token, _name: &str, _input: &Value) -> Result<Option<u64>, (&'static str, String)> {
    Err(("NOT_IMPLEMENTED", "Not Implemented".to_owned()))
}
