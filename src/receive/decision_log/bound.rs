//! How large a record may get. What is pushed decides how much there is to write, and every decision must be written: so a record
//! is cut to fit, and says what was cut. No I/O.

use serde_json::{Map, Value, json};

/// The longest text in bytes. No longer name fits into a path of the files backend.
const TEXT: usize = 4096;
/// The most that `updates`, and `evaluations`, take in bytes of JSON.
pub(crate) const LIST: usize = 4 << 20;
/// The most that the violations of one evaluation, and `expired_bypasses`, take in bytes of JSON.
const PART: usize = 64 << 10;

/// Cuts a record so that it can be appended, whatever was pushed: texts, then entries of its lists from their end. `texts_cut`
/// counts the texts that were cut; `updates_total` and `evaluations_total` count the entries where not all are listed.
pub fn fit(body: &mut Map<String, Value>) {
    let mut cut = 0_u64;
    for (_, value) in body.iter_mut() {
        texts(value, &mut cut);
    }
    for evaluation in body.get_mut("evaluations").and_then(Value::as_array_mut).into_iter().flatten() {
        // Their number is in `violations_total` already.
        if let Some(violations) = evaluation.get_mut("violations").and_then(Value::as_array_mut) {
            keep(violations, PART);
        }
    }
    for (list, limit) in [("updates", LIST), ("evaluations", LIST), ("expired_bypasses", PART)] {
        let Some(entries) = body.get_mut(list).and_then(Value::as_array_mut) else { continue };
        let total = entries.len();
        if keep(entries, limit) {
            body.entry(format!("{list}_total")).or_insert_with(|| json!(total));
        }
    }
    if cut > 0 {
        body.insert("texts_cut".to_owned(), json!(cut));
    }
}

/// Keeps the first entries that fit into so many bytes. Whether any were dropped.
fn keep(entries: &mut Vec<Value>, limit: usize) -> bool {
    let mut bytes = 0_usize;
    let kept = entries.iter().take_while(|entry| {
        bytes = bytes.saturating_add(entry.to_string().len() + 1);
        bytes <= limit
    });
    let kept = kept.count();
    let dropped = kept < entries.len();
    entries.truncate(kept);
    dropped
}

fn texts(value: &mut Value, cut: &mut u64) {
    match value {
        Value::String(text) => {
            if text.len() > TEXT {
                let end = (0..=TEXT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
                text.truncate(end);
                text.push('…');
                *cut += 1;
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| texts(entry, cut)),
        Value::Object(members) => {
            if let Some(Value::String(hex)) = members.get_mut("bytes_hex") {
                // Two digits a byte, and nothing but digits.
                if hex.len() > 2 * TEXT {
                    hex.truncate(2 * TEXT);
                    *cut += 1;
                }
                return;
            }
            members.iter_mut().for_each(|(_, member)| texts(member, cut));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(value: Value) -> Value {
        let Value::Object(mut body) = value else { unreachable!() };
        fit(&mut body);
        Value::Object(body)
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let body =
            json!({ "actor": "x".repeat(TEXT), "updates": [{ "ref": { "bytes_hex": "ff".repeat(TEXT) } }], "evaluations": [] });
        assert_eq!(fitted(body.clone()), body);
    }

    #[test]
    fn what_is_cut_is_counted() {
        let update = |name: &str| json!({ "ref": name, "old": null });
        let updates: Vec<Value> = (0..5000).map(|_| update(&"é".repeat(5000))).collect();
        let violation = json!({ "what": "\u{7f}".repeat(9000), "path": { "bytes_hex": "fe".repeat(60_000) } });
        let evaluation = json!({ "rule": "x", "violations": vec![violation; 20], "violations_total": 20 });
        let body = json!({ "updates": updates, "evaluations": vec![evaluation; 20], "evaluations_total": 7000, "cause": "c".repeat(1 << 20) });
        let fitted = fitted(body);
        assert!(fitted.to_string().len() < 10 << 20);
        assert_eq!((&fitted["updates_total"], &fitted["evaluations_total"]), (&json!(5000), &json!(7000)));
        assert_eq!(fitted["texts_cut"], json!(5000 + 2 * 20 * 20 + 1));
        assert_eq!(fitted["cause"], json!(format!("{}…", "c".repeat(TEXT))));
        assert!(fitted["updates"].as_array().unwrap().len() > 900);
        let evaluations = fitted["evaluations"].as_array().unwrap();
        assert_eq!(evaluations.len(), 20);
        assert_eq!(evaluations[0]["violations_total"], json!(20));
        assert!(evaluations[0]["violations"].as_array().unwrap().len() < 10);
        assert_eq!(evaluations[0]["violations"][0]["path"]["bytes_hex"].as_str().unwrap().len(), 2 * TEXT);
    }
}
