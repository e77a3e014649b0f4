//! A pre-receive hook's standard input, read strictly: a ref name reaches the hook before git has checked it, and a name with
//! a line break in it would otherwise forge a line.

use std::io::Read;

use crate::git::{Change, ObjectFormat, Oid, RefName, RefUpdate};
use crate::push::{Cause, Undecided};

/// Some 150,000 refs.
const MAX_BYTES: u64 = 16 << 20;

/// Reads standard input to its end.
///
/// # Errors
/// It cannot be read, or is too long.
pub fn read(stdin: &mut dyn Read) -> Result<Vec<u8>, Undecided> {
    let mut bytes = Vec::new();
    stdin
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Undecided::new(format!("cannot read standard input: {error}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Undecided::new(format!("standard input is longer than {MAX_BYTES} bytes"))
            .cause(Cause::Budget)
            .help("push fewer refs at a time"));
    }
    Ok(bytes)
}

/// Parses `OLD NEW REF` lines.
///
/// # Errors
/// The input is empty, ends in the middle of a line, or a line is not exactly as git writes it.
pub fn parse(input: &[u8], format: ObjectFormat) -> Result<Vec<RefUpdate>, Undecided> {
    let Some(lines) = input.strip_suffix(b"\n") else {
        return Err(Undecided::new(if input.is_empty() {
            "standard input is empty: git did not say what is pushed"
        } else {
            "standard input ends in the middle of a line"
        })
        .cause(Cause::Push));
    };
    lines.split(|&byte| byte == b'\n').enumerate().map(|(index, line)| parse_line(line, format, index + 1)).collect()
}

fn parse_line(line: &[u8], format: ObjectFormat, number: usize) -> Result<RefUpdate, Undecided> {
    let bad = |why: &str| Undecided::new(format!("line {number} of standard input is malformed: {why}")).cause(Cause::Push);
    let hex = format.hex_len();
    let (Some(old), Some(b' '), Some(new), Some(b' '), Some(name)) =
        (line.get(..hex), line.get(hex), line.get(hex + 1..2 * hex + 1), line.get(2 * hex + 1), line.get(2 * hex + 2..))
    else {
        return Err(bad("it is not `<old> <new> <ref>`"));
    };
    let id = |text: &[u8]| -> Result<Option<Oid>, Undecided> {
        if text.iter().all(|&byte| byte == b'0') {
            Ok(None)
        } else {
            Oid::from_hex(text, format).map(Some).ok_or_else(|| bad("an object id is not of the repository's hash"))
        }
    };
    let (old, new) = (id(old)?, id(new)?);
    let name = RefName::parse(name).map_err(|error| bad(&format!("the ref name is not one that git takes: {}", error.0)))?;
    let change = match (old, new) {
        (None, Some(new)) => Change::Create { new },
        (Some(old), Some(new)) => Change::Update { old, new },
        (old, None) => Change::Delete { old },
    };
    Ok(RefUpdate { name, change })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn reads_what_git_writes() {
        let input =
            format!("{ZERO} {A} refs/heads/a\n{A} {B} refs/heads/b\n{A} {ZERO} refs/heads/c\n{ZERO} {ZERO} refs/heads/d\n");
        let updates = parse(input.as_bytes(), ObjectFormat::Sha1).unwrap();
        let verbs: Vec<_> = updates.iter().map(|update| update.change.verb()).collect();
        assert_eq!(verbs, ["create", "update", "delete", "delete"]);
    }

    #[test]
    fn refuses_everything_else() {
        for input in [
            String::new(),
            "\n".to_owned(),
            format!("{A} {B} refs/heads/a"),
            format!("{A} {B} refs/heads/a\n\n"),
            format!("{A}  {B} refs/heads/a\n"),
            format!("{A} {B} refs/heads/a \n"),
            format!("{A} {B} refs/heads/a\r\n"),
            format!("{A} {B} HEAD\n"),
            format!("{A} {B} main\n"),
            format!("{A} {B} refs/\n"),
            format!("{A} {B} refs/../x\n"),
            format!("{A} {B} \n"),
            format!("{A} {B}\n"),
            format!("{} {B} refs/heads/a\n", "g".repeat(40)),
            format!("{} {B} refs/heads/a\n", "A".repeat(40)),
            format!("{} {} refs/heads/a\n", "1".repeat(64), "2".repeat(64)),
            format!("{A} {B} refs/heads/a\nx\n"),
        ] {
            assert!(parse(input.as_bytes(), ObjectFormat::Sha1).is_err(), "{input:?}");
        }
    }
}
