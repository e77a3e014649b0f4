//! For a terminal: the worst first, grouped by check, then by place; one line when there is nothing to say.

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};

use super::summary::{self, Group};
use super::text::{self, plain};
use super::{Options, Report};
use crate::audit::{Finding, Severity};
use crate::github::Readable;

/// Reasons that are shown of one group of unknown answers.
const REASONS: usize = 3;

/// The report for a terminal.
pub fn render(report: &Report, options: &Options) -> String {
    let mut page = Page { text: String::new(), options };
    for group in summary::groups(&report.audit.findings) {
        page.group(&group, report);
    }
    page.protection(report);
    page.drift(report);
    page.not_bound(report);
    page.unknown(report);
    page.fixed(report);
    let is_quiet = page.text.is_empty();
    let cost = report.cost.as_ref().map(text::cost);
    match cost {
        Some(cost) if is_quiet => page.line(&format!("{}; {cost}", counts(report))),
        Some(cost) => page.line(&format!("{}\n{cost}", counts(report))),
        None => page.line(&counts(report)),
    }
    page.text
}

/// The counts, and what could not be told.
fn counts(report: &Report) -> String {
    let audit = &report.audit;
    let mut parts =
        vec![format!("{}: {} ({})", plain(&audit.owner), summary::severities(&audit.findings), summary::extent(audit))];
    if !audit.drift.is_empty() {
        parts.push(format!("{} from the policy", text::count(text::len(&audit.drift), "difference")));
    }
    if summary::is_unsure(audit) {
        parts.push(format!("{} could not be told", text::count(summary::unsure(audit), "thing")));
    }
    if !audit.exempted.is_empty() {
        parts.push(format!("{} exempted by the policy", text::len(&audit.exempted)));
    }
    if let Some(since) = &report.since {
        let new = audit.findings.iter().filter(|finding| since.is_new(finding)).count();
        parts.push(format!("{new} new and {} fixed since {}", since.fixed.len(), plain(&since.at)));
    }
    parts.join("; ")
}

