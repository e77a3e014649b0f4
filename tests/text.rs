//! What rules about text judge is what `git log` shows: in whatever encoding a commit is, however odd its headers are. git is
//! the oracle for what is shown; that nothing else is judged is tried by real pushes.

use std::path::PathBuf;

use refwarden::git::{Commit, ObjectFormat, Oid};
use tempfile::TempDir;

use crate::support::{Server, Storage, Work};

/// Every kind of repository.
fn kinds() -> [Storage; 4] {
    [(false, false), (false, true), (true, false), (true, true)].map(|(sha256, reftable)| Storage { sha256, reftable })
}

/// An object that git would not make, past every check.
fn literally(work: &Work, content: &[u8]) -> String {
    work.git_with(&["hash-object", "-w", "--literally", "-t", "commit", "--stdin"], content)
}

/// A repository with nothing in it but the commits that are written.
struct Repo {
    _folder: TempDir,
    work: Work,
    tree: String,
}

impl Repo {
    fn new() -> Repo {
        let folder = tempfile::tempdir().unwrap();
        let work = Work { dir: folder.path().into(), home: PathBuf::from(folder.path()) };
        work.git(["init", "--quiet", "."]);
        let tree = work.git_with(&["mktree"], b"");
        Repo { _folder: folder, work, tree }
    }

    /// A commit with these headers behind its tree, and this message.
    fn raw(&self, headers: &[u8], message: &[u8]) -> Vec<u8> {
        [format!("tree {}\n", self.tree).as_bytes(), headers, b"\n", message].concat()
    }

