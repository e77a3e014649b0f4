//! Reports: every format as a golden file, and beside it a parser that reads it back and counts.
//!
//! `fixtures/reports/<name>.json` are results; `REFWARDEN_WRITE=1` writes what they are rendered to, and `docs/checks.md`.

use std::fs;
use std::path::{Path, PathBuf};

use quick_junit::{NonSuccessKind, Report as Junit, TestCaseStatus};
use refwarden::audit::Severity;
use refwarden::report::{self, Cost, Format, Options, Report, json, markdown};
use serde_json::Value;

const RESULTS: [&str; 3] = ["typical", "clean", "hostile"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn result(name: &str) -> Report {
    json::parse(&fs::read(root().join(format!("fixtures/reports/{name}.json"))).unwrap()).unwrap()
}

fn rendered(name: &str, format: Format, options: &Options) -> String {
    report::render(&result(name), format, options).unwrap()
}

/// The file says this, or is made to.
#[track_caller]
fn golden(path: &Path, text: &str) {
    if std::env::var_os("REFWARDEN_WRITE").is_some() {
        fs::write(path, text).unwrap();
    }
    let recorded = fs::read_to_string(path).unwrap_or_default();
    assert!(recorded == text, "{} is not what is printed; REFWARDEN_WRITE=1 writes it:\n{text}", path.display());
}

#[test]
fn every_format_is_what_its_file_says() {
    let plain = Options::default();
    let narrow = Options { width: Some(80), most: Some(1), colour: true, home: Some("acme/api".to_owned()) };
    for name in RESULTS {
        for (ending, format, options) in [
            ("terminal.txt", Format::Terminal, &plain),
            ("terminal-80.txt", Format::Terminal, &narrow),
            ("sarif", Format::Sarif, &narrow),
            ("junit.xml", Format::Junit, &plain),
            ("md", Format::Markdown, &plain),
        ] {
            golden(&root().join(format!("fixtures/reports/{name}.{ending}")), &rendered(name, format, options));
        }
    }
}

#[test]
fn the_documentation_of_the_checks_is_their_own_text() {
    golden(&root().join("docs/checks.md"), &report::catalogue::markdown());
}

/// Nothing but text: no escape sequences, no invisible or reordering characters, one row one line.
#[track_caller]
fn is_tame(text: &str) {
    for character in text.chars() {
        let odd = character.is_control() && character != '\n';
        assert!(!odd && !"\u{202e}\u{200b}\u{2028}\u{feff}".contains(character), "{character:?} in {text}");
    }
}

#[test]
fn a_result_reads_back_as_it_was() {
    for name in RESULTS {
        let report = result(name);
        let text = json::render(&report).unwrap();
        assert_eq!(json::parse(text.as_bytes()).unwrap(), report);
        assert_eq!(json::render(&json::parse(text.as_bytes()).unwrap()).unwrap(), text);
        assert!(text.is_ascii());
        is_tame(&text);
    }
}

#[test]
fn what_is_no_result_of_this_version_is_refused() {
    let good: Value = serde_json::from_str(&json::render(&result("typical")).unwrap()).unwrap();
    let refused = |change: fn(&mut Value), why: &str| {
        let mut bad = good.clone();
        change(&mut bad);
        let error = json::parse(bad.to_string().as_bytes()).unwrap_err();
        assert!(error.contains(why), "{error}");
    };
    refused(|json| json["version"] = 2.into(), "version 2");
    refused(|json| json["version"] = "1".into(), "version");
    refused(|json| json["version"] = Value::Null, "version");
    refused(|json| json["kind"] = "plan".into(), "kind");
    refused(|json| json["strange"] = 1.into(), "strange");
    refused(|json| json["findings"][0]["severity"] = "worse".into(), "worse");
    refused(|json| json["findings"][0]["fix"] = Value::Null, "null");
    refused(|json| json["cost"] = 3.into(), "invalid type");
    assert!(json::parse(b"").is_err() && json::parse(b"[]").is_err());
    let deep = "[".repeat(100_000);
    assert!(json::parse(deep.as_bytes()).is_err());
}

#[test]
fn results_are_what_the_schema_says() {
    let schema: Value = serde_json::from_slice(&fs::read(root().join("docs/schemas/audit.schema.json")).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for name in RESULTS {
        let json: Value = serde_json::from_str(&rendered(name, Format::Json, &Options::default())).unwrap();
        let errors: Vec<_> = schema.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        // The schema can tell, at every depth.
        for pointer in [
            "",
            "/findings/0",
            "/findings/0/place",
            "/cannot_tell/0/why",
            "/exempted/0",
            "/inventory",
            "/cost",
            "/drift/0",
            "/not_bound/0",
        ] {
            let mut strange = json.clone();
            if let Some(Value::Object(object)) = strange.pointer_mut(pointer) {
                object.insert("strange".to_owned(), Value::Null);
                assert!(!schema.is_valid(&strange), "{name}: `strange` in `{pointer}` is not seen");
            }
        }
    }
}

#[test]
fn a_terminal_gets_text_and_colours_only_when_asked() {
    for name in RESULTS {
        is_tame(&rendered(name, Format::Terminal, &Options::default()));
        let coloured = rendered(name, Format::Terminal, &Options { colour: true, ..Options::default() });
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), rendered(name, Format::Terminal, &Options::default()));
    }
    let clean = rendered("clean", Format::Terminal, &Options::default());
    assert_eq!(clean, "acme: nothing found (2 checks, 2 repositories)\n");
    let quiet = Report { cost: Some(Cost { requests: 3, ..Cost::default() }), ..result("clean") };
    let quiet = report::render(&quiet, Format::Terminal, &Options::default()).unwrap();
    assert_eq!(quiet, "acme: nothing found (2 checks, 2 repositories); 3 requests, 0 points, 0.0 s\n");
    let narrow = rendered("typical", Format::Terminal, &Options { width: Some(60), ..Options::default() });
    for line in narrow.lines().filter(|line| line.starts_with("    ") && !line.contains("see:")) {
        assert!(line.chars().count() <= 60, "{line}");
    }
}

