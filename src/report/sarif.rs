//! SARIF 2.1.0, as GitHub's code scanning takes it.
//! <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>
//!
//! A finding is a result; what could not be told or read is a notification of the run, because every result becomes an alert,
//! and so is what differs from the policy and is no weaker.
//! An exempted finding is neither: code scanning would open an alert for it.
//!
//! Code scanning wants a file for each result, and settings stand in none. A result about a file names it; any other names
//! `.github/refwarden`, which is the same in every run and easy to filter by; it need not exist. What is not about the
//! repository that the report is uploaded to begins with the other one's name, as in `acme/api/.github/CODEOWNERS`.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use serde_sarif::sarif::{
    ArtifactLocation, Invocation, Location, LogicalLocation, Message, MultiformatMessageString, Notification, PhysicalLocation,
    PropertyBag, Region, ReportingConfiguration, ReportingDescriptor, ReportingDescriptorReference, Result as SarifResult,
    ResultLevel, Run, RunAutomationDetails, Sarif, Tool, ToolComponent,
};

use super::text::{self, plain};
use super::{Options, Report, Unwritable, summary};
use crate::audit::judge::Audit;
use crate::audit::{Check, Finding, Place, Severity};

/// The most results that code scanning takes of a run.
const RESULTS: usize = 25_000;
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Stands for settings, which stand in no file.
const SETTINGS: &str = ".github/refwarden";
/// What stays as it is in a path.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The report as SARIF.
///
/// # Errors
/// It can't be written as JSON.
pub fn render(report: &Report, options: &Options) -> Result<String, Unwritable> {
    let audit = &report.audit;
    let only = || audit.findings.iter().map(|finding| finding.place.target.as_str()).find(|target| target.contains('/'));
    let is_one = audit.inventory.as_ref().is_some_and(|inventory| inventory.selected == 1);
    let home = options.home.as_deref().or_else(|| if is_one { only() } else { None });
    let rules = rules(audit);
    let index = |check: &str| rules.iter().position(|rule| rule.id == check).and_then(|index| i64::try_from(index).ok());
    let results: Vec<SarifResult> =
        audit.findings.iter().take(RESULTS).map(|finding| result(finding, index(&finding.check), home, report)).collect();
    let driver = ToolComponent::builder()
        .name("refwarden")
        .version(env!("CARGO_PKG_VERSION"))
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .rules(rules)
        .build();
    let mut invocation =
        Invocation::builder().execution_successful(true).tool_execution_notifications(notifications(audit, home)).build();
    invocation.start_time_utc = audit.at.parse::<jiff::Timestamp>().ok().map(|at| at.to_string());
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .automation_details(RunAutomationDetails::builder().id(format!("refwarden/{}/", plain(&audit.owner))).build())
        .column_kind(Value::from("unicodeCodePoints"))
        .invocations(vec![invocation])
        .results(results)
        .build();
    let sarif = Sarif::builder().schema(SCHEMA).version(Value::from("2.1.0")).runs(vec![run]).build();
    let json = serde_json::to_string_pretty(&sarif).map_err(|error| Unwritable(error.to_string()))?;
    Ok(text::ascii(&json) + "\n")
}

/// A rule for each check that ran or found something, by id.
fn rules(audit: &Audit) -> Vec<ReportingDescriptor> {
    let ran = audit.checks.keys().map(String::as_str);
    let found = audit.findings.iter().map(|finding| finding.check.as_str());
    let told = audit.cannot_tell.iter().map(|one| one.check.as_str());
    let ids: BTreeSet<&str> = ran.chain(found).chain(told).collect();
    ids.into_iter()
        .map(|id| match crate::audit::find(id) {
            Some(check) => rule(check),
            None => ReportingDescriptor::builder().id(id.to_owned()).build(),
        })
        .collect()
}

fn rule(check: &Check) -> ReportingDescriptor {
    let (summary, fix) = (text::sentence(check.summary), text::sentence(check.fix));
    let texts = |text: String| MultiformatMessageString::builder().text(text).build();
    let help = MultiformatMessageString::builder()
        .text(format!("{}\n\n{fix}\n\n{}", check.why, check.link))
        .markdown(format!("{}\n\n**Fix:** {fix}\n\n[GitHub's documentation]({})", check.why, check.link))
        .build();
    let mut properties = PropertyBag::builder().tags(vec!["security".to_owned(), "github-settings".to_owned()]).build();
    properties.additional_properties = BTreeMap::from([
        ("security-severity".to_owned(), Value::from(score(check.severity))),
        ("precision".to_owned(), Value::from("very-high")),
    ]);
    ReportingDescriptor::builder()
        .id(check.id)
        .name(check.id)
        .short_description(texts(summary.clone()))
        .full_description(texts(format!("{summary} {}", check.why)))
        .help(help)
        .help_uri(check.link)
        .default_configuration(ReportingConfiguration::builder().level(level(check.severity).to_string()).build())
        .properties(properties)
        .build()
}

