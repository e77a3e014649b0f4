//! The demo, with the hook's program beside it and without.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::clean;

fn demo(program: &Path, home: &Path) -> String {
    let output = clean(program, home).arg("demo").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A folder with the companion's program under this name. It is the same file: a copy would be open for writing while other
/// tests start programs, and then be too busy to run.
fn elsewhere(name: &str) -> (tempfile::TempDir, PathBuf) {
    let own = Path::new(env!("CARGO_BIN_EXE_refwarden"));
    let folder = tempfile::tempdir_in(own.parent().unwrap()).unwrap();
    let program = folder.path().join(name);
    fs::hard_link(own, &program).unwrap();
    (folder, program)
}

/// What the demo must show, whichever program judges.
fn shows_everything(text: &str) {
    assert!(text.contains("Every outcome is the expected one"), "{text}");
    for rule in
        ["non_fast_forward", "deletion", "file_path_restriction", "update", "max_changed_paths", "creation", "annotated_tags"]
    {
        assert!(text.contains(&format!("] {rule}: ")), "no push was refused by `{rule}`:\n{text}");
    }
    assert!(text.matches("remote: refwarden: refused").count() >= 8, "{text}");
    assert!(!text.contains("UNEXPECTED") && !text.contains('\x1b'), "{text}");
}

#[test]
fn with_the_hook_beside_it() {
    let home = tempfile::tempdir().unwrap();
    let text = demo(Path::new(env!("CARGO_BIN_EXE_refwarden")), home.path());
    assert!(text.contains("(a copy of "), "{text}");
    shows_everything(&text);
}

#[test]
fn alone() {
    let (home, program) = elsewhere("it's alone");
    let text = demo(&program, home.path());
    assert!(text.contains("hook`, because refwarden-pre-receive was not built beside it"), "{text}");
    shows_everything(&text);
}

/// The demo tells an expected outcome from another: without a hook every push is accepted, and it says so.
#[test]
fn a_gate_that_is_open_is_told() {
    let (home, program) = elsewhere("refwarden");
    // A file of the hook's name that git does not run.
    fs::write(home.path().join("refwarden-pre-receive"), "#!/bin/sh\nexit 0\n").unwrap();
    let output = clean(&program, home.path()).arg("demo").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && text.contains("UNEXPECTED"), "{text}");
}
