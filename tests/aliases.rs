//! Two names for one ref, by other ways than a symbolic ref to another ref: what git follows is judged or refused.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Server, Storage, Work};

const GUARDED: &str = "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"prot/*\"]\nrules.update = true\n";

/// A server with the branches `main` and `dev`, and a work tree with a commit more than they have.
fn server(storage: Storage) -> (Server, Work) {
    let server = Server::stored(GUARDED, storage);
    let work = server.with_main(&[("a", "1")]);
    server.git(["update-ref", "refs/heads/dev", "refs/heads/main"]);
    work.commit("next", &[("a", "2")]);
    (server, work)
}

#[test]
fn a_symbolic_ref_by_way_of_what_lies_outside_of_refs() {
    for reftable in [false, true] {
        let storage = Storage { sha256: false, reftable };
        let (server, work) = server(storage);
        server.git(["symbolic-ref", "HEAD", "refs/heads/dev"]);
        server.git(["symbolic-ref", "refs/heads/prot/x", "main-worktree/HEAD"]);
        work.push("dev", &["HEAD:refs/heads/dev"]).refuse("update");
        // An honest push beside it.
        work.push("dev", &["HEAD:refs/heads/topic"]).accept();

        server.git(["symbolic-ref", "refs/heads/prot/x", "OTHER"]);
        server.git(["symbolic-ref", "OTHER", "refs/heads/dev"]);
        work.push("dev", &["HEAD:refs/heads/dev"]).undecided("points at `OTHER`");
        server.git(["symbolic-ref", "--delete", "refs/heads/prot/x"]);
        work.push("dev", &["HEAD:refs/heads/dev"]).accept();
    }
}

#[test]
fn a_link_of_the_file_system_is_not_a_second_name() {
    for (link, target) in [("prot/x", "../dev"), ("prot", ".")] {
        let (server, work) = server(Storage::default());
        let link = server.dir.join("refs/heads").join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target, &link).unwrap();
        work.push("dev", &["HEAD:refs/heads/dev"]).undecided("so that a push to one ref moves another");
        fs::remove_file(&link).unwrap();
        // The old form of a symbolic ref is one.
        fs::create_dir_all(server.dir.join("refs/heads/prot")).unwrap();
        symlink("refs/heads/dev", server.dir.join("refs/heads/prot/x")).unwrap();
        work.push("dev", &["HEAD:refs/heads/dev"]).refuse("update");
        work.push("dev", &["HEAD:refs/heads/topic"]).accept();
    }
}

#[test]
fn a_symbolic_ref_is_read_as_far_as_git_reads_it() {
    let (server, work) = server(Storage::default());
    fs::create_dir_all(server.dir.join("refs/heads/prot")).unwrap();
    let file = server.dir.join("refs/heads/prot/x");
    fs::write(&file, b"ref: refs/heads/dev\0junk\n").unwrap();
    work.push("dev", &["HEAD:refs/heads/dev"]).refuse("update");
    fs::write(&file, format!("ref:{}refs/heads/dev\n", " ".repeat(9000))).unwrap();
    work.push("dev", &["HEAD:refs/heads/dev"]).undecided("longer than a ref can be");
    // git reads ids in either case.
    fs::write(&file, server.value("refs/heads/main").unwrap().to_uppercase() + "\n").unwrap();
    work.push("dev", &["HEAD:refs/heads/dev"]).accept();
}