fn result(finding: &Finding, index: Option<i64>, home: Option<&str>, report: &Report) -> SarifResult {
    let mut message = format!("{}: {}", text::place(&finding.place), plain(&finding.message));
    if let Some(who) = text::who(finding) {
        message += &format!("; open to {who}");
    }
    message += &format!(". Fix: {}", plain(&finding.fix));
    let mut properties = PropertyBag::builder().build();
    properties.additional_properties = BTreeMap::from([("security-severity".to_owned(), Value::from(score(finding.severity)))]);
    let mut result = SarifResult::builder()
        .rule_id(finding.check.clone())
        .level(level(finding.severity))
        .message(said(&message))
        .locations(vec![location(&finding.place, home)])
        .partial_fingerprints(BTreeMap::from([("refwarden/v1".to_owned(), finding.fingerprint.clone())]))
        .properties(properties)
        .build();
    result.rule_index = index;
    if let Some(since) = &report.since {
        result.baseline_state = Some(Value::from(if since.is_new(finding) { "new" } else { "unchanged" }));
    }
    result
}

/// What could not be told or read, what is exempted, and what is left out: shown with the tool's status, never as an alert.
fn notifications(audit: &Audit, home: Option<&str>) -> Vec<Notification> {
    let note = |level: ResultLevel, text: &str| {
        Notification::builder().level(Value::from(level.to_string())).message(said(text)).build()
    };
    let mut notes = Vec::new();
    for one in audit.cannot_tell.iter().take(RESULTS) {
        let text = format!("{}: could not tell: {}", text::place(&one.place), plain(&one.why.to_string()));
        let mut note = note(ResultLevel::Warning, &text);
        note.locations = Some(vec![location(&one.place, home)]);
        note.associated_rule = Some(ReportingDescriptorReference::builder().id(one.check.clone()).build());
        notes.push(note);
    }
    for unread in audit.inventory.iter().flat_map(|inventory| &inventory.unread).take(RESULTS) {
        let text = format!("{}: could not be read: {}", plain(&unread.what), plain(&unread.why.to_string()));
        notes.push(note(ResultLevel::Warning, &text));
    }
    // No weakness, and therefore no alert; the run ends with exit code 1 for it all the same.
    for row in summary::other_drift(audit).take(RESULTS) {
        let differs = summary::differs(row);
        let text = format!(
            "{}: {} {}: is {}, the policy asks for {} ({})",
            plain(&row.repository),
            differs.of,
            differs.field,
            differs.live,
            differs.desired,
            row.direction.as_str()
        );
        notes.push(note(ResultLevel::Note, &text));
    }
    if !audit.exempted.is_empty() {
        let exempted = text::count(text::len(&audit.exempted), "finding");
        notes.push(note(ResultLevel::Note, &format!("{exempted} exempted by the policy")));
    }
    let left_out = audit.findings.len().saturating_sub(RESULTS);
    if left_out > 0 {
        let text = format!(
            "{left_out} more findings are left out: code scanning takes {RESULTS} ({})",
            summary::severities(&audit.findings)
        );
        notes.push(note(ResultLevel::Warning, &text));
    }
    notes
}

/// A text in which nothing is an embedded link, `[text](target)`.
fn said(text: &str) -> Message {
    Message::builder().text(text.replace("](", "\\](")).build()
}

fn location(place: &Place, home: Option<&str>) -> Location {
    let artifact = ArtifactLocation::builder().uri(artifact(place, home)).build();
    let line = place.line.and_then(|line| i64::try_from(line).ok()).unwrap_or(1).max(1);
    let region = Region::builder().start_line(line).build();
    let physical = PhysicalLocation::builder().artifact_location(artifact).region(region).build();
    let target = plain(&place.target);
    let kind = if place.target.contains('/') { "repository" } else { "owner" };
    let logical = |name: &str, path: String, kind: &str| {
        LogicalLocation::builder().name(name.to_owned()).fully_qualified_name(path).kind(kind).build()
    };
    let mut logicals = vec![logical(&target, target.to_string(), kind)];
    for (part, kind) in [(&place.ref_name, "ref"), (&place.source, "source"), (&place.field, "field")] {
        logicals.extend(part.as_deref().map(plain).map(|part| logical(&part, format!("{target}/{part}"), kind)));
    }
    Location::builder().physical_location(physical).logical_locations(logicals).build()
}

/// The file that a place is shown at. An owner has no files: a file without a repository is the policy's.
fn artifact(place: &Place, home: Option<&str>) -> String {
    let is_home = home.is_some_and(|home| home.eq_ignore_ascii_case(&place.target));
    let is_policy = place.file.is_some() && !place.target.contains('/');
    let prefix = if is_home || is_policy { String::new() } else { format!("{}/", place.target) };
    let path = format!("{prefix}{}", place.file.as_deref().unwrap_or(SETTINGS));
    // A path stays below the repository's root, whatever it says.
    let segments: Vec<_> = path.split('/').filter(|segment| !matches!(*segment, "" | "." | "..")).collect();
    utf8_percent_encode(&segments.join("/"), ENCODED).to_string()
}

fn level(severity: Severity) -> ResultLevel {
    match severity {
        Severity::Critical | Severity::High => ResultLevel::Error,
        Severity::Medium => ResultLevel::Warning,
        Severity::Low => ResultLevel::Note,
    }
}

/// GitHub's scale: over 9 is critical, from 7 high, from 4 medium.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}
