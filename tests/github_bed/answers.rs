//! REST: what is there, to whom it shows, page by page.

use serde_json::json;

use super::client::get;
use crate::support::github::Bed;

#[test]
fn an_organization_with_its_repositories() {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    acme.repository("app").public();
    let token = bed.token().create();
    assert_eq!(get(&bed, &token, "/orgs/acme").json()["login"], "acme");
    assert_eq!(get(&bed, &token, "/orgs/acme/repos").json()[0]["full_name"], "acme/app");
    assert_eq!(get(&bed, &token, "/repos/acme/app").json()["default_branch"], "main");
    assert_eq!(get(&bed, &token, "/repos/ACME/App").status, 200);
    assert_eq!(get(&bed, &token, "/repos/acme/other").status, 404);
}

#[test]
fn protection_is_there_or_not_or_not_for_everyone() {
    let bed = Bed::new();
    let app = bed.organization("acme").repository("app");
    let token = bed.token().create();
    let reply = get(&bed, &token, "/repos/acme/app/branches/main/protection");
    assert_eq!((reply.status, &*reply.message()), (404, "Branch not protected"));
    app.protect(
        "main",
        json!({ "enforce_admins": true, "required_status_checks": { "strict": true, "checks": [{ "context": "ci" }] } }),
    );
    let shown = get(&bed, &token, "/repos/acme/app/branches/main/protection").json();
    assert_eq!(shown["enforce_admins"]["enabled"], true);
    assert_eq!(shown["required_status_checks"]["checks"], json!([{ "context": "ci", "app_id": null }]));
    assert!(shown.get("restrictions").is_none(), "what is off is absent");
    assert_eq!(get(&bed, &token, "/repos/acme/app/branches/main").json()["protected"], true);
}
