//! Where the policy is named: whatever git would see of its configuration counts, and what cannot be evaluated refuses.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{HEAD, Server, Storage, Work, clean};

const STRICT: &str = r#"
[[ruleset]]
name = "no secrets"
target = "branch"
refs = ["~ALL"]
[ruleset.rules]
file_path_restriction = { restricted_file_paths = ["secret/**/*"] }
"#;

/// A server whose `refwarden.toml` allows everything, and a stricter policy that its configuration may name.
struct Bed {
    server: Server,
    work: Work,
    base: String,
    honest: String,
    bad: String,
}

impl Bed {
    fn new(storage: Storage) -> Bed {
        let server = Server::stored("", storage);
        let work = server.with_main(&[("README", "1")]);
        let base = work.id("HEAD");
        let bad = work.commit("bad", &[("secret/key", "1")]);
        work.git(["reset", "--quiet", "--hard", &base]);
        let honest = work.commit("honest", &[("README", "2")]);
        let bed = Bed { server, work, base, honest, bad };
        fs::write(bed.strict(), format!("{HEAD}{STRICT}")).unwrap();
        fs::write(bed.at("names"), format!("[refwarden]\n\tpolicy = {}\n", bed.strict().display())).unwrap();
        fs::write(bed.at("unrelated"), "[user]\n\tname = x\n").unwrap();
        bed
    }

    fn at(&self, path: &str) -> PathBuf {
        self.server.folder.path().join(path)
    }

    fn strict(&self) -> PathBuf {
        self.at("strict.toml")
    }

    fn append(&self, file: &str, text: &str) {
        let path = self.server.dir.join(file);
        let before = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, before + text).unwrap();
    }

    fn reset(&self) {
        self.server.git(["update-ref", "refs/heads/main", &self.base]);
    }

    /// The strict policy judges.
    #[track_caller]
    fn is_strict(&self) {
        self.work.push("dev", &[&format!("{}:main", self.bad)]).refuse("file_path_restriction");
        self.work.push("dev", &[&format!("{}:main", self.honest)]).accept();
        self.reset();
    }

    /// The lax policy judges.
    #[track_caller]
    fn is_lax(&self) {
        self.work.push("dev", &[&format!("{}:main", self.bad)]).accept();
        self.reset();
    }

    #[track_caller]
    fn is_undecided(&self, cause: &str) {
        for new in [&self.bad, &self.honest] {
            self.work.push("dev", &[&format!("{new}:main")]).undecided(cause);
        }
    }

    /// The hook without any `git` to ask.
    fn alone(&self) -> (Option<i32>, String) {
        let line = format!("{} {} refs/heads/main\n", self.base, self.honest);
        self.server.hook(Some("dev"), line.as_bytes(), &[("PATH", "/nowhere")])
    }
}

fn four() -> impl Iterator<Item = Storage> {
    [(false, false), (true, false), (false, true), (true, true)]
        .into_iter()
        .map(|(sha256, reftable)| Storage { sha256, reftable })
}

#[test]
fn a_policy_behind_a_condition_counts_where_git_says_so() {
    for storage in four() {
        let conditions = [
            ("gitdir:**/server.git", true),
            ("gitdir:**/server.git/", false),
            ("gitdir/i:**/SERVER.GIT", true),
            ("onbranch:main", true),
            ("onbranch:ma*", true),
            ("hasconfig:remote.*.url:https://example.org/**", true),
            ("gitdir:**/other.git", false),
            ("onbranch:other", false),
            ("hasconfig:remote.*.url:https://example.net/**", false),
        ];
        // Every condition on one storage, one of each answer on the others.
        let few = storage.sha256 || storage.reftable;
        for (condition, holds) in conditions.into_iter().filter(|(condition, _)| !few || condition.starts_with("onbranch:")) {
            let bed = Bed::new(storage);
            bed.server.git(["config", "remote.mirror.url", "https://example.org/app.git"]);
            bed.append("config", &format!("[includeIf \"{condition}\"]\n\tpath = ../names\n"));
            let mut asked = clean("git", bed.server.folder.path());
            asked.arg("--git-dir").arg(&bed.server.dir).args(["config", "refwarden.policy"]);
            assert_eq!(asked.output().unwrap().status.success(), holds, "{condition}");
            if holds { bed.is_strict() } else { bed.is_lax() }
        }
    }
}

