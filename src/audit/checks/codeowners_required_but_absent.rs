//! `codeowners-required-but-absent`: code owners must approve, and no file names any.
//!
//! The file of the default branch is read, so only the default branch is judged: others have files of their own. A file
//! without a line that names an owner, and one that is larger than GitHub loads, is as good as none.

use crate::audit::branches;
use crate::audit::codeowners::{self, Codeowners};
use crate::audit::review::Review;
use crate::audit::{Check, Findings, Look, Looked, RepositoryScene, Severity};
use crate::github::part::Part;

pub(super) static CHECK: Check = Check {
    id: "codeowners-required-but-absent",
    severity: Severity::High,
    summary: "code owners must approve, and there are none",
    why: "The setting looks like a review by owners, and asks nobody: every change passes it.",
    fix: "add a CODEOWNERS file with owners for every path, or stop requiring their review",
    link: "https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners",
    reads: &[Part::Codeowners],
    looks: &[Look::Repository(look)],
};

fn look(scene: &RepositoryScene<'_>, findings: &mut Findings) -> Looked {
    branches::each(scene, findings, |effective, findings| {
        if !branches::is_default(scene, effective) {
            return Ok(());
        }
        let Some(review) = Review::of(effective)? else {
            return Ok(());
        };
        let message = match scene.repository.codeowners.read().map_err(Clone::clone)? {
            None => "the review of code owners is required, and there is no CODEOWNERS file: it asks nobody".to_owned(),
            Some(file) => {
                let text = file.text.read().map_err(Clone::clone)?;
                if text.len() > codeowners::LARGEST {
                    format!("the review of code owners is required, and `{}` is larger than GitHub loads: it asks nobody", file.path)
                } else if Codeowners::parse(text).is_some_and(|file| file.rules.iter().all(|rule| rule.owners.is_empty())) {
                    format!("the review of code owners is required, and `{}` names none: it asks nobody", file.path)
                } else {
                    return Ok(());
                }
            }
        };
        if !review.code_owners {
            return effective.nothing_else().map_err(Clone::clone);
        }
        // The file is missing in this repository, wherever the rule stands.
        let place = scene.place().ref_name(&effective.ref_name).field("require_code_owner_review");
        findings.add(place, "", message);
        Ok(())
    })
}
