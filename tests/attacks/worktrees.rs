//! Other paths to the same refs: a worktree's own directory, its checkout, a pushed folder that git takes for a git directory.
//! There `HEAD`, the repository's name and its policy would be what the client picks by the path.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::{HEAD, HOOK, Server, Storage, Work, clean};

const GUARDED: &str = r#"
[[ruleset]]
name = "the default branch"
target = "branch"
refs = ["~DEFAULT_BRANCH"]
repositories = ["server", "site"]
[ruleset.rules]
deletion = true
non_fast_forward = true
file_path_restriction = { restricted_file_paths = ["secret/**/*"] }
"#;

const ELSEWHERE: &str = "has no refs of its own";

fn storages() -> impl Iterator<Item = Storage> {
    [(false, false), (true, false), (false, true), (true, true)]
        .into_iter()
        .map(|(sha256, reftable)| Storage { sha256, reftable })
}

fn point(work: &Work, to: &Path) {
    work.git(["remote", "set-url", "origin", to.to_str().unwrap()]);
}

/// Force push, deletion and a restricted path, each as an update of `main`, beside an honest push.
struct Pushes {
    rewritten: String,
    restricted: String,
    honest: String,
}

impl Pushes {
    fn new(work: &Work) -> Pushes {
        let base = work.id("HEAD");
        let restricted = work.commit("restricted", &[("secret/key", "2")]);
        work.git(["reset", "--quiet", "--hard", &base]);
        let honest = work.commit("honest", &[("README", "2")]);
        work.git(["reset", "--quiet", "--hard", &base]);
        work.git(["commit", "--quiet", "--amend", "--message", "rewritten"]);
        let rewritten = work.id("HEAD");
        work.git(["reset", "--quiet", "--hard", &base]);
        Pushes { rewritten, restricted, honest }
    }

    fn attacks(&self) -> [(String, &'static str); 3] {
        [
            (format!("+{}:refs/heads/main", self.rewritten), "non_fast_forward"),
            (":refs/heads/main".to_owned(), "deletion"),
            (format!("{}:refs/heads/main", self.restricted), "file_path_restriction"),
        ]
    }
}

#[test]
fn linked_worktrees() {
    for storage in storages() {
        let server = Server::stored(GUARDED, storage);
        server.git(["config", "receive.denyDeleteCurrent", "ignore"]);
        let work = server.with_main(&[("README", "1"), ("secret/key", "1")]);
        let base = work.id("HEAD");
        work.force("HEAD:refs/heads/topic");
        let checkout = server.folder.path().join("checkout");
        server.git(["worktree", "add", "--quiet", checkout.to_str().unwrap(), "topic"]);
        let pushes = Pushes::new(&work);
        for (spec, rule) in pushes.attacks() {
            for door in [server.dir.join("worktrees/checkout"), checkout.clone(), checkout.join(".git")] {
                point(&work, &door);
                work.push("dev", &[&spec]).undecided(ELSEWHERE);
                let logged = server.decisions().pop().unwrap();
                assert_eq!(logged["decision"], "undecided");
                assert_eq!(logged["updates"].as_array().unwrap().len(), 1);
            }
            point(&work, &server.dir);
            work.push("dev", &[&spec]).refuse(rule);
            assert_eq!(server.value("refs/heads/main").as_ref(), Some(&base));
        }
        // By the repository's own path an honest push passes, and that is what the refusal says.
        point(&work, &checkout);
        let honest = format!("{}:refs/heads/main", pushes.honest);
        let told = work.push("dev", &[&honest]);
        told.undecided(ELSEWHERE);
        point(&work, &fs::canonicalize(&server.dir).unwrap());
        work.push("dev", &[&honest]).accept();
    }
}

/// A repository with a work tree that pushes update, its hook in place, as a [`Server`].
fn site(storage: Storage) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("site");
    let mut init = clean("git", folder.path());
    init.args(["init", "--quiet", "--initial-branch=main", "--template="]);
    init.args(storage.sha256.then_some("--object-format=sha256")).args(storage.reftable.then_some("--ref-format=reftable"));
    assert!(init.arg(&tree).status().unwrap().success());
    let server = Server { folder, dir: tree.join(".git") };
    fs::create_dir_all(server.dir.join("hooks")).unwrap();
    symlink(HOOK, server.dir.join("hooks/pre-receive")).unwrap();
    server.git(["config", "receive.denyCurrentBranch", "updateInstead"]);
    server.git(["config", "receive.denyDeleteCurrent", "ignore"]);
    server.policy(&format!("{HEAD}{GUARDED}"));
    server
}