#[test]
fn a_policy_in_the_worktrees_configuration_counts() {
    for storage in four() {
        let bed = Bed::new(storage);
        let name = format!("[refwarden]\n\tpolicy = {}\n", bed.strict().display());
        fs::write(bed.server.dir.join("config.worktree"), &name).unwrap();
        // git reads the file only where the extension says so.
        bed.is_lax();
        bed.server.git(["config", "extensions.worktreeConfig", "true"]);
        bed.is_strict();
        // It has the last word, as in git.
        bed.server.git(["config", "refwarden.policy", bed.server.dir.join("refwarden.toml").to_str().unwrap()]);
        bed.is_strict();
        fs::write(bed.server.dir.join("config.worktree"), "[includeIf \"onbranch:main\"]\n\tpath = ../names\n").unwrap();
        bed.is_strict();
        fs::write(bed.server.dir.join("config.worktree"), "[refwarden").unwrap();
        bed.work.push("dev", &[&format!("{}:main", bed.honest)]).undecided("config");
        fs::remove_file(bed.server.dir.join("config.worktree")).unwrap();
        bed.is_lax();
    }
}

#[test]
fn conditions_within_includes() {
    let bed = Bed::new(Storage::default());
    fs::create_dir(bed.at("more")).unwrap();
    // Relative to the file that names it.
    fs::write(bed.at("more/outer"), "[includeIf \"onbranch:main\"]\n\tpath = ../names\n").unwrap();
    fs::write(bed.at("more/conditional"), "[include]\n\tpath = outer\n").unwrap();
    let config = fs::read_to_string(bed.server.dir.join("config")).unwrap();
    for text in [
        "[include]\n\tpath = ../names\n",
        "[include]\n\tpath = ../more/outer\n",
        "[includeIf \"gitdir:**/server.git\"]\n\tpath = ../more/conditional\n",
        "[includeIf \"gitdir:**/server.git\"]\n\tpath = ~/names\n",
        "[IncludeIf \"onbranch:main\"]\n\tPATH = \"../names\" ; quoted\n",
    ] {
        fs::write(bed.server.dir.join("config"), format!("{config}{text}")).unwrap();
        bed.is_strict();
    }
    // What is not there is passed over, as git does.
    for text in ["[include]\n\tpath = ../nowhere\n", "[includeIf \"onbranch:main\"]\n\tpath = ../nowhere\n"] {
        fs::write(bed.server.dir.join("config"), format!("{config}{text}")).unwrap();
        bed.work.push("dev", &[&format!("{}:main", bed.honest)]).accept();
        bed.reset();
    }
}

#[test]
fn what_has_nothing_to_do_with_refwarden_starts_no_program() {
    let bed = Bed::new(Storage::default());
    bed.work.force("HEAD:refs/heads/honest");
    let config = fs::read_to_string(bed.server.dir.join("config")).unwrap();
    for (text, code) in [
        ("", 0),
        ("[includeIf \"gitdir:**/server.git\"]\n\tpath = ../unrelated\n", 0),
        ("[includeIf \"gitdir:~/work/\"]\n\tpath = ~/unrelated\n", 0),
        ("[includeIf \"future:x\"]\n\tpath = ../unrelated\n", 0),
        ("[includeIf \"onbranch:main\"]\n\tpath = ../nowhere\n", 0),
        ("[includeIf \"onbranch:main\"]\n\tpath = ../names\n", 2),
        ("[includeIf \"onbranch:main\"]\n\tpath = ~somebody/names\n", 2),
        ("[include]\n\tpath = ~somebody/names\n", 2),
    ] {
        fs::write(bed.server.dir.join("config"), format!("{config}{text}")).unwrap();
        let (found, answer) = bed.alone();
        assert_eq!(found, Some(code), "{text}{answer}");
    }
}

#[test]
fn a_condition_that_git_does_not_know_refuses() {
    let bed = Bed::new(Storage::default());
    bed.append("config", "[includeIf \"future:x\"]\n\tpath = ../names\n");
    bed.is_undecided("unknown condition");
    // Nor does one that cannot be read say nothing.
    let bed = Bed::new(Storage::default());
    fs::write(bed.at("names"), "[refwarden\n").unwrap();
    bed.append("config", "[includeIf \"onbranch:main\"]\n\tpath = ../names\n");
    bed.is_undecided("");
}

