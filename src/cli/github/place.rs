//! Where a file is written: never over another one without being told to.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::{Failure, Result};

/// A file, or standard output.
#[derive(Debug)]
pub(super) struct Place {
    file: Option<PathBuf>,
    force: bool,
}

impl Place {
    /// Finds out before any work whether it may be written. `-` is standard output.
    pub(super) fn new(file: Option<PathBuf>, force: bool) -> Result<Place> {
        let file = file.filter(|file| file != Path::new("-"));
        if let Some(file) = file.as_deref().filter(|file| !force && file.exists()) {
            return Err(Failure::new(format!("`{}` is there already", file.display())).help("write over it with --force"));
        }
        Ok(Place { file, force })
    }

    /// The file as it is shown.
    pub(super) fn shown(&self) -> String {
        self.file.as_ref().map_or_else(|| "policy.toml".to_owned(), |file| file.display().to_string())
    }

    /// Writes it.
    pub(super) fn write(&self, bytes: &[u8], out: &mut dyn Write) -> Result<()> {
        let Some(file) = &self.file else {
            out.write_all(bytes)?;
            return Ok(());
        };
        let mut options = OpenOptions::new();
        // What came to be there meanwhile is not written over either.
        if self.force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        options.write(true).open(file).and_then(|mut open| open.write_all(bytes)).map_err(|error| {
            Failure::new(format!("cannot write `{}`: {error}", file.display())).help("name a file in a folder that is there")
        })
    }
}