#[test]
fn a_pushed_folder_that_names_the_git_directory() {
    for storage in storages() {
        let server = site(storage);
        let work = server.work();
        let tree = server.dir.parent().unwrap().to_owned();
        point(&work, &tree);
        work.commit("first", &[("README", "1"), ("secret/key", "1")]);
        work.force("HEAD:refs/heads/main");
        // Nothing but files, and none of them restricted.
        work.commit(
            "base",
            &[("x/HEAD", "ref: refs/heads/other\n"), ("x/commondir", "../.git\n"), ("x/refs/k", ""), ("x/objects/k", "")],
        );
        work.push("dev", &["HEAD:refs/heads/main"]).accept();
        assert!(tree.join("x/commondir").exists());
        let base = work.id("HEAD");
        let pushes = Pushes::new(&work);
        for (spec, rule) in pushes.attacks() {
            point(&work, &tree.join("x"));
            work.push("dev", &[&spec]).undecided(ELSEWHERE);
            point(&work, &tree);
            work.push("dev", &[&spec]).refuse(rule);
            assert_eq!(server.value("refs/heads/main").as_ref(), Some(&base));
        }
        work.push("dev", &[&format!("{}:refs/heads/main", pushes.honest)]).accept();
    }
}

/// Where `core.hooksPath` is the system's, the hook runs in whatever git takes for a git directory, also one whose refs are
/// links to those of another.
#[test]
fn a_pushed_folder_with_links_to_the_refs() {
    let lax =
        format!("{HEAD}[[ruleset]]\nname = \"lax\"\ntarget = \"tag\"\nrefs = [\"~ALL\"]\n[ruleset.rules]\ncreation = true\n");
    for storage in storages() {
        let server = site(storage);
        let hooks = server.folder.path().join("hooks");
        fs::rename(server.dir.join("hooks"), &hooks).unwrap();
        let through = format!("--receive-pack=git -c core.hooksPath={} receive-pack", hooks.display());
        let config = fs::read_to_string(server.dir.join("config")).unwrap();
        let work = server.work();
        let tree = server.dir.parent().unwrap().to_owned();
        point(&work, &tree);
        work.commit("first", &[("README", "1"), ("secret/key", "1")]);
        work.force("HEAD:refs/heads/main");
        let links: &[(&str, &str)] = if storage.reftable {
            &[("x/reftable", "../.git/reftable")]
        } else {
            &[("x/refs", "../.git/refs"), ("y/refs/heads", "../../.git/refs/heads"), ("z/packed-refs", "../.git/packed-refs")]
        };
        for folder in ["x", "y", "z"] {
            let at = |path: &str| format!("{folder}/{path}");
            work.write(&at("HEAD"), "ref: refs/heads/other\n");
            work.write(&at("config"), &config);
            work.write(&at("refwarden.toml"), &lax);
            symlink("../.git/objects", work.dir.join(at("objects"))).unwrap();
            if !links.iter().any(|(path, _)| *path == at("refs")) {
                work.write(&at("refs/.keep"), "");
            }
        }
        for (path, target) in links {
            symlink(target, work.dir.join(path)).unwrap();
        }
        work.commit("base", &[]);
        work.push("dev", &[&through, "HEAD:refs/heads/main"]).accept();
        server.git(["pack-refs", "--all"]);
        if !storage.reftable {
            // A loose one and a packed one.
            work.commit("more", &[("README", "more")]);
            work.push("dev", &[&through, "HEAD:refs/heads/main"]).accept();
        }
        let base = work.id("HEAD");
        let pushes = Pushes::new(&work);
        for (spec, rule) in pushes.attacks() {
            for (path, _) in links {
                point(&work, &tree.join(&path[..1]));
                let pushed = work.push("dev", &[&through, &spec]);
                pushed.undecided("is a link to");
                assert_eq!(server.value("refs/heads/main").as_ref(), Some(&base));
            }
            point(&work, &tree);
            work.push("dev", &[&through, &spec]).refuse(rule);
        }
        work.push("dev", &[&through, &format!("{}:refs/heads/main", pushes.honest)]).accept();
    }
}

/// What looks alike and is honest: a link to the repository, a repository within another's work tree, a submodule's.
#[test]
fn honest_paths() {
    let server = Server::new(GUARDED);
    let work = server.with_main(&[("README", "1")]);
    let link = server.folder.path().join("link.git");
    symlink(&server.dir, &link).unwrap();
    point(&work, &link);
    work.commit("second", &[("README", "2")]);
    work.push("dev", &["main"]).accept();
    // Another disk for the objects.
    let objects = server.folder.path().join("objects");
    fs::rename(server.dir.join("objects"), &objects).unwrap();
    symlink(&objects, server.dir.join("objects")).unwrap();
    work.commit("third", &[("README", "3")]);
    work.push("dev", &["main"]).accept();
    // A `commondir` that names the directory itself.
    fs::write(server.dir.join("commondir"), ".\r\n").unwrap();
    work.commit("fourth", &[("README", "4")]);
    work.push("dev", &["main"]).accept();
    fs::remove_file(server.dir.join("commondir")).unwrap();

    let outer = site(Storage::default());
    let modules = outer.dir.join("modules");
    fs::create_dir_all(&modules).unwrap();
    let module = modules.join("server");
    assert!(clean("cp", Path::new("/")).arg("-a").args([&server.dir, &module]).status().unwrap().success());
    fs::remove_file(module.join("objects")).unwrap();
    fs::rename(&objects, module.join("objects")).unwrap();
    point(&work, &module);
    work.commit("fifth", &[("README", "5")]);
    work.push("dev", &["main"]).accept();
    work.commit("bad", &[("secret/key", "1")]);
    work.push("dev", &["main"]).refuse("file_path_restriction");
}
