//! What programs read is what the published schemas say.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Server, clean};

pub(crate) fn schema(name: &str) -> jsonschema::Validator {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schemas/{name}.schema.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

#[track_caller]
pub(crate) fn valid(schema: &jsonschema::Validator, value: &Value) {
    let errors: Vec<_> = schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

const POLICY: &str = r#"
[[ruleset]]
name = "main"
target = "branch"
refs = ["main"]
bypass = [{ actor = "lead", reason = "maintains" }, { actor = "late", until = 2020-01-31 }]
[ruleset.rules]
update = true
pull_request = { required_approving_review_count = 1 }
file_path_restriction = { restricted_file_paths = ["secret/**/*"] }
"#;

#[test]
fn verdicts_and_decisions() {
    let server = Server::new(POLICY);
    let work = server.with_main(&[("a", "1")]);
    work.commit("touch", &[("secret/a", "1")]);
    let verdict = schema("verdict");
    let json = |output: &str| -> Value {
        let line = output
            .lines()
            .filter_map(|line| line.strip_prefix("remote: refwarden-json: "))
            .next_back()
            .unwrap_or_else(|| panic!("{output}"));
        serde_json::from_str(line.trim_end()).unwrap()
    };
    for actor in ["dev", "late", "", "lead"] {
        let pushed = work.push(actor, &["-o", "refwarden=json", "main"]);
        valid(&verdict, &json(&pushed.output));
        assert_eq!(pushed.accepted, actor == "lead", "{}", pushed.output);
    }
    work.push("dev", &["HEAD:refs/odd/x"]).refuse("allowed_refs");
    work.push("lead", &["HEAD:refs/heads/topic"]).accept();

    let decision = schema("decision");
    let lines = server.decisions();
    assert_eq!(lines.len(), 6);
    for line in &lines {
        valid(&decision, line);
    }
    // The schema can tell: a misspelt, a missing and a strange key are seen.
    for spoil in [|line: &mut Value| line["decison"] = Value::Null, |line: &mut Value| line["id"] = Value::Null] {
        let mut line = lines[0].clone();
        spoil(&mut line);
        assert!(!decision.is_valid(&line));
    }
}

#[test]
fn explanations_and_checks() {
    let server = Server::new(POLICY);
    let work = server.with_main(&[("a", "1")]);
    work.commit("touch", &[("secret/a", "1")]);
    let mut explain = clean(env!("CARGO_BIN_EXE_refwarden"), server.folder.path());
    explain.arg("explain").arg("--repo").arg(&server.dir).arg("--objects").arg(&work.dir);
    let new = work.id("HEAD");
    let output = explain.args(["--actor", "dev", "--json", "refs/heads/main", "main", &new]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    valid(&schema("verdict"), &serde_json::from_slice(&output.stdout).unwrap());

    let check = schema("check");
    for (text, code) in [("version = 1\n", 0), ("version = 1\ngroup = 1\n", 2)] {
        let path = server.folder.path().join("policy.toml");
        fs::write(&path, text).unwrap();
        let output =
            clean(env!("CARGO_BIN_EXE_refwarden"), server.folder.path()).args(["check", "--json"]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        valid(&check, &serde_json::from_slice(&output.stdout).unwrap());
    }
}
