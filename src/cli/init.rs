//! `refwarden init`: a shipped policy to begin with.

use std::fs::Permissions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{Failure, Result};

/// A policy that is shipped in the program.
struct Preset {
    name: &'static str,
    summary: &'static str,
    text: &'static str,
}

/// The one list of them. Each is a file in policies/.
const PRESETS: &[Preset] = &[
    Preset {
        name: "minimal",
        summary: "the default branch can be neither deleted nor rewritten",
        text: include_str!("../../policies/minimal.toml"),
    },
    Preset {
        name: "agents",
        summary: "coding agents keep to branches of their own and away from workflows",
        text: include_str!("../../policies/agents.toml"),
    },
    Preset {
        name: "release",
        summary: "release branches and version tags belong to the release group, and stay",
        text: include_str!("../../policies/release.toml"),
    },
    Preset {
        name: "monorepo",
        summary: "each team's folder is changed by that team only, and big files stay out",
        text: include_str!("../../policies/monorepo.toml"),
    },
];

/// Print a shipped policy to begin with
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  refwarden init --list
  refwarden init > refwarden.toml
  refwarden init --preset agents --output /etc/refwarden/policy.toml
  refwarden init --preset release | refwarden check -")]
pub(super) struct Init {
    /// Which policy
    #[arg(long, value_name = "NAME", default_value = "minimal", value_parser = names())]
    preset: String,
    /// List the shipped policies
    #[arg(long, conflicts_with_all = ["output", "force"])]
    list: bool,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "output")]
    force: bool,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(PRESETS.iter().map(|preset| preset.name))
}

impl Init {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<u8> {
        if self.list {
            for preset in PRESETS {
                writeln!(out, "\x1b[1m{:<10}\x1b[0m {}", preset.name, preset.summary)?;
            }
            return Ok(0);
        }
        let preset = PRESETS.iter().find(|preset| preset.name == self.preset);
        let preset = preset.ok_or_else(|| Failure::new(format!("no policy is called `{}`", self.preset)).help("see --list"))?;
        match &self.output {
            Some(path) => {
                write(path, preset.text, self.force)?;
                writeln!(out, "wrote `{}`; see that `identity` is right, then: refwarden check {0}", path.display())?;
            }
            None => out.write_all(preset.text.as_bytes())?,
        }
        Ok(0)
    }
}

/// Writes the whole file or nothing: a hook may be reading the one that is there.
fn write(path: &Path, text: &str, force: bool) -> Result<()> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::new(format!("`{}` is there already", path.display())).help("name another file, or replace it: --force")
        }
        _ => Failure::new(format!("cannot write `{}`: {error}", path.display())).help("name a file in a directory that is there"),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".refwarden.").permissions(Permissions::from_mode(0o644));
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    let kept = if force { file.persist(path) } else { file.persist_noclobber(path) };
    kept.map_err(|error| failed(error.error))?;
    Ok(())
}
