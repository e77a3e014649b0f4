//! Markdown for a comment on a pull request: at most as long as GitHub takes, what asks for less first to be seen.

use super::{counts, lacks, places, sign, title, value};
use crate::github::plan::{Blocked, Change, Plan};
use crate::report::markdown::{ISSUE, Page, code, prose};

/// The plan as Markdown of at most 65,536 bytes. What does not fit is counted at the end.
pub fn render(plan: &Plan) -> String {
    let mut page = Page::new(ISSUE);
    page.must(&format!("## Plan for {}\n\n{}\n", code(&plan.owner), prose(&counts(plan))));
    let weaker = plan.changes.iter().filter(|change| change.weakens());
    let entry = |change: &Change| format!("- {} of {}\n", prose(&title(change)), code(&change.thing.target));
    page.section("\n### :warning: GitHub would ask for less\n\n", weaker.map(entry), "");
    for place in places(plan) {
        let targets: Vec<String> = place.targets.iter().map(|target| code(target)).collect();
        let heading = match targets.as_slice() {
            [one] => format!("\n### {one}\n\n"),
            many => format!("\n### The same in {} places\n\n{}\n\n", many.len(), many.join(", ")),
        };
        page.section(&heading, place.changes.into_iter().map(changed), "");
    }
    let rows = plan.equivalents.iter().map(|one| {
        let by: Vec<String> = one.by.iter().map(|by| code(by)).collect();
        format!("- {} {}: {} {}\n", code(&one.protection.to_string()), code(&one.rule), one.verdict.as_str(), by.join(", "))
    });
    page.section("\n### Classic protection beside the rulesets that there will be\n\n", rows, "");
    page.section("\n### Blocked: GitHub can't be given this\n\n", plan.blocked.iter().map(blocked), "");
    let unknown = plan.cannot_tell.iter().map(|one| {
        let why: Vec<String> = one.why.iter().map(|why| code(&why.to_string())).collect();
        format!("- {}: {}\n", code(&one.thing.to_string()), why.join(", "))
    });
    page.section("\n### Could not be told, so nothing is written there\n\n", unknown, "");
    page.section("\n### Not bound by GitHub, whatever is set there\n\n", plan.not_bound.iter().map(blocked), "");
    let unmanaged = plan.unmanaged.iter().map(|thing| format!("- {}\n", code(&thing.to_string())));
    page.section("\n### Not managed by the policy, and left as it is\n\n", unmanaged, "");
    page.say_what_is_left_out("The plan file has everything.");
    page.must(&format!("\npolicy {} ({})\n", code(&plan.policy.file), code(&plan.policy.digest)));
    page.text()
}

fn changed(change: &Change) -> String {
    let lacks = lacks(change).map(|why| format!("; **{}**", prose(&why))).unwrap_or_default();
    let mut text = format!("- {} {} (line {}{lacks})\n", code(sign(change)), prose(&title(change)), change.line);
    for field in &change.fields {
        let weaker = if field.weakens { " **asks for less**" } else { "" };
        let (from, to) = (code(&value(&field.from)), code(&value(&field.to)));
        text += &match field.from {
            None => format!("  - {}: {to}{weaker}\n", code(&field.field)),
            Some(_) => format!("  - {}: {from} to {to}{weaker}\n", code(&field.field)),
        };
    }
    text
}

fn blocked(one: &Blocked) -> String {
    let (target, ruleset, what) = (code(&one.target), code(&one.ruleset), code(&one.what));
    format!("- {target} {ruleset} {what}: {} (line {})\n", prose(&one.why), one.line)
}
