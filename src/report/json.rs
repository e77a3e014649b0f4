//! JSON: the result itself. It reads back as it was, and another version's is refused.

use serde_json::{Map, Value};

use super::{Report, Unwritable, text};

/// The version of the form.
const VERSION: u64 = 1;
const KIND: &str = "audit";

/// The result as JSON in ASCII.
///
/// # Errors
/// It can't be written as JSON.
pub fn render(report: &Report) -> Result<String, Unwritable> {
    let wrong = |error: serde_json::Error| Unwritable(error.to_string());
    let mut json = Map::new();
    json.insert("version".to_owned(), VERSION.into());
    json.insert("kind".to_owned(), KIND.into());
    let Value::Object(audit) = serde_json::to_value(&report.audit).map_err(wrong)? else {
        return Err(Unwritable("an audit is no object".to_owned()));
    };
    json.extend(audit);
    json.insert("cost".to_owned(), serde_json::to_value(report.cost).map_err(wrong)?);
    json.insert("since".to_owned(), serde_json::to_value(&report.since).map_err(wrong)?);
    let written = serde_json::to_string_pretty(&Value::Object(json)).map_err(wrong)?;
    Ok(text::ascii(&written) + "\n")
}

/// A result that was written by [`render`].
///
/// # Errors
/// It is something else; the reason is for people.
pub fn parse(bytes: &[u8]) -> Result<Report, String> {
    let json: Value = serde_json::from_slice(bytes).map_err(|error| format!("it is no JSON: {error}"))?;
    let Value::Object(mut json) = json else {
        return Err("it is no JSON object".to_owned());
    };
    match json.remove("kind") {
        Some(Value::String(kind)) if kind == KIND => {}
        _ => return Err(format!("it is no result of an audit: `kind` is not `{KIND}`")),
    }
    let version = json.remove("version").unwrap_or_default();
    if version.as_u64() != Some(VERSION) {
        return Err(format!("it has the version {version}, and this program reads version {VERSION}"));
    }
    let cost = json.remove("cost").unwrap_or_default();
    let since = json.remove("since").unwrap_or_default();
    let wrong = |error: serde_json::Error| format!("it is not what an audit writes: {error}");
    Ok(Report {
        audit: serde_json::from_value(Value::Object(json)).map_err(wrong)?,
        cost: serde_json::from_value(cost).map_err(wrong)?,
        since: serde_json::from_value(since).map_err(wrong)?,
    })
}