#[test]
fn a_terminal_shows_the_worst_first_and_counts_what_it_leaves_out() {
    let text = rendered("typical", Format::Terminal, &Options { most: Some(1), ..Options::default() });
    let order = ["critical branch-unprotected", "high bypass-always", "medium codeowners", "low codeowners", "could not tell"];
    let places: Vec<_> = order.iter().map(|what| text.find(what).unwrap_or_else(|| panic!("no `{what}` in {text}"))).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains("    and 1 more\n"), "{text}");
    assert!(text.contains("needs the permission administration=write (2 answers, acme/api and 1 more)"), "{text}");
    assert!(text.ends_with("1.2 s, of which 0.5 s waiting for GitHub's limits\n"), "{text}");
    assert!(
        text.contains("2 critical, 1 high, 1 medium, 1 low (4 checks, 6 repositories); 3 differences from the policy; 4 things could not be told; 1 exempted"),
        "{text}"
    );
}

fn sarif(name: &str, home: Option<&str>) -> Value {
    let options = Options { home: home.map(str::to_owned), ..Options::default() };
    serde_json::from_str(&rendered(name, Format::Sarif, &options)).unwrap()
}

#[test]
fn sarif_is_valid() {
    let schema: Value =
        serde_json::from_slice(&fs::read(root().join("fixtures/sarif/sarif-schema-2.1.0.json")).unwrap()).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    for name in RESULTS {
        let sarif = sarif(name, None);
        let errors: Vec<_> = schema.iter_errors(&sarif).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        let mut strange = sarif;
        strange["runs"][0]["tool"]["driver"]["strange"] = 1.into();
        assert!(!schema.is_valid(&strange));
    }
}

