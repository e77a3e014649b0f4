//! For a terminal: place by place what changes, then what can't be and what could not be told, then the counts.

use anstyle::{AnsiColor, Style};

use super::unfold::unfold;
use super::{counts, lacks, places, sign, title, transition, value};
use serde_json::Value;

use crate::github::plan::{Action, Blocked, Change, Plan, state};
use crate::report::text::plain;

/// The plan for a terminal.
pub fn render(plan: &Plan, colour: bool) -> String {
    let mut page = Page { text: String::new(), colour };
    for place in places(plan) {
        for target in &place.targets {
            page.heading(&plain(target));
        }
        for change in place.changes {
            page.change(change);
        }
    }
    page.equivalents(plan);
    page.blocked("blocked: GitHub can't be given this", &plan.blocked);
    page.cannot_tell(plan);
    page.blocked("not bound by GitHub, whatever is set there", &plan.not_bound);
    if !plan.unmanaged.is_empty() {
        page.heading("not managed by the policy, and left as it is");
        for thing in &plan.unmanaged {
            page.line(&format!("  {}", plain(&thing.to_string())));
        }
    }
    page.line(&counts(plan));
    page.text
}

/// What taking back a run does: of each change that was begun, what it goes back to, read off the states themselves.
pub fn render_back(plan: &Plan, is_begun: impl Fn(usize) -> bool, colour: bool) -> String {
    let mut page = Page { text: String::new(), colour };
    for (_, change) in plan.changes.iter().enumerate().rev().filter(|(index, _)| is_begun(*index)) {
        let thing = plain(&change.thing.to_string()).into_owned();
        match (&change.before, &change.after) {
            (None, _) => page.line(&format!("  - {thing}: is deleted again")),
            (Some(_), None) => page.line(&format!("  + {thing}: is created again")),
            (Some(before), Some(after)) => {
                page.line(&format!("  ~ {thing}"));
                for field in state::differing(change.thing.kind, after, before) {
                    for (path, from, to) in unfold(&field, after.get(&field), before.get(&field)) {
                        let of = |leaf: Option<Value>| value(&leaf);
                        page.line(&format!("      {}: {} -> {}", plain(&path), of(from), of(to)));
                    }
                }
            }
        }
    }
    page.text
}

struct Page {
    text: String,
    colour: bool,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn heading(&mut self, text: &str) {
        let line = self.paint(Style::new().bold(), text);
        self.line(&line);
    }

    fn change(&mut self, change: &Change) {
        let colour = match change.action() {
            Action::Create => AnsiColor::Green,
            Action::Update => AnsiColor::Yellow,
            Action::Delete => AnsiColor::Red,
        };
        let sign = self.paint(colour.on_default().bold(), sign(change));
        let lacks = lacks(change).map(|why| format!("; {why}")).unwrap_or_default();
        self.line(&format!("  {sign} {} (line {}{lacks})", title(change), change.line));
        for field in &change.fields {
            let weaker = if field.weakens {
                format!("  {}", self.paint(AnsiColor::Red.on_default().bold(), "asks for less"))
            } else {
                String::new()
            };
            self.line(&format!("      {}: {}{weaker}", plain(&field.field), transition(field)));
        }
    }

    fn blocked(&mut self, heading: &str, list: &[Blocked]) {
        if list.is_empty() {
            return;
        }
        self.heading(heading);
        for one in list {
            let (target, ruleset, what) = (plain(&one.target), plain(&one.ruleset), plain(&one.what));
            self.line(&format!("  {target} [{ruleset}] {what}: {} (line {})", plain(&one.why), one.line));
        }
    }

    fn cannot_tell(&mut self, plan: &Plan) {
        if plan.cannot_tell.is_empty() {
            return;
        }
        self.heading("could not be told, so nothing is written there");
        for one in &plan.cannot_tell {
            self.line(&format!("  {} (line {})", plain(&one.thing.to_string()), one.line));
            for why in &one.why {
                self.line(&format!("      {}", plain(&why.to_string())));
            }
            for field in &one.fields {
                self.line(&format!("      {}: {} -> {}", plain(&field.field), value(&field.from), value(&field.to)));
            }
        }
    }

    fn equivalents(&mut self, plan: &Plan) {
        if plan.equivalents.is_empty() {
            return;
        }
        self.heading("classic protection beside the rulesets that there will be");
        let mut before = None;
        for one in &plan.equivalents {
            if before != Some(&one.protection) {
                let goes = plan.changes.iter().any(|change| change.thing == one.protection && change.after.is_none());
                let fate = if goes { "goes" } else { "stays" };
                self.line(&format!("  {}: {fate}", plain(&one.protection.to_string())));
                before = Some(&one.protection);
            }
            let by: Vec<_> = one.by.iter().map(|by| plain(by).into_owned()).collect();
            let by = if by.is_empty() { String::new() } else { format!(": {}", by.join(", ")) };
            self.line(&format!("      {}: {}{by}", plain(&one.rule), one.verdict.as_str()));
        }
    }
}
