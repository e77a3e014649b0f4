//! `--format` and `--out`: several reports of one result, each to where it belongs.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Failure, Result};
use crate::report::{self, Format, Options, Report};

/// What is written where.
#[derive(Debug, Args)]
pub(super) struct Outputs {
    /// How to write the result; can be given several times
    #[arg(long = "format", value_name = "FORMAT", value_enum)]
    formats: Vec<Word>,
    /// Where the format of the same position goes; `-` is standard output, and so is what is missing
    #[arg(long = "out", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Show every place in the terminal, not only the first 20 of each check
    #[arg(long)]
    all: bool,
}

/// A format, as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Word {
    /// For people, the worst first
    Terminal,
    /// The result itself, which `report` and `--baseline` read
    Json,
    /// SARIF 2.1.0, for GitHub's code scanning
    Sarif,
    /// JUnit XML, for CI
    Junit,
    /// Markdown that fits a job summary (1 MiB)
    Markdown,
    /// Markdown that fits an issue or a comment (65,536 characters)
    Issue,
}

impl From<Word> for Format {
    fn from(word: Word) -> Format {
        match word {
            Word::Terminal => Format::Terminal,
            Word::Json => Format::Json,
            Word::Sarif => Format::Sarif,
            Word::Junit => Format::Junit,
            Word::Markdown => Format::Markdown,
            Word::Issue => Format::Issue,
        }
    }
}

/// Places that a terminal shows of one check.
const SHOWN: usize = 20;

/// Formats and where they go; `None` is standard output.
#[derive(Debug)]
pub(super) struct Plan {
    pairs: Vec<(Format, Option<PathBuf>)>,
    all: bool,
}

impl Outputs {
    /// Pairs formats with files, and finds out before any work whether they can be written.
    pub(super) fn plan(self) -> Result<Plan> {
        let formats = if self.formats.is_empty() { vec![Word::Terminal] } else { self.formats };
        if self.files.len() > formats.len() {
            return Err(Failure::new("there are more `--out` than `--format`")
                .help("the first `--out` belongs to the first `--format`, and so on"));
        }
        let mut files = self.files.into_iter().map(|file| Some(file).filter(|file| file != Path::new("-")));
        let pairs: Vec<_> = formats.into_iter().map(|word| (Format::from(word), files.next().flatten())).collect();
        if pairs.iter().filter(|(_, file)| file.is_none()).count() > 1 {
            return Err(Failure::new("only one format can go to standard output").help("give every other one its `--out FILE`"));
        }
        let mut seen = BTreeSet::new();
        for file in pairs.iter().filter_map(|(_, file)| file.as_ref()) {
            if !seen.insert(file) {
                return Err(Failure::new(format!("`{}` is named twice", file.display())).help("give each format its own file"));
            }
            // Now, and not after everything was read.
            OpenOptions::new().create(true).append(true).open(file).map_err(|error| unwritable(file, &error))?;
        }
        Ok(Plan { pairs, all: self.all })
    }
}

fn unwritable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write `{}`: {error}", file.display())).help("name a file in a folder that is there")
}

impl Plan {
    /// Writes every format.
    pub(super) fn write(&self, report: &Report, out: &mut dyn Write) -> Result<()> {
        let width = comfy_table::Table::new().width();
        for (format, file) in &self.pairs {
            let to_terminal = file.is_none();
            let options = Options {
                // What is no terminal gets them taken out again.
                colour: to_terminal,
                width: width.filter(|_| to_terminal),
                most: (!self.all && to_terminal && width.is_some()).then_some(SHOWN),
                home: std::env::var("GITHUB_REPOSITORY").ok().filter(|name| name.contains('/')),
            };
            let text = report::render(report, *format, &options)
                .map_err(|report::Unwritable(why)| Failure::new(format!("the report cannot be written: {why}")))?;
            match file {
                None => out.write_all(text.as_bytes())?,
                Some(file) => std::fs::write(file, text).map_err(|error| unwritable(file, &error))?,
            }
        }
        Ok(())
    }
}

/// Reads a result that was written as JSON.
pub(super) fn read_result(path: &Path) -> Result<Report> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes)?;
        bytes
    } else {
        std::fs::read(path).map_err(|error| {
            Failure::new(format!("cannot read `{}`: {error}", path.display())).help("name a file that `--format json` wrote")
        })?
    };
    report::json::parse(&bytes).map_err(|why| {
        let why = report::text::plain(&why).into_owned();
        Failure::new(format!("`{}` is no result that can be read: {why}", path.display()))
            .help("name a file that `--format json` of this version wrote")
    })
}