#[test]
fn sarif_says_everything_that_code_scanning_asks_for() {
    for name in RESULTS {
        let report = result(name);
        let sarif = sarif(name, None);
        let run = &sarif["runs"][0];
        let (rules, results) = (run["tool"]["driver"]["rules"].as_array().unwrap(), run["results"].as_array().unwrap());
        assert_eq!(results.len(), report.audit.findings.len());
        for (result, finding) in results.iter().zip(&report.audit.findings) {
            assert_eq!(result["ruleId"], *finding.check);
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], *finding.check);
            assert_eq!(result["partialFingerprints"]["refwarden/v1"], *finding.fingerprint);
            let level = match finding.severity {
                Severity::Critical | Severity::High => "error",
                Severity::Medium => "warning",
                Severity::Low => "note",
            };
            assert_eq!(result["level"], level);
            let physical = &result["locations"][0]["physicalLocation"];
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.is_empty() && !uri.starts_with('/') && !uri.split('/').any(|part| part == ".."), "{uri}");
            assert!(uri.chars().all(|c| c.is_ascii_alphanumeric() || "-._~/%".contains(c)), "{uri}");
            assert!(physical["region"]["startLine"].as_u64().unwrap() >= 1);
            let message = result["message"]["text"].as_str().unwrap();
            is_tame(message);
            assert!(!message.replace("\\](", "").contains("]("), "{message}");
        }
        for rule in rules.iter().filter(|rule| rule["helpUri"].is_string()) {
            for pointer in ["/help/text", "/help/markdown", "/shortDescription/text", "/fullDescription/text"] {
                assert!(!rule.pointer(pointer).unwrap().as_str().unwrap().is_empty());
            }
            let score: f64 = rule["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
            assert!(score > 0.0 && score <= 10.0);
        }
        let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
        let unsure = report.audit.cannot_tell.len() + report.audit.inventory.as_ref().unwrap().unread.len();
        let drifted = report::summary::other_drift(&report.audit).count();
        assert_eq!(notes.len(), unsure + drifted + usize::from(!report.audit.exempted.is_empty()));
    }
}

#[test]
fn sarif_names_files_of_the_repository_it_is_uploaded_to() {
    let uri = |sarif: &Value, index: usize| {
        let place = format!("/runs/0/results/{index}/locations/0/physicalLocation/artifactLocation/uri");
        sarif.pointer(&place).unwrap().as_str().unwrap().to_owned()
    };
    let (elsewhere, api) = (sarif("typical", None), sarif("typical", Some("acme/API")));
    assert_eq!(uri(&elsewhere, 0), "acme/api/.github/refwarden");
    assert_eq!(uri(&elsewhere, 2), "acme/.github/refwarden");
    assert_eq!(uri(&elsewhere, 3), "acme/api/.github/CODEOWNERS");
    assert_eq!(uri(&api, 0), ".github/refwarden");
    assert_eq!(uri(&api, 3), ".github/CODEOWNERS");
    assert_eq!(uri(&api, 4), "acme/tools/docs/CODEOWNERS");
}

#[test]
fn junit_reads_back_with_the_same_counts() {
    for name in RESULTS {
        let report = result(name);
        let text = rendered(name, Format::Junit, &Options::default());
        is_tame(&text);
        let junit = Junit::deserialize_from_str(&text).unwrap();
        let cases: Vec<_> = junit.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
        let count = |wanted: fn(&TestCaseStatus) -> bool| cases.iter().filter(|case| wanted(&case.status)).count();
        let unread = &report.audit.inventory.as_ref().unwrap().unread;
        let failed = count(|status| matches!(status, TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. }));
        let errors = count(|status| matches!(status, TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. }));
        let drifted = report::summary::other_drift(&report.audit).count();
        assert_eq!(drifted, usize::from(name == "typical"));
        assert_eq!(failed, report.audit.findings.len() + drifted, "{text}");
        assert_eq!(errors, report.audit.cannot_tell.len() + unread.len(), "{text}");
        assert_eq!(count(|status| matches!(status, TestCaseStatus::Skipped { .. })), report.audit.exempted.len());
        assert_eq!(junit.failures, failed);
        assert_eq!(junit.errors, errors);
        for (case, finding) in cases
            .iter()
            .filter(|case| matches!(case.status, TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. }))
            .zip(&report.audit.findings)
        {
            let TestCaseStatus::NonSuccess { description, .. } = &case.status else { unreachable!() };
            let said = description.as_ref().unwrap().as_str();
            assert!(name == "hostile" || said.contains(&finding.message), "{said}");
        }
    }
}