struct Page<'a> {
    text: String,
    options: &'a Options,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.options.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn heading(&mut self, style: Style, word: &str, rest: &str) {
        let line = format!("{} {rest}", self.paint(style, word));
        self.line(&line);
    }

    fn group(&mut self, group: &Group<'_>, report: &Report) {
        let check = self.paint(Style::new().bold(), &plain(group.check));
        let summary = group.summary().map(|summary| format!(": {summary}")).unwrap_or_default();
        self.heading(colour(group.severity), group.severity.as_str(), &format!("{check}{summary}"));
        let own_fix = group.fix().is_none();
        let mut rows: Vec<_> = group.findings.iter().map(|finding| row(finding, own_fix, report)).collect();
        // What is the same everywhere is said once.
        if let [[_, first], _, ..] = rows.as_slice()
            && rows.iter().all(|[_, message]| message == first)
        {
            let first = first.clone();
            self.table(vec![[first, String::new()]]);
            rows.iter_mut().for_each(|[_, message]| message.clear());
        }
        self.rows(rows);
        self.table(group.fix().map(|fix| ["fix:".to_owned(), plain(fix).into_owned()]).into_iter().collect());
        if let Some(link) = group.link() {
            // An address is not broken: it could not be followed.
            let link = self.paint(Style::new().dimmed(), link);
            self.line(&format!("    see:  {link}"));
        }
        self.line("");
    }

    /// The first rows, and how many more there are.
    fn rows(&mut self, rows: Vec<[String; 2]>) {
        let shown = self.options.most.unwrap_or(usize::MAX);
        let more = rows.len().saturating_sub(shown);
        self.table(rows.into_iter().take(shown).collect());
        if more > 0 {
            self.line(&format!("    and {more} more"));
        }
    }

    /// What protects each ref, rule by rule.
    fn protection(&mut self, report: &Report) {
        for protected in &report.audit.protected {
            let place = format!("{} {}", plain(&protected.repository), plain(&protected.ref_name));
            self.heading(AnsiColor::Blue.on_default().bold(), "what protects", &place);
            let rows = protected.rules.iter().map(|rule| {
                let asks = if rule.asks.is_empty() { String::new() } else { format!(": {}", plain(&rule.asks)) };
                let passed_by = match &rule.passed_by {
                    Readable::Known(nobody) if nobody.is_empty() => "passed by nobody".to_owned(),
                    Readable::Known(who) => format!("passed by {}", plain(&who.join(", "))),
                    Readable::Hidden(why) => format!("who passes is hidden: {}", plain(&why.to_string())),
                };
                [format!("{}{asks}", plain(&rule.rule)), format!("{}, {passed_by}", plain(&rule.source))]
            });
            let mut rows: Vec<_> = rows.collect();
            rows.extend(
                protected.cannot_tell.iter().map(|why| ["could not tell".to_owned(), plain(&why.to_string()).into_owned()]),
            );
            if rows.is_empty() {
                rows.push(["nothing".to_owned(), String::new()]);
            }
            self.rows(rows);
            self.line("");
        }
    }

    fn drift(&mut self, report: &Report) {
        if report.audit.drift.is_empty() {
            return;
        }
        self.heading(AnsiColor::Yellow.on_default().bold(), "drift", "of GitHub from the policy");
        let rows = report.audit.drift.iter().map(|drift| {
            let differs = summary::differs(drift);
            let place = format!("{} `{}`", plain(&drift.repository), differs.of);
            let text = format!("{}: is {}, the policy asks for {}", differs.field, differs.live, differs.desired);
            [place, format!("{text} ({}, line {})", differs.direction, drift.line)]
        });
        self.rows(rows.collect());
        self.line("");
    }

    fn not_bound(&mut self, report: &Report) {
        if report.audit.not_bound.is_empty() {
            return;
        }
        self.heading(AnsiColor::Cyan.on_default().bold(), "not bound", "by GitHub, whatever is set there");
        let rows = report.audit.not_bound.iter().map(|one| {
            let place = format!("line {} `{}`", one.line, plain(&one.ruleset));
            [place, format!("{}: {}", plain(&one.rule), plain(&one.why))]
        });
        self.rows(rows.collect());
        self.line("");
    }

    fn unknown(&mut self, report: &Report) {
        let groups = summary::unknown(&report.audit);
        if groups.is_empty() {
            return;
        }
        self.heading(AnsiColor::Magenta.on_default().bold(), "could not tell", "");
        for ((permission, cause), unknown) in groups {
            let checks: Vec<_> = unknown.checks.iter().map(|check| plain(check)).collect();
            let mut targets = unknown.targets.iter().map(|target| plain(target));
            let mut places = targets.next().unwrap_or_default().into_owned();
            if unknown.targets.len() > 1 {
                places += &format!(" and {} more", unknown.targets.len() - 1);
            }
            self.line(&format!(
                "  {} ({}, {places})",
                summary::reason(permission, cause),
                text::count(unknown.answers, "answer")
            ));
            let mut rows = Vec::new();
            if !checks.is_empty() {
                rows.push(["checks".to_owned(), checks.join(", ")]);
            }
            rows.extend(unknown.why.keys().take(REASONS).map(|why| ["because".to_owned(), plain(why).into_owned()]));
            let more = unknown.why.len().saturating_sub(REASONS);
            if more > 0 {
                rows.push([String::new(), format!("and {more} more reasons")]);
            }
            self.table(rows);
        }
        self.line("");
    }

    fn fixed(&mut self, report: &Report) {
        let Some(since) = report.since.as_ref().filter(|since| !since.fixed.is_empty()) else { return };
        self.heading(AnsiColor::Green.on_default().bold(), "fixed", &format!("since {}", plain(&since.at)));
        let rows = since.fixed.iter().map(|finding| [text::place(&finding.place), plain(&finding.check).into_owned()]).collect();
        self.table(rows);
        self.line("");
    }

    /// Two columns, broken to the terminal's width; one line a row where there is none.
    fn table(&mut self, rows: Vec<[String; 2]>) {
        if rows.is_empty() {
            return;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        match self.options.width {
            Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.saturating_sub(3).max(20)),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        for row in rows {
            table.add_row(row);
        }
        for line in table.lines() {
            self.line(&format!("   {line}"));
        }
    }
}

fn row(finding: &Finding, own_fix: bool, report: &Report) -> [String; 2] {
    let new = if report.since.as_ref().is_some_and(|since| since.is_new(finding)) { "(new) " } else { "" };
    let mut message = format!("{new}{}", plain(&finding.message));
    if let Some(who) = text::who(finding) {
        message += &format!(" (open to {who})");
    }
    if own_fix {
        message += &format!("; fix: {}", plain(&finding.fix));
    }
    [text::place(&finding.place), message]
}

fn colour(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold().invert(),
        Severity::High => AnsiColor::Red.on_default().bold(),
        Severity::Medium => AnsiColor::Yellow.on_default().bold(),
        Severity::Low => AnsiColor::Cyan.on_default().bold(),
    }
}
