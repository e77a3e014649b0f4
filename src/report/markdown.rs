//! Markdown for GitHub: job summaries, issues, comments. What GitHub and policies say is shown as code, so that it mentions
//! nobody, links nowhere and is no HTML.

use super::summary::{self, Group};
use super::text::{self, plain};
use super::{Report, Since};
use crate::audit::Finding;

/// What a job summary may hold, in bytes.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits>
pub const SUMMARY: usize = 1 << 20;
/// What an issue or a comment may hold: GitHub counts characters, of which there are never more than bytes.
pub const ISSUE: usize = 65_536;

/// What is kept free for the line that says how much was left out.
const RESERVE: usize = 512;

/// The report as Markdown of at most `limit` bytes. What does not fit, the mildest, is counted at the end.
pub fn render(report: &Report, limit: usize) -> String {
    let audit = &report.audit;
    let mut page = Page::new(limit);
    page.must(&format!("## Audit of {}\n\n{}\n", code(&audit.owner), opening(report)));
    for group in summary::groups(&audit.findings) {
        page.group(&group, report.since.as_ref());
    }
    page.drift(report);
    page.unknown(report);
    page.fixed(report);
    page.exempted(report);
    page.say_what_is_left_out("The JSON report has everything.");
    let mut footer = format!("\n{}", code(&audit.at));
    if let Some(cost) = &report.cost {
        footer += &format!(", {}", text::cost(cost));
    }
    page.must(&format!("{footer}\n"));
    page.text
}

fn opening(report: &Report) -> String {
    let audit = &report.audit;
    let mut parts = vec![format!("**{}** in {}", summary::severities(&audit.findings), summary::extent(audit))];
    if !audit.drift.is_empty() {
        parts.push(format!("{} from the policy", text::count(text::len(&audit.drift), "difference")));
    }
    if summary::is_unsure(audit) {
        parts.push(format!("**{} could not be told**", text::count(summary::unsure(audit), "thing")));
    }
    if !audit.exempted.is_empty() {
        parts.push(format!("{} exempted by the policy", text::len(&audit.exempted)));
    }
    if let Some(since) = &report.since {
        let new = audit.findings.iter().filter(|finding| since.is_new(finding)).count();
        parts.push(format!("{new} new and {} fixed since {}", since.fixed.len(), code(&since.at)));
    }
    parts.join("; ")
}

/// A page that grows up to a limit, and counts what it had no room for.
pub(super) struct Page {
    text: String,
    limit: usize,
    left_out: u64,
}

impl Page {
    pub(super) fn new(limit: usize) -> Page {
        Page { text: String::new(), limit: limit.saturating_sub(RESERVE), left_out: 0 }
    }

    pub(super) fn text(self) -> String {
        self.text
    }

    pub(super) fn say_what_is_left_out(&mut self, where_it_is: &str) {
        if self.left_out > 0 {
            let left_out = self.left_out;
            self.must(&format!("\n**and {left_out} more**: there is no room for them here. {where_it_is}\n"));
        }
    }

