//! `codeowners-self-unowned`: who must be asked is decided in files that nobody owns.
//!
//! Looks at CODEOWNERS itself and, where there are workflows, at each of them and at one that is added. Only where the
//! review of code owners is required does it matter who they are. A line that GitHub finds errors in is
//! `codeowners-invalid`'s, a file that names nobody `codeowners-required-but-absent`'s.

use crate::audit::branches;
use crate::audit::codeowners::{self, Codeowners, Owned};
use crate::audit::review::Review;
use crate::audit::{Check, Findings, Look, Looked, Place, RepositoryScene, Severity};
use crate::github::part::Part;
use crate::github::repository::Codeowners as File;
use crate::github::{Cause, Hidden};

pub(super) static CHECK: Check = Check {
    id: "codeowners-self-unowned",
    severity: Severity::High,
    summary: "CODEOWNERS or the workflows have no owner",
    why: "Someone first changes who owns what, or what the checks do, with the approval of anyone, and then what was owned.",
    fix: "give CODEOWNERS itself and `/.github/workflows/` an owner, in the last lines of the file",
    link: "https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners#codeowners-and-branch-protection",
    reads: &[Part::Codeowners, Part::Workflows],
    looks: &[Look::Repository(look)],
};

/// Workflows that someone may add.
const ADDED: &[&str] = &[".github/workflows/added.yml", ".github/workflows/added.yaml"];

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        if !branches::is_default(scene, effective) {
            return Ok(());
        }
        let Some(review) = Review::of(effective)? else {
            return Ok(());
        };
        let Some(file) = scene.repository.codeowners.read().map_err(Clone::clone)? else {
            return Ok(());
        };
        let text = file.text.read().map_err(Clone::clone)?;
        if text.len() > codeowners::LARGEST {
            return Ok(());
        }
        let owners = Codeowners::parse(text)
            .ok_or_else(|| Hidden::new(Cause::Partial, format!("`{}` has more lines than are judged here", file.path)))?;
        if owners.rules.iter().all(|rule| rule.owners.is_empty()) {
            return Ok(());
        }
        let place = || Place { url: None, ..scene.place() }.file(&file.path, None);
        let mut faults = Vec::new();
        let itself = is_unowned(&owners, &file.path, file)?;
        if itself {
            faults.push(("codeowners", format!("`{}` has no owner: whoever gets any approval changes who must be asked", file.path)));
        }
        match scene.repository.workflows.read() {
            Ok(workflows) if !workflows.is_empty() => {
                let mut unowned = Vec::new();
                for path in workflows.iter().map(|workflow| workflow.path.as_str()) {
                    if is_unowned(&owners, path, file)? {
                        unowned.push(format!("`{path}`"));
                    }
                }
                let added = ADDED.iter().map(|path| is_unowned(&owners, path, file)).collect::<Result<Vec<_>, _>>()?;
                if unowned.is_empty() && added.contains(&true) {
                    unowned.push("a workflow that is added".to_owned());
                }
                if !unowned.is_empty() {
                    let more = unowned.len().saturating_sub(3);
                    unowned.truncate(3);
                    let mut what = unowned.join(", ");
                    if more > 0 {
                        what.push_str(&format!(" and {more} more"));
                    }
                    faults.push(("workflows", format!("no owner for {what}: whoever gets any approval changes what the checks do")));
                }
            }
            Ok(_) => {}
            Err(hidden) => findings.cannot_tell(place(), hidden),
        }
        if !faults.is_empty() && !review.code_owners {
            return effective.nothing_else().map_err(Clone::clone);
        }
        for (key, message) in faults {
            findings.add(place(), key, message);
        }
        Ok(())
    })
}

/// Whether nobody owns the path. A line that GitHub finds errors in is reported elsewhere.
fn is_unowned(owners: &Codeowners<'_>, path: &str, file: &File) -> Result<bool, Hidden> {
    match owners.owner_of(path) {
        Owned::By(_) => Ok(false),
        Owned::ByNobody(_) => Ok(true),
        Owned::Unclear(rule) => {
            let errors = file.errors.read().map_err(Clone::clone)?;
            if errors.iter().any(|error| error.line == rule.line) {
                return Ok(false);
            }
            let why = format!("line {} of `{}` decides who owns `{path}`, and names something that is no owner", rule.line, file.path);
            Err(Hidden::new(Cause::Unknown, why))
        }
    }
}