    /// What `git log` shows of a commit, which may be no UTF-8.
    fn log(&self, raw: &[u8], format: &str) -> Vec<u8> {
        let id = literally(&self.work, raw);
        let mut log = crate::support::clean("git", &self.work.home);
        log.current_dir(&self.work.dir);
        let output = log.args(["log", "-1", "--no-walk", "--no-mailmap", &format!("--format={format}"), &id]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout.strip_suffix(b"\n").unwrap().to_vec()
    }
}

fn parse(raw: &[u8]) -> Commit {
    Commit::parse(Oid::from_hex(&[b'1'; 40], ObjectFormat::Sha1).unwrap(), raw).unwrap()
}

const PEOPLE: &[u8] = b"author A <a@example.org> 1 +0000\ncommitter C <c@example.org> 2 +0000\n";

/// Encodings by name, with the number of sequences beside ASCII that must be readable.
const ENCODINGS: &[(&str, usize)] = &[
    ("US-ASCII", 0),
    ("ISO-8859-1", 128),
    ("latin1", 128),
    ("8859_1", 128),
    ("ISO-8859-2", 128),
    ("ISO-8859-3", 121),
    ("ISO-8859-4", 128),
    ("ISO-8859-5", 128),
    ("ISO-8859-6", 83),
    ("ISO-8859-7", 125),
    ("ISO-8859-8", 92),
    ("ISO-8859-9", 128),
    ("ISO-8859-10", 128),
    ("ISO-8859-13", 128),
    ("ISO-8859-14", 128),
    ("ISO-8859-15", 128),
    ("iso8859-15", 128),
    ("ISO-8859-16", 128),
    ("windows-1250", 123),
    ("CP1251", 127),
    ("windows-1252", 123),
    ("CP1253", 111),
    ("CP1254", 121),
    ("CP1256", 128),
    ("CP1257", 116),
    ("CP874", 97),
    ("KOI8-R", 128),
    ("KOI8-U", 126),
    ("CP866", 128),
    ("Shift_JIS", 6900),
    ("SJIS", 6900),
    ("CP932", 7700),
    ("EUC-JP", 6800),
    ("GB2312", 7000),
    ("GBK", 20000),
    ("GB18030", 20000),
    ("Big5", 12500),
    ("EUC-KR", 7500),
    ("CP949", 16000),
];

#[test]
fn encodings_are_read_as_git_reads_them() {
    let repo = Repo::new();
    for &(name, least) in ENCODINGS {
        let headers = [PEOPLE, format!("encoding {name}\n").as_bytes()].concat();
        let reads = |sequence: &[u8]| parse(&repo.raw(&headers, sequence)).shown().is_ok();
        let mut message: Vec<u8> = (b' '..0x7f).filter(|&byte| reads(&[byte])).collect();
        let mut readable = 0;
        for lead in 0x80..=0xff {
            if reads(&[lead]) {
                message.extend([b'\n', lead]);
                readable += 1;
                continue;
            }
            for trail in (0x30..=0xff).filter(|&trail| reads(&[lead, trail])) {
                message.extend([b'\n', lead, trail]);
                readable += 1;
            }
        }
        assert!(readable >= least, "{name}: {readable}");
        let raw = repo.raw(&headers, &message);
        let shown = repo.log(&raw, "%B");
        assert!(std::str::from_utf8(&shown).is_ok(), "{name}: git did not convert it");
        assert!(parse(&raw).shown().unwrap().message() == shown, "{name}: git shows something else");
    }
}

#[test]
fn an_encoding_of_which_nobody_knows_what_git_shows_is_not_read() {
    let repo = Repo::new();
    for name in ["UTF-7", "IBM037", "UTF-16", "ISO-2022-JP", "CP1255", "CP1258", "ISO-8859-1//TRANSLIT", "ISO-8859-1 ", "x", ""] {
        let headers = [PEOPLE, format!("encoding {name}\n").as_bytes()].concat();
        assert!(parse(&repo.raw(&headers, b"text")).shown().is_err(), "{name}");
    }
    for (name, text) in [("ISO-8859-3", &b"\xa5"[..]), ("CP1252", b"\x81"), ("Shift_JIS", b"\\"), ("EUC-JP", b"\xad\xa1")] {
        let headers = [PEOPLE, format!("encoding {name}\n").as_bytes()].concat();
        assert!(parse(&repo.raw(&headers, text)).shown().is_err(), "{name}");
        assert!(parse(&repo.raw(&headers, b"text")).shown().is_ok(), "{name}");
    }
    // git asks the first header only, and converts nothing that says UTF-8.
    for names in [["ISO-8859-1", "UTF-7"], ["utf8", "UTF-7"], ["UTF-8", "ISO-8859-1"]] {
        let headers = [PEOPLE, format!("encoding {}\nencoding {}\n", names[0], names[1]).as_bytes()].concat();
        let raw = repo.raw(&headers, b"gr\xc3\xbcn");
        assert_eq!(parse(&raw).shown().unwrap().message(), repo.log(&raw, "%B"), "{names:?}");
    }
}

#[test]
fn people_are_read_as_git_reads_them() {
    let repo = Repo::new();
    let lines: [&[u8]; 22] = [
        b"A <a@b> 1 +0000",
        b"A<a@b>1 +0000",
        b"A <a> <b@c> 1 +0000",
        b"A <<a@b>> 1 +0000",
        b"A < a@b > 1 +0000",
        b"A <\ta@b\t> 1 +0000",
        b"A <a@b\r> 1 +0000",
        b"> A <a@b> 1 +0000",
        b"A <a@b> x> 1 +0000",
        b"A <> 1 +0000",
        b"<a@b>",
        b"A <a@b> ",
        b"A <a@b> -1 +0000",
        b"A <a@b> 99999999999999999999999 +0000",
        b"A <a@b> x",
        b"A <\xe4@b> 1 +0000",
        b"A <a@b\x01> 1 +0000",
        b" A <a@b> 1 +0000",
        b"A 1 +0000",
        b"A <a@b 1 +0000",
        b"A a@b> 1 +0000",
        b"",
    ];
    let mut read = 0;
    for line in lines {
        for encoding in ["", "encoding ISO-8859-1\n", "encoding Shift_JIS\n"] {
            let headers = [b"author ", line, b"\ncommitter ", line, b"\n", encoding.as_bytes()].concat();
            let raw = repo.raw(&headers, b"text\n");
            let shown = [repo.log(&raw, "%ae"), repo.log(&raw, "%ce")];
            let commit = parse(&raw);
            let Ok(text) = commit.shown() else { continue };
            let ours = [text.author_email(), text.committer_email()];
            match ours {
                [Ok(author), Ok(committer)] => assert_eq!([author, committer], [&*shown[0], &*shown[1]], "{line:?} {encoding}"),
                _ => assert_eq!(shown, [b"", b""], "{line:?} {encoding}"),
            }
            read += 1;
        }
    }
    assert!(read >= 60, "{read}");
}

#[test]
fn odd_headers_are_read_as_git_reads_them() {
    let repo = Repo::new();
    let two = [PEOPLE, b"author B <b@evil.org> 1 +0000\n"].concat();
    let before = [b"x y\n", PEOPLE].concat();
    let swapped = b"committer C <c@example.org> 2 +0000\nauthor A <a@example.org> 1 +0000\n".to_vec();
    let folded = [PEOPLE, b"gpgsig a\n author X <x@evil.org> 1 +0000\n encoding UTF-7\n"].concat();
    let nul = [b"x \0\n", PEOPLE].concat();
    for (headers, read) in [(&two, false), (&before, true), (&swapped, true), (&folded, true), (&nul, false)] {
        let raw = repo.raw(headers, b"\n\ntext \n");
        let commit = parse(&raw);
        let shown = commit.shown();
        let author = shown.as_ref().ok().and_then(|shown| shown.author_email().ok());
        assert_eq!(author.is_some(), read, "{}", String::from_utf8_lossy(headers));
        if let Some(author) = author {
            assert_eq!(author, repo.log(&raw, "%ae"));
            assert_eq!(shown.as_ref().unwrap().message(), repo.log(&raw, "%B"));
        }
        let time = if read && headers != &swapped && headers != &before { 2 } else { commit.committer_time };
        assert_eq!(commit.committer_time, time);
    }
    for raw in ["", "tree x\n", "author A <a@b> 1 +0000\n"] {
        assert!(Commit::parse(Oid::from_hex(&[b'1'; 40], ObjectFormat::Sha1).unwrap(), raw.as_bytes()).is_err(), "{raw}");
    }
    let headers = format!("parent {}", "2".repeat(41));
    let raw = repo.raw(headers.as_bytes(), b"");
    assert!(Commit::parse(Oid::from_hex(&[b'1'; 40], ObjectFormat::Sha1).unwrap(), &raw).is_err());
    assert_eq!(parse(repo.raw(b"", b"").strip_suffix(b"\n").unwrap()).shown().unwrap().message(), b"");
}

/// A server whose `main` has one commit, and a client that has it.
fn ready(rules: &str, storage: Storage) -> (Server, Work, String) {
    let policy = format!("[[ruleset]]\nname = \"r\"\ntarget = \"branch\"\nrefs = [\"main\"]\n[ruleset.rules]\n{rules}\n");
    let server = Server::stored(&policy, storage);
    let here = Work { dir: server.dir.clone(), home: server.folder.path().into() };
    let tree = here.git_with(&["mktree"], b"");
    let base = literally(&here, format!("tree {tree}\n{}\nbase\n", String::from_utf8_lossy(PEOPLE)).as_bytes());
    server.git(["update-ref", "refs/heads/main", &base]);
    let work = server.work();
    work.git(["fetch", "--quiet", server.dir.to_str().unwrap(), "main"]);
    (server, work, format!("tree {tree}\nparent {base}\n"))
}

fn push(work: &Work, head: &str, headers: &[u8], message: &[u8]) -> crate::support::Pushed {
    let id = literally(work, &[head.as_bytes(), headers, b"\n", message].concat());
    work.push("dev", &[&format!("{id}:refs/heads/main")])
}

#[test]
fn a_forbidden_text_in_another_encoding() {
    let rules = r#"
commit_message_pattern = { operator = "contains", pattern = "verböten", negate = true }
commit_author_email_pattern = { operator = "ends_with", pattern = "@evil.org", negate = true }
"#;
    for storage in kinds() {
        let (_server, work, head) = ready(rules, storage);
        let with = |encoding: &str| [PEOPLE, format!("encoding {encoding}\n").as_bytes()].concat();
        for (encoding, message) in [("ISO-8859-1", &b"verb\xf6ten"[..]), ("CP437", b"verb\x94ten"), ("CP850", b"verb\x94ten")] {
            let pushed = push(&work, &head, &with(encoding), message);
            if encoding == "ISO-8859-1" { pushed.refuse("commit_message_pattern") } else { pushed.undecided("exactly") }
        }
        for (encoding, message) in
            [("UTF-7", &b"verb+APY-ten"[..]), ("IBM037", b"\xa5\x85\x99\x82\xcc\xa3\x85\x95"), ("UTF-16", b"v")]
        {
            push(&work, &head, &with(encoding), message).undecided("exactly");
        }
        let hidden = [b"x \0\n", PEOPLE].concat();
        push(&work, &head, &hidden, b"verb\xc3\xb6ten").undecided("NUL");
        let utf7 = b"author A <a+AEA-evil.org> 1 +0000\ncommitter C <c@example.org> 2 +0000\nencoding UTF-7\n";
        push(&work, &head, utf7, b"fine").undecided("exactly");
        // The yen sign of some tables is the backslash of others.
        push(&work, &head, &with("Shift_JIS"), b"a \\ b").undecided("exactly");
        push(&work, &head, &with("Shift_JIS"), b"\x97\xc7\x82\xa2").accept();
    }
    for storage in kinds() {
        let (_server, work, head) = ready(rules, storage);
        push(&work, &head, &[PEOPLE, b"encoding ISO-8859-1\n"].concat(), b"erlaubt: gr\xfcn").accept();
    }
}

#[test]
fn an_honest_text_in_another_encoding_matches_what_is_asked_for() {
    let rules = r#"
commit_message_pattern = { operator = "regex", pattern = '^grün: \p{Han}*\w' }
commit_author_email_pattern = { operator = "ends_with", pattern = "@büro.example" }
"#;
    let (_server, work, head) = ready(rules, Storage::default());
    let people = b"author A <a@b\xfcro.example> 1 +0000\ncommitter C <c@example.org> 2 +0000\nencoding ISO-8859-1\n";
    push(&work, &head, people, b"gelb: x").refuse("commit_message_pattern");
    push(&work, &head, people, b"gr\xc3\xbcn: x").refuse("commit_message_pattern");
    push(&work, &head, people, b"gr\xfcn: x").accept();
}

#[test]
fn what_people_read_is_what_a_negated_pattern_forbids() {
    let message = "commit_message_pattern = { operator = \"starts_with\", pattern = \"WIP\", negate = true }\n";
    let email = "commit_author_email_pattern = { operator = \"ends_with\", pattern = \"@Evil.org\", negate = true }\n";
    let name = |email: &str| format!("author A <{email}> 1 +0000\ncommitter C <c@example.org> 2 +0000\n").into_bytes();
    for (index, storage) in kinds().into_iter().enumerate() {
        let (_server, work, head) = ready(&format!("{message}{email}"), storage);
        // How a text is read is the same in every kind of repository.
        let few = if index == 0 { usize::MAX } else { 2 };
        for text in [
            "WIP",
            "\n\nWIP",
            " \t\nWIP x",
            "  WIP",
            "\u{200b}WIP",
            "W\u{ad}IP",
            "\u{a0}\u{3000}WIP",
            "\r\nWIP",
            "ＷＩＰ: x",
            "\u{3164}\nWIP",
            "\0\nWIP",
        ]
        .into_iter()
        .take(few)
        {
            push(&work, &head, PEOPLE, text.as_bytes()).refuse("commit_message_pattern");
        }
        for text in [
            "a@Evil.org",
            "a@evil.org",
            "a@EVIL.ORG",
            " a@evil.org ",
            "a@evil.org.",
            "a@evil\u{200b}.org",
            "a＠evil.org",
            "a@evil.org\t",
            "a@evil.org\u{a0}",
        ]
        .into_iter()
        .take(few)
        {
            push(&work, &head, &name(text), b"x").refuse("commit_author_email_pattern");
        }
        let id = literally(&work, &[head.as_bytes(), &name("evil.org@example.org"), b"\n\n\nno WIP\nWIP"].concat());
        work.push("dev", &[&format!("{id}:refs/heads/main")]).accept();
    }
}

#[test]
fn odd_old_commits_block_no_walk_and_odd_new_ones_only_rules_that_read_them() {
    let odd: [&[u8]; 6] = [
        b"author A 1 +0000\ncommitter C 2 +0000\n",
        b"author A <a@example.org> 1 +0000\nauthor B <b@example.org> 1 +0000\ncommitter C <c@example.org> 2 +0000\n",
        b"x y\nauthor A <a@example.org> 1 +0000\ncommitter C <c@example.org> 2 +0000\n",
        b"author A <a@example.org>\ncommitter C <c@example.org> x +9\n",
        b"committer C <c@example.org> 2 +0000\n",
        b"",
    ];
    let path = "file_path_restriction = { restricted_file_paths = [\"secret/**/*\"] }\nnon_fast_forward = true\n";
    let message = "commit_message_pattern = { operator = \"contains\", pattern = \"x\" }\n";
    let email = "commit_author_email_pattern = { operator = \"ends_with\", pattern = \"@example.org\" }\n";
    for storage in kinds() {
        let (server, _, head) = ready(&format!("{path}{message}{email}"), storage);
        let here = Work { dir: server.dir.clone(), home: server.folder.path().into() };
        let tree = &head[..head.find("parent").unwrap()];
        let mut tip = head.lines().last().unwrap().to_owned();
        for headers in odd {
            let raw = [tree.as_bytes(), tip.as_bytes(), b"\n", headers, b"\nold\n"].concat();
            tip = format!("parent {}", literally(&here, &raw));
        }
        server.git(["update-ref", "refs/heads/main", &tip["parent ".len()..]]);
        let work = server.work();
        work.git(["fetch", "--quiet", server.dir.to_str().unwrap(), "main"]);
        push(&work, &format!("{tree}{tip}\n"), PEOPLE, b"x").accept();
    }
    for (index, headers) in odd.into_iter().enumerate() {
        let (_server, work, head) = ready(&format!("{path}{message}"), Storage::default());
        push(&work, &head, headers, b"y").refuse("commit_message_pattern");
        push(&work, &head, headers, b"x").accept();
        let (_server, work, head) = ready(email, Storage::default());
        let pushed = push(&work, &head, headers, b"x");
        // A header before the author, or a time that is none, leaves no doubt about who it is.
        if [2, 3].contains(&index) { pushed.accept() } else { pushed.undecided("cannot be read as text") }
    }
}
