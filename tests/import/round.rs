//! Round, through GitHub's own answers: what there is at random is read, imported, and planned for; nothing would change.

use proptest::prelude::*;
use refwarden::github::import::{Form, import, people_in};
use refwarden::github::live::Reader;
use refwarden::github::plan::Plan;
use refwarden::github::{Part, Parts, Selection};
use serde_json::{Value, json};

use super::{load, options};
use crate::github_apply::{client, run, surveyed};
use crate::support::github::{Bed, Permissions, Profile};
use crate::support::live::{self, APPS, PEOPLE, TEAMS};

type Content = (Vec<Value>, Vec<(String, Value)>);

/// An organization in which everyone is known whom the contents name, and a repository for each of them.
fn planted(contents: &[Content]) -> Bed {
    let bed = Bed::of(Profile::EnterpriseCloud);
    let acme = bed.organization("acme");
    acme.owner("alice");
    for login in PEOPLE {
        acme.member(login);
    }
    for slug in TEAMS {
        acme.team(slug, &[]);
    }
    for slug in APPS {
        bed.app(slug, Permissions::read_only());
        bed.install(slug, "acme", None);
    }
    for (index, (rulesets, protections)) in contents.iter().enumerate() {
        let repository = acme.repository(&format!("r{index:02}"));
        for body in rulesets {
            repository.ruleset(body.clone());
        }
        for (pattern, body) in protections {
            repository.protect(pattern, body.clone());
        }
    }
    bed
}

/// The policy of what there is, and the plan that it makes.
fn round(bed: &Bed, form: Form) -> (String, Plan) {
    let token = bed.token().create();
    run(async {
        let client = client(bed, &token);
        let names = Parts::index().and(Part::Teams).and(Part::Installations).and(Part::CustomRoles).and(Part::Members);
        let parts = names.and(Part::Rulesets);
        let reader = Reader::new(&client);
        let mut owner = reader.owner("acme", &parts).await.unwrap();
        let mut repositories = Vec::new();
        reader.repositories(&Selection::owner("acme").unwrap(), &parts, |repository| repositories.push(repository)).await;
        people_in(&mut owner, &repositories);
        let text = import(&owner, &repositories, &options(form)).policy;
        let plan = surveyed(&client, &load(&text), false).await.plan;
        (text, plan)
    })
}

proptest! {
    #![proptest_config(super::config(4))]

    #[test]
    fn nothing_would_change(contents in prop::collection::vec((live::rulesets(), live::protections()), 16)) {
        let bed = planted(&contents);
        for form in [Form::Rulesets, Form::BranchProtection] {
            let (text, plan) = round(&bed, form);
            prop_assert_eq!(plan.repositories, 16);
            prop_assert!(plan.is_empty(), "{:#?}\n{text}", plan);
            // What the other form is about is not managed, and nothing else is.
            let asks = |plan: &Plan, kind| plan.unmanaged.iter().filter(|thing| thing.kind == kind).count();
            let rulesets: usize = contents.iter().map(|(rulesets, _)| rulesets.len()).sum();
            match form {
                Form::BranchProtection => prop_assert_eq!(asks(&plan, refwarden::github::plan::Kind::Ruleset), rulesets),
                _ => prop_assert_eq!(asks(&plan, refwarden::github::plan::Kind::Ruleset), 0),
            }
        }
    }
}

/// The twin: what is there changes, and the plan says so.
#[test]
fn what_changed_since_would_be_changed_back() {
    let bed = planted(&[(
        vec![super::ruleset_for_everyone()],
        vec![("main".to_owned(), json!({ "enforce_admins": true, "required_linear_history": true }))],
    )]);
    let token = bed.token().create();
    let again = |text: &str| run(async { surveyed(&client(&bed, &token), &load(text), false).await.plan.changes.len() });
    let (rulesets, plan) = round(&bed, Form::Rulesets);
    assert!(plan.is_empty() && again(&rulesets) == 0, "{plan:?}");
    let (protections, plan) = round(&bed, Form::BranchProtection);
    assert!(plan.is_empty() && again(&protections) == 0, "{plan:?}");
    let repository = bed.organization("acme").repository("r00");
    repository.protect("main", json!({ "enforce_admins": false, "required_linear_history": true }));
    assert_eq!((again(&rulesets), again(&protections)), (0, 1));
    repository.delete_ruleset(repository.ruleset_named("main").unwrap());
    assert_eq!((again(&rulesets), again(&protections)), (1, 1));
}
