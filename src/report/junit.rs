//! JUnit XML: a test suite for each check. A finding is a failure, what can't be told is an error, an exempted finding is
//! skipped, and the places where the check held are one test that passes. Drift that no check speaks of has its own suite.

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::text::{self, plain};
use super::{Report, Unwritable, summary};
use crate::audit::Finding;
use crate::audit::judge::Audit;

/// The report as JUnit XML.
///
/// # Errors
/// The XML can't be written.
pub fn render(report: &Report) -> Result<String, Unwritable> {
    let audit = &report.audit;
    let mut junit = Junit::new(format!("refwarden audit of {}", plain(&audit.owner)));
    let mut checks: Vec<&str> = audit.checks.keys().map(String::as_str).collect();
    checks.extend(audit.findings.iter().map(|finding| finding.check.as_str()));
    checks.extend(audit.exempted.iter().map(|exempted| exempted.finding.check.as_str()));
    checks.extend(audit.cannot_tell.iter().map(|one| one.check.as_str()));
    checks.sort_unstable();
    checks.dedup();
    for check in checks {
        junit.add_test_suite(suite(audit, check));
    }
    let mut drift = TestSuite::new("drift");
    for row in summary::other_drift(audit) {
        let differs = summary::differs(row);
        let message = format!("is {}, the policy asks for {}", differs.live, differs.desired);
        let status = not_ok(NonSuccessKind::Failure, row.direction.as_str(), &message, "");
        drift.add_test_case(case("drift", format!("{} {} {}", plain(&row.repository), differs.of, differs.field), status));
    }
    if !drift.test_cases.is_empty() {
        junit.add_test_suite(drift);
    }
    let unread = audit.inventory.iter().flat_map(|inventory| &inventory.unread);
    let mut reading = TestSuite::new("reading");
    for unread in unread {
        let status = not_ok(NonSuccessKind::Error, "could not be read", &unread.why.to_string(), "");
        reading.add_test_case(case("reading", plain(&unread.what).into_owned(), status));
    }
    if !reading.test_cases.is_empty() {
        junit.add_test_suite(reading);
    }
    junit.to_string().map_err(|error| Unwritable(error.to_string()))
}

fn suite(audit: &Audit, check: &str) -> TestSuite {
    let mut suite = TestSuite::new(plain(check));
    let held = audit.checks.get(check).map_or(0, |tally| tally.held);
    if held > 0 {
        let mut passed = case(check, "holds".to_owned(), TestCaseStatus::success());
        passed.set_system_out(format!("held {}", text::count(held, "time")));
        suite.add_test_case(passed);
    }
    for finding in audit.findings.iter().filter(|finding| finding.check == check) {
        let status = not_ok(NonSuccessKind::Failure, finding.severity.as_str(), &finding.message, &details(finding));
        suite.add_test_case(case(check, text::place(&finding.place), status));
    }
    for one in audit.cannot_tell.iter().filter(|one| one.check == check) {
        let status = not_ok(NonSuccessKind::Error, "could not tell", &one.why.to_string(), "");
        suite.add_test_case(case(check, text::place(&one.place), status));
    }
    for exempted in audit.exempted.iter().filter(|exempted| exempted.finding.check == check) {
        let mut status = TestCaseStatus::skipped();
        status.set_type("exempted").set_message(plain(&exempted.reason));
        status.set_description(plain(&exempted.finding.message));
        suite.add_test_case(case(check, text::place(&exempted.finding.place), status));
    }
    suite
}

fn case(check: &str, name: String, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("refwarden.{}", plain(check)));
    case
}

fn not_ok(kind: NonSuccessKind, what: &str, message: &str, details: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(what).set_message(plain(message));
    if !details.is_empty() {
        status.set_description(details);
    }
    status
}

fn details(finding: &Finding) -> String {
    let mut lines = vec![plain(&finding.message).into_owned()];
    lines.extend(text::who(finding).map(|who| format!("open to: {who}")));
    lines.push(format!("fix: {}", plain(&finding.fix)));
    lines.push(format!("see: {}", plain(&finding.link)));
    lines.push(format!("fingerprint: {}", plain(&finding.fingerprint)));
    lines.join("\n")
}
