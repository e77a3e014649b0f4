//! `codeowners-invalid`: GitHub finds errors in CODEOWNERS.
//!
//! Where the review of code owners is known not to be required, the same is only untidy.

use crate::audit::review::Review;
use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, Severity};
use crate::github::part::Part;
use std::collections::BTreeMap;

pub(super) static CHECK: Check = Check {
    id: "codeowners-invalid",
    severity: Severity::High,
    summary: "CODEOWNERS has lines that GitHub drops in part or whole",
    why: "GitHub drops what it can't read or find, and says so only on the file's page: the owners of those paths are not asked.",
    fix: "correct the line: the owner must exist, be visible and have write access",
    link: "https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners#codeowners-syntax",
    reads: &[Part::Codeowners],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    let Some(file) = scene.repository.codeowners.read().map_err(Clone::clone)? else {
        return Ok(());
    };
    let mut lines: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for error in file.errors.read().map_err(Clone::clone)? {
        let kinds = lines.entry(error.line).or_default();
        let kind = error.kind.to_lowercase();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let required = scene.default_branch().is_none_or(|effective| match Review::of(effective) {
        Ok(Some(review)) => review.code_owners || effective.nothing_else().is_err(),
        Ok(None) => false,
        Err(_) => true,
    });
    for (line, kinds) in lines {
        let position = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        let text = file.text.known().and_then(|text| text.lines().nth(position)).map(str::trim);
        let kinds = kinds.join(", ");
        let place = Place { url: None, ..scene.place() }.file(&file.path, Some(line));
        let mut message = match text {
            Some(text) => {
                let short: String = text.chars().take(200).collect();
                format!("GitHub finds an error in `{short}`: {kinds}; who should own these paths may not be asked")
            }
            None => format!("GitHub finds an error in line {line}: {kinds}; who should own these paths may not be asked"),
        };
        if !required {
            message.push_str("; their review is not required");
        }
        // The line's text tells it from others, wherever it moves.
        let finding = findings.add(place, text.unwrap_or(&kinds), message);
        if !required {
            finding.severity(Severity::Low);
        }
    }
    Ok(())
}