#[test]
fn a_policy_at_an_annotated_tag() {
    for storage in four() {
        let server = Server::stored("", storage);
        let work = server.with_main(&[("README", "1")]);
        let base = work.id("HEAD");
        work.git(["checkout", "--quiet", "--orphan", "policy"]);
        work.commit("policy", &[("policy.toml", &format!("{HEAD}{STRICT}"))]);
        work.git(["tag", "--annotate", "--message", "first", "policy-1"]);
        work.git(["tag", "--annotate", "--message", "again", "policy-2", "policy-1"]);
        fs::remove_file(server.dir.join("refwarden.toml")).unwrap();
        server.git(["config", "refwarden.policyPath", "policy.toml"]);
        for tag in ["refs/tags/policy-1", "refs/tags/policy-2"] {
            work.force(tag);
            server.git(["config", "refwarden.policyRef", tag]);
            work.git(["checkout", "--quiet", "--detach", &base]);
            work.commit("bad", &[("secret/key", tag)]);
            work.push("dev", &["HEAD:refs/heads/main"]).refuse("file_path_restriction");
            work.git(["checkout", "--quiet", "--detach", &base]);
            work.commit(tag, &[("README", tag)]);
            work.push("dev", &["+HEAD:refs/heads/topic"]).accept();
            // The tag guards itself.
            work.push("dev", &[&format!(":{tag}")]).refuse("deletion");
            work.push("dev", &[&format!("+HEAD:{tag}")]).refuse("non_fast_forward");
        }
        let blob = work.git(["rev-parse", "policy:policy.toml"]);
        work.git(["tag", "--annotate", "--message", "a file", "file", &blob]);
        work.force("refs/tags/file");
        server.git(["config", "refwarden.policyRef", "refs/tags/file"]);
        work.push("dev", &["HEAD:refs/heads/other"]).undecided("does not lead to a commit");
    }
}

#[test]
fn alternates_as_git_reads_them() {
    for storage in four() {
        let server = Server::stored(STRICT, storage);
        let work = server.with_main(&[("README", "1")]);
        let base = work.id("HEAD");
        let bad = work.commit("bad", &[("secret/key", "1")]);
        work.git(["reset", "--quiet", "--hard", &base]);
        let honest = work.commit("honest", &[("README", "2")]);
        // Everything lies in a fork, whose name needs quotes.
        let objects = server.dir.join("objects");
        let fork = server.folder.path().join("fork \"ä\"\tx");
        fs::create_dir_all(&fork).unwrap();
        fs::rename(&objects, fork.join("objects")).unwrap();
        fs::create_dir_all(server.folder.path().join("between/objects/info")).unwrap();
        fs::create_dir_all(objects.join("info")).unwrap();
        fs::create_dir_all(objects.join("pack")).unwrap();
        symlink(&fork, server.folder.path().join("plain")).unwrap();
        let top = server.folder.path().display();
        let quoted = format!("\"{top}/fork \\\"\\303\\244\\\"\\tx/objects\"");
        let relative = "../../fork \"ä\"\tx/objects";
        fs::write(server.folder.path().join("between/objects/info/alternates"), format!("# the fork\n\n{quoted}\n")).unwrap();
        let alternates = [
            format!("{quoted}\n"),
            quoted.clone(),
            format!("# \"x\"\n\n{quoted}\n/nowhere/objects\n"),
            format!("{relative}\n"),
            format!("{top}/plain/objects\n"),
            // Relative to the objects, though it does not begin with a dot.
            "pack/../../../plain/objects\n".to_owned(),
            "../../between/objects\n".to_owned(),
            "\"../../between/objects\"\n".to_owned(),
        ];
        for text in &alternates {
            fs::write(objects.join("info/alternates"), text).unwrap();
            assert_eq!(server.git(["cat-file", "-t", &base]), "commit", "{text}");
            work.push("dev", &[&format!("{bad}:refs/heads/main")]).refuse("file_path_restriction");
            work.push("dev", &[&format!("{honest}:refs/heads/main")]).accept();
            server.git(["update-ref", "refs/heads/main", &base]);
        }
        // A quoted path with something behind it, and what libgit2 would read where git does not.
        for (text, cause) in [
            (format!("{quoted}x\n{top}/plain/objects\n"), "quoted path"),
            (format!("{top}/plain/objects\nrefs\n"), "can be understood"),
        ] {
            fs::write(objects.join("info/alternates"), text).unwrap();
            work.push("dev", &[&format!("{honest}:refs/heads/main")]).undecided(cause);
        }
    }
}

// The repository's name.

fn named(repositories: &str, root: Option<&Path>) -> String {
    let root = root.map(|root| format!("root = \"{}\"\n", root.display())).unwrap_or_default();
    format!("{HEAD}{root}{STRICT}").replace("refs = [\"~ALL\"]", &format!("refs = [\"~ALL\"]\nrepositories = {repositories}"))
}

