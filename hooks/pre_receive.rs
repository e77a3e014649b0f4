//! The program that git runs as the hook `pre-receive`. No logic: the library decides.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(refwarden::receive::run(std::env::args_os().skip(1)))
}
