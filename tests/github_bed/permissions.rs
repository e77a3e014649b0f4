//! Who may see what: one permission less is one thing less, and it says which.

use std::collections::BTreeMap;

use super::client::get;
use super::world::world;
use crate::support::github::{Bed, Level, Permission, Permissions, Profile, Role};

/// A path that each permission opens, and that nothing else does.
const OPENED: &[(Permission, &str)] = &[
    (Permission::Actions, "/repos/acme/app/environments"),
    (Permission::Administration, "/repos/acme/app/keys"),
    (Permission::Checks, "/repos/acme/app/commits/main/check-runs"),
    (Permission::Contents, "/repos/acme/app/branches"),
    (Permission::Members, "/orgs/acme/teams"),
    (Permission::OrganizationAdministration, "/orgs/acme/rulesets"),
    (Permission::OrganizationCustomProperties, "/orgs/acme/properties/schema"),
    (Permission::OrganizationCustomRoles, "/orgs/acme/organization-roles"),
    (Permission::PullRequests, "/repos/acme/app/pulls"),
    (Permission::Statuses, "/repos/acme/app/commits/main/status"),
];

#[test]
fn each_permission_opens_its_own_and_nothing_else() {
    let world = world(Profile::Dotcom);
    let bed = &world.bed;
    for (permission, _) in OPENED {
        let token = bed.token().without(*permission).create();
        for (other, path) in OPENED {
            let reply = get(bed, &token, path);
            if other == permission {
                assert_eq!(reply.status, 403, "{path}");
                assert_eq!(reply.message(), "Resource not accessible by personal access token");
                let accepted = reply.header("x-accepted-github-permissions").unwrap();
                assert!(accepted.starts_with(&format!("{}=", permission.name())), "{path}: {accepted}");
            } else {
                assert_eq!(reply.status, 200, "{path} without {}", permission.name());
            }
        }
    }
}

#[test]
fn reading_an_organizations_rulesets_takes_writing() {
    let world = world(Profile::Dotcom);
    let token = world.bed.token().with(Permission::OrganizationAdministration, Level::Read).create();
    let reply = get(&world.bed, &token, "/orgs/acme/rulesets");
    assert_eq!(reply.status, 403);
    assert_eq!(reply.header("x-accepted-github-permissions"), Some("organization_administration=write"));
}

#[test]
fn what_a_token_does_not_see_does_not_exist() {
    let bed = Bed::new();
    let acme = bed.organization("acme");
    acme.repository("seen");
    acme.repository("hidden");
    let token = bed.token().only(&["acme/seen"]).create();
    assert_eq!(get(&bed, &token, "/repos/acme/hidden").status, 404);
    assert_eq!(get(&bed, &token, "/orgs/acme/repos").json().as_array().unwrap().len(), 1);
    assert_eq!(get(&bed, "unknown", "/repos/acme/seen").status, 401);
}

#[test]
fn a_role_bounds_what_a_token_may() {
    let world = world(Profile::Dotcom);
    let bed = &world.bed;
    let statuses = |role: Role| {
        let token = bed.token().role(role).create();
        let paths = [
            "/repos/acme/app",
            "/repos/acme/app/collaborators",
            "/repos/acme/app/branches/main/protection",
            "/orgs/acme/rulesets",
        ];
        paths.map(|path| get(bed, &token, path).status)
    };
    assert_eq!(statuses(Role::Read), [200, 403, 404, 404]);
    assert_eq!(statuses(Role::Write), [200, 200, 404, 404]);
    assert_eq!(statuses(Role::Admin), [200, 200, 200, 200]);
}

#[test]
fn permissions_have_githubs_names() {
    let names: BTreeMap<&str, Permission> =
        Permission::ALL.into_iter().map(|permission| (permission.name(), permission)).collect();
    assert_eq!(names.len(), Permission::ALL.len());
    let document = Profile::EnterpriseCloud.document();
    let published = document.value["components"]["schemas"]["app-permissions"]["properties"].as_object().unwrap();
    // Fine-grained tokens have these; Apps have them under other names or not at all.
    let others = ["enterprise_administration"];
    for (name, permission) in names {
        assert!(published.contains_key(name) || others.contains(&name), "{name}");
        assert_eq!(Permission::from_name(name), Some(permission));
    }
    assert_eq!(Permissions::nothing().level(Permission::Metadata), Level::Read);
}