/// What is left of Markdown without its code: what GitHub would take for mentions, links and HTML.
fn without_code(markdown: &str) -> String {
    let mut left = String::new();
    let mut rest = markdown;
    while let Some(start) = rest.find('`') {
        left.push_str(&rest[..start]);
        let fence = rest[start..].chars().take_while(|c| *c == '`').count();
        let body = &rest[start + fence..];
        // A code span ends at a run of exactly as many backticks.
        let mut from = 0;
        let end = loop {
            let Some(next) = body[from..].find('`').map(|next| from + next) else { panic!("a code span never ends: {body}") };
            let run = body[next..].chars().take_while(|c| *c == '`').count();
            if run == fence {
                break next;
            }
            from = next + run;
        };
        assert!(!body[..end].contains('\n'), "code over lines: {}", &body[..end]);
        left.push('c');
        rest = &body[end + fence..];
    }
    left + rest
}

#[test]
fn markdown_mentions_nobody_and_links_nowhere_but_to_github() {
    for name in RESULTS {
        let text = rendered(name, Format::Markdown, &Options::default());
        is_tame(&text);
        let mut left = without_code(&text);
        for safe in ["](<https://docs.github.com/", "](<https://github.com/"] {
            left = left.replace(safe, "(");
        }
        for word in ["@", "](", "www.", "://", "GH-", "<img", "<script", "javascript", "|", "$", ":tada:", "evil"] {
            assert!(!left.contains(word), "`{word}` in {left}");
        }
        assert!(left.lines().all(|line| !line.starts_with("#") || line.starts_with("## ") || line.starts_with("### ")), "{left}");
    }
    let typical = rendered("typical", Format::Markdown, &Options::default());
    let report = result("typical");
    for finding in &report.audit.findings {
        let heading = format!("### {}: `{}`", finding.severity.as_str(), finding.check);
        assert_eq!(typical.matches(&heading).count(), 1, "{heading}");
    }
    let entries = typical.lines().filter(|line| line.starts_with("- ")).count();
    assert_eq!(entries, report.audit.findings.len() + 3 + 1 + 4 + report.audit.exempted.len(), "{typical}");
}

#[test]
fn markdown_fits_and_says_what_it_leaves_out() {
    for name in ["typical", "hostile"] {
        let mut report = result(name);
        let one = report.audit.findings.clone();
        report.audit.findings = std::iter::repeat_with(|| one.clone()).take(2_000).flatten().collect();
        for (format, limit) in [(Format::Issue, markdown::ISSUE), (Format::Markdown, markdown::SUMMARY)] {
            let text = report::render(&report, format, &Options::default()).unwrap();
            assert!(text.len() <= limit && text.len() > limit / 2, "{}", text.len());
            let left_out: usize = text.split("\n**and ").nth(1).unwrap().split(" more**").next().unwrap().parse().unwrap();
            let listed = without_code(&text).lines().filter(|line| line.starts_with("- ")).count();
            let others = report.audit.exempted.len()
                + report.since.as_ref().unwrap().fixed.len()
                + report::summary::unknown(&report.audit).len()
                + report.audit.drift.len()
                + report.audit.not_bound.len();
            assert_eq!(listed + left_out, report.audit.findings.len() + others);
        }
    }
    let small = markdown::render(&result("typical"), 0);
    assert!(small.len() < 1_024 && small.contains("2 critical"), "{small}");
}

#[test]
fn one_long_name_fills_no_report() {
    let mut report = result("typical");
    report.audit.findings[0].message = "`x`\u{1b}".repeat(100_000);
    report.audit.findings[0].who = vec!["y".repeat(100_000); 100];
    report.audit.findings[0].place.target = "z".repeat(100_000);
    for format in [Format::Terminal, Format::Junit, Format::Issue] {
        let text = report::render(&report, format, &Options::default()).unwrap();
        assert!(text.len() < 40_000, "{format:?}: {}", text.len());
        for finding in &report.audit.findings[1..] {
            assert!(text.contains(finding.place.file.as_ref().unwrap_or(&finding.check)), "{format:?}");
        }
    }
}
