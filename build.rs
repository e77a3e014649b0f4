//! Links gcc's unwinder into the programs instead of `libgcc_s.so.1`.
//!
//! A hook is started for every push, and finding, mapping and relocating one more library costs it more than judging a small
//! push. Where the archive is not found, the programs are linked as ever and only start later.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    // Who links for another machine knows where its libraries are, and `cc` here does not.
    let native = env::var("HOST") == env::var("TARGET");
    if native && target("OS") == "linux" && target("ENV") == "gnu" && has_static_unwinder() {
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Whether the linker's driver finds the archive: it then answers with a path, else with the bare name.
fn has_static_unwinder() -> bool {
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    let Ok(output) = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output() else { return false };
    std::str::from_utf8(&output.stdout).is_ok_and(|path| Path::new(path.trim_end()).is_absolute())
}