    pub(super) fn must(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds it where there is room.
    fn may(&mut self, text: &str) -> bool {
        let fits = self.text.len() + text.len() <= self.limit;
        if fits {
            self.text.push_str(text);
        }
        fits
    }

    /// A heading with entries below: as many as there is room for, and no heading without an entry.
    pub(super) fn section(&mut self, heading: &str, entries: impl Iterator<Item = String>, closing: &str) {
        let mut begun = false;
        let mut full = false;
        for entry in entries {
            let addition = if begun { entry } else { format!("{heading}{entry}") };
            // Once something is left out, so is all that is milder.
            full = full || self.text.len() + addition.len() + closing.len() > self.limit;
            if full {
                self.left_out += 1;
            } else {
                begun = true;
                self.text.push_str(&addition);
            }
        }
        if begun {
            self.may(closing);
        }
    }

    fn group(&mut self, group: &Group<'_>, since: Option<&Since>) {
        let heading = format!("\n### {}: {} ({})\n\n", group.severity.as_str(), code(group.check), group.findings.len());
        let summary = group.summary().map(|summary| format!("{}\n\n", prose(&text::sentence(summary)))).unwrap_or_default();
        let own_fix = group.fix().is_none();
        let mut closing = group.fix().map(|fix| format!("\nFix: {}.\n", prose(fix))).unwrap_or_default();
        closing += &group.link().map(|link| format!("\n[GitHub's documentation](<{link}>)\n")).unwrap_or_default();
        let entries = group.findings.iter().map(|finding| entry(finding, own_fix, since));
        self.section(&format!("{heading}{summary}"), entries, &closing);
    }

    fn drift(&mut self, report: &Report) {
        let entries = report.audit.drift.iter().map(|drift| {
            let differs = summary::differs(drift);
            let (field, live, desired) = (code(&differs.field), code(&differs.live), code(&differs.desired));
            let place = format!("{} {}", code(&drift.repository), code(&differs.of));
            let direction = prose(&differs.direction);
            format!("- {place} {field}: is {live}, the policy asks for {desired} ({direction}, line {})\n", drift.line)
        });
        self.section("\n### Drift from the policy\n\n", entries, "");
        let entries = report
            .audit
            .not_bound
            .iter()
            .map(|one| format!("- line {} {} {}: {}\n", one.line, code(&one.ruleset), code(&one.rule), prose(&one.why)));
        self.section("\n### Not bound by GitHub, whatever is set there\n\n", entries, "");
    }

    fn unknown(&mut self, report: &Report) {
        let groups = summary::unknown(&report.audit);
        let entries = groups.into_iter().map(|((permission, cause), unknown)| {
            let checks: String = unknown.checks.iter().map(|check| format!("; {}", code(check))).collect();
            let targets: Vec<_> = unknown.targets.iter().take(5).map(|target| code(target)).collect();
            let more = unknown.targets.len().saturating_sub(targets.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let why = unknown.why.keys().next().map(|why| format!("; for instance {}", code(why))).unwrap_or_default();
            let reason = permission
                .map_or_else(|| summary::reason(None, cause), |permission| format!("needs the permission {}", code(permission)));
            let answers = text::count(unknown.answers, "answer");
            format!("- **{reason}** ({answers}): {}{more}{checks}{why}\n", targets.join(", "))
        });
        self.section("\n### Could not tell\n\n", entries, "");
    }

    fn fixed(&mut self, report: &Report) {
        let fixed = report.since.iter().flat_map(|since| &since.fixed);
        self.section("\n### Fixed\n\n", fixed.map(|finding| format!("- {} {}\n", code(&finding.check), places(finding))), "");
    }

    fn exempted(&mut self, report: &Report) {
        let entries = report.audit.exempted.iter().map(|exempted| {
            let until = exempted.until.as_ref().map(|until| format!(" until {}", code(until))).unwrap_or_default();
            let reason = prose(&exempted.reason);
            format!("- {} {}{until}: {reason}\n", code(&exempted.finding.check), places(&exempted.finding))
        });
        self.section("\n### Exempted by the policy\n\n", entries, "");
    }
}

fn places(finding: &Finding) -> String {
    text::parts(&finding.place).iter().map(|part| code(part)).collect::<Vec<_>>().join(" ")
}

fn entry(finding: &Finding, own_fix: bool, since: Option<&Since>) -> String {
    let new = if since.is_some_and(|since| since.is_new(finding)) { "**new** " } else { "" };
    let mut entry = format!("- {new}{}: {}", places(finding), prose(&finding.message));
    if let Some(who) = text::who(finding) {
        entry += &format!("; open to {}", code(&who));
    }
    if own_fix {
        entry += &format!("; fix: {}", prose(&finding.fix));
    }
    if let Some(url) = finding.place.url.as_deref().and_then(text::link) {
        entry += &format!(" ([settings](<{url}>))");
    }
    entry + "\n"
}

/// A text as code: between more backticks than it has in a row. Nothing in code is a mention, a link, a reference or HTML.
pub(super) fn code(text: &str) -> String {
    let text = plain(text);
    if text.trim().is_empty() {
        return "` `".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A sentence whose values are in backticks: they stay code, and so becomes whatever else is more than words.
pub(super) fn prose(text: &str) -> String {
    let text = plain(text);
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return code(&text);
    }
    let mut written = String::with_capacity(text.len() + 16);
    for (index, piece) in pieces.into_iter().enumerate().filter(|(_, piece)| !piece.is_empty()) {
        let is_value = index % 2 == 1;
        if !is_value && is_words(piece) {
            written.push_str(piece);
        } else {
            if !is_value && piece.starts_with(' ') || written.ends_with('`') {
                written.push(' ');
            }
            written.push_str(&code(if is_value { piece } else { piece.trim() }));
            if !is_value && piece.ends_with(' ') {
                written.push(' ');
            }
        }
    }
    written
}

/// Whether a text is nothing but words and marks that mean nothing in Markdown: no mention, reference, address, emoji.
fn is_words(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let emoji = characters.windows(2).any(|pair| matches!(pair, [':', next] if *next != ' '));
    // An underscore inside a word emphasises nothing.
    let edge = |c: Option<&char>| c.is_none_or(|c| !c.is_alphanumeric());
    let emphasis = (0..characters.len())
        .any(|at| characters.get(at) == Some(&'_') && (at == 0 || edge(characters.get(at - 1)) || edge(characters.get(at + 1))));
    let lowered = text.to_lowercase();
    !emoji
        && !emphasis
        && !["www.", "gh-"].iter().any(|word| lowered.contains(word))
        && text.chars().all(|c| c.is_alphanumeric() || " ,.;:()'\"?/=%-_".contains(c))
}
