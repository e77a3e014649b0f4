//! Pushes that no git client makes, or that need more than a file can say. Each has its honest twin.

use std::fs;

use crate::support::{HEAD, Server, Storage, Work, clean};

const GUARDED: &str = r#"
[[ruleset]]
name = "main is safe"
target = "branch"
refs = ["main"]
[ruleset.rules]
deletion = true
non_fast_forward = true
file_path_restriction = { restricted_file_paths = ["secret/**/*"] }
"#;

fn line(old: &str, new: &str, name: &str) -> Vec<u8> {
    format!("{old} {new} {name}").into_bytes()
}

/// The hook's input for one update.
fn input(old: &str, new: &str, name: &str) -> Vec<u8> {
    [line(old, new, name), b"\n".to_vec()].concat()
}

/// An object that git would not make, past every check.
fn literally(work: &Work, kind: &str, content: &[u8]) -> String {
    work.git_with(&["hash-object", "-w", "--literally", "-t", kind, "--stdin"], content)
}

/// The server's own repository, to make objects in it past the hook: those that an earlier, refused push has left.
fn inside(server: &Server) -> Work {
    Work { dir: server.dir.clone(), home: server.folder.path().into() }
}

fn raw_id(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn entry(mode: &str, name: &[u8], id: &str) -> Vec<u8> {
    [mode.as_bytes(), b" ", name, b"\0", &raw_id(id)].concat()
}

fn commit_tree(work: &Work, tree: &str, parents: &[&str]) -> String {
    let mut arguments = vec!["commit-tree", "-m", "made", tree];
    for parent in parents {
        arguments.extend(["-p", parent]);
    }
    work.git(arguments)
}

#[test]
fn the_same_ref_twice() {
    for capabilities in ["", "atomic"] {
        let server = Server::new(GUARDED);
        let work = server.with_main(&[("README", "1")]);
        let base = work.id("HEAD");
        let good = work.commit("good", &[("README", "2")]);
        let bad = work.commit("bad", &[("secret/x", "1")]);
        for commands in [
            [line(&base, &good, "refs/heads/main"), line(&base, &bad, "refs/heads/main")],
            [line(&base, &bad, "refs/heads/main"), line(&base, &bad, "refs/heads/main")],
            [line(&base, &bad, "refs/heads/main"), line(&server.null(), &good, "refs/heads/main")],
        ] {
            let answer = server.raw_push("dev", &work, &commands, &[&bad], capabilities);
            assert!(answer.contains("pre-receive hook declined"), "{answer}");
            assert_eq!(server.value("refs/heads/main").as_deref(), Some(&*base));
        }
        let answer = server.raw_push("dev", &work, &[line(&base, &good, "refs/heads/main")], &[&good], capabilities);
        assert!(answer.contains("ok refs/heads/main"), "{answer}");
    }
}

#[test]
fn deleted_and_created_in_one_push() {
    let server = Server::new(&GUARDED.replace("deletion = true\n", ""));
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    server.git(["symbolic-ref", "HEAD", "refs/heads/elsewhere"]);
    work.git(["checkout", "--quiet", "--orphan", "other"]);
    let other = work.commit("other", &[("README", "2")]);
    for commands in [
        [line(&base, &server.null(), "refs/heads/main"), line(&server.null(), &other, "refs/heads/main")],
        [line(&server.null(), &other, "refs/heads/main"), line(&base, &server.null(), "refs/heads/main")],
    ] {
        let answer = server.raw_push("dev", &work, &commands, &[&other], "");
        assert!(answer.contains("non_fast_forward"), "{answer}");
        assert_eq!(server.value("refs/heads/main").as_deref(), Some(&*base));
    }
    // Two names, one deleted and one created, are no rewrite.
    server.git(["update-ref", "refs/heads/a", &base]);
    let commands = [line(&base, &server.null(), "refs/heads/a"), line(&server.null(), &other, "refs/heads/b")];
    let answer = server.raw_push("dev", &work, &commands, &[&other], "");
    assert!(answer.contains("ok refs/heads/a") && answer.contains("ok refs/heads/b"), "{answer}");
}

#[test]
fn deletion_whatever_the_old_value_is_said_to_be() {
    let server = Server::new(GUARDED);
    let work = server.with_main(&[("README", "1")]);
    server.git(["update-ref", "refs/heads/free", &work.id("HEAD")]);
    server.git(["config", "receive.denyDeleteCurrent", "ignore"]);
    for old in ["1".repeat(40), server.null(), work.id("HEAD^{tree}")] {
        let answer = server.raw_push("dev", &work, &[line(&old, &server.null(), "refs/heads/main")], &[], "delete-refs");
        assert!(answer.contains("] deletion: "), "{answer}");
        assert!(server.value("refs/heads/main").is_some());
    }
    let answer = server.raw_push("dev", &work, &[line(&"1".repeat(40), &server.null(), "refs/heads/free")], &[], "delete-refs");
    assert!(answer.contains("ok refs/heads/free"), "{answer}");
}

#[test]
fn a_line_break_in_a_name_forges_no_line() {
    let server = Server::new(GUARDED);
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    let bad = work.commit("bad", &[("secret/x", "1")]);
    let forged = line(&server.null(), &base, &format!("refs/heads/a\n{} {base} refs/heads/x", server.null()));
    for commands in [vec![forged.clone()], vec![forged.clone(), line(&base, &bad, "refs/heads/main")]] {
        let answer = server.raw_push("dev", &work, &commands, &[&bad], "");
        assert!(!answer.contains("ok refs/heads"), "{answer}");
    }
    // With a line that is ill-formed behind the break.
    for tail in ["x", "\n", &format!("{base} refs/heads/x"), &format!("{base} {base} refs/heads/x\r")] {
        let (code, said) = server.hook(Some("dev"), &input(&server.null(), &base, &format!("refs/heads/a\n{tail}")), &[]);
        assert_eq!(code, Some(2), "{said}");
    }
    let (code, said) = server.hook(Some("dev"), &input(&server.null(), &base, "refs/heads/a"), &[]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn ill_formed_names() {
    let server = Server::new(&format!("allowed_refs = [\"refs/**/*\"]\n{GUARDED}"));
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    for name in [
        "HEAD",
        "main",
        "heads/main",
        "refs",
        "refs/",
        "/refs/heads/a",
        "refs/heads/",
        "refs/heads//main",
        "refs/heads/main ",
        " refs/heads/a",
        "refs/heads/a..b",
        "refs/../x",
        "refs/heads/.a",
        "refs/heads/a.lock",
        "refs/heads/a.lock/b",
        "refs/heads/a.",
        "refs/heads/a@{b",
        "refs/heads/a\tb",
        "refs/heads/a\u{7f}",
        "refs/heads/a~1",
        "refs/heads/a^",
        "refs/heads/a:b",
        "refs/heads/a?",
        "refs/heads/a*",
        "refs/heads/a[b]",
        "refs/heads/a\\b",
        "refs/heads/main\u{0}",
        "refs/heads/\u{1b}[31m",
        "refs/heads/main\r",
        "@",
        "",
        "../../hooks/x",
        "FETCH_HEAD",
        "refs/heads/main/",
    ] {
        let (code, said) = server.hook(Some("dev"), &input(&server.null(), &base, name), &[]);
        assert_eq!(code, Some(2), "{name:?}: {said}");
        assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{name:?}: {said:?}");
    }
    for name in ["refs/heads/@", "refs/heads/-x", "refs/heads/HEAD", "refs/heads/a.b", "refs/heads/ａ", "refs/x"] {
        let (code, said) = server.hook(Some("dev"), &input(&server.null(), &base, name), &[]);
        assert_eq!(code, Some(0), "{name:?}: {said}");
    }
}

#[test]
fn malformed_trees() {
    let server = Server::new(GUARDED);
    let work = server.with_main(&[("README", "1"), ("x/y", "1")]);
    let base = work.id("HEAD");
    let here = inside(&server);
    let blob = work.id("HEAD:README");
    let folder = work.id("HEAD:x");
    let gone = "5".repeat(40);
    let readme = entry("100644", b"README", &blob);
    let truncated = &readme[..readme.len() - 1];
    let trees: Vec<(&str, Vec<u8>)> = vec![
        (".", [entry("100644", b".", &blob), readme.clone()].concat()),
        (".. as a folder", [entry("40000", b"..", &folder), readme.clone()].concat()),
        ("a slash in a name", [readme.clone(), entry("100644", b"secret/x", &blob)].concat()),
        ("an empty name", [entry("100644", b"", &blob), readme.clone()].concat()),
        (".git", [entry("40000", b".git", &folder), readme.clone()].concat()),
        (".GIT", [entry("100644", b".GIT", &blob), readme.clone()].concat()),
        ("the same name twice", [readme.clone(), readme.clone()].concat()),
        ("the same name twice, one of them changed", [readme.clone(), entry("100755", b"README", &blob)].concat()),
        ("unsorted", [entry("100644", b"b", &blob), entry("100644", b"a", &blob)].concat()),
        ("a folder sorted like a file", [entry("40000", b"a", &folder), entry("100644", b"a.b", &blob)].concat()),
        ("a file and a folder", [readme.clone(), entry("40000", b"README", &folder)].concat()),
        (
            "a file and a folder with something between",
            [entry("100644", b"x", &blob), entry("100644", b"x-", &blob), entry("40000", b"x", &folder)].concat(),
        ),
        (
            "unsorted behind what did not change",
            [readme.clone(), entry("40000", b"x", &folder), entry("100644", b"A", &blob)].concat(),
        ),
        ("a mode that is no type", entry("10644", b"README", &blob)),
        ("mode 0", entry("0", b"README", &blob)),
        ("no mode", entry("", b"README", &blob)),
        ("a mode that is not octal", entry("100648", b"README", &blob)),
        ("a long mode", entry("000000000000100644", b"README", &blob)),
        ("the null id", entry("100644", b"README", &server.null())),
        ("truncated", truncated.to_vec()),
        ("trailing bytes", [readme.clone(), b"1".to_vec()].concat()),
        ("a folder that is a blob", [readme.clone(), entry("40000", b"secret", &blob)].concat()),
        ("a folder that is missing", [readme.clone(), entry("40000", b"secret", &gone)].concat()),
        ("a folder that is a commit", [readme.clone(), entry("40000", b"secret", &base)].concat()),
    ];
    for (what, raw) in &trees {
        let tree = literally(&here, "tree", raw);
        let new = literally(
            &here,
            "commit",
            format!("tree {tree}\nparent {base}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n").as_bytes(),
        );
        let (code, said) = server.hook(Some("dev"), &input(&base, &new, "refs/heads/main"), &[]);
        assert_eq!(code, Some(2), "{what}: {said}");
        // A tag ruleset sees a tree without any commit.
        let (code, said) = server.hook(Some("dev"), &input(&server.null(), &new, "refs/heads/free"), &[]);
        assert_eq!(code, Some(0), "{what}, where no path rule looks: {said}");
    }
    for (what, raw) in [
        ("what is sound", [readme.clone(), entry("40000", b"x", &folder)].concat()),
        ("a group-writable file", [entry("100664", b"README", &blob), entry("40000", b"x", &folder)].concat()),
        ("a zero-padded mode", [readme.clone(), entry("040000", b"x", &folder)].concat()),
        ("a folder sorted as git sorts it", [entry("100644", b"a.b", &blob), entry("40000", b"a", &folder)].concat()),
        ("no entry", Vec::new()),
    ] {
        let tree = literally(&here, "tree", &raw);
        let new = commit_tree(&here, &tree, &[&base]);
        let (code, said) = server.hook(Some("dev"), &input(&base, &new, "refs/heads/main"), &[]);
        assert_eq!(code, Some(0), "{what}: {said}");
    }
}

/// A restricted folder that is hidden behind an entry of another mode, then shown.
#[test]
fn a_folder_that_was_a_file_by_its_mode() {
    let server = Server::new(GUARDED);
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    let here = inside(&server);
    let blob = work.id("HEAD:README");
    let hidden = literally(&here, "tree", &entry("100644", b"x", &blob));
    let with = |mode: &str, name: &[u8]| {
        let tree = literally(&here, "tree", &[entry("100644", b"README", &blob), entry(mode, name, &hidden)].concat());
        commit_tree(&here, &tree, &[&base])
    };
    let first = with("100644", b"secret");
    server.git(["update-ref", "refs/heads/main", &first]);
    let shown = literally(&here, "tree", &[entry("100644", b"README", &blob), entry("40000", b"secret", &hidden)].concat());
    let second = commit_tree(&here, &shown, &[&first]);
    let (code, said) = server.hook(Some("dev"), &input(&first, &second, "refs/heads/main"), &[]);
    assert_eq!(code, Some(1), "{said}");
    let other = literally(&here, "tree", &[entry("100644", b"README", &blob), entry("40000", b"public", &hidden)].concat());
    let second = commit_tree(&here, &other, &[&first]);
    let (code, said) = server.hook(Some("dev"), &input(&first, &second, "refs/heads/main"), &[]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn malformed_commits_and_tags() {
    let tags = "[[ruleset]]\nname = \"tags\"\ntarget = \"tag\"\nrefs = [\"~ALL\"]\n[ruleset.rules]\nannotated_tags = true\nmax_commits = { max_commits = 5 }\n";
    let server = Server::new(&format!("{GUARDED}{tags}"));
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    let tree = work.id("HEAD^{tree}");
    let here = inside(&server);
    let who = "author a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n";
    let gone = "5".repeat(40);
    for text in [
        String::new(),
        format!("parent {base}\ntree {tree}\n{who}\nx\n"),
        format!("tree {tree}\nparent {base} \n{who}\nx\n"),
        format!("tree {}\nparent {base}\n{who}\nx\n", server.null()),
        format!("tree {gone}\nparent {base}\n{who}\nx\n"),
        format!("tree {tree}\nparent {gone}\n{who}\nx\n"),
        format!("tree {base}\nparent {base}\n{who}\nx\n"),
        format!("tree {tree}\nparent {tree}\n{who}\nx\n"),
    ] {
        let new = literally(&here, "commit", text.as_bytes());
        let (code, said) = server.hook(Some("dev"), &input(&base, &new, "refs/heads/main"), &[]);
        assert_eq!(code, Some(2), "{text}: {said}");
    }
    for text in [
        String::new(),
        format!("object {gone}\ntype commit\ntag x\ntagger a <a@b> 1 +0000\n\nx\n"),
        format!("object {tree}\ntype commit\ntag x\ntagger a <a@b> 1 +0000\n\nx\n"),
        format!("object {base}\ntype tree\ntag x\ntagger a <a@b> 1 +0000\n\nx\n"),
        format!("object {base}\ntype tag\ntag x\ntagger a <a@b> 1 +0000\n\nx\n"),
        format!("object {base}\ntype nothing\ntag x\ntagger a <a@b> 1 +0000\n\nx\n"),
        format!("type commit\nobject {base}\ntag x\n\nx\n"),
    ] {
        let new = literally(&here, "tag", text.as_bytes());
        let (code, said) = server.hook(Some("dev"), &input(&server.null(), &new, "refs/tags/x"), &[]);
        assert_eq!(code, Some(2), "{text}: {said}");
    }
    let good = literally(&here, "tag", format!("object {base}\ntype commit\ntag x\ntagger a <a@b> 1 +0000\n\nx\n").as_bytes());
    let (code, said) = server.hook(Some("dev"), &input(&server.null(), &good, "refs/tags/x"), &[]);
    assert_eq!(code, Some(0), "{said}");
    for text in [
        // A parent that is said behind the author is none, for git too.
        format!("tree {tree}\nparent {base}\n{who}parent {gone}\n\nx\n"),
        // git walks these, and no rule here reads what is odd about them.
        format!("tree {tree}\nparent {base}\n\nx\n"),
        format!("tree {tree}\nparent {base}\nauthor a <a@b> 1 +0000\n\nx\n"),
        format!("tree {tree}\nparent {}\n{who}\nx\n", base.to_uppercase()),
        format!("tree {tree}\nparent {base}\nauthor nobody\ncommitter a <a@b> 1 +0000\n\nx\n"),
    ] {
        let new = literally(&here, "commit", text.as_bytes());
        let (code, said) = server.hook(Some("dev"), &input(&base, &new, "refs/heads/main"), &[]);
        assert_eq!(code, Some(0), "{text}: {said}");
    }
}

/// What an earlier push has left, refused or cut off, is there and reached by nothing.
#[test]
fn objects_that_are_there_but_unreachable() {
    for limit in ["1", "10000"] {
        let server = Server::new(GUARDED);
        server.git(["config", "receive.unpackLimit", limit]);
        let work = server.with_main(&[("README", "1")]);
        let base = work.id("HEAD");
        let bad = work.commit("bad", &[("secret/x", "1")]);
        let clean_again = {
            work.git(["rm", "--quiet", "-r", "secret"]);
            work.commit("clean again", &[])
        };
        let pack = clean("git", &work.home)
            .current_dir(&work.dir)
            .args(["bundle", "create", "--quiet", "objects.bundle", "main"])
            .status()
            .unwrap();
        assert!(pack.success());
        server.git(["bundle", "unbundle", work.dir.join("objects.bundle").to_str().unwrap()]);
        fs::remove_file(work.dir.join("objects.bundle")).unwrap();
        assert!(server.value(&format!("{bad}^{{commit}}")).is_some());
        work.push("dev", &["main"]).refuse("file_path_restriction");
        work.push("dev", &[&format!("{bad}:main")]).refuse("file_path_restriction");
        let _ = clean_again;
        work.git(["reset", "--quiet", "--hard", &base]);
        work.commit("good", &[("README", "2")]);
        work.push("dev", &["main"]).accept();
    }
}

#[test]
fn objects_of_a_fork() {
    let server = Server::new(GUARDED);
    let work = server.with_main(&[("README", "1")]);
    let fork = Server::new("");
    fs::create_dir_all(server.dir.join("objects/info")).unwrap();
    fs::write(server.dir.join("objects/info/alternates"), format!("{}\n", fork.dir.join("objects").display())).unwrap();
    let base = work.id("HEAD");
    let bad = work.commit("bad", &[("secret/x", "1")]);
    // The fork's owner pushes there whatever they like.
    work.git([
        "push",
        "--quiet",
        "--receive-pack=git -c core.hooksPath=/dev/null receive-pack",
        fork.dir.to_str().unwrap(),
        "main",
    ]);
    assert!(server.value(&format!("{bad}^{{commit}}")).is_some());
    work.push("dev", &["main"]).refuse("file_path_restriction");
    work.git(["reset", "--quiet", "--hard", &base]);
    let good = work.commit("good", &[("README", "2")]);
    work.git([
        "push",
        "--quiet",
        "--receive-pack=git -c core.hooksPath=/dev/null receive-pack",
        fork.dir.to_str().unwrap(),
        "main:good",
    ]);
    work.push("dev", &["main"]).accept();
    assert_eq!(server.value("refs/heads/main"), Some(good));
}

#[test]
fn loose_objects_packs_and_deltas() {
    for limit in ["1", "10000"] {
        for thin in ["--thin", "--no-thin"] {
            let server = Server::new(GUARDED);
            server.git(["config", "receive.unpackLimit", limit]);
            let long: String = (0..2000).map(|n| format!("line {n}\n")).collect();
            let work = server.with_main(&[("README", &long), ("secret/x", &long)]);
            let base = work.id("HEAD");
            work.commit("bad", &[("secret/x", &format!("{long}more"))]);
            work.push("dev", &[thin, "main"]).refuse("file_path_restriction");
            work.git(["reset", "--quiet", "--hard", &base]);
            work.commit("good", &[("README", &format!("{long}more"))]);
            work.push("dev", &[thin, "main"]).accept();
        }
    }
}

#[test]
fn shallow_clients() {
    let server = Server::new(GUARDED);
    let work = server.with_main(&[("README", "1")]);
    work.commit("second", &[("README", "2")]);
    work.push("dev", &["main"]).accept();
    let url = format!("file://{}", server.dir.display());
    let shallow = Work { dir: server.folder.path().join("shallow"), home: work.home.clone() };
    work.git(["clone", "--quiet", "--depth=1", &url, shallow.dir.to_str().unwrap()]);
    shallow.commit("bad", &[("secret/x", "1")]);
    shallow.push("dev", &["main"]).refuse("file_path_restriction");
    shallow.git(["reset", "--quiet", "--hard", "origin/main"]);
    shallow.commit("good", &[("README", "3")]);
    shallow.push("dev", &["main"]).accept();
    // A history that the server has not: its missing parents cannot be judged.
    let other = server.work();
    other.commit("secret", &[("secret/x", "1")]);
    other.commit("clean", &[("README", "1")]);
    let cut = Work { dir: server.folder.path().join("cut"), home: work.home.clone() };
    other.git(["clone", "--quiet", "--depth=1", &format!("file://{}", other.dir.display()), cut.dir.to_str().unwrap()]);
    cut.git(["remote", "set-url", "origin", server.dir.to_str().unwrap()]);
    for allowed in ["false", "true"] {
        server.git(["config", "receive.shallowUpdate", allowed]);
        assert!(!cut.push("dev", &["--force", "main"]).accepted);
        assert!(!cut.push("dev", &["main:refs/heads/new"]).accepted);
    }
    assert_eq!(server.value("refs/heads/new"), None);
}

#[test]
fn replace_refs_and_grafts() {
    let server = Server::new(&format!("allowed_refs = [\"refs/**/*\"]\n{GUARDED}"));
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    let bad = work.commit("bad", &[("secret/x", "1")]);
    work.git(["reset", "--quiet", "--hard", &base]);
    let good = work.commit("good", &[("README", "2")]);
    work.push("dev", &[&format!("{good}:refs/replace/{bad}"), &format!("{bad}:refs/heads/feature")]).accept();
    // git itself now takes one for the other.
    assert_eq!(server.git(["ls-tree", "-r", "--name-only", &bad]), "README");
    work.push("dev", &[&format!("{bad}:main")]).refuse("file_path_restriction");
    work.push("dev", &["main"]).accept();

    fs::create_dir_all(server.dir.join("info")).unwrap();
    fs::write(server.dir.join("info/grafts"), format!("{base}\n")).unwrap();
    work.commit("more", &[("README", "3")]);
    work.push("dev", &["main"]).undecided("info/grafts");
    fs::remove_file(server.dir.join("info/grafts")).unwrap();
    work.push("dev", &["main"]).accept();
}

#[test]
fn what_a_client_may_set_over_ssh() {
    let server = Server::new(GUARDED);
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    let lax = Server::new("");
    let lax_policy = lax.dir.join("refwarden.toml");
    let config = server.folder.path().join("config");
    fs::write(&config, format!("[refwarden]\n\tpolicy = {}\n", lax_policy.display())).unwrap();
    let objects = lax.dir.join("objects");
    let bad = work.commit("bad", &[("secret/x", "1")]);
    for setting in [
        format!("GIT_CONFIG_GLOBAL={}", config.display()),
        format!("GIT_CONFIG_SYSTEM={} GIT_CONFIG_NOSYSTEM=0", config.display()),
        format!("GIT_CONFIG_PARAMETERS=\"'refwarden.policy'='{}'\"", lax_policy.display()),
        format!("GIT_ALTERNATE_OBJECT_DIRECTORIES={}", objects.display()),
        format!("GIT_INDEX_FILE=/dev/null GIT_WORK_TREE={}", work.dir.display()),
        "GIT_ATTR_SOURCE=HEAD GIT_LITERAL_PATHSPECS=1 GIT_DEFAULT_HASH=sha256".to_owned(),
        "GL_BYPASS_ACCESS_CHECKS=1 GITEA_PUSH_TRIGGER=pr-merge-to-base GITHUB_VIA='pull request merge button'".to_owned(),
    ] {
        let through = format!("--receive-pack=env {setting} git-receive-pack");
        work.push("dev", &[&through, "main"]).refuse("file_path_restriction");
        work.push("dev", &[&through, &format!("{base}:refs/heads/topic")]).accept();
        work.push("dev", &[&through, ":refs/heads/topic"]).accept();
    }
    // The commit lies where only the client says that objects lie.
    work.git([
        "push",
        "--quiet",
        lax.dir.to_str().unwrap(),
        "--receive-pack=git -c core.hooksPath=/dev/null receive-pack",
        "main",
    ]);
    let through = format!("--receive-pack=env GIT_ALTERNATE_OBJECT_DIRECTORIES={} git-receive-pack", objects.display());
    assert!(!work.push("dev", &[&through, "main"]).accepted);
    assert_eq!(server.value("refs/heads/main").as_deref(), Some(&*base));

    // git then takes the hook and the objects from there, and moves the refs here.
    let through = format!("--receive-pack=env GIT_COMMON_DIR={} git-receive-pack", lax.dir.display());
    work.push("dev", &[&through, "main"]).undecided("GIT_COMMON_DIR");
    assert_eq!(server.value("refs/heads/main").as_deref(), Some(&*base));
    for name in ["GIT_COMMON_DIR", "GIT_REFERENCE_BACKEND", "GIT_NAMESPACE", "GIT_SHALLOW_FILE"] {
        let (code, said) = server.hook(Some("dev"), &input(&base, &bad, "refs/heads/topic"), &[(name, "x")]);
        assert_eq!(code, Some(2), "{name}: {said}");
    }
}

#[test]
fn budgets_name_their_number() {
    let server = Server::new("");
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    let policy = |budget: &str| {
        server.policy(&format!("{HEAD}budget = {{ {budget} }}\n{GUARDED}max_commits = {{ max_commits = 1000 }}\n"))
    };
    for n in 0..12 {
        work.commit(&format!("{n}"), &[("README", &format!("{n}"))]);
    }
    policy("commits = 10");
    work.push("dev", &["main"]).undecided("budget of 10 commits");
    policy("commits = 20");
    work.push("dev", &["main"]).accept();
    let tip = work.id("HEAD");

    // Ten folders in ten folders, ten deep, all the same objects: ten billion paths in ten trees.
    let blob = work.id("HEAD:README");
    let mut tree =
        work.git_with(&["mktree"], (0..10).map(|n| format!("100644 blob {blob}\t{n}\n")).collect::<String>().as_bytes());
    for _ in 0..9 {
        tree = work.git_with(&["mktree"], (0..10).map(|n| format!("040000 tree {tree}\t{n}\n")).collect::<String>().as_bytes());
    }
    let bomb = |name: &str| {
        let root = work.git_with(&["mktree"], format!("100644 blob {blob}\tREADME\n040000 tree {tree}\t{name}\n").as_bytes());
        commit_tree(&work, &root, &[&tip])
    };
    policy("paths = 5_000");
    work.push("dev", &[&format!("{}:main", bomb("secret"))]).undecided("budget of 5000 paths");
    policy("paths = 4_000_000_000, time = \"1ms\"");
    work.push("dev", &[&format!("{}:main", bomb("secret"))]).undecided("budget of 1 ms");
    // Where no rule looks, the bomb costs nothing.
    policy("paths = 5_000");
    work.push("dev", &[&format!("{}:main", bomb("public"))]).accept();
    let _ = base;
}

#[test]
fn refs_packed_and_loose() {
    let server = Server::new(&GUARDED.replace("[\"main\"]", "[\"main\", \"m/*\"]"));
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    // Names around the covered one, in every order that matters to a search by bytes, with tags that are peeled.
    for name in ["mai", "main-", "main.b", "main0", "mainA", "MAIN", "l", "n", "m/a", "m/a-b", "m/ab", "m-", "m0"] {
        server.git(["update-ref", &format!("refs/heads/{name}"), &base]);
    }
    for n in 0..300 {
        server.git(["update-ref", &format!("refs/heads/many/{n}"), &base]);
    }
    let here = inside(&server);
    for n in 0..20 {
        here.git(["tag", "--annotate", "--message", "x", &format!("t{n}"), &base]);
    }
    server.git(["pack-refs", "--all"]);
    let next = work.commit("next", &[("README", "2")]);
    work.push("dev", &["main"]).accept();
    // `main` is loose over packed now.
    assert!(server.dir.join("refs/heads/main").exists());
    work.git(["reset", "--quiet", "--hard", &base]);
    work.commit("sideways", &[("README", "3")]);
    work.push("dev", &["--force", "main"]).refuse("non_fast_forward");
    work.push("dev", &["--force", "main:m/a"]).accept();
    work.push("dev", &["--force", &format!("{next}:m/a")]).refuse("non_fast_forward");
    work.push("dev", &["--force", &format!("{next}:m/a-b")]).accept();
    for name in ["main", "m/a", "m/ab"] {
        work.push("dev", &[&format!(":refs/heads/{name}")]).refuse("deletion");
    }
    work.push("dev", &[":refs/heads/many/7"]).accept();
    // A stale packed value behind a loose one, and a lock of nobody's.
    fs::write(server.dir.join("refs/heads/stranger.lock"), "").unwrap();
    server.git(["pack-refs", "--all"]);
    work.git(["reset", "--quiet", "--hard", &next]);
    work.commit("forward", &[("README", "4")]);
    work.push("dev", &["main"]).accept();
    let bad = work.commit("bad", &[("secret/x", "1")]);
    work.push("dev", &[&format!("{bad}:refs/heads/m/new")]).refuse("file_path_restriction");
}

#[test]
fn more_covered_refs_than_are_walked_at_once() {
    let server = Server::new(&GUARDED.replace("[\"main\"]", "[\"main\", \"many/**/*\"]"));
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    let mut commands = String::new();
    for n in 0..300 {
        let tip = work.git(["commit-tree", "-m", &format!("{n}"), "-p", &base, &format!("{base}^{{tree}}")]);
        commands.push_str(&format!("create refs/heads/many/{n} {tip}\n"));
    }
    work.git_with(&["update-ref", "--stdin"], commands.as_bytes());
    work.force("refs/heads/many/*:refs/heads/many/*");
    // Covered, and not below any tip but one that is ahead of it.
    let hidden = work.commit("hidden", &[("secret/x", "1")]);
    let ahead = work.commit("ahead", &[("README", "2")]);
    work.push("dev", &["main:refs/heads/free"]).accept();
    work.push("dev", &[&format!("{hidden}:refs/heads/many/new")]).refuse("file_path_restriction");
    work.force(&format!("{ahead}:refs/heads/many/ahead"));
    work.push("dev", &[&format!("{hidden}:refs/heads/main")]).refuse("file_path_restriction");
    work.git(["reset", "--quiet", "--hard", &base]);
    work.commit("good", &[("README", "5")]);
    work.push("dev", &["main:refs/heads/many/new"]).accept();
}

/// Above a number of paths, a merge's parents are compared with their merge bases as whole trees.
#[test]
fn a_merge_that_restores_many_files() {
    let server = Server::new(
        "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"release\"]\n[ruleset.rules]\nfile_extension_restriction = { restricted_file_extensions = [\"jar\"] }\n",
    );
    let work = server.work();
    let names: Vec<String> = (0..300).map(|n| format!("lib/{n}.jar")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let base = work.commit("base", &files);
    work.force("main");
    work.force("main:release");
    work.git(["rm", "--quiet", "-r", "lib"]);
    let without = work.commit("without", &[("README", "1")]);
    let tree = work.id("HEAD^{tree}");
    work.git(["reset", "--quiet", "--hard", &base]);
    let other = work.commit("other", &[("other", "1")]);
    let restored = commit_tree(&work, &work.id("HEAD^{tree}"), &[&without, &other]);
    work.push("dev", &[&format!("{restored}:release")]).refuse("file_extension_restriction");
    let honest = commit_tree(&work, &tree, &[&without, &other]);
    work.push("dev", &[&format!("{honest}:release")]).accept();
}

#[test]
fn an_octopus_of_many_arms() {
    let server = Server::new(GUARDED);
    let work = server.with_main(&[("README", "1"), ("secret/x", "hole")]);
    let base = work.id("HEAD");
    let old_tree = work.id("HEAD^{tree}");
    work.commit("fixed", &[("secret/x", "fixed")]);
    work.force("main");
    let fixed = work.id("HEAD");
    let arms: Vec<String> = (0..60).map(|n| work.git(["commit-tree", "-m", &format!("{n}"), "-p", &base, &old_tree])).collect();
    let mut parents = vec![fixed.as_str()];
    parents.extend(arms.iter().map(String::as_str));
    let quiet = commit_tree(&work, &old_tree, &parents);
    work.push("dev", &[&format!("{quiet}:main")]).refuse("file_path_restriction");
    let honest = commit_tree(&work, &work.id(&format!("{fixed}^{{tree}}")), &parents);
    work.push("dev", &[&format!("{honest}:main")]).accept();
}

#[test]
fn the_default_branch_is_the_one_of_now() {
    let server = Server::new(&GUARDED.replace("[\"main\"]", "[\"~DEFAULT_BRANCH\"]"));
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    work.force("main:trunk");
    let bad = work.commit("bad", &[("secret/x", "1")]);
    work.push("dev", &["main"]).refuse("file_path_restriction");
    work.push("dev", &["main:trunk"]).accept();
    server.git(["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    work.push("dev", &[&format!("{base}:trunk"), "--force"]).refuse("non_fast_forward");
    // What the default branch has has entered.
    work.push("dev", &["main"]).accept();
    assert_eq!(server.value("refs/heads/main"), Some(bad.clone()));
    server.git(["symbolic-ref", "HEAD", "refs/heads/gone"]);
    work.push("dev", &[&format!("{bad}:refs/heads/topic")]).undecided("does not exist");
    work.push("dev", &[&format!("{bad}:refs/tags/t")]).accept();
    server.git(["update-ref", "--no-deref", "HEAD", &base]);
    work.push("dev", &[&format!("{bad}:refs/heads/topic")]).undecided("names no branch");
    let line = input(&server.null(), &base, "refs/heads/topic");
    fs::remove_file(server.dir.join("HEAD")).unwrap();
    let (code, _) = server.hook(Some("dev"), &line, &[]);
    assert_eq!(code, Some(2));
}

#[test]
fn everything_but_what_is_excluded() {
    let server =
        Server::new(&GUARDED.replace("[\"main\"]", "{ include = [\"~ALL\"], exclude = [\"~DEFAULT_BRANCH\", \"scratch/*\"] }"));
    let work = server.with_main(&[("README", "1")]);
    let bad = work.commit("bad", &[("secret/x", "1")]);
    for name in ["Main", "Scratch/a", "scratch/a/b", "scratch", "topic"] {
        work.push("dev", &[&format!("{bad}:refs/heads/{name}")]).refuse("file_path_restriction");
    }
    work.push("dev", &[&format!("{bad}:refs/heads/scratch/a")]).accept();
    work.push("dev", &["main"]).accept();
}

#[test]
fn an_import_fills_an_empty_repository_once() {
    let server = Server::new(&format!("import = [\"importer\"]\n{GUARDED}"));
    let work = server.work();
    work.commit("base", &[("secret/x", "1")]);
    work.push("Importer", &["main"]).refuse("file_path_restriction");
    work.push("importer", &["main:refs/notes/x"]).refuse("allowed_refs");
    work.push("importer", &["main"]).accept();
    work.commit("more", &[("secret/y", "1")]);
    work.push("importer", &["main"]).refuse("file_path_restriction");
    // One tag is enough to be no empty repository any more.
    let server = Server::new(&format!("import = [\"importer\"]\n{GUARDED}"));
    let work = server.work();
    work.commit("base", &[("secret/x", "1")]);
    work.force("main:refs/tags/t");
    work.push("importer", &["main"]).refuse("file_path_restriction");
}

#[test]
fn what_is_sent_in_parts() {
    let server = Server::new(GUARDED);
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    let bad = work.commit("bad", &[("secret/x", "1")]);
    // The commit without its trees and blobs.
    let pack = work.git_with(&["hash-object", "--stdin"], b"");
    let answer = server.raw_push("dev", &work, &[line(&base, &bad, "refs/heads/main")], &[], "");
    assert!(!answer.contains("ok refs/heads/main"), "{pack} {answer}");
    let answer = server.raw_push(
        "dev",
        &work,
        &[line(&base, &bad, "refs/heads/main")],
        &[&format!("^{base}"), &format!("{bad}:secret")],
        "",
    );
    assert!(!answer.contains("ok refs/heads/main"), "{answer}");
    // A wrong old value, so that the change looks like another.
    for old in [&bad, &server.null(), &"1".repeat(40)] {
        let answer = server.raw_push("dev", &work, &[line(old, &bad, "refs/heads/main")], &[&bad], "");
        assert!(answer.contains("pre-receive hook declined"), "{answer}");
    }
    assert_eq!(server.value("refs/heads/main").as_deref(), Some(&*base));
    work.git(["reset", "--quiet", "--hard", &base]);
    let good = work.commit("good", &[("README", "2")]);
    let answer = server.raw_push("dev", &work, &[line(&base, &good, "refs/heads/main")], &[&format!("^{base}"), &good], "");
    assert!(answer.contains("ok refs/heads/main"), "{answer}");
}

/// Many symbolic refs in a reftable, over several blocks and tables, some of them changed and removed again.
#[test]
fn many_symbolic_refs_in_a_reftable() {
    for sha256 in [false, true] {
        let rules = "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"safe/**/*\"]\n[ruleset.rules]\ncreation = true\nupdate = true\n";
        let server = Server::stored(rules, Storage { sha256, reftable: true });
        server.git(["config", "reftable.blockSize", "1024"]);
        let work = server.with_main(&[("README", "1")]);
        let base = work.id("HEAD");
        let here = inside(&server);
        let mut commands = String::new();
        for n in 0..400 {
            commands
                .push_str(&format!("create refs/heads/many/{n} {base}\nsymref-create refs/heads/safe/{n} refs/heads/free/{n}\n"));
        }
        here.git_with(&["update-ref", "--stdin"], commands.as_bytes());
        server.git(["symbolic-ref", "refs/heads/safe/7", "refs/heads/elsewhere"]);
        server.git(["symbolic-ref", "--delete", "refs/heads/safe/8"]);
        for n in [0, 6, 9, 123, 250, 399] {
            work.push("dev", &[&format!("main:refs/heads/free/{n}")]).refuse("creation");
        }
        work.push("dev", &["main:refs/heads/elsewhere"]).refuse("creation");
        work.push("dev", &["main:refs/heads/free/7", "main:refs/heads/free/8", "main:refs/heads/free/400"]).accept();
        server.git(["pack-refs", "--all"]);
        work.push("dev", &["main:refs/heads/free/399"]).refuse("creation");
        work.push("dev", &["main:refs/heads/free/401"]).accept();
    }
}

/// git shows nothing of a message behind a NUL.
#[test]
fn a_message_that_goes_on_unseen() {
    let server = Server::new(
        "[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"main\"]\n[ruleset.rules]\ncommit_message_pattern = { operator = \"contains\", pattern = \"JIRA-\" }\n",
    );
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    let head = format!("tree {}\nparent {base}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\n", work.id("HEAD^{tree}"));
    let bad = literally(&work, "commit", format!("{head}plain\0JIRA-1\n").as_bytes());
    work.push("dev", &[&format!("{bad}:main")]).refuse("commit_message_pattern");
    let good = literally(&work, "commit", format!("{head}plain JIRA-1\0and more\n").as_bytes());
    work.push("dev", &[&format!("{good}:main")]).accept();
}

/// A new branch on a history with many covered tips, which are all below each other.
#[test]
fn many_covered_tips_on_one_line() {
    let server = Server::new(&format!("budget = {{ commits = 1_500 }}\n{}", GUARDED.replace("[\"main\"]", "[\"release/*\"]")));
    let work = server.work();
    let mut stream = String::new();
    for n in 1..=1000 {
        stream
            .push_str(&format!("commit refs/heads/line\nmark :{n}\ncommitter a <a@b> {} +0000\ndata 1\nx\n", 1_600_000_000 + n));
        stream.push_str(&if n == 1 { "M 644 inline README\ndata 1\nx\n".to_owned() } else { format!("from :{}\n", n - 1) });
        stream.push_str(&format!("reset refs/heads/release/{n}\nfrom :{n}\n\n"));
    }
    let here = inside(&server);
    here.git_with(&["fast-import", "--quiet"], stream.as_bytes());
    server.git(["update-ref", "refs/heads/main", "refs/heads/line~999"]);
    work.git(["fetch", "--quiet", "origin", "refs/heads/line"]);
    work.git(["reset", "--quiet", "--hard", "FETCH_HEAD"]);
    work.commit("good", &[("README", "2")]);
    work.push("dev", &["main:refs/heads/release/new"]).accept();
    work.commit("bad", &[("secret/x", "1")]);
    work.push("dev", &["main:refs/heads/release/newer"]).refuse("file_path_restriction");
}