#[test]
fn a_repository_is_matched_by_every_name_that_it_is_reached_by() {
    for storage in four() {
        let server = Server::stored("", storage);
        let work = server.with_main(&[("README", "1")]);
        let base = work.id("HEAD");
        let bad = work.commit("bad", &[("secret/key", "1")]);
        let top = server.folder.path().to_owned();
        let real_top = fs::canonicalize(&top).unwrap();
        symlink(&server.dir, top.join("shop.git")).unwrap();
        symlink(&top, top.join("crew")).unwrap();
        let (direct, link, folder) = (server.dir.clone(), top.join("shop.git"), top.join("crew/server.git"));
        let without_git = top.join("shop");
        let cases = [
            (r#"["shop"]"#, None, &link, true),
            (r#"["shop"]"#, None, &without_git, true),
            (r#"["server"]"#, None, &link, true),
            (r#"["server"]"#, None, &direct, true),
            (r#"["shop"]"#, None, &direct, false),
            (r#"["other"]"#, None, &link, false),
            // What is excluded by one of its names only is not excluded.
            (r#"{ exclude = ["shop"] }"#, None, &link, true),
            (r#"{ exclude = ["server"] }"#, None, &link, true),
            (r#"{ exclude = ["s*"] }"#, None, &link, false),
            (r#"{ exclude = ["server"] }"#, None, &direct, false),
            (r#"["crew/*"]"#, Some(&real_top), &folder, true),
            (r#"["crew/*"]"#, Some(&real_top), &direct, false),
            (r#"["crew/*"]"#, Some(&top), &folder, true),
            (r#"{ exclude = ["crew/server"] }"#, Some(&real_top), &folder, true),
        ];
        for (repositories, root, path, judged) in cases {
            server.policy(&named(repositories, root.map(PathBuf::as_path)));
            work.git(["remote", "set-url", "origin", path.to_str().unwrap()]);
            let pushed = work.push("dev", &[&format!("{bad}:main")]);
            assert_eq!(pushed.accepted, !judged, "{repositories} {root:?} {path:?}: {}", pushed.output);
            if judged {
                pushed.refuse("file_path_restriction");
            }
            server.git(["update-ref", "refs/heads/main", &base]);
        }
    }
}

#[test]
fn what_a_web_server_or_sshd_was_asked_for_names_the_repository_too() {
    let server = Server::new("");
    let work = server.with_main(&[("README", "1")]);
    let base = work.id("HEAD");
    let bad = work.commit("bad", &[("secret/key", "1")]);
    work.force("HEAD:refs/heads/bad");
    let top = server.folder.path().display().to_string();
    symlink(&server.dir, server.folder.path().join("shop.git")).unwrap();
    let line = format!("{base} {bad} refs/heads/main\n");
    let command = format!("git-receive-pack '{top}/shop.git'");
    let relative = "git-receive-pack 'shop.git'";
    let translated = format!("{top}/shop.git/git-receive-pack");
    let git_dir = format!("{top}/shop.git");
    let reached: [&[(&str, &str)]; 6] = [
        &[("SSH_ORIGINAL_COMMAND", &command)],
        &[("SSH_ORIGINAL_COMMAND", relative)],
        &[("SSH_ORIGINAL_COMMAND", "git-receive-pack '~/shop.git'")],
        &[("GIT_PROJECT_ROOT", &top), ("PATH_INFO", "/shop.git/git-receive-pack")],
        &[("PATH_TRANSLATED", &translated)],
        &[("GIT_DIR", &git_dir)],
    ];
    for environment in reached {
        server.policy(&named(r#"["shop"]"#, None));
        assert_eq!(server.hook(Some("dev"), line.as_bytes(), environment).0, Some(1), "{environment:?}");
        // None of them takes the repository out of a ruleset.
        server.policy(&named(r#"{ exclude = ["shop"] }"#, None));
        assert_eq!(server.hook(Some("dev"), line.as_bytes(), environment).0, Some(1), "{environment:?}");
    }
    // A path that does not lead here is no name.
    server.policy(&named(r#"{ exclude = ["server"] }"#, None));
    for command in ["git-receive-pack '/nowhere/shop.git'", "git-receive-pack '/etc'", "nonsense"] {
        assert_eq!(server.hook(Some("dev"), line.as_bytes(), &[("SSH_ORIGINAL_COMMAND", command)]).0, Some(0), "{command}");
    }
}
